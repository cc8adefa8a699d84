"""Questions on training with a promise: lesson 06, with 05, 10 and 11."""

from course.interview.walkthrough import Walkthrough, says, then

_REVIEW_STEP = Walkthrough(
    id="review-step",
    question=(
        "This training prints ε = 1.9 at δ = 1e-5 (example level, add/remove). Review it: what is wrong, "
        "and how would you have found each fault?"
    ),
    exhibit="""\
for rate, C in grid:  # twelve settings
    model = new_model()
    for epoch in range(30):
        accountant = RDPAccountant()
        for batch in DataLoader(users, batch_size=256, shuffle=True):
            grads = per_example_gradients(model, batch)  # (batch, dim)
            norms = grads.norm(dim=1, keepdim=True)
            clipped = grads * (C / norms).clamp(max=1)
            noise = z * C * torch.randn(1)
            model -= rate * (clipped.sum(dim=0) + noise) / len(batch)
            accountant.step(noise_multiplier=z, sample_rate=256/len(users))
    runs[rate, C] = model, accuracy(model, more_users)
print(accountant.get_epsilon(delta=1e-5))
publish(best_of(runs))
""",
    minutes=6,
    rubric=(
        "The loader shuffles, and the accountant was told of Poisson sampling",
        "One draw of noise for all coordinates: differences of coordinates carry none",
        "The accountant is made anew in each epoch, so the printed ε is that of one epoch",
        "The best of twelve runs is published, chosen by users' data without noise: all runs count, and "
        "the scores too",
        "The divisor must be public: with Poisson batches, dividing by the size that was drawn depends on "
        "who is in",
        "Says which faults running the code would show and which only reading it shows",
    ),
    weak=(
        "The clipping is right and the noise has standard deviation z · C, so the mechanism looks correct."
        " I would use Opacus instead of own code, and check with a second accountant that 1.9 follows from"
        " z, the rate and the steps."
    ),
    why_weak=(
        "It checks the formula of the noise and not its shape, recomputes a number for a sampler that did "
        "not run, and takes the number of steps from the accountant that has forgotten 29 epochs."
    ),
    strong=(
        says(
            "The loader: a shuffled one gives a fixed batch and each person once an epoch, and the ε "
            "beside it is computed for something that did not happen. Nothing in the training looks odd.",
            "06",
            "is then computed for something that did not happen",
            1,
        ),
        says(
            "The noise: torch.randn(1) is one draw for all coordinates, so the difference of any two is "
            "exact. In the lesson's step of this kind the noise of a difference is 0.00, where independent"
            " noise shows about 1.4.",
            "06",
            "noise of a difference {evidence[name][1]:.2f}",
            2,
        ),
        says(
            "The accountant is born in each epoch and never grows up: the lesson's training of this kind "
            "had spent 1.83, over 1.5 times the number that was reported, and the gap has no limit.",
            "05",
            "The training has spent over one and a half times what the colleague reports",
            3,
        ),
        says(
            "The maximum over runs: each run saw the people, and which one won depends on them. Five runs "
            "of an ε of 1.09 by RDP were 2.62 together. And the scores on more_users are read without "
            "noise, so for those people there is no ε at all.",
            "06",
            "one, five = (",
            4,
        ),
        says(
            "The divisor: the expected batch size q · n is public, the size that the coins gave depends on"
            " who was drawn. After the loader is repaired, len(batch) becomes the next fault.",
            "06",
            "depends on who was drawn",
            5,
        ),
        says(
            "Running it finds the noise at once, by the difference of two coordinates. It did not find a "
            "wrong sampler or divisor: one step hardly shows them, and their fault is in what is claimed. "
            "And the accountant and the choice stand outside the step, where only reading finds them.",
            "06",
            "Running did not find A, B and F",
            6,
        ),
    ),
    follow_ups=(
        then(
            "The author repairs the noise as z * torch.randn(dim), without C. Is that wrong?",
            "The multiplier is noise over sensitivity: with C = 1 nothing changes, with C = 0.5 there is "
            "more noise than claimed, with C = 2 half of it, and ε must be recomputed at z / C. Half the "
            "sensitivity with half the noise is fine.",
            "06",
            "06.5",
        ),
        then(
            "With Poisson sampling some batches are empty. The author skips them. Harmless?",
            "No: a step without noise says that nobody was drawn. The analysis covers a noisy answer in "
            "every step, so an empty batch gets its noise, too.",
            "06",
            "Why is an empty batch given noise, too?",
        ),
        then(
            "Shuffling is what everybody does. Is the sampler more than a formality?",
            "Yes: for some multipliers shuffled batches leak well above the ε of Poisson sampling "
            "(Chua et al. 2024, 'How Private are DP-SGD Implementations?'). Sample as the accountant "
            "was told, or account for what ran: without amplification, each epoch is one Gaussian "
            "release at multiplier z (if the place of somebody who leaves stays empty).",
            "06",
            "is then computed for something that did not happen",
        ),
    ),
)

