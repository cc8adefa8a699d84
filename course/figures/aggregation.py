"""Pictures of secure aggregation: vectors as images, masks that cancel (still and moving), bytes a stage."""

import html
import re
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from IPython import get_ipython
from IPython.display import HTML, display
from matplotlib.animation import FuncAnimation
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course.figures.style import COLOURS

Frame = tuple[str, np.ndarray, float]
"""What a panel shows: its name, a vector of 784 entries, and the entry that is drawn black."""

_ICONS = {
    "fast-backward": "⏮", "step-backward": "⏪", "play fa-flip-horizontal": "◀", "pause": "⏸", "play": "▶",
    "step-forward": "⏩", "fast-forward": "⏭", "minus": "−", "plus": "+",
}  # fmt: skip


def plot_vectors(axes: Sequence[Axes], frames: Sequence[Frame], *, title: str = "") -> Sequence[Axes]:
    """Vectors of 784 entries as pictures of 28 × 28, each on a scale of its own, from 0 (white) to its top.

    Args:
        axes: one for each vector.
        frames: name, vector and top of each.
        title: of the whole figure.
    """
    axes = np.ravel(axes)
    for ax, (name, vector, top) in zip(axes, frames, strict=True):
        _draw(ax, name, vector, top)
    if title:
        axes[0].figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    return axes


def show_cancelling(sent: Sequence[Frame], running: Sequence[Frame], *, alt: str) -> None:
    """A film with buttons, in the notebook: what arrives on the left, the sum so far on the right.

    Args:
        sent: what arrives (or is taken off) in each step.
        running: the sum after it, as many.
        alt: what somebody who cannot see the film needs to know.
    """
    film = film_of(sent, running, alt=alt)
    if get_ipython() is not None:
        display(HTML(film))


def film_of(sent: Sequence[Frame], running: Sequence[Frame], *, alt: str) -> str:
    """The film as HTML that needs nothing from elsewhere; played once, when its button is pressed."""
    figure, axes = plt.subplots(1, 2, figsize=(5.0, 2.75), dpi=72)
    figure.subplots_adjust(left=0.02, right=0.98, top=0.9, bottom=0.02, wspace=0.08)

    def draw(step: int) -> list:
        for ax, frame in zip(axes, (sent[step], running[step]), strict=True):
            ax.clear()
            _draw(ax, *frame)
        return []

    film = FuncAnimation(figure, draw, frames=len(running), init_func=list, interval=900)
    page = film.to_jshtml(default_mode="once")
    plt.close(figure)
    # The icons would be fetched from a server elsewhere, which would learn who reads this lesson.
    page = re.sub(r"<link rel=\"stylesheet\"[^>]*>", "", page)
    for icon, sign in _ICONS.items():
        page = page.replace(f'<i class="fa fa-{icon}"></i>', sign)
    return f'<div role="group" aria-label="{html.escape(alt)}">{page}</div>'


def plot_bytes(
    ax: Axes, stages: Sequence[str], up: Sequence[float], down: Sequence[float], *, title: str
) -> Axes:
    """Bytes of one client's messages in each stage, as two bars.

    Args:
        stages: their names, in order.
        up, down: bytes from the client and to it.
    """
    places = np.arange(len(stages))
    for offset, values, role, name, hatch in (
        (-0.2, up, "honest", "from the phone", ""),
        (0.2, down, "second", "to the phone", "//"),
    ):
        bars = ax.bar(places + offset, values, 0.38, color=COLOURS[role], hatch=hatch, label=name)
        ax.bar_label(bars, [f"{value:,.0f}" for value in values], fontsize=8)
    ax.set(title=title, xticks=places, ylabel="bytes")
    ax.set_xticklabels([stage.lower().replace("_", "\n") for stage in stages])
    ax.margins(y=0.1)
    ax.legend(fontsize=9)
    return ax


def _draw(ax: Axes, name: str, vector: np.ndarray, top: float) -> Figure:
    ax.imshow(np.asarray(vector, dtype=float).reshape(28, 28), cmap="gray_r", vmin=0, vmax=top)
    ax.set_title(name, fontsize=9, fontweight="normal", loc="center")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color="#bbbbbb")
    ax.grid(visible=False)
    return ax.figure
