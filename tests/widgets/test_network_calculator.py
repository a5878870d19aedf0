"""The network calculator: its arithmetic and its code against the package and PyTorch, and every way to use it."""

import contextlib
import io
import itertools
import re

import numpy as np
import pytest

from cnnguide import (
    NETWORKS,
    Parallel,
    Window,
    avg_pool2d,
    conv_macs,
    conv_output_size,
    conv_parameters,
    max_pool2d,
    receptive_field,
    trace,
)
from cnnguide.experiments.kernel_size import resnet_50_convolutions
from guide.calculator_networks import networks
from tests.widgets.conftest import drawn, expected, state_of, updated

KNOWN = networks()
MIXED = "c3-8,p3-2-0.1,s(c1-8,c3-8-1-1,c1-8~),j(c1-4~p3-1-1,c3-4-1-1~a3-1-1),c3-16-2-2-2-4,p4-3-3,a2"


# Lists of layers, generated and followed by the package.


def some_layer(rng):
    kernel, stride = int(rng.integers(1, 5)), int(rng.choice((1, 1, 2)))
    padding = [int(n) for n in rng.integers(0, 3, 2)] if rng.random() < 0.3 else [kernel // 2] * 2
    layer = {
        "kind": "pool",
        "kernel": kernel,
        "stride": stride,
        "padding": padding,
        "dilation": int(rng.integers(1, 3)),
    }
    if rng.random() < 0.2:
        layer |= {"kind": "average", "dilation": 1}
    elif rng.random() < 0.8:
        layer |= {"kind": "conv", "channels": int(rng.choice((4, 6, 8))), "groups": int(rng.choice((1, 1, 2)))}
    return layer


def same_layer(channels):
    return {
        "kind": "conv", "kernel": 3, "stride": 1, "padding": [1, 1], "dilation": 1, "channels": channels, "groups": 1,
    }  # fmt: skip


def some_block(rng):
    if rng.random() < 0.3:
        return {"kind": "block", "join": "concatenated", "chains": [[some_layer(rng)], [some_layer(rng)]]}
    chains = [[same_layer(int(rng.choice((4, 4, 8))))] * int(rng.integers(1, 3)) for _ in range(rng.integers(1, 4))]
    return {"kind": "block", "join": str(rng.choice(("added", "concatenated"))), "chains": chains}


def some_list(rng):
    return [(some_block if rng.random() < 0.25 else some_layer)(rng) for _ in range(rng.integers(0, 6))]


def chain(layers):
    """Layers as the package takes them."""
    return [
        Parallel(*(chain(one) for one in layer["chains"]), name=layer.get("name", ""))
        if layer["kind"] == "block"
        else Window(
            layer["kernel"], layer["stride"], tuple(layer["padding"]), layer["dilation"], name=layer.get("name", "")
        )
        for layer in layers
    ]


def followed(layers, size, channels, bias):
    """(size, channels, parameters, macs) behind each layer; ValueError where one cannot be."""
    rows = []
    for layer in layers:
        if layer["kind"] == "block":
            inside = [followed(one, size, channels, bias) for one in layer["chains"]]
            ends = [rows[-1] if rows else (size, channels) for rows in inside]
            counts = [end[1] for end in ends]
            if layer["join"] == "added" and len(set(counts)) > 1:
                raise ValueError("channels")
            parameters, macs = (sum(row[what] for rows in inside for row in rows) for what in (2, 3))
            size, channels = ends[0][0], counts[0] if layer["join"] == "added" else sum(counts)
        else:
            padding = tuple(layer["padding"])
            parameters = macs = 0
            following = conv_output_size(size, layer["kernel"], layer["stride"], padding, layer["dilation"])
            if layer["kind"] == "conv":
                groups = layer["groups"]
                parameters = conv_parameters(channels, layer["channels"], layer["kernel"], groups, bias)
                macs = conv_macs(
                    size, channels, layer["channels"], layer["kernel"], layer["stride"], (padding, padding),
                    layer["dilation"], groups,
                )  # fmt: skip
                channels = layer["channels"]
            size = following
        rows.append((size, channels, parameters, macs))
    return rows


FOLLOW = """({ follow, named, readLayers, writeLayers }, cases) => cases.map(([layers, options]) => {
    const text = writeLayers(layers);
    const { rows, problem } = follow(readLayers(text), options);
    const numbers = (row) => [row.size, row.receptiveField, row.jump, row.start, row.channels, row.parameters, row.macs];
    return { text, again: writeLayers(readLayers(text)), rows: rows.map(numbers), problem };
})"""


def test_lists_survive_the_address_and_are_followed_as_the_package_does(core):
    rng = np.random.default_rng(0)
    cases = [
        (
            some_list(rng),
            {"size": int(rng.integers(6, 40)), "channels": int(rng.choice((2, 4))), "bias": bool(rng.random() < 0.5)},
        )
        for _ in range(500)
    ]
    possible = 0
    for (layers, options), got in zip(cases, core("layer_list", FOLLOW, cases), strict=True):
        assert got["text"] == got["again"]
        try:
            rows = trace(chain(layers), options["size"])[1:]
            costs = followed(layers, **options)
        except ValueError:
            assert got["problem"], got["text"]
            continue
        possible += 1
        assert got["problem"] == "", got["text"]
        for numbers, row, (size, channels, parameters, macs) in zip(got["rows"], rows, costs, strict=True):
            assert numbers == [size, row.receptive_field, row.jump, row.start, channels, parameters, macs], got["text"]
            assert row.size == size
    assert 150 < possible < 450


@pytest.mark.parametrize(
    "text",
    ["c", "c3", "c3-", "x3", "c0-4", "c3-0", "c100-4", "p2-0", "p2-2-1.2.3", "c3-4,,p2", "s(c3-4", "s(s(p2)~)", "p2-65",
     "s", "constructor", "c3-4-1-1-1-1-1", "p1.5", "p2~p2", "a3-1-1-2", "w3", ",".join(["p1"] * 300)],
)  # fmt: skip
def test_texts_that_are_no_list_are_refused(core, text):
    assert core("layer_list", "({ readLayers }, text) => readLayers(text) === undefined", text)


def test_a_stride_must_divide_where_that_is_asked_for(core):
    rng = np.random.default_rng(2)
    cases = [
        ([some_layer(rng)], {"size": int(rng.integers(6, 30)), "channels": 2, "rest": "error"}) for _ in range(300)
    ]
    refused = 0
    for (layers, options), got in zip(cases, core("layer_list", FOLLOW, cases), strict=True):
        layer, size = layers[0], options["size"]

        def remainder(size, more=0, layer=layer):
            return (size + sum(layer["padding"]) + more - layer["dilation"] * (layer["kernel"] - 1) - 1) % layer[
                "stride"
            ]

        if "does not divide" not in got["problem"]:
            assert got["problem"] or remainder(size) == 0
            continue
        refused += 1
        dropped, sizes, more = re.search(
            r"the last (.*) of size .* an input of (.*), (\d+) more of padding in all", got["problem"]
        ).groups()
        assert ("1 pixel" if dropped == "pixel" else dropped) == f"{remainder(size)} pixel{'s' * (remainder(size) > 1)}"
        assert all(remainder(int(one)) == 0 for one in sizes.split(" or ")) and remainder(size, int(more)) == 0
    assert refused > 30


def test_poolings_may_take_one_more_window_where_pixels_are_left(core):
    rng = np.random.default_rng(3)
    poolings = [
        {"kind": kind, "kernel": kernel, "stride": int(rng.integers(1, 5)), "padding": [padding] * 2,
         "dilation": int(rng.integers(1, 3)) if kind == "pool" else 1}
        for kind in ("pool", "average")
        for kernel in range(1, 6)
        for padding in range(kernel // 2 + 1)
        for _ in range(8)
    ]  # fmt: skip
    cases = [([one], {"size": int(rng.integers(2, 30)), "channels": 1, "rest": "ceil"}) for one in poolings]
    more = refused = 0
    for ([layer], options), got in zip(cases, core("layer_list", FOLLOW, cases), strict=True):
        x = np.zeros((1, 1, options["size"], options["size"]))
        window = (x, layer["kernel"], layer["stride"], layer["padding"][0])
        pool = max_pool2d if layer["kind"] == "pool" else avg_pool2d
        dilation = {"dilation": layer["dilation"]} if layer["kind"] == "pool" else {}
        try:
            wanted = pool(*window, **dilation, ceil_mode=True).shape[-1]
        except ValueError:
            refused += 1
            assert "spans" in got["problem"], layer
            continue
        assert (got["problem"], got["rows"][0][0]) == ("", wanted), layer
        with contextlib.suppress(ValueError):
            more += wanted > pool(*window, **dilation).shape[-1]
    assert more > 30 and refused


def test_convolutions_drop_what_is_left_also_where_poolings_do_not(core):
    got = core("layer_list", FOLLOW, [[[same_layer(2) | {"stride": 3}], {"size": 9, "channels": 2, "rest": "ceil"}]])
    assert got[0]["rows"][0][0] == conv_output_size(9, 3, 3, 1) == 3


def test_poolings_in_branches_take_one_more_window_too(core):
    ends = """({ follow, readLayers }, [list, rest]) => {
        const { rows, problem } = follow(readLayers(list), { size: 8, channels: 4, rest });
        return problem || rows.at(-1).size;
    }"""
    assert core("layer_list", ends, ["j(p3-2-1~a3-2-1)", "floor"]) == 4
    assert core("layer_list", ends, ["j(p3-2-1~a3-2-1)", "ceil"]) == 5
    assert core("layer_list", ends, ["j(c3-4-2-1~p3-2-1)", "floor"]) == 4
    assert "turn size 8 into 4, 5" in core("layer_list", ends, ["j(c3-4-2-1~p3-2-1)", "ceil"])


# The networks that the package knows.


def without_added_ones(layers):
    """Without the 1x1 that the package leaves out, because they change neither size nor field."""
    named = {row.name for windows in NETWORKS.values() for row in windows}
    return [layer for layer in layers if layer["name"] in named or layer["kernel"] > 1]


def test_all_networks_are_handed_over_as_the_package_has_them(core):
    got = core("data", "({ load }) => load('networks')")
    assert got == KNOWN and list(got) == list(NETWORKS)
    for name, network in got.items():
        layers = without_added_ones(network["layers"])
        assert trace(chain(layers), 224) == trace(NETWORKS[name], 224)  # names of layers, too
        assert receptive_field(chain(network["layers"])) == receptive_field(NETWORKS[name])


def convolutions(layers):
    for layer in layers:
        yield from (
            [layer] if layer["kind"] == "conv" else (c for one in layer.get("chains", ()) for c in convolutions(one))
        )


def test_their_costs_are_those_that_are_known():
    totals = {
        name: np.sum([row[2:] for row in followed(network["layers"], network["size"], 3, network["bias"])], 0)
        for name, network in KNOWN.items()
    }
    layers = resnet_50_convolutions()
    wanted = [sum(layer.weights for layer in layers), sum(layer.macs for layer in layers)]
    assert totals["resnet_50_v1_5"].tolist() == wanted
    # Published: 60 million less those of the three fully connected layers; 138 million less those of three others.
    assert totals["alexnet"][0] == 60_965_224 - (9216 * 4096 + 4096) - (4096 * 4096 + 4096) - (4096 * 1000 + 1000)
    assert totals["vgg_16"][0] == 138_357_544 - (25088 * 4096 + 4096) - (4096 * 4096 + 4096) - (4096 * 1000 + 1000)
    assert totals["vgg_11"][0] == 132_863_336 - (25088 * 4096 + 4096) - (4096 * 4096 + 4096) - (4096 * 1000 + 1000)
    # Published for PyTorch's: with the fully connected layer and two numbers for each channel that is normalised.
    channels = {name: sum(one["channels"] for one in convolutions(KNOWN[name]["layers"])) for name in KNOWN}
    for name, published in (("resnet_101", 44_549_160), ("resnet_152", 60_192_808)):
        assert totals[name][0] + 2 * channels[name] + 2048 * 1000 + 1000 == published


def test_the_costs_of_those_with_modules_are_those_that_tf_slim_tests_for():
    weights = {
        name: sum(row[2] for row in followed(network["layers"], network["size"], 3, bias=False))
        for name, network in KNOWN.items()
    }
    listed = {name: list(convolutions(network["layers"])) for name, network in KNOWN.items()}
    normalised = {name: 3 * sum(one["channels"] for one in layers) for name, layers in listed.items()}
    assert weights["mobilenet_v1"] + normalised["mobilenet_v1"] == 3_217_920
    # Its first layer has biases for the 64 channels of its 1x1, and is not normalised.
    assert weights["inception_v2"] + normalised["inception_v2"] - 3 * (24 + 64) + 64 == 10_173_112
    # Its GoogLeNet has 3x3 in the place of the 5x5.
    read_and_made = [
        (before["channels"], five["channels"])
        for before, five in itertools.pairwise(listed["googlenet"])
        if five["kernel"] == 5
    ]
    smaller = sum((25 - 9) * read * made for read, made in read_and_made)
    assert weights["googlenet"] - smaller + normalised["googlenet"] == 5_607_184


def test_the_modules_of_googlenet_multiply_as_often_as_its_paper_says():
    """Szegedy et al. (2014), table 1, millions; its numbers for conv1 (34) and inception 5a (54) are others than ours."""
    network = KNOWN["googlenet"]
    macs = {
        layer["name"]: row[3] / 1e6
        for layer, row in zip(network["layers"], followed(network["layers"], 224, 3, True), strict=True)
    }
    published = {"3a": 128, "3b": 304, "4a": 73, "4b": 88, "4c": 100, "4d": 119, "4e": 170, "5b": 71}
    assert macs["conv2 reduce"] + macs["conv2"] == pytest.approx(360, abs=1)
    for module, millions in published.items():
        assert macs[f"inception {module}"] == pytest.approx(millions, abs=1)


def test_mobilenet_multiplies_as_often_as_its_paper_says():
    macs = sum(row[3] for row in followed(KNOWN["mobilenet_v1"]["layers"], 224, 3, False))
    assert (macs + 1024 * 1000) / 1e6 == pytest.approx(569, abs=0.5)  # with the fully connected layer


HEAD = ("channels", "size", "field", "jump", "start", "parameters", "multiplications")


def shown_rows(tab):
    """What the table shows of each layer of the main chain: name -> column -> number."""
    rows = {}
    for row in tab.locator(".network-layers tbody tr:not(.network-inner)").all():
        texts = row.locator("td").all_inner_texts()[1:]
        numbers = [None if text == "–" else float(text.replace(",", "").replace("−", "-")) for text in texts]
        rows[row.locator("th").inner_text().strip()] = dict(zip(HEAD, numbers, strict=True))
    return rows


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_loaded_by_keyboard_and_shown_with_the_packages_numbers(open_widget, name):
    tab = open_widget("network-calculator")
    select = tab.get_by_role("combobox", name="Network")
    select.focus()
    tab.keyboard.type(KNOWN[name]["title"])
    tab.keyboard.press("Enter")
    drawn(tab)
    assert state_of(tab)["layers"] == name and f"layers={name}" in tab.url
    size = KNOWN[name]["size"]
    layers = KNOWN[name]["layers"]
    rows = shown_rows(tab)
    wanted = trace(chain(layers), size)
    assert list(rows) == ["image", *(row.name for row in wanted[1:])]
    for row, shown in zip(wanted, rows.values(), strict=True):
        assert [shown[what] for what in ("size", "field", "jump", "start")] == [*row[1:]]
    costs = followed(layers, size, 3, KNOWN[name]["bias"])
    for (_, channels, parameters, macs), shown in zip(costs, list(rows.values())[1:], strict=True):
        assert (shown["channels"], shown["parameters"], shown["multiplications"]) == (channels, parameters, macs)


# The code that is given.


def run(code) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code, "the code shown", "exec"), {"__name__": "shown"})
    return said.getvalue()


