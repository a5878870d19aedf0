"""The rules of the house (who may import whom), read from the imports themselves."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "cnnguide"

# The floors of the package. A module imports from lower floors only, so nothing on one floor depends on its neighbours, and
# each module is on the lowest floor that it can be on.
FLOORS = [
    ["_arrays", "_checks", "_files"],  # the ground: what arguments must be
    ["activations", "filters", "images", "letters", "optimizers", "shapes"],  # what needs checks only
    ["convolution", "initializers", "losses", "pooling", "receptive_field"],  # what computes with sizes or activations
    ["layers", "networks"],  # operations with weights, and published networks of them
    ["feature_visualization", "photo_network", "training"],  # what is done with a network; one that others trained
    ["letters_network"],  # one network, and how it is trained
]
MODULES = sorted(file.stem for file in PACKAGE.glob("*.py") if not file.stem.startswith("__"))


def imported(file: Path) -> set[str]:
    """Dotted names of all modules that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import; write the full name"
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def tops(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def siblings(module: str) -> set[str]:
    """The modules of the package that one imports."""
    names = imported(PACKAGE / f"{module}.py")
    return {name.split(".")[1] for name in names if name.startswith("cnnguide.")}


def test_every_module_is_on_the_lowest_floor_above_all_that_it_imports():
    placed = [module for floor in FLOORS for module in floor]
    assert sorted(placed) == MODULES
    floor_of = {module: level for level, floor in enumerate(FLOORS) for module in floor}
    for module in MODULES:
        below = [floor_of[other] for other in siblings(module)]
        assert floor_of[module] == max(below, default=-1) + 1, module


@pytest.mark.parametrize("module", MODULES)
def test_numeric_modules_import_numpy_and_the_standard_library_only(module):
    allowed = {"numpy", "cnnguide"} | set(sys.stdlib_module_names)
    if module in ("shapes", "receptive_field", "networks"):  # they compute with whole numbers
        allowed -= {"numpy"}
    assert tops(imported(PACKAGE / f"{module}.py")) <= allowed


def test_checks_are_in_one_module():
    """Elsewhere there are private ones only, for what one module alone is given."""
    for file in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith(("check_", "as_")):
                assert file.stem == "_checks", f"{file.name} defines {node.name}"


def test_nobody_imports_a_private_name_of_another_module():
    for file in [*PACKAGE.rglob("*.py"), *(ROOT / "examples").glob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                private = [alias.name for alias in node.names if re.match(r"_[a-z]", alias.name)]
                assert not private, f"{file}: {private} of {node.module}"


def test_chance_comes_from_generators_only():
    """No global state: nothing is drawn from NumPy's own generator or Python's, and nobody seeds them."""
    for file in PACKAGE.rglob("*.py"):
        drawn = set(re.findall(r"\bnp\.random\.(\w+)", file.read_text("utf-8")))
        assert drawn <= {"Generator", "default_rng"}, file
        assert not {"random", "numpy.random"} & imported(file), file


def test_experiments_import_the_numeric_modules_only():
    for file in (PACKAGE / "experiments").glob("*.py"):
        names = imported(file)
        assert tops(names) <= {"numpy", "cnnguide"} | set(sys.stdlib_module_names)
        assert not any(name.startswith("cnnguide.figures") for name in names)


def test_only_figures_import_matplotlib():
    for file in PACKAGE.rglob("*.py"):
        if "matplotlib" in tops(imported(file)):
            assert file.parent.name == "figures"


def test_nobody_imports_what_is_further_out():
    """What a reader installs knows nothing of what builds the site, and neither of them of the examples or the tests."""
    for file in PACKAGE.rglob("*.py"):
        assert not {"guide", "examples", "benchmarks", "tests", "mkdocs", "markdown"} & tops(imported(file)), file
    for file in [*(ROOT / "guide").rglob("*.py"), ROOT / "hooks.py"]:
        assert not {"examples", "benchmarks", "tests"} & tops(imported(file)), file


def test_hooks_only_say_which_step_belongs_to_which_event():
    for node in ast.parse((ROOT / "hooks.py").read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            assert node.name.startswith("on_")
            (line,) = node.body
            assert isinstance(line, ast.Expr | ast.Return), node.name


def test_tooling_outside_of_the_wheel_that_needs_no_mkdocs_does_not_import_it():
    """So that the commands work, and the extensions move to another generator, without MkDocs."""
    for file in (ROOT / "guide").rglob("*.py"):
        if file.stem != "build":
            types_only = {"mkdocs.structure.pages", "mkdocs.structure.pages.Page"}
            assert not {name for name in imported(file) if name.startswith("mkdocs")} - types_only, file


def test_examples_use_public_names_only():
    import cnnguide

    for file in (ROOT / "examples").glob("*.py"):
        for name in imported(file):
            parts = name.split(".")
            if parts[0] == "cnnguide" and len(parts) > 1:
                assert parts[1] in cnnguide.__all__, f"{file.name} imports {name}"


def test_importing_the_package_loads_nothing_optional():
    code = "import sys, cnnguide; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    optional = {"matplotlib", "mkdocs", "markdown", "scipy", "torch", "PIL", "sybil", "pytest", "jupytext"}
    assert "cnnguide" in loaded
    assert not optional & set(loaded)


def test_all_public_names_are_importable():
    import cnnguide

    for name in cnnguide.__all__:
        assert hasattr(cnnguide, name)
