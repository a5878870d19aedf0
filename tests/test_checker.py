"""The checker: one broken thing at a time in a small site, and each is found; nothing is found in a sound one."""

import pytest

from guide import checker
from guide.__main__ import main
from guide.checker import check_site

POLICY = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'self'; img-src 'self' data:\">"
PAGE = f"""<!doctype html>
<html lang="en"><head><title>A page</title><meta name="description" content="About it.">{POLICY}
<link rel="stylesheet" href="ROOT/style.css"><link rel="canonical" href="https://someone.example/guide/"></head>
<body><h1 id="top">A page</h1>
<a href="ROOT/other/#part">other</a> <a href="#top">up</a> <a href="https://elsewhere.example/">elsewhere</a>
<a href="ROOT/other/">other</a> <img src="ROOT/a.svg#only-light" alt="a drawing"> <svg><title>An icon</title></svg>
<img src="data:image/png;base64,AA" alt="inline"><script src="ROOT/a.js"></script><h2 id="part">Part</h2>
</body></html>
"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "index.html").write_text(PAGE.replace("ROOT", "."), "utf-8")
    (tmp_path / "other/index.html").write_text(PAGE.replace("ROOT", ".."), "utf-8")
    (tmp_path / "404.html").write_text(PAGE.replace("ROOT", "/guide"), "utf-8")
    (tmp_path / "style.css").write_text("body { background: url('a.svg') }", "utf-8")
    (tmp_path / "a.svg").write_text("<svg/>")
    (tmp_path / "a.js").write_text("")
    return tmp_path


def test_a_sound_site_has_no_problems(site):
    assert check_site(site, "/guide/") == []


def test_a_site_under_another_path_has(site):
    assert any(
        "leads out of the site, which is served under /name/" in problem for problem in check_site(site, "/name/")
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('href="./other/#part"', 'href="./gone/"', "./gone/ leads nowhere"),
        ('href="./other/#part"', 'href="./other/#gone"', "./other/#gone leads to a page without the anchor #gone"),
        ('href="#top"', 'href="#gone"', "#gone leads to a page without the anchor #gone"),
        ('href="./other/#part"', 'href="../outside/"', "../outside/ leads out of the site"),
        ('href="./other/#part"', 'href="other/page.md"', "other/page.md leads nowhere"),
        ('src="./a.svg#only-light"', 'src="b.svg"', "b.svg leads nowhere"),
        ('src="./a.svg#only-light"', 'src=""', "an empty address"),
        ('src="./a.svg#only-light"', 'src="https://x.example/a.svg"', "https://x.example/a.svg is asked from another"),
        ('src="./a.svg#only-light"', 'src="//x.example/a.svg"', "//x.example/a.svg is asked from another host"),
        ('src="./a.svg#only-light"', 'src="a.svg" srcset="b.svg 2x"', "b.svg leads nowhere"),
        ('src="./a.svg#only-light"', 'src="a.svg" srcset="a.svg 1x,gone.svg 2x"', "gone.svg leads nowhere"),
        ('src="./a.js"', 'src="https://x.example/a.js"', "https://x.example/a.js is asked from another host"),
        ('rel="stylesheet" href="./style.css"', 'rel="preconnect" href="https://x.example"', "asked from another host"),
        ("<h2", "<p>//// widget | a_name\n    title: a: b</p><h2", "the block '//// widget | a_name' was not read"),
        ("<h2", '<p style="background: url(https://x.example/a.png)"></p><h2', "asked from another host"),
        ("<h2", "<style>@import 'https://x.example/a.css'</style><h2", "asked from another host"),
        ("<h2", '<iframe src="https://x.example/"></iframe><h2', "asked from another host"),
        ("<h2", '<form action="https://x.example/"></form><h2', "asked from another host"),
        (' lang="en"', "", "does not say its language"),
        ("<title>A page</title>", "", "has no title"),  # the title of the drawing does not count
        ('content="About it."', 'content=""', "has no description"),
        ("<h2", "<h1>Two</h1><h2", "has 2 h1 headings"),
        ('<h1 id="top">A page</h1>', '<p id="top"></p>', "has 0 h1 headings"),
        (' alt="a drawing"', "", "the image ./a.svg#only-light has no alt text"),
        (' alt="a drawing"', ' alt=" "', "the image ./a.svg#only-light has no alt text"),
        ('id="part"', 'id="top"', "the id 'top' is there 2 times"),
        (POLICY, "", "no Content-Security-Policy"),
        ("default-src 'self';", "default-src 'self' *;", "lets default-src reach *"),
        ("default-src 'self';", "default-src 'self'; script-src https:;", "lets script-src reach https:"),
        ("default-src 'self';", "script-src 'self';", "has no default-src"),
        (POLICY, f'<script src="a.js"></script>{POLICY}', "fetches something before its Content-Security-Policy"),
        ("<h2", '<base href="/x/"><h2', "has a base, /x/"),
        ("<h2", '<meta http-equiv="refresh" content="0; url=https://x.example"><h2', "redirects to"),
        ("<h2", '<iframe srcdoc="<p>x</p>"></iframe><h2', "holds another page in srcdoc"),
        ("<h2", '<button formaction="https://x.example/">b</button><h2', "asked from another host"),
        ("<h2", '<a href="#top" ping="https://x.example/">b</a><h2', "asked from another host"),
        ("<h2", '<link rel="apple-touch-icon" href="https://x.example/a.png"><h2', "asked from another host"),
        ("<h2", '<link rel="Stylesheet" href="https://x.example/a.css"><h2', "asked from another host"),
        ("<h2", '<link rel="next" href="gone/"><h2', "gone/ leads nowhere"),
        ("<h2", "<style>@import'https://x.example/a.css'</style><h2", "asked from another host"),
        ("<h2", "<style>p { background: URL(https://x.example/a.png) }</style><h2", "asked from another host"),
        ("<h2", '<style>p { background: image-set("https://x.example/a.png" 1x) }</style><h2', "asked from another"),
        ("<h2", '<a href="http://[x">broken</a><h2', "http://[x is not an address"),
    ],
)
def test_each_fault_is_found(site, old, new, problem):
    file = site / "index.html"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    found = [line for line in check_site(site, "/guide/") if line.startswith("index.html: ")]
    assert any(problem in line for line in found), found


def test_style_sheets_are_followed(site):
    (site / "style.css").write_text("@font-face { src: url(gone.woff2) }", "utf-8")
    assert check_site(site, "/guide/") == ["style.css: gone.woff2 leads nowhere"]
    (site / "style.css").write_text("@import url('https://x.example/a.css');", "utf-8")
    assert check_site(site, "/guide/") == ["style.css: https://x.example/a.css is asked from another host"]


def test_modules_are_followed(site):
    (site / "a.js").write_text(
        "import { a } from './b.js';\nconst c = await import('./c.js'); export { d } from './b.js'", "utf-8"
    )
    (site / "b.js").write_text("export const a = 'https://elsewhere.example/ is only text';\n", "utf-8")
    assert check_site(site, "/guide/") == ["a.js: ./c.js leads nowhere"]


@pytest.mark.parametrize(
    ("script", "gone"),
    [
        ('new Worker(new URL("gone.js", import.meta.url), { type: "module" })', "gone.js"),
        ("load(new  URL( './gone.json', import.meta.url))", "./gone.json"),
        ("const a = '//'; import './gone.js'", "./gone.js"),
        ("const a = b.replace(/[\"'/]*\\/\\//g, `//`); import('./gone.js')", "./gone.js"),
        ("/* import './not.js' */ import './gone.js' // import './neither.js'", "./gone.js"),
    ],
)
def test_workers_and_what_comes_after_comments_are_followed(site, script, gone):
    (site / "a.js").write_text(script, "utf-8")
    assert check_site(site, "/guide/") == [f"a.js: {gone} leads nowhere"]


@pytest.mark.parametrize(
    "comment", ["// import './gone.js'", "/* as in\n import a from './gone.js' */", "// it's\n// from"]
)
def test_an_import_in_a_comment_is_not_followed(site, comment):
    (site / "a.js").write_text(comment, "utf-8")
    assert check_site(site, "/guide/") == []


@pytest.mark.parametrize(
    "srcset",
    ["a.svg", "a.svg 1x,a.svg 2x", "a.svg 1x , a.svg 2x", "data:image/png;base64,AA 1x,a.svg 2x", "a.svg, a.svg 2x,"],
)
def test_every_form_of_srcset_is_read(site, srcset):
    file = site / "index.html"
    file.write_text(file.read_text("utf-8").replace('src="./a.svg', f'srcset="{srcset}" src="./a.svg', 1), "utf-8")
    assert check_site(site, "/guide/") == []


@pytest.mark.parametrize(
    "sound",
    [
        '<img srcset="data:image/png;base64,AA 1x, a.svg 2x" src="a.svg" alt="a">',
        '<link rel="preload" imagesrcset="a.svg 1x" as="image">',
        "<style>/* url(gone.png) */ p { background: url('a.svg') }</style>",
        '<a href="#:~:text=page">to a text</a>',
        '<link rel="license" href="https://creativecommons.example/">',
    ],
)
def test_what_is_sound_is_not_reported(site, sound):
    file = site / "index.html"
    file.write_text(file.read_text("utf-8").replace("<h2", f"{sound}<h2"), "utf-8")
    assert check_site(site, "/guide/") == []


def test_a_site_is_looked_at_again_when_something_in_it_has_changed(site, tmp_path_factory, monkeypatch):
    monkeypatch.delenv("CNNGUIDE_CACHE")
    root, looked = tmp_path_factory.mktemp("project"), []
    monkeypatch.setattr(checker, "check_site", lambda *arguments: looked.append(arguments) or check_site(*arguments))

    def problems(base="/guide/"):
        looked.clear()
        return checker.check_again(site, base, root), bool(looked)

    assert problems() == ([], True)
    assert problems() == ([], False)
    (site / "a.svg").write_text("<svg></svg>")  # nobody reads it
    assert problems() == ([], False)
    (site / "a.svg").unlink()
    found, has_looked = problems()
    assert has_looked and "index.html: ./a.svg#only-light leads nowhere" in found
    assert problems() == (found, False)
    (site / "a.svg").write_text("<svg/>")
    (site / "a.js").write_text("import './gone.js'")
    assert problems() == (["a.js: ./gone.js leads nowhere"], True)
    assert problems("/name/")[1]


def test_an_empty_folder_is_no_site(tmp_path):
    assert "there is no HTML page" in check_site(tmp_path)[0]


def test_the_command_says_what_is_wrong_and_ends_accordingly(site, capsys):
    assert main(["check", str(site), "--base", "/guide/"]) == 0
    (site / "a.svg").unlink()
    assert main(["check", str(site), "--base", "/guide/"]) == 1
    assert "index.html: ./a.svg#only-light leads nowhere" in capsys.readouterr().out


@pytest.mark.parametrize("shown", ["There are 12.", "<b>1</b>2 of them", "<em>3×3</em> and 7", "<td>99 %</td>"])
def test_a_number_that_readers_see_and_nothing_proves_is_found(site, shown):
    page = site / "other/index.html"
    page.write_text(page.read_text("utf-8").replace("<h2", f"<article>{shown}</article><h2"), "utf-8")
    assert any("shows a number that nothing proves" in problem for problem in check_site(site, "/guide/"))


def test_numbers_that_are_marked_named_or_code_are_left_alone(site):
    page = site / "other/index.html"
    sound = (
        '<article><h2 id="a">1. First</h2> A 3×3 kernel of VGG-16 <span class="proven">9</span>, <code>x = 12</code>, '
        "<pre>99</pre> <math><mn>7</mn></math>, as Ioffe and Szegedy (2015) say in section 2.1</article>"
    )
    page.write_text(page.read_text("utf-8").replace("<h2", f"{sound}<h2"), "utf-8")
    assert check_site(site, "/guide/") == []
