"""What holds for every widget, whatever it shows: one test of each kind for all that the site has."""

import re

import pytest

from benchmarks.browser import CHAPTERS, MOST_JAVASCRIPT, javascript
from tests.conftest import ROOT, serious_violations
from tests.widgets.conftest import drawn, expected, state_of, stop_time, until, updated

WIDGETS = sorted(
    match[2] or match[1].replace("_", "-")
    for page in (ROOT / "docs").rglob("*.md")
    for match in re.finditer(
        r"^/{3,} widget \| (\w+)\n(?: +\w+: .*\n)*?(?: +id: (.+)\n)?", page.read_text("utf-8"), re.M
    )
)
QUESTIONS = [name for name in WIDGETS if name.startswith("predict-")]
"""They draw nothing, so they have no picture and no numbers behind it; what they do have, test_predict_first.py asks for."""
GARBAGE = ("", "NaN", "1e999", "-7", "0.123456", "<b>", "999999999999", "constructor", "💥")
NO_NUMBER = re.compile(r"\b(NaN|undefined|Infinity|null|\[object)")

every_widget = pytest.mark.parametrize("name", WIDGETS)
FIGURES = [name for name in WIDGETS if name not in QUESTIONS]
every_figure = pytest.mark.parametrize("name", FIGURES)
# All questions are of one kind: two of them, a typed one and one with choices, stand for all where content does not matter.
every_kind = pytest.mark.parametrize(
    "name", [name for name in WIDGETS if name not in QUESTIONS or name in ("predict-posts", "predict-symmetry")]
)


def test_each_widget_has_a_bare_page(site):
    assert WIDGETS
    assert sorted(page.parent.name for page in site.glob("embed/*/index.html")) == WIDGETS


def test_the_list_of_figures_to_play_with_is_whole():
    listed = (ROOT / "docs/play.md").read_text("utf-8")
    links = re.findall(r"chapters/\w+\.md#([\w-]+)\) \|.*\| <a href=\"../embed/([\w-]+)/\">", listed)
    assert sorted(links) == [(name, name) for name in FIGURES]


@every_kind
def test_it_hides_no_member_of_the_dom(open_widget, name):
    """Such as `before`, with which a page may put something before any element."""
    hidden = open_widget(name).widget.evaluate(
        """widget => {
            const names = [];
            for (let one = widget; one !== HTMLElement.prototype; one = Object.getPrototypeOf(one))
                names.push(...Object.getOwnPropertyNames(one));
            return names.filter((name) => name !== "constructor" && name in HTMLElement.prototype);
        }"""
    )
    assert hidden == []


@every_widget
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_it_runs_says_what_it_shows_and_is_accessible(open_widget, name, scheme, width):
    tab = open_widget(name, scheme=scheme, width=width)
    drawn(tab)
    assert tab.widget.get_attribute("aria-label")
    assert tab.locator(".widget-told").inner_text() == tab.locator("[role=status]").first.inner_text() != ""
    for fold in tab.query_selector_all("details"):
        fold.evaluate("fold => fold.open = true")
    updated(tab)
    assert not NO_NUMBER.search(tab.widget.inner_text())
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert serious_violations(tab) == ""
    assert tab.problems == []


@every_figure
def test_there_are_numbers_behind_the_picture(open_widget, name):
    tab = open_widget(name)
    tab.locator(".widget-numbers summary").press("Enter")
    rows = tab.locator(".widget-numbers tbody tr")
    rows.first.wait_for()
    heads = tab.locator(".widget-numbers thead th").all_inner_texts()
    assert len(heads) > 1 and all(heads)
    for row in range(min(rows.count(), 50)):
        assert rows.nth(row).locator("th, td").count() == len(heads)


def change_everything(tab):
    """Every control to another value, by the keyboard alone; returns how many there are."""
    controls = tab.locator(".widget-controls [data-setting]")
    for position in range(controls.count()):
        field = controls.nth(position).locator("input, select, textarea").first
        if not field.is_enabled() or not field.is_visible():
            continue
        field.focus()
        kind = field.evaluate("field => field.type")
        if kind == "checkbox":
            tab.keyboard.press("Space")
        elif kind == "text":
            tab.keyboard.press("End")
            tab.keyboard.press("Backspace")
        elif kind == "number":
            tab.keyboard.press("ArrowUp")
        else:  # sliders and lists: one further, or one back where it is at its end
            before = field.input_value()
            tab.keyboard.press("ArrowRight" if kind == "range" else "ArrowDown")
            if field.input_value() == before:
                tab.keyboard.press("ArrowLeft" if kind == "range" else "ArrowUp")
        updated(tab)
    return controls.count()


