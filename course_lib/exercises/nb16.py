"""Exercises and quiz of 16_conditional_gan."""

import torch
from torch.distributions import Normal
from torch.nn import functional as F

from .inputs import normal, simplex, together, uniform
from .records import Exercise, Question

TITLE = "Conditional adversarial networks"


# --- pairs and conditions ---------------------------------------------------------------------------------------


def _densities(generator):
    """log p(x|y) and log q(x|y) of 6 points under 3 labels, both kinds of label frequencies, and the labels."""
    log_p, log_q = normal(6, 3)(generator), normal(6, 3)(generator)
    return log_p, log_q, simplex(3)(generator), simplex(3)(generator), torch.randint(3, (6,), generator=generator)


def _own(table, y):
    return table.gather(1, y[:, None])[:, 0]


def _best_of_pairs(log_p, log_q, p_y, q_y, y):
    return torch.sigmoid(_own(log_p + p_y.log(), y) - _own(log_q + q_y.log(), y))


def _not_told(log_p, log_q, p_y, q_y, y):
    return torch.sigmoid((log_p + p_y.log()).logsumexp(1) - (log_q + q_y.log()).logsumexp(1))


def _images_and_labels(generator):
    return uniform(4, 1, 3, 2)(generator), torch.tensor([2, 0, 3, 2]), 4


def _planes(x, y, classes):
    blank = x.new_zeros(len(x), classes, *x.shape[2:])
    for i, label in enumerate(y.tolist()):
        blank[i, label] = 1
    return torch.cat([x, blank], 1)


# --- scores and losses ------------------------------------------------------------------------------------------


def _features(generator):
    given = together(normal(5, 4), normal(4), normal(1), normal(3, 4))(generator)
    return *given, torch.tensor([2, 0, 1, 2, 2])


def _projection(phi, psi, bias, v, y):
    return F.bilinear(F.one_hot(y, len(v)).double(), phi, v[None])[:, 0] + F.linear(phi, psi[None], bias)[:, 0]


def _shifted(generator):
    m, m_fake = normal(3, 2)(generator), normal(3, 2)(generator)
    return m, m_fake, 0.5 + torch.rand((), generator=generator, dtype=torch.float64)


def _log_ratio(m, m_fake, sd):
    """The slope and the value at 0 of log p(x|y) − log q(x|y), by autograd."""
    at = torch.zeros_like(m, requires_grad=True)
    ratio = (Normal(m, sd).log_prob(at) - Normal(m_fake, sd).log_prob(at)).sum(1)
    return torch.autograd.grad(ratio.sum(), at)[0], ratio.detach()


def _lines(slope, offset):
    return lambda m, m_fake, sd: (slope(m, m_fake, sd), offset(m, m_fake, sd))


def _slope(m, m_fake, sd):
    return (m - m_fake) / sd**2


def _offset(m, m_fake, sd):
    return (m_fake.square() - m.square()).sum(1) / (2 * sd**2)


def _judged(generator):
    scores, logits = normal(5, scale=2.0)(generator), normal(5, 4, scale=2.0)(generator)
    return scores, logits, torch.randint(4, (5,), generator=generator), 0.3


def _auxiliary(scores, logits, y, weight):
    fooled = F.binary_cross_entropy_with_logits(scores, torch.ones_like(scores), reduction="none")
    return fooled + weight * F.cross_entropy(logits, y, reduction="none")


def _auxiliary_with(fool=lambda s: F.softplus(-s), wrong=lambda f, y: F.cross_entropy(f, y, reduction="none"), sign=1):
    return lambda scores, logits, y, weight: fool(scores) + sign * weight * wrong(logits, y)


# --- truncation -------------------------------------------------------------------------------------------------


def _evenly(generator):
    return uniform(4, 3, low=0.001, high=0.999)(generator), 0.7


def _truncated(u, threshold):
    from scipy.stats import truncnorm

    return torch.from_numpy(truncnorm.ppf(u.numpy(), -threshold, threshold))


