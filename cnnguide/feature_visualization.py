"""What a unit of a trained network likes best: the input that excites it most.

With this module, one can climb from noise to such an input (`maximize_activation`), for logits, channels or single units.
"""

from collections.abc import Sequence

import numpy as np

from cnnguide._checks import check_int
from cnnguide.layers import Sequential

__all__ = ["maximize_activation"]

Unit = int | tuple[int, int, int]


def maximize_activation(
    model: Sequential,
    units: Sequence[Unit],
    shape: tuple[int, int, int],
    rng: np.random.Generator,
    layer: int | None = None,
    steps: int = 600,
    rate: float = 0.05,
    l2: float = 0.3,
    blur: float = 0.5,
    blur_every: int = 4,
    jitter: int = 1,
) -> np.ndarray:
    """Climb, for each unit, from weak noise to an image from 0 to 1 that excites it most.

    Formula: m = 0.9 m + 0.1 (g / rms(g) - l2 * x), then x += rate * m, clipped to 0 ... 1, where g is the gradient of the
    unit's activation for the image. So that the image shows a pattern and not high-frequency noise, it is shifted by up to
    `jitter` pixels before each step and blurred a little (a Gaussian of standard deviation `blur`) every few steps.

    Shapes: `units` are numbers of logits or channels (whose mean is maximised), or (channel, row, column); `layer` is the
    place of the layer in the model, the last if None; `shape` is (C, H, W) of one image. Returns (len(units), C, H, W) in
    float32. The activation is maximised; no loss is minimised.

    Raises ValueError for a layer or a unit that does not exist, TypeError where its number is not whole.

    Source: Erhan et al. (2009); Olah, Mordvintsev and Schubert, "Feature visualization", Distill (2017), for jitter and
    blur.

    >>> from cnnguide.layers import Flatten, Linear, Sequential
    >>> model = Sequential(Flatten(), Linear(4, 1, np.random.default_rng(0)))
    >>> model.layers[1].weight[...] = [[1, -1, 2, -2]]      # likes the first and the third pixel
    >>> x = maximize_activation(model, [0], (1, 1, 4), np.random.default_rng(0), blur=0, jitter=0, l2=0, steps=100)
    >>> x[0, 0, 0].round(2).tolist()
    [1.0, 0.0, 1.0, 0.0]
    """
    steps, jitter = check_int("steps", steps, 0), check_int("jitter", jitter, 0)
    blur_every = check_int("blur_every", blur_every, 1)
    part = _up_to(model, layer)
    x = (0.1 * rng.random((len(units), *shape))).astype(np.float32)
    momentum = np.zeros_like(x)
    for step in range(steps):
        shift = tuple(int(s) for s in rng.integers(-jitter, jitter + 1, 2))
        x = np.roll(x, shift, axis=(2, 3))
        out = part.forward(x)
        gradient = part.backward(_pick(units, out.shape, out.dtype))
        size = np.sqrt((gradient**2).mean(axis=(1, 2, 3), keepdims=True)) + 1e-12
        direction = np.roll(gradient / size - l2 * x, [-s for s in shift], axis=(2, 3))
        x = np.roll(x, [-s for s in shift], axis=(2, 3))
        momentum = 0.9 * momentum + 0.1 * direction
        x = np.clip(x + rate * momentum, 0, 1)
        if blur > 0 and step % blur_every == 0 and step < steps - blur_every:
            x = _blurred(x, blur)
    return x.astype(np.float32)


def _up_to(model: Sequential, layer: int | None) -> Sequential:
    if layer is None:
        return model
    layer = check_int("layer", layer, 0)
    if layer >= len(model.layers):
        raise ValueError(f"layer must be from 0 to {len(model.layers) - 1}, got {layer}")
    return Sequential(*model.layers[: layer + 1])


def _pick(units: Sequence[Unit], shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """The gradient of the chosen units' activations for the layer's output: 1 at each, or the share of a mean."""
    grad = np.zeros(shape, dtype)
    for image, unit in enumerate(units):
        place = tuple(check_int("unit", number, 0) for number in (unit if isinstance(unit, tuple) else (unit,)))
        if len(place) > len(shape) - 1 or not all(p < n for p, n in zip(place, shape[1:], strict=False)):
            raise ValueError(f"unit {unit} does not exist: the layer gives {shape[1:]} for one image")
        chosen = grad[(image, *place)]
        grad[(image, *place)] = 1 / max(chosen.size, 1)
    return grad


def _blurred(x: np.ndarray, deviation: float) -> np.ndarray:
    """A small Gaussian of three pixels along both axes; the border repeats."""
    side = float(np.exp(-0.5 / deviation**2))
    side /= 1 + 2 * side
    for axis in (2, 3):
        padded = np.pad(x, [(1, 1) if a == axis else (0, 0) for a in range(4)], mode="edge")
        before, middle, after = (np.take(padded, np.arange(x.shape[axis]) + k, axis=axis) for k in range(3))
        x = side * before + (1 - 2 * side) * middle + side * after
    return x
