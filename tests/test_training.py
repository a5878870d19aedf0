"""The training loop: step for step with PyTorch, early stopping, interruption, and divergence that is named."""

import math
import re
import signal

import numpy as np
import pytest

from cnnguide import SGD, Adam, DivergedError, Linear, ReLU, Sequential, accuracy, fit


def blobs(count=120, classes=3, seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    target = rng.integers(0, classes, count)
    centres = 4 * np.eye(classes, 2 * classes)
    return (centres[target] + rng.standard_normal((count, 2 * classes))).astype(dtype), target


def network(seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    return Sequential(Linear(6, 16, rng, dtype), ReLU(), Linear(16, 3, rng, dtype))


def quiet(model, data, optimizer, epochs=3, batch_size=32, seed=0, **more):
    return fit(model, data, optimizer, epochs, batch_size, np.random.default_rng(seed), progress=False, **more)


def test_it_learns():
    model = network()
    history = quiet(model, blobs(), Adam(lr=0.02), epochs=10)
    assert accuracy(model, blobs(seed=1)) > 0.95
    assert np.mean(history.losses[-4:]) < 0.3 * np.mean(history.losses[:4])
    assert (history.epochs, history.stopped) == (10, "")


@pytest.mark.parametrize(("count", "batch_size"), [(120, 32), (120, 40), (120, 500), (1, 1)])
def test_an_epoch_takes_one_step_per_mini_batch(count, batch_size):
    history = quiet(network(), blobs(count), SGD(lr=0.1), epochs=2, batch_size=batch_size)
    assert len(history.losses) == 2 * math.ceil(count / batch_size)


def test_the_same_seed_gives_the_same_weights_and_touches_no_global_state():
    before = np.random.get_state()[1].tolist()
    first, second = network(), network()
    quiet(first, blobs(), SGD(lr=0.1), seed=5)
    quiet(second, blobs(), SGD(lr=0.1), seed=5)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.random.get_state()[1].tolist() == before


def test_it_is_the_loop_of_pytorch(torch):
    model, (x, target) = network(dtype=np.float64), blobs(dtype=np.float64)
    nn = torch.nn
    theirs = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3)).double()
    with torch.no_grad():
        for parameter, array in zip(theirs.parameters(), model.parameters(), strict=True):
            parameter.copy_(torch.tensor(array))
    history = quiet(model, (x, target), SGD(lr=0.1, momentum=0.9), seed=3)
    optimizer, rng, losses = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9), np.random.default_rng(3), []
    for _ in range(3):
        order = rng.permutation(len(x))
        for start in range(0, len(x), 32):
            chosen = order[start : start + 32]
            loss = nn.functional.cross_entropy(theirs(torch.tensor(x[chosen])), torch.tensor(target[chosen]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    np.testing.assert_allclose(history.losses, losses, rtol=1e-8)


def test_early_stopping_puts_the_best_weights_back():
    rng = np.random.default_rng(0)
    validation = blobs(60, seed=9)
    noise = (
        rng.standard_normal((40, 6)).astype(np.float32),
        rng.integers(0, 3, 40),
    )  # nothing to learn, only to overfit
    model = network()
    history = quiet(model, noise, Adam(lr=0.1), epochs=200, validation=validation, patience=3)
    assert history.stopped == "early stop"
    assert history.epochs == len(history.validation_accuracy) < 200
    best = history.validation_accuracy.index(max(history.validation_accuracy))
    assert history.epochs == best + 1 + 3
    assert accuracy(model, validation) == max(history.validation_accuracy)


class Interrupting(SGD):
    def step(self, parameters, gradients):
        super().step(parameters, gradients)
        if self.steps == 5:
            signal.raise_signal(signal.SIGINT)  # what Ctrl-C sends


@pytest.fixture
def heeding_ctrl_c():
    """Python as a user starts it: a shell that starts tests in the background has told them to ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeding_ctrl_c")
def test_ctrl_c_returns_what_was_learned():
    model = network()
    history = quiet(model, blobs(), Interrupting(lr=0.1), epochs=10, batch_size=24)
    assert (len(history.losses), history.stopped) == (5, "interrupted")
    one_epoch = network()
    assert quiet(one_epoch, blobs(), SGD(lr=0.1), epochs=1, batch_size=24).losses == history.losses
    for a, b in zip(model.parameters(), one_epoch.parameters(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert accuracy(model, blobs()) > accuracy(network(), blobs())


def test_divergence_is_named_the_moment_it_happens():
    with pytest.raises(DivergedError, match=r"at step \d+ the .* of layer \d \(Linear\) .* learning rate 1e\+30"):
        quiet(network(), blobs(), SGD(lr=1e30))
    rng = np.random.default_rng(0)
    for spoiled, what in (
        ((np.inf, 1), r"weights of layer 0 \(Linear\) are"),
        ((1, np.nan), r"weights of layer 2 \(Linear\) are"),
        ((1e38, 1), r"output of layer 0 \(Linear\) is"),
        ((1e20, 1e20), r"output of layer 2 \(Linear\) is"),
    ):
        model = Sequential(Linear(6, 16, rng), ReLU(), Linear(16, 3, rng))
        for layer, factor in zip((model.layers[0], model.layers[2]), spoiled, strict=True):
            layer.weight *= np.float32(factor)
        with pytest.raises(
            DivergedError, match=rf"^at step 1 the {what} no longer finite, with learning rate 0.25; try"
        ):
            quiet(model, blobs(), SGD(lr=0.25))
    x, target = blobs()
    x[7] = np.nan
    with pytest.raises(DivergedError, match="at step 1 the loss is no longer finite, .* is the input?"):
        quiet(network(), (x, target), SGD(lr=0.1), batch_size=200)


def test_progress_is_one_line_on_the_error_stream(capsys):
    fit(network(), blobs(), SGD(lr=0.1), 2, 32, np.random.default_rng(0), validation=blobs(seed=1))
    said = capsys.readouterr()
    assert said.out == ""
    assert "\n" not in said.err.rstrip("\n")
    first, *_, last = said.err.strip().split("\r")
    assert re.match(r"\[##\.{18}\] epoch 0 of 2, step 1 of 8, loss \d+\.\d{4}$", first)
    assert re.match(r"\[#{20}\] epoch 2 of 2, step 8 of 8, loss \d+\.\d{4}, validation \d+\.\d%$", last)


def test_bad_input_is_named():
    x, target = blobs()
    with pytest.raises(ValueError, match=r"got 120 examples and targets of shape \(119,\)"):
        quiet(network(), (x, target[1:]), SGD(lr=0.1))
    with pytest.raises(ValueError, match="at least one example"):
        quiet(network(), (x[:0], target[:0]), SGD(lr=0.1))
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        quiet(network(), (x, target), SGD(lr=0.1), batch_size=0)
    with pytest.raises(ValueError, match="patience .* needs validation data"):
        quiet(network(), (x, target), SGD(lr=0.1), patience=3)
