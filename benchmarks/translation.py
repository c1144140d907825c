"""Notebook 16: edges to faces with and without a discriminator of patches, and hair dyed with and without the cycle.

All on drawn faces, so that the right answer is known; three seeds each. "error" is the mean absolute difference from
it, per pixel and channel. "edges": Fréchet distance in the features of the shipped reader, and saturation, at 2000 new
faces. "hair": the error after a trip there and back ("cycle"), and what the shipped reader reads wrongly of the colour
of the hair and of the seven factors that should stay ("kept"). Both variants of a task have as many updates of their
translators.
Writes benchmarks/results/translation.json: `make results`.
"""

import time

import torch
from store import sweep
from torch import Tensor, nn

from course_lib.data import Batches, faces
from course_lib.metrics import face_reader, frechet_distance, read_faces
from course_lib.runtime import seed_everything
from course_lib.training import train
from course_lib.translation import CycleGame, Painted, PairGame, PatchDiscriminator, Retouched, UNet, edges

SEEDS = (0, 1, 2)
PAIRS, UNPAIRED, TEST, HAIR = 6400, 3200, 2000, faces.FACTORS.index("hair_colour")
VARIANTS = ("edges, L1 alone", "edges, L1 and patches", "hair, no cycle", "hair, cycle")


def one_run(variant: str, seed: int) -> dict[str, float]:
    seed_everything(seed)
    task, way = variant.split(", ")
    started = time.process_time()
    measured = paint(way == "L1 and patches", seed) if task == "edges" else dye(way == "cycle", seed)
    return measured | {"seconds": time.process_time() - started}


def paint(adversarial: bool, seed: int) -> dict[str, float]:
    x = pictures(PAIRS, 1)
    game = PairGame(Painted(UNet(1, 3)), PatchDiscriminator(4) if adversarial else None)
    players = game.players()
    train(players, Batches((edges(x), x), 32, seed=seed), 4 if adversarial else 2, schedule=falling, progress=False)
    test = pictures(TEST, 2)
    return judged(in_parts(players[-1].average.module, edges(test)), test)


def judged(painted: Tensor, test: Tensor) -> dict[str, float]:
    return {
        "error": (painted - test).abs().mean().item(),
        "frechet": frechet_distance(features(painted), features(pictures(TEST, 3))),
        "saturation": saturation(painted),
    }


def dye(cycle: bool, seed: int) -> dict[str, float]:
    translators = nn.ModuleList(Retouched(UNet(3, 3, 8)) for _ in range(2))
    for translator in translators:
        nn.init.normal_(translator.net.end.weight, 0, 0.02)
    judges = nn.ModuleList(PatchDiscriminator(3, 8) for _ in range(2))
    players = CycleGame(translators, judges, 0.01 if cycle else 0.0).players()
    unpaired = faces.draw(dark(UNPAIRED, 1)), faces.draw(blond(dark(UNPAIRED, 2)))
    train(players, Batches(unpaired, 16, seed=seed), 4, schedule=falling, progress=False)
    there, back = players[1].average.module
    factors = dark(1000, 3)
    x, truth = faces.draw(factors), faces.draw(blond(factors))
    dyed = in_parts(there, x)
    kept = (read_faces(dyed) - factors).abs().mean(0)
    return {
        "error": (dyed - truth).abs().mean().item(),
        "cycle": (in_parts(back, dyed) - x).abs().mean().item(),
        "kept": ((kept.sum() - kept[HAIR]) / 7).item(),
        "hair": (read_faces(dyed) - blond(factors))[:, HAIR].abs().mean().item(),
    }


def dark(n: int, seed: int) -> Tensor:
    """Factors of dark-haired faces, too young to be grey."""
    factors = torch.rand(n, len(faces.FACTORS), generator=torch.Generator().manual_seed(seed))
    scale = torch.ones(len(faces.FACTORS))
    scale[HAIR], scale[faces.FACTORS.index("age")] = 0.15, 0.5
    return factors * scale


def blond(factors: Tensor) -> Tensor:
    """The same faces, fair-haired."""
    return factors.index_add(1, torch.tensor([HAIR]), torch.full((len(factors), 1), 0.85))


def pictures(n: int, seed: int) -> Tensor:
    return faces.sample(n, seed).x.float() / 255


@torch.no_grad()
def in_parts(net: nn.Module, x: Tensor) -> Tensor:
    return torch.cat([net(part) for part in x.split(500)])


def features(x: Tensor) -> Tensor:
    return in_parts(face_reader().features, x)


def saturation(x: Tensor) -> float:
    """How far the strongest channel is above the weakest, mean over pixels."""
    return (x.amax(1) - x.amin(1)).mean().item()


def falling(progress: float) -> float:
    return 1 - progress


if __name__ == "__main__":
    test = pictures(TEST, 2)
    sweep("translation", one_run, VARIANTS, SEEDS, real=judged(test, test), pairs=PAIRS, unpaired=UNPAIRED)
