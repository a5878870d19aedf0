"""Figures of the chapter on question 4: how kernels are initialised."""

import numpy as np
from matplotlib.figure import Figure

from cnnguide.experiments.initialization import (
    WIDTH,
    layers_of,
    little_network,
    rounding_breaks_the_symmetry,
    spread_over_draws,
    through_fifty_layers,
    train_little_network,
    trained_under_each_scheme,
    unlike,
)
from cnnguide.figures.registry import figure
from cnnguide.figures.style import Scheme
from cnnguide.initializers import he_normal


@figure
def signal_through_layers(scheme: Scheme) -> Figure:
    """Mean square of the activations through 50 ReLU layers of width 256: He's scale, half of it and twice as much."""
    depth, width, draws = 50, 256, 5
    fig = Figure(figsize=(7, 3.2))
    ax = fig.add_subplot()
    for factor, label, color in (
        (2.0, "twice as large", scheme.orange),
        (1.0, "He: standard deviation √(2 / fan-in)", scheme.blue),
        (0.5, "half as large", scheme.green),
    ):
        for seed in range(draws):
            rng = np.random.default_rng(seed)
            x = rng.standard_normal(width)
            means = [float(np.mean(x**2))]
            for _ in range(depth):
                x = np.maximum(factor * he_normal((width, width), rng) @ x, 0)
                means.append(float(np.mean(x**2)))
            ax.plot(means, color=color, linewidth=1, label=label if seed == 0 else None)
    ax.set(xlabel="layer", ylabel="mean square of\nthe activations", yscale="log", xlim=(0, depth))
    ax.legend(loc="upper left", fontsize="small")
    return fig


@figure
def forward_and_backward(scheme: Scheme) -> Figure:
    """Mean squares of outputs and of gradients along fifty layers, for four activations and four scales."""
    measured = through_fifty_layers()
    styles = dict(zip(measured["linear"], zip(scheme.series, ("-", "--", "-.", ":"), strict=True), strict=True))
    fig = Figure(figsize=(7, 8.4))
    axes = fig.subplots(4, 2, sharex=True, sharey="row")
    for row, (activation, scales) in zip(axes, measured.items(), strict=True):
        for ax, kind in zip(row, ("signal", "gradient"), strict=True):
            for name, runs in scales.items():
                color, style = styles[name]
                ax.plot(np.median(runs[kind], axis=0), style, color=color, label=name)
            ax.set(yscale="log", xlim=(0, 50), ylim=(1e-60, 1e60))
            ax.axhline(1, color=scheme.faint, linewidth=0.8)
        row[0].set_ylabel("ReLU" if activation == "relu" else activation)
    axes[0, 0].set_title("outputs")
    axes[0, 1].set_title("gradients")
    fig.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4, title="variance of a weight"
    )
    for ax in axes[-1]:
        ax.set_xlabel("layer")
    return fig


def _histograms(rows: list[tuple[str, str, float, tuple[float, float], str]], height: float) -> Figure:
    """Outputs in four layers of random networks; a row is a label, an activation, a variance, limits and a colour."""
    layers = (1, 2, 10, 50)
    fig = Figure(figsize=(7, height))
    axes = fig.subplots(len(rows), len(layers), sharex="row")
    for row, (label, activation, variance, (low, high), color) in zip(axes, rows, strict=True):
        _, _, outputs = layers_of(activation, variance, np.random.default_rng(0))
        for ax, layer in zip(row, layers, strict=True):
            ax.hist(outputs[layer].ravel(), np.linspace(low, high, 41).tolist(), color=color, density=True)
            ax.set(yticks=[], xlim=(low, high), xticks=[low, (low + high) / 2, high])
            ax.xaxis.set_major_formatter("{x:g}")
        row[0].set_ylabel(label)
    for ax, layer in zip(axes[0], layers, strict=True):
        ax.set_title(f"layer {layer}")
    return fig


@figure
def outputs_layer_by_layer(scheme: Scheme) -> Figure:
    """Histograms of tanh outputs in four layers, for weights too small, right and too large."""
    scales = {"a hundredth\nof Xavier": 0.0001 / WIDTH, "Xavier": 1 / WIDTH, "N(0, 1)": 1.0}
    rows = [
        (name, "tanh", variance, (-1.0, 1.0), color)
        for (name, variance), color in zip(scales.items(), scheme.series, strict=False)
    ]
    return _histograms(rows, 4.6)


@figure
def outputs_at_their_scale(scheme: Scheme) -> Figure:
    """Histograms of outputs in four layers without activation, with ReLU and with the sigmoid, each at its own scale."""
    rows = [
        ("linear", "linear", 1 / WIDTH, (-4.0, 4.0), scheme.blue),
        ("ReLU", "relu", 2 / WIDTH, (0.0, 4.0), scheme.orange),
        ("sigmoid", "sigmoid", 1 / WIDTH, (0.0, 1.0), scheme.green),
    ]
    return _histograms(rows, 4.8)


