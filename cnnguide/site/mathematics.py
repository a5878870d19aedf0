r"""Markdown extension: formulas become MathML while the site is built, so that no page needs a script for them.

`$...$` and `$$...$$` are found by pymdownx.arithmatex (with `generic: true`) and converted by latex2mathml. The
converter passes over what it does not know in silence, so its result is inspected: a formula that it did not understand
stops the build, by name.
"""

import re
from xml.etree import ElementTree

from latex2mathml.converter import convert
from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
_WRAPPED = re.compile(r"\\\((?P<inline>.*)\\\)|\\\[(?P<display>.*)\\\]", re.DOTALL)


class FormulaError(ValueError):
    """A formula that cannot be converted; repeats it and says what was not understood."""


def to_mathml(latex: str, display: bool = False) -> ElementTree.Element:
    """Convert a formula; raise `FormulaError` where the converter would publish something broken."""
    latex = latex.strip()
    try:
        markup = convert(latex, display="block" if display else "inline")
        root = ElementTree.fromstring(re.sub(r'\sxmlns="[^"]*"', "", markup))  # ElementTree would rename every tag
    except Exception as error:
        raise FormulaError(f"the formula {latex!r} cannot be converted: {type(error).__name__}: {error}") from error
    for element in root.iter():
        if complaint := _complaint(element):
            raise FormulaError(
                f"the formula {latex!r} cannot be converted: {complaint}; write it with other commands "
                "(split, cases, bmatrix and align* work, aligned and gathered do not)"
            )
    if not latex or "$" in latex:
        raise FormulaError(f"the formula {latex!r} cannot be converted: it is empty, or a $ in it would be printed")
    root.set("xmlns", NAMESPACE)
    return root


_PARTS = {"mfrac": 2, "msup": 2, "msub": 2, "mover": 2, "munder": 2, "mroot": 2, "msubsup": 3, "munderover": 3}


def _complaint(element: ElementTree.Element) -> str | None:
    text = element.text or ""
    if len(element) != _PARTS.get(element.tag, len(element)):
        return f"a part is missing ({element.tag} has {len(element)} of {_PARTS[element.tag]})"
    if (element.tag != "mtext" and "\\" in text) or re.search(r"\\[A-Za-z]", text):
        return f"{text!r} is unknown"
    if element.tag == "mi" and text.strip() == "&":
        return "an alignment mark & is left over"
    if element.get("linebreak") == "newline":
        return "a line break is left over"
    if element.tag == "merror":
        return "the converter reports an error"
    return None


class _ConvertFormulas(Treeprocessor):
    def run(self, root: ElementTree.Element) -> None:
        for element in root.iter():
            if "arithmatex" in (element.get("class") or "").split():
                match = _WRAPPED.fullmatch((element.text or "").strip())
                if match is None:
                    raise FormulaError(
                        f"the formula {element.text!r} is not wrapped as expected; is generic: true set?"
                    )
                display = match["display"] is not None
                element.text = None
                element.set("class", "formula")
                if display:
                    element.set("tabindex", "0")  # a wide formula scrolls, and a keyboard must be able to scroll it
                    element.set("role", "group")
                    element.set("aria-label", "formula")
                element.append(to_mathml(match["display"] or match["inline"] or "", display))


class MathematicsExtension(Extension):
    def extendMarkdown(self, md: Markdown) -> None:
        # After inline formulas are found (inline, 20), before the table of contents reads the headings (5).
        md.treeprocessors.register(_ConvertFormulas(md), "cnnguide-mathematics", 15)


def makeExtension(**options: object) -> MathematicsExtension:
    return MathematicsExtension(**options)
