"""Exercises and quiz of 11_conditional_vae."""

import math
from itertools import combinations

import torch
from torch import distributions as D
from torch.nn import functional as F

from .inputs import normal, simplex, together, uniform
from .records import Exercise, Question

TITLE = "Conditional VAE"


# --- what the exercises are tried on ----------------------------------------------------------------------------


class Coder:
    """A conditional encoder and decoder with fixed weights; remembers what it was called with."""

    def __init__(self, generator, pixels=12, classes=10, latent_dim=3):
        shapes = (pixels, latent_dim), (classes, latent_dim), (latent_dim, pixels), (classes, pixels), (pixels,) * 2
        self.A, self.B, self.C, self.D, self.E = (normal(*shape)(generator) / 2 for shape in shapes)
        self.seen = []

    def encode(self, x, c):
        """mu, logvar, each (B, 3)."""
        return x.flatten(1) @ self.A + c @ self.B, (x.flatten(1) @ self.A - c @ self.B).tanh()

    def decode(self, z, c):
        """Logits (B, 1, 3, 4), not linear in z and c together."""
        self.seen.append(c)
        return ((z @ self.C + c @ self.D).tanh() @ self.E).unflatten(1, (1, 3, 4))


def _labels(g, n=8):
    return torch.randint(10, (n,), generator=g)


def _images(g, n=8):
    return torch.rand(n, 1, 3, 4, generator=g, dtype=torch.float64)


def _one_hot(y, volume=1.0):
    return volume * (y[:, None] == torch.arange(10)).double()


def _coder_and_batch(g):
    coder = Coder(g)
    return coder.encode, coder.decode, _images(g), _one_hot(_labels(g)), normal(8, 3)(g)


def _another_digit(g):
    coder, x, y = Coder(g), _images(g), _labels(g)
    shift = torch.randint(1, 10, (8,), generator=g)
    return coder.encode, coder.decode, x, y, (y + shift) % 10


def _unequal_classes(g):
    y = torch.arange(3).repeat_interleave(torch.tensor([4, 7, 13]))
    return normal(24, 3)(g), y[torch.randperm(24, generator=g)]


def _likelihoods(g):
    return 4 * normal(6, 5)(g) - 100, simplex(5)(g), torch.randint(5, (6,), generator=g)


def _tilted_ink(g):
    return uniform(9, 7)(g) ** 3


def _bound_function(g):
    W, b = together(normal(4, 3), normal(3))(g)

    def bound(x, y):
        """x (N, 4), y (N,) -> (N,)."""
        return (x @ W + b).tanh().gather(1, y[:, None])[:, 0]

    return bound, normal(5, 4)(g), 3


def _posteriors(g):
    return simplex(4)(g), normal(4)(g), uniform(4, low=0.5, high=2.0)(g)


def _bounds_and_logits(g):
    return 2 * normal(6, 4)(g) - 100, normal(6, 4)(g)


def _m2_parts(g):
    logits = normal(5, 10)(g)
    return logits, _labels(g, 5), -100 + normal(5)(g), -105 + normal(7)(g), 0.1, 3.0


# --- oracles ----------------------------------------------------------------------------------------------------


def _side_by_side(x, c):
    return torch.tensor([[*image.flatten().tolist(), *row.tolist()] for image, row in zip(x, c, strict=True)])


def _saved(log_px_c, prior, y):
    return D.Categorical(logits=log_px_c + prior.log()).log_prob(y) - prior.log()[y]


def _spread_within(x, y):
    from scipy.spatial.distance import pdist

    return sum(pdist(x[y == k].numpy()).mean() for k in y.unique()) / len(y.unique())


def _slant(x):
    import numpy as np

    rows, columns = np.mgrid[: x.shape[0], : x.shape[1]]
    return -np.polyfit(rows.ravel(), columns.ravel(), 1, w=x.sqrt().numpy().ravel())[0]


def _agreement(classes):
    pairs = [(a == b).double().mean() for a, b in combinations(classes, 2)]
    return sum(pairs) / len(pairs)


def _redrawn(encode, decode, x, y, wanted):
    return decode(encode(x, _one_hot(y))[0], _one_hot(wanted))


def _bound_of_each(bound, x, classes):
    return torch.stack([bound(x, torch.full((len(x),), k)) for k in range(classes)], 1)


