"""VAE 784-400-40 on MNIST whose images are binarised once: NLL with 200 draws.

Published (pythae): 89.8 to 89.9 after 500 epochs with lr 1e-4, decayed. Here: those 500 epochs with one seed, the rate
falling in two steps; and 100 epochs at lr 2e-3 with warm-up and cosine, three seeds. Each pixel is drawn once from its
grey level, with a seed of our own. Writes benchmarks/results/vae_binary.json, which notebook 10 shows. Run with MNIST
at hand: `make results-long`.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from store import store

from course_lib.data import Batches, load
from course_lib.likelihood import log_likelihood
from course_lib.metrics import active_units
from course_lib.runtime import device, seed_everything
from course_lib.training import Player, train, warmup_cosine
from course_lib.vae import VAE, negative_elbo

BATCH, EVAL_K = 100, 200


class Setting(NamedTuple):
    """How long and how fast."""

    epochs: int
    lr: float
    schedule: Callable[[float], float]
    seeds: tuple[int, ...]


def in_steps(progress: float) -> float:
    """The cube root of a tenth after 200 epochs of 500, and again after 350."""
    return 10 ** (-((progress >= 0.4) + (progress >= 0.7)) / 3)


SETTINGS = {
    "784-400-40": Setting(100, 2e-3, warmup_cosine(0.05), seeds=(0, 1, 2)),
    "784-400-40, as published": Setting(500, 1e-4, in_steps, seeds=(0,)),
}


def binarised(split: str) -> torch.Tensor:
    """Black or white pixels (N, 1, 28, 28), the same in every run."""
    x = load("mnist", split).batch().x
    return x.bernoulli(generator=torch.Generator().manual_seed(0)).to(device())


def one_run(variant: str, seed: int) -> dict[str, float]:
    chosen = SETTINGS[variant]
    seed_everything(seed)
    started = time.process_time()
    model = VAE(40).to(device())
    batches = Batches((binarised("train"), None), BATCH, device(), seed=seed)
    train(Player("vae", model, negative_elbo, lr=chosen.lr), batches, chosen.epochs, schedule=chosen.schedule)
    cpu_s, x = round(time.process_time() - started), binarised("test")
    estimate = log_likelihood(model.log_weights, x, EVAL_K)
    with torch.no_grad():
        active = active_units(model.encoder(x)[0])
    return {"epochs": chosen.epochs, "cpu_s": cpu_s, "nll": -estimate.mean, "active": active}


if __name__ == "__main__":
    runs = {name: [{"seed": seed} | one_run(name, seed) for seed in s.seeds] for name, s in SETTINGS.items()}
    store("vae_binary", runs, published=[89.8, 89.9], batch=BATCH, eval_k=EVAL_K)
