"""The functions between the layers, each with its gradient below it.

With this module, one can apply `relu`, `leaky_relu`, `sigmoid`, `tanh`, `softmax` and `log_softmax`, and carry a gradient
back through each: `f_backward(grad, x)` takes the gradient for the output and the input that the function was given, and
returns the gradient for that input. All work on arrays of any shape; float32 stays float32; whole numbers and
float16 are computed in float64.
Numbers that are not real raise TypeError, a gradient of another shape than the input's ValueError.
"""

import numpy as np

from cnnguide._arrays import mask_gradient
from cnnguide._checks import as_floats, check_gradient

__all__ = [
    "leaky_relu",
    "leaky_relu_backward",
    "log_softmax",
    "log_softmax_backward",
    "relu",
    "relu_backward",
    "sigmoid",
    "sigmoid_backward",
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

    Formula: max(x, 0). Shapes: any; returns the same.

    Source: Nair and Hinton (2010); documentation of PyTorch's ReLU.

    >>> relu(np.array([-2.0, 0.0, 3.0])).tolist()
    [0.0, 0.0, 3.0]
    """
    return np.maximum(as_floats("x", x), 0)


def relu_backward(grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Let the gradient pass where the input was positive.

    Formula: 0 where x <= 0, else grad (0 at 0 itself, as in PyTorch, and grad where x is NaN). Shapes: all the same.

    Source: the derivative of `relu`, 1 above 0 and 0 below.

    >>> relu_backward(np.array([5.0, 5.0, 5.0]), np.array([-2.0, 0.0, 3.0])).tolist()
    [0.0, 0.0, 5.0]
    """
    grad, x = _gradient_and_input(grad, x)
    return mask_gradient(~(x <= 0), grad)


def leaky_relu(x: np.ndarray, slope: float = 0.01) -> np.ndarray:
    """Let positive values pass and a small part of the others.

    Formula: x where x > 0, else slope * x. Shapes: any; returns the same.

    Source: Maas, Hannun and Ng (2013); documentation of PyTorch's LeakyReLU.

    >>> leaky_relu(np.array([-2.0, 3.0]), slope=0.5).tolist()
    [-1.0, 3.0]
    """
    x = as_floats("x", x)
    return np.where(x > 0, x, x.dtype.type(slope) * x)


def leaky_relu_backward(grad: np.ndarray, x: np.ndarray, slope: float = 0.01) -> np.ndarray:
    """Let the gradient pass where the input was positive, and a small part elsewhere.

    Formula: grad where x > 0, else slope * grad. Shapes: all the same.

    Source: the derivative of `leaky_relu`, 1 above 0 and the slope below.

    >>> leaky_relu_backward(np.array([4.0, 4.0]), np.array([-2.0, 3.0]), slope=0.5).tolist()
    [2.0, 4.0]
    """
    grad, x = _gradient_and_input(grad, x)
    return np.where(x > 0, grad, grad.dtype.type(slope) * grad)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Squeeze every value between 0 and 1.

    Formula: 1 / (1 + exp(-x)), computed from exp(-|x|) so that nothing overflows. Shapes: any; returns the same.

    Source: documentation of PyTorch's Sigmoid.

    >>> sigmoid(np.array([0.0, 1e4, -1e4])).tolist()
    [0.5, 1.0, 0.0]
    """
    x = as_floats("x", x)
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def sigmoid_backward(grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Formula: grad * y * (1 - y) with y = sigmoid(x). Shapes: all the same.

    Source: the derivative of the logistic function.

    >>> sigmoid_backward(np.array([4.0]), np.array([0.0])).tolist()     # the slope is at most 1 / 4
    [1.0]
    """
    grad, x = _gradient_and_input(grad, x)
    y = sigmoid(x)
    return grad * y * (1 - y)


def tanh(x: np.ndarray) -> np.ndarray:
    """Squeeze every value between -1 and 1.

    Formula: (exp(x) - exp(-x)) / (exp(x) + exp(-x)). Shapes: any; returns the same.

    Source: documentation of PyTorch's Tanh.

    >>> tanh(np.array([0.0, 1e4])).tolist()
    [0.0, 1.0]
    """
    return np.tanh(as_floats("x", x))


def tanh_backward(grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Formula: grad * (1 - tanh(x) ** 2). Shapes: all the same.

    Source: the derivative of the hyperbolic tangent.

    >>> tanh_backward(np.array([3.0]), np.array([0.0])).tolist()        # the slope is at most 1
    [3.0]
    """
    grad, x = _gradient_and_input(grad, x)
    return grad * (1 - tanh(x) ** 2)


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Turn scores into probabilities: positive, and adding up to 1 along an axis.

    Formula: exp(x) / sum of exp(x). The largest score is taken from all of them first, which changes nothing but keeps
    exp from overflowing. Shapes: any; returns the same.

    Source: Goodfellow, Bengio and Courville (2016), section 4.1; documentation of PyTorch's Softmax.

    >>> softmax(np.array([1e4, 1e4, -1e4])).tolist()
    [0.5, 0.5, 0.0]
    """
    x = as_floats("x", x)
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def softmax_backward(grad: np.ndarray, x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Formula: p * (grad - sum of grad * p) with p = softmax(x): raising one probability lowers the others.

    Shapes: all the same.

    Source: the Jacobian of `softmax`, diag(p) - p p.T, times grad.

    >>> softmax_backward(np.array([1.0, 0.0]), np.array([0.0, 0.0])).tolist()
    [0.25, -0.25]
    """
    grad, x = _gradient_and_input(grad, x)
    p = softmax(x, axis)
    return p * (grad - (grad * p).sum(axis=axis, keepdims=True))


def log_softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Logarithms of the probabilities of `softmax`, exact also where those are too small to be stored.

    Formula: x - max - log(sum of exp(x - max)). Shapes: any; returns the same.

    Source: documentation of PyTorch's LogSoftmax.

    >>> log_softmax(np.array([0.0, 1e4])).tolist()
    [-10000.0, 0.0]
    """
    x = as_floats("x", x)
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def log_softmax_backward(grad: np.ndarray, x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Formula: grad - softmax(x) * sum of grad. Shapes: all the same.

    Source: the Jacobian of `log_softmax`, I - 1 p.T, transposed and times grad.

    >>> log_softmax_backward(np.array([1.0, 0.0]), np.array([0.0, 0.0])).tolist()
    [0.5, -0.5]
    """
    grad, x = _gradient_and_input(grad, x)
    return grad - softmax(x, axis) * grad.sum(axis=axis, keepdims=True)
