"""Figures of the chapter on question 2: why nearly always 3×3."""

from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cnnguide.figures.registry import figure
from cnnguide.figures.style import Scheme
from cnnguide.receptive_field import Window, receptive_field


@figure
def two_kernels_see_five_pixels(scheme: Scheme) -> Figure:
    """One output, the 3×3 it reads, and the 5×5 that those read."""
    layers = [Window(3), Window(3)]
    size = receptive_field(layers).size
    sides = [size - receptive_field(layers[:depth]).size + 1 for depth in range(len(layers) + 1)]
    fig = Figure(figsize=(7, 2.8))
    ax = fig.add_subplot()
    left = 0.0
    for depth, side in enumerate(sides):
        for row in range(side):
            for column in range(side):
                cell = Rectangle((left + column, row - side / 2), 1, 1, edgecolor=scheme.ink, linewidth=0.8)
                cell.set_facecolor((*to_rgb(scheme.blue), 0.12))
                ax.add_patch(cell)
        reads = min(3, side)
        ax.add_patch(
            Rectangle(
                (left, -side / 2), reads, reads, facecolor=(*to_rgb(scheme.orange), 0.45), edgecolor=scheme.orange
            )
        )
        caption = ["input", "after one 3×3", "after two"][depth]
        ax.text(left + side / 2, -size / 2 - 0.35, f"{side}×{side}\n{caption}", ha="center", va="top")
        if depth + 1 < len(sides):
            following = sides[depth + 1]
            right = left + side + 2.6
            for offset in (0, 1):
                ax.plot(
                    [left + reads, right], [-side / 2 + offset * reads, -following / 2 + offset],
                    color=scheme.orange, linewidth=0.8,
                )  # fmt: skip
        left += side + 2.6
    ax.set(xlim=(-1.2, left + 0.2), ylim=(-size / 2 - 2, size / 2 + 0.2), aspect="equal")
    ax.axis("off")
    return fig
