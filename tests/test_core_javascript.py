"""Every export of docs/javascripts/core is held to its twin in the package, at numbers that are not finite too.

The vectors here are what no other test tries. Where a test of a widget already compares an export with the package,
ELSEWHERE says which; an export that is in neither list fails.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import cnnguide
from cnnguide import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential, activations
from cnnguide.figures.training import SURFACES
from guide.widget_data import INK
from tests.conftest import ROOT

MODULES = sorted(path.stem for path in (ROOT / "docs/javascripts/core").glob("*.js"))
MOST, LEAST, TINY = (float(n) for n in (np.finfo(np.float32).max, np.finfo(np.float32).tiny, 2.0**-149))
ODD = np.array([0.0, -0.0, 1, -1, MOST, -MOST, LEAST, -LEAST, TINY, -TINY, np.inf, -np.inf, np.nan, 3e38, -3e38, 88])
"""What a float32 can be: zeros, the largest, the smallest normal and subnormal ones, infinities, NaN."""

Vector = tuple[str, Any, Any]
"""JavaScript that uses the module `m` and the argument `a`; the argument; what the package gives."""

VECTORS: dict[str, Callable[[], Iterator[Vector]]] = {}

ELSEWHERE = {
    "test_grid_illusion.test_measures_are_numpys": "color: grayShare correlation distance",
    "test_kernel_stack.test_costs_are_the_packages": "kernel_stack: compare",
    "test_kernel_stack.test_the_stack_pays_from_the_side_that_is_said": "kernel_stack: evenSide",
    "test_kernel_stack.test_the_stack_pays_up_to_the_channels_that_are_said": "kernel_stack: mostBetween",
    "test_letter_channel.test_pages_are_the_packages": "letters: drawPage; data: load",
    "test_letter_channel.test_words_are_refused_where_the_package_refuses_them": "letters: tooWide",
    "test_letter_channel.test_templates_are_the_packages": "channels: cutLetter templateBank",
    "test_letter_channel.test_finds_and_verdicts_are_the_packages": "channels: bestFits findLetter judge",
    "test_letter_reader.test_drawings_survive_an_address_and_moves": "ink: writeInk readInk shifted",
    "test_letter_reader.test_a_stroke_is_round_soft_and_can_be_rubbed_out": "ink: withStroke",
    "test_live_training.test_many_steps_are_the_packages": "training: RULES trainingStep batchOf",
    "test_live_training.test_first_weights_have_the_variance_that_their_name_says": "training: STARTS untrained",
    "test_live_training.test_an_epoch_meets_every_example_once_in_another_order": "training: batches",
    "test_live_training.test_the_layer_that_broke_is_the_one_that_the_package_names": "training: diagnosis",
    "test_network_calculator.test_lists_survive_the_address_and_are_followed_as_the_package_does": (
        "layer_list: readLayers writeLayers follow"
    ),
    "test_network_calculator.test_the_code_for_the_package_gives_the_numbers_that_are_shown": "network_code: packageCode",
    "test_network_calculator.test_the_code_for_pytorch_gives_the_numbers_that_are_shown": "network_code: torchCode",
    "test_optimizer_stepper.test_slopes_starts_and_minima_are_those_of_the_figures": "surfaces: SURFACES",
    "test_optimizer_stepper.test_lines_of_equal_loss_lie_where_the_loss_is_equal": "surfaces: contours",
    "test_random.test_bits_are_those_of_the_published_generator": "random: Random",
    "test_receptive_field.test_generated_chains_and_branches_are_the_packages": (
        "receptive_field: receptiveField startOf trace"
    ),
    "test_receptive_field.test_what_is_linked_is_what_changes_with_each_other": (
        "receptive_field: existing reachedBy seenBy sizeAfter"
    ),
    "test_shapes.test_sizes_and_chains_are_the_packages": "shapes: convOutputSize convChain",
    "test_shapes.test_parameters_are_the_packages": "shapes: convParameters",
    "test_shapes.test_multiplications_are_the_packages": "shapes: convMacs",
    "test_shapes.test_chains_are_written_as_the_package_writes_them": "shapes: formatChain",
    "test_symmetry_breaking.test_every_step_is_that_of_the_packages_layers": (
        "symmetry: lossAndGradients descend unlike"
    ),
    "test_symmetry_breaking.test_the_same_start_is_trained_as_in_the_package": "symmetry: CHANGES littleNetwork train",
    "test_variance_microscope.test_fans_are_the_packages": "initializers: fans",
    "test_variance_microscope.test_the_same_draws_give_the_packages_weights": "initializers: VARIANCES normal uniform",
    "test_variance_microscope.test_signal_and_gradient_are_those_of_the_packages_layers": "signal: signalAndGradient",
    "test_variance_microscope.test_expectations_are_integrals_over_the_normal_distribution": "signal: expected",
}
"""By the test that compares them: exports of core."""

NO_TWIN = {
    "signal.SAMPLES": "how many inputs the page sends through at once; the package takes any number",
    "layer_list.PARTS": "limits of what an address may ask for; nothing is computed",
    "layer_list.partsOf": "which of PARTS a kind of layer has",
    "layer_list.tooMany": "a limit of what is drawn",
    "layer_list.named": "names for the page; the package takes names as they are given",
    "layer_list.withNamedBranches": "names for the page",
    "layer_list.letterOf": "names for the page",
    "receptive_field.MisalignedError": "the error of which test_receptive_field compares every message",
    "receptive_field.naming": "puts the layer's name before a message; compared with the messages",
    "receptive_field.fieldAfter": "one step of receptiveField, which is compared",
}


def vectors(name: str) -> Callable:
    """Give the vectors of one export, `module.export`."""

    def register(function):
        VECTORS[name] = function
        return function

    return register


def close(got, wanted, rtol=2e-6):
    """The same numbers, NaN and infinities in the same places; zeros of either sign are equal."""
    if isinstance(wanted, np.ndarray | np.generic | float):
        wanted = np.asarray(wanted, float)
        got = np.reshape(np.array(got, float), wanted.shape)
        np.testing.assert_allclose(got, wanted, rtol=rtol, atol=TINY)
    elif isinstance(wanted, list | tuple):
        for one, other in zip(got, wanted, strict=True):
            close(one, other, rtol)
    else:
        assert got == wanted


def planes(rows: np.ndarray) -> dict:
    return {"height": rows.shape[-2], "width": rows.shape[-1], "data": rows.ravel()}


def odd(*shape: int, seed: int = 0, share: float = 0.3) -> np.ndarray:
    """Ordinary numbers, among them some that are not."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(shape) < share, rng.choice(ODD, shape), rng.standard_normal(shape))