def _normal(u):
    return Normal(0.0, 1.0).icdf(u)


# --- the bugs ---------------------------------------------------------------------------------------------------


def _perfect(generator):
    """A perfect generator and a discriminator that knows it: what counts is whether labels fit samples."""
    centres = 5 * normal(4)(generator)
    y = torch.tensor([0, 3, 1, 1, 2, 0, 3, 2])
    x = centres[y] + normal(8)(generator)
    return (
        lambda z, asked: centres[asked] + z,
        lambda x, asked: -(x - centres[asked]).square(),
        x,
        y,
        normal(8)(generator),
    )


def _by_distance(generator, discriminator, x, y, z):
    """The score of a fitting pair is −(x − centre)², which for generated samples is −z²."""
    return discriminator(x, y), -z.square()


def _anew(y):
    return y[torch.randperm(len(y))]


def _handed_labels(generator, discriminator, x, y, z):
    return discriminator(x, y), discriminator(generator(z, y), _anew(y))


def _two_batches(generator):
    weights = normal(3, 4)(generator)
    y, asked = torch.randint(4, (6,), generator=generator), torch.randint(4, (6,), generator=generator)
    return (lambda x: x @ weights), normal(6, 3)(generator), y, normal(6, 3)(generator), asked


def _both_taught(classify, real, y, fake, asked):
    parts = ((classify(real), y), (classify(fake), asked))
    return sum(F.nll_loss(logits.log_softmax(1), labels) for logits, labels in parts)


# --- pictures from pictures -------------------------------------------------------------------------------------


def _layers(generator):
    """Kernels and strides of four convolutions."""
    kernels, strides = torch.randint(2, 6, (4,), generator=generator), torch.randint(1, 4, (4,), generator=generator)
    return kernels.tolist(), [2, *strides[1:].tolist()]


def _seen(kernels, strides):
    """From the first to the last number that has a gradient, through convolutions of ones on a line."""
    line = torch.zeros(1, 1, 2000, dtype=torch.float64, requires_grad=True)
    out = line
    for kernel, stride in zip(kernels, strides, strict=True):
        out = F.conv1d(out, torch.ones(1, 1, kernel, dtype=torch.float64), stride=stride)
    (slope,) = torch.autograd.grad(out[0, 0, 0], line)
    at = slope[0, 0].nonzero()
    return int(at.max() - at.min()) + 1


def _field(step=lambda kernel: kernel - 1, before=True, start=1):
    """The usual recursion; `before`: a layer's own stride counts after it."""

    def width(kernels, strides):
        total, apart = start, 1
        for kernel, stride in zip(kernels, strides, strict=True):
            apart = apart if before else apart * stride
            total += step(kernel) * apart
            apart = apart * stride if before else apart
        return total

    return width


def _round_trips(generator):
    """Two maps that do not undo each other, and pictures of both sets."""
    a, b, c = (normal(2)(generator) for _ in range(3))
    maps = (lambda x: a[0] * x + a[1] + x.square()), (lambda y: b[0] * y + b[1] + c[0] * y.square())
    return *maps, uniform(4, 3, 5, 5)(generator), uniform(4, 3, 5, 5)(generator)


def _cycle(there, back, x, y):
    trips = ((back(there(x)), x), (there(back(y)), y))
    return sum(torch.stack([F.l1_loss(a, b, reduction="sum") for a, b in zip(u, v, strict=True)]) for u, v in trips)


def _l1(x_hat, x):
    return (x_hat - x).abs().flatten(1).sum(1)


def _palette(generator):
    return uniform(5, 3)(generator), simplex(5)(generator)


def _best_colour(colours, p):
    """By trying: the minimum of a convex function with kinks at the given values lies at one of them."""
    cost = ((colours[:, None] - colours).abs() * p[:, None]).sum(1)  # of value k in each channel
    return colours.gather(0, cost.argmin(0, keepdim=True))[0]


