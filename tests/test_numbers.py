"""The number marks: which HTML comes of a proven number, wherever it stands."""

import re

import markdown
import pytest

from tests.conftest import ROOT

EXTENSIONS = [
    "admonition", "attr_list", "footnotes", "md_in_html", "tables", "toc", "pymdownx.details", "pymdownx.superfences",
    "pymdownx.blocks.caption", "pymdownx.snippets", "pymdownx.tabbed", "guide.numbers",
]  # fmt: skip


def render(text: str) -> str:
    settings = {"pymdownx.tabbed": {"alternate_style": True}, "pymdownx.snippets": {"base_path": [str(ROOT)]}}
    return markdown.markdown(text, extensions=EXTENSIONS, extension_configs=settings)


MARK = re.compile(r'<span class="proven" id="proof-(\d+)" title="([^"]*)" data-proof="\2">')


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("leaves **28**<!-- = x --> places", "<p>leaves MARK<strong>28</strong></span> places</p>"),
        ("leaves 28<!-- = x --> places", "<p>leaves MARK28</span> places</p>"),
        ("_28_<!-- = x -->", "<p>MARK<em>28</em></span></p>"),
        ("`28`<!-- = x -->", "<p>MARK<code>28</code></span></p>"),
        ("**all 28**<!-- = x -->.", "<p><strong>all MARK28</span></strong>.</p>"),
        ("- 28<!-- = x -->", "<li>MARK28</span></li>"),
        ("> 28<!-- = x -->", "<p>MARK28</span></p>"),
        ("| a |\n|---|\n| 28<!-- = x --> |", "<td>MARK28</span></td>"),
        ('!!! note "Why 28<!-- = x -->"\n    text', '<p class="admonition-title">Why MARK28</span></p>'),
        ('??? note "Why 28<!-- = x -->"\n    text', "<summary>Why MARK28</span></summary>"),
        ('=== "28<!-- = x -->"\n\n    text', "MARK28</span></label>"),
        ("[28<!-- = x --> of them](a.md)", '<a href="a.md">MARK28</span> of them</a>'),
    ],
)
def test_a_proven_number_is_marked_wherever_it_stands(text, wanted):
    html = render(text)
    assert len(MARK.findall(html)) == 1, html
    assert wanted in MARK.sub("MARK", html)
    assert "<!--" not in html


def test_expressions_survive_markup_whole():
    expression = "max([a_b[0], c * d, 'x|y'], key=len)[-1] ** 2 < `5`"
    html = render(f"**28**<!-- = {expression} -->")
    ((_, proof),) = MARK.findall(html)
    from html import unescape

    assert unescape(proof) == f"= {expression}"


def test_headings_keep_clean_anchors_and_titles():
    md = markdown.Markdown(extensions=EXTENSIONS, extension_configs={"pymdownx.tabbed": {"alternate_style": True}})
    html = md.convert("## Why 99<!-- = n --> and not 100<!-- = n + 1 -->")
    assert '<h2 id="why-99-and-not-100">' in html
    (token,) = md.toc_tokens
    assert re.sub("<[^>]*>", "", token["name"]) == "Why 99 and not 100"


def test_alt_texts_lose_their_comments():
    html = render("![a chain of 99<!-- = n --> steps](a.svg)")
    assert html == '<p><img alt="a chain of 99 steps" src="a.svg" /></p>'


def test_numbers_are_counted_through_the_page_with_the_alt_texts():
    html = render("1<!-- = a -->\n\n![2<!-- = b -->](a.svg)\n\n3<!-- = c -->")
    assert [match[0] for match in MARK.findall(html)] == ["1", "3"]


def test_code_is_left_alone():
    html = render("```text\n28<!-- = x -->\n```\n\nand `28<!-- = x -->`")
    assert not MARK.search(html)
    assert html.count("&lt;!-- = x --&gt;") == 2


def test_snippets_with_prompts_in_them_do_not_confuse_the_grammar():
    html = render('```python\n--8<-- "cnnguide/shapes.py:conv_chain"\n```\n\n28<!-- = x -->')
    assert "def" in html and len(MARK.findall(html)) == 1


def test_a_page_that_cannot_stand_stops_the_build():
    with pytest.raises(ValueError, match="the number 28 has no expression"):
        render("leaves 28 places")
