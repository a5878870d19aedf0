"""The build step: what is drawn anew and what is not, the same bytes on every run, and failures that name the figure."""

import re
import subprocess
import sys
import textwrap

import pytest

from cnnguide.figures import build as building
from cnnguide.figures.__main__ import main
from cnnguide.figures.build import FigureError, build
from cnnguide.figures.registry import DuplicateFigureError, find_figures, standalone
from tests.conftest import ROOT

FIGURE_MODULE = """
from matplotlib.figure import Figure
from cnnguide.figures.registry import figure
from {package}.helper import height

SIDE = 2

@figure
def first(scheme):
    fig = Figure(figsize=(SIDE, SIDE))
    fig.add_subplot().plot([0, height()], color=scheme.blue)
    return fig

@figure
def second(scheme):
    return Figure(figsize=(1, 1))
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of its own with two figures, a helper that one uses, a module that they do not, and a data file."""
    name = f"demo_{tmp_path.name.replace('-', '_')}"
    folder = tmp_path / name
    for file, text in {
        "__init__.py": f"from {name}.helper import height\n",
        "helper.py": "def height():\n    return len(open(__file__[:-9] + 'data/numbers.txt').read()) - 5\n",
        "unrelated.py": "x = 1\n",
        "data/numbers.txt": "1 2 3\n",
        "figures/__init__.py": "",
        "figures/demo.py": FIGURE_MODULE.format(package=name),
    }.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def edit(file, old, new):
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_figures_are_found_without_importing_matplotlib(package):
    code = f"""
        import sys
        from pathlib import Path
        from cnnguide.figures.registry import find_figures
        print(*find_figures(Path({str(package)!r})))
        assert "matplotlib" not in sys.modules
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["first", "second"], done.stderr


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("helper.py", "- 5", "- 4", {"first"}),
        ("data/numbers.txt", "1", "7", {"first"}),
        ("figures/demo.py", "SIDE = 2", "SIDE = 3", {"first"}),
        ("figures/demo.py", "height()]", "2 * height()]", {"first"}),
        ("figures/demo.py", "(1, 1)", "(2, 1)", {"second"}),
        ("unrelated.py", "1", "2", set()),
        ("figures/demo.py", "SIDE = 2", "SIDE = 2  # a comment", set()),
    ],
)
def test_only_what_a_figure_depends_on_redraws_it(package, file, old, new, changed):
    before = find_figures(package)
    edit(package / file, old, new)
    after = find_figures(package)
    assert {name for name in after if before[name].fingerprint != after[name].fingerprint} == changed


def test_a_figure_that_uses_another_by_way_of_a_helper_depends_on_it(package):
    edit(package / "figures/demo.py", "SIDE = 2", "SIDE = 2\n\ndef helper(scheme):\n    return second(scheme)\n")
    edit(package / "figures/demo.py", "return fig\n", "return fig if helper else None\n")
    before = find_figures(package)["first"].fingerprint
    edit(package / "figures/demo.py", "(1, 1)", "(2, 1)")
    assert find_figures(package)["first"].fingerprint != before


def test_the_decorator_may_be_written_with_its_module(package):
    edit(package / "figures/demo.py", "import figure", "import figure\nfrom cnnguide.figures import registry")
    edit(package / "figures/demo.py", "@figure\ndef second", "@registry.figure\ndef second")
    assert list(find_figures(package)) == ["first", "second"]


def test_a_helper_imported_by_its_public_name_counts_too(package):
    name = package.name
    edit(package / "figures/demo.py", f"from {name}.helper import height", f"from {name} import height")
    before = find_figures(package)["first"].fingerprint
    edit(package / "helper.py", "- 5", "- 4")
    assert find_figures(package)["first"].fingerprint != before


def test_nothing_is_drawn_or_written_twice(package, tmp_path):
    entries, folder = find_figures(package), tmp_path / "out"
    assert build(entries, folder) == ["first", "second"]
    times = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    assert len(times) == 5  # two figures in two schemes, and the manifest
    assert build(entries, folder) == []
    assert build(entries, folder, force=True) == ["first", "second"]  # drawn, but the same bytes are not written
    assert {file: file.stat().st_mtime_ns for file in folder.iterdir()} == times


def test_a_picture_that_was_lost_or_changed_is_drawn_again(package, tmp_path):
    entries, folder = find_figures(package), tmp_path / "out"
    build(entries, folder)
    (folder / "first-dark.svg").unlink()
    (folder / "second-light.svg").write_text("something else")
    assert build(entries, folder) == ["first", "second"]
    for broken in ("{ half a manif", '{"x": 5}', "[1, 2]"):
        (folder / building.MANIFEST).write_text(broken)
        assert build(entries, folder) == ["first", "second"]


def test_pictures_of_a_figure_that_failed_and_was_then_removed_do_not_stay(package, tmp_path):
    folder = tmp_path / "out"
    build(find_figures(package), folder)
    edit(package / "figures/demo.py", "fig = Figure(figsize=(SIDE, SIDE))", "1 / 0")
    del sys.modules[f"{package.name}.figures.demo"]  # as in a new process
    with pytest.raises(FigureError):
        build(find_figures(package), folder)
    edit(package / "figures/demo.py", "@figure\ndef first", "def first")
    build(find_figures(package), folder)
    assert not list(folder.glob("first-*"))


def test_pictures_of_removed_figures_are_removed_and_nothing_else(package, tmp_path):
    folder = tmp_path / "out"
    build(find_figures(package), folder)
    (folder / "mine.svg").write_text("not the build's")
    edit(package / "figures/demo.py", "@figure\ndef second", "def second")
    build(find_figures(package), folder)
    assert {file.name for file in folder.iterdir()} == {
        "first-light.svg", "first-dark.svg", "mine.svg", building.MANIFEST,
    }  # fmt: skip


def test_a_failing_figure_is_named_and_the_others_are_drawn(package, tmp_path):
    edit(package / "figures/demo.py", "fig = Figure(figsize=(SIDE, SIDE))", "1 / 0")
    with pytest.raises(FigureError) as caught:
        build(find_figures(package), tmp_path / "out")
    message = str(caught.value)
    assert re.search(r"figure 'first' \(.*/figures/demo.py:\d+, light scheme\) failed: ZeroDivisionError", message)
    assert "1 / 0" in message  # the line, from the traceback
    assert (tmp_path / "out/second-light.svg").is_file()
    assert not (tmp_path / "out/first-light.svg").exists()


def test_two_figures_of_one_name_are_refused(package):
    (package / "figures/other.py").write_text("@figure\ndef first(scheme): ...\n", "utf-8")
    with pytest.raises(DuplicateFigureError, match=r"figure 'first' is defined in .*demo and in .*other"):
        find_figures(package)


def test_progress_is_told_when_it_takes_longer_than_a_moment(package, tmp_path, monkeypatch):
    said: list[str] = []
    build(find_figures(package), tmp_path / "quick", say=said.append)
    monkeypatch.setattr(building, "A_MOMENT", -1)
    build(find_figures(package), tmp_path / "slow", say=said.append)
    assert said[-2:] == ["figures: drawing 1 of 2, first", "figures: drawing 2 of 2, second"]


def test_the_command(tmp_path, capsys):
    assert main(["--list"]) == 0
    names = capsys.readouterr().out.split()
    assert "posts_and_gaps" in names
    assert main(["--into", str(tmp_path), "posts_and_gaps"]) == 0
    assert (tmp_path / "posts_and_gaps-light.svg").is_file()
    with pytest.raises(SystemExit):
        main(["--into", str(tmp_path), "no_such_figure"])
    assert "no figure named no_such_figure; there are" in capsys.readouterr().err


@pytest.mark.timeout(400)  # draws all figures: half a minute where nothing else runs
def test_the_guides_figures_have_the_same_bytes_in_another_process(drawn, tmp_path):
    """Drawn afresh with other hashes and in another time zone, they are those that all builds of this run start from."""
    subprocess.run(
        [sys.executable, "-m", "cnnguide.figures", "--into", str(tmp_path)], check=True, cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo"},
    )  # fmt: skip
    files = sorted(file.name for file in tmp_path.glob("*.svg"))
    assert len(files) == 2 * len(find_figures())
    for name in files:
        assert (tmp_path / name).read_bytes() == (drawn / name).read_bytes(), name


def test_every_figure_is_shown_on_a_page():
    shown = set()
    for page in (ROOT / "docs").rglob("*.md"):
        shown |= set(re.findall(r"figures/(\w+)-light\.svg", page.read_text("utf-8")))
    assert shown == set(find_figures())


def test_light_and_dark_differ_only_in_colour(drawn):
    pictures = list(drawn.glob("*-light.svg"))
    assert len(pictures) == len(find_figures())
    for light in pictures:
        dark = light.with_name(light.name.replace("-light", "-dark"))
        without = [
            re.sub(r"#[0-9a-fA-F]{6}|base64,[^\"]*|#?(?:image|m|p|h)?[0-9a-f]{8,}", "", file.read_text("utf-8"))
            for file in (light, dark)
        ]
        assert without[0] == without[1], light.name
        assert light.read_bytes() != dark.read_bytes() or "disk" in light.name, light.name


@pytest.mark.parametrize("name", find_figures())
def test_the_code_beneath_a_figure_runs_as_it_stands(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = standalone(name)
    exec(compile(code, name, "exec"), {"__name__": "__main__"})
    assert (tmp_path / f"{name}.svg").stat().st_size > 1000


def test_the_code_beneath_a_figure_holds_what_it_needs_and_nothing_else(package):
    code = standalone("first", package)
    assert code.splitlines()[-2:] == ["with use(LIGHT):", '    first(LIGHT).savefig("first.svg")']
    assert "SIDE = 2" in code and "import height" in code
    assert "second" not in code and "@" not in code
    assert "SIDE" not in standalone("second", package)
