"""The grid illusion: its pictures and measures against the package, and every way to use it."""

import re

import numpy as np
import pytest

from cnnguide import avg_pool2d, coffee, color_grid, luma
from tests.widgets.conftest import drawn, state_of, updated

GRIDS = [(8, 2, 2.0), (4, 1, 0.5), (5, 4, 4.0), (16, 3, 1.25), (11, 1, 2.5), (4, 4, 1.0), (7, 2, 3.0)]


def plain(picture) -> list:
    return [channel.tolist() for channel in np.asarray(picture, float)]


PLANES = """const planes = (picture) => picture.map((rows) =>
    ({ height: rows.length, width: rows[0].length, data: Float64Array.from(rows.flat()) }));"""


@pytest.mark.parametrize(("spacing", "width", "saturation"), [*GRIDS, (8, 0, 2.0)])
def test_grids_are_the_packages(core, spacing, width, saturation):
    picture = np.random.default_rng(spacing).random((3, 23, 37))
    got = core(
        "images",
        f"""({{ colorGrid }}, [picture, ...settings]) => {{
            {PLANES}
            return colorGrid(planes(picture), ...settings).map(({{ data }}) => Array.from(data));
        }}""",
        [plain(picture), spacing, width, saturation],
    )
    np.testing.assert_allclose(
        np.reshape(got, picture.shape), color_grid(picture, spacing, width, saturation), atol=1e-12
    )


@pytest.mark.parametrize("kernel", range(1, 9))
def test_means_of_blocks_are_the_packages(core, kernel):
    rng = np.random.default_rng(kernel)
    for height, width in rng.integers(kernel, 30, (6, 2)):
        image = rng.standard_normal((int(height), int(width)))
        shape, got = core(
            "pooling",
            f"""({{ avgPool2d }}, [image, kernel]) => {{
                {PLANES}
                const {{ height, width, data }} = avgPool2d(planes([image])[0], kernel);
                return [[height, width], Array.from(data)];
            }}""",
            [image.tolist(), kernel],
        )
        np.testing.assert_allclose(np.reshape(got, shape), avg_pool2d(image[None, None], kernel)[0, 0], atol=1e-12)


def color_of(picture):
    return picture - luma(picture)


def means(picture, side):
    return avg_pool2d(picture[None], kernel=side)[0]


def alike(a, b) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def distance(a, b) -> float:
    return float(np.sqrt(((a - b) ** 2).mean()))


def measures(spacing, width, saturation) -> list[float]:
    """What is told, in its order: grey share in per cent, two correlations, two distances."""
    photo = coffee().astype(float)
    grid = color_grid(photo, spacing, width, saturation)
    gray = np.stack([luma(photo)] * 3)
    return [
        100 * float((np.ptp(grid, axis=0) < 1e-6).mean()),
        alike(color_of(photo), color_of(grid)),
        alike(means(color_of(photo), spacing), means(color_of(grid), spacing)),
        distance(means(grid, spacing), means(photo, spacing)),
        distance(means(gray, spacing), means(photo, spacing)),
    ]


def told(tab) -> list[float]:
    found = re.search(
        r"^(\d+) % of the pixels .* by ([\d.]+), in means over blocks of \d+×\d+ by ([\d.]+)\. These means "
        r"are ([\d.]+) away .*; those of a grey photo ([\d.]+)\.$",
        tab.locator(".widget-told").inner_text(),
    )
    assert found
    return [float(number) for number in found.groups()]


def test_measures_are_numpys(core):
    rng = np.random.default_rng(3)
    for _ in range(10):
        a, b = rng.random((2, 3, *rng.integers(1, 12, 2)))
        nearly = rng.random(a.shape[1:])
        a[1:] = a[0] + np.where(nearly < 0.5, 0, np.where(nearly < 0.8, 1e-5, 0.1))  # grey, hardly coloured, coloured
        gray, correlated, apart = core(
            "color",
            f"""({{ grayShare, correlation, distance }}, pictures) => {{
                {PLANES}
                const [a, b] = pictures.map(planes);
                return [grayShare(a), correlation(a, b), distance(a, b)];
            }}""",
            [plain(a), plain(b)],
        )
        assert gray == pytest.approx((np.ptp(a, axis=0) < 1e-6).mean())
        assert correlated == pytest.approx(alike(a, b))
        assert apart == pytest.approx(distance(a, b))


@pytest.mark.parametrize(("spacing", "width", "saturation"), GRIDS)
def test_what_is_told_is_what_the_package_measures(open_widget, spacing, width, saturation):
    tab = open_widget("grid-illusion", f"spacing={spacing}&width={width}&saturation={saturation}")
    wanted = measures(spacing, width, saturation)
    for number, exact, half in zip(told(tab), wanted, (0.5, 0.005, 0.005, 0.0005, 0.0005), strict=True):
        assert number == pytest.approx(exact, abs=half * 1.01)


def test_the_start_is_the_chapters_grid(open_widget):
    """The numbers that the chapter's own code prints: 55 %, 0.66 and 0.99."""
    tab = open_widget("grid-illusion")
    assert state_of(tab)["means"] == "no"
    assert told(tab)[:3] == [
        round(number, digits) for number, digits in zip(measures(8, 2, 2.0), (0, 2, 2), strict=False)
    ]


def test_lines_of_double_width_need_half_the_saturation():
    """What the chapter tells readers to find out here."""
    nearest = {width: min(np.arange(0, 4.1, 0.25), key=lambda s: measures(8, width, s)[3]) for width in (2, 4)}
    assert nearest[4] == nearest[2] / 2


