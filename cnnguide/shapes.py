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

    Parameters
    ----------
    size : int
        Length of the input, in pixels.
    kernel : int
        Length of the kernel, in pixels.
    stride : int, default 1
        Pixels from one place of the kernel to the next. A stride below 1, as of transposed convolutions and upsampling, is
        not supported.
    padding : int or (int, int), default 0
        Pixels added on each side, or (before, after).
    dilation : int, default 1
        Pixels from one entry of the kernel to the next.

    Returns
    -------
    int
        Length of the output, in pixels.

    Raises
    ------
    TypeError
        If a number is not whole.
    ValueError
        If a number is too small or the kernel does not fit.

    Notes
    -----
    floor((size + before + after - dilation * (kernel - 1) - 1) / stride) + 1, where before and after are the padding on the
    two sides.

    References
    ----------
    V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning" (2016),
    relationship 15; the documentation of PyTorch's Conv2d has the same formula.

    Examples
    --------
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
    """Sizes that come up when the same convolution is applied again and again, from the first to the last.

    Parameters
    ----------
    size : int
        Length of the first input, in pixels.
    kernel : int, default 3
        Length of the kernel, in pixels.
    stride : int, default 1
        Pixels from one place of the kernel to the next. A stride below 1, as of transposed convolutions and upsampling, is
        not supported.
    padding : int or (int, int), default 0
        Pixels added on each side, or (before, after).
    dilation : int, default 1
        Pixels from one entry of the kernel to the next.

    Returns
    -------
    list of int
        The sizes, in pixels, with `size` itself in front: n sizes are joined by n - 1 convolutions, as n fence posts are
        joined by n - 1 rails.

    Raises
    ------
    TypeError
        If a number is not whole.
    ValueError
        If a number is too small, or the chain would never end, because the size stops shrinking above 1.

    Notes
    -----
    sizes[i + 1] = conv_output_size(sizes[i], ...), until the size is 1 or the kernel no longer fits.

    References
    ----------
    V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning" (2016),
    relationship 1 for repeated 3x3 without padding, 15 in general.

    Examples
    --------
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

    Parameters
    ----------
    sizes : sequence of int
        Sizes in pixels, at least one.

    Returns
    -------
    str
        One line: NxN for each size, and " > " between two.

    Raises
    ------
    TypeError
        If a size is not a whole number.
    ValueError
        If there are no sizes, or one is below 1.

    References
    ----------
    The notation of the assignment that this guide grew from.

    Examples
    --------
    >>> format_chain([5, 3, 1])
    '5x5 > 3x3 > 1x1'
    """
    sizes = list(sizes)
    if not sizes:
        raise ValueError("sizes is empty: a chain has at least its start, for example [199]")
    return " > ".join(f"{size}x{size}" for size in (check_int("size", size, 1) for size in sizes))


def conv_parameters(in_channels: int, out_channels: int, kernel: Pair, groups: int = 1, bias: bool = True) -> int:
    """Number of weights and biases that one convolution learns.

    Parameters
    ----------
    in_channels : int
        Number of channels of the input.
    out_channels : int
        Number of channels of the output, each with a kernel of its own.
    kernel : int or (int, int)
        Size of the kernels in pixels: one number for a square, or (height, width).
    groups : int, default 1
        Number of groups that the channels are divided into; it must divide both numbers of channels.
    bias : bool, default True
        Whether there is a bias for each output channel.

    Returns
    -------
    int
        The number of weights, (out_channels, in_channels / groups, height, width), and of biases.

    Raises
    ------
    TypeError
        If a number is not whole.
    ValueError
        If `groups` does not divide both numbers of channels, or a number is too small.

    Notes
    -----
    out_channels * (in_channels / groups) * height * width, and out_channels biases on top.

    References
    ----------
    Documentation of PyTorch's Conv2d, section "Variables".

    Examples
    --------
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

    Parameters
    ----------
    size : int or (int, int)
        Size of the image in pixels: one number for both axes, or (height, width).
    in_channels : int
        Number of channels of the input.
    out_channels : int
        Number of channels of the output, each with a kernel of its own.
    kernel : int or (int, int)
        Size of the kernels in pixels: one number for a square, or (height, width).
    stride : int or (int, int), default 1
        Pixels from one place of the kernel to the next.
    padding : int, (int, int) or ((int, int), (int, int)), default 0
        Pixels added around the image: everywhere, (height, width), or ((top, bottom), (left, right)).
    dilation : int or (int, int), default 1
        Pixels from one entry of the kernel to the next.
    groups : int, default 1
        Number of groups that the channels are divided into.

    Returns
    -------
    int
        The number of multiplications.

    Raises
    ------
    TypeError
        If a number is not whole.
    ValueError
        If a number is too small, the kernel does not fit, or `groups` does not divide both numbers of channels.

    Notes
    -----
    out_height * out_width * (number of weights): one product for each weight at each position of the output. Each is
    followed by an addition, so one speaks of multiply-accumulates (MACs); 1 MAC is counted as 2 FLOPs elsewhere.

    Examples
    --------
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
