"""Simulated hospitals: they look like T1 scans, differ by scanner, and only a tumour tells of a tumour."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from nilearn.datasets import load_mni152_template, load_mni152_wm_template
from scipy.ndimage import map_coordinates
from scipy.stats import mannwhitneyu
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from course.hospital import PATIENTS, Patient, match_heights, simulate_hospitals
from course.hospital.anatomy import draw_head
from course.hospital.fields import (
    COLUMNS_MM,
    ROWS_MM,
    SLICES_MM,
    _bases,
    draw_coefficients,
    slice_points,
    smooth_field,
)
from course.hospital.scanners import SCANNERS
from course.hospital.simulation import TUMOURS_IN_TWELVE, _draw, _look_inside
from course.hospital.template import TISSUES, deep_white_matter, sample_template, template_volumes
from course.hospital.tumours import KINDS, _draw_seat, draw_tumour, grow, make_room

ONE_HOSPITAL = {"university": 360}
POSES = [draw_head(np.random.default_rng(seed)).pose for seed in range(20)]


def auroc(scores, labels):
    """The chance that a positive scores higher than a negative: Mann–Whitney's U over the number of pairs."""
    scores, labels = np.asarray(scores, dtype=float), np.asarray(labels, dtype=bool)
    return mannwhitneyu(scores[labels], scores[~labels]).statistic / (labels.sum() * (~labels).sum())


@pytest.fixture(scope="module")
def some():
    """Twelve patients of every hospital."""
    return simulate_hospitals(seed=3, patients=dict.fromkeys(PATIENTS, 12))


@pytest.fixture(scope="module")
def many():
    """Enough patients of one hospital to see a statistical give-away."""
    return simulate_hospitals(seed=4, patients=ONE_HOSPITAL)["university"]


@pytest.fixture(scope="module")
def twins():
    """The same sixty people with a tumour and without: (tumour, outline, shares with, shares without)."""
    pairs = []
    for number in range(60):
        sick, well = (
            _draw(np.random.default_rng((9, number)), hospital="university", with_tumour=with_tumour)
            for with_tumour in (True, False)
        )
        (shares, outline), (healthy, _) = _look_inside([sick]), _look_inside([well])
        pairs.append((sick.tumour, outline[0].numpy(), shares[0].numpy(), healthy[0].numpy()))
    return pairs


def test_the_first_sentence_says_that_it_is_simulated(some):
    assert simulate_hospitals.__doc__.split(".")[0].startswith("Simulated, not real")
    assert some.source.startswith("Simulated")


def test_every_patient_is_a_stack_of_eight_slices_with_outlines(some):
    assert list(some) == list(PATIENTS) and some.num_patients == 72 and some.left_out == ()
    ids = [patient.patient_id for patients in some.values() for patient in patients]
    assert len(set(ids)) == 72
    for hospital, patients in some.items():
        for patient in patients:
            assert patient.slices.shape == patient.tumour_mask.shape == (8, 64, 64)
            assert patient.hospital == hospital and patient.spacing == (8.0, 3.0, 3.0)
            assert patient.has_tumour == patient.slice_labels.any() == (patient.traits["tumour"] != "none")


def test_by_default_there_are_six_hospitals_and_the_clinic_is_the_smallest():
    assert list(PATIENTS) == list(SCANNERS) == list(TUMOURS_IN_TWELVE)
    assert sum(PATIENTS.values()) == 472 and min(PATIENTS, key=PATIENTS.get) == "clinic"
    assert PATIENTS["clinic"] == 12


def same(left, right):
    return (
        left.patient_id == right.patient_id
        and np.array_equal(left.slices, right.slices)
        and np.array_equal(left.tumour_mask, right.tumour_mask)
        and dict(left.traits) == dict(right.traits)
    )


def test_the_same_seed_gives_the_same_patients_whoever_else_is_asked_for(some):
    alone = simulate_hospitals(seed=3, patients={"clinic": 30})["clinic"]
    # A batch of another size may round otherwise in the last digit.
    again = simulate_hospitals(seed=3, patients={"clinic": 12})["clinic"]
    assert all(same(left, right) for left, right in zip(again, some["clinic"], strict=True))
    for longer, shorter in zip(alone, some["clinic"], strict=False):
        np.testing.assert_allclose(longer.slices, shorter.slices, atol=1e-4)
        assert dict(longer.traits) == dict(shorter.traits) and longer.patient_id == shorter.patient_id
    assert (longer.tumour_mask != shorter.tumour_mask).mean() < 1e-3


