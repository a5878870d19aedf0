"""What a build of the site does at each of MkDocs' events; `hooks.py` only says which function belongs to which event."""

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from cnnguide.figures.build import MANIFEST, SCHEME_NAMES
from cnnguide.figures.registry import find_figures
from guide import ROOT, checker, labs, repository, theme_fixes, verified_numbers, widget_data, widgets

log = logging.getLogger("mkdocs.hooks.cnnguide")  # only warnings of loggers below "mkdocs" count as strict


def configure(config: MkDocsConfig, command: str) -> MkDocsConfig:
    """Fill in the addresses that the git remote tells, and look before a deploy at what would be published."""
    config.extra["repository"] = found = repository.find(ROOT, config.remote_name)
    if found and not config.repo_url:
        config.repo_url, config.repo_name = found.url, f"{found.owner}/{found.name}"
        config.edit_uri = found.edit_uri
    if found and not config.site_url and command != "serve":  # a preview stays at the root of its own address
        config.site_url = found.pages_url
    if command == "gh-deploy":
        _prepare_deploy(config)
    return config


def _prepare_deploy(config: MkDocsConfig) -> None:
    repository.fetch_published(ROOT, config.remote_name, config.remote_branch)
    try:
        changes = repository.uncommitted_changes(ROOT)
    except repository.GitError as error:
        raise PluginError(str(error)) from error
    if changes:
        log.warning(
            "These changes are not committed, but would be published as the commit HEAD: %s. "
            "Commit them, or publish them all the same with --no-strict.", ", ".join(changes),
        )  # fmt: skip
    if left := [name for name in repository.ignored_files(ROOT, "docs", "examples") if not _is_generated(name)]:
        log.warning("Git ignores these files, but they would be published: %s. Remove them first.", ", ".join(left))


def _is_generated(name: str) -> bool:
    generated = {
        str(verified_numbers.PAGE),
        MANIFEST,
        *(f"{name}-{scheme}.svg" for name in find_figures() for scheme in SCHEME_NAMES),
        *(f"javascripts/data/{name}.json" for name in widget_data.CONTENTS),
    }
    return any(name.endswith(f"/{one}") for one in generated) or "/." in name or "__pycache__" in name


def generate(config: MkDocsConfig) -> None:
    """Draw the figures, write the widgets' data and the page Verified numbers."""
    # Commands of their own: under `mkdocs serve` this process still holds the modules as they were at its start.
    for command in (
        ["cnnguide.figures", "--into", f"{config.docs_dir}/figures"],
        ["guide", "data", f"{config.docs_dir}/javascripts/data"],
        ["guide", "verified-numbers", config.docs_dir],
    ):
        if subprocess.run([sys.executable, "-m", *command], cwd=ROOT).returncode:
            raise PluginError(f"python -m {' '.join(command)} failed; it said why above")


def add_labs(files: Files, config: MkDocsConfig) -> Files:
    """Make the scripts of `examples/`, which are outside of `docs/`, files of the site."""
    os.environ.update(labs.ENVIRONMENT)
    for lab in labs.sources(ROOT):
        files.append(File(f"examples/{lab.name}", str(ROOT), config.site_dir, config.use_directory_urls))
    return files


def correct_edit_link(page: Page) -> Page:
    """Lead from a lab's page to its script, which is not in `docs/`."""
    if labs.is_lab(page) and page.edit_url:
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


def finish_site(config: MkDocsConfig) -> None:
    """Write notebooks and embeds into the built site, then warn of everything that is wrong in it."""
    site = Path(config.site_dir)
    labs.write_downloads(ROOT, site, config.extra["repository"])
    embed = config.theme.get_env().get_template("embed.html")

    def render(**names: Any) -> str:
        return embed.render(config=config, **names)

    widgets.write_embeds(site, render)
    for problem in checker.check_site(site, urlsplit(config.site_url or "").path or "/"):
        log.warning("Site: %s", problem)
