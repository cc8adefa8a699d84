"""The pictures of the trade-off show what they are given, and name it."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course.figures import (
    plot_epsilon_surface,
    plot_small_multiples,
    plot_trade_off,
)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def columns(epsilons, accuracies, half_width=0.01):
    accuracies = np.asarray(accuracies, dtype=float)
    return {
        "epsilon": np.asarray(epsilons, dtype=float), "accuracy": accuracies, "low": accuracies - half_width,
        "high": accuracies + half_width, "megabytes": np.full(len(accuracies), 0.3),
    }  # fmt: skip


def test_the_cloud_and_its_fronts_carry_unit_delta_and_the_chosen_point():
    _, ax = plt.subplots()
    cloud, front = columns([0.1, 1, 10], [0.5, 0.8, 0.85]), columns([0.1, 10], [0.5, 0.85])
    plot_trade_off(
        ax, cloud=cloud, fronts={"0.5 MB": front, "0.01 MB": columns([], [])}, unit="client", delta=1e-5,
        title="A finding", asked=0.8, chosen=columns([1], [0.8]), reference=0.9,
    )  # fmt: skip
    assert (ax.get_title(loc="left") or ax.get_title()) == "A finding"
    assert ax.get_xlabel() == "ε per client (total, δ = 1e-05)"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["within 0.5 MB", "chosen"]
    assert {"asked for", "no noise, no clipping"} <= {text.get_text() for text in ax.texts}
    assert ax.get_xscale() == "log" and ax.get_ylim()[0] <= 0.5 <= 0.85 <= ax.get_ylim()[1]
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), cloud["accuracy"])


def test_a_cell_of_the_surface_without_a_point_is_a_dash_and_no_number():
    _, ax = plt.subplots()
    plot_epsilon_surface(
        ax, np.array([[0.5, 0.2], [np.inf, 3.0]]), accuracies=[0.7, 0.8], megabytes=[0.1, 1.0],
        unit="example", delta=1e-5, title="A surface",
    )  # fmt: skip
    assert [text.get_text() for text in ax.texts] == ["0.5", "0.2", "–", "3"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0.1", "1"]
    assert "per example" in ax.figure.axes[-1].get_ylabel()


def test_small_multiples_have_a_panel_a_value_and_a_line_a_value():
    _, axes = plt.subplots(1, 2, sharey=True)
    panels = {
        f"rate {q}": {"C = 1": columns([1, 2], [0.7, 0.8]), "C = 2": columns([1, 2], [0.6, 0.7])}
        for q in (0.1, 0.3)
    }
    plot_small_multiples(axes, panels, xlabel="ε per client", title="A finding", reference=0.9)
    assert [ax.get_title(loc="left") or ax.get_title() for ax in axes] == ["rate 0.1", "rate 0.3"]
    assert [len(ax.containers) for ax in axes] == [2, 2] and axes[0].get_ylabel()
    assert [text.get_text() for text in axes[-1].get_legend().get_texts()] == ["C = 1", "C = 2"]
