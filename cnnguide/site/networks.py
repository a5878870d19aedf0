"""The networks of the literature as the network calculator takes them: the package's windows, with what else is known.

`cnnguide.NETWORKS` holds windows only. For networks that stand there with all their convolutions, the numbers of channels
are added here, so that parameters and multiplications can be counted. GoogLeNet, Inception v2 and MobileNet stand there
without some of their 1x1 convolutions; they are handed over as mere windows.
"""

from collections.abc import Callable, Sequence
from typing import Any

from cnnguide.receptive_field import NETWORKS, Chain, Parallel, Window
from cnnguide.shapes import both_sides

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

Convolution = dict[str, int]
"""What a window does not say of a convolution: `channels` and `groups`."""


def _alexnet(window: Window) -> Convolution:
    """Krizhevsky, Sutskever and Hinton (2012), section 3.5; in two halves on two GPUs, except for conv1 and conv3."""
    channels = {"conv1": 96, "conv2": 256, "conv3": 384, "conv4": 384, "conv5": 256}[window.name]
    return {"channels": channels, "groups": 1 if window.name in ("conv1", "conv3") else 2}


def _vgg(window: Window) -> Convolution:
    """Simonyan and Zisserman (2014), table 1: conv3_1 is the first of the third block."""
    return {"channels": min(64 * 2 ** (int(window.name[4]) - 1), 512), "groups": 1}


def _bottleneck(block: Parallel) -> list[list[dict[str, Any]]]:
    """He et al. (2015), table 1: the last 1x1 and the shortcut have four times the channels of the others."""
    width = 64 * 2 ** (int(block.name[4]) - 2)
    through, shortcut = block.chains
    widths = [(through, [width, width, 4 * width]), (shortcut, [4 * width] * len(shortcut))]
    return [
        [_window(window, "conv", {"channels": wide, "groups": 1}) for window, wide in zip(chain, all_wide, strict=True)]
        for chain, all_wide in widths
    ]


def _window(window: Window | Parallel, kind: str, more: Convolution) -> dict[str, Any]:
    """As `docs/javascripts/core/layer_list.js` takes a layer."""
    assert isinstance(window, Window), "no network has blocks within blocks"
    return {
        "kind": kind,
        "kernel": window.kernel,
        "stride": window.stride,
        "padding": list(both_sides(window.padding)),
        "dilation": window.dilation,
        "name": window.name,
        **more,
    }


def _plain(chain: Sequence[Window | Parallel], convolution: Callable[[Window], Convolution]) -> list[dict[str, Any]]:
    return [
        _window(window, "pool", {}) if window.name.startswith("pool") else _window(window, "conv", convolution(window))
        for window in chain
        if isinstance(window, Window)
    ]


def _resnet(chain: Sequence[Window | Parallel]) -> list[dict[str, Any]]:
    stem = _plain(chain, lambda window: {"channels": 64, "groups": 1})
    blocks = [
        {"kind": "block", "join": "added", "name": block.name, "chains": _bottleneck(block)}
        for block in chain
        if isinstance(block, Parallel)
    ]
    return stem + blocks


def _windows(chain: Chain) -> list[dict[str, Any]]:
    layers = [chain] if isinstance(chain, Window | Parallel) else chain
    return [
        _window(layer, "window", {})
        if isinstance(layer, Window)
        else {
            "kind": "block",
            "join": "concatenated",
            "name": layer.name,
            "chains": [_windows(c) for c in layer.chains],
        }
        for layer in layers
    ]


def _layers(name: str) -> list[dict[str, Any]]:
    chain = NETWORKS[name]
    if name == "alexnet":
        return _plain(chain, _alexnet)
    if name.startswith("vgg"):
        return _plain(chain, _vgg)
    return _resnet(chain) if name.startswith("resnet") else _windows(chain)


def networks() -> dict[str, dict[str, Any]]:
    """Each network with its title, the side of the images it was made for, whether it has biases, and its layers."""
    return {
        name: {
            "title": TITLES[name],
            "size": 227 if name == "alexnet" else 224,
            "bias": name == "alexnet" or name.startswith("vgg"),
            "layers": _layers(name),
        }
        for name in NETWORKS
    }
