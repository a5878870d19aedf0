"""Experiments of the chapter on question 2: what the size of a kernel costs, sees and buys."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from cnnguide.convolution import conv2d
from cnnguide.experiments.store import FORM, Result, Tolerance, experiment
from cnnguide.layers import Conv2d, Flatten, Layer, Linear, MaxPool2d, ReLU, Sequential
from cnnguide.letters import HELD_OUT_FONTS, TRAINING_FONTS, draw_letters
from cnnguide.optimizers import Adam
from cnnguide.shapes import conv_macs, conv_parameters
from cnnguide.training import accuracy, fit

SEEDS = (0, 1, 2, 3)

# Kernel sizes against accuracy


def letters(per_letter: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Letters to train on, of all fonts but the held-out ones."""
    return draw_letters(
        per_letter, np.random.default_rng(seed), fonts=TRAINING_FONTS, scale=(0.5, 1.0), shear=(-0.35, 0.35)
    )


def train(model: Sequential, data: tuple[np.ndarray, np.ndarray], rng: np.random.Generator, epochs: int) -> None:
    """Adam, with a learning rate that falls along half a cosine, as in `train_letters_network`."""
    optimizer = Adam()
    for epoch in range(epochs):
        optimizer.lr = 0.008 * (1 + np.cos(np.pi * epoch / epochs)) / 2
        fit(model, data, optimizer, epochs=1, batch_size=32, rng=rng, progress=False)


def errors(build: Callable[[np.random.Generator], Sequential], per_letter: int, epochs: int) -> list[float]:
    """Share of letters in fonts never seen that a network reads wrongly, for each seed."""
    test = draw_letters(30, np.random.default_rng(99), fonts=HELD_OUT_FONTS, scale=(0.5, 1.0), shear=(-0.35, 0.35))
    shares = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        model = build(rng)
        train(model, letters(per_letter, 100 + seed), rng, epochs)
        shares.append(1 - accuracy(model, test))
    return shares


# --8<-- [start:two_layers]
def two_layers(kernel: int, channels: tuple[int, int], rng: np.random.Generator) -> Sequential:
    """The letters network with kernels of any size: the maps keep their size, whatever the kernel."""
    first, second = channels
    return Sequential(
        Conv2d(1, first, kernel, rng, padding="same"), MaxPool2d(2), ReLU(),
        Conv2d(first, second, kernel, rng, padding="same"), MaxPool2d(2), ReLU(),
        Flatten(), Linear(second * 5 * 5, 26, rng),
    )  # fmt: skip


# --8<-- [end:two_layers]

SAME_CHANNELS = dict.fromkeys((1, 2, 3, 5, 7), (8, 16))
SAME_WORK = {2: (12, 25), 3: (8, 16), 5: (4, 10), 7: (3, 6)}
"""Channels of the two layers by kernel size, so that the convolutions make about the same number of multiplications."""


