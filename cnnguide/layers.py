"""Layers: the operations of this package with their weights, forward beside backward.

With this module, one can build a network as a `Sequential` of `Conv2d`, `Linear`, `BatchNorm2d`, `MaxPool2d`, `AvgPool2d`,
`GlobalAvgPool2d`, `ReLU`, `PReLU`, `GELU`, `SiLU`, `Tanh`, `Sigmoid`, `Flatten` and `Dropout`, with parallel paths in
`Branches` and skip connections in `Residual`. Every layer is used alike:

- `forward(x, training=False)` computes the output and remembers what the gradient will need,
- `backward(grad)` takes the gradient for that output, stores those of the weights, and returns that for the input,
- `parameters()` and `gradients()` list the weights and their gradients, in the same order,
- `buffers()` lists what a layer keeps without learning it by gradients, such as running means.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from cnnguide._checks import (
    as_floats,
    check_choice,
    check_dtype,
    check_generator,
    check_gradient,
    check_int,
    check_int_pair,
    check_nchw,
    check_number,
    error_at,
)
from cnnguide.activations import (
    gelu,
    gelu_backward,
    prelu,
    prelu_backward,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    silu,
    silu_backward,
    tanh,
    tanh_backward,
)
from cnnguide.convolution import conv2d, conv2d_backward
from cnnguide.initializers import he_normal
from cnnguide.pooling import (
    avg_pool2d,
    avg_pool2d_backward,
    global_avg_pool2d,
    global_avg_pool2d_backward,
    max_pool2d,
    max_pool2d_backward,
)
from cnnguide.shapes import ImagePadding, Pair, conv_parameters

__all__ = [
    "GELU",
    "AvgPool2d",
    "BatchNorm2d",
    "Branches",
    "Conv2d",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2d",
    "Layer",
    "Linear",
    "MaxPool2d",
    "PReLU",
    "ReLU",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Tanh",
]


class Layer:
    """What every layer has: forward, backward, and lists of weights and gradients, empty where there are none."""

    _x: np.ndarray

    def _remember(self, x: np.ndarray) -> np.ndarray:
        """Keep the input of `forward` for `backward`."""
        self._x = np.asarray(x)
        return self._x

    def _remembered(self) -> np.ndarray:
        if not hasattr(self, "_x"):
            raise RuntimeError(f"{type(self).__name__} has seen no input yet: call forward, then backward")
        return self._x

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        raise NotImplementedError

    def backward(self, grad: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def parameters(self) -> list[np.ndarray]:
        return []

    def gradients(self) -> list[np.ndarray]:
        return []

    def buffers(self) -> list[np.ndarray]:
        return []


class _Weighted(Layer):
    """A layer with a weight and a bias."""

    weight: np.ndarray
    bias: np.ndarray
    _gradients: list[np.ndarray]

    def parameters(self) -> list[np.ndarray]:
        return [self.weight, self.bias]

    def gradients(self) -> list[np.ndarray]:
        if not self._gradients:
            raise RuntimeError(f"{type(self).__name__} has no gradients yet: call forward, then backward")
        return self._gradients


class Conv2d(_Weighted):
    """A convolution with its kernels and one bias per output channel.

    Parameters
    ----------
    in_channels : int
        Number of channels C_in of the input (N, C_in, H, W).
    out_channels : int
        Number of channels C_out of the output (N, C_out, H', W').
    kernel : int or (int, int)
        Size of the kernels in pixels: one number for a square, or (height, width).
    rng : numpy.random.Generator
        Where the weights are drawn from.
    stride : int or (int, int), default 1
        Pixels from one place of the kernel to the next; one number for both axes, or (height, width).
    padding : int, (int, int), ((int, int), (int, int)), "same" or "valid", default 0
        Zeros around the image: everywhere, (height, width), ((top, bottom), (left, right)), none ("valid"), or, for
        stride 1, as many as keep the size ("same", what is odd goes to the end).
    dilation : int or (int, int), default 1
        Pixels from one entry of the kernel to the next.
    groups : int, default 1
        Number of groups that the channels are divided into; each output channel reads the inputs of its group.
    dtype : type, default numpy.float32
        Type of weights and biases, float32 or float64.

    Raises
    ------
    TypeError
        If a setting is not a whole number, `rng` is not a generator, or `dtype` another type.
    ValueError
        If the settings fit no image; and, in `forward`, as `conv2d`.

    Notes
    -----
    conv2d(x, weight, bias, ...). Weights are drawn by `he_normal` for these groups, biases start at zero.

    References
    ----------
    Documentation of PyTorch's Conv2d, whose initial weights are others: see the chapter on initialisation.

    Examples
    --------
    >>> layer = Conv2d(3, 8, kernel=3, rng=np.random.default_rng(0), padding=1)
    >>> layer.forward(np.zeros((2, 3, 20, 20), np.float32)).shape
    (2, 8, 20, 20)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: Pair,
        rng: np.random.Generator,
        stride: Pair = 1,
        padding: ImagePadding | str = 0,
        dilation: Pair = 1,
        groups: int = 1,
        dtype: type = np.float32,
    ) -> None:
        conv_parameters(in_channels, out_channels, kernel, groups)  # refuses what does not go together
        shape = (out_channels, in_channels // groups, *check_int_pair("kernel", kernel, 1))
        self.weight = he_normal(shape, rng, dtype=dtype, groups=groups)
        self.bias = np.zeros(out_channels, dtype)
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        self._gradients = []
        spans = (d * (k - 1) + 1 for k, d in zip(shape[2:], check_int_pair("dilation", dilation, 1), strict=True))
        # Tried on no image, of the size of a kernel: settings that fit no image are refused at once.
        conv2d(np.zeros((0, in_channels, *spans)), self.weight, self.bias, **self._settings())

    def _settings(self) -> dict[str, Any]:
        return {"stride": self.stride, "padding": self.padding, "dilation": self.dilation, "groups": self.groups}

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        return conv2d(self._remember(x), self.weight, self.bias, **self._settings())

    def backward(self, grad: np.ndarray) -> np.ndarray:
        dx, *self._gradients = conv2d_backward(grad, self._remembered(), self.weight, **self._settings())
        assert dx is not None
        return dx

    def backward_to_weights(self, grad: np.ndarray) -> None:
        """As `backward`, for the first layer of a network, whose input learns nothing."""
        x = self._remembered()
        _, *self._gradients = conv2d_backward(grad, x, self.weight, **self._settings(), input_gradient=False)


class Linear(_Weighted):
    """Every output a weighted sum of all inputs, plus a bias.

    Parameters
    ----------
    inputs : int
        Number of columns of x (N, inputs).
    outputs : int
        Number of columns of the output (N, outputs).
    rng : numpy.random.Generator
        Where the weights are drawn from.
    dtype : type, default numpy.float32
        Type of weights and biases, float32 or float64.

    Raises
    ------
    TypeError
        If a number is not whole, `rng` is not a generator, or `dtype` another type.
    ValueError
        If x has other than `inputs` columns, or the gradient for the output not its shape.

    Notes
    -----
    x @ weight.T + bias, with weight (outputs, inputs). Weights are drawn by `he_normal`, biases start at zero.

    References
    ----------
    Documentation of PyTorch's Linear.

    Examples
    --------
    >>> layer = Linear(3, 2, rng=np.random.default_rng(0))
    >>> layer.weight[...], layer.bias[...] = [[1, 0, 0], [0, 1, 1]], [10, 0]
    >>> layer.forward(np.array([[1, 2, 3]], np.float32)).tolist()
    [[11.0, 5.0]]
    """

    def __init__(self, inputs: int, outputs: int, rng: np.random.Generator, dtype: type = np.float32) -> None:
        self.weight = he_normal((outputs, inputs), rng, dtype=dtype)
        self.bias = np.zeros(outputs, dtype)
        self._gradients = []

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = self._remember(as_floats("x", x))
        if x.ndim != 2 or x.shape[1] != self.weight.shape[1]:
            raise ValueError(
                f"x must be (N, {self.weight.shape[1]}) for this layer, got shape {x.shape}; use Flatten before it?"
            )
        return x @ self.weight.T + self.bias

    def backward(self, grad: np.ndarray) -> np.ndarray:
        x = self._remembered()
        grad = check_gradient(grad, (len(x), len(self.weight)))
        self._gradients = [grad.T @ x, grad.sum(axis=0)]
        return grad @ self.weight


class BatchNorm2d(Layer):
    """Give each channel mean 0 and variance 1 over a batch, then a scale and an offset that are learned.

    Parameters
    ----------
    channels : int
        Number of channels C of the input (N, C, H, W).
    eps : float, default 1e-5
        Added to the variance, so that a constant channel is not divided by zero.
    momentum : float, default 0.1
        Share of the present batch in the running statistics, from 0 to 1 (ONNX counts the other share, 1 - momentum).
    affine : bool, default True
        Whether there are a learned `weight` (C,), at first 1, and a learned `bias` (C,), at first 0.
    dtype : type, default numpy.float32
        Type of weights and running statistics, float32 or float64.

    Raises
    ------
    TypeError
        If `channels` is not a whole number, or `dtype` another type.
    ValueError
        If a setting is outside its range, if x has other channels, or, in training, if a channel has fewer than two
        values, which have no variance.

    Notes
    -----
    Forward: weight * (x - mean) / sqrt(variance + eps) + bias. In training, mean and variance are those of the batch
    over N, H and W, the variance divided by their number n (biased); they also move the buffers,
    running = (1 - momentum) * running + momentum * new, where the new variance is divided by n - 1 (unbiased). Otherwise
    the buffers `running_mean` and `running_var` are used. Backward follows the last forward: in training, mean and
    variance depend on x as well. All sums are taken in float64.

    References
    ----------
    S. Ioffe and C. Szegedy, "Batch normalization" (2015), algorithm 1; documentation of PyTorch's BatchNorm2d.

    Examples
    --------
    >>> layer = BatchNorm2d(1, eps=0, dtype=np.float64)
    >>> x = np.array([[[[1.0, 3.0]]]])                          # mean 2, variance 1, or 2 if unbiased
    >>> layer.forward(x, training=True).tolist()
    [[[[-1.0, 1.0]]]]
    >>> layer.running_mean.round(6).tolist(), layer.running_var.round(6).tolist()    # 0.1 * 2, and 0.9 + 0.1 * 2
    ([0.2], [1.1])
    """

    _gradients: list[np.ndarray]
    _mean: np.ndarray
    _scale: np.ndarray
    _by_batch: bool

    def __init__(
        self,
        channels: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        dtype: type = np.float32,
    ) -> None:
        self.channels, dtype_ = check_int("channels", channels, 1), check_dtype(dtype)
        self.eps, self.momentum = check_number("eps", eps), check_number("momentum", momentum)
        if momentum > 1:
            raise ValueError(f"momentum must be from 0 to 1, got {momentum}")
        self.affine = affine
        self.weight, self.bias = np.ones(self.channels, dtype_), np.zeros(self.channels, dtype_)
        self.running_mean, self.running_var = np.zeros(self.channels, dtype_), np.ones(self.channels, dtype_)
        self._gradients = []

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = check_nchw("x", x)
        if x.shape[1] != self.channels:
            raise ValueError(f"x must be (N, {self.channels}, H, W) for this layer, got shape {x.shape}")
        mean, variance = self._batch_statistics(x) if training else (self.running_mean, self.running_var)
        self._remember(x)
        self._mean, self._by_batch = np.array(mean, np.float64), training
        self._scale = 1 / np.sqrt(np.asarray(variance, np.float64) + self.eps)
        return (self._normalized(x) * _per_channel(self.weight) + _per_channel(self.bias)).astype(x.dtype)

    def backward(self, grad: np.ndarray) -> np.ndarray:
        x = self._remembered()
        grad = check_gradient(grad, x.shape)
        normalized = self._normalized(x)
        dweight = (grad * normalized).sum(axis=(0, 2, 3))
        dbias = grad.sum(axis=(0, 2, 3), dtype=np.float64)
        self._gradients = [dweight.astype(self.weight.dtype), dbias.astype(self.bias.dtype)]
        out = grad.astype(np.float64)
        if self._by_batch:  # x also moves the mean and the variance that it is measured by
            n = x.size // self.channels
            out = out - _per_channel(dbias / n) - normalized * _per_channel(dweight / n)
        return (out * _per_channel(self._scale * self.weight)).astype(x.dtype)

    def parameters(self) -> list[np.ndarray]:
        return [self.weight, self.bias] if self.affine else []

    def gradients(self) -> list[np.ndarray]:
        if not self._gradients:
            raise RuntimeError("BatchNorm2d has no gradients yet: call forward, then backward")
        return self._gradients if self.affine else []

    def buffers(self) -> list[np.ndarray]:
        return [self.running_mean, self.running_var]

    def _batch_statistics(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n = x.size // self.channels
        if n < 2:
            raise ValueError(
                f"training needs at least two values per channel to have a variance, got shape {x.shape}; "
                "use a larger batch, or forward without training"
            )
        mean = x.mean(axis=(0, 2, 3), dtype=np.float64)
        variance = np.square(x - _per_channel(mean)).mean(axis=(0, 2, 3))
        for running, new in ((self.running_mean, mean), (self.running_var, variance * n / (n - 1))):
            running[...] = (1 - self.momentum) * running + self.momentum * new
        return mean, variance

    def _normalized(self, x: np.ndarray) -> np.ndarray:
        return (x - _per_channel(self._mean)) * _per_channel(self._scale)


def _per_channel(values: np.ndarray) -> np.ndarray:
    """One number per channel, in the shape that goes with (N, C, H, W)."""
    return values[:, None, None]


class _Pool2d(Layer):
    """What both poolings share: their settings, of which those that fit no image are refused as soon as they are given."""

    _pool: ClassVar[Callable[..., np.ndarray]]
    _pool_backward: ClassVar[Callable[..., np.ndarray]]
    kernel: Pair
    stride: Pair | None
    padding: ImagePadding | str
    ceil_mode: bool

    def __init__(self, **settings: Any) -> None:
        self._names = tuple(settings)
        for name, value in settings.items():
            setattr(self, name, value)
        kernels = check_int_pair("kernel", self.kernel, 1)
        dilations = check_int_pair("dilation", settings.get("dilation", 1), 1)
        spans = (d * (k - 1) + 1 for k, d in zip(kernels, dilations, strict=True))
        self._pool(np.zeros((0, 1, *spans)), **self._settings())  # tried on no image, of the size of a window

    def _settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._names}

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        return self._pool(self._remember(x), **self._settings())

    def backward(self, grad: np.ndarray) -> np.ndarray:
        return self._pool_backward(grad, self._remembered(), **self._settings())


class MaxPool2d(_Pool2d):
    """`max_pool2d` as a layer: keep the largest value of each window.

    Parameters
    ----------
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

    Raises
    ------
    TypeError
        If x holds other than real numbers, or a setting is not a whole number.
    ValueError
        If x is not a batch of images, a window does not fit, or a window could lie in the padding alone: numbers of
        padding are at most half a kernel.

    Notes
    -----
    x (N, C, H, W) becomes (N, C, H', W') with H' and W' as `pool_output_size` gives them. Each pixel collects the
    gradients of the windows that it won.

    References
    ----------
    Documentation of PyTorch's MaxPool2d.

    Examples
    --------
    >>> MaxPool2d(2).forward(np.array([[[[1.0, 2.0], [3.0, 4.0]]]])).tolist()
    [[[[4.0]]]]
    """

    _pool, _pool_backward = staticmethod(max_pool2d), staticmethod(max_pool2d_backward)

    def __init__(
        self,
        kernel: Pair,
        stride: Pair | None = None,
        padding: ImagePadding | str = 0,
        dilation: Pair = 1,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(kernel=kernel, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode)


class AvgPool2d(_Pool2d):
    """`avg_pool2d` as a layer: take the mean of each window.

    Parameters
    ----------
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

    Raises
    ------
    TypeError
        If x holds other than real numbers, or a setting is not a whole number.
    ValueError
        If x is not a batch of images, a window does not fit, or a window could lie in the padding alone: numbers of
        padding are at most half a kernel.

    Notes
    -----
    x (N, C, H, W) becomes (N, C, H', W') with H' and W' as `pool_output_size` gives them. Each pixel collects its share of
    the gradients of the windows that contain it.

    References
    ----------
    Documentation of PyTorch's AvgPool2d.

    Examples
    --------
    >>> AvgPool2d(2).forward(np.array([[[[1.0, 2.0], [3.0, 4.0]]]])).tolist()
    [[[[2.5]]]]
    """

    _pool, _pool_backward = staticmethod(avg_pool2d), staticmethod(avg_pool2d_backward)

    def __init__(
        self,
        kernel: Pair,
        stride: Pair | None = None,
        padding: ImagePadding | str = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(
            kernel=kernel, stride=stride, padding=padding, ceil_mode=ceil_mode, count_include_pad=count_include_pad
        )


class _Activation(Layer):
    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        return self._function(self._remember(x))

    def backward(self, grad: np.ndarray) -> np.ndarray:
        return self._slope(grad, self._remembered())

    def _function(self, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _slope(self, grad: np.ndarray, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError


class GlobalAvgPool2d(_Activation):
    """`global_avg_pool2d` as a layer: the mean of each feature map.

    Notes
    -----
    x (N, C, H, W) becomes (N, C, 1, 1); `Flatten` makes (N, C) of it. The weights that follow need not know the size of
    the image.

    References
    ----------
    M. Lin, Q. Chen and S. Yan, "Network in network" (2013), section 3.2.

    Examples
    --------
    >>> GlobalAvgPool2d().forward(np.array([[[[1.0, 2.0], [3.0, 6.0]]]])).tolist()
    [[[[3.0]]]]
    """

    _function, _slope = staticmethod(global_avg_pool2d), staticmethod(global_avg_pool2d_backward)


class ReLU(_Activation):
    """`relu` as a layer: positive values pass, the others become zero.

    References
    ----------
    V. Nair and G. Hinton, "Rectified linear units improve restricted Boltzmann machines" (2010); documentation of
    PyTorch's ReLU.

    Examples
    --------
    >>> ReLU().forward(np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    _function, _slope = staticmethod(relu), staticmethod(relu_backward)


class PReLU(Layer):
    """`prelu` as a layer: leaky ReLU whose slopes below zero are learned.

    Parameters
    ----------
    channels : int, default 1
        Number of slopes: 1 for all channels together, or one for each channel of the input (N, C, ...).
    slope : float, default 0.25
        What the slopes are before training.
    dtype : type, default numpy.float32
        Type of the slopes, float32 or float64.

    Raises
    ------
    TypeError
        If `channels` is not a whole number, or `dtype` another type.
    ValueError
        If `channels` is below 1, or, in `forward`, if x has other channels.

    Notes
    -----
    x where x > 0, else slope * x. Weight decay would pull the slopes towards those of ReLU; the article does without.

    References
    ----------
    K. He et al., "Delving deep into rectifiers" (2015), section 2.1; documentation of PyTorch's PReLU.

    Examples
    --------
    >>> layer = PReLU()
    >>> layer.forward(np.array([-4.0, 2.0])).tolist()
    [-1.0, 2.0]
    >>> layer.backward(np.array([1.0, 1.0])).tolist(), layer.gradients()[0].tolist()
    ([0.25, 1.0], [-4.0])
    """

    def __init__(self, channels: int = 1, slope: float = 0.25, dtype: type = np.float32) -> None:
        self.weight = np.full(check_int("channels", channels, 1), slope, check_dtype(dtype))
        self._gradients: list[np.ndarray] = []

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        return prelu(self._remember(x), self.weight)

    def backward(self, grad: np.ndarray) -> np.ndarray:
        dx, *self._gradients = prelu_backward(grad, self._remembered(), self.weight)
        return dx

    def parameters(self) -> list[np.ndarray]:
        return [self.weight]

    def gradients(self) -> list[np.ndarray]:
        if not self._gradients:
            raise RuntimeError("PReLU has no gradients yet: call forward, then backward")
        return self._gradients


class GELU(_Activation):
    """`gelu` as a layer: every value weighed with the probability that a standard normal number is smaller.

    Parameters
    ----------
    approximate : str, default "none"
        One of "none", "tanh".
        Whether the normal distribution is computed exactly, or by an older formula with tanh that is off by less than
        0.0005.

    Raises
    ------
    ValueError
        If `approximate` is another.

    References
    ----------
    D. Hendrycks and K. Gimpel, "Gaussian error linear units" (2016); documentation of PyTorch's GELU.

    Examples
    --------
    >>> GELU().forward(np.array([-10.0, 0.0, 10.0])).round(6).tolist()
    [-0.0, 0.0, 10.0]
    """

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = check_choice("approximate", approximate, ("none", "tanh"))

    def _function(self, x: np.ndarray) -> np.ndarray:
        return gelu(x, self.approximate)

    def _slope(self, grad: np.ndarray, x: np.ndarray) -> np.ndarray:
        return gelu_backward(grad, x, self.approximate)


class SiLU(_Activation):
    """`silu` as a layer: every value weighed with its sigmoid.

    References
    ----------
    S. Elfwing, E. Uchibe and K. Doya, "Sigmoid-weighted linear units" (2018); P. Ramachandran, B. Zoph and Q. Le,
    "Searching for activation functions" (2017), who call it Swish; documentation of PyTorch's SiLU.

    Examples
    --------
    >>> SiLU().forward(np.array([0.0, 1e4])).tolist()
    [0.0, 10000.0]
    """

    _function, _slope = staticmethod(silu), staticmethod(silu_backward)


class Tanh(_Activation):
    """`tanh` as a layer: every value is squeezed between -1 and 1.

    References
    ----------
    Documentation of PyTorch's Tanh.

    Examples
    --------
    >>> Tanh().forward(np.array([0.0])).tolist()
    [0.0]
    """

    _function, _slope = staticmethod(tanh), staticmethod(tanh_backward)


class Sigmoid(_Activation):
    """`sigmoid` as a layer: every value is squeezed between 0 and 1.

    References
    ----------
    Documentation of PyTorch's Sigmoid.

    Examples
    --------
    >>> Sigmoid().forward(np.array([0.0])).tolist()
    [0.5]
    """

    _function, _slope = staticmethod(sigmoid), staticmethod(sigmoid_backward)


class Flatten(Layer):
    """Lay all numbers of an example in one row.

    Notes
    -----
    x (N, ...) becomes (N, all the rest multiplied). The entries stay in their order, the last axis fastest.

    References
    ----------
    Documentation of PyTorch's Flatten.

    Examples
    --------
    >>> Flatten().forward(np.zeros((5, 2, 3, 3))).shape
    (5, 18)
    """

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = self._remember(x)
        return x.reshape(len(x), math.prod(x.shape[1:]))

    def backward(self, grad: np.ndarray) -> np.ndarray:
        x = self._remembered()
        return check_gradient(grad, (len(x), math.prod(x.shape[1:]))).reshape(x.shape)


class Dropout(Layer):
    """While training, set each number to zero with probability p, and scale up the others so that the mean stays.

    Parameters
    ----------
    p : float
        Probability of a zero, at least 0 and below 1.
    rng : numpy.random.Generator
        Where the zeros are drawn from.

    Raises
    ------
    TypeError
        If `rng` is not a generator.
    ValueError
        If p is outside [0, 1).

    Notes
    -----
    x * mask / (1 - p) in training, x otherwise; the mask is drawn anew at each call. x may have any shape.

    References
    ----------
    N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting" (2014); the scaling while
    training ("inverted") is PyTorch's.

    Examples
    --------
    >>> x = np.ones((1, 6))
    >>> Dropout(0.5, np.random.default_rng(0)).forward(x, training=True).tolist()
    [[2.0, 0.0, 0.0, 0.0, 2.0, 2.0]]
    """

    _scale: np.ndarray | None = None

    def __init__(self, p: float, rng: np.random.Generator) -> None:
        if not 0 <= p < 1:
            raise ValueError(f"p must be at least 0 and below 1, got {p}")
        self.p, self._rng = p, check_generator(rng)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = self._remember(as_floats("x", x))
        self._scale = (
            (self._rng.random(x.shape) >= self.p).astype(x.dtype) / x.dtype.type(1 - self.p) if training else None
        )
        return x if self._scale is None else x * self._scale

    def backward(self, grad: np.ndarray) -> np.ndarray:
        if self._scale is None:
            return check_gradient(grad, self._remembered().shape)
        return check_gradient(grad, self._scale.shape) * self._scale


class _Container(Layer):
    """Layers inside a layer: what is common to all ways of connecting them."""

    layers: Sequence[Layer]
    _names: Sequence[str]
    """What each of the layers is called, such as "layer 0" or "branch 1"."""

    def _contain(self, named: Sequence[tuple[str, Layer]], hint: str) -> None:
        """Keep the layers, all of which must be layers, each a different object."""
        for name, layer in named:
            if isinstance(layer, type) or not callable(getattr(layer, "forward", None)):
                raise TypeError(f"{name} must be a layer such as ReLU(), got {layer!r}; write {hint}")
        self._names, self.layers = tuple(name for name, _ in named), tuple(layer for _, layer in named)
        seen: dict[int, str] = {}
        for name, layer in self._leaves():
            if id(layer) in seen:
                raise ValueError(
                    f"{name} is the same object as {seen[id(layer)]}; a layer remembers one forward pass, make a new one"
                )
            seen[id(layer)] = name

    def _leaves(self) -> Iterator[tuple[str, Layer]]:
        """Every layer that contains no other, with its place and kind."""
        for place, layer in enumerate(self.layers):
            name = self._name(place)
            if isinstance(layer, _Container):
                yield from ((f"{inner} in {name}", part) for inner, part in layer._leaves())
            else:
                yield name, layer

    def _name(self, place: int) -> str:
        return f"{self._names[place]} ({type(self.layers[place]).__name__})"

    @contextmanager
    def _named_errors(self, place: int) -> Iterator[None]:
        """Errors inside begin with the name of the layer."""
        try:
            yield
        except (ValueError, TypeError) as error:
            raise error_at(self._name(place), error) from error

    def parameters(self) -> list[np.ndarray]:
        return [array for layer in self.layers for array in layer.parameters()]

    def gradients(self) -> list[np.ndarray]:
        return [array for layer in self.layers for array in layer.gradients()]

    def buffers(self) -> list[np.ndarray]:
        return [array for layer in self.layers for array in getattr(layer, "buffers", list)()]

    def _named_arrays(self) -> dict[str, np.ndarray]:
        """All that a file of weights holds; buffers after the parameters, so that files without buffers stay readable."""
        arrays = {f"parameter_{place}": array for place, array in enumerate(self.parameters())}
        return arrays | {f"buffer_{place}": array for place, array in enumerate(self.buffers())}

    def save(self, path: str | Path) -> None:
        """Write all weights and buffers into an .npz file of exactly this name.

        Parameters
        ----------
        path : str or Path
            The file. One that exists is replaced.
        """
        with open(path, "wb") as file:  # to a bare name, NumPy would add an ending that `load` does not know of
            np.savez_compressed(file, **self._named_arrays())  # type: ignore[arg-type]

    def load(self, path: str | Path) -> None:
        """Read weights that `save` wrote; on any error, nothing has been changed.

        Parameters
        ----------
        path : str or Path
            The file.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is cut off, is not a file of weights, or is from a network with other shapes.
        """
        with open(path, "rb") as content:
            try:
                file = np.load(content, allow_pickle=False)
                loaded = {name: np.asarray(file[name]) for name in file.files}
            except Exception as error:  # what is damaged or foreign fails deep inside, with errors of every kind
                raise ValueError(f"{path} is not a whole file of weights: {error}") from error
        wanted = self._named_arrays()
        if set(loaded) != set(wanted):
            kept = f" and {len(self.buffers())} buffers" if self.buffers() else ""
            raise ValueError(
                f"{path} holds {sorted(loaded)}, but this network has {len(self.parameters())} parameters{kept}"
            )
        for name, array in wanted.items():
            if loaded[name].shape != array.shape or loaded[name].dtype.kind != "f":
                raise ValueError(
                    f"{path}: {name} is {loaded[name].dtype} of shape {loaded[name].shape}, but this network needs "
                    f"{array.dtype} of shape {array.shape}"
                )
        for name, array in wanted.items():
            array[...] = loaded[name]


class Sequential(_Container):
    """Layers one after the other: what comes out of one goes into the next.

    Parameters
    ----------
    *layers : Layer
        The layers, from the first to the last; each takes what the one before it gives.

    Raises
    ------
    TypeError
        If one is not a layer; and as the layers do, with the place and kind of the layer in front.
    ValueError
        If one object is used twice, because a layer remembers one input only; and as the layers do.

    Notes
    -----
    Forward from the first layer to the last, backward from the last to the first, by the chain rule.

    References
    ----------
    Documentation of PyTorch's Sequential.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> model = Sequential(Conv2d(1, 8, 3, rng), ReLU(), MaxPool2d(2), Flatten(), Linear(8 * 9 * 9, 26, rng))
    >>> model.forward(np.zeros((5, 1, 20, 20), np.float32)).shape
    (5, 26)
    >>> [w.shape for w in model.parameters()]
    [(8, 1, 3, 3), (8,), (26, 648), (26,)]
    """

    def __init__(self, *layers: Layer) -> None:
        named = [(f"layer {place}", layer) for place, layer in enumerate(layers)]
        self._contain(named, "Sequential(first, second)")

    def named_layers(self) -> Iterator[tuple[str, Layer]]:
        """Every layer in the order of `forward`, with its place and kind; instead of a Sequential, the layers inside it.

        Each takes what the one before it gives; `Branches` and `Residual` are one layer.
        """
        for place, layer in enumerate(self.layers):
            name = self._name(place)
            if isinstance(layer, Sequential):
                yield from ((f"{inner} in {name}", part) for inner, part in layer.named_layers())
            else:
                yield name, layer

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        try:
            for layer in self.layers:
                x = layer.forward(x, training)
        except (ValueError, TypeError) as error:
            raise error_at(self._name(self._place(layer)), error) from error
        return x

    # --8<-- [start:backward]
    def backward(self, grad: np.ndarray) -> np.ndarray:
        try:
            for layer in reversed(self.layers):
                grad = layer.backward(grad)
        except (ValueError, TypeError) as error:
            raise error_at(self._name(self._place(layer)), error) from error
        return grad

    # --8<-- [end:backward]

    def backward_to_weights(self, grad: np.ndarray) -> None:
        """As `backward`, without the gradient for the input, which training does not need and which costs a fifth."""
        try:
            for layer in reversed(self.layers):
                if layer is self.layers[0] and isinstance(layer, Conv2d):
                    layer.backward_to_weights(grad)
                else:
                    grad = layer.backward(grad)
        except (ValueError, TypeError) as error:
            raise error_at(self._name(self._place(layer)), error) from error

    def _place(self, layer: Layer) -> int:
        return next(place for place, other in enumerate(self.layers) if other is layer)


class Branches(_Container):
    """Give one input to several layers, and join their outputs along the channels.

    Parameters
    ----------
    *branches : Layer
        At least one layer; a branch of several layers is a `Sequential`, an empty `Sequential()` hands its input on.
        Each takes (N, C, H, W); their outputs differ in the number of channels at most.

    Raises
    ------
    TypeError
        If a branch is not a layer.
    ValueError
        If there is no branch, if one object is used twice, or, in `forward`, if the outputs differ in more than channels.

    Notes
    -----
    Forward concatenates: (N, C_1 + C_2 + ..., H, W), in the order of the branches. Backward cuts the gradient into the
    same pieces, carries each back through its branch, and adds the results, because every branch has seen the whole
    input.

    References
    ----------
    C. Szegedy et al., "Going deeper with convolutions" (2015), figure 2; F. Iandola et al., "SqueezeNet" (2016), figure 1.

    Examples
    --------
    >>> x = np.array([[[[1.0, -2.0]]]])
    >>> both = Branches(Sequential(), ReLU())
    >>> both.forward(x).tolist()
    [[[[1.0, -2.0]], [[1.0, 0.0]]]]
    >>> both.backward(np.array([[[[10.0, 10.0]], [[5.0, 5.0]]]])).tolist()     # 10 + 5, and 10 + 0
    [[[[15.0, 10.0]]]]
    """

    _shapes: list[tuple[int, ...]]

    def __init__(self, *branches: Layer) -> None:
        if not branches:
            raise ValueError("Branches needs at least one branch, such as Branches(Sequential(), ReLU())")
        self._contain([(f"branch {place}", branch) for place, branch in enumerate(branches)], "Branches(first, second)")

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x, outs = check_nchw("x", x), []
        for place, branch in enumerate(self.layers):
            with self._named_errors(place):
                outs.append(check_nchw("output", branch.forward(x, training)))
        shapes = [out.shape for out in outs]
        if len({(count, *size) for count, _, *size in shapes}) > 1:
            raise ValueError(
                f"branches must differ in channels only, got the outputs {shapes}; "
                "padding and strides decide the height and width"
            )
        self._remember(x)
        self._shapes = shapes
        return np.concatenate(outs, axis=1)

    def backward(self, grad: np.ndarray) -> np.ndarray:
        x = self._remembered()
        (count, _, *size), channels = self._shapes[0], [shape[1] for shape in self._shapes]
        pieces = np.split(check_gradient(grad, (count, sum(channels), *size)), np.cumsum(channels)[:-1], axis=1)
        total = np.zeros_like(x)
        for place, (branch, piece) in enumerate(zip(self.layers, pieces, strict=True)):
            with self._named_errors(place):
                total = total + branch.backward(piece)
        return total


class Residual(_Container):
    """Add to what a layer computes the input that it was given: a skip connection.

    Parameters
    ----------
    body : Layer
        What is learned; several layers are a `Sequential`.
    shortcut : Layer, optional
        The way past the body, such as a 1x1 convolution (a projection) where the body changes channels or size. Without
        it, the input itself is added.

    Raises
    ------
    TypeError
        If `body` or `shortcut` is not a layer.
    ValueError
        If one object is used twice, or, in `forward`, if the two summands have different shapes.

    Notes
    -----
    Forward: body(x) + shortcut(x). Backward adds the gradients of the two ways, so that the gradient reaches the layers
    in front also where the body lets nothing through. The activation that the published networks apply to the sum is a
    layer of its own: ``Sequential(Residual(...), ReLU())``.

    References
    ----------
    K. He et al., "Deep residual learning for image recognition" (2016), section 3.

    Examples
    --------
    >>> block = Residual(ReLU())
    >>> block.forward(np.array([-1.0, 2.0])).tolist()
    [-1.0, 4.0]
    >>> block.backward(np.array([1.0, 1.0])).tolist()
    [1.0, 2.0]
    """

    _shape: tuple[int, ...]

    def __init__(self, body: Layer, shortcut: Layer | None = None) -> None:
        named = [("body", body)] if shortcut is None else [("body", body), ("shortcut", shortcut)]
        self._contain(named, "Residual(body) or Residual(body, shortcut)")
        self.body, self.shortcut = body, shortcut

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x, summands = as_floats("x", x), []
        for place, layer in enumerate(self.layers):
            with self._named_errors(place):
                summands.append(layer.forward(x, training))
        out, *others = summands
        past = others[0] if others else x
        if out.shape != past.shape:
            fit = "a shortcut such as a 1x1 Conv2d with the channels and the stride of the body"
            raise ValueError(f"the body gives shape {out.shape} and the way past it {past.shape}; use {fit}")
        self._remember(x)
        self._shape = out.shape
        return out + past

    def backward(self, grad: np.ndarray) -> np.ndarray:
        self._remembered()
        grad = check_gradient(grad, self._shape)
        gradients = []
        for place, layer in enumerate(self.layers):
            with self._named_errors(place):
                gradients.append(layer.backward(grad))
        return gradients[0] + (grad if self.shortcut is None else gradients[1])
