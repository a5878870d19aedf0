"""Climbs to the images that excite channels and classes of the photo network: `python -m guide.makers.exciting_images`.

Which channels: `COUNT` of each layer at equal distances from the first on, and as many classes; nobody picked pretty ones.
Each image has a seed of its own, made of its layer and its number, so that any of them can be computed again by itself.
"""

import numpy as np

from cnnguide.feature_visualization import maximize_activation
from cnnguide.images import PHOTOS, photo, resize
from cnnguide.layers import Sequential
from cnnguide.photo_network import EXCITING_IMAGES, EXCITING_SIDE, PHOTO_CLASSES, PHOTO_LAYERS, photo_network

COUNT = 6
LAYERS = {"fire2": 128, "fire3": 128, "fire5": 256, "fire7": 384, "fire9": 512, "conv10": len(PHOTO_CLASSES)}
"""Which layers, and how many channels each has; those of conv10 are the classes."""

SIDE = 112
STEPS = 160


def color_root() -> np.ndarray:
    """A root of the covariance of red, green and blue in the package's photos."""
    pixels = np.concatenate([photo(name).reshape(3, -1) for name in PHOTOS], axis=1)
    variances, directions = np.linalg.eigh(np.cov(pixels))
    return (directions * np.sqrt(variances / variances.max())) @ directions.T


def up_to(layer: str) -> Sequential:
    """The network up to a layer, without the ReLU at its end: below zero, it would show no way up."""
    model, place = photo_network(), PHOTO_LAYERS[layer]
    last = model.layers[place]
    ends = last.layers[:-1] if isinstance(last, Sequential) else [last]
    return Sequential(*model.layers[:place], *ends)


def climb(layer: str, unit: int) -> np.ndarray:
    """One image, of the size and with the bytes that are kept: (3, EXCITING_SIDE, EXCITING_SIDE)."""
    found = maximize_activation(
        up_to(layer), [unit], (3, SIDE, SIDE), np.random.default_rng([PHOTO_LAYERS[layer], unit]), steps=STEPS, rate=0.02,
        l2=1, blur=0, jitter=8, ground=0.45, rotation=10, scale=0.1, fourier=1, colors=color_root(),
    )  # fmt: skip
    return np.round(255 * resize(found[0], EXCITING_SIDE)).astype(np.uint8)


def chosen(layer: str) -> list[int]:
    """The numbers of the channels or classes that are shown of a layer."""
    return [LAYERS[layer] * place // COUNT for place in range(COUNT)]


def main() -> None:
    images = {f"{layer}/{unit}": climb(layer, unit) for layer in LAYERS for unit in chosen(layer)}
    np.savez_compressed(EXCITING_IMAGES, **images)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
