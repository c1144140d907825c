"""Batches cut from tensors that stay on the device: one permutation an epoch, no worker processes."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ..runtime import place


class Batch(NamedTuple):
    """x: float in [0, 1], (B, C, H, W), or int64 tokens (B, T). y: int64 (B,), floats (B, ...), or None."""

    x: Tensor
    y: Tensor | None = None


class Images(NamedTuple):
    """A whole set as stored. x: uint8 (N, C, H, W). y: int64 (N,)."""

    x: Tensor
    y: Tensor

    def take(self, n: int) -> "Images":
        """The first n images."""
        if not 1 <= n <= len(self.x):
            raise ValueError(f"n is {n}; this set has {len(self.x)} images")
        return Images(self.x[:n], self.y[:n])

    def shuffled(self, seed: int = 0) -> "Images":
        """All images in a random order. MNIST's test set, for one, is stored as two parts from different sources."""
        order = torch.randperm(len(self.x), generator=torch.Generator().manual_seed(seed))
        return Images(self.x[order], self.y[order])

    def batch(self, device: torch.device | str = "cpu") -> Batch:
        """The whole set as one batch of floats on the device."""
        return Batch(_unit(self.x.to(device)), self.y.to(device))


def of_each_class(y: Tensor, n: int, seed: int = 0) -> Tensor:
    """The places in y (N,) of n samples of each class, drawn at random, class after class."""
    if not 1 <= n <= y.unique(return_counts=True)[1].min():
        raise ValueError(f"n is {n}; the classes have {y.unique(return_counts=True)[1].tolist()} samples")
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed)).to(y.device)
    return torch.cat([order[y[order] == label][:n] for label in y.unique()])


class Batches:
    """Yields `Batch(x, y)` in a new random order each epoch, the last one possibly smaller.

    Args:
        images: `Images`, or any pair (x, y) of tensors with equal length; y may be None. uint8 is scaled to
            [0, 1]; floats and int64 tokens are handed on as they are.
        batch_size: samples a batch, per process.
        device: where the whole set is kept.
        seed: of the permutations. The same on each rank under torchrun; each then takes its own equal share.
    """

    def __init__(self, images, batch_size: int, device: torch.device | str = "cpu", seed: int = 0):
        x, y = images
        if x.ndim < 2 or not len(x):
            raise ValueError(f"x is {tuple(x.shape)}; give at least one sample, shape (N, ...)")
        if x.dtype not in (torch.uint8, torch.int64) and not x.is_floating_point():
            raise ValueError(f"x has dtype {x.dtype}; give uint8, floats or int64 tokens")
        if y is not None and len(y) != len(x):
            raise ValueError(f"x has {len(x)} samples and y {len(y)}; give one label a sample")
        if not batch_size >= 1:
            raise ValueError(f"batch_size is {batch_size}; give 1 or more")
        self.x, self.y = x.to(device), None if y is None else y.to(device)
        self.batch_size = batch_size
        self._generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return -(-self._share() // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        rank, world = place()
        order = torch.randperm(len(self.x), generator=self._generator)
        order = order[rank::world][: self._share()].to(self.x.device)
        for index in order.split(self.batch_size):
            yield Batch(_unit(self.x.index_select(0, index)), None if self.y is None else self.y.index_select(0, index))

    def state_dict(self) -> dict[str, Tensor]:
        """What decides the coming permutations."""
        return {"generator": self._generator.get_state()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self._generator.set_state(state["generator"])

    def _share(self) -> int:
        world = place()[1]
        if len(self.x) < world:
            raise ValueError(f"{len(self.x)} samples for {world} processes; give each at least one")
        return len(self.x) // world


def vary(x: Tensor, turn: float = 0.15, zoom: float = 0.1, shift: float = 0.08) -> Tensor:
    """Turn, scale and shift each image of x (B, C, H, W) at random, with bilinear resampling.

    Args:
        turn: largest angle in radians, to either side.
        zoom: largest relative change of size.
        shift: largest shift, as a share of half the image's side.
    """
    if x.ndim != 4 or not len(x) or not x.is_floating_point():
        raise ValueError(f"x is {tuple(x.shape)} {x.dtype}; give float images (B, C, H, W)")
    most = torch.tensor([turn, zoom, shift, shift], device=x.device)
    angle, size, dx, dy = ((torch.rand(len(x), 4, device=x.device) * 2 - 1) * most).T
    rows = torch.stack([angle.cos(), -angle.sin(), dx, angle.sin(), angle.cos(), dy], 1).view(-1, 2, 3)
    grid = F.affine_grid(rows / (1 + size)[:, None, None], list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False).clamp(0, 1)


def _unit(x: Tensor) -> Tensor:
    return x / 255 if x.dtype == torch.uint8 else x
