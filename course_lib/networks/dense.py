"""Networks of fully connected layers, and those of VAEs that are made of them."""

from collections.abc import Sequence
from itertools import pairwise, product

import torch
from torch import Tensor, nn
from torch.nn import functional as F

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


class AutoregressiveDecoder(nn.Module):
    """z (B, D) and x (B, 1, H, W) itself -> logits (B, 1, H, W) of p(x|z) = Π p(x_i | pixels before i, z).

    Pixels are drawn row by row. For each pixel one small network reads the window of those drawn before it, and one
    number that a network of z plans for it; that number is added to the logit as well. This is a PixelCNN with a single
    masked layer (van den Oord et al. 2016, section 3). What its window misses is left to z (Chen et al. 2017).

    Args:
        hidden: widths of the network that plans.
        shape: of an image, (1, H, W).
        reach: a window has `reach` rows above the pixel, and as many columns on either side; 0: no pixel sees another.
        width: of the two hidden layers of the network that reads a window.
    """

    def __init__(
        self,
        latent_dim: int,
        hidden: Sequence[int] = (100, 100, 100),
        shape: Sequence[int] = IMAGE,
        reach: int = 3,
        width: int = 32,
    ):
        super().__init__()
        if len(shape) != 3 or shape[0] != 1 or reach < 0:
            raise ValueError(f"shape is {tuple(shape)} and reach {reach}; give (1, H, W) and 0 or more")
        self.shape, self.latent_dim, self.reach = tuple(shape), latent_dim, reach
        self.before = reach * (2 * reach + 2)  # pixels of a window that are drawn before the last of its middle
        self.plan = mlp([latent_dim, *hidden, _numel(shape)])
        self.read = mlp([self.before + 1, width, width, 1])

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        planned = self._planned(z)
        if x.shape != (len(z), *self.shape):
            raise ValueError(f"x is {tuple(x.shape)}; with this z the decoder takes {(len(z), *self.shape)}")
        r = self.reach
        windows = F.unfold(F.pad(x, (r, r, r, 0)), (r + 1, 2 * r + 1))[:, : self.before].mT  # (B, HW, before)
        return self._logits(windows, planned).view_as(x)

    @torch.no_grad()
    def sample(self, z: Tensor) -> Tensor:
        """One image for each z (B, D), pixel after pixel: (B, 1, H, W) of zeros and ones."""
        planned, (_, height, width), r = self._planned(z), self.shape, self.reach
        framed = planned.new_zeros(len(z), height + r, width + 2 * r)
        for i, (row, column) in enumerate(product(range(height), range(width))):
            window = framed[:, row : row + r + 1, column : column + 2 * r + 1].flatten(1)[:, : self.before]
            framed[:, row + r, column + r] = self._logits(window, planned[:, i]).sigmoid().bernoulli()[:, 0]
        return framed[:, None, r:, r : r + width]

    def _planned(self, z: Tensor) -> Tensor:
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(f"z is {tuple(z.shape)}; this decoder takes (B, {self.latent_dim})")
        return self.plan(z)[..., None]  # (B, HW, 1)

    def _logits(self, windows: Tensor, planned: Tensor) -> Tensor:
        return self.read(torch.cat([windows, planned], -1)) + planned


def _numel(shape: Sequence[int]) -> int:
    return int(torch.Size(shape).numel())
