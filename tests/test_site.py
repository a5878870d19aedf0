"""The built site, read as HTML."""

import itertools
import re

import html5lib

from tests.conftest import SUB_PATH, git

CHAPTERS = ["channels", "kernel_size", "size_chain", "initialization", "training"]


def parse(file):
    return html5lib.parse(file.read_text("utf-8"), namespaceHTMLElements=False)


def text_of(element):
    return " ".join("".join(element.itertext()).split())


def test_the_home_page_gives_the_five_questions_with_answer_picture_and_link(site):
    html = (site / "index.html").read_text("utf-8")
    *sections, more = re.split(r"<h2 ", html)[1:]
    assert len(sections) == 5
    for page in ("examples/python101/", "five_lines/", "play/", "reference/command/"):
        assert f'href="{page}"' in more
    for number, (section, chapter) in enumerate(zip(sections, CHAPTERS, strict=True), start=1):
        assert re.search(rf">{number}\. .*\?", section), number
        assert f'href="chapters/{chapter}/"' in section
        assert "#only-light" in section and "#only-dark" in section
        (answer, *_) = re.findall(r"<p>(?!<img|<a)(.*?)</p>", section, re.DOTALL)
        assert re.sub("<[^>]*>", "", answer).count(". ") == 0, "one sentence"


def test_chapters_follow_each_other_in_the_order_asked(site):
    for before, after in itertools.pairwise(CHAPTERS):
        html = (site / "chapters" / before / "index.html").read_text("utf-8")
        assert f'<link rel="next" href="../{after}/"' in html
        html = (site / "chapters" / after / "index.html").read_text("utf-8")
        assert f'<link rel="prev" href="../{before}/"' in html


def test_links_are_derived_from_the_remote(site):
    chapter = (site / "chapters/size_chain/index.html").read_text("utf-8")
    assert 'href="https://github.com/someone/guide/edit/main/docs/chapters/size_chain.md"' in chapter
    assert f'<link rel="canonical" href="https://someone.github.io/{SUB_PATH}/chapters/size_chain/"' in chapter
    lab = (site / "examples/shape_arithmetic/index.html").read_text("utf-8")
    assert 'href="https://github.com/someone/guide/edit/main/examples/shape_arithmetic.py"' in lab
    assert "colab.research.google.com/github/someone/guide/blob/gh-pages/" in lab


def test_the_repositorys_badge_asks_nobody(site):
    assert 'data-md-component="source"' not in (site / "index.html").read_text("utf-8")
    assert 'class="md-source"' in (site / "index.html").read_text("utf-8")


def test_the_404_page_helps(site):
    tree = parse(site / "404.html")
    links = {link.get("href") for link in tree.find(".//article").iter("a")}
    assert {f"/{SUB_PATH}/chapters/{chapter}/" for chapter in CHAPTERS} <= links
    assert f"/{SUB_PATH}/" in links


def test_the_search_index_has_every_section_and_no_marks(site):
    import json

    index = json.loads((site / "search/search_index.json").read_text("utf-8"))
    entries = {entry["location"]: entry for entry in index["docs"]}
    assert entries["chapters/size_chain/#posts-and-gaps"]["title"] == "Posts and gaps: why 99 and not 100"
    assert "examples/shape_arithmetic/#a-network-you-know" in entries
    for entry in entries.values():
        assert "<!--" not in entry["text"] and "data-proof" not in entry["text"] and "¶" not in entry["title"]


def test_the_whole_chain_is_on_the_page_as_the_assignment_prints_it(site):
    text = text_of(parse(site / "chapters/size_chain/index.html").find(".//article"))
    chain = " > ".join(f"{size}x{size}" for size in range(199, 0, -2))
    assert chain in text
    assert "Number of 3x3 convolutions = 99" in text


def test_no_page_carries_its_proofs_as_comments(site):
    for page in site.rglob("*.html"):
        assert not re.search(r"<!--\s*[=<>]", page.read_text("utf-8")), page


def test_no_account_is_named_in_the_project(project):
    """Addresses come from the remote alone."""
    named = re.compile(r"git(?:hub|lab)\.(?:com|io)[/:](?!\.\.\.)[\w-]+|[\w-]+\.git(?:hub|lab)\.io", re.IGNORECASE)
    for name in git("ls-files", cwd=project).splitlines():
        if name.startswith("tests/") or name.endswith((".woff2", ".npz", "LICENSE_FONTS", "package-lock.json")):
            continue
        text = (project / name).read_text("utf-8")
        for found in named.finditer(text):
            made_up = name == "guide/repository.py" and "someone" in found[0]  # its doctest
            assert made_up, f"{name}: {found[0]}"
