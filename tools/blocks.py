"""The blocks that slides are made of: cut from Markdown, code and outputs, with the height that each takes."""

import ast
import base64
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby, zip_longest
from math import ceil

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode
from PIL import Image

from notebooks import WIDGET

WIDTH, HEIGHT = 1192, 590  # of a slide's body in pixels, on a canvas of 1280 × 720
LETTER, MONO = 0.56, 0.602  # width of a letter as a share of its height: of text on average, of code
PROSE, PROMPT, LIST, TABLE, OUTPUT, CODE, SMALLEST = 30, 36, 28, 24, 36, 26, 16  # font sizes in pixels
LINE, CODE_LINE, FRAME = 1.35, 1.32, 40  # heights of a line as shares of the font size; what frames code
GAP = 20  # between blocks
COLUMNS = 88  # of code
LARGEST = 2.4  # pixels of a slide for one of a figure, at most
LIVE = 44  # the line that says that a picture is live in the notebook
SAID = 200  # letters of a paragraph on a slide
KINDS = {
    **{"paragraph_open": "prose", "math_block": "formula", "table_open": "table"},
    **{"bullet_list_open": "list", "ordered_list_open": "list"},
}
REPORTS, CANVAS = {"claim", "print"}, {"plt", "axis", "axes"}
CLAIM = re.compile(r"✓ (.+): (\S+) \(((?:[<>]|in ).*)\)")
PROGRESS = re.compile(r"\d+%\|")
MOST_LINES = 20  # of an output


@dataclass
class Block:
    """A part of a slide: its kind and its source (Markdown, code, text, a base64 PNG).

    `size` is the font size of code and output, and the height that a figure may have. `live` marks a widget's picture.
    """

    kind: str
    source: str
    size: float = 0
    live: bool = False

    @property
    def height(self) -> float:
        """Pixels that it takes on a slide, estimated on the safe side."""
        return HEIGHTS[self.kind](self)


def rows(text: str, size: float, width: float = WIDTH) -> int:
    """Lines that a text takes in a font size."""
    return max(1, ceil(len(re.sub(r"[*`$]|\\[a-zA-Z]+", "", text)) * LETTER * size / width))


def items(source: str) -> list[str]:
    """The items of a list."""
    return [item.rstrip() for item in re.split(r"(?m)^(?=(?:[-*]|\d+\.) )", source) if item.strip()]


def picture_size(block: Block) -> tuple[int, int]:
    """Width and height at which a figure fills its slide."""
    width, height = Image.open(io.BytesIO(base64.b64decode(block.source))).size
    scale = min(WIDTH / width, ((block.size or HEIGHT) - LIVE * block.live) / height, LARGEST)
    return round(width * scale), round(height * scale)


def fitted(block: Block, room: float) -> int:
    """The largest font size at which code or output fits into a height; code longer than COLUMNS is wrapped."""
    longest = max(map(len, block.source.splitlines()))
    across = min(longest, COLUMNS) if block.kind == "code" else longest
    for size in range(CODE if block.kind == "code" else OUTPUT, SMALLEST, -1):
        if across * MONO * size <= WIDTH - FRAME and Block(block.kind, block.source, size).height <= room:
            return size
    return SMALLEST


def _code_height(block: Block) -> float:
    across = (WIDTH - FRAME) // (MONO * block.size)
    lines = sum(max(1, ceil(len(line) / across)) for line in block.source.splitlines())
    return lines * block.size * CODE_LINE + FRAME + GAP


def _table_height(block: Block) -> float:
    """Columns are about as wide as their longest cells need."""
    cells = [row.strip("| ").split("|") for row in block.source.splitlines()]
    longest = [max(map(len, column)) for column in zip_longest(*cells, fillvalue="")]
    shares = [(WIDTH - 36 * len(longest)) * length / sum(longest) for length in longest]
    lines = [max(rows(cell, TABLE, share) for cell, share in zip(row, shares, strict=False)) for row in cells]
    return sum(count * TABLE * LINE + 18 for count in lines[:1] + lines[2:]) + GAP


def _claim_height(block: Block) -> float:
    said, _, bound = block.source.rpartition(" (")
    lines = rows(said, LIST, WIDTH - 330) + rows(f"claimed · must miss it {bound}", LIST, WIDTH - 330)
    return lines * LIST * LINE + 32 + GAP


HEIGHTS = {
    "prose": lambda b: rows(b.source, PROSE) * PROSE * LINE + GAP,
    "prompt": lambda b: rows(b.source, PROMPT, WIDTH - 80) * PROMPT * LINE + 48 + GAP,
    "list": lambda b: sum(rows(item, LIST, WIDTH - 50) * LIST * LINE + 14 for item in items(b.source)) + GAP,
    "options": lambda b: sum(rows(item, PROSE, WIDTH - 60) * PROSE * LINE + 46 for item in b.source.splitlines()) + GAP,
    "formula": lambda b: 160 + 80 * b.source.count(r"\\ ") + GAP,
    "table": _table_height,
    "code": _code_height,
    "output": _code_height,
    "claim": _claim_height,
    "figure": lambda b: picture_size(b)[1] + LIVE * b.live,
}


