"""What a run of the suite says: how far it is, and at its end in one line how much passed and what was skipped."""

from __future__ import annotations  # the oldest pytest does not export all of these types

import time
from collections import Counter

import pytest

EVERY = 5.0
"""Seconds between two lines of progress."""
PARTS = {  # the first that fits
    "tests/widgets/": "widgets",
    "tests/test_browser.py": "browser",
    "tests/test_every_page.py": "browser",
    "tests/test_publishing.py": "publishing",
    "tests/test_deploys.py": "publishing",
    "tests/test_site.py": "site",
    "tests/test_wrong_pages.py": "site",
    "tests/": "package",
    "cnnguide/": "docstrings",
    "guide/": "docstrings",
    "": "pages",
}


def part_of(nodeid: str) -> str:
    """The part of the suite that a test belongs to."""
    return next(part for start, part in PARTS.items() if nodeid.startswith(start))


class Progress:
    """Lines instead of dots: how many tests of each part are done, of how many, and after how many seconds."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self.terminal, self.started, self.said = terminal, time.monotonic(), 0.0
        self.total: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.failed = 0

    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self.total = Counter(map(part_of, ids))  # the same in every process

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Count as pytest does, without its letters."""
        if report.passed:
            return ("passed" if report.when == "call" else ""), "", ""
        return ("failed" if report.when == "call" else "error", "", "") if report.failed else ("skipped", "", "")

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed += 1
            self.terminal.write_line(f" failed: {report.nodeid}")
        if report.when == "teardown":
            self.done[part_of(report.nodeid)] += 1
            last = self.done.total() == self.total.total()
            if last or time.monotonic() - self.said > EVERY:
                self.said = time.monotonic()
                self.terminal.write_line(self.line())

    def line(self) -> str:
        """One line of progress, such as ` 41 %  62 s  package 800 of 1400, widgets 300 of 750`."""
        running = [
            f"{part} {self.done[part]} of {number}" for part, number in self.total.items() if self.done[part] < number
        ]
        share = self.done.total() / self.total.total()
        failed = f"  {self.failed} failed" if self.failed else ""
        return f"{share:4.0%} {time.monotonic() - self.started:4.0f} s{failed}  {', '.join(running) or 'all done'}"


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if getattr(config.option, "numprocesses", None) and config.get_verbosity() == 0 and terminal:
        config.pluginmanager.register(Progress(terminal), "progress")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(summary(terminalreporter.stats))


def summary(stats: dict[str, list[pytest.TestReport]]) -> str:
    """How many passed, how many did not, and why some were skipped.

    >>> summary({"passed": [None, None]})
    '2 passed, none skipped.'
    """
    numbers = [f"{len(stats[kind])} {kind}" for kind in ("passed", "failed", "error") if stats.get(kind)]
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in stats.get("skipped", []))  # type: ignore[index]
    if not reasons:
        return f"{', '.join(numbers or ['nothing passed'])}, none skipped."
    because = "; ".join(f"{number} because {reason}" for reason, number in reasons.most_common())
    return f"{', '.join(numbers or ['nothing passed'])}, {reasons.total()} skipped: {because}."
