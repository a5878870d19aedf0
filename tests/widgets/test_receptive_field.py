"""Receptive fields in the widgets are the package's: chains, branches, refusals, and every network that it knows."""

import numpy as np
import pytest

import cnnguide
from cnnguide import NETWORKS, MisalignedError, Parallel, Window, pool_output_size

SIDES = (32, 197, 224, 227)

EVERYTHING = """({ receptiveField, startOf, trace }, cases) => cases.map(([chain, size]) => {
    const tried = (step) => {
        try { return step(); } catch (error) { return `${error.name}: ${error.message}`; }
    };
    return [
        tried(() => trace(chain, size).map((row) => Object.values(row))),
        tried(() => [receptiveField(chain), startOf(receptiveField(chain))]),
    ];
})"""


def handed_over(chain):
    """A chain as the widgets write it."""
    return [
        {"chains": [handed_over(one) for one in layer.chains], "name": layer.name}
        if isinstance(layer, Parallel)
        else {name: getattr(layer, name) for name in ("kernel", "stride", "padding", "dilation", "name")}
        | {"ceilMode": layer.ceil_mode}
        for layer in chain
    ]


def refused(error):
    return f"{'MisalignedError' if isinstance(error, MisalignedError) else 'RangeError'}: {error}"


def traced(chain, size):
    try:
        return [list(row) for row in cnnguide.trace(chain, size)]
    except ValueError as error:
        return refused(error)


def seen(chain):
    try:
        field = cnnguide.receptive_field(chain)
    except ValueError as error:
        return refused(error)
    return [{"size": field.size, "stride": field.stride, "padding": field.padding}, field.start]


def some_window(rng, name=""):
    kernel, stride = int(rng.integers(1, 6)), int(rng.choice((1, 1, 2, 3)))
    dilation = int(rng.choice((1, 1, 2)))
    half = dilation * (kernel - 1) // 2
    padding = half if rng.random() < 0.6 else tuple(map(int, rng.integers(0, 3, 2)))
    return Window(kernel, stride, padding, dilation, name, ceil_mode=bool(rng.random() < 0.3))


def some_block(rng, name=""):
    """Branches; most agree, some in nothing."""
    if rng.random() < 0.6:
        window = Window(3, padding=1)
        return Parallel(*([window] * int(rng.integers(0, 3)) for _ in range(rng.integers(1, 4))), name=name)
    return Parallel(*([some_window(rng)] for _ in range(2)), name=name)


def some_chain(rng):
    names = ("", "", "conv", "an odd name")
    return [
        (some_block if rng.random() < 0.25 else some_window)(rng, str(rng.choice(names)))
        for _ in range(rng.integers(0, 7))
    ]


def compare(core, chains):
    wanted = [[traced(chain, size), seen(chain)] for chain, size in chains]
    got = core("receptive_field", EVERYTHING, [[handed_over(chain), size] for chain, size in chains])
    for (chain, size), one, other in zip(chains, got, wanted, strict=True):
        assert one == other, (chain, size)
    return [one[0] for one in wanted]


def test_generated_chains_and_branches_are_the_packages(core):
    rng = np.random.default_rng(0)
    wanted = compare(core, [(some_chain(rng), int(rng.integers(1, 60))) for _ in range(500)])
    refusals = [one for one in wanted if isinstance(one, str)]
    assert len(wanted) - len(refusals) > 150
    for reason in ("disagree in stride", "disagree in start", "what would fit", "they must agree to be joined"):
        assert any(reason in one for one in refusals), reason


@pytest.mark.parametrize("name", NETWORKS)
def test_the_networks_of_the_literature_are_the_packages(core, name):
    compare(core, [(NETWORKS[name], side) for side in SIDES])


def test_blocks_within_blocks(core):
    inner = Parallel(Window(3, padding=1), (), name="inner")
    compare(core, [([Window(5, 2), Parallel((inner, Window(3, padding=1)), (), name="outer")], 33)])


def test_a_block_without_branches_is_refused(core):
    (answer,) = core("receptive_field", EVERYTHING, [[[{"chains": [], "name": "b"}], 9]])
    with pytest.raises(ValueError) as refusal:
        Parallel()
    assert answer[0] == f"RangeError: b: {refusal.value}"


POOLING = ("kernel", "stride", "padding", "dilation", "ceil_mode")


def influence(chain, size):
    """Which outputs change with which inputs: one input after the other is lit, and goes through layers of ones."""

    def through(x, chain):
        for layer in chain:
            if isinstance(layer, Parallel):
                x = sum(through(x, branch) for branch in layer.chains)
            else:
                sides = (layer.padding, layer.padding) if isinstance(layer.padding, int) else layer.padding
                there = x.shape[-1] + sum(sides)
                steps = pool_output_size(x.shape[-1], **{n: getattr(layer, n) for n in POOLING}) - 1
                hanging = max(0, steps * layer.stride + layer.span - there)  # the last window of `ceil_mode`
                sides = (sides[0], sides[1] + hanging)
                weights = np.ones((1, 1, 1, layer.kernel))
                x = cnnguide.conv2d(
                    x, weights, stride=(1, layer.stride), padding=((0, 0), sides), dilation=(1, layer.dilation)
                )[..., : steps + 1]
        return x

    return through(np.eye(size)[:, None, None, :], chain)[:, 0, 0, :] > 0


LINKED = """({ existing, reachedBy, seenBy, sizeAfter }, cases) => cases.map(([chain, size]) => {
    const sizes = chain.reduce((all, layer) => [...all, sizeAfter(all.at(-1), layer)], [size]);
    const back = (places, layer, i) => existing(seenBy(places, layer, sizes[i]), sizes[i]);
    const on = (places, layer, i) => reachedBy(places, layer, sizes[i]);
    const seen = Array.from({ length: sizes.at(-1) }, (_, output) => [...chain.reduceRight(back, new Set([output]))]);
    const reached = Array.from({ length: size }, (_, input) => [...chain.reduce(on, new Set([input]))]);
    return [seen, reached];
})"""


def test_what_is_linked_is_what_changes_with_each_other(core):
    rng = np.random.default_rng(1)
    cases = [(some_chain(rng), int(rng.integers(5, 40))) for _ in range(300)]
    cases = [case for case in cases if not isinstance(traced(*case), str)]
    assert len(cases) > 80 and any(isinstance(layer, Parallel) for chain, _ in cases for layer in chain)
    got = core("receptive_field", LINKED, [[handed_over(chain), size] for chain, size in cases])
    for (chain, size), (seen_by, reached_by) in zip(cases, got, strict=True):
        links = influence(chain, size)
        for output, places in enumerate(seen_by):
            assert sorted(places) == np.flatnonzero(links[:, output]).tolist(), chain
        for place, outputs in enumerate(reached_by):
            assert sorted(outputs) == np.flatnonzero(links[place]).tolist(), chain


def test_the_padding_that_a_window_reads_is_seen_as_well(core):
    places = core(
        "receptive_field", "({ seenBy }) => [...seenBy([0, 4], { kernel: 3, padding: [1, 2], dilation: 2 }, 6)]"
    )
    assert sorted(places) == [-1, 1, 3, 5, 7]
