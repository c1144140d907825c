"""Notebook 16: faces with glasses and a smile on request, with and without mismatched pairs, three seeds.

"glasses", "smile": mean difference between the factor that the shipped reader sees and the one asked for. "diversity":
spread of the six other factors over that of drawn faces. Writes benchmarks/results/conditional_faces.json.
"""

from functools import cache

import torch
from store import sweep
from torch import Tensor

from course_lib.conditional_gan import ConditionalGenerator, ConvFeatures, MatchingGAN, Projecting
from course_lib.data import Batches, faces
from course_lib.gan import GAN
from course_lib.metrics import read_faces, redraw_distance
from course_lib.networks import narrow_start
from course_lib.runtime import seed_everything
from course_lib.training import train

VARIANTS, SEEDS = {"generated pairs": GAN, "and mismatched": MatchingGAN}, (0, 1, 2)
ASKED = [faces.FACTORS.index(factor) for factor in ("glasses", "smile")]
OTHERS = [i for i in range(len(faces.FACTORS)) if i not in ASKED]
SHAPE, LATENT, EPOCHS, BATCH, LR, EMA = (3, 28, 28), 16, 3, 32, (1e-3, 2e-3), 0.99

drawn = cache(faces.sample)


def condition(factors: Tensor) -> Tensor:
    return 2 * factors[:, ASKED] - 1


def one_run(variant: str, seed: int) -> dict[str, float]:
    seed_everything(seed)
    features, known = ConvFeatures(SHAPE), drawn(20_000)
    discriminator = Projecting(features, features.size, 2).apply(narrow_start)
    game = VARIANTS[variant](ConditionalGenerator(LATENT, 2, SHAPE), discriminator, LATENT, conditional=True)
    batches = Batches((known.x, condition(known.factors)), BATCH, seed=seed)
    train(game.players(LR, ema=EMA), batches, EPOCHS, schedule=lambda progress: 1 - progress, progress=False)
    wanted = drawn(1000, 1).factors
    return judged(game.sample(1000, condition(wanted), torch.Generator().manual_seed(seed)), wanted)


def judged(x: Tensor, wanted: Tensor) -> dict[str, float]:
    read, truth = read_faces(x), read_faces(drawn(1000, 1).x.float() / 255)
    glasses, smile = (read - wanted)[:, ASKED].abs().mean(0).tolist()
    return {
        "glasses": glasses,
        "smile": smile,
        "diversity": (read.std(0) / truth.std(0))[OTHERS].mean().item(),
        "redraw": redraw_distance(x).median().item(),
    }


if __name__ == "__main__":
    held_out = drawn(1000, 1)
    real = judged(held_out.x.float() / 255, held_out.factors)
    sweep("conditional_faces", one_run, VARIANTS, SEEDS, epochs=EPOCHS, batch=BATCH, real=real)
