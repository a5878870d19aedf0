"""Run the experiments of the guide: those whose code or inputs changed since the last time."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from cnnguide.experiments.store import Entry, ExperimentError, find_experiments

ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
"""More threads gain nothing on arrays this small, cost tenfold under load, and change the last bits."""


def bring_up_to_date(
    names: list[str] | None = None, force: bool = False, say: Callable[[str], None] = print
) -> list[str]:
    """Run what is not current, each experiment in a process of its own, as many at once as there are cores."""
    entries = find_experiments()
    if unknown := sorted(set(names or []) - set(entries)):
        raise ExperimentError(f"no experiment named {', '.join(unknown)}; there are {', '.join(entries)}")
    stale = [entry for name, entry in entries.items() if name in (names or entries) and (force or not entry.recall())]
    if not stale:
        return []
    say(f"experiments: running {', '.join(entry.name for entry in stale)}")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        errors = [error for error in pool.map(_run_in_process, stale) if error]
    if errors:
        raise ExperimentError("\n\n".join(errors))
    return [entry.name for entry in stale]


def _run_in_process(entry: Entry) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "cnnguide.experiments", "--here", entry.name],
        env=os.environ | ONE_THREAD, capture_output=True, text=True,
    )  # fmt: skip
    return f"the experiment {entry.name} ({entry.module}) failed:\n{done.stderr}" if done.returncode else ""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m cnnguide.experiments", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments to run (default: all)")
    parser.add_argument("--force", action="store_true", help="run even what did not change")
    parser.add_argument(
        "--list", action="store_true", help="print all experiments with the seconds they took, and stop"
    )
    parser.add_argument("--here", metavar="NAME", help="run this one in this process, whether it changed or not")
    options = parser.parse_args(arguments)
    if options.list:
        for name, entry in find_experiments().items():
            found = entry.recall()
            print(f"{name:40} {f'{found[1]} s' if found else 'not current'}")
        return 0
    try:
        if options.here:
            find_experiments()[options.here].run()
        else:
            bring_up_to_date(options.names, options.force, say=lambda text: print(text, file=sys.stderr, flush=True))
    except ExperimentError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
