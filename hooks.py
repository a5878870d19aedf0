"""Which step of `guide.build` belongs to which event of MkDocs."""

from mkdocs.plugins import event_priority

from guide import build, theme_fixes

_run = {"command": "build"}


def on_startup(command, dirty):
    _run.update(command=command)


def on_config(config):
    return build.configure(config, _run["command"])


def on_pre_build(config):
    build.bring_up_to_date(config)


@event_priority(100)  # before mkdocs-jupyter looks for labs
def on_files(files, config):
    return build.add_labs(files, config)


@event_priority(100)  # before mkdocs-jupyter reads the notebook
def on_pre_page(page, config, files):
    return build.point_to_notebook(page)


@event_priority(-100)  # after mkdocs-jupyter has rendered the notebook
def on_page_content(html, page, config, files):
    return build.finish_content(html, page, config, files)


def on_post_page(output, page, config):
    return theme_fixes.patch_html(output)


def on_post_template(output_content, template_name, config):
    return build.finish_template(output_content, template_name)


@event_priority(-100)
def on_post_build(config):
    build.finish_site(config, _run["command"])
