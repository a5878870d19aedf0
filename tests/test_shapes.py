"""Sizes and costs against brute force over generated layers, and against published numbers."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cnnguide import conv_chain, conv_macs, conv_output_size, conv_parameters, format_chain, pool_output_size

lengths = st.integers(1, 40)
small = st.integers(1, 5)
paddings = st.one_of(st.integers(0, 4), st.tuples(st.integers(0, 4), st.integers(0, 4)))


def positions(size, kernel, stride, padding, dilation):
    """Count by looking: slide the taps of the kernel over a padded row until they leave it."""
    before, after = padding if isinstance(padding, tuple) else (padding, padding)
    row = ["pad"] * before + ["pixel"] * size + ["pad"] * after
    count, first = 0, 0
    while first + dilation * (kernel - 1) < len(row):
        count, first = count + 1, first + stride
    return count


@given(lengths, small, small, paddings, small)
def test_output_size_is_the_number_of_positions(size, kernel, stride, padding, dilation):
    wanted = positions(size, kernel, stride, padding, dilation)
    if wanted == 0:
        with pytest.raises(ValueError, match=rf"kernel {kernel} with dilation {dilation} spans .* size {size} "):
            conv_output_size(size, kernel, stride, padding, dilation)
    else:
        assert conv_output_size(size, kernel, stride, padding, dilation) == wanted


@given(lengths, small, small, paddings, small)
def test_a_pooling_that_rounds_down_has_the_size_of_a_convolution(size, kernel, stride, padding, dilation):
    assume(positions(size, kernel, stride, padding, dilation) > 0)
    wanted = conv_output_size(size, kernel, stride, padding, dilation)
    assert pool_output_size(size, kernel, stride, padding, dilation) == wanted


@given(lengths, small, st.one_of(st.none(), small), small, st.booleans(), st.data())
def test_pooling_sizes_are_pytorchs(torch, size, kernel, stride, dilation, ceil_mode, data):
    padding = data.draw(st.integers(0, kernel // 2))
    settings = dict(stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode)
    try:
        wanted = torch.nn.functional.max_pool1d(torch.zeros(1, 1, size), kernel, **settings).shape[-1]
    except RuntimeError:
        wanted = 0
    if wanted == 0:
        with pytest.raises(ValueError, match=rf"kernel {kernel} with dilation {dilation} spans .* size {size} "):
            pool_output_size(size, kernel, **settings)
    else:
        assert pool_output_size(size, kernel, **settings) == wanted


@given(lengths, small, small, st.tuples(st.integers(0, 2), st.integers(0, 2)))
def test_in_ceil_mode_windows_cover_all_pixels_and_begin_before_the_input_ends(size, kernel, stride, padding):
    assume(size + sum(padding) >= kernel and stride <= kernel)
    starts = [i * stride - padding[0] for i in range(pool_output_size(size, kernel, stride, padding, 1, True))]
    assert starts[-1] < size <= starts[-1] + kernel
    assert {pixel for start in starts for pixel in range(start, start + kernel)} >= set(range(size))


@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 2), st.integers(1, 4))
def test_what_the_error_says_would_fit_does_fit(size, kernel, padding, dilation):
    assume(positions(size, kernel, 1, padding, dilation) == 0)
    with pytest.raises(ValueError) as caught:
        conv_output_size(size, kernel, 1, padding, dilation)
    offers = str(caught.value).split("what would fit: ")[1].split(", ")
    for offer in offers:
        number = int("".join(filter(str.isdigit, offer)))
        if offer.startswith("a kernel"):
            assert positions(size, number, 1, padding, dilation) == 1 or dilation > 1
            assert positions(size, number, 1, padding, dilation) > 0
            assert positions(size, number + 1, 1, padding, dilation) == 0
        elif offer.startswith("a dilation"):
            assert positions(size, kernel, 1, padding, number) > 0
            assert positions(size, kernel, 1, padding, number + 1) == 0
        elif "padding" in offer:
            assert positions(size, kernel, 1, (padding, padding + number), dilation) == 1
        else:
            assert positions(number, kernel, 1, padding, dilation) == 1


# Dumoulin and Visin (2016), the examples of their figures; CS231n notes, "Convolution demo" and AlexNet's first layer.
@pytest.mark.parametrize(
    ("size", "kernel", "padding", "stride", "dilation", "wanted"),
    [
        (4, 3, 0, 1, 1, 2),
        (5, 4, 2, 1, 1, 6),
        (5, 3, 1, 1, 1, 5),
        (5, 3, 2, 1, 1, 7),
        (5, 3, 0, 2, 1, 2),
        (5, 3, 1, 2, 1, 3),
        (6, 3, 1, 2, 1, 3),
        (7, 3, 0, 1, 2, 3),
        (7, 3, 0, 1, 1, 5),
        (7, 3, 0, 2, 1, 3),
        (227, 11, 0, 4, 1, 55),
    ],
)
def test_published_sizes(size, kernel, padding, stride, dilation, wanted):
    assert conv_output_size(size, kernel, stride, padding, dilation) == wanted


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (dict(size=0, kernel=3), ValueError, "size must be at least 1, got 0"),
        (dict(size=-5, kernel=3), ValueError, "size must be at least 1, got -5"),
        (dict(size=5, kernel=0), ValueError, "kernel must be at least 1, got 0"),
        (dict(size=5, kernel=3, stride=0), ValueError, "stride must be at least 1, got 0"),
        (dict(size=5, kernel=3, dilation=0), ValueError, "dilation must be at least 1, got 0"),
        (dict(size=5, kernel=3, padding=-1), ValueError, "padding must be at least 0, got -1"),
        (dict(size=5, kernel=3, padding=(0, -1)), ValueError, "padding after must be at least 0, got -1"),
        (dict(size=5, kernel=3, padding=(0, 1, 2)), ValueError, r"padding must be one number or \(before, after\)"),
        (dict(size=5.0, kernel=3), TypeError, r"size must be a whole number, got 5.0 \(float\)"),
        (dict(size="5", kernel=3), TypeError, r"size must be a whole number, got '5' \(str\)"),
        (dict(size=True, kernel=1), TypeError, "size must be a whole number, got True"),
        (dict(size=None, kernel=1), TypeError, "size must be a whole number, got None"),
        (dict(size=3, kernel=5), ValueError, "at most 3, 2 more of padding in all, an input of at least 5"),
    ],
)
def test_bad_input_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        conv_output_size(**arguments)


@given(st.integers(1, 300))
def test_a_chain_of_3x3_takes_two_pixels_at_a_time(size):
    assert conv_chain(size) == list(range(size, 0, -2))


@given(lengths, small, small, st.integers(0, 2), small)
def test_a_chain_takes_every_step_and_stops_when_nothing_fits(size, kernel, stride, padding, dilation):
    try:
        chain = conv_chain(size, kernel, stride, padding, dilation)
    except ValueError as error:
        assert "never ends" in str(error)
        return
    assert chain[0] == size
    for now, following in itertools.pairwise(chain):
        assert following == positions(now, kernel, stride, padding, dilation) < now
    assert chain[-1] == 1 or positions(chain[-1], kernel, stride, padding, dilation) == 0


def test_the_answer_to_question_three():
    chain = conv_chain(199)
    assert (len(chain), len(chain) - 1) == (100, 99)
    assert (chain[:2], chain[-2:]) == ([199, 197], [3, 1])
    assert conv_chain(200)[-1] == 2
    printed = format_chain(chain)
    assert printed.startswith("199x199 > 197x197 > ") and printed.endswith(" > 3x3 > 1x1")
    assert printed.count(">") == 99


def test_chains_that_never_end_say_so():
    with pytest.raises(ValueError, match="turn size 199 into 199; use less padding"):
        conv_chain(199, padding=1)
    with pytest.raises(ValueError, match="turn size 2 into 2"):
        conv_chain(9, kernel=2, stride=2, padding=1)
    assert conv_chain(1, kernel=1) == [1]


@pytest.mark.parametrize("size", [1, 2])
def test_settings_are_checked_even_where_no_step_is_taken(size):
    with pytest.raises(ValueError, match="stride must be at least 1, got 0"):
        conv_chain(size, stride=0)
    with pytest.raises(TypeError, match="stride must be a whole number, got 'x'"):
        conv_chain(size, stride="x")


def test_format_chain_takes_any_sequence():
    assert format_chain(np.array([5, 3])) == format_chain(iter([5, 3])) == "5x5 > 3x3"


def test_format_chain_refuses_what_is_no_chain():
    with pytest.raises(ValueError, match="empty"):
        format_chain([])
    with pytest.raises(TypeError, match=r"got 1.5"):
        format_chain([3, 1.5])


# Parameters and multiplications


@given(small, small, small, small, st.booleans())
def test_parameters_are_the_entries_of_the_weight(groups, in_per_group, out_per_group, kernel, bias):
    entries = sum(1 for _ in range(groups * out_per_group) for _ in range(in_per_group) for _ in range(kernel * 2))
    counted = conv_parameters(groups * in_per_group, groups * out_per_group, (kernel, 2), groups, bias)
    assert counted == entries + bias * groups * out_per_group


@given(st.integers(3, 9), st.integers(3, 9), small, small, small, st.integers(0, 2))
def test_macs_are_one_product_per_weight_and_position(height, width, in_channels, out_channels, stride, padding):
    places = positions(height, 3, stride, padding, 1) * positions(width, 2, 1, 0, 1)
    macs = conv_macs((height, width), in_channels, out_channels, (3, 2), (stride, 1), (padding, 0))
    assert macs == places * in_channels * out_channels * 3 * 2


def test_vgg_16_has_the_published_parameters_and_multiplications():
    # Simonyan and Zisserman (2014), table 2: 138 million; the exact numbers are torchvision's.
    blocks = [(64, 2, 224), (128, 2, 112), (256, 3, 56), (512, 3, 28), (512, 3, 14)]
    parameters = macs = 0
    channels = 3
    for width, count, size in blocks:
        for _ in range(count):
            parameters += conv_parameters(channels, width, 3)
            macs += conv_macs(size, channels, width, 3, padding=1)
            channels = width
    for inputs, outputs in [(512 * 7 * 7, 4096), (4096, 4096), (4096, 1000)]:  # a linear layer is a 1x1 convolution
        parameters += conv_parameters(inputs, outputs, 1)
        macs += conv_macs(1, inputs, outputs, 1)
    assert parameters == 138_357_544
    assert macs == 15_470_264_320


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [((3, 96, 11), 34_848), ((3, 64, 7), 9_408), ((3, 64, 5), 4_800), ((64, 64, 5), 102_400), ((64, 64, 7), 200_704)],
)
def test_published_weights_of_first_layers(arguments, wanted):
    assert conv_parameters(*arguments, bias=False) == wanted


def test_groups_must_divide_both_numbers_of_channels():
    with pytest.raises(ValueError, match="groups 4 must divide in_channels 6 and out_channels 8; what would fit: 1, 2"):
        conv_parameters(6, 8, 3, groups=4)
    with pytest.raises(ValueError, match="out_channels must be at least 1, got 0"):
        conv_macs(8, 3, 0, 3)
    with pytest.raises(ValueError, match=r"kernel must be one number or \(height, width\)"):
        conv_parameters(3, 3, (3, 3, 3))


@given(st.integers(1, 20), st.integers(1, 4), st.integers(1, 3), st.integers(0, 3), st.integers(1, 3))
def test_sizes_and_parameters_are_pytorchs(torch, size, kernel, stride, padding, dilation):
    layer = torch.nn.Conv2d(2, 4, kernel, stride, padding, dilation, groups=2)
    assert sum(p.numel() for p in layer.parameters()) == conv_parameters(2, 4, kernel, groups=2)
    try:
        wanted = layer(torch.zeros(1, 2, size, size)).shape[-1]
    except RuntimeError:
        with pytest.raises(ValueError, match="what would fit"):
            conv_output_size(size, kernel, stride, padding, dilation)
    else:
        assert conv_output_size(size, kernel, stride, padding, dilation) == wanted
