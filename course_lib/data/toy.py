"""Toy densities in the plane: exact `log_prob`, and samples that a generator decides.

Each is a mixture of round Normals, so its density is a finite sum and every claim about a model of it has an exact
reference. A curve (moons, spiral) is one along which many narrow Normals stand closer together than they are wide.
"""

import math

import torch
from torch import Tensor

ON_A_CURVE = 200  # Normals along each arm of a curve


class Mixture:
    """A mixture of K round Normals in D dimensions.

    Args:
        means: their centres, floats (K, D). Their dtype and device are those of all results.
        sd: their standard deviation, one number or (K,).
        weights: how often each is drawn, (K,), summing to 1; all alike where not given.

    Raises:
        ValueError: shapes do not fit, a standard deviation is not positive, or the weights are no distribution.
    """

    def __init__(self, means: Tensor, sd: float | Tensor, weights: Tensor | None = None):
        if means.ndim != 2 or not means.numel() or not means.is_floating_point():
            raise ValueError(f"means are {tuple(means.shape)} {means.dtype}; give floats of shape (K, D)")
        k = len(means)
        self.means = means
        self.sd = torch.as_tensor(sd).to(means).expand(k)
        self.weights = means.new_full((k,), 1 / k) if weights is None else weights.to(means)
        if not (self.sd > 0).all():
            raise ValueError(f"sd is {sd}; give standard deviations above 0")
        if self.weights.shape != (k,) or (self.weights < 0).any() or abs(self.weights.sum().item() - 1) > 1e-5:
            raise ValueError(f"weights are {weights}; give {k} numbers from 0 to 1 that sum to 1")

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density at points x (N, D), in nats: (N,)."""
        dims = self.means.shape[1]
        if x.ndim != 2 or x.shape[1] != dims:
            raise ValueError(f"x is {tuple(x.shape)}; give points of shape (N, {dims})")
        # The faster way through a matrix product would lose digits far from the origin.
        distances = torch.cdist(x.to(self.means), self.means, compute_mode="donot_use_mm_for_euclid_dist")
        normals = -0.5 * (distances / self.sd).square() - dims * (self.sd.log() + 0.5 * math.log(2 * math.pi))
        return (self.weights.log() + normals).logsumexp(1)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """n points (n, D), where the means are. Random numbers come from the generator and its device."""
        device = generator.device
        chosen = torch.multinomial(self.weights.to(device), n, replacement=True, generator=generator)
        noise = torch.randn(n, self.means.shape[1], dtype=self.means.dtype, device=device, generator=generator)
        chosen, noise = chosen.to(self.means.device), noise.to(self.means.device)
        return self.means[chosen] + self.sd[chosen, None] * noise


def ring(modes: int = 8, radius: float = 1.0, sd: float = 0.05) -> Mixture:
    """Normals evenly spaced on a circle: the ring of mode-collapse studies (sd 0.01 in Lin et al. 2018, PacGAN)."""
    angles = torch.arange(modes) * (2 * math.pi / modes)
    return Mixture(radius * _on_circle(angles), sd)


def grid(side: int = 5, spacing: float = 2.0, sd: float = 0.05) -> Mixture:
    """side² Normals on a square grid around the origin (spacing 2, sd 0.05 in Lin et al. 2018, PacGAN)."""
    ticks = (torch.arange(side) - (side - 1) / 2) * spacing
    return Mixture(torch.cartesian_prod(ticks, ticks), sd)


def moons(sd: float = 0.1) -> Mixture:
    """Two half circles of radius 1 that reach into each other; the first 200 means are the upper one."""
    upper = _on_circle(torch.linspace(0, math.pi, ON_A_CURVE))
    lower = torch.tensor([1.0, 0.5]) - upper
    return Mixture(torch.cat([upper, lower]), sd)


def spiral(arms: int = 2, turns: float = 1.0, sd: float = 0.05) -> Mixture:
    """Arms that wind outward from radius 0.2 to 2; each arm has 200 means, in order."""
    # Even steps of the squared radius are nearly even steps along the arm.
    radius = torch.linspace(0.2**2, 2**2, ON_A_CURVE).sqrt()
    angle = 2 * math.pi * turns * (radius - 0.2) / 1.8
    turned = [_on_circle(angle + 2 * math.pi * arm / arms) for arm in range(arms)]
    return Mixture(torch.cat([radius[:, None] * arm for arm in turned]), sd)


def _on_circle(angles: Tensor) -> Tensor:
    return torch.stack([angles.cos(), angles.sin()], dim=1)
