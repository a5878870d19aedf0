"""Draws of weights against their moments."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnguide import fans, he_normal


@given(st.lists(st.integers(1, 7), min_size=2, max_size=5))
def test_fans_count_the_inputs_and_outputs_of_a_unit(shape):
    weight = np.ones(shape)
    fan_in, fan_out = fans(shape)
    assert fan_in == weight[0].size
    assert fan_out == weight[:, 0].size


@pytest.mark.parametrize("shape", [(400, 300), (64, 32, 5, 5)])
@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
def test_he_normal_has_mean_zero_and_variance_two_over_fan(shape, mode):
    weights = he_normal(shape, np.random.default_rng(1), mode)
    fan = fans(shape)[mode == "fan_out"]
    spread = math.sqrt(2 / fan)
    n = weights.size
    assert abs(weights.mean()) < 4 * spread / math.sqrt(n)  # 4 standard errors
    assert abs(weights.var() / spread**2 - 1) < 4 * math.sqrt(2 / n)
    assert abs(float(((weights / spread) ** 4).mean()) - 3) < 4 * math.sqrt(96 / n)  # the fourth moment of a normal


def test_he_et_al_print_these_spreads_for_3x3_layers():
    # He et al. (2015), section 2.2: 0.059, 0.042, 0.029, 0.021 for 64, 128, 256, 512 filters, counted by fan_out.
    spreads = [math.sqrt(2 / fans((d, d, 3, 3))[1]) for d in (64, 128, 256, 512)]
    assert spreads == pytest.approx([0.059, 0.042, 0.029, 0.021], abs=0.0006)


def test_draws_come_from_the_generator_and_keep_the_dtype():
    first = he_normal((3, 4), np.random.default_rng(7), dtype=np.float32)
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, he_normal((3, 4), np.random.default_rng(7), dtype=np.float32))


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"at least the axes \(out, in\), got shape \(3,\)"):
        fans((3,))
    with pytest.raises(ValueError, match="axis 1 of the shape must be at least 1, got 0"):
        fans((3, 0))
    with pytest.raises(ValueError, match="mode must be 'fan_in' or 'fan_out', got 'fan'"):
        he_normal((3, 3), np.random.default_rng(0), mode="fan")