@every_kind
def test_every_setting_can_be_changed_by_keyboard_linked_to_and_reset(open_widget, name, address):
    tab = open_widget(name)
    drawn(tab)
    start, told = state_of(tab), tab.locator(".widget-told").inner_text()
    controls = change_everything(tab)
    drawn(tab)
    changed, changed_told = state_of(tab), tab.locator(".widget-told").inner_text()
    assert sum(changed[key] != start[key] for key in start) >= min(controls, 1)
    assert not NO_NUMBER.search(tab.widget.inner_text())
    assert tab.url.startswith(f"{address}embed/{name}/#{name}?") or controls == 0

    linked = open_widget(name, tab.url.partition("?")[2])
    drawn(linked)
    assert state_of(linked) == changed
    assert linked.locator(".widget-told").inner_text() == changed_told
    assert not linked.locator(".widget-problem").is_visible() or tab.locator(".widget-problem").is_visible()

    tab.get_by_role("button", name="Reset").press("Enter")
    drawn(tab)
    assert state_of(tab) == start and tab.locator(".widget-told").inner_text() == told
    assert tab.url == f"{address}embed/{name}/#{name}"
    assert tab.problems == [] and linked.problems == []


@every_kind
def test_a_link_that_asks_for_the_impossible_is_answered(open_widget, name):
    tab = open_widget(name, "nonsense=1")
    assert "nonsense" in tab.locator(".widget-problem").inner_text()
    start = state_of(tab)
    for garbage in GARBAGE:
        tab.evaluate(
            """([name, settings, garbage]) => {
                location.hash = `${name}?` + settings.map((one) => `${one}=${encodeURIComponent(garbage)}`).join("&");
            }""",
            [name, list(start), garbage],
        )
        updated(tab)
        assert not NO_NUMBER.search(
            tab.widget.inner_text().replace(garbage, "") if garbage else tab.widget.inner_text()
        )
        assert tab.locator(".widget-stage b:text-is('')").count() == 0  # nothing of the link becomes markup
        state = state_of(tab)
        refused = [key for key in start if state[key] == start[key] != garbage]
        problem = tab.locator(".widget-problem").inner_text()
        for key in refused:
            assert f"{key} = {garbage[:40]}" in problem, (key, garbage)
    tab.get_by_role("button", name="Reset").click()
    drawn(tab)
    assert state_of(tab) == start and not tab.locator(".widget-problem").is_visible()
    assert tab.problems == []


@every_kind
def test_the_keyboard_gets_in_and_out(open_widget, name):
    tab = open_widget(name)
    visited = 0
    for _ in range(200):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.matches('.embedded-source a')"):
            break
        visited += tab.evaluate("document.activeElement.closest('.widget-stage') !== null")
    else:
        pytest.fail("the keyboard is caught in the widget")
    reachable = (
        tab.locator(".widget-footer button").count() + tab.locator(".widget-controls [data-setting]:visible").count()
    )
    assert visited >= reachable - tab.locator(".widget-controls :disabled").count()


@every_kind
def test_switching_the_scheme_and_calm_motion_change_nothing_that_is_said(open_widget, name):
    tab = open_widget(name, reduced_motion="reduce")
    drawn(tab)
    told = tab.locator(".widget-told").inner_text()
    stage = tab.locator(".widget-stage")
    light = stage.evaluate("stage => getComputedStyle(stage).color")
    tab.emulate_media(color_scheme="dark")
    expected(stage).not_to_have_css("color", light)  # the theme follows in its own time
    drawn(tab)
    assert tab.locator(".widget-told").inner_text() == told
    assert tab.problems == []


@every_widget
def test_without_scripts_and_on_paper_stands_the_static_figure(open_page, open_widget, name):
    still = open_page(f"embed/{name}/", java_script_enabled=False)
    assert len(still.locator(".widget-fallback").inner_text().split()) > 5
    tab = open_widget(name)
    assert not tab.locator(".widget-fallback").is_visible()
    tab.emulate_media(media="print")
    assert tab.locator(".widget-fallback").is_visible() and not tab.locator(".widget-stage").is_visible()
    if name not in QUESTIONS:
        assert tab.locator(".widget-fallback img").first.evaluate("image => image.naturalWidth > 0")


@every_kind
def test_it_can_be_taken_elsewhere(open_widget, name, address):
    tab = open_widget(name, permissions=["clipboard-read", "clipboard-write"])
    tab.get_by_role("button", name="Embed").click()
    expected(tab.locator(".widget-copied [role=status]")).to_have_text("Copied.")
    markup = tab.evaluate("navigator.clipboard.readText()")
    assert markup.startswith(f'<iframe src="{address}embed/{name}/#{name}') and "title=" in markup
    tab.get_by_role("button", name="Link to this").click()
    expected(tab.locator(".widget-copied [role=status]")).to_have_text("Copied.")
    assert tab.evaluate("navigator.clipboard.readText()") == f"{address}embed/{name}/#{name}"


