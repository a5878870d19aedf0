"""How wrong an answer is: one number to make smaller, each with its gradient below it.

With this module, one can compare scores with the right classes (`cross_entropy`, and `nll_loss` for log-probabilities) and
numbers with the right numbers (`mse_loss`). Scores are (N, C), or (N, C, d1, d2, ...) with a class for each place, such as
each pixel of an image. float32 stays float32; whole numbers and float16 are computed in float64.
"""

import numpy as np

from cnnguide._checks import as_floats, check_choice, check_classes, check_gradient, check_int, check_number
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

    Parameters
    ----------
    log_p : ndarray
        Logarithms of probabilities, (N, C) or (N, C, d1, d2, ...), of C classes.
    target : ndarray of int
        Class numbers from 0 to C - 1, (N,) or (N, d1, d2, ...).
    weight : ndarray, optional
        How much each class counts, (C,); 1 if not given.
    reduction : str, default "mean"
        One of "mean", "sum", "none".
        Whether the losses are averaged, added up, or returned one by one.
    ignore_index : int, optional
        A target that counts nothing; it need not be a class number.

    Returns
    -------
    ndarray
        A number, or for reduction "none" the losses, of the shape of the targets.

    Raises
    ------
    TypeError
        If the scores are not real numbers, or the targets not whole ones.
    ValueError
        If shapes do not go together, a class does not exist, or a setting is not one of those above.

    Notes
    -----
    -weight[target] * log_p[target] for each target. "mean" divides the sum by the sum of the weights, so that targets
    `ignore_index` do not lower it; it is NaN if all are ignored. A weight of 0 hides no NaN and no infinity;
    `ignore_index` does.

    References
    ----------
    Documentation of PyTorch's NLLLoss.

    Examples
    --------
    >>> log_p = np.log([[0.5, 0.5], [0.25, 0.75]])
    >>> nll_loss(log_p, np.array([0, 0]), reduction="none").round(3).tolist()       # log 2, log 4
    [0.693, 1.386]
    """
    return _loss(as_floats("log_p", log_p), _Labels("log_p", log_p, target, weight, ignore_index), reduction, 0.0)


def nll_loss_backward(
    log_p: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    grad: float | np.ndarray = 1.0,
) -> np.ndarray:
    """Gradient of `nll_loss` for log_p: minus the weight of each target, at its class.

    Parameters
    ----------
    log_p : ndarray
        Logarithms of probabilities, (N, C) or (N, C, d1, d2, ...), of C classes.
    target : ndarray of int
        Class numbers from 0 to C - 1, (N,) or (N, d1, d2, ...).
    weight : ndarray, optional
        How much each class counts, (C,); 1 if not given.
    reduction : str, default "mean"
        One of "mean", "sum", "none".
        Whether the losses are averaged, added up, or returned one by one.
    ignore_index : int, optional
        A target that counts nothing; it need not be a class number.
    grad : float or ndarray, default 1
        Gradient for the loss: a number, or for reduction "none" an array of the shape of the targets.

    Returns
    -------
    ndarray
        Gradient for log_p, of its shape.

    Raises
    ------
    TypeError
        If the scores are not real numbers, or the targets not whole ones.
    ValueError
        If shapes do not go together, a class does not exist, or a setting is not one of those above.
        Also if grad does not have the shape of the loss.

    Notes
    -----
    -weight[target] at the right class, divided as the reduction does; 0 elsewhere.

    References
    ----------
    Documentation of PyTorch's NLLLoss, of which this is the derivative.

    Examples
    --------
    >>> nll_loss_backward(np.log([[0.5, 0.5]]), np.array([1])).tolist()
    [[0.0, -1.0]]
    """
    return _loss_backward(_Labels("log_p", log_p, target, weight, ignore_index), reduction, 0.0, grad)


def cross_entropy(
    logits: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    *,
    label_smoothing: float = 0.0,
) -> np.ndarray:
    """Softmax and negative log-likelihood in one, exact for scores of any size.

    Parameters
    ----------
    logits : ndarray
        Scores, (N, C) or (N, C, d1, d2, ...), of C classes.
    target : ndarray of int
        Class numbers from 0 to C - 1, (N,) or (N, d1, d2, ...).
    weight : ndarray, optional
        How much each class counts, (C,); 1 if not given.
    reduction : str, default "mean"
        One of "mean", "sum", "none".
        Whether the losses are averaged, added up, or returned one by one.
    ignore_index : int, optional
        A target that counts nothing; it need not be a class number.
    label_smoothing : float, default 0
        Share of each target, from 0 to 1, that is spread evenly over all classes.

    Returns
    -------
    ndarray
        A number, or for reduction "none" the losses, of the shape of the targets.

    Raises
    ------
    TypeError
        If the scores are not real numbers, or the targets not whole ones.
    ValueError
        If shapes do not go together, a class does not exist, or a setting is not one of those above.

    Notes
    -----
    nll_loss(log_softmax(logits), target, ...), with the softmax over the classes. With label smoothing e, each loss is
    (1 - e) times that, plus e / C times the sum over all classes of -weight * log_softmax.

    References
    ----------
    Documentation of PyTorch's CrossEntropyLoss; C. Szegedy et al., "Rethinking the Inception architecture" (2016),
    section 7, for label smoothing.

    Examples
    --------
    >>> float(cross_entropy(np.array([[0.0, 1e4]]), np.array([0])))
    10000.0
    >>> float(cross_entropy(np.array([[0.0, 1e4]]), np.array([1]), label_smoothing=0.5))    # a quarter for the wrong class
    2500.0
    """
    labels = _Labels("logits", logits, target, weight, ignore_index)
    return _loss(log_softmax(logits, axis=1), labels, reduction, label_smoothing)


def cross_entropy_backward(
    logits: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    grad: float | np.ndarray = 1.0,
    *,
    label_smoothing: float = 0.0,
) -> np.ndarray:
    """Gradient of `cross_entropy` for the scores: the probabilities, less 1 at the right class.

    Parameters
    ----------
    logits : ndarray
        Scores, (N, C) or (N, C, d1, d2, ...), of C classes.
    target : ndarray of int
        Class numbers from 0 to C - 1, (N,) or (N, d1, d2, ...).
    weight : ndarray, optional
        How much each class counts, (C,); 1 if not given.
    reduction : str, default "mean"
        One of "mean", "sum", "none".
        Whether the losses are averaged, added up, or returned one by one.
    ignore_index : int, optional
        A target that counts nothing; it need not be a class number.
    grad : float or ndarray, default 1
        Gradient for the loss: a number, or for reduction "none" an array of the shape of the targets.
    label_smoothing : float, default 0
        Share of each target, from 0 to 1, that is spread evenly over all classes.

    Returns
    -------
    ndarray
        Gradient for the scores, of their shape.

    Raises
    ------
    TypeError
        If the scores are not real numbers, or the targets not whole ones.
    ValueError
        If shapes do not go together, a class does not exist, or a setting is not one of those above.
        Also if grad does not have the shape of the loss.

    Notes
    -----
    softmax(logits) less 1 at the right class, times the weight, divided as the reduction does. With label smoothing e,
    1 - e + e / C is taken away at the right class and e / C at the others.

    References
    ----------
    I. Goodfellow, Y. Bengio and A. Courville, "Deep learning" (2016), section 6.2.2.3.

    Examples
    --------
    >>> cross_entropy_backward(np.array([[0.0, 0.0]]), np.array([1])).tolist()
    [[0.5, -0.5]]
    """
    labels = _Labels("logits", logits, target, weight, ignore_index)
    return log_softmax_backward(_loss_backward(labels, reduction, label_smoothing, grad), logits, axis=1)


def mse_loss(prediction: np.ndarray, target: np.ndarray, reduction: str = "mean") -> np.ndarray:
    """Squared distance between prediction and target, entry by entry.

    Parameters
    ----------
    prediction : ndarray
        Numbers of any shape.
    target : ndarray
        The right numbers, of the same shape.
    reduction : str, default "mean"
        One of "mean", "sum", "none".
        Whether the squares are averaged, added up, or returned one by one.

    Returns
    -------
    ndarray
        A number, or for reduction "none" an array of the same shape.

    Raises
    ------
    TypeError
        If the numbers are not real.
    ValueError
        If the shapes differ, which NumPy would broadcast in silence, or the reduction is another.

    Notes
    -----
    (prediction - target) ** 2.

    References
    ----------
    Documentation of PyTorch's MSELoss.

    Examples
    --------
    >>> float(mse_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    """
    losses = _differences(prediction, target) ** 2
    return _reduce(losses, np.ones_like(losses), reduction)


def mse_loss_backward(
    prediction: np.ndarray, target: np.ndarray, reduction: str = "mean", grad: float | np.ndarray = 1.0
) -> np.ndarray:
    """Gradient of `mse_loss` for the prediction.

    Parameters
    ----------
    prediction : ndarray
        Numbers of any shape.
    target : ndarray
        The right numbers, of the same shape.
    reduction : str, default "mean"
        One of "mean", "sum", "none".
        Whether the squares were averaged, added up, or returned one by one.
    grad : float or ndarray, default 1
        Gradient for the loss: a number, or for reduction "none" an array of the same shape.

    Returns
    -------
    ndarray
        Gradient for the prediction, of its shape and, if it holds floats, its type.

    Raises
    ------
    TypeError
        If the numbers are not real.
    ValueError
        If the shapes differ, the reduction is another, or grad does not have the shape of the loss.

    Notes
    -----
    2 * (prediction - target), divided by their number for "mean".

    References
    ----------
    Documentation of PyTorch's MSELoss, of which this is the derivative.

    Examples
    --------
    >>> mse_loss_backward(np.array([1.0, 2.0]), np.array([1.0, 4.0])).tolist()
    [0.0, -2.0]
    """
    differences = _differences(prediction, target)
    counts, nothing_ignored = np.ones_like(differences), np.zeros(differences.shape, bool)
    shares = _shares(counts, counts, nothing_ignored, reduction)
    out = 2 * differences * shares * _grad_of_loss(grad, counts, reduction)
    return np.asarray(out, as_floats("prediction", prediction).dtype)


class _Labels:
    """What the targets say, checked: the class to look at, how much it counts, and whether it is ignored (then 0)."""

    def __init__(
        self, name: str, scores: np.ndarray, target: np.ndarray, weight: np.ndarray | None, ignore_index: int | None
    ) -> None:
        scores, target = as_floats(name, scores), np.asarray(target)
        self.ignored = np.zeros(target.shape, bool)
        if ignore_index is not None:
            self.ignored = target == check_int("ignore_index", ignore_index, least=-(2**63))
        check_classes(scores.shape, target, self.ignored)
        self.shape, self.dtype, self.classes = scores.shape, scores.dtype, scores.shape[1]
        if weight is not None and np.shape(weight) != (self.classes,):
            wanted = f"one entry for each of {self.classes} classes"
            raise ValueError(f"weight must have {wanted}, got shape {np.shape(weight)}")
        weights = (np.ones(self.classes) if weight is None else as_floats("weight", weight)).astype(self.dtype)
        chosen = np.where(self.ignored, 0, target)
        self.counts = np.where(self.ignored, 0, weights[chosen]).astype(self.dtype)
        # Both in the form that goes with the scores, whose second axis is that of the classes.
        self.chosen, self.weights = np.expand_dims(chosen, 1), weights.reshape(-1, *(1 for _ in scores.shape[2:]))


def _loss(log_p: np.ndarray, labels: _Labels, reduction: str, smoothing: float) -> np.ndarray:
    losses, looked_at = np.zeros_like(labels.counts), ~labels.ignored
    with np.errstate(invalid="ignore"):  # 0 * infinity is NaN, as in PyTorch
        at_target = np.take_along_axis(log_p, labels.chosen, axis=1)[:, 0]
        np.multiply(-labels.counts, at_target, out=losses, where=looked_at)
        if share := _checked_smoothing(smoothing):
            at_all = -(labels.weights * log_p).sum(axis=1) / labels.classes
            losses = np.where(looked_at, (1 - share) * losses + share * at_all, losses)
    return _reduce(losses, labels.counts, reduction)


def _loss_backward(labels: _Labels, reduction: str, smoothing: float, grad: float | np.ndarray) -> np.ndarray:
    """The gradient for the logarithms of the probabilities, which does not depend on them."""
    out, factor = np.zeros(labels.shape, labels.dtype), _grad_of_loss(grad, labels.counts, reduction)
    at_target = -_shares(labels.counts, labels.counts, labels.ignored, reduction) * factor
    np.put_along_axis(out, labels.chosen, np.expand_dims(at_target, 1).astype(labels.dtype), axis=1)
    if share := _checked_smoothing(smoothing):
        looked_at = (~labels.ignored).astype(labels.dtype)
        at_all = _shares(looked_at, labels.counts, labels.ignored, reduction) * factor / labels.classes
        out = ((1 - share) * out - share * labels.weights * np.expand_dims(at_all, 1)).astype(labels.dtype)
    return out


def _checked_smoothing(smoothing: float) -> float:
    if check_number("label_smoothing", smoothing) > 1:
        raise ValueError(f"label_smoothing must be from 0 to 1, got {smoothing}")
    return float(smoothing)


def _shares(parts: np.ndarray, counts: np.ndarray, ignored: np.ndarray, reduction: str) -> np.ndarray:
    """How much a part of each single loss counts in the reduced one."""
    check_choice("reduction", reduction, REDUCTIONS)
    if reduction != "mean":
        return parts
    with np.errstate(invalid="ignore", divide="ignore"):  # if all that is not ignored weighs 0, the mean has no slope
        return np.divide(parts, counts.sum(), out=np.zeros_like(parts), where=~ignored)


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
