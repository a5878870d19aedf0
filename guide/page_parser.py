"""The grammar of a page: which fences run, which numbers are proven, and by what.

Read once, here, for everybody: the tests (which run and compare), the site (which marks the numbers) and the page
*Verified numbers* (which lists them). With this module, one can
- read a page into its code blocks, snippets and numbers (`read`), or into the first two only (`read_fences`),
- evaluate a number's expression and compare (`evaluate`, `problem_with`),
- check that a snippet's file and markers exist (`check_snippet`).

A proven number is followed by a comment with an operator and an expression, so that it stays readable in the source
and on a Git host:

    leaves **28**<!-- = conv_output_size(32, kernel=5) --> positions

`=` compares (integers exactly, decimals and percentages to the digits shown), `<` and `>` bound: the number as shown is on
the left of the operator, the value on the right, and they differ by a factor of two at most, as a looser bound says nothing.

A number that a block of the page chose, such as `n = 64`, is a given. To read it back proves nothing, so it says so:
`**64**<!-- given n -->`. It is still compared, and listed as a given.
"""

import ast
import doctest
import html
import math
import numbers
import re
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

INERT = ("text", "bash", "yaml", "toml", "mermaid")
"""Fences that are shown and not run."""

_YEAR = r"(?:19[4-9]|20[0-3])\d"
NAMES = (
    # Each pattern names things that hold a digit and claim nothing; whatever else holds a digit is a claim.
    r"\b(?:[13579]|11)[×x](?:[13579]|11)\b(?![×x])",  # kernels: 3×3, 1x7, 11×11
    r"\b(?:2[×x]2|4[×x]4|31[×x]31)\b(?![×x])",  # even kernels and poolings, and the kernel of RepLKNet
    r"\b(199|224)[×x]\1\b(?![×x])",  # the image of question 3, and the photos that networks of the literature are fed
    r"(?<![\w-])[A-Z]\w*(?:-\d+\b|\d\w*)(?: v\d(?:\.\d)?\b)?",  # VGG-16, Conv2d, L2, ResNet-50 v1.5
    r"\b[A-Z]\w+ v\d(?:\.\d)?\b",  # Inception v2
    r"(?<![\w-])(?:float|bfloat|int|uint)(?:8|16|32|64)\b|\b(?:8|16|32|64)-bit\b",
    rf"(?<=\(){_YEAR}[a-z]?(?=[),;])|(?<=, ){_YEAR}[a-z]?(?=[);])",  # (2016), (He et al., 2015)
    rf"(?<=\bin ){_YEAR}\b(?! (?:[a-z]+s|of|out)\b)|\b(?:19|20)\d0s\b",  # in 1968, the 1990s
    r"\b[1-4]-?D\b",
    # Places in sources and in this guide: Table 3, sections 2.1 and 4, equations (10) and (14)
    r"\b(?i:tables?|sections?|equations?|chapters?|figures?|relationships?|questions?|algorithms?)[ \u00a0]"
    r"\(?\d{1,2}(?:\.\d+)*\)?(?:(?:, | and | to |–)\(?\d{1,2}(?:\.\d+)*\)?)*"
    r"(?![\d.,]*\d)(?! (?:of them|times|more|steps|pixels|weights)\b)",
    r"\b(?:Python|NumPy|PyTorch|CC BY|[Vv]ersion) \d+(?:\.\d+)+\+?",
    r"\bBT\.\d{3,4}\b",  # recommendations of the ITU
    r"\barXiv:\d{4}\.\d{4,5}(?:v\d+)?\b",
)

COPIES_OF_PROVEN_NUMBERS = "<!-- Written by guide.verified_numbers: the numbers here are copies of proven ones. -->"
"""The line that excuses the page Verified numbers, and no other page, from proving its numbers."""

