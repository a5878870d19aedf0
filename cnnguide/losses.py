"""How wrong an answer is: one number to make smaller, each with its gradient below it.

With this module, one can compare scores with the right classes (`cross_entropy`, and `nll_loss` for log-probabilities) and
numbers with the right numbers (`mse_loss`). `reduction` is "mean", "sum" or "none" (one loss per example). float32 stays
float32; whole numbers and float16 are computed in float64.
"""

import numpy as np

from cnnguide._checks import as_floats, check_choice, check_classes, check_gradient, check_int
from cnnguide.activations import log_softmax, log_softmax_backward

__all__ = [
    "cross_entropy",
    "cross_entropy_backward",
    "mse_loss",
    "mse_loss_backward",
    "nll_loss",
    "nll_loss_backward",
]

REDUCTIONS = ("mean", "sum", "none")


def nll_loss(
    log_p: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
) -> np.ndarray:
    """Negative log-likelihood: how surprised a model is by the right classes.

    Formula: -weight[target] * log_p[target] for each example. "mean" divides the sum by the sum of the weights, so that
    examples of class `ignore_index`, which count nothing, do not lower it; it is NaN where all examples are ignored. A
    weight of 0 hides no NaN and no infinity; `ignore_index` does.

    Shapes: log_p (N, classes) logarithms of probabilities, target (N,) class numbers, weight (classes,); returns a
    number, or (N,) for reduction "none".

    Raises TypeError for targets that are not whole numbers, ValueError for classes that do not exist and other shapes.

    Source: documentation of PyTorch's NLLLoss.

    >>> log_p = np.log([[0.5, 0.5], [0.25, 0.75]])
    >>> nll_loss(log_p, np.array([0, 0]), reduction="none").round(3).tolist()       # log 2, log 4
    [0.693, 1.386]
    """
    log_p = as_floats("log_p", log_p)
    chosen, counts, ignored = _chosen(log_p, target, weight, ignore_index)
    losses = np.zeros_like(counts)
    with np.errstate(invalid="ignore"):  # 0 * infinity is NaN, as in PyTorch
        np.multiply(-counts, log_p[np.arange(len(log_p)), chosen], out=losses, where=~ignored)
    return _reduce(losses, counts, reduction)


def nll_loss_backward(
    log_p: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    grad: float | np.ndarray = 1.0,
) -> np.ndarray:
    """Gradient of `nll_loss` for log_p: minus the weight of each example, at its right class.

    Shapes: arguments as `nll_loss`; `grad` is the gradient for the loss: a number, or (N,) for reduction "none".
    Returns (N, classes).

    Raises as `nll_loss`, and ValueError where grad has not the shape of the loss.

    Formula: -weight[target] at the right class, divided as the reduction does; 0 elsewhere.

    Source: the derivative of `nll_loss`.

    >>> nll_loss_backward(np.log([[0.5, 0.5]]), np.array([1])).tolist()
    [[0.0, -1.0]]
    """
    log_p = as_floats("log_p", log_p)
    chosen, counts, ignored = _chosen(log_p, target, weight, ignore_index)
    out = np.zeros_like(log_p)
    out[np.arange(len(log_p)), chosen] = -_shares(counts, ignored, reduction) * _grad_of_loss(grad, counts, reduction)
    return out


def cross_entropy(
    logits: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
) -> np.ndarray:
    """Softmax and negative log-likelihood in one, exact for scores of any size.

    Formula: nll_loss(log_softmax(logits), target, ...). Shapes, errors: as `nll_loss`, with scores instead of log_p.

    Source: documentation of PyTorch's CrossEntropyLoss.

    >>> float(cross_entropy(np.array([[0.0, 1e4]]), np.array([0])))
    10000.0
    """
    return nll_loss(log_softmax(logits), target, weight, reduction, ignore_index)


def cross_entropy_backward(
    logits: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    grad: float | np.ndarray = 1.0,
) -> np.ndarray:
    """Gradient of `cross_entropy` for the scores: the probabilities, less 1 at the right class, per example.

    Shapes, errors: arguments as `nll_loss_backward`, with scores instead of log_p; returns (N, classes).

    Formula: softmax(logits) less 1 at the right class, times the weight, divided as the reduction does.

    Source: Goodfellow, Bengio and Courville (2016), section 6.2.2.3.

    >>> cross_entropy_backward(np.array([[0.0, 0.0]]), np.array([1])).tolist()
    [[0.5, -0.5]]
    """
    inner = nll_loss_backward(logits, target, weight, reduction, ignore_index, grad)  # looks at shapes only
    return log_softmax_backward(inner, logits)


