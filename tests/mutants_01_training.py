"""Right and wrong answers to exercise 01.2: training on one client."""

import copy

import torch
from torch.nn import functional as F

from course.exercises.exercise import find_exercise
from course.federated import Examples, batches

REFERENCE = find_exercise("01.2").reference


def trainer(*, loss=F.cross_entropy, order=batches, zero=True, make=torch.optim.SGD, passes=None, **options):
    """A training loop in the textbook's form, with one part of it replaced."""

    def train(model, examples, local_epochs, batch_size, learning_rate, generator):
        optimizer = make(model.parameters(), lr=learning_rate, **options)
        for _ in range(passes or local_epochs):
            for batch in order(len(examples), batch_size, generator):
                if zero:
                    optimizer.zero_grad()
                loss(model(examples.images[batch]), examples.labels[batch]).backward()
                optimizer.step()

    return train


def train_with_loader(model, examples, local_epochs, batch_size, learning_rate, generator):
    data = torch.utils.data.TensorDataset(examples.images.reshape(-1, 784), examples.labels)
    loader = torch.utils.data.DataLoader(data, batch_size, shuffle=True, generator=generator)
    model.train()
    for _ in range(local_epochs):
        for images, labels in loader:
            loss = torch.nn.CrossEntropyLoss()(model(images), labels)
            model.zero_grad()
            loss.backward()
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter -= learning_rate * parameter.grad
    model.eval()


def train_one_by_one(model, examples, local_epochs, batch_size, learning_rate, generator):
    """Gradient accumulation: a forward pass an example, a step a batch."""
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    for _ in range(local_epochs):
        for batch in batches(len(examples), batch_size, generator):
            optimizer.zero_grad()
            for i in batch.tolist():
                scores = model(examples.images[i : i + 1])
                (F.cross_entropy(scores, examples.labels[i : i + 1]) / len(batch)).backward()
            optimizer.step()
        with torch.no_grad():
            model(examples.images)


def train_functionally(model, examples, local_epochs, batch_size, learning_rate, generator):
    """Algorithm 1 read literally: split into batches once, then go through them in every epoch."""
    parameters, once = dict(model.named_parameters()), batches(len(examples), batch_size, generator)

    def loss(weights, batch):
        scores = torch.func.functional_call(model, weights, (examples.images[batch],))
        return F.nll_loss(scores.log_softmax(dim=1), examples.labels[batch])

    for _ in range(local_epochs):
        for batch in once:
            grads = torch.func.grad(loss)(parameters, batch)
            parameters = {
                name: parameters[name].detach() - learning_rate * grads[name] for name in parameters
            }
    model.load_state_dict(parameters)


def train_a_copy_and_load(model, examples, *settings):
    trained = copy.deepcopy(model)
    trainer()(trained, examples, *settings)
    model.load_state_dict(trained.state_dict())
    return model


def train_a_copy(model, examples, *settings):
    trained = copy.deepcopy(model)
    trainer()(trained, examples, *settings)
    return trained


def train_weights_only(model, examples, local_epochs, batch_size, learning_rate, generator):
    model.bias.requires_grad_(False)
    plain_steps(model, examples, local_epochs, batch_size, learning_rate, generator, [model.weight])


def plain_steps(model, examples, epochs, batch_size, rate, generator, parameters):
    for _ in range(epochs):
        for batch in batches(len(examples), batch_size, generator):
            loss = F.cross_entropy(model(examples.images[batch]), examples.labels[batch])
            for parameter, grad in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                parameter.data -= rate * grad


def train_with_fixed_rate(model, examples, local_epochs, batch_size, learning_rate, generator):
    plain_steps(model, examples, local_epochs, batch_size, 0.1, generator, list(model.parameters()))


def train_uphill(model, examples, local_epochs, batch_size, learning_rate, generator):
    parameters = list(model.parameters())
    plain_steps(model, examples, local_epochs, batch_size, -learning_rate, generator, parameters)


