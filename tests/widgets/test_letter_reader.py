"""The letter reader: its layers against the package, and every way to draw."""

import math

import numpy as np
import pytest

from cnnguide import (
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    ReLU,
    Sequential,
    cross_entropy,
    cross_entropy_backward,
    softmax,
    trained_letters_network,
)
from guide.widget_data import INK, LETTERS, _layer, example_letters, letter_reader
from tests.conftest import core_url
from tests.widgets.conftest import drawn, state_of

FONT = "Cantarell-Regular"  # that the widget begins with


def example(letter):
    """The levels of ink of a letter in the font that the widget begins with."""
    return example_letters()[LETTERS.index(letter), letter_reader()["fonts"].index(FONT)]


# Forward, loss and backward through a network that the package describes.
THROUGH = """async ({ networkOf, tensor }, [layers, x, shape, target, losses]) => {
    const { crossEntropy, crossEntropyBackward, softmax } = await import(losses);
    const filled = ({ shape, values }) => tensor(shape, Float32Array.from(values));
    const network = networkOf(layers.map(({ weight, bias, ...settings }) =>
        weight ? { ...settings, weight: filled(weight), bias: filled(bias) } : settings));
    const outputs = network.activations(filled({ shape, values: x }));
    const scores = outputs.at(-1);
    network.backward(crossEntropyBackward(scores, target));
    return {
        outputs: outputs.map(({ shape, data }) => ({ shape, values: Array.from(data) })),
        loss: crossEntropy(scores, target),
        probabilities: Array.from(softmax(scores).data),
        gradients: network.gradients.map(({ shape, data }) => ({ shape, values: Array.from(data) })),
    };
}"""


def described(model):
    """The layers as the package hands them over, with arrays as lists."""
    layers = []
    for layer in model.layers:
        settings = {name: value for name, value in _layer(layer).items() if name not in ("weight", "bias")}
        arrays = zip(("weight", "bias"), layer.parameters(), strict=False)
        layers.append(settings | {name: {"shape": list(a.shape), "values": a.ravel()} for name, a in arrays})
    return layers


def through(core, model, x, target):
    losses = core_url("losses")
    return core("layers", THROUGH, [described(model), x.ravel(), list(x.shape), target, losses])


def arrays(packed):
    return [np.reshape(one["values"], one["shape"]) for one in packed]


def close(got, wanted):
    """As near as single precision is, seen from the largest number of an array."""
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=2e-6 * max(1.0, float(np.abs(wanted).max())))


