"""The optimiser stepper: its rules and surfaces against the package, and every way to use it."""

import re

import numpy as np
import pytest

from cnnguide import SGD, AdaGrad, Adam, RMSProp
from cnnguide.figures.training import SURFACES, WALKERS
from tests.widgets.conftest import drawn, state_of, stop_time, updated

STEPS = 300
RULES = [
    ("SGD", SGD, {"lr": 0.01}),
    ("SGD", SGD, {"lr": 0.3, "momentum": 0.9}),
    ("SGD", SGD, {"lr": 0.05, "momentum": 0.99, "nesterov": True}),
    ("AdaGrad", AdaGrad, {"lr": 0.5}),
    ("AdaGrad", AdaGrad, {"lr": 0.01, "eps": 0.1}),
    ("RMSProp", RMSProp, {"lr": 0.1, "alpha": 0.9}),
    ("RMSProp", RMSProp, {"lr": 0.01, "eps": 0.3}),
    ("Adam", Adam, {"lr": 0.2}),
    ("Adam", Adam, {"lr": 0.7, "betas": (0.0, 0.5), "eps": 0.01}),
]


@pytest.mark.parametrize("dtype", ["Float64Array", "Float32Array"])
@pytest.mark.parametrize(("name", "rule", "settings"), RULES, ids=lambda value: str(value)[:40])
def test_the_rules_are_the_packages_step_by_step(core, name, rule, settings, dtype):
    """Lists of several arrays, gradients of very different sizes, many steps: all places of all steps."""
    rng = np.random.default_rng(0)
    sizes = (1, 2, 7)
    starts = [rng.standard_normal(size) for size in sizes]
    gradients = [[rng.standard_normal(size) * 10.0 ** rng.integers(-5, 4) for size in sizes] for _ in range(STEPS)]
    got = core(
        "optimizers",
        """(rules, [name, settings, type, starts, gradients]) => {
            const typed = (arrays) => arrays.map((array) => globalThis[type].from(array));
            const [optimizer, w] = [new rules[name](settings), typed(starts)];
            return gradients.map((g) => {
                optimizer.step(w, typed(g));
                return w.map((array) => Array.from(array));
            });
        }""",
        [name, settings, dtype, starts, gradients],
    )
    optimizer, parameters = rule(**settings), [np.array(start) for start in starts]
    close = {"rtol": 1e-12, "atol": 1e-12} if dtype == "Float64Array" else {"rtol": 1e-3, "atol": 1e-3}
    for step, there in zip(gradients, got, strict=True):
        optimizer.step(parameters, step)
        for wanted, one in zip(parameters, there, strict=True):
            np.testing.assert_allclose(one, wanted, **close)


def test_slopes_starts_and_minima_are_those_of_the_figures(core):
    places = np.random.default_rng(0).uniform(-4, 4, (50, 2))
    got = core(
        "surfaces",
        """({ SURFACES }, [names, places]) => names.map((name) => {
            const { start, minima, slope } = SURFACES[name];
            return [start, minima, places.map((place) => slope(...place))];
        })""",
        [list(SURFACES), places],
    )
    for surface, (its_start, minima, slopes) in zip(SURFACES.values(), got, strict=True):
        assert its_start == list(surface.start)
        assert np.allclose(np.abs(minima), surface.goal)  # the saddle has two
        np.testing.assert_allclose(slopes, [surface.slope(place) for place in places], atol=1e-12)


