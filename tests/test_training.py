"""The training loop: step for step with PyTorch, early stopping, interruption, and divergence that is named."""

import math
import re
import signal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnguide import (
    SGD,
    Adam,
    BatchNorm2d,
    Conv2d,
    DivergedError,
    Flatten,
    Linear,
    ReLU,
    Sequential,
    accuracy,
    cosine_rate,
    fit,
)


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


@pytest.mark.parametrize("more", [{}, dict(max_norm=0.2), dict(schedule=lambda step: cosine_rate(step, 12, 0.3, 4))])
def test_it_is_the_loop_of_pytorch(torch, more):
    model, (x, target) = network(dtype=np.float64), blobs(dtype=np.float64)
    nn = torch.nn
    theirs = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3)).double()
    with torch.no_grad():
        for parameter, array in zip(theirs.parameters(), model.parameters(), strict=True):
            parameter.copy_(torch.tensor(array))
    history = quiet(model, (x, target), SGD(lr=0.1, momentum=0.9), seed=3, **more)
    optimizer, rng, losses = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9), np.random.default_rng(3), []
    for _ in range(3):
        order = rng.permutation(len(x))
        for start in range(0, len(x), 32):
            chosen = order[start : start + 32]
            loss = nn.functional.cross_entropy(theirs(torch.tensor(x[chosen])), torch.tensor(target[chosen]))
            optimizer.zero_grad()
            loss.backward()
            if "max_norm" in more:
                torch.nn.utils.clip_grad_norm_(theirs.parameters(), more["max_norm"])
            if "schedule" in more:
                optimizer.param_groups[0]["lr"] = more["schedule"](len(losses))
            optimizer.step()
            losses.append(loss.item())
    np.testing.assert_allclose(history.losses, losses, rtol=1e-5 if "max_norm" in more else 1e-8)  # its norm + 1e-6


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


def test_early_stopping_puts_the_running_statistics_of_the_best_weights_back():
    """Other statistics would make another network of the best weights."""
    rng = np.random.default_rng(0)
    model = Sequential(Conv2d(1, 4, 3, rng), BatchNorm2d(4), ReLU(), Flatten(), Linear(4 * 4, 2, rng))
    x, target = rng.standard_normal((64, 1, 4, 4)).astype(np.float32), rng.integers(0, 2, 64)
    noise, validation = (x, target), (x[::-1].copy(), rng.integers(0, 2, 64))
    history = quiet(model, noise, Adam(lr=0.05), epochs=60, validation=validation, patience=3)
    assert len(history.validation_accuracy) > history.validation_accuracy.index(max(history.validation_accuracy)) + 1
    assert accuracy(model, validation) == max(history.validation_accuracy)
    moved = [array.copy() for array in model.buffers()]
    again = Sequential(
        Conv2d(1, 4, 3, rng := np.random.default_rng(0)), BatchNorm2d(4), ReLU(), Flatten(), Linear(16, 2, rng)
    )
    best = history.validation_accuracy.index(max(history.validation_accuracy)) + 1
    quiet(again, noise, Adam(lr=0.05), epochs=best)
    for ours, wanted in zip(moved, again.buffers(), strict=True):
        np.testing.assert_array_equal(ours, wanted)


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
        ((1e38, np.nan), r"output of layer 0 \(Linear\) is"),  # the first in the order of forward
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
    with pytest.raises(DivergedError, match="at step 1 the loss is no longer finite, because the input holds NaN"):
        quiet(network(), (x, target), SGD(lr=0.1), batch_size=200)


def test_divergence_without_a_broken_layer_is_named_as_such():
    """Finite scores, whose difference no float32 can hold."""
    model, (x, target) = network(), blobs()
    model.layers[2].weight[...], model.layers[2].bias[...] = 0, [3e38, -3e38, 0]
    with pytest.raises(DivergedError, match=r"at step 1 scores as large as 3e\+38 .* learning rate 0.1; try"):
        quiet(model, (x, target), SGD(lr=0.1))


def test_divergence_in_a_network_within_a_network_names_the_innermost_layer():
    model = Sequential(network(), Linear(3, 3, np.random.default_rng(0)))
    model.layers[0].layers[2].weight[...] = np.nan
    with pytest.raises(
        DivergedError, match=r"the weights of layer 2 \(Linear\) in layer 0 \(Sequential\) are no longer"
    ):
        quiet(model, blobs(), SGD(lr=0.1))


def test_weights_that_the_last_step_broke_are_not_handed_back_in_silence():
    with pytest.raises(DivergedError, match=r"at step 1 the weights of layer 0 \(Linear\) are no longer finite"):
        quiet(network(), blobs(), SGD(lr=1e39), epochs=1, batch_size=120)


