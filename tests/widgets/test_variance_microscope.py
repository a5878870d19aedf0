"""The variance microscope: its layers, draws and expectations against the package, and every way to use it."""

import numpy as np
import pytest
from scipy import integrate, stats

import cnnguide
from cnnguide import Linear, ReLU, Sequential, Sigmoid, Tanh, activations, fans
from cnnguide.experiments.initialization import VARIANCES, WIDTH, through_fifty_layers
from tests.widgets.conftest import drawn, state_of

LAYERS = {"linear": None, "relu": ReLU, "tanh": Tanh, "sigmoid": Sigmoid}
SHAPES = [(5, 3), (64, 3, 7, 7), (1, 1), (40, 7, 3, 1)]


# Arithmetic


@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid"])
def test_activations_are_the_packages(core, name):
    z = np.concatenate([np.random.default_rng(0).normal(0, 5, 200), [0, -0.0, 1e-300, 40, -40, 800, -800]])
    values, slopes = core(
        "activations",
        "({ ACTIVATIONS }, [name, z]) => [z.map(ACTIVATIONS[name].value), z.map(ACTIVATIONS[name].slope)]",
        [name, z],
    )
    np.testing.assert_allclose(values, getattr(activations, name)(z), rtol=1e-14)
    wanted = getattr(activations, f"{name}_backward")(np.ones_like(z), z)
    np.testing.assert_allclose(slopes, wanted, rtol=1e-9, atol=1e-15)


def test_fans_are_the_packages(core):
    cases = [*((shape, 1) for shape in SHAPES), ((4, 1, 3, 3), 4), ((12, 2, 3, 5), 3)]
    got = core("initializers", "({ fans }, cases) => cases.map(([shape, groups]) => fans(shape, groups))", cases)
    assert got == [list(fans(shape, groups)) for shape, groups in cases]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["lecun_normal", "xavier_normal", "xavier_uniform", "he_normal", "he_uniform"])
def test_the_same_draws_give_the_packages_weights(core, name, shape):
    scheme, form = name.split("_")
    weights = getattr(cnnguide, name)(shape, np.random.default_rng(1))
    rng = np.random.default_rng(1)
    draws = rng.random(weights.size) if form == "uniform" else rng.standard_normal(weights.size)
    got = core(
        "initializers",
        """(initializers, [scheme, form, shape, draws]) => {
            const random = { [form]: () => draws.shift() };
            const variance = initializers.VARIANCES[scheme](...initializers.fans(shape));
            return Array.from(initializers[form](shape, variance, random));
        }""",
        [scheme, form, shape, draws],
    )
    np.testing.assert_allclose(got, weights.ravel(), rtol=1e-12, atol=1e-15)


def test_pytorchs_default_is_what_pytorch_draws(core, torch):
    variance = core("initializers", "({ VARIANCES }) => VARIANCES.pytorch(400, 300)")
    torch.manual_seed(0)
    assert float(torch.nn.Linear(400, 300).weight.var()) == pytest.approx(variance, rel=0.01)


SEND = """({ signalAndGradient }, [activation, weights, scale, input, last]) => {
    const flat = (rows) => Float64Array.from(rows.flat());
    const ends = { input: flat(input), last: flat(last), width: input[0].length };
    const work = signalAndGradient({ activation, weights: weights.map(flat), scale, ...ends });
    let step = work.next();
    let pauses = 0;
    for (; !step.done; step = work.next()) pauses++;
    const lists = (arrays) => arrays.map((array) => Array.from(array));
    return { pauses, outputs: lists(step.value.outputs), gradients: lists(step.value.gradients) };
}"""


