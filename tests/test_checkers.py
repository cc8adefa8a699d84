"""Every checker accepts right answers, however written, and tells each named wrong answer what is wrong.

The answers stand in `mutants_NN.py`, one module a lesson, with two tables by exercise: ACCEPT (name → answer)
and REJECT (name → (answer, words that its message must hold)).
"""

import importlib

import numpy as np
import pytest
import torch

from course.exercises.checking import assess
from course.exercises.exercise import LESSONS, Exercise, State, exercises_of

torch.set_num_threads(1)
EXERCISES = [exercise for lesson in LESSONS for exercise in exercises_of(lesson).values()]
TIMES = 20
"""How often a right answer must pass in a row, each time with another state of the global generators."""


def _tables(exercise: Exercise) -> tuple[dict, dict]:
    mutants = importlib.import_module(f"mutants_{exercise.id.partition('.')[0]}")
    return mutants.ACCEPT.get(exercise.id, {}), mutants.REJECT.get(exercise.id, {})


def _cases(which: int) -> list:
    cases = []
    for lesson in LESSONS:
        # A lesson without its table fails in test_every_lesson_has_its_table, not while tests are collected.
        if importlib.util.find_spec(f"mutants_{lesson}") is None:
            continue
        for exercise in exercises_of(lesson).values():
            cases += [
                pytest.param(exercise, entry, id=f"{exercise.id} {name}")
                for name, entry in _tables(exercise)[which].items()
            ]
    return cases


def _message(exercise: Exercise, answer: object) -> str:
    verdict, _ = assess(exercise, answer)
    return f"{verdict.state.value}: {verdict.message}"


@pytest.fixture(params=EXERCISES, ids=lambda exercise: exercise.id)
def exercise(request) -> Exercise:
    return request.param


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_lesson_has_its_table(lesson):
    mutants = importlib.import_module(f"mutants_{lesson}")
    assert list(mutants.ACCEPT) == list(mutants.REJECT) == list(exercises_of(lesson))


def test_every_exercise_has_two_right_and_four_wrong_answers(exercise):
    accepted, rejected = _tables(exercise)
    assert len(accepted) >= 2 and len(rejected) >= 4
    assert exercise.reference in accepted.values()
    assert len({id(answer) for answer in accepted.values()}) == len(accepted)


@pytest.mark.parametrize(("exercise", "answer"), _cases(0))
def test_a_right_answer_passes(exercise, answer):
    verdict, _ = assess(exercise, answer)
    assert verdict.state is State.PASSED, verdict.message


@pytest.mark.parametrize(("exercise", "entry"), _cases(1))
def test_a_wrong_answer_is_told_what_is_wrong(exercise, entry):
    answer, fragment = entry
    verdict, _ = assess(exercise, answer)
    assert verdict.state is State.NOT_YET
    assert fragment in verdict.message
    assert "Traceback" not in verdict.message and "\n" not in verdict.message


def test_two_misconceptions_never_get_the_same_message(exercise):
    messages = {name: _message(exercise, answer) for name, (answer, _) in _tables(exercise)[1].items()}
    fragments = {name: fragment for name, (_, fragment) in _tables(exercise)[1].items()}
    shared = {
        (name, other)
        for name, fragment in fragments.items()
        for other, message in messages.items()
        if other != name and (fragment in message or message == messages[name])
    }
    assert not shared


def test_a_right_answer_passes_whatever_the_global_generators_say(exercise):
    for seed in range(TIMES):
        np.random.seed(seed)
        torch.manual_seed(seed)
        verdict, _ = assess(exercise, exercise.reference)
        assert verdict.state is State.PASSED, f"seed {seed}: {verdict.message}"


def test_a_check_leaves_the_global_generators_alone(exercise):
    np.random.seed(4)
    torch.manual_seed(4)
    before = np.random.get_state()[1].tolist(), np.random.get_state()[2], torch.get_rng_state().tolist()
    assess(exercise, exercise.reference)
    assert before == (
        np.random.get_state()[1].tolist(),
        np.random.get_state()[2],
        torch.get_rng_state().tolist(),
    )


def test_a_blank_stub_is_not_attempted(exercise):
    def stub(*anything):
        """What to write."""
        ...  # your code here

    def returning(*anything):
        return ...

    for blank in (stub, returning, None, ..., lambda *anything: None):
        verdict, _ = assess(exercise, blank)
        assert verdict.state is State.NOT_ATTEMPTED
        assert exercise.name in verdict.message


def test_a_function_that_forgets_to_return_gets_a_sentence(exercise):
    def forgetful(*arguments, **more):
        result = exercise.reference(*arguments, **more)
        result = None if result is None else 0  # computed and dropped

    verdict, _ = assess(exercise, forgetful)
    # Some answers act in place and rightly return nothing.
    assert verdict.state is (State.NOT_YET if _returns_something(exercise) else State.PASSED)
    assert verdict.message.endswith((".", "?", ")"))


def _returns_something(exercise: Exercise) -> bool:
    returned = []

    def spy(*arguments, **more):
        returned.append(exercise.reference(*arguments, **more))
        return returned[-1]

    assess(exercise, spy)
    return any(value is not None for value in returned)


@pytest.mark.parametrize("wrong", [3, "text", [1, 2], {"a": 1}], ids=repr)
def test_an_answer_that_is_no_function_gets_a_sentence(exercise, wrong):
    verdict, _ = assess(exercise, wrong)
    assert verdict.state is State.NOT_YET
    assert f"`{exercise.name}` should be a function" in verdict.message


@pytest.mark.parametrize(
    "value",
    [0, 1.5, "text", [], {}, (), object(), np.zeros(3), torch.zeros(2, 2)],
    ids=lambda value: type(value).__name__,
)
def test_an_answer_that_returns_anything_at_all_gets_a_sentence(exercise, value):
    verdict, _ = assess(exercise, lambda *anything, **more: value)
    assert verdict.state is State.NOT_YET
    assert "Traceback" not in verdict.message and "\n" not in verdict.message
    # The checker judged what came back; it did not stumble over it.
    assert not verdict.message.startswith("Your code stopped with")


def test_a_function_with_other_parameters_is_told_so(exercise):
    verdict, _ = assess(exercise, lambda: 0)
    assert verdict.state is State.NOT_YET
    assert "TypeError" in verdict.message and "argument" in verdict.message


def test_hints_go_from_a_question_to_nearly_the_answer(exercise):
    assert len(exercise.hints) >= 2
    assert exercise.hints[0].endswith("?")
    assert not exercise.hints[-1].endswith("?")
    assert len(set(exercise.hints)) == len(exercise.hints)


def test_exercises_are_numbered_in_order_and_named_apart():
    for lesson in LESSONS:
        exercises = list(exercises_of(lesson).values())
        assert [exercise.id for exercise in exercises] == [f"{lesson}.{n + 1}" for n in range(len(exercises))]
        assert len({exercise.name for exercise in exercises}) == len(exercises)
        assert all(exercise.points >= 1 for exercise in exercises)
