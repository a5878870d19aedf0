"""The page parser under Sybil: blocks run, outputs and numbers are compared, failures name file, line and remedy."""

from pathlib import Path

import pytest
from sybil import Sybil
from sybil.example import SybilFailure

from tests.chapter_parsers import parse_fences, parse_page


def run(tmp_path: Path, text: str, parser=parse_page) -> int:
    """Evaluate every example of a page; return how many there were."""
    file = tmp_path / "page.md"
    file.write_text(text, "utf-8")
    examples = list(Sybil(parsers=[parser], pattern="*.md").parse(file).examples())
    for example in examples:
        example.evaluate()
    return len(examples)


def failure(tmp_path: Path, text: str) -> str:
    with pytest.raises(SybilFailure) as caught:
        run(tmp_path, text)
    return str(caught.value)


def test_blocks_sessions_and_numbers_share_one_namespace(tmp_path):
    text = "```python\nn = 3\n```\n\n```pycon\n>>> n + 1\n4\n>>> m = n * 2\n```\n\nIt is **6**<!-- = m -->.\n"
    assert run(tmp_path, text) == 4


def test_a_python_block_that_raises_fails_at_its_line(tmp_path):
    with pytest.raises(ZeroDivisionError) as caught:
        run(tmp_path, "text\n\n```python\nx = 1\ny = x / 0\n```\n")
    assert caught.traceback[-1].lineno + 1 == 5


@pytest.mark.parametrize(
    "text",
    [
        "```pycon\n>>> 1 + 1\n3\n```\n",
        '```pycon title="A title"\n>>> 1 + 1\n3\n```\n',
        "``` { .pycon .annotate }\n>>> 1 + 1\n3\n```\n",
        '=== "Tab"\n\n    ```pycon\n    >>> 1 + 1\n    3\n    ```\n',
        "!!! note\n\n    ```pycon\n    >>> 1 + 1\n    3\n    ```\n",
        "- item\n\n    ```pycon\n    >>> 1 + 1\n    3\n    ```\n",
        "> ```pycon\n> >>> 1 + 1\n> 3\n> ```\n",
    ],
)
def test_a_wrong_output_fails_wherever_it_stands(tmp_path, text):
    message = failure(tmp_path, text)
    assert "Expected:\n    3" in message
    assert "Got:\n    2" in message


def test_several_sessions_in_an_indented_fence_have_their_own_places(tmp_path):
    assert (
        run(
            tmp_path,
            "- a\n\n    ```pycon\n    >>> x = 1\n    >>> for i in range(2):\n    ...     i\n    0\n    1\n    ```\n",
        )
        == 2
    )


def test_an_expected_error_is_declared_as_a_traceback(tmp_path):
    text = "```pycon\n>>> 1 / 0\nTraceback (most recent call last):\n  ...\nZeroDivisionError: division by zero\n```\n"
    assert run(tmp_path, text) == 1


def test_a_wrong_number_says_where_and_what(tmp_path):
    message = failure(tmp_path, "a\n\nIt leaves **29**<!-- = conv_output_size(32, kernel=5) -->.\n")
    assert "page.md:3: the page says 29 = conv_output_size(32, kernel=5), which gives 28; correct the page" in message


def test_an_expression_that_does_not_evaluate_says_where_and_what_to_do(tmp_path):
    message = failure(tmp_path, "a\nb 3<!-- = unknown_name + 1 -->\n")
    assert "page.md:2: the expression 'unknown_name + 1' does not evaluate: NameError" in message
    assert "define its names in a code block above" in message


def test_a_broken_snippet_fails(tmp_path):
    assert run(tmp_path, '```python\n--8<-- "cnnguide/shapes.py"\n```\n') == 1
    with pytest.raises(ValueError, match="does not hold the marker"):
        run(tmp_path, '```python\n--8<-- "cnnguide/shapes.py:no_such_section"\n```\n')


def test_a_page_that_cannot_stand_fails_at_collection(tmp_path):
    with pytest.raises(ValueError, match=r"page.md:1: unknown fence 'py'"):
        run(tmp_path, "```py\nx = 1\n```\n")
    with pytest.raises(ValueError, match=r"page.md:1: the number 42 has no expression"):
        run(tmp_path, "42 is the answer\n")


def test_pages_about_the_project_prove_their_fences_only(tmp_path):
    assert run(tmp_path, "Needs 2 cores.\n\n```pycon\n>>> 1\n1\n```\n", parse_fences) == 1
    with pytest.raises(ValueError, match="unknown fence"):
        run(tmp_path, "```py\n1\n```\n", parse_fences)
