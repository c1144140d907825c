"""Slides are derived from notebooks by rules: nothing is lost, nothing is given away, and the minutes add up."""

import base64
import io
import re
import shutil
from collections import Counter
from pathlib import Path

import books
import minutes
import nbformat
import pytest
import slides
from blocks import CLAIM, Block, brief, cut, defines, fitted, halves, idea, sentences
from deck import deck
from nbformat import NotebookNode
from PIL import Image

import notebooks
from course_lib.exercises import Question, catalogue

every_book = pytest.mark.parametrize("path", books.PATHS, ids=lambda path: path.stem)
QUIZ = [Question("Which is even?", [("one", "It is odd."), ("two", "Right: 2 = 2 · 1.")], 1)]
OPENING = "About.\n\n**After this notebook you can**\n- count;\n\n**Before:** nothing. **Time:** a minute."


def picture(width=400, height=200):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def drawn(png):
    return NotebookNode(output_type="display_data", data={"image/png": png}, metadata={})


def printed(text):
    return NotebookNode(output_type="stream", name="stdout", text=text)


def markdown(source, *tags):
    return nbformat.v4.new_markdown_cell(source, metadata={"tags": list(tags)})


def code(source, *outputs, tags=()):
    return nbformat.v4.new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)})


def notebook(*cells):
    opening = [markdown("# 99 · Numbers"), markdown("<!-- badge -->", "badge"), markdown(OPENING)]
    setting_up = [code("install()", tags=["bootstrap"]), code("import math"), code("seed(0)", printed("ready"))]
    return nbformat.v4.new_notebook(cells=[*opening, *setting_up, *cells])


def slides_of(*cells):
    """The slides after the title."""
    return deck(notebook(*cells), QUIZ)[1:]


def kinds(slides):
    return [[block.kind for block in slide.blocks] for slide in slides]


def words(text):
    return re.findall(r"[^\W_]+", text)


def everything(slides):
    """The source of all that is shown or said."""
    blocks = [block for s in slides for block in (*s.blocks, *s.notes) if block.kind != "figure"]
    return "\n".join([part for s in slides for part in (s.section, s.heading)] + [block.source for block in blocks])


def test_title_slide_says_what_you_will_be_able_to_do():
    title = deck(notebook(markdown("## 1 One\nText.")), QUIZ)[0]
    assert (title.kind, title.heading) == ("title", "99 · Numbers")
    assert [block.source for block in title.blocks] == ["About.", "**After this notebook you can**", "- count;"]
    assert [block.source for block in title.notes] == ["**Before:** nothing. **Time:** a minute."]


def test_opening_code_badge_and_bootstrap_are_left_out():
    found = everything(deck(notebook(markdown("## 1 One\nText.")), QUIZ))
    assert not re.search("install|import|seed|ready|badge", found)


def test_solutions_are_left_out_but_their_time_is_counted():
    statement, stub = markdown("### Exercise 99.1 ●○○ Add\nAdd two."), code('answer = ...\ncheck("99.1", answer)')
    solution = code("# @title Solution\nanswer = 2", tags=["solution"])
    (slide,) = slides_of(markdown("## 1 One"), statement, stub, solution)
    assert slide.heading == "Exercise 99.1 ●○○ Add"
    assert [block.source for block in slide.blocks] == ["Add two.", stub.source]
    assert "Solution" not in everything([slide])
    assert slide.minutes == pytest.approx(8 / 150 + 4 * 0.05 + 2 / 150)


def test_what_an_exercise_prints_or_draws_is_left_out():
    stub = code('check("99.1", answer)', printed("○ Not attempted yet."), drawn(picture()))
    statement = markdown("## Exercises\n### Exercise 99.1 ●○○ Add\nAdd two.")
    assert kinds(slides_of(statement, stub)) == [["prose", "code"]]


def test_each_question_is_a_slide_with_its_answer_in_the_notes():
    (slide,) = slides_of(markdown("## Quiz"), code('quiz("99")', printed("1. Which is even?")))
    assert slide.heading == "1. Which is even?"
    assert [block.source for block in slide.blocks] == ["a) one\nb) two"]
    assert [n.source for n in slide.notes] == ["The answer is b).", "a) It is odd.", "b) Right: 2 = 2 · 1."]


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        (printed("✓ share: 0.4 (> 0.1; noise 0)"), "claim"),
        (printed("12 of 30"), "output"),
        (drawn(picture()), "figure"),
    ],
)
def test_a_prediction_comes_before_its_result_on_a_slide_of_its_own(result, kind):
    found = slides_of(markdown("## 1 One\nText. **Predict:** up or down?"), code("count()", result))
    assert kinds(found) == [["prose", "prompt"], [kind]]
    assert found[0].blocks[1].source == "**Predict:** up or down?"


def test_a_figure_stands_alone_and_its_code_is_in_the_notes():
    found = slides_of(markdown("## 1 One\nText."), code("plot()", drawn(picture())), markdown("Seen."))
    assert kinds(found) == [["prose"], ["figure"], ["prose"]]
    assert [note.source for note in found[1].notes] == ["plot()"]


