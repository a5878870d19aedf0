"""Figures of the chapter on question 1: channels and kernels."""

import numpy as np
from matplotlib.colors import Colormap
from matplotlib.figure import Figure

from cnnguide.figures.registry import figure
from cnnguide.figures.style import Scheme
from cnnguide.filters import LAPLACIAN, SOBEL_X, SOBEL_Y, apply_filter
from cnnguide.images import disk


@figure
def three_kernels_on_a_disk(scheme: Scheme) -> Figure:
    """A disk and what three kernels answer to it; in signed maps zero is mid-gray."""
    image = disk(48, radius=15)
    panels: list[tuple[str, np.ndarray, str | Colormap, float, float]] = [("image", image, "gray", 0.0, 1.0)]
    for name, kernel in (("Sobel-X", SOBEL_X), ("Sobel-Y", SOBEL_Y), ("Laplacian", LAPLACIAN)):
        response = apply_filter(image, kernel)
        limit = abs(response).max()
        panels.append((name, response, scheme.signed, -limit, limit))
    fig = Figure(figsize=(7, 2.3))
    for ax, (title, values, colors, low, high) in zip(fig.subplots(1, 4), panels, strict=True):
        ax.imshow(values, cmap=colors, vmin=low, vmax=high, interpolation="nearest")
        ax.set_title(title)
        ax.set(xticks=[], yticks=[])
        for spine in ax.spines.values():
            spine.set_visible(False)
    return fig
