"""Figures of the chapter on question 3: from 199×199 to 1×1."""

from itertools import pairwise

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Polygon, Rectangle

from cnnguide.figures.registry import figure
from cnnguide.figures.style import Scheme
from cnnguide.networks import network
from cnnguide.receptive_field import Window, path_counts, trace
from cnnguide.shapes import conv_chain, conv_output_size


@figure
def chain_of_sizes(scheme: Scheme) -> Figure:
    """Every eleventh feature map of the chain, drawn to scale."""
    sizes = conv_chain(199)
    fig = Figure(figsize=(7, 1.9))
    ax = fig.add_subplot()
    left = 0.0
    for step in range(0, len(sizes), 11):
        size = sizes[step]
        ax.add_patch(Rectangle((left, -size / 2), size, size, facecolor=scheme.blue, alpha=0.25, linewidth=0))
        ax.add_patch(Rectangle((left, -size / 2), size, size, fill=False, edgecolor=scheme.blue, linewidth=1.5))
        ax.text(left + size / 2, 112, f"{size}", ha="center", va="bottom")
        ax.text(left + size / 2, -112, f"{step}", ha="center", va="top", color=scheme.orange)
        left += size + 76
    ax.text(-130, 165, "side", ha="left", va="bottom")
    ax.text(-130, -165, "convolutions so far", ha="left", va="top", color=scheme.orange)
    ax.set(xlim=(-150, left - 10), ylim=(-200, 200), aspect="equal")
    ax.axis("off")
    return fig


@figure
def posts_and_gaps(scheme: Scheme) -> Figure:
    """The chain from 9 as a fence: sizes are the posts, convolutions the gaps between them."""
    sizes = conv_chain(9)
    fig = Figure(figsize=(7, 2.4))
    ax = fig.add_subplot()
    for post, size in enumerate(sizes):
        ax.add_patch(Rectangle((post - 0.09, 0), 0.18, 1.25, facecolor=scheme.blue, linewidth=0))
        ax.text(post, 1.4, f"{size}×{size}", ha="center", va="bottom")
        ax.text(post, -0.12, f"size {post + 1}", ha="center", va="top", color=scheme.blue)
    for gap in range(len(sizes) - 1):
        arrow = FancyArrowPatch((gap + 0.14, 0.7), (gap + 0.86, 0.7), arrowstyle="-|>", mutation_scale=16)
        arrow.set(color=scheme.orange, linewidth=2)
        ax.add_patch(arrow)
        ax.text(gap + 0.5, 0.82, f"conv {gap + 1}", ha="center", va="bottom", color=scheme.orange)
    ax.set(xlim=(-0.5, len(sizes) - 0.5), ylim=(-0.45, 1.9))
    ax.axis("off")
    return fig


@figure
def map_and_field(scheme: Scheme) -> Figure:
    """Five moments of the chain: what one value sees of the image, above the map that is left."""
    rows = trace([Window(3)] * 99, size=199)
    moments = (0, 25, 50, 75, 99)
    fig = Figure(figsize=(7, 3.6))
    ax = fig.add_subplot()
    for place, step in enumerate(moments):
        row, left = rows[step], 240.0 * place
        for bottom, side, outline, color in (
            (250, row.receptive_field, scheme.ink, scheme.orange),
            (0, row.size, scheme.faint, scheme.blue),
        ):
            corner = (199 - side) / 2
            ax.add_patch(Rectangle((left, bottom), 199, 199, fill=False, edgecolor=outline))
            ax.add_patch(
                Rectangle(
                    (left + corner, bottom + corner),
                    side,
                    side,
                    facecolor=color,
                    edgecolor=color,
                    alpha=0.3 if side > 3 else 1,
                )
            )
        ax.text(left + 99.5, 470, f"sees {row.receptive_field}", ha="center", color=scheme.orange)
        ax.text(left + 99.5, 220, f"map {row.size}", ha="center", color=scheme.blue)
        ax.text(left + 99.5, -40, f"conv {step}" if step else "before", ha="center", va="center")
    ax.set(xlim=(-10, 1170), ylim=(-60, 500), aspect="equal")
    ax.axis("off")
    return fig


