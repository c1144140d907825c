"""Notebook 14: the rules of DCGAN (Radford et al. 2016, section 3), each switched off once, five seeds on MNIST.

Writes benchmarks/results/dcgan_rules.json. Run with MNIST at hand: `make results`.
"""

from functools import cache

import torch
from store import sweep
from torch import nn

from course_lib.data import Batches, load
from course_lib.gan import GAN
from course_lib.metrics import classes_found, classifier_features, confident_share, frechet_distance, nn_ratio
from course_lib.networks import ConvDiscriminator, ConvGenerator, narrow_start, swap
from course_lib.runtime import seed_everything
from course_lib.training import train

SEEDS = (0, 1, 2, 3, 4)
ROUNDS, BATCH, LR, BETAS, EMA, SAMPLES = 800, 32, 2e-3, (0.5, 0.999), 0.98, 2000
HIDDEN = 128  # width of the fully connected layer that DCGAN leaves out


def pool(layer: nn.Conv2d) -> nn.Module:
    """Stride 1, then a pool, in place of stride 2."""
    inner = nn.Conv2d(layer.in_channels, layer.out_channels, 3, padding=1, bias=layer.bias is not None)
    return nn.Sequential(inner, nn.MaxPool2d(2))


def upsample(layer: nn.ConvTranspose2d) -> nn.Module:
    """Each pixel twice, then an ordinary convolution, in place of a transposed one."""
    inner = nn.Conv2d(layer.in_channels, layer.out_channels, 3, padding=1, bias=layer.bias is not None)
    return nn.Sequential(nn.Upsample(scale_factor=2), inner)


def hidden(layer: nn.Linear) -> nn.Module:
    return nn.Sequential(nn.Linear(layer.in_features, HIDDEN), nn.LeakyReLU(0.2), nn.Linear(HIDDEN, layer.out_features))


def identity(layer: nn.Module) -> nn.Module:
    return nn.Identity()


def default_start(net: nn.Module) -> nn.Module:
    """PyTorch's own initial weights in place of N(0, 0.02²)."""
    for layer in net.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    return net


# What is done to the generator, to the discriminator, and to the settings of training.
VARIANTS = {
    "all rules": ((), (), {}),
    "pooling and upsampling": ((nn.ConvTranspose2d, upsample), (nn.Conv2d, pool), {}),
    "no batch normalisation": ((nn.BatchNorm2d, identity), (nn.BatchNorm2d, identity), {}),
    "hidden linear layers": ((nn.Linear, hidden), (nn.Linear, hidden), {}),
    "tanh inside the generator": ((nn.ReLU, lambda _: nn.Tanh()), (), {}),
    "clipped output, no tanh": ((nn.Tanh, lambda _: nn.Hardtanh()), (), {}),
    "ReLU in the discriminator": ((), (nn.LeakyReLU, lambda _: nn.ReLU()), {}),
    "β₁ = 0.9": ((), (), {"betas": (0.9, 0.999)}),
    "PyTorch's initial weights": (default_start, default_start, {}),
    "lr 0.0002, as published": ((), (), {"lr": 2e-4}),
}


def changed(net: nn.Module, change) -> nn.Module:
    """The network with one part exchanged; new layers start as narrow as the others."""
    if callable(change):
        return change(net)
    return swap(net, *change).apply(narrow_start) if change else net


def one_run(variant: str, seed: int) -> dict[str, float]:
    seed_everything(seed)
    for_generator, for_discriminator, settings = VARIANTS[variant]
    networks = changed(ConvGenerator(), for_generator), changed(ConvDiscriminator(), for_discriminator)
    game = GAN(*networks, 64)
    batches = Batches(load("mnist").take(2 * ROUNDS * BATCH), BATCH, seed=seed)
    train(game.players(**{"lr": LR, "betas": BETAS, "ema": EMA} | settings), batches, 1, progress=False)
    return judged(game.sample(SAMPLES, generator=torch.Generator().manual_seed(seed)))


@cache
def references() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Training images, test images, and the features of 5,000 of these: read once for all runs.

    The test images are shuffled; in the published order their two halves come from different sources.
    """
    train_x, test = load("mnist").take(10_000).batch().x, load("mnist", "test").shuffled().batch().x
    return train_x, test, classifier_features(test[:5000])


def judged(x: torch.Tensor) -> dict[str, float]:
    train_x, test, features = references()
    return {
        "frechet": frechet_distance(classifier_features(x), features),
        "digit_like": confident_share(x),
        "classes": classes_found(x),
        "nn_ratio": nn_ratio(x[:500], train_x, test[:500]),
        "spread": x.std(0).mean().item(),
    }


if __name__ == "__main__":
    real = judged(references()[1][-SAMPLES:])
    sweep("dcgan_rules", one_run, VARIANTS, SEEDS, rounds=ROUNDS, batch=BATCH, real=real)
