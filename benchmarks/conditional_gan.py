"""Notebook 16: ways of telling the discriminator the digit, with everything else alike, five seeds on MNIST.

"control": how often the shipped classifier reads the digit that was asked for. "diversity": distance within a class,
over that of test digits. "novelty": distance to the nearest training image, over that of test digits. "truncated": the
same with z drawn from N(0, ψ² I), by ψ.
Writes benchmarks/results/conditional_gan.json. Run with MNIST at hand: `make results`.
"""

from functools import cache

import torch
from store import sweep
from torch import Tensor
from torch.nn import functional as F

from course_lib.conditional_gan import (
    Auxiliary,
    AuxiliaryGAN,
    Concatenating,
    ConditionalGenerator,
    ConvFeatures,
    Projecting,
    Untold,
)
from course_lib.data import Batch, Batches, load
from course_lib.gan import GAN
from course_lib.metrics import (
    class_distance,
    classifier_features,
    classify,
    confident_share,
    frechet_distance,
    nn_ratio,
)
from course_lib.networks import ConvDiscriminator, narrow_start
from course_lib.runtime import seed_everything
from course_lib.training import train

SEEDS = (0, 1, 2, 3, 4)
IMAGES, EPOCHS, BATCH, LATENT, LR, EMA, SAMPLES = 48_000, 2, 32, 64, 3e-3, 0.98, 2000
PSI = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2)

# The discriminator, and the weight of the auxiliary loss where there is one.
VARIANTS = {
    "not told": (lambda: Untold(ConvDiscriminator()), None),
    "concatenation": (lambda: Concatenating(ConvDiscriminator((1 + 10, 28, 28))), None),
    "auxiliary classifier": (lambda: Auxiliary(ConvFeatures(), ConvFeatures().size, 10), 1.0),
    "auxiliary, weight 0.1": (lambda: Auxiliary(ConvFeatures(), ConvFeatures().size, 10), 0.1),
    "projection": (lambda: Projecting(ConvFeatures(), ConvFeatures().size, 10), None),
}


def one_hot(y: Tensor) -> Tensor:
    return F.one_hot(y, 10).float()


def one_run(variant: str, seed: int) -> dict[str, float | dict]:
    seed_everything(seed)
    make, weight = VARIANTS[variant]
    networks = ConditionalGenerator(LATENT, 10), make().apply(narrow_start)
    game = AuxiliaryGAN(*networks, LATENT, weight) if weight else GAN(*networks, LATENT, conditional=True)
    x, y = load("mnist").take(IMAGES)
    batches = Batches((x, one_hot(y)), BATCH, seed=seed)
    players = game.players(LR, ema=EMA)
    train(players, batches, EPOCHS, schedule=lambda progress: 1 - progress, progress=False)
    asked, z = torch.arange(SAMPLES) % 10, torch.randn(SAMPLES, LATENT, generator=torch.Generator().manual_seed(seed))
    drawn = {psi: drawn_by(game, psi * z, asked) for psi in PSI}
    return judged(drawn[1.0], asked) | {"truncated": {psi: quality(x, asked) for psi, x in drawn.items()}}


@torch.no_grad()
def drawn_by(game: GAN, z: Tensor, asked: Tensor) -> Tensor:
    return game.sampler.eval()(z, one_hot(asked))


@cache
def references() -> tuple[Batch, Batch, Tensor]:
    """Training images, test images (shuffled: MNIST's come in two parts), and the features of 5,000 of these."""
    test = load("mnist", "test").shuffled().batch()
    return load("mnist").take(10_000).batch(), test, classifier_features(test.x[:5000])


def quality(x: Tensor, asked: Tensor) -> dict[str, float]:
    test, features = references()[1:]
    return {
        "control": (classify(x)[0] == asked).float().mean().item(),
        "diversity": (class_distance(x, asked) / class_distance(test.x[:SAMPLES], test.y[:SAMPLES])).item(),
        "frechet": frechet_distance(classifier_features(x), features),
        "confident": confident_share(x),
    }


def judged(x: Tensor, asked: Tensor) -> dict[str, float]:
    known, test, _ = references()
    return quality(x, asked) | {"novelty": nn_ratio(x[:500], known.x, test.x[:500])}


if __name__ == "__main__":
    test = references()[1]
    real = judged(test.x[-SAMPLES:], test.y[-SAMPLES:])
    sweep("conditional_gan", one_run, VARIANTS, SEEDS, images=IMAGES, epochs=EPOCHS, batch=BATCH, real=real)
