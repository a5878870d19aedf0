"""The code's form: linted, formatted and typed, with the pinned versions of the tools that judge it."""

import json
import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from tests.conftest import ROOT


def pinned(tool: str) -> None:
    """Another version has other opinions; what counts is the one that constraints.txt names."""
    wanted = next(
        line for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if line.startswith(f"{tool}==")
    )
    if wanted != f"{tool}=={version(tool)}":
        pytest.skip(f"{tool} {version(tool)} is not the pinned {wanted}")


@pytest.mark.parametrize(
    "command", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]], ids=["lint", "format", "types"]
)
def test_the_code_is_in_form(command):
    pinned(command[0])
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# The tests that let time pass, and why no state could be awaited instead.
SLEEPERS = {
    "test_sharing_out.py": "a test that hangs is what it is about",
    "test_wrong_pages.py": "it polls a server, and sees that it comes to rest",
}


def test_tests_wait_for_a_state_and_not_for_a_time():
    """A pause is too short on a busy machine and too long on an idle one; tests/widgets/conftest.py has what to use."""
    sleeping = {}
    for file in sorted((ROOT / "tests").rglob("*.py")):
        if found := set(re.findall(r"\b(sleep|wait_for_timeout)\(", file.read_text("utf-8"))):
            sleeping[file.relative_to(ROOT / "tests").as_posix()] = found
    assert sleeping == {name: {"sleep"} for name in SLEEPERS}


@pytest.mark.xdist_group("npm")
@pytest.mark.parametrize("check", ["format:check", "lint", "types"])
def test_javascript_is_in_form(npm, check):
    done = npm("run", "--silent", check)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.xdist_group("npm")
def test_the_tools_of_javascript_are_locked_and_name_no_registry():
    """Exact versions, each with its checksum; where they come from is the reader's own configuration."""
    wanted = json.loads((ROOT / "package.json").read_text("utf-8"))["devDependencies"]
    packages = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    for name, package in packages.items():
        assert "resolved" not in package and (not name or package["integrity"].startswith("sha512-")), name
