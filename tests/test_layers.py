"""Layers against PyTorch's: a whole network forward and backward, and saving without losing anything."""

import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnguide import (
    AvgPool2d,
    BatchNorm2d,
    Branches,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Linear,
    MaxPool2d,
    ReLU,
    Residual,
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
        assert_refused(path, ValueError, "weights.npz is not a whole file of weights")
    path.write_bytes(b"something else entirely" * 99)
    assert_refused(path, ValueError, "not a whole file of weights")
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
    assert_refused(path, ValueError, "not a whole file of weights")
    with zipfile.ZipFile(path, "w") as archive:
        for name in arrays:
            archive.writestr(name, "no array")
    assert_refused(path, ValueError, r"parameter_0 is \|S8 of shape \(\)")
    with open(path, "wb") as file:
        np.save(file, np.zeros(3))
    assert_refused(path, ValueError, "not a whole file of weights")
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
        assert (pooling.kernel, pooling.stride, pooling.padding, pooling.ceil_mode) == (3, 2, 1, False)
    assert MaxPool2d(3, dilation=2).dilation == 2 and not AvgPool2d(3, count_include_pad=False).count_include_pad


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
        Dropout(0.5, rng), GlobalAvgPool2d(), BatchNorm2d(2), Branches(ReLU()), Residual(ReLU()),
    ]  # fmt: skip


def test_backward_before_forward_says_what_is_missing():
    rng = np.random.default_rng(0)
    for layer in every_kind(rng):
        with pytest.raises(RuntimeError, match=f"{type(layer).__name__} has seen no input yet: call forward, then"):
            layer.backward(np.ones((2, 2)))
    with pytest.raises(RuntimeError, match="Conv2d has seen no input yet"):
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


def branching(dtype=np.float64, seed=0):
    """A fire module, a projection shortcut and an identity shortcut, with normalisation, down to class scores."""
    rng = np.random.default_rng(seed)

    def conv(*arguments, **settings):
        return Conv2d(*arguments, rng=rng, dtype=dtype, **settings)

    def norm(channels):
        layer = BatchNorm2d(channels, dtype=dtype)
        layer.weight[...] = rng.uniform(0.5, 2, channels)
        layer.bias[...] = rng.standard_normal(channels)
        return layer

    return Sequential(
        conv(2, 3, 1), ReLU(),
        Branches(Sequential(conv(3, 4, 1), ReLU()), Sequential(conv(3, 2, 3, padding=1), norm(2), Tanh())),
        Residual(Sequential(conv(6, 4, 3, stride=2, padding=1), norm(4)), conv(6, 4, 1, stride=2)), ReLU(),
        Residual(Sequential(conv(4, 4, 3, padding=1), norm(4))),
        Branches(Sequential(), conv(4, 1, 1)),
        GlobalAvgPool2d(), Flatten(),
    )  # fmt: skip


def their_branching(torch, dtype):
    nn = torch.nn

    class Joined(nn.ModuleList):
        def forward(self, x):
            return torch.cat([branch(x) for branch in self], dim=1)

    class Added(nn.ModuleList):
        def forward(self, x):
            return sum(way(x) for way in self)

    return nn.Sequential(
        nn.Conv2d(2, 3, 1), nn.ReLU(),
        Joined([
            nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU()),
            nn.Sequential(nn.Conv2d(3, 2, 3, padding=1), nn.BatchNorm2d(2), nn.Tanh()),
        ]),
        Added([
            nn.Sequential(nn.Conv2d(6, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4)), nn.Conv2d(6, 4, 1, stride=2),
        ]), nn.ReLU(),
        Added([nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)), nn.Identity()]),
        Joined([nn.Identity(), nn.Conv2d(4, 1, 1)]),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    ).to(dtype)  # fmt: skip


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_branches_shortcuts_and_normalisation_agree_with_pytorch(torch, dtype, training):
    ours, theirs = branching(dtype), their_branching(torch, getattr(torch, np.dtype(dtype).name))
    with torch.no_grad():
        for parameter, array in zip(theirs.parameters(), ours.parameters(), strict=True):
            parameter.copy_(torch.tensor(array))
    rng = np.random.default_rng(1)
    close = dict(rtol=1e-3, atol=1e-4) if dtype == np.float32 else dict(rtol=1e-9, atol=1e-11)
    for mode in (True, training):  # one step in training first, so that the running statistics are not the initial ones
        theirs.train(mode)
        theirs.zero_grad()
        x = rng.standard_normal((5, 2, 7, 8)).astype(dtype)
        leaf = torch.tensor(x, requires_grad=True)
        wanted = theirs(leaf)
        out = ours.forward(x, training=mode)
        grad = rng.standard_normal(out.shape).astype(dtype)
        wanted.backward(torch.tensor(grad))
        assert out.dtype == dtype
        np.testing.assert_allclose(out, wanted.detach().numpy(), **close)
        np.testing.assert_allclose(ours.backward(grad), leaf.grad.numpy(), **close)
        for gradient, parameter in zip(ours.gradients(), theirs.parameters(), strict=True):
            assert gradient.dtype == dtype
            np.testing.assert_allclose(gradient, parameter.grad.numpy(), **close)
        buffers = [buffer for buffer in theirs.buffers() if buffer.ndim]
        for buffer, running in zip(ours.buffers(), buffers, strict=True):
            np.testing.assert_allclose(buffer, running.numpy(), **close)


