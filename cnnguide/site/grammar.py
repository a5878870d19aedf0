"""The grammar of a page: which fences run, which numbers are proven, and by what.

Read once, here, for everybody: the tests (which run and compare), the site (which marks the numbers) and the ledger
(which lists them). With this module, one can
- read a page into its code blocks, snippets and numbers (`read`), or into the first two only (`read_fences`),
- evaluate a number's expression and compare (`evaluate`, `problem_with`),
- check that a snippet's file and markers exist (`check_snippet`).

A proven number is followed by a comment with an operator and an expression, so that it stays readable in the source
and on a Git host:

    leaves **28**<!-- = conv_output_size(32, kernel=5) --> positions

`=` compares (integers exactly, decimals and percentages to the digits shown), `<` and `>` bound: the number as shown
stands left of the operator, the value right of it.
"""

import math
import numbers
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

INERT = ("text", "bash", "yaml", "toml", "mermaid")
"""Fences that are shown and not run."""

NAMES = (
    # Each pattern names things that hold a digit and claim nothing; whatever else holds a digit is a claim.
    r"\b(?:[1-9]|[12]\d|3[01])[×x](?:[1-9]|[12]\d|3[01])\b",  # kernels: 3×3, 1x7, up to the 31×31 of RepLKNet
    r"\b(199|224)[×x]\1\b",  # the image of question 3, and the photos that networks of the literature are fed
    r"\bv\d+(?:\.\d+)?\b",  # versions: Inception v2, ResNet-50 v1.5
    r"(?<!\w)[^\W\d]\w*-?\d\w*",  # glued or hyphened to a word: Conv2d, float32, VGG-16, L2
    r"\b(?:19|20)\d\d\b",  # years
    r"\b[1-4]-?D\b",
    r"\b(?:tables?|sections?|equations?|chapters?|pages?|figures?|relationships?|questions?|versions?|arXiv|CC BY|Python)"
    r"[ :][\d.]*\d\+?(?: (?:and|to) \d+)?",  # places in sources and in this guide
)

COPIES_OF_PROVEN_NUMBERS = "<!-- Written by cnnguide.site.ledger: the numbers here are copies of proven ones. -->"
"""The line that excuses the ledger, and no other page, from proving its numbers."""

