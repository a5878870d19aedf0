"""The package as it is installed: NumPy and nothing else, types included, pins that agree with the bounds."""

import itertools
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import cnnguide
from guide.release import release_problems
from tests.conftest import ROOT, run

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT, PYTEST = PYPROJECT["project"], PYPROJECT["tool"]["pytest"]["ini_options"]
INFO = f"cnnguide-{cnnguide.__version__}.dist-info"
MOST_PYTHON = 160_000
"""Bytes of Python that travel with the wheel, compressed, figures and experiments included."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", out, ROOT, cwd=ROOT)
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    """The site's tooling is not in it, and every licence of what is in it is."""
    archive = zipfile.ZipFile(wheel)
    names = archive.namelist()
    assert {"cnnguide/py.typed", "cnnguide/shapes.py", "cnnguide/figures/style.py"} <= set(names)
    assert "cnnguide/experiments/results/fair_comparison.json" in names  # a reader need not compute for a minute
    assert {name.split("/")[0] for name in names} == {"cnnguide", INFO}
    licences = {Path(name).name for name in names if name.startswith(f"{INFO}/licenses/")}
    assert licences == {"LICENSE", *(file.name for file in (ROOT / "cnnguide/data").glob("LICENSE_*"))}
    python = [name for name in names if name.endswith(".py")]
    assert sum(archive.getinfo(name).compress_size for name in python) <= MOST_PYTHON
    assert not any(
        re.search(r"^\s*(from|import) (mkdocs|markdown|guide)\b", archive.read(name).decode(), re.M) for name in python
    )


@pytest.mark.skipif(sys.platform == "win32", reason="links to NumPy need rights that few Windows accounts have")
def test_the_package_alone_needs_numpy_only(wheel, tmp_path):
    """Install the wheel where nothing else is, lend it this environment's NumPy, and use it."""
    import numpy

    metadata = zipfile.ZipFile(wheel).read(f"{INFO}/METADATA").decode()
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist") and "extra ==" not in line]
    assert [re.match(r"Requires-Dist: (\w+)", line)[1] for line in required] == ["numpy"]

    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    (packages,) = (tmp_path / "bare").rglob("site-packages")
    zipfile.ZipFile(wheel).extractall(packages)
    numpy_home = numpy.__path__[0]
    for folder in (numpy_home, f"{numpy_home}.libs"):
        subprocess.run(["ln", "-s", folder, str(packages)], check=True)
    code = "import cnnguide as c; print(len(c.conv_chain(199)) - 1, c.apply_filter(c.disk(5, 1), c.SOBEL_X).shape)"
    done = run(tmp_path / "bare/bin/python", "-I", "-c", code, cwd=tmp_path)
    assert done.stdout == "99 (5, 5)\n"


def requirements():
    everything = itertools.chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    return [Requirement(line) for line in everything if not line.startswith("cnnguide")]


def test_every_requirement_has_a_lower_bound_and_a_pin_within_its_bounds():
    pins = {}
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines():
        name, version = line.split(";")[0].strip().split("==")
        pins.setdefault(name, []).append(version)
    for requirement in requirements():
        assert any(part.operator == ">=" for part in requirement.specifier), requirement
        name = requirement.name.lower()
        assert pins.get(name), f"{name} is not in constraints.txt; run make lock"
        assert all(requirement.specifier.contains(version) for version in pins[name]), requirement


def test_the_lock_names_packages_and_no_place_to_get_them_from():
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines():
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .*)?", line), line


def test_every_make_target_of_the_readme_exists():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    said = (ROOT / "README.md").read_text("utf-8") + (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    targets = set(re.findall(r"(?:^|`)make ([a-z-]+)(?=[` ]|$)", said, re.MULTILINE))
    assert {"serve", "test", "site", "deploy", "test-oldest"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/guide.yml").read_text("utf-8"))
CI = (ROOT / ".ci/run").read_text("utf-8")


def commands_of_ci() -> list[str]:
    """The commands of .ci/run that test: with what they require written before them."""
    lines = [line.partition(" #")[0].strip() for line in CI.splitlines()]
    return [line for line in lines if re.match(r"(CNNGUIDE_REQUIRE=\S+ )?(make|\.venv/)", line)]


def test_ci_and_the_workflow_run_the_same_commands_with_the_same_requirements():
    of_workflow = [
        "".join(f"{name}={value} " for name, value in step.get("env", {}).items()) + step["run"]
        for job in ("test", "test-oldest")
        for step in WORKFLOW["jobs"][job]["steps"]
        if "run" in step
    ]
    assert of_workflow == commands_of_ci()
    assert "CNNGUIDE_REQUIRE=browser,torch,node,npm make test" in commands_of_ci()


def test_every_target_that_ci_makes_exists():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    steps = [step["run"] for job in WORKFLOW["jobs"].values() for step in job["steps"] if "run" in step]
    targets = {target for line in (*commands_of_ci(), *steps) for target in re.findall(r"make ([a-z-]+)$", line)}
    assert targets == {"setup", "test", "test-oldest", "deploy"}
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_what_a_make_target_leaves_out_exists():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    ignored = re.findall(r"--ignore=(\S+)", makefile)
    assert ignored and all((ROOT / name).exists() for name in ignored)
    marked = set(re.findall(r'-m "not (\w+)"', makefile))
    assert marked <= {line.partition(":")[0] for line in PYTEST["markers"]} and marked == {"site", "browser"}


def test_actions_are_pinned_and_jobs_end():
    """A tag can be moved to another commit; a job that hangs would run for six hours."""
    for name, job in WORKFLOW["jobs"].items():
        assert 0 < job["timeout-minutes"] <= 30, name
        for step in job["steps"]:
            assert "run" in step or re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"]), step


def test_the_version_that_is_cited_is_the_packages():
    assert f"version: {cnnguide.__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")


def test_a_release_wants_its_version_in_the_changelog_and_in_the_citation(tmp_path):
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n")
    (tmp_path / "CITATION.cff").write_text("version: 1.9.0\n")
    assert len(release_problems(tmp_path, "2.0.0")) == 2
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n## 2.0.0\n")
    (tmp_path / "CITATION.cff").write_text("version: 2.0.0\n")
    assert release_problems(tmp_path, "2.0.0") == []
