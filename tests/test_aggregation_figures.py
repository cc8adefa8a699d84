"""The film of cancelling masks: whole, small, silent towards the network, and with words beside it."""

import re

import matplotlib.pyplot as plt
import numpy as np

from course.figures.aggregation import film_of, plot_bytes, plot_vectors


def frames(count):
    noise = np.random.default_rng(0).integers(0, 2**32, (count, 784))
    return [(f"step {i}", vector, 2**32) for i, vector in enumerate(noise)]


def test_the_film_has_a_picture_a_step_and_fetches_nothing_from_elsewhere():
    page = film_of(frames(4), frames(4), alt='noise, then "digits"')
    assert len(re.findall(r"data:image/png;base64", page)) == 4
    assert "http" not in re.sub(r"data:image[^\"]*", "", page)
    assert "<link" not in page and "fa-" not in page
    assert 'aria-label="noise, then &quot;digits&quot;"' in page
    assert len(page) < 100_000
    assert not plt.get_fignums()


def test_each_panel_is_on_its_own_scale():
    _, axes = plt.subplots(1, 2)
    plot_vectors(axes, [("one", np.zeros(784), 255), ("two", np.ones(784), 4)], title="A finding")
    assert [ax.images[0].get_clim() for ax in axes] == [(0, 255), (0, 4)]
    assert [ax.get_title() for ax in axes] == ["one", "two"]
    plt.close("all")


def test_bytes_are_written_at_the_bars():
    _, ax = plt.subplots()
    plot_bytes(ax, ["ONE_STAGE", "TWO"], [1_000, 20], [3, 4_000], title="A finding")
    assert {text.get_text() for text in ax.texts} >= {"1,000", "20", "3", "4,000"}
    assert [label.get_text() for label in ax.get_xticklabels()] == ["one\nstage", "two"]
    plt.close("all")
