"""Remembers what an experiment found, until the code that it runs changes.

The build brings all results up to date first (`python -m cnnguide.experiments`), so that figures and pages find them ready.
Where nothing is remembered, calling an experiment runs it, which takes up to a minute.
"""

import copy
import functools
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnguide.experiments.sources import PACKAGE, Sources

FOLDER = "CNNGUIDE_EXPERIMENTS"
"""Environment variable: where results are kept, instead of `.experiments/` in the checkout."""

IN_CHECKOUT = (PACKAGE.parent / "mkdocs.yml").is_file()

Result = dict[str, Any]


class ExperimentError(RuntimeError):
    """An experiment gave something that cannot be kept; names it and says what would do."""


@dataclass(frozen=True)
class Entry:
    """An experiment: its name (the function's), its module, and the fingerprint of all that it depends on."""

    name: str
    module: str
    fingerprint: str

    def recall(self) -> tuple[Result, float] | None:
        """What it found and the seconds it took, if that is still true."""
        file = self._file()
        try:
            kept = json.loads(file.read_text("utf-8")) if file else {}
            return (kept["result"], kept["seconds"]) if kept.get("fingerprint") == self.fingerprint else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # lost, cut off, or somebody else's
            return None

    def run(self) -> Result:
        """Run it, and keep what it found."""
        started = time.perf_counter()
        result = getattr(importlib.import_module(self.module), self.name).__wrapped__()
        try:
            text = json.dumps(result)
        except TypeError as error:
            raise ExperimentError(
                f"the experiment {self.name} returned what cannot be kept ({error}); return numbers, texts, lists and "
                "dictionaries: float(x) or x.tolist() instead of NumPy's types"
            ) from error
        if file := self._file():
            file.parent.mkdir(parents=True, exist_ok=True)
            seconds = round(time.perf_counter() - started, 1)
            half = file.with_suffix(f".{os.getpid()}")
            half.write_text(
                f'{{"fingerprint": "{self.fingerprint}", "seconds": {seconds}, "result": {text}}}\n', "utf-8"
            )
            half.replace(file)  # in one step: another process may be reading
        kept: Result = json.loads(text)  # tuples become lists now, not only when it is recalled
        return kept

    def _file(self) -> Path | None:
        """In a checkout of the project; a package that is installed elsewhere keeps nothing."""
        folder = os.environ.get(FOLDER) or (PACKAGE.parent / ".experiments" if IN_CHECKOUT else None)
        return Path(folder) / f"{self.name}.json" if folder else None


def experiment(run: Callable[[], Result]) -> Callable[[], Result]:
    """Mark a function without arguments as an experiment: it returns numbers, texts, lists and dictionaries of those."""

    @functools.wraps(run)
    def remembered() -> Result:
        entry = _entries(_package_of(run))[run.__name__]
        if entry not in _known:
            found = entry.recall()
            if found is None:
                print(f"experiment {entry.name}: running, as no result is at hand", file=sys.stderr, flush=True)
            _known[entry] = found[0] if found else entry.run()
        return copy.deepcopy(_known[entry])

    return remembered


def find_experiments(package: Path = PACKAGE) -> dict[str, Entry]:
    """All experiments by name, found without importing them."""
    sources = Sources(package)
    entries: dict[str, Entry] = {}
    for module in sources.modules("experiments"):
        for function in sources.marked(module, "experiment"):
            if function.name in entries:
                raise ExperimentError(
                    f"experiment {function.name!r} is defined in {entries[function.name].module} and in {module}; "
                    "rename one of them"
                )
            entries[function.name] = Entry(function.name, module, sources.fingerprint(module, function))
    return entries


_entries = functools.cache(find_experiments)
_known: dict[Entry, Result] = {}


def _package_of(run: Callable[[], Result]) -> Path:
    return Path(sys.modules[run.__module__.split(".")[0]].__file__ or "").parent
