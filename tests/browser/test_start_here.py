"""What a newcomer does first, in notebook 00: answers the exercise, then the quiz."""

import books
import pytest

ANSWER = '.jp-CodeCell:has-text("check(\\"00.1\\"")'


@pytest.fixture(scope="module")
def page(opened):
    with opened(books.PATHS[0]) as page:
        yield page


def test_an_answer_is_judged_at_once(page):
    cell = page.locator(ANSWER).first
    assert "Not attempted yet" in cell.locator(".jp-OutputArea").text_content()
    for answer, said in (("56", "counts one row and one column"), ("28 * 28", "Right, because")):
        cell.locator(".cm-content").click()
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(f'answer = {answer}\ncheck("00.1", answer)')
        page.keyboard.press("Control+Enter")
        cell.locator(f'.jp-OutputArea:has-text("{said}")').wait_for()


def test_each_option_of_the_quiz_says_why(page):
    question = page.locator(".widget-toggle-buttons").first
    for number, mark in enumerate("✗✓✗"):
        question.locator("button").nth(number).click()
        page.locator(f'.widget-html:has-text("{mark} {"abc"[number]})")').first.wait_for()


def test_the_console_shows_no_error(page):
    assert page.complaints == []
