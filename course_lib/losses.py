"""Objectives, one number per sample.

Every loss sums over the dimensions of a sample and keeps the batch: shape (B, ...) in, (B,) out. Taking the
mean over the batch is left to the caller, in the open. All values are in nats.

The data `x` must be finite and in range. Values in the parameters (logits, mu, logvar) are not inspected: a
network that diverges is reported by `training.train` with player and epoch.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

LOG_2PI = math.log(2 * math.pi)
TINY = 1e-12  # keeps the derivative of a square root finite at 0


class Elbo(NamedTuple):
    """The two parts of the evidence lower bound. The bound is `-(reconstruction + kl)`, (B,)."""

    reconstruction: Tensor  # E_q[-log p(x|z)], estimated with the z that was drawn, (B,)
    kl_dims: Tensor  # KL(q(z|x) || p(z)) in each coordinate of z, (B, D)

    @property
    def kl(self) -> Tensor:
        """KL(q(z|x) || p(z)), (B,)."""
        return self.kl_dims.sum(1)

    @property
    def bound(self) -> Tensor:
        """The lower bound on log p(x), (B,)."""
        return -(self.reconstruction + self.kl)


def bernoulli_nll(logits: Tensor, x: Tensor) -> Tensor:
    """-log p(x) of independent Bernoulli pixels, (B,).

    For x in {0, 1} a likelihood; for grey x in [0, 1] the cross-entropy of the published VAE figures, which is
    none (Loaiza-Ganem & Cunningham 2019; see `continuous_bernoulli_nll`).
    """
    _check_parameters(logits=logits, x=x)
    _check_range(x, 0.0, 1.0)
    return _sum(F.binary_cross_entropy_with_logits(logits, x, reduction="none"))


def continuous_bernoulli_nll(logits: Tensor, x: Tensor) -> Tensor:
    """-log density of the continuous Bernoulli on [0, 1], (B,): `bernoulli_nll` minus its log-normaliser.

    Source: Loaiza-Ganem & Cunningham 2019, eq. 6-8.
    """
    return bernoulli_nll(logits, x) - _sum(_continuous_bernoulli_log_normaliser(logits))


def gaussian_nll(mu: Tensor, logvar: Tensor, x: Tensor) -> Tensor:
    """-log N(x; mu, diag(exp(logvar))), (B,), the constant included."""
    _check_parameters(mu=mu, logvar=logvar, x=x)
    _check_range(x, -math.inf, math.inf)
    return _sum(0.5 * (LOG_2PI + logvar + (x - mu).square() * (-logvar).exp()))


def categorical_nll(logits: Tensor, y: Tensor) -> Tensor:
    """-log p(y) of categorical variables, (B,): logits (B, ..., K) and classes y (B, ...) as int64."""
    if y.dtype != torch.int64:
        raise ValueError(f"y has dtype {y.dtype}; classes are int64")
    if not logits.is_floating_point() or logits.shape[:-1] != y.shape or not y.ndim or not logits.numel():
        raise ValueError(f"logits {_describe(logits)} do not fit y {_describe(y)}; give (B, ..., K) and (B, ...)")
    _check_range(y, 0, logits.shape[-1] - 1, "y")
    return _sum(-logits.log_softmax(-1).gather(-1, y.unsqueeze(-1)).squeeze(-1))


def squared_error(x_hat: Tensor, x: Tensor) -> Tensor:
    """Σ (x_hat − x)², (B,): twice the -log density of N(x_hat, I), up to a constant."""
    _check_parameters(x_hat=x_hat, x=x)
    _check_range(x, -math.inf, math.inf)
    return _sum((x_hat - x).square())


def kl_categorical(p: Tensor, q: Tensor) -> Tensor:
    """KL(p || q) of two distributions over K classes, given as probabilities (B, K): (B,).

    Infinite where q is 0 and p is not.
    """
    _check_distributions(p, q)
    return _kl(p, q)


def js_divergence(p: Tensor, q: Tensor) -> Tensor:
    """Jensen–Shannon divergence of probabilities (B, K): (B,), from 0 to log 2.

    Source: Lin 1991, eq. 4.1 with equal weights.
    """
    _check_distributions(p, q)
    middle = (p + q) / 2
    return (_kl(p, middle) + _kl(q, middle)) / 2


def total_variation(p: Tensor, q: Tensor) -> Tensor:
    """Half the summed absolute difference of probabilities (B, K): (B,), from 0 to 1."""
    _check_distributions(p, q)
    return (p - q).abs().sum(1) / 2


def wasserstein_1d(x: Tensor, y: Tensor) -> Tensor:
    """Wasserstein-1 distance between samples x (B, N) and y (B, N) on the line: (B,), exact.

    On the line the best transport keeps the order, so it pairs the sorted values (Peyré & Cuturi 2019, remark 2.28).
    """
    _check_parameters(x=x, y=y)
    if x.ndim != 2:
        raise ValueError(f"x is {_describe(x)}; give B samples of N numbers, shape (B, N)")
    return (x.sort(1).values - y.sort(1).values).abs().mean(1)


def kl_diagonal_normals(
    mu: Tensor, logvar: Tensor, mu_p: Tensor | None = None, logvar_p: Tensor | None = None
) -> Tensor:
    """KL(N(mu, diag(exp(logvar))) || N(mu_p, diag(exp(logvar_p)))), (B,); p is N(0, I) where it is not given.

    Source: Kingma & Welling 2014, appendix B.
    """
    return _sum(kl_in_each_dimension(mu, logvar, mu_p, logvar_p))


def kl_in_each_dimension(
    mu: Tensor, logvar: Tensor, mu_p: Tensor | None = None, logvar_p: Tensor | None = None
) -> Tensor:
    """The terms that `kl_diagonal_normals` sums, one a coordinate, in the shape of mu: where the information is."""
    mu_p = torch.zeros_like(mu) if mu_p is None else mu_p
    logvar_p = torch.zeros_like(logvar) if logvar_p is None else logvar_p
    _check_parameters(mu=mu, logvar=logvar, mu_p=mu_p, logvar_p=logvar_p)
    ratio = logvar - logvar_p
    return 0.5 * (ratio.exp() - ratio - 1 + (mu - mu_p).square() * (-logvar_p).exp())


def free_bits(kl_dims: Tensor, floor: float) -> Tensor:
    """Σ_d max(floor, mean over the batch of KL_d), one number for the batch (B, D): nats below the floor are free.

    Unlike the other losses it needs the whole batch at once. `floor` is in nats a coordinate; with 0 it is the mean KL.
    Source: Kingma et al. 2016, eq. 15, each coordinate a group of its own.
    """
    if kl_dims.ndim != 2 or not kl_dims.is_floating_point() or not kl_dims.numel() or not floor >= 0:
        raise ValueError(f"kl_dims is {_describe(kl_dims)} and floor {floor}; give floats (B, D) and a floor >= 0")
    return kl_dims.mean(0).clamp(min=floor).sum()


def importance_weighted_bound(log_w: Tensor) -> Tensor:
    """log of the mean of K importance weights, (K, B) -> (B,): the bound of Burda et al. 2016, eq. 8.

    `log_w` holds log p(x, z_k) - log q(z_k | x). K = 1 gives the one-sample ELBO.
    """
    if log_w.ndim != 2 or not log_w.is_floating_point() or not log_w.numel():
        raise ValueError(f"log_w is {_describe(log_w)}; give floats of shape (K, B)")
    return torch.logsumexp(log_w, 0) - math.log(len(log_w))


def contrastive(similarity: Tensor) -> Tensor:
    """Cross-entropy of finding the partner among B candidates, the mean of both directions: (B, B) -> (B,).

    `similarity[i, j]` scores the i-th of one kind with the j-th of the other; partners are on the diagonal. Chance is
    log B. Unlike most losses it needs the whole batch at once.
    Source: van den Oord et al. 2018, eq. 4; both directions as in Radford et al. 2021, figure 3.
    """
    square = similarity.ndim == 2 and similarity.shape[0] == similarity.shape[1]
    if not square or not similarity.is_floating_point() or not similarity.numel():
        raise ValueError(f"similarity is {_describe(similarity)}; give floats of shape (B, B)")
    return -(similarity.log_softmax(1).diagonal() + similarity.log_softmax(0).diagonal()) / 2


class Adversarial(NamedTuple):
    """One adversarial objective. Scores are what a discriminator (logits) or critic returns; losses have their shape.

    Both losses are minimised, each by its own player.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]  # of the scores of real and of generated samples
    generator: Callable[[Tensor], Tensor]  # of the scores of generated samples


