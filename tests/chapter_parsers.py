"""Sybil's view of a page: what `guide.page_parser` reads becomes examples that run, compare or check.

One parser for everything that a page claims. It differs from Sybil's own in that it refuses what it does not know: Sybil
skips a fence with a title, an attribute or an unknown language without a word.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from sybil import Document, Example, Region
from sybil.evaluators.doctest import DocTestEvaluator
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.abstract.doctest import DocTestStringParser
from sybil.region import Lexeme

from guide import page_parser

ROOT = Path(__file__).parent.parent


def parse_page(document: Document) -> Iterable[Region]:
    """Every claim of a page: code blocks, snippets, numbers in the prose."""
    page = page_parser.read(document.text, _short(document.path))
    for part in page.parts:
        if isinstance(part, page_parser.Number):
            yield Region(part.start, part.end, part, _check_number)
        else:
            yield from _regions_of_fence(part, document)


def parse_fences(document: Document) -> Iterable[Region]:
    """Code blocks and snippets only, for pages about the project itself (README, CONTRIBUTING)."""
    fences_only = page_parser.read_fences(document.text, _short(document.path))
    for part in fences_only.parts:
        if not isinstance(part, page_parser.Number):
            yield from _regions_of_fence(part, document)


def _short(path: str) -> str:
    absolute = Path(path).resolve()
    return absolute.relative_to(ROOT).as_posix() if absolute.is_relative_to(ROOT) else path


def _regions_of_fence(part: page_parser.Block | page_parser.Snippet, document: Document) -> Iterator[Region]:
    if isinstance(part, page_parser.Snippet):
        yield Region(part.start, part.end, part, _check_snippet)
    elif part.language == "python":
        yield Region(part.start, part.end, Lexeme(part.source, 0, 0), PythonEvaluator())
    else:
        yield from _session(part, document)


def _session(block: page_parser.Block, document: Document) -> Iterator[Region]:
    """One region for each prompt, placed in the page by its line: a fence in a list or a tab is indented."""
    line_starts = [0]
    for line in page_parser.lines_of(document.text):
        line_starts.append(line_starts[-1] + len(line))
    parse = DocTestStringParser(DocTestEvaluator())
    for region in parse(block.source, document.path):
        first = block.line + region.parsed.lineno
        lines = block.source.count("\n", region.start, region.end)
        region.parsed.lineno = first
        region.start, region.end = line_starts[first], line_starts[first + max(lines, 1)]
        yield region


def _check_number(example: Example) -> str | None:
    number: page_parser.Number = example.parsed
    place = f"{_short(example.path)}:{number.line}"
    try:
        value = page_parser.evaluate(number, example.namespace)
    except Exception as error:
        return (
            f"{place}: the expression {number.expression!r} does not evaluate: {type(error).__name__}: {error}; "
            "correct it, or define its names in a code block above it"
        )
    problem = page_parser.names_nothing(number) or page_parser.problem_with(number, value)
    return f"{place}: {problem}" if problem else None


def _check_snippet(example: Example) -> None:
    page_parser.check_snippet(example.parsed, _short(example.path), ROOT)
