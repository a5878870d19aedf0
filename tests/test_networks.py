"""Published networks against their papers, other people's counts, and the same layers in PyTorch."""

import itertools

import numpy as np
import pytest

from cnnguide import NETWORKS, Network, ReceptiveField, Window, network, network_names, receptive_field, trace
from cnnguide._checks import check_axis_padding
from cnnguide.experiments.kernel_size import resnet_50_convolutions
from cnnguide.networks import Branches, Convolution


# Araujo, Norris and Sim (2019), table of the repository google-research/receptive_field: field, stride, padding.
@pytest.mark.parametrize(
    ("network", "field", "stride", "padding"),
    [
        ("alexnet", 195, 32, 64),
        ("vgg_11", 150, 32, 59),  # there: vgg_a
        ("vgg_16", 212, 32, 90),
        ("inception_v2", 699, 32, 318),
        ("mobilenet_v1", 315, 32, 126),
        # The ResNets there pool with TensorFlow's padding, 0 before and 1 after, at stride 2: 2 pixels less than here.
        ("resnet_50", 483, 32, 239 + 2),
        ("resnet_101", 1027, 32, 511 + 2),
        ("resnet_152", 1507, 32, 751 + 2),
    ],
)
def test_published_receptive_fields(network, field, stride, padding):
    assert receptive_field(NETWORKS[network]) == ReceptiveField(field, stride, padding)


# The same table, end-points: field, stride, padding after a layer.
@pytest.mark.parametrize(
    ("network", "layer", "field", "stride", "padding"),
    [
        ("alexnet", "conv1", 11, 4, 0),
        ("alexnet", "pool1", 19, 8, 0),
        ("alexnet", "conv2", 51, 8, 16),
        ("alexnet", "conv3", 99, 16, 32),
        ("alexnet", "conv5", 163, 16, 64),
        ("vgg_16", "conv1_1", 3, 1, 1),
        ("vgg_16", "pool1", 6, 2, 2),
        ("vgg_16", "conv2_1", 10, 2, 4),
        ("vgg_16", "pool2", 16, 4, 6),
        ("vgg_16", "conv3_1", 24, 4, 10),
        ("vgg_16", "pool3", 44, 8, 18),
        ("vgg_16", "conv4_1", 60, 8, 26),
        ("vgg_16", "pool4", 100, 16, 42),
        ("vgg_16", "conv5_1", 132, 16, 58),
        ("vgg_16", "conv5_2", 164, 16, 74),
        ("inception_v2", "Conv2d_1a_7x7", 7, 2, 2),
        ("inception_v2", "Conv2d_2c_3x3", 19, 4, 6),
        ("inception_v2", "Mixed_3b", 59, 8, 22),
        ("inception_v2", "Mixed_3c", 91, 8, 38),
        ("inception_v2", "Mixed_4a", 123, 16, 46),
        ("inception_v2", "Mixed_4e", 379, 16, 174),
        ("inception_v2", "Mixed_5a", 443, 32, 190),
        ("inception_v2", "Mixed_5b", 571, 32, 254),
    ],
)
def test_published_end_points(network, layer, field, stride, padding):
    names = [window.name for window in NETWORKS[network]]
    assert receptive_field(NETWORKS[network][: names.index(layer) + 1]) == ReceptiveField(field, stride, padding)


# Output sizes as the papers' tables print them: AlexNet's figure 2 (55, 27, 13), VGG's table 1 through its poolings,
# GoogLeNet's table 1, ResNet's table 1, MobileNet's table 1.
@pytest.mark.parametrize(
    ("network", "size", "published"),
    [
        ("alexnet", 227, [55, 27, 13, 6]),
        ("vgg_16", 224, [224, 112, 56, 28, 14, 7]),
        ("googlenet", 224, [112, 56, 28, 14, 7]),
        ("inception_v2", 224, [112, 56, 28, 14, 7]),
        ("resnet_50", 224, [112, 56, 28, 14, 7]),
        ("resnet_50_v1_5", 224, [112, 56, 28, 14, 7]),
        ("mobilenet_v1", 224, [112, 56, 28, 14, 7]),
    ],
)
def test_published_sizes(network, size, published):
    sizes = [row.size for row in trace(NETWORKS[network], size)[1:]]
    assert list(dict.fromkeys(sizes)) == published


