"""The course as on Colab: installed by a notebook's first cell, beside Colab's versions, with nothing else at hand."""

import re
import shutil
import zipfile
from typing import NamedTuple

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from standin import HERE, PINS, ROOT

import notebooks

MOST_MB = 15
WIDGET_TESTS = ("test_widgets.py", "test_drawing_game.py", "test_meaning_space.py", "test_prompt_box.py")


class Installed(NamedTuple):
    """What pip lists before and after the bootstrap cell, and where the next cell finds the package."""

    before: set[str]
    after: set[str]
    where: str


@pytest.fixture(scope="session")
def bootstrap(colab, wheel, tmp_path_factory):
    """Runs the bootstrap cell, the wheel in place of the repository, and prints where the package is."""
    address = "git+https://github.com/owner/name"
    source = notebooks.bootstrap_source("owner/name")
    assert address in source
    path = tmp_path_factory.mktemp("bootstrap") / "bootstrap.ipynb"
    sources = source.replace(address, wheel.as_uri()), "import course_lib\nprint(course_lib.__file__)"
    nbformat.write(nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, sources)]), path)
    return lambda: [text(cell) for cell in colab.execute(path).cells]


@pytest.fixture(scope="session")
def installed(colab, bootstrap):
    before = colab.freeze()
    _, where = bootstrap()
    colab.go_offline()
    return Installed(before, colab.freeze(), where)


def text(cell):
    return "".join(output.get("text", "") for output in cell.outputs)


def test_wheel_is_small_and_holds_data_weights_and_results(wheel):
    assert wheel.stat().st_size <= MOST_MB * 1e6
    files = [path.relative_to(ROOT / "data") for path in (ROOT / "data").rglob("*") if path.is_file()]
    shipped = {f"course_lib/_data/{path}" for path in files}
    results = {f"course_lib/_data/results/{path.name}" for path in (ROOT / "benchmarks" / "results").iterdir()}
    assert {path.rpartition("/")[0] for path in shipped} >= {"course_lib/_data", "course_lib/_data/weights"}
    assert shipped | results <= set(zipfile.ZipFile(wheel).namelist())


def test_stand_in_has_the_versions_of_colab(installed):
    versions = dict(line.split("==") for line in installed.before)
    for pin in map(Requirement, re.findall(r"(?m)^[^#\n].*", PINS.read_text())):
        assert Version(versions[pin.name]) in pin.specifier, pin


def test_bootstrap_cell_installs_the_package_and_moves_nothing(installed, wheel):
    moved, new = installed.before - installed.after, installed.after - installed.before
    assert moved == set()
    assert [package.partition("#")[0] for package in new] == [f"course-lib @ {wheel.as_uri()}"]


def test_installed_packages_agree(installed, colab):
    assert colab.run("-m", "pip", "check").stdout == "No broken requirements found.\n"


def test_next_cell_imports_the_installed_package(installed, colab):
    assert installed.where.startswith(str(colab.site))


def test_bootstrap_cell_does_nothing_the_second_time(installed, colab, bootstrap):
    assert bootstrap() == ["", installed.where]
    assert colab.freeze() == installed.after


@pytest.mark.parametrize("path", notebooks.books(), ids=lambda path: path.stem)
def test_notebook_runs_alone_without_a_warning(installed, colab, path, tmp_path):
    alone = shutil.copy(path, tmp_path / path.name)
    outputs = [output for cell in colab.execute(alone).cells for output in cell.get("outputs", [])]
    assert not [output.text for output in outputs if output.get("name") == "stderr"]
    assert [*tmp_path.iterdir()] == [alone]


@pytest.mark.parametrize("name", WIDGET_TESTS)
def test_widgets_work(installed, colab, name, tmp_path):
    shutil.copy(HERE / "inside.py", tmp_path)
    shutil.copy(HERE.parent / name, tmp_path)
    options = ["-q", "-W", "ignore", "-k", "not a_tenth_of_a_second"]  # time is measured where nothing else runs
    done = colab.run("-m", "pytest", *options, "inside.py", name, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
