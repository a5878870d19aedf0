"""How weights are drawn before training: the variance depends on how many inputs a unit sums up.

With this module, one can
- count those inputs and outputs (`fans`) and say what an activation does to a variance (`gain`),
- draw weights: `lecun_normal`, `xavier_uniform`, `xavier_normal`, `he_uniform`, `he_normal`, `orthogonal`, `constant`.

Every draw takes a `numpy.random.Generator`: nothing is seeded in secret. Shapes are (out, in) for a linear layer and
(out_channels, in_channels / groups, k_h, k_w) for a convolution.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from cnnguide._checks import check_choice, check_dtype, check_generator, check_int
from cnnguide.activations import gelu, silu

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


def fans(shape: Shape, groups: int = 1) -> tuple[int, int]:
    """Number of inputs that one unit sums up, and of outputs that one input reaches.

    Parameters
    ----------
    shape : sequence of int
        Shape of the weights: (out, in) of a linear layer, or (out_channels, in_channels / groups, k_h, k_w, ...) of a
        convolution.
    groups : int, default 1
        Number of groups of the convolution; `out` must be a multiple of it.

    Returns
    -------
    fan_in : int
        Inputs of one unit.
    fan_out : int
        Outputs that one input is part of.

    Raises
    ------
    TypeError
        If the shape is not a sequence of whole numbers.
    ValueError
        If it has fewer than two axes or an empty one, or if `groups` does not divide the first.

    Notes
    -----
    fan_in = shape[1] * k_h * k_w and fan_out = shape[0] / groups * k_h * k_w, with k_h = k_w = 1 for a linear layer. An
    input channel reaches the output channels of its own group only. PyTorch's initialisers are given the shape alone, so
    their fan_out is that of one group.

    References
    ----------
    K. He et al., "Delving deep into rectifiers" (2015), section 2.2, where fan_in is n_l and fan_out is n-hat_l.

    Examples
    --------
    >>> fans((64, 3, 7, 7))                     # each of 64 kernels sums up 3 * 7 * 7 numbers
    (147, 3136)
    >>> fans((4, 1, 3, 3), groups=4)            # depthwise: each channel has a kernel of its own
    (9, 9)
    """
    if not isinstance(shape, Sequence):
        raise TypeError(f"a shape is a sequence such as (out, in), got {shape!r}")
    shape = tuple(check_int(f"axis {axis} of the shape", length, 1) for axis, length in enumerate(shape))
    if len(shape) < 2:
        raise ValueError(f"a weight needs at least the axes (out, in), got shape {shape}")
    if shape[0] % check_int("groups", groups, 1):
        raise ValueError(f"groups must divide the outputs evenly, got groups {groups} for shape {shape}")
    positions = math.prod(shape[2:])
    return shape[1] * positions, shape[0] // groups * positions


def gain(nonlinearity: str, slope: float | None = None) -> float:
    """By how much larger weights must be, in standard deviations, to make up for an activation.

    Parameters
    ----------
    nonlinearity : str
        "linear", "sigmoid", "tanh", "relu", "leaky_relu", "prelu", "gelu", "silu", "selu", or one of the convolutions that
        PyTorch names here, such as "conv2d" and "conv_transpose2d", which are linear.
    slope : float, optional
        Slope below zero of "leaky_relu", 0.01 if not given, or of "prelu", 0.25 if not given.

    Returns
    -------
    float
        The factor, 1 for what is linear.

    Raises
    ------
    ValueError
        If the name is another.

    Notes
    -----
    1 for "linear" and "sigmoid", 5 / 3 for "tanh", sqrt(2) for "relu", sqrt(2 / (1 + slope ** 2)) for "leaky_relu" and
    "prelu", and 3 / 4 for "selu". The 5 / 3 of tanh is an empirical choice. PyTorch has no number for "gelu" and "silu";
    here it is 1 / sqrt(E[f(z)²]) with z ~ Normal(0, 1), by numeric integration: what keeps the mean square of the signals
    at 1 from layer to layer. The sqrt(2) of ReLU is of the same kind.

    References
    ----------
    Documentation of PyTorch's torch.nn.init.calculate_gain; K. He et al., "Delving deep into rectifiers" (2015), section
    2.2, for the mean square.

    Examples
    --------
    >>> round(gain("relu") ** 2, 12)            # half of the squares are lost
    2.0
    """
    slopes, functions = {"leaky_relu": 0.01, "prelu": 0.25}, {"gelu": gelu, "silu": silu}
    gains = {**dict.fromkeys(LINEAR, 1.0), "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}
    name = check_choice("nonlinearity", nonlinearity, [*gains, *slopes, *functions])
    if name in slopes:
        return math.sqrt(2 / (1 + (slopes[name] if slope is None else slope) ** 2))
    return 1 / math.sqrt(_mean_square(functions[name])) if name in functions else gains[name]


def _mean_square(function: Callable[[np.ndarray], np.ndarray]) -> float:
    """E[f(z)²] for z ~ Normal(0, 1): for smooth f, an even grid gives all digits."""
    z, step = np.linspace(-12, 12, 1001, retstep=True)
    return float((function(z) ** 2 * np.exp(-z * z / 2)).sum() * step / math.sqrt(2 * math.pi))


def lecun_normal(shape: Shape, rng: np.random.Generator, dtype: type = np.float64, *, groups: int = 1) -> np.ndarray:
    """Weights whose sums have the variance of the inputs.

    Parameters
    ----------
    shape : sequence of int
        Shape of the weights, as `fans` takes it.
    rng : numpy.random.Generator
        Where the numbers are drawn from.
    dtype : type, default numpy.float64
        Type of the weights, float32 or float64.
    groups : int, default 1
        Number of groups of a convolution. It is checked only: fan_in is that of one group, whatever their number.

    Returns
    -------
    ndarray
        The weights, of `shape` and `dtype`.

    Raises
    ------
    TypeError
        If `rng` is not a generator, or `dtype` another type; and as `fans`.
    ValueError
        As `fans`.

    Notes
    -----
    weights ~ Normal(0, 1 / fan_in).

    References
    ----------
    Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, "Efficient backprop" (1998), section 4.6.

    Examples
    --------
    >>> weights = lecun_normal((100, 400), np.random.default_rng(0))
    >>> round(float(weights.var()) * 400, 1)
    1.0
    """
    return _normal(shape, 1 / fans(shape, groups)[0], rng, dtype)


def xavier_uniform(
    shape: Shape, rng: np.random.Generator, gain: float = 1.0, dtype: type = np.float64, *, groups: int = 1
) -> np.ndarray:
    """Weights with a variance between what signals forward and gradients backward would need.

    Parameters
    ----------
    shape : sequence of int
        Shape of the weights, as `fans` takes it.
    rng : numpy.random.Generator
        Where the numbers are drawn from.
    gain : float, default 1
        Factor on all weights, such as `gain("tanh")`.
    dtype : type, default numpy.float64
        Type of the weights, float32 or float64.
    groups : int, default 1
        Number of groups of a convolution.

    Returns
    -------
    ndarray
        The weights, of `shape` and `dtype`.

    Raises
    ------
    TypeError
        If `rng` is not a generator, or `dtype` another type; and as `fans`.
    ValueError
        As `fans`.

    Notes
    -----
    weights ~ Uniform(-a, a) with a = gain * sqrt(6 / (fan_in + fan_out)), of variance 2 gain² / (fan_in + fan_out).

    References
    ----------
    X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010),
    equation 16.

    Examples
    --------
    >>> weights = xavier_uniform((100, 200), np.random.default_rng(0))
    >>> bool(abs(weights).max() <= (6 / 300) ** 0.5)
    True
    """
    return _uniform(shape, gain**2 * 2 / sum(fans(shape, groups)), rng, dtype)


def xavier_normal(
    shape: Shape, rng: np.random.Generator, gain: float = 1.0, dtype: type = np.float64, *, groups: int = 1
) -> np.ndarray:
    """Weights with the variance of `xavier_uniform`, from a normal distribution.

    Parameters
    ----------
    shape : sequence of int
        Shape of the weights, as `fans` takes it.
    rng : numpy.random.Generator
        Where the numbers are drawn from.
    gain : float, default 1
        Factor on all weights, such as `gain("tanh")`.
    dtype : type, default numpy.float64
        Type of the weights, float32 or float64.
    groups : int, default 1
        Number of groups of a convolution.

    Returns
    -------
    ndarray
        The weights, of `shape` and `dtype`.

    Raises
    ------
    TypeError
        If `rng` is not a generator, or `dtype` another type; and as `fans`.
    ValueError
        As `fans`.

    Notes
    -----
    weights ~ Normal(0, 2 gain² / (fan_in + fan_out)).

    References
    ----------
    X. Glorot and Y. Bengio (2010), equation 12.

    Examples
    --------
    >>> weights = xavier_normal((100, 300), np.random.default_rng(0))
    >>> round(float(weights.var()) * 200, 1)
    1.0
    """
    return _normal(shape, gain**2 * 2 / sum(fans(shape, groups)), rng, dtype)


def he_uniform(
    shape: Shape, rng: np.random.Generator, mode: str = "fan_in", dtype: type = np.float64, *, groups: int = 1
) -> np.ndarray:
    """Weights with the variance of `he_normal`, from a uniform distribution.

    Parameters
    ----------
    shape : sequence of int
        Shape of the weights, as `fans` takes it.
    rng : numpy.random.Generator
        Where the numbers are drawn from.
    mode : str, default "fan_in"
        One of "fan_in", "fan_out".
        Whether the size of the signals or that of the gradients is to stay.
    dtype : type, default numpy.float64
        Type of the weights, float32 or float64.
    groups : int, default 1
        Number of groups of a convolution.

    Returns
    -------
    ndarray
        The weights, of `shape` and `dtype`.

    Raises
    ------
    TypeError
        If `rng` is not a generator, or `dtype` another type; and as `fans`.
    ValueError
        If `mode` is another; and as `fans`.

    Notes
    -----
    weights ~ Uniform(-a, a) with a = sqrt(6 / fan).

    References
    ----------
    K. He et al. (2015), equations 10 and 14.

    Examples
    --------
    >>> weights = he_uniform((64, 3, 7, 7), np.random.default_rng(0))
    >>> bool(abs(weights).max() <= (6 / 147) ** 0.5)
    True
    """
    return _uniform(shape, 2 / _fan(shape, mode, groups), rng, dtype)


def he_normal(
    shape: Shape, rng: np.random.Generator, mode: str = "fan_in", dtype: type = np.float64, *, groups: int = 1
) -> np.ndarray:
    """Weights from a normal distribution whose variance makes up for what ReLU throws away.

    Parameters
    ----------
    shape : sequence of int
        Shape of the weights, as `fans` takes it.
    rng : numpy.random.Generator
        Where the numbers are drawn from.
    mode : str, default "fan_in"
        One of "fan_in", "fan_out".
        Whether the size of the signals or that of the gradients is to stay.
    dtype : type, default numpy.float64
        Type of the weights, float32 or float64.
    groups : int, default 1
        Number of groups of a convolution.

    Returns
    -------
    ndarray
        The weights, of `shape` and `dtype`.

    Raises
    ------
    TypeError
        If `rng` is not a generator, or `dtype` another type; and as `fans`.
    ValueError
        If `mode` is another; and as `fans`.

    Notes
    -----
    weights ~ Normal(0, 2 / fan), so that the mean square of the activations stays the same, on average over draws, from
    one ReLU layer to the next (`mode` "fan_in"), or that of the gradients ("fan_out").

    References
    ----------
    K. He et al., "Delving deep into rectifiers" (2015), equations 10 and 14.

    Examples
    --------
    >>> weights = he_normal((64, 3, 7, 7), np.random.default_rng(0))
    >>> round(float(weights.var()) * 147, 1)    # variance times fan_in: 2, but for the luck of the draw
    2.0
    """
    return _normal(shape, 2 / _fan(shape, mode, groups), rng, dtype)


def orthogonal(
    shape: Shape, rng: np.random.Generator, gain: float = 1.0, dtype: type = np.float64, *, groups: int = 1
) -> np.ndarray:
    """Weights that rotate: as a matrix of (out, everything else), its rows are orthonormal, or its columns, if fewer.

    Parameters
    ----------
    shape : sequence of int
        Shape of the weights, as `fans` takes it.
    rng : numpy.random.Generator
        Where the numbers are drawn from.
    gain : float, default 1
        Factor on all weights, such as `gain("tanh")`.
    dtype : type, default numpy.float64
        Type of the weights, float32 or float64.
    groups : int, default 1
        Number of groups of a convolution, each of which gets a matrix of its own.

    Returns
    -------
    ndarray
        The weights, of `shape` and `dtype`.

    Raises
    ------
    TypeError
        If `rng` is not a generator, or `dtype` another type; and as `fans`.
    ValueError
        As `fans`.

    Notes
    -----
    Q of a random normal matrix, with the signs of R's diagonal so that all rotations are equally likely.

    References
    ----------
    A. Saxe, J. McClelland and S. Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks" (2013); F. Mezzadri, "How to generate random matrices from the classical compact groups" (2006) for the
    signs.

    Examples
    --------
    >>> q = orthogonal((2, 3), np.random.default_rng(0))
    >>> bool(np.allclose(q @ q.T, np.eye(2)))
    True
    """
    fans(shape, groups)
    check_dtype(dtype)
    check_generator(rng)
    rows, columns = shape[0] // groups, math.prod(shape[1:])
    q, r = np.linalg.qr(rng.standard_normal((groups, max(rows, columns), min(rows, columns))))
    q *= np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]
    matrices = q if rows >= columns else q.swapaxes(1, 2)
    return (gain * matrices).reshape(tuple(shape)).astype(dtype)


def constant(
    shape: Shape,
    rng: np.random.Generator | None = None,
    value: float = 0.0,
    dtype: type = np.float64,
    *,
    groups: int = 1,
) -> np.ndarray:
    """The same number everywhere: right for biases, wrong for weights, whose units would stay copies of each other.

    Parameters
    ----------
    shape : sequence of int
        Any shape.
    rng : numpy.random.Generator, optional
        Not used; it is there so that all initialisers are called alike.
    value : float, default 0
        The number.
    dtype : type, default numpy.float64
        Type of the weights, float32 or float64.
    groups : int, default 1
        Not used, as `rng`.

    Returns
    -------
    ndarray
        An array of `shape` and `dtype`.

    Raises
    ------
    TypeError
        If `dtype` is another type.

    References
    ----------
    I. Goodfellow, Y. Bengio and A. Courville, "Deep learning" (2016), section 8.4, on breaking the symmetry.

    Examples
    --------
    >>> constant((2,), value=0.5).tolist()
    [0.5, 0.5]
    """
    check_dtype(dtype)
    return np.full(tuple(shape), value, dtype)


def _fan(shape: Shape, mode: str, groups: int) -> int:
    fan_in, fan_out = fans(shape, groups)
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
