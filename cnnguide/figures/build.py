"""Draw what changed, write what differs, remove what no longer exists."""

import hashlib
import io
import json
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from cnnguide._files import can_write, write_if_changed
from cnnguide.figures.registry import Entry

MANIFEST = ".manifest.json"
"""What the last build drew, and from what; hidden, so that MkDocs does not publish it."""

SCHEME_NAMES = ("light", "dark")
A_MOMENT = 1.0
"""Seconds of silence that a reader of a terminal bears."""


class FigureError(RuntimeError):
    """A figure could not be drawn; names it and where its code is."""


def build(
    entries: dict[str, Entry],
    folder: Path,
    *,
    force: bool = False,
    others: Iterable[str] = (),
    say: Callable[[str], None] = print,
) -> list[str]:
    """Bring the folder up to date; return the names of the figures that were drawn.

    Files of figures that are neither among `entries` nor named in `others` are removed.

    All figures that can be drawn are drawn before the first failure is raised, so that one broken figure does not make
    the others stale.
    """
    manifest = _read_manifest(folder)
    stale = [entry for entry in entries.values() if force or not _is_current(entry, manifest.get(entry.name), folder)]
    forgotten = set(manifest) - {*entries, *others}
    if (stale or forgotten) and not can_write(folder):
        raise FigureError(f"{folder} cannot be written, and {len(stale)} figures have to be drawn into it")
    _remove_forgotten(forgotten, manifest, folder)
    failures: list[FigureError] = []
    started = time.monotonic()
    for number, entry in enumerate(stale, start=1):
        if time.monotonic() - started > A_MOMENT:
            say(f"figures: drawing {number} of {len(stale)}, {entry.name}")
        try:
            pictures = {_file_name(entry.name, scheme): _draw(entry, scheme) for scheme in SCHEME_NAMES}
        except FigureError as error:
            failures.append(error)
            if isinstance(record := manifest.get(entry.name), dict):
                record["fingerprint"] = ""  # draw it again next time; its files stay known, so that they can be removed
            continue
        for name, picture in pictures.items():
            write_if_changed(folder / name, picture)
        manifest[entry.name] = {
            "fingerprint": entry.fingerprint,
            "files": {name: _digest(picture) for name, picture in pictures.items()},
        }
    text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
    write_if_changed(folder / MANIFEST, text.encode())
    if failures:
        raise failures[0] if len(failures) == 1 else FigureError("\n\n".join(map(str, failures)))
    return [entry.name for entry in stale]


def _draw(entry: Entry, scheme_name: str) -> bytes:
    from cnnguide.figures import style

    scheme = {"light": style.LIGHT, "dark": style.DARK}[scheme_name]
    buffer = io.BytesIO()
    try:
        with style.use(scheme):
            drawn = entry.load()(scheme)
            # No date and no creator, so that the same numbers give the same bytes.
            drawn.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    except Exception as error:
        where = f"{entry.module.replace('.', '/')}.py:{entry.line}"
        raise FigureError(
            f"figure {entry.name!r} ({where}, {scheme_name} scheme) failed: {type(error).__name__}: {error}\n"
            + "".join(traceback.format_exception(error))
        ) from error
    return buffer.getvalue()


def _file_name(figure: str, scheme: str) -> str:
    return f"{figure}-{scheme}.svg"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        return {name: record for name, record in manifest.items() if isinstance(record.get("files"), dict)}
    except (OSError, ValueError, AttributeError):  # lost, cut off, or somebody else's
        return {}


def _is_current(entry: Entry, record: Any, folder: Path) -> bool:
    if not isinstance(record, dict) or record.get("fingerprint") != entry.fingerprint:
        return False
    files: dict[str, str] = record.get("files", {})
    return all(
        (folder / name).is_file() and _digest((folder / name).read_bytes()) == digest for name, digest in files.items()
    )


def _remove_forgotten(forgotten: set[str], manifest: dict[str, Any], folder: Path) -> None:
    for name in forgotten:
        for file in manifest.pop(name).get("files", {}):
            (folder / file).unlink(missing_ok=True)
