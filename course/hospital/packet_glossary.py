"""The words of the packet, each explained without mathematics."""

GLOSSARY = (
    ("accountant", "A program that adds up what all rounds together can reveal about one patient."),
    ("adversary", "Somebody against whom the training was planned. Naming one accuses nobody."),
    (
        "audit",
        "A test of the program that plants made-up records and tries to find them again. It can show "
        "that a claimed ε is false; it does not show that it is true.",
    ),
    (
        "AUROC",
        "The share of pairs, one patient with a tumour and one without, in which the right one gets the "
        "higher score. A model that only tosses a coin gets half of the pairs right.",
    ),
    (
        "budget file",
        "A hospital’s own list of every round in which its patients were used, over all runs. It is "
        "written before anything leaves the hospital.",
    ),
    ("canary", "A made-up record that is planted for an audit."),
    (
        "clipping",
        "Shrinking what one patient adds to a sum to a fixed most, so that the noise can cover it.",
    ),
    (
        "confidence",
        "How often ranges made in this way would hold the true value, if the whole study were repeated "
        "many times.",
    ),
    (
        "delta (δ)",
        "A very small allowance for rare outcomes to which the limit on the odds does not apply.",
    ),
    (
        "differential privacy",
        "A proven limit on how much the presence of one person can change what is let out.",
    ),
    (
        "epsilon (ε)",
        "The size of that limit. Zero means that nothing can be learned about whether you took part; "
        "the larger, the less is promised; infinite means no guarantee.",
    ),
    ("hash", "A fingerprint of a file."),
    ("ledger", "The list of every ε with the sentence that says what it means."),
    ("membership attack", "An attempt to find out whether a certain person was in training."),
    ("noise", "Random numbers, added on purpose, large enough to cover one patient."),
    ("noise multiplier", "The size of the noise beside the most that one patient can add."),
    (
        "Poisson sampling",
        "In each round every patient is in or out by their own toss of a weighted coin, which nobody "
        "outside sees.",
    ),
    ("round", "One repetition: hospitals compute, the sum is made, the model moves."),
    ("secure aggregation", "A way to compute a sum so that the server learns the sum and not its parts."),
    ("seed", "The number from which a computer’s chance can be repeated."),
    ("sensitivity", "The share of tumours that the model finds."),
    ("specificity", "The share of patients without a tumour whom the model leaves alone."),
    ("unlearning", "Making a model as if a certain person had never been in it."),
    ("update", "The numbers that a hospital computes from its patients in one round."),
)
