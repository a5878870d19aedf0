"""What the tests of the widgets share: a widget alone on its page."""

import pytest


@pytest.fixture
def open_widget(open_page):
    """Open a widget on its bare page, in a state as an address writes it; `tab.widget` is its element."""

    def opened(name, state="", **options):
        tab = open_page(f"embed/{name}/" + (f"#{name}?{state}" if state else ""), **options)
        tab.widget = tab.locator(".widget")
        tab.locator(".widget[data-ready]").wait_for()
        return tab

    return opened


def state_of(tab) -> dict:
    """The settings of a widget, as its address writes them."""
    return tab.widget.evaluate(
        "w => Object.fromEntries(Object.entries(w.settings).map(([name, s]) => [name, s.write(w.state[name])]))"
    )


def updated(tab) -> None:
    """Wait until the last change is on the screen."""
    tab.widget.evaluate("w => new Promise(requestAnimationFrame).then(() => w.updateComplete)")  # events come first


def drawn(tab) -> None:
    """Wait until the last change is on the screen, in the live text and in the address."""
    tab.widget.evaluate("w => w.settle()")
    tab.locator(".widget-view[aria-busy=true]").wait_for(state="detached")  # long work is marked as such
    tab.widget.evaluate("w => w.settle()")  # what the long work has changed


def until(locator, condition, argument=None, patience=30_000) -> None:
    """Wait until a JavaScript function of an element holds, for so many milliseconds at most.

    Playwright's `wait_for_function` evaluates text each time that it looks, which the policy of a widget's page forbids.
    """
    locator.evaluate(
        f"""async (element, [argument, patience]) => {{
            const [holds, end] = [{condition}, performance.now() + patience];
            while (!holds(element, argument)) {{
                if (performance.now() > end) throw new Error(`not within ${{patience}} ms: ${{holds}}`);
                await new Promise(requestAnimationFrame);
            }}
        }}""",
        [argument, patience],
    )


def stop_time(tab) -> None:
    """Load the widget anew on a clock that does not run: timers and frames come only as `tab.clock.run_for` passes time."""
    tab.clock.install()  # before the page's scripts take hold of the browser's own timers
    tab.reload()
    tab.locator(".widget[data-ready]").wait_for()
    tab.clock.pause_at(tab.evaluate("Date.now()") / 1000 + 60)


def expected(locator):
    """Playwright's retrying `expect`; imported here because tests are collected without Playwright, too."""
    from playwright.sync_api import expect

    return expect(locator)
