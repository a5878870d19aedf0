"""How weights are drawn before training: the variance depends on how many inputs a unit sums up.

With this module, one can
- count those inputs and outputs (`fans`) and say what an activation does to a variance (`gain`),
- draw weights: `lecun_normal`, `xavier_uniform`, `xavier_normal`, `he_uniform`, `he_normal`, `orthogonal`, `constant`.

Every draw takes a `numpy.random.Generator`: nothing is seeded behind the reader's back. Shapes are (out, in) for a linear
layer and (out_channels, in_channels / groups, k_h, k_w) for a convolution.
"""

import math
from collections.abc import Sequence

import numpy as np

from cnnguide._checks import check_choice, check_dtype, check_generator, check_int

__all__ = [
    "constant",
    "fans",
    "gain",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "orthogonal",
    "xavier_normal",
    "xavier_uniform",
]

Shape = Sequence[int]

LINEAR = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
"""Names that PyTorch has for no activation at all."""


def fans(shape: Shape) -> tuple[int, int]:
    """Number of inputs that one unit sums up, and of outputs that one input reaches: (fan_in, fan_out).

    Formula: fan_in = in_channels * k_h * k_w, fan_out = out_channels * k_h * k_w; k_h = k_w = 1 for a linear layer.

    Shapes: `shape` is (out, in) of a linear layer, or (out_channels, in_channels, k_h, k_w, ...) of a convolution.

    Raises ValueError for a shape with fewer than two axes or an axis that is empty.

    Source: He et al., "Delving deep into rectifiers" (2015), section 2.2, where fan_in is n_l and fan_out is n-hat_l.

    >>> fans((64, 3, 7, 7))                     # each of 64 kernels sums up 3 * 7 * 7 numbers
    (147, 3136)
    """
    if not isinstance(shape, Sequence):
        raise TypeError(f"a shape is a sequence such as (out, in), got {shape!r}")
    shape = tuple(check_int(f"axis {axis} of the shape", length, 1) for axis, length in enumerate(shape))
    if len(shape) < 2:
        raise ValueError(f"a weight needs at least the axes (out, in), got shape {shape}")
    positions = math.prod(shape[2:])
    return shape[1] * positions, shape[0] * positions


def gain(nonlinearity: str, slope: float = 0.01) -> float:
    """By how much larger weights must be, in standard deviations, to make up for an activation.

    Formula: 1 for "linear", "sigmoid", and the convolutions that PyTorch names here ("conv2d", "conv_transpose2d", ...),
    5 / 3 for "tanh", sqrt(2) for "relu", sqrt(2 / (1 + slope ** 2)) for "leaky_relu", 3 / 4 for "selu".

    Raises ValueError for another name.

    Source: documentation of PyTorch's torch.nn.init.calculate_gain; the 5 / 3 of tanh is an empirical choice.

    Shapes: returns one number.

    >>> gain("relu") ** 2
    2.0000000000000004
    """
    gains = {
        **dict.fromkeys(LINEAR, 1.0),
        "sigmoid": 1.0,
        "tanh": 5 / 3,
        "relu": math.sqrt(2),
        "leaky_relu": math.sqrt(2 / (1 + slope**2)),
        "selu": 3 / 4,
    }
    return gains[check_choice("nonlinearity", nonlinearity, gains)]


def lecun_normal(shape: Shape, rng: np.random.Generator, dtype: type = np.float64) -> np.ndarray:
    """Weights whose sums have the variance of the inputs.

    Formula: weights ~ Normal(0, 1 / fan_in).

    Shapes, errors: as `fans`; returns an array of `shape` and `dtype`.

    Source: LeCun, Bottou, Orr and Müller, "Efficient backprop" (1998), section 4.6.

    >>> weights = lecun_normal((100, 400), np.random.default_rng(0))
    >>> round(float(weights.var()) * 400, 1)
    1.0
    """
    return _normal(shape, 1 / fans(shape)[0], rng, dtype)


def xavier_uniform(shape: Shape, rng: np.random.Generator, gain: float = 1.0, dtype: type = np.float64) -> np.ndarray:
    """Weights with a variance between what signals forward and gradients backward would need.

    Formula: weights ~ Uniform(-a, a) with a = gain * sqrt(6 / (fan_in + fan_out)), of variance 2 gain² / (fan_in + fan_out).

    Shapes, errors: as `fans`; returns an array of `shape` and `dtype`.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010),
    equation 16.

    >>> weights = xavier_uniform((100, 200), np.random.default_rng(0))
    >>> bool(abs(weights).max() <= (6 / 300) ** 0.5)
    True
    """
    return _uniform(shape, gain**2 * 2 / sum(fans(shape)), rng, dtype)