def test_another_seed_gives_other_patients_of_the_same_scanners(some):
    others = simulate_hospitals(seed=5, patients={"clinic": 12})["clinic"]
    pairs = list(zip(others, some["clinic"], strict=True))
    assert not any(np.allclose(left.slices, right.slices, atol=0.05) for left, right in pairs)
    darkest = [
        np.mean([patient.slices[:, :5, :5].mean() for patient in group]) for group in zip(*pairs, strict=True)
    ]
    assert darkest[0] == pytest.approx(darkest[1], rel=0.1)  # Two means of 2,400 pixels.


def test_each_hospital_has_its_rate_of_tumours_in_every_twelve():
    planned = simulate_hospitals(seed=6, patients=dict.fromkeys(PATIENTS, 24))
    for hospital, patients in planned.items():
        sick = [patient.has_tumour for patient in patients]
        assert sum(sick[:12]) == sum(sick[12:]) == TUMOURS_IN_TWELVE[hospital]
    assert len({tuple(p.has_tumour for p in patients[:12]) for patients in planned.values()}) > 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"patients": {"nowhere": 3}}, "no hospital"),
        ({"patients": {"clinic": -1}}, "must not be negative"),
        ({"seed": -1}, "must not be negative"),
    ],
)
def test_what_cannot_be_simulated_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        simulate_hospitals(**({"seed": 0} | given))


def test_a_hospital_without_patients_is_empty():
    assert simulate_hospitals(seed=0, patients={"clinic": 0})["clinic"] == ()


# The record


def a_patient(**changes):
    fields = {"slices": np.ones((2, 64, 64), np.float32), "tumour_mask": np.zeros((2, 64, 64), bool)}
    return Patient("p", "h", **(fields | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"slices": np.ones((2, 64, 63), np.float32)}, "must have shape"),
        ({"slices": np.ones((0, 64, 64), np.float32)}, "must have shape"),
        ({"slices": np.ones((2, 64, 64))}, "must be float32"),
        ({"slices": np.full((2, 64, 64), np.nan, np.float32)}, "not finite"),
        ({"tumour_mask": np.zeros((1, 64, 64), bool)}, "must be bool of shape"),
        ({"tumour_mask": np.zeros((2, 64, 64), np.uint8)}, "must be bool of shape"),
        ({"spacing": (8.0, 0.0, 3.0)}, "positive"),
        ({"spacing": (3.0, 3.0)}, "positive"),
    ],
)
def test_a_record_that_is_not_a_scan_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        a_patient(**changes)


def test_the_main_slice_is_where_the_tumour_is_largest():
    mask = np.zeros((5, 64, 64), bool)
    mask[1, 3, 3] = mask[3, 3:6, 3] = True
    fields = {"slices": np.ones((5, 64, 64), np.float32)}
    assert a_patient(**fields, tumour_mask=mask).main_slice == 3
    assert a_patient(**fields, tumour_mask=np.zeros_like(mask)).main_slice == 2


# The template and the fields


def test_the_template_is_read_at_the_millimetres_that_nilearn_gives_it():
    """Oracle: nilearn's own volume and affine, averaged over the eight voxels round the same place."""
    white = load_mni152_wm_template(resolution=1)
    inverse, values = np.linalg.inv(white.affine), np.asarray(white.dataobj)
    places = np.array(
        [[-27.5, -33.5, 26.5], [20.5, 30.5, 10.5], [50.5, 10.5, 20.5], [30.5, -61.5, 18.5], [0.5, -9.5, 28.5]]
    )
    offsets = np.stack(np.meshgrid(*[(-0.5, 0.5)] * 3), axis=-1).reshape(-1, 3)
    voxels = (places[:, None] + offsets) @ inverse[:3, :3].T + inverse[:3, 3]
    expected = map_coordinates(values, voxels.reshape(-1, 3).T, order=1).reshape(5, 8).mean(1)
    points = torch.from_numpy(places).float().view(1, 1, 1, 5, 3)
    read = sample_template(points)[0, TISSUES.index("white"), 0, 0]
    np.testing.assert_allclose(read, expected, atol=2e-3)
    assert expected.max() - expected.min() > 0.5, "the places are too alike to notice a shift"


