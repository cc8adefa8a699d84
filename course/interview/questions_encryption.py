"""Questions on computing with ciphertexts: lesson 09, with 04 and 08."""

from course.interview.walkthrough import Walkthrough, says, then

_CKKS_GARBAGE = Walkthrough(
    id="ckks-garbage",
    question=(
        "A colleague's encrypted scoring service returns right results in the demo and nonsense for longer"
        " formulas. There is no error message. It uses CKKS. Debug it."
    ),
    minutes=5,
    rubric=(
        "Follows the scale: each product multiplies the scales, and the scaled number has to fit below the"
        " modulus",
        "Follows the modulus: rescaling spends it, so the chain of primes is a budget of depth",
        "Says that nothing in the scheme notices an overflow, and checks scale against prime, bit by bit",
        "Says that more depth over the same ring costs security, and names what to check against",
        "Removes depth before buying it: a product less, sums first, no unused primes",
        "Tests against known answers near the largest inputs, since CKKS is approximate and a small test "
        "passes",
    ),
    weak=(
        "CKKS is approximate, so errors accumulate over many operations. I would increase the scale to get"
        " more precision, and add more primes to the coefficient modulus until the results are right."
    ),
    why_weak=(
        "A larger scale uses the modulus up sooner, and more primes over the same ring make the key easier"
        " to find. Nonsense is an overflow, and not an accumulation of small errors."
    ),
    strong=(
        says(
            "I print scale and modulus after every step. A product multiplies scales: 24 bits and 24 make "
            "48.",
            "09",
            "Its scale has doubled its bits: 24 and 24 make 48",
            1,
        ),
        says(
            "When the scaled number no longer fits under the modulus, the answer is garbage: without "
            "rescaling the fourth power in our ring was.",
            "09",
            "Without rescaling x⁴ is garbage already",
            1,
        ),
        says(
            "With rescaling the fourth power opens, and the eighth does not, because the modulus is used "
            "up. So depth is a budget that is fixed when the keys are made.",
            "09",
            "And x⁸ does not: the modulus is used up",
            2,
        ),
        says(
            "Nothing noticed that. A library may: with two middle primes, TenSEAL refused after 2 products"
            " with 'scale out of bounds'.",
            "09",
            "The third is an error, not garbage",
            2,
            3,
        ),
        says(
            "But not always. With a middle prime of one bit more than the scale, it divides by one and "
            "writes down the other: one times one was a half, and nobody said so.",
            "09",
            "One times one is a half, and nobody says so",
            3,
        ),
        says(
            "If the formula needs more depth, the ring has to grow with the chain. 200 bits of primes in a"
            " ring of 4096 are refused: the standard allows 109 there for 128 bits of security.",
            "09",
            "CkksParameters(4096, (60, 40, 40, 60), 40)",
            4,
        ),
        says(
            "So first I look for depth that nobody needs: sums before products, plain constants folded in."
            " Two unused products cost more than twice the bytes, 81 a number.",
            "09",
            "Two unused products cost more than twice the bytes",
            5,
        ),
        says(
            "And I test with known values at the largest inputs, with a tolerance: the opened sum is never"
            " exact, since the noise is still in it.",
            "09",
            "But it is not exact: the noise is still in it",
            6,
        ),
    ),
    follow_ups=(
        then(
            "They only average models. What parameters do you propose, and why?",
            "Depth 0: each client multiplies by its count before it encrypts, so the server only adds. Two"
            " primes of 54 bits fit a ring of 4,096, and a number takes about 30 bytes; the textbook chain"
            " costs more than twice that for products nobody makes.",
            "09",
            "Averaging needs no product",
        ),
        then(
            "The formula has a comparison, x > 0. Now what?",
            "CKKS has sums and products, so a comparison becomes a polynomial of some degree, which is "
            "depth, and is wrong near 0. Asks whether the key holder may compare after opening the score "
            "only, which needs none; or takes another scheme.",
            "09",
            "opens scores only",
        ),
    ),
)

