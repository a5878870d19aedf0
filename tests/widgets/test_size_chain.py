"""The size chain: what it shows against the package, and every way to use it. Its core is held by test_shapes.py."""

import random
import re

import pytest

from cnnguide import Window, conv_chain, conv_output_size, format_chain, trace
from tests.widgets.conftest import drawn, expected, state_of, stop_time, updated


def link(size, kernel=3, stride=1, padding=0, dilation=1, step=0) -> str:
    settings = {
        "size": size,
        "kernel": kernel,
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "step": step,
    }
    return "&".join(f"{name}={value}" for name, value in settings.items())


def follow(tab, state) -> None:
    """Another state by its address, in the page that is open."""
    tab.evaluate("state => { location.hash = `size-chain?${state}`; }", state)
    updated(tab)


def told(tab) -> str:
    return tab.locator(".widget-told").text_content()


def test_any_start_and_settings_give_the_packages_chain_or_its_refusal(open_widget):
    tab = open_widget("size-chain")
    random.seed(0)
    cases = [
        (199, 3, 1, 0, 1),
        (200, 3, 1, 0, 1),
        (1, 3, 1, 0, 1),
        (512, 2, 1, 0, 1),
        (2, 11, 1, 0, 8),
        (9, 1, 1, 0, 1),
    ]
    cases += [
        (
            random.randint(1, 512),
            random.randint(1, 11),
            random.randint(1, 4),
            random.randint(0, 5),
            random.randint(1, 8),
        )
        for _ in range(60)
    ]
    refused = 0
    for settings in cases:
        follow(tab, link(*settings, step=3))
        try:
            sizes = conv_chain(*settings)
        except ValueError as error:
            refused += 1
            problem = tab.locator(".widget-problem").inner_text()
            assert problem[0].lower() + problem[1:] == f"{error}."
            assert not tab.locator(".widget-view").is_visible()
            continue
        assert not tab.locator(".widget-problem").is_visible()
        assert tab.locator(".size-text").text_content() == format_chain(sizes)
        at = min(3, len(sizes) - 1)
        assert tab.locator(".size-current").all_inner_texts() == [format_chain([sizes[at]])]
        assert tab.locator(".size-slider").get_attribute("max") == str(len(sizes) - 1)
        totals = tab.locator(".widget-view .widget-caption").inner_text()
        assert re.findall(r"\d+", totals) == [str(len(sizes)), str(len(sizes) - 1)]
        size, kernel, stride, padding, dilation = settings
        rows = trace([Window(kernel, stride, padding, dilation)] * (len(sizes) - 1), size)
        labels = tab.locator(".widget-view svg").first.locator("text").all_text_contents()
        assert labels == [
            f"image {size}×{size}",
            f"one value sees {rows[at].receptive_field}×{rows[at].receptive_field}",
            f"map {sizes[at]}×{sizes[at]}",
        ]
        if at == 0:
            assert "Before the first convolution" in told(tab)
        else:
            assert f"{sizes[at]}×{sizes[at]} values" in told(tab)
        if sizes[-1] > 1 and len(sizes) > 1:
            assert f"ends at {sizes[-1]}×{sizes[-1]}" in told(tab)
    assert 10 < refused < 50
    assert tab.problems == []


def test_the_maps_are_drawn_to_scale(open_widget):
    tab = open_widget("size-chain", "step=74")
    row = trace([Window(3)] * 99, 199)[74]
    side = {name: float(tab.locator(f".size-{name}").get_attribute("width")) for name in ("outline", "map", "field")}
    assert side["map"] / side["outline"] == pytest.approx(row.size / 199)
    assert side["field"] / side["outline"] == pytest.approx(row.receptive_field / 199)
    corner = float(tab.locator(".size-field").get_attribute("x"))
    assert corner / side["outline"] == pytest.approx((99 - (row.receptive_field - 1) / 2) / 199)  # around pixel 99


