"""Labs: each script of `examples/` is a page that mkdocs-jupyter executes, and a notebook to download.

With this module, one can turn the page that mkdocs-jupyter makes (600 KB of inlined style, its own copy buttons, colours
that ignore the scheme) into one that looks and behaves like every other (`tidy`), and write the notebooks
(`write_notebooks`).
"""

from pathlib import Path
from typing import TYPE_CHECKING

import jupytext
from bs4 import BeautifulSoup, Tag

from cnnguide.figures.build import write_if_changed
from cnnguide.site.repository import Repository

if TYPE_CHECKING:
    from mkdocs.structure.pages import Page


class LabError(ValueError):
    """A lab that cannot be published as it is; says what to add."""


def sources(root: Path) -> list[Path]:
    """The scripts that are labs."""
    return sorted((root / "examples").glob("*.py"))


def is_lab(page: "Page") -> bool:
    return page.file.src_uri.startswith("examples/")


def tidy(html: str, script: Path, repository: Repository | None, branch: str = "gh-pages") -> str:
    """Keep what the notebook says, in the markup that the theme knows: text, code, outputs, and links to take it home."""
    notebook = BeautifulSoup(html, "html.parser")
    alts = iter([cell.metadata.get("alt", "") for cell in jupytext.read(script).cells if cell.cell_type == "code"])
    parts: list[str] = []
    for cell in notebook.select(".jp-Cell[id^=cell-id]"):
        alt = next(alts) if "jp-CodeCell" in (cell.get("class") or []) else ""
        for part in cell.select(".jp-MarkdownOutput, .highlight-ipynb pre, .jp-OutputArea-output"):
            parts.append(_native(part, alt, script))
        if len(parts) == 1:  # below the title, which opens the first cell
            parts.append(_take_home(script, repository, branch))
    return "\n".join(parts)


def _native(part: Tag, alt: str, script: Path) -> str:
    classes = list(part.get("class") or [])
    if part.name == "pre":
        return f'<div class="language-python highlight"><pre><code>{_inner(part)}</code></pre></div>'
    if "jp-RenderedText" in classes:
        printed = part.find("pre")
        return f'<div class="lab-output"><pre tabindex="0">{_inner(printed)}</pre></div>' if printed else ""
    for link in part.select("a.anchor-link"):
        link["class"] = "headerlink"
        link["title"] = "Link to this section"
    for image in part.find_all("img"):
        if "jp-MarkdownOutput" not in classes:
            image["alt"] = alt
        if not str(image.get("alt") or "").strip():
            raise LabError(f'{script.name}: an image has no alt text; say what it shows in its cell, as # %% alt="..."')
    return _inner(part)


def _inner(tag: Tag) -> str:
    return tag.decode_contents()


def _take_home(script: Path, repository: Repository | None, branch: str) -> str:
    name = script.stem
    links = [f'<a href="{name}.ipynb" download>notebook</a>', f'<a href="{name}.py" download>script</a>']
    colab = repository and repository.colab_url(f"examples/{name}/{name}.ipynb", branch)
    opened = f' or <a href="{colab}">open it in Colab</a>' if colab else ""
    return f'<p class="lab-links">Take it home as {" or ".join(links)}{opened}.</p>'


def write_notebooks(root: Path, site: Path) -> None:
    """Write each lab as a notebook beside its page."""
    for script in sources(root):
        notebook = jupytext.read(script)
        for number, cell in enumerate(notebook.cells):
            cell["id"] = f"cell-{number}"  # jupytext draws ids by chance; a rebuild must not change a notebook
        target = site / "examples" / script.stem / f"{script.stem}.ipynb"
        write_if_changed(target, jupytext.writes(notebook, fmt="ipynb").encode())
