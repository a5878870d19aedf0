"""Labs: as scripts, as pages that weigh what a page should, and as notebooks."""

import contextlib
import importlib.util
import io
import json
import re
import runpy
import shutil
import subprocess
import sys

import jupytext
import nbclient
import nbformat
import pytest

from cnnguide import Window
from cnnguide.experiments import sources
from guide import labs
from guide.repository import Repository, installed_from
from tests.conftest import ROOT

LABS = labs.sources(ROOT)


@pytest.mark.parametrize("script", LABS, ids=lambda script: script.stem)
def test_a_lab_runs_as_a_script(lab, script):
    assert lab(script.stem)["printed"]


def test_an_exercise_starts_with_a_wrong_answer(lab):
    """Somebody who runs a lab for the first time is told what is wrong, and not the solution."""
    for name, check, answer in (
        ("filter_your_photo", "check_steepness", "answer"),
        ("filter_your_photo", "check_shift", "my_kernel"),
        ("receptive_field_budget", "check", "mine"),
        ("receptive_field_budget", "check_pair", "answer"),
        ("shape_arithmetic", "check", "answer"),
        ("shape_arithmetic", "check_design", "my_design"),
        ("thirty_layers", "check_fan_in", "answer"),
        ("inside_the_letters_network", "check", "answer"),
    ):
        names = lab(name)
        assert not names[check](names[answer]).startswith("Right"), (name, check)


def test_designs_that_see_the_whole_photo_are_recognised(lab):
    names = lab("shape_arithmetic")
    check, start = names["check_design"], names["mine"][:-1]
    assert check([*start, *[Window(3, padding=1)] * 6]) == "Right: it sees 227 pixels."
    assert check([*start, Window(13, padding=6)]).startswith("Right")
    assert check([*start, *[Window(3, padding=2, dilation=2)] * 3]).startswith("Right")
    assert "It sees 67" in check([*start, Window(3, padding=1)])
    assert check([*start, Window(3)]).startswith("It ends with 11x11. Take more padding")
    assert check([*start, Window(3, padding=2)]).startswith("It ends with 15x15. Take less padding")
    assert check([Window(300)]).startswith("That does not fit")


def test_only_a_fitting_scale_lets_thirty_layers_learn(site):
    page = (site / "examples/thirty_layers/index.html").read_text("utf-8")
    read = {factor: int(share) for factor, share in re.findall(r"([\d.]+) times He: reads (\d+)%", page)}
    assert read["1.0"] > 20 and read["0.5"] < 10 and read["1.5"] < 10


def test_the_check_of_shape_arithmetic_answers_the_typical_mistakes(lab):
    check = lab("shape_arithmetic")["check"]
    assert check(50).startswith("Right")
    assert check(51).startswith("51 is the number of sizes")
    assert "not to a third" in check(33)
    assert check(7).startswith("No: the chain is 101, 99, 97")


@pytest.fixture(scope="module")
def lab():
    """The names that a lab defines when it is run as a script, and as `printed` what it prints; each lab is run once."""
    known: dict[str, dict] = {}

    def run(name):
        if name not in known:
            said = io.StringIO()
            with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
                patch.setenv("MPLBACKEND", "Agg")
                names = runpy.run_path(str(ROOT / f"examples/{name}.py"), run_name="__main__")
            assert "printed" not in names
            known[name] = names | {"printed": said.getvalue()}
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
    monkeypatch.setattr(subprocess, "run", lambda command, check: ran.append(command[1:]))
    exec(first, {})
    assert ran == []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    exec(first, {})
    assert ran == [["-m", "pip", "install", "--quiet", "cnnguide[figures,photos]"]]


LAB = """# %% [markdown]
# # A lab
# %%
print("side", {code})
"""


@pytest.fixture
def own_lab(tmp_path, monkeypatch):
    """A folder with one lab, and a cache of its own."""
    monkeypatch.delenv("CNNGUIDE_CACHE")
    (tmp_path / "examples").mkdir()
    script = tmp_path / "examples/tiny.py"
    script.write_text(LAB.format(code="conv_chain(5)[-1]").replace("print", "from cnnguide import conv_chain\nprint"))
    return script


