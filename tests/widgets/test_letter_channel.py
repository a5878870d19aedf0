"""The letter channel: drawing, matching and judging against the package, and every way to use it."""

import re

import numpy as np
import pytest

from cnnguide import ALPHABET, draw_page, match_template
from cnnguide.experiments.channels import cut_letter, find_letter, precision_and_recall, template_bank
from cnnguide.figures.channels import SHORT_PAGE
from tests.widgets.conftest import drawn, state_of

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
        assert [(g["letter"], g["row"], g["column"]) for g in glyphs] == [(g.letter, g.row, g.column) for g in page.glyphs]
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
        core("filters", "({ matchTemplate }) => matchTemplate(...[5, 2].map((n) => ({ height: n, width: n, data: new Float64Array(n * n) })))")


def test_templates_are_the_packages(core):
    got = core(
        "channels",
        f"""async ({{ cutLetter, templateBank }}) => {{
            {LOADED}
            return Array.from("abcdefghijklmnopqrstuvwxyz", (letter) =>
                [cutLetter(font, letter), ...templateBank(font, letter)].map(({{ height, data }}) => [height, Array.from(data)]));
        }}""",
    )
    for letter, templates in zip(ALPHABET, got, strict=False):
        wanted = [cut_letter(letter), *template_bank(letter)]
        assert [height for height, _ in templates] == [len(template) for template in wanted]
        for (height, pixels), template in zip(templates, wanted, strict=True):
            np.testing.assert_allclose(np.reshape(pixels, (height, height)), template, atol=1e-5)


def test_finds_and_verdicts_are_the_packages(core):
    rng = np.random.default_rng(1)
    wanted = [case | {"bank": rng.random() < 0.3, "threshold": float(rng.choice([0.6, 0.75, 0.85, 0.95]))} for case in cases(60)]
    got = core(
        "channels",
        f"""async ({{ bestFits, cutLetter, findLetter, judge, templateBank }}, cases) => {{
            {LOADED}
            const {{ drawPage }} = await import(new URL("javascripts/core/letters.js", location.href));
            return cases.map(({{ text, em, shear, letter, bank, threshold }}) => {{
                const {{ image, glyphs }} = drawPage(font, text, {{ em, shear, width: 250 }});
                const [...steps] = bestFits(image, bank ? templateBank(font, letter) : [cutLetter(font, letter)]);
                const found = findLetter(steps.at(-1).best, threshold);
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
