"""Keep the notebooks: execute and stamp them, fill in the README's tables, write the Colab address into them.

python tools/notebooks.py run [08 …]          execute at `lesson`, store outputs, stamp
python tools/notebooks.py colab owner/name    make the badges and bootstrap cells point there
"""

import argparse
import base64
import hashlib
import io
import os
import re
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import measured
import nbformat
import timings
import weights
from nbclient import NotebookClient
from PIL import Image
from tqdm import tqdm

from course_lib.data import available
from course_lib.exercises import catalogue
from course_lib.runtime import atomic_path

ROOT = Path(__file__).resolve().parents[1]
BOOKS = ROOT / "notebooks"
CELL_TIMEOUT_S = 600
COLOURS = 128
WIDGET = "application/vnd.jupyter.widget-view+json"
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"


def code_hash(book) -> str:
    """Changes when a code cell changes, the bootstrap cell excepted: is the stored output still of this code?"""
    cells = [c.source for c in book.cells if c.cell_type == "code" and "bootstrap" not in c.metadata.get("tags", [])]
    return hashlib.sha256("\n\n".join(cells).encode()).hexdigest()


def books(numbers=()) -> list[Path]:
    every = sorted(BOOKS.glob("[0-9][0-9]_*.ipynb"))
    found = [p for p in every if not numbers or p.name[:2] in numbers]
    if not found:
        sys.exit(f"no notebook {' '.join(numbers)} in {BOOKS}; there are {', '.join(p.name for p in every) or 'none'}")
    return found


def run(path: Path) -> None:
    """Execute one notebook and store its outputs, but only when all of it ran."""
    book = nbformat.read(path, as_version=4)
    client = NotebookClient(
        book,
        timeout=CELL_TIMEOUT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(BOOKS)}},
        store_widget_state=False,
        record_timing=False,
        coalesce_streams=True,
    )
    started = time.perf_counter()
    bar = tqdm(total=sum(c.cell_type == "code" for c in book.cells), desc=path.stem, unit="cell")
    client.on_cell_complete = lambda **_: bar.update()
    with bar:
        client.execute()
    book.metadata["course"] = {
        "code": code_hash(book),
        "budget": os.environ["COURSE_BUDGET"],
        "cpu_minutes": round((time.perf_counter() - started) / 60, 1),
    }
    book.metadata.pop("widgets", None)
    for cell in book.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = smaller(output.data["image/png"])
    write(book, path)


def smaller(png: str) -> str:
    """A base64 PNG with at most 128 colours: a quarter of the size, and hardly a figure needs more."""
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    buffer = io.BytesIO()
    picture.quantize(COLOURS, kmeans=1, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def replace(path: Path, content: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write(book, path: Path) -> None:
    nbformat.validate(book)
    with atomic_path(path) as temporary:
        nbformat.write(book, temporary)


def table() -> str:
    """The README's table of notebooks."""
    rows = ["| notebook | topic | minutes (CPU) | exercises | quiz |", "|---|---|---|---|---|"]
    for path in books():
        records = catalogue()[path.name[:2]]
        minutes = nbformat.read(path, as_version=4).metadata.get("course", {}).get("cpu_minutes", "–")
        link = f"[{path.stem}](notebooks/{path.name})"
        rows.append(f"| {link} | {records.TITLE} | {minutes} | {len(records.EXERCISES)} | {len(records.QUIZ)} |")
    return "\n".join(rows)


def save_pictures() -> None:
    """The README's pictures, docs/<notebook>.png: the figures of the cells that are tagged `readme`."""
    for path in books():
        for cell in nbformat.read(path, as_version=4).cells:
            if "readme" in cell.metadata.get("tags", []):
                (png,) = (o.data["image/png"] for o in cell.outputs if o.output_type != "stream")
                replace(ROOT / "docs" / f"{path.stem}.png", base64.b64decode(png))


def fill(text: str, contents: dict[str, Callable[[], str]]) -> str:
    """The text with what stands between <!-- name --> and <!-- /name --> written anew.

    Raises:
        ValueError: the text has no such marks, or more than one pair.
    """
    for name, content in contents.items():
        between = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", flags=re.S)
        if len(between.findall(text)) != 1:
            raise ValueError(f"{len(between.findall(text))} places <!-- {name} --> … <!-- /{name} -->; one is wanted")
        new = content()
        text = between.sub(lambda marks, new=new: f"{marks[1]}{new}\n{marks[2]}", text)
    return text


README = {
    "notebooks": table,
    "speed": timings.speed_in_short,
    "start": timings.start_in_short,
    "published": measured.published_in_short,
}


def update_readme() -> None:
    save_pictures()
    readme = ROOT / "README.md"
    replace(readme, fill(readme.read_text(encoding="utf-8"), README).encode())


def repository() -> str:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["course"]["repository"]


def bootstrap_source(repo: str) -> str:
    """Three lines that install course_lib only where it is missing; pip leaves what is installed as it is."""
    install = (
        f'%pip install -q "course-lib @ git+https://github.com/{repo}"'
        if repo
        else 'raise SystemExit("no course_lib: run `make lab` in a clone of the course (for Colab see the README)")'
    )
    return f'import importlib.util\n\nif importlib.util.find_spec("course_lib") is None:\n    {install}'


def badge_source(repo: str, name: str) -> str:
    address = f"https://colab.research.google.com/github/{repo}/blob/main/notebooks/{name}"
    return f"[![Open In Colab]({BADGE})]({address})" if repo else "<!-- Colab badge: make colab REPO=owner/name -->"


def stamp_colab(repo: str) -> None:
    """Write the repository's address into pyproject.toml, and from there into every notebook."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo):
        sys.exit(f"REPO is {repo!r}; give owner/name, as in the address of the repository on GitHub")
    pyproject = ROOT / "pyproject.toml"
    text = re.sub(r'(?m)^repository = ".*"$', f'repository = "{repo}"', pyproject.read_text(encoding="utf-8"))
    replace(pyproject, text.encode())
    for path in books():
        book = nbformat.read(path, as_version=4)
        fill_in(book, path.name, repository())
        write(book, path)
        print(f"stamped {path.name}")


def fill_in(book, name: str, repo: str) -> None:
    for cell in book.cells:
        if "bootstrap" in cell.metadata.get("tags", []):
            cell.source = bootstrap_source(repo)
        if "badge" in cell.metadata.get("tags", []):
            cell.source = badge_source(repo, name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, dest="command")
    commands.add_parser("run").add_argument("numbers", nargs="*", help="such as 08; all where none is given")
    commands.add_parser("colab").add_argument("repo", help="owner/name")
    args = parser.parse_args()
    if args.command == "colab":
        return stamp_colab(args.repo)
    os.environ.setdefault("COURSE_BUDGET", "lesson")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COURSE_PROGRESS"] = f"{folder}/progress.json"  # yours stays as it is
        os.environ["COURSE_MODELS"] = folder
        for path in books(args.numbers):
            run(path)
        if os.environ["COURSE_BUDGET"] == "lesson" and available("mnist"):
            print("".join(f"shipped {name}\n" for name in weights.ship(Path(folder))), end="")


if __name__ == "__main__":
    main()
