"""Filtering against SciPy over generated images and kernels."""

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st

from cnnguide import LAPLACIAN, SOBEL_X, SOBEL_Y, apply_filter

sides = st.integers(1, 9)


@given(
    sides, sides, st.integers(1, 5), st.integers(1, 5), st.integers(0, 99),
    st.sampled_from(["reflect", "mirror", "nearest", "wrap", "constant"]),
    st.sampled_from([np.float32, np.float64]),
)  # fmt: skip
def test_filtering_agrees_with_scipy(height, width, k_h, k_w, seed, border, dtype):
    rng = np.random.default_rng(seed)
    image = rng.standard_normal((height, width)).astype(dtype)[::-1]  # a view that is not contiguous
    kernel = rng.standard_normal((k_h, k_w))
    before = image.copy()
    ours = apply_filter(image, kernel, border)
    assert ours.dtype == dtype
    np.testing.assert_array_equal(image, before)
    theirs = scipy.ndimage.correlate(image.astype(float), kernel, mode=border)
    np.testing.assert_allclose(ours, theirs, atol=1e-4 if dtype == np.float32 else 1e-12)


def test_the_sobels_are_scipys():
    image = np.random.default_rng(0).standard_normal((9, 8))
    np.testing.assert_allclose(apply_filter(image, SOBEL_X), scipy.ndimage.sobel(image, axis=1), atol=1e-12)
    np.testing.assert_allclose(apply_filter(image, SOBEL_Y), scipy.ndimage.sobel(image, axis=0), atol=1e-12)


def test_the_laplacian_is_scipys():
    image = np.random.default_rng(0).standard_normal((9, 8))
    np.testing.assert_allclose(apply_filter(image, LAPLACIAN), scipy.ndimage.laplace(image), atol=1e-12)


def test_integer_images_are_computed_in_float64():
    out = apply_filter(np.array([[0, 0, 255, 255]] * 3, np.uint8), SOBEL_X)
    assert out.dtype == np.float64
    assert out[1].tolist() == [0, 1020, 1020, 0]


def test_nan_and_infinity_pass_through():
    image = np.zeros((5, 5))
    image[2, 2] = np.nan
    assert np.isnan(apply_filter(image, LAPLACIAN)).any()
    image[2, 2] = np.inf
    assert not np.isfinite(apply_filter(image, LAPLACIAN)).all()


def test_named_kernels_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        SOBEL_X[0, 0] = 5


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"image must be two-dimensional and not empty, got shape \(3, 3, 3\)"):
        apply_filter(np.zeros((3, 3, 3)), SOBEL_X)
    with pytest.raises(ValueError, match=r"kernel must be two-dimensional and not empty, got shape \(0, 3\)"):
        apply_filter(np.zeros((3, 3)), np.zeros((0, 3)))
    with pytest.raises(TypeError, match="image must hold real numbers, got complex128"):
        apply_filter(np.zeros((3, 3), complex), SOBEL_X)
    with pytest.raises(ValueError, match="border must be one of reflect, .*; got 'zero'"):
        apply_filter(np.zeros((3, 3)), SOBEL_X, border="zero")
