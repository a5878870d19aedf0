"""Live training: its steps against the package's, and every way to steer it."""

import base64
import re

import numpy as np
import pytest

from cnnguide import SGD, AdaGrad, Adam, RMSProp, cross_entropy, cross_entropy_backward, fans, letters_network
from cnnguide.training import _diagnosis
from guide.widget_data import INK, training_letters
from tests.conftest import core_url
from tests.widgets.conftest import drawn, expected, state_of, until
from tests.widgets.test_letter_reader import described

MOMENTUM = 0.9
RULES = {
    "sgd": lambda lr: SGD(lr),
    "momentum": lambda lr: SGD(lr, momentum=MOMENTUM),
    "nesterov": lambda lr: SGD(lr, momentum=MOMENTUM, nesterov=True),
    "adagrad": lambda lr: AdaGrad(lr),
    "rmsprop": lambda lr: RMSProp(lr),
    "adam": lambda lr: Adam(lr),
}
RATES = {"sgd": 0.1, "momentum": 0.03, "nesterov": 0.03, "adagrad": 0.01, "rmsprop": 0.001, "adam": 0.003}
STEPS = 30
WHILE = 100_000  # milliseconds that a hundred steps may take where many tests run at once


def letters(part):
    packed = training_letters()[part]
    x, target = (
        np.frombuffer(base64.b64decode(one["base64"]), one["dtype"]).reshape(one["shape"])
        for one in (packed["x"], packed["target"])
    )
    return (x / INK).astype(np.float32), target.astype(int)


@pytest.mark.parametrize("rule", RULES)
def test_many_steps_are_the_packages(core, rule):
    """From the same weights, on the same batches: the same losses, and the same weights at the end."""
    rng = np.random.default_rng(3)
    model, optimizer = letters_network(rng), RULES[rule](RATES[rule])
    x, target = letters("training")
    places = rng.permutation(len(x))[: 16 * STEPS].reshape(STEPS, 16)
    chosen = places.ravel()
    got = core(
        "training",
        """async ({ batchOf, RULES, trainingStep }, [layers, x, target, steps, rule, lr, modules]) => {
            const { networkOf, tensor } = await import(modules);
            const filled = ({ shape, values }) => tensor(shape, Float32Array.from(values));
            const network = networkOf(layers.map(({ weight, bias, ...settings }) =>
                weight ? { ...settings, weight: filled(weight), bias: filled(bias) } : settings));
            const optimizer = RULES[rule](lr);
            const data = { x: tensor([target.length, 1, 20, 20], Float32Array.from(x)), target };
            const size = target.length / steps;
            const losses = Array.from({ length: steps }, (_, step) => {
                const batch = batchOf(data, Array.from({ length: size }, (_, i) => step * size + i));
                return trainingStep(network, optimizer, batch.x, batch.target);
            });
            return { losses, weights: network.parameters.map(({ data }) => Array.from(data)) };
        }""",
        [
            described(model),
            x[chosen].ravel(),
            target[chosen],
            STEPS,
            rule,
            RATES[rule],
            core_url("layers"),
        ],
    )
    start = [array.copy() for array in model.parameters()]
    for step, batch in enumerate(places):
        scores = model.forward(x[batch], training=True)
        assert got["losses"][step] == pytest.approx(float(cross_entropy(scores, target[batch])), rel=2e-3)
        model.backward(cross_entropy_backward(scores, target[batch]))
        optimizer.step(model.parameters(), model.gradients())
    for values, wanted, first in zip(got["weights"], model.parameters(), start, strict=True):
        away = np.linalg.norm(np.reshape(values, wanted.shape) - wanted)
        assert away < 0.01 * np.linalg.norm(wanted - first)  # as nothing beside the way that they went


def test_first_weights_have_the_variance_that_their_name_says(core):
    got = core(
        "training",
        """async ({ STARTS, untrained }, [layers, modules]) => {
            const { Random } = await import(modules);
            return Object.fromEntries(Object.keys(STARTS).map((start) => [start, Array.from({ length: 20 }, (_, seed) =>
                untrained(layers, start, new Random(seed)).parameters.map(({ data }) => Array.from(data)))]));
        }""",
        [described(letters_network(np.random.default_rng(0))), core_url("random")],
    )
    shapes = [array.shape for array in letters_network(np.random.default_rng(0)).parameters()]
    for start, runs in got.items():
        for place, shape in enumerate(shapes):
            values = np.array([run[place] for run in runs])
            if len(shape) == 1:
                assert not values.any()  # biases
                continue
            fan_in, fan_out = fans(shape)
            wanted = {"he": 2 / fan_in, "xavier": 2 / (fan_in + fan_out), "large": 200 / fan_in, "zeros": 0}[start]
            assert values.var() == pytest.approx(wanted, rel=0.15, abs=1e-9)


