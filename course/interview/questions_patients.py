"""Questions on units of privacy and on accounts that last: lessons 05 and 11, with 03, 06 and 10."""

from course.interview.walkthrough import Walkthrough, says, then

_UNIT = Walkthrough(
    id="unit",
    question=(
        "Example-level, user-level, client-level differential privacy: why does the unit change "
        "everything? Use one case in which code and ε are right and the promise is still empty."
    ),
    minutes=5,
    rubric=(
        "Defines the unit as what neighbours differ in, and says that ε of two units must not be compared",
        "Gives a case: correct DP-SGD per record, and a person with many records",
        "States group privacy and what it leaves: k times ε, and a δ that grows faster",
        "Moves the unit in the code: clips (and samples) person by person",
        "Says that a person whose data several clients hold spends in each, and that no single account "
        "shows it",
        "Reads the unit from the ledger, and does not infer it from the accuracy or from an audit of records",
    ),
    weak=(
        "User-level is stronger than example-level because it protects all data of a user. In practice "
        "example-level is common since it gives better accuracy, and with ε = 1 it is still strong "
        "protection."
    ),
    why_weak=(
        "'Stronger' suggests a matter of degree. With eighty records under a promise of one to each, the "
        "person's promise is not weaker, it is gone, and nothing in the code or the ε shows that."
    ),
    strong=(
        says(
            "Neighbours differ in one unit: a record, a person, a client. So one ε for two different units"
            " makes two sentences about two things, and I never put them on one axis.",
            "05",
            "This is the **unit** of the ledger: example, patient or client",
            1,
        ),
        says(
            "My case: slices as examples, every line of DP-SGD right, ε = 1 per slice. A patient with 80 "
            "slices was told apart with an AUC of 0.999.",
            "11",
            "With eighty slices the attack is nearly never wrong",
            2,
        ),
        says(
            "Three scans were enough: 0.83, where no attack on ε = 1 per patient gets above 0.73.",
            "11",
            "Three scans are enough to break what ε = 1 per patient would allow",
            2,
        ),
        says(
            "Group privacy had warned: for 80 slices an ε of 80 and a δ of 1, which is no promise.",
            "11",
            "Group privacy leaves nothing of the promise: δ is 1",
            3,
        ),
        says(
            "With a family of four in one count at ε = 1, a guesser was right in 93 % of the plays, where "
            "one person's limit is 73 %.",
            "05",
            "A family of four is guessed more often than one person's limit allows",
            3,
        ),
        says(
            "In the code the unit is what is clipped: clipped as a patient, eighty slices moved the sum by"
            " 0.3, the norm; slice by slice, by 16.",
            "11",
            "Clipped as a patient, eighty slices move the sum by at most C",
            4,
        ),
        says(
            "A loader of slices does the wrong thing without a warning, since for a library an example is "
            "what the loader yields.",
            "11",
            "for the library an example is what the loader yields",
            4,
        ),
        says(
            "A person whom several clients hold spends in each: Di was at three hospitals and spent 2.5, "
            "where the largest single one is 2.",
            "05",
            "And more than the largest ε of any hospital",
            5,
        ),
        says(
            "So I read the unit where it stands, in the ledger's line; the code was right, the ledger was "
            "right, and the unit was wrong.",
            "11",
            "it stands in the ledger's line, so read it",
            6,
        ),
    ),
    follow_ups=(
        then(
            "Would an audit with canary records have found the fault?",
            "No. Canary records test the promise to a record, which holds. One would need canary persons, "
            "with as many records as the heaviest real person. An audit sees what its canaries trigger.",
            "06",
            "An audit finds bugs and proves no privacy",
        ),
        then(
            "We cannot tell which records belong to one person. What can be promised?",
            "Only record-level, said so, with a bound on records a person if there is one (devices, days, "
            "a cap at collection), turned into a promise by group privacy. Otherwise limit contributions "
            "at the source, or promise nothing to persons.",
            "05",
            "the promise to the person is only ten times that ε",
        ),
    ),
)

