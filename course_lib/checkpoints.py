"""Checkpoints of training: all that a run needs to go on as if it had never stopped, in one file without code."""

import re
import shutil
import zipfile
from pathlib import Path

import torch
from torch import Tensor, distributed

from .runtime import atomic_path, place


def save(path: Path, players, batches, rows: list[dict[str, float]]) -> None:
    """Replace the checkpoint at `path`. All processes of a run call it together; the first one writes.

    Raises:
        OSError: the file could not be written, such as on a full disk; the checkpoint before it is still there.
    """
    state = {
        "players": {p.name: {name: part.state_dict() for name, part in _stored(p)} for p in players},
        "batches": batches.state_dict() if hasattr(batches, "state_dict") else {},
        "rng": _of_all_processes(torch.get_rng_state()),
        "cuda_rng": _of_all_processes(torch.cuda.get_rng_state()) if torch.cuda.is_available() else [],
        "rows": rows,
    }
    if place()[0]:
        return
    folder = next(folder for folder in path.absolute().parents if folder.exists())
    free = shutil.disk_usage(folder).free / 1e6  # before, since what failed holds its room for a while
    try:
        with atomic_path(path) as temporary:
            torch.save(state, temporary)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as either
        raise OSError(
            f"{path} could not be written, {free:.1f} MB were free there; what was saved before is untouched. "
            "Make room, then resume."
        ) from error


def load(path: Path, players, batches) -> list[dict[str, float]]:
    """Put players, batches and random numbers back to where `save` found them. Returns the history's rows.

    Without a file nothing changes, and there are no rows. All processes of a run call it together. With more of them
    than the checkpoint was made by, the added ones keep the random numbers that they have.

    Raises:
        ValueError: the file is damaged, of other players or networks, or not the same for all processes.
    """
    rows = _restore(path, players, batches) if path.exists() else []
    epochs = [int(other) for other in _of_all_processes(torch.tensor(len(rows)))]
    if len(set(epochs)) > 1:
        raise ValueError(f"{path} holds {epochs} epochs, by process; give a file in a folder that all machines share")
    return rows


def remove_leftovers(path: Path) -> None:
    """Delete the parts of files that a run left beside `path` when it was killed while it wrote."""
    part = re.compile(rf"\.{re.escape(path.stem)}-\d+{re.escape(path.suffix)}")
    for file in path.parent.iterdir() if path.parent.exists() else ():
        if part.fullmatch(file.name):
            file.unlink(missing_ok=True)


def _restore(path: Path, players, batches) -> list[dict[str, float]]:
    state = _read(path)
    if list(state["players"]) != [p.name for p in players]:
        raise ValueError(f"{path} holds players {list(state['players'])}, not {[p.name for p in players]}")
    try:
        for player in players:
            for name, part in _stored(player):
                part.load_state_dict(state["players"][player.name][name])
    except (RuntimeError, ValueError, KeyError) as error:  # torch's messages run over many lines
        raise ValueError(f"{path} holds networks of another form than these players'; remove it") from error
    if state["batches"] and hasattr(batches, "load_state_dict"):
        batches.load_state_dict(state["batches"])
    rank = place()[0]
    if rank < len(state["rng"]):
        torch.set_rng_state(state["rng"][rank])
    if rank < len(state["cuda_rng"]) and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda_rng"][rank])
    return state["rows"]


def _read(path: Path) -> dict:
    try:
        with zipfile.ZipFile(path) as archive:  # torch.load compares no checksums
            if part := archive.testzip():
                raise zipfile.BadZipFile(part)
        state = torch.load(path, map_location="cpu", weights_only=True)
        return {key: state[key] for key in ("players", "batches", "rng", "cuda_rng", "rows")}
    except Exception as error:  # torch.load raises many kinds for a damaged file
        raise ValueError(f"{path} is not a readable checkpoint ({type(error).__name__}); remove it") from error


def _stored(player):
    """What of a player goes into a checkpoint, by name."""
    parts = {"net": player.net, "optimizer": player.optimizer, "average": player.average}
    return [(name, part) for name, part in parts.items() if part is not None]


def _of_all_processes(tensor: Tensor) -> list[Tensor]:
    """The tensor that each process gives, in the order of ranks."""
    world = place()[1]
    if world == 1:
        return [tensor]
    mine = tensor.to("cuda" if distributed.get_backend() == "nccl" else "cpu")
    tensors = [torch.empty_like(mine) for _ in range(world)]
    distributed.all_gather(tensors, mine)
    return [other.cpu() for other in tensors]
