"""The benchmarks run, compare before they time, and say what they measured; how fast it is, only `make bench` judges."""

import re
import subprocess
import sys

from tests.conftest import ROOT


def test_the_benchmarks_run_and_write_their_table(torch, tmp_path):
    command = [sys.executable, "-m", "tests.benchmarks", "--rounds", "1", "--into", str(tmp_path / "table.txt")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr  # 1: something took longer than wanted, which one round cannot tell
    text = (tmp_path / "table.txt").read_text("utf-8")
    assert len(re.findall(r"^\S.* +\d+\.\d\d +\d+\.\d", text, re.MULTILINE)) == 7
    assert "BLAS: " in text and "one thread each" in text


def test_the_table_of_the_site_is_one_that_the_benchmarks_wrote():
    text = (ROOT / "docs/reference/performance.txt").read_text("utf-8")
    rows = re.findall(r"^(\S.*?) +(\d+\.\d\d) +(\d+\.\d)(?: +(\d+)%)?$", text, re.MULTILINE)
    assert len(rows) == 7
    assert "BLAS: " in text and "interleaved rounds" in text
