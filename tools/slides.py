"""Slides from the notebooks: one HTML file a deck, which needs nothing else and no network.

python tools/slides.py [08 …]          write build/slides/NN_name.html and an index of all decks
python tools/slides.py stamp [08 …]    mark the notebooks' cells, for showing them as slides in JupyterLab (RISE)
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from html import escape
from itertools import accumulate, groupby
from pathlib import Path

import nbformat
from blocks import CLAIM, COLUMNS, Block, commonmark, picture_size
from deck import PROMPT, Slide, deck, tags
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from minutes import sections
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from tqdm import tqdm

from course_lib.exercises import catalogue
from course_lib.plots import COLOURS
from notebooks import books, replace, write

ROOT = Path(__file__).resolve().parents[1]
SOURCE, BUILD, MODULES = ROOT / "docs/slides", ROOT / "build/slides", ROOT / "docs/node_modules"
SCRIPTS = {
    "mathjax": "mathjax/es5/tex-svg-full.js",
    "reveal": "reveal.js/dist/reveal.js",
    "speaker": "reveal.js/plugin/notes/notes.js",
}
# Where a notebook itself is shown: the theme that fetches no fonts, and slides that scroll where they are too long.
RISE = {"scroll": True, "theme": "white", "transition": "none"}
OPENS = re.compile(r"(?m)^## ")  # a section
STYLES = ("dist/reset.css", "dist/reveal.css")
PYTHON, FORMATTER = PythonLexer(), HtmlFormatter(nowrap=True, style="xcode")


def formula(source: str, options: dict) -> str:
    """What MathJax looks for."""
    return rf"\[{escape(source)}\]" if options["display_mode"] else rf"\({escape(source)}\)"


MARKDOWN = commonmark(formula)


def inline(text: str) -> Markup:
    return Markup(MARKDOWN.renderInline(text))


def text(block: Block) -> str:
    return MARKDOWN.render(block.source)


def code(block: Block) -> str:
    return f'<pre style="font-size:{block.size}px">{highlight(block.source, PYTHON, FORMATTER)}</pre>'


def output(block: Block) -> str:
    return f'<pre class="output" style="font-size:{block.size}px">{escape(block.source)}</pre>'


def claim(block: Block) -> str:
    said, value, rest = CLAIM.fullmatch(block.source).groups()
    bound, _, baselines = rest.replace("<=", "≤").replace(">=", "≥").partition("; ")
    held = f"claimed: {bound}" + (f" · must miss it: {baselines}" if baselines else "")
    return f"<p>✓ {escape(said)}</p><b>{value}</b><small>{escape(held)}</small>"


def figure(block: Block) -> str:
    width, height = picture_size(block)
    live = "<p class='live'>Live in the notebook</p>" if block.live else ""
    return f'<img src="data:image/png;base64,{block.source}" width="{width}" height="{height}" alt="">{live}'


def options(block: Block) -> str:
    return "".join(f"<p class='option'>{inline(line)}</p>" for line in block.source.splitlines())


SHOW = {
    **{"code": code, "output": output, "claim": claim, "figure": figure, "options": options},
    **dict.fromkeys(("prose", "prompt", "list", "table", "formula"), text),
}


def note(block: Block) -> str:
    """A block in the speaker's window: text as text, anything else as it is."""
    return f"<pre>{escape(block.source)}</pre>" if block.kind in ("code", "output") else text(block)


def pace(slides: list[Slide]) -> list[str]:
    """For each slide how long it takes, and where that leaves the lecture."""
    total = sum(slide.minutes for slide in slides if slide.taught)
    so_far = accumulate(slide.minutes * slide.taught for slide in slides)
    return [
        f"about {slide.minutes:.1f} minutes · {at:.0f} of {total:.0f}"
        if slide.taught
        else f"about {slide.minutes:.1f} minutes to read · outside the {total:.0f} of the lecture"
        for slide, at in zip(slides, so_far, strict=True)
    ]


def rendered(slides: list[Slide]) -> list[list[dict]]:
    """What the template shows: columns of slides, one column a section."""
    shown = [
        {
            "slide": slide,
            "heading": inline(slide.heading),
            "section": inline(slide.section),
            "body": [(block.kind, Markup(SHOW[block.kind](block))) for block in slide.blocks],
            "notes": Markup("".join(map(note, slide.notes))),
            "pace": said,
            "alone": len(slide.blocks) == 1,
        }
        for slide, said in zip(slides, pace(slides), strict=True)
    ]
    column = accumulate(slide.opens for slide in slides)
    return [[s for s, _ in group] for _, group in groupby(zip(shown, column, strict=True), lambda pair: pair[1])]


