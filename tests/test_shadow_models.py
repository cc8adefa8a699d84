"""Many networks trained at once: each is what it would be alone, on its own members, and DP-SGD is DP-SGD."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn
from torch.nn import functional as F

from course.attacks import ManyModels, random_halves, train_many
from course.attacks.many_models import backward, example_norms, forward, start
from course.attacks.shadow_models import _poisson_rows, _shuffled_stream

torch.set_num_threads(1)
POOL, FEATURES, HIDDEN = 40, 6, 5


@pytest.fixture
def pool():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(POOL, FEATURES, generator=generator)
    return inputs, (inputs[:, 0] + inputs[:, 1] > 0).long()


def halves(num_models, seed=0):
    return random_halves(num_models, POOL, rng=np.random.default_rng(seed))


def network(models, which):
    """One of the stacked networks as an ordinary torch module, in double precision."""
    net = nn.Sequential(nn.Linear(FEATURES, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1)).double()
    hidden, hidden_bias, output, output_bias = (
        tensor[which].detach().double() for tensor in models.tensors()
    )
    state = {"0.weight": hidden.T, "0.bias": hidden_bias[0], "2.weight": output.T, "2.bias": output_bias[0]}
    net.load_state_dict(state)
    return net


def flat(net):
    return torch.cat([parameter.detach().flatten() for parameter in net.parameters()])


def example_gradients(net, inputs, labels):
    """Each example's gradient by autograd, one at a time, shape (examples, parameters)."""
    rows = []
    for x, y in zip(inputs.double(), labels.double(), strict=True):
        loss = F.binary_cross_entropy_with_logits(net(x), y.unsqueeze(0))
        rows.append(torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(net.parameters()))]))
    return torch.stack(rows)


