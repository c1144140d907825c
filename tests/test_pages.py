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
import numpy as np
import pages
import pytest
import timings

import notebooks
from course_lib import exercises
from course_lib.exercises.progress import record

DOCS = books.ROOT / "docs"
NAMES = ("glossary", "results", "speed", "processes", "paths", "teachers")
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


def test_readme_is_as_the_tool_writes_it():
    text = (books.ROOT / "README.md").read_text(encoding="utf-8")
    assert text == notebooks.fill(text, notebooks.README), "run `python tools/pages.py`"


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


# --- published figures ---------------------------------------------------------------------------------------------

RESULTS = books.ROOT / "benchmarks" / "results"
SUMMARIES = {measured.spread: np.mean, measured.middle: np.median, measured.largest: np.max}

each_figure = pytest.mark.parametrize("entry", measured.PUBLISHED, ids=lambda entry: f"{entry.script}, {entry.figure}")


def stored(script):
    return json.loads((RESULTS / f"{script}.json").read_text(encoding="utf-8"))


def published_row(entry):
    lines = page("results").split("<!-- published -->")[1].split("<!-- /published -->")[0].split("\n")[1:]
    return dict(zip(cells(lines[0]), cells(lines[2 + measured.PUBLISHED.index(entry)]), strict=True))


@each_figure
def test_published_figure_stands_beside_what_its_script_stored(entry):
    everything, row = stored(entry.script), published_row(entry)
    runs = everything["runs"].get(entry.variant) or everything[entry.variant]
    runs = [runs] if isinstance(runs, dict) else runs
    values = [entry.value(run) if callable(entry.value) else run[entry.value] for run in runs]
    assert (row["published"], row["deviation from the protocol"]) == (entry.published, entry.deviation)
    number, _, deviation = row["here"].removeprefix("at most ").partition(" ± ")
    assert number == f"{SUMMARIES[entry.shown](values):{entry.form}}"
    assert deviation in ("", f"{np.std(values, ddof=len(values) > 1):{entry.form}}")
    assert row["runs"].split()[0] in (str(len(runs)), "deterministic")
    assert ("±" in row["here"]) == (entry.shown is measured.spread and row["runs"] not in ("1 seed", "deterministic"))
    machine = re.search(rf"\b{row['hardware']}: (.+?)[;.]?(?= \w: |\n)", page("results"))[1]
    device, torch = everything["device"].replace("cpu", "CPU"), everything["torch"].split("+")[0]
    assert machine == f"{device.replace(' 1 threads', ' 1 thread')}, torch {torch}"


@each_figure
def test_deviation_is_told_in_few_words_or_there_is_none(entry):
    assert entry.deviation == measured.NONE or 3 <= len(entry.deviation.split()) <= 12


def test_no_two_rows_show_the_same():
    shown = {(entry.script, entry.variant, entry.value) for entry in measured.PUBLISHED}
    assert len(shown) == len(measured.PUBLISHED)


def numbers(told):
    """All numbers in nested lists and dicts."""
    parts = told.values() if isinstance(told, dict) else told if isinstance(told, list) else ()
    return {told} if isinstance(told, int | float) else {number for part in parts for number in numbers(part)}


@each_figure
def test_row_and_script_call_the_same_figure_published(entry):
    """Where the script stores what was published; shares are per cent in the table."""
    everything = stored(entry.script)
    if "published" not in everything or entry.variant not in everything["runs"]:
        return
    told = everything["published"]
    known = numbers(told.get(entry.variant, told) if isinstance(told, dict) else told)
    for figure in map(float, re.findall(r"[\d.]+", entry.published)):
        assert known & {figure, round(figure / 100, 6)}


def test_share_of_epochs_is_that_which_was_run():
    """`2 of 400 epochs` and such, which stand in the figure's name."""
    told = {row["figure"]: row for row in map(published_row, measured.PUBLISHED) if "of 400 epochs" in row["figure"]}
    assert len(told) == 3 * len(stored("pacgan_protocol")["runs"])
    assert all(f"{stored('pacgan_protocol')['epochs']} of 400 epochs" in figure for figure in told)


def test_only_what_every_seed_repeats_is_called_deterministic():
    run = {"seed": 0, "cpu_s": 1.0, "modes": 1000, "kl": 0.1}
    assert measured.deterministic([run, run | {"seed": 1, "cpu_s": 2.0}])
    assert not measured.deterministic([run, run | {"seed": 1, "kl": 0.2}])
    assert not measured.deterministic([run])
    assert measured.deterministic([{"unigram": 3.347}])


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0, "< 1 s"), (0.99, "< 1 s"), (1, "1.0 s"), (59.4, "59 s"), (60, "1.0 min"), (2262, "38 min"), (5400, "1.5 h")],
)
def test_duration_is_in_the_largest_unit_that_is_reached(seconds, shown):
    assert measured.duration(seconds).replace("\N{NO-BREAK SPACE}", " ") == shown


def test_time_of_seeds_that_train_together_is_shared_out():
    assert measured.cpu_time([{"cpu_s": 10.0}, {"cpu_s": 20.0}]) == measured.duration(15)
    assert measured.cpu_time([{"seconds": 300.0}] * 5) == measured.duration(60)
    assert measured.cpu_time([{"kl": 0.1}]) == "–"


# --- benchmarks ----------------------------------------------------------------------------------------------------

HELPERS = {"store", "plain"}
MEASURING = ("results", "results-long", "bench")