def _blind_q(p, mu, var):
    """By integration: the minimum is the normalised product of the Normals, each to the power of its weight."""
    z = torch.linspace(-30, 30, 60_001, dtype=torch.float64)
    log_q = (p[:, None] * D.Normal(mu[:, None], var.sqrt()[:, None]).log_prob(z)).sum(0)
    q = log_q.softmax(0)
    mean = (q * z).sum()
    return mean, (q * (z - mean).square()).sum()


def _best_q(bounds, _logits=None):
    q = D.Categorical(logits=bounds)
    return q.probs, (q.probs * bounds).sum(1) + q.entropy()


def _right_loss(encode, decode, x, c, eps):
    mu, logvar = encode(x, c)
    z = D.Normal(mu, (logvar / 2).exp())
    nll = -D.Bernoulli(logits=decode(z.mean + z.stddev * eps, c), validate_args=False).log_prob(x)
    return (nll.flatten(1).sum(1) + D.kl_divergence(z, D.Normal(0.0, 1.0)).sum(1)).mean()


def _unlabelled(bounds, logits):
    exact = D.Categorical(logits=bounds)
    return bounds.logsumexp(1) - D.kl_divergence(D.Categorical(logits=logits), exact)


def _m2_loss(logits, y, labelled, unlabelled, share, alpha):
    cross = -D.Categorical(logits=logits).log_prob(y).mean()
    return -(share * labelled.mean() + (1 - share) * unlabelled.mean()) + alpha * cross


# --- what is compared, and mistakes that need more than a line ---------------------------------------------------


def _what_reaches_the_decoder(draw, coder, y, z, volume):
    """The images, and the condition that the decoder was given."""
    images = draw(coder.decode, y, z, volume)
    return images, coder.seen[-1] if coder.seen else "the decoder was never called"


def _drawing_inputs(g):
    return Coder(g), _labels(g), normal(8, 3)(g), 2.0 + torch.randint(1, 9, (), generator=g).item()


def _with_gradient(loss, logits, *rest):
    """The loss, and what it says to the classifier."""
    logits = logits.clone().requires_grad_()
    value = loss(logits, *rest)
    if not isinstance(value, torch.Tensor) or not value.requires_grad:
        return value, torch.zeros_like(logits)
    return value.detach(), torch.autograd.grad(value, logits)[0]


def _loss(to_encoder=lambda c: c, to_decoder=lambda c: c):
    """A loss in which encoder or decoder are told something else than c."""

    def loss(encode, decode, x, c, eps):
        mu, logvar = encode(x, to_encoder(c))
        z = mu + (0.5 * logvar).exp() * eps
        nll = F.binary_cross_entropy_with_logits(decode(z, to_decoder(c)), x, reduction="none")
        return (nll.flatten(1).sum(1) + 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(1)).mean()

    return loss


def _silent(c):
    return torch.zeros_like(c)


def _weighted(v, w):
    return (w * v).sum() / w.sum()


def _moments(x):
    """Ink-weighted variance of rows, of columns, and their covariance."""
    r, c = torch.meshgrid(*(torch.arange(n).double() for n in x.shape), indexing="ij")
    r, c = r - _weighted(r, x), c - _weighted(c, x)
    return _weighted(r * r, x), _weighted(c * c, x), _weighted(r * c, x)


def _uncentred_slant(x):
    r, c = torch.meshgrid(*(torch.arange(n).double() for n in x.shape), indexing="ij")
    return -_weighted(r * c, x) / _weighted(r * r, x)


def _same_class(y):
    """The pairs of different images of one class, each once: (N, N)."""
    return (y[:, None] == y).triu(1)


def _shares(classes):
    return F.one_hot(classes, 10).double().mean(0)