def test_a_title_with_quotes_can_be_embedded(open_widget):
    tab = open_widget("size-chain")
    title = 'What does "same" do? <b>&amp; more'
    read = """(widget, title) => {
        widget.dataset.title = title;
        const frames = new DOMParser().parseFromString(widget.embedding, "text/html").body.childNodes;
        return Array.from(frames, (frame) => [frame.localName, frame.title, frame.getAttribute("height"), frame.src]);
    }"""
    source = tab.widget.evaluate("widget => new URL(widget.address, location.href).href")
    assert tab.widget.evaluate(read, title) == [["iframe", title, "640", source]]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_scripts_of_a_chapter_weigh_little(browser, address, chapter):
    own, theme = javascript(browser, address, chapter)
    assert own > 0 and theme > 0
    assert own < MOST_JAVASCRIPT


@pytest.mark.parametrize("wrong", ["999999", ""])
@pytest.mark.parametrize("key", ["Tab", "Shift+Tab"])
def test_a_field_with_an_impossible_number_can_be_left_and_says_why(open_widget, key, wrong):
    tab = open_widget("size-chain")
    field = tab.get_by_role("spinbutton", name="Start size")
    field.fill(wrong)
    assert field.get_attribute("aria-invalid") == "true"
    field.press(key)
    expected(field).not_to_be_focused()
    expected(tab.locator(".widget-problem")).to_contain_text("Start size must be a whole number between")
    assert (field.input_value(), field.get_attribute("aria-invalid")) == ("199", "false")


def test_the_first_click_on_reset_counts_whatever_was_typed(open_widget):
    tab = open_widget("size-chain", "size=99")
    stop_time(tab)
    field = tab.get_by_role("spinbutton", name="Start size")
    field.fill("999999")
    button = tab.get_by_role("button", name="Reset")
    button.hover()
    tab.mouse.down()
    tab.clock.run_for(120)  # as long as a finger takes
    tab.mouse.up()
    tab.clock.run_for(2000)
    assert (field.input_value(), field.get_attribute("aria-invalid")) == ("199", "false")
    assert not tab.locator(".widget-problem").is_visible()


def test_an_impossible_combination_is_not_told_as_if_it_were_shown(open_widget):
    tab = open_widget("size-chain", "padding=3")
    drawn(tab)
    assert tab.locator(".widget-problem").is_visible()
    assert tab.locator("[role=status]").first.inner_text() == ""


@pytest.mark.parametrize("name", ["kernel-explorer", "letter-channel", "grid-illusion"])
def test_a_mouse_that_only_passes_over_changes_no_address(open_widget, name):
    tab = open_widget(name)
    start = state_of(tab)
    canvas = tab.locator("canvas").first
    canvas.hover(position={"x": 30, "y": 20})
    drawn(tab)
    assert state_of(tab) != start and "#" not in tab.url
    canvas.click(position={"x": 30, "y": 20})
    drawn(tab)
    assert f"#{name}?" in tab.url


def test_a_link_within_the_page_leads_to_its_figure_and_a_reload_stays(open_page):
    tab = open_page("chapters/channels/")
    tab.locator("#letter-channel[data-ready]").wait_for()
    tab.evaluate("location.hash = '#letter-channel?em=20'")
    figure = tab.locator("#letter-channel")
    until(figure, "figure => Math.abs(figure.getBoundingClientRect().y) < 200")
    tab.evaluate("scrollTo(0, 3000)")
    until(figure, "() => Math.abs(scrollY - 3000) < 2")
    tab.reload()
    tab.locator("#letter-channel[data-ready]").wait_for()
    figure.evaluate("w => w.settle()")  # were it to scroll, it would have
    until(figure, "() => Math.abs(scrollY - 3000) < 300")


@pytest.mark.parametrize("awaited", ["updateComplete", "settle()"])
def test_who_waits_for_a_drawing_also_gets_the_one_that_it_asks_for(open_widget, awaited):
    tab = open_widget("size-chain")
    seen = tab.widget.evaluate(
        f"""async (widget) => {{
            let drawings = 0;
            widget.draw = () => drawings++ || widget.refresh();
            widget.refresh();
            const late = new Promise((resolve) => setTimeout(resolve, 10_000, "never"));
            return await Promise.race([widget.{awaited}.then(() => drawings), late]);
        }}"""
    )
    assert seen == 2


def test_a_widget_that_is_moved_goes_on(open_widget):
    tab = open_widget("size-chain")
    tab.widget.evaluate("w => { w.set({ size: 51 }); w.parentElement.append(w); }")
    drawn(tab)
    assert "51×51" in tab.locator(".widget-told").inner_text()
    tab.widget.evaluate("w => w.set({ size: 61 })")
    drawn(tab)
    assert "61×61" in tab.locator(".widget-told").inner_text()