def xavier_normal(shape: Shape, rng: np.random.Generator, gain: float = 1.0, dtype: type = np.float64) -> np.ndarray:
    """Weights with the variance of `xavier_uniform`, from a normal distribution.

    Formula: weights ~ Normal(0, 2 gain² / (fan_in + fan_out)).

    Shapes, errors: as `xavier_uniform`.

    Source: Glorot and Bengio (2010), equation 12.

    >>> weights = xavier_normal((100, 300), np.random.default_rng(0))
    >>> round(float(weights.var()) * 200, 1)
    1.0
    """
    return _normal(shape, gain**2 * 2 / sum(fans(shape)), rng, dtype)


def he_uniform(shape: Shape, rng: np.random.Generator, mode: str = "fan_in", dtype: type = np.float64) -> np.ndarray:
    """Weights with the variance of `he_normal`, from a uniform distribution.

    Formula: weights ~ Uniform(-a, a) with a = sqrt(6 / fan).

    Shapes, errors: as `he_normal`.

    Source: as `he_normal`.

    >>> weights = he_uniform((64, 3, 7, 7), np.random.default_rng(0))
    >>> bool(abs(weights).max() <= (6 / 147) ** 0.5)
    True
    """
    return _uniform(shape, 2 / _fan(shape, mode), rng, dtype)


def he_normal(shape: Shape, rng: np.random.Generator, mode: str = "fan_in", dtype: type = np.float64) -> np.ndarray:
    """Weights from a normal distribution whose variance makes up for what ReLU throws away.

    Formula: weights ~ Normal(0, 2 / fan), so that the mean square of the activations stays the same, on average over
    draws, from one ReLU layer to the next (`mode` "fan_in"), or that of the gradients ("fan_out").

    Shapes: returns an array of `shape` and `dtype`; for the meaning of the axes see `fans`.

    Raises ValueError for an unknown mode, and as `fans` does.

    Source: He et al. (2015), equations 10 and 14.

    >>> weights = he_normal((64, 3, 7, 7), np.random.default_rng(0))
    >>> round(float(weights.var()) * 147, 1)    # variance times fan_in: 2, but for the luck of the draw
    2.0
    """
    return _normal(shape, 2 / _fan(shape, mode), rng, dtype)


def orthogonal(shape: Shape, rng: np.random.Generator, gain: float = 1.0, dtype: type = np.float64) -> np.ndarray:
    """Weights that rotate: as a matrix of (out, everything else), its rows (or columns, if fewer) are orthonormal.

    Formula: Q of a random normal matrix, with the signs of R's diagonal so that all rotations are equally likely.

    Shapes, errors: as `fans`; returns an array of `shape` and `dtype`.

    Source: Saxe, McClelland and Ganguli (2013); Mezzadri (2006) for the signs.

    >>> q = orthogonal((2, 3), np.random.default_rng(0))
    >>> bool(np.allclose(q @ q.T, np.eye(2)))
    True
    """
    fans(shape)
    check_dtype(dtype)
    check_generator(rng)
    rows, columns = shape[0], math.prod(shape[1:])
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q *= np.sign(np.diag(r))
    matrix = q if rows >= columns else q.T
    return (gain * matrix).reshape(shape).astype(dtype)


def constant(
    shape: Shape, rng: np.random.Generator | None = None, value: float = 0.0, dtype: type = np.float64
) -> np.ndarray:
    """The same number everywhere: right for biases, wrong for weights, whose units would stay copies of each other.

    Shapes: any; returns an array of `shape` and `dtype`. `rng` is not used; it is there so that all initialisers are called
    alike.

    Source: Goodfellow, Bengio and Courville (2016), section 8.4, on breaking the symmetry.

    Formula: weights = value.

    >>> constant((2,), value=0.5).tolist()
    [0.5, 0.5]
    """
    check_dtype(dtype)
    return np.full(tuple(shape), value, dtype)


def _fan(shape: Shape, mode: str) -> int:
    fan_in, fan_out = fans(shape)
    return fan_in if check_choice("mode", mode, ("fan_in", "fan_out")) == "fan_in" else fan_out


def _normal(shape: Shape, variance: float, rng: np.random.Generator, dtype: type) -> np.ndarray:
    check_dtype(dtype)
    check_generator(rng)
    return (math.sqrt(variance) * rng.standard_normal(tuple(shape))).astype(dtype)


def _uniform(shape: Shape, variance: float, rng: np.random.Generator, dtype: type) -> np.ndarray:
    check_dtype(dtype)
    check_generator(rng)
    bound = math.sqrt(3 * variance)
    return rng.uniform(-bound, bound, tuple(shape)).astype(dtype)
