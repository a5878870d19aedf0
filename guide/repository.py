"""Where the guide lives, read from the git remote: nobody's account name is typed in.

With this module, one can derive the repository's address, the prefix of edit links, the address of the published pages
and Colab links (`Repository`), and ask git what a deploy must know (`uncommitted_changes`, `fetch_published`).
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

_REMOTE = re.compile(
    r"(?:(?P<scheme>(?:git\+)?(?:https?|ssh|git)|ssh\+git)://(?:[^@/]+@)?(?P<host>[\w.-]+)(?::(?P<port>\d+))?/"
    r"|(?:[^@/:]+@)?(?P<scp_host>[\w.-]+):(?![/\\]))(?P<path>[^?#]+?)(?:\.git)?/?",
    re.IGNORECASE,
)
_KNOWN_HOST = re.compile(r"(?:ssh\.|www\.|altssh\.)?(?P<host>github\.com|gitlab\.com)(?:-[\w-]+)?")
"""A known host as remotes spell it: ssh.github.com, www.github.com, or github.com-work, an alias for a second account."""


@dataclass(frozen=True)
class Repository:
    """A repository on a Git host; `owner` may hold several folders, as on GitLab."""

    host: str
    owner: str
    name: str
    branch: str = "main"

    @classmethod
    def from_remote(cls, url: str, branch: str = "main") -> "Repository | None":
        """Read a remote's address, of either form that hosts give out; None for a path or an unknown form.

        >>> Repository.from_remote("git@github.com:someone/guide.git").url
        'https://github.com/someone/guide'
        >>> Repository.from_remote("/srv/git/guide.git") is None
        True
        """
        match = _REMOTE.fullmatch(url.strip())
        if match is None or "/" not in match["path"]:
            return None
        host = (match["host"] or match["scp_host"]).lower()
        if "." not in host:
            return None
        if known := _KNOWN_HOST.fullmatch(host):
            host = known["host"]
        elif match["port"] and "http" in match["scheme"].lower():
            host += f":{match['port']}"
        owner, _, name = match["path"].strip("/").rpartition("/")
        return cls(host, owner, name, branch)

    @property
    def url(self) -> str:
        return f"https://{self.host}/{self.owner}/{self.name}"

    @property
    def _kind(self) -> str | None:
        return next((kind for kind in ("github", "gitlab") if kind in self.host), None)

    @property
    def edit_uri(self) -> str | None:
        """The part of an edit link between the repository's address and a page's path."""
        prefix = {"github": "edit", "gitlab": "-/edit"}.get(self._kind or "")
        return f"{prefix}/{quote(self.branch)}/docs/" if prefix else None

    @property
    def pages_url(self) -> str | None:
        """Where the host publishes the site of this repository."""
        pages_host = {"github.com": "github.io", "gitlab.com": "gitlab.io"}.get(self.host)
        if pages_host is None:
            return None
        first, _, rest = f"{self.owner}/{self.name}".partition("/")
        own_site = rest.lower() == f"{first}.{pages_host}".lower()
        return f"https://{first.lower()}.{pages_host}/" + ("" if own_site else f"{rest}/")

    def source_url(self, path: str, line: int | None = None) -> str | None:
        """A file of the repository, at a line if given, where the host is one whose addresses are known."""
        blob = {"github": "blob", "gitlab": "-/blob"}.get(self._kind or "")
        if blob is None:
            return None
        return f"{self.url}/{blob}/{quote(self.branch)}/{quote(path)}" + (f"#L{line}" if line else "")

    @property
    def archive_url(self) -> str | None:
        """The newest state of the default branch as an archive that pip installs from, with no need of git."""
        branch = quote(self.branch)
        return {
            "github": f"{self.url}/archive/refs/heads/{branch}.zip",
            "gitlab": f"{self.url}/-/archive/{branch}/{self.name}-{branch.replace('/', '-')}.zip",
        }.get(self._kind or "")

    def colab_url(self, notebook: str, branch: str = "gh-pages") -> str | None:
        """Open a notebook of the published site in Colab, which reads from GitHub only."""
        if self.host != "github.com":
            return None
        return (
            f"https://colab.research.google.com/github/{self.owner}/{self.name}/blob/{quote(branch)}/{quote(notebook)}"
        )


REQUIREMENT = re.compile(r"cnnguide\[[\w,]+\]")
"""The package as pip is asked for it on the pages and in the labs."""


def installed_from(repository: Repository | None, text: str) -> str:
    """A text in which pip takes the package from where the guide lives.

    A package index need not have the package, or may have another one of the same name.
    """
    archive = repository and repository.archive_url
    return REQUIREMENT.sub(rf"\g<0> @ {archive}", text) if archive else text


class GitError(RuntimeError):
    """Git refused to answer; the message is git's own, which often names the remedy."""


