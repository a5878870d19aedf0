"""The kernel explorer: its arithmetic against the package, and every way to use it."""

import io
import re

import numpy as np
import pytest
from PIL import Image

import cnnguide
from cnnguide import apply_filter, coffee, luma
from tests.widgets.conftest import drawn, state_of, updated

BORDERS = ("reflect", "mirror", "nearest", "wrap", "constant")


@pytest.mark.parametrize("border", BORDERS)
def test_filtering_is_the_packages(core, border):
    rng = np.random.default_rng(0)
    cases = [
        (rng.standard_normal(rng.integers(1, 9, 2)), rng.standard_normal(rng.integers(1, 6, 2))) for _ in range(40)
    ]
    got = core(
        "filters",
        """({ applyFilter, windowAt }, [border, cases]) => {
            const plane = (rows) => ({ height: rows.length, width: rows[0].length, data: Float64Array.from(rows.flat()) });
            return cases.map(([image, kernel]) => {
                const [x, k] = [plane(image), plane(kernel)];
                const under = windowAt(x, k.height, k.width, x.height - 1, 0, border);
                return [Array.from(applyFilter(x, k, border).data), under.reduce((sum, v, i) => sum + v * k.data[i], 0)];
            });
        }""",
        [border, cases],
    )
    for (image, kernel), (sums, at_the_corner) in zip(cases, got, strict=True):
        wanted = apply_filter(image, kernel, border)
        np.testing.assert_allclose(np.reshape(sums, wanted.shape), wanted, atol=1e-12)
        assert at_the_corner == pytest.approx(wanted[-1, 0], abs=1e-12)


def test_pictures_are_the_packages(core):
    got = core(
        "images",
        """({ disk, ramp, checkerboard }) =>
            [disk(17, 5.5), ramp(8, 30), checkerboard(9, 2)].map((image) => Array.from(image.data))""",
    )
    for image, wanted in zip(
        got, (cnnguide.disk(17, 5.5), cnnguide.ramp(8, 30), cnnguide.checkerboard(9, 2)), strict=True
    ):
        np.testing.assert_allclose(np.reshape(image, wanted.shape), wanted, atol=1e-12)


def test_kernels_and_photo_are_the_packages(core):
    kernels, photo = core(
        "data",
        """async ({ load }) => {
            const photo = await load("photo");
            return [await load("kernels"), { shape: photo.shape, data: Array.from(photo.data) }];
        }""",
    )
    assert len(kernels) == 12
    for name, rows in kernels.items():
        assert np.array_equal(rows, getattr(cnnguide, name.upper()))
    restored = np.reshape(photo["data"], photo["shape"]).transpose(2, 0, 1) / 255
    np.testing.assert_allclose(restored, coffee(), atol=1e-7)


def shown_sum(tab) -> float:
    return float(tab.locator(".kernel-line b").last.inner_text().replace("−", "-"))


@pytest.mark.parametrize("kernel", ["sobel_x", "laplacian", "gaussian"])
@pytest.mark.parametrize("border", ["reflect", "constant"])
@pytest.mark.parametrize("place", [(0, 0), (52, 63), (106, 159)])
def test_the_sum_from_a_linked_state_is_the_packages(open_widget, kernel, border, place):
    row, column = place
    tab = open_widget("kernel-explorer", f"kernel={kernel}&border={border}&row={row}&column={column}")
    wanted = apply_filter(luma(coffee().astype(float)), getattr(cnnguide, kernel.upper()), border)
    assert shown_sum(tab) == pytest.approx(wanted[row, column], abs=0.005001)
    assert f"row {row}, column {column}" in tab.locator(".widget-told").inner_text()


def test_colour_sums_the_planes(open_widget):
    tab = open_widget("kernel-explorer", "colour=rgb&row=30&column=40")
    wanted = sum(apply_filter(channel.astype(float), cnnguide.SOBEL_X) for channel in coffee())
    assert tab.locator(".kernel-line").count() == 4
    assert shown_sum(tab) == pytest.approx(wanted[30, 40], abs=0.005001)


def test_pointing_at_either_picture_spells_out_the_products(open_widget):
    tab = open_widget("kernel-explorer")
    for which in (0, 1):
        box = tab.locator("canvas").nth(which).bounding_box()
        tab.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * (0.5 + which / 10))
        updated(tab)
        state = state_of(tab)
        assert (state["column"], state["row"]) == ("40", str(int(107 * (0.5 + which / 10))))
    row = int(state["row"])
    assert shown_sum(tab) == pytest.approx(
        apply_filter(luma(coffee().astype(float)), cnnguide.SOBEL_X)[row, 40], abs=0.005001
    )


def test_the_arrow_keys_walk_and_stop_at_the_border(open_widget):
    tab = open_widget("kernel-explorer", "row=1&column=0")
    tab.locator("canvas").first.focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowLeft", "ArrowRight", "Shift+ArrowRight"):
        tab.keyboard.press(key)
        updated(tab)
    assert (state_of(tab)["row"], state_of(tab)["column"]) == ("0", "11")
    drawn(tab)
    assert "column 11" in tab.locator("[role=status]").first.inner_text()


