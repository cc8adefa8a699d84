"""Each shortcut of secure aggregation falls to its attack, and the protocol does not."""

import numpy as np
import pytest
from scipy import stats

from course.attacks.weak_aggregation import (
    LateInput,
    ask_for_both,
    ask_for_the_other,
    difference_of_sums,
    fold_seed,
    guess_folded_seed,
    play_until,
    real_cohort,
    take_off_pairwise_masks,
    tell_two_stories,
    withhold_input,
)
from course.crypto import ProtocolViolation, Stage, secure_sum
from course.crypto.keys import agree, agreement_keypair
from course.crypto.masks import MODULUS, expand, pairwise_mask, self_mask
from course.federated.private_sum import private_sum
from course.privacy.distributed_gaussian import NoiseShares

IDS = (3, 20, 77, 300, 4000)
VICTIM, OTHER = 77, 20
LENGTH = 800
FALSE_ALARM = 1e-9


def pictures(seed=0, length=LENGTH):
    rng = np.random.default_rng(seed)
    return {i: rng.integers(0, 256, length) for i in IDS}


def looks_uniform(values):
    """Whether the eighths of the ring are hit evenly; a uniform vector fails once in 10^9."""
    counts = np.bincount(values.astype(np.int64) * 8 // MODULUS, minlength=8)
    return stats.chisquare(counts).pvalue > FALSE_ALARM


# 1 ----------------------------------------------------------------------------------------------------


def late_without_self_mask(vector):
    """The shortcut: pairwise masks only, and the masking key given away because the input was late."""
    keys = {i: agreement_keypair() for i in IDS}
    masked = vector.astype(np.uint32)
    for i in set(IDS) - {VICTIM}:
        secret = agree(keys[VICTIM].private, keys[i].public)
        masked = masked + pairwise_mask(
            secret, VICTIM, i, session=bytes(32), length=len(vector), modulus=MODULUS
        )
    publics = {i: keys[i].public for i in IDS if i != VICTIM}
    return LateInput(masked, keys[VICTIM].private, publics, bytes(32), masked)


def test_without_a_self_mask_a_late_input_is_read():
    vector = pictures()[VICTIM]
    late = late_without_self_mask(vector)
    assert looks_uniform(late.masked)
    assert (take_off_pairwise_masks(late, VICTIM) == vector).all()


def test_with_its_self_mask_a_late_input_stays_uniform_while_the_others_sum_is_right():
    vectors = pictures()
    cohort = real_cohort(vectors, threshold=3)
    late = withhold_input(cohort, VICTIM)
    left = take_off_pairwise_masks(late, VICTIM)
    assert (late.total == sum(vectors[i] for i in IDS if i != VICTIM)).all()
    # The attack did take every pairwise mask off: with the seed that nobody gives away, the vector is there.
    own = self_mask(
        cohort.clients[VICTIM]._seed, VICTIM, session=late.session, length=len(left), modulus=MODULUS
    )
    assert (left - own == vectors[VICTIM]).all()
    assert looks_uniform(left) and not (left == vectors[VICTIM]).any()
    assert not looks_uniform(vectors[VICTIM].astype(np.uint32))


# 2 ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        (ask_for_both, "both kinds of share of client 77"),
        (ask_for_the_other, "client 77 survived; of it, only the SELF_MASK_SEED"),
    ],
)
def test_a_request_for_more_than_is_due_is_refused_by_every_client(lie, words):
    cohort = real_cohort(pictures(length=4), threshold=3)
    requests = play_until(cohort, Stage.UNMASK)
    for client_id, client in cohort.clients.items():
        with pytest.raises(ProtocolViolation, match=words):
            client.respond(lie(requests[client_id], VICTIM))


@pytest.mark.parametrize("told_dropped", [(3,), (3, 20), (3, 20, 300), (3, 20, 300, 4000)])
def test_of_two_stories_at_most_one_is_believed(told_dropped):
    cohort = real_cohort(pictures(length=4), threshold=3)
    answers = {True: 0, False: 0}
    for client_id, request in tell_two_stories(cohort, VICTIM, told_dropped=told_dropped).items():
        try:
            cohort.clients[client_id].respond(request)
            answers[client_id in told_dropped] += 1
        except ProtocolViolation as error:
            assert "the list of signatures has" in str(error)
    assert min(answers.values()) == 0
    # Five clients, so one of the groups has three and its story is believed: the other's must not be.
    assert max(answers.values()) == max(len(told_dropped), 5 - len(told_dropped)) >= 3