LISTS = [MIXED, "c3-8,c3-8,p2-2,c3-16,c3-16", "c5-6-2-1.3-2,p5-1-4,j(~c3-2-1-1~p3-1-1)", "p2-2"]


@pytest.mark.parametrize("layers", [*NETWORKS, *LISTS])
def test_the_code_for_the_package_gives_the_numbers_that_are_shown(open_widget, layers):
    size, bias = (KNOWN[layers]["size"], KNOWN[layers]["bias"]) if layers in KNOWN else (33, False)
    channels = 3 if layers in KNOWN else 4
    state = f"layers={layers}&size={size}&bias={'yes' if bias else 'no'}&channels={channels}&code=package"
    tab = open_widget("network-calculator", state)
    *lines, last = run(tab.locator(".network-code code").text_content()).splitlines()
    rows = shown_rows(tab)
    convolutions = any(row["parameters"] for row in rows.values())
    if not convolutions:
        lines.append(last)
    assert len(lines) == len(rows)
    for line, (name, row) in zip(lines, rows.items(), strict=True):
        called, *numbers = re.fullmatch(r"(.*) (\d+) (\d+) (\d+) (\S+)", line).groups()
        assert called == name.replace("image", "input")
        assert [float(one) for one in numbers] == [row[what] for what in ("size", "field", "jump", "start")]
    if convolutions:
        inside = [row for name, row in rows.items() if name != "image"]
        assert [int(one) for one in last.split()] == [
            sum(row[what] for row in inside) for what in ("parameters", "multiplications")
        ]


