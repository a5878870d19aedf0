"""What the tests of deploys share: a host, clones of it, and what is published on it."""

import shutil
import tarfile
from pathlib import Path

from tests.conftest import DRAWN, git, name_the_committer


def host(source: Path, folder: Path) -> Path:
    """A bare repository with the project on `main`, as a host would keep it."""
    bare = folder / "guide.git"
    git("clone", "--quiet", "--bare", str(source), str(bare), cwd=source)
    return bare


def clone(origin: Path, target: Path, *options: str) -> Path:
    git("clone", "--quiet", *options, origin.as_uri(), str(target), cwd=target.parent)
    name_the_committer(target)
    shutil.copytree(DRAWN, target / "docs/figures")  # which git ignores; the build draws what it finds stale
    return target


def published(origin: Path, folder: Path) -> dict[str, bytes]:
    """The files of the branch gh-pages, read back from the host."""
    archive = folder / "pages.tar"
    git("archive", "--output", str(archive), "gh-pages", cwd=origin)
    with tarfile.open(archive) as files:
        members = {member.name: files.extractfile(member) for member in files.getmembers()}
        return {name: content.read() for name, content in members.items() if content}


def tip(origin: Path) -> str:
    return git("rev-parse", "gh-pages", cwd=origin)
