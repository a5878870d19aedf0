"""What MkDocs calls during a build. Everything happens elsewhere, in plain commands and in Markdown extensions."""

import logging
from pathlib import Path
from urllib.parse import urlsplit

from mkdocs.exceptions import PluginError
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File

from cnnguide.figures.build import MANIFEST, SCHEME_NAMES
from cnnguide.figures.registry import find_figures
from cnnguide.site import checker, frame, labs, prepare, repository, widget_data, widgets
from cnnguide.site.ledger import LEDGER

ROOT = Path(__file__).parent
log = logging.getLogger("mkdocs.hooks.cnnguide")  # only warnings of loggers below "mkdocs" count as strict

_command = "build"


def on_startup(command, dirty):
    global _command
    _command = command


def on_config(config):
    config.extra["repository"] = found = repository.find(ROOT, config.remote_name)
    if found and not config.repo_url:
        config.repo_url, config.repo_name = found.url, f"{found.owner}/{found.name}"
        config.edit_uri = found.edit_uri
    if found and not config.site_url and _command != "serve":  # a preview stays at the root of its own address
        config.site_url = found.pages_url
    if _command == "gh-deploy":
        _prepare_deploy(config)
    return config


def _prepare_deploy(config):
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
    made = {
        str(LEDGER),
        MANIFEST,
        *(f"{name}-{scheme}.svg" for name in find_figures() for scheme in SCHEME_NAMES),
        *(f"javascripts/data/{name}.json" for name in widget_data.CONTENTS),
    }
    left = [
        name
        for name in repository.ignored_files(ROOT, "docs", "examples")
        if not any(name.endswith(f"/{one}") for one in made) and "/." not in name and "__pycache__" not in name
    ]
    if left:
        log.warning("Git ignores these files, but they would be published: %s. Remove them first.", ", ".join(left))


def on_pre_build(config):
    try:
        config.extra["notebooks"] = prepare.bring_up_to_date(ROOT, Path(config.docs_dir), config.extra["repository"])
    except prepare.PrepareError as error:
        raise PluginError(str(error)) from error


@event_priority(100)  # before mkdocs-jupyter looks for labs
def on_files(files, config):
    for lab, notebook in config.extra["notebooks"].items():
        file = File(f"examples/{lab}", str(ROOT), config.site_dir, config.use_directory_urls)
        file.abs_src_path = notebook  # what mkdocs-jupyter reads
        files.append(file)
    return files


@event_priority(100)  # before mkdocs-jupyter reads the notebook
def on_pre_page(page, config, files):
    if labs.is_lab(page):
        page.file.abs_src_path = page.file.file.abs_src_path  # mkdocs-jupyter's wrapper forgets it
        if page.edit_url:
            page.edit_url = page.edit_url.replace("/docs/examples/", "/examples/")
    return page


@event_priority(-100)  # after mkdocs-jupyter has rendered the notebook
def on_page_content(html, page, config, files):
    found = config.extra["repository"]
    if labs.is_lab(page):
        tidy = labs.tidy(html, ROOT / page.file.src_uri, found, config.remote_branch)
        html = tidy.html
        for name, picture in tidy.pictures.items():
            files.append(
                File.generated(config, f"{page.file.dest_uri.removesuffix('index.html')}{name}", content=picture)
            )
    return repository.installed_from(found, html)


def on_post_page(output, page, config):
    return frame.mend(output)


def on_post_template(output_content, template_name, config):
    return frame.mend(output_content) if template_name.endswith(".html") else output_content


@event_priority(-100)
def on_post_build(config):
    labs.write_downloads(ROOT, Path(config.site_dir), config.extra["repository"])
    embed = config.theme.get_env().get_template("embed.html")
    widgets.write_embeds(Path(config.site_dir), lambda **names: embed.render(config=config, **names))
    if _command == "serve":  # a preview shall be quick; every build and every deploy looks
        return
    base = urlsplit(config.site_url or "").path or "/"
    for problem in checker.check_again(Path(config.site_dir), base, ROOT):
        log.warning("Site: %s", problem)
