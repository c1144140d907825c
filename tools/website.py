"""Build the course as a web site in build/site: the notebooks as they are stored, and the pages in docs/.

python tools/website.py
"""

import re
import shutil
import subprocess
import sys
import time
from html import escape

import nbformat
from nbformat.v4 import new_output

import notebooks
from course_lib.exercises import catalogue
from course_lib.exercises.quizzes import LETTERS

ROOT = notebooks.ROOT
DOCS = ROOT / "docs"
SITE, WORK = ROOT / "build" / "site", ROOT / "build" / "site-work"
SOURCE = WORK / "source"
MATHJAX = DOCS / "node_modules" / "mathjax" / "es5"
EXERCISES = "## Exercises\n"
CHECKED = """
```{note}
`check` judges your answer in the notebook, at once and offline. On this page you can read the exercises, and unfold a
solution when you have one of your own.
```
"""


def for_the_web(book, name: str, repo: str):
    """A notebook as its page shows it: no set-up, a picture for an explorer, a quiz that answers."""
    heading = ""
    for cell in book.cells:
        tags = cell.metadata.get("tags", [])
        if "bootstrap" in tags:
            tags.append("remove-cell")
        elif "badge" in tags:
            cell.source = links(name, repo)
        elif cell.cell_type == "markdown":
            heading = (re.findall(r"(?m)^#+ (.*)", cell.source) or [heading])[-1]
            cell.source = cell.source.replace(EXERCISES, EXERCISES + CHECKED)
        else:
            cell.source = cell.source.removeprefix("# @title Solution\n")  # for Colab; the page has a label of its own
            cell.metadata["mystnb"] = {"image": {"alt": f"Figure of notebook {name[:2]}, {heading}"}}
            cell.outputs = shown(cell)
    return book


def links(name: str, repo: str) -> str:
    """Where to get the notebook itself: a download and, once the course has an address, Colab."""
    download = f"{{download}}`Download the notebook <../downloads/{name}>`"
    colab = notebooks.badge_source(repo, name).replace(f"![Open In Colab]({notebooks.BADGE})", "Open in Colab")
    return "\n".join(["{.links}", download, *([colab] if repo else [])])


def shown(cell) -> list:
    if asked := re.fullmatch(r'quiz\("(\d\d)"\)', cell.source):
        return [html(quiz(asked[1]))]
    return [part for output in cell.outputs for part in still(output)]


def still(output) -> list:
    """An output where no kernel runs: an explorer is its picture, and a line that says where it moves."""
    if notebooks.WIDGET not in output.get("data", {}):
        return [output]
    del output.data[notebooks.WIDGET]
    line = f"<b>Live in JupyterLab and on Colab.</b> {escape(output.data['text/plain'])}"
    return [output, html(f'<p class="live">{line}</p>')]


def quiz(number: str) -> str:
    """The questions of a notebook; each option unfolds what the course says about it."""
    return f'<ol class="quiz">{"".join(map(question, catalogue()[number].QUIZ))}</ol>'


def question(asked) -> str:
    options = "".join(option(LETTERS[i], *texts, i == asked.correct) for i, texts in enumerate(asked.options))
    return f"<li><p>{words(asked.text)}</p>{options}</li>"


def option(letter: str, text: str, feedback: str, right: bool) -> str:
    kind, mark = ("right", "✓") if right else ("wrong", "✗")
    unfolded = f"<p>{mark} {words(feedback)}</p>"
    return f'<details class="{kind}"><summary>{letter}) {words(text)}</summary>{unfolded}</details>'


def words(text: str) -> str:
    return re.sub("`(.+?)`", r"<code>\1</code>", escape(text))


def html(text: str):
    return new_output("display_data", {"text/html": text})


def front() -> str:
    """The front page, with the README's table of notebooks, by titles in place of file names."""
    rows = re.sub(r"(?m)^\| \[(\d\d)\w+\](\S+) \| (.+?) \|", r"| [\1 · \3]\2 |", notebooks.table())
    table = rows.replace("| notebook | topic |", "| notebook |").replace("|---|---|", "|---|", 1)
    return (DOCS / "index.md").read_text(encoding="utf-8").replace("<!-- notebooks -->", table)


def assemble(repo: str) -> None:
    """Lay out what Sphinx reads, each page where it lies in the course, so that its links hold."""
    for folder in ("docs", "notebooks", "downloads"):
        (SOURCE / folder).mkdir(parents=True)
    shutil.copy(DOCS / "conf.py", SOURCE)
    (SOURCE / "index.md").write_text(front(), encoding="utf-8")
    for path in {*DOCS.glob("*.md"), *DOCS.glob("*.png")} - {DOCS / "index.md"}:
        shutil.copy(path, SOURCE / "docs")
    for path in notebooks.books():
        shutil.copy(path, SOURCE / "downloads")
        book = for_the_web(nbformat.read(path, as_version=4), path.name, repo)
        nbformat.write(book, SOURCE / "notebooks" / path.name)


def copy_looks() -> None:
    """Style sheet, icon and MathJax: nothing is fetched from elsewhere when a page is opened."""
    static = SOURCE / "_static"
    shutil.copytree(DOCS / "site", static)
    shutil.copytree(MATHJAX / "output" / "chtml", static / "mathjax" / "output" / "chtml")
    shutil.copy(MATHJAX / "tex-chtml-full.js", static / "mathjax")


def main() -> None:
    started = time.perf_counter()
    shutil.rmtree(WORK, ignore_errors=True)
    assemble(notebooks.repository())
    copy_looks()
    print(f"{len(notebooks.books())} notebooks become pages: about a quarter of a minute", flush=True)
    options = ["--quiet", "--fail-on-warning", "--keep-going", "--jobs=2", f"--doctree-dir={WORK / 'parsed'}"]
    if subprocess.run([sys.executable, "-m", "sphinx", *options, SOURCE, WORK / "html"]).returncode:
        sys.exit("no new site: mend what the warnings above name")
    shutil.rmtree(SITE, ignore_errors=True)
    (WORK / "html").rename(SITE)
    print(f"make site took {time.perf_counter() - started:.0f} s; open {SITE.relative_to(ROOT)}/index.html")


if __name__ == "__main__":
    main()
