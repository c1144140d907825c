"""Exercises and quiz of 13_generative_adversarial_network."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from ..data.toy import Mixture
from ..losses import ADVERSARIAL
from ..metrics import modes
from .inputs import normal, simplex, together, uniform
from .records import Exercise, Question

TITLE = "Generative adversarial network"

GAME = ADVERSARIAL["non-saturating"]


# --- the plain exercises: their oracles -------------------------------------------------------------------------


def _best(p, q):
    return torch.sigmoid(p.log() - q.log())


def _worth(p, q):
    from scipy.spatial.distance import jensenshannon  # the square root of the divergence

    return torch.tensor(2 * jensenshannon(p.numpy(), q.numpy()) ** 2 - math.log(4))


def _at_best(p, q, base=1.0):
    best = p / (p + q)
    return (p * best.log() + q * (1 - best).log()).sum() / base


def _slopes(score):
    score = score.clone().requires_grad_()
    losses = ADVERSARIAL["minimax"].generator(score), GAME.generator(score)
    return tuple(torch.autograd.grad(loss.sum(), score)[0] for loss in losses)


def _coverage(x, means, sd):
    found = modes(x, Mixture(means, sd))
    return found.covered, found.high_quality


def _coverage_with(radius, need_quality=True, distances=torch.cdist):
    def coverage(x, means, sd):
        distance, mode = distances(x, means).min(1)
        good = distance < radius(sd)
        return len(mode[good if need_quality else slice(None)].unique()), good.double().mean().item()

    return coverage


def _ring_and_points(generator):
    means = 3 * torch.randn(6, 2, generator=generator, dtype=torch.float64)
    chosen = torch.randint(6, (9,), generator=generator)
    return means[chosen] + torch.randn(9, 2, generator=generator, dtype=torch.float64), means, 0.5


def _average(history, decay):
    powers = decay ** torch.arange(len(history) - 1, -1, -1, dtype=torch.float64)
    share = torch.cat([powers[:1], (1 - decay) * powers[1:]])
    return share @ history


def _follow(history, decay, start):
    average = start
    for weights in history[1:]:
        average = decay * average + (1 - decay) * weights
    return average


def _linear_step(w, b, real, fake, lr):
    w, b = w.clone().requires_grad_(), b.clone().requires_grad_()
    GAME.discriminator(real @ w + b, fake @ w + b).mean().backward()
    return (w - lr * w.grad).detach(), (b - lr * b.grad).detach()


def _linear_step_with(slope_real, slope_fake, sign=-1.0, total=torch.mean):
    """A step with the given slopes of the loss with respect to the scores."""

    def step(w, b, real, fake, lr):
        r, f = slope_real(real @ w + b), slope_fake(fake @ w + b)
        slopes = torch.cat([r[:, None] * real, r[:, None]], 1) + torch.cat([f[:, None] * fake, f[:, None]], 1)
        return w + sign * lr * total(slopes[:, :-1], 0), b + sign * lr * total(slopes[:, -1], 0)

    return step


def _forger_step(a, c, w, b, z, lr):
    a, c = a.clone().requires_grad_(), c.clone().requires_grad_()
    GAME.generator(w * (a * z + c) + b).mean().backward()
    return (a - lr * a.grad).detach(), (c - lr * c.grad).detach()


def _forger_step_with(slope=lambda s: s.sigmoid() - 1, sign=-1.0, through=lambda w: w, of_a=lambda z: z):
    def step(a, c, w, b, z, lr):
        g = slope(w * (a * z + c) + b) * through(w)
        return a + sign * lr * (g * of_a(z)).mean(), c + sign * lr * g.mean()

    return step


def _gap(logits, one):
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, one))


# --- the bugs: small linear players; what is compared are their weights after the moves -------------------------


def _error(real, fake):
    return _gap(real, 1.0) + _gap(fake, 0.0)


def _crossed(real, fake):
    return F.binary_cross_entropy(real.sigmoid(), fake.sigmoid())


def _linear(generator):
    net = nn.Linear(1, 1).double()
    for p in net.parameters():
        p.data = torch.randn(p.shape, generator=generator, dtype=torch.float64)
    return net


def _players(generator):
    """A linear generator and discriminator, 5 batches of data, noise for the two moves of each round, a rate."""
    pair = _linear(generator), _linear(generator)
    return *pair, *together(normal(5, 8, 1), normal(5, 2, 8, 1))(generator), 0.5


def _one_move(generator):
    return _linear(generator), _linear(generator), normal(8, 1)(generator), 0.5


def _weights_after(play, generator, discriminator, *given):
    """The weights of generator and discriminator after the learner's moves."""
    play(generator, discriminator, *given)
    return [torch.cat([p.detach().flatten() for p in net.parameters()]) for net in (generator, discriminator)]