def test_gradients_of_a_branching_network_are_slopes():
    model, rng = branching(), np.random.default_rng(1)
    x = rng.standard_normal((3, 2, 4, 4))
    grad = rng.standard_normal(model.forward(x, training=True).shape)
    dx = model.backward(grad)
    gradients = [gradient.copy() for gradient in model.gradients()]

    def slope(array, index):
        value, sums = array[index], []
        for step in (1e-6, -1e-6):
            array[index] = value + step
            sums.append((model.forward(x, training=True) * grad).sum())
        array[index] = value
        return (sums[0] - sums[1]) / 2e-6

    for array, gradient in zip([x, *model.parameters()], [dx, *gradients], strict=True):
        for flat in rng.choice(array.size, min(array.size, 6), replace=False):
            index = np.unravel_index(flat, array.shape)
            assert gradient[index] == pytest.approx(slope(array, index), rel=1e-5, abs=1e-6)


@given(
    st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4)),
    st.booleans(), st.booleans(), st.sampled_from([0.0, 0.1, 0.7, 1.0]), st.sampled_from([1e-5, 1e-2]),
    st.sampled_from([np.float32, np.float64]), st.integers(0, 99),
)  # fmt: skip
def test_batch_normalisation_agrees_with_pytorch(torch, shape, training, affine, momentum, eps, dtype, seed):
    count, channels, height, width = shape
    if training and count * height * width < 2:
        count = 2
    rng = np.random.default_rng(seed)
    ours = BatchNorm2d(channels, eps, momentum, affine, dtype)
    theirs = torch.nn.BatchNorm2d(channels, eps, momentum, affine, dtype=getattr(torch, np.dtype(dtype).name))
    theirs.train(training)
    with torch.no_grad():
        for array, parameter in zip(ours.parameters(), theirs.parameters(), strict=True):
            array[...] = rng.standard_normal(channels)
            parameter.copy_(torch.tensor(array))
        for array, buffer in zip(ours.buffers(), (theirs.running_mean, theirs.running_var), strict=True):
            array[...] = rng.uniform(0.5, 2, channels)
            buffer.copy_(torch.tensor(array))
    x, grad = (3 * rng.standard_normal((2, count, channels, height, width)) + 1).astype(dtype)
    leaf = torch.tensor(x, requires_grad=True)
    wanted = theirs(leaf)
    wanted.backward(torch.tensor(grad))
    close = dict(rtol=1e-3, atol=2e-3) if dtype == np.float32 else dict(rtol=1e-8, atol=1e-8)
    out = ours.forward(x, training)
    dx = ours.backward(grad)
    assert out.dtype == dx.dtype == dtype
    np.testing.assert_allclose(out, wanted.detach().numpy(), **close)
    for gradient, leaf_ in zip([dx, *ours.gradients()], [leaf, *theirs.parameters()], strict=True):
        # Where the values of a channel lie close together, its scale and with it the rounding are large.
        scale = max(1, float(np.abs(ours._scale).max()))
        np.testing.assert_allclose(gradient, leaf_.grad.numpy(), rtol=close["rtol"], atol=close["atol"] * scale)
    for array, buffer in zip(ours.buffers(), (theirs.running_mean, theirs.running_var), strict=True):
        np.testing.assert_allclose(array, buffer.numpy(), **close)


def test_batch_normalisation_does_not_lose_the_variance_to_a_large_mean():
    """In float32, the mean of the squares less the square of the mean would be noise here."""
    x = (10_000 + np.random.default_rng(0).standard_normal((64, 1, 32, 32))).astype(np.float32)
    out = BatchNorm2d(1, eps=0).forward(x, training=True)
    exact = (x.astype(np.float64) - x.mean(dtype=np.float64)) / x.std(dtype=np.float64)
    np.testing.assert_allclose(out, exact, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.uint8, np.int64])
def test_new_layers_compute_other_numbers_in_float64(dtype):
    x = np.random.default_rng(0).integers(0, 200, (3, 2, 4, 4)).astype(dtype)
    for make in (
        GlobalAvgPool2d,
        lambda: BatchNorm2d(2),
        lambda: Branches(Sequential(), ReLU()),
        lambda: Residual(ReLU()),
    ):
        ours, wanted = make(), make()
        out = ours.forward(x, training=True)
        assert out.dtype == np.float64
        np.testing.assert_array_equal(out, wanted.forward(x.astype(np.float64), training=True))
        np.testing.assert_array_equal(ours.backward(out), wanted.backward(out))


