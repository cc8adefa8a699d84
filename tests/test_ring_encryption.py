"""The teaching ring: slots, encryption, scale and modulus, a key in pieces, shared decryptions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from course.attacks.shared_decryption import key_from_decryptions
from course.crypto import PRIME
from course.crypto.joint_key import (
    encrypt_for_group,
    open_together,
    partial_decryption,
    public_share,
)
from course.crypto.ring_encryption import (
    DEGREE,
    RingCiphertext,
    add,
    decode,
    decrypt,
    encode,
    encrypt,
    multiply,
    new_secret,
    rescale,
    small_noise,
    times,
    uniform,
)

MODULUS, SCALE = 2**80, 2**24
SLOTS = DEGREE // 2
ALARM = 1e-6
"""False-alarm probability of one statistical test; there are three."""

numbers = st.lists(st.floats(-10, 10), min_size=SLOTS, max_size=SLOTS).map(np.array)


def hidden(values, secret, *, modulus=MODULUS, scale=SCALE):
    return encrypt(encode(values, scale=scale), secret, modulus=modulus, scale=scale)


def opened(ciphertext, secret):
    return decode(decrypt(ciphertext, secret), scale=ciphertext.scale)


def negacyclic_by_hand(left, right, modulus):
    degree, product = len(left), [0] * len(left)
    for i, x in enumerate(left):
        for j, y in enumerate(right):
            sign = 1 if i + j < degree else -1
            product[(i + j) % degree] += sign * x * y
    return [value % modulus for value in product]


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_products_agree_with_the_definition(data):
    coefficients = st.lists(st.integers(-(2**70), 2**70), min_size=8, max_size=8)
    left, right = (np.array(data.draw(coefficients), dtype=object) for _ in range(2))
    assert multiply(left, right, PRIME).tolist() == negacyclic_by_hand(left, right, PRIME)


@given(numbers)
@settings(max_examples=25, deadline=None)
def test_decoding_undoes_encoding_to_half_a_step_a_coefficient(values):
    # Each of the N coefficients is off by at most half a step.
    assert np.abs(decode(encode(values, scale=SCALE), scale=SCALE) - values).max() <= DEGREE / 2 / SCALE


@given(numbers, numbers)
@settings(max_examples=25, deadline=None)
def test_polynomial_products_are_slotwise_products(x, y):
    product = multiply(encode(x, scale=SCALE), encode(y, scale=SCALE), MODULUS)
    product = (product + MODULUS // 2) % MODULUS - MODULUS // 2
    assert np.abs(decode(product, scale=SCALE**2) - x * y).max() < 1e-3


def test_encrypted_sums_and_products_open_as_sums_and_products():
    rng = np.random.default_rng(0)
    secret, (x, y) = new_secret(), rng.normal(size=(2, SLOTS))
    left, right = hidden(x, secret), hidden(y, secret)
    product = times(left, right)
    assert np.abs(opened(add(left, right), secret) - x - y).max() < 1e-3
    assert np.abs(opened(product, secret) - x * y).max() < 1e-3
    assert product.scale == SCALE**2 and len(product.parts) == 3
    assert len(times(product, product).parts) == 5
    smaller = rescale(product, SCALE)
    assert (smaller.scale, smaller.modulus) == (SCALE, MODULUS // SCALE)
    assert np.abs(opened(smaller, secret) - x * y).max() < 1e-2


def test_a_modulus_below_the_scaled_number_opens_as_garbage():
    secret, values = new_secret(), np.full(SLOTS, 3.0)
    assert np.abs(opened(hidden(values, secret, modulus=2**27), secret) - 3).max() < 1e-3
    assert np.abs(opened(hidden(values, secret, modulus=2**26), secret) - 3).max() > 1


def test_another_key_opens_garbage():
    ciphertext = hidden(np.ones(SLOTS), new_secret())
    assert np.abs(opened(ciphertext, new_secret())).max() > 1e6


def test_both_parts_look_uniform_whatever_the_message():
    secret = new_secret()
    for value in (0.0, 5.0):
        drawn = np.concatenate(
            [np.concatenate(hidden([value] * SLOTS, secret, modulus=2**32).parts) for _ in range(60)]
        )
        counts = np.bincount((drawn >> 28).astype(int), minlength=16)
        assert stats.chisquare(counts).pvalue > ALARM


def test_noise_is_small_centred_and_has_the_variance_of_its_coins():
    noise = np.concatenate([small_noise() for _ in range(200)]).astype(float)
    assert np.abs(noise).max() <= 21
    # The mean of n draws is normal with variance 10.5 / n.
    assert abs(noise.mean()) < stats.norm.isf(ALARM / 2) * (10.5 / len(noise)) ** 0.5
    assert abs(noise.var() - 10.5) < 1.0


def test_what_does_not_fit_together_is_refused():
    secret = new_secret()
    fresh, other = hidden(np.ones(4), secret), hidden(np.ones(4), secret, scale=2**20)
    with pytest.raises(ValueError, match="all three must be equal"):
        add(fresh, other)
    with pytest.raises(ValueError, match="equal to multiply"):
        times(fresh, rescale(fresh, SCALE))
    for factor in (1, 3, MODULUS):
        with pytest.raises(ValueError, match="must divide"):
            rescale(fresh, factor)
    with pytest.raises(ValueError, match="fit into the slots"):
        encode(np.ones(SLOTS + 1), scale=SCALE)
    with pytest.raises(ValueError, match="fit into the slots"):
        encode([np.nan], scale=SCALE)


class Group:
    """Three members with a secret each, and the key that they published together."""

    scale = 2.0**30

    def __init__(self):
        self.secrets, self.common = [new_secret() for _ in range(3)], uniform(MODULUS)
        self.joint = sum(public_share(self.common, s, MODULUS) for s in self.secrets) % MODULUS

    def hide(self, values):
        message = encode(values, scale=self.scale)
        return encrypt_for_group(message, self.joint, self.common, modulus=MODULUS, scale=self.scale)


def test_all_members_together_open_the_sum_and_two_of_three_do_not():
    group, values = Group(), np.random.default_rng(1).normal(size=(3, SLOTS))
    first, *others = [group.hide(row) for row in values]
    total = first
    for other in others:
        total = add(total, other)
    partials = [partial_decryption(total, secret) for secret in group.secrets]
    together = decode(open_together(total, partials), scale=group.scale)
    assert np.abs(together - values.sum(axis=0)).max() < 1e-2
    for left_out in range(3):
        some = [p for i, p in enumerate(partials) if i != left_out]
        assert np.abs(decode(open_together(total, some), scale=group.scale)).max() > 1e6


def test_a_partial_decryption_is_fresh_each_time_and_needs_two_parts():
    group = Group()
    ciphertext = group.hide(np.ones(SLOTS))
    once, again = (partial_decryption(ciphertext, group.secrets[0]) for _ in range(2))
    assert (once != again).mean() > 0.9
    with pytest.raises(ValueError, match="needs two"):
        partial_decryption(times(ciphertext, ciphertext), group.secrets[0])


def test_three_shared_decryptions_give_the_secret_key():
    rng, secret = np.random.default_rng(2), new_secret()
    ciphertexts = [hidden(rng.normal(size=SLOTS), secret, modulus=PRIME) for _ in range(3)]
    shared = [opened(ciphertext, secret) for ciphertext in ciphertexts]
    assert (key_from_decryptions(ciphertexts, shared) == secret).all()


def test_noise_added_before_sharing_stops_that_attack():
    rng, secret = np.random.default_rng(3), new_secret()
    ciphertexts = [hidden(rng.normal(size=SLOTS), secret, modulus=PRIME) for _ in range(3)]
    shared = [opened(c, secret) + rng.normal(scale=0.01, size=SLOTS) for c in ciphertexts]
    found = key_from_decryptions(ciphertexts, shared)
    # A wrong solution is uniform modulo 2^61 − 1, so it is rarely in −1, 0, 1.
    assert (found == secret).mean() < 0.05


def test_the_attack_on_shared_decryptions_refuses_what_it_cannot_solve():
    secret = new_secret()
    ciphertexts = [hidden(np.ones(SLOTS), secret, modulus=PRIME) for _ in range(2)]
    shared = [opened(c, secret) for c in ciphertexts]
    with pytest.raises(ValueError, match="do not determine"):
        key_from_decryptions(ciphertexts, shared)
    even = RingCiphertext(ciphertexts[0].parts, 2**60, SCALE)
    with pytest.raises(ValueError, match="odd prime"):
        key_from_decryptions([even], shared[:1])
