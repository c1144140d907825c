"""Exercises and quiz of 03_probability_distributions."""

import math

import torch
from torch import distributions as D
from torch.nn import functional as F

from .inputs import normal, simplex, together, uniform
from .records import Exercise, Question

TITLE = "Probability distributions"


# --- oracles, and inputs that need more than one draw ------------------------------------------------------------


def _with_zeros(generator):
    p = simplex(4, 6)(generator)
    p = p * (torch.rand(4, 6, generator=generator) < 0.6)
    p[:, 0], p[:, 1] = 0.0, 0.3
    return (p / p.sum(1, keepdim=True),)


def _entropies(p):
    from scipy.stats import entropy

    return torch.from_numpy(entropy(p.numpy(), axis=1))


def _diagonal(x, mu, sd):
    return D.MultivariateNormal(mu, torch.diag_embed(sd.square())).log_prob(x)


def _log_scores(generator):
    log_prior = simplex(4)(generator).log()
    spread = torch.tensor([2.0, 2.0, 2.0, 800.0, 800.0], dtype=torch.float64)[:, None]
    return log_prior, spread * torch.randn(5, 4, generator=generator, dtype=torch.float64) - 2000


def _log_posterior(log_prior, log_likelihood):
    from scipy.special import log_softmax

    return torch.from_numpy(log_softmax((log_likelihood + log_prior).numpy(), axis=1))


def _logit_normal(y, mu, sd):
    return D.TransformedDistribution(D.Normal(mu, sd), D.SigmoidTransform()).log_prob(y)


def _plane(generator):
    A = torch.randn(2, 2, generator=generator, dtype=torch.float64)
    cov = A @ A.T + 0.3 * torch.eye(2, dtype=torch.float64)
    return *normal(2)(generator)[None], cov, normal()(generator)


def _given_second(mu, cov, x2):
    precision = torch.linalg.inv(cov)
    return mu[0] - precision[0, 1] / precision[0, 0] * (x2 - mu[1]), 1 / precision[0, 0]


def _two_draws(generator):
    return *together(normal(6, 4), normal(6, 4))(generator), 0.2 + 0.2 * torch.rand((), generator=generator).item()


def _on_the_arc(a, b, t):
    theta = F.cosine_similarity(a, b, dim=1).arccos()[:, None]
    return (((1 - t) * theta).sin() * a + (t * theta).sin() * b) / theta.sin()


def _three_classes(generator):
    y = torch.tensor([0] * 5 + [1] * 8 + [2] * 12)[torch.randperm(25, generator=generator)]
    spread = uniform(3, 4, low=0.5, high=2.0)(generator)[y]
    return (
        torch.randn(25, 4, generator=generator, dtype=torch.float64) * spread + y[:, None],
        y,
        normal(6, 4)(generator),
    )


def _gaussian_nb(x, y, new):
    from sklearn.naive_bayes import GaussianNB

    model = GaussianNB(var_smoothing=0.0).fit(x.numpy(), y.numpy())
    return torch.from_numpy(model.predict_joint_log_proba(new.numpy()))


def _nb(spread=lambda x: x.std(0, correction=0), prior=True, reduce=torch.sum):
    """Naive Bayes with one part exchanged."""

    def answer(x, y, new):
        groups = [x[y == k] for k in y.unique()]
        columns = [reduce(D.Normal(g.mean(0), spread(g)).log_prob(new), 1) for g in groups]
        weights = torch.tensor([len(g) / len(x) for g in groups], dtype=x.dtype)
        return torch.stack(columns, 1) + (weights.log() if prior else 0.0)

    return answer


def _counts(generator):
    p = simplex(4)(generator)
    draws = torch.multinomial(p.expand(6, 4), 5, replacement=True, generator=generator)
    return F.one_hot(draws, 4).sum(1).double(), p


def _one_sequence(counts, p):
    return (p**counts).prod(1)


def _ways(counts):
    return (torch.lgamma(counts.sum(1) + 1) - torch.lgamma(counts + 1).sum(1)).exp()


def _tosses(generator):
    values = torch.tensor([0.0, 1.0, 1.0, 0.0, 0.5, 0.2, 2.0, -1.0], dtype=torch.float64)
    return values[torch.randperm(8, generator=generator)], 0.1 + 0.3 * torch.rand((), generator=generator).item()