def _outer_median(colours, p):
    """The colour whose total distance is smallest, all channels at once."""
    return colours[((colours[:, None] - colours).abs().sum(2) * p).sum(1).argmin()]


# --- the bugs ---------------------------------------------------------------------------------------------------


def _hybrid(generator):
    """Three small networks as functions of their weights (wanting gradients), a batch, and both noises."""
    encode, decode, judge = (normal(*shape)(generator).requires_grad_() for shape in ((4, 6), (3, 4), (4,)))
    networks = (lambda x: (x @ encode).chunk(2, 1)), (lambda z: torch.tanh(z @ decode)), (lambda x: x.tanh() @ judge)
    draws = together(normal(5, 4), normal(5, 3), normal(5, 3))(generator)
    return *networks, *draws, (encode, decode, judge)


def _moved(answer, *inputs):
    """The losses, and the gradient that each of the three networks gets."""
    *given, weights = inputs
    loss = answer(*given)
    if not loss.requires_grad:
        return loss, *(torch.zeros_like(w) for w in weights)
    slopes = torch.autograd.grad(loss.sum(), weights, allow_unused=True)
    return loss, *(torch.zeros_like(w) if s is None else s for w, s in zip(weights, slopes, strict=True))


def _log_of_chance(scores, real):
    target = torch.full_like(scores, float(real))
    return F.binary_cross_entropy_with_logits(scores, target, reduction="none")


def _only_the_judge(encoder, decoder, discriminator, x, eps, z, *_):
    """With numbers in the place of fakes, nothing behind them can learn."""
    mu, logvar = (part.detach() for part in encoder(x))
    fakes = torch.stack([decoder(torch.addcmul(mu, logvar.div(2).exp(), eps)), decoder(z)]).detach()
    return _log_of_chance(discriminator(x), 1) + _log_of_chance(discriminator(fakes), 0).mean(0)


def _judging(rebuilt=torch.detach, drawn=torch.detach, real=1.0, share=0.5, scored=lambda s: s):
    """The loss with one thing changed: what is done to both fakes, and the weights of the parts."""

    def loss(encoder, decoder, discriminator, x, eps, z, *_):
        mu, logvar = encoder(x)
        fakes = rebuilt(decoder(mu + (0.5 * logvar).exp() * eps)), drawn(decoder(z))
        caught = sum(F.softplus(scored(discriminator(fake))) for fake in fakes)
        return real * F.softplus(-discriminator(x)) + share * caught

    return loss


def _itself(x):
    return x


def _half_detached(encoder, decoder, discriminator, x, eps, z, *_):
    """mu and logvar are cut off, the decoder is not."""
    mu, logvar = (part.detach() for part in encoder(x))
    fakes = decoder(mu + (0.5 * logvar).exp() * eps), decoder(z).detach()
    return F.softplus(-discriminator(x)) + 0.5 * sum(F.softplus(discriminator(fake)) for fake in fakes)


def _painted(generator):
    return *together(normal(4, 3, 3), uniform(4, 3, 6, 6), uniform(4, 3, 6, 6))(generator), 0.01


def _paint(scores, painted, picture, weight):
    fooled = _log_of_chance(scores, 1).flatten(1).sum(1) / scores[0].numel()
    return fooled + weight * torch.stack([torch.dist(a, b, p=1) for a, b in zip(painted, picture, strict=True)])


def _painting(fool=lambda s: F.softplus(-s).mean((1, 2)), far=_l1):
    return lambda scores, painted, picture, weight: fool(scores) + weight * far(painted, picture)


def _mean_apart(painted, picture):
    return (painted - picture).abs().mean((1, 2, 3))


