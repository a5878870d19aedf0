"""`mkdocs gh-deploy` into a local bare repository: what goes out, and above all what does not."""

import os
import shutil
import stat
import sys
import tarfile
from pathlib import Path

import pytest

from tests.conftest import copy_project, git, mkdocs


@pytest.fixture(scope="module")
def origin(tmp_path_factory) -> Path:
    """A bare repository with the project on `main`, as a host would keep it."""
    source = copy_project(tmp_path_factory.mktemp("source"))
    bare = tmp_path_factory.mktemp("hosted") / "guide.git"
    git("clone", "--quiet", "--bare", str(source), str(bare), cwd=source)
    return bare


def clone(origin: Path, target: Path, *options: str) -> Path:
    git("clone", "--quiet", *options, origin.as_uri(), str(target), cwd=target.parent)
    git("config", "user.name", "A maintainer", cwd=target)
    git("config", "user.email", "maintainer@example.org", cwd=target)
    return target


def published(origin: Path, folder: Path) -> dict[str, bytes]:
    """The files of the branch gh-pages, read back from the host."""
    archive = folder / "pages.tar"
    git("archive", "--output", str(archive), "gh-pages", cwd=origin)
    with tarfile.open(archive) as files:
        return {m.name: files.extractfile(m).read() for m in files.getmembers() if m.isfile()}


def tip(origin: Path) -> str:
    return git("rev-parse", "gh-pages", cwd=origin)


@pytest.fixture(scope="module")
def first(origin, tmp_path_factory) -> Path:
    """A fresh clone from which the guide was published once."""
    folder = clone(origin, tmp_path_factory.mktemp("fresh") / "guide")
    mkdocs("gh-deploy", cwd=folder)
    return folder


def test_a_fresh_clone_publishes_the_whole_guide(origin, first, tmp_path):
    files = published(origin, tmp_path)
    assert {".nojekyll", "index.html", "404.html", "search/search_index.json", "sitemap.xml"} <= set(files)
    for chapter in ("channels", "kernel_size", "size_chain", "initialization", "training"):
        assert b"Short answer." in files[f"chapters/{chapter}/index.html"]
    assert {"figures/chain_of_sizes-light.svg", "figures/chain_of_sizes-dark.svg"} <= set(files)
    assert b"pool5      6   195    32" in files["examples/shape_arithmetic/index.html"]  # the lab was executed
    assert {f"examples/python101/figures/1-{scheme}.svg" for scheme in ("light", "dark")} <= set(files)
    assert {"examples/shape_arithmetic/shape_arithmetic.ipynb", "examples/shape_arithmetic/shape_arithmetic.py"} <= set(
        files
    )
    assert b"chapters/size_chain/#proof-1" in files["reference/verified_numbers/index.html"]
    assert "fonts/latin-modern-math-subset.woff2" in files


def test_what_is_published_is_what_was_built(origin, first, tmp_path):
    built = {
        f.relative_to(first / "site").as_posix(): f.read_bytes() for f in (first / "site").rglob("*") if f.is_file()
    }
    files = published(origin, tmp_path)
    files.pop(".nojekyll")
    assert files == built


def test_nothing_generated_is_left_for_git_to_see(first):
    assert git("status", "--porcelain", cwd=first) == ""


def edit(folder: Path, text: str, commit: bool) -> None:
    with (folder / "docs/index.md").open("a", encoding="utf-8") as page:
        page.write(text)
    if commit:
        git("commit", "--all", "--quiet", "--message", "An edit", cwd=folder)


def test_a_shallow_clone_publishes_on_top_of_what_is_there(origin, first, tmp_path):
    before = tip(origin)
    folder = clone(origin, tmp_path / "shallow", "--depth=1")
    assert git("rev-parse", "--is-shallow-repository", cwd=folder) == "true"
    edit(folder, "\nA sentence from the shallow clone.\n", commit=True)
    mkdocs("gh-deploy", cwd=folder)
    assert b"A sentence from the shallow clone." in published(origin, tmp_path)["index.html"]
    assert git("rev-parse", "gh-pages~1", cwd=origin) == before


