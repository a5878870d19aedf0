"""Each page of the built site in Chromium, visited once in each colour scheme; all looks are taken in that visit."""

from dataclasses import dataclass, field

import pytest

from tests.conftest import new_tab, serious_violations

WIDTHS = (1280, 390)
LOADED_AT = {"light": 1280, "dark": 390}
"""Every page is loaded at each width in one of the schemes, and then brought to the other."""
FIGURES = """
    () => [...document.querySelectorAll(".md-content img[src*='figures/']")]
        .filter((image) => !image.closest("[data-ready] > .widget-fallback")) // the widget that runs has taken its place
        .map((image) => ({
            name: image.getAttribute("src"), shown: image.checkVisibility() && image.getBoundingClientRect().width > 0,
            drawn: image.complete && image.naturalWidth > 0,
        }))
"""


@dataclass
class Visit:
    """What was seen of one page."""

    problems: list[str]
    widths: dict[int, int] = field(default_factory=dict)
    figures: list[dict] = field(default_factory=list)
    axe: str = ""


@pytest.fixture(scope="module", params=list(LOADED_AT))
def scheme(request):
    return request.param


@pytest.fixture(scope="module")
def visits(browser, address, pages, scheme) -> dict[str, Visit]:
    return {page: visit(browser, address, page, scheme) for page in pages}


def visit(browser, address, page, scheme) -> Visit:
    tab = new_tab(browser, address, page, scheme, LOADED_AT[scheme])
    seen = Visit(tab.problems)
    for width in sorted(WIDTHS, key=LOADED_AT[scheme].__ne__):
        tab.set_viewport_size({"width": width, "height": 900})
        tab.evaluate("() => new Promise(requestAnimationFrame)")
        seen.widths[width] = tab.evaluate("document.documentElement.scrollWidth")
    tab.set_viewport_size({"width": WIDTHS[0], "height": 900})
    seen.figures = tab.evaluate(FIGURES)
    for fold in tab.query_selector_all("details:not(.widget-numbers)"):  # those are looked at on bare pages
        fold.evaluate("fold => fold.open = true")
    seen.axe = serious_violations(tab)
    tab.wait_for_load_state("networkidle")  # what scripts ask for after loading has arrived as well
    tab.context.close()
    return seen


def test_axe_finds_nothing_serious_on_any_page(visits):
    assert len(visits) > 8
    found = [f"{page}\n{visit.axe}" for page, visit in visits.items() if visit.axe]
    assert not found, "\n\n".join(found)


def test_no_page_asks_another_host_and_nothing_is_missing(visits):
    assert {page: visit.problems for page, visit in visits.items() if visit.problems} == {}


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_is_wider_than_the_screen(visits, width):
    assert {page: visit.widths[width] for page, visit in visits.items() if visit.widths[width] > width} == {}


def test_each_figure_is_shown_in_the_scheme_of_the_page(visits, scheme):
    seen = [(page, one) for page, visit in visits.items() for one in visit.figures]
    assert len(seen) > 20
    for page, figure in seen:
        assert figure["shown"] == (f"-{scheme}.svg" in figure["name"]), (page, figure)
        assert figure["drawn"], (page, figure)
