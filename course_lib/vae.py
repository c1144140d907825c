"""The variational autoencoder (Kingma & Welling 2014) on images in [0, 1]."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from .data import Batch
from .losses import Elbo, bernoulli_nll, free_bits, importance_weighted_bound, kl_in_each_dimension
from .networks import IMAGE, AutoregressiveDecoder, BernoulliDecoder, GaussianEncoder


def reparameterize(mu: Tensor, logvar: Tensor, eps: Tensor | None = None) -> Tensor:
    """z = mu + exp(logvar / 2) · eps, a draw from q(z|x) through which gradients flow; eps ~ N(0, I) if not given."""
    eps = torch.randn_like(mu) if eps is None else eps
    if not mu.shape == logvar.shape == eps.shape:
        raise ValueError(f"mu {tuple(mu.shape)}, logvar {tuple(logvar.shape)} and eps {tuple(eps.shape)} differ")
    return mu + (0.5 * logvar).exp() * eps


class VAE(nn.Module):
    """An encoder x -> (mu, logvar) and a decoder z -> logits, trained on one bound.

    Without arguments: the published 784-400-20 (pytorch/examples).

    Args:
        latent_dim: D, the size of z.
        hidden: widths of the encoder's hidden layers; the decoder has the same in reverse.
        encoder, decoder: other modules with the same signatures, in place of the MLPs.
        shape: of an image, (C, H, W), for the MLPs.
    """

    def __init__(
        self,
        latent_dim: int = 20,
        hidden: Sequence[int] = (400,),
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
        shape: Sequence[int] = IMAGE,
    ):
        super().__init__()
        if latent_dim < 1:
            raise ValueError(f"latent_dim is {latent_dim}; give 1 or more")
        self.latent_dim = latent_dim
        self.encoder = encoder or GaussianEncoder(latent_dim, hidden, shape)
        self.decoder = decoder or BernoulliDecoder(latent_dim, hidden[::-1], shape)

    def nll(self, x: Tensor, z: Tensor) -> Tensor:
        """-log p(x|z), (B,), for x (B, C, H, W) in [0, 1] and z (B, D)."""
        return bernoulli_nll(self.decoder(z), x)

    def elbo(self, x: Tensor) -> Elbo:
        """The two parts of the one-sample ELBO for x (B, C, H, W) in [0, 1]."""
        mu, logvar = self.encoder(x)
        return Elbo(self.nll(x, reparameterize(mu, logvar)), kl_in_each_dimension(mu, logvar))

    def decode(self, z: Tensor) -> Tensor:
        """The mean image of p(x|z), (B, C, H, W) in [0, 1]."""
        return self.decoder(z).sigmoid()

    @torch.no_grad()
    def sample(self, n: int, temperature: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
        """n images decoded from z ~ N(0, temperature² I). `generator` is a CPU one: the same z on every device."""
        if n < 1 or not temperature >= 0:
            raise ValueError(f"n is {n} and temperature {temperature}; give n >= 1 and temperature >= 0")
        z = torch.randn(n, self.latent_dim, generator=generator) * temperature
        return self.decode(z.to(next(self.parameters()).device))

    @torch.no_grad()
    def reconstruct(self, x: Tensor) -> Tensor:
        """x through the posterior mean and back, (B, C, H, W) in [0, 1]."""
        return self.decode(self.encoder(x)[0])

    def log_weights(self, x: Tensor, k: int) -> Tensor:
        """log p(x, z_k) - log q(z_k|x) for k draws each, (k, B), differentiable through the draws.

        `losses.importance_weighted_bound` turns them into a bound, `likelihood.log_likelihood` into an estimate.
        """
        if k < 1:
            raise ValueError(f"k is {k}; give 1 or more")
        mu, logvar = self.encoder(x)
        eps = torch.randn(k, *mu.shape, dtype=mu.dtype, device=mu.device)
        z = mu + (0.5 * logvar).exp() * eps  # (k, B, D)
        log_ratio = 0.5 * (eps.square() + logvar - z.square()).sum(-1)  # log p(z) - log q(z|x); the constants cancel
        copies = x.expand(k, *x.shape).flatten(0, 1)
        return log_ratio - self.nll(copies, z.flatten(0, 1)).view(k, -1)


class AutoregressiveVAE(VAE):
    """A VAE of black-and-white images whose decoder also sees the pixels before, and can do without z.

    `decode`, and with it `sample` and `reconstruct`, draw from p(x|z) pixel after pixel: there is no mean image.

    Args:
        hidden: widths of the encoder's hidden layers.
        decoder: an `AutoregressiveDecoder` of the same z and shape; its own defaults where it is not given.
    """

    def __init__(
        self,
        latent_dim: int = 10,
        hidden: Sequence[int] = (200,),
        shape: Sequence[int] = IMAGE,
        decoder: AutoregressiveDecoder | None = None,
    ):
        super().__init__(latent_dim, hidden, None, decoder or AutoregressiveDecoder(latent_dim, shape=shape), shape)

    def nll(self, x: Tensor, z: Tensor) -> Tensor:
        """-log p(x|z), (B,), for x (B, 1, H, W) of zeros and ones."""
        return bernoulli_nll(self.decoder(z, x), x)

    def decode(self, z: Tensor) -> Tensor:
        """A draw from p(x|z) for each z (B, D): (B, 1, H, W) of zeros and ones."""
        return self.decoder.sample(z)


@torch.no_grad()
def rate_and_distortion(model: VAE, x: Tensor, draws: int = 10) -> tuple[float, float]:
    """Mean KL(q(z|x) || p(z)), and mean -log p(x|z) over several draws of z, in nats an image of x (N, C, H, W).

    Their names, and the curve they trace over β, are those of Alemi et al. 2018.
    """
    parts = [model.elbo(x) for _ in range(draws)]
    return parts[0].kl.mean().item(), torch.stack([part.reconstruction for part in parts]).mean().item()


def negative_elbo(model: VAE, batch: Batch, beta: float = 1.0, floor: float = 0.0) -> dict[str, Tensor]:
    """The loss of a VAE as a player: the mean over the batch of reconstruction + β KL, and both parts.

    Args:
        model: anything with `elbo(x)`.
        beta: the weight of the KL. 1 is the bound; other values are those of a β-VAE (Higgins et al. 2017, eq. 4), or
            of one step of a schedule: `lambda m, b: negative_elbo(m, b, beta=warm_up(player.progress))`.
        floor: nats a coordinate of z that cost nothing (`losses.free_bits`).
    """
    parts = model.elbo(batch.x)
    reconstruction = parts.reconstruction.mean()
    return {
        "loss": reconstruction + beta * free_bits(parts.kl_dims, floor),
        "reconstruction": reconstruction,
        "kl": parts.kl.mean(),
    }


def negative_iwae(model: VAE, batch: Batch, k: int) -> dict[str, Tensor]:
    """The loss of an importance weighted autoencoder with k draws (Burda et al. 2016, eq. 8); k = 1 is the ELBO's."""
    return {"loss": -importance_weighted_bound(model.log_weights(batch.x, k)).mean()}


