"""Draws of weights against their moments, their bounds and, for orthogonal ones, their geometry."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

import cnnguide
from cnnguide import constant, conv2d_backward, fans, gain, he_normal, orthogonal

SHAPES = [(400, 300), (64, 32, 5, 5)]


def variance(name, shape, mode="fan_in"):
    fan_in, fan_out = fans(shape)
    if name.startswith("he"):
        return 2 / (fan_in if mode == "fan_in" else fan_out)
    return 1 / fan_in if name.startswith("lecun") else 2 / (fan_in + fan_out)


def assert_moments(weights, variance, fourth):
    """Mean, variance and fourth moment within four standard errors of those of the distribution."""
    n, unit = weights.size, weights.astype(float) / math.sqrt(variance)
    eighth = {3.0: 105.0, 1.8: 9.0}[fourth]
    assert abs(unit.mean()) < 4 / math.sqrt(n)
    assert abs((unit**2).mean() - 1) < 4 * math.sqrt((fourth - 1) / n)
    assert abs((unit**4).mean() - fourth) < 4 * math.sqrt((eighth - fourth**2) / n)


@given(st.lists(st.integers(1, 7), min_size=2, max_size=5))
def test_fans_count_the_inputs_and_outputs_of_a_unit(shape):
    weight = np.ones(shape)
    assert fans(shape) == (weight[0].size, weight[:, 0].size)


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 3)))
def test_fans_of_groups_count_what_a_convolution_joins(groups, inputs, outputs, kernel):
    """Counted by gradients: how many inputs move one output, and how many outputs one input moves."""
    shape = (groups * outputs, inputs, *kernel)
    x = np.ones((1, groups * inputs, *(2 * k - 1 for k in kernel)))  # so large that one pixel lies in every window
    middle = (0, 0, kernel[0] - 1, kernel[1] - 1)
    grad = np.zeros((1, groups * outputs, *kernel))
    grad[0, 0, 0, 0] = 1
    of_one_output = conv2d_backward(grad, x, np.ones(shape), groups=groups)[0]
    of_all_outputs = conv2d_backward(np.ones_like(grad), x, np.ones(shape), groups=groups)[0]
    assert fans(shape, groups) == (of_one_output.sum(), of_all_outputs[middle])


@pytest.mark.parametrize("name", ["xavier_normal", "xavier_uniform", "he_normal", "he_uniform"])
def test_groups_count_in_the_variance(name):
    settings, shape, groups = {"mode": "fan_out"} if name.startswith("he") else {}, (400, 25, 3, 3), 4
    weights = getattr(cnnguide, name)(shape, np.random.default_rng(1), **settings, groups=groups)
    fan_in, fan_out = 25 * 9, 100 * 9
    wanted = 2 / fan_out if settings else 2 / (fan_in + fan_out)
    assert_moments(weights, wanted, 3.0 if "normal" in name else 1.8)


def test_the_gradient_keeps_its_size_through_depthwise_layers():
    """As pytorch#23854 and timm#84 ask: with fan_out of all groups, its mean square would fall to a quarter."""
    rng, layers = np.random.default_rng(0), 400
    ratios = []
    for _ in range(layers):
        weight = he_normal((4, 1, 3, 3), rng, mode="fan_out", groups=4)
        grad = rng.standard_normal((1, 4, 9, 9))
        dx, *_ = conv2d_backward(grad, np.zeros((1, 4, 11, 11)), weight, groups=4)
        ratios.append(np.square(dx[:, :, 2:-2, 2:-2]).mean() / np.square(grad).mean())
    assert abs(np.mean(ratios) - 2) < 4 * np.std(ratios) / math.sqrt(layers)  # 2, of which ReLU takes half


@pytest.mark.parametrize(("shape", "groups"), [((6, 2, 3, 3), 3), ((40, 1, 3, 3), 40), ((80, 1, 2, 2), 4)])
def test_orthogonal_weights_are_orthogonal_in_each_group(shape, groups):
    for matrix in orthogonal(shape, np.random.default_rng(0), groups=groups).reshape(groups, shape[0] // groups, -1):
        gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
        np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["lecun_normal", "xavier_normal", "xavier_uniform", "he_normal", "he_uniform"])
def test_the_moments_are_those_of_the_formula(name, shape):
    weights = getattr(cnnguide, name)(shape, np.random.default_rng(1))
    assert_moments(weights, variance(name, shape), 3.0 if "normal" in name else 1.8)
    if "uniform" in name:
        bound = math.sqrt(3 * variance(name, shape))
        assert 0.999 * bound < abs(weights).max() <= bound


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["he_normal", "he_uniform"])
def test_fan_out_serves_the_gradients(name, shape):
    weights = getattr(cnnguide, name)(shape, np.random.default_rng(1), mode="fan_out")
    assert_moments(weights, variance(name, shape, "fan_out"), 3.0 if "normal" in name else 1.8)


@pytest.mark.parametrize("name", ["xavier_normal", "xavier_uniform", "orthogonal"])
def test_a_gain_scales_the_weights(name):
    plain, scaled = (getattr(cnnguide, name)((20, 30), np.random.default_rng(0), gain=g) for g in (1.0, 5 / 3))
    np.testing.assert_allclose(scaled, 5 / 3 * plain)


def test_he_et_al_print_these_spreads_for_3x3_layers():
    # He et al. (2015), section 2.2: 0.059, 0.042, 0.029, 0.021 for 64, 128, 256, 512 filters, counted by fan_out.
    spreads = [math.sqrt(2 / fans((d, d, 3, 3))[1]) for d in (64, 128, 256, 512)]
    assert spreads == pytest.approx([0.059, 0.042, 0.029, 0.021], abs=0.0006)


