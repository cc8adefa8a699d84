# %% [markdown]
# # Your data never left the phone. Is it private?
#
# "The raw data stays on your device; we only send model updates." You have read this sentence in an app.
# In this lesson you are the server of such an app: you receive one update, and a minute later you are
# looking at what the person wrote.
#
# You will
# - learn how the exercises of this course work, on a small one,
# - turn one model update back into the image it was computed from, and
# - see the map of the course, which is about what to do next.
#
# *About 15 minutes of your time; 10 s and 750 MiB on one core. You need: Python. You read torch code and write two lines of it.*

# %% [markdown]
# > - **Who attacks?** The server. It follows the protocol and looks closely at what it receives.
# > - **What do they see?** One update of a model, and the model itself, which it sent out.
# > - **What do they want?** The image on the phone.
# > - **Whom do we trust?** For now, only ourselves.

# %% [markdown]
# ## How a lesson works
#
# Run the cells from top to bottom with **Shift+Enter**. Some cells are yours to write: they hold `...  # your
# code here`, and the cell below them checks what you wrote. Whatever you do there, the notebook goes on: if an
# answer is missing or wrong, you are lent the library's own and told so.
#
# **Predict** means: write a guess down, then run. A green sentence with a number under it was computed by the cells
# above; if it stopped being true, the cell would fail.

# %% tags=["setup"]
import matplotlib.pyplot as plt
import torch

from course.data import load_mnist
from course.exercises import begin, check, claim, hint, quiz, right
from course.exercises.exercise import LESSONS
from course.federated import as_examples, client_generator, local_sgd, two_nn, weights_of
from course.figures import plot_course_map, plot_digits, present

begin("00")

# %% [markdown]
# A phone starts from the server's model (`before`), trains it on what it holds (`after`), and sends the
# difference: the **update**. A model is a dictionary from names to tensors. Write the function that the
# phone needs.


# %% tags=["exercise"]
def update_of(before, after):
    """What the phone sends: how each tensor of the model changed.

    Args: before, after: dictionaries, name → tensor, with the same names and shapes.
    Returns: a new dictionary with those names.
    """
    ### BEGIN SOLUTION
    return {name: after[name] - before[name] for name in before}
    ### END SOLUTION


# %% tags=["check"]
update_of = check("00.1", update_of)  # stuck? hint("00.1")

# %% [markdown]
# Break it on purpose: swap the two, or return `after`, and run both cells again. The check says what is wrong,
# not only that something is. `hint("00.1")` in a cell of your own asks you a question first; call it
# again for more.

# %% [markdown]
# ## A phone, a digit, an update
#
# The model, `two_nn`, has three linear layers: 784 pixels → 50 units → 50 units → 10 digits. After each of the first two, a ReLU
# turns negative numbers into 0. A unit whose number was negative **did not fire**: it had no part in the answer, so its
# weights and its bias do not change.
#
# Here is a phone. It holds one image that nobody else may see, so let us not look at it either.
# It trains the server's model on that image, for one step, and sends the update.

# %%
mnist = load_mnist()
on_the_phone = as_examples(mnist.train_images, mnist.train_labels).take([7])

model = two_nn(seed=0, hidden=50)
before = weights_of(model)
local_sgd(
    model,
    on_the_phone,
    local_epochs=1,
    batch_size=1,
    learning_rate=0.1,
    generator=client_generator(0, round_index=0, client=0),
)
received = update_of(before, weights_of(model))

for name, change in received.items():
    print(
        f"{name:9} {tuple(change.shape)!s:10} the largest change is {change.abs().max():.4f}"
    )

# %% [markdown]
# Forty-two thousand tiny numbers. No pixel was sent.
#
# **Predict**: which of these tensors holds the image, and what would you do to it? One of them has a number for each pixel
# and each of the 50 units of the first layer.

# %% [markdown]
# ## Sixty seconds
#
# A unit of the first layer computes `weight · image + bias`. Nudge its bias by a little: the sum moves by that little, and the
# loss by some slope *s* times it. Nudge the weight of pixel *i* instead: the sum moves by pixel *i* times as much, so that
# weight's slope is *s* × pixel *i*. One step of SGD multiplies all slopes by the same learning rate.


# %% tags=["exercise"]
def recover_image(weight_change, bias_change):
    """The image that a linear layer was trained on, from the layer's update.

    Args: weight_change, a tensor of shape (units, pixels); bias_change, of shape (units,). For each unit,
        its row of weight_change is its bias_change × the image. Some units did not fire: 0 in both.
        Divide for one unit: the one whose bias changed most, up or down.
    Returns: the image, a tensor of shape (pixels,).
    """
    ### BEGIN SOLUTION
    unit = bias_change.abs().argmax()
    return weight_change[unit] / bias_change[unit]
    ### END SOLUTION


# %% tags=["check"]
recover_image = check("00.2", recover_image)  # stuck? hint("00.2")

