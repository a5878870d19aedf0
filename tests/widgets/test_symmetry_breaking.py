"""Symmetry breaking: every step against the package, the chapter's findings, and every way to use it."""

import re

import numpy as np
import pytest

from cnnguide import SGD, Dropout, Linear, Sequential, Tanh, cross_entropy
from cnnguide.experiments.initialization import (
    little_network,
    train_little_network,
    unlike,
    what_breaks_the_symmetry,
)
from cnnguide.losses import cross_entropy_backward
from tests.widgets.conftest import drawn, state_of, stop_time, updated

NAMES = list(what_breaks_the_symmetry())
STAYS = ("nothing", "all weights zero")
CHANGES = [re.sub(r"\W+", "-", name) for name in NAMES]
PARTS = ("first", "bias", "second", "lastBias")

STEPS = """async ({ descend, lossAndGradients, unlike }, [weights, x, target, masks, rate]) => {
    const flat = (rows) => Float64Array.from(rows.flat());
    const parts = Object.fromEntries(Object.entries(weights).map(([name, rows]) => [name, flat(rows)]));
    const network = { inputs: x[0].length, hidden: weights.bias.length, scores: weights.lastBias.length, ...parts };
    const lists = (of) => Object.fromEntries(Object.keys(weights).map((name) => [name, Array.from(of[name])]));
    return masks.map((mask) => {
        const found = lossAndGradients(network, { x: flat(x), target }, mask ? flat(mask) : undefined);
        descend(network, found.gradients, rate);
        return {
            loss: found.loss, outputs: Array.from(found.outputs), gradients: lists(found.gradients),
            after: lists(network), unlike: unlike(network),
        };
    });
}"""


class GivenDropout(Dropout):
    """Dropout whose masks come from outside, already scaled."""

    def __init__(self, masks):
        self.masks = list(masks)

    def forward(self, x, training=False):
        self._scale = self.masks.pop(0)
        return x * self._scale


@pytest.mark.parametrize(("hidden", "dropped"), [(2, False), (2, True), (1, False), (8, True)])
def test_every_step_is_that_of_the_packages_layers(core, hidden, dropped):
    rng = np.random.default_rng(hidden)
    x, target = rng.standard_normal((20, 4)), rng.integers(0, 3, 20)
    first, second = Linear(4, hidden, rng, dtype=np.float64), Linear(hidden, 3, rng, dtype=np.float64)
    for linear in (first, second):
        linear.bias[...] = rng.standard_normal(linear.bias.shape)
    masks = [2.0 * rng.integers(0, 2, (20, hidden)) if dropped else np.ones((20, hidden)) for _ in range(30)]
    weights = dict(zip(PARTS, (first.weight, first.bias, second.weight, second.bias), strict=True))
    found = core("symmetry", STEPS, [weights, x, target, masks if dropped else [None] * 30, 0.3])

    model, optimizer = Sequential(first, Tanh(), GivenDropout(masks), second), SGD(lr=0.3)
    for step in found:
        units = np.tanh(x @ first.weight.T + first.bias)
        logits = model.forward(x, training=True)
        model.backward_to_weights(cross_entropy_backward(logits, target))
        assert step["loss"] == pytest.approx(float(cross_entropy(logits, target)), rel=1e-12)
        np.testing.assert_allclose(np.reshape(step["outputs"], units.shape), units, atol=1e-12)
        for part, wanted in zip(PARTS, model.gradients(), strict=True):
            np.testing.assert_allclose(step["gradients"][part], wanted.ravel(), atol=1e-12)
        optimizer.step(model.parameters(), model.gradients())
        for part, wanted in zip(PARTS, model.parameters(), strict=True):
            np.testing.assert_allclose(step["after"][part], wanted.ravel(), atol=1e-11)
        assert step["unlike"] == pytest.approx(unlike(first.weight), abs=1e-11)


TRAIN = """async ({ CHANGES, littleNetwork, train }, [change, hidden, nudge, seed, steps]) => {
    const { load } = await import(new URL("javascripts/core/data.js", location));
    const { Random } = await import(new URL("javascripts/core/random.js", location));
    const { x, target, scores, weight, rate, drop } = await load("little_network");
    const network = littleNetwork({ inputs: x.shape[1], hidden, scores, weight });
    const random = new Random(seed);
    CHANGES[change](network, random);
    network.first[x.shape[1]] += nudge;
    const start = Object.fromEntries(["first", "bias", "second"].map((name) => [name, Array.from(network[name])]));
    const options = { steps, rate, drop: change === "dropout" ? drop : 0, random };
    const work = train(network, { x: x.data, target }, options);
    let step = work.next();
    while (!step.done) step = work.next();
    const last = step.value.at(-1);
    return {
        start, first: Array.from(last.first), lastBias: Array.from(last.lastBias),
        unlike: step.value.map((one) => one.unlike), loss: step.value.map((one) => one.loss),
    };
}"""


