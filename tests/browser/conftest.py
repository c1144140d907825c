from contextlib import ExitStack, contextmanager
from functools import cache

import lab
import pytest


@pytest.fixture(scope="session")
def labs(tmp_path_factory):
    """From a budget to a JupyterLab that runs for this session."""
    with ExitStack() as stack:

        @cache
        def server(budget):
            return stack.enter_context(lab.server(tmp_path_factory.mktemp(budget), budget))

        yield server


@pytest.fixture(scope="session")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="no Playwright: run `make browser-test`")
    with sync_api.sync_playwright() as playwright:
        found = lab.chromium(playwright)
        if not found:
            pytest.skip(
                "no Chromium: install it (apt install chromium), or run `.venv/bin/playwright install chromium`"
            )
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def opened(browser, labs):
    """From a notebook's path to a page on which all of it ran, as a context.

    `page.complaints` lists the errors of the console.
    """

    @contextmanager
    def open_(path, budget="smoke"):
        page = browser.new_page(viewport=lab.VIEWPORT)
        page.complaints = []
        page.on("console", lambda said: said.type == "error" and page.complaints.append(said.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        lab.run_all(page, labs(budget).page_of(path))
        yield page
        page.close()
        labs(budget).stop_kernels()

    return open_