def test_running_statistics_survive_a_file(tmp_path):
    model, other = branching(seed=0), branching(seed=1)
    x = np.random.default_rng(2).standard_normal((4, 2, 7, 8))
    for _ in range(3):
        model.forward(x, training=True)
    model.save(tmp_path / "weights.npz")
    other.load(tmp_path / "weights.npz")
    np.testing.assert_array_equal(other.forward(x), model.forward(x))
    assert len(model.buffers()) == 6 and not np.array_equal(model.buffers()[0], branching().buffers()[0])
    arrays = {f"parameter_{place}": array for place, array in enumerate(model.parameters())}
    np.savez(tmp_path / "without.npz", **arrays)
    before = other.forward(x)
    with pytest.raises(ValueError, match=r"this network has 20 parameters and 6 buffers"):
        other.load(tmp_path / "without.npz")
    np.testing.assert_array_equal(other.forward(x), before)


def test_layers_inside_branches_and_shortcuts_have_names():
    model = Sequential(*branching().layers[:2], Sequential(*branching().layers[2:]))
    x = np.random.default_rng(0).standard_normal((2, 2, 7, 8))
    walked = x
    for _, layer in model.named_layers():  # each takes what the one before it gives
        walked = layer.forward(walked)
    np.testing.assert_array_equal(walked, model.forward(x))
    assert [name for name, _ in model.named_layers()][2:4] == [
        "layer 0 (Branches) in layer 2 (Sequential)", "layer 1 (Residual) in layer 2 (Sequential)"
    ]  # fmt: skip
    with pytest.raises(
        ValueError, match=r"^layer 0 \(Branches\): branch 1 \(Sequential\): layer 0 \(Conv2d\): x .* has 2 ch"
    ):
        Sequential(Branches(ReLU(), Sequential(Conv2d(3, 1, 1, np.random.default_rng(0))))).forward(x)
    relu = ReLU()
    for network in (
        lambda: Branches(relu, relu),
        lambda: Residual(relu, relu),
        lambda: Sequential(Residual(relu), relu),
    ):
        with pytest.raises(ValueError, match="is the same object as"):
            network()


def test_what_does_not_fit_together_is_refused_by_branches_and_shortcuts():
    rng, x = np.random.default_rng(0), np.zeros((2, 3, 6, 6), np.float32)
    with pytest.raises(ValueError, match="at least one branch"):
        Branches()
    with pytest.raises(
        TypeError, match=r"branch 0 must be a layer such as ReLU\(\), got \[.*Branches\(first, second\)"
    ):
        Branches([ReLU()])
    with pytest.raises(TypeError, match="shortcut must be a layer"):
        Residual(ReLU(), ReLU)
    with pytest.raises(ValueError, match=r"differ in channels only, got .*\(2, 3, 6, 6\), \(2, 3, 3, 3\)"):
        Branches(ReLU(), MaxPool2d(2)).forward(x)
    with pytest.raises(ValueError, match=r"branch 1 \(Conv2d\): x .* has 3 channels"):
        Branches(ReLU(), Conv2d(4, 1, 1, rng)).forward(x)
    with pytest.raises(
        ValueError, match=r"the body gives shape \(2, 4, 6, 6\) and .* \(2, 3, 6, 6\); use a shortcut such as"
    ):
        Residual(Conv2d(3, 4, 1, rng)).forward(x)
    for layer in (Branches(ReLU(), Tanh()), Residual(ReLU())):
        layer.forward(x)
        with pytest.raises(ValueError, match="grad must have the shape of the output"):
            layer.backward(np.zeros((2, 5, 6, 6)))


def test_batch_normalisation_refuses_what_has_no_variance_or_other_channels():
    with pytest.raises(ValueError, match="at least two values per channel"):
        BatchNorm2d(3).forward(np.ones((1, 3, 1, 1)), training=True)
    assert BatchNorm2d(3).forward(np.ones((1, 3, 1, 1))).shape == (1, 3, 1, 1)
    with pytest.raises(ValueError, match=r"x must be \(N, 3, H, W\) for this layer, got shape \(2, 2, 4, 4\)"):
        BatchNorm2d(3).forward(np.ones((2, 2, 4, 4)))
    with pytest.raises(ValueError, match="momentum must be from 0 to 1, got 1.5"):
        BatchNorm2d(3, momentum=1.5)
    with pytest.raises(ValueError, match="eps must be at least 0"):
        BatchNorm2d(3, eps=-1)
    with pytest.raises(TypeError, match="dtype must be float32 or float64"):
        BatchNorm2d(3, dtype=np.float16)
