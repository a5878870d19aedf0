"""Pooling against PyTorch over generated shapes and settings, ties and ceil mode included."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cnnguide import (
    AvgPool2d,
    MaxPool2d,
    avg_pool2d,
    avg_pool2d_backward,
    global_avg_pool2d,
    global_avg_pool2d_backward,
    max_pool2d,
    max_pool2d_backward,
)


@st.composite
def pools(draw, dilations=(1, 2)):
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    dilation = draw(st.tuples(st.sampled_from(dilations), st.sampled_from(dilations)))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    stride = draw(st.sampled_from([None, (1, 1), (2, 3), (3, 2), (5, 1)]))
    ceil_mode = draw(st.booleans())
    size = [  # from the smallest that a window meets; in ceil mode it may hang over the end by less than a stride
        max(1, d * (k - 1) + 1 - 2 * p - (s - 1) * ceil_mode) + draw(st.integers(0, 6))
        for k, d, p, s in zip(kernel, dilation, padding, stride or kernel, strict=True)
    ]
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    x = rng.standard_normal((draw(st.integers(0, 2)), draw(st.integers(1, 2)), *size)).astype(dtype)
    if draw(st.booleans()):
        x = np.round(x)  # flat regions: several pixels are equally large
    if draw(st.booleans()) and x.size:
        x[rng.uniform(size=x.shape) < 0.4] = draw(st.sampled_from([np.inf, -np.inf]))
    settings = dict(kernel=kernel, stride=stride, padding=padding, ceil_mode=ceil_mode)
    return x, settings | dict(dilation=dilation)


def meets_pixels(x, settings):
    """PyTorch gives minus infinity where a dilated window lies in the padding alone; here that is an error."""
    try:
        max_pool2d(x, **settings)
    except ValueError as error:
        assert "meets no pixel" in str(error)
        return False
    return True


def compare(torch, ours, backward, oracle, x, settings):
    leaf = torch.tensor(x, requires_grad=True)
    theirs = {"kernel_size" if name == "kernel" else name: value for name, value in settings.items()}
    wanted = oracle(leaf, **theirs)
    out = ours(x, **settings)
    assert out.dtype == x.dtype
    assert out.shape == tuple(wanted.shape)
    np.testing.assert_allclose(out, wanted.detach().numpy(), rtol=1e-5, atol=1e-6)
    grad = np.random.default_rng(0).standard_normal(out.shape).astype(x.dtype)
    wanted.backward(torch.tensor(grad))
    dx = backward(grad, x, **settings)
    assert dx.dtype == x.dtype
    np.testing.assert_allclose(dx, leaf.grad.numpy(), rtol=1e-4, atol=1e-5)


@given(pools())
def test_max_pooling_agrees_with_pytorch(torch, pool):
    x, settings = pool
    assume(len(x))  # PyTorch refuses empty batches here; see below
    assume(meets_pixels(x, settings))
    compare(torch, max_pool2d, max_pool2d_backward, torch.nn.functional.max_pool2d, x, settings)


@given(pools(dilations=(1,)), st.booleans())
def test_mean_pooling_agrees_with_pytorch(torch, pool, count_include_pad):
    x, settings = pool
    assume(len(x))
    settings = {name: value for name, value in settings.items() if name != "dilation"}
    settings["count_include_pad"] = count_include_pad
    compare(torch, avg_pool2d, avg_pool2d_backward, torch.nn.functional.avg_pool2d, x, settings)


SIDES = st.tuples(st.integers(0, 1), st.integers(0, 1))


@st.composite
def padded_pools(draw):
    """Padding in all forms; the kernels are so large that one pixel is not more than half of them."""
    kernel, dilation = (draw(st.tuples(st.integers(2, 4), st.integers(2, 4))) for _ in range(2))
    padding = draw(st.one_of(st.sampled_from(["same", "valid", 1]), SIDES, st.tuples(SIDES, SIDES)))
    stride = (1, 1) if padding == "same" else draw(st.sampled_from([None, (1, 1), (2, 3), (5, 1)]))
    size = [d * (k - 1) + 1 + draw(st.integers(0, 5)) for k, d in zip(kernel, dilation, strict=True)]
    x = np.random.default_rng(draw(st.integers(0, 999))).permutation(2 * size[0] * size[1]).reshape(1, 2, *size)
    settings = dict(kernel=kernel, stride=stride, padding=padding, ceil_mode=draw(st.booleans()))
    return x.astype(float), settings, draw(st.sampled_from([(1, 1), dilation]))


def starts_and_ends(size, kernel, stride, padding, dilation, ceil_mode, axis):
    """Along one axis: where windows begin, and where the padding ends; each found by trying all places."""
    span = dilation * (kernel - 1) + 1
    if isinstance(padding, str):
        before, after = ((span - 1) // 2, span - 1 - (span - 1) // 2) if padding == "same" else (0, 0)
    else:
        sides = padding if isinstance(padding, int) else padding[axis]
        before, after = sides if isinstance(sides, tuple) else (sides, sides)
    places = range(-before, size if ceil_mode else size + after - span + 1, stride)
    last = next((n for n, place in enumerate(places) if place + span >= size + after), len(places) - 1)
    return (places[: last + 1] if ceil_mode else places), (-before, size + after)


def pooled_pixel_by_pixel(x, kernel, stride, padding, ceil_mode, dilation, reduce):
    """A tensor pooled as it is said in words; the oracle's gradient comes from its own bookkeeping."""
    axes = [
        starts_and_ends(x.shape[2 + a], kernel[a], (stride or kernel)[a], padding, dilation[a], ceil_mode, a)
        for a in (0, 1)
    ]
    (rows, (top, bottom)), (columns, (left, right)) = axes
    out = []
    for row in rows:
        for column in columns:
            places = [
                (row + dilation[0] * u, column + dilation[1] * v) for u in range(kernel[0]) for v in range(kernel[1])
            ]
            pixels = [x[:, :, r, c] for r, c in places if 0 <= r < x.shape[2] and 0 <= c < x.shape[3]]
            within = sum(top <= r < bottom and left <= c < right for r, c in places)
            out.append(reduce(pixels, within))
    return out, (len(rows), len(columns))


