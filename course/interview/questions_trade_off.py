"""Questions on choosing what to ship: lesson 12, with 05."""

from course.interview.walkthrough import Walkthrough, says, then

_SPEC = Walkthrough(
    id="spec",
    question=(
        "Your solver has tried some four hundred settings; the cheapest that passes has 80.9 % over five "
        "seeds, and 80 % was asked for. The release meeting is tomorrow. What do you write on the one "
        "page, and what do you run tonight?"
    ),
    minutes=6,
    rubric=(
        "Says that the winner of many is a lucky one, and asks for seeds and clients that had no part in "
        "the choice",
        "Chooses by the lower end of an interval and not by the mean",
        "Writes ε as a whole sentence: unit, δ, neighbours, all rounds, and against whom, with a line for "
        "the server",
        "Writes what the search itself cost, or on whose data it was free",
        "Writes the worst clients' number beside the mean, and what it would cost to raise it",
        "Counts bytes as an expectation, with what the secure sum adds",
        "Says that 'infeasible' and 'best' speak of the settings that were tried",
    ),
    weak=(
        "I would write 80.9 % accuracy, the ε from the accountant, and the number of rounds. Five seeds "
        "are a solid basis, and the margin of almost a point is enough. Tonight I would try a few more "
        "settings around the winner, perhaps one is better still."
    ),
    why_weak=(
        "The margin is what the luck of a choice among hundreds looks like, and more tries make it worse. "
        "The page has no unit, no adversary, no cost of the search and nobody but the average client on "
        "it."
    ),
    strong=(
        says(
            "Tonight I run fresh seeds on clients who had no part in the choice, since a winner is a lucky"
            " one: where runs scattered most, the best of ten settings, one run each, promised a point too "
            "much; one setting that was not chosen delivered what it promised.",
            "12",
            "Of 50 to 70 %, the best of ten promises a point too much, or more",
            1,
        ),
        says(
            "The solver lets a setting pass by the lower end of its interval: by the mean, 26 % of the "
            "choices delivered less than was asked, by the lower end 3 %. A guarantee it is not, as that "
            "was picked among many too.",
            "12",
            "Chosen by the mean, one in five or more misses what was asked",
            2,
        ),
        says(
            "On the page stands what fresh seeds and the test clients gave, beside what the choosing seeds"
            " promised.",
            "12",
            "On fresh seeds and clients, what was asked for is reached",
            1,
        ),
        says(
            "ε stands there per client, in total, with δ and neighbours, and twice: against whoever gets "
            "the model, and against the server, which knows whom it asked, so that the coins hide nothing "
            "from it. There it was 11.5, where the first line said 0.98.",
            "12",
            "Against the server, ε is about ten times as large",
            3,
        ),
        says(
            "If the second line promises next to nothing, as in our launch, the page says so, and that "
            "against the server we rest on the secure sum.",
            "12",
            "Against the server the page promises next to nothing",
            3,
        ),
        says(
            "Then what the search cost: on real phones the whole of it would have come to an ε in the "
            "hundreds. Ours was free because it used public digits, and the page says so.",
            "12",
            "The whole search would have cost hundreds of nats",
            4,
        ),
        says(
            "The worst tenth has a line of its own: privacy cost it 15.8 points, over 1.2 times what it cost"
            " the mean.",
            "12",
            "The worst tenth loses more than the mean",
            5,
        ),
        says(
            "And a price: to promise something to the worst tenth too cost over 1.3 times the ε, which the"
            " meeting should decide, and not I.",
            "12",
            "To serve the worst tenth as well costs over 1.3 times the ε",
            5,
        ),
        says(
            "The bytes are an expectation, since the coin draws some phones twice as often as others, and "
            "for so small a model about half of them are the secure sum's keys and shares.",
            "12",
            "For so small a model, about half of the bytes are the secure sum's",
            6,
        ),
        says(
            "And one sentence of modesty: none of the tried settings does better. Another model, or fewer "
            "bits a weight, is another grid.",
            "12",
            "The solver says: infeasible; if you give up on megabytes",
            7,
        ),
    ),
    follow_ups=(
        then(
            "The fresh seeds give 79.4 %. What do you do, and what do you not do?",
            "Reports it. Either ships what was measured with everybody's consent, or goes back to the list"
            " with a stricter lower end and confirms the new choice on seeds and clients that are fresh "
            "again. Does not search on until some fresh seeds pass.",
            "12",
            "12.5",
        ),
        then(
            "How do you know who the worst tenth is, if you find it by its accuracy?",
            "By half of each client's data, and judges it on the other half: found and judged on the same "
            "digits it looks worse than it is, by luck. It is still worse off than the average.",
            "12",
            "The tenth is not quite as bad as it looks on the digits by which it was found",
        ),
    ),
)

