"""Layers against PyTorch's: a whole network forward and backward, and saving without losing anything."""

import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnguide import (
    AvgPool2d,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    MaxPool2d,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    avg_pool2d,
    avg_pool2d_backward,
    conv2d,
    conv2d_backward,
    cross_entropy,
    cross_entropy_backward,
    max_pool2d,
    max_pool2d_backward,
)


def network(dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return Sequential(
        Conv2d(2, 4, 3, rng, padding=1, dtype=dtype), ReLU(), MaxPool2d(2),
        Conv2d(4, 6, (3, 2), rng, stride=(1, 2), groups=2, dtype=dtype), Tanh(), AvgPool2d(2, stride=1),
        Flatten(), Linear(24, 5, rng, dtype=dtype), Sigmoid(), Linear(5, 3, rng, dtype=dtype),
    )  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_whole_network_agrees_with_pytorch(torch, dtype):
    ours = network(dtype)
    nn = torch.nn
    theirs = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 6, (3, 2), stride=(1, 2), groups=2), nn.Tanh(), nn.AvgPool2d(2, stride=1),
        nn.Flatten(), nn.Linear(24, 5), nn.Sigmoid(), nn.Linear(5, 3),
    ).to(torch.float32 if dtype == np.float32 else torch.float64)  # fmt: skip
    with torch.no_grad():
        for parameter, array in zip(theirs.parameters(), ours.parameters(), strict=True):
            parameter.copy_(torch.tensor(array))
    rng = np.random.default_rng(1)
    x, target = rng.standard_normal((7, 2, 10, 12)).astype(dtype), rng.integers(0, 3, 7)
    leaf = torch.tensor(x, requires_grad=True)
    loss = nn.functional.cross_entropy(theirs(leaf), torch.tensor(target))
    loss.backward()
    close = dict(rtol=1e-3, atol=1e-5) if dtype == np.float32 else dict(rtol=1e-9, atol=1e-11)
    logits = ours.forward(x, training=True)
    assert logits.dtype == dtype
    np.testing.assert_allclose(cross_entropy(logits, target), loss.item(), **close)
    np.testing.assert_allclose(ours.backward(cross_entropy_backward(logits, target)), leaf.grad.numpy(), **close)
    for gradient, parameter in zip(ours.gradients(), theirs.parameters(), strict=True):
        assert gradient.dtype == dtype
        np.testing.assert_allclose(gradient, parameter.grad.numpy(), **close)


@given(
    st.integers(0, 4), st.integers(1, 5), st.integers(1, 5), st.integers(0, 99), st.sampled_from([np.float32, np.float64])
)  # fmt: skip
def test_linear_layers_agree_with_pytorch(torch, count, inputs, outputs, seed, dtype):
    rng = np.random.default_rng(seed)
    layer = Linear(inputs, outputs, rng, dtype)
    layer.bias[...] = rng.standard_normal(outputs)
    x, grad = (rng.standard_normal(shape).astype(dtype) for shape in ((inputs, count), (count, outputs)))
    x = x.T  # a view
    leaves = [torch.tensor(array.copy(), requires_grad=True) for array in (x, layer.weight, layer.bias)]
    wanted = torch.nn.functional.linear(*leaves)
    wanted.backward(torch.tensor(grad))
    close = dict(rtol=1e-4, atol=1e-5) if dtype == np.float32 else dict(rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(layer.forward(x), wanted.detach().numpy(), **close)
    dx = layer.backward(grad)
    for ours, leaf in zip((dx, *layer.gradients()), leaves, strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, leaf.grad.numpy(), **close)


def test_layers_hand_their_settings_on():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 4, 11, 12))
    settings = dict(stride=(1, 2), padding=((0, 1), (2, 1)), dilation=(2, 1), groups=2)
    convolution = Conv2d(4, 6, (3, 2), rng, **settings, dtype=np.float64)
    convolution.bias[...] = np.arange(6)
    out = conv2d(x, convolution.weight, convolution.bias, **settings)
    np.testing.assert_array_equal(convolution.forward(x), out)
    dx, *gradients = conv2d_backward(out, x, convolution.weight, **settings)
    np.testing.assert_array_equal(convolution.backward(out), dx)
    for ours, wanted in zip(convolution.gradients(), gradients, strict=True):
        np.testing.assert_array_equal(ours, wanted)
    for layer, pool, backward in (
        (MaxPool2d, max_pool2d, max_pool2d_backward),
        (AvgPool2d, avg_pool2d, avg_pool2d_backward),
    ):
        pooling, arguments = layer((3, 2), (2, 1), (1, 0)), ((3, 2), (2, 1), (1, 0))
        np.testing.assert_array_equal(pooling.forward(x), pool(x, *arguments))
        grad = rng.standard_normal(pool(x, *arguments).shape)
        np.testing.assert_array_equal(pooling.backward(grad), backward(grad, x, *arguments))