_FENCE = re.compile(r"^(?P<prefix>[ \t>]*)(?P<fence>`{3,}|~{3,})(?P<info>[^\n`]*)$", re.MULTILINE)
_FENCE_BEHIND_TEXT = re.compile(r"^[ \t>]*(?:[-*+]|\d+[.)])[ \t]+(?:`{3,}|~{3,})", re.MULTILINE)
_INFO = re.compile(
    r"\s*(?:\{\s*\.(?P<attribute>[\w+-]+)(?:\s+[.#]?[\w+-]+(?:=(?:\"[^\"]*\"|\S+))?)*\s*\}"
    r"|(?P<word>[\w+-]*)(?:\s+[\w-]+=\"[^\"]*\")*)\s*"
)
_SNIPPET = re.compile(r'\s*--8<--\s+"(?P<path>[^":]+)(?::(?P<section>[A-Za-z][\w-]*))?"\s*')
_SNIPPET_LINE = re.compile(r"-+8<-+")
_COMMENT = re.compile(r"<!--(?P<body>.*?)-->", re.DOTALL)
_DIRECTIVE = re.compile(r"\s*(?:skip|invisible-code(?:-block)?|clear-namespace)\s*(?::|$)")
_PROOF = re.compile(r"\s*(?P<operator>[=<>](?![=<>])|given\b)\s*(?P<expression>.*?)\s*", re.DOTALL)
_MOST = 2
"""How many times a bound may be the value, or the value the bound."""
_BLANK_BEFORE_PERCENT = r"(?:[ \u00a0\u202f]|&nbsp;)?"
_DIGITS = (
    r"(?<![^\W_])(?<![.,])[-−+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d{1,3})?(?![^\W_]|[.,]\d)"
    rf"(?:{_BLANK_BEFORE_PERCENT}%)?"
)
_SHOWN = re.compile(rf"(?P<open>[*_`]*)(?P<number>{_DIGITS})(?P<close>[*_`]*)\Z")
_NUMBER = re.compile(rf"[-−+]?[\d½¼¾⅓⅔¹²³⁰⁴-⁹₀-₉①-⑳][\d.,]*(?:{_BLANK_BEFORE_PERCENT}%)?")
_GLUED = re.compile(r"[\w½¼¾⅓⅔¹²³⁰⁴-⁹₀-₉]")
_CODE_SPAN = re.compile(r"(?<![`\\])(?P<ticks>`+)(?!`)(?P<code>(?:(?!\n\s*\n).)+?)(?<!`)(?P=ticks)(?!`)", re.DOTALL)
_MATH = re.compile(r"\$\$.+?\$\$|(?<![\\$\w])\$(?![\s$])[^$\n]+?(?<![\s\\])\$(?![\d$])", re.DOTALL)
_IMAGE = re.compile(r"!\[(?P<alt>(?:[^\[\]]|\[[^\[\]]*\])*)\](?=[(\[])")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_ATTRIBUTE = r"""(?:[#.][\w-]+|[\w-]+=(?:"[^"\n]*"|'[^'\n]*'|[^\s}"']+)|markdown)"""
_MARKUP = re.compile(
    r"(?<=\])\([^)\n]*\)"  # the target of a link or an image
    r"|<[a-zA-Z/][^<>\n]*>"  # HTML tags and <links>
    r"|\bhttps?://\S+"
    rf"|\{{:?\s*{_ATTRIBUTE}(?:\s+{_ATTRIBUTE})*\s*\}}"  # attribute lists
    r"|\[\^[^\]\n]+\]:?"  # footnotes
    r"|^ {0,3}\[[^\]\n]+\]:[ ]*\S+[ ]*(?:\"[^\"\n]*\"[ ]*)?$"  # link definitions
    r"|^[ \t>]*#+ +\d+[.)](?=[ \t])"  # numbers of headings
    r"|&#?\w+;",  # entities; those that are digits are refused before
    re.MULTILINE,
)
_READ_TO_SOMEBODY = re.compile(  # what markup shows or reads aloud: titles of links, alt texts, labels
    r"""\s["'](?P<title>[^"'\n]*)["']\s*\)|\b(?:alt|title|aria-label|placeholder)=(?:"(?P<a>[^"]*)"|'(?P<b>[^']*)')"""
)
_LIST_NUMBER = re.compile(r"[ \t>]*\d{1,2}[.)](?=[ \t])")
_CONTAINER = re.compile(r"[ \t>]*(?:[-*+][ \t]|\d+[.)][ \t]|={3}|!{3}|\?{3}|\[\^|/{3})")


