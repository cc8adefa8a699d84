"""Pictures of private training: what a promise costs, whom it costs, and what an audit sees of it."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from course.figures.style import COLOURS, DASHES

_ROLES = ("private", "second", "third", "honest", "fourth")
_MARKERS = "osD^v"


def plot_norms(ax: Axes, norms: Mapping[str, np.ndarray], *, limit: float, title: str) -> Axes:
    """How long the people's gradients are: histograms over a logarithmic axis, and the clipping norm.

    Args:
        norms: name → positive norms, shape (people,).
    """
    low, high = min(n.min() for n in norms.values()), max(n.max() for n in norms.values())
    bins = np.geomspace(low, high, 50)
    for role, (name, values) in zip(("honest", "second"), norms.items(), strict=False):
        ax.hist(
            values,
            bins,
            histtype="step",
            linewidth=2,
            color=COLOURS[role],
            linestyle=DASHES[role],
            label=name,
        )
    ax.axvline(limit, color=COLOURS["private"], linewidth=2)
    ax.annotate(
        f"clipping norm {limit:g}", (limit, 1), xycoords=("data", "axes fraction"), xytext=(5, -10),
        textcoords="offset points", color=COLOURS["private"], fontsize=9,
    )  # fmt: skip
    ax.set(title=title, xscale="log", yscale="log", xlabel="norm of one person's gradient", ylabel="people")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda norm, _: f"{norm:g}"))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda people, _: f"{people:,.0f}"))
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=9)
    return ax


def plot_price(
    ax: Axes,
    curves: Mapping[str, Sequence[tuple[float, float, float]]],
    *,
    x: Sequence[float],
    title: str,
    xlabel: str,
    baselines: Mapping[str, float],
    ylabel: str = "test accuracy (%)",
) -> Axes:
    """Accuracy over a setting on a logarithmic axis: a mark at each mean, a bar for its interval.

    Args:
        curves: name → one (mean, low, high) for each x, in [0, 1].
        x: the settings, shape (n,), positive; each is a tick.
        baselines: name → accuracy in [0, 1], drawn as a level line.
    """
    for role, marker, (name, rows) in zip(_ROLES, _MARKERS, curves.items(), strict=False):
        mean, low, high = 100 * np.array(rows).T
        ax.errorbar(
            x, mean, yerr=[mean - low, high - mean], color=COLOURS[role], linestyle=DASHES[role],
            marker=marker, markersize=6, capsize=4, label=name,
        )  # fmt: skip
    right = x[-1] * (x[-1] / x[0]) ** 0.04
    for index, (name, level) in enumerate(baselines.items()):
        at_left = _room(curves, level, 0) > _room(curves, level, -1)
        dash = DASHES["baseline"] if index == 0 else (0, (7, 3))
        ax.axhline(100 * level, color=COLOURS["baseline"], linestyle=dash, linewidth=1.4)
        ax.annotate(
            name, (x[0] * x[-1] / right if at_left else right, 100 * level), xytext=(3 * at_left, 3),
            textcoords="offset points", ha="left" if at_left else "right", va="bottom",
            color=COLOURS["baseline"], fontsize=8.5,
        )  # fmt: skip
    ax.set(title=title, xscale="log", xlabel=xlabel, ylabel=ylabel, xlim=(x[0] * x[-1] / right, right))
    ax.set_xticks(list(x), [f"{value:g}" for value in x])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
    if len(curves) > 1:
        ax.legend(loc="lower left", fontsize=9)
    return ax


def _room(curves: Mapping[str, Sequence[tuple[float, float, float]]], level: float, end: int) -> float:
    """How far a level line is from what is drawn at the first (0) or the last (-1) setting."""
    gaps = [max(rows[end][1] - level, level - rows[end][2], 0.0) for rows in curves.values()]
    return min(gaps)


def plot_groups(
    ax: Axes, changes: Mapping[str, Mapping[str, float]], *, title: str, xlabel: str, origin: str
) -> Axes:
    """One row a group of people, one mark a way to train: how far it is from the way at the origin.

    Args:
        changes: group → way → change of a share, in [−1, 1]; the same ways in every group.
        origin: the name of the way that all are compared with.
    """
    names = list(changes)
    ax.axvline(0, color=COLOURS["baseline"], linestyle=DASHES["baseline"], linewidth=1.4)
    ax.annotate(
        origin, (0, 1), xycoords=("data", "axes fraction"), xytext=(0, 2), textcoords="offset points",
        ha="center", va="bottom", fontsize=8.5, color=COLOURS["baseline"],
    )  # fmt: skip
    for role, marker, way in zip(("honest", "second", "private"), "sD^", changes[names[0]], strict=False):
        points = [100 * changes[name][way] for name in names]
        ax.plot(points, range(len(names)), marker, color=COLOURS[role], markersize=9, label=way, alpha=0.85)
    ax.set_title(title, pad=18)
    ax.set(xlabel=xlabel, yticks=range(len(names)), yticklabels=names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.margins(x=0.08)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=9)
    return ax


def plot_audit(
    ax: Axes,
    claimed: Sequence[float],
    audited: np.ndarray,
    *,
    caught: Mapping[str, tuple[float, float]],
    ceiling: float,
    title: str,
) -> Axes:
    """What an audit proves against what is promised; above the diagonal a promise is broken.

    Args:
        claimed: ε of the accountant, shape (n,).
        audited: lower bounds, shape (n, runs).
        caught: name of a broken code → (claimed ε, lower bound); drawn side by side where they coincide.
        ceiling: the largest bound that this audit could report.
    """
    top = max(*claimed, ceiling) * 1.12
    ax.plot([0, top], [0, top], color=COLOURS["baseline"], linestyle=DASHES["baseline"], linewidth=1.4)
    ax.annotate(
        "the promise", (0.86 * top, 0.86 * top), xytext=(-8, 4), textcoords="offset points", fontsize=9,
        color=COLOURS["baseline"], ha="right",
    )  # fmt: skip
    ax.axhline(ceiling, color=COLOURS["baseline"], linestyle=(0, (7, 3)), linewidth=1.2)
    ax.annotate(
        "no audit of this size can see more", (top, ceiling), xytext=(0, -11), textcoords="offset points",
        fontsize=8.5, color=COLOURS["baseline"], ha="right",
    )  # fmt: skip
    for run, bounds in enumerate(np.asarray(audited).T):
        label = "your step, one mark a run" if run == 0 else None
        ax.plot(claimed, bounds, "o", color=COLOURS["private"], alpha=0.6, markersize=6, label=label)
    for index, (marker, (name, (promise, bound))) in enumerate(zip("^sv", caught.items(), strict=False)):
        beside = promise + (index - 1) * 0.025 * top
        ax.plot(beside, bound, marker, color=COLOURS["attacker"], markersize=8, alpha=0.85, label=name)
    ax.set(
        title=title, xlim=(0, top), ylim=(-0.1, top), xlabel="claimed by the accountant: ε (total, δ = 1e-5)",
        ylabel="proved by the audit:\nlower bound on ε (95 %)",
    )  # fmt: skip
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=9)
    return ax
