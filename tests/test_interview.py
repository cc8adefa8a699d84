"""Interview mode: each claim of a strong answer leads to one cell that shows it, and nobody waits."""

import asyncio
import html
import io
import os
import random
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from course.__main__ import main
from course.exercises.exercise import LESSONS
from course.interview import (
    WALKTHROUGHS,
    Link,
    LinkError,
    Statement,
    command,
    find_cell,
    interview,
    walkthrough,
)
from course.interview import notebook as notebook_view
from course.interview.cells import notebook_of, output_texts, shown_by, solved_cell
from course.interview.command import session, time_needed
from course.interview.notebook import answers_page, clock_text, list_page, question_page, rubric_page
from course.interview.terminal import _alarm, practise, print_all

ROOT = Path(__file__).parents[1]
EACH = pytest.mark.parametrize("asked", WALKTHROUGHS, ids=lambda w: w.id)
SEEDS = ("launch", "local-data")
LEAST_WALKTHROUGHS, LEAST_A_LESSON = 24, 2
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?(?:e[-−+]?\d+)?")
VAGUE = re.compile(
    r"^(knows|notices)\b|\b(mentions|discusses|talks about|understands|is aware)\b", re.IGNORECASE
)


def links_of(asked):
    """Every link of a walkthrough: of its strong answer and of its follow-ups."""
    return [s.link for s in asked.strong] + [f.link for f in asked.follow_ups if f.link is not None]


def numbers_in(text):
    """The numbers of a text: (value, half a unit of its last digit, whether % or points follow)."""
    text = re.sub(r"(?<=\d)_(?=\d)", "", text).replace("−", "-")
    found = []
    for match in NUMBER.finditer(text):
        digits, _, exponent = match.group().replace(",", "").partition("e")
        decimals = len(digits.partition(".")[2])
        unit = 10.0 ** (int(exponent or 0) - decimals)
        as_share = bool(re.match(r"\s?%|\spoints?\b", text[match.end() :]))
        found.append((float(match.group().replace(",", "")), unit / 2, as_share))
    return found


def numbers_not_shown(sentence, link):
    """The numbers of a sentence that the linked cell of the solved notebook does not show, rounded alike."""
    cell = solved_cell(link)
    # Two broken halves of one string could make a number that nobody wrote, so source and outputs stay apart.
    values = [value for text in (cell.source, *output_texts(cell)) for value, _, _ in numbers_in(text)]
    return [
        value
        for value, half_a_unit, as_share in numbers_in(sentence)
        if not any(
            abs(shown * scale - value) <= half_a_unit * 1.0001
            for shown in values
            for scale in ((1, 100) if as_share else (1,))
        )
    ]


# The walkthroughs -----------------------------------------------------------------------------------


def test_there_are_enough_walkthroughs_and_the_two_questions_of_the_field_come_first():
    assert len(WALKTHROUGHS) >= LEAST_WALKTHROUGHS
    assert tuple(w.id for w in WALKTHROUGHS[:2]) == SEEDS
    assert len({w.id for w in WALKTHROUGHS}) == len({w.question for w in WALKTHROUGHS}) == len(WALKTHROUGHS)


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_lesson_is_behind_two_walkthroughs_or_more(lesson):
    if not list((ROOT / "notebooks").glob(f"{lesson}_*.ipynb")):
        pytest.skip(f"lesson {lesson} has no notebook yet")
    assert sum(lesson in w.lessons for w in WALKTHROUGHS) >= LEAST_A_LESSON


def test_the_seed_questions_ask_for_what_the_field_asks():
    launch, audit = (" ".join(walkthrough(id).rubric).lower() for id in SEEDS)
    assert all(word in launch for word in ("bytes", "accuracy", "ε", "unit"))
    assert all(word in audit for word in ("aggregation", "mechanism", "malicious", "stream"))


@EACH
def test_every_link_finds_one_cell_and_the_same_in_the_solved_notebook(asked):
    for link in links_of(asked):
        place = find_cell(link)
        assert solved_cell(link).id == place.cell_id
        cells = nbformat.read(place.notebook, as_version=4).cells
        assert [cell.id for cell in cells].count(place.cell_id) == 1
        assert cells[place.number - 1].id == place.cell_id


@EACH
def test_every_number_of_a_strong_answer_stands_in_the_cell_that_it_links_to(asked):
    missing = {s.sentence: gone for s in asked.strong if (gone := numbers_not_shown(s.sentence, s.link))}
    assert not missing


@EACH
def test_a_rubric_says_what_can_be_heard(asked):
    assert not [point for point in asked.rubric if VAGUE.search(point) or len(point.split()) < 5]


@EACH
def test_a_follow_up_is_answered_and_the_weak_answer_is_not_a_straw_man(asked):
    assert all(len(f.good_reply.split()) >= 12 for f in asked.follow_ups)
    assert len(asked.weak.split()) >= 12 and len(asked.why_weak.split()) >= 12


