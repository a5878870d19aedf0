"""The grammar of a page: what it reads, and that it refuses, with file and line, what it cannot prove."""

import math
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from guide import page_parser
from guide.page_parser import Block, Number, PageError, Snippet


def numbers(text: str) -> list[Number]:
    return page_parser.read(text).numbers


def refusal(text: str) -> str:
    with pytest.raises(PageError) as caught:
        page_parser.read(text, "docs/page.md")
    return str(caught.value)


# Fences


@pytest.mark.parametrize(
    "info",
    ["python", " python", 'python title="x.py"', 'python hl_lines="2"', "{ .python .annotate }", '{.python title="a"}'],
)
def test_every_way_to_write_a_python_fence_runs(info):
    (block,) = page_parser.read(f"```{info}\nx = 1\n```\n").parts
    assert (block.language, block.source) == ("python", "x = 1\n")


@pytest.mark.parametrize("info", ["pycon", ' pycon title="Session"', "{ .pycon .no-copy }"])
def test_every_way_to_write_a_session_is_compared(info):
    (block,) = page_parser.read(f"```{info}\n>>> 1 + 1\n2\n```\n").parts
    assert (block.language, block.source) == ("pycon", ">>> 1 + 1\n2\n")


@pytest.mark.parametrize(
    "opening",
    ["- item\n\n    ", '=== "Tab"\n\n    ', '!!! note "Title"\n\n    ', '??? question "Q"\n\n    ', "1. one\n\n    "],
)
def test_fences_inside_lists_tabs_and_admonitions_are_found(opening):
    text = f"{opening}```python\n    if True:\n        x = 1\n    ```\n"
    (block,) = page_parser.read(text).parts
    assert block.source == "if True:\n    x = 1\n"
    assert block.line == 3


def test_fences_in_quotes_and_of_tildes_are_found():
    quoted, tildes = page_parser.read("> ```python\n> x = 1\n> ```\n\n~~~python\ny = 2\n~~~\n").parts
    assert (quoted.source, tildes.source) == ("x = 1\n", "y = 2\n")


@pytest.mark.parametrize("language", page_parser.INERT)
def test_inert_fences_are_shown_and_claim_nothing(language):
    assert page_parser.read(f"```{language}\nanything 42\n```\n").parts == []


@pytest.mark.parametrize("language", ["py", "python3", "console", "javascript", ""])
def test_an_unknown_fence_is_refused(language):
    message = refusal(f"text\n\n```{language}\nx\n```\n")
    assert message.startswith("docs/page.md:3: ")
    assert "python (run), pycon (compared)" in message


def test_prompts_and_language_must_agree():
    assert "a python fence with >>> prompts" in refusal("```python\n>>> 1\n1\n```\n")
    assert "a pycon fence without a >>> prompt" in refusal("```pycon\nx = 1\n```\n")
    assert "a python fence with >>> prompts" in refusal("```python\n# first a comment\n>>> 1\n```\n")


def test_a_fence_that_never_ends_is_refused():
    assert refusal("a\n```python\nx = 1\n").startswith("docs/page.md:2: this fence never ends")


@pytest.mark.parametrize("text", ["<!-- skip: next -->", "<!-- invisible-code-block: python\nx = 1\n-->"])
def test_nothing_is_hidden_and_nothing_is_skipped(text):
    assert "skips and hides nothing" in refusal(text)


def test_a_fence_inside_a_comment_is_hidden_code():
    assert "a fence inside a comment" in refusal("<!--\n```python\nx = 99\n```\n-->\n")


@pytest.mark.parametrize(
    "session",
    [
        ">>> 1 + 1  # doctest: +SKIP\n500\n",
        ">>> 1 + 1  # doctest: +ELLIPSIS\n...\n",
        "500 lies before\n>>> 1\n1\n",
        ">>> 1\n1\n\n700 lies after\n",
    ],
)
def test_nothing_in_a_session_escapes_comparison(session):
    message = refusal(f"```pycon\n{session}```\n")
    assert "doctest directive" in message or "belongs to no prompt" in message


@pytest.mark.parametrize(
    "text",
    [
        "```text foo bar\nx\n```\n",
        "``` text title=x\nx\n```\n",
        "```python foo\nx\n```\n",
        "- ```python\n  x\n  ```\n",
        "> ```python\n> x = 1\n```\n",
        '```text\n-8<- "a.py"\n```\n',
        "Look:\n\n    import nonsense\n    nonsense.run()\n",
    ],
)
def test_what_the_site_would_read_otherwise_is_refused(text):
    assert refusal(text).startswith("docs/page.md:")


# Snippets