def convolution_macs(kernel: int, channels: tuple[int, int]) -> int:
    """Multiplications of the two convolutions of `two_layers` for one letter."""
    first, second = channels
    padding = ((kernel - 1) // 2, kernel // 2)
    both = (padding, padding)
    return conv_macs(20, 1, first, kernel, padding=both) + conv_macs(10, first, second, kernel, padding=both)


@experiment(atol=0.03)  # 23 of 780 letters; processors were seen to disagree by 3
def kernel_size_and_errors() -> Result:
    """Errors on unseen fonts by kernel size: with the same number of channels, and of multiplications."""
    found: Result = {"same_channels": {}, "same_work": {}}
    for kernel, channels in SAME_CHANNELS.items():
        found["same_channels"][str(kernel)] = errors(partial(two_layers, kernel, channels), 45, 5)
    for kernel, channels in SAME_WORK.items():
        if channels == SAME_CHANNELS[kernel]:
            found["same_work"][str(kernel)] = found["same_channels"][str(kernel)]
        else:
            found["same_work"][str(kernel)] = errors(partial(two_layers, kernel, channels), 45, 5)
    return found


def two_blocks(kind: str, rng: np.random.Generator) -> Sequential:
    """Two blocks that see 5×5: one 5×5, or two 3×3, or two 3×3 with a ReLU between them."""

    def block(before: int, after: int) -> list[Layer]:
        if kind == "one 5×5":
            return [Conv2d(before, after, 5, rng, padding=2)]
        between = [ReLU()] if kind == "two 3×3, ReLU between" else []
        return [Conv2d(before, after, 3, rng, padding=1), *between, Conv2d(after, after, 3, rng, padding=1)]

    return Sequential(
        *block(1, 4), MaxPool2d(2), ReLU(), *block(4, 8), MaxPool2d(2), ReLU(), Flatten(), Linear(8 * 5 * 5, 26, rng)
    )


@experiment(atol=0.03)
def relu_between() -> Result:
    """Errors on unseen fonts of one 5×5, of two 3×3, and of two 3×3 with a ReLU between."""
    kinds = ("one 5×5", "two 3×3", "two 3×3, ReLU between")
    return {kind: errors(partial(two_blocks, kind), 30, 5) for kind in kinds}


# Which 5×5 kernels two 3×3 make


# --8<-- [start:placements]
def placements(kernel: np.ndarray) -> np.ndarray:
    """The nine places of a 3×3 kernel in a 5×5 grid, each as a column of 25 numbers."""
    columns = np.zeros((25, 9))
    for place, (row, column) in enumerate(np.ndindex(3, 3)):
        grid = np.zeros((5, 5))
        grid[row : row + 3, column : column + 3] = kernel
        columns[:, place] = grid.ravel()
    return columns


# --8<-- [end:placements]


def closest(wanted: np.ndarray, pairs: int, rng: np.random.Generator, steps: int) -> float:
    """Distance, relative to its length, of a 5×5 kernel from the sum of so many pairs of 3×3, fitted in turns.

    While one kernel of each pair is fixed, the best other ones solve a linear equation. The best of four starts counts.
    """
    best = np.inf
    for _ in range(4):
        fixed = rng.standard_normal((pairs, 3, 3))
        for _ in range(steps):
            columns = np.hstack([placements(kernel) for kernel in fixed])
            fitted = np.linalg.lstsq(columns, wanted.ravel(), rcond=None)[0]
            rest = float(np.linalg.norm(columns @ fitted - wanted.ravel()))
            fixed = fitted.reshape(pairs, 3, 3)
            fixed /= np.linalg.norm(fixed, axis=(1, 2), keepdims=True)
        best = min(best, rest)
    return best / float(np.linalg.norm(wanted))


@experiment
def five_from_pairs_of_three() -> Result:
    """How near one pair of 3×3 kernels, and the sum of two pairs, comes to random 5×5 kernels."""
    rng = np.random.default_rng(0)
    wanted = rng.standard_normal((8, 5, 5))
    return {
        "one": [closest(kernel, 1, rng, steps=100) for kernel in wanted],
        "two": [closest(kernel, 2, rng, steps=200) for kernel in wanted],
    }


# The effective receptive field


def width(influence: np.ndarray) -> float:
    """Standard deviation of an influence around its middle, along one axis, in pixels."""
    rows, columns = (np.arange(n) - n // 2 for n in influence.shape)
    squares = (rows[:, None] ** 2 + columns**2) / 2
    return float(np.sqrt((influence * squares).sum() / influence.sum()))


# --8<-- [start:influence]
def influence(depth: int, rng: np.random.Generator, nonlinear: bool, channels: int = 8) -> np.ndarray:
    """Squared gradient of one output for every pixel, through a stack of random 3×3 convolutions without padding."""
    layers: list[Layer] = []
    for number in range(depth):
        layers.append(Conv2d(channels if number else 1, channels, 3, rng))
        layers += [ReLU()] if nonlinear else []
    model = Sequential(*layers)
    side = 2 * depth + 1  # what one output sees
    out = model.forward(rng.standard_normal((1, 1, side, side)).astype(np.float32))
    squared: np.ndarray = model.backward(rng.standard_normal(out.shape).astype(np.float32))[0, 0].astype(float) ** 2
    return squared / max(squared.sum(), 1e-300)


# --8<-- [end:influence]

DEPTHS = (5, 10, 20, 40)


@experiment(rtol=0.01, atol=1e-4)  # gradients in float32, squared, through forty layers
def effective_field_of_random_weights() -> Result:
    """How wide the influence on one output is, by depth, with and without ReLU: mean over draws, and one line through it."""
    found: Result = {"depths": DEPTHS, "linear": [], "relu": [], "lines": [], "within_half": []}
    for depth in DEPTHS:
        maps = {kind: [influence(depth, np.random.default_rng([seed, depth]), kind == "relu") for seed in range(32)]
                for kind in ("linear", "relu")}  # fmt: skip
        for kind, drawn in maps.items():
            found[kind].append([width(np.mean(drawn[start : start + 8], axis=0)) for start in range(0, 32, 8)])
        mean = np.mean(maps["relu"], axis=0)
        found["lines"].append(mean.sum(axis=0).tolist())
        half = depth // 2
        found["within_half"].append(float(mean[half:-half, half:-half].sum()))
    return found


TRAINED_DEPTH = 5


# How wide a trained field is depends on the network that training happens to find.
@experiment(below={"after": Tolerance(atol=0.3), "errors": Tolerance(atol=0.08), "map_after": FORM})
def effective_field_of_trained_weights() -> Result:
    """The width of the influence on a unit in the middle, before and after training to read letters, over seeds."""
    test, _ = draw_letters(4, np.random.default_rng(99), fonts=HELD_OUT_FONTS)
    found: Result = {"before": [], "after": [], "errors": [], "map_before": [], "map_after": []}
    for seed in SEEDS[:3]:
        rng = np.random.default_rng(seed)
        trunk: list[Layer] = []
        for number in range(TRAINED_DEPTH):
            trunk += [Conv2d(6 if number else 1, 6, 3, rng, padding=1), ReLU()]
        model = Sequential(*trunk, MaxPool2d(4), Flatten(), Linear(6 * 5 * 5, 26, rng))
        for moment in ("before", "after"):
            if moment == "after":
                data = letters(60, 100 + seed)
                train(model, data, rng, 5)
                found["errors"].append(1 - accuracy(model, draw_letters(20, np.random.default_rng(99))))
            spread = _influence_on_the_middle(Sequential(*trunk[:-1]), test)
            found[moment].append(width(spread))
            found[f"map_{moment}"].append(spread.tolist())
    return found


def _influence_on_the_middle(trunk: Sequential, x: np.ndarray) -> np.ndarray:
    """Mean squared gradient of the units in the middle of the last map, for the pixels that they see."""
    middle, total = x.shape[-1] // 2, np.zeros(x.shape[-2:])
    out = trunk.forward(x)
    for channel in range(out.shape[1]):
        grad = np.zeros_like(out)
        grad[:, channel, middle, middle] = 1
        total += (trunk.backward(grad)[:, 0].astype(float) ** 2).sum(axis=0)
    seen = slice(middle - TRAINED_DEPTH, middle + TRAINED_DEPTH + 1)
    return total[seen, seen] / total[seen, seen].sum()


# Winograd's convolution


# --8<-- [start:winograd]
def winograd_kernels(weight: np.ndarray) -> np.ndarray:
    """Each 3×3 kernel as the sixteen factors that it contributes; done once for a trained network."""
    mix = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], weight.dtype)
    factors = mix @ weight @ mix.T  # (out, in, 4, 4)
    return np.ascontiguousarray(factors.transpose(2, 3, 0, 1)).reshape(16, *weight.shape[:2])