def test_resnet_50_at_199_and_its_two_stride_placements():
    # He et al. put the stride into the first 1x1; torchvision into the 3x3, so that no input is skipped and the field
    # is smaller by one step of each of three stages: (8 - 4) + (16 - 8) + (32 - 16) pixels, twice.
    fields = [receptive_field(NETWORKS[name]).size for name in ("resnet_50", "resnet_50_v1_5")]
    assert fields == [483, 483 - 2 * (4 + 8 + 16)]
    for name in ("resnet_50", "resnet_50_v1_5"):
        sizes = dict.fromkeys(row.size for row in trace(NETWORKS[name], 199))
        assert list(sizes) == [199, 100, 50, 25, 13, 7]


# Parameters, all of them: papers' models as others count them. AlexNet and GoogLeNet: Caffe's; VGG, ResNet, SqueezeNet:
# torchvision's; MobileNet: those that Keras trains.
@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("alexnet", 60_965_224),
        ("vgg_11", 132_863_336),
        ("vgg_16", 138_357_544),
        ("googlenet", 6_998_552),
        ("resnet_50", 25_557_032),
        ("resnet_50_v1_5", 25_557_032),
        ("resnet_101", 44_549_160),
        ("resnet_152", 60_192_808),
        ("mobilenet_v1", 4_231_976),
        ("squeezenet_1_1", 1_235_496),
    ],
)
def test_published_parameters(name, published):
    assert network(name).parameters == published


def test_parameters_that_tf_slim_tests_for():
    """It counts three numbers for each normalised channel (a shift, and the running mean and variance), no last layer."""
    weights, channels = {}, {}
    for name in ("mobilenet_v1", "inception_v2", "googlenet"):
        known = network(name)
        per_channel = sum(one.channels * (one.bias + 2 * one.normalized) for one in known.convolutions)
        weights[name] = sum(row.parameters for row in known.rows()) - per_channel
        channels[name] = sum(one.channels for one in known.convolutions)
    assert weights["mobilenet_v1"] + 3 * channels["mobilenet_v1"] == 3_217_920
    # The first layer has biases for the 64 channels of its 1x1, and is not normalised.
    assert weights["inception_v2"] + 3 * (channels["inception_v2"] - 24 - 64) + 64 == 10_173_112
    # Its GoogLeNet is normalised, and has 3x3 in the place of the 5x5.
    pairs = itertools.pairwise(network("googlenet").convolutions)
    smaller = sum((25 - 9) * before.channels * five.channels for before, five in pairs if five.window.kernel == 5)
    assert weights["googlenet"] - smaller + 3 * channels["googlenet"] == 5_607_184


# Multiplications in millions: He et al. (2015), table 1 (3.8, 7.6 and 11.3 thousand millions); Howard et al. (2017), table 8
# (569); torchvision's for version 1.5 of ResNet-50, for VGG and for SqueezeNet.
@pytest.mark.parametrize(
    ("name", "millions", "exact_to"),
    [
        ("resnet_50", 3_800, 100),
        ("resnet_101", 7_600, 50),
        ("resnet_152", 11_300, 50),
        ("mobilenet_v1", 569, 0.5),
        ("resnet_50_v1_5", 4_089, 0.5),
        ("vgg_11", 7_609, 0.5),
        ("vgg_16", 15_470, 5),
        ("squeezenet_1_1", 349, 0.5),
    ],
)
def test_published_multiplications(name, millions, exact_to):
    assert network(name).macs / 1e6 == pytest.approx(millions, abs=exact_to)


def test_the_modules_of_googlenet_cost_what_its_paper_says():
    """Szegedy et al. (2014), table 1; its numbers for conv1, and the multiplications of 5a, are others than ours."""
    rows = {row.name.removeprefix("inception "): row for row in network("googlenet").rows()}
    millions = {"3a": 128, "3b": 304, "4a": 73, "4b": 88, "4c": 100, "4d": 119, "4e": 170, "5b": 71}
    for module, published in millions.items():
        assert rows[module].macs / 1e6 == pytest.approx(published, abs=1)
    assert (rows["conv2 reduce"].macs + rows["conv2"].macs) / 1e6 == pytest.approx(360, abs=1)


def test_the_convolutions_of_resnet_50_are_those_that_the_chapter_counts():
    layers, rows = resnet_50_convolutions(), network("resnet_50_v1_5").rows()
    assert sum(row.macs for row in rows) == sum(layer.macs for layer in layers)
    normalisation = 2 * sum(one.channels for one in network("resnet_50_v1_5").convolutions)
    assert sum(row.parameters for row in rows) - normalisation == sum(layer.weights for layer in layers)


