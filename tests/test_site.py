"""The built site, read as HTML; and what a build does when something on a page is wrong."""

import itertools
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

import html5lib
import pytest

from tests.conftest import SUB_PATH, copy_project, git, mkdocs

CHAPTERS = ["channels", "kernel_size", "size_chain", "initialization", "training"]


def parse(file):
    return html5lib.parse(file.read_text("utf-8"), namespaceHTMLElements=False)


def text_of(element):
    return " ".join("".join(element.itertext()).split())


def test_the_home_page_gives_the_five_questions_with_answer_picture_and_link(site):
    html = (site / "index.html").read_text("utf-8")
    *sections, more = re.split(r"<h2 ", html)[1:]
    assert len(sections) == 5
    for page in ("examples/python101/", "five_lines/", "play/", "reference/command/"):
        assert f'href="{page}"' in more
    for number, (section, chapter) in enumerate(zip(sections, CHAPTERS, strict=True), start=1):
        assert re.search(rf">{number}\. .*\?", section), number
        assert f'href="chapters/{chapter}/"' in section
        assert "#only-light" in section and "#only-dark" in section
        (answer, *_) = re.findall(r"<p>(?!<img|<a)(.*?)</p>", section, re.DOTALL)
        assert re.sub("<[^>]*>", "", answer).count(". ") == 0, "one sentence"


def test_chapters_follow_each_other_in_the_order_asked(site):
    for before, after in itertools.pairwise(CHAPTERS):
        html = (site / "chapters" / before / "index.html").read_text("utf-8")
        assert f'<link rel="next" href="../{after}/"' in html
        html = (site / "chapters" / after / "index.html").read_text("utf-8")
        assert f'<link rel="prev" href="../{before}/"' in html


def test_links_are_derived_from_the_remote(site):
    chapter = (site / "chapters/size_chain/index.html").read_text("utf-8")
    assert 'href="https://github.com/someone/guide/edit/main/docs/chapters/size_chain.md"' in chapter
    assert f'<link rel="canonical" href="https://someone.github.io/{SUB_PATH}/chapters/size_chain/"' in chapter
    lab = (site / "examples/shape_arithmetic/index.html").read_text("utf-8")
    assert 'href="https://github.com/someone/guide/edit/main/examples/shape_arithmetic.py"' in lab
    assert "colab.research.google.com/github/someone/guide/blob/gh-pages/" in lab


def test_the_repositorys_badge_asks_nobody(site):
    assert 'data-md-component="source"' not in (site / "index.html").read_text("utf-8")
    assert 'class="md-source"' in (site / "index.html").read_text("utf-8")


def test_the_404_page_helps(site):
    tree = parse(site / "404.html")
    links = {link.get("href") for link in tree.find(".//article").iter("a")}
    assert {f"/{SUB_PATH}/chapters/{chapter}/" for chapter in CHAPTERS} <= links
    assert f"/{SUB_PATH}/" in links


def test_the_search_index_has_every_section_and_no_marks(site):
    import json

    index = json.loads((site / "search/search_index.json").read_text("utf-8"))
    entries = {entry["location"]: entry for entry in index["docs"]}
    assert entries["chapters/size_chain/#posts-and-gaps"]["title"] == "Posts and gaps: why 99 and not 100"
    assert "examples/shape_arithmetic/#a-network-you-know" in entries
    for entry in entries.values():
        assert "<!--" not in entry["text"] and "data-proof" not in entry["text"] and "¶" not in entry["title"]


def test_the_whole_chain_is_on_the_page_as_the_assignment_prints_it(site):
    text = text_of(parse(site / "chapters/size_chain/index.html").find(".//article"))
    chain = " > ".join(f"{size}x{size}" for size in range(199, 0, -2))
    assert chain in text
    assert "Number of 3x3 convolutions = 99" in text


def test_no_page_carries_its_proofs_as_comments(site):
    for page in site.rglob("*.html"):
        assert not re.search(r"<!--\s*[=<>]", page.read_text("utf-8")), page


def test_no_account_is_named_in_the_project(project):
    """Addresses come from the remote alone."""
    named = re.compile(r"git(?:hub|lab)\.(?:com|io)[/:](?!\.\.\.)[\w-]+|[\w-]+\.git(?:hub|lab)\.io", re.IGNORECASE)
    for name in git("ls-files", cwd=project).splitlines():
        if name.startswith("tests/") or name.endswith((".woff2", ".npz", "LICENSE_FONTS", "package-lock.json")):
            continue
        text = (project / name).read_text("utf-8")
        for found in named.finditer(text):
            made_up = name == "guide/repository.py" and "someone" in found[0]  # its doctest
            assert made_up, f"{name}: {found[0]}"


# What stops a build


@pytest.fixture(scope="module")
def copy(tmp_path_factory, project):
    """A copy without a remote, with the figures already drawn."""
    return copy_project(tmp_path_factory.mktemp("copy"))


@pytest.fixture
def clean(copy):
    yield copy
    git("checkout", "--quiet", ".", cwd=copy)
    git("clean", "--quiet", "-d", "--force", cwd=copy)


def test_without_a_remote_nothing_points_to_a_repository(clean):
    mkdocs("build", cwd=clean)
    for page in (clean / "site").rglob("*.html"):
        html = page.read_text("utf-8")
        for trace in ("colab", "github.com/", "md-source", "/edit/", 'rel="canonical"'):
            assert trace not in html.replace("https://squidfunk.github.io/", ""), (page, trace)


PAGE = "docs/chapters/training.md"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("\n\nThere are 12 of them.\n", r"training.md:\d+: the number 12 has no expression"),
        (
            "\n\nThere are 12<!-- = len('abc') -->.\n",
            r"training.md:\d+: the page says 12 = len\('abc'\), which gives 3",
        ),
        ("\n\nThere are 12<!-- = 12 -->.\n", r"training.md:\d+: '12' is typed in, not computed"),
        ("\n\n```py\nx\n```\n", r"training.md:\d+: unknown fence 'py'"),
        ("\n\n```python\n1 / 0\n```\n", r"training.md:\d+: the code raises ZeroDivisionError"),
        ("\n\n[a](gone.md)\n", r"contains a link 'gone.md', but the target"),
        ("\n\n[a](size_chain.md#gone)\n", r"does not contain an anchor '#gone'"),
        ("\n\n![a figure](../figures/no_such_figure-light.svg)\n", r"no_such_figure-light.svg"),
        ("\n\n![](../figures/steps_downhill-light.svg)\n", r"has no alt text; say in its square brackets"),
        ("\n\n$\\undefinedcommand$\n", r"the formula '\\\\undefinedcommand' cannot be converted"),
        ('\n\n<img src="https://x.example/a.svg" alt="a">\n', r"is asked from another host"),
        ("\n\n# A second title\n", r"has 2 h1 headings"),
        ('\n\n```python\n--8<-- "cnnguide/shapes.py:gone"\n```\n', r"gone"),
    ],
)
def test_a_page_that_is_wrong_stops_the_build(clean, change, message):
    with (clean / PAGE).open("a", encoding="utf-8") as page:
        page.write(change)
    done = mkdocs("build", cwd=clean, ok=False)
    assert re.search(message, done.stdout + done.stderr), done.stdout + done.stderr


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
        for _ in range(120):
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
        for _ in range(120):  # the numbers of the page no longer hold, and the build says so
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
