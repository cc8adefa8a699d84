"""Questions on what one update says, and to whom: lessons 00 and 03, with 02, 05, 08 and 11."""

from course.interview.walkthrough import Walkthrough, says, then

_DEBUG_LOG = Walkthrough(
    id="debug-log",
    question=(
        "Training diverges for some phones. An engineer wants to log one phone's raw update a day to an "
        "internal bucket, for two weeks. It is never shared. Do you approve?"
    ),
    minutes=4,
    rubric=(
        "Says that a raw update is personal data, and names something that can be read from it",
        "Says why several images or several local steps do not make it safe",
        "Says that the log is outside what secure aggregation or an ε covers, so the promise to that "
        "person is gone",
        "Asks who can read the bucket, for how long, and who could demand it",
        "Offers another way to debug: simulated or own clients, counts, sums",
    ),
    weak=(
        "It is internal, so with access control and encryption at rest it is fine. The update is a vector "
        "of gradients after several local steps, nobody can turn that back into a user's data, and we "
        "delete it after two weeks."
    ),
    why_weak=(
        "It counts on the failure of attacks that nobody has run, and treats 'internal' as no adversary. "
        "It does not notice that the promise made to users covers the procedure, and a log is not part of "
        "it."
    ),
    strong=(
        says(
            "No. A raw update is the person's data in another form: for one image and one step, every "
            "pixel came back to within a thousandth.",
            "00",
            "Every pixel of the recovered image is right to within a thousandth",
            1,
        ),
        says(
            "More images do not make it safe. With ten images the units together gave back at least three "
            "of them.",
            "00",
            "With ten images, the units together give back at least three of them",
            2,
        ),
        says(
            "Nor do local steps: they spoil an attacker who takes the update for a gradient, and one who "
            "replays the steps gets over 25 dB.",
            "03",
            "An attacker who replays them gets over 25 dB",
            2,
        ),
        says(
            "If secure aggregation is on, the server could not even write this log: what it receives looks"
            " uniform. Somebody would have to copy the update on the phone, around the protocol.",
            "08",
            "What phone 20 sends looks uniform",
            3,
        ),
        says(
            "And an ε speaks of the procedure only. A log file is outside of it, and so is a second "
            "release that nobody entered.",
            "05",
            "**Anything outside the procedure**: a log file",
            3,
        ),
        says(
            "I would ask who can read the bucket and who can demand it: a subpoena gets what is kept, and "
            "needs no model.",
            "11",
            "**Five adversaries, one bit**",
            4,
        ),
        says(
            "Instead I would reproduce the divergence on simulated clients, as the hospitals did for all "
            "their settings, and on phones of consenting staff.",
            "11",
            "Besides them there is a **tuning simulation**",
            5,
        ),
        says(
            "From real clients I would take counts, such as how many have an update longer than each of "
            "some thresholds. Sums of counts are what secure aggregation was made for.",
            "10",
            "Sums of counts are what secure aggregation (lesson 08) was made for",
            5,
        ),
    ),
    follow_ups=(
        then(
            "What if we log only the signs of the update?",
            "Signs are a deterministic function of the data: no ε, and the same search still beat the best"
            " guess that needs no update at all. It is a smaller log of the same secret.",
            "03",
            "With signs only, the median is still above the mean digit's",
        ),
        then(
            "What if the phone adds noise before the log sees it?",
            "Then it is a release with its own ε, to be entered for that phone: at z = 1.3 on one "
            "clipped update an ε of 7.82 at δ = 1e-5 (replace one) for a single day, and two weeks add "
            "up. At that noise there is little left to debug with.",
            "03",
            "for z in (0.005, 0.02, 0.05, 0.2, 1.3)",
        ),
    ),
)

