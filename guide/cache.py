"""What builds made and can use again, each file under the fingerprint of all that it was made from.

It is in `.cache/` of the checkout, which git ignores and nobody misses; the environment variable CNNGUIDE_CACHE names
another folder, for several copies of the project to share.
"""

import os
from pathlib import Path

from cnnguide._files import can_write, writing

FOLDER = "CNNGUIDE_CACHE"
MOST = 20
"""Files of one name that are kept: enough to go back and forth between branches."""


def place(root: Path, kind: str, name: str, fingerprint: str, suffix: str) -> Path:
    """Where a thing is kept, if it is there: `.cache/kind/name-fingerprint.suffix`."""
    folder = Path(os.environ.get(FOLDER) or root / ".cache").resolve()
    return folder / kind / f"{name}-{fingerprint[:20]}{suffix}"


def keep(file: Path, content: str) -> bool:
    """Write a file of the cache and forget the oldest of its name; where nothing can be written, nothing is kept."""
    if not can_write(file.parent):
        return False
    with writing(file) as half:
        half.write_text(content, "utf-8")
    name = file.stem.rpartition("-")[0]
    for old in sorted(file.parent.glob(f"{name}-*{file.suffix}"), key=_last_change, reverse=True)[MOST:]:
        old.unlink(missing_ok=True)
    return True


def _last_change(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # another process was quicker
        return 0.0
