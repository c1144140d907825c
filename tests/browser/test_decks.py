"""Every slide of every deck, as a projector shows it: all of it fits, is large enough, and comes from the file."""

import re
import shutil

import books
import lab
import pytest
import slides

import notebooks

CANVAS = {"width": 1280, "height": 720}
SMALLEST_TEXT, SMALLEST_CODE = 24, 16  # pixels
LOCAL = re.compile(r"(file|data|blob|about):")
# For each slide what does not fit, is too small, or is a formula that was not set; and its notes.
WALK = """([smallestText, smallestCode]) => Reveal.getSlides().map(slide => {
    const {h, v} = Reveal.getIndices(slide);
    Reveal.slide(h, v);
    const name = `${h}/${v}`, page = slide.querySelector(".page"), complaints = [];
    const inside = (element, frame) => {
        const a = element.getBoundingClientRect(), b = frame.getBoundingClientRect();
        return a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
    };
    const say = (what, element) => complaints.push(`${name} ${what}: ${element.outerHTML.slice(0, 160)}`);
    for (const block of page.querySelectorAll(".block")) {
        if (!inside(block, block.parentElement)) say("does not fit", block);
    }
    for (const element of page.querySelectorAll("*")) {
        if (element.closest("svg, mjx-assistive-mml")) continue;
        if (!inside(element, page)) say("off the slide", element);
        if (element.scrollWidth > element.clientWidth + 1 && element.matches(".block, .block :not(span, code)"))
            say("too wide", element);
    }
    const texts = document.createTreeWalker(page, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const at = texts.currentNode.parentElement, said = texts.currentNode.textContent.trim();
        if (!said || at.closest("svg, mjx-assistive-mml")) continue;
        const least = at.closest("pre") ? smallestCode : smallestText;
        if (parseFloat(getComputedStyle(at).fontSize) < least) say("too small", at);
        if (!at.closest("pre") && /\\$\\$|\\\\[(\\[]/.test(said)) say("raw formula", at);
    }
    if (page.querySelector("mjx-merror, [data-mjx-error]")) say("wrong formula", page);
    const notes = slide.querySelector("aside.notes").textContent, {top} = page.getBoundingClientRect();
    return {name, complaints, notes, top};
})"""


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    if not slides.MODULES.exists():
        pytest.skip("no reveal.js and MathJax: run `make slides`")
    folder = tmp_path_factory.mktemp("slides")
    slides.build(books.PATHS, folder)
    return folder


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport=CANVAS)
    page.requested, page.complaints = [], []
    page.on("request", lambda request: page.requested.append(request.url))
    page.on("console", lambda said: page.complaints.append(said.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    page.close()
    assert not [url for url in page.requested if not LOCAL.match(url)]
    assert page.complaints == []


def open_deck(page, path, query=""):
    page.goto(f"{path.as_uri()}{query}")
    page.wait_for_selector("html[data-ready]", state="attached")


@pytest.fixture
def deck_of(build):
    return lambda path: build / f"{path.stem}.html"


@pytest.mark.parametrize("path", books.PATHS, ids=lambda path: path.stem)
def test_every_slide_fits_and_can_be_read(page, deck_of, path):
    open_deck(page, deck_of(path))
    seen = page.evaluate(WALK, [SMALLEST_TEXT, SMALLEST_CODE])
    assert [complaint for slide in seen for complaint in slide["complaints"]] == []
    assert {slide["top"] for slide in seen} == {0}
    assert [slide["name"] for slide in seen if not re.search(r"about \d+\.\d minutes", slide["notes"])] == []
    assert page.requested == [deck_of(path).as_uri()] + [u for u in page.requested if u.startswith(("data:", "blob:"))]


def test_the_speaker_sees_notes_and_minutes(page, deck_of):
    open_deck(page, deck_of(books.PATHS[8]))
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    speaker = opened.value
    speaker.on("request", lambda request: page.requested.append(request.url))
    notes = speaker.locator(".speaker-controls-notes .value")
    notes.get_by_text("outside the").wait_for()
    page.keyboard.press("ArrowRight")
    notes.get_by_text(" minutes · 0 of ").wait_for()
    assert "What you see is only x, with density" in notes.text_content()
    assert speaker.get_by_text("Pacing").is_visible()


def test_arrows_lead_through_all_slides(page, deck_of):
    open_deck(page, deck_of(books.PATHS[0]))
    count = page.evaluate("Reveal.getTotalSlides()")
    for passed in range(1, count):
        page.keyboard.press("ArrowRight")
        assert page.evaluate("Reveal.getSlidePastCount()") == passed
    assert page.locator("section.next.present").is_visible()


def test_each_slide_prints_on_a_page_of_its_own(page, deck_of):
    open_deck(page, deck_of(books.PATHS[8]), "?print-pdf")
    page.wait_for_selector(".pdf-page >> nth=-1", state="attached")
    count = page.evaluate("document.querySelectorAll('.page').length")
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) == count


def test_the_index_lists_all_decks(page, build):
    page.goto((build / "index.html").as_uri())
    names = [link.get_attribute("href") for link in page.locator("a").all()]
    assert names == [f"{path.stem}.html" for path in books.PATHS]
    assert all((build / name).exists() for name in names)


def test_a_notebook_is_shown_live_and_its_results_wait(browser, tmp_path, monkeypatch):
    with lab.server(tmp_path, "smoke") as server:
        shutil.copy(books.PATHS[8], tmp_path / "notebooks")
        monkeypatch.setattr(notebooks, "BOOKS", tmp_path / "notebooks")
        slides.stamp(["08"])
        page, requested = browser.new_page(viewport=CANVAS), []
        page.on("request", lambda request: requested.append(request.url))
        page.goto(server.page_of(books.PATHS[8]).replace("/lab/tree/", "/rise/"))
        page.locator("section.present h1").wait_for()
        page.keyboard.press("Space")
        code = page.locator("section.present .jp-CodeCell")
        page.locator("section.present .jp-RenderedMarkdown").get_by_text("which z did it come from?").wait_for()
        assert not code.first.is_visible()
        page.keyboard.press("Space")
        code.first.wait_for()
        assert [url for url in requested if not url.startswith((server.url, "data:", "blob:"))] == []
        page.close()
