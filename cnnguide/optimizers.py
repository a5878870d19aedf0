"""Rules that turn gradients into changes of the weights.

With this module, one can take steps of stochastic gradient descent (`SGD`), plain, with momentum, or with Nesterov's.
"""

from collections.abc import Sequence

import numpy as np

__all__ = ["SGD"]


class SGD:
    """Stochastic gradient descent: a step against the gradient, with momentum if wanted.

    Formula, with g the gradient plus weight_decay * w: v = momentum * v + g (v starts as the first g), then
    w -= lr * v; with nesterov, w -= lr * (g + momentum * v).

    Shapes: `step` takes two lists of arrays of equal shapes and changes the arrays of the first in place.

    Raises ValueError for settings below 0, for nesterov without momentum, and for gradients that do not match.

    Source: documentation of PyTorch's torch.optim.SGD, whose form of momentum this is.

    >>> x = np.array([1.0])
    >>> SGD(lr=0.1).step([x], [2 * x])          # the gradient of x squared is 2x
    >>> x.tolist()
    [0.8]
    """

    def __init__(self, lr: float, momentum: float = 0.0, nesterov: bool = False, weight_decay: float = 0.0) -> None:
        for name, value in (("lr", lr), ("momentum", momentum), ("weight_decay", weight_decay)):
            if not value >= 0:
                raise ValueError(f"{name} must be at least 0, got {value}")
        if nesterov and momentum == 0:
            raise ValueError("nesterov looks ahead along the momentum, so momentum must be above 0; got 0")
        self.lr, self.momentum, self.nesterov, self.weight_decay = lr, momentum, nesterov, weight_decay
        self._velocities: list[np.ndarray] | None = None

    def step(self, parameters: Sequence[np.ndarray], gradients: Sequence[np.ndarray]) -> None:
        """Change the parameters in place, one step against their gradients."""
        met, wanted = [np.shape(g) for g in gradients], [w.shape for w in parameters]
        if met != wanted:
            raise ValueError(f"gradients must have the shapes of the parameters, {wanted}; got {met}")
        decayed = [g + self.weight_decay * w for w, g in zip(parameters, gradients, strict=True)]
        if self._velocities is None:
            self._velocities = [g.copy() for g in decayed]
        else:
            for velocity, g in zip(self._velocities, decayed, strict=True):
                velocity *= self.momentum
                velocity += g
        for w, g, velocity in zip(parameters, decayed, self._velocities, strict=True):
            w -= self.lr * (g + self.momentum * velocity if self.nesterov else velocity)
