"""Questions on where noise is added, and where random numbers come from: lessons 05 to 09, and 11."""

from course.interview.walkthrough import Walkthrough, says, then

_WHERE_NOISE = Walkthrough(
    id="where-noise",
    question=(
        "Noise on each phone, noise at a trusted server, or noise inside secure aggregation: compare the "
        "three, and say when you take which."
    ),
    minutes=5,
    rubric=(
        "Says for each whom it trusts with what",
        "Compares the error with numbers of people: constant at a trusted server, growing with √n if every"
        " phone hides alone",
        "Says how the third works: a share of the noise on each phone, whole numbers, visible in the sum "
        "only",
        "Says against whom the shares count: whoever knows some subtracts them, and dropouts take theirs "
        "along",
        "Says that equal ε are not equal promises here: another adjacency, another adversary",
        "Decides for a case, with its reason",
    ),
    weak=(
        "Local differential privacy is the strongest because nobody has to be trusted, central has the "
        "best accuracy, and distributed is in between. With enough users I would always choose local."
    ),
    why_weak=(
        "Enough users is exactly what local privacy never has: its error of a count grows with √n while "
        "the central one stays. And the third can be as accurate as the second, at the price of "
        "assumptions that the answer does not name."
    ),
    strong=(
        says(
            "Central noise trusts one office with everything; local noise trusts nobody but one's own "
            "phone; inside secure aggregation one trusts that enough of the others add their noise and do "
            "not tell.",
            "05",
            "Secure aggregation (lessons 07 and 08) is a third way",
            1,
        ),
        says(
            "For a count at ε = 1, a hundred times the people meant 11 times the local error, and the "
            "central one did not grow.",
            "05",
            "A hundred times the people: ten times the local error",
            2,
        ),
        says(
            "At 30,000 people that was a factor of 127.",
            "05",
            "At 30,000 people, trusting nobody costs over eighty times the error",
            2,
        ),
        says(
            "In the third, each phone adds a share too small to hide it alone, in whole numbers because a "
            "ring has no fractions; the masks hide the share, and the sum carries all of them.",
            "08",
            "the sum carries all of them",
            3,
        ),
        says(
            "Who knows shares, subtracts them. In the hospitals one and the same training is ε = 2.68 "
            "against the server, 3.00 against another hospital, 3.44 against two who conspire, and 8.60 "
            "against somebody who reads one message.",
            "11",
            '"who reads one message": plan.noise_multiplier / math.sqrt(5)',
            4,
        ),
        says(
            "Dropouts take their shares along, so one plans for the smallest number of survivors: with a "
            "spare share, five of six still have the noise that is needed.",
            "11",
            "Five of six shares are the noise that is needed",
            4,
        ),
        says(
            "Equal ε are not equal promises: the central one here holds against readers of the count, "
            "under add/remove, the local one also against the collector, and there an answer is replaced.",
            "05",
            "there an answer is replaced",
            5,
        ),
        says(
            "Between six hospitals I take the third: at ε ≤ 1 it was worth 0.023 AUROC over noise at each "
            "hospital, from 0.009 to 0.036, and nobody sees the sum without noise. Central noise I take "
            "where one office holds the data anyway, such as a census; local noise where a cohort cannot "
            "be relied on and the question is a count over millions.",
            "11",
            "At 1, noise once is better than noise at each hospital, with its whole interval",
            6,
        ),
    ),
    follow_ups=(
        then(
            "Fewer phones survived a round than the noise was planned for. What do you do with the sum?",
            "It has a larger ε than planned: either the threshold is at least the planned number, so there"
            " is no sum, or the account is charged what was really there. It is not released at the "
            "planned ε.",
            "08",
            "count only the shares of phones that do not tell",
        ),
        then(
            "Why discrete noise? A float Gaussian could be rounded.",
            "Rings carry whole numbers; and the low bits of floating-point noise can give the value away "
            "(Mironov 2012). A discrete Gaussian is drawn exactly. Sums of shares are not exactly one "
            "again, and the difference is bounded and tiny at large shares.",
            "11",
            "Sums of these are not exactly discrete Gaussian again",
        ),
    ),
)