# Vectors


@vectors("activations.relu")
def _():
    yield "a.map(m.relu)", ODD, activations.relu(ODD)


@vectors("activations.tanh")
def _():
    yield "a.map(m.tanh)", ODD, activations.tanh(ODD)


@vectors("activations.sigmoid")
def _():
    yield "a.map(m.sigmoid)", ODD, activations.sigmoid(ODD)


@vectors("activations.ACTIVATIONS")
def _():
    yield "[a.map(m.ACTIVATIONS.linear.value), a.map(m.ACTIVATIONS.linear.slope)]", ODD, [ODD, np.ones_like(ODD)]
    for name in ("relu", "tanh", "sigmoid"):
        back = getattr(activations, f"{name}_backward")(np.ones_like(ODD), ODD)
        wanted = [getattr(activations, name)(ODD), back]
        yield f"[a.map(m.ACTIVATIONS.{name}.value), a.map(m.ACTIVATIONS.{name}.slope)]", ODD, wanted


@vectors("color.colorOf")
def _():
    picture = odd(3, 4, 5)
    yield (
        "m.colorOf(a).map((one) => one.data)",
        [planes(one) for one in picture],
        list(picture - cnnguide.luma(picture)),
    )


@vectors("color.blockMeans")
def _():
    picture = odd(3, 7, 5, share=0.1)
    wanted = list(cnnguide.avg_pool2d(picture[None], 3)[0])
    yield "m.blockMeans(a, 3).map((one) => one.data)", [planes(one) for one in picture], wanted


