"""Addresses derived from the git remote, in every form that hosts give out; none where there is none."""

import pytest

from guide import repository
from guide.build import own_domain
from guide.repository import Repository
from tests.conftest import git


@pytest.mark.parametrize(
    "remote",
    [
        "https://github.com/someone/guide.git",
        "https://github.com/someone/guide",
        "https://github.com/someone/guide/",
        "https://name:token@github.com/someone/guide.git",
        "git@github.com:someone/guide.git",
        "ssh://git@github.com/someone/guide.git",
        "ssh://git@github.com:22/someone/guide.git",
        "git://github.com/someone/guide.git",
        "git@github.com-work:someone/guide.git",
        "ssh://git@ssh.github.com:443/someone/guide.git",
        "https://www.github.com/someone/guide",
        "https://GitHub.com/someone/guide",
        "github.com:someone/guide.git",
        "git+ssh://git@github.com/someone/guide.git",
        "SSH://git@github.com/someone/guide.git",
        "git+https://github.com/someone/guide",
    ],
)
def test_a_github_remote_in_any_form(remote):
    found = Repository.from_remote(remote, "main")
    assert found == Repository("github.com", "someone", "guide", "main")
    assert found.url == "https://github.com/someone/guide"
    assert found.edit_uri == "edit/main/docs/"
    assert found.pages_url == "https://someone.github.io/guide/"
    assert found.source_url("docs/index.md", 7) == "https://github.com/someone/guide/blob/main/docs/index.md#L7"
    assert found.colab_url("examples/a/a.ipynb") == (
        "https://colab.research.google.com/github/someone/guide/blob/gh-pages/examples/a/a.ipynb"
    )


def test_a_token_in_a_remote_is_never_shown():
    found = Repository.from_remote("https://name:secret@github.com/someone/guide.git")
    assert "secret" not in f"{found} {found.url} {found.pages_url} {found.source_url('a')}"


def test_gitlab_with_subgroups():
    found = Repository.from_remote("git@gitlab.com:group/team/guide.git", "trunk")
    assert found.edit_uri == "-/edit/trunk/docs/"
    assert found.pages_url == "https://group.gitlab.io/team/guide/"
    assert found.source_url("docs/a.md", 3) == "https://gitlab.com/group/team/guide/-/blob/trunk/docs/a.md#L3"
    assert found.colab_url("a.ipynb") is None


def test_the_site_of_an_account_is_served_at_its_root():
    assert (
        Repository.from_remote("https://github.com/Someone/someone.github.io").pages_url == "https://someone.github.io/"
    )


def test_other_hosts_are_linked_but_nothing_is_guessed():
    found = Repository.from_remote("https://code.example.org/someone/guide.git")
    assert found.url == "https://code.example.org/someone/guide"
    assert (found.edit_uri, found.pages_url, found.colab_url("a"), found.source_url("a")) == (None, None, None, None)
    assert Repository.from_remote("https://code.example.org:8443/a/b").url == "https://code.example.org:8443/a/b"


@pytest.mark.parametrize(
    "remote",
    [
        "/srv/git/guide.git",
        "../guide",
        "file:///srv/guide.git",
        "C:\\git\\guide",
        "",
        "x",
        "git@host.org:/srv/guide.git",
    ],
)
def test_a_path_is_no_host(remote):
    assert Repository.from_remote(remote) is None


@pytest.fixture
def checkout(tmp_path):
    git("init", "--quiet", "--initial-branch=trunk", cwd=tmp_path)
    git("config", "user.name", "A", cwd=tmp_path)
    git("config", "user.email", "a@example.org", cwd=tmp_path)
    (tmp_path / "a.txt").write_text("a")
    git("add", "--all", cwd=tmp_path)
    git("commit", "--quiet", "-m", "a", cwd=tmp_path)
    return tmp_path


def test_a_checkout_without_a_remote_has_no_repository(checkout, tmp_path_factory):
    assert repository.find(checkout) is None
    assert repository.find(tmp_path_factory.mktemp("no git")) is None


