"""What exercises are tried on: functions from a generator to the arguments of one trial."""

import torch


def normal(*shape, scale=1.0):
    """One float64 tensor of Normal numbers."""

    def draw(generator):
        return scale * torch.randn(shape, generator=generator, dtype=torch.float64)

    return draw


def uniform(*shape, low=0.0, high=1.0):
    """One float64 tensor of evenly distributed numbers."""

    def draw(generator):
        return low + (high - low) * torch.rand(shape, generator=generator, dtype=torch.float64)

    return draw


def simplex(*shape):
    """One float64 tensor of probabilities that sum to 1 over the last dimension."""

    def draw(generator):
        return torch.randn(shape, generator=generator, dtype=torch.float64).softmax(-1)

    return draw


def together(*draws):
    """The arguments that the given functions draw, one after the other."""
    return lambda generator: tuple(draw(generator) for draw in draws)