def through_the_package(activation, weights, x, last):
    """Outputs and gradients of every layer, by the package's layers."""
    outputs, blocks = [x], []
    for weight in weights:
        linear = Linear(*reversed(weight.shape), np.random.default_rng(0), dtype=np.float64)
        linear.weight[...] = weight
        blocks.append(Sequential(linear, *([LAYERS[activation]()] if LAYERS[activation] else [])))
        outputs.append(blocks[-1].forward(outputs[-1]))
    gradients = [last]
    for block in reversed(blocks):
        gradients.insert(0, block.backward(gradients[0]))
    return outputs, gradients


@pytest.mark.parametrize("activation", LAYERS)
@pytest.mark.parametrize(("width", "depth", "scale"), [(4, 1, 1.0), (16, 6, 0.4), (33, 3, 1.5)])
def test_signal_and_gradient_are_those_of_the_packages_layers(core, activation, width, depth, scale):
    rng = np.random.default_rng(width)
    weights = rng.standard_normal((depth, width, width))
    x, last = rng.standard_normal((2, 8, width))
    got = core("signal", SEND, [activation, weights, scale, x, last])
    outputs, gradients = through_the_package(activation, scale * weights, x, last)
    assert got["pauses"] == 2 * depth
    for found, wanted in zip(got["outputs"] + got["gradients"], outputs + gradients, strict=True):
        np.testing.assert_allclose(np.reshape(found, wanted.shape), wanted, rtol=1e-9, atol=1e-12 * abs(wanted).max())


EXPECT = "({ expected }, states) => states.map(expected)"


@pytest.mark.parametrize("activation", LAYERS)
def test_expectations_are_integrals_over_the_normal_distribution(core, activation):
    variances = [1e-6, 0.01, 0.3, 1, 4, 60, 4000]
    got = core("signal", EXPECT, [{"activation": activation, "variance": v, "width": 1, "depth": 1} for v in variances])
    function = (lambda z: z) if activation == "linear" else getattr(activations, activation)
    back = None if activation == "linear" else getattr(activations, f"{activation}_backward")

    def average(of, variance):
        wide, steps = np.sqrt(variance), [0, *(sign / 10**power for sign in (-1, 1) for power in range(4))]
        return integrate.quad(lambda z: of(np.array(wide * z)) * stats.norm.pdf(z), -9, 9, points=steps, limit=500)[0]

    for variance, found in zip(variances, got, strict=True):
        output = average(lambda z: float(function(z)) ** 2, variance)
        slope = 1.0 if back is None else average(lambda z: float(back(np.ones(()), z)) ** 2, variance)
        assert found["signal"] == pytest.approx([1, output], rel=1e-5)
        assert found["gradient"] == pytest.approx([variance * slope, 1], rel=1e-5)


@pytest.mark.parametrize("activation", LAYERS)
def test_the_package_measures_what_is_expected(core, activation):
    measured = through_fifty_layers()[activation]
    scales = {name: variance(WIDTH) for name, variance in VARIANCES.items()}
    asked = [{"activation": activation, "variance": v, "width": WIDTH, "depth": 50} for v in scales.values()]
    for name, found in zip(scales, core("signal", EXPECT, asked), strict=True):
        for kind in ("signal", "gradient"):
            run = np.log10(np.median(measured[name][kind], axis=0))
            wanted = np.log10(np.array(found[kind], float))
            assert abs(run - wanted).max() < 0.6 + 0.02 * abs(wanted).max(), (name, kind)


# In the page


def numbers(tab) -> np.ndarray:
    """The table's numbers, one row for each layer."""
    tab.locator(".widget-numbers").evaluate("fold => fold.open = true")
    tab.locator(".widget-numbers tbody tr").first.wait_for()
    rows = tab.locator(".widget-numbers tbody tr").all_inner_texts()
    return np.array([[as_number(cell) for cell in row.split("\t")[1:5]] for row in rows])


SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")


def as_number(text: str) -> float:
    digits, _, power = text.translate(SUPERSCRIPTS).partition("·10")
    return float(digits) * 10.0 ** int(power or 0)


def told(tab) -> str:
    return tab.locator(".widget-told").inner_text()


