"""What the benchmark scripts share: run every variant with every seed, and store the numbers."""

import json
import platform
from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path

import torch
from tqdm import tqdm

from course_lib.runtime import atomic_path, device

FOLDER = Path(__file__).parent / "results"


def sweep(name: str, one_run: Callable[[str, int], dict], variants: Iterable[str], seeds: Iterable[int], **facts):
    """Call `one_run(variant, seed)` for all pairs and store what it measured as results/<name>.json."""
    jobs = list(product(variants, seeds))
    runs: dict[str, list[dict]] = {variant: [] for variant, _ in jobs}
    for variant, seed in tqdm(jobs, unit="run"):
        runs[variant].append({"seed": seed} | one_run(variant, seed))
        tqdm.write(f"{variant} {runs[variant][-1]}")
    store(name, runs, **facts)


def store(name: str, runs: dict[str, list[dict]], **facts):
    """Write the runs of each variant as results/<name>.json, with the machine that made them."""
    processor = torch.cuda.get_device_name() if device().type == "cuda" else device().type
    machine = f"{processor}, {torch.get_num_threads()} threads, {platform.machine()}"
    result = facts | {"torch": torch.__version__, "device": machine, "runs": runs}
    with atomic_path(FOLDER / f"{name}.json") as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n")