class PageError(ValueError):
    """An error on a page: where, what, and what to do about it."""

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
    """Read a page; the first error raises `PageError` with file, line and what to do."""
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
        self._refuse_indented_code()
        proofs = self._take_comments()
        self._read_numbers(proofs)
        self._refuse_unproven()
        self.page.parts.sort(key=lambda part: part.start)
        self._tell_givens_from_proofs()
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
        if behind := _FENCE_BEHIND_TEXT.search(self.text):
            raise self.error(behind.start(), "a fence after the mark of a list", "begin the fence on a line of its own")
        position = 0
        while opening := _FENCE.search(self.text, position):
            self._refuse_hidden_fence(position, opening.start())
            closing = re.compile(rf"^[ \t>]*{re.escape(opening['fence'])}[ \t]*$", re.MULTILINE).search(
                self.text, opening.end()
            )
            if closing is None:
                raise self.error(opening.start(), "this fence never ends", f"close it with {opening['fence']}")
            if not closing[0].startswith(opening["prefix"] + opening["fence"]):
                raise self.error(closing.start(), "the end of a fence is not below its beginning", "align the two")
            self._add_fence(opening, closing)
            self.blank(opening.start(), closing.end())
            position = closing.end()

    def _refuse_hidden_fence(self, start: int, fence: int) -> None:
        for comment in _COMMENT.finditer(self.text, start):
            if comment.start() < fence < comment.end():
                raise self.error(
                    comment.start(), "a fence inside a comment", "a page hides nothing: show it or remove it"
                )

    def _add_fence(self, opening: re.Match[str], closing: re.Match[str]) -> None:
        body = self.text[opening.end() + 1 : closing.start()]
        width = len(opening["prefix"])
        source = "".join(line[width:] or "\n" for line in lines_of(body))
        start, line, end = opening.start(), self.line_of(opening.start()), closing.end()
        if snippet := _SNIPPET.fullmatch(source):
            self.page.parts.append(Snippet(snippet["path"], snippet["section"], line, start, end))
            return
        if _SNIPPET_LINE.search(source):
            raise self.error(
                start, "a snippet line with other text or of another form",
                'a snippet is alone in its fence, as --8<-- "path/file.py:section"',
            )  # fmt: skip
        language = self._language(opening)
        if language in INERT:
            return
        if language not in ("python", "pycon"):
            raise self.error(
                start,
                f"unknown fence {language!r}" if language else "a fence without a language",
                f"use python (run), pycon (compared), or one that is only shown: {', '.join(INERT)}",
            )
        has_prompt = re.search(r"^\s*>>> ", source, re.MULTILINE) is not None
        if has_prompt != (language == "pycon"):
            raise self.error(
                start,
                "a python fence with >>> prompts" if has_prompt else "a pycon fence without a >>> prompt",
                "write pycon above a session with prompts and outputs, python above plain code",
            )
        if language == "pycon":
            self._refuse_uncompared(source, start)
        self.page.parts.append(Block(language, source, line, start, end))

    def _language(self, opening: re.Match[str]) -> str:
        """The language of a fence's info line: `python title="x.py"`, ` python`, `{ .python .annotate }`."""
        info = _INFO.fullmatch(opening["info"])
        if info is None:
            raise self.error(
                opening.start(), f"the fence line {opening['info'].strip()!r} is not of a known form",
                'write the language alone, with options as title="...", or as { .python .annotate }',
            )  # fmt: skip
        return info["attribute"] or info["word"] or ""

    def _refuse_uncompared(self, source: str, position: int) -> None:
        """In a session all is prompt or output: doctest would pass over the rest, and over what a directive skips."""
        if re.search(r"#\s*doctest:", source):
            raise self.error(position, "a doctest directive", "every output is compared exactly: remove it")
        for piece in doctest.DocTestParser().parse(source):
            if isinstance(piece, str) and piece.strip():
                raise self.error(
                    position, f"{piece.strip().splitlines()[0]!r} belongs to no prompt",
                    "a pycon fence holds only prompts and their outputs, without blank lines in an output",
                )  # fmt: skip

    def _refuse_snippets_outside_fences(self) -> None:
        if found := _SNIPPET_LINE.search(self.prose):
            raise self.error(
                found.start(), "a snippet outside a fence", "put it into a fence of its own: it is checked there"
            )

    def _refuse_indented_code(self) -> None:
        """Four spaces after a blank line make code that nobody runs, unless they continue a list, a tab or a note."""
        contained, after_blank, position = False, True, 0
        for line in lines_of(self.prose):
            if line.strip():
                if line.startswith(("    ", "\t")):
                    if after_blank and not contained:
                        raise self.error(position, "code by indentation", "put it into a fence, so that it is checked")
                elif after_blank or _CONTAINER.match(line):
                    contained = _CONTAINER.match(line) is not None
            after_blank = not line.strip() and not self.text[position : position + len(line)].strip()
            position += len(line)

    # Numbers

    def _take_comments(self) -> list[re.Match[str]]:
        """Blank code spans and comments; return the comments that prove something."""
        for span in list(_CODE_SPAN.finditer(self.prose)):
            if not _SHOWN.fullmatch(span["code"]):  # `conv_chain(199)` is code, but `99` is a claim in other letters
                self.blank(span.start(), span.end())
        proofs = []
        for comment in list(_COMMENT.finditer(self.prose)):
            body = comment["body"]
            if _DIRECTIVE.match(body):
                raise self.error(
                    comment.start(), f"the directive {body.strip()!r}", "a page skips and hides nothing: remove it"
                )
            if body.lstrip()[:1] in ("=", "<", ">", "≤", "≥") or _PROOF.fullmatch(body):
                proofs.append(comment)
        self._refuse_proofs_in_markup(proofs)
        for comment in list(_COMMENT.finditer(self.prose)):
            self.blank(comment.start(), comment.end())
        return proofs

    def _refuse_proofs_in_markup(self, proofs: list[re.Match[str]]) -> None:
        """A mark is HTML: it cannot be in the front matter, in a formula, in a tag, a link's target or an attribute."""
        filled = _COMMENT.sub(lambda match: re.sub(r"[^\n]", "x", match[0]), self.prose)
        for pattern in (_FRONT_MATTER, _MATH, _MARKUP):
            for place in pattern.finditer(filled):
                for proof in proofs:
                    if place.start() < proof.start() < place.end():
                        raise self.error(
                            proof.start(), f"the proof {proof['body'].strip()!r} is inside {place[0][:20]!r}...",
                            "no mark is possible there: say the number in the text beside it",
                        )  # fmt: skip

    def _read_numbers(self, proofs: list[re.Match[str]]) -> None:
        alts = [match.span("alt") for match in _IMAGE.finditer(self.prose)]
        for comment in proofs:
            number = self._number_before(comment)
            number = replace(number, in_alt_text=any(start <= number.start < end for start, end in alts))
            self.page.parts.append(number)
        for number in self.page.numbers:
            self.blank(number.start, number.end)

    def _number_before(self, comment: re.Match[str]) -> Number:
        proof = _PROOF.fullmatch(comment["body"])
        if proof is None or not proof["expression"]:
            raise self.error(
                comment.start(), f"the proof {comment['body'].strip()!r} is not of a known form",
                "write <!-- = expression -->, <!-- < expression -->, <!-- > expression --> or <!-- given name -->",
            )  # fmt: skip
        shown = _SHOWN.search(self.prose, self.prose.rfind("\n", 0, comment.start()) + 1, comment.start())
        if shown is None:
            raise self.error(
                comment.start(), f"no number before the proof {proof['expression']!r}",
                "the comment follows its number directly, as in **28**<!-- = 32 - 4 -->",
            )  # fmt: skip
        digits, (start, end) = shown["number"], shown.span("number")
        before, after = self.text[start - 1 : start], self.text[comment.end() : comment.end() + 1]
        if digits[0] in "-−+" and before == ">":  # 5<!-- ... -->-10<!-- ... -->: the sign is the dash of a range
            digits, start, before = digits[1:], start + 1, ""
        if before == ";" or (before == "–" and self.text[start - 2 : start - 1] in ("", " ", "\n", "(")):
            raise self.error(
                start, f"the sign before {digits} is not a minus", "write it as -5 or −5, so that it is proven too"
            )
        if _GLUED.match(after):
            raise self.error(
                comment.end(), f"{after!r} after the proof changes the number {digits}",
                "leave a blank, or write the whole number before the proof",
            )  # fmt: skip
        wrapped = shown["open"] == shown["close"][::-1] and start == shown.start("number")
        return Number(
            shown=digits,
            operator=proof["operator"],
            expression=" ".join(proof["expression"].split()),
            sentence=self._sentence_around(start),
            line=self.line_of(start),
            start=start,
            end=comment.end(),
            marked=shown.span() if wrapped else (start, end),
            in_alt_text=False,
        )

    def _tell_givens_from_proofs(self) -> None:
        """A literal of the page that is read back is a given, and nothing else is."""
        literals: set[str] = set()
        for part in self.page.parts:
            if isinstance(part, Block):
                bound = _bound_in(part)
                literals = {name for name in literals if name.split(".")[0] not in bound} | _literals_in(part)
            elif isinstance(part, Number):
                is_given = _reads_back(part.expression, literals)
                if is_given and part.operator == "=":
                    raise self.error(
                        part.start, f"{part.expression!r} is a literal of this page that is read back, which proves nothing",
                        f"say that it is given: {part.shown}<!-- given {part.expression} -->",
                    )  # fmt: skip
                if part.operator == "given" and not is_given:
                    raise self.error(
                        part.start, f"{part.expression!r} is not given: no block above binds it to a literal",
                        f"if it is computed, write {part.shown}<!-- = {part.expression} -->",
                    )  # fmt: skip

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
        for entity in re.finditer(r"&(?:#\w+|\w+);", self.prose):
            if _NUMBER.search(html.unescape(entity[0])):
                raise self.error(
                    entity.start(), f"the entity {entity[0]} is a number in disguise", "write the number with its proof"
                )
        for formula in list(_MATH.finditer(self.prose)):
            if re.search(r"\d[\d.,{} ]*\d", formula[0]):
                raise self.error(
                    formula.start(), f"a number in the formula {formula[0]!r}, where no proof is possible",
                    "let formulas hold symbols and single digits, and say the number in the prose with its proof",
                )  # fmt: skip
            self.blank(*formula.span())
        for markup in list(_MARKUP.finditer(self.prose)):
            self._refuse_numbers_read_to_somebody(markup)
            self.blank(*markup.span())
        self._blank_list_numbers()
        for name in NAMES:
            for match in list(re.finditer(name, self.prose)):
                self.blank(*match.span())
        if unproven := _NUMBER.search(self.prose):
            shown = unproven[0].rstrip(".,")
            raise self.error(
                unproven.start(), f"the number {shown} has no expression",
                f"prove it, as in {shown}<!-- = expression -->, or declare the name it belongs to in NAMES of "
                "guide/page_parser.py",
            )  # fmt: skip

    def _refuse_numbers_read_to_somebody(self, markup: re.Match[str]) -> None:
        for found in _READ_TO_SOMEBODY.finditer(markup[0]):
            text = found["title"] or found["a"] or found["b"] or ""
            if claim := _NUMBER.search(without_names(text)):
                raise self.error(
                    markup.start(), f"the number {claim[0]} in {text!r}, where no proof is possible",
                    "say it in words that claim less, or in the text with its proof",
                )  # fmt: skip

    def _blank_list_numbers(self) -> None:
        """Numbers of list items, in blocks that begin as a list: elsewhere `99.` ends a sentence that was wrapped."""
        is_list, position, previous = False, 0, ""
        for line in lines_of(self.prose):
            if not previous.strip():
                is_list = _LIST_NUMBER.match(line) is not None
            if is_list and (item := _LIST_NUMBER.match(line)):
                self.blank(position, position + item.end())
            previous = self.text[position : position + len(line)]
            position += len(line)

    def _refuse_numbers_in_front_matter(self) -> None:
        matter = _FRONT_MATTER.match(self.text)
        if matter is None:
            return
        if found := re.search(r"\d[\d.,]*", without_names(matter[0])):
            raise self.error(
                found.start(), f"the number {found[0]} in the front matter, where no proof is possible",
                "say it in words that claim less, or in the page with its proof",
            )  # fmt: skip
        self.blank(*matter.span())


