"""The record of a run goes to JSON and back, holds no invalid interval, and its hashes see every change."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from hospital_run import small_run

from course.hospital.fingerprints import built, code_sha256, data_sha256, plain, weights_sha256
from course.hospital.patients import Patient
from course.hospital.run import Measured, Run, best_guess


def leaves(data, path=()):
    """Each number and word of a nest of dictionaries and lists, with the way to it."""
    if isinstance(data, dict | list):
        entries = data.items() if isinstance(data, dict) else enumerate(data)
        return [leaf for key, entry in entries for leaf in leaves(entry, (*path, key))]
    return [(path, data)]


def test_a_run_comes_back_from_json_equal():
    run = small_run()
    again = Run.from_json(run.to_json())
    assert again == run and again.sha256 == run.sha256
    assert math.isinf(again.adversaries[1].epsilon)
    json.loads(run.to_json(), parse_constant=pytest.fail)  # No NaN and no Infinity, which JSON does not have.


def test_every_number_of_a_run_is_in_its_hash():
    run = small_run()
    data = json.loads(run.to_json())
    numbers = [path for path, leaf in leaves(data) if isinstance(leaf, int | float) and leaf is not True]
    assert len(numbers) > 100
    for path in numbers:
        changed = json.loads(run.to_json())
        holder = changed
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = holder[path[-1]] + 1
        assert json.dumps(changed, indent=1, ensure_ascii=False) != run.to_json()
        try:
            other = Run.from_json(json.dumps(changed))
        except ValueError:
            continue  # The change made a record that contradicts itself, and it is refused.
        assert other.sha256 != run.sha256


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d.pop("seed"),
        lambda d: d.update(more=1),
        lambda d: d.update(seed="4"),
        lambda d: d.update(simulated=1),
        lambda d: d.update(hospitals={}),
        lambda d: d["private"].update(low=0.99),
        lambda d: d["hospitals"][0]["claims"][0].update(unit="scanner"),
        lambda d: d["hospitals"][0].update(epsilon="much"),
        lambda d: d.update(versions=[]),
    ],
)
def test_a_damaged_record_is_refused(damage):
    data = json.loads(small_run().to_json())
    damage(data)
    with pytest.raises(ValueError):
        Run.from_json(json.dumps(data))


def test_a_record_is_frozen_and_holds_no_arrays():
    with pytest.raises(dataclasses.FrozenInstanceError):
        small_run().seed = 5
    with pytest.raises(ValueError, match="not ndarray"):
        plain({"slices": np.zeros(3)})
    with pytest.raises(ValueError):
        Measured(0.5, 0.6, 0.7, "DeLong", 10)
    with pytest.raises(ValueError):
        built(Measured, [0.5])


# The odds --------------------------------------------------------------------------------------------


def test_the_best_guess_is_the_closed_form_and_a_brute_force_over_rules():
    assert best_guess(0.0, delta=0.0) == 0.5
    assert best_guess(math.log(3), delta=0.0) == pytest.approx(0.75)
    assert best_guess(math.inf, delta=0.0) == 1.0
    # The mechanism that reaches the bound: its outcomes 0 and 3 tell all, with probability δ.
    for epsilon, delta, before in ((0.7, 0.01, 0.5), (1.5, 0.1, 0.3), (3.0, 1e-4, 0.9), (0.1, 0.05, 0.6)):
        grown = math.exp(epsilon)
        with_patient = np.array([delta, (1 - delta) * grown / (1 + grown), (1 - delta) / (1 + grown), 0.0])
        guess = np.maximum(before * with_patient, (1 - before) * with_patient[::-1]).sum()
        assert best_guess(epsilon, delta=delta, before=before) == pytest.approx(guess)
    with pytest.raises(ValueError):
        best_guess(-1.0, delta=0.0)


# Hashes ----------------------------------------------------------------------------------------------


def patient(value=0.0, marked=False, name="p"):
    slices = np.full((2, 64, 64), value, np.float32)
    mask = np.zeros((2, 64, 64), bool)
    mask[0, 3, 3] = marked
    return Patient(name, "A", slices, mask)


def test_the_hash_of_the_data_sees_scans_outlines_names_and_hospitals():
    variants = [
        {"A": [patient()]}, {"A": [patient(value=1e-6)]}, {"A": [patient(marked=True)]},
        {"A": [patient(name="q")]}, {"B": [patient()]}, {"A": [patient(), patient(name="q")]},
    ]  # fmt: skip
    assert len({data_sha256(variant) for variant in variants}) == len(variants)
    assert data_sha256(variants[0]) == data_sha256({"A": [patient()]})


def test_the_hash_of_the_weights_is_of_their_values_and_names():
    vector = np.array([1.0, 2.0])
    assert weights_sha256(vector) == weights_sha256(torch.tensor(vector))
    assert weights_sha256({"w": torch.tensor(vector)}) != weights_sha256({"v": torch.tensor(vector)})
    assert weights_sha256(vector) != weights_sha256(np.nextafter(vector, 3))


def test_the_hash_of_the_code_sees_every_file_and_every_character(tmp_path):
    (tmp_path / "a.py").write_text("x = 1")
    first = code_sha256(tmp_path)
    (tmp_path / "a.py").write_text("x = 2")
    second = code_sha256(tmp_path)
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert len({first, second, code_sha256(tmp_path)}) == 3
    assert len(code_sha256()) == 64
