"""Questions on hospitals that train together: lessons 10 and 11, with 01 and 05."""

from course.interview.walkthrough import Walkthrough, says, then

_CLINIC_JOINS = Walkthrough(
    id="clinic-joins",
    question=(
        "A clinic with twelve patients asks you whether it should join a federation of five larger "
        "hospitals. Advise its board."
    ),
    minutes=5,
    rubric=(
        "Separates taking the federation's model from contributing to it, and compares the two",
        "Says that the clinic cannot measure its own gain with twelve patients, with an interval",
        "Shows the spread over repetitions, not one lucky run",
        "Says what the clinic risks without noise: its update is an average of few, and the server sees it",
        "Says what changes with a promise: alone it is unaffordable for few patients, together it is not",
        "Says that one threshold for all may serve its patients worse, and what to check for them",
    ),
    weak=(
        "Yes, small sites benefit most from federated learning because they have too little data of their "
        "own. Raw data stays in the clinic, so the risk is low, and they can fine-tune the model on their "
        "twelve patients."
    ),
    why_weak=(
        "That small sites gain most is true in the mean and says nothing about contributing. The risk is "
        "highest exactly where an update is an average of twelve, and fine-tuning on twelve fits the "
        "twelve."
    ),
    strong=(
        says(
            "First: they need not contribute to benefit. Before the clinic had sent anything, the others' "
            "detector served it better in our simulated run, an AUROC of 0.89 against 0.82 alone.",
            "10",
            "Before it has sent anything, the federation serves it better",
            1,
        ),
        says(
            "Over five seeds, joining or only taking differed by 0.002, with an interval from −0.001 to "
            "0.004: less than a point.",
            "10",
            "Joining or only taking: less than a point apart, at 95 %",
            1,
        ),
        says(
            "Second: they cannot check it themselves. An AUROC of 1.00 on twelve test patients has an "
            "interval from 0.54.",
            "10",
            "Twelve test patients do not even show that it reaches 0.80",
            2,
        ),
        says(
            "Third: one run promises too much. One seed showed a gain of 0.15, another none at all, and in"
            " two of five the gain exceeded the luck of who was tested.",
            "10",
            "In two runs of five the gain exceeds the luck of who was tested",
            3,
        ),
        says(
            "Fourth, the risk, without noise: the weights travel in the clear, and the clinic's are an "
            "average of few.",
            "10",
            "**The clinic most of all**",
            4,
        ),
        says(
            "With a promise to each patient it is another matter: at ε ≤ 1 the clinic's interval ended at "
            "0.79 alone and began at 0.88 together.",
            "11",
            "The clinic's intervals are apart, alone and together",
            5,
        ),
        says(
            "Fifth, the threshold. One for all found 77 % of the tumours at the clinic and 93 % at the "
            "university, so I would want theirs checked, and perhaps set, for their scanner.",
            "10",
            "One threshold, and sensitivities points apart",
            6,
        ),
    ),
    follow_ups=(
        then(
            "Why should the university take part, which gains less than a point?",
            "For what its own number does not show: its detector lost most at other scanners, and the "
            "federated one had no such bad place. That matters when a scanner is replaced or a patient "
            "moves. And some reasons are not technical.",
            "10",
            "The federated one has no such bad place",
        ),
        then(
            "They take the model and fine-tune it on their twelve. Your opinion?",
            "Measured: in our run the clinic lost 0.064 by it and another hospital won 0.068; over five "
            "seeds it helps by under a point in the mean of all hospitals. Only against the plain model on"
            " held-out patients of theirs, of whom there are hardly any. Own units of the scan first.",
            "10",
            "96 numbers stay at each hospital",
        ),
    ),
)

