"""Encrypted averages: as exact as stated, no secret on the server, and no insecure parameters."""

import re
import subprocess
import sys

import numpy as np
import pytest
import tenseal
import tenseal.sealapi as seal
from hypothesis import given, settings
from hypothesis import strategies as st

from course.crypto import CkksAverager
from course.crypto.ckks_parameters import (
    AVERAGING,
    LARGEST_MODULUS_BITS,
    MATCHING,
    TEXTBOOK,
    CkksParameters,
    InsecureParameters,
)
from course.crypto.homomorphic import (
    AveragingServer,
    Encryptor,
    KeyHolder,
    PublicKey,
    num_bytes,
)

LARGEST_ERROR = 1e-4


@pytest.fixture(scope="module")
def holder():
    return KeyHolder()


@pytest.fixture(scope="module")
def public(holder):
    return holder.public


def test_the_security_table_is_the_one_that_seal_enforces():
    level = seal.SEC_LEVEL_TYPE.TC128
    assert {n: seal.CoeffModulus.MaxBitCount(n, level) for n in LARGEST_MODULUS_BITS} == LARGEST_MODULUS_BITS


@pytest.mark.parametrize(
    ("degree", "bits"), [(4096, (40, 30, 40)), (2048, (28, 27)), (8192, (60, 40, 40, 40, 60))]
)
def test_parameters_below_128_bits_are_refused_with_what_is_given_and_allowed(degree, bits):
    sentence = (
        rf"{sum(bits)} bits.*degree {degree}.*less than 128.*allows {LARGEST_MODULUS_BITS[degree]} bits"
    )
    with pytest.raises(InsecureParameters, match=sentence):
        CkksParameters(degree, bits, bits[1])


def test_the_refusal_names_a_degree_that_is_accepted():
    with pytest.raises(InsecureParameters) as refused:
        CkksParameters(4096, (60, 40, 40, 60), 40)
    degree = int(re.search(r"take degree (\d+)", str(refused.value))[1])
    assert CkksParameters(degree, (60, 40, 40, 60), 40).ring_degree == 8192
    with pytest.raises(InsecureParameters, match="no ring allows so many"):
        CkksParameters(32768, (60,) * 15, 60)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((4000, (40, 40), 30), "ring degree 4000"),
        ((4096, (40,), 30), "at least two"),
        ((4096, (61, 40), 30), "20 to 60 bits"),
        ((4096, (36, 35, 37), 34), "must be equal"),
        ((4096, (40, 40), 39), "it may have 1 to 38"),
    ],
)
def test_other_unusable_parameters_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence) as refused:
        CkksParameters(*arguments)
    assert not isinstance(refused.value, InsecureParameters)


def test_a_middle_prime_of_another_size_than_the_scale_would_be_silently_wrong():
    # Why such parameters are refused: TenSEAL itself computes with them, and a product is off by half.
    context = tenseal.context(tenseal.SCHEME_TYPE.CKKS, 4096, coeff_mod_bit_sizes=[36, 35, 37])
    context.global_scale = 2.0**34
    product = tenseal.ckks_vector(context, [1.0]) * [1.0]
    assert abs(product.decrypt()[0] - 0.5) < 0.01


@pytest.mark.parametrize("parameters", [AVERAGING, MATCHING, TEXTBOOK], ids=lambda p: str(p.modulus_bits))
def test_depth_is_how_many_products_there_are_and_the_next_is_an_error(parameters):
    context = tenseal.context(
        tenseal.SCHEME_TYPE.CKKS, parameters.ring_degree, coeff_mod_bit_sizes=list(parameters.modulus_bits)
    )
    context.global_scale = 2.0**parameters.scale_bits
    vector, factor = (tenseal.ckks_vector(context, [x]) for x in (0.9, 0.8))
    for _ in range(parameters.depth):
        vector = vector * factor
    assert abs(vector.decrypt()[0] - 0.9 * 0.8**parameters.depth) < LARGEST_ERROR
    with pytest.raises(ValueError, match="scale out of bounds"):
        vector * factor


