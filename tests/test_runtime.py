import os
import random

import numpy as np
import pytest
import torch

from course_lib import runtime


@pytest.fixture
def machine(monkeypatch):
    """A function that pretends the machine has the given accelerators; COURSE_BUDGET is unset."""

    def pretend(cuda=False, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    monkeypatch.delenv("COURSE_BUDGET", raising=False)
    return pretend


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(False, False, "cpu"), (False, True, "mps"), (True, False, "cuda"), (True, True, "cuda")],
)
def test_device_prefers_cuda_then_mps_then_cpu(machine, cuda, mps, expected):
    machine(cuda, mps)
    assert runtime.device() == torch.device(expected)


@pytest.mark.parametrize(
    ("cuda", "variable", "expected"),
    [
        (False, None, "lesson"),
        (True, None, "full"),
        (False, "", "lesson"),
        (True, "smoke", "smoke"),
        (True, "lesson", "lesson"),
        (False, "full", "full"),
    ],
)
def test_budget_and_pick_follow_the_variable_then_the_device(machine, monkeypatch, cuda, variable, expected):
    machine(cuda)
    if variable is not None:
        monkeypatch.setenv("COURSE_BUDGET", variable)
    assert runtime.budget() == expected
    assert runtime.pick(smoke="smoke", lesson="lesson", full="full") == expected


@pytest.mark.parametrize("function", [runtime.budget, lambda: runtime.pick(smoke=1, lesson=2, full=3)])
def test_unknown_budget_is_refused(monkeypatch, function):
    monkeypatch.setenv("COURSE_BUDGET", "Smoke")
    with pytest.raises(ValueError, match="COURSE_BUDGET is 'Smoke'; set it to one of smoke, lesson, full"):
        function()


def draws(seed):
    runtime.seed_everything(seed)
    return random.random(), np.random.rand(), torch.rand(()).item()  # noqa: NPY002 (the generator that is seeded)


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1])
def test_seed_decides_the_draws_of_python_numpy_and_torch(seed):
    first = draws(seed)
    assert draws(seed) == first
    assert all(a != b for a, b in zip(draws(1), first, strict=True))


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "0", None, True])
def test_bad_seed_is_refused_and_nothing_is_seeded(seed):
    runtime.seed_everything(3)
    with pytest.raises(ValueError, match=r"give an integer from 0 to 2\*\*32 - 1"):
        runtime.seed_everything(seed)
    after = torch.rand(()).item()
    assert after == draws(3)[2]


def test_atomic_path_replaces_the_file_when_the_block_ends(tmp_path):
    path = tmp_path / "weights.pt"
    path.write_text("old")
    with runtime.atomic_path(str(path)) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert (temporary.parent, temporary.suffix) == (path.parent, path.suffix)
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_atomic_path_keeps_the_old_file_when_the_block_raises(tmp_path, error):
    path = tmp_path / "weights.pt"
    path.write_text("old")
    with pytest.raises(error), runtime.atomic_path(path) as temporary:
        temporary.write_text("half of the n")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_atomic_path_keeps_the_old_file_when_nothing_was_written(tmp_path):
    path = tmp_path / "weights.pt"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), runtime.atomic_path(path):
        pass
    assert path.read_text() == "old"


@pytest.mark.skipif(os.name != "posix", reason="an open file cannot be replaced elsewhere")
def test_atomic_path_leaves_the_old_file_whole_for_those_who_are_reading_it(tmp_path):
    path = tmp_path / "weights.pt"
    path.write_text("old")
    with path.open() as reader:
        with runtime.atomic_path(path) as temporary:
            temporary.write_text("new")
        assert reader.read() == "old"


def test_atomic_path_makes_the_folder(tmp_path):
    with runtime.atomic_path(tmp_path / "a" / "b" / "file") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "a" / "b" / "file").read_text() == "new"


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_atomic_path_gives_the_mode_of_an_ordinary_file(tmp_path, umask):
    before = os.umask(umask)
    try:
        with runtime.atomic_path(tmp_path / "file") as temporary:
            temporary.write_text("new")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o666 & ~umask


def test_environment_is_a_card_of_texts(machine):
    machine()
    card = runtime.environment()
    packages = ["course-lib", "torch", "numpy", "matplotlib", "ipywidgets", "jupyterlab"]
    assert list(card) == ["python", *packages, "system", "device", "budget"]
    assert all(isinstance(value, str) and value for value in card.values())
    assert card["numpy"] == np.__version__
    assert card["device"] == f"cpu ({torch.get_num_threads()} threads)"
    assert card["budget"] == "lesson"


def test_environment_says_what_is_not_installed(monkeypatch):
    def version(package):
        raise runtime.PackageNotFoundError(package)

    monkeypatch.setattr(runtime, "version", version)
    assert runtime.environment()["jupyterlab"] == "not installed"
