"""Notebook 00's model, five seeds on each data set: the spread of its three measures.

Writes benchmarks/results/start_here.json, which notebook 00 shows. Run with MNIST at hand: `make results`.
"""

import time

import torch
from store import save
from tqdm import tqdm

from course_lib.data import Batches, load
from course_lib.metrics import digit_quality
from course_lib.runtime import seed_everything
from course_lib.training import Player, train, warmup_cosine
from course_lib.vae import VAE, negative_elbo

SEEDS = range(5)
STEPS, BATCH = 2500, 128


def one_run(name: str, seed: int) -> dict[str, float]:
    seed_everything(seed)
    digits, held = load(name), load(name, "test").take(300).batch().x
    model = VAE(latent_dim=4, hidden=(512, 256))
    started = time.process_time()
    epochs = round(STEPS * BATCH / len(digits.x))
    player = Player("vae", model, negative_elbo, lr=4e-3)
    train(player, Batches(digits, BATCH, seed=seed), epochs, schedule=warmup_cosine(), progress=False)
    cpu_s = time.process_time() - started
    quality = digit_quality(model.sample(1000), digits.batch().x, held)
    return {"seed": seed, "cpu_s": round(cpu_s, 1)} | quality._asdict()


def main() -> None:
    jobs = [(name, seed) for name in ("mnist", "digits") for seed in SEEDS]
    runs: dict[str, list] = {"mnist": [], "digits": []}
    for name, seed in tqdm(jobs, unit="run"):
        runs[name].append(one_run(name, seed))
        print(name, runs[name][-1], flush=True)
    save("start_here", {"torch": torch.__version__, "runs": runs})


if __name__ == "__main__":
    main()