EXERCISES = [
    Exercise(
        id="16.1",
        title="The best discriminator of pairs",
        level=1,
        inputs=_densities,
        oracle=_best_of_pairs,
        why="a pair's density is p(y) p(x|y), or q(y) q(x|y); the best D is the first over the sum of both.",
        mistakes=[
            (
                lambda p, q, p_y, q_y, y: torch.sigmoid(_own(p - q, y)),
                "The label frequencies only cancel if both are alike. Here the fakes' labels are drawn differently.",
            ),
            (_not_told, "This is the best D that sees x alone: you summed over the labels."),
            (
                lambda p, q, p_y, q_y, y: 1 - _best_of_pairs(p, q, p_y, q_y, y),
                "This is the probability that the pair is generated. D states that it is real.",
            ),
            (
                lambda p, q, p_y, q_y, y: _own(p + p_y.log() - q - q_y.log(), y),
                "This is the best logit. Send it through a sigmoid.",
            ),
            (
                lambda p, q, p_y, q_y, y: _own(p / (p + q), y),
                "These are log densities. Take exp before you divide.",
            ),
            (
                lambda p, q, p_y, q_y, y: _best_of_pairs(p, q, q_y, p_y, y),
                "The frequencies are exchanged: p_y belongs to the real pairs.",
            ),
        ],
    ),
    Exercise(
        id="16.2",
        title="A label as planes",
        level=1,
        inputs=_images_and_labels,
        oracle=_planes,
        why="each pixel then sees the whole label beside it, so a convolution can use it anywhere in the image.",
        mistakes=[
            (
                lambda x, y, k: torch.cat([x, y[:, None, None, None].double().expand(-1, 1, *x.shape[2:])], 1),
                "One plane of label numbers says that 2 lies between 1 and 3. Use one plane for each class.",
            ),
            (
                lambda x, y, k: torch.cat([_planes(x, y, k)[:, 1:], x], 1),
                "The planes stand before the image. The image comes first.",
            ),
            (lambda x, y, k: _planes(x, y, k)[:, 1:], "The image itself is missing."),
            (
                lambda x, y, k: torch.cat([x, x * _planes(x, y, k)[:, 1:]], 1),
                "The planes hold the image again. Constant planes of 0 and 1 are wanted.",
            ),
            (
                lambda x, y, k: torch.cat([x, 1 - _planes(x, y, k)[:, 1:]], 1),
                "0 and 1 are exchanged: the plane of the class holds ones.",
            ),
        ],
    ),
    Exercise(
        id="16.3",
        title="The score of a projection",
        level=2,
        inputs=_features,
        oracle=_projection,
        why="the class enters as a product with the features, and ψ holds what does not depend on the class.",
        mistakes=[
            (lambda phi, psi, b, v, y: phi @ psi + b, "The label plays no part here: add v_y · φ."),
            (
                lambda phi, psi, b, v, y: (v[y] * phi).sum(1),
                "ψ is missing: what can be said about x without the label.",
            ),
            (
                lambda phi, psi, b, v, y: phi @ psi + b + (phi @ v.T).sum(1),
                "You added the products of all classes. Only that of the label counts.",
            ),
            (
                lambda phi, psi, b, v, y: phi @ psi + b + (phi @ v.T).log_softmax(1)[torch.arange(len(y)), y],
                "No softmax: its normaliser does not depend on y, so ψ takes care of it.",
            ),
            (
                lambda phi, psi, b, v, y: phi @ psi + b + (v[y] * phi).mean(1),
                "A product of two vectors sums over the features. You took their mean.",
            ),
            (
                lambda phi, psi, b, v, y: phi @ psi + b + v[y].sum(1),
                "v_y is added, not multiplied with φ. Then the label shifts the score and never looks at x.",
            ),
        ],
    ),
    Exercise(
        id="16.4",
        title="The vectors of a projection, exactly",
        level=3,
        inputs=_shifted,
        oracle=_log_ratio,
        why="the squares of x cancel in log p(x|y) − log q(x|y): a line is left, with a slope for each label.",
        mistakes=[
            (
                _lines(lambda m, f, sd: -_slope(m, f, sd), lambda m, f, sd: -_offset(m, f, sd)),
                "The sign is turned: real samples should score high, so the slope points to their centre.",
            ),
            (_lines(lambda m, f, sd: m - f, lambda m, f, sd: sd**2 * _offset(m, f, sd)), "Divide both by σ²."),
            (
                _lines(lambda m, f, sd: (m - f) / sd, lambda m, f, sd: sd * _offset(m, f, sd)),
                "The exponent of a Normal has σ², not σ.",
            ),
            (_lines(_slope, lambda m, f, sd: 2 * _offset(m, f, sd)), "The offset lacks the ½ of the exponent."),
            (
                _lines(_slope, lambda m, f, sd: -_offset(m, f, sd)),
                "The slope is right. The offset has the wrong sign: the log-ratio is 0 half way between the centres.",
            ),
            (
                _lines(_slope, lambda m, f, sd: 0 * _offset(m, f, sd)),
                "The slope is right. A line also has a value at 0, and it depends on the label.",
            ),
        ],
    ),
    Exercise(
        id="16.5",
        title="The generator's loss with an auxiliary classifier",
        level=2,
        inputs=_judged,
        oracle=_auxiliary,
        why="the generator wants to fool D, and wants its sample to be recognised as what was asked for.",
        mistakes=[
            (
                _auxiliary_with(sign=-1),
                "The sign of the second part is turned: this generator hides the class it was asked for.",
            ),
            (
                _auxiliary_with(wrong=lambda f, y: F.cross_entropy(f.softmax(1), y, reduction="none")),
                "`cross_entropy` takes logits. After a softmax of your own it takes a second one.",
            ),
            (
                lambda s, f, y, w: F.softplus(-s) + F.cross_entropy(f, y, reduction="none"),
                "The weight is missing.",
            ),
            (lambda s, f, y, w: F.softplus(-s), "The class plays no part here."),
            (
                _auxiliary_with(fool=F.softplus),
                "This is the discriminator's loss on fakes. The generator wants its scores high.",
            ),
            (
                _auxiliary_with(fool=lambda s: -F.softplus(s)),
                "This is the minimax loss of notebook 13. The non-saturating one is wanted.",
            ),
            (
                lambda s, f, y, w: F.softplus(-s) + w * F.cross_entropy(f, y),
                "`cross_entropy` takes the mean over the batch by itself. Give it reduction='none'.",
            ),
            (
                lambda s, f, y, w: _auxiliary(s, f, y, w).mean(),
                "One number a sample is wanted. Leave the mean to the caller.",
            ),
            (
                _auxiliary_with(wrong=lambda f, y: -f.gather(1, y[:, None])[:, 0]),
                "These are raw logits. −log C(y|x) needs the log-softmax over the classes.",
            ),
        ],
    ),
    Exercise(
        id="16.6",
        title="A Normal, truncated",
        level=2,
        inputs=_evenly,
        oracle=_truncated,
        why="squeeze u into the part of (0, 1) that lies between Φ(−t) and Φ(t), then invert Φ.",
        mistakes=[
            (
                lambda u, t: _normal(u).clamp(-t, t),
                "Clamping piles up what lies outside at ±t exactly. Draw from the inside only.",
            ),
            (
                lambda u, t: t * _normal(u),
                "This scales: a Normal of standard deviation t, which still reaches anywhere.",
            ),
            (lambda u, t: t * (2 * u - 1), "This is even between −t and t. A truncated Normal is densest at 0."),
            (lambda u, t: _normal(u), "Nothing is truncated yet."),
            (
                lambda u, t: _normal(u * Normal(0.0, 1.0).cdf(torch.tensor(t).double())),
                "Only the right end is cut off. Cut at −t as well.",
            ),
        ],
    ),
    Exercise(
        id="16.7",
        title="How much a patch is",
        level=2,
        inputs=_layers,
        oracle=_seen,
        why="each layer adds its kernel less 1, in steps as long as all strides before it make them.",
        mistakes=[
            (lambda k, s: 1 + sum(k) - len(k), "Strides widen the view: later layers step over several pixels."),
            (_field(step=lambda kernel: kernel), "A kernel of k adds k − 1 steps, since one place is counted already."),
            (
                _field(before=False),
                "A layer's own stride does not widen what it sees itself. It counts for the layers after it.",
            ),
            (_field(start=0), "Off by one: without any layer, one pixel is seen."),
            (lambda k, s: k[0] * k[1] * k[2] * k[3], "Kernels overlap, so their sizes do not multiply."),
            (lambda k, s: s[0] * s[1] * s[2] * s[3], "This is how far apart two neighbours at the end look."),
            (
                lambda k, s: _field()(k[::-1], s[::-1]),
                "You went through the layers from the last to the first, with strides of later layers.",
            ),
        ],
    ),
    Exercise(
        id="16.8",
        title="There and back, twice",
        level=1,
        inputs=_round_trips,
        oracle=_cycle,
        why="each trip ends in the set where it began, so it is compared with its own start.",
        mistakes=[
            (lambda g, f, x, y: _l1(f(g(x)), x), "One trip is missing: from the second set, through the first."),
            (lambda g, f, x, y: _l1(g(f(y)), y), "One trip is missing: from the first set, through the second."),
            (
                lambda g, f, x, y: _l1(g(x), y) + _l1(f(y), x),
                "This compares x with y, as if they were pairs. Nobody says that they belong together.",
            ),
            (
                lambda g, f, x, y: _l1(f(g(x)), y) + _l1(g(f(y)), x),
                "Each trip is compared with a picture of the other set. Compare it with its own start.",
            ),
            (
                lambda g, f, x, y: _l1(g(f(x)), x) + _l1(f(g(y)), y),
                "The order is turned: `there` takes pictures of the first set only.",
            ),
            (
                lambda g, f, x, y: (f(g(x)) - x).abs().mean((1, 2, 3)) + (g(f(y)) - y).abs().mean((1, 2, 3)),
                "This is the mean over the pixels. The sum is wanted.",
            ),
            (
                lambda g, f, x, y: (f(g(x)) - x).flatten(1).square().sum(1) + (g(f(y)) - y).flatten(1).square().sum(1),
                "L1 is the absolute difference. You squared it.",
            ),
            (
                lambda g, f, x, y: (_l1(f(g(x)), x) + _l1(g(f(y)), y)).mean(),
                "One number a sample is wanted. The mean over the batch is the caller's.",
            ),
        ],
    ),
    Exercise(
        id="16.9",
        title="The colour that L1 paints",
        level=3,
        inputs=_palette,
        oracle=_best_colour,
        why="a median has as much probability below as above, in each channel for itself; so it may be a colour that "
        "never occurs.",
        mistakes=[
            (lambda c, p: p @ c, "This is the mean, which minimises the squared error."),
            (lambda c, p: c.median(0).values, "This is the median of the list. The colours are not equally probable."),
            (lambda c, p: c[p.argmax()], "The most probable colour is not the nearest to all the others."),
            (lambda c, p: (c.amax(0) + c.amin(0)) / 2, "Half way between the extremes minimises the *largest* error."),
            (
                _outer_median,
                "You chose among the given colours. Channels are free: take the best value in each for itself.",
            ),
            (lambda c, p: c.mean(0), "This mean leaves out the probabilities, and a mean is not what L1 asks for."),
        ],
    ),
    Exercise(
        id="16.10",
        title="Spot the bug: labels of another batch",
        level=2,
        inputs=_perfect,
        oracle=_by_distance,
        handed_over=_handed_labels,
        why="a generated pair is a sample with the label that it was asked for; now a perfect generator passes.",
        mistakes=[
            (
                lambda G, D, x, y, z: (D(x, y), D(G(z, _anew(y)), y)),
                "Now the generator gets shuffled labels, and D the others. Both have to see the same.",
            ),
            (
                lambda G, D, x, y, z: (D(x, _anew(y)), D(G(z, y), y)),
                "The generated pairs fit now. But the real ones have lost their own labels.",
            ),
            (
                lambda G, D, x, y, z: (D(x, y), D(x, _anew(y))),
                "These are real samples with wrong labels. The generator's are missing.",
            ),
            (
                lambda G, D, x, y, z: (D(x, y), D(G(z, y), 0 * y)),
                "D takes each generated sample for label 0. Show it the label that was asked for.",
            ),
            (
                lambda G, D, x, y, z: (D(x, y), D(G(z, y), y.flip(0))),
                "Reversed labels are other labels. Sample i was asked for y[i].",
            ),
        ],
    ),
    Exercise(
        id="16.11",
        title="Spot the bug: a private language",
        level=3,
        inputs=_two_batches,
        oracle=_both_taught,
        handed_over=lambda classify, real, y, fake, asked: F.cross_entropy(classify(fake), asked),
        why="real samples with their labels say what a label means; without them the players may agree on anything.",
        mistakes=[
            (
                lambda classify, real, y, fake, asked: F.cross_entropy(classify(real), y),
                "This teaches the meaning. In section 2 the classifier learns from generated pairs as well: add them.",
            ),
            (
                lambda classify, real, y, fake, asked: (
                    F.cross_entropy(classify(real), asked) + F.cross_entropy(classify(fake), asked)
                ),
                "The real samples have labels of their own, y.",
            ),
            (
                lambda classify, real, y, fake, asked: (
                    F.cross_entropy(classify(real), y) + F.cross_entropy(classify(fake), y)
                ),
                "The generated samples were asked for other labels, `asked`.",
            ),
            (
                lambda classify, real, y, fake, asked: F.cross_entropy(
                    classify(torch.cat([real, fake])), torch.cat([y, asked])
                ),
                "The mean over both batches is half of the sum of their means, which is wanted.",
            ),
            (
                lambda classify, real, y, fake, asked: (
                    F.cross_entropy(classify(real), y) - F.cross_entropy(classify(fake), asked)
                ),
                "With this sign the classifier unlearns what the generator makes.",
            ),
        ],
    ),
    Exercise(
        id="16.12",
        title="Spot the bug: a judge that teaches the encoder",
        level=2,
        inputs=_hybrid,
        oracle=_only_the_judge,
        measure=_moved,
        handed_over=_judging(rebuilt=_itself),
        why="in the discriminator's loss fakes are given; whoever made them must not learn to be caught.",
        mistakes=[
            (
                _half_detached,
                "The encoder is left alone now. The decoder still learns from its reconstructions to be caught.",
            ),
            (
                _judging(rebuilt=_itself, drawn=_itself),
                "Now the samples have a gradient as well. Both kinds of fakes have to be cut off.",
            ),
            (
                _judging(drawn=_itself),
                "The reconstructions are cut off now, but the samples no longer are: the decoder learns from them.",
            ),
            (
                _judging(scored=torch.detach),
                "You cut off the scores. Now the discriminator does not learn from fakes either.",
            ),
            (_judging(share=1.0), "The gradients are right. The two kinds of fakes weigh half each, as before."),
            (_judging(real=0.0), "The real images are missing."),
            (_judging(share=0.0), "The fakes are missing. A discriminator needs both sides."),
        ],
    ),
    Exercise(
        id="16.13",
        title="Spot the bug: a painter that ignores the drawing",
        level=3,
        inputs=_painted,
        oracle=_paint,
        handed_over=_painting(far=_mean_apart),
        why="summed over 3 · H · W numbers, it is thousands of times its mean; λ was meant for the sum.",
        mistakes=[
            (
                _painting(fool=lambda s: F.softplus(-s).sum((1, 2))),
                "The distance is right. But the scores were a mean over the patches, as λ expects.",
            ),
            (
                _painting(fool=lambda s: F.softplus(-s).sum((1, 2)), far=_mean_apart),
                "You summed the scores. The part that is too small is the other one.",
            ),
            (
                _painting(fool=lambda s: F.softplus(-s).mean(), far=lambda a, b: (a - b).abs().sum() / len(a)),
                "The sizes are right on average. But each sample has a loss of its own, (B,).",
            ),
            (
                _painting(far=lambda a, b: (a - b).square().flatten(1).sum(1)),
                "You sum now, but squares. The distance is an absolute one.",
            ),
            (
                _painting(far=lambda a, b: (a - b).abs().sum()),
                "This sums over the batch too, so the weight depends on how many samples there are.",
            ),
            (
                _painting(far=lambda a, b: (a - b).abs().sum((2, 3)).mean(1)),
                "The mean over the channels is left. Sum over these as well.",
            ),
            (
                lambda s, a, b, w: F.softplus(-s).mean((1, 2)) - w * _l1(a, b),
                "The sign is turned: this painter is rewarded for being wrong.",
            ),
            (
                _painting(fool=lambda s: F.softplus(s).mean((1, 2))),
                "The distance is right. Now the painter wants low scores; it should want high ones.",
            ),
        ],
    ),
]


