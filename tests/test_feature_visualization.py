"""Inputs that excite a unit most: exact where it can be computed, letters where a network has learned letters."""

import numpy as np
import pytest

from cnnguide import (
    PHOTOS,
    Conv2d,
    Flatten,
    Linear,
    ReLU,
    Sequential,
    draw_letters,
    exciting_images,
    maximize_activation,
    photo,
    prepare_photo,
    softmax,
    train_letters_network,
)
from cnnguide.feature_visualization import _natural, _turned
from guide.makers.exciting_images import LAYERS, chosen, climb, up_to


def test_a_linear_unit_gets_its_positive_weights():
    rng = np.random.default_rng(0)
    model = Sequential(Flatten(), Linear(36, 3, rng))
    x = maximize_activation(model, [0, 1, 2], (1, 6, 6), rng, blur=0, jitter=0, l2=0, steps=300)
    for image, weights in zip(x, model.layers[1].weight, strict=True):
        clear = abs(weights) > 0.3 * abs(weights).max()
        np.testing.assert_allclose(image.ravel()[clear], weights[clear] > 0, atol=0.02)


def test_channels_and_single_units_rise():
    rng = np.random.default_rng(0)
    model = Sequential(Conv2d(1, 4, 3, rng), ReLU(), Conv2d(4, 2, 3, rng))
    for layer, unit in ((0, 3), (2, 1), (2, (1, 2, 2))):
        x = maximize_activation(model, [unit], (1, 8, 8), np.random.default_rng(1), layer=layer, steps=60, l2=0)
        noise = maximize_activation(model, [unit], (1, 8, 8), np.random.default_rng(1), layer=layer, steps=0)
        place = (0, *unit) if isinstance(unit, tuple) else (0, unit)

        def activation(image, layer=layer, place=place):
            return Sequential(*model.layers[: layer + 1]).forward(image)[place].mean()

        assert activation(x) > activation(noise) + 0.02
        assert x.dtype == np.float32 and x.min() >= 0 and x.max() <= 1


def nearest_letters(images, k=5):
    """What a pixel judge sees: the commonest letter among the k nearest of many real ones."""
    real, target = draw_letters(120, np.random.default_rng(5))
    flat, wanted = real.reshape(len(real), -1), images.reshape(len(images), -1)
    flat, wanted = (a - a.mean(axis=1, keepdims=True) for a in (flat, wanted))
    flat, wanted = (a / np.linalg.norm(a, axis=1, keepdims=True) for a in (flat, wanted))
    nearest = np.argsort(-(wanted @ flat.T), axis=1)[:, :k]
    return np.array([np.bincount(target[row], minlength=26).argmax() for row in nearest])


def test_most_letters_of_a_trained_network_are_readable(reader):
    classes = np.arange(26)
    x = maximize_activation(reader, range(26), (1, 20, 20), np.random.default_rng(0))
    logits = reader.forward(x)
    assert (logits.argmax(axis=1) == classes).all()
    assert softmax(logits)[classes, classes].min() > 0.9
    real, target = draw_letters(50, np.random.default_rng(1))
    typical = np.median(reader.forward(real)[np.arange(len(target)), target])
    assert np.median(logits[classes, classes]) > 1.5 * typical
    assert (nearest_letters(x) == classes).mean() > 0.7  # chance is 1 in 26; of real letters the judge reads as many
    other, _ = train_letters_network(np.random.default_rng(7), per_letter=100)
    assert (other.forward(x).argmax(axis=1) == classes).mean() > 0.75  # a network that never saw their making


def test_what_keeps_the_image_natural(reader):
    """Each of blur, jitter and L2 does what it is there for; without all three, what comes out is noise."""

    def images(**settings):
        plain = dict(blur=0, jitter=0, l2=0, steps=150)
        return maximize_activation(reader, range(26), (1, 20, 20), np.random.default_rng(0), **(plain | settings))

    def roughness(x):
        return (np.diff(x, axis=2) ** 2).mean() + (np.diff(x, axis=3) ** 2).mean()

    plain = images()
    assert roughness(images(blur=0.5)) < 0.7 * roughness(plain)
    assert images(l2=1.0).mean() < 0.8 * plain.mean()
    assert roughness(images(jitter=1)) < 0.9 * roughness(plain)
    read, of_noise = ((nearest_letters(x) == np.arange(26)).mean() for x in (images(blur=0.5, jitter=1, l2=0.3), plain))
    assert read > of_noise + 0.1


def test_jitter_puts_the_image_back_where_it_was():
    model = Sequential(Flatten(), Linear(81, 1, np.random.default_rng(0)))
    model.layers[1].weight[...] = -1
    model.layers[1].weight[0, 40] = 40  # likes the pixel in the middle
    x = maximize_activation(model, [0], (1, 9, 9), np.random.default_rng(0), blur=0, jitter=1, l2=0, steps=300)
    centre = (x[0, 0] * np.mgrid[:9, :9]).sum(axis=(1, 2)) / x.sum()
    np.testing.assert_allclose(centre, 4, atol=0.5)


