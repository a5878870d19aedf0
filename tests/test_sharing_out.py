"""Tests that need each other's state are in one process, and what a run says about itself is true."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.report import PARTS, part_of, summary
from tests.sharing_out import ONE_BY_ONE, SLOWEST_FIRST, group


def test_files_that_are_named_exist():
    """BY_SCHEME and the rest would otherwise silently lose their meaning when a file is renamed."""
    for name in (*ONE_BY_ONE, *SLOWEST_FIRST, *PARTS):
        assert list(ROOT.glob(f"{name}*")), name


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("docs/index.md::line:1", "docs/index.md::line:9", True),
        ("docs/index.md::line:1", "docs/play.md::line:1", False),
        ("tests/test_site.py::test_a", "tests/test_site.py::test_b[x]", True),
        ("tests/widgets/test_random.py::test_a", "tests/widgets/test_random.py::test_b", False),
        ("tests/test_every_page.py::test_a[light]", "tests/test_every_page.py::test_b[light-390]", True),
        ("tests/test_every_page.py::test_a[light]", "tests/test_every_page.py::test_a[dark]", False),
    ],
)
def test_what_shares_a_state_shares_a_process(one, other, together):
    assert (group(one) == group(other)) == together


def test_every_test_belongs_to_one_part():
    assert part_of("tests/widgets/test_random.py::test_a") == "widgets"
    assert part_of("tests/test_shapes.py::test_a") == part_of("tests/test_random.py") == "package"
    assert part_of("docs/chapters/training.md::line:1") == part_of("README.md::line:1") == "pages"


def own_run(tmp_path, text, *options):
    (tmp_path / "test_own.py").write_text(text)
    plugins = ("-p", "tests.report", "-p", "tests.sharing_out", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", "--rootdir", tmp_path, *plugins, *options, tmp_path]
    return subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True, timeout=100).stdout


OWN = """
import os, time, pytest
process = []
def test_first(): process.append(os.getpid())
def test_second(): assert process == [os.getpid()]
def test_skipped(): pytest.skip("glass is missing: buy some")
def test_skipped_too(): pytest.skip("glass is missing: buy some")
def test_wrong(): assert 1 == 2
@pytest.mark.timeout(0.5)
def test_hanging(): time.sleep(60)
"""


def test_a_run_tells_how_far_it_is_what_failed_and_what_was_skipped(tmp_path):
    said = own_run(tmp_path, OWN, "-n", "2")
    assert "2 passed, 2 failed, 2 skipped: 2 because glass is missing: buy some." in said
    assert " failed: test_own.py::test_wrong" in said
    assert " failed: test_own.py::test_hanging" in said and "Timeout" in said
    assert "100%" in said and "all done" in said


def test_a_summary_of_nothing_is_no_success():
    assert summary({}) == "nothing passed, none skipped."
