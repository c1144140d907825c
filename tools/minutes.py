"""How long a notebook's sections take to present, by one rule, for the speaker notes and the plan of lectures."""

import re
from collections.abc import Iterable
from typing import NamedTuple

WORDS_A_MINUTE, MINUTES_A_FIGURE, MINUTES_A_LINE = 150, 1.0, 0.05
CLOSING = ("Exercises", "Spot the bug", "Quiz", "Common mistakes", "Further reading")


class Section(NamedTuple):
    """A section: its title as it stands after `## `, the minutes it takes, and its cells."""

    title: str
    minutes: float
    cells: list


def talk(cells: Iterable) -> float:
    """Minutes to present cells: their prose aloud, a minute a figure, three seconds a line of code."""
    cells = list(cells)
    words = sum(len(c.source.split()) for c in cells if c.cell_type == "markdown")
    code = [c for c in cells if c.cell_type == "code"]
    lines = sum(bool(line.strip()) for c in code for line in c.source.splitlines())
    figures = sum("image/png" in output.get("data", {}) for c in code for output in c.outputs)
    return words / WORDS_A_MINUTE + figures * MINUTES_A_FIGURE + lines * MINUTES_A_LINE


def split_at_headings(book) -> list:
    """The cells of a notebook, each markdown cell cut in pieces that begin at its `## ` and `### ` headings."""
    pieces = []
    for cell in book.cells:
        parts = re.split(r"(?m)^(?=###? )", cell.source) if cell.cell_type == "markdown" else [cell.source]
        for part in parts:
            if part.strip():
                pieces.append(type(cell)(cell, source=part.strip()))
    return pieces


def sections(book) -> list[Section]:
    """The sections that are presented, in order; the opening, exercises and what follows are left out."""
    found: list[tuple[str, list]] = []
    for cell in split_at_headings(book):
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            found.append((cell.source.splitlines()[0][3:].strip(), []))
        if found:
            found[-1][1].append(cell)
    return [Section(title, talk(cells), cells) for title, cells in found if title not in CLOSING]
