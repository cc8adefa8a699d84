"""The detector: a patient is one example, however many slices; the rest of the batch does not matter."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from course.hospital import Patient, load_lgg
from course.hospital.detector import (
    CELL_WEIGHT,
    LABEL_WEIGHT,
    TUMOUR_CELL,
    as_stacks,
    cell_logits,
    clipped_patient_sum,
    join,
    new_detector,
    patient_losses,
    patient_scores,
    slice_and_patient_logits,
    slice_scores,
)
from course.hospital.saliency import occlusion_map, pointing, slice_scorer

torch.set_num_threads(1)
LGG = os.environ.get("COURSE_LGG_DIR")


def patient(seed, *, num_slices=3, tumour=True, scale=1.0):
    """A random scan with a head of brightness about 1 in the middle, and a dark disc for a tumour."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:64, :64] - 31.5
    slices = np.where(rows**2 + columns**2 < 26**2, 1.0, 0.02) + 0.05 * rng.random((num_slices, 64, 64))
    mask = np.zeros((num_slices, 64, 64), dtype=bool)
    if tumour:
        mask[: num_slices // 2 + 1] = (rows - 5) ** 2 + (columns - 12) ** 2 < 36
    slices[mask] -= 0.4
    return Patient(f"p{seed}", "here", (scale * slices).astype(np.float32), mask)


def slow_logits(cells, present):
    """The two log-sum-exps by loops over floats."""
    slices, patients = [], []
    for one, there in zip(cells.double().numpy(), present.numpy(), strict=True):
        own = [np.log(np.exp(cell).sum()) for cell, is_there in zip(one, there, strict=True) if is_there]
        slices.append(own)
        patients.append(np.log(np.exp(own).sum()))
    return slices, patients


def test_logits_of_slices_and_patients_equal_a_slow_loop():
    cells = 3 * torch.randn(4, 5, 2, 3, generator=torch.Generator().manual_seed(0))
    present = torch.tensor([[True] * n + [False] * (5 - n) for n in (5, 1, 3, 4)])
    slices, patients = slice_and_patient_logits(cells, present)
    slow_slices, slow_patients = slow_logits(cells, present)
    assert np.allclose(patients, slow_patients, rtol=1e-6)
    for row, there, slow in zip(slices, present, slow_slices, strict=True):
        assert np.allclose(row[there], slow, rtol=1e-6)


def test_slices_that_only_pad_change_nothing_and_get_no_gradient():
    cells = torch.randn(2, 3, 2, 2, generator=torch.Generator().manual_seed(1)).requires_grad_()
    present = torch.tensor([[True, True, False], [True, False, False]])
    _, patients = slice_and_patient_logits(cells, present)
    patients.sum().backward()
    assert torch.isfinite(cells.grad).all() and (cells.grad[~present] == 0).all()
    assert (cells.grad[present] > 0).all()


def test_a_mask_of_the_wrong_shape_is_refused():
    with pytest.raises(ValueError, match="present has shape"):
        slice_and_patient_logits(torch.zeros(2, 3, 4, 4), torch.ones(3, 2, dtype=torch.bool))


def test_a_patients_loss_is_that_of_the_two_labels_written_out():
    stacks, model = as_stacks([patient(0), patient(1, tumour=False)]), new_detector(seed=1)
    cells = model(stacks.inputs).squeeze(1).detach()
    got = patient_losses(cells, stacks)
    for index in range(2):
        target = (stacks.cover[index] > TUMOUR_CELL).double()
        logit = cells[index].double()
        outline = (CELL_WEIGHT * target * F.softplus(-logit) + (1 - target) * F.softplus(logit)).mean()
        whole = torch.logsumexp(logit.flatten(), 0)
        label = F.softplus(-whole if stacks.has_tumour[index] else whole)
        assert abs(float(got[index] - outline - LABEL_WEIGHT * label)) < 1e-5


def test_the_rest_of_the_batch_does_not_change_a_patient():
    model, few, many = new_detector(seed=2), patient(3, num_slices=2), patient(4, num_slices=7)
    alone, beside = as_stacks([few]), as_stacks([many, few])
    assert alone.inputs.shape[2] == 2 and beside.inputs.shape[2] == 7
    assert np.allclose(patient_scores(model, alone)[0], patient_scores(model, beside)[1], rtol=1e-6)
    losses = [
        patient_losses(model(stacks.inputs).squeeze(1), stacks)[at].detach()
        for stacks, at in ((alone, 0), (beside, 1))
    ]
    assert abs(float(losses[0] - losses[1])) < 1e-5


def test_slices_do_not_see_each_other():
    model, one = new_detector(seed=3), as_stacks([patient(5, num_slices=4)])
    changed = as_stacks([patient(5, num_slices=4)])
    changed.inputs[:, :, 2] += 1.0
    difference = (cell_logits(model, one) - cell_logits(model, changed)).abs().amax((0, 2, 3))
    assert difference[2] > 1e-3 and difference[[0, 1, 3]].max() < 1e-6


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6), slices=st.integers(1, 40), c=st.sampled_from([0.01, 0.5, 20.0]),
    others=st.integers(0, 2),
)  # fmt: skip
def test_removing_one_patient_moves_the_clipped_sum_by_at_most_c_however_many_slices(seed, slices, c, others):
    # Weights far from an initial detector's, so that gradients are long and clipping has to act.
    model = new_detector(seed=seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1 + seed % 3)
    whole = as_stacks([patient(seed, num_slices=slices)] + [patient(seed + n + 1) for n in range(others)])
    with_them = clipped_patient_sum(model, whole, max_grad_norm=c)
    without = clipped_patient_sum(model, whole.take(range(1, 1 + others)), max_grad_norm=c)
    moved = sum((with_them[name] - without[name]).double().square().sum() for name in without).sqrt()
    assert moved <= c * (1 + 1e-4) + 1e-6


