"""The machine's boxes and quizzes say the same with colours, without them, with widgets and on paper."""

import re

import pytest
from ipywidgets import RadioButtons

from course.exercises import quiz, right
from course.exercises.boxes import Box
from course.exercises.quizzes import Quiz, _widget

KINDS = ("passed", "not yet", "not attempted", "claim", "hint", "note", "right", "wrong")
OPTIONS = {
    "A half": "That is <unweighted>.",
    "A tenth": right("100 of 1000 & no more."),
    "None": "Not <b>so</b>.",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_box_escapes_whatever_a_learner_wrote(kind):
    page = Box(kind, "<h1>heading</h1>", "<script>alert(1)</script>", "a & b")._repr_html_()
    assert "<script>" not in page and "<h1>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page and "a &amp; b" in page


@pytest.mark.parametrize("kind", KINDS)
def test_a_box_takes_its_background_and_its_text_from_jupyterlabs_theme(kind):
    page = Box(kind, "heading", "a line")._repr_html_()
    assert "background:var(--jp-layout-color" in page and re.search(
        r"[;\"]color:var\(--jp-content-font-color", page
    )
    # The one fixed colour marks the kind, and a mark and a word say the same.
    text = re.sub(r"<[^>]*>", "", page)
    assert {"claim": "✔", "wrong": "not this one"}.get(kind, kind) in text.lower()


def test_no_two_states_look_or_read_alike():
    states = ("passed", "not yet", "not attempted")
    texts = {re.sub(r"<[^>]*>", "", Box(kind, "x")._repr_html_()) for kind in states}
    colours = {re.search(r"#[0-9A-F]{6}", Box(kind, "x")._repr_html_()).group() for kind in states}
    marks = {repr(Box(kind, "x"))[0] for kind in states}
    assert len(texts) == len(colours) == len(marks) == 3


def test_a_box_without_html_says_the_same_in_lines_and_leaves_empty_ones_out():
    assert repr(Box("not yet", "exercise 01.3", "It is wrong.", "", "Try again.")) == (
        "✘ not yet: exercise 01.3\n  It is wrong.\n  Try again."
    )


# quiz ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"a": "No.", "b": "No."}, "0 right"),
        ({"a": right("Yes."), "b": right("Yes.")}, "2 right"),
        ({"a": right("Yes.")}, "has 1"),
        ({}, "has 0"),
        ({"a": right("Yes."), "b": ""}, "explanation"),
        ({"a": right(""), "b": "No."}, "explanation"),
        ({"a": right("Yes."), "b": None}, "explanation"),
        ({"a": right("Yes."), "b": False}, "explanation"),
    ],
)
def test_a_quiz_needs_one_right_answer_and_an_explanation_for_each(options, said):
    with pytest.raises(ValueError, match=said):
        quiz("How much?", options)


def test_without_a_notebook_the_question_is_printed_without_its_answer(capsys):
    quiz("How much is B's?", OPTIONS)
    assert capsys.readouterr().out == "Quiz: How much is B's?\na) A half\nb) A tenth\nc) None\n"


def test_without_widgets_each_option_opens_on_its_explanation():
    page = Quiz("Is 1 < 2?", OPTIONS)._repr_html_()
    assert page.count("<details>") == page.count("<summary>") == 3 and "<details open" not in page
    assert "Is 1 &lt; 2?" in page and "Not &lt;b&gt;so&lt;/b&gt;." in page and "<b>so</b>" not in page
    assert page.count("✔ Right.") == 1 and page.count("✘ Not this one.") == 2
    assert page.index("<summary>A tenth") < page.index("✔ Right.") < page.index("<summary>None")


def test_with_widgets_a_click_shows_the_explanation_of_the_option_that_was_chosen():
    title, choices, answer = _widget(Quiz("Is 1 < 2?", OPTIONS)).children
    assert isinstance(choices, RadioButtons) and choices.value is None and answer.value == ""
    assert "Is 1 &lt; 2?" in title.value
    choices.value = "A half"
    assert "Not this one: A half" in answer.value and "That is &lt;unweighted&gt;." in answer.value
    choices.value = "A tenth"
    assert "Right: A tenth" in answer.value and "100 of 1000 &amp; no more." in answer.value
    assert "unweighted" not in answer.value