@pytest.mark.parametrize("rest", ["floor", "ceil"])
@pytest.mark.parametrize("layers", [*NETWORKS, *LISTS])
def test_the_code_for_pytorch_gives_the_numbers_that_are_shown(open_widget, torch, layers, rest):
    bias = "yes" if layers == "alexnet" else "no"
    channels = 3 if layers in KNOWN else 4
    state = f"layers={layers}&size=96&bias={bias}&channels={channels}&code=pytorch&rest={rest}"
    tab = open_widget("network-calculator", state)
    lines = run(tab.locator(".network-code code").text_content()).splitlines()
    rows = list(shown_rows(tab).values())[1:]
    for line, row in zip(lines, rows, strict=True):
        _, channels, height, width, parameters = map(int, re.findall(r"\d+", line))
        assert (channels, height, width) == (row["channels"], row["size"], row["size"])
        assert parameters == row["parameters"]


def test_code_can_be_copied(open_widget):
    tab = open_widget("network-calculator", "code=package", permissions=["clipboard-read", "clipboard-write"])
    tab.get_by_role("button", name="Copy", exact=True).press("Enter")
    tab.get_by_role("button", name="Copied", exact=True).wait_for()
    assert tab.evaluate("navigator.clipboard.readText()") == tab.locator(".network-code code").text_content()


