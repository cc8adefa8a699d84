"""Questions on clients that lie or vanish: lessons 02, 07, 08 and 11."""

from course.interview.walkthrough import Walkthrough, says, then

_ROBUST_AND_SECURE = Walkthrough(
    id="robust-and-secure",
    question=(
        "Security wants robust aggregation against poisoned updates. Privacy wants secure aggregation. Can"
        " we have both?"
    ),
    minutes=6,
    rubric=(
        "States the conflict: a median or an outlier test needs single updates, and secure aggregation "
        "hides exactly those",
        "States the assumption of robust rules (honest clients resemble each other) and what happens on "
        "uneven data",
        "Says that a bound checked by the client itself does not bind a client that lies, unless a proof "
        "comes with it",
        "Offers what is left: admission of clients, and robust rules over sums of groups, with the price "
        "in privacy",
        "Separates secrecy from integrity: a forged share or input changes a sum without a trace",
        "Watches the result by class or client on held-out data, not by one accuracy",
    ),
    weak=(
        "Yes: use secure aggregation for privacy and replace the mean by the coordinate-wise median or "
        "Krum on the server, and clip the updates so that outliers cannot do much harm."
    ),
    why_weak=(
        "Under secure aggregation there are no single updates on the server of which it could take a "
        "median. And the clip would be done by the very client that one does not trust."
    ),
    strong=(
        says(
            "There is a need: one liar of ten, who sends its update ten times the wrong way, left FedAvg "
            "at 21 % or below in every run.",
            "02",
            "One liar in ten leaves FedAvg below 25 % in every seed, on both splits",
        ),
        says(
            "The robust rule compares each number over all clients, so it needs every client's model in "
            "the clear, or a protocol far dearer than a sum.",
            "02",
            "02.3",
            1,
        ),
        says(
            "Secure aggregation takes that away on purpose: what a phone sends looks uniform to the "
            "server, and a scaled or a poisoned update looks no different.",
            "08",
            "What phone 20 sends looks uniform",
            1,
        ),
        says(
            "And the rule has its own price. It assumes that honest clients agree: under attack on two "
            "shards each the median was 27 points behind honest FedAvg.",
            "02",
            "With two shards each, it is more than twenty points behind",
            2,
        ),
        says(
            "Even without any liar it cost 14 points there, because a client that alone knows a digit "
            "looks like an outlier.",
            "02",
            "On two shards, insuring against a liar costs over five points when there is none",
            2,
        ),
        says(
            "Bounds inside the client protect against accidents. Our phone refuses to send a weight of 6 "
            "that could overflow; a liar would remove the check, and nobody can look at what it sends.",
            "08",
            "A phone with a weight of 6 refuses to send",
            3,
        ),
        says(
            "To bind a liar, a proof has to come with the masked input: a proof in zero knowledge that its"
            " norm is within the bound, as for the log-in's too long vectors, or attested hardware, if one"
            " trusts that.",
            "09",
            "What helps is a proof that comes with the probe",
            3,
        ),
        says(
            "What is left: decide who may be a client, by keys and registration; an unregistered node was "
            "turned away.",
            "02",
            "The unregistered node was turned away",
            4,
        ),
        says(
            "And robust rules over the sums of groups. The groups of a round must be disjoint, since two "
            "sums that differ by one phone gave away all 784 pixels, and a small group hides less.",
            "08",
            "None: two honest sums give phone 20 away",
            4,
        ),
        says(
            "I would say plainly that secrecy is not integrity: a party that saw nothing but uniform "
            "numbers moved the average by exactly 1,000.",
            "07",
            "The average has moved by exactly 1,000",
            5,
        ),
        says(
            "And I watch the released model by class: losing one client cost 1.7 points overall, a drop "
            "that one takes for noise, and of the fives, nothing was recognised any more.",
            "02",
            "Of the fives, almost none is recognised any more",
            6,
        ),
    ),
    follow_ups=(
        then(
            "How small may a group be whose sum you look at?",
            "So large that enough honest phones are in it: with one honest phone the others subtract their"
            " own vectors. The threshold must exceed half of group plus accomplices, and each group's sum "
            "needs noise for its own survivors, so small groups also pay more noise in the mean.",
            "08",
            "And in a sum with one honest phone the others subtract their own vectors",
        ),
        then(
            "Does the noise of differential privacy not stop poisoning anyway?",
            "An enforced clip limits what one client moves (C over the cohort); noise of mean zero removes"
            " no bias, and many liars add up. Under secure aggregation the clip is the client's own, so "
            "the limit needs a proof or trust.",
            "06",
            "After clipping they move it by 1.5, the clipping norm",
        ),
    ),
)

