"""Exercises and quiz of 10_tighter_bounds."""

import math
from itertools import pairwise

import torch
from scipy import special
from torch import distributions as D

from ..linear_gaussian import ProbabilisticPCA
from .inputs import normal, together
from .records import Exercise, Question

TITLE = "Tighter bounds"


# --- what the exercises are tried on ----------------------------------------------------------------------------


def _far(*shape):
    """Log weights as images have them: around −2000, with a spread of two."""
    return lambda g: (normal(*shape, scale=2.0)(g) - 2000,)


def _near(*shape):
    """Log weights that exp() can take."""
    return lambda g: (normal(*shape, scale=2.0)(g),)


def _parts(g):
    """log p(x|z), and z drawn from q with its parameters."""
    log_px_z, eps, mu, logvar = together(normal(6, 4), normal(6, 4, 3), normal(4, 3), normal(4, 3))(g)
    return log_px_z - 100, mu + (0.5 * logvar).exp() * eps, mu, logvar


def _candidates(g):
    return (*together(normal(7, 5, 3), normal(7, 5, scale=2.0))(g), torch.rand(5, generator=g, dtype=torch.float64))


def _pca_and_q(g):
    """A model, points, the mean and scale of a diagonal q, and noise of 20 draws."""
    model = ProbabilisticPCA(normal(4, 2)(g), normal(4)(g), 0.7)
    scale = 0.3 + torch.rand(2, generator=g, dtype=torch.float64)
    return (model, *together(normal(5, 4), normal(5, 2))(g), scale, normal(20, 5, 2)(g))


class Quadratic:
    """The slope of log N(z; 0, I / precision): −precision · z."""

    def __init__(self, precision):
        self.precision = precision

    def __call__(self, z):
        return -self.precision * z


def _trajectory(g):
    step, n = 0.1 + 0.3 * torch.rand((), generator=g).item(), torch.randint(2, 7, (), generator=g).item()
    return (Quadratic(1.0 + torch.rand((), generator=g).item()), *together(normal(6, 3), normal(6, 3))(g), step, n)


class LogConditional:
    """log p(x|z) = log N(x; z, 0.5²), with z ~ N(0, 1)."""

    def __init__(self, x):
        self.x = x

    def __call__(self, z):
        return D.Normal(z, 0.5).log_prob(self.x)


class Stroll:
    """A move that leaves p(z) p(x|z)^β unchanged: half way to its mean, and noise that makes up for it."""

    def __init__(self, x):
        self.x = x

    def __call__(self, z, beta):
        precision = 1 + 4 * beta
        mean = 4 * beta * self.x / precision
        return mean + 0.5 * (z - mean) + (0.75 / precision) ** 0.5 * torch.randn_like(z)


def _walk(g):
    x = normal()(g)
    path = torch.tensor([0.0, 0.1, 0.3, 0.6, 1.0], dtype=torch.float64)
    return LogConditional(x), normal(50)(g), path, Stroll(x)


def _log_standard_normal(z):
    return -0.5 * z.square()


def _leap(z, momentum, step):
    """Two leapfrog steps for a standard Normal."""
    for _ in range(2):
        momentum = momentum - 0.5 * step * z
        z = z + step * momentum
        momentum = momentum - 0.5 * step * z
    return z, momentum


def _chains(g):
    return _log_standard_normal, _leap, normal(50_000)(g), 1.0 + 0.2 * torch.rand((), generator=g).item()


# --- what is compared where a return value does not tell --------------------------------------------------------


def _value_and_gradient(loss, log_w):
    return _gradient(loss, log_w, with_value=True)


def _gradient(loss, log_w, with_value=False):
    """What a loss asks of each log weight, (K, B)."""
    log_w = log_w.clone().requires_grad_()
    value = loss(log_w)
    if not isinstance(value, torch.Tensor) or value.ndim:
        return value
    if not value.requires_grad:
        return "no gradient reaches the weights"
    gradient = torch.autograd.grad(value, log_w)[0]
    return (value.detach(), gradient) if with_value else gradient


def _after_moves(move, log_density, leap, z, step):
    """Spread of chains that began in the right distribution, after six moves."""
    for _ in range(6):
        z = move(log_density, leap, z, step)
        if not isinstance(z, torch.Tensor):
            return z
    return z.std(), z.abs().mean()


