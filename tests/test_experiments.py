"""Experiments: kept until their code changes, the same whether run or recalled, and failures that name them."""

import json
import os
import sys

import pytest

from cnnguide.experiments import __main__ as command
from cnnguide.experiments import store
from cnnguide.experiments.store import ExperimentError, find_experiments

MODULE = """
from cnnguide.experiments.store import experiment
from {package}.helper import height

@experiment
def first():
    '''Something measured.'''
    return {{"heights": (height(), 2)}}

@experiment
def second():
    return {{"side": 1.5}}
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    name = f"lab_{tmp_path.name.replace('-', '_')}"
    for file, text in {
        "__init__.py": "",
        "helper.py": "def height():\n    return 1\n",
        "experiments/__init__.py": "",
        "experiments/demo.py": MODULE.format(package=name),
    }.items():
        (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name / file).write_text(text, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv(store.FOLDER, str(tmp_path / "kept"))
    return tmp_path / name


def load(package, name):
    module = __import__(f"{package.name}.experiments.demo", fromlist=[name])
    return getattr(module, name)


def test_a_result_is_kept_and_is_the_same_when_recalled(package, capsys):
    entry = find_experiments(package)["first"]
    assert entry.recall() is None
    assert load(package, "first")() == {"heights": [1, 2]}  # lists already the first time, as later from the file
    assert "experiment first: running" in capsys.readouterr().err
    result, seconds = entry.recall()
    assert result == {"heights": [1, 2]}
    assert seconds >= 0
    assert load(package, "first")() == result
    assert not capsys.readouterr().err


def test_a_caller_cannot_change_what_the_next_one_gets(package):
    load(package, "first")()["heights"].append(9)
    assert load(package, "first")() == {"heights": [1, 2]}


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("helper.py", "return 1", "return 2", {"first", "second"}),
        ("experiments/demo.py", "height(), 2", "height(), 3", {"first"}),
        ("experiments/demo.py", "Something measured", "Something else", set()),
        ("helper.py", "return 1", "'''A docstring.'''\n    return 1  # a comment", set()),
    ],
)
def test_only_code_that_computes_makes_a_result_stale(package, file, old, new, changed):
    before = find_experiments(package)
    text = (package / file).read_text("utf-8")
    assert old in text
    (package / file).write_text(text.replace(old, new), "utf-8")
    after = find_experiments(package)
    assert {name for name in after if before[name].fingerprint != after[name].fingerprint} == changed


@pytest.mark.parametrize("broken", ["{ half", "[]", '{"fingerprint": 3}', ""])
def test_a_broken_file_counts_as_none(package, tmp_path, broken):
    entry = find_experiments(package)["second"]
    load(package, "second")()
    (tmp_path / "kept/second.json").write_text(broken)
    assert entry.recall() is None


def test_what_cannot_be_kept_is_refused_by_name(package):
    (package / "experiments/demo.py").write_text(MODULE.format(package=package.name).replace("1.5", "{1, 2}"), "utf-8")
    with pytest.raises(ExperimentError, match=r"the experiment second returned what cannot be kept .*float\(x\)"):
        load(package, "second")()


def test_two_of_one_name_are_refused(package):
    (package / "experiments/other.py").write_text("@experiment\ndef first(): ...\n", "utf-8")
    with pytest.raises(ExperimentError, match=r"'first' is defined in .*demo and in .*other"):
        find_experiments(package)


def test_without_a_folder_nothing_is_written(package, monkeypatch, tmp_path):
    monkeypatch.delenv(store.FOLDER)
    monkeypatch.setattr(store, "IN_CHECKOUT", False)
    assert load(package, "second")() == {"side": 1.5}
    assert not (tmp_path / "kept").exists()


def test_the_command_names_what_it_does_not_know(capsys):
    assert command.main(["no_such"]) == 1
    assert "no experiment named no_such" in capsys.readouterr().err


def test_the_guides_experiments_are_found_without_importing_them():
    entries = find_experiments()
    assert all(entry.module.startswith("cnnguide.experiments.") for entry in entries.values())


def test_the_guides_results_are_numbers_and_texts():
    for entry in find_experiments().values():
        if found := entry.recall():
            assert json.loads(json.dumps(found[0])) == found[0] or "nan" in str(found[0]), entry.name


def test_experiments_need_numpy_only():
    code = "import cnnguide.experiments.store, sys; print('matplotlib' in sys.modules)"
    assert os.popen(f'"{sys.executable}" -c "{code}"').read().strip() == "False"
