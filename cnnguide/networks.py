"""Published networks: their layers with channels, and what they cost.

With this module, one can
- look a network up by its name (`network`, `network_names`) and read its layers, sizes, receptive fields, parameters and
  multiplications,
- get only its windows, as `receptive_field` and `trace` take them (`NETWORKS`).

A network is listed as it classifies 1,000 kinds of objects on photos. All convolutions are square.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, NamedTuple

from cnnguide._checks import check_choice, check_int
from cnnguide.receptive_field import Link, Parallel, ReceptiveField, Window, receptive_field, trace
from cnnguide.shapes import conv_macs, conv_parameters

__all__ = ["NETWORKS", "Branches", "Convolution", "Network", "NetworkRow", "Pooling", "network", "network_names"]


@dataclass(frozen=True)
class Convolution:
    """A convolution of a published network: a window, and how many kernels look through it.

    Attributes
    ----------
    window : Window
        Its kernel, stride, padding and dilation, in pixels of its own input, and its name.
    channels : int
        How many channels it gives, each by a kernel of its own.
    groups : int
        In how many groups the channels are divided, each of which reads its own share of the input.
    bias : bool
        Whether a number is added to each channel.
    normalized : bool
        Whether a batch normalisation follows, with two numbers for each channel: a scale and a shift.
    """

    window: Window
    channels: int
    groups: int = 1
    bias: bool = True
    normalized: bool = False


@dataclass(frozen=True)
class Pooling:
    """A pooling of a published network: a window, of which the largest value is kept, or the mean.

    Attributes
    ----------
    window : Window
        Its kernel, stride and padding, in pixels of its own input, and its name.
    average : bool
        Whether the mean is taken instead of the maximum.
    """

    window: Window
    average: bool = False


Sliding = Convolution | Pooling
"""A layer that slides a window."""


@dataclass(frozen=True)
class Branches:
    """Chains of layers that read the same input; their outputs are added, or laid one upon the other.

    Attributes
    ----------
    chains : tuple of tuple of Convolution and Pooling
        The branches; `()` is a shortcut that changes nothing.
    join : str
        One of "added", "concatenated".
        What is done with their outputs.
    name : str
        What the paper calls the block.
    """

    chains: tuple[tuple[Sliding, ...], ...]
    join: Literal["added", "concatenated"]
    name: str


Part = Sliding | Branches
"""One entry of a network's list of layers."""


class NetworkRow(NamedTuple):
    """One line of `Network.rows`: what a layer gives and costs.

    Attributes
    ----------
    name : str
        Name of the layer.
    size : int
        Side of the feature maps that it gives, in their pixels.
    channels : int
        Number of these maps.
    receptive_field : int
        Side of what one of their values sees, in pixels of the image.
    jump : int
        Distance between what neighbouring values see, in pixels of the image.
    start : float
        Centre of what the first value sees, in pixels of the image.
    parameters : int
        How many numbers the layer learns: weights, biases, and scales and shifts of a normalisation.
    macs : int
        How many multiplications it makes for one image.
    """

    name: str
    size: int
    channels: int
    receptive_field: int
    jump: int
    start: float
    parameters: int
    macs: int