def test_slopes_are_those_of_the_heights_which_are_zero_in_the_minima(core):
    measured = core(
        "surfaces",
        """({ SURFACES }, places) => Object.values(SURFACES).map(({ height, slope, minima, start }) => ({
            slopes: places.map((p) => slope(...p)),
            differences: places.map(([x, y]) => [
                (height(x + 1e-5, y) - height(x - 1e-5, y)) / 2e-5,
                (height(x, y + 1e-5) - height(x, y - 1e-5)) / 2e-5,
            ]),
            lowest: minima.map((p) => height(...p)),
            highest: height(...start),
        }))""",
        np.random.default_rng(1).uniform(-5, 5, (100, 2)),
    )
    assert len(measured) == 4
    for surface in measured:
        np.testing.assert_allclose(surface["slopes"], surface["differences"], rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(surface["lowest"], 0, atol=1e-15)
        assert surface["highest"] > 0.5


def test_lines_of_equal_loss_lie_where_the_loss_is_equal(core):
    got = core(
        "surfaces",
        """({ SURFACES, contours }) => Object.values(SURFACES).map(({ height, reach }) => {
            const levels = [0.2, 0.5, 0.8].map((share) => share * height(reach, 0));
            return contours(height, reach, (2 * reach) / 3, levels, 60, 90).map((pieces, i) =>
                [levels[i], pieces.length, pieces.flatMap(([a, b, c, d]) => [height(a, b), height(c, d)])]);
        })""",
    )
    for surface in got:
        for level, pieces, heights in surface:
            assert pieces > 20
            np.testing.assert_allclose(heights, level, rtol=0.05)


def rows_of(tab) -> dict[str, list[str]]:
    """The first table of the widget: what is computed, or the standings."""
    rows = tab.locator(".widget-view table tbody tr").all()
    return {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in rows}


def number(text: str) -> float:
    power = re.fullmatch(r"(.+)·10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", text.replace("−", "-"))
    if power is None:
        return float(text.replace("−", "-"))
    return float(power[1]) * 10.0 ** int(power[2].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize(
    ("rule", "name", "state"),
    [
        ("sgd", "SGD", "lr=0.09"),
        ("momentum", "momentum", "lr=0.03"),
        ("nesterov", "Nesterov", "lr=0.03"),
        ("adagrad", "AdaGrad", "lr=0.5"),
        ("rmsprop", "RMSProp", "lr=0.1"),
        ("adam", "Adam", "lr=0.2"),
    ],
)
def test_a_linked_walk_ends_where_the_packages_does(open_widget, surface, rule, name, state):
    tab = open_widget("optimizer-stepper", f"surface={surface}&rule={rule}&{state}&step=40")
    slope, start = SURFACES[surface].slope, SURFACES[surface].start
    place, optimizer = np.array(start), WALKERS[name]()
    for _ in range(40):
        before = place.copy()
        optimizer.step([place], [slope(place)])
    rows = rows_of(tab)
    for row, wanted in (("from", before), ("gradient", slope(before)), ("step", before - place), ("to", place)):
        shown = [number(text) for text in rows[row][1:]]
        np.testing.assert_allclose(shown, wanted, rtol=0.06, atol=5.1e-5)


def test_every_intermediate_value_of_adam_is_shown(open_widget):
    tab = open_widget("optimizer-stepper", "rule=adam&lr=0.2&step=3")
    slope, start = SURFACES["valley"].slope, SURFACES["valley"].start
    place, optimizer = np.array(start), Adam(0.2)
    for _ in range(3):
        gradient = slope(place)
        optimizer.step([place], [gradient])
    mean, squares = (optimizer._memories[name][0] for name in ("mean", "squares"))
    wanted = {
        "gradient": gradient,
        "m": mean,
        "s": squares,
        "m̂": mean / (1 - 0.9**3),
        "ŝ": squares / (1 - 0.999**3),
        "step": 0.2 * mean / (1 - 0.9**3) / np.sqrt(squares / (1 - 0.999**3)),
        "to": place,
    }
    rows = rows_of(tab)
    assert list(rows) == ["from", *wanted]
    for name, values in wanted.items():
        np.testing.assert_allclose([number(text) for text in rows[name][1:]], values, atol=5.1e-5)
    assert rows["m"][0] == "0.9·m + 0.1·g" and rows["step"][0] == "0.2·m̂ / √ŝ"


def test_stepping_by_the_button(open_widget):
    tab = open_widget("optimizer-stepper", "step=0")
    assert "before the first step" in tab.locator(".widget-told").inner_text()
    for _ in range(3):
        tab.get_by_role("button", name="One step").press("Enter")
    drawn(tab)
    assert state_of(tab)["step"] == "3" and list(rows_of(tab)) == ["from", "gradient", "step", "to"]


def test_playing_goes_on_until_it_is_paused(open_widget):
    tab = open_widget("optimizer-stepper", "step=3")
    stop_time(tab)
    tab.get_by_role("button", name="Play").click()
    tab.clock.run_for(700)
    assert state_of(tab)["step"] == "7"  # a step takes 150 ms
    tab.get_by_role("button", name="Pause").click()
    tab.clock.run_for(2000)
    assert state_of(tab)["step"] == "7"
    tab.get_by_role("button", name="Play").click()
    tab.get_by_role("button", name="Reset").click()
    tab.clock.run_for(2000)
    assert state_of(tab)["step"] == "12"  # it does not play on


def test_playing_ends_by_itself_and_begins_anew(open_widget):
    tab = open_widget("optimizer-stepper", "step=58")
    tab.get_by_role("button", name="Play").click()
    tab.get_by_role("button", name="Play").wait_for()  # it was Pause
    assert state_of(tab)["step"] == "60"
    tab.get_by_role("button", name="One step").click()
    assert state_of(tab)["step"] == "1"


def test_the_start_is_moved_by_pointer_and_keys_and_stays_in_the_picture(open_widget):
    tab = open_widget("optimizer-stepper")
    picture = tab.locator(".optimizer-picture")
    box = picture.bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    tab.mouse.down()
    updated(tab)
    at = [float(one) for one in state_of(tab)["start"].split(",")]
    assert at == pytest.approx([2.25, 1.5], abs=0.05)  # the picture reaches 4.5 to the right and 3 up
    tab.mouse.move(box["x"] + box["width"] * 2, box["y"] - 50)
    updated(tab)
    assert state_of(tab)["start"] == "4.5,3"
    tab.mouse.up()
    picture.focus()
    for key in ("ArrowRight", "ArrowDown", "Shift+ArrowLeft"):
        tab.keyboard.press(key)
        updated(tab)
    assert state_of(tab)["start"] == "4.05,2.91"
    drawn(tab)
    assert tab.locator("[role=status]").first.inner_text() == tab.locator(".widget-told").inner_text()


def test_touch_moves_the_start(open_widget):
    tab = open_widget("optimizer-stepper", "surface=parabola", width=390, has_touch=True)
    tab.locator(".optimizer-picture").scroll_into_view_if_needed()
    box = tab.locator(".optimizer-picture").bounding_box()
    tab.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    updated(tab)
    assert [float(one) for one in state_of(tab)["start"].split(",")] == pytest.approx([0, 0], abs=0.03)


@pytest.mark.parametrize(("rate", "verdict"), [("0.09", ""), ("0.1", ""), ("0.11", "left the picture at step 6")])
def test_a_rate_that_is_too_large_is_said_in_words(open_widget, rate, verdict):
    """The valley's curvature across is 20: plain gradient descent stands it below a rate of 2 / 20."""
    tab = open_widget("optimizer-stepper", f"lr={rate}&step=60")
    told = tab.locator(".widget-told").inner_text()
    assert ("too large" in told) == bool(verdict) and verdict in told
    slope, start = SURFACES["valley"].slope, SURFACES["valley"].start
    place, optimizer = np.array(start), SGD(float(rate))
    out = []
    for step in range(1, 61):
        optimizer.step([place], [slope(place)])
        if abs(place[0]) > 4.5 or abs(place[1]) > 3:
            out.append(step)
    assert verdict == (f"left the picture at step {out[0]}" if out else "")


def test_walks_without_end_are_stopped_and_never_become_nan(open_widget):
    for surface in ("valley", "saddle", "plateau", "parabola"):
        for rule in ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "all"):
            extreme = f"surface={surface}&rule={rule}&lr=3&momentum=0.99&alpha=0.5&start=6,-6&step=60"
            tab = open_widget("optimizer-stepper", extreme)
            text = tab.widget.inner_text()
            assert not re.search(r"NaN|undefined|∞|Infinity", text), (surface, rule, text)
            assert not re.search(r"NaN|Infinity", tab.widget.inner_html())
            tab.close()
    tab = open_widget("optimizer-stepper", "lr=3&step=60")
    assert "left the picture at step 1: the learning rate is too large" in tab.locator(".widget-told").inner_text()


def test_a_walk_that_comes_back_is_not_called_lost(open_widget):
    tab = open_widget("optimizer-stepper", "rule=rmsprop&lr=0.7&alpha=0.99&step=60")
    slope, start = SURFACES["valley"].slope, SURFACES["valley"].start
    place, optimizer = np.array(start), RMSProp(0.7, alpha=0.99)
    out = []
    for _ in range(60):
        optimizer.step([place], [slope(place)])
        out.append(bool(abs(place[0]) > 4.5 or abs(place[1]) > 3))
    assert any(out) and not out[-1]
    back = max(step for step, outside in enumerate(out, 1) if outside) + 1
    told = tab.locator(".widget-told").inner_text()
    assert f"left the picture at step {out.index(True) + 1} and came back at step {back}" in told


def best_rate(name, rates, surface) -> float:
    """Tried with the package: the rate with the lowest mean loss in sixty steps."""
    height = {
        "valley": lambda p: p[0] ** 2 / 2 + 10 * p[1] ** 2,
        "plateau": lambda p: 1 - np.exp(-(p @ p) / 2),
    }[surface]
    slope, start = SURFACES[surface].slope, SURFACES[surface].start
    means = []
    for rate in rates:
        optimizer, place, heights = WALKERS[name](), np.array(start), []
        optimizer.lr = rate
        for _ in range(60):
            if np.abs(place).max() < 1e6:
                optimizer.step([place], [slope(place)])
            heights.append(height(place))
        means.append(np.mean(heights) if np.abs(place).max() < 1e6 else np.inf)
    return rates[int(np.argmin(means))]


@pytest.mark.parametrize("surface", ["valley", "plateau"])
def test_in_the_race_each_may_have_its_best_rate(open_widget, surface):
    tab = open_widget("optimizer-stepper", f"surface={surface}&rule=all&rates=best&step=60")
    rates = tab.evaluate("document.querySelector('.widget').settings.lr.range").removeprefix("one of ").split(", ")
    assert len(rates) == 38
    rows = rows_of(tab)
    assert list(rows) == list(WALKERS)
    for name, (rate, _) in rows.items():
        assert float(rate) == best_rate(name, [float(one) for one in rates], surface), name
    tab.get_by_role("combobox", name="Rule").select_option("adam")
    tab.get_by_role("button", name="Its best here").click()
    updated(tab)
    assert state_of(tab)["lr"] == rows["Adam"][0]


def test_the_race_tells_the_order(open_widget):
    tab = open_widget("optimizer-stepper", "rule=all&lr=0.11&step=20")
    rows = rows_of(tab)
    assert {float(rate) for rate, _ in rows.values()} == {0.11}
    told = tab.locator(".widget-told").inner_text()
    assert told.endswith(" SGD, Nesterov left the picture: the learning rate is too large.")
    inside = sorted((name for name in rows if name not in ("SGD", "Nesterov")), key=lambda name: number(rows[name][1]))
    order = [re.search(rf"\b{name} [\d.]", told).start() for name in inside]
    assert order == sorted(order)
    assert tab.locator(".chart-key").all_inner_texts() == list(WALKERS)


def test_only_the_controls_that_mean_something_are_there(open_widget):
    seen = {"sgd": "lr", "momentum": "lr momentum", "rmsprop": "lr alpha", "adam": "lr beta1 beta2", "all": "rates lr"}
    for rule, wanted in seen.items():
        tab = open_widget("optimizer-stepper", f"rule={rule}")
        names = [
            one.get_attribute("data-setting") for one in tab.locator(".widget-controls [data-setting]:visible").all()
        ]
        assert set(names) == {"surface", "rule", "step", *wanted.split()}
        tab.close()


def test_no_arrow_points_downhill_where_the_ground_is_level(open_widget):
    tab = open_widget("optimizer-stepper", "start=0,0&step=3&rule=sgd")
    assert "the ground is level" in tab.locator(".widget-told").inner_text()
    assert tab.locator(".optimizer-downhill path").count() == 0
    assert open_widget("optimizer-stepper", "step=3&rule=sgd").locator(".optimizer-downhill path").count() == 1
