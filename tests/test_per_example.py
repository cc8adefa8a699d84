"""Per-example gradients are what a loop and Opacus say; clipping bounds what one example can move."""

import copy
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from course.privacy import (
    census_network,
    clip_per_example,
    clipped_gradient_sum,
    ghost_norms,
    per_example_gradients,
    per_example_norms,
)

torch.set_num_threads(1)
ROUNDING = 1e-5
"""Between two ways to sum float32 numbers; measured differences are about 1e-6."""


def some_model(kind="mlp"):
    torch.manual_seed(3)
    return {
        "mlp": lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 5), nn.Tanh(), nn.Linear(5, 3)),
        "no bias": lambda: nn.Sequential(nn.Linear(6, 8, bias=False), nn.Tanh(), nn.Linear(8, 3)),
        "linear": lambda: nn.Sequential(nn.Linear(6, 3)),
        "census": lambda: census_network(6, hidden=4, seed=0),
    }[kind]()


def some_batch(count=20, seed=0):
    generator = torch.Generator().manual_seed(seed)
    inputs = 3 * torch.randn(count, 6, generator=generator)
    return inputs, torch.randint(0, 2, (count,), generator=generator)


def by_loop(model, inputs, labels):
    """The slow oracle: one example after the other through autograd."""
    rows = []
    for example, label in zip(inputs, labels, strict=True):
        loss = F.cross_entropy(model(example[None]), label[None])
        rows.append(torch.autograd.grad(loss, list(model.parameters())))
    names = [name for name, _ in model.named_parameters()]
    return {name: torch.stack(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def by_opacus(model, inputs, labels):
    with warnings.catch_warnings():
        # torch warns that the first layer's inputs need no gradient, which is as it should be.
        warnings.simplefilter("ignore")
        from opacus import GradSampleModule

        wrapped = GradSampleModule(copy.deepcopy(model), loss_reduction="sum")
        F.cross_entropy(wrapped(inputs), labels, reduction="sum").backward()
    return {name.removeprefix("_module."): p.grad_sample for name, p in wrapped.named_parameters()}


def differ(left, right):
    assert list(left) == list(right)
    return max((left[name] - right[name]).abs().max().item() for name in left)


@pytest.mark.parametrize("kind", ["mlp", "no bias", "linear", "census"])
def test_they_equal_a_loop_over_the_examples(kind):
    model, batch = some_model(kind), some_batch()
    assert differ(per_example_gradients(model, *batch), by_loop(model, *batch)) < ROUNDING


@pytest.mark.parametrize("kind", ["mlp", "no bias", "linear", "census"])
def test_they_equal_those_of_opacus(kind):
    model, batch = some_model(kind), some_batch(seed=1)
    assert differ(per_example_gradients(model, *batch), by_opacus(model, *batch)) < ROUNDING


def test_they_equal_those_of_opacus_for_a_convolution():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 4, 2))
    inputs, labels = torch.randn(7, 1, 4, 4), torch.randint(0, 2, (7,))
    got, expected = per_example_gradients(model, inputs, labels), by_opacus(model, inputs, labels)
    assert differ(got, expected) < ROUNDING


def test_their_sum_is_the_gradient_of_the_summed_loss():
    model, (inputs, labels) = some_model(), some_batch()
    F.cross_entropy(model(inputs), labels, reduction="sum").backward()
    sums = {name: tensor.sum(0) for name, tensor in per_example_gradients(model, inputs, labels).items()}
    assert differ(sums, {name: p.grad for name, p in model.named_parameters()}) < 10 * ROUNDING


