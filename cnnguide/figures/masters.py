"""Draws the glyph masters that `cnnguide.letters` varies: `python -m cnnguide.figures.masters` writes them into `data/`.

The fonts are the DejaVu families that come with matplotlib; their licence, which allows all of this, is put beside the file.
The masters are shipped, so that everybody has the same bytes whatever version of FreeType is installed.
"""

import shutil
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cnnguide.letters import ALPHABET, DATA, EM, FONTS, SIDE

BASELINE = round(0.66 * SIDE)


def draw_masters(fonts: Path) -> tuple[np.ndarray, np.ndarray]:
    """Every letter of every font as (font, letter, row, column) in 16 steps of gray, and its advance width in pixels."""
    masters = np.zeros((len(FONTS), len(ALPHABET), SIDE, SIDE), np.uint8)
    advances = np.zeros((len(FONTS), len(ALPHABET)), np.float32)
    for f, name in enumerate(FONTS):
        font = ImageFont.truetype(str(fonts / f"{name}.ttf"), EM)
        for c, letter in enumerate(ALPHABET):
            canvas = Image.new("L", (SIDE, SIDE), 0)
            ImageDraw.Draw(canvas).text((SIDE / 2, BASELINE), letter, font=font, fill=255, anchor="ms")
            masters[f, c] = np.asarray(canvas) >> 4
            advances[f, c] = font.getlength(letter)
    return masters, advances


def main() -> None:
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    masters, advances = draw_masters(fonts)
    DATA.mkdir(exist_ok=True)
    np.savez_compressed(DATA / "masters.npz", masters=masters, advances=advances)
    shutil.copyfile(fonts / "LICENSE_DEJAVU", DATA / "LICENSE_DEJAVU")


if __name__ == "__main__":
    main()
