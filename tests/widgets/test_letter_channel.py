"""The letter channel: drawing, matching and judging against the package, and every way to use it."""

import re
from urllib.parse import urlencode

import numpy as np
import pytest

from cnnguide import ALPHABET, draw_page, match_template
from cnnguide.experiments.channels import cut_letter, find_letter, precision_and_recall, template_bank
from cnnguide.figures.channels import SHORT_PAGE
from tests.widgets.conftest import drawn, state_of, updated

TEXTS = ("", "e", "see me", "Which Wizard jumps over Quick foxes", SHORT_PAGE["text"], "  two   spaces ", "lille ilLIl")


def cases(count):
    """Pages of random letters, sizes, slants and letters to find."""
    rng = np.random.default_rng(7)
    for _ in range(count):
        words = ["".join(rng.choice(list(ALPHABET), rng.integers(1, 8))) for _ in range(rng.integers(1, 12))]
        text = " ".join(words) if rng.random() < 0.5 else str(rng.choice(TEXTS))
        em, shear = int(rng.integers(10, 25)), round(float(rng.integers(0, 13)) * 0.05, 2)
        yield {"text": text, "em": em, "shear": shear, "letter": str(rng.choice(list("aecnoilst")))}


LOADED = """const { load } = await import(new URL("javascripts/core/data.js", location.href));
    const { font } = await load("page_of_text");"""


def test_pages_are_the_packages(core):
    wanted = list(cases(60))
    got = core(
        "letters",
        f"""async ({{ drawPage }}, cases) => {{
            {LOADED}
            return cases.map(({{ text, em, shear }}) => {{
                const {{ image, glyphs }} = drawPage(font, text, {{ em, shear, width: 250 }});
                return [image.height, Array.from(image.data), glyphs];
            }});
        }}""",
        wanted,
    )
    for case, (height, pixels, glyphs) in zip(wanted, got, strict=True):
        page = draw_page(case["text"], em=case["em"], shear=case["shear"], width=250)
        assert (height, 250) == page.image.shape
        assert [(g["letter"], g["row"], g["column"]) for g in glyphs] == [
            (g.letter, g.row, g.column) for g in page.glyphs
        ]
        np.testing.assert_allclose(np.reshape(pixels, page.image.shape), page.image, atol=1e-5)