QUIZ = [
    Question(
        "A conditional GAN fills all ten digits evenly, its samples look good, its losses are as usual. You ask for a "
        "7 and get anything. What do you look at first?",
        [
            ("How long it trained", "Control at chance does not rise with training if nobody looks at the label."),
            (
                "Whether the discriminator sees the label",
                "Right: a discriminator that is not told y cannot ask for it, and the marginal is fine without.",
            ),
            ("The size of z", "A larger z makes more variety. It does not make the label ignored."),
        ],
        1,
    ),
    Question(
        "Two classes overlap. What does a generator with an auxiliary classifier do in the overlap, and why?",
        [
            (
                "It avoids it: doubtful samples cost class loss",
                "Right: the loss pushes H(y|x) below its true value, and classes move apart.",
            ),
            (
                "It fills it as the data do: the discriminator sees to that",
                "D sees x alone, and C pays for clear cases.",
            ),
            (
                "It puts both classes there: that fools D best",
                "D is content with the marginal. C is what moves the classes.",
            ),
        ],
        0,
    ),
    Question(
        "A paper shows sharper samples than yours. Its codes were drawn with ψ = 0.5. What do you ask for?",
        [
            ("Their training time", "Truncation happens after training."),
            ("Their loss", "The loss of a GAN does not rank generators, and ψ leaves it as it was."),
            (
                "Their diversity at that ψ, or yours at 0.5 as well",
                "Right: narrower codes trade variety for quality. Draw both curves; compare variety at equal quality.",
            ),
        ],
        2,
    ),
    Question(
        "Two painters of drawings: A has the smaller pixel error, B the smaller Fréchet distance. Which is better?",
        [
            (
                "A: the error compares with the truth",
                "With one of many right answers. Pale averages have small errors.",
            ),
            (
                "B: the Fréchet distance has no flaws",
                "It compares sets. Whether a picture fits its drawing it can't see.",
            ),
            (
                "They measure different things: fit to one answer, and looking like the set",
                "Right: report both; the first rewards washed-out averages, the second ignores the drawing.",
            ),
        ],
        2,
    ),
    Question(
        "Adversarial losses and cycle losses of an unpaired translator are as low as can be. What do you know?",
        [
            (
                "That sets fit and that there is a way back; not that the map is the right one",
                "Right: mirror every picture on top, and both losses stay as low.",
            ),
            ("That each picture is mapped to its true partner", "1 − x passes both tests as well as x does."),
            ("Nothing: unpaired losses say nothing", "They rule much out: maps that lose something, and wrong sets."),
        ],
        0,
    ),
]