_RANDOMNESS = Walkthrough(
    id="randomness",
    question=(
        "You have one day to review a privacy codebase, and decide to read only where random numbers come "
        "from. What do you look for, and what would each mistake cost?"
    ),
    minutes=6,
    rubric=(
        "Shares drawn from a part of the field, or masks from a part of the ring",
        "Something that must be used once and is used twice",
        "A long secret folded into a short seed, or a generator made for simulations",
        "Noise of differential privacy that is shared between coordinates, seeded by somebody who is told,"
        " or made of floats",
        "Noise that leaves the system in the last digits of what is published",
        "Says how such mistakes are found, since all outputs look random",
    ),
    weak=(
        "I would check that a cryptographically secure generator is used everywhere and that seeds are not"
        " hard-coded, and run a statistical test suite for randomness over the outputs."
    ),
    why_weak=(
        "The worst cases pass both: good draws from too small a range, a good mask used twice, one good "
        "draw for all coordinates. Tests of randomness do not know what had to be independent of what."
    ),
    strong=(
        says(
            "Ranges first. In a field of 7, shares drawn from 0 to 2 let the last one rule out two of "
            "seven secrets; with p = 2^61 − 1 and draws of 32 bits it would give nearly the leading half "
            "away.",
            "07",
            "nobody can draw it for p = 2^61 − 1, where with draws of 32 bits",
            1,
        ),
        says(
            "The same with masks: four masks of one byte, added without a modulus, let the picture through.",
            "08",
            "Small masks leave the picture visible",
            1,
        ),
        says(
            "Then what is used twice. One Beaver triple for two products opened the difference of two "
            "salaries, 26,000, although every number that was opened looked uniform.",
            "07",
            "With a used one it gives the difference of two salaries away",
            2,
        ),
        says(
            "Then the seeds. A library folds 32-byte secrets to 32 bits, so that two different secrets "
            "gave the same mask, all 784 entries of it.",
            "08",
            "Two different secrets give one mask in Flower's helper",
            3,
        ),
        says(
            "All seeds of 32 bits are a matter of days for one core; 256 bits are not a matter of time.",
            "08",
            "all seeds of 32 bits: {hours_32:.0f} hours on this core",
            3,
        ),
        says(
            "Python's random is predictable after enough of its numbers; secrets and keys come from a "
            "module made for them.",
            "07",
            "Why `secrets` and not `random`?",
            3,
        ),
        says(
            "Then the noise: one draw for all coordinates leaves their differences without any, 0.00 in "
            "the lesson's faulty step.",
            "06",
            "noise of a difference {evidence[name][1]:.2f}",
            4,
        ),
        says(
            "Floating-point noise can give the value away in its lowest bits, so a serious system draws "
            "exact integers.",
            "05",
            "their lowest bits can give the value away",
            4,
        ),
        says(
            "And noise that leaves: three opened averages of our small CKKS, published with their last "
            "digits, gave the secret key, every coefficient of it.",
            "09",
            "The secret key, every coefficient of it",
            5,
        ),
        says(
            "I find these by reading and by counting. In a small field one can try every draw: a right "
            "scheme gives each pair of shares once for every secret.",
            "07",
            "Whichever two shares you see, each pair comes once for every secret",
            6,
        ),
    ),
    follow_ups=(
        then(
            "Experiments need reproducible noise. Is a fixed seed allowed there?",
            "Yes, where no real person is protected by it, and the result says so. In production whoever "
            "knows the seed subtracts the noise; so no seed in a config, in a log or in a notebook, and a "
            "test that two runs differ.",
            "06",
            "draws honest noise and keeps its seed secret",
        ),
        then(
            "Which of these would a unit test have found, and which test?",
            "Independence of coordinates and scale, by a few hundred draws standardised by what the noise "
            "should be; ranges by enumeration on a tiny field; reuse by a protocol state that raises. Not "
            "the short seed: that needs reading, or two secrets that collide.",
            "06",
            "06.3",
        ),
    ),
)

NOISE_QUESTIONS = (_WHERE_NOISE, _RANDOMNESS)
