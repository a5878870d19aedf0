"""Rules that turn gradients into changes of the weights.

With this module, one can
- take steps with `SGD` (plain, with momentum, or with Nesterov's), `AdaGrad`, `RMSProp`, `Adam` and `AdamW`,
- keep gradients from growing (`clip_by_norm`),
- let the learning rate follow a plan (`cosine_rate` with a warm-up, `step_rate`).

All optimisers are called alike: `step(parameters, gradients)` changes the list of arrays in place, and an optimiser that
remembers earlier gradients does so by the place of an array in the list. Arguments, defaults and update rules are PyTorch's.
"""

import math
from collections.abc import Sequence

import numpy as np

from cnnguide._checks import WIDE, as_floats, check_int, check_number

__all__ = ["SGD", "AdaGrad", "Adam", "AdamW", "RMSProp", "clip_by_norm", "cosine_rate", "step_rate"]


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
            self._update(place, w, self._decayed(w, g) if self.weight_decay else g)

    def _decayed(self, w: np.ndarray, g: np.ndarray) -> np.ndarray:
        """The gradient, with that of weight_decay / 2 times the sum of the squared weights."""
        return g + self.weight_decay * w

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
        got, wanted = [g.shape for g in gradients], [w.shape for w in parameters]
        if got != wanted:
            raise ValueError(f"gradients must have the shapes of the parameters, {wanted}; got {got}")
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

    Parameters
    ----------
    lr : float
        Learning rate, at least 0. It may be set anew before any step.
    momentum : float, default 0
        Share of the velocity that is left after a step.
    nesterov : bool, default False
        Whether the step looks ahead along the momentum.
    weight_decay : float, default 0
        Share of each weight that is added to its gradient.
    dampening : float, default 0
        Share of the gradient that does not enter the velocity, except in the first step.

    Raises
    ------
    TypeError
        In `step`, if a parameter is not an array of float32 or float64 that may be written to.
    ValueError
        If a setting is outside its range, or, in `step`, if gradients do not have the shapes of the parameters, or the
        parameters other shapes than in the steps before.
        Also if `nesterov` is set without momentum or with dampening.

    Notes
    -----
    With g the gradient plus weight_decay * w: v = momentum * v + (1 - dampening) * g (v starts as the first g), then
    w -= lr * v; with nesterov, w -= lr * (g + momentum * v).

    References
    ----------
    Documentation of PyTorch's torch.optim.SGD, whose form of momentum this is; I. Sutskever et al., "On the importance of
    initialization and momentum in deep learning" (2013) for Nesterov's.

    Examples
    --------
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

    Parameters
    ----------
    lr : float, default 0.01
        Learning rate, at least 0. It may be set anew before any step.
    lr_decay : float, default 0
        How fast the learning rate falls with the number of steps.
    weight_decay : float, default 0
        Share of each weight that is added to its gradient.
    initial_accumulator_value : float, default 0
        What the sum of squares starts with.
    eps : float, default 1e-10
        Added to the root, so that nothing is divided by zero.

    Raises
    ------
    TypeError
        In `step`, if a parameter is not an array of float32 or float64 that may be written to.
    ValueError
        If a setting is outside its range, or, in `step`, if gradients do not have the shapes of the parameters, or the
        parameters other shapes than in the steps before.

    Notes
    -----
    s += g ** 2, then w -= rate * g / (sqrt(s) + eps) with rate = lr / (1 + (steps - 1) * lr_decay); s starts as
    initial_accumulator_value.

    References
    ----------
    J. Duchi, E. Hazan and Y. Singer, "Adaptive subgradient methods for online learning and stochastic optimization"
    (2011); documentation of PyTorch's torch.optim.Adagrad.

    Examples
    --------
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

    Parameters
    ----------
    lr : float, default 0.01
        Learning rate, at least 0. It may be set anew before any step.
    alpha : float, default 0.99
        Share of the earlier mean square that is kept in a step.
    eps : float, default 1e-8
        Added to the root, so that nothing is divided by zero.
    weight_decay : float, default 0
        Share of each weight that is added to its gradient.
    momentum : float, default 0
        Share of the velocity that is left after a step.
    centered : bool, default False
        Whether the variance of recent gradients is taken instead of their mean square.

    Raises
    ------
    TypeError
        In `step`, if a parameter is not an array of float32 or float64 that may be written to.
    ValueError
        If a setting is outside its range, or, in `step`, if gradients do not have the shapes of the parameters, or the
        parameters other shapes than in the steps before.

    Notes
    -----
    s = alpha * s + (1 - alpha) * g ** 2, then d = g / (sqrt(s) + eps); with momentum, d = momentum * d' + d with d' the d
    of the step before; w -= lr * d. With centered, the root is that of s - m ** 2 with the fading mean
    m = alpha * m + (1 - alpha) * g. For gradients that hardly change, rounding makes this difference negative; it then
    counts as 0, where PyTorch has NaN.

    References
    ----------
    G. Hinton, lecture 6e of "Neural networks for machine learning" (2012); documentation of PyTorch's
    torch.optim.RMSprop.

    Examples
    --------
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
            squares = np.maximum(squares - mean * mean, 0)  # a variance: what is below 0 has been rounded
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

    Parameters
    ----------
    lr : float, default 0.001
        Learning rate, at least 0. It may be set anew before any step.
    betas : (float, float), default (0.9, 0.999)
        Shares of the earlier mean and of the earlier mean square that are kept in a step, in [0, 1).
    eps : float, default 1e-8
        Added to the root, so that nothing is divided by zero.
    weight_decay : float, default 0
        Share of each weight that is added to its gradient.
    amsgrad : bool, default False
        Whether the largest mean square so far counts.

    Raises
    ------
    TypeError
        In `step`, if a parameter is not an array of float32 or float64 that may be written to.
    ValueError
        If a setting is outside its range, or, in `step`, if gradients do not have the shapes of the parameters, or the
        parameters other shapes than in the steps before.

    See Also
    --------
    AdamW : The same with a weight decay that the size of the gradients does not change.

    Notes
    -----
    m = beta1 * m + (1 - beta1) * g, s = beta2 * s + (1 - beta2) * g ** 2, then
    w -= lr * m / (1 - beta1 ** steps) / (sqrt(s / (1 - beta2 ** steps)) + eps). With amsgrad, the largest s so far counts.

    References
    ----------
    D. Kingma and J. Ba, "Adam: a method for stochastic optimization" (2015), algorithm 1; S. Reddi, S. Kale and S. Kumar,
    "On the convergence of Adam and beyond" (2018) for amsgrad; documentation of PyTorch's torch.optim.Adam.

    Examples
    --------
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