@vectors("filters.BORDERS")
def _():
    places = np.arange(5)
    for border in ("reflect", "mirror", "nearest", "wrap"):
        pad = {"reflect": "symmetric", "mirror": "reflect", "nearest": "edge", "wrap": "wrap"}[border]
        code = f"Array.from({{ length: 35 }}, (_, i) => m.BORDERS.{border}(i - 15, 5))"
        yield code, None, np.pad(places, 15, mode=pad)
    yield "[-2, -1, 0, 4, 5].map((i) => m.BORDERS.constant(i, 5))", None, [-1, -1, 0, 4, -1]


FILTER = "m.applyFilter(a.image, a.kernel, a.border).data"


@vectors("filters.applyFilter")
def _():
    for border in ("reflect", "mirror", "nearest", "wrap", "constant"):
        for share in (0.02, 0.3):
            image, kernel = odd(9, 7, share=share), odd(3, 4, seed=1, share=0)
            wanted = cnnguide.apply_filter(image, kernel, border)
            yield FILTER, {"image": planes(image), "kernel": planes(kernel), "border": border}, wanted


@vectors("filters.windowAt")
def _():
    image = odd(6, 5)
    for border, pad in {"reflect": "symmetric", "nearest": "edge", "wrap": "wrap", "constant": "constant"}.items():
        wanted = np.pad(image, 1, mode=pad)[0:3, 3:6]
        yield f"m.windowAt(a, 3, 3, 0, 3, '{border}')", planes(image), wanted


@vectors("filters.matchTemplate")
def _():
    for scale in (1.0, 1e-30, 1e30):
        image, template = scale * odd(12, 9, share=0), odd(3, 4, seed=1, share=0)
        yield "m.matchTemplate(...a).data", [planes(image), planes(template)], cnnguide.match_template(image, template)


@vectors("filters.matcher")
def _():
    image, bank = odd(12, 9, share=0), [odd(3, 4, seed=1, share=0), odd(2, 2, seed=2, share=0)]
    wanted = [cnnguide.match_template(image, one) for one in bank]
    code = "((match) => a.bank.map((one) => match(one).data))(m.matcher(a.image))"
    yield code, {"image": planes(image), "bank": [planes(one) for one in bank]}, wanted


@vectors("images.plane")
def _():
    yield "m.plane(2, 3)", None, {"height": 2, "width": 3, "data": [0] * 6}


@vectors("images.disk")
def _():
    for size, radius in ((17, 5.5), (8, 0.0), (1, 3.0), (9, np.inf)):
        yield "m.disk(...a).data", [size, radius], cnnguide.disk(size, radius)


@vectors("images.ramp")
def _():
    for angle in (0.0, 90.0, 30.0, -400.0):
        yield "m.ramp(...a).data.map((v) => v + 100)", [8, angle], cnnguide.ramp(8, angle) + 100


@vectors("images.checkerboard")
def _():
    for size, field in ((9, 2), (8, 8), (3, 1)):
        yield "m.checkerboard(...a).data", [size, field], cnnguide.checkerboard(size, field)


@vectors("images.luma")
def _():
    picture = odd(3, 4, 5)
    yield "m.luma(a).data", [planes(one) for one in picture], cnnguide.luma(picture)


@vectors("images.planes")
def _():
    counts = np.random.default_rng(0).integers(0, 256, (4, 5, 3))
    code = "m.planes({ shape: [4, 5, 3], data: a }).map((one) => one.data)"
    yield code, counts.ravel(), list(counts.transpose(2, 0, 1) / 255)


