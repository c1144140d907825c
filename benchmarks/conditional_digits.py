"""Notebook 11: does a conditional VAE obey its label? Five volumes of the label, three seeds, on MNIST.

The condition is the volume times the one-hot label; with 0 the model is told nothing. "control": how often the shipped
classifier reads the digit that was asked for. "diversity": pairwise distance within a class, over that of test digits.
"loss": negative ELBO of the test images given their labels. Writes benchmarks/results/conditional_digits.json.
"""

import torch
from store import sweep
from torch import Tensor
from torch.nn import functional as F

from course_lib.conditional import ConditionalVAE
from course_lib.data import Batch, Batches, load
from course_lib.metrics import class_distance, classify
from course_lib.runtime import seed_everything
from course_lib.training import Player, train, warmup_cosine
from course_lib.vae import negative_elbo

VOLUMES, SEEDS = (0, 1, 3, 10, 30), (0, 1, 2)
IMAGES, EPOCHS, BATCH, LATENT, HIDDEN, LR, SAMPLES = 20_000, 15, 125, 8, (300, 300), 4e-3, 2000


def one_run(volume: str, seed: int) -> dict[str, float]:
    def label(y: Tensor) -> Tensor:
        return float(volume) * F.one_hot(y, 10).float()

    seed_everything(seed)
    model = ConditionalVAE(LATENT, 10, HIDDEN)
    player = Player("cvae", model, lambda m, b: negative_elbo(m.given(label(b.y)), b), lr=LR)
    batches = Batches(load("mnist").take(IMAGES), BATCH, seed=seed)
    train(player, batches, EPOCHS, schedule=warmup_cosine(), progress=False)
    return judged(model, label, load("mnist", "test").batch(), seed)


@torch.no_grad()
def judged(model: ConditionalVAE, label, test: Batch, seed: int) -> dict[str, float]:
    asked = torch.arange(SAMPLES) % 10
    x = model.given(label(asked)).sample(SAMPLES, generator=torch.Generator().manual_seed(seed))
    real = load("mnist", "test").shuffled().take(SAMPLES).batch()
    parts = model.given(label(test.y)).elbo(test.x)
    return {
        "control": (classify(x)[0] == asked).float().mean().item(),
        "diversity": (class_distance(x, asked) / class_distance(*real)).item(),
        "loss": -parts.bound.mean().item(),
        "kl": parts.kl.mean().item(),
    }


if __name__ == "__main__":
    sweep("conditional_digits", one_run, map(str, VOLUMES), SEEDS, images=IMAGES, epochs=EPOCHS)
