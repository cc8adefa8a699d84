"""Gradient inversion: closed forms, then attacks that work on the leaky case and fail on the safe one."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course.attacks import (
    crafted_network,
    gradient_distance,
    gradient_of,
    invert_gradient,
    invert_linear,
    label_counts_from_gradient,
    label_from_gradient,
    psnr,
    read_bins,
    tanh_convnet,
    total_variation,
)
from course.data import load_mnist
from course.federated import as_examples, client_generator, local_sgd, subtract, weights_of

torch.set_num_threads(1)
LEAKED = 25.0
"""PSNR in dB that an attack must reach where it works; seen: 65 and more. The mean digit has about 12."""


@pytest.fixture(scope="module")
def digits():
    mnist = load_mnist()
    return as_examples(mnist.test_images[:300], mnist.test_labels[:300])


@pytest.fixture(scope="module")
def public():
    mnist = load_mnist()
    return as_examples(mnist.train_images[:5_000], mnist.train_labels[:5_000])


def noised(gradient, noise_multiplier, *, seed):
    """The gradient scaled to norm 1 and Gaussian noise: what a client with a local DP promise sends."""
    generator = torch.Generator().manual_seed(seed)
    norm = torch.cat([tensor.flatten() for tensor in gradient.values()]).norm()
    return {
        name: tensor / norm + noise_multiplier * torch.randn(tensor.shape, generator=generator)
        for name, tensor in gradient.items()
    }


# Scores -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("difference", "decibels"), [(1.0, 0.0), (0.1, 20.0), (0.01, 40.0)])
def test_psnr_of_a_constant_difference_is_minus_twenty_times_its_logarithm(difference, decibels):
    assert psnr(torch.full((784,), difference), torch.zeros(784)) == pytest.approx(decibels, abs=1e-4)


def test_psnr_of_equal_images_is_infinite_and_other_shapes_are_refused():
    assert psnr(torch.ones(4), torch.ones(4)) == math.inf
    with pytest.raises(ValueError, match="shapes"):
        psnr(torch.ones(4), torch.ones(2, 2))


def test_total_variation_by_hand():
    image = torch.tensor([[0.0, 1.0], [0.0, 0.5]])
    # To the right: 1 and 0.5, mean 0.75. Down: 0 and 0.5, mean 0.25.
    assert total_variation(image).item() == pytest.approx(1.0)
    assert total_variation(torch.full((3, 28, 28), 0.4)).item() == 0


@given(st.floats(0.01, 100), st.integers(0, 1000))
@settings(deadline=None, max_examples=40)
def test_gradient_distance_forgets_scale_and_knows_direction(scale, seed):
    generator = torch.Generator().manual_seed(seed)
    one = [torch.randn(3, 4, generator=generator), torch.randn(5, generator=generator)]
    assert gradient_distance(one, [scale * tensor for tensor in one]).item() == pytest.approx(0, abs=1e-5)
    assert gradient_distance(one, [-tensor for tensor in one]).item() == pytest.approx(2, abs=1e-5)


def test_gradient_distance_is_taken_over_all_layers_as_one_vector():
    one, two = [torch.tensor([3.0]), torch.tensor([0.0])], [torch.tensor([3.0]), torch.tensor([4.0])]
    assert gradient_distance(one, two).item() == pytest.approx(1 - 9 / 15)


# Without a search ---------------------------------------------------------------------------------


def test_the_label_of_one_example_is_the_only_negative_entry(digits):
    for seed in range(5):
        model = tanh_convnet(seed=seed)
        for i in range(40):
            one = digits.take([i])
            assert (
                label_from_gradient(gradient_of(model, one.images, one.labels)["6.bias"]) == one.labels.item()
            )


def test_the_bias_gradient_is_probability_minus_label():
    torch.manual_seed(0)
    model, image = nn.Sequential(nn.Linear(784, 10)), torch.rand(1, 784)
    expected = model(image).softmax(dim=1)[0] - nn.functional.one_hot(torch.tensor(4), 10)
    assert torch.allclose(gradient_of(model, image, torch.tensor([4]))["0.bias"], expected, atol=1e-6)


def test_a_gradient_of_two_examples_has_no_single_label():
    with pytest.raises(ValueError, match="2 negative"):
        label_from_gradient(torch.tensor([0.2, -0.1, -0.1]))


@pytest.mark.parametrize("batch_size", [2, 8, 32, 128])
def test_label_counts_of_random_batches_are_nearly_all_right_on_an_untrained_model(
    batch_size, digits, public
):
    model = tanh_convnet(seed=0)
    mean_probability = model(public.images[:500]).softmax(dim=1).mean(dim=0).detach()
    found = 0
    for seed in range(10):
        batch = digits.take(torch.randperm(300, generator=torch.Generator().manual_seed(seed))[:batch_size])
        bias = gradient_of(model, batch.images, batch.labels)["6.bias"]
        counts = label_counts_from_gradient(bias, batch_size=batch_size, mean_probability=mean_probability)
        assert counts.sum() == batch_size
        found += torch.minimum(counts, batch.labels.bincount(minlength=10)).sum().item()
    assert found >= 0.9 * 10 * batch_size


def test_label_counts_are_exact_when_the_mean_probability_is():
    labels, logits = torch.tensor([0, 0, 2, 1, 2, 2]), torch.randn(6, 4, dtype=torch.float64)
    bias = (logits.softmax(dim=1) - nn.functional.one_hot(labels, 4)).mean(dim=0)
    counts = label_counts_from_gradient(
        bias, batch_size=6, mean_probability=logits.softmax(dim=1).mean(dim=0)
    )
    assert counts.tolist() == [2, 1, 3, 0]


def test_a_linear_layer_gives_one_input_back_from_each_unit():
    torch.manual_seed(0)
    model, image = nn.Sequential(nn.Linear(784, 20), nn.ReLU(), nn.Linear(20, 10)), torch.rand(1, 784)
    gradient = gradient_of(model, image, torch.tensor([3]))
    pictures = invert_linear(gradient["0.weight"], gradient["0.bias"])
    fired = int((model[0](image) > 0).sum())
    assert len(pictures) == fired
    assert torch.allclose(pictures, image.expand(fired, -1), atol=1e-4)


# The crafted layer --------------------------------------------------------------------------------


def test_a_bin_of_its_own_gives_an_input_back_exactly_and_a_shared_bin_a_mixture():
    levels = torch.linspace(0, 1, 1001)
    model = crafted_network(levels, bins=10, num_inputs=4)
    inputs = torch.tensor(
        [[0.1, 0.2, 0.3, 0.0], [0.5, 0.6, 0.4, 0.5], [0.9, 0.8, 1.0, 0.9], [1.0, 0.9, 0.8, 0.9]]
    ).double()
    gradient = gradient_of(model, inputs, torch.tensor([1, 2, 3, 9]))
    pictures = read_bins(gradient["0.weight"], gradient["0.bias"])
    assert len(pictures) == 3
    assert torch.allclose(pictures[:2], inputs[:2], atol=1e-9)
    share = (pictures[2] - inputs[3])[0] / (inputs[2] - inputs[3])[0]
    assert torch.allclose(pictures[2], share * inputs[2] + (1 - share) * inputs[3], atol=1e-9)


def best_psnr(pictures, originals):
    errors = torch.cdist(pictures.float().clamp(0, 1), originals).square() / 784
    return -10 * errors.amin(dim=0).clamp(min=1e-10).log10()


def test_the_crafted_layer_reads_most_of_256_digits_and_an_honest_one_few(digits, public):
    batch = digits.take(range(256))
    crafted = crafted_network(public.images.mean(dim=1), bins=1_000)
    gradient = gradient_of(crafted, batch.images.double(), batch.labels)
    found = best_psnr(read_bins(gradient["0.weight"], gradient["0.bias"]), batch.images) > LEAKED
    torch.manual_seed(0)
    honest = nn.Sequential(nn.Linear(784, 1_000), nn.ReLU(), nn.Linear(1_000, 10))
    gradient = gradient_of(honest, batch.images, batch.labels)
    by_chance = best_psnr(invert_linear(gradient["0.weight"], gradient["0.bias"]), batch.images) > LEAKED
    assert found.float().mean() > 0.6  # Seen: 0.84.
    assert by_chance.float().mean() < 0.2  # Seen: 0.03.
    safe = noised(gradient_of(crafted, batch.images.double(), batch.labels), 1.2, seed=0)
    assert (best_psnr(read_bins(safe["0.weight"], safe["0.bias"]), batch.images) < 16).all()


# The search ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["cosine", "dlg"])
def test_one_digit_comes_back_from_one_gradient(method, digits):
    model = tanh_convnet(seed=0)
    for i in range(3):
        one = digits.take([i])
        found = invert_gradient(model, gradient_of(model, one.images, one.labels), one.labels, method=method)
        assert psnr(found, one.images) > LEAKED


@pytest.mark.parametrize("method", ["cosine", "dlg"])
def test_no_digit_comes_back_from_a_gradient_with_dp_noise(method, digits, public):
    model, mean_digit = tanh_convnet(seed=0), public.images.mean(dim=0, keepdim=True)
    for i in range(3):
        one = digits.take([i])
        safe = noised(gradient_of(model, one.images, one.labels), 1.2, seed=i)  # ε of about 8.
        found = invert_gradient(model, safe, one.labels, method=method, steps=100)
        assert psnr(found, one.images) < psnr(mean_digit, one.images)


def test_four_digits_come_back_from_one_gradient(digits):
    batch = digits.take([0, 1, 2, 3])  # Labels 7, 2, 1, 0.
    model = tanh_convnet(seed=0)
    found = invert_gradient(model, gradient_of(model, batch.images, batch.labels), batch.labels)
    assert min(psnr(*pair) for pair in zip(found, batch.images, strict=True)) > LEAKED


def test_replaying_the_local_steps_inverts_an_update_that_the_plain_search_does_not(digits):
    one, model = digits.take([0]), tanh_convnet(seed=0)
    before = weights_of(model)
    local_sgd(
        model, one, local_epochs=5, batch_size=None, learning_rate=0.1,
        generator=client_generator(0, round_index=0, client=0),
    )  # fmt: skip
    update = subtract(before, weights_of(model))
    model.load_state_dict(before)
    plain = invert_gradient(model, update, one.labels)
    replayed = invert_gradient(model, update, one.labels, local_steps=5, learning_rate=0.1)
    assert psnr(plain, one.images) < LEAKED < psnr(replayed, one.images)


def test_the_search_changes_neither_the_model_nor_the_gradient_and_repeats_itself(digits):
    one, model = digits.take([0]), tanh_convnet(seed=0)
    gradient = gradient_of(model, one.images, one.labels)
    before = [{name: t.clone() for name, t in tensors.items()} for tensors in (weights_of(model), gradient)]
    first, second = (invert_gradient(model, gradient, one.labels, steps=3, seed=1) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, invert_gradient(model, gradient, one.labels, steps=3, seed=2))
    for old, new in zip(before, (weights_of(model), gradient), strict=True):
        assert all(torch.equal(old[name], new[name]) for name in old)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"method": "guess"}, "method"), ({"steps": 0}, "steps"), ({"steps": 2.5}, "steps"),
        ({"total_variation": -1.0}, "total_variation"), ({"total_variation": math.nan}, "total_variation"),
        ({"local_steps": 0}, "local_steps"), ({"learning_rate": 0.0}, "learning_rate"),
        ({"method": "dlg", "local_steps": 2}, "replays"), ({"labels": torch.tensor([10])}, "run from 0 to 9"),
        ({"labels": torch.tensor([0.5])}, "whole number"), ({"labels": []}, "whole"),
        ({"gradient": {}}, "parameters"),
    ],
)  # fmt: skip
def test_bad_input_to_the_search_is_refused(wrong, words):
    model = tanh_convnet(seed=0)
    arguments = {"gradient": {name: torch.ones_like(p) for name, p in model.named_parameters()}, "labels": 3}
    arguments |= wrong
    with pytest.raises(ValueError, match=words):
        invert_gradient(model, arguments.pop("gradient"), arguments.pop("labels"), **arguments)


@pytest.mark.parametrize(("fill", "words"), [(0.0, "zero everywhere"), (math.nan, "not finite")])
def test_an_empty_or_broken_gradient_is_refused(fill, words):
    model = tanh_convnet(seed=0)
    gradient = {name: torch.full_like(p, fill) for name, p in model.named_parameters()}
    with pytest.raises(ValueError, match=words):
        invert_gradient(model, gradient, 3)


def test_bad_input_to_the_layers_is_refused():
    for read in (invert_linear, read_bins):
        with pytest.raises(ValueError, match="shapes"):
            read(torch.ones(3, 4), torch.ones(4))
    with pytest.raises(ValueError, match="bins"):
        crafted_network(torch.rand(5), bins=6)
    with pytest.raises(ValueError, match="at least 1"):
        label_counts_from_gradient(torch.ones(3), batch_size=0, mean_probability=torch.ones(3))
    with pytest.raises(ValueError, match="shapes"):
        label_counts_from_gradient(torch.ones(3), batch_size=2, mean_probability=torch.ones(4))
