"""The two halves of a round: the average is exact and picky, and a client trains by plain SGD."""

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_federation import ROUNDING, close, same, small_model, some_examples, some_model
from torch import nn
from torch.nn import functional as F

from course.federated import (
    Examples,
    accuracy,
    accuracy_per_class,
    as_examples,
    batches,
    client_generator,
    fedavg,
    flatten,
    local_sgd,
    num_bytes,
    subtract,
    train_client,
    two_nn,
    weights_of,
)  # fmt: skip

torch.set_num_threads(1)

# The average --------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(
    counts=st.lists(st.integers(1, 10_000), min_size=1, max_size=6),
    seed=st.integers(0, 1_000),
)
def test_fedavg_is_the_weighted_mean_of_each_number(counts, seed):
    models = [some_model(seed + client) for client in range(len(counts))]
    got = fedavg(models, counts)
    for name in models[0]:
        columns = zip(*[model[name].flatten().tolist() for model in models], strict=True)
        slow = [
            math.fsum(n * x for n, x in zip(counts, column, strict=True)) / sum(counts) for column in columns
        ]
        assert got[name].shape == models[0][name].shape
        assert got[name].flatten().tolist() == pytest.approx(slow, rel=ROUNDING, abs=ROUNDING)


def test_fedavg_of_a_worked_example():
    models = [{"w": torch.tensor([1.0, 0.0])}, {"w": torch.tensor([5.0, 4.0])}]
    assert torch.equal(fedavg(models, [3, 1])["w"], torch.tensor([2.0, 1.0]))


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(5)))
def test_the_order_of_the_clients_does_not_matter(order):
    models, counts = [some_model(seed) for seed in range(5)], [7, 100, 1, 33, 12]
    shuffled = fedavg([models[k] for k in order], [counts[k] for k in order])
    assert close(shuffled, fedavg(models, counts))


@settings(max_examples=25, deadline=None)
@given(factor=st.floats(1e-3, 1e3))
def test_only_the_ratios_of_the_counts_matter(factor):
    models, counts = [some_model(seed) for seed in range(3)], [7, 100, 1]
    assert close(fedavg(models, [factor * count for count in counts]), fedavg(models, counts))


def test_identical_models_average_to_themselves():
    model = some_model(1)
    assert close(fedavg([model] * 3, [5, 7, 9]), model)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_average_has_the_models_own_type(dtype):
    models = [some_model(seed, dtype) for seed in range(3)]
    assert {tensor.dtype for tensor in fedavg(models, [1, 2, 3]).values()} == {dtype}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_inputs_are_left_as_they_are_and_share_no_memory_with_the_average(count):
    models, counts = [some_model(seed) for seed in range(count)], [3, 2, 1][:count]
    before = copy.deepcopy(models)
    average = fedavg(models, counts)
    for tensor in average.values():
        tensor.add_(1)
    assert all(same(old, new) for old, new in zip(before, models, strict=True))
    assert counts == [3, 2, 1][:count]


def _spoil(change) -> list[dict[str, torch.Tensor]]:
    models = [some_model(seed) for seed in range(3)]
    change(models[2])
    return models


