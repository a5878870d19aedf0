"""Deploys of a small guide, after its first: what goes out, and above all what does not."""

import os
import shutil
import stat
import sys
from pathlib import Path

import pytest

from tests.conftest import git, mkdocs
from tests.deploying import clone, host, published, tip


@pytest.fixture(scope="module")
def origin(tmp_path_factory, small_guide) -> Path:
    """A bare repository with the small guide on `main`, published once."""
    bare = host(small_guide(tmp_path_factory.mktemp("source")), tmp_path_factory.mktemp("hosted"))
    mkdocs("gh-deploy", cwd=clone(bare, tmp_path_factory.mktemp("fresh") / "guide"))
    return bare


def edit(folder: Path, text: str, commit: bool) -> None:
    with (folder / "docs/index.md").open("a", encoding="utf-8") as page:
        page.write(text)
    if commit:
        git("commit", "--all", "--quiet", "--message", "An edit", cwd=folder)


def test_a_shallow_clone_publishes_on_top_of_what_is_there(origin, tmp_path):
    before = tip(origin)
    folder = clone(origin, tmp_path / "shallow", "--depth=1")
    assert git("rev-parse", "--is-shallow-repository", cwd=folder) == "true"
    edit(folder, "\nA sentence from the shallow clone.\n", commit=True)
    mkdocs("gh-deploy", cwd=folder)
    assert b"A sentence from the shallow clone." in published(origin, tmp_path)["index.html"]
    assert git("rev-parse", "gh-pages~1", cwd=origin) == before


def test_a_full_clone_stays_full(origin, tmp_path):
    folder = clone(origin, tmp_path / "full")
    mkdocs("gh-deploy", cwd=folder)
    assert git("rev-parse", "--is-shallow-repository", cwd=folder) == "false"


def test_a_strict_warning_publishes_nothing(origin, tmp_path):
    before = tip(origin)
    folder = clone(origin, tmp_path / "warning")
    edit(folder, "\n[a broken link](gone.md)\n", commit=True)
    done = mkdocs("gh-deploy", cwd=folder, ok=False)
    assert "gone.md" in done.stderr and "strict mode" in done.stdout + done.stderr
    assert tip(origin) == before


def test_a_wrong_number_publishes_nothing(origin, tmp_path):
    before = tip(origin)
    folder = clone(origin, tmp_path / "number")
    edit(folder, "\nIt takes 98<!-- = len(conv_chain(199)) - 1 --> of them.\n", commit=True)
    done = mkdocs("gh-deploy", cwd=folder, ok=False)
    assert "the page says 98 = len(conv_chain(199)) - 1, which gives 99" in done.stderr
    assert tip(origin) == before


def test_uncommitted_changes_are_named_and_go_out_only_on_request(origin, tmp_path):
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


def test_a_file_that_git_ignores_does_not_slip_out(origin, tmp_path):
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
def test_a_deploy_that_dies_half_way_leaves_the_old_site_whole(origin, tmp_path, dies_at):
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