@vectors("images.colorGrid")
def _():
    picture = odd(3, 12, 9, share=0.1)
    for settings in ((8, 2, 2.0), (4, 1, 0.5)):
        wanted = list(cnnguide.color_grid(picture, *settings))
        code = "m.colorGrid(a.picture, ...a.settings).map((one) => one.data)"
        yield code, {"picture": [planes(one) for one in picture], "settings": settings}, wanted


@vectors("ink.LEVELS")
def _():
    yield "m.LEVELS", None, INK


@vectors("kernel_stack.depthOf")
def _():
    for kernel in (3, 5, 7, 11):
        wanted = next(n for n in range(9) if cnnguide.receptive_field([cnnguide.Window(3)] * n).size == kernel)
        yield "m.depthOf(a)", kernel, wanted


@vectors("layer_list.total")
def _():
    yield "m.total([{ macs: 3 }, { macs: 4, other: 1 }], 'macs')", None, 7
    yield "m.total([], 'macs')", None, 0


def tensor(array: np.ndarray) -> dict:
    return {"shape": list(array.shape), "data": array.ravel()}


TENSORS = "const t = ({ shape, data }) => m.tensor(shape, Float32Array.from(data));"
THERE_AND_BACK = f"""(() => {{
    {TENSORS}
    const arrays = Object.fromEntries(Object.entries(a.arrays).map(([k, v]) => [k, t(v)]));
    const layer = new m[a.kind]({{ ...a.settings, ...arrays }});
    const out = layer.forward(t(a.x));
    const dx = layer.backward(t(a.grad));
    return [out.shape, out.data, dx.data, ...layer.gradients.map(({{ data }}) => data)];
}})()"""


def through(layer, x, seed=9, **settings) -> Vector:
    """One layer forward and, with gradients of whole numbers, backward."""
    x = x.astype(np.float32)
    with np.errstate(all="ignore"):
        out = layer.forward(x, training=True)
        grad = np.random.default_rng(seed).integers(-2, 3, out.shape).astype(np.float32)
        wanted = [list(out.shape), out, layer.backward(grad), *layer.gradients()]
    arrays = dict(zip(("weight", "bias"), map(tensor, layer.parameters()), strict=False))
    name = type(layer).__name__
    argument = {"kind": name, "settings": settings, "arrays": arrays, "x": tensor(x), "grad": tensor(grad)}
    return THERE_AND_BACK, argument, wanted


@vectors("layers.ReLU")
def _():
    yield through(ReLU(), ODD[None])
    yield through(ReLU(), odd(2, 3, 4, 4))


@vectors("layers.MaxPool2d")
def _():
    for seed in range(6):  # NaN in every place of a window, -inf alone in one, several of each
        yield through(MaxPool2d(2), odd(2, 2, 5, 6, seed=seed, share=0.1 + 0.15 * seed), kernel=2)
    yield through(MaxPool2d(2), np.full((1, 1, 2, 2), -np.inf), kernel=2)
    yield through(MaxPool2d(3), np.full((1, 1, 3, 3), np.nan), kernel=3)


@vectors("layers.Flatten")
def _():
    yield through(Flatten(), odd(2, 3, 4, 4))


def small_numbers(layer):
    """Weights of whole numbers, so that no order of the sum matters."""
    rng = np.random.default_rng(4)
    for one in layer.parameters():
        one[...] = rng.integers(-3, 4, one.shape)
    return layer


def whole(*shape: int) -> np.ndarray:
    return np.random.default_rng(5).integers(-4, 5, shape).astype(float)


@vectors("layers.Conv2d")
def _():
    for padding in (0, 1):
        layer = small_numbers(Conv2d(2, 3, 3, np.random.default_rng(0), padding=padding))
        yield through(layer, whole(2, 2, 6, 5), padding=padding)


@vectors("layers.Linear")
def _():
    layer = small_numbers(Linear(6, 4, np.random.default_rng(0)))
    yield through(layer, whole(3, 6))
    for special in (np.nan, np.inf, MOST, TINY):
        x = whole(3, 6)
        x[1, 2] = special
        yield through(layer, x)