@figure
def level_and_exploding(scheme: Scheme) -> Figure:
    """Fifty ReLU layers under He's scale and under twice its deviation: mean squares, and what the last layer gives."""
    depth, width = 50, 128
    fig = Figure(figsize=(7, 3.4))
    curves, level, exploding = fig.subplot_mosaic(
        [["curves", "level"], ["curves", "exploding"]], width_ratios=(2, 1)
    ).values()
    for ax, factor, name, color in (
        (level, 1, "He", scheme.blue),
        (exploding, 2, "twice as large", scheme.orange),
    ):
        _, _, outputs = layers_of("relu", factor**2 * 2 / width, np.random.default_rng(0), depth, width)
        curves.plot([float((output**2).mean()) for output in outputs], color=color, label=name)
        curves.plot([float(factor) ** (2 * layer) for layer in range(depth + 1)], "--", color=color, linewidth=1)
        ax.hist(outputs[-1][outputs[-1] > 0].clip(max=3), np.linspace(0, 3, 32).tolist(), color=color)
        ax.set(yticks=[], xlim=(0, 3), xticks=[0, 1, 2, 3], title=name)
    level.set_xticklabels([])
    exploding.set_xlabel(f"outputs of layer {depth}")
    curves.set(xlabel="layer", ylabel="mean square of\nthe outputs", yscale="log", xlim=(0, depth), ylim=(1e-3, None))
    curves.legend(loc="upper left")
    return fig


@figure
def spread_of_draws(scheme: Scheme) -> Figure:
    """Where the mean square ends after fifty He-initialised ReLU layers, over 400 draws, for three widths."""
    ends = spread_over_draws()
    fig = Figure(figsize=(7, 3.4))
    axes = fig.subplots(len(ends), 1, sharex=True)
    for ax, (width, squares), color in zip(axes, ends.items(), scheme.series, strict=False):
        alive = [np.log10(square) for square in squares if square > 0]
        ax.hist(alive, np.linspace(-16, 4, 81).tolist(), color=color)
        ax.axvline(0, color=scheme.ink, linewidth=0.8)
        ax.text(-15.5, ax.get_ylim()[1] * 0.55, f"width {width}", ha="left", va="center")
        ax.set(yticks=[])
        ax.spines["left"].set_visible(False)
    axes[-1].set(xlabel="mean square after fifty layers", xticks=[-16, -12, -8, -4, 0, 4])
    axes[-1].set_xticklabels(["$10^{-16}$", "$10^{-12}$", "$10^{-8}$", "$10^{-4}$", "1", "$10^{4}$"])
    return fig


@figure
def training_by_scheme(scheme: Scheme) -> Figure:
    """Validation accuracy, epoch by epoch, of ten ReLU layers under five scales; three seeds each."""
    curves = trained_under_each_scheme()
    fig = Figure(figsize=(7, 3.6))
    ax = fig.add_subplot()
    looks = zip(("He", "Xavier", "4/n", "0.01²"), scheme.series, ("-o", "--s", "-.^", ":D"), strict=True)
    for name, color, style in looks:
        runs = 100 * np.array(curves[name])
        epochs = range(1, runs.shape[1] + 1)
        ax.fill_between(epochs, runs.min(axis=0), runs.max(axis=0), color=color, alpha=0.18, linewidth=0)
        ax.plot(epochs, np.median(runs, axis=0), style, color=color, label=name)
    ax.axhline(100 / 26, color=scheme.faint, linewidth=0.8)
    ax.set(xlabel="epoch", ylabel="letters read right, %", ylim=(0, 100), xticks=list(epochs))
    ax.legend(loc="upper left", ncols=2)
    return fig


@figure
def freed_by_a_nudge(scheme: Scheme) -> Figure:
    """Two units that start equal, and equal but for a nudge to one weight: how far apart they get, and the loss."""
    every, steps = 10, 1000
    fig = Figure(figsize=(7, 3))
    distances, losses = fig.subplots(1, 2)
    for nudge, name, color in (
        (0.0, "equal", scheme.ink),
        (1e-12, "nudged by $10^{-12}$", scheme.orange),
        (1e-6, "nudged by $10^{-6}$", scheme.blue),
    ):
        model = little_network(np.random.default_rng(0), hidden=2)
        first = model.parameters()[0]
        first[1, 0] += nudge
        apart, loss = [unlike(first)], []
        for _ in range(0, steps, every):
            loss.append(train_little_network(model, every))
            apart.append(unlike(first))
        if nudge:
            distances.plot(range(0, steps + 1, every), apart, color=color)
        losses.plot(range(every, steps + 1, every), loss, color=color, label=name)
    distances.set(xlabel="step", ylabel="distance of the units", yscale="log", xlim=(0, steps))
    losses.set(xlabel="step", ylabel="loss", ylim=(0, 1.2), xlim=(0, steps))
    losses.legend(loc="upper right", fontsize="small")
    return fig


@figure
def symmetry_lost_to_rounding(scheme: Scheme) -> Figure:
    """How unlike eight units become that started equal, step by step, in float32 and in float64; five seeds each."""
    found = rounding_breaks_the_symmetry()
    fig = Figure(figsize=(7, 3.3))
    ax = fig.add_subplot()
    for name, color, style in (("float32", scheme.orange, "-"), ("float64", scheme.blue, "--")):
        for seed, curve in enumerate(found[name]):
            ax.plot(found["steps"], curve, style, color=color, linewidth=1.3, label=name if seed == 0 else None)
    ax.set(xlabel="step", ylabel="difference between\nunits, relative", yscale="log", ylim=(1e-17, 10), xlim=(0, 1200))
    ax.legend(loc="lower right")
    return fig
