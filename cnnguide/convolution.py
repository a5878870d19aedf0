"""The convolution of neural networks: its definition in loops, the fast form, and the gradients, side by side.

With this module, one can
- read what a convolution is (`conv2d_definition`) and compute it fast (`conv2d`),
- compute how a change of the input, the weights or the bias changes the output (`conv2d_backward`).

Nothing is flipped: this is cross-correlation, as in PyTorch. Images are (N, C, H, W), weights are
(C_out, C_in / groups, k_h, k_w).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cnnguide._checks import (
    as_floats,
    check_gradient,
    check_image_padding,
    check_int,
    check_int_pair,
    check_nchw,
    check_stride_pair,
)
from cnnguide.shapes import ImagePadding, Pair, conv_output_size

__all__ = ["conv2d", "conv2d_backward", "conv2d_definition"]

CACHE_BYTES = 2**19
"""Patches are laid out for so many bytes at a time: they are read again at once, while the processor's cache holds them."""


def conv2d_definition(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: Pair = 1,
    padding: ImagePadding | str = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> np.ndarray:
    """Convolution as it is defined: at each place, the sum of products of the kernel and the pixels under it.

    Parameters
    ----------
    x : ndarray
        Images, (N, C_in, H, W).
    weight : ndarray
        Kernels, (C_out, C_in / groups, k_h, k_w).
    bias : ndarray, optional
        One number for each output channel, (C_out,); none is added if not given.
    stride : int or (int, int), default 1
        Pixels from one place of the kernel to the next; one number for both axes, or (height, width).
    padding : int, (int, int), ((int, int), (int, int)), "same" or "valid", default 0
        Zeros around the image: everywhere, (height, width), ((top, bottom), (left, right)), none ("valid"), or, for
        stride 1, as many as keep the size ("same", what is odd goes to the end).
    dilation : int or (int, int), default 1
        Pixels from one entry of the kernel to the next.
    groups : int, default 1
        Number of groups that the channels are divided into; each output channel reads the inputs of its group.

    Returns
    -------
    ndarray
        (N, C_out, H', W') with H' and W' as `conv_output_size` gives them. It is float32 if x and weight are; if an array
        holds other numbers, such as whole ones, all is computed in float64.

    Raises
    ------
    TypeError
        If an array holds other than real numbers, or a setting is not a whole number.
    ValueError
        If shapes do not go together, a number is too small, or a kernel does not fit.

    See Also
    --------
    conv2d : The same, thousands of times faster.

    Notes
    -----
    out[n, o, r, c] = bias[o] + sum over i, u, v of
    weight[o, i, u, v] * padded[n, first + i, r * stride + u * dilation, c * stride + v * dilation],
    where first is the first input channel of the group that output channel o belongs to.

    References
    ----------
    Documentation of PyTorch's Conv2d; I. Goodfellow, Y. Bengio and A. Courville, "Deep learning" (2016),
    equation 9.6.

    Examples
    --------
    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv2d_definition(x, np.ones((1, 1, 2, 2))).tolist()         # 0 + 1 + 3 + 4, and so on
    [[[[8.0, 12.0], [20.0, 24.0]]]]
    """
    x, weight, bias = _arrays(x, weight, bias)
    plan = _plan(x, weight, stride, padding, dilation, groups)
    (s_h, s_w), (d_h, d_w) = plan.stride, plan.dilation
    padded = np.pad(x, [(0, 0), (0, 0), *plan.padding])
    out = np.empty(plan.out_shape, plan.dtype)
    for n, o, r, c in np.ndindex(plan.out_shape):
        first = o // plan.out_per_group * plan.in_per_group
        total = plan.dtype.type(0 if bias is None else bias[o])
        for i, u, v in np.ndindex(*weight.shape[1:]):
            total += weight[o, i, u, v] * padded[n, first + i, r * s_h + u * d_h, c * s_w + v * d_w]
        out[n, o, r, c] = total
    return out


# --8<-- [start:conv2d]
def conv2d(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: Pair = 1,
    padding: ImagePadding | str = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> np.ndarray:
    """Slide C_out kernels over a batch of images; each makes one output channel.

    Parameters
    ----------
    x : ndarray
        Images, (N, C_in, H, W).
    weight : ndarray
        Kernels, (C_out, C_in / groups, k_h, k_w).
    bias : ndarray, optional
        One number for each output channel, (C_out,); none is added if not given.
    stride : int or (int, int), default 1
        Pixels from one place of the kernel to the next; one number for both axes, or (height, width).
    padding : int, (int, int), ((int, int), (int, int)), "same" or "valid", default 0
        Zeros around the image: everywhere, (height, width), ((top, bottom), (left, right)), none ("valid"), or, for
        stride 1, as many as keep the size ("same", what is odd goes to the end).
    dilation : int or (int, int), default 1
        Pixels from one entry of the kernel to the next.
    groups : int, default 1
        Number of groups that the channels are divided into; each output channel reads the inputs of its group.

    Returns
    -------
    ndarray
        (N, C_out, H', W') with H' and W' as `conv_output_size` gives them. It is float32 if x and weight are; if an array
        holds other numbers, such as whole ones, all is computed in float64.

    Raises
    ------
    TypeError
        If an array holds other than real numbers, or a setting is not a whole number.
    ValueError
        If shapes do not go together, a number is too small, or a kernel does not fit.

    See Also
    --------
    conv2d_definition : The same sums in loops, to be read.
    conv2d_backward : The gradients.

    Notes
    -----
    It is computed as one matrix product per image and group: the weights, one kernel a row, times the patches that the
    kernels meet, one patch a column. Transposed convolutions (a stride below 1) are not supported.

    References
    ----------
    Documentation of PyTorch's Conv2d; K. Chellapilla, S. Puri and P. Simard, "High performance convolutional neural
    networks for document processing" (2006) for the matrix form.

    Examples
    --------
    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv2d(x, np.ones((1, 1, 2, 2))).tolist()
    [[[[8.0, 12.0], [20.0, 24.0]]]]
    >>> conv2d(np.zeros((1, 3, 224, 224)), np.zeros((64, 3, 7, 7)), stride=2, padding=3).shape
    (1, 64, 112, 112)
    """
    x, weight, bias = _arrays(x, weight, bias)
    plan = _plan(x, weight, stride, padding, dilation, groups)
    kernels = plan.kernels_as_rows(weight)
    out = np.empty(plan.out_shape, plan.dtype)
    by_group = out.reshape(plan.batch, groups, plan.out_per_group, plan.positions)
    for images, patches in plan.patches(x):
        np.matmul(kernels, patches, out=by_group[images])
        if bias is not None:
            out[images] += bias[:, None, None]
    return out


# --8<-- [end:conv2d]


def conv2d_backward(
    grad: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray,
    stride: Pair = 1,
    padding: ImagePadding | str = 0,
    dilation: Pair = 1,
    groups: int = 1,
    input_gradient: bool = True,
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """Gradients of a loss for the input, the weights and the bias of a convolution, from the gradient for its output.

    Parameters
    ----------
    grad : ndarray
        Gradient for the output, of its shape (N, C_out, H', W').
    x : ndarray
        Images, (N, C_in, H, W).
    weight : ndarray
        Kernels, (C_out, C_in / groups, k_h, k_w).
    stride : int or (int, int), default 1
        Pixels from one place of the kernel to the next; one number for both axes, or (height, width).
    padding : int, (int, int), ((int, int), (int, int)), "same" or "valid", default 0
        Zeros around the image: everywhere, (height, width), ((top, bottom), (left, right)), none ("valid"), or, for
        stride 1, as many as keep the size ("same", what is odd goes to the end).
    dilation : int or (int, int), default 1
        Pixels from one entry of the kernel to the next.
    groups : int, default 1
        Number of groups that the channels are divided into; each output channel reads the inputs of its group.
    input_gradient : bool, default True
        Whether the gradient for the input is computed; the first layer of a network does not need it.

    Returns
    -------
    dx : ndarray or None
        Gradient for x, of its shape; None without `input_gradient`.
    dweight : ndarray
        Gradient for the weights, of their shape.
    dbias : ndarray
        Gradient for the bias, (C_out,).

    Raises
    ------
    TypeError
        If an array holds other than real numbers, or a setting is not a whole number.
    ValueError
        If shapes do not go together, a number is too small, or a kernel does not fit.
        Also if grad does not have the shape of the output.

    Notes
    -----
    `conv2d` multiplies kernels @ patches. So the gradient for the kernels is grad @ patches.T, that for the patches is
    kernels.T @ grad, and each pixel collects the gradients of all patches that it is part of. The bias is added everywhere,
    so it collects the gradient of every position.

    References
    ----------
    I. Goodfellow, Y. Bengio and A. Courville, "Deep learning" (2016), section 9.5, equations 9.11 and 9.13.

    Examples
    --------
    >>> x, weight = np.arange(3.0).reshape(1, 1, 1, 3), np.array([[[[2.0, 5.0]]]])
    >>> dx, dweight, dbias = conv2d_backward(np.ones((1, 1, 1, 2)), x, weight)
    >>> dx.tolist(), dweight.tolist(), dbias.tolist()       # the middle pixel is read by both weights
    ([[[[2.0, 7.0, 5.0]]]], [[[[1.0, 3.0]]]], [2.0])
    """
    x, weight, _ = _arrays(x, weight, None)
    plan = _plan(x, weight, stride, padding, dilation, groups)
    grad = check_gradient(grad, plan.out_shape)
    by_group = np.ascontiguousarray(grad, plan.dtype).reshape(plan.batch, groups, plan.out_per_group, plan.positions)
    kernels = plan.kernels_as_rows(weight)
    dkernels = np.zeros_like(kernels)
    dx = np.zeros(x.shape, plan.dtype) if input_gradient else None
    for images, patches in plan.patches(x):
        dkernels += (by_group[images] @ patches.swapaxes(-1, -2)).sum(axis=0)
        if dx is not None:
            plan.add_patches(kernels.swapaxes(-1, -2) @ by_group[images], dx[images])
    return dx, dkernels.reshape(weight.shape), grad.sum(axis=(0, 2, 3), dtype=plan.dtype)


@dataclass(frozen=True)
class _Plan:
    """All sizes of one convolution, checked, and the layout of its patches."""

    batch: int
    in_channels: int
    out_shape: tuple[int, int, int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]
    dilation: tuple[int, int]
    groups: int
    size: tuple[int, int]
    dtype: np.dtype

    @property
    def in_per_group(self) -> int:
        return self.in_channels // self.groups

    @property
    def out_per_group(self) -> int:
        return self.out_shape[1] // self.groups

    @property
    def positions(self) -> int:
        return self.out_shape[2] * self.out_shape[3]

    @property
    def patch_length(self) -> int:
        return self.in_per_group * self.kernel[0] * self.kernel[1]

    @property
    def patches_are_pixels(self) -> bool:
        """A 1x1 kernel that reads each pixel once: the image is its own layout, and nothing needs to be copied."""
        return self.kernel == self.stride == (1, 1) and self.padding == ((0, 0), (0, 0))

    def kernels_as_rows(self, weight: np.ndarray) -> np.ndarray:
        rows = weight.reshape(self.groups, self.out_per_group, self.patch_length)
        return np.ascontiguousarray(rows, self.dtype)

    def patches(self, x: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """For a few images at a time: which they are, and their patches as columns, by image and group.

        The same buffer is filled again and again, so memory stays bounded however large the batch is. Where a kernel hangs
        over the border, the buffer keeps the zeros that it starts with: no padded copy of the images is needed.
        """
        if self.patches_are_pixels:
            pixels = np.ascontiguousarray(x, self.dtype)
            yield slice(0, self.batch), pixels.reshape(self.batch, self.groups, self.patch_length, self.positions)
            return
        per_image = self.groups * self.patch_length * self.positions
        at_once = min(self.batch, max(1, CACHE_BYTES // (per_image * self.dtype.itemsize)))
        buffer = np.zeros((at_once, self.in_channels, *self.kernel, *self.out_shape[2:]), self.dtype)
        for start in range(0, self.batch, max(1, at_once)):
            images = slice(start, min(start + at_once, self.batch))
            filled = buffer[: images.stop - images.start]
            for (u, v), (out_rows, out_columns), (rows, columns) in self.taps:
                filled[:, :, u, v, out_rows, out_columns] = x[images, :, rows, columns]
            yield images, filled.reshape(len(filled), self.groups, self.patch_length, self.positions)

    def add_patches(self, patches: np.ndarray, x: np.ndarray) -> None:
        """The reverse: add each column to the pixels that it was taken from."""
        laid_out = patches.reshape(len(x), self.in_channels, *self.kernel, *self.out_shape[2:])
        for (u, v), (out_rows, out_columns), (rows, columns) in self.taps:
            x[:, :, rows, columns] += laid_out[:, :, u, v, out_rows, out_columns]

    @cached_property
    def taps(self) -> list[tuple[tuple[int, int], tuple[slice, slice], tuple[slice, slice]]]:
        """For each entry (u, v) of the kernel: the outputs at which it reads a pixel, and these pixels."""
        rows, columns = ([self._under(axis, entry) for entry in range(self.kernel[axis])] for axis in (0, 1))
        return [
            ((u, v), (out_rows, out_columns), (in_rows, in_columns))
            for u, (out_rows, in_rows) in enumerate(rows)
            for v, (out_columns, in_columns) in enumerate(columns)
        ]

    def _under(self, axis: int, entry: int) -> tuple[slice, slice]:
        """Along one axis: outputs first ... last of a kernel entry lie over pixels, output i over i * step + offset."""
        step, size = self.stride[axis], self.size[axis]
        offset = entry * self.dilation[axis] - self.padding[axis][0]
        first = max(0, -(offset // step))  # rounded up
        last = min(self.out_shape[2 + axis] - 1, (size - 1 - offset) // step)
        if first > last:
            return slice(0, 0), slice(0, 0)
        return slice(first, last + 1), slice(first * step + offset, last * step + offset + 1, step)


def _arrays(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """What a convolution is computed from, each checked by itself and the bias against the weights."""
    x, weight = check_nchw("x", x), check_nchw("weight", weight, "(C_out, C_in / groups, k_h, k_w)")
    if bias is None:
        return x, weight, None
    bias, wanted = as_floats("bias", bias), weight.shape[:1]
    if bias.shape != wanted:
        raise ValueError(f"bias must have one entry for each output channel, {wanted}, got {bias.shape}")
    return x, weight, bias


def _plan(
    x: np.ndarray,
    weight: np.ndarray,
    stride: Pair,
    padding: ImagePadding | str,
    dilation: Pair,
    groups: int,
) -> _Plan:
    groups = check_int("groups", groups, 1)
    (batch, in_channels, *size), (out_channels, in_per_group, *kernel) = x.shape, weight.shape
    if in_channels == 0:
        raise ValueError(f"x {x.shape} has no channels; what would fit: at least one")
    if in_channels != in_per_group * groups or out_channels % groups:
        raise ValueError(
            f"x {x.shape} has {in_channels} channels and weight {weight.shape} reads {in_per_group} in each of {groups} "
            f"groups; what would fit: {in_per_group * groups} channels, and a C_out that {groups} divides"
        )
    strides, dilations = check_stride_pair(stride), check_int_pair("dilation", dilation, 1)
    sides = check_image_padding(padding, (kernel[0], kernel[1]), strides, dilations)
    out_size = (conv_output_size(*axis) for axis in zip(size, kernel, strides, sides, dilations, strict=True))
    return _Plan(
        batch=batch, in_channels=in_channels, out_shape=(batch, out_channels, *out_size), kernel=tuple(kernel),
        stride=strides, padding=sides, dilation=dilations, groups=groups, size=tuple(size),
        dtype=np.result_type(x, weight),
    )  # fmt: skip
