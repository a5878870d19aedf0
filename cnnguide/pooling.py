"""Summaries of neighbourhoods: the largest value, the mean, or the mean of the whole map, each with its gradient below it.

With this module, one can shrink feature maps (`max_pool2d`, `avg_pool2d`, `global_avg_pool2d`). Images are (N, C, H, W);
each channel is pooled by itself. Where nothing else is said, stride equals the kernel: windows side by side.
"""

from dataclasses import dataclass

import numpy as np

from cnnguide._arrays import mask_gradient
from cnnguide._checks import check_gradient, check_int_pair, check_nchw
from cnnguide.shapes import Pair, pool_output_size

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
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
) -> np.ndarray:
    """Keep the largest value of each window.

    Formula: out[n, c, i, j] = max over u, v of x[n, c, i * stride + u * dilation - padding, ...]; padding never wins.

    Shapes: x (N, C, H, W), returns (N, C, H', W') with H', W' as `pool_output_size` gives them. With `ceil_mode` a last
    window may hang over the end, as long as it starts inside.

    Raises ValueError for shapes that do not fit, and for padding of more than half a kernel.

    Source: documentation of PyTorch's MaxPool2d.

    >>> x = np.array([[[[1.0, 2.0, 5.0, 6.0], [3.0, 4.0, 8.0, 7.0]]]])
    >>> max_pool2d(x, 2).tolist()
    [[[[4.0, 8.0]]]]
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
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
) -> np.ndarray:
    """Give the gradient of each window to its largest value: to the first one, where several are equally large.

    Shapes: grad like the output of `max_pool2d`; returns the shape of x.

    Source: the rule "first wins" is that of PyTorch's MaxPool2d. (NaN counts as the largest of all. Of several, the first
    wins here, too, and in PyTorch the last.)

    Formula: each pixel collects grad of the windows that it won.

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
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> np.ndarray:
    """Take the mean of each window.

    Formula: the sum of what lies in the window, divided by the number of pixels: those of the padding are counted unless
    `count_include_pad` is False; those beyond it, where a window of `ceil_mode` hangs over, never.

    Shapes, errors: as `max_pool2d`.

    Source: documentation of PyTorch's AvgPool2d.

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
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> np.ndarray:
    """Share the gradient of each window equally among its pixels.

    Shapes: grad like the output of `avg_pool2d`; returns the shape of x.

    Formula: each pixel collects grad / count of the windows that it lies in.

    Source: the derivative of `avg_pool2d`.

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

    Shapes: x (N, C, H, W), returns (N, C, 1, 1).

    Source: Lin, Chen and Yan, "Network in network" (2013), section 3.2.

    Formula: the sum over H and W, divided by H * W.

    >>> global_avg_pool2d(np.array([[[[1.0, 2.0], [3.0, 6.0]]]])).tolist()
    [[[[3.0]]]]
    """
    return _image(x).mean(axis=(2, 3), keepdims=True)


def global_avg_pool2d_backward(grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Share the gradient of each map equally among its pixels.

    Shapes: grad (N, C, 1, 1), returns the shape of x.

    Formula: grad / (H * W) at every pixel.

    Source: the derivative of `global_avg_pool2d`.

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
    padding: tuple[int, int]
    overhang: tuple[int, int]
    dilation: tuple[int, int]
    out_size: tuple[int, int]

    @classmethod
    def of(
        cls, x: np.ndarray, kernel: Pair, stride: Pair | None, padding: Pair, dilation: Pair, ceil_mode: bool
    ) -> "_Windows":
        kernels, dilations = check_int_pair("kernel", kernel, 1), check_int_pair("dilation", dilation, 1)
        strides = kernels if stride is None else check_int_pair("stride", stride, 1)
        paddings = check_int_pair("padding", padding, 0)
        for k, p in zip(kernels, paddings, strict=True):
            if 2 * p > k:
                raise ValueError(
                    f"padding {p} is more than half of kernel {k}: a window could lie in the padding alone"
                )
        sizes, overhangs = [], []
        for size, k, s, p, d in zip(x.shape[2:], kernels, strides, paddings, dilations, strict=True):
            out = pool_output_size(size, k, s, p, d, ceil_mode)
            for start in (i * s - p for i in range(out) if d > 1):  # without dilation, half a kernel meets a pixel
                if not any(0 <= start + d * entry < size for entry in range(k)):
                    raise ValueError(
                        f"kernel {k} with dilation {d} and padding {p} has a window that meets no pixel of size {size}; "
                        "use less padding or less dilation"
                    )
            sizes.append(out)
            overhangs.append(max(0, (out - 1) * s + d * (k - 1) + 1 - size - 2 * p))
        return cls(
            x.shape, kernels, strides, paddings, (overhangs[0], overhangs[1]), dilations, (sizes[0], sizes[1])
        )  # fmt: skip

    @property
    def out_shape(self) -> tuple[int, ...]:
        return (*self.shape[:2], *self.out_size)

    def pad(self, x: np.ndarray, value: float) -> np.ndarray:
        if not any(self.padding) and not any(self.overhang):
            return x
        sides = [(p, p + over) for p, over in zip(self.padding, self.overhang, strict=True)]
        return np.pad(x, [(0, 0), (0, 0), *sides], constant_values=value)

    def crop(self, padded: np.ndarray) -> np.ndarray:
        (top, left), (height, width) = self.padding, self.shape[2:]
        return padded[:, :, top : top + height, left : left + width]

    def taps(self) -> list[tuple[slice, ...]]:
        """For each entry of the window, row by row: the pixels that it meets in all windows."""

        def under(axis: int, entry: int) -> slice:
            start, step = entry * self.dilation[axis], self.stride[axis]
            return slice(start, start + (self.out_size[axis] - 1) * step + 1, step)

        return [(slice(None), slice(None), under(0, u), under(1, v)) for u, v in np.ndindex(*self.kernel)]

    def counts(self, dtype: np.dtype, include_padding: bool) -> np.ndarray:
        """How many pixels the mean of each window is taken over."""
        (top, left), (height, width) = self.padding, self.shape[2:]
        counted = np.ones((1, 1, height + 2 * top, width + 2 * left))
        if not include_padding:
            counted = np.pad(np.ones((1, 1, height, width)), [(0, 0), (0, 0), (top, top), (left, left)])
        ones = np.pad(counted, [(0, 0), (0, 0), (0, self.overhang[0]), (0, self.overhang[1])])
        total = sum(ones[tap] for tap in self.taps())
        return np.asarray(total, dtype)


def _image(x: np.ndarray) -> np.ndarray:
    x = check_nchw("x", x, "(N, C, H, W) with at least one pixel")
    if 0 in x.shape[2:]:
        raise ValueError(f"x must be (N, C, H, W) with at least one pixel, got shape {x.shape}")
    return x
