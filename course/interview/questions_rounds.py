"""Questions on rounds, on bytes, and on which method is better: lessons 01 and 02, with 08 and 10."""

from course.interview.walkthrough import Walkthrough, says, then

_BYTE_BUDGET = Walkthrough(
    id="byte-budget",
    question=("Each phone may move 20 megabytes for the whole training of one model. How do you spend them?"),
    minutes=5,
    rubric=(
        "Computes what a round costs a phone: the model down and the update up, and says what is not counted",
        "Spends bytes on fewer rounds with local steps, and compares bytes to a target accuracy, not rounds",
        "Says that local steps lose their value where clients hold different data, and how to measure that"
        " first",
        "Judges a method that sends more (such as SCAFFOLD's controls) at equal bytes",
        "Adds what masking costs: wider entries, keys and shares",
    ),
    weak=(
        "I would quantise the updates to 8 bits and sparsify them to the top one percent. That makes them "
        "a hundred times smaller, so we can afford a hundred times more rounds."
    ),
    why_weak=(
        "It begins with compression before it has counted anything, leaves the download out, and assumes "
        "that accuracy per round survives. A sparse set of positions does not add up under masks as it is,"
        " and rounds are not the goal."
    ),
    strong=(
        says(
            "First the count: a round moves the model down to each phone of the cohort and back up, so a "
            "phone pays twice the model a round. Twenty megabytes and a model of one megabyte leave at "
            "most ten rounds a phone. Headers, check-ins, retries and keys come on top, so I plan for "
            "fewer.",
            "01",
            "01.4",
            1,
        ),
        says(
            "So I want few rounds with much learning in each. On fair shares, one step a round took 50 "
            "rounds to 85 %, over 3 times what FedAvg needed with the same bytes and the same computing a "
            "round.",
            "01",
            "On fair shares it sends over three times the bytes of FedAvg to get there",
            2,
        ),
        says(
            "How many local steps pay off depends on how far clients disagree. I measure the cosine of "
            "first-round updates on a simulation: about 0.8 on fair shares, 0.05 on two shards a client.",
            "01",
            "Two-shard clients' updates have one below 0.15: nearly right angles",
            3,
        ),
        says(
            "More local epochs often save rounds and never by law: in a table of McMahan et al., with "
            "batches of 50, two-shard data took 334 rounds at five epochs and 426 at twenty.",
            "01",
            "You raise the local epochs from 1 to 20 on two-shard data",
            3,
        ),
        says(
            "A remedy for drift has to win at equal bytes. SCAFFOLD sends two numbers for each of "
            "FedAvg's, and at equal bytes it was 6.6 points behind.",
            "01",
            "At equal bytes SCAFFOLD is more than three points behind",
            4,
        ),
        says(
            "If sums are masked, an entry takes the ring's width whatever is in it, and small vectors pay "
            "for keys and shares: with five phones and 784 entries, the rest cost about as many bytes "
            "again.",
            "08",
            "With five phones a vector of 784 entries costs about as many bytes again",
            5,
        ),
        says(
            "For large models the overhead tends to the width: most of the difference between the paper's "
            "1.73 and our 2.31 is 32 bits for entries that need 26, so narrow the ring before anything "
            "clever.",
            "08",
            "Most of the difference is 32 bits for entries that need 26",
            5,
        ),
    ),
    follow_ups=(
        then(
            "We double the cohort. What changes for one phone, for the server, and for privacy?",
            "A phone pays the same in each round that it is in (its masks and shares grow a little), but "
            "is in twice as many rounds. The server moves twice as much. The sampling rate doubles, so ε "
            "grows unless the multiplier does; the noise in the mean halves at the same multiplier. At ε ="
            " 1 the two nearly cancel (lesson 06 measured it at equal passes).",
            "06",
            "At ε = 1, batches a sixteenth as large add at most a tenth more noise",
        ),
        then(
            "Why not share updates as the gradients of every batch, compressed to one bit?",
            "One bit an entry saves 32-fold a message and costs a round trip a step; compare bytes to a "
            "target. It is no privacy. And signs add up to a vote, so the server's step needs another rule"
            " than a mean.",
            "03",
            "With signs only, the median is still above the mean digit's",
        ),
    ),
)