_ACCOUNT = Walkthrough(
    id="account",
    question=(
        "A model is retrained each month on overlapping users, machines crash, two teams share the data. "
        "Design the accounting of ε."
    ),
    minutes=5,
    rubric=(
        "One account for each owner of data over all rounds, runs and teams, not one for each training",
        "Written to disk before the release leaves, with the reason",
        "Refuses at the limit, and says what happens to the round then",
        "Stores what was done (multiplier, rate, steps), so that ε is recomputed, by a second accountant too",
        "Says what adds, what is free and what is parallel: rounds, post-processing, disjoint people",
        "Says what to do when a file is lost, and that too much is the safe direction only within reason",
    ),
    weak=(
        "Each training job uses Opacus, which tracks ε. We store the final ε of every job in a database "
        "and make sure that each one is below 3."
    ),
    why_weak=(
        "Jobs over the same users add up, and below 3 each month is no limit at all. A job that crashes "
        "after sending has spent and is not in the database, and stored ε cannot be composed tightly "
        "afterwards."
    ),
    strong=(
        says(
            "One account for each set of people, over everything that was ever released about them. In the"
            " hospital's file two studies came to 3.78, where a fresh accountant says 2.04 for the second.",
            "11",
            "All together cost a third more than a fresh accountant says",
            1,
        ),
        says(
            "The classic bug is an accountant for each round: the training had spent 1.83, over 1.5 times "
            "what was reported.",
            "05",
            "The training has spent over one and a half times what the colleague reports",
            1,
        ),
        says(
            "It is written before the update leaves, because a machine may die between any two lines: then"
            " it counts a round that was never sent, and not the other way round.",
            "11",
            "11.4",
            2,
        ),
        says(
            "And it is a file of its own: a framework's state dies with the process.",
            "11",
            "`context.state` dies with the process",
            2,
        ),
        says(
            "When a round does not fit, the owner sits out. Hill stopped at its limit after 30 rounds, and"
            " the spare share of noise covered it.",
            "11",
            "Hill stopped at its limit, after 30",
            3,
        ),
        says(
            "But who sits out must be known before the noise is split: afterwards the spare share is used "
            "up, and against another hospital √(4/5) of the noise is left.",
            "11",
            "asks who can pay *before* it splits",
            3,
        ),
        says(
            "I store multiplier, rate and steps of every release and not ε, so that any accountant can "
            "recompute: for one training PRV and PLD said 1.83, RDP 2.10.",
            "05",
            "PRV and PLD agree to 1 %",
            4,
        ),
        says(
            "What concerns the same people adds up, and what concerns disjoint people composes in parallel.",
            "05",
            "compose in **parallel**",
            5,
        ),
        says(
            "And what is computed from released weights is free: the mean of the last 200 steps costs no "
            "ε, since the promise covers all the weights on the way.",
            "06",
            "which costs no ε: the promise covers all the weights on the way",
            5,
        ),
        says(
            "Adding up what does not add up is no safe side: a dashboard that says more than twice the "
            "worst person's 2.5 makes somebody turn the noise down.",
            "05",
            "The worst-off person spends less than half of what the dashboard says",
            6,
        ),
        says(
            "If a file is lost, the server's list of rounds is an upper bound to go on from; if nobody has"
            " a list, these people take part in nothing more.",
            "11",
            "A hospital's disk with its budget file is lost",
            6,
        ),
    ),
    follow_ups=(
        then(
            "The limit for a user is reached in May. What do you do from June on?",
            "They sit out; or the limit was planned for the year, with fewer or noisier rounds a month. A "
            "fresh budget for each year is a policy, and must be said as 'ε a year', since the old "
            "releases do not go away.",
            "11",
            "Hill stopped at its limit, after 30",
        ),
        then(
            "Sampling makes each user's participation random. May the account charge only those who were "
            "drawn?",
            "No: the ε of Poisson sampling already counts the coins; it holds for all who could have been "
            "drawn and depends on the draw staying secret. Charging by the draw would count the saving "
            "twice, and the ledger would say who was drawn.",
            "06",
            "since a person who was probably not looked at is better hidden",
        ),
        then(
            "Next month's noise is chosen after this month's results. Does adding up still hold?",
            "Plain composition wants all multipliers fixed beforehand. A rule that stops before a "
            "limit, with noise chosen as one goes, is a privacy filter: for RDP at a fixed order "
            "adding up remains right (Feldman and Zrnic 2021), for other accountants one has to look "
            "it up before one relies on it.",
        ),
    ),
)

PATIENT_QUESTIONS = (_UNIT, _ACCOUNT)
