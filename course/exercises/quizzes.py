"""`quiz`: one question, some answers, and a sentence of explanation for each."""

import html

from course.exercises.boxes import Box, in_notebook


class Right(str):
    """The explanation of the right answer; the other explanations are plain strings."""


def right(explanation: str) -> Right:
    """Mark an option of a quiz as the right one, and say why it is right."""
    return Right(explanation)


class Quiz:
    """A checked question: `answers` maps each option to its explanation."""

    def __init__(self, question: str, options: dict[str, object]) -> None:
        answers = {option: Right("Yes.") if why is True else why for option, why in options.items()}
        marked = [option for option, why in answers.items() if isinstance(why, Right)]
        if len(answers) < 2 or len(marked) != 1:
            raise ValueError(
                f"a quiz needs at least two options, exactly one of them right; "
                f"{question!r} has {len(answers)}, of which {len(marked)} right"
            )
        if not all(isinstance(why, str) and why for why in answers.values()):
            raise ValueError(f"each option of {question!r} needs an explanation in words")
        self.question, self.answers = question, answers

    def __repr__(self) -> str:
        lines = [f"{letter}) {option}" for letter, option in zip("abcdefgh", self.answers, strict=False)]
        return "\n".join([f"Quiz: {self.question}", *lines])

    def _repr_html_(self) -> str:
        """The question without widgets: a disclosure triangle an option, for the web and for print."""
        items = "".join(
            f"<details><summary>{html.escape(option)}</summary>"
            f"<div style='margin:2px 0 6px 18px'>{_verdict_word(why)} {html.escape(str(why))}</div></details>"
            for option, why in self.answers.items()
        )
        return (
            "<div style='border-left:6px solid #56B4E9;padding:6px 12px;max-width:56em;"
            "background:var(--jp-layout-color2,#f5f5f5);color:var(--jp-content-font-color1,#111)'>"
            f"<b>{html.escape(self.question)}</b>{items}</div>"
        )


def quiz(question: str, options: dict[str, object]) -> None:
    """Ask a question in the notebook.

    Args:
        question: one sentence.
        options: each option with its explanation; the right one's is wrapped in `right(...)`.

    Raises:
        ValueError: if there are fewer than two options, or not exactly one is right, or one has no
            explanation.
    """
    asked = Quiz(question, options)
    if not in_notebook():
        print(repr(asked))
        return
    from IPython.display import display

    bundle = {"text/plain": repr(asked), "text/html": asked._repr_html_()}
    try:
        view = _widget(asked)._repr_mimebundle_() or {}
    except Exception:  # Whatever is wrong with the widgets, the question itself must be asked.
        view = {}
    key = "application/vnd.jupyter.widget-view+json"
    # One output with both forms: a front end that has widgets shows those, any other the HTML.
    display(bundle | ({key: view[key]} if key in view else {}), raw=True)


def _widget(asked: Quiz):
    import ipywidgets

    choices = ipywidgets.RadioButtons(options=list(asked.answers), value=None, layout={"width": "auto"})
    answer = ipywidgets.HTML()

    def explain(change: dict) -> None:
        why = asked.answers[change["new"]]
        kind = "right" if isinstance(why, Right) else "wrong"
        answer.value = Box(kind, change["new"], str(why))._repr_html_()

    choices.observe(explain, names="value")
    title = ipywidgets.HTML(f"<b>{html.escape(asked.question)}</b>")
    return ipywidgets.VBox([title, choices, answer])


def _verdict_word(why: str) -> str:
    return "✔ Right." if isinstance(why, Right) else "✘ Not this one."
