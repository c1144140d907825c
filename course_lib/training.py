"""Training as a game: players move in turn, each step on a fresh batch. One player is ordinary training."""

import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, distributed, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from . import checkpoints
from .data import Batch
from .runtime import place

# Adam (Kingma & Ba 2015) that updates all weights in one fused step.
adam = partial(torch.optim.Adam, fused=True)


class Player(nn.Module):
    """A network with something to minimise. `forward(batch)` is its loss.

    Args:
        name: how losses are logged, "name.part".
        net: what this player trains; parameters that are frozen now stay frozen.
        loss: `loss(net, batch)` -> dict of scalars; the entry "loss" is minimised, the others are logged.
        lr: learning rate.
        optimizer: `optimizer(parameters, lr=lr)`; `adam` where it is not given.
        steps: moves in a row before the next player's turn.
        ema: keep `average.module`, a copy of the network whose weights and buffers follow those of `net` as an
            exponential moving average with this decay.

    `progress` is the share of training that is done, in [0, 1), set before each move: for losses with a schedule.
    """

    def __init__(
        self,
        name: str,
        net: nn.Module,
        loss: Callable[[nn.Module, Batch], dict[str, Tensor]],
        lr: float = 1e-3,
        optimizer: Callable[..., torch.optim.Optimizer] | None = None,
        steps: int = 1,
        ema: float | None = None,
    ):
        super().__init__()
        if steps < 1 or not lr > 0:
            raise ValueError(f"player {name!r} has lr {lr} and steps {steps}; give lr > 0 and steps >= 1")
        self.name, self.net, self.loss, self.lr, self.steps = name, net, loss, lr, steps
        self.trainable = [p for p in net.parameters() if p.requires_grad]
        if not self.trainable:
            raise ValueError(f"player {name!r} has no parameter that requires grad; give a network to train")
        self.optimizer = (optimizer or adam)(self.trainable, lr=lr)
        self.progress = 0.0
        self.average = None if ema is None else _moving_average(net, ema)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        parts = self.loss(self.net, batch)
        if not isinstance(parts, dict):
            raise ValueError(f"the loss of player {self.name!r} returns {type(parts).__name__}; give {{'loss': …}}")
        if "loss" not in parts or not all(isinstance(v, Tensor) and v.ndim == 0 for v in parts.values()):
            form = {k: tuple(v.shape) if isinstance(v, Tensor) else type(v).__name__ for k, v in parts.items()}
            raise ValueError(f"the loss of player {self.name!r} returns {form}; give {{'loss': …}}, scalar tensors")
        return parts


class History:
    """What training logged: one row an epoch. `history["vae.loss"]` is a list over epochs.

    An epoch in which a player did not move (fewer batches than a round has moves) is NaN there.
    """

    def __init__(self, rows: Sequence[dict[str, float]] = ()):
        self.rows = list(rows)
        self.interrupted = False

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: str) -> list[float]:
        known = dict.fromkeys(k for row in self.rows for k in row)
        if known and key not in known:
            raise KeyError(f"{key!r} was not logged; there are {', '.join(known)}")
        return [row.get(key, math.nan) for row in self.rows]

    def __repr__(self) -> str:
        last = ", ".join(f"{k} {v:.4g}" for k, v in self.rows[-1].items()) if self.rows else "nothing logged"
        return f"History({len(self)} epochs; {last})"


def train(
    players: Player | Sequence[Player],
    batches: Iterable[Batch],
    epochs: int,
    *,
    schedule: Callable[[float], float] | None = None,
    evaluate: Callable[[], dict[str, float]] | None = None,
    checkpoint: Path | str | None = None,
    resume: bool = False,
    wrap: Callable[[nn.Module], Callable] | None = None,
    progress: bool = True,
) -> History:
    """Let the players move in turn for a number of passes over the batches.

    Args:
        players: one, or several in the order of their moves.
        batches: anything with `len()` that yields (x, y): `data.Batches`, or a `DataLoader`.
        epochs: passes over the batches in all, those of a resumed checkpoint included.
        schedule: factor on every lr as a function of progress in [0, 1), such as `warmup_cosine()`.
        evaluate: called without gradients after each epoch; what it returns is logged too.
        checkpoint: file that is replaced after each epoch, in a run of several processes by the first.
        resume: go on from `checkpoint` if that file is there. On a CPU, with the same number of threads, the run then
            continues bit for bit.
        wrap: applied to each player once, such as `torch.compile` or a DistributedDataParallel constructor.
        progress: show a bar for anything longer than a second.

    Ctrl-C ends training early; the networks and the history keep what was learned (`history.interrupted`).

    Raises:
        FloatingPointError: a loss became NaN or infinite; says which player, epoch and loss.
        OSError: the checkpoint could not be written, such as on a full disk; the one before it is still there.
        ValueError: no players or batches, a loss without the entry "loss", or a checkpoint of other players.
    """
    players = [players] if isinstance(players, Player) else list(players)
    if len({p.name for p in players}) != len(players) or not players or not len(batches) or epochs < 1:
        raise ValueError("give at least one player, names that differ, at least one batch and epochs >= 1")
    history, leads = History(), place()[0] == 0
    if checkpoint and leads:
        checkpoints.remove_leftovers(Path(checkpoint))
    if resume and checkpoint:
        history.rows = checkpoints.load(Path(checkpoint), players, batches)
    step = len(history) * len(batches)
    forwards = [wrap(p) if wrap else p for p in players]
    for player in players:
        _lay_out_state(player)
    moves = [(p, forward) for p, forward in zip(players, forwards, strict=True) for _ in range(p.steps)]
    hidden = not (progress and leads)
    bar = tqdm(total=epochs * len(batches), initial=step, disable=hidden, delay=1, mininterval=0.5, file=sys.stdout)
    try:
        for epoch in range(len(history) + 1, epochs + 1):
            started = time.perf_counter()
            bar.set_description(f"epoch {epoch}/{epochs}", refresh=False)
            sums = _epoch(moves, players, batches, step, bar, schedule)
            step += len(batches)
            row = _read(sums, epoch)
            if evaluate:
                with torch.no_grad():
                    row |= {key: float(value) for key, value in evaluate().items()}
            history.rows.append(row | {"seconds": time.perf_counter() - started})
            bar.set_postfix({key: f"{value:.4g}" for key, value in row.items()}, refresh=False)
            if checkpoint:
                checkpoints.save(Path(checkpoint), players, batches, history.rows)
    except KeyboardInterrupt:
        history.interrupted = True
        if leads:
            tqdm.write(f"Stopped in epoch {len(history) + 1}; what was learned is kept.", file=sys.stdout)
    finally:
        bar.close()
        _give_turn(None, players)
    return history


