"""Labs: as scripts, as pages that weigh what a page should, and as notebooks."""

import json
import runpy
import subprocess
import sys

import pytest

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


@pytest.mark.parametrize("script", LABS, ids=lambda script: script.stem)
def test_the_page_of_a_lab_looks_like_every_other(script, site):
    html = (site / "examples" / script.stem / "index.html").read_text("utf-8")
    assert len(html) < 120_000
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
