"""What a piece of the package's code depends on, read from the source without importing it.

A fingerprint covers all that can change what a function computes: its own code, every function, class and constant of the
package that it reaches, statement by statement through all modules, the data files that those name, and the kept results of
the experiments that they call. Comments, docstrings, annotations, the layout, and the module in which something is defined
change nothing that is computed, so they do not count; neither does the version of a library, unless one asks for it.

What cannot be seen is erred on the safe side: a module that is used as an object counts as a whole, and so does every
statement that a module executes for its effect. Names looked up at run time in strings are not seen; the package has none.
"""

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cache, cached_property, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parents[1]
MARKS = ("figure", "experiment")
"""Decorators that only mark a function."""

RESULTS = "experiments/results"
"""Folder of a package where the results of its experiments are kept."""


class _Unit(NamedTuple):
    """A statement of a module: a function, a class, an assignment, or something executed for its effect."""

    module: str
    node: ast.AST


class _Import(NamedTuple):
    """What an import binds a name to: a module, or a name in one."""

    module: str
    name: str = ""


def read(package: Path = PACKAGE) -> "Sources":
    """The source of a package, read again when one of its files has changed."""
    files = sorted((*package.rglob("*.py"), *(package / "data").rglob("*"), *(package / RESULTS).glob("*.json")))
    return _read(package, tuple((file, file.stat().st_mtime_ns, file.stat().st_size) for file in files))


@lru_cache(4)
def _read(package: Path, files: tuple[tuple[Path, int, int], ...]) -> "Sources":
    return Sources(package)