def test_the_gradients_of_the_weights_do_not_need_that_of_the_input():
    model, x = network(), np.random.default_rng(1).standard_normal((2, 2, 10, 12))
    grad = np.ones_like(model.forward(x))
    model.backward(grad)
    whole = [gradient.copy() for gradient in model.gradients()]
    model.backward_to_weights(grad)
    for a, b in zip(model.gradients(), whole, strict=True):
        np.testing.assert_array_equal(a, b)
    linear = Sequential(Linear(3, 2, np.random.default_rng(0), np.float64))
    linear.forward(np.ones((1, 3)))
    linear.backward_to_weights(np.ones((1, 2)))
    assert linear.gradients()[0].tolist() == [[1, 1, 1], [1, 1, 1]]


def test_an_object_at_two_places_is_refused():
    """A layer remembers one input: at two places, forward would be right and backward wrong in silence."""
    rng = np.random.default_rng(0)
    relu, linear = ReLU(), Linear(2, 2, rng)
    with pytest.raises(ValueError, match=r"layer 2 \(ReLU\) is the same object as layer 0 \(ReLU\).*make a new one"):
        Sequential(relu, linear, relu)
    with pytest.raises(ValueError, match=r"layer 1 \(Linear\) is the same object as layer 0 \(Linear\)"):
        Sequential(linear, linear)
    inner = Sequential(Sequential(linear), relu)
    with pytest.raises(
        ValueError, match=r"layer 1 \(ReLU\) in layer 1 \(Sequential\) is the same object as layer 0 \(ReLU\)"
    ):
        Sequential(relu, inner)
    with pytest.raises(
        ValueError, match=r"is the same object as layer 0 \(Linear\) in layer 0 \(Sequential\) in layer 0"
    ):
        Sequential(inner, inner)
    Sequential(inner, Sequential(ReLU()), ReLU())
    Sequential(linear, ReLU())  # in another network as well: each forward pass is followed by its own backward


def test_nested_networks_agree_with_flat_ones():
    flat = network()
    nested = Sequential(Sequential(*flat.layers[:3]), *flat.layers[3:6], Sequential(Sequential(*flat.layers[6:])))
    x = np.random.default_rng(1).standard_normal((2, 2, 10, 12))
    out = flat.forward(x)
    dx, gradients = flat.backward(out), [gradient.copy() for gradient in flat.gradients()]
    np.testing.assert_array_equal(nested.forward(x), out)
    np.testing.assert_array_equal(nested.backward(out), dx)
    for ours, wanted in zip(nested.gradients(), gradients, strict=True):
        np.testing.assert_array_equal(ours, wanted)


def test_parameters_are_the_arrays_themselves():
    model = network()
    for array in model.parameters():
        array[...] = 0
    assert model.forward(np.ones((1, 2, 10, 12))).tolist() == [[0, 0, 0]]


def test_dropout_keeps_the_mean_while_training_and_does_nothing_after():
    layer = Dropout(0.3, np.random.default_rng(0))
    x = np.full((400, 500), 2.0, np.float32)
    out = layer.forward(x, training=True)
    assert out.dtype == np.float32
    assert set(np.unique(out)) == {np.float32(0), np.float32(2) / np.float32(0.7)}
    assert abs((out == 0).mean() - 0.3) < 4 * (0.3 * 0.7 / x.size) ** 0.5
    assert abs(out.mean() - 2) < 0.01
    np.testing.assert_array_equal(layer.backward(np.ones_like(x)) == 0, out == 0)
    np.testing.assert_array_equal(layer.forward(x), x)
    np.testing.assert_array_equal(layer.backward(x), x)


@pytest.mark.parametrize("p", [0.0, 0.3, 0.5])
def test_dropout_of_whole_numbers_is_that_of_fractions(p):
    whole = np.arange(24).reshape(4, 6)
    out = Dropout(p, np.random.default_rng(0)).forward(whole, training=True)
    assert out.dtype == np.float64
    np.testing.assert_array_equal(out, Dropout(p, np.random.default_rng(0)).forward(whole.astype(float), training=True))


