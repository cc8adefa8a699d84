"""Questions on what an attack shows, and on finding members: lessons 00, 03 and 04, with 06 and 11."""

from course.interview.walkthrough import Walkthrough, says, then

_FAILED_ATTACK = Walkthrough(
    id="failed-attack",
    question=(
        "Our red team spent a month on gradient inversion and membership inference. Nothing worked. Can we"
        " tell the regulator that the system does not leak?"
    ),
    minutes=4,
    rubric=(
        "Says that a failed attack is evidence about that attack, and that only an upper bound speaks "
        "about all attacks",
        "Gives a case where a second attacker succeeded on exactly the same release",
        "Asks what was measured against which baseline, since the secret may not be what the score measures",
        "Asks for both controls: a leaky system on which the attack works, and an empty one on which it "
        "must fail",
        "Names what would bound the leak, with its unit, and words a sentence that is true",
    ),
    weak=(
        "A month of a skilled red team with published attacks is strong evidence. I would say that "
        "state-of-the-art attacks do not succeed against the system, and repeat the test every year."
    ),
    why_weak=(
        "Without controls nobody knows whether the attacks were able to succeed anywhere. And 'state of "
        "the art' moves: the release that was attacked stays out there for ever."
    ),
    strong=(
        says(
            "No. We know that these attacks, as run, failed. Looking at one unit of an update from fifty "
            "images gave a smear, and another unit of the same update a legible digit.",
            "00",
            "With fifty, one unit's picture has under half the error that the mean digit has on that image",
            1,
            2,
        ),
        says(
            "The same with membership: on one model the loss threshold found 1 % at 1 % false alarms, "
            "which is chance, and the likelihood ratio 9 %. The model did not change, the attacker did.",
            "04",
            "Clopper–Pearson alone, LiRA at 1 %:",
            2,
        ),
        says(
            "Rounding looked like a defence: the attack fell to 2.5 % found. One changed line, and it was "
            "back at 8.5 %.",
            "04",
            "Yet one spread for all mends it: over three quarters of the rate is back",
            2,
        ),
        says(
            "I would ask what was measured. At z = 0.05 no picture reached 20 dB, and over 90 % of the "
            "labels were still read off: if the label is the diagnosis, the picture's score was the wrong "
            "one.",
            "03",
            "At z = 0.05, where no picture reaches 20 dB, over 90 % of the labels are still read off right",
            3,
        ),
        says(
            "And for the controls. The attack has to work on a model that leaks, as it did on an "
            "overfitted one, and must be at chance where nothing can be found.",
            "04",
            "With the target left out, the control is at chance",
            4,
        ),
        says(
            "What bounds all attacks is a theorem about the procedure: at ε = 1 nobody finds more than 2.7"
            " % of the members at 1 % false alarms, whoever is added or removed.",
            "06",
            "finds more than e^ε · 1 % + δ = 2.7 %",
            1,
            5,
        ),
        says(
            "So the sentence that I would sign: these attacks, with these controls, found nothing; the "
            "guarantee is the accountant's ε with its δ and its unit, if there is one.",
            "11",
            "and could have seen one of up to its ceiling",
            5,
        ),
    ),
    follow_ups=(
        then(
            "Then why pay for a red team at all?",
            "Because it refutes: it finds wrong code and wrong assumptions (missing noise, missing "
            "clipping, a forgotten log), it shows who is exposed, and it says how far these attacks stay "
            "below the bound. Its failures are only worth its controls.",
            "06",
            "All three broken versions are caught at a claimed ε = 1",
        ),
        then(
            "We have an ε of 8. The red team found nothing. Which of the two do you quote?",
            "Both, each for what it is: 8 allows near certainty, so as a promise it is weak; the attacks "
            "found little, which is evidence and no promise. Does not average them, and does not report "
            "the attack's result as 'effective ε'.",
            "11",
            "At 8 the promise allows near certainty",
        ),
    ),
)

