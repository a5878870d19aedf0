"""Figures of the chapter on question 2: why nearly always 3×3."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cnnguide.convolution import conv2d
from cnnguide.experiments.kernel_size import (
    effective_field_of_random_weights,
    effective_field_of_trained_weights,
    kernel_size_and_errors,
    relu_between,
    resnet_50_convolutions,
    winograd_against_patches,
)
from cnnguide.figures.registry import figure
from cnnguide.figures.style import Scheme
from cnnguide.images import disk
from cnnguide.receptive_field import Window, path_counts, receptive_field
from cnnguide.shapes import conv_macs, conv_parameters


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


@figure
def centre_or_none(scheme: Scheme) -> Figure:
    """Four kernels: odd ones have a middle pixel, even ones have a corner of four pixels there."""
    fig = Figure(figsize=(7, 2.3))
    for ax, side in zip(fig.subplots(1, 4), (2, 3, 4, 5), strict=True):
        for row, column in np.ndindex(side, side):
            middle = side % 2 == 1 and row == column == side // 2
            face = (*to_rgb(scheme.orange), 0.6) if middle else (*to_rgb(scheme.blue), 0.12)
            ax.add_patch(Rectangle((column, row), 1, 1, facecolor=face, edgecolor=scheme.ink, linewidth=0.8))
        ax.plot(side / 2, side / 2, "o" if side % 2 else "x", color=scheme.orange, markersize=9, markeredgewidth=2.5)
        ax.set_title(f"{side}×{side}")
        ax.text(side / 2, side / 2 + 2.75, "a pixel" if side % 2 else "a corner", ha="center", va="top")
        ax.set(xlim=(side / 2 - 2.7, side / 2 + 2.7), ylim=(side / 2 + 3.6, side / 2 - 2.7), aspect="equal")
        ax.axis("off")
    return fig


def frame(ax: Axes, scheme: Scheme) -> None:
    """A picture with a frame and without ticks."""
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set(visible=True, color=scheme.faint)


@figure
def half_pixel_drift(scheme: Scheme) -> Figure:
    """A disk after many layers of means: with 2×2 it walks away from the cross, with 3×3 it stays."""
    fig = Figure(figsize=(7, 4.6))
    axes = fig.subplots(2, 4)
    for row, side in zip(axes, (2, 3), strict=True):
        x, kernel = disk(33, radius=5)[None, None], np.full((1, 1, side, side), 1 / side**2)
        for layer in range(13):
            if layer in (0, 4, 8, 12):
                ax = row[layer // 4]
                ax.imshow(x[0, 0], cmap=scheme.intensity, vmin=0, vmax=1, interpolation="nearest")
                for draw in (ax.axvline, ax.axhline):
                    draw(16, color=scheme.orange, linewidth=1.2)
                frame(ax, scheme)
                ax.set_title(f"{layer} layers" if layer else "image")
            x = conv2d(x, kernel, padding="same")
        row[0].set_ylabel(f"{side}×{side}")
    return fig


@figure
def break_even(scheme: Scheme) -> Figure:
    """Multiplications of two 3×3 over those of one 5×5, by the side of the image, for one channel and no padding."""
    sides = list(range(5, 65))
    ratios = [(conv_macs(side, 1, 1, 3) + conv_macs(side - 2, 1, 1, 3)) / conv_macs(side, 1, 1, 5) for side in sides]
    fig = Figure(figsize=(7, 3.2))
    ax = fig.add_subplot()
    ax.axhline(1, color=scheme.ink, linewidth=1)
    ax.axhline(18 / 25, color=scheme.ink, linewidth=1, linestyle=":")
    ax.plot(sides, ratios, color=scheme.blue)
    for side, text, place in ((5, "one output: 90 against 25", (9, 3.3)), (10, "the same at side 10", (14, 1.5))):
        ax.plot(side, ratios[sides.index(side)], "o", color=scheme.orange, clip_on=False)
        ax.annotate(
            text, (side, ratios[sides.index(side)]), xytext=place, color=scheme.orange,
            arrowprops=dict(arrowstyle="-", color=scheme.orange),
        )  # fmt: skip
    ax.text(64, 0.66, "18 / 25, for large images", ha="right", va="top")
    ax.text(64, 1.04, "the same number", ha="right", va="bottom")
    ax.set(xlabel="side of the image", ylabel="two 3×3 / one 5×5", xlim=(4, 64), ylim=(0, 3.9))
    return fig


@figure
def channels_between(scheme: Scheme) -> Figure:
    """Weights of two 3×3 over those of one 5×5, by the channels between, for three pairs of channels in and out."""
    fig = Figure(figsize=(7, 3.2))
    ax = fig.add_subplot()
    ax.axhline(1, color=scheme.ink, linewidth=1)
    between = np.geomspace(1, 256, 100)
    above, below = ((-4, 7), "right"), ((6, -17), "left")  # where the lines leave room
    for (c_in, c_out), color, style, (offset, side) in zip(
        ((3, 64), (64, 64), (64, 256)), scheme.series, ("-", "--", "-."), (above, above, below), strict=False
    ):
        large = conv_parameters(c_in, c_out, 5, bias=False)
        for_each = conv_parameters(c_in, 1, 3, bias=False) + conv_parameters(1, c_out, 3, bias=False)
        ax.plot(between, between * for_each / large, color=color, linestyle=style, label=f"{c_in} in, {c_out} out")
        even = large / for_each
        ax.plot(even, 1, "o", color=color)
        ax.annotate(f"{int(even)}", (even, 1), offset, textcoords="offset points", ha=side, color=color)
    ax.legend(fontsize="small", loc="upper left")
    ax.set_xscale("log", base=2)
    ax.set_xticks([1, 4, 16, 64, 256], ["1", "4", "16", "64", "256"])
    ax.set(xlabel="channels between", ylabel="two 3×3 / one 5×5", xlim=(1, 256), ylim=(0, 3))
    return fig


@figure
def influence_concentrates(scheme: Scheme) -> Figure:
    """Left: influence along the receptive field, by depth. Right: its width, against depth, on logarithmic axes."""
    found = effective_field_of_random_weights()
    fig = Figure(figsize=(7, 3.7))
    left, right = fig.subplots(1, 2, width_ratios=(1, 1.1))
    for depth, line, color, style in zip(
        found["depths"], found["lines"], scheme.series, ("-", "--", "-.", ":"), strict=True
    ):
        place = np.arange(-depth, depth + 1) / depth
        left.plot(place, np.array(line) / max(line), color=color, linestyle=style, label=f"{depth} layers")
    left.set(xlabel="place in the receptive field", ylabel="influence, of the largest", yticks=[0, 0.5, 1])
    left.set_xticks([-1, 0, 1], ["edge", "middle", "edge"])
    left.legend(fontsize="small", loc="upper left", bbox_to_anchor=(-0.03, 1.3), ncols=2, handlelength=1.6,
                columnspacing=0.8)  # fmt: skip
    depths = np.array(found["depths"])
    counts = [np.array(path_counts([Window(3)] * int(n)), float) for n in depths]
    predicted = [np.sqrt((c * (np.arange(len(c)) - len(c) // 2) ** 2).sum() / c.sum()) for c in counts]
    right.plot(depths, np.sqrt(((2 * depths + 1) ** 2 - 1) / 12), color=scheme.ink, linestyle=":", linewidth=1.5)
    right.text(4.8, 17, "if all pixels\ncounted alike", ha="left", va="center")
    right.plot(depths, predicted, color=scheme.blue, linewidth=1.5)
    right.text(43, 2.3, "counting paths", ha="right", va="center", color=scheme.blue)
    for kind, color, mark, text in (("linear", scheme.green, "s", "linear"), ("relu", scheme.orange, "o", "ReLU")):
        for depth, widths in zip(depths, found[kind], strict=True):
            shift = 1.06 if kind == "relu" else 1 / 1.06
            right.plot([depth * shift] * len(widths), widths, mark, color=color, markersize=4,
                       label=text if depth == depths[0] else None)  # fmt: skip
    right.set(xscale="log", yscale="log", xlabel="3×3 layers", ylabel="width, pixels")
    right.set_xticks(depths, [str(n) for n in depths])
    right.set_yticks([2, 5, 10, 20], ["2", "5", "10", "20"])
    right.minorticks_off()
    right.legend(fontsize="small", loc="upper left", bbox_to_anchor=(-0.03, 1.17), ncols=2, handletextpad=0.2,
                 columnspacing=0.8)  # fmt: skip
    return fig


@figure
def influence_before_and_after(scheme: Scheme) -> Figure:
    """What each pixel of the receptive field means to a unit of the fifth layer, before and after training, three seeds."""
    found = effective_field_of_trained_weights()
    fig = Figure(figsize=(7, 4.9))
    for row, moment in zip(fig.subplots(2, 3), ("before", "after"), strict=True):
        for number, ax in enumerate(row):
            values = np.sqrt(np.array(found[f"map_{moment}"][number]))  # squares would leave one dark spot
            ax.imshow(values / values.max(), cmap=scheme.intensity, vmin=0, vmax=1, interpolation="nearest")
            frame(ax, scheme)
            if moment == "before":
                ax.set_title(f"seed {number}")
        row[0].set_ylabel(f"{moment} training")
    return fig


def dots(ax: Axes, values: dict[str, list[float]], colors: tuple[str, ...], names: list[str]) -> None:
    """One dot for each seed, in percent, and a bar at the median."""
    for place, (shares, color) in enumerate(zip(values.values(), colors, strict=True)):
        percent = [100 * share for share in shares]
        spread = np.linspace(-0.15, 0.15, len(percent))
        ax.plot(place + spread, percent, "o", color=color, markersize=5, alpha=0.9)
        ax.plot([place - 0.32, place + 0.32], [np.median(percent)] * 2, color=color, linewidth=2.5)
    ax.set_xticks(range(len(values)), names)
    ax.set(xlim=(-0.6, len(values) - 0.4))


@figure
def errors_by_kernel(scheme: Scheme) -> Figure:
    """Errors on letters of fonts never seen, by kernel: with the same number of channels, and with the same work."""
    found = kernel_size_and_errors()
    fig = Figure(figsize=(7, 3.7))
    axes = fig.subplots(1, 2, sharey=True, width_ratios=(5, 4))
    for ax, key, title in zip(
        axes, ("same_channels", "same_work"), ("same number of channels", "same number of MACs"), strict=True
    ):
        names = [f"{k}×{k}" for k in found[key]]
        dots(ax, found[key], tuple(scheme.orange if k == "3" else scheme.blue for k in found[key]), names)
        ax.set_title(title)
    axes[0].set(ylabel="letters read wrongly, %", ylim=(0, None))
    return fig


@figure
def relu_between_or_not(scheme: Scheme) -> Figure:
    """Errors of one 5×5, of two 3×3, and of two 3×3 with a ReLU between them."""
    found = relu_between()
    fig = Figure(figsize=(7, 3.1))
    ax = fig.add_subplot()
    dots(ax, found, scheme.series[:3], ["one 5×5", "two 3×3", "two 3×3,\nReLU between"])
    ax.set(ylabel="read wrongly, %", ylim=(0, None))
    return fig


@figure
def winograd_speed(scheme: Scheme) -> Figure:
    """How many times faster Winograd's form is than plain patches, by channels, on the machine that draws this."""
    found = winograd_against_patches()
    low, middle, high = np.array(found["quartiles"]).T
    fig = Figure(figsize=(7, 3.1))
    ax = fig.add_subplot()
    ax.axhline(2.25, color=scheme.ink, linestyle=":")
    ax.text(-0.4, 2.3, "fewer multiplications: 2.25 times", va="bottom")
    ax.axhline(1, color=scheme.ink, linewidth=1)
    ax.text(-0.4, 1.05, "as fast as patches", va="bottom")  # where the marks lie lowest
    places = range(len(middle))
    ax.errorbar(places, middle, (middle - low, high - middle), fmt="o", color=scheme.blue, capsize=4)
    ax.set_xticks(places, [str(n) for n in found["channels"]])
    ax.set(xlabel="channels in and out", ylabel="times faster", xlim=(-0.5, len(middle) - 0.5), ylim=(0, 2.7))
    return fig


@figure
def kernels_of_resnet_50(scheme: Scheme) -> Figure:
    """Multiplications of each convolution of ResNet-50, in their order, by the size of its kernel."""
    layers = resnet_50_convolutions()
    fig = Figure(figsize=(7, 3.3))
    ax = fig.add_subplot()
    for kernel, color, hatch in ((1, scheme.blue, ""), (3, scheme.orange, "///"), (7, scheme.green, "...")):
        places = [place for place, layer in enumerate(layers) if layer.kernel == kernel]
        ax.bar(places, [layers[place].macs / 1e6 for place in places], color=color, hatch=hatch, width=0.8,
               edgecolor=scheme.ground, linewidth=0, label=f"{kernel}×{kernel}: {len(places)}")  # fmt: skip
    ax.set(
        xlabel="convolutions, first to last", ylabel="million MACs", xlim=(-1, len(layers)), xticks=[], ylim=(0, 150)
    )
    ax.legend(ncols=3, loc="upper center")
    return fig
