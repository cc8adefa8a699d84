# %% [markdown]
# # What does one model update reveal?
#
# In lesson 00 a division turned an update back into an image. That needed a linear layer on the pixels, and real
# image models begin with convolutions, where there is nothing to divide. So is a convolutional network safe?
#
# You will
# - read a label off a gradient, then search for the image that makes the same gradient,
# - measure where the search stops: batches, local steps, training, clipping, noise,
# - play a server that sends a crafted model and reads a batch of 256, and
# - add the noise that stops both attacks, with an ε beside it.
#
# *About 80 minutes of your time; 55 s and 1150 MiB on one core. You need: lesson 00, and what a gradient is in torch.*

# %% [markdown]
# > - **Who attacks?** The server. At first it follows the protocol and is curious; near the end it sends a model of its own making.
# > - **What do they see?** The update of a single client, and the model it started from. They know how many images
# >   the client has and how it trains.
# > - **What do they want?** The client's images and labels.
# > - **Whom do we trust?** The client's device, which computes the gradient and, at the end, adds noise to it.

# %% tags=["setup"]
import math
import sys
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from course.attacks import (
    crafted_network,
    gradient_of,
    invert_gradient,
    invert_linear,
    label_counts_from_gradient,
    tanh_convnet,
)
from course.data import load_mnist
from course.exercises import begin, check, claim, hint, quiz, right
from course.federated import (
    accuracy,
    as_examples,
    client_generator,
    local_sgd,
    subtract,
    weights_of,
)
from course.federated.rounds import BAR
from course.figures import plot_digits, plot_psnr, plot_rows_of_digits, present
from course.privacy import Adjacency, Ledger, Unit

begin("03")

# %% [markdown]
# The **public** digits are 20,000 of MNIST's training set: anybody has them, the attacker too. The **private** ones, from the
# test set, are on phones. The model is a small convolutional network that the server has just initialised; a phone
# sends the gradient of its loss, one tensor for each tensor of the model.

# %%
mnist = load_mnist()
public = as_examples(mnist.train_images[:20_000], mnist.train_labels[:20_000])
private = as_examples(mnist.test_images, mnist.test_labels)
mean_digit = public.images.mean(dim=0)
model = tanh_convnet(seed=0)
phone = private.take([0])
received = gradient_of(model, phone.images, phone.labels)
for name, tensor in received.items():
    print(f"{name:9} {tuple(tensor.shape)!s:16} norm {tensor.norm():.3f}")

# %% [markdown]
# ## The label comes first
#
# The last layer turns features into ten scores, the softmax turns these into probabilities *p*, and the loss is the
# cross-entropy. The slope of the loss along the bias of class *c* is then $p_c - 1$ if *c* is the label, and $p_c$ if it is not.
#
# **Predict**: here are ten such slopes. Which digit is on the phone?

# %%
for digit, entry in enumerate(received["6.bias"]):
    print(f"{digit}  {entry:+.4f}")


# %% tags=["exercise"]
def label_of(bias_gradient):
    """The label of the one example that a gradient was computed from.

    Args: bias_gradient, of the last layer's bias, a tensor of shape (classes,).
    Returns: the label, a whole number.
    """
    ### BEGIN SOLUTION
    return int(bias_gradient.argmin())
    ### END SOLUTION


# %% tags=["check"]
label_of = check("03.1", label_of)  # stuck? hint("03.1")

# %%
phones = [private.take([i]) for i in range(100)]
gradients = [gradient_of(model, one.images, one.labels) for one in phones]
right_labels = sum(
    int(label_of(gradient["6.bias"])) == one.labels.item()
    for gradient, one in zip(gradients, phones, strict=True)
)
claim("All of a hundred phones give their label away", right_labels == 100)

# %% [markdown]
# No search and no guess: this is exact for one example and this loss (Zhao et al. 2020). If the label says which disease or
# which word came next, the attack could end here. For a batch the same tensor holds the *average* of *p* minus the share of each class: the
# attacker puts in an average of *p* over public images, and gets roughly how many of each. This works
# while the model says much the same of every image, as an untrained one does.

# %%
batch = private.take(range(100, 132))
bias_gradient = gradient_of(model, batch.images, batch.labels)["6.bias"]
mean_probability = model(public.images[:500]).softmax(dim=1).mean(dim=0).detach()
counted = label_counts_from_gradient(
    bias_gradient, batch_size=32, mean_probability=mean_probability
)
print("counted ", counted.tolist())
print("true    ", batch.labels.bincount(minlength=10).tolist())
overlap = torch.minimum(counted, batch.labels.bincount(minlength=10)).sum().item()
claim("In a batch of 32, at least 28 labels are counted right", overlap >= 28)

