"""Exercises and quiz of 09_inside_the_vae."""

import math

import torch
from torch import distributions as D

from .. import losses, metrics, vae
from ..networks import AutoregressiveDecoder
from .inputs import normal, together, uniform
from .records import Exercise, Question

TITLE = "Inside the VAE"


# --- the plain exercises ------------------------------------------------------------------------------------------


def _kl_dims(*shape):
    """KLs in each coordinate, of which the later ones are nearly dead."""

    def draw(generator):
        scale = torch.linspace(0, -4, shape[-1], dtype=torch.float64).exp()
        return 3 * scale * torch.rand(shape, generator=generator, dtype=torch.float64)

    return draw


def _posterior_means(generator):
    """Means of 200 posteriors, with offsets, whose variances lie on both sides of 0.01."""
    spread = torch.tensor([1.5, 0.5, 0.15, 0.12, 0.08, 0.05, 0.001], dtype=torch.float64)
    order = torch.randperm(7, generator=generator)
    mu = torch.randn(200, 7, generator=generator, dtype=torch.float64)
    return ((mu * spread + torch.tensor([0, 1.0, 0, -2, 0, 0, 1]))[:, order],)


def _reductions(generator):
    pixels, latents, which = (int(torch.randint(*r, (), generator=generator)) for r in ((50, 900), (2, 40), (0, 4)))
    return pixels, latents, ("sum", "mean")[which % 2], ("sum", "mean")[which // 2]


def _weight_of_one(n, reduction):
    """The weight that a reduction gives to one of n terms, as its gradient."""
    terms = torch.ones(n, dtype=torch.float64, requires_grad=True)
    getattr(terms, reduction)().backward()
    return terms.grad[0]


def _progress_and_cycles(generator):
    progress = torch.rand(40, generator=generator, dtype=torch.float64)
    cycles = int(torch.randint(2, 6, (), generator=generator))
    return progress, cycles, 0.3 + 0.5 * torch.rand((), generator=generator).item()


def _variances_and_nats(generator):
    variances = torch.randn(7, generator=generator, dtype=torch.float64).mul(1.5).exp()
    return variances, 0.4 + 1.6 * torch.rand((), generator=generator).item()


def _level(variances, nats):
    """By a numerical search for the level at which the rates add up."""
    from scipy.optimize import brentq

    def excess(log_level):
        return 0.5 * (variances.log() - log_level).clamp(min=0).sum().item() - nats

    top = variances.max().log().item()
    return math.exp(brentq(excess, top - 2 * nats, top, xtol=1e-12))


def _information_table(generator):
    """Mutual information of six codes with four factors."""
    return (torch.rand(6, 4, generator=generator, dtype=torch.float64) ** 3,)


def _modularity(information):
    import numpy as np

    scores = []
    for row in information.numpy():
        others = np.delete(row, row.argmax())
        scores.append(1 - np.square(others).mean() / row.max() ** 2)
    return np.mean(scores)


def _posteriors_and_draws(generator):
    mu, logvar, eps = together(normal(12, 3, scale=2), normal(12, 3), normal(12, 3))(generator)
    return mu + (0.5 * logvar).exp() * eps, mu, logvar


def _log_mixture(z, mu, logvar):
    """log of the mean of all posteriors, at each z."""
    parts = D.Independent(D.Normal(mu, (logvar / 2).exp()), 1)
    return D.MixtureSameFamily(D.Categorical(torch.ones(len(mu), dtype=mu.dtype)), parts).log_prob(z)


def _log_product(z, mu, logvar):
    """log of the product over the coordinates of the mean of all posteriors in each."""
    return sum(_log_mixture(z[:, [d]], mu[:, [d]], logvar[:, [d]]) for d in range(z.shape[1]))


def _total_correlation(z, mu, logvar):
    return (_log_mixture(z, mu, logvar) - _log_product(z, mu, logvar)).mean()


def _log_standard(z):
    return D.Normal(0.0, 1.0).log_prob(z).sum(1)


def _frame(generator):
    height, width, reach = (int(torch.randint(*r, (), generator=generator)) for r in ((3, 6), (4, 7), (1, 3)))
    return height, width, reach


def _seen_by_decoder(height, width, reach):
    """Where the course's own decoder, with random weights, has a derivative that is not zero."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = AutoregressiveDecoder(1, (4,), (1, height, width), reach, width=8).double()
        x, z = torch.rand(1, 1, height, width, dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda x: net(z, x).flatten(), x)
    return jacobian.view(height * width, height * width) != 0


def _offsets(height, width):
    """How far above and to the left of pixel i the pixel j lies, each (HW, HW)."""
    place = torch.arange(height * width)
    row, column = place // width, place % width
    return row[:, None] - row, column[:, None] - column


def _seen(height, width, near, before):
    up, left = _offsets(height, width)
    return near(up, left) & before(up, left)


def _drawn_before(up, left):
    return (up > 0) | ((up == 0) & (left > 0))


# --- the bugs ----------------------------------------------------------------------------------------------------


def _cost_and_gradient(cost, kl_dims, floor):
    """The price of a KL, and which coordinate feels it."""
    kl_dims = kl_dims.clone().requires_grad_()
    value = cost(kl_dims, floor)
    if not isinstance(value, torch.Tensor) or not value.requires_grad:
        return value, "no gradient reaches the encoder"
    if value.ndim:
        return value.detach(), "one number is wanted"
    return value.detach(), torch.autograd.grad(value, kl_dims)[0]


def _steps(generator):
    per_epoch, warm = (int(torch.randint(*r, (), generator=generator)) for r in ((4, 9), (3, 6)))
    return per_epoch, warm


def _schedule(beta, per_epoch, warm):
    """β at every step of training, two epochs longer than the warm-up."""
    return torch.tensor([float(beta(step, per_epoch, warm)) for step in range(per_epoch * (warm + 2))])


def _two_posteriors(generator):
    """Means that hardly move in some coordinates, with variances near 1 there."""
    (mu,) = _posterior_means(generator)
    logvar = -2 * mu.var(0).clamp(max=1) + 0.1 * torch.randn(mu.shape, generator=generator, dtype=torch.float64)
    return mu, logvar


def _gaussian_batch(generator):
    x_hat, x = (torch.rand(6, 1, 5, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    return x_hat, x, _kl_dims(6, 3)(generator)


def _unit_gaussian_loss(x_hat, x, kl_dims):
    nll = -D.Independent(D.Normal(x_hat, 1.0), 3).log_prob(x) - 0.5 * x[0].numel() * losses.LOG_2PI
    return -losses.Elbo(nll, kl_dims).bound.mean()


def _errors(x_hat, x):
    return (x_hat - x).square().flatten(1)


EXERCISES = [
    Exercise(
        id="09.1",
        title="Rate, distortion and β",
        level=1,
        inputs=together(uniform(8, low=50, high=90), _kl_dims(8, 5), lambda g: 0.2 + 5 * torch.rand((), generator=g)),
        oracle=lambda r, k, beta: r.mean() + beta * losses.free_bits(k, 0.0),
        why="the rate of an image is the sum over the coordinates, β weighs it, and the batch is averaged last.",
        mistakes=[
            (
                lambda r, k, beta: (r + beta * k.mean(1)).mean(),
                "The coordinates are averaged. That divides the rate by their number: another β.",
            ),
            (lambda r, k, beta: (r + k.sum(1)).mean(), "β is missing: this is the ELBO's loss."),
            (lambda r, k, beta: (beta * r + k.sum(1)).mean(), "β weighs the rate, not the distortion."),
            (lambda r, k, beta: (r - beta * k.sum(1)).mean(), "Rate is a cost. The sign is turned."),
            (lambda r, k, beta: r + beta * k.sum(1), "One number for the batch is wanted: take the mean."),
            (lambda r, k, beta: (r + beta * k.sum(1)).sum(), "The batch is summed. Take the mean over images."),
        ],
    ),
    Exercise(
        id="09.2",
        title="Count active units",
        level=1,
        inputs=_posterior_means,
        oracle=metrics.active_units,
        why="a coordinate carries information when its mean differs from image to image.",
        mistakes=[
            (
                lambda mu: int((mu.square().mean(0) > 0.01).sum()),
                "A mean that is the same for all images tells nothing. Subtract it: take the variance.",
            ),
            (lambda mu: int((mu.std(0) > 0.01).sum()), "This compares the standard deviation. 0.01 is for variances."),
            (lambda mu: int((mu.var(1) > 0.01).sum()), "The variance runs over the data (dim 0), one a coordinate."),
            (lambda mu: float((mu.var(0) > 0.01).double().mean()), "A number of coordinates is wanted, not a share."),
            (lambda mu: int((mu.var(0) < 0.01).sum()), "These are the dead ones."),
        ],
    ),
    Exercise(
        id="09.3",
        title="The β of a reduction",
        level=2,
        inputs=_reductions,
        oracle=lambda p, d, pixels, latents: _weight_of_one(d, latents) / _weight_of_one(p, pixels),
        why="only the ratio of the two weights matters: a mean over n terms weighs each by 1/n.",
        mistakes=[
            (
                lambda p, d, pixels, latents: (1 if pixels == "sum" else 1 / p) / (1 if latents == "sum" else 1 / d),
                "This is the weight of the distortion against the rate. β is the inverse.",
            ),
            (
                lambda p, d, pixels, latents: 1 if pixels == "sum" else p,
                "The coordinates of z may be averaged as well: that lowers β by their number.",
            ),
            (
                lambda p, d, pixels, latents: (1 if pixels == "sum" else p) * (1 if latents == "sum" else d),
                "A mean over the coordinates makes the KL smaller, so β falls.",
            ),
            (
                lambda p, d, pixels, latents: 1 if latents == "sum" else 1 / d,
                "The pixels may be averaged as well: then the distortion is smaller, and β larger.",
            ),
            (lambda p, d, pixels, latents: p / d, "This is right only where both are averaged."),
        ],
    ),
    Exercise(
        id="09.4",
        title="Cyclical annealing",
        level=2,
        inputs=_progress_and_cycles,
        oracle=lambda progress, cycles, rise: torch.tensor(
            [vae.cyclical(cycles, rise)(p) for p in progress.tolist()], dtype=torch.float64
        ),
        why="within a cycle β rises in a line during the share `rise` and then stays at 1.",
        mistakes=[
            (lambda p, n, rise: p * n % 1 / rise, "β grows beyond 1 at the end of a cycle. Stop it there."),
            (lambda p, n, rise: (p / rise).clamp(max=1), "There is one rise only. Start anew in each cycle."),
            (lambda p, n, rise: (p * n % 1).clamp(max=rise), "β stops at `rise`. Divide by it, so that 1 is reached."),
            (
                lambda p, n, rise: (p * n % 1 * rise).clamp(max=1),
                "Multiplying by `rise` makes the slope flatter. A rise that takes half a cycle has slope 2.",
            ),
            (lambda p, n, rise: 1 - (p * n % 1 / rise).clamp(max=1), "It runs the wrong way: β has to start at 0."),
        ],
    ),
    Exercise(
        id="09.5",
        title="From nats to the water level",
        level=3,
        inputs=_variances_and_nats,
        oracle=_level,
        why="with k coordinates above the water, ½ Σ log λ − ½ k log θ is the budget; k is right when no other rises.",
        mistakes=[
            (
                lambda v, nats: ((v.log().sum() - 2 * nats) / len(v)).exp(),
                "This counts all coordinates, those under water with negative nats. Leave them out.",
            ),
            (lambda v, nats: _level(v, nats / 2), "The ½ of ½ log(λ/θ) is missing: these are twice the nats."),
            (
                lambda v, nats: v.max() * math.exp(-2 * nats),
                "All nats go to the largest coordinate. Once it has come down to the second, both share.",
            ),
            (
                lambda v, nats: v.mean() * math.exp(-2 * nats / len(v)),
                "An equal share for each coordinate is not the best one: the large ones deserve more.",
            ),
            (lambda v, nats: math.log(_level(v, nats)), "This is the logarithm of the level."),
        ],
    ),
    Exercise(
        id="09.6",
        title="Modularity",
        level=2,
        inputs=_information_table,
        oracle=_modularity,
        why="a code that knows about one factor only scores 1, whatever other codes know.",
        mistakes=[
            (
                lambda m: _modularity(m.T),
                "This asks whether a factor is known to one code only. Modularity goes code by code, over the rows.",
            ),
            (
                lambda m: (1 - (m.square().sum(1) / m.amax(1).square() - 1) / m.shape[1]).mean(),
                "The others are K − 1 factors, not K.",
            ),
            (
                lambda m: (1 - (m.sum(1) / m.amax(1) - 1) / (m.shape[1] - 1)).mean(),
                "The information is squared in this measure.",
            ),
            (
                lambda m: ((m.square().sum(1) / m.amax(1).square() - 1) / (m.shape[1] - 1)).mean(),
                "This is the deviation from a perfect code. The score is one minus it.",
            ),
            (
                lambda m: (1 - m.square().mean(1) / m.amax(1).square()).mean(),
                "The best factor itself is among the others here. Leave it out.",
            ),
        ],
    ),
    Exercise(
        id="09.7",
        title="Do the coordinates depend on each other?",
        level=3,
        inputs=_posteriors_and_draws,
        oracle=_total_correlation,
        why="total correlation is KL(q(z) || Π q(z_d)), 0 only where the coordinates of q(z) are independent.",
        mistakes=[
            (
                lambda z, mu, v: (_log_mixture(z, mu, v) - _log_standard(z)).mean(),
                "This compares q(z) with the prior. Compare with the product of its own coordinates.",
            ),
            (
                lambda z, mu, v: -_total_correlation(z, mu, v),
                "The sign is turned: log q(z) comes first.",
            ),
            (
                lambda z, mu, v: _total_correlation(z, mu, v) + (1 - z.shape[1]) * math.log(len(z)),
                "The sums over the images are no means. log N is missing once in q(z), and once in every q(z_d).",
            ),
            (
                lambda z, mu, v: (D.Normal(mu, (v / 2).exp()).log_prob(z).sum(1) - _log_product(z, mu, v)).mean(),
                "The first density is that of the image's own posterior. It has to be q(z), the mean of all.",
            ),
            (
                lambda z, mu, v: _total_correlation(z, mu, v) / z.shape[1],
                "Coordinates add up, they are not averaged.",
            ),
        ],
    ),
    Exercise(
        id="09.8",
        title="Who sees whom?",
        level=3,
        inputs=_frame,
        oracle=_seen_by_decoder,
        why="a pixel sees what lies near it and was drawn before: above it, or in its row to the left.",
        mistakes=[
            (
                lambda h, w, r: _seen(
                    h, w, lambda u, s: (u <= r) & (s.abs() <= r), lambda u, s: (u > 0) | ((u == 0) & (s >= 0))
                ),
                "A pixel sees itself. A model with such a mask copies, and its probabilities no longer sum to 1.",
            ),
            (
                lambda h, w, r: _seen(h, w, lambda u, s: (u <= r) & (s.abs() <= r), lambda u, s: (u > 0) | (s != 0)),
                "A pixel sees those to its right, and below it. They are not drawn yet.",
            ),
            (
                lambda h, w, r: _seen(h, w, lambda u, s: u <= h, _drawn_before),
                "These are all pixels before. The reach is missing.",
            ),
            (
                lambda h, w, r: _seen(h, w, lambda u, s: (u <= r) & (s.abs() <= r), lambda u, s: (u >= 0) & (s > 0)),
                "Above a pixel those to its right are drawn already, and the one straight above it too.",
            ),
            (
                lambda h, w, r: _seen(h, w, lambda u, s: (u <= r) & (s.abs() <= r), _drawn_before).T,
                "Rows and columns are exchanged: row i holds what pixel i sees.",
            ),
        ],
    ),
    Exercise(
        id="09.9",
        title="Spot the bug: free bits for one coordinate",
        level=2,
        inputs=together(_kl_dims(16, 6), lambda g: 0.2 + 0.2 * torch.rand((), generator=g).item()),
        measure=_cost_and_gradient,
        oracle=losses.free_bits,
        handed_over=lambda kl_dims, floor: kl_dims.sum(1).mean().clamp(min=floor * kl_dims.shape[1]),
        why="each coordinate has a floor of its own now, so a dead one costs nothing to wake up.",
        mistakes=[
            (
                lambda k, floor: k.clamp(min=floor).sum(1).mean(),
                "The floor holds for each image now. It is meant for the mean over the batch: average first.",
            ),
            (
                lambda k, floor: (k.mean(0) - floor).clamp(min=0).sum(),
                "The gradient is right, the value is not: below the floor a coordinate counts as `floor`.",
            ),
            (lambda k, floor: k.mean(0).clamp(max=floor).sum(), "This makes what lies above the floor free."),
            (lambda k, floor: k.mean(0).clamp(min=floor).mean(), "Sum over the coordinates, as the KL does."),
        ],
    ),
    Exercise(
        id="09.10",
        title="Spot the bug: a warm-up that does not warm up",
        level=2,
        inputs=_steps,
        measure=_schedule,
        oracle=lambda step, per_epoch, warm: min(1.0, step / (per_epoch * warm)),
        handed_over=lambda step, per_epoch, warm: min(1, step // per_epoch // warm),
        why="β rises a little at every step, from 0 to 1, and stays there.",
        mistakes=[
            (
                lambda step, per_epoch, warm: min(1, step // per_epoch / warm),
                "It rises now, but in jumps, once an epoch. Count steps.",
            ),
            (lambda step, per_epoch, warm: step / (per_epoch * warm), "β goes beyond 1. Stop it there."),
            (lambda step, per_epoch, warm: 1 - min(1, step / (per_epoch * warm)), "It runs the wrong way, to 0."),
            (lambda step, per_epoch, warm: min(1, step / warm), "`warm` counts epochs. Turn it into steps."),
            (lambda step, per_epoch, warm: 1, "Without a warm-up the collapse is back."),
        ],
    ),
    Exercise(
        id="09.11",
        title="Spot the bug: all units are active",
        level=2,
        inputs=_two_posteriors,
        oracle=lambda mu, logvar: metrics.active_units(mu),
        handed_over=lambda mu, logvar: int((logvar.exp().mean(0) > 0.01).sum()),
        why="a dead coordinate has the prior's variance 1, the largest of all. It is its mean that does not move.",
        mistakes=[
            (
                lambda mu, logvar: int((mu.var(0) > logvar.exp().mean(0)).sum()),
                "The threshold is 0.01. The posterior's own variance has no part in the measure.",
            ),
            (
                lambda mu, logvar: int((logvar.exp().var(0) > 0.01).sum()),
                "That is how the variance varies. Look at the mean.",
            ),
            (
                lambda mu, logvar: int((mu.square().mean(0) > 0.01).sum()),
                "A mean that stands still away from 0 counts here, and tells nothing.",
            ),
            (lambda mu, logvar: int((mu.var(1) > 0.01).sum()), "The variance is over the data, dim 0."),
        ],
    ),
    Exercise(
        id="09.12",
        title="Spot the bug: a rate that is too small",
        level=3,
        inputs=together(normal(9, 4, scale=1.5), normal(9, 4)),
        oracle=lambda mu, logvar: (
            D.kl_divergence(D.Normal(mu, (logvar / 2).exp()), D.Normal(torch.zeros_like(mu), torch.ones_like(mu)))
            .sum(1)
            .mean()
        ),
        handed_over=lambda mu, logvar: losses.kl_diagonal_normals(mu.mean(0, True), logvar.mean(0, True)).mean(),
        why="the rate is the mean of the KLs, one an image. The KL of a mean posterior is smaller, often near 0.",
        mistakes=[
            (
                lambda mu, logvar: losses.kl_diagonal_normals(
                    mu.mean(0, True), (mu.var(0, correction=0) + logvar.exp().mean(0)).log()[None]
                ).mean(),
                "This is the KL of a Normal with the moments of q(z): how far it is from the prior, not what it tells.",
            ),
            (
                lambda mu, logvar: losses.kl_diagonal_normals(mu, logvar.mean(0, True).expand_as(mu)).mean(),
                "The means are kept now. Keep each image's variance as well.",
            ),
            (lambda mu, logvar: losses.kl_diagonal_normals(mu, logvar).sum(), "Average over the images, do not sum."),
            (
                lambda mu, logvar: losses.kl_in_each_dimension(mu, logvar).mean(),
                "The coordinates are averaged as well. Their KLs add up.",
            ),
        ],
    ),
    Exercise(
        id="09.13",
        title="Spot the bug: β by accident",
        level=2,
        inputs=_gaussian_batch,
        oracle=_unit_gaussian_loss,
        handed_over=lambda x_hat, x, kl_dims: (x_hat - x).square().mean() + kl_dims.mean(),
        why="half the summed square is −log N(x; x_hat, I) up to a constant, and one nat of each part weighs the same.",
        mistakes=[
            (
                lambda x_hat, x, k: (_errors(x_hat, x).sum(1) + k.sum(1)).mean(),
                "Both are summed, but the ½ of the Normal is missing: a β of one half.",
            ),
            (
                lambda x_hat, x, k: (0.5 * _errors(x_hat, x).mean(1) + k.sum(1)).mean(),
                "The pixels are still averaged: β is their number.",
            ),
            (
                lambda x_hat, x, k: (0.5 * _errors(x_hat, x).sum(1) + k.mean(1)).mean(),
                "The coordinates of z are still averaged: β is one over their number.",
            ),
            (
                lambda x_hat, x, k: (0.5 * _errors(x_hat, x).mean(1) + k.mean(1)).mean(),
                "Both are means. β is the ratio of pixels and coordinates.",
            ),
            (
                lambda x_hat, x, k: 0.5 * _errors(x_hat, x).sum() + k.sum(),
                "The sum runs over the batch as well. Its loss grows with the batch.",
            ),
        ],
    ),
]


QUIZ = [
    Question(
        "Why is the rate E[KL(q(z|x) || p(z))] not the mutual information of x and z?",
        [
            (
                "It contains KL(q(z) || p(z)) as well",
                "Right: rate = information + mismatch, so it is an upper bound, tight where q(z) is the prior.",
            ),
            ("It is measured in nats", "Both are."),
            ("It is a lower bound on it", "The other way round: a KL is never negative, so the rate is larger."),
        ],
        0,
    ),
    Question(
        "A linear VAE has noise variance 0.5 and β = 4. Which coordinates of the data are encoded?",
        [
            ("Those with a variance above 0.5", "That is the level at β = 1."),
            ("Those with a variance above 4", "The level is β times the noise variance."),
            ("Those with a variance above 2", "Right: the water stands at βσ²."),
            ("All, the small ones with fewer nats", "Below the level a nat costs more than it saves."),
        ],
        2,
    ),
    Question(
        "The loss is the right ELBO with β = 1, the NLL is good, and the KL is 0.01 nats. What happened?",
        [
            ("The KL's sign is wrong", "Then the KL would explode."),
            (
                "The decoder learned to do without z before z carried anything",
                "Right: posterior collapse. A good likelihood does not show it; the KL in each coordinate does.",
            ),
            ("The encoder is too small", "It may be of any size: what it sends is not listened to."),
        ],
        1,
    ),
    Question(
        "Which of these is a sign of a dead coordinate?",
        [
            ("Its posterior variance is near 0", "That is a coordinate that is used: its code is precise."),
            ("Its KL is large", "A large KL means many nats."),
            (
                "Its posterior mean is the same for all images, and its variance near 1",
                "Right: the posterior is the prior, whatever the image.",
            ),
        ],
        2,
    ),
    Question(
        "Samples from the prior look worse than reconstructions. β is 0.1. What is likely?",
        [
            (
                "The prior puts mass where the aggregated posterior has none",
                "Right: at a small β nothing pushes q(z) towards p(z). Draw from a fitted q(z), or raise β.",
            ),
            ("Posterior collapse", "Then reconstructions would be as bad as samples."),
            ("The decoder is too weak to draw digits", "It draws them, from codes of real images."),
        ],
        0,
    ),
    Question(
        "You turn the latent space of a trained VAE by a rotation. What changes?",
        [
            ("p(x), and the mutual information gap", "The prior is round: p(x) stays the same."),
            (
                "The mutual information gap, but not p(x)",
                "Right: no likelihood can prefer one rotation. What singles out axes is the diagonal q, and luck.",
            ),
            ("Nothing", "Each factor is then spread over several codes."),
        ],
        1,
    ),
]