def test_the_sides_of_squeezenet_are_those_of_its_authors():
    known = network("squeezenet_1_1")
    assert list(dict.fromkeys(known.sizes)) == [224, 111, 55, 27, 13]
    assert known.rows()[-1].channels == 1000 and known.fully_connected == ()


# The same layers, built and counted by PyTorch.


def twin(torch, part, channels):
    """A layer of PyTorch that does what `part` says, for an input with so many channels."""
    w, (before, after) = part.window, check_axis_padding(part.window.padding)
    pad = torch.nn.ZeroPad2d((before, after, before, after))
    if not isinstance(part, Convolution):
        kind = torch.nn.AvgPool2d if part.average else torch.nn.MaxPool2d
        return torch.nn.Sequential(pad, kind(w.kernel, w.stride, ceil_mode=w.ceil_mode))
    conv = torch.nn.Conv2d(
        channels, part.channels, w.kernel, w.stride, dilation=w.dilation, groups=part.groups, bias=part.bias
    )
    norm = [torch.nn.BatchNorm2d(part.channels)] if part.normalized else []
    return torch.nn.Sequential(pad, conv, *norm)


def followed(torch, parts, x):
    """The output of a chain in PyTorch, and how many numbers it learns."""
    learned = 0
    for part in parts:
        if isinstance(part, Branches):
            ends = [followed(torch, chain, x) for chain in part.chains]
            outputs = [end[0] for end in ends]
            x = sum(outputs) if part.join == "added" else torch.cat(outputs, dim=1)
            learned += sum(end[1] for end in ends)
        else:
            layer = twin(torch, part, x.shape[1]).to("meta")
            learned += sum(weights.numel() for weights in layer.parameters())
            x = layer(x)
    return x, learned


@pytest.mark.parametrize("name", network_names())
def test_sizes_channels_and_parameters_are_those_of_the_same_layers_in_pytorch(torch, name):
    known = network(name)
    for size in (known.input_size, 161, 190):
        x, total = torch.zeros(2, 3, size, size, device="meta"), 0
        for part, row in zip(known.layers, known.rows(size)[1:], strict=True):
            x, learned = followed(torch, [part], x)
            assert (row.channels, row.size, row.size) == tuple(x.shape[1:])
            assert row.parameters == learned
            total += learned
        if size == known.input_size:
            head = [torch.nn.AdaptiveAvgPool2d(1)] * known.global_average + [torch.nn.Flatten()]
            x = torch.nn.Sequential(*head)(x)
            for outputs in known.fully_connected:
                layer = torch.nn.Linear(x.shape[1], outputs, device="meta")
                x, total = layer(x), total + sum(weights.numel() for weights in layer.parameters())
            assert x.shape == (2, 1000) and known.parameters == total


@pytest.mark.parametrize("name", network_names())
def test_one_network_says_the_same_in_all_its_forms(name):
    known = network(name)
    assert isinstance(known, Network) and known.name == name
    assert known.receptive_field == receptive_field(known.chain) == receptive_field(NETWORKS[name])
    assert [row[:2] + row[3:6] for row in known.rows()] == [tuple(row) for row in trace(known.chain, known.input_size)]
    assert known.sizes == [row.size for row in known.rows()]
    left_out = [link for link in known.chain if link not in NETWORKS[name]]
    assert all(isinstance(link, Window) and link.kernel == 1 for link in left_out)


def test_an_image_that_is_too_small_is_refused_with_the_layer():
    with pytest.raises(ValueError, match="pool5: kernel 2 .* size 1 "):
        network("vgg_16").rows(16)
    with pytest.raises(ValueError, match="size must be at least 1, got 0"):
        network("vgg_16").rows(0)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("vgg16", "vgg_16"), ("VGG-16", "vgg_16"), ("ResNet50", "resnet_50"), ("squeezenet", "squeezenet_1_1")],
)
def test_a_name_that_is_nearly_right_gets_the_right_one(name, nearest):
    with pytest.raises(
        ValueError, match=f"^network must be one of alexnet, .*; got '{name}', did you mean '{nearest}'"
    ):
        network(name)


@pytest.mark.parametrize("name", ["", "transformer", None, 16, np.ones(2)])
def test_a_name_that_is_like_no_other_gets_the_list(name):
    with pytest.raises(ValueError, match="^network must be one of alexnet, .*squeezenet_1_1; got ") as error:
        network(name)
    assert "did you mean" not in str(error.value)


def test_networks_are_read_only():
    with pytest.raises(TypeError):
        NETWORKS["vgg_16"] = ()