def test_no_question_is_that_of_a_lessons_own_interview_corner():
    corners = " ".join(
        " ".join(path.read_text(encoding="utf-8").replace("\n# ", " ").split())
        for path in (ROOT / "solutions").glob("[0-9][0-9]_*.py")
    )
    assert not [w.id for w in WALKTHROUGHS if w.question in corners]


# The tests of the walkthroughs can fail ---------------------------------------------------------------


def test_a_wrong_number_is_noticed():
    link = Link("03", "crafted = crafted_network(public.images.mean(dim=1), bins=1_000)")
    assert numbers_not_shown("It gave back 79 % of 256 images.", link) == []
    assert numbers_not_shown("It gave back 81 % of 256 images.", link) == [81]
    assert numbers_not_shown("It gave back 79 % of 512 images.", link) == [512]


def test_numbers_are_compared_as_they_are_rounded():
    shown = Link("06", "Women over 50K lose more than four points")  # lost_women = 0.07356
    assert numbers_not_shown("They lose 7.4 points.", shown) == []
    assert numbers_not_shown("They lose 7.3 points.", shown) == [7.3]
    assert numbers_not_shown("The share is 0.07.", shown) == []


@pytest.mark.parametrize(
    ("link", "said"),
    [
        (Link("03", "no cell says this"), "0 cells"),
        (Link("03", "claim("), "cells (numbers"),
        (Link("03", "## No such heading"), "0 cells"),
        (Link("03", "03.99"), "0 cells"),
        (Link("99", "anything"), "99"),
    ],
)
def test_a_link_that_finds_no_cell_or_several_says_so(link, said):
    with pytest.raises(LinkError, match=re.escape(said)):
        find_cell(link)


def test_an_anchor_may_be_an_exercise_a_heading_or_a_phrase_that_is_broken_in_the_source():
    exercise, heading = find_cell(Link("03", "03.5")), find_cell(Link("03", "## A server that cheats"))
    phrase = find_cell(Link("03", "most of 256 images, the honest one few"))
    assert heading.number < exercise.number < phrase.number
    assert exercise.section == heading.section == phrase.section == "A server that cheats"


def test_a_claim_is_shown_with_its_number_and_without_its_neighbours():
    link = Link("06", "All three broken versions are caught at a claimed ε = 1")
    assert re.fullmatch(r"✔ All three broken .* ε = 1\n  least_caught = [\d.]+", shown_by(link))


def test_lines_that_hold_a_number_of_the_sentence_are_shown_with_the_claim():
    link = Link("11", "All together cost a third more than a fresh accountant says")
    shown = shown_by(link, said="Two studies came to 3.78, a fresh accountant says 2.04.")
    assert "ε = 3.78" in shown and "say 2.04" in shown and "City's file" not in shown


def test_a_quiz_is_not_shown_with_its_answers():
    assert shown_by(Link("06", "Why is an empty batch given noise, too?")) == ""


def test_a_strong_answer_that_misses_a_point_is_refused():
    asked = WALKTHROUGHS[0]
    unearned = tuple(replace(s, earns=tuple(p for p in s.earns if p != 1)) for s in asked.strong)
    with pytest.raises(ValueError, match="earns points"):
        replace(asked, strong=unearned)
    with pytest.raises(ValueError, match="rubric has 1"):
        replace(asked, rubric=("one point only",))
    with pytest.raises(ValueError, match="follow_ups has 0"):
        replace(asked, follow_ups=())


# In the terminal ----------------------------------------------------------------------------------------


class Learner:
    """Types what it is told to, and remembers what it was asked; its clock goes on by a minute a line."""

    def __init__(self, lines):
        self.lines, self.asked, self.minutes = list(lines), [], 0

    def ask(self, prompt):
        self.asked.append(prompt)
        self.minutes += 1
        if not self.lines:
            raise EOFError
        return self.lines.pop(0)

    def clock(self):
        return 60.0 * self.minutes


def answers(asked, verdicts, *, words=("I would start with", "")):
    """What a learner types in one question: an answer, Enter for each follow-up, verdicts, Enter."""
    return [*words, *[""] * len(asked.follow_ups), *verdicts, ""]


def test_a_learner_is_asked_scored_and_told_where_to_read(capsys):
    asked = walkthrough("launch")
    learner = Learner(answers(asked, ["y", "n", *["y"] * (len(asked.rubric) - 2)]))
    assert practise(asked, ask=learner.ask, clock=learner.clock) == len(asked.rubric) - 1
    said = " ".join(capsys.readouterr().out.split())
    assert not learner.lines
    assert "You took 2:00 of 12:00." in said and "Too long" not in said
    end = said[said.index("Read again") :]
    assert asked.rubric[1] in end and asked.rubric[0] not in end
    for link in asked.where_to_read(2):
        assert str(find_cell(link)) in end