@pytest.mark.parametrize("name", ["weights.npz", "weights"])
def test_weights_survive_a_file(tmp_path, name):
    model, other = network(seed=0), network(seed=1)
    model.save(tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    other.load(tmp_path / name)
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(a, b)


def assert_refused(path, error, message):
    model = network(seed=1)
    before = [array.copy() for array in model.parameters()]
    with pytest.raises(error, match=message):
        model.load(path)
    for array, old in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(array, old)


def test_a_file_that_does_not_fit_changes_nothing(tmp_path):
    path = tmp_path / "weights.npz"
    network().save(path)
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert_refused(path, ValueError, "weights.npz is no whole file of weights")
    path.write_bytes(b"something else entirely" * 99)
    assert_refused(path, ValueError, "no whole file of weights")
    np.savez(path, a=np.zeros(3))
    assert_refused(path, ValueError, r"holds \['a'\], but this network has 8 parameters")
    arrays = {f"parameter_{n}": a for n, a in enumerate(network().parameters())}
    np.savez(path, **arrays | {"parameter_7": np.zeros(4)})
    assert_refused(
        path, ValueError, r"parameter_7 is float64 of shape \(4,\), but this network needs float64 of shape \(3,\)"
    )
    np.savez(path, **arrays | {"parameter_7": np.array(["a", "b", "c"])})
    assert_refused(path, ValueError, "parameter_7 is <U1")
    np.savez(path, **arrays | {"parameter_7": np.array([{}] * 3)})
    assert_refused(path, ValueError, "no whole file of weights")
    with zipfile.ZipFile(path, "w") as archive:
        for name in arrays:
            archive.writestr(name, "no array")
    assert_refused(path, ValueError, r"parameter_0 is \|S8 of shape \(\)")
    with open(path, "wb") as file:
        np.save(file, np.zeros(3))
    assert_refused(path, ValueError, "no whole file of weights")
    assert_refused(tmp_path / "gone.npz", FileNotFoundError, "gone.npz")


def test_a_damaged_file_is_refused_wherever_the_damage_is(tmp_path):
    """One bit turned, place by place: refused by name, or it stands where nothing depends on it."""
    path = tmp_path / "weights.npz"
    model, other = (Sequential(Linear(2, 1, np.random.default_rng(seed))) for seed in (0, 1))
    model.save(path)
    whole, before, refused = path.read_bytes(), [array.copy() for array in other.parameters()], 0
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        try:
            other.load(path)
        except ValueError as error:
            assert "weights.npz" in str(error)
            wanted, refused = before, refused + 1
        else:
            wanted = model.parameters()
        for array, old, first in zip(other.parameters(), wanted, before, strict=True):
            np.testing.assert_array_equal(array, old)
            array[...] = first
    assert refused > 0.4 * len(whole)


def test_settings_have_the_names_of_the_arguments():
    layer = Conv2d(4, 6, (3, 1), np.random.default_rng(0), stride=2, padding=(1, 0), dilation=(2, 1), groups=2)
    assert (layer.stride, layer.padding, layer.dilation, layer.groups) == (2, (1, 0), (2, 1), 2)
    for pooling in (MaxPool2d(3, 2, 1), AvgPool2d(3, 2, 1)):
        assert (pooling.kernel, pooling.stride, pooling.padding) == (3, 2, 1)


def test_a_mean_is_not_a_maximum():
    assert not isinstance(AvgPool2d(2), MaxPool2d) and not isinstance(MaxPool2d(2), AvgPool2d)


def test_bad_input_is_named_with_its_layer():
    with pytest.raises(ValueError, match=r"layer 0 \(Conv2d\): x .* has 3 channels"):
        network().forward(np.zeros((1, 3, 10, 12)))
    with pytest.raises(ValueError, match=r"layer 7 \(Linear\): x must be \(N, 24\)"):
        network().forward(np.zeros((1, 2, 12, 12)))
    with pytest.raises(RuntimeError, match="Conv2d has no gradients yet"):
        network().gradients()
    with pytest.raises(ValueError, match="groups 2 must divide in_channels 3"):
        Conv2d(3, 4, 3, np.random.default_rng(0), groups=2)
    with pytest.raises(ValueError, match="p must be at least 0 and below 1, got 1"):
        Dropout(1, np.random.default_rng(0))
    with pytest.raises(TypeError, match=r"rng must be a generator such as .*default_rng\(0\), got 0 \(int\)"):
        Dropout(0.5, 0)
    with pytest.raises(TypeError, match=r"layer 0 must be a layer such as ReLU\(\), got \[<cnnguide"):
        Sequential([ReLU(), ReLU()])
    with pytest.raises(TypeError, match=r"layer 1 must be a layer such as ReLU\(\), got <class"):
        Sequential(ReLU(), Tanh)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (dict(out_channels=4, groups=3), ValueError, "groups 3 must divide in_channels 3 and out_channels 4"),
        (dict(kernel=0), ValueError, "kernel must be at least 1, got 0"),
        (dict(stride=-1), ValueError, "stride must be at least 1, got -1"),
        (dict(dilation=0), ValueError, "dilation must be at least 1, got 0"),
        (dict(padding="sam"), ValueError, '"same" or "valid"; got \'sam\''),
        (dict(padding="same", stride=2), ValueError, "keeps the size, which stride"),
        (dict(padding=-1), ValueError, "padding must be at least 0, got -1"),
        (dict(dtype=np.float16), TypeError, "dtype must be float32 or float64, got float16"),
        (dict(rng=None), TypeError, "rng must be a generator"),
    ],
)
def test_a_convolution_that_fits_no_image_is_refused_when_it_is_made(settings, error, message):
    with pytest.raises(error, match=message):
        Conv2d(**dict(in_channels=3, out_channels=6, kernel=3, rng=np.random.default_rng(0)) | settings)