def recipe(target):
    makefile = (books.ROOT / "Makefile").read_text(encoding="utf-8")
    return re.search(rf"(?m)^{target}:.*\n((?:\t.*\n)+)", makefile)[1].splitlines()


def test_each_benchmark_script_is_run_by_one_target():
    run = [name for target in MEASURING for name in re.findall(r"benchmarks/(\w+)\.py", "\n".join(recipe(target)))]
    scripts = {path.stem for path in (books.ROOT / "benchmarks").glob("*.py")}
    assert sorted(run) == sorted(scripts - HELPERS)
    assert {path.stem.removesuffix("_large") for path in RESULTS.glob("*.json")} <= set(run)


@pytest.mark.parametrize("target", MEASURING)
def test_pages_are_written_after_the_last_script(target):
    *scripts, last = recipe(target)
    assert all("benchmarks/" in line for line in scripts)
    assert last.endswith("tools/pages.py")


def test_tests_are_timed_before_the_pages_are_out_of_date():
    """`make test`, which start.py times, fails while a page shows older numbers than are stored."""
    assert "benchmarks/start.py" in recipe("bench")[0]


ROUNDS = [
    {"plain": 10.0, "course_lib": 1.0, "bare": 0.5},
    {"plain": 40.0, "course_lib": 8.0, "bare": 8.0},
    {"plain": 20.0, "course_lib": 5.0, "bare": 2.0},
]


@pytest.fixture
def fake(monkeypatch):
    """Stored results that are made up: name -> content."""
    contents = {}

    def result(name):
        if name not in contents:
            raise FileNotFoundError(name)
        return {"torch": "2.13.0+cpu", "device": "cpu, 1 threads, x86_64", "runs": {}} | contents[name]

    monkeypatch.setattr(measured, "result", result)
    return contents


def rows(table):
    return [cells(line) for line in table.splitlines() if line.startswith("|")]


def test_speed_is_medians_over_rounds_and_ratios_those_of_each_round(fake):
    loading = [{"plain": r["plain"], "course_lib": r["course_lib"]} for r in ROUNDS]
    fake["speed"] = {"runs": {"VAE": ROUNDS}, "loading": loading}
    _, _, vae, alone = rows(timings.speed())
    assert vae == ["VAE", "20.0", "5.00", "2.00", "5.00 ×", "2.00 ×"]  # of the medians: 4.00 and 2.50
    assert alone[1:] == ["20.0", "5.00", "–", "5.00 ×", "–"]
    assert [row[1:] for row in rows(timings.speed_in_short())[2:]] == [["20.0", "5.00", "5.00 ×"]] * 2
    assert "CPU, 1 thread, x86_64, torch 2.13.0: CPU seconds an epoch, medians of 3 rounds" in timings.speed()


def test_time_to_quality_has_its_target_and_spread(fake):
    runs = [{"seed": s, "cpu_s": 20.0 + s, "test_loss": 105.0 + s / 10} for s in range(3)]
    fake["speed"] = {"to_quality": {"target": 105.6, "plain": runs, "course_lib": runs}}
    head, _, plain, ours = rows(timings.to_quality())
    assert "105.6" in head[2]
    assert plain[1:] == ours[1:] == ["21.0 ± 1.0", "105.10 ± 0.10", "3"]


def test_start_is_a_median_and_a_range(fake):
    fake["start"] = {"runs": {"import": [{"s": 1.0}, {"s": 5.0}, {"s": 2.0}], "make test": [{"s": 300.0}]}}
    assert rows(timings.start())[2:] == [["import", "2.00", "1.00–5.00", "3"], ["make test", "300", "300", "1"]]
    assert timings.start_in_short() == "Seconds by the clock: import 2.00, make test 300."


def test_faults_count_what_resumed_and_tell_the_worst(fake):
    good = {"lost": 0, "resumed": True, "half_written": False}
    bad = {"lost": 2, "resumed": False, "half_written": True}
    runs = {"while training": [good, good, bad], "while writing": [good]}
    fake["faults"] = {"runs": runs, "equal_to_straight": {"while training": False, "while writing": True}}
    training, writing = (row[1:] for row in rows(timings.faults())[2:])
    assert training == ["3", "1", "2", "2", "no"]
    assert writing == ["1", "0", "1", "0", "yes"]


def test_page_says_so_where_no_accelerator_was_measured(fake):
    assert "python benchmarks/gpu.py" in timings.gpu()
    assert "\n" not in timings.gpu()


def test_accelerator_is_measured_against_the_plain_pipeline_and_itself(fake):
    ways = [("plain", 30.0, 0.001), ("course_lib", 2.0, 0.015), ("accelerated", 0.5, 0.06)]
    runs = [
        {"way": way, "seconds": s, "peak_mib": 64, "matrix_share": share, "copy_share": 0.25} for way, s, share in ways
    ]
    rates = {"copy": 2e12, "float32": 5e13, "bfloat16": 7.5e14}
    fake["gpu"] = {"runs": {"VAE, batch 128": runs}, "card": "A card", "images": 59392, "rates": rates}
    _, _, plain, ours, fast = rows(timings.gpu())
    assert plain[2:] == ["30.0", "64", "0.10%", "25.00%", "1.00 ×"]
    assert (ours[2], ours[-1]) == ("2.00", "15.0 ×")
    assert (fast[0], fast[4], fast[-1]) == ("VAE, batch 128", "6.00%", "60.0 ×")
    assert "A card, seconds by the clock for 59,392 images" in timings.gpu()
    assert "copies 2,000 GB/s and multiplies matrices at float32 50 TFLOP/s, bfloat16 750 TFLOP/s." in timings.gpu()


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
