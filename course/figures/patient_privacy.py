"""Pictures of patient-level privacy: budgets that are spent, intervals side by side, and the wrong unit."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from course.figures.style import COLOURS, DASHES

_SERIES = ("honest", "private", "second", "third", "fourth", "attacker")
_MARKERS = "oD^svP"


def plot_spending(
    ax: Axes, spent: Mapping[str, Sequence[float]], *, limit: float, starts: Mapping[str, int], title: str
) -> Axes:
    """How a hospital's ε grows from round to round, over all runs that it took part in.

    Args:
        spent: hospital → ε after each of its rounds, in nats; NaN where it sat out.
        limit: at which a hospital takes part no more.
        starts: run → the round (counted over all runs) in which it begins.
    """
    for role, marker, (name, values) in zip(_SERIES, _MARKERS, spent.items(), strict=False):
        values = np.asarray(values, dtype=float)
        rounds = np.arange(1, len(values) + 1)
        ax.step(rounds, values, where="post", color=COLOURS[role], linestyle=DASHES[role])
        last = int(np.flatnonzero(np.isfinite(values))[-1])
        ax.plot(rounds[last], values[last], marker, color=COLOURS[role], markersize=6)
        to_the_end = last == max(map(len, spent.values())) - 1
        ax.annotate(
            name, (rounds[last], values[last]), xytext=(7, 0) if to_the_end else (-4, 9),
            textcoords="offset points", va="center", ha="left" if to_the_end else "right",
            color=COLOURS[role], fontsize=9, annotation_clip=False,
        )  # fmt: skip
    ax.axhline(limit, color=COLOURS["baseline"], linestyle=DASHES["baseline"], linewidth=1.4)
    ax.annotate(
        "the hospitals' limit", (1, limit), xytext=(2, 4), textcoords="offset points", fontsize=9,
        color=COLOURS["baseline"],
    )  # fmt: skip
    for name, start in starts.items():
        ax.axvline(start + 0.5, color=COLOURS["baseline"], linewidth=0.8, alpha=0.5)
        ax.annotate(
            name, (start + 0.5, 0), xytext=(4, 4), textcoords="offset points", fontsize=9,
            color=COLOURS["baseline"],
        )  # fmt: skip
    ax.set(title=title, xlabel="rounds, over all runs", ylabel="spent: ε (total, δ = 1e-4)")
    ax.set_ylim(0, 1.12 * limit)
    return ax


def plot_intervals(
    ax: Axes,
    rows: Mapping[str, Mapping[str, tuple[float, float, float]]],
    *,
    title: str,
    xlabel: str,
    line: tuple[float, str] | None = None,
) -> Axes:
    """One row a group, one mark a way: a value with its interval.

    Args:
        rows: group → way → (value, low, high); a way that is missing in a group is left out there.
        line: a value to compare with, and its name.
    """
    ways = list(dict.fromkeys(way for row in rows.values() for way in row))
    for index, (role, marker, way) in enumerate(zip(_SERIES, _MARKERS, ways, strict=False)):
        offset = (index - (len(ways) - 1) / 2) * 0.62 / max(len(ways), 2)
        for place, row in enumerate(rows.values()):
            if way not in row:
                continue
            value, low, high = row[way]
            ax.plot([low, high], [place + offset] * 2, color=COLOURS[role], linewidth=1.8, alpha=0.8)
            ax.plot(value, place + offset, marker, color=COLOURS[role], markersize=6.5)
        ax.plot([], [], marker, color=COLOURS[role], linestyle="-", linewidth=1.8, label=way)
    if line is not None:
        ax.axvline(line[0], color=COLOURS["baseline"], linestyle=DASHES["baseline"], linewidth=1.4)
        ax.annotate(
            line[1], (line[0], 1), xycoords=("data", "axes fraction"), xytext=(3, 3),
            textcoords="offset points", fontsize=8.5, color=COLOURS["baseline"],
        )  # fmt: skip
    ax.set_title(title, pad=16 if line else 6)
    ax.set(xlabel=xlabel, yticks=range(len(rows)), yticklabels=list(rows), ylim=(len(rows) - 0.5, -0.5))
    ax.grid(visible=False, axis="y")
    if len(ways) > 1:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=9)
    return ax


def plot_told_apart(
    ax: Axes,
    aucs: Mapping[str, Sequence[float]],
    *,
    slices: Sequence[int],
    ceiling: tuple[float, str],
    title: str,
) -> Axes:
    """How well runs with a patient are told from runs without, over how many slices the patient has.

    Args:
        aucs: unit of the promise → the attack's AUC for each number of slices.
        slices: numbers of slices, shape (n,).
        ceiling: the largest AUC that the promise to a patient allows, and its name.
    """
    for role, marker, (name, values) in zip(("attacker", "private"), "sD", aucs.items(), strict=False):
        ax.plot(slices, values, marker=marker, color=COLOURS[role], linestyle=DASHES[role], markersize=7)
        ax.annotate(
            name, (slices[-1], values[-1]), xytext=(8, 0), textcoords="offset points", va="center",
            color=COLOURS[role], fontsize=9, annotation_clip=False,
        )  # fmt: skip
    for level, name, dash, end in ((0.5, "guessing", DASHES["baseline"], 0), (*ceiling, (0, (7, 3)), -1)):
        ax.axhline(level, color=COLOURS["baseline"], linestyle=dash, linewidth=1.3)
        ax.annotate(
            name, (slices[end], level), xytext=(0, 4), textcoords="offset points", fontsize=8.5,
            ha="right" if end else "left", color=COLOURS["baseline"],
        )  # fmt: skip
    ax.set(
        title=title,
        xscale="log",
        xlabel="slices of the one patient",
        ylabel="attack's AUC",
        ylim=(0.45, 1.03),
    )
    ax.set_xticks(list(slices), [str(number) for number in slices])
    ax.set_xticks([], minor=True)
    return ax
