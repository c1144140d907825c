import ast
import re
from statistics import median, quantiles

import books
import pytest

import notebooks as tools
from course_lib.exercises import catalogue

MOST_KB = 500
LEAST_FIGURES = 5
MACHINE_PATH = r"(?<![\w./:-])/(work|root|home|tmp|Users)/"
CLOSING = ["## What you saw", "## Common mistakes", "## Further reading", "**Next:**"]

pytestmark = pytest.mark.parametrize("path", books.PATHS, ids=lambda path: path.stem)


@pytest.fixture
def book(path):
    return books.read(path)


def prose(book):
    return "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")


def opening(book, cell_type):
    """The sources of one kind of cell before the first section."""
    first = next(i for i, cell in enumerate(book.cells) if cell.source.startswith("## "))
    return [cell.source for cell in book.cells[:first] if cell.cell_type == cell_type]


def records(path):
    return catalogue()[path.name[:2]]


def test_title_comes_first(book, path):
    assert book.cells[0].cell_type == "markdown"
    assert re.fullmatch(rf"# {path.name[:2]} · \S.*", book.cells[0].source)


def test_title_is_that_of_the_records(book, path):
    assert book.cells[0].source == f"# {path.name[:2]} · {records(path).TITLE}"


def test_badge_follows_the_title_and_is_what_the_tool_writes(book, path):
    assert books.tags(book.cells[1]) == ["badge"]
    assert book.cells[1].source == tools.badge_source(tools.repository(), path.name)


def test_opening_says_what_for_what_before_and_how_long(book):
    text = opening(book, "markdown")[2]
    goals = text.split("**After this notebook you can**")[1].split("**Before:**")[0]
    assert 3 <= len(re.findall(r"(?m)^- ", goals)) <= 5
    assert re.search(r"\*\*Before:\*\* \w", text)
    assert re.search(r"\*\*Time:\*\* .*\d+ minute", text)


def test_opening_code_is_bootstrap_imports_settings(book):
    bootstrap, imports, settings = opening(book, "code")
    assert bootstrap == tools.bootstrap_source(tools.repository())
    assert all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in ast.parse(imports).body)
    assert "runtime.seed_everything(" in settings
    assert "runtime.device()" in settings
    assert "runtime.budget()" in settings


def test_bootstrap_cell_alone_has_its_tag_and_is_no_slide(book):
    tagged = [cell for cell in book.cells if "bootstrap" in books.tags(cell)]
    assert [cell.metadata.slideshow.slide_type for cell in tagged] == ["skip"]


def test_imports_and_seed_stand_in_one_cell_each(book):
    cells = [cell.source for cell in books.code(book)]
    importing = [s for s in cells if any(isinstance(n, (ast.Import, ast.ImportFrom)) for n in ast.walk(ast.parse(s)))]
    assert importing == [opening(book, "code")[1]]
    assert [s for s in cells if "seed_everything" in s] == [opening(book, "code")[2]]


def test_code_cells_are_short(book):
    sizes = [len(books.lines(cell)) for cell in books.code(book, without=("bootstrap", "solution"))]
    assert median(sizes) <= 6
    assert quantiles(sizes, n=10, method="inclusive")[-1] <= 15
    assert max(sizes) <= 30


def test_figures_are_stored(book):
    shown = [output for cell in books.code(book) for output in cell.outputs if "image/png" in output.get("data", {})]
    assert len(shown) >= LEAST_FIGURES


def test_each_exercise_has_its_stub_and_is_announced_with_its_level(book, path):
    exercises = records(path).EXERCISES
    assert list(books.tasks(book)) == [e.id for e in exercises]
    for e in exercises:
        level = "●" * e.level + "○" * (3 - e.level)
        assert re.search(rf"(?m)^### Exercise {e.id} {level}( |$)", prose(book)), e.id


def test_each_stub_is_followed_by_its_folded_solution(book):
    for task in books.tasks(book).values():
        cell = book.cells[task.solution]
        assert set(books.tags(cell)) == {"solution", "hide-cell"}
        assert cell.metadata.jupyter.source_hidden is True
        assert cell.metadata.cellView == "form"
        assert cell.metadata.slideshow.slide_type == "skip"
        assert cell.source.startswith("# @title Solution")


def test_solutions_belong_to_stubs_and_stubs_are_no_solutions(book):
    solutions = [i for i, cell in enumerate(book.cells) if "solution" in books.tags(cell)]
    assert solutions == [task.solution for task in books.tasks(book).values()]


def test_quiz_of_this_notebook_is_asked(book, path):
    asked = [call for cell in books.code(book) for call in books.calls(cell.source, "quiz")]
    assert [[argument.value for argument in call.args] for call in asked] == [[path.name[:2]]]


def test_closing_sections_are_there_in_order(book):
    assert re.findall(r"(?m)^## (?:What|Common|Further) .+$|^\*\*Next:\*\*", prose(book)) == CLOSING


def test_outputs_are_stored_and_without_errors(book):
    outputs = [output for cell in books.code(book) for output in cell.outputs]
    assert outputs
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr" and "Traceback" in output.text]


def test_every_cell_was_executed_in_order(book):
    counts = [cell.execution_count for cell in book.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


def test_outputs_are_of_this_code_at_the_budget_lesson(book):
    assert book.metadata.course.code == tools.code_hash(book), "code changed: run `make notebooks`"
    assert book.metadata.course.budget == "lesson"
    assert book.metadata.course.cpu_minutes > 0


def test_each_claim_shows_that_it_held(book):
    claiming = [cell for cell in books.code(book) if books.calls(cell.source, "claim")]
    assert claiming
    for cell in claiming:
        said = "".join(map(books.text, cell.outputs))
        assert said.count("✓") >= len(books.calls(cell.source, "claim")), cell.source
        assert "smoke run" not in said


def test_file_is_small(path):
    assert path.stat().st_size <= MOST_KB * 1000


def test_checked_outputs_are_stored(book):
    marked = [c for c in books.code(book) if "NBVAL_CHECK_OUTPUT" in c.source or "nbval-check-output" in books.tags(c)]
    assert all(cell.outputs for cell in marked)


def test_no_path_of_a_machine_is_shown(book):
    texts = [cell.source for cell in book.cells] + [books.text(o) for cell in books.code(book) for o in cell.outputs]
    assert not [text for text in texts if re.search(MACHINE_PATH, text)]


def test_no_widget_state_is_stored(book):
    assert "widgets" not in book.metadata
    assert book.nbformat == 4


def test_nothing_is_installed_unpickled_or_evaluated(book):
    for cell in books.code(book):
        names = {node.id for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)}
        assert not names & {"eval", "exec", "get_ipython", "subprocess"}
        assert not re.search(r"pickle|joblib|weights_only=False|os\.system", cell.source)


def test_no_shell_or_magic_line_outside_the_bootstrap_cell(book):
    for cell in books.code(book):
        assert not re.search(r"(?m)^\s*[!%]", cell.source)
