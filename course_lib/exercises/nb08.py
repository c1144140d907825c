"""Exercises and quiz of 08_variational_autoencoder."""

import math

import torch
from torch import distributions as D
from torch.nn import functional as F

from ..linear_gaussian import ProbabilisticPCA
from .inputs import normal, together
from .records import Exercise, Question

TITLE = "Variational autoencoder"


# --- the plain exercises: their oracles -------------------------------------------------------------------------


def _posterior_draw(mu, logvar, eps):
    standard = D.Normal(torch.zeros_like(mu), torch.ones_like(mu))
    return D.Normal(mu, (logvar / 2).exp()).icdf(standard.cdf(eps))  # the same quantile of q(z|x)


def _kl(mu, logvar):
    q = D.Independent(D.Normal(mu, (logvar / 2).exp()), 1)
    return D.kl_divergence(q, D.Independent(D.Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1))


def _elbo(logits, x, mu, logvar):
    return D.Independent(D.Bernoulli(logits=logits), 1).log_prob(x) - _kl(mu, logvar)


def _score_gradient(f, z, mu, sigma):
    mu = mu.clone().requires_grad_()
    (f * D.Normal(mu, sigma).log_prob(z)).mean().backward()
    return mu.grad


def _arc(z0, z1, t):
    from scipy.spatial import geometric_slerp

    radius = z0.norm()
    unit = geometric_slerp((z0 / radius).numpy(), (z1 / z1.norm()).numpy(), float(t))
    return torch.from_numpy(unit) * radius


def _gap(model, x, mu, logvar):
    q = D.MultivariateNormal(mu, torch.diag_embed(logvar.exp()))
    return D.kl_divergence(q, model.posterior(x))


def _model_and_q(generator):
    W = torch.randn(4, 2, generator=generator, dtype=torch.float64)
    model = ProbabilisticPCA(W, torch.zeros(4, dtype=torch.float64), 0.7)
    return (model, *together(normal(6, 4), normal(6, 2), normal(6, 2))(generator))


def _log_weights(generator):
    return (torch.randn(8, 5, generator=generator, dtype=torch.float64) * 3 - 2000,)


def _two_points(generator):
    z0, z1 = together(normal(6), normal(6))(generator)
    return z0, z1 * z0.norm() / z1.norm(), 0.1 + 0.3 * torch.rand((), generator=generator).item()


# --- the bugs: small encoders and decoders, and the loss put together in right and wrong ways --------------------


def _coder(generator):
    """A fixed random encoder and decoder, a batch of images and the noise eps."""
    A, B, C = (torch.randn(s, generator=generator) / 3 for s in ((784, 6), (784, 6), (6, 784)))

    def encoder(x):
        return x.flatten(1) @ A, (x.flatten(1) @ B).tanh()

    def decoder(z):
        return (z @ C).unflatten(1, (1, 28, 28))

    x = torch.rand(5, 1, 28, 28, generator=generator)
    return encoder, decoder, x, torch.randn(5, 6, generator=generator)


def _right_loss(encoder, decoder, x, eps):
    mu, logvar = encoder(x)
    z = _posterior_draw(mu.double(), logvar.double(), eps.double()).float()
    nll = -D.Bernoulli(logits=decoder(z), validate_args=False).log_prob(x).flatten(1).sum(1)
    return (nll + _kl(mu, logvar)).mean()


def _draw(mu, logvar, eps):
    return mu + (0.5 * logvar).exp() * eps


def _summed_nll(logits, x):
    return _bce(logits, x).flatten(1).sum(1)


def _mean_cost(nll, kl):
    return (nll + kl.sum(1)).mean()


def _loss(z=_draw, nll=_summed_nll, total=_mean_cost):
    """A loss with one part exchanged: z(mu, logvar, eps), nll(logits, x) or total(nll, kl)."""

    def loss(encoder, decoder, x, eps):
        mu, logvar = encoder(x)
        kl = 0.5 * (logvar.exp() + mu.square() - 1 - logvar)
        return total(nll(decoder(z(mu, logvar, eps)), x), kl)

    return loss


