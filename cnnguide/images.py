"""Pictures to filter: some that a formula draws, a photo, and the reader's own.

With this module, one can
- draw images whose every pixel can be predicted (`disk`, `ramp`, `checkerboard`),
- take a colour photo that comes with the package (`coffee`, `photo`), turn colours into gray (`luma`), and all but a grid of
  coloured lines (`color_grid`),
- make a picture larger or smaller (`resize`),
- read a picture of one's own and write what was made of it (`load`, `save`, which need Pillow).

Images are (H, W), or (3, H, W) in the order red, green, blue, from 0 (black) to 1 (white).
"""

import importlib
import io
import warnings
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np

from cnnguide._checks import as_floats, check_choice, check_int, check_int_pair

__all__ = ["PHOTOS", "checkerboard", "coffee", "color_grid", "disk", "load", "luma", "photo", "ramp", "resize", "save"]

DATA = Path(__file__).parent / "data"
PHOTOS_FILE = DATA / "photos.npz"
PHOTO_SIDE = 224

PHOTOS = MappingProxyType({"coffee": "coffee", "cat": "chelsea", "astronaut": "astronaut", "rocket": "rocket"})
"""The names that `photo` takes, and what scikit-image calls the photos, which it has larger."""

MOST_PIXELS = 50_000_000
"""A picture with more is refused: in float32 it would take more than half a gigabyte."""


