"""Named kernels with their sources, and filtering: one kernel slid over one gray image.

With this module, one can
- filter an image (`apply_filter`) with a named kernel (`SOBEL_X`, `LAPLACIAN`, `GAUSSIAN`, ...) or one of one's own,
- say how steep an image is and in which direction (`gradient_magnitude`, `gradient_direction`),
- find a pattern in an image (`match_template`).

Rows count downwards and columns to the right, as in NumPy, OpenCV and SciPy: a positive response of `SOBEL_X` means
brighter to the right, one of `SOBEL_Y` brighter below.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cnnguide._checks import as_floats, check_choice

__all__ = [
    "BOX",
    "GAUSSIAN",
    "IDENTITY",
    "LAPLACIAN",
    "LAPLACIAN_8",
    "PREWITT_X",
    "PREWITT_Y",
    "SCHARR_X",
    "SCHARR_Y",
    "SHARPEN",
    "SOBEL_X",
    "SOBEL_Y",
    "apply_filter",
    "gradient_direction",
    "gradient_magnitude",
    "match_template",
]


def read_only(rows: list[list[int]], divisor: int = 1) -> np.ndarray:
    """A kernel that nobody can change, because everybody who imports it shares it."""
    kernel = np.array(rows, dtype=np.float64) / divisor
    kernel.flags.writeable = False
    return kernel


IDENTITY = read_only([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
"""Leaves the image as it is."""

BOX = read_only([[1, 1, 1], [1, 1, 1], [1, 1, 1]], divisor=9)
"""The mean of a pixel and its eight neighbours."""

GAUSSIAN = read_only([[1, 2, 1], [2, 4, 2], [1, 2, 1]], divisor=16)
"""A mean that counts near pixels more: the binomial approximation of a Gaussian of variance 1/2."""

SHARPEN = read_only([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
"""The image less its Laplacian: what differs from the neighbours is doubled."""

SOBEL_X = read_only([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
"""Sobel and Feldman (1968): 8 times the change per pixel to the right, smoothed over three rows."""

SOBEL_Y = read_only([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])
"""`SOBEL_X` transposed: 8 times the change per pixel downwards, smoothed over three columns."""

PREWITT_X = read_only([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]])
"""Prewitt (1970): 6 times the change per pixel to the right, with equal weights for three rows."""

PREWITT_Y = read_only([[-1, -1, -1], [0, 0, 0], [1, 1, 1]])
"""`PREWITT_X` transposed."""

SCHARR_X = read_only([[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]])
"""Scharr (2000): 32 times the change per pixel to the right; its directions are more accurate than Sobel's."""

SCHARR_Y = read_only([[-3, -10, -3], [0, 0, 0], [3, 10, 3]])
"""`SCHARR_X` transposed."""