def train_without_step(model, examples, local_epochs, batch_size, learning_rate, generator):
    for batch in batches(len(examples), batch_size, generator):
        for _ in range(local_epochs):
            F.cross_entropy(model(examples.images[batch]), examples.labels[batch]).backward()


def train_with_decaying_rate(model, examples, local_epochs, batch_size, learning_rate, generator):
    parameters = list(model.parameters())
    for epoch in range(local_epochs):
        plain_steps(model, examples, 1, batch_size, learning_rate * 0.9**epoch, generator, parameters)


def train_in_double(model, examples, *settings):
    REFERENCE(model.double(), Examples(examples.images.double(), examples.labels), *settings)


def train_on_other_images(model, examples, *settings):
    shifted = copy.copy(examples)
    object.__setattr__(shifted, "images", (examples.images - 0.5) / 0.5)
    trainer()(model, shifted, *settings)


def train_and_change_images(model, examples, *settings):
    trainer()(model, examples, *settings)
    examples.images.mul_(0.5)


def train_one_batch_an_epoch(model, examples, local_epochs, batch_size, learning_rate, generator):
    first = lambda *arguments: batches(*arguments)[:1]  # noqa: E731
    trainer(order=first)(model, examples, local_epochs, batch_size, learning_rate, generator)


def _sum_over_nominal_batch(scores, labels):
    nominal = 5 if len(labels) <= 5 else len(labels)
    return F.cross_entropy(scores, labels, reduction="sum") / nominal


ACCEPT = {
    "01.2": {
        "reference": REFERENCE,
        "optimiser": trainer(),
        "data loader, step by hand, leaves the model in eval mode": train_with_loader,
        "gradient accumulation, and a look at the loss after each epoch": train_one_by_one,
        "functional, batches drawn once": train_functionally,
        "trains a copy and loads it back": train_a_copy_and_load,
    },
}

REJECT = {
    "01.2": {
        "one pass": (trainer(passes=1), "one pass"),
        "three passes always": (trainer(passes=3), "Is local_epochs used"),
        "five passes": (trainer(passes=5), "it was 5 times"),
        "one batch an epoch": (train_one_batch_an_epoch, "one batch an epoch"),
        "all at once": (trainer(order=lambda n, size, g: batches(n, None, g)), "23 examples at once"),
        "one example a step": (trainer(order=lambda n, size, g: batches(n, 1, g)), "Is batch_size used"),
        "drops the last batch": (trainer(order=lambda *a: batches(*a)[:-1]), "smaller batch dropped"),
        "never shuffles": (
            trainer(order=lambda n, size, g: torch.arange(n).split(size)),
            "for every generator",
        ),
        "shuffles from the global state": (
            trainer(order=lambda n, size, g: torch.randperm(n).split(size)),
            "two different orders",
        ),
        "trains a copy": (train_a_copy, "You train a copy"),
        "no step": (train_without_step, "take the step"),
        "old gradients stay": (trainer(zero=False), "Old gradients are added"),
        "momentum": (trainer(momentum=0.9), "gather momentum"),
        "weight decay": (trainer(weight_decay=0.1), "weight decay"),
        "Adam": (trainer(make=torch.optim.Adam), "as in Adam"),
        "sum of losses": (
            trainer(loss=lambda s, y: F.cross_entropy(s, y, reduction="sum")),
            "add the losses",
        ),
        "a rate of its own": (train_with_fixed_rate, "Is learning_rate used"),
        "uphill": (train_uphill, "uphill"),
        "softmax twice": (trainer(loss=lambda s, y: F.cross_entropy(s.softmax(1), y)), "without a softmax"),
        "biases stay": (train_weights_only, "the bias does not"),
        "divides the last batch by batch_size": (trainer(loss=_sum_over_nominal_batch), "by its own size"),
        "the rate decays": (train_with_decaying_rate, "a later one is not"),
        "other images": (train_on_other_images, "other images"),
        "changes the client's images": (train_and_change_images, "changed the client's images"),
        "leaves the model in float64": (train_in_double, "The model was float32"),
        "does not use the model": (lambda *anything: 0, "never calls `model"),
    },
}
