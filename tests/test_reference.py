"""The API reference: an entry for every public name, docstrings rendered as written, links that lead there."""

import re

import pytest
from bs4 import BeautifulSoup

import cnnguide
from tests.conftest import ROOT

MODULES = [page.stem for page in (ROOT / "docs/reference/api").glob("*.md")]


@pytest.fixture(scope="module")
def entries(site):
    """Every entry of the reference by its anchor."""
    found = {}
    for module in MODULES:
        page = BeautifulSoup((site / f"reference/api/{module}/index.html").read_text("utf-8"), "html.parser")
        found |= {element["id"]: element for element in page.find_all(id=re.compile(r"^cnnguide\."))}
    return found


def test_every_public_name_has_an_entry(entries):
    known = {anchor.rsplit(".", 1)[1] for anchor in entries}
    assert not set(cnnguide.__all__) - known


def test_every_module_with_public_names_has_a_page():
    homes = {getattr(getattr(cnnguide, name), "__module__", "").removeprefix("cnnguide.") for name in cnnguide.__all__}
    assert {home for home in homes if home in dir(cnnguide)} <= set(MODULES)


def test_examples_are_sessions_and_sections_have_titles(entries):
    entry = entries["cnnguide.shapes.conv_output_size"].find_parent(class_="doc-object")
    assert entry.select_one(".highlight .gp") is not None  # a prompt, highlighted
    assert all(title in entry.get_text() for title in ("Parameters", "Returns", "Raises", "Notes", "References"))
    assert ">>>" not in "".join(paragraph.text for paragraph in entry.find_all("p"))


def test_signs_of_a_formula_are_not_read_as_markup(entries):
    text = entries["cnnguide.filters.apply_filter"].find_parent(class_="doc-object").get_text()
    assert "kernel[i, j] * image[r + i - k_h // 2, c + j - k_w // 2]" in re.sub(r"\s+", " ", text)


def test_names_in_a_chapter_lead_to_their_entries(site):
    page = BeautifulSoup((site / "chapters/channels/index.html").read_text("utf-8"), "html.parser")
    links = {link.text: link["href"] for link in page.select("article a:has(> code)")}
    assert links["SOBEL_X"].endswith("reference/api/filters/#cnnguide.filters.SOBEL_X")
    assert links["apply_filter"].endswith("reference/api/filters/#cnnguide.filters.apply_filter")


def linked(page):
    return set(re.findall(r'href="[^"]*reference/api/\w+/#cnnguide\.\w+\.(\w+)"', page.read_text("utf-8")))


def test_what_code_imports_leads_to_its_entry(site):
    chapters = [(page, site / f"chapters/{page.stem}/index.html") for page in (ROOT / "docs/chapters").glob("*.md")]
    labs = [(lab, site / f"examples/{lab.stem}/index.html") for lab in (ROOT / "examples").glob("*.py")]
    for source, page in [*chapters, *labs, (ROOT / "docs/five_lines.md", site / "five_lines/index.html")]:
        imports = re.findall(r"from cnnguide import (?:\(([^)]*)\)|(.*))", source.read_text("utf-8"))
        names = set(re.findall(r"\w+", " ".join(many or few for many, few in imports)))
        assert names and names <= linked(page), (source.name, names - linked(page))


def test_links_in_code_are_not_copied_and_lead_where_the_name_is_explained(site):
    page = BeautifulSoup((site / "five_lines/index.html").read_text("utf-8"), "html.parser")
    code = page.select_one("div.highlight code:has(a.autorefs)")
    assert ">>> from cnnguide import conv_output_size\n" in code.get_text()
    link = code.select_one("a.autorefs")
    assert link["href"] == "../reference/api/shapes/#cnnguide.shapes.conv_output_size"


RETURNED = {"DivergedError", "MisalignedError", "Glyph", "ReceptiveField", "Network"}
"""What a reader gets and does not make; their entries are beside what raises or returns them."""

FOR_COMPARISON = {"HELD_OUT_FAMILIES", "HELD_OUT_STYLES"}
"""Constants that the text of their module's entry explains."""


def test_every_name_that_a_reader_uses_is_linked_from_a_page_or_from_another_entry(site):
    pages = [page for page in site.rglob("*.html") if "reference" not in page.parts]
    content = "".join(page.read_text("utf-8") for page in (site / "reference/api").rglob("*.html"))
    within = set(re.findall(r'class="autorefs[^>]*href="[^"]*#cnnguide\.\w+\.(\w+)"', content))
    unlinked = set(cnnguide.__all__) - RETURNED - FOR_COMPARISON - within.union(*map(linked, pages))
    assert all(name.endswith("_backward") for name in unlinked), (
        unlinked
    )  # their entries are below those of their forward


def test_a_class_shows_what_it_is_made_with(entries):
    text = entries["cnnguide.layers.Conv2d"].find_parent(class_="doc-object").get_text()
    assert "in_channels: int," in text and "self" not in text.split("Parameters")[0]


def test_a_page_of_the_reference_is_light(site):
    for module in MODULES:
        assert (site / f"reference/api/{module}/index.html").stat().st_size < 150_000