# --- oracles, and wrong ways that several exercises share ---------------------------------------------------------


def _lse(log_w):
    return torch.from_numpy(special.logsumexp(log_w.detach().numpy(), axis=0))


def _ess(log_w):
    return (2 * _lse(log_w) - _lse(2 * log_w)).exp()


def _mean_weight(log_w):
    return torch.logsumexp(log_w, 0) - math.log(len(log_w))


def _log_q(z, mu, logvar):
    return D.Independent(D.Normal(mu, (logvar / 2).exp()), 1).log_prob(z)


def _log_prior(z):
    return D.Independent(D.Normal(torch.zeros_like(z), torch.ones_like(z)), 1).log_prob(z)


def _by_autograd(log_w, slopes):
    """∇ log Σ w for log weights that are straight lines in the parameters."""
    theta = torch.zeros_like(slopes[0], requires_grad=True)
    return torch.autograd.grad(torch.logsumexp(log_w + (slopes * theta).sum(-1), 0).sum(), theta)[0]


def _combined(weights):
    return lambda log_w, slopes: (weights(log_w)[..., None] * slopes).sum(0)


def _relative(values):
    return values.std(0) / values.mean(0)


def _kept(z, log_w, u):
    """By counting the sums that u has passed, image by image."""
    sums = special.softmax(log_w.numpy(), axis=0).cumsum(0)
    return torch.stack([z[int((sums[:, b] < u[b].item()).sum()), b] for b in range(z.shape[1])])


def _gathered(index):
    return lambda z, log_w, u: z.gather(0, index(log_w, u)[None, :, None].expand(1, -1, z.shape[2]))[0]


def _index(weights, u):
    return (weights.cumsum(0) < u).sum(0).clamp(max=len(weights) - 1)


def _doubly(log_w, slopes, logvar, eps):
    """Through autograd, from Σ w̃² (∂log w/∂z) · z with constant factors."""
    logvar = logvar.clone().requires_grad_()
    z = (0.5 * logvar).exp() * eps
    weights = torch.from_numpy(special.softmax(log_w.numpy(), axis=0)) ** 2
    return torch.autograd.grad((weights[..., None] * slopes * z).sum(), logvar)[0]


def _path_term(weights, factor=0.5):
    def answer(log_w, slopes, logvar, eps):
        return (weights(log_w)[..., None] * slopes * factor * (0.5 * logvar).exp() * eps).sum(0)

    return answer


def _needed(log_w, gap):
    n = len(log_w)
    variance = (n / _ess(log_w) - 1) * n / (n - 1)
    return (variance / (2 * gap)).ceil()


def _pilot(g):
    return normal(200, 4, scale=1.5)(g) - 2000, 0.01 + 0.05 * torch.rand((), generator=g).item()


def _scaled(log_w):
    return (log_w - log_w.amax(0)).exp()


def _matrix_power(slope, z, momentum, step, n):
    """For a quadratic log density one leapfrog step is a matrix."""
    kick = torch.tensor([[1.0, 0.0], [-0.5 * step * slope.precision, 1.0]], dtype=torch.float64)
    drift = torch.tensor([[1.0, step], [0.0, 1.0]], dtype=torch.float64)
    both = torch.linalg.matrix_power(kick @ drift @ kick, n) @ torch.stack([z, momentum]).flatten(1)
    return both[0].view_as(z), both[1].view_as(z)


def _integrator(first=0.5, drift=1.0, last=0.5, sign=1):
    def leapfrog(slope, z, momentum, step, n):
        for _ in range(n):
            momentum = momentum + first * step * sign * slope(z)
            z = z + drift * step * momentum
            momentum = momentum + last * step * sign * slope(z)
        return z, momentum

    return leapfrog


def _estimate(log_q):
    def estimate(model, x, mean, scale, eps):
        z = mean + scale * eps
        return _mean_weight(model.log_joint(x, z) - log_q(z, mean, scale, eps))

    return estimate


def _normal_q(z, mean, scale, eps):
    return D.Independent(D.Normal(mean, scale.expand_as(mean)), 1).log_prob(z)


