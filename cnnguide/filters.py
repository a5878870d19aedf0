"""Named kernels with their sources, and filtering: one kernel slid over one gray image.

With this module, one can filter an image (`apply_filter`) with `SOBEL_X`, `SOBEL_Y`, `LAPLACIAN` or a kernel of one's
own. Rows count downwards and columns to the right, as in NumPy, OpenCV and SciPy: a positive response of `SOBEL_X` means
brighter to the right, one of `SOBEL_Y` brighter below.
"""

import numpy as np

__all__ = ["LAPLACIAN", "SOBEL_X", "SOBEL_Y", "apply_filter"]


def _named_kernel(rows: list[list[int]]) -> np.ndarray:
    kernel = np.array(rows, dtype=np.float64)
    kernel.flags.writeable = False  # shared by everybody who imports it
    return kernel


SOBEL_X = _named_kernel([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
"""Sobel and Feldman (1968): 8 times the change per pixel to the right, smoothed over three rows."""

SOBEL_Y = _named_kernel([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])
"""`SOBEL_X` transposed: 8 times the change per pixel downwards, smoothed over three columns."""

LAPLACIAN = _named_kernel([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
"""The five-point approximation of the second derivatives along x and y, added, for pixels at distance 1."""

_BORDERS = {"reflect": "symmetric", "mirror": "reflect", "nearest": "edge", "wrap": "wrap", "constant": "constant"}
"""SciPy's names of what lies beyond the border -> NumPy's. They use "reflect" for different things."""


def apply_filter(image: np.ndarray, kernel: np.ndarray, border: str = "reflect") -> np.ndarray:
    """Slide a kernel over a gray image: at each pixel, the sum of products of the kernel and what lies under it.

    Formula: out[r, c] = sum over i, j of kernel[i, j] * image[r + i - k_h // 2, c + j - k_w // 2]. This is
    cross-correlation, the "convolution" of neural networks: the kernel is not flipped.

    Shapes: image (H, W), kernel (k_h, k_w), returns (H, W). float32 images stay float32, everything else is computed in
    float64. Beyond the border lies what `border` says, by SciPy's names: "reflect" (d c b a | a b c d | d c b a),
    "mirror" (d c b | a b c d | c b a), "nearest", "wrap", or "constant" (zeros).

    Raises ValueError for images or kernels that are not two-dimensional or are empty, and for an unknown border.

    Source: documentation of scipy.ndimage.correlate, which it agrees with for odd and even kernels.

    >>> step = np.array([[0.0, 0.0, 1.0, 1.0]] * 3)         # dark left, bright right: one vertical edge
    >>> apply_filter(step, SOBEL_X)[1].tolist(), apply_filter(step, SOBEL_Y)[1].tolist()
    ([0.0, 4.0, 4.0, 0.0], [0.0, 0.0, 0.0, 0.0])
    """
    image, kernel = np.asarray(image), np.asarray(kernel)
    for name, array in (("image", image), ("kernel", kernel)):
        if array.ndim != 2 or array.size == 0:
            raise ValueError(f"{name} must be two-dimensional and not empty, got shape {array.shape}")
        if array.dtype.kind not in "buif":
            raise TypeError(f"{name} must hold real numbers, got {array.dtype}")
    if border not in _BORDERS:
        raise ValueError(f"border must be one of {', '.join(_BORDERS)}; got {border!r}")
    dtype = np.float32 if image.dtype == np.float32 else np.float64
    height, width = image.shape
    sides = [(k // 2, (k - 1) // 2) for k in kernel.shape]
    padded = np.pad(image.astype(dtype), sides, mode=_BORDERS[border])  # type: ignore[call-overload]
    out = np.zeros((height, width), dtype)
    with np.errstate(invalid="ignore"):  # 0 * infinity is NaN, and NaN may pass through without a warning
        for (i, j), weight in np.ndenumerate(kernel.astype(dtype)):
            out += weight * padded[i : i + height, j : j + width]
    return out