# Cells that see each other.


def linked(tab):
    """For each row of cells: how many are marked, the first, the last; by the table behind the picture."""
    if not tab.locator(".widget-numbers").evaluate("fold => fold.open"):
        tab.locator(".widget-numbers summary").press("Enter")
    updated(tab)
    return [
        [int(cell.replace("−", "-")) for cell in row.locator("td").all_inner_texts()[1:4]]
        for row in tab.locator(".widget-numbers tbody tr").all()
    ]


def cell_at(tab, row, cell):
    """Where a cell is on the screen."""
    tab.locator(".cells canvas").scroll_into_view_if_needed()
    box = tab.locator(".cells canvas").bounding_box()
    x, y = tab.widget.evaluate(
        """(w, [row, cell]) => {
            const { rows, from, scale, pitch } = w.cells;
            return [(rows[row].start + cell * rows[row].jump - from) * scale, (row + 0.5) * pitch];
        }""",
        [row, cell],
    )
    return box["x"] + x, box["y"] + y


def test_the_cells_that_one_sees_are_those_of_its_field(open_widget):
    tab = open_widget("network-calculator", "cell=3")
    rows = linked(tab)
    seen = trace([Window(3), Window(3), Window(2, stride=2), Window(3), Window(3)], 24)[-1]
    first = 3 * seen.jump + seen.start - (seen.receptive_field - 1) / 2
    assert rows[0] == [seen.receptive_field, first, first + seen.receptive_field - 1] == [14, 6, 19]
    assert rows[-1] == [1, 3, 3]
    assert "sees 14 pixels, 6 to 19" in tab.locator(".widget-told").inner_text()