def mse_loss(prediction: np.ndarray, target: np.ndarray, reduction: str = "mean") -> np.ndarray:
    """Squared distance between prediction and target, entry by entry.

    Formula: (prediction - target) ** 2. Shapes: both the same; returns a number, or the same shape for "none".

    Raises ValueError for different shapes, which NumPy would broadcast in silence.

    Source: documentation of PyTorch's MSELoss.

    >>> float(mse_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    """
    losses = _differences(prediction, target) ** 2
    return _reduce(losses, np.ones_like(losses), reduction)


def mse_loss_backward(
    prediction: np.ndarray, target: np.ndarray, reduction: str = "mean", grad: float | np.ndarray = 1.0
) -> np.ndarray:
    """Gradient of `mse_loss` for the prediction: 2 * (prediction - target), divided by their number for "mean".

    Formula: 2 * (prediction - target), divided as the reduction does.

    Shapes: as `mse_loss`; `grad` is a number, or of the same shape for "none". Returns the prediction's shape
    and, if those are floats, its dtype.

    Raises as `mse_loss`, and ValueError where grad has not the shape of the loss.

    Source: the derivative of `mse_loss`.

    >>> mse_loss_backward(np.array([1.0, 2.0]), np.array([1.0, 4.0])).tolist()
    [0.0, -2.0]
    """
    differences = _differences(prediction, target)
    counts, nothing_ignored = np.ones_like(differences), np.zeros(differences.shape, bool)
    shares = _shares(counts, nothing_ignored, reduction)
    out = 2 * differences * shares * _grad_of_loss(grad, counts, reduction)
    return np.asarray(out, as_floats("prediction", prediction).dtype)


def _chosen(
    scores: np.ndarray, target: np.ndarray, weight: np.ndarray | None, ignore_index: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each example the class to look at, how much it counts, and whether it is ignored (then it counts 0)."""
    target = np.asarray(target)
    ignored = np.zeros(target.shape, bool)
    if ignore_index is not None:
        ignored = target == check_int("ignore_index", ignore_index, least=-(2**63))
    check_classes(scores.shape, target, ignored)
    classes = scores.shape[1]
    if weight is not None and np.shape(weight) != (classes,):
        raise ValueError(f"weight must have one entry for each of {classes} classes, got shape {np.shape(weight)}")
    chosen = np.where(ignored, 0, target)
    weights = np.ones(classes) if weight is None else as_floats("weight", weight)
    counts = weights.astype(scores.dtype)[chosen]
    return chosen, np.where(ignored, 0, counts).astype(scores.dtype), ignored


def _shares(counts: np.ndarray, ignored: np.ndarray, reduction: str) -> np.ndarray:
    """How much each single loss counts in the reduced one."""
    check_choice("reduction", reduction, REDUCTIONS)
    if reduction != "mean":
        return counts
    with np.errstate(invalid="ignore"):  # where all that is not ignored weighs 0, the mean has no slope: NaN
        return np.divide(counts, counts.sum(), out=np.zeros_like(counts), where=~ignored)


def _grad_of_loss(grad: float | np.ndarray, counts: np.ndarray, reduction: str) -> np.ndarray:
    """One number, or with reduction "none" one for each loss."""
    return check_gradient(np.asarray(grad), counts.shape if reduction == "none" and np.ndim(grad) else ())


def _reduce(losses: np.ndarray, counts: np.ndarray, reduction: str) -> np.ndarray:
    check_choice("reduction", reduction, REDUCTIONS)
    if reduction == "none":
        return losses
    with np.errstate(invalid="ignore", divide="ignore"):  # the mean of nothing is NaN, as in PyTorch
        return losses.sum() / counts.sum() if reduction == "mean" else losses.sum()


def _differences(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    if np.shape(prediction) != np.shape(target):
        raise ValueError(
            f"prediction and target must have one shape, got {np.shape(prediction)} and {np.shape(target)}"
        )
    return as_floats("prediction", prediction) - as_floats("target", target)
