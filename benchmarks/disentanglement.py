"""Notebook 09: the mutual information gap on drawn faces for four weights β of the KL, five seeds each.

Faces of 16×16 in which four factors vary and the others stand at one half. VAE 768-256-10, p(x|z) Normal with a
standard deviation of 0.1. Writes benchmarks/results/disentanglement.json, which notebook 09 shows: `make results`.
"""

import time
from functools import cache

import torch
from store import sweep
from torch import Tensor

from course_lib.data import Batches, faces
from course_lib.losses import squared_error
from course_lib.metrics import active_units, mutual_information_gap
from course_lib.runtime import seed_everything
from course_lib.training import Player, train, warmup_cosine
from course_lib.vae import VAE, negative_elbo

FACTORS, BETAS, SEEDS, TURNS = ("pose", "hair", "skin", "background"), ("1", "3", "10", "30"), range(5), 5
SIDE, SIGMA, LATENT, HIDDEN, FACES, EPOCHS, BATCH, LR = 16, 0.1, 10, (256,), 20_000, 10, 64, 5e-3


class GaussianVAE(VAE):
    """p(x|z) is Normal around the decoded image; a constant is left out of its nll."""

    def nll(self, x: Tensor, z: Tensor) -> Tensor:
        return squared_error(self.decode(z), x) / (2 * SIGMA**2)


@cache
def world(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Faces (n, 3, 16, 16), uint8, and the factors (n, 4) that vary."""
    chosen = [faces.FACTORS.index(factor) for factor in FACTORS]
    factors = torch.full((n, len(faces.FACTORS)), 0.5)
    factors[:, chosen] = torch.rand(n, len(chosen), generator=torch.Generator().manual_seed(seed))
    return faces.draw(factors, SIDE).mul(255).round().byte(), factors[:, chosen]


def turned(codes: Tensor, seed: int) -> Tensor:
    """The codes after a random rotation of the latent space."""
    noise = torch.randn(LATENT, LATENT, generator=torch.Generator().manual_seed(seed))
    return codes @ torch.linalg.qr(noise).Q


@torch.no_grad()
def judged(model: VAE) -> dict[str, float]:
    x, factors = world(5000, 1)
    mu, parts = model.encoder(x / 255)[0], model.elbo(x / 255)
    gaps = mutual_information_gap(mu, factors)
    return {
        "mig": gaps.mean().item(),
        "gaps": dict(zip(FACTORS, gaps.tolist(), strict=True)),
        "mig_turned": sum(mutual_information_gap(turned(mu, i), factors).mean().item() for i in range(TURNS)) / TURNS,
        "rate": parts.kl.mean().item(),
        "distortion": parts.reconstruction.mean().item(),
        "active": active_units(mu),
    }


def one_run(beta: str, seed: int) -> dict[str, float]:
    seed_everything(seed)
    model = GaussianVAE(LATENT, HIDDEN, shape=(3, SIDE, SIDE))
    player = Player("vae", model, lambda m, b: negative_elbo(m, b, beta=float(beta)), lr=LR)
    started = time.process_time()
    batches = Batches((world(FACES, 0)[0], None), BATCH, seed=seed)
    train(player, batches, EPOCHS, schedule=warmup_cosine(), progress=False)
    return {"cpu_s": round(time.process_time() - started, 1)} | judged(model)


if __name__ == "__main__":
    sweep("disentanglement", one_run, BETAS, SEEDS, sigma=SIGMA, epochs=EPOCHS, batch=BATCH)