def test_a_lone_snippet_is_a_snippet_whatever_the_fence():
    (snippet,) = page_parser.read('```python title="shapes"\n--8<-- "cnnguide/shapes.py:conv_chain"\n```\n').parts
    assert (snippet.path, snippet.section) == ("cnnguide/shapes.py", "conv_chain")


def test_a_snippet_among_other_code_or_outside_a_fence_is_refused():
    assert "is alone in its fence" in refusal('```python\nx = 1\n--8<-- "a.py:b"\n```\n')
    assert "outside a fence" in refusal('--8<-- "a.py:b"\n')


def test_a_snippet_needs_its_file_and_both_markers(tmp_path):
    (tmp_path / "code.py").write_text(
        "# --8<-- [start:good]\nx = 1\n# --8<-- [end:good]\n# --8<-- [start:open]\n", "utf-8"
    )

    def check(path, section):
        page_parser.check_snippet(Snippet(path, section, line=7, start=0, end=1), "docs/page.md", tmp_path)

    check("code.py", None)
    check("code.py", "good")
    with pytest.raises(PageError, match=r"docs/page.md:7: .*missing.py, which does not exist"):
        check("missing.py", None)
    with pytest.raises(PageError, match=r"\[end:open\]'? exactly once"):
        check("code.py", "open")
    with pytest.raises(PageError, match=r"\[start:goo\]"):
        check("code.py", "goo")


# Numbers


@pytest.mark.parametrize(
    "text",
    [
        "leaves **28**<!-- = 4 * 7 --> positions",
        "# Why 28<!-- = 4 * 7 -->",
        "| a | 28<!-- = 4 * 7 --> |\n|---|---|\n",
        "- 28<!-- = 4 * 7 -->",
        "1. 28<!-- = 4 * 7 -->",
        '=== "28<!-- = 4 * 7 --> tabs"\n',
        '!!! note "Why 28<!-- = 4 * 7 -->"\n',
        '=== "Tab"\n\n    28<!-- = 4 * 7 --> inside a tab',
        "1. one\n\n    28<!-- = 4 * 7 --> inside a list",
        "_28_<!-- = 4 * 7 -->",
        "`28`<!-- = 4 * 7 -->",
        "all of **the 28**<!-- = 4 * 7 -->",
        "28<!--= 4\n* 7-->",
        "[28<!-- = 4 * 7 --> of them](other.md)",
        "> quoted 28<!-- = 4 * 7 -->",
        "(28<!-- = 4 * 7 -->)",
    ],
)
def test_a_proven_number_is_read_wherever_it_stands(text):
    (number,) = numbers(text)
    assert (number.shown, number.operator, number.expression) == ("28", "=", "4 * 7")
    assert not number.in_alt_text
    assert page_parser.problem_with(number, page_parser.evaluate(number, {})) is None


def test_numbers_in_alt_texts_are_proven_too():
    (number,) = numbers(
        "![a chain of 99<!-- = len(conv_chain(199)[1:]) --> steps](../figures/a-light.svg){ width=300 }"
    )
    assert number.in_alt_text
    assert "the number 99 has no expression" in refusal("![a chain of 99 steps](a.svg)")


@pytest.mark.parametrize(
    "text",
    [
        "leaves 28 positions",
        "# Why 28",
        "| 28 |\n|---|\n",
        "- 28 of them",
        '=== "28"',
        '!!! note "28"',
        "![28](a.svg)",
        "`28`",
        "a 28x larger",
        "28%",
        "two of 28<!-- a comment -->",
        "about -28.5",
        "28 × 28",
        "99×9",
        "28×28 positions",
        "a 12x12 map",
        "1,000",
        "2048 channels",
        "2000 images",
        "in 2000 steps",
        "table 500 of them",
        "page 99 times",
        "roughly-99 steps",
        "a99 times",
        "the set {1, 2, 500} and {500 pixels}",
        "a<b 500 <i>x</i>",
        "[500]: it is many",
        "\\`500 px\\`",
        "It takes\n99. So there.",
        "½ of them",
        "10² of them",
        '<img src="a.svg" alt="all 500 pixels">',
        '[a](b.md "all 500 pixels")',
        '![a](b.png "all 500 pixels")',
        '[a](b.md){ title="all 500 pixels" }',
        "224x224x3",
    ],
)
def test_a_number_without_its_expression_is_refused_with_file_line_and_remedy(text):
    message = refusal(f"first line\n\n{text}\n")
    assert re.match(r"docs/page\.md:[34]: the number ", message)
    assert "<!-- = expression -->" in message or "where no proof is possible" in message


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: About 99<!-- = n --> things\n---\n",
        "$n = 9<!-- = n -->$",
        '<img alt="99<!-- = n -->">',
        '[a](b.md "99<!-- = n -->")',
        '# T { title="99<!-- = n -->" }',
    ],
)
def test_a_proof_where_no_mark_can_stand_is_refused(text):
    assert "no mark is possible there" in refusal(text)


