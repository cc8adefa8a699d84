"""`claim` states a result with its numbers when it holds, and stops the notebook when it does not."""

import runpy
import textwrap

import numpy as np
import pytest
import torch

from course.exercises import ClaimFailed, claim


@pytest.fixture
def script(tmp_path, capsys):
    """Runs code from a file, in which `claim` can read its condition; returns what was printed."""

    def run(code: str) -> str:
        path = tmp_path / "script.py"
        path.write_text("from course.exercises import claim\n" + textwrap.dedent(code), encoding="utf-8")
        runpy.run_path(str(path))
        return capsys.readouterr().out

    return run


def test_a_claim_that_holds_is_shown_with_the_numbers_of_its_condition(script):
    said = script("slow, fast = 12, 5\nclaim('It takes twice as long', slow > 2 * fast)")
    assert said == "✔ It takes twice as long\n  slow = 12, 2 * fast = 10\n"


def test_a_claim_that_does_not_hold_fails_with_its_sentence_and_numbers(script):
    with pytest.raises(ClaimFailed, match=r"does not hold here: It is faster \(slow = 12, fast = 5\)"):
        script("slow, fast = 12, 5\nclaim('It is faster', slow < fast)")


@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        ("a > 0.05", "a = 0.1235"),
        ("a > -0.05", "a = 0.1235"),
        ("0 < a < big", "a = 0.1235, big = 1,234,567"),
        ("scores['x'] == 3", "scores['x'] = 3"),
        ("table[0, 1] > a", "table[0, 1] = 2, a = 0.1235"),
        ("table.size == 4 and a < 1", "table.size = 4, a = 0.1235"),
        ("table.sum() > a", "a = 0.1235"),
        ("name == 'b'", ""),
        ("flag", ""),
        ("not flag or a < 1", "a = 0.1235"),
        ("all(a > 0 for a in (1, 2))", ""),
        ("any(map(lambda a: a > 1, [2]))", ""),
    ],
)
def test_only_the_callers_own_numbers_are_shown(script, condition, shown):
    setting = "import numpy as np\na, big, name, flag = 0.12345678, 1234567, 'b', True\n"
    setting += "scores, table = {'x': 3}, np.array([[1, 2], [3, 4]])\n"
    said = script(f'{setting}claim("So", {condition})')
    assert said == "✔ So\n" + (f"  {shown}\n" if shown else "")


def test_nothing_with_a_call_in_it_is_computed_twice(script):
    said = script(
        """
        calls = []
        def slow(x):
            calls.append(x)
            return [x]
        claim("So", slow(3)[0] > 2 and len(slow(4)) == 1 and slow(5)[0] + 1 > 2)
        print(len(calls), "calls")
        """
    )
    assert said == "✔ So\n3 calls\n"


def test_a_claim_works_inside_a_function_a_loop_and_a_line_of_claims(script):
    said = script(
        """
        def report(limit):
            for value in (3, 4):
                claim(
                    "Below",
                    value
                    < limit,
                )
            claim("One", value > 1); claim("Two", limit == 9)
        report(9)
        """
    )
    numbers = [line.strip() for line in said.splitlines()[1::2]]
    assert numbers == ["value = 3, limit = 9", "value = 4, limit = 9", "value = 4", "limit = 9"]


def test_without_source_the_sentence_is_shown_alone(capsys):
    # A terminal's own prompt keeps no source to read.
    exec(compile("claim('So', value > 1)", "<nowhere>", "exec"), {"claim": claim, "value": 2})
    assert capsys.readouterr().out == "✔ So\n"


@pytest.mark.parametrize("truth", [True, np.True_, np.array(True), torch.tensor(True)], ids=repr)
def test_any_single_truth_value_will_do(truth, capsys):
    claim("So", truth)
    assert capsys.readouterr().out.startswith("✔ So\n")
    with pytest.raises(ClaimFailed):
        claim("So", truth ^ True)


@pytest.mark.parametrize(
    "several",
    [
        np.array([True, True]), np.array([True]), torch.tensor([True, True]), [True], (False, "so"), {}, None,
        1, "yes", np.float64(1.0), torch.tensor(1.0),
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_not_one_truth_value_is_refused(several):
    with pytest.raises(ValueError, match="one truth value"):
        claim("So", several)


@pytest.mark.parametrize("sentence", ["", "  \n", None, 3])
def test_a_claim_without_a_sentence_is_refused(sentence):
    with pytest.raises(ValueError, match="needs a sentence"):
        claim(sentence, True)
