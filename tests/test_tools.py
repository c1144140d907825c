import ast
import base64
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import measured
import nbformat
import numpy as np
import pytest
import setup_env
import yaml
from books import ROOT, pins
from IPython.core.inputtransformer2 import TransformerManager
from matplotlib.figure import Figure
from nbclient.exceptions import CellExecutionError
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

import notebooks

SETUP = ROOT / "tools" / "setup_env.py"


# --- setup_env -----------------------------------------------------------------------------------------------------


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A folder without .venv on a machine with room; `commands` are what would be run, all with success."""
    monkeypatch.chdir(tmp_path)
    machine = SimpleNamespace(folder=tmp_path, free=50e9, commands=[], fails=())
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=machine.free))

    def run(command):
        machine.commands.append(command)
        failed = any(word in command for word in machine.fails)
        if not failed and "venv" in command:
            Path(command[-1]).mkdir(exist_ok=True)
        return SimpleNamespace(returncode=int(failed))

    monkeypatch.setattr(setup_env.subprocess, "run", run)
    return machine


def message(function):
    with pytest.raises(SystemExit) as stopped:
        function()
    assert stopped.value.code.startswith("set-up stopped: ")
    assert "\n" not in stopped.value.code
    return stopped.value.code


def test_setup_runs_venv_and_pip_and_marks_itself_ready(fresh, capsys):
    setup_env.main()
    venv, pip = fresh.commands
    assert list(venv) == [sys.executable, "-m", "venv", ".venv"]
    assert list(pip[1:4]) == ["-m", "pip", "install"]
    assert list(pip[-4:]) == ["-c", "constraints.txt", "-e", ".[lab,test]"]
    assert (fresh.folder / ".venv" / ".ready").exists()
    assert capsys.readouterr().out.count("\n") == 1


def test_old_python_is_told_in_one_line():
    pretend = f"import runpy, sys; sys.version_info = (3, 8, 10); runpy.run_path({str(SETUP)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", pretend], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    told = "Python 3.11 or newer is needed, this is 3.8; name a newer one with PYTHON=/path/to/python3"
    assert done.stderr == f"set-up stopped: {told}\n"


def test_oldest_python_is_that_of_the_package():
    assert setup_env.OLDEST == (3, 11)
    assert 'requires-python = ">=3.11"' in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_missing_venv_is_told_with_its_cure(fresh, monkeypatch, capsys, module):
    monkeypatch.setitem(sys.modules, module, None)
    assert "apt install python3-venv" in message(setup_env.main)
    assert (fresh.commands, capsys.readouterr()) == ([], ("", ""))


def test_too_little_disk_is_told_before_anything_is_made(fresh, capsys):
    fresh.free = 1.24e9
    assert "4 GB of free disk are needed, 1.2 GB are left here" in message(setup_env.main)
    assert (fresh.commands, capsys.readouterr()) == ([], ("", ""))


def test_little_disk_is_no_matter_where_the_environment_is_there_already(fresh):
    fresh.free = 1e9
    (fresh.folder / ".venv").mkdir()
    setup_env.check_machine()


@pytest.mark.parametrize(
    ("fails", "free", "told"),
    [
        ("venv", 50e9, "making the virtual environment failed; its messages are above"),
        ("pip", 50e9, "installing the packages failed; its messages are above (is there a network?)"),
        ("pip", 0.1e9, "the disk is full; free 4 GB, remove .venv and try again"),
    ],
)
def test_failing_step_is_told_and_nothing_is_marked_ready(fresh, fails, free, told):
    (fresh.folder / ".venv").mkdir()
    fresh.fails, fresh.free = [fails], free
    assert told in message(setup_env.main)
    assert fails in fresh.commands[-1]
    assert not (fresh.folder / ".venv" / ".ready").exists()


def test_setup_script_parses_on_old_pythons():
    tree = ast.parse(SETUP.read_text(encoding="utf-8"), feature_version=(3, 5))
    newer = (ast.JoinedStr, ast.NamedExpr, ast.AnnAssign, ast.Match)
    assert not [node for node in ast.walk(tree) if isinstance(node, newer)]


def test_setup_script_needs_no_package():
    tree = ast.parse(SETUP.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= sys.stdlib_module_names
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


# --- notebooks -----------------------------------------------------------------------------------------------------


def cell(source, *tags, **fields):
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)}, **fields)


def small_book(*sources):
    cells = [
        nbformat.v4.new_markdown_cell("# 00 · Small"),
        nbformat.v4.new_markdown_cell("old badge", metadata={"tags": ["badge"]}),
        cell("old bootstrap", "bootstrap"),
        *map(cell, sources),
    ]
    return nbformat.v4.new_notebook(cells=cells)


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A copy of the course that `tools/notebooks.py` works on: two small notebooks and pyproject.toml."""
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    monkeypatch.setattr(notebooks, "BOOKS", tmp_path / "notebooks")
    monkeypatch.setenv("COURSE_BUDGET", "smoke")
    (tmp_path / "notebooks").mkdir()
    for name in ("00_small.ipynb", "08_other.ipynb"):
        nbformat.write(small_book("1 + 1"), tmp_path / "notebooks" / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_hash_changes_with_code():
    before = notebooks.code_hash(small_book("a = 1", "b = 2"))
    for sources in (("a = 2", "b = 2"), ("a = 1",), ("b = 2", "a = 1"), ("a = 1", "b = 2", "c = 3"), ("a = 1b = 2",)):
        assert notebooks.code_hash(small_book(*sources)) != before


def test_hash_stays_with_prose_outputs_and_bootstrap():
    book = small_book("a = 1")
    before = notebooks.code_hash(book)
    book.cells[0].source = "# Another title"
    book.cells[2].source = notebooks.bootstrap_source("owner/name")
    book.cells[3].update(outputs=[nbformat.v4.new_output("stream", text="1")], execution_count=7)
    book.metadata["course"] = {"code": "x"}
    assert notebooks.code_hash(book) == before


def test_colab_stamp_reaches_pyproject_badges_and_bootstrap_cells(course, capsys):
    pyproject = (course / "pyproject.toml").read_text()
    notebooks.stamp_colab("some-one/the.course_1")
    assert notebooks.repository() == "some-one/the.course_1"
    for path in notebooks.books():
        _, badge, bootstrap, code = nbformat.read(path, as_version=4).cells
        address = f"https://colab.research.google.com/github/some-one/the.course_1/blob/main/notebooks/{path.name}"
        assert badge.source == f"[![Open In Colab]({notebooks.BADGE})]({address})"
        assert 'git+https://github.com/some-one/the.course_1"' in bootstrap.source
        assert code.source == "1 + 1"
    assert capsys.readouterr().out == "stamped 00_small.ipynb\nstamped 08_other.ipynb\n"
    changed = set((course / "pyproject.toml").read_text().splitlines()) ^ set(pyproject.splitlines())
    assert len(changed) == 2
    assert all(line.startswith("repository = ") for line in changed)


def test_colab_stamp_may_be_set_again(course):
    notebooks.stamp_colab("a/b")
    notebooks.stamp_colab("c/d")
    assert notebooks.repository() == "c/d"
    assert "github/c/d/" in nbformat.read(notebooks.books()[0], as_version=4).cells[1].source


@pytest.mark.parametrize("repo", ["", "name", "a/b/c", "https://github.com/a/b", 'a/b"', "a /b"])
def test_colab_stamp_refuses_what_is_no_repository(course, repo):
    before = [path.read_bytes() for path in (course / "pyproject.toml", *notebooks.books())]
    with pytest.raises(SystemExit, match="give owner/name, as in the address of the repository on GitHub"):
        notebooks.stamp_colab(repo)
    assert [path.read_bytes() for path in (course / "pyproject.toml", *notebooks.books())] == before


@pytest.mark.parametrize("repo", ["", "owner/name"])
def test_bootstrap_has_three_lines_and_does_nothing_where_the_package_is(repo):
    source = notebooks.bootstrap_source(repo)
    assert len([line for line in source.splitlines() if line]) == 3
    exec(TransformerManager().transform_cell(source), {})  # without IPython, pip would be a NameError


@pytest.mark.parametrize("repo", ["", "owner/name"])
def test_bootstrap_is_formatted_as_ruff_formats_notebooks(repo, tmp_path):
    path = tmp_path / "book.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell(notebooks.bootstrap_source(repo))]), path)
    options = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    for command in (["format", "--check"], ["check"]):
        done = subprocess.run([sys.executable, "-m", "ruff", *command, *options, path], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_bootstrap_without_address_and_package_stops_with_a_plain_message(tmp_path):
    alone = [sys.executable, "-I", "-S", "-c", notebooks.bootstrap_source("")]  # without site-packages
    done = subprocess.run(alone, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "no course_lib: run `make lab` in a clone of the course (for Colab see the README)\n"


def test_bootstrap_with_address_installs_where_the_package_is_missing(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    lines = []
    shell = SimpleNamespace(run_line_magic=lambda name, line: lines.append((name, line)))
    source = TransformerManager().transform_cell(notebooks.bootstrap_source("owner/name"))
    exec(source, {"get_ipython": lambda: shell})
    assert lines == [("pip", 'install -q "course-lib @ git+https://github.com/owner/name"')]


def test_run_stores_outputs_with_the_stamp(course, monkeypatch):
    path = course / "notebooks" / "00_small.ipynb"
    book = small_book("import os", "print(os.environ['COURSE_BUDGET'])")
    book.cells[2].source = notebooks.bootstrap_source("")
    book.metadata["widgets"] = {"stale": True}
    nbformat.write(book, path)
    notebooks.run(path)
    stored = nbformat.read(path, as_version=4)
    assert stored.cells[-1].outputs[0].text == "smoke\n"
    assert (stored.metadata.course.code, stored.metadata.course.budget) == (notebooks.code_hash(book), "smoke")
    assert "widgets" not in stored.metadata
    assert [path.name for path in path.parent.iterdir() if path.name.startswith(".")] == []


def test_failing_notebook_leaves_the_stored_file_as_it_was(course):
    path = course / "notebooks" / "00_small.ipynb"
    nbformat.write(small_book("print(1)", "1 / 0"), path)
    before = path.read_bytes()
    with pytest.raises(CellExecutionError):
        notebooks.run(path)
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == ["00_small.ipynb", "08_other.ipynb"]


def test_unknown_notebook_is_refused_with_those_there_are(course):
    assert [path.name for path in notebooks.books(["08"])] == ["08_other.ipynb"]
    with pytest.raises(SystemExit, match=r"no notebook 07 in .*; there are 00_small.ipynb, 08_other.ipynb"):
        notebooks.books(["07"])


def test_folder_without_notebooks_is_told(course):
    shutil.rmtree(course / "notebooks")
    with pytest.raises(SystemExit, match="there are none"):
        notebooks.books()


def test_readme_has_its_tables_between_their_marks_and_the_rest_stays(course):
    marks = [f"<!-- {name} -->\nold\n<!-- /{name} -->\n" for name in notebooks.README]
    (course / "README.md").write_text("before\n" + "".join(marks) + "after\n")
    for _ in range(2):
        notebooks.update_readme()
        text = (course / "README.md").read_text()
        assert text.startswith("before\n<!-- notebooks -->\n| notebook |")
        assert text.endswith("|\n<!-- /published -->\nafter\n")
        assert "old" not in text
        published = sum(entry.in_readme for entry in measured.PUBLISHED)
        models = 5  # and loading
        assert len([line for line in text.splitlines() if line.startswith("|")]) == 2 + 2 + 2 + models + 2 + published
    assert "\n| [00_small](notebooks/00_small.ipynb) | Start here | – | 1 | 4 |\n" in text
    assert re.search(r"\| 105\.6 \| \d+\.\d\d ± \d\.\d\d \| \d seeds \|\n", text)
    assert "| names, bigram, nats a character, by counting | 2.4540 | 2.4540 | deterministic |\n" in text
    assert re.search(r"\| 86\.76 \| \d+\.\d\d \| 1 seed \|\n", text)


def test_stored_pictures_get_smaller_and_look_the_same():
    axis = Figure((5, 3), 80).subplots()
    axis.plot([0, 1, 0.5], label="a line")
    axis.legend()
    buffer = io.BytesIO()
    axis.figure.savefig(buffer, format="png")
    before = base64.b64encode(buffer.getvalue()).decode()
    after = notebooks.smaller(before)
    assert len(after) < 0.6 * len(before)
    pixels = [np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB"), int) for png in (before, after)]
    assert abs(pixels[0] - pixels[1]).max() < 48
    assert (abs(pixels[0] - pixels[1]) > 16).mean() < 1e-3


def test_run_stores_the_smaller_picture(course):
    code = "from IPython.display import Image\nImage(open('p.png', 'rb').read())"
    book = small_book(code)
    del book.cells[2]  # what stands for the bootstrap cell
    nbformat.write(book, course / "notebooks" / "08_other.ipynb")
    buffer = io.BytesIO()
    Image.effect_noise((40, 40), 50).convert("RGBA").save(buffer, "PNG", compress_level=0)
    (course / "notebooks" / "p.png").write_bytes(buffer.getvalue())
    notebooks.run(course / "notebooks" / "08_other.ipynb")
    book = nbformat.read(course / "notebooks" / "08_other.ipynb", as_version=4)
    (stored,) = [
        o.data["image/png"] for c in book.cells for o in c.get("outputs", []) if "image/png" in o.get("data", {})
    ]
    assert len(base64.b64decode(stored)) < len(buffer.getvalue()) / 2


def test_readme_picture_is_the_figure_of_the_tagged_cell(course):
    book = small_book("draw()")
    data = {"image/png": base64.b64encode(b"a picture").decode()}
    book.cells.append(cell("draw()", "readme", outputs=[nbformat.v4.new_output("display_data", data)]))
    nbformat.write(book, course / "notebooks" / "08_other.ipynb")
    notebooks.save_pictures()
    assert (course / "docs" / "08_other.png").read_bytes() == b"a picture"


# --- what set-up is made from --------------------------------------------------------------------------------------


def pulled_in(name, extras=("",), seen=None):
    """The installed distributions that one requires, itself excluded; not those that are pinned exactly already."""
    seen = set() if seen is None else seen
    for requirement in map(Requirement, metadata.requires(name) or []):
        child = canonicalize_name(requirement.name)
        wanted = not requirement.marker or any(requirement.marker.evaluate({"extra": extra}) for extra in extras)
        exact = str(requirement.specifier).startswith("==") and "*" not in str(requirement.specifier)
        if not wanted or exact or (child, *requirement.extras) in seen or not installed(child):
            continue
        seen.add((child, *requirement.extras))
        pulled_in(child, ("", *requirement.extras), seen)
    return {child for child, *_ in seen}


def installed(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def test_constraints_pin_all_that_the_course_pulls_in():
    needed = pulled_in("course-lib", ("", "lab", "test", "browser", "docs"))
    assert {"torch", "numpy", "jupyterlab", "pytest", "tornado"} <= needed
    assert needed - set(pins("constraints.txt")) == set()


def test_constraints_are_exact_versions_and_torch_is_the_tested_one():
    assert pins("constraints.txt")["torch"] == "2.13.0"
    assert all(re.fullmatch(r"\d[\w.]*", version) for version in pins("constraints.txt").values())


def test_conda_environment_uses_the_constraints_and_the_extras():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, packages = environment["dependencies"]
    assert (python, pip) == ("python=3.11", "pip")
    assert packages == {"pip": ["-c constraints.txt", "-e .[lab,test]"]}


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
@pytest.mark.parametrize(
    "target",
    [
        "setup",
        "lab",
        "test",
        "notebooks",
        "check",
        "results",
        "results-long",
        "bench",
        "colab",
        "colab-test",
        "slides",
        "site",
    ],
)
def test_make_knows_the_target_and_explains_it(target):
    done = subprocess.run(["make", "-n", target, "NB=08"], cwd=ROOT, env=os.environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    makefile = (ROOT / "Makefile").read_text()
    assert target in re.search(r"(?m)^\.PHONY: (.*)$", makefile)[1].split()
    assert target == "setup" or re.search(rf"(?m)^# make {target}\b", makefile)


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_make_test_is_small_and_leaves_ones_progress_alone():
    done = subprocess.run(["make", "-n", "test"], cwd=ROOT, capture_output=True, text=True)
    assert "COURSE_BUDGET=smoke COURSE_PROGRESS=" in done.stdout
    assert "pytest tests notebooks --nbval" in done.stdout


def test_make_browser_test_installs_what_drives_the_browser_first():
    done = subprocess.run(["make", "-n", "browser-test"], cwd=ROOT, capture_output=True, text=True)
    install, test = done.stdout.find('-e ".[browser]"'), done.stdout.find("pytest tests/browser")
    assert test >= 0 and install < test