def _ratios(log_conditional, z, path, move):
    """As a sum of ratios of unnormalised densities, after all states were visited."""
    states = [z]
    for beta in path[1:-1]:
        states.append(move(states[-1], beta))
    densities = [
        [D.Normal(0.0, 1.0).log_prob(s) + beta * log_conditional(s) for beta in pair]
        for s, pair in zip(states, pairwise(path), strict=True)
    ]
    return sum(now - before for before, now in densities)


def _annealed(weight, after=False):
    """weight(before, now, log p(x|z)) is added before or after the move."""

    def anneal(log_conditional, z, path, move):
        log_w = torch.zeros_like(z)
        for before, now in pairwise(path):
            moved = move(z, now)
            log_w = log_w + weight(before, now, log_conditional(moved if after else z))
            z = moved
        return log_w

    return anneal


def _only_the_end(log_conditional, z, path, move):
    for now in path[1:]:
        z = move(z, now)
    return log_conditional(z)


def _tested(chance):
    """A move that accepts with probability chance(log density after − before, kinetic energy after − before)."""

    def move(log_density, leap, z, step):
        start = torch.randn_like(z)
        proposal, end = leap(z, start, step)
        change = log_density(proposal) - log_density(z)
        p = chance(change, 0.5 * (end.square() - start.square()))
        return torch.where(torch.rand_like(z) < p, proposal, z)

    return move


