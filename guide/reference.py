"""Markdown extension for the API reference: docstrings as they are meant, and links to them from every page.

- Where mkdocstrings renders the text of a docstring, signs that Markdown would take for markup stay what they are.
  Numbers in it are proven by its own doctest.
- Where a page says `conv_chain`, or its code imports the name, it leads to the entry.
"""

import functools
import re
import sys
from xml.etree import ElementTree

from markdown import Markdown
from markdown.extensions import Extension
from markdown.postprocessors import Postprocessor
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor

import cnnguide

INSIDE_A_DOCSTRING = "mkdocstrings_ids"
"""A treeprocessor that mkdocstrings adds to the Markdown that it renders a docstring with."""


def is_docstring(md: Markdown) -> bool:
    return INSIDE_A_DOCSTRING in md.treeprocessors


class _Docstring(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        if not is_docstring(self.md):
            return lines
        paragraphs = re.split(r"\n\s*\n", "\n".join(lines).strip())
        return "\n\n".join(map(_as_markdown, paragraphs)).split("\n")


def _as_markdown(paragraph: str) -> str:
    pieces = re.split(r"(`[^`]+`)", paragraph)
    plain = "".join(piece if piece.startswith("`") else re.sub(r"([*_\[\]<>#])", r"\\\1", piece) for piece in pieces)
    return re.sub(r"(?<!^)\n(?=- )", "\n\n", plain, count=1)  # a list begins after an empty line


class _LinkNames(Treeprocessor):
    """`name` in running text leads to the entry of the public name; mkdocs-autorefs knows where that is."""

    def run(self, root: ElementTree.Element) -> None:
        homes = _homes()
        parents = {child: parent for parent in root.iter() for child in parent}
        for code in [element for element in root.iter("code") if element in parents]:
            name, parent = (code.text or "").removesuffix("()"), parents[code]
            home = homes.get(name)
            if (
                not isinstance(home, str)
                or not home.startswith("cnnguide.")
                or _is_inside(code, parents, "a", "pre", "summary", "h1", "h2", "h3")
            ):
                continue
            link = ElementTree.Element("autoref", {"identifier": f"{home}.{name}", "optional": ""})
            link.tail, code.tail = code.tail, None
            place = list(parent).index(code)
            parent.remove(code)
            link.append(code)
            parent.insert(place, link)


IMPORT = re.compile(
    r'<span class="kn">from</span>(?:<span class="w"> </span>| )<span class="nn">cnnguide(?:\.\w+)?</span>'
    r'(?:<span class="w"> </span>| )<span class="kn">import</span>(?: <span class="p">\((?P<many>[^)]*)\)|(?P<few>.*))'
)
"""Highlighted code that imports names of the package; in parentheses they may take several lines."""


def link_imports(html: str) -> str:
    """Let names that code imports lead to their entries: where they are introduced, and not at every use."""
    return IMPORT.sub(lambda match: re.sub(r'<span class="n">(\w+)</span>', _link, match[0]), html)


def _link(match: re.Match[str]) -> str:
    home = _homes().get(match[1])
    return f'<autoref identifier="{home}.{match[1]}" optional="">{match[0]}</autoref>' if home else match[0]


class _LinkImports(Postprocessor):
    def run(self, text: str) -> str:
        return text if is_docstring(self.md) else link_imports(text)


@functools.cache
def _homes() -> dict[str, str]:
    """The module that defines each public name."""
    modules = {name: module for name, module in sys.modules.items() if re.fullmatch(r"cnnguide\.\w+", name)}
    return {
        name: home
        for home, module in modules.items()
        for name in getattr(module, "__all__", ())
        if name in cnnguide.__all__
    }


def _is_inside(
    element: ElementTree.Element, parents: dict[ElementTree.Element, ElementTree.Element], *tags: str
) -> bool:
    while element in parents:
        element = parents[element]
        if element.tag in tags:
            return True
    return False


class ReferenceExtension(Extension):
    def extendMarkdown(self, md: Markdown) -> None:
        # Before numbers are marked (40) and fences taken out (25).
        md.preprocessors.register(_Docstring(md), "cnnguide-docstring", 45)
        # When inline code has been read (20).
        md.treeprocessors.register(_LinkNames(md), "cnnguide-names", 2)
        # When highlighted code is back in the page (30).
        md.postprocessors.register(_LinkImports(md), "cnnguide-imports", 10)


def makeExtension(**options: object) -> ReferenceExtension:
    return ReferenceExtension(**options)