@pytest.mark.parametrize("kind", ["mlp", "no bias", "linear", "census"])
def test_ghost_norms_are_the_norms(kind):
    model, batch = some_model(kind), some_batch(seed=2)
    expected = per_example_norms(by_loop(model, *batch))
    assert torch.allclose(ghost_norms(model, *batch), expected, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("kind", ["mlp", "no bias", "linear", "census"])
@pytest.mark.parametrize("max_grad_norm", [0.1, 3.0, 1e4])
def test_the_fast_sum_is_the_sum_of_the_clipped(kind, max_grad_norm):
    model, batch = some_model(kind), some_batch(seed=3)
    slow = clip_per_example(by_loop(model, *batch), max_grad_norm=max_grad_norm)
    fast = clipped_gradient_sum(model, *batch, max_grad_norm=max_grad_norm)
    assert differ(fast, {name: tensor.sum(0) for name, tensor in slow.items()}) < 10 * ROUNDING


def test_clipping_a_worked_example():
    gradients = {"w": torch.tensor([[3.0, 0.0], [0.3, 0.0]]), "b": torch.tensor([[4.0], [0.4]])}
    clipped = clip_per_example(gradients, max_grad_norm=1.0)  # The norms are 5 and 0.5.
    assert torch.allclose(clipped["w"], torch.tensor([[0.6, 0.0], [0.3, 0.0]]))
    assert torch.allclose(clipped["b"], torch.tensor([[0.8], [0.4]]))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.floats(1e-6, 1e6), max_grad_norm=st.floats(1e-3, 1e3))
def test_clipped_norms_keep_below_the_limit_and_directions_stay(seed, size, max_grad_norm):
    generator = torch.Generator().manual_seed(seed)
    gradients = {
        "w": size * torch.randn(5, 3, 2, generator=generator),
        "b": size * torch.randn(5, 2, generator=generator),
    }
    clipped = clip_per_example(gradients, max_grad_norm=max_grad_norm)
    before, after = per_example_norms(gradients), per_example_norms(clipped)
    assert (after <= max_grad_norm * (1 + 1e-5)).all()
    inside = before <= max_grad_norm
    assert all(torch.equal(clipped[name][inside], gradients[name][inside]) for name in gradients)
    for name in gradients:
        direction = gradients[name].flatten(1) / before[:, None]
        assert torch.allclose(clipped[name].flatten(1) / after[:, None], direction, atol=1e-4)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), leave_out=st.integers(0, 9))
def test_one_person_more_or_less_moves_the_sum_by_at_most_the_norm(seed, leave_out):
    model, (inputs, labels) = some_model(), some_batch(10, seed)
    inputs[leave_out] *= 1_000  # An outlier is what a promise about everybody is tested with.
    rest = [row for row in range(10) if row != leave_out]
    whole = clipped_gradient_sum(model, inputs, labels, max_grad_norm=0.7)
    part = clipped_gradient_sum(model, inputs[rest], labels[rest], max_grad_norm=0.7)
    moved = sum((whole[name] - part[name]).square().sum() for name in whole).sqrt()
    assert moved <= 0.7 * (1 + 1e-4)


def test_a_gradient_of_zero_stays_zero():
    clipped = clip_per_example({"w": torch.zeros(2, 3)}, max_grad_norm=1.0)
    assert torch.equal(clipped["w"], torch.zeros(2, 3))


def test_no_examples_give_no_gradients_and_a_sum_of_zero():
    model, (inputs, labels) = some_model(), some_batch(0)
    gradients = per_example_gradients(model, inputs, labels)
    assert {name: tuple(g.shape) for name, g in gradients.items()} == {
        name: (0, *p.shape) for name, p in model.named_parameters()
    }
    assert ghost_norms(model, inputs, labels).shape == (0,)
    sums = clipped_gradient_sum(model, inputs, labels, max_grad_norm=1.0)
    assert all(torch.equal(sums[name], torch.zeros_like(p)) for name, p in model.named_parameters())


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan"), float("inf")])
def test_a_clipping_norm_that_is_not_positive_is_an_error(wrong):
    with pytest.raises(ValueError, match="must be positive"):
        clip_per_example({"w": torch.ones(1, 1)}, max_grad_norm=wrong)


@pytest.mark.parametrize(
    "model",
    [
        nn.Linear(6, 2),
        nn.Sequential(),
        nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)),
        nn.Sequential(nn.Sequential(nn.Linear(6, 4)), nn.Linear(4, 2)),
    ],
    ids=["a bare layer", "nothing", "batch norm", "nested"],
)
def test_ghost_norms_refuse_what_they_cannot_do(model):
    with pytest.raises(ValueError, match=r"nn\.Sequential of nn\.Linear"):
        ghost_norms(model, *some_batch())


def test_inputs_and_labels_of_different_number_are_an_error():
    inputs, labels = some_batch()
    for function in (per_example_gradients, ghost_norms):
        with pytest.raises(ValueError, match="got inputs of shape"):
            function(some_model(), inputs, labels[:-1])
