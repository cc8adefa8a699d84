"""Questions on tools and the seams between them: lesson 14, with 07."""

from course.interview.walkthrough import Walkthrough, says, then

_SEAMS = Walkthrough(
    id="seams",
    question=(
        "We build federated learning for hospitals from Flower, a secure-sum protocol, Opacus and an "
        "accountant from another library. Each part is tested by its makers. What do you test?"
    ),
    minutes=5,
    rubric=(
        "Begins with what is needed (deployed or not, who stays, who may see parts, what is published), "
        "and says that no tool brings it all",
        "Tests the round for equal weights, and shows that the test would notice a likely mistake",
        "Names what lets such a test pass by accident: NaN, shapes that stretch",
        "Checks the accountant against what really runs: sampler, neighbours, and whether the figure is a "
        "bound",
        "Checks what the secure sum promises: exact on rounded numbers, or noisy",
        "Looks at versions, interfaces and processes that are left behind",
    ),
    weak=(
        "The libraries are widely used, so I would write an integration test that runs two rounds end to "
        "end and checks that the loss falls and that no exception is raised. The ε comes from Opacus, "
        "which is the standard."
    ),
    why_weak=(
        "A falling loss survives almost every mistake at a seam: an unweighted mean, a sampler that the "
        "accountant does not know, a sum of one party. And Opacus offers three accountants, one of which "
        "gives no bound."
    ),
    strong=(
        says(
            "First what is needed: a network, a secure sum, and noise in before the server sees anything. "
            "No tool of our list brought more than two of the four things that the strictest situation "
            "asks for, so there are seams.",
            "14",
            "No tool of the list brings more than two of them",
            1,
        ),
        says(
            "The round: the same data and start in each tool, and the weights agree to 1e-5.",
            "14",
            "All five models are the same, to 1e-5",
            2,
        ),
        says(
            "A test that cannot fail is none, so I plant the likely mistake: the mean that forgets the "
            "numbers of examples was seen, at over 100 times the limit.",
            "14",
            "A plain mean would have been seen, at over 100 times the limit",
            2,
        ),
        says(
            "And I write the comparison so that NaN and other shapes count as different; both pass a naive"
            " one.",
            "14",
            "14.2",
            3,
        ),
        says(
            "The accountant: is its figure a bound? Opacus's GDP figure, taken for one, was refuted by a "
            "lower bound, and it looks like any other number.",
            "14",
            "GDP taken for a bound is refuted, and nothing may be printed",
            4,
        ),
        says(
            "And of which neighbours? Replacing one example in place of adding or removing it cost over a "
            "third more, at the same noise, and the RDP accountant refused to say.",
            "14",
            "Replacing one costs over a third more",
            4,
        ),
        says(
            "The sum: fixed point rounds first and is exact after that; CKKS is off a little in every "
            "digit, here by less than a millionth. I test for the error that is promised, and not for "
            "'close'.",
            "14",
            "TenSEAL is off by less than a millionth, and not by 0",
            5,
        ),
        says(
            "Interfaces change: Flower's SecAgg+ lives in its legacy interface only, which refuses a "
            "present app's context, so I pin versions and rerun this at each upgrade.",
            "14",
            "The old one refuses a ServerApp's context",
            6,
        ),
        says(
            "And I look at the process table while it runs: TensorFlow Federated left a worker running, "
            "the only tool of the round that did.",
            "14",
            "No other tool of the round left a process",
            6,
        ),
    ),
    follow_ups=(
        then(
            "A colleague runs the MPC part with `python sum.py` and gets the right total. What do you ask?",
            "How many parties computed. In MPyC, without further arguments, it is one, whose share of a "
            "secret is the secret, and nothing is encrypted on the way. A right result says nothing about "
            "secrecy.",
            "14",
            "Its share of the secret 42 is 42",
        ),
        then(
            "The owner of the data says: 'We use PySyft, each job is approved, so we are safe.' Your reply?",
            "Approval is reading: in version 0.10 the approved job read a password and a file outside and "
            "opened a connection, as there is no sandbox. And nobody checks what the output says; 'the "
            "mean of all but Ed' is a differencing attack that reads harmless.",
            "14",
            "The job read a password and a file outside, and opened a connection",
        ),
    ),
)

