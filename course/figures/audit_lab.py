"""Pictures of an audit: who scores what, which check failed where, and the numbers behind a check."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from course.figures.style import COLOURS, DASHES

_AUDITORS = {"naive": "baseline", "everything": "second", "sloppy": "third", "reference": "honest"}
_MARKERS = {"baseline": "x", "second": "s", "third": "^", "honest": "o", "fourth": "D"}
_MARKS = {True: ("·", "baseline"), False: ("✕", "attacker"), None: ("?", "second")}


def plot_auditors(
    ax: Axes, scores: Mapping[str, Sequence[tuple[float, float, float]]], *, title: str
) -> Axes:
    """Recall against precision of each auditor in each lab; the label has the mean of the points.

    Args:
        scores: auditor → one (recall, precision, points) a lab. "naive", "everything", "sloppy" and
            "reference" have colours and marks of their own, others share one.
    """
    for name, rows in scores.items():
        recall, precision, points = np.array(rows, dtype=float).T
        role = _AUDITORS.get(name, "fourth")
        ax.scatter(
            recall, precision, s=42, marker=_MARKERS[role], color=COLOURS[role], alpha=0.65, linewidths=1.4,
            clip_on=False, zorder=3,
        )  # fmt: skip
        _name(ax, f"{name}: {points.mean():.2f} points", recall, precision, colour=COLOURS[role])
    ax.set(
        title=title, xlim=(-0.02, 1.02), ylim=(-0.02, 1.05),
        xlabel="recall: planted flaws that were found", ylabel="precision: findings that are right",
    )  # fmt: skip
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda share, _: f"{100 * share:.0f} %")
    return ax


def _name(ax: Axes, text: str, x: np.ndarray, y: np.ndarray, *, colour: str) -> None:
    """Write beside or above a cloud of marks, on the side where the picture has room."""
    at_right = x.mean() > 0.5
    ax.annotate(
        text, (x.min(), y.min()) if at_right else (x.mean(), y.max()), color=colour, fontsize=10,
        xytext=(-10, 0) if at_right else (0, 12), textcoords="offset points", fontweight="bold",
        ha="right" if at_right else "center", va="center",
    )  # fmt: skip


def plot_checks(
    ax: Axes, results: Mapping[str, Sequence[bool | None]], *, checks: Sequence[str], title: str
) -> Axes:
    """A table of vendors and checks: a dot passed, a cross failed, a question mark could not be tested.

    Args:
        results: vendor → one result a check.
        checks: their names, in the same order.
    """
    for row, results_of_one in enumerate(results.values()):
        for column, passed in enumerate(results_of_one):
            mark, role = _MARKS[passed]
            if passed is False:
                corner = (column - 0.5, row - 0.5)
                ax.add_patch(Rectangle(corner, 1, 1, facecolor=COLOURS["attacker"], alpha=0.18, linewidth=0))
            ax.text(column, row, mark, ha="center", va="center", fontsize=11, color=COLOURS[role])
    ax.set(xlim=(-0.5, len(checks) - 0.5), ylim=(len(results) - 0.5, -0.5))
    ax.set_title(title, pad=12)
    ax.set_xticks(range(len(checks)), checks, rotation=35, ha="right", rotation_mode="anchor", fontsize=8.5)
    ax.set_yticks(range(len(results)), list(results), fontsize=9)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.grid(visible=False)
    for edge in np.arange(len(results) + 1) - 0.5:
        ax.axhline(edge, color="#dddddd", linewidth=0.8, zorder=0)
    return ax


def plot_stated_and_measured(
    ax: Axes, rows: Mapping[str, tuple[float, float, float, float]], *, title: str, delta: float
) -> Axes:
    """The ε that each vendor states beside the one that its noise gives, on a logarithmic axis.

    Args:
        rows: vendor → (stated, measured, low, high), all positive. Red if even `low` is above what is stated.
        delta: of every ε.
    """
    for row, (stated, measured, low, high) in enumerate(rows.values()):
        role = "attacker" if low > stated else "private"
        ax.errorbar(
            measured, row, xerr=[[measured - low], [high - measured]], marker="o", markersize=7, capsize=4,
            color=COLOURS[role], linestyle="none",
        )  # fmt: skip
        ax.plot(stated, row, marker="|", markersize=16, markeredgewidth=2.5, color="black", linestyle="none")
        if low > stated:
            ax.annotate(
                f"{measured / stated:.1f} times what is stated", (high, row), xytext=(8, 0), fontsize=9,
                textcoords="offset points", va="center", color=COLOURS["attacker"],
            )  # fmt: skip
    ax.set(title=title, xscale="log", xlabel=f"ε (total, δ = {delta:g}): bar stated, circle measured")
    ax.set_yticks(range(len(rows)), list(rows))
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.xaxis.set_major_formatter(lambda epsilon, _: f"{epsilon:g}")
    # Between 6 and the next power of ten there is no room for words.
    ax.xaxis.set_minor_formatter(lambda epsilon, _: "" if f"{epsilon:.0e}"[0] in "789" else f"{epsilon:g}")
    lows, highs = zip(*[(min(row[0], row[2]), max(row[0], row[3])) for row in rows.values()], strict=True)
    ax.set_xlim(min(lows) / 1.6, max(highs) * 2.5)
    return ax


def plot_cohort_sizes(
    ax: Axes,
    sizes: Mapping[str, Sequence[int]],
    *,
    expected: Mapping[int, float],
    title: str,
    xlabel: str = "clients invited to a round",
    ylabel: str = "rounds",
) -> Axes:
    """How often each number of clients comes up, beside what coins would give.

    Args:
        sizes: vendor → a number of clients for each round, or for each pair of rounds.
        expected: number of clients → how often it would come up if each client were drawn by a coin.
    """
    for (name, values), role in zip(sizes.items(), ("honest", "attacker", "third"), strict=False):
        found, counts = np.unique(np.asarray(values), return_counts=True)
        ax.plot(
            found, counts, marker=_MARKERS.get(role, "s"), linestyle=DASHES[role], linewidth=1.4,
            color=COLOURS[role], label=name,
        )  # fmt: skip
    ax.plot(
        list(expected), list(expected.values()), color=COLOURS["baseline"], linestyle=DASHES["baseline"],
        label="coins would give",
    )  # fmt: skip
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    ax.legend(fontsize=9)
    return ax


def plot_messages(
    axes: Sequence[Axes], messages: Mapping[str, np.ndarray], *, title: str = ""
) -> Sequence[Axes]:
    """What the server holds of one client: each entry of the message as a dot, on the ring modulo 2^32.

    Args:
        axes: one for each message, side by side.
        messages: whose → residues, unsigned, shape (length,).
        title: of the whole figure.
    """
    axes = np.ravel(axes)
    for ax, (name, message) in zip(axes, messages.items(), strict=True):
        signed = np.asarray(message, dtype="<u4").view("<i4") / 2**32
        ax.axhline(0, color=COLOURS["baseline"], linewidth=0.8)
        ax.plot(signed, marker="o", markersize=3.5, linestyle="none", color=COLOURS["honest"])
        ax.set(ylim=(-0.54, 0.54), xlabel="entry of the message", yticks=(-0.5, 0, 0.5))
        ax.set_yticklabels(["−2³¹", "0", "2³¹"])
        ax.set_title(name, fontsize=10, fontweight="normal")
    if title:
        axes[0].figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    return axes
