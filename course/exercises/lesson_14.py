"""Lesson 14, which tool, when: its five exercises, the answers that it lends, and the hints."""

from course.exercises.exercise import Exercise
from course.exercises.lesson_14_choosing import needs, quotable, verify_needs, verify_quotable
from course.exercises.lesson_14_comparing import (
    differing_pairs,
    furthest_apart,
    verify_differing_pairs,
    verify_furthest_apart,
)
from course.exercises.lesson_14_processes import still_running, verify_still_running

EXERCISES = (
    Exercise(
        "14.1", "needs", "what a situation asks of a tool", needs, verify_needs,
        (
            "Who must not see what: the server the parts, the readers the persons, or nobody anything?",
            "Begin with the simulation: without a server of somebody else only `published` counts. Deployed: a network; a "
            "secure sum if the server is not trusted, that survives dropouts if there are phones; noise if published.",
            "Noise belongs to the server if it may see the parts, and to the clients if not: "
            'asked.add("noise at the server" if server_trusted else "noise at the clients").',
        ),
        points=2,
    ),
    Exercise(
        "14.2", "furthest_apart", "a parity check that can fail", furthest_apart, verify_furthest_apart,
        (
            "What does your comparison say when one of the numbers is NaN?",
            "For each pair of models (itertools.combinations) and each name: np.asarray both; other names, other shapes or "
            "anything that np.isfinite refuses: return math.inf. Else keep the largest np.abs(left − right).",
            "if left.shape != right.shape or not np.isfinite(left - right).all(): return math.inf; "
            "furthest = max(furthest, np.abs(left - right).max())",
        ),
        points=2,
    ),
    Exercise(
        "14.3", "still_running", "who is left behind", still_running, verify_still_running,
        (
            "When a parent ends, its child is adopted by process 1. In which snapshot can you still see whose child it was?",
            "Go through the snapshots and keep the set of (number, started) that belong to the family: a process belongs if "
            "its parent does, in that snapshot, with the same start. Repeat until nobody is added.",
            "In the end: {number for number, born in family if number in last and last[number][1] == born}, where last = "
            "snapshots[-1].",
        ),
        points=2,
    ),
    Exercise(
        "14.4", "differing_pairs", "do they draw from one distribution?", differing_pairs, verify_differing_pairs,
        (
            "Four tools make six pairs. If each is tested at 5 %, how often is somebody accused who is innocent?",
            "scipy.stats.ks_2samp(one, other).pvalue compares two whole distributions. Divide false_alarm by the number of "
            "pairs.",
            "pairs = list(itertools.combinations(draws, 2)); return [p for p in pairs if stats.ks_2samp(draws[p[0]], "
            "draws[p[1]]).pvalue < false_alarm / len(pairs)]",
        ),
        points=2,
    ),
    Exercise(
        "14.5", "quotable", "which ε may be printed", quotable, verify_quotable,
        (
            "Two accountants prove 2.1 and 1.8 of the same run. Are both right?",
            "Each upper bound holds by itself, so the smallest holds. Estimates promise nothing. What does a lower bound "
            "above it show?",
            "upper and lower are the ε of the two kinds; return None if not upper or max(lower, default=0) > min(upper), "
            "else min(upper).",
        ),
    ),
)  # fmt: skip
