"""Labs: as scripts, as pages that weigh what a page should, and as notebooks."""

import importlib.util
import json
import re
import runpy
import subprocess
import sys

import jupytext
import pytest

from cnnguide import Window
from cnnguide.site import labs
from cnnguide.site.repository import Repository
from tests.conftest import ROOT

LABS = labs.sources(ROOT)


@pytest.mark.parametrize("script", LABS, ids=lambda script: script.stem)
def test_a_lab_runs_as_a_script(script, monkeypatch, capsys):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    runpy.run_path(str(script), run_name="__main__")
    assert capsys.readouterr().out


def test_the_check_of_shape_arithmetic_answers_the_typical_mistakes(monkeypatch):
    check = runpy.run_path(str(ROOT / "examples/shape_arithmetic.py"))["check"]
    assert check(50).startswith("Right")
    assert check(51).startswith("51 is the number of sizes")
    assert "not to a third" in check(33)
    assert check(7).startswith("No: the chain is 101, 99, 97")


@pytest.fixture(scope="module")
def lab():
    """The names that a lab defines, each lab run once."""
    known: dict[str, dict] = {}

    def run(name):
        if name not in known:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("MPLBACKEND", "Agg")
                known[name] = runpy.run_path(str(ROOT / f"examples/{name}.py"))
        return known[name]

    return run


@pytest.mark.parametrize(
    ("name", "check", "answer", "reply"),
    [
        ("filter_your_photo", "check_steepness", 40, "Right"),
        ("filter_your_photo", "check_steepness", 5, "the change per pixel"),
        ("filter_your_photo", "check_steepness", 56, "do not add up"),
        ("filter_your_photo", "check_steepness", 24, "one direction only"),
        ("filter_your_photo", "check_steepness", 7, "No. Sobel-X answers 32, Sobel-Y answers 24"),
        ("filter_your_photo", "check_shift", [[0, 0, 0], [1, 0, 0], [0, 0, 0]], "Right"),
        ("filter_your_photo", "check_shift", [[0, 0, 0], [0, 0, 1], [0, 0, 0]], "moves to the left"),
        ("filter_your_photo", "check_shift", [[0, 0, 0], [0, 1, 0], [0, 0, 0]], "stays where it is"),
        ("filter_your_photo", "check_shift", [[0, 1, 0], [0, 0, 0], [0, 0, 0]], "up or down"),
        ("filter_your_photo", "check_shift", [[1, 1, 1], [1, 1, 1], [1, 1, 1]], "not just moved"),
        ("receptive_field_budget", "check_pair", 73_728, "Right"),
        ("receptive_field_budget", "check_pair", 18, "single channel"),
        ("receptive_field_budget", "check_pair", 1152, "multiply by both"),
        ("receptive_field_budget", "check_pair", 36_864, "one layer"),
        ("receptive_field_budget", "check_pair", 73_856, "biases"),
        ("receptive_field_budget", "check_pair", 1, "No."),
        ("thirty_layers", "check", 0.1, "Right: the root of two over fan-in, and the signal survives"),
        ("thirty_layers", "check", 0.01, "That is the variance; the signal vanishes"),
        ("thirty_layers", "check", 0.0707, "That is for tanh"),
        ("thirty_layers", "check", 1 / 30, "number of layers"),
        ("thirty_layers", "check", 1.0, "With 1.0, the signal explodes"),
        ("thirty_layers", "check_fan_in", 576, "Right"),
        ("thirty_layers", "check_fan_in", 1152, "fan-out"),
        ("thirty_layers", "check_fan_in", 64, "nine places"),
        ("thirty_layers", "check_fan_in", 9, "one channel"),
        ("thirty_layers", "check_fan_in", 1, "No."),
        ("inside_the_letters_network", "check", 82, "Right"),
        ("inside_the_letters_network", "check", 81, "one more batch"),
        ("inside_the_letters_network", "check", 2600, "one step per image"),
        ("inside_the_letters_network", "check", 1, "one step per epoch"),
        ("inside_the_letters_network", "check", 328, "all four epochs"),
        ("inside_the_letters_network", "check", 5, "No."),
    ],
)
def test_an_exercise_answers_the_typical_mistakes(lab, name, check, answer, reply):
    assert reply in lab(name)[check](answer)


def test_designs_on_a_budget_are_judged(lab):
    check = lab("receptive_field_budget")["check"]
    assert check([Window(3, dilation=d) for d in (1, 2, 4, 8)]).startswith("Right: it sees 31")
    assert "3 pixels apart" in check([Window(3, stride=3)] * 1 + [Window(31)])
    assert "Kernels do not add up" in check([Window(3)] * 14)
    assert "too few" in check([Window(5)] * 3)
    assert "skips 28 of those" in check([Window(3, dilation=15)])
    assert "more than 200,000" in check([Window(3)] * 15)


