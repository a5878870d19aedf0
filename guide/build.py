"""What a build of the site does at each of MkDocs' events; `hooks.py` only says which function belongs to which event."""

import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from cnnguide.figures.build import MANIFEST, SCHEME_NAMES
from cnnguide.figures.registry import find_figures
from guide import ROOT, checker, labs, prepare, repository, theme_fixes, verified_numbers, widget_data, widgets

log = logging.getLogger("mkdocs.hooks.cnnguide")  # only warnings of loggers below "mkdocs" count as strict


def configure(config: MkDocsConfig, command: str) -> MkDocsConfig:
    """Fill in the addresses that the git remote gives, and look before a deploy at what would be published."""
    config.extra["repository"] = found = _find_repository(config)
    if found and not config.repo_url:
        config.repo_url, config.repo_name = found.url, f"{found.owner}/{found.name}"
        config.edit_uri = found.edit_uri
    if not config.site_url and command != "serve":  # a preview stays at the root of its own address
        config.site_url = own_domain(Path(config.docs_dir)) or (found.pages_url if found else None)
    if command == "gh-deploy":
        _prepare_deploy(config)
    return config


def _find_repository(config: MkDocsConfig) -> repository.Repository | None:
    try:
        return repository.find(ROOT, config.remote_name)
    except repository.GitError as error:
        log.info("Pages get no links to the repository. Git: %s", error)
        return None


def own_domain(docs: Path) -> str | None:
    """The address that a file CNAME asks the host of the pages to serve the site at."""
    file = docs / "CNAME"
    domain = file.read_text("utf-8").strip() if file.is_file() else ""
    return f"https://{domain}/" if domain else None


def _prepare_deploy(config: MkDocsConfig) -> None:
    repository.fetch_published(ROOT, config.remote_name, config.remote_branch)
    try:
        changes = repository.uncommitted_changes(ROOT)
        ignored = repository.ignored_files(ROOT, "docs", "examples")
    except repository.GitError as error:
        raise PluginError(str(error)) from error
    if changes:
        log.warning(
            "These changes are not committed, but would be published as the commit HEAD: %s. "
            "Commit them, or publish them all the same with --no-strict.", ", ".join(changes),
        )  # fmt: skip
    if left := [name for name in ignored if not _is_generated(name)]:
        log.warning("Git ignores these files, but they would be published: %s. Remove them first.", ", ".join(left))


def _is_generated(name: str) -> bool:
    generated = {
        str(verified_numbers.PAGE),
        MANIFEST,
        *(f"{name}-{scheme}.svg" for name in find_figures() for scheme in SCHEME_NAMES),
        *(f"javascripts/data/{name}.json" for name in widget_data.CONTENTS),
    }
    return any(name.endswith(f"/{one}") for one in generated) or "/." in name or "__pycache__" in name


def bring_up_to_date(config: MkDocsConfig) -> None:
    """Make what the build reads and what is stale: results, figures, notebooks, the widgets' data, the verified numbers."""
    try:
        config.extra["notebooks"] = prepare.bring_up_to_date(ROOT, Path(config.docs_dir), config.extra["repository"])
    except prepare.PrepareError as error:
        raise PluginError(str(error)) from error


def add_labs(files: Files, config: MkDocsConfig) -> Files:
    """Make the scripts of `examples/`, which are outside of `docs/`, files of the site."""
    for lab, notebook in config.extra["notebooks"].items():
        file = File(f"examples/{lab}", str(ROOT), config.site_dir, config.use_directory_urls)
        file.abs_src_path = notebook  # what mkdocs-jupyter reads
        files.append(file)
    return files


def point_to_notebook(page: Page) -> Page:
    """Let mkdocs-jupyter read a lab's executed notebook, and the edit link lead to its script."""
    if labs.is_lab(page):
        page.file.abs_src_path = page.file.file.abs_src_path  # type: ignore[attr-defined]  # its wrapper forgets it
        if page.edit_url:
            page.edit_url = page.edit_url.replace("/docs/examples/", "/examples/")
    return page


def finish_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn a lab's notebook into the theme's markup, and name the archive that the package can be installed from."""
    found = config.extra["repository"]
    if labs.is_lab(page):
        rendered = labs.render_notebook(html, ROOT / page.file.src_uri, found, config.remote_branch)
        html = rendered.html
        folder = page.file.dest_uri.removesuffix("index.html")
        for name, picture in rendered.pictures.items():
            files.append(File.generated(config, f"{folder}{name}", content=picture))
    return repository.installed_from(found, html)


def finish_template(output: str, name: str) -> str:
    """Apply the theme's fixes to a page that comes from a template alone, such as 404.html."""
    return theme_fixes.patch_html(output) if name.endswith(".html") else output


def finish_site(config: MkDocsConfig, command: str) -> None:
    """Write notebooks and embeds into the built site, then warn of everything that is wrong in it."""
    site = Path(config.site_dir)
    labs.write_downloads(ROOT, site, config.extra["repository"])
    embed = config.theme.get_env().get_template("embed.html")

    def render(**names: Any) -> str:
        return embed.render(config=config, **names)

    widgets.write_embeds(site, render)
    if command == "serve":  # a preview must be quick; every build and every deploy is checked
        return
    for problem in checker.check_again(site, urlsplit(config.site_url or "").path or "/", ROOT):
        log.warning("Site: %s", problem)
