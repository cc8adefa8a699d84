"""The pictures of the audit: marks, words and axes say what the numbers say."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course.figures import (
    COLOURS,
    plot_auditors,
    plot_checks,
    plot_cohort_sizes,
    plot_messages,
    plot_stated_and_measured,
)


@pytest.fixture
def ax():
    yield plt.subplots()[1]
    plt.close("all")


def test_each_auditor_is_named_with_the_mean_of_its_points(ax):
    scores = {
        "naive": [(0.1, 0.05, 0.0), (0.3, 0.1, 0.0)],
        "reference": [(1, 1, 1.0)],
        "me": [(0.8, 0.9, 0.5), (1, 1, 0.9)],
    }
    plot_auditors(ax, scores, title="A finding")
    said = [text.get_text() for text in ax.texts]
    assert said == ["naive: 0.00 points", "reference: 1.00 points", "me: 0.70 points"]
    assert [len(marks.get_offsets()) for marks in ax.collections] == [2, 1, 2]
    assert "recall" in ax.get_xlabel() and "precision" in ax.get_ylabel()


def test_a_table_of_checks_marks_what_failed(ax):
    results = {"A": [True, False, None], "B": [True, True, False]}
    plot_checks(ax, results, checks=["one", "two", "three"], title="A finding")
    assert [text.get_text() for text in ax.texts] == ["·", "✕", "?", "·", "·", "✕"]
    assert [(patch.get_x(), patch.get_y()) for patch in ax.patches] == [(0.5, -0.5), (1.5, 0.5)]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["A", "B"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["one", "two", "three"]


def test_only_a_vendor_whose_interval_is_above_its_word_is_red(ax):
    rows = {"A": (1.0, 3.0, 2.5, 3.6), "B": (4.0, 4.1, 3.8, 4.5)}
    plot_stated_and_measured(ax, rows, title="A finding", delta=1e-5)
    assert [text.get_text() for text in ax.texts] == ["3.0 times what is stated"]
    drawn = [container.lines[0].get_color() for container in ax.containers]
    assert drawn == [COLOURS["attacker"], COLOURS["private"]]
    low, high = ax.get_xlim()
    assert low < 1.0 and high > 4.5 and "δ = 1e-05" in ax.get_xlabel()


def test_sizes_are_counted_beside_what_coins_give(ax):
    sizes, expected = {"A": [20, 20, 20], "B": [19, 21, 21]}, {19: 0.5, 20: 1.0, 21: 0.5}
    plot_cohort_sizes(ax, sizes, expected=expected, title="A finding")
    assert [list(line.get_ydata()) for line in ax.lines] == [[3], [1, 2], [0.5, 1.0, 0.5]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["A", "B", "coins would give"]


def test_a_message_is_drawn_on_the_ring_with_its_sign():
    _, axes = plt.subplots(1, 2)
    messages = {"near 0": np.array([0, 2**32 - 1], np.uint32), "far": np.array([2**31, 2**30], np.uint32)}
    plot_messages(axes, messages, title="A finding")
    assert list(axes[0].lines[1].get_ydata()) == pytest.approx([0, -(2.0**-32)])
    assert list(axes[1].lines[1].get_ydata()) == [-0.5, 0.25]
    assert [axis.get_title(loc="left") or axis.get_title() for axis in axes] == ["near 0", "far"]
    plt.close("all")