@vectors("layers.tensor")
def _():
    yield "m.tensor([2, 3])", None, {"shape": [2, 3], "data": [0] * 6}


STACK = f"""(() => {{
    {TENSORS}
    const filled = (one) => Object.fromEntries(Object.entries(one).map(([k, v]) => [k, v?.shape ? t(v) : v]));
    const network = m.networkOf(a.layers.map(filled));
    const outputs = network.activations(t(a.x)).map(({{ data }}) => data);
    network.backward(t(a.grad));
    return [outputs, network.gradients.map(({{ data }}) => data)];
}})()"""


def stack() -> Iterator[Vector]:
    model = Sequential(
        small_numbers(Conv2d(1, 2, 3, np.random.default_rng(0))),
        MaxPool2d(2),
        ReLU(),
        Flatten(),
        small_numbers(Linear(8, 3, np.random.default_rng(1))),
    )
    x, outputs = whole(2, 1, 6, 6).astype(np.float32), []
    out = x
    for layer in model.layers:
        out = layer.forward(out, training=True)
        outputs.append(out)
    grad = np.ones_like(out)
    model.backward(grad)
    kinds: list[dict[str, object]] = [{"kind": type(layer).__name__} for layer in model.layers]
    kinds[1]["kernel"] = 2
    for kind, layer in zip(kinds, model.layers, strict=True):
        kind.update(zip(("weight", "bias"), map(tensor, layer.parameters()), strict=False))
    yield STACK, {"layers": kinds, "x": tensor(x), "grad": tensor(grad)}, [outputs, list(model.gradients())]


VECTORS["layers.Sequential"] = VECTORS["layers.networkOf"] = stack


@vectors("letters.rounded")
def _():
    values = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999999999999994, 7.0, -3.2, 1e15 + 0.5]
    yield "a.map(m.rounded)", values, [round(value) for value in values]


SCORES = [
    np.array([[1.0, 2, 3], [0, 0, 0]]),
    np.array([[88.0, 89, -1000], [1e4, -1e4, 0]]),
    np.array([[MOST, -MOST, 0], [MOST, MOST, TINY]]),
    np.array([[np.inf, 0, 1], [-np.inf, 0, 1]]),
    np.array([[np.nan, 0, 1], [-np.inf, -np.inf, -np.inf]]),
]
OF_SCORES = "(() => { const s = { shape: [2, 3], data: Float32Array.from(a.flat()) }; return %s; })()"


@vectors("losses.softmax")
def _():
    for scores in SCORES:
        yield OF_SCORES % "m.softmax(s).data", scores, cnnguide.softmax(scores.astype(np.float32))


@vectors("losses.crossEntropy")
def _():
    for scores in SCORES:
        wanted = cnnguide.cross_entropy(scores.astype(np.float32), np.array([0, 2]))
        yield OF_SCORES % "m.crossEntropy(s, [0, 2])", scores, float(wanted)


@vectors("losses.crossEntropyBackward")
def _():
    for scores in SCORES:
        wanted = cnnguide.cross_entropy_backward(scores.astype(np.float32), np.array([0, 2]))
        yield OF_SCORES % "m.crossEntropyBackward(s, [0, 2]).data", scores, wanted


STEPS = """(() => {
    const [w, rule] = [Float64Array.from(a.start), new m[a.rule](a.settings)];
    return a.gradients.map((g) => { rule.step([w], [Float64Array.from(g)]); return Array.from(w); });
})()"""


def rule(name: str, **settings) -> None:
    def steps() -> Iterator[Vector]:
        gradients = np.stack([ODD, ODD[::-1], odd(len(ODD)), np.zeros(len(ODD))])
        start, optimizer = odd(len(ODD), seed=1, share=0), getattr(cnnguide, name)(**settings)
        w, wanted = start.copy(), []
        with np.errstate(all="ignore"):
            for gradient in gradients:
                optimizer.step([w], [gradient])
                wanted.append(w.copy())
        yield STEPS, {"rule": name, "settings": settings, "start": start, "gradients": gradients}, wanted

    VECTORS[f"optimizers.{name}"] = steps


