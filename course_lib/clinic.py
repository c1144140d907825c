"""The failure clinic: runs on the ring of eight that went wrong, to be diagnosed, repaired and measured again."""

import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .data import Batch, Batches, toy
from .gan import GAN
from .losses import gradient_penalty, r1
from .metrics import modes, modes_of
from .networks import Replicas, mlp
from .runtime import device
from .training import History, train

SEEDS, ROUNDS, BATCH, WIDTH, POINTS = 3, 600, 128, 64, 10_000
ENDS = {"linear": nn.Identity, "sigmoid": nn.Sigmoid}
PENALTIES = {"none": None, "R1": r1, "gradient": gradient_penalty}
HEALTHY, UNTOUCHED = "healthy", "as it was"
SYMPTOMS = ("run away", "one heap", "modes missing", "off the modes")  # the worst first
FAR = 1.6  # from the middle of a ring of radius 1 with modes of standard deviation 0.1


class Case(NamedTuple):
    """What decides a run. Everything else is the same for all cases."""

    objective: str = "non-saturating"  # a key of losses.ADVERSARIAL
    d_lr: float = 4e-3
    g_lr: float = 2e-3
    d_steps: int = 1  # moves of the discriminator before each move of the generator
    penalty: str = "none"  # "none", "R1" or "gradient", on the discriminator
    penalty_weight: float = 1.0
    end: str = "linear"  # what the generator ends in: "linear" or "sigmoid"
    shuffle: bool = True  # whether the data come in random order, or mode after mode


class Run(NamedTuple):
    """history: losses and scores, sums over the seeds. samples: (2500, SEEDS, 2), of the last weights."""

    history: History
    samples: Tensor


CASES = {
    "A": Case(penalty="R1", penalty_weight=10_000.0),
    "B": Case(d_lr=1e-3, g_lr=4e-3),
    "C": Case(end="sigmoid"),
    "D": Case(objective="wasserstein", d_steps=2),
    "E": Case(shuffle=False),
}


def ring() -> toy.Mixture:
    """The data of all cases."""
    return toy.ring(sd=0.1)


def run(case: Case, rounds: int = ROUNDS) -> Run:
    """Play the game of a case on the ring for a number of rounds, with all seeds at once."""
    torch.manual_seed(0)
    generator = Replicas(lambda: nn.Sequential(*mlp([2, WIDTH, WIDTH, 2]), ENDS[case.end]()), SEEDS)
    discriminator = Replicas(lambda: nn.Sequential(*mlp([2, WIDTH, WIDTH, 1], nn.LeakyReLU), nn.Flatten(0)), SEEDS)
    game = GAN(generator, discriminator, (SEEDS, 2), case.objective, PENALTIES[case.penalty], case.penalty_weight)
    game.to(device())
    batches = _data(case)
    players = game.players(lr=(case.d_lr, case.g_lr), steps=case.d_steps)
    history = train(players, batches, max(1, rounds * (case.d_steps + 1) // len(batches)))
    return Run(history, game.sample(2500, generator=torch.Generator().manual_seed(1)).cpu())


def _data(case: Case) -> Batches | list[Batch]:
    x = ring().sample(POINTS * SEEDS, torch.Generator().manual_seed(0)).view(POINTS, SEEDS, 2)
    if case.shuffle:
        return Batches((x, None), BATCH, device())
    order = modes_of(x.flatten(0, 1), ring()).view(POINTS, SEEDS).argsort(0)
    return [Batch(part) for part in x.gather(0, order[..., None].expand(-1, -1, 2)).split(BATCH)]


@cache
def verdict(case: Case) -> str:
    """What becomes of a case: "healthy" if most of its seeds are, else what is wrong; "as it was" for the five.

    "run away": a tenth of the samples lie further out than 1.6. "one heap": fewer than 3 modes, counted as
    8 exp(-reverse KL). "modes missing": fewer than 6.5. "off the modes": less than 60 % of the samples near one.
    """
    if case.penalty == "none":
        case = case._replace(penalty_weight=Case().penalty_weight)  # of nothing
    if case in CASES.values():
        return UNTOUCHED
    found = [_symptom(samples) for samples in run(case).samples.unbind(1)]
    return HEALTHY if found.count(HEALTHY) > SEEDS / 2 else max(SYMPTOMS, key=found.count)


def _symptom(samples: Tensor) -> str:
    found = modes(samples, ring())
    effective = len(ring().means) * math.exp(-found.reverse_kl)
    if (samples.norm(dim=1) > FAR).float().mean() >= 0.1:
        return "run away"
    if effective < 6.5:
        return "one heap" if effective < 3 else "modes missing"
    return "off the modes" if found.high_quality < 0.6 else HEALTHY
