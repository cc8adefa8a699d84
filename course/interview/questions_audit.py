"""Questions on auditing somebody else's system: lesson 13."""

from course.interview.walkthrough import Walkthrough, says, then

_ALL_CLEAR = Walkthrough(
    id="all-clear",
    question=(
        "A vendor's federated service passes all ten of your checks. Its lawyer asks you to sign "
        "'certified private'. What do you sign, and what may still be wrong?"
    ),
    minutes=5,
    rubric=(
        "Signs what was looked for, against which adversaries and with which error rate, and not a "
        "property of the system",
        "Names a flaw that shows only for an unusual input, client or number of clients, and so may have "
        "been missed",
        "Says that a lying server cannot be tested by playing its clients, so it is an assumption, and "
        "gives what it could do",
        "Asks where the noise comes from, since it does not protect against whoever adds it",
        "Says that the tested installation need not be the one that runs, and that randomness passes tests"
        " when somebody knows the seed",
        "Says that 'not refuted' took the rest of the contract at its word",
    ),
    weak=(
        "With all ten checks passed I would sign that the service was found to be private at the time of "
        "the audit, with a reservation that future versions must be audited again. The checks cover "
        "aggregation, noise and logs."
    ),
    why_weak=(
        "Passed checks bound nothing: each looked for one flaw in one place. The reservation about the "
        "future hides that the present has not been shown either, and no adversary is named."
    ),
    strong=(
        says(
            "I sign that no flaw was found in ten checks, against these adversaries, and list what was not"
            " tested. A report without that last part sells more certainty than the audit bought.",
            "13",
            "A report without it sells more certainty than the audit bought",
            1,
        ),
        says(
            "I know how it goes from the course's invented vendors. One's log was clean until somebody "
            "sent an update that had to be clipped; then it was in the log, in each of four rounds.",
            "13",
            "The log has the update that had to be clipped, in each of four rounds",
            2,
        ),
        says(
            "Another summed over cohorts with a full house and, for a few phones more, over a single one.",
            "13",
            "One 'sum' has a single client in it",
            2,
        ),
        says(
            "A server that lies I cannot play, as I only play its clients; which server is assumed goes "
            "into the report as an assumption.",
            "13",
            "goes into the report as an **assumption**, not as a finding",
            3,
        ),
        says(
            "And I say what it could do: run a cohort twice, once without the client, and subtract. At a "
            "vendor that had passed every test, that gave the update with a correlation above 0.99.",
            "13",
            "At Fernhollow the server reads the update in two sums",
            3,
        ),
        says(
            "The reason is where the noise comes from: that vendor's server adds it, so against the server"
            " there is none. Where devices add it, it holds against the server too.",
            "13",
            "Fernhollow's noise comes from the *server*, so against the server there is none",
            4,
        ),
        says(
            "A test installation may behave better than the one that runs, and a seed that somebody knows "
            "passes every test of its noise.",
            "13",
            "**That the code you tested is the code that runs.**",
            5,
        ),
        says(
            "And where my measured ε stayed below the stated one, nothing was proved: sampling, clipping "
            "and the number of rounds were taken at the contract's word.",
            "13",
            "rest of the annex (sampling, clipping, number of rounds) was taken at its word",
            6,
        ),
    ),
    follow_ups=(
        then(
            "The lawyer insists on one sentence for the website. Dictate it.",
            "For example: 'An independent audit on that date ran ten tests against a curious server, "
            "readers of releases and of logs, and found no flaw; it could not test a dishonest server or "
            "the production build.' No 'private', no 'certified', a date and a scope.",
            "13",
            "A vendor passes all ten checks. What may your report say?",
        ),
        then(
            "You may repeat one check with a hundred times the effort. Which one?",
            "Gives a reason from what the check can miss: the log, with unusual updates, all clients and "
            "many rounds, since payloads there are the commonest leak and cheap to miss; or the noise, "
            "with longer releases, since its interval shrinks with their length.",
            "13",
            "some servers write payloads only in every third round",
        ),
    ),
)

