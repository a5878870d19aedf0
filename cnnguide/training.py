"""The loop that trains a network: forward, loss, backward, step, again and again.

With this module, one can train a classifier (`fit`), look at how it went (`History`) and measure how often it is right
(`accuracy`).
"""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from cnnguide._checks import check_classes, check_generator, check_int, check_number, error_at
from cnnguide.layers import Layer, Sequential
from cnnguide.losses import cross_entropy, cross_entropy_backward
from cnnguide.optimizers import clip_by_norm

__all__ = ["DivergedError", "History", "accuracy", "fit"]

Examples = tuple[np.ndarray, np.ndarray]


class Optimizer(Protocol):
    """What `fit` needs of an optimiser."""

    lr: float

    def step(self, parameters: list[np.ndarray], gradients: list[np.ndarray]) -> None: ...


class DivergedError(ArithmeticError):
    """The loss or the weights are no longer finite.

    Notes
    -----
    The message says at which step, with which learning rate, and which layer broke first.

    Examples
    --------
    >>> from cnnguide.layers import Linear, Sequential
    >>> from cnnguide.optimizers import SGD
    >>> rng = np.random.default_rng(0)
    >>> data = np.full((1, 2), np.nan), np.array([0])
    >>> fit(Sequential(Linear(2, 2, rng)), data, SGD(lr=1.0), epochs=1, batch_size=1, rng=rng, progress=False)
    Traceback (most recent call last):
    ...
    cnnguide.training.DivergedError: at step 1 the loss is no longer finite, because the input holds NaN or infinity
    """


@dataclass
class History:
    """What `fit` saw: the loss of every step, and the validation accuracy after each epoch if there were validation data.

    Parameters
    ----------
    losses : list of float
        The loss of each step, before the step changed the weights.
    validation_accuracy : list of float
        The share of right answers after each epoch, from 0 to 1; empty without validation data.
    epochs : int, default 0
        How many epochs were completed.
    stopped : str, default ""
        Why training ended before its last epoch: "early stop" or "interrupted"; empty if it did not.

    Notes
    -----
    A loss is the mean of the cross-entropy over one mini-batch, so it varies from batch to batch.

    Examples
    --------
    >>> History(losses=[2.0, 1.0]).losses[-1]
    1.0
    """

    losses: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    epochs: int = 0
    stopped: str = ""


def accuracy(model: Layer, data: Examples, batch_size: int = 256) -> float:
    """Share of the examples whose largest score is that of the right class.

    Parameters
    ----------
    model : Layer
        A layer or a `Sequential` whose output is scores of shape (N, classes).
    data : (ndarray, ndarray)
        The examples (x, target): x of shape (N, ...) as the model takes it, and N class numbers, counted from 0.
    batch_size : int, default 256
        How many examples go through the model at once. It changes the memory needed and not the result.

    Returns
    -------
    float
        The share of right answers, from 0 to 1.

    Raises
    ------
    ValueError
        If there are no examples, if the output does not have the shape (N, classes), or if a class does not exist.
    TypeError
        If the targets are not whole numbers.

    Notes
    -----
    The number of examples whose argmax is the target, divided by the number of examples.

    References
    ----------
    I. Goodfellow, Y. Bengio and A. Courville, "Deep learning" (2016), section 5.1.2: their 0-1 loss, subtracted from 1.

    Examples
    --------
    >>> from cnnguide.layers import Flatten
    >>> accuracy(Flatten(), (np.eye(4), np.array([0, 1, 2, 0])))
    0.75
    """
    (x, target), right = _as_examples("data", data), 0
    for batch in _slices(len(x), check_int("batch_size", batch_size, 1)):
        scores = model.forward(x[batch])
        check_classes(scores.shape, target[batch])
        right += int((scores.argmax(axis=1) == target[batch]).sum())
    return right / len(x)