@dataclass(frozen=True)
class Network:
    """A published network. `network` looks one up.

    Parameters
    ----------
    name : str
        The name that `network` takes.
    title : str
        The name as it is written in a text.
    source : str
        Where the network is described.
    layers : tuple of Convolution, Pooling and Branches
        All layers up to the last feature map, in the order of computation. Activations are left out.
    input_size : int, default 224
        Side of the images that the network was made for, in pixels. The images have 3 channels.
    global_average : bool, default True
        Whether each of the last feature maps is averaged before the fully connected layers.
    fully_connected : tuple of int, default (1000,)
        How many outputs each of the fully connected layers has; all have biases.

    Notes
    -----
    Parameters are counted as `conv_parameters` does, multiplications as `conv_macs` does. A fully connected layer
    learns inputs * outputs weights and one bias for each output, and makes inputs * outputs multiplications. A normalisation
    adds two parameters for each channel and no multiplications, because it can be merged into the weights before it.

    Examples
    --------
    >>> vgg = network("vgg_16")
    >>> vgg.parameters, round(vgg.macs / 1e9, 1)
    (138357544, 15.5)
    """

    name: str
    title: str
    source: str
    layers: tuple[Part, ...]
    input_size: int = 224
    global_average: bool = True
    fully_connected: tuple[int, ...] = (1000,)

    @property
    def chain(self) -> tuple[Link, ...]:
        """The windows of all layers, as `receptive_field`, `trace` and `path_counts` take them."""
        return tuple(_link(part) for part in self.layers)

    @property
    def receptive_field(self) -> ReceptiveField:
        """What one value of the last feature map sees of the image, along one axis."""
        return receptive_field(self.chain)

    @property
    def sizes(self) -> list[int]:
        """Side of the image and of what each layer makes of it, in pixels of their own."""
        return [row.size for row in self.rows()]

    @property
    def convolutions(self) -> list[Convolution]:
        """All convolutions, those in branches included."""
        return [part for part in _flat(self.layers) if isinstance(part, Convolution)]

    @property
    def parameters(self) -> int:
        """How many numbers the whole network learns, with normalisation and fully connected layers."""
        return sum(row.parameters for row in self.rows()) + sum(
            inputs * outputs + outputs for inputs, outputs in self._connections()
        )

    @property
    def macs(self) -> int:
        """How many multiplications the whole network makes for one image of `input_size`, with fully connected layers."""
        return sum(row.macs for row in self.rows()) + sum(inputs * outputs for inputs, outputs in self._connections())

    def rows(self, size: int | None = None) -> list[NetworkRow]:
        """Follow an image through all layers up to the last feature map.

        Parameters
        ----------
        size : int, optional
            Side of the image, in pixels; `input_size` if not given.

        Returns
        -------
        list of NetworkRow
            A line for the image, then one for each layer. A block of branches has one line with the sums of its costs.

        Raises
        ------
        ValueError
            Where a window does not fit into an image of this size, naming the layer.

        Examples
        --------
        >>> for row in network("vgg_16").rows()[:3]:
        ...     print(row.name, row.size, row.channels, row.parameters, row.macs)
        input 224 3 0 0
        conv1_1 224 64 1792 86704128
        conv1_2 224 64 36928 1849688064
        """
        size = self.input_size if size is None else check_int("size", size, 1)
        traced = trace(self.chain, size)
        rows = [NetworkRow("input", size, 3, *traced[0][2:], 0, 0)]
        for part, line in zip(self.layers, traced[1:], strict=True):
            costs = _costs(part, rows[-1].size, rows[-1].channels)
            rows.append(
                NetworkRow(
                    line.name, line.size, costs.channels, *line[2:], parameters=costs.parameters, macs=costs.macs
                )
            )
        return rows

    def _connections(self) -> Iterator[tuple[int, int]]:
        """Inputs and outputs of each fully connected layer."""
        last = self.rows()[-1]
        inputs = last.channels if self.global_average else last.channels * last.size**2
        for outputs in self.fully_connected:
            yield inputs, outputs
            inputs = outputs


def network(name: str) -> Network:
    """Look up a published network: its layers, sizes, receptive fields, parameters and multiplications.

    Parameters
    ----------
    name : str
        One of `network_names()`, such as "vgg_16".

    Returns
    -------
    Network
        `layers`, `sizes`, `receptive_field`, `parameters` and `macs` (multiplications, of which each is followed by an
        addition) of the network, and layer by layer in `rows()`.

    Raises
    ------
    ValueError
        For a name that is not known; the message suggests the nearest one, such as "vgg_16" for "vgg16".

    Notes
    -----
    Only the layers are listed. Sizes and receptive fields are computed from them by `trace`, parameters by
    `conv_parameters`, and multiplications by `conv_macs`.

    References
    ----------
    The `source` of each network names its paper.

    Examples
    --------
    >>> network("resnet_50").parameters
    25557032
    >>> network("resnet_50").receptive_field
    ReceptiveField(size=483, stride=32, padding=241)
    """
    return _KNOWN[check_choice("network", name, _KNOWN)]


def network_names() -> list[str]:
    """Names of the published networks that `network` knows, from the oldest family to the newest.

    Returns
    -------
    list of str
        The names.

    Notes
    -----
    A number at the end of a name counts layers with weights (vgg_16, resnet_50) or is a version (squeezenet_1_1).

    Examples
    --------
    >>> network_names()[:3]
    ['alexnet', 'vgg_11', 'vgg_16']
    """
    return list(_KNOWN)


