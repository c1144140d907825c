"""Training on a CUDA card: half-precision arithmetic, compiled steps, and the memory layout convolutions like there."""

import warnings
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from .data import Batch
from .training import Player

# The whole loss as one graph, launched at once (a CUDA graph), and its gradients as another.
_compile = partial(torch.compile, mode="reduce-overhead", fullgraph=True, dynamic=False)


def accelerated(player: Player) -> Callable[[Batch], dict[str, Tensor]]:
    """A faster forward pass of the player on a CUDA card: `train(players, batches, epochs, wrap=accelerated)`.

    Weights of convolutions are laid out as `channels_last`. The loss is compiled into one CUDA graph for each size of
    batch, and computed in bfloat16 where the card has it; weights, optimiser and returned losses stay float32. The
    first steps of a training wait for the compiler, up to a minute.

    A loss sees `player.progress` as a scalar tensor. One that cannot be compiled as a whole runs as it is, in float32,
    and a warning says so: a gradient penalty, an LSTM, or an `if` that depends on a tensor.

    On any other device the player is returned as it is: compiling for a CPU needs a C++ compiler and takes longer than
    most trainings of this course.
    """
    if player.trainable[0].device.type != "cuda":
        return player
    return _accelerated(player, torch.cuda.is_bf16_supported(including_emulation=False), _compile)


def _accelerated(player: Player, half: bool, compiler: Callable) -> Callable[[Batch], dict[str, Tensor]]:
    from torch._dynamo.exc import FailOnRecompileLimitHit, TorchDynamoException  # slow to import

    player.to(memory_format=torch.channels_last)
    torch.compiler.reset()  # the graphs of earlier trainings hold memory and count against a limit
    compiled, given_up = compiler(player), False
    progress = torch.zeros((), device=player.trainable[0].device)  # a number would be compiled in, anew at each step

    def forward(batch: Batch) -> dict[str, Tensor]:
        nonlocal given_up
        if given_up:
            return player(batch)
        share, player.progress = player.progress, progress.fill_(player.progress)
        torch.compiler.cudagraph_mark_step_begin()
        try:
            with torch.autocast(progress.device.type, torch.bfloat16, enabled=half):
                parts = compiled(batch)
            return {key: value.float() if value.dtype == torch.bfloat16 else value for key, value in parts.items()}
        except (TorchDynamoException, FailOnRecompileLimitHit) as error:
            given_up = True
            reason = str(error).strip().partition("\n")[0]
            warnings.warn(f"player {player.name!r} is not compiled: {reason}", stacklevel=2)
        finally:
            player.progress = share
        return player(batch)

    return forward
