"""Membership inference: the scores, the rates that judge them, and an attack that works where it should."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from course.attacks import (
    auc,
    clopper_pearson,
    lira,
    loss_threshold_scores,
    non_members_needed,
    random_halves,
    roc_curve,
    tpr_at_fpr,
    train_many,
)
from course.data import load_adult
from course.data.census import census_features
from course.privacy import noise_for

# Intervals and sample sizes ---------------------------------------------------------------------


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (3, 10), (10, 10), (1, 1), (17, 2000)])
def test_clopper_pearson_equals_scipys_exact_interval(successes, trials):
    expected = stats.binomtest(successes, trials).proportion_ci(confidence_level=0.95, method="exact")
    got = clopper_pearson(successes, trials)
    assert (got.low, got.high) == pytest.approx((expected.low, expected.high))
    assert got.value == successes / trials


@pytest.mark.parametrize("true_share", [0.001, 0.01, 0.1, 0.5, 0.97])
def test_clopper_pearson_covers_the_true_share_often_enough_by_enumeration(true_share):
    intervals = [clopper_pearson(count, 40) for count in range(41)]
    held = [interval.low <= true_share <= interval.high for interval in intervals]
    assert stats.binom.pmf(np.arange(41), 40, true_share)[held].sum() >= 0.95


def test_the_rule_of_three():
    assert non_members_needed(0.01) == 299
    assert non_members_needed(0.001) == 2995


@given(st.floats(1e-4, 0.5), st.floats(0.5, 0.999))
@settings(deadline=None)
def test_so_many_non_members_are_needed_and_not_one_fewer(fpr, confidence):
    needed = non_members_needed(fpr, confidence=confidence)
    upper = [stats.beta.ppf(confidence, 1, count) for count in (needed, max(1, needed - 1))]
    assert upper[0] <= fpr * (1 + 1e-9)
    assert needed == 1 or upper[1] > fpr * (1 - 1e-9)


# ROC --------------------------------------------------------------------------------------------

SCORES = hnp.arrays(float, st.integers(2, 40), elements=st.integers(-3, 3).map(float))


@given(SCORES, st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_auc_equals_the_mann_whitney_statistic_with_ties_counted_half(scores, seed):
    is_member = np.random.default_rng(seed).permutation(np.arange(len(scores)) % 2 == 0)
    inside, outside = scores[is_member], scores[~is_member]
    pairs = (inside[:, None] > outside).mean() + (inside[:, None] == outside).mean() / 2
    assert auc(scores, is_member) == pytest.approx(pairs)
    fpr, tpr = roc_curve(scores, is_member)
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)
    assert (np.diff(fpr) >= 0).all() and (np.diff(tpr) >= 0).all()


def test_each_point_of_the_roc_is_a_threshold():
    scores = np.array([5.0, 4.0, 4.0, 3.0, 1.0])
    is_member = np.array([True, True, False, False, True])
    fpr, tpr = roc_curve(scores, is_member)
    assert fpr.tolist() == [0, 0, 0.5, 1, 1]
    assert tpr == pytest.approx([0, 1 / 3, 2 / 3, 2 / 3, 1])


def test_a_perfect_and_an_inverted_attack():
    is_member = np.arange(800) % 2 == 0
    perfect = np.where(is_member, 1.0, 0.0)
    assert auc(perfect, is_member) == 1 and auc(-perfect, is_member) == 0
    assert tpr_at_fpr(perfect, is_member, fpr=0.01).value == 1
    assert tpr_at_fpr(-perfect, is_member, fpr=0.01).value == 0
    # Certain scores are infinite; they are compared, not subtracted.
    assert auc(np.where(is_member, np.inf, -np.inf), is_member) == 1


# TPR at a small FPR -----------------------------------------------------------------------------


def slow_tpr(scores, is_member, fpr):
    """Try every threshold; the most members above one that accuses at most `fpr` of the others."""
    best = 0.0
    for threshold in [*np.unique(scores), np.inf, -np.inf]:
        accused = scores > threshold
        if accused[~is_member].sum() <= fpr * (~is_member).sum() + 1e-9:
            best = max(best, accused[is_member].mean())
    return best


@given(st.integers(0, 10_000), st.sampled_from([0.01, 0.013, 0.02, 0.1]), st.booleans())
@settings(deadline=None, max_examples=60)
def test_tpr_at_fpr_equals_a_search_over_all_thresholds(seed, fpr, ties):
    rng = np.random.default_rng(seed)
    is_member = rng.permutation(np.arange(720) < 360)
    scores = rng.normal(size=720) + 0.8 * is_member
    scores = np.round(scores, 1) if ties else scores
    rate = tpr_at_fpr(scores, is_member, fpr=fpr)
    assert rate.value == pytest.approx(slow_tpr(scores, is_member, fpr))
    assert 0 <= rate.low <= rate.value <= rate.high <= 1


def test_equal_scores_for_everybody_accuse_nobody():
    is_member = np.arange(800) % 2 == 0
    assert tpr_at_fpr(np.zeros(800), is_member, fpr=0.01).value == 0


def test_too_few_non_members_for_the_rate_is_an_error_that_says_how_many():
    is_member = np.arange(598) % 2 == 0
    scores = np.random.default_rng(0).normal(size=598)
    assert tpr_at_fpr(scores, is_member, fpr=0.01).value >= 0  # 299 are enough
    with pytest.raises(ValueError, match=r"299 non-members .* at least 2,995"):
        tpr_at_fpr(scores, is_member, fpr=0.001)


def test_several_targets_are_judged_together():
    rng = np.random.default_rng(0)
    is_member = rng.random((4, 500)) < 0.5
    scores = rng.normal(size=(4, 500)) + is_member
    assert tpr_at_fpr(scores, is_member, fpr=0.01) == tpr_at_fpr(scores.ravel(), is_member.ravel(), fpr=0.01)


def test_the_interval_holds_the_populations_rate_in_95_percent_of_experiments():
    # Scores N(1, 1) and N(0, 1): at a population rate of 2 % the true TPR is known.
    truth = stats.norm.sf(stats.norm.isf(0.02) - 1)
    held = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        scores = np.concatenate([rng.normal(size=500) + 1, rng.normal(size=500)])
        rate = tpr_at_fpr(scores, np.arange(1000) < 500, fpr=0.02)
        held += rate.low <= truth <= rate.high
    # Were the coverage 95 %, fewer than 361 of 400 would happen with probability 5e-5.
    assert held >= 361


def test_the_interval_splits_the_error_over_two_thresholds_and_two_exact_bounds():
    rng = np.random.default_rng(5)
    is_member = np.arange(2000) % 2 == 0
    scores = rng.normal(size=2000) + is_member
    inside, falling = scores[is_member], np.sort(scores[~is_member])[::-1]
    tail = 0.05 / 4
    # The population's threshold accuses Binomial(1000, 0.02) of these non-members: 97.5 % of the time
    # from `few` to `many`.
    cumulative = np.cumsum([stats.binom.pmf(k, 1000, 0.02) for k in range(100)])
    few, many = int(np.argmax(cumulative >= tail)), int(np.argmax(cumulative >= 1 - tail))
    strict, lax = (inside > falling[few - 1]).sum(), (inside >= falling[many]).sum()
    low = stats.binomtest(int(strict), 1000).proportion_ci(1 - 2 * tail, method="exact").low
    high = stats.binomtest(int(lax), 1000).proportion_ci(1 - 2 * tail, method="exact").high
    rate = tpr_at_fpr(scores, is_member, fpr=0.02)
    assert (rate.low, rate.high) == pytest.approx((low, high))
    assert few < 20 < many


@pytest.mark.parametrize(
    ("scores", "is_member", "complaint"),
    [
        (np.zeros(3), np.ones(4, bool), "shape"),
        (np.zeros(4), np.ones(4), "bool"),
        (np.array([0.0, np.nan]), np.array([True, False]), "NaN"),
        (np.zeros(4), np.ones(4, bool), "4 members and 0 non-members"),
    ],
)
def test_scores_that_cannot_be_judged_are_errors(scores, is_member, complaint):
    for judge in (auc, roc_curve, lambda *both: tpr_at_fpr(*both, fpr=0.1)):
        with pytest.raises(ValueError, match=complaint):
            judge(scores, is_member)


@pytest.mark.parametrize("value", [0, 1, -0.1, 1.5, float("nan")])
def test_rates_and_confidences_outside_zero_to_one_are_errors(value):
    is_member = np.arange(800) % 2 == 0
    for call in (
        lambda: non_members_needed(value),
        lambda: clopper_pearson(1, 2, confidence=value),
        lambda: tpr_at_fpr(np.zeros(800), is_member, fpr=value),
        lambda: tpr_at_fpr(np.zeros(800), is_member, fpr=0.1, confidence=value),
    ):
        with pytest.raises(ValueError, match="between 0 and 1"):
            call()
    with pytest.raises(ValueError, match="successes"):
        clopper_pearson(3, 2)


# Scores -----------------------------------------------------------------------------------------


def test_random_halves_are_exact_halves_and_each_record_is_in_about_half():
    member = random_halves(400, 101, rng=np.random.default_rng(0))
    assert member.shape == (400, 101) and member.dtype == bool
    assert (member.sum(axis=1) == 50).all()
    # 101 exact binomial tests at 1e-6 each.
    assert all(stats.binomtest(int(count), 400, 50 / 101).pvalue > 1e-6 for count in member.sum(axis=0))
    with pytest.raises(ValueError, match="0 models"):
        random_halves(0, 10, rng=np.random.default_rng(0))


def test_the_lower_loss_is_the_higher_score():
    assert loss_threshold_scores(np.array([0.1, 2.0])).tolist() == [-0.1, -2.0]


@pytest.fixture(scope="module")
def shadows():
    rng = np.random.default_rng(3)
    member = random_halves(20, 12, rng=rng)
    return rng.normal(size=(2, 12)), rng.normal(size=(20, 12)) + 2 * member, member


def test_lira_equals_the_ratio_of_two_gaussian_densities_record_by_record(shadows):
    target, scores, member = shadows
    for which in range(2):
        got = lira(target[which], scores, member)
        for record in range(12):
            inside, outside = scores[member[:, record], record], scores[~member[:, record], record]
            log_ratio = np.log(
                stats.norm(inside.mean(), inside.std(ddof=1)).pdf(target[which, record])
                / stats.norm(outside.mean(), outside.std(ddof=1)).pdf(target[which, record])
            )
            assert got[record] == pytest.approx(log_ratio)
    assert np.array_equal(lira(target, scores, member)[1], got)


def test_offline_lira_never_looks_at_models_that_had_the_record(shadows):
    target, scores, member = shadows
    got = lira(target, scores, member, offline=True)
    assert np.array_equal(got, lira(target, np.where(member, 1e9, scores), member, offline=True))
    outside = scores[~member[:, 4], 4]
    assert got[0, 4] == pytest.approx((target[0, 4] - outside.mean()) / outside.std(ddof=1))


def test_a_shared_variance_is_the_pooled_one(shadows):
    target, scores, member = shadows
    got = lira(target[0], scores, member, shared_variance=True)
    columns = [scores[~member[:, record], record] for record in range(12)]
    centred = np.concatenate([column - column.mean() for column in columns])
    out_std = np.sqrt((centred**2).sum() / (len(centred) - 12))
    offline = lira(target[0], scores, member, offline=True, shared_variance=True)
    assert offline == pytest.approx([(target[0, r] - columns[r].mean()) / out_std for r in range(12)])
    assert not np.allclose(got, lira(target[0], scores, member))


def test_shadows_that_all_agree_do_not_divide_by_zero():
    member = random_halves(20, 10, rng=np.random.default_rng(0))
    assert np.isfinite(lira(np.zeros(10), np.where(member, 1.0, 0.0), member)).all()


@pytest.mark.parametrize(
    ("target", "scores", "member", "complaint"),
    [
        (np.zeros(3), np.zeros((8, 4)), np.ones((8, 4), bool), "shadow_scores"),
        (np.zeros(4), np.zeros((8, 4)), np.ones((8, 4)), "bool"),
        (np.zeros(4), np.zeros((8, 4)), np.ones((7, 4), bool), "same shape"),
        (np.full(4, np.inf), np.zeros((8, 4)), np.arange(8)[:, None] % 2 == np.zeros(4), "not finite"),
        (np.zeros(4), np.zeros((8, 4)), np.ones((8, 4), bool), "0 shadow models without"),
        (np.zeros(4), np.zeros((8, 4)), np.arange(8)[:, None] == np.zeros(4), "1 shadow models with it"),
    ],
)
def test_shadows_that_cannot_serve_are_errors(target, scores, member, complaint):
    with pytest.raises(ValueError, match=complaint):
        lira(target, scores, member)


# The attack, on a model that leaks and on controls ---------------------------------------------


POOL, TARGETS, MODELS = 800, 8, 72


@pytest.fixture(scope="module")
def pool():
    census = census_features(load_adult().train.head(2 * POOL))
    return census.inputs, census.labels


def attacked(pool, rows, member, **training):
    """LiRA's and the loss threshold's scores on the first models, the rest being shadows."""
    inputs, labels = pool[0][rows], pool[1][rows]
    models = train_many(inputs, labels, member, hidden=64, seed=0, **training)
    logits = models.true_class_logits(inputs, labels)
    losses = models.losses(inputs, labels)[:TARGETS]
    return lira(logits[:TARGETS], logits[TARGETS:], member[TARGETS:]), loss_threshold_scores(losses)


LEAKY = {"batch_size": 64, "steps": 150, "learning_rate": 0.01}
SAFE = {"max_grad_norm": 1.0, "sample_rate": 0.16, "steps": 60, "learning_rate": 2.0}


@pytest.fixture(scope="module")
def leaky(pool):
    member = random_halves(MODELS, POOL, rng=np.random.default_rng(1))
    return member, *attacked(pool, slice(POOL), member, **LEAKY)


def test_lira_beats_the_loss_threshold_and_chance_on_a_model_that_overfits(leaky):
    member, by_lira, by_loss = leaky
    strong, weak = (tpr_at_fpr(scores, member[:TARGETS], fpr=0.01) for scores in (by_lira, by_loss))
    assert strong.low > 0.02 and strong.low > weak.high
    assert auc(by_lira, member[:TARGETS]) > 0.6


def test_lira_is_at_chance_about_people_who_were_never_in_the_pool(pool, leaky):
    # The coins of the safe control decide nothing: the targets are the same models, the people are others.
    member = leaky[0]
    inputs, labels = pool
    models = train_many(inputs[:POOL], labels[:POOL], member, hidden=64, seed=0, **LEAKY)
    logits = models.true_class_logits(inputs[POOL:], labels[POOL:])
    scores = lira(logits[:TARGETS], logits[TARGETS:], member[TARGETS:])
    rate = tpr_at_fpr(scores, member[:TARGETS], fpr=0.01)
    assert rate.low <= 0.01 <= rate.high
    assert abs(auc(scores, member[:TARGETS]) - 0.5) < 0.03


@pytest.mark.parametrize("epsilon", [0.3, 1.0])
def test_lira_is_at_chance_on_models_trained_privately(pool, leaky, epsilon):
    member = leaky[0]
    noise = noise_for(epsilon, delta=1e-5, sample_rate=0.16, steps=60, accountant="rdp")
    by_lira, _ = attacked(pool, slice(POOL), member, noise_multiplier=noise, **SAFE)
    rate = tpr_at_fpr(by_lira, member[:TARGETS], fpr=0.01)
    assert rate.low <= 0.01 <= rate.high
    assert abs(auc(by_lira, member[:TARGETS]) - 0.5) < 0.03


def test_clipping_alone_is_no_such_protection(pool, leaky):
    member = leaky[0]
    by_lira, _ = attacked(pool, slice(POOL), member, noise_multiplier=0.0, **SAFE)
    assert auc(by_lira, member[:TARGETS]) > 0.53
