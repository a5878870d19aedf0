"""Draws the glyph masters that `cnnguide.letters` varies: `python -m guide.makers.masters` writes them into `data/`.

The DejaVu fonts come with matplotlib; the others are Debian packages (`PACKAGES`). All their licences allow this and are
beside the file. The masters are shipped, so that everybody has the same bytes, whatever fonts are installed.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cnnguide.letters import ALPHABET, DATA, EM, FONTS, SIDE

BASELINE = round(0.66 * SIDE)
MATPLOTLIB = Path(matplotlib.get_data_path()) / "fonts/ttf"
FOLDERS = (MATPLOTLIB, Path("/usr/share/fonts"))
PACKAGES = (
    "fonts-lato", "fonts-ebgaramond", "fonts-inconsolata", "fonts-sil-gentiumplus", "fonts-roboto-slab", "fonts-cantarell",
    "fonts-comic-neue", "fonts-dancingscript",
)  # fmt: skip
"""Debian's packages of the fonts that matplotlib does not have."""


def find_font(name: str, folders: Iterable[Path] = FOLDERS) -> Path:
    """The file of a font; raises `FileNotFoundError` with what to install where there is none."""
    for folder in folders:
        if found := sorted(file for kind in ("ttf", "otf") for file in folder.rglob(f"{name}.{kind}")):
            return found[0]
    raise FileNotFoundError(
        f"the font {name} is not in {', '.join(map(str, folders))}; install Debian's packages {' '.join(PACKAGES)}"
    )


def draw_masters(files: Iterable[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Every letter of every font as (font, letter, row, column) in 16 steps of gray, and its advance width in pixels."""
    masters, advances = [], []
    for file in files:
        font = ImageFont.truetype(str(file), EM)
        masters.append([_draw(letter, font, file) for letter in ALPHABET])
        advances.append([font.getlength(letter) for letter in ALPHABET])
    return np.asarray(masters), np.asarray(advances, np.float32)


def _draw(letter: str, font: ImageFont.FreeTypeFont, file: Path) -> np.ndarray:
    canvas = Image.new("L", (SIDE, SIDE), 0)
    ImageDraw.Draw(canvas).text((SIDE / 2, BASELINE), letter, font=font, fill=255, anchor="ms")
    drawn = np.asarray(canvas) >> 4
    if drawn[[0, -1]].any() or drawn[:, [0, -1]].any():
        raise ValueError(
            f"the letter {letter} of {file.name} does not fit into {SIDE}×{SIDE} pixels; lower EM from {EM}"
        )
    return drawn


def main() -> None:
    masters, advances = draw_masters(map(find_font, FONTS))
    DATA.mkdir(exist_ok=True)
    np.savez_compressed(DATA / "masters.npz", masters=masters, advances=advances)
    shutil.copyfile(MATPLOTLIB / "LICENSE_DEJAVU", DATA / "LICENSE_DEJAVU")


if __name__ == "__main__":
    main()
