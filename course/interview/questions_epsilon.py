"""Questions on the promise itself: lesson 05, with 07 and 11."""

from course.interview.walkthrough import Walkthrough, says, then

_DELTA = Walkthrough(
    id="delta",
    question=("What is δ, why do we accept it at all, and how do you choose it?"),
    minutes=4,
    rubric=(
        "Defines it by the inequality, or as the mean of how far the privacy loss exceeds ε; does not call"
        " it the probability that the loss exceeds ε",
        "Says why Gaussian noise is worth a δ: it hides the length of a whole vector, and its typical loss"
        " is small",
        "Says that a δ belongs to a curve: the same noise has many pairs (ε, δ)",
        "Chooses it well below one over the number of people, and says what goes wrong otherwise",
        "Says that δ adds up over releases and grows over groups",
    ),
    weak=(
        "δ is the small probability that the privacy guarantee fails completely, so one takes something "
        "tiny such as 1e-5. It is a technical parameter that one needs for Gaussian noise."
    ),
    why_weak=(
        "For Gaussian noise nothing fails completely: the loss passes ε gradually. 'Tiny' depends on the "
        "number of people, and the answer leaves out what is bought with δ and how it adds up."
    ),
    strong=(
        says(
            "For all neighbours and every set of outputs, P[M(D) ∈ S] ≤ e^ε · P[M(D') ∈ S] + δ. It is what"
            " is left over where the factor alone does not hold.",
            "05",
            "≤ e^ε · P[M(D') ∈ S] + δ",
            1,
        ),
        says(
            "It is not the probability that the loss exceeds ε: with ε = 1 and noise as large as the "
            "sensitivity that was 0.31 in our simulation, over 1.5 times δ. It is the mean of how far "
            "beyond, counted as 1 − e^(ε − loss).",
            "05",
            "The probability of a loss above ε is larger than δ",
            1,
        ),
        says(
            "Training publishes thousands of numbers at once. Laplace noise has to hide the sum of what "
            "one person moves in all of them, a Gaussian the length of that vector, which is far smaller; "
            "its price is δ.",
            "05",
            "which is far smaller. Its price is δ",
            2,
        ),
        says(
            "At one and the same ε, here 1, the typical loss is smaller as well: 0.22 for the Gaussian, "
            "under half of Laplace's. Of Laplace's outputs, most lie right at ε or minus ε.",
            "05",
            "A typical Gaussian loss is under half a typical Laplace loss",
            2,
        ),
        says(
            "More noise, smaller δ: for each noise there is a curve of pairs, so I ask for the δ first and"
            " read ε off at it. The textbook formula does not follow the curve: at an ε of 10 its δ is "
            "2.3e-5, where it promises 1e-5.",
            "05",
            "At an ε of 10 its δ is over twice what it promises",
            3,
        ),
        says(
            "I take it well below one over the number of people, or the definition allows giving one of "
            "them away in full: the hospitals have 472 patients and use 0.0001.",
            "11",
            "a training of the figure, ε ≤",
            4,
        ),
        says(
            "Over releases the δ add up as the ε do, and over groups it is worse: for a patient with 80 "
            "slices under a promise per slice, the δ of the group is 1.",
            "11",
            "Group privacy leaves nothing of the promise: δ is 1",
            5,
        ),
    ),
    follow_ups=(
        then(
            "Show me a mechanism with ε = 0 and δ = 1/n that nobody should run.",
            "Pick one of n people at random and publish their record. If my record is replaced, the output"
            " differs with probability 1/n only, so (0, 1/n) holds, and each time somebody loses "
            "everything. Hence δ well below 1/n.",
        ),
        then(
            "Two reports: (2, 1e-5) and (1.4, 1e-3), for the same training. Who is better protected?",
            "You cannot tell: both can be points of one curve. Compare at one δ, or compare the noise "
            "multiplier, rate and steps. A larger δ makes ε smaller without any more noise.",
            "05",
            "Two papers report 8 and 2 for the same training code and data",
        ),
    ),
)

