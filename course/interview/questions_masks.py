"""Questions on masks and their cost: lesson 08, with 09."""

from course.interview.walkthrough import Walkthrough, says, then

_TWO_MASKS = Walkthrough(
    id="two-masks",
    question=(
        "At the whiteboard: why does secure aggregation need two kinds of masks, shares, and a round of "
        "signatures? Take one away at a time, and show me the attack."
    ),
    minutes=6,
    rubric=(
        "Pairwise masks from key agreement, one side adds and the other subtracts, all modulo the ring",
        "Without shares: one dropout leaves masks over, and the whole sum is noise",
        "Without the own mask: whoever was declared gone and arrives late is read",
        "Without a rule for the shares: seed and key of the same phone take all masks off",
        "Without agreement on the list: the lie is split over two groups, and a threshold with signatures "
        "stops it",
        "Says what is not stopped: the sum itself, and whoever deals the verification keys",
    ),
    weak=(
        "The masks cancel when all clients are there. The second mask is for extra security in case a key "
        "leaks, and the consistency round makes sure that all messages have arrived correctly."
    ),
    why_weak=(
        "No key leaks: the protocol itself puts a phone's key together, for any phone that is called late,"
        " and the second mask protects exactly that phone. And the signatures are about what the server "
        "said, not about transport."
    ),
    strong=(
        says(
            "Each pair agrees on a seed; one phone adds the stretched mask, the other subtracts it, and "
            "the sum of the masked vectors is the sum of the vectors.",
            "08",
            "The sum of the five masked vectors is the sum of the vectors",
            1,
        ),
        says(
            "Take the shares away: one phone vanishes, its partners' masks have lost their counterpart, "
            "and hardly an entry is right.",
            "08",
            "Without phone 20 hardly an entry of the sum is right",
            2,
        ),
        says(
            "With shares of its key, dealt before any vector is sent, any three repair the sum.",
            "08",
            "Three shares repair the sum of the four",
            2,
        ),
        says(
            "Take the own mask away: the phone was only slow, its key is known by now, and all 784 pixels "
            "are read. Nobody broke a rule; the server decides what is late.",
            "08",
            "The server reads all 784 pixels of phone 20",
            3,
        ),
        says(
            "Take the rule away: phones that give whatever they are asked for hand over both secrets, and "
            "the same 784 pixels are read. So of a survivor a phone gives the seed, of a dropped one the "
            "key, and never both.",
            "08",
            "Three obliging phones, and all 784 pixels are read",
            4,
        ),
        says(
            "Take the signatures away: the server tells two stories to two groups, each request is in "
            "order, and it has seed and key.",
            "08",
            "Two stories give the server the seed and the key",
            5,
        ),
        says(
            "With them, each phone signs one list and answers only if enough signed the same; the phones "
            "that were told the rarer story gave nothing.",
            "08",
            "The phones that were told the rarer story give nothing",
            5,
        ),
        says(
            "None of it protects the sum, or a phone from whoever enrols: a server that hands out the "
            "verification keys can be all the others.",
            "08",
            "**Against whoever enrols.**",
            6,
        ),
    ),
    follow_ups=(
        then(
            "A dropped phone's private key is put together. What does that mean for its next round?",
            "The key is known, so it must be fresh in every run, with a new session number; otherwise its "
            "pairwise masks of any other round could be computed. Its own mask of this round stays, as "
            "nobody gives the seed.",
            "08",
            "and a session number for each run",
        ),
        then(
            "Phone 20 sends its masked vector and then vanishes. Is it in the sum, and what is asked of "
            "the others?",
            "It is in the sum: it survived the stage that counts. The others give shares of its seed, not "
            "of its key, since its pairwise masks cancel.",
            "08",
            "Once sent, phone 20's input counts",
        ),
    ),
)

_SECAGG_COST = Walkthrough(
    id="secagg-cost",
    question=(
        "Secure aggregation works in our pilot with fifty phones. We want a million. Where does it break, "
        "and what do you change?"
    ),
    minutes=5,
    rubric=(
        "Says what grows with what: keys, shares and masks with the number of partners, only the masked "
        "input with the vector",
        "Gives an order of magnitude for everyone with everyone at a million, and says that it is hopeless",
        "Replaces it by a few random neighbours each, and names a condition that the graph has to fulfil",
        "Names what the sparse graph gives up: it holds in all likelihood, and only if nobody could choose"
        " it",
        "Says where the bytes go for a large model, and that dropouts cost the server work",
    ),
    weak=(
        "Cryptography is expensive, so we use a faster language and GPUs, compress the updates, and let "
        "the server aggregate hierarchically. Bandwidth of the masked model is the bottleneck."
    ),
    why_weak=(
        "The bottleneck with many phones is not the model, it is a share and a key for every other phone. "
        "A factor from a faster language does not move a quadratic, and a hierarchy changes what the "
        "servers see."
    ),
    strong=(
        says(
            "Of the ten messages only the masked input grows with the vector; most others grow with the "
            "number of phones.",
            "08",
            "Of the ten messages only the masked input grows with the vector",
            1,
        ),
        says(
            "Everyone with everyone means 628 MB for each of 1,000,000 phones, for a vector of 784 entries.",
            "08",
            "A million phones with everyone: each sends and gets over 500 MB",
            1,
            2,
        ),
        says(
            "So each phone gets a few random neighbours. For 1,000,000 phones 64 were enough, 35 of which "
            "must stay, and it took 45 kB a phone.",
            "08",
            "neighbours, {chosen.threshold} must stay",
            3,
        ),
        says(
            "There must be enough of them that no phone has a threshold of accomplices around it, the "
            "honest ones hang together, and nobody loses too many; a tenth of accomplices and a tenth of "
            "dropouts were assumed, and a server that does not lie.",
            "08",
            "Enough of them that, in all likelihood, no phone has",
            3,
        ),
        says(
            "The price is that this holds in all likelihood, for a graph that nobody chose, and in our "
            "version against a curious server: a lying one can read a whole vector.",
            "08",
            "with the smallest threshold a lying server can read one phone's whole vector",
            4,
        ),
        says(
            "For a large model the width of an entry decides: most of the way from the paper's 1.73 to our"
            " 2.31 is 32 bits for entries that need 26.",
            "08",
            "Most of the difference is 32 bits for entries that need 26",
            5,
        ),
        says(
            "And the server pays for dropouts, as it must compute a dropped phone's masks again, one for "
            "each survivor.",
            "08",
            "must be computed again by the server, one for each survivor",
            5,
        ),
    ),
    follow_ups=(
        then(
            "Why not many cohorts of a thousand, each with everyone, in place of the graph?",
            "A fair answer: simple, and 0.6 MB each. But the server sees a sum for each cohort, each needs"
            " noise for its own survivors, and an attacker who may choose cohorts has an easier game. The "
            "graph gives one sum of a million.",
            "08",
            "A million phones with everyone: each sends and gets over 500 MB",
        ),
        then(
            "Would homomorphic encryption be cheaper, with one message and no dropouts?",
            "About 30 bytes a number against about 4, in one message instead of five exchanges. But "
            "somebody holds the key: with one key, whoever has it and a ciphertext reads that phone; with "
            "a key in pieces the phones must come back to open.",
            "09",
            "Secure aggregation sends a fifth of what CKKS sends, or less",
        ),
    ),
)

MASK_QUESTIONS = (_TWO_MASKS, _SECAGG_COST)