class Sources:
    """The source of a package, and what each piece of it reaches."""

    def __init__(self, package: Path) -> None:
        self.package = package
        self._roots = {PACKAGE.name: PACKAGE.parent, package.name: package.parent}
        self._trees: dict[str, ast.Module] = {}
        self._bound: dict[str, dict[str, list[_Unit | _Import]]] = {}
        self._effects: dict[str, list[ast.stmt]] = {}
        self._seen: dict[_Unit, tuple[str, set[_Unit]]] = {}
        self._digests: dict[ast.AST, str] = {}
        self._files: dict[str, bool] = {}

    def modules(self, folder: str) -> list[str]:
        """Dotted names of the modules in a folder of the package."""
        return [f"{self.package.name}.{folder}.{file.stem}" for file in sorted((self.package / folder).glob("*.py"))]

    def marked(self, module: str, mark: str) -> list[ast.FunctionDef]:
        """The functions of a module that carry a decorator."""
        return [node for node in self.tree(module).body if isinstance(node, ast.FunctionDef) and _has_mark(node, mark)]

    def fingerprint(
        self, module: str, node: ast.AST, also: Iterable[tuple[str, str]] = (), libraries: Iterable[str] = ()
    ) -> str:
        """Digest of all that a statement of a module depends on, or the whole module if the node is its tree.

        Further names to depend on are given as pairs of module and name; without a name, the whole module counts.
        """
        roots = {_Unit(module, node)}
        for home, name in also:
            found = self._find(home, name)[1] if name else self._import(_Import(home), "")[1]
            if not found:
                raise ValueError(f"there is no {name or 'module'} in {home}, or its package is not included")
            roots |= found
        digests = {f"root {self._digest(root.node)}" for root in roots}
        reached, waiting = set(roots), list(roots)
        while waiting:
            digest, further = self._uses(waiting.pop())
            digests.add(digest)
            waiting += further - reached
            reached |= further
        return _hash(*sorted(digests), versions(libraries))

    def add(self, module: str, source: str) -> ast.Module:
        """Take in code that is not a file of the package, a lab for instance, under a name of its own."""
        self._trees[module] = ast.parse(source)
        self._bound.pop(module, None)
        self._effects.pop(module, None)
        return self._trees[module]

    def include(self, folder: Path) -> None:
        """Follow imports into another package, too."""
        self._roots[folder.name] = folder.parent

    def names(self, module: str) -> list[str]:
        """All names that a module binds at its top."""
        return sorted(self._bindings(module))

    def parts_of(self, module: str, function: ast.FunctionDef) -> list[ast.stmt]:
        """The statements of a module that a function needs, itself included, in the module's order."""
        body = self.tree(module).body
        optional = {name: node for node in body if node is not function for name in _defines(node)}
        used: list[ast.stmt] = [function]
        waiting = list(used)
        while waiting:
            for part in ast.walk(waiting.pop()):
                if isinstance(part, ast.Name) and (node := optional.get(part.id)) is not None and node not in used:
                    used.append(node)
                    waiting.append(node)
        return [node for node in body if node in used]

    def tree(self, module: str) -> ast.Module:
        if module not in self._trees:
            self._trees[module] = ast.parse(self.file(module).read_text("utf-8"))
        return self._trees[module]

    def file(self, module: str) -> Path:
        path = self._roots[module.split(".")[0]].joinpath(*module.split("."))
        return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")

    # What a statement uses

    def _uses(self, unit: _Unit) -> tuple[str, set[_Unit]]:
        """Digest of a statement and of what its names refer to, and the further statements that it reaches."""
        if unit in self._seen:
            return self._seen[unit]
        lines = {f"reads {line}" for line in self._data_named_in(unit.node)}
        reached: set[_Unit] = set()
        for node in self._effects_of(unit.module):  # whatever is reached in a module, the module was executed
            if node is not unit.node:
                reached.add(_Unit(unit.module, node))
                lines.add(f"comes with {self._digest(node)}")
        inner = _imports_within(unit.node)
        uses = _free_names(unit.node)
        if isinstance(unit.node, ast.Module) and self._is_module(unit.module):
            uses |= inner.keys()  # a module that is used as an object hands on what it imports
        for use in uses:
            head, _, rest = use.partition(".")
            for target in inner.get(head, []):
                said, units = self._import(target, rest)
                lines |= {f"{use} {line}" for line in said}
                reached |= units
            said, units = self._find(unit.module, use)
            lines |= {f"{use} {line}" for line in said}
            reached |= units
        self._seen[unit] = _hash(self._digest(unit.node), *sorted(lines)), reached
        return self._seen[unit]

    def _find(self, module: str, use: str) -> tuple[set[str], set[_Unit]]:
        """What a name, or a dotted path that begins with one, refers to in a module."""
        head, _, rest = use.partition(".")
        lines: set[str] = set()
        units: set[_Unit] = set()
        for bound in self._bindings(module).get(head, []):
            if isinstance(bound, _Import):
                said, found = self._import(bound, rest)
                lines |= said
                units |= found
            elif _has_mark(bound.node, "experiment"):
                lines.add(f"is the result {self._result(module, head)}")
            else:
                lines.add(self._digest(bound.node))
                units.add(bound)
        if not lines and self._is_module(f"{module}.{head}"):
            return self._import(_Import(f"{module}.{head}"), rest)
        return lines, units

    def _import(self, target: _Import, rest: str) -> tuple[set[str], set[_Unit]]:
        module, name = target
        if module.split(".")[0] not in self._roots:
            return {f"is {module} {name}"}, set()
        if name and self._is_module(f"{module}.{name}"):
            module, name = f"{module}.{name}", ""
        path = ".".join(filter(None, (name, rest)))
        if path:
            lines, units = self._find(module, path)
            if lines:
                return lines, units
        if not self._is_module(module):
            return {f"is missing: {module}"}, set()
        tree = self.tree(module)
        return {f"is all of {self._digest(tree)}"}, {_Unit(module, tree)}

    def _bindings(self, module: str) -> dict[str, list[_Unit | _Import]]:
        """What each name of a module is bound to; more than one thing, if it is bound in more than one place."""
        if module not in self._bound:
            bound: dict[str, list[_Unit | _Import]] = {}
            for node in self.tree(module).body if module in self._trees or self._is_module(module) else []:
                if _only_for_types_or_main(node):
                    continue
                for name, targets in _imports_within(node).items() if not _is_definition(node) else ():
                    bound.setdefault(name, []).extend(targets)
                if not isinstance(node, ast.Import | ast.ImportFrom):
                    for name in _defines(node):
                        bound.setdefault(name, []).append(_Unit(module, node))
            self._bound[module] = bound
        return self._bound[module]

    def _effects_of(self, module: str) -> list[ast.stmt]:
        if module in self._effects:
            return self._effects[module]
        plain = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Pass
        self._effects[module] = [
            node
            for node in self.tree(module).body
            if not isinstance(node, plain)
            and not _is_text(node)
            and not _only_for_types_or_main(node)
            and not (isinstance(node, ast.Assign | ast.AnnAssign) and _binds_names_only(node))
        ]
        return self._effects[module]

    def _is_module(self, module: str) -> bool:
        if module.split(".")[0] not in self._roots:
            return False
        if module not in self._files:
            self._files[module] = self.file(module).is_file()
        return self._files[module]

    # Digests

    def _digest(self, node: ast.AST) -> str:
        if node not in self._digests:
            self._digests[node] = _hash(computing(node))
        return self._digests[node]

    def _data_named_in(self, node: ast.AST) -> Iterator[str]:
        """Data files that a string of the code names, or could name: "masters.npz", f"{font}.npz"."""
        texts = {
            part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)
        }
        for name, (suffix, digest) in self._data.items():
            if suffix in texts or any(name in text for text in texts):
                yield f"{name} {digest}"

    @cached_property
    def _data(self) -> dict[str, tuple[str, str]]:
        files = (file for file in sorted((self.package / "data").rglob("*")) if file.is_file())
        return {file.name: (file.suffix, hashlib.sha256(file.read_bytes()).hexdigest()) for file in files}

    def _result(self, module: str, experiment: str) -> str:
        """The checksum of an experiment's kept result, or that there is none."""
        package = module.split(".")[0]
        file = self._roots[package] / package / RESULTS / f"{experiment}.json"
        found = re.search(r'"checksum": "(\w+)"', file.read_text("utf-8")) if file.is_file() else None
        return found[1] if found else "none yet"