@pytest.mark.parametrize("length", [1, 2048, 2049, 10_000])
@pytest.mark.parametrize("seed", range(3))
def test_the_mean_is_within_the_stated_error_of_the_plaintext_one(length, seed):
    rng = np.random.default_rng(seed)
    vectors, counts = rng.uniform(-1, 1, size=(5, length)), rng.integers(100, 1_000, size=5)
    averaged = CkksAverager(count_unit=1_000).average(vectors, counts)
    assert averaged.mean.shape == (length,)
    assert np.abs(averaged.mean - np.average(vectors, axis=0, weights=counts)).max() <= LARGEST_ERROR
    assert abs(averaged.total_weight - counts.sum()) < 0.1


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=20))
@settings(max_examples=15, deadline=None)
def test_the_key_holder_opens_what_was_encrypted(values):
    holder = _shared_holder()
    message = Encryptor(holder.public).encrypt(values)
    assert np.abs(holder.decrypt(message, len(values)) - values).max() <= LARGEST_ERROR


_HOLDERS = []


def _shared_holder():
    # Hypothesis runs a test many times, and making keys each time would only cost time.
    if not _HOLDERS:
        _HOLDERS.append(KeyHolder())
    return _HOLDERS[0]


def test_a_float_takes_about_thirty_bytes_and_the_textbook_set_takes_eighty():
    for parameters, low, high in ((AVERAGING, 28, 32), (TEXTBOOK, 76, 86)):
        message = Encryptor(KeyHolder(parameters).public).encrypt(np.full(parameters.slots, 0.5))
        assert low < num_bytes(message) / parameters.slots < high


def test_nobody_but_the_key_holder_can_open(holder, public):
    message = Encryptor(public).encrypt([1.0, 2.0])
    context = tenseal.context_from(public.context)
    assert not context.has_secret_key()
    with pytest.raises(ValueError, match="secret_key"):
        tenseal.ckks_vector_from(context, message[0]).decrypt()
    with pytest.raises(ValueError, match="holds the secret key"):
        PublicKey(AVERAGING, holder.secret)
    with pytest.raises(ValueError, match="hold no secret key"):
        KeyHolder.from_secret(AVERAGING, public.context)


def test_two_encryptions_of_one_vector_differ(public):
    client = Encryptor(public)
    assert client.encrypt([1.0])[0] != client.encrypt([1.0])[0]


def test_a_shared_secret_key_opens_every_clients_message(holder, public):
    # The reason why nobody who sees messages may hold the key.
    colluding = KeyHolder.from_secret(AVERAGING, holder.secret)
    message = Encryptor(public).encrypt([41.0, 52.5])
    assert np.abs(colluding.decrypt(message, 2) - [41, 52.5]).max() < LARGEST_ERROR


def test_another_groups_key_opens_noise(public):
    message = Encryptor(public).encrypt(np.full(100, 0.5))
    assert np.abs(KeyHolder().decrypt(message, 100)).max() > 1


def test_sums_above_the_largest_value_wrap_around_in_silence(holder, public):
    client, server = Encryptor(public), AveragingServer(public)
    value = AVERAGING.largest_value * 0.9
    total = holder.decrypt(server.add([client.encrypt([value])] * 3), 1)[0]
    assert abs(total - 3 * value) > 1_000


def test_the_averager_refuses_what_might_wrap_and_takes_it_with_a_larger_unit():
    vectors, counts = [[0.9, -0.9]] * 4, [3_000] * 4
    with pytest.raises(ValueError, match="raise count_unit"):
        CkksAverager().average(vectors, counts)
    averaged = CkksAverager(count_unit=3_000).average(vectors, counts)
    assert np.abs(averaged.mean - [0.9, -0.9]).max() < LARGEST_ERROR


