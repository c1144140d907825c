"""The web site as it was built: every link leads somewhere, nothing is asked for elsewhere, and all of it works."""

import filecmp
from contextlib import contextmanager
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

import books
import lab
import pytest
from bs4 import BeautifulSoup

SITE = books.ROOT / "build" / "site"
PAGES = [path for path in sorted(SITE.rglob("*.html")) if SITE / "_static" not in path.parents]
VAE = "notebooks/08_variational_autoencoder.html"
PHONE = {"width": 390, "height": 844}
# What is read as text: formulas, once typeset, and code left out.
PROSE = """() => {
    const article = document.querySelector("main").cloneNode(true);
    article.querySelectorAll("pre, code, mjx-container").forEach(part => part.remove());
    return article.textContent;
}"""
WRONG = "mjx-merror, mjx-container [style*='color: red']"  # what MathJax makes of an error, and of an unknown command
GROUND = "element => getComputedStyle(element).backgroundColor"

pytestmark = pytest.mark.skipif(not PAGES, reason="no site in build/site: run `make site`")


def name(path: Path) -> str:
    return path.relative_to(SITE).as_posix()


each_page = pytest.mark.parametrize("path", PAGES, ids=name)


@cache
def parsed(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def addresses(path: Path) -> set[str]:
    """What a page links to, shows and loads."""
    return {tag[key] for key in ("href", "src", "action") for tag in parsed(path).find_all(attrs={key: True})}


def fault(path: Path, address: str) -> str | None:
    """What is wrong with an address on a page, if anything."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None if parts.scheme == "https" and "." in parts.netloc else "neither in the site nor https"
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file() or SITE.resolve() not in target.parents:
        return "no such file"
    anchor = unquote(parts.fragment)
    return "no such place on that page" if anchor and not parsed(target).find(id=anchor) else None


@each_page
def test_every_link_leads_somewhere(path):
    faults = {address: fault(path, address) for address in addresses(path)}
    assert {address: said for address, said in faults.items() if said} == {}


@each_page
def test_every_picture_is_described(path):
    pictures = parsed(path).select("article img")
    assert [picture["src"] for picture in pictures if not picture.get("alt")] == []


@each_page
def test_the_page_names_its_language_and_no_place_on_this_machine(path):
    assert parsed(path).html["lang"] == "en"
    assert str(books.ROOT) not in path.read_text(encoding="utf-8")


def test_all_notebooks_have_a_page_that_the_contents_list():
    listed = {link["href"] for link in parsed(SITE / "index.html").select(".bd-sidebar-primary a.internal")}
    assert {f"notebooks/{path.stem}.html" for path in books.PATHS} <= listed
    assert {name(path) for path in PAGES} - {"index.html", "search.html"} == listed - {"#"}


@pytest.mark.parametrize("path", books.PATHS, ids=lambda path: path.stem)
def test_every_displayed_formula_of_a_notebook_is_on_its_page(path):
    written = sum(cell.source.count("$$") for cell in books.read(path).cells if cell.cell_type == "markdown") // 2
    assert len(parsed(SITE / "notebooks" / f"{path.stem}.html").select("article div.math")) == written


def test_what_is_downloaded_is_the_notebook_itself():
    for path in books.PATHS:
        (copy,) = SITE.glob(f"_downloads/*/{path.name}")
        assert filecmp.cmp(copy, path, shallow=False), f"{path.name} changed since: run `make site`"


@pytest.fixture(scope="module")
def address():
    """Where a server on loopback shows the site."""
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=SITE)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def reader(browser, address):
    """A page whose `complaints` are the errors of its console, what is missing, and what is asked for elsewhere."""
    with browser.new_context(viewport=lab.VIEWPORT, base_url=f"{address}/", color_scheme="light") as context:
        page = context.new_page()
        said = page.complaints = []
        page.on("console", lambda line: line.type == "error" and said.append(line.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("response", lambda answer: answer.status >= 400 and said.append(f"{answer.status} {answer.url}"))
        page.on("request", lambda r: not r.url.startswith((address, "data:")) and said.append(f"elsewhere: {r.url}"))
        yield page


@pytest.fixture
def page(browser, address):
    with reader(browser, address) as page:
        yield page


@pytest.fixture(scope="module", params=PAGES, ids=name)
def opened_page(request, browser, address):
    """Each page in turn, once all of it is there."""
    with reader(browser, address) as page:
        page.path = request.param
        page.goto(name(request.param), wait_until="networkidle")
        page.evaluate("window.MathJax?.startup?.promise")
        yield page


def test_a_page_is_whole_and_asks_for_nothing_elsewhere(opened_page):
    assert opened_page.complaints == []


def test_formulas_are_typeset(opened_page):
    formulas = len(parsed(opened_page.path).select("main .math"))
    assert opened_page.locator("main mjx-container").count() == formulas
    assert opened_page.locator(WRONG).count() == 0
    prose = opened_page.evaluate(PROSE)
    assert [sign for sign in ("$$", "\\(", "\\[", "\\frac") if sign in prose] == []


def test_nothing_is_wider_than_a_phone(opened_page):
    opened_page.set_viewport_size(PHONE)
    assert opened_page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize("word, number", [("reparameterise", "08"), ("checkerboard", "14"), ("Viterbi", "06")])
def test_a_search_finds_the_notebook(page, word, number):
    page.goto("index.html")
    page.locator(".bd-sidebar-primary .search-button-field").click()
    page.locator("#pst-search-dialog input[type=search]").fill(word)
    page.keyboard.press("Enter")
    page.get_by_text("Search finished").wait_for()
    best = page.locator("#search-results li a").all_inner_texts()[:3]
    assert [title for title in best if title.startswith(f"{number} · ")]
    assert page.complaints == []


def test_a_solution_is_folded_and_unfolds(page):
    page.goto(VAE)
    solution = page.locator(".tag_solution details").first
    code, label = solution.locator("pre"), solution.locator("summary")
    assert not code.is_visible()
    assert label.inner_text().strip() == "Show the solution"
    label.click()
    assert "def reparameterise" in code.inner_text()
    assert label.inner_text().strip() == "Hide the solution"


def test_an_option_of_the_quiz_unfolds_its_feedback_by_keyboard(page):
    page.goto(VAE)
    first = page.locator(".quiz > li").first
    for option, mark in zip(first.locator("details").all(), "✗✓✗", strict=True):
        said = option.locator("p")
        assert not said.is_visible()
        option.locator("summary").press("Enter")
        assert said.inner_text().startswith(mark)


def test_an_explorer_is_a_picture_and_says_where_it_moves(page):
    page.goto(VAE)
    output = page.locator(".cell_output:has(.live)")
    assert output.locator("img").evaluate("picture => picture.naturalWidth") > 300
    assert "Live in JupyterLab and on Colab" in output.locator(".live").inner_text()


def test_the_dark_mode_darkens_the_page_and_not_the_figures(page):
    page.goto(VAE)
    body, figure = page.locator("body"), page.locator("article img").first
    light = body.evaluate(GROUND), figure.evaluate(GROUND)
    page.locator(".bd-header-article .theme-switch-button").click()
    page.locator('.theme-change-button[data-mode="dark"]').click()
    assert light == ("rgb(255, 255, 255)",) * 2
    assert body.evaluate(GROUND) == "rgb(20, 24, 30)"
    assert figure.evaluate(GROUND) == light[1]