def test_an_epoch_meets_every_example_once_in_another_order(core):
    first, second = core(
        "training",
        """async ({ batches }, modules) => {
            const { Random } = await import(modules);
            const places = batches(10, 4, new Random(1));
            return [0, 1].map(() => [0, 1, 2].map(() => places.next().value));
        }""",
        core_url("random"),
    )
    assert [len(batch) for batch in first] == [4, 4, 2]
    for epoch in (first, second):
        assert sorted(place for batch in epoch for place in batch) == list(range(10))
    assert first != second


def test_the_letters_are_the_packages():
    x, target = letters("training")
    unseen, _ = letters("unseen")
    assert x.shape == (26 * 60, 1, 20, 20) and x.min() == 0 and x.max() == 1
    assert np.array_equal(np.bincount(target), np.full(26, 60))
    assert not {letter.tobytes() for letter in x} & {letter.tobytes() for letter in unseen}


# In the page


def step_of(tab):
    return tab.widget.evaluate("widget => widget.run?.step ?? -1")


def train(tab, last):
    """Press Train, and wait until it pauses by itself."""
    tab.get_by_role("button", name="Train", exact=True).click()
    paused_at(tab, last)


def paused_at(tab, step):
    """Wait until the training has come to a step and rests there."""
    reached(tab, step)
    until(tab.widget, "({ run }) => !run.running", patience=WHILE)
    drawn(tab)
    assert step_of(tab) == step


def reached(tab, step):
    """Wait until the training has come at least to a step."""
    until(tab.widget, "({ run }, step) => run?.step >= step", step, patience=WHILE)


def right_in(tab):
    return tab.widget.evaluate("widget => widget.run.checks.at(-1).right")


def test_it_learns_to_read(open_widget):
    tab = open_widget("live-training", "stop=100")
    assert "Not trained yet" in tab.locator(".widget-told").inner_text()
    assert not [url for url in loaded(tab) if "training_letters" in url]  # only when it is asked for
    train(tab, 100)
    assert right_in(tab) > 0.4  # guessing gives one in 26
    losses = tab.widget.evaluate("widget => widget.run.losses")
    assert len(losses) == 100 and np.mean(losses[-10:]) < np.mean(losses[:10]) / 1.5
    told = tab.locator(".widget-told").inner_text()
    assert re.search(
        r"After 100 steps the network reads \d\d % .* loss of its last batches is .* let it pause later", told
    )
    assert told == tab.locator("[role=status]").first.inner_text()
    assert tab.locator(".training-mistakes figure").count() > 0
    assert tab.get_by_role("button", name="Train", exact=True).is_disabled()
    tab.locator(".widget-numbers summary").click()
    tab.locator(".widget-numbers tbody tr").nth(4).wait_for()  # untrained, and every 25 steps
    assert tab.problems == []


def loaded(tab):
    return tab.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")


def interrupted(tab):
    """Press Pause at the first steps that are seen, within the page: a click from here may come after the last step."""
    tab.widget.evaluate(
        """widget => new Promise((resolve) => {
            const look = () => {
                const { step, running } = widget.run;
                if (!running) return resolve();
                if (step && widget.play.textContent === "Pause") widget.play.click();
                requestAnimationFrame(look);
            };
            look();
        })"""
    )
    drawn(tab)


def test_the_same_seed_gives_the_same_training_whatever_the_clock_does(open_widget):
    runs = []
    for _ in range(2):
        tab = open_widget("live-training", "stop=50&seed=5")
        tab.get_by_role("button", name="Train", exact=True).click()
        if runs:
            interrupted(tab)
            assert step_of(tab) < 50
            train(tab, 50)
        paused_at(tab, 50)
        runs.append(tab.widget.evaluate("widget => [widget.run.losses, Array.from(widget.run.kernels)]"))
    assert len(runs[0][0]) == 50 and runs[0] == runs[1]
    other = open_widget("live-training", "stop=50&seed=6")
    train(other, 50)
    assert other.widget.evaluate("widget => widget.run.losses") != runs[0][0]


def test_pause_step_and_start_again_by_keyboard(open_widget):
    tab = open_widget("live-training", "stop=2000")
    tab.get_by_role("button", name="One step").press("Enter")
    paused_at(tab, 1)
    tab.get_by_role("button", name="One step").press("Enter")
    paused_at(tab, 2)
    tab.get_by_role("button", name="Train", exact=True).press("Enter")
    reached(tab, 3)
    tab.get_by_role("button", name="Pause", exact=True).press("Enter")
    tab.get_by_role("button", name="Train", exact=True).wait_for()
    paused = step_of(tab)
    assert 2 < paused < 2000
    tab.get_by_role("button", name="One step").press("Enter")
    paused_at(tab, paused + 1)  # had it gone on, it would be further
    tab.get_by_role("button", name="Start again").press("Enter")
    assert step_of(tab) < paused
    expected(tab.locator(".chart-legend").first).to_contain_text("the run before")
    reached(tab, 1)
    tab.get_by_role("button", name="Reset").press("Enter")
    drawn(tab)
    assert step_of(tab) == -1 and "Not trained yet" in tab.locator(".widget-told").inner_text()
    assert "the run before" not in tab.locator(".chart-legend").first.inner_text()


