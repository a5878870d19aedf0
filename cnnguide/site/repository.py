"""Where the guide lives, read from the git remote: nobody's account name is typed in.

With this module, one can derive the repository's address, the prefix of edit links, the address of the published pages
and Colab links (`Repository`), and ask git what a deploy must know (`uncommitted_changes`, `fetch_published`).
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

_REMOTE = re.compile(
    r"(?:(?:https?|ssh|git)://(?:[^@/]+@)?|[^@/]+@)(?P<host>[\w.-]+)(?::\d+)?[:/](?P<path>[^?#]+?)(?:\.git)?/?"
)


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
        if match is None or "/" not in match["path"] or "." not in match["host"]:
            return None
        owner, _, name = match["path"].strip("/").rpartition("/")
        return cls(match["host"], owner, name, branch)

    @property
    def url(self) -> str:
        return f"https://{self.host}/{self.owner}/{self.name}"

    @property
    def _kind(self) -> str | None:
        return next((kind for kind in ("github", "gitlab") if kind in self.host), None)

    @property
    def edit_uri(self) -> str | None:
        """What stands between the repository's address and a page's path in an edit link."""
        prefix = {"github": "edit", "gitlab": "-/edit"}.get(self._kind or "")
        return f"{prefix}/{self.branch}/docs/" if prefix else None

    @property
    def pages_url(self) -> str | None:
        """Where the host publishes the site of this repository."""
        pages_host = {"github.com": "github.io", "gitlab.com": "gitlab.io"}.get(self.host)
        if pages_host is None:
            return None
        first, _, rest = f"{self.owner}/{self.name}".partition("/")
        own_site = rest.lower() == f"{first}.{pages_host}".lower()
        return f"https://{first.lower()}.{pages_host}/" + ("" if own_site else f"{rest}/")

    def source_url(self, path: str, line: int | None = None) -> str:
        """A file of the repository, at a line if given."""
        blob = "-/blob" if self._kind == "gitlab" else "blob"
        return f"{self.url}/{blob}/{self.branch}/{path}" + (f"#L{line}" if line else "")

    def colab_url(self, notebook: str) -> str | None:
        """Open a notebook of the published site in Colab, which reads from GitHub only."""
        if self.host != "github.com":
            return None
        return f"https://colab.research.google.com/github/{self.owner}/{self.name}/blob/gh-pages/{notebook}"


def find(root: Path) -> Repository | None:
    """The repository that the remote `origin` of a checkout names; None without git, remote or a known host."""
    url = _git(root, "remote", "get-url", "origin")
    return Repository.from_remote(url, _default_branch(root)) if url else None


def _default_branch(root: Path) -> str:
    head = _git(root, "symbolic-ref", "--short", "refs/remotes/origin/HEAD")
    if head:
        return head.removeprefix("origin/")
    return _git(root, "branch", "--show-current") or "main"


def uncommitted_changes(root: Path) -> list[str]:
    """Files that differ from HEAD or are unknown to git: a deploy would publish them under HEAD's name."""
    status = _git(root, "status", "--porcelain", "--untracked-files=all") or ""
    return [line[3:] for line in status.splitlines()]


def fetch_published(root: Path, remote: str, branch: str) -> bool:
    """Learn what is published now; without it a deploy from a shallow clone is refused as not fast-forward.

    False where there is nothing yet, or the remote cannot be reached (the push will say why).
    """
    depth = ["--depth=1"] if _git(root, "rev-parse", "--is-shallow-repository") == "true" else []
    tracking = f"+refs/heads/{branch}:refs/remotes/{remote}/{branch}"
    return _git(root, "fetch", "--quiet", *depth, remote, tracking) is not None


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.rstrip("\n")