def test_gains_are_pytorchs(torch):
    convolutions = [f"conv{kind}{axes}d" for kind in ("", "_transpose") for axes in (1, 2, 3)]
    for name in ("linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu", *convolutions):
        assert gain(name) == pytest.approx(torch.nn.init.calculate_gain(name))
    assert gain("leaky_relu", 0.2) == pytest.approx(torch.nn.init.calculate_gain("leaky_relu", 0.2))


@pytest.mark.parametrize("name", ["relu", "gelu", "silu", "prelu"])
def test_gains_keep_the_mean_square(name):
    function = (lambda x: cnnguide.prelu(x, np.array([0.25]))) if name == "prelu" else getattr(cnnguide, name)
    density = lambda z: float(function(np.array(z)) ** 2) * stats.norm.pdf(z)  # noqa: E731
    mean_square = sum(integrate.quad(density, *ends, epsabs=1e-12)[0] for ends in ((-12, 0), (0, 12)))
    assert gain(name) ** 2 * mean_square == pytest.approx(1, rel=1e-9)


def test_both_lines_of_code_in_the_chapters_table_draw_the_same_variance(torch):
    page = (Path(__file__).parents[1] / "docs/chapters/initialization.md").read_text("utf-8")
    rows = re.findall(r"\| `(\w+\(shape, rng.*?\))` \| `(nn\.init\..*?\))` \|", page)
    assert len(rows) >= 4
    shape = (300, 300, 3, 3)
    for ours, theirs in rows:
        w = torch.empty(shape)
        torch.manual_seed(0)
        eval(theirs, {"nn": torch.nn, "w": w})
        weights = eval(ours, vars(cnnguide) | {"shape": shape, "rng": np.random.default_rng(0)})
        assert weights.var() == pytest.approx(float(w.var()), rel=0.02), (ours, theirs)


def test_pytorch_draws_weights_and_biases_as_the_chapter_says(torch):
    for layer in (torch.nn.Linear(400, 3000), torch.nn.Conv2d(16, 3000, 5)):
        bound = 1 / math.sqrt(400)
        for drawn in (layer.weight.detach(), layer.bias.detach()):
            assert 0.99 * bound < float(drawn.abs().max()) <= bound
            assert float(drawn.var()) == pytest.approx(bound**2 / 3, rel=0.1)


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (4, 3, 3, 3), (40, 3, 3, 3)])
def test_orthogonal_weights_keep_lengths(shape):
    matrix = orthogonal(shape, np.random.default_rng(0)).reshape(shape[0], -1)
    gram = matrix @ matrix.T if shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-12)


def test_no_rotation_is_preferred():
    """Without the correction of signs, the diagonal would be all of one sign."""
    traces = [np.trace(orthogonal((3, 3), np.random.default_rng(seed))) for seed in range(400)]
    assert abs(np.mean(traces)) < 4 / math.sqrt(400)  # the trace has mean 0 and variance 1
    assert abs(np.var(traces) - 1) < 0.35


@pytest.mark.parametrize("name", ["lecun_normal", "xavier_uniform", "he_normal", "orthogonal", "constant"])
def test_draws_come_from_the_generator_and_keep_the_dtype(name):
    draw = getattr(cnnguide, name)
    first = draw((3, 4), np.random.default_rng(7), dtype=np.float32)
    assert first.dtype == np.float32 and first.shape == (3, 4)
    np.testing.assert_array_equal(first, draw((3, 4), np.random.default_rng(7), dtype=np.float32))


def test_constant():
    assert constant((2, 2), value=0.1).tolist() == [[0.1, 0.1], [0.1, 0.1]]


@pytest.mark.parametrize(
    "name", ["lecun_normal", "xavier_uniform", "xavier_normal", "he_uniform", "he_normal", "orthogonal"]
)
@pytest.mark.parametrize("rng", [0, None, np.random])
def test_a_draw_needs_a_generator(name, rng):
    with pytest.raises(TypeError, match=r"rng must be a generator such as numpy.random.default_rng\(0\), got "):
        getattr(cnnguide, name)((3, 3), rng)


def test_bad_input_is_named():
    with pytest.raises(TypeError, match="dtype must be float32 or float64, got int64"):
        constant((2,), value=0.5, dtype=np.int64)  # would be two zeros
    with pytest.raises(ValueError, match=r"at least the axes \(out, in\), got shape \(3,\)"):
        fans((3,))
    with pytest.raises(TypeError, match="a shape is a sequence such as .*, got 5"):
        fans(5)
    with pytest.raises(TypeError, match="dtype must be float32 or float64, got int64"):
        he_normal((3, 3), np.random.default_rng(0), dtype=np.int64)
    with pytest.raises(
        ValueError, match=r"groups must divide the outputs evenly, got groups 3 for shape \(4, 1, 3, 3\)"
    ):
        fans((4, 1, 3, 3), groups=3)
    for name in ("lecun_normal", "xavier_uniform", "xavier_normal", "he_uniform", "he_normal", "orthogonal"):
        with pytest.raises(ValueError, match="groups must be at least 1, got 0"):
            getattr(cnnguide, name)((4, 1, 3, 3), np.random.default_rng(0), groups=0)
    with pytest.raises(ValueError, match="axis 1 of the shape must be at least 1, got 0"):
        fans((3, 0))
    with pytest.raises(ValueError, match="mode must be one of fan_in, fan_out; got 'fan', did you mean 'fan_in'"):
        he_normal((3, 3), np.random.default_rng(0), mode="fan")
    with pytest.raises(ValueError, match="nonlinearity must be one of linear, .*; got 'gelo', did you mean 'gelu'"):
        gain("gelo")