@given(padded_pools(), st.sampled_from(["max", "mean", "mean of pixels"]))
def test_padding_is_taken_as_a_convolution_takes_it(torch, pool, kind):
    x, settings, dilation = pool
    ours, backward = (max_pool2d, max_pool2d_backward) if kind == "max" else (avg_pool2d, avg_pool2d_backward)
    layer, more = (MaxPool2d, dict(dilation=dilation)) if kind == "max" else (AvgPool2d, {})
    if kind != "max":
        dilation, more = (1, 1), dict(count_include_pad=kind == "mean")
    reduce = {
        "max": lambda pixels, within: torch.stack(pixels).amax(0),
        "mean": lambda pixels, within: torch.stack(pixels).sum(0) / within,
        "mean of pixels": lambda pixels, within: torch.stack(pixels).mean(0),
    }[kind]
    leaf = torch.tensor(x, requires_grad=True)
    wanted, size = pooled_pixel_by_pixel(leaf, **settings, dilation=dilation, reduce=reduce)
    wanted = torch.stack(wanted, dim=-1).reshape(*x.shape[:2], *size)
    out = ours(x, **settings, **more)
    np.testing.assert_allclose(out, wanted.detach().numpy())
    if settings["padding"] == "same":
        assert out.shape == x.shape
    grad = np.random.default_rng(0).standard_normal(out.shape)
    wanted.backward(torch.tensor(grad))
    np.testing.assert_allclose(backward(grad, x, **settings, **more), leaf.grad.numpy(), atol=1e-12)
    made = layer(**settings, **more)
    np.testing.assert_array_equal(made.forward(x), out)
    np.testing.assert_array_equal(made.backward(grad), backward(grad, x, **settings, **more))


@pytest.mark.parametrize("size", range(1, 6))
@pytest.mark.parametrize("stride", range(1, 6))
@pytest.mark.parametrize("padding", [0, 1])
def test_in_ceil_mode_a_window_may_be_larger_than_the_image_where_pytorchs_may(torch, size, stride, padding):
    x = np.arange(1.0, size**2 + 1).reshape(1, 1, size, size)
    for ours, name in ((max_pool2d, "max_pool2d"), (avg_pool2d, "avg_pool2d")):
        try:
            wanted = getattr(torch.nn.functional, name)(torch.tensor(x), 4, stride, padding, ceil_mode=True).numpy()
        except RuntimeError:
            with pytest.raises(ValueError, match=f"kernel 4 with dilation 1 spans 4 pixels, but size {size}"):
                ours(x, 4, stride, padding, ceil_mode=True)
        else:
            np.testing.assert_allclose(ours(x, 4, stride, padding, ceil_mode=True), wanted)


