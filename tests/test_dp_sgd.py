"""DP-SGD by hand is DP-SGD by Opacus: step for step without noise, in distribution with it."""

import copy
import math
import warnings

import pytest
import torch
from scipy import stats
from torch import nn

from course.privacy import census_network, dp_sgd_step, dp_sgd_step_fast, poisson_batch, train_dp_sgd

torch.set_num_threads(1)
ROUNDING = 1e-5
FALSE_ALARM = 1e-4
"""Each statistical test here fails right code with this probability, over the choice of its seed."""
STEPS = pytest.mark.parametrize("step", [dp_sgd_step, dp_sgd_step_fast], ids=["readable", "fast"])


def some_data(count=60):
    generator = torch.Generator().manual_seed(0)
    inputs = 2 * torch.randn(count, 6, generator=generator)
    return inputs, (inputs[:, 0] > 0.5).long()


def some_model():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 2))


def flat(model):
    return nn.utils.parameters_to_vector(model.parameters()).detach().clone()


def opacus_run(
    model, batches, *, max_grad_norm, noise_multiplier, expected_batch_size, learning_rate, seed=0
):
    """The weights after each batch, by Opacus's own module and optimizer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from opacus import GradSampleModule
        from opacus.optimizers import DPOptimizer

        wrapped = GradSampleModule(copy.deepcopy(model))
        optimizer = DPOptimizer(
            torch.optim.SGD(wrapped.parameters(), lr=learning_rate), noise_multiplier=noise_multiplier,
            max_grad_norm=max_grad_norm, expected_batch_size=expected_batch_size,
            generator=torch.Generator().manual_seed(seed),
        )  # fmt: skip
        weights = []
        for inputs, labels in batches:
            optimizer.zero_grad()
            nn.functional.cross_entropy(wrapped(inputs), labels).backward()
            optimizer.step()
            weights.append(flat(wrapped))
    return weights


@STEPS
def test_without_noise_every_step_is_that_of_opacus(step):
    inputs, labels = some_data()
    generator = torch.Generator().manual_seed(2)
    drawn = [poisson_batch(60, sample_rate=0.2, generator=generator) for _ in range(30)]
    batches = [(inputs[batch], labels[batch]) for batch in drawn]
    settings = {
        "max_grad_norm": 0.5,
        "expected_batch_size": 12,
        "learning_rate": 1.0,
        "noise_multiplier": 0.0,
    }
    model = some_model()
    theirs = opacus_run(model, batches, **settings)
    for batch, expected in zip(batches, theirs, strict=True):
        step(model, *batch, generator=generator, **settings)
        assert torch.allclose(flat(model), expected, rtol=ROUNDING, atol=ROUNDING)
    assert (theirs[-1] - flat(some_model())).norm() > 0.5  # The models did move.


def test_with_noise_ours_and_opacus_draw_from_the_same_distribution():
    batch = tuple(part[:15] for part in some_data())
    settings = {
        "max_grad_norm": 0.7,
        "noise_multiplier": 1.3,
        "expected_batch_size": 12,
        "learning_rate": 0.3,
    }
    silent = some_model()
    dp_sgd_step(silent, *batch, generator=torch.Generator(), **settings | {"noise_multiplier": 0.0})
    # The noise of one step: lr · multiplier · C / expected batch, in every coordinate.
    unit = 0.3 * 1.3 * 0.7 / 12
    ours, theirs = [], []
    for seed in range(60):
        model = some_model()
        dp_sgd_step(model, *batch, generator=torch.Generator().manual_seed(seed), **settings)
        ours.append((flat(model) - flat(silent)) / unit)
        (weights,) = opacus_run(some_model(), [batch], seed=1_000 + seed, **settings)
        theirs.append((weights - flat(silent)) / unit)
    ours, theirs = torch.cat(ours).numpy(), torch.cat(theirs).numpy()
    for sample in (ours, theirs):
        assert stats.kstest(sample, "norm").pvalue > FALSE_ALARM
    assert stats.ks_2samp(ours, theirs).pvalue > FALSE_ALARM


def test_the_fast_step_is_the_readable_step_with_noise_and_all():
    slow, fast = some_model(), some_model()
    for index in range(5):
        batch = tuple(part[index * 10 : index * 10 + 10] for part in some_data())
        for step, model in ((dp_sgd_step, slow), (dp_sgd_step_fast, fast)):
            step(
                model, *batch, max_grad_norm=0.5, noise_multiplier=1.0, expected_batch_size=12,
                learning_rate=0.5, generator=torch.Generator().manual_seed(index),
            )  # fmt: skip
    assert torch.allclose(flat(slow), flat(fast), rtol=ROUNDING, atol=ROUNDING)


@STEPS
def test_an_empty_batch_adds_its_noise_all_the_same(step):
    nobody = tuple(part[:0] for part in some_data())
    moves = []
    for seed in range(40):
        model = some_model()
        step(
            model, *nobody, max_grad_norm=2.0, noise_multiplier=1.5, expected_batch_size=10,
            learning_rate=0.1, generator=torch.Generator().manual_seed(seed),
        )  # fmt: skip
        moves.append(flat(model) - flat(some_model()))
    standardised = torch.cat(moves) / (0.1 * 1.5 * 2.0 / 10)
    # Σ z² of n independent standard normals is χ² with n degrees of freedom.
    tail = stats.chi2(standardised.numel()).cdf(float(standardised.square().sum()))
    assert FALSE_ALARM / 2 < tail < 1 - FALSE_ALARM / 2


def test_an_empty_batch_is_no_step_back_for_opacus_either():
    nobody = tuple(part[:0] for part in some_data())
    settings = {
        "max_grad_norm": 2.0,
        "noise_multiplier": 1.5,
        "expected_batch_size": 10,
        "learning_rate": 0.1,
    }
    (weights,) = opacus_run(some_model(), [nobody], **settings)
    assert (weights - flat(some_model())).norm() > 0


@STEPS
def test_the_division_is_by_the_expected_size_whoever_was_drawn(step):
    inputs, labels = some_data()
    settings = {"max_grad_norm": 1e-3, "noise_multiplier": 0.0, "learning_rate": 1.0}
    moves = []
    for size in (5, 10):
        model = some_model()
        # The same person again and again: each copy's clipped gradient has norm C and one direction.
        batch = inputs[:1].repeat(size, 1), labels[:1].repeat(size)
        step(model, *batch, expected_batch_size=20, generator=torch.Generator(), **settings)
        moves.append((flat(model) - flat(some_model())).norm().item())
    assert moves == pytest.approx([1e-3 * 5 / 20, 1e-3 * 10 / 20], rel=1e-3)


@STEPS
def test_the_same_generator_gives_the_same_step_and_another_does_not(step):
    results = []
    for seed in (1, 1, 2):
        model = some_model()
        step(
            model, *some_data(), max_grad_norm=1.0, noise_multiplier=1.0, expected_batch_size=60,
            learning_rate=1.0, generator=torch.Generator().manual_seed(seed),
        )  # fmt: skip
        results.append(flat(model))
    assert torch.equal(results[0], results[1]) and not torch.allclose(results[0], results[2])


@STEPS
@pytest.mark.parametrize(
    "bad",
    [
        {"max_grad_norm": 0.0},
        {"noise_multiplier": -1.0},
        {"noise_multiplier": math.inf},
        {"expected_batch_size": 0},
        {"learning_rate": 0.0},
        {"learning_rate": math.nan},
    ],
    ids=repr,
)
def test_numbers_out_of_range_are_errors_and_leave_the_model_alone(step, bad):
    model = some_model()
    right = {"max_grad_norm": 1.0, "noise_multiplier": 1.0, "expected_batch_size": 60, "learning_rate": 1.0}
    with pytest.raises(ValueError):
        step(model, *some_data(), generator=torch.Generator(), **right | bad)
    assert torch.equal(flat(model), flat(some_model()))


# A whole run --------------------------------------------------------------------------------------

RUN = {"sample_rate": 0.3, "max_grad_norm": 1.0, "learning_rate": 1.0}


def train(*, noise_multiplier=1.0, seed=0, steps=9, **more):
    generator = torch.Generator().manual_seed(seed)
    return train_dp_sgd(
        some_model(), *some_data(), noise_multiplier=noise_multiplier, steps=steps, generator=generator,
        **RUN | more,
    )  # fmt: skip


@pytest.mark.parametrize("steps", [1, 2, 9])
def test_the_result_is_the_mean_of_the_last_half_of_the_iterates(steps):
    generator, model, iterates = torch.Generator().manual_seed(0), some_model(), []
    inputs, labels = some_data()
    for _ in range(steps):
        batch = poisson_batch(60, sample_rate=0.3, generator=generator)
        dp_sgd_step(
            model, inputs[batch], labels[batch], max_grad_norm=1.0, noise_multiplier=1.0,
            expected_batch_size=18, learning_rate=1.0, generator=generator,
        )  # fmt: skip
        iterates.append(flat(model))
    expected = torch.stack(iterates[steps // 2 :]).mean(0)
    assert torch.allclose(flat(train(steps=steps)), expected, rtol=1e-4, atol=1e-5)


def test_training_leaves_the_given_model_alone_and_repeats_with_the_seed():
    model, before = some_model(), flat(some_model())
    trained = train_dp_sgd(
        model, *some_data(), steps=3, noise_multiplier=1.0, generator=torch.Generator().manual_seed(0), **RUN
    )
    assert torch.equal(flat(model), before) and not torch.allclose(flat(trained), before)
    assert torch.equal(flat(trained), flat(train(steps=3)))
    assert not torch.allclose(flat(trained), flat(train(steps=3, seed=1)))


def test_it_learns_without_noise_and_not_under_a_thousandfold_of_it():
    inputs, labels = some_data()

    def accuracy(model):
        return (model(inputs).argmax(1) == labels).double().mean().item()

    assert accuracy(train(noise_multiplier=0.0, steps=60)) > 0.95
    drowned = [accuracy(train(noise_multiplier=1_000.0, steps=60, seed=seed)) for seed in range(5)]
    assert sum(drowned) / 5 < 0.8


def test_a_run_without_steps_is_an_error():
    with pytest.raises(ValueError, match="steps is 0"):
        train(steps=0)


def test_the_network_begins_undecided_with_torchs_own_spread():
    model = census_network(104, hidden=32, seed=4)
    assert torch.equal(model(torch.randn(3, 104)), torch.zeros(3, 2))
    # Uniform on ±1/√104: 3,328 weights have variance 1 / (3 · 104), known to 1.6 % (one sigma); we allow 5.
    assert model[0].weight.var().item() == pytest.approx(1 / (3 * 104), rel=0.08)
    assert model[0].weight.abs().max() <= 104**-0.5
    same = census_network(104, hidden=32, seed=4)
    assert torch.equal(flat(model), flat(same))
