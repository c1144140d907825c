"""Trained once, shown at once: networks are kept with a key of the code, the settings and the data that made them."""

import json
import math
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from . import runtime
from .data import shipped
from .fingerprint import fingerprint
from .runtime import atomic_path
from .training import History


def cached(
    name: str, make: Callable[[], nn.Module], fit: Callable[[nn.Module], History | None], seed: int = 0
) -> tuple[nn.Module, History]:
    """The network that `make()` builds and `fit(net)` trains, on `runtime.device()`, and the history of its training.

    It is trained when it is asked for the first time, and kept; from then on it is loaded. The key is
    `fingerprint(make, fit, seed)`: when a function, a setting or the data change, it is trained anew. Some networks
    come with the course, under the same rule. All that is random starts from `seed` and leaves PyTorch's generators as
    they were, so that a notebook goes on alike whether the network was trained or loaded.

    Kept is one file a name, in COURSE_MODELS if that is set, else in ~/.course_lib/models. Remove it to train anew.
    Training that Ctrl-C ended early is not kept.

    Raises:
        ValueError: a name that is no file's name, or something is used of which nobody can tell whether it changed.
    """
    if not re.fullmatch(r"[\w-]+", name):
        raise ValueError(f"name is {name!r}; give letters, digits and hyphens, such as '08-vae'")
    key = fingerprint(make, fit, seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = make().to(runtime.device())
        for path in _places(name):
            if (history := _load(path, key, net)) is not None:
                print(f"{name}: trained before, loaded. {history}")
                return net, history
        started = time.perf_counter()
        history = fit(net) or History()
    if history.interrupted:
        print(f"{name}: training was stopped, so it is not kept.")
    else:
        seconds = round(time.perf_counter() - started, 1)
        _keep(_own(name), net, history, {"key": key, "seed": str(seed), "seconds": str(seconds)})
    return net, history


def _own(name: str) -> Path:
    folder = Path(os.environ.get("COURSE_MODELS") or "~/.course_lib/models").expanduser()
    return folder / f"{name}.safetensors"


def _places(name: str) -> Iterator[Path]:
    """Where a network may lie: among the reader's, then among the course's."""
    yield _own(name)
    with suppress(FileNotFoundError):
        yield shipped(f"weights/{name}.safetensors")


def _load(path: Path, key: str, net: nn.Module) -> History | None:
    """Put the weights of a file into `net` where the file has this key, else return None and say why."""
    try:
        with safe_open(path, "pt") as file:
            notes = file.metadata() or {}
            if notes.get("key") == key:
                net.load_state_dict({part: file.get_tensor(part) for part in file.keys()})  # noqa: SIM118
                return History(json.loads(notes["rows"]))
        print(f"{path.stem}: code, settings or data differ from those of the kept network, which is not used.")
    except FileNotFoundError:
        pass
    except (OSError, SafetensorError):
        print(f"{path.stem}: the kept file is damaged and not used.")
    return None


def _keep(path: Path, net: nn.Module, history: History, notes: dict[str, str]) -> None:
    rows = [{k: v for k, v in row.items() if math.isfinite(v)} for row in history.rows]  # JSON knows no NaN
    state = {name: part.detach().contiguous().clone() for name, part in net.state_dict().items()}
    try:
        with atomic_path(path) as temporary:
            save_file(state, temporary, notes | {"rows": json.dumps(rows)})
    except OSError as error:
        print(f"({path.stem} is not kept: {error}. Set COURSE_MODELS to a folder that can be written.)")