def test_the_answers_are_not_shown_before_the_learner_has_scored(capsys):
    asked = walkthrough("launch")
    learner = Learner(answers(asked, ["y"] * len(asked.rubric))[:-1])
    assert practise(asked, ask=learner.ask, clock=learner.clock) is None
    said = " ".join(capsys.readouterr().out.split())
    assert asked.weak not in said and asked.strong[0].sentence not in said
    assert said.endswith("Stopped.")


def test_a_long_answer_is_timed_and_an_unclear_verdict_is_asked_again(capsys):
    asked = walkthrough("launch")
    words = ("and",) * 13 + ("",)
    learner = Learner(answers(asked, ["perhaps", "y", *["N"] * (len(asked.rubric) - 1)], words=words))
    assert practise(asked, ask=learner.ask, clock=learner.clock) == 1
    said = capsys.readouterr().out
    assert "You took 14:00 of 12:00. Too long" in said and said.count("Please type y or n") == 1


def test_the_time_is_called_while_the_learner_still_answers_and_not_afterwards(capsys):
    with _alarm(0.0005):  # 30 ms
        time.sleep(0.2)
    assert "minutes are over" in capsys.readouterr().out
    with _alarm(0.0005):
        pass
    time.sleep(0.1)
    assert capsys.readouterr().out == ""


@EACH
def test_everything_is_printed_with_links_and_in_lines_that_fit(asked, capsys):
    print_all(asked)
    said = capsys.readouterr().out
    for link in links_of(asked):
        assert find_cell(link).notebook.name in said
    # Code of an exhibit, and what a notebook printed, stay as they are.
    prose = said.replace(asked.exhibit, "")
    assert max(len(line) for line in prose.splitlines() if not line.startswith("       ")) <= 100
    flat = " ".join(said.split())
    for text in (asked.question, asked.weak, *asked.rubric, *(s.sentence for s in asked.strong)):
        assert " ".join(text.split()) in flat


def run_command(*arguments):
    """`python -m course interview …` with nobody at the keyboard."""
    return subprocess.run(
        [sys.executable, "-m", "course", "interview", *arguments],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_without_a_terminal_the_command_prints_all_and_does_not_wait():
    done = run_command("local-data")
    assert done.returncode == 0 and done.stderr == ""
    assert "A strong answer" in done.stdout and "#" not in done.stdout.splitlines()[1]


def test_a_reader_that_goes_away_ends_the_command_quietly():
    reads, writes = os.pipe()
    os.close(reads)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "course", "interview", "launch", "--reveal"],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=writes, stderr=subprocess.PIPE,
            text=True, timeout=60, check=False,
        )  # fmt: skip
    finally:
        os.close(writes)
    assert done.returncode == 1 and done.stderr == ""


def test_a_lesson_may_be_named_without_its_zero(capsys):
    assert main(["interview", "--list", "--lesson", "9"]) == 0
    short = capsys.readouterr().out
    assert main(["interview", "--list", "--lesson", "09"]) == 0
    assert capsys.readouterr().out == short


def test_a_mock_interview_waits_between_questions_and_counts_what_was_done(capsys, monkeypatch):
    two, lines = WALKTHROUGHS[2:4], iter(answers(WALKTHROUGHS[2], "y" * len(WALKTHROUGHS[2].rubric)))

    def typed(prompt):
        if "next question" in prompt:
            raise KeyboardInterrupt
        return next(lines)

    monkeypatch.setattr("builtins.input", typed)
    monkeypatch.setattr(command, "practise", lambda asked: practise(asked, ask=typed))
    assert command._ask_each(two) == 0
    said, full = capsys.readouterr().out, len(two[0].rubric)
    assert "Question 1 of 2" in said and "Question 2 of 2" not in said
    assert f"In all: {full} of {full} points" in said


