"""Rounds of FedAvg and SCAFFOLD against closed forms and the papers' own equivalences."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_federation import close, same, small_model, some_examples, some_model
from torch.nn import functional as F

from course.federated import (
    Examples,
    History,
    accuracy,
    client_generator,
    fedavg,
    local_sgd,
    new_control,
    num_bytes,
    run_fedavg,
    run_scaffold,
    weights_of,
)  # fmt: skip

torch.set_num_threads(1)

PLAIN = {"rounds": 2, "seed": 0, "learning_rate": 0.3, "batch_size": 4}


@pytest.fixture(scope="module")
def clients() -> list[Examples]:
    return [some_examples(count, seed) for seed, count in enumerate((12, 5, 20))]


@pytest.fixture(scope="module")
def test_set() -> Examples:
    return some_examples(40, seed=99)


def pooled(parts: list[Examples]) -> Examples:
    return Examples(torch.cat([part.images for part in parts]), torch.cat([part.labels for part in parts]))


def gradient_of(model, examples: Examples) -> dict[str, torch.Tensor]:
    """The gradient of the mean cross-entropy over all examples, by torch's own backward pass."""
    model.zero_grad()
    F.cross_entropy(model(examples.images), examples.labels).backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


# Rounds -------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(clients, test_set):
    settings_of_run = PLAIN | {"rounds": 3, "cohort_size": 2}
    one, again = (run_fedavg(clients, test_set, model=small_model(), **settings_of_run) for _ in range(2))
    other = run_fedavg(clients, test_set, model=small_model(), **settings_of_run | {"seed": 1})
    assert same(one.weights, again.weights) and one.accuracy.tolist() == again.accuracy.tolist()
    assert not same(one.weights, other.weights)


def test_a_run_does_not_depend_on_the_global_generators_nor_move_them(clients, test_set):
    runs = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)
        before = torch.get_rng_state()
        runs.append(run_fedavg(clients, test_set, model=small_model(), **PLAIN).weights)
        assert torch.equal(torch.get_rng_state(), before)
    assert same(*runs)


@pytest.mark.parametrize("batch_size", [None, 4])
def test_one_client_with_all_the_data_is_plain_sgd_to_the_last_bit(test_set, batch_size):
    examples, model, rounds = some_examples(19), small_model(), 3
    federated = run_fedavg(
        [examples], test_set, model=model, rounds=rounds, seed=6, learning_rate=0.3, batch_size=batch_size
    )
    for turn in range(rounds):
        generator = client_generator(6, round_index=turn, client=0)
        local_sgd(
            model, examples, local_epochs=1, batch_size=batch_size, learning_rate=0.3, generator=generator
        )
    assert same(federated.weights, weights_of(model))


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(1, 15), min_size=1, max_size=6), seed=st.integers(0, 100))
def test_one_full_batch_step_each_is_one_central_step_for_every_partition(sizes, seed):
    # FedSGD, McMahan et al. 2017, section 2: Σ (n_k / n) (w − η g_k) = w − η ∇f(w), whoever holds what.
    parts = [some_examples(size, seed + client) for client, size in enumerate(sizes)]
    history = run_fedavg(
        parts, parts[0], model=small_model(), rounds=1, seed=0, learning_rate=0.4, batch_size=None
    )
    model = small_model()
    start, gradient = weights_of(model), gradient_of(model, pooled(parts))
    assert close(history.weights, {name: start[name] - 0.4 * gradient[name] for name in start})


def test_several_local_steps_are_not_central_steps(clients, test_set):
    # The control of the test above: with two local epochs the clients drift, so the equivalence must end.
    history = run_fedavg(
        clients, test_set, model=small_model(), **PLAIN | {"batch_size": None, "local_epochs": 2, "rounds": 1}
    )
    central = run_fedavg([pooled(clients)], test_set, model=small_model(), **PLAIN | {"batch_size": None})
    assert not close(history.weights, central.weights)


def test_the_model_that_is_given_stays_as_it_was(clients, test_set):
    model = small_model()
    before = weights_of(model)
    run_fedavg(clients, test_set, model=model, **PLAIN)
    run_scaffold(clients, test_set, model=model, **PLAIN)
    assert same(weights_of(model), before)


