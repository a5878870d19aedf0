"""Receptive fields against brute force over generated networks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnguide import (
    MisalignedError,
    Parallel,
    ReceptiveField,
    Window,
    conv_output_size,
    path_counts,
    receptive_field,
    trace,
)
from cnnguide._checks import check_axis_padding

windows = st.builds(
    Window,
    kernel=st.integers(1, 5),
    stride=st.integers(1, 3),
    padding=st.one_of(st.integers(0, 3), st.tuples(st.integers(0, 3), st.integers(0, 3))),
    dilation=st.integers(1, 3),
)
aligned = st.builds(
    lambda half, dilation: Window(2 * half + 1, padding=half * dilation, dilation=dilation),
    st.integers(0, 2),
    st.integers(1, 3),
)
"""Odd kernels with "same" padding: the branches of real networks."""

blocks = st.builds(
    lambda branches, stride: Parallel(*([*branch, Window(1, stride=stride)] for branch in branches)),
    st.lists(st.lists(aligned, max_size=3), min_size=1, max_size=3),
    st.integers(1, 2),
)
chains = st.lists(st.one_of(windows, blocks), max_size=4)


def inputs_reaching(outputs: set[int], layers) -> set[int]:
    """Walk backwards and collect every input that is read, on an axis without ends."""
    for layer in reversed(tuple(layers)):
        if isinstance(layer, Parallel):
            outputs = set().union(*(inputs_reaching(outputs, chain) for chain in layer.chains))
        else:
            before = check_axis_padding(layer.padding)[0]
            outputs = {i * layer.stride - before + layer.dilation * t for i in outputs for t in range(layer.kernel)}
    return outputs


@given(chains, st.integers(0, 3))
def test_the_field_spans_exactly_the_inputs_that_reach_an_output(chain, output):
    reached = inputs_reaching({output}, chain)
    assert receptive_field(chain).span(output) == (min(reached), max(reached))


@given(st.lists(windows, min_size=2, max_size=3), st.lists(windows, min_size=1, max_size=3))
def test_branches_that_look_at_different_places_are_refused_and_no_others(left, right):
    reached = [
        [(min(r), max(r)) for r in (inputs_reaching({output}, chain) for output in (0, 1))] for chain in (left, right)
    ]
    centres = [[(first + last) / 2 for first, last in branch] for branch in reached]
    block = Parallel(left, right, name="block")
    if centres[0] == centres[1]:
        assert receptive_field(block).span(0) == (min(r[0][0] for r in reached), max(r[0][1] for r in reached))
    else:
        with pytest.raises(MisalignedError, match="the branches of block disagree in (stride|start)"):
            receptive_field(block)


@given(st.lists(windows, max_size=4), st.integers(1, 60))
def test_trace_gives_the_sizes_fields_jumps_and_starts_of_every_prefix(chain, size):
    try:
        rows = trace(chain, size)
    except ValueError as error:
        assert "layer " in str(error)
        return
    assert [row.name for row in rows] == ["input"] + [f"layer {n}" for n in range(1, len(chain) + 1)]
    for count, row in enumerate(rows):
        field = receptive_field(chain[:count])
        assert (row.receptive_field, row.jump, row.start) == (field.size, field.stride, field.start)
        reached = inputs_reaching({0}, chain[:count])
        assert row.start == (min(reached) + max(reached)) / 2
        if count:
            layer = chain[count - 1]
            wanted = conv_output_size(rows[count - 1].size, layer.kernel, layer.stride, layer.padding, layer.dilation)
            assert row.size == wanted


def test_wavenet_style_dilations_double_the_field():
    # van den Oord et al. (2016), section 2.1: kernels of 2 with dilations 1 ... 512 see 1024 samples.
    assert receptive_field([Window(2, dilation=2**n) for n in range(10)]).size == 1024


def test_a_single_layer_an_empty_chain_and_a_shortcut_are_chains():
    assert receptive_field(Window(3)) == receptive_field([Window(3)])
    assert receptive_field([]) == ReceptiveField(1, 1, 0)
    assert receptive_field(Parallel((), Window(3, padding=1))) == ReceptiveField(3, 1, 1)


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: Window(0), ValueError, "kernel must be at least 1"),
        (lambda: Window(3, stride=0), ValueError, "stride must be at least 1"),
        (lambda: Window(3, dilation=0), ValueError, "dilation must be at least 1"),
        (lambda: Window(3, padding=-1), ValueError, "padding must be at least 0"),
        (lambda: Window(2.5), TypeError, r"kernel must be a whole number, got 2.5"),  # type: ignore[arg-type]
        (lambda: Parallel(), ValueError, "at least one branch"),
        (lambda: receptive_field([3]), TypeError, r"holds Window and Parallel only, got 3 \(int\)"),  # type: ignore[list-item]
        (lambda: receptive_field(3), TypeError, "a chain is a Window"),  # type: ignore[arg-type]
        (lambda: trace([Window(3, name="conv1"), Window(9, name="conv2")], 8), ValueError, "conv2: kernel 9 .* size 6"),
        (lambda: trace([], 0), ValueError, "size must be at least 1"),
        (lambda: trace(Parallel(Window(3), ()), 8), MisalignedError, "layer 1: the branches disagree in start"),
        (
            lambda: trace(Parallel(Window(3, padding=(1, 0)), (), name="block"), 8),
            ValueError,
            "block: the branches turn size 8 into 7, 8",
        ),
    ],
)
def test_bad_networks_are_named(build, error, message):
    with pytest.raises(error, match=message):
        build()


@given(st.lists(st.one_of(windows, blocks), max_size=3))
def test_path_counts_count_the_paths(chain):
    """Brute force: follow every path, one by one."""

    def paths(output, layers):
        if not layers:
            return [output]
        *earlier, last = layers
        if isinstance(last, Parallel):
            return [end for branch in last.chains for end in paths(output, [*earlier, *branch])]
        starts = (
            output * last.stride - check_axis_padding(last.padding)[0] + last.dilation * t for t in range(last.kernel)
        )
        return [end for start in starts for end in paths(start, earlier)]

    first, last = receptive_field(chain).span(0)
    reached = paths(0, list(chain))
    assert path_counts(chain) == [reached.count(position) for position in range(first, last + 1)]


def test_a_chain_may_be_a_generator():
    assert path_counts(Window(3) for _ in range(2)) == [1, 2, 3, 2, 1]
    assert receptive_field(Window(3) for _ in range(2)).size == 5


def test_numpys_small_integers_do_not_overflow():
    wide = Window(np.int8(100), np.int8(100), dilation=np.int8(2))
    assert wide.span == 199 and type(wide.kernel) is int
    assert receptive_field([wide, wide, Window(np.int64(3))]).stride == 10_000
    assert Window(3, padding=[0, 1]) == Window(3, padding=(0, 1)) and hash(Window(3, padding=[0, 1]))
