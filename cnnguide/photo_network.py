"""A published network with its trained weights, which names what is on a photo: SqueezeNet 1.1.

With this module, one can
- take the network (`photo_network`) and go into it at a place with a name (`PHOTO_LAYERS`),
- cut a photo as the network wants it (`prepare_photo`), and have it named (`classify`, `PHOTO_CLASSES`).

The weights were trained on ImageNet, 1.2 million photos of a thousand kinds of things. Where they come from, and what is not
known about that, is in data/LICENSE_SQUEEZENET; `python -m guide.makers.photo_network` converts them.
"""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from cnnguide._checks import as_floats, check_choice, check_int
from cnnguide.activations import softmax
from cnnguide.images import DATA, PHOTO_SIDE, resize
from cnnguide.layers import Branches, Conv2d, Flatten, GlobalAvgPool2d, MaxPool2d, ReLU, Sequential

__all__ = ["PHOTO_CLASSES", "PHOTO_LAYERS", "Guess", "classify", "exciting_images", "photo_network", "prepare_photo"]

WEIGHTS = DATA / "squeezenet_1_1.npz"
CLASSES = DATA / "imagenet_classes.txt"
EXCITING_IMAGES = DATA / "exciting_images.npz"
EXCITING_SIDE = 64

FIRES = {2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128), 6: (48, 192), 7: (48, 192), 8: (64, 256), 9: (64, 256)}
"""How many channels each fire module squeezes its input to, and each of its two expansions gives."""

MEAN_COLOR = (104.00699, 116.66877, 122.67892)
"""Blue, green and red of ImageNet's mean colour, from 0 to 255; the network was trained on photos less this colour."""

PHOTO_LAYERS: Mapping[str, int] = MappingProxyType(
    {
        name: place
        for place, name in enumerate(
            ("conv1", "relu1", "pool1", "fire2", "fire3", "pool3", "fire4", "fire5", "pool5", "fire6", "fire7", "fire8",
             "fire9", "conv10", "relu10", "mean", "scores")
        )
    }
)  # fmt: skip
"""The place of each layer of `photo_network` by its name, read-only: `photo_network().layers[PHOTO_LAYERS["fire5"]]`."""


@dataclass(frozen=True)
class Guess:
    """One of the answers of `classify`.

    Parameters
    ----------
    name : str
        The name of the class, such as "espresso".
    probability : float
        How much of the network's belief it gets, from 0 to 1.

    Notes
    -----
    The probability is the `softmax` of the scores. All thousand of them have the sum 1, whatever is on the photo.

    Examples
    --------
    >>> Guess("espresso", 0.984).name
    'espresso'
    """

    name: str
    probability: float


def photo_network(trained: bool = True, rng: np.random.Generator | None = None) -> Sequential:
    """SqueezeNet 1.1, which gives a score to each of a thousand kinds of things for a photo.

    Parameters
    ----------
    trained : bool, default True
        Whether it gets the weights that come with the package; otherwise fresh ones, as `Conv2d` draws them.
    rng : numpy.random.Generator, optional
        Draws the fresh weights; `numpy.random.default_rng(0)` if not given.

    Returns
    -------
    Sequential
        Takes photos (N, 3, H, W) in float32 from 0 to 1, in the order red, green, blue, of at least 21 pixels a side and
        best 224 (see `prepare_photo`); returns scores (N, 1000), of which `softmax` makes probabilities. `PHOTO_LAYERS`
        says which layer is where.

    Notes
    -----
    conv1 3x3 (64, stride 2), ReLU, pool, fire2, fire3, pool, fire4, fire5, pool, fire6 to fire9, conv10 1x1 (1000), ReLU,
    mean over the map. All poolings take the maximum of 3x3 with stride 2, and may hang over the border (`ceil_mode`). A
    fire module squeezes its input to a few channels by a 1x1, expands these by a 1x1 and by a 3x3 side by side, and lays
    the two results one upon the other; ReLU follows both steps.

    The network was trained on bytes in the order blue, green, red, less ImageNet's mean colour. That is a linear map of each
    pixel, so it is folded into the kernels and biases of conv1: multiplied by 255, turned around, and the answer to the
    mean colour subtracted. This is exact because conv1 has no padding.

    References
    ----------
    F. Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size" (2016), in the
    version 1.1 of its authors' repository.

    Examples
    --------
    >>> model = photo_network()
    >>> sum(array.size for array in model.parameters())
    1235496
    >>> model.forward(np.zeros((1, 3, 224, 224), np.float32)).shape
    (1, 1000)
    """
    rng = rng or np.random.default_rng(0)
    widths = [64, *(2 * expanded for _, expanded in FIRES.values())]
    fires = {
        number: _fire(channels, *sizes, rng) for (number, sizes), channels in zip(FIRES.items(), widths, strict=False)
    }
    model = Sequential(
        Conv2d(3, widths[0], 3, rng, stride=2), ReLU(), _pool(), fires[2], fires[3], _pool(), fires[4], fires[5], _pool(),
        fires[6], fires[7], fires[8], fires[9], Conv2d(widths[-1], 1000, 1, rng), ReLU(), GlobalAvgPool2d(), Flatten(),
    )  # fmt: skip
    if trained:
        with np.load(WEIGHTS) as file:
            for array, name in zip(model.parameters(), weight_names(), strict=True):
                array[...] = file[name]
        _fold_preparation(*model.parameters()[:2])
    return model


def _pool() -> MaxPool2d:
    return MaxPool2d(3, stride=2, ceil_mode=True)