def test_the_first_cell_of_python101_installs_what_is_missing_and_else_nothing(monkeypatch):
    first = jupytext.read(ROOT / "examples/python101.py").cells[1].source
    ran = []
    monkeypatch.setattr(subprocess, "run", lambda command, check: ran.append(command[-1]))
    exec(first, {})
    assert ran == []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    exec(first, {})
    assert ran == ["cnnguide", "matplotlib"]


def test_python101_answers_the_questions_in_their_order():
    text = (ROOT / "examples/python101.py").read_text("utf-8")
    asked = re.findall(r"^# ## (.*\?)$", text, re.MULTILINE)
    home = (ROOT / "docs/index.md").read_text("utf-8")
    assert asked == re.findall(r"^## \d\. (.*?\?)", home, re.MULTILINE)


@pytest.mark.parametrize("script", LABS, ids=lambda script: script.stem)
def test_the_page_of_a_lab_looks_like_every_other(script, site):
    html = (site / "examples" / script.stem / "index.html").read_text("utf-8")
    assert len(re.sub(r"base64,[^\"]*", "", html)) < 120_000  # without its pictures
    for foreign in ("jp-", "cdnjs", "mathjax", "MathJax", "clipboard-copy", "anchor-link", "In [", "¶</a></h1>¶"):
        assert foreign not in html, foreign
    assert '<div class="language-python highlight"><pre><code>' in html
    assert '<div class="lab-output">' in html
    assert '<a class="headerlink"' in html


def test_outputs_are_those_of_this_package(site):
    html = (site / "examples/shape_arithmetic/index.html").read_text("utf-8")
    assert "conv1    size  55   sees  11   jump  4   starts at  5.0" in html
    assert "Right: each convolution takes one pixel from each side." in html


@pytest.mark.parametrize("script", LABS, ids=lambda script: script.stem)
def test_a_lab_can_be_taken_home(script, site):
    folder = site / "examples" / script.stem
    assert (folder / script.name).read_bytes() == script.read_bytes()
    notebook = json.loads((folder / f"{script.stem}.ipynb").read_text("utf-8"))
    assert {cell["cell_type"] for cell in notebook["cells"]} == {"code", "markdown"}
    page = (folder / "index.html").read_text("utf-8")
    assert f'<a href="{script.stem}.ipynb" download>' in page and f'<a href="{script.stem}.py" download>' in page


def test_notebooks_have_the_same_bytes_every_time(tmp_path):
    code = "import sys, pathlib, cnnguide.site.labs as labs; labs.write_notebooks(*map(pathlib.Path, sys.argv[1:]))"
    for folder in ("a", "b"):
        subprocess.run([sys.executable, "-c", code, str(ROOT), str(tmp_path / folder)], check=True, cwd=ROOT)
    for notebook in (tmp_path / "a").rglob("*.ipynb"):
        assert notebook.read_bytes() == (tmp_path / "b" / notebook.relative_to(tmp_path / "a")).read_bytes()


CELL = """<style>body {{}}</style><div class="jp-Cell" id="cell-id=1"><div class="jp-RenderedHTMLCommon jp-MarkdownOutput">
<h1 id="t">T<a class="anchor-link" href="#t">¶</a></h1></div></div>
<div class="jp-Cell jp-CodeCell" id="cell-id=2"><div class="highlight-ipynb"><pre><span></span>x</pre></div>
<div class="jp-RenderedImage jp-OutputArea-output"><img src="data:image/png;base64,AA"></div></div>"""


@pytest.fixture
def script(tmp_path):
    def write(alt):
        file = tmp_path / "lab.py"
        file.write_text(f"# %% [markdown]\n# # T\n\n# %%{alt}\nx\n", "utf-8")
        return file

    return write


def test_the_alt_text_of_a_cells_picture_comes_from_the_script(script):
    html = labs.tidy(CELL, script(' alt="what it shows"'), None)
    assert 'alt="what it shows"' in html and "<style>" not in html


def test_a_picture_without_an_alt_text_stops_the_build(script):
    with pytest.raises(labs.LabError, match=r"lab.py: an image has no alt text; say what it shows in its cell"):
        labs.tidy(CELL, script(""), None)


def test_colab_is_offered_where_it_can_read_the_notebook(script):
    lab = script(' alt="a"')
    assert "colab" not in labs.tidy(CELL, lab, None)
    assert "colab" not in labs.tidy(CELL, lab, Repository("gitlab.com", "someone", "guide"))
    assert "github/someone/guide/blob/gh-pages/examples/lab/lab.ipynb" in labs.tidy(
        CELL, lab, Repository("github.com", "someone", "guide")
    )
