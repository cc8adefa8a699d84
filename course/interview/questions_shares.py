"""Questions on shares, fields and randomness: lessons 07 and 08, with 06, 09 and 11."""

from course.interview.walkthrough import Walkthrough, says, then

_THRESHOLD = Walkthrough(
    id="threshold",
    question=(
        "Five hundred phones in a secure sum; up to a hundred may work for the server, and some drop out. "
        "Which threshold do you set, and what does it decide?"
    ),
    minutes=5,
    rubric=(
        "Names the two sides: how many may vanish (all above the threshold), and how many may conspire "
        "(fewer than it)",
        "Gives 301 for a server that may lie: half of phones plus accomplices, and one more, with the reason",
        "Says that half or less is refused, and which attack that would allow",
        "Says that 199 may drop out then, and that with more there is no sum, rather than a wrong one",
        "Ties the noise to it: it is planned for the smallest number of honest survivors",
        "Says that shares beyond the threshold are what detects a false share",
    ),
    weak=(
        "A majority is the usual choice, so 251. It survives almost half of the phones dropping out, and "
        "250 colluding phones cannot reconstruct anything because they have too few shares."
    ),
    why_weak=(
        "It counts shares of honest phones only. A lying server shows two lists to two groups, and its "
        "accomplices sign both: two lists of 251 need 502 signatures, and 600 exist."
    ),
    strong=(
        says(
            "A threshold is a bargain: the same number says how many must answer and how many must "
            "conspire. With one silent party in ten, 3 of 5 fail in 0.9 % of runs and five of five in 41 "
            "%.",
            "07",
            "Additive sharing in over forty",
            1,
        ),
        says(
            "Against a curious server it must exceed the accomplices. Against a lying one no two lists of "
            "survivors may both find enough signatures, and accomplices sign both: half of phones plus "
            "accomplices, and one more.",
            "08",
            "08.5",
            2,
        ),
        says(
            "Here that is three hundred and one of five hundred: one hundred and ninety-nine may drop out."
            " The lesson's case of the rule is 300 phones with 100 accomplices, where 201 must stay to the"
            " end.",
            "08",
            "Against a third of accomplices more than two thirds of all phones must stay",
            2,
            4,
        ),
        says(
            "Half or less is refused: with 2 of 5, two groups that are told two stories hand over seed and"
            " key, each in good order.",
            "08",
            "Two stories give the server the seed and the key",
            3,
        ),
        says(
            "If more vanish, there is no sum, rather than a wrong one.",
            "08",
            "With three gone there is no sum, rather than a wrong one",
            4,
        ),
        says(
            "The noise shares are planned for the threshold too; an accomplice takes its own off, so I "
            "count the honest survivors only, at worst two hundred and one here.",
            "08",
            "The noise is planned for three shares, the threshold",
            5,
        ),
        says(
            "And spare shares detect lies: with five announcements of a parabola all 15 groups of one or "
            "two liars were caught; with exactly three a lie passes.",
            "07",
            "One or two liars of five are caught, all 15 groups of them",
            6,
        ),
    ),
    follow_ups=(
        then(
            "Product says that 35 % drop out on bad days. What now?",
            "301 of 500 leaves 199, about 40 %, so it just fits; with fewer accomplices assumed there is "
            "more room. Otherwise smaller rounds for those who are charging, or more phones enrolled; not "
            "a lower threshold on bad days, which is what an attacker would arrange.",
            "08",
            "A threshold of two of five is refused",
        ),
        then(
            "On a sparse graph each phone has 64 neighbours. What is the threshold about there?",
            "About each neighbourhood: so many neighbours must stay, and fewer accomplices than that may "
            "sit around any phone, with all but a tiny probability, which holds only if nobody could "
            "choose the graph.",
            "08",
            "neighbours, {chosen.threshold} must stay",
        ),
    ),
)

