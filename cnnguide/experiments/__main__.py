"""Run the experiments of the guide whose code or data changed since their results were written."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from cnnguide._files import can_write
from cnnguide.experiments.store import Entry, ExperimentError, Result, find_experiments

ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
"""More threads gain nothing on arrays this small, cost tenfold under load, and change the last bits."""


def bring_up_to_date(names: Iterable[str] = (), force: bool = False, say: Callable[[str], None] = print) -> list[str]:
    """Run what is not current, each experiment in a process of its own, as many at once as there are cores.

    An experiment that is named runs also where its file was edited; without a name, an edited file is an error.
    """
    entries, names = find_experiments(), list(names)
    if unknown := sorted(set(names) - set(entries)):
        raise ExperimentError(f"no experiment named {', '.join(unknown)}; there are {', '.join(entries)}")
    stale = [entries[name] for name in names or entries if force or not _is_current(entries[name], name in names)]
    if not stale:
        return []
    listed = ", ".join(entry.name for entry in stale)
    if not can_write(folder := stale[0].file.parent):
        raise ExperimentError(f"{folder} cannot be written, and these experiments have to run: {listed}")
    say(f"experiments: running {listed}")
    stale.sort(key=lambda entry: -_seconds(entry))  # the longest first, so that no core waits for it in the end
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        errors = [error for error in pool.map(lambda entry: _run_in_process(entry, say), stale) if error]
    if errors:
        raise ExperimentError("\n\n".join(errors))
    return [entry.name for entry in stale]


def _is_current(entry: Entry, may_be_edited: bool) -> bool:
    try:
        return entry.recall() is not None or entry.fetch()
    except ExperimentError:
        if may_be_edited:
            return False
        raise


def _kept(entry: Entry) -> Result | None:
    try:
        return entry.kept()
    except ExperimentError:
        return None


def _seconds(entry: Entry) -> float:
    return kept["seconds"] if (kept := _kept(entry)) else float("inf")


def _run_in_process(entry: Entry, say: Callable[[str], None]) -> str:
    before = _kept(entry)
    done = subprocess.run(
        [sys.executable, "-m", "cnnguide.experiments", "--here", entry.name],
        env=os.environ | ONE_THREAD, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        return f"the experiment {entry.name} ({entry.module}) failed:\n{done.stderr}"
    if before and (after := entry.kept()):
        differences = entry.load().tolerances.differences(before["result"], after["result"])
        say(f"experiments: {entry.name}: {summary(differences)}")
    return ""


def summary(differences: list[str]) -> str:
    """What changed, in a few lines."""
    if not differences:
        return "as before, within its tolerance"
    more = [f"and {len(differences) - 5} more"] if len(differences) > 6 else differences[5:6]
    return "\n    ".join(
        [f"changed beyond its tolerance in {len(differences)} of its numbers", *differences[:5], *more]
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m cnnguide.experiments", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments to look at (default: all)")
    parser.add_argument("--force", action="store_true", help="run even what did not change")
    parser.add_argument(
        "--list", action="store_true", help="print all experiments with the seconds that they took, and stop"
    )
    parser.add_argument("--here", metavar="NAME", help="run this one in this process, whether it changed or not")
    options = parser.parse_args(arguments)
    try:
        if options.list:
            for name, entry in find_experiments().items():
                found = entry.recall()
                print(f"{name:40} {f'{found[1]} s' if found else 'not current'}")
        elif options.here:
            entry = find_experiments()[options.here]
            entry.keep(*entry.run())
        else:
            bring_up_to_date(options.names, options.force, say=lambda text: print(text, file=sys.stderr, flush=True))
    except ExperimentError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
