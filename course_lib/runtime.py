"""Where and how large: device, seeds, budget, and the card that describes the environment."""

import os
import platform
import random
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import distributed

BUDGETS = ("smoke", "lesson", "full")
# The oldest and the newest version that all notebooks were run with: Colab's, and those of constraints.txt.
TESTED = {
    "torch": ("2.13.0", "2.13.0"),
    "numpy": ("2.1.3", "2.4.6"),
    "matplotlib": ("3.10.0", "3.11.2"),
    "ipywidgets": ("7.7.1", "8.1.9"),
    "scipy": ("1.16.3", "1.17.1"),
    "scikit-learn": ("1.6.1", "1.9.1"),
    "safetensors": ("0.8.0", "0.8.0"),
    "pooch": ("1.9.0", "1.9.0"),
    "requests": ("2.32.4", "2.34.2"),
    "tqdm": ("4.67.3", "4.70.1"),
}

T = TypeVar("T")


def device() -> torch.device:
    """The accelerator if there is one (CUDA, then Apple's MPS), else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def place() -> tuple[int, int]:
    """The rank of this process among those that train together, and how many they are: (0, 1) where it is alone."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and PyTorch (all devices). On a CPU the same seed then gives the same bits.

    Raises:
        ValueError: `seed` is not an integer in [0, 2**32).
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ValueError(f"seed is {seed!r}; give an integer from 0 to 2**32 - 1")
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (the global generator is what libraries fall back on)
    torch.manual_seed(seed)


def budget() -> str:
    """How much to compute: "smoke" (tests), "lesson" (a reader's CPU) or "full" (an accelerator).

    The environment variable COURSE_BUDGET decides; without it "lesson" on a CPU, "full" elsewhere.
    """
    chosen = os.environ.get("COURSE_BUDGET") or ("lesson" if device().type == "cpu" else "full")
    if chosen not in BUDGETS:
        raise ValueError(f"COURSE_BUDGET is {chosen!r}; set it to one of {', '.join(BUDGETS)}")
    return chosen


def pick(*, smoke: T, lesson: T, full: T) -> T:
    """The value for the current budget: `epochs = pick(smoke=1, lesson=5, full=20)`."""
    return {"smoke": smoke, "lesson": lesson, "full": full}[budget()]


def environment() -> dict[str, str]:
    """The card of the environment: versions, device and budget, each as text."""
    name = device()
    label = torch.cuda.get_device_name() if name.type == "cuda" else f"{torch.get_num_threads()} threads"
    packages = ("course-lib", "torch", "numpy", "matplotlib", "ipywidgets", "jupyterlab")
    return {
        "python": platform.python_version(),
        **{package: _version(package) for package in packages},
        "system": f"{platform.system()} {platform.machine()}",
        "device": f"{name.type} ({label})",
        "budget": budget(),
    }


def untested() -> dict[str, str]:
    """Package -> what is odd about its version, for those older or newer (by major and minor) than any tested."""
    odd = {}
    for package, (oldest, newest) in TESTED.items():
        here = _version(package)
        if here == "not installed" or not _minor(oldest) <= _minor(here) <= _minor(newest):
            tested = oldest if oldest == newest else f"{oldest} to {newest}"
            odd[package] = f"{here}; tested with {tested}"
    return odd


def _minor(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and is removed otherwise.

    A reader sees the old file or the whole new one, never a part. The folder is made if it is missing.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
    try:
        yield temporary
        with temporary.open("r+b") as file:  # Windows syncs only what is open for writing
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
