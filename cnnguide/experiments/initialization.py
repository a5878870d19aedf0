"""Experiments of the chapter on question 4: what a scale of the weights does to signals, gradients and training."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from cnnguide.activations import relu, sigmoid, tanh
from cnnguide.experiments.store import FORM, Result, experiment
from cnnguide.initializers import he_normal, he_uniform, lecun_normal, xavier_normal
from cnnguide.layers import Dropout, Flatten, Layer, Linear, ReLU, Sequential, Tanh
from cnnguide.letters import draw_letters
from cnnguide.losses import cross_entropy, cross_entropy_backward
from cnnguide.optimizers import SGD
from cnnguide.training import DivergedError, accuracy, fit

Function = Callable[[np.ndarray], np.ndarray]

DEPTH, WIDTH, SAMPLES = 50, 256, 32
SEEDS = (0, 1, 2)
ACTIVATIONS: dict[str, tuple[Function, Function]] = {
    # each with its slope, both as functions of the sum that goes in
    "linear": (lambda z: z, np.ones_like),
    "relu": (relu, lambda z: (z > 0) * 1.0),
    "tanh": (tanh, lambda z: 1 - tanh(z) ** 2),
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
}
VARIANCES: dict[str, Callable[[int], float]] = {
    "N(0, 1)": lambda n: 1.0,
    "2/n": lambda n: 2 / n,
    "1/n": lambda n: 1 / n,
    "0.01²": lambda n: 0.0001,
}


# --8<-- [start:layers_of]
def layers_of(
    activation: str, variance: float, rng: np.random.Generator, depth: int = DEPTH, width: int = WIDTH
) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Weights, sums and outputs of every layer of a random network, for some random inputs (one per row)."""
    function, _ = ACTIVATIONS[activation]
    weights, sums, outputs = [], [], [rng.standard_normal((SAMPLES, width))]
    for _ in range(depth):
        weights.append(np.sqrt(variance) * rng.standard_normal((width, width)))
        sums.append(outputs[-1] @ weights[-1].T)
        outputs.append(function(sums[-1]))
    return weights, sums, outputs


# --8<-- [end:layers_of]


# --8<-- [start:signal_and_gradient]
def signal_and_gradient(activation: str, variance: float, rng: np.random.Generator) -> tuple[list[float], list[float]]:
    """Mean square of every layer's output, and of the gradient there when a random one is sent back from the end."""
    _, slope = ACTIVATIONS[activation]
    weights, sums, outputs = layers_of(activation, variance, rng)
    gradient = rng.standard_normal(outputs[-1].shape)
    gradients = [gradient]
    for weight, z in zip(reversed(weights), reversed(sums), strict=True):
        gradient = (gradient * slope(z)) @ weight
        gradients.append(gradient)
    return [float((a**2).mean()) for a in outputs], [float((g**2).mean()) for g in reversed(gradients)]


# --8<-- [end:signal_and_gradient]


@experiment(below={"tanh/N(0, 1)": FORM})  # saturated units that flip send the gradient anywhere within 40 decades
def through_fifty_layers() -> Result:
    """Mean squares of outputs and gradients along fifty layers, for four activations and four variances, three seeds."""
    result: Result = {}
    for activation in ACTIVATIONS:
        result[activation] = {}
        for name, variance in VARIANCES.items():
            runs = [signal_and_gradient(activation, variance(WIDTH), np.random.default_rng(seed)) for seed in SEEDS]
            result[activation][name] = {"signal": [run[0] for run in runs], "gradient": [run[1] for run in runs]}
    return result


@experiment
def spread_over_draws() -> Result:
    """Mean square at the end of fifty He-initialised ReLU layers, for one input, over many draws of the weights.

    For one input a, the sums W a of a layer with normal weights are independent normal numbers of variance 2/n |a|²,
    whatever a is. So the sums are drawn, and the n² weights of a layer need not be.
    """
    rng = np.random.default_rng(0)
    result: Result = {}
    for width in (10, 100, 1000):
        ends = []
        for _ in range(400):
            square = 1.0
            for _ in range(DEPTH):
                square = float((relu(np.sqrt(2 * square) * rng.standard_normal(width)) ** 2).mean())
            ends.append(square)
        result[str(width)] = ends
    return result