@pytest.mark.parametrize("text", ["![the [first] 99<!-- = n -->](a.svg)", "![alt 99<!-- = n -->][ref]"])
def test_alt_texts_with_brackets_and_references_are_alt_texts(text):
    (number,) = numbers(text)
    assert number.in_alt_text


@pytest.mark.parametrize("after", ["⁶", "k", "e5", "½", "0"])
def test_nothing_behind_the_proof_changes_the_number(after):
    assert "changes the number 10" in refusal(f"10<!-- = n -->{after}")


@pytest.mark.parametrize("sign", ["&minus;", "–"])
def test_a_sign_that_is_no_minus_is_refused(sign):
    assert "is not a minus" in refusal(f"it is {sign}5<!-- = n -->")


@pytest.mark.parametrize("dash", ["-", "–"])
def test_a_range_has_two_numbers(dash):
    assert [number.shown for number in numbers(f"5<!-- = n -->{dash}10<!-- = m -->")] == ["5", "10"]


@pytest.mark.parametrize(
    "text",
    [
        "3×3 and 1x7 kernels, 31×31, 199×199, 224×224",
        "VGG-16, ResNet-50 v1.5, Conv2d, float32, L2, Inception v2, a 32-bit number",
        "Krizhevsky et al. (2012), table 1, section 2.3, equations 10 and 14, arXiv:1409.1556v6",
        "Table 3 of He et al. (2015a), Sections 2–4, tables 1, 2 and 3, equation (10)",
        "(He et al., 2015) in 1968, in the 1990s, NumPy 2.4",
        "a &#215; b&nbsp;c",
        "<!-- clearly a comment about skipping 42 steps -->",
        "question 3, Python 3.11+",
        "`conv_chain(199)` and ``a ` 1``",
        "$o = (i + 2p - k) / s + 1$ and\n\n$$\n2^n\n$$\n",
        "[text](https://example.org/2019/199) <https://example.org/1> https://example.org/123",
        "note[^1]\n\n[^1]: said there\n\n[x]: y-199.md\n",
        '<div class="a1" style="width: 300px"></div>',
        "## Heading { #why-99 }",
        "1. first\n2. second\n",
        "## 1. First question\n",
        "---\ntitle: Sizes\n---\n\ntext",
        "<!-- a comment about 42 -->",
        "a 2-D array",
    ],
)
def test_declared_names_addresses_and_markup_claim_nothing(text):
    assert numbers(text) == []


def test_front_matter_and_formulas_hold_no_claims():
    assert "front matter" in refusal("---\ndescription: all 99 of them\n---\n")
    for formula in ("$n = 99$", r"$\alpha = 0.1$", "$9.9$", "$1 0 0$"):
        assert "in the formula" in refusal(f"a formula {formula}")


@pytest.mark.parametrize("comment", ["<!-- = -->", "<!-- == 3 -->", "<!-- ≤ 3 -->", "<!-- <= 3 -->"])
def test_a_proof_of_unknown_form_is_refused(comment):
    assert "is not of a known form" in refusal(f"3{comment}")


def test_a_proof_without_a_number_is_refused():
    assert "no number before the proof" in refusal("many<!-- = 3 -->")
    assert "no number before the proof" in refusal("3 <!-- = 3 -->")


def test_the_sentence_and_the_line_of_a_number_are_kept():
    (number,) = numbers("First.\n\nIt is long. There are **28**<!-- = 28 --> of [them](x.md),\nwrapped. Then more.\n")
    assert number.line == 3
    assert number.sentence == "There are 28 of them, wrapped."