def test_the_bound_is_reached_so_it_is_not_loose():
    model, one = new_detector(seed=7), as_stacks([patient(8)])
    total = clipped_patient_sum(model, one, max_grad_norm=1e-3)
    assert float(sum(part.square().sum() for part in total.values()).sqrt()) == pytest.approx(1e-3, rel=1e-4)


def test_clipping_slices_one_by_one_would_let_a_patient_with_many_of_them_move_more():
    model, stacks, c = new_detector(seed=7), as_stacks([patient(8, num_slices=12)]), 1e-3
    p = patient(8, num_slices=12)
    each = [replace(p, slices=p.slices[k : k + 1], tumour_mask=p.tumour_mask[k : k + 1]) for k in range(12)]
    by_slice = clipped_patient_sum(model, as_stacks(each), max_grad_norm=c)
    by_patient = clipped_patient_sum(model, stacks, max_grad_norm=c)
    norms = [float(sum(part.square().sum() for part in s.values()).sqrt()) for s in (by_slice, by_patient)]
    assert norms[0] > 5 * c and norms[1] <= c * (1 + 1e-4)


def test_unclipped_the_sum_is_the_ordinary_gradient():
    model, stacks = new_detector(seed=4), as_stacks([patient(n, num_slices=n + 1) for n in range(3)])
    got = clipped_patient_sum(model, stacks, max_grad_norm=1e9)
    patient_losses(model(stacks.inputs).squeeze(1), stacks).sum().backward()
    for name, parameter in model.named_parameters():
        assert torch.allclose(got[name], parameter.grad, rtol=1e-3, atol=1e-5), name


def test_nobody_moves_nothing_and_a_bad_norm_is_refused():
    model, stacks = new_detector(seed=0), as_stacks([patient(0)])
    empty = clipped_patient_sum(model, stacks.take([]), max_grad_norm=1.0)
    assert all((part == 0).all() for part in empty.values())
    for norm in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="max_grad_norm"):
            clipped_patient_sum(model, stacks, max_grad_norm=norm)