def test_the_history_tells_what_happened(clients, test_set):
    history = run_fedavg(clients, test_set, model=small_model(), **PLAIN | {"rounds": 4, "cohort_size": 2})
    model = small_model()
    assert history.bytes_sent.tolist() == [
        2 * 2 * num_bytes(weights_of(model)) * turn for turn in (1, 2, 3, 4)
    ]
    model.load_state_dict(history.weights)
    assert history.accuracy[-1] == accuracy(model, test_set)


def test_the_aggregate_of_the_caller_is_used_with_the_counts_of_the_cohort(clients, test_set):
    seen = []

    def spy(models, num_examples):
        seen.append((len(models), num_examples))
        return fedavg(models, num_examples)

    run_fedavg(clients, test_set, model=small_model(), aggregate=spy, **PLAIN)
    assert seen == [(3, [12, 5, 20])] * 2


def test_a_run_stops_after_the_first_round_that_reaches_its_target(clients, test_set):
    whole = run_fedavg(clients, test_set, model=small_model(), **PLAIN | {"rounds": 6})
    target = float(np.sort(whole.accuracy)[-2])
    short = run_fedavg(clients, test_set, model=small_model(), stop_at=target, **PLAIN | {"rounds": 6})
    assert len(short.accuracy) == whole.rounds_to(target) < 6
    assert short.accuracy.tolist() == whole.accuracy[: len(short.accuracy)].tolist()
    never = run_fedavg(clients, test_set, model=small_model(), stop_at=1.1, **PLAIN)
    assert len(never.accuracy) == PLAIN["rounds"]


@pytest.mark.parametrize(("target", "rounds"), [(0.1, 1), (0.5, 2), (0.51, 4), (0.9, 4), (0.95, None)])
def test_rounds_to_counts_from_one_and_takes_the_first(target, rounds):
    history = History(np.array([0.2, 0.5, 0.4, 0.9, 0.6]), np.arange(5), {})
    assert history.rounds_to(target) == rounds


def test_a_progress_bar_is_shown_only_when_it_is_asked_for_and_not_in_red(clients, test_set, capsys):
    run_fedavg(clients, test_set, model=small_model(), **PLAIN)
    assert capsys.readouterr() == ("", "")
    run_fedavg(clients, test_set, model=small_model(), progress="ten clients", **PLAIN)
    shown = capsys.readouterr()
    assert "ten clients" in shown.out and shown.err == ""


@pytest.mark.parametrize("run", [run_fedavg, run_scaffold])
def test_a_run_without_clients_or_rounds_is_refused(run, clients, test_set):
    with pytest.raises(ValueError, match="0 clients"):
        run([], test_set, model=small_model(), **PLAIN)
    with pytest.raises(ValueError, match="0 rounds"):
        run(clients, test_set, model=small_model(), **PLAIN | {"rounds": 0})
    with pytest.raises(ValueError, match="no examples"):
        run([*clients, some_examples(0)], test_set, model=small_model(), **PLAIN)


# SCAFFOLD -----------------------------------------------------------------------------------------


def test_scaffolds_first_round_is_fedavgs(clients, test_set):
    # All controls start at zero, so nothing is corrected yet (Algorithm 1, line 1).
    first = PLAIN | {"rounds": 1, "local_epochs": 2}
    scaffold = run_scaffold(clients, test_set, model=small_model(), **first)
    assert same(scaffold.weights, run_fedavg(clients, test_set, model=small_model(), **first).weights)


def test_identical_clients_have_nothing_to_correct(test_set):
    # Equal controls make c − c_k zero in every round, and equal models average to themselves.
    twins = [some_examples(10, seed=3)] * 3
    long = PLAIN | {"rounds": 4, "local_epochs": 3, "batch_size": None}
    scaffold = run_scaffold(twins, test_set, model=small_model(), **long)
    assert close(scaffold.weights, run_fedavg(twins, test_set, model=small_model(), **long).weights)


def test_unequal_clients_are_corrected_from_the_second_round_on(clients, test_set):
    # The control of the two tests above: without a correction they would pass for nothing.
    scaffold = run_scaffold(clients, test_set, model=small_model(), **PLAIN)
    assert not close(scaffold.weights, run_fedavg(clients, test_set, model=small_model(), **PLAIN).weights)


