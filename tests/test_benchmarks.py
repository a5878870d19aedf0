"""The benchmarks run, compare before they time, and say what they measured; how fast it is, only `make bench` judges."""

import re
import subprocess
import sys

from mkdocs.config import load_config

from benchmarks import build
from tests.conftest import ROOT


def rows(text):
    """Each row's name, limit, and for each set of kernels how many times as long it took and its share of the peak."""
    found = re.findall(r"^(\S.*?) +(\d\.\d)((?: +\d+\.\d\d(?: +\d+%)?)+)$", text, re.MULTILINE)
    return [(name, limit, re.findall(r"(\d+\.\d\d)(?: +(\d+)%)?", numbers)) for name, limit, numbers in found]


def test_the_benchmarks_run_and_write_their_table(torch, tmp_path):
    command = [sys.executable, "-m", "benchmarks.operations", "--rounds", "1", "--into", str(tmp_path / "table.txt")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr  # 1: something took longer than wanted, which one round cannot tell
    text = (tmp_path / "table.txt").read_text("utf-8")
    assert len(rows(text)) == 8
    kernels = text.splitlines()[0].removeprefix("kernels of BLAS").split()
    assert kernels and {len(measured) for *_, measured in rows(text)} == {len(kernels)}
    assert "BLAS: " in text and "processor time of one thread" in text


def test_the_table_of_the_site_is_one_that_the_benchmarks_wrote():
    text = (ROOT / "docs/reference/performance.txt").read_text("utf-8")
    assert len(rows(text)) == 8
    assert "BLAS: " in text and "interleaved rounds" in text


def test_the_table_of_the_site_meets_every_limit():
    for name, limit, measured in rows((ROOT / "docs/reference/performance.txt").read_text("utf-8")):
        for ratio, _ in measured:
            assert float(ratio) <= float(limit), name


def test_the_page_says_of_the_limit_what_the_table_shows():
    """With the Haswell kernels and 3x3 over many channels, the peak itself would not be as fast as PyTorch."""
    text = (ROOT / "docs/reference/performance.txt").read_text("utf-8")
    assert text.splitlines()[0].endswith(" Haswell")
    at_the_peak = {name: float(measured[-1][0]) * int(measured[-1][1] or 0) / 100 for name, _, measured in rows(text)}
    assert at_the_peak["conv 32x64x28x28, 64 3x3"] > 1


def test_the_reference_of_the_build_is_mkdocs_with_our_extensions_and_nothing_else(tmp_path):
    for name in ("cnnguide", "docs", "examples", "guide", "hooks.py", "mkdocs.yml"):
        (tmp_path / name).symlink_to(ROOT / name)
    build._write_reference(tmp_path)
    ours, reference = (load_config(str(tmp_path / name)) for name in ("mkdocs.yml", "reference.yml"))
    assert reference.markdown_extensions == ours.markdown_extensions
    assert reference.theme.dirs == ours.theme.dirs
    assert not reference.hooks and ours.hooks
    assert {name.partition("/")[2] or name for name in reference.plugins} == {"search", "mkdocstrings"}


def test_the_build_is_slow_only_above_its_limit(monkeypatch, capsys):
    monkeypatch.setattr(subprocess, "run", lambda command, **options: None)  # no copy is needed
    monkeypatch.setattr(build, "_write_reference", lambda copy: None)
    monkeypatch.setattr(build, "_build", lambda copy, config: 1.6 if config == "mkdocs.yml" else 1.0)
    monkeypatch.setattr(build._Server, "median_reload", lambda copy, config: 1.2)
    assert build.main() == 1
    assert "more than 1.5 times the reference: nothing changed\n" in capsys.readouterr().out
    monkeypatch.setattr(build, "LIMIT", 1.7)
    assert build.main() == 0