@figure
def kernel_positions(scheme: Scheme) -> Figure:
    """All positions of a kernel over a row of seven pixels, for four settings."""
    settings = [
        ("a kernel of 3", Window(3)),
        ("with padding 1", Window(3, padding=1)),
        ("with stride 2", Window(3, stride=2)),
        ("with dilation 2", Window(3, dilation=2)),
    ]
    size = 7
    deep, shallow = -4.6, -2.4  # room for seven positions, and for three
    fig = Figure(figsize=(7, 4.3))
    axes = fig.subplots(2, 2, height_ratios=(1.2 - deep, 1.2 - shallow)).flat
    for ax, (title, window), bottom in zip(axes, settings, (deep, deep, shallow, shallow), strict=True):
        padding = int(window.padding)  # type: ignore[arg-type]
        outputs = conv_output_size(size, window.kernel, window.stride, padding, window.dilation)
        for pixel in range(-padding, size + padding):
            inside = 0 <= pixel < size
            ax.add_patch(
                Rectangle(
                    (pixel, 0), 1, 1, facecolor=scheme.blue if inside else "none", alpha=0.3 if inside else 1,
                    edgecolor="none" if inside else scheme.ink, linestyle=":",
                )
            )  # fmt: skip
            if inside:
                ax.add_patch(Rectangle((pixel, 0), 1, 1, fill=False, edgecolor=scheme.ink, linewidth=0.8))
        for output in range(outputs):
            first = output * window.stride - padding
            y = -0.55 - 0.55 * output
            ax.plot([first + 0.5, first + window.span - 0.5], [y, y], color=scheme.orange, linewidth=1.5)
            for tap in range(window.kernel):
                ax.plot(first + tap * window.dilation + 0.5, y, "s", color=scheme.orange, markersize=8)
        ax.set_title(f"{title}: {outputs} positions")
        ax.set(xlim=(-1.3, size + 1.3), ylim=(bottom, 1.2), aspect="equal")
        ax.axis("off")
    return fig


@figure
def growing_field(scheme: Scheme) -> Figure:
    """Along the chain the map shrinks while the receptive field grows."""
    sizes = conv_chain(199)
    steps = range(len(sizes))
    fields = [row.receptive_field for row in trace([Window(3)] * (len(sizes) - 1), size=199)]
    fig = Figure(figsize=(7, 3.4))
    ax = fig.add_subplot()
    ax.plot(steps, sizes, color=scheme.blue)
    ax.plot(steps, fields, color=scheme.orange, linestyle="--")
    ax.text(20, sizes[20] + 8, "side of the feature map", color=scheme.blue)
    ax.text(20, fields[20] - 22, "side of the receptive field", color=scheme.orange)
    ax.set(xlabel="3×3 convolutions so far", ylabel="pixels", xlim=(0, 99), ylim=(0, 210))
    return fig


@figure
def last_pixel_weight(scheme: Scheme) -> Figure:
    """How much each of the 199×199 pixels weighs in the last one, with equal weights, and what encloses the most."""
    counts = path_counts([Window(3)] * 99)
    row = np.array([count / max(counts) for count in counts])
    weight = np.outer(row, row)
    fig = Figure(figsize=(7, 3.4), layout="compressed")
    left, right = fig.subplots(1, 2)
    left.imshow(weight, cmap=scheme.intensity, vmin=0, vmax=1, interpolation="nearest")
    left.set_title("weight of every pixel")
    left.set(xticks=[0, 99, 198], yticks=[0, 99, 198])
    left.tick_params(length=0)
    for spine in left.spines.values():
        spine.set(visible=True, color=scheme.ink)
    ordered = np.sort(weight.ravel())[::-1].cumsum() / weight.sum()
    share = np.arange(1, ordered.size + 1) / ordered.size
    right.plot(100 * share, 100 * ordered, color=scheme.blue)
    right.plot([0, 100], [0, 100], color=scheme.faint, linestyle=":")
    at = int(np.searchsorted(ordered, 0.95))
    right.plot(100 * share[at], 95, "o", color=scheme.orange)
    right.annotate(
        f"95 % of the weight in\n{100 * share[at]:.1f} % of the pixels",
        (100 * share[at], 95), xytext=(16, 66), color=scheme.orange, arrowprops=dict(arrowstyle="-", color=scheme.orange),
    )  # fmt: skip
    right.text(56, 40, "if all weighed\nthe same", color=scheme.ink, fontsize="small")
    right.set(xlabel="heaviest pixels, % of all", ylabel="share of the weight, %", xlim=(0, 100), ylim=(0, 102))
    return fig


