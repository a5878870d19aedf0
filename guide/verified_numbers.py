"""The ledger: every proven number of every page, with its sentence, its expression, its value and its place.

With this module, one can run the code of a page and evaluate its numbers (`prove`) and write the page *Verified numbers*
(`write_page`). A number that does not hold stops the writing: the site cannot be built with a wrong number.
"""

import contextlib
import doctest
import hashlib
import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnguide._files import write_if_changed
from cnnguide.experiments.sources import PACKAGE, Sources, read
from guide import cache, page_parser
from guide.numbers import anchor
from guide.repository import Repository

PAGE = Path("reference/verified_numbers.md")

_HEAD = f"""\
---
title: Verified numbers
description: Every number that the pages of this guide state, with the expression that computes it.
hide: [toc]
---

{page_parser.COPIES_OF_PROVEN_NUMBERS}

# Verified numbers

The numbers that the pages of this guide state in digits are computed by its package, or are named as given.
This page lists them all: as shown,
in its sentence, with the expression, the value before rounding, and the line that states it. (The labs compute theirs in
front of the reader.) Tests and every build of the site compare them
again; a number that no longer holds stops both.
"""


@dataclass(frozen=True)
class Proof:
    """A number and what its expression gives."""

    number: page_parser.Number
    index: int
    value: Any


def prove(page: page_parser.Page) -> list[Proof]:
    """Run a page's code in order and evaluate its numbers; raise `PageError` at the first that does not hold."""
    namespace: dict[str, Any] = {"__name__": "__page__"}
    proofs: list[Proof] = []
    for part in page.parts:
        if isinstance(part, page_parser.Block):
            _run(part, page.path, namespace)
        elif isinstance(part, page_parser.Number):
            try:
                value = page_parser.evaluate(part, namespace)
            except Exception as error:
                what = f"{part.expression!r} does not evaluate: {type(error).__name__}: {error}"
                raise page_parser.PageError(page.path, part.line, what, "correct the expression") from error
            if nothing := page_parser.names_nothing(part):
                raise page_parser.PageError(page.path, part.line, *nothing.rsplit("; ", 1))
            if problem := page_parser.problem_with(part, value):
                raise page_parser.PageError(page.path, part.line, *problem.rsplit("; ", 1))
            proofs.append(Proof(part, len(proofs) + 1, value))
    return proofs


def _run(block: page_parser.Block, path: str, namespace: dict[str, Any]) -> None:
    """Run a block for its names; what it prints is compared elsewhere, by the tests."""
    for source, mode, may_raise in _statements(block):
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(source, path, mode), namespace)
        except (Exception, SystemExit) as error:  # exit() in a page must not end the proving
            if not may_raise:
                what = f"the code raises {type(error).__name__}: {error}"
                raise page_parser.PageError(path, block.line, what, "correct the block") from error


def _statements(block: page_parser.Block) -> list[tuple[str, str, bool]]:
    """The code of a block, piece by piece: the source, how to compile it, and whether it may raise an error."""
    if block.language == "python":
        return [(block.source, "exec", False)]
    examples = doctest.DocTestParser().get_examples(block.source)
    return [(example.source, "single", example.exc_msg is not None) for example in examples]


class NotProvenError(Exception):
    """The numbers of a page have to be proven, and that was not asked for."""


def _proven_values(page: page_parser.Page, sources: Sources, root: Path, may_prove: bool) -> list[str]:
    """The values of a page's numbers as they are listed: proven now, or before from the very same code and data."""
    fingerprint = _fingerprint(page, sources)
    name = re.sub(r"\W+", "_", page.path)
    kept = fingerprint and cache.place(root, "proofs", name, fingerprint, ".json")
    if kept and kept.is_file():
        found: list[str] = json.loads(kept.read_text("utf-8"))
        return found
    if not may_prove:
        raise NotProvenError
    values = [_short(proof.value) for proof in prove(page)]
    if kept:
        cache.keep(kept, json.dumps(values))
    return values