_HIDE_SCORES = Walkthrough(
    id="hide-scores",
    question=(
        "To stop membership inference, product wants the API to return the predicted label only, no "
        "probability. Good idea?"
    ),
    minutes=4,
    rubric=(
        "Says that the label alone still tells members from others, and why (right more often with the "
        "person than without)",
        "Says that rounding breaks a formula and not the leak, and that the test must be an attacker who "
        "adapts",
        "Says who is exposed: a small group that can be named in advance, so that a mean over people hides"
        " it",
        "Names something that does reduce the leak, and keeps it apart from something that bounds it",
    ),
    weak=(
        "Yes. Membership inference needs the confidence scores, so without them the attack does not work. "
        "It costs nothing and most users only need the label. If somebody needs a score, we round it to "
        "two digits."
    ),
    why_weak=(
        "It takes one formula of the attack for the attack. The label is a score with one bit, and for the"
        " people whom the model gets wrong unless it has learned them by heart, that bit is the "
        "membership."
    ),
    strong=(
        says(
            "It removes an attack, not the leak. With the label alone a likelihood ratio of coins still "
            "found 6.4 % of the members at 1 % false alarms, against 8.8 % with all digits.",
            "04",
            "two digits, one spread for all",
            1,
        ),
        says(
            "The reason is in the two worlds: for an easy person it hardly matters whether a model had "
            "them, for a hard one it decides what the model says.",
            "04",
            "for A it hardly matters whether a model had them, for B it decides",
            1,
        ),
        says(
            "Rounding to two digits is instructive: our attack fell to 2.5 %, and one spread for all "
            "brought it back to 8.5 %. Rounding had broken the Gaussians, not the leak.",
            "04",
            "Yet one spread for all mends it: over three quarters of the rate is back",
            2,
        ),
        says(
            "I would also say whom it concerns: with one threshold for all, 84 % of the most surprising "
            "twentieth of people are found and 0.3 % of the least surprising half. The attacker can tell "
            "beforehand who is surprising.",
            "04",
            "Of the most surprising twentieth, over half are found",
            3,
        ),
        says(
            "What reduced it was less overfitting: on a calm model LiRA found 1.6 %, for less than a point"
            " of accuracy. That is a good habit and no promise.",
            "04",
            "On new people the calm model is less than 1.5 points behind, if at all",
            4,
        ),
        says(
            "What bounds it is training with noise: at ε = 1 LiRA found 0.88 %, with an interval around "
            "the 1 % of guessing. In that recipe it cost accuracy, 79 % after 82 %.",
            "06",
            "models = train_many(records, truths, member, hidden=64, seed=0, progress=name, **how)",
            4,
        ),
        says(
            "And a line stands above every attack, whatever the API returns: for a person who is added or "
            "removed, at 1 % false alarms not more than e^ε · 1 % + δ.",
            "06",
            "What LiRA finds stays below e^ε · 1 % + δ",
            4,
        ),
    ),
    follow_ups=(
        then(
            "How would you evaluate the change before launch?",
            "With an attacker who knows of it: shadow models that return labels too, rates at 1 % and 0.1 "
            "% false alarms with intervals and enough non-members, the most exposed group by itself, and "
            "the control of outsiders.",
            "04",
            "Even the label alone, which nearly every rounded answer contains, gives over half of it back",
        ),
        then(
            "Would a limit on the number of queries help?",
            "Against label-only attacks that probe around a record, somewhat. This one asks each target "
            "model once a person: the work is in the shadow models, which the attacker trains at home. So "
            "it hardly helps.",
            "04",
            "128 shadows find over a tenth more members than 32",
        ),
    ),
)

_TOO_GOOD = Walkthrough(
    id="too-good",
    question=(
        "Your new membership attack reaches 12 % true positives at 1 % false positives, well above the "
        "best that you know. What do you do before you tell anybody?"
    ),
    minutes=4,
    rubric=(
        "Runs it where nothing can be found, and expects chance there",
        "Looks for the target's own answer in what the attack was built from, and says that a small leak "
        "is hard to see",
        "Checks that there are enough non-members for the rate that is quoted",
        "Gives an interval that fits the dependence: the same people are asked by several targets, so "
        "resamples people or pools",
        "Compares with the old attack at the same rate, with the same targets and as many shadow models",
    ),
    weak=(
        "I would run it again with another random seed to see that it is stable, add more shadow models to"
        " make it stronger, and compare with the numbers in the literature on CIFAR-10."
    ),
    why_weak=(
        "A leak in the code repeats itself with every seed, and more shadows hide it. Published numbers "
        "are of other data, other models and other rates, so they can confirm nothing."
    ),
    strong=(
        says(
            "First the control: people who were in nobody's training set, with made-up coins. A "
            "colleague's attack reached an AUC of 0.61 there, so it had read the answer from its own "
            "notes.",
            "04",
            "on people who were never there: AUC",
            1,
            2,
        ),
        says(
            "The usual cause is a target among its own shadows. With many models the fault is small and "
            "looks like skill: 10.3 % found in place of 8.7 %.",
            "04",
            "On the real question, the fault passes for a better attack",
            2,
        ),
        says(
            "Then I count the non-members. To speak of a rate of 0.1 % takes 2,995 of them, three over the"
            " rate, and one target here has 1,000, a third of that.",
            "04",
            "to speak of {rate:.3%} false positives",
            3,
        ),
        says(
            "Then the interval. Each person is asked by 16 targets that share their shadows, so I draw the"
            " people again, with all their answers.",
            "04",
            "each person is asked about 16 times",
            4,
        ),
        says(
            "And I repeat everything on other pools, since no resampling trains a model on other people: "
            "in five other pools LiRA found between 6.7 % and 8.1 %.",
            "04",
            "In each of five other pools LiRA finds over three times what the loss finds",
            4,
        ),
        says(
            "Last, like with like. One spread for all cost members at 1 % false alarms, and at 0.1 % with "
            "32 shadows it did not: which variant wins depends on the rate and the number of shadows.",
            "04",
            "At 0.1 %, our 32 shadows show no such cost",
            5,
        ),
    ),
    follow_ups=(
        then(
            "The control is at chance and the result holds. What do you report?",
            "The game and the attacker's knowledge, TPR at 1 % and at a rate that the non-members support,"
            " both with intervals, on a log–log ROC; the old attack beside it; who is exposed; and that it"
            " is a lower bound on the leak.",
            "04",
            "At 0.1 % false alarms LiRA's interval lies above 0.5 %",
        ),
        then(
            "None of your 500 non-members was accused. Which false-positive rate have you shown, at 95 %?",
            "About 0.6 %: three over n. (1 − 0.006)^500 is about 5 %; at a true rate of 0.2 % one would "
            "see no alarm 37 % of the time.",
            "04",
            "04.6",
        ),
    ),
)

MEMBER_QUESTIONS = (_FAILED_ATTACK, _HIDE_SCORES, _TOO_GOOD)
