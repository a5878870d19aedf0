"""Receptive fields of chains and branching networks: which inputs can reach an output. No NumPy.

With this module, one can
- describe a network as windows that slide (`Window`) and branches that run side by side (`Parallel`),
- ask what one output sees (`receptive_field`) and how that grows layer by layer (`trace`),
- count over how many paths each input reaches an output (`path_counts`).

Published networks are in `networks`.

Everything is said of one axis; for kernels that are not square, write one chain for each axis. Pixels are counted from
0, as in Python: pixel i has its centre at i. (Some texts count from the left border, so their centres are 0.5 larger.)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cnnguide._checks import check_axis_padding, check_int, check_stride
from cnnguide.shapes import AxisPadding, pool_output_size

__all__ = [
    "MisalignedError",
    "Parallel",
    "ReceptiveField",
    "TraceRow",
    "Window",
    "path_counts",
    "receptive_field",
    "trace",
]


@dataclass(frozen=True)
class Window:
    """One layer that slides a window along an axis: a convolution or a pooling.

    All lengths are in pixels of the layer's own input.

    Parameters
    ----------
    kernel : int
        Number of inputs that the window reads, at least 1.
    stride : int, default 1
        Pixels from one window to the next, at least 1.
    padding : int or (int, int), default 0
        Pixels added on each side, or (before, after).
    dilation : int, default 1
        Pixels from one input that the window reads to the next, at least 1.
    name : str, default ""
        Name of the layer, for `trace` and for messages.
    ceil_mode : bool, default False
        Whether a last window may hang over the end, as in some poolings (see `pool_output_size`).

    Raises
    ------
    TypeError
        If a number is not whole. A stride of one half, as of a transposed convolution or an upsampling, is not supported.
    ValueError
        If a number is too small.

    Notes
    -----
    Output i reads the inputs i * stride - before + dilation * t for t = 0 ... kernel - 1.

    References
    ----------
    Documentation of PyTorch's Conv2d and MaxPool2d.

    Examples
    --------
    >>> Window(3, stride=2, padding=1, name="conv1").span
    3
    """

    kernel: int
    stride: int = 1
    padding: AxisPadding = 0
    dilation: int = 1
    name: str = ""
    ceil_mode: bool = False

    def __post_init__(self) -> None:
        # Plain ints, whatever was given: arithmetic with NumPy's small integers would overflow in silence.
        for name in ("kernel", "dilation"):
            object.__setattr__(self, name, check_int(name, getattr(self, name), 1))
        object.__setattr__(self, "stride", check_stride(self.stride))
        before, after = check_axis_padding(self.padding)
        object.__setattr__(self, "padding", before if before == after else (before, after))

    @property
    def span(self) -> int:
        """Distance from the first to the last input read, both counted: dilation * (kernel - 1) + 1."""
        return self.dilation * (self.kernel - 1) + 1


class Parallel:
    """Branches that read the same input and whose outputs are added or concatenated.

    Parameters
    ----------
    *chains : Window, Parallel or sequence of them
        The branches, each a chain of layers along one axis; `()` is a shortcut that changes nothing.
    name : str, default ""
        Name of the block, for `trace` and for messages.

    Raises
    ------
    ValueError
        If there is no branch.
    TypeError
        If a branch holds anything other than `Window` and `Parallel`.

    Notes
    -----
    An input reaches the output if it reaches it through any branch.

    References
    ----------
    A. Araujo, W. Norris and J. Sim, "Computing receptive fields of convolutional neural networks", Distill (2019),
    on networks with several paths.

    Examples
    --------
    >>> block = Parallel((Window(3, padding=1), Window(3, padding=1)), (), name="residual block")
    >>> receptive_field([block]).size
    5
    """

    def __init__(self, *chains: "Chain", name: str = "") -> None:
        if not chains:
            raise ValueError("Parallel needs at least one branch; write () for a shortcut that changes nothing")
        self.chains = tuple(_links(chain) for chain in chains)
        self.name = name

    def __repr__(self) -> str:
        return f"Parallel({', '.join(map(repr, self.chains))}, name={self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Parallel) and (self.chains, self.name) == (other.chains, other.name)

    def __hash__(self) -> int:
        return hash((self.chains, self.name))


Link = Window | Parallel
"""A part of a chain: one layer, or branches."""

Chain = Link | Sequence[Link]


class MisalignedError(ValueError):
    """Branches that meet do not look at the same places, so their sum or concatenation has no single receptive field.

    Notes
    -----
    The message names the block and says whether its branches disagree in stride or in the centre of what output 0 sees.

    Examples
    --------
    >>> receptive_field(Parallel(Window(3, stride=2, padding=1), (), name="block"))
    Traceback (most recent call last):
    ...
    cnnguide.receptive_field.MisalignedError: the branches of block disagree in stride: 2, 1 pixels; give them the same \