DRAWS = """w => {
    const lists = (array) => Array.from(array);
    return { input: lists(w.kept.input), last: lists(w.kept.last), weights: w.kept.weights.map(lists) };
}"""
DEVIATIONS = {
    "he": lambda n: np.sqrt(2 / n), "xavier": lambda n: np.sqrt(1 / n), "lecun": lambda n: np.sqrt(1 / n),
    "pytorch": lambda n: np.sqrt(1 / (3 * n)), "one": lambda n: 1.0, "hundredth": lambda n: 0.01,
}  # fmt: skip


@pytest.mark.parametrize("scheme", DEVIATIONS)
@pytest.mark.parametrize("activation", LAYERS)
def test_the_numbers_from_a_linked_state_are_the_packages(open_widget, activation, scheme):
    tab = open_widget(
        "variance-microscope", f"activation={activation}&scheme={scheme}&width=16&depth=7&seed=3&times=1.25"
    )
    draws = tab.widget.evaluate(DRAWS)
    weights = 1.25 * DEVIATIONS[scheme](16) * np.reshape(draws["weights"], (7, 16, 16))
    x, last = (np.reshape(draws[name], (-1, 16)) for name in ("input", "last"))
    outputs, gradients = through_the_package(activation, weights, x, last)
    found = numbers(tab)
    assert found.shape == (8, 4)
    for column, arrays in ((0, outputs), (2, gradients)):
        wanted = [float((array**2).mean()) for array in arrays]
        np.testing.assert_allclose(found[:, column], wanted, rtol=0.05, atol=5.1e-5)


def test_draws_have_variance_one_and_are_uniform_where_the_scheme_is(open_widget):
    for scheme, distribution in (("he", stats.norm()), ("pytorch", stats.uniform(-np.sqrt(3), 2 * np.sqrt(3)))):
        tab = open_widget("variance-microscope", f"scheme={scheme}&width=64&depth=5")
        weights = np.concatenate(tab.widget.evaluate(DRAWS)["weights"])
        assert len(weights) == 5 * 64**2
        assert stats.kstest(weights, distribution.cdf).pvalue > 1e-3


def test_the_start_is_level_and_one_step_away_is_not(open_widget):
    tab = open_widget("variance-microscope")
    assert "outputs stay level" in told(tab) and "gradient stays level" in told(tab)
    assert "n · variance / 2 = 1." in told(tab)
    tab.get_by_label("Variance of a weight").select_option("xavier")
    drawn(tab)
    assert "outputs vanish" in told(tab) and "gradient vanishes" in told(tab) and "= 0.5." in told(tab)
    tab.get_by_role("button", name="Reset").click()
    slider = tab.get_by_label("Weights times")
    for _ in range(4):
        slider.press("ArrowRight")
    drawn(tab)
    assert state_of(tab)["times"] == "2"
    assert "outputs explode" in told(tab) and "gradient explodes" in told(tab) and "= 4." in told(tab)


def test_tanh_saturates_while_its_gradient_explodes(open_widget):
    tab = open_widget("variance-microscope", "activation=tanh&scheme=one&width=256")
    assert "The outputs saturate" in told(tab) and "Yet the gradient explodes" in told(tab)
    found = numbers(tab)
    assert found[-1, 0] > 0.9 and found[0, 2] > 1e40
    per_layer = (found[0, 3] / found[-1, 3]) ** (1 / 50)
    assert f"about {per_layer:.2f} times a layer" in told(tab) and 7 < per_layer < 11  # the chapter's bounds


@pytest.mark.parametrize("scheme", ["he", "lecun", "hundredth"])
def test_sigmoid_vanishes_under_every_usual_scale(open_widget, scheme):
    tab = open_widget("variance-microscope", f"activation=sigmoid&scheme={scheme}&width=256")
    assert "The gradient vanishes" in told(tab)
    assert numbers(tab)[0, 2] < 1e-40