def warmup_cosine(warmup: float = 0.1) -> Callable[[float], float]:
    """A schedule: linear from 0 to 1 during the share `warmup`, then half a cosine down to 0."""
    if not 0 <= warmup < 1:
        raise ValueError(f"warmup is {warmup}; give a share in [0, 1)")

    def factor(progress: float) -> float:
        if progress < warmup:
            return progress / warmup
        return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))

    return factor


def _epoch(moves, players, batches, step, bar, schedule) -> dict[str, tuple[Tensor, int]]:
    """One pass. Returns each loss's sum, still on the device, and its count: nothing is read inside a step."""
    sums: dict[str, Tensor] = {}
    counts: Counter[str] = Counter()
    turn = None
    for player in players:
        player.train()
    for batch in batches:
        player, forward = moves[step % len(moves)]
        if player is not turn:
            _give_turn(turn := player, players)
        player.progress = step / bar.total
        if schedule:
            for group in player.optimizer.param_groups:
                group["lr"] = player.lr * schedule(player.progress)
        player.optimizer.zero_grad(set_to_none=True)
        parts = forward(_to_device(batch, player.trainable[0].device))
        parts["loss"].backward()
        player.optimizer.step()
        if player.average:
            player.average.update_parameters(player.net)
        for key, value in parts.items():
            key = f"{player.name}.{key}"
            sums[key] = sums.get(key, 0) + value.detach()
            counts[key] += 1
        step += 1
        bar.update()
    return {key: (total, counts[key]) for key, total in sums.items()}


def _moving_average(net: nn.Module, decay: float) -> AveragedModel:
    if not 0 <= decay < 1:
        raise ValueError(f"ema is {decay}; give a decay in [0, 1)")
    return AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True).requires_grad_(False)


def _give_turn(player: Player | None, players: Sequence[Player]) -> None:
    """Only the player whose turn it is requires grad; with None, all do again."""
    for other in players:
        for p in other.trainable:
            p.requires_grad_(player is None)
    for p in player.trainable if player else ():  # last, since players may share parameters
        p.requires_grad_(True)


def _lay_out_state(player: Player) -> None:
    """Give the optimiser's state the memory layout of the weights, which a fused step takes for granted.

    They differ where `wrap` changed the layout, or where the run that wrote the checkpoint had another.
    """
    for p, state in player.optimizer.state.items():
        for key, value in state.items():
            if isinstance(value, Tensor) and value.shape == p.shape and value.stride() != p.stride():
                state[key] = torch.empty_like(p, dtype=value.dtype).copy_(value)


def _to_device(batch, device: torch.device) -> Batch:
    x, y = batch
    return Batch(x.to(device), None if y is None else y.to(device))


def _read(sums: dict[str, tuple[Tensor, int]], epoch: int) -> dict[str, float]:
    """The mean of each loss over the moves of all processes."""
    world = place()[1]
    totals = torch.stack([total for total, _ in sums.values()])
    if world > 1:
        distributed.all_reduce(totals)
    pairs = zip(sums.items(), totals.tolist(), strict=True)
    row = {key: total / (count * world) for (key, (_, count)), total in pairs}
    for key, value in row.items():
        if not math.isfinite(value):
            player, _, part = key.partition(".")
            raise FloatingPointError(
                f"player {player!r}, epoch {epoch}: {part} is {value}. Try a smaller lr, or look for log, exp or "
                "division of an unbounded value in its loss."
            )
    return row