def linear_warmup(share: float = 0.3) -> Callable[[float], float]:
    """A schedule for β: from 0 to 1 in a straight line during the first `share` of training (Bowman et al. 2016)."""
    return cyclical(1, share)


def cyclical(cycles: int = 4, rise: float = 0.5) -> Callable[[float], float]:
    """A schedule for β: `cycles` times from 0 up to 1 over the share `rise`, then 1 (Fu et al. 2019)."""
    if cycles < 1 or not 0 < rise <= 1:
        raise ValueError(f"cycles is {cycles} and rise {rise}; give 1 cycle or more, and a share in (0, 1]")
    return lambda progress: min(1.0, progress * cycles % 1 / rise)


@torch.no_grad()
def mean_loss(model: VAE, x: Tensor, chunk: int = 2000) -> float:
    """The mean negative ELBO in nats per image over x (N, C, H, W), one z per image."""
    return -torch.cat([model.elbo(part).bound for part in x.split(chunk)]).mean().item()


def interpolate(z0: Tensor, z1: Tensor, steps: int, spherical: bool = False) -> Tensor:
    """Points from z0 to z1, each (D,), ends included: (steps, D), along the line or the arc (Shoemake 1985).

    The arc keeps the norm typical of N(0, I); the line passes closer to the origin.
    """
    if z0.ndim != 1 or z0.shape != z1.shape or steps < 2:
        raise ValueError(f"z0 {tuple(z0.shape)}, z1 {tuple(z1.shape)}, steps {steps}; give two (D,) and steps >= 2")
    t = torch.linspace(0, 1, steps, dtype=z0.dtype, device=z0.device)[:, None]
    cosine = torch.dot(z0, z1) / (z0.norm() * z1.norm())
    angle = cosine.clamp(-1, 1).arccos()
    if not spherical or not angle.sin() > 1e-4:  # parallel, opposite or zero: the arc is not defined
        return (1 - t) * z0 + t * z1
    return (((1 - t) * angle).sin() * z0 + (t * angle).sin() * z1) / angle.sin()
