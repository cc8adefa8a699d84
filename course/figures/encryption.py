"""Pictures of homomorphic encryption: room under a modulus, prices, error rates, a template rebuilt."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from course.figures.style import COLOURS, DASHES


def plot_room(
    ax: Axes, levels: Mapping[str, tuple[float, float]], *, title: str, xlabel: str = "bits"
) -> Axes:
    """One bar a level: the bits of the modulus, and in them those that the scaled number takes.

    Args:
        levels: name → (bits of the modulus, bits of the scale), the first on top.
    """
    for row, (name, (modulus, scale)) in enumerate(levels.items()):
        fits = scale < modulus
        ax.barh(row, modulus, height=0.62, color="#dddddd", edgecolor=COLOURS["baseline"])
        ax.barh(
            row, scale, height=0.3, color=COLOURS["honest" if fits else "attacker"],
            hatch=None if fits else "///", edgecolor="white",
        )  # fmt: skip
        said = f"{modulus - scale:.0f} bits of room" if fits else "does not fit: garbage"
        ax.annotate(
            f"{name}: {said}", (max(modulus, scale), row), xytext=(6, 0), textcoords="offset points",
            va="center", fontsize=9, color="black" if fits else COLOURS["attacker"],
        )  # fmt: skip
    widest = max(max(pair) for pair in levels.values())
    ax.set(title=title, xlabel=xlabel, yticks=[], xlim=(0, 1.55 * widest))
    ax.invert_yaxis()
    ax.grid(False)
    return ax


def plot_prices(axes: Sequence[Axes], prices: Mapping[str, Mapping[str, float]], *, title: str) -> None:
    """One panel a quantity, one bar a way of averaging, on a logarithmic axis, with the number at its end.

    Args:
        axes: one for each quantity.
        prices: quantity (with its unit) → way → value > 0, the ways in one order.
    """
    for ax, (quantity, values) in zip(axes, prices.items(), strict=True):
        colours = [COLOURS[role] for role in ("baseline", "private", "honest", "second", "third")]
        ax.barh(range(len(values)), list(values.values()), color=colours[: len(values)], height=0.6)
        for row, value in enumerate(values.values()):
            ax.annotate(
                f"{value:.3g}", (value, row), xytext=(4, 0), textcoords="offset points", va="center",
                fontsize=9,
            )  # fmt: skip
        ax.set(xscale="log", xlabel=quantity, yticks=range(len(values)), yticklabels=list(values))
        ax.set_xlim(min(values.values()) / 2, max(values.values()) * 6)
        ax.invert_yaxis()
        ax.grid(axis="y", visible=False)
    for ax in axes[1:]:
        ax.set_yticklabels([])
    axes[0].figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")


def plot_false_rates(
    axes: Sequence[Axes],
    thresholds: np.ndarray,
    rates: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    equal: tuple[float, float],
    title: str,
) -> None:
    """Left FAR and FRR against the threshold, right the ROC; the first way a line, the second dots.

    Args:
        axes: two.
        thresholds: shape (n,).
        rates: way of scoring → (FAR, FRR), each shape (n,), in [0, 1].
        equal: (threshold, rate) where they meet.
    """
    left, right = axes
    for (way, (far, frr)), line in zip(rates.items(), (True, False), strict=True):
        style = {"linestyle": "-"} if line else {"linestyle": "", "marker": "o", "markersize": 3.5}
        every = slice(None) if line else slice(None, None, max(1, len(thresholds) // 25))
        for values, role in ((far, "attacker"), (frr, "honest")):
            left.plot(thresholds[every], 100 * values[every], color=COLOURS[role], **style)
        right.plot(100 * far[every], 100 * (1 - frr[every]), color=COLOURS["private"], label=way, **style)
    for label, role, x in (
        ("strangers accepted (FAR)", "attacker", 0.06),
        ("owners refused (FRR)", "honest", 0.72),
    ):
        left.annotate(label, (x, 1.02), xycoords="axes fraction", color=COLOURS[role], fontsize=8.5)
    left.plot(equal[0], 100 * equal[1], "s", color="black", markersize=6)
    left.annotate(
        f"EER {100 * equal[1]:.1f} %", (equal[0], 100 * equal[1]), xytext=(8, 8),
        textcoords="offset points", fontsize=9,
    )  # fmt: skip
    left.set(yscale="log", ylim=(0.02, 150), xlabel="threshold (cosine)", ylabel="%")
    chance = np.geomspace(0.02, 100, 50)
    right.plot(chance, chance, color=COLOURS["baseline"], linestyle=DASHES["baseline"], label="chance")
    right.set(xscale="log", xlim=(0.02, 120), ylim=(0, 104))
    right.set(xlabel="strangers accepted (FAR, %)", ylabel="owners accepted (%)")
    right.legend(loc="lower left", bbox_to_anchor=(0.0, 0.25), fontsize=9)
    left.figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")


def plot_rebuilt(
    ax: Axes, questions: Sequence[int], cosines: Sequence[float], *, needed: float, title: str
) -> Axes:
    """How near a rebuilt template is to the real one, against the questions asked.

    Args:
        questions, cosines: shape (n,).
        needed: the log-in's threshold, drawn as a level.
    """
    ax.plot(questions, cosines, "o", color=COLOURS["attacker"], linestyle=DASHES["attacker"], markersize=6)
    ax.axhline(needed, color=COLOURS["baseline"], linestyle=DASHES["baseline"], linewidth=1.6)
    ax.annotate(
        "the log-in asks for this", (questions[-1], needed), xytext=(0, -14), textcoords="offset points",
        ha="right", color=COLOURS["baseline"], fontsize=9,
    )  # fmt: skip
    ax.set(title=title, xlabel="yes-or-no questions asked", ylabel="cosine with the template")
    ax.set_ylim(0, 1.05)
    ax.set_xlim(left=0)
    return ax
