"""Rules that turn gradients into changes of the weights.

With this module, one can take steps with `SGD` (plain, with momentum, or with Nesterov's), `AdaGrad`, `RMSProp` and `Adam`.
All are called alike: `step(parameters, gradients)` changes the list of arrays in place, and an optimiser that remembers
earlier gradients does so by the place of an array in the list. Arguments, defaults and update rules are PyTorch's.
"""

import math
from collections.abc import Sequence

import numpy as np

from cnnguide._checks import WIDE, as_floats, check_number

__all__ = ["SGD", "AdaGrad", "Adam", "RMSProp"]


class _Optimizer:
    """What all rules share: checks, weight decay, the count of steps, and memories that start as zeros."""

    def __init__(self, lr: float, weight_decay: float, **at_least_zero: float) -> None:
        for name, value in {"lr": lr, "weight_decay": weight_decay, **at_least_zero}.items():
            check_number(name, value)
        self.lr, self.weight_decay = lr, weight_decay
        self.steps = 0
        self._shapes: list[tuple[int, ...]] = []
        self._memories: dict[str, list[np.ndarray]] = {}

    def step(self, parameters: Sequence[np.ndarray], gradients: Sequence[np.ndarray]) -> None:
        """Change the parameters in place, one step against their gradients; on an error, nothing has been changed."""
        gradients = [as_floats(f"gradient {place}", g) for place, g in enumerate(gradients)]
        self._check(parameters, gradients)
        self._shapes = [w.shape for w in parameters]
        self.steps += 1
        for place, (w, g) in enumerate(zip(parameters, gradients, strict=True)):
            self._update(place, w, g + self.weight_decay * w if self.weight_decay else g)

    def _update(self, place: int, w: np.ndarray, g: np.ndarray) -> None:
        raise NotImplementedError

    def _check(self, parameters: Sequence[np.ndarray], gradients: Sequence[np.ndarray]) -> None:
        for place, w in enumerate(parameters):
            if not isinstance(w, np.ndarray) or w.dtype not in WIDE or not w.flags.writeable:
                kind = f"an array of {w.dtype}" if isinstance(w, np.ndarray) else type(w).__name__
                raise TypeError(
                    f"parameter {place} must be an array of floats, float32 or float64, that may be written to, because "
                    f"a step changes it in place; got {kind}"
                )
        met, wanted = [g.shape for g in gradients], [w.shape for w in parameters]
        if met != wanted:
            raise ValueError(f"gradients must have the shapes of the parameters, {wanted}; got {met}")
        if self._memories and wanted != self._shapes:
            raise ValueError(
                f"the parameters had the shapes {self._shapes} in earlier steps and have {wanted} now; "
                "use a new optimiser for other parameters"
            )

    def _memory(self, name: str, place: int, like: np.ndarray, start: float = 0.0) -> np.ndarray:
        """The array that is remembered for a parameter under a name; zeros at first, or another number."""
        arrays = self._memories.setdefault(name, [])
        if place == len(arrays):
            arrays.append(np.full_like(like, start))
        return arrays[place]


class SGD(_Optimizer):
    """Stochastic gradient descent: a step against the gradient, with momentum if wanted.

    Formula, with g the gradient plus weight_decay * w: v = momentum * v + (1 - dampening) * g (v starts as the first g),
    then w -= lr * v; with nesterov, w -= lr * (g + momentum * v).

    Shapes: `step` takes two lists of arrays of equal shapes and changes the arrays of the first in place.

    Raises ValueError for settings below 0 or not finite, for nesterov without momentum or with dampening, for gradients
    that do not match, and for parameters of other shapes than before; TypeError for parameters that cannot be changed.

    Source: documentation of PyTorch's torch.optim.SGD, whose form of momentum this is; Sutskever et al. (2013) for
    Nesterov's.

    >>> x = np.array([1.0])
    >>> SGD(lr=0.1).step([x], [2 * x])          # the gradient of x squared is 2x
    >>> x.tolist()
    [0.8]
    """

    def __init__(
        self,
        lr: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        dampening: float = 0.0,
    ) -> None:
        super().__init__(lr, weight_decay, momentum=momentum)
        if nesterov and (momentum == 0 or dampening != 0):
            raise ValueError(
                f"nesterov looks ahead along the momentum, so momentum must be above 0 and dampening 0; "
                f"got {momentum} and {dampening}"
            )
        if not math.isfinite(dampening):
            raise ValueError(f"dampening must be finite, got {dampening}")
        self.momentum, self.nesterov, self.dampening = momentum, nesterov, dampening

    # --8<-- [start:sgd]
    def _update(self, place: int, w: np.ndarray, g: np.ndarray) -> None:
        if self.momentum:
            velocity = self._memory("velocity", place, w)
            velocity *= self.momentum
            velocity += g if self.steps == 1 else (1 - self.dampening) * g
            g = g + self.momentum * velocity if self.nesterov else velocity
        w -= self.lr * g

    # --8<-- [end:sgd]


