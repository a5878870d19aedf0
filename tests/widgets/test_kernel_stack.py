"""The kernel stack: what both sides cost and where the stack stops paying, against the package; every way to use it."""

from itertools import pairwise

import numpy as np
import pytest

from cnnguide import conv_macs, conv_output_size, conv_parameters
from tests.widgets.conftest import drawn, state_of


def costs(layers, side, bias, padded):
    parameters = macs = kept = 0
    for kernel, inputs, outputs in layers:
        padding = kernel // 2 if padded else 0
        parameters += conv_parameters(inputs, outputs, kernel, bias=bias)
        macs += conv_macs(side, inputs, outputs, kernel, padding=padding)
        side = conv_output_size(side, kernel, padding=padding)
        kept += side**2 * outputs
    return {"parameters": parameters, "macs": macs, "kept": kept}


def both(kernel, channels, side, padded=False, bias=False):
    inputs, between, outputs = channels
    depth = (kernel - 1) // 2
    widths = [inputs, *[between] * (depth - 1), outputs]
    stack = [(3, i, o) for i, o in pairwise(widths)]
    return costs([(kernel, inputs, outputs)], side, bias, padded), costs(stack, side, bias, padded)


def choices(count, least_side=11):
    rng = np.random.default_rng(0)
    for _ in range(count):
        yield {
            "kernel": int(rng.choice((3, 5, 7, 9, 11))),
            "channels": rng.integers(1, 200, 3).tolist(),
            "side": int(rng.integers(least_side, 60)),
            "padded": bool(rng.random() < 0.5),
            "bias": bool(rng.random() < 0.5),
        }


def test_costs_are_the_packages(core):
    cases = list(choices(300))
    got = core("kernel_stack", "({ compare }, cases) => cases.map(compare)", cases)
    for case, answer in zip(cases, got, strict=True):
        assert (answer["one"], answer["stack"]) == both(**case), case


def test_the_stack_pays_up_to_the_channels_that_are_said(core):
    cases = [case for case in choices(120) if case["kernel"] > 3]
    got = core("kernel_stack", "({ mostBetween }, cases) => cases.map((one) => mostBetween(one, 'macs'))", cases)
    for case, most in zip(cases, got, strict=True):
        inputs, _, outputs = case["channels"]
        for between, pays in ((most, True), (most + 1, False)):
            if between:
                one, stack = both(**case | {"channels": (inputs, between, outputs)})
                assert (stack["macs"] <= one["macs"]) is pays, (case, between)


def test_the_stack_pays_from_the_side_that_is_said(core):
    cases = [case | {"padded": False} for case in choices(120)]
    code = (
        "({ evenSide }, cases) => cases.map((one) => { const s = evenSide(one); return Number.isFinite(s) ? s : -1; })"
    )
    got = core("kernel_stack", code, cases)
    for case, even in zip(cases, got, strict=True):
        if even < 0:
            one, stack = both(**case | {"side": 5000})
            assert stack["macs"] > one["macs"], case
            continue
        for side, pays in ((even, True), (even + 7, True), (even - 1, False)):
            if side >= case["kernel"]:
                one, stack = both(**case | {"side": side})
                assert (stack["macs"] <= one["macs"]) is pays, (case, side)
    assert min(got) < 0 < max(got)


def test_the_break_even_points_of_the_chapter(core):
    single = {"kernel": 5, "channels": [1, 1, 1], "side": 5, "padded": False, "bias": False}
    assert core("kernel_stack", "({ evenSide }, one) => evenSide(one)", single) == 10
    photo = single | {"channels": [3, 64, 64], "padded": True}
    assert core("kernel_stack", "({ mostBetween }, one) => mostBetween(one, 'parameters')", photo) == 7


def shown_row(tab, name):
    cells = tab.locator(".stack-numbers tr", has=tab.get_by_role("rowheader", name=name, exact=True)).locator("td")
    return [cell.replace(",", "") for cell in cells.all_inner_texts()]


