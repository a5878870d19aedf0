"""Labs: each script of `examples/` is executed as a notebook, which mkdocs-jupyter makes a page of, and can be taken home.

`execute_stale` executes those labs that changed, or that reach something that did; `render_notebook` turns the page that
mkdocs-jupyter makes (600 KB of inlined style, its own copy buttons, colours that ignore the scheme) into one that looks and
behaves like every other; `write_downloads` writes what can be taken home.

What reads notebooks and pages is imported where it is used: most builds only ask whether all labs are there.
"""

import base64
import hashlib
import json
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnguide._files import can_write, write_if_changed
from cnnguide.experiments.sources import read
from cnnguide.figures.build import SCHEME_NAMES
from guide import cache
from guide.reference import link_imports
from guide.repository import Repository, installed_from

if TYPE_CHECKING:
    from bs4 import Tag
    from mkdocs.structure.pages import Page

BACKEND = "guide.lab_backend"
ENVIRONMENT = {"MPLBACKEND": f"module://{BACKEND}", "OPENBLAS_NUM_THREADS": "1"}
"""What the kernels of a build find: figures in both schemes, and one thread, as several are slow at small products."""

BEFORE_OUTPUT, AFTER_OUTPUT = '<div class="lab-output"><pre tabindex="0">', "</pre></div>"
"""Around what a cell prints. A kernel that prints slowly sends several pieces, which belong in one box."""


LIBRARIES = ("numpy", "matplotlib", "ipykernel", "nbclient")
"""Whose versions show in what a lab prints and draws."""

LONGEST = 120
"""Seconds that a cell may take."""

_COLOURS = re.compile(r"\x1b\[[\d;]*m")


class LabError(ValueError):
    """A lab that cannot be executed or published as it is; says what to do."""


def sources(root: Path) -> list[Path]:
    """The scripts that are labs."""
    return sorted((root / "examples").glob("*.py"))


def notebooks(root: Path) -> dict[Path, Path]:
    """For each script the file of the executed notebook, whether it is there already or not.

    Its name holds the fingerprint of the script and of all that it reaches: code, data, results of experiments.
    """
    code = read()
    code.include(Path(__file__).parent)
    files = {}
    for script in sources(root):
        text = script.read_text("utf-8")
        reached = code.fingerprint(script.stem, code.add(script.stem, text), [(BACKEND, "")], LIBRARIES)
        fingerprint = hashlib.sha256(f"{text} {reached} {ENVIRONMENT}".encode()).hexdigest()
        files[script] = cache.place(root, "notebooks", script.stem, fingerprint, ".ipynb")
    return files


def execute_stale(root: Path, say: Callable[[str], None] = print) -> dict[Path, Path]:
    """Execute the labs whose notebooks are not there, as many at once as there are cores; return all `notebooks`."""
    found = notebooks(root)
    stale = {script: notebook for script, notebook in found.items() if not notebook.is_file()}
    if not stale:
        return found
    names = [script.name for script in stale]
    folder = next(iter(stale.values())).parent
    if not can_write(folder):
        raise LabError(
            f"{folder} cannot be written, and these labs have to be executed: {', '.join(names)}; "
            f"let the environment variable {cache.FOLDER} name a folder that can"
        )
    say(f"labs: executing {', '.join(names)}")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        errors = [error for error in pool.map(lambda one: _execute(root, *one), stale.items()) if error]
    if errors:
        raise LabError("\n\n".join(errors))
    return found


def _execute(root: Path, script: Path, file: Path) -> str:
    """Execute a lab and keep its notebook; return what went wrong."""
    import jupytext
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = _with_kernel(jupytext.read(script))
    client = NotebookClient(
        notebook,
        timeout=LONGEST,
        resources={"metadata": {"path": str(root)}},
        extra_arguments=["--log-level=ERROR"],  # kernels warn that they listen on a loopback address
    )
    try:
        client.execute(env=os.environ | ENVIRONMENT)
    except CellExecutionError as error:
        return f"the lab {script.name} failed:\n{_COLOURS.sub('', str(error))}"
    cache.keep(file, json.dumps(notebook, indent=1))
    return ""


def _with_kernel(notebook: Any) -> Any:
    """Name the kernel, and give the cells ids that do not change; jupytext draws them by chance."""
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    return notebook