EXERCISES = [
    Exercise(
        id="11.1",
        title="A label as the network takes it",
        level=1,
        inputs=lambda g: (_labels(g), 2.0 + torch.randint(1, 9, (), generator=g).item()),
        oracle=_one_hot,
        why="each class gets a column of its own, so no class lies between two others, and the volume says how loud it "
        "is.",
        mistakes=[
            (
                lambda y, v: v * y[:, None].double(),
                "One number says that 3 lies between 2 and 4. Use ten columns.",
            ),
            (lambda y, v: _one_hot(y), "The right column, but the volume is missing: multiply by it."),
            (lambda y, v: _one_hot(y, v).T, "Images are rows and classes columns: (B, 10), not (10, B)."),
            (lambda y, v: v * y[:, None].double().expand(-1, 10), "Ten copies of a number are still one number."),
            (
                lambda y, v: v * (torch.arange(10) <= y[:, None]).double(),
                "Columns up to the class are hot: an order that classes do not have. Only the class itself.",
            ),
        ],
    ),
    Exercise(
        id="11.2",
        title="What the encoder sees",
        level=1,
        inputs=lambda g: (_images(g), normal(8, 5)(g)),
        oracle=_side_by_side,
        why="each row holds the pixels of one image and then its condition.",
        mistakes=[
            (lambda x, c: torch.cat([c, x.flatten(1)], 1), "The pixels come first, then the condition."),
            (lambda x, c: x.flatten(1), "These are the pixels. The condition is missing."),
            (
                lambda x, c: torch.cat([x.flatten(1), c[:1].expand(len(x), -1)], 1),
                "Every image gets the condition of the first. Row i belongs to image i.",
            ),
            (
                lambda x, c: torch.cat([x.flatten(), c.flatten()]),
                "Keep the batch apart: flatten from dimension 1 on, and join along dimension 1.",
            ),
            (
                lambda x, c: x.flatten(1) + c.sum(1, keepdim=True),
                "Adding mixes the condition into the pixels. Put it beside them.",
            ),
        ],
    ),
    Exercise(
        id="11.3",
        title="What a label saves",
        level=2,
        inputs=_likelihoods,
        oracle=_saved,
        why="log p(x|y) − log p(x) = log p(y|x) − log p(y): never more than −log p(y).",
        mistakes=[
            (
                lambda o, p, y: o.gather(1, y[:, None])[:, 0] - (o.logsumexp(1) - math.log(5)),
                "The classes are not equally frequent here. Weigh each p(x|c) with its p(c).",
            ),
            (
                lambda o, p, y: o.gather(1, y[:, None])[:, 0] - (o * p).sum(1),
                "log p(x) is the log of the weighted mean of p(x|c), not the mean of the logs.",
            ),
            (
                lambda o, p, y: (o + p.log()).log_softmax(1).gather(1, y[:, None])[:, 0],
                "This is log p(y|x). It still has to be compared with log p(y).",
            ),
            (lambda o, p, y: -_saved(o, p, y), "The sign is turned: knowing the label usually makes x more likely."),
            (lambda o, p, y: _saved(o, p, y).mean(), "One number an image is wanted. Leave out the mean."),
        ],
    ),
    Exercise(
        id="11.4",
        title="How varied is each class?",
        level=2,
        inputs=_unequal_classes,
        oracle=_spread_within,
        why="each pair of different images of a class counts once, and each class counts the same.",
        mistakes=[
            (
                lambda x, y: torch.stack([torch.cdist(x[y == k], x[y == k]).mean() for k in y.unique()]).mean(),
                "The matrix of all distances has a diagonal of zeros, each image with itself. Leave it out.",
            ),
            (lambda x, y: torch.pdist(x).mean(), "Pairs from different classes count here as well."),
            (
                lambda x, y: torch.cdist(x, x)[_same_class(y)].mean(),
                "The mean over all pairs lets the largest class decide. First a mean a class, then the mean of those.",
            ),
            (
                lambda x, y: torch.stack(
                    [(x[y == k] - x[y == k].mean(0)).norm(dim=1).mean() for k in y.unique()]
                ).mean(),
                "This is the distance to the mean of the class. Take pairs of images.",
            ),
            (
                lambda x, y: torch.stack([torch.pdist(x[y == k]).square().mean() for k in y.unique()]).mean(),
                "Distances, not squared ones.",
            ),
        ],
    ),
    Exercise(
        id="11.5",
        title="The slant of a digit",
        level=2,
        inputs=lambda g: (_tilted_ink(g),),
        oracle=_slant,
        why="it is the slope of the straight line through the ink, with ink as the weight of each pixel; rows count "
        "downwards, hence the sign.",
        mistakes=[
            (lambda x: -_slant(x), "Rows count downwards. A stroke that leans to the right has a positive slant."),
            (
                lambda x: -_moments(x)[2] / _moments(x)[1],
                "Column as a function of row: divide by the rows' variance.",
            ),
            (
                _uncentred_slant,
                "Take the means out first: this line is forced through the corner of the image.",
            ),
            (
                lambda x: -_moments(x)[2] / (_moments(x)[0] * _moments(x)[1]).sqrt(),
                "This is the correlation. The slope divides by the variance of the rows alone.",
            ),
            (
                lambda x: _slant((x > x.mean()).double()),
                "Every pixel counts with its ink, not with 0 or 1.",
            ),
        ],
    ),
    Exercise(
        id="11.6",
        title="Same hand, other digit",
        level=2,
        inputs=_another_digit,
        oracle=_redrawn,
        why="the code is read with the label that the image has, and drawn with the one that is wanted.",
        mistakes=[
            (
                lambda e, d, x, y, w: d(e(x, _one_hot(w))[0], _one_hot(w)),
                "The encoder is told a wrong label. It must know which digit it reads the style off.",
            ),
            (lambda e, d, x, y, w: d(e(x, _one_hot(y))[0], _one_hot(y)), "This redraws the digit as it is."),
            (
                lambda e, d, x, y, w: d(e(x, _one_hot(w))[0], _one_hot(y)),
                "The two labels are exchanged: own label into the encoder, wanted label into the decoder.",
            ),
            (
                lambda e, d, x, y, w: d(torch.zeros_like(e(x, _one_hot(y))[0]), _one_hot(w)),
                "With z = 0 every image gets the same hand. Use the code of the image.",
            ),
            (
                lambda e, d, x, y, w: d(e(x, _one_hot(y))[1], _one_hot(w)),
                "This takes the log-variance for the code. The mean is the first of the two.",
            ),
        ],
    ),
    Exercise(
        id="11.7",
        title="Do two completions agree?",
        level=2,
        inputs=lambda g: (torch.randint(3, (6, 7), generator=g),),
        oracle=_agreement,
        why="each pair of different completions of the same half counts once.",
        mistakes=[
            (
                lambda s: (_shares(s) ** 2).sum(1).mean(),
                "Each completion is compared with itself as well. Take pairs of different ones.",
            ),
            (
                lambda s: _shares(s).max(1).values.mean(),
                "This is the share of the most frequent class. Compare pairs.",
            ),
            (lambda s: (s[0] == s[1]).double().mean(), "Only the first two are compared. Use all pairs."),
            (lambda s: _agreement(s.T), "Compare completions of one half (dimension 0), not halves with each other."),
            (
                lambda s: _agreement(s) * (len(s) - 1) / 2,
                "Divide by the number of pairs, K(K − 1)/2, not by the number of completions.",
            ),
        ],
    ),
    Exercise(
        id="11.8",
        title="Try every label",
        level=2,
        inputs=_bound_function,
        oracle=_bound_of_each,
        why="the images are repeated as a block, once a class, and the result is folded back in the same order.",
        mistakes=[
            (
                lambda f, x, k: f(x.repeat(k, 1), torch.arange(k).repeat(len(x))).view(k, -1).T,
                "Images and classes are both tiled, so they do not meet in all pairs. Use repeat_interleave for one.",
            ),
            (
                lambda f, x, k: f(x.repeat(k, 1), torch.arange(k).repeat_interleave(len(x))).view(-1, k),
                "The classes change slowest: fold to (K, B) first, then transpose.",
            ),
            (lambda f, x, k: _bound_of_each(f, x, k).T, "One row an image is wanted: (B, K)."),
            (lambda f, x, k: _bound_of_each(f, x, k).max(1).values, "All K bounds are wanted, not the largest."),
        ],
    ),
    Exercise(
        id="11.9",
        title="The best classifier for a bound",
        level=3,
        inputs=lambda g: (_bounds_and_logits(g)[0],),
        oracle=_best_q,
        why="the bound is logsumexp of the labelled bounds minus KL(q || softmax of them), and that KL can be 0.",
        mistakes=[
            (
                lambda b: (F.one_hot(b.argmax(1), 4).double(), b.max(1).values),
                "Putting all on the largest gives up the entropy. A softer q does better.",
            ),
            (
                lambda b: (b.softmax(1), (b.softmax(1) * b).sum(1)),
                "The right q, but the value lacks its entropy.",
            ),
            (
                lambda b: (torch.full_like(b, 0.25), b.mean(1) + math.log(4)),
                "The uniform q has the most entropy, but ignores the bounds.",
            ),
            (
                lambda b: (b.softmax(0), b.logsumexp(1)),
                "The value is right. q must sum to 1 over the classes (dimension 1).",
            ),
            (
                lambda b: (b.softmax(1), b.logsumexp(1) - math.log(4)),
                "Sum over the classes, no mean: log p(y) is inside the bounds already.",
            ),
        ],
    ),
    Exercise(
        id="11.10",
        title="The best encoder that is not told",
        level=3,
        inputs=_posteriors,
        oracle=_blind_q,
        why="the minimum is the product of the posteriors, each to the power of its p(c|x): precisions and "
        "precision-weighted means add up.",
        mistakes=[
            (
                lambda p, m, v: ((p * m).sum(), (p * (v + m**2)).sum() - (p * m).sum() ** 2),
                "These are the moments of the mixture, which minimise the KL the other way round.",
            ),
            (
                lambda p, m, v: ((p * m).sum(), 1 / (p / v).sum()),
                "The variance is right. Weigh the means by their precision as well.",
            ),
            (
                lambda p, m, v: ((p * m / v).sum() / (p / v).sum(), (p * v).sum()),
                "The mean is right. Precisions are averaged, not variances.",
            ),
            (
                lambda p, m, v: ((m / v).sum() / (1 / v).sum(), len(p) / (1 / v).sum()),
                "The classes are not equally likely given x: weigh with p.",
            ),
            (
                lambda p, m, v: ((p * m / v).sum() / (p / v).sum(), (p / v).sum()),
                "This is the precision. The variance is one over it.",
            ),
        ],
    ),
    Exercise(
        id="11.11",
        title="Spot the bug: ask for a 7, get anything",
        level=2,
        inputs=_coder_and_batch,
        oracle=_right_loss,
        handed_over=_loss(to_decoder=_silent),
        why="the decoder is told what to draw, and z need not say it.",
        mistakes=[
            (
                _loss(_silent),
                "Now only the decoder is told. That is a valid bound, but a looser one: tell the encoder as well.",
            ),
            (
                _loss(_silent, _silent),
                "Now nobody is told: this is the plain VAE.",
            ),
            (
                _loss(to_decoder=torch.ones_like),
                "A constant says as little as zeros. Give the decoder c.",
            ),
            (
                _loss(to_decoder=lambda c: c.roll(1, 0)),
                "Each image gets the condition of its neighbour in the batch.",
            ),
        ],
    ),
    Exercise(
        id="11.12",
        title="Spot the bug: the classes run into each other",
        level=2,
        inputs=lambda g: (torch.randperm(10, generator=g),),
        oracle=_one_hot,
        handed_over=lambda y: (y[:, None] / 9).double().expand(-1, 10),
        why="all classes are now equally far from each other, and a straight line can tell any of them from the rest.",
        mistakes=[
            (
                lambda y: (2 * y[:, None] / 9 - 1).double().expand(-1, 10),
                "Centring does not help: it is still one number, and 4 still lies half way between 3 and 5.",
            ),
            (
                lambda y: (torch.arange(10) <= y[:, None]).double(),
                "This code has an order: going from 0 to 9 passes through all others. Digits have none.",
            ),
            (
                lambda y: _one_hot(y)[:, 1:],
                "Nine columns: class 0 has none of its own. Keep all ten.",
            ),
            (
                lambda y: torch.stack([(y >> bit) & 1 for bit in range(10)], 1).double(),
                "Binary digits make 3 the sum of 1 and 2. Give each class a column of its own.",
            ),
        ],
    ),
    Exercise(
        id="11.13",
        title="Spot the bug: trained loud, asked softly",
        level=2,
        inputs=_drawing_inputs,
        measure=_what_reaches_the_decoder,
        oracle=lambda decoder, y, z, volume: decoder(z, _one_hot(y, volume)),
        handed_over=lambda decoder, y, z, volume: decoder(z, _one_hot(y)),
        why="the decoder is asked in the units in which it was trained.",
        mistakes=[
            (
                lambda d, y, z, v: d(v * z, _one_hot(y)),
                "The code is turned up instead of the label.",
            ),
            (
                lambda d, y, z, v: d(z, _one_hot(y) / v),
                "Even softer: multiply by the volume.",
            ),
            (lambda d, y, z, v: d(z, _one_hot(y, v**2)), "Once is enough."),
            (
                lambda d, y, z, v: d(z, _one_hot(y) + v),
                "The volume belongs to the class alone. Here all ten columns are raised.",
            ),
        ],
    ),
    Exercise(
        id="11.14",
        title="Spot the bug: sure of everything",
        level=3,
        inputs=_bounds_and_logits,
        oracle=_unlabelled,
        handed_over=lambda b, o: (o.log_softmax(1) + b).logsumexp(1),
        why="the mean of the bounds plus the entropy is largest at q(y|x) = softmax of the bounds, not at certainty.",
        mistakes=[
            (
                lambda b, o: (o.softmax(1) * b).sum(1),
                "The mean of the bounds is right, but without the entropy it is still best to be certain.",
            ),
            (
                lambda b, o: (o.softmax(1) * (b + o.log_softmax(1))).sum(1),
                "The entropy is −Σ q log q: it is subtracted here.",
            ),
            (
                lambda b, o: b.logsumexp(1),
                "A valid bound, with the best q inside. But the classifier does not occur in it, so it learns nothing.",
            ),
            (
                lambda b, o: b.mean(1) + D.Categorical(logits=o).entropy(),
                "Weigh each bound with q(y|x). The plain mean makes no difference between classes.",
            ),
            (
                lambda b, o: _unlabelled(b, o).mean(),
                "One number an image is wanted. Leave out the mean.",
            ),
        ],
    ),
    Exercise(
        id="11.15",
        title="Spot the bug: labels that teach nothing",
        level=2,
        inputs=_m2_parts,
        measure=_with_gradient,
        oracle=_m2_loss,
        handed_over=lambda o, y, la, u, share, alpha: -(share * la.mean() + (1 - share) * u.mean()),
        why="q(y|x) does not occur in the labelled bound; the cross-entropy is what the labels say to it.",
        mistakes=[
            (
                lambda o, y, la, u, share, alpha: _m2_loss(o, y, la, u, share, -alpha),
                "The log-likelihood of the labels is to be large: its negative is added to the loss.",
            ),
            (
                lambda o, y, la, u, share, alpha: _m2_loss(o, y, la, u, share, 1.0),
                "The cross-entropy is there. Weigh it with alpha.",
            ),
            (
                lambda o, y, la, u, share, alpha: _m2_loss(o, y, la, u, share, alpha * len(y)),
                "Mean over the labelled images, as for the bounds.",
            ),
            (
                lambda o, y, la, u, share, alpha: _m2_loss(o.detach(), y, la, u, share, alpha),
                "The value is right, but no gradient reaches the classifier.",
            ),
        ],
    ),
]


