"""Find turns of phrase in the project's prose that a plain English writer would avoid, and say what to write instead."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from guide.verified_numbers import PAGE


class Tic(NamedTuple):
    """A phrase to avoid and what to write instead."""

    pattern: re.Pattern[str]
    instead: str


class Finding(NamedTuple):
    """A phrase to avoid, and where it is."""

    file: Path
    line: int
    phrase: str
    instead: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.phrase!r}; write {self.instead}"


def _tic(pattern: str, instead: str) -> Tic:
    return Tic(re.compile(pattern, re.IGNORECASE), instead)


TICS = [
    _tic(
        r"(?<!\bthere )(?<!nothing )\b(?:is|are|was|were) no (?!longer|more|fewer|less|worse|better|doubt|one\b|such)\w+",
        "'is not a ...', or a verb: 'cannot', 'does not'",
    ),
    _tic(r"\bst(?:ands?|ood|anding)\b", "'is', 'has' or 'means'"),
    _tic(r"\bbehind\b", "'after'"),
    _tic(r"\bmet\b", "'seen', 'got' or 'held'"),
    _tic(r"\btold\b", "'said', 'shown' or 'explained'"),
    _tic(r"\bshall\b", "'should', 'must' or the present tense"),
    _tic(r"\blies\b", "'is'"),
    _tic(r"\bleads on\b", "'continues' or 'redirects'"),
    _tic(r"\bdo(?:es)? not care to\b", "'do not', or 'without ...ing'"),
    _tic(r"\bas no \w+ is at hand\b", "'without ...'"),
    _tic(r"\bbelongs? into\b", "'belongs in'"),
    _tic(r"\bwants? quotes\b", "'put ... in quotes'"),
    _tic(r"\bone and the same\b", "'the same'"),
    _tic(r"\bequally many\b", "'the same number of' or 'as many'"),
    _tic(r"\bat last,", "'finally,'"),
]
"""Each is good English somewhere; in this project they were nearly always a verb or a preposition of another language."""

ORDINARY = re.compile(
    r"the (?:expressions?|numbers|code|ideas?|reasons?) behind"  # what explains them
    r"|shows behind them",  # what is seen through something
    re.IGNORECASE,
)
"""Where a phrase has its ordinary sense."""

_FENCE = re.compile(r"^(?P<indent>[ >]*)(?P<fence>```+|~~~+).*?^[ >]*(?P=fence)[ ]*$", re.MULTILINE | re.DOTALL)
_IN_LINE = re.compile(r"<!--.*?-->|`[^`\n]+`|\]\([^)\s]*\)|\{[^}\n]*#[^}\n]*\}|</?[a-z][^>\n]*>", re.DOTALL)
_SCRIPT = re.compile(
    r"(?P<comment>//[^\n]*|/\*.*?\*/)"
    r'|(?P<string>"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|`(?:\\.|[^`\\])*`)',
    re.DOTALL,
)


def find(root: Path) -> Iterator[Finding]:
    """Everything to write otherwise in the pages, in the package, in the guide's tools and in its scripts."""
    for file in files(root):
        for line, phrase, instead in problems(prose_of(file)):
            yield Finding(file.relative_to(root), line, phrase, instead)


def files(root: Path) -> Iterator[Path]:
    """The files with prose: Markdown, Python and JavaScript; not what a build makes, nor this list of bad phrases."""
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "hooks.py"):
        yield root / name
    generated = root / "docs" / PAGE  # copies of sentences of the other pages
    yield from (file for file in sorted((root / "docs").glob("**/*.md")) if file != generated)
    for folder in ("cnnguide", "guide"):
        yield from (file for file in sorted((root / folder).glob("**/*.py")) if file.name != "prose.py")
    scripts = root / "docs/javascripts"
    yield from (file for file in sorted(scripts.glob("**/*.js")) if scripts / "data" not in file.parents)


def prose_of(file: Path) -> str:
    """The text of a file with blanks for all that is not prose; lines and columns stay."""
    text = file.read_text(encoding="utf-8")
    return {".md": page, ".py": python, ".js": script}[file.suffix](text)


def problems(text: str) -> Iterator[tuple[int, str, str]]:
    """(line, phrase, what to write instead) for each phrase to avoid, in the order of the text."""
    text = ORDINARY.sub(_blank, text)
    found = sorted((match.start(), match[0], tic.instead) for tic in TICS for match in tic.pattern.finditer(text))
    for start, phrase, instead in found:
        yield text.count("\n", 0, start) + 1, phrase, instead


def page(text: str) -> str:
    """Markdown outside of code fences, code in lines, comments, addresses and tags."""
    return _IN_LINE.sub(_blank, _FENCE.sub(_blank, text))


def python(text: str) -> str:
    """Comments and strings; of f-strings the words, not the expressions in them."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    kept = {(token.start, token.end): _words(token) for token in tokens}
    return _blank_code(_only(text, {span: words for span, words in kept.items() if words}))


def script(text: str) -> str:
    """Comments and strings of JavaScript; of templates the words, not the expressions in them, nor templates in those."""
    count = 1
    while count:
        text, count = re.subn(r"\$\{[^{}]*\}", _blank, text)
    kept, end = [], 0
    for match in _SCRIPT.finditer(text):
        words = match[0] if match["string"] else _blank_code(match[0])
        if match["string"] and " " not in words:  # a key or a name
            words = _blanked(words)
        kept += [_blanked(text[end : match.start()]), words]
        end = match.end()
    return "".join([*kept, _blanked(text[end:])])


def _words(token: tokenize.TokenInfo) -> str:
    """What a token of Python says, in its full length; a string of a single word is a key or a name and says nothing."""
    if token.type == tokenize.COMMENT or tokenize.tok_name[token.type] == "FSTRING_MIDDLE":
        return token.string
    if token.type != tokenize.STRING:
        return ""
    if re.match(r"[rR]?[fF]", token.string):  # one token before Python 3.12
        return re.sub(r"\{[^{}]*\}", _blank, token.string)
    value = ast.literal_eval(token.string)
    return token.string if isinstance(value, str) and re.search(r"\s", value) else ""


def _only(text: str, kept: dict[tuple[tuple[int, int], tuple[int, int]], str]) -> str:
    """The text with words at spans of (line from 1, column), and blanks outside of them."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    parts, end = [], 0
    for ((first, left), (last, right)), words in kept.items():
        start, stop = starts[first - 1] + left, starts[last - 1] + right
        parts += [_blanked(text[end:start]), words]
        end = stop
    return "".join([*parts, _blanked(text[end:])])


def _blank(match: re.Match[str]) -> str:
    return _blanked(match[0])


def _blank_code(text: str) -> str:
    return re.sub(r"`[^`\n]+`", _blank, text)


def _blanked(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
