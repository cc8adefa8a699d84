# %% [markdown]
# # Can a server compute on what it cannot read?
#
# Lessons 07 and 08 hid numbers by splitting or masking them, and several people had to talk. With *homomorphic
# encryption* one server adds and multiplies alone, on ciphertexts, and never holds a key. In this lesson you build
# such a scheme, average models with the tool that professionals use, and run a log-in on encrypted (simulated) faces.
#
# You will
# - hide 32 numbers in one polynomial, and see scale, modulus and depth run out,
# - average the models of ten clients encrypted, and find out whose key opens what, and
# - log in by an encrypted face against 1,000 templates, then get in without breaking the encryption.
#
# *About 120 minutes of your time; 20 s and 850 MiB on one core. You need: lesson 01 for the averaging, and the
# remainder `%` of lesson 07.*

# %% [markdown]
# > - **Who attacks?** The *server* that computes: it follows the protocol and looks (*honest but curious*). Later a
# >   client, or somebody at the log-in, who does not follow it.
# > - **What do they see?** The server: the public key and every ciphertext.
# > - **What do they want?** One client's model; one person's template; to be let in as somebody else.
# > - **Whom do we trust?** The *key holder*, and not to talk to the server. Watch how much hangs on this one line.

# %% tags=["setup"]
import math
import time

import matplotlib.pyplot as plt
import numpy as np
import tenseal
from torch.nn.utils import vector_to_parameters

from course.attacks.biometric import (
    equal_error_rate,
    false_rates,
    invert_templates,
    rerandomise,
    template_from_answers,
    threshold_for,
)
from course.attacks.shared_decryption import key_from_decryptions
from course.crypto import PRIME, CkksAverager, ProtocolViolation, secure_sum
from course.crypto.ckks_parameters import (
    AVERAGING,
    LARGEST_MODULUS_BITS,
    MATCHING,
    TEXTBOOK,
    CkksParameters,
    InsecureParameters,
)
from course.crypto.encrypted_matching import matching_roles
from course.crypto.fresh_probes import Challenges, sign_probe
from course.crypto.homomorphic import AveragingServer, Encryptor, KeyHolder, num_bytes
from course.crypto.joint_key import (
    encrypt_for_group,
    open_together,
    partial_decryption,
    public_share,
)
from course.crypto.keys import signing_keypair
from course.crypto.ring_encryption import (
    RingCiphertext,
    add,
    decode,
    decrypt,
    encode,
    multiply,
    new_secret,
    small_noise,
    times,
    uniform,
)
from course.data import load_mnist, partition_iid
from course.data.embeddings import simulate_embeddings
from course.exercises import begin, check, claim, hint, quiz, right
from course.federated import (
    accuracy,
    as_examples,
    client_generator,
    fedavg,
    flatten,
    train_client,
    two_nn,
    weights_of,
)
from course.figures import (
    plot_false_rates,
    plot_prices,
    plot_rebuilt,
    plot_room,
    plot_rows_of_digits,
    present,
)

begin("09")

# %% [markdown]
# ## Hide a polynomial
#
# Our numbers sit in a polynomial of 64 integer coefficients, modulo q and modulo X^64 + 1, so X^64 is −1. The secret
# key s is another one, with coefficients −1, 0 and 1. To encrypt a message m, draw a uniform polynomial a and send
# **b = m + e − a · s** together with a, where e is *small noise*; whoever has s computes b + a · s and gets m + e.

# %% [markdown]
# Without the noise, b and a would be linear equations in s, and one known message would give the key away.
# With it, telling b and a from two uniform polynomials is the **ring-LWE** problem, believed hard even for quantum
# computers if the ring is large. Ours, with 64 coefficients, is to learn from, not to deploy.
#
# The check judges *secrecy*: a fresh and uniform, noise present and fresh.


# %% tags=["exercise"]
def encrypt(message, secret, modulus):
    """Hide a polynomial under the secret key.

    Args: message, secret: arrays of 64 integers; modulus, q.
    Returns: the pair b, a: arrays of 64 integers in 0 … q − 1, with b + a · secret = message + noise modulo q.
    You have: uniform(modulus), small_noise(), and multiply(left, right, modulus), the product in the ring.
    """
    ### BEGIN SOLUTION
    a = uniform(modulus)
    b = message + small_noise() - multiply(a, secret, modulus)
    return b % modulus, a
    ### END SOLUTION


# %% tags=["check"]
encrypt = check("09.1", encrypt)  # stuck? hint("09.1")

# %% [markdown]
# How do numbers become a polynomial? **CKKS** (Cheon, Kim, Kim and Song 2017) takes the polynomial whose values at 32
# complex points are the 32 numbers, times a **scale** Δ, rounded to integers. The 32 places are called **slots**.
# `encode` and `decode` do that; the modulus has 80 bits, the scale 24.

# %%
MODULUS, SCALE = 2**80, 2**24


def sealed(values, secret, modulus=MODULUS, scale=SCALE):
    """Encode and encrypt, with your function."""
    b, a = encrypt(encode(values, scale=scale), secret, modulus)
    return RingCiphertext(
        (np.array(b, dtype=object), np.array(a, dtype=object)), modulus, scale
    )


def opened(ciphertext, secret):
    """Decrypt and decode: 32 numbers."""
    return decode(decrypt(ciphertext, secret), scale=ciphertext.scale)


# %% [markdown]
# Two clients each hold 32 numbers. The server adds their ciphertexts: b to b, and a to a.
#
# **Predict**: is the opened sum exact?

# %%
rng = np.random.default_rng(0)
secret = new_secret()
ada, bo = rng.uniform(-1, 1, size=(2, 32))
sum_of_two = add(sealed(ada, secret), sealed(bo, secret))
error = np.abs(opened(sum_of_two, secret) - (ada + bo)).max()
with_another_key = np.abs(opened(sum_of_two, new_secret())).max()
print("b begins", *sum_of_two.parts[0][:2])
claim("The sum opens, to four digits after the point", error < 5e-5)
claim("But it is not exact: the noise is still in it", error > 0)
claim("Another key opens nonsense", with_another_key > 1e6)