def versions(libraries: Iterable[str]) -> str:
    """The installed versions of some libraries, as text."""
    return ", ".join(map(_version, libraries))


@cache
def _version(library: str) -> str:
    try:
        return f"{library} {version(library)}"
    except PackageNotFoundError:
        return f"{library} is missing"


def _hash(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def computing(node: object, in_class: bool = False) -> str:
    """A piece of code as text without what computes nothing; the same with every version of Python.

    Imports are left out, too: they say where a name comes from, and that is followed. (`ast.dump` and `ast.unparse` change
    between versions; kept results must not become stale by that.)
    """
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Pass):
        return ""
    if isinstance(node, list):
        return f"[{','.join(filter(None, (computing(one, in_class) for one in node if not _is_text(one))))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    left_out = {"ctx", "kind", "type_comment", "type_ignores", "type_params", "returns"}
    if not (
        isinstance(node, ast.AnnAssign) and in_class
    ):  # annotations make the fields of a dataclass, and else nothing
        left_out.add("annotation")
    fields = []
    for name, value in ast.iter_fields(node):
        if name == "decorator_list":
            value = [one for one in value if _mark_of(one) not in MARKS]
        if name not in left_out and value is not None and value != []:
            fields.append(f"{name}={computing(value, isinstance(node, ast.ClassDef))}")
    return f"{type(node).__name__}({','.join(fields)})"


def _free_names(node: ast.AST) -> set[str]:
    """Names that a piece of code takes from around it, each with the attributes that follow: {"np.where", "conv2d"}.

    Names that a function binds itself are left out; annotations and the marks of figures and experiments as well.
    """
    match node:
        case ast.Name(id=name):
            return {name}
        case ast.Attribute() if path := _dotted(node):
            return {path}
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            arguments = node.args
            outside = [*arguments.defaults, *filter(None, arguments.kw_defaults)]
            outside += [one for one in getattr(node, "decorator_list", []) if _mark_of(one) not in MARKS]
            body = node.body if isinstance(node.body, list) else [node.body]
            bound = {arg.arg for arg in ast.walk(arguments) if isinstance(arg, ast.arg)} | _bound_in(body)
            inside = {name for name in _free_in(body) if name.partition(".")[0] not in bound}
            return _free_in(outside) | inside
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            bound = {part.id for one in node.generators for part in ast.walk(one.target) if isinstance(part, ast.Name)}
            first = node.generators[0].iter  # evaluated outside
            rest = _free_in(ast.iter_child_nodes(node))
            return _free_names(first) | {name for name in rest if name.partition(".")[0] not in bound}
        case ast.AnnAssign():
            return _free_in(filter(None, (node.target, node.value)))
    return _free_in(ast.iter_child_nodes(node))


def _free_in(nodes: Iterable[ast.AST]) -> set[str]:
    return set().union(*map(_free_names, nodes))


def _bound_in(body: Iterable[ast.AST]) -> set[str]:
    """Names that the body of a function assigns, not counting functions, classes and comprehensions within it."""
    bound: set[str] = set()
    elsewhere: set[str] = set()
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Global | ast.Nonlocal):
            elsewhere |= set(node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            waiting += ast.iter_child_nodes(node)
    return bound - elsewhere


def _dotted(node: ast.AST) -> str:
    """`a.b.c` of nested attributes, or nothing where they begin with something else than a name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


def _imports_within(node: ast.AST) -> dict[str, list[_Import]]:
    found: dict[str, list[_Import]] = {}
    for part in ast.walk(node):
        if isinstance(part, ast.Import):
            for alias in part.names:
                target = alias.name if alias.asname else alias.name.split(".")[0]
                found.setdefault(alias.asname or target, []).append(_Import(target))
        elif isinstance(part, ast.ImportFrom):
            if part.level:
                raise ValueError(f"line {part.lineno}: a relative import cannot be followed; name the package")
            for alias in part.names:
                found.setdefault(alias.asname or alias.name, []).append(_Import(part.module or "", alias.name))
    return found


def _is_definition(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _mark_of(decorator: ast.expr) -> str:
    named = decorator.func if isinstance(decorator, ast.Call) else decorator
    return getattr(named, "id", None) or getattr(named, "attr", None) or ""


def _has_mark(node: ast.AST, mark: str) -> bool:
    return isinstance(node, ast.FunctionDef) and any(_mark_of(decorator) == mark for decorator in node.decorator_list)


def _defines(node: ast.stmt) -> set[str]:
    """The names that a statement of a module binds."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return set(_imports_within(node))
    return _bound_in([node])


def _binds_names_only(node: ast.Assign | ast.AnnAssign) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return not any(isinstance(part, ast.Attribute | ast.Subscript) for target in targets for part in ast.walk(target))


def _only_for_types_or_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "__name__ == '__main__'")


def _is_text(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