rule("SGD", lr=0.1, momentum=0.9, nesterov=True)
rule("AdaGrad", lr=0.1)
rule("RMSProp", lr=0.1)
rule("Adam", lr=0.1)


@vectors("pooling.avgPool2d")
def _():
    for seed, share in ((0, 0.0), (1, 0.05), (2, 0.4)):
        image = odd(7, 9, seed=seed, share=share)
        yield "m.avgPool2d(a, 2).data", planes(image), cnnguide.avg_pool2d(image[None, None], 2)


@vectors("receptive_field.spanOf")
def _():
    for kernel, dilation in ((1, 1), (3, 2), (7, 5)):
        wanted = cnnguide.receptive_field([cnnguide.Window(kernel, dilation=dilation)]).size
        yield "m.spanOf(a)", {"kernel": kernel, "dilation": dilation}, wanted


TRIED = "(() => { try { return %s; } catch (error) { return `${error.name}: ${error.message}`; } })()"


def refusal(function, *arguments) -> Any:
    """What the package gives, or its error in JavaScript's words."""
    try:
        return function(*arguments)
    except (TypeError, ValueError) as error:
        return f"{'RangeError' if isinstance(error, ValueError) else 'TypeError'}: {error}"


@vectors("shapes.poolOutputSize")
def _():
    rng = np.random.default_rng(0)
    code = TRIED % "m.poolOutputSize(...a)"
    for _ in range(200):
        size, kernel, stride, dilation = (int(n) for n in rng.integers((1, 1, 1, 1), (20, 6, 5, 4)))
        padding = tuple(map(int, rng.integers(0, 4, 2)))
        arguments = (size, kernel, stride, padding, dilation, bool(rng.random() < 0.7))
        yield code, arguments, refusal(cnnguide.pool_output_size, *arguments)


@vectors("shapes.wholeNumber")
def _():
    from cnnguide._checks import check_int

    yield "m.wholeNumber('size', a, 1)", 3, check_int("size", 3, 1)
    code = TRIED % "m.wholeNumber('size', a, 1)"
    for value in (0, -7):
        yield code, value, refusal(check_int, "size", value, 1)


@vectors("shapes.bothSides")
def _():
    from cnnguide._checks import check_axis_padding

    code = TRIED % "m.bothSides(a)"
    for padding in (0, 3, (1, 2), -1, (1, -2)):
        wanted = refusal(check_axis_padding, padding)
        yield code, padding, list(wanted) if isinstance(wanted, tuple) else wanted


@vectors("signal.meanSquare")
def _():
    for values in (odd(40, share=0), np.array([MOST, MOST]), np.array([np.inf, 1]), np.array([np.nan, 1])):
        yield "m.meanSquare(a)", values, np.mean(values**2)


WALK = """(() => {
    const rule = { steps: 0, step([w], [g]) { w.forEach((_, i) => (w[i] -= a.lr * g[i])); }, computed: () => ({}) };
    return m.%s;
})()"""


def walked(surface, steps: int, lr: float) -> np.ndarray:
    at, places = np.array(surface.start, float), [np.array(surface.start, float)]
    optimizer = cnnguide.SGD(lr=lr)
    for _ in range(steps):
        optimizer.step([at], [np.asarray(surface.slope(at), float)])
        places.append(at.copy())
    return np.array(places)


@vectors("surfaces.walk")
def _():
    for name, surface in SURFACES.items():
        code = WALK % f"walk(m.SURFACES['{name}'], m.SURFACES['{name}'].start, rule, 20).map(({{ at }}) => at)"
        yield code, {"lr": 0.04}, walked(surface, 20, 0.04)


