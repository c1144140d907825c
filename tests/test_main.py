import os
import subprocess
import sys

import pytest
from books import ROOT

from course_lib.exercises import catalogue
from course_lib.exercises.progress import record
from course_lib.runtime import environment


@pytest.fixture(scope="module", params=["repository", "empty folder"])
def printed(request, tmp_path_factory):
    """What `python -m course_lib` prints, without data sets on the machine and with one exercise solved."""
    folder = tmp_path_factory.mktemp("main")
    empty = tmp_path_factory.mktemp("empty")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_PROGRESS", str(folder / "progress.json"))
        patch.setenv("COURSE_DATA", str(folder / "data"))
        patch.setenv("COURSE_BUDGET", "smoke")
        record("00.1", "right")
        command = [sys.executable, "-m", "course_lib"]
        where = ROOT if request.param == "repository" else empty
        done = subprocess.run(command, cwd=where, env=os.environ, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(empty.iterdir())
    return done.stdout


def entries(printed):
    """The card, as a mapping."""
    card = printed.split("\n\n")[0]
    return {line[:22].split("  ")[0].strip(): line.split("  ")[-1].strip() for line in card.splitlines()}


def test_card_has_versions_system_device_and_budget(printed):
    card = entries(printed)
    for key in ("python", "course-lib", "torch", "numpy", "matplotlib", "ipywidgets", "jupyterlab", "system"):
        assert card[key] == environment()[key]
    assert card["device"].startswith(environment()["device"].split(" ")[0])
    assert card["budget"] == "smoke"


def test_card_says_where_the_data_are(printed):
    card = entries(printed)
    assert card["data: digits"] == "shipped with the course"
    assert card["data: mnist"] == "not here; load('mnist') downloads it"


def test_table_has_every_notebook_and_what_is_solved(printed):
    rows = printed.split("\nNotebooks\n")[1].splitlines()
    assert len(rows) == len(catalogue())
    for row, (number, records) in zip(rows, catalogue().items(), strict=True):
        right = 1 if number == "00" else 0
        assert row.split("  ")[1:3] == [number, records.TITLE]
        assert row.endswith(f" {right} of {len(records.EXERCISES)} exercises right")