def embedded(path: Path) -> Markup:
    """A script as it may stand within a page."""
    return Markup(path.read_text(encoding="utf-8").replace("</script", r"<\/script").replace("<!--", r"<\!--"))


def templates() -> Environment:
    found = Environment(loader=FileSystemLoader(SOURCE), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    styles = [(MODULES / "reveal.js" / name).read_text(encoding="utf-8") for name in STYLES]
    own = (SOURCE / "slides.css").read_text(encoding="utf-8")
    colours = "".join(f"--c{i}: {colour};" for i, colour in enumerate(COLOURS))
    style = "\n".join([f":root {{{colours}}}", *styles, FORMATTER.get_style_defs("pre"), own])
    found.globals |= {name: embedded(MODULES / path) for name, path in SCRIPTS.items()} | {"style": Markup(style)}
    return found


def short_lines(paths: list[Path]) -> dict[str, str]:
    """The code cells of notebooks, as they are laid out in short lines."""
    with tempfile.TemporaryDirectory() as folder:
        copies = [Path(shutil.copy(path, folder)) for path in paths]
        command = [sys.executable, "-m", "ruff", "format", "--isolated", "--quiet", f"--line-length={COLUMNS}", folder]
        subprocess.run(command, check=True)
        return {
            cell.source: short.source
            for path, copy in zip(paths, copies, strict=True)
            for cell, short in zip(nbformat.read(path, 4).cells, nbformat.read(copy, 4).cells, strict=True)
        }


def build(wanted: list[Path], folder: Path) -> None:
    """Write the decks of notebooks, and the index of all decks that the folder then has."""
    pages, narrow, rows = templates(), short_lines(wanted), []
    for path in tqdm(books(), desc="slides", unit="deck"):
        book, questions = nbformat.read(path, as_version=4), catalogue()[path.name[:2]].QUIZ
        slides, name = deck(book, questions, narrow), f"{path.stem}.html"
        if path in wanted:
            page = pages.get_template("deck.html").render(title=slides[0].heading, columns=rendered(slides))
            replace(folder / name, page.encode())
        if (folder / name).exists():
            rows.append({"name": name, "slides": slides, "minutes": sum(section.minutes for section in sections(book))})
    replace(folder / "index.html", pages.get_template("index.html").render(rows=rows).encode())


def slide_type(book: nbformat.NotebookNode) -> list[str]:
    """What each cell is where the notebook itself is shown as slides; what was to be predicted waits for a key."""
    first = next(i for i, cell in enumerate(book.cells) if OPENS.search(cell.source))
    kinds, above = [], None
    for i, cell in enumerate(book.cells):
        if tags(cell) & {"badge", "bootstrap", "solution"} or (i < first and cell.cell_type == "code"):
            kinds.append("skip")
            continue
        if i == 0 or OPENS.search(cell.source):
            kinds.append("slide")
        elif cell.cell_type == "code" and above.cell_type == "markdown":
            kinds.append("fragment" if PROMPT.search(above.source) else "-")
        else:
            kinds.append("-" if i < first else "subslide")
        above = cell
    return kinds


def stamp(numbers: list[str]) -> None:
    """Write the type of each cell into the notebooks; nothing else changes."""
    for path in books(numbers):
        book = nbformat.read(path, as_version=4)
        for cell, kind in zip(book.cells, slide_type(book), strict=True):
            cell.metadata["slideshow"] = {"slide_type": kind}
        book.metadata["rise"] = RISE
        write(book, path)
        print(f"stamped {path.name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="notebooks such as 08, all where none is given; `stamp` before them")
    words = parser.parse_args().words
    if words[:1] == ["stamp"]:
        return stamp(words[1:])
    if not MODULES.exists():
        sys.exit(f"no {MODULES.relative_to(ROOT)}; run `make slides`, which installs reveal.js and MathJax there")
    started, wanted = time.perf_counter(), books(words)
    build(wanted, BUILD)
    print(f"{len(wanted)} decks in {BUILD.relative_to(ROOT)}: {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