@pytest.mark.parametrize(
    ("shown", "operator", "value", "holds"),
    [
        ("28", "=", 28, True),
        ("28", "=", 29, False),
        ("28", "=", 28.0, True),
        ("28", "=", 28.2, False),  # integers exactly: write round(...) if rounding is meant
        ("39,601", "=", 199**2, True),
        ("-8", "=", -8, True),
        ("−8", "=", -8, True),
        ("0.56", "=", 0.5649, True),
        ("0.56", "=", 0.5651, False),
        ("3.60", "=", 3.6, True),
        ("81%", "=", 0.8148, True),
        ("81 %", "=", 0.8149, True),
        ("81%", "=", 0.8251, False),
        ("3.1%", "=", 0.0313, True),
        ("1.4e-92", "=", 1.42e-92, True),
        ("1.4e-92", "=", 1.5e-92, False),
        ("40", "<", 41, True),
        ("40", "<", 40, False),
        ("40", ">", 39.5, True),
        ("40", ">", 40, False),
        ("28", "=", np.int64(28), True),
        ("0.5", "=", np.float32(0.5), True),
        ("28", "=", "28", False),
        ("1", "=", True, False),
        ("0.5", "=", math.nan, False),
        ("0.5", "<", math.inf, False),
        ("0.1", "<", 0.1, False),  # a strict bound is not decided by the binary neighbour of a tenth
        ("95 %", ">", 0.95, False),
        ("28&nbsp;%", "=", 0.28, True),
        ("5", "<", 10**400, False),  # too loose
        ("5", ">", 10**400, False),
        ("1e999", ">", 5, False),  # too loose
        ("6", "<", 11.9, True),
        ("6", "<", 12.1, False),
        ("6", ">", 3.1, True),
        ("6", ">", 2.9, False),
        ("0.5", "=", Decimal("0.5"), True),
        ("0.5", "=", Fraction(1, 2), True),
    ],
)
def test_comparison(shown, operator, value, holds):
    (number,) = numbers(f"{shown}<!-- {operator} x -->")
    assert (page_parser.problem_with(number, value) is None) == holds


def test_an_expression_sees_the_page_the_package_and_math():
    (number,) = numbers("9<!-- = n + math.floor(conv_output_size(9, kernel=3) / 7) -->")
    assert page_parser.evaluate(number, {"n": 8}) == 9


def test_parts_come_in_the_order_of_the_page():
    text = "2<!-- = n -->\n\n```python\nn = abs(-3)\n```\n\n3<!-- = n -->\n"
    assert [type(part) for part in page_parser.read(text).parts] == [Number, Block, Number]


LITERALS = """```python
n = abs(-3)
rule = SGD(lr=0.05)
width = 256
```

```pycon
>>> depth = 9
```

"""


@pytest.mark.parametrize("expression", ["width", "depth", "rule.lr"])
def test_a_literal_that_is_read_back_is_a_given_and_says_so(expression):
    (*_, number) = page_parser.read(f"{LITERALS}64<!-- given {expression} -->\n").numbers
    assert (number.operator, number.expression) == ("given", expression)
    with pytest.raises(PageError, match=r"page:11: .* read back, which proves nothing; say that it is given"):
        page_parser.read(f"{LITERALS}64<!-- = {expression} -->\n")


@pytest.mark.parametrize(
    "expression", ["n", "width * depth", "conv_output_size(width, 3)", "unheard_of", "rule.momentum"]
)
def test_what_is_computed_is_not_given(expression):
    page_parser.read(f"{LITERALS}64<!-- = {expression} -->\n")
    with pytest.raises(PageError, match=r"is not given: no block above binds it to a literal"):
        page_parser.read(f"{LITERALS}64<!-- given {expression} -->\n")


def test_a_name_that_is_bound_again_is_given_no_more():
    again = "```python\nwidth = depth * 2\n```\n\n"
    page_parser.read(f"{LITERALS}{again}18<!-- = width -->\n")
    with pytest.raises(PageError, match="is not given"):
        page_parser.read(f"{LITERALS}{again}18<!-- given width -->\n")


def test_a_given_is_compared_too():
    (number,) = page_parser.read(f"{LITERALS}63<!-- given width -->\n").numbers
    assert "the page says 63 given width, which gives 64" in page_parser.problem_with(number, 64)


@pytest.mark.parametrize(
    "hidden", ["&#49;&#50; of them", "&#x31; of them", "&frac12; of them", "x in 2000 of them", "we need questions 512"]
)
def test_numbers_in_disguise_are_refused(hidden):
    with pytest.raises(PageError, match=r"is a number in disguise|has no expression"):
        page_parser.read(f"There are {hidden}.\n")


def test_signs_that_only_python_takes_for_line_ends_change_neither_lines_nor_code():
    text = "a\u2028b\u0085c\fd\n\n- item\n\n    ```python\n    s = 'x\u2028yz'\n    ```\n\n12\n"
    with pytest.raises(PageError, match=r"page:9: the number 12"):
        page_parser.read(text)
    (block,) = page_parser.read(text.replace("\n12\n", "\n")).parts
    assert block.source == "s = 'x\u2028yz'\n" and block.line == 5


@pytest.mark.parametrize("expression", ["28", "4 * 7", "0.95", "'a' < 'b'"])
def test_an_expression_of_numbers_alone_proves_nothing(expression):
    (number,) = numbers(f"28<!-- = {expression} -->")
    assert "is typed in, not computed" in page_parser.names_nothing(number)


def test_an_expression_that_computes_from_something_does():
    (number,) = numbers("28<!-- = conv_output_size(32, kernel=5) -->")
    assert page_parser.names_nothing(number) is None