# %% [markdown]
# ## A score for pictures
#
# Before the attack, decide how to judge it. The **peak signal-to-noise ratio** (PSNR) is the mean squared error on a
# logarithmic scale, in decibels (dB): for pixels between 0 and 1, $10 \log_{10}(1 / \text{error})$. Higher is better, and 20 dB
# is an error of 0.1 in each pixel.


# %% tags=["exercise"]
def psnr(image, original):
    """How close an image is to the original, in decibels.

    Args: image, original: tensors of equal shape, pixels in [0, 1], not equal everywhere.
    Returns: one number; higher = closer.
    """
    ### BEGIN SOLUTION
    return -10 * math.log10((image - original).square().mean().item())
    ### END SOLUTION


# %% tags=["check"]
psnr = check("03.2", psnr)  # stuck? hint("03.2")

# %% [markdown]
# A score needs a baseline. Somebody who has received *nothing* can still answer with the average of the public digits.
#
# **Predict**: how many dB does that score? And a copy of the digit with visible noise?

# %%
digit = phone.images[0]
noisy = (digit + 0.1 * torch.randn(784, generator=torch.Generator().manual_seed(0))).clamp(
    0, 1
)
blurred = F.avg_pool2d(digit.reshape(1, 28, 28), 3, stride=1, padding=1).flatten()
other = public.images[public.labels == phone.labels.item()][0]
examples = {
    "noise": noisy,
    "blur": blurred,
    "another 7": other,
    "the mean digit": mean_digit,
}
_, axes = plt.subplots(1, 5, figsize=(8.5, 2.1))
plot_digits(
    axes,
    [digit, *examples.values()],
    ["original"]
    + [f"{name}: {psnr(image, digit):.0f} dB" for name, image in examples.items()],
)
present(
    axes[0],
    caption=(
        "Four answers to one original, and their PSNR. It misleads in one way: another 7 scores about as badly as the mean digit, though you "
        "would call it the better answer. PSNR compares pixels, not meanings."
    ),
    alt="Five pictures: a 7, the 7 with grain, blurred, a 7 by another hand, and a grey smear, each with its score.",
)

# %%
from_nothing = [float(psnr(mean_digit, one.images[0])) for one in phones]
print(f"the mean digit on 100 digits: median {np.median(from_nothing):.1f} dB")
claim("Knowing nothing scores under 15 dB (median)", np.median(from_nothing) < 15)
claim("Noise that you can see scores over 20 dB", psnr(noisy, digit) > 20)

# %% [markdown]
# So from here on: **above 20 dB the digit leaked; at the mean digit's score, this number shows no leak.** In between, look at the
# picture. The baseline is drawn in each figure with scores.

# %% [markdown]
# ## Searching for the image
#
# The attacker has the model and can compute the gradient of *any* image. So: start with noise, compute its gradient, compare it with the
# received one, and change the pixels so that the two come closer. This is the idea of Zhu, Liu and Han's *Deep Leakage from
# Gradients*.
#
# How should two gradients be compared? Its length says little about the image (a model that is sure has short
# gradients), so Geiping et al. compare directions: 1 − the cosine of the angle between them.


# %% tags=["exercise"]
def gradient_distance(gradient, other):
    """1 − the cosine of the angle between two gradients, each as one long vector over all layers.

    Args: gradient, other: lists of tensors, one a layer, with the same shapes.
    Returns: a tensor with one number that torch can differentiate.
    """
    ### BEGIN SOLUTION
    one = torch.cat([tensor.flatten() for tensor in gradient])
    two = torch.cat([tensor.flatten() for tensor in other])
    return 1 - (one @ two) / (one.norm() * two.norm())
    ### END SOLUTION


# %% tags=["check"]
gradient_distance = check("03.3", gradient_distance)  # stuck? hint("03.3")

# %% [markdown]
# Many images have almost the same gradient, most of them grainy. The attacker adds what they know of pictures: neighbouring pixels are
# alike. **Total variation** measures how much they are not.


# %% tags=["exercise"]
def total_variation(image):
    """The mean absolute step to the right plus the mean absolute step down.

    Args: image: shape (height, width) or (batch, height, width).
    Returns: a tensor with one number that torch can differentiate.
    """
    ### BEGIN SOLUTION
    to_the_right = (image[..., :, 1:] - image[..., :, :-1]).abs().mean()
    down = (image[..., 1:, :] - image[..., :-1, :]).abs().mean()
    return to_the_right + down
    ### END SOLUTION


# %% tags=["check"]
total_variation = check("03.4", total_variation)  # stuck? hint("03.4")

# %% [markdown]
# Here is the whole attack, made of your pieces. The derivative is taken twice: of the loss by the weights (the
# guess's gradient), and of the distance by the pixels. Adam gets only the sign of the second.


