"""Where no kernel runs: on a static page each explorer is a picture."""

import re

import books
import nbconvert
import pytest

VIEW = "application/vnd.jupyter.widget-view+json"


def explorers(book):
    """The stored outputs that are a widget around a picture."""
    outputs = [output for cell in books.code(book) for output in cell.outputs]
    return [o for o in outputs if VIEW in o.get("data", {}) and "Answer in a cell" not in o.data["text/plain"]]


EXPLORING = [path for path in books.PATHS if explorers(books.read(path))]


def test_the_notebooks_with_explorers_are_found():
    assert {"03", "04", "05", "08", "09", "11", "12", "13"} <= {path.name[:2] for path in EXPLORING}


@pytest.mark.parametrize("path", EXPLORING, ids=lambda path: path.stem)
def test_each_explorer_is_a_picture_on_the_page_of_its_notebook(path):
    book = books.read(path)
    page, _ = nbconvert.HTMLExporter().from_notebook_node(book)
    shown = re.findall(r'<img[^>]*src="data:image/png;base64,([^"]+)"', page)
    for output in explorers(book):
        assert output.data["image/png"].replace("\n", "") in [picture.replace("\n", "") for picture in shown]
    assert VIEW not in page
