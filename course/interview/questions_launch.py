"""The first question of the field: what to ship."""

from course.interview.walkthrough import Walkthrough, says, then

LAUNCH = Walkthrough(
    id="launch",
    question=(
        "Next quarter we train one model on two million phones. Product wants accuracy, legal wants a "
        "privacy guarantee, infrastructure counts megabytes. How do you balance privacy, utility and "
        "communication?"
    ),
    minutes=12,
    rubric=(
        "Turns 'balance' into a constrained problem: fixes two of accuracy, bytes and ε as limits, "
        "optimises the third, and says that there may be no solution",
        "Says a whole privacy sentence: the unit is a user, ε is the total over all rounds and "
        "retrainings, with a δ",
        "Adds the noise once, to a securely computed sum, in shares, and says why not in full at each phone",
        "Names the number of people who take part as the lever that buys utility without spending privacy,"
        " with the reason",
        "Counts bytes to a target, not rounds: local steps save them, drift limits that, and masks cost some",
        "Says on whose data the settings are tuned, and that tuning on private data is itself a release",
        "Asks for the worst client or group beside the mean",
        "Says in which order things give way if no setting meets all limits",
    ),
    weak=(
        "It is a trade-off: more noise means more privacy and less accuracy, so I would tune ε on a "
        "validation set until accuracy is acceptable, take around 8, and compress the updates to save "
        "bandwidth."
    ),
    why_weak=(
        "It names no unit, no total and no number of rounds, so 8 means nothing. It tunes on private data "
        "and does not count that. It treats the three as one dial, although more people improve accuracy "
        "and privacy at once, and it looks at a mean only."
    ),
    strong=(
        says(
            "I write it as a constrained problem: the smallest ε a user, subject to an accuracy floor and "
            "a cap of megabytes a phone. There may be no solution, and then I say which limit binds: with "
            "the lesson's recipe, a model of 1,000 people at ε = 0.1 is worse than always saying no.",
            "06",
            "On 1,000 people, ε = 0.1 is worse than always saying no",
            1,
        ),
        says(
            "So the solver gives either a setting, or which limit is in the way and how far the nearest "
            "setting is: asked for 88 % within a tenth of a megabyte, it said that the accuracy must give "
            "way by over a point, or the bytes be more than doubled.",
            "12",
            "Within a tenth of a megabyte the accuracy must give way by over a point",
            1,
        ),
        says(
            "The promise is to a user, at a δ well below one over two million, so all that one phone "
            "contributes to a round is clipped as one vector. Clip by record instead, and a heavy user "
            "escapes: with C = 0.3, a patient with 80 slices moved the sum by 16.",
            "11",
            "Clipped slice by slice, by more than twenty times C",
            2,
        ),
        says(
            "ε is the total over all rounds and over next year's retraining. In the hospital's account two"
            " studies came to 3.78, where a fresh accountant that forgets the first says 2.04.",
            "11",
            "All together cost a third more than a fresh accountant says",
            2,
        ),
        says(
            "The noise goes once into the secure sum, and each phone adds a share of it. If every phone "
            "hid itself alone, there would be √n times more noise in the sum.",
            "08",
            "there would be √n times more noise in the sum",
            3,
        ),
        says(
            "That is measurable even with six hospitals: at ε ≤ 1, noise once on the sum reached 0.023 "
            "more AUROC than noise at each hospital, with an interval from 0.009 to 0.036.",
            "11",
            "At 1, noise once is better than noise at each hospital, with its whole interval",
            3,
        ),
        says(
            "So the lever that I pull first is how many people take part: the noise in the sum stays, "
            "and its share of the mean shrinks, in our run from 24 a pixel with 5 phones to 0.001 with "
            "100,000. Drawing more of the same two million each round is no gift: it costs bytes, and "
            "the sampling rate rises, which eats a part of what the larger crowd earns.",
            "08",
            "In the mean of 100,000 it is under a hundredth of grey",
            4,
        ),
        says(
            "For bytes I let phones take several local steps: on fair shares, one step a round (FedSGD) "
            "took 50 rounds to 85 %, over 3 times the bytes of FedAvg.",
            "01",
            "On fair shares it sends over three times the bytes of FedAvg to get there",
            5,
        ),
        says(
            "Bytes and privacy are one budget, as bytes pay for more rounds with more noise in each, or for "
            "a larger cohort that shares one noise: at equal accuracy, a tenth of the bytes cost over twice "
            "the ε.",
            "12",
            "A tenth of the bytes costs over twice the ε",
            4,
            5,
        ),
        says(
            "Local steps have a limit where phones hold different data: their first updates had a mean "
            "cosine of 0.8 on fair shares and 0.05 on two shards each. I measure that before I raise the "
            "local epochs.",
            "01",
            "Two-shard clients' updates have one below 0.15: nearly right angles",
            5,
        ),
        says(
            "Masking costs bytes too: for a thousand phones and a million sixteen-bit parameters, 2.31 "
            "times the bare vector in our protocol, 1.73 times by the paper's count.",
            "08",
            "The paper's count is 1.73, ours 2.31",
            5,
        ),
        says(
            "Clipping norm, rate and local epochs are tuned on public or simulated data. The 54 runs of "
            "the simulated hospitals' search would have cost an ε of 63 on the patients themselves.",
            "11",
            "The search would have cost over ten times the whole budget",
            6,
        ),
        says(
            "I report the worst group beside the mean: at ε = 1 on Adult everybody together lost 0.4 "
            "points, women over 50K lost 7.4 points, and most of that came with clipping, not with noise.",
            "06",
            "Women over 50K lose more than four points",
            7,
        ),
        says(
            "If nothing meets all limits, I ask for more people, then for fewer parameters, and only then "
            "for a larger ε or no launch. Fewer parameters help at once: at ε = 3 the noise of 5,569 "
            "weights was 111 % of the longest sum possible, that of 41 weights 10 %.",
            "11",
            "The network's noise is as long as the longest sum",
            8,
        ),
    ),
    follow_ups=(
        then(
            "Legal insists on ε ≤ 1. Product says that the accuracy floor is then missed. What now?",
            "Checks that both mean the same sentence (per user, in total). Offers more users, fewer "
            "rounds, fewer parameters, a cheaper question. Refuses the relabellings that make the number "
            "smaller and nothing else: ε per round, per event, or a larger δ. Shows the measured price "
            "with its interval, and says if it is infeasible.",
            "11",
            "At 8, 3 and 1 the price is below 0.05, with its whole interval",
        ),
        then(
            "Infrastructure proposes to send signs only, one bit a parameter. Does that also help privacy?",
            "Bytes yes, privacy no: signs are a deterministic function of the data, so there is no ε, and "
            "inversion from signs still beat the best guess without them. A phone that adds all of its "
            "noise itself may compress afterwards: post-processing costs no ε, though perhaps accuracy. "
            "Shares of noise have to survive the sum, so there one quantises first, bounds what that adds "
            "to the norm, and then adds whole-number noise.",
            "03",
            "With signs only, the median is still above the mean digit's",
        ),
        then(
            "Three months after launch, how would you notice that the promise is being broken?",
            "Recomputes the ledger with a second accountant from logged rounds, rates and multipliers; "
            "counts survivors against the number that the noise was planned for; runs an audit with "
            "canaries and says where its ceiling is; watches for retries and for second cohorts that "
            "nobody entered.",
            "06",
            "All three broken versions are caught at a claimed ε = 1",
        ),
    ),
)
