"""Draw the figures of the guide: those whose code or inputs changed since the last time."""

import argparse
import sys
from pathlib import Path

from cnnguide.experiments.__main__ import bring_up_to_date
from cnnguide.experiments.store import ExperimentError
from cnnguide.figures.build import FigureError, build
from cnnguide.figures.registry import DuplicateFigureError, find_figures


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m cnnguide.figures", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="figures to draw (default: all)")
    parser.add_argument(
        "--into", type=Path, default=Path("docs/figures"), help="folder to write (default: %(default)s)"
    )
    parser.add_argument("--force", action="store_true", help="draw even what did not change")
    parser.add_argument("--list", action="store_true", help="print the names of all figures and stop")
    options = parser.parse_args(arguments)
    try:
        entries = find_figures()
        if options.list:
            print("\n".join(entries))
            return 0
        if unknown := sorted(set(options.names) - set(entries)):
            parser.error(f"no figure named {', '.join(unknown)}; there are {', '.join(entries)}")
        if bring_up_to_date(say=_say):
            entries = find_figures()  # what the experiments found is part of the fingerprints
        wanted = {name: entries[name] for name in options.names} or entries
        drawn = build(wanted, options.into, force=options.force, others=entries, say=_say)
    except (FigureError, DuplicateFigureError, ExperimentError) as error:
        _say(str(error))
        return 1
    if drawn:
        _say(f"figures: {len(drawn)} drawn, {len(wanted) - len(drawn)} unchanged")
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
