"""Plain English: the linter finds what it should, leaves alone what it should, and nothing is left for it to find."""

import subprocess
import sys
from pathlib import Path

import pytest

from guide import ROOT, prose
from guide.__main__ import main


@pytest.mark.parametrize(
    ("sentence", "phrase"),
    [
        ("A loss that is no number moves nothing.", "is no number"),
        ("They are no brightness from 0 to 1.", "are no brightness"),
        ("A proof cannot stand in a formula.", "stand"),
        ("Above each stands the length of its side.", "stands"),
        ("Then it has stood in five places.", "stood"),
        ("Behind convolution 3 the map has 193 rows.", "Behind"),
        ("Linear has met no input yet.", "met"),
        ("What kernels are, is told in the first chapter.", "told"),
        ("Two kernels shall replace a larger one.", "shall"),
        ("Zero lies in the middle of a bar.", "lies"),
        ("The page leads on by itself.", "leads on"),
        ("They do not care to excite their own.", "do not care to"),
        ("It waits, as no result is at hand.", "as no result is at hand"),
        ("The functions belong into another module.", "belong into"),
        ("Titles with a colon want quotes.", "want quotes"),
        ("Two seeds of one and the same rule.", "one and the same"),
        ("Provided there are equally many channels.", "equally many"),
        ("At last, let all six race.", "At last,"),
    ],
)
def test_a_phrase_to_avoid_is_found(sentence, phrase):
    assert [found for _, found, _ in prose.problems(sentence)] == [phrase]


@pytest.mark.parametrize(
    "sentence",
    [
        "There is no file of this name, and there are no sizes.",
        "The loss is no longer finite.",
        "Everything is no more than one layer.",
        "One switch reveals the expression behind every number.",
        "We understand standard deviations; comets and shallow nets are welcome.",
        "Branches that meet must have equal strides.",
        "Finally, let all six race, each with the same number of channels.",
    ],
)
def test_plain_english_passes(sentence):
    assert list(prose.problems(sentence)) == []


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        (
            "a.md",
            "fine\n```python\nbehind = 1\n```\n> met\n`told` <!-- = met --> [x](met.md){ #behind }\n\nHe told\n",
            [5, 8],
        ),
        (
            "a.py",
            'met = f(behind)  # what stands here\nx = "told"\ny = f"{met} is told"\n"""One\n`met` is\nbehind"""\n',
            [1, 3, 6],
        ),
        (
            "a.js",
            'met(behind); // `told` stands\nx = "told";\ny = `the ${met(`behind`)} is told`;\n/* a\n met */\n',
            [1, 3, 5],
        ),
    ],
)
def test_only_prose_is_read(tmp_path, name, text, lines):
    """Not code, not names, not addresses; each phrase is reported in its line."""
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    assert [line for line, _, _ in prose.problems(prose.prose_of(file))] == lines


def test_a_finding_names_its_place_and_the_remedy(tmp_path, monkeypatch, capsys):
    for folder in ("docs", "cnnguide", "guide"):
        (tmp_path / folder).mkdir()
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "hooks.py"):
        (tmp_path / name).write_text("", encoding="utf-8")
    (tmp_path / "docs/page.md").write_text("Fine.\nTwo shall replace one.\n", encoding="utf-8")
    monkeypatch.setattr("guide.__main__.ROOT", tmp_path)
    assert main(["prose"]) == 1
    assert (
        capsys.readouterr().out == f"{Path('docs/page.md')}:2: 'shall'; write 'should', 'must' or the present tense\n"
    )


def test_the_project_is_written_plainly():
    assert not [str(finding) for finding in prose.find(ROOT)]


def test_no_word_is_misspelt():
    files = [str(file) for file in prose.files(ROOT)]
    command = [sys.executable, "-m", "codespell_lib", "--toml", str(ROOT / "pyproject.toml"), *files]
    found = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert found.returncode == 0, found.stdout + found.stderr
