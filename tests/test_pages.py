"""The pages in docs/: the glossary's terms, the plan of lectures, and tables that are written and not typed."""

import json
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import books
import measured
import minutes
import pages
import pytest

import notebooks
from course_lib import exercises
from course_lib.exercises.progress import record

DOCS = books.ROOT / "docs"
NAMES = ("glossary", "results", "paths", "teachers")
CATALOGUE = exercises.catalogue()


def page(name):
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


each_page = pytest.mark.parametrize("name", NAMES)


# --- every page ----------------------------------------------------------------------------------------------------


@each_page
def test_page_begins_with_its_only_title(name):
    text = re.sub(r"(?ms)^```.*?^```", "", page(name))
    assert text.startswith("# ")
    assert len(re.findall(r"(?m)^# ", text)) == 1


@each_page
def test_links_lead_to_files_of_the_course(name):
    targets = re.findall(r"\]\(([^)#]+)", page(name))
    assert targets
    for target in targets:
        assert target.startswith("https://") or (DOCS / target).resolve().is_file(), target


@each_page
def test_rows_of_a_table_have_as_many_cells_as_its_head(name):
    for table in re.findall(r"(?m)(?:^\|.*\n)+", page(name)):
        assert len({len(cells(line)) for line in table.splitlines()}) == 1, table.splitlines()[0]


@each_page
def test_formulas_survive_a_table_and_github(name):
    """No bar, which would end a cell, and no backslash before a sign, which Markdown takes for its own."""
    for formula in re.findall(r"\$([^$\n]+)\$", page(name)):
        assert not re.search(r"\||\\[^a-zA-Z]|^\s|\s$", formula), formula


# --- the glossary --------------------------------------------------------------------------------------------------

ROWS = [cells(line) for line in page("glossary").splitlines() if line.startswith("| ") and "](../" in line]
TERMS = [row[0] for row in ROWS]

each_term = pytest.mark.parametrize("row", ROWS, ids=TERMS)


def plain(text):
    """Letters without marks, lower case, and a blank for all that is no letter or digit; β counts as beta."""
    parts = unicodedata.normalize("NFKD", text.replace("β", "beta"))
    return re.sub(r"[^a-z0-9]+", " ", "".join(c for c in parts if not unicodedata.combining(c)).casefold())


@pytest.fixture(scope="module")
def prose():
    """Notebook -> its words, in lower case and without marks of emphasis."""
    found = {}
    for path in books.PATHS:
        text = " ".join(cell.source for cell in books.read(path).cells if cell.cell_type == "markdown")
        found[path.name] = re.sub(r"\s+", " ", re.sub(r"[*`]", "", text)).casefold()
    return found


def test_glossary_is_sorted_and_names_each_term_once():
    assert [plain(term) for term in TERMS] == sorted({plain(term) for term in TERMS})
    assert len(TERMS) >= 150


def test_glossary_has_terms_of_every_notebook():
    assert {number for row in ROWS for number in re.findall(r"\[(\d\d)\]", row[3])} == set(CATALOGUE)


def test_terms_stand_under_their_letter():
    letter = None
    for line in page("glossary").splitlines():
        if line.startswith("## "):
            letter = line[3:]
        elif line.startswith("| ") and "](../" in line:
            assert plain(line)[1].upper() == letter, line


@each_term
def test_term_has_a_chinese_name(row):
    assert re.search(r"[\u4e00-\u9fff]", row[1])


@each_term
def test_definition_is_one_or_two_sentences(row):
    assert 6 <= len(row[2].split()) <= 45
    assert row[2].endswith(".")
    assert len(re.findall(r"[.!?](?= [A-Z])", row[2])) <= 2


@each_term
def test_term_is_taught_in_the_notebook_that_is_named(row, prose):
    number, target = re.fullmatch(r"\[(\d\d)\]\(\.\./notebooks/(.+)\)", row[3]).groups()
    assert target.startswith(f"{number}_")
    term, short = re.fullmatch(r"(.+?)(?: \((.+)\))?", row[0]).groups()
    for name in filter(None, (term, short)):
        assert name.casefold() in prose[target], name


# --- what is counted -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", pages.PAGES)
def test_page_is_as_the_tool_writes_it(name):
    assert page(name) == notebooks.fill(page(name), pages.PAGES[name]), "run `python tools/pages.py`"


@pytest.mark.parametrize("text", ["no marks", "<!-- a -->\n<!-- /a -->\n" * 2, "<!-- a -->\n<!-- /b -->\n"])
def test_page_without_its_marks_is_refused(text):
    with pytest.raises(ValueError, match=r"places <!-- a --> … <!-- /a -->; one is wanted"):
        notebooks.fill(text, {"a": lambda: "new"})


def test_marks_are_filled_with_what_is_there_literally():
    text = "before\n<!-- a -->\nold\n<!-- /a -->\nafter\n"
    assert notebooks.fill(text, {"a": lambda: r"\1 \g<2>"}) == "before\n<!-- a -->\n\\1 \\g<2>\n<!-- /a -->\nafter\n"


PARTS = [
    (n, number) for lecture in pages.LECTURES for n, numbers in lecture.parts.items() for number in numbers.split()
]


def test_every_section_of_the_plan_exists_and_stands_in_one_lecture():
    there = {(path.name[:2], s.title.split()[0]) for path in books.PATHS for s in minutes.sections(books.read(path))}
    assert set(PARTS) <= there
    assert len(set(PARTS)) == len(PARTS)
    assert {number for number, _ in PARTS} == set(CATALOGUE)
    assert [number for number, _ in PARTS] == sorted(number for number, _ in PARTS)


