"""The explorer: sliders for the target, the point that meets it, and the cloud that it was chosen from."""

import html
import io
from collections.abc import Callable, Sequence

from course.privacy import Unit
from course.trade_off.points import Point, columns_of, front_within
from course.trade_off.solver import Infeasible, choose
from course.trade_off.spec import Spec

BUDGETS = {Unit.CLIENT: (0.05, 0.15, 0.5, 1.5), Unit.EXAMPLE: (0.5, 1.5, 5.0)}
"""Megabytes a client for which a front is drawn."""


def explorer(
    points: Sequence[Point],
    *,
    delta: float,
    plot: Callable,
    unit: Unit = Unit.CLIENT,
    accuracy: float = 0.8,
    megabytes: float = 0.5,
):
    """Widgets that ask `choose` again whenever you move a slider.

    Args:
        points: of one unit or both; one unit is shown at a time, because two are not comparable.
        delta: of the promise.
        plot: draws it; `course.figures.plot_trade_off`.
        unit, accuracy, megabytes: where the controls stand at first.

    Returns:
        An `ipywidgets.VBox`.

    Limits: without a running kernel the sliders do nothing; put the static picture beside it. Every look is
        a choice on the same seeds: the more you look, the luckier your pick.
    """
    import ipywidgets

    units = {u.value: u for u in (Unit.CLIENT, Unit.EXAMPLE) if any(p.unit is u for p in points)}
    wide = {"style": {"description_width": "12em"}, "layout": {"width": "34em"}}
    slow = wide | {"continuous_update": False}  # Asked when you let go, not on the way.
    controls = {
        "unit": ipywidgets.Dropdown(options=units, value=unit, description="a promise to each", **wide),
        "accuracy": ipywidgets.FloatSlider(
            accuracy, min=0.3, max=0.92, step=0.01, description="accuracy, at least", **slow
        ),
        "worst_tenth": ipywidgets.FloatSlider(
            0.0, min=0.0, max=0.8, step=0.02, description="worst tenth, at least", **slow
        ),
        "megabytes": ipywidgets.FloatLogSlider(
            megabytes, min=-2, max=1, step=0.05, description="MB a client, at most", **slow
        ),
    }
    words, picture = ipywidgets.HTML(), ipywidgets.Image(format="png", layout={"width": "46em"})

    def answer(_change: object = None) -> None:
        asked = {name: control.value for name, control in controls.items()}
        shown = [point for point in points if point.unit is asked["unit"]]
        found = choose(shown, delta=delta, **asked)
        words.value, picture.value = words_of(found), picture_of(shown, found, plot=plot)

    for control in controls.values():
        control.observe(answer, names="value")
    answer()
    return ipywidgets.VBox([*controls.values(), words, picture])


def picture_of(points: Sequence[Point], answer: Spec | Infeasible, *, plot: Callable) -> bytes:
    """The cloud of one unit's points and where the answer stands in it, as PNG.

    Args:
        points: of one unit.
        answer: of `choose`.
        plot: as of `explorer`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Not through pyplot, which would keep every picture that a slider has ever asked for.
    figure = Figure(figsize=(7.6, 4.2), dpi=110)
    FigureCanvasAgg(figure)
    plot(figure.add_subplot(), **what_to_plot(points, answer))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    return buffer.getvalue()


def what_to_plot(points: Sequence[Point], answer: Spec | Infeasible) -> dict[str, object]:
    """The arguments of `plot_trade_off` for one unit's points and an answer of `choose`."""
    target = answer.target
    chosen = columns_of([answer.point]) if answer else None
    title = f"ε {answer.epsilon:.3g} is enough" if answer else "Nothing that was tried meets this target"
    return {
        "cloud": columns_of(points),
        "fronts": {f"{b:g} MB": columns_of(front_within(points, b)) for b in BUDGETS[target.unit]},
        "unit": target.unit.value,
        "delta": target.delta,
        "asked": target.accuracy,
        "chosen": chosen,
        "title": title,
    }


def words_of(answer: Spec | Infeasible) -> str:
    """An answer in one or a few lines of HTML."""
    if not answer:
        return f"<pre>{html.escape(str(answer))}</pre>"
    setting = answer.setting
    return (
        f"<p><b>ε {answer.epsilon:.3g}</b> per {answer.unit.value} at δ = {answer.delta:g}, "
        f"accuracy {html.escape(str(answer.accuracy))}, worst tenth {answer.worst_tenth.value:.3f}, "
        f"{answer.megabytes:.3g} MB: noise multiplier {setting.noise_multiplier:g}, C {setting.max_norm:g}, "
        f"{setting.local_epochs} local epochs, rate {setting.sample_rate:g}, {setting.rounds} rounds</p>"
    )