def test_the_branch_is_the_remotes_default_or_the_checked_out_one(checkout):
    git("remote", "add", "origin", "git@github.com:someone/guide.git", cwd=checkout)
    assert repository.find(checkout).branch == "trunk"
    git("update-ref", "refs/remotes/origin/stable", "HEAD", cwd=checkout)
    git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/stable", cwd=checkout)
    assert repository.find(checkout).branch == "stable"


def test_another_remote_is_found_by_its_name(checkout):
    git("remote", "add", "origin", "git@github.com:upstream/guide.git", cwd=checkout)
    git("remote", "add", "fork", "git@github.com:someone/guide.git", cwd=checkout)
    assert repository.find(checkout, "fork").owner == "someone"


def test_without_git_nothing_is_called_clean(tmp_path_factory):
    with pytest.raises(repository.GitError, match="not a git repository"):
        repository.uncommitted_changes(tmp_path_factory.mktemp("no git"))


def test_names_are_listed_as_they_are(checkout):
    (checkout / "ein Bär.txt").write_text("x")
    git("mv", "a.txt", "b.txt", cwd=checkout)
    assert sorted(repository.uncommitted_changes(checkout)) == ["a.txt", "b.txt", "ein Bär.txt"]


def test_ignored_files_are_listed_below_the_folders_asked_for(checkout):
    (checkout / ".gitignore").write_text("*.svg\n")
    for folder in ("docs", "other"):
        (checkout / folder).mkdir()
        (checkout / folder / "a.svg").write_text("x")
    assert repository.ignored_files(checkout, "docs") == ["docs/a.svg"]


def test_uncommitted_changes_are_listed(checkout):
    assert repository.uncommitted_changes(checkout) == []
    (checkout / "a.txt").write_text("b")
    (checkout / "new").mkdir()
    (checkout / "new/file.txt").write_text("c")
    assert sorted(repository.uncommitted_changes(checkout)) == ["a.txt", "new/file.txt"]


def test_a_branch_is_quoted_in_every_address():
    found = Repository("github.com", "someone", "guide", "fix/#12-größe")
    quoted = "fix/%2312-gr%C3%B6%C3%9Fe"
    assert found.edit_uri == f"edit/{quoted}/docs/"
    assert f"/blob/{quoted}/docs/a%20b.md#L3" in found.source_url("docs/a b.md", 3)
    assert found.archive_url.endswith(f"/archive/refs/heads/{quoted}.zip")
    assert f"/blob/{quoted}/" in found.colab_url("a.ipynb", "fix/#12-größe")


def test_an_address_of_an_unknown_form_is_named_without_its_token(checkout):
    git("remote", "add", "origin", "https://name:secret@localhost/guide", cwd=checkout)
    with pytest.raises(repository.GitError, match=r"remote origin, https://localhost/guide, is of no known form"):
        repository.find(checkout)


@pytest.mark.parametrize("branches", [["master"], ["main", "work"], ["trunk"]])
def test_without_the_remotes_head_the_branch_is_the_one_that_is_there(checkout, branches):
    git("remote", "add", "origin", "git@github.com:someone/guide.git", cwd=checkout)
    for name in branches:
        git("update-ref", f"refs/remotes/origin/{name}", "HEAD", cwd=checkout)
    git("checkout", "--quiet", "--detach", cwd=checkout)
    assert repository.find(checkout).branch == branches[0]


def test_what_git_refuses_is_told_in_its_own_words(checkout, monkeypatch):
    """A checkout of another user, as in a container: git names the remedy."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    for ask in (repository.find, repository.uncommitted_changes):
        with pytest.raises(repository.GitError, match=r"dubious ownership(?s:.*)safe\.directory"):
            ask(checkout)


def test_without_git_there_is_no_repository(checkout, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert repository.find(checkout) is None
    with pytest.raises(repository.GitError, match="git is not installed"):
        repository.uncommitted_changes(checkout)


def test_an_own_domain_is_the_address_of_the_site(tmp_path):
    (tmp_path / "CNAME").write_text("guide.example.org\n")
    assert own_domain(tmp_path) == "https://guide.example.org/"
    assert own_domain(tmp_path / "elsewhere") is None