_DROPOUTS = Walkthrough(
    id="dropouts",
    question=(
        "A tenth of our clients vanish in every round. Go through the system layer by layer: what breaks, "
        "and what has to be designed for it?"
    ),
    minutes=6,
    rubric=(
        "Learning: who is missing takes something along that only they know, and nothing raises an error",
        "Sums: additive shares and pairwise masks need everybody; says what repairs them (shares above a "
        "threshold)",
        "The late message: a client that was declared gone and then arrives must not be readable, so a "
        "second mask",
        "Noise: shares of it vanish with the clients, so it is planned for the survivors, with a spare",
        "Account: a client whose input was sent has taken part, even if it vanishes afterwards; write "
        "before sending",
        "Operations: time-outs, a minimum of replies, and a retry counted as another release",
    ),
    weak=(
        "FedAvg averages over whoever answers, so it is robust to dropouts by design. With a tenth missing"
        " each round the effect averages out over rounds, and we can set a time-out to keep it fast."
    ),
    why_weak=(
        "It assumes that people drop out at random. It says nothing of masks that no longer cancel, of "
        "noise that is no longer there, or of who has spent privacy; the model is the smallest of these "
        "problems."
    ),
    strong=(
        says(
            "The model first, since it is the quiet part: without one client the accuracy fell by 1.7 "
            "points, and its digit was no longer recognised at all.",
            "02",
            "Overall accuracy drops by less than five points",
            1,
        ),
        says(
            "Nothing raises: in Flower, if every client fails, FedAvg keeps the old model and goes on. So "
            "I count replies and set a minimum.",
            "02",
            "if every client fails, it keeps the old model and goes on",
            1,
            6,
        ),
        says(
            "Sums need everybody unless one plans for it. With five parties, each silent one time in ten, "
            "41 % of additive sums fail, and with any 3 of 5 shares 0.9 %.",
            "07",
            "3 of 5 fail in fewer than one run in a hundred",
            2,
        ),
        says(
            "Pairwise masks break in the same way: without one phone, 0 entries of the sum were right.",
            "08",
            "Without phone 20 hardly an entry of the sum is right",
            2,
        ),
        says(
            "So each phone deals shares of its key before it sends anything, and three shares repair the "
            "sum of the four.",
            "08",
            "Three shares repair the sum of the four",
            2,
        ),
        says(
            "That opens a hole: the phone was only slow, its vector arrives after its key was put "
            "together, and the server reads all 784 pixels.",
            "08",
            "The server reads all 784 pixels of phone 20",
            3,
        ),
        says(
            "Hence a mask of one's own, whose seed nobody gives away for a phone that was declared gone; "
            "with it on, hardly an entry was right.",
            "08",
            "With a mask of its own hardly an entry is right",
            3,
        ),
        says(
            "Noise shares vanish with their owners. Hospitals that plan for one missing share have the "
            "needed noise with any five of six, and about a tenth too much when all are there.",
            "11",
            "Five of six shares are the noise that is needed",
            4,
        ),
        says(
            "When did somebody drop out? Before the masked input they are out of the sum; after it, their "
            "vector counts, and so does their privacy loss.",
            "08",
            "Once sent, phone 20's input counts",
            5,
        ),
        says(
            "So a client writes the round into its account before it sends: a crash then counts too much, "
            "never too little.",
            "11",
            "11.4",
            5,
        ),
        says(
            "And somebody has to wait. A silent node was given up 60 s after its last sign of life; the "
            "strategy's time-out can end the round sooner.",
            "02",
            "The SuperLink gives a node up 60 s after its last sign of life",
            6,
        ),
    ),
    follow_ups=(
        then(
            "Today only 45 % stayed, below the threshold. May the server lower the threshold for this round?",
            "No. A threshold of half or less lets a lying server tell two stories and get seed and key. "
            "The round fails, with no sum rather than a wrong one, and the next one begins with fresh "
            "keys.",
            "08",
            "A threshold of two of five is refused",
        ),
        then(
            "Then we repeat the round at once with those who stayed. Does that cost privacy?",
            "If no sum was released, the masked inputs said nothing, but the account may have been "
            "charged. If one was, it is a second release of the same people, and the difference of the two"
            " sums is that of the cohorts.",
            "08",
            "None: two honest sums give phone 20 away",
        ),
    ),
)

CLIENT_QUESTIONS = (_ROBUST_AND_SECURE, _DROPOUTS)
