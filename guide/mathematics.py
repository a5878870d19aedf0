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

REFUSED = {
    # What the converter or the browser would publish as something else, and what to write instead.
    r"\\(?:newcommand|renewcommand|def|let)\b": "macros vanish: write the formula out",
    r"\\operatorname\*": "the star would be printed: use \\operatorname{...} or \\text{...}",
    r"\\operatorname\{[^}]*\\": "commands inside \\operatorname are lost: use \\text{...}",
    r"\\\\\[": "the space of a new line would be printed: leave it out",
    r"\\(?:boldsymbol|bm|pmb|cal|mathbf|mathbb|mathcal|textbf|textit)\b": "browsers show the plain letter: choose another",
    r"\\(?:cancel|boxed)\b": "browsers show no line: say it in words",
    r"\\mathrm\{\w\}": "a single letter would be italic: use \\text{...}",
    r"\\!": "the space would stay: leave it out",
    r"\\left<|\\right>": "angles would be less-than signs: use \\langle and \\rangle",
}
ENVIRONMENTS = ("align*", "split", "cases", "matrix", "pmatrix", "bmatrix", "vmatrix", "array")
NAMESPACE = "http://www.w3.org/1998/Math/MathML"
_WRAPPED = re.compile(r"\\\((?P<inline>.*)\\\)|\\\[(?P<display>.*)\\\]", re.DOTALL)


class FormulaError(ValueError):
    """A formula that cannot be converted; repeats it and says what was not understood."""


def to_mathml(latex: str, display: bool = False) -> ElementTree.Element:
    """Convert a formula; raise `FormulaError` where the converter would publish something broken."""
    latex = latex.strip()
    if complaint := _complaint_about_source(latex):
        raise FormulaError(f"the formula {latex!r} cannot be converted: {complaint}")
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
    root.set("xmlns", NAMESPACE)
    return root


def _complaint_about_source(latex: str) -> str | None:
    for pattern, remedy in REFUSED.items():
        if found := re.search(pattern, latex):
            return f"{found[0]!r}: {remedy}"
    for environment in re.findall(r"\\begin\{([^}]*)\}", latex):
        if environment not in ENVIRONMENTS:
            return f"the environment {environment!r} is unknown: use one of {', '.join(ENVIRONMENTS)}"
    braces = re.sub(r"\\[\\{}]", "", latex)
    if braces.count("{") != braces.count("}"):
        return "its braces do not match"
    if not latex or "$" in latex:
        return "it is empty, or a $ in it would be printed"
    return None


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
    if element.tag == "mo" and not text.strip() and element.get("fence") is None and element.get("stretchy") is None:
        return "an operator is empty"
    if element.get("mathvariant") not in (None, "normal"):
        return f"browsers ignore mathvariant={element.get('mathvariant')!r}"
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
        for element in root.iter():
            self._refuse_unconverted(element)

    def _refuse_unconverted(self, element: ElementTree.Element) -> None:
        """Formulas where none is possible (an alt text, a title), or that were not found (no blank line around $$)."""
        for name, value in element.attrib.items():
            if re.search(r"\\\(|\\\[", value):
                raise FormulaError(f"a formula in the {name} {value!r}, where none is possible; say it in words")
        if element.tag not in ("code", "pre"):
            for text in (element.text, *(child.tail for child in element)):
                if text and "$$" in text:
                    raise FormulaError(f"{text.strip()!r} holds $$ outside of a formula; leave a blank line around it")


class MathematicsExtension(Extension):
    def extendMarkdown(self, md: Markdown) -> None:
        # After inline formulas are found (inline, 20), before the table of contents reads the headings (5).
        md.treeprocessors.register(_ConvertFormulas(md), "cnnguide-mathematics", 15)


def makeExtension(**options: object) -> MathematicsExtension:
    return MathematicsExtension(**options)
