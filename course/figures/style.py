"""One look for every figure: Okabe–Ito colours with a fixed meaning, a finding as title, a caption below."""

import io
import textwrap

import matplotlib
import matplotlib.pyplot as plt
from IPython import get_ipython
from IPython.display import Image, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = {
    "honest": "#0072B2",
    "private": "#009E73",
    "attacker": "#D55E00",
    "baseline": "#555555",
    "second": "#E69F00",
    "third": "#CC79A7",
    "fourth": "#56B4E9",
}
"""Role → colour. A role is always doubled by a marker or a dash, so that grey prints read the same."""

DASHES = {
    "honest": "-", "private": (0, (5, 1)), "attacker": (0, (3, 1, 1, 1)), "baseline": (0, (1, 1.5)),
    "second": (0, (6, 2)), "third": (0, (4, 1, 1, 1, 1, 1)), "fourth": (0, (2, 1)),
}  # fmt: skip

_STYLE = {
    "figure.figsize": (7.0, 3.9),
    "figure.dpi": 110,
    "figure.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "font.size": 10,
    "lines.linewidth": 2.0,
    "legend.frameon": False,
}


def use_course_style() -> None:
    """Apply the course's style to every figure made from here on."""
    matplotlib.rcParams.update(_STYLE)


def present(ax: Axes, *, caption: str, alt: str) -> None:
    """Put the caption below the figure of `ax` and show it in the notebook, with alternative text.

    Args:
        ax: any axes of the figure.
        caption: where to look, how many runs, what a band means, where the figure misleads.
        alt: what somebody who cannot see the figure needs to know.
    """
    figure = ax.figure.get_figure(root=True)
    png = _render(figure, caption)
    if get_ipython() is not None:
        display(Image(data=png, alt=alt, width=int(figure.get_size_inches()[0] * 100)))
    plt.close(figure)  # Or the notebook would show it a second time, without its caption.


def _render(figure: Figure, caption: str) -> bytes:
    width = figure.get_size_inches()[0]
    lines = textwrap.wrap(caption, int(width * 16.5))
    figure.tight_layout()
    figure.text(
        0.01, -0.02, "\n".join(lines), va="top", ha="left", fontsize=8.5, color="#333333", linespacing=1.35
    )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130, bbox_inches="tight", pad_inches=0.12)
    return buffer.getvalue()
