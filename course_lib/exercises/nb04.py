"""Exercises and quiz of 04_losses_and_divergences."""

import itertools
import math

import torch
from torch import distributions as D
from torch.nn import functional as F

from .inputs import normal, simplex, together, uniform
from .records import Exercise, Question

TITLE = "Losses and divergences"


# --- the plain exercises: their inputs and oracles ---------------------------------------------------------------


def _cross_entropy_of_two():
    from scipy import stats

    p, q = [0.7, 0.3], [0.6, 0.4]
    return float(stats.entropy(p) + stats.entropy(p, q))


def _large_logits(generator):
    """Logits into the hundreds in float32, and any x in [0, 1]; both ends of x are among them."""
    t, x = together(normal(40, scale=150.0), uniform(40))(generator)
    x[:20] = x[:20].round()
    return t.float(), x.float()


def _value_and_gradient(loss, t, x):
    t = t.clone().requires_grad_()
    value = loss(t, x)
    if not isinstance(value, torch.Tensor) or not value.requires_grad:
        return value
    return value.detach(), torch.autograd.grad(value.sum(), t)[0]


def _bce(t, x):
    return -x * F.logsigmoid(t) - (1 - x) * F.logsigmoid(-t)


def _typed_bce(t, x, least=0.0):
    p = t.sigmoid()
    return -x * p.clamp(min=least).log() - (1 - x) * (1 - p).clamp(min=least).log()


def _bce_of_clamped(t, x):
    p = t.sigmoid().clamp(1e-7, 1 - 1e-7)
    return -x * p.log() - (1 - x) * (1 - p).log()


def _images_and_sigma(generator):
    x, mu, sigma = together(normal(5, 4), normal(5, 4), uniform(low=0.3, high=2.0))(generator)
    return x, mu, sigma.item()


def _normal_nll(x, mu, sigma):
    return -D.Independent(D.Normal(mu, sigma), 1).log_prob(x)


def _normal_terms(x, mu, sigma, scale=0.5, log_sigma=1.0, constant=0.5):
    """The three terms of the Normal's −log density with given factors, one number an image."""
    terms = scale * (x - mu) ** 2 / sigma**2 + log_sigma * math.log(sigma) + constant * math.log(2 * math.pi)
    return terms.sum(1)


def _normals(mu_p, logvar_p, mu_q, logvar_q):
    return D.Normal(mu_p, (logvar_p / 2).exp()), D.Normal(mu_q, (logvar_q / 2).exp())


def _kl_normals(mu_p, logvar_p, mu_q, logvar_q):
    return D.kl_divergence(*_normals(mu_p, logvar_p, mu_q, logvar_q)).sum(1)


def _with_empty_classes(generator):
    """Probabilities (6, 5) twice, with zeros: some in p alone, some in q alone, some in both."""
    p, q = together(simplex(6, 5), simplex(6, 5))(generator)
    p[:5, 0], q[:5, 1] = 0, 0  # one row stays full, so that infinite answers differ in it
    p[:3, 2], q[:3, 2] = 0, 0
    return p / p.sum(1, keepdim=True), q / q.sum(1, keepdim=True)


def _js(p, q):
    from scipy.spatial.distance import jensenshannon

    return torch.from_numpy(jensenshannon(p.numpy(), q.numpy(), axis=1) ** 2)


def _js_terms(p, q):
    m = (p + q) / 2
    return torch.xlogy(p, p) - torch.xlogy(p, m), torch.xlogy(q, q) - torch.xlogy(q, m)


