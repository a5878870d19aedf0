"""Interactive figures: the block that puts one into a page, and the bare pages by which others embed them.

A page holds a widget as a block around what is shown where no script runs, in print and to a search:

    //// widget | kernel_explorer
        title: Kernel explorer

    ![What it shows](../figures/some_figure-light.svg)

    A sentence.
    ////

The name is that of the module in `docs/javascripts/widgets`; a page that holds the same widget twice names them by `id`.
"""

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree

from markdown import Markdown
from pymdownx.blocks import BlocksExtension
from pymdownx.blocks.block import Block, type_string

from cnnguide._files import write_if_changed
from guide import ROOT

EMBEDS = "embed"
MODULES = ROOT / "docs/javascripts/widgets"


class WidgetError(ValueError):
    """A block that no widget can be made of; says what is missing."""


class _Widget(Block):
    NAME = "widget"
    ARGUMENT = True
    OPTIONS: ClassVar = {"title": ["", type_string], "id": ["", type_string]}

    def on_validate(self, parent: ElementTree.Element) -> bool:
        name = self.argument.strip()
        known = sorted(file.stem for file in MODULES.glob("*_*.js") if not file.stem.endswith("_worker"))
        if name not in known:
            raise WidgetError(
                f"there is no widget {name!r}; name a module of {MODULES.relative_to(ROOT)}: {', '.join(known)}"
            )
        if not self.options["title"]:
            raise WidgetError(f"the widget {name} has no title; add a line '    title: ...' below its first")
        return True

    def on_create(self, parent: ElementTree.Element) -> ElementTree.Element:
        name = self.argument.strip()
        element = ElementTree.SubElement(parent, name.replace("_", "-"))
        element.attrib |= {"id": self.options["id"] or name.replace("_", "-"), "class": "widget", "data-widget": name}
        element.set("data-title", self.options["title"])
        return ElementTree.SubElement(element, "div", {"class": "widget-fallback"})


class WidgetsExtension(BlocksExtension):
    def extendMarkdownBlocks(self, md: Markdown, block_mgr: Any) -> None:
        block_mgr.register(_Widget, self.getConfigs())


def makeExtension(**options: object) -> WidgetsExtension:
    return WidgetsExtension(**options)


def write_embeds(site: Path, render: Callable[..., str]) -> list[str]:
    """Write a bare page for each widget of a built site; return their ids.

    `render` gets the names of the template `embed.html`: title, element, source and page_title.
    """
    written: dict[str, Path] = {}
    for file in sorted(site.glob("*/*/index.html")):  # as deep as the bare pages, so that relative addresses hold
        if file.is_relative_to(site / EMBEDS) or "data-widget" not in (html := file.read_text("utf-8")):
            continue
        heading = re.search(r"<h1[^>]*>(.*?)</h1>", html, re.DOTALL)
        page_title = unescape(re.sub("<[^>]*>", "", heading[1])).strip("¶ \n") if heading else None
        for element in _ELEMENT.finditer(html):
            attributes = {name: unescape(value) for name, value in _ATTRIBUTE.findall(element["attributes"])}
            name = attributes["id"]
            if name in written:
                raise WidgetError(
                    f"the widget {name} is in {written[name]} and in {file}; give one of them a different id"
                )
            written[name] = file
            content = render(
                title=attributes["data-title"],
                element=_without_proofs(element[0]),
                source=f"../../{file.parent.relative_to(site).as_posix()}/#{name}",
                page_title=page_title or name,
            )
            write_if_changed(site / EMBEDS / name / "index.html", content.encode())
    return list(written)


_ELEMENT = re.compile(r"<(?P<tag>[a-z]+(?:-[a-z]+)+)(?P<attributes>[^>]*\sdata-widget=[^>]*)>.*?</(?P=tag)>", re.DOTALL)
"""A widget in a page. A build has many pages to look through, and these elements do not nest."""

_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')


def _without_proofs(element: str) -> str:
    """The element's markup; ids of proven numbers belong to the page that they come from."""
    return re.sub(r' id="proof-\d+"', "", element)