@given(pools(dilations=(1,)), st.randoms(use_true_random=False))
def test_gradients_are_the_slopes_of_the_output(pool, random):
    x, settings = pool
    assume(len(x))
    settings = {name: value for name, value in settings.items() if name != "dilation"}
    x = np.random.default_rng(0).permutation(x.size).reshape(x.shape).astype(float)  # no two pixels are equal
    index = tuple(random.randrange(n) for n in x.shape)
    for forward, backward in ((max_pool2d, max_pool2d_backward), (avg_pool2d, avg_pool2d_backward)):
        grad = np.random.default_rng(1).standard_normal(forward(x, **settings).shape)
        step = np.zeros_like(x)
        step[index] = 1e-4
        slope = ((forward(x + step, **settings) - forward(x - step, **settings)) * grad).sum() / 2e-4
        assert backward(grad, x, **settings)[index] == pytest.approx(slope, abs=1e-6)


@given(
    st.integers(0, 3), st.integers(1, 3), st.integers(1, 5), st.integers(1, 5), st.sampled_from([np.float32, np.float64])
)  # fmt: skip
def test_global_pooling_agrees_with_pytorch(torch, n, c, height, width, dtype):
    x, grad = (
        np.random.default_rng(0).standard_normal((n, c, *size)).astype(dtype) for size in ((height, width), (1, 1))
    )
    leaf = torch.tensor(x, requires_grad=True)
    wanted = torch.nn.functional.adaptive_avg_pool2d(leaf, 1)
    wanted.backward(torch.tensor(grad))
    out, dx = global_avg_pool2d(x), global_avg_pool2d_backward(grad, x)
    assert out.dtype == dx.dtype == dtype
    np.testing.assert_allclose(out, wanted.detach().numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dx, leaf.grad.numpy(), rtol=1e-5, atol=1e-6)


def test_an_empty_batch_stays_empty():
    x = np.zeros((0, 3, 8, 8), np.float32)
    for pool, backward in ((max_pool2d, max_pool2d_backward), (avg_pool2d, avg_pool2d_backward)):
        assert pool(x, 2).shape == (0, 3, 4, 4)
        assert backward(pool(x, 2), x, 2).shape == x.shape


POOLS = [
    (lambda x: max_pool2d(x, 2, padding=1), lambda grad, x: max_pool2d_backward(grad, x, 2, padding=1)),
    (lambda x: avg_pool2d(x, 2), lambda grad, x: avg_pool2d_backward(grad, x, 2)),
    (global_avg_pool2d, global_avg_pool2d_backward),
]


@pytest.mark.parametrize(("pool", "backward"), POOLS, ids=["max", "mean", "global"])
def test_inputs_are_not_changed_and_views_work(pool, backward):
    whole = np.random.default_rng(0).standard_normal((2, 3, 12, 12))
    x, before = whole[:, :, ::2, ::-1], whole.copy()
    np.testing.assert_allclose(pool(x), pool(x.copy()), rtol=1e-12)
    grad = np.random.default_rng(1).standard_normal(pool(x).shape[::-1]).T
    old = grad.copy()
    np.testing.assert_allclose(backward(grad, x), backward(grad.copy(), x.copy()), rtol=1e-12)
    np.testing.assert_array_equal(whole, before)
    np.testing.assert_array_equal(grad, old)


def test_a_single_pixel_window_gives_a_copy():
    x = np.ones((1, 1, 2, 2))
    for pool in (max_pool2d, avg_pool2d):
        pool(x, 1)[...] = 5
    for backward in (max_pool2d_backward, avg_pool2d_backward):
        backward(x, x, 1)[...] = 5
    assert x.max() == 1