def without_names(text: str) -> str:
    """Text in which the names that hold digits are blanked, see `NAMES`."""
    for name in NAMES:
        text = re.sub(name, lambda match: " " * len(match[0]), text)
    return text


def without_comments(text: str) -> str:
    """Text as a reader of the page sees it, without its proofs.

    >>> without_comments("leaves **28**<!-- = 4 * 7 --> positions")
    'leaves **28** positions'
    """
    return _COMMENT.sub("", text)


def _statements(block: Block) -> list[ast.stmt]:
    source = block.source
    if block.language == "pycon":
        source = "".join(example.source for example in doctest.DocTestParser().get_examples(source))
    try:
        return ast.parse(source).body
    except SyntaxError:  # the tests, which run the block, say more
        return []


def _bound_in(block: Block) -> set[str]:
    """Every name that a block binds, in whatever way."""
    nodes = [node for statement in _statements(block) for node in ast.walk(statement)]
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _literals_in(block: Block) -> set[str]:
    """What a block binds once, to a literal: names, and settings of what a name is made with."""
    found: set[str] = set()
    for statement in _statements(block):
        names = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        found = {name for name in found if name.split(".")[0] not in names}
        if isinstance(statement, ast.Assign):
            bound = {target.id for target in statement.targets if isinstance(target, ast.Name)}
            if _is_literal(statement.value):
                found |= bound
            elif isinstance(statement.value, ast.Call):  # rate = Adam(lr=0.01): rate.lr is a literal, too
                settings = [k.arg for k in statement.value.keywords if k.arg and _is_literal(k.value)]
                found |= {f"{name}.{setting}" for name in bound for setting in settings}
    return found


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True


