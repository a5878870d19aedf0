"""What the tests of the widgets share: calls into their arithmetic, and a widget alone on its page."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def core(browser, address):
    """Call into a module of docs/javascripts/core, as `core("filters", "(filters, sizes) => sizes.map(...)", sizes)`.

    Arrays go in as nested lists; give arrays back by Array.from.
    """
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(f"{address}404.html")

    def call(module, function, argument=None):
        address_of_module = f"{address}javascripts/core/{module}.js"
        code = f"async (argument) => ({function})(await import({address_of_module!r}), argument)"
        return tab.evaluate(code, plain(argument))

    yield call
    context.close()


def plain(value):
    """Lists and numbers for what holds arrays and NumPy's numbers."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


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


def drawn(tab) -> None:
    """Wait until the last change is on the screen, in the live text and in the address."""
    tab.wait_for_timeout(600)
    tab.locator(".widget-view[aria-busy=true]").wait_for(state="detached")  # long work is marked as such
