"""Pictures of federated learning: who holds what, how a run goes, who gains."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from course.figures.style import COLOURS, DASHES

_SERIES = ("honest", "attacker", "second", "private", "third", "fourth")


def plot_holdings(ax: Axes, counts: np.ndarray, *, title: str) -> Axes:
    """Who holds what: a circle a client and class, its area the number of examples.

    Args:
        counts: shape (num_clients, num_classes), as `label_counts` gives it.
    """
    clients, classes = np.nonzero(counts)
    area = 260 * counts[clients, classes] / counts.max()
    ax.scatter(clients, classes, s=area, color=COLOURS["honest"], alpha=0.85, linewidths=0)
    ax.set(
        title=title,
        xlabel="client",
        ylabel="digit",
        xticks=range(counts.shape[0]),
        yticks=range(counts.shape[1]),
    )
    ax.set_xlim(-0.7, counts.shape[0] - 0.3)
    ax.set_ylim(-0.7, counts.shape[1] - 0.3)
    return ax


def plot_curves(
    ax: Axes,
    curves: Mapping[str, np.ndarray],
    *,
    title: str,
    x: Mapping[str, np.ndarray] | None = None,
    xlabel: str = "round",
    ylabel: str = "test accuracy (%)",
    baselines: Mapping[str, float] | None = None,
) -> Axes:
    """Accuracy over rounds (or bytes): a line a method, its band the range over seeds, labels at the ends.

    Args:
        curves: name → accuracies in [0, 1], shape (rounds,) or (seeds, rounds).
        x: name → positions, shape (rounds,); rounds from 1 if absent.
        baselines: name → accuracy in [0, 1], drawn as a level line.
    """
    ends = []
    for role, (name, values) in zip(_SERIES, curves.items(), strict=False):
        values = 100 * np.atleast_2d(values)
        where = np.arange(1, values.shape[1] + 1) if x is None else x[name]
        ax.plot(where, values.mean(axis=0), color=COLOURS[role], linestyle=DASHES[role])
        if len(values) > 1:
            ax.fill_between(
                where, values.min(axis=0), values.max(axis=0), color=COLOURS[role], alpha=0.15, linewidth=0
            )
        ends.append((values.mean(axis=0)[-1], where[-1], name, COLOURS[role]))
    _label_ends(ax, ends + _draw_baselines(ax, baselines))
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    return ax


def plot_clients(
    ax: Axes, values: Mapping[str, Sequence[float]], *, title: str, ylabel: str = "accuracy (%)"
) -> Axes:
    """One mark a client and method, the clients side by side; a method's mean is in its legend entry.

    Args:
        values: method → accuracies in [0, 1], one a client.
    """
    markers = "osD^vP"
    for role, marker, (name, scores) in zip(_SERIES, markers, values.items(), strict=False):
        scores = 100 * np.asarray(scores)
        label = f"{name} (mean {scores.mean():.1f})"
        ax.plot(range(len(scores)), scores, marker, color=COLOURS[role], markersize=7, label=label, alpha=0.9)
    ax.set(title=title, xlabel="client", ylabel=ylabel, xticks=range(len(scores)))
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=9)
    return ax


def plot_levels(
    ax: Axes,
    levels: Mapping[str, Sequence[float]],
    *,
    title: str,
    xlabel: str,
    ylabel: str = "test accuracy (%)",
    baselines: Mapping[str, float] | None = None,
) -> Axes:
    """A dot a seed and a bar at the mean, for each setting in turn.

    Args:
        levels: setting → values in [0, 1], one a seed.
        baselines: name → value in [0, 1], drawn as a level line.
    """
    for position, scores in enumerate(levels.values()):
        scores = 100 * np.asarray(scores)
        spread = np.linspace(-0.12, 0.12, len(scores)) if len(scores) > 1 else [0.0]
        ax.plot(position + np.asarray(spread), scores, "o", color=COLOURS["honest"], alpha=0.6, markersize=5)
        ax.plot(
            [position - 0.25, position + 0.25], [scores.mean()] * 2, color=COLOURS["attacker"], linewidth=2.5
        )
        ax.annotate(f"{scores.mean():.1f}", (position + 0.28, scores.mean()), va="center", fontsize=9)
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel, xticks=range(len(levels)), xticklabels=list(levels))
    ax.set_xlim(-0.6, len(levels) - 0.2)
    _label_ends(ax, _draw_baselines(ax, baselines))
    return ax


def plot_digits(axes: Sequence[Axes], images: Sequence[np.ndarray], names: Sequence[str]) -> None:
    """Digits side by side, each of shape (784,) or (28, 28), on one scale from 0 (white) to 1 (black)."""
    for ax, image, name in zip(axes, images, names, strict=True):
        ax.imshow(np.asarray(image).reshape(28, 28), cmap="gray_r", vmin=0, vmax=1)
        ax.set_title(name, fontsize=10, fontweight="normal", loc="center")
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, color="#bbbbbb")
        ax.grid(visible=False)


def plot_timeline(ax: Axes, events: Sequence[tuple[float, str]], *, title: str) -> Axes:
    """What happened when, from top to bottom: a dot an event, its sentence beside it.

    Args:
        events: (seconds since the start, sentence), in order.
    """
    for row, (seconds, sentence) in enumerate(events):
        height = len(events) - row
        ax.plot([0], [height], "o", color=COLOURS["honest"], markersize=6)
        ax.text(
            -0.02, height, f"{seconds:.0f} s", ha="right", va="center", fontsize=9, color=COLOURS["baseline"]
        )
        ax.text(0.02, height, sentence, ha="left", va="center", fontsize=9)
    ax.plot([0, 0], [1, len(events)], color=COLOURS["honest"], linewidth=1, zorder=0)
    ax.set_title(title)
    ax.set(xlim=(-0.1, 1))
    ax.axis("off")
    return ax


def _draw_baselines(ax: Axes, baselines: Mapping[str, float] | None) -> list[tuple]:
    """Draw each baseline as a level line; return its label's place for `_label_ends`."""
    for level in (baselines or {}).values():
        ax.axhline(100 * level, color=COLOURS["baseline"], linestyle=DASHES["baseline"], linewidth=1.4)
    return [(100 * level, None, name, COLOURS["baseline"]) for name, level in (baselines or {}).items()]


def _label_ends(ax: Axes, ends: list[tuple]) -> None:
    """Write each line's name at its right end, moved apart where two would overlap."""
    low, high = ax.get_ylim()
    gap = (high - low) * 0.075
    lowest_free = -np.inf
    right = ax.get_xlim()[1]
    for level, last, name, colour in sorted(ends, key=lambda end: end[0]):
        at_edge = last is None or last > 0.9 * right
        height = max(level, lowest_free + gap) if at_edge else level
        lowest_free = height if at_edge else lowest_free
        ax.annotate(
            name, (right if at_edge else last, height), xytext=(6, 0), textcoords="offset points",
            color=colour, va="center", fontsize=9, annotation_clip=False,
        )  # fmt: skip