def test_one_story_for_all_is_believed():
    cohort = real_cohort(pictures(length=4), threshold=3)
    for client_id, request in tell_two_stories(cohort, VICTIM, told_dropped=()).items():
        assert cohort.clients[client_id].respond(request)


# 3 ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [1, -1])
def test_a_folded_seed_is_found_by_trying_all(sign):
    vector = pictures()[VICTIM].astype(np.uint32)
    seed = fold_seed(bytes(range(100, 132)), bits=10)
    mask = expand(seed, LENGTH, modulus=MODULUS)
    masked = vector + mask if sign == 1 else vector - mask
    found = guess_folded_seed(masked, bits=10, largest=255, sign=sign)
    assert found == seed
    assert guess_folded_seed(masked, bits=10, largest=255, sign=-sign) is None


def test_a_whole_seed_is_not_found():
    vector = pictures()[VICTIM].astype(np.uint32)
    masked = vector + expand(bytes(range(32)), LENGTH, modulus=MODULUS)
    assert guess_folded_seed(masked, bits=12, largest=255) is None


def test_folding_is_the_exclusive_or_of_words_as_in_flower():
    from flwr.common.secure_aggregation.secaggplus_utils import pseudo_rand_gen

    one, same, other = bytes(range(32)), bytes(range(32))[::-1], bytes(31) + b"\1"
    swapped = one[4:8] + one[:4] + one[8:]
    masks = [pseudo_rand_gen(seed, 2**24, [(50,)])[0].tolist() for seed in (one, swapped, other)]
    assert masks[0] == masks[1] != masks[2]
    assert fold_seed(one, bits=32) == fold_seed(swapped, bits=32) != fold_seed(other, bits=32)
    assert fold_seed(same, bits=16) == fold_seed(same, bits=32)[:2] + bytes(30)


def test_a_vector_that_cannot_tell_a_seed_is_refused():
    with pytest.raises(ValueError, match="are too few to tell a seed of 16 bits"):
        guess_folded_seed(np.zeros(2, dtype=np.uint32), bits=16, largest=255)
    with pytest.raises(ValueError, match="are too few"):
        guess_folded_seed(np.zeros(900, dtype=np.uint32), bits=16, largest=MODULUS - 1)
    for bits in (0, 33, 1.0):
        with pytest.raises(ValueError, match="bits must be"):
            fold_seed(bytes(32), bits=bits)


# 4 ----------------------------------------------------------------------------------------------------


def test_two_secure_sums_give_one_client_away():
    vectors = pictures(length=20)
    everyone = secure_sum(vectors, threshold=3).total
    without = secure_sum({i: v for i, v in vectors.items() if i != VICTIM}, threshold=3).total
    assert (difference_of_sums(everyone, without) == vectors[VICTIM]).all()
    with pytest.raises(ValueError, match="unsigned"):
        difference_of_sums(everyone, without.astype(np.int64))


def test_two_private_sums_do_not():
    vectors = {i: vector / 255 for i, vector in pictures().items()}
    norm = float(np.linalg.norm(vectors[VICTIM]))
    shares = NoiseShares(max_update_norm=norm, noise_multiplier=5.0, planned_shares=3)
    generators = {i: np.random.default_rng([8, i]) for i in IDS}
    everyone = private_sum(vectors, shares=shares, threshold=3, generators=generators).total
    others = {i: v for i, v in vectors.items() if i != VICTIM}
    without = private_sum(others, shares=shares, threshold=3, generators=generators).total
    # Noise 7 times as large as the vector, spread over 800 entries; |r| > 0.25 once in 10^11 seeds.
    assert abs(np.corrcoef(everyone - without, vectors[VICTIM])[0, 1]) < 0.25