def test_rule_and_rate_can_be_changed_on_the_way(open_widget):
    tab = open_widget("live-training", "stop=50")
    train(tab, 50)
    tab.locator("[data-setting=rule] select").select_option("sgd")
    tab.locator("[data-setting=lr] input").press("ArrowRight")
    tab.locator("[data-setting=stop] input").press("ArrowRight")
    drawn(tab)
    assert step_of(tab) == 50  # it goes on from here
    told = "From the start: Adam at learning rate 0.003. From step 51: SGD at learning rate 0.01."
    tab.get_by_text(told).wait_for()
    train(tab, 100)
    assert state_of(tab)["rule"] == "sgd"


def test_other_first_weights_begin_another_run(open_widget):
    tab = open_widget("live-training", "stop=50")
    train(tab, 50)
    tab.locator("[data-setting=start] select").select_option("zeros")
    drawn(tab)
    assert step_of(tab) == 0
    train(tab, 50)
    told = tab.locator(".widget-told").inner_text()
    assert "no better than guessing" in told and "dead since step 1" in told
    assert set(tab.widget.evaluate("widget => Array.from(widget.run.kernels)")) == {0}


def test_a_learning_rate_that_kills_the_network_is_named(open_widget):
    tab = open_widget("live-training", "rule=sgd&lr=10&stop=50")
    train(tab, 50)
    told = tab.locator(".widget-told").inner_text()
    step, most, at = re.search(
        r"dead since step (\d+), at learning rate 10: .* jumped to ([\d.·⁰¹²³⁴⁵⁶⁷⁸⁹]+) at step (\d+).*smaller one", told
    ).groups()
    losses = tab.widget.evaluate("widget => widget.run.losses")
    assert most == str(round(max(losses))) and losses[int(at) - 1] == max(losses) > 20
    assert 1 < int(step) < 50
    assert tab.problems == []


def test_a_loss_that_is_no_number_is_said_in_words(open_widget):
    tab = open_widget("live-training")
    tab.get_by_role("button", name="One step").click()
    paused_at(tab, 1)
    tab.widget.evaluate(
        """widget => {
            const { run } = widget;
            const broken = "At step 2 the weights of layer 3 (Conv2d) are no longer finite.";
            run.follow({ ...run, step: 2, losses: [NaN], checked: undefined, broken, kernels: run.kernels.map(() => NaN) });
            widget.refresh();
        }"""
    )
    drawn(tab)
    told = tab.locator(".widget-told").inner_text()
    assert "broken down. At step 2 the weights of layer 3" in told and "NaN" not in tab.widget.inner_text()
    assert tab.get_by_role("button", name="Train", exact=True).is_disabled()
    assert tab.problems == []


@pytest.mark.parametrize("place", [0, 3, 6])
@pytest.mark.parametrize("value", [np.nan, 3e38])
def test_the_layer_that_broke_is_the_one_that_the_package_names(core, place, value):
    model, x = letters_network(np.random.default_rng(0)), letters("unseen")[0][:4]
    model.parameters()[{0: 0, 3: 2, 6: 4}[place]][...] = value
    with np.errstate(all="ignore"):
        wanted = _diagnosis(model, x, 7, 0.5)
    got = core(
        "training",
        """async ({ diagnosis }, [layers, x, modules]) => {
            const { networkOf, tensor } = await import(modules);
            const filled = ({ shape, values }) => tensor(shape, Float32Array.from(values, (value) => value ?? NaN));
            const network = networkOf(layers.map(({ weight, bias, ...settings }) =>
                weight ? { ...settings, weight: filled(weight), bias: filled(bias) } : settings));
            return diagnosis(network, tensor([4, 1, 20, 20], Float32Array.from(x)), 7, 0.5);
        }""",
        [described(model), x.ravel(), core_url("layers")],
    )
    assert got == wanted[0].upper() + wanted[1:] + "."


def test_the_page_stays_smooth_and_the_worker_ends_with_the_element(open_widget):
    tab = open_widget("live-training", "stop=2000")
    tab.get_by_role("button", name="Train", exact=True).click()
    reached(tab, 5)
    slowest = tab.widget.evaluate(
        """widget => {
            const times = Array.from({ length: 20 }, () => {
                const before = performance.now();
                widget.draw(widget.state);
                return performance.now() - before;
            });
            return times.sort((a, b) => a - b)[10];
        }"""
    )
    assert slowest < 16
    [worker] = tab.workers
    with worker.expect_event("close"):
        tab.widget.evaluate("widget => widget.remove()")
    assert tab.workers == []