TRAINED_DEPTH, TRAINED_WIDTH = 10, 100
SCHEMES: dict[str, Callable[..., np.ndarray]] = {
    "0.01²": lambda shape, rng: (0.01 * rng.standard_normal(shape)).astype(np.float32),
    "LeCun": lecun_normal,
    "Xavier": xavier_normal,
    "He": he_normal,
    "He, uniform": he_uniform,
    "4/n": lambda shape, rng: np.float32(np.sqrt(2)) * he_normal(shape, rng),
    "N(0, 1)": lambda shape, rng: rng.standard_normal(shape).astype(np.float32),
}


def deep_reader(scheme: Callable[..., np.ndarray], rng: np.random.Generator, depth: int = TRAINED_DEPTH) -> Sequential:
    """A plain stack of linear layers and ReLU that reads letters, its weights drawn by a scheme."""
    widths = [400, *[TRAINED_WIDTH] * (depth - 1), 26]
    layers: list[Layer] = [Flatten()]
    for place, (before, after) in enumerate(pairwise(widths)):
        linear = Linear(before, after, rng)
        linear.weight[...] = scheme(linear.weight.shape, rng)
        layers += [linear, ReLU()] if place < depth - 1 else [linear]
    return Sequential(*layers)


@experiment(atol=0.2)  # halfway through training, accuracies jump; processors were seen to disagree by 0.1
def trained_under_each_scheme() -> Result:
    """Validation accuracy, epoch by epoch, of ten ReLU layers that differ only in the scale of their first weights."""
    epochs = 6
    result: Result = {}
    for name, scheme in SCHEMES.items():
        result[name] = []
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            data, validation = draw_letters(100, rng), draw_letters(20, rng)
            model, curve = deep_reader(scheme, rng), []
            try:
                for _ in range(epochs):
                    with np.errstate(all="ignore"):
                        fit(model, data, SGD(lr=0.02, momentum=0.9), 1, 32, rng, progress=False)
                    curve.append(accuracy(model, validation))
            except DivergedError:
                pass  # the curve ends where the numbers did
            result[name].append(curve)
    return result


# --8<-- [start:little_network]
def little_network(rng: np.random.Generator, hidden: int = 8, drop: float = 0.0) -> Sequential:
    """Five inputs, eight tanh units, three outputs, in float64; all weights are equal, all biases zero."""
    first, second = (Linear(*sizes, rng, dtype=np.float64) for sizes in ((5, hidden), (hidden, 3)))
    for linear in (first, second):
        linear.weight[...] = 0.1
    return Sequential(first, Tanh(), Dropout(drop, rng), second)