# ---------------------------------------------------------------------------------------------------------------------
# What follows from a list of layers.


class _Costs(NamedTuple):
    channels: int
    parameters: int = 0
    macs: int = 0


def _costs(part: Part, size: int, channels: int) -> _Costs:
    """Channels that a layer gives, and what it costs, for an input of this size with so many channels."""
    if isinstance(part, Pooling):
        return _Costs(channels)
    if isinstance(part, Convolution):
        w, padding = part.window, (part.window.padding, part.window.padding)
        learned = conv_parameters(channels, part.channels, w.kernel, part.groups, part.bias)
        macs = conv_macs(size, channels, part.channels, w.kernel, w.stride, padding, w.dilation, part.groups)
        return _Costs(part.channels, learned + 2 * part.channels * part.normalized, macs)
    ends = [_costs_of_chain(chain, size, channels) for chain in part.chains]
    widths = [end.channels for end in ends]
    return _Costs(
        widths[0] if part.join == "added" else sum(widths),
        sum(end.parameters for end in ends),
        sum(end.macs for end in ends),
    )


def _costs_of_chain(chain: Sequence[Sliding], size: int, channels: int) -> _Costs:
    total = _Costs(channels)
    *before_each, _ = trace([part.window for part in chain], size)
    for part, row in zip(chain, before_each, strict=True):
        cost = _costs(part, row.size, total.channels)
        total = _Costs(cost.channels, total.parameters + cost.parameters, total.macs + cost.macs)
    return total


def _link(part: Part) -> Link:
    if isinstance(part, Branches):
        return Parallel(*([one.window for one in chain] for chain in part.chains), name=part.name)
    return part.window


def _flat(parts: Sequence[Part]) -> Iterator[Sliding]:
    for part in parts:
        if isinstance(part, Branches):
            for chain in part.chains:
                yield from chain
        else:
            yield part


# ---------------------------------------------------------------------------------------------------------------------
# The networks.


