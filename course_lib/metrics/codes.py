"""Judging codes: how many are in use, and what they say about the factors of the data."""

import torch
from torch import Tensor
from torch.nn import functional as F

ACTIVE = 0.01  # variance of a posterior mean over the data, above which a coordinate of z is in use


def active_units(mu: Tensor) -> int:
    """How many coordinates of z are in use: the variance of their posterior mean mu (N, D) over the data exceeds 0.01.

    Source: Burda et al. 2016, section 5.2. 0 means posterior collapse.
    """
    if mu.ndim != 2 or len(mu) < 2 or not mu.isfinite().all():
        raise ValueError(f"mu is {tuple(mu.shape)}; give finite posterior means (N, D) of N >= 2 data points")
    return int((mu.var(0) > ACTIVE).sum())


def mutual_information(codes: Tensor, factors: Tensor, bins: int = 20) -> Tensor:
    """Mutual information in nats of each code (N, D) with each factor (N, K), by histograms: (D, K).

    Every column is cut into `bins` of equal width between its extremes. Biased upward for small samples: independent
    columns share about (bins - 1)² / 2N nats.
    """
    if len(codes) != len(factors):
        raise ValueError(f"codes are {tuple(codes.shape)} and factors {tuple(factors.shape)}; give (N, D) and (N, K)")
    codes, factors = _in_bins(codes, bins), _in_bins(factors, bins)
    joint = torch.einsum("nda,nkb->dkab", codes, factors) / len(codes)
    independent = joint.sum(3, keepdim=True) * joint.sum(2, keepdim=True)
    return (torch.xlogy(joint, joint) - torch.xlogy(joint, independent)).sum((2, 3))


def mutual_information_gap(codes: Tensor, factors: Tensor, bins: int = 20) -> Tensor:
    """How much more of each factor (N, K) the best code (N, D) holds than the second best, over its entropy: (K,).

    The mean over the factors is the MIG of Chen et al. 2018, eq. 6: 1 where each factor has a code of its own. In the
    form of Locatello et al. 2019: posterior means in 20 bins. Factors that are not discrete are binned as well.

    Raises:
        ValueError: fewer than two codes, other shapes, or a factor that does not vary.
    """
    if codes.ndim != 2 or codes.shape[1] < 2 or not (factors.amax(0) > factors.amin(0)).all():
        raise ValueError(f"codes are {tuple(codes.shape)}; give (N, D) with D >= 2, and factors that all vary")
    best = mutual_information(codes, factors, bins).topk(2, 0).values
    shares = _in_bins(factors, bins).mean(0)
    return (best[0] - best[1]) / -torch.xlogy(shares, shares).sum(1)


def _in_bins(x: Tensor, bins: int) -> Tensor:
    """Which of `bins` equal parts of its column's range each number of x (N, D) lies in: (N, D, bins) of 0 and 1."""
    if x.ndim != 2 or not len(x) or not x.isfinite().all() or bins < 2:
        raise ValueError(f"{tuple(x.shape)} numbers in {bins} bins; give finite ones (N, D), N >= 1, and bins >= 2")
    low, high = x.double().aminmax(dim=0)
    place = (x.double() - low) / torch.where(high > low, high - low, 1.0)
    return F.one_hot((place * bins).long().clamp(max=bins - 1), bins).double()
