"""Figures of the chapter on question 5: what happens while a deep network trains."""

import numpy as np
from matplotlib.figure import Figure

from cnnguide.figures.registry import figure
from cnnguide.figures.style import Scheme
from cnnguide.optimizers import SGD


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