def test_a_cell_that_prints_and_draws_keeps_the_order():
    cell = code("draw()", printed("12 of 30"), drawn(picture()), printed("✓ share: 0.4 (> 0.1; noise 0)"))
    assert kinds(slides_of(markdown("## 1 One"), cell)) == [["output"], ["figure"], ["claim"]]


def test_progress_bars_are_told_in_the_notes():
    (slide,) = slides_of(markdown("## 1 One"), code("fit()", printed("epoch 9/9: 100%|███| 9/9 [loss=0.1]\n")))
    assert kinds([slide]) == [["code"]]
    assert [note.source for note in slide.notes] == ["epoch 9/9: 100%|███| 9/9 [loss=0.1]"]


def test_code_that_defines_is_shown_without_its_reports():
    cell = code("def f(x):\n    return x\n\n\nclaim('f', f(1), '>', 0)", printed("✓ f: 1 (> 0; noise 0)"))
    found = slides_of(markdown("## 1 One"), cell)
    assert [block.source for slide in found for block in slide.blocks] == [
        "def f(x):\n    return x",
        "✓ f: 1 (> 0; noise 0)",
    ]
    assert cell.source in [note.source for note in found[0].notes]


def test_a_function_that_only_draws_is_told_not_shown():
    (slide,) = slides_of(markdown("## 1 One\nText."), code("def show(x):\n    plt.plot(x)"))
    assert kinds([slide]) == [["prose"]]
    assert [note.source for note in slide.notes] == ["def show(x):\n    plt.plot(x)"]


def test_a_long_paragraph_is_cut_and_told_in_full():
    text = " ".join(f"Sentence number {i} of a paragraph says something." for i in range(9))
    (slide,) = slides_of(markdown(f"## 1 One\n{text}"))
    assert len(slide.blocks[0].source) <= 200
    assert [note.source for note in slide.notes] == [text]


def test_a_bold_lead_is_a_heading():
    first, second = slides_of(markdown("## 1 One\nText.\n\n**When is it tight?** At the top."))
    assert (first.heading, second.heading, second.blocks[0].source) == ("", "When is it tight?", "At the top.")


def test_sections_open_columns_in_order():
    found = slides_of(markdown("## 1 One\nA.\n\n### Part\nB.\n\n## 2 Two\nC."))
    assert [(s.section, s.heading, s.opens) for s in found] == [
        ("1 One", "", True),
        ("1 One", "Part", False),
        ("2 Two", "", True),
    ]


def test_what_to_read_further_is_told_with_what_comes_next():
    (slide,) = slides_of(markdown("## Further reading\n\n- A book.\n\n**Next:** 100, more numbers."))
    assert (slide.kind, slide.blocks[0].source) == ("next", "100, more numbers.")
    assert [note.source for note in slide.notes] == ["- A book."]


def test_a_list_that_is_too_long_goes_on_with_all_of_its_items():
    points = [f"- point {i} " + "word " * 20 for i in range(20)]
    found = slides_of(markdown("## 1 One\n" + "\n".join(points)))
    assert len(found) > 1
    assert all(slide.room >= 0 for slide in found)
    shown = [line for slide in found for block in slide.blocks for line in block.source.splitlines()]
    assert shown == [point.strip() for point in points]


def test_a_table_that_is_too_long_repeats_its_titles():
    rows = [f"| {i} | {'word ' * 30}|" for i in range(30)]
    head, rest = halves(cut("\n".join(["| a | b |", "|---|---|", *rows]))[0], 300)
    assert head.source.splitlines()[:2] == rest.source.splitlines()[:2] == ["| a | b |", "|---|---|"]
    assert head.source.splitlines()[2:] + rest.source.splitlines()[2:] == rows


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One. Two.", ["One.", "Two."]),
        ("It is (see 3. Not here) one.", ["It is (see 3. Not here) one."]),
        ("Use **a. B** now. Then stop.", ["Use **a. B** now.", "Then stop."]),
        ("About 3.5 of i.i.d. draws.", ["About 3.5 of i.i.d. draws."]),
    ],
)
def test_sentences_end_where_they_end(text, parts):
    assert sentences(text) == parts


def test_what_leads_to_a_formula_is_the_end_of_a_paragraph():
    text = "First " + "word " * 40 + "end. So it is:"
    assert brief(text, at_end=True) == "So it is:"


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("def f(): ...", True),
        ("for b in batches:\n    loss = f(b)\n    loss.backward()", True),
        ("for row in rows:\n    mean = sum(row)\n    print(mean)", False),
        ("x = 3", False),
    ],
)
def test_what_defines_an_idea(source, answer):
    assert defines(source) is answer


def test_code_that_only_reports_stays_as_it_is():
    assert idea("print(1)") == "print(1)"


def test_code_is_as_large_as_its_lines_allow():
    assert fitted(Block("code", "x = 1"), 590) == 26
    assert fitted(Block("code", "x = 1\n" * 24), 590) < 24
    assert fitted(Block("code", "x = 1\n" * 99), 590) == 16


