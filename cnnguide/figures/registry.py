"""Which figures there are, found without importing them, and what each depends on.

A build in which nothing changed must not cost an import of matplotlib. So the figures are found by reading the source,
and each has a fingerprint of all that can change its picture: its own code, the rest of its module, every module of the
package that those reach through imports, the data files, the style, and the versions of NumPy and matplotlib.
"""

import ast
import hashlib
import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cnnguide.figures.style import Scheme

PACKAGE = Path(__file__).parents[1]
ALWAYS = ("figures.style", "figures.build")
"""Modules that every picture depends on, though no figure imports the second."""


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
    sources = Sources(package)
    entries: dict[str, Entry] = {}
    for file in sorted((package / "figures").glob("*.py")):
        module = f"{package.name}.figures.{file.stem}"
        for function in sources.figures_of(module):
            name = function.name
            if name in entries:
                raise DuplicateFigureError(
                    f"figure {name!r} is defined in {entries[name].module} and in {module}; rename one of them"
                )
            entries[name] = Entry(name, module, function.lineno, sources.fingerprint(module, function))
    return entries


class Sources:
    """The source of a package, and which of its modules a piece of code reaches."""

    def __init__(self, package: Path) -> None:
        self.package = package
        self._trees: dict[str, ast.Module] = {}

    def fingerprint(self, module: str, function: ast.FunctionDef) -> str:
        digest = hashlib.sha256()
        others = {figure.name: figure for figure in self.figures_of(module) if figure is not function}
        rest = [node for node in self.tree(module).body if node not in others.values()]
        # A figure may draw with the help of another one, also by way of a helper.
        used, waiting = list(rest), list(rest)
        while waiting:
            for node in ast.walk(waiting.pop()):
                if isinstance(node, ast.Name) and (other := others.pop(node.id, None)):
                    used.append(other)
                    waiting.append(other)
        for node in used:
            digest.update(ast.unparse(node).encode())
        for reached in sorted(
            self._reached_from([module, *(f"{self.package.name}.{name}" for name in ALWAYS)]) - {module}
        ):
            digest.update(self._file(reached).read_bytes())
        for data in sorted((self.package / "data").rglob("*")):
            if data.is_file():
                digest.update(data.name.encode() + data.read_bytes())
        digest.update(self._versions.encode())
        return digest.hexdigest()

    def figures_of(self, module: str) -> list[ast.FunctionDef]:
        return [node for node in self.tree(module).body if _is_figure(node)]  # type: ignore[misc]

    def tree(self, module: str) -> ast.Module:
        if module not in self._trees:
            self._trees[module] = ast.parse(self._file(module).read_text("utf-8"))
        return self._trees[module]

    @cached_property
    def _versions(self) -> str:
        found = []
        for library in ("numpy", "matplotlib"):
            try:
                found.append(f"{library} {version(library)}")
            except PackageNotFoundError:
                found.append(f"{library} is missing")
        return ", ".join(found)

    def _file(self, module: str) -> Path:
        path = self.package.parent.joinpath(*module.split("."))
        return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")

    def _reached_from(self, modules: Iterable[str]) -> set[str]:
        reached, waiting = set(), list(modules)
        while waiting:
            module = waiting.pop()
            if module not in reached and self._file(module).is_file():
                reached.add(module)
                waiting += self._imports(module)
        return reached

    def _imports(self, module: str) -> set[str]:
        """Modules of the package that a module imports; a public name counts as the module that defines it."""
        root = self.package.name
        found: set[str] = set()
        for node in ast.walk(self.tree(module)):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names if alias.name.split(".")[0] == root]
                found |= {self._everything if name == root else name for name in names}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == root:
                for alias in node.names:
                    submodule = f"{node.module}.{alias.name}"
                    if self._file(submodule).is_file():
                        found.add(submodule)
                    elif node.module == root:
                        found.add(self._home_of.get(alias.name, self._everything))
                    else:
                        found.add(node.module)  # type: ignore[arg-type]
        return found

    @property
    def _everything(self) -> str:
        return self.package.name  # __init__ imports every module that has public names

    @cached_property
    def _home_of(self) -> dict[str, str]:
        return {
            alias.asname or alias.name: node.module or ""
            for node in self.tree(self.package.name).body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }


def _is_figure(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        getattr(decorator, "id", None) == "figure" or getattr(decorator, "attr", None) == "figure"
        for decorator in node.decorator_list
    )
