"""Lesson 08, secure aggregation: its seven exercises, the answers that it lends, and the hints."""

from course.exercises.exercise import Exercise
from course.exercises.lesson_08_masks import (
    left_over,
    masked_input,
    pairwise_masks,
    verify_left_over,
    verify_masked,
    verify_pairwise,
)
from course.exercises.lesson_08_rules import give_shares, smallest_threshold, verify_answer, verify_threshold
from course.exercises.lesson_08_totals import bits_that_fit, unmask, verify_bits, verify_unmask

EXERCISES = (
    Exercise(
        "08.1", "pairwise_masks", "masks that cancel in pairs", pairwise_masks, verify_pairwise,
        (
            "Two phones stretch the same seed to the same mask. Which of the two subtracts it, if both know only the two ids?",
            "Start with np.zeros(length, dtype=np.uint32); for each other id add stretch(seed, length) if it is larger than "
            "me, and subtract it if it is smaller.",
            "for other, seed in seeds.items(): mask = mask + stretch(seed, length) if other > me else mask - stretch(seed, "
            "length)",
        ),
        points=2,
    ),
    Exercise(
        "08.2", "left_over", "what a dropped phone leaves over", left_over, verify_left_over,
        (
            "The dropped phone and a survivor share a mask. Whose half of it is in the sum, and with which sign?",
            "Take what the dropped phone would have added towards the survivors, pairwise_masks(dropped, …), and turn its "
            "sign round.",
            "return np.negative(pairwise_masks(dropped, {i: seeds[i] for i in survivors}, length))",
        ),
    ),
    Exercise(
        "08.3", "masked_input", "a second mask, of one's own", masked_input, verify_masked,
        (
            "If the server learns all your pairwise seeds, what else must be added to your vector so that it stays hidden?",
            "Three terms: the vector, stretch(own_seed, len(vector)), and pairwise_masks(me, seeds, len(vector)).",
            "return vector + stretch(own_seed, len(vector)) + pairwise_masks(me, seeds, len(vector))",
        ),
    ),
    Exercise(
        "08.4", "give_shares", "the share that is due, and no other", give_shares, verify_answer,
        (
            "Which of its two secrets may the server have of a phone that survived, and which of one that dropped?",
            'due = "seed" if owner in survivors else "key". Check every entry of `wanted` before you give anything away, and '
            "that you hold a share of that owner.",
            "if owner not in held or kind != due: raise ProtocolViolation(…); after the loop return {owner: held[owner][kind] "
            "for owner, kind in wanted.items()}",
        ),
        points=2,
    ),
    Exercise(
        "08.5", "smallest_threshold", "one list, not two", smallest_threshold, verify_threshold,
        (
            "An honest phone signs one list, an accomplice both. How many signatures are there for two lists together, at most?",
            "At most num_phones + accomplices signatures; two lists need 2 · threshold. Choose the threshold so that this "
            "is more than there are.",
            "return (num_phones + accomplices) // 2 + 1",
        ),
    ),
    Exercise(
        "08.6", "unmask", "all masks off", unmask, verify_unmask,
        (
            "Which masks are in the sum of the masked inputs that have no partner in it to cancel them?",
            "Add the masked inputs; subtract stretch(own_seeds[i], length) for each survivor i, and "
            "left_over(…) for each dropped phone, with the survivors from `masked`.",
            "total = total - left_over(gone, seeds, tuple(masked), length), for gone, seeds in dropped_seeds.items()",
        ),
        points=2,
    ),
    Exercise(
        "08.7", "bits_that_fit", "room for the sum", bits_that_fit, verify_bits,
        (
            "How large can the sum get, in steps of 2 to the −f, and from which size on is it read as negative?",
            "num_clients · largest · 2**f must stay below modulus // 2. Try f = 0, 1, 2, … or take a base-2 logarithm and "
            "round it down.",
            "bits = 0; while num_clients * largest * 2 ** (bits + 1) < modulus // 2: bits += 1; return bits",
        ),
    ),
)  # fmt: skip
