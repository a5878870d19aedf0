"""What is made before a build: asked of a process of its own only where a file has changed; and the cache."""

import json
import os
import subprocess

import pytest

from guide import cache, prepare


@pytest.fixture
def guide(tmp_path, monkeypatch):
    """A folder that looks like the project, and the answers of the command instead of the command."""
    for file in ("cnnguide/a.py", "docs/page.md", "examples/lab.py", "docs/figures/f.svg", "cnnguide/data/d.npz"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("one")
    (tmp_path / "lab.ipynb").write_text("{}")
    monkeypatch.delenv(cache.FOLDER)
    asked: list[str] = []

    def run(command, **options):
        asked.append(command[-2])
        return subprocess.CompletedProcess(command, 0, json.dumps({"lab.py": str(tmp_path / "lab.ipynb")}))

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(prepare, "_code_at_start", {})

    def asks(old=None, new=None):
        """Whether the command is asked after a file has got another content."""
        if old:
            (tmp_path / old).write_text(new)
        asked.clear()
        assert prepare.bring_up_to_date(tmp_path, tmp_path / "docs", None) == {"lab.py": str(tmp_path / "lab.ipynb")}
        return bool(asked)

    return asks


def test_nothing_is_asked_where_nothing_has_changed(guide):
    assert guide()
    assert not guide()


@pytest.mark.parametrize(
    "file",
    ["cnnguide/a.py", "cnnguide/b.py", "examples/lab.py", "docs/figures/f.svg", "cnnguide/data/d.npz", "lab.ipynb"],
)
def test_a_changed_file_is_noticed(guide, file):
    guide()
    assert guide(file, "two")
    assert not guide()


def test_a_lost_file_is_noticed(guide, tmp_path):
    guide()
    (tmp_path / "docs/figures/f.svg").unlink()
    assert guide()


def test_words_of_a_page_change_the_ledger_at_once_and_numbers_ask(guide, tmp_path):
    guide()
    assert guide("docs/page.md", "A number, 3<!-- = conv_output_size(5, 3) -->.\n")
    prepare.verified_numbers.write_page(tmp_path / "docs")  # what the command would have done
    assert not guide("docs/page.md", "One number, 3<!-- = conv_output_size(5, 3) -->.\n")
    assert "One number" in (tmp_path / "docs" / prepare.verified_numbers.PAGE).read_text("utf-8")
    assert guide("docs/page.md", "One number, 2<!-- = conv_output_size(5, 4) -->.\n")


def test_a_process_that_started_with_other_code_writes_no_ledger(guide, tmp_path):
    guide("docs/page.md", "A number, 3<!-- = conv_output_size(5, 3) -->.\n")
    guide("cnnguide/a.py", "two")
    prepare.verified_numbers.write_page(tmp_path / "docs")
    assert guide("docs/page.md", "One number, 3<!-- = conv_output_size(5, 3) -->.\n")


def test_a_command_that_fails_is_named(guide, tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda command, **options: subprocess.CompletedProcess(command, 1, ""))
    with pytest.raises(prepare.PrepareError, match=r"python -m \S+ prepare .*docs failed"):
        prepare.bring_up_to_date(tmp_path, tmp_path / "docs", None)


def test_the_cache_forgets_the_oldest_and_can_lie_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.FOLDER, str(tmp_path / "shared"))
    files = [cache.place(tmp_path, "things", "one", f"{number:03}", ".txt") for number in range(cache.MOST + 2)]
    other = cache.place(tmp_path, "things", "other", "000", ".txt")
    for file in (other, *files):
        assert cache.keep(file, file.name)
        time = int(file.stem[-3:])
        os.utime(file, (time, time))
    assert sorted((tmp_path / "shared/things").iterdir()) == sorted([other, *files[2:]])
    assert files[-1].read_text() == files[-1].name


def test_where_nothing_can_be_written_the_cache_keeps_nothing(tmp_path):
    (tmp_path / "file").touch()
    assert not cache.keep(tmp_path / "file/things/one-1.txt", "x")