def test_the_template_is_shares_of_tissue_and_the_same_left_and_right():
    shares = template_volumes()[:3]
    assert shares.min() >= 0 and shares.sum(0).max() < 1.01
    flipped = sample_template((torch.tensor([[20.0, -10, 20], [-20.0, -10, 20]])).view(1, 1, 1, 2, 3))
    np.testing.assert_allclose(flipped[..., 0], flipped[..., 1], atol=0.03)


@pytest.mark.parametrize("spacing_mm", [7.0, 45.0, 70.0])
def test_a_smooth_field_is_the_sum_of_its_bells_with_variance_one_everywhere(spacing_mm):
    """Oracle: the triple sum at a few pixels. Closed form: the variance is the sum of squared weights."""
    coefficients = draw_coefficients(np.random.default_rng(0), spacing_mm=spacing_mm)
    field = smooth_field(coefficients[None], spacing_mm=spacing_mm)[0, 0]
    for z, y, x in [(0, 0, 0), (3, 40, 21), (7, 63, 63)]:
        rows = [axis[place] for axis, place in zip(_bases(spacing_mm), (z, y, x), strict=True)]
        weights = torch.einsum("i,j,k->ijk", *rows)
        assert (weights**2).sum() == pytest.approx(1, abs=1e-5)
        assert field[z, y, x] == pytest.approx(float((weights * coefficients[0]).sum()), abs=1e-4)


# The pictures


def template_slices():
    """Oracle: nilearn's T1 template at our slices, one millimetre volume, trilinear."""
    t1 = load_mni152_template(resolution=1)
    z, y, x = np.meshgrid(SLICES_MM, ROWS_MM, COLUMNS_MM, indexing="ij")
    inverse = np.linalg.inv(t1.affine)
    voxels = np.stack([x, y, z]).reshape(3, -1).T @ inverse[:3, :3].T + inverse[:3, 3]
    return map_coordinates(t1.get_fdata(), voxels.T, order=1).reshape(x.shape)


def test_the_average_of_healthy_patients_looks_like_the_t1_template(many):
    healthy = np.mean([patient.slices for patient in many if not patient.has_tumour], axis=0)
    correlations = [
        np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]
        for ours, theirs in zip(healthy, template_slices(), strict=True)
    ]
    # The average patient is smaller than the template, and blurred by how people differ.
    assert min(correlations) > 0.85


def test_rows_run_from_front_to_back_and_slices_from_the_feet_up(many):
    healthy = np.mean([patient.slices for patient in many if not patient.has_tumour], axis=0)
    template = template_slices()
    right, upside_down, backwards = (
        np.corrcoef(healthy.ravel(), turned.ravel())[0, 1]
        for turned in (template, template[::-1], template[:, ::-1])
    )
    assert right > max(upside_down, backwards) + 0.02
    assert COLUMNS_MM[0] > 0 > COLUMNS_MM[-1], "the patient's right is on the left of the picture"


@pytest.mark.parametrize("hospital", list(SCANNERS))
def test_the_background_is_rician_noise(some, hospital):
    """Closed form: without signal a magnitude image is Rayleigh, mean s √(π/2), variance s² (2 − π/2)."""
    scanner = SCANNERS[hospital]
    corners = np.stack([patient.slices[:, :5, :5] for patient in some[hospital]])
    noise_std = scanner.noise_std * scanner.white * scanner.gain
    # 2,400 independent pixels: the relative standard errors are 1.1 % and 1.6 %.
    assert corners.mean() == pytest.approx(noise_std * np.sqrt(np.pi / 2), rel=0.06)
    assert corners.std() == pytest.approx(noise_std * np.sqrt(2 - np.pi / 2), rel=0.09)


def test_white_matter_is_brighter_than_grey_and_grey_than_fluid_on_every_scanner(some):
    for hospital, scanner in SCANNERS.items():
        assert 0 < scanner.fluid < scanner.grey < scanner.white < scanner.agent
        brightest = np.mean([np.quantile(patient.slices, 0.95) for patient in some[hospital]])
        assert brightest == pytest.approx(scanner.white * scanner.gain, rel=0.25)


