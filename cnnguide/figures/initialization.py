"""Figures of the chapter on question 4: how kernels are initialised."""

import numpy as np
from matplotlib.figure import Figure

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
