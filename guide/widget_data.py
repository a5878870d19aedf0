"""What the widgets compute with, handed over by the package: `python -m guide data docs/javascripts/data`.

Each function gives the content of one file, `NAME.json`, which `docs/javascripts/core/data.js` reads. Arrays become base64
with their type and shape, so that a page gets the same numbers to the last bit.
"""

import base64
import hashlib
import inspect
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import cnnguide
from cnnguide._checks import check_int_pair
from cnnguide._files import write_if_changed
from cnnguide.experiments.channels import find_letter
from cnnguide.experiments.initialization import little_examples
from cnnguide.experiments.initialization import little_network as equal_units
from cnnguide.experiments.sources import read
from cnnguide.experiments.training import BATCH, images_that_excite, strokes_and_corners
from cnnguide.figures.build import MANIFEST
from cnnguide.letters import ALPHABET, DATA, EM, FONTS, SIDE, draw_page
from guide.calculator_networks import networks as known_networks

LETTERS = cnnguide.ALPHABET[:26]
INK = 15
"""Levels of ink in drawings, as `docs/javascripts/core/ink.js` counts them."""

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
    from cnnguide.figures.channels import SHORT_PAGE  # it imports matplotlib, which few builds need

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


@_file
def letters_network() -> dict[str, Any]:
    """The guide's own network, layer by layer, with the weights that it was trained to."""
    return {"layers": [_layer(layer) for layer in cnnguide.trained_letters_network().layers], "letters": LETTERS}


def _layer(layer: cnnguide.layers.Layer) -> dict[str, Any]:
    settings: dict[str, Any] = {"kind": type(layer).__name__}
    if isinstance(layer, cnnguide.Conv2d):
        settings["padding"] = layer.padding
    if isinstance(layer, cnnguide.MaxPool2d):
        settings["kernel"] = layer.kernel
    return settings | {
        name: _array(weights) for name, weights in zip(("weight", "bias"), layer.parameters(), strict=False)
    }


@_file
def letter_reader() -> dict[str, Any]:
    """Letters to read, in families that the network was never trained on, and what each of its units likes best."""
    model, examples = cnnguide.trained_letters_network(), example_letters()
    logits = len(model.layers) - 1
    middles = [(channel, 10, 10) for channel in range(8)]
    edges = cnnguide.maximize_activation(model, middles, (1, 20, 20), np.random.default_rng(0), 0, blur=0, jitter=0)
    wanted = {
        0: edges[:, 0, 9:12, 9:12],
        3: np.array(strokes_and_corners()["images"]),
        logits: np.array(images_that_excite()["activation images"]),
    }
    return {
        "fonts": cnnguide.HELD_OUT_FONTS,
        "examples": _array(examples),
        "lines": _writing_lines(),
        "stages": [
            {"layer": layer, "field": _field(model, layer), "wanted": _array(np.rint(images * 255).astype(np.uint8))}
            | _favourites(model, layer, examples)
            for layer, images in wanted.items()
        ],
    }


@_file
def training_letters() -> dict[str, Any]:
    """Letters to train on in the page, and letters in families never seen to measure with, in levels of ink from 0 to 15."""
    rng = np.random.default_rng(0)
    return {
        "batch_size": BATCH,
        "training": _letters(60, rng, cnnguide.TRAINING_FONTS, (0.5, 1.0), (-0.35, 0.35)),
        "unseen": _letters(8, rng, cnnguide.HELD_OUT_FONTS, (0.6, 1.0), (-0.25, 0.25)),
    }


def _letters(
    per_letter: int,
    rng: np.random.Generator,
    fonts: Sequence[str],
    scale: tuple[float, float],
    shear: tuple[float, float],
) -> dict[str, Any]:
    x, target = cnnguide.draw_letters(per_letter, rng, fonts=fonts, scale=scale, shear=shear)
    return {"x": _array(np.rint(x * INK).astype(np.uint8)), "target": _array(target.astype(np.uint8))}


def example_letters() -> np.ndarray:
    """Each letter in each font that training never saw, centred, as (26, fonts, 20, 20) levels of ink from 0 to 15."""
    fonts = [_plain_letters(font) for font in cnnguide.HELD_OUT_FONTS]
    return np.rint(np.concatenate(fonts, axis=1) * INK).astype(np.uint8)