def test_the_mouse_looks_and_a_click_chooses(open_widget):
    tab = open_widget("network-calculator")
    tab.mouse.move(*cell_at(tab, 0, 9))
    assert linked(tab)[0] == [1, 9, 9]
    assert "Pixel 9" in tab.locator(".widget-told").inner_text() and state_of(tab)["layer"] == "5"
    tab.mouse.move(5, 5)
    assert linked(tab)[5] == [1, 2, 2]
    tab.mouse.click(*cell_at(tab, 3, 4))
    tab.mouse.move(5, 5)
    drawn(tab)
    assert (state_of(tab)["layer"], state_of(tab)["cell"]) == ("3", "4")
    assert "layer=3&cell=4" in tab.url and linked(tab)[3] == [1, 4, 4]
    assert tab.get_by_role("radio", name="pool1").is_checked()


def test_the_arrow_keys_walk_from_cell_to_cell_and_stop_at_the_ends(open_widget):
    tab = open_widget("network-calculator")
    tab.locator(".cells canvas").focus()
    for key in ("ArrowRight", "Shift+ArrowRight", "ArrowDown"):
        tab.keyboard.press(key)
        updated(tab)
    assert (state_of(tab)["layer"], state_of(tab)["cell"]) == ("5", "5")
    for _ in range(9):
        tab.keyboard.press("ArrowUp")
        updated(tab)
    assert state_of(tab)["layer"] == "0" and int(state_of(tab)["cell"]) in (16, 17)  # over the middle of the cell
    drawn(tab)
    assert "Pixel 1" in tab.locator("[role=status]").first.inner_text()