_LIBRARY_SWAP = Walkthrough(
    id="library-swap",
    question=(
        "Your team swaps the library that answers private counts. A test compares a thousand answers of "
        "the old and of the new one and finds no difference. Do you ship?"
    ),
    minutes=4,
    rubric=(
        "Says that 'no difference' means none as large as the test can see, and asks what it was shown to "
        "see",
        "Says that the distributions may differ although the test passes, and compares the stated noise or"
        " formulas",
        "Looks at what a histogram cannot show: floats, the guard against asking again, who counts the "
        "releases",
        "Looks at groups: which rows appear, and whether they were named beforehand",
        "Says that the thousand answers were a test, and what they would cost on people's data",
    ),
    weak=(
        "A Kolmogorov–Smirnov test with a thousand draws is sensitive, and a p-value above 0.05 shows that"
        " both draw from the same distribution. Since the old library was private, the new one is as well."
    ),
    why_weak=(
        "Not rejecting proves no equality: two of the four tools had different exact distributions and "
        "passed. And two libraries with equal histograms may count budgets, groups and floats quite "
        "differently."
    ),
    strong=(
        says(
            "I ask what the test would have noticed. We put a cheat beside it with a third of the noise, "
            "and it was told apart from all 4 tools; so no difference as large as that.",
            "14",
            "A third of the noise is told apart from all four",
            1,
        ),
        says(
            "First I round, if one library returns fractions: otherwise four pairs of counts differ, which"
            " is no fault, since rounding is post-processing.",
            "14",
            "Four pairs of counts do not",
            1,
        ),
        says(
            "And agreeing is not being equal. Discrete noise returns the true count more often than "
            "rounded noise, by 0.06 or more, and the test did not see that; so I compare the formulas.",
            "14",
            "Discrete noise returns the true count more often, by 0.06 or more",
            2,
        ),
        says(
            "Then what no histogram shows. Floats: OpenDP states an ε a little above 1 for a float sum, "
            "because the order of the numbers matters and its proof counts that.",
            "14",
            "For floats it is above 1, by less than a millionth",
            3,
        ),
        says(
            "Asking again: Google's library raises an error for a second result, which guards against "
            "averaging; but a new object on the same data answers, and nobody counts.",
            "14",
            "The second result is an error",
            3,
        ),
        says(
            "Groups: with places taken from the data, the lighthouse with one person was dropped; named "
            "beforehand, every place has a count. A swap may change which rows a dashboard shows.",
            "14",
            "Of places in the data, the lighthouse is not there",
            4,
        ),
        says(
            "And the test itself ran on public data: a thousand counts at 1 each are in the ledger as the "
            "sum that they would have been.",
            "14",
            '"a thousand counts", noise_multiplier=1.0, steps=1_000',
            5,
        ),
    ),
    follow_ups=(
        then(
            "You compare four libraries, so six pairs, each at 5 %. All are right. How often is somebody "
            "accused?",
            "Up to about a quarter of the time (1 − 0.95^6, if they were independent). Divides the level "
            "by the number of pairs, and fixes it beforehand.",
            "14",
            "14.4",
        ),
        then(
            "The old library says ε = 2.10 for a training, the new one 1.83, a third says 1.62. Which do "
            "you print?",
            "Asks of each whether it is a proved bound. Two upper bounds hold both, so 1.83; 1.62 is an "
            "approximation, and a lower bound of 1.78 refutes it.",
            "14",
            "The smallest bound is dp-accounting's PLD",
        ),
    ),
)

FRAMEWORK_QUESTIONS = (_SEAMS, _LIBRARY_SWAP)
