"""Networks as plain modules. They take data in [0, 1]; where a probability is meant they return logits."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

IMAGE = (1, 28, 28)


def mlp(sizes: Sequence[int], activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Linear layers of the given sizes with the activation between them (none after the last)."""
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes are {tuple(sizes)}; give at least an input and an output size, each >= 1")
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), activation()]
    return nn.Sequential(*layers[:-1])


class GaussianEncoder(nn.Module):
    """x (B, C, H, W) -> mu, logvar, each (B, D): the parameters of q(z|x) (Kingma & Welling 2014, appendix C)."""

    def __init__(self, latent_dim: int, hidden: Sequence[int] = (400,), shape: Sequence[int] = IMAGE):
        super().__init__()
        self.shape = tuple(shape)
        self.net = mlp([_numel(shape), *hidden, 2 * latent_dim])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if x.shape[1:] != self.shape:
            raise ValueError(f"x is {tuple(x.shape)}; this encoder takes (B, {', '.join(map(str, self.shape))})")
        mu, logvar = self.net(x.flatten(1)).chunk(2, dim=1)
        return mu, logvar


class BernoulliDecoder(nn.Module):
    """z (B, D) -> logits (B, C, H, W) of p(x|z)."""

    def __init__(self, latent_dim: int, hidden: Sequence[int] = (400,), shape: Sequence[int] = IMAGE):
        super().__init__()
        self.shape, self.latent_dim = tuple(shape), latent_dim
        self.net = mlp([latent_dim, *hidden, _numel(shape)])

    def forward(self, z: Tensor) -> Tensor:
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(f"z is {tuple(z.shape)}; this decoder takes (B, {self.latent_dim})")
        return self.net(z).unflatten(1, self.shape)


class DigitClassifier(nn.Module):
    """x (B, 1, 28, 28) in [0, 1] -> logits (B, 10): two convolutions, small enough to ship."""

    def __init__(self, channels: int = 16):
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(1, channels, 5, stride=2, padding=2), nn.ReLU()),  # (B, c, 14, 14)
            *(nn.Conv2d(channels, 2 * channels, 5, stride=2, padding=2), nn.ReLU()),  # (B, 2c, 7, 7)
            *(nn.Flatten(), nn.Linear(2 * channels * 49, 64), nn.ReLU()),
        )
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1:] != IMAGE:
            raise ValueError(f"x is {tuple(x.shape)}; the classifier takes (B, 1, 28, 28)")
        return self.head(self.features(x))


def _numel(shape: Sequence[int]) -> int:
    return int(torch.Size(shape).numel())
