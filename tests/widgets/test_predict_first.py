"""Predict first: every question of the chapters can be answered in each way, and each answer gets its own reply."""

import re

import pytest

from tests.conftest import ROOT
from tests.widgets.conftest import drawn, state_of, updated
from tests.widgets.test_every_widget import QUESTIONS

CHAPTERS = sorted(page for page in (ROOT / "docs/chapters").glob("*.md"))
ELSE = "anything else"
every_question = pytest.mark.parametrize("name", QUESTIONS)


def written(tab) -> list[tuple[str, str]]:
    """Answers and replies as they stand in the static page."""
    items = tab.evaluate(
        """Array.from(document.querySelectorAll(".widget-fallback details > ul > li"), (item) =>
            Array.from(item.children, (one) => one.textContent.trim().replace(/\\s+/g, " ")))"""
    )
    return [(answer, " ".join(reply)) for answer, *reply in items]


def told(tab) -> str:
    return tab.locator(".predict-reply").inner_text().replace("\n", " ").strip()


def test_each_chapter_asks_at_least_twice():
    for page in CHAPTERS:
        assert len(re.findall(r"^/+ widget \| predict_first$", page.read_text("utf-8"), re.M)) >= 2, page.name


@every_question
def test_it_reads_well_without_scripts_and_hides_the_answers_until_asked(open_page, name):
    tab = open_page(f"embed/{name}/", java_script_enabled=False)
    assert tab.locator(".widget-fallback > p").first.inner_text().endswith("?")
    assert tab.locator("summary").inner_text() == "Answers"
    assert not tab.locator("li").first.is_visible()
    tab.locator("summary").click()
    assert tab.locator("li").first.is_visible()


@every_question
def test_one_answer_is_right_and_every_other_one_gets_a_reply_of_its_own(open_widget, name):
    tab = open_widget(name)
    answers = written(tab)
    assert len(answers) >= 3
    assert len({answer for answer, _ in answers}) == len({reply for _, reply in answers}) == len(answers)
    assert sum(reply.startswith("Right.") for _, reply in answers) == 1
    assert all(len(reply.split()) > 5 for _, reply in answers)
    assert not tab.locator(".predict-reply").is_visible()
    typed = answers[-1][0] == ELSE
    assert typed == (tab.locator(".predict-choices input").count() == 1)
    if not typed:
        assert tab.locator(".predict-choices button").all_inner_texts() == [answer for answer, _ in answers]
    for place, (answer, reply) in enumerate(answers, 1):
        if typed:
            tab.locator(".predict-choices input").fill("123456" if answer == ELSE else answer)
            tab.keyboard.press("Enter")
        else:
            tab.get_by_role("button", name=answer, exact=True).press("Enter")
        updated(tab)
        assert state_of(tab) == {"answer": str(place)}
        assert told(tab) == reply == tab.locator(".widget-told").text_content()
        right = "predict-right" in tab.locator(".predict-reply").get_attribute("class")
        assert right == reply.startswith("Right.")
    assert tab.problems == []


def test_the_reply_is_spoken_linked_to_and_reset(open_widget):
    tab = open_widget("predict-symmetry")
    drawn(tab)
    assert tab.locator("[role=status]").first.inner_text() == "Not answered yet."
    tab.get_by_role("button", name="The units of a hidden layer").click()
    drawn(tab)
    assert tab.locator("[role=status]").first.inner_text().startswith("Right.")
    assert tab.url.endswith("#predict-symmetry?answer=2")
    pressed = tab.locator(".predict-choices [aria-pressed=true]")
    assert pressed.all_inner_texts() == ["The units of a hidden layer"]
    tab.get_by_role("button", name="Reset").click()
    drawn(tab)
    assert pressed.count() == 0 and not tab.locator(".predict-reply").is_visible()
    assert tab.url.endswith("#predict-symmetry")


def test_a_link_shows_the_typed_answer_and_its_reply(open_widget):
    tab = open_widget("predict-posts", "answer=2")
    assert tab.locator(".predict-choices input").input_value() == "6"
    assert "counted the sizes" in told(tab)
    tab.get_by_label("Your answer").fill("many")
    tab.keyboard.press("Enter")
    updated(tab)
    assert tab.locator(".predict-choices input").input_value() == "many"
    tab.evaluate("location.hash = 'predict-posts?answer=3'")
    updated(tab)
    assert tab.locator(".predict-choices input").input_value() == "10"
    refused = open_widget("predict-posts", "answer=9")
    assert "answer = 9; it must be a number from 1 to 5" in refused.locator(".widget-problem").inner_text()


@pytest.mark.parametrize(
    ("typed", "reply"),
    [
        ("82", "Right."),
        (" 82.0 ", "Right."),
        ("5200", "That would be once for each letter."),
        ("5,200", "That would be once for each letter."),
        ("-82", "Not that number."),
        ("83", "Not that number."),
    ],
)
def test_numbers_may_be_written_in_more_than_one_way(open_widget, typed, reply):
    tab = open_widget("predict-updates")
    tab.get_by_label("Your answer").fill(typed)
    tab.get_by_role("button", name="Answer").click()
    updated(tab)
    assert told(tab).startswith(reply)
    assert tab.get_by_label("Your answer").input_value() == typed  # what the reader typed stays


@pytest.mark.parametrize("typed", ["", "many", "8 2", "1e", "NaN"])
def test_what_is_no_number_is_asked_for_again(open_widget, typed):
    tab = open_widget("predict-updates")
    field = tab.get_by_label("Your answer")
    field.fill(typed)
    field.press("Enter")
    updated(tab)
    assert tab.locator(".widget-problem").inner_text() == "Please type a number."
    assert field.get_attribute("aria-invalid") == "true" and not tab.locator(".predict-reply").is_visible()
    assert field.input_value() == typed
    field.fill("82")
    field.press("Enter")
    updated(tab)
    assert told(tab).startswith("Right.") and not tab.locator(".widget-problem").is_visible()
    assert field.get_attribute("aria-invalid") == "false"
    field.fill(typed)
    field.press("Enter")
    updated(tab)
    assert tab.locator(".widget-problem").is_visible() and field.input_value() == typed
    tab.get_by_role("button", name="Reset").click()
    updated(tab)
    assert field.input_value() == "" and not tab.locator(".widget-problem").is_visible()


def test_touch_answers_on_a_phone(open_widget):
    tab = open_widget("predict-red", width=390, has_touch=True)
    tab.get_by_role("button", name="The white one").tap()
    updated(tab)
    assert told(tab).startswith("It has more light in all")


def test_in_the_chapter_the_ids_of_proven_numbers_stay_single_and_paper_shows_the_answers(open_page):
    tab = open_page("chapters/size_chain/#predict-posts?answer=1")
    tab.locator("#predict-posts[data-ready]").wait_for()
    tab.locator("#predict-posts .predict-right").wait_for()
    ids = tab.evaluate("Array.from(document.querySelectorAll('[id]'), (one) => one.id)")
    assert len(ids) == len(set(ids)) and any(one.startswith("proof-") for one in ids)
    tab.emulate_media(media="print")
    assert tab.locator("#predict-posts .widget-fallback li").first.is_visible()
    assert not tab.locator("#predict-posts .widget-stage").is_visible()