@pytest.mark.parametrize(
    ("models", "counts", "said"),
    [
        pytest.param([], [], ["no clients"], id="no clients"),
        pytest.param([some_model(0)], [1, 2], ["1 models", "2 counts"], id="lengths differ"),
        pytest.param([some_model(0)] * 2, [3, 0], ["client 1", "num_examples = 0"], id="zero"),
        pytest.param([some_model(0)] * 2, [-4, 3], ["client 0", "= -4"], id="negative"),
        pytest.param([some_model(0)] * 2, [3, math.nan], ["client 1", "nan"], id="not a number"),
        pytest.param([some_model(0)] * 2, [math.inf, 3], ["client 0", "inf"], id="infinite"),
        pytest.param(_spoil(lambda m: m.pop("bias")), [1] * 3, ["client 2", "'bias'"], id="name missing"),
        pytest.param(_spoil(lambda m: m.update(b=m["bias"])), [1] * 3, ["client 2", "'b'"], id="name added"),
        pytest.param(
            _spoil(lambda m: m.update(weight=torch.zeros(3, 2))),
            [1] * 3,
            ["client 2", "'weight'", "(3, 2)", "(2, 3)"],
            id="shape",
        ),
        pytest.param(
            _spoil(lambda m: m.update(bias=torch.zeros(2, dtype=torch.int64))),
            [1] * 3,
            ["client 2", "'bias'", "int64"],
            id="integers",
        ),
        pytest.param(
            _spoil(lambda m: m["bias"].fill_(math.nan)), [1] * 3, ["client 2", "NaN", "'bias'"], id="NaN"
        ),
        pytest.param(
            _spoil(lambda m: m["scale"].fill_(-math.inf)), [1] * 3, ["client 2", "'scale'"], id="infinity"
        ),
    ],
)
def test_what_cannot_be_averaged_is_refused_by_name(models, counts, said):
    with pytest.raises(ValueError) as refusal:
        fedavg(models, counts)
    assert all(word in str(refusal.value) for word in said)


def test_an_update_added_to_where_it_started_leads_to_where_it_ended():
    before, after = some_model(1, torch.float64), some_model(2, torch.float64)
    update = subtract(after, before)
    assert close({name: before[name] + update[name] for name in before}, after, 1e-12)


def test_bytes_are_counted_in_each_tensors_own_type():
    model = {
        "a": torch.zeros(3, 2),
        "b": torch.zeros(5, dtype=torch.float16),
        "c": torch.tensor(1.0).double(),
    }
    assert num_bytes(model) == 6 * 4 + 5 * 2 + 8


# One client ---------------------------------------------------------------------------------------


def test_the_2nn_has_the_papers_number_of_parameters():
    # McMahan et al. 2017, arXiv:1602.05629v4, section 3: "199,210 total parameters".
    assert sum(parameter.numel() for parameter in two_nn(seed=0).parameters()) == 199_210


def test_the_2nn_depends_on_its_seed_only_and_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = weights_of(two_nn(seed=1, hidden=8))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    assert same(weights_of(two_nn(seed=1, hidden=8)), first)
    assert not same(weights_of(two_nn(seed=2, hidden=8)), first)


def test_every_seed_round_and_client_has_randomness_of_its_own():
    numbers = (0, 1, 2, 7, 1_000, 2**31)
    draws = {
        (seed, turn, client): client_generator(seed, round_index=turn, client=client).initial_seed()
        for seed, turn, client in itertools.product(numbers, repeat=3)
    }
    assert len(set(draws.values())) == len(draws)


def test_a_clients_randomness_does_not_depend_on_who_came_before():
    forwards = [torch.rand(3, generator=client_generator(0, round_index=4, client=k)) for k in range(5)]
    backwards = [
        torch.rand(3, generator=client_generator(0, round_index=4, client=k)) for k in (4, 3, 2, 1, 0)
    ]
    assert all(torch.equal(a, b) for a, b in zip(forwards, reversed(backwards), strict=True))


@settings(max_examples=50, deadline=None)
@given(count=st.integers(1, 40), size=st.none() | st.integers(1, 50))
def test_an_epoch_holds_each_example_once_in_batches_of_the_size_asked(count, size):
    pieces = batches(count, size, torch.Generator().manual_seed(0))
    assert sorted(torch.cat(pieces).tolist()) == list(range(count))
    largest = min(size or count, count)
    assert [len(piece) for piece in pieces[:-1]] == [largest] * (len(pieces) - 1)
    assert 1 <= len(pieces[-1]) <= largest


def test_local_sgd_is_torchs_own_sgd():
    ours, theirs, examples = small_model(), small_model(), some_examples(13)
    steps = local_sgd(
        ours,
        examples,
        local_epochs=3,
        batch_size=4,
        learning_rate=0.3,
        generator=torch.Generator().manual_seed(8),
    )
    optimizer, generator = torch.optim.SGD(theirs.parameters(), lr=0.3), torch.Generator().manual_seed(8)
    for _ in range(3):
        for batch in batches(13, 4, generator):
            optimizer.zero_grad()
            F.cross_entropy(theirs(examples.images[batch]), examples.labels[batch]).backward()
            optimizer.step()
    assert steps == 3 * 4
    assert close(weights_of(ours), weights_of(theirs))


