"""The built site in Chromium, served under a sub-path: accessible, self-contained, and usable by pointer and keyboard."""

import doctest
import json
import re
import subprocess
import sys


def test_the_browser_itself_would_refuse_another_host(open_page):
    tab = open_page()
    refused = tab.evaluate(
        """async () => {
            const blocked = [];
            const all = new Promise((resolve) => document.addEventListener("securitypolicyviolation", (event) => {
                if (blocked.push(event.blockedURI) === 3) resolve();
            }));
            const image = new Image(); image.src = "https://elsewhere.example/a.png";
            const script = document.createElement("script"); script.src = "https://elsewhere.example/a.js";
            document.head.append(script);
            await fetch("https://elsewhere.example/data").catch(() => {});
            await Promise.race([all, new Promise((resolve) => setTimeout(resolve, 10_000))]);
            return blocked.length;
        }"""
    )
    assert refused == 3


def test_the_scheme_can_be_switched_and_the_figures_follow(open_page):
    tab = open_page("chapters/size_chain/", "light")
    shown = ".md-content img[src*='posts_and_gaps']"
    visible = lambda: [i.get_attribute("src") for i in tab.query_selector_all(shown) if i.is_visible()]  # noqa: E731
    assert "light" in visible()[0]
    tab.click("label[title='Switch to the dark scheme']")
    tab.locator("body[data-md-color-scheme=slate]").wait_for()
    assert len(visible()) == 1 and "dark" in visible()[0]


def test_figures_are_printed_light(open_page):
    tab = open_page("chapters/size_chain/", "dark")
    tab.emulate_media(media="print", color_scheme="dark")
    for image in tab.query_selector_all(".md-content img[src*='figures/']"):
        assert image.is_visible() == ("-light.svg" in image.get_attribute("src"))


def test_the_copy_button_gives_code_without_prompts_and_outputs(open_page):
    tab = open_page("chapters/size_chain/", permissions=["clipboard-read", "clipboard-write"])
    block = tab.locator("div.highlight", has_text="len(sizes) - 1").first
    assert ">>>" in block.inner_text()
    block.hover()
    block.locator("button.md-code__button, button.md-clipboard").first.click()
    copied = tab.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == ("sizes = [199]\nwhile sizes[-1] > 1:\n    sizes.append(sizes[-1] - 2)\nlen(sizes) - 1")


BARE = """
import ast, io, json, sys, traceback
from contextlib import redirect_stdout

class OnlyThePackage:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in {"numpy", "cnnguide", *sys.stdlib_module_names}:
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, OnlyThePackage())
session, outputs = {"__name__": "__main__"}, []
for is_session, block in json.load(sys.stdin):
    said = io.StringIO()
    with redirect_stdout(said):
        if not is_session:
            exec(block, session)
            block = ""
        for statement in ast.parse(block).body:  # as an interpreter does: what is an expression is shown
            try:
                exec(compile(ast.Interactive([statement]), "<pasted>", "single"), session)
            except Exception as error:
                print("Traceback (most recent call last):\\n  ...\\n" + traceback.format_exception_only(error)[-1], end="")
    outputs.append(said.getvalue())
print(json.dumps(outputs))
"""


