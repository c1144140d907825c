"""Estimates of log p(x) where the integral over z has no closed form."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from .losses import LOG_2PI, importance_weighted_bound

AT_ONCE = 50  # importance samples of a point that are drawn together
TARGET, RATE = 0.65, 0.5  # acceptance that step sizes are corrected towards, and how fast


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


class Annealed(NamedTuple):
    """What annealed importance sampling found; C chains a data point, T temperatures."""

    log_weights: Tensor  # (C, B): `losses.importance_weighted_bound` makes an estimate of log p(x) of them
    z: Tensor  # (C, B, D): where the chains end, near draws from the posterior p(z|x)
    acceptance: Tensor  # (T, B): mean probability that a move was accepted
    step_sizes: Tensor  # (T, B): of the leapfrog moves


class _State(NamedTuple):
    """Points, and log p(z) and log p(x|z) there with their gradients."""

    z: Tensor  # (C, B, D)
    logs: Tensor  # (2, C, B)
    slopes: Tensor  # (2, C, B, D)


def standard_normal(z: Tensor) -> Tensor:
    """log N(z; 0, I) over the last dimension."""
    return -0.5 * (z.square() + LOG_2PI).sum(-1)


def sigmoid_path(steps: int, sharpness: float = 4.0) -> Tensor:
    """steps + 1 inverse temperatures from 0 to 1, denser at both ends, as in the code of Wu et al. 2017. Float64.

    A sigmoid at even points of [-sharpness, sharpness], scaled to [0, 1]. Near 0 and near 1 the annealed density
    changes fastest.
    """
    if steps < 1 or not sharpness > 0:
        raise ValueError(f"steps is {steps} and sharpness {sharpness}; give 1 step or more, and sharpness > 0")
    curve = torch.linspace(-sharpness, sharpness, steps + 1, dtype=torch.float64).sigmoid()
    return (curve - curve[0]) / (curve[-1] - curve[0])


@torch.no_grad()
def annealed_importance_sampling(
    log_conditional: Callable[[Tensor], Tensor],
    z: Tensor,
    path: Tensor,
    step_size: float | Tensor = 0.3,
    *,
    leapfrog: int = 10,
    adapt: bool = False,
    log_prior: Callable[[Tensor], Tensor] = standard_normal,
) -> Annealed:
    """Log weights whose mean weight estimates p(x), by a walk from the prior to the posterior (Neal 2001).

    The walk passes through p(z) p(x|z)^β for each β of the path. At each, the weight is multiplied by
    p(x|z)^(β_t - β_(t-1)), then one move of Hamiltonian Monte Carlo is made, with its Metropolis correction (Wu et al.
    2017). The weights are unbiased, so the log of their mean is in expectation a lower bound on log p(x).

    Args:
        log_conditional: log p(x|z) of every data point, (C, B, D) -> (C, B).
        z: draws from the prior, C chains for each of B data points, (C, B, D).
        path: inverse temperatures, rising from 0 to 1, (T + 1,); see `sigmoid_path`.
        step_size: of the leapfrog integrator: one for all, or (T, B).
        leapfrog: steps of the integrator a move.
        adapt: correct each data point's step size after every move, towards an acceptance of 0.65. The sizes then
            depend on the chains, and the weights are no longer exactly unbiased: take the `step_sizes` of such a pilot
            run for a second one with draws of its own.
        log_prior: log p(z), (C, B, D) -> (C, B).
    """
    path, step = _checked(z, path, step_size, leapfrog)
    state = _state(log_prior, log_conditional, z)
    log_weights, acceptance, used = torch.zeros_like(state.logs[1]), [], []
    for t in range(len(path) - 1):
        log_weights += (path[t + 1] - path[t]) * state.logs[1]
        current = used[-1] * (RATE * (acceptance[-1] - TARGET)).exp() if adapt and t else step[t]
        state, accepted = _hamiltonian_move(state, path[t + 1], current, leapfrog, log_prior, log_conditional)
        acceptance.append(accepted)
        used.append(current)
    return Annealed(log_weights, state.z, torch.stack(acceptance), torch.stack(used))


def _hamiltonian_move(state, beta, step, leapfrog, log_prior, log_conditional) -> tuple[_State, Tensor]:
    """One move that leaves p(z) p(x|z)^β unchanged, and its mean probability of acceptance for each point, (B,)."""
    momentum = torch.randn_like(state.z)
    energy = _log_density(state, beta) - 0.5 * momentum.square().sum(-1)
    proposal, size = state, step[:, None]
    for _ in range(leapfrog):
        momentum = momentum + 0.5 * size * _slope(proposal, beta)
        proposal = _state(log_prior, log_conditional, proposal.z + size * momentum)
        momentum = momentum + 0.5 * size * _slope(proposal, beta)
    change = _log_density(proposal, beta) - 0.5 * momentum.square().sum(-1) - energy
    probability = change.clamp(max=0).exp().nan_to_num(0.0)  # a walk that left the finite numbers is rejected
    accept = torch.rand_like(probability) < probability
    masks = accept[..., None], accept, accept[..., None]
    return _State(*map(torch.where, masks, proposal, state)), probability.mean(0)


def _log_density(state: _State, beta: Tensor) -> Tensor:
    return state.logs[0] + beta * state.logs[1]


def _slope(state: _State, beta: Tensor) -> Tensor:
    return state.slopes[0] + beta * state.slopes[1]


def _state(log_prior, log_conditional, z: Tensor) -> _State:
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        logs = [log_prior(z), log_conditional(z)]
        if any(values.shape != z.shape[:-1] for values in logs):
            shapes = [tuple(values.shape) for values in logs]
            raise ValueError(f"log_prior and log_conditional return {shapes} for z {tuple(z.shape)}; return (C, B)")
        slopes = [torch.autograd.grad(values.sum(), z)[0] for values in logs]
    return _State(z.detach(), torch.stack(logs).detach(), torch.stack(slopes))


def _checked(z: Tensor, path: Tensor, step_size: float | Tensor, leapfrog: int) -> tuple[Tensor, Tensor]:
    """The path and a step size for each of its moves and each data point, (T, B), like z."""
    if z.ndim != 3 or not z.numel() or not z.is_floating_point():
        raise ValueError(f"z is {tuple(z.shape)} {z.dtype}; give floats (C, B, D)")
    if path.ndim != 1 or len(path) < 2 or path[0] != 0 or path[-1] != 1 or not (path.diff() > 0).all():
        raise ValueError(f"path is {path.tolist()[:5]} …; give inverse temperatures that rise from 0 to 1")
    step, moves = torch.as_tensor(step_size).to(z), (len(path) - 1, z.shape[1])
    if step.shape not in ((), moves) or not (step > 0).all() or leapfrog < 1:
        raise ValueError(
            f"step_size is {tuple(step.shape)} and leapfrog {leapfrog}; give one size > 0 or {moves}, and leapfrog >= 1"
        )
    return path.to(z), step.expand(moves)
