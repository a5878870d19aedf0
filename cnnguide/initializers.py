"""How weights are drawn before training: the variance depends on how many inputs a unit sums up.

With this module, one can count those inputs and outputs (`fans`) and draw weights that suit ReLU (`he_normal`). Every
draw takes a `numpy.random.Generator`: nothing is seeded behind the reader's back.
"""

import math
from collections.abc import Sequence

import numpy as np

from cnnguide.shapes import whole_number

__all__ = ["fans", "he_normal"]


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """Number of inputs that one unit sums up, and of outputs that one input reaches: (fan_in, fan_out).

    Formula: fan_in = in_channels * k_h * k_w, fan_out = out_channels * k_h * k_w; k_h = k_w = 1 for a linear layer.

    Shapes: `shape` is (out, in) of a linear layer, or (out_channels, in_channels, k_h, k_w, ...) of a convolution.

    Raises ValueError for a shape with fewer than two axes or an axis that is empty.

    Source: He et al., "Delving deep into rectifiers" (2015), section 2.2, where fan_in is n_l and fan_out is n-hat_l.

    >>> fans((64, 3, 7, 7))                     # each of 64 kernels sums up 3 * 7 * 7 numbers
    (147, 3136)
    """
    shape = tuple(whole_number(f"axis {axis} of the shape", length, 1) for axis, length in enumerate(shape))
    if len(shape) < 2:
        raise ValueError(f"a weight needs at least the axes (out, in), got shape {shape}")
    positions = math.prod(shape[2:])
    return shape[1] * positions, shape[0] * positions


def he_normal(
    shape: Sequence[int], rng: np.random.Generator, mode: str = "fan_in", dtype: type = np.float64
) -> np.ndarray:
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
    fan_in, fan_out = fans(shape)
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', got {mode!r}")
    fan = fan_in if mode == "fan_in" else fan_out
    return (math.sqrt(2 / fan) * rng.standard_normal(shape)).astype(dtype)