def _reads_back(expression: str, literals: set[str]) -> bool:
    """Whether an expression is a name bound to a literal, or a part of one."""
    try:
        node: ast.expr = ast.parse(expression, mode="eval").body
    except SyntaxError:
        return False
    while isinstance(node, ast.Subscript) and _is_literal(node.slice):
        node = node.value
    return ast.unparse(node) in literals


def lines_of(text: str) -> list[str]:
    """Lines as editors count them, with their ends: other signs that Python takes for an end, such as U+2028, are text."""
    return re.findall(r"[^\n]*\n|[^\n]+\Z", text)


def evaluate(number: Number, namespace: dict[str, Any]) -> Any:
    """Value of a number's expression, which may use the page's own names, the whole package and `math`."""
    import cnnguide

    return eval(number.expression, {"math": math, **vars(cnnguide), **namespace})


def names_nothing(number: Number) -> str | None:
    """Why an expression of numbers alone proves nothing, as a sentence; None where it computes from something."""
    if any(isinstance(node, ast.Name) for node in ast.walk(ast.parse(number.expression, mode="eval"))):
        return None
    return f"{number.expression!r} is typed in, not computed; let it call the package or use a name of the page"


def problem_with(number: Number, value: Any) -> str | None:
    """Why the shown number is not what its expression gives, as a sentence; None where all is well."""
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:
        value = value.item()
    if isinstance(value, Decimal) and value.is_finite():
        value = Fraction(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return f"{number.expression} gives {value!r}, which is not a number"
    if not isinstance(value, numbers.Rational) and not math.isfinite(value):
        return f"{number.expression} gives {value!r}, which no page can show"
    percentage = number.shown.endswith("%")
    # A float is taken as it is printed: 0.1 is one tenth here, not its binary neighbour.
    exact = Fraction(value) if isinstance(value, numbers.Rational) else Fraction(repr(float(value)))
    exact *= 100 if percentage else 1
    digits = Decimal(re.sub(r"[,%\s]|&nbsp;", "", number.shown).replace("−", "-"))
    shown, exponent = Fraction(digits), int(digits.as_tuple().exponent)
    if number.operator in ("=", "given"):
        whole = exponent == 0 and not percentage and "e" not in number.shown
        holds = abs(shown - exact) <= (0 if whole else Fraction(10) ** exponent / 2)
    else:
        holds = shown < exact if number.operator == "<" else shown > exact
    given = f"{float(exact):.6g}%" if percentage else f"{value!r}"
    claim = f"the page says {number.shown} {number.operator} {number.expression}, which gives {given}"
    if not holds:
        return f"{claim}; correct the page"
    if number.operator in "<>" and not abs(shown) / _MOST <= abs(exact) <= abs(shown) * _MOST:
        return f"{claim}: so loose a bound says nothing; bring it within a factor of {_MOST}"
    return None


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