def _bernoulli(x, p):
    from scipy.stats import bernoulli

    return torch.from_numpy(bernoulli(p).logpmf(x.numpy()))


def _cross_entropy(x, p):
    return x * math.log(p) + (1 - x) * math.log(1 - p)


def _outside(value):
    return lambda x, p: torch.where((x == 0) | (x == 1), _cross_entropy(x, p), value)


def _normal_by_scipy(x, mean, variance):
    from scipy.stats import norm

    return torch.from_numpy(norm(float(mean), math.sqrt(variance)).logpdf(x.numpy()))


EXERCISES = [
    Exercise(
        id="03.1",
        title="What a flag is worth",
        level=1,
        oracle=lambda: 0.016 / 0.114,
        why="of 10,000 pictures 160 are generated and flagged, 980 are real and flagged, and 160/1140 is 0.140.",
        mistakes=[
            (90 / 585, "That is the example of section 7. The numbers of this site differ."),
            (0.8, "This is p(flag | generated). Asked is p(generated | flag)."),
            (0.016, "This is the joint probability of both. Divide it by the probability of a flag."),
            (0.114, "This is the probability of a flag, the denominator."),
            (0.016 / 0.098, "These are the odds. In the denominator, count all flags, the right ones as well."),
            (100 * 0.016 / 0.114, "This is in percent. Give a number between 0 and 1."),
            (0.8 / 0.9, "The base rate is missing: with 2 % of generated pictures, most flags fall on real ones."),
        ],
        tolerance=5e-4,
    ),
    Exercise(
        id="03.2",
        title="Entropy with zeros",
        level=1,
        inputs=_with_zeros,
        oracle=_entropies,
        why="xlogy takes 0 log 0 as its limit 0, so values that never occur add nothing.",
        mistakes=[
            (lambda p: -(p * p.log()).sum(1), "0 times −∞ is NaN on a computer. torch.xlogy(p, p) knows the limit."),
            (lambda p: torch.xlogy(p, p).sum(1), "The sign is missing: logarithms of probabilities are negative."),
            (
                lambda p: -torch.xlogy(p, p).sum(1) / math.log(2),
                "This is in bits. Asked is nats, the natural logarithm.",
            ),
            (lambda p: -torch.xlogy(p, p).mean(1), "The entropy is a sum over the values, weighted by p, and no mean."),
            (lambda p: -torch.xlogy(p, p).sum(), "One entropy for each row is wanted: sum over dim 1 alone."),
        ],
    ),
    Exercise(
        id="03.3",
        title="A diagonal Normal",
        level=1,
        inputs=together(normal(5, 3), normal(5, 3), uniform(5, 3, low=0.4, high=2.5)),
        oracle=_diagonal,
        why="with a diagonal covariance the coordinates are independent, so their log-densities add up.",
        mistakes=[
            (
                lambda x, mu, sd: D.Normal(mu, sd.sqrt()).log_prob(x).sum(1),
                "The variance is sd²: here sd itself stands in its place.",
            ),
            (lambda x, mu, sd: -D.Normal(mu, sd).log_prob(x).sum(1), "The sign is turned: this is −log p."),
            (
                lambda x, mu, sd: D.Normal(mu, sd).log_prob(x).sum(1) + 1.5 * math.log(2 * math.pi),
                "½ log 2π is missing for each coordinate.",
            ),
            (lambda x, mu, sd: D.Normal(mu, sd.square()).log_prob(x).sum(1), "A variance stands where sd belongs."),
            (lambda x, mu, sd: D.Normal(mu, sd).log_prob(x).mean(1), "Log-densities of coordinates are summed."),
            (lambda x, mu, sd: D.Normal(mu, sd).log_prob(x), "Sum over the D coordinates: one number for each row."),
            (
                lambda x, mu, sd: -0.5 * ((x - mu) / sd).square().sum(1),
                "This is the exponent. The normaliser is missing: −log sd − ½ log 2π for each coordinate.",
            ),
            (
                lambda x, mu, sd: D.Normal(mu, sd).log_prob(x).sum(1) + sd.log().sum(1),
                "−log sd is missing for each coordinate: wider Normals are lower.",
            ),
            (
                lambda x, mu, sd: D.Normal(mu, sd).log_prob(x).sum(1).exp(),
                "This is the density. Its logarithm is wanted.",
            ),
        ],
    ),
    Exercise(
        id="03.4",
        title="Draw from a Laplace distribution",
        level=2,
        inputs=together(uniform(9, low=0.02, high=0.98), normal(), uniform(low=1.5, high=3.0)),
        oracle=lambda u, mu, b: D.Laplace(mu, b).icdf(u),
        why="F maps the draws to uniform numbers, so its inverse maps uniform numbers to draws.",
        mistakes=[
            (
                lambda u, mu, b: mu + b * (2 * u).log(),
                "This is right for u < ½. Above, solve 1 − F(x) = ½ exp(−(x − μ)/b).",
            ),
            (
                lambda u, mu, b: torch.where(u < 0.5, mu - b * (2 * u).log(), mu + b * (2 * (1 - u)).log()),
                "The signs are turned: a small u belongs to an x below μ.",
            ),
            (
                lambda u, mu, b: torch.where(u < 0.5, mu + b * u.log(), mu - b * (1 - u).log()),
                "The factor 2 is lost: at u = ½ both halves have to meet in μ.",
            ),
            (
                lambda u, mu, b: mu + D.Laplace(torch.zeros_like(b), 1 / b).icdf(u),
                "b is a scale: multiply by it, a larger b spreads the draws.",
            ),
            (lambda u, mu, b: D.Laplace(torch.zeros_like(b), b).icdf(u), "Shift the draws by μ."),
            (lambda u, mu, b: mu - b * torch.log1p(-u), "This is an exponential distribution: it never falls below μ."),
            (lambda u, mu, b: D.Normal(mu, b).icdf(u), "These are draws from a Normal."),
        ],
    ),
    Exercise(
        id="03.5",
        title="Bayes' rule in logs",
        level=2,
        inputs=_log_scores,
        oracle=_log_posterior,
        why="the product becomes a sum, and logsumexp gives the logarithm of the evidence without underflow.",
        mistakes=[
            (lambda a, b: b.log_softmax(1), "The prior is missing: add log p(y) before you normalise."),
            (lambda a, b: b + a, "This is the log joint. Subtract log p(x), its logsumexp over the classes."),
            (
                lambda a, b: ((b + a).exp() / (b + a).exp().sum(1, keepdim=True)).log(),
                "exp(−2000) is 0, and 0/0 is NaN. Stay in logs and use logsumexp.",
            ),
            (
                lambda a, b: (b + a).softmax(1).log(),
                "softmax first underflows to 0, and log 0 is −∞. Stay in logs: subtract the logsumexp.",
            ),
            (lambda a, b: (b + a).log_softmax(0), "Normalise over the classes (dim 1), for each image on its own."),
            (lambda a, b: (b + a).softmax(1), "These are the probabilities. Their logarithms are wanted."),
            (lambda a, b: (b + a.exp()).log_softmax(1), "The prior is in logs already: add it as it is."),
        ],
        tolerance=1e-3,  # float32 has seven digits of numbers around 2000
    ),
    Exercise(
        id="03.6",
        title="Squeezed into (0, 1)",
        level=2,
        inputs=together(uniform(7, low=0.05, high=0.95), normal(), uniform(low=0.5, high=2.0)),
        oracle=_logit_normal,
        why="the density at x = logit(y) times |dx/dy| = 1/(y(1 − y)), in logs.",
        mistakes=[
            (
                lambda y, mu, sd: D.Normal(mu, sd).log_prob(y.logit()),
                "The Jacobian is missing: add log |dx/dy| = −log y − log(1 − y).",
            ),
            (
                lambda y, mu, sd: D.Normal(mu, sd).log_prob(y.logit()) + y.log() + (1 - y).log(),
                "The Jacobian has the wrong sign: it is that of the inverse, dx/dy, not dy/dx.",
            ),
            (
                lambda y, mu, sd: D.Normal(mu, sd).log_prob(y.sigmoid()) - y.log() - (1 - y).log(),
                "Go back to x with the inverse of the sigmoid, the logit.",
            ),
            (lambda y, mu, sd: _logit_normal(y, mu, sd).exp(), "This is the density. Its logarithm is wanted."),
            (
                lambda y, mu, sd: D.Normal(mu, sd).log_prob(y.logit()) - y.log(),
                "The derivative of log(y/(1 − y)) is 1/(y(1 − y)); the second factor is lost.",
            ),
            (lambda y, mu, sd: D.Normal(mu, sd).log_prob(y), "This is the density of x, at y. First go back to x."),
        ],
    ),
    Exercise(
        id="03.7",
        title="What the second coordinate tells",
        level=2,
        inputs=_plane,
        oracle=_given_second,
        why="the mean moves by Σ₁₂/Σ₂₂ for each unit of x₂, and the variance that x₂ explains is gone.",
        mistakes=[
            (
                lambda m, c, x2: (_given_second(m, c, x2)[0], c[0, 0]),
                "The mean is right. The variance shrinks as well: subtract Σ₁₂²/Σ₂₂.",
            ),
            (
                lambda m, c, x2: (m[0] + c[0, 1] / c[0, 0] * (x2 - m[1]), c[0, 0] - c[0, 1] ** 2 / c[0, 0]),
                "Divide by the variance of what was observed, Σ₂₂.",
            ),
            (
                lambda m, c, x2: (m[0] + c[0, 1] / c[1, 1] * x2, _given_second(m, c, x2)[1]),
                "What counts is how far x₂ is from its own mean: x₂ − μ₂.",
            ),
            (
                lambda m, c, x2: (_given_second(m, c, x2)[0], _given_second(m, c, x2)[1].sqrt()),
                "This is the standard deviation. The variance is wanted.",
            ),
            (
                lambda m, c, x2: (c[0, 1] / c[1, 1] * (x2 - m[1]), _given_second(m, c, x2)[1]),
                "Add the mean of x₁.",
            ),
            (
                lambda m, c, x2: (_given_second(m, c, x2)[0], c[0, 0] + c[0, 1] ** 2 / c[1, 1]),
                "An observation takes uncertainty away: the variance gets smaller.",
            ),
            (
                lambda m, c, x2: (m[0] - c[0, 1] / c[1, 1] * (x2 - m[1]), _given_second(m, c, x2)[1]),
                "A positive covariance moves both the same way: add, do not subtract.",
            ),
            (
                lambda m, c, x2: (m[1] + c[0, 1] / c[0, 0] * (x2 - m[0]), c[1, 1] - c[0, 1] ** 2 / c[0, 0]),
                "This is x₂ given x₁. Exchange the roles.",
            ),
            (lambda m, c, x2: (m[0], c[0, 0]), "This is the marginal, what you know before you see x₂."),
        ],
    ),
    Exercise(
        id="03.8",
        title="A straight walk that stays in the shell",
        level=2,
        inputs=_two_draws,
        oracle=lambda a, b, t: math.cos(math.atan2(t, 1 - t)) * a + math.sin(math.atan2(t, 1 - t)) * b,
        why="variances of independent draws add: (1 − t)² + t², and dividing by the root makes it 1.",
        mistakes=[
            (lambda a, b, t: (1 - t) * a + t * b, "Its variance is (1 − t)² + t², below 1 between the ends."),
            (
                lambda a, b, t: ((1 - t) * a + t * b) / ((1 - t) ** 2 + t**2),
                "You divide by the variance. Divide by the standard deviation.",
            ),
            (
                lambda a, b, t: F.normalize((1 - t) * a + t * b, dim=1) * math.sqrt(a.shape[1]),
                "This puts every point on one sphere. The norms of N(0, I) vary, and the factor depends on t alone.",
            ),
            (
                _on_the_arc,
                "The arc depends on the angle between a and b. Wanted is the straight line, times a number "
                "that depends on t alone.",
            ),
            (
                lambda a, b, t: math.cos(math.pi * t / 2) * a + math.sin(math.pi * t / 2) * b,
                "This is N(0, I) too, but along a quarter circle. The weights are to keep the ratio (1 − t) : t.",
            ),
            (
                lambda a, b, t: ((1 - t) * a + t * b) * math.hypot(1 - t, t),
                "Divide by the standard deviation, do not multiply.",
            ),
            (
                lambda a, b, t: math.sqrt(2) * ((1 - t) * a + t * b),
                "√2 is right half way. At the ends the factor has to be 1.",
            ),
            (
                lambda a, b, t: math.sqrt(1 - t) * a + math.sqrt(t) * b,
                "The result is N(0, I), but on a curved path. Divide both weights by the same number.",
            ),
            (
                lambda a, b, t: (t * a + (1 - t) * b) / math.hypot(t, 1 - t),
                "At t = 0 the walk has to stand at a. Exchange the weights.",
            ),
        ],
    ),
    Exercise(
        id="03.9",
        title="Naive Bayes for numbers",
        level=3,
        inputs=_three_classes,
        oracle=_gaussian_nb,
        why="each class has its share as prior, and the log-densities of independent features add up.",
        mistakes=[
            (_nb(spread=lambda x: x.std(0)), "Maximum likelihood divides by n, not by n − 1 (correction=0)."),
            (_nb(prior=False), "This is log p(x|y). Add log p(y), the log of the share of each class."),
            (_nb(spread=lambda x: x.var(0, correction=0)), "Normal takes the standard deviation, not the variance."),
            (_nb(reduce=torch.mean), "Log-densities of independent features are summed, not averaged."),
            (
                lambda x, y, new: _gaussian_nb(x, y, new).log_softmax(1),
                "This is log p(y|x), normalised over the classes. Asked is the joint, log p(x, y).",
            ),
            (
                _nb(spread=lambda x: x.std(correction=0)),
                "Each feature of a class has a standard deviation of its own: take it over the rows (dim 0).",
            ),
            (lambda x, y, new: _gaussian_nb(x, y, new).argmax(1), "This decides. The numbers it rests on are wanted."),
        ],
    ),
    Exercise(
        id="03.10",
        title="Spot the bug: counts that do not add up",
        level=2,
        inputs=_counts,
        oracle=lambda counts, p: torch.stack([D.Multinomial(int(c.sum()), p).log_prob(c) for c in counts]).exp(),
        handed_over=_one_sequence,
        why="n!/(x₁! … x_K!) counts the sequences with these counts, and each has the probability you had.",
        mistakes=[
            (
                lambda c, p: torch.lgamma(c.sum(1) + 1).exp() * _one_sequence(c, p),
                "Divide by the factorial of each count: exchanging equal draws gives no new sequence.",
            ),
            (
                lambda c, p: _one_sequence(c, p) / torch.lgamma(c + 1).sum(1).exp(),
                "The n! above the line is missing.",
            ),
            (
                lambda c, p: torch.lgamma(c.sum(1) + 1).exp() / torch.lgamma(c + 1).exp().sum(1) * _one_sequence(c, p),
                "The factorials of the counts are multiplied, not added.",
            ),
            (
                lambda c, p: (_ways(c) * _one_sequence(c, p)).log(),
                "These are the log-probabilities. The probabilities are wanted.",
            ),
            (lambda c, p: _ways(c), "This is the number of sequences. Multiply by the probability of each."),
            (
                lambda c, p: (torch.lgamma(c.sum(1)) - torch.lgamma(c.clamp_min(1)).sum(1)).exp() * _one_sequence(c, p),
                "lgamma(n) is log (n − 1)!. For log n!, take lgamma(n + 1).",
            ),
            (
                lambda c, p: _one_sequence(c, p) / _one_sequence(c, p).sum(),
                "Scaling to sum 1 over the rows at hand is no probability: it depends on which rows you ask for.",
            ),
        ],
    ),
    Exercise(
        id="03.11",
        title="Spot the bug: half a coin toss",
        level=2,
        inputs=_tosses,
        oracle=_bernoulli,
        handed_over=_cross_entropy,
        why="only 0 and 1 can occur; every other value has probability 0, and log 0 is −∞.",
        mistakes=[
            (_outside(0.0), "A log-probability of 0 is probability 1. What cannot occur has −∞."),
            (_outside(math.nan), "NaN says that nothing is known. Here it is known: probability 0, so −∞."),
            (
                lambda x, p: _cross_entropy(x.round().clamp(0, 1), p),
                "Rounding answers for another x. A half is no value of a coin.",
            ),
            (
                lambda x, p: torch.where((x >= 0) & (x <= 1), _cross_entropy(x, p), -math.inf),
                "Between 0 and 1 nothing can occur either. Keep the two points alone.",
            ),
            (
                lambda x, p: torch.where((x == 0) | (x == 1), _cross_entropy(x, p), -math.inf).exp(),
                "These are the probabilities. Their logarithms are wanted.",
            ),
            (
                lambda x, p: torch.where((x == 0) | (x == 1), _cross_entropy(1 - x, p), -math.inf),
                "p and 1 − p are exchanged: p is the probability of a 1.",
            ),
        ],
    ),
    Exercise(
        id="03.12",
        title="Spot the bug: N(10, 4)",
        level=1,
        inputs=together(normal(6, scale=3), normal(), uniform(low=2.0, high=6.0)),
        oracle=_normal_by_scipy,
        handed_over=lambda x, mean, variance: D.Normal(mean, variance).log_prob(x),
        why="the second parameter of N(μ, σ²) is the variance, and the libraries take its root.",
        mistakes=[
            (
                lambda x, mean, variance: D.Normal(mean, variance**2).log_prob(x),
                "Squaring goes the wrong way: the standard deviation is the root of the variance.",
            ),
            (
                lambda x, mean, variance: D.Normal(mean, variance / 2).log_prob(x),
                "Half is right for a variance of 4 alone. Take the root.",
            ),
            (
                lambda x, mean, variance: D.Normal(mean, 1 / variance.sqrt()).log_prob(x),
                "A larger variance has to give a wider Normal: the root itself, not one over it.",
            ),
            (
                lambda x, mean, variance: D.Normal(mean, variance.sqrt()).log_prob(x).exp(),
                "This is the density. Its logarithm is wanted.",
            ),
            (
                lambda x, mean, variance: D.Normal(mean, 2.0).log_prob(x),
                "2 is the root of 4. The function has to work for every variance.",
            ),
        ],
    ),
]