@vectors("surfaces.meanHeight")
def _():
    places = walked(SURFACES["valley"], 20, 0.04)[1:]
    code = WALK % "meanHeight(m.SURFACES.valley, m.SURFACES.valley.start, rule, 20)"
    yield code, {"lr": 0.04}, np.mean(places[:, 0] ** 2 / 2 + 10 * places[:, 1] ** 2)
    yield code, {"lr": 5.0}, np.inf  # it walks away for good


@vectors("training.readings")
def _():
    scores = np.array([[1.0, 3, 3], [-np.inf, -np.inf, 0], [5, np.inf, 1]])
    code = "m.readings({ forward: (x) => x }, { shape: [3, 3], data: Float32Array.from(a.flat()) })"
    yield code, scores, scores.argmax(axis=1).tolist()


@vectors("training.isDead")
def _():
    code = "m.isDead({ layers: [{ x: { data: a } }] })"
    for values in ([0.0, -0.0], [0.0, np.nan], [0.0, TINY]):
        yield code, values, not np.any(np.array(values))


# Tests


@pytest.mark.parametrize("name", VECTORS)
def test_vectors_of_the_package_come_out_the_same(core, name):
    module, _ = name.split(".")
    with np.errstate(all="ignore"):
        given = list(VECTORS[name]())
    assert given
    for code, argument, wanted in given:
        close(core(module, f"(m, a) => ({code})", argument), wanted)


def compared_elsewhere() -> set[str]:
    names = set()
    for exports in ELSEWHERE.values():
        for part in exports.split("; "):
            module, listed = part.split(": ")
            names |= {f"{module}.{name}" for name in listed.split()}
    return names


def test_every_export_is_compared_with_the_package_or_says_why_not(core):
    exported = {f"{module}.{name}" for module in MODULES for name in core(module, "(m) => Object.keys(m)")}
    held = [*VECTORS, *compared_elsewhere(), *NO_TWIN]
    assert sorted(held) == sorted(exported)


@pytest.mark.parametrize("test", ELSEWHERE)
def test_the_tests_that_compare_elsewhere_exist_and_use_what_they_are_listed_for(test):
    module, function = test.split(".")
    text = (ROOT / f"tests/widgets/{module}.py").read_text(encoding="utf-8")
    assert re.search(rf"^def {function}\(", text, re.M)
    if "_the_code_for_" not in function:  # that code is read off the page and run
        for part in ELSEWHERE[test].split("; "):
            for name in part.split(": ")[1].split():
                assert re.search(rf"\b{name}\b", text), name


@pytest.mark.parametrize(("weight", "x"), [(-3e38, 10.0), (3e38, 10.0), (1e37, 1.0), (-1.0, np.inf)])
def test_what_overflows_in_the_package_overflows_in_the_page(core, weight, x):
    """A dead end such as weights of -3e38 ends in numbers that are finite in both, or in neither.

    Partial sums that overflow on the way to a total that fits are left out: in the package, too, they depend on the order.
    """
    model = Sequential(
        Conv2d(1, 2, 1, np.random.default_rng(0)), ReLU(), Flatten(), Linear(8, 2, np.random.default_rng(1))
    )
    model.parameters()[0][...] = weight
    image = np.full((1, 1, 2, 2), x, np.float32)
    out, wanted = image, []
    with np.errstate(all="ignore"):
        for layer in model.layers:
            out = layer.forward(out)
            wanted.append(np.isfinite(out).ravel().tolist())
    layers = [{"kind": type(layer).__name__} for layer in model.layers]
    for kind, layer in zip(layers, model.layers, strict=True):
        kind.update(zip(("weight", "bias"), map(tensor, layer.parameters()), strict=False))
    code = STACK.replace("network.backward(t(a.grad));", "")
    outputs, _ = core("layers", f"(m, a) => ({code})", {"layers": layers, "x": tensor(image)})
    assert [np.isfinite(np.array(one, float)).tolist() for one in outputs] == wanted
