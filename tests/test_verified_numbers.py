"""The ledger: every number with its value, links that lead to it, and no ledger where a number does not hold."""

import re

import pytest

from guide import page_parser, verified_numbers
from guide.repository import Repository
from tests.conftest import ROOT

PAGE = """\
# A page with 2<!-- = conv_output_size(4, 3) --> numbers

```python
n = 7
print("not shown while proving")
```

```pycon
>>> m = 4 * n
>>> m
28
>>> 1 / 0
Traceback (most recent call last):
  ...
ZeroDivisionError: division by zero
```

It leaves **28**<!-- = m --> of [them](b.md) | all. About 0.14<!-- = 1 / n -->.

![All 28<!-- = m --> at once.](a.svg)
"""


@pytest.fixture
def docs(tmp_path):
    folder = tmp_path / "docs"
    (folder / "chapters").mkdir(parents=True)
    (folder / "chapters/page.md").write_text(PAGE, "utf-8")
    (folder / "empty.md").write_text("# Nothing to prove\n", "utf-8")
    return folder


def rows(docs):
    text = (docs / verified_numbers.PAGE).read_text("utf-8")
    return [line for line in text.splitlines() if line.startswith("| **")]


def test_every_number_is_listed_with_sentence_expression_value_and_place(docs):
    assert verified_numbers.write_page(docs) == 4
    first, second, third, fourth = rows(docs)
    assert "| `= conv_output_size(4, 3)` | `2` | [page, line 1](../chapters/page.md#proof-1) |" in first
    assert "| **28** | It leaves 28 of them all. | `= m` | `28` |" in second
    assert "| **0.14** | About 0.14. | `= 1 / n` | `0.142857` | [page, line 18](../chapters/page.md#proof-3) |" in third
    assert "(../chapters/page.md) |" in fourth  # an alt text has no mark to link to
    assert "Nothing to prove" not in (docs / verified_numbers.PAGE).read_text("utf-8")


def test_a_page_runs_again_only_where_its_code_or_its_numbers_have_changed(docs, monkeypatch):
    proven: list[str] = []
    prove = verified_numbers.prove
    monkeypatch.setattr(verified_numbers, "prove", lambda page: proven.append(page.path) or prove(page))
    monkeypatch.delenv("CNNGUIDE_CACHE")
    page = docs / "chapters/page.md"

    def written_after(old, new):
        assert old in page.read_text("utf-8")
        page.write_text(page.read_text("utf-8").replace(old, new), "utf-8")
        proven.clear()
        verified_numbers.write_page(docs)
        return proven

    assert written_after("It", "It") == ["docs/chapters/page.md", "docs/empty.md"]
    before = (docs / verified_numbers.PAGE).read_bytes()
    assert written_after("It", "It") == []
    assert (docs / verified_numbers.PAGE).read_bytes() == before
    assert written_after("It leaves", "A word.\n\nIt leaves") == []
    assert "[page, line 20](../chapters/page.md#proof-3)" in (docs / verified_numbers.PAGE).read_text("utf-8")
    assert written_after("n = 7", "n = 7  # a comment") == []
    assert written_after("m = 4 * n", "m = n * 4") == ["docs/chapters/page.md"]
    assert written_after("About 0.14", "About 0.143") == ["docs/chapters/page.md"]
    verified_numbers.write_page(docs, may_prove=False)
    page.write_text(page.read_text("utf-8").replace("0.143", "0.1429"), "utf-8")
    with pytest.raises(verified_numbers.NotProvenError):
        verified_numbers.write_page(docs, may_prove=False)


def test_a_wrong_number_is_never_taken_for_proven(docs, monkeypatch):
    monkeypatch.delenv("CNNGUIDE_CACHE")
    page = docs / "chapters/page.md"
    page.write_text(page.read_text("utf-8").replace("0.14", "0.15"), "utf-8")
    for _ in range(2):
        with pytest.raises(page_parser.PageError, match="the page says 0.15"):
            verified_numbers.write_page(docs)