def _plain_letters(font: str, alphabet: str = LETTERS) -> np.ndarray:
    """Letters of the size that the network was trained on, on average, upright and in the middle."""
    still = (0.0, 0.0)
    rng = np.random.default_rng(0)
    return cnnguide.draw_letters(
        1, rng, alphabet, [font], scale=(0.75, 0.75), shear=still, rotation=still, shift=still
    )[0]


def _writing_lines() -> dict[str, int]:
    """The rows that bound letters: above which row ascenders, an x, the line itself, and descenders end."""
    inked = _plain_letters("DejaVuSans", "dxp").max(axis=(1, 3)) > 0.4
    (d_top, _), (x_top, x_bottom), (_, p_bottom) = (
        (int(rows.argmax()), 20 - int(rows[::-1].argmax())) for rows in inked
    )
    return {"ascender": d_top, "x_height": x_top, "baseline": x_bottom, "descender": p_bottom}


def _field(model: cnnguide.Sequential, layer: int) -> dict[str, int] | None:
    """Which pixels a unit sees: a square of `size`, that of unit (row, column) beginning at row * stride - padding."""
    chain = []
    for one in model.layers[: layer + 1]:
        if isinstance(one, cnnguide.Conv2d):
            padding, _ = check_int_pair("padding", one.padding, 0)
            chain.append(cnnguide.Window(one.weight.shape[2], padding=padding))
        if isinstance(one, cnnguide.MaxPool2d):
            side, _ = check_int_pair("kernel", one.kernel, 1)
            chain.append(cnnguide.Window(side, stride=side))
        if isinstance(one, cnnguide.Flatten):
            return None  # from here on every unit sees everything
    field = cnnguide.receptive_field(chain)
    return {"size": field.size, "stride": field.stride, "padding": field.padding}


def _favourites(model: cnnguide.Sequential, layer: int, examples: np.ndarray, count: int = 5) -> dict[str, Any]:
    """For each unit the letters that excite it most, and how much: the mean over the fonts of its strongest answer."""
    part = cnnguide.Sequential(*model.layers[: layer + 1])
    answers = part.forward((examples / INK).reshape(-1, 1, 20, 20).astype(np.float32))
    strongest = answers.reshape(*examples.shape[:2], answers.shape[1], -1).max(axis=3).mean(axis=1)
    best = np.argsort(-strongest, axis=0)[:count]
    values = np.take_along_axis(strongest, best, axis=0)
    return {"favourites": best.T.tolist(), "answers": [[round(float(value), 3) for value in unit] for unit in values.T]}


@_file
def networks() -> dict[str, dict[str, Any]]:
    """The networks of the literature, with their channels where all layers are listed."""
    return known_networks()


@_file
def little_network() -> dict[str, Any]:
    """The network of equal units and the examples that the package trains it on, as `train_little_network` draws them."""
    rng = np.random.default_rng(1)
    x, target = little_examples(rng)
    first = equal_units(rng).parameters()[0]
    return {
        "x": _array(x),
        "target": target.tolist(),
        "scores": 3,
        "weight": float(first[0, 0]),
        "rate": 0.2,
        "drop": 0.5,
    }


def write(folder: Path) -> list[str]:
    """Write the files whose bytes have changed; remove what nothing gives any more; return the names of what was written.

    Nothing is computed where nothing has changed: neither the code and data that the files are made from, nor the files.
    """
    made_from = _fingerprint()
    if _state(folder, made_from) == _read(folder / MANIFEST):
        return []
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        if old.name != MANIFEST and old.stem not in CONTENTS:
            old.unlink()
    written = []
    for name, content in CONTENTS.items():
        text = json.dumps(content(), separators=(",", ":"))
        if write_if_changed(folder / f"{name}.json", text.encode()):
            written.append(name)
    write_if_changed(folder / MANIFEST, json.dumps(_state(folder, made_from), indent=1).encode())
    return written


def _fingerprint() -> str:
    sources = read()
    sources.include(Path(__file__).parent)
    return sources.fingerprint(__name__, sources.tree(__name__), libraries=("numpy",))


def _state(folder: Path, made_from: str) -> dict[str, Any]:
    files = sorted(file for file in folder.glob("*.json") if file.name != MANIFEST)
    return {"fingerprint": made_from, **{file.stem: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}}


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):  # lost, or somebody else's
        return None
