"""Figures of the chapter on question 1: channels and kernels."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle, RegularPolygon

from cnnguide.experiments.channels import (
    TEXT,
    cut_letter,
    designed_kernels,
    find_letter,
    nearest_kernel,
    one_template_and_a_bank,
    template_bank,
    what_channels_answer_to,
)
from cnnguide.figures.registry import figure
from cnnguide.figures.style import LIGHT, Scheme
from cnnguide.filters import (
    LAPLACIAN,
    SOBEL_X,
    SOBEL_Y,
    apply_filter,
    gradient_direction,
    gradient_magnitude,
    match_template,
)
from cnnguide.images import coffee, color_grid, disk, luma, photo
from cnnguide.letters import ALPHABET, draw_page
from cnnguide.photo_network import PHOTO_LAYERS, photo_network, prepare_photo
from cnnguide.pooling import avg_pool2d

SHORT_PAGE: dict[str, Any] = {"text": TEXT[:76], "width": 250}
"""As much of the text as can be read in a figure."""


def show(
    ax: Axes, values: np.ndarray, title: str, colors: str | Colormap = "gray", low: float = 0, high: float = 1
) -> None:
    """A picture without axes."""
    ax.imshow(values, cmap=colors, vmin=low, vmax=high, interpolation="nearest")
    ax.set_title(title)
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)


def show_signed(ax: Axes, values: np.ndarray, title: str, scheme: Scheme) -> None:
    """A map of positive and negative answers; zero is mid-gray."""
    limit = float(np.quantile(abs(values), 0.998))  # a single extreme pixel must not grey out all others
    show(ax, values, title, scheme.signed, -limit, limit)


@figure
def three_kernels_on_a_disk(scheme: Scheme) -> Figure:
    """A disk and what three kernels answer to it; in signed maps zero is mid-gray."""
    image = disk(48, radius=15)
    fig = Figure(figsize=(7, 2.3))
    axes = fig.subplots(1, 4)
    show(axes[0], image, "image")
    for ax, (name, kernel) in zip(
        axes[1:], {"Sobel-X": SOBEL_X, "Sobel-Y": SOBEL_Y, "Laplacian": LAPLACIAN}.items(), strict=True
    ):
        show_signed(ax, apply_filter(image, kernel), name, scheme)
    return fig


@figure
def numbers_and_picture(scheme: Scheme) -> Figure:
    """One letter twice: as a grid of numbers and as gray squares."""
    letter = cut_letter("e", em=11)
    fig = Figure(figsize=(7, 3.6))
    left, right = fig.subplots(1, 2)
    show(left, 1 - np.zeros_like(letter), "what the computer has", "gray_r", 0, 9)
    left.images[0].set_visible(False)
    for (row, column), ink in np.ndenumerate(letter):
        left.text(column, row, f"{ink:.1f}", ha="center", va="center", fontsize=11, color=scheme.ink)
    show(right, letter, "what we see", "gray_r")
    return fig


@figure
def one_product_sum(scheme: Scheme) -> Figure:
    """A kernel laid on one window of an image: nine products, one sum."""
    image = np.tile([0.0, 0.0, 1.0, 1.0, 1.0], (5, 1))
    row, column = 1, 1
    window = image[row : row + 3, column : column + 3]
    fig = Figure(figsize=(7, 2.7))
    ax = fig.add_subplot()
    grids = [
        (image, "image", "gray", 0.0),
        (SOBEL_X, "kernel", None, 7.2),
        (window * SOBEL_X + 0.0, "products", None, 12.4),
    ]
    for values, title, colors, left in grids:
        top = (5 - len(values)) / 2
        for (r, c), value in np.ndenumerate(values):
            shade = (*to_rgb(scheme.orange if value < 0 else scheme.blue), 0.12 + 0.2 * min(abs(value), 2))
            ax.add_patch(
                Rectangle((left + c, top + r), 1, 1, facecolor=shade if value else "none", edgecolor=scheme.faint)
            )
            ax.text(left + c + 0.5, top + r + 0.5, f"{value:+.0f}" if colors is None and value else f"{value:.0f}",
                    ha="center", va="center", color=scheme.ink)  # fmt: skip
        ax.text(left + len(values[0]) / 2, -0.5, title, ha="center", va="bottom")
    ax.add_patch(Rectangle((column, row), 3, 3, fill=False, edgecolor=scheme.orange, linewidth=3))
    total = float((window * SOBEL_X).sum())
    for x, sign in ((6.1, "·"), (11.3, "="), (16.4, "→")):
        ax.text(x, 2.5, sign, ha="center", va="center", fontsize=22)
    ax.text(18.2, 2.5, f"{total:+.0f}", ha="center", va="center", fontsize=22, color=scheme.blue)
    ax.text(18.2, -0.5, "sum", ha="center", va="bottom")
    ax.set(xlim=(-0.2, 19.6), ylim=(5.2, -1.4), aspect="equal")
    ax.axis("off")
    return fig


@figure
def place_in_a_photo(scheme: Scheme) -> Figure:
    """One place in the photo: the pixels under Sobel-X, their products with its weights, and where the sum is drawn."""
    gray, (row, column) = luma(coffee()), (52, 63)
    window = gray[row - 1 : row + 2, column - 1 : column + 2]
    fig = Figure(figsize=(7, 4.4))
    (photo, answers), (pixels, products) = fig.subplots(2, 2, height_ratios=(3, 2))
    show(photo, gray, "photo")
    show_signed(answers, apply_filter(gray, SOBEL_X), "sums of Sobel-X", scheme)
    for ax, size in ((photo, 3), (answers, 1)):
        corner = (column - size / 2, row - size / 2)
        ax.add_patch(Rectangle(corner, size, size, fill=False, edgecolor=scheme.orange, linewidth=2))
    total = float((window * SOBEL_X).sum())
    for ax, values, title in (
        (pixels, window, "pixels under the kernel"),
        (products, window * SOBEL_X + 0.0, f"their products, sum {total:.2f}"),
    ):
        show(ax, np.zeros((3, 3)), title)
        ax.images[0].set_visible(False)
        for (r, c), value in np.ndenumerate(values):
            ax.text(c, r, f"{value:.2f}", ha="center", va="center", color=scheme.ink)
    return fig


@figure
def photo_filtered(scheme: Scheme) -> Figure:
    """A gray photo, the answers of Sobel-X, Sobel-Y and the Laplacian, and how steep it is in which direction."""
    gray = luma(coffee())
    fig = Figure(figsize=(7, 3.7))
    axes = fig.subplots(2, 3).ravel()
    show(axes[0], gray, "photo")
    for ax, (name, kernel) in zip(
        axes[1:4], {"Sobel-X": SOBEL_X, "Sobel-Y": SOBEL_Y, "Laplacian": LAPLACIAN}.items(), strict=True
    ):
        show_signed(ax, apply_filter(gray, kernel), name, scheme)
    magnitude = gradient_magnitude(gray)
    show(axes[4], magnitude, "steepness", "gray", 0, float(magnitude.max()))
    steep = np.where(magnitude > 0.5, np.degrees(gradient_direction(gray)), np.nan)
    show(axes[5], steep, "direction", "twilight", -180, 180)
    return fig


@figure
def edges_and_lines(scheme: Scheme) -> Figure:
    """One row across an edge and across a line, and what Sobel-X and the Laplacian answer along it."""
    rows = {"an edge": np.array([0.0] * 6 + [1.0] * 6), "a line": np.array([0.0] * 6 + [1.0] + [0.0] * 5)}
    fig = Figure(figsize=(7, 4.2))
    axes = fig.subplots(3, 2, sharex=True, sharey="row")
    for column, (title, row) in enumerate(rows.items()):
        image = np.tile(row, (3, 1))
        answers = [("pixels", row), ("Sobel-X", apply_filter(image, SOBEL_X)[1])]
        answers.append(("Laplacian", apply_filter(image, LAPLACIAN)[1]))
        for ax, (name, values), color in zip(axes[:, column], answers, scheme.series, strict=False):
            ax.bar(range(len(values)), values, color=color, width=0.8)
            ax.axhline(0, color=scheme.ink, linewidth=0.8)
            ax.set(xticks=[])
            if column == 0:
                ax.set_ylabel(name)
        axes[0, column].set_title(title)
    return fig


@figure
def photo_planes(scheme: Scheme) -> Figure:
    """A colour photo and its three planes, each shown as a gray picture."""
    photo = coffee()
    fig = Figure(figsize=(7, 3.9))
    axes = fig.subplots(2, 2).ravel()
    show(axes[0], np.moveaxis(photo, 0, -1), "photo")
    for ax, plane, name in zip(axes[1:], photo, ("red", "green", "blue"), strict=True):
        show(ax, plane, f"channel: {name}")
    return fig


@figure
def coloured_grid(scheme: Scheme) -> Figure:
    """A gray photo under coloured lines, and the means of its blocks, beside those of the photo."""
    photo = coffee()[:, :104]
    grid = color_grid(photo)
    fig = Figure(figsize=(7, 4.9))
    axes = fig.subplots(2, 2).ravel()
    show(axes[0], np.moveaxis(grid, 0, -1), "grey, with a coloured grid")
    show(axes[1], np.moveaxis(grid[:, 40:72, 60:108], 0, -1), "the same, nearer")
    for ax, image, name in ((axes[2], grid, "means of its blocks"), (axes[3], photo, "the photo's means")):
        show(ax, np.moveaxis(avg_pool2d(image[None], 8)[0], 0, -1), name)
    return fig


@figure
def kernels_make_channels(scheme: Scheme) -> Figure:
    """Three channels go in; each kernel reads all three and makes one channel."""
    fig = Figure(figsize=(7, 3.3))
    ax = fig.add_subplot()

    def stack(x: float, y: float, count: int, side: float, colors: list[str], step: float = 0.35) -> None:
        for layer in reversed(range(count)):
            face = (*to_rgb(colors[layer % len(colors)]), 0.35)
            place = (x + step * layer, y + step * layer)
            ax.add_patch(Rectangle(place, side, side, facecolor=scheme.ground, edgecolor="none"))
            ax.add_patch(Rectangle(place, side, side, facecolor=face, edgecolor=scheme.ink, linewidth=0.8))

    planes = [scheme.orange, scheme.green, scheme.blue]
    stack(0, 1.2, 3, 4, planes)
    outputs = [scheme.purple, scheme.faint]
    for number, y in enumerate((5.0, 2.6, 0.2)):
        stack(8.2, y, 3, 1.1, planes, step=0.25)
        ax.annotate("", (12.4, y + 0.8), (10.2, y + 0.8), arrowprops=dict(arrowstyle="->", color=scheme.ink))
        ax.annotate("", (8.0, y + 0.8), (5.2, 3.4), arrowprops=dict(arrowstyle="-", color=scheme.faint))
        face = (*to_rgb(outputs[number > 0]), 0.45)
        ax.add_patch(Rectangle((12.7, y - 0.3), 2.1, 2.1, facecolor=face, edgecolor=scheme.ink, linewidth=0.8))
    for x, text in (
        (2.3, "input:\nthree channels"),
        (9.0, "kernels: each\nreads all three"),
        (13.8, "output: one\nchannel each"),
    ):
        ax.text(x, -0.7, text, ha="center", va="top")
    ax.set(xlim=(-0.4, 16), ylim=(-2.6, 7.4), aspect="equal")
    ax.axis("off")
    return fig


@figure
def e_channel(scheme: Scheme) -> Figure:
    """A page of text, the map of answers of an e-shaped kernel, and a ring around each find."""
    page, kernel = draw_page(**SHORT_PAGE), cut_letter("e")
    answer = match_template(page.image, kernel)
    fig = Figure(figsize=(7, 5.4))
    top, bottom = fig.subplots(2, 1)
    show(top, page.image, "the page, and what was found", "gray_r")
    for row, column in find_letter(page.image, [kernel]):
        top.add_patch(Circle((column, row), 8, fill=False, edgecolor="#c2570c", linewidth=1.8))
    show_signed(bottom, np.pad(answer, [(n // 2, n // 2) for n in kernel.shape]), "the e channel", scheme)
    return fig


@figure
def found_and_missed(scheme: Scheme) -> Figure:
    """One e as kernel on a page of its own size and on a larger one, and a bank of fifteen on the larger one."""
    one, bank = [cut_letter("e")], template_bank()
    fig = Figure(figsize=(7, 6))
    for ax, em, templates, name in zip(
        fig.subplots(3, 1), (16, 18, 18), (one, one, bank), ("one kernel", "the same kernel", "bank"), strict=True
    ):
        page = draw_page(SHORT_PAGE["text"][:41], em=em, width=250)
        show(ax, page.image, f"{em} pixels, {name}", "gray_r")
        found = find_letter(page.image, templates)
        for glyph in page.glyphs:
            place = (glyph.column, glyph.row)
            if any(max(abs(glyph.row - r), abs(glyph.column - c)) <= 2 for r, c in found):
                ax.add_patch(Circle(place, 8, fill=False, edgecolor=LIGHT.blue, linewidth=1.8))
            elif glyph.letter == "e":
                diamond = RegularPolygon(place, 4, radius=10, fill=False, edgecolor=LIGHT.orange, linewidth=1.8)
                diamond.set_linestyle("--")
                ax.add_patch(diamond)
    return fig


@figure
def one_kernel_and_a_bank(scheme: Scheme) -> Figure:
    """Share of the e's that one kernel and a bank of fifteen find, at other sizes and slants."""
    found = one_template_and_a_bank()
    fig = Figure(figsize=(7, 3.2))
    axes = fig.subplots(1, 2, sharey=True)
    for ax, axis, label in zip(axes, ("sizes", "slants"), ("font size, pixels", "slant"), strict=True):
        for name, text, color, style in (
            ("bank", "bank of fifteen", scheme.blue, "-o"),
            ("one", "one kernel", scheme.orange, "--s"),
        ):
            ax.plot(
                found[axis], [100 * share for share in found[f"{name}_{axis}_recall"]], style, color=color, label=text
            )
        ax.set(xlabel=label, ylim=(-4, 104), xticks=found[axis][:: 2 if axis == "sizes" else 1])
    axes[0].set_ylabel("e's found, %")
    axes[1].legend(loc="lower left")
    return fig