def commonmark(formula: Callable | None = None) -> MarkdownIt:
    """What reads the notebooks' Markdown; `formula` writes a formula."""
    return MarkdownIt("commonmark", {"html": False}).enable("table").use(dollarmath_plugin, renderer=formula)


def cut(source: str) -> list[Block]:
    """The blocks of a piece of Markdown, headings and comments left out."""
    lines = source.splitlines()
    tokens = [token for token in commonmark().parse(source) if token.level == 0 and token.type in KINDS]
    return [Block(KINDS[token.type], "\n".join(lines[slice(*token.map)]).strip()) for token in tokens]


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph; none ends within brackets, code, a formula or an emphasis."""
    text, found, start = " ".join(text.split()), [], 0
    for gap in re.finditer(r"[.!?][*)”\"]*\s+(?=[^a-z\s])", text):
        head = text[start : gap.end()]
        open_marks = [mark for mark in ("**", "`", "$") if head.count(mark) % 2] + ["*"] * (head.count("*") % 2)
        if head.count("(") == head.count(")") and not open_marks:
            found.append(head.strip())
            start = gap.end()
    return [*found, text[start:]] if text[start:] else found


def brief(text: str, at_end: bool = False) -> str:
    """The first sentences of a paragraph, or its last ones: one, and as many more as are short together."""
    parts = sentences(text)[:: -1 if at_end else 1]
    count = 1
    while count < len(parts) and len(" ".join(parts[: count + 1])) <= SAID:
        count += 1
    return " ".join(parts[:count][:: -1 if at_end else 1])


def halves(block: Block, room: float) -> tuple[Block, Block | None]:
    """A list or a table, or where it is too tall as many of its items as make even parts, and the rest."""
    if block.kind not in ("list", "table") or block.height <= room:
        return block, None
    parts = items(block.source) if block.kind == "list" else block.source.splitlines()
    head = 2 if block.kind == "table" else 0  # titles and rule, which the rest repeats
    count, share = head + 1, block.height / ceil(block.height / room)
    while Block(block.kind, "\n".join(parts[: count + 1])).height <= min(room, share + GAP):
        count += 1
    return Block(block.kind, "\n".join(parts[:count])), Block(block.kind, "\n".join(parts[:head] + parts[count:]))


def defines(source: str) -> bool:
    """Whether code defines an idea: a function, a class, or a loop that computes and does not report."""
    for node in ast.parse(source).body:
        called = {n.func.id for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
        computes = any(isinstance(n, ast.Assign | ast.AugAssign) for n in ast.walk(node))
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            return True
        if isinstance(node, ast.For | ast.While) and computes and not called & REPORTS:
            return True
    return False


def only_draws(source: str) -> bool:
    """Whether code defines nothing but functions that draw."""
    return all(
        isinstance(node, ast.FunctionDef) and any(isinstance(n, ast.Name) and n.id in CANVAS for n in ast.walk(node))
        for node in ast.parse(source).body
    )


def idea(source: str) -> str:
    """Code without the statements that only report: what they say is shown by itself."""
    lines = source.splitlines()
    for node in ast.parse(source).body:
        call = node.value if isinstance(node, ast.Expr) else None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in REPORTS:
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    return "\n".join(lines).strip() or source


def results(output: NotebookNode) -> Iterable[Block]:
    """What an output shows: claims, other text, a picture. Progress bars, and values that nobody asked for, do not."""
    if "image/png" in output.get("data", {}):
        yield Block("figure", output.data["image/png"].replace("\n", ""), live=WIDGET in output.data)
    if output.output_type != "stream":
        return
    lines = [line.rstrip() for line in output.text.splitlines() if not PROGRESS.search(line)]
    for claims, group in groupby(lines, lambda line: bool(CLAIM.fullmatch(line))):
        if claims:
            yield from (Block("claim", line) for line in group)
        elif text := "\n".join(group).strip("\n"):
            yield Block("output", shortened(text))


def shortened(text: str) -> str:
    lines = text.splitlines()
    return text if len(lines) <= MOST_LINES else "\n".join([*lines[: MOST_LINES - 1], "…"])


def progress(outputs: Iterable[NotebookNode]) -> list[Block]:
    """Where the progress bars ended."""
    text = "".join(output.text for output in outputs if output.output_type == "stream")
    return [Block("output", line.strip()) for line in text.splitlines() if PROGRESS.search(line)]