def _set(net, weight, bias):
    net.weight.data.fill_(weight)
    net.bias.data.fill_(bias)


def _by_hand(generator, discriminator, real, z, lr):
    """The game of two straight lines, with its slopes written out."""
    a, c, w, b = (p.item() for net in (generator, discriminator) for p in net.parameters())
    for x, noise in zip(real, z, strict=True):
        fake = a * noise[0] + c
        r, f = (w * x + b).sigmoid() - 1, (w * fake + b).sigmoid()
        w, b = w - lr * (r * x + f * fake).mean().item(), b - lr * (r + f).mean().item()
        a, c = (v.item() for v in _forger_step_with()(a, c, w, b, noise[1], lr))
    _set(generator, a, c)
    _set(discriminator, w, b)


def _game(
    fakes=lambda g, z, t: g(z[t, 0]).detach(), scores=lambda d, x: d(x), own=lambda g, z, t: g(z[t, 1]), clear=()
):
    """The loop with one part exchanged. `clear` names what is changed about setting gradients to zero."""

    def play(generator, discriminator, real, z, lr):
        d_step, g_step = (torch.optim.SGD(net.parameters(), lr) for net in (discriminator, generator))
        for t in range(len(real)):
            if "not d" not in clear:
                d_step.zero_grad()
            g_step.zero_grad()
            fake = fakes(generator, z, t)
            (F.softplus(-discriminator(real[t])) + F.softplus(scores(discriminator, fake))).mean().backward()
            if "before d" in clear:
                d_step.zero_grad()
            d_step.step()
            if "leak" not in clear:
                g_step.zero_grad()
            F.softplus(-discriminator(own(generator, z, t))).mean().backward()
            g_step.step()

    return play


def _stale(generator, discriminator, real, z, lr):
    """The loop with fakes made once, before it."""
    kept = generator(z[0, 0]).detach()
    _game(fakes=lambda g, z, t: kept)(generator, discriminator, real, z, lr)


def _step_by_hand(generator, discriminator, z, lr):
    a, c, w, b = (p.item() for net in (generator, discriminator) for p in net.parameters())
    _set(generator, *(v.item() for v in _forger_step_with()(a, c, w, b, z, lr)))


def _move(fake=lambda g, z: g(z), loss=lambda s: F.softplus(-s).mean(), who=lambda g, d: g.parameters()):
    def move(generator, discriminator, z, lr):
        step = torch.optim.SGD(who(generator, discriminator), lr)
        value = loss(discriminator(fake(generator, z)))
        step.zero_grad()
        value.backward()
        step.step()

    return move


@torch.no_grad()
def _frozen(generator, z):
    return generator(z)