class AdamW(Adam):
    """Adam with decoupled weight decay: weights shrink by a share of their own, whatever the size of their gradients.

    Parameters
    ----------
    lr : float, default 0.001
        Learning rate, at least 0. It may be set anew before any step.
    betas : (float, float), default (0.9, 0.999)
        Shares of the earlier mean and of the earlier mean square that are kept in a step, in [0, 1).
    eps : float, default 1e-8
        Added to the root, so that nothing is divided by zero.
    weight_decay : float, default 0.01
        Share of each weight, times the learning rate, that is taken away in a step.
    amsgrad : bool, default False
        Whether the largest mean square so far counts.

    Raises
    ------
    TypeError
        In `step`, if a parameter is not an array of float32 or float64 that may be written to.
    ValueError
        If a setting is outside its range, or, in `step`, if gradients do not have the shapes of the parameters, or the
        parameters other shapes than in the steps before.

    Notes
    -----
    w -= lr * weight_decay * w, then the step of `Adam` with weight_decay 0. Adam adds the decay to the gradient and divides
    it by the size of the gradients, so that weights with large gradients hardly decay.

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled weight decay regularization" (2019), algorithm 2; documentation of PyTorch's
    torch.optim.AdamW.

    Examples
    --------
    >>> x = np.array([1.0])
    >>> AdamW(lr=0.1, weight_decay=0.5).step([x], [np.array([0.0])])    # no gradient: 1 - 0.1 * 0.5 is left
    >>> x.tolist()
    [0.95]
    """

    def __init__(
        self,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(lr, betas, eps, weight_decay, amsgrad)

    def _decayed(self, w: np.ndarray, g: np.ndarray) -> np.ndarray:
        w *= 1 - self.lr * self.weight_decay
        return g


def clip_by_norm(gradients: Sequence[np.ndarray], max_norm: float) -> list[np.ndarray]:
    """Gradients that are scaled down together where they are too long, so that their direction stays.

    Parameters
    ----------
    gradients : sequence of ndarray
        One array for each parameter, of any shapes.
    max_norm : float
        The largest norm that is left as it is, above 0.

    Returns
    -------
    list of ndarray
        The gradients, or new arrays if they were too long.

    Raises
    ------
    TypeError
        If the gradients are not real numbers.
    ValueError
        If `max_norm` is not above 0 and finite.

    Notes
    -----
    The norm is that of all gradients in one row, sqrt(sum of g ** 2), summed up in float64; if it exceeds max_norm, each
    gradient becomes g * max_norm / norm. PyTorch divides by norm + 1e-6.

    References
    ----------
    R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural networks" (2013), algorithm 1;
    documentation of PyTorch's torch.nn.utils.clip_grad_norm_.

    Examples
    --------
    >>> [g.round(6).tolist() for g in clip_by_norm([np.array([3.0]), np.array([4.0])], max_norm=1)]     # 5 is too long
    [[0.6], [0.8]]
    """
    if check_number("max_norm", max_norm) == 0:
        raise ValueError("max_norm must be above 0, got 0: nothing would be learned")
    gradients = [as_floats(f"gradient {place}", g) for place, g in enumerate(gradients)]
    # hypot of the norms, not a root of squares: squares of large numbers overflow.
    norm = math.hypot(*(float(np.linalg.norm(g.astype(np.float64).ravel())) for g in gradients))
    return [g * g.dtype.type(max_norm / norm) for g in gradients] if norm > max_norm else gradients


def cosine_rate(step: int, steps: int, peak: float, warmup: int = 0, final: float = 0.0) -> float:
    """Learning rate of one step: up in a straight line, then down along half a cosine.

    Parameters
    ----------
    step : int
        Number of the step, from 0.
    steps : int
        Number of steps in all; from there on, the rate is `final`.
    peak : float
        The largest learning rate.
    warmup : int, default 0
        Number of steps before the peak, less than `steps`.
    final : float, default 0
        Learning rate at the end.

    Returns
    -------
    float
        The learning rate.

    Raises
    ------
    TypeError
        If a number of steps is not whole.
    ValueError
        If a number is negative or not finite, or if `warmup` leaves no step.

    See Also
    --------
    step_rate : A rate that falls in steps.

    Notes
    -----
    peak * (step + 1) / (warmup + 1) during the warm-up, so that no step has rate 0; then
    final + (peak - final) * (1 + cos(pi * (step - warmup) / (steps - warmup))) / 2. For `fit`, leave `step` open:
    ``schedule=lambda step: cosine_rate(step, steps=900, peak=0.1)``.

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017), equation 5; P. Goyal et al.,
    "Accurate, large minibatch SGD" (2017), section 2.2, for the warm-up.

    Examples
    --------
    >>> [round(cosine_rate(step, steps=6, peak=1.0, warmup=2), 3) for step in range(7)]
    [0.333, 0.667, 1.0, 0.854, 0.5, 0.146, 0.0]
    """
    step, steps, warmup = check_int("step", step, 0), check_int("steps", steps, 1), check_int("warmup", warmup, 0)
    check_number("peak", peak)
    check_number("final", final)
    if warmup >= steps:
        raise ValueError(f"warmup must be less than steps, {steps}; got {warmup}")
    if step < warmup:
        return peak * (step + 1) / (warmup + 1)
    done = min(1.0, (step - warmup) / (steps - warmup))
    return final + (peak - final) * (1 + math.cos(math.pi * done)) / 2


def step_rate(step: int, every: int, start: float, factor: float = 0.1) -> float:
    """Learning rate of one step: the same for a while, then a fraction of it, and so on.

    Parameters
    ----------
    step : int
        Number of the step, from 0.
    every : int
        Number of steps between two changes.
    start : float
        Learning rate of the first steps.
    factor : float, default 0.1
        What the rate is multiplied by at each change.

    Returns
    -------
    float
        The learning rate.

    Raises
    ------
    TypeError
        If `step` or `every` is not a whole number.
    ValueError
        If a number is negative or not finite, or `every` is 0.

    See Also
    --------
    cosine_rate : A rate that falls smoothly.

    Notes
    -----
    start * factor ** floor(step / every). For `fit`, leave `step` open: ``schedule=lambda step: step_rate(step, 300, 0.1)``.

    References
    ----------
    Documentation of PyTorch's torch.optim.lr_scheduler.StepLR; K. He et al., "Deep residual learning for image
    recognition" (2016), section 3.4, divide by 10 in this way.

    Examples
    --------
    >>> [step_rate(step, every=2, start=8.0, factor=0.5) for step in range(5)]
    [8.0, 8.0, 4.0, 4.0, 2.0]
    """
    step, every = check_int("step", step, 0), check_int("every", every, 1)
    return check_number("start", start) * check_number("factor", factor) ** (step // every)
