"""An explorer on a page: its picture, its controls, and how long it takes from one to the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

SLIDER = ".noUi-handle"
TICK = "input[type=checkbox]"
TEXT = "input[type=text]"
NUMBER = "input[type=number]"
PLAY = ".widget-play button:nth-child(1)"
BUTTON = "button.jupyter-button:not(.widget-play *)"
OUTPUT = ".jp-OutputArea-output:has(img.widget-image)"
LONGEST_MS = 4000  # after which a control counts as without effect
SETTLE_MS = 500  # in which what a choice brings is there
# Keys that lead a slider from one end to the other, at five steps a page.
UP, DOWN = ["ArrowRight", *["PageUp"] * 12], ["ArrowLeft", *["PageDown"] * 12]
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
        """Move each control, and sliders back again, for each choice of the first dropdown: its times by its name.

        A time is that of a new picture; there are none for a control that changes nothing.
        """
        times = {f"text {i}": self._write(box) for i, box in self._numbered(TEXT)}
        selects = self._visible("select")
        times |= {f"dropdown {i}": self._choose(select) for i, select in enumerate(selects, 1)}
        for choice in selects[0].locator("option").all_inner_texts() if selects else [""]:
            if selects:
                selects[0].select_option(label=choice)
                self.page.wait_for_timeout(SETTLE_MS)
            times |= {f"{choice} {name}".strip(): took for name, took in self._try_others().items()}
        return {name: [lapse for lapse in took if lapse is not None] for name, took in times.items()}

    def _try_others(self) -> dict[str, list[float | None]]:
        """The controls that neither are dropdowns nor take a text."""
        return {
            **{f"slider {i}": self._slide(handle) for i, handle in self._numbered(SLIDER)},
            **{f"play {i}": [self.timed(play.click), self.timed(play.click)][:1] for i, play in self._numbered(PLAY)},
            **{f"tick {i}": [self.timed(tick.click)] for i, tick in self._numbered(TICK)},
            **{f"number {i}": [self.timed(lambda n=n: n.press("ArrowUp"))] for i, n in self._numbered(NUMBER)},
            **{f"button {i}": [self._press(button)] for i, button in self._numbered(BUTTON)},
        }

    def _write(self, box: Locator) -> list[float | None]:
        """The text without its last word, and back."""
        text = box.input_value()
        return [self.timed(lambda t=t: (box.fill(t), box.press("Enter"))) for t in (text.rpartition(" ")[0], text)]

    def _slide(self, handle: Locator) -> list[float | None]:
        """A step, and where that leaves the picture as it is (a sentence, say) page by page; then the same way back."""
        at_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        there, back = (DOWN, UP) if at_end else (UP, DOWN)
        for i, key in enumerate(there, 1):
            if lapse := self.timed(lambda key=key: handle.press(key)):
                return [lapse, *(self.timed(lambda key=key: handle.press(key)) for key in reversed(back[:i]))]
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

    def _numbered(self, selector: str) -> list[tuple[int, Locator]]:
        return list(enumerate(self._visible(selector), 1))


def explorers(page: Page) -> list[Explorer]:
    return [Explorer(page, output) for output in page.locator(OUTPUT).all()]