def test_what_lies_beyond_the_image_is_padding(open_widget):
    tab = open_widget("size-chain", link(199, stride=2, padding=1, step=8))
    field = trace([Window(3, 2, 1)] * 8, 199)[8].receptive_field
    assert field > 199
    assert f"each sees {field}×{field} pixels, more than the image has: the rest is padding" in told(tab)
    assert float(tab.locator(".size-field").get_attribute("width")) <= 200


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"size": 200}, "each takes 2 pixels, so an even size stays even and never reaches 1"),
        ({"size": 199, "kernel": 5}, "each takes 4 pixels, and 199 − 1 is not a multiple of 4"),
        ({"size": 199, "kernel": 5, "padding": 1}, ""),
        ({"size": 199, "stride": 2}, "a kernel that spans 3 pixels no longer fits"),
    ],
)
def test_it_says_why_a_chain_ends_where_it_does(open_widget, settings, reason):
    tab = open_widget("size-chain", link(**settings))
    end = conv_chain(**settings)[-1]
    assert (end > 1) == bool(reason)
    assert (f"ends at {end}×{end}" in told(tab)) == bool(reason)
    assert reason in told(tab)


def test_a_kernel_that_does_not_fit_at_all_is_refused_in_the_packages_words(open_widget):
    tab = open_widget("size-chain", link(4, kernel=3, dilation=2))
    with pytest.raises(ValueError) as refusal:
        conv_output_size(4, 3, dilation=2)
    assert f"No convolution fits: {refusal.value}." in told(tab)
    assert tab.locator(".size-slider").is_disabled() and tab.get_by_role("button", name="Play").is_disabled()


def fence(tab) -> list[str]:
    return tab.locator(".widget-view svg").nth(1).locator("text").all_text_contents()


def test_posts_are_sizes_and_gaps_are_convolutions(open_widget):
    tab = open_widget("size-chain", link(9))
    wanted = []
    for post, size in enumerate(conv_chain(9), 1):
        wanted += [f"{size}×{size}", f"size {post}", f"conv {post}"]
    assert fence(tab) == wanted[:-1]  # five posts, four gaps
    follow(tab, link(199, step=99))
    assert fence(tab)[-2:] == ["1×1", "size 100"] and "conv 99" in fence(tab) and "conv 100" not in fence(tab)
    assert tab.locator(".size-here").count() == 1


def test_the_slider_scrubs_by_keys_and_pointer(open_widget):
    tab = open_widget("size-chain")
    slider = tab.locator(".size-slider")
    slider.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        tab.keyboard.press(key)
        updated(tab)
    assert state_of(tab)["step"] == "34" and slider.get_attribute("aria-valuetext") == "34 of 99"
    box = slider.bounding_box()
    tab.mouse.click(box["x"] + box["width"] - 1, box["y"] + box["height"] / 2)
    drawn(tab)
    assert state_of(tab)["step"] == "99"
    assert "the map has 1×1 values, and each sees 199×199 pixels" in tab.locator("[role=status]").first.inner_text()


def test_touch_scrubs_on_a_phone(open_widget):
    tab = open_widget("size-chain", width=390, has_touch=True)
    slider = tab.locator(".size-slider")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    tab.touchscreen.tap(box["x"] + 2, box["y"] + box["height"] / 2)
    updated(tab)
    assert int(state_of(tab)["step"]) < 3


def test_playing_goes_to_the_end_and_begins_anew(open_widget):
    tab = open_widget("size-chain", "step=97")
    stop_time(tab)
    tab.get_by_role("button", name="Play").click()
    tab.clock.run_for(2000)
    expected(tab.get_by_role("button", name="Play")).to_be_visible()  # it was Pause
    assert state_of(tab)["step"] == "99"
    tab.get_by_role("button", name="One step").press("Enter")
    assert state_of(tab)["step"] == "0"
    tab.get_by_role("button", name="Play").click()
    tab.get_by_role("button", name="Reset").click()
    tab.clock.run_for(2000)
    assert state_of(tab)["step"] == "33"


def test_a_shorter_chain_ends_earlier_and_a_link_may_be_refused(open_widget):
    tab = open_widget("size-chain", link(199, step=90))
    tab.get_by_label("Start size").fill("9")
    updated(tab)
    assert tab.locator(".size-current").inner_text() == "1x1"
    refused = open_widget("size-chain", "padding=1")  # the first thing that it draws
    assert "never ends" in refused.locator(".widget-problem").inner_text()
    refused.get_by_label("Padding per side").press("ArrowLeft")
    updated(refused)
    assert refused.locator(".size-current").inner_text() == "133x133"
    assert refused.problems == []
