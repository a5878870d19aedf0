"""Filtering against SciPy over generated images and kernels."""

import numpy as np
import pytest
import scipy.ndimage
import skimage.feature
import skimage.filters
from hypothesis import example, given
from hypothesis import strategies as st

import cnnguide
from cnnguide import (
    BOX,
    GAUSSIAN,
    IDENTITY,
    LAPLACIAN,
    LAPLACIAN_8,
    PREWITT_X,
    PREWITT_Y,
    SCHARR_X,
    SCHARR_Y,
    SHARPEN,
    SOBEL_X,
    SOBEL_Y,
    apply_filter,
    gradient_direction,
    gradient_magnitude,
    match_template,
)

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


def test_the_other_named_kernels_are_scipys():
    image = np.random.default_rng(0).standard_normal((9, 8))
    ndimage = scipy.ndimage
    np.testing.assert_allclose(apply_filter(image, PREWITT_X), ndimage.prewitt(image, axis=1), atol=1e-12)
    np.testing.assert_allclose(apply_filter(image, PREWITT_Y), ndimage.prewitt(image, axis=0), atol=1e-12)
    np.testing.assert_allclose(apply_filter(image, BOX), ndimage.uniform_filter(image, 3), atol=1e-12)
    np.testing.assert_array_equal(apply_filter(image, IDENTITY), image)
    np.testing.assert_allclose(apply_filter(image, SHARPEN), image - ndimage.laplace(image), atol=1e-12)


def test_derivative_kernels_have_the_scale_that_they_say():
    ramp = np.add.outer(np.zeros(5), np.arange(5.0))  # one brighter per pixel to the right
    for across, down, scale in ((SOBEL_X, SOBEL_Y, 8), (PREWITT_X, PREWITT_Y, 6), (SCHARR_X, SCHARR_Y, 32)):
        assert apply_filter(ramp, across)[2, 2] == apply_filter(ramp.T, down)[2, 2] == scale
        assert apply_filter(ramp, down)[2, 2] == apply_filter(ramp.T, across)[2, 2] == 0
        np.testing.assert_array_equal(across, down.T)
    bowl = np.add.outer(np.arange(-3.0, 4) ** 2, np.arange(-3.0, 4) ** 2)  # x² + y², of Laplacian 4
    assert (apply_filter(bowl, LAPLACIAN)[3, 3], apply_filter(bowl, LAPLACIAN_8)[3, 3]) == (4, 12)
    assert GAUSSIAN.sum() == 1 and np.linalg.matrix_rank(GAUSSIAN) == 1


@pytest.mark.parametrize("angle", range(-170, 181, 35))
def test_directions_of_a_slope(angle):
    rows, columns = np.mgrid[:9, :9]
    slope = np.cos(np.radians(angle)) * columns + np.sin(np.radians(angle)) * rows
    assert np.degrees(gradient_direction(slope)[4, 4]) == pytest.approx(angle)
    assert gradient_magnitude(slope)[4, 4] == pytest.approx(8)
    assert gradient_magnitude(slope, (SCHARR_X, SCHARR_Y))[4, 4] == pytest.approx(32)


@given(st.floats(0, 1, width=32), st.sampled_from([np.float32, np.float64]))
@example(0.1, np.float64)
@example(100 / 255, np.float32)
def test_where_an_image_is_flat_it_has_no_steepness_and_direction_zero(value, dtype):
    flat = np.full((4, 5), value, dtype)
    for kernels in ((SOBEL_X, SOBEL_Y), (PREWITT_X, PREWITT_Y), (SCHARR_X, SCHARR_Y)):
        assert (gradient_magnitude(flat, kernels) == 0).all()
        assert (gradient_direction(flat, kernels) == 0).all()
    np.testing.assert_array_equal(apply_filter(flat, LAPLACIAN), 0)