def test_a_scanner_can_be_told_from_its_pictures(some):
    """The sites differ: brightness, noise and sharpness name the hospital far more often than 1 in 6."""

    def looks(patient):
        slices = patient.slices
        return [np.quantile(slices, 0.95), slices[:, :5].std(), np.abs(np.diff(slices, axis=2)).mean()]

    patients = [patient for group in some.values() for patient in group]
    features = StandardScaler().fit_transform(np.log([looks(patient) for patient in patients]))
    guesses = cross_val_predict(LogisticRegression(C=10), features, [p.hospital for p in patients], cv=6)
    assert np.mean(guesses == [patient.hospital for patient in patients]) > 0.4


# The tumours


def test_every_tumour_is_cut_by_a_slice():
    rng, sizes = np.random.default_rng(0), []
    for _ in range(20):
        tumours = [draw_tumour(rng, pose=pose) for pose in POSES]
        core, _, _ = grow(slice_points(), tumours)
        sizes += (core > 0.5).flatten(1).sum(1).tolist()
    assert len(sizes) == 400 and min(sizes) > 0


def test_tumours_are_of_each_kind_as_often_as_stated_and_of_a_size_that_people_have():
    rng = np.random.default_rng(1)
    tumours = [draw_tumour(rng, pose=POSES[number % 20]) for number in range(1000)]
    for kind, made_of in KINDS.items():
        share = np.mean([tumour.kind == kind for tumour in tumours])
        assert share == pytest.approx(made_of.share, abs=0.07)  # Over four standard errors of 0.016.
    radii = np.array([tumour.radius for tumour in tumours])
    assert radii.min() >= 8 and radii.max() <= 21 and 10 < np.median(radii) < 14


@pytest.mark.parametrize("push", [0.55, 0.9])
@pytest.mark.parametrize("radius", [8.0, 21.0])
def test_displaced_tissue_keeps_its_volume_nearby_does_not_fold_and_far_away_stays(push, radius):
    rng = np.random.default_rng(2)
    tumour = draw_tumour(rng, pose=POSES[0])
    tumour = type(tumour)(**(vars(tumour) | {"push": push, "radius": radius, "centre": (0.0, 0.0, 0.0)}))
    distance = torch.linspace(push * radius, 120, 600)
    points = torch.stack([distance, torch.zeros(600), torch.zeros(600)], dim=-1).view(1, 1, 600, 3)
    origin = make_room(points, [tumour])[0, 0, 0, :, 0]
    assert (origin.diff() > 0).all(), "tissue passed other tissue"
    assert (distance - origin)[-1] < 0.05
    room = (distance**3 - origin**3)[0] / (push * radius) ** 3
    assert 0.9 < room <= 1.0


def test_a_tumour_changes_nothing_far_away_and_the_same_head_lies_beneath(twins):
    for tumour, outline, shares, healthy in twins[:20]:
        changed = np.abs(shares - healthy).max(0) > 0.02
        assert changed[outline].mean() > 0.5
        z, y, x = np.meshgrid(SLICES_MM, ROWS_MM, COLUMNS_MM, indexing="ij")
        distance = np.linalg.norm(np.stack([x, y, z]).T - tumour.centre, axis=-1).T
        assert not changed[distance > 4 * tumour.radius + 60].any()


def test_a_tumour_pushes_the_brain_aside_near_it_and_not_far_away():
    """Mass effect: the same tumours that only replace tissue, beside those that also push it."""
    near, far = [], []
    for number in range(30):
        pushing = _draw(np.random.default_rng((9, number)), hospital="university", with_tumour=True)
        replacing = replace(pushing, tumour=replace(pushing.tumour, push=0.0))
        (moved, outline), (still, _) = (_look_inside([one]) for one in (pushing, replacing))
        change = (moved - still)[0, :3].abs().amax(0).numpy()
        distance = (slice_points() - torch.tensor(pushing.tumour.centre)).norm(dim=-1).numpy()
        head = still[0, :3].sum(0).numpy() > 0.5
        outside = head & ~outline[0].numpy()
        near.append(change[outside & (distance < 2.5 * pushing.tumour.radius)].mean())
        far.append(change[outside & (distance > 80)].mean())
    assert np.mean(near) > 0.012
    assert np.mean(near) > 10 * np.mean(far)


