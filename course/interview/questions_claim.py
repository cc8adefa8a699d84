"""The second question of the field: how to audit "the data never leaves the device"."""

from course.interview.walkthrough import Walkthrough, says, then

LOCAL_DATA = Walkthrough(
    id="local-data",
    question=(
        "A client says: 'Our federated learning is private, because raw data stays on the device.' You "
        "have two weeks and may talk to their engineers. How do you audit the claim?"
    ),
    minutes=12,
    rubric=(
        "Says that the server sees each update in plain FedAvg, and names one thing that can be read from "
        "it exactly",
        "Writes down at least three adversaries, and asks against which of them the claim is meant",
        "Asks about the aggregation protocol: who ever sees a single update, smallest cohort, threshold, "
        "who deals the keys",
        "Separates a curious server from a malicious one, and names one deviation with what it would gain",
        "Asks for the formal mechanism (clip, noise, accountant), and recomputes ε with its unit and over "
        "all rounds",
        "Attacks the stream of releases: differences between cohorts or rounds, or repeated noisy answers",
        "Attacks the final model: membership, as true positives at a low false-positive rate, with a "
        "control that must fail",
        "Says what the audit cannot show: a failed attack is no proof, and an empirical bound has a ceiling",
    ),
    weak=(
        "I would check that the app really sends gradients only, that the connection uses TLS, and run a "
        "gradient-inversion tool on some updates. If the pictures are unrecognisable, the claim holds."
    ),
    why_weak=(
        "It takes the network for the adversary, although the server decrypts. One failed attack is taken "
        "for a proof. Nothing is asked about a server that deviates, about many rounds, about the final "
        "model, or about any bound."
    ),
    strong=(
        says(
            "The sentence is about transport. In plain FedAvg the server sees each update, and from one "
            "image, one step and a linear first layer with a bias a division gives every pixel back to "
            "within a thousandth.",
            "00",
            "Every pixel of the recovered image is right to within a thousandth",
            1,
        ),
        says(
            "Where convolutions come first, that division does not give the pixels, and still the label "
            "falls out of the last bias: all of 100 phones, with one picture each, gave theirs away "
            "without any search.",
            "03",
            "All of a hundred phones give their label away",
            1,
        ),
        says(
            "So first I write down the adversaries, and for each what it sees: the server, another "
            "participant, whoever gets the model, an outsider with queries, and whoever can demand what is"
            " stored. I ask against which of them the claim is meant.",
            "11",
            "**Five adversaries, one bit**",
            2,
        ),
        says(
            "Then the aggregation. TLS and node keys keep strangers out and hide nothing from the server. "
            "So I ask at which place a single update exists in the clear.",
            "02",
            "Neither hides anything from the *server*, which still reads every model",
            3,
        ),
        says(
            "If they say secure aggregation, I ask for the smallest cohort, the threshold, and who hands "
            "out the verification keys: a server that does can be all the other phones itself.",
            "08",
            "**Against whoever enrols.**",
            3,
        ),
        says(
            "I ask for a test installation in which I am all the clients: then I know every update "
            "that goes in, and compare whatever comes out. Messages, sums over unusual numbers of "
            "clients, two equal rounds, the log.",
            "13",
            "A contract grants you a test installation",
            3,
        ),
        says(
            "I also ask what a server gains by deviating. With a threshold of 2 of 5 it tells two stories "
            "about who dropped out, gets seed and key, and with them the vector. A threshold above half "
            "and signed lists stop that, as long as no phone works for the server; with accomplices the "
            "threshold must be higher.",
            "08",
            "Two stories give the server the seed and the key",
            4,
        ),
        says(
            "And it writes the model: a crafted first layer gave back 79 % of a batch of 256 images, an "
            "honest one of the same size 1 %. Batch size is an argument against a curious server only.",
            "03",
            "crafted = crafted_network(public.images.mean(dim=1), bins=1_000)",
            4,
        ),
        says(
            "Next the formal mechanism. Clipping alone is none: after it the search still scored over 25 "
            "dB. I want the clip, the noise, the sampler and the accountant, in code.",
            "03",
            "Clipping changes nothing: over 25 dB, as without",
            5,
        ),
        says(
            "I recompute ε over all rounds, and ask whether it is per record or per user. An accountant "
            "that was made anew in each round is a bug that I would look for: the same training had spent "
            "1.83, over 1.5 times what it reported.",
            "05",
            "The training has spent over one and a half times what the colleague reports",
            5,
        ),
        says(
            "And I measure the noise, as the difference of two equal rounds: the noise of one of the "
            "course's invented vendors gave at least 2.5 times the stated ε, and what it stated was the ε "
            "of about one round.",
            "13",
            "What it states is the ε of about one round",
            5,
        ),
        says(
            "Then the stream. Two exact, honest secure sums over cohorts that differ by one phone give "
            "away all 784 pixels of that phone.",
            "08",
            "None: two honest sums give phone 20 away",
            6,
        ),
        says(
            "Noise that is drawn afresh for each release averages out: one count with ε = 1 let a guesser "
            "be right in 70 % of the plays, 100 of them in 100 %. So every release has to be in the "
            "account.",
            "05",
            "After a hundred releases you are almost never wrong",
            6,
        ),
        says(
            "On the final model I run LiRA. On one overfitted model the plain loss found 1 % of the "
            "members at 1 % false alarms, which is chance, and LiRA 9 %: the weak attack would have "
            "reassured us.",
            "04",
            "Clopper–Pearson alone, LiRA at 1 %:",
            7,
        ),
        says(
            "Each attack also runs where nothing can be found, on outsiders with made-up membership, and "
            "must be at chance there; a colleague's version was not.",
            "04",
            "With the target left out, the control is at chance",
            7,
        ),
        says(
            "The report says what I could not show. A failed attack bounds nothing, and an audit has a "
            "ceiling: ours could prove at most 4.1, so a claim of 8 it could not have refuted.",
            "06",
            "A claim of ε = 8 it could not have refuted",
            8,
        ),
    ),
    follow_ups=(
        then(
            "They answer: 'We do use secure aggregation, so nobody sees an update.' Are you done?",
            "No: it protects the inputs and not the sum. Asks about cohorts that differ by one, a cohort "
            "of one honest phone among accomplices, who enrols, and who ships the client's code, since a "
            "server that may replace the code need not break any protocol. What bounds the sum is noise "
            "with an account.",
            "08",
            "Flower sends each node its *code*",
        ),
        then(
            "They show a dashboard: ε = 0.5 for each round, 200 rounds. What is the guarantee?",
            "Not 0.5. At most 100 by basic composition if nothing else is known; far less with the noise, "
            "the sampling rate and an accountant over all 200 rounds. Asks for these, for δ and for the "
            "unit, and whether a phone takes part in every round.",
            "05",
            "At 1,000 releases basic composition says over 25 times the exact ε",
        ),
        then(
            "You have budget for a single experiment. Which one, and what would each outcome mean?",
            "Picks one and says what both outcomes change. For example a canary audit of their real "
            "pipeline, because it can refute the stated ε whatever the cause; if it refutes, there is a "
            "bug; if not, nothing beyond its ceiling has been tested. Does not pick an attack whose "
            "failure would mean nothing.",
            "06",
            "An audit finds bugs and proves no privacy",
        ),
    ),
)