def test_without_a_terminal_and_without_a_name_it_lists(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert main(["interview"]) == 0
    plain = capsys.readouterr().out
    assert main(["interview", "--list"]) == 0
    assert capsys.readouterr().out == plain
    assert all(f"\n{w.id} " in "\n" + plain for w in WALKTHROUGHS)


def test_a_lesson_chooses_the_questions_that_link_to_it(capsys):
    assert main(["interview", "--list", "--lesson", "09"]) == 0
    said = capsys.readouterr().out
    for w in WALKTHROUGHS:
        assert (f"\n{w.id} " in "\n" + said) == ("09" in w.lessons)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "no question 'nothing'"),
        (["--lesson", "77"], "lesson '77'"),
        (["--minutes", "1", "--reveal"], "the shortest takes"),
    ],
)
def test_a_question_that_does_not_exist_is_refused_in_words(arguments, said, capsys):
    assert main(["interview", *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("minutes", [10, 30, 60])
def test_a_mock_interview_fits_its_time_and_asks_nothing_twice(minutes):
    for seed in range(20):
        chosen = session(WALKTHROUGHS, minutes=minutes, rng=random.Random(seed))
        assert sum(map(time_needed, chosen)) <= minutes
        assert len({w.id for w in chosen}) == len(chosen)


# In a notebook --------------------------------------------------------------------------------------------


@pytest.fixture
def displayed(monkeypatch):
    """What a notebook would be given to display."""
    import IPython.display

    shown = []
    monkeypatch.setattr(notebook_view, "in_notebook", lambda: True)
    monkeypatch.setattr(IPython.display, "display", lambda item, raw=False: shown.append(item))
    return shown


def test_a_notebook_shows_the_question_the_rubric_and_the_answers(displayed):
    interview("launch")
    question, rubric, rest = displayed
    assert html.escape(walkthrough("launch").question) in question.data
    assert "application/vnd.jupyter.widget-view+json" in rubric and "<details" in rubric["text/html"]
    assert "A strong answer" in rest.data


def test_without_widgets_the_rubric_is_still_there(displayed, monkeypatch):
    def broken(asked):
        raise RuntimeError("no widgets here")

    monkeypatch.setattr(notebook_view, "_scoring_widget", broken)
    interview("launch")
    assert set(displayed[1]) == {"text/plain", "text/html"}


def test_the_boxes_count_the_points(displayed):
    import ipywidgets

    asked = walkthrough("launch")
    _, _, rubric = notebook_view._scoring_widget(asked).children
    *lines, total = rubric.children
    boxes = [line.children[0] for line in lines]
    assert total.value == f"0 of {len(asked.rubric)} points"
    boxes[0].value = boxes[2].value = True
    assert total.value == f"2 of {len(asked.rubric)} points"
    assert rubric.layout.display == "none" and isinstance(boxes[0], ipywidgets.Checkbox)


def test_without_a_name_a_notebook_lists_all_questions(displayed):
    interview()
    assert all(w.id in displayed[0].data for w in WALKTHROUGHS)


@EACH
def test_links_of_the_page_lead_to_the_cell_from_the_folder_of_the_notebooks(asked, monkeypatch):
    monkeypatch.chdir(ROOT / "notebooks")
    page = answers_page(asked)
    targets = re.findall(r"href='([^']+)'", page)
    assert len(targets) == len(links_of(asked))
    for target in targets:
        path, _, fragment = target.partition("#cell-id=")
        ids = [cell.id for cell in nbformat.read(ROOT / "notebooks" / path, as_version=4).cells]
        assert fragment in ids


def test_a_link_leads_to_the_learners_own_copy_where_there_is_one(tmp_path):
    place = find_cell(Link("03", "03.5"))
    assert place.href(tmp_path).startswith("..")
    (tmp_path / place.notebook.name).touch()
    assert place.href(tmp_path) == f"{place.notebook.name}#cell-id={place.cell_id}"


def test_pages_escape_what_is_in_them():
    nasty = replace(
        WALKTHROUGHS[0],
        question="<script>1</script>",
        rubric=("<script>2</script> and more words here",) * 8,
        weak="<script>3</script>",
        exhibit="if a < b:",
    )
    pages = question_page(nasty) + rubric_page(nasty) + answers_page(nasty) + list_page()
    assert "<script>" not in pages and pages.count("&lt;script&gt;") >= 3 and "a &lt; b" in pages


@pytest.mark.parametrize(
    ("seconds", "reads"), [(0, "12:00 left"), (61, "10:59 left"), (720, "0:00 left"), (800, "1:20 over time")]
)
def test_the_clock_reads_what_is_left(seconds, reads):
    assert clock_text(seconds, 12) == reads


def test_the_clock_runs_when_it_is_started_and_stops_when_the_rubric_is_shown():
    async def a_moment() -> tuple[str, bool]:
        controls, show, _ = notebook_view._scoring_widget(walkthrough("launch")).children
        start, reading = controls.children
        start.click()
        await asyncio.sleep(0)
        running, shown = start.clock, reading.value
        show.click()
        await asyncio.sleep(0)
        return shown, running.cancelled()

    assert asyncio.run(a_moment()) == ("12:00 left", True)


def test_outside_a_notebook_the_view_prints(capsys):
    interview("launch")
    assert "A strong answer" in capsys.readouterr().out


def test_a_statement_is_frozen():
    with pytest.raises(AttributeError):
        Statement("a", Link("00", "b")).sentence = "c"


def test_every_lesson_with_a_link_has_both_notebooks():
    for lesson in {link.lesson for w in WALKTHROUGHS for link in links_of(w)}:
        assert notebook_of(lesson).stem == notebook_of(lesson, folder="solutions").stem
