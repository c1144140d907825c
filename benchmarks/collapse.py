"""Notebook 09: posterior collapse and its cures, three seeds on each data set.

Black-and-white images of 14×14 (means of 2×2 pixels, black above one half), a decoder that also reads the pixels
before, and the same thousand steps for all, except where a variant says otherwise. The floor of free bits (0.5, not
0.25) and the share of the warm-up (0.8, not 0.5) were chosen in trial runs; the cycles are those of Fu et al. (2019).

Writes benchmarks/results/collapse.json, which notebook 09 shows. Run with MNIST at hand: `make results`.
"""

import time
from functools import cache

import torch
from store import sweep
from torch import Tensor
from torch.nn import functional as F

from course_lib.data import Batches, Images, load
from course_lib.likelihood import log_likelihood
from course_lib.losses import kl_in_each_dimension
from course_lib.metrics import active_units
from course_lib.networks import AutoregressiveDecoder
from course_lib.runtime import seed_everything
from course_lib.training import Player, train, warmup_cosine
from course_lib.vae import AutoregressiveVAE, cyclical, linear_warmup, negative_elbo, rate_and_distortion

SEEDS, STEPS, BATCH, LR, LATENT, SHAPE = (0, 1, 2), 1000, 100, 5e-3, 10, (1, 14, 14)
EVAL_K, EVAL_DRAWS = 100, 10
# What is changed: the weight of the KL over training, the floor of free bits, the decoder, the length of training.
VARIANTS = {
    "plain": {},
    "plain, three times as long": {"longer": 3},
    "warm-up": {"beta": linear_warmup(0.8)},
    "cyclical annealing": {"beta": cyclical(4, 0.5)},
    "free bits": {"floor": 0.5},
    "decoder sees 4 pixels, not 24": {"decoder": {"reach": 1}},
    "decoder sees no pixel": {"decoder": {"reach": 0}},
    "decoder forgets half": {"forget": 0.5},
    "shorter way for z": {"decoder": {"hidden": (200,)}},
}


class Forgetful(AutoregressiveDecoder):
    """While training, pixels of the context are blank with probability `forget` (Bowman et al. 2016, section 3.2)."""

    forget = 0.5

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        return super().forward(z, x * (torch.rand_like(x) > self.forget) if self.training else x)


@cache
def images(name: str, split: str, n: int) -> Images:
    """The first n images in one fixed random order; fewer where there are fewer."""
    x, y = load(name, split).shuffled()
    return Images((F.avg_pool2d(x[:n] / 255, 2) > 0.5).float(), y[:n])


def make(decoder: dict, forget: float) -> AutoregressiveVAE:
    kind = Forgetful if forget else AutoregressiveDecoder
    return AutoregressiveVAE(LATENT, (200,), SHAPE, kind(LATENT, shape=SHAPE, **decoder))


@torch.no_grad()
def judged(model: AutoregressiveVAE, seen: Images, test: Images) -> dict[str, float]:
    model.eval()
    rate, distortion = rate_and_distortion(model, test.x, EVAL_DRAWS)
    (mu, logvar), known = model.encoder(test.x), model.encoder(seen.x)[0]
    neighbour = torch.cdist(mu, known).argmin(1)
    return {
        "reconstruction": distortion,
        "kl": rate,
        "kl_dims": kl_in_each_dimension(mu, logvar).mean(0).tolist(),
        "active": active_units(mu),
        "nll": -log_likelihood(model.log_weights, test.x, EVAL_K).mean,
        "classified": (seen.y[neighbour] == test.y).float().mean().item(),
    }


def one_run(variant: str, seed: int) -> dict[str, float]:
    name, _, change = variant.partition(": ")
    change = {"beta": lambda progress: 1.0, "floor": 0.0, "decoder": {}, "forget": 0, "longer": 1} | VARIANTS[change]
    seed_everything(seed)
    seen, test = images(name, "train", 5000), images(name, "test", 500)
    model, batches = make(change["decoder"], change["forget"]), Batches(seen, BATCH, seed=seed)
    player = Player(
        "vae", model, lambda m, b: negative_elbo(m, b, change["beta"](player.progress), change["floor"]), lr=LR
    )
    started = time.process_time()
    epochs = round(change["longer"] * STEPS / len(batches))
    train(player, batches, epochs, schedule=warmup_cosine(), progress=False)
    return {"cpu_s": round(time.process_time() - started, 1)} | judged(model, seen, test)


if __name__ == "__main__":
    variants = [f"{name}: {change}" for name in ("mnist", "digits") for change in VARIANTS]
    sweep("collapse", one_run, variants, SEEDS, steps=STEPS, batch=BATCH, eval_k=EVAL_K)
