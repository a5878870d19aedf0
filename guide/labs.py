"""Labs: each script of `examples/` is a page that mkdocs-jupyter executes, and a notebook to download.

`render_notebook` turns the page that mkdocs-jupyter makes (600 KB of inlined style, its own copy buttons, colours that
ignore the scheme) into one that looks and behaves like every other; `write_downloads` writes what can be taken home.
"""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import jupytext
from bs4 import BeautifulSoup, Tag

from cnnguide._files import write_if_changed
from cnnguide.figures.build import SCHEME_NAMES
from guide.reference import link_imports
from guide.repository import Repository, installed_from

if TYPE_CHECKING:
    from mkdocs.structure.pages import Page

ENVIRONMENT = {"MPLBACKEND": "module://guide.lab_backend", "OPENBLAS_NUM_THREADS": "1"}
"""What the kernels of a build find: figures in both schemes, and one thread, as several are slow at small products."""

BEFORE_OUTPUT, AFTER_OUTPUT = '<div class="lab-output"><pre tabindex="0">', "</pre></div>"
"""Around what a cell prints. A kernel that prints slowly sends several pieces, which belong into one box."""


class LabError(ValueError):
    """A lab that cannot be published as it is; says what to add."""


def sources(root: Path) -> list[Path]:
    """The scripts that are labs."""
    return sorted((root / "examples").glob("*.py"))


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
    notebook = BeautifulSoup(html, "html.parser")
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


def _name(image: Tag, alt: str, pictures: dict[str, bytes]) -> None:
    """Give a drawn image its alt text, and a file of its own, so that the page stays light."""
    image["alt"] = alt
    address, _, mark = str(image["src"]).partition("#")
    if address.startswith("data:image/svg+xml;base64,"):
        number = 1 + len(pictures) // len(SCHEME_NAMES)
        name = f"figures/{number}-{mark.removeprefix('only-')}.svg"
        pictures[name] = base64.b64decode(address.partition(",")[2])
        image["src"] = f"{name}#{mark}"


def _native(part: Tag, script: Path) -> str:
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


def _inner(tag: Tag) -> str:
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
    install = jupytext.read(root / "examples/python101.py").cells[1]  # this lab shows how; the others are spared it
    for script in sources(root):
        notebook = jupytext.read(script)
        if notebook.cells[1].source != install.source:
            notebook.cells.insert(1, install.copy())
        notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
        for number, cell in enumerate(notebook.cells):
            cell["id"] = f"cell-{number}"  # jupytext draws ids by chance; a rebuild must not change a notebook
        folder = site / "examples" / script.stem
        for suffix, text in ((".ipynb", jupytext.writes(notebook, fmt="ipynb")), (".py", script.read_text("utf-8"))):
            write_if_changed(folder / f"{script.stem}{suffix}", installed_from(repository, text).encode())
