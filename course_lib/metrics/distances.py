"""Distances between two sets of features."""

import torch
from torch import Tensor


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Fréchet distance between Normals fitted to features a (N, D) and b (M, D) (Heusel et al. 2017, eq. 6).

    ‖μₐ - μ_b‖² + tr(Σₐ + Σ_b - 2 (Σₐ Σ_b)^½), in squared units of the features. Biased upward for small samples:
    compare at equal N. With Inception's features it is called FID; with others the figures are not comparable.
    """
    a, b = _check_features(a, b)
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    # The eigenvalues of Σₐ Σ_b are those of the symmetric Σₐ^½ Σ_b Σₐ^½.
    overlap = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    return ((a.mean(0) - b.mean(0)).square().sum() + cov_a.trace() + cov_b.trace() - 2 * overlap).item()


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """Squared maximum mean discrepancy of features a (N, D) and b (M, D), unbiased, with the kernel (x·y/D + 1)³.

    The expectation does not depend on N; around 0, negative ones included, where both come from one distribution.
    Source: Bińkowski et al. 2018, section 4 (called KID with Inception's features).
    """
    a, b = _check_features(a, b)

    def kernel(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(x):
        k = kernel(x, x)
        return (k.sum() - k.trace()) / (len(x) * (len(x) - 1))

    return (within(a) + within(b) - 2 * kernel(a, b).mean()).item()


def _check_features(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Both in double precision on the CPU: the square root of a covariance loses half of the digits."""
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(f"features are {tuple(a.shape)} and {tuple(b.shape)}; give (N, D) and (M, D), N and M >= 2")
    return a.detach().cpu().double(), b.detach().cpu().double()