def find(root: Path, remote: str = "origin") -> Repository | None:
    """The repository that a remote of a checkout names; None without git, without the remote, and for a local path.

    Raises
    ------
    GitError
        If git refuses to read the checkout, or names a remote of a form that is not known here.
    """
    url = _git(root, "remote", "get-url", remote, unless=NOTHING_THERE)
    if url is None or _is_local(url):
        return None
    found = Repository.from_remote(url, _default_branch(root, remote))
    if found is None:
        shown = re.sub(r"//[^@/]+@", "//", url)  # a token is not for logs
        raise GitError(
            f"the address of the remote {remote}, {shown}, is of no known form, such as https://HOST/OWNER/NAME.git or "
            "git@HOST:OWNER/NAME.git; pages get no links to the repository"
        )
    return found


def _is_local(url: str) -> bool:
    return url.startswith(("/", ".", "~", "file:")) or re.match(r"[A-Za-z]:[\\/]", url) is not None


def _default_branch(root: Path, remote: str) -> str:
    """The branch that the remote's HEAD names; else the one that is checked out, `main`, `master`, or the only one."""
    refs = f"refs/remotes/{remote}"
    if head := _git(root, "symbolic-ref", "--short", f"{refs}/HEAD", unless=NOTHING_THERE):
        return head.removeprefix(f"{remote}/")
    if current := _git(root, "branch", "--show-current", unless=NOTHING_THERE):
        return current
    listed = _git(root, "for-each-ref", "--format=%(refname)", refs, unless=NOTHING_THERE) or ""
    branches = [name.removeprefix(f"{refs}/") for name in listed.split()]
    return next((name for name in ("main", "master") if name in branches), (branches or ["main"])[0])


def uncommitted_changes(root: Path) -> list[str]:
    """Files that differ from HEAD or are unknown to git: a deploy would publish them under HEAD's name.

    Raises
    ------
    GitError
        If git cannot say, in git's own words.
    """
    status = _git(root, "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames")
    return [entry[3:] for entry in (status or "").split("\0") if entry]


def ignored_files(root: Path, *folders: str) -> list[str]:
    """Files below some folders that git ignores: what the build makes, and what somebody left there."""
    listed = _git(root, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--", *folders)
    return [name for name in (listed or "").split("\0") if name]


def fetch_published(root: Path, remote: str, branch: str) -> bool:
    """Learn what is published now; without it a deploy from a shallow clone is refused as not fast-forward.

    False where there is nothing yet, or the remote cannot be reached (the push will say why).
    """
    try:
        depth = ["--depth=1"] if _git(root, "rev-parse", "--is-shallow-repository") == "true" else []
        tracking = f"+refs/heads/{branch}:refs/remotes/{remote}/{branch}"
        _git(root, "fetch", "--quiet", *depth, remote, tracking)
    except GitError:
        return False
    return True


NOTHING_THERE = ("not a git repository", "No such remote", "is not a symbolic ref", "git is not installed")
"""What git says where there is nothing to read, which is not an error: a copy without history, or without a remote."""


def _git(root: Path, *arguments: str, unless: tuple[str, ...] = ()) -> str | None:
    """What git prints; None where it fails with one of the phrases `unless`, and its own words as an error otherwise."""
    english = os.environ | {"LC_ALL": "C.UTF-8", "LANGUAGE": "C"}  # the phrases above, and names of files as they are
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, encoding="utf-8", errors="surrogateescape", env=english
        )
        failed, words = done.returncode != 0, done.stderr.strip()
    except OSError as error:
        failed, words = True, f"git is not installed, or cannot be started: {error}"
    if not failed:
        return done.stdout.rstrip("\n")
    if any(phrase in words for phrase in unless):
        return None
    raise GitError(words or f"git {arguments[0]} failed with exit code {done.returncode}")