@figure
def channels_are_shared(scheme: Scheme) -> Figure:
    """How well the best hidden channel and the network's own score tell each letter from the others."""
    measured = what_channels_answer_to()
    fig = Figure(figsize=(7, 3.4))
    ax = fig.add_subplot()
    for name, text, color, mark in (
        ("score_auc", "the score of the letter", scheme.blue, "o"),
        ("channel_auc", "best of the hidden channels", scheme.orange, "s"),
    ):
        values = np.array(measured[name])
        middle = np.median(values, axis=0)
        ax.vlines(range(26), values.min(axis=0), values.max(axis=0), color=color, linewidth=1.2)
        ax.plot(range(26), middle, mark, color=color, label=text, markersize=5)
    ax.axhline(0.5, color=scheme.faint, linestyle=":")
    ax.text(25.4, 0.51, "chance", ha="right", va="bottom")
    ax.set(xticks=range(26), ylim=(0.36, 1.02), ylabel="area under the curve")
    ax.set_xticklabels(list(ALPHABET[:26]))
    ax.legend(loc="lower left", bbox_to_anchor=(0, -0.02))
    return fig


def in_color(kernel: np.ndarray) -> np.ndarray:
    """A kernel for three colours as a picture: zero is mid-gray, its largest weight full brightness or none."""
    return np.moveaxis(0.5 + kernel / (2 * abs(kernel).max()), 0, -1)