def test_a_narrow_network_strays_from_what_is_expected(open_widget):
    assert "this one draw, 16 units wide, ends far" in told(open_widget("variance-microscope", "width=16&seed=2"))
    assert "ends far" not in told(open_widget("variance-microscope", "width=256"))


def test_a_dead_layer_is_named(open_widget):
    tab = open_widget("variance-microscope", "width=16&seed=2767")  # found by trying all seeds
    assert "A whole layer is dead" in told(tab) and "to 0." in told(tab)
    assert numbers(tab)[-1, 0] == numbers(tab)[0, 2] == 0


@pytest.mark.parametrize(
    "state",
    [f"scheme={s}&times={t}&width={w}&activation={a}"
     for s, t, w in (("one", 4, 256), ("hundredth", 0.25, 16)) for a in LAYERS],
)  # fmt: skip
def test_the_extremes_stay_numbers(open_widget, state):
    tab = open_widget("variance-microscope", state)
    found = numbers(tab)
    assert np.isfinite(found).all() and found.min() > 0
    assert "∞" not in tab.widget.inner_text() and tab.problems == []


def bars(tab, which) -> list[float]:
    """Heights of a histogram's bars, as drawn."""
    path = tab.locator(".variance-bars").nth(which).get_attribute("d")
    return [40 - float(part.split("H")[0]) for part in path.split("V")[1:-1]]


def test_histograms_count_the_outputs(open_widget):
    tab = open_widget("variance-microscope", "activation=tanh&width=16&depth=7&seed=3")
    draws = tab.widget.evaluate(DRAWS)
    weights = np.sqrt(2 / 16) * np.reshape(draws["weights"], (7, 16, 16))
    x, last = (np.reshape(draws[name], (-1, 16)) for name in ("input", "last"))
    outputs, gradients = through_the_package("tanh", weights, x, last)
    captions = tab.locator(".variance-histograms p").all_inner_texts()
    assert captions[:6] == captions[6:] == [f"layer {layer}" for layer in (1, 2, 3, 4, 6, 7)]
    for which, array, limit in ((3, outputs[4], 1), (9, gradients[4], 3)):
        counts, _ = np.histogram(array.clip(-limit, limit), 21, (-limit, limit))
        np.testing.assert_allclose(bars(tab, which), 40 * counts / counts.max(), atol=0.051)


FRAMES = """(w, [setting, values]) => new Promise((resolve) => {
    const told = () => w.querySelector(".widget-told").textContent;
    const input = w.querySelector(`[data-setting=${setting}] input`);
    const seen = [told()];
    const next = () => {
        seen.push(told());
        if (values.length) {
            input.value = values.shift();
            input.dispatchEvent(new Event("input"));
        }
        if (seen.length < 120) requestAnimationFrame(next);
        else resolve(seen);
    };
    requestAnimationFrame(next);
})"""


def test_the_page_draws_frames_while_a_large_network_is_measured(open_widget):
    tab = open_widget("variance-microscope", "width=256")
    seen = tab.widget.evaluate(FRAMES, ["seed", [77]])
    assert len(set(seen)) == 2
    assert seen.index(seen[-1]) > 4  # frames in which the page could have answered


def test_dragging_shows_what_is_between_and_ends_right(open_widget):
    tab = open_widget("variance-microscope", "width=256")
    seen = tab.widget.evaluate(FRAMES, ["times", [frame // 10 for frame in range(100)]])
    assert len(set(seen)) > 4  # not only the last state
    assert state_of(tab)["times"] == "2"
    drawn(tab)
    assert told(tab) == told(open_widget("variance-microscope", "width=256&times=2"))


def test_more_layers_go_on_where_fewer_end(open_widget):
    tab = open_widget("variance-microscope", "depth=10&width=32")
    short = numbers(tab)
    tab.get_by_label("Layers").press("ArrowRight")
    drawn(tab)
    np.testing.assert_array_equal(numbers(tab)[:11, 0], short[:, 0])
