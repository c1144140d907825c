"""Notebook 00's model, five seeds on each data set: the spread of its measures.

Writes benchmarks/results/start_here.json, which notebook 00 shows. Run with MNIST at hand: `make results`.
"""

import time

import torch
from store import sweep

from course_lib.data import Batches, load
from course_lib.metrics import digit_quality
from course_lib.runtime import seed_everything
from course_lib.training import Player, train, warmup_cosine
from course_lib.vae import VAE, negative_elbo

SEEDS = range(5)
STEPS, BATCH = 2500, 128


def one_run(name: str, seed: int) -> dict[str, float]:
    seed_everything(seed)
    digits, test = load(name), load(name, "test").take(300)
    real, held = digits.batch().x, test.batch().x
    model = VAE(latent_dim=4, hidden=(512, 256))
    started = time.process_time()
    epochs = round(STEPS * BATCH / len(digits.x))
    player = Player("vae", model, negative_elbo, lr=4e-3)
    train(player, Batches(digits, BATCH, seed=seed), epochs, schedule=warmup_cosine(), progress=False)
    cpu_s = time.process_time() - started
    with torch.no_grad():
        nearest = torch.cdist(model.encoder(held)[0], model.encoder(real[:10000])[0]).argmin(1)
    right = (digits.y[nearest] == test.y).float().mean().item()
    quality = digit_quality(model.sample(1000), real, held)
    return {"cpu_s": round(cpu_s, 1), "classified": right} | quality._asdict()


if __name__ == "__main__":
    sweep("start_here", one_run, ("mnist", "digits"), SEEDS)
