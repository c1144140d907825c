"""Notebook 15: eleven remedies against mode collapse on the ring of eight and the grid of 25, five seeds in one model.

The game without a remedy has a generator that learns twice as fast as its discriminator, so that it collapses. Each
remedy is added alone, except that weight clipping and the gradient penalty come with the Wasserstein objective and five
moves of the discriminator a round. All play as many rounds (moves of the generator), whatever their discriminator
costs. "two time scales" gives the discriminator twice the rate of the generator. Judged are 2500 samples of the last
weights.
Writes benchmarks/results/remedies.json: `make results`.
"""

import time
from functools import partial
from statistics import median

import torch
from store import store
from torch import nn
from tqdm import tqdm

from course_lib.data import Batches, toy
from course_lib.gan import GAN
from course_lib.losses import gradient_penalty, r1
from course_lib.metrics import modes
from course_lib.networks import Replicas, mlp
from course_lib.remedies import BatchSpread, Gated, Noisy, Packed, Unrolled, clipped, smoothed
from course_lib.runtime import seed_everything
from course_lib.training import train

SEEDS, BATCH, WIDTH, POINTS, SAMPLES, BETAS = 5, 128, 128, 20_000, 2500, (0.5, 0.999)
SLOW, FAST = 5e-4, 1e-3  # learning rates of the discriminator and the generator
MIXTURES = {"ring": (toy.ring(), 2000), "grid": (toy.grid(), 8000)}  # and their rounds
WASSERSTEIN = {"objective": "wasserstein"}


def discriminator(points: int = 1, statistic: bool = False) -> nn.Module:
    """Scores of packs of points; with one number for the spread of the batch before the last layer, if asked for."""
    body = mlp([2 * points, WIDTH, WIDTH], nn.LeakyReLU)
    head = [BatchSpread(), nn.Linear(WIDTH + 1, 1)] if statistic else [nn.Linear(WIDTH, 1)]
    return nn.Sequential(*body, nn.LeakyReLU(), *head, nn.Flatten(0))


def plain(**settings) -> nn.Module:
    return Replicas(partial(discriminator, **settings), SEEDS)


def spectral() -> nn.Module:
    return Replicas(discriminator, SEEDS, spectral=True)


# Of each remedy: how the discriminator is made, the game, and what its players get.
REMEDIES = {
    "none": (plain, GAN, {}),
    "two time scales": (plain, GAN, {"lr": (2 * FAST, FAST)}),
    "dynamic steps": (plain, partial(Gated, level=1.2), {"steps": 5}),
    "label smoothing": (plain, partial(GAN, objective=smoothed()), {}),
    "augmentation (noise)": (lambda: Noisy(plain(), 0.3), GAN, {}),
    "minibatch statistics": (partial(plain, statistic=True), GAN, {}),
    "packing (2)": (lambda: Packed(plain(points=2), 2), GAN, {}),
    "unrolling (5)": (plain, partial(Unrolled, ahead=5, rate=0.02), {}),
    "weight clipping": (plain, partial(GAN, objective="wasserstein"), {"steps": 5, "clip": 0.05}),
    "gradient penalty": (
        plain,
        partial(GAN, objective="wasserstein", penalty=gradient_penalty, penalty_weight=1.0),
        {"steps": 5},
    ),
    "R1": (plain, partial(GAN, penalty=r1), {}),
    "spectral norm": (spectral, GAN, {}),
}


def run(remedy: str, mixture: toy.Mixture, rounds: int) -> list[dict]:
    seed_everything(0)
    make, game, settings = REMEDIES[remedy]
    settings = {"lr": (SLOW, FAST), "steps": 1} | settings
    bound = settings.pop("clip", None)
    game = game(Replicas(lambda: mlp([2, WIDTH, WIDTH, 2]), SEEDS), make(), (SEEDS, 2))
    players = game.players(**settings, betas=BETAS)
    if bound:
        clipped(players[0], bound)
    x = mixture.sample(POINTS * SEEDS, torch.Generator().manual_seed(0)).view(POINTS, SEEDS, 2)
    batches = Batches((x, None), BATCH)
    started = time.process_time()
    train(players, batches, -(-rounds * (settings["steps"] + 1) // len(batches)), progress=False)
    seconds = time.process_time() - started
    samples = game.sample(SAMPLES, generator=torch.Generator().manual_seed(1))
    return [modes(samples[:, s], mixture)._asdict() | {"seed": s, "seconds": seconds} for s in range(SEEDS)]


if __name__ == "__main__":
    runs = {}
    for name, (mixture, rounds) in MIXTURES.items():
        for remedy in tqdm(REMEDIES, unit="remedy", desc=name):
            runs[f"{name}, {remedy}"] = results = run(remedy, mixture, rounds)
            middle = [median(r[key] for r in results) for key in ("covered", "high_quality", "reverse_kl", "seconds")]
            tqdm.write(f"{name:5}{remedy:24}" + "".join(f"{value:9.3f}" for value in middle))
    store("remedies", runs, rounds={name: rounds for name, (_, rounds) in MIXTURES.items()})