def disk(size: int, radius: float) -> np.ndarray:
    """A white disk on black, centred, its edge softened over one pixel.

    Parameters
    ----------
    size : int
        Side of the image, in pixels.
    radius : float
        Radius of the disk, in pixels, at least 0.

    Returns
    -------
    ndarray of float64, shape (size, size)
        The image, from 0 (black) to 1 (white).

    Raises
    ------
    TypeError
        If the size is not a whole number.
    ValueError
        If the size is not positive, or the radius is negative.

    Notes
    -----
    clip(radius + 0.5 - distance, 0, 1), where the distance is that of a pixel's centre to the centre of the image.

    Examples
    --------
    >>> disk(5, radius=1).tolist()[2]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    size = check_int("size", size, 1)
    if not radius >= 0:
        raise ValueError(f"radius must be at least 0, got {radius}")
    offset = np.arange(size) - (size - 1) / 2
    distance = np.hypot(offset[:, None], offset[None, :])
    return np.clip(radius + 0.5 - distance, 0.0, 1.0)


def ramp(size: int, angle: float = 0.0) -> np.ndarray:
    """An image that gets evenly brighter in one direction, by 1 per pixel, and is 0 in the middle.

    Parameters
    ----------
    size : int
        Side of the image, in pixels.
    angle : float, default 0
        In which direction it gets brighter, in degrees: 0 to the right, 90 downwards.

    Returns
    -------
    ndarray of float64, shape (size, size)
        The image. Half of it is negative, because the middle is 0.

    Raises
    ------
    TypeError, ValueError
        If the size is not a positive whole number.

    Notes
    -----
    cos(angle) * column + sin(angle) * row, both counted from the middle: the plane with the gradient (cos, sin).

    Examples
    --------
    >>> ramp(3).tolist()[0]
    [-1.0, 0.0, 1.0]
    """
    offset = np.arange(check_int("size", size, 1)) - (size - 1) / 2
    return np.cos(np.radians(angle)) * offset[None, :] + np.sin(np.radians(angle)) * offset[:, None]


def checkerboard(size: int, field: int = 8) -> np.ndarray:
    """Black and white squares in turns, the upper left one black.

    Parameters
    ----------
    size : int
        Side of the image, in pixels.
    field : int, default 8
        Side of one square, in pixels.

    Returns
    -------
    ndarray of float64, shape (size, size)
        The image, with 0 for black and 1 for white.

    Raises
    ------
    TypeError, ValueError
        If the size or the field is not a positive whole number.

    Notes
    -----
    (row // field + column // field) mod 2, the parity of a square's row plus its column.

    Examples
    --------
    >>> checkerboard(4, field=2).tolist()[0]
    [0.0, 0.0, 1.0, 1.0]
    """
    place = np.arange(check_int("size", size, 1)) // check_int("field", field, 1)
    return np.add.outer(place, place) % 2 * 1.0


def coffee() -> np.ndarray:
    """A colour photo of a cup of coffee on a table.

    Returns
    -------
    ndarray of float32, shape (3, 107, 160)
        The photo from 0 to 1, in the order red, green, blue.

    References
    ----------
    Rachel Michetti, courtesy of Pikolo Espresso Bar, CC0; see data/README.md.

    Examples
    --------
    >>> coffee().shape
    (3, 107, 160)
    """
    with np.load(DATA / "coffee.npz") as file:
        return _planes(file["photo"])


def photo(name: str) -> np.ndarray:
    """A square colour photo of the size that networks for photos are given.

    Parameters
    ----------
    name : str
        One of "coffee", "cat", "astronaut", "rocket".
        Which one of `PHOTOS`.

    Returns
    -------
    ndarray of float32, shape (3, 224, 224)
        The photo from 0 to 1, in the order red, green, blue.

    Raises
    ------
    ValueError
        For another name; the message suggests the nearest one.

    References
    ----------
    The squares in the middle of photos that scikit-image calls coffee, chelsea, astronaut and rocket. Who took them is
    said in data/README.md.

    Examples
    --------
    >>> photo("cat").shape
    (3, 224, 224)
    """
    with np.load(PHOTOS_FILE) as file:
        return _planes(file[check_choice("photo", name, PHOTOS)])


def resize(image: np.ndarray, size: int | tuple[int, int]) -> np.ndarray:
    """Make a picture larger or smaller.

    Parameters
    ----------
    image : array_like, shape (..., H, W)
        One picture, its channels, or many of them.
    size : int or (int, int)
        Height and width of the result, in pixels; one number for both.

    Returns
    -------
    ndarray, shape (..., height, width)
        float32 for float32, else float64.

    Raises
    ------
    TypeError, ValueError
        For a size that is not a positive whole number, for numbers that are not real, and for an image without pixels.

    Notes
    -----
    Along each axis, a new pixel is a weighted mean of the old ones around its place. The weights fall linearly with the
    distance, to zero at max(1, old / new) old pixels. So an enlarged picture is interpolated between two pixels, and in
    a smaller one no pixel is skipped: fine stripes turn gray instead of into coarse ones (aliasing).

    References
    ----------
    Documentation of PyTorch's interpolate with mode "bilinear" and antialias; of Pillow's Image.resize with BILINEAR.

    Examples
    --------
    >>> resize(np.array([[0.0, 1.0]]), (1, 4)).tolist()
    [[0.0, 0.25, 0.75, 1.0]]
    >>> resize(np.array([[0.0, 1.0] * 6]), (1, 3)).round(2).tolist()[0][1]  # stripes turn gray
    0.5
    """
    image = as_floats("image", image)
    height, width = check_int_pair("size", size, 1)
    if image.ndim < 2 or 0 in image.shape[-2:]:
        raise ValueError(f"image must be (..., H, W) with at least one pixel, got shape {image.shape}")
    rows, columns = (
        _means(old, new).astype(image.dtype) for old, new in zip(image.shape[-2:], (height, width), strict=True)
    )
    return rows @ image @ columns.T


def _means(old: int, new: int) -> np.ndarray:
    """The weights of `resize` along one axis: (new, old), each row with the sum 1."""
    step = old / new
    centres = (np.arange(new) + 0.5) * step
    distance = abs(np.arange(old) + 0.5 - centres[:, None])
    weights = np.maximum(0, 1 - distance / max(1, step))
    return weights / weights.sum(axis=1, keepdims=True)


def luma(image: np.ndarray) -> np.ndarray:
    """How bright a colour looks: the gray version of a photo.

    Parameters
    ----------
    image : array_like, shape (3, H, W)
        A photo, in the order red, green, blue.

    Returns
    -------
    ndarray, shape (H, W)
        The gray image, in the unit of the photo. It is float32 if the photo is, else float64.

    Raises
    ------
    ValueError
        If the image does not have three channels.
    TypeError
        If it holds numbers that are not real.

    Notes
    -----
    0.299 red + 0.587 green + 0.114 blue.

    References
    ----------
    ITU-R Recommendation BT.601, section 2.5.1.

    Examples
    --------
    >>> round(float(luma(np.ones((3, 1, 1)))[0, 0]), 6)
    1.0
    """
    image = as_floats("image", image)
    if image.ndim != 3 or len(image) != 3:
        raise ValueError(f"image must be (3, H, W), got shape {image.shape}")
    red, green, blue = image
    return 0.299 * red + 0.587 * green + 0.114 * blue


def color_grid(image: np.ndarray, spacing: int = 8, width: int = 2, saturation: float = 2.0) -> np.ndarray:
    """A gray photo under a grid of lines that are too colourful: seen from afar, the eye colours the whole photo.

    Parameters
    ----------
    image : ndarray of floats, shape (3, H, W)
        A photo from 0 to 1, in the order red, green, blue.
    spacing : int, default 8
        Pixels from one line to the next, at least 1.
    width : int, default 2
        Width of the lines, in pixels, from 0 to `spacing`.
    saturation : float, default 2
        How colourful the lines are: 0 is gray, and 1 leaves the colours of the photo.

    Returns
    -------
    ndarray, shape (3, H, W)
        The photo with its grid, from 0 to 1. It is float32 if the photo is, else float64.

    Raises
    ------
    ValueError
        If the image does not have three channels, or the lines are wider than their spacing.
    TypeError
        If the image holds whole numbers: brightness is from 0 to 1.

    Notes
    -----
    luma + saturation * (image - luma) on the first `width` of every `spacing` rows and columns, and luma elsewhere; clipped
    to 0 ... 1.

    References
    ----------
    The colour assimilation grid of Øyvind Kolås (2019). The effect itself is von Bezold's (1874).

    Examples
    --------
    >>> red = np.zeros((3, 8, 8)); red[0] = 0.5
    >>> grid = color_grid(red, spacing=4, width=1, saturation=1)
    >>> grid[0, 0, 0].item(), (grid[0, 1, 1] == grid[1, 1, 1]).item()      # on a line, and between the lines
    (0.5, True)
    """
    spacing, width = check_int("spacing", spacing, 1), check_int("width", width, 0)
    if width > spacing:
        raise ValueError(f"lines {width} pixels wide do not fit into a spacing of {spacing}; use at most {spacing}")
    image = _check_brightness(image)
    gray = luma(image)
    on_row, on_column = (np.arange(length) % spacing < width for length in gray.shape)
    line = on_row[:, None] | on_column[None, :]
    colored = gray + saturation * (image - gray)
    return np.where(line, colored, gray).clip(0, 1).astype(image.dtype)


def load(path: str | Path) -> np.ndarray:
    """Read a picture of one's own, as PNG, JPEG or whatever else Pillow reads.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    ndarray of float32, shape (3, H, W)
        The picture from 0 to 1, in the order red, green, blue, turned upright as the camera says. Transparent parts become
        white.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a picture, is damaged or animated, has more than 50 million pixels, or is a PNG, TIFF or PPM with more
        than 8 bits per colour (of other formats, Pillow reads the upper 8).
    ImportError
        If Pillow is not installed.

    Notes
    -----
    Each value is byte / 255.

    References
    ----------
    Documentation of Pillow's Image.open.

    Examples
    --------
    >>> load("no such picture.png")
    Traceback (most recent call last):
    ...
    FileNotFoundError: there is no picture at no such picture.png
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no picture at {path}")
    pillow, operations = _pillow("Image"), _pillow("ImageOps")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pillow.DecompressionBombWarning)
            opened = pillow.open(path)
        with opened as picture:
            complaint = _complaint(picture)
            upright = None if complaint else operations.exif_transpose(picture).convert("RGBA")
    except (pillow.DecompressionBombError, pillow.DecompressionBombWarning) as error:
        raise ValueError(f"{path} has far too many pixels; make it smaller first") from error
    except Exception as error:  # each format fails in its own ways
        raise ValueError(f"{path} is not a readable picture, or is damaged: {error}") from error
    if upright is None:
        raise ValueError(f"{path} {complaint}")
    white = pillow.new("RGBA", upright.size, "white")
    return _planes(np.asarray(pillow.alpha_composite(white, upright).convert("RGB")))


