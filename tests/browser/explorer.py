"""An explorer on a page: its picture, its controls, and how long it takes from one to the other."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page

SLIDER = ".noUi-handle"
TICK = "input[type=checkbox]"
NUMBER = "input[type=number]"
PLAY = ".widget-play button:nth-child(1)"
BUTTON = "button.jupyter-button:not(.widget-play *)"
OUTPUT = ".jp-OutputArea-output:has(img.widget-image)"
LONGEST_MS = 2000  # after which a control counts as without effect
PAGES = 12  # of five steps each: from one end of any slider to the other
# The bytes of the picture, as text.
DIGEST = """async root => {
    const bytes = await (await fetch(root.querySelector("img.widget-image").src)).arrayBuffer();
    return String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}"""
# From the first key, click or change that comes until the next picture is there to be seen, in ms; null: none came.
WATCH = """(root, longest) => {
    let start = null;
    const begin = () => { start ??= performance.now(); };
    for (const kind of ["keydown", "click", "change"]) root.addEventListener(kind, begin, {capture: true, once: true});
    window.lapse = new Promise(done => {
        root.addEventListener("load", () => start && done(performance.now() - start), {capture: true});
        setTimeout(() => done(null), longest);
    });
}"""


class Explorer:
    """The explorer of an output."""

    def __init__(self, page: Page, output: Locator):
        self.page, self.output = page, output
        output.scroll_into_view_if_needed()

    def digest(self) -> str:
        return self.output.evaluate(DIGEST)

    def timed(self, action: Callable) -> float | None:
        """Milliseconds from an action until another picture is loaded; None where none comes."""
        before = self.digest()
        self.output.evaluate(WATCH, LONGEST_MS)
        action()
        lapse = self.page.evaluate("window.lapse")
        return lapse if self.digest() != before else None

    def try_controls(self) -> dict[str, list[float]]:
        """Move each visible control, and sliders back again: how long its new pictures took, by the control's name."""

        def numbered(selector):
            return enumerate(self._visible(selector), 1)

        tries = {
            **{f"slider {i}": lambda h=h: self._slide(h) for i, h in numbered(SLIDER)},
            **{f"dropdown {i}": lambda s=s: self._choose(s) for i, s in numbered("select")},
            **{f"play {i}": lambda p=p: [self.timed(p.click), self.timed(p.click)][:1] for i, p in numbered(PLAY)},
            **{f"tick {i}": lambda b=b: [self.timed(b.click)] for i, b in numbered(TICK)},
            **{f"number {i}": lambda n=n: [self.timed(lambda: n.press("ArrowUp"))] for i, n in numbered(NUMBER)},
            **{f"button {i}": lambda b=b: [self._press(b)] for i, b in numbered(BUTTON)},
        }
        return {name: [lapse for lapse in attempt() if lapse is not None] for name, attempt in tries.items()}

    def _slide(self, handle: Locator) -> list[float | None]:
        """Page by page until the picture changes (one step may leave a sentence as it is), and back."""
        at_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        there, back = ("PageDown", "PageUp") if at_end else ("PageUp", "PageDown")
        for pages in range(1, PAGES + 1):
            if lapse := self.timed(lambda: handle.press(there)):
                return [lapse, *(self.timed(lambda: handle.press(back)) for _ in range(pages))]
        return []

    def _choose(self, select: Locator) -> list[float | None]:
        """The next option, and back."""
        options = range(select.locator("option").count())
        now = select.evaluate("s => s.selectedIndex")
        return [self.timed(lambda i=i: select.select_option(index=i)) for i in (options[now - 1], now)]

    def _press(self, button: Locator) -> float | None:
        """Once more after a slider moved, where the first press leads to where things are."""
        if lapse := self.timed(button.click):
            return lapse
        self.timed(lambda: self._visible(SLIDER)[0].press("PageUp"))
        return self.timed(button.click)

    def _visible(self, selector: str) -> list[Locator]:
        return [found for found in self.output.locator(selector).all() if found.is_visible()]


def explorers(page: Page) -> list[Explorer]:
    return [Explorer(page, output) for output in page.locator(OUTPUT).all()]