def test_parsing_anything_gives_a_value_error(holder, public):
    rng, client, server = np.random.default_rng(4), Encryptor(public), AveragingServer(public)
    good = client.encrypt(np.ones(5))
    bad = [b"", b"abc", good[0][:100], good[0][:-5], bytes(1_000), rng.bytes(1_000)]
    for ciphertext in bad:
        with pytest.raises(ValueError):
            server.add([good, (ciphertext,)])
        with pytest.raises(ValueError):
            holder.decrypt((ciphertext,), 5)


def test_a_flipped_bit_is_a_value_error_or_goes_unnoticed_but_nothing_else(holder, public):
    # Both occur, so the integrity of messages must come from elsewhere (TLS, signatures).
    rng, client, server = np.random.default_rng(5), Encryptor(public), AveragingServer(public)
    good = client.encrypt(np.ones(5))
    outcomes = set()
    for place in [*range(80), *rng.integers(80, len(good[0]), size=80)]:
        flipped = bytearray(good[0])
        flipped[place] ^= 1 << int(rng.integers(8))
        try:
            opened = holder.decrypt(server.add([good, (bytes(flipped),)]), 5)
            outcomes.add("right" if np.abs(opened - 2).max() < LARGEST_ERROR else "wrong")
        except ValueError:
            outcomes.add("refused")
    assert {"wrong", "refused"} <= outcomes


def test_messages_that_do_not_fit_are_refused(holder, public):
    client, server = Encryptor(public), AveragingServer(public)
    with pytest.raises(ValueError, match="need one length"):
        server.add([client.encrypt(np.ones(10)), client.encrypt(np.ones(3_000))])
    with pytest.raises(ValueError, match="expected one of 10 slots"):
        server.add([client.encrypt(np.ones(10)), client.encrypt(np.ones(11))])
    with pytest.raises(ValueError, match="need one length"):
        server.add([])
    with pytest.raises(ValueError, match="3000 numbers need 2"):
        holder.decrypt(client.encrypt(np.ones(10)), 3_000)


@pytest.mark.parametrize("vector", [[], [np.nan], [np.inf], [[1.0]], [1e9]], ids=str)
def test_vectors_that_cannot_be_encrypted_are_refused(public, vector):
    with pytest.raises(ValueError, match=r"finite numbers|hold sizes below"):
        Encryptor(public).encrypt(vector)


@pytest.mark.parametrize("counts", [[], [1, 0], [1, -2], [1], [1, float("nan")]], ids=str)
def test_counts_must_be_positive_and_one_a_vector(counts):
    with pytest.raises(ValueError, match="positive count"):
        CkksAverager().average([[1.0], [2.0]], counts)


WITHOUT_TENSEAL = """
import sys
sys.modules["tenseal"] = None  # From here on `import tenseal` fails, as on a machine without it.
import course.attacks, course.crypto, course.federated
from course.attacks.biometric import equal_error_rate
from course.crypto.encrypted_matching import matching_roles
from course.exercises.exercise import exercises_of
assert course.crypto.secure_sum({1: [1], 2: [2], 3: [3]}, threshold=2, modulus=2**16).total.tolist() == [6]
for lesson in ("07", "08", "09"):
    for exercise in exercises_of(lesson).values():
        exercise.verify(exercise.reference)
for make in (course.crypto.CkksAverager, lambda: matching_roles([[1.0, 0.0]], threshold=0.5)):
    try:
        make()
    except ImportError as error:
        print(error)
"""


def test_without_tenseal_all_but_the_encryption_works_and_that_says_what_to_do():
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSEAL], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr[-2_000:]
    first, second = run.stdout.splitlines()
    assert first == second and "needs TenSEAL" in first and "pip install tenseal" in first


def test_importing_the_room_of_cryptography_does_not_import_tenseal():
    code = "import sys, course.crypto, course.attacks; sys.exit('tenseal' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120, check=False).returncode == 0


def test_a_long_vector_prints_no_warning(public, capfd):
    Encryptor(public).encrypt(np.ones(5_000))
    assert capfd.readouterr() == ("", "")