QUIZ = [
    Question(
        "A perfect model of p(x) and a perfect model of p(x|c), ten equally frequent classes. How much lower is the "
        "second one's mean loss?",
        [
            ("About as many nats as z has coordinates", "The size of z does not matter to perfect models."),
            ("At most log 10 = 2.3 nats", "Right: the difference is the information between x and c, at most H(c)."),
            ("Without limit, if the classes differ enough", "It is bounded by what there is to know about c: H(c)."),
        ],
        1,
    ),
    Question(
        "The posterior of a conditional model is exact. What does z, drawn from q(z|x, c), say about c?",
        [
            ("Nothing, over all images", "Right: in each class the codes together follow the prior, the same one."),
            ("Everything", "z describes x, but in each class the codes fill the same N(0, I)."),
            ("As much as in the plain VAE", "There, z is the only way to tell the decoder the class."),
        ],
        0,
    ),
    Question(
        "A model gives the asked class in 100 % of the cases. What else must you measure?",
        [
            ("Nothing; it obeys", "Ten class means obey perfectly."),
            ("Its loss on test images", "Useful, but the loss did not tell obedient models from disobedient ones."),
            ("How varied the images of a class are, and how new", "Right: class means and copies fail there."),
        ],
        2,
    ),
    Question(
        "Half an image is given, and it could go on as a 4 or as a 9. What does the network with the least squared "
        "error or cross-entropy answer?",
        [
            ("A mixture of both, laid over each other", "Right: the best single answer is the mean."),
            ("The likelier of the two", "That would be best for the share of exact hits, not for a pixelwise loss."),
            ("A random one of the two", "A deterministic network gives one answer, always the same."),
        ],
        0,
    ),
    Question(
        "Why is the entropy of q(y|x) in M2's bound for an image without a label?",
        [
            ("To make the classifier certain", "It rewards uncertainty."),
            ("y is a latent variable there, and a bound has −log q of all of them", "Right: Jensen, with y and z."),
            ("To balance the classes of a batch", "It is taken for each image by itself."),
        ],
        1,
    ),
    Question(
        "M2 is trained without the cross-entropy term. What do the labels do?",
        [
            ("They train the classifier through the labelled bound", "q(y|x) does not occur in that bound."),
            ("They train the conditional VAE only", "Right: the classifier hears of them at most indirectly."),
            ("Nothing at all", "The labelled bound still trains encoder and decoder."),
        ],
        1,
    ),
]
