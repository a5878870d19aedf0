"""Activations against PyTorch and finite differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes
from scipy import special

import cnnguide

NAMES = ["relu", "leaky_relu", "sigmoid", "tanh", "gelu", "silu", "softmax", "log_softmax"]


def theirs(torch, name, x):
    along = {"dim": -1} if "softmax" in name else {}
    return getattr(torch.nn.functional if name != "tanh" else torch, name)(x, **along)


@pytest.mark.parametrize("name", NAMES)
@given(shape=array_shapes(max_dims=4), seed=st.integers(0, 99), dtype=st.sampled_from([np.float32, np.float64]))
def test_forward_and_backward_agree_with_pytorch(torch, name, shape, seed, dtype):
    rng = np.random.default_rng(seed)
    x, grad = (3 * rng.standard_normal((2, *shape))).astype(dtype)
    x, grad = x[::-1, ...], grad[..., ::-1]  # views
    before = x.copy(), grad.copy()
    ours, dx = getattr(cnnguide, name)(x), getattr(cnnguide, f"{name}_backward")(grad, x)
    leaf = torch.tensor(x.copy(), requires_grad=True)
    wanted = theirs(torch, name, leaf)
    wanted.backward(torch.tensor(grad.copy()))
    close = dict(rtol=1e-4, atol=1e-5) if dtype == np.float32 else dict(rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(ours, wanted.detach().numpy(), **close)
    np.testing.assert_allclose(dx, leaf.grad.numpy(), **close)
    assert ours.dtype == dx.dtype == dtype
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(grad, before[1])


def test_at_the_kink_the_gradient_is_pytorchs(torch):
    leaf = torch.tensor([0.0, -0.0], requires_grad=True)
    for name in ("relu", "leaky_relu"):
        leaf.grad = None
        theirs(torch, name, leaf).backward(torch.ones(2))
        dx = getattr(cnnguide, f"{name}_backward")(np.ones(2, np.float32), np.array([0.0, -0.0], np.float32))
        np.testing.assert_array_equal(dx, leaf.grad.numpy())


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_slopes(name):
    rng = np.random.default_rng(0)
    x, grad = rng.standard_normal((2, 3, 4))
    forward = getattr(cnnguide, name)
    dx = getattr(cnnguide, f"{name}_backward")(grad, x)
    for index in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[index] = 1e-6
        slope = ((forward(x + step) - forward(x - step)) * grad).sum() / 2e-6
        assert dx[index] == pytest.approx(slope, abs=1e-7)


@given(shape=array_shapes(max_dims=4), seed=st.integers(0, 99), dtype=st.sampled_from([np.float32, np.float64]))
def test_the_approximation_of_gelu_agrees_with_pytorch(torch, shape, seed, dtype):
    x, grad = (3 * np.random.default_rng(seed).standard_normal((2, *shape))).astype(dtype)
    leaf = torch.tensor(x, requires_grad=True)
    wanted = torch.nn.functional.gelu(leaf, approximate="tanh")
    wanted.backward(torch.tensor(grad))
    close = dict(rtol=1e-4, atol=1e-5) if dtype == np.float32 else dict(rtol=1e-11, atol=1e-12)
    ours, dx = cnnguide.gelu(x, "tanh"), cnnguide.gelu_backward(grad, x, "tanh")
    assert ours.dtype == dx.dtype == dtype
    np.testing.assert_allclose(ours, wanted.detach().numpy(), **close)
    np.testing.assert_allclose(dx, leaf.grad.numpy(), **close)
    assert np.abs(ours - cnnguide.gelu(x)).max() < 0.0005


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_overflows_nowhere(approximate):
    x = np.array([1e30, -1e30, 1e4, -1e4], np.float32)
    with np.errstate(all="raise", under="ignore"):
        assert cnnguide.gelu(x, approximate).tolist() == [x[0], 0, 1e4, 0]
        assert cnnguide.gelu_backward(np.ones_like(x), x, approximate).tolist() == [1, 0, 1, 0]


def test_far_below_zero_gelu_keeps_all_its_digits():
    """Half of 1 + erf would be 0 from -8.3 on; SciPy's logarithm of the distribution is the oracle."""
    x = np.linspace(-30, -5, 26)
    np.testing.assert_allclose(cnnguide.gelu(x), x * np.exp(special.log_ndtr(x)), rtol=1e-12)


