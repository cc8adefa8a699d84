"""Interview mode in a terminal: the question, the clock, the rubric, two answers, and where to read on."""

import shutil
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from course.interview.cells import find_cell, shown_by
from course.interview.walkthrough import Link, Walkthrough

WIDEST = 100


def print_list(walkthroughs: Sequence[Walkthrough]) -> None:
    """One line a walkthrough: its id, its minutes, its lessons and how the question begins."""
    longest = max(len(walkthrough.id) for walkthrough in walkthroughs)
    for w in walkthroughs:
        head = f"{w.id:<{longest}}  {w.minutes:>2} min  {' '.join(w.lessons):<14}  "
        print(head + textwrap.shorten(w.question, max(16, _width() - len(head)), placeholder=" …"))


def print_all(walkthrough: Walkthrough) -> None:
    """Print the whole walkthrough without asking anything."""
    _show_question(walkthrough)
    for number, follow_up in enumerate(walkthrough.follow_ups, 1):
        _say(f"Follow-up {number}: {follow_up.question}")
        _show_reply(follow_up)
    print("\nRubric, one point each")
    for number, point in enumerate(walkthrough.rubric, 1):
        _say(f"{number}. {point}", indent=2)
    _show_answers(walkthrough)


def practise(
    walkthrough: Walkthrough,
    *,
    ask: Callable[[str], str] = input,
    clock: Callable[[], float] = time.monotonic,
) -> int | None:
    """Go through one question with the learner.

    Args:
        ask: prompts for one line and returns it, as `input` does.
        clock: seconds, as `time.monotonic`.

    Returns:
        The points that the learner gave themselves, or None if they stopped before the end.
    """
    try:
        _show_question(walkthrough)
        _time_an_answer(walkthrough.minutes, ask=ask, clock=clock)
        for number, follow_up in enumerate(walkthrough.follow_ups, 1):
            _say(f"Follow-up {number} of {len(walkthrough.follow_ups)}: {follow_up.question}")
            ask("  (answer, then press Enter) ")
            _show_reply(follow_up)
        missed = _score_yourself(walkthrough.rubric, ask=ask)
        ask("  (press Enter to see a weak and a strong answer) ")
    except (EOFError, KeyboardInterrupt):
        print("\nStopped.")
        return None
    _show_answers(walkthrough)
    if missed:
        print("\nRead again, for the points that you missed")
    for point in missed:
        _say(f"{point}. {walkthrough.rubric[point - 1]}", indent=2)
        for link in dict.fromkeys(walkthrough.where_to_read(point)):
            _say(f"→ {find_cell(link)}", indent=5)
    return len(walkthrough.rubric) - len(missed)


def is_interactive() -> bool:
    """Whether somebody can answer: both ends are a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _show_question(walkthrough: Walkthrough) -> None:
    limit = f"{walkthrough.minutes} minute{'s' * (walkthrough.minutes > 1)}"
    print(f"\n{walkthrough.id} · {limit} · lessons {', '.join(walkthrough.lessons)}\n" + "─" * _width())
    _say(walkthrough.question)
    if walkthrough.exhibit:
        print("\n" + textwrap.indent(walkthrough.exhibit.strip("\n"), "    "))
    print()


def _time_an_answer(minutes: int, *, ask: Callable[[str], str], clock: Callable[[], float]) -> None:
    print("Answer aloud, or type. An empty line ends your answer; Ctrl-C stops.")
    began = clock()
    with _alarm(minutes):
        while ask("> ").strip():
            pass
    spent = round(clock() - began)
    over = "" if spent <= 60 * minutes else " Too long: what would you leave out?"
    print(f"You took {spent // 60}:{spent % 60:02} of {minutes}:00.{over}\n")


@contextmanager
def _alarm(minutes: float) -> Iterator[None]:
    """Say when the time is up, while the learner is still answering."""
    timer = threading.Timer(60 * minutes, print, [f"\a\n[{minutes} minutes are over]\n> "], {"end": ""})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _score_yourself(rubric: Sequence[str], *, ask: Callable[[str], str]) -> list[int]:
    """Ask for each point whether it was said; return the numbers of those that were not."""
    print("\nRubric. Did you say it, in whatever words? (y or n)")
    missed = []
    for number, point in enumerate(rubric, 1):
        _say(f"{number}. {point}", indent=2)
        while (said := ask("     y/n ").strip().lower()[:1]) not in ("y", "n"):
            print("     Please type y or n.")
        if said == "n":
            missed.append(number)
    print(f"\n{len(rubric) - len(missed)} of {len(rubric)} points\n")
    return missed


def _show_reply(follow_up) -> None:
    _say(f"A good reply: {follow_up.good_reply}", indent=2)
    if follow_up.link is not None:
        _show_link(follow_up.link, follow_up.good_reply)
    print()


def _show_answers(walkthrough: Walkthrough) -> None:
    print("\nA weak answer")
    _say(f"“{walkthrough.weak}”", indent=2)
    _say(f"Why it is weak: {walkthrough.why_weak}", indent=2)
    print("\nA strong answer, [the points it earns], and the cells that show it")
    for statement in walkthrough.strong:
        points = f" [{', '.join(map(str, statement.earns))}]" if statement.earns else ""
        _say(statement.sentence + points, indent=2)
        _show_link(statement.link, statement.sentence)


def _show_link(link: Link, said: str) -> None:
    _say(f"→ {find_cell(link)}", indent=5)
    for line in shown_by(link, said=said).splitlines():
        _say(line.strip(), indent=7)


def _say(text: str, *, indent: int = 0) -> None:
    margin = " " * indent
    print(
        textwrap.fill(text, _width(), initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False)
    )


def _width() -> int:
    return min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)
