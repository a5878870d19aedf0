"""Letters to learn from: glyphs varied in size, slant, rotation and place, and pages of running text.

With this module, one can
- draw a data set of single letters (`draw_letters`), in any of the `FONTS`,
- split letters into those to train on and those that differ in family, style, size or slant (`split_letters`),
- set a page of text and know where every letter is (`draw_page`),
- read image files of one's own in the IDX format of MNIST and EMNIST (`load_idx`).

Everything is drawn in NumPy, from masters that come with the package (`data/masters.npz`, drawn once from nine freely
licensed families, whose licences are beside it). Ink is 1 and paper 0.
"""

import gzip
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from cnnguide._checks import check_int, check_number

__all__ = [
    "ALPHABET",
    "FAMILIES",
    "FONTS",
    "HELD_OUT_FAMILIES",
    "HELD_OUT_FONTS",
    "HELD_OUT_STYLES",
    "TRAINING_FONTS",
    "Glyph",
    "Page",
    "draw_letters",
    "draw_page",
    "load_idx",
    "split_letters",
]

DATA = Path(__file__).parent / "data"
ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""The letters there are, small ones first."""

FAMILIES = {
    "DejaVu": (
        *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique"),
        *("DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique", "DejaVuSansMono-BoldOblique"),
        *("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic"),
    ),
    "Lato": ("Lato-Regular", "Lato-Bold", "Lato-Italic"),
    "EB Garamond": ("EBGaramond12-Regular", "EBGaramond12-Bold", "EBGaramond12-Italic"),
    "Inconsolata": ("Inconsolata",),
    "Gentium Plus": ("GentiumPlus-Regular", "GentiumPlus-Bold", "GentiumPlus-Italic"),
    "Roboto Slab": ("RobotoSlab-Regular", "RobotoSlab-Bold"),
    "Cantarell": ("Cantarell-Regular", "Cantarell-Bold"),
    "Comic Neue": ("ComicNeue-Regular", "ComicNeue-Bold"),
    "Dancing Script": ("DancingScript-Regular",),
}
"""The typefaces by their designs. The styles of one family resemble each other; two families have different designers."""

FONTS = tuple(font for fonts in FAMILIES.values() for font in fonts)
"""Every font there is."""

HELD_OUT_FAMILIES = ("Gentium Plus", "Roboto Slab", "Cantarell", "Comic Neue", "Dancing Script")
"""Families that the guide's network never sees while it is trained: two with serifs, two without, and a script."""

HELD_OUT_FONTS = tuple(font for family in HELD_OUT_FAMILIES for font in FAMILIES[family])
"""All fonts of the families that are held out."""

HELD_OUT_STYLES = ("DejaVuSans-BoldOblique", "DejaVuSansMono", "DejaVuSerif-Bold", "DejaVuSerif-BoldItalic")
"""Styles that are held out of a family whose other styles are trained on: a much easier test than another family."""

TRAINING_FONTS = tuple(font for font in FONTS if font not in HELD_OUT_FONTS + HELD_OUT_STYLES)
"""The fonts that the guide's network is trained on."""

SIDE, EM = 64, 40
"""Side of a master in pixels, and the font size at which it was drawn."""

_SUPERSAMPLES = 3
_AT_ONCE = 64


