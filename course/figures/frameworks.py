"""Pictures of tools side by side: what is asked for, what accountants say, what is drawn, what runs cost."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from course.figures.style import COLOURS

ROLES = ("honest", "private", "second", "third", "attacker")
MARKERS = ("o", "s", "^", "D", "v")


def plot_needs(
    ax: Axes, situations: Mapping[str, set[str]], brought_by: Mapping[str, Sequence[str]], *, title: str
) -> Axes:
    """A decision map: one row a situation, one column a need, and under each need who brings it.

    Args:
        situations: what it is → the needs that it has.
        brought_by: need → names of tools, one column each, in this order.
    """
    columns, rows = list(brought_by), list(situations)
    for row, asked in enumerate(situations.values()):
        ax.axhline(row, color="#dddddd", linewidth=0.8, zorder=0)
        for column, need in enumerate(columns):
            if need in asked:
                ax.plot(column, row, MARKERS[column], color=COLOURS[ROLES[column]], markersize=13)
        if not asked:
            ax.text(-0.3, row, "nothing", va="center", fontsize=9, color=COLOURS["baseline"], style="italic")
    for column, (need, tools) in enumerate(brought_by.items()):
        ax.text(
            column, -0.65, need.replace(" at ", "\nat "), ha="center", va="bottom", fontsize=9.5,
            fontweight="bold", color=COLOURS[ROLES[column]],
        )  # fmt: skip
        ax.text(
            column, len(rows) - 0.4, "\n".join(tools) or "nobody", ha="center", va="top", fontsize=8,
            color="#333333", linespacing=1.3,
        )  # fmt: skip
    ax.text(-0.75, len(rows) - 0.4, "who brings it", ha="right", va="top", fontsize=8.5, style="italic")
    longest = max(map(len, brought_by.values()))
    ax.set(
        xlim=(-0.7, len(columns) - 0.4), ylim=(len(rows) - 0.3 + 0.3 * longest, -1.5), xticks=[],
        yticks=range(len(rows)), yticklabels=rows,
    )  # fmt: skip
    ax.tick_params(axis="y", length=0, labelsize=9)
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.grid(False)
    ax.set_title(title, x=-0.55)
    return ax


KINDS = {
    "upper bound": ("honest", "<", "at most"),
    "lower bound": ("private", ">", "at least"),
    "estimate": ("attacker", "x", "about"),
}
"""Kind of a number → its colour, its marker, and how one reads it."""


def plot_accountants(ax: Axes, results: Sequence[tuple[str, str, float]], *, title: str, xlabel: str) -> Axes:
    """One row an accountant: an arrowhead says on which side of its number the true ε lies.

    Args:
        results: (accountant, "upper bound", "lower bound" or "estimate", ε), the first on top.
    """
    values = [epsilon for _, _, epsilon in results]
    width = max(values) - min(values)
    for row, (name, kind, epsilon) in enumerate(results):
        role, marker, said = KINDS[kind]
        ax.plot(epsilon, row, marker, color=COLOURS[role], markersize=10, markeredgewidth=2.5)
        ax.annotate(
            f"{name}: {said} {epsilon:.3f}", (epsilon, row), xytext=(10, 0), textcoords="offset points",
            va="center", fontsize=9.5, color=COLOURS[role],
        )  # fmt: skip
    proved = [epsilon for _, kind, epsilon in results if kind == "lower bound"]
    if proved:
        ax.axvspan(min(values) - width, max(proved), color="#eeeeee", zorder=0)
        ax.text(
            max(proved) - 0.02 * width, len(results) - 0.55, "no true ε lies here", ha="right", va="center",
            fontsize=9, color=COLOURS["baseline"],
        )  # fmt: skip
    ax.set(title=title, xlabel=xlabel, yticks=[], ylim=(len(results) - 0.3, -0.6))
    ax.set_xlim(min(values) - 0.15 * width, max(values) + 0.75 * width)
    ax.grid(axis="y", visible=False)
    return ax


def plot_noise_of_tools(
    ax: Axes,
    noise: Mapping[str, np.ndarray],
    exact: Mapping[str, Mapping[int, float]],
    *,
    title: str,
    xlabel: str,
    reach: int = 4,
) -> Axes:
    """How often each whole number comes out of each tool, beside exact distributions.

    Args:
        noise: tool → whole numbers, shape (draws,).
        exact: name → whole number → probability, drawn as lines.
        reach: the largest number shown, of either sign.
    """
    numbers = np.arange(-reach, reach + 1)
    for (name, chances), role, dash in zip(
        exact.items(), ("baseline", "attacker"), ("-", "--"), strict=False
    ):
        ax.plot(
            numbers, [100 * chances[n] for n in numbers], dash, color=COLOURS[role], linewidth=1.3, label=name
        )
    offsets = np.linspace(-0.24, 0.24, len(noise))
    for (tool, drawn), offset, role, marker in zip(noise.items(), offsets, ROLES, MARKERS, strict=False):
        shares = np.array([100 * np.mean(drawn == n) for n in numbers])
        errors = 1.96 * np.sqrt(shares * (100 - shares) / len(drawn))
        ax.errorbar(
            numbers + offset, shares, yerr=errors, fmt=marker, color=COLOURS[role], markersize=5, linewidth=1,
            label=tool,
        )  # fmt: skip
    ax.set(title=title, xlabel=xlabel, ylabel="of all draws (%)", xticks=numbers)
    ax.set_ylim(bottom=0)
    ax.legend(fontsize=8.5, loc="upper left")
    return ax


def plot_run_costs(ax: Axes, costs: Mapping[str, tuple[float, float, bool]], *, title: str) -> Axes:
    """Seconds of each run on a logarithmic axis: the work itself, and the whole process around it.

    Args:
        costs: what ran → (seconds of the work, seconds of the process, whether it ran live).
    """
    for row, (work, whole, live) in enumerate(costs.values()):
        fill = {"markerfacecolor": None if live else "white", "markersize": 7}
        ax.plot([work, whole], [row, row], color="#cccccc", linewidth=2, zorder=0)
        ax.plot(work, row, "o", color=COLOURS["honest"], **fill)
        ax.plot(whole, row, "s", color=COLOURS["second"], **fill)
    work, whole, _ = next(iter(costs.values()))
    for x, said, role in ((work, "the work", "honest"), (whole, "its process", "second")):
        ax.annotate(
            said, (x, 0), xytext=(0, 9), textcoords="offset points", ha="center", fontsize=9,
            color=COLOURS[role],
        )  # fmt: skip
    ax.set(
        title=title, xlabel="seconds (filled: run now; hollow: recorded)", xscale="log",
        yticks=range(len(costs)), yticklabels=list(costs), ylim=(len(costs) - 0.5, -1),
        xlim=(0.4 * min(work for work, _, _ in costs.values()), None),
    )  # fmt: skip
    ax.grid(axis="y", visible=False)
    return ax