QUIZ = [
    Question(
        "A density is 3 at x = 0. What does that say?",
        [
            (
                "It is no density: probabilities are at most 1",
                "A density is no probability. Only its area has to be 1.",
            ),
            ("x = 0 has probability 3 %", "A single value of a continuous variable has probability 0."),
            ("A short interval of length d around 0 has probability about 3d", "Right: density times length."),
        ],
        2,
    ),
    Question(
        "Ten draws with probabilities (0.2, 0.3, 0.5) give the counts (2, 3, 5). Where does the factor 2520 come from?",
        [
            ("So many sequences of ten draws have these counts", "Right: 10!/(2! 3! 5!), and each is equally likely."),
            ("It scales the largest mass to 1", "The largest mass is far below 1: all masses together sum to 1."),
            ("It makes up for rounding", "Nothing is rounded. Without it the masses sum to 0.004."),
        ],
        0,
    ),
    Question(
        "A detector flags 90 % of generated pictures. It flags this one. What is p(generated | flag)?",
        [
            ("0.9", "That is p(flag | generated). The two differ."),
            ("It depends on the share of generated pictures and on the false alarms", "Right: Bayes' rule needs both."),
            (
                "At least 0.5, or the detector would be useless",
                "With a rare target it was 0.15, and still 15 times the base.",
            ),
        ],
        1,
    ),
    Question(
        "Where do draws from N(0, I) in 400 dimensions lie?",
        [
            ("Near the origin, where the density is highest", "There is hardly any volume there."),
            (
                "Evenly spread over a ball of radius 20",
                "About half of the draws lie farther out than 20, where such a ball has nothing.",
            ),
            ("In a thin shell of radius about 20", "Right: √400, give or take 0.7."),
        ],
        2,
    ),
    Question(
        "An image may be a digit or pure noise. Which model can tell?",
        [
            (
                "Naive Bayes, by its log p(x)",
                "Right: it models the images themselves, and noise is improbable under it.",
            ),
            ("Softmax regression, by its highest probability", "p(y|x) compares classes. Noise often gets a sure one."),
            ("Neither, since both have linear scores", "The scores are alike; only one of them comes with a p(x)."),
        ],
        0,
    ),
]
