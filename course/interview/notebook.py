"""Interview mode in a notebook: `interview("launch")`, with a clock and boxes to tick."""

import asyncio
import html
import time
from pathlib import Path

from course.exercises.boxes import in_notebook
from course.interview.catalogue import WALKTHROUGHS, walkthrough
from course.interview.cells import find_cell, shown_by
from course.interview.terminal import print_all, print_list
from course.interview.walkthrough import Link, Walkthrough

_FRAME = (
    "border-left:6px solid #0072B2;padding:6px 12px;max-width:56em;"
    "background:var(--jp-layout-color2,#f5f5f5);color:var(--jp-content-font-color1,#111)"
)
_LEFT = "text-align:left"
_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def interview(id: str | None = None) -> None:
    """Practise one question in the notebook, or list all of them.

    Args:
        id: a walkthrough's id, such as "launch"; without it, the list.

    Raises:
        ValueError: if there is no walkthrough with this id.
    """
    asked = None if id is None else walkthrough(id)
    if not in_notebook():
        print_list(WALKTHROUGHS) if asked is None else print_all(asked)
        return
    from IPython.display import HTML, display

    if asked is None:
        display(HTML(list_page()))
        return
    display(HTML(question_page(asked)))
    scoring = {"text/plain": "\n".join(asked.rubric), "text/html": rubric_page(asked)}
    try:
        view = (_scoring_widget(asked)._repr_mimebundle_() or {}).get(_WIDGET_VIEW)
    except Exception:  # Whatever is wrong with the widgets, the rubric itself must be there.
        view = None
    # One output with both forms: a front end that has widgets shows those, any other the HTML.
    display(scoring | ({_WIDGET_VIEW: view} if view else {}), raw=True)
    display(HTML(answers_page(asked)))


def list_page() -> str:
    """All questions as a table, in HTML."""
    rows = "".join(
        f"<tr><td style='{_LEFT};white-space:nowrap'><code>{html.escape(w.id)}</code></td>"
        f"<td style='white-space:nowrap'>{w.minutes} min</td><td style='{_LEFT}'>{' '.join(w.lessons)}</td>"
        f"<td style='{_LEFT}'>{html.escape(w.question)}</td></tr>"
        for w in WALKTHROUGHS
    )
    heads = "".join(f"<th style='{_LEFT}'>{name}</th>" for name in ("name", "time", "lessons", "question"))
    return (
        "<p>To practise one of these, run <code>interview(&quot;launch&quot;)</code> with its name.</p>"
        f"<table><tr>{heads}</tr>{rows}</table>"
    )


def question_page(asked: Walkthrough) -> str:
    """The question with its time limit, in HTML."""
    exhibit = f"<pre>{html.escape(asked.exhibit)}</pre>" if asked.exhibit else ""
    return (
        f'<div style="{_FRAME}"><b>{html.escape(asked.question)}</b>{exhibit}'
        f'<div style="margin-top:4px">{asked.minutes} minutes. Answer aloud before you open anything.</div>'
        "</div>"
    )


def rubric_page(asked: Walkthrough) -> str:
    """The rubric to be opened, in HTML: for pages without widgets."""
    points = "".join(f"<li>{html.escape(point)}</li>" for point in asked.rubric)
    return _details("Rubric: did you say it, in whatever words?", f"<ol>{points}</ol>")


def answers_page(asked: Walkthrough) -> str:
    """Follow-ups, weak answer and strong answer, each to be opened, in HTML with links to the cells."""
    parts = [
        _details(
            f"Follow-up: {follow_up.question}",
            _paragraph(f"A good reply: {follow_up.good_reply}")
            + (_link_line(follow_up.link, follow_up.good_reply) if follow_up.link else ""),
        )
        for follow_up in asked.follow_ups
    ]
    weak = _paragraph(f"“{asked.weak}”") + _paragraph(f"Why it is weak: {asked.why_weak}")
    strong = "".join(_statement(statement) for statement in asked.strong)
    parts += [
        _details("A weak answer", weak),
        _details("A strong answer, [the points it earns], and the cells that show it", strong),
    ]
    return "".join(parts)


def clock_text(seconds: float, minutes: int) -> str:
    """How the clock reads after so many seconds."""
    left = round(60 * minutes - seconds)
    if left < 0:
        return f"{-left // 60}:{-left % 60:02} over time"
    return f"{left // 60}:{left % 60:02} left"


def _scoring_widget(asked: Walkthrough):
    """A clock to start, and the rubric with a box to tick for each point."""
    import ipywidgets

    start, reading = ipywidgets.Button(description="Start the clock"), ipywidgets.Label()
    show = ipywidgets.Button(description="Show the rubric")
    wide = ipywidgets.Layout(width="auto")
    boxes = [ipywidgets.Checkbox(indent=False, layout=wide) for _ in asked.rubric]
    lines = [
        ipywidgets.HBox([box, ipywidgets.HTML(f"{number}. {html.escape(point)}")])
        for number, (box, point) in enumerate(zip(boxes, asked.rubric, strict=True), 1)
    ]
    total = ipywidgets.Label()
    rubric = ipywidgets.VBox([*lines, total])
    rubric.layout.display = "none"

    def count(_=None) -> None:
        total.value = f"{sum(box.value for box in boxes)} of {len(boxes)} points"

    def reveal(_) -> None:
        rubric.layout.display = None
        _stop(start)

    for box in boxes:
        box.observe(count, names="value")
    count()
    show.on_click(reveal)
    start.on_click(lambda _: _start(start, reading, asked.minutes))
    return ipywidgets.VBox([ipywidgets.HBox([start, reading]), show, rubric])


def _start(button, reading, minutes: int) -> None:
    """Let the clock run in the kernel's own loop, until it is stopped or a quarter of an hour over time."""
    _stop(button)
    began = time.monotonic()

    async def run() -> None:
        while (spent := time.monotonic() - began) < 60 * (minutes + 15):
            reading.value = clock_text(spent, minutes)
            await asyncio.sleep(1)

    button.clock = asyncio.ensure_future(run())


def _stop(button) -> None:
    clock = getattr(button, "clock", None)
    if clock is not None:
        clock.cancel()


def _statement(statement) -> str:
    points = f" <i>[{', '.join(map(str, statement.earns))}]</i>" if statement.earns else ""
    return f"<p>{html.escape(statement.sentence)}{points}</p>{_link_line(statement.link, statement.sentence)}"


def _link_line(link: Link, said: str) -> str:
    place, shown = find_cell(link), shown_by(link, said=said)
    if shown:
        shown = f"<pre style='margin:2px 0;white-space:pre-wrap'>{html.escape(shown)}</pre>"
    target = html.escape(place.href(Path.cwd()), quote=True)
    return (
        f"<div style='margin:-4px 0 8px 18px'>→ <a href='{target}'>lesson {link.lesson}, "
        f"“{html.escape(place.section)}”, cell {place.number}</a>{shown}</div>"
    )


def _details(summary: str, body: str) -> str:
    return (
        f"<details style='{_FRAME};margin:2px 0'><summary>{html.escape(summary)}</summary>"
        f"<div style='margin:2px 0 6px 18px'>{body}</div></details>"
    )


def _paragraph(text: str) -> str:
    return f"<p>{html.escape(text)}</p>"