def is_lab(page: "Page") -> bool:
    return page.file.src_uri.startswith("examples/")


@dataclass
class RenderedNotebook:
    """The content of a lab's page, and the pictures beside it, by their paths from there."""

    html: str
    pictures: dict[str, bytes]


def render_notebook(
    html: str, script: Path, repository: Repository | None, branch: str = "gh-pages"
) -> RenderedNotebook:
    """Keep what the notebook says, in the markup that the theme knows: text, code, outputs, and links to take it home."""
    import jupytext
    from bs4 import BeautifulSoup

    notebook = BeautifulSoup(re.sub(r"<style.*?</style>", "", html, flags=re.DOTALL), "html.parser")
    alts = iter([cell.metadata.get("alt", "") for cell in jupytext.read(script).cells if cell.cell_type == "code"])
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook.select(".jp-Cell[id^=cell-id]"):
        alt = next(alts) if "jp-CodeCell" in (cell.get("class") or []) else ""
        for image in cell.select(".jp-OutputArea-output img"):
            _name(image, alt, pictures)
        for part in cell.select(".jp-MarkdownOutput, .highlight-ipynb pre, .jp-OutputArea-output"):
            written = _native(part, script)
            if parts and all(one.startswith(BEFORE_OUTPUT) for one in (parts[-1], written)):
                written = parts.pop().removesuffix(AFTER_OUTPUT) + written.removeprefix(BEFORE_OUTPUT)
            parts.append(written)
        if len(parts) == 1:  # below the title, which opens the first cell
            parts.append(_take_home(script, repository, branch))
    return RenderedNotebook(link_imports("\n".join(parts).strip()), pictures)


def _name(image: "Tag", alt: str, pictures: dict[str, bytes]) -> None:
    """Give a drawn image its alt text, and a file of its own, so that the page stays light."""
    image["alt"] = alt
    address, _, mark = str(image["src"]).partition("#")
    if address.startswith("data:image/svg+xml;base64,"):
        number = 1 + len(pictures) // len(SCHEME_NAMES)
        name = f"figures/{number}-{mark.removeprefix('only-')}.svg"
        pictures[name] = base64.b64decode(address.partition(",")[2])
        image["src"] = f"{name}#{mark}"


def _native(part: "Tag", script: Path) -> str:
    classes = list(part.get("class") or [])
    if part.name == "pre":
        return f'<div class="language-python highlight"><pre><code>{_inner(part)}</code></pre></div>'
    if "jp-RenderedText" in classes:
        printed = part.find("pre")
        return f"{BEFORE_OUTPUT}{_inner(printed)}{AFTER_OUTPUT}" if printed else ""
    for link in part.select("a.anchor-link"):
        link["class"] = "headerlink"
        link["title"] = "Link to this section"
    for image in part.find_all("img"):
        if not str(image.get("alt") or "").strip():
            raise LabError(f'{script.name}: an image has no alt text; say what it shows in its cell, as # %% alt="..."')
    return _inner(part)


def _inner(tag: "Tag") -> str:
    return tag.decode_contents()


def _take_home(script: Path, repository: Repository | None, branch: str) -> str:
    name = script.stem
    links = [
        f'<a class="md-button" href="{name}.ipynb" download>Notebook</a>',
        f'<a class="md-button" href="{name}.py" download>Script</a>',
    ]
    if repository and (colab := repository.colab_url(f"examples/{name}/{name}.ipynb", branch)):
        links.append(f'<a class="md-button" href="{colab}">Open in Colab</a>')
    return f'<p class="lab-links">{" ".join(links)}</p>'


def write_downloads(root: Path, site: Path, repository: Repository | None) -> None:
    """Write each lab as a notebook and as a script beside its page."""
    import jupytext

    install = jupytext.read(root / "examples/python101.py").cells[1]  # this lab shows how; the others are spared it
    for script in sources(root):
        notebook = jupytext.read(script)
        if notebook.cells[1].source != install.source:
            notebook.cells.insert(1, install.copy())
        _with_kernel(notebook)
        folder = site / "examples" / script.stem
        for suffix, text in ((".ipynb", jupytext.writes(notebook, fmt="ipynb")), (".py", script.read_text("utf-8"))):
            write_if_changed(folder / f"{script.stem}{suffix}", installed_from(repository, text).encode())
