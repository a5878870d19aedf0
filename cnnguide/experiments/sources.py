"""What a piece of the package's code depends on, read from the source without importing it.

A fingerprint covers all that can change what a function computes: its own code, the rest of its module, every module of
the package that those reach through imports, the data files, and the versions of the libraries. Comments and docstrings
change nothing that is computed, so they do not count.
"""

import ast
import hashlib
from collections.abc import Iterable
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
MARKS = ("figure", "experiment")
"""Decorators of functions that stand for themselves: one does not depend on its neighbours, unless it names them."""


class Sources:
    """The source of a package, and which of its modules a piece of code reaches."""

    def __init__(self, package: Path = PACKAGE) -> None:
        self.package = package
        self._trees: dict[str, ast.Module] = {}
        self._digests: dict[str, bytes] = {}

    def modules(self, folder: str) -> list[str]:
        """Dotted names of the modules in a folder of the package."""
        return [f"{self.package.name}.{folder}.{file.stem}" for file in sorted((self.package / folder).glob("*.py"))]

    def marked(self, module: str, mark: str) -> list[ast.FunctionDef]:
        """The functions of a module that carry a decorator."""
        return [node for node in self.tree(module).body if isinstance(node, ast.FunctionDef) and _has_mark(node, mark)]

    def fingerprint(
        self, module: str, function: ast.FunctionDef, also: Iterable[str] = (), libraries: Iterable[str] = ("numpy",)
    ) -> str:
        """Digest of all that a function of a module depends on, the modules `also` included."""
        digest = hashlib.sha256()
        for node in self.parts_of(module, function, whole_module=True):
            digest.update(_computing(node))
        reached = self._reached_from([module, *(f"{self.package.name}.{name}" for name in also)])
        for name in sorted(reached - {module}):
            digest.update(self._digest(name))
        digest.update(self._data + _versions(libraries).encode())
        return digest.hexdigest()

    def parts_of(self, module: str, function: ast.FunctionDef, whole_module: bool = False) -> list[ast.stmt]:
        """The statements of a module that a function needs, itself included, in the module's order.

        With `whole_module`, all statements but the marked functions that it does not need, even by way of a helper.
        """
        body = self.tree(module).body
        optional = {
            name: node
            for node in body
            if node is not function and (not whole_module or any(_has_mark(node, mark) for mark in MARKS))
            for name in _defines(node)
        }
        used: list[ast.stmt] = [node for node in body if node not in optional.values()] if whole_module else [function]
        waiting = list(used)
        while waiting:
            for name in _names(waiting.pop()):
                if (node := optional.get(name)) is not None and node not in used:
                    used.append(node)
                    waiting.append(node)
        return [node for node in body if node in used]

    def tree(self, module: str) -> ast.Module:
        if module not in self._trees:
            self._trees[module] = ast.parse(self.file(module).read_text("utf-8"))
        return self._trees[module]

    def file(self, module: str) -> Path:
        path = self.package.parent.joinpath(*module.split("."))
        return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")

    def _digest(self, module: str) -> bytes:
        if module not in self._digests:
            self._digests[module] = hashlib.sha256(_computing(self.tree(module))).digest()
        return self._digests[module]

    @cached_property
    def _data(self) -> bytes:
        digest = hashlib.sha256()
        for data in sorted((self.package / "data").rglob("*")):
            if data.is_file():
                digest.update(data.name.encode() + data.read_bytes())
        return digest.digest()

    def _reached_from(self, modules: Iterable[str]) -> set[str]:
        reached, waiting = set(), list(modules)
        while waiting:
            module = waiting.pop()
            if module not in reached and self.file(module).is_file():
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
                    if self.file(submodule).is_file():
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


def _has_mark(node: ast.AST, mark: str) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        getattr(decorator, "id", None) == mark or getattr(decorator, "attr", None) == mark
        for decorator in node.decorator_list
    )


def _defines(node: ast.stmt) -> list[str]:
    """The names that a statement of a module binds."""
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return [alias.asname or alias.name.split(".")[0] for alias in aliases]
        case ast.Assign(targets=targets):
            return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _computing(tree: ast.AST) -> bytes:
    """A piece of code without what computes nothing: comments, layout, docstrings."""

    copy = ast.parse(ast.unparse(tree))
    for node in ast.walk(copy):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [part for part in node.body if not _is_text(part)] or [ast.Pass()]
    return ast.dump(copy).encode()


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _versions(libraries: Iterable[str]) -> str:
    found = []
    for library in libraries:
        try:
            found.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            found.append(f"{library} is missing")
    return ", ".join(found)