def test_with_a_repository_the_line_of_the_source_is_linked(docs):
    verified_numbers.write_page(docs, Repository("github.com", "someone", "guide"))
    assert "([source](https://github.com/someone/guide/blob/main/docs/chapters/page.md#L18))" in rows(docs)[1]


def test_pages_come_in_the_order_of_the_navigation(docs):
    (docs / "a.md").write_text("# A\n", "utf-8")
    (docs / "z.md").write_text("# Z\n", "utf-8")
    (docs.parent / "mkdocs.yml").write_text("nav: [z.md, chapters/page.md]", "utf-8")
    assert [page.name for page in verified_numbers.pages_of(docs)] == ["z.md", "page.md", "a.md", "empty.md"]


def test_an_unchanged_ledger_is_not_written(docs):
    verified_numbers.write_page(docs)
    before = (docs / verified_numbers.PAGE).stat().st_mtime_ns
    verified_numbers.write_page(docs)
    assert (docs / verified_numbers.PAGE).stat().st_mtime_ns == before


def test_exit_in_a_page_does_not_end_the_proving(docs):
    page = docs / "chapters/page.md"
    page.write_text(page.read_text("utf-8").replace("n = 7", "n = 7; exit()"), "utf-8")
    with pytest.raises(page_parser.PageError, match="the code raises SystemExit"):
        verified_numbers.write_page(docs)


def test_titles_and_expressions_survive_whole(docs):
    (docs / "odd.md").write_text(
        "---\n# A comment in the front matter\ntitle: x\n---\n\n```python\n# not a heading\nn = '`'\n```\n\n"
        "# Home { #home }\n\nIt is 1<!-- = len('`' + n) - 1 -->.\n",
        "utf-8",
    )
    verified_numbers.write_page(docs)
    text = (docs / verified_numbers.PAGE).read_text("utf-8")
    assert "## Home\n" in text and "comment in the front" not in text
    assert "`` = len('`' + n) - 1 ``" in text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<!-- = 1 / n -->", "<!-- = 0.14 -->", r"docs/chapters/page.md:18: '0.14' is typed in, not computed"),
        ("**28**<!-- = m -->", "**29**<!-- = m -->", r"docs/chapters/page.md:18: the page says 29 = m, which gives 28"),
        ("<!-- = 1 / n -->", "<!-- = 1 / unknown -->", r"docs/chapters/page.md:18: '1 / unknown' does not evaluate"),
        ("n = 7", "n = seven", r"docs/chapters/page.md:3: the code raises NameError"),
        ("0.14<!-- = 1 / n -->", "0.14", r"docs/chapters/page.md:18: the number 0.14 has no expression"),
    ],
)
def test_a_number_that_does_not_hold_stops_it(docs, old, new, message):
    page = docs / "chapters/page.md"
    page.write_text(page.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(page_parser.PageError, match=message):
        verified_numbers.write_page(docs)
    assert not (docs / verified_numbers.PAGE).exists()


def test_no_page_but_the_ledger_is_excused_from_proving():
    for page in verified_numbers.pages_of(ROOT / "docs"):
        assert page_parser.COPIES_OF_PROVEN_NUMBERS not in page.read_text("utf-8")


def test_the_ledger_of_the_guide_lists_what_the_grammar_reads(tmp_path):
    import shutil

    docs = shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("figures"))
    count = sum(len(page_parser.read(page.read_text("utf-8")).numbers) for page in verified_numbers.pages_of(docs))
    assert verified_numbers.write_page(docs) == count == len(rows(docs)) > 50


def test_links_of_the_built_ledger_lead_to_marks(site):
    """The checker follows them; here: they are there, one for each mark of each page."""
    html = (site / "reference/verified_numbers/index.html").read_text("utf-8")
    links = set(re.findall(r'href="([^"]*#proof-\d+)"', html))
    marks = sum(len(re.findall(r'id="proof-', file.read_text("utf-8"))) for file in site.rglob("index.html"))
    assert len(links) == marks > 50