def _fingerprint(page: page_parser.Page, sources: Sources) -> str | None:
    """Digest of all that decides what the numbers of a page are and whether they hold; None where that cannot be read."""
    name = "page"
    public = ", ".join(sources.names(PACKAGE.name))  # an expression may use them without importing them
    code = [f"import math\nfrom {PACKAGE.name} import {public}"]
    claims = []
    for part in page.parts:
        if isinstance(part, page_parser.Block):
            code += [source for source, _, _ in _statements(part)]
        elif isinstance(part, page_parser.Number):
            code.append(f"({part.expression})")
            claims.append((part.shown, part.operator, part.expression))
    try:
        reached = sources.fingerprint(name, sources.add(name, "\n".join(code)), libraries=("numpy",))
    except (SyntaxError, ValueError):
        return None
    judge = [Path(__file__).read_bytes(), Path(page_parser.__file__).read_bytes()]
    return hashlib.sha256(b"".join([reached.encode(), repr(claims).encode(), *judge])).hexdigest()


def pages_of(docs: Path) -> list[Path]:
    """The pages that state numbers, in the order of the navigation; not the page Verified numbers itself."""
    config = docs.parent / "mkdocs.yml"
    navigation = config.read_text("utf-8") if config.is_file() else ""

    def place(file: Path) -> tuple[int, Path]:
        found = navigation.find(file.relative_to(docs).as_posix())
        return (found if found >= 0 else len(navigation), file)

    return sorted((file for file in docs.rglob("*.md") if file.relative_to(docs) != PAGE), key=place)


def write_page(docs: Path, repository: Repository | None = None, may_prove: bool = True) -> int:
    """Write the page *Verified numbers*; return how many there are.

    Without `may_prove` no code of a page runs: all numbers must have been proven before, or NotProvenError is raised.
    """
    sections: list[str] = []
    proven, given, sources = 0, 0, read()
    for file in pages_of(docs):
        path = f"{docs.name}/{file.relative_to(docs).as_posix()}"
        page = page_parser.read(file.read_text("utf-8"), path)
        if values := _proven_values(page, sources, docs.parent, may_prove):
            sections.append(_section(page, values, file.relative_to(docs), repository))
            givens = sum(number.operator == "given" for number in page.numbers)
            proven, given = proven + len(values) - givens, given + givens
    head = _HEAD + (
        f"\n{proven} of them are computed. {given} more are *givens*: a block of the page chose them, and the "
        "sentence reads them back.\n"
    )
    write_if_changed(docs / PAGE, "\n".join([head, *sections]).encode())
    return proven + given


def _section(page: page_parser.Page, values: Iterable[str], file: Path, repository: Repository | None) -> str:
    title = _title(page) or file.stem
    rows = [
        f"## {_plain(title)}\n",
        "| Number | Sentence | Expression | Value | Stated in |",
        "|---|---|---|---|---|",
    ]
    for index, (number, value) in enumerate(zip(page.numbers, values, strict=True), start=1):
        place = f"../{file.as_posix()}" + ("" if number.in_alt_text else f"#{anchor(index)}")
        stated = f"[{file.stem}, line {number.line}]({place})"
        if source := repository and repository.source_url(page.path, number.line):
            stated += f" ([source]({source}))"
        cells = [
            f"**{_plain(number.shown)}**",
            _plain(number.sentence),
            _code(f"{number.operator} {number.expression}"),
            _code(value),
            stated,
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _title(page: page_parser.Page) -> str:
    """The text of the page's first heading, as a reader sees it."""
    fences = [(part.start, part.end) for part in page.parts if not isinstance(part, page_parser.Number)]
    body = re.sub(r"\A---\n.*?\n---\n", lambda matter: " " * len(matter[0]), page.text, flags=re.DOTALL)
    for heading in re.finditer(r"^[ ]*# (?P<text>.*?)(?:\s*\{[^}]*\})?\s*$", body, re.MULTILINE):
        if not any(start <= heading.start() < end for start, end in fences):
            return page_parser.without_comments(heading["text"])
    return ""


def _code(text: str) -> str:
    """A code span, also of text that holds backticks."""
    ticks = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{ticks} {text} {ticks}" if "`" in text else f"`{text}`"


def _plain(text: str) -> str:
    """Text that Markdown shows unchanged."""
    return "".join(f"&#{ord(c)};" if c in "*_`[]<>|$\\{}~^" else c for c in text)


def _short(value: Any) -> str:
    value = value.item() if hasattr(value, "item") else value
    return f"{value:.6g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
