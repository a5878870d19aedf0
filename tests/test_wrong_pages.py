"""What a build of a small guide does when something in it is wrong, when nothing changed, and while somebody writes."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from guide import page_parser, verified_numbers
from tests.conftest import git, mkdocs

PAGE = "docs/chapters/training.md"


@pytest.fixture(scope="module")
def copy(tmp_path_factory, small_guide):
    return small_guide(tmp_path_factory.mktemp("copy"))


@pytest.fixture
def clean(copy):
    yield copy
    git("checkout", "--quiet", ".", cwd=copy)
    git("clean", "--quiet", "-d", "--force", cwd=copy)


def write(folder, *parts):
    with (folder / PAGE).open("a", encoding="utf-8") as page:
        page.write("".join(parts))


WARNINGS = {
    "\n\n[a](gone.md)\n": r"contains a link 'gone.md', but the target",
    "\n\n[a](../index.md#gone)\n": r"does not contain an anchor '#gone'",
    "\n\n![a figure](../figures/no_such_figure-light.svg)\n": r"no_such_figure-light.svg",
    '\n\n<img src="https://x.example/a.svg" alt="a">\n': r"is asked from another host",
    "\n\n# A second title\n": r"has 2 h1 headings",
}


def test_a_build_names_all_that_it_warns_of_and_fails(clean):
    write(clean, *WARNINGS)
    done = mkdocs("build", cwd=clean, ok=False)
    warned = re.findall(r"^WARNING +-.*(?:\n .*)*", done.stdout + done.stderr, re.MULTILINE)
    for message in WARNINGS.values():
        assert any(re.search(message, one) for one in warned), (message, done.stderr)
    assert f"Aborted with {len(warned)} warnings in strict mode" in done.stdout + done.stderr  # each of them counts


STOPS = [
    ("\n\nThere are 12 of them.\n", r"training.md:\d+: the number 12 has no expression"),
    ("\n\nThere are 12<!-- = len('abc') -->.\n", r"training.md:\d+: the page says 12 = len\('abc'\), which gives 3"),
    ("\n\nThere are 12<!-- = 12 -->.\n", r"training.md:\d+: '12' is typed in, not computed"),
    ("\n\n```py\nx\n```\n", r"training.md:\d+: unknown fence 'py'"),
    ("\n\n```python\n1 / 0\n```\n", r"training.md:\d+: the code raises ZeroDivisionError"),
]


@pytest.mark.parametrize(("change", "message"), STOPS)
def test_what_a_page_claims_wrongly_is_named(clean, change, message):
    write(clean, change)
    with pytest.raises(page_parser.PageError, match=message):
        verified_numbers.write_page(clean / "docs")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        STOPS[1],  # as every PageError
        ("\n\n![](../figures/steps_downhill-light.svg)\n", r"has no alt text; say in its square brackets"),
        ("\n\n$\\undefinedcommand$\n", r"the formula '\\\\undefinedcommand' cannot be converted"),
        ('\n\n```python\n--8<-- "cnnguide/shapes.py:gone"\n```\n', r"gone"),
    ],
)
def test_a_page_that_is_wrong_stops_the_build(clean, change, message):
    write(clean, change)
    done = mkdocs("build", cwd=clean, ok=False)
    assert re.search(message, done.stdout + done.stderr), done.stdout + done.stderr


def test_a_build_from_another_folder_finds_what_it_needs(clean, tmp_path):
    mkdocs("build", "--config-file", clean / "mkdocs.yml", cwd=tmp_path, PYTHONPATH=str(clean))
    assert (clean / "site/index.html").is_file()


def test_a_figure_that_fails_stops_the_build_by_name(clean):
    module = clean / "cnnguide/figures/training.py"
    module.write_text(module.read_text("utf-8").replace("x, optimizer =", "1 / 0\n        x, optimizer ="), "utf-8")
    done = mkdocs("build", cwd=clean, ok=False)
    assert "figure 'steps_downhill' (cnnguide/figures/training.py:" in done.stderr
    assert "ZeroDivisionError" in done.stderr


def test_a_lab_that_fails_stops_the_build(clean):
    with (clean / "examples/shape_arithmetic.py").open("a", encoding="utf-8") as lab:
        lab.write("\n# %%\n1 / 0\n")
    done = mkdocs("build", cwd=clean, ok=False)
    assert "the lab shape_arithmetic.py failed:" in done.stderr and "ZeroDivisionError" in done.stderr


def test_building_twice_changes_nothing(clean):
    """What the build writes below docs/ it writes once, or `mkdocs serve` would rebuild for ever."""
    mkdocs("build", cwd=clean)
    before = {file: file.stat().st_mtime_ns for file in (clean / "docs").rglob("*") if file.is_file()}
    mkdocs("build", cwd=clean)
    assert {file: file.stat().st_mtime_ns for file in (clean / "docs").rglob("*") if file.is_file()} == before


@pytest.mark.timeout(300)  # waits for three builds of a server, and then whether it rests
def test_serving_reloads_what_changed_and_then_rests(clean):
    """An edit of a page and an edit of the package both arrive; and the build does not wake itself for ever."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = clean.parent / "serve.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "mkdocs", "serve", "--dev-addr", f"127.0.0.1:{port}"],
            cwd=clean, stdout=out, stderr=out, env=os.environ | {"PYTHONPATH": str(clean), "NO_MKDOCS_2_WARNING": "1"},
        )  # fmt: skip
    builds = lambda: log.read_text().count("Building documentation")  # noqa: E731

    def wait_for(text: str) -> None:
        for _ in range(240):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/chapters/training/") as page:
                    if text in page.read().decode():
                        return
            except OSError:
                pass
            time.sleep(0.5)
        pytest.fail(f"{text!r} did not arrive\n{log.read_text()}")

    try:
        wait_for("livereload")
        assert f"http://127.0.0.1:{port}/" in log.read_text()  # the address is printed
        with (clean / PAGE).open("a", encoding="utf-8") as page:
            page.write("\nA new sentence.\n")
        wait_for("A new sentence.")
        module = clean / "cnnguide/receptive_field.py"  # which no experiment depends on: those take a minute
        module.write_text(
            module.read_text("utf-8").replace("ReceptiveField(size=1,", "ReceptiveField(size=2,"), "utf-8"
        )
        for _ in range(240):  # the numbers of the page no longer hold, and the build says so
            if "the page says 1 = receptive_field([]).size" in log.read_text():
                break
            time.sleep(0.5)
        else:
            pytest.fail(log.read_text())
        git("checkout", "--quiet", "cnnguide/receptive_field.py", cwd=clean)
        time.sleep(8)
        settled = builds()
        time.sleep(5)
        assert builds() == settled < 8, log.read_text()
    finally:
        server.terminate()
        server.wait(timeout=20)