def test_what_is_chosen_is_shown_where_the_mouse_rests(open_widget):
    tab = open_widget("network-calculator")
    x, y = cell_at(tab, 5, 1)
    tab.mouse.move(x, y)
    tab.mouse.click(x, y)
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
        updated(tab)
    assert state_of(tab)["cell"] == "4" and linked(tab)[5] == [1, 4, 4]
    tab.mouse.move(*cell_at(tab, 5, 2))
    tab.mouse.down()
    tab.mouse.move(*cell_at(tab, 5, 3))
    updated(tab)
    assert state_of(tab)["cell"] == "3" and linked(tab)[5] == [1, 3, 3]
    tab.mouse.up()


def test_touch_chooses_a_cell(open_widget):
    tab = open_widget("network-calculator", width=390, has_touch=True)
    tab.touchscreen.tap(*cell_at(tab, 4, 6))
    updated(tab)
    assert (state_of(tab)["layer"], state_of(tab)["cell"]) == ("4", "6")


def test_a_field_beyond_the_image_and_one_with_holes_say_so(open_widget):
    tab = open_widget("network-calculator", "layers=c3-4-1-1,c3-4-1-1&layer=2&cell=0&size=9")
    assert "sees 5 pixels, −2 to 2" in tab.locator(".widget-told").inner_text()
    assert "Only 3 of them lie in the image" in tab.locator(".widget-told").inner_text()
    tab = open_widget("network-calculator", "layers=c3-4-1-0-3,c3-4-1-0-3&layer=2&cell=0&size=15")
    assert "There are holes between them: it reads 5" in tab.locator(".widget-told").inner_text()


# Editing.


def press(tab, *labels):
    for label in labels:
        tab.get_by_role("button", name=label, exact=True).press("Enter")
        updated(tab)


def layers_of(tab):
    return state_of(tab)["layers"]


def news(tab):
    return tab.locator(".network-editor [aria-live]").inner_text()


def test_layers_are_chosen_moved_doubled_added_and_removed_by_keyboard(open_widget):
    tab = open_widget("network-calculator")
    tab.get_by_role("radio", name="conv4").focus()
    tab.keyboard.press("ArrowUp")
    tab.keyboard.press("ArrowUp")
    updated(tab)
    assert state_of(tab)["layer"] == "3"
    assert tab.evaluate("document.activeElement.value") == "3"  # the focus went along
    press(tab, "Move up")
    assert layers_of(tab) == "c3-8,p2-2,c3-8,c3-16,c3-16"
    assert news(tab) == "Moved: pool1 is layer 2 of 5 now." and state_of(tab)["layer"] == "2"
    press(tab, "Move up", "Move up")
    assert news(tab) == "pool1 is the first already."
    press(tab, "Duplicate")
    assert layers_of(tab) == "p2-2,p2-2,c3-8,c3-8,c3-16,c3-16"
    press(tab, "Remove")
    assert news(tab) == "pool2 is removed; 5 layers left."
    press(tab, "Move down")
    assert (layers_of(tab), state_of(tab)["layer"]) == ("p2-2,c3-8,c3-8,c3-16,c3-16", "3")


def test_what_is_added_stands_behind_the_chosen_layer(open_widget):
    tab = open_widget("network-calculator", "layers=c3-8,c5-6&layer=1")
    press(tab, "Add a convolution")
    assert (layers_of(tab), state_of(tab)["layer"]) == ("c3-8,c3-8,c5-6", "2")
    press(tab, "Add a pooling")
    assert (layers_of(tab), state_of(tab)["layer"]) == ("c3-8,c3-8,p2-2,c5-6", "3")
    press(tab, "Remove", "Remove", "Remove", "Remove")
    assert (layers_of(tab), state_of(tab)["layer"]) == ("", "0")
    assert "no layer yet" in tab.locator(".widget-told").inner_text()
    press(tab, "Add a pooling")
    assert layers_of(tab) == "p2-2"


