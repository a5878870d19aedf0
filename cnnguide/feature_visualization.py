"""What a unit of a trained network likes best: the input that excites it most.

With this module, one can climb from noise to such an input (`maximize_activation`), for logits, channels or single units.
"""

from collections.abc import Sequence

import numpy as np

from cnnguide._checks import check_int, check_number
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
    ground: float = 0.0,
    rotation: float = 0.0,
    scale: float = 0.0,
    fourier: float = 0.0,
    colors: np.ndarray | None = None,
) -> np.ndarray:
    """Climb, for each unit, from weak noise to an image from 0 to 1 that excites it most.

    Parameters
    ----------
    model : Sequential
        A network, trained or not. Its weights stay as they are.
    units : sequence of int or (int, int, int)
        Numbers of scores or channels (whose mean is maximised), or single units as (channel, row, column).
    shape : (int, int, int)
        Channels, height and width of one image.
    rng : numpy.random.Generator
        Draws the noise and the moves.
    layer : int, optional
        Place of the layer in the model; the last if not given.
    steps : int, default 600
        How many steps to take.
    rate : float, default 0.05
        Length of a step, in brightness.
    l2 : float, default 0.3
        How strongly the image is pulled back to its ground: what excites nothing stays empty.
    blur : float, default 0.5
        Standard deviation, in pixels, of a Gaussian that smooths the image every `blur_every` steps; 0 for none. Without
        it, noise of high frequency, to which a network answers and which nobody can read, wins.
    blur_every : int, default 4
        After how many steps the image is smoothed.
    jitter : int, default 1
        Before each step, the image is shifted by up to so many pixels, at random, and back after it. What excites the
        unit at one place only, such as the grid that poolings and strides leave, cannot grow.
    ground : float, default 0.0
        Brightness that the noise, 0.1 high, starts from: 0 for ink on paper, 0.45 for photos.
    rotation, scale : float, default 0.0
        Before each step, the image is turned by up to `rotation` degrees and enlarged or made smaller by up to the share
        `scale`, at random. As with jitter, what survives does not depend on the exact place of a pixel; and it looks alike
        all over the image instead of like a patchwork.
    fourier : float, default 0.0
        The gradient is taken apart into its frequencies, and each is divided by its frequency to this power. At 1, which
        is about how they are shared out in photos, coarse shapes grow as fast as fine texture; at 0, fine texture is
        first. It is the same as climbing among the amplitudes of the frequencies instead of among pixels.
    colors : ndarray, shape (C, C), optional
        How the channels vary together, as a root of their covariance. The gradient is multiplied by it, so that the image
        changes in colours as often as photos do: mostly in brightness, rarely in a glaring hue.

    Returns
    -------
    ndarray of float32, shape (len(units), C, H, W)
        The images.

    Raises
    ------
    ValueError
        For a layer or a unit that does not exist, and for settings that are negative.
    TypeError
        Where a number of a layer or a unit is not whole.

    Notes
    -----
    m = 0.9 m + 0.1 (g / rms(g) - l2 (x - ground)), then x += rate * m, clipped to 0 ... 1, where g is the gradient of the
    unit's activation for the image, changed by `fourier` and `colors`. The activation is maximised; no loss is minimised.

    References
    ----------
    D. Erhan et al., "Visualizing higher-layer features of a deep network" (2009); C. Olah, A. Mordvintsev and L. Schubert,
    "Feature visualization", Distill (2017), for what keeps the images natural.

    Examples
    --------
    >>> from cnnguide.layers import Flatten, Linear, Sequential
    >>> model = Sequential(Flatten(), Linear(4, 1, np.random.default_rng(0)))
    >>> model.layers[1].weight[...] = [[1, -1, 2, -2]]      # likes the first and the third pixel
    >>> x = maximize_activation(model, [0], (1, 1, 4), np.random.default_rng(0), blur=0, jitter=0, l2=0, steps=100)
    >>> x[0, 0, 0].round(2).tolist()
    [1.0, 0.0, 1.0, 0.0]
    """
    steps, jitter = check_int("steps", steps, 0), check_int("jitter", jitter, 0)
    blur_every = check_int("blur_every", blur_every, 1)
    check_number("rotation", rotation), check_number("scale", scale), check_number("fourier", fourier)
    part = _up_to(model, layer)
    x = (ground + 0.1 * rng.random((len(units), *shape))).astype(np.float32)
    momentum = np.zeros_like(x)
    for step in range(steps):
        shift = tuple(int(s) for s in rng.integers(-jitter, jitter + 1, 2))
        degrees, factor = (0.0, 1.0)
        if rotation or scale:
            degrees, factor = rng.uniform(-rotation, rotation), float(np.exp(rng.uniform(-scale, scale)))
        out = part.forward(_turned(np.roll(x, shift, axis=(2, 3)), degrees, factor))
        gradient = _turned(part.backward(_pick(units, out.shape, out.dtype)), -degrees, 1 / factor)
        gradient = _natural(np.roll(gradient, [-s for s in shift], axis=(2, 3)), fourier, colors)
        size = np.sqrt((gradient**2).mean(axis=(1, 2, 3), keepdims=True)) + 1e-12
        momentum = 0.9 * momentum + 0.1 * (gradient / size - l2 * (x - ground))
        x = np.clip(x + rate * momentum, 0, 1)
        if blur > 0 and step % blur_every == 0 and step < steps - blur_every:
            x = _blurred(x, blur)
    return x.astype(np.float32)


def _natural(gradient: np.ndarray, power: float, colors: np.ndarray | None) -> np.ndarray:
    """The gradient with its frequencies and colours in the proportions of photos."""
    if power:
        height, width = gradient.shape[2:]
        frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
        share = np.maximum(frequency, 1 / max(height, width)) ** -power  # the mean has no frequency: as the lowest one
        gradient = np.fft.irfft2(np.fft.rfft2(gradient) * share, s=(height, width)).astype(gradient.dtype)
    if colors is not None:
        gradient = np.einsum("ij,njhw->nihw", np.asarray(colors, gradient.dtype), gradient)
    return gradient


def _turned(x: np.ndarray, degrees: float, factor: float) -> np.ndarray:
    """Images turned about their middle and enlarged, linearly between pixels; beyond the border, the border repeats."""
    if degrees == 0 and factor == 1:
        return x
    height, width = x.shape[2:]
    cos, sin = np.cos(np.radians(degrees)) / factor, np.sin(np.radians(degrees)) / factor
    rows, columns = np.arange(height)[:, None] - (height - 1) / 2, np.arange(width) - (width - 1) / 2
    row = np.clip(cos * rows - sin * columns + (height - 1) / 2, 0, height - 1)
    column = np.clip(sin * rows + cos * columns + (width - 1) / 2, 0, width - 1)
    top, left = row.astype(int), column.astype(int)
    below, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    down, across = (row - top).astype(x.dtype), (column - left).astype(x.dtype)
    upper = (1 - across) * x[:, :, top, left] + across * x[:, :, top, right]
    lower = (1 - across) * x[:, :, below, left] + across * x[:, :, below, right]
    return (1 - down) * upper + down * lower


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