class AdaGrad(_Optimizer):
    """Steps that shrink where gradients were large: each weight has a learning rate of its own.

    Formula: s += g ** 2, then w -= rate * g / (sqrt(s) + eps) with rate = lr / (1 + (steps - 1) * lr_decay); s starts as
    initial_accumulator_value.

    Shapes, errors: as `SGD`.

    Source: Duchi, Hazan and Singer (2011); documentation of PyTorch's torch.optim.Adagrad.

    >>> x = np.array([1.0, 100.0])
    >>> AdaGrad(lr=0.1).step([x], [2 * x])      # the first step has the size of lr, whatever the gradient
    >>> x.round(6).tolist()
    [0.9, 99.9]
    """

    def __init__(
        self,
        lr: float = 0.01,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        start = initial_accumulator_value
        super().__init__(lr, weight_decay, lr_decay=lr_decay, initial_accumulator_value=start, eps=eps)
        self.lr_decay, self.initial_accumulator_value, self.eps = lr_decay, start, eps

    # --8<-- [start:adagrad]
    def _update(self, place: int, w: np.ndarray, g: np.ndarray) -> None:
        squares = self._memory("squares", place, w, self.initial_accumulator_value)
        squares += g * g
        rate = self.lr / (1 + (self.steps - 1) * self.lr_decay)
        w -= rate * g / (np.sqrt(squares) + self.eps)

    # --8<-- [end:adagrad]


class RMSProp(_Optimizer):
    """AdaGrad that forgets: steps relative to the size of recent gradients.

    Formula: s = alpha * s + (1 - alpha) * g ** 2, then d = g / (sqrt(s) + eps); with momentum, d = momentum * d' + d with
    d' the d of the step before; w -= lr * d. With centered, the root is that of s - m ** 2 with the fading mean
    m = alpha * m + (1 - alpha) * g: of the variance of recent gradients.

    Shapes, errors: as `SGD`.

    Source: Hinton, lecture 6e of "Neural networks for machine learning" (2012); documentation of PyTorch's
    torch.optim.RMSprop.

    >>> x = np.array([1.0])
    >>> RMSProp(lr=0.1, alpha=0.75).step([x], [2 * x])      # s = 0.25 * 4, so d = 2 / 1
    >>> x.round(6).tolist()
    [0.8]
    """

    def __init__(
        self,
        lr: float = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        super().__init__(lr, weight_decay, alpha=alpha, eps=eps, momentum=momentum)
        self.alpha, self.eps, self.momentum, self.centered = alpha, eps, momentum, centered

    # --8<-- [start:rmsprop]
    def _update(self, place: int, w: np.ndarray, g: np.ndarray) -> None:
        squares = self._memory("squares", place, w)
        squares *= self.alpha
        squares += (1 - self.alpha) * g * g
        if self.centered:
            mean = self._memory("mean", place, w)
            mean *= self.alpha
            mean += (1 - self.alpha) * g
            squares = squares - mean * mean
        d = g / (np.sqrt(squares) + self.eps)
        if self.momentum:
            velocity = self._memory("velocity", place, w)
            velocity *= self.momentum
            velocity += d
            d = velocity
        w -= self.lr * d

    # --8<-- [end:rmsprop]


class Adam(_Optimizer):
    """Momentum, divided by the size of recent gradients; both corrected for having started at zero.

    Formula: m = beta1 * m + (1 - beta1) * g, s = beta2 * s + (1 - beta2) * g ** 2, then
    w -= lr * m / (1 - beta1 ** steps) / (sqrt(s / (1 - beta2 ** steps)) + eps). With amsgrad, the largest s so far counts.

    Shapes, errors: as `SGD`, and ValueError for betas that are not two numbers in [0, 1).

    Source: Kingma and Ba (2015), algorithm 1; Reddi, Kale and Kumar (2018) for amsgrad; documentation of PyTorch's
    torch.optim.Adam.

    >>> x = np.array([1e-4, 100.0])
    >>> Adam(lr=0.001).step([x], [x.copy()])    # the first step has the size of lr, whatever the gradient
    >>> (np.array([1e-4, 100.0]) - x).round(6).tolist()
    [0.001, 0.001]
    """

    def __init__(
        self,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(lr, weight_decay, eps=eps)
        if np.shape(betas) != (2,) or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas must be two numbers, at least 0 and below 1, got {betas}")
        self.betas, self.eps, self.amsgrad = betas, eps, amsgrad

    # --8<-- [start:adam]
    def _update(self, place: int, w: np.ndarray, g: np.ndarray) -> None:
        beta1, beta2 = self.betas
        mean, squares = self._memory("mean", place, w), self._memory("squares", place, w)
        mean *= beta1
        mean += (1 - beta1) * g
        squares *= beta2
        squares += (1 - beta2) * g * g
        if self.amsgrad:
            largest = self._memory("largest", place, w)
            squares = np.maximum(largest, squares, out=largest)
        size = np.sqrt(squares) / (1 - beta2**self.steps) ** 0.5
        size += self.eps
        w -= self.lr / (1 - beta1**self.steps) * mean / size

    # --8<-- [end:adam]