def _conv(kernel: int, channels: int, name: str = "", stride: int = 1, groups: int = 1) -> Convolution:
    """A convolution that keeps the size if its stride is 1."""
    return Convolution(Window(kernel, stride, kernel // 2, name=name), channels, groups)


def _pool(kernel: int, stride: int, padding: int | tuple[int, int] = 0, name: str = "") -> Pooling:
    return Pooling(Window(kernel, stride, padding, name=name))


def _normalized(parts: Iterable[Part]) -> tuple[Part, ...]:
    """The same layers with a batch normalisation after each convolution, which makes biases idle."""

    def one(part: Sliding) -> Sliding:
        return replace(part, bias=False, normalized=True) if isinstance(part, Convolution) else part

    def chain(chain: tuple[Sliding, ...]) -> tuple[Sliding, ...]:
        return tuple(map(one, chain))

    return tuple(
        replace(part, chains=tuple(map(chain, part.chains))) if isinstance(part, Branches) else one(part)
        for part in parts
    )


def _alexnet() -> tuple[Part, ...]:
    """In two halves on two graphics cards, except for conv1 and conv3; input 227, whatever the paper says."""
    return (
        Convolution(Window(11, stride=4, name="conv1"), 96),
        _pool(3, 2, name="pool1"),
        _conv(5, 256, "conv2", groups=2),
        _pool(3, 2, name="pool2"),
        _conv(3, 384, "conv3"),
        _conv(3, 384, "conv4", groups=2),
        _conv(3, 256, "conv5", groups=2),
        _pool(3, 2, name="pool5"),
    )


def _with_large_head(name: str, title: str, source: str, layers: Iterable[Part], input_size: int = 224) -> Network:
    """Three fully connected layers read every number of the last map."""
    return Network(name, title, source, tuple(layers), input_size, False, (4096, 4096, 1000))


def _vgg(convolutions: Sequence[int]) -> Iterator[Part]:
    """`convolutions` counts the 3x3 of each of the five blocks."""
    for block, (count, channels) in enumerate(zip(convolutions, (64, 128, 256, 512, 512), strict=True), start=1):
        for number in range(1, count + 1):
            yield _conv(3, channels, f"conv{block}_{number}")
        yield _pool(2, 2, name=f"pool{block}")


def _googlenet() -> Iterator[Part]:
    """Of each module the 1x1, what is before the 3x3 and it, the same for the 5x5, and the 1x1 after the pooling."""
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
    halving = (0, 1)  # the paper's poolings round up: 112 -> 56, with one padded pixel at the end
    yield _conv(7, 64, "conv1", stride=2)
    yield _pool(3, 2, halving, "pool1")
    yield _conv(1, 64, "conv2 reduce")
    yield _conv(3, 192, "conv2")
    yield _pool(3, 2, halving, "pool2")
    for name, (one, before_three, three, before_five, five, pooled) in modules.items():
        if name in ("4a", "5a"):
            yield _pool(3, 2, halving, "pool3" if name == "4a" else "pool4")
        chains = (
            (_conv(1, one),),
            (_conv(1, before_three), _conv(3, three)),
            (_conv(1, before_five), _conv(5, five)),
            (_pool(3, 1, 1), _conv(1, pooled)),
        )
        yield Branches(chains, "concatenated", f"inception {name}")


def _inception_v2() -> Iterator[Part]:
    """As TF-Slim builds it: a depthwise 7x7 and a 1x1 come first, the 5x5 are two 3x3, and two modules halve the size."""
    halving = Window(3, stride=2, padding=(0, 1))
    largest, average = _pool(3, 1, 1), Pooling(Window(3, padding=1), average=True)

    def module(
        one: int, three: tuple[int, int], double: tuple[int, int, int], pool: Pooling, pooled: int
    ) -> tuple[tuple[Sliding, ...], ...]:
        return (
            (_conv(1, one),),
            (_conv(1, three[0]), _conv(3, three[1])),
            (_conv(1, double[0]), _conv(3, double[1]), _conv(3, double[2])),
            (pool, _conv(1, pooled)),
        )

    def reduction(three: tuple[int, int], double: tuple[int, int, int]) -> tuple[tuple[Sliding, ...], ...]:
        return (
            (_conv(1, three[0]), Convolution(halving, three[1])),
            (_conv(1, double[0]), _conv(3, double[1]), Convolution(halving, double[2])),
            (Pooling(halving),),
        )

    modules = {
        "3b": module(64, (64, 64), (64, 96, 96), average, 32),
        "3c": module(64, (64, 96), (64, 96, 96), average, 64),
        "4a": reduction((128, 160), (64, 96, 96)),
        "4b": module(224, (64, 96), (96, 128, 128), average, 128),
        "4c": module(192, (96, 128), (96, 128, 128), average, 128),
        "4d": module(160, (128, 160), (128, 160, 160), average, 96),
        "4e": module(96, (128, 192), (160, 192, 192), average, 96),
        "5a": reduction((128, 192), (192, 256, 256)),
        "5b": module(352, (192, 320), (160, 224, 224), average, 128),
        "5c": module(352, (192, 320), (192, 224, 224), largest, 128),
    }
    # Eight kernels for each colour; then a 1x1, the only convolution of the network that has biases and no normalisation.
    yield Convolution(Window(7, stride=2, padding=(2, 3), name="Conv2d_1a_7x7"), 24, groups=3, bias=False)
    yield _conv(1, 64, "Conv2d_1a_7x7 pointwise")
    yield from _normalized(
        [
            _pool(3, 2, (0, 1), "MaxPool_2a_3x3"),
            _conv(1, 64, "Conv2d_2b_1x1"),
            _conv(3, 192, "Conv2d_2c_3x3"),
            _pool(3, 2, (0, 1), "MaxPool_3a_3x3"),
            *(Branches(chains, "concatenated", f"Mixed_{name}") for name, chains in modules.items()),
        ]
    )


def _resnet(blocks: Sequence[int], stride_in: int) -> tuple[Part, ...]:
    """Bottlenecks of 1x1, 3x3 and 1x1 beside a shortcut; the last 1x1 and the shortcut have four times the channels.

    The first bottleneck of stages 3 to 5 halves the size: in its first 1x1 (`stride_in` 1, the paper) or in its 3x3
    (`stride_in` 3, torchvision, known as version 1.5).
    """

    def bottleneck(stage: int, number: int) -> Branches:
        width = 64 * 2 ** (stage - 2)
        stride = 2 if stage > 2 and number == 1 else 1
        chain = (
            _conv(1, width, stride=stride if stride_in == 1 else 1),
            _conv(3, width, stride=stride if stride_in == 3 else 1),
            _conv(1, 4 * width),
        )
        shortcut = (_conv(1, 4 * width, stride=stride),) if number == 1 else ()
        return Branches((chain, shortcut), "added", f"conv{stage}_{number}")

    bottlenecks = (bottleneck(stage, n) for stage, count in enumerate(blocks, start=2) for n in range(1, count + 1))
    return _normalized([_conv(7, 64, "conv1", stride=2), _pool(3, 2, 1, "pool1"), *bottlenecks])


def _mobilenet_v1() -> Iterator[Part]:
    """A depthwise 3x3 keeps the channels, the 1x1 after it mixes them into the next number of channels."""
    widths = (64, 128, 128, 256, 256, *[512] * 6, 1024, 1024)
    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)

    def three(channels: int, stride: int, groups: int, name: str) -> Convolution:
        return Convolution(Window(3, stride, 1 if stride == 1 else (0, 1), name=name), channels, groups)

    yield three(32, 2, 1, "conv1")
    channels = 32
    for number, (width, stride) in enumerate(zip(widths, strides, strict=True), start=1):
        yield three(channels, stride, channels, f"depthwise{number}")
        yield _conv(1, width, f"pointwise{number}")
        channels = width


def _squeezenet_1_1() -> Iterator[Part]:
    """A fire module squeezes the channels by a 1x1 and expands them by 1x1 and 3x3; the classes are channels of conv10."""
    modules = (16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)

    def pool(number: int) -> Pooling:
        return Pooling(Window(3, stride=2, name=f"pool{number}", ceil_mode=True))

    yield Convolution(Window(3, stride=2, name="conv1"), 64)
    yield pool(1)
    for number, (squeezed, expanded) in enumerate(modules, start=2):
        yield _conv(1, squeezed, f"fire{number} squeeze")
        yield Branches(((_conv(1, expanded),), (_conv(3, expanded),)), "concatenated", f"fire{number} expand")
        if number in (3, 5):
            yield pool(number)
    yield _conv(1, 1000, "conv10")


_VGG, _RESNET = "Simonyan and Zisserman (2014), table 1", "He et al. (2015), table 1"
_INCEPTION = "Ioffe and Szegedy (2015), figure 5, as TF-Slim builds it"
_SQUEEZENET = "Iandola et al. (2016), in the version 1.1 that its authors published"

_ALL = (
    _with_large_head(
        "alexnet", "AlexNet", "Krizhevsky, Sutskever and Hinton (2012), section 3.5", _alexnet(), input_size=227
    ),
    _with_large_head("vgg_11", "VGG-11", _VGG, _vgg((1, 1, 2, 2, 2))),
    _with_large_head("vgg_16", "VGG-16", _VGG, _vgg((2, 2, 3, 3, 3))),
    Network("googlenet", "GoogLeNet", "Szegedy et al. (2014), table 1", tuple(_googlenet())),
    Network("inception_v2", "Inception v2", _INCEPTION, tuple(_inception_v2())),
    Network("resnet_50", "ResNet-50, strides in the first 1×1", _RESNET, _resnet((3, 4, 6, 3), stride_in=1)),
    Network("resnet_50_v1_5", "ResNet-50 v1.5, strides in the 3×3", _RESNET, _resnet((3, 4, 6, 3), stride_in=3)),
    Network("resnet_101", "ResNet-101", _RESNET, _resnet((3, 4, 23, 3), stride_in=1)),
    Network("resnet_152", "ResNet-152", _RESNET, _resnet((3, 8, 36, 3), stride_in=1)),
    Network("mobilenet_v1", "MobileNet v1", "Howard et al. (2017), table 1", _normalized(_mobilenet_v1())),
    Network("squeezenet_1_1", "SqueezeNet 1.1", _SQUEEZENET, tuple(_squeezenet_1_1()), fully_connected=()),
)
_KNOWN = {known.name: known for known in _ALL}


def _is_pointwise(link: Link) -> bool:
    return isinstance(link, Window) and link.kernel == 1


NETWORKS: Mapping[str, tuple[Link, ...]] = MappingProxyType(
    {name: tuple(link for link in known.chain if not _is_pointwise(link)) for name, known in _KNOWN.items()}
)
"""The windows of the published networks by name, read-only; `trace(NETWORKS["vgg_16"], 224)` prints one.

Layers that see a single pixel (1x1 convolutions, activations) are left out of a plain chain: they change neither size nor
field. `network(name).chain` has the 1x1 convolutions, too.
"""