@pytest.mark.parametrize("layer", [MaxPool2d, AvgPool2d])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0,), ValueError, "kernel must be at least 1, got 0"),
        ((2, 0), ValueError, "stride must be at least 1, got 0"),
        ((2, 2, 2), ValueError, "padding 2 is more than half of kernel 2"),
        ((2.5,), TypeError, "kernel must be a whole number, got 2.5"),
    ],
)
def test_a_pooling_that_fits_no_image_is_refused_when_it_is_made(layer, arguments, error, message):
    with pytest.raises(error, match=message):
        layer(*arguments)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 3), st.integers(1, 3), st.sampled_from([1, 2]))
def test_settings_that_fit_some_image_are_not_refused(kernel, stride, padding, dilation, groups):
    layer = Conv2d(2, 2, kernel, np.random.default_rng(0), stride, padding, dilation, groups)
    assert layer.forward(np.zeros((1, 2, 12, 12), np.float32)).ndim == 4
    for pooling in (MaxPool2d(kernel, stride, padding % (kernel // 2 + 1)), AvgPool2d((kernel, 1), stride)):
        assert pooling.forward(np.zeros((1, 2, 12, 12))).ndim == 4


def every_kind(rng):
    return [
        Conv2d(1, 1, 1, rng), Linear(2, 2, rng), MaxPool2d(1), AvgPool2d(1), ReLU(), Tanh(), Sigmoid(), Flatten(),
        Dropout(0.5, rng),
    ]  # fmt: skip


def test_backward_before_forward_says_what_is_missing():
    rng = np.random.default_rng(0)
    for layer in every_kind(rng):
        with pytest.raises(RuntimeError, match=f"{type(layer).__name__} has met no input yet: call forward, then"):
            layer.backward(np.ones((2, 2)))
    with pytest.raises(RuntimeError, match="Conv2d has met no input yet"):
        Sequential(Conv2d(1, 1, 1, rng)).backward_to_weights(np.ones((1, 1, 1, 1)))


@pytest.mark.parametrize("backward", [Sequential.backward, Sequential.backward_to_weights])
def test_a_gradient_that_does_not_fit_is_named_with_its_layer(backward):
    model = network()
    model.forward(np.ones((2, 2, 10, 12)))
    with pytest.raises(
        ValueError, match=r"^layer 9 \(Linear\): grad must have the shape of the output, \(2, 3\); got \(3,\)"
    ):
        backward(model, np.ones(3))
    for layer in (Flatten(), Dropout(0.5, np.random.default_rng(0))):
        for training in (False, True):
            layer.forward(np.ones((2, 6)), training)
            with pytest.raises(ValueError, match=r"grad must have the shape of the output, \(2, 6\); got \(6, 2\)"):
                layer.backward(np.ones((6, 2)))
    with pytest.raises(TypeError, match=r"layer 0 \(Linear\): grad must hold real numbers, got complex128"):
        part = Sequential(Linear(2, 1, np.random.default_rng(0)))
        part.forward(np.ones((1, 2)))
        backward(part, np.full((1, 1), 1j))


def test_what_numpy_cannot_compute_is_named_with_its_layer():
    """NumPy raises kinds of errors of its own, which cannot be made from a text."""
    with pytest.raises(TypeError, match=r"^layer 0 \(Sequential\): layer 0 \(Linear\): ") as met:
        Sequential(Sequential(Linear(2, 2, np.random.default_rng(0)))).forward(np.array([["a", "b"]]))
    assert type(met.value) is TypeError


def test_lists_are_taken_as_arrays():
    rng = np.random.default_rng(0)
    linear, flatten, dropout = Linear(2, 1, rng, np.float64), Flatten(), Dropout(0.5, rng)
    assert linear.forward([[1.0, 2.0]]).shape == (1, 1)
    assert linear.backward([[1.0]]).tolist() == linear.weight.tolist()
    assert linear.gradients()[0].tolist() == [[1.0, 2.0]]
    assert flatten.forward([[[1.0], [2.0]]]).tolist() == [[1.0, 2.0]]
    assert flatten.backward([[3.0, 4.0]]).tolist() == [[[3.0], [4.0]]]
    assert dropout.forward([1.0, 2.0]).tolist() == [1.0, 2.0]
