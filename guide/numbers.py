"""Markdown extension: marks each proven number, so that its expression can be seen beside it.

`**28**<!-- = 4 * 7 -->` becomes a span that carries the expression; in an alt text, where no mark is possible, only the
comment is dropped. `guide.page_parser` defines what counts as proven.
"""

import re

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

from guide import page_parser
from guide.reference import is_docstring


def anchor(index: int) -> str:
    """Id of the page's number with this index, counted from 1, for links from the verified_numbers."""
    return f"proof-{index}"


class _MarkNumbers(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        if is_docstring(self.md):
            return lines
        text = "\n".join(lines)
        pieces, position = [], 0
        for index, number in enumerate(page_parser.read(text).numbers, start=1):
            start, end = number.marked
            if number.in_alt_text:
                pieces += [text[position:end]]
            else:
                proof = _harmless(f"{number.operator} {number.expression}")
                kind = "proven given" if number.operator == "given" else "proven"
                opening = f'<span class="{kind}" id="{anchor(index)}" title="{proof}" data-proof="{proof}">'
                pieces += [text[position:start], opening, text[start:end], "</span>"]
            # Between the number and its comment are at most closing marks, as in **the 28**<!-- ... -->.
            pieces.append(text[end : text.index("<!--", end)])
            position = number.end
        return "".join([*pieces, text[position:]]).split("\n")


def _harmless(text: str) -> str:
    """Spell out every character that HTML or Markdown could read as markup, such as * or [ or |."""
    return re.sub(r"[^A-Za-z0-9 ]", lambda match: f"&#{ord(match[0])};", text)


class NumbersExtension(Extension):
    """Registers the marks to come first: before snippets are included (32) and fences taken out (25)."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.preprocessors.register(_MarkNumbers(md), "cnnguide-numbers", 40)


def makeExtension(**options: object) -> NumbersExtension:
    return NumbersExtension(**options)