def test_touch_points_too(open_widget):
    tab = open_widget("kernel-explorer", width=390, has_touch=True)
    tab.locator("canvas").first.scroll_into_view_if_needed()
    box = tab.locator("canvas").first.bounding_box()
    tab.touchscreen.tap(box["x"] + box["width"] - 2, box["y"] + 2)
    updated(tab)
    assert (state_of(tab)["row"], state_of(tab)["column"]) == ("0", "159")


def test_weights_can_be_typed_and_nonsense_is_marked(open_widget):
    tab = open_widget("kernel-explorer", "kernel=identity")
    middle = tab.get_by_label("Weight in row 2, column 2")
    middle.fill("2.5")
    updated(tab)
    assert state_of(tab)["kernel"] == "0,0,0;0,2.5,0;0,0,0"
    assert shown_sum(tab) == pytest.approx(2.5 * float(luma(coffee())[52, 63]), abs=0.0051)
    middle.fill("")
    assert middle.get_attribute("aria-invalid") == "true"
    assert state_of(tab)["kernel"] == "0,0,0;0,2.5,0;0,0,0"
    middle.fill("1")
    updated(tab)
    assert tab.locator(".kernel-controls select").first.input_value() == "identity"
    middle.fill("2000")
    middle.press("Tab")
    drawn(tab)
    assert "a number between −1000 and 1000" in tab.locator(".widget-problem").inner_text()
    assert middle.input_value() == "1" and middle.get_attribute("aria-invalid") == "false"


@pytest.mark.parametrize("kernel", ["sobel_y", "scharr_y", "prewitt_y"])
def test_what_adds_up_to_nothing_is_not_drawn_as_noise(open_widget, kernel):
    tab = open_widget("kernel-explorer", f"picture=ramp&kernel={kernel}")
    told = tab.locator(".widget-told").inner_text()
    assert "sum to 0, drawn mid-gray. The largest sum in the picture has the size 0." in told
    pixels = (
        tab.locator("canvas")
        .nth(1)
        .evaluate("c => [...new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)]")
    )
    assert set(pixels) <= {127, 128, 255}  # half a step around mid-gray, and opaque


def test_a_kernel_can_be_resized_around_its_centre(open_widget):
    tab = open_widget("kernel-explorer", "kernel=laplacian")
    tab.get_by_label("Rows of the kernel").select_option("5")
    updated(tab)
    assert state_of(tab)["kernel"] == "0,0,0;0,1,0;1,-4,1;0,1,0;0,0,0"
    tab.get_by_label("Rows of the kernel").select_option("1")
    tab.get_by_label("Columns of the kernel").select_option("1")
    updated(tab)
    assert state_of(tab)["kernel"] == "-4"


def test_zero_is_mid_gray_and_signs_can_be_seen(open_widget):
    tab = open_widget("kernel-explorer", "picture=disk")
    pixel = """([row, column]) => document.querySelectorAll("canvas")[1]
        .getContext("2d").getImageData(column, row, 1, 1).data[0]"""
    left, middle, right = (tab.evaluate(pixel, [32, column]) for column in (12, 32, 51))
    assert left > 250 and 127 <= middle <= 128 and right < 5  # brighter to the right, flat, darker to the right


def picture(size, kind="PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((*size, 3), (255, 0, 0), np.uint8)).save(file, kind)
    return file.getvalue()


def test_a_picture_of_ones_own_stays_in_the_page(open_widget):
    tab = open_widget("kernel-explorer", "kernel=identity")
    own = tab.locator("input[type=file]")
    own.set_input_files({"name": "wide.png", "mimeType": "image/png", "buffer": picture((100, 1024))})
    tab.locator("canvas[width='512']").first.wait_for()  # made smaller
    updated(tab)
    assert tab.locator("canvas").first.evaluate("canvas => canvas.height") == 50
    assert shown_sum(tab) == pytest.approx(0.299, abs=0.0051)  # the luma of red
    own.set_input_files({"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"})
    tab.locator(".widget-problem:visible").wait_for()
    assert re.search(r"broken.png is not a picture .* try a PNG", tab.locator(".widget-problem").inner_text())
    assert tab.locator("canvas").first.evaluate("canvas => canvas.width") == 512  # nothing is lost
    assert tab.problems == []  # nothing was asked of any host
    assert own.evaluate("input => input.files.length") == 0  # the same file can be chosen again
    select = tab.locator("[data-setting=picture] select")
    select.select_option("disk")
    updated(tab)
    select.select_option("own")
    tab.locator("canvas[width='512']").first.wait_for()
    tab.locator("canvas").first.click(position={"x": 9, "y": 9})
    drawn(tab)
    assert "own" not in tab.url  # no link can hold it