@given(
    shape=array_shapes(min_dims=2, max_dims=4), seed=st.integers(0, 99), single=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
)  # fmt: skip
def test_prelu_agrees_with_pytorch(torch, shape, seed, single, dtype):
    rng = np.random.default_rng(seed)
    x, grad = rng.standard_normal((2, *shape)).astype(dtype)
    x.flat[0] = 0
    slope = rng.standard_normal(1 if single else shape[1]).astype(dtype)
    leaves = [torch.tensor(array, requires_grad=True) for array in (x, slope)]
    wanted = torch.nn.functional.prelu(*leaves)
    wanted.backward(torch.tensor(grad))
    layer = cnnguide.PReLU(len(slope), dtype=dtype)
    layer.weight[...] = slope
    close = dict(rtol=1e-4, atol=1e-5) if dtype == np.float32 else dict(rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(layer.forward(x), wanted.detach().numpy(), **close)
    for ours, leaf in zip((layer.backward(grad), *layer.gradients()), leaves, strict=True):
        assert ours.dtype == dtype and ours.shape == leaf.shape
        np.testing.assert_allclose(ours, leaf.grad.numpy(), **close)


def test_the_gradient_of_prelus_slopes_is_a_slope():
    x, grad = np.random.default_rng(0).standard_normal((2, 2, 3, 4))
    slope = np.array([0.5, -0.25, 2.0])
    _, dslope = cnnguide.prelu_backward(grad, x, slope)
    for channel in range(3):
        step = 1e-6 * (np.arange(3) == channel)
        change = ((cnnguide.prelu(x, slope + step) - cnnguide.prelu(x, slope - step)) * grad).sum() / 2e-6
        assert dslope[channel] == pytest.approx(change, abs=1e-7)


def test_bad_settings_of_new_activations_are_named():
    with pytest.raises(ValueError, match=r"slope must be .* of x \(2, 3\), got shape \(2,\)"):
        cnnguide.prelu(np.zeros((2, 3)), np.zeros(2))
    for made in (lambda: cnnguide.gelu(np.zeros(2), "Tanh"), lambda: cnnguide.GELU("Tanh")):
        with pytest.raises(ValueError, match="approximate must be one of none, tanh; got 'Tanh', did you mean 'tanh'"):
            made()
    with pytest.raises(RuntimeError, match="PReLU has no gradients yet"):
        cnnguide.PReLU().gradients()


@pytest.mark.parametrize(
    "layer", [cnnguide.GELU(), cnnguide.GELU("tanh"), cnnguide.SiLU()], ids=["exact", "tanh", "silu"]
)
def test_layers_hand_on_to_their_functions(torch, layer):
    x, grad = np.random.default_rng(0).standard_normal((2, 3, 4))
    leaf = torch.tensor(x, requires_grad=True)
    theirs = torch.nn.SiLU() if isinstance(layer, cnnguide.SiLU) else torch.nn.GELU(layer.approximate)
    theirs(leaf).backward(torch.tensor(grad))
    np.testing.assert_allclose(layer.forward(x), theirs(leaf).detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(layer.backward(grad), leaf.grad.numpy(), rtol=1e-11)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_the_axis_is_respected(torch, name, axis):
    x = np.random.default_rng(0).standard_normal((3, 4, 5))
    wanted = getattr(torch.nn.functional, name)(torch.tensor(x), dim=axis).numpy()
    np.testing.assert_allclose(getattr(cnnguide, name)(x, axis), wanted, rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_of_ten_thousand_overflow_nowhere(name, dtype):
    x = np.array([[1e4, -1e4, 0.0], [1e4, 1e4, 1e4]], dtype)
    with np.errstate(all="raise", under="ignore"):
        out = getattr(cnnguide, name)(x)
        dx = getattr(cnnguide, f"{name}_backward")(np.ones_like(x), x)
    assert np.isfinite(out).all() and np.isfinite(dx).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_pass_as_in_pytorch(torch, name, bad):
    x = np.array([[bad, 1.0], [2.0, 3.0]])
    leaf = torch.tensor(x, requires_grad=True)
    wanted = theirs(torch, name, leaf)
    wanted.backward(torch.ones_like(leaf))
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(getattr(cnnguide, name)(x), wanted.detach().numpy(), atol=1e-12)
        dx = getattr(cnnguide, f"{name}_backward")(np.ones_like(x), x)
    finite = np.isfinite(leaf.grad.numpy()) & ~np.isnan(x)  # NaN has no slope
    np.testing.assert_allclose(dx[finite], leaf.grad.numpy()[finite], atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_that_are_not_finite_and_inputs_that_are_nan_are_pytorchs(torch, name, bad, dtype):
    x = np.array([[-1.0, 1.0], [2.0, -3.0], [np.nan, 1.0]], dtype)
    grad = np.array([[bad, bad], [bad, 1.0], [1.0, 2.0]], dtype)
    leaf = torch.tensor(x, requires_grad=True)
    theirs(torch, name, leaf).backward(torch.tensor(grad))
    with np.errstate(invalid="ignore"):
        dx = getattr(cnnguide, f"{name}_backward")(grad, x)
    assert dx.dtype == dtype
    np.testing.assert_allclose(dx, leaf.grad.numpy(), rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_gradient_of_another_shape_is_named_and_lists_are_taken(name):
    forward, backward = getattr(cnnguide, name), getattr(cnnguide, f"{name}_backward")
    for shape in ((3,), (2, 1), (4, 2, 3), ()):
        with pytest.raises(ValueError, match=r"grad must have the shape of the output, \(2, 3\); got \("):
            backward(np.ones(shape), np.ones((2, 3)))
    with pytest.raises(TypeError, match="grad must hold real numbers, got complex128"):
        backward(np.ones(2) + 1j, np.ones(2))
    x, grad = np.random.default_rng(0).standard_normal((2, 2, 3))
    np.testing.assert_array_equal(forward(x.tolist()), forward(x))
    np.testing.assert_array_equal(backward(grad.tolist(), x.tolist()), backward(grad, x))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, bool])
def test_whole_numbers_are_computed_in_float64(name, dtype):
    x = np.array([[0, 1, 100], [-128 if dtype == np.int8 else 255, 7, 2]]).astype(dtype)
    grad = np.array([[0, 3, 1], [1, 0, 2]]).astype(dtype)
    ours, dx = getattr(cnnguide, name)(x), getattr(cnnguide, f"{name}_backward")(grad, x)
    assert ours.dtype == dx.dtype == np.float64
    np.testing.assert_array_equal(ours, getattr(cnnguide, name)(x.astype(float)))
    np.testing.assert_array_equal(dx, getattr(cnnguide, f"{name}_backward")(grad.astype(float), x.astype(float)))


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_batch_stays_empty_and_complex_numbers_are_refused(name):
    empty = np.zeros((0, 3), np.float32)
    assert getattr(cnnguide, name)(empty).shape == getattr(cnnguide, f"{name}_backward")(empty, empty).shape == (0, 3)
    with pytest.raises(TypeError, match="x must hold real numbers, got complex128"):
        getattr(cnnguide, name)(np.array([1j]))