_MALICIOUS_SERVER = Walkthrough(
    id="malicious-server",
    question=(
        "Your threat model says 'honest-but-curious server'. A reviewer writes: assume that it is "
        "malicious. What changes, and what still holds?"
    ),
    minutes=6,
    rubric=(
        "Defines both: one follows the protocol and looks, the other sends whatever it likes",
        "Names the model itself as a weapon, and says that large batches are no defence against it",
        "Names a lie inside secure aggregation, and the check by the clients that stops it",
        "Says that the server may choose the cohort or bring accomplices, and gives the threshold that "
        "follows",
        "Says that whoever ships the client's code or deals the keys need not attack any protocol",
        "Says what still holds: noise that the clients themselves add, counted without the accomplices' "
        "shares",
    ),
    weak=(
        "A malicious server could tamper with messages, so we need TLS and signed updates. Then it can "
        "only see what it saw before, and secure aggregation already hides the single updates from it."
    ),
    why_weak=(
        "TLS protects against third parties, not against the server. It overlooks that the server writes "
        "the model and the list of survivors, and that secure aggregation without consistency checks falls"
        " to exactly this server."
    ),
    strong=(
        says(
            "A curious server follows the protocol and looks; a malicious one sends what it likes. Large "
            "batches are at best an argument against the first, since the second writes the model.",
            "03",
            "is at best an argument against a curious server",
            1,
            2,
        ),
        says(
            "With a crafted first layer it read 79 % of a batch of 256 images, by a subtraction and a "
            "division; an honest layer of the same size gave 1 %.",
            "03",
            "crafted = crafted_network(public.images.mean(dim=1), bins=1_000)",
            2,
        ),
        says(
            "Inside secure aggregation it asks for both shares, of a phone's key and of its own mask's "
            "seed, and takes all masks off: 784 of 784 pixels. So a phone gives the one that is due, and "
            "refuses both.",
            "08",
            "Three obliging phones, and all 784 pixels are read",
            3,
        ),
        says(
            "Refused, it tells two stories, one half hearing that the phone dropped and the other that it "
            "survived. Where phones sign one list of survivors, and answer only if enough others signed "
            "the same, those that were told the rarer story gave nothing.",
            "08",
            "The phones that were told the rarer story give nothing",
            3,
        ),
        says(
            "The threshold must beat half of phones plus accomplices: against 100 accomplices of 300, more"
            " than two thirds must stay, 201.",
            "08",
            "Against a third of accomplices more than two thirds of all phones must stay",
            4,
        ),
        says(
            "On a sparse graph it must not choose the neighbours: a server that may draw until it likes "
            "the result puts accomplices around you.",
            "08",
            "that may draw until it likes the result puts accomplices around you",
            4,
        ),
        says(
            "Every reply is signed, and the verification keys come from somewhere else; otherwise the "
            "server hands out keys of its own in your name.",
            "08",
            "without which the server could hand out keys of its own in your name",
            3,
            5,
        ),
        says(
            "And whoever sends the client its code need not break any protocol. That needs reviewed, "
            "signed builds.",
            "08",
            "Flower sends each node its *code*",
            5,
        ),
        says(
            "What still holds is noise added on the device: at ε = 7.8 for one release the crafted layer "
            "recovered none of 256 images, even at 20 dB. The promise was not about one model.",
            "03",
            "With the strongest noise, not one of the 256 images is recovered, even at 20 dB",
            6,
        ),
        says(
            "What I give up is correctness and an answer at all: a server may announce any sum, or none.",
            "08",
            "A server may announce any sum",
        ),
        says(
            "If the noise is in shares, an accomplice knows its own and takes it off, so I count only the "
            "shares of phones that do not tell.",
            "08",
            "count only the shares of phones that do not tell",
            6,
        ),
    ),
    follow_ups=(
        then(
            "Could the phone inspect the model before it trains?",
            "Partly: identical rows with a ladder of biases are suspicious, and all phones can compare a "
            "hash, so that nobody gets a model of their own. But no check lists every bad model, and a "
            "malicious model may look trained. So bound the update instead.",
            "03",
            "03.5",
        ),
        then(
            "Would homomorphic encryption settle it, since the server then cannot read anything?",
            "No: a lying server sends one client's own ciphertext in place of the sum to whoever helps to "
            "open, and nothing shows that it added honestly. It also moves the trust to the key holder.",
            "09",
            "a server that lies sends client 3's own ciphertext in place of the sum",
        ),
    ),
)

LEAK_QUESTIONS = (_DEBUG_LOG, _MALICIOUS_SERVER)