EXERCISES = [
    Exercise(
        id="13.1",
        title="The best discriminator",
        level=1,
        inputs=together(uniform(6, low=0.01, high=2.0), uniform(6, low=0.01, high=2.0)),
        oracle=_best,
        why="p log y + q log(1 − y) is largest at y = p/(p + q): the probability that a sample found there is real.",
        mistakes=[
            (lambda p, q: p, "D(x) = p(x) is a popular error: a density may exceed 1. The fakes count as well."),
            (lambda p, q: q / (p + q), "This is the probability of a fake. D states that of a real sample."),
            (lambda p, q: p / q, "The ratio runs from 0 to infinity. Turn it into a probability: r/(1 + r)."),
            (lambda p, q: p.log() - q.log(), "This is the best logit. Send it through a sigmoid."),
            (lambda p, q: p / (p + q).sum(), "Each place is judged by itself: divide by p + q at the same x."),
        ],
    ),
    Exercise(
        id="13.2",
        title="What the game is worth",
        level=2,
        inputs=together(simplex(5), simplex(5)),
        oracle=_worth,
        why="with D = p/(p + q) the value is Σ p log D + Σ q log(1 − D), which is −log 4 + 2 JS(p, q).",
        mistakes=[
            (lambda p, q: _worth(p, q) + math.log(4), "This is 2 JS(p, q). The value lies log 4 below it."),
            (lambda p, q: (_worth(p, q) - math.log(4)) / 2, "The divergence counts twice: −log 4 + 2 JS."),
            (lambda p, q: _worth(p, q) / 2, "Both expectations count in full; there is no factor ½."),
            (lambda p, q: -_worth(p, q), "This is the discriminator's loss. The value is its negative."),
            (lambda p, q: _at_best(p, q, math.log(2)), "The logarithm has base 2. Values are in nats here."),
            (
                lambda p, q: (p * (p / (p + q)).log()).sum(),
                "The fakes are missing: add Σ q log(1 − D).",
            ),
            (
                lambda p, q: (p * p.log() + q * (1 - p).log()).sum(),
                "This sets D = p. The best D is p/(p + q).",
            ),
        ],
    ),
    Exercise(
        id="13.3",
        title="A loss that survives large scores",
        level=2,
        inputs=together(normal(6, scale=1000.0), normal(6, scale=1000.0)),
        oracle=lambda real, fake: (
            F.binary_cross_entropy_with_logits(real, torch.ones_like(real), reduction="none")
            + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake), reduction="none")
        ),
        why="−log σ(s) is softplus(−s) and −log(1 − σ(s)) is softplus(s); neither needs σ(s), which rounds to 0 or 1.",
        mistakes=[
            (
                lambda real, fake: -real.sigmoid().log() - (1 - fake.sigmoid()).log(),
                "Right on paper; but for a score of 100 the sigmoid is rounded to 1, and log(1 − 1) is −inf.",
            ),
            (
                lambda real, fake: (1 + (-real).exp()).log() + (1 + fake.exp()).log(),
                "exp(1000) overflows to infinity. softplus and logsigmoid avoid the large exponential.",
            ),
            (
                lambda real, fake: (
                    F.binary_cross_entropy(real.sigmoid(), torch.ones_like(real), reduction="none")
                    + F.binary_cross_entropy(fake.sigmoid(), torch.zeros_like(fake), reduction="none")
                ),
                "It clamps logarithms at −100, so the loss stays put there. Use the version with logits.",
            ),
            (
                lambda real, fake: -real.sigmoid().clamp(1e-7).log() - (1 - fake.sigmoid()).clamp(1e-7).log(),
                "Clamping hides the overflow: beyond 16 the loss stays put, its gradient 0. Use the score itself.",
            ),
            (
                lambda real, fake: F.softplus(real) + F.softplus(-fake),
                "The targets are exchanged: real samples should score high.",
            ),
            (lambda real, fake: F.softplus(fake), "The real samples are missing."),
            (lambda real, fake: F.softplus(-real), "The generated samples are missing."),
            (
                lambda real, fake: (F.softplus(-real) + F.softplus(fake)).mean(),
                "One number a pair is wanted, (B,). Leave the mean to the caller.",
            ),
        ],
    ),
    Exercise(
        id="13.4",
        title="Two slopes",
        level=2,
        inputs=together(normal(6, scale=3.0)),
        oracle=_slopes,
        why="log(1 − σ(s)) has the slope −σ(s), which dies where fakes are recognised; −log σ(s) has −(1 − σ(s)).",
        mistakes=[
            (lambda s: (s.sigmoid(), 1 - s.sigmoid()), "Both signs are turned: both losses fall as the score rises."),
            (
                lambda s: (s.sigmoid() - 1, -s.sigmoid()),
                "The two are exchanged. Minimax is the one that dies at D = 0.",
            ),
            (
                lambda s: (-1 / (1 - s.sigmoid()), -1 / s.sigmoid()),
                "These are the slopes with respect to D. Multiply by dD/ds = D(1 − D).",
            ),
            (
                lambda s: (-F.softplus(s), F.softplus(-s)),
                "These are the two losses. Their derivatives with respect to s are asked for.",
            ),
            (
                lambda s: (-s.sigmoid() * (1 - s.sigmoid()),) * 2,
                "This is the slope of −D. Differentiate the logarithms.",
            ),
        ],
    ),
    Exercise(
        id="13.5",
        title="Count the modes",
        level=2,
        inputs=_ring_and_points,
        oracle=_coverage,
        why="a sample belongs to its nearest mode, is good within three standard deviations, and only good ones cover.",
        mistakes=[
            (
                _coverage_with(lambda sd: 3 * sd, need_quality=False),
                "A mode counts only if one of its samples is within three standard deviations.",
            ),
            (_coverage_with(lambda sd: 3 * sd**2), "The radius is 3 sd. This is three times the variance."),
            (_coverage_with(lambda sd: sd), "The radius is three standard deviations, not one."),
            (
                _coverage_with(lambda sd: 3 * sd, distances=lambda x, m: torch.cdist(x, m, p=torch.inf)),
                "This measures a square. Take the Euclidean distance.",
            ),
            (
                _coverage_with(lambda sd: 3 * sd, distances=lambda x, m: torch.cdist(x, m).square()),
                "A squared distance is held against 3 sd. Take its root.",
            ),
        ],
    ),
    Exercise(
        id="13.6",
        title="The moving average",
        level=2,
        inputs=lambda g: (normal(7, 3)(g), 0.6 + 0.3 * torch.rand((), generator=g).item()),
        oracle=_average,
        why="each round keeps `decay` of the average and takes 1 − decay of the new weights.",
        mistakes=[
            (lambda h, d: _average(h, 1 - d), "The shares are exchanged: the average keeps `decay` of itself."),
            (
                lambda h, d: _follow(torch.cat([h[:1], h]), d, torch.zeros_like(h[0])),
                "The average starts at the first row. Started at zero it is too small for a long time.",
            ),
            (lambda h, d: h.mean(0), "This weighs all rounds alike, the untrained start included."),
            (lambda h, d: h[-1], "These are the last weights. They swing with every round."),
            (
                lambda h, d: _follow(torch.cat([h[:1], h[1:].flip(0)]), d, h[0]),
                "The rows are taken in from the end. The latest one must weigh most.",
            ),
        ],
    ),
    Exercise(
        id="13.7",
        title="One move of the discriminator",
        level=3,
        inputs=lambda g: (*together(normal(3), normal(), normal(8, 3), normal(8, 3))(g), 0.3),
        oracle=_linear_step,
        why="the slope of the loss is D − 1 at real scores and D at fake ones, times x for w and times 1 for b.",
        mistakes=[
            (
                _linear_step_with(lambda s: s.sigmoid() - 1, lambda s: s.sigmoid(), sign=1.0),
                "This climbs. The discriminator descends on its loss.",
            ),
            (
                _linear_step_with(lambda s: s.sigmoid(), lambda s: s.sigmoid() - 1),
                "The targets are exchanged: it learns to call real samples generated.",
            ),
            (
                _linear_step_with(lambda s: 0 * s, lambda s: s.sigmoid()),
                "Only the fakes are judged. Then calling everything generated is the best it can do.",
            ),
            (
                _linear_step_with(lambda s: s.sigmoid() - 1, lambda s: 0 * s),
                "Only the real samples are judged.",
            ),
            (
                _linear_step_with(lambda s: (s.sigmoid() - 1) / 2, lambda s: s.sigmoid() / 2),
                "Half of the step: the loss is the sum of two means, not their average.",
            ),
            (
                _linear_step_with(lambda s: s.sigmoid() - 1, lambda s: s.sigmoid(), total=torch.sum),
                "Average over the batch. A sum makes the step grow with the batch size.",
            ),
            (
                lambda w, b, real, fake, lr: (_linear_step(w, b, real, fake, lr)[0], b),
                "The weights are right; b has a slope as well.",
            ),
        ],
    ),
    Exercise(
        id="13.8",
        title="One move of the generator, by hand",
        level=3,
        inputs=lambda g: (*together(normal(), normal(), normal(), normal(), normal(8))(g), 0.3),
        oracle=_forger_step,
        why="the slope −(1 − D) reaches the sample through w, then a through z and c directly: the chain rule.",
        mistakes=[
            (
                _forger_step_with(slope=lambda s: -s.sigmoid()),
                "This is the slope of the minimax loss. The non-saturating one has −(1 − D).",
            ),
            (_forger_step_with(sign=1.0), "This climbs: the fakes become easier to recognise."),
            (
                _forger_step_with(through=lambda w: 1.0),
                "The way from the score to the sample is missing: multiply by w, the discriminator's slope.",
            ),
            (
                _forger_step_with(of_a=lambda z: 1.0),
                "a is multiplied by z in the sample, so its slope contains z.",
            ),
            (
                _forger_step_with(slope=lambda s: s.sigmoid()),
                "This lowers −log(1 − D), a part of the discriminator's loss: the generator helps the detector.",
            ),
            (
                lambda a, c, w, b, z, lr: _forger_step(a, c, w, b, z, lr * len(z)),
                "Average over the batch. The sum makes the step as many times too long as there are samples.",
            ),
        ],
    ),
    Exercise(
        id="13.9",
        title="Spot the bug: the forger helps the detector",
        level=2,
        inputs=together(normal(8, scale=2.0), normal(8, scale=2.0)),
        oracle=lambda real, fake: (GAME.discriminator(real, fake).mean(), GAME.generator(fake).mean()),
        handed_over=lambda real, fake: (-_error(real, fake), _error(real, fake)),
        why="the discriminator lowers its own error; the generator lowers the cost of being called generated.",
        mistakes=[
            (
                lambda real, fake: (_error(real, fake), _error(real, fake)),
                "The discriminator is right now. The generator still makes the discriminator's work easier.",
            ),
            (
                lambda real, fake: (_error(real, fake), -_error(real, fake)),
                "The roles are right: this is minimax. Its slope dies where fakes are recognised; use −log D.",
            ),
            (
                lambda real, fake: (_error(real, fake), -_gap(fake, 0.0)),
                "The roles are right, and the loss is the one of minimax. The non-saturating one is asked for.",
            ),
            (
                lambda real, fake: (_error(real, fake), -_gap(fake, 1.0)),
                "log D is to be maximised. A minimiser needs −log D.",
            ),
            (
                lambda real, fake: (-_error(real, fake), -_gap(fake, 0.0)),
                "D's part is V itself, which D maximises. A minimiser needs −V; for G use −log D.",
            ),
            (
                lambda real, fake: (_error(real, fake), _gap(fake, 0.0)),
                "The generator's target is wrong: with 0 it wants its samples to be called generated.",
            ),
            (
                lambda real, fake: (-_error(real, fake), _gap(fake, 1.0)),
                "The generator is right now. The discriminator still maximises its error.",
            ),
            (
                lambda real, fake: (_error(real, fake) / 2, _gap(fake, 1.0)),
                "The roles are right. The discriminator's loss is the sum of the two means, not half of it.",
            ),
            (
                lambda real, fake: (-_error(real, fake), -_error(real, fake)),
                "The discriminator must lower its error. Only the generator wants it high.",
            ),
        ],
    ),
    Exercise(
        id="13.10",
        title="Spot the bug: a loss without a target",
        level=2,
        inputs=together(normal(8, scale=2.0), normal(8, scale=2.0)),
        oracle=lambda real, fake: GAME.discriminator(real, fake).mean(),
        handed_over=_crossed,
        why="each score is held against what the sample is: 1 for real, 0 for generated.",
        mistakes=[
            (lambda real, fake: -_error(real, fake), "This is what D maximises. A minimiser needs its negative."),
            (lambda real, fake: _crossed(fake, real), "Exchanging the two gives no target either."),
            (
                lambda real, fake: _gap(real, 0.0) + _gap(fake, 1.0),
                "The targets are exchanged: 1 is real, 0 generated.",
            ),
            (lambda real, fake: _gap(real, 1.0), "The generated samples need a target as well."),
            (lambda real, fake: _gap(real, 1.0) + _gap(fake, 1.0), "Generated samples have the target 0."),
            (
                lambda real, fake: _error(real.sigmoid(), fake.sigmoid()),
                "The sigmoid is applied twice: the function with logits contains one.",
            ),
            (lambda real, fake: _error(real, fake) / 2, "The targets are right. Add the two means, without halving."),
            (
                lambda real, fake: (real.sigmoid() - fake.sigmoid()).square().mean(),
                "This compares the two scores with each other again. Each needs its own target.",
            ),
        ],
    ),
    Exercise(
        id="13.11",
        title="Spot the bug: yesterday's forgeries",
        level=2,
        inputs=_players,
        measure=_weights_after,
        oracle=_by_hand,
        handed_over=_stale,
        why="the discriminator now judges what the generator makes today, with new noise each round.",
        mistakes=[
            (
                _game(fakes=lambda g, z, t: g(z[0, 0]).detach()),
                "Made anew each round, but always from the same noise z[0, 0].",
            ),
            (
                _game(fakes=lambda g, z, t: g(z[t, 1]).detach()),
                "z[t, 1] is the noise of the generator's move; the discriminator's is z[t, 0].",
            ),
            (
                _game(fakes=lambda g, z, t: g(z[max(t - 1, 0), 0]).detach()),
                "Renewed at the end of the round, with that round's noise. Round t wants z[t, 0].",
            ),
            (
                _game(own=lambda g, z, t: g(z[t, 0]).detach()),
                "The generator needs a sample of its own, not detached, or no gradient reaches it.",
            ),
            (
                _game(own=lambda g, z, t: g(z[t, 0])),
                "The discriminator's move is right; the generator's noise is z[t, 1].",
            ),
        ],
        tolerance=1e-6,
    ),
    Exercise(
        id="13.12",
        title="Spot the bug: the generator stands still",
        level=2,
        inputs=_one_move,
        measure=_weights_after,
        oracle=_step_by_hand,
        handed_over=_move(fake=_frozen),
        why="the gradient now runs through the discriminator into the generator, and the generator alone moves.",
        mistakes=[
            (
                _move(who=lambda g, d: [*g.parameters(), *d.parameters()]),
                "Now the discriminator moves too, and towards calling fakes real. Give the optimiser one network.",
            ),
            (
                _move(who=lambda g, d: d.parameters()),
                "The optimiser holds the discriminator's weights. It is the generator's turn.",
            ),
            (
                _move(loss=lambda s: F.softplus(s).mean()),
                "The gradient arrives; its sign is the discriminator's. The generator wants high scores.",
            ),
            (
                _move(loss=lambda s: -F.softplus(s).mean()),
                "The gradient arrives. Keep the loss −log D; this is the one of minimax.",
            ),
            (_move(loss=lambda s: F.softplus(-s).sum()), "Keep the mean over the batch."),
        ],
        tolerance=1e-6,
    ),
    Exercise(
        id="13.13",
        title="Spot the bug: a gradient too many",
        level=3,
        inputs=_players,
        measure=_weights_after,
        oracle=_by_hand,
        handed_over=_game(fakes=lambda g, z, t: g(z[t, 0]), clear=("leak",)),
        why="`detach` (or clearing the generator's gradients before its move) keeps the two moves apart.",
        mistakes=[
            (
                _game(own=lambda g, z, t: g(z[t, 1]).detach()),
                "Now the generator's own move is detached as well: it never learns.",
            ),
            (
                _game(scores=lambda d, x: d(x).detach()),
                "Detach the sample, not its score: now the discriminator learns nothing from fakes.",
            ),
            (
                _game(clear=("not d",)),
                "The discriminator's gradient has to be cleared before its move: the generator's move left one there.",
            ),
            (
                _game(clear=("before d",)),
                "The discriminator's gradient is cleared between backward and step: it never moves.",
            ),
            (
                _game(own=lambda g, z, t: g(z[t, 0])),
                "The moves are kept apart. The generator's noise is z[t, 1].",
            ),
        ],
        tolerance=1e-6,
    ),
]