def test_matching_is_the_packages(core):
    rng = np.random.default_rng(0)
    wanted = []
    for number in range(40):
        height, width = rng.integers(4, 30, 2)
        image = rng.standard_normal((height, width)) * 10.0 ** rng.integers(-3, 4) + rng.choice([0.0, 5.0, 1e4])
        if number % 3:
            image[: height // 2] = image[0, 0]  # paper, in which nothing fits
        template = rng.standard_normal([rng.integers(2, 1 + side) for side in np.minimum((height, width), 9)])
        wanted.append((image, template))
    got = core(
        "filters",
        """({ matchTemplate }, cases) => {
            const plane = (rows) => ({ height: rows.length, width: rows[0].length, data: Float64Array.from(rows.flat()) });
            return cases.map(([image, template]) => {
                const fit = matchTemplate(plane(image), plane(template));
                return [fit.height, fit.width, Array.from(fit.data)];
            });
        }""",
        wanted,
    )
    for (image, template), (height, width, fits) in zip(wanted, got, strict=True):
        np.testing.assert_allclose(np.reshape(fits, (height, width)), match_template(image, template), atol=1e-6)


def test_a_flat_template_is_refused(core):
    with pytest.raises(Exception, match="the template is flat"):
        core(
            "filters",
            """({ matchTemplate }) =>
                matchTemplate(...[5, 2].map((n) => ({ height: n, width: n, data: new Float64Array(n * n) })))""",
        )


def test_templates_are_the_packages(core):
    got = core(
        "channels",
        f"""async ({{ cutLetter, templateBank }}) => {{
            {LOADED}
            return Array.from(font.alphabet.slice(0, 26), (letter) =>
                [cutLetter(font, letter), ...templateBank(font, letter)]
                    .map(({{ height, data }}) => [height, Array.from(data)]));
        }}""",
    )
    for letter, templates in zip(ALPHABET, got, strict=False):
        wanted = [cut_letter(letter), *template_bank(letter)]
        assert [height for height, _ in templates] == [len(template) for template in wanted]
        for (height, pixels), template in zip(templates, wanted, strict=True):
            np.testing.assert_allclose(np.reshape(pixels, (height, height)), template, atol=1e-5)


def test_finds_and_verdicts_are_the_packages(core):
    rng = np.random.default_rng(1)
    wanted = [
        case | {"bank": rng.random() < 0.3, "threshold": float(rng.choice([0.6, 0.75, 0.85, 0.95]))}
        for case in cases(60)
    ]
    got = core(
        "channels",
        f"""async ({{ bestFits, cutLetter, findLetter, judge, templateBank }}, cases) => {{
            {LOADED}
            const {{ drawPage }} = await import(new URL("javascripts/core/letters.js", location.href));
            return cases.map(({{ text, em, shear, letter, bank, threshold }}) => {{
                const {{ image, glyphs }} = drawPage(font, text, {{ em, shear, width: 250 }});
                const steps = bestFits(image, bank ? templateBank(font, letter) : [cutLetter(font, letter)]);
                let step;
                do step = steps.next();
                while (!step.done);
                const found = findLetter(step.value.best, threshold);
                return [found, judge(found, glyphs, letter)];
            }});
        }}""",
        wanted,
    )
    for case, (found, verdicts) in zip(wanted, got, strict=True):
        letter = case["letter"]
        page = draw_page(case["text"], em=case["em"], shear=case["shear"], width=250)
        templates = template_bank(letter) if case["bank"] else [cut_letter(letter)]
        places = find_letter(page.image, templates, case["threshold"])
        assert sorted(map(tuple, found)) == sorted(places), case
        right, wrong, met, missed = (len(verdicts[kind]) for kind in ("right", "wrong", "met", "missed"))
        assert right + wrong == len(places) and met + missed == sum(glyph.letter == letter for glyph in page.glyphs)
        if met + missed:
            assert (right / max(len(places), 1), met / (met + missed)) == precision_and_recall(places, page, letter)


def told(tab) -> str:
    return tab.locator(".widget-told").inner_text()


def counts(tab) -> dict[str, int]:
    """What the key says; the rings drawn are as many."""
    key = tab.locator(".letter-key").inner_text()
    said = {name: int(number) for name, number in re.findall(r"(found|missed|false alarm): (\d+)", key)}
    for name, kind in (("found", "right"), ("missed", "missed"), ("false alarm", "wrong")):
        for drawing in (0, 1):
            assert tab.locator(f".letter-rings >> nth={drawing} >> .letter-{kind} > g").count() == said[name]
    return said


def wanted(text=SHORT_PAGE["text"], letter="e", em=16, shear=0.0, bank=False, threshold=0.85):
    """What the package finds: counts, and precision and recall in per cent, where there are any."""
    page = draw_page(text, em=em, shear=shear, width=SHORT_PAGE["width"])
    found = find_letter(page.image, template_bank(letter) if bank else [cut_letter(letter)], threshold)
    letters = sum(glyph.letter == letter for glyph in page.glyphs)
    if not letters:
        return {"found": 0, "missed": 0, "false alarm": len(found)}, [0] * bool(found)
    precision, recall = precision_and_recall(found, page, letter)
    right, met = round(precision * len(found)), round(recall * letters)
    shares = [100 * precision] * bool(found) + [100 * recall]
    return {"found": right, "missed": letters - met, "false alarm": len(found) - right}, shares


def shares(tab) -> list[float]:
    return [float(number) for number in re.findall(r"(\d+) %", tab.locator(".letter-key").inner_text())]


def check(tab, **situation) -> None:
    said, per_cent = wanted(**situation)
    assert counts(tab) == said
    assert shares(tab) == pytest.approx(per_cent, abs=0.501)


def test_the_start_is_the_chapters_page(open_widget):
    tab = open_widget("letter-channel")
    assert state_of(tab)["text"] == SHORT_PAGE["text"] and state_of(tab)["threshold"] == "0.85"
    assert counts(tab) == {"found": SHORT_PAGE["text"].count("e"), "missed": 0, "false alarm": 0}
    assert shares(tab) == [100, 100]
    check(tab)


@pytest.mark.parametrize(
    "situation",
    [
        {"em": 14},
        {"em": 18},
        {"em": 18, "bank": True},
        {"em": 13, "bank": True},
        {"em": 11, "bank": True},  # beyond what the bank was built for
        {"em": 22, "bank": True},
        {"shear": 0.2},
        {"shear": 0.3},
        {"shear": 0.3, "bank": True},
        {"threshold": 0.65},
        {"threshold": 0.6, "bank": True, "em": 20, "shear": 0.25},
        {"letter": "o"},
        {"letter": "r"},
        {"letter": "q"},  # none on the page
        {"letter": "e", "text": "Three trees EEE", "em": 17},
        {"letter": "n", "text": "mmm hhh", "threshold": 0.7},
    ],
    ids=str,
)
def test_a_linked_situation_finds_what_the_package_finds(open_widget, situation):
    address = {name: value for name, value in situation.items() if name != "bank"}
    address |= {"finder": "bank"} if situation.get("bank") else {}
    tab = open_widget("letter-channel", urlencode(address))
    drawn(tab)
    check(tab, **situation)
    assert tab.problems == []


def test_one_kernel_fails_at_other_sizes_and_a_bank_repairs_it(open_widget):
    """The chapter's story, by the keyboard alone."""
    tab = open_widget("letter-channel")
    letters = SHORT_PAGE["text"].count("e")
    tab.get_by_label("Size of the text").focus()
    for _ in range(2):
        tab.keyboard.press("ArrowRight")
    drawn(tab)
    assert counts(tab) == {"found": 0, "missed": letters, "false alarm": 0}
    assert "nothing is found" in tab.locator(".letter-key").inner_text()
    finder = tab.get_by_label("Find it by")
    finder.focus()
    tab.keyboard.press("ArrowDown")
    drawn(tab)
    assert counts(tab) == {"found": letters, "missed": 0, "false alarm": 0}
    spoken = tab.locator("[role=status]").first
    spoken.filter(has_text=f"Of {letters} e’s on the page, {letters} are found").wait_for(state="attached")
    assert "em=18" in tab.url and "finder=bank" in tab.url


def test_the_first_false_alarms_are_as_the_chapter_says(open_widget):
    tab = open_widget("letter-channel")
    slider = tab.get_by_label("Threshold")
    slider.focus()
    for _ in range(40):
        tab.keyboard.press("ArrowLeft")
        updated(tab)
        if counts(tab)["false alarm"]:
            break
    assert re.search(r"False alarms: \d+, at the letters o(, o)*\.", told(tab))
    check(tab, threshold=float(state_of(tab)["threshold"]))


def test_typing_changes_the_page_letter_by_letter(open_widget):
    tab = open_widget("letter-channel")
    field = tab.get_by_role("textbox", name="Text")
    field.fill("")
    drawn(tab)
    assert "The page is empty" in told(tab) and counts(tab) == {"found": 0, "missed": 0, "false alarm": 0}
    field.press_sequentially("Ten sheep sleep", delay=15)
    drawn(tab)
    assert state_of(tab)["text"] == "Ten sheep sleep"
    check(tab, text="Ten sheep sleep")
    field.press("!")
    assert field.get_attribute("aria-invalid") == "true"
    drawn(tab)
    assert "letters and spaces" in tab.locator(".widget-problem").inner_text()
    assert state_of(tab)["text"] == "Ten sheep sleep"
    assert field.input_value() == "Ten sheep sleep!"  # nothing that was typed is taken away
    field.press("Backspace")
    assert field.get_attribute("aria-invalid") == "false"
    field.press("!")
    field.press("Tab")
    drawn(tab)
    assert field.input_value() == "Ten sheep sleep" and field.get_attribute("aria-invalid") == "false"


def test_a_word_wider_than_the_page_is_answered(open_widget):
    tab = open_widget("letter-channel", "text=" + "m" * 12 + "&em=24")
    problem = tab.locator(".widget-problem")
    assert "“mmmmmmmmmmmm” is wider than a line at 24 pixels" in problem.inner_text()
    assert not tab.locator(".widget-view").is_visible()
    with pytest.raises(ValueError, match="pixels wide and the line only"):
        draw_page("m" * 12, em=24, width=SHORT_PAGE["width"])
    tab.get_by_label("Size of the text").press("Home")
    drawn(tab)
    assert not problem.is_visible() and tab.locator(".widget-view").is_visible()
    assert tab.problems == []


@pytest.mark.parametrize("text", ["m" * 13, "i" * 60, "Willowing", "kk kkk kkkkkkkk"])
def test_words_are_refused_where_the_package_refuses_them(core, text):
    got = core(
        "letters",
        f"""async ({{ tooWide }}, text) => {{
            {LOADED}
            return Array.from({{ length: 15 }}, (_, i) => tooWide(font, text, {{ em: 10 + i, width: 250 }}) ?? "");
        }}""",
        text,
    )
    for em, word in zip(range(10, 25), got, strict=True):
        if word:
            with pytest.raises(ValueError, match=f"the word '{word}' is"):
                draw_page(text, em=em, width=250)
        else:
            draw_page(text, em=em, width=250)


def fit_at(row, column, em=16):
    page = draw_page(SHORT_PAGE["text"], em=em, width=SHORT_PAGE["width"])
    kernel = cut_letter("e")
    return match_template(page.image, kernel)[row - kernel.shape[0] // 2, column - kernel.shape[1] // 2]


def place_and_fit(tab) -> tuple[int, int, float]:
    text = tab.locator(".letter-kernel").inner_text()
    found = re.search(r"Row (\d+), column (\d+): the kernel fits by ([−\d.]+),", text)
    assert found, text
    row, column, fit = found.groups()
    return int(row), int(column), float(fit.replace("−", "-"))


@pytest.mark.parametrize("which", [0, 1])
def test_pointing_tells_how_well_the_kernel_fits(open_widget, which):
    tab = open_widget("letter-channel", "em=18")
    box = tab.locator("canvas").nth(which).bounding_box()
    page = draw_page(SHORT_PAGE["text"], em=18, width=SHORT_PAGE["width"])
    for row, column in ((40, 60), (page.glyphs[20].row, page.glyphs[20].column)):
        height, width = page.image.shape
        tab.mouse.move(
            box["x"] + box["width"] * (column + 0.5) / width, box["y"] + box["height"] * (row + 0.5) / height
        )
        updated(tab)
        assert place_and_fit(tab) == (row, column, pytest.approx(fit_at(row, column, em=18), abs=0.000501))


def test_the_first_letter_to_find_is_pointed_at_wherever_it_moves(open_widget):
    tab = open_widget("letter-channel")
    for em in (16, 17, 18):
        first = next(g for g in draw_page(SHORT_PAGE["text"], em=em, width=250).glyphs if g.letter == "e")
        assert place_and_fit(tab) == (
            first.row,
            first.column,
            pytest.approx(fit_at(first.row, first.column, em), abs=0.000501),
        )
        tab.get_by_label("Size of the text").press("ArrowRight")
        drawn(tab)


def test_the_arrow_keys_walk_and_stop_at_the_border(open_widget):
    tab = open_widget("letter-channel", "row=7&column=246")
    tab.locator("canvas").nth(1).focus()
    for key in ("ArrowRight", "ArrowDown", "Shift+ArrowRight"):
        tab.keyboard.press(key)
        updated(tab)
    assert (state_of(tab)["row"], state_of(tab)["column"]) == ("8", "249")
    assert "too near to the border" in tab.locator(".letter-kernel").inner_text()


def test_touch_points_too(open_widget):
    tab = open_widget("letter-channel", width=390, has_touch=True)
    tab.locator("canvas").first.scroll_into_view_if_needed()
    box = tab.locator("canvas").first.bounding_box()
    tab.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    updated(tab)
    assert (state_of(tab)["row"], state_of(tab)["column"]) == ("50", "125")


def test_the_picture_shows_ink_dark_and_answers_around_mid_gray(open_widget):
    tab = open_widget("letter-channel")
    page = draw_page(**SHORT_PAGE)
    pixel = """([which, row, column]) => document.querySelectorAll("canvas")[which]
        .getContext("2d").getImageData(column, row, 1, 1).data[0]"""
    for row, column in ((0, 0), (page.glyphs[2].row, page.glyphs[2].column), (30, 47)):
        assert tab.evaluate(pixel, [0, row, column]) == pytest.approx(255 * (1 - page.image[row, column]), abs=0.6)
        fit = fit_at(row, column) if row >= 5 else 0  # where no kernel fits there is no answer
        assert tab.evaluate(pixel, [1, row, column]) == pytest.approx(255 * (fit + 1) / 2, abs=0.6)


def test_the_table_lists_letters_and_false_alarms(open_widget):
    tab = open_widget("letter-channel", "threshold=0.7")
    tab.locator(".widget-numbers summary").press("Enter")
    tab.locator(".widget-numbers tbody tr").first.wait_for()
    rows = [row.split("\t") for row in tab.locator(".widget-numbers tbody tr").all_inner_texts()]
    page = draw_page(**SHORT_PAGE)
    found = find_letter(page.image, [cut_letter("e")], 0.7)
    verdicts = [row[4] for row in rows]
    assert len(rows) == len(found) and verdicts.count("found") == SHORT_PAGE["text"].count("e")
    for letter, row, column, fit, verdict in rows:
        assert (int(row), int(column)) in found
        assert (letter == "e") == (verdict == "found")
        assert float(fit) == pytest.approx(fit_at(int(row), int(column)), abs=0.000501)


def test_a_slider_that_runs_ahead_of_the_bank_is_caught_up_with(open_widget):
    tab = open_widget("letter-channel", "finder=bank&em=12")
    slowest = tab.evaluate(
        """async () => {
            const widget = document.querySelector(".widget");
            const frame = () => new Promise((done) => requestAnimationFrame(done));
            const draw = widget.draw.bind(widget);
            let slowest = 0;
            widget.draw = (state) => {
                const start = performance.now();
                draw(state);
                slowest = Math.max(slowest, performance.now() - start);
            };
            for (let em = 12; em <= 20; em++) {
                widget.set({ em });
                await frame();
            }
            return slowest;
        }"""
    )
    drawn(tab)
    check(tab, em=20, bank=True)
    assert slowest < 100  # milliseconds, on a machine that does other things as well; the whole bank would take longer