@figure
def photo_kernels(scheme: Scheme) -> Figure:
    """All kernels of the first layer of the photo network in colour, in the order of the network."""
    bank = photo_network().parameters()[0]
    fig = Figure(figsize=(7, 3.1))
    for ax, kernel in zip(fig.subplots(5, 13).ravel(), [*bank, None], strict=True):
        if kernel is None:
            ax.axis("off")
        else:
            show(ax, in_color(kernel), "")
            ax.spines[:].set(visible=True, color=scheme.faint)
    return fig


@figure
def designed_and_found(scheme: Scheme) -> Figure:
    """Five kernels that people designed, and below each the kernel of the photo network that is most like it."""
    bank, designed = photo_network().parameters()[0], designed_kernels()
    fig = Figure(figsize=(7, 3.4))
    axes = fig.subplots(2, len(designed))
    for (above, below), (name, kernel) in zip(axes.T, designed.items(), strict=True):
        place, correlation = nearest_kernel(bank, kernel)
        show(above, in_color(kernel), name)
        show(below, in_color(bank[place]), f"{correlation:+.2f}".replace("-", "−"))
    return fig


@figure
def photo_channels(scheme: Scheme) -> Figure:
    """A photo, and six channels at equal distances after the first layer and after three fire modules."""
    model, x = photo_network(), prepare_photo(photo("cat"))
    fig = Figure(figsize=(7, 5.2))
    axes = fig.subplots(4, 7)
    show(axes[0, 0], np.moveaxis(x[0], 0, -1), "photo")
    for ax in axes[1:, 0]:
        ax.axis("off")
    shown = {"relu1": "first layer", "fire2": "fire2", "fire5": "fire5", "fire9": "fire9"}
    maps = {}
    for name, place in PHOTO_LAYERS.items():
        x = maps[name] = model.layers[place].forward(x)
    for row, (name, title) in zip(axes[:, 1:], shown.items(), strict=True):
        channels = maps[name][0]
        for place, ax in enumerate(row):
            answers = channels[len(channels) * place // len(row)]
            show(ax, answers, "", scheme.intensity, 0, float(answers.max()) or 1)
        row[0].set_ylabel(title)
    return fig