def little_examples(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Ninety random inputs, and which of three random sums is the largest for each."""
    x = rng.standard_normal((90, 5))
    return x, (x @ rng.standard_normal((5, 3))).argmax(axis=1)


def train_little_network(
    model: Sequential, steps: int = 500, examples: tuple[np.ndarray, np.ndarray] | None = None
) -> float:
    """Steps against the gradient, always on the same ninety examples; returns the last loss."""
    x, target = examples or little_examples(np.random.default_rng(1))
    x = x.astype(model.parameters()[0].dtype)
    optimizer = SGD(lr=0.2)
    for _ in range(steps):
        logits = model.forward(x, training=True)
        model.backward_to_weights(cross_entropy_backward(logits, target))
        optimizer.step(model.parameters(), model.gradients())
    return float(cross_entropy(model.forward(x), target))


# --8<-- [end:little_network]


def unlike(weight: np.ndarray) -> float:
    """How far apart the units of a layer are: the largest difference between weights at the same place."""
    return float(np.ptp(weight.reshape(len(weight), -1), axis=0).max())


@experiment
def what_breaks_the_symmetry() -> Result:
    """The little network from equal weights, and with one thing changed: how unlike its units become, and its loss."""

    def start(change: str, rng: np.random.Generator) -> Sequential:
        model = little_network(rng, drop=0.5 if change == "dropout" else 0.0)
        first, second = model.layers[0], model.layers[3]
        assert isinstance(first, Linear) and isinstance(second, Linear)
        if change == "all weights zero":
            first.weight[...] = second.weight[...] = 0
        if change in ("first layer random", "first random, second zero", "both random"):
            first.weight[...] = lecun_normal(first.weight.shape, rng)
        if change in ("second layer random", "first zero, second random", "both random"):
            second.weight[...] = lecun_normal(second.weight.shape, rng)
        if change == "first zero, second random":
            first.weight[...] = 0
        if change == "first random, second zero":
            second.weight[...] = 0
        if change == "biases random":
            first.bias[...] = rng.standard_normal(first.bias.shape)
        return model

    result: Result = {}
    for change in (
        "nothing", "all weights zero", "first layer random", "second layer random", "first zero, second random",
        "first random, second zero", "biases random", "dropout", "both random",
    ):  # fmt: skip
        models = [start(change, np.random.default_rng(seed)) for seed in SEEDS]
        losses = [train_little_network(model) for model in models]
        result[change] = {"unlike": [unlike(model.parameters()[0]) for model in models], "loss": losses}
    return result


# --8<-- [start:own_order]
class OwnOrder(Linear):
    """A linear layer in which every unit adds up the same products in an order of its own."""

    def __init__(self, in_features: int, out_features: int, rng: np.random.Generator, dtype: type) -> None:
        super().__init__(in_features, out_features, rng, dtype=dtype)
        self.orders = np.array([rng.permutation(in_features) for _ in range(out_features)])

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        super().forward(x, training)  # remembers what backward needs
        units = np.arange(len(self.weight))
        sums = np.zeros((len(x), len(units)), x.dtype)
        for inputs in self.orders.T:  # one product of every unit at a time
            sums += x[:, inputs] * self.weight[units, inputs]
        return sums + self.bias


# --8<-- [end:own_order]


@experiment(below={"float32": FORM, "float64": FORM})  # rounding is what it is about
def rounding_breaks_the_symmetry() -> Result:
    """The little network from equal weights, its sums rounded in different orders: how unlike its units become.

    In float32 and in float64, five seeds each, looked at every twenty steps. Matrix libraries, too, add up in different
    orders where units do not fill a block, but in orders that depend on the processor; so the orders are drawn here.
    """
    result: Result = {"steps": list(range(20, 1201, 20))}
    for dtype in (np.float32, np.float64):
        result[np.dtype(dtype).name] = []
        for seed in range(5):
            rng = np.random.default_rng(seed)
            first, second = OwnOrder(5, 8, rng, dtype), Linear(8, 3, rng, dtype=dtype)
            for linear in (first, second):
                linear.weight[...] = 0.1
            model, examples, curve = Sequential(first, Tanh(), second), little_examples(rng), []
            for _ in result["steps"]:
                train_little_network(model, steps=20, examples=examples)
                curve.append(unlike(first.weight) / float(abs(first.weight).max()))
            result[np.dtype(dtype).name].append(curve)
    return result


@experiment
def two_ends_of_a_taper() -> Result:
    """Mean squares at both ends of a linear network that narrows from 1024 to 16, under three scales."""
    widths = (1024, 512, 256, 128, 64, 32, 16)
    result: Result = {"widths": widths}
    variances: dict[str, Callable[[int, int], float]] = {
        "fan-in": lambda before, after: 1 / before,
        "fan-out": lambda before, after: 1 / after,
        "Xavier": lambda before, after: 2 / (before + after),
    }
    for name, variance in variances.items():
        forward, backward = [], []
        for seed in range(5):
            rng = np.random.default_rng(seed)
            signal, gradient = rng.standard_normal((widths[0], 8)), rng.standard_normal((widths[-1], 8))
            weights = [
                np.sqrt(variance(before, after)) * rng.standard_normal((after, before))
                for before, after in pairwise(widths)
            ]
            for weight in weights:
                signal = weight @ signal
            for weight in reversed(weights):
                gradient = weight.T @ gradient
            forward.append(float((signal**2).mean()))
            backward.append(float((gradient**2).mean()))
        result[name] = {"forward": forward, "backward": backward}
    return result