def test_progress_is_one_line_on_the_error_stream(capsys):
    fit(network(), blobs(), SGD(lr=0.1), 2, 32, np.random.default_rng(0), validation=blobs(seed=1))
    said = capsys.readouterr()
    assert said.out == ""
    assert "\n" not in said.err.rstrip("\n")
    first, *_, last = said.err.strip().split("\r")
    assert re.match(r"\[##\.{18}\] epoch 0 of 2, step 1 of 8, loss \d+\.\d{4}$", first)
    assert re.match(r"\[#{20}\] epoch 2 of 2, step 8 of 8, loss \d+\.\d{4}, validation \d+\.\d%$", last)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (dict(batch_size=0), ValueError, "batch_size must be at least 1, got 0"),
        (dict(patience=3), ValueError, "patience .* needs validation data"),
        (dict(patience=0, validation=blobs(seed=1)), ValueError, "patience must be at least 1, got 0"),
        (dict(patience=-1, validation=blobs(seed=1)), ValueError, "patience must be at least 1, got -1"),
        (dict(patience=True, validation=blobs(seed=1)), TypeError, "patience must be a whole number, got True"),
        (dict(patience=2.5, validation=blobs(seed=1)), TypeError, "patience must be a whole number, got 2.5"),
        (dict(patience="3", validation=blobs(seed=1)), TypeError, "patience must be a whole number, got '3'"),
        (dict(schedule=0.1), TypeError, "schedule must be a function of the number of a step, got 0.1"),
        (dict(schedule=lambda step: -0.1), ValueError, "schedule must be at least 0 and finite, got -0.1"),
        (dict(max_norm=0), ValueError, "max_norm must be above 0, got 0"),
        (dict(rng=0), TypeError, r"rng must be a generator .*, got 0 \(int\)"),
        (dict(rng=None), TypeError, "rng must be a generator"),
        (dict(optimizer=Adam), TypeError, r"optimizer must be an optimiser such as Adam\(\), got <class"),
        (dict(optimizer=0.1), TypeError, "optimizer must be an optimiser .*, got 0.1"),
        (dict(model=Sequential()), ValueError, "model has no layers"),
        (dict(model=Linear(6, 3, np.random.default_rng(0))), TypeError, "model must be a Sequential, got <cnnguide"),
        (dict(data=(blobs()[0], blobs()[1][1:])), ValueError, r"got 120 examples and targets of shape \(119,\)"),
        (dict(data=(blobs()[0][:0], blobs()[1][:0])), ValueError, "at least one example"),
        (dict(data=5), ValueError, r"data must be \(x, target\), two arrays: .* not iterable"),
        (dict(data=blobs()[0]), ValueError, r"data must be \(x, target\), two arrays: too many"),
        (dict(data=(blobs()[0], blobs()[1] + 1)), ValueError, "data: target 3 is not a class number: there are 3"),
        (dict(data=(blobs()[0], blobs()[1] * 1.0)), TypeError, "data: target must hold whole numbers, got float64"),
        (dict(data=(blobs()[0][:, 1:], blobs()[1])), ValueError, r"data: layer 0 \(Linear\): x must be \(N, 6\)"),
        (dict(validation=(blobs()[0], blobs()[1][1:])), ValueError, "validation must be .* got 120 examples"),
        (dict(validation=(blobs()[0], blobs()[1] - 1)), ValueError, "validation: target -1 is not a class number"),
        (dict(validation=(blobs()[0][:, 1:], blobs()[1])), ValueError, r"validation: layer 0 \(Linear\): x must be"),
    ],
)  # fmt: skip
def test_bad_input_is_named_before_anything_is_learned(arguments, error, message):
    model = network()
    usual = dict(
        model=model,
        data=blobs(),
        optimizer=SGD(lr=0.1),
        epochs=2,
        batch_size=32,
        rng=np.random.default_rng(0),
        progress=False,
    )
    with pytest.raises(error, match=message):
        fit(**usual | arguments)
    for array, before in zip(model.parameters(), network().parameters(), strict=True):
        np.testing.assert_array_equal(array, before)


def test_lists_are_taken_as_arrays():
    first, second, (x, target) = network(), network(), blobs()
    losses = quiet(first, (x, target), SGD(lr=0.1), validation=(x, target)).losses
    x = x.astype(float)  # as lists, numbers have float64
    history = quiet(second, (x.tolist(), target.tolist()), SGD(lr=0.1), validation=(x.tolist(), target.tolist()))
    np.testing.assert_allclose(history.losses, losses, rtol=1e-4)
    assert accuracy(second, (x.tolist(), target.tolist())) == accuracy(second, (x, target))


@given(st.integers(1, 30), st.integers(1, 6), st.integers(1, 40), st.integers(0, 99))
def test_accuracy_counts_the_largest_scores_whatever_the_batches(count, classes, batch_size, seed):
    rng = np.random.default_rng(seed)
    scores, target = rng.standard_normal((count, classes)), rng.integers(0, classes, count)
    right = sum(int(row.tolist().index(max(row)) == wanted) for row, wanted in zip(scores, target, strict=True))
    assert accuracy(Flatten(), (scores, target), batch_size) == right / count


@pytest.mark.parametrize(
    ("x", "target", "batch_size", "error", "message"),
    [
        (np.zeros((3, 4, 1, 1)), [0, 1, 2], 256, ValueError, r"scores must be \(N, classes\) .* got \(3, 4, 1, 1\)"),
        (np.zeros(3), [0, 1, 2], 256, ValueError, r"got \(3,\) and \(3,\)"),
        (np.eye(3), [0.0, 1.0, 2.0], 256, TypeError, "target must hold whole numbers, got float64"),
        (np.eye(3), [0, 1, 3], 2, ValueError, "target 3 is not a class number: there are 3 classes, from 0 to 2"),
        (np.eye(3), [0, -1, 2], 256, ValueError, "target -1 is not a class number"),
        (np.eye(3), [0, 1, 2], 0, ValueError, "batch_size must be at least 1, got 0"),
        (np.eye(3), [0, 1, 2], -1, ValueError, "batch_size must be at least 1, got -1"),
        (np.eye(3), [0, 1, 2], 2.5, TypeError, "batch_size must be a whole number, got 2.5"),
    ],
)
def test_accuracy_makes_no_number_up(x, target, batch_size, error, message):
    model = Sequential(ReLU())  # hands positive scores through
    with pytest.raises(error, match=message):
        accuracy(model, (x, np.array(target)), batch_size)