total stride, odd kernels, and padding of half a kernel
    """


@dataclass(frozen=True)
class ReceptiveField:
    """What the outputs of a network see of its input, along one axis.

    All lengths are in pixels of the network's input.

    Parameters
    ----------
    size : int
        Number of inputs from the first to the last that can reach one output.
    stride : int
        Distance between what two neighbouring outputs see.
    padding : int
        Number of padded pixels before pixel 0 that output 0 sees.

    Notes
    -----
    Output i can be reached by the inputs i * stride - padding ... i * stride - padding + size - 1.

    References
    ----------
    A. Araujo, W. Norris and J. Sim, "Computing receptive fields of convolutional neural networks", Distill (2019).

    Examples
    --------
    >>> field = ReceptiveField(size=5, stride=2, padding=1)
    >>> field.span(0), field.span(3), field.start
    ((-1, 3), (5, 9), 1.0)
    """

    size: int
    stride: int
    padding: int

    @property
    def start(self) -> float:
        """Centre of what output 0 sees, in input pixels: (size - 1) / 2 - padding."""
        return (self.size - 1) / 2 - self.padding

    def span(self, output: int) -> tuple[int, int]:
        """First and last input that can reach the given output; negative or too large ones lie in the padding."""
        first = output * self.stride - self.padding
        return first, first + self.size - 1


class TraceRow(NamedTuple):
    """One line of `trace`: what there is after a layer."""

    name: str
    size: int
    receptive_field: int
    jump: int
    start: float


def receptive_field(chain: Chain) -> ReceptiveField:
    """Receptive field, stride and padding of a whole network, along one axis.

    Parameters
    ----------
    chain : Window, Parallel or sequence of them
        The layers in the order of computation.

    Returns
    -------
    ReceptiveField
        What the outputs of the last layer see, in pixels of the network's input.

    Raises
    ------
    MisalignedError
        If branches that meet have different strides or centres.
    TypeError
        If the chain holds anything other than `Window` and `Parallel`.

    Notes
    -----
    Layer by layer, size += (span - 1) * stride; padding += before * stride; stride *= the layer's stride. Branches must
    agree in stride and centre; the widest one counts.

    References
    ----------
    A. Araujo, W. Norris and J. Sim, "Computing receptive fields of convolutional neural networks", Distill (2019),
    equations for r, S and P.

    Examples
    --------
    >>> receptive_field([Window(3), Window(3)])                 # two 3x3 see 5x5
    ReceptiveField(size=5, stride=1, padding=0)
    >>> receptive_field([Window(3), Window(2, stride=2), Window(3)])        # after the pooling, a 3x3 spans 6 pixels
    ReceptiveField(size=8, stride=2, padding=0)
    """
    field = ReceptiveField(size=1, stride=1, padding=0)
    for layer in _links(chain):
        field = _after(field, layer)
    return field


def trace(chain: Chain, size: int) -> list[TraceRow]:
    """Follow a network layer by layer: name, size, receptive field, jump and start after each.

    Parameters
    ----------
    chain : Window, Parallel or sequence of them
        The layers in the order of computation.
    size : int
        Length of the input, in pixels.

    Returns
    -------
    list of TraceRow
        A row (name, size, receptive_field, jump, start) for the input and for each layer. The size is in pixels of the
        layer's own output. The other three are in input pixels: how many inputs one output sees, the distance between
        what two neighbouring outputs see, and the centre of what output 0 sees.

    Raises
    ------
    TypeError
        If the size is not a whole number, or if the chain holds anything other than `Window` and `Parallel`.
    ValueError
        If a window does not fit or branches disagree in size; the message names the layer.
    MisalignedError
        If branches that meet have different strides or centres.

    Notes
    -----
    Sizes are computed as in `pool_output_size`, receptive fields as in `receptive_field`.

    References
    ----------
    Dang Ha The Hien, "A guide to receptive field arithmetic" (2017), for the form of the table. He counts pixel centres
    from 0.5.

    Examples
    --------
    >>> for row in trace([Window(3, name="conv"), Window(2, stride=2, name="pool")], size=6):
    ...     print(*row)
    input 6 1 1 0.0
    conv 4 3 1 1.0
    pool 2 4 2 1.5
    """
    size = check_int("size", size, 1)
    field = ReceptiveField(size=1, stride=1, padding=0)
    rows = [TraceRow("input", size, 1, 1, 0.0)]
    for number, layer in enumerate(_links(chain), start=1):
        name = layer.name or f"layer {number}"
        try:
            field = _after(field, layer)
            size = _size_after(size, layer)
        except MisalignedError as error:
            raise MisalignedError(f"{name}: {error}") from None
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        rows.append(TraceRow(name, size, field.size, field.stride, field.start))
    return rows


def path_counts(chain: Chain) -> list[int]:
    """Over how many paths each input of the receptive field reaches one output, from the first input to the last.

    Parameters
    ----------
    chain : Window, Parallel or sequence of them
        The layers in the order of computation.

    Returns
    -------
    list of int
        One count for each of the `receptive_field(chain).size` inputs, exact however large. In two dimensions the count of
        a pixel is the product of the counts of its row and its column.

    Raises
    ------
    MisalignedError, TypeError
        As in `receptive_field`.

    Notes
    -----
    Backwards through a layer, the count of an output is added to every input that its window reads; branches that meet
    add up. If all weights of all kernels are equal, an input weighs in proportion to its count.

    References
    ----------
    W. Luo et al., "Understanding the effective receptive field in deep convolutional neural networks" (2016), section 2.1,
    for the counting argument.

    Examples
    --------
    >>> path_counts([Window(3), Window(3)])             # the middle is read by all three windows of the second layer
    [1, 2, 3, 2, 1]
    >>> path_counts(Window(2, dilation=3))              # what a dilated kernel skips has no path
    [1, 0, 0, 1]
    """
    layers = _links(chain)
    field = receptive_field(layers)
    counts = _counts_before({0: 1}, layers)
    first, last = field.span(0)
    return [counts.get(position, 0) for position in range(first, last + 1)]


def _counts_before(counts: dict[int, int], layers: Sequence[Link]) -> dict[int, int]:
    for layer in reversed(layers):
        earlier: dict[int, int] = {}
        if isinstance(layer, Window):
            before = check_axis_padding(layer.padding)[0]
            for output, count in counts.items():
                for tap in range(layer.kernel):
                    position = output * layer.stride - before + layer.dilation * tap
                    earlier[position] = earlier.get(position, 0) + count
        else:
            for chain in layer.chains:
                for position, count in _counts_before(counts, chain).items():
                    earlier[position] = earlier.get(position, 0) + count
        counts = earlier
    return counts


def _links(chain: Chain) -> tuple[Link, ...]:
    layers = (chain,) if isinstance(chain, Window | Parallel) else chain
    if not isinstance(layers, Iterable):
        raise TypeError(f"a chain is a Window, a Parallel or a sequence of them, got {chain!r}")
    layers = tuple(layers)
    for layer in layers:
        if not isinstance(layer, Window | Parallel):
            raise TypeError(f"a chain holds Window and Parallel only, got {layer!r} ({type(layer).__name__})")
    return layers


def _after(field: ReceptiveField, layer: Link) -> ReceptiveField:
    if isinstance(layer, Window):
        size, stride, before = layer.span, layer.stride, check_axis_padding(layer.padding)[0]
    else:
        merged = _merge(layer)
        size, stride, before = merged.size, merged.stride, merged.padding
    return ReceptiveField(
        size=field.size + (size - 1) * field.stride,
        stride=field.stride * stride,
        padding=field.padding + before * field.stride,
    )


def _merge(block: Parallel) -> ReceptiveField:
    fields = [receptive_field(chain) for chain in block.chains]
    for quantity, unit in (("stride", "pixels"), ("start", "pixels, the centre of what output 0 sees")):
        values = [getattr(field, quantity) for field in fields]
        if len(set(values)) > 1:
            label = f" of {block.name}" if block.name else ""
            raise MisalignedError(
                f"the branches{label} disagree in {quantity}: {', '.join(map(str, values))} {unit}; "
                "give them the same total stride, odd kernels, and padding of half a kernel"
            )
    # With equal centres the widest branch contains all the others.
    return max(fields, key=lambda field: field.size)


def _size_after(size: int, layer: Link) -> int:
    if isinstance(layer, Window):
        return pool_output_size(size, layer.kernel, layer.stride, layer.padding, layer.dilation, layer.ceil_mode)
    sizes = []
    for chain in layer.chains:
        branch_size = size
        for inner in chain:
            branch_size = _size_after(branch_size, inner)
        sizes.append(branch_size)
    if len(set(sizes)) > 1:
        raise ValueError(
            f"the branches turn size {size} into {', '.join(map(str, sizes))}; they must agree to be joined"
        )
    return sizes[0]
