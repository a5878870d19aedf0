"""Summaries of neighbourhoods: the largest value, the mean, or the mean of the whole map, each with its gradient below it.

With this module, one can shrink feature maps (`max_pool2d`, `avg_pool2d`, `global_avg_pool2d`). Images are (N, C, H, W);
each channel is pooled by itself. Where nothing else is said, stride equals the kernel: windows side by side.
"""

from dataclasses import dataclass

import numpy as np

from cnnguide._arrays import mask_gradient
from cnnguide._checks import check_gradient, check_image_padding, check_int_pair, check_nchw, check_stride_pair
from cnnguide.shapes import ImagePadding, Pair, pool_output_size

__all__ = [
    "avg_pool2d",
    "avg_pool2d_backward",
    "global_avg_pool2d",
    "global_avg_pool2d_backward",
    "max_pool2d",
    "max_pool2d_backward",
]


def max_pool2d(
    x: np.ndarray,
    kernel: Pair,
    stride: Pair | None = None,
    padding: ImagePadding | str = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
) -> np.ndarray:
    """Keep the largest value of each window.

    Parameters
    ----------
    x : ndarray
        Images, (N, C, H, W).
    kernel : int or (int, int)
        Size of the window in pixels; one number for both axes, or (height, width).
    stride : int or (int, int), optional
        Pixels from one window to the next; the size of the window if not given.
    padding : int, (int, int), ((int, int), (int, int)), "same" or "valid", default 0
        Pixels added around the image: everywhere, (height, width), ((top, bottom), (left, right)), none ("valid"), or,
        for stride 1, as many as keep the size ("same", what is odd goes to the end).
    dilation : int or (int, int), default 1
        Pixels from one entry of the window to the next.
    ceil_mode : bool, default False
        Whether a last window may hang over the end, provided that it begins in the image or in the padding before it.

    Returns
    -------
    ndarray
        (N, C, H', W') with H', W' as `pool_output_size` gives them, of the type of x: float32 or float64.

    Raises
    ------
    TypeError
        If x holds other than real numbers, or a setting is not a whole number.
    ValueError
        If x is not a batch of images, a window does not fit, or a window could lie in the padding alone: numbers of
        padding are at most half a kernel.

    Notes
    -----
    out[n, c, i, j] = max over u, v of x[n, c, i * stride + u * dilation - padding, ...]; padding never wins. A window with
    NaN gives NaN.

    References
    ----------
    Documentation of PyTorch's MaxPool2d.

    Examples
    --------
    >>> x = np.array([[[[1.0, 2.0, 5.0, 6.0], [3.0, 4.0, 8.0, 7.0]]]])
    >>> max_pool2d(x, 2).tolist()
    [[[[4.0, 8.0]]]]
    >>> max_pool2d(x, (1, 2), stride=1, padding="same").tolist()        # one pixel is added at the right
    [[[[2.0, 5.0, 6.0, 6.0], [4.0, 8.0, 8.0, 7.0]]]]
    """
    x = _image(x)
    windows = _Windows.of(x, kernel, stride, padding, dilation, ceil_mode)
    padded = windows.pad(x, -np.inf)
    first, *others = windows.taps()
    out = padded[first].copy()
    for tap in others:
        np.maximum(out, padded[tap], out=out)
    return out