def test_a_ring_is_bright_round_a_dark_centre_and_the_other_kinds_are_dull(twins):
    scanner = SCANNERS["university"]
    bright = np.array([scanner.fluid, scanner.grey, scanner.white, scanner.agent])
    brightest, darkest = {kind: [] for kind in KINDS}, {kind: [] for kind in KINDS}
    for tumour, _, shares, _ in twins:
        core = grow(slice_points(), [tumour])[0][0].numpy() > 0.9
        if core.sum() > 40:
            signal = np.tensordot(bright, shares[:4], axes=1)[core]  # Without blur and noise.
            brightest[tumour.kind].append(np.quantile(signal, 0.95))
            darkest[tumour.kind].append(np.quantile(signal, 0.05))
    assert min(map(len, brightest.values())) >= 2
    assert np.min(brightest["ring"]) > scanner.grey + 0.2
    assert max(np.max(brightest["solid"]), np.max(brightest["cystic"])) < scanner.grey + 0.1
    assert np.mean(darkest["cystic"]) < np.mean(darkest["solid"]) - 0.05
    assert np.mean(darkest["ring"]) < np.mean(brightest["ring"]) - 0.4


# What must not give a tumour away


def test_the_height_of_a_slice_does_not_tell_whether_it_shows_tumour(many):
    labels = np.stack([patient.slice_labels for patient in many])
    heights = np.broadcast_to(np.arange(8), labels.shape)
    # About 210 tumours, each over a few neighbouring slices: the standard error is about 0.02.
    assert abs(auroc(heights.ravel(), labels.ravel()) - 0.5) < 0.07
    assert abs(auroc(np.abs(heights - 3.5).ravel(), labels.ravel()) - 0.5) < 0.07


def brightness(patient):
    """Everything that the grey levels of a patient say, without where they are."""
    slices = patient.slices / np.quantile(patient.slices, 0.95)
    return [*np.quantile(slices, [0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99]), slices.mean(), slices.std()]


def predicted(features, labels):
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
    return cross_val_predict(model, features, labels, cv=6, method="predict_proba")[:, 1]


def test_brightness_alone_hardly_tells_who_has_a_tumour(many):
    labels = np.array([patient.has_tumour for patient in many])
    features = np.array([brightness(patient) for patient in many])
    mean_alone = np.array([patient.slices.mean() for patient in many])
    assert abs(auroc(mean_alone, labels) - 0.5) < 0.15
    assert auroc(predicted(features, labels), labels) < 0.7


def test_at_the_same_height_brightness_alone_hardly_tells_which_slice_shows_tumour(many):
    """The same comparison a slice, each against slices at its own height."""
    aurocs = []
    for height in range(8):
        labels = [patient.slice_labels[height] for patient in many]
        means = [patient.slices[height].mean() / np.quantile(patient.slices, 0.95) for patient in many]
        aurocs.append(auroc(means, labels))
    assert abs(np.mean(aurocs) - 0.5) < 0.15


def test_age_and_sex_do_not_tell_who_has_a_tumour(many):
    labels = [patient.has_tumour for patient in many]
    # The standard error of each is 0.03.
    assert abs(auroc([patient.traits["age"] for patient in many], labels) - 0.5) < 0.12
    assert abs(auroc([patient.traits["sex"] == "male" for patient in many], labels) - 0.5) < 0.12


def test_matching_the_heights_of_simulated_slices_keeps_them_even(some):
    matched = match_heights(some, seed=0)
    for patients in matched.values():
        labels = np.concatenate([patient.slice_labels for patient in patients])
        assert labels.sum() * 2 == len(labels)


@pytest.mark.parametrize("height", [-300.0, 0.0, 300.0])
def test_a_tumour_finds_a_seat_at_any_height(height):
    pose = torch.eye(3, 4)
    x, y, z = _draw_seat(np.random.default_rng(0), height=height, pose=pose)
    places = deep_white_matter()
    away = np.abs(places[:, 2] - height)
    reachable = places[away <= max(1.0, away.min())]
    assert z == height
    assert np.isclose(reachable[:, :2], [x, y], atol=1e-4).all(axis=1).any()