def _cross_entropy(real: Tensor, fake: Tensor) -> Tensor:
    return F.softplus(-real) + F.softplus(fake)  # -log D(x) - log(1 - D(G(z)))


ADVERSARIAL = {
    # Goodfellow et al. 2014, eq. 1, and the generator's loss that section 3 there recommends in its place.
    "minimax": Adversarial(_cross_entropy, lambda fake: -F.softplus(fake)),
    "non-saturating": Adversarial(_cross_entropy, lambda fake: F.softplus(-fake)),
    # Mao et al. 2017, eq. 9: real samples towards 1, generated ones towards 0, for the generator towards 1.
    "least squares": Adversarial(
        lambda real, fake: 0.5 * ((real - 1).square() + fake.square()),
        lambda fake: 0.5 * (fake - 1).square(),
    ),
    # Lim & Ye 2017; Miyato et al. 2018, eq. 16 and 17.
    "hinge": Adversarial(lambda real, fake: F.relu(1 - real) + F.relu(1 + fake), lambda fake: -fake),
    # Arjovsky et al. 2017, eq. 2 and algorithm 1; the critic needs a Lipschitz bound from elsewhere.
    "wasserstein": Adversarial(lambda real, fake: fake - real, lambda fake: -fake),
}


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """(‖∇f(x)‖ - 1)² at one random point on the line between each pair of real and fake, in the shape of the scores.

    Source: Gulrajani et al. 2017, eq. 3. Differentiable, so that a critic can be trained with it.
    """
    _check_parameters(real=real, fake=fake)
    t = torch.rand(len(real), *[1] * (real.ndim - 1), dtype=real.dtype, device=real.device)
    return (_squared_slope(critic, torch.lerp(real, fake.to(real.dtype), t)) + TINY).sqrt().sub(1).square()


