"""Faults: kill -9 at random moments, and a disk that is full. The checkpoint stays whole, and runs go on from it."""

import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager, suppress

import faults
import pytest
import torch
from test_training import contents, import_paths, line, numbers, quietly
from torch import nn

from course_lib.checkpoints import remove_leftovers
from course_lib.data import Batches
from course_lib.training import Player

KILLS = 5

# --- kill -9 -------------------------------------------------------------------------------------------------------


def test_kills_at_random_moments_lose_no_finished_epoch(tmp_path):
    first = random.randrange(1_000_000)
    print(f"seeds of the moments: {first} to {first + KILLS - 1}")
    killed, straight = tmp_path / "killed.pt", tmp_path / "straight.pt"
    found = faults.kills("while writing", killed, range(first, first + KILLS))
    print(*found, sep="\n")
    assert [kill["lost"] for kill in found] == [0] * KILLS
    assert all(kill["epochs_finished"] <= kill["epochs_kept"] <= kill["epochs_finished"] + 1 for kill in found)
    assert all(kill["resumed"] for kill in found)  # from the last whole epoch, and what was half-written is gone
    assert any(kill["half_written"] for kill in found)  # a file was being written at some of the moments
    faults.run("while writing", straight, len(contents(killed)["rows"]))
    assert faults.same(contents(killed), contents(straight))


def test_only_parts_of_this_checkpoint_are_removed(tmp_path):
    kept = {"run.pt", ".run-12.txt", ".run-b-12.pt", ".other-12.pt", ".run-.pt", "run-12.pt", ".run-12.pt.old"}
    for name in {*kept, ".run-1.pt", ".run-123456.pt"}:
        (tmp_path / name).touch()
    remove_leftovers(tmp_path / "run.pt")
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_a_folder_that_cannot_be_made_is_an_error_that_names_the_file(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "folder" / "run.pt"
    with pytest.raises(OSError, match=rf"{path} could not be written, [\d.]+ MB were free there"):
        quietly(line(), [numbers()], 1, checkpoint=path)


# --- a full disk ---------------------------------------------------------------------------------------------------

ROOM = 1_000_000  # bytes that are left on the disk, a fifth of what the checkpoint needs


def wide_run(epochs, file):
    torch.manual_seed(0)
    player = Player("net", nn.Linear(640, 640), faults.noisy_error)
    quietly(player, Batches((torch.randn(8, 640), None), 4), epochs, checkpoint=file, resume=True)


@contextmanager
def full_disk(folder):
    with (folder / "filler").open("wb", buffering=0) as filler:
        with suppress(OSError):
            while filler.write(bytes(100_000)):
                pass
        filler.truncate(filler.tell() - ROOM)
    yield
    (folder / "filler").unlink()


@contextmanager
def short_files(folder):
    """As if the disk were full, where there is none to fill: no file gets larger."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill_up(folder, full):
    """What happens to a run while the disk is full, and to its checkpoint. Leaves that of the run when it went on."""
    file = folder / "run.pt"
    wide_run(1, file)
    before, error = file.read_bytes(), None
    with full(folder):
        try:
            wide_run(3, file)
        except OSError as raised:
            error = str(raised)
        untouched = file.read_bytes() == before
        parts = sorted(path.name for path in folder.glob(".*"))
    epochs = len(contents(file)["rows"])
    wide_run(3, file)
    return {"error": error, "untouched": untouched, "parts": parts, "epochs": epochs}


FILL_UP = """
import json, shutil, sys
from pathlib import Path
import torch
from test_faults import fill_up, full_disk
torch.set_num_threads(1)
folder, result = map(Path, sys.argv[1:])
print(json.dumps(fill_up(folder, full_disk)))
shutil.copy(folder / "run.pt", result)
"""


def on_a_small_disk(folder, *command):
    """A command that runs the one given with a disk of 16 MB of its own in `folder`, which goes when it ends."""
    mount = 'mount -t tmpfs -o size=16m tmpfs "$0" && exec "$@"'
    return ["unshare", "-Urm", "sh", "-c", mount, str(folder), *map(str, command)]


def disks_can_be_made(folder):
    return (
        shutil.which("unshare") and not subprocess.run(on_a_small_disk(folder, "true"), capture_output=True).returncode
    )


@pytest.mark.parametrize("way", ["disk", "limit"])
def test_a_full_disk_is_told_and_harms_nothing(way, tmp_path):
    """On a disk that is full where the system lets a test make one, and with a limit to the size of files."""
    folder, result, straight = tmp_path / "disk", tmp_path / "result.pt", tmp_path / "straight.pt"
    folder.mkdir()
    real = way == "disk" and disks_can_be_made(folder)
    if real:
        command = on_a_small_disk(folder, sys.executable, "-c", FILL_UP, folder, result)
        done = subprocess.run(command, env=os.environ | {"PYTHONPATH": import_paths()}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
    else:
        found = fill_up(folder, short_files)
        result = folder / "run.pt"
    room = "1.0" if real else r"\d+\.\d"
    expected = (
        rf"{folder / 'run.pt'} could not be written, {room} MB were free there; what was saved before is untouched"
    )
    assert re.match(expected, found.pop("error"))
    assert found == {"untouched": True, "parts": [], "epochs": 1}
    wide_run(3, straight)
    assert faults.same(contents(result), contents(straight))
