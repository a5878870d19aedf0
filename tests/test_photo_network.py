"""SqueezeNet in the package: its numbers against PyTorch with the same weights, and against answers known from elsewhere."""

import numpy as np
import pytest

from cnnguide import (
    PHOTO_CLASSES,
    PHOTO_LAYERS,
    PHOTOS,
    Conv2d,
    MaxPool2d,
    Sequential,
    classify,
    network,
    photo,
    photo_network,
    prepare_photo,
    resize,
    softmax,
    trace,
)
from cnnguide.layers import Branches
from cnnguide.photo_network import WEIGHTS, weight_names


@pytest.fixture(scope="module")
def model():
    return photo_network()


@pytest.fixture(scope="module")
def twin(torch):
    """The same network in PyTorch, fed as its weights were trained: bytes of blue, green and red, less the mean colour."""
    nn = torch.nn

    class Fire(nn.Module):
        def __init__(self, channels, squeezed, expanded):
            super().__init__()
            self.squeeze1x1 = nn.Conv2d(channels, squeezed, 1)
            self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
            self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

        def forward(self, x):
            x = self.squeeze1x1(x).relu()
            return torch.cat([self.expand1x1(x), self.expand3x3(x)], dim=1).relu()

    class SqueezeNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 64, 3, stride=2)
            self.fire2, self.fire3 = Fire(64, 16, 64), Fire(128, 16, 64)
            self.fire4, self.fire5 = Fire(128, 32, 128), Fire(256, 32, 128)
            self.fire6, self.fire7 = Fire(256, 48, 192), Fire(384, 48, 192)
            self.fire8, self.fire9 = Fire(384, 64, 256), Fire(512, 64, 256)
            self.conv10 = nn.Conv2d(512, 1000, 1)

        def forward(self, rgb):
            bgr = rgb.flip(1) * 255 - torch.tensor([104.00699, 116.66877, 122.67892])[:, None, None]
            pool = nn.MaxPool2d(3, 2, ceil_mode=True)
            x = pool(self.conv1(bgr).relu())
            x = pool(self.fire3(self.fire2(x)))
            x = pool(self.fire5(self.fire4(x)))
            x = self.fire9(self.fire8(self.fire7(self.fire6(x))))
            return self.conv10(x).relu().mean(dim=(2, 3))

    twin = SqueezeNet()
    with np.load(WEIGHTS) as file:
        state = {name.replace("/", "."): torch.tensor(file[name].astype(np.float32)) for name in file.files}
    twin.load_state_dict(state)
    return twin


# 227 is the size of the authors' crops, where two poolings hang over the border; the last is not square.
@pytest.mark.parametrize("size", [(224, 224), (227, 227), (64, 97)])
def test_scores_and_gradients_are_those_of_pytorch(torch, model, twin, size):
    x = np.stack([resize(photo(name), size) for name in ("cat", "rocket")])
    wanted = torch.tensor(x, requires_grad=True)
    scores = twin(wanted)
    ours = model.forward(x)
    scale = float(scores.detach().abs().max())
    np.testing.assert_allclose(ours, scores.detach().numpy(), rtol=0, atol=1e-3 * scale)
    grad = np.random.default_rng(0).standard_normal(ours.shape).astype(np.float32)
    scores.backward(torch.tensor(grad))
    dx = model.backward(grad)
    assert dx.dtype == ours.dtype == np.float32
    assert share_of_differences(dx, wanted.grad.numpy()) < 1e-3
    dweight = model.gradients()[list(weight_names()).index("fire5/expand3x3/weight")]
    assert share_of_differences(dweight, twin.fire5.expand3x3.weight.grad.numpy()) < 1e-3
    twin.zero_grad()


def share_of_differences(ours, theirs):
    """How many entries differ by more than 1e-3 of the scale.

    A few may: where two pixels of a pooling are equal up to rounding, or what comes to a ReLU is zero up to rounding,
    the two sides may decide differently, and the gradient jumps.
    """
    assert ours.shape == theirs.shape
    return (abs(ours - theirs) > 1e-3 * abs(theirs).max()).mean()


