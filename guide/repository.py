"""Where the guide lives, read from the git remote: nobody's account name is typed in.

With this module, one can derive the repository's address, the prefix of edit links, the address of the published pages
and Colab links (`Repository`), and ask git what a deploy must know (`uncommitted_changes`, `fetch_published`).
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

_REMOTE = re.compile(
    r"(?:(?P<scheme>https?|ssh|git)://(?:[^@/]+@)?(?P<host>[\w.-]+)(?::(?P<port>\d+))?/"
    r"|[^@/:]+@(?P<scp_host>[\w.-]+):(?!/))(?P<path>[^?#]+?)(?:\.git)?/?"
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
        elif match["port"] and match["scheme"].startswith("http"):
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

    def source_url(self, path: str, line: int | None = None) -> str | None:
        """A file of the repository, at a line if given, where the host is one whose addresses are known."""
        blob = {"github": "blob", "gitlab": "-/blob"}.get(self._kind or "")
        if blob is None:
            return None
        return f"{self.url}/{blob}/{self.branch}/{path}" + (f"#L{line}" if line else "")

    @property
    def archive_url(self) -> str | None:
        """The newest state of the default branch as an archive that pip installs from, with no need of git."""
        return {
            "github": f"{self.url}/archive/refs/heads/{self.branch}.zip",
            "gitlab": f"{self.url}/-/archive/{self.branch}/{self.name}-{self.branch.replace('/', '-')}.zip",
        }.get(self._kind or "")

    def colab_url(self, notebook: str, branch: str = "gh-pages") -> str | None:
        """Open a notebook of the published site in Colab, which reads from GitHub only."""
        if self.host != "github.com":
            return None
        return f"https://colab.research.google.com/github/{self.owner}/{self.name}/blob/{branch}/{notebook}"


REQUIREMENT = re.compile(r"cnnguide\[[\w,]+\]")
"""The package as pip is asked for it on the pages and in the labs."""


def installed_from(repository: Repository | None, text: str) -> str:
    """A text in which pip takes the package from where the guide lives.

    A package index need not have the package, or may have another one of the same name.
    """
    archive = repository and repository.archive_url
    return REQUIREMENT.sub(rf"\g<0> @ {archive}", text) if archive else text


def find(root: Path, remote: str = "origin") -> Repository | None:
    """The repository that a remote of a checkout names; None without git, without the remote, and for a path."""
    url = _git(root, "remote", "get-url", remote)
    return Repository.from_remote(url, _default_branch(root, remote)) if url else None


def _default_branch(root: Path, remote: str) -> str:
    head = _git(root, "symbolic-ref", "--short", f"refs/remotes/{remote}/HEAD")
    if head:
        return head.removeprefix(f"{remote}/")
    return _git(root, "branch", "--show-current") or "main"


class GitError(RuntimeError):
    """Git could not say what was asked, so nothing may be published."""


def uncommitted_changes(root: Path) -> list[str]:
    """Files that differ from HEAD or are unknown to git: a deploy would publish them under HEAD's name."""
    status = _git(root, "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames")
    if status is None:
        raise GitError(
            f"git cannot say whether {root} has uncommitted changes; is git installed, and is this a repository?"
        )
    return [entry[3:] for entry in status.split("\0") if entry]


def ignored_files(root: Path, *folders: str) -> list[str]:
    """Files below some folders that git was told to ignore: what the build makes, and what somebody left there."""
    listed = _git(root, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--", *folders)
    return [name for name in (listed or "").split("\0") if name]


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
