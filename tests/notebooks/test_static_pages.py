"""Where no kernel runs: on a static page each explorer is a picture."""

import re

import books
import nbconvert
import pytest

EXPLORING = [path for path in books.PATHS if books.explorers(books.read(path))]


def test_the_notebooks_with_explorers_are_found():
    assert {"03", "04", "05", "08", "09", "11", "12", "13"} <= {path.name[:2] for path in EXPLORING}


@pytest.mark.parametrize("path", EXPLORING, ids=lambda path: path.stem)
def test_each_explorer_is_a_picture_on_the_page_of_its_notebook(path):
    book = books.read(path)
    page, _ = nbconvert.HTMLExporter().from_notebook_node(book)
    shown = re.findall(r'<img[^>]*src="data:image/png;base64,([^"]+)"', page)
    for output in books.explorers(book):
        assert output.data["image/png"].replace("\n", "") in [picture.replace("\n", "") for picture in shown]
    assert books.WIDGET not in page
