"""`python -m course interview`: pick a question, list them, or practise for so many minutes."""

import argparse
import os
import random
import sys
from collections.abc import Sequence

from course.interview.catalogue import WALKTHROUGHS, walkthrough
from course.interview.terminal import is_interactive, practise, print_all, print_list
from course.interview.walkthrough import Walkthrough

MINUTES_A_FOLLOW_UP = 1


def run(options: argparse.Namespace) -> int:
    """Do what the options say; return the exit code.

    A reader that has seen enough, such as `| head`, ends the command quietly.

    Raises:
        ValueError: if there is no such question or no such lesson, or nothing fits the time.
    """
    try:
        code = _run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whatever is still in the buffer goes nowhere; otherwise Python complains of it at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\nStopped.")
        return 1
    return code


def _run(options: argparse.Namespace) -> int:
    lesson = None if options.lesson is None else options.lesson.zfill(2)
    chosen = [w for w in WALKTHROUGHS if lesson is None or lesson in w.lessons]
    if not chosen:
        raise ValueError(f"no question links to lesson {options.lesson!r}; try --list")
    if options.id is not None:
        chosen = [walkthrough(options.id)]
    interactive = is_interactive() and not options.reveal
    if options.list or (options.id is None and not interactive and options.minutes is None):
        print_list(chosen)
        print("\npython -m course interview NAME asks one of these; --reveal prints its answers at once.")
        return 0
    if options.minutes is not None:
        chosen = session(chosen, minutes=options.minutes, rng=random.Random())
    elif options.id is None:
        chosen = [random.choice(chosen)]
    return _ask_each(chosen) if interactive else _print_each(chosen)


def session(
    walkthroughs: Sequence[Walkthrough], *, minutes: int, rng: random.Random
) -> tuple[Walkthrough, ...]:
    """Questions in random order that fit the time together, a minute for each follow-up included.

    Raises:
        ValueError: if not even one fits.
    """
    chosen, left = [], minutes
    for candidate in rng.sample(list(walkthroughs), len(walkthroughs)):
        needed = time_needed(candidate)
        if needed <= left:
            chosen.append(candidate)
            left -= needed
    if not chosen:
        shortest = min(map(time_needed, walkthroughs))
        raise ValueError(f"no question fits {minutes} minutes; the shortest takes {shortest}")
    return tuple(chosen)


def time_needed(walkthrough: Walkthrough) -> int:
    """Minutes for a question and its follow-ups, without the scoring."""
    return walkthrough.minutes + MINUTES_A_FOLLOW_UP * len(walkthrough.follow_ups)


def _ask_each(walkthroughs: Sequence[Walkthrough]) -> int:
    earned = possible = 0
    for number, asked in enumerate(walkthroughs, 1):
        if number > 1 and not _go_on():
            break
        if len(walkthroughs) > 1:
            print(f"\nQuestion {number} of {len(walkthroughs)}")
        points = practise(asked)
        if points is None:
            break
        earned, possible = earned + points, possible + len(asked.rubric)
    if possible and len(walkthroughs) > 1:
        print(f"\nIn all: {earned} of {possible} points")
    return 0


def _go_on() -> bool:
    """Wait until the answers are read, since the next question starts its clock at once."""
    try:
        input("\n  (press Enter for the next question) ")
    except (EOFError, KeyboardInterrupt):
        print("\nStopped.")
        return False
    return True


def _print_each(walkthroughs: Sequence[Walkthrough]) -> int:
    for asked in walkthroughs:
        print_all(asked)
    return 0