# %% [markdown]
# The noise e stays in the last digits for ever: CKKS computes *approximately*, like floating point. Remember that
# the opened number carries the noise; it comes back to bite. Now multiply.
#
# **Predict**: the product of two polynomials is a convolution of 64 coefficients. What does it do to the slots?

# %%
in_the_clear = multiply(encode(ada, scale=SCALE), encode(bo, scale=SCALE), MODULUS)
centred = (in_the_clear + MODULUS // 2) % MODULUS - MODULUS // 2
slotwise = np.abs(decode(centred, scale=SCALE * SCALE) - ada * bo).max()
product = times(sealed(ada, secret), sealed(bo, secret))
product_error = np.abs(opened(product, secret) - ada * bo).max()
claim("It multiplies slot by slot", slotwise < 1e-4)
claim("And so does the product of two ciphertexts", product_error < 1e-4)

# %% [markdown]
# A polynomial is determined by its values, and values multiply point by point: that is why **packing** works, and why
# one operation on a ciphertext serves 32 numbers, or 4,096 in a real ring. Note that we decoded with SCALE · SCALE.
#
# The product of b + a · s and b' + a' · s has a term with s², so the ciphertext now has *three* parts. (Libraries
# shrink it back to two, with one more public key, the *relinearisation key*.)

# %% [markdown]
# ## The scale
#
# FedAvg needs a weighted sum, with weights such as 0.3. A ciphertext can be multiplied by an *integer*, so the weight
# too gets a scale: 0.3 becomes round(0.3 · weight_scale). The price is in the result's scale.


# %% tags=["exercise"]
def weighted_sum(ciphertexts, weights, weight_scale):
    """The encrypted weighted sum of ciphertexts.

    Args: ciphertexts: a list of RingCiphertext with parts (b, a), equal modulus and equal scale; weights: one float
        for each; weight_scale: steps in 1, an integer.
    Returns: RingCiphertext(parts, modulus, scale), its parts reduced % modulus.
    """
    ### BEGIN SOLUTION
    modulus = ciphertexts[0].modulus
    steps = [round(weight * weight_scale) for weight in weights]
    parts = tuple(
        sum(step * c.parts[i] for step, c in zip(steps, ciphertexts, strict=True)) % modulus
        for i in (0, 1)
    )
    return RingCiphertext(parts, modulus, ciphertexts[0].scale * weight_scale)
    ### END SOLUTION


# %% tags=["check"]
weighted_sum = check("09.2", weighted_sum)  # stuck? hint("09.2")

# %%
mean = weighted_sum([sealed(ada, secret), sealed(bo, secret)], [0.75, 0.25], SCALE)
mean_error = np.abs(opened(mean, secret) - (0.75 * ada + 0.25 * bo)).max()
scale_bits = math.log2(mean.scale)
claim("The weighted mean opens right", mean_error < 1e-4)
claim("Its scale has doubled its bits: 24 and 24 make 48", scale_bits == 48)

# %% [markdown]
# The modulus has 80 bits, and the scaled number must stay below half of it. Square a ciphertext, and square the result:
# 24 bits, 48, 96. **Rescaling** divides the parts by Δ, the scale with them, and the modulus too.


# %% tags=["exercise"]
def rescale(ciphertext, factor):
    """The same numbers with a smaller scale, under a smaller modulus.

    Args: ciphertext: a RingCiphertext with two or more parts; factor: an integer that divides its modulus.
    Returns: a RingCiphertext; its parts are divided by the factor, rounded to the nearest, and reduced.
    """
    ### BEGIN SOLUTION
    modulus = ciphertext.modulus // factor
    parts = tuple((part + factor // 2) // factor % modulus for part in ciphertext.parts)
    return RingCiphertext(parts, modulus, ciphertext.scale / factor)
    ### END SOLUTION


# %% tags=["check"]
rescale = check("09.3", rescale)  # stuck? hint("09.3")

# %% [markdown]
# **Predict**: x, then x², x⁴, x⁸. At which power does it break without rescaling? And with it?


# %%
def square_thrice(rescaling):
    """Power → (bits of the modulus, bits of the scale, error)."""
    power, ciphertext, table = 1, sealed(numbers, secret), {}
    for _ in range(3):
        power, ciphertext = 2 * power, times(ciphertext, ciphertext)
        if rescaling:
            ciphertext = rescale(ciphertext, SCALE)
        off = np.abs(opened(ciphertext, secret) - numbers**power).max()
        bits = round(math.log2(ciphertext.modulus)), round(math.log2(ciphertext.scale))
        table[power] = (*bits, off)
        print(f"x^{power}: modulus {bits[0]} bits, scale {bits[1]} bits, error {off:.1g}")
    return table


# %%
numbers = np.linspace(0.5, 1, 32)
print("without rescaling")
without = square_thrice(rescaling=False)
print("with rescaling")
with_it = square_thrice(rescaling=True)

# %%
claim("Without rescaling x⁴ is garbage already", without[4][2] > 0.5)
claim("With it x⁴ opens", with_it[4][2] < 0.1)
claim("And x⁸ does not: the modulus is used up", with_it[8][2] > 0.5)
claim("Noise and rounding add up: x⁴ is less exact than x²", with_it[4][2] > with_it[2][2])

# %%
_, ax = plt.subplots(figsize=(7.0, 2.8))
plot_room(
    ax,
    {"fresh": (80, 24), **{f"x^{p}": row[:2] for p, row in with_it.items()}},
    title="Each product uses up a piece of the modulus, until nothing fits",
)
present(
    ax,
    caption="Grey: bits of the modulus; inside: bits of the scale, which stays at 24 because each product is rescaled. Look at the last bar: "
    "the number no longer fits under its modulus. One run, our teaching ring. It misleads in one way: noise, which also eats bits, is not drawn.",
    alt="Four bars of 80, 56, 32 and 8 bits, each with a bar of 24 bits in it; in the last the 24 do not fit into 8.",
)

# %% [markdown]
# So the modulus is a **budget of depth**: how many products, one after the other. Nothing here *noticed* that x⁸ is
# garbage.

# %% [markdown]
# ## The tool: TenSEAL
#
# TenSEAL wraps Microsoft's SEAL library, which has the same scheme in large rings. Its modulus is a chain of
# primes: the textbook choice is 60, 40, 40 and 60 bits in a ring of 8,192 coefficients, scale 40. The last prime
# serves keys only, the first must stay, and each product uses one of the middle ones up.

# %%
context = tenseal.context(
    tenseal.SCHEME_TYPE.CKKS, 8192, coeff_mod_bit_sizes=[60, 40, 40, 60], n_threads=1
)
context.global_scale = 2.0**40
left, other = (tenseal.ckks_vector(context, x.tolist()) for x in (ada, bo))
ours = opened(add(sealed(ada, secret), sealed(bo, secret)), secret)
theirs = np.array((left + other).decrypt())
parity = np.abs(ours - theirs).max()
their_product = np.abs(np.array((left * other).decrypt()) - ada * bo).max()
claim("Our ring and TenSEAL open the same sum", parity < 1e-4)
claim("TenSEAL multiplies, relinearises and rescales in one", their_product < 1e-5)

# %% [markdown]
# **Predict**: how often can we multiply, and what happens then?

# %%
vector, products, said = left, 0, ""
while not said and products < 10:
    try:
        vector = vector * other
        products += 1
    except ValueError as error:
        said = str(error)
print(f"after {products} products TenSEAL says: {said!r}")
claim("Two middle primes, two products", products == 2)
claim("The third is an error, not garbage", said == "scale out of bounds")

# %% [markdown]
# A good error, if a cryptic one. Do not rely on it: here is a chain whose middle prime has 35 bits instead of the 34 of
# its scale. TenSEAL divides by one and writes down the other.
#
# **Predict**: 1 · 1 = ?

# %%
sloppy = tenseal.context(
    tenseal.SCHEME_TYPE.CKKS, 4096, coeff_mod_bit_sizes=[36, 35, 37], n_threads=1
)
sloppy.global_scale = 2.0**34
one_times_one = (tenseal.ckks_vector(sloppy, [1.0]) * [1.0]).decrypt()[0]
claim("One times one is a half, and nobody says so", abs(one_times_one - 0.5) < 0.01)

# %% [markdown]
# ## Parameters that are secure
#
# More primes give more depth. They also make the key *easier* to find: the larger q is, the smaller the noise beside
# it. So the standard (Albrecht et al. 2018) allows each ring only so many bits of all primes together for 128 bits
# of security: this table is for classical attackers, its Table 2 allows a little less against quantum computers.

# %%
for degree, bits in LARGEST_MODULUS_BITS.items():
    print(f"{degree:>6} coefficients, {degree // 2:>6} numbers: at most {bits} bits")


# %% tags=["exercise"]
def smallest_ring(depth, scale_bits, allowed):
    """The smallest ring that is secure for so many products.

    The primes: one of 60 bits, `depth` of scale_bits, and another of 60.
    Args: depth, 0 or more; scale_bits; allowed: a table, ring degree → bits allowed (not always in order).
    Returns: the smallest degree that allows the bits of all primes together. Raises ValueError if there is none.
    """
    ### BEGIN SOLUTION
    bits = 60 + depth * scale_bits + 60
    enough = [degree for degree, limit in allowed.items() if limit >= bits]
    if not enough:
        raise ValueError(f"{bits} bits; at most {max(allowed.values())} are allowed")
    return min(enough)
    ### END SOLUTION


# %% tags=["check"]
smallest_ring = check("09.4", smallest_ring)  # stuck? hint("09.4")

# %% [markdown]
# **Predict**: the textbook chain has 200 bits. What if somebody saves bytes and takes it in a ring of 4,096?

# %%
# NBVAL_CHECK_OUTPUT
for depth in (0, 2, 3, 8, 19):
    print(
        f"depth {depth:>2} at 40 bits: ring of {smallest_ring(depth, 40, LARGEST_MODULUS_BITS):>6}"
    )
try:
    CkksParameters(4096, (60, 40, 40, 60), 40)
    refusal = ""
except InsecureParameters as error:
    refusal = str(error)
print(refusal)

# %%
claim(
    "It is refused, with what is given and what is allowed",
    "200 bits" in refusal and "109" in refusal,
)

# %% [markdown]
# ## Average models that the server cannot read
#
# Averaging needs no product: each client multiplies by its own count *before* encrypting, and the server only adds.
# Depth 0, so two primes of 54 bits in a ring of 4,096 do. Ten clients train on MNIST as in lesson 01, one epoch each.

# %%
mnist = load_mnist()
train = as_examples(mnist.train_images[:6_000], mnist.train_labels[:6_000])
test = as_examples(mnist.test_images, mnist.test_labels)
model = two_nn(seed=0, hidden=100)
start = weights_of(model)
parts = partition_iid(mnist.train_labels[:6_000], 10, seed=0)
models = [
    train_client(
        model, start, train.take(part), learning_rate=0.2, local_epochs=1, batch_size=32,
        generator=client_generator(0, round_index=0, client=client),
    )
    for client, part in enumerate(parts)
]  # fmt: skip
vectors = [flatten(weights).numpy().astype(float) for weights in models]
counts = [len(part) for part in parts]

# %% [markdown]
# Who holds what, and who opens what?
#
# | role | key | sees in the clear | opens |
# |---|---|---|---|
# | client | public | its own model | nothing, not even its own message |
# | server | public | how many clients, how many numbers | nothing |
# | key holder | secret | the sum, if nobody hands it anything else | the sum |
#
# **Predict**: how many bytes does a number take, that takes 4 in the clear?

# %%
holder = KeyHolder(AVERAGING)
public = holder.public
client, server = Encryptor(public), AveragingServer(public)
messages = [client.encrypt(vector / 10) for vector in vectors]
encrypted_total = server.add(messages)
mean_model = holder.decrypt(encrypted_total, len(vectors[0]))
bytes_per_number = num_bytes(messages[0]) / len(vectors[0])
off = np.abs(mean_model - np.mean(vectors, axis=0)).max()
print(
    f"{len(vectors[0]):,} numbers in {len(messages[0])} ciphertexts, {bytes_per_number:.1f} bytes a number"
)
print(f"one number alone: {num_bytes(client.encrypt([0.5])):,} bytes")
claim("The mean is right to better than a ten-thousandth", off <= 1e-4)
claim("A number takes about 30 bytes", 28 < bytes_per_number < 33)

# %% [markdown]
# A ciphertext is as large for one number as for 2,048. Here all clients weigh the same; in general each encrypts its model times its
# count, and the count, and `CkksAverager` plays all the roles.
#
# **Predict**: is the model as good as FedAvg's?

# %%
averaged = CkksAverager(AVERAGING, count_unit=1_000).average(vectors, counts)
plain = fedavg(models, counts)
difference = np.abs(averaged.mean - flatten(plain).numpy()).max()
model.load_state_dict(plain)
accuracy_plain = accuracy(model, test)
encrypted_model = two_nn(seed=0, hidden=100)
vector_to_parameters(test.images.new_tensor(averaged.mean), encrypted_model.parameters())
accuracy_encrypted = accuracy(encrypted_model, test)
gap = abs(accuracy_plain - accuracy_encrypted)
claim("The encrypted average is FedAvg's, to a hundred-thousandth", difference < 1e-5)
claim("So it classifies as well", gap < 0.001)

# %% [markdown]
# ## The price
#
# The same ten vectors four ways: in the clear; by secure aggregation (lesson 08, whole, with keys and shares); and
# by CKKS with our parameters and with the textbook's. Seconds are of all roles together, in this process.


# %%
def priced_secure_sum():
    """Bytes a number that a client sends, and seconds, for fixed point of 32 bits."""
    whole = {
        i: np.round(v * 2**16).astype(np.int64) % 2**32 for i, v in enumerate(vectors, 1)
    }
    began = time.perf_counter()
    summed = secure_sum(whole, threshold=7, modulus=2**32)
    seconds = time.perf_counter() - began
    return sum(stage.up for stage in summed.traffic[1].values()) / len(vectors[0]), seconds


# %%
began = time.perf_counter()
np.average(np.float32(vectors), axis=0, weights=counts)
ways = {
    "in the clear": (4.0, time.perf_counter() - began),
    "secure sum": priced_secure_sum(),
}
for name, parameters in (("CKKS, depth 0", AVERAGING), ("CKKS, textbook", TEXTBOOK)):
    run = CkksAverager(parameters, count_unit=1_000).average(vectors, counts)
    ways[name] = (run.upload / len(vectors[0]), sum(run.seconds.values()))

# %%
_, axes = plt.subplots(1, 2, figsize=(7.6, 2.6))
quantities = ("bytes up, a number", "seconds, all roles")
plot_prices(
    axes,
    {
        quantity: {name: row[i] for name, row in ways.items()}
        for i, quantity in enumerate(quantities)
    },
    title="Encryption costs bytes, and the wrong parameters cost more",
)
present(
    axes[0],
    caption=f"Ten clients, {len(vectors[0]):,} numbers, one run on one core; logarithmic axes. Look at the bytes: depth that nobody uses is paid for. "
    "It misleads in one way: secure aggregation also needs five round trips and its clients present, CKKS one message.",
    alt="Two panels of bars: bytes a number and seconds, for plain, secure sum, CKKS at depth 0 and CKKS textbook.",
)

# %%
bytes_secure, bytes_ours, bytes_textbook = (
    ways[name][0] for name in ("secure sum", "CKKS, depth 0", "CKKS, textbook")
)
claim(
    "Secure aggregation sends a fifth of what CKKS sends, or less",
    bytes_secure < bytes_ours / 5,
)
claim("Two unused products cost more than twice the bytes", bytes_textbook > 2 * bytes_ours)

# %% [markdown]
# So why encrypt at all? A client sends one message and may leave: no shares, no dropouts, no recovery. And the server can do
# more than add. What you pay with, besides bytes, is the key.

# %% [markdown]
# ## Whose key?
#
# A common set-up gives *all clients* one secret key, so that each can open the average. The server has none.
#
# **Predict**: client 3 is curious, and plays cards with the server's administrator. What can the two do?

# %%
clients_key = holder.secret  # What each client holds in this set-up.
colluding = KeyHolder.from_secret(AVERAGING, clients_key)
stolen_model = 10 * colluding.decrypt(messages[7], len(vectors[7]))
distance = np.abs(stolen_model - vectors[7]).max()
claim("Client 3, with the server's help, reads client 7's model", distance < 1e-4)

# %% [markdown]
# And everybody else's. A ciphertext has one key, and that key opens the average and each summand alike: whether
# "the server learns nothing" holds is decided by a card game. A separate key holder moves the trust, and
# does not remove it.

# %% [markdown]
# The remedy is a **key in pieces**. Each client draws its own secret and publishes noise − (common · secret); the sum of these is
# a public key whose secret is the *sum* of all secrets, which nobody ever holds. To open the average, each client
# sends a · (its secret), hidden by noise, and all of these together open it. In our teaching ring:

# %%
secrets_of = [new_secret() for _ in range(3)]
common = uniform(MODULUS)
joint = sum(public_share(common, s, MODULUS) for s in secrets_of) % MODULUS
FINE = 2**30
values = rng.uniform(-1, 1, size=(3, 32))
first, second, third = (
    encrypt_for_group(encode(v, scale=FINE), joint, common, modulus=MODULUS, scale=FINE)
    for v in values
)
total = add(add(first, second), third)
partials = [partial_decryption(total, s) for s in secrets_of]

# %% [markdown]
# **Predict**: clients 1 and 2 join forces with the server, against client 3. What opens?

# %%
of_all = decode(open_together(total, partials), scale=FINE)
off_all = np.abs(of_all - values.sum(axis=0)).max()
two_pieces = [partial_decryption(third, s) for s in secrets_of[:2]]
of_two = decode(open_together(third, two_pieces), scale=FINE)
off_two = np.abs(of_two - values[2]).max()
claim("All three open the sum", off_all < 0.01)
claim("Two of three open nothing of the third's", off_two > 1e6)

# %% [markdown]
# The clients must be there again to open, as in lesson 08; a threshold variant shares each piece by Shamir. And each must
# know *what* it helps to open: a server that lies sends client 3's own ciphertext in place of the sum. TenSEAL has no such
# keys; OpenFHE and Lattigo do.

# %% [markdown]
# ## Do not hand the opened numbers on
#
# In federated learning the average is *published*: it is the next model. In our scheme the opened polynomial is exactly
# m + e = b + a · s, noise included, and the server holds b and a.
#
# **Predict**: three averages are opened and handed on, as floats (here three vectors stand for them). What can the server
# compute?

# %%
rounds = rng.uniform(-1, 1, size=(3, 32))
seen_by_server = [sealed(v, secret, modulus=PRIME) for v in rounds]
published = [opened(c, secret) for c in seen_by_server]
found = key_from_decryptions(seen_by_server, published)
share_right = float((found == secret).mean())
next_message = sealed(bo, secret, modulus=PRIME)
read = np.abs(opened(next_message, found) - bo).max()
claim("The secret key, every coefficient of it", share_right == 1.0)
claim("With it, the server reads Bo's next message", read < 1e-4)

# %% [markdown]
# Li and Micciancio found this in 2021, and attacked HEAAN, SEAL, HElib and PALISADE. The definition under which CKKS was proved
# (IND-CPA) has an attacker who sees ciphertexts only; one who also sees *opened* numbers solves linear equations, and their
# stronger definition, IND-CPA-D, rules that out. Ours has a ring of 64, and a prime modulus to make solving easy; large rings fall the
# same way.
#
# **Predict**: does it help to add noise to what is published?

# %%
noised = [numbers + rng.normal(scale=0.01, size=32) for numbers in published]
share_after = float((key_from_decryptions(seen_by_server, noised) == secret).mean())
claim("With noise of a hundredth the equations give nothing", share_after < 0.2)

# %% [markdown]
# Noise far above the ciphertext's own ("flooding") hides it. How much suffices is a theorem's business, not this
# experiment's: Li, Micciancio, Schultz and Sorrell 2022 count it as lesson 05 counts ε. Rounding to a few digits stops our
# solver and not every attacker; and SEAL's authors ask to keep opened numbers with the owner of the key.

# %% [markdown]
# ## A log-in on encrypted faces
#
# The embeddings from here on are simulated (the small packages that we know ship no pictures of enough people): a
# person is a random unit vector of 128 numbers, and a picture is that plus an error of 1.2 times its length, divided by its
# length. A network such as FaceNet turns real faces into such vectors. The **score** of two pictures is their cosine.
#
# A log-in accepts a score at or above a threshold. Its **FAR**, false acceptance rate, is the share of strangers' scores that
# it accepts, its **FRR**, false rejection rate, the share of owners' scores that it refuses; where the two meet is the **EER**,
# equal error rate. (Standards say FMR and FNMR, for matches, when single comparisons are counted, as here.)

# %% [markdown]
# > - **Who attacks?** The *matching server*, curious; and a stranger at the camera, who will do anything.
# > - **What do they see?** The server: encrypted templates, probes and scores. The stranger: yes or no.
# > - **What do they want?** A person's template, for good: nobody changes their face. Or to be let in.
# > - **Whom do we trust?** The *sensor*, which sees the face, and the *verifier*, which holds the key, opens scores only,
# >   and compares them with a threshold.

# %%
pictures = simulate_embeddings(1_000, 2, rng=np.random.default_rng(0), within_spread=1.2)
templates, probes = pictures[:, 0], pictures[:, 1]
scores = templates @ probes.T
genuine, impostor = np.diag(scores), scores[~np.eye(1_000, dtype=bool)]
plain_rates = equal_error_rate(genuine, impostor)
threshold = threshold_for(impostor, 0.001)
refused = float((genuine < threshold).mean())
print(
    f"equal error rate {plain_rates.rate:.2%}; at one stranger in a thousand, threshold {threshold:.3f}"
)
somebody = float(
    (np.where(np.eye(1_000, dtype=bool), -1, scores).max(axis=0) >= threshold).mean()
)
claim("FAR and FRR meet below 2 %", plain_rates.rate < 0.02)
claim(
    "With one stranger in 1,000 accepted, under a tenth of owners are refused",
    refused < 0.1,
)
claim("But two strangers in five or more pass as *somebody* of the 1,000", somebody > 0.4)

# %% [markdown]
# So a log-in must ask *who* you are. You tell the verifier alone: the server scores everybody, and does not learn who logs in.
# How does it score 1,000 encrypted templates at once? Pack by **column**: ciphertext j holds coordinate j of
# *all* people, person i in slot i. The probe comes as 128 ciphertexts too, coordinate j repeated in every slot.
#
# **Predict**: how deep are the products of such a score?


# %% tags=["exercise"]
def encrypted_scores(probe, templates):
    """The dot product with every person, slot by slot.

    Args: probe, templates: lists of encrypted columns, coordinate 0, 1, …; a column adds (+) and multiplies (*).
    Returns: one encrypted column: in slot i the sum over j of probe[j] · templates[j].
    """
    ### BEGIN SOLUTION
    total = probe[0] * templates[0]
    for x, y in zip(probe[1:], templates[1:], strict=True):
        total = total + x * y
    return total
    ### END SOLUTION


# %% tags=["check"]
encrypted_scores = check("09.5", encrypted_scores)  # stuck? hint("09.5")

# %% [markdown]
# One product deep, and no number ever moves to another slot.
# The server also computes the probe's squared length, in the same way: the verifier refuses what is not a unit vector.
#
# **Predict**: how long does a log-in against 1,000 templates take?

# %%
sensor, matcher, verifier = matching_roles(
    templates, threshold=threshold, dot=encrypted_scores
)
began = time.perf_counter()
recorded = sensor.probe(probes[7], 1_000)
reply = matcher.score(recorded)
cosines = verifier.open(reply)
seconds = time.perf_counter() - began
off = np.abs(cosines - templates @ probes[7]).max()
print(
    f"{recorded.num_bytes / 1e6:.0f} MB up; scores come back in {len(reply.cosines) / 1e3:.0f} kB"
)
claim("One encrypted log-in against 1,000 templates takes less than 5 seconds", seconds < 5)
claim("Its scores are right to a ten-thousandth", off <= 1e-4)
claim("Person 7 is let in as 7", verifier.accepts(reply, 7))
claim("And not as 8", not verifier.accepts(reply, 8))

# %% [markdown]
# 11 MB is a lot for one face. If the server may see the templates in the clear, the probe fits into *one* ciphertext, and the server turns its
# slots around with **rotation keys**: another public key, which the key holder makes once.

# %%
other_holder = tenseal.context(
    tenseal.SCHEME_TYPE.CKKS, 4096, coeff_mod_bit_sizes=[37, 34, 37], n_threads=1
)
other_holder.global_scale = 2.0**34
without_rotation = len(other_holder.serialize(save_secret_key=False))
other_holder.generate_galois_keys()
rotation_keys = len(other_holder.serialize(save_secret_key=False)) - without_rotation
one_probe = tenseal.ckks_vector(other_holder, probes[7].tolist())
upload = len(one_probe.serialize())
off_rotated = np.abs(
    np.array((one_probe @ templates.T.tolist()).decrypt()) - templates @ probes[7]
).max()
claim(
    "The same scores, for a hundredth of the bytes up",
    off_rotated <= 1e-4 and upload < recorded.num_bytes / 100,
)
claim("The rotation keys take several megabytes, once", rotation_keys > 3e6)

# %% [markdown]
# Megabytes against secrecy: with templates in the clear, whoever steals the database has them. Your columns hide both.
#
# Slots may hold different probes, so each further scoring gives 1,000 pairs: person i against the picture of person i, i + 1, …
#
# **Predict**: what does encryption do to the error rates?

# %%
encrypted, in_clear = [], []
for shift in range(5):
    shifted = np.roll(probes, -shift, axis=0)
    encrypted.append(verifier.open(matcher.score(sensor.encrypt(shifted))))
    in_clear.append((templates * shifted).sum(axis=1))
rate_encrypted = equal_error_rate(encrypted[0], np.concatenate(encrypted[1:]))
rate_clear = equal_error_rate(in_clear[0], np.concatenate(in_clear[1:]))
apart = abs(rate_encrypted.rate - rate_clear.rate)

# %%
grid = np.linspace(-0.1, 0.6, 141)
_, axes = plt.subplots(1, 2, figsize=(7.8, 3.4))
plot_false_rates(
    axes,
    grid,
    {
        "in the clear": false_rates(in_clear[0], np.concatenate(in_clear[1:]), grid),
        "encrypted": false_rates(encrypted[0], np.concatenate(encrypted[1:]), grid),
    },
    equal=(rate_clear.threshold, rate_clear.rate),
    title="Encryption does not change who gets in",
)
present(
    axes[0],
    caption="1,000 owners and 4,000 pairs of strangers, simulated; lines in the clear, dots encrypted. Look where the two curves cross (EER). "
    "It misleads in one way: real error rates depend on light, age and siblings, which nobody simulated here.",
    alt="Left: strangers accepted fall and owners refused rise with the threshold, crossing below one percent. Right: the ROC near the upper left corner. Dots lie on the lines.",
)

# %%
claim("The equal error rates agree within 0.1 points", apart <= 0.001)

# %% [markdown]
# ## Getting in without breaking anything
#
# **Replay.** The stranger listened on the line, and sends person 7's 128 ciphertexts once more. A clever server keeps a
# list of the bytes that it has seen.
#
# **Predict**: does the list help?

# %%
again = matcher.score(recorded)
disguised = rerandomise(recorded, verifier.public)
known_bytes = len(set(recorded.ciphertexts) & set(disguised.ciphertexts))
claim("The same bytes are accepted again", verifier.accepts(again, 7))
claim("Added to encrypted zeros, no byte string is known", known_bytes == 0)
claim("And they are accepted too", verifier.accepts(matcher.score(disguised), 7))

# %% [markdown]
# That is **malleability**, the other face of "the server can add". The cure stands outside the encryption: the server asks with a
# fresh random number, and a trusted sensor *signs* number and ciphertexts.

# %%
sensor_key = signing_keypair()
challenges = Challenges(sensor_key.public)
challenge = challenges.new()
signature = sign_probe(recorded, challenge, sensor_key.private)


# %%
def answer_to(probe, asked):
    """What the server says to a probe with that signature."""
    try:
        challenges.accept(probe, asked, signature)
        return "accepted"
    except ProtocolViolation as error:
        return str(error)


answers = {
    "disguised": answer_to(disguised, challenge),
    "as signed": answer_to(recorded, challenge),
    "once more": answer_to(recorded, challenge),
    "asked anew": answer_to(recorded, challenges.new()),
}
for case, said in answers.items():
    print(f"{case}: {said}")
claim("Signed, it counts once", [*answers.values()].count("accepted") == 1)

# %% [markdown]
# **A longer vector.** A stranger whose sensor is a laptop need not divide by the length: three times a vector scores three
# times as much. The verifier opens the squared length and refuses 9.
#
# **Predict**: does it see 9? (After the product only the first prime is left: 37 bits, at a scale of 34.)

# %%
stranger = simulate_embeddings(1, 1, rng=np.random.default_rng(99))[0, 0]
honest_share = float((templates @ stranger >= threshold).mean())
tripled = verifier.open(
    matcher.score(sensor.encrypt(np.repeat(3 * stranger[None], 1_000, axis=0)))
)
doubled = verifier.open(
    matcher.score(sensor.encrypt(np.repeat(2 * stranger[None], 1_000, axis=0)))
)
tripled_share = float((tripled >= threshold).mean())
print(
    f"accepted as {1_000 * honest_share:.0f} people; at three times the length as {1_000 * tripled_share:.0f}"
)
claim("At twice the length it is refused as everybody", np.isnan(doubled).all())
claim("At three times it is let in as one person in twenty or more", tripled_share > 0.05)

# %% [markdown]
# The squared length is one number for all slots, so a polynomial with one coefficient, and coefficients are known modulo the
# prime: 2^37 / 2^34 = 8, and 9 is 1 modulo 8. A larger prime only makes the attacker's vector longer. What helps is a proof that comes with the probe (a *range proof* in zero knowledge), or again a sensor that one can trust.

# %% [markdown]
# **Twenty questions.** The last one needs nothing but yes and no. The stranger tries other people's pictures until one is let in
# as the victim; one in a thousand is. From there, walk towards a refused vector: somewhere the answer changes.


# %% tags=["exercise"]
def on_the_boundary(accepts, inside, outside, steps):
    """The last accepted unit vector between an accepted and a refused one.

    Args: accepts: takes a unit vector, answers True or False; inside, outside: unit vectors, accepted and refused;
        steps: how many questions you may ask.
    Returns: an accepted unit vector on the arc between the two, as near to the change as `steps` halvings bring you.
    """
    ### BEGIN SOLUTION
    for _ in range(steps):
        middle = inside + outside
        middle = middle / np.linalg.norm(middle)
        if accepts(middle):
            inside = middle
        else:
            outside = middle
    return inside
    ### END SOLUTION


# %% tags=["check"]
on_the_boundary = check("09.6", on_the_boundary)  # stuck? hint("09.6")

# %% [markdown]
# At each such point the cosine with the hidden template is the *same*. So 128 of them are 128 linear equations.
#
# **Predict**: how near does the solution come, and how many questions does it take? (The oracle answers in the clear here:
# you saw that the encrypted one says the same, and you would wait long for 3,000 log-ins.)

# %%
victim = templates[123]
crowd = simulate_embeddings(20_000, 1, rng=np.random.default_rng(5))[:, 0]
tries = int(np.argmax(crowd @ victim >= threshold)) + 1
lucky = crowd[tries - 1]

# %%
rebuilt = {}
for steps in (3, 5, 8, 12, 20):
    rebuilt[steps] = template_from_answers(
        lambda x: x @ victim >= threshold,
        lucky,
        rng=np.random.default_rng(6),
        steps=steps,
        boundary=on_the_boundary,
    )
questions = [stolen.questions for stolen in rebuilt.values()]
likeness = [float(stolen.template @ victim) for stolen in rebuilt.values()]
print(
    f"{tries:,} strangers' pictures tried, then {questions[-1]:,} questions: cosine {likeness[-1]:.6f}"
)

# %%
_, ax = plt.subplots(figsize=(7.0, 3.2))
plot_rebuilt(
    ax,
    questions,
    likeness,
    needed=threshold,
    title="Yes and no give the template away",
)
present(
    ax,
    caption="One simulated victim, 128 boundary points of 3 to 20 questions each; the tries before the first yes are not counted. "
    "It misleads in one way: a real log-in would lock this account after a few dozen questions.",
    alt="The cosine of the rebuilt template rises with the questions asked and reaches 1 before 3,000.",
)

# %%
stolen = rebuilt[20].template
let_in = verifier.accepts(matcher.score(sensor.probe(stolen, 1_000)), 123)
claim(
    "From the first yes on, fewer than 3,000 questions rebuild the template",
    likeness[-1] > 0.999 and questions[-1] < 3_000,
)
claim("And the encrypted log-in lets it in", let_in)

# %% [markdown]
# No ciphertext was touched: the leak is the *function* that the log-in computes. If it shows the score instead of yes or no, 128
# questions are enough (which 128?). So limit the tries, keep scores inside the verifier, and look for a living face.

# %% [markdown]
# **Inversion.** What is a stolen template worth, other than a log-in? Faces we have none, but MNIST's digits and a network:
# take the 100 numbers of its first hidden layer as template, and learn, on *other* digits, the linear way back.
#
# **Predict**: is a template "just numbers"?


# %%
def hidden_layer(examples):
    """The first hidden layer of the averaged model, shape (n, 100)."""
    flat = examples.images.flatten(1)
    return encrypted_model[1](encrypted_model[0](flat)).detach().numpy().astype(float)


# %%
attackers, victims = train.take(range(3_000)), test.take(range(200))
originals = victims.images.flatten(1).numpy()
mean_digit = attackers.images.flatten(1).numpy().mean(axis=0)
inverted = invert_templates(
    hidden_layer(victims),
    public_embeddings=hidden_layer(attackers),
    public_pictures=attackers.images.flatten(1).numpy().astype(float),
)
decibels = [
    -10 * np.log10(((guess - originals) ** 2).mean(axis=1))
    for guess in (inverted, mean_digit)
]
gain = float(np.median(decibels[0] - decibels[1]))
print(
    f"PSNR: {np.median(decibels[0]):.1f} dB; of the mean digit {np.median(decibels[1]):.1f} dB"
)

# %%
_, axes = plt.subplots(3, 8, figsize=(7.0, 3.0), squeeze=False)
plot_rows_of_digits(
    axes,
    {
        "picture": originals[:8],
        "from its template": inverted[:8].clip(0, 1),
        "mean digit": [mean_digit] * 8,
    },
    title="A template is a blurred picture",
)
present(
    axes[0, 0],
    caption="The first eight test digits, their pictures rebuilt from 100 numbers by ridge regression on 3,000 other digits, and the best guess without "
    "a template. It misleads in one way: digits stand for faces here; published attacks on face templates need a trained decoder.",
    alt="Three rows of eight digits: originals, blurred but readable reconstructions, and one grey mean digit repeated.",
)

# %%
claim("The pictures gain several decibels over the best guess without templates", gain > 3)

# %% [markdown]
# So encrypting templates at rest is worth it, and the key deserves a better place than the database. Where the server only needs
# yes or no, the verifier is a small machine with a key: put it behind another door.

# %% [markdown]
# ### What this does *not* protect
#
# - **Against the key holder.** It opens anything that reaches it. Split the key, or keep it far from the server.
# - **Integrity.** A server that adds a client twice, or its own vector, or returns yesterday's sum, is not noticed.
# - **The result.** The exact average says what it says: differencing (lesson 08) and membership (lesson 04) work on it.
# - **Opened CKKS numbers.** Shared with their noise, they give the key away.
# - **The function.** Yes and no, asked often enough, are the template.
# - **You, if you deploy this.** The ring of 64 is to learn from, not to deploy; and with TenSEAL too the protocol around it is yours to check.
#
# Privacy ledger of this lesson: **empty**. The noise in a ciphertext hides the *key's* equations from a bounded attacker; it
# is no differential privacy, and there is no ε.

# %% [markdown]
# ## Quiz

# %%
quiz(
    "Ten clients share one secret key, the server has the public one. Who can read client 7's update?",
    {
        "Nobody: it is encrypted": "Ten people hold the key that opens it.",
        "Any client that gets hold of its ciphertext": right(
            "From the server, from the network, from a log. The key opens summands as well as sums."
        ),
        "Only client 7": "Its own key is everybody's key.",
    },
)

# %%
quiz(
    "You need five products in a row, and take more primes in the same ring. What else changes?",
    {
        "Nothing: depth is a matter of primes": "The ring allows only so many bits of primes.",
        "The security falls, unless the ring grows too": right(
            "A larger modulus over the same ring is an easier problem. The standard's table says when to double the ring."
        ),
        "The noise disappears": "It grows with each product.",
    },
)

# %%
quiz(
    "Your encrypted log-in returns the cosine to the app, 'for transparency'. A stranger sends the 128 unit vectors (1, 0, 0, …), (0, 1, 0, …), … What do they get?",
    {
        "128 refusals": "They also get 128 numbers.",
        "The template, coordinate by coordinate": right(
            "The cosine with the j-th of them is the template's j-th coordinate. Yes and no took 3,000 questions; scores take 128."
        ),
        "Noise, because CKKS is approximate": "Its error is a hundred-thousandth.",
    },
)

# %%
quiz(
    "Why did the average use a ring of 4,096 and not the textbook's 8,192?",
    {
        "A smaller ring is more secure": "At equal modulus the larger ring is.",
        "No product is needed, so the modulus may be short, and a short one is secure in a small ring": right(
            "108 bits, where 109 are allowed. The bytes fall to well under a half."
        ),
        "TenSEAL adds faster than it multiplies": "It does, but that is not the reason.",
    },
)

# %%
quiz(
    "A colleague publishes each round's average as TenSEAL decrypts it. What do you say?",
    {
        "Fine: an average is public anyway": "The average is; the noise in its last digits is not.",
        "First add noise far above the encryption's own error, and read Li and Micciancio": right(
            "The opened numbers hold linear equations in the key. Flooding them with noise hides these; how much is needed is a theorem."
        ),
        "Encrypt it again": "Whoever is to use the model must open it.",
    },
)

# %% [markdown]
# ## Interview corner
#
# **1. "Secure aggregation or homomorphic encryption for averaging a million phones' updates? Decide."** (5 minutes)
#
# *Rubric*: who holds the key, and collusion (1); bytes and rounds of both, with numbers (1); dropouts and presence (1); what
# neither protects: the result, false inputs (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "Homomorphic encryption is stronger, because data stay encrypted all the time; but it is slow."
#
# *Strong*: "With a single CKKS key, one phone that talks to the server reads everybody, so I would need a key in pieces, and then
# phones must be there to open, which is the dropout problem again. CKKS at depth 0 costs about 30 bytes a number in one message;
# secure aggregation about 4 to 5, in five round trips, with dropouts handled by Shamir shares. For a million phones I take secure aggregation on a
# sparse graph, with distributed DP for the result. CKKS I would take among a few hospitals, with a key holder who is nobody's
# friend, where the server must do more than add."
#
# </details>

# %% [markdown]
# **2. "Our log-in is safe: templates, probes and scores are encrypted with 128 bits. Attack it."** (5 minutes)
#
# *Rubric*: replay and malleability, and the cure (1); unnormalised or wrapped inputs (1); the oracle, with a count of questions
# (1); who holds the key, and what a stolen template is worth (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "I would try to break the encryption with a quantum computer, or steal the key."
#
# *Strong*: "I leave the encryption alone. I replay a recorded probe, adding encrypted zeros if the bytes are remembered; a signed fresh challenge
# stops that. I send a longer vector; the server cannot see lengths, and a check of the length modulo the plaintext range can wrap. With any accepted
# probe, yes and no give me 128 points with one cosine, so linear equations: under 3,000 questions rebuild the template; if scores are shown, 128. Then I look
# for whoever holds both the key and the database. A template cannot be revoked like a password, and it decodes to a picture."
#
# </details>

# %% [markdown]
# ## Sources
#
# - Cheon, Kim, Kim and Song 2017, *Homomorphic encryption for arithmetic of approximate numbers*, ASIACRYPT '17, ePrint 2016/421: encoding,
#   products and rescaling; exercises 09.1 to 09.3.
# - Lyubashevsky, Peikert and Regev 2010, *On ideal lattices and learning with errors over rings*, EUROCRYPT '10: the problem behind it.
# - Albrecht et al. 2018, *Homomorphic encryption security standard*, Table 1: exercise 09.4 (a test compares our table with SEAL's).
# - Li and Micciancio 2021, *On the security of homomorphic encryption on approximate numbers*, EUROCRYPT '21, ePrint 2020/1533: the key from
#   opened numbers. Li, Micciancio, Schultz and Sorrell 2022, CRYPTO '22, ePrint 2022/816: how much noise hides it. SEAL's own warning: its
#   `SECURITY.md`.
# - Mouchet, Troncoso-Pastoriza, Bossuat and Hubaux 2021, *Multiparty homomorphic encryption from ring-learning-with-errors*, PoPETs 2021(4), ePrint
#   2020/304: keys in pieces.
# - Benaissa, Retiat, Cebere and Belfedhal 2021, *TenSEAL*, arXiv:2104.03152.
# - Schroff, Kalenichenko and Philbin 2015, *FaceNet*, arXiv:1503.03832: embeddings of 128 numbers. Mai, Cao, Yuen and Jain 2019, IEEE TPAMI 41(5): pictures
#   from face templates.
