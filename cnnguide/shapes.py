"""Sizes and costs of convolutions: integers in, integers out, no NumPy.

With this module, one can
- say how large a feature map comes out of one convolution (`conv_output_size`) or pooling (`pool_output_size`),
- follow the size through the same convolution again and again (`conv_chain`, `format_chain`),
- count what a convolution stores (`conv_parameters`) and what it computes (`conv_macs`).

Conventions are PyTorch's: padding is given per side, dilation 1 is an ordinary kernel, and a stride that does not
divide evenly drops the remainder (floors).
"""

import math

from cnnguide._checks import check_axis_padding, check_int, check_int_pair, check_pair, check_stride

__all__ = ["conv_chain", "conv_macs", "conv_output_size", "conv_parameters", "format_chain", "pool_output_size"]

AxisPadding = int | tuple[int, int]
"""Padding of one axis: the same on both sides, or (before, after)."""

Pair = int | tuple[int, int]
"""A quantity of an image: the same on both axes, or (height, width)."""

ImagePadding = int | tuple[AxisPadding, AxisPadding]
"""Padding of an image: the same everywhere, (height, width), or ((top, bottom), (left, right))."""


# --8<-- [start:conv_output_size]
def conv_output_size(size: int, kernel: int, stride: int = 1, padding: AxisPadding = 0, dilation: int = 1) -> int:
    """Number of positions that a kernel can take along one axis: the size of the output.

    Formula: floor((size + before + after - dilation * (kernel - 1) - 1) / stride) + 1, where before and after are the
    padding on the two sides.

    Shapes: all arguments are lengths along one axis, in pixels; `padding` is per side, or (before, after).

    Raises TypeError where a number is not whole, ValueError where one is too small or the kernel does not fit.

    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), relationship 15; the
    same formula stands in the documentation of PyTorch's Conv2d.

    >>> conv_output_size(199, kernel=3)             # three pixels must fit: the centre stays 1 away from each end
    197
    >>> conv_output_size(224, kernel=7, stride=2, padding=3)
    112
    """
    size = check_int("size", size, 1)
    kernel = check_int("kernel", kernel, 1)
    stride = check_stride(stride)
    dilation = check_int("dilation", dilation, 1)
    before, after = check_axis_padding(padding)
    span = dilation * (kernel - 1) + 1
    padded = size + before + after
    if span > padded:
        raise ValueError(_does_not_fit(size, kernel, (before, after), dilation))
    return (padded - span) // stride + 1


# --8<-- [end:conv_output_size]


