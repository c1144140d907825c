"""kill -9 at random moments, while a run trains and while it writes a checkpoint: what is lost, and does it go on?

A run begins, or goes on from its checkpoint, and is killed a random time later: 20 times for each of two sizes. One
trains most of the time, the other writes most of the time. A process notes an epoch as finished once the checkpoint is
saved; an epoch is lost if it was finished and the checkpoint does not hold it. After the last kill the run goes on to
its end, where it is compared bit for bit with a run that nobody killed.

Writes benchmarks/results/faults.json: `make bench`.
"""

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import torch
from store import store
from torch import nn
from tqdm import tqdm

from course_lib import checkpoints
from course_lib.data import Batch, Batches
from course_lib.runtime import seed_everything
from course_lib.training import Player, train

KILLS, LONGEST_S = 20, 1.0
SIZES = {"while training": (200, 0), "while writing": (1, 5_000_000)}  # batches an epoch, and idle numbers in the file
WIDTH, FOREVER = 64, 1_000_000


def noisy_error(net: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
    return {"loss": (net(batch.x + torch.randn_like(batch.x)) - batch.x).square().mean()}


def run(size: str, file: Path, epochs: int) -> None:
    """Train until so many epochs are done, from the checkpoint if there is one."""
    torch.set_num_threads(1)
    seed_everything(0)
    steps, idle = SIZES[size]
    net = nn.Linear(WIDTH, WIDTH)
    net.register_buffer("idle", torch.randn(idle))
    player, batches = Player("net", net, noisy_error), Batches((torch.randn(2 * steps, WIDTH), None), 2)
    train(player, batches, epochs, checkpoint=file, resume=True, progress=False)


def telling_run(size: str, file: str, epochs: str) -> None:
    """The same in a process of its own, which prints the epochs it goes on from, and those finished after each."""
    load, save = checkpoints.load, checkpoints.save

    def telling_load(*arguments):
        rows = load(*arguments)
        print(len(rows), flush=True)
        return rows

    def telling_save(path, players, batches, rows):
        save(path, players, batches, rows)
        print(len(rows), flush=True)

    checkpoints.load, checkpoints.save = telling_load, telling_save
    run(size, Path(file), int(epochs))


def contents(file: Path) -> dict:
    """Of a checkpoint, as it is when nothing was trained if there is no file."""
    return torch.load(file, weights_only=True) if file.exists() else {"rows": []}


def same(a, b) -> bool:
    """Whether two checkpoints are equal to the last bit, the seconds apart that an epoch took."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a if key != "seconds")
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def parts(file: Path) -> set[str]:
    """The half-written files beside a checkpoint."""
    return {path.name for path in file.parent.glob(f".{file.stem}-*{file.suffix}")}


def begin(size: str, file: Path, epochs: int = FOREVER) -> tuple[subprocess.Popen, int, bool]:
    """Start a process. Returns it, the epochs that it goes on from, and whether no half-written file is left."""
    command = [sys.executable, __file__, size, str(file), str(epochs)]
    before = parts(file)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    resumed_from = int(process.stdout.readline())
    return process, resumed_from, not before & parts(file)


def kills(size: str, file: Path, seeds: Iterable[int]) -> list[dict]:
    """Kill a run at one random moment for each seed. Returns what each kill did; then the run is finished."""
    found: list[dict] = []
    for seed in tqdm(list(seeds), desc=size, unit="kill"):
        after = random.Random(seed).uniform(0, LONGEST_S)
        process, start, clean = begin(size, file)
        if found:
            found[-1]["resumed"] = clean and start == found[-1]["epochs_kept"]
        time.sleep(after)
        process.kill()
        finished = [start, *map(int, process.communicate()[0].split())][-1]
        kept = len(contents(file)["rows"])
        found.append(
            {
                "seed": seed,
                "killed_after_s": round(after, 3),
                "epochs_kept": kept,
                "epochs_finished": finished,
                "lost": max(0, finished - kept),
                "half_written": bool(parts(file)),
            }
        )
    process, start, clean = begin(size, file, kept + 2)
    found[-1]["resumed"] = clean and start == kept
    process.communicate()
    return found


def measured(size: str) -> tuple[list[dict], bool]:
    """What the kills did, and whether the run ends as one that nobody killed."""
    with tempfile.TemporaryDirectory() as folder:
        killed, straight = Path(folder) / "killed.pt", Path(folder) / "straight.pt"
        found = kills(size, killed, range(KILLS))
        run(size, straight, len(contents(killed)["rows"]))
        return found, same(contents(killed), contents(straight))


if __name__ == "__main__":
    if sys.argv[1:]:
        telling_run(*sys.argv[1:])
    else:
        results = {size: measured(size) for size in SIZES}
        store(
            "faults",
            {size: found for size, (found, _) in results.items()},
            equal_to_straight={size: equal for size, (_, equal) in results.items()},
        )