def winograd(x: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """A 3×3 convolution without padding, in tiles of 2×2 outputs with sixteen products each instead of 36."""
    (batch, channels, height, wide), out_channels = x.shape, kernels.shape[1]
    rows, columns = (height - 2) // 2, (wide - 2) // 2  # tiles; the sides must be even

    def before(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, ...]:
        return a - c, b + c, c - b, b - d

    def after(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, ...]:
        return a + b + c, b - c - d

    tiles = np.empty((4, 4, channels, batch, rows, columns), x.dtype)
    by_channel = x.swapaxes(0, 1)
    for i, band in enumerate(before(*(by_channel[:, :, k : k + 2 * rows : 2] for k in range(4)))):
        for j, factor in enumerate(before(*(band[..., k : k + 2 * columns : 2] for k in range(4)))):
            tiles[i, j] = factor
    products = kernels @ tiles.reshape(16, channels, -1)  # the only multiplications
    out = np.empty((batch, out_channels, 2 * rows, 2 * columns), x.dtype)
    for i, band in enumerate(after(*products.reshape(4, 4, out_channels, batch, rows, columns))):
        for j, outputs in enumerate(after(*band)):
            out[:, :, i::2, j::2] = outputs.swapaxes(0, 1)
    return out


# --8<-- [end:winograd]


# Ratios of times: another machine, or a busy one, is up to five times another.
@experiment(below={"quartiles": Tolerance(rtol=0.8), "difference": Tolerance(atol=1e-5)})
def winograd_against_patches() -> Result:
    """How many times faster Winograd's form is than `conv2d`, by channels: quartiles over rounds in which they take turns.

    Processor time, so that other work of the machine counts less. It still depends on the machine: a page may state
    only bounds of these numbers.
    """
    found: Result = {"channels": [16, 64, 128, 256, 512], "quartiles": [], "difference": []}
    for channels in found["channels"]:
        rng = np.random.default_rng(channels)
        x = rng.standard_normal((4, channels, 30, 30)).astype(np.float32)
        weight = (rng.standard_normal((channels, channels, 3, 3)) / np.sqrt(9 * channels)).astype(np.float32)
        kernels = winograd_kernels(weight)
        plain, fast = conv2d(x, weight), winograd(x, kernels)  # also warms both
        found["difference"].append(float(abs(plain - fast).max() / abs(plain).max()))
        ratios = []
        for _ in range(21 if channels < 256 else 9):
            started = time.process_time()
            conv2d(x, weight)
            between = time.process_time()
            winograd(x, kernels)
            ratios.append((between - started) / (time.process_time() - between))
        found["quartiles"].append(np.quantile(ratios, (0.25, 0.5, 0.75)).tolist())
    return found


# ResNet-50, layer by layer


# --8<-- [start:resnet_50_convolutions]
class Convolution(NamedTuple):
    """One convolution of a network; padding is half a kernel."""

    kernel: int
    size: int
    in_channels: int
    out_channels: int
    stride: int = 1

    @property
    def macs(self) -> int:
        return conv_macs(self.size, *self[2:4], self.kernel, self.stride, self.kernel // 2)

    @property
    def weights(self) -> int:
        return conv_parameters(self.in_channels, self.out_channels, self.kernel, bias=False)


def resnet_50_convolutions() -> Sequence[Convolution]:
    """All convolutions of ResNet-50 v1.5 for one photo of 224×224, in their order."""
    layers, size, channels = [Convolution(7, 224, 3, 64, stride=2)], 56, 64
    for stage, (blocks, width) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)]):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            if block == 0:  # the shortcut must change the number of channels, too
                layers.append(Convolution(1, size, channels, 4 * width, stride))
            layers.append(Convolution(1, size, channels, width))
            layers.append(Convolution(3, size, width, width, stride))
            size, channels = size // stride, 4 * width
            layers.append(Convolution(1, size, width, channels))
    return layers


# --8<-- [end:resnet_50_convolutions]
