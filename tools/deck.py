"""A notebook as a deck of slides, by rules: what is shown, what the notes say, what is left out.

A slide shows headings, formulas, lists, tables, questions, code that defines an idea, figures, results, and of each
paragraph its first sentence or so. Its notes hold the whole paragraph, and the code that only draws or prints.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import ceil

from blocks import (
    HEIGHT,
    OUTPUT,
    SMALLEST,
    Block,
    brief,
    cut,
    defines,
    fitted,
    halves,
    idea,
    only_draws,
    progress,
    results,
)
from minutes import CLOSING, split_at_headings, talk
from nbformat import NotebookNode

from course_lib.exercises import Question
from course_lib.exercises.quizzes import LETTERS

MOST_PROSE, JOINED = 3, 20  # paragraphs of a slide, font size of code below a sentence
# What may stand below what: a slide keeps to one idea, and no result stands below its prediction.
BELOW = {
    "prose": {"prose", "prompt", "list", "table", "formula", "code", "output", "claim"},
    "prompt": {"list", "table", "formula"},
    "code": {"code", "output"},
    "output": {"claim"},
    "claim": {"claim"},
}
PROMPT = re.compile(r"\*\*(?:Predict|Change it)\b")
LEAD = re.compile(r"\*\*([^*]{1,60}[.:?!])\*\*\s*(.*)", re.S)


@dataclass
class Slide:
    """A slide: its kind, its section, and what is shown and said. `cells` is what is presented on it."""

    kind: str
    section: str
    heading: str = ""
    opens: bool = False  # the first of its section
    blocks: list[Block] = field(default_factory=list)
    notes: list[Block] = field(default_factory=list)
    cells: list[NotebookNode] = field(default_factory=list)

    @property
    def minutes(self) -> float:
        return talk(self.cells)

    @property
    def taught(self) -> bool:
        """Whether its minutes count, as those of `minutes.sections` do."""
        return self.kind not in ("title", "next") and self.section not in CLOSING

    @property
    def room(self) -> float:
        """Pixels that are left below what it has."""
        heads = 24 * self.opens + 57 * ceil(len(self.heading) / 55)
        return HEIGHT - heads - sum(block.height for block in self.blocks)


def tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def _markdown(source: str) -> NotebookNode:
    return NotebookNode(cell_type="markdown", source=source)


def _code(source: str, outputs: Sequence = ()) -> NotebookNode:
    return NotebookNode(cell_type="code", source=source, outputs=list(outputs))


class Writer:
    """Writes the slides of a notebook, piece by piece."""

    def __init__(self, questions: Sequence[Question], narrow: Mapping[str, str]):
        self.questions, self.narrow = questions, narrow
        self.slides: list[Slide] = []
        self.kind, self.section, self.heading, self.opens = "plain", "", "", False
        self.waiting: list[NotebookNode] = []  # headings whose slide has not begun
        self.reading: list[Block] = []  # what to read further, for the notes of the last slide

    def open(self, title: str, blocks: Sequence[Block]) -> None:
        """The title, what it is about, and what you will be able to do."""
        slide = Slide("title", "", title, cells=[_markdown(block.source) for block in blocks])
        self.slides.append(slide)
        at = next(i for i, block in enumerate(blocks) if block.kind == "list")
        slide.blocks = list(blocks[at - 1 : at + 1])
        about = Block("prose", brief(blocks[0].source))
        if about.height < slide.room:
            slide.blocks.insert(0, about)
        slide.notes = [block for block in blocks if block not in slide.blocks]

    def markdown(self, source: str) -> None:
        """A piece that begins with a heading, or has none."""
        line, _, rest = source.partition("\n")
        if line.startswith(("## ", "### ")):
            self._head(line)
        blocks = cut(rest if self.waiting else source)
        for block, following in pairwise([*blocks, None]):
            if self.section == "Further reading":
                self._read_further(block)
            elif block.kind == "prose" and self.kind == "plain":
                self._paragraph(block, bool(following) and following.kind != "prose")
            else:
                self._place(block).cells.append(_markdown(block.source))

    def code(self, cell: NotebookNode) -> None:
        if re.search(r"(?m)^quiz\(", cell.source):
            self._quiz(cell)
        elif "solution" in tags(cell):
            self.slides[-1].cells.append(cell)  # it takes its time, and is not shown
        elif self.kind == "exercise":
            self._place(self._listing(cell.source)).cells.append(cell)
        else:
            self._experiment(cell)

    def _head(self, line: str) -> None:
        """A heading, for the slide that comes next."""
        marks, _, title = line.partition(" ")
        if marks == "##":
            self.section, self.heading, self.opens = title.strip(), "", True
        else:
            self.heading = title.strip()
        self.kind = "exercise" if title.startswith("Exercise ") else "plain"
        self.waiting.append(_markdown(line))

    @property
    def largest(self) -> int:
        """The font size of code, at most: exercises have it all on one slide, where they can."""
        return JOINED if self.kind == "exercise" else OUTPUT

    def _new(self, heading: str = "", kind: str = "") -> Slide:
        """A slide, or the last one where that is still empty."""
        if not self.waiting and self.slides and not self.slides[-1].blocks:
            return self.slides[-1]
        slide = Slide(kind or self.kind, self.section, self.heading or heading, self.opens, cells=self.waiting)
        self.heading, self.opens, self.waiting = "", False, []
        self.slides.append(slide)
        return slide

    def _fits(self, slide: Slide, block: Block) -> bool:
        """Whether a block may stand on a slide that has some."""
        kinds = [other.kind for other in slide.blocks]
        allowed = self.kind == "exercise" or block.kind in BELOW.get(kinds[-1], ())
        if not allowed or (self.kind != "exercise" and block.kind == "prose" and kinds.count("prose") == MOST_PROSE):
            return False
        if block.kind in ("code", "output"):
            least = SMALLEST if self.kind == "exercise" else min(JOINED, fitted(block, HEIGHT))
            block.size = min(fitted(block, slide.room), self.largest)
            return block.size >= least and block.height <= slide.room
        return block.height <= slide.room

    def _place(self, block: Block, below: Block | None = None) -> Slide:
        """Put a block on the last slide if it fits there, else on a new one, and its rest on another.

        Code leaves room for the output that comes below it, where both can be read.
        """
        slide = self.slides[-1]
        again = slide.heading if self.kind == "exercise" else ""
        if self.waiting or not slide.blocks or not self._fits(slide, block):
            slide = self._new(again)
            keep = replace(below, size=JOINED).height if below else 0
            sizes = [min(fitted(block, room), self.largest) for room in (slide.room - keep, slide.room)]
            block.size = slide.room if block.kind == "figure" else sizes[sizes[0] < JOINED]
        part, rest = halves(block, slide.room)
        slide.blocks.append(part)
        if rest:
            self._new(slide.heading)
            self._place(rest)
        return slide

    def _paragraph(self, block: Block, leads_on: bool) -> None:
        """A paragraph: a bold lead is a heading, a question stands on a slide of its own, the rest is cut short."""
        text, lead = block.source, LEAD.fullmatch(block.source)
        prompt = PROMPT.search(text)
        if lead and not self.heading and not PROMPT.match(text):
            self._new(lead[1].rstrip(".:"))
            text = lead[2]
            prompt = PROMPT.search(text)
        elif prompt:
            self._new()
        shown = [text[: prompt.start()], text[prompt.start() :]] if prompt else [text, ""]
        shown = [brief(shown[0], bool(prompt) or (leads_on and text.endswith(":"))), brief(shown[1])]
        for kind, part in zip(("prose", "prompt"), shown, strict=True):
            if part:
                self._place(Block(kind, part))
        if " ".join(shown).split() != text.split():
            self.slides[-1].notes.append(block)
        self.slides[-1].cells.append(_markdown(block.source))

    def _experiment(self, cell: NotebookNode) -> None:
        """Code that defines something, and what any code shows."""
        shown = [(block, output) for output in cell.outputs for block in results(output)]
        draws = any(block.kind == "figure" for block, _ in shown)
        source, bars = Block("code", cell.source), progress(cell.outputs)
        if only_draws(cell.source) and not shown and not self.waiting:
            self.slides[-1].notes.append(source)
            self.slides[-1].cells.append(cell)
            return
        if not shown or (defines(cell.source) and not draws):
            below = shown[0][0] if shown and shown[0][0].kind == "output" else None
            slide = self._place(self._listing(cell.source, whole=False), below)
            slide.cells.append(_code(cell.source))
            slide.notes += [source, *bars] if idea(cell.source) != cell.source else bars
            source = None
        for block, output in shown:
            slide = self._place(block)
            slide.notes += [source, *bars] if source else []
            slide.cells.append(_code(cell.source if source else "", [output] if block.kind == "figure" else []))
            source = None

    def _listing(self, source: str, whole: bool = True) -> Block:
        """Code in short lines, which are larger, unless they become too many; without its reports, or whole."""
        either = [Block("code", text if whole else idea(text)) for text in (self.narrow.get(source, source), source)]
        return either[0] if fitted(either[0], HEIGHT) >= JOINED else max(either, key=lambda b: fitted(b, HEIGHT))

    def _quiz(self, cell: NotebookNode) -> None:
        """A slide a question, its answer in the notes."""
        self.heading = ""
        for number, question in enumerate(self.questions, 1):
            slide = self._new(f"{number}. {question.text}", "quiz")
            options = [f"{letter}) {text}" for letter, (text, _) in zip(LETTERS, question.options, strict=False)]
            slide.blocks.append(Block("options", "\n".join(options)))
            right = f"The answer is {LETTERS[question.correct]})."
            why = [f"{letter}) {reply}" for letter, (_, reply) in zip(LETTERS, question.options, strict=False)]
            slide.notes = [Block("prose", line) for line in (right, *why)]
            slide.cells += [cell] if number == 1 else []

    def _read_further(self, block: Block) -> None:
        """What to read goes to the notes, what comes next on the last slide."""
        if not block.source.startswith("**Next:**"):
            self.reading.append(block)
            return
        self.section = "Next"
        slide = self._new()
        slide.section, slide.kind = "Next", "next"
        slide.blocks, slide.notes = [Block("prose", block.source.removeprefix("**Next:**").strip())], self.reading


def deck(book: NotebookNode, questions: Sequence[Question], narrow: Mapping[str, str] | None = None) -> list[Slide]:
    """The slides of a notebook; `questions` are those of its quiz, `narrow` has its code cells in short lines."""
    pieces = [piece for piece in split_at_headings(book) if not tags(piece) & {"badge", "bootstrap"}]
    first = next(i for i, piece in enumerate(pieces) if piece.source.startswith("## "))
    title, *opening = [piece.source for piece in pieces[:first] if piece.cell_type == "markdown"]
    writer = Writer(questions, narrow or {})
    writer.open(title.removeprefix("# "), cut("\n\n".join(opening)))
    for piece in pieces[first:]:
        writer.markdown(piece.source) if piece.cell_type == "markdown" else writer.code(piece)
    return writer.slides