# %%
recovered = recover_image(received["0.weight"], received["0.bias"])
_, axes = plt.subplots(1, 3, figsize=(7, 2.9))
plot_digits(
    axes,
    [received["0.weight"].abs().mean(dim=0), recovered, on_the_phone.images[0]],
    ["the update, as it is", "what you recovered", "what was on the phone"],
)
present(
    axes[0],
    caption=(
        "One image, one SGD step, one grey scale for all three. Left: the mean size of "
        "the change of the first layer's weights, too faint to see. Middle: one "
        "division later. It misleads in one way: real clients train on more than one "
        "image, and the last section shows what that changes."
    ),
    alt=(
        "Three pictures: left an empty square, middle the recovered digit 3, right the "
        "original, which looks the same."
    ),
)

# %%
largest_error = (recovered - on_the_phone.images[0]).abs().max().item()
claim(
    "Every pixel of the recovered image is right to within a thousandth",
    largest_error < 0.001,
)

# %% [markdown]
# Not a blur: the image itself, from a division. Nothing was hacked, and the sentence from the app is still
# true to the letter: no image was sent. **The update carried all of it.** This is why "the data stays on
# the device" is a fact about transport and not a promise of privacy.

# %% [markdown]
# ## Where this ends
#
# One image and one step is the easiest case there is. Before you trust or fear the result, change the case:
# let the phone train on more images, or for longer, and run the same recovery.
#
# **Predict** for each: one image and five steps; two images; ten images; fifty images and five steps. Exact, blurred, or
# nothing?

# %%
everything = as_examples(mnist.train_images, mnist.train_labels)


def update_from(num_images, local_epochs):
    """What a client with so many images (one batch) sends after so many epochs."""
    model.load_state_dict(before)
    local_sgd(
        model,
        everything.take(range(7, 7 + num_images)),
        local_epochs=local_epochs,
        batch_size=None,
        learning_rate=0.1,
        generator=client_generator(0, round_index=0, client=0),
    )
    return update_of(before, weights_of(model))


def recovered_after(num_images, local_epochs):
    """The same recovery, clipped to the range of a pixel."""
    update = update_from(num_images, local_epochs)
    return recover_image(update["0.weight"], update["0.bias"]).clamp(0, 1)


cases = {
    (1, 5): "1 image, 5 steps",
    (2, 1): "2 images, 1 step",
    (10, 1): "10 images, 1 step",
    (50, 5): "50 images, 5 steps",
}
results = {case: recovered_after(*case) for case in cases}
_, axes = plt.subplots(1, 4, figsize=(8, 2.7))
plot_digits(axes, list(results.values()), list(cases.values()))
present(
    axes[0],
    caption=(
        "The same division on four clients, clipped to the range of a pixel; one run "
        "each. Every client holds our 3 and the images that follow it in MNIST. It "
        "misleads in one way: a failed division is not a safe update. The next "
        "cells try harder."
    ),
    alt=(
        "Four pictures: a sharp 3, the same sharp 3 from a client with two images, an "
        "unclear mixture, and a smear."
    ),
)


# %%
def errors(image, num_images):
    """Mean squared error to each of the client's own images."""
    return (everything.images[7 : 7 + num_images] - image).square().mean(dim=1)


five_steps, two_images = errors(results[1, 5], 1).min(), errors(results[2, 1], 2).min()
claim("Five steps on one image do not protect it", five_steps.item() < 1e-6)
claim("Nor does a second image, in this client", two_images.item() < 1e-6)

# %% [markdown]
# The unit that we divided by had fired for only one of the two images. The third picture is a 3 blurred
# with other digits, the fourth nothing: neither is one of the client's images.
# Our function looks at *one* unit, the one that changed most. A patient attacker divides by each of the fifty and
# looks at fifty pictures.
#
# **Predict**: what will the patient attacker see of the fifty images?


# %%
def every_division(num_images, local_epochs):
    """One picture from each unit that changed, and its error to each of the client's images."""
    update = update_from(num_images, local_epochs)
    changed = update["0.bias"] != 0
    pictures = update["0.weight"][changed] / update["0.bias"][changed].unsqueeze(1)
    pictures = pictures.clamp(0, 1)
    return pictures, torch.stack([errors(picture, num_images) for picture in pictures])


_, errors_of_ten = every_division(10, 1)
pictures, errors_of_fifty = every_division(50, 5)
unit, victim = divmod(int(errors_of_fifty.argmin()), 50)
_, axes = plt.subplots(1, 3, figsize=(7, 2.9))
plot_digits(
    axes,
    [results[50, 5], pictures[unit], everything.images[7 + victim]],
    ["50 images: our unit", "50 images: another unit", "one of the 50 images"],
)
present(
    axes[0],
    caption=(
        "The same update of a client with fifty images and five steps, seen through two units. "
        "It misleads in one way: we chose the unit with the help of the original. An attacker "
        "has to look through fifty pictures for one that looks like a digit, which takes a minute."
    ),
    alt="Three pictures: a smear, a clearly legible 5 with some shadow, and the original 5.",
)

