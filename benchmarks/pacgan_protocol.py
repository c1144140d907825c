"""Notebook 15: the protocol of Lin et al. 2018 (PacGAN, table 1) on the ring of eight and the grid of 25.

Ring: radius 1, sd 0.01; grid: spacing 2, sd 0.05; 100,000 points. Generator 2-400-400-400-400-2, ReLU and batch
normalisation; discriminator three maxout layers of 200 units, the best of 5 each; Adam 1e-4, beta1 0.8; batches of 100
(packs take as many samples for each of the two moves); 2500 samples, judged as published. All seeds train as one
model. The paper trains for 400 epochs, ten runs; that takes a GPU. On a CPU this script plays EPOCHS of them, seeds as
below, and says so in its result. Writes benchmarks/results/pacgan_protocol.json.
"""

import time

import torch
from store import store
from torch import Tensor, nn
from tqdm import tqdm

from course_lib.data import Batches, toy
from course_lib.gan import GAN
from course_lib.metrics import modes
from course_lib.networks import Replicas
from course_lib.remedies import Packed
from course_lib.runtime import device, pick, seed_everything
from course_lib.training import train

SEEDS, EPOCHS = pick(smoke=(2, 1), lesson=(5, 2), full=(10, 400))
POINTS, BATCH, LR, BETAS, SAMPLES = 100_000, 100, 1e-4, (0.8, 0.999), 2500
MIXTURES = {"ring": toy.ring(sd=0.01), "grid": toy.grid(sd=0.05)}
PACKS = {"ring": (1, 2), "grid": (1, 2, 4)}
PUBLISHED = {  # modes and their standard error, share of high quality, reverse KL
    "ring, packs of 1": (6.3, 0.5, 0.982, 0.45),
    "ring, packs of 2": (7.9, 0.1, 0.956, 0.07),
    "grid, packs of 1": (17.3, 0.8, 0.948, 0.70),
    "grid, packs of 2": (23.8, 0.7, 0.913, 0.13),
    "grid, packs of 4": (24.8, 0.2, 0.936, 0.04),
}


class Maxout(nn.Module):
    """The largest of `pieces` linear maps, unit by unit (Goodfellow et al. 2013)."""

    def __init__(self, n_in: int, n_out: int, pieces: int = 5):
        super().__init__()
        self.linear, self.shape = nn.Linear(n_in, n_out * pieces), (pieces, n_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x).unflatten(-1, self.shape).amax(-2)


def generator() -> nn.Module:
    layers, n_in = [], 2
    for _ in range(4):
        layers += [nn.Linear(n_in, 400), nn.BatchNorm1d(400, track_running_stats=False), nn.ReLU()]
        n_in = 400
    return nn.Sequential(*layers, nn.Linear(n_in, 2))


def discriminator(pack: int) -> nn.Module:
    return nn.Sequential(Maxout(2 * pack, 200), Maxout(200, 200), Maxout(200, 200), nn.Linear(200, 1), nn.Flatten(0))


def run(mixture: toy.Mixture, pack: int) -> list[dict]:
    seed_everything(0)
    judge = Packed(Replicas(lambda: discriminator(pack), SEEDS), pack)
    game = GAN(Replicas(generator, SEEDS), judge, (SEEDS, 2)).to(device())
    x = mixture.sample(POINTS * SEEDS, torch.Generator().manual_seed(0)).view(POINTS, SEEDS, 2)
    batches = Batches((x, None), BATCH, device())
    started = time.process_time()
    train(game.players(LR, BETAS), batches, 2 * EPOCHS)  # the two players take batches of their own
    seconds = time.process_time() - started
    samples = game.sample(SAMPLES, generator=torch.Generator().manual_seed(1)).cpu()
    return [
        modes(samples[:, s], mixture)._asdict() | {"seed": s, "epochs": EPOCHS, "seconds": seconds}
        for s in range(SEEDS)
    ]


if __name__ == "__main__":
    runs = {}
    for name, packs in PACKS.items():
        for pack in packs:
            runs[f"{name}, packs of {pack}"] = results = run(MIXTURES[name], pack)
            tqdm.write(f"{name} {pack} {results}")
    store("pacgan_protocol", runs, epochs=EPOCHS, published_epochs=400, published=PUBLISHED)
