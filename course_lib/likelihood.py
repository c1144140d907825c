"""Estimates of log p(x) where the integral over z has no closed form."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from .losses import importance_weighted_bound

AT_ONCE = 50  # importance samples of a point that are drawn together


class LogLikelihood(NamedTuple):
    """An importance-sampled estimate of log p(x) in nats, mean over the data, and its standard error."""

    mean: float
    standard_error: float  # over the data points


@torch.no_grad()
def log_likelihood(
    log_weights: Callable[[Tensor, int], Tensor], x: Tensor, k: int = 1000, chunk: int = 100
) -> LogLikelihood:
    """Estimate the mean log p(x) from k importance samples a point (Burda et al. 2016, eq. 8).

    `log_weights(x, k)` returns log p(x, z) - log q(z|x), (k, B), as `VAE.log_weights` does. In expectation a lower
    bound that rises to log p(x) with k.
    """
    if k < 1 or not len(x):
        raise ValueError(f"k is {k} and x {tuple(x.shape)}; give k >= 1 and at least one point")
    draws = [min(AT_ONCE, k - done) for done in range(0, k, AT_ONCE)]
    parts = [torch.cat([log_weights(part, n) for n in draws]) for part in x.split(chunk)]
    values = torch.cat([importance_weighted_bound(log_w) for log_w in parts])
    spread = values.std().item() if len(values) > 1 else math.nan
    return LogLikelihood(values.mean().item(), spread / math.sqrt(len(values)))