def save(path: str | Path, image: np.ndarray) -> None:
    """Write a gray or a colour picture, in the format that the name ends with.

    Parameters
    ----------
    path : str or Path
        The file, with an ending such as .png. A file that exists is replaced.
    image : ndarray of floats, shape (H, W) or (3, H, W)
        The picture from 0 (black) to 1 (white): gray, or red, green and blue.

    Raises
    ------
    ValueError
        If the image has another shape or holds NaN, or if the ending of the name does not belong to a format that can hold
        the picture. A file that exists is left as it was.
    TypeError
        If the image holds whole numbers: brightness is from 0 to 1.
    ImportError
        If Pillow is not installed.

    Notes
    -----
    byte = round(255 * value), with values below 0 and above 1 clipped.

    References
    ----------
    Documentation of Pillow's Image.save.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "disk.png"
    >>> save(path, disk(16, radius=5))
    >>> load(path).shape
    (3, 16, 16)
    """
    image = np.asarray(image)
    if not (image.ndim == 2 or (image.ndim == 3 and len(image) == 3)) or image.size == 0:
        raise ValueError(f"image must be (H, W) or (3, H, W) and not empty, got shape {image.shape}")
    image = _check_brightness(image)
    if np.isnan(image).any():
        raise ValueError("image holds NaN, which is not a brightness")
    pixels = np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)
    pillow, encoded = _pillow("Image"), io.BytesIO()
    picture = pillow.fromarray(pixels if image.ndim == 2 else np.ascontiguousarray(np.moveaxis(pixels, 0, 2)))
    try:
        picture.save(encoded, pillow.registered_extensions()[Path(path).suffix.lower()])
    except KeyError as error:
        raise ValueError(f"{path} does not end in a format that can be written; try .png") from error
    except Exception as error:  # each format fails in its own ways
        raise ValueError(f"{path} ends in a format that cannot hold this picture: {error}; try .png") from error
    Path(path).write_bytes(encoded.getvalue())


