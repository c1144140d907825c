"""Notebook 07, section 5: do pretext tasks save labels? Linear probes on features learned without labels, five seeds.

Writes benchmarks/results/pretext_tasks.json. Run with MNIST at hand: `make results`.
"""

from collections.abc import Callable
from functools import cache
from statistics import mean, stdev

import torch
from sklearn.linear_model import LogisticRegression
from store import sweep
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.data import Batches, Images, load, of_each_class
from course_lib.losses import bernoulli_nll
from course_lib.networks import BernoulliDecoder, mlp
from course_lib.runtime import seed_everything
from course_lib.training import Player, train, warmup_cosine

SEEDS, DRAWS = (0, 1, 2, 3, 4), 20
IMAGES, WIDTH, STEPS, BATCH, LR = 20_000, 256, 1000, 128, 2e-3
LABELS = (10, 100)


def with_noise(sigma: float) -> Callable[[Tensor], Tensor]:
    return lambda x: x + sigma * torch.randn_like(x)


def with_holes(x: Tensor) -> Tensor:
    keep = (torch.rand(len(x), 1, 4, 4) < 0.25).float()
    return x * F.interpolate(keep, scale_factor=7)


SPOILED = {"plain": lambda x: x, "noise 0.5": with_noise(0.5), "noise 1": with_noise(1.0), "masked": with_holes}


def new_encoder() -> nn.Module:
    return nn.Sequential(nn.Flatten(), mlp([784, WIDTH, WIDTH]), nn.ReLU())


@cache
def sets(name: str) -> tuple[Images, Tensor, Tensor, Tensor, Tensor]:
    """The images to learn from, as stored and as floats with their classes, and shuffled test images."""
    images, test = load(name), load(name, "test").shuffled().batch()
    images = images.take(min(IMAGES, len(images.x)))
    return images, *images.batch(), test.x[:2000], test.y[:2000]


def learned(spoil: Callable[[Tensor], Tensor], images: Images, seed: int) -> nn.Module:
    """An encoder trained, with a linear decoder, to restore x from spoil(x)."""
    net = nn.Sequential(new_encoder(), BernoulliDecoder(WIDTH, ()))
    batches = Batches(images, BATCH, seed=seed)
    player = Player("net", net, lambda net, batch: {"loss": bernoulli_nll(net(spoil(batch.x)), batch.x).mean()}, lr=LR)
    train(player, batches, round(STEPS / len(batches)), schedule=warmup_cosine(), progress=False)
    return net[0]


@torch.no_grad()
def probe(features: nn.Module, name: str) -> dict[int, list[float]]:
    """Accuracy on the test images for each draw of the labels, by number of labels."""
    _, x, y, test_x, test_y = sets(name)
    known, new = features(x), features(test_x)
    scale = known.square().sum(1).mean().sqrt()
    known, new = known / scale, new / scale
    found = {}
    for n in LABELS:
        draws = [of_each_class(y, n // 10, 100 * n + draw) for draw in range(DRAWS)]
        models = [LogisticRegression(C=10, max_iter=500).fit(known[at].numpy(), y[at].numpy()) for at in draws]
        found[n] = [model.score(new.numpy(), test_y.numpy()) for model in models]
    return found


def one_run(name: str, seed: int) -> dict[str, dict]:
    """Contestant -> number of labels -> accuracy, and gain over pixels within each draw: mean, spread, draws won."""
    seed_everything(seed)
    images = sets(name)[0]
    contestants = {"pixels": nn.Flatten(), "random features": new_encoder()}
    contestants |= {key: learned(spoil, images, seed) for key, spoil in SPOILED.items()}
    found = {key: probe(net, name) for key, net in contestants.items()}
    return {key: {n: compared(v[n], found["pixels"][n]) for n in LABELS} for key, v in found.items()}


def compared(accuracies: list[float], pixels: list[float]) -> dict[str, float]:
    gains = [a - b for a, b in zip(accuracies, pixels, strict=True)]
    values = {"accuracy": mean(accuracies), "gain": mean(gains), "gain_sd": stdev(gains)}
    return {key: round(value, 4) for key, value in values.items()} | {"won": sum(g > 0 for g in gains)}


if __name__ == "__main__":
    sweep("pretext_tasks", one_run, ("mnist", "digits"), SEEDS, draws=DRAWS, steps=STEPS)
