"""`mkdocs gh-deploy` of the whole guide from a fresh clone into a local bare repository: what goes out."""

from pathlib import Path

import pytest

from tests.conftest import commit_all, copy_project, git, mkdocs
from tests.deploying import clone, host, published


@pytest.fixture(scope="module")
def origin(tmp_path_factory, drawn) -> Path:
    """A bare repository with the project on `main`."""
    return host(commit_all(copy_project(tmp_path_factory.mktemp("source"), drawn)), tmp_path_factory.mktemp("hosted"))


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


def test_without_a_remote_on_the_web_nothing_points_to_a_repository(first):
    """The clone's remote is a folder."""
    for page in (first / "site").rglob("*.html"):
        html = page.read_text("utf-8")
        for trace in ("colab", "github.com/", "md-source", "/edit/", 'rel="canonical"'):
            assert trace not in html.replace("https://squidfunk.github.io/", ""), (page, trace)