def test_the_servers_control_is_the_mean_of_the_clients(clients, test_set):
    told, made = [], []

    def spy(control, server_control, before, after, *, steps, learning_rate):
        told.append(server_control)
        made.append(
            new_control(control, server_control, before, after, steps=steps, learning_rate=learning_rate)
        )
        return made[-1]

    run_scaffold(clients, test_set, model=small_model(), control_update=spy, **PLAIN | {"rounds": 3})
    for turn in (1, 2):
        last = made[3 * (turn - 1) : 3 * turn]
        mean = {name: sum(control[name] for control in last) / 3 for name in last[0]}
        assert all(close(control, mean) for control in told[3 * turn : 3 * turn + 3])


@settings(max_examples=15, deadline=None)
@given(count=st.integers(1, 20), seed=st.integers(0, 100), rate=st.floats(0.05, 1.0))
def test_after_one_full_batch_step_the_control_is_the_gradient(count, seed, rate):
    # Karimireddy et al. 2020, equation 4: with K = 1 and zero controls, option II is option I.
    model, examples = small_model(seed), some_examples(count, seed)
    before, gradient = weights_of(model), gradient_of(model, examples)
    zero = {name: torch.zeros_like(tensor) for name, tensor in before.items()}
    steps = local_sgd(
        model, examples, local_epochs=1, batch_size=None, learning_rate=rate, generator=torch.Generator()
    )
    # The difference of two float32 weights near 1, divided by a rate of 0.05: about 2e-6 remains.
    control = new_control(zero, zero, before, weights_of(model), steps=steps, learning_rate=rate)
    assert steps == 1 and close(control, gradient, 1e-4)


def test_a_corrected_client_walks_along_the_common_gradient(clients):
    # With exact controls the corrected first step of any client is the step of all data together.
    parts = [some_examples(10, seed) for seed in range(3)]
    model = small_model()
    start, mean = weights_of(model), gradient_of(small_model(), pooled(parts))
    own = gradient_of(small_model(), parts[0])
    local_sgd(
        model, parts[0], local_epochs=1, batch_size=None, learning_rate=0.3, generator=torch.Generator(),
        correction={name: mean[name] - own[name] for name in mean},
    )  # fmt: skip
    assert close(weights_of(model), {name: start[name] - 0.3 * mean[name] for name in start})


def test_the_second_round_of_scaffold_is_corrected_as_the_paper_says(clients, test_set):
    # One full-batch step a round, so that each line of Algorithm 1 can be written down.
    rate = 0.3
    history = run_scaffold(
        clients, test_set, model=small_model(), rounds=2, seed=0, learning_rate=rate, batch_size=None
    )
    model = small_model()
    start, counts = weights_of(model), [len(examples) for examples in clients]
    controls = [gradient_of(model, examples) for examples in clients]
    mean = {name: sum(control[name] for control in controls) / 3 for name in start}
    locals_1 = [{name: start[name] - rate * control[name] for name in start} for control in controls]
    model.load_state_dict(fedavg(locals_1, counts))
    middle, locals_2 = weights_of(model), []
    for examples, control in zip(clients, controls, strict=True):
        own = gradient_of(model, examples)
        locals_2.append({n: middle[n] - rate * (own[n] - control[n] + mean[n]) for n in middle})
    assert close(history.weights, fedavg(locals_2, counts))


def test_a_control_is_a_mean_gradient_over_the_steps():
    one, zero = {"w": torch.tensor([1.0])}, {"w": torch.tensor([0.0])}
    # Four steps of rate 0.5 moved w from 1 to 0: the mean gradient was 0.5.
    assert new_control(zero, zero, one, zero, steps=4, learning_rate=0.5)["w"] == 0.5
    assert new_control(one, {"w": torch.tensor([3.0])}, one, zero, steps=4, learning_rate=0.5)["w"] == -1.5


@pytest.mark.parametrize(("steps", "rate"), [(0, 0.1), (-1, 0.1), (3, 0.0), (3, -0.1), (3, float("nan"))])
def test_a_control_without_steps_or_rate_is_refused(steps, rate):
    zero = some_model(0)
    with pytest.raises(ValueError, match=rf"steps is {steps} and learning_rate {rate}"):
        new_control(zero, zero, zero, zero, steps=steps, learning_rate=rate)


def test_scaffold_sends_twice_the_bytes_of_fedavg(clients, test_set):
    fed, scaffold = (
        run(clients, test_set, model=small_model(), **PLAIN) for run in (run_fedavg, run_scaffold)
    )
    assert scaffold.bytes_sent.tolist() == (2 * fed.bytes_sent).tolist()