def test_every_number_of_a_layer_can_be_typed(open_widget):
    tab = open_widget("network-calculator", "layers=c3-8&layer=1&size=40")
    editor = tab.locator(".network-editor")
    values = {"Kernel": "5", "Channels": "12", "Stride": "2", "Padding on each side": "3", "and more at the end": "1"}
    for label, value in (values | {"Dilation": "2", "Groups": "3"}).items():
        editor.get_by_label(label, exact=True).fill(value)
        updated(tab)
    assert layers_of(tab) == "c5-12-2-3.4-2-3"
    wanted = conv_output_size(40, 5, 2, (3, 4), 2)
    assert shown_rows(tab)["conv1"] == {
        "channels": 12, "size": wanted, "field": 9, "jump": 2, "start": 1,
        "parameters": conv_parameters(3, 12, 5, 3), "multiplications": wanted**2 * 12 * 25,
    }  # fmt: skip
    kernel = editor.get_by_label("Kernel", exact=True)
    kernel.fill("0")
    assert kernel.get_attribute("aria-invalid") == "true" and layers_of(tab) == "c5-12-2-3.4-2-3"
    kernel.press("Tab")
    expected(tab.locator(".network-editor [aria-live]")).to_have_text("Kernel must be a whole number between 1 and 99.")
    assert kernel.input_value() == "5" and kernel.get_attribute("aria-invalid") == "false"
    editor.get_by_label("Kind").select_option("pool")
    updated(tab)
    assert layers_of(tab) == "p5-2-3.4-2" and not editor.get_by_label("Channels", exact=True).is_visible()
    editor.get_by_label("Kind").select_option("average")
    updated(tab)
    assert layers_of(tab) == "a5-2-3.4" and not editor.get_by_label("Dilation", exact=True).is_visible()
    assert shown_rows(tab)["average1"]["size"] == conv_output_size(40, 5, 2, (3, 4))


def test_padding_can_be_counted_in_all(open_widget):
    tab = open_widget("network-calculator", "layers=c3-8-1-1&layer=1&padding=all")
    assert "padding 2 in all" in tab.locator(".network-layers").inner_text()
    field = tab.get_by_label("Padding in all", exact=True)
    assert field.input_value() == "2"
    field.fill("3")
    updated(tab)
    assert layers_of(tab) == "c3-8-1-1.2" and shown_rows(tab)["conv1"]["size"] == 25
    tab.get_by_label("Padding is counted").select_option("side")
    updated(tab)
    assert layers_of(tab) == "c3-8-1-1.2"  # the same network, counted otherwise
    assert "padding 1 and 2" in tab.locator(".network-layers").inner_text()


def test_branches_are_added_edited_and_removed(open_widget):
    tab = open_widget("network-calculator", "layers=c3-8&layer=1")
    press(tab, "Add branches")
    assert layers_of(tab) == "c3-8,s(c3-8-1-1~)"
    tab.get_by_role("radio", name="branch b").press("Space")
    updated(tab)
    press(tab, "Add a convolution")
    assert (layers_of(tab), state_of(tab)["layer"]) == ("c3-8,s(c3-8-1-1~c3-16)", "2.1.1")
    problem = tab.locator(".widget-problem").inner_text()
    assert "block1: the branches of block1 disagree in start: 0.0, 1.0" in problem
    assert tab.locator(".network-wrong").count() == 1 and tab.locator(".network-editor").is_visible()
    tab.get_by_label("Kernel", exact=True).fill("1")
    updated(tab)
    assert "the branches give 8, 16 channels" in tab.locator(".widget-problem").inner_text()
    tab.get_by_role("radio", name="block1").press("Space")
    updated(tab)
    tab.get_by_label("Branches are").select_option("concatenated")
    updated(tab)
    assert not tab.locator(".widget-problem").is_visible() and shown_rows(tab)["block1"]["channels"] == 24
    press(tab, "Add a branch")
    assert layers_of(tab) == "c3-8,j(c3-8-1-1~c1-16~c3-8-1-1)"
    tab.get_by_role("radio", name="branch a").press("Space")
    updated(tab)
    press(tab, "Remove this branch")
    assert (layers_of(tab), state_of(tab)["layer"]) == ("c3-8,j(c1-16~c3-8-1-1)", "2")


