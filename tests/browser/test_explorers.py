from itertools import chain
from statistics import median

import books
import lab
import pytest
from explorer import explorers

MOST_MS = 250
TRAINED = ("12",)  # a model of sentences that has hardly been trained says the same for every z
SHOTS = books.ROOT / "screenshots"


EXPLORING = [path for path in books.PATHS if books.explorers(books.read(path))]


@pytest.fixture(scope="module", params=EXPLORING, ids=lambda path: path.stem)
def book(request, opened):
    with opened(request.param, "lesson" if request.param.name[:2] in TRAINED else "smoke") as page:
        page.path = request.param
        yield page


def test_every_cell_runs(book):
    assert lab.errors(book) == []


def test_every_stored_explorer_is_there(book):
    assert len(explorers(book)) == len(books.explorers(books.read(book.path)))


def test_each_control_changes_the_picture_within_a_quarter_of_a_second(book):
    for number, explorer in enumerate(explorers(book), 1):
        shot = SHOTS / f"{book.path.stem}-{number}"
        explorer.output.screenshot(path=f"{shot}-before.png")
        lapses = explorer.try_controls()
        explorer.output.screenshot(path=f"{shot}-after.png")
        assert lapses
        assert [name for name, took in lapses.items() if not took] == [], "these change nothing"
        every = sorted(chain(*lapses.values()))
        print(f"{shot.name}: median {median(every):.0f} ms, longest {every[-1]:.0f} ms of {len(every)}")
        assert median(every) < MOST_MS


def test_the_console_shows_no_error(book):
    assert book.complaints == []