@np.errstate(over="ignore", invalid="ignore")  # DivergedError says it better than NumPy's warnings
def fit(
    model: Sequential,
    data: Examples,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
    progress: bool = True,
    validation: Examples | None = None,
    patience: int | None = None,
    schedule: Callable[[int], float] | None = None,
    max_norm: float | None = None,
) -> History:
    """Train a classifier: for each mini-batch, compute the loss and step against its gradient.

    Parameters
    ----------
    model : Sequential
        The network, with scores of shape (N, classes) as output. Its weights are changed in place.
    data : (ndarray, ndarray)
        The examples (x, target): x of shape (N, ...) as the model takes it, and N class numbers, counted from 0.
    optimizer : Optimizer
        The rule that changes the weights, such as `Adam`.
    epochs : int
        How many times training goes through all examples, at least 0.
    batch_size : int
        How many examples make one step, at least 1. The last batch of an epoch may be smaller.
    rng : numpy.random.Generator
        Draws the order of the examples, anew for each epoch.
    progress : bool, default True
        Whether to draw a progress bar on the error stream.
    validation : (ndarray, ndarray), optional
        Examples of the same form that are not trained on. Their accuracy is measured after each epoch.
    patience : int, optional
        Training stops after this many epochs in a row without a better validation accuracy, and the best weights are put
        back. It needs `validation`.
    schedule : callable, optional
        Gives the learning rate of each step by its number, counted from 0, as `cosine_rate` and `step_rate` do.
    max_norm : float, optional
        Gradients longer than this are shortened to it by `clip_by_norm`.

    Returns
    -------
    History
        The losses, the validation accuracies, and why training ended early if it did.

    Raises
    ------
    ValueError, TypeError
        If arguments and data do not fit together; this is checked before the first step. A schedule is checked at each
        step.
    DivergedError
        As soon as the loss is not finite, or at the end if the weights are not.

    Notes
    -----
    Each epoch takes ceil(N / batch_size) steps, each against the gradient of the mean cross-entropy of its batch.
    Ctrl-C ends training and returns what has been learned so far (with `patience`, the best of it).

    References
    ----------
    I. Goodfellow, Y. Bengio and A. Courville, "Deep learning" (2016), algorithms 8.1 (steps) and 7.1 (early stopping).

    Examples
    --------
    >>> from cnnguide.layers import Linear, Sequential
    >>> from cnnguide.optimizers import SGD
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((90, 2)).astype(np.float32)
    >>> target = (x[:, 0] > x[:, 1]).astype(int)
    >>> model = Sequential(Linear(2, 2, rng))
    >>> history = fit(model, (x, target), SGD(lr=0.5), epochs=5, batch_size=30, rng=rng, progress=False)
    >>> len(history.losses), accuracy(model, (x, target)) > 0.9
    (15, True)
    """
    epochs, batch_size = check_int("epochs", epochs, 0), check_int("batch_size", batch_size, 1)
    if patience is not None and validation is None:
        raise ValueError("patience waits for a better validation accuracy, so it needs validation data")
    if schedule is not None and not callable(schedule):
        raise TypeError(f"schedule must be a function of the number of a step, got {schedule!r}")
    if max_norm is not None:
        clip_by_norm([], max_norm)  # refuses what is not a norm before the first step
    _check_actors(model, optimizer, rng)
    x, target = _tried_examples("data", data, model)
    validation = None if validation is None else _tried_examples("validation", validation, model)
    history, best = History(), _Best(None if patience is None else check_int("patience", patience, 1))
    report = _Progress(epochs, epochs * -(-len(x) // batch_size)) if progress else None
    try:
        for _ in range(epochs):
            order = rng.permutation(len(x))
            for batch in _slices(len(x), batch_size):
                chosen = order[batch]
                logits = model.forward(x[chosen], training=True)
                loss = float(cross_entropy(logits, target[chosen]))
                history.losses.append(loss)
                if not np.isfinite(loss):
                    raise DivergedError(_diagnosis(model, x[chosen], len(history.losses), optimizer.lr))
                model.backward_to_weights(cross_entropy_backward(logits, target[chosen]))
                gradients = model.gradients() if max_norm is None else clip_by_norm(model.gradients(), max_norm)
                if schedule is not None:
                    optimizer.lr = check_number("schedule", schedule(len(history.losses) - 1))
                optimizer.step(model.parameters(), gradients)
                if report:
                    report.say(history)
            history.epochs += 1
            if validation is not None:
                history.validation_accuracy.append(accuracy(model, validation))
                if best.is_reached(model, history.validation_accuracy[-1]):
                    history.stopped = "early stop"
                    break
    except KeyboardInterrupt:
        history.stopped = "interrupted"
    finally:
        if report:
            report.end(history)
    best.restore(model)
    if history.losses and not _has_finite_weights(model):
        raise DivergedError(_diagnosis(model, x[chosen], len(history.losses), optimizer.lr))
    return history


def _check_actors(model: Sequential, optimizer: Optimizer, rng: np.random.Generator) -> None:
    if not isinstance(model, Sequential):
        raise TypeError(f"model must be a Sequential, got {model!r}; put layers into one: Sequential(Linear(...))")
    if not model.layers:
        raise ValueError("model has no layers, so there is nothing to train")
    if isinstance(optimizer, type) or not callable(getattr(optimizer, "step", None)):
        raise TypeError(f"optimizer must be an optimiser such as Adam(), got {optimizer!r}")
    check_generator(rng)


def _as_examples(name: str, data: Examples) -> Examples:
    try:
        x, target = (np.asarray(array) for array in data)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be (x, target), two arrays: {error}") from error
    count = len(x) if x.ndim else 0
    if count == 0 or target.shape != (count,):
        raise ValueError(
            f"{name} must be (x, target) with at least one example and one class number each, got {count} examples and "
            f"targets of shape {target.shape}"
        )
    return x, target


def _tried_examples(name: str, data: Examples, model: Sequential) -> Examples:
    """The examples as arrays, after the model has answered to one of them: what does not fit shows before it learns."""
    x, target = _as_examples(name, data)
    try:
        check_classes((len(x), *model.forward(x[:1]).shape[1:]), target)
    except (ValueError, TypeError) as error:
        raise error_at(name, error) from error
    return x, target


def _slices(count: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, count, size))


def _diagnosis(model: Sequential, x: np.ndarray, step: int, lr: float) -> str:
    """What broke first, found by going through the network once more."""
    if not np.isfinite(x).all():
        return f"at step {step} the loss is no longer finite, because the input holds NaN or infinity"
    advice = f"no longer finite, with learning rate {lr}; try a smaller one"
    for name, layer in model.named_layers():
        if not _has_finite_weights(layer):
            return f"at step {step} the weights of {name} are {advice}"
        with np.errstate(all="ignore"):
            x = layer.forward(x)
        if not np.isfinite(x).all():
            return f"at step {step} the output of {name} is {advice}"
    return f"at step {step} scores as large as {abs(x).max():.3g} lie so far apart that their loss is {advice}"


def _has_finite_weights(layer: Layer) -> bool:
    return all(np.isfinite(array).all() for array in layer.parameters())


class _Best:
    """The best weights so far, and how long ago they were."""

    def __init__(self, patience: int | None) -> None:
        self.patience, self.accuracy, self.waited = patience, -1.0, 0
        self.weights: list[np.ndarray] = []

    def is_reached(self, model: Layer, accuracy: float) -> bool:
        """Remember the weights if they are the best; True when patience is at its end."""
        if self.patience is None:
            return False
        if accuracy > self.accuracy:
            self.accuracy, self.waited = accuracy, 0
            self.weights = [array.copy() for array in [*model.parameters(), *model.buffers()]]
        else:
            self.waited += 1
        return self.waited >= self.patience

    def restore(self, model: Layer) -> None:
        for array, best in zip([*model.parameters(), *model.buffers()], self.weights, strict=False):
            array[...] = best


class _Progress:
    """A bar with what is known so far, in one line on the terminal that is rewritten a few times a second."""

    def __init__(self, epochs: int, steps: int) -> None:
        self.epochs, self.steps, self._last = epochs, steps, 0.0

    def say(self, history: History) -> None:
        if time.monotonic() - self._last > 0.2:
            self._last = time.monotonic()
            print(f"\r{self._line(history)}", end="", file=sys.stderr, flush=True)

    def end(self, history: History) -> None:
        print(f"\r{self._line(history)}", file=sys.stderr, flush=True)

    def _line(self, history: History) -> str:
        done, recent = len(history.losses), history.losses[-20:]
        bar = "#" * (20 * done // max(self.steps, 1))
        loss = f"loss {sum(recent) / len(recent):.4f}" if recent else "no step yet"
        shown = f", validation {history.validation_accuracy[-1]:.1%}" if history.validation_accuracy else ""
        return f"[{bar:.<20}] epoch {history.epochs} of {self.epochs}, step {done} of {self.steps}, {loss}{shown}"