def test_branches_of_a_known_network_are_shown_with_their_numbers(open_widget):
    tab = open_widget("network-calculator", "layers=resnet_50_v1_5&size=224&bias=no&layer=6")
    inner = [
        [row.locator("th").inner_text().strip(), *row.locator("td").all_inner_texts()]
        for row in tab.locator(".network-inner").all()
    ]
    names = [row[0] for row in inner]
    assert names == ["branch a", "a conv1", "a conv2", "a conv3", "branch b", "b conv1"]
    field = trace(NETWORKS["resnet_50_v1_5"], 224)[6]
    assert inner[3][2:] == [
        "512", "28", str(field.receptive_field), str(field.jump), "0.5" if field.start % 1 else f"{field.start:.0f}",
        f"{128 * 512:,}", f"{28 * 28 * 128 * 512:,}",
    ]  # fmt: skip


def test_a_layer_that_cannot_be_says_why_and_the_ones_before_stay(open_widget):
    tab = open_widget("network-calculator", "layers=c3-8,c9-8-1-0-4,p2-2&layer=2&size=20")
    problem = tab.locator(".widget-problem").inner_text()
    with pytest.raises(ValueError) as refusal:
        conv_output_size(18, 9, dilation=4)
    assert problem == f"conv2: {refusal.value}"
    rows = shown_rows(tab)
    assert rows["conv1"]["size"] == 18 and rows["conv2"]["size"] is None and rows["pool1"]["size"] is None
    assert "Up to the problem, the list has 224 parameters" in tab.locator(".widget-told").inner_text()
    tab.get_by_label("Dilation", exact=True).fill("2")
    updated(tab)
    assert not tab.locator(".widget-problem").is_visible() and shown_rows(tab)["pool1"]["size"] == 1


def test_a_stride_that_does_not_divide_is_an_error_where_that_is_chosen(open_widget):
    tab = open_widget("network-calculator", "size=25")
    assert shown_rows(tab)["pool1"]["size"] == 10
    tab.get_by_label("A stride that does not divide").select_option("error")
    updated(tab)
    assert "pool1: stride 2 does not divide" in tab.locator(".widget-problem").inner_text()
    tab.get_by_label("A stride that does not divide").select_option("ceil")
    updated(tab)
    assert not tab.locator(".widget-problem").is_visible() and shown_rows(tab)["pool1"]["size"] == 11
    assert state_of(tab)["rest"] == "ceil"
    tab.get_by_label("A stride that does not divide").select_option("floor")
    updated(tab)
    assert not tab.locator(".widget-problem").is_visible()


def test_enormous_lists_neither_freeze_the_page_nor_show_nonsense(open_widget):
    wide = ",".join(["p99-1-99-1"] * 200)
    strided = ",".join(["p99-64-99"] * 200)
    skipping = ",".join(["c1-1-64"] * 200)
    for layers, reason in (
        (wide, "shown are sizes up to"),
        (strided, "more than a million pixels"),
        (skipping, "more than a million pixels"),
    ):
        tab = open_widget("network-calculator", f"layers={layers}&size=1024&layer=200")
        assert reason in tab.locator(".widget-problem").inner_text()
        assert not re.search(r"NaN|Infinity|undefined|∞", tab.widget.inner_text())
    tab = open_widget("network-calculator", "layers=c99-8191-1-49&size=1001&channels=4095&layer=1")
    exact = conv_macs(1001, 4095, 8191, 99, padding=49)  # too large for a number in a browser
    assert f"makes {exact:.1e}".replace("e+", "·10").replace("17", "¹⁷") in tab.locator(".widget-told").inner_text()


def test_a_drawing_of_the_deepest_network_takes_less_than_a_frame_or_two(open_widget):
    tab = open_widget("network-calculator", "layers=resnet_152&size=224&bias=no&layer=52&cell=3")
    times = tab.widget.evaluate(
        """(w) => Array.from({ length: 20 }, (_, i) => {
            w.state.cell = i % 7;
            const start = performance.now();
            w.draw(w.state);
            w.describe(w.state);
            return performance.now() - start;
        })"""
    )
    assert np.median(times) < 32
