"""The functions between the layers, each with its gradient below it.

With this module, one can apply `relu`, `leaky_relu`, `prelu`, `sigmoid`, `tanh`, `gelu`, `silu`, `softmax` and
`log_softmax`, and carry a gradient back through each: `f_backward(grad, x)` takes the gradient for the output and the input
that the function was given, and returns the gradient for that input. All work on arrays of any shape; float32 stays
float32; whole numbers and float16 are computed in float64. Numbers that are not real raise TypeError, a gradient of another
shape than the input's ValueError.
"""

import math

import numpy as np

from cnnguide._arrays import mask_gradient
from cnnguide._checks import as_floats, check_choice, check_gradient

__all__ = [
    "gelu",
    "gelu_backward",
    "leaky_relu",
    "leaky_relu_backward",
    "log_softmax",
    "log_softmax_backward",
    "prelu",
    "prelu_backward",
    "relu",
    "relu_backward",
    "sigmoid",
    "sigmoid_backward",
    "silu",
    "silu_backward",
    "softmax",
    "softmax_backward",
    "tanh",
    "tanh_backward",
]


def _gradient_and_input(grad: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gradient for an output and the input: an activation changes no shape, so that they must fit."""
    x = as_floats("x", x)
    return check_gradient(grad, x.shape), x


def relu(x: np.ndarray) -> np.ndarray:
    """Let positive values pass and set the others to zero.

    Parameters
    ----------
    x : ndarray
        Numbers, of any shape.

    Returns
    -------
    ndarray
        Of the shape of x, and of its type if that is float32 or float64.

    Raises
    ------
    TypeError
        If x holds other than real numbers.

    Notes
    -----
    max(x, 0).

    References
    ----------
    V. Nair and G. Hinton, "Rectified linear units improve restricted Boltzmann machines" (2010); documentation of
    PyTorch's ReLU.

    Examples
    --------
    >>> relu(np.array([-2.0, 0.0, 3.0])).tolist()
    [0.0, 0.0, 3.0]
    """
    return np.maximum(as_floats("x", x), 0)


def relu_backward(grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Let the gradient pass where the input was positive.

    Parameters
    ----------
    grad : ndarray
        Gradient for the output, of the shape of x.
    x : ndarray
        What the function was given, of any shape.

    Returns
    -------
    ndarray
        Gradient for x, of its shape.

    Raises
    ------
    TypeError
        If grad or x hold other than real numbers.
    ValueError
        If grad does not have the shape of x.

    Notes
    -----
    0 where x <= 0, else grad: 0 at 0 itself, as in PyTorch, and grad where x is NaN.

    References
    ----------
    V. Nair and G. Hinton, "Rectified linear units improve restricted Boltzmann machines" (2010); documentation of
    PyTorch's ReLU.

    Examples
    --------
    >>> relu_backward(np.array([5.0, 5.0, 5.0]), np.array([-2.0, 0.0, 3.0])).tolist()
    [0.0, 0.0, 5.0]
    """
    grad, x = _gradient_and_input(grad, x)
    return mask_gradient(~(x <= 0), grad)


def leaky_relu(x: np.ndarray, slope: float = 0.01) -> np.ndarray:
    """Let positive values pass and a small part of the others.

    Parameters
    ----------
    x : ndarray
        Numbers, of any shape.
    slope : float, default 0.01
        What numbers below zero are multiplied by.

    Returns
    -------
    ndarray
        Of the shape of x, and of its type if that is float32 or float64.

    Raises
    ------
    TypeError
        If x holds other than real numbers.

    Notes
    -----
    x where x > 0, else slope * x.

    References
    ----------
    A. Maas, A. Hannun and A. Ng, "Rectifier nonlinearities improve neural network acoustic models" (2013); documentation
    of PyTorch's LeakyReLU.

    Examples
    --------
    >>> leaky_relu(np.array([-2.0, 3.0]), slope=0.5).tolist()
    [-1.0, 3.0]
    """
    x = as_floats("x", x)
    return np.where(x > 0, x, x.dtype.type(slope) * x)


def leaky_relu_backward(grad: np.ndarray, x: np.ndarray, slope: float = 0.01) -> np.ndarray:
    """Let the gradient pass where the input was positive, and a small part elsewhere.

    Parameters
    ----------
    grad : ndarray
        Gradient for the output, of the shape of x.
    x : ndarray
        What the function was given, of any shape.
    slope : float, default 0.01
        What numbers below zero are multiplied by.

    Returns
    -------
    ndarray
        Gradient for x, of its shape.

    Raises
    ------
    TypeError
        If grad or x hold other than real numbers.
    ValueError
        If grad does not have the shape of x.

    Notes
    -----
    grad where x > 0, else slope * grad.

    References
    ----------
    A. Maas, A. Hannun and A. Ng, "Rectifier nonlinearities improve neural network acoustic models" (2013); documentation
    of PyTorch's LeakyReLU.

    Examples
    --------
    >>> leaky_relu_backward(np.array([4.0, 4.0]), np.array([-2.0, 3.0]), slope=0.5).tolist()
    [2.0, 4.0]
    """
    grad, x = _gradient_and_input(grad, x)
    return np.where(x > 0, grad, grad.dtype.type(slope) * grad)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Squeeze every value between 0 and 1.

    Parameters
    ----------
    x : ndarray
        Numbers, of any shape.

    Returns
    -------
    ndarray
        Of the shape of x, and of its type if that is float32 or float64.

    Raises
    ------
    TypeError
        If x holds other than real numbers.

    Notes
    -----
    1 / (1 + exp(-x)), computed from exp(-abs(x)) so that nothing overflows.

    References
    ----------
    Documentation of PyTorch's Sigmoid.

    Examples
    --------
    >>> sigmoid(np.array([0.0, 1e4, -1e4])).tolist()
    [0.5, 1.0, 0.0]
    """
    x = as_floats("x", x)
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def sigmoid_backward(grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Carry a gradient back through `sigmoid`.

    Parameters
    ----------
    grad : ndarray
        Gradient for the output, of the shape of x.
    x : ndarray
        What the function was given, of any shape.

    Returns
    -------
    ndarray
        Gradient for x, of its shape.

    Raises
    ------
    TypeError
        If grad or x hold other than real numbers.
    ValueError
        If grad does not have the shape of x.

    Notes
    -----
    grad * y * (1 - y) with y = sigmoid(x).

    References
    ----------
    Documentation of PyTorch's Sigmoid.

    Examples
    --------
    >>> sigmoid_backward(np.array([4.0]), np.array([0.0])).tolist()     # the slope is at most 1 / 4
    [1.0]
    """
    grad, x = _gradient_and_input(grad, x)
    y = sigmoid(x)
    return grad * y * (1 - y)


def tanh(x: np.ndarray) -> np.ndarray:
    """Squeeze every value between -1 and 1.

    Parameters
    ----------
    x : ndarray
        Numbers, of any shape.

    Returns
    -------
    ndarray
        Of the shape of x, and of its type if that is float32 or float64.

    Raises
    ------
    TypeError
        If x holds other than real numbers.

    Notes
    -----
    (exp(x) - exp(-x)) / (exp(x) + exp(-x)).

    References
    ----------
    Documentation of PyTorch's Tanh.

    Examples
    --------
    >>> tanh(np.array([0.0, 1e4])).tolist()
    [0.0, 1.0]
    """
    return np.tanh(as_floats("x", x))


def tanh_backward(grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Carry a gradient back through `tanh`.

    Parameters
    ----------
    grad : ndarray
        Gradient for the output, of the shape of x.
    x : ndarray
        What the function was given, of any shape.

    Returns
    -------
    ndarray
        Gradient for x, of its shape.

    Raises
    ------
    TypeError
        If grad or x hold other than real numbers.
    ValueError
        If grad does not have the shape of x.

    Notes
    -----
    grad * (1 - tanh(x) ** 2).

    References
    ----------
    Documentation of PyTorch's Tanh.

    Examples
    --------
    >>> tanh_backward(np.array([3.0]), np.array([0.0])).tolist()        # the slope is at most 1
    [3.0]
    """
    grad, x = _gradient_and_input(grad, x)
    return grad * (1 - tanh(x) ** 2)


def prelu(x: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Leaky ReLU with a slope that is learned.

    Parameters
    ----------
    x : ndarray
        Numbers, of any shape.
    slope : ndarray
        What numbers below zero are multiplied by: one number, (1,), or one for each channel, (C,), of x (N, C, ...).

    Returns
    -------
    ndarray
        Of the shape of x, and of its type if that is float32 or float64.

    Raises
    ------
    TypeError
        If x or slope hold other than real numbers.
    ValueError
        If the slopes are neither one nor as many as the channels.

    Notes
    -----
    x where x > 0, else slope * x.

    References
    ----------
    K. He et al., "Delving deep into rectifiers" (2015), section 2.1; documentation of PyTorch's PReLU.

    Examples
    --------
    >>> prelu(np.array([[-2.0, -2.0], [3.0, 3.0]]), np.array([0.5, 0.25])).tolist()
    [[-1.0, -0.5], [3.0, 3.0]]
    """
    x = as_floats("x", x)
    return np.where(x > 0, x, _per_channel(slope, x) * x)


def prelu_backward(grad: np.ndarray, x: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Carry a gradient back through `prelu`, to its input and to its slopes.

    Parameters
    ----------
    grad : ndarray
        Gradient for the output, of the shape of x.
    x : ndarray
        What the function was given, of any shape.
    slope : ndarray
        What numbers below zero are multiplied by: one number, (1,), or one for each channel, (C,), of x (N, C, ...).

    Returns
    -------
    dx : ndarray
        Gradient for x, of its shape.
    dslope : ndarray
        Gradient for the slopes, of their shape.

    Raises
    ------
    TypeError
        If grad, x or slope hold other than real numbers.
    ValueError
        If grad does not have the shape of x, or the slopes are neither one nor as many as the channels.

    Notes
    -----
    dx = grad where x > 0, else slope * grad. dslope = sum of grad * x over all places where x is not above 0 and that the
    slope belongs to, taken in float64.

    References
    ----------
    K. He et al., "Delving deep into rectifiers" (2015), section 2.1; documentation of PyTorch's PReLU.

    Examples
    --------
    >>> dx, dslope = prelu_backward(np.array([1.0, 1.0, 1.0]), np.array([-2.0, -3.0, 4.0]), np.array([0.5]))
    >>> dx.tolist(), dslope.tolist()
    ([0.5, 0.5, 1.0], [-5.0])
    """
    grad, x = _gradient_and_input(grad, x)
    slopes = _per_channel(slope, x)
    parts = np.multiply(grad, x, out=np.zeros(x.shape), where=~(x > 0))
    kept = tuple(axis for axis, length in enumerate(slopes.shape) if length > 1)
    total = parts.sum(axis=tuple(axis for axis in range(x.ndim) if axis not in kept))
    slope = as_floats("slope", slope)
    return np.where(x > 0, grad, slopes * grad), total.reshape(slope.shape).astype(slope.dtype)


def _per_channel(slope: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The slopes in the type of x, and in the shape that goes with it."""
    slope = as_floats("slope", slope).astype(x.dtype)
    if slope.size == 1:
        return slope.reshape((1,) * x.ndim)
    if x.ndim < 2 or slope.shape != x.shape[1:2]:
        raise ValueError(f"slope must be one number or one for each channel of x {x.shape}, got shape {slope.shape}")
    return slope.reshape(1, -1, *(1 for _ in x.shape[2:]))


def gelu(x: np.ndarray, approximate: str = "none") -> np.ndarray:
    """Weigh every value with the probability that a standard normal number is smaller.

    Parameters
    ----------
    x : ndarray
        Numbers, of any shape.
    approximate : str, default "none"
        One of "none", "tanh".
        Whether the normal distribution is computed exactly, or by an older formula with tanh that is off by less than
        0.0005.

    Returns
    -------
    ndarray
        Of the shape of x, and of its type if that is float32 or float64.

    Raises
    ------
    TypeError
        If x holds other than real numbers.
    ValueError
        If `approximate` is another.

    Notes
    -----
    x * P(x) with the standard normal distribution P(x) = erfc(-x / sqrt(2)) / 2. With "tanh",
    P(x) = (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3))) / 2.

    References
    ----------
    D. Hendrycks and K. Gimpel, "Gaussian error linear units" (2016); documentation of PyTorch's GELU.

    Examples
    --------
    >>> gelu(np.array([-10.0, 0.0, 1.0, 10.0])).round(4).tolist()       # P(1) = 0.8413
    [-0.0, 0.0, 0.8413, 10.0]
    """
    x = as_floats("x", x)
    return x * _normal_probability(x, approximate)[0]


def gelu_backward(grad: np.ndarray, x: np.ndarray, approximate: str = "none") -> np.ndarray:
    """Carry a gradient back through `gelu`.

    Parameters
    ----------
    grad : ndarray
        Gradient for the output, of the shape of x.
    x : ndarray
        What the function was given, of any shape.
    approximate : str, default "none"
        One of "none", "tanh".
        Whether the normal distribution is computed exactly, or by an older formula with tanh that is off by less than
        0.0005.

    Returns
    -------
    ndarray
        Gradient for x, of its shape.

    Raises
    ------
    TypeError
        If grad or x hold other than real numbers.
    ValueError
        If grad does not have the shape of x.
        Also if `approximate` is another.

    Notes
    -----
    grad * (P(x) + x * p(x)) with the slope p of P, which is the normal density unless P is approximated.

    References
    ----------
    D. Hendrycks and K. Gimpel, "Gaussian error linear units" (2016); documentation of PyTorch's GELU.

    Examples
    --------
    >>> gelu_backward(np.array([2.0]), np.array([0.0])).tolist()        # P(0) = 1 / 2
    [1.0]
    """
    grad, x = _gradient_and_input(grad, x)
    probability, density = _normal_probability(x, approximate)
    return grad * (probability + np.clip(x, -40, 40) * density)  # farther out, the density is 0


_erfc = np.frompyfunc(math.erfc, 1, 1)


def _normal_probability(x: np.ndarray, approximate: str) -> tuple[np.ndarray, np.ndarray]:
    """The standard normal distribution and its slope, exact or in the approximation with tanh, in the type of x."""
    if check_choice("approximate", approximate, ("none", "tanh")) == "none":
        near = np.clip(x, -40, 40)  # the square of a large number overflows
        probability = np.asarray(_erfc(near / -math.sqrt(2)), x.dtype) / 2
        return probability, np.exp(-near * near / 2) / x.dtype.type(math.sqrt(2 * math.pi))
    near, a, b = np.clip(x, -10, 10), x.dtype.type(math.sqrt(2 / math.pi)), x.dtype.type(0.044715)  # tanh is 1 at 10
    t = np.tanh(a * (near + b * near**3))
    return (1 + t) / 2, (1 - t * t) / 2 * a * (1 + 3 * b * near * near)


def silu(x: np.ndarray) -> np.ndarray:
    """Weigh every value with its sigmoid; also called Swish.

    Parameters
    ----------
    x : ndarray
        Numbers, of any shape.

    Returns
    -------
    ndarray
        Of the shape of x, and of its type if that is float32 or float64.

    Raises
    ------
    TypeError
        If x holds other than real numbers.

    Notes
    -----
    x * sigmoid(x).

    References
    ----------
    S. Elfwing, E. Uchibe and K. Doya, "Sigmoid-weighted linear units" (2018); P. Ramachandran, B. Zoph and Q. Le,
    "Searching for activation functions" (2017), who call it Swish; documentation of PyTorch's SiLU.

    Examples
    --------
    >>> silu(np.array([-1e4, 0.0, 1e4])).tolist()
    [-0.0, 0.0, 10000.0]
    """
    x = as_floats("x", x)
    return x * sigmoid(x)


def silu_backward(grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Carry a gradient back through `silu`.

    Parameters
    ----------
    grad : ndarray
        Gradient for the output, of the shape of x.
    x : ndarray
        What the function was given, of any shape.

    Returns
    -------
    ndarray
        Gradient for x, of its shape.

    Raises
    ------
    TypeError
        If grad or x hold other than real numbers.
    ValueError
        If grad does not have the shape of x.

    Notes
    -----
    grad * y * (1 + x * (1 - y)) with y = sigmoid(x).

    References
    ----------
    S. Elfwing, E. Uchibe and K. Doya, "Sigmoid-weighted linear units" (2018); P. Ramachandran, B. Zoph and Q. Le,
    "Searching for activation functions" (2017), who call it Swish; documentation of PyTorch's SiLU.

    Examples
    --------
    >>> silu_backward(np.array([2.0]), np.array([0.0])).tolist()        # the slope at 0 is 1 / 2
    [1.0]
    """
    grad, x = _gradient_and_input(grad, x)
    y = sigmoid(x)
    return grad * (y * (1 + x * (1 - y)))


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Turn scores into probabilities: positive, and adding up to 1 along an axis.

    Parameters
    ----------
    x : ndarray
        Numbers, of any shape.
    axis : int, default -1
        The axis along which the numbers are scores of one choice.

    Returns
    -------
    ndarray
        Of the shape of x, and of its type if that is float32 or float64.

    Raises
    ------
    TypeError
        If x holds other than real numbers.

    Notes
    -----
    exp(x) / sum of exp(x). The largest score is taken from all of them first, which changes nothing but keeps exp from
    overflowing.

    References
    ----------
    I. Goodfellow, Y. Bengio and A. Courville, "Deep learning" (2016), section 4.1; documentation of PyTorch's Softmax.

    Examples
    --------
    >>> softmax(np.array([1e4, 1e4, -1e4])).tolist()
    [0.5, 0.5, 0.0]
    """
    x = as_floats("x", x)
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def softmax_backward(grad: np.ndarray, x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Carry a gradient back through `softmax`: raising one probability lowers the others.

    Parameters
    ----------
    grad : ndarray
        Gradient for the output, of the shape of x.
    x : ndarray
        What the function was given, of any shape.
    axis : int, default -1
        The axis along which the numbers are scores of one choice.

    Returns
    -------
    ndarray
        Gradient for x, of its shape.

    Raises
    ------
    TypeError
        If grad or x hold other than real numbers.
    ValueError
        If grad does not have the shape of x.

    Notes
    -----
    p * (grad - sum of grad * p) with p = softmax(x): the Jacobian diag(p) - p p.T, times grad.

    References
    ----------
    I. Goodfellow, Y. Bengio and A. Courville, "Deep learning" (2016), section 4.1; documentation of PyTorch's Softmax.

    Examples
    --------
    >>> softmax_backward(np.array([1.0, 0.0]), np.array([0.0, 0.0])).tolist()
    [0.25, -0.25]
    """
    grad, x = _gradient_and_input(grad, x)
    p = softmax(x, axis)
    return p * (grad - (grad * p).sum(axis=axis, keepdims=True))


def log_softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Logarithms of the probabilities of `softmax`, exact also where those are too small to be stored.

    Parameters
    ----------
    x : ndarray
        Numbers, of any shape.
    axis : int, default -1
        The axis along which the numbers are scores of one choice.

    Returns
    -------
    ndarray
        Of the shape of x, and of its type if that is float32 or float64.

    Raises
    ------
    TypeError
        If x holds other than real numbers.

    Notes
    -----
    x - max - log(sum of exp(x - max)).

    References
    ----------
    Documentation of PyTorch's LogSoftmax.

    Examples
    --------
    >>> log_softmax(np.array([0.0, 1e4])).tolist()
    [-10000.0, 0.0]
    """
    x = as_floats("x", x)
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def log_softmax_backward(grad: np.ndarray, x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Carry a gradient back through `log_softmax`.

    Parameters
    ----------
    grad : ndarray
        Gradient for the output, of the shape of x.
    x : ndarray
        What the function was given, of any shape.
    axis : int, default -1
        The axis along which the numbers are scores of one choice.

    Returns
    -------
    ndarray
        Gradient for x, of its shape.

    Raises
    ------
    TypeError
        If grad or x hold other than real numbers.
    ValueError
        If grad does not have the shape of x.

    Notes
    -----
    grad - softmax(x) * sum of grad: the Jacobian I - 1 p.T, transposed and times grad.

    References
    ----------
    Documentation of PyTorch's LogSoftmax.

    Examples
    --------
    >>> log_softmax_backward(np.array([1.0, 0.0]), np.array([0.0, 0.0])).tolist()
    [0.5, -0.5]
    """
    grad, x = _gradient_and_input(grad, x)
    return grad - softmax(x, axis) * grad.sum(axis=axis, keepdims=True)
