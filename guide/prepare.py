"""What a build reads and must be up to date before: results, figures, executed labs, widgets' data, verified numbers.

Each of them knows by its own fingerprint what is stale. To ask them takes a second, most of it for starting Python and for
reading the package. So the state of all files that are read and written is noted (`bring_up_to_date`): a file whose size and
times of change are the same was not changed.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from cnnguide.experiments.sources import versions
from guide import cache, verified_numbers
from guide.page_parser import PageError
from guide.repository import Repository

CODE = ("cnnguide/**/*.py", "guide/**/*.py", "hooks.py")
PAGES = ("docs/**/*.md", "mkdocs.yml")
DATA = ("cnnguide/data/*", "cnnguide/experiments/results/*", "examples/*.py")
MADE = ("docs/figures/*", "docs/javascripts/data/*")
LIBRARIES = ("numpy", "matplotlib", "ipykernel", "nbclient", "jupytext")

_code_at_start: dict[Path, str] = {}


class PrepareError(RuntimeError):
    """Something could not be made; the command said what."""


def bring_up_to_date(root: Path, docs: Path, repository: Repository | None) -> dict[str, str]:
    """Make what is stale; return the executed notebook of each lab.

    What has to be made is made in a process of its own: under `mkdocs serve` this one still holds the modules of its start.
    Where nothing but the text of pages has changed, and no number or code in them, the verified numbers are written here.
    """
    code = _state(root, CODE)
    is_as_at_start = code == _code_at_start.setdefault(root, code)
    note = cache.place(root, "prepared", "state", hashlib.sha256(str(root).encode()).hexdigest(), ".json")
    kept = json.loads(note.read_text("utf-8")) if note.is_file() else {}
    notebooks: dict[str, str] = kept.get("notebooks", {})
    if kept.get("state") == [code, *_further_state(root, notebooks)]:
        if kept["pages"] == _pages(root, repository):
            return notebooks
        if is_as_at_start and _write_page_without_proving(docs, repository):
            cache.keep(note, json.dumps(kept | {"pages": _pages(root, repository)}))
            return notebooks
    command = [sys.executable, "-m", "guide", "prepare", str(docs)]
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise PrepareError(f"python -m {' '.join(command[2:])} failed; it said why above")
    notebooks = json.loads(done.stdout)
    state = [code, *_further_state(root, notebooks)]
    cache.keep(note, json.dumps({"state": state, "pages": _pages(root, repository), "notebooks": notebooks}))
    return notebooks


def _write_page_without_proving(docs: Path, repository: Repository | None) -> bool:
    try:
        verified_numbers.write_page(docs, repository, may_prove=False)
    except (verified_numbers.NotProvenError, PageError):
        return False
    return True


def _further_state(root: Path, notebooks: dict[str, str]) -> list[str]:
    return [_state(root, (*DATA, *MADE), map(Path, notebooks.values())), f"{sys.version} {versions(LIBRARIES)}"]


def _pages(root: Path, repository: Repository | None) -> str:
    return f"{_state(root, PAGES)} {repository}"


def _state(root: Path, patterns: Iterable[str], further: Iterable[Path] = ()) -> str:
    found = []
    for file in (*(file for pattern in patterns for file in root.glob(pattern)), *further):
        if file.is_file():
            seen = file.stat()
            found.append(f"{file} {seen.st_size} {seen.st_mtime_ns} {seen.st_ctime_ns}")
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()