def test_a_scanners_gain_and_offset_do_not_reach_the_detector():
    one, other = (as_stacks([patient(0, scale=scale)]) for scale in (1.0, 37.0))
    assert torch.allclose(one.inputs, other.inputs, atol=1e-4)


def test_the_second_channel_is_zero_for_a_symmetric_head_and_flips_its_sign_in_the_mirror():
    p = patient(0)
    even = replace(p, slices=(p.slices + p.slices[..., ::-1]) / 2)
    assert as_stacks([even]).inputs[:, 1].abs().max() < 1e-5
    mirrored = replace(p, slices=p.slices[..., ::-1].copy())
    left, right = as_stacks([p]).inputs[0, 1], as_stacks([mirrored]).inputs[0, 1]
    assert torch.allclose(left, -right, atol=1e-5) and left.abs().max() > 0.5


def test_joining_pads_to_the_deepest_and_keeps_everybody():
    few, many = as_stacks([patient(0, num_slices=2)]), as_stacks([patient(1, num_slices=5, tumour=False)])
    both, at_once = (
        join([few, many]),
        as_stacks([patient(0, num_slices=2), patient(1, num_slices=5, tumour=False)]),
    )
    for name in ("inputs", "present", "cover", "slice_labels", "has_tumour"):
        assert torch.equal(getattr(both, name), getattr(at_once, name)), name
    for nothing in (join, as_stacks):
        with pytest.raises(ValueError, match="at least one"):
            nothing([])


def test_the_occlusion_map_of_a_sum_is_the_sum_of_each_square():
    image = np.random.default_rng(0).normal(size=(12, 8))
    falls = occlusion_map(lambda seen: float(seen.sum()), image, patch=4)
    assert np.allclose(falls, image.reshape(3, 4, 2, 4).sum((1, 3)))
    with pytest.raises(ValueError, match="squares"):
        occlusion_map(lambda seen: 0.0, image, patch=5)


def test_the_occlusion_map_finds_what_a_score_looks_at_and_leaves_the_image():
    image, eye = np.ones((16, 16)), np.zeros((16, 16))
    eye[4:8, 8:12] = 1
    falls = occlusion_map(lambda seen: float((seen * eye).sum()), image, patch=4)
    assert np.argwhere(falls > 0).tolist() == [[1, 2]] and (image == 1).all()


def test_a_single_slice_scores_as_in_the_patient():
    p, model = patient(0, num_slices=3), new_detector(seed=1)
    stacks = as_stacks([p], standardise=lambda slices: slices)
    scores, _ = slice_scores(model, stacks)
    scorer = slice_scorer(model, p)
    assert np.allclose([scorer(image) for image in p.slices], scores, rtol=1e-5)


class Pointer(torch.nn.Module):
    """Calls the cell of row 9, column 11 of slice 1 the most suspicious, and padding even more so."""

    def forward(self, inputs):
        cells = torch.zeros(len(inputs), 1, inputs.shape[2], 16, 16)
        cells[:, 0, 1, 9, 11], cells[:, 0, 2] = 5.0, 9.0
        return cells


def test_pointing_ignores_padding_and_tells_the_tumour_from_elsewhere():
    stacks = as_stacks([patient(0, num_slices=2), patient(1, num_slices=2, tumour=False), patient(2)])
    there = pointing(Pointer(), stacks.take([0, 1]))
    assert (there.slice_index == 1).all() and (there.row == 37.5).all() and (there.column == 45.5).all()
    assert there.on_tumour.tolist() == [True, False]


@pytest.mark.skipif(LGG is None, reason="COURSE_LGG_DIR is not set: no real scans here")
def test_the_same_detector_reads_real_scans():
    hospitals = load_lgg(LGG)
    everyone = [each for patients in hospitals.values() for each in patients]
    stacks = as_stacks(everyone)
    scores, labels = slice_scores(new_detector(seed=0), stacks)
    assert len(scores) == sum(each.num_slices for each in everyone) and np.isfinite(scores).all()
    assert 0 < labels.sum() < len(labels) and stacks.has_tumour.all()
