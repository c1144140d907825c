"""Notebook 15: stacked MNIST, three digits in the three colours of an image, 1000 modes (Lin et al. 2018, table 2).

Three random training digits make one image of three channels; of 26,000 generated images the shipped classifier reads
each channel, and the triples that occur are counted. KL(shares of the triples || uniform), in nats; 26,000 real images
have about 0.024: 999 / 52,000 by chance, and 0.005 since the ten digits are not equally frequent.

The paper plays 50 epochs of 128,000 images (100,000 rounds) at lr 2e-4; that takes a GPU. On
a CPU this script plays ROUNDS at LR. Networks are those of notebook 14 with two moves of the generator in a round, z
from N(0, I) where the paper has uniform noise. Writes benchmarks/results/stacked_mnist.json. Run with MNIST at hand.
"""

import math

import torch
from store import sweep

from course_lib.data import Batches, load
from course_lib.gan import GAN
from course_lib.metrics import classify, confident_share
from course_lib.networks import ConvDiscriminator, ConvGenerator
from course_lib.remedies import Packed
from course_lib.runtime import device, pick, seed_everything
from course_lib.training import train

PACKS, SEEDS = {"packs of 1": 1, "packs of 2": 2}, pick(smoke=(0,), lesson=(0, 1, 2), full=(0, 1, 2, 3, 4))
IMAGES, ROUNDS, LR = pick(smoke=(640, 2, 2e-3), lesson=(48_000, 2000, 2e-3), full=(128_000, 100_000, 2e-4))
BATCH, LATENT, BETAS, SAMPLES = 64, 100, (0.5, 0.999), 26_000
PUBLISHED = {  # modes, KL
    "DCGAN, VEEGAN's table 2": (99, 3.4),
    "DCGAN, PacGAN's table 2": (78.9, 4.5),
    "VEEGAN, its table 2": (150, 2.95),
    "PacDCGAN2, PacGAN's table 2": (1000, 0.06),
}


def stacked(n: int, split: str, seed: int) -> torch.Tensor:
    """n images (n, 3, 28, 28) as uint8, each of three digits drawn at random."""
    digits = load("mnist", split).x[:, 0]
    return digits[torch.randint(len(digits), (n, 3), generator=torch.Generator().manual_seed(seed))]


@torch.no_grad()
def judged(x: torch.Tensor) -> dict[str, float]:
    """Triples among images x (N, 3, 28, 28) in [0, 1], their divergence from uniform, the share of confident digits."""
    digits = x.flatten(0, 1)[:, None]
    triples = classify(digits)[0].view(-1, 3) @ torch.tensor([100, 10, 1], device=x.device)
    shares = triples.bincount(minlength=1000).double() / len(x)
    kl = (torch.xlogy(shares, shares) + shares * math.log(1000)).sum().item()
    return {"modes": int((shares > 0).sum()), "kl": kl, "confident": confident_share(digits[:3000])}


def one_run(variant: str, seed: int) -> dict[str, float]:
    seed_everything(seed)
    pack = PACKS[variant]
    judge = Packed(ConvDiscriminator((3 * pack, 28, 28)), pack, dim=1)
    game = GAN(ConvGenerator(LATENT, (3, 28, 28)), judge, LATENT).to(device())
    players = game.players(LR, BETAS)
    players[1].steps = 2
    batches = Batches((stacked(IMAGES, "train", seed), None), BATCH, device(), seed)
    train(players, batches, -(-3 * ROUNDS // len(batches)))
    with torch.no_grad():
        found = judged(torch.cat([game.sample(2000) for _ in range(SAMPLES // 2000)]))
    return found | {"rounds": ROUNDS}


if __name__ == "__main__":
    real = judged(stacked(SAMPLES, "test", 0).float() / 255)
    facts = {"rounds": ROUNDS, "lr": LR, "published_rounds": 100_000, "published": PUBLISHED, "real": real}
    sweep("stacked_mnist", one_run, PACKS, SEEDS, **facts)
