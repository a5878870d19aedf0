"""Small test images that a formula draws, so that every pixel of them can be predicted.

With this module, one can draw a `disk`.
"""

import numpy as np

from cnnguide.shapes import whole_number

__all__ = ["disk"]


def disk(size: int, radius: float) -> np.ndarray:
    """A white disk on black, centred, its edge softened over one pixel.

    Formula: clip(radius + 0.5 - distance to the centre, 0, 1).

    Shapes: returns (size, size) in float64 from 0 (black) to 1 (white); `radius` in pixels.

    Raises TypeError or ValueError for a size that is no positive whole number, ValueError for a negative radius.

    Source: the distance of each pixel to the centre, cut off at the radius.

    >>> disk(5, radius=1).tolist()[2]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    size = whole_number("size", size, 1)
    if not radius >= 0:
        raise ValueError(f"radius must be at least 0, got {radius}")
    offset = np.arange(size) - (size - 1) / 2
    distance = np.hypot(offset[:, None], offset[None, :])
    return np.clip(radius + 0.5 - distance, 0.0, 1.0)
