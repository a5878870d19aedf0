"""The published networks as the network calculator takes them."""

from collections.abc import Sequence
from typing import Any

import cnnguide
from cnnguide._checks import check_axis_padding
from cnnguide.networks import Branches, Convolution, Part


def networks() -> dict[str, dict[str, Any]]:
    """Each network with its title, the side of the images it was made for, whether it has biases, and its layers.

    The layers are as `docs/javascripts/core/layer_list.js` takes them.
    """
    return {
        name: {
            "title": network.title,
            "size": network.input_size,
            "bias": all(convolution.bias for convolution in network.convolutions),
            "layers": _layers(network.layers),
        }
        for name, network in ((name, cnnguide.network(name)) for name in cnnguide.network_names())
    }


def _layers(parts: Sequence[Part]) -> list[dict[str, Any]]:
    return [_layer(part) for part in parts]


def _layer(part: Part) -> dict[str, Any]:
    if isinstance(part, Branches):
        return {"kind": "block", "join": part.join, "name": part.name, "chains": [_layers(one) for one in part.chains]}
    kind: dict[str, Any] = {"kind": "average" if getattr(part, "average", False) else "pool"}
    if isinstance(part, Convolution):
        kind = {"kind": "conv", "channels": part.channels, "groups": part.groups}
    window = part.window
    return kind | {
        "kernel": window.kernel,
        "stride": window.stride,
        "padding": list(check_axis_padding(window.padding)),
        "dilation": window.dilation,
        "name": window.name,
    }