_FIVE_POINTS = Walkthrough(
    id="five-points",
    question=(
        "Product wants five more points of accuracy, at the same bytes a phone and 'without touching "
        "privacy'. Go through the knobs of private federated averaging: which can give it, and at what "
        "price?"
    ),
    minutes=5,
    rubric=(
        "Says which knobs enter ε (noise, rate, rounds) and which do not (clipping norm, local epochs)",
        "Says that knobs which are free in a run are not free to try on people's data",
        "Says how rounds and rate scale: ε about with the root of the rounds, a larger cohort shares one "
        "noise and costs bytes",
        "Gives a price for the five points, in ε or in bytes, or says that the wish is infeasible and what"
        " is nearest",
        "Refuses the change of unit that makes ε smaller and the promise empty",
    ),
    weak=(
        "I would train for more rounds with a lower learning rate, add local epochs since they cost no "
        "bytes, and if that is not enough move from client-level to example-level privacy, where the model"
        " is much better at an even smaller ε."
    ),
    why_weak=(
        "More rounds cost ε and bytes, which were to stay. The free knobs were in the search already. And "
        "the last step keeps the number small by promising it to a digit in place of a person."
    ),
    strong=(
        says(
            "Clipping norm and local epochs do not enter ε, as clipping bounds what a phone sends, "
            "whatever it computed before, and the noise is a multiple of the norm. So I would look "
            "there first.",
            "12",
            "C and the local epochs are free: clipping bounds what a phone sends",
            1,
        ),
        says(
            "But not on the phones' data: each try is a run. Six choices of these two, with five seeds "
            "each, are thirty runs, and came to over 5 times one run's ε. Random stopping, with thirty "
            "runs in the mean, would pay less than three times.",
            "12",
            "Six choices of C and local epochs with five seeds, thirty runs, cost over five runs' ε",
            2,
        ),
        says(
            "At such an ε, rounds enter with about their root: sixteen times the rounds were about "
            "four times the ε. They also cost bytes in full.",
            "12",
            "Sixteen times the rounds cost about four times the ε",
            1,
            3,
        ),
        says(
            "Noise against rounds has no general answer: which noise was best depended on ε, so that pair "
            "has to be searched.",
            "12",
            "Which noise is best depends on ε",
            3,
        ),
        says(
            "The rate is the lever with a price in bytes: a larger cohort needs more noise for the same ε "
            "and earns more with it.",
            "12",
            "A larger rate needs more noise, and earns more with it",
            3,
        ),
        says(
            "So at equal bytes I would bring the price list: five points more, from 0.80 to 0.85, cost "
            "about twice the ε.",
            "12",
            "Five points of accuracy more cost about twice the ε",
            4,
        ),
        says(
            "If that is refused as well, I say that no setting does it, and name the nearest: which wish "
            "gives way, and by how much.",
            "12",
            "The library names the same neighbours",
            4,
        ),
        says(
            "And I would not move to example level: there ε per digit was under a third of ours and the "
            "model better, and yet both phones that we attacked were found more surely than that ε allows "
            "for a digit.",
            "12",
            "But both phones are found more surely than it allows for a digit",
            5,
        ),
    ),
    follow_ups=(
        then(
            "Somebody proposes a larger δ, 1e-3 for a thousand phones. Does that buy the five points?",
            "It makes ε smaller at the same noise, so the number looks better and nobody is better "
            "protected. At δ of one over the number of phones the definition allows giving one of them "
            "away. Keeps δ and compares at one δ.",
            "05",
            "Two papers report 8 and 2 for the same training code and data",
        ),
        then(
            "Your network team offers ten times the bytes. What do you buy with them, and when do they "
            "stop helping?",
            "More rounds with more noise in each, then a larger cohort, whose members share one noise; read "
            "off the price list along a row. At the edge of the grid more bytes bought little or nothing "
            "more.",
            "12",
            "A tenth of the bytes costs over twice the ε",
        ),
    ),
)

TRADE_OFF_QUESTIONS = (_SPEC, _FIVE_POINTS)
