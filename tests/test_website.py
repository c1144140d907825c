import filecmp
import html
import re

import books
import pytest
import website

from course_lib.exercises import catalogue

NONE, ADDRESS = "", "owner/name"


def page(path, repo=NONE):
    return website.for_the_web(books.read(path), path.name, repo)


def outputs(book):
    return [output for cell in books.code(book, without=()) for output in cell.outputs]


@pytest.fixture(params=books.PATHS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.setattr(website, "SOURCE", tmp_path)
    website.assemble(NONE)
    return tmp_path


def test_the_set_up_cell_is_left_out(path):
    left_out = [cell for cell in page(path).cells if "remove-cell" in books.tags(cell)]
    assert [books.tags(cell) for cell in left_out] == [["bootstrap", "remove-cell"]]


def test_no_address_no_colab_button(path):
    shown = "\n".join(cell.source for cell in page(path).cells if cell.cell_type == "markdown")
    assert f"<../downloads/{path.name}>" in shown
    assert "colab" not in shown.lower()


def test_an_address_gives_a_colab_link_in_words(path):
    (cell,) = [cell for cell in page(path, ADDRESS).cells if "badge" in books.tags(cell)]
    address = f"https://colab.research.google.com/github/owner/name/blob/main/notebooks/{path.name}"
    assert f"[Open in Colab]({address})" in cell.source
    assert website.notebooks.BADGE not in cell.source


def test_each_explorer_is_its_picture_and_a_line(path):
    before, after = books.explorers(books.read(path)), outputs(page(path))
    pictures = [output.data.get("image/png") for output in after if "data" in output]
    lines = [output.data["text/html"] for output in after if "live" in output.get("data", {}).get("text/html", "")]
    assert not [output for output in after if books.WIDGET in output.get("data", {})]
    assert len(lines) == len(before)
    for explorer, line in zip(before, lines, strict=True):
        assert explorer.data["image/png"] in pictures
        assert html.escape(explorer.data["text/plain"]) in line


def test_each_option_of_the_quiz_unfolds_what_the_course_says(path):
    (cell,) = [cell for cell in books.code(page(path)) if cell.source.startswith("quiz(")]
    (output,) = cell.outputs
    found = re.findall(r'<details class="(\w+)"><summary>(.+?)</summary><p>(.+?)</p>', output.data["text/html"])
    asked = catalogue()[path.name[:2]].QUIZ
    texts = [(f"{'abcdef'[i]}) {text}", said) for q in asked for i, (text, said) in enumerate(q.options)]
    right = [i == q.correct for q in asked for i in range(len(q.options))]
    expected = [("right", "✓") if r else ("wrong", "✗") for r in right]
    assert [(kind, said[0]) for kind, _, said in found] == expected
    plain = [(text, said[2:]) for _, text, said in found]
    assert [tuple(map(as_text, pair)) for pair in plain] == [tuple(t.replace("`", "") for t in pair) for pair in texts]


def as_text(markup):
    return html.unescape(re.sub("</?code>", "", markup))


def test_a_text_cannot_become_markup():
    assert website.words("a < b & `x<y`") == "a &lt; b &amp; <code>x&lt;y</code>"


def test_solutions_stay_folded_and_lose_the_label_for_colab(path):
    solutions = [cell for cell in page(path).cells if "solution" in books.tags(cell)]
    assert solutions
    for cell in solutions:
        assert "hide-cell" in books.tags(cell)
        assert "@title" not in cell.source


def test_a_figure_names_the_section_it_stands_in():
    book = page(books.PATHS[8])
    (cell,) = [cell for cell in book.cells if "The score function pays" in cell.source]
    assert cell.metadata["mystnb"]["image"]["alt"] == "Figure of notebook 08, 3 A gradient through a random draw"


def test_exercises_say_once_where_they_are_checked(path):
    said = sum(cell.source.count("`check` judges your answer in the notebook") for cell in page(path).cells)
    assert said == (path.name[:2] != "00")  # which has one exercise, and says so itself


def test_other_outputs_are_those_that_are_stored(path):
    def plain(book):
        return [o for cell in books.code(book) if "quiz(" not in cell.source for o in cell.outputs if "text" in o]

    assert plain(page(path)) == plain(books.read(path))


def test_the_download_is_the_notebook_itself(source):
    names = [path.name for path in books.PATHS]
    same, different, missing = filecmp.cmpfiles(books.ROOT / "notebooks", source / "downloads", names, shallow=False)
    assert (sorted(same), different, missing) == (names, [], [])


def test_the_front_page_lists_every_notebook_by_its_title(source):
    front = (source / "index.md").read_text(encoding="utf-8")
    for number, records in catalogue().items():
        assert re.search(
            rf"(?m)^\| \[{number} · {records.TITLE}\]\(notebooks/{number}_\w+\.ipynb\) \| [\d.]+ \|", front
        )
    assert "| notebook | minutes (CPU) | exercises | quiz |\n|---|---|---|---|\n" in front


def test_every_page_in_docs_is_taken_along(source):
    pages = {path.name for path in (books.ROOT / "docs").glob("*.md")} - {"index.md"}
    assert {path.name for path in (source / "docs").glob("*.md")} == pages
