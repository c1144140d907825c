"""VAE 784-400-20 on MNIST: the published 10 epochs, and a schedule that gets there in 5. Three seeds of each.

Published (pytorch/examples, vae): test loss 105.6 after 10 epochs; ReLU, Adam 1e-3, batch 128, grey-level cross-entropy
plus KL. Writes benchmarks/results/vae_mnist.json, which notebook 08 shows. Run with MNIST at hand: `make results`.
"""

import platform
import time

import torch
from store import save
from tqdm import tqdm

from course_lib.data import Batches, load
from course_lib.runtime import device, seed_everything
from course_lib.training import Player, train, warmup_cosine
from course_lib.vae import VAE, mean_loss, negative_elbo

SEEDS = (0, 1, 2)
SETTINGS = {
    "published": {"epochs": 10, "lr": 1e-3, "schedule": None},
    "scheduled": {"epochs": 5, "lr": 5e-3, "schedule": warmup_cosine(0.1)},
}


def one_run(images, test, seed: int, epochs: int, lr: float, schedule) -> dict[str, float]:
    seed_everything(seed)
    model = VAE().to(device())
    batches = Batches(images, 128, device(), seed=seed)
    started = time.process_time()
    train(Player("vae", model, negative_elbo, lr=lr), batches, epochs, schedule=schedule, progress=False)
    return {"seed": seed, "test_loss": mean_loss(model, test), "cpu_s": round(time.process_time() - started, 1)}


def main() -> None:
    images, test = load("mnist"), load("mnist", "test").batch(device()).x
    jobs = [(name, seed) for name in SETTINGS for seed in SEEDS]
    runs = {name: [] for name in SETTINGS}
    for name, seed in tqdm(jobs, unit="run"):
        runs[name].append(one_run(images, test, seed, **SETTINGS[name]))
        print(name, runs[name][-1], flush=True)
    result = {
        "published_test_loss": 105.6,
        "torch": torch.__version__,
        "device": f"{device().type}, {torch.get_num_threads()} threads, {platform.machine()}",
        "runs": runs,
    }
    save("vae_mnist", result)


if __name__ == "__main__":
    main()