def test_an_edge_straight_down_points_exactly_to_the_right():
    edge = np.tile([0.1, 0.3, 0.7, 0.9], (5, 1))
    assert (gradient_direction(edge) == 0).all() and (apply_filter(edge, SOBEL_Y) == 0).all()


def test_scharrs_directions_are_better_than_sobels():
    # The largest error over all angles of a wave with a period of four pixels: 3.2 degrees against 0.29.
    worst = {}
    for name, kernels in (("sobel", (SOBEL_X, SOBEL_Y)), ("scharr", (SCHARR_X, SCHARR_Y))):
        errors = []
        for angle in np.radians(np.arange(0, 90, 3)):
            rows, columns = np.mgrid[-4:5, -4:5]
            wave = np.sin(np.pi / 2 * (np.cos(angle) * columns + np.sin(angle) * rows))
            errors.append(abs(np.degrees(gradient_direction(wave, kernels)[4, 4] - angle)))
        worst[name] = max(errors)
    assert worst["sobel"] == pytest.approx(3.2, abs=0.1)
    assert worst["scharr"] == pytest.approx(0.29, abs=0.03)


def brute_force_fit(image, template):
    """The definition: the correlation coefficient at every place."""
    height, width = template.shape
    fit = np.zeros([i - t + 1 for i, t in zip(image.shape, template.shape, strict=True)])
    for r, c in np.ndindex(*fit.shape):
        window = image[r : r + height, c : c + width]
        fit[r, c] = np.corrcoef(window.ravel(), template.ravel())[0, 1] if np.ptp(window) > 0 else 0
    return fit


@given(st.integers(2, 9), st.integers(2, 9), st.data())
def test_matching_is_the_correlation_coefficient(height, width, data):
    h, w = data.draw(st.integers(1, height)), data.draw(st.integers(2, width))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    image, template = 100 + rng.standard_normal((height, width)), rng.standard_normal((h, w))
    image[: height // 2] = data.draw(st.sampled_from([0.0, 100.0]))  # a flat part
    np.testing.assert_allclose(match_template(image, template), brute_force_fit(image, template), atol=1e-6)


@pytest.mark.parametrize("speck", [1e5, 1e6, 1e9, 1e12, -1e6])
def test_one_bright_pixel_hides_no_match_far_away(speck):
    image = np.random.default_rng(0).uniform(size=(40, 30))
    template = image[5:10, 5:11].copy()
    image[20:28] = 0.3  # flat, so that 0 remains the answer there
    image[35, 25] = speck
    fit = match_template(image, template)
    assert fit[5, 5] == pytest.approx(1, abs=1e-9) and fit[21, 3] == 0
    np.testing.assert_allclose(fit, brute_force_fit(image, template), atol=1e-6)


def test_a_large_bright_half_hides_no_match_in_the_faint_one():
    rng = np.random.default_rng(0)
    image = rng.uniform(size=(120, 140))
    image[60:] *= 1e6
    fit = match_template(image, image[5:10, 5:11])
    assert fit[5, 5] == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(fit, brute_force_fit(image, image[5:10, 5:11]), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_is_no_pattern(dtype):
    image = np.full((12, 14), 0.3, dtype)
    image[6:] = np.random.default_rng(0).uniform(size=(6, 14))
    image[:5, ::2] = np.nextafter(dtype(0.3), dtype(1))  # the next number that there is
    assert (match_template(image, image[7:10, 2:6])[:3] == 0).all()
    with pytest.raises(ValueError, match="the template is flat"):
        match_template(image, np.full((3, 3), 0.1, dtype))


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_matching_neither_overflows_nor_underflows(scale):
    rng = np.random.default_rng(0)
    image, template = rng.uniform(size=(9, 12)), rng.uniform(size=(3, 4))
    np.testing.assert_allclose(match_template(scale * image, template), match_template(image, template), atol=1e-12)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, bool])
