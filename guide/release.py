"""What must be in order before a version is tagged: every place that names the version names the same one."""

import re
from pathlib import Path

import cnnguide


def release_problems(root: Path, version: str = cnnguide.__version__) -> list[str]:
    """What keeps a version from being released, as sentences; empty where nothing does."""
    problems = []
    if not re.search(rf"^## {re.escape(version)}\b", (root / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE):
        problems.append(f"CHANGELOG.md has no section '## {version}'; rename 'Unreleased' and begin a new one")
    cited = re.search(r"^version: (\S+)$", (root / "CITATION.cff").read_text("utf-8"), re.MULTILINE)
    if cited is None or cited[1] != version:
        problems.append(f"CITATION.cff names the version {cited and cited[1]}; the package is {version}")
    return problems