def _bce(logits, x):
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none")


def _moments(generate, decoder, n, latent_dim):
    """What reaches the decoder, seen by a decoder that keeps it: mean, standard deviation, kurtosis and shape."""
    seen = []
    generate(lambda z: seen.append(z) or decoder(z), n, latent_dim)
    if not seen:
        return "the decoder was never called"
    z = torch.cat(seen).double()
    spread = z.std()
    return torch.stack([z.mean(), spread, (z - z.mean()).pow(4).mean() / spread**4]), z.shape[1]


def _generator_inputs(generator):
    return (lambda z: z.sigmoid()), 20000, 3


def _clamped_nll(out, x):
    p = out.clamp(1e-7, 1 - 1e-7)
    return -(x * p.log() + (1 - x) * (1 - p).log()).flatten(1).sum(1)


def _outputs(generator):
    logits = 4 * torch.randn(5, 784, generator=generator, dtype=torch.float64)
    return logits, torch.rand(5, 784, generator=generator, dtype=torch.float64)


def _value_and_gradient(nll, out, x):
    """The loss and the gradient that reaches the decoder's outputs."""
    out = out.clone().requires_grad_()
    value = nll(out, x)
    if not isinstance(value, torch.Tensor) or not value.requires_grad:
        return value, "no gradient reaches the decoder"
    return value.detach(), torch.autograd.grad(value.sum(), out)[0]


