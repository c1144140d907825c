"""VAE 784-400-20 on MNIST: the published 10 epochs, and a schedule that gets there in 5. Three seeds of each.

Published (pytorch/examples, vae): test loss 105.6 after 10 epochs; ReLU, Adam 1e-3, batch 128, grey-level cross-entropy
plus KL. Writes benchmarks/results/vae_mnist.json, which notebook 08 shows. Run with MNIST at hand: `make results`.
"""

import time

from store import sweep

from course_lib.data import Batches, load
from course_lib.runtime import device, seed_everything
from course_lib.training import Player, train, warmup_cosine
from course_lib.vae import VAE, mean_loss, negative_elbo

SEEDS = (0, 1, 2)
SETTINGS = {
    "published": {"epochs": 10, "lr": 1e-3, "schedule": None},
    "scheduled": {"epochs": 5, "lr": 5e-3, "schedule": warmup_cosine(0.1)},
}


def one_run(setting: str, seed: int) -> dict[str, float]:
    chosen = SETTINGS[setting]
    seed_everything(seed)
    model = VAE().to(device())
    batches = Batches(load("mnist"), 128, device(), seed=seed)
    started = time.process_time()
    player = Player("vae", model, negative_elbo, lr=chosen["lr"])
    train(player, batches, chosen["epochs"], schedule=chosen["schedule"], progress=False)
    cpu_s = time.process_time() - started
    return {"test_loss": mean_loss(model, load("mnist", "test").batch(device()).x), "cpu_s": round(cpu_s, 1)}


if __name__ == "__main__":
    sweep("vae_mnist", one_run, SETTINGS, SEEDS, published_test_loss=105.6)
