"""Experiments: kept until their code changes, the same whether run or recalled, and failures that name them."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from cnnguide import (
    Linear,
    Page,
    Sequential,
    cross_entropy,
    cross_entropy_backward,
    draw_page,
    luma,
    trained_letters_network,
)
from cnnguide._files import can_write
from cnnguide.experiments import __main__ as command
from cnnguide.experiments import channels, initialization, store, training
from cnnguide.experiments.store import FORM, ExperimentError, Tolerance, Tolerances, find_experiments
from tests.conftest import ROOT

MODULE = """
from cnnguide.experiments.store import experiment
from {package}.helper import height

@experiment
def first():
    '''Something measured.'''
    return {{"heights": (height(), 2), "third": 1 / 3}}

@experiment(atol=0.1)
def second():
    return {{"side": 1.5}}
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    name = f"lab_{tmp_path.name.replace('-', '_')}"
    for file, text in {
        "../pyproject.toml": "",
        "__init__.py": "",
        "helper.py": "def height():\n    return 1\n",
        "experiments/__init__.py": "",
        "experiments/demo.py": MODULE.format(package=name),
    }.items():
        (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name / file).write_text(text, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv(store.SHARED, raising=False)
    return tmp_path / name


def load(package, name):
    module = __import__(f"{package.name}.experiments.demo", fromlist=[name])
    return getattr(module, name)


FOUND = {"heights": [1, 2], "third": 0.333333}


def test_a_result_is_kept_and_is_the_same_when_recalled(package, capsys):
    entry = find_experiments(package)["first"]
    assert entry.recall() is None
    assert load(package, "first")() == FOUND  # lists and rounded already the first time, as later from the file
    assert "experiment first: running" in capsys.readouterr().err
    result, seconds = entry.recall()
    assert result == FOUND
    assert seconds >= 0
    store._known.clear()
    assert load(package, "first")() == result
    assert not capsys.readouterr().err


def test_a_file_can_be_read_and_says_what_made_it(package):
    load(package, "first")()
    entry = find_experiments(package)["first"]
    lines = entry.file.read_text("utf-8").splitlines()
    assert lines[1] == f' "experiment": "{package.name}.experiments.demo.first",'
    assert lines[2] == f' "fingerprint": "{entry.fingerprint}",'
    assert lines[5:] == [' "result": {', '  "heights": [1, 2],', '  "third": 0.333333', " }", "}"]
    assert [file.name for file in entry.file.parent.iterdir()] == ["first.json"]  # no half files beside it


def test_copies_that_share_a_folder_run_an_experiment_once(package, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(store.SHARED, str(tmp_path / "shared"))
    load(package, "first")()
    entry = find_experiments(package)["first"]
    before = entry.file.read_bytes()
    entry.file.unlink()  # as in a copy that never ran it
    store._known.clear()
    capsys.readouterr()
    assert load(package, "first")() == FOUND
    assert not capsys.readouterr().err and entry.file.read_bytes() == before
    entry.file.unlink()
    monkeypatch.setattr(command, "find_experiments", lambda: find_experiments(package))
    assert command.bring_up_to_date(["first"]) == []
    assert entry.file.read_bytes() == before
    other = store.Entry("first", entry.module, "of other code", entry.file)
    assert not other.fetch()


def test_long_rows_are_wrapped_and_read_back():
    value = {"row": list(range(100)), "texts": ["a b" * 50], "rows": [[1.5, 2], []], "none": {}}
    text = store._as_text(value)
    assert json.loads(text) == value
    assert max(len(line) for line in text.splitlines() if "a b" not in line) <= 130


def test_a_caller_cannot_change_what_the_next_one_gets(package):
    load(package, "first")()["heights"].append(9)
    assert load(package, "first")() == FOUND


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("helper.py", "return 1", "return 2", {"first"}),
        ("experiments/demo.py", "height(), 2", "height(), 3", {"first"}),
        ("experiments/demo.py", "Something measured", "Something else", set()),
        ("experiments/demo.py", "atol=0.1", "atol=0.2", set()),
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


@pytest.mark.parametrize(
    ("old", "new"),
    [('"side": 1.5', '"side": 1.6'), ("{", "{ half"), ('"checksum"', '"sum"'), ('"fingerprint"', '"print"')],
)
def test_an_edited_file_is_noticed(package, old, new, monkeypatch, capsys):
    load(package, "second")()
    entry = find_experiments(package)["second"]
    edited = entry.file.read_text("utf-8").replace(old, new, 1)
    entry.file.write_text(edited, "utf-8")
    with pytest.raises(ExperimentError, match=r"second\.json was edited.*python -m cnnguide\.experiments second"):
        entry.recall()
    monkeypatch.setattr(command, "find_experiments", lambda: find_experiments(package))
    assert command.main([]) == 1  # a build does not write over it: the edit may have been meant for the code
    assert "second.json was edited" in capsys.readouterr().err
    assert entry.file.read_text("utf-8") == edited
    monkeypatch.setattr(command, "_run_in_process", lambda entry, say: entry.keep(*entry.run()) or "")
    assert command.main(["second"]) == 0
    assert entry.recall()[0] == {"side": 1.5}


def test_what_changed_is_said(package, monkeypatch):
    said = []
    load(package, "first")()
    helper = package / "helper.py"
    helper.write_text("def height():\n    return 4\n", "utf-8")
    del sys.modules[f"{package.name}.helper"], sys.modules[f"{package.name}.experiments.demo"]  # as in a new process
    monkeypatch.setattr(command, "find_experiments", lambda: find_experiments(package))

    def run(*arguments, **options):
        find_experiments(package)["first"].keep(*find_experiments(package)["first"].run())
        return subprocess.CompletedProcess((), 0)

    monkeypatch.setattr(subprocess, "run", run)
    assert command.bring_up_to_date(["first"], say=said.append) == ["first"]
    assert said == [
        "experiments: running first",
        "experiments: first: changed beyond its tolerance in 1 of its numbers\n    heights[0]: 1 was kept, 4 is found",
    ]
    assert command.bring_up_to_date(["first"], say=said.append) == []


def test_a_folder_that_cannot_be_written_is_named_before_any_work(package, monkeypatch, capsys):
    load(package, "first")()
    monkeypatch.setattr(command, "find_experiments", lambda: find_experiments(package))
    monkeypatch.setattr(command, "can_write", lambda folder: False)
    assert command.main(["first"]) == 0  # nothing to write
    capsys.readouterr()
    assert command.main([]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "experiments/results cannot be written, and these experiments have to run: second" in said


def test_whether_a_folder_can_be_written_is_tried(tmp_path):
    assert can_write(tmp_path / "not/yet/there")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    assert not can_write(tmp_path / "file")


@pytest.mark.parametrize(
    ("tolerances", "before", "after", "places"),
    [
        (Tolerances(), {"a": [1, 2.0]}, {"a": [1, 2.00001]}, []),
        (Tolerances(), {"a": [1, 2.0]}, {"a": [2, 2.1]}, ["a[0]", "a[1]"]),
        (Tolerances(Tolerance(atol=0.5)), [1.0, 1.0], [1.4, 1.6], ["[1]"]),
        (Tolerances(below={"b": Tolerance(atol=1)}), {"b": [{"c": 1}], "c": 1}, {"b": [{"c": 2}], "c": 2}, ["c"]),
        (
            Tolerances(below={"a/x": FORM}),
            {"a": {"x": 1, "y": 1}, "x": 1},
            {"a": {"x": 9, "y": 2}, "x": 2},
            ["a/y", "x"],
        ),
        (Tolerances(below={"a": FORM}), {"a": [1, 2]}, {"a": [1]}, ["a"]),  # the form is compared
        (Tolerances(below={"a": FORM}), {"a": "one"}, {"a": "two"}, ["a"]),
        (Tolerances(Tolerance(rtol=0.5)), [1.0, 1.0, float("nan")], [1.9, 2.1, float("nan")], ["[1]"]),
        (Tolerances(Tolerance(atol=9)), {"a": 1, "b": True}, {"a": 1, "c": False}, [""]),
        (Tolerances(Tolerance(atol=9)), [True, None, 1], [False, 1, float("nan")], ["[0]", "[1]", "[2]"]),
    ],
)
def test_results_are_compared_within_what_was_stated(tolerances, before, after, places):
    assert [line.rpartition(": ")[0] for line in tolerances.differences(before, after)] == places


def test_what_cannot_be_kept_is_refused_by_name(package):
    (package / "experiments/demo.py").write_text(MODULE.format(package=package.name).replace("1.5", "{1, 2}"), "utf-8")
    with pytest.raises(ExperimentError, match=r"the experiment second returned what cannot be kept .*float\(x\)"):
        load(package, "second")()


def test_two_of_one_name_are_refused(package):
    (package / "experiments/other.py").write_text("@experiment\ndef first(): ...\n", "utf-8")
    with pytest.raises(ExperimentError, match=r"'first' is defined in .*demo and in .*other"):
        find_experiments(package)


def test_an_installed_package_keeps_nothing(package):
    (package.parent / "pyproject.toml").unlink()
    assert load(package, "second")() == {"side": 1.5}
    assert not (package / "experiments/results").exists()


def test_the_command_names_what_it_does_not_know(capsys):
    assert command.main(["no_such"]) == 1
    assert "no experiment named no_such" in capsys.readouterr().err


def test_the_guides_experiments_are_found_without_importing_them():
    entries = find_experiments()
    assert all(entry.module.startswith("cnnguide.experiments.") for entry in entries.values())


SECONDS = 30
"""Of computing that every run of the tests spends on results whose code did not change."""


def chosen_by_commit():
    """Some experiments, others for every commit: all have their turn, and a run that fails fails again."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    left, chosen = SECONDS, set()
    for name, entry in sorted(
        find_experiments().items(), key=lambda one: hashlib.sha256((head + one[0]).encode()).digest()
    ):
        seconds = (entry.kept() or {"seconds": 0})["seconds"]
        if seconds <= left:
            left -= seconds
            chosen.add(name)
    return chosen


def test_a_commit_chooses_some_experiments_that_take_half_a_minute():
    entries, chosen = find_experiments(), chosen_by_commit()
    assert 3 <= len(chosen) < len(entries)
    assert round(sum(entries[name].kept()["seconds"] for name in chosen), 1) <= SECONDS


@pytest.mark.parametrize("name", find_experiments())
def test_a_kept_result_is_what_its_code_finds(name):
    """All are whole; those whose code changed, and those that the commit chooses, are computed again."""
    entry = find_experiments()[name]
    kept, is_current = entry.kept(), entry.recall() is not None
    assert kept is not None, f"{entry.file} is missing: run `make experiments`, and commit it"
    assert kept["experiment"] == f"{entry.module}.{name}"
    if is_current and name not in chosen_by_commit():
        return
    result, seconds = entry.run()
    differences = entry.load().tolerances.differences(kept["result"], result)
    if not is_current:
        entry.keep(result, seconds)
    changed = command.summary(differences)
    assert not differences, f"{name}: {changed}\nIf that is meant, commit {entry.file} (`make experiments` writes it)"


def test_every_kept_result_has_its_experiment():
    """A file that nothing reads would travel for ever."""
    files = {file.stem for file in (ROOT / "cnnguide" / store.RESULTS).glob("*")}
    assert files == set(find_experiments())


def test_experiments_need_numpy_only():
    code = "import cnnguide.experiments.store, sys; print('matplotlib' in sys.modules)"
    assert os.popen(f'"{sys.executable}" -c "{code}"').read().strip() == "False"


# What the experiments compute, against slower ways to the same.


def test_the_area_under_the_curve_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(0)
    answers, is_letter = rng.integers(0, 9, 40), rng.random(40) < 0.3
    pairs = [(a > b) + (a == b) / 2 for a in answers[is_letter] for b in answers[~is_letter]]
    assert channels.auc(answers, is_letter) == pytest.approx(np.mean(pairs))


def test_finds_are_apart_above_the_threshold_and_best_first():
    page = draw_page(channels.TEXT)
    found = channels.find_letter(page.image, [channels.cut_letter("e")], threshold=0.6)
    assert len(found) == len(set(found)) > 46  # the e's, and letters that resemble them
    assert all(max(abs(a - c), abs(b - d)) > 4 for a, b in found for c, d in found if (a, b) != (c, d))
    assert channels.find_letter(np.zeros((30, 30)), [channels.cut_letter("e")]) == []


def test_precision_and_recall_of_known_finds():
    page = draw_page("see me")
    places = [(glyph.row, glyph.column) for glyph in page.glyphs if glyph.letter == "e"]
    assert channels.precision_and_recall(places, page) == (1.0, 1.0)
    assert channels.precision_and_recall([*places[:1], (0, 0)], page) == (0.5, 1 / 3)
    assert channels.precision_and_recall([], page) == (0.0, 0.0)
    assert isinstance(page, Page)


def test_the_colour_task_cannot_be_seen_in_gray():
    x, target = channels.equally_bright_colors(50, np.random.default_rng(0))
    assert x.min() >= 0 and x.max() <= 1
    red, green, blue = np.moveaxis(x, 1, 0)
    assert (red.max(axis=(1, 2)) > green.max(axis=(1, 2)))[target == 0].all()
    ground = np.where(red == blue, red, np.where(target[:, None, None] == 0, blue, red))  # the untinted plane
    assert all(np.allclose(luma(image), plane, atol=1e-5) for image, plane in zip(x, ground, strict=True))


@pytest.mark.parametrize("activation", initialization.ACTIVATIONS)
def test_gradients_of_fifty_layers_agree_with_finite_differences(activation, monkeypatch):
    monkeypatch.setattr(initialization, "SAMPLES", 1)
    settings = dict(depth=4, width=6)
    function, slope = initialization.ACTIVATIONS[activation]
    weights, sums, outputs = initialization.layers_of(activation, 0.3, np.random.default_rng(3), **settings)
    sent = np.random.default_rng(4).standard_normal(6)

    def end(x):
        for weight in weights:
            x = function(weight @ x)
        return sent @ x

    gradient = sent[None]
    for weight, z in zip(reversed(weights), reversed(sums), strict=True):
        gradient = (gradient * slope(z)) @ weight
    nudges = 1e-6 * np.eye(6)
    numeric = [(end(outputs[0][0] + d) - end(outputs[0][0] - d)) / 2e-6 for d in nudges]
    np.testing.assert_allclose(gradient[0], numeric, atol=1e-8)


def test_drawing_sums_is_as_good_as_drawing_weights():
    """`spread_over_draws` draws the sums of a layer: the logarithms at the end spread as with real weights."""
    ends = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        x = np.ones(10)
        for _ in range(initialization.DEPTH):
            x = np.maximum(np.sqrt(2 / 10) * rng.standard_normal((10, 10)) @ x, 0)
        ends.append((x**2).mean())
    real = np.log10([end for end in ends if end > 0])
    drawn = np.log10([end for end in initialization.spread_over_draws()["10"] if end > 0])
    assert real.std() == pytest.approx(drawn.std(), rel=0.2)
    assert np.median(real) == pytest.approx(np.median(drawn), abs=0.7)


def test_to_maximise_the_logarithm_of_a_probability_is_to_minimise_the_loss():
    layer, rng = training._LogSoftmax(), np.random.default_rng(0)
    scores, wanted = rng.standard_normal((3, 5)), np.array([4, 0, 2])
    chosen = np.eye(5)[wanted]
    assert (layer.forward(scores) * chosen).sum() == pytest.approx(
        -float(cross_entropy(scores, wanted, reduction="sum"))
    )
    np.testing.assert_allclose(layer.backward(chosen), -cross_entropy_backward(scores, wanted, reduction="sum"))


def test_shifts_move_the_ink_and_let_paper_in():
    x = np.zeros((200, 1, 5, 5))
    x[:, 0, 2, 2] = 1
    moved = training._shifted(x, np.random.default_rng(0), most=2)
    assert moved.shape == x.shape and (moved.sum(axis=(1, 2, 3)) == 1).all()
    places = {tuple(place) for place in np.argwhere(moved)[:, 2:].tolist()}
    assert places == {(row, column) for row in range(5) for column in range(5)}
    assert training._shifted(x + 1, np.random.default_rng(0), most=2).min() == 0


@pytest.mark.parametrize(
    ("losses", "best"),
    [([3, 2, 1], 2), ([3, 1, 2, 2, 0], 1), ([3, 1, 2, 0], 3), ([1, 1, 1, 1], 0)],
)
def test_early_stopping_waits_for_its_patience_and_takes_the_best(losses, best):
    assert training._early_stop(losses, patience=2) == best


def test_the_judge_reads_what_most_of_the_nearest_letters_are():
    rng = np.random.default_rng(0)
    real, target = rng.random((60, 1, 3, 3)), rng.integers(0, 4, 60)
    seen = rng.random((7, 1, 3, 3))
    cosine = lambda a, b: (a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum())  # noqa: E731
    for image, read in zip(seen, training._read_by_neighbours(seen, real, target), strict=True):
        nearest = sorted(range(60), key=lambda i: -cosine(image, real[i]))[:5]
        votes = [target[i] for i in nearest]
        assert votes.count(read) == max(map(votes.count, votes))
    assert (training._read_by_neighbours(5 * real, real, target, count=1) == target).all()


def test_the_likeness_of_two_patches_is_their_correlation():
    a, b = np.random.default_rng(0).random((2, 8, 8))
    assert training._correlation(a, b) == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1])
    assert training._correlation(a, np.ones((8, 8))) == pytest.approx(0)


def test_found_patches_are_what_their_units_see():
    """Cut out and put alone on paper, they excite their units in the ratio that was found in whole letters."""
    result, model = training.strokes_and_corners(), trained_letters_network()
    part = Sequential(*model.layers[:4])
    wanted, found = np.zeros((2, 16, 1, 20, 20), np.float32)
    wanted[:, 0, 7:15, 7:15], found[:, 0, 7:15, 7:15] = result["images"], result["patches"]
    diagonal = np.arange(16)
    reached = [part.forward(x)[diagonal, diagonal, 5, 5] for x in (wanted, found)]
    np.testing.assert_allclose(reached[0] / reached[1], result["ratios"], rtol=0.05)


def test_units_that_add_up_in_their_own_order_differ_by_rounding_only():
    rng = np.random.default_rng(0)
    for dtype, digits in ((np.float32, 1e-6), (np.float64, 1e-14)):
        own = initialization.OwnOrder(50, 40, rng, dtype)
        plain, x = Linear(50, 40, rng, dtype=dtype), rng.standard_normal((30, 50)).astype(dtype)
        for mine, theirs in zip(own.parameters(), plain.parameters(), strict=True):
            theirs[...] = mine
        assert [sorted(order) for order in own.orders.tolist()] == [list(range(50))] * 40
        np.testing.assert_allclose(own.forward(x), plain.forward(x), atol=digits * 10)
        grad = rng.standard_normal((30, 40)).astype(dtype)
        np.testing.assert_array_equal(own.backward(grad), plain.backward(grad))
        own.weight[...], same = 0.1, np.ones((1, 50), dtype) * x[0]
        assert 0 < np.ptp(own.forward(same)) < digits * 10  # equal units, up to rounding, but not to the last bit