EXERCISES = [
    Exercise(
        id="10.1",
        title="Normalise the weights",
        level=1,
        inputs=_far(8, 5),
        oracle=lambda log_w: torch.from_numpy(special.softmax(log_w.numpy(), axis=0)),
        why="softmax over the draws takes the largest out first, so that exp(−2000) never occurs.",
        mistakes=[
            (lambda w: w.exp() / w.exp().sum(0), "exp(−2000) is 0 in floating point, and 0/0 is no number."),
            (lambda w: w.softmax(1), "Normalise over the K draws (dim 0) of each image, not over the images."),
            (lambda w: w.log_softmax(0), "These are the logarithms of the normalised weights."),
            (lambda w: (w - w.amax(0)).exp(), "The largest weight is 1 here. Divide by the sum, so that all sum to 1."),
            (lambda w: w / w.sum(0), "Logarithms are not weights: take the exponential before you normalise."),
        ],
    ),
    Exercise(
        id="10.2",
        title="How many draws are they worth?",
        level=1,
        inputs=_far(30, 5),
        oracle=_ess,
        why="equal weights give 1/Σ(1/K)² = K, and a single one that carries all gives 1.",
        mistakes=[
            (lambda w: w.softmax(0).square().sum(0), "This falls as the weights get more even. Take its reciprocal."),
            (lambda w: _ess(w) / len(w), "This is the share of the draws. The number is asked for."),
            (lambda w: 1 / w.softmax(0).amax(0), "This uses the largest weight alone. All count, with their squares."),
            (
                lambda w: (-(w.softmax(0) * w.log_softmax(0)).sum(0)).exp(),
                "exp of the entropy is another count of effective draws (the perplexity). Use the squares.",
            ),
            (lambda w: w.sum(0) ** 2 / w.square().sum(0), "These are logarithms. The formula is for the weights."),
            (lambda w: 1 / w.softmax(0).sum(0).square(), "Square first, then sum. The sum itself is 1."),
        ],
    ),
    Exercise(
        id="10.3",
        title="A log weight from its parts",
        level=2,
        inputs=_parts,
        oracle=lambda log_px_z, z, mu, logvar: log_px_z + _log_prior(z) - _log_q(z, mu, logvar),
        why="log w is log p(x|z) + log p(z) − log q(z|x), at the z that was drawn.",
        mistakes=[
            (lambda p, z, m, v: p + _log_prior(z), "log q is missing: this is log p(x, z)."),
            (lambda p, z, m, v: p - _log_q(z, m, v), "The prior is missing: p(x, z) = p(x|z) p(z)."),
            (lambda p, z, m, v: p + _log_prior(z) + _log_q(z, m, v), "q stands below the line: subtract its log."),
            (
                lambda p, z, m, v: p - 0.5 * (m.square() + v.exp() - 1 - v).sum(-1),
                "The closed-form KL is an expectation. A weight belongs to one z, so use the log densities at it.",
            ),
            (
                lambda p, z, m, v: p + _log_prior(z) - _log_q(z, m, 2 * v),
                "exp(logvar) is the variance, not the standard deviation.",
            ),
            (
                lambda p, z, m, v: p + (_log_prior(z) - _log_q(z, m, v)) / z.shape[-1],
                "Sum the log densities over the coordinates of z. You took their mean.",
            ),
        ],
    ),
    Exercise(
        id="10.4",
        title="The gradient of the bound",
        level=2,
        inputs=together(normal(6, 4, scale=2.0), normal(6, 4, 3)),
        oracle=_by_autograd,
        why="the derivative of log Σ w is Σ w ∇log w / Σ w: a weighted mean.",
        mistakes=[
            (lambda w, s: s.mean(0), "All draws count alike here: this is the gradient of the ELBO."),
            (_combined(lambda w: w.exp()), "Normalise the weights, so that they sum to 1 over the draws."),
            (_combined(lambda w: w.softmax(0) / len(w)), "The weights already sum to 1: no further division by K."),
            (_combined(lambda w: w.softmax(1)), "Normalise over the draws (dim 0), not over the images."),
            (
                lambda w, s: s.gather(0, w.argmax(0)[None, :, None].expand(1, -1, s.shape[2]))[0],
                "The heaviest draw alone is taken here. Every draw counts by its weight.",
            ),
            (_combined(lambda w: w.log_softmax(0)), "Weigh with the weights, not with their logarithms."),
        ],
    ),
    Exercise(
        id="10.5",
        title="An error bar",
        level=2,
        inputs=_far(12, 5),
        oracle=lambda log_w: ((len(log_w) / _ess(log_w) - 1) / (len(log_w) - 1)).sqrt(),
        why="d log m = dm / m: the relative standard error of the mean weight is the standard error of its log.",
        mistakes=[
            (lambda w: w.std(0) / len(w) ** 0.5, "This is the error of the mean of the logs, that is of the ELBO."),
            (lambda w: _relative(_scaled(w)), "This is the relative spread of one weight. Divide by √K."),
            (lambda w: _relative(_scaled(w)) / len(w), "The error of a mean falls with √K, not with K."),
            (
                lambda w: _scaled(w).std(0) / len(w) ** 0.5,
                "This is the error of the mean weight, in units of the largest. Divide by the mean weight.",
            ),
            (lambda w: _relative(w.exp()) / len(w) ** 0.5, "exp(−2000) is 0. A common factor cancels: take it out."),
            (
                lambda w: _relative(_scaled(w)) / (len(w) - 1) ** 0.5,
                "The division by K − 1 is already in the standard deviation. The mean has K terms.",
            ),
        ],
    ),
    Exercise(
        id="10.6",
        title="Keep one of K",
        level=2,
        inputs=_candidates,
        oracle=_kept,
        why="u falls into the k-th step of the cumulated weights with probability w̃_k (inverse transform).",
        mistakes=[
            (_gathered(lambda w, u: w.argmax(0)), "The heaviest is kept each time. Leave the choice to u."),
            (_gathered(lambda w, u: (u * len(w)).long()), "All candidates have the same chance here. Use the weights."),
            (
                _gathered(lambda w, u: (_index(w.softmax(0), u) - 1).clamp(min=0)),
                "One too low: the sums below u are all passed, and the next candidate is the one.",
            ),
            (
                _gathered(lambda w, u: _index(w.exp(), u)),
                "The weights must sum to 1 before u, which is between 0 and 1, is compared with their sums.",
            ),
            (
                lambda z, w, u: (w.softmax(0)[..., None] * z).sum(0),
                "This is the weighted mean of all candidates. One of them is to be kept.",
            ),
        ],
    ),
    Exercise(
        id="10.7",
        title="The repaired gradient, for the variance",
        level=3,
        inputs=together(normal(6, 4, scale=2.0), normal(6, 4, 3), normal(4, 3), normal(6, 4, 3)),
        oracle=_doubly,
        why="z = μ + exp(logvar / 2) ε, so ∂z/∂logvar is ½ exp(logvar / 2) ε, and the weights are squared.",
        mistakes=[
            (
                _path_term(lambda w: w.softmax(0)),
                "With these weights the score is dropped, not reparameterised. Square.",
            ),
            (_path_term(lambda w: w.softmax(0) ** 2, 1.0), "A factor ½ is missing: ∂ exp(logvar / 2) / ∂ logvar."),
            (
                lambda w, s, v, e: (w.softmax(0)[..., None] ** 2 * s).sum(0),
                "This is the gradient for μ, where ∂z/∂μ = 1. For logvar multiply by ∂z/∂logvar.",
            ),
            (
                lambda w, s, v, e: (w.softmax(0)[..., None] ** 2 * s * 0.5 * v.exp() * e).sum(0),
                "exp(logvar) is the variance. The noise is scaled by the standard deviation.",
            ),
            (_path_term(lambda w: (w**2).softmax(0)), "Normalise first, then square the normalised weights."),
        ],
    ),
    Exercise(
        id="10.8",
        title="How many draws for that gap?",
        level=3,
        inputs=_pilot,
        oracle=_needed,
        why="the gap is about Var[w / p(x)] / (2K), and the pilot's weights tell that variance.",
        mistakes=[
            (
                lambda w, gap: (_relative(_scaled(w)) ** 2 / gap).ceil(),
                "A factor ½ is missing: the logarithm's second-order term is v/2.",
            ),
            (
                lambda w, gap: (_relative(_scaled(w)) / (2 * gap)).ceil(),
                "The gap goes with the variance, you took the standard deviation.",
            ),
            (
                lambda w, gap: (_scaled(w).var(0) / (2 * gap)).ceil(),
                "Divide the weights by their mean first: the variance of w / p(x) is meant.",
            ),
            (lambda w, gap: (w.var(0) / (2 * gap)).ceil(), "This is the variance of the log weights."),
            (
                lambda w, gap: (_relative(_scaled(w)) ** 2 / (2 * gap)).floor(),
                "Rounded down, the gap is just missed. The smallest K that suffices is asked for.",
            ),
        ],
    ),
    Exercise(
        id="10.9",
        title="Leapfrog",
        level=2,
        inputs=_trajectory,
        oracle=_matrix_power,
        why="half a kick, a drift, half a kick: the map can be undone exactly and keeps areas.",
        mistakes=[
            (_integrator(1.0, 1.0, 0.0), "A full kick before each drift: the kicks are to be halved."),
            (_integrator(1.0, 1.0, 1.0), "Two full kicks a step are twice the force. Halve both."),
            (_integrator(0.5, 1.0, 0.0), "The second half of the kick is missing, at the new z."),
            (_integrator(0.5, 0.5, 0.5), "The drift goes over the whole step, only the kicks are halved."),
            (_integrator(sign=-1), "The slope of log π points uphill, where the walk is pulled: add it."),
        ],
    ),
    Exercise(
        id="10.10",
        title="Spot the bug: better than the truth",
        level=2,
        inputs=_near(6, 4),
        measure=_gradient,
        oracle=lambda log_w: -torch.logsumexp(log_w, 0).mean(),
        handed_over=lambda log_w: -(log_w.softmax(0) * log_w).sum(0).mean(),
        why="constant weights give the gradient of the bound, and no reward for uneven ones.",
        mistakes=[
            (
                lambda w: -(w.softmax(0) * w.detach()).sum(0).mean(),
                "The weights are to be constant, not the log weights: now only the extra term is left.",
            ),
            (lambda w: -w.mean(0).mean(), "This trains the ELBO: equal weights for all draws."),
            (lambda w: -(w.softmax(0).detach() * w).sum(0).sum(), "The weights are right. Take the batch mean."),
            (lambda w: (w.softmax(0).detach() * w).sum(0).mean(), "A loss is minimised: it is minus the bound."),
            (
                lambda w: -(w.softmax(0).detach() * w).mean(0).mean(),
                "The weights sum to 1 over the draws. With a mean over them the gradient is K times too small.",
            ),
        ],
    ),
    Exercise(
        id="10.11",
        title="Spot the bug: fifty draws, no gain",
        level=2,
        inputs=_near(6, 4),
        measure=_value_and_gradient,
        oracle=lambda log_w: -(torch.logsumexp(log_w, 0) - math.log(len(log_w))).mean(),
        handed_over=lambda log_w: -log_w.mean(0).mean(),
        why="the log of the mean weight is the tighter bound; the mean of the logs is the ELBO, for any k.",
        mistakes=[
            (lambda w: -torch.logsumexp(w, 0).mean(), "The gradient is right. The value grows by log k: subtract."),
            (lambda w: -w.amax(0).mean(), "The heaviest draw alone is no bound: its value grows with k."),
            (
                lambda w: -(torch.logsumexp(w, 1) - math.log(w.shape[1])).mean(),
                "Average the weights over the draws (dim 0), not over the images.",
            ),
            (
                lambda w: -w.flatten().exp().mean().log(),
                "The mean weight is taken for each image apart, then the log, then the batch mean.",
            ),
            (
                lambda w: -(w.softmax(0).detach() * w).sum(0).mean(),
                "The gradient is right, but the value of this sum is no bound. Report the log of the mean weight.",
            ),
        ],
    ),
    Exercise(
        id="10.12",
        title="Spot the bug: an infinite NLL",
        level=1,
        inputs=_far(8, 5),
        oracle=lambda log_w: math.log(len(log_w)) - _lse(log_w),
        handed_over=lambda log_w: -log_w.exp().mean(0).log(),
        why="logsumexp takes the largest weight out before exp, and adds it again after log.",
        mistakes=[
            (
                lambda w: -(w.exp().mean(0) + 1e-300).log(),
                "A small constant replaces infinity by its own logarithm. All images now have the same NLL.",
            ),
            (lambda w: -_scaled(w).mean(0).log(), "The largest was taken out and not added again."),
            (lambda w: -w.mean(0), "No infinity, but the mean of the logs is the ELBO."),
            (lambda w: -torch.logsumexp(w, 0), "This is the log of the sum. For the mean, subtract log K."),
            (
                lambda w: -(w / 10).exp().mean(0).log() * 10,
                "exp(w / 10) is a power of the weight, and a mean of powers is not the power of a mean.",
            ),
        ],
    ),
    Exercise(
        id="10.13",
        title="Spot the bug: off on every point",
        level=2,
        inputs=_pca_and_q,
        oracle=_estimate(_normal_q),
        handed_over=_estimate(lambda z, mean, scale, eps: 0),
        why="each draw is divided by the density it was drawn with.",
        mistakes=[
            (
                _estimate(lambda z, mean, scale, eps: _log_prior(eps)),
                "This is the density of eps. Stretching by `scale` changes the density of z: subtract Σ log scale.",
            ),
            (
                _estimate(lambda z, mean, scale, eps: _log_prior(z)),
                "This is the prior's density. z was drawn from q.",
            ),
            (
                _estimate(lambda z, mean, scale, eps: -_normal_q(z, mean, scale, eps)),
                "q stands below the line: subtract its log density.",
            ),
            (
                _estimate(lambda z, mean, scale, eps: _normal_q(z, mean, scale, eps).mean(0)),
                "Each draw has its own density. You subtract the mean over the draws.",
            ),
            (
                _estimate(lambda z, mean, scale, eps: _normal_q(z, mean, scale**2, eps)),
                "`scale` is the standard deviation already.",
            ),
        ],
    ),
    Exercise(
        id="10.14",
        title="Spot the bug: too high",
        level=3,
        inputs=_walk,
        oracle=_ratios,
        handed_over=_annealed(lambda before, now, log_px_z: (now - before) * log_px_z, after=True),
        why="the weight asks how likely the next density is at the state that the last one left.",
        mistakes=[
            (
                _annealed(lambda before, now, log_px_z: (before - now) * log_px_z),
                "The place is right, the sign is turned: β rises, and the weight gains p(x|z)^(β_t − β_(t−1)).",
            ),
            (_only_the_end, "This is log p(x|z) at the end of the walk. All increments count."),
            (
                _annealed(lambda before, now, log_px_z: now * log_px_z),
                "Only the increase of β counts in each step, not β itself.",
            ),
            (
                _annealed(lambda before, now, log_px_z: (now - before) * log_px_z.exp()),
                "Log weights gain log p(x|z), without exp.",
            ),
            (
                lambda log_conditional, z, path, move: log_conditional(z),
                "Without the moves this is importance sampling from the prior.",
            ),
        ],
    ),
    Exercise(
        id="10.15",
        title="Spot the bug: walks that drift apart",
        level=3,
        inputs=_chains,
        measure=_after_moves,
        oracle=_tested(lambda change, kinetic: (change - kinetic).clamp(max=0).exp()),
        handed_over=_tested(lambda change, kinetic: torch.ones_like(change)),
        why="the Metropolis test removes exactly what the finite steps of the integrator got wrong.",
        mistakes=[
            (
                _tested(lambda change, kinetic: change.exp()),
                "The kinetic energy is missing: the test is on log π minus kinetic energy.",
            ),
            (
                _tested(lambda change, kinetic: (kinetic - change).exp()),
                "The sign is turned: this accepts what should be refused.",
            ),
            (
                _tested(lambda change, kinetic: (change + kinetic).exp()),
                "The kinetic energy is subtracted from log π, not added.",
            ),
            (
                _tested(lambda change, kinetic: (change - kinetic > 0).double()),
                "Only what is better is accepted. Worse must be accepted too, with probability exp(change).",
            ),
            (
                _tested(lambda change, kinetic: 1 - (change - kinetic).clamp(max=0).exp()),
                "Taken and refused are exchanged: `rand < p` means that the proposal is taken.",
            ),
        ],
        tolerance=0.02,
    ),
]

