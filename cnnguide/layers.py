"""Layers: the operations of this package with their weights, forward beside backward.

With this module, one can build a network as a `Sequential` of `Conv2d`, `Linear`, `MaxPool2d`, `AvgPool2d`, `ReLU`, `Tanh`,
`Sigmoid`, `Flatten` and `Dropout`. Every layer is used alike:

- `forward(x, training=False)` computes the output and remembers what the gradient will need,
- `backward(grad)` takes the gradient for that output, stores those of the weights, and returns that for the input,
- `parameters()` and `gradients()` list the weights and their gradients, in the same order.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from cnnguide._checks import as_floats, check_generator, check_gradient, check_int_pair, error_at
from cnnguide.activations import relu, relu_backward, sigmoid, sigmoid_backward, tanh, tanh_backward
from cnnguide.convolution import conv2d, conv2d_backward
from cnnguide.initializers import he_normal
from cnnguide.pooling import avg_pool2d, avg_pool2d_backward, max_pool2d, max_pool2d_backward
from cnnguide.shapes import ImagePadding, Pair, conv_parameters

__all__ = [
    "AvgPool2d",
    "Conv2d",
    "Dropout",
    "Flatten",
    "Layer",
    "Linear",
    "MaxPool2d",
    "ReLU",
    "Sequential",
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
            raise RuntimeError(f"{type(self).__name__} has met no input yet: call forward, then backward")
        return self._x

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        raise NotImplementedError

    def backward(self, grad: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def parameters(self) -> list[np.ndarray]:
        return []

    def gradients(self) -> list[np.ndarray]:
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

    Formula: `conv2d(x, weight, bias, ...)`. Weights are drawn by `he_normal`, biases start at zero.

    Shapes: x (N, in_channels, H, W), returns (N, out_channels, H', W').

    Raises ValueError and TypeError as `conv2d` does, for settings that fit no image as soon as it is made.

    Source: documentation of PyTorch's Conv2d (whose initial weights are others, see the chapter on initialisation).

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
        self.weight = he_normal(shape, rng, dtype=dtype)
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

    Formula: x @ weight.T + bias. Weights are drawn by `he_normal`, biases start at zero.

    Shapes: x (N, inputs), weight (outputs, inputs), returns (N, outputs).

    Raises ValueError where x has other than `inputs` columns, or the gradient for the output not its shape.

    Source: documentation of PyTorch's Linear.

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


class _Pool2d(Layer):
    """What both poolings share: their settings, and a kernel that fits no image is refused as soon as it is given."""

    _pool: ClassVar[Callable[..., np.ndarray]]
    _pool_backward: ClassVar[Callable[..., np.ndarray]]

    def __init__(self, kernel: Pair, stride: Pair | None = None, padding: Pair = 0) -> None:
        self.kernel, self.stride, self.padding = kernel, stride, padding
        self._pool(np.zeros((0, 1, *check_int_pair("kernel", kernel, 1))), **self._settings())  # no image, all checks

    def _settings(self) -> dict[str, Any]:
        return {"kernel": self.kernel, "stride": self.stride, "padding": self.padding}

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        return self._pool(self._remember(x), **self._settings())

    def backward(self, grad: np.ndarray) -> np.ndarray:
        return self._pool_backward(grad, self._remembered(), **self._settings())


class MaxPool2d(_Pool2d):
    """`max_pool2d` as a layer.

    Formula, shapes, source: as `max_pool2d`.

    >>> MaxPool2d(2).forward(np.array([[[[1.0, 2.0], [3.0, 4.0]]]])).tolist()
    [[[[4.0]]]]
    """

    _pool, _pool_backward = staticmethod(max_pool2d), staticmethod(max_pool2d_backward)


class AvgPool2d(_Pool2d):
    """`avg_pool2d` as a layer.

    Formula, shapes, source: as `avg_pool2d`.

    >>> AvgPool2d(2).forward(np.array([[[[1.0, 2.0], [3.0, 4.0]]]])).tolist()
    [[[[2.5]]]]
    """

    _pool, _pool_backward = staticmethod(avg_pool2d), staticmethod(avg_pool2d_backward)


class _Activation(Layer):
    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        return self._function(self._remember(x))

    def backward(self, grad: np.ndarray) -> np.ndarray:
        return self._slope(grad, self._remembered())

    def _function(self, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _slope(self, grad: np.ndarray, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError


class ReLU(_Activation):
    """`relu` as a layer.

    Formula, shapes, source: as `relu`.

    >>> ReLU().forward(np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    _function, _slope = staticmethod(relu), staticmethod(relu_backward)


class Tanh(_Activation):
    """`tanh` as a layer.

    Formula, shapes, source: as `tanh`.

    >>> Tanh().forward(np.array([0.0])).tolist()
    [0.0]
    """

    _function, _slope = staticmethod(tanh), staticmethod(tanh_backward)


class Sigmoid(_Activation):
    """`sigmoid` as a layer.

    Formula, shapes, source: as `sigmoid`.

    >>> Sigmoid().forward(np.array([0.0])).tolist()
    [0.5]
    """

    _function, _slope = staticmethod(sigmoid), staticmethod(sigmoid_backward)


class Flatten(Layer):
    """Lay all numbers of an example in one row.

    Shapes: x (N, ...), returns (N, all the rest multiplied).

    Formula: the entries stay in their order, the last axis fastest.

    Source: documentation of PyTorch's Flatten.

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

    Formula: x * mask / (1 - p) in training, x otherwise; the mask is drawn anew at each call.

    Shapes: any; returns the same.

    Raises ValueError for p outside [0, 1), TypeError for what is no generator.

    Source: Srivastava et al. (2014); the scaling while training ("inverted") is PyTorch's.

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


class Sequential(Layer):
    """Layers one after the other: what comes out of one goes into the next.

    Shapes: those of the first layer in, those of the last out.

    Raises ValueError and TypeError as the layers do, with the place and kind of the layer in front; and ValueError for one
    object at two places, because a layer remembers one input only.

    Source: documentation of PyTorch's Sequential.

    Formula: forward from the first layer to the last, backward from the last to the first, by the chain rule.

    >>> rng = np.random.default_rng(0)
    >>> model = Sequential(Conv2d(1, 8, 3, rng), ReLU(), MaxPool2d(2), Flatten(), Linear(8 * 9 * 9, 26, rng))
    >>> model.forward(np.zeros((5, 1, 20, 20), np.float32)).shape
    (5, 26)
    >>> [w.shape for w in model.parameters()]
    [(8, 1, 3, 3), (8,), (26, 648), (26,)]
    """

    def __init__(self, *layers: Layer) -> None:
        self.layers: Sequence[Layer] = layers
        for place, layer in enumerate(layers):
            if isinstance(layer, type) or not callable(getattr(layer, "forward", None)):
                raise TypeError(
                    f"layer {place} must be a layer such as ReLU(), got {layer!r}; write Sequential(first, second)"
                )
        met: dict[int, str] = {}
        for name, layer in self.named_layers():
            if id(layer) in met:
                raise ValueError(
                    f"{name} is the same object as {met[id(layer)]}; a layer remembers one forward pass, make a new one"
                )
            met[id(layer)] = name

    def named_layers(self) -> Iterator[tuple[str, Layer]]:
        """Every layer in the order of `forward`, with its place and kind; of a Sequential those that stand in it."""
        for place, layer in enumerate(self.layers):
            name = f"layer {place} ({type(layer).__name__})"
            if isinstance(layer, Sequential):
                yield from ((f"{inner} in {name}", part) for inner, part in layer.named_layers())
            else:
                yield name, layer

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        try:
            for layer in self.layers:
                x = layer.forward(x, training)
        except (ValueError, TypeError) as error:
            raise self._with_place(layer, error) from error
        return x

    # --8<-- [start:backward]
    def backward(self, grad: np.ndarray) -> np.ndarray:
        try:
            for layer in reversed(self.layers):
                grad = layer.backward(grad)
        except (ValueError, TypeError) as error:
            raise self._with_place(layer, error) from error
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
            raise self._with_place(layer, error) from error

    def _with_place(self, layer: Layer, error: ValueError | TypeError) -> ValueError | TypeError:
        place = next(place for place, other in enumerate(self.layers) if other is layer)
        return error_at(f"layer {place} ({type(layer).__name__})", error)

    def parameters(self) -> list[np.ndarray]:
        return [array for layer in self.layers for array in layer.parameters()]

    def gradients(self) -> list[np.ndarray]:
        return [array for layer in self.layers for array in layer.gradients()]

    def save(self, path: str | Path) -> None:
        """Write all weights into an .npz file of exactly this name, in the order of `parameters`."""
        arrays = {f"parameter_{place}": array for place, array in enumerate(self.parameters())}
        with open(path, "wb") as file:  # to a bare name, NumPy would add an ending that `load` does not know of
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

    def load(self, path: str | Path) -> None:
        """Read weights that `save` wrote; on any error, nothing has been changed.

        Raises FileNotFoundError where there is no file, ValueError for a file that is cut off, foreign, or of a network
        with other shapes.
        """
        with open(path, "rb") as content:
            try:
                file = np.load(content, allow_pickle=False)
                loaded = {name: np.asarray(file[name]) for name in file.files}
            except Exception as error:  # what is damaged or foreign fails deep inside, with errors of every kind
                raise ValueError(f"{path} is no whole file of weights: {error}") from error
        wanted = {f"parameter_{place}": array for place, array in enumerate(self.parameters())}
        if set(loaded) != set(wanted):
            raise ValueError(f"{path} holds {sorted(loaded)}, but this network has {len(wanted)} parameters")
        for name, array in wanted.items():
            if loaded[name].shape != array.shape or loaded[name].dtype.kind != "f":
                raise ValueError(
                    f"{path}: {name} is {loaded[name].dtype} of shape {loaded[name].shape}, but this network needs "
                    f"{array.dtype} of shape {array.shape}"
                )
        for name, array in wanted.items():
            array[...] = loaded[name]