def _complaint(picture: Any) -> str:
    """Why an opened picture is not read, or nothing."""
    if getattr(picture, "n_frames", 1) > 1 and picture.format != "MPO":  # phones add a preview to their JPEGs
        return f"is animated, with {picture.n_frames} pictures; save one of them by itself"
    if _is_deep(picture):  # Pillow would cut off what is brighter than 255, or the lower bits
        return "has more than 8 bits per colour; save it with 8"
    if picture.width * picture.height > MOST_PIXELS:
        return f"has {picture.width} x {picture.height} pixels; make it smaller first"
    return ""


def _is_deep(picture: Any) -> bool:
    """More than 8 bits per colour: the mode tells it of gray pictures, of others only how their pixels are coded."""
    if picture.mode[0] in "IF":
        return True
    if picture.format == "TIFF":
        return max(picture.tag_v2.get(258, (1,))) > 8  # the tag BitsPerSample
    if picture.format == "PPM":
        coding = picture.tile[0][3]  # "RGB", or ("RGB", the largest value)
        return isinstance(coding, tuple) and coding[1] > 255
    return ";16" in str(picture.tile)  # as "RGB;16B" in PNG


def _check_brightness(image: np.ndarray) -> np.ndarray:
    image = np.asarray(image)
    if image.dtype.kind != "f":
        raise TypeError(f"image must hold floats from 0 to 1, got {image.dtype}; divide bytes by 255")
    return as_floats("image", image)


def _pillow(module: str) -> ModuleType:
    try:
        return importlib.import_module(f"PIL.{module}")
    except ImportError as error:
        raise ImportError('pictures need Pillow: pip install "cnnguide[photos]"') from error


def _planes(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(pixels, 2, 0), np.float32) / 255
