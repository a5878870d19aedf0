"""Which figures there are, found without importing them, and what each depends on.

A build in which nothing changed must not cost an import of matplotlib. So the figures are found by reading the source,
and each has a fingerprint of all that can change its picture (see `cnnguide.experiments.sources`).
"""

import ast
import importlib
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from cnnguide.experiments.sources import MARKS, PACKAGE, read

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cnnguide.figures.style import Scheme

ALWAYS = (("cnnguide.figures.build", "_draw"),)
"""What every picture depends on, though no figure names it."""

WIDTH = 74
"""Characters of code that fit on a page without scrolling."""


def figure(draw: "Callable[[Scheme], Figure]") -> "Callable[[Scheme], Figure]":
    """Mark a function as a figure: it takes a colour scheme and returns a matplotlib figure."""
    return draw


@dataclass(frozen=True)
class Entry:
    """A figure: its name (the function's), and where it is drawn."""

    name: str
    module: str
    line: int
    fingerprint: str

    def load(self) -> "Callable[[Scheme], Figure]":
        return cast("Callable[[Scheme], Figure]", getattr(importlib.import_module(self.module), self.name))


class DuplicateFigureError(ValueError):
    """Two figures of one name would overwrite each other's file."""


def find_figures(package: Path = PACKAGE) -> dict[str, Entry]:
    """All figures by name, in the order of modules and lines."""
    sources = read(package)
    entries: dict[str, Entry] = {}
    for module in sources.modules("figures"):
        for function in sources.marked(module, "figure"):
            name = function.name
            if name in entries:
                raise DuplicateFigureError(
                    f"figure {name!r} is defined in {entries[name].module} and in {module}; rename one of them"
                )
            fingerprint = sources.fingerprint(module, function, ALWAYS, ("numpy", "matplotlib"))
            entries[name] = Entry(name, module, function.lineno, fingerprint)
    return entries


def standalone(name: str, package: Path = PACKAGE) -> str:
    """The code of a figure by itself, to be copied: imports, helpers, the function, and the line that saves it."""
    sources = read(package)
    module, function = next(
        (module, function)
        for module in sources.modules("figures")
        for function in sources.marked(module, "figure")
        if function.name == name
    )
    lines = sources.file(module).read_text("utf-8").splitlines()
    parts = [node for node in sources.parts_of(module, function) if not _only_marks(node)]
    used = {part.id for node in parts for part in ast.walk(node) if isinstance(part, ast.Name)} | {"LIGHT", "use"}
    imports, code = [ast.parse(f"from {package.name}.figures.style import LIGHT, use").body[0]], []
    for node in parts:
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports.append(node)
        else:
            code.append("\n".join(lines[node.lineno - 1 : node.end_lineno]))
    return "\n\n\n".join(
        [
            _merged(imports, used),
            *code,
            f'with use(LIGHT):\n    {name}(LIGHT).savefig("{name}.svg")',
        ]
    )


def _only_marks(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and all(alias.name in MARKS for alias in node.names)


def _merged(imports: list[ast.stmt], used: set[str]) -> str:
    """Import statements with the used names only, one for each module."""
    names: dict[str, list[str]] = {}
    plain = []
    for node in imports:
        if isinstance(node, ast.ImportFrom):
            kept = [ast.unparse(alias) for alias in node.names if (alias.asname or alias.name) in used]
            names.setdefault(node.module or "", []).extend(kept)
        else:
            plain.append(ast.unparse(node))
    lines = [f"from {module} import {', '.join(sorted(set(kept)))}" for module, kept in sorted(names.items()) if kept]
    return "\n".join([*sorted(plain), *map(_wrapped, lines)])


def _wrapped(line: str) -> str:
    if len(line) <= WIDTH:
        return line
    head, names = line.split(" import ")
    return f"{head} import (\n{textwrap.indent(textwrap.fill(names, WIDTH - 4), '    ')},\n)"