def draw_letters(
    per_letter: int,
    rng: np.random.Generator,
    alphabet: str = ALPHABET[:26],
    fonts: Sequence[str] = FONTS,
    size: int = 20,
    scale: tuple[float, float] = (0.6, 1.0),
    shear: tuple[float, float] = (-0.25, 0.25),
    rotation: tuple[float, float] = (-8.0, 8.0),
    shift: tuple[float, float] = (-1.5, 1.5),
    noise: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a data set of letters, each in a random font, size, slant, rotation and place.

    Parameters
    ----------
    per_letter : int
        How many images of each letter, at least 1.
    rng : numpy.random.Generator
        Draws fonts, sizes, slants, rotations, places and noise.
    alphabet : str, default "abcdefghijklmnopqrstuvwxyz"
        The letters, out of `ALPHABET`.
    fonts : sequence of str, default FONTS
        The fonts, out of `FONTS`.
    size : int, default 20
        Side of an image, in pixels.
    scale : (float, float), default (0.6, 1.0)
        Smallest and largest font size, as a share of `size`.
    shear : (float, float), default (-0.25, 0.25)
        Least and greatest slant, in pixels to the right per pixel up.
    rotation : (float, float), default (-8, 8)
        Least and greatest rotation to the left, in degrees.
    shift : (float, float), default (-1.5, 1.5)
        Least and greatest shift from the middle along each axis, in pixels.
    noise : float, default 0
        Standard deviation of the normal noise that is added at the end, at least 0.

    Returns
    -------
    x : ndarray of float32, shape (len(alphabet) * per_letter, 1, size, size)
        The images, from 0 (paper) to 1 (ink).
    target : ndarray of int, shape (len(alphabet) * per_letter,)
        The place of each letter in `alphabet`. The letters come in order, so shuffle before splitting.

    Raises
    ------
    ValueError
        If a letter or a font does not exist, a range is not (low, high), or a number is too small.
    TypeError
        If `per_letter` or `size` is not a whole number.

    Notes
    -----
    Every pixel is the mean of 3 x 3 points, each looked up in the master (bilinear) where the inverse of scale, shear,
    rotation and shift sends it. Ranges are drawn from uniformly. The masters are drawn from the fonts of `FAMILIES`.

    Examples
    --------
    >>> x, target = draw_letters(2, np.random.default_rng(0), alphabet="ab")
    >>> x.shape, x.dtype.name, target.tolist()
    ((4, 1, 20, 20), 'float32', [0, 0, 1, 1])
    """
    per_letter, size = check_int("per_letter", per_letter, 1), check_int("size", size, 1)
    ranges = {"scale": scale, "shear": shear, "rotation": rotation, "shift": shift}
    for name, limits in ranges.items():
        _check_range(name, limits)
    check_number("noise", noise)
    letters, families = _places(alphabet, ALPHABET, "letter"), _places(fonts, FONTS, "font")
    count = len(letters) * per_letter
    target = np.repeat(np.arange(len(letters)), per_letter)
    glyphs = _masters()[rng.choice(families, count), np.asarray(letters)[target]]
    draws = {name: rng.uniform(low, high, count) for name, (low, high) in ranges.items() if name != "shift"}
    shifts = rng.uniform(*shift, (count, 2))
    maps = _inverse_maps(size * draws["scale"] / EM, draws["shear"], np.radians(draws["rotation"]))
    x = np.empty((count, 1, size, size), np.float32)
    for start in range(0, count, _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        x[some, 0] = _render(glyphs[some], maps[some], shifts[some], (size, size))
    if noise:
        x += noise * rng.standard_normal(x.shape, np.float32)
    return x, target


def _check_range(name: str, limits: tuple[float, float]) -> None:
    least = 0 if name == "scale" else -np.inf
    try:
        low, high = limits
        fits = least < low <= high < np.inf
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise ValueError(f"{name} must be (low, high){' above 0' if name == 'scale' else ''}, got {limits!r}")


def split_letters(
    per_letter: int, rng: np.random.Generator, **settings: Any
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Draw letters to train on, letters of the same kind to validate with, and four kinds that training never saw.

    Parameters
    ----------
    per_letter : int
        How many images of each letter in each part, at least 1.
    rng : numpy.random.Generator
        Gives each part a generator of its own, so that no image is in two of them.
    **settings : dict, optional
        Other settings of `draw_letters`, except `fonts`, `scale` and `shear`, which the split chooses.

    Returns
    -------
    dict of str to (ndarray, ndarray)
        Six parts, each (x, target) as `draw_letters` returns it: "train", "validation", "fonts", "styles", "sizes" and
        "slants".

    Raises
    ------
    ValueError, TypeError
        As in `draw_letters`, and ValueError for settings that the split chooses itself.

    Notes
    -----
    "train" and "validation" are drawn alike, from `TRAINING_FONTS`; "fonts" from families that are held out whole; "styles"
    from held-out styles of a family that is trained on; "sizes" smaller (scale 0.45 to 0.6), "slants" slanted more (shear
    0.25 to 0.45).

    References
    ----------
    B. Recht et al., "Do ImageNet classifiers generalize to ImageNet?" (2019), who keep the same distribution and shifted
    ones apart.

    Examples
    --------
    >>> parts = split_letters(1, np.random.default_rng(0), alphabet="abc")
    >>> {name: len(target) for name, (x, target) in parts.items()}
    {'train': 3, 'validation': 3, 'fonts': 3, 'styles': 3, 'sizes': 3, 'slants': 3}
    """
    if own := {"fonts", "scale", "shear"} & set(settings):
        raise ValueError(f"the split itself chooses {', '.join(sorted(own))}; use draw_letters to choose them")
    kinds: dict[str, dict[str, Any]] = {
        "train": {"fonts": TRAINING_FONTS},
        "validation": {"fonts": TRAINING_FONTS},
        "fonts": {"fonts": HELD_OUT_FONTS},
        "styles": {"fonts": HELD_OUT_STYLES},
        "sizes": {"fonts": TRAINING_FONTS, "scale": (0.45, 0.6)},
        "slants": {"fonts": TRAINING_FONTS, "shear": (0.25, 0.45)},
    }
    generators = rng.spawn(len(kinds))
    return {
        name: draw_letters(per_letter, generator, **kind, **settings)
        for (name, kind), generator in zip(kinds.items(), generators, strict=True)
    }


@dataclass(frozen=True)
class Glyph:
    """A letter on a page and the pixel at its centre, the middle of its line's x-height and of its own width.

    Parameters
    ----------
    letter : str
        The letter, out of `ALPHABET`.
    row, column : int
        Place of its centre on the page, in pixels from the upper left corner, counted from 0.

    Notes
    -----
    `draw_page` makes them. Glyphs are set at whole pixels, so equal letters have equal pixels.

    Examples
    --------
    >>> Glyph("e", row=24, column=31).letter
    'e'
    """

    letter: str
    row: int
    column: int


@dataclass(frozen=True)
class Page:
    """A page of text: an image, and every letter with its place.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
        The page, from 0 (paper) to 1 (ink).
    glyphs : tuple of Glyph
        Its letters in the order of the text, without the white space.

    Notes
    -----
    `draw_page` makes it.

    Examples
    --------
    >>> Page(np.zeros((32, 640), np.float32), ()).image.shape
    (32, 640)
    """

    image: np.ndarray
    glyphs: tuple[Glyph, ...]


def draw_page(
    text: str, font: str = "DejaVuSans", em: float = 16, width: int = 640, shear: float = 0.0, margin: int = 16
) -> Page:
    """Set running text in lines; words wrap, and letters are put on whole pixels, so that equal letters have equal pixels.

    Parameters
    ----------
    text : str
        Letters of `ALPHABET` and white space. A line break in it begins a new line.
    font : str, default "DejaVuSans"
        One of `FONTS`.
    em : float, default 16
        The font size, in pixels, above 0.
    width : int, default 640
        Width of the page, in pixels.
    shear : float, default 0
        Slant of the letters, in pixels to the right per pixel up.
    margin : int, default 16
        Empty border on the left, on the right and above the first line, in pixels.

    Returns
    -------
    Page
        Its image has the shape (H, width), with H as the text needs it, and its glyphs say where each letter is.

    Raises
    ------
    ValueError
        If the text holds anything other than letters and white space, a font does not exist, a word is wider than the
        page, `em` is not above 0, or `em` or `shear` is not finite.
    TypeError
        If the width or the margin is not a whole number.

    Notes
    -----
    Each letter follows the one before at its advance width, each line 1.5 em below the one before. The advance widths and
    glyphs are those of the font.

    Examples
    --------
    >>> page = draw_page("see me", em=16, width=120)
    >>> [glyph.letter for glyph in page.glyphs]
    ['s', 'e', 'e', 'm', 'e']
    """
    (family,) = _places([font], FONTS, "font")
    if unknown := sorted(set(text) - set(ALPHABET) - set(" \n\t")):
        raise ValueError(f"a page holds letters and white space only, got {''.join(unknown)!r}")
    width, margin = check_int("width", width, 1), check_int("margin", margin, 0)
    if not 0 < em < np.inf:
        raise ValueError(f"em must be above 0 and finite, got {em}")
    if not np.isfinite(shear):
        raise ValueError(f"shear must be finite, got {shear}")
    cell = int(np.ceil(1.6 * em)) | 1  # odd, so that a glyph has a middle pixel
    line_height = round(1.5 * em)
    glyphs = tuple(_set_text(text, family, em, width, margin, line_height))
    rows = max((glyph.row for glyph in glyphs), default=0) + line_height
    image = np.zeros((max(rows, 2 * margin), width), np.float32)
    maps = _inverse_maps(np.array([em / EM]), np.array([shear]), np.zeros(1))
    drawn: dict[str, np.ndarray] = {}
    for glyph in glyphs:
        if glyph.letter not in drawn:
            master = _masters()[family, ALPHABET.index(glyph.letter)][None]
            drawn[glyph.letter] = _render(master, maps, np.zeros((1, 2)), (cell, cell))[0]
        _ink(image, drawn[glyph.letter], glyph.row - cell // 2, glyph.column - cell // 2)
    return Page(image, glyphs)


def _set_text(text: str, family: int, em: float, width: int, margin: int, line_height: int) -> Iterator[Glyph]:
    space = 0.32 * em
    row, x = margin + line_height // 2, float(margin)
    for line in text.split("\n"):
        for word in line.split():
            widths = [_advances()[family, ALPHABET.index(letter)] * em / EM for letter in word]
            if sum(widths) > width - 2 * margin:
                raise ValueError(
                    f"the word {word!r} is {sum(widths):.0f} pixels wide and the line only {width - 2 * margin}"
                )
            if x + sum(widths) > width - margin:
                row, x = row + line_height, float(margin)
            for letter, advance in zip(word, widths, strict=True):
                yield Glyph(letter, row, round(x + advance / 2))
                x += advance
            x += space
        row, x = row + line_height, float(margin)


def _ink(image: np.ndarray, glyph: np.ndarray, top: int, left: int) -> None:
    """Add a glyph at its place on the page; ink on ink stays ink."""
    height, width = glyph.shape
    rows = slice(max(top, 0), min(top + height, image.shape[0]))
    columns = slice(max(left, 0), min(left + width, image.shape[1]))
    part = glyph[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    np.maximum(image[rows, columns], part, out=image[rows, columns])


def _inverse_maps(scale: np.ndarray, shear: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """For each glyph the matrix that takes (row, column) offsets on the drawing to those on the master."""
    cos, sin, one, zero = np.cos(angle), np.sin(angle), np.ones_like(shear), np.zeros_like(shear)
    rotation = np.array([[cos, -sin], [sin, cos]])  # rows count downwards: positive angles turn to the left
    slant = np.array([[one, zero], [-shear, one]])  # a pixel further up moves to the right
    forward = np.einsum("ijn,jkn->nik", rotation, slant) * scale[:, None, None]
    return np.linalg.inv(forward)


def _render(glyphs: np.ndarray, maps: np.ndarray, shifts: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Look up every point of every drawing in its master."""
    rows, columns = ((np.arange(n * _SUPERSAMPLES) + 0.5) / _SUPERSAMPLES - n / 2 for n in shape)
    offsets = np.stack(np.meshgrid(rows, columns, indexing="ij"))[None] - shifts[:, :, None, None]
    points = np.einsum("nij,njrc->nirc", maps.astype(np.float32), offsets.astype(np.float32)) + np.float32(
        (SIDE - 1) / 2
    )
    np.clip(points, 0, np.float32(SIDE - 1.001), out=points)  # beyond the master is its border, which is paper
    corner = points.astype(np.int32)
    part_r, part_c = np.moveaxis(points - corner, 1, 0)
    first = np.arange(len(glyphs), dtype=np.int32)[:, None, None] * SIDE**2 + corner[:, 0] * SIDE + corner[:, 1]
    ink = glyphs.ravel()

    def at(offset: int) -> np.ndarray:
        return ink.take(first + np.int32(offset))

    upper = at(0) * (1 - part_c) + at(1) * part_c
    lower = at(SIDE) * (1 - part_c) + at(SIDE + 1) * part_c
    fine = upper * (1 - part_r) + lower * part_r
    return fine.reshape(len(glyphs), shape[0], _SUPERSAMPLES, shape[1], _SUPERSAMPLES).mean(axis=(2, 4))


def _places(wanted: Sequence[str], known: Sequence[str], kind: str) -> list[int]:
    if not wanted:
        raise ValueError(f"at least one {kind} is needed; there are {', '.join(known)}")
    for one in wanted:
        if one not in known or len(one) == 0:
            raise ValueError(f"there is no {kind} {one!r}; there are {', '.join(known)}")
    return [list(known).index(one) for one in wanted]


@cache
def _masters() -> np.ndarray:
    with np.load(DATA / "masters.npz") as file:
        masters = file["masters"].astype(np.float32) / 15
    masters.flags.writeable = False
    return masters


@cache
def _advances() -> np.ndarray:
    with np.load(DATA / "masters.npz") as file:
        advances = file["advances"]
    advances.flags.writeable = False
    return advances


_IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def load_idx(path: str | Path, transposed: bool | None = None) -> np.ndarray:
    """Read a file in the IDX format of MNIST and EMNIST, packed with gzip or not.

    Parameters
    ----------
    path : str or Path
        The file.
    transposed : bool, optional
        Whether the file holds the columns of images as rows, as those of EMNIST do; they are then exchanged. If it is not
        given, the images are returned as they are, with a warning if the name of the file contains "emnist".

    Returns
    -------
    ndarray
        The entries, of the shape and type that the file says, for example (60000, 28, 28) of uint8 for images and (60000,)
        of uint8 for labels.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not an IDX file, cut off, or longer than it says, or if `transposed` is asked of something else than images.

    Warns
    -----
    UserWarning
        If the images seem to be those of EMNIST and `transposed` is not given.

    Notes
    -----
    Two zero bytes, the type, the number of axes, the axes as big-endian 32-bit numbers, then the entries.

    References
    ----------
    Y. LeCun, C. Cortes and C. Burges, "The MNIST database", section "File formats"; G. Cohen et al., "EMNIST: an extension
    of MNIST to handwritten letters" (2017).

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "images.idx"
    >>> _ = path.write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 7, 2, 1, 9]))
    >>> load_idx(path).tolist(), load_idx(path, transposed=True).tolist()
    ([[[7, 2], [1, 9]]], [[[7, 1], [2, 9]]])
    """
    content = Path(path).read_bytes()
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path} is cut off or damaged: {error}") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _IDX_TYPES:
        raise ValueError(
            f"{path} is not an IDX file: it begins with {content[:4].hex(' ') or 'nothing'}, not with 00 00 and a type"
        )
    kind, axes = np.dtype(_IDX_TYPES[content[2]]), content[3]
    start = 4 + 4 * axes
    if axes == 0:
        raise ValueError(f"{path} says that it has no axes; an IDX file has at least one")
    if len(content) < start:
        raise ValueError(f"{path} is cut off: its head needs {start} bytes, but there are {len(content)}")
    shape = struct.unpack(f">{axes}I", content[4:start])
    wanted = int(np.prod(shape, dtype=object)) * kind.itemsize
    if len(content) - start != wanted:
        raise ValueError(
            f"{path} says that it holds {' x '.join(map(str, shape))} entries of {kind.itemsize} bytes, {wanted} in all, "
            f"but {len(content) - start} follow: it is cut off, or something else"
        )
    try:
        entries = np.frombuffer(content, kind, offset=start).reshape(shape)
    except ValueError as error:  # more axes, or longer ones, than NumPy can have
        raise ValueError(f"{path} says that it has {axes} axes, of {shape}: {error}") from error
    if transposed and axes != 3:
        raise ValueError(f"{path} holds {axes} axes, not images (N, height, width), so nothing can be transposed")
    if transposed is None and axes == 3 and "emnist" in Path(path).name.lower():
        warnings.warn(
            f"{path} seems to be EMNIST, whose images are stored with rows and columns exchanged: read it with "
            "transposed=True, or with transposed=False if somebody has put them right already",
            stacklevel=2,
        )
    return np.ascontiguousarray(entries.swapaxes(1, 2) if transposed else entries, kind.newbyteorder("="))