_FIXED_POINT = Walkthrough(
    id="fixed-point",
    question=(
        "Our updates are floats, the secure sum adds whole numbers modulo 2^32. Design the encoding, and "
        "tell me what can go wrong without anybody noticing."
    ),
    minutes=5,
    rubric=(
        "Fixed point with a public scale, and the upper half of the ring for negative numbers",
        "Says that the sum overflows silently, and gives the bound: clients times largest entry times "
        "steps below half the modulus",
        "Says who enforces the bound: each client, before it sends, on a limit that all know",
        "Sends weight times update and the weight, so that the mean comes from two sums",
        "Looks at rounding: its size, that it need not cancel, and its effect on the clipping norm that "
        "the noise relies on",
        "Draws masks from the whole ring and noise in whole steps",
    ),
    weak=(
        "Multiply by 2^16, round to integers, add everything modulo 2^32 and divide by 2^16 again. "
        "Rounding errors are random and average out over clients, and 32 bits are plenty for weights "
        "around one."
    ),
    why_weak=(
        "It has no bound on an entry times the number of clients and examples, so an overflow will look "
        "like a weight. Roundings of the same number go the same way, and rounding up can lengthen an "
        "update beyond the clip."
    ),
    strong=(
        says(
            "Steps of 2^(−f), negative numbers in the upper half of the ring: finer steps round less and "
            "overflow earlier.",
            "08",
            "Finer steps round less, and overflow earlier",
            1,
        ),
        says(
            "A single number that does not fit can be refused; the sum cannot, since nobody sees it. In a "
            "small field the sum of 40 numbers came out 1024 off, and looked like any other number.",
            "07",
            "The sum of 40 is off by twice p steps, silently",
            2,
        ),
        says(
            "So the bits follow from a bound: number of clients times the largest entry, in steps, stays "
            "below half of the modulus.",
            "08",
            "08.7",
            2,
        ),
        says(
            "Each client checks its own numbers, because nobody else can look: a weight of 6 on 600 "
            "examples is refused where 3276.8 is the most that is allowed.",
            "08",
            "A phone with a weight of 6 refuses to send",
            3,
        ),
        says(
            "The weighted mean is two sums, so a client sends its count times each parameter, and its "
            "count. Under a promise I weigh all clients alike, because a count is data too, and stretches "
            "what one client can move.",
            "08",
            "So phone k sends n_k · w_k for each parameter",
            4,
        ),
        says(
            "Then the secure mean is the mean up to half a step each, here 1.3e-8, which is of the order "
            "of a float32's own rounding.",
            "08",
            "The promise is of the order of a float32's own rounding",
            5,
        ),
        says(
            "The roundings do not cancel where they are alike: weights that never move are the same number"
            " on all phones, rounded in the same direction.",
            "08",
            "phones round the same number in the same direction",
            5,
        ),
        says(
            "With noise I round towards zero, person by person, so that no rounding lengthens what was "
            "clipped and the sensitivity stays.",
            "11",
            "which rounds each *patient* towards zero",
            5,
        ),
        says(
            "Masks come from the whole ring. Masks of one byte, added without a modulus, left the picture "
            "visible.",
            "08",
            "Small masks leave the picture visible",
            6,
        ),
        says(
            "And the noise is drawn in whole steps, a discrete Gaussian, because a ring has no fractions. "
            "It needs room in the ring as well.",
            "08",
            "because a ring has no fractions",
            6,
        ),
    ),
    follow_ups=(
        then(
            "After ten rounds the weights differ from plain FedAvg in the fourth digit. A bug?",
            "Not necessarily: training amplifies any difference in the last digit, and averaging in double"
            " precision alone did as much. Compare strictly after one round, and by accuracy after "
            "several.",
            "08",
            "That moves the weights as well, and no weight by 0.05 either",
        ),
        then(
            "Why did you take 2^32 and not a prime, as for shares?",
            "A sum needs no division, and a machine's unsigned integers wrap at 2^32 by themselves, so "
            "masks are fast. Shamir's reconstruction divides, so it needs a field; it is used for keys and"
            " seeds, which are small.",
            "07",
            "07.4",
        ),
    ),
)

SHARE_QUESTIONS = (_THRESHOLD, _FIXED_POINT)
