"""How long a reader waits at the start, in seconds by the clock: the package, the first picture, the tests.

- python alone, import course_lib, from course_lib import train: a new Python that does nothing else, one that imports
  the package, whose modules load when they are first used, and one that loads PyTorch;
- first notebook to first picture: notebook 00 at `lesson`, from the start of its kernel to the first figure;
- make test: all unit tests and every notebook, in an environment that is set up.

Writes benchmarks/results/start.json: `make bench`.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from store import store
from tqdm import tqdm

from course_lib.runtime import pick

ROOT = Path(__file__).parents[1]
FIRST = ROOT / "notebooks" / "00_start_here.ipynb"
TIMES = pick(smoke=1, lesson=5, full=5)


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return round(time.perf_counter() - started, 3)


def python(code: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, "-c", code], check=True)


def first_picture() -> None:
    """Run the first notebook's cells up to the first that shows a figure."""
    book = nbformat.read(FIRST, as_version=4)
    client = NotebookClient(book, timeout=120)
    with client.setup_kernel():
        for index, cell in enumerate(book.cells):
            client.execute_cell(cell, index)
            if any("image/png" in output.get("data", {}) for output in cell.get("outputs", ())):
                return
    raise ValueError(f"{FIRST.name} shows no figure")


def make_test() -> None:
    subprocess.run(["make", "test"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    works = {
        "python alone": (python(""), TIMES),
        "import course_lib": (python("import course_lib"), TIMES),
        "from course_lib import train": (python("from course_lib import train"), TIMES),
        "first notebook to first picture": (first_picture, TIMES),
        "make test": (make_test, 1),
    }
    runs = {}
    with tempfile.TemporaryDirectory() as folder:  # nothing trained before, and your progress stays as it is
        os.environ |= {"COURSE_MODELS": folder, "COURSE_PROGRESS": f"{folder}/progress.json", "COURSE_BUDGET": "lesson"}
        for name, (work, times) in works.items():
            runs[name] = [{"s": seconds(work)} for _ in tqdm(range(times), name, unit="run")]
    store("start", runs)
