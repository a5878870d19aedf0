"""Experiments: kept until their code changes, the same whether run or recalled, and failures that name them."""

import json
import os
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
from cnnguide.experiments import __main__ as command
from cnnguide.experiments import channels, initialization, store, training
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
