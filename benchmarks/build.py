"""Measures how long a writer waits: a build with nothing changed, and the preview after one word changed in a chapter.

    python -m benchmarks.build

Both are compared with what MkDocs alone needs for the same pages: the same theme, Markdown extensions and mkdocstrings, but
no hooks and no labs. Everything happens in a copy of the committed project, which is built once before the clock runs. Build
and reference take turns, each `ROUNDS` times in a process of its own; the median counts, in seconds of the wall clock. A
reload counts from the moment that the file is written until the server has the word in its page. Say what else the machine
did when you quote the numbers. The command fails where ours takes more than `LIMIT` times as long as the reference.
"""

import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHAPTER = "chapters/training"
ROUNDS = 3
LIMIT = 1.5
PATIENCE = 300.0
"""Seconds after which a server that shows nothing counts as broken."""


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / "guide"
        git = ["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(copy)]
        subprocess.run(git, check=True)
        _write_reference(copy)
        print(f"the first build of a clone: {_build(copy, 'mkdocs.yml'):.1f} s", flush=True)
        rows = {"nothing changed": _in_turns(copy, _build), "one word changed": _in_turns(copy, _Server.median_reload)}
    print(f"\n{'seconds':20}{'ours':>8}{'MkDocs':>8}{'ratio':>8}")
    for title, (ours, reference) in rows.items():
        print(f"{title:20}{ours:8.2f}{reference:8.2f}{ours / reference:8.2f}")
    slow = [title for title, (ours, reference) in rows.items() if ours > LIMIT * reference]
    if slow:
        print(f"more than {LIMIT} times the reference: {', '.join(slow)}")
    return 1 if slow else 0


def _write_reference(copy: Path) -> None:
    """A second configuration beside mkdocs.yml that leaves out all that is ours but the Markdown extensions."""
    text = (copy / "mkdocs.yml").read_text("utf-8")
    for left_out in (
        r"^hooks:.*\n",
        r"^watch:.*\n",
        r"^strict:.*\n",  # without labs, links to them lead nowhere
        r"^nav:\n(?:  .*\n)+",
        r"^  - mkdocs-jupyter:\n(?:    .*\n)+",
    ):
        text, count = re.subn(left_out, "", text, flags=re.MULTILINE)
        if count != 1:
            raise SystemExit(f"mkdocs.yml has {count} places like {left_out!r}; the reference leaves out one")
    (copy / "reference.yml").write_text(text, "utf-8")


def _in_turns(copy: Path, measure) -> tuple[float, float]:
    times: dict[str, list[float]] = {"mkdocs.yml": [], "reference.yml": []}
    for _ in range(ROUNDS):
        for config, taken in times.items():
            taken.append(measure(copy, config))
    ours, reference = (statistics.median(taken) for taken in times.values())
    return ours, reference


def _environment(copy: Path) -> dict[str, str]:
    ours = {"PYTHONPATH": str(copy), "NO_MKDOCS_2_WARNING": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    return {name: value for name, value in os.environ.items() if name != "CNNGUIDE_CACHE"} | ours


def _build(copy: Path, config: str) -> float:
    started = time.perf_counter()
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--config-file", config]
    done = subprocess.run(
        [*command, "--site-dir", f"site-{config}"], cwd=copy, env=_environment(copy), capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"the build with {config} failed:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - started


class _Server:
    """`mkdocs serve` on a free port, with a chapter that words are added to."""

    def __init__(self, copy: Path, config: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.page = copy / f"docs/{CHAPTER}.md"
        self.log = copy / "serve.log"
        command = [sys.executable, "-m", "mkdocs", "serve", "--config-file", config, "--dev-addr"]
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                [*command, f"127.0.0.1:{self.port}"], cwd=copy, env=_environment(copy), stdout=out, stderr=out
            )

    @classmethod
    def median_reload(cls, copy: Path, config: str) -> float:
        server = cls(copy, config)
        before = server.page.read_text("utf-8")
        try:
            server.wait_for("<h1")
            times = [server.reload(word) for word in ("albatross", "bittern", "cormorant")]
        finally:
            server.process.terminate()
            server.process.wait(timeout=30)
            server.page.write_text(before, "utf-8")
        return statistics.median(times)

    def reload(self, word: str) -> float:
        time.sleep(1)  # what the last reload woke shall be over
        text = self.page.read_text("utf-8")
        started = time.perf_counter()
        self.page.write_text(f"{text}\nThe {word} is a bird.\n", "utf-8")
        self.wait_for(word)
        return time.perf_counter() - started

    def wait_for(self, text: str) -> None:
        started = time.perf_counter()
        while time.perf_counter() - started < PATIENCE and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{CHAPTER}/") as page:
                    if text in page.read().decode():
                        return
            except (urllib.error.URLError, ConnectionError):
                pass
            time.sleep(0.05)
        raise SystemExit(f"{text!r} did not arrive:\n{self.log.read_text()}")


if __name__ == "__main__":
    sys.exit(main())