def pool_output_size(
    size: int,
    kernel: int,
    stride: int | None = None,
    padding: AxisPadding = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    """Number of windows that a pooling takes along one axis: the size of the output.

    Parameters
    ----------
    size : int
        Length of the input, in pixels.
    kernel : int
        Length of the window, in pixels.
    stride : int, optional
        Pixels from one window to the next; the length of the window if not given.
    padding : int or (int, int), default 0
        Pixels added on each side, or (before, after).
    dilation : int, default 1
        Pixels from one entry of the window to the next.
    ceil_mode : bool, default False
        Whether a last window may hang over the end, provided that it begins in the input or in the padding before it.

    Returns
    -------
    int
        The number of windows.

    Raises
    ------
    TypeError
        Where a number is not whole.
    ValueError
        Where a number is too small or the window does not fit.

    See Also
    --------
    conv_output_size : The same without `ceil_mode`, for convolutions.

    Notes
    -----
    The quotient (size + before + after - dilation * (kernel - 1) - 1) / stride, rounded down (or up, with
    `ceil_mode`), plus 1. With `ceil_mode`, windows that would begin in the padding after the input, or beyond it, are not
    counted.

    References
    ----------
    Documentation of PyTorch's MaxPool2d and AvgPool2d.

    Examples
    --------
    >>> pool_output_size(110, kernel=3, stride=2), pool_output_size(110, kernel=3, stride=2, ceil_mode=True)
    (54, 55)
    """
    size, kernel = check_int("size", size, 1), check_int("kernel", kernel, 1)
    stride = kernel if stride is None else check_stride(stride)
    before, after = check_axis_padding(padding)
    steps = -(-(size + before + after - check_int("dilation", dilation, 1) * (kernel - 1) - 1) // stride)  # rounded up
    if not ceil_mode or steps < 0:
        return conv_output_size(size, kernel, stride, padding, dilation)
    beginning_in_time = -(-(size + before) // stride)
    return min(steps + 1, beginning_in_time)


def _does_not_fit(size: int, kernel: int, padding: tuple[int, int], dilation: int) -> str:
    span = dilation * (kernel - 1) + 1
    padded = size + sum(padding)
    missing = span - padded
    remedies = [f"a kernel of at most {(padded - 1) // dilation + 1}"]
    if dilation > 1 and padded >= kernel:
        remedies.append(f"a dilation of at most {(padded - 1) // (kernel - 1)}")
    remedies += [f"{missing} more of padding in all", f"an input of at least {size + missing}"]
    return (
        f"kernel {kernel} with dilation {dilation} spans {span} pixels, but size {size} with padding "
        f"{padding[0]} + {padding[1]} has only {padded}; what would fit: {', '.join(remedies)}"
    )


# --8<-- [start:conv_chain]
def conv_chain(size: int, kernel: int = 3, stride: int = 1, padding: AxisPadding = 0, dilation: int = 1) -> list[int]:
    """Sizes met when the same convolution is applied again and again: the start first, the last size last.

    Formula: sizes[i + 1] = conv_output_size(sizes[i], ...), until the size is 1 or the kernel no longer fits.

    Shapes: n sizes are joined by n - 1 convolutions, as n fence posts are joined by n - 1 rails.

    Raises ValueError where the chain would never end, because the size stops shrinking above 1.

    Source: Dumoulin and Visin (2016), relationship 1 for repeated 3x3 without padding, 15 in general.

    >>> conv_chain(9)
    [9, 7, 5, 3, 1]
    >>> conv_chain(8)                               # an even size ends at 2: a 3 no longer fits
    [8, 6, 4, 2]
    """
    sizes = [check_int("size", size, 1)]
    stride = check_stride(stride)
    span = check_int("dilation", dilation, 1) * (check_int("kernel", kernel, 1) - 1) + 1
    total_padding = sum(check_axis_padding(padding))
    while sizes[-1] > 1 and span <= sizes[-1] + total_padding:
        following = conv_output_size(sizes[-1], kernel, stride, padding, dilation)
        if following >= sizes[-1]:
            raise ValueError(
                f"the chain never ends: kernel {kernel}, stride {stride}, padding {padding}, dilation {dilation} turn "
                f"size {sizes[-1]} into {following}; use less padding, a larger kernel or a larger stride"
            )
        sizes.append(following)
    return sizes


# --8<-- [end:conv_chain]


def format_chain(sizes: list[int]) -> str:
    """Write square sizes as a chain of arrows.

    Formula: "NxN" for each size, joined by " > "; n sizes give n - 1 arrows.

    Raises ValueError for an empty chain.

    Source: the notation of the assignment that this guide grew from.

    Shapes: `sizes` is any sequence of whole numbers; returns one line of text.

    >>> format_chain([5, 3, 1])
    '5x5 > 3x3 > 1x1'
    """
    sizes = list(sizes)
    if not sizes:
        raise ValueError("sizes is empty: a chain has at least its start, for example [199]")
    return " > ".join(f"{size}x{size}" for size in (check_int("size", size, 1) for size in sizes))


def conv_parameters(in_channels: int, out_channels: int, kernel: Pair, groups: int = 1, bias: bool = True) -> int:
    """Number of weights and biases that one convolution learns.

    Formula: out_channels * (in_channels / groups) * height * width, and out_channels biases on top.

    Shapes: the weights are (out_channels, in_channels / groups, height, width); `kernel` is one number for a square, or
    (height, width).

    Raises TypeError where a number is not whole, ValueError where groups does not divide both numbers of channels.

    Source: documentation of PyTorch's Conv2d, section "Variables".

    >>> conv_parameters(3, 64, kernel=7, bias=False)    # 64 kernels of 3 * 7 * 7 = 147 weights each
    9408
    """
    in_channels, out_channels, groups = _channels(in_channels, out_channels, groups)
    height, width = check_int_pair("kernel", kernel, 1)
    weights = out_channels * (in_channels // groups) * height * width
    return weights + (out_channels if bias else 0)


def conv_macs(
    size: Pair,
    in_channels: int,
    out_channels: int,
    kernel: Pair,
    stride: Pair = 1,
    padding: ImagePadding = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> int:
    """Number of multiplications that one convolution makes for one image.

    Formula: out_height * out_width * (number of weights). Each is followed by an addition, so one speaks of
    multiply-accumulates (MACs); 1 MAC is counted as 2 FLOPs elsewhere.

    Shapes: `size`, `kernel`, `stride`, `dilation` are one number for both axes, or (height, width); `padding` is one
    number, (height, width), or ((top, bottom), (left, right)).

    Raises as `conv_output_size` and `conv_parameters` do.

    Source: the definition: one product for each weight at each position of the output.

    >>> conv_macs(5, 1, 1, kernel=5)                    # a 5x5 kernel on a 5x5 image has one position
    25
    >>> conv_macs(5, 1, 1, kernel=3) + conv_macs(3, 1, 1, kernel=3)     # 9 positions, then 1, of 9 products
    90
    """
    axes = zip(
        check_pair("size", size),
        check_pair("kernel", kernel),
        check_pair("stride", stride),
        check_pair("padding", padding),
        check_pair("dilation", dilation),
        strict=True,
    )
    out_height, out_width = (conv_output_size(*axis) for axis in axes)  # type: ignore[arg-type]
    return out_height * out_width * conv_parameters(in_channels, out_channels, kernel, groups, bias=False)


def _channels(in_channels: int, out_channels: int, groups: int) -> tuple[int, int, int]:
    in_channels = check_int("in_channels", in_channels, 1)
    out_channels = check_int("out_channels", out_channels, 1)
    groups = check_int("groups", groups, 1)
    if in_channels % groups or out_channels % groups:
        largest = math.gcd(in_channels, out_channels)
        common = [n for n in range(1, min(largest, 99) + 1) if largest % n == 0]
        raise ValueError(
            f"groups {groups} must divide in_channels {in_channels} and out_channels {out_channels}; "
            f"what would fit: {', '.join(map(str, common))}"
        )
    return in_channels, out_channels, groups