def test_a_lab_is_executed_once_for_the_same_code(own_lab, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    said: list[str] = []
    (notebook,) = labs.execute_stale(tmp_path, said.append).values()
    assert said == ["labs: executing tiny.py"]
    assert notebook.parent == tmp_path / ".cache/notebooks"
    cell = nbformat.read(notebook, as_version=4).cells[-1]
    assert cell.outputs[0].text == "side 1\n"
    assert list(labs.execute_stale(tmp_path, said.append).values()) == [notebook]
    assert len(said) == 1
    own_lab.write_text(own_lab.read_text("utf-8").replace("# # A lab", "# # The lab"), "utf-8")
    assert labs.notebooks(tmp_path)[own_lab] != notebook  # its text is on the page


def test_a_lab_is_stale_when_what_it_reaches_has_changed(own_lab, tmp_path, monkeypatch):
    """In a copy of the package, of which the lab reaches one function."""
    package = tmp_path / "cnnguide"
    shutil.copytree(ROOT / "cnnguide", package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(labs, "read", lambda: sources.read(package))
    before = labs.notebooks(tmp_path)[own_lab]
    for module, old, new, is_stale in (
        ("letters.py", "_SUPERSAMPLES = 3", "_SUPERSAMPLES = 4", False),
        ("shapes.py", "def conv_chain(", "def conv_chain(*, ", True),
    ):
        text = (package / module).read_text("utf-8")
        assert old in text
        (package / module).write_text(text.replace(old, new), "utf-8")
        assert (labs.notebooks(tmp_path)[own_lab] != before) == is_stale, module


def test_a_lab_that_fails_is_named_and_nothing_is_kept(own_lab, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    own_lab.write_text(LAB.format(code="1 / 0"), "utf-8")
    with pytest.raises(labs.LabError, match=r"the lab tiny\.py failed:\n(?s:.*)ZeroDivisionError: division by zero"):
        labs.execute_stale(tmp_path)
    assert not list(tmp_path.rglob("*.ipynb"))


def test_where_notebooks_cannot_be_kept_the_remedy_is_said_before_any_work(own_lab, tmp_path):
    (tmp_path / ".cache").touch()
    with pytest.raises(labs.LabError, match=r"cannot be written.*executed: tiny\.py; .*CNNGUIDE_CACHE"):
        labs.execute_stale(tmp_path)


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


def test_a_search_finds_each_section_of_a_lab_once(site):
    entries = json.loads((site / "search/search_index.json").read_text("utf-8"))["docs"]
    titles = [entry["title"] for entry in entries if entry["location"].startswith("examples/python101/")]
    assert titles[0] == "Python101: five questions, one notebook" and len(titles) == len(set(titles)) == 6
    assert not any("¶" in entry["title"] for entry in entries)


def test_every_chapter_leads_to_its_lab():
    chapters = "".join(chapter.read_text("utf-8") for chapter in (ROOT / "docs/chapters").glob("*.md"))
    assert all(f"../examples/{lab.name}" in chapters for lab in LABS if lab.stem != "python101")


def test_outputs_are_those_of_this_package(site):
    html = (site / "examples/shape_arithmetic/index.html").read_text("utf-8")
    assert "conv1     55    11     4    5.0" in html  # Araujo et al. (2019)
    assert "51 is the number of sizes. The convolutions are the steps between them: one less." in html


ARCHIVE = "https://github.com/someone/guide/archive/refs/heads/main.zip"


@pytest.mark.parametrize("script", LABS, ids=lambda script: script.stem)
def test_a_lab_can_be_taken_home_and_installs_the_package_from_where_it_lives(script, site):
    folder = site / "examples" / script.stem
    taken = (folder / script.name).read_text("utf-8")
    assert f"] @ {ARCHIVE}" in taken and taken.replace(f" @ {ARCHIVE}", "") == script.read_text("utf-8")
    notebook = nbformat.read(folder / f"{script.stem}.ipynb", as_version=4)
    nbformat.validate(notebook)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert f'wanted = "cnnguide[figures,photos] @ {ARCHIVE}"' in first.source
    assert notebook.metadata.kernelspec.name == "python3"  # without it, Jupyter asks which one to take
    page = (folder / "index.html").read_text("utf-8")
    for name in (f"{script.stem}.ipynb", script.name):
        assert f'<a class="md-button" href="{name}" download>' in page
    assert f"] @ {ARCHIVE}" in page
    assert ">Open in Colab</a>" in page


@pytest.mark.parametrize("script", LABS, ids=lambda script: script.stem)
def test_a_notebook_runs_in_an_empty_folder(script, site, tmp_path):
    notebook = nbformat.read(site / "examples" / script.stem / f"{script.stem}.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert len([output for output in shown if output.output_type == "display_data"]) == script.read_text().count(
        " alt="
    )
    assert not list(tmp_path.iterdir())


def test_the_pictures_of_a_lab_exist_in_both_schemes_and_differ_in_colours_only(site):
    seen = 0
    for page in (site / "examples").glob("*/index.html"):
        images = re.findall(r'<img [^>]*src="(figures/(\d+)-(light|dark)\.svg)#only-\3"', page.read_text("utf-8"))
        for (light, number, first), (dark, other, second) in zip(images[::2], images[1::2], strict=True):
            assert (number, first, second) == (other, "light", "dark")
            without_colours = [re.sub(r"#[0-9a-f]{6}", "", (page.parent / name).read_text()) for name in (light, dark)]
            assert without_colours[0] == without_colours[1]
            seen += 1
    assert seen == sum(script.read_text().count(" alt=") for script in LABS)


def test_downloads_have_the_same_bytes_every_time(tmp_path):
    code = "import sys, pathlib, guide.labs as labs; labs.write_downloads(*map(pathlib.Path, sys.argv[1:]), None)"
    for folder in ("a", "b"):
        subprocess.run([sys.executable, "-c", code, str(ROOT), str(tmp_path / folder)], check=True, cwd=ROOT)
    written = [file for file in (tmp_path / "a").rglob("*") if file.is_file()]
    assert len(written) == 2 * len(LABS)
    for file in written:
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes()


def test_without_a_known_host_pip_asks_its_index():
    wanted = 'pip install "cnnguide[photos]"'
    assert installed_from(None, wanted) == wanted
    assert installed_from(Repository("git.example.org", "someone", "guide"), wanted) == wanted
    gitlab = installed_from(Repository("gitlab.com", "group/team", "guide"), wanted)
    assert (
        gitlab == 'pip install "cnnguide[photos] @ https://gitlab.com/group/team/guide/-/archive/main/guide-main.zip"'
    )


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
    page = labs.render_notebook(CELL, script(' alt="what it shows"'), None)
    assert 'alt="what it shows"' in page.html and "<style>" not in page.html


def test_a_picture_without_an_alt_text_stops_the_build(script):
    with pytest.raises(labs.LabError, match=r"lab.py: an image has no alt text; say what it shows in its cell"):
        labs.render_notebook(CELL, script(""), None)


def test_drawings_become_files_beside_the_page(script):
    pair = "".join(f'<img src="data:image/svg+xml;base64,PHN2Zy8+#only-{scheme}">' for scheme in ("light", "dark"))
    page = labs.render_notebook(CELL.replace('<img src="data:image/png;base64,AA">', pair), script(' alt="a"'), None)
    assert page.pictures == {"figures/1-light.svg": b"<svg/>", "figures/1-dark.svg": b"<svg/>"}
    assert (
        '<img alt="a" src="figures/1-light.svg#only-light"/><img alt="a" src="figures/1-dark.svg#only-dark"/>'
        in page.html
    )


def test_pieces_of_an_output_stand_in_one_box(script):
    printed = '<div class="jp-RenderedText jp-OutputArea-output"><pre>{}</pre></div>'
    pieces = printed.format("first\n") + printed.format("second\n")
    page = labs.render_notebook(
        CELL.replace('<div class="jp-RenderedImage', pieces + '<div class="jp-RenderedImage'), script(' alt="a"'), None
    )
    assert page.html.count("lab-output") == 1 and ">first\nsecond\n</pre>" in page.html


def test_colab_is_offered_where_it_can_read_the_notebook(script):
    lab = script(' alt="a"')
    assert "colab" not in labs.render_notebook(CELL, lab, None).html
    assert "colab" not in labs.render_notebook(CELL, lab, Repository("gitlab.com", "someone", "guide")).html
    on_github = labs.render_notebook(CELL, lab, Repository("github.com", "someone", "guide")).html
    assert "github/someone/guide/blob/gh-pages/examples/lab/lab.ipynb" in on_github