def other_networks():
    """Other sizes than the widget's: uneven sides that pooling cuts, kernels that are not square, no padding."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        side, channels, padding = int(rng.integers(7, 12)), int(rng.integers(1, 4)), int(rng.integers(0, 2))
        kernel = tuple(int(length) for length in rng.integers(1, 4, 2))
        layers = [Conv2d(2, channels, kernel, rng, padding=padding), MaxPool2d(int(rng.integers(1, 4))), ReLU()]
        layers += [Conv2d(channels, 3, 1, rng), Flatten()]
        inputs = Sequential(*layers).forward(np.zeros((1, 2, side, side), np.float32)).shape[1]
        model = Sequential(*layers, Linear(inputs, 5, rng))
        for parameter in model.parameters()[1::2]:
            parameter[...] = rng.standard_normal(parameter.shape)  # biases, so that they count
        yield model, rng.standard_normal((3, 2, side, side)).astype(np.float32), rng.integers(0, 5, 3)


def many_that_are_equally_large():
    """Whole numbers, so that windows of the pooling hold the same number twice, and only the first counts."""
    rng = np.random.default_rng(0)
    model = Sequential(Conv2d(1, 3, 3, rng), MaxPool2d(2), ReLU(), Flatten(), Linear(27, 4, rng))
    model.parameters()[0][...] = rng.integers(-1, 2, (3, 1, 3, 3))
    return model, rng.integers(0, 2, (8, 1, 8, 8)).astype(np.float32), rng.integers(0, 4, 8)


def cases():
    model = trained_letters_network()
    for seed in range(4):
        rng = np.random.default_rng(seed)
        yield model, rng.random((5, 1, 20, 20), np.float32), rng.integers(0, 26, 5)
    yield model, (example_letters()[:, 1] / INK).reshape(26, 1, 20, 20).astype(np.float32), np.arange(26)
    yield from other_networks()
    yield many_that_are_equally_large()


def test_every_layer_the_loss_and_all_gradients_are_the_packages(core):
    for model, x, target in cases():
        got = through(core, model, x, target)
        out = x
        for layer, values in zip(model.layers, arrays(got["outputs"]), strict=True):
            out = layer.forward(out, training=True)
            close(values, out)
        assert got["loss"] == pytest.approx(float(cross_entropy(out, target)), rel=1e-4, abs=1e-6)
        close(np.reshape(got["probabilities"], out.shape), softmax(out))
        model.backward(cross_entropy_backward(out, target))
        for gradient, wanted in zip(arrays(got["gradients"]), model.gradients(), strict=True):
            close(gradient, wanted)


def test_one_letter_goes_through_in_a_moment(core):
    milliseconds = core(
        "layers",
        """async ({ networkOf, tensor }, data) => {
            const { load } = await import(data);
            const network = networkOf((await load("letters_network")).layers);
            const times = Array.from({ length: 60 }, () => {
                const before = performance.now();
                network.forward(tensor([1, 1, 20, 20]));
                return performance.now() - before;
            });
            return Math.min(...times.slice(20));
        }""",
        core_url("data"),
    )
    assert milliseconds < 5


def test_drawings_survive_an_address_and_moves(core):
    rng = np.random.default_rng(0)
    inks = [np.zeros(400, int), np.full(400, INK), rng.integers(0, 16, 400), example_letters()[4, 0].ravel()]
    written, restored, moved = core(
        "ink",
        """({ writeInk, readInk, shifted }, inks) => {
            const all = inks.map((ink) => Uint8Array.from(ink));
            return [
                all.map(writeInk),
                all.map((ink) => Array.from(readInk(writeInk(ink), 400))),
                Array.from(shifted(all[3], 20, -2, 3)),
            ];
        }""",
        inks,
    )
    assert np.array_equal(restored, inks)
    assert len(written[3]) < 200  # short enough to be sent
    wanted = np.zeros((20, 20), int)
    wanted[:-2, 3:] = example_letters()[4, 0, 2:, :-3]
    assert np.array_equal(np.reshape(moved, (20, 20)), wanted)


def test_a_stroke_is_round_soft_and_can_be_rubbed_out(core):
    line, again, dot, less = core(
        "ink",
        """({ withStroke }) => {
            const paper = new Uint8Array(400);
            const line = withStroke(paper, 20, [5, 3], [5, 15]);
            return [line, withStroke(line, 20, [5, 3], [5, 15]), withStroke(paper, 20, [9.5, 9.5], [9.5, 9.5]),
                withStroke(line, 20, [5, 9], [5, 9], { rubbing: true })].map((ink) => Array.from(ink));
        }""",
    )
    line, dot, less = (np.reshape(ink, (20, 20)) for ink in (line, dot, less))
    assert np.array_equal(np.ravel(line), again)  # ink on ink stays ink
    assert np.array_equal(line[:10], line[9::-1])  # as far above the stroke as below it
    assert (line[4:6, 3:15] > 12).all() and line[:, 17:].max() == 0
    assert dot[9, 9] == INK and 0 < dot[9, 10] < INK and np.array_equal(dot, dot.T)
    assert less[4:6, 8:10].max() < INK / 2 and less[5, 4] == line[5, 4]


def scores_of(picture):
    return trained_letters_network().forward((picture / INK).astype(np.float32)[None, None])[0]


def read_in(tab):
    return tab.locator(".reader-read").inner_text()


@pytest.mark.parametrize("letter", "egq")
@pytest.mark.parametrize("right", [0, 3])
def test_shown_probabilities_are_the_packages(open_widget, letter, right):
    tab = open_widget("letter-reader", f"letter={letter}&right={right}")
    picture = np.roll(example(letter), right, axis=1)
    picture[:, :right] = 0
    scores, probabilities = scores_of(picture), softmax(scores_of(picture)[None])[0]
    assert read_in(tab) == LETTERS[int(scores.argmax())]
    tab.locator(".widget-numbers summary").click()
    tab.locator(".widget-numbers tbody tr").first.wait_for()
    rows = tab.locator(".widget-numbers tbody tr").all_inner_texts()[:26]
    for row, name, score, p in zip(rows, LETTERS, scores, probabilities, strict=True):
        cells = row.replace("−", "-").split("\t")
        assert cells[0] == name and float(cells[1]) == pytest.approx(float(score), abs=0.001)
        if "10" not in cells[2]:  # no power of ten
            assert float(cells[2].rstrip(" %")) == pytest.approx(100 * float(p), abs=0.0151)


def test_an_e_that_is_moved_is_no_e_to_the_network(open_widget):
    tab = open_widget("letter-reader")
    assert read_in(tab) == "e" and "is read as e" in tab.locator(".widget-told").inner_text()
    slider = tab.locator("[data-setting=right] input")
    for _ in range(4):
        slider.press("ArrowRight")
    drawn(tab)
    told = tab.locator(".widget-told").inner_text()
    assert read_in(tab) != "e" and "moved 4 to the right, is misread" in told and "own weight for every place" in told


def test_bars_are_as_high_as_the_probabilities(open_widget):
    tab = open_widget("letter-reader", "right=3")
    picture = np.roll(example("e"), 3, axis=1)
    picture[:, :3] = 0
    wanted = softmax(scores_of(picture)[None])[0]
    shares = tab.locator(".reader-height").evaluate_all(
        "bars => bars.map((bar) => bar.firstChild.getBoundingClientRect().height / (bar.clientHeight))"
    )
    np.testing.assert_allclose(shares, wanted, atol=0.02)


def pixels(tab, selector):
    """The gray levels of a canvas, from 0 to 255."""
    return np.array(
        tab.locator(selector).evaluate(
            """canvas => { const { data, height, width } = canvas.getContext("2d")
                .getImageData(0, 0, canvas.width, canvas.height);
                const row = (r) => Array.from({ length: width }, (_, c) => data[4 * (r * width + c)]);
                return Array.from({ length: height }, (_, r) => row(r));
            }"""
        )
    )


def test_maps_are_the_packages_with_zero_as_mid_gray(open_widget):
    tab = open_widget("letter-reader")
    out, outputs = (example("e") / INK).astype(np.float32)[None, None], []
    for layer in trained_letters_network().layers[:6]:
        out = layer.forward(out)
        outputs.append(out[0])
    for stage, first in ((0, 0), (1, 3)):
        most = np.abs(outputs[first]).max()
        for later in range(3):
            maps = outputs[first + later]
            wanted = 255 * maps / most if later == 2 else 255 * (maps + most) / (2 * most)
            for channel in (0, 3, len(maps) - 1):
                canvas = f".reader-channels >> nth={stage} >> .reader-channel >> nth={channel} >> canvas >> nth={later}"
                np.testing.assert_allclose(pixels(tab, canvas), wanted[channel], atol=1)


# How a person would write some letters: strokes between the lines, from point to point, as (row, column).
HAND = {
    "o": [[(9.5 - 4 * math.cos(a / 4), 10 + 4 * math.sin(a / 4)) for a in range(27)]],
    "c": [[(9.5 - 4 * math.sin(a / 4), 10 + 4 * math.cos(a / 4)) for a in range(3, 23)]],
    "e": [[(9.5, 6), (9.5, 14)], [(9.5 - 4 * math.sin(a / 4), 10 + 4 * math.cos(a / 4)) for a in range(0, 23)]],
    "l": [[(2, 10), (13.5, 10)]],
    "t": [[(3, 9), (12.5, 9), (13.5, 11), (13.5, 12)], [(5.5, 6.5), (5.5, 12)]],
    "v": [[(5.5, 6), (13.5, 10), (5.5, 14)]],
    "x": [[(5.5, 6), (13.5, 14)], [(5.5, 14), (13.5, 6)]],
    "z": [[(5.5, 6.5), (5.5, 13.5), (13.5, 6.5), (13.5, 13.5)]],
    "u": [[(5.5, 6.5), (12, 6.5), (13.5, 8.5), (13.5, 11), (11, 13.5)], [(5.5, 13.5), (13.5, 13.5)]],
    "n": [[(5.5, 6.5), (13.5, 6.5)], [(8, 6.5), (5.5, 10), (7, 13), (13.5, 13)]],
    "h": [[(2, 6.5), (13.5, 6.5)], [(8, 6.5), (5.5, 10), (7, 13), (13.5, 13)]],
    "w": [[(5.5, 4), (13.5, 7), (5.5, 10), (13.5, 13), (5.5, 16)]],
}


def write(tab, strokes):
    box = tab.locator(".reader-field canvas").bounding_box()

    def at(row, column):
        return box["x"] + box["width"] * column / 20, box["y"] + box["height"] * row / 20

    for stroke in strokes:
        tab.mouse.move(*at(*stroke[0]))
        tab.mouse.down()
        for point in stroke[1:]:
            tab.mouse.move(*at(*point), steps=2)
        tab.mouse.up()


def test_letters_written_by_hand_between_the_lines_are_read(open_widget):
    tab = open_widget("letter-reader")
    read = {}
    for letter, strokes in HAND.items():
        tab.get_by_role("button", name="Clear").click()
        write(tab, strokes)
        drawn(tab)
        read[letter] = read_in(tab)
    wrong = {letter: got for letter, got in read.items() if got != letter}
    assert len(wrong) <= 1, wrong
    assert tab.problems == []


def test_what_was_drawn_is_in_the_address(open_widget):
    tab = open_widget("letter-reader")
    tab.get_by_role("button", name="Clear").click()
    drawn(tab)
    assert "The paper is empty, and still" in tab.locator(".widget-told").inner_text()
    write(tab, HAND["x"])
    drawn(tab)
    linked = open_widget("letter-reader", tab.url.partition("?")[2])
    assert state_of(linked) == state_of(tab) and state_of(tab)["letter"] == "own"
    assert np.array_equal(pixels(linked, ".reader-field canvas"), pixels(tab, ".reader-field canvas"))
    assert pixels(tab, ".reader-field canvas")[9, 9] < 20  # ink, where the strokes of the x meet


def test_an_example_can_be_changed(open_widget):
    tab = open_widget("letter-reader", "letter=c&right=1")
    before = pixels(tab, ".reader-field canvas")
    write(tab, [[(9.5, 7), (9.5, 14)]])
    drawn(tab)
    after = pixels(tab, ".reader-field canvas")
    assert state_of(tab)["letter"] == "own" and state_of(tab)["right"] == "0"
    assert (after <= before).all() and (after[9, 8:14] < 20).all() and (after[14:] == before[14:]).all()
    tab.get_by_role("button", name="Rub out").click()
    write(tab, [[(9.5, 7), (9.5, 14)]])
    drawn(tab)
    assert (pixels(tab, ".reader-field canvas")[9, 8:14] > 240).all()


def test_the_keyboard_draws(open_widget):
    tab = open_widget("letter-reader", "letter=own")
    canvas = tab.locator(".reader-field canvas")
    canvas.focus()
    for key in (*["ArrowUp"] * 4, "Space", *["ArrowDown"] * 6, "Space", *["ArrowRight"] * 3):
        tab.keyboard.press(key)
    drawn(tab)
    picture = pixels(tab, ".reader-field canvas")
    assert (picture[6:12, 9:11] < 64).all() and (picture[:, 12:] == 255).all()  # the pen was lifted
    assert tab.locator(".reader-pen").is_visible()


def test_reset_and_clear_put_the_rubber_away(open_widget):
    tab = open_widget("letter-reader")
    rubber = tab.get_by_role("button", name="Rub out")
    for away in ("Reset", "Clear"):
        rubber.click()
        assert rubber.get_attribute("aria-pressed") == "true"
        tab.get_by_role("button", name=away).click()
        assert rubber.get_attribute("aria-pressed") == "false"


def test_a_second_finger_does_not_draw(open_widget):
    tab = open_widget("letter-reader", "letter=own")
    inked = tab.evaluate(
        """() => {
            const widget = document.querySelector(".widget");
            const canvas = document.querySelector("canvas");
            const box = canvas.getBoundingClientRect();
            canvas.setPointerCapture = () => {};
            const touch = (type, pointerId, x, y) => canvas.dispatchEvent(new PointerEvent(type, {
                pointerId, pointerType: "touch", button: 0, buttons: 1, bubbles: true,
                clientX: box.left + x * box.width, clientY: box.top + y * box.height,
            }));
            touch("pointerdown", 1, 0.1, 0.1);
            touch("pointerdown", 2, 0.9, 0.9);
            touch("pointermove", 2, 0.8, 0.9);
            touch("pointerup", 2, 0.8, 0.9);
            touch("pointermove", 1, 0.2, 0.1);
            return widget.settings.ink.write(widget.state.ink);
        }"""
    )
    one = open_widget("letter-reader", f"letter=own&ink={inked}")
    ink = one.widget.evaluate("w => [...w.state.ink]")
    lit = [place for place, value in enumerate(ink) if value]
    assert lit and max(lit) < len(ink) // 3  # near the upper left


def test_a_stroke_that_the_browser_takes_away_does_not_end_drawing(open_widget):
    tab = open_widget("letter-reader", "letter=own")
    inked = tab.evaluate(
        """() => {
            const canvas = document.querySelector("canvas");
            const box = canvas.getBoundingClientRect();
            canvas.setPointerCapture = () => {};
            const touch = (type, pointerId, x, y) => canvas.dispatchEvent(new PointerEvent(type, {
                pointerId, pointerType: "touch", button: 0, buttons: 1, bubbles: true,
                clientX: box.left + x * box.width, clientY: box.top + y * box.height,
            }));
            touch("pointerdown", 1, 0.1, 0.1);
            touch("lostpointercapture", 1, 0.1, 0.1);
            touch("pointerdown", 2, 0.9, 0.9);
            return [...document.querySelector(".widget").state.ink].findLastIndex((value) => value > 0);
        }"""
    )
    assert inked > 20 * 20 * 2 // 3  # the second finger has drawn at the lower right


def test_a_finger_draws_and_does_not_scroll(open_widget):
    tab = open_widget("letter-reader", "letter=own", width=390, has_touch=True)
    canvas = tab.locator(".reader-field canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    tab.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 4)
    drawn(tab)
    picture = pixels(tab, ".reader-field canvas")
    assert picture[4:6, 9:11].max() < 128 and (picture[8:] == 255).all()
    assert canvas.evaluate("canvas => getComputedStyle(canvas).touchAction") == "none"


def test_units_are_chosen_by_the_arrow_keys_and_say_what_they_like(open_widget):
    tab = open_widget("letter-reader", "unit=second-1")
    tab.locator(".reader-choose:checked").focus()
    tab.keyboard.press("ArrowRight")
    drawn(tab)
    assert state_of(tab)["unit"] == "second-2"
    stage = letter_reader()["stages"][1]
    best = ", ".join(LETTERS[letter] for letter in stage["favourites"][1][:3])
    assert "Channel 2 of the second convolution answers with" in (told := tab.locator(".widget-told").inner_text())
    assert f"{best} excite it most" in told
    tab.locator(".reader-bar").nth(4).click()
    drawn(tab)
    assert state_of(tab)["unit"] == "letter-e" and not tab.locator(".reader-field .picture-window").is_visible()


def test_the_frame_is_around_what_the_unit_sees(open_widget):
    """Only there can a changed pixel change the strongest answer."""
    tab = open_widget("letter-reader", "unit=second-4")
    top, left, height, width = tab.locator(".reader-field .picture-window").evaluate(
        """window => ["top", "left", "height", "width"].map((side) => parseFloat(window.style[side]) / 5)"""
    )
    x = (example("e") / INK).astype(np.float32)
    part = Sequential(*trained_letters_network().layers[:4])
    row, column = np.unravel_index(part.forward(x[None, None])[0, 3].argmax(), (10, 10))
    other = np.random.default_rng(0).random((20, 20), np.float32)
    inside = other.copy()
    rows, columns = slice(int(top), int(top + height)), slice(int(left), int(left + width))
    inside[rows, columns] = x[rows, columns]
    answers = part.forward(np.stack([x, inside, other])[:, None])[:, 3, row, column]
    assert (height, width) == (8, 8) and answers[1] == pytest.approx(answers[0], rel=1e-5)
    assert abs(answers[2] - answers[0]) > 0.1
    for r, c in ((rows.start, columns.start), (rows.stop - 1, columns.stop - 1)):  # and there it does
        inside[r, c] += 1
    assert part.forward(inside[None, None])[0, 3, row, column] != answers[1]


def test_dead_channels_are_called_dead(open_widget):
    stage = letter_reader()["stages"][1]
    dead = [unit for unit, answers in enumerate(stage["answers"]) if answers[0] <= 0]
    assert dead
    tab = open_widget("letter-reader", f"unit=second-{dead[0] + 1}")
    assert "is dead" in tab.locator(".widget-told").inner_text()


def test_favourite_letters_excite_more_than_others():
    """Counted once more, letter by letter, with the network as a whole."""
    model, examples = trained_letters_network(), example_letters() / INK
    for stage in letter_reader()["stages"]:
        part = Sequential(*model.layers[: stage["layer"] + 1])
        means = np.array([part.forward(x[:, None].astype(np.float32)) for x in examples])
        means = means.reshape(*means.shape[:3], -1).max(axis=3).mean(axis=1)
        for unit, (favourites, answers) in enumerate(zip(stage["favourites"], stage["answers"], strict=True)):
            np.testing.assert_allclose(means[favourites, unit], answers, atol=0.001)
            others = np.delete(means[:, unit], favourites)
            assert others.max() <= means[favourites, unit].min() + 1e-5
