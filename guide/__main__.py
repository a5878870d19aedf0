"""What the site needs, as plain commands: the page of verified numbers, data for the widgets, the checker, the font."""

import argparse
import sys
from pathlib import Path

from guide import ROOT, checker, fonts, repository, verified_numbers, widget_data
from guide.page_parser import PageError


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m guide", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    write = commands.add_parser("verified-numbers", help="prove every number and write the page Verified numbers")
    write.add_argument("docs", type=Path, nargs="?", default=ROOT / "docs")
    data = commands.add_parser("data", help="write what the widgets compute with")
    data.add_argument("folder", type=Path, nargs="?", default=ROOT / "docs/javascripts/data")
    check = commands.add_parser("check", help="find what is wrong in a built site")
    check.add_argument("site", type=Path, nargs="?", default=Path("site"))
    check.add_argument("--base", default="/", help="path that the site is served under (default: %(default)s)")
    font = commands.add_parser("font", help="make the subset of the mathematical font again")
    font.add_argument("source", type=Path, help="the whole font, latinmodern-math.otf")
    options = parser.parse_args(arguments)
    if options.command == "font":
        fonts.write_subset(options.source)
        return 0
    if options.command == "data":
        widget_data.write(options.folder)
        return 0
    if options.command == "verified-numbers":
        return _verified_numbers(options.docs)
    return _check(options.site, options.base)


def _verified_numbers(docs: Path) -> int:
    try:
        verified_numbers.write_page(docs, repository.find(docs.resolve().parent))
    except PageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _check(site: Path, base: str) -> int:
    problems = checker.check_site(site, base)
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems in {site}/")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
