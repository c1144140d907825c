"""Notebook 13: a plain GAN on the ring of eight, ten seeds in one model, at two widths of the modes.

Standard deviation 0.05 is the lesson's; 0.01 that of the published studies (Lin et al. 2018, PacGAN, table 1: 6.3 ± 0.5
modes, 98.2 % of high quality, reverse KL 0.45), whose networks and rates differ from those here.
Writes benchmarks/results/gan_ring.json: `make results`.
"""

import torch
from store import store
from torch import nn
from tqdm import tqdm

from course_lib.data import Batches, toy
from course_lib.gan import GAN
from course_lib.metrics import modes
from course_lib.networks import Replicas, mlp
from course_lib.runtime import seed_everything
from course_lib.training import train, warmup_cosine

SEEDS, BATCH, POINTS = 10, 128, 20_000
# Width of the modes, rounds, learning rates of discriminator and generator, schedule.
VARIANTS = {
    "sd 0.05": (0.05, 3000, (2e-3, 1e-3), None),
    "sd 0.05, rates swapped": (0.05, 3000, (1e-3, 2e-3), None),
    "sd 0.01": (0.01, 3000, (2e-3, 1e-3), None),
    "sd 0.01, five times as long, rates decaying": (0.01, 15_000, (2e-3, 1e-3), warmup_cosine(0.0)),
}


def run(sd: float, rounds: int, lr: tuple[float, float], schedule) -> list[dict]:
    seed_everything(0)
    ring = toy.ring(sd=sd)
    generator = Replicas(lambda: mlp([2, 128, 128, 2]), SEEDS)
    discriminator = Replicas(lambda: nn.Sequential(*mlp([2, 128, 128, 1], nn.LeakyReLU), nn.Flatten(0)), SEEDS)
    game = GAN(generator, discriminator, (SEEDS, 2))
    x = ring.sample(POINTS * SEEDS, torch.Generator().manual_seed(0)).view(POINTS, SEEDS, 2)
    batches = Batches((x, None), BATCH)
    epochs = -(-2 * rounds // len(batches))
    train(game.players(lr, ema=0.995), batches, epochs, schedule=schedule, progress=False)
    samples = game.sample(2500, generator=torch.Generator().manual_seed(1))
    return [{"replica": s} | modes(samples[:, s], ring)._asdict() for s in range(SEEDS)]


if __name__ == "__main__":
    runs = {}
    for name, settings in tqdm(VARIANTS.items(), unit="set"):
        runs[name] = run(*settings)
        tqdm.write(f"{name} {runs[name]}")
    published = {"modes": 6.3, "high_quality": 0.982, "reverse_kl": 0.45}
    store("gan_ring", runs, rounds={name: settings[1] for name, settings in VARIANTS.items()}, published=published)
