import os
import subprocess
import sys
from importlib import metadata

import pytest
from books import ROOT, pins
from packaging.requirements import Requirement

from course_lib import runtime
from course_lib.__main__ import main
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


def test_tested_versions_are_those_of_the_pins_that_the_tests_run_with():
    ours, colab = pins("constraints.txt"), pins("tests/colab/pins.txt")
    assert {package: (colab.get(package, ours[package]), ours[package]) for package in runtime.TESTED} == runtime.TESTED


def test_everything_that_the_package_needs_has_a_tested_range():
    needed = {Requirement(line) for line in metadata.requires("course-lib")}
    assert {r.name for r in needed if not r.marker} == set(runtime.TESTED)


def test_nothing_is_outside_the_tested_range_here(printed):
    assert "Outside the tested range" not in printed


@pytest.mark.parametrize(
    ("package", "here", "odd"),
    [
        ("numpy", "2.0.2", "2.0.2; tested with 2.1.3 to 2.4.6"),
        ("numpy", "2.10.0", "2.10.0; tested with 2.1.3 to 2.4.6"),
        ("torch", "3.0.0a0+cpu", "3.0.0a0+cpu; tested with 2.13.0"),
        ("tqdm", "not installed", "not installed; tested with 4.67.3 to 4.70.1"),
        ("numpy", "2.4.9", None),
        ("torch", "2.13.1+cu130", None),
    ],
)
def test_a_version_outside_the_tested_range_is_reported(package, here, odd, monkeypatch, capsys):
    version = runtime._version
    monkeypatch.setattr(runtime, "_version", lambda name: here if name == package else version(name))
    assert runtime.untested() == ({package: odd} if odd else {})
    main()
    said = capsys.readouterr().out
    assert (f"\nOutside the tested range\n  {package}  {odd}\n" in said) == bool(odd)