EXERCISES = [
    Exercise(
        id="08.1",
        title="Reparameterise",
        level=1,
        inputs=together(normal(4, 3), normal(4, 3), normal(4, 3)),
        oracle=_posterior_draw,
        why="scaling by the standard deviation exp(logvar / 2) and shifting by mu turns N(0, I) into q(z|x), and "
        "gradients pass through both.",
        mistakes=[
            (lambda mu, logvar, eps: mu + logvar.exp() * eps, "exp(logvar) is the variance. Halve logvar first."),
            (lambda mu, logvar, eps: mu + logvar * eps, "logvar is a logarithm. Take the exponential of its half."),
            (lambda mu, logvar, eps: mu + (0.5 * logvar).exp(), "The noise eps is missing: every draw is the same."),
            (lambda mu, logvar, eps: eps, "This draws from the prior. It has to know x, through mu and logvar."),
            (
                lambda mu, logvar, eps: (mu + eps) * (0.5 * logvar).exp(),
                "Scale the noise alone. Here mu is scaled as well, so the mean of z is no longer mu.",
            ),
        ],
    ),
    Exercise(
        id="08.2",
        title="KL to the prior, per image",
        level=1,
        inputs=together(normal(5, 3), normal(5, 3)),
        oracle=_kl,
        why="each coordinate adds ½(σ² + μ² − 1 − log σ²), and independent coordinates add up.",
        mistakes=[
            (lambda m, v: 0.5 * (v.exp() + m**2 - 1 - v).mean(1), "Sum over the coordinates. A mean divides by D."),
            (lambda m, v: 0.5 * (v.exp() + m**2 - 1 - v).sum(), "Keep one number an image: sum over dim 1 only."),
            (lambda m, v: 0.5 * (v.exp() + m**2 - 1 - v), "Coordinates add up: sum over dim 1, so that (B,) remains."),
            (lambda m, v: -0.5 * (v.exp() + m**2 - 1 - v).sum(1), "The sign is turned. A KL is never negative."),
            (lambda m, v: 0.5 * (v.exp() + m**2 - v).sum(1), "The −1 is missing: at μ = 0, σ = 1 the KL must be 0."),
            (
                lambda m, v: 0.5 * ((2 * v).exp() + m**2 - 1 - 2 * v).sum(1),
                "logvar is read as the logarithm of the standard deviation. It is that of the variance.",
            ),
        ],
    ),
    Exercise(
        id="08.3",
        title="The ELBO from its parts",
        level=2,
        inputs=lambda g: (
            torch.randn(4, 9, generator=g, dtype=torch.float64),
            torch.rand(4, 9, generator=g, dtype=torch.float64).round(),
            *together(normal(4, 2), normal(4, 2))(g),
        ),
        oracle=_elbo,
        why="the bound is log p(x|z) minus KL(q(z|x) || p(z)), one number an image, summed over pixels.",
        mistakes=[
            (lambda o, x, m, v: -_bce(o, x).sum(1) + _kl(m, v), "The KL is subtracted: information in z has a price."),
            (lambda o, x, m, v: _bce(o, x).sum(1) + _kl(m, v), "This is the loss, minus the ELBO. Turn the sign."),
            (lambda o, x, m, v: -_bce(o, x).sum(1), "The KL is missing. This is the reconstruction term alone."),
            (
                lambda o, x, m, v: -_bce(o, x).mean(1) - _kl(m, v),
                "The pixels are averaged and the KL is summed: that weighs the KL by the number of pixels.",
            ),
            (
                lambda o, x, m, v: (-_bce(o, x).sum(1) - _kl(m, v)).mean(),
                "One number an image is wanted. Leave the mean over the batch to the caller.",
            ),
        ],
    ),
    Exercise(
        id="08.4",
        title="A tighter estimate from many draws",
        level=2,
        inputs=_log_weights,
        oracle=lambda log_w: torch.logsumexp(log_w, 0) - math.log(len(log_w)),
        why="log-mean-exp with the largest term taken out first neither underflows nor overflows.",
        mistakes=[
            (lambda w: w.mean(0), "The mean of the logarithms is the ELBO. Average the weights, then take the log."),
            (lambda w: torch.logsumexp(w, 0), "This is the log of the sum. For the mean, subtract log K."),
            (
                lambda w: w.exp().mean(0).log(),
                "exp(−2000) is 0 in floating point, and its log −inf. Take the largest term out first (logsumexp).",
            ),
            (
                lambda w: torch.logsumexp(w, 1) - math.log(w.shape[1]),
                "Average over the K draws (dim 0), not over the images.",
            ),
            (lambda w: w.max(0).values, "The largest weight alone is close, but the others count as well."),
        ],
    ),
    Exercise(
        id="08.5",
        title="The score-function gradient",
        level=2,
        inputs=lambda g: (
            *together(normal(50), normal(50))(g),
            normal()(g),
            torch.rand((), generator=g).double() + 0.5,
        ),
        oracle=_score_gradient,
        why="∂ log N(z; μ, σ²)/∂μ is (z − μ)/σ², and the estimate is the mean of f(z) times that.",
        mistakes=[
            (lambda f, z, m, s: (f * (z - m)).mean(), "Divide by the variance σ²: the derivative of −(z − μ)²/(2σ²)."),
            (lambda f, z, m, s: (f * (z - m) / s).mean(), "Divide by σ², not by σ."),
            (lambda f, z, m, s: (f * (m - z) / s**2).mean(), "The sign is turned: a larger μ makes z > μ likelier."),
            (lambda f, z, m, s: (f * (z - m) / s**2).sum(), "Take the mean over the draws. The sum grows with them."),
            (lambda f, z, m, s: f * (z - m) / s**2, "These are the single terms. Average them into one estimate."),
        ],
        tolerance=1e-6,
    ),
    Exercise(
        id="08.6",
        title="Walk along the arc",
        level=2,
        inputs=_two_points,
        oracle=_arc,
        why="the weights sin((1−t)θ)/sin θ and sin(tθ)/sin θ keep the norm of the two ends.",
        mistakes=[
            (lambda a, b, t: (1 - t) * a + t * b, "This is the straight line. Between the ends its norm is too small."),
            (
                lambda a, b, t: F.normalize((1 - t) * a + t * b, dim=0) * a.norm(),
                "The norm is right, the speed is not: the angle must grow in proportion to t. Use sin((1−t)θ).",
            ),
            (lambda a, b, t: _arc(b, a, t), "At t = 0 the walk has to stand at z0. Exchange the two weights."),
            (
                lambda a, b, t: _slerp_with((a @ b) / (a.norm() * b.norm()), a, b, t),
                "θ is the angle: take arccos of the cosine.",
            ),
            (
                lambda a, b, t: _slerp_with(_angle(a, b), a, b, t) * torch.sin(_angle(a, b)),
                "Divide both weights by sin θ, so that they are 1 and 0 at the ends.",
            ),
        ],
    ),
    Exercise(
        id="08.7",
        title="Measure the gap of the bound",
        level=3,
        inputs=_model_and_q,
        oracle=_gap,
        why="log p(x) minus the ELBO is exactly KL(q(z|x) || p(z|x)), whatever q is.",
        mistakes=[
            (
                lambda p, x, m, v: p.elbo(x, m, v) - p.log_prob(x),
                "The sign is turned: the bound lies below log p(x), so the gap is positive.",
            ),
            (lambda p, x, m, v: p.log_prob(x), "This is log p(x) itself. Subtract the ELBO."),
            (lambda p, x, m, v: -p.elbo(x, m, v), "This is the loss. Its distance to −log p(x) is asked for."),
            (
                lambda p, x, m, v: D.kl_divergence(p.posterior(x), D.MultivariateNormal(m, torch.diag_embed(v.exp()))),
                "The KL is the wrong way round. The gap is KL(q || p(z|x)), with q first.",
            ),
            (lambda p, x, m, v: _kl(m, v), "This is the KL to the prior, a part of the ELBO. The posterior is meant."),
            (
                lambda p, x, m, v: (p.log_prob(x) - p.elbo(x, m, v)).mean(),
                "One gap for each x is wanted. Leave out the mean.",
            ),
        ],
    ),
    Exercise(
        id="08.8",
        title="Spot the bug: every image decodes alike",
        level=2,
        inputs=_coder,
        oracle=_right_loss,
        handed_over=_loss(z=lambda mu, logvar, eps: eps),
        why="z now comes from q(z|x), so the decoder is told which image to draw.",
        mistakes=[
            (_loss(z=lambda mu, logvar, eps: mu), "z depends on x now, but the noise is gone: this is no draw from q."),
            (_loss(z=lambda mu, logvar, eps: mu + eps), "The noise must have the standard deviation exp(logvar / 2)."),
            (
                _loss(z=lambda mu, logvar, eps: mu + logvar.exp() * eps),
                "exp(logvar) is a variance. The noise is scaled by the standard deviation.",
            ),
            (
                _loss(z=lambda mu, logvar, eps: eps, total=lambda nll, kl: nll.mean()),
                "Dropping the KL hides the symptom. The decoder is still fed with draws from the prior.",
            ),
        ],
        tolerance=1e-4,
    ),
    Exercise(
        id="08.9",
        title="Spot the bug: good copies, bad samples",
        level=2,
        inputs=_coder,
        oracle=_right_loss,
        handed_over=_loss(total=lambda nll, kl: nll.mean()),
        why="with its KL the loss is minus the ELBO, and the codes stay where the prior will draw them.",
        mistakes=[
            (_loss(total=lambda nll, kl: (nll - kl.sum(1)).mean()), "The KL is a price: it is added to the loss."),
            (_loss(total=lambda nll, kl: (nll + kl.mean(1)).mean()), "Sum the KL over the coordinates of z."),
            (
                _loss(total=lambda nll, kl: nll.mean() + kl.sum()),
                "The KL of one image belongs to it: mean over images.",
            ),
            (_loss(total=lambda nll, kl: (nll + 0.5 * kl.sum(1)).mean()), "The KL counts with weight 1 in the ELBO."),
        ],
        tolerance=1e-4,
    ),
    Exercise(
        id="08.10",
        title="Spot the bug: the loss falls without end",
        level=2,
        inputs=_coder,
        oracle=_right_loss,
        handed_over=_loss(total=lambda nll, kl: (nll - kl.sum(1)).mean()),
        why="the loss is bounded from below again: both parts are costs.",
        mistakes=[
            (_loss(total=lambda nll, kl: (kl.sum(1) - nll).mean()), "Now reconstructing badly is rewarded. Both cost."),
            (_loss(total=lambda nll, kl: -(nll + kl.sum(1)).mean()), "This is the ELBO. A loss is to be minimised."),
            (
                _loss(total=lambda nll, kl: nll.mean()),
                "Without the KL the loss is bounded, but it is no ELBO any more.",
            ),
            (_loss(total=lambda nll, kl: (nll - kl.sum(1)).square().mean()), "A square hides the wrong sign."),
        ],
        tolerance=1e-4,
    ),
    Exercise(
        id="08.11",
        title="Spot the bug: the KL vanishes",
        level=3,
        inputs=_coder,
        oracle=_right_loss,
        handed_over=_loss(nll=lambda logits, x: _bce(logits, x).mean()),
        why="summed over the pixels, one nat of reconstruction weighs as much as one nat of KL.",
        mistakes=[
            (
                _loss(
                    nll=lambda logits, x: _bce(logits, x).flatten(1).mean(1), total=lambda n, k: (n + k.mean(1)).mean()
                ),
                "Two means over different sizes weigh the KL 784/D times too much. Sum both.",
            ),
            (
                _loss(nll=lambda logits, x: _bce(logits, x).sum()),
                "The sum runs over the batch too: one image's KL faces the reconstruction of all.",
            ),
            (
                _loss(nll=lambda logits, x: _bce(logits, x).mean(), total=lambda n, k: n),
                "Dropping the KL does not mend its weight.",
            ),
            (
                _loss(nll=lambda logits, x: (logits.sigmoid() - x).square().flatten(1).sum(1)),
                "The sum is right, but squared error is another likelihood. Keep the cross-entropy.",
            ),
        ],
        tolerance=1e-4,
    ),
    Exercise(
        id="08.12",
        title="Spot the bug: a variance too many",
        level=2,
        inputs=_coder,
        oracle=_right_loss,
        handed_over=_loss(z=lambda mu, logvar, eps: mu + logvar.exp() * eps),
        why="z now has the variance that the KL is computed for.",
        mistakes=[
            (
                _loss(z=lambda mu, logvar, eps: mu + logvar.exp() ** 2 * eps),
                "Squaring goes the wrong way: take a root.",
            ),
            (_loss(z=lambda mu, logvar, eps: mu + logvar * eps), "Keep the exponential: logvar can be negative."),
            (_loss(z=lambda mu, logvar, eps: mu), "Without noise there is no q to speak of. Keep eps."),
            (
                _loss(z=lambda mu, logvar, eps: mu + logvar.exp().sqrt() / 2 * eps),
                "Halve the logarithm, not the standard deviation.",
            ),
        ],
        tolerance=1e-4,
    ),
    Exercise(
        id="08.13",
        title="Spot the bug: too few kinds of digit",
        level=2,
        inputs=_generator_inputs,
        measure=_moments,
        oracle=lambda decoder, n, latent_dim: decoder(D.Normal(0.0, 1.0).sample((n, latent_dim))),
        handed_over=lambda decoder, n, latent_dim: decoder(2 * torch.rand(n, latent_dim) - 1),
        why="the decoder now gets what it was trained for: mean 0, standard deviation 1, the tails of a Normal.",
        mistakes=[
            (
                lambda decoder, n, latent_dim: decoder(torch.rand(n, latent_dim)),
                "rand is uniform on [0, 1). The decoder was trained for N(0, I).",
            ),
            (
                lambda decoder, n, latent_dim: decoder((2 * torch.rand(n, latent_dim) - 1) * 3**0.5),
                "Mean and variance are right now, but the tails are missing: it is still uniform.",
            ),
            (
                lambda decoder, n, latent_dim: decoder(torch.randn(n, latent_dim).clamp(-1, 1)),
                "Clamping piles a third of the draws up at ±1. Leave the Normal as it is.",
            ),
            (
                lambda decoder, n, latent_dim: decoder(0.5 * torch.randn(n, latent_dim)),
                "The standard deviation is 0.5. That is a temperature; the model's own is 1.",
            ),
        ],
        tolerance=0.03,
    ),
    Exercise(
        id="08.14",
        title="Spot the bug: outputs that stop learning",
        level=3,
        inputs=_outputs,
        measure=_value_and_gradient,
        oracle=lambda out, x: -D.Independent(D.Bernoulli(logits=out, validate_args=False), 1).log_prob(x),
        handed_over=_clamped_nll,
        why="logits may be any number, and the gradient σ(logit) − x reaches every pixel.",
        mistakes=[
            (
                lambda out, x: _clamped_nll(out.sigmoid(), x).mean(),
                "The sigmoid helps. Keep one number an image: no mean over the batch.",
            ),
            (
                lambda out, x: F.binary_cross_entropy_with_logits(out.sigmoid(), x, reduction="none").sum(1),
                "The sigmoid is applied twice: the function with logits already contains one.",
            ),
            (lambda out, x: _bce(out, x).mean(1), "Sum over the pixels, as the KL is summed over z."),
            (lambda out, x: (out - x).square().sum(1), "Squared error takes any output, but it is another likelihood."),
            (
                lambda out, x: _clamped_nll((out.tanh() + 1) / 2, x),
                "(tanh + 1) / 2 is the sigmoid of twice the logit: bounded, but the outputs are no logits any more.",
            ),
        ],
    ),
]


