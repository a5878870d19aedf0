"""Formulas: converted while the site is built, refused by name where the converter would publish something broken."""

from pathlib import Path

import markdown
import pytest

from guide.fonts import SIGNS, SUBSET
from guide.mathematics import FormulaError, to_mathml
from tests.conftest import ROOT


def render(text: str) -> str:
    return markdown.markdown(
        text,
        extensions=["tables", "toc", "pymdownx.arithmatex", "guide.mathematics"],
        extension_configs={"pymdownx.arithmatex": {"generic": True}},
    )


def tags(latex: str) -> list[str]:
    return [element.tag for element in to_mathml(latex, display=True).iter()]


def test_inline_and_display():
    inline = render("so $n - 1$ is")
    assert '<p>so <span class="formula"><math' in inline
    assert 'display="inline"' in inline and "\\(" not in inline
    display = render("$$\n\\frac{a}{b}\n$$").replace("\n", "")
    assert '<div aria-label="formula" class="formula" role="group" tabindex="0"><math' in display
    assert 'display="block"' in display and "<mfrac>" in display


@pytest.mark.parametrize(
    ("latex", "tag"),
    [
        (r"\frac{a}{b}", "mfrac"),
        (r"\sqrt{2 / n}", "msqrt"),
        (r"x_{i+1}^2", "msubsup"),
        (r"\sum_{i=1}^{n} x_i", "munderover"),
        (r"\left\lfloor \frac{a}{b} \right\rfloor", "mo"),
        (r"\begin{bmatrix} 0 & 1 \\ 1 & 0 \end{bmatrix}", "mtable"),
        (r"\begin{cases} x & x > 0 \\ 0 & \text{otherwise} \end{cases}", "mtable"),
        (r"\begin{align*} a &= b \\ c &= d \end{align*}", "mtable"),
        (r"\operatorname{Var}(w) = \sigma^2", "msup"),
    ],
)
def test_what_chapters_need_is_converted(latex, tag):
    assert tag in tags(latex)


@pytest.mark.parametrize(
    "latex",
    [
        r"\undefinedcommand{x}",
        r"\begin{aligned} a &= b \\ c &= d \end{aligned}",
        r"\begin{gathered} a \\ b \end{gathered}",
        r"a & b",
        r"a \\ b",
        r"\frac{a}",
        r"\text{costs $5}",
        r"\left( a",
        "",
        r"\operatorname*{arg\,max}_x",
        r"\operatorname{fan\_in}",
        r"\begin{align*} a &= b \\[4pt] c &= d \end{align*}",
        "a}",
        "{a",
        r"\begin{foo} a \end{foo}",
        r"\newcommand{\R}{x}",
        r"\def\a{b}",
        r"\left<x\right>",
        r"\boldsymbol{w}",
        r"\mathbf{w}",
        r"\mathrm{d}x",
        r"\cancel{x}",
        r"a\!b",
    ],
)
def test_a_formula_that_cannot_be_converted_is_named(latex):
    with pytest.raises(FormulaError, match="cannot be converted") as caught:
        to_mathml(latex)
    assert repr(latex) in str(caught.value)


def test_it_stops_the_build():
    with pytest.raises(FormulaError, match=r"undefinedcommand"):
        render(r"text $\undefinedcommand{x}$ text")


@pytest.mark.parametrize("text", ["![side $n$](a.svg)", '[x](y "a $k$")', "a\n$$\nx\n$$ b"])
def test_a_formula_that_is_not_converted_stops_the_build(text):
    with pytest.raises(FormulaError, match="where none is possible|outside of a formula"):
        render(text)


def test_dollars_in_code_are_code():
    assert "$$" in render("`echo $$`")


def test_signs_that_html_reserves_are_escaped():
    assert "<mo>&lt;</mo>" in render("$a < b$")


def test_the_committed_font_has_every_sign_and_the_forms_of_large_brackets():
    from fontTools.ttLib import TTFont

    font = TTFont(ROOT / SUBSET)
    assert not {sign for sign in SIGNS if ord(sign) not in font.getBestCmap()}
    assert "MATH" in font
    assert (ROOT / SUBSET).stat().st_size < 82_000
    assert (ROOT / SUBSET).with_name("GUST-FONT-LICENSE.txt").is_file()


def test_every_sign_of_every_formula_is_in_the_font(site: Path):
    import html5lib

    seen = 0
    for page in site.rglob("*.html"):
        tree = html5lib.parse(page.read_text("utf-8"), namespaceHTMLElements=False)
        for formula in tree.iter("{http://www.w3.org/1998/Math/MathML}math"):
            seen += 1
            text = "".join(formula.itertext())
            missing = {sign for sign in text if sign not in SIGNS and not sign.isspace()}
            assert not missing, f"{page}: {missing} in {text}; CONTRIBUTING says how to add a sign"
    assert seen > 5