def test_a_full_clone_stays_full(origin, first, tmp_path):
    folder = clone(origin, tmp_path / "full")
    mkdocs("gh-deploy", cwd=folder)
    assert git("rev-parse", "--is-shallow-repository", cwd=folder) == "false"


def test_a_strict_warning_publishes_nothing(origin, first, tmp_path):
    before = tip(origin)
    folder = clone(origin, tmp_path / "warning")
    edit(folder, "\n[a broken link](gone.md)\n", commit=True)
    done = mkdocs("gh-deploy", cwd=folder, ok=False)
    assert "gone.md" in done.stderr and "strict mode" in done.stdout + done.stderr
    assert tip(origin) == before


def test_a_wrong_number_publishes_nothing(origin, first, tmp_path):
    before = tip(origin)
    folder = clone(origin, tmp_path / "number")
    edit(folder, "\nIt takes 98<!-- = len(conv_chain(199)) - 1 --> of them.\n", commit=True)
    done = mkdocs("gh-deploy", cwd=folder, ok=False)
    assert "the page says 98 = len(conv_chain(199)) - 1, which gives 99" in done.stderr
    assert tip(origin) == before


def test_uncommitted_changes_are_named_and_go_out_only_on_request(origin, first, tmp_path):
    before = tip(origin)
    folder = clone(origin, tmp_path / "dirty")
    edit(folder, "\nNot committed.\n", commit=False)
    (folder / "examples/notes.txt").write_text("not known to git")
    done = mkdocs("gh-deploy", cwd=folder, ok=False)
    assert "not committed" in done.stderr
    assert "docs/index.md, examples/notes.txt" in done.stderr
    assert tip(origin) == before
    done = mkdocs("gh-deploy", "--no-strict", cwd=folder)
    assert "docs/index.md, examples/notes.txt" in done.stderr
    assert b"Not committed." in published(origin, tmp_path)["index.html"]


def test_a_file_that_git_ignores_does_not_slip_out(origin, first, tmp_path):
    before = tip(origin)
    folder = clone(origin, tmp_path / "stray")
    (folder / "docs/figures").mkdir(exist_ok=True)
    (folder / "docs/figures/stray.txt").write_text("left here by somebody")
    done = mkdocs("gh-deploy", cwd=folder, ok=False)
    assert "Git ignores these files, but they would be published: docs/figures/stray.txt" in done.stderr
    assert tip(origin) == before


def test_building_does_not_ask_for_a_clean_tree(origin, tmp_path):
    folder = clone(origin, tmp_path / "dirty")
    edit(folder, "\nWork in progress.\n", commit=False)
    mkdocs("build", cwd=folder)


@pytest.mark.skipif(sys.platform == "win32", reason="the git that dies is a shell script")
@pytest.mark.parametrize("dies_at", ["fast-import", "push"])
def test_a_deploy_that_dies_half_way_leaves_the_old_site_whole(origin, first, tmp_path, dies_at):
    """A git that is killed in the middle of its work stands for a lost connection or a full disk."""
    before, old_files = tip(origin), published(origin, tmp_path)
    folder = clone(origin, tmp_path / "dying")
    edit(folder, f"\nPublished after dying at {dies_at}.\n", commit=True)
    tools = tmp_path / "tools"
    tools.mkdir()
    fake = tools / "git"
    real = shutil.which("git")
    fake.write_text(
        f'#!/bin/sh\nfor word in "$@"; do [ "$word" = {dies_at} ] && {{ head -c 200 >/dev/null; kill -9 $$; }}; done\n'
        f'exec {real} "$@"\n'
    )
    fake.chmod(fake.stat().st_mode | stat.S_IEXEC)
    mkdocs("gh-deploy", cwd=folder, ok=False, PATH=f"{tools}:{os.environ['PATH']}")
    assert tip(origin) == before
    assert published(origin, tmp_path) == old_files
    git("fsck", "--strict", cwd=origin)

    mkdocs("gh-deploy", cwd=folder)  # and the next one goes through
    assert f"Published after dying at {dies_at}.".encode() in published(origin, tmp_path)["index.html"]