@pytest.mark.parametrize("state", ["", "kernel=7&inputs=3&bias=yes", "kernel=11&padding=none&side=12&between=2"])
def test_the_shown_numbers_from_a_linked_state_are_the_packages(open_widget, state):
    tab = open_widget("kernel-stack", state)
    now = state_of(tab)
    one, stack = both(
        int(now["kernel"]),
        [int(now[name]) for name in ("inputs", "between", "outputs")],
        int(now["side"]),
        now["padding"] == "same",
        now["bias"] == "yes",
    )
    weights = "weights and biases" if now["bias"] == "yes" else "weights"
    for name, what in ((weights, "parameters"), ("multiplications", "macs"), ("numbers in maps", "kept")):
        row = shown_row(tab, name)
        for text, wanted in zip(row[:2], (one[what], stack[what]), strict=True):
            if "billion" in text:
                assert float(text.split()[0]) == pytest.approx(wanted / 1e9, abs=0.00501)
            else:
                assert int(text) == wanted
        assert float(row[2]) == pytest.approx(stack[what] / one[what], abs=0.000501)
        wins = "equal" if one[what] == stack[what] else "stack" if stack[what] < one[what] else f"one {now['kernel']}×"
        assert row[3].startswith(wins)
    assert int(shown_row(tab, "nonlinearities")[1]) == (int(now["kernel"]) - 1) // 2


def test_the_situations_tell_what_the_chapter_tells(open_widget):
    tab = open_widget("kernel-stack")
    assert "28 % fewer weights, makes 28 % fewer multiplications" in tab.locator(".widget-told").inner_text()
    tab.get_by_role("button", name="First layer of a photo").press("Enter")
    drawn(tab)
    told = tab.locator(".widget-told").inner_text()
    assert "8 times as many weights" in told and "at most 7 channels between" in told
    assert shown_row(tab, "weights")[:2] == ["4800", "38592"]
    tab.get_by_role("button", name="A single output").click()
    drawn(tab)
    assert shown_row(tab, "multiplications")[:2] == ["25", "90"]
    assert "side 10 or more" in tab.locator(".widget-told").inner_text()
    tab.get_by_role("spinbutton", name="Side of the image").fill("10")
    drawn(tab)
    assert shown_row(tab, "multiplications")[2:] == ["1", "equal"]
    assert "as many multiplications" in tab.locator(".widget-told").inner_text()


def test_a_stack_of_one_is_the_kernel_itself(open_widget):
    tab = open_widget("kernel-stack", "kernel=3&inputs=3")
    assert "nothing to save" in tab.locator(".widget-told").inner_text()
    assert {row[2] for row in (shown_row(tab, name) for name in ("weights", "multiplications"))} == {"1"}


def test_an_image_that_is_too_small_says_what_would_do(open_widget):
    tab = open_widget("kernel-stack", "kernel=9&side=8&padding=none")
    assert "at least 9 × 9 pixels" in tab.locator(".widget-problem").inner_text()
    assert not tab.locator(".widget-view").is_visible()
    tab.get_by_role("slider", name="Large kernel").press("ArrowLeft")
    drawn(tab)
    assert tab.locator(".widget-view").is_visible() and state_of(tab)["kernel"] == "7"


def test_the_pyramids_are_drawn_to_the_field(open_widget):
    tab = open_widget("kernel-stack", "kernel=7")
    rows = tab.widget.evaluate("w => [w.one, w.stack].map(({ cells }) => cells.rows.map((row) => row.marked.size))")
    assert rows == [[7, 1], [7, 5, 3, 1]]


def test_the_chart_is_behind_the_table(open_widget):
    tab = open_widget("kernel-stack", "inputs=1&between=1&outputs=1&side=15&padding=none&against=side")
    tab.locator(".widget-numbers summary").press("Enter")
    rows = tab.locator(".widget-numbers tbody tr").all_inner_texts()
    points = [[float(cell) for cell in row.split("\t")] for row in rows]
    assert [15, 0.72, 0.863] in points
    for side, weights, macs in points:
        one, stack = both(5, [1, 1, 1], int(side))
        assert (weights, macs) == pytest.approx((18 / 25, stack["macs"] / one["macs"]), abs=0.000501)
