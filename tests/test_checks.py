"""Checks of arguments, and one policy for numbers: float16 and whole numbers give what their float64 give."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnnguide
from cnnguide._checks import (
    as_floats,
    check_axis_padding,
    check_choice,
    check_dtype,
    check_int,
    check_int_pair,
    check_number,
)

IMAGES = (2, 2, 5, 6)
GRAY = (5, 6)
COLOR = (3, 5, 6)
TARGET = np.array([0, 2])
KERNEL = np.array([[1, 2], [3, 5]])
TEMPLATE = np.array([[1, 2], [3, 5]])
FILTERS = np.arange(3 * 2 * 2 * 2).reshape(3, 2, 2, 2) % 5
ROWS = (2, 3)

# Operation -> what it does with one array, and the shape of that array.
OPERATIONS = {
    "conv2d": (lambda x: cnnguide.conv2d(x, FILTERS, np.arange(3)), IMAGES),
    "conv2d, weight": (lambda w: cnnguide.conv2d(np.ones((1, 2, 7, 7)), w), IMAGES),
    "conv2d_definition": (lambda x: cnnguide.conv2d_definition(x, FILTERS, np.arange(3)), IMAGES),
    "conv2d_backward": (lambda x: cnnguide.conv2d_backward(np.ones((2, 3, 4, 5)), x, FILTERS), IMAGES),
    "conv2d_backward, grad": (
        lambda grad: cnnguide.conv2d_backward(grad, np.ones((2, 2, 6, 7)), FILTERS[:2], padding=0),
        IMAGES,
    ),
    "max_pool2d": (lambda x: cnnguide.max_pool2d(x, 2), IMAGES),
    "max_pool2d, padded": (lambda x: cnnguide.max_pool2d(x, 3, padding=1), IMAGES),
    "max_pool2d_backward": (lambda x: cnnguide.max_pool2d_backward(np.ones((2, 2, 2, 3)), x, 2), IMAGES),
    "max_pool2d_backward, grad": (
        lambda grad: cnnguide.max_pool2d_backward(grad, np.arange(480.0).reshape(2, 2, 10, 12), 2),
        IMAGES,
    ),
    "avg_pool2d": (lambda x: cnnguide.avg_pool2d(x, 2), IMAGES),
    "avg_pool2d_backward": (lambda grad: cnnguide.avg_pool2d_backward(grad, np.ones((2, 2, 10, 12)), 2), IMAGES),
    "global_avg_pool2d": (cnnguide.global_avg_pool2d, IMAGES),
    "global_avg_pool2d_backward": (
        lambda grad: cnnguide.global_avg_pool2d_backward(grad, np.ones((2, 2, 4, 4))),
        (2, 2, 1, 1),
    ),
    **{
        name: (getattr(cnnguide, name), ROWS)
        for name in ("relu", "leaky_relu", "sigmoid", "tanh", "gelu", "silu", "softmax", "log_softmax")
    },
    **{
        f"{name}_backward": (lambda grad, name=name: getattr(cnnguide, f"{name}_backward")(grad, np.eye(2, 3)), ROWS)
        for name in ("relu", "leaky_relu", "sigmoid", "tanh", "gelu", "silu", "softmax", "log_softmax")
    },
    "prelu": (lambda x: cnnguide.prelu(x, np.array([0.25])), ROWS),
    "prelu, slope": (lambda slope: cnnguide.prelu(-np.ones(ROWS), slope), (3,)),
    "prelu_backward": (lambda grad: cnnguide.prelu_backward(grad, -np.eye(2, 3), np.array([0.25])), ROWS),
    "nll_loss": (lambda x: cnnguide.nll_loss(x, TARGET), ROWS),
    "nll_loss_backward": (lambda x: cnnguide.nll_loss_backward(x, TARGET), ROWS),
    "cross_entropy": (lambda x: cnnguide.cross_entropy(x, TARGET), ROWS),
    "cross_entropy, weight": (lambda w: cnnguide.cross_entropy(np.eye(2, 3), TARGET, w), (3,)),
    "cross_entropy_backward": (lambda x: cnnguide.cross_entropy_backward(x, TARGET), ROWS),
    "mse_loss": (lambda x: cnnguide.mse_loss(x, np.eye(2, 3)), ROWS),
    "mse_loss, target": (lambda target: cnnguide.mse_loss(np.eye(2, 3), target), ROWS),
    "mse_loss_backward": (lambda x: cnnguide.mse_loss_backward(x, np.eye(2, 3)), ROWS),
    "apply_filter": (lambda image: cnnguide.apply_filter(image, KERNEL), GRAY),
    "apply_filter, kernel": (lambda kernel: cnnguide.apply_filter(np.ones(GRAY), kernel), GRAY),
    "gradient_magnitude": (cnnguide.gradient_magnitude, GRAY),
    "gradient_direction": (cnnguide.gradient_direction, GRAY),
    "match_template": (lambda image: cnnguide.match_template(image, TEMPLATE), GRAY),
    "match_template, template": (
        lambda template: cnnguide.match_template(np.arange(99.0).reshape(9, 11) % 7, template),
        GRAY,
    ),
    "luma": (cnnguide.luma, COLOR),
    "Linear": (lambda x: cnnguide.Linear(3, 2, np.random.default_rng(0), np.float64).forward(x), ROWS),
    "Dropout": (lambda x: cnnguide.Dropout(0.5, np.random.default_rng(0)).forward(x, training=True), ROWS),
}


def as_tuple(result) -> tuple:
    return result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble, np.uint8, np.int8, np.int64, bool])
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_computes_other_numbers_as_it_does_their_float64(name, dtype):
    operation, shape = OPERATIONS[name]
    x = (37 * np.arange(np.prod(shape)) % 101).reshape(shape).astype(dtype)  # sums of squares leave every narrow type
    for ours, wanted in zip(as_tuple(operation(x)), as_tuple(operation(x.astype(np.float64))), strict=True):
        assert ours.dtype == np.float64
        np.testing.assert_array_equal(ours, wanted)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_refuses_numbers_that_are_not_real_by_name(name):
    operation, shape = OPERATIONS[name]
    with pytest.raises(TypeError, match=r"^\w+ must hold real numbers, got complex128$"):
        operation(np.ones(shape, complex))


@pytest.mark.parametrize("make", [lambda: cnnguide.SGD(0.1, momentum=0.5), cnnguide.RMSProp, cnnguide.Adam])
def test_an_optimiser_reads_narrow_gradients_as_their_float64(make):
    """The square of 300 is more than float16 can hold."""
    found = []
    for dtype in (np.float16, np.float64):
        w = np.ones(2)
        make().step([w], [np.array([300, -2], dtype)])
        found.append(w.tolist())
    assert found[0] == found[1]


def test_weights_are_not_drawn_or_kept_in_a_narrow_type():
    for dtype in (np.float16, np.longdouble, int):
        with pytest.raises(TypeError, match=f"dtype must be float32 or float64, got {np.dtype(dtype)}"):
            check_dtype(dtype)
        with pytest.raises(TypeError, match="dtype must be float32 or float64"):
            cnnguide.Linear(2, 2, np.random.default_rng(0), dtype)


def test_pictures_in_float16_are_rounded_once(tmp_path):
    """Times 255 in float16, some of the values in steps of 1 / 512 would become another byte."""
    image = (np.arange(513)[None] / 512).astype(np.float16)
    assert (np.round(255 * image) != np.round(255 * image.astype(float))).any()
    cnnguide.save(tmp_path / "narrow.png", image)
    cnnguide.save(tmp_path / "wide.png", image.astype(np.float64))
    assert (tmp_path / "narrow.png").read_bytes() == (tmp_path / "wide.png").read_bytes()


@given(st.sampled_from(["float32", "float64", ">f4", ">f8", "float16", "int32", "uint8", "bool"]))
def test_floats_are_float32_or_float64_in_the_order_of_this_machine(dtype):
    x = np.array([0, 1, 1], dtype)
    found = as_floats("x", x)
    assert found.dtype in (np.float32, np.float64) and found.dtype.isnative
    np.testing.assert_array_equal(found, [0, 1, 1])
    assert (found is x) == (dtype in ("float32", "float64"))


@given(st.integers(-5, 5), st.integers(-5, 5), st.sampled_from([int, np.int8, np.int64]))
def test_a_whole_number_is_returned_or_refused_by_name(value, least, kind):
    if value >= least:
        found = check_int("stride", kind(value), least)
        assert found == value and type(found) is int
    else:
        with pytest.raises(ValueError, match=f"^stride must be at least {least}, got {value}$"):
            check_int("stride", kind(value), least)


@pytest.mark.parametrize("value", [1.0, "1", None, True, np.True_, [1], 1j])
def test_what_is_not_a_whole_number_is_refused_by_name(value):
    for check in (check_int, check_int_pair):
        with pytest.raises((TypeError, ValueError), match=r"^stride must be (a whole number|one number or)"):
            check("stride", value, 0)
    with pytest.raises((TypeError, ValueError), match=r"^padding must be (a whole number|one number or)"):
        check_axis_padding(value)


@pytest.mark.parametrize("value", [-1e-9, np.nan, np.inf, -np.inf])
def test_a_number_below_its_least_or_not_finite_is_refused_by_name(value):
    with pytest.raises(ValueError, match=f"^lr must be at least 0 and finite, got {value}$"):
        check_number("lr", value)


def test_a_name_that_is_nearly_right_is_suggested():
    assert check_choice("mode", "fan_in", ("fan_in", "fan_out")) == "fan_in"
    for value, hint in (("fanin", ", did you mean 'fan_in'?"), ("x", ""), (None, ""), (np.ones(2), "")):
        with pytest.raises(ValueError) as error:
            check_choice("mode", value, ("fan_in", "fan_out"))
        assert str(error.value) == f"mode must be one of fan_in, fan_out; got {value!r}{hint}"


@pytest.mark.parametrize("half", [0.5, Fraction(1, 2), np.float32(0.5)])
def test_what_enlarges_an_image_is_refused_by_its_name(half):
    x, weight = np.ones((1, 1, 4, 4)), np.ones((1, 1, 2, 2))
    for refused in (
        lambda: cnnguide.conv_output_size(8, 2, stride=half),
        lambda: cnnguide.pool_output_size(8, 2, stride=half),
        lambda: cnnguide.conv_chain(8, 2, stride=half),
        lambda: cnnguide.conv_macs(8, 1, 1, 2, stride=(1, half)),
        lambda: cnnguide.Window(2, stride=half),
        lambda: cnnguide.conv2d(x, weight, stride=half),
        lambda: cnnguide.max_pool2d(x, 2, stride=(half, 1)),
    ):
        with pytest.raises(TypeError, match=r"stride .* is not supported: transposed convolutions and upsampling"):
            refused()
    with pytest.raises(TypeError, match="stride must be a whole number, got 1.5"):
        cnnguide.conv_output_size(8, 2, stride=1.5)