def test_padding_never_wins_not_even_against_minus_infinity():
    x = np.full((1, 1, 1, 1), -np.inf)
    assert max_pool2d(x, 2, padding=1).tolist() == [[[[-np.inf]]]]
    assert max_pool2d_backward(np.ones((1, 1, 1, 1)), x, 2, padding=1).tolist() == [[[[1]]]]


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_a_gradient_that_is_not_finite_reaches_the_winners_only(torch, bad):
    leaf = torch.tensor([[[[1.0, 4.0, 3.0], [2.0, 0.0, 5.0]]]], requires_grad=True)
    grad = np.array([[[[bad, 1.0]]]], np.float32)
    torch.nn.functional.max_pool2d(leaf, 2, 1).backward(torch.tensor(grad))
    dx = max_pool2d_backward(grad, leaf.detach().numpy(), 2, 1)
    assert dx.dtype == np.float32
    np.testing.assert_array_equal(dx, leaf.grad.numpy())


def test_of_several_nan_the_first_gets_the_gradient():
    x = np.array([[[[np.nan, 1.0], [np.nan, 2.0]]]])  # PyTorch takes the last, as the docstring says
    assert max_pool2d_backward(np.array([[[[7.0]]]]), x, 2).tolist() == [[[[7, 0], [0, 0]]]]


def test_lists_are_pooled_as_their_arrays():
    x = np.random.default_rng(0).standard_normal((1, 2, 4, 4))
    for pool, backward in POOLS:
        np.testing.assert_array_equal(pool(x.tolist()), pool(x))
        grad = np.ones_like(pool(x))
        np.testing.assert_array_equal(backward(grad.tolist(), x.tolist()), backward(grad, x))
        np.testing.assert_array_equal(backward(grad.astype(int), x), backward(grad, x))
        with pytest.raises(TypeError, match="grad must hold real numbers, got complex128"):
            backward(grad + 1j, x)


def test_nan_passes_through_forward_and_backward():
    x = np.array([[[[1.0, np.nan], [2.0, 3.0]]]])
    assert np.isnan(max_pool2d(x, 2)).all() and np.isnan(avg_pool2d(x, 2)).all()
    assert max_pool2d_backward(np.array([[[[7.0]]]]), x, 2).tolist() == [[[[0, 7], [0, 0]]]]


@pytest.mark.parametrize("pool", [max_pool2d, avg_pool2d])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (dict(kernel=0), ValueError, "kernel must be at least 1, got 0"),
        (dict(kernel=2, stride=0), ValueError, "stride must be at least 1"),
        (dict(kernel=2, padding=2), ValueError, "padding 2 is more than half of kernel 2"),
        (dict(kernel=2, padding=(0, (0, 2))), ValueError, "padding 2 is more than half of kernel 2"),
        (dict(kernel=2, padding="same"), ValueError, r'padding "same" keeps the size, which stride \(2, 2\) cannot'),
        (dict(kernel=2, padding="full"), ValueError, 'padding must be numbers, "same" or "valid"; got \'full\''),
        (dict(kernel=9), ValueError, "kernel 9 with dilation 1 spans 9 pixels, but size 4"),
        (dict(x=np.zeros((1, 1, 4, 4), complex), kernel=2), TypeError, "x must hold real numbers, got complex128"),
        (dict(x=np.zeros((4, 4)), kernel=2), ValueError, r"x must be \(N, C, H, W\) .* got shape \(4, 4\)"),
    ],
)
def test_bad_input_is_named(pool, arguments, error, message):
    with pytest.raises(error, match=message):
        pool(**dict(x=np.zeros((1, 1, 4, 4))) | arguments)


def test_a_gradient_of_another_shape_is_named():
    for backward in (max_pool2d_backward, avg_pool2d_backward):
        with pytest.raises(ValueError, match=r"shape of the output, \(1, 1, 2, 2\); got \(1, 1, 4, 4\)"):
            backward(np.zeros((1, 1, 4, 4)), np.zeros((1, 1, 4, 4)), 2)
    with pytest.raises(ValueError, match=r"shape of the output, \(1, 1, 1, 1\); got \(1, 1, 4, 4\)"):
        global_avg_pool2d_backward(np.zeros((1, 1, 4, 4)), np.zeros((1, 1, 4, 4)))
    with pytest.raises(TypeError, match="x must hold real numbers, got complex128"):
        global_avg_pool2d(np.zeros((1, 1, 4, 4), complex))