LAPLACIAN = read_only([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
"""The five-point approximation of the second derivatives along x and y, added, for pixels at distance 1."""

LAPLACIAN_8 = read_only([[1, 1, 1], [1, -8, 1], [1, 1, 1]])
"""The nine-point form, 3 times as strong: divide by 3 to compare it with `LAPLACIAN`."""

_BORDERS = {"reflect": "symmetric", "mirror": "reflect", "nearest": "edge", "wrap": "wrap", "constant": "constant"}
"""SciPy's names of border modes -> NumPy's. They use "reflect" for different things."""

_ROWS_AT_ONCE = 64
"""An image is filtered band by band: a band is added to many times, while the processor's cache holds it."""

_ROUNDED_AWAY = 1e6 * np.finfo(np.float64).eps
"""A window is lost in a running sum of squares that is so many times as large: a millionth of it may be rounding."""


def apply_filter(image: np.ndarray, kernel: np.ndarray, border: str = "reflect") -> np.ndarray:
    """Slide a kernel over a gray image: at each pixel, the sum of products of the kernel and the pixels under it.

    Parameters
    ----------
    image : array_like, shape (H, W)
        A gray image.
    kernel : array_like, shape (k_h, k_w)
        The weights. Each side may be odd or even.
    border : str, default "reflect"
        One of "reflect", "mirror", "nearest", "wrap", "constant".
        How the image continues beyond its border, by SciPy's names: "reflect" (d c b a | a b c d | d c b a), "mirror"
        (d c b | a b c d | c b a), "nearest" (a a a | a b c d | d d d), "wrap" (b c d | a b c d | a b c), or zeros
        ("constant").

    Returns
    -------
    ndarray, shape (H, W)
        The response at each pixel. It is float32 if the image is, else float64.

    Raises
    ------
    ValueError
        If the image or the kernel is not two-dimensional or is empty, or if the border is not known.
    TypeError
        If the image or the kernel holds complex numbers or others that are not real.

    Notes
    -----
    out[r, c] = sum over i, j of kernel[i, j] * image[r + i - k_h // 2, c + j - k_w // 2]. This is cross-correlation, the
    "convolution" of neural networks: the kernel is not flipped.

    References
    ----------
    Documentation of scipy.ndimage.correlate, which it agrees with for odd and even kernels.

    Examples
    --------
    >>> step = np.array([[0.0, 0.0, 1.0, 1.0]] * 3)         # dark left, bright right: one vertical edge
    >>> apply_filter(step, SOBEL_X)[1].tolist(), apply_filter(step, SOBEL_Y)[1].tolist()
    ([0.0, 4.0, 4.0, 0.0], [0.0, 0.0, 0.0, 0.0])
    """
    image, kernel = _gray("image", image), _gray("kernel", kernel)
    mode, dtype = _BORDERS[check_choice("border", border, _BORDERS)], image.dtype
    height, width = image.shape
    sides = [(k // 2, (k - 1) // 2) for k in kernel.shape]
    padded = np.pad(image, sides, mode=mode)  # type: ignore[call-overload]
    out = np.zeros((height, width), dtype)
    with np.errstate(invalid="ignore"):  # 0 * infinity is NaN, and NaN may pass through without a warning
        for top in range(0, height, _ROWS_AT_ONCE):
            band = out[top : top + _ROWS_AT_ONCE]
            negative = np.zeros_like(band)  # by itself: where both sides are equal, rounding leaves no difference
            for (i, j), weight in np.ndenumerate(kernel.astype(dtype)):
                total = negative if weight < 0 else band
                total += abs(weight) * padded[top + i : top + i + len(band), j : j + width]
            band -= negative
    return out


def gradient_magnitude(
    image: np.ndarray, kernels: tuple[np.ndarray, np.ndarray] = (SOBEL_X, SOBEL_Y), border: str = "reflect"
) -> np.ndarray:
    """How steep the image is at each pixel, whatever the direction.

    Parameters
    ----------
    image : array_like, shape (H, W)
        A gray image.
    kernels : (ndarray, ndarray), default (SOBEL_X, SOBEL_Y)
        Two kernels: one that responds to change to the right, and one that responds to change downwards.
    border : str, default "reflect"
        One of "reflect", "mirror", "nearest", "wrap", "constant".
        How the image continues beyond its border, as in `apply_filter`.

    Returns
    -------
    ndarray, shape (H, W)
        The length of the gradient at each pixel, in the unit of the kernels: 8 times the change per pixel for Sobel's. It
        is float32 if the image is, else float64.

    Raises
    ------
    ValueError, TypeError
        As in `apply_filter`.

    Notes
    -----
    sqrt(gx ** 2 + gy ** 2) with gx and gy the responses of the two kernels.

    References
    ----------
    R. Duda and P. Hart, "Pattern classification and scene analysis" (1973), section 7.3.

    Examples
    --------
    >>> ramp = np.add.outer(3.0 * np.arange(5), 4.0 * np.arange(5))     # 3 down, 4 to the right: 5 along the slope
    >>> float(gradient_magnitude(ramp)[2, 2])
    40.0
    """
    across, down = kernels
    return np.hypot(apply_filter(image, across, border), apply_filter(image, down, border))


def gradient_direction(
    image: np.ndarray, kernels: tuple[np.ndarray, np.ndarray] = (SOBEL_X, SOBEL_Y), border: str = "reflect"
) -> np.ndarray:
    """In which direction the image gets brighter fastest, as an angle.

    Parameters
    ----------
    image : array_like, shape (H, W)
        A gray image.
    kernels : (ndarray, ndarray), default (SOBEL_X, SOBEL_Y)
        Two kernels: one that responds to change to the right, and one that responds to change downwards.
    border : str, default "reflect"
        One of "reflect", "mirror", "nearest", "wrap", "constant".
        How the image continues beyond its border, as in `apply_filter`.

    Returns
    -------
    ndarray, shape (H, W)
        The angle at each pixel, in radians from -pi to pi: 0 points to the right, pi / 2 downwards (rows count downwards).
        It is float32 if the image is, else float64.

    Raises
    ------
    ValueError, TypeError
        As in `apply_filter`.

    Notes
    -----
    atan2(gy, gx) with gx and gy the responses of the two kernels. Where the image is flat the angle is 0 and means nothing.

    References
    ----------
    R. Duda and P. Hart, "Pattern classification and scene analysis" (1973), section 7.3; documentation
    of numpy.arctan2.

    Examples
    --------
    >>> down = np.add.outer(np.arange(5.0), np.zeros(5))
    >>> round(float(np.degrees(gradient_direction(down)[2, 2])))
    90
    """
    across, down = kernels
    return np.arctan2(apply_filter(image, down, border), apply_filter(image, across, border))


def match_template(image: np.ndarray, template: np.ndarray) -> np.ndarray:
    """How well a pattern fits at each place, whatever the brightness and contrast there: normalised cross-correlation.

    Parameters
    ----------
    image : array_like, shape (H, W)
        A gray image.
    template : array_like, shape (h, w)
        The pattern, no larger than the image and not of one value only.

    Returns
    -------
    ndarray of float64, shape (H - h + 1, W - w + 1)
        How well the template fits at each place where all of it is inside the image; places are named by the upper left
        corner. 1 is a perfect fit and -1 the perfect negative. It is 0 where the image is flat, and NaN where a pixel under
        the template is NaN or infinite.

    Raises
    ------
    ValueError
        If the template is larger than the image or flat, or if either is not two-dimensional or is empty.
    TypeError
        If either holds numbers that are not real.

    Notes
    -----
    The correlation coefficient of the template and of the pixels under it: both less their means, multiplied, summed up, and
    divided by both lengths. The image counts as flat where neighbouring pixels differ by no more than 4 eps of its largest
    value, which is rounding. The sums are computed by Fourier transform and as running sums.

    References
    ----------
    J. Lewis, "Fast normalized cross-correlation" (1995), equation 2.

    Examples
    --------
    >>> image = np.zeros((4, 6))
    >>> image[1:3, 2:4] = [[1, 2], [3, 4]]
    >>> fit = match_template(image, np.array([[10.0, 20.0], [30.0, 40.0]]))
    >>> [int(i) for i in np.unravel_index(fit.argmax(), fit.shape)], round(float(fit.max()), 6)
    ([1, 2], 1.0)
    """
    image, template = _gray("image", image), _gray("template", template).astype(np.float64)
    if any(t > i for t, i in zip(template.shape, image.shape, strict=True)):
        raise ValueError(f"the template {template.shape} must fit into the image {image.shape}")
    if np.ptp(template) == 0:
        raise ValueError("the template is flat: it has no pattern that could be found")
    centred = template - template.mean()
    length = np.sqrt((centred**2).sum())
    broken = ~np.isfinite(image)
    rounding = 4 * float(np.finfo(image.dtype).eps)
    image = np.where(broken, 0, image).astype(np.float64)  # a sum over everything would spread NaN everywhere
    image /= abs(image).max() or 1.0  # changes no fit, and no square overflows
    flat = _flat_windows(image, template.shape, rounding)
    level = image - image.mean()  # changes no fit, and keeps the running sums small
    products = _correlate_fully_inside(level, centred)
    sums, squares = _window_sums(level, template.shape), _window_sums(level**2, template.shape)
    variation = squares - sums**2 / template.size
    lost = variation <= _ROUNDED_AWAY * (level**2).sum()
    fit = products / (length * np.sqrt(np.where(lost, 1, variation)))
    _fit_one_by_one(fit, lost & ~flat, image, centred / length)
    fit[flat] = 0
    return np.where(_window_sums(broken, template.shape) > 0, np.nan, np.clip(fit, -1, 1))


def _gray(name: str, array: np.ndarray) -> np.ndarray:
    """One gray image, checked."""
    array = as_floats(name, array)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"{name} must be two-dimensional and not empty, got shape {array.shape}")
    return array


def _correlate_fully_inside(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Sums of products at all places where the kernel is inside the image, by Fourier transform."""
    shape = [i + k - 1 for i, k in zip(image.shape, kernel.shape, strict=True)]
    product = np.fft.rfft2(image, shape) * np.fft.rfft2(kernel[::-1, ::-1], shape)
    height, width = (k - 1 for k in kernel.shape)
    return np.fft.irfft2(product, shape)[height : image.shape[0], width : image.shape[1]]


def _window_sums(image: np.ndarray, window: tuple[int, int]) -> np.ndarray:
    """Sums of all windows, each from four corners of the running sum."""
    running = np.pad(image, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    h, w = window
    bottom, right = (n - side for n, side in zip(running.shape, window, strict=True))
    return running[h:, w:] - running[:bottom, w:] - running[h:, :right] + running[:bottom, :right]


def _flat_windows(image: np.ndarray, window: tuple[int, int], rounding: float) -> np.ndarray:
    """Which windows hold one value only, but for rounding: no pixel differs from the one below or to the right."""
    h, w = window
    down, across = (abs(np.diff(image, axis=axis)) > rounding for axis in (0, 1))
    return _window_sums(down, (h - 1, w)) + _window_sums(across, (h, w - 1)) == 0


def _fit_one_by_one(fit: np.ndarray, places: np.ndarray, image: np.ndarray, template: np.ndarray) -> None:
    """The definition, for windows so faint beside the rest of the image that sums over all of it have lost them."""
    windows = sliding_window_view(image, template.shape)
    for row in np.flatnonzero(places.any(axis=1)):
        chosen = windows[row, places[row]]
        chosen = chosen - chosen.mean(axis=(1, 2), keepdims=True)
        fit[row, places[row]] = (chosen * template).sum(axis=(1, 2)) / np.sqrt((chosen**2).sum(axis=(1, 2)))
