"""Pictures of attacks: what an attacker can tell apart, for one person and for all."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from course.figures.style import COLOURS, DASHES

_ROLES = ("attacker", "second", "third", "honest", "private", "fourth")


def plot_roc(
    ax: Axes,
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    num_non_members: int,
    title: str,
    private: str | None = None,
) -> Axes:
    """ROC curves on two logarithmic axes, with the chance line and the floor at one false alarm.

    Args:
        curves: name → (false-positive rates, true-positive rates), each rising from 0 to 1.
        num_non_members: behind each curve; nothing can be seen left of one false alarm among them.
        private: the name of the curve of a model that keeps a promise, drawn in the private colour.
    """
    floor = 1 / num_non_members
    grid = np.geomspace(floor, 1, 200)
    ax.plot(
        grid, grid, color=COLOURS["baseline"], linestyle=DASHES["baseline"], linewidth=1.4, label="chance"
    )
    others = iter([role for role in _ROLES if role != "private" or private is None])
    for name, (fpr, tpr) in curves.items():
        role = "private" if name == private else next(others)
        # A step curve at each rate of the grid: the highest share found without more false alarms than that.
        heights = tpr[np.searchsorted(fpr, grid * (1 + 1e-9), side="right") - 1]
        seen = heights > 0
        ax.plot(grid[seen], heights[seen], color=COLOURS[role], linestyle=DASHES[role], label=name)
    ax.axvspan(floor / 3, floor, color=COLOURS["baseline"], alpha=0.12, linewidth=0)
    ax.annotate(
        "under one\nfalse alarm", (floor / 1.75, 0.03), rotation=90, ha="center", va="center", fontsize=8,
        color=COLOURS["baseline"],
    )  # fmt: skip
    ax.set(
        title=title, xscale="log", yscale="log", xlim=(floor / 3, 1), ylim=(floor, 1.2),
        xlabel="non-members accused (false-positive rate)", ylabel="members found",
    )  # fmt: skip
    percent = FuncFormatter(lambda share, _: f"{100 * share:g} %")
    ax.xaxis.set_major_formatter(percent)
    ax.yaxis.set_major_formatter(percent)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=9)
    return ax


def plot_in_and_out(
    ax: Axes, inside: np.ndarray, outside: np.ndarray, *, target: float, title: str, xlabel: str
) -> Axes:
    """One person: what models say that had them, what models say that had not, and what the target says.

    Args:
        inside, outside: logits, one a shadow model.
        target: the target's logit.
    """
    bins = np.linspace(min(inside.min(), outside.min(), target), max(inside.max(), outside.max(), target), 25)
    ax.hist(outside, bins, color=COLOURS["honest"], alpha=0.75, label="models without them")
    ax.hist(
        inside, bins, color=COLOURS["attacker"], alpha=0.75, histtype="step", linewidth=2, hatch="//",
        label="models with them",
    )  # fmt: skip
    ax.axvline(target, color="black", linewidth=1.6, linestyle=(0, (4, 2)), label="the target")
    ax.set(title=title, xlabel=xlabel, ylabel="shadow models")
    return ax


def plot_exposure(
    ax: Axes,
    groups: Mapping[str, Mapping[str, tuple[float, float, float, float]]],
    *,
    title: str,
    average: float,
) -> Axes:
    """How many members of each group are found: a bar with its interval, and the group's false alarms.

    Args:
        groups: heading → group → (share found, low, high, share of its non-members accused), in [0, 1].
        average: the share found over everybody.
    """
    row, ticks = 0.0, []
    for heading, members in groups.items():
        ax.annotate(heading, (0, row), xytext=(-4, 0), textcoords="offset points", ha="right", va="center",
                    fontweight="bold", fontsize=9, annotation_clip=False)  # fmt: skip
        for name, (found, low, high, accused) in members.items():
            row += 1
            ticks.append((row, name))
            ax.barh(row, 100 * found, color=COLOURS["attacker"], alpha=0.8, height=0.65)
            ax.plot([100 * low, 100 * high], [row, row], color="black", linewidth=1.2)
            ax.plot(100 * accused, row, "D", color=COLOURS["honest"], markersize=5)
        row += 1.4
    ax.axvline(100 * average, color=COLOURS["baseline"], linestyle=DASHES["baseline"], linewidth=1.4)
    ax.annotate("everybody", (100 * average, row - 0.9), xytext=(4, 0), textcoords="offset points",
                color=COLOURS["baseline"], fontsize=9, va="center")  # fmt: skip
    ax.set(
        title=title, xlabel="members found (bar) and non-members accused (diamond), %",
        yticks=[place for place, _ in ticks],
        yticklabels=[name for _, name in ticks], xlim=(0, None), ylim=(row - 0.4, -0.7),
    )  # fmt: skip
    ax.grid(visible=False, axis="y")
    return ax


def plot_against_shadows(
    ax: Axes, found: Mapping[str, Sequence[tuple[float, float, float]]], numbers: Sequence[int], *, title: str
) -> Axes:
    """The share of members found over the number of shadow models, with its interval.

    Args:
        found: attack → one (share, low, high) for each of `numbers`, in [0, 1].
        numbers: of shadow models.
    """
    for role, marker, (name, rates) in zip(_ROLES, "osD^", found.items(), strict=False):
        share, low, high = 100 * np.array(rates).T
        ax.errorbar(
            numbers, share, yerr=[share - low, high - share], color=COLOURS[role], linestyle=DASHES[role],
            marker=marker, capsize=3, label=name,
        )  # fmt: skip
    ax.axhline(1, color=COLOURS["baseline"], linestyle=DASHES["baseline"], linewidth=1.4, label="chance")
    ax.set(title=title, xscale="log", xlabel="shadow models", ylabel="members found at 1 % FPR (%)")
    ax.set_xticks(list(numbers), [str(number) for number in numbers], minor=False)
    ax.set_xticks([], minor=True)
    ax.set_ylim(0, None)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=9)
    return ax