def test_twelve_lectures_of_about_ninety_minutes():
    assert len(pages.LECTURES) == 12
    for lecture in pages.LECTURES:
        taken = 0
        for number, numbers in lecture.parts.items():
            by_number = {s.title.split()[0]: s.minutes for s in minutes.sections(books.of(number))}
            taken += sum(by_number[n] for n in numbers.split())
        assert 75 <= taken <= 95, lecture.title


def test_what_no_lecture_shows_is_listed():
    shown = {(number, n) for number, n in PARTS}
    rest = {
        f"{section.title} | {round(section.minutes)} |"
        for path in books.PATHS
        for section in minutes.sections(books.read(path))
        if section.title != "What you saw" and (path.name[:2], section.title.split()[0]) not in shown
    }
    listed = page("teachers").split("<!-- at home -->")[1].split("<!-- /at home -->")[0]
    assert {line.split(" | ", 1)[1] for line in listed.splitlines() if "](../" in line} == rest
    assert len(rest) > 5


def test_exercises_of_a_lecture_belong_to_its_notebooks_and_one_is_easy():
    for lecture in pages.LECTURES:
        ids = lecture.exercises.split()
        assert {name[:2] for name in ids} <= set(lecture.parts)
        assert min(exercises.find(name).level for name in ids) == 1
        assert len(lecture.predict) == 2
        assert all(question.endswith("?") for question in lecture.predict)


def test_minutes_of_an_exercise_grow_with_its_level():
    assert pages.tried(["00.1"]) == 5
    assert pages.tried(["08.3", "08.7"]) == 10 + 15


def test_two_hours_are_no_longer():
    total = int(re.search(r"\*\*together\*\* \| \*\*(\d+)\*\*", page("paths"))[1])
    assert 100 <= total <= 120


def test_two_weeks_are_fourteen_evenings_and_say_what_they_leave_out():
    shown = [number for evening in pages.EVENINGS for number in evening.split()]
    assert len(pages.EVENINGS) == 14
    assert shown == sorted(set(shown))
    left = page("paths").split("Left out are")[1].split("\n\n")[0]
    assert set(re.findall(r"\[(\d\d) ·", left)) == set(CATALOGUE) - set(shown)


# --- results -------------------------------------------------------------------------------------------------------


def test_a_cell_is_mean_and_deviation_of_the_stored_runs():
    runs = json.loads((books.ROOT / "benchmarks" / "results" / "semi_supervised.json").read_text())["runs"]["100"]
    errors = [100 * run["M2"] for run in runs]
    mean = sum(errors) / len(errors)
    deviation = (sum((e - mean) ** 2 for e in errors) / (len(errors) - 1)) ** 0.5
    row = next(line for line in page("results").splitlines() if line.startswith("| 100 labels"))
    assert cells(row)[-1] == f"{mean:.1f} ± {deviation:.1f}"


def test_modes_in_use_are_counted_from_the_reverse_kl():
    table = measured.stored("remedies")
    runs = json.loads((books.ROOT / "benchmarks" / "results" / "remedies.json").read_text())["runs"]
    used = [25 * 2.718281828 ** -run["reverse_kl"] for run in runs["grid, two time scales"]]
    row = next(line for line in table.splitlines() if line.startswith("| two time scales |"))
    assert cells(row)[3].startswith(f"{sum(used) / len(used):.1f} ± ")


def test_what_was_not_measured_is_a_dash():
    row = next(line for line in page("results").splitlines() if line.startswith("| language model"))
    assert cells(row)[1] == "–"
    assert "–" not in cells(row)[2:]


# --- collecting results --------------------------------------------------------------------------------------------


def test_the_teachers_snippet_makes_a_table_of_what_three_learners_export(tmp_path, monkeypatch):
    (tmp_path / "handed-in").mkdir()
    done = {"Ada": ["00.1", "08.1"], "王伟": ["00.1"], "Zoë": []}
    for name, right in done.items():
        monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / f"{name}.json"))
        record("08.2", "mistake")
        for exercise_id in right:
            record(exercise_id, "right")
        exercises.export(tmp_path / "handed-in", name)
    (snippet,) = (code for code in re.findall(r"(?ms)^```python\n(.*?)^```", page("teachers")) if "handed-in" in code)
    assert len(snippet.splitlines()) <= 12
    (tmp_path / "collect.py").write_text(snippet, encoding="utf-8")
    subprocess.run([sys.executable, "collect.py"], cwd=tmp_path, check=True, env={**os.environ, "PYTHONUTF8": "0"})
    head, *rows = (line.split(",") for line in Path(tmp_path / "class.csv").read_text("utf-8-sig").splitlines())
    ids = [e.id for records in CATALOGUE.values() for e in records.EXERCISES]
    assert head == ["name", "right", "of", *ids]
    assert {row[0]: row[1:3] for row in rows} == {name: [str(len(x)), str(len(ids))] for name, x in done.items()}
    for row in rows:
        status = dict(zip(head, row, strict=True))
        assert status["08.2"] == "mistake"
        assert [name for name in ids if status[name] == "right"] == done[row[0]]


def test_every_status_that_a_file_may_hold_is_explained():
    explained = set(re.findall(r"(?m)^\| `([a-z ]+)` \|", page("teachers")))
    assert explained == set(exercises._MARKS)
