"""Figures of the chapter on question 5: what happens while a deep network trains."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.ticker import PercentFormatter

from cnnguide.activations import softmax
from cnnguide.experiments.training import (
    LETTERS_SHOWN,
    RULES,
    fair_comparison,
    hidden_parts,
    images_that_excite,
    overfitting,
    shifted_letters,
    strokes_and_corners,
    watched_training,
)
from cnnguide.figures.registry import figure
from cnnguide.figures.style import Scheme
from cnnguide.images import PHOTOS, photo
from cnnguide.layers import Conv2d, Flatten, Linear, ReLU, Sequential
from cnnguide.letters import HELD_OUT_FONTS, draw_letters
from cnnguide.letters_network import trained_letters_network
from cnnguide.losses import mse_loss, mse_loss_backward
from cnnguide.optimizers import SGD, AdaGrad, Adam, RMSProp
from cnnguide.photo_network import (
    PHOTO_CLASSES,
    PHOTO_LAYERS,
    classify,
    exciting_images,
    photo_network,
    prepare_photo,
)


def _mosaic(images: np.ndarray, columns: int, gap: int = 1, between: float = np.nan) -> np.ndarray:
    """Images of one size laid out in rows, with gaps."""
    count, height, width = images.shape
    rows = -(-count // columns)
    out = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), between)
    for place, image in enumerate(images):
        top, left = place // columns * (height + gap), place % columns * (width + gap)
        out[top : top + height, left : left + width] = image
    return out


def _bare(ax: Axes) -> None:
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)


def _show(ax: Axes, image: np.ndarray, cmap: str = "gray_r", low: float = 0, high: float = 1) -> None:
    """Ink is dark on white paper in both schemes: the letters are pictures, not drawings."""
    ax.imshow(image, cmap=cmap, vmin=low, vmax=high, interpolation="nearest")
    _bare(ax)


def _frames(ax: Axes, scheme: Scheme, count: int, columns: int, side: int, gap: int) -> None:
    """A thin line around each image of a mosaic, so that white paper ends somewhere on a white page."""
    for place in range(count):
        row, column = divmod(place, columns)
        corner = (column * (side + gap) - 0.5, row * (side + gap) - 0.5)
        ax.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=scheme.faint, linewidth=0.8, clip_on=False))


@figure
def steps_downhill(scheme: Scheme) -> Figure:
    """Gradient descent on x²: a small step, a good one, and one that is too large."""
    fig = Figure(figsize=(7, 2.7))
    grid = np.linspace(-2.8, 2.8, 200)
    for ax, (lr, color) in zip(
        fig.subplots(1, 3, sharey=True), ((0.1, scheme.blue), (0.4, scheme.green), (1.05, scheme.orange)), strict=True
    ):
        x, optimizer = np.array([1.5]), SGD(lr)
        visited = [float(x[0])]
        for _ in range(6):
            optimizer.step([x], [2 * x])
            visited.append(float(x[0]))
        ax.plot(grid, grid**2, color=scheme.faint)
        ax.plot(visited, np.square(visited), "o-", color=color, markersize=5, linewidth=1)
        ax.set_title(f"learning rate {lr}")
        ax.set(xlabel="x", ylim=(-0.3, 8), xlim=(-2.8, 2.8))
    fig.axes[0].set_ylabel("x²")
    return fig


@figure
def one_pass_by_hand(scheme: Scheme) -> Figure:
    """The tiny network of the chapter: values above, gradients below, each computed by the package."""
    rng = np.random.default_rng(0)
    model = Sequential(Conv2d(1, 1, (1, 2), rng, dtype=float), ReLU(), Flatten(), Linear(3, 1, rng, dtype=float))
    kernel, bias, weights, offset = model.parameters()
    kernel[...], bias[...], weights[...], offset[...] = [1, -1], 0, [2, 1, -1], 0
    values = [np.array([[[[2.0, 1.0, 3.0, 0.0]]]])]
    for layer in model.layers:
        values.append(layer.forward(values[-1]))
    target = np.array([[1.0]])
    gradients = [mse_loss_backward(values[-1], target)]
    for layer in reversed(model.layers):
        gradients.insert(0, layer.backward(gradients[0]))
    columns = [
        ("image x", values[0], gradients[0]),
        ("after conv z", values[1], gradients[1]),
        ("after ReLU h", values[2], gradients[2]),
        ("output y", values[4], gradients[4]),
        ("loss", mse_loss(values[4], target), np.ones(1)),
    ]
    fig = Figure(figsize=(5.6, 4.4))
    ax = fig.add_subplot()
    centres = []
    for column, (title, value, gradient) in enumerate(columns):
        numbers, slopes = np.ravel(value), np.ravel(gradient) + 0.0  # no minus before a zero
        places = 1.5 - np.arange(len(numbers)) + (len(numbers) - 4) / 2
        centres.append(list(places))
        ax.text(column, 2.35, title, ha="center", va="bottom", fontsize="small")
        for y, number, slope in zip(places, numbers, slopes, strict=True):
            box = FancyBboxPatch(
                (column - 0.27, y - 0.34), 0.54, 0.68, boxstyle="round,pad=0,rounding_size=0.08", linewidth=1
            )
            box.set(facecolor="none", edgecolor=scheme.ink)
            ax.add_patch(box)
            ax.text(
                column,
                y + 0.15,
                f"{number:g}".replace("-", "−"),
                ha="center",
                va="center",
                color=scheme.blue,
                weight="bold",
            )
            if column:
                ax.text(column, y - 0.17, f"{slope:g}".replace("-", "−"), ha="center", va="center", color=scheme.orange)
    wires = [
        [(0, 0), (1, 0), (1, 1), (2, 1), (2, 2), (3, 2)],
        [(0, 0), (1, 1), (2, 2)],
        [(0, 0), (1, 0), (2, 0)],
        [(0, 0)],
    ]
    for column, pairs in enumerate(wires):
        for a, b in pairs:
            ax.plot(
                [column + 0.28, column + 0.72],
                [centres[column][a], centres[column + 1][b]],
                color=scheme.faint,
                linewidth=1.2,
                zorder=0,
            )
    for x, text in (
        (0.5, "kernel\n{:g}, {:g}".format(*kernel.ravel())),
        (2.5, "weights\n{:g}, {:g}, {:g}".format(*weights.ravel())),
    ):
        ax.text(x, -2.3, text.replace("-", "−"), ha="center", va="top", color=scheme.blue, fontsize="small")
    for x, gradient in ((0.5, model.layers[0].gradients()[0]), (2.5, model.layers[3].gradients()[0])):
        text = ", ".join(f"{g:g}" for g in gradient.ravel())
        ax.text(
            x,
            -3.15,
            "gradient\n" + text.replace("-", "−"),
            ha="center",
            va="top",
            color=scheme.orange,
            fontsize="small",
        )
    ax.set(xlim=(-0.4, 4.4), ylim=(-4.1, 2.9))
    ax.axis("off")
    return fig


@figure
def training_curves(scheme: Scheme) -> Figure:
    """Loss of every step and accuracy after every epoch, three seeds, of the letters network."""
    result = watched_training()
    per_epoch = result["steps_per_epoch"]
    fig = Figure(figsize=(7, 3.1))
    left, right = fig.subplots(1, 2)
    for seed, run in enumerate(result["runs"]):
        losses = np.array(run["losses"])
        epochs = np.arange(1, len(losses) + 1) / per_epoch
        if seed == 0:
            left.plot(epochs, losses, color=scheme.faint, linewidth=0.6)
        smooth = np.convolve(losses, np.full(40, 1 / 40), "valid")
        left.plot(epochs[39:], smooth, color=scheme.blue, linewidth=1.3)
        for key, label, color, marker in (
            ("unseen", "families never seen", scheme.orange, "s"),
            ("styles", "styles never seen", scheme.green, "^"),
            ("validation", "fonts it trains on", scheme.blue, "o"),
        ):
            wrong = 1 - np.array(run[key])
            right.plot(
                range(len(wrong)), wrong, color=color, marker=marker, markersize=3.5, linewidth=1.2,
                label=label if seed == 0 else None,
            )  # fmt: skip
    left.set(xlabel="epoch", ylabel="loss of a batch", yscale="log", xlim=(0, len(losses) / per_epoch), ylim=(2e-3, 5))
    left.set_yticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
    right.set(xlabel="epoch", ylabel="letters misread", yscale="log", ylim=(2e-3, 1.2))
    right.set_yticks([0.01, 0.1, 1], ["1 %", "10 %", "100 %"])
    for ax in (left, right):
        ax.minorticks_off()
        ax.set_xticks(range(0, 9, 2))
    right.legend(fontsize="small")
    return fig


@figure
def kernels_while_training(scheme: Scheme) -> Figure:
    """The eight kernels of the first layer, before training and after epochs 1, 2, 4 and 8."""
    kernels = np.array(watched_training()["runs"][0]["kernels"])
    epochs = (0, 1, 2, 4, 8)
    size = float(np.abs(kernels).max())
    fig = Figure(figsize=(6, 4.2))
    ax = fig.add_subplot()
    rows = np.concatenate([kernels[epoch] for epoch in epochs])
    _show(ax, _mosaic(rows, 8), "gray", -size, size)
    ax.set_yticks(
        [1 + 4 * row for row in range(len(epochs))], [f"epoch {epoch}" if epoch else "untrained" for epoch in epochs]
    )
    ax.set_xticks([1 + 4 * place for place in range(8)], [f"{place + 1}" for place in range(8)])
    ax.tick_params(length=0)
    ax.set_xlabel("kernel")
    return fig


@figure
def first_steps(scheme: Scheme) -> Figure:
    """The loss of the first steps of a training, and the kernels of the first layer before and after."""
    result = watched_training()
    run, epochs = result["runs"][0], 2
    losses = run["losses"][: epochs * result["steps_per_epoch"]]
    kernels = np.array(run["kernels"])[[0, epochs]]
    size = float(np.abs(kernels).max())
    fig = Figure(figsize=(7, 2.6))
    left, right = fig.subplots(1, 2)
    left.plot(range(1, len(losses) + 1), losses, color=scheme.blue, linewidth=0.8)
    left.axhline(np.log(26), color=scheme.ink, linestyle="--", linewidth=1)
    left.text(len(losses), np.log(26), "even guess", ha="right", va="bottom", fontsize="small")
    left.set(xlabel="step", ylabel="loss of a batch", xlim=(0, len(losses)), ylim=(0, 4))
    _show(right, _mosaic(np.concatenate(kernels), 8), "gray", -size, size)
    right.set_yticks([1, 5], ["untrained", f"{len(losses)} steps"])
    right.tick_params(length=0)
    return fig


@figure
def predictions_while_training(scheme: Scheme) -> Figure:
    """Eight letters of unseen fonts, and what the network reads in them as it learns."""
    result = watched_training()
    looks = result["runs"][0]["predictions"]
    fig = Figure(figsize=(6.2, 4.2))
    grid = fig.add_gridspec(2, 1, height_ratios=(1, 4.6), hspace=0)
    top, bottom = fig.add_subplot(grid[0]), fig.add_subplot(grid[1])
    letters = np.array(result["samples"])
    _show(top, _mosaic(letters, len(letters), gap=4))
    _frames(top, scheme, len(letters), len(letters), 20, 4)
    for row, look in enumerate(looks):
        for column, (letter, p) in enumerate(zip(look["letter"], look["p"], strict=True)):
            right = chr(97 + letter) == LETTERS_SHOWN[column]
            color, weight = (scheme.blue, "bold") if right else (scheme.orange, "normal")
            bottom.text(
                column, -row + 0.1, chr(97 + letter), ha="center", va="center", color=color, weight=weight, fontsize=17
            )
            bottom.text(column, -row - 0.3, f"{100 * p:.0f} %", ha="center", va="center", color=color, fontsize=11.5)
    bottom.set(xlim=(-0.5, len(letters) - 0.5), ylim=(-len(looks) + 0.4, 0.6))
    _bare(bottom)
    bottom.set_yticks([-row for row in range(len(looks))], [f"{look['step']:,} steps" for look in looks])
    bottom.tick_params(length=0)
    return fig


@figure
def remaining_confusion(scheme: Scheme) -> Figure:
    """The pairs of letters that are still confused after training, and some letters that were misread."""
    result = watched_training()
    counts = np.array(result["confusion"])
    np.fill_diagonal(counts, 0)
    order = np.argsort(counts, axis=None)[::-1][:8]
    pairs = [(int(place) // 26, int(place) % 26) for place in order]
    fig = Figure(figsize=(7, 3.6))
    left, right = fig.subplots(1, 2, width_ratios=(1, 1))
    left.barh(range(8), [counts[pair] for pair in pairs], color=scheme.blue)
    left.set_yticks(range(8), [f"{chr(97 + truth)} read as {chr(97 + read)}" for truth, read in pairs])
    left.invert_yaxis()
    left.set_xlabel("letters, three networks")
    pitch = 31
    images = np.full((3 * pitch, 3 * pitch), np.nan)
    for place, (image, truth, read) in enumerate(result["misread"]):
        row, column = place // 3 * pitch, place % 3 * pitch
        images[row : row + 20, column : column + 20] = image
        right.text(column + 10, row + 24.5, f"{chr(97 + truth)} → {chr(97 + read)}", ha="center", va="center")
    _show(right, images)
    _frames(right, scheme, len(result["misread"]), 3, 20, 11)
    right.set(xlim=(-2, 84), ylim=(90, -2))
    return fig


class Surface(NamedTuple):
    """A landscape over the plane: its height, its slope, where a walk starts, and the minimum that it should find."""

    height: Callable[[np.ndarray, np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]
    start: tuple[float, float]
    goal: tuple[float, float]
    window: tuple[float, float, float, float]


SURFACES = {
    "valley": Surface(
        lambda x, y: x**2 / 2 + 10 * y**2,
        lambda p: p * (1, 20),
        start=(-4.0, 1.2), goal=(0, 0), window=(-4.4, 2, -1.6, 1.6),
    ),
    "saddle": Surface(  # two minima, one on each side of the start
        lambda x, y: x**2 / 2 - y**2 / 4 + y**4 / 80,
        lambda p: np.array([p[0], -p[1] / 2 + p[1] ** 3 / 20]),
        start=(-3.0, 0.01), goal=(0, 10**0.5), window=(-3.4, 1.6, -1, 4),
    ),
    "plateau": Surface(  # steep near the minimum, flat far from it
        lambda x, y: 1 - np.exp(-(x**2 + y**2) / 2),
        lambda p: p * np.exp(-(p @ p) / 2),
        start=(-2.3, 1.4), goal=(0, 0), window=(-2.7, 1.2, -0.9, 1.9),
    ),
}  # fmt: skip

WALKERS: dict[str, Callable[[], SGD | AdaGrad | RMSProp | Adam]] = {
    "SGD": lambda: SGD(0.09),
    "momentum": lambda: SGD(0.03, momentum=0.9),
    "Nesterov": lambda: SGD(0.03, momentum=0.9, nesterov=True),
    "AdaGrad": lambda: AdaGrad(0.5),
    "RMSProp": lambda: RMSProp(0.1, alpha=0.9),
    "Adam": lambda: Adam(0.2),
}


@figure
def optimizers_on_surfaces(scheme: Scheme) -> Figure:
    """Six rules walk on a valley, a saddle and a plateau: the walks from above, and the distance to the minimum."""
    looks, steps = dict(zip(WALKERS, _lines(scheme), strict=True)), 60
    fig = Figure(figsize=(7, 8.2))
    for (above, side), (name, surface) in zip(fig.subplots(3, 2), SURFACES.items(), strict=True):
        left, right, low, high = surface.window
        x, y = np.meshgrid(np.linspace(left, right, 80), np.linspace(low, high, 80))
        above.contour(x, y, surface.height(x, y), levels=9, colors=scheme.faint, linewidths=0.8)
        for rule, make in WALKERS.items():
            p, optimizer = np.array(surface.start), make()
            walk = [p.copy()]
            for _ in range(steps):
                optimizer.step([p], [surface.slope(p)])
                walk.append(p.copy())
            path = np.array(walk)
            above.plot(path[:, 0], path[:, 1], **looks[rule])
            side.plot(np.linalg.norm(path - surface.goal, axis=1), **looks[rule], label=rule)
        above.plot(*surface.start, "o", color=scheme.ink, markersize=5)
        above.plot(*surface.goal, "+", color=scheme.ink, markersize=11, markeredgewidth=2, zorder=5)
        above.set(title=f"{name}, from above", xlim=(left, right), ylim=(low, high))
        side.set(title=f"{name}, distance to the minimum", ylim=(0, None), xlim=(0, steps))
    side.set_xlabel("step")
    fig.legend(*side.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize="small")
    return fig


def _lines(scheme: Scheme) -> list[dict[str, Any]]:
    """Six looks that stay apart without colour: two per colour, solid and dashed, and ink dotted."""
    looks = [
        (scheme.ink, ":"), (scheme.orange, "-"), (scheme.orange, "--"),
        (scheme.green, "-."), (scheme.purple, "--"), (scheme.blue, "-"),
    ]  # fmt: skip
    return [{"color": color, "linestyle": style, "linewidth": 1.6} for color, style in looks]


@figure
def optimizers_on_letters(scheme: Scheme) -> Figure:
    """Letters read after four epochs against the learning rate, for six rules and three seeds."""
    result = fair_comparison()
    fig = Figure(figsize=(7, 4.2))
    ax = fig.add_subplot()
    for (name, look), marker in zip(zip(RULES, _lines(scheme), strict=True), "osDv^*", strict=True):
        rows = result[name]["rates"]
        rates = [row["lr"] for row in rows]
        tests = np.array([row["test"] for row in rows])
        ax.plot(rates, tests.mean(axis=1), **look, marker=marker, markersize=6, label=name)
        ax.vlines(rates, tests.min(axis=1), tests.max(axis=1), color=look["color"], linewidth=1)
    ax.set(xscale="log", xlabel="learning rate", ylabel="letters read", ylim=(0, 1))
    ax.set_xticks([0.001, 0.01, 0.1, 1], ["0.001", "0.01", "0.1", "1"])
    ax.minorticks_off()
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    fig.legend(loc="outside lower center", ncols=3, fontsize="small")
    return fig


@figure
def adam_goes_wrong(scheme: Scheme) -> Figure:
    """The online problem of Reddi et al.: Adam ends at the worst point, AMSGrad and SGD near the best."""
    fig = Figure(figsize=(7, 2.9))
    ax = fig.add_subplot()
    runs: list[tuple[str, SGD | Adam, str, str]] = [
        ("Adam", Adam(betas=(0.0, 0.1)), scheme.orange, "-"),
        ("AMSGrad", Adam(betas=(0.0, 0.1), amsgrad=True), scheme.blue, "-"),
        ("SGD", SGD(0.5), scheme.green, "--"),
    ]
    for name, optimizer, color, line in runs:
        x = np.zeros(1)
        path = [0.0]
        for step in range(1, 3001):
            optimizer.lr = 0.5 / step**0.5
            optimizer.step([x], [np.array([3.0 if step % 3 == 1 else -1.0])])
            np.clip(x, -1, 1, out=x)
            path.append(float(x[0]))
        ax.plot(range(1, len(path) + 1), path, color=color, linestyle=line, linewidth=1.3, label=name)
    ax.axhline(-1, color=scheme.faint, linestyle=":", zorder=0)
    ax.set(xscale="log", xlabel="step", ylabel="x", ylim=(-1.1, 1.1), xlim=(1, 3000))
    ax.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    ax.minorticks_off()
    ax.legend(fontsize="small", loc="center right")
    return fig


@figure
def overfitting_measured(scheme: Scheme) -> Figure:
    """Left: losses with few letters. Right: letters read after training, with each regulariser and without."""
    result = overfitting()
    fig = Figure(figsize=(7, 3.3))
    left, right = fig.subplots(1, 2)
    looks = (("train", scheme.blue, "-", "letters trained on"), ("validation", scheme.orange, "--", "other letters"))
    for seed, run in enumerate(result["curves"]):
        for key, color, line, label in looks:
            epochs = range(1, len(run[key]) + 1)
            left.plot(epochs, run[key], color=color, linewidth=1.2, linestyle=line, label=None if seed else label)
    left.set(xlabel="epoch", ylabel="loss", ylim=(0, 2.5), xlim=(1, len(run["train"])))
    left.legend(fontsize="small")
    names = ["nothing", "early stopping", "weight decay", "dropout", "shifts"]
    for row, name in enumerate(names):
        values = result[name]["loss"]
        right.plot(values, [row] * len(values), "o", color=scheme.orange, markersize=6, alpha=0.6, markeredgewidth=0)
        right.plot(np.mean(values), row, "|", color=scheme.ink, markersize=16, markeredgewidth=2)
    right.set_yticks(range(len(names)), names)
    right.set(xlabel="loss on other letters", ylim=(len(names) - 0.5, -0.5), xlim=(0, None))
    return fig


@figure
def maximised_and_minimised(scheme: Scheme) -> Figure:
    """Twenty-six images that maximise a score, and twenty-six that minimise the loss, climbed in the same way."""
    result = images_that_excite()
    fig = Figure(figsize=(7, 4.9), layout="compressed")
    fig.get_layout_engine().set(wspace=0.06)  # type: ignore[union-attr, call-arg]
    for ax, (name, title) in zip(
        fig.subplots(1, 2), (("activation", "maximise the activation"), ("loss", "minimise the loss")), strict=True
    ):
        _show(ax, _mosaic(np.array(result[f"{name} images"]), 5, gap=3))
        _frames(ax, scheme, 26, 5, 20, 3)
        ax.set_title(title)
    return fig


@figure
def wanted_strokes(scheme: Scheme) -> Figure:
    """For the sixteen units of the second convolution: the image that excites each most, and the best real patch below."""
    result = strokes_and_corners()
    images, patches = np.array(result["images"]), np.array(result["patches"])
    fig = Figure(figsize=(7, 3.9))
    ax = fig.add_subplot()
    rows = np.concatenate([images[:8], patches[:8], images[8:], patches[8:]])
    _show(ax, _mosaic(rows, 8, gap=2))
    _frames(ax, scheme, len(rows), 8, 8, 2)
    ax.set_yticks([3.5 + 10 * row for row in range(4)], ["wanted", "found"] * 2)
    ax.tick_params(length=0)
    return fig


@figure
def letter_through_layers(scheme: Scheme) -> Figure:
    """A letter of a font never seen, what each channel of the two convolutions makes of it, and what the network reads."""
    model = trained_letters_network()
    still = (0.0, 0.0)
    x, _ = draw_letters(
        1,
        np.random.default_rng(0),
        "e",
        HELD_OUT_FONTS[:1],
        scale=(0.75, 0.75),
        shear=still,
        rotation=still,
        shift=still,
    )
    fig = Figure(figsize=(7, 3.4))
    grid = fig.add_gridspec(2, 2, width_ratios=(1, 3.2))
    paper, first, bars, second = (fig.add_subplot(grid[place]) for place in ((0, 0), (0, 1), (1, 0), (1, 1)))
    _show(paper, x[0, 0])
    _frames(paper, scheme, 1, 1, 20, 0)
    paper.set_title("letter", fontsize="medium")
    for ax, layer, name in ((first, 0, "first"), (second, 3, "second")):
        maps = Sequential(*model.layers[: layer + 1]).forward(x)[0]
        size = float(np.abs(maps).max())
        _show(ax, _mosaic(maps, 8), "gray", -size, size)
        ax.set_title(f"{len(maps)} channels of the {name} convolution", fontsize="medium")
    probabilities = softmax(model.forward(x))[0]
    likely = np.argsort(-probabilities)[:4]
    bars.barh(range(4), probabilities[likely], color=scheme.blue)
    bars.set_yticks(range(4), [chr(97 + letter) for letter in likely])
    bars.set(xlim=(0, 1), xticks=[0, 1], xticklabels=["0", "100 %"])
    bars.set_title("probabilities", fontsize="medium")
    bars.invert_yaxis()
    return fig


@figure
def shifts_measured(scheme: Scheme) -> Figure:
    """Letters read against how far they are moved, after training with small and with large shifts."""
    result = shifted_letters()
    fig = Figure(figsize=(7, 3.1))
    ax = fig.add_subplot()
    for most, color, line in (("4.0", scheme.blue, "-"), ("1.5", scheme.orange, "--")):
        runs = np.array(result[most])
        ax.plot(
            runs.mean(axis=0),
            color=color,
            linestyle=line,
            marker="o",
            label=f"trained with shifts of up to {float(most):g}",
        )
        ax.vlines(range(runs.shape[1]), runs.min(axis=0), runs.max(axis=0), color=color, linewidth=1)
    ax.set(xlabel="pixels to the right", ylabel="letters read", ylim=(0, 1.02))
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.legend(fontsize="small", loc="lower left")
    return fig


@figure
def hierarchy(scheme: Scheme) -> Figure:
    """Kernels of the first layer of the photo network, and images that excite channels of deeper layers and classes."""
    layers = ("fire2", "fire3", "fire5", "fire7", "fire9", "conv10")
    kernels = photo_network().parameters()[0]
    rows = {
        "first layer": [
            0.5 + kernels[64 * place // 6] / (2 * abs(kernels[64 * place // 6]).max()) for place in range(6)
        ]
    }
    rows |= {layer: list(exciting_images(layer).values()) for layer in layers}
    fig = Figure(figsize=(7, 8.6))
    axes = fig.subplots(len(rows), 6)
    for line, (layer, images) in zip(axes, rows.items(), strict=True):
        for ax, image in zip(line, images, strict=True):
            ax.imshow(np.moveaxis(image, 0, -1), interpolation="nearest")
            _bare(ax)
        line[0].set_ylabel("classes" if layer == "conv10" else layer)
    for ax, number in zip(axes[-1], exciting_images("conv10"), strict=True):
        ax.set_xlabel(PHOTO_CLASSES[number], fontsize="small")
    return fig


@figure
def where_the_answer_is(scheme: Scheme) -> Figure:
    """Two photos, the map of the best class over them, and how much of its probability each hidden part takes away."""
    model, hidden = photo_network(), hidden_parts()
    to_the_map = Sequential(*model.layers[: PHOTO_LAYERS["relu10"] + 1])
    fig = Figure(figsize=(7, 4.9))
    for line, (name, found) in zip(fig.subplots(2, 3), hidden.items(), strict=True):
        image = np.moveaxis(photo(name), 0, -1)
        answers = to_the_map.forward(prepare_photo(photo(name)))[0, found["class"]]
        lost = found["whole"] - np.array(found["left"])
        for ax in line:
            ax.imshow(image, interpolation="nearest")
            _bare(ax)
        whole = (-0.5, 223.5, 223.5, -0.5)
        line[1].imshow(answers, extent=whole, alpha=0.7, cmap="magma", vmin=0, interpolation="nearest")
        centres = (16, 208, 208, 16)  # the middles of the hidden squares, and half a step around them
        line[2].imshow(lost, extent=centres, alpha=0.7, cmap="magma", vmin=0, interpolation="nearest")
        for ax in line:
            ax.set(xlim=(-0.5, 223.5), ylim=(223.5, -0.5))
        line[0].set_xlabel("photo")
        line[1].set_xlabel(f"map of “{PHOTO_CLASSES[found['class']]}”", fontsize="small")
        line[2].set_xlabel("lost where it is hidden", fontsize="small")
    return fig


@figure
def how_sure(scheme: Scheme) -> Figure:
    """Four photos, and the three classes that the photo network finds most probable."""
    fig = Figure(figsize=(7, 5.4))
    for (left, right), name in zip(fig.subplots(4, 2, width_ratios=(1, 3.4)), PHOTOS, strict=True):
        left.imshow(np.moveaxis(photo(name), 0, -1), interpolation="nearest")
        _bare(left)
        guesses = classify(photo(name), top=3)
        shares = [round(guess.probability, 4) for guess in guesses]  # further digits depend on the number of threads
        right.barh(range(3), shares, color=scheme.blue)
        for place, (guess, share) in enumerate(zip(guesses, shares, strict=True)):
            right.text(share + 0.01, place, f"{guess.name}, {100 * share:.0f} %", va="center")
        right.invert_yaxis()
        right.set(xlim=(0, 1.45), yticks=[], xticks=[])
        right.spines["bottom"].set_visible(False)
    return fig