_BEATS_FEDAVG = Walkthrough(
    id="beats-fedavg",
    question=(
        "A paper reports that its aggregation rule beats FedAvg by two points on non-IID data. Your lead "
        "wants it in production next week. How do you find out whether it is true for you?"
    ),
    minutes=5,
    rubric=(
        "Asks over how many seeds and splits, and compares the lead with the spread between them",
        "Asks how FedAvg was tuned: its own learning rate, as many tries, not on the test set",
        "Asks in which currency it wins: rounds, bytes or local compute",
        "Asks for the worst client, and for what that client gets alone",
        "Compares pairs within a seed, and counts how many comparisons were made",
        "Reruns both in one code base, because rounds from two code bases do not compare",
    ),
    weak=(
        "I would look whether the paper is from a good venue and whether code is published, run it once on"
        " our data with the settings from the paper, and adopt it if our accuracy is two points higher as "
        "well."
    ),
    why_weak=(
        "One run cannot separate two points from the luck of a split. The paper's settings are tuned for "
        "the new rule, not for FedAvg on this data, and neither bytes nor the worst client are looked at."
    ),
    strong=(
        says(
            "First the spread. SCAFFOLD's mean lead over five deals was 0.5 points, and from deal to deal "
            "the lead differed by 9 points: five seeds named no winner.",
            "01",
            "Per round, five deals name no winner: they differ by more than the mean lead",
            1,
        ),
        says(
            "It took 20 deals to see 1.5 points, with a standard error of 0.5. So before I run anything I "
            "compute how many splits the claimed lead needs.",
            "01",
            "Over twenty deals SCAFFOLD's lead is more than two standard errors",
            1,
        ),
        says(
            "Then the tuning. At FedAvg's learning rate SCAFFOLD ended over 3 points lower than at its "
            "own, in one run; a comparison at one rate decides the winner by the choice of the rate.",
            "01",
            "At FedAvg's learning rate SCAFFOLD ends over three points lower than at its own (one run)",
            2,
        ),
        says(
            "And on which set it was tuned: our FedAdam was ahead by less than the luck of a seed, and "
            "tuned on the very test set that shows it, which is not evidence.",
            "02",
            "it was tuned on the very test set that shows it",
            2,
        ),
        says(
            "Then the currency: per round the two were alike, and at equal bytes the new rule was 6.6 "
            "points behind.",
            "01",
            "At equal bytes SCAFFOLD is more than three points behind",
            3,
        ),
        says(
            "Then who wins: in one run on two-shard clients, the worst was 11 points below the mean "
            "client, and all 10 would have done better alone on their own digits. A higher mean says "
            "nothing about them.",
            "01",
            "The worst-served client is more than five points below the mean client",
            4,
        ),
        says(
            "I compare seed by seed, so that easy and hard draws cancel, and say how many comparisons I "
            "made. In the hospitals a lead of 0.011 had an interval from −0.004 to 0.025; the one of 0.015"
            " excluded zero, as one of two.",
            "10",
            "For the second they do, one of two comparisons at 95 %",
            5,
        ),
        says(
            "And both run in our code. Our rerun of a published row took 43 rounds where the paper has 87,"
            " with the same recipe, and we do not know why.",
            "01",
            'for split, rounds in record["published_rounds"].items():',
            6,
        ),
    ),
    follow_ups=(
        then(
            "Over 20 splits the standard error was half a point. How many splits do you need to see 1.5 "
            "points?",
            "The deviation between splits is 0.5 · √20, about 2.2 points. For a lead of 1.5 to be two "
            "standard errors, 2 · 2.2 / √n ≤ 1.5, so about nine. But with nine, a true lead of 1.5 comes "
            "out above two errors only half of the time; to see it in four of five tries takes about (2.8 "
            "· 2.2 / 1.5)², eighteen, and more if several rules are compared.",
            "01",
            "Over twenty deals SCAFFOLD's lead is more than two standard errors",
        ),
        then(
            "It wins on the mean and loses two points at the worst client. Do you adopt it?",
            "Asks who that client is and what it has alone; a participant who loses by taking part leaves."
            " Looks for a cheaper remedy (personal layers, own threshold), and does not average the two "
            "numbers away.",
            "01",
            "In this run, most clients would do better alone on their own digits",
        ),
    ),
)

ROUND_QUESTIONS = (_BYTE_BUDGET, _BEATS_FEDAVG)
