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