QUIZ = [
    Question(
        "Real and generated samples follow the same distribution. What does the best discriminator say?",
        [
            ("1 for real and 0 for generated samples", "It cannot: a sample does not show where it came from."),
            ("½ everywhere", "Right: p/(p + q) is ½ where p = q, and the discriminator's loss is log 4."),
            ("p(x)", "A density is no probability of being real. It may exceed 1."),
        ],
        1,
    ),
    Question(
        "The discriminator's loss sits at 1.37, just below log 4. Which is sure?",
        [
            (
                "Its stated probabilities earn hardly more than always saying ½",
                "Right: a good generator, a lost detector, or one that states its case too timidly.",
            ),
            ("The generator has learned the distribution", "The collapsed runs of section 6 show the same loss."),
            ("Training has failed", "The good runs of section 5 end there too."),
        ],
        0,
    ),
    Question(
        "Why −log D(G(z)) in place of log(1 − D(G(z)))?",
        [
            ("It has another optimum", "Both are lowered by raising D(G(z)), each sample by itself."),
            ("It is cheaper to compute", "The cost is the same."),
            ("Its slope stays large where fakes are recognised", "Right: at D = 0.01 it is 99 times as steep."),
        ],
        2,
    ),
    Question(
        "What does `detach` on the fakes do in the discriminator's move?",
        [
            (
                "It keeps the loss of the discriminator out of the generator's gradients",
                "Right: and saves the way back through the generator.",
            ),
            ("It stops the discriminator from learning", "The discriminator's own weights still get their gradient."),
            ("It makes the fakes look real", "The values do not change at all, only where gradients may flow."),
        ],
        0,
    ),
    Question(
        "A sample set consists of the eight means of the ring, each many times. Which measure objects?",
        [
            ("Modes covered", "All eight are covered."),
            ("High quality", "Every point is within three standard deviations of a mode."),
            ("Spread within the modes", "Right: it is 0. Quality and coverage alone can be met by eight points."),
        ],
        2,
    ),
]