_DASHBOARD = Walkthrough(
    id="dashboard",
    question=(
        "HR wants a weekly dashboard: head-count and mean salary for each country and level of education. "
        "Employees may not be identified. Design it with differential privacy, and name the traps."
    ),
    minutes=6,
    rubric=(
        "Bounds what one person can move by a range that is not read off the data",
        "Takes rows and columns from a list that is public, empty cells included",
        "Charges the table once: a person is in one cell, so all cells together cost one ε for the counts",
        "Says which cells will be useless, in numbers, and that this is the protection working",
        "Rounds and corrects afterwards for free, and says that asking again is not free",
        "Sets a budget over the weeks, because the same people are in every release",
    ),
    weak=(
        "I would add Laplace noise to every number, hide cells with fewer than ten people, and clip "
        "salaries at the largest one in the company. Each number has ε = 1, which is strong."
    ),
    why_weak=(
        "The largest salary is one person's data, and so is the list of cells that are not hidden. The "
        "numbers of a person add up over the table's two statistics and over fifty-two weeks; ε = 1 each "
        "says nothing about the year."
    ),
    strong=(
        says(
            "A mean needs a sum, and a sum needs a range. Without clipping, one person moves the sum of "
            "capital gains by 99,999; the range comes from a form, the law or a guess, since the largest "
            "value is itself data.",
            "05",
            "Without clipping, one person moves the sum of gains by 99,999",
            1,
        ),
        says(
            "The range is a compromise that I may not tune on the salaries: whoever takes the best end "
            "from the data has looked at the data too.",
            "05",
            "has looked at the data too",
            1,
        ),
        says(
            "Rows and columns come from a public list. One single person is from Holand-Netherlands: a "
            "column that exists only because of them gives them away, whatever the noise.",
            "05",
            "gives them away, whatever the noise",
            2,
        ),
        says(
            "Each employee is in one cell, so the 672 counts of such a table cost one ε together, not 672."
            " The salary sums cost a second one, scaled by the range.",
            "05",
            "so all 672 cells together cost the ε of one",
            3,
        ),
        says(
            "I would say beforehand what it is good for: with counts at an ε of a half, cells of over a "
            "thousand people were right to 1 %, in cells of one to five the error was over half the count."
            " A precise number about three people would say who they are.",
            "05",
            "In cells of one to five, the error is over half the count",
            4,
        ),
        says(
            "Negative counts are lifted to 0 and rounded, which is post-processing and took over an eighth"
            " off the error.",
            "05",
            "Rounding and lifting takes over an eighth off the table's error",
            5,
        ),
        says(
            "But the next week is a new question to the same people: after 100 such releases a guesser was"
            " right in 100 % of the plays.",
            "05",
            "After a hundred releases you are almost never wrong",
            5,
            6,
        ),
        says(
            "So there is a budget for the year and a ledger, with Gaussian noise if there are many "
            "releases: at 1,000 of them basic composition said 32 times the exact ε.",
            "05",
            "At 1,000 releases basic composition says over 25 times the exact ε",
            6,
        ),
        says(
            "Exact numbers, even if only means are shown, are not an option: Ed left, and averages of "
            "48,800 and 49,675 said that he had earned 45,300.",
            "07",
            'print(f"averages {average:,.0f} and {average_of_four:,.0f}: Ed earned {eds_salary:,.0f}")',
            6,
        ),
    ),
    follow_ups=(
        then(
            "Some employees hold two contracts in two countries. What changes?",
            "They are in two cells, so a person moves the counts by 2: double the noise, or count each "
            "person once by a rule that does not look at the others. And the unit must be the person, not "
            "the contract.",
            "05",
            "05.1",
        ),
        then(
            "HR asks for the median in place of the mean, since it is 'more robust'. Easier or harder?",
            "Other: one person can move a median across a gap, so its worst-case sensitivity is the whole "
            "range and plain noise is useless. Uses a mechanism made for it (exponential mechanism, noisy "
            "search with counts), at its own ε.",
        ),
    ),
)

EPSILON_QUESTIONS = (_DELTA, _DASHBOARD)
