"""VAE 784-400-40 on MNIST whose images are binarised once: NLL with 200 draws. Three seeds.

Published (pythae): 89.8 to 89.9 after 500 epochs with lr 1e-4, decayed. Here: 100 epochs, lr 2e-3 with warm-up and
cosine; each pixel drawn once from its grey level with a seed of our own. Writes benchmarks/results/vae_binary.json,
which notebook 10 shows. Run with MNIST at hand: `make results-long`.
"""

import time

import torch
from store import sweep

from course_lib.data import Batches, load
from course_lib.likelihood import log_likelihood
from course_lib.metrics import active_units
from course_lib.runtime import device, seed_everything
from course_lib.training import Player, train, warmup_cosine
from course_lib.vae import VAE, negative_elbo

SEEDS, EPOCHS, BATCH, LR, EVAL_K = (0, 1, 2), 100, 100, 2e-3, 200


def binarised(split: str) -> torch.Tensor:
    """Black or white pixels (N, 1, 28, 28), the same in every run."""
    x = load("mnist", split).batch().x
    return x.bernoulli(generator=torch.Generator().manual_seed(0)).to(device())


def one_run(variant: str, seed: int) -> dict[str, float]:
    seed_everything(seed)
    started = time.process_time()
    model = VAE(40).to(device())
    batches = Batches((binarised("train"), None), BATCH, device(), seed=seed)
    train(Player("vae", model, negative_elbo, lr=LR), batches, EPOCHS, schedule=warmup_cosine(0.05))
    cpu_s, x = round(time.process_time() - started), binarised("test")
    estimate = log_likelihood(model.log_weights, x, EVAL_K)
    with torch.no_grad():
        active = active_units(model.encoder(x)[0])
    return {"epochs": EPOCHS, "cpu_s": cpu_s, "nll": -estimate.mean, "active": active}


if __name__ == "__main__":
    sweep("vae_binary", one_run, ["784-400-40"], SEEDS, published=[89.8, 89.9], batch=BATCH, eval_k=EVAL_K)
