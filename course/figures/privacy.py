"""Pictures of a promise: what it leaves to a guesser, how its loss is distributed, how it is spent."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from course.figures.style import COLOURS, DASHES

_SERIES = ("honest", "attacker", "second", "private", "third", "fourth")
_MARKERS = "osD^vP"


def plot_guesses(
    ax: Axes,
    points: Mapping[str, tuple[float, float]],
    *,
    limits: Mapping[str, tuple[np.ndarray, np.ndarray]],
    title: str,
) -> Axes:
    """The two errors of guessing rules, and below which line each promise lets no rule fall.

    Args:
        points: rule → (false-alarm rate, miss rate), each in [0, 1].
        limits: name → (false-alarm rates, smallest miss rates), the border of one promise, shape (n,) each;
            the area below is shaded, because no rule gets there.
    """
    ax.plot([0, 100], [100, 0], color=COLOURS["baseline"], linestyle=DASHES["baseline"], linewidth=1.4)
    ax.annotate("coin toss", (24, 78), color=COLOURS["baseline"], fontsize=9)
    for role, marker, name in zip(_SERIES, _MARKERS, limits, strict=False):
        false_alarms, misses = limits[name]
        ax.plot(100 * false_alarms, 100 * misses, color=COLOURS[role], linestyle=DASHES[role])
        ax.fill_between(100 * false_alarms, 100 * misses, color=COLOURS[role], alpha=0.08, linewidth=0)
        at = int(np.argmin(np.abs(false_alarms - 0.55)))
        ax.annotate(
            name, (100 * false_alarms[at], 100 * misses[at]), textcoords="offset points",
            xytext=(2, 3) if misses[at] < 0.25 else (-36, -14), color=COLOURS[role], fontsize=9,
        )  # fmt: skip
        x, y = points.get(name, (np.nan, np.nan))
        ax.plot(
            100 * x, 100 * y, marker, color=COLOURS[role], markersize=9, markeredgecolor="white", zorder=5
        )
    ax.set(
        title=title, xlabel='false alarms: "in" though they are not (%)',
        ylabel='misses: "not in" though they are (%)',
        xlim=(-2, 102), ylim=(-2, 102),
    )  # fmt: skip
    ax.set_aspect("equal")
    return ax


def plot_losses(
    ax: Axes, curves: Mapping[str, tuple[np.ndarray, np.ndarray]], *, title: str, line: float | None = None
) -> Axes:
    """Distributions of the privacy loss, on a logarithmic scale of density, so that tails can be seen.

    Args:
        curves: name → (losses in nats, densities), shape (n,) each.
        line: the loss to mark, usually ε.
    """
    for role, (name, (losses, densities)) in zip(_SERIES, curves.items(), strict=False):
        ax.plot(losses, densities, color=COLOURS[role], linestyle=DASHES[role], label=name)
    if line is not None:
        ax.axvline(line, color=COLOURS["baseline"], linestyle=DASHES["baseline"], linewidth=1.4)
        ax.annotate("ε", (line, 1), xycoords=("data", "axes fraction"), xytext=(4, -12),
                    textcoords="offset points", color=COLOURS["baseline"])  # fmt: skip
    ax.set_yscale("log")
    ax.set(title=title, xlabel="privacy loss of an output (nats)", ylabel="density (log scale)")
    ax.legend(fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return ax


def plot_growth(
    ax: Axes,
    curves: Mapping[str, Sequence[float]],
    *,
    x: Sequence[float],
    title: str,
    xlabel: str,
    ylabel: str,
    logarithmic: bool = True,
    line: tuple[float, str] | None = None,
) -> Axes:
    """How quantities grow side by side: a line each, its name at its right end.

    Args:
        curves: name → values, one for each x; None or NaN leaves a gap.
        x: positions, shape (n,).
        logarithmic: both axes.
        line: a vertical line at a position, and its name.
    """
    ends = []
    for role, marker, (name, values) in zip(_SERIES, _MARKERS, curves.items(), strict=False):
        values = np.asarray(values, dtype=float)
        ax.plot(x, values, marker=marker, color=COLOURS[role], linestyle=DASHES[role], markersize=4)
        last = int(np.flatnonzero(np.isfinite(values))[-1])
        ends.append([values[last], x[last], name, COLOURS[role]])
    if logarithmic:
        ax.set_xscale("log")
        ax.set_yscale("log")
    if line is not None:
        ax.axvline(line[0], color=COLOURS["baseline"], linestyle=DASHES["baseline"], linewidth=1.4)
        ax.annotate(line[1], (line[0], 1), xycoords=("data", "axes fraction"), xytext=(4, -12),
                    textcoords="offset points", color=COLOURS["baseline"], fontsize=9)  # fmt: skip
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    _label_ends(ax, ends)
    return ax


def _label_ends(ax: Axes, ends: list[list]) -> None:
    """Names at the right ends, moved apart where two overlap, in pixels because axes may be logarithmic."""
    ax.figure.canvas.draw()
    lowest = -np.inf
    for value, position, name, colour in sorted(ends, key=lambda end: end[0]):
        up = ax.transData.transform((position, value))[1]
        at = max(up, lowest + 14)
        lowest = at
        ax.annotate(
            name, (position, value), xytext=(6, (at - up) * 72 / ax.figure.dpi), textcoords="offset points",
            color=colour, va="center", fontsize=9, annotation_clip=False,
        )  # fmt: skip