def test_names_are_the_packages(core):
    assert core("symmetry", "({ CHANGES }) => Object.keys(CHANGES)") == NAMES


@pytest.mark.parametrize("change", NAMES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_the_chapter_says_of_eight_units_holds_here(core, change, seed):
    found = core("symmetry", TRAIN, [change, 8, 0, seed, 500])
    if change in STAYS:
        assert set(found["unlike"]) == {0} and found["loss"][-1] > 0.2
    else:
        assert found["unlike"][-1] > 0.1 and found["loss"][-1] < 0.2


@pytest.mark.parametrize("change", [name for name in NAMES if name != "dropout"])  # whose masks are drawn in the page
@pytest.mark.parametrize("hidden", [2, 8])
def test_the_same_start_is_trained_as_in_the_package(core, change, hidden):
    nudge = 1e-3 if change == "nothing" else 0
    found = core("symmetry", TRAIN, [change, hidden, nudge, 4, 300])
    model = little_network(np.random.default_rng(0), hidden)
    first, second = model.layers[0], model.layers[3]
    for array, start in ((first.weight, "first"), (first.bias, "bias"), (second.weight, "second")):
        array[...] = np.reshape(found["start"][start], array.shape)
    loss = train_little_network(model, 300)
    assert found["loss"][-1] == pytest.approx(loss, rel=1e-6)
    np.testing.assert_allclose(found["first"], first.weight.ravel(), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found["lastBias"], second.bias, rtol=1e-5, atol=1e-7)
    assert found["unlike"][-1] == pytest.approx(unlike(first.weight), rel=1e-5, abs=1e-12)


def test_starts_are_what_their_names_say(core):
    starts = {name: core("symmetry", TRAIN, [name, 2, 0, 5, 0])["start"] for name in NAMES}
    equal = starts["nothing"]
    assert set(equal["first"] + equal["second"]) == {0.1} and set(equal["bias"]) == {0}
    for name, start in starts.items():
        for part, layer in (("first", "first"), ("second", "second")):
            values = set(start[part])
            zero = name == "all weights zero" or re.search(rf"{layer} zero", name) or name.endswith(f"{layer} zero")
            drawn_anew = re.search(rf"{layer}( layer)? random", name) or name == "both random"
            assert values == {0} if zero else len(values) > 4 if drawn_anew else values == {0.1}, (name, part)
        assert (len(set(start["bias"])) == 2) == (name == "biases random")


@pytest.mark.parametrize("nudge", [1e-12, 1e-6, 1e-2])
def test_a_nudge_grows_by_a_steady_factor_until_the_units_are_free(core, nudge):
    apart = np.array(core("symmetry", TRAIN, ["nothing", 2, nudge, 0, 1000])["unlike"])
    assert apart[0] == pytest.approx(nudge, rel=1e-4)  # 0.1 has no more digits
    assert apart[-1] > 1
    growing = np.log10(apart[100:][apart[100:] < 0.01])
    if nudge < 1e-3:
        assert np.diff(growing).min() > 0 and np.ptp(np.diff(growing)) < 0.3 * np.diff(growing).mean()


# In the page


def told(tab) -> str:
    return tab.locator(".widget-told").inner_text()


def digits(tab, which=0) -> np.ndarray:
    rows = tab.locator(".symmetry-digits table").nth(which).locator("tbody tr").all_inner_texts()
    return np.array([row.replace("−", "-").split("\t")[1:] for row in rows])


def trained_in_the_package(nudge, steps):
    model = little_network(np.random.default_rng(0), 2)
    model.layers[0].weight[1, 0] += nudge
    return model, train_little_network(model, steps) if steps else None


@pytest.mark.parametrize("step", [0, 1, 70, 500])
@pytest.mark.parametrize("nudge", [0, 0.01])
def test_the_digits_from_a_linked_state_are_the_packages(open_widget, nudge, step):
    tab = open_widget("symmetry-breaking", f"nudge={nudge}&step={step}")
    model, loss = trained_in_the_package(nudge, step)
    first, bias, second, _ = model.parameters()
    shown = digits(tab).astype(float)
    np.testing.assert_allclose(shown[:-1], np.vstack([first.T, bias, second]), rtol=1e-6, atol=1e-12)
    train_little_network(model, 1)  # computes the gradients at this place, before its step
    gradients = model.gradients()
    wanted = np.vstack([gradients[0].T, gradients[1], gradients[2]])
    np.testing.assert_allclose(digits(tab, 1).astype(float), wanted, rtol=1e-5, atol=1e-12)
    if loss:
        assert f"The loss is {round(loss, 2):g}" in told(tab)


def test_equal_units_agree_to_the_last_digit_at_every_step(open_widget):
    tab = open_widget("symmetry-breaking")
    assert "equal to the last digit" in told(tab)
    for step in (0, 137, 1000):
        tab = open_widget("symmetry-breaking", f"step={step}")
        for which in (0, 1):
            pairs = digits(tab, which)
            assert (pairs[:, 0] == pairs[:, 1]).all() and len(pairs) > 8
        assert tab.locator(".symmetry-digits b").count() == 0
    assert max(len(number) for number in digits(tab)[:, 0]) > 15


def test_a_nudge_is_marked_from_the_first_digit_that_differs(open_widget):
    tab = open_widget("symmetry-breaking", "nudge=0.000001&step=0")
    assert list(digits(tab)[0]) == ["0.1", "0.100001"]
    assert tab.locator(".symmetry-digits b").first.inner_text() == "00001"
    assert digits(open_widget("symmetry-breaking", "nudge=1e-16&step=0"))[0, 1] != "0.1"


def test_a_nudge_by_keyboard_frees_the_units_and_the_loss_falls(open_widget):
    tab = open_widget("symmetry-breaking")
    slider = tab.get_by_label("Nudge one weight by")
    slider.press("End")
    drawn(tab)
    assert state_of(tab)["nudge"] == "0.01"
    assert re.search(r"they are free.* The loss is 0\.1\d, that of equal units 0\.57\.", told(tab))
    slider.press("Home")
    drawn(tab)
    assert "equal to the last digit" in told(tab)


def test_before_they_are_free_the_loss_is_that_of_equal_units(open_widget):
    tab = open_widget("symmetry-breaking", "nudge=0.000001&step=200")
    assert re.search(
        r"times as much .*: too little to be of use yet\. The loss is (.*), that of equal units \1\.", told(tab)
    )


@pytest.mark.parametrize(("change", "name"), list(zip(CHANGES, NAMES, strict=True)))
def test_each_change_frees_or_not_as_in_the_chapter(open_widget, change, name):
    tab = open_widget("symmetry-breaking", f"change={change}")
    if name == "nothing":
        assert "one unit, twice" in told(tab)
    elif name == "all weights zero":
        assert "all gradients but those of the last biases are 0" in told(tab)
        assert set(digits(tab).ravel()) == {"0"}
    else:
        assert "they are free" in told(tab)


def test_dropout_separates_gradients_before_weights(open_widget):
    tab = open_widget("symmetry-breaking", "change=dropout&step=0")
    assert "still equal, but their gradients are not" in told(tab)
    assert (digits(tab)[:, 0] == digits(tab)[:, 1]).all() and (digits(tab, 1)[:, 0] != digits(tab, 1)[:, 1]).any()


def test_another_seed_is_another_start(open_widget):
    starts = {
        str(digits(open_widget("symmetry-breaking", f"change=both-random&step=0&seed={seed}"))) for seed in range(3)
    }
    assert len(starts) == 3


def test_play_pause_and_single_steps(open_widget):
    tab = open_widget("symmetry-breaking", "step=10")
    stop_time(tab)
    tab.get_by_role("button", name="One step").click()
    assert state_of(tab)["step"] == "11"
    tab.get_by_role("button", name="Play").focus()
    tab.keyboard.press("Enter")
    tab.clock.run_for(400)
    assert 11 < int(stopped := state_of(tab)["step"]) < 1000
    tab.get_by_role("button", name="Pause").click()
    tab.clock.run_for(2000)
    assert state_of(tab)["step"] == stopped
    tab.get_by_role("button", name="Play").click()
    tab.get_by_role("button", name="Reset").click()
    tab.clock.run_for(2000)
    assert state_of(tab)["step"] == "500" and tab.get_by_role("button", name="Play").count() == 1


def test_playing_ends_at_the_last_step_and_can_begin_again(open_widget):
    tab = open_widget("symmetry-breaking", "step=993")
    stop_time(tab)
    tab.get_by_role("button", name="Play").click()
    tab.clock.run_for(2000)
    assert state_of(tab)["step"] == "1000"
    tab.get_by_role("button", name="Play").click()  # it has stopped by itself
    tab.clock.run_for(200)
    assert int(state_of(tab)["step"]) < 500


def test_zeros_stand_at_the_foot_of_the_axis(open_widget):
    tab = open_widget("symmetry-breaking")
    line = tab.locator("svg.chart").first.locator(".chart-line").first.get_attribute("d")
    heights = {float(point.split()[1]) for point in re.split("[ML]", line)[1:]}
    assert heights == {220 - 40.0}  # the margin below
    labels = tab.locator("svg.chart").first.locator("text").all_text_contents()
    assert "0" in labels and "10⁻¹⁶" in labels


def test_a_finger_drags_the_step(open_widget):
    tab = open_widget("symmetry-breaking", width=390, has_touch=True)
    slider = tab.locator("[data-setting=step] input")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    tab.touchscreen.tap(box["x"] + box["width"] - 3, box["y"] + box["height"] / 2)
    updated(tab)
    assert int(state_of(tab)["step"]) > 950