_FENCE = re.compile(r"^(?P<prefix>[ \t>]*)(?P<fence>`{3,}|~{3,})(?P<info>[^\n`]*)$", re.MULTILINE)
_SNIPPET = re.compile(r'\s*--8<--\s+"(?P<path>[^":]+)(?::(?P<section>[A-Za-z][\w-]*))?"\s*')
_COMMENT = re.compile(r"<!--(?P<body>.*?)-->", re.DOTALL)
_PROOF = re.compile(r"\s*(?P<operator>[=<>])(?![=<>])\s*(?P<expression>.*?)\s*", re.DOTALL)
_DIGITS = r"(?<![^\W_])(?<![.,])[-−+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?(?![^\W_]|[.,]\d)(?:[ \u00a0]?%)?"
_SHOWN = re.compile(rf"(?P<open>[*_`]*)(?P<number>{_DIGITS})(?P<close>[*_`]*)\Z")
_NUMBER = re.compile(r"[-−+]?\d[\d.,]*(?:[ \u00a0]?%)?")
_CODE_SPAN = re.compile(r"(?<!`)(?P<ticks>`+)(?!`)(?P<code>(?:(?!\n\s*\n).)+?)(?<!`)(?P=ticks)(?!`)", re.DOTALL)
_MATH = re.compile(r"\$\$.+?\$\$|(?<![\\$\w])\$(?![\s$])[^$\n]+?(?<![\s\\])\$(?![\d$])", re.DOTALL)
_IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\(")
_MARKUP = re.compile(
    r"(?<=\])\([^)\n]*\)"  # the target of a link or an image
    r"|<[a-zA-Z/][^>]*>"  # HTML tags and <links>
    r"|\bhttps?://\S+"
    r"|\{[^}\n]*\}"  # attribute lists
    r"|\[\^[^\]]+\]:?"  # footnotes
    r"|^[ \t>]*\[[^\]]+\]:[^\n]*$"  # link definitions
    r"|^[ \t>]*(?:#+ +)?\d+[.)](?=[ \t])",  # numbers of list items and headings
    re.MULTILINE,
)


class PageError(ValueError):
    """Something on a page that cannot stand: where, what, and what to do about it."""

    def __init__(self, path: str, line: int, what: str, remedy: str) -> None:
        super().__init__(f"{path}:{line}: {what}; {remedy}")


@dataclass(frozen=True)
class Block:
    """A fence that runs (`python`) or is compared (`pycon`); `source` is without the indentation of the fence."""

    language: str
    source: str
    line: int
    start: int
    end: int


@dataclass(frozen=True)
class Snippet:
    """A fence that shows a part of a file of the project."""

    path: str
    section: str | None
    line: int
    start: int
    end: int


@dataclass(frozen=True)
class Number:
    """A number in the prose and what proves it; `marked` is the part of the text that the site marks."""

    shown: str
    operator: str
    expression: str
    sentence: str
    line: int
    start: int
    end: int
    marked: tuple[int, int]
    in_alt_text: bool


@dataclass
class Page:
    """All that a page claims, in the order of the page."""

    path: str
    text: str
    parts: list[Block | Snippet | Number] = field(default_factory=list)

    @property
    def numbers(self) -> list[Number]:
        return [part for part in self.parts if isinstance(part, Number)]


def read(text: str, path: str = "page") -> Page:
    """Read a page; the first thing that cannot stand raises `PageError` with file, line and what to do."""
    return _Reader(text, path).read()


def read_fences(text: str, path: str = "page") -> Page:
    """Read the fences of a page whose prose is not about networks, so that its numbers need no proof."""
    reader = _Reader(text, path)
    reader.read_fences()
    return reader.page


class _Reader:
    """One pass over one page. What has been understood is blanked out of `prose`; digits that are left are unproven."""

    def __init__(self, text: str, path: str) -> None:
        self.text, self.path = text, path
        self.line_starts = [0] + [match.end() for match in re.finditer("\n", text)]
        self.prose = text
        self.page = Page(path, text)

    def read(self) -> Page:
        self.read_fences()
        if COPIES_OF_PROVEN_NUMBERS in self.prose:
            return self.page
        self._refuse_snippets_outside_fences()
        proofs = self._take_comments()
        self._read_numbers(proofs)
        self._refuse_unproven()
        self.page.parts.sort(key=lambda part: part.start)
        return self.page

    def line_of(self, position: int) -> int:
        return bisect_right(self.line_starts, position)

    def error(self, position: int, what: str, remedy: str) -> PageError:
        return PageError(self.path, self.line_of(position), what, remedy)

    def blank(self, start: int, end: int) -> None:
        kept = re.sub(r"[^\n]", " ", self.prose[start:end])
        self.prose = self.prose[:start] + kept + self.prose[end:]

    # Fences

    def read_fences(self) -> None:
        position = 0
        while opening := _FENCE.search(self.text, position):
            closing = re.compile(rf"^[ \t>]*{re.escape(opening['fence'])}[ \t]*$", re.MULTILINE).search(
                self.text, opening.end()
            )
            if closing is None:
                raise self.error(opening.start(), "this fence never ends", f"close it with {opening['fence']}")
            self._add_fence(opening, closing)
            self.blank(opening.start(), closing.end())
            position = closing.end()

    def _add_fence(self, opening: re.Match[str], closing: re.Match[str]) -> None:
        body = self.text[opening.end() + 1 : closing.start()]
        width = len(opening["prefix"])
        source = "".join(line[width:] or "\n" for line in body.splitlines(keepends=True))
        place = dict(line=self.line_of(opening.start()), start=opening.start(), end=closing.end())
        if snippet := _SNIPPET.fullmatch(source):
            self.page.parts.append(Snippet(snippet["path"], snippet["section"], **place))
            return
        language = _language(opening["info"])
        if "--8<--" in source:
            raise self.error(
                opening.start(), "a snippet line with other text or of another form",
                'a snippet stands alone in its fence, as --8<-- "path/file.py:section"',
            )  # fmt: skip
        if language in INERT:
            return
        if language not in ("python", "pycon"):
            raise self.error(
                opening.start(),
                f"unknown fence {language!r}" if language else "a fence without a language",
                f"use python (run), pycon (compared), or one that is only shown: {', '.join(INERT)}",
            )
        has_prompt = re.search(r"^\s*>>> ", source, re.MULTILINE) is not None
        if has_prompt != (language == "pycon"):
            raise self.error(
                opening.start(),
                "a python fence with >>> prompts" if has_prompt else "a pycon fence without a >>> prompt",
                "write pycon above a session with prompts and outputs, python above plain code",
            )
        self.page.parts.append(Block(language, source, **place))

    def _refuse_snippets_outside_fences(self) -> None:
        if (at := self.prose.find("--8<--")) >= 0:
            raise self.error(at, "a snippet outside a fence", "put it into a fence of its own, so that it is checked")

    # Numbers

    def _take_comments(self) -> list[re.Match[str]]:
        """Blank code spans and comments; return the comments that prove something."""
        for span in list(_CODE_SPAN.finditer(self.prose)):
            if not _SHOWN.fullmatch(span["code"]):  # `conv_chain(199)` is code, but `99` is a claim in other letters
                self.blank(span.start(), span.end())
        proofs = []
        for comment in list(_COMMENT.finditer(self.prose)):
            self.blank(comment.start(), comment.end())
            body = comment["body"]
            if re.match(r"\s*(?:skip|invisible|clear)", body):
                raise self.error(
                    comment.start(),
                    f"the directive {body.strip()!r}",
                    "a page hides nothing and skips nothing: remove it",
                )
            if body.lstrip()[:1] in ("=", "<", ">", "≤", "≥"):
                proofs.append(comment)
        return proofs

    def _read_numbers(self, proofs: list[re.Match[str]]) -> None:
        alts = [match.span("alt") for match in _IMAGE.finditer(self.prose)]
        for comment in proofs:
            proof = _PROOF.fullmatch(comment["body"])
            if proof is None or not proof["expression"]:
                raise self.error(
                    comment.start(), f"the proof {comment['body'].strip()!r} is not of a known form",
                    "write <!-- = expression -->, <!-- < expression --> or <!-- > expression -->",
                )  # fmt: skip
            shown = _SHOWN.search(self.prose, self.prose.rfind("\n", 0, comment.start()) + 1, comment.start())
            if shown is None:
                raise self.error(
                    comment.start(), f"no number before the proof {proof['expression']!r}",
                    "the comment follows its number directly, as in **28**<!-- = 32 - 4 -->",
                )  # fmt: skip
            wrapped = shown["open"] == shown["close"][::-1]
            number = Number(
                shown=shown["number"],
                operator=proof["operator"],
                expression=" ".join(proof["expression"].split()),
                sentence=self._sentence_around(shown.start("number")),
                line=self.line_of(shown.start("number")),
                start=shown.start("number"),
                end=comment.end(),
                marked=shown.span() if wrapped else shown.span("number"),
                in_alt_text=any(start <= shown.start() < end for start, end in alts),
            )
            self.page.parts.append(number)
        for number in self.page.numbers:
            self.blank(number.start, number.end)

    def _sentence_around(self, position: int) -> str:
        paragraph_start = max(self.prose.rfind(mark, 0, position) for mark in ("\n\n", "\n|", "\n- ", "\n#")) + 1
        ends = [self.prose.find(mark, position) for mark in ("\n\n", "\n|", "\n- ", "\n#")]
        paragraph_end = min((end for end in ends if end >= 0), default=len(self.prose))
        paragraph = without_comments(self.text[paragraph_start:paragraph_end])
        before = len(without_comments(self.text[paragraph_start:position]))
        start = max((m.end() for m in re.finditer(r"[.!?:]\s+", paragraph[:before])), default=0)
        end = re.compile(r"[.!?](?=\s|$)").search(paragraph, before)
        sentence = paragraph[start : end.end() if end else len(paragraph)]
        sentence = re.sub(r"!?\[([^\]]*)\]\([^)]*\)(?:\{[^}]*\})?", r"\1", sentence)
        return " ".join(sentence.replace("|", " ").replace("*", "").strip("# \n-!>").split())

    def _refuse_unproven(self) -> None:
        self._refuse_numbers_in_front_matter()
        for formula in list(_MATH.finditer(self.prose)):
            if re.search(r"\d\d", formula[0]):
                raise self.error(
                    formula.start(), f"a number in the formula {formula[0]!r}, where no proof can stand",
                    "let formulas hold symbols and single digits, and say the number in the prose with its proof",
                )  # fmt: skip
            self.blank(*formula.span())
        for pattern in (_MARKUP, *(re.compile(name) for name in NAMES)):
            for match in list(pattern.finditer(self.prose)):
                self.blank(*match.span())
        if unproven := _NUMBER.search(self.prose):
            shown = unproven[0].rstrip(".,")
            raise self.error(
                unproven.start(), f"the number {shown} has no expression",
                f"prove it, as in {shown}<!-- = expression -->, or declare the name it belongs to in NAMES of "
                "cnnguide/site/grammar.py",
            )  # fmt: skip

    def _refuse_numbers_in_front_matter(self) -> None:
        matter = re.match(r"---\n.*?\n---\n", self.prose, re.DOTALL)
        if matter is None:
            return
        rest = matter[0]
        for name in NAMES:
            rest = re.sub(name, lambda match: " " * len(match[0]), rest)
        if found := re.search(r"\d[\d.,]*", rest):
            raise self.error(
                found.start(), f"the number {found[0]} in the front matter, where no proof can stand",
                "say it in words that claim less, or in the page with its proof",
            )  # fmt: skip
        self.blank(*matter.span())


def _language(info: str) -> str:
    """The language of a fence's info line: `python title="x.py"`, ` python`, `{ .python .annotate }`."""
    match = re.match(r"\s*(?:\{[^}]*?\.(?P<attribute>[\w+-]+)|(?P<word>[\w+-]*))", info)
    return (match["attribute"] or match["word"] or "") if match else ""


def without_comments(text: str) -> str:
    """Text as a reader of the page sees it, without its proofs.

    >>> without_comments("leaves **28**<!-- = 4 * 7 --> positions")
    'leaves **28** positions'
    """
    return _COMMENT.sub("", text)


def evaluate(number: Number, namespace: dict[str, Any]) -> Any:
    """Value of a number's expression, which may use the page's own names, the whole package and `math`."""
    import cnnguide

    return eval(number.expression, {"math": math, **vars(cnnguide), **namespace})


def problem_with(number: Number, value: Any) -> str | None:
    """Why the shown number is not what its expression gives, as a sentence; None where all is well."""
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return f"{number.expression} gives {value!r}, which is no number"
    if not math.isfinite(value):
        return f"{number.expression} gives {value!r}, which no page can show"
    percentage = number.shown.endswith("%")
    exact = Fraction(value if isinstance(value, numbers.Rational) else float(value)) * (100 if percentage else 1)
    digits = Decimal(re.sub(r"[,%\s]", "", number.shown).replace("−", "-"))
    shown = Fraction(digits)
    if number.operator == "=":
        whole = digits.as_tuple().exponent == 0 and not percentage and "e" not in number.shown
        tolerance = 0 if whole else Fraction(10) ** int(digits.as_tuple().exponent) / 2
        holds = abs(shown - exact) <= tolerance
    else:
        holds = shown < exact if number.operator == "<" else shown > exact
    if holds:
        return None
    met = f"{float(exact)}%" if percentage else f"{value!r}"
    return f"the page says {number.shown} {number.operator} {number.expression}, which gives {met}; correct the page"


def check_snippet(snippet: Snippet, page: str, root: Path) -> None:
    """Raise `PageError` unless the snippet's file exists and holds the start and end of its section."""
    file = root / snippet.path
    if not file.is_file():
        raise PageError(page, snippet.line, f"snippet of {snippet.path}, which does not exist", "correct the path")
    if snippet.section is None:
        return
    lines = file.read_text("utf-8").splitlines()
    for marker in (f"--8<-- [start:{snippet.section}]", f"--8<-- [end:{snippet.section}]"):
        if sum(line.strip().endswith(marker) for line in lines) != 1:
            raise PageError(
                page, snippet.line, f"{snippet.path} does not hold the marker {marker!r} exactly once",
                f"write it as a comment, # {marker}",
            )  # fmt: skip