def _fire(channels: int, squeezed: int, expanded: int, rng: np.random.Generator) -> Sequential:
    expansions = Branches(Conv2d(squeezed, expanded, 1, rng), Conv2d(squeezed, expanded, 3, rng, padding=1))
    return Sequential(Conv2d(channels, squeezed, 1, rng), ReLU(), expansions, ReLU())


def _fold_preparation(weight: np.ndarray, bias: np.ndarray) -> None:
    """Make a first layer for bytes of blue, green, red less the mean one for red, green, blue from 0 to 1."""
    bias -= np.einsum("oiuv,i->o", weight.astype(np.float64), MEAN_COLOR)
    weight[...] = 255 * weight[:, ::-1]


def weight_names() -> Iterator[str]:
    """The names of the arrays in the file of weights, in the order of `Sequential.parameters`."""
    fires = (f"fire{number}/{part}" for number in FIRES for part in ("squeeze1x1", "expand1x1", "expand3x3"))
    for layer in ("conv1", *fires, "conv10"):
        yield from (f"{layer}/weight", f"{layer}/bias")


def prepare_photo(image: np.ndarray) -> np.ndarray:
    """Cut the square out of the middle of a photo and bring it to the size that `photo_network` was made for.

    Parameters
    ----------
    image : array_like, shape (3, H, W)
        A photo from 0 to 1, in the order red, green, blue, as `load` reads it.

    Returns
    -------
    ndarray of float32, shape (1, 3, 224, 224)
        The largest square in the middle, made larger or smaller by `resize`; a batch of one.

    Raises
    ------
    ValueError
        If the image has another shape.
    TypeError
        If it holds whole numbers, which are not a brightness from 0 to 1.

    Notes
    -----
    What is beside the square is not seen. The colours stay as they are: the network subtracts the mean colour by itself.

    Examples
    --------
    >>> from cnnguide.images import coffee
    >>> prepare_photo(coffee()).shape
    (1, 3, 224, 224)
    """
    image = np.asarray(image)
    if image.ndim != 3 or len(image) != 3 or image.size == 0:
        raise ValueError(f"image must be (3, H, W) with at least one pixel, got shape {image.shape}")
    if image.dtype.kind in "bui":
        raise TypeError(f"image must hold floats from 0 to 1, got {image.dtype}; divide bytes by 255")
    side = min(image.shape[1:])
    top, left = ((length - side) // 2 for length in image.shape[1:])
    square = as_floats("image", image)[:, top : top + side, left : left + side]
    return resize(square, PHOTO_SIDE)[None].astype(np.float32)


def classify(image: np.ndarray, top: int = 5) -> list[Guess]:
    """Say what is on a photo: the names that the trained network finds most probable.

    Parameters
    ----------
    image : array_like, shape (3, H, W)
        A photo, as `prepare_photo` takes it.
    top : int, default 5
        How many names, from 1 to 1000.

    Returns
    -------
    list of Guess
        One `Guess` each: a name out of `PHOTO_CLASSES` and its probability, the most probable first. The network must
        choose among its thousand classes, so it also gives names to what is none of them.

    Raises
    ------
    ValueError, TypeError
        As `prepare_photo`, and for a number of names that is not from 1 to 1000.

    Notes
    -----
    The probabilities are the `softmax` of the scores that `photo_network` gives to the prepared photo.

    Examples
    --------
    >>> from cnnguide.images import photo
    >>> [guess.name for guess in classify(photo("coffee"), top=2)]
    ['espresso', 'consomme']
    """
    if check_int("top", top, 1) > len(PHOTO_CLASSES):
        raise ValueError(f"top must be from 1 to {len(PHOTO_CLASSES)}, got {top}")
    probabilities = softmax(_shared_network().forward(prepare_photo(image)))[0]
    best = np.argsort(-probabilities, kind="stable")[:top]
    return [Guess(PHOTO_CLASSES[place], float(probabilities[place])) for place in best]


def exciting_images(layer: str) -> dict[int, np.ndarray]:
    """What some channels of a layer of `photo_network` like best, kept because the climb takes a second for each.

    Parameters
    ----------
    layer : str
        One of "fire2", "fire3", "fire5", "fire7", "fire9", "conv10".
        Which layer; the channels of conv10 are the classes.

    Returns
    -------
    dict of int to ndarray of float32, shape (3, 64, 64)
        The image of each channel that was chosen, by its number. The numbers are equally spaced, so that neither good nor
        bad ones were picked.

    Raises
    ------
    ValueError
        For another layer.

    Notes
    -----
    `maximize_activation` with its means for photos, from a seed for each image, made smaller by `resize`;
    `python -m guide.makers.exciting_images` says with which settings, and makes them again.

    Examples
    --------
    >>> list(exciting_images("fire5"))
    [0, 42, 85, 128, 170, 213]
    """
    with np.load(EXCITING_IMAGES) as file:
        layers = list(dict.fromkeys(name.split("/")[0] for name in file.files))
        check_choice("layer", layer, layers)
        kept = [name for name in file.files if name.startswith(f"{layer}/")]
        return {int(name.split("/")[1]): file[name].astype(np.float32) / 255 for name in kept}


@functools.cache
def _shared_network() -> Sequential:
    """The network that `classify` asks again and again; nobody else gets it, so nobody can change its weights."""
    return photo_network()


PHOTO_CLASSES: tuple[str, ...] = tuple(CLASSES.read_text("utf-8").splitlines())
"""The names of the thousand classes, in the order of the scores."""
