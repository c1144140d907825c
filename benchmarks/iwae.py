"""Table 1 of Burda et al. 2016, one stochastic layer: VAE and IWAE with 1, 5 and 50 draws, on MNIST.

The published protocol, but stopped after 40 of its 3,280 epochs, with one seed, and measured on every fourth test
image. 784-200-200-50, tanh; images binarised anew at each draw; the output's bias starts at the logit of the training
mean; batch 20; 3^(i-1) epochs at lr 0.001 · 10^(-(i-1)/7), i = 1, 2, …; Adam with β₁ 0.99, ε 1e-4, gradients summed
over the batch; NLL with 5,000 draws. On a CPU it takes an hour and a half; each run goes on from its checkpoint in
scratch/, and with more EPOCHS from there.

Writes benchmarks/results/iwae.json, which notebook 10 shows. Run with MNIST at hand: `make results-long`.
"""

import time
from pathlib import Path

import torch
from store import sweep
from torch import nn

from course_lib.data import Batch, Batches, load
from course_lib.likelihood import log_likelihood
from course_lib.losses import importance_weighted_bound
from course_lib.metrics import active_units
from course_lib.networks import swap
from course_lib.runtime import device, seed_everything
from course_lib.training import Player, train
from course_lib.vae import VAE

SCRATCH = Path(__file__).parents[1] / "scratch"
EPOCHS, BATCH, EVAL_K, EVAL_EVERY = 40, 20, 5000, 4
STARTS = [(3**i - 1) // 2 for i in range(8)]  # the first epoch of each stage, counted from 0
PUBLISHED = {
    "VAE": {"1": 86.76, "5": 86.47, "50": 86.35},
    "IWAE": {"1": 86.76, "5": 85.54, "50": 84.78},
}
# With one draw both objectives are the ELBO.
VARIANTS = {"VAE k=1": 1, "VAE k=5": 5, "IWAE k=5": 5, "VAE k=50": 50, "IWAE k=50": 50}


def lr_factor(progress: float) -> float:
    stage = sum(progress * EPOCHS >= start for start in STARTS) - 1
    return 10 ** (-stage / 7)


def make_model(pixel_mean: torch.Tensor) -> VAE:
    model = swap(VAE(50, hidden=(200, 200)), nn.ReLU, lambda _: nn.Tanh())
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    model.decoder.net[-1].bias.data = pixel_mean.flatten().clamp(1e-3, 1 - 1e-3).logit()
    return model


def summed_loss(variant: str):
    """Minus the sum of the bounds over the batch, on images binarised anew."""
    k, iwae = VARIANTS[variant], variant.startswith("IWAE")

    def loss(model: VAE, batch: Batch) -> dict[str, torch.Tensor]:
        log_w = model.log_weights(batch.x.bernoulli(), k)
        bounds = importance_weighted_bound(log_w) if iwae else log_w.mean(0)
        return {"loss": -bounds.sum()}

    return loss


def adam(parameters, lr):
    return torch.optim.Adam(parameters, lr=lr, betas=(0.99, 0.999), eps=1e-4)


def one_run(variant: str, seed: int) -> dict[str, float]:
    seed_everything(seed)
    images, started = load("mnist"), time.process_time()
    model = make_model(images.x.float().mean(0) / 255).to(device())
    player = Player("vae", model, summed_loss(variant), optimizer=adam)
    checkpoint = SCRATCH / f"iwae {variant} {seed}.pt"
    batches = Batches(images, BATCH, device(), seed=seed)
    train(player, batches, EPOCHS, schedule=lr_factor, checkpoint=checkpoint, resume=True)
    return {"epochs": EPOCHS, "cpu_s": round(time.process_time() - started)} | judged(model)


@torch.no_grad()
def judged(model: VAE) -> dict[str, float]:
    x = load("mnist", "test").batch().x[::EVAL_EVERY]
    x = x.bernoulli(generator=torch.Generator().manual_seed(0)).to(device())
    estimate = log_likelihood(model.log_weights, x, EVAL_K)
    return {
        "nll": -estimate.mean,
        "standard_error": estimate.standard_error,
        "active": active_units(model.encoder(x)[0]),
    }


if __name__ == "__main__":
    facts = {"published": PUBLISHED, "batch": BATCH, "eval_k": EVAL_K, "eval_images": 10_000 // EVAL_EVERY}
    sweep("iwae", one_run, VARIANTS, (0,), **facts)