# %%
found_of_ten = int((errors_of_ten.amin(dim=0) < 1e-6).sum())
best_of_fifty = errors_of_fifty[unit, victim].item()
mean_digit = errors(everything.images.mean(dim=0), 50)[victim].item()
claim(
    "With ten images, the units together give back at least three of them",
    found_of_ten >= 3,
)
claim(
    "With fifty, one unit's picture has under half the error that the mean digit has on that image",
    best_of_fifty < mean_digit / 2,
)

# %% [markdown]
# So "this attack failed" meant "this attacker was lazy". How many images are enough, does a better attacker do better, and
# what could be **promised** instead of hoped? The rest of the course answers these, each time in the same order: build
# it, attack it, then use what professionals use.

# %%
_, ax = plt.subplots(figsize=(8, 5.2))
plot_course_map(
    ax, LESSONS, title="The course, row by row: train, attack, promise, hide, use, judge"
)
present(
    ax,
    caption=(
        "Each row stands on the rows above it. Filled boxes are in your copy of the "
        "course; dashed ones are being written."
    ),
    alt=(
        "Map of fifteen lessons in six rows. Train without pooling: 01 FedAvg, 02 "
        "Flower. What leaks: 03, 04. Promise it: 05, 06. Hide it: 07, 08, 09. Use it: "
        "10, 11. Judge it: 12, 13, 14."
    ),
)

# %% [markdown]
# ### What this does *not* protect
#
# Nothing was protected here; that was the point. From now on each lesson ends with its **privacy ledger**: what is promised to
# whom, in numbers. (The main number is called ε; lesson 05 defines it.) **Today's ledger is empty**: no noise was
# added and nothing can be promised.

# %% [markdown]
# ## Quiz

# %%
quiz(
    "Why did dividing the change of the weights by the change of the bias give the image exactly?",
    {
        "The model had memorised the image": "It was trained for one step, on one image: it had no time to memorise anything.",
        "Both changes contain the same unknown factor, which cancels": right(
            "Learning rate × slope is in both; the weights' change has the pixel on top."
        ),
        "MNIST images are simple": "Nothing in the division knows what an image looks like. Random noise would come back as well.",
    },
)

# %%
quiz(
    "The app's makers now encrypt the connection to the server. What changes for this attack?",
    {
        "Nothing: the server itself is the attacker, and it decrypts": right(
            "Encryption in transit stops listeners on the way. The adversary card says who attacks: the server."
        ),
        "It no longer works": "It works as before: this server reads each update in order to average it. Lesson 08 removes that need.",
        "It works, but only for small images": "Size plays no role: there is one number for each pixel.",
    },
)

# %%
quiz(
    "Our first try at fifty images returned a smear. What could you conclude at that moment?",
    {
        "Fifty images are enough for privacy": "You had seen one attack fail. A minute later another unit returned a digit.",
        "This attack fails there; about other attacks we know nothing yet": right(
            "A failed attack is evidence about the attack. A promise needs a proof: lessons 05 and 08."
        ),
        "Updates of large clients contain no information": "They do: the model learned from them.",
    },
)

# %% [markdown]
# ## Interview corner
#
# Two questions end each lesson. For a rehearsal over all of them, with a clock and a rubric, run
# `from course.interview import interview; interview("launch")` in a cell of your own.
#
# **1. "Our app uses federated learning, so user data is private. Agree?"** (2 minutes)
#
# *Rubric*: separates where data is stored from what is revealed (1); names who sees the update (1); gives a concrete
# leak (1); says when it is weak (batch, steps) without calling that a guarantee (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "Yes, because raw data never leaves the device", or "no, there are attacks".
#
# *Strong*: "It limits collection, not leakage. The server sees each update, and for a client with one image and a
# linear first layer the image is the ratio of two entries of it, exact to float precision. Larger batches mix
# images, which weakens that attack and proves nothing: with fifty images one still came back. For a promise I would add secure aggregation, so
# that no single update is seen, and differential privacy for what the sum reveals."
#
# </details>

# %% [markdown]
# **2. "Which layers leak the input exactly, and why?"** (2 minutes)
#
# *Rubric*: linear layer with bias that sees the input (1); weight gradient is the outer product of error and input (1); the
# ratio cancels error and learning rate (1); units that did not fire give 0/0 (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "Deep networks leak because they have many parameters."
#
# *Strong*: "A linear layer with a bias: for one example, the gradient of row *j* is s_j · x and that of its bias is s_j.
# Any unit with s_j ≠ 0 gives x by division. With more examples you get a mixture weighted by their s_j, which is still
# one image if the unit fired for one of them only."
#
# </details>

# %% [markdown]
# ## Sources
#
# - Phong, Aono, Hayashi, Wang, Moriai 2018, *Privacy-Preserving Deep Learning via Additively Homomorphic Encryption*,
#   IEEE TIFS 13(5), section III: the ratio of the two gradients.
# - Zhu, Liu, Han 2019, *Deep Leakage from Gradients*, arXiv:1906.08935: the attack for deeper networks, in lesson 03.
# - McMahan et al. 2017, arXiv:1602.05629v4, section 1: what federated learning does and does not claim.
