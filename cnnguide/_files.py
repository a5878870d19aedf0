"""Writing files in one step, only where something changed, and only where one may."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


class UnwritableError(OSError):
    """A file cannot be written; says which."""


def write_if_changed(file: Path, content: bytes) -> bool:
    """Write a file only if its content differs; an unchanged file must not wake `mkdocs serve`."""
    if file.is_file() and file.read_bytes() == content:
        return False
    with writing(file) as half:
        half.write_bytes(content)
    return True


@contextlib.contextmanager
def writing(file: Path) -> Iterator[Path]:
    """A file beside another, to be written; in the end it takes the other's place in one step."""
    half = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        yield half
        half.replace(file)
    except OSError as error:
        raise UnwritableError(f"{file} cannot be written: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            half.unlink()


def can_write(folder: Path) -> bool:
    """Whether files can be made in a folder, or in the nearest one above it that exists."""
    while not folder.exists():
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
