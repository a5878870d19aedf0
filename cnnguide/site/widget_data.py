"""What the widgets compute with, handed over by the package: `python -m cnnguide.site data docs/javascripts/data`.

Each function gives the content of one file, `NAME.json`, which `docs/javascripts/core/data.js` reads. Arrays become base64
with their type and shape, so that a page gets the same numbers to the last bit.
"""

import base64
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import cnnguide
from cnnguide.experiments.channels import find_letter
from cnnguide.figures.build import write_if_changed
from cnnguide.figures.channels import SHORT_PAGE
from cnnguide.letters import ALPHABET, DATA, EM, FONTS, SIDE, draw_page

CONTENTS: dict[str, Callable[[], Any]] = {}


def _file(content: Callable[[], Any]) -> Callable[[], Any]:
    CONTENTS[content.__name__] = content
    return content


def _array(array: np.ndarray) -> dict[str, Any]:
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return {
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "base64": base64.b64encode(little.tobytes()).decode(),
    }


@_file
def kernels() -> dict[str, list[list[float]]]:
    """The named kernels, by their names in an address."""
    names = [name for name in cnnguide.__all__ if name.isupper() and getattr(cnnguide.filters, name, None) is not None]
    return {name.lower(): getattr(cnnguide, name).tolist() for name in names}


@_file
def photo() -> dict[str, Any]:
    """The photo, as it was counted: 0 to 255, with red, green and blue last."""
    return _array(np.rint(cnnguide.coffee().transpose(1, 2, 0) * 255).astype(np.uint8))


@_file
def page_of_text() -> dict[str, Any]:
    """The masters of the font that pages are set in, the page that the e channel is shown on, and when a letter is found."""
    font = FONTS.index(_default(draw_page, "font"))
    with np.load(DATA / "masters.npz") as file:
        drawings = {name: _array(file[name][font]) for name in ("masters", "advances")}
    return {
        "font": {"alphabet": ALPHABET, "side": SIDE, "em": EM, **drawings},
        "page": SHORT_PAGE,
        "threshold": _default(find_letter, "threshold"),
    }


def _default(function: Callable[..., Any], argument: str) -> Any:
    return inspect.signature(function).parameters[argument].default


def write(folder: Path) -> list[str]:
    """Write the files whose bytes have changed; remove what nothing gives any more; return the names of what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        if old.stem not in CONTENTS:
            old.unlink()
    written = []
    for name, content in CONTENTS.items():
        text = json.dumps(content(), separators=(",", ":"))
        if write_if_changed(folder / f"{name}.json", text.encode()):
            written.append(name)
    return written
