"""The block that puts a widget into a page, the bare pages made of it, and the data that the package hands over."""

import base64
import json

import numpy as np
import pytest
from bs4 import BeautifulSoup
from markdown import Markdown

from cnnguide.figures.style import SCHEMES
from guide import widget_data, widgets
from tests.conftest import ROOT

BLOCK = """\
//// widget | kernel_explorer
    title: Any *title*

A sentence with **28** in it.

/// caption
What it shows.
///
////
"""


@pytest.fixture
def render(monkeypatch):
    monkeypatch.chdir(ROOT)
    extensions = ["pymdownx.blocks.caption", "md_in_html", "guide.widgets"]
    return lambda text: BeautifulSoup(Markdown(extensions=extensions).convert(text), "html.parser")


def test_a_block_becomes_a_custom_element_around_what_is_shown_without_scripts(render):
    element = render(BLOCK).select_one("kernel-explorer.widget")
    assert element["id"] == "kernel-explorer" and element["data-widget"] == "kernel_explorer"
    assert element["data-title"] == "Any *title*"
    fallback = element.select_one(":scope > .widget-fallback")
    assert fallback.strong.text == "28" and "What it shows." in fallback.text


def test_a_second_one_of_a_kind_has_its_own_id(render):
    page = render(BLOCK.replace("    title", "    id: another\n    title"))
    assert page.select_one("kernel-explorer")["id"] == "another"


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (BLOCK.replace("_explorer", "_explorers"), "no widget 'kernel_explorers'; name a module .*kernel_explorer"),
        (BLOCK.replace("kernel_explorer", "../core/data"), "no widget '../core/data'"),
        (BLOCK.replace("kernel_explorer", "live_training_worker"), r"no widget '\w+'; .*live_training, (?!\w+_worker)"),
        (BLOCK.replace("    title: Any *title*\n", ""), "has no title; add a line"),
    ],
)  # fmt: skip
def test_a_block_that_is_wrong_stops_the_build(render, block, message):
    with pytest.raises(widgets.WidgetError, match=message):
        render(block)


PAGE = """<html><body><article><h1>A chapter<a href="#">¶</a></h1><kernel-explorer id="one" data-widget="kernel_explorer"
data-title="Title"><b id="proof-3">3</b><img src="../../figures/a.svg"></kernel-explorer></article></body></html>"""


def test_bare_pages_hold_the_element_as_the_chapter_does(tmp_path):
    (tmp_path / "chapters/a").mkdir(parents=True)
    (tmp_path / "chapters/a/index.html").write_text(PAGE, "utf-8")
    assert widgets.write_embeds(tmp_path, lambda **names: json.dumps({k: str(v) for k, v in names.items()})) == ["one"]
    written = json.loads((tmp_path / "embed/one/index.html").read_text("utf-8"))
    assert written["title"] == "Title" and written["page_title"] == "A chapter"
    assert written["source"] == "../../chapters/a/#one"
    assert 'src="../../figures/a.svg"' in written["element"] and "proof-3" not in written["element"]
    (tmp_path / "chapters/b").mkdir()
    (tmp_path / "chapters/b/index.html").write_text(PAGE, "utf-8")
    with pytest.raises(widgets.WidgetError, match="is in .*a.* and in .*b.*a different id"):
        widgets.write_embeds(tmp_path, lambda **names: "")


def test_data_is_written_once_and_what_nothing_gives_is_removed(tmp_path):
    (tmp_path / "forgotten.json").write_text("{}", "utf-8")
    assert set(widget_data.write(tmp_path)) == set(widget_data.CONTENTS)
    assert widget_data.write(tmp_path) == []  # the same bytes again: `mkdocs serve` may rest
    assert not (tmp_path / "forgotten.json").exists()


def test_arrays_keep_every_bit():
    array = np.random.default_rng(0).standard_normal((2, 3)).astype(np.float32)
    packed = widget_data._array(array)
    restored = np.frombuffer(base64.b64decode(packed["base64"]), packed["dtype"]).reshape(packed["shape"])
    assert np.array_equal(restored, array)


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.name)
def test_widgets_have_the_colours_of_the_figures(open_widget, scheme):
    tab = open_widget("kernel-explorer", scheme=scheme.name)
    names = ("ink", "faint", "ground", "blue", "orange", "green", "purple")
    styled = tab.widget.evaluate(
        "(widget, names) => names.map((name) => getComputedStyle(widget).getPropertyValue(`--widget-${name}`).trim())",
        names,
    )
    assert styled == [getattr(scheme, name) for name in names]
