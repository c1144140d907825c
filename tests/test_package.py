import ast
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import course_lib

PACKAGE = Path(course_lib.__file__).parent
HEAVY = {"matplotlib", "ipywidgets", "scipy", "sklearn"}
FLOORS = [
    {"runtime", "losses", "networks", "display"},
    {"data", "training", "checkpoints", "processes", "fingerprint"},
    {"linear_gaussian", "likelihood", "vae", "gan", "joint", "autoregressive", "diffusion", "metrics", "plots"},
    {"accelerate", "cache", "conditional", "conditional_gan", "text", "remedies", "clinic", "translation", "room"},
    {"claims", "exercises", "widgets"},
    {"__main__"},
]
INTERNAL = {"display", "checkpoints", "__main__"}  # not offered at the top
FLOOR = {module: floor for floor, modules in enumerate(FLOORS) for module in modules}
SAME_FLOOR = {("training", "data"), ("training", "checkpoints")}  # `training` stands on both
MODULES = sorted(module.name for module in pkgutil.iter_modules([str(PACKAGE)]))


def fresh(code):
    """What `code` prints in a Python of its own, as words."""
    done = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    return done.stdout.split()


def files(module):
    path = PACKAGE / module
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


def imports(path):
    """The modules of course_lib that a file imports, wherever in the file."""
    package = path.relative_to(PACKAGE.parent).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            dotted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            source = ".".join([*base, *filter(None, [node.module])])
            dotted = [f"{source}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name.split(".")[1] for name in dotted if name.startswith("course_lib."))


def test_every_module_is_offered_at_the_top_and_has_a_floor():
    assert set(MODULES) - INTERNAL == set(course_lib.__all__) & set(MODULES)
    assert set(MODULES) <= set(FLOOR)
    assert set(course_lib.__all__) <= set(dir(course_lib))


@pytest.mark.parametrize("module", sorted(set(MODULES) - INTERNAL))
def test_module_loads_when_first_used(module):
    assert getattr(course_lib, module).__name__ == f"course_lib.{module}"


@pytest.mark.parametrize(("name", "home"), [("claim", "claims"), ("train", "training"), ("Player", "training")])
def test_common_names_come_from_their_modules(name, home):
    assert getattr(course_lib, name) is getattr(getattr(course_lib, home), name)


def test_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(AttributeError, match=r"course_lib has no 'models'; it has accelerate, .*data, .*train"):
        course_lib.models  # noqa: B018
    with pytest.raises(ImportError):
        from course_lib import models  # noqa: F401


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_from_lower_floors_only(module):
    reached = {other for path in files(module) for other in imports(path)} - {module}
    wrong = {other for other in reached if FLOOR[other] >= FLOOR[module] and (module, other) not in SAME_FLOOR}
    assert not wrong, f"{module} (floor {FLOOR[module]}) imports {wrong}"


def test_the_reader_of_imports_sees_them():
    assert set(imports(PACKAGE / "metrics" / "coverage.py")) == {"data", "losses"}
    assert set(imports(PACKAGE / "data" / "files.py")) == {"runtime"}


@pytest.mark.parametrize(
    "modules", ["course_lib", "course_lib.training, course_lib.vae, course_lib.metrics, course_lib.data"]
)
def test_import_loads_no_heavy_package(modules):
    loaded = fresh(f"import {modules}, sys; print(*sys.modules)")
    assert "course_lib" in loaded
    assert not HEAVY & set(loaded)


def test_import_costs_little_beyond_torch():
    code = "import torch, time; t = time.process_time(); import course_lib; print(time.process_time() - t)"
    assert any(float(fresh(code)[0]) < 0.3 for _ in range(3))  # seconds of this process; the best of three


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_star_imports(path):
    stars = [
        alias.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert "*" not in stars