def some_models(num_models=3, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return start(num_models, FEATURES, HIDDEN, zero_output=False, generator=generator)


# Forward and backward by hand -------------------------------------------------------------------


def test_gradients_by_hand_equal_autograd(pool):
    inputs, labels = pool
    models = some_models()
    stacked = inputs.expand(3, -1, -1)
    error, activations = forward(models, stacked, labels.expand(3, -1).float())
    gradients = backward(models, stacked, activations, error)
    for which in range(3):
        expected = example_gradients(network(models, which), *pool).sum(0)
        weight, bias, output, output_bias = (gradient[which] for gradient in gradients)
        got = torch.cat([weight.T.flatten(), bias.flatten(), output.flatten(), output_bias.flatten()])
        assert torch.allclose(got.double(), expected, atol=1e-4)


def test_norms_without_gradients_equal_the_norms_of_the_gradients(pool):
    inputs, labels = pool
    models = some_models()
    stacked = inputs.expand(3, -1, -1)
    error, activations = forward(models, stacked, labels.expand(3, -1).float())
    norms = example_norms(models, stacked, activations, error)
    for which in range(3):
        expected = example_gradients(network(models, which), *pool).norm(dim=1)
        assert torch.allclose(norms[which].double(), expected, rtol=1e-4)


def test_logits_losses_and_accuracy_equal_those_of_torch(pool):
    inputs, labels = pool
    models = some_models()
    for which in range(3):
        logits = network(models, which)(inputs.double()).squeeze(1).detach()
        sign = 2 * labels - 1
        assert np.allclose(models.true_class_logits(inputs, labels)[which], logits * sign, atol=1e-5)
        losses = F.binary_cross_entropy_with_logits(logits, labels.double(), reduction="none")
        assert np.allclose(models.losses(inputs, labels)[which], losses, atol=1e-5)
        right = ((logits > 0) == labels).double()
        assert models.accuracy(inputs, labels)[which] == pytest.approx(right.mean().item())
    where = halves(3)
    right = models.true_class_logits(inputs, labels) > 0
    assert models.accuracy(inputs, labels, where) == pytest.approx(
        [right[i][where[i]].mean() for i in range(3)]
    )


# Training without privacy -----------------------------------------------------------------------


def test_each_model_ends_where_torchs_adam_ends_alone(pool):
    inputs, labels = pool
    member, steps, batch_size = halves(3), 30, 7
    trained = train_many(
        inputs, labels, member, hidden=HIDDEN, steps=steps, batch_size=batch_size, learning_rate=0.03, seed=5
    )
    generator = torch.Generator().manual_seed(5)
    starts = start(3, FEATURES, HIDDEN, zero_output=False, generator=generator)
    positions = torch.as_tensor(member).nonzero()[:, 1].view(3, -1)
    order = _shuffled_stream(positions, steps * batch_size, generator)
    for which in range(3):
        net = network(starts, which)
        optimizer = torch.optim.Adam(net.parameters(), lr=0.03)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for batch in order[which].split(batch_size):
            optimizer.zero_grad()
            logits = net(inputs[batch].double()).squeeze(1)
            F.binary_cross_entropy_with_logits(logits, labels[batch].double()).backward()
            optimizer.step()
            schedule.step()
        assert torch.allclose(flat(net), flat(network(trained, which)), atol=2e-3)


def test_every_epoch_sees_each_member_once():
    positions = torch.arange(100, 110).expand(4, -1)
    order = _shuffled_stream(positions, 30, torch.Generator().manual_seed(0)).view(4, 3, 10)
    assert (order.sort(dim=2).values == torch.arange(100, 110)).all()
    assert not torch.equal(order[0], order[1]) and not torch.equal(order[0, 0], order[0, 1])


SETTINGS = {
    "adam": {"batch_size": 8, "learning_rate": 0.01},
    "DP-SGD": {"max_grad_norm": 0.5, "noise_multiplier": 0.7, "sample_rate": 0.3, "learning_rate": 0.5},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_a_model_does_not_depend_on_records_that_are_not_its_members(pool, settings):
    inputs, labels = pool
    member = halves(1)
    others = torch.as_tensor(~member[0])
    changed_inputs, changed_labels = inputs.clone(), labels.clone()
    changed_inputs[others], changed_labels[others] = 99.0, 1 - labels[others]
    runs = [
        train_many(x, y, member, hidden=HIDDEN, steps=20, seed=3, **settings)
        for x, y in ((inputs, labels), (changed_inputs, changed_labels))
    ]
    assert all(torch.equal(a, b) for a, b in zip(runs[0].tensors(), runs[1].tensors(), strict=True))
    one_member = int(np.flatnonzero(member[0])[0])
    changed_inputs = inputs.clone()
    changed_inputs[one_member] = 5.0
    third = train_many(changed_inputs, labels, member, hidden=HIDDEN, steps=20, seed=3, **settings)
    assert not torch.equal(runs[0].hidden_weight, third.hidden_weight)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_a_seed_fixes_everything_and_two_seeds_differ(pool, settings):
    runs = [
        train_many(*pool, halves(2), hidden=HIDDEN, steps=10, seed=seed, **settings) for seed in (1, 1, 2)
    ]
    assert torch.equal(runs[0].output_weight, runs[1].output_weight)
    assert not torch.equal(runs[0].output_weight, runs[2].output_weight)
    assert not torch.equal(runs[0].hidden_weight[0], runs[0].hidden_weight[1])
    assert len(runs[0]) == 2 and isinstance(runs[0], ManyModels)


def test_training_leaves_torchs_global_generator_alone(pool):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    for settings in SETTINGS.values():
        train_many(*pool, halves(2), hidden=HIDDEN, steps=3, seed=0, **settings)
    assert torch.equal(before, torch.get_rng_state())


# DP-SGD -----------------------------------------------------------------------------------------


def private(pool, member, **changed):
    settings = {"max_grad_norm": 0.2, "noise_multiplier": 0.0, "sample_rate": 1.0, "learning_rate": 0.8}
    return train_many(*pool, member, hidden=HIDDEN, seed=4, **(settings | changed))


def slow_dp_sgd(pool, net, batches, clip, learning_rate, expected_batch):
    """DP-SGD without noise on given batches, by autograd, an example at a time; and all norms it saw."""
    inputs, labels = pool
    iterates, seen = [], []
    for batch in batches:
        gradients = example_gradients(net, inputs[batch], labels[batch])
        norms = gradients.norm(dim=1, keepdim=True)
        step = (gradients * (clip / norms).clamp(max=1.0)).sum(0) * learning_rate / expected_batch
        nn.utils.vector_to_parameters(flat(net) - step, net.parameters())
        iterates.append(flat(net))
        seen.append(norms)
    return torch.stack(iterates[len(iterates) // 2 :]).mean(0), torch.cat(seen)


@pytest.mark.parametrize("sample_rate", [1.0, 0.4])
def test_without_noise_dp_sgd_is_descent_along_clipped_gradients(pool, sample_rate):
    member, steps, clip = halves(2), 6, 0.6
    trained = private(pool, member, steps=steps, sample_rate=sample_rate, max_grad_norm=clip)
    generator = torch.Generator().manual_seed(4)
    starts = start(2, FEATURES, HIDDEN, zero_output=True, generator=generator)
    positions = torch.as_tensor(member).nonzero()[:, 1].view(2, -1)
    batches = ([], [])
    for _ in range(steps):
        rows, present = _poisson_rows(positions, sample_rate, generator)
        for which in range(2):
            batches[which].append(rows[which][present[which]])
        for tensor in starts.tensors():
            torch.randn(tensor.shape, generator=generator)  # Noise is drawn, and multiplied by 0.
    assert len({len(batch) for batch in batches[0] + batches[1]}) > 1 or sample_rate == 1.0
    for which in range(2):
        expected, norms = slow_dp_sgd(
            pool, network(starts, which), batches[which], clip, 0.8, sample_rate * 20
        )
        assert (norms > clip).any() and (norms < clip).any()
        assert torch.allclose(expected, flat(network(trained, which)), atol=1e-5)


def test_one_record_moves_one_step_by_at_most_the_clipping_norm(pool):
    inputs, labels = pool
    member = np.zeros((1, POOL), dtype=bool)
    member[0, :10] = True
    with_extreme = inputs.clone()
    with_extreme[0] *= 1e4
    # Ten members, sampling rate 1: the step is the sum of clipped gradients × learning rate / 10.
    runs = [private((x, labels), member, steps=1) for x in (inputs, with_extreme)]
    moved = (flat(network(runs[0], 0)) - flat(network(runs[1], 0))).norm()
    assert moved <= 2 * 0.2 * 0.8 / 10 + 1e-6


def test_an_empty_batch_still_gets_its_noise_of_the_stated_size(pool):
    member = halves(60)
    # With so small a rate no member is ever drawn: what remains is the noise of one step.
    rate, multiplier, clip = 1e-9, 1.5, 0.2
    trained = private(
        pool, member, steps=1, sample_rate=rate, noise_multiplier=multiplier, learning_rate=rate
    )
    starts = start(60, FEATURES, HIDDEN, zero_output=True, generator=torch.Generator().manual_seed(4))
    expected_std = multiplier * clip * rate / (rate * member[0].sum())
    for got, began in zip(trained.tensors(), starts.tensors(), strict=True):
        standardised = ((got - began) / expected_std).flatten().double().numpy()
        # Four exact χ² tests at 1e-6 each side: a false alarm in 8e-6 of seeds.
        spread = np.sum(standardised**2)
        assert 1e-6 < stats.chi2.cdf(spread, len(standardised)) < 1 - 1e-6
        assert len(np.unique(standardised)) > 0.99 * len(standardised)


def test_sampling_is_poisson():
    positions = torch.arange(200, 250).expand(400, -1)
    rows, present = _poisson_rows(positions, 0.3, torch.Generator().manual_seed(1))
    drawn = np.zeros((400, 50), dtype=int)
    for model in range(400):
        mine = rows[model][present[model]].numpy() - 200
        assert len(np.unique(mine)) == len(mine)
        drawn[model, mine] = 1
    # Batch sizes are Binomial(50, 0.3): their variance, as a χ² over 400 models; and each member's own count.
    sizes = drawn.sum(1)
    dispersion = np.sum((sizes - 15.0) ** 2) / (50 * 0.3 * 0.7)
    assert 1e-5 < stats.chi2.cdf(dispersion, 400) < 1 - 1e-5
    assert all(stats.binomtest(int(count), 400, 0.3).pvalue > 1e-6 for count in drawn.sum(0))
    # Two members of one batch are uncorrelated: 1,225 pairs, the largest |r| stays below 5.5 / √400.
    correlation = np.corrcoef(drawn.T)[np.triu_indices(50, 1)]
    assert np.abs(correlation).max() < 5.5 / 20


# Bad input --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"batch_size": None}, "batch_size is None"),
        ({"batch_size": 21}, "must be 1 to 20"),
        ({"hidden": 0}, "hidden=0"),
        ({"steps": 0}, "steps=0"),
        ({"learning_rate": 0.0}, "learning_rate=0.0"),
        ({"learning_rate": float("nan")}, "learning_rate=nan"),
        ({"noise_multiplier": 1.0}, "give max_grad_norm too"),
        ({"sample_rate": 0.5}, "give max_grad_norm too"),
        ({"max_grad_norm": 1.0, "sample_rate": 0.5}, "has no batch_size"),
        ({"max_grad_norm": 1.0, "batch_size": None}, "sample_rate=None"),
        ({"max_grad_norm": 1.0, "batch_size": None, "sample_rate": 1.5}, "sample_rate=1.5"),
        ({"max_grad_norm": 0.0, "batch_size": None, "sample_rate": 0.5}, "max_grad_norm=0.0"),
        (
            {"max_grad_norm": 1.0, "batch_size": None, "sample_rate": 0.5, "noise_multiplier": -1},
            "noise_multiplier=-1",
        ),
        ({"member": np.ones((2, 3), dtype=bool)}, r"\(models, 40\)"),
        ({"member": np.ones((2, POOL))}, "bool"),
        ({"member": np.tri(2, POOL, 1, dtype=bool)}, "same number of members"),
        ({"member": np.zeros((2, POOL), dtype=bool)}, "same number of members"),
        ({"labels": np.full(POOL, 2)}, "0 or 1"),
        ({"labels": np.zeros(3)}, r"labels \(n,\)"),
    ],
)  # fmt: skip
def test_bad_input_is_told_what_was_given(pool, changed, complaint):
    settings = {
        "inputs": pool[0], "labels": pool[1], "member": halves(2), "hidden": HIDDEN, "steps": 2,
        "batch_size": 8, "learning_rate": 0.1, "seed": 0,
    }  # fmt: skip
    with pytest.raises(ValueError, match=complaint):
        train_many(**(settings | changed))
