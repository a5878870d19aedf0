"""Keeps what each experiment found, with a fingerprint of the code and data that it found it with.

The results travel with the package, in `experiments/results/`: one readable file for each experiment. Calling an
experiment gives what is kept, as long as its fingerprint is that of the code. Otherwise it runs, which takes up to a minute,
and in a checkout of the project the new result is written, so that git shows what changed. Each file has a checksum of its
numbers: a file that somebody edited is an error, not a result.

Another processor or another version of NumPy adds up in another order, so the same code may find slightly different numbers,
and the training of a network amplifies that. Each experiment therefore states how far its numbers may move (`Tolerance`).
"""

import copy
import functools
import hashlib
import importlib
import json
import math
import os
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast, overload

from cnnguide._files import can_write, writing
from cnnguide.experiments.sources import PACKAGE, RESULTS, read

Result = dict[str, Any]

SHARED = "CNNGUIDE_CACHE"
"""Environment variable: a folder that copies of the project share, so that one of them runs an experiment for all."""

DIGITS = 6
"""Significant digits that are kept of a float: more than any page shows, fewer than processors agree upon."""


class ExperimentError(RuntimeError):
    """An experiment or its kept result cannot be used; says which one, and what would help."""


@dataclass(frozen=True)
class Tolerance:
    """How far a number may be from the kept one: by `atol`, plus `rtol` times the larger of the two."""

    rtol: float = 1e-5
    atol: float = 1e-9

    def allows(self, before: float, after: float) -> bool:
        if before == after or (math.isnan(before) and math.isnan(after)):
            return True
        return abs(before - after) <= self.atol + self.rtol * max(abs(before), abs(after))


FORM = Tolerance(rtol=0, atol=math.inf)
"""For numbers that the last bit of a sum decides, such as the weights of a trained network: any number will do."""


@dataclass(frozen=True)
class Tolerances:
    """The tolerance of a result, and of what is below some of its keys: "losses", or "tanh/N(0, 1)" for one in the other."""

    default: Tolerance = Tolerance()
    below: Mapping[str, Tolerance] = field(default_factory=dict)

    def differences(self, before: Any, after: Any) -> list[str]:
        """Where two results differ by more than is allowed, as text."""
        return list(self._differences(before, after, "", self.default))

    def _differences(self, before: Any, after: Any, place: str, tolerance: Tolerance) -> Iterator[str]:
        if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
            for key in before:
                inner = f"{place}/{key}"
                own = [own for name, own in self.below.items() if inner.endswith(f"/{name}")]
                yield from self._differences(before[key], after[key], inner, own[0] if own else tolerance)
        elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
            for index, (one, other) in enumerate(zip(before, after, strict=True)):
                yield from self._differences(one, other, f"{place}[{index}]", tolerance)
        elif _is_number(before) and _is_number(after):
            if not tolerance.allows(before, after):
                yield f"{place.lstrip('/')}: {before} was kept, {after} is found"
        elif before != after:
            yield f"{place.lstrip('/')}: {_shortened(before)} was kept, {_shortened(after)} is found"


class Experiment(Protocol):
    """A marked function: calling it gives its result."""

    tolerances: Tolerances
    __name__: str

    def __call__(self) -> Result: ...


@dataclass(frozen=True)
class Entry:
    """An experiment: its name (the function's), its module, the fingerprint of all that it depends on, and its file."""

    name: str
    module: str
    fingerprint: str
    file: Path

    def recall(self) -> tuple[Result, float] | None:
        """What it found and the seconds that it took, if the code is still the same."""
        kept = self.kept()
        return (kept["result"], kept["seconds"]) if kept and kept["fingerprint"] == self.fingerprint else None

    def kept(self) -> Result | None:
        """What its file says, of whichever code; None without a file.

        Raises
        ------
        ExperimentError
            If the file was edited.
        """
        if not self.file.is_file():
            return None
        try:
            kept: Result = json.loads(self.file.read_text("utf-8"))
            if kept["checksum"] == _checksum(kept["result"]) and {"fingerprint", "seconds"} <= kept.keys():
                return kept
            fault = "its numbers are not those that its checksum was made of"
        except (ValueError, KeyError, TypeError) as error:
            fault = f"it cannot be read ({type(error).__name__}: {error})"
        raise ExperimentError(
            f"{self.file} was edited: {fault}. Results are computed, not written by hand; take back the edit, or run "
            f"python -m cnnguide.experiments {self.name} to compute it anew"
        )

    def load(self) -> Experiment:
        return cast(Experiment, getattr(importlib.import_module(self.module), self.name))

    def run(self) -> tuple[Result, float]:
        """Run it, whatever is kept; return what it finds, as it would be kept, and the seconds that it took."""
        started = time.perf_counter()
        result = self.load().__wrapped__()  # type: ignore[attr-defined]
        seconds = round(time.perf_counter() - started, 1)
        try:
            return _rounded(json.loads(json.dumps(result))), seconds
        except TypeError as error:
            raise ExperimentError(
                f"the experiment {self.name} returned what cannot be kept ({error}); return numbers, texts, lists and "
                "dictionaries: float(x) or x.tolist() instead of NumPy's types"
            ) from error

    def keep(self, result: Result, seconds: float) -> None:
        """Write its file, in one step: another process may be reading it, or writing it as well."""
        content = {
            "experiment": f"{self.module}.{self.name}",
            "fingerprint": self.fingerprint,
            "checksum": _checksum(result),
            "seconds": seconds,
            "result": result,
        }
        for file in filter(None, (self.file, self._shared)):
            with writing(file) as half:
                half.write_text(_as_text(content) + "\n", "utf-8")

    def fetch(self) -> bool:
        """Take what a copy of the project found with the very same code, if there is a folder that copies share."""
        if not (self._shared and self._shared.is_file() and can_write(self.file.parent)):
            return False
        with writing(self.file) as half:
            half.write_bytes(self._shared.read_bytes())
        return self.recall() is not None

    @property
    def _shared(self) -> Path | None:
        folder = os.environ.get(SHARED)
        return Path(folder) / "results" / f"{self.name}-{self.fingerprint[:20]}.json" if folder else None


