"""Many processes that train the same players together, started by torchrun."""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from .runtime import place

# What torchrun sends: the first when somebody interrupts it, the second to those that are left when one is gone.
SIGNALS = (signal.SIGINT, signal.SIGTERM)
LOST = re.compile("gloo/transport|ncclRemoteError")  # in what torch raises where another process is gone


@contextmanager
def joined() -> Iterator[Callable[[nn.Module], nn.Module] | None]:
    """Join the processes that torchrun started: `with joined() as wrap: train(…, wrap=wrap)`.

    Yields DistributedDataParallel, which hands the weights of process 0 to all and averages their gradients, or None
    where the process is alone. They talk through NCCL if the machine has GPUs, one for each, else through Gloo. When
    one of them dies, or the run is told to stop, each of the others says so in one line and ends.

    Raises:
        ValueError: more processes on this machine than it has GPUs.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield None
        return
    backend = _backend()
    distributed.init_process_group(backend)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal.signal(signal.SIGINT, _stop)
    if backend == "gloo":  # waiting for NCCL, Python would not see the signal: there it ends the process at once
        signal.signal(signal.SIGTERM, _stop)
    try:
        yield DistributedDataParallel
    except RuntimeError as error:
        if not LOST.search(str(error)):
            raise
        _stop()
    finally:
        distributed.destroy_process_group()
        for number, handler in before.items():
            signal.signal(number, handler)


def _backend() -> str:
    """What the processes talk through. Where there are GPUs, each process takes its own."""
    if not torch.cuda.is_available():
        return "gloo"
    here, gpus = int(os.environ["LOCAL_WORLD_SIZE"]), torch.cuda.device_count()
    if here > gpus:
        raise ValueError(f"{here} processes and {gpus} GPUs on this machine; give torchrun --nproc-per-node {gpus}")
    torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    return "nccl"


def _stop(*_: int | FrameType | None) -> NoReturn:
    for number in SIGNALS:  # one line is enough
        signal.signal(number, signal.SIG_IGN)
    rank, world = place()
    print(
        f"Process {rank} of {world} stops: another one ended, or the run was told to. The checkpoint of the last whole "
        "epoch is intact; resume from it to go on.",
        file=sys.stderr,
        flush=True,
    )
    raise SystemExit(1)