_HE_VENDOR = Walkthrough(
    id="he-vendor",
    question=(
        "A vendor: 'Updates are homomorphically encrypted with 128-bit security. The server computes on "
        "ciphertexts, so nothing can leak, and no differential privacy is needed.' Take it apart."
    ),
    minutes=6,
    rubric=(
        "Asks who holds the secret key, and shows what key and server do together",
        "Gives the remedy, a key in pieces, and what it brings back: clients who must be there, and must "
        "know what they open",
        "Says that the opened average carries the ciphertext's noise, and what publishing it gives away",
        "Says that encryption hides inputs and not the result: differencing and membership work on an "
        "exact average",
        "Says that nothing is checked: inputs, additions, and replays of ciphertexts",
        "Says that 128 bits speak about the parameters only, and asks for ring, modulus and what the key "
        "is used for",
    ),
    weak=(
        "Homomorphic encryption is provably secure, so the claim is essentially right. The concern is "
        "performance: it is thousands of times slower, so I would ask for benchmarks, and prefer secure "
        "aggregation for that reason."
    ),
    why_weak=(
        "The proof is about somebody who sees ciphertexts only. It says nothing about whoever holds the "
        "key, about opened numbers, or about what the exact average reveals."
    ),
    strong=(
        says(
            "First: who has the key? If all clients share one, client 3 with the server's help read client"
            " 7's model, since a key opens summands as well as sums.",
            "09",
            "Client 3, with the server's help, reads client 7's model",
            1,
        ),
        says(
            "The remedy is a key in pieces: all three opened the sum, and two of three opened nothing of "
            "the third's.",
            "09",
            "Two of three open nothing of the third's",
            2,
        ),
        says(
            "That brings the dropouts back, as the clients must be there to open, and each must know what "
            "it helps to open: a lying server sends one client's own ciphertext in place of the sum.",
            "09",
            "a server that lies sends client 3's own ciphertext in place of the sum",
            2,
            5,
        ),
        says(
            "Second: what is published? In federated learning the opened average is the next model, and "
            "opened CKKS numbers carry the noise: in our small scheme the server solved for the key from "
            "three of them, every coefficient.",
            "09",
            "The secret key, every coefficient of it",
            3,
        ),
        says(
            "The definition under which the scheme was proved has an attacker who sees ciphertexts only; "
            "one who also sees opened numbers needs a stronger one, and noise far above the ciphertext's "
            "own.",
            "09",
            "has an attacker who sees ciphertexts only",
            3,
        ),
        says(
            "Third: the result. Whatever computes exact sums, two of them that differ by one client give "
            "that client away: with secure sums it was all 784 numbers, and no encryption was touched.",
            "08",
            "None: two honest sums give phone 20 away",
            4,
        ),
        says(
            "That is what differential privacy is for. The noise in a ciphertext is none: it hides the "
            "key's equations, and there is no ε.",
            "09",
            "is no differential privacy, and there is no ε",
            4,
        ),
        says(
            "Fourth: integrity. That a server can add means that anybody can: a replayed probe, added to "
            "encrypted zeros, was a new string of bytes and was accepted.",
            "09",
            "Added to encrypted zeros, no byte string is known",
            5,
        ),
        says(
            "And a number of bits of security is a statement about ring and modulus, which I would check "
            "against the standard's table: 8192 coefficients, at most 218 bits of primes.",
            "09",
            "for degree, bits in LARGEST_MODULUS_BITS.items():",
            6,
        ),
    ),
    follow_ups=(
        then(
            "They reply: the key is held by an independent key holder, in another company. Better?",
            "Better: trust has moved, and has not gone. The holder opens whatever reaches it, so ask what "
            "it is sent, by whom it is checked, what it logs, whether both companies have one owner, and "
            "whether it hands on opened numbers as they are.",
            "09",
            "**Against the key holder.**",
        ),
        then(
            "And if it only answers yes or no, as in a log-in on encrypted templates?",
            "The function leaks: yes and no give points of equal cosine, hence linear equations, and 2,689"
            " questions rebuilt the template; with shown scores 128 do. Limits tries, hides scores, and "
            "asks for a fresh signed challenge.",
            "09",
            "From the first yes on, fewer than 3,000 questions rebuild the template",
        ),
    ),
)

ENCRYPTION_QUESTIONS = (_CKKS_GARBAGE, _HE_VENDOR)
