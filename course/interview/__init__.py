"""Interview mode: questions of the field with a clock, a rubric, and answers whose claims the lessons show.

In a terminal `python -m course interview`, in a notebook `interview("launch")`.
"""

from course.interview.catalogue import WALKTHROUGHS, walkthrough
from course.interview.cells import LinkError, Place, find_cell
from course.interview.notebook import interview
from course.interview.walkthrough import FollowUp, Link, Statement, Walkthrough

__all__ = [
    "WALKTHROUGHS",
    "FollowUp",
    "Link",
    "LinkError",
    "Place",
    "Statement",
    "Walkthrough",
    "find_cell",
    "interview",
    "walkthrough",
]