def _angle(a, b):
    return torch.arccos((a @ b) / (a.norm() * b.norm()))


def _slerp_with(theta, a, b, t):
    return (torch.sin((1 - t) * theta) * a + torch.sin(t * theta) * b) / torch.sin(theta)


QUIZ = [
    Question(
        "Why is p(z|x) not simply computed by Bayes' rule?",
        [
            ("p(x|z) is unknown", "It is known: it is the decoder. The trouble lies in the denominator."),
            ("p(x) is an integral over all z", "Right: the decoder sits inside it, and no closed form exists."),
            ("p(z) is unknown", "It was chosen: N(0, I)."),
        ],
        1,
    ),
    Question(
        "The ELBO of a model is −100 nats, log p(x) is −97. What are the 3 nats?",
        [
            ("KL(q(z|x) || p(z))", "That KL is a part of the ELBO, not the gap."),
            ("The reconstruction error", "That is a part of the ELBO as well."),
            ("KL(q(z|x) || p(z|x))", "Right: the gap is how far q is from the true posterior."),
        ],
        2,
    ),
    Question(
        "The KL term goes to 0 for all images while training. What happened?",
        [
            ("Training is complete", "With KL 0 the code z carries nothing about x, so reconstructions are all alike."),
            ("q(z|x) has become the prior, and z carries no information", "Right: this is posterior collapse."),
            ("The decoder has overfitted", "An overfitted VAE spends more nats on z, not none."),
        ],
        1,
    ),
    Question(
        "Why is eps drawn apart from mu and logvar?",
        [
            ("So that gradients pass through z to the encoder", "Right: z is then a smooth function of mu and logvar."),
            ("To make training deterministic", "eps is random all the same."),
            ("Because torch cannot draw from N(mu, σ²)", "It can, but a plain draw has no gradient."),
        ],
        0,
    ),
    Question(
        "The training loss keeps falling while the test loss rises. What helps with a thousand images?",
        [
            ("More epochs", "That makes the gap larger."),
            ("A larger network", "It fits the thousand images even better, and new ones no better."),
            ("Small shifts of the images, or stopping at the best test loss", "Right: both were measured above."),
        ],
        2,
    ),
]