# %%
def search(model, received, label, *, steps=300):
    """The picture after each step of the search."""
    weights, target = list(model.parameters()), list(received.values())
    image = torch.rand(1, 784, generator=torch.Generator().manual_seed(0)).requires_grad_()
    optimiser = torch.optim.Adam([image], lr=0.1)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, [steps // 2, steps * 3 // 4])
    for _ in range(steps):
        loss = F.cross_entropy(model(image), torch.tensor([label]))
        guess = torch.autograd.grad(loss, weights, create_graph=True)
        distance = gradient_distance(list(guess), target)
        distance = distance + 0.001 * total_variation(image.reshape(1, 28, 28))
        image.grad = torch.autograd.grad(distance, image)[0].sign()
        optimiser.step()
        schedule.step()
        image.data.clamp_(0, 1)
        yield image.detach()[0].clone()


# %% [markdown]
# **Predict**: 784 unknown pixels, 9,814 known numbers, 300 steps from noise. What comes back?

# %%
start = time.perf_counter()
pictures = list(search(model, received, int(label_of(received["6.bias"]))))
seconds = time.perf_counter() - start
shown = [0, 9, 29, 99, 299]
_, axes = plt.subplots(1, 6, figsize=(9, 1.9))
plot_digits(
    axes,
    [pictures[i] for i in shown] + [digit],
    [f"step {i + 1}: {psnr(pictures[i], digit):.0f} dB" for i in shown] + ["on the phone"],
)
present(
    axes[0],
    caption=(
        "One search from one gradient. Look at how early the digit can be read. It misleads in one way: the attacker cannot compute "
        "the PSNR, for they lack the original. They see the picture and how near its gradient is."
    ),
    alt="Six pictures: noise that turns, step by step, into a clean 7, beside the original 7, which looks the same.",
)

# %%
claim("The digit is back with over 25 dB", psnr(pictures[-1], digit) > 25)
claim("It took under 15 seconds", seconds < 15)

# %% [markdown]
# A convolution hides the image from a division, not from a search. One picture is an anecdote, so try five phones, with both methods
# of the library's `invert_gradient`: "cosine" is your search, "dlg" matches the values of the gradients with L-BFGS.

# %%
by_method, found = {}, {}
for method in ("cosine", "dlg"):
    found[method] = [
        invert_gradient(model, gradients[i], phones[i].labels, method=method)[0]
        for i in range(5)
    ]
    by_method[method] = [
        float(psnr(found[method][i], phones[i].images[0])) for i in range(5)
    ]
    print(f"{method:7}", ", ".join(f"{score:.0f} dB" for score in by_method[method]))

_, axes = plt.subplots(3, 5, figsize=(7, 4.2), squeeze=False)
rows = {"on the phones": [one.images[0] for one in phones[:5]]}
plot_rows_of_digits(axes, rows | found, title="Both searches give five phones' digits back")
present(
    axes[0, 0],
    caption=(
        "Top: five private digits. Below: what each method finds from one gradient each. It misleads in one way: the model is untrained and each client has one image, the "
        "easiest case."
    ),
    alt="Three rows of five digits, 7, 2, 1, 0, 4; the rows look the same.",
)

# %%
claim(
    "Each method's median on five digits is over 25 dB",
    min(np.median(scores) for scores in by_method.values()) > 25,
)

# %% [markdown]
# ## Where it stops
#
# Now make it harder, one thing at a time. First the batch: the client averages the gradients of several images before it sends
# them, and the attacker searches for all images at once. The order of the images in a batch is lost, so each original is compared with its
# *best* picture.
#
# **Predict**: at which of 1, 2, 4, 8, 16, 32 images does it break?


# %%
def best_scores(pictures, originals):
    """For each original, the PSNR of the picture that is nearest to it."""
    return [
        max(float(psnr(picture, original)) for picture in pictures)
        for original in originals
    ]


by_batch, picture_of_first = {}, {}
for size in tqdm([1, 2, 4, 8, 16, 32], "batch sizes", file=sys.stdout, leave=False, **BAR):
    client = private.take(range(size))
    gradient = gradient_of(model, client.images, client.labels)
    counts = label_counts_from_gradient(
        gradient["6.bias"], batch_size=size, mean_probability=mean_probability
    )
    labels = torch.arange(10).repeat_interleave(counts)
    pictures = invert_gradient(model, gradient, labels, total_variation=0.01)
    by_batch[str(size)] = best_scores(pictures, client.images)
    nearest = (pictures - client.images[0]).square().mean(dim=1).argmin()
    picture_of_first[size] = pictures[nearest]

# %%
baseline = float(np.median([psnr(mean_digit, image) for image in private.images[:32]]))
_, ax = plt.subplots(figsize=(7, 3.6))
plot_psnr(
    ax,
    by_batch,
    baseline=baseline,
    title="Small batches leak whole; of 32 images, most are blurred",
    xlabel="images in the batch",
)
present(
    ax,
    caption=(
        "A dot an image, the line the median; one batch of each size, labels counted from the gradient. Look at 8 and 16: within a batch, some images leak and "
        "others do not. It misleads in one way: the best picture of 32 is near to something more easily than the best of one."
    ),
    alt="PSNR falls from about 50 dB for one to four images to near the mean digit's 12 dB for 32.",
)

# %%
_, axes = plt.subplots(1, 7, figsize=(9.5, 1.8))
plot_digits(
    axes,
    [private.images[0], *picture_of_first.values()],
    ["original", *(f"batch of {size}" for size in picture_of_first)],
)
present(
    axes[0],
    caption=(
        "One image, the 7, found again from batches of growing size that all hold it. It misleads in one way: for the larger batches we chose the picture with the "
        "help of the original."
    ),
    alt="Seven pictures of a 7: the original and the first few are the same, the last ones are smeared.",
)

# %%
medians = {size: np.median(scores) for size, scores in by_batch.items()}
claim("Four images come back as well as one: over 25 dB", medians["4"] > 25)
claim(
    "Of 32 images, the median is at least 10 dB worse than of four",
    medians["32"] < medians["4"] - 10,
)
claim("And under 20 dB", medians["32"] < 20)

# %% [markdown]
# Why? Four images have 3,136 unknown pixels, and the gradient has 9,814 numbers; 16 have more unknowns (12,544) than there are
# numbers. (The search has trouble before that: counting unknowns is a rough guide.) A larger model gives more numbers, and a longer search or a better prior goes further. So "a batch of 32 is
# safe" is a statement about this attack on this model.

# %% [markdown]
# ### Local steps, and an attacker who replays them
#
# In FedAvg a client takes several steps and sends one update: the sum of gradients at *different* weights, all but the first
# unknown to the server. **Predict**: does that stop the search?


# %%
def update_after(one, local_epochs):
    """Minus the update of a client with one image after so many steps: the sum of its gradients × the learning rate."""
    trained = tanh_convnet(seed=0)
    local_sgd(
        trained,
        one,
        local_epochs=local_epochs,
        batch_size=None,
        learning_rate=0.1,
        generator=client_generator(0, round_index=0, client=0),
    )
    return subtract(weights_of(model), weights_of(trained))


by_steps, pictures_by_steps = {}, {}
for steps, replayed in ((1, 1), (5, 1), (20, 1), (5, 5)):
    name = (
        f"{steps} steps, replayed" if replayed > 1 else f"{steps} step{'s' * (steps > 1)}"
    )
    pictures_by_steps[name] = [
        invert_gradient(
            model,
            update_after(one, steps),
            one.labels,
            local_steps=replayed,
            learning_rate=0.1,
        )[0]
        for one in phones[:3]
    ]
    by_steps[name] = [
        float(psnr(picture, one.images[0]))
        for picture, one in zip(pictures_by_steps[name], phones, strict=False)
    ]

# %%
_, axes = plt.subplots(5, 3, figsize=(4.6, 6), squeeze=False)
originals = {"on the phones": [one.images[0] for one in phones[:3]]}
labelled = {
    f"{name}: {np.median(by_steps[name]):.0f} dB": images
    for name, images in pictures_by_steps.items()
}
plot_rows_of_digits(axes, originals | labelled, title="Replaying the steps undoes them")
present(
    axes[0, 0],
    caption=(
        "Three phones with one image each; the number is the median PSNR. In the last row the attacker computes the same five steps inside the search. "
        "It misleads in one way: the attacker knows the learning rate and the number of steps, which a server usually set itself."
    ),
    alt="Five rows of three digits: the original, sharp after one step, readable but stained after 5 and 20 steps, sharp again with replay.",
)

# %%
claim(
    "Five steps cost the plain search over 15 dB",
    np.median(by_steps["5 steps"]) < np.median(by_steps["1 step"]) - 15,
)
claim(
    "An attacker who replays them gets over 25 dB",
    np.median(by_steps["5 steps, replayed"]) > 25,
)

# %% [markdown]
# The steps confused an attacker who took the update for a gradient. Whoever writes the five steps into the search has the same
# problem as before, only five times as slow. Shuffled mini-batches and more steps make replaying harder; nothing says
# at which point it becomes impossible.

# %% [markdown]
# ### Three repairs that sound plausible
#
# - **Clipping**: shrink the gradient to a norm of at most 0.1.
# - **One bit a number**: send only the sign of each entry, a 32-fold compression.
# - **Wait**: attack a model that is trained already, whose gradients are short.
#
# **Predict** for each: no change, worse for the attacker, or at the mean digit's level?


# %%
def clipped(gradient, max_update_norm):
    """The gradient, shrunk (all layers together) to the norm if it is longer."""
    norm = torch.cat([tensor.flatten() for tensor in gradient.values()]).norm()
    return {
        name: tensor * min(1.0, max_update_norm / norm) for name, tensor in gradient.items()
    }


trained = tanh_convnet(seed=0)
local_sgd(
    trained,
    public,
    local_epochs=1,
    batch_size=20,
    learning_rate=0.1,
    generator=client_generator(0, round_index=0, client=0),
)
print(
    f"the trained model is right about {accuracy(trained, private):.0%} of the private digits"
)
repairs = {
    "clipping": (model, lambda gradient: clipped(gradient, 0.1), 0.001),
    "signs only": (model, lambda gradient: {n: t.sign() for n, t in gradient.items()}, 0.1),
    "trained model": (trained, lambda gradient: gradient, 0.01),
}
by_repair = {"nothing": by_method["cosine"]}
repaired = {"nothing": found["cosine"]}
for name, (network, repair, roughness) in repairs.items():
    repaired[name] = []
    for one in phones[:5]:
        sent = repair(gradient_of(network, one.images, one.labels))
        repaired[name].append(
            invert_gradient(network, sent, one.labels, total_variation=roughness)[0]
        )
    by_repair[name] = [
        float(psnr(picture, one.images[0]))
        for picture, one in zip(repaired[name], phones, strict=False)
    ]

# %%
_, axes = plt.subplots(4, 5, figsize=(7, 5), squeeze=False)
labelled = {
    f"{n}: {np.median(by_repair[n]):.0f} dB": images for n, images in repaired.items()
}
plot_rows_of_digits(
    axes, labelled, title="After three repairs, the digits can still be read"
)
present(
    axes[0, 0],
    caption=(
        "The same five phones; the number is the median PSNR. It misleads in one way: for each repair, we chose how strongly to punish roughness. "
        "An attacker tries that out on public digits."
    ),
    alt="Four rows of five digits: clean, clean again with clipping, rougher with signs only, and imperfect on the trained model.",
)

# %%
claim(
    "Clipping changes nothing: over 25 dB, as without",
    np.median(by_repair["clipping"]) > 25,
)
claim(
    "With signs only, the median is still above the mean digit's",
    np.median(by_repair["signs only"]) > baseline + 1,
)
claim(
    "On the trained model, too",
    np.median(by_repair["trained model"]) > baseline + 1,
)

# %% [markdown]
# Clipping scales the gradient, and the angle does not notice: on its own it protects nothing. Its use is another one: it bounds how
# much one client can change what is sent, and that is what the noise will be measured by.

# %% [markdown]
# ## Noise, with an ε
#
# Now the phone clips its gradient to norm $C$ and adds Gaussian noise of standard deviation $z \cdot C$ to each number. **The noise multiplier** $z$
# fixes a promise that lesson 05 builds up: whatever else the phone could have held, what the server sees would have been
# nearly as likely, within a factor $e^ε$ (but for a probability δ). Small ε is a strong promise.
#
# We try five phones that differ in $z$ only. Each is *one* release of one client; swapping all of its data is the change that it protects.
# A swap moves a gradient of norm at most $C$ by at most $2C$, and each ε below is computed for $2C$.

# %%
ledger = Ledger()
C = 1.0
promises = {
    z: ledger.record(
        f"one noised gradient, z = {z}",
        noise_multiplier=z,
        delta=1e-5,
        unit=Unit.CLIENT,
        adjacency=Adjacency.REPLACE_ONE,
        accountant="rdp",
    )
    for z in (0.005, 0.02, 0.05, 0.2, 1.3)
}
for z, promise in promises.items():
    print(f"z = {z:<6} ε = {promise.epsilon:.2f}")

# %% [markdown]
# **Predict**: from which $z$ on is the attack no better than the mean digit? The attacker is told the label, may try two strengths of total
# variation, and keeps the better picture, chosen with the original: more help than
# they would have. For the label they take the lowest entry: with noise, several may be negative.


# %%
def released(gradient, noise_multiplier, *, seed):
    """The gradient, clipped to norm C, with Gaussian noise: all that leaves the phone."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: tensor + noise_multiplier * C * torch.randn(tensor.shape, generator=generator)
        for name, tensor in clipped(gradient, C).items()
    }


by_noise, noised_pictures, right_label = {"0": by_repair["clipping"][:4]}, {}, {}
for z in tqdm(promises, "noise levels", file=sys.stdout, leave=False, **BAR):
    sent = [released(gradients[i], z, seed=i) for i in range(4)]
    tries = [
        [
            invert_gradient(
                model, sent[i], phones[i].labels, total_variation=weight, steps=150
            )[0]
            for weight in (0.01, 0.3)
        ]
        for i in range(4)
    ]
    noised_pictures[z] = [
        max(tries[i], key=lambda picture, i=i: float(psnr(picture, phones[i].images[0])))
        for i in range(4)
    ]
    by_noise[str(z)] = [
        float(psnr(noised_pictures[z][i], phones[i].images[0])) for i in range(4)
    ]
    noised_labels = [
        int(released(gradients[i], z, seed=i)["6.bias"].argmin()) for i in range(100)
    ]
    right_label[z] = np.mean(
        [
            label == one.labels.item()
            for label, one in zip(noised_labels, phones, strict=True)
        ]
    )

# %%
_, ax = plt.subplots(figsize=(7, 3.6))
plot_psnr(
    ax,
    by_noise,
    baseline=baseline,
    title="Noise takes the attack below somebody who knows nothing",
    xlabel="noise multiplier z (noise on each number ÷ C)",
)
present(
    ax,
    caption=(
        "Dots: four digits; line: median; each the better of two searches (one at z = 0). Look at where the medians cross the mean digit's. It misleads in one way: below the "
        "dotted line does not mean that nothing leaks, only that this attacker would do better to ignore what they received."
    ),
    alt="PSNR falls from far above 25 dB without noise to about 10 dB at noise multipliers 0.2 and 1.3, under the mean digit's 12 dB.",
)

# %%
_, axes = plt.subplots(6, 4, figsize=(5.6, 7), squeeze=False)
labelled = {
    f"z = {z}: {np.median(by_noise[str(z)]):.0f} dB": images
    for z, images in noised_pictures.items()
}
originals = {"on the phones": [one.images[0] for one in phones[:4]]}
plot_rows_of_digits(axes, originals | labelled, title="What the server can make of it")
present(
    axes[0, 0],
    caption="The same four digits under growing noise, the better of two searches each. It misleads in one way: an eye knows what to look for once it has seen the top row.",
    alt="Six rows of four digits: originals, then clean, grainy, barely visible, and two rows without any digit.",
)
for z, share in right_label.items():
    print(f"z = {z:<6} the label is read off right for {share:.0%} of 100 phones")

# %%
strongest = max(promises)
claim(
    "At the strongest noise, the median is below the mean digit's",
    np.median(by_noise[str(strongest)]) < baseline,
)
claim("Not one digit reaches 20 dB there", max(by_noise[str(strongest)]) < 20)
noise_over_gradient = strongest * math.sqrt(sum(t.numel() for t in received.values()))
claim("That noise is over 100 times as long as the gradient", noise_over_gradient > 100)
claim(
    "Under the weakest noise, the median is still over 20 dB",
    np.median(by_noise["0.005"]) > 20,
)
claim(
    "At the strongest noise, labels are read off right under half of the time",
    right_label[strongest] < 0.5,
)

claim(
    "At z = 0.05, where no picture reaches 20 dB, over 90 % of the labels are still read off right",
    max(by_noise["0.05"]) < 20 and right_label[0.05] > 0.9,
)

# %% [markdown]
# Look at the row of z = 0.05 again: its score is close to the mean digit's, and yet the label is known, and with it you can make out the strokes. A score
# at the baseline was not the end of the leak; the secret decides what has to be measured.

# %% [markdown]
# Two things to take along. The attack drowns long before ε is small: a failing attack is a much weaker fact than a good ε, for only the ε holds against attacks that nobody has
# thought of. And the noise here is on *one* phone's gradient, over a hundred times longer than the gradient itself: too much to learn from a few
# phones. Lesson 06 adds it once for many examples; lesson 08 hides single updates so that many phones can share one dose.
#
# The noise is drawn with floating-point numbers and a seeded generator: **teaching-grade** (Mironov 2012).

# %% [markdown]
# ## A server that cheats
#
# Back to a phone without noise and a batch of 256, far too many for the search. But who wrote the model? A malicious server can
# craft the first layer (Fowl et al. 2022, *Robbing the Fed*).

# %% [markdown]
# Let unit *k* compute the image's mean brightness minus a level $l_k$, with rising levels, followed by a ReLU. It fires for each image
# brighter than $l_k$. So unit *k* and unit *k* + 1 fire for the same images, but for those **between** the two levels: bin *k*.
#
# **Predict**: what is left when you subtract unit *k* + 1's gradient from unit *k*'s, and what does lesson 00's division give then?


# %% tags=["exercise"]
def read_bins(weight_gradient, bias_gradient):
    """One picture from each bin that is not empty, in the order of the bins.

    Args: weight_gradient, shape (bins, pixels), and bias_gradient, shape (bins,): sums over the batch. Row k
        is the sum over the images in bin k *and all bins above*. Nothing lies above the last bin.
        A bin counts as empty if its own part of bias_gradient is, in size, at most 1e-7 × the largest entry.
    Returns: shape (filled bins, pixels): each bin's own part of weight_gradient over that of bias_gradient.
    """
    ### BEGIN SOLUTION
    nothing = torch.zeros_like(weight_gradient[:1])
    weights = weight_gradient - torch.cat([weight_gradient[1:], nothing])
    biases = bias_gradient - torch.cat([bias_gradient[1:], nothing[0, :1]])
    filled = biases.abs() > 1e-7 * bias_gradient.abs().max()
    return weights[filled] / biases[filled].unsqueeze(1)
    ### END SOLUTION


# %% tags=["check"]
read_bins = check("03.5", read_bins)  # stuck? hint("03.5")

# %% [markdown]
# A bin with a single image gives it back exactly; a bin with two gives a mixture. So count with care: what is asked is how many of the *256 people's images* came out,
# not how many pictures look good.


# %% tags=["exercise"]
def share_recovered(pictures, originals, threshold):
    """The share of originals for which at least one picture has a PSNR of at least `threshold` dB.

    Args: pictures, shape (many, 784), in any order, perhaps several of one original, perhaps none at all;
        originals, shape (n, 784); threshold in dB. Go through the originals one at a time: all pairs at
        once take gigabytes. An exact copy (error 0) counts as recovered.
    Returns: a number from 0 to 1.
    """
    ### BEGIN SOLUTION
    if not len(pictures):
        return 0.0
    errors = [(pictures - original).square().mean(dim=1).min() for original in originals]
    best = -10 * torch.log10(torch.stack(errors))
    return (best >= threshold).double().mean().item()
    ### END SOLUTION


# %% tags=["check"]
share_recovered = check("03.6", share_recovered)  # stuck? hint("03.6")

# %% [markdown]
# The levels cut the *public* digits by brightness into a thousand parts, equal but for the brightest. Against it stands an honest layer of the same size with random weights,
# attacked as in lesson 00: divide by each unit. Both clients hold the same 256 images and take one step.

# %%
crowd = private.take(range(256))
crafted = crafted_network(public.images.mean(dim=1), bins=1_000)
with torch.random.fork_rng():
    torch.manual_seed(0)
    honest = nn.Sequential(nn.Linear(784, 1_000), nn.ReLU(), nn.Linear(1_000, 10))
crafted_gradient = gradient_of(crafted, crowd.images.double(), crowd.labels)
honest_gradient = gradient_of(honest, crowd.images, crowd.labels)
pictures = {
    "crafted": read_bins(crafted_gradient["0.weight"], crafted_gradient["0.bias"]),
    "honest": invert_linear(honest_gradient["0.weight"], honest_gradient["0.bias"]),
}
pictures = {name: images.float().clamp(0, 1) for name, images in pictures.items()}
shares = {
    name: float(share_recovered(images, crowd.images, 25.0))
    for name, images in pictures.items()
}
for name, share in shares.items():
    print(f"{name:8} {len(pictures[name]):5} pictures, {share:.0%} of 256 images recovered")

# %%
nearest = {
    name: [
        images[(images - original).square().sum(dim=1).argmin()]
        for original in crowd.images[:10]
    ]
    for name, images in pictures.items()
}
_, axes = plt.subplots(3, 10, figsize=(9, 3.1), squeeze=False)
plot_rows_of_digits(
    axes,
    {"on the phone": crowd.images[:10], **nearest},
    title="The crafted layer returns most of 256 images, the honest one few",
)
present(
    axes[0, 0],
    caption=(
        "The first ten of the 256 images, and for each the nearest picture that came out. It misleads in one way: the nearest was chosen with the original. "
        "But the crafted layer gives about as many pictures as there are images, and most are clean, so the attacker needs no choice."
    ),
    alt="Three rows of ten digits: originals, nearly all the same from the crafted layer, and smeared mixtures from the honest layer.",
)

# %%
claim("The crafted layer gives back over 60 % of the images", shares["crafted"] > 0.6)
claim("The honest one of the same size under 20 %", shares["honest"] < 0.2)

# %% [markdown]
# So "the batch is large" is at best an argument against a curious server. Note what the server needed: brightnesses of *some* digits, no optimiser, and
# a model that the client does not inspect. Does the phone's noise stop this one as well? The promise is
# the same, for it was not about one attack or one model. Whether it is enough here, measure.

# %%
noised = released(crafted_gradient, strongest, seed=0)
from_noise = read_bins(noised["0.weight"], noised["0.bias"]).float().clamp(0, 1)
print(f"with ε = {promises[strongest].epsilon:.2f}: {len(from_noise)} pictures")
claim(
    "With the strongest noise, not one of the 256 images is recovered, even at 20 dB",
    float(share_recovered(from_noise, crowd.images, 20.0)) == 0,
)

# %% [markdown]
# ### What this does *not* protect
#
# The ledger lists five *alternatives*: a phone sends one of them, once. Sending all five, or one a round, adds up (lesson 05). An ε in the hundreds or thousands is
# listed for comparison and promises next to nothing. And nothing here protects what many phones have in common: the model may still
# learn it, and should.

# %%
ledger

# %% [markdown]
# ## Quiz

# %%
quiz(
    "A vendor: 'Our clients train on batches of 64, and published inversion attacks fail beyond 32. Raw data is safe.' What is the weakest point?",
    {
        "64 is too close to 32": "Twice as many would not change the argument.",
        "A failed attack bounds nothing, and the server may choose the model": right(
            "The crafted layer read most of a batch of 256 with a subtraction and a division."
        ),
        "Batches slow training down": "They may; that has nothing to do with safety.",
    },
)

# %%
quiz(
    "Clipping the gradient to norm 0.1 did not disturb the search at all. Why do private systems clip?",
    {
        "By habit; it could be left out": "Then no noise would be enough: one client could change the sum by any amount.",
        "It bounds what one client can change, so noise of a known size can hide it": right(
            "The ε is about noise ÷ C. Without C there is no ε."
        ),
        "To make gradients harder to compare": "The angle is the same after clipping. That is why the attack did not notice.",
    },
)

# %%
quiz(
    "At z = 0.2 the attack scored below the mean digit. May you call that phone's gradient private?",
    {
        "Yes, the attacker learns less than from public data": "This attacker. Another may use the noisy gradient better, and labels may still show.",
        "Only to the extent of its ε, which the ledger states": right(
            "The picture's score is evidence about one attack. The ε is a bound on all."
        ),
        "No, no noise ever protects": "Noise with a small ε bounds each attack, known or not.",
    },
)

# %%
quiz(
    "Five local steps dropped the plain search by many decibels. What did you learn?",
    {
        "Five steps are a defence": "Replaying them in the search brought the digits back.",
        "That attacker's model of the client was wrong": right(
            "It took an update for a gradient. Correct the assumption, and the leak is back."
        ),
        "The update holds no information on the image": "It holds enough for over 25 dB.",
    },
)

# %% [markdown]
# ## Interview corner
#
# **1. "How do gradient inversion attacks work, and when should we worry?"** (4 minutes)
#
# *Rubric*: labels from the last layer (1); analytic inversion or search over inputs, with the prior named (1); what makes
# it harder, with the difference between harder and impossible (1); honest-but-curious against malicious server (1);
# what bounds it: DP, secure aggregation (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "They reconstruct training data from gradients, but only for tiny batches and untrained models."
#
# *Strong*: "The server has the model, so it can compute the gradient of any candidate image, and it optimises the
# candidate until its gradient points the same way, with total variation as a prior. The label of a single example falls out of the last bias: under cross-entropy its entry is the only negative
# one. On a small convolutional network in this course four digits came back from one gradient, and of 32 most were only blurs; five local steps spoilt
# the naive search's pictures and not those of the one that replayed them. A server that also crafts the first layer reads most of a
# batch of 256 exactly. I would therefore not argue with batch sizes: secure aggregation hides single updates, and clipping with
# calibrated noise bounds what any attack gets out of what is left."
#
# </details>

# %% [markdown]
# **2. "We compress updates to one bit a parameter. Privacy for free?"** (2 minutes)
#
# *Rubric*: asks for the guarantee (1); signs are a deterministic function of the data, no noise, no ε (1); evidence that an
# attack still gets something, against a baseline (1); compression composes with DP if the noise comes first (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "Yes, 31 of 32 bits are gone."
#
# *Strong*: "No. Ten thousand signs are more bits than a digit has, and they are a deterministic function of it: two different images
# give two different messages, so the ε is infinite. In our run the same search still scored above the mean digit. If
# we clip, add Gaussian noise, and *then* take signs, post-processing keeps the guarantee of the noise, and the compression is free."
#
# </details>

# %% [markdown]
# ## Sources
#
# - Zhu, Liu, Han 2019, *Deep Leakage from Gradients*, arXiv:1906.08935: the search ("dlg"; we read the label first instead of searching for it).
# - Zhao, Mopuri, Bilen 2020, *iDLG: Improved Deep Leakage from Gradients*, arXiv:2001.02610: exercise 03.1.
# - Geiping, Bauermeister, Dröge, Moeller 2020, *Inverting Gradients: How easy is it to break privacy in federated learning?*, arXiv:2003.14053: direction, total variation, signed
#   steps (exercises 03.3 and 03.4), and searches through several local steps.
# - Fowl, Geiping, Czaja, Goldblum, Goldstein 2022, *Robbing the Fed: Directly Obtaining Private Data in Federated Learning with Modified Models*, arXiv:2110.13057: exercise 03.5.
# - Mironov 2012, *On Significance of the Least Significant Bits for Differential Privacy*, ACM CCS: noise in floating point.
# - LeCun, Cortes, Burges, *The MNIST database of handwritten digits*.