def r1(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor | None = None) -> Tensor:
    """½ ‖∇f(x)‖² at real samples, in the shape of the scores; `fake` is there since penalties share one signature.

    Source: Mescheder et al. 2018, eq. 9, with γ = 1.
    """
    _check_parameters(real=real)
    return 0.5 * _squared_slope(critic, real)


def _squared_slope(critic: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """‖∇f(x)‖² for each score: x (B, ...) with scores (B,), or (B, S, ...) with (B, S)."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        scores = critic(x)
        (slope,) = torch.autograd.grad(scores.sum(), x, create_graph=True)
    return slope.flatten(scores.ndim).square().sum(-1) if slope.ndim > scores.ndim else slope.square()


def _sum(values: Tensor) -> Tensor:
    return values.flatten(1).sum(1) if values.ndim > 1 else values


def _kl(p: Tensor, q: Tensor) -> Tensor:
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(1)  # 0 log 0 is 0


def _continuous_bernoulli_log_normaliser(logits: Tensor) -> Tensor:
    # log C = log(|t| / tanh(|t|/2)) with t the logit; at 0 the limit is log 2, reached through the Taylor series.
    t = logits.abs()
    near = t < 1e-2
    safe = torch.where(near, torch.ones_like(t), t)
    far = safe.log() - torch.log(torch.tanh(safe / 2))
    return torch.where(near, math.log(2) + t.square() / 12, far)


def _describe(t: Tensor) -> str:
    return f"{tuple(t.shape)} {str(t.dtype).removeprefix('torch.')}"


def _check_parameters(**tensors: Tensor) -> None:
    shapes, floats = {t.shape for t in tensors.values()}, all(t.is_floating_point() for t in tensors.values())
    shape = next(iter(shapes))
    if len(shapes) == 1 and floats and shape and shape.numel():
        return
    given = ", ".join(f"{name} {_describe(t)}" for name, t in tensors.items())
    if len(shapes) > 1:
        raise ValueError(f"shapes differ: {given}; give equal shapes (B, ...)")
    if not floats:
        raise ValueError(f"floats are needed: {given}; divide uint8 images by 255")
    raise ValueError(f"nothing to compute on: {given}; give at least one sample, shape (B, ...)")


def _check_distributions(p: Tensor, q: Tensor) -> None:
    _check_parameters(p=p, q=q)
    if p.ndim != 2:
        raise ValueError(f"p is {_describe(p)}; give probabilities of shape (B, K)")
    for name, values in {"p": p, "q": q}.items():
        _check_range(values, 0.0, math.inf, name)
        _check_range(values.sum(1), 1 - 1e-3, 1 + 1e-3, f"the sum of {name} over its classes")


def _check_range(x: Tensor, low: float, high: float, name: str = "x") -> None:
    """Raise unless low <= x <= high and finite. On a CPU only: elsewhere reading the answer would wait."""
    if x.device.type != "cpu" or torch.compiler.is_compiling():
        return
    smallest, largest = (value.item() for value in x.aminmax())  # NaN comes out as NaN
    if not (low <= smallest and largest <= high) or math.isinf(smallest) or math.isinf(largest):
        wanted = "finite values" if math.isinf(low) else f"values in [{low:g}, {high:g}]"
        raise ValueError(f"{name} runs from {smallest:g} to {largest:g}; give {wanted}")