def test_what_the_copy_buttons_give_prints_in_a_bare_interpreter_what_the_page_shows(open_page, pages):
    """Every block of every chapter, one after the other, where nothing but NumPy and the package can be imported."""
    for page in (page for page in pages if page.startswith("chapters/")):
        tab = open_page(page)
        blocks = tab.evaluate(
            """() => {
                document.querySelectorAll("details").forEach((fold) => { fold.open = true; });
                return [...document.querySelectorAll(".md-content div.highlight code")]
                    .filter((code) => !code.closest("details.example, details.figure-code"))
                    .map((code) => {
                        const shown = code.innerText;
                        code.setAttribute("data-md-copying", "");
                        const copied = code.innerText;
                        code.removeAttribute("data-md-copying");
                        return [shown, copied];
                    });
            }"""
        )
        tab.context.close()
        assert len(blocks) > 3 and not any(">>>" in copied for _, copied in blocks)
        done = subprocess.run(
            [sys.executable, "-I", "-c", BARE], input=json.dumps([(">>>" in shown, copied) for shown, copied in blocks]),
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, f"{page}\n{done.stderr}"
        for (shown, _), output in zip(blocks, json.loads(done.stdout), strict=True):
            wanted = "".join(example.want for example in doctest.DocTestParser().get_examples(shown))
            assert output.split() == wanted.split(), f"{page}\n{shown}\nprinted\n{output}"


def test_search_finds_a_section(open_page):
    tab = open_page()
    assert tab.locator("[role=dialog]").first.get_attribute("aria-label") == "Search"
    tab.keyboard.press("/")
    tab.keyboard.type("posts and gaps", delay=20)
    result = tab.locator(".md-search-result__link").first
    result.wait_for()
    assert "chapters/size_chain/" in result.get_attribute("href")


def test_proofs_are_shown_by_pointing_and_by_a_switch_for_the_keyboard(open_page):
    tab = open_page("chapters/size_chain/")
    number = tab.locator(".proven").first
    assert number.get_attribute("title") == "= len(conv_chain(199)) - 1"
    shown = "getComputedStyle(document.querySelector('.proven'), '::after').content"
    assert tab.evaluate(shown) == "none"
    switch = tab.get_by_role("button", name=re.compile("Show proofs"))
    assert switch.get_attribute("aria-pressed") == "false"
    for _ in range(60):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.classList.contains('proofs-switch')"):
            break
    tab.keyboard.press("Enter")
    assert switch.get_attribute("aria-pressed") == "true"
    assert "conv_chain(199)" in tab.evaluate(shown)
    tab.keyboard.press("Space")
    assert tab.evaluate(shown) == "none"
    assert tab.evaluate("document.querySelectorAll('.proven[tabindex]').length") == 0  # no tab stop per number


def test_a_page_without_numbers_has_no_switch(open_page):
    assert open_page("404.html").locator(".proofs-switch").count() == 0


def test_a_number_in_the_ledger_leads_to_its_mark(open_page):
    tab = open_page("reference/verified_numbers/")
    tab.locator("a[href*='size_chain/#proof-']").first.click()
    tab.wait_for_load_state()
    assert re.search(r"chapters/size_chain/#proof-\d+$", tab.url)
    assert tab.evaluate("document.querySelector(':target').classList.contains('proven')")


def test_formulas_are_drawn_with_the_served_font(open_page):
    tab = open_page("chapters/size_chain/")
    tab.evaluate("document.fonts.ready")
    assert tab.evaluate("[...document.fonts].some(f => f.family.includes('Latin Modern') && f.status === 'loaded')")
    boxes = tab.evaluate("[...document.querySelectorAll('math')].map(m => m.getBoundingClientRect().toJSON())")
    assert len(boxes) > 5 and all(box["width"] > 3 and box["height"] > 5 for box in boxes)
    height = "(element) => element.getBoundingClientRect().height"
    bracket = tab.locator("div.formula math mo", has_text="⌊").first.evaluate(height)
    letter = tab.locator("p math mi, li math mi").first.evaluate(height)
    assert bracket > 1.8 * letter  # the bracket grows with what it holds


def test_without_javascript_everything_is_there(open_page):
    tab = open_page("chapters/size_chain/", java_script_enabled=False)
    assert "99" in tab.locator(".proven").first.inner_text()
    assert tab.locator("img[src*='chain_of_sizes-light']").is_visible()
    assert tab.locator("div.formula math").is_visible()
    tab.locator("summary").last.click()
    assert tab.locator("details[open]").count() == 1


def test_the_404_page_works_from_any_depth(open_page, address):
    tab = open_page()
    tab.goto(address + "no/such/page/")
    assert tab.locator("h1").inner_text() == "This page does not exist"
    tab.locator("article a", has_text="From 199×199").click()
    tab.wait_for_load_state()
    assert tab.url == address + "chapters/size_chain/"


def test_every_page_is_reached_by_next(open_page, address, pages):
    tab = open_page()
    visited = []
    while next_link := tab.query_selector("a.md-footer__link--next"):
        next_link.click()
        tab.wait_for_load_state()
        visited.append(tab.url.removeprefix(address))
        assert len(visited) <= len(pages)  # no page twice: "next" does not go in circles
    assert [page for page in visited if page.startswith("chapters/")] == [
        f"chapters/{name}/" for name in ("channels", "kernel_size", "size_chain", "initialization", "training")
    ]
    assert visited[-1] == "reference/verified_numbers/"
