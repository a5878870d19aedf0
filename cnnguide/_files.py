"""Writing files so that nothing wakes, and nobody reads half of one."""

import os
from pathlib import Path


def write_if_changed(file: Path, content: bytes) -> bool:
    """Write a file in one step, only if its content differs: an unchanged file must not wake `mkdocs serve`."""
    if file.is_file() and file.read_bytes() == content:
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_name(f"{file.name}.{os.getpid()}")
    half.write_bytes(content)
    half.replace(file)  # another process may be reading
    return True