def test_the_proximal_term_is_the_gradient_of_its_penalty():
    # FedProx, Li et al. 2020, equation 2: the loss plus μ/2 · ‖w − w_global‖².
    ours, theirs, examples = small_model(), small_model(), some_examples(9)
    local_sgd(
        ours, examples, local_epochs=4, batch_size=None, learning_rate=0.2, generator=torch.Generator(),
        proximal_strength=0.7,
    )  # fmt: skip
    start = [parameter.detach().clone() for parameter in theirs.parameters()]
    for _ in range(4):
        loss = F.cross_entropy(theirs(examples.images), examples.labels)
        moved = sum(((p - s) ** 2).sum() for p, s in zip(theirs.parameters(), start, strict=True))
        theirs.zero_grad()
        (loss + 0.7 / 2 * moved).backward()
        with torch.no_grad():
            for parameter in theirs.parameters():
                parameter -= 0.2 * parameter.grad
    assert close(weights_of(ours), weights_of(theirs))


def _update_norm(**settings_of_sgd) -> float:
    model, examples = small_model(), some_examples(30)
    before = weights_of(model)
    after = train_client(
        model, before, examples, local_epochs=5, batch_size=6, learning_rate=0.2,
        generator=torch.Generator().manual_seed(0), **settings_of_sgd,
    )  # fmt: skip
    return flatten(subtract(after, before)).norm().item()


def test_a_stronger_proximal_term_keeps_the_client_nearer_to_the_global_model():
    norms = [_update_norm(proximal_strength=strength) for strength in (0.0, 0.1, 1.0, 3.0)]
    assert norms == sorted(norms, reverse=True)
    assert norms[-1] < norms[0] / 2


def test_a_proximal_strength_of_zero_changes_nothing():
    assert _update_norm(proximal_strength=0.0) == _update_norm()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"local_epochs": 0}, "local_epochs is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": -3}, "batch_size is -3"),
        ({"learning_rate": 0.0}, "learning_rate is 0"),
        ({"learning_rate": math.nan}, "learning_rate is nan"),
    ],
)
def test_training_refuses_numbers_out_of_range(wrong, said):
    right = {"local_epochs": 1, "batch_size": 2, "learning_rate": 0.1, "generator": torch.Generator()}
    with pytest.raises(ValueError, match=said):
        local_sgd(small_model(), some_examples(4), **right | wrong)


def test_a_client_without_examples_is_refused():
    with pytest.raises(ValueError, match="no examples"):
        local_sgd(
            small_model(), some_examples(0), local_epochs=1, batch_size=2, learning_rate=0.1,
            generator=torch.Generator(),
        )  # fmt: skip


def test_accuracy_is_the_share_of_right_digits_over_all_and_by_class():
    # With these weights the model answers with the position of the largest pixel.
    model = nn.Linear(3, 3, bias=False)
    model.weight.data = torch.eye(3)
    examples = Examples(torch.eye(3)[[0, 1, 1, 0]], torch.tensor([0, 1, 0, 0]))
    assert accuracy(model, examples) == 0.75
    per_class = accuracy_per_class(model, examples, num_classes=3)
    assert per_class[:2].tolist() == pytest.approx([2 / 3, 1.0])
    assert math.isnan(per_class[2])


def test_images_become_flat_numbers_between_0_and_1():
    examples = as_examples(np.full((2, 28, 28), 255, dtype=np.uint8), np.array([3, 4], dtype=np.uint8))
    assert examples.images.shape == (2, 784) and examples.images.dtype == torch.float32
    assert examples.images.unique().tolist() == [1.0]
    assert examples.take(np.array([1])).labels.tolist() == [4]
    with pytest.raises(ValueError, match="2 images but 3 labels"):
        as_examples(np.zeros((2, 28, 28), dtype=np.uint8), np.zeros(3, dtype=np.uint8))
