"""What the site needs, as plain commands: all that is made before a build, the checker, the font."""

import argparse
import json
import sys
from pathlib import Path

from cnnguide._files import UnwritableError
from cnnguide.figures.__main__ import main as figures
from guide import ROOT, checker, fonts, labs, prose, repository, verified_numbers, widget_data
from guide.page_parser import PageError
from guide.release import release_problems


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m guide", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    prepare = commands.add_parser(
        "prepare",
        help="bring up to date what a build reads: results, figures, labs, data for the widgets, verified numbers",
    )
    prepare.add_argument("docs", type=Path, nargs="?", default=ROOT / "docs")
    write = commands.add_parser("verified-numbers", help="prove every number and write the page Verified numbers")
    write.add_argument("docs", type=Path, nargs="?", default=ROOT / "docs")
    data = commands.add_parser("data", help="write what the widgets compute with")
    data.add_argument("folder", type=Path, nargs="?", default=ROOT / "docs/javascripts/data")
    check = commands.add_parser("check", help="find what is wrong in a built site")
    check.add_argument("site", type=Path, nargs="?", default=Path("site"))
    check.add_argument("--base", default="/", help="path that the site is served under (default: %(default)s)")
    font = commands.add_parser("font", help="make the subset of the mathematical font again")
    font.add_argument("source", type=Path, help="the whole font, latinmodern-math.otf")
    commands.add_parser("release-check", help="say what keeps this version from being released")
    commands.add_parser("prose", help="find phrases that plain English would avoid, and say what to write instead")
    options = parser.parse_args(arguments)
    if options.command == "font":
        fonts.write_subset(options.source)
        return 0
    if options.command == "check":
        return _check(options.site, options.base)
    if options.command == "prose":
        findings = list(prose.find(ROOT))
        print("\n".join(map(str, findings)) or "No phrase to avoid.")
        return 1 if findings else 0
    if options.command == "release-check":
        problems = release_problems(ROOT)
        print("\n".join(problems) or "Nothing keeps this version from being released.")
        return 1 if problems else 0
    try:
        if options.command == "data":
            widget_data.write(options.folder)
        elif options.command == "verified-numbers":
            _write_verified_numbers(options.docs)
        else:
            return _prepare(options.docs)
    except (labs.LabError, PageError, UnwritableError) as error:
        _say(str(error))
        return 1
    return 0


def _prepare(docs: Path) -> int:
    """Each part makes only what is not up to date; the figures begin with the experiments, whose results all others read."""
    if figures(["--into", str(docs / "figures")]):
        return 1
    root = docs.resolve().parent
    notebooks = labs.execute_stale(root, _say)
    widget_data.write(docs / "javascripts/data")
    _write_verified_numbers(docs)
    print(json.dumps({script.name: str(notebook) for script, notebook in notebooks.items()}))
    return 0


def _write_verified_numbers(docs: Path) -> None:
    verified_numbers.write_page(docs, repository.find(docs.resolve().parent))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _check(site: Path, base: str) -> int:
    problems = checker.check_site(site, base)
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems in {site}/")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