def test_pixels_in_whole_numbers_are_matched_as_their_floats(dtype):
    image = np.random.default_rng(0).integers(0, 2, (9, 12)).astype(bool)
    image = image if dtype is bool else np.where(image, np.iinfo(dtype).max, np.iinfo(dtype).min).astype(dtype)
    template = image[2:4, 3:6].astype(float)
    np.testing.assert_array_equal(match_template(image, template), match_template(image.astype(float), template))


def test_edges_and_matches_are_scikit_images():
    rng = np.random.default_rng(0)
    image, template = rng.uniform(size=(24, 31)), rng.uniform(size=(5, 6))
    np.testing.assert_allclose(
        match_template(image, template), skimage.feature.match_template(image, template), atol=1e-9
    )
    inner = np.s_[1:-1, 1:-1]  # at the border the two differ by choice
    for across, down, theirs, scale in (
        (SOBEL_X, SOBEL_Y, skimage.filters.sobel, 4),
        (PREWITT_X, PREWITT_Y, skimage.filters.prewitt, 3),
        (SCHARR_X, SCHARR_Y, skimage.filters.scharr, 16),
    ):  # there, kernels are scaled to half a difference, and the magnitude is a root mean square
        ours = gradient_magnitude(image, (across, down)) / scale / np.sqrt(2)
        np.testing.assert_allclose(ours[inner], theirs(image)[inner], atol=1e-9)


def test_matching_ignores_brightness_and_contrast():
    rng = np.random.default_rng(0)
    image, template = rng.standard_normal((30, 40)), rng.standard_normal((5, 6))
    image[10:15, 20:26] = 1000 + 50 * template
    fit = match_template(image, template)
    assert np.unravel_index(fit.argmax(), fit.shape) == (10, 20)
    assert fit.max() == pytest.approx(1)
    assert match_template(image, -template)[10, 20] == pytest.approx(-1)
    assert match_template((255 * (image > 0)).astype(np.uint8), template).shape == (26, 35)


def test_all_named_kernels_are_public():
    for name in ("SOBEL_X", "SCHARR_Y", "BOX", "SHARPEN"):
        assert name in cnnguide.__all__


def test_integer_images_are_computed_in_float64():
    out = apply_filter(np.array([[0, 0, 255, 255]] * 3, np.uint8), SOBEL_X)
    assert out.dtype == np.float64
    assert out[1].tolist() == [0, 1020, 1020, 0]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_pass_to_the_answers_that_see_them(bad):
    image, sees = np.random.default_rng(0).uniform(size=(9, 8)), np.zeros((9, 8), bool)
    image[4, 5], sees[3:6, 4:7] = bad, True
    np.testing.assert_array_equal(~np.isfinite(apply_filter(image, BOX)), sees)
    template = np.arange(6.0).reshape(2, 3)
    fit, places = match_template(image, template), np.zeros((8, 6), bool)
    places[3:5, 3:6] = True
    np.testing.assert_array_equal(np.isnan(fit), places)
    image[4, 5] = 0
    np.testing.assert_allclose(fit[~places], match_template(image, template)[~places], atol=1e-9)


def test_an_image_taller_than_a_band_has_no_seam():
    image = np.random.default_rng(0).standard_normal((131, 7))
    theirs = scipy.ndimage.correlate(image, SCHARR_Y, mode="reflect")
    np.testing.assert_allclose(apply_filter(image, SCHARR_Y), theirs, atol=1e-12)


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
    with pytest.raises(TypeError, match="template must hold real numbers, got complex128"):
        match_template(np.zeros((3, 3)), np.ones((2, 2), complex))
    with pytest.raises(ValueError, match=r"the template \(4, 3\) must fit into the image \(3, 3\)"):
        match_template(np.zeros((3, 3)), np.ones((4, 3)))
    with pytest.raises(ValueError, match="the template is flat"):
        match_template(np.zeros((3, 3)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="border must be one of reflect, .*; got 'zero'"):
        apply_filter(np.zeros((3, 3)), SOBEL_X, border="zero")
