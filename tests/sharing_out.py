"""How the tests are shared out to the processes of pytest-xdist: by files, but for those that open a page each."""

from __future__ import annotations  # the oldest pytest does not export all of these types

import pytest
from xdist.scheduler import LoadScopeScheduling

ONE_BY_ONE = ("tests/test_browser.py", "tests/widgets/")
"""Each test opens a page of its own."""
BY_SCHEME = "tests/test_every_page.py"
"""Tests in one colour scheme look at the same visits."""
SLOWEST_FIRST = ("tests/test_publishing.py", BY_SCHEME, "tests/test_deploys.py", "tests/test_wrong_pages.py")
"""What takes long and cannot be divided begins first; otherwise one process would end alone."""


def group(nodeid: str) -> str:
    """Name what must stay in one process: the blocks of a page share a session, and many tests a fixture of their module.

    >>> group("docs/chapters/training.md::line:10,column:1"), group("tests/widgets/test_random.py::test_a[1]")
    ('docs/chapters/training.md', 'tests/widgets/test_random.py::test_a[1]')
    """
    file = nodeid.partition("::")[0]
    if file.startswith(ONE_BY_ONE):
        return nodeid
    if file == BY_SCHEME:
        return f"{file} {'light' if '[light' in nodeid else 'dark'}"
    return file


# xdist has marks for this (`xdist_group`), but with pytest 9.2 it loses them: pytest-dev/pytest-xdist#1386.
class Groups(LoadScopeScheduling):
    """Hands out group after group, in the order of the tests."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Groups:
    config.option.loadscopereorder = False  # the number of tests does not tell how long they take
    return Groups(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a browser or something that is made `once`, so that `make test-fast` can leave it out."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if "browser" in fixtures:
            item.add_marker("browser")
        if fixtures & {"browser", "site", "once"}:
            item.add_marker("site")
    items.sort(key=lambda item: not item.nodeid.startswith(SLOWEST_FIRST))
