"""What the tests read from the notebooks: cells, tags, and each exercise's stub and solution."""

import ast
from pathlib import Path
from typing import NamedTuple

import nbformat
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PATHS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
WIDGET = "application/vnd.jupyter.widget-view+json"
DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)


class Task(NamedTuple):
    """An exercise as it stands in a notebook: the name that is handed to `check`, and the positions of both cells."""

    name: str
    stub: int
    solution: int


def pins(path):
    """Canonical name -> version, of a file of exact versions such as "constraints.txt"."""
    lines = [line for line in (ROOT / path).read_text().splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def read(path):
    return nbformat.read(path, as_version=4)


def of(number):
    """The notebook of a number such as "08"."""
    return read(next(path for path in PATHS if path.name.startswith(number)))


def tags(cell):
    return cell.metadata.get("tags", [])


def is_code(cell, without=("bootstrap",)):
    """Whether it is a code cell that has none of the tags in `without`."""
    return cell.cell_type == "code" and not set(without) & set(tags(cell))


def code(book, without=("bootstrap",)):
    """The code cells, those with one of the tags in `without` left out."""
    return [cell for cell in book.cells if is_code(cell, without)]


def explorers(book):
    """The stored outputs that are widgets, quizzes left out."""
    outputs = [output for cell in code(book) for output in cell.outputs]
    return [o for o in outputs if WIDGET in o.get("data", {}) and "Answer in a cell" not in o.data["text/plain"]]


def lines(cell):
    """The lines that are not blank."""
    return [line for line in cell.source.splitlines() if line.strip()]


def calls(source, function):
    """The calls of a plain name such as `check` in a cell's source, wherever they stand."""
    return [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function
    ]


def tasks(book):
    """Exercise id -> Task, read from the calls `check("id", name)`."""
    return {
        call.args[0].value: Task(call.args[1].id, position, position + 1)
        for position, cell in enumerate(book.cells)
        if is_code(cell)
        for call in calls(cell.source, "check")
    }


def definitions(book):
    """What the notebook imports and defines, exercises and solutions left out: name -> object."""
    given = {position for task in tasks(book).values() for position in (task.stub, task.solution)}
    return _defined(cell for i, cell in enumerate(book.cells) if is_code(cell) and i not in given)


def answers(book, task):
    """The answer as handed over, and as the solution cell has it."""
    namespace = _defined(filter(is_code, book.cells[: task.stub]))
    stub = ast.parse(book.cells[task.stub].source).body
    _run([node for node in stub if isinstance(node, DEFINITIONS) or task.name in _assigned(node)], namespace)
    handed_over = namespace[task.name]
    exec(book.cells[task.solution].source, namespace)
    return handed_over, namespace[task.name]


def _defined(cells):
    namespace = {"__name__": "notebook"}
    _run([node for cell in cells for node in ast.parse(cell.source).body if isinstance(node, DEFINITIONS)], namespace)
    return namespace


def _assigned(node):
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _run(nodes, namespace):
    exec(compile(ast.Module(nodes, type_ignores=[]), "<notebook>", "exec"), namespace)


def text(output):
    """What an output says in words, pictures left out."""
    shown = [value for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
    return "".join([output.get("text", ""), *shown])