@figure
def ways_to_one(scheme: Scheme) -> Figure:
    """The side of the feature map, step by step, for four ways from 199 to 1."""
    pairs: list[int] = [199]
    while pairs[-1] > 2:
        pairs.append(conv_output_size(pairs[-1], 3))
        pairs.append(conv_output_size(pairs[-1], 2, stride=2))
    resnet = [row.size for row in network("resnet_50").rows(199)]
    ways = [
        ("3×3 only", conv_chain(199), scheme.blue, "-"),
        ("3×3, then pooling 2×2", pairs, scheme.orange, "-"),
        ("3×3 with stride 2", conv_chain(199, stride=2, padding=1), scheme.green, "-"),
        ("ResNet-50, then average", [*dict.fromkeys(resnet), 1], scheme.purple, "--"),
    ]
    fig = Figure(figsize=(7, 3.6))
    ax = fig.add_subplot()
    for (label, sizes, color, line), marker in zip(ways, "ossd", strict=True):
        many = len(sizes) > 20
        ax.plot(sizes, color=color, linestyle=line, marker=None if many else marker, markersize=5, label=label)
    ax.set(
        xlabel="layers that change the size",
        ylabel="side of the feature map",
        xscale="symlog",
        yscale="log",
        xlim=(0, 110),
    )
    ax.set_xticks([0, 1, 2, 5, 10, 20, 50, 99], ["0", "1", "2", "5", "10", "20", "50", "99"])
    ax.set_yticks([1, 2, 5, 10, 20, 50, 100, 199], ["1", "2", "5", "10", "20", "50", "100", "199"])
    ax.minorticks_off()
    ax.legend(fontsize="small", loc="lower left")
    return fig


@figure
def cells_that_one_sees(scheme: Scheme) -> Figure:
    """A small network along one axis: a row of cells for each layer, and those that one cell of the last layer sees."""
    layers = [
        Window(3, name="conv1"), Window(3, name="conv2"), Window(2, stride=2, name="pool1"),
        Window(3, name="conv3"), Window(3, name="conv4"),
    ]  # fmt: skip
    rows = trace(layers, 24)
    fig = Figure(figsize=(7, 2.9))
    ax = fig.add_subplot()
    low = high = 2  # the chosen cell; then, row by row upwards, the first and the last that it sees
    edges = []
    for depth in reversed(range(len(rows))):
        row = rows[depth]
        for cell in range(row.size):
            left = row.start + (cell - 0.5) * row.jump
            seen = low <= cell <= high
            ax.add_patch(
                Rectangle(
                    (left, -depth - 0.35), row.jump, 0.7, facecolor=scheme.orange if seen else (*to_rgb(scheme.blue), 0.2),
                    edgecolor=scheme.ground, linewidth=1.5,
                )
            )  # fmt: skip
        edges.append((row.start + (low - 0.5) * row.jump, row.start + (high + 0.5) * row.jump, -depth))
        ax.text(-1, -depth, row.name, ha="right", va="center")
        ax.text(
            24.2, -depth, f"{row.size} cells, each sees {row.receptive_field}", ha="left", va="center", fontsize="small"
        )
        if depth:
            layer = layers[depth - 1]
            low, high = low * layer.stride, high * layer.stride + layer.span - 1
    for (left, right, y), (wider_left, wider_right, above) in pairwise(edges):
        corners = [(left, y + 0.35), (right, y + 0.35), (wider_right, above - 0.35), (wider_left, above - 0.35)]
        ax.add_patch(Polygon(corners, facecolor=(*to_rgb(scheme.orange), 0.25), linewidth=0))
    ax.set(xlim=(-4, 34), ylim=(-len(rows) + 0.4, 0.5))
    ax.axis("off")
    return fig