def test_bad_input_is_named():
    model = Sequential(Flatten(), Linear(4, 3, np.random.default_rng(0)))
    with pytest.raises(ValueError, match=r"unit 3 does not exist: the layer gives \(3,\) for one image"):
        maximize_activation(model, [3], (1, 2, 2), np.random.default_rng(0), steps=1)
    for unit, number in ((1.5, "1.5"), ((0, 1.5, 0), "1.5"), ("1", "'1'"), ([0], r"\[0\]")):
        with pytest.raises(TypeError, match=f"unit must be a whole number, got {number}"):
            maximize_activation(model, [unit], (1, 2, 2), np.random.default_rng(0), steps=1)
    with pytest.raises(ValueError, match="unit must be at least 0, got -1"):
        maximize_activation(model, [-1], (1, 2, 2), np.random.default_rng(0), steps=1)
    with pytest.raises(TypeError, match="layer must be a whole number, got 1.0"):
        maximize_activation(model, [0], (1, 2, 2), np.random.default_rng(0), layer=1.0)
    with pytest.raises(ValueError, match="blur_every must be at least 1, got 0"):
        maximize_activation(model, [0], (1, 2, 2), np.random.default_rng(0), blur_every=0)
    with pytest.raises(ValueError, match="layer must be from 0 to 1, got 2"):
        maximize_activation(model, [0], (1, 2, 2), np.random.default_rng(0), layer=2)


# What makes images for photos natural.


def test_turns_and_enlargements_are_those_of_scipy():
    ndimage = pytest.importorskip("scipy.ndimage")
    x = np.random.default_rng(0).random((1, 2, 9, 12))
    for degrees, factor in ((0, 1), (20, 1), (0, 1.3), (-35, 0.8)):
        cos, sin = np.cos(np.radians(degrees)) / factor, np.sin(np.radians(degrees)) / factor
        matrix, middle = np.array([[cos, -sin], [sin, cos]]), np.array([4, 5.5])
        for channel in range(2):
            wanted = ndimage.affine_transform(x[0, channel], matrix, middle - matrix @ middle, order=1, mode="nearest")
            np.testing.assert_allclose(_turned(x, degrees, factor)[0, channel], wanted, atol=1e-12)


def test_the_gradient_has_the_frequencies_and_colours_of_photos():
    """White noise gets a spectrum that falls as the frequency to the power -1, and colours with the wanted covariance."""
    noise = np.random.default_rng(0).standard_normal((20, 3, 64, 64))
    spectrum = abs(np.fft.fft2(_natural(noise, 1, None))).mean(axis=(0, 1))
    for low, high in ((2, 4), (5, 10), (8, 16)):
        assert spectrum[low, 0] / spectrum[high, 0] == pytest.approx(2, rel=0.15)
    root = np.array([[0.6, 0.3, 0.1], [0.3, 0.5, 0.3], [0.1, 0.3, 0.5]])
    colored = _natural(noise, 0, root)
    covariance = np.cov(np.moveaxis(colored, 1, 0).reshape(3, -1))
    np.testing.assert_allclose(covariance, root @ root.T, atol=0.01)


def test_each_means_for_photos_does_what_it_is_there_for():
    """On a fresh network for colours: coarser with `fourier`, less glaring with `colors`, alike at all places with moves."""
    model = Sequential(Conv2d(3, 8, 5, np.random.default_rng(3)), ReLU(), Conv2d(8, 6, 5, np.random.default_rng(4)))

    def images(**settings):
        plain = dict(blur=0, jitter=0, l2=0.5, steps=60, rate=0.02, ground=0.45)
        return maximize_activation(model, range(6), (3, 24, 24), np.random.default_rng(0), **(plain | settings))

    def roughness(x):
        return ((np.diff(x, axis=2) ** 2).mean() + (np.diff(x, axis=3) ** 2).mean()) / x.var()

    def glare(x):
        return (x - x.mean(axis=1, keepdims=True)).std()

    plain = images()
    assert roughness(images(fourier=1)) < 0.7 * roughness(plain)
    assert glare(images(colors=np.full((3, 3), 0.3) + 0.1 * np.eye(3))) < 0.7 * glare(plain)
    assert roughness(images(rotation=15)) < 0.95 * roughness(plain)
    assert roughness(images(scale=0.2)) < 0.95 * roughness(plain)
    assert images(steps=0).min() >= 0.45 and images(steps=0).max() <= 0.55


@pytest.mark.parametrize(("layer", "place"), [("fire5", 2), ("conv10", 4)])
def test_kept_images_are_what_their_maker_finds(layer, place):
    unit = chosen(layer)[place]
    """Up to rounding, which the many steps amplify: other kernels of BLAS, or NumPy 1, leave correlations from 0.85 on."""
    kept, found = exciting_images(layer), climb(layer, unit) / 255
    likeness = {other: np.corrcoef(image.ravel(), found.ravel())[0, 1] for other, image in kept.items()}
    assert likeness[unit] > 0.8
    assert max(likeness, key=lambda other: likeness[other]) == unit  # and no other channel's image is as like


def test_kept_images_are_those_of_channels_at_equal_distances():
    for layer in LAYERS:
        assert list(exciting_images(layer)) == chosen(layer)
    with pytest.raises(ValueError, match="layer must be one of fire2, .*; got 'fire4'"):
        exciting_images("fire4")


def test_kept_images_excite_their_channels_more_than_any_photo():
    for layer in LAYERS:
        front = up_to(layer)
        photos = [front.forward(prepare_photo(photo(name)))[0].mean(axis=(1, 2)) for name in PHOTOS]
        kept = exciting_images(layer)
        found = [front.forward(image[None])[0, unit].mean() for unit, image in kept.items()]
        better = [value > max(one[unit] for one in photos) for unit, value in zip(kept, found, strict=True)]
        assert sum(better) >= 5, layer