_ACCUSATIONS = Walkthrough(
    id="accusations",
    question=(
        "A junior auditor wants to file four findings against one vendor: a client's message is not "
        "masked; a log line holds base64; the sampler's test came out at p = 0.03; the measured ε may be "
        "above the stated one. Which of them stand?"
    ),
    minutes=5,
    rubric=(
        "Holds each finding against what was promised: an open message is none where devices noise it in "
        "full",
        "Tests a payload against updates that one knows, since a masked message in a log looks the same",
        "Counts the looks: at p = 0.03 with many tests a lab, false alarms are expected, so the level is "
        "set beforehand",
        "Accuses of what is proved, the end of the interval nearer to innocence, over all rounds by the "
        "contract's own rules",
        "Separates a broken proof from a broken promise, as with a sampler that shuffles",
        "Says what a false accusation costs, and what makes a finding repeatable: evidence, severity, remedy",
    ),
    weak=(
        "I would file all four and mark them by severity; the vendor can explain itself. In an audit it is"
        " better to report too much than too little, and p = 0.03 is significant by the usual standard."
    ),
    why_weak=(
        "Two of the four are what a sound vendor would show as well, and with a hundred and thirty looks a"
        " lab the usual standard accuses several innocents. After the first false accusation nobody reads "
        "the second finding."
    ),
    strong=(
        says(
            "The open message first: what was promised? One invented vendor of the course's was open "
            "too, and its phones had put all of their noise into it, as the contract says.",
            "13",
            "Tarn's is open too",
            1,
        ),
        says(
            "Nothing was to be read in it. So there I measure the noise in the message, and file only if "
            "it is too small.",
            "13",
            "And nothing is to be read in it",
            1,
        ),
        says(
            "The log line: I send updates that I know and look for them, in decimals, hex and base64. One "
            "vendor's payloads were of masked messages, and whoever counts base64 accuses an innocent.",
            "13",
            "Fernhollow's payloads are of masked messages",
            2,
        ),
        says(
            "The sampler: with ten checks of a dozen vendors, at 5 % a test, sound vendors are accused. So"
            " each test errs once in a million here, and a search shares one error rate among all its "
            "tries.",
            "13",
            "At 5 % a test, sound vendors are accused",
            3,
        ),
        says(
            "ε: I compute it over all rounds from the noise that is there and by the contract's rules, and"
            " file what is proved. One vendor's noise gave at least 2.5 times the stated ε, at the lower "
            "end of the interval.",
            "13",
            "Verdigrove's noise gives at least two and a half times the stated ε",
            4,
        ),
        says(
            "And a shuffled list in place of coins: I file that the stated proof does not cover it, and "
            "not that clients lost so much.",
            "13",
            "That is not what Larkspur's clients *lose*",
            5,
        ),
        says(
            "A false accusation costs a sound vendor its contract and me the reader of my next "
            "finding. So the course's score takes points off for it: whoever accuses everybody finds "
            "all and gets nothing.",
            "13",
            "Who accuses everybody finds all, and gets nothing",
            6,
        ),
        says(
            "What I file has its evidence, how bad it is, and what would repair it, so that somebody else "
            "can repeat it from these words.",
            "13",
            "A finding is a claim with its evidence, how bad it is, and what would repair it",
            6,
        ),
    ),
    follow_ups=(
        then(
            "The measured ε lies between 1.9 and 2.3, and 2 is stated. What do you do?",
            "Files nothing yet: noise as stated gives such an interval easily. Repeats with longer "
            "releases, so that the interval shrinks and one end may cross; does not move the level after "
            "having looked.",
            "13",
            "From two equal rounds you get ε between 1.9 and 2.3",
        ),
        then(
            "How do you get the noise of a release without asking anybody?",
            "Two rounds with the same updates: the difference of the releases holds the noise of both and "
            "nothing else, which gives an exact interval by χ². A single release looks like noise even if "
            "there is none, as sums of many updates do.",
            "13",
            "13.4",
        ),
    ),
)

AUDIT_QUESTIONS = (_ALL_CLEAR, _ACCUSATIONS)