def max_pool2d_backward(
    grad: np.ndarray,
    x: np.ndarray,
    kernel: Pair,
    stride: Pair | None = None,
    padding: ImagePadding | str = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
) -> np.ndarray:
    """Give the gradient of each window to its largest value: to the first one, where several are equally large.

    Parameters
    ----------
    grad : ndarray
        Gradient for the output, of its shape (N, C, H', W').
    x : ndarray
        The images that the pooling was given, (N, C, H, W).
    kernel : int or (int, int)
        Size of the window in pixels; one number for both axes, or (height, width).
    stride : int or (int, int), optional
        Pixels from one window to the next; the size of the window if not given.
    padding : int, (int, int), ((int, int), (int, int)), "same" or "valid", default 0
        Pixels added around the image: everywhere, (height, width), ((top, bottom), (left, right)), none ("valid"), or,
        for stride 1, as many as keep the size ("same", what is odd goes to the end).
    dilation : int or (int, int), default 1
        Pixels from one entry of the window to the next.
    ceil_mode : bool, default False
        Whether a last window may hang over the end, provided that it begins in the image or in the padding before it.

    Returns
    -------
    ndarray
        Gradient for x, of its shape.

    Raises
    ------
    TypeError
        If x holds other than real numbers, or a setting is not a whole number.
    ValueError
        If x is not a batch of images, a window does not fit, or a window could lie in the padding alone: numbers of
        padding are at most half a kernel.
        Also if grad does not have the shape of the output.

    Notes
    -----
    Each pixel collects grad of the windows that it won. "The first wins" is the rule of PyTorch's MaxPool2d. NaN counts as
    the largest of all; of several, the first wins here, too, and in PyTorch the last.

    References
    ----------
    Documentation and behaviour of PyTorch's MaxPool2d.

    Examples
    --------
    >>> x = np.array([[[[1.0, 4.0], [4.0, 2.0]]]])
    >>> max_pool2d_backward(np.array([[[[5.0]]]]), x, 2).tolist()
    [[[[0.0, 5.0], [0.0, 0.0]]]]
    """
    x = _image(x)
    windows = _Windows.of(x, kernel, stride, padding, dilation, ceil_mode)
    grad = check_gradient(grad, windows.out_shape)
    padded = windows.pad(x, -np.inf)
    a_pixel = windows.pad(np.ones((1, 1, *x.shape[2:]), bool), False)  # padding never wins, not even against -inf
    largest = max_pool2d(x, kernel, stride, padding, dilation, ceil_mode)
    dpadded = np.zeros_like(padded)
    waiting = np.ones(grad.shape, bool)
    for tap in windows.taps():
        value = padded[tap]
        won = waiting & a_pixel[tap] & ((value == largest) | (value != value))  # NaN is the largest of all
        dpadded[tap] += mask_gradient(won, grad)
        waiting &= ~won
    return windows.crop(dpadded)


