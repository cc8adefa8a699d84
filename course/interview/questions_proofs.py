"""Questions on audits, searches, units and accounts: lessons 05, 06 and 11."""

from course.interview.walkthrough import Walkthrough, says, then

_AUDIT_BELOW = Walkthrough(
    id="audit-below",
    question=(
        "The accountant says ε = 3. Our audit with canaries proves ε ≥ 0.7. Marketing wants to write "
        "'measured ε of about 0.7'. Your answer?"
    ),
    minutes=4,
    rubric=(
        "Says which is an upper and which a lower bound, and that only the upper one is a promise",
        "Says why the lower bound is low although the program may be right: finite canaries, one kind of "
        "attacker, a ceiling",
        "Asks for the control: the same audit with the noise off has to refute",
        "Says that the audit cannot test a claim above its ceiling",
        "Says what an audit is good for, and writes a sentence that may be published",
    ),
    weak=(
        "The audit is closer to reality because it measures what an attacker really achieves, while the "
        "accountant is a worst case. So 0.7 is a fair description if we add that it was measured."
    ),
    why_weak=(
        "It turns a lower bound into an estimate. The true ε may be anything from 0.7 upwards, and the "
        "next attacker need not use our canaries."
    ),
    strong=(
        says(
            "No. The accountant bounds from above, the audit from below; only the upper one is a promise. "
            "If the code does what it says, the true value is anywhere between; if not, anywhere above the"
            " lower one.",
            "06",
            "The accountant bounds from above, the audit from below",
            1,
        ),
        says(
            "A right program also audits low: none of our honest runs proved more than 0.42 of what was "
            "claimed, since the analysis allows an attacker who is stronger than any canary, and a finite "
            "number of guesses proves only so much.",
            "06",
            "No run proves more than the accountant promised",
            2,
        ),
        says(
            "I would ask for the control. On the hospitals' training the audit proved 0.7, and with the "
            "noise off 3.4: so it can see a fault.",
            "11",
            "Without noise the same audit refutes a promise of 1",
            3,
        ),
        says(
            "The same figure is its ceiling: 3.4 is the most that this audit can see. It could hardly have"
            " refuted 3, and never a claim of 8.",
            "11",
            "of at most {audited.ceiling:.2f} that this audit can see",
            4,
        ),
        says(
            "It is a smoke detector: it caught missing noise, a tenth of the noise, and missing clipping "
            "at a claimed ε = 1, and it would not notice what its canaries do not trigger.",
            "06",
            "All three broken versions are caught at a claimed ε = 1",
            5,
        ),
        says(
            "So we may write that the audit found no violation of the promise, what the most is that it "
            "could have proved, and beside it the accountant's 3 with unit and δ.",
            "11",
            "The audit found no violation of the promise, and could have seen one of up to its ceiling",
            5,
        ),
    ),
    follow_ups=(
        then(
            "How do you design canaries so that the bound is not needlessly low?",
            "Gradients in directions that nobody else's data touches, at the clipping norm, each in or out"
            " by its own fair coin, many of them, one training run; the number of guesses is fixed "
            "beforehand and tried on other seeds. Mislabelled rows on live weights drown.",
            "06",
            "Each canary has a parameter of its own, which no person's gradient touches",
        ),
        then(
            "One of twenty audits, each at 95 %, comes out above the claim. Is the program broken?",
            "One in twenty at 95 % is what chance allows if every run sat at its bound. Rerun that setting"
            " with fresh coins and a stricter level fixed before; a bug repeats itself. Do not drop the "
            "run in silence.",
        ),
    ),
)

_SEARCH_COST = Walkthrough(
    id="search-cost",
    question=(
        "We trained forty private models, each with ε = 1, on the same users, and publish the best one. "
        "The paper says ε = 1. What do you say?"
    ),
    minutes=4,
    rubric=(
        "Says that all runs saw the users, and that which one won depends on them",
        "Adds up: composition over the runs, by an accountant, with the order of magnitude",
        "Says that a look without noise (a validation score, a figure, a run without noise) has no ε at all",
        "Moves the search to public or simulated data, and says what that assumes",
        "Names a cheaper private selection, such as the best of a random number of runs, and what it asks "
        "for",
    ),
    weak=(
        "Only the published model leaves the building, and it has ε = 1, so the statement is right. The "
        "other thirty-nine were internal experiments that nobody outside ever sees."
    ),
    why_weak=(
        "The published model was chosen by looking at all forty on private data, so the choice is part of "
        "the output. A user's presence can change which model wins."
    ),
    strong=(
        says(
            "All forty runs saw the users, and which one won depends on them: the selection is part of "
            "what is published.",
            "06",
            "All twelve runs saw the data, and which of them won depends on it",
            1,
        ),
        says(
            "So it is added up. Five runs of 1.09 each were 2.62 together by RDP: more than twice one run,"
            " and less than five times, because RDP adds up below the ε's.",
            "06",
            "one, five = (",
            2,
        ),
        says(
            "The hospitals' search had 54 runs; on the patients themselves it would have cost an ε of 63, "
            "with a budget of 4.",
            "11",
            "The search would have cost over ten times the whole budget",
            2,
        ),
        says(
            "And I would ask how 'best' was measured. An accuracy on private people without noise, or a "
            "run without noise for comparison, has no ε at all, and then no sum helps.",
            "06",
            "have no ε at all",
            3,
        ),
        says(
            "Even a figure is a look: whoever takes the best clipping end from a curve that was drawn from"
            " the data has looked at the data.",
            "05",
            "has looked at the data too",
            3,
        ),
        says(
            "The clean way is to search on other data, public or simulated. Its settings may be worse, "
            "because the simulation only resembles the patients: in the lesson both were drawn alike, a "
            "luck that a real study does not have.",
            "11",
            "a luck that a real study does not have",
            4,
        ),
        says(
            "If it has to be private data, there are theorems for publishing only the best of a random "
            "number of runs at far less than the sum; the winner's score must be computed privately as "
            "well.",
            "06",
            "Papernot and Steinke 2022 show how to pay less",
            5,
        ),
    ),
    follow_ups=(
        then(
            "Give me a number for the forty runs, on the back of an envelope.",
            "At most 40, by adding up. If they are Gaussian, ε grows more like the root of the number: "
            "forty times the steps of lesson 06's run of about 1 come to some 8.6 by RDP, between √40 and "
            "40 of them. Either way it is not 1.",
            "06",
            "06.6",
        ),
        then(
            "Can the forty runs use disjoint fortieths of the users, so that parallel composition makes it"
            " free?",
            "For the training, yes: each user is in one run. The choice still compares scores, and those "
            "must be private or on other people; and every model has seen a fortieth of the crowd only, so"
            " its noise weighs more.",
            "05",
            "compose in **parallel**",
        ),
        then(
            "The settings come from last year's paper on the same users. Free?",
            "No. Whatever that paper learned on these users was a release about them, and counts if this "
            "year's promise is to cover it. A careful account has last year's ε in it.",
            "11",
            "All together cost a third more than a fresh accountant says",
        ),
    ),
)

PROOF_QUESTIONS = (_AUDIT_BELOW, _SEARCH_COST)
