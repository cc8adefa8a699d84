"""Pictures of the trade-off: cloud and fronts, the surface of ε, small multiples."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LogNorm
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from course.figures.style import COLOURS, DASHES

_SERIES = ("private", "honest", "third", "second", "attacker")
_MARKERS = "Do^sv"

Columns = Mapping[str, np.ndarray]
"""Name → one number a point: "epsilon", "accuracy", "low", "high", "megabytes"."""


def plot_trade_off(
    ax: Axes,
    *,
    cloud: Columns,
    fronts: Mapping[str, Columns],
    unit: str,
    delta: float,
    title: str,
    asked: float | None = None,
    chosen: Columns | None = None,
    reference: float | None = None,
) -> Axes:
    """Accuracy over ε: every point that was tried, and the best ones within each number of megabytes.

    Args:
        cloud: all points of one unit.
        fronts: "0.5 MB" → the points on its front, by rising ε.
        unit: of ε, for the axis.
        delta: of ε, for the axis.
        asked: an accuracy that is asked for.
        chosen: one point.
        reference: accuracy without noise or clipping.
    """
    ax.plot(
        cloud["epsilon"], cloud["accuracy"], ".", color=COLOURS["baseline"], alpha=0.25, markersize=4,
        zorder=1,
    )  # fmt: skip
    for role, marker, (name, front) in zip(_SERIES, _MARKERS, fronts.items(), strict=False):
        if len(front["epsilon"]) == 0:
            continue
        ax.plot(
            front["epsilon"], front["accuracy"], marker=marker, markersize=4.5, linewidth=1.6,
            color=COLOURS[role], linestyle=DASHES[role], drawstyle="steps-post", label=f"within {name}",
        )  # fmt: skip
        ax.vlines(
            front["epsilon"], front["low"], front["high"], color=COLOURS[role], linewidth=0.9, alpha=0.7
        )
    _level(ax, asked, "asked for", below=True)
    _level(ax, reference, "no noise, no clipping")
    if chosen is not None:
        spread = [chosen["accuracy"] - chosen["low"], chosen["high"] - chosen["accuracy"]]
        ax.errorbar(
            chosen["epsilon"], chosen["accuracy"], yerr=spread, fmt="*", color=COLOURS["attacker"],
            markersize=15, markeredgecolor="white", capsize=3, zorder=5, label="chosen",
        )  # fmt: skip
    ax.set(xscale="log", xlabel=f"ε per {unit} (total, δ = {delta:g})", ylabel="accuracy, mean over clients")
    ax.set_ylim(max(0.0, cloud["accuracy"].min() - 0.04), min(1.0, cloud["accuracy"].max() + 0.05))
    _plain_ticks(ax.xaxis)
    ax.set_title(title)
    ax.legend(loc="lower right", fontsize=9)
    return ax


def plot_epsilon_surface(
    ax: Axes,
    epsilons: np.ndarray,
    *,
    accuracies: Sequence[float],
    megabytes: Sequence[float],
    unit: str,
    delta: float,
    title: str,
) -> Axes:
    """The smallest ε for each accuracy and each number of megabytes, and where there is none.

    Args:
        epsilons: shape (accuracies, megabytes); infinite where nothing meets both.
        accuracies, megabytes: rising.
        unit, delta: of ε.
    """
    values = np.ma.masked_invalid(np.asarray(epsilons, dtype=float))
    ax.set_facecolor("#e4e4e4")
    colours = ax.pcolormesh(
        np.arange(len(megabytes)), np.asarray(accuracies), values, norm=LogNorm(), cmap="cividis",
        shading="nearest",
    )  # fmt: skip
    for row in range(0, len(accuracies), max(1, len(accuracies) // 7)):
        for column in range(len(megabytes)):
            found = np.isfinite(epsilons[row][column])
            text = f"{epsilons[row][column]:.2g}" if found else "–"
            bright = found and colours.norm(epsilons[row][column]) > 0.6
            ax.text(
                column, accuracies[row], text, ha="center", va="center", fontsize=8.5,
                color="black" if bright or not found else "white",
            )  # fmt: skip
    ax.set_xticks(range(len(megabytes)), [f"{size:g}" for size in megabytes])
    ax.set(xlabel="megabytes a client, at most", ylabel="accuracy, at least (lower end)")
    ax.set_title(title)
    ax.grid(visible=False)
    bar = ax.figure.colorbar(colours, ax=ax, label=f"smallest ε per {unit} (δ = {delta:g}); grey: none")
    _plain_ticks(bar.ax.yaxis)
    return ax


def plot_small_multiples(
    axes: Sequence[Axes],
    panels: Mapping[str, Mapping[str, Columns]],
    *,
    xlabel: str,
    title: str,
    x: str = "epsilon",
    reference: float | None = None,
) -> Sequence[Axes]:
    """One panel a value of one knob, one line a value of another: accuracy over ε (or what `x` names).

    Args:
        axes: as many as panels, side by side, sharing their y axis.
        panels: panel → line → its points, by rising x.
        xlabel: of every panel.
        title: of the figure.
        x: the column on the x axis.
        reference: accuracy without noise or clipping.
    """
    for ax, (name, lines) in zip(axes, panels.items(), strict=True):
        for role, marker, (label, columns) in zip(_SERIES, _MARKERS, lines.items(), strict=False):
            spread = [columns["accuracy"] - columns["low"], columns["high"] - columns["accuracy"]]
            ax.errorbar(
                columns[x], columns["accuracy"], yerr=spread, marker=marker, markersize=4.5, linewidth=1.5,
                color=COLOURS[role], linestyle=DASHES[role], capsize=2, elinewidth=0.9, label=label,
            )  # fmt: skip
        _level(ax, reference, "no noise, no clipping" if ax is axes[0] else "")
        ax.set_title(name, fontsize=10.5)
        ax.set(xscale="log", xlabel=xlabel)
        _plain_ticks(ax.xaxis)
    values = np.concatenate([c["accuracy"] for lines in panels.values() for c in lines.values()])
    axes[0].set_ylim(max(0.0, values.min() - 0.06), min(1.0, values.max() + 0.06))
    axes[0].set_ylabel("accuracy, mean over clients")
    axes[-1].legend(loc="lower right", fontsize=8.5)
    axes[0].figure.suptitle(title, fontsize=12, fontweight="bold", x=0.01, ha="left")
    return axes


def _plain_ticks(axis: Axis) -> None:
    """0.3, 1, 3, 10 instead of powers, so that an ε reads as everywhere else in the course."""
    axis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _level(ax: Axes, value: float | None, name: str, *, below: bool = False) -> None:
    if value is None:
        return
    ax.axhline(value, color=COLOURS["baseline"], linestyle=DASHES["baseline"], linewidth=1.3, zorder=0)
    ax.annotate(
        name, (0, value), xycoords=("axes fraction", "data"), xytext=(4, -4 if below else 3),
        textcoords="offset points", va="top" if below else "bottom", fontsize=8.5, color=COLOURS["baseline"],
    )  # fmt: skip