def avg_pool2d(
    x: np.ndarray,
    kernel: Pair,
    stride: Pair | None = None,
    padding: ImagePadding | str = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> np.ndarray:
    """Take the mean of each window.

    Parameters
    ----------
    x : ndarray
        Images, (N, C, H, W).
    kernel : int or (int, int)
        Size of the window in pixels; one number for both axes, or (height, width).
    stride : int or (int, int), optional
        Pixels from one window to the next; the size of the window if not given.
    padding : int, (int, int), ((int, int), (int, int)), "same" or "valid", default 0
        Pixels added around the image: everywhere, (height, width), ((top, bottom), (left, right)), none ("valid"), or,
        for stride 1, as many as keep the size ("same", what is odd goes to the end).
    ceil_mode : bool, default False
        Whether a last window may hang over the end, provided that it begins in the image or in the padding before it.
    count_include_pad : bool, default True
        Whether the pixels of the padding count in the mean, as zeros.

    Returns
    -------
    ndarray
        (N, C, H', W') with H', W' as `pool_output_size` gives them, of the type of x: float32 or float64.

    Raises
    ------
    TypeError
        If x holds other than real numbers, or a setting is not a whole number.
    ValueError
        If x is not a batch of images, a window does not fit, or a window could lie in the padding alone: numbers of
        padding are at most half a kernel.

    Notes
    -----
    The sum of the window, divided by the number of pixels: those of the padding count unless
    `count_include_pad` is False; those beyond it, where a window of `ceil_mode` hangs over, never do.

    References
    ----------
    Documentation of PyTorch's AvgPool2d.

    Examples
    --------
    >>> avg_pool2d(np.array([[[[1.0, 2.0, 5.0, 6.0], [3.0, 4.0, 8.0, 7.0]]]]), 2).tolist()
    [[[[2.5, 6.5]]]]
    """
    x = _image(x)
    windows = _Windows.of(x, kernel, stride, padding, 1, ceil_mode)
    padded = windows.pad(x, 0)
    out = np.zeros(windows.out_shape, padded.dtype)
    for tap in windows.taps():
        out += padded[tap]
    return out / windows.counts(padded.dtype, count_include_pad)


def avg_pool2d_backward(
    grad: np.ndarray,
    x: np.ndarray,
    kernel: Pair,
    stride: Pair | None = None,
    padding: ImagePadding | str = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> np.ndarray:
    """Share the gradient of each window equally among its pixels.

    Parameters
    ----------
    grad : ndarray
        Gradient for the output, of its shape (N, C, H', W').
    x : ndarray
        The images that the pooling was given, (N, C, H, W).
    kernel : int or (int, int)
        Size of the window in pixels; one number for both axes, or (height, width).
    stride : int or (int, int), optional
        Pixels from one window to the next; the size of the window if not given.
    padding : int, (int, int), ((int, int), (int, int)), "same" or "valid", default 0
        Pixels added around the image: everywhere, (height, width), ((top, bottom), (left, right)), none ("valid"), or,
        for stride 1, as many as keep the size ("same", what is odd goes to the end).
    ceil_mode : bool, default False
        Whether a last window may hang over the end, provided that it begins in the image or in the padding before it.
    count_include_pad : bool, default True
        Whether the pixels of the padding count in the mean, as zeros.

    Returns
    -------
    ndarray
        Gradient for x, of its shape.

    Raises
    ------
    TypeError
        If x holds other than real numbers, or a setting is not a whole number.
    ValueError
        If x is not a batch of images, a window does not fit, or a window could lie in the padding alone: numbers of
        padding are at most half a kernel.
        Also if grad does not have the shape of the output.

    Notes
    -----
    Each pixel collects grad / count of the windows that contain it, where count is what `avg_pool2d` divides by.

    References
    ----------
    Documentation of PyTorch's AvgPool2d, of which this is the derivative.

    Examples
    --------
    >>> avg_pool2d_backward(np.array([[[[4.0]]]]), np.zeros((1, 1, 2, 2)), 2).tolist()
    [[[[1.0, 1.0], [1.0, 1.0]]]]
    """
    x = _image(x)
    windows = _Windows.of(x, kernel, stride, padding, 1, ceil_mode)
    grad = check_gradient(grad, windows.out_shape)
    dpadded = np.zeros_like(windows.pad(x, 0))
    share = grad / windows.counts(dpadded.dtype, count_include_pad)
    for tap in windows.taps():
        dpadded[tap] += share
    return windows.crop(dpadded)


def global_avg_pool2d(x: np.ndarray) -> np.ndarray:
    """Take the mean of each whole feature map.

    Parameters
    ----------
    x : ndarray
        Images, (N, C, H, W).

    Returns
    -------
    ndarray
        (N, C, 1, 1), of the type of x: float32 or float64.

    Raises
    ------
    TypeError
        If x holds other than real numbers.
    ValueError
        If x is not a batch of images with at least one pixel.

    Notes
    -----
    The sum over H and W, divided by H * W.

    References
    ----------
    M. Lin, Q. Chen and S. Yan, "Network in network" (2013), section 3.2.

    Examples
    --------
    >>> global_avg_pool2d(np.array([[[[1.0, 2.0], [3.0, 6.0]]]])).tolist()
    [[[[3.0]]]]
    """
    return _image(x).mean(axis=(2, 3), keepdims=True)


def global_avg_pool2d_backward(grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Share the gradient of each map equally among its pixels.

    Parameters
    ----------
    grad : ndarray
        Gradient for the output, (N, C, 1, 1).
    x : ndarray
        The images that the pooling was given, (N, C, H, W).

    Returns
    -------
    ndarray
        Gradient for x, of its shape.

    Raises
    ------
    TypeError
        If x holds other than real numbers.
    ValueError
        If x is not a batch of images with at least one pixel.
        Also if grad does not have the shape of the output.

    Notes
    -----
    grad / (H * W) at every pixel.

    References
    ----------
    M. Lin, Q. Chen and S. Yan, "Network in network" (2013), section 3.2.

    Examples
    --------
    >>> global_avg_pool2d_backward(np.array([[[[8.0]]]]), np.zeros((1, 1, 2, 2))).tolist()
    [[[[2.0, 2.0], [2.0, 2.0]]]]
    """
    x = _image(x)
    grad = check_gradient(grad, (*x.shape[:2], 1, 1))
    return np.broadcast_to(grad / (x.shape[2] * x.shape[3]), x.shape).copy()


@dataclass(frozen=True)
class _Windows:
    """Where the windows of a pooling lie, checked."""

    shape: tuple[int, ...]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]
    overhang: tuple[int, int]
    dilation: tuple[int, int]
    out_size: tuple[int, int]

    @classmethod
    def of(
        cls,
        x: np.ndarray,
        kernel: Pair,
        stride: Pair | None,
        padding: ImagePadding | str,
        dilation: Pair,
        ceil_mode: bool,
    ) -> "_Windows":
        kernels, dilations = check_int_pair("kernel", kernel, 1), check_int_pair("dilation", dilation, 1)
        strides = kernels if stride is None else check_stride_pair(stride)
        paddings = check_image_padding(padding, kernels, strides, dilations)
        for k, sides in zip(kernels, paddings, strict=True):
            if 2 * max(sides) > k and padding != "same":
                raise ValueError(
                    f"padding {max(sides)} is more than half of kernel {k}: a window could lie in the padding alone"
                )
        sizes, overhangs = [], []
        for size, k, s, sides, d in zip(x.shape[2:], kernels, strides, paddings, dilations, strict=True):
            out = pool_output_size(size, k, s, sides, d, ceil_mode)
            for start in (i * s - sides[0] for i in range(out) if d > 1):  # else half a kernel reads a pixel
                if not any(0 <= start + d * entry < size for entry in range(k)):
                    raise ValueError(
                        f"kernel {k} with dilation {d} and padding {sides[0]} + {sides[1]} has a window that meets no "
                        f"pixel of size {size}; use less padding or less dilation"
                    )
            sizes.append(out)
            overhangs.append(max(0, (out - 1) * s + d * (k - 1) + 1 - size - sum(sides)))
        return cls(
            x.shape, kernels, strides, paddings, (overhangs[0], overhangs[1]), dilations, (sizes[0], sizes[1])
        )  # fmt: skip

    @property
    def out_shape(self) -> tuple[int, ...]:
        return (*self.shape[:2], *self.out_size)

    def pad(self, x: np.ndarray, value: float) -> np.ndarray:
        sides = [(p, q + over) for (p, q), over in zip(self.padding, self.overhang, strict=True)]
        return np.pad(x, [(0, 0), (0, 0), *sides], constant_values=value) if np.any(sides) else x

    def crop(self, padded: np.ndarray) -> np.ndarray:
        ((top, _), (left, _)), (height, width) = self.padding, self.shape[2:]
        return padded[:, :, top : top + height, left : left + width]

    def taps(self) -> list[tuple[slice, ...]]:
        """For each entry of the window, row by row: the pixels that it reads in all windows."""

        def under(axis: int, entry: int) -> slice:
            start, step = entry * self.dilation[axis], self.stride[axis]
            return slice(start, start + (self.out_size[axis] - 1) * step + 1, step)

        return [(slice(None), slice(None), under(0, u), under(1, v)) for u, v in np.ndindex(*self.kernel)]

    def counts(self, dtype: np.dtype, include_padding: bool) -> np.ndarray:
        """How many pixels the mean of each window is taken over."""
        pixels = np.pad(
            np.ones((1, 1, *self.shape[2:])), [(0, 0), (0, 0), *self.padding], constant_values=float(include_padding)
        )
        ones = np.pad(pixels, [(0, 0), (0, 0), (0, self.overhang[0]), (0, self.overhang[1])])
        total = sum(ones[tap] for tap in self.taps())
        return np.asarray(total, dtype)


def _image(x: np.ndarray) -> np.ndarray:
    x = check_nchw("x", x, "(N, C, H, W) with at least one pixel")
    if 0 in x.shape[2:]:
        raise ValueError(f"x must be (N, C, H, W) with at least one pixel, got shape {x.shape}")
    return x