def test_a_script_within_a_page_cannot_end_it(tmp_path):
    (tmp_path / "a.js").write_text("'</script><!--'")
    assert slides.embedded(tmp_path / "a.js") == r"'<\/script><\!--'"


@every_book
def test_nothing_that_is_said_is_lost(path):
    book = books.read(path)
    found = deck(book, catalogue()[path.name[:2]].QUIZ)
    near = [Counter(words(everything(found[i : i + 4]))) for i in range(len(found))]
    prose = [c.source for c in book.cells if c.cell_type == "markdown" and "badge" not in books.tags(c)]
    said = [block.source.removeprefix("**Next:**") for source in prose for block in cut(source)]
    assert [part for part in said if not any(Counter(words(part)) <= there for there in near)] == []
    headings = {line.lstrip("# ") for source in prose for line in source.splitlines() if re.match("##+ ", line)}
    assert headings - {part for slide in found for part in (slide.section, slide.heading)} <= {
        "Further reading",
        "Quiz",
    }


@every_book
def test_each_figure_and_formula_is_shown_once_in_order(path):
    book = books.read(path)
    shown = [b for s in deck(book, catalogue()[path.name[:2]].QUIZ) for b in s.blocks]
    pieces, figures, exercise = minutes.split_at_headings(book), [], False
    for piece in pieces:
        exercise = piece.source.startswith("### Exercise ") if piece.source.startswith("##") else exercise
        if piece.cell_type == "code" and not exercise:
            figures += [
                o.data["image/png"].replace("\n", "") for o in piece.outputs if "image/png" in o.get("data", {})
            ]
    assert [b.source for b in shown if b.kind == "figure"] == figures
    formulas = [b.source for p in pieces if p.cell_type == "markdown" for b in cut(p.source) if b.kind == "formula"]
    assert [b.source for b in shown if b.kind == "formula"] == formulas


@every_book
def test_the_minutes_are_those_of_the_sections(path):
    book = books.read(path)
    found = deck(book, catalogue()[path.name[:2]].QUIZ)
    per_section = {title: sum(s.minutes for s in found if s.section == title) for title, *_ in minutes.sections(book)}
    assert per_section == pytest.approx({title: taken for title, taken, _ in minutes.sections(book)})
    assert sum(s.minutes for s in found if s.taught) == pytest.approx(sum(per_section.values()))


@every_book
def test_no_solution_is_shown_or_told(path):
    book = books.read(path)
    shown = everything(deck(book, catalogue()[path.name[:2]].QUIZ))
    solutions = [c.source.split("\n", 1)[1] for c in book.cells if "solution" in books.tags(c)]
    assert [solution for solution in solutions if solution in shown] == []


@every_book
def test_every_question_is_asked(path):
    questions = catalogue()[path.name[:2]].QUIZ
    asked = [slide.heading for slide in deck(books.read(path), questions) if slide.kind == "quiz"]
    assert asked == [f"{number}. {question.text}" for number, question in enumerate(questions, 1)]


@every_book
def test_every_claim_is_shown(path):
    book = books.read(path)
    lines = [line for c in books.code(book) for o in c.outputs for line in books.text(o).splitlines()]
    shown = [b.source for s in deck(book, catalogue()[path.name[:2]].QUIZ) for b in s.blocks if b.kind == "claim"]
    assert [line for line in lines if line.startswith("✓") and line not in shown] == []
    assert all(CLAIM.fullmatch(line) for line in shown)


@every_book
def test_cells_are_marked_as_the_tool_marks_them(path):
    book = books.read(path)
    assert [c.metadata.get("slideshow", {}).get("slide_type") for c in book.cells] == slides.slide_type(book), (
        "run `python tools/slides.py stamp`"
    )
    assert book.metadata.get("rise") == slides.RISE


def test_stamping_changes_nothing_but_how_cells_are_shown(tmp_path, monkeypatch):
    original = next(path for path in books.PATHS if path.name.startswith("08"))
    copy = Path(shutil.copy(original, tmp_path))
    monkeypatch.setattr(notebooks, "BOOKS", tmp_path)
    slides.stamp(["08"])
    before, after = books.read(original), books.read(copy)
    assert after.metadata.pop("rise") == slides.RISE
    assert [cell.metadata.pop("slideshow")["slide_type"] for cell in after.cells] == slides.slide_type(before)
    for cell in before.cells:
        cell.metadata.pop("slideshow", None)
    before.metadata.pop("rise", None)
    assert nbformat.writes(after) == nbformat.writes(before)


def test_cells_that_set_up_or_solve_are_skipped_and_results_wait():
    predict = markdown("## 1 One\n**Predict:** up or down?")
    book = notebook(predict, code("plot()"), markdown("Seen."), code("f()"), code("x", tags=["solution"]))
    opening = ["slide", "skip", "-", "skip", "skip", "skip"]
    assert slides.slide_type(book) == [*opening, "slide", "fragment", "subslide", "-", "skip"]