# Computed with PyTorch before this module was written: scikit-image's photos, the square in their middle, its resize.
KNOWN = {
    "coffee": {967: 0.984, 925: 0.015, 809: 0.000},
    "chelsea": {285: 0.585, 281: 0.234, 282: 0.170, 293: 0.006, 287: 0.005},
    "astronaut": {422: 0.212, 402: 0.081, 542: 0.077},
    "rocket": {540: 0.232, 733: 0.225, 557: 0.123},
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_answers(model, name):
    from skimage import data, transform

    image = getattr(data, name)()
    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    square = transform.resize(image[top : top + side, left : left + side] / 255, (224, 224), anti_aliasing=True)
    probabilities = softmax(model.forward(np.moveaxis(square, 2, 0)[None].astype(np.float32)))[0]
    best = np.argsort(-probabilities)[: len(KNOWN[name])]
    assert best.tolist() == list(KNOWN[name])
    np.testing.assert_allclose(probabilities[best], list(KNOWN[name].values()), atol=1e-3)


@pytest.mark.parametrize("name", PHOTOS)
def test_the_shipped_photos_get_the_known_answers(name):
    """As above, but for what rounding to bytes changes: up to two hundredths where the network is unsure."""
    known = list(KNOWN[PHOTOS[name]].items())
    guesses = classify(photo(name), top=2)
    for guess, (place, probability) in zip(guesses, known, strict=False):
        assert guess.name == PHOTO_CLASSES[place]
        assert guess.probability == pytest.approx(probability, abs=0.02)


def test_the_known_classes_have_their_names():
    """Of ImageNet's list, the wrong end of which would be noticed here."""
    assert len(PHOTO_CLASSES) == 1000
    names = {0: "tench", 281: "tabby", 285: "Egyptian cat", 340: "zebra", 967: "espresso", 999: "toilet tissue"}
    assert {place: PHOTO_CLASSES[place] for place in names} == names


def parts(layer):
    """A layer as the list of the layers that it consists of, one after the other; branches stay together."""
    return [part for inner in layer.layers for part in parts(inner)] if isinstance(layer, Sequential) else [layer]


def test_the_published_list_is_the_model_that_runs(model):
    """Each row's size, channels, parameters and multiplications, measured in the model."""
    known, x = network("squeezenet_1_1"), np.zeros((1, 3, 227, 227), np.float32)
    rows = iter(known.rows(227)[1:])
    parameters = macs = 0
    for layer in parts(model):
        x = layer.forward(x)
        if not isinstance(layer, Conv2d | Branches | MaxPool2d):
            continue
        row = next(rows)
        assert (row.channels, row.size, row.size) == x.shape[1:], row.name
        assert row.parameters == sum(array.size for array in layer.parameters()), row.name
        kernels = [array for array in layer.parameters() if array.ndim == 4]
        assert row.macs == sum(kernel.size for kernel in kernels) * x.shape[2] * x.shape[3], row.name
        parameters, macs = parameters + row.parameters, macs + row.macs
    assert next(rows, None) is None
    assert parameters == known.parameters == 1_235_496
    assert sum(row.macs for row in known.rows()) == known.macs


def test_the_published_receptive_field_is_what_a_value_sees(model):
    """The pixels that a value of fire9 has a gradient for are those of its receptive field, and none outside."""
    known = network("squeezenet_1_1")
    last = next(row for row in known.rows(320) if row.name == "fire9 expand")
    front = Sequential(*photo_network(rng=np.random.default_rng(0)).layers[: PHOTO_LAYERS["fire9"] + 1])
    for array in front.parameters():  # positive everywhere, so that no ReLU hides a pixel; poolings show one of nine
        array[...] = abs(array)
    rng, seen = np.random.default_rng(0), np.zeros((320, 320), bool)
    middle = last.size // 2
    for _ in range(20):
        out = front.forward(rng.random((1, 3, 320, 320), np.float32))
        grad = np.zeros_like(out)
        grad[:, :, middle, middle] = 1
        seen |= (front.backward(grad)[0] != 0).any(axis=0)
    (rows, columns), first = seen.nonzero(), last.start + middle * last.jump - (last.receptive_field - 1) / 2
    for axis in (rows, columns):
        assert axis.min() >= first and axis.max() <= first + last.receptive_field - 1
        assert axis.max() - axis.min() + 1 >= 0.9 * last.receptive_field


def test_trace_of_the_published_list_has_the_names_of_the_layers():
    names = {line.name.split()[0] for line in trace(network("squeezenet_1_1").chain, 224)[1:]}
    assert names <= set(PHOTO_LAYERS)


def test_layers_are_where_their_names_say(model):
    assert len(PHOTO_LAYERS) == len(model.layers)
    x = prepare_photo(photo("cat"))
    for name, channels in (("conv1", 64), ("fire2", 128), ("fire5", 256), ("fire9", 512), ("conv10", 1000)):
        part = Sequential(*model.layers[: PHOTO_LAYERS[name] + 1])
        assert part.forward(x).shape[1] == channels


def test_a_fresh_network_is_drawn_from_the_generator():
    one, two, other = (photo_network(trained=False, rng=np.random.default_rng(seed)) for seed in (0, 0, 1))
    x = prepare_photo(photo("coffee"))
    assert (one.forward(x) == two.forward(x)).all() and (one.forward(x) != other.forward(x)).any()


def test_a_photo_is_cut_to_the_square_in_its_middle():
    image = np.zeros((3, 100, 301), np.float32)
    image[:, :, 100:200] = 1
    prepared = prepare_photo(image)
    assert prepared.shape == (1, 3, 224, 224) and prepared.dtype == np.float32
    np.testing.assert_allclose(prepared, 1, atol=1e-6)
    assert (prepare_photo(photo("cat")) == photo("cat")).all()
    tall = prepare_photo(np.moveaxis(image, 1, 2))
    np.testing.assert_allclose(tall, prepared)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"image must be \(3, H, W\) with at least one pixel, got shape \(224, 224\)"):
        classify(np.zeros((224, 224)))
    with pytest.raises(TypeError, match="image must hold floats from 0 to 1, got uint8; divide bytes by 255"):
        prepare_photo(np.zeros((3, 4, 4), np.uint8))
    with pytest.raises(ValueError, match="top must be from 1 to 1000, got 1001"):
        classify(photo("cat"), top=1001)
    with pytest.raises(ValueError, match="top must be at least 1, got 0"):
        classify(photo("cat"), top=0)
    with pytest.raises(ValueError, match="layer 8 .*kernel 3.*size"):
        photo_network().forward(np.zeros((1, 3, 16, 16), np.float32))