QUIZ = [
    Question(
        "Why does the log of a mean of K weights lie below log p(x) on average?",
        [
            ("The weights are too small on average", "Their mean is p(x) exactly, if q reaches all of z."),
            ("The logarithm is concave", "Right: it loses more from a mean that is too small than it gains elsewhere."),
            ("q is never the posterior", "If it is, the bound is tight. But that is not why it is a bound."),
        ],
        1,
    ),
    Question(
        "The effective sample size is 950 of 1000. What follows?",
        [
            ("The estimate of log p(x) is accurate", "A q that misses half of the posterior looks just as good."),
            ("q is the posterior", "It looks like it where q has drawn. Elsewhere nothing is known."),
            ("The weights that were drawn are nearly equal", "Right: that and no more."),
        ],
        2,
    ),
    Question(
        "The weights in Σ w̃ log w are not detached. What does training then do?",
        [
            ("It makes q too wide, and reports a value above log p(x)", "Right: uneven weights are rewarded."),
            ("The same, a little slower", "The gradient has a second term, and it does not vanish on average."),
            ("It fails with an error", "It runs without one, and its curve goes up. That is the trouble."),
        ],
        0,
    ),
    Question(
        "K grows from 5 to 5000 draws. What happens to the signal-to-noise ratio of the plain encoder gradient?",
        [
            ("It rises like √K", "That is the decoder's."),
            ("It falls like 1/√K", "Right: the bound gets tight for any q, faster than the noise falls."),
            ("It stays", "Signal and noise both fall, but not at the same rate."),
        ],
        1,
    ),
    Question(
        "The NLL of one model is 87.0 by importance sampling and 86.6 by annealing, both precisely. Which is nearer?",
        [
            ("87.0, since it is the published method", "Think of the direction of the error instead."),
            ("Their mean", "Both err on the same side."),
            ("86.6, since both err towards a larger NLL", "Right: each log p(x) is a lower bound in expectation."),
        ],
        2,
    ),
    Question(
        "A paper compares a VAE trained with one draw to an IWAE trained with fifty. What else should be in the table?",
        [
            ("A VAE trained with fifty draws of the ELBO", "Right: it has the same noise, and only the bound differs."),
            ("An IWAE with fifty draws and a larger decoder", "That would change two things at once."),
            ("The training losses", "They are different bounds, so they cannot be compared."),
        ],
        0,
    ),
    Question(
        "Annealed importance sampling with very few steps gives",
        [
            (
                "an estimate of p(x) that is right on average, from uneven weights",
                "Right: its log is then far too low.",
            ),
            ("an estimate that is too high", "Not on average: E[w] = p(x) for any number of steps."),
            (
                "nothing, the chains must converge first",
                "Converged chains lower the variance; E[w] = p(x) holds without.",
            ),
        ],
        0,
    ),
]
