"""Fingerprints: what makes a result stale, and what does not."""

import ast

import pytest

from cnnguide.experiments.sources import computing, read

FILES = {
    "__init__.py": "from {package}.numeric import area, unused\n",
    "numeric.py": """
import math
from {package} import _checks
TABLE = {{}}
TABLE["side"] = 3          # executed for its effect

def area(radius: float) -> float:
    return math.pi * _checks.checked(radius) ** 2

def unused(x):
    return x + 1

class Base:
    def size(self):
        return 1

class Shape(Base):
    SIDES: int = 4
    def double(self):
        helper = 2         # a local name, not the function
        return helper * self.size()

def helper():
    return 5
""",
    "_checks.py": "def checked(x):\n    return x\n\ndef other(x):\n    return -x\n",
    "reading.py": "from pathlib import Path\nDATA = Path(__file__).parent / 'data'\n"
    "def named():\n    return (DATA / 'one.txt').read_text()\n"
    "def chosen(name):\n    return (DATA / f'{{name}}.txt').read_text()\n",
    "data/one.txt": "1",
    "data/two.txt": "2",
    "data/README.md": "about",
    "experiments/found.py": "from {package} import area\n@experiment\ndef found():\n    return area(1)\n",
    "experiments/results/found.json": '{{"checksum": "a1"}}',
    "roots.py": """
import {package} as whole
from {package} import numeric, area
from {package}.experiments.found import found
from {package}.numeric import Shape
from {package}.reading import chosen, named

def by_name(): return area(2)
def by_package(): return whole.area(2)
def by_module(): return numeric.area(2)
def by_late_import():
    from {package}.numeric import area as late
    return late(2)
def by_object(): return vars(numeric)
def by_class(): return Shape().double()
def by_reading(): return named()
def by_choosing(): return chosen("two")
def by_experiment(): return found()
def by_nothing(area): return [area for area in range(3)]
""",
}


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "parts"
    for file, text in FILES.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text.format(package="parts"), "utf-8")
    return folder


def fingerprints(package):
    sources = read(package)
    functions = [node for node in sources.tree("parts.roots").body if isinstance(node, ast.FunctionDef)]
    return {node.name.removeprefix("by_"): sources.fingerprint("parts.roots", node) for node in functions}


AREA = {"name", "package", "module", "late_import", "object"}


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("numeric.py", "math.pi", "3", AREA),
        ("numeric.py", "import math", "import cmath as math", AREA),
        ("_checks.py", "return x", "return 2 * x", AREA),
        ("_checks.py", "return -x", "return x", {"object"}),  # which holds that module, too
        ("numeric.py", "x + 1", "x + 2", {"object"}),  # all that the module has
        ("numeric.py", '["side"] = 3', '["side"] = 4', AREA | {"class"}),
        ("numeric.py", "return 1", "return 7", {"object", "class"}),  # a base class
        ("numeric.py", "SIDES: int = 4", "SIDES: int = 5", {"object", "class"}),
        ("numeric.py", "return 5", "return 6", {"object"}),
        ("numeric.py", "radius: float", "radius: int", set()),
        ("numeric.py", "# a local name", "# a comment", set()),
        ("numeric.py", "def area(radius: float) -> float:\n", 'def area(radius):\n    """Of a disk."""\n', set()),
        ("data/one.txt", "1", "7", {"reading", "choosing"}),
        ("data/two.txt", "2", "7", {"choosing"}),
        ("data/README.md", "about", "more", set()),
        ("experiments/found.py", "area(1)", "area(3)", set()),  # what counts is what it found
        ("experiments/results/found.json", "a1", "b2", {"experiment"}),
        ("roots.py", "by_name(): return area(2)", "by_name(): return area(3)", {"name"}),
    ],
)
def test_what_a_function_reaches_makes_it_stale_and_nothing_else(package, file, old, new, changed):
    before = fingerprints(package)
    text = (package / file).read_text("utf-8")
    assert text.count(old) == 1
    (package / file).write_text(text.replace(old, new), "utf-8")
    after = fingerprints(package)
    assert {name for name in after if before[name] != after[name]} == changed


def test_moving_a_function_to_another_module_changes_nothing(package):
    before = fingerprints(package)
    (package / "moved.py").write_text("def checked(x):\n    return x\n", "utf-8")
    for file, old, new in (
        ("numeric.py", "from parts import _checks", "from parts.moved import checked"),
        ("numeric.py", "_checks.checked", "checked"),
    ):
        (package / file).write_text((package / file).read_text("utf-8").replace(old, new), "utf-8")
    (package / "_checks.py").unlink()
    renamed = fingerprints(package)  # `checked` is called by another name: that is an edit of `area`
    (package / "again.py").write_text((package / "moved.py").read_text("utf-8"), "utf-8")
    (package / "moved.py").unlink()
    numeric = package / "numeric.py"
    numeric.write_text(numeric.read_text("utf-8").replace("parts.moved", "parts.again"), "utf-8")
    assert fingerprints(package) == renamed != before


def test_two_constants_that_change_places_are_noticed(package):
    """The same pieces of code, but each uses the other's."""
    for file, value in (("one.py", 1), ("two.py", 2)):
        (package / file).write_text(f"N = {value}\n", "utf-8")
    (package / "roots.py").write_text(
        "from parts.one import N as a\nfrom parts.two import N as b\ndef by_both(): return a - b\n", "utf-8"
    )
    before = fingerprints(package)
    for file, value in (("one.py", 2), ("two.py", 1)):
        (package / file).write_text(f"N = {value}\n", "utf-8")
    assert fingerprints(package) != before


def test_what_shall_count_but_is_not_there_is_refused(package):
    sources = read(package)
    node = sources.tree("parts.roots").body[0]
    assert sources.fingerprint("parts.roots", node, [("cnnguide.shapes", "conv_chain")])
    for missing in (("cnnguide.shapes", "no_such"), ("elsewhere.module", "")):
        with pytest.raises(ValueError, match=f"in {missing[0]}, or its package is not included"):
            sources.fingerprint("parts.roots", node, [missing])


def test_a_relative_import_is_refused(package):
    (package / "roots.py").write_text("def by_relative():\n    from .numeric import area\n    return area\n", "utf-8")
    with pytest.raises(ValueError, match="line 2: a relative import cannot be followed"):
        fingerprints(package)


def test_the_text_that_is_fingerprinted_is_the_same_with_every_version_of_python():
    """Kept results would be stale for a reader whose Python writes another syntax tree."""
    code = 'def f(x: int, *, y=1) -> str:\n    """Doc."""\n    z: int = 2\n    return f"{x!r:>{y}}" "a" + (lambda: None)()\n'
    assert computing(ast.parse(code)) == (
        "Module(body=[FunctionDef(name='f',args=arguments(args=[arg(arg='x')],kwonlyargs=[arg(arg='y')],"
        "kw_defaults=[Constant(value=1)]),body=[AnnAssign(target=Name(id='z'),value=Constant(value=2),simple=1),"
        "Return(value=BinOp(left=JoinedStr(values=[FormattedValue(value=Name(id='x'),conversion=114,"
        "format_spec=JoinedStr(values=[Constant(value='>'),FormattedValue(value=Name(id='y'),conversion=-1)])),"
        "Constant(value='a')]),op=Add(),right=Call(func=Lambda(args=arguments(),body=Constant()))))])])"
    )
