"""Convolution against its definition, PyTorch and finite differences, over generated shapes and settings."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnguide import conv2d, conv2d_backward, conv2d_definition, conv_output_size

few = st.integers(0, 3)


@st.composite
def layers(draw, batches=few):
    """A convolution that fits: input, weight, bias and settings, with every way to write the padding."""
    groups = draw(st.integers(1, 3))
    channels_in, channels_out = (groups * draw(st.integers(1, 3)) for _ in range(2))
    kernel, stride, dilation = (draw(st.tuples(*[st.integers(1, n)] * 2)) for n in (4, 3, 3))
    side = st.integers(0, 3)
    padding = draw(
        st.one_of(
            side, st.tuples(side, side), st.tuples(st.tuples(side, side), st.tuples(side, side)),
            st.just("valid"), st.just("same") if stride == (1, 1) else st.just("valid"),
        )
    )  # fmt: skip
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    left, right, top, bottom = sides(padding, kernel, dilation)
    # From the smallest image that the padded kernel fits, often a single pixel, to four pixels more.
    smallest = [max(1, span - pad) for span, pad in zip(spans, (top + bottom, left + right), strict=True)]
    size = [n + draw(st.integers(0, 4)) for n in smallest]
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    x = rng.standard_normal((draw(batches), channels_in, *size)).astype(dtype)
    weight = rng.standard_normal((channels_out, channels_in // groups, *kernel)).astype(dtype)
    bias = draw(st.sampled_from([None, rng.standard_normal(channels_out).astype(dtype)]))
    return x, weight, bias, dict(stride=stride, padding=padding, dilation=dilation, groups=groups)


def sides(padding, kernel, dilation):
    """The padding of a setting as (left, right, top, bottom), the order of torch.nn.functional.pad."""
    if padding == "valid":
        return 0, 0, 0, 0
    if padding == "same":
        (top, bottom), (left, right) = (
            ((d * (k - 1)) // 2, (d * (k - 1) + 1) // 2) for k, d in zip(kernel, dilation, strict=True)
        )
        return left, right, top, bottom
    vertical, horizontal = padding if isinstance(padding, tuple) else (padding, padding)
    top, bottom = vertical if isinstance(vertical, tuple) else (vertical, vertical)
    left, right = horizontal if isinstance(horizontal, tuple) else (horizontal, horizontal)
    return left, right, top, bottom


def tolerance(dtype):
    return dict(rtol=1e-4, atol=1e-4) if dtype == np.float32 else dict(rtol=1e-10, atol=1e-10)


@given(layers())
def test_the_fast_form_computes_the_definition(layer):
    x, weight, bias, settings = layer
    fast = conv2d(x, weight, bias, **settings)
    assert fast.dtype == x.dtype
    np.testing.assert_allclose(fast, conv2d_definition(x, weight, bias, **settings), **tolerance(x.dtype))


@given(layers())
def test_forward_and_backward_agree_with_pytorch(torch, layer):
    x, weight, bias, settings = layer
    inputs = [torch.tensor(a, requires_grad=True) for a in (x, weight)]
    tbias = None if bias is None else torch.tensor(bias, requires_grad=True)
    padded = torch.nn.functional.pad(inputs[0], sides(settings["padding"], weight.shape[2:], settings["dilation"]))
    others = {name: settings[name] for name in ("stride", "dilation", "groups")}
    wanted = torch.nn.functional.conv2d(padded, inputs[1], tbias, **others)
    if settings["padding"] == "same":
        theirs = torch.nn.functional.conv2d(*inputs, tbias, **settings)
        np.testing.assert_allclose(wanted.detach(), theirs.detach(), **tolerance(x.dtype))
    ours = conv2d(x, weight, bias, **settings)
    assert ours.shape == tuple(wanted.shape)
    np.testing.assert_allclose(ours, wanted.detach().numpy(), **tolerance(x.dtype))

    grad = np.random.default_rng(0).standard_normal(ours.shape).astype(x.dtype)
    wanted.backward(torch.tensor(grad))
    dx, dweight, dbias = conv2d_backward(grad, x, weight, **settings)
    assert {dx.dtype, dweight.dtype, dbias.dtype} == {x.dtype}
    np.testing.assert_allclose(dx, inputs[0].grad.numpy(), **tolerance(x.dtype))
    np.testing.assert_allclose(dweight, inputs[1].grad.numpy(), **tolerance(x.dtype))
    if tbias is not None:
        np.testing.assert_allclose(dbias, tbias.grad.numpy(), **tolerance(x.dtype))


def slope(function, array, index, step=1e-6):
    """The derivative of a number-valued function for one entry of an array, by moving that entry a little."""
    moved = [array.copy(), array.copy()]
    moved[0][index] += step
    moved[1][index] -= step
    return (function(moved[0]) - function(moved[1])) / (2 * step)


@given(layers(batches=st.integers(1, 2)), st.randoms(use_true_random=False))
def test_gradients_are_the_slopes_of_the_output(layer, random):
    x, weight, bias, settings = layer
    x, weight = x.astype(np.float64), weight.astype(np.float64)
    bias = np.zeros(len(weight)) if bias is None else bias.astype(np.float64)
    grad = np.random.default_rng(0).standard_normal(conv2d(x, weight, bias, **settings).shape)
    gradients = conv2d_backward(grad, x, weight, **settings)
    losses = [
        lambda a: float((grad * conv2d(a, weight, bias, **settings)).sum()),
        lambda a: float((grad * conv2d(x, a, bias, **settings)).sum()),
        lambda a: float((grad * conv2d(x, weight, a, **settings)).sum()),
    ]
    for array, gradient, loss in zip((x, weight, bias), gradients, losses, strict=True):
        index = tuple(random.randrange(n) for n in array.shape)
        assert gradient[index] == pytest.approx(slope(loss, array, index), rel=1e-5, abs=1e-6)


def test_the_gradient_for_the_input_can_be_left_out():
    x, weight = np.ones((1, 1, 4, 4)), np.ones((2, 1, 3, 3))
    whole = conv2d_backward(np.ones((1, 2, 2, 2)), x, weight)
    part = conv2d_backward(np.ones((1, 2, 2, 2)), x, weight, input_gradient=False)
    assert part[0] is None
    for a, b in zip(part[1:], whole[1:], strict=True):
        np.testing.assert_array_equal(a, b)


def test_one_output_by_hand():
    x = np.array([[[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]])
    weight = np.array([[[[1.0, 0.0], [0.0, 1.0]], [[0.0, 2.0], [0.0, 0.0]]]])
    assert conv2d(x, weight, np.array([10.0])).tolist() == [[[[1 + 4 + 2 * 6 + 10]]]]


def test_nothing_is_flipped():
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 1, 2] = 1  # right of the centre
    kernel = np.arange(9.0).reshape(1, 1, 3, 3)
    assert conv2d(x, kernel).item() == kernel[0, 0, 1, 2]


def test_the_batch_is_worked_through_in_pieces_without_a_seam(monkeypatch):
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((7, 2, 6, 5)), rng.standard_normal((4, 2, 3, 3))
    whole, gradients = conv2d(x, weight), conv2d_backward(np.ones((7, 4, 4, 3)), x, weight)
    monkeypatch.setattr("cnnguide.convolution.CACHE_BYTES", 3 * 18 * 12 * 8)  # three images at a time: 3 + 3 + 1
    np.testing.assert_array_equal(conv2d(x, weight), whole)
    for piecewise, gradient in zip(conv2d_backward(np.ones((7, 4, 4, 3)), x, weight), gradients, strict=True):
        np.testing.assert_allclose(piecewise, gradient, rtol=1e-12)


def test_memory_stays_within_three_times_input_and_output():
    x, weight = np.zeros((64, 64, 112, 112), np.float32), np.zeros((64, 64, 3, 3), np.float32)
    tracemalloc.start()
    out = conv2d(x, weight, padding=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert out.nbytes <= peak  # the output is among what was measured
    assert x.nbytes + peak < 3 * (x.nbytes + out.nbytes)


def test_a_1x1_kernel_copies_nothing():
    x, weight = np.zeros((8, 64, 56, 56), np.float32), np.zeros((32, 64, 1, 1), np.float32)
    tracemalloc.start()
    out = conv2d(x, weight)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert out.nbytes <= peak < 1.1 * out.nbytes


@pytest.mark.parametrize("side", [1, 3])
def test_inputs_are_not_changed_and_views_work(side):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 8, 9, 6))[:, ::2, ::-1].transpose(0, 1, 3, 2)
    weight = rng.standard_normal((side, side, 4, 2)).T[:, :, ::-1]
    grad = rng.standard_normal(conv2d(x, weight, padding=side // 2).shape[::-1]).T
    assert not any(array.flags.c_contiguous for array in (x, weight, grad))
    before = [array.copy() for array in (x, weight, grad)]
    out, gradients = conv2d(x, weight, padding=side // 2), conv2d_backward(grad, x, weight, padding=side // 2)
    for array, old in zip((x, weight, grad), before, strict=True):
        np.testing.assert_array_equal(array, old)
    x, weight, grad = (np.ascontiguousarray(array) for array in before)
    np.testing.assert_allclose(out, conv2d(x, weight, padding=side // 2), rtol=1e-12)
    for ours, wanted in zip(gradients, conv2d_backward(grad, x, weight, padding=side // 2), strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=1e-12)


def test_results_are_not_views_of_the_inputs():
    x, weight = np.ones((1, 1, 2, 2)), np.ones((1, 1, 1, 1))
    conv2d(x, weight)[...] = 7
    dx, dweight, _ = conv2d_backward(x, x, weight)
    dx[...], dweight[...] = 7, 7
    assert x.max() == weight.max() == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_pass_through_to_the_outputs_that_see_them(bad):
    x = np.zeros((2, 1, 5, 5))
    x[0, 0, 2, 1] = bad
    out, sees = conv2d(x, np.ones((1, 1, 3, 3)), padding=1), np.zeros((2, 1, 5, 5), bool)
    sees[0, 0, 1:4, :3] = True
    np.testing.assert_array_equal(~np.isfinite(out), sees)
    np.testing.assert_array_equal(out[sees], bad)
    dx, dweight, _ = conv2d_backward(np.ones_like(out), x, np.ones((1, 1, 3, 3)), padding=1)
    assert np.isfinite(dx).all() and not np.isfinite(dweight).any()


X, W = np.zeros((1, 2, 5, 5)), np.zeros((4, 2, 3, 3))


@pytest.mark.parametrize("convolve", [conv2d, conv2d_definition])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (dict(x=X + 1j), TypeError, "x must hold real numbers, got complex128"),
        (dict(weight=W.astype(str)), TypeError, "weight must hold real numbers, got <U"),
        (dict(x=X[0]), ValueError, r"x must be \(N, C, H, W\), got shape \(2, 5, 5\)"),
        (dict(weight=W[0]), ValueError, r"weight must be \(C_out, C_in / groups, k_h, k_w\), got shape \(2, 3, 3\)"),
        (dict(x=X[:, :1]), ValueError, "has 1 channels and weight .* reads 2 in each of 1 groups; what would fit: 2"),
        (dict(groups=2), ValueError, "reads 2 in each of 2 groups; what would fit: 4 channels"),
        (dict(bias=np.zeros(3)), ValueError, r"one entry for each output channel, \(4,\), got \(3,\)"),
        (dict(stride=0), ValueError, "stride must be at least 1, got 0"),
        (dict(dilation=3), ValueError, "kernel 3 with dilation 3 spans 7 pixels, but size 5"),
        (dict(padding="full"), ValueError, 'padding must be numbers, "same" or "valid"; got \'full\''),
        (dict(padding="same", stride=2), ValueError, "keeps the size, which stride"),
        (
            dict(x=X[:, :0], weight=W[:, :0]),
            ValueError,
            r"x \(1, 0, 5, 5\) has no channels; what would fit: at least one",
        ),
        (dict(x="image"), TypeError, "x must hold real numbers, got <U5"),
        (dict(bias=np.zeros(4, complex)), TypeError, "bias must hold real numbers, got complex128"),
        (dict(padding=np.array([1, 1])), TypeError, r"padding must be a whole number, got array\(\[1, 1\]\)"),
        (dict(padding=(1, 2, 3)), ValueError, r"padding must be one number or \(height, width\)"),
    ],
)
def test_bad_input_is_named(convolve, arguments, error, message):
    with pytest.raises(error, match=message):
        convolve(**dict(x=X, weight=W) | arguments)


def test_a_gradient_of_another_shape_is_named():
    with pytest.raises(ValueError, match=r"shape of the output, \(1, 4, 3, 3\); got \(1, 4, 5, 5\)"):
        conv2d_backward(np.zeros((1, 4, 5, 5)), X, W)


def test_a_complex_gradient_is_refused():
    with pytest.raises(TypeError, match="grad must hold real numbers, got complex128"):
        conv2d_backward(np.zeros((1, 4, 3, 3), complex), X, W)


def test_lists_are_convolved_as_their_arrays():
    rng = np.random.default_rng(0)
    x, weight, bias, grad = (rng.standard_normal(shape) for shape in (X.shape, W.shape, (4,), (1, 4, 3, 3)))
    for convolve in (conv2d, conv2d_definition):
        wanted = convolve(x, weight, bias)
        np.testing.assert_array_equal(convolve(x.tolist(), weight.tolist(), bias.tolist()), wanted)
    ours = conv2d_backward(grad.tolist(), x.tolist(), weight.tolist())
    for gradient, wanted in zip(ours, conv2d_backward(grad, x, weight), strict=True):
        np.testing.assert_array_equal(gradient, wanted)


@given(layers())
def test_sizes_are_those_of_conv_output_size(layer):
    x, weight, bias, settings = layer
    left, right, top, bottom = sides(settings["padding"], weight.shape[2:], settings["dilation"])
    height, width = (
        conv_output_size(size, kernel, stride, padding, dilation)
        for size, kernel, stride, padding, dilation in zip(
            x.shape[2:], weight.shape[2:], settings["stride"], ((top, bottom), (left, right)), settings["dilation"],
            strict=True,
        )
    )  # fmt: skip
    assert conv2d(x, weight, bias, **settings).shape == (len(x), len(weight), height, width)