_DETECTOR_99 = Walkthrough(
    id="detector-99",
    question=(
        "A federated tumour detector shows an AUROC of 0.99 on the pooled validation slices. The "
        "consortium wants to go live. What do you check first?"
    ),
    minutes=5,
    rubric=(
        "Asks for the unit of the split: patients, not slices, in training and test",
        "Tests shortcuts that need no tumour, and gives their number beside the detector's",
        "Asks for each hospital's own numbers with intervals, at the threshold that will be used",
        "Asks who is missed: sizes and kinds of tumour",
        "Looks at where the detector looks, on errors too, and says what such a map cannot show",
        "Asks what happens at a scanner that was not in the training",
    ),
    weak=(
        "0.99 is excellent. I would confirm it on a second random split, look at some Grad-CAM pictures of"
        " true positives, and then start a pilot in one hospital."
    ),
    why_weak=(
        "A second random split of slices repeats the same mistake, pictures of successes always look "
        "convincing, and a pooled number hides the hospital in which it fails."
    ),
    strong=(
        says(
            "Slices of what? If a patient's slices lie in both parts, the detector may know the patient. A"
            " patient is one example, however many slices they have.",
            "10",
            "So a patient is **one example**, however many",
            1,
        ),
        says(
            "Then shortcuts. In the real LGG scans the height of a slice alone reaches 0.80, so I want "
            "that number beside the detector's.",
            "10",
            "so judge *slices*, at matched heights: height alone reaches 0.80",
            2,
        ),
        says(
            "In our simulation brightness alone gave 0.46 and height 0.49, as it should be.",
            "10",
            "Brightness alone says little",
            2,
        ),
        says(
            "Then each hospital by itself, at the threshold that will be used. With forty test patients "
            "the narrowest interval of a sensitivity was 0.18 wide.",
            "10",
            "With forty patients no sensitivity is known to ten points",
            3,
        ),
        says(
            "One threshold for all found 77 % of the tumours at one hospital and 93 % at another, in the "
            "same runs.",
            "10",
            "One threshold, and sensitivities points apart",
            3,
        ),
        says(
            "Then who is missed. Not a random tenth: the missed tumours had a median size of 9 cells, the "
            "found ones 15.",
            "10",
            "The missed tumours are the smaller ones",
            4,
        ),
        says(
            "And kinds: 69 % of the cystic tumours were found, with noise and without, and 87 % or 88 % of"
            " the solid ones.",
            "11",
            "The rarest kind is found at least a tenth less often, private or not",
            4,
        ),
        says(
            "Then where it looks, in the errors first. The healthy heads that it suspected most were "
            "over 1.3 times as lopsided as is usual: it may take a bias field for a tumour.",
            "10",
            "The ten it suspects most are far more lopsided than is usual",
            5,
        ),
        says(
            "A map says where and not why, and some found patients are found for the wrong reason: the top"
            " cell lies elsewhere.",
            "10",
            "Both maps answer *where*, not *why*",
            5,
        ),
        says(
            "Last, other scanners: a hospital's own detector averaged 0.96 at home and 0.95 away, and at "
            "the worst place it lost more than five points.",
            "10",
            "At its worst place it loses many points",
            6,
        ),
    ),
    follow_ups=(
        then(
            "You find that one shortcut, the scanner's brightness, predicts the label at 0.8. What next?",
            "Finds out why (one site sends sick patients only?), balances or matches by it, trains and "
            "judges within its strata, and keeps its number in the report. Standardisation removes the "
            "brightness, not the link between site and label.",
            "10",
            "In units of their own, all medians are 0",
        ),
        then(
            "How many test patients does a hospital need for a sensitivity to within five points?",
            "Orders of magnitude: the half width is about 2·√(p(1−p)/n), so at p = 0.9 about 140 patients "
            "with a tumour for ±5 points. The five recorded runs together had 100 to 175 of them a "
            "hospital.",
            "10",
            "One threshold, and sensitivities points apart",
        ),
    ),
)

HOSPITAL_QUESTIONS = (_CLINIC_JOINS, _DETECTOR_99)
