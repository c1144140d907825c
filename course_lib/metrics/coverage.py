"""Coverage: which modes of the data a generator reaches, and whether it has collapsed."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data import toy
from ..losses import kl_categorical

ENOUGH = 10  # samples of a mode from which its spread is estimated
THIN = 0.25  # a mode with less than this part of its share in the data counts as lost
LOST = 0.1  # the share of the data in lost modes above which a generator has collapsed
NARROW = 0.25  # the spread within modes, over the data's, below which a generator has collapsed


class Modes(NamedTuple):
    """How a sample covers the modes of a mixture (Lin et al. 2018, PacGAN, section 4)."""

    covered: int  # modes with at least one high-quality sample
    high_quality: float  # share of the samples within three standard deviations of the nearest mode
    spread: float  # standard deviation of these about the centre of their mode's, over the mixture's; else 0
    reverse_kl: float  # KL(shares of the samples || weights of the modes), in nats; each sample counts for its nearest
    floor: float  # the reverse KL that samples of the mixture itself have on average, (K - 1) / 2N


def modes(x: Tensor, mixture: toy.Mixture) -> Modes:
    """Coverage of the modes of `mixture` by samples x (N, D).

    In two dimensions 1 - exp(-9/2) = 98.89 % of a perfect sample is of high quality, and its spread is 0.974, since
    samples beyond three standard deviations are left out.
    """
    mode, _, good = _nearest(x, mixture)
    k = len(mixture.means)
    shares = mode.bincount(minlength=k).double() / len(x)
    reverse_kl = kl_categorical(shares[None], mixture.weights.to(shares)[None])
    variance, n = _variances(x[good], mode[good], k)
    ratios = (variance / mixture.sd.to(x).square())[n >= ENOUGH]
    return Modes(
        len(mode[good].unique()),
        good.double().mean().item(),
        _root_mean(ratios) if len(ratios) else 0.0,
        reverse_kl.item(),
        (k - 1) / (2 * len(x)),
    )


def modes_of(x: Tensor, mixture: toy.Mixture) -> Tensor:
    """The mode of each sample x (N, D), int64 (N,): the nearest, or -1 where x lies in no circle around a mode.

    The circles reach half way to the nearest other mode: wide enough for blurred samples, and they don't overlap.
    """
    mode, distance, _ = _nearest(x, mixture)
    apart = torch.cdist(mixture.means, mixture.means).fill_diagonal_(math.inf).amin(1).to(x)
    return torch.where(distance < apart[mode] / 2, mode, -1)


class Collapse(NamedTuple):
    """Whether a generator leaves out modes of the data, or nearly all variety inside them. See `collapse`."""

    lost: float  # share of the data that lies in modes which hold less than a quarter of it among the samples
    spread: float  # standard deviation within the modes, over the data's; root mean square over those with ten samples
    collapsed: bool  # lost > 0.1 or spread < 0.25


def collapse(x: Tensor, mode: Tensor, real: Tensor, real_mode: Tensor) -> Collapse:
    """Detect mode collapse from samples x (N, ...) and real ones (M, ...), with the mode of each, int64 (N,) and (M,).

    A mode is any group of which the data have many: a heap, a class, a label. Samples of none have mode -1; they count
    against no mode, since a bad sample is another trouble than a missing one. With fewer than twenty samples a mode
    expected, chance alone loses some; where no mode has ten, the spread is NaN and raises no alarm.

    Raises:
        ValueError: shapes do not fit, no real sample has a mode, or a value is not finite.
    """
    _check_moded(x, mode)
    _check_moded(real, real_mode)
    if x.shape[1:] != real.shape[1:] or not (real_mode >= 0).any():
        raise ValueError(
            f"x is {tuple(x.shape)}, real {tuple(real.shape)}; give samples of one form, real ones in modes"
        )
    k = int(max(mode.max(), real_mode.max())) + 1
    (variance, n), (real_variance, real_n) = (
        _variances(values[own >= 0].flatten(1), own[own >= 0], k) for values, own in ((x, mode), (real, real_mode))
    )
    share, real_share = n / n.sum().clamp(min=1), real_n / real_n.sum()
    lost = real_share[share < THIN * real_share].sum().item()
    known = (n >= ENOUGH) & (real_n >= ENOUGH) & (real_variance > 0)
    spread = _root_mean(variance[known] / real_variance[known])
    return Collapse(lost, spread, lost > LOST or spread < NARROW)


def _nearest(x: Tensor, mixture: toy.Mixture) -> tuple[Tensor, Tensor, Tensor]:
    """Of each sample (N,): the nearest mode, how far it is, and whether that is within three standard deviations."""
    if x.ndim != 2 or x.shape[1] != mixture.means.shape[1] or not len(x):
        raise ValueError(f"x is {tuple(x.shape)}; give points of shape (N, {mixture.means.shape[1]}), N >= 1")
    if not x.isfinite().all():
        raise ValueError("x has NaN or infinite values")
    distance, mode = torch.cdist(x, mixture.means.to(x)).min(1)
    return mode, distance, distance < 3 * mixture.sd.to(x)[mode]


def _variances(x: Tensor, mode: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Of each of k modes, (k,): variance of its samples x (N, D) about their mean, mean over D; and their number."""
    member = F.one_hot(mode, k).to(x)  # (N, k)
    n = member.sum(0)
    centre = member.T @ x / n.clamp(min=1)[:, None]
    return (member.T @ (x - centre[mode]).square()).mean(1) / (n - 1).clamp(min=1), n


def _root_mean(values: Tensor) -> float:
    return values.mean().sqrt().item()  # of none: NaN


def _check_moded(x: Tensor, mode: Tensor) -> None:
    if x.ndim < 2 or not len(x) or mode.shape != x.shape[:1] or mode.dtype != torch.int64 or mode.min() < -1:
        raise ValueError(
            f"x is {tuple(x.shape)} and mode {tuple(mode.shape)} {mode.dtype}; give (N, ...) and int64 (N,)"
        )
    if not x.isfinite().all():
        raise ValueError("x has NaN or infinite values")
