"""Inputs that excite a unit most: exact where it can be computed, letters where a network has learned letters."""

import numpy as np
import pytest

from cnnguide import (
    Conv2d,
    Flatten,
    Linear,
    ReLU,
    Sequential,
    draw_letters,
    maximize_activation,
    softmax,
    train_letters_network,
)


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