@pytest.mark.parametrize("setting", ["width=0", "saturation=0"])
def test_without_colour_no_correlation_is_claimed(open_widget, setting):
    tab = open_widget("grid-illusion", f"{setting}&means=yes")
    assert "no colour to be seen" in tab.locator(".widget-told").inner_text()
    assert tab.problems == []


def pixel(tab, which, row, column) -> list[int]:
    return tab.evaluate(
        """([which, row, column]) => Array.from(document.querySelectorAll("canvas")[which]
            .getContext("2d").getImageData(column, row, 1, 1).data.slice(0, 3))""",
        [which, row, column],
    )


@pytest.mark.parametrize(("spacing", "width", "saturation"), GRIDS[:4])
def test_the_pictures_show_the_packages_pixels(open_widget, spacing, width, saturation):
    tab = open_widget("grid-illusion", f"spacing={spacing}&width={width}&saturation={saturation}&means=yes")
    photo = coffee().astype(float)
    grid = color_grid(photo, spacing, width, saturation)
    rng = np.random.default_rng(0)
    for which, picture in ((0, grid), (2, means(grid, spacing)), (3, means(photo, spacing))):
        size = tab.locator("canvas").nth(which).evaluate("canvas => [canvas.height, canvas.width]")
        assert tuple(size) == picture.shape[1:]
        for _ in range(8):
            row, column = (int(rng.integers(length)) for length in size)
            assert pixel(tab, which, row, column) == pytest.approx(255 * picture[:, row, column], abs=0.51)


def block(tab) -> tuple[list[int], list[float]]:
    text = tab.locator(".grid-block").inner_text()
    place = re.search(r"row (\d+), column (\d+)", text)
    assert place
    return [int(n) for n in place.groups()], [float(n) for n in re.findall(r"(?:red|green|blue) ([\d.]+)", text)]


def colours(spacing, row, column) -> list[float]:
    photo = coffee().astype(float)
    pictures = (means(color_grid(photo, spacing), spacing), means(photo, spacing))
    return [float(value) for picture in pictures for value in picture[:, row - 1, column - 1]]


@pytest.mark.parametrize("which", [0, 2, 3])
def test_pointing_at_a_block_tells_its_colours(open_widget, which):
    tab = open_widget("grid-illusion", "means=yes")
    canvas = tab.locator("canvas").nth(which)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    height, width = (107, 160) if which == 0 else (104, 160)  # the last three rows are in no block
    tab.mouse.move(box["x"] + box["width"] * 100 / width, box["y"] + box["height"] * 30 / height)
    updated(tab)
    place, numbers = block(tab)
    assert place == [4, 13]
    assert numbers == pytest.approx(colours(8, *place), abs=0.00501)


def test_the_arrow_keys_walk_from_block_to_block_and_stop_at_the_border(open_widget):
    tab = open_widget("grid-illusion", "row=0&column=0&means=yes")
    for which, keys, wanted in (
        (0, ("ArrowUp", "ArrowRight", "ArrowDown", "ArrowDown"), [3, 2]),
        (2, ("ArrowRight", "ArrowUp"), [2, 3]),
        (0, ("Shift+ArrowDown", "Shift+ArrowDown", "ArrowRight"), [13, 4]),
        (3, ("Shift+ArrowRight", "Shift+ArrowRight", "ArrowDown"), [13, 20]),
    ):
        tab.locator("canvas").nth(which).focus()
        for key in keys:
            tab.keyboard.press(key)
            updated(tab)
        assert block(tab)[0] == wanted
    assert block(tab)[1] == pytest.approx(colours(8, 13, 20), abs=0.00501)


def test_touch_points_too(open_widget):
    tab = open_widget("grid-illusion", "spacing=16", width=390, has_touch=True)
    tab.locator("canvas").first.scroll_into_view_if_needed()
    box = tab.locator("canvas").first.bounding_box()
    tab.touchscreen.tap(box["x"] + box["width"] - 2, box["y"] + 2)
    updated(tab)
    place, numbers = block(tab)
    assert place == [1, 10] and numbers == pytest.approx(colours(16, 1, 10), abs=0.00501)


def test_the_switch_reveals_the_means(open_widget):
    tab = open_widget("grid-illusion")
    assert not tab.locator("canvas").nth(2).is_visible()
    tab.get_by_label("Show the means of the blocks").press("Space")
    updated(tab)
    assert tab.locator("canvas").nth(2).is_visible() and tab.locator("canvas").nth(3).is_visible()


def test_the_table_holds_the_row_of_blocks_that_is_pointed_at(open_widget):
    tab = open_widget("grid-illusion", "row=40&column=0&spacing=10")
    tab.locator(".widget-numbers summary").press("Enter")
    tab.locator(".widget-numbers tbody tr").first.wait_for()
    rows = [row.split("\t") for row in tab.locator(".widget-numbers tbody tr").all_inner_texts()]
    assert [row[0] for row in rows] == [f"5, {column}" for column in range(1, 17)]
    for column, (_, got, wanted, apart) in enumerate(rows, 1):
        exact = colours(10, 5, column)
        assert [float(n) for n in f"{got}, {wanted}".split(", ")] == pytest.approx(exact, abs=0.00501)
        assert float(apart) == pytest.approx(distance(*np.reshape(exact, (2, 3))), abs=0.000501)


def test_sliding_changes_the_picture_within_a_frame(open_widget):
    tab = open_widget("grid-illusion", "means=yes")
    tab.get_by_label("Spacing").focus()
    for _ in range(20):
        tab.keyboard.press("ArrowRight")
    drawn(tab)
    assert state_of(tab)["spacing"] == "16"
    assert told(tab)[3] == pytest.approx(measures(16, 2, 2.0)[3], abs=0.000501)
