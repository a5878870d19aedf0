"""The networks of the literature as the network calculator takes them: with channels, so that costs can be counted.

`cnnguide.NETWORKS` holds windows, and of 1x1 convolutions only those in branches. Here the numbers of channels are
added, and the 1x1 that are left out there, because they change neither size nor field.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from cnnguide._checks import check_axis_padding
from cnnguide.receptive_field import NETWORKS, Parallel, Window

TITLES = {
    "alexnet": "AlexNet",
    "vgg_11": "VGG-11",
    "vgg_16": "VGG-16",
    "googlenet": "GoogLeNet",
    "inception_v2": "Inception v2",
    "resnet_50": "ResNet-50, strides in the first 1×1",
    "resnet_50_v1_5": "ResNet-50 v1.5, strides in the 3×3",
    "resnet_101": "ResNet-101",
    "resnet_152": "ResNet-152",
    "mobilenet_v1": "MobileNet v1",
}
WITH_BIASES = ("alexnet", "vgg_11", "vgg_16", "googlenet")  # the others normalise, which makes biases idle

Layer = dict[str, Any]
"""As `docs/javascripts/core/layer_list.js` takes one."""

What = int | str
"""What a window does: a convolution with that many channels, or POOL or AVERAGE."""

POOL, AVERAGE = "pool", "average"  # a pooling takes the largest unless it is said to average


def _layer(window: Window, what: What, groups: int = 1) -> Layer:
    kind: Layer = {"kind": what} if isinstance(what, str) else {"kind": "conv", "channels": what, "groups": groups}
    return kind | {
        "kernel": window.kernel,
        "stride": window.stride,
        "padding": list(check_axis_padding(window.padding)),
        "dilation": window.dilation,
        "name": window.name,
    }


def _block(block: Parallel, join: str, *chains: Sequence[What]) -> Layer:
    """A block of branches; `chains` says for each branch what its windows do."""
    return {
        "kind": "block",
        "join": join,
        "name": block.name,
        "chains": [
            [_layer(_window(one), what) for one, what in zip(windows, whats, strict=True)]
            for windows, whats in zip(block.chains, chains, strict=True)
        ],
    }


def _window(one: Window | Parallel) -> Window:
    assert isinstance(one, Window), "no network has blocks within blocks"
    return one


def _alexnet(layers: Iterable[Window | Parallel]) -> Iterator[Layer]:
    """Krizhevsky, Sutskever and Hinton (2012), section 3.5; in two halves on two GPUs, except for conv1 and conv3."""
    channels = {"conv1": 96, "conv2": 256, "conv3": 384, "conv4": 384, "conv5": 256}
    for window in map(_window, layers):
        whole = window.name in ("conv1", "conv3")
        yield _layer(window, channels.get(window.name, POOL), groups=1 if whole else 2)


def _vgg(layers: Iterable[Window | Parallel]) -> Iterator[Layer]:
    """Simonyan and Zisserman (2014), table 1: conv3_1 is the first of the third block."""
    for window in map(_window, layers):
        pool = window.name.startswith("pool")
        yield _layer(window, POOL if pool else min(64 * 2 ** (int(window.name[4]) - 1), 512))


def _googlenet(layers: Iterable[Window | Parallel]) -> Iterator[Layer]:
    """Szegedy et al. (2014), table 1: of each module the 1x1, what is before the 3x3 and it, the 5x5, the pooling."""
    modules = {
        "3a": (64, 96, 128, 16, 32, 32),
        "3b": (128, 128, 192, 32, 96, 64),
        "4a": (192, 96, 208, 16, 48, 64),
        "4b": (160, 112, 224, 24, 64, 64),
        "4c": (128, 128, 256, 24, 64, 64),
        "4d": (112, 144, 288, 32, 64, 64),
        "4e": (256, 160, 320, 32, 128, 128),
        "5a": (256, 160, 320, 32, 128, 128),
        "5b": (384, 192, 384, 48, 128, 128),
    }
    for layer in layers:
        if isinstance(layer, Parallel):
            one, before_three, three, before_five, five, pooled = modules[layer.name.removeprefix("inception ")]
            yield _block(layer, "concatenated", [one], [before_three, three], [before_five, five], [POOL, pooled])
        elif layer.name == "conv2":
            yield _layer(Window(1, name="conv2 reduce"), 64)
            yield _layer(layer, 192)
        else:
            yield _layer(layer, 64 if layer.name == "conv1" else POOL)


def _inception_v2(layers: Iterable[Window | Parallel]) -> Iterator[Layer]:
    """Ioffe and Szegedy (2015), figure 5, as TF-Slim builds it: the first layer is a depthwise 7x7 and a 1x1."""
    modules: dict[str, Sequence[Sequence[What]]] = {
        "Mixed_3b": ([64], [64, 64], [64, 96, 96], [AVERAGE, 32]),
        "Mixed_3c": ([64], [64, 96], [64, 96, 96], [AVERAGE, 64]),
        "Mixed_4a": ([128, 160], [64, 96, 96], [POOL]),
        "Mixed_4b": ([224], [64, 96], [96, 128, 128], [AVERAGE, 128]),
        "Mixed_4c": ([192], [96, 128], [96, 128, 128], [AVERAGE, 128]),
        "Mixed_4d": ([160], [128, 160], [128, 160, 160], [AVERAGE, 96]),
        "Mixed_4e": ([96], [128, 192], [160, 192, 192], [AVERAGE, 96]),
        "Mixed_5a": ([128, 192], [192, 256, 256], [POOL]),
        "Mixed_5b": ([352], [192, 320], [160, 224, 224], [AVERAGE, 128]),
        "Mixed_5c": ([352], [192, 320], [192, 224, 224], [POOL, 128]),
    }
    for layer in layers:
        if isinstance(layer, Parallel):
            yield _block(layer, "concatenated", *modules[layer.name])
        elif layer.name == "Conv2d_1a_7x7":
            yield _layer(layer, 24, groups=3)  # eight kernels for each colour
            yield _layer(Window(1, name="Conv2d_1a_7x7 pointwise"), 64)
        elif layer.name == "Conv2d_2c_3x3":
            yield _layer(Window(1, name="Conv2d_2b_1x1"), 64)
            yield _layer(layer, 192)
        else:
            yield _layer(layer, POOL)


def _resnet(layers: Iterable[Window | Parallel]) -> Iterator[Layer]:
    """He et al. (2015), table 1: the last 1x1 and the shortcut have four times the channels of the others."""
    for layer in layers:
        if isinstance(layer, Parallel):
            width = 64 * 2 ** (int(layer.name[4]) - 2)
            yield _block(layer, "added", [width, width, 4 * width], [4 * width] * len(layer.chains[1]))
        else:
            yield _layer(layer, POOL if layer.name.startswith("pool") else 64)


def _mobilenet_v1(layers: Iterable[Window | Parallel]) -> Iterator[Layer]:
    """Howard et al. (2017), table 1: a depthwise 3x3 keeps the channels, the 1x1 behind it mixes them into the next."""
    widths = {f"depthwise{n}": width for n, width in enumerate((64, 128, 128, 256, 256, *[512] * 6, 1024, 1024), 1)}
    channels = 32
    for window in map(_window, layers):
        depthwise = window.name in widths
        yield _layer(window, channels, groups=channels if depthwise else 1)
        if depthwise:
            channels = widths[window.name]
            yield _layer(Window(1, name=window.name.replace("depthwise", "pointwise")), channels)


def _builder(name: str) -> Callable[[Iterable[Window | Parallel]], Iterator[Layer]]:
    families = {
        "alexnet": _alexnet,
        "vgg": _vgg,
        "googlenet": _googlenet,
        "inception": _inception_v2,
        "resnet": _resnet,
        "mobilenet": _mobilenet_v1,
    }
    return families[name.split("_")[0]]


def networks() -> dict[str, dict[str, Any]]:
    """Each network with its title, the side of the images it was made for, whether it has biases, and its layers."""
    return {
        name: {
            "title": TITLES[name],
            "size": 227 if name == "alexnet" else 224,
            "bias": name in WITH_BIASES,
            "layers": list(_builder(name)(windows)),
        }
        for name, windows in NETWORKS.items()
    }
