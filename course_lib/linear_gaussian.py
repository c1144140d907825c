"""Probabilistic PCA: the one latent-variable model in which everything is known exactly (Tipping & Bishop 1999).

    z ~ N(0, I_K),   x | z ~ N(W z + mean, sigma² I_D)

An oracle for everything that is approximate elsewhere. Use float64.
"""

import math

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from .losses import LOG_2PI, kl_diagonal_normals


class ProbabilisticPCA:
    """Probabilistic PCA with given parameters.

    Args:
        W: loadings (D, K).
        mean: (D,).
        sigma: standard deviation of the noise, > 0.
    """

    def __init__(self, W: Tensor, mean: Tensor, sigma: float):
        if W.ndim != 2 or mean.shape != W.shape[:1] or not W.numel():
            raise ValueError(f"W is {tuple(W.shape)} and mean {tuple(mean.shape)}; give (D, K) and (D,)")
        if not (math.isfinite(sigma) and sigma > 0 and W.isfinite().all() and mean.isfinite().all()):
            raise ValueError(f"sigma is {sigma}; give finite W and mean, and a finite sigma > 0")
        self.W, self.mean, self.sigma = W, mean, float(sigma)
        eye = torch.eye(W.shape[1], dtype=W.dtype, device=W.device)
        self.posterior_cov = self.sigma**2 * torch.linalg.inv(W.T @ W + self.sigma**2 * eye)  # (K, K), for every x

    @classmethod
    def fit(cls, x: Tensor, latent_dim: int) -> "ProbabilisticPCA":
        """The maximum-likelihood model of x (N, D) in closed form (Tipping & Bishop 1999, eq. 7-8)."""
        _check(x, x.shape[-1])
        if not 1 <= latent_dim < x.shape[1] or len(x) < 2:
            raise ValueError(f"latent_dim is {latent_dim} and x {tuple(x.shape)}; give 1 <= latent_dim < D, N >= 2")
        mean = x.mean(0)
        values, vectors = torch.linalg.eigh((x - mean).T @ (x - mean) / len(x))  # ascending
        noise = values[:-latent_dim].mean().clamp_min(1e-12)
        kept = values[-latent_dim:].flip(0), vectors[:, -latent_dim:].flip(1)
        return cls(kept[1] * (kept[0] - noise).clamp_min(0).sqrt(), mean, noise.sqrt().item())

    def sample(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """n draws: x (n, D) and the z (n, K) they come from."""
        like = {"dtype": self.W.dtype, "device": self.W.device, "generator": generator}
        z = torch.randn(n, self.W.shape[1], **like)
        return z @ self.W.T + self.mean + self.sigma * torch.randn(n, self.W.shape[0], **like), z

    def log_prob(self, x: Tensor) -> Tensor:
        """The exact log p(x), (N,)."""
        _check(x, len(self.mean))
        eye = torch.eye(len(self.mean), dtype=self.W.dtype, device=self.W.device)
        return MultivariateNormal(self.mean, self.W @ self.W.T + self.sigma**2 * eye).log_prob(x)

    def posterior(self, x: Tensor) -> MultivariateNormal:
        """The exact p(z|x): mean (N, K), and a covariance that is the same for every x."""
        _check(x, len(self.mean))
        mean = (x - self.mean) @ self.W @ self.posterior_cov / self.sigma**2
        return MultivariateNormal(mean, self.posterior_cov)

    def log_joint(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x, z) = log p(z) + log p(x|z), for x (N, D) and z (..., N, K)."""
        prior = -0.5 * (z.square() + LOG_2PI).sum(-1)
        residual = (x - self.mean - z @ self.W.T) / self.sigma
        return prior - 0.5 * (residual.square() + LOG_2PI + 2 * math.log(self.sigma)).sum(-1)

    def elbo(self, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        """The ELBO of q = N(mu, diag(exp(logvar))) in closed form, (N,); mu and logvar (N, K)."""
        _check(x, len(self.mean))
        if not mu.shape == logvar.shape == (len(x), self.W.shape[1]):
            raise ValueError(f"mu is {tuple(mu.shape)} and logvar {tuple(logvar.shape)}; give (N, K) for x (N, D)")
        residual = (x - self.mean - mu @ self.W.T).square().sum(1)
        spread = logvar.exp() @ self.W.square().sum(0)  # E_q of the squared distance adds this
        constant = len(self.mean) * (LOG_2PI + 2 * math.log(self.sigma))
        return -0.5 * ((residual + spread) / self.sigma**2 + constant) - kl_diagonal_normals(mu, logvar)


def _check(x: Tensor, dim: int) -> None:
    if x.ndim != 2 or x.shape[1] != dim or not len(x) or not x.is_floating_point():
        raise ValueError(f"x is {tuple(x.shape)} {x.dtype}; give floats of shape (N, {dim}), N >= 1")
    if not x.isfinite().all():
        raise ValueError("x holds NaN or infinite values; give finite ones")