def _kl(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(1)


def _w1(x, y):
    from scipy import stats

    return stats.wasserstein_distance(x.numpy(), y.numpy())


def _mixture(generator):
    weights, means, sds = together(simplex(3), normal(3, scale=2.0), uniform(3, low=0.3, high=1.5))(generator)
    return weights, means, sds


def _moments(weights, means, sds):
    mixture = D.MixtureSameFamily(D.Categorical(weights), D.Normal(means, sds))
    return torch.stack([mixture.mean, mixture.variance.sqrt()])


def _mean(w, m):
    return (w * m).sum()


def _pair(mean, variance):
    return torch.stack([mean, variance.sqrt()])


# --- which β: the oracle reads it off the gradients of the reductions themselves -----------------------------------

_REDUCTIONS = {"mean": torch.mean, "sum": torch.sum, "sum, mean": lambda terms: terms.sum(1).mean()}


def _as_sum(reduction):
    return "sum" if reduction == "sum, mean" else reduction


def _sizes(generator):
    return tuple(torch.randint(low, high, (), generator=generator).item() for low, high in ((2, 9), (10, 40), (41, 60)))


def _all_pairs(answer, *sizes):
    """The answer for each pair of reductions."""
    betas = [answer(r, k, *sizes) for r, k in itertools.product(_REDUCTIONS, repeat=2)]
    return None if all(beta is None for beta in betas) else betas


def _weight(reduction, *shape):
    terms = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(_REDUCTIONS[reduction](terms), terms)[0][0, 0].item()


def _beta(reconstruction, kl, images, pixels, dims):
    return _weight(kl, images, dims) / _weight(reconstruction, images, pixels)


def _beta_within_an_image(reconstruction, kl, images, pixels, dims):
    return (pixels if reconstruction == "mean" else 1) / (dims if kl == "mean" else 1)


# --- the bugs ------------------------------------------------------------------------------------------------------


def _classes(generator):
    logits = 3 * torch.randn(8, 5, generator=generator, dtype=torch.float64)
    return logits, torch.randint(5, (8,), generator=generator)


def _loss_parts(generator):
    """Logits, black-and-white x, mu and logvar for 4 images of 9 pixels and a code of 3."""
    logits, x, mu, logvar = together(normal(4, 9), normal(4, 9), normal(4, 3), normal(4, 3))(generator)
    return logits, (x > 0).double(), mu, logvar


def _negative_elbo(logits, x, mu, logvar):
    nll = -D.Independent(D.Bernoulli(logits=logits), 1).log_prob(x)
    zero = torch.zeros_like(mu)
    return (nll + _kl_normals(mu, logvar, zero, zero)).mean()


def _put_together(total):
    """A loss from its terms: total(nll (B, P), kl (B, D))."""

    def loss(logits, x, mu, logvar):
        nll = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
        return total(nll, 0.5 * (mu**2 + logvar.exp() - 1 - logvar))

    return loss


def _code_and_prior(generator):
    """q and p (6, 4); some of q's classes are empty."""
    q, p = together(simplex(6, 4), simplex(6, 4))(generator)
    q[:3, 0] = 0
    return q / q.sum(1, keepdim=True), p


def _kl_of_code(q, p):
    from scipy import stats

    return torch.from_numpy(stats.entropy(q.numpy(), p.numpy(), axis=1))


EXERCISES = [
    Exercise(
        id="04.1",
        title="Cross-entropy by hand",
        level=1,
        oracle=_cross_entropy_of_two,
        why="the mean surprise is 0.7 · 0.5108 + 0.3 · 0.9163: weights from the target, logarithms of the prediction.",
        mistakes=[
            (0.6956, "The two are exchanged. The target gives the weights, the prediction goes into the logarithm."),
            (0.6109, "This is the entropy of the target. Take the logarithms of the prediction."),
            (0.9125, "These are bits. Use the natural logarithm for nats."),
            (-0.6325, "The minus sign is missing: logarithms of probabilities are negative."),
            (0.0216, "This is the KL alone. The cross-entropy is that plus the entropy of the target."),
            (0.5108, "This is −ln 0.6, right for a one-hot target. Here the second class has weight 0.3."),
            (0.2747, "This is the cross-entropy with base-10 logarithms. Use the natural logarithm (ln)."),
        ],
        tolerance=2e-4,
    ),
    Exercise(
        id="04.2",
        title="Binary cross-entropy from logits",
        level=2,
        inputs=_large_logits,
        measure=_value_and_gradient,
        oracle=_bce,
        why="softplus(t) − x t needs no exponential above 1, so neither the value nor its gradient σ(t) − x breaks.",
        mistakes=[
            (_typed_bce, "Large logits give inf or nan: σ(t) rounds to 1. Rewrite −log(1 − σ(t)) as softplus(t)."),
            (
                lambda t, x: _typed_bce(t, x, 1e-7),
                "The clamp hides the inf, but the loss stops at 16 and the gradient is 0 there. Use softplus.",
            ),
            (
                _bce_of_clamped,
                "Clamping the probability caps the loss near 16, with gradient 0 there. Start from the logits.",
            ),
            (
                lambda t, x: torch.where(t > 0, t + torch.log1p((-t).exp()), torch.log1p(t.exp())) - x * t,
                "The values are right, the gradient is nan: torch.where differentiates both branches, and one "
                "overflows. Take exp(−|t|).",
            ),
            (
                lambda t, x: (1 + t.exp()).log() - x * t,
                "The algebra is right, but exp(t) overflows in float32 from 88.7. Take max(t, 0) out first.",
            ),
            (lambda t, x: F.softplus(t), "Right for x = 0 alone. Where x = 1 the loss is softplus(−t)."),
            (lambda t, x: F.softplus(-t), "Right for x = 1 alone. Where x = 0 the loss is softplus(t)."),
            (lambda t, x: F.softplus(t) + x * t, "The sign of x t is turned: softplus(−t) = softplus(t) − t."),
            (lambda t, x: -_bce(t, x), "This is the log-likelihood. A loss has the opposite sign."),
            (lambda t, x: _bce(t, x).mean(), "One number for each entry is wanted. Leave out the mean."),
        ],
    ),
    Exercise(
        id="04.3",
        title="The Normal's negative log-likelihood",
        level=1,
        inputs=_images_and_sigma,
        oracle=_normal_nll,
        why="each pixel costs (x − μ)²/(2σ²) + log σ + ½ log 2π, and independent pixels add up.",
        mistakes=[
            (
                lambda x, m, s: _normal_terms(x, m, s, constant=0),
                "½ log 2π is missing, once for each pixel. Without it these are no log densities.",
            ),
            (
                lambda x, m, s: _normal_terms(x, m, s, log_sigma=0, constant=0),
                "Both constants are missing: log σ and ½ log 2π.",
            ),
            (
                lambda x, m, s: _normal_terms(x, m, s, log_sigma=0),
                "log σ is missing. Without it a larger σ would always look better.",
            ),
            (
                lambda x, m, s: _normal_terms(x, m, s, 0.5, 0, 0) + math.log(s) + 0.5 * math.log(2 * math.pi),
                "Every pixel brings its own log σ and ½ log 2π.",
            ),
            (lambda x, m, s: _normal_terms(x, m, s, scale=1.0), "Divide the squared error by 2σ², not by σ²."),
            (
                lambda x, m, s: _normal_nll(x, m, s**0.5),
                "sigma is the standard deviation. You used it as the variance.",
            ),
            (lambda x, m, s: _normal_terms(x, m, s, log_sigma=2.0), "log σ² is 2 log σ; half of it belongs here."),
            (lambda x, m, s: -_normal_nll(x, m, s), "This is the log density itself. Turn the sign."),
            (lambda x, m, s: _normal_nll(x, m, s) / 4, "Sum over the pixels. A mean divides by their number."),
            (lambda x, m, s: _normal_nll(x, m, s).mean(), "Keep one number an image: no mean over the batch."),
        ],
    ),
    Exercise(
        id="04.4",
        title="KL of two diagonal Normals, from log-variances",
        level=2,
        inputs=together(normal(5, 3), normal(5, 3), normal(5, 3), normal(5, 3)),
        oracle=_kl_normals,
        why="each coordinate adds ½(r − 1 − log r + (μ_p − μ_q)²/σ_q²) with r the ratio of the variances σ_p²/σ_q².",
        mistakes=[
            (
                lambda m, v, n, w: _kl_normals(n, w, m, v),
                "This is KL(q || p). The KL is not symmetric: exchange the two.",
            ),
            (
                lambda m, v, n, w: _kl_normals(m, 2 * v, n, 2 * w),
                "exp(logvar) is the variance. You used it as the standard deviation.",
            ),
            (
                lambda m, v, n, w: _kl_normals(m, v, n, w) + 1.5,
                "The −½ of each coordinate is missing. For p = q the result has to be 0.",
            ),
            (
                lambda m, v, n, w: (w - v + 0.5 * (v.exp() + (m - n) ** 2) / w.exp() - 0.5).sum(1),
                "log(σ_q/σ_p) is half of logvar_q − logvar_p.",
            ),
            (
                lambda m, v, n, w: 0.5 * ((v - w).exp() - 1 + (v - w) + (m - n) ** 2 / w.exp()).sum(1),
                "The log of the ratio is subtracted: the KL has its lowest point, 0, where p and q are equal.",
            ),
            (
                lambda m, v, n, w: 0.5 * ((v - w).exp() - 1 - (v - w) + (m - n) ** 2 / v.exp()).sum(1),
                "Divide (μ_p − μ_q)² by the variance of q: q is the one that is surprised.",
            ),
            (
                lambda m, v, n, w: 0.5 * ((v - w).exp() - 1 - (v - w) + (m - n).abs() / w.exp()).sum(1),
                "The difference of the means enters squared.",
            ),
            (
                lambda m, v, n, w: _kl_normals(m, v, torch.zeros_like(n), torch.zeros_like(w)),
                "This is the KL from N(0, I). mu_q and logvar_q are not used.",
            ),
            (lambda m, v, n, w: _kl_normals(m, v, n, w) / 3, "Sum over the coordinates. A mean divides by D."),
            (lambda m, v, n, w: _kl_normals(m, v, n, w).sum(), "One number for each row is wanted: sum over dim 1."),
        ],
    ),
    Exercise(
        id="04.5",
        title="Jensen–Shannon with empty classes",
        level=2,
        inputs=_with_empty_classes,
        oracle=_js,
        why="0 log 0 counts as 0, and where p or q is positive their middle is positive too, so nothing is infinite.",
        mistakes=[
            (
                lambda p, q: ((p * (2 * p / (p + q)).log() + q * (2 * q / (p + q)).log()) / 2).sum(1),
                "0 · log 0 is nan in floating point. torch.xlogy(p, p) gives the 0 that is meant.",
            ),
            (
                lambda p, q: (_js_terms(p + 0.01, q + 0.01)[0] + _js_terms(p + 0.01, q + 0.01)[1]).sum(1) / 2,
                "Adding 0.01 to every probability avoids the nan and changes the answer. Treat 0 log 0 as 0.",
            ),
            (lambda p, q: _js(p, q).sqrt(), "This is the root, the Jensen–Shannon distance. The divergence is asked."),
            (lambda p, q: sum(_js_terms(p, q)).sum(1), "Take the mean of the two KLs: divide by 2."),
            (lambda p, q: _js(p, q) / math.log(2), "These are bits: the largest value is 1. In nats it is log 2."),
            (lambda p, q: _js_terms(p, q)[0].sum(1), "This is KL(p || m) alone. Average it with KL(q || m)."),
            (
                lambda p, q: (_kl(p, q) + _kl(q, p)) / 2,
                "Compare p and q with their middle m, not with each other: this is infinite where one of them is 0.",
            ),
            (
                lambda p, q: (_kl((p + q) / 2, p) + _kl((p + q) / 2, q)) / 2,
                "The order is turned: p and q come first, KL(p || m) and KL(q || m).",
            ),
            (lambda p, q: _js(p, q).mean(), "One number for each row is wanted. Leave out the mean."),
        ],
    ),
    Exercise(
        id="04.6",
        title="Wasserstein-1 of samples of different sizes",
        level=2,
        inputs=together(normal(6), normal(12, scale=2.0)),
        oracle=_w1,
        why="a point that counts twice is two points, and then the sorted pairs are the best transport.",
        mistakes=[
            (
                lambda x, y: (x.repeat_interleave(2) - y).abs().mean(),
                "Sort both samples first. Pairs in the order of drawing cost more than they must.",
            ),
            (
                lambda x, y: (x.sort().values - y.sort().values[:6]).abs().mean(),
                "This uses the smaller half of y alone. All of y has to arrive: count each x twice.",
            ),
            (
                lambda x, y: (x.sort().values - y.sort().values[::2]).abs().mean(),
                "This drops every second y. All of y has to arrive: count each x twice.",
            ),
            (
                lambda x, y: (x.sort().values.repeat(2) - y.sort().values).abs().mean(),
                "Repeat first and sort afterwards (or use repeat_interleave): equal points must stand side by side.",
            ),
            (lambda x, y: (x.repeat(2) - y).abs().mean(), "The sizes fit now. Sort both samples as well."),
            (
                lambda x, y: (x.repeat(2).sort().values - y.sort().values).abs().sum(),
                "Each pair carries 1/(2N) of the mass. Take the mean, not the sum.",
            ),
            (
                lambda x, y: (x.repeat(2).sort().values - y.sort().values).square().mean().sqrt(),
                "This is W₂, with squared distances. W₁ takes the distances themselves.",
            ),
            (
                lambda x, y: (x.mean() - y.mean()).abs(),
                "Equal means do not make equal samples. Compare point by point.",
            ),
        ],
    ),
    Exercise(
        id="04.7",
        title="Which β is this?",
        level=3,
        inputs=_sizes,
        measure=_all_pairs,
        oracle=_beta,
        why="β is the weight of one KL term over the weight of one pixel, and whatever both share cancels.",
        mistakes=[
            (
                lambda r, k, images, pixels, dims: 1 / _beta(r, k, images, pixels, dims),
                "This is the weight of the reconstruction relative to the KL. Turn the fraction over.",
            ),
            (
                _beta_within_an_image,
                'The batch is forgotten: a "sum" of all entries beside a mean over images counts B.',
            ),
            (
                lambda r, k, images, pixels, dims: _beta(r, "sum" if k == "mean" else k, images, pixels, dims),
                "Averaging the KL divides it by B · D. Count that too.",
            ),
            (
                lambda r, k, images, pixels, dims: _beta("sum" if r == "mean" else r, k, images, pixels, dims),
                "Averaging the reconstruction divides it by B · P. The KL then weighs that much more.",
            ),
            (
                lambda r, k, images, pixels, dims: _beta(r, k, images, pixels, dims) * dims / pixels,
                "Count each term with the weight it has. Do not divide by the number of terms as well.",
            ),
            (
                lambda r, k, images, pixels, dims: _beta(_as_sum(r), _as_sum(k), images, pixels, dims),
                '"sum, mean" still divides by the number of images.',
            ),
            (
                lambda r, k, images, pixels, dims: 1.0,
                "β is 1 only where both are reduced in the same way over the batch.",
            ),
        ],
    ),
    Exercise(
        id="04.8",
        title="The Normal nearest to a mixture",
        level=3,
        inputs=_mixture,
        oracle=_moments,
        why="KL(p || q) depends on p through its first two moments alone, and the best Normal has both of them.",
        mistakes=[
            (
                lambda w, m, s: _pair(_mean(w, m), _mean(w, s**2)),
                "This is the variance within the modes. That between their means is missing.",
            ),
            (
                lambda w, m, s: _pair(_mean(w, m), _mean(w, m**2) - _mean(w, m) ** 2),
                "This is the variance between the modes. That within them is missing.",
            ),
            (
                lambda w, m, s: torch.stack([_mean(w, m), _mean(w, s)]),
                "Standard deviations do not average. Work with variances, and add that between the means.",
            ),
            (
                lambda w, m, s: _pair(_mean(w, m), _mean(w, s) ** 2 + _mean(w, m**2) - _mean(w, m) ** 2),
                "Average the variances s², not the standard deviations.",
            ),
            (
                lambda w, m, s: _pair(_mean(w, m), _mean(w, s**2 + m**2)),
                "This is the mean of x². For the variance, subtract the squared mean.",
            ),
            (
                lambda w, m, s: torch.stack([_mean(w, m), _mean(w, s**2 + m**2) - _mean(w, m) ** 2]),
                "This is the variance. The standard deviation is asked for.",
            ),
            (
                lambda w, m, s: _moments(torch.full_like(w, 1 / len(w)), m, s),
                "The weights are not all alike. Use them.",
            ),
            (
                lambda w, m, s: torch.stack([m[w.argmax()], s[w.argmax()]]),
                "This sits on the heaviest mode, as reverse KL would. Forward KL has to cover them all.",
            ),
        ],
    ),
    Exercise(
        id="04.9",
        title="Spot the bug: a classifier that is never sure",
        level=1,
        inputs=_classes,
        oracle=lambda logits, y: -D.Categorical(logits=logits).log_prob(y).mean(),
        handed_over=lambda logits, y: F.cross_entropy(logits.softmax(1), y),
        why="F.cross_entropy contains the softmax. It gets logits, and a sure, right prediction costs nothing.",
        mistakes=[
            (
                lambda logits, y: F.cross_entropy(logits.softmax(1).softmax(1), y),
                "Now there are three softmaxes. None is needed: hand over the logits.",
            ),
            (
                lambda logits, y: F.nll_loss(logits.softmax(1), y),
                "F.nll_loss takes log-probabilities. Without the log this is minus a probability.",
            ),
            (
                lambda logits, y: F.cross_entropy(logits.sigmoid(), y),
                "A sigmoid is one squashing too many as well: the loss still cannot reach 0.",
            ),
            (lambda logits, y: F.cross_entropy(logits, y, reduction="sum"), "The mean over the batch is wanted."),
            (lambda logits, y: F.nll_loss(logits, y), "F.nll_loss has no softmax inside. These are logits."),
        ],
    ),
    Exercise(
        id="04.10",
        title="Spot the bug: a loss out of balance",
        level=2,
        inputs=_loss_parts,
        oracle=_negative_elbo,
        handed_over=_put_together(lambda nll, kl: nll.mean() + kl.sum()),
        why="both terms are summed within an image and averaged over the images, so a nat is a nat in both: β = 1.",
        mistakes=[
            (
                _put_together(lambda nll, kl: nll.mean() + kl.sum(1).mean()),
                "The batch is mended, the pixels are still averaged: β is the number of pixels.",
            ),
            (
                _put_together(lambda nll, kl: nll.mean() + kl.mean()),
                "Two means over different numbers of terms: β is still P/D.",
            ),
            (
                _put_together(lambda nll, kl: 784 * nll.mean() + kl.sum(1).mean()),
                "784 is right for one size of image alone. Sum over the pixels, whatever their number.",
            ),
            (
                _put_together(lambda nll, kl: nll.mean() + kl.sum() / nll.numel()),
                "β is 1, but this is the ELBO divided by the number of pixels.",
            ),
            (
                _put_together(lambda nll, kl: nll.sum() + kl.sum()),
                "β is 1 now. Take the mean over the images, so that the loss does not depend on the batch size.",
            ),
            (
                _put_together(lambda nll, kl: nll.sum(1).mean() + kl.sum()),
                "The KL is still summed over the images, so its weight is the batch size.",
            ),
            (
                _put_together(lambda nll, kl: nll.sum() + kl.sum(1).mean()),
                "The reconstruction is now summed over the images, so β is one over the batch size.",
            ),
            (_put_together(lambda nll, kl: nll.sum(1).mean()), "The KL is gone. Both terms belong to the loss."),
            (
                _put_together(lambda nll, kl: (nll.sum(1) - kl.sum(1)).mean()),
                "The KL is a cost: it is added to the reconstruction.",
            ),
        ],
    ),
    Exercise(
        id="04.11",
        title="Spot the bug: a divergence below zero",
        level=2,
        inputs=_code_and_prior,
        oracle=_kl_of_code,
        handed_over=lambda q, p: (q * p.log()).sum(1),
        why="KL(q || p) = Σ q log q − Σ q log p: never negative, and 0 only for q = p.",
        mistakes=[
            (
                lambda q, p: -(q * p.log()).sum(1),
                "This is the cross-entropy. It is positive, but for q = p it is the entropy and not 0.",
            ),
            (lambda q, p: _kl(p, q), "This is KL(p || q). The code q comes first, and weighs the logarithms."),
            (lambda q, p: -_kl(q, p), "The sign is turned: this is never positive. Exchange log q and log p."),
            (
                lambda q, p: (q * (q / p).log()).sum(1),
                "Right where q is positive. Where q is 0 this gives nan: 0 log 0 has to count as 0 (torch.xlogy).",
            ),
            (lambda q, p: torch.xlogy(q, q).sum(1), "This is minus the entropy of q. The prior p has to appear."),
            (lambda q, p: _kl(q, p).mean(), "One number for each row is wanted. Leave out the mean."),
        ],
    ),
]


QUIZ = [
    Question(
        "At every input, a classifier's expected cross-entropy equals the entropy of the labels there. What follows?",
        [
            ("It has not learned anything", "That would cost more than the entropy, unless there is nothing to learn."),
            (
                "Its predictions equal the labels' probabilities",
                "Right: the difference is a KL, and it is 0 for q = p.",
            ),
            ("Its loss can still fall to 0", "The entropy of the labels is the floor. No prediction gets below it."),
        ],
        1,
    ),
    Question(
        "You add a KL to the bare squared error, summed over the pixels. Which σ have you chosen for the pixels?",
        [
            ("None: squared error has no σ", "It has: as soon as another term stands beside it, σ sets the balance."),
            ("σ = 1", "For σ = 1 the likelihood has ½ (x − μ)²."),
            ("σ² = ½", "Right: (x − μ)²/(2σ²) is (x − μ)² for σ² = ½."),
        ],
        2,
    ),
    Question(
        "A single Normal was fitted to two far modes. It sits on one of them with the right width. What was minimised?",
        [
            ("KL(model || target)", "Right: it punishes the model for being where the target is not."),
            ("KL(target || model)", "That one is huge where the model misses a mode: it would cover both."),
            ("The squared distance of the means", "That would put it between the two modes."),
        ],
        0,
    ),
    Question(
        "A generator's JS divergence from the data is log 2. What does a small step tell it?",
        [
            ("The direction to the data", "That would be W₁. At log 2 the supports do not meet, and JS is flat."),
            (
                "Nothing: the gradient is 0",
                "Right: JS sees that the two do not overlap, and not how far apart they are.",
            ),
            ("To step away", "The JS is at its largest value, but a flat one: no direction is preferred."),
        ],
        1,
    ),
    Question(
        "Reconstruction: mean over 784 pixels. KL: sum over 20 coordinates. Both: mean over the images. What is β?",
        [
            ("784", "Right: each pixel weighs 1/784, each KL term 1."),
            ("39.2", "That is for means over both, 784/20. Here the KL is summed."),
            ("1/784", "The averaged term is the one that loses weight, so the KL weighs more."),
        ],
        0,
    ),
]
