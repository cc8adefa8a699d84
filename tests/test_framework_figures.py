"""The pictures of lesson 14 show what they are given: a mark a need, the side of a bound, hollow if old."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course.figures import plot_accountants, plot_needs, plot_noise_of_tools, plot_run_costs


@pytest.fixture
def ax():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def marks(ax, marker):
    return [line for line in ax.lines if line.get_marker() == marker]


def test_each_need_is_one_mark_and_nothing_is_said_in_words(ax):
    situations = {"none": set(), "one": {"b"}, "both": {"a", "b"}}
    plot_needs(ax, situations, {"a": ["Flower"], "b": []}, title="t")
    assert [len(marks(ax, marker)) for marker in "os"] == [1, 2]
    assert {"nothing", "Flower", "nobody"} <= set(texts(ax))
    assert [line.get_ydata()[0] for line in marks(ax, "s")] == [1, 2]


def test_bounds_point_at_where_the_truth_lies_and_the_excluded_part_ends_at_the_lower_bound(ax):
    results = [("A", "upper bound", 2.0), ("B", "lower bound", 1.5), ("C", "estimate", 1.2)]
    plot_accountants(ax, results, title="t", xlabel="x")
    assert [marks(ax, marker)[0].get_xdata()[0] for marker in "<>x"] == [2.0, 1.5, 1.2]
    assert "A: at most 2.000" in texts(ax) and "B: at least 1.500" in texts(ax)
    assert ax.patches[0].get_extents().transformed(ax.transData.inverted()).x1 == pytest.approx(1.5)


def test_without_a_lower_bound_nothing_is_excluded(ax):
    plot_accountants(ax, [("A", "upper bound", 2.0), ("B", "estimate", 1.0)], title="t", xlabel="x")
    assert not ax.patches


def test_the_shares_of_the_draws_are_what_was_drawn(ax):
    drawn = np.array([0, 0, 0, 1])
    exact = {"flat": dict.fromkeys(range(-1, 2), 1 / 3)}
    plot_noise_of_tools(ax, {"tool": drawn}, exact, title="t", xlabel="x", reach=1)
    shares = ax.containers[0].lines[0].get_ydata()
    assert list(shares) == [0, 75, 25]
    assert ax.lines[0].get_ydata() == pytest.approx([100 / 3] * 3)


def test_recorded_runs_are_hollow(ax):
    plot_run_costs(ax, {"live": (0.1, 1.0, True), "old": (0.2, 3.0, False)}, title="t")
    faces = [line.get_markerfacecolor() for line in marks(ax, "o")]
    assert faces[0] != "white" and faces[1] == "white"
    assert [line.get_xdata()[0] for line in marks(ax, "s")] == [1.0, 3.0]