_SMALL_CLINIC = Walkthrough(
    id="small-clinic",
    question=(
        "A clinic with 800 patients trains with DP-SGD at ε = 1, and the model is no better than the "
        "majority class. They ask you to fix it. What do you propose?"
    ),
    minutes=5,
    rubric=(
        "Explains it: the noise is made for one person, and a small crowd gets a larger part of it",
        "Shortens the vector that is noised: fewer parameters on public or hand-made features",
        "Clips tighter, with a norm that was found on public or simulated data",
        "Brings more people under one noise: a federation with a secure sum",
        "Refuses the fake repairs: a smaller unit, ε per epoch, a silently larger ε",
        "Says that not training is an option, and what the clinic can have without it",
    ),
    weak=(
        "DP-SGD is sensitive to hyperparameters, so I would search over learning rate, batch size and "
        "clipping norm on their validation set, use a larger pretrained network, and if necessary go up to"
        " ε = 8, which is common in the literature."
    ),
    why_weak=(
        "The search spends more privacy than the training, a larger network needs more noise, and ε = 8 "
        "allows near certainty. None of it touches the reason, which is the size of the crowd."
    ),
    strong=(
        says(
            "It is not a bug. The noise is for one person and does not grow with the crowd, so after the "
            "division 1,000 people feel 33 times as much in a step as 32,561.",
            "06",
            "The noise of a step is over 30 times as large for 1,000",
            1,
        ),
        says(
            "At ε = 0.3 all of Adult lost 1.0 point, and 1,000 people lost 9.6 points.",
            "06",
            "On 1,000 people, ε = 0.3 costs more than six points",
            1,
        ),
        says(
            "First I shorten the vector. At ε = 3 the noise of a network with 5,569 weights was 111 % of "
            "the longest sum possible, that of 41 weights on hand-made features 10 %.",
            "11",
            "The network's noise is as long as the longest sum",
            2,
        ),
        says(
            "Then the clipping norm: at C = 15 the noise cost 7.2 points, at C = 0.1 only 0.2 points, and "
            "clipping that tightly cost 0.5 points by itself.",
            "06",
            "At C = 0.1 it costs less than one",
            3,
        ),
        says(
            "I would look for such a C on public or simulated data, because a search on the patients is "
            "paid for: the simulated hospitals' 54 runs would have cost an ε of 63.",
            "11",
            "The search would have cost over ten times the whole budget",
            3,
        ),
        says(
            "What helps most is company. At ε ≤ 1 a secure sum with others was worth 0.099 AUROC against "
            "being alone, from 0.067 to 0.131, though without any promise the small model was as good "
            "alone.",
            "11",
            "At 1, being together is worth over 0.05",
            4,
        ),
        says(
            "What I refuse: to call a slice an example. Correct DP-SGD with an ε of 1 per slice let an "
            "attack tell a patient with 80 of them apart, with an AUC of 0.999.",
            "11",
            "With eighty slices the attack is nearly never wrong",
            5,
        ),
        says(
            "And to hide the price in a larger number: at 8, a guesser who starts at a coin toss may be "
            "right in 99.97 % of cases.",
            "11",
            "At 8 the promise allows near certainty",
            5,
        ),
        says(
            "If they can join nobody, they can take: a detector trained by the others served the simulated"
            " clinic as well, less than a point apart, and costs its patients no ε.",
            "10",
            "Joining or only taking: less than a point apart, at 95 %",
            6,
        ),
    ),
    follow_ups=(
        then(
            "Does a larger batch help, say all 800 patients in each step?",
            "Little at ε = 1: over equal passes, the noise of a whole run was 106.9 at q = 1/64 and 102.9 "
            "at q = 1/4. It matters where the multiplier would fall near 1, at large ε.",
            "06",
            "noise of the run {total_noise[epsilon, rate]:.1f}",
        ),
        then(
            "They have a public model for the same task. Does that change your plan?",
            "Yes: use it as it is first, as the baseline that costs nothing; then its features with a "
            "small private head, or a few private steps. And report what the private data added beyond it,"
            " since that may be nothing.",
        ),
    ),
)

DP_SGD_QUESTIONS = (_REVIEW_STEP, _SMALL_CLINIC)