@overload
def experiment(run: Callable[[], Result]) -> Experiment: ...


@overload
def experiment(
    *, rtol: float = ..., atol: float = ..., below: Mapping[str, Tolerance] | None = ...
) -> Callable[[Callable[[], Result]], Experiment]: ...


def experiment(
    run: Callable[[], Result] | None = None,
    *,
    rtol: float = Tolerance.rtol,
    atol: float = Tolerance.atol,
    below: Mapping[str, Tolerance] | None = None,
) -> Experiment | Callable[[Callable[[], Result]], Experiment]:
    """Mark a function without arguments as an experiment: it returns numbers, texts, lists and dictionaries of those.

    Parameters
    ----------
    rtol, atol
        How far any number may be from the kept one when the experiment runs again (see `Tolerance`).
    below
        Other tolerances for what is below some keys of the result.
    """

    def mark(run: Callable[[], Result]) -> Experiment:
        @functools.wraps(run)
        def recalled() -> Result:
            entry = _entries(_package_of(run))[run.__name__]
            if entry not in _known:
                _known[entry] = _recall_or_run(entry)
            return copy.deepcopy(_known[entry])

        marked = cast(Experiment, recalled)
        marked.tolerances = Tolerances(Tolerance(rtol, atol), below or {})
        return marked

    return mark(run) if run else mark


def find_experiments(package: Path = PACKAGE) -> dict[str, Entry]:
    """All experiments by name, found without importing them."""
    sources = read(package)
    entries: dict[str, Entry] = {}
    for module in sources.modules("experiments"):
        for function in sources.marked(module, "experiment"):
            name = function.name
            if name in entries:
                raise ExperimentError(
                    f"experiment {name!r} is defined in {entries[name].module} and in {module}; rename one of them"
                )
            entries[name] = Entry(
                name, module, sources.fingerprint(module, function), package / RESULTS / f"{name}.json"
            )
    return entries


def in_checkout(package: Path) -> bool:
    """Whether a package is that of a checkout. One that pip installed keeps the files that pip knows."""
    return (package.parent / "pyproject.toml").is_file()


_entries = functools.cache(find_experiments)
_known: dict[Entry, Result] = {}


def _recall_or_run(entry: Entry) -> Result:
    found = entry.recall()
    if found is None and in_checkout(entry.file.parents[2]) and entry.fetch():
        found = entry.recall()
    if found:
        return found[0]
    print(f"experiment {entry.name}: running, as no result of this code is kept", file=sys.stderr, flush=True)
    result, seconds = entry.run()
    if in_checkout(entry.file.parents[2]) and can_write(entry.file.parent):
        entry.keep(result, seconds)
    return result


def _package_of(run: Callable[[], Result]) -> Path:
    return Path(sys.modules[run.__module__.split(".")[0]].__file__ or "").parent


def _checksum(result: Result) -> str:
    return hashlib.sha256(json.dumps(result, sort_keys=True).encode()).hexdigest()


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _as_text(value: Any, indent: str = "") -> str:
    """JSON that can be read, and compared line by line: a row of numbers on a line, wrapped where it is long."""
    deeper = indent + " "
    if isinstance(value, dict) and value:
        rows = [f"{json.dumps(key, ensure_ascii=False)}: {_as_text(one, deeper)}" for key, one in value.items()]
        return "{\n" + ",\n".join(deeper + row for row in rows) + f"\n{indent}}}"
    if isinstance(value, list) and not all(map(_is_number, value)):
        return "[\n" + ",\n".join(deeper + _as_text(one, deeper) for one in value) + f"\n{indent}]"
    text = json.dumps(value, ensure_ascii=False)
    return "\n".join(textwrap.wrap(text, 120, subsequent_indent=deeper)) if isinstance(value, list) else text


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shortened(value: Any) -> str:
    if isinstance(value, list | dict):
        return f"{type(value).__name__} of {len(value)}"
    return repr(value)
