"""Exercises and quiz of 15_mode_collapse."""

import itertools
import math
from functools import partial

import torch
from torch.nn import functional as F

from .. import clinic
from ..data import Batch
from ..losses import kl_categorical
from ..metrics import collapse
from ..remedies import Unrolled
from .inputs import normal, simplex, together, uniform
from .records import Exercise, Question

TITLE = "Mode collapse"


# --- the plain exercises: inputs and oracles ----------------------------------------------------------------------


def _within(r):
    from scipy.stats import chi2  # the squared distance from the centre, over the variance

    return torch.as_tensor(chi2.cdf(r.numpy() ** 2, 2))


def _counts(generator):
    """Counts of eight modes, one of them 0."""
    counts = torch.randint(1, 200, (8,), generator=generator).double()
    counts[torch.randint(8, (1,), generator=generator)] = 0
    return (counts,)


def _used(counts):
    k = len(counts)
    return k * (-kl_categorical((counts / counts.sum())[None], counts.new_full((1, k), 1 / k))[0]).exp()


def _two_counts(generator):
    """Counts of samples, some of them small, and of data in unequal modes."""
    real = torch.randint(50, 400, (8,), generator=generator).double()
    factors = torch.tensor([0.0, 0.1, 0.2, 0.32, 0.7, 1.0, 1.5, 2.0], dtype=torch.float64)
    return (real * factors[torch.randperm(8, generator=generator)]).round(), real


def _lost(counts, real_counts):
    def samples(n):
        mode = torch.arange(len(n)).repeat_interleave(n.long())
        return mode[:, None].double(), mode

    return collapse(*samples(counts), *samples(real_counts)).lost


def _lost_with(share_of_limit=0.25, within=lambda share, real: real, whole=True):
    def lost(counts, real_counts):
        total, real_total = (counts.sum(), real_counts.sum()) if whole else (1.0, 1.0)
        share, real = counts / total, real_counts / real_total
        return within(share, real)[share < share_of_limit * real].sum() / (1.0 if whole else real_counts.sum())

    return lost


def _images(generator):
    return torch.rand(12, 2, 3, 3, generator=generator, dtype=torch.float64), 3


def _pack(x, m):
    return x.view(m, len(x) // m, *x.shape[1:]).transpose(0, 1).flatten(1, 2)


def _best_slope(distance, weight, target):
    from scipy.optimize import minimize_scalar

    numbers = zip(distance.tolist(), weight.tolist(), target.tolist(), strict=True)
    found = [
        minimize_scalar(lambda s, d=d, w=w, t=t: w * (s - t) ** 2 - d * s, options={"xtol": 1e-11}).x
        for d, w, t in numbers
    ]
    return torch.tensor(found, dtype=torch.float64)


def _normalised(w):
    return w / torch.linalg.svdvals(w)[0]


class _Line(torch.nn.Module):
    """A discriminator x (B, D) -> x @ w."""

    def __init__(self, w):
        super().__init__()
        self.w = torch.nn.Parameter(w.clone())

    def forward(self, x):
        return x @ self.w


class _Given(torch.nn.Module):
    """A generator that returns what it holds."""

    def __init__(self, x):
        super().__init__()
        self.x = torch.nn.Parameter(x.clone())

    def forward(self, z):
        return self.x


def _unrolled(w, real, fake, lr):
    game = Unrolled(_Given(fake), _Line(w), 1, ahead=1, rate=float(lr))
    return game.generator_loss(game.generator, Batch(real))["loss"].detach()


def _looked_ahead(
    of_real=lambda s: s.sigmoid() - 1, of_fake=lambda s: s.sigmoid(), sign=-1.0, loss=lambda s: F.softplus(-s)
):
    def unrolled(w, real, fake, lr):
        slope = (of_real(real @ w)[:, None] * real).mean(0) + (of_fake(fake @ w)[:, None] * fake).mean(0)
        return loss(fake @ (w + sign * lr * slope)).mean()

    return unrolled


def _packs_apart(p, q, m):
    """Pack by pack."""
    packs = itertools.product(range(len(p)), repeat=m)
    return sum(abs(math.prod(p[i].item() for i in pack) - math.prod(q[i].item() for i in pack)) for pack in packs) / 2


def _shares(generator):
    p, q = simplex(4)(generator), simplex(4)(generator)
    return p, q, 3


# --- the clinic: what is compared is what becomes of the case -----------------------------------------------------


def _outcome(answer):
    """What becomes of the case that an answer returns; oracles and mistakes return the outcome itself."""
    found = answer()
    return found if isinstance(found, str) else clinic.verdict(found)


def _treated(number, letter, title, level, why, **hints):
    """The exercise of a case: healthy is right, each symptom has its hint."""
    return Exercise(
        id=f"15.{number}",
        title=title,
        level=level,
        inputs=lambda generator: (),
        measure=_outcome,
        oracle=lambda: clinic.HEALTHY,
        handed_over=lambda: clinic.CASES[letter],
        why=why,
        mistakes=[(partial(str.replace, name, "_", " "), hint) for name, hint in hints.items()],
    )


EXERCISES = [
    Exercise(
        id="15.1",
        title="A perfect score",
        level=1,
        inputs=together(uniform(6, low=0.2, high=4.0)),
        oracle=_within,
        why="the squared distance over σ² is exponential with mean 2 in two dimensions; at r = 3 that gives 98.89 %.",
        mistakes=[
            (
                lambda r: torch.special.erf(r / math.sqrt(2)),
                "This is the rule of one dimension (99.73 % for three). In two there is more room outside.",
            ),
            (
                lambda r: torch.special.erf(r / math.sqrt(2)) ** 2,
                "This is the share in a *square* of half side r. Within r standard deviations means a circle.",
            ),
            (lambda r: (-r.square() / 2).exp(), "This is the share outside of the circle. Take it from 1."),
            (lambda r: 1 - (-r / 2).exp(), "Nearly: it is the *squared* distance that is exponential. Square r."),
        ],
    ),
    Exercise(
        id="15.2",
        title="Modes in use",
        level=1,
        inputs=_counts,
        oracle=_used,
        why="with m modes in equal shares it returns m, and unevenness counts as well.",
        mistakes=[
            (
                lambda counts: (counts > 0).double().sum(),
                "This counts modes with a sample at all. A mode with one sample of a thousand should hardly count.",
            ),
            (
                lambda counts: -torch.xlogy(counts / counts.sum(), counts / counts.sum() * len(counts)).sum(),
                "This is minus the reverse KL. Exponentiate it and multiply by K.",
            ),
            (
                lambda counts: (-torch.xlogy(counts / counts.sum(), counts / counts.sum() * len(counts)).sum()).exp(),
                "This is the share of the modes in use, at most 1. Multiply by K.",
            ),
            (
                lambda counts: (
                    len(counts) * (-((counts / counts.sum()) * (counts / counts.sum() * len(counts)).log()).sum()).exp()
                ),
                "0 · log 0 is NaN in floating point; its limit is 0. `torch.xlogy` knows.",
            ),
        ],
    ),
    Exercise(
        id="15.3",
        title="What is lost",
        level=2,
        inputs=_two_counts,
        oracle=_lost,
        why="both are compared as shares, and what is added up is what the data hold in the lost modes.",
        mistakes=[
            (
                _lost_with(within=lambda share, real: share),
                "This adds up what the *samples* hold in lost modes: little, by definition. Add the data's shares.",
            ),
            (
                _lost_with(within=lambda share, real: torch.full_like(real, 1 / len(real))),
                "This is the share of the modes, all counted alike. Add up what they hold of the data.",
            ),
            (
                _lost_with(whole=False),
                "Counts are compared here, and there may be more data than samples. Divide each by its sum first.",
            ),
            (_lost_with(share_of_limit=1.0), "A mode a little short is not lost. Less than a *quarter* of its share."),
        ],
    ),
    Exercise(
        id="15.4",
        title="Pack images",
        level=2,
        inputs=_images,
        oracle=_pack,
        why="the images of a pack become channels of one, so that a convolution sees all of them at each place.",
        mistakes=[
            (
                lambda x, m: x.reshape(len(x) // m, m * x.shape[1], *x.shape[2:]),
                "This packs neighbours: images 0, 1, 2. Pack i should hold the images i, i + B/m, i + 2B/m.",
            ),
            (
                lambda x, m: torch.cat(x.chunk(m), 2),
                "These lie above each other, along the rows. Lay them along the channels.",
            ),
            (
                lambda x, m: x.repeat(1, m, 1, 1)[: len(x) // m],
                "Each pack holds one image m times. It needs m different ones.",
            ),
            (
                lambda x, m: torch.stack(x.chunk(m), 2).flatten(1, 2),
                "The channels of different images are interleaved. Keep each image's channels together.",
            ),
        ],
    ),
    Exercise(
        id="15.5",
        title="How steep does it pay to be?",
        level=2,
        inputs=together(*[uniform(5, low=0.5, high=3.0)] * 3),
        oracle=_best_slope,
        tolerance=1e-4,
        why="the gain is linear and the price quadratic, so some excess always pays: distance/(2 · weight).",
        mistakes=[
            (
                lambda distance, weight, target: target + 0 * weight,
                "At the target the price is 0, but a little more costs next to nothing, and gains.",
            ),
            (
                lambda distance, weight, target: target + distance / weight,
                "The derivative of (s − t)² is 2(s − t): a factor of 2 is missing.",
            ),
            (
                lambda distance, weight, target: target - distance / (2 * weight),
                "The sign: the critic *gains* by being steeper, so it goes beyond the target.",
            ),
            (
                lambda distance, weight, target: target + distance * weight / 2,
                "A heavier price should keep the slope nearer to the target. Here it drives it away.",
            ),
        ],
    ),
    Exercise(
        id="15.6",
        title="Spectral norm",
        level=2,
        inputs=together(normal(7, 5)),
        oracle=_normalised,
        tolerance=1e-3,
        why="a matrix with largest singular value 1 lengthens no vector, so the layer has Lipschitz constant 1.",
        mistakes=[
            (
                lambda w: w / w.norm(),
                "This divides by the root of the sum of *all* squared singular values. Take the largest alone.",
            ),
            (
                lambda w: w / w.abs().max(),
                "This bounds the entries. A matrix of small entries can still stretch a vector.",
            ),
            (
                lambda w: w / torch.linalg.svdvals(w)[0] ** 2,
                "This divides by σ²: did you take an eigenvalue of wᵀw? Its root is the singular value.",
            ),
            (
                lambda w: F.normalize(w, dim=1),
                "This makes each row a unit vector. Rows that point the same way still add up.",
            ),
        ],
    ),
    Exercise(
        id="15.7",
        title="Look one step ahead",
        level=3,
        inputs=together(normal(3), normal(6, 3), normal(6, 3), lambda generator: 0.5),
        oracle=_unrolled,
        why="where many samples crowd, the step lowers the scores of all of them, and the generator sees it coming.",
        mistakes=[
            (
                lambda w, real, fake, lr: F.softplus(-(fake @ w)).mean(),
                "This is the plain loss, by the discriminator before its step. Let w take the step first.",
            ),
            (_looked_ahead(sign=1.0), "The discriminator went uphill. It minimises its loss: subtract the gradient."),
            (
                _looked_ahead(of_real=lambda s: 0 * s),
                "The step leaves out the real samples. The discriminator's loss has two means.",
            ),
            (
                _looked_ahead(loss=lambda s: -F.softplus(s)),
                "Right step, other loss: this is minimax. The mean of softplus(−score) was asked for.",
            ),
        ],
    ),
    Exercise(
        id="15.8",
        title="Distance of packs",
        level=3,
        inputs=_shares,
        oracle=_packs_apart,
        why="the shares of a pack are products, and half the summed absolute difference is over all Kᵐ packs.",
        mistakes=[
            (lambda p, q, m: (p - q).abs().sum() / 2, "This is the distance of single samples, the same for each m."),
            (
                lambda p, q, m: (p**m - q**m).abs().sum() / 2,
                "Only packs of m *equal* modes are here. A pack may hold different modes; use outer products.",
            ),
            (
                lambda p, q, m: 1 - (1 - (p - q).abs().sum() / 2) ** m,
                "Overlaps multiply only where one generator just leaves out modes. In general sum over all packs.",
            ),
            (
                lambda p, q, m: 2 * _packs_apart(p, q, m),
                "Total variation is *half* of the summed absolute difference; this can exceed 1.",
            ),
        ],
    ),
    Exercise(
        id="15.9",
        title="Diagnose",
        level=2,
        oracle=lambda: [3, 1, 2, 4, 5],
        why="A sits at log 4 and hardly learns, B runs about in a heap, C stops at a border, D's scores have no scale, "
        "and E runs after one mode of its data at a time.",
        mistakes=[
            (
                [1, 3, 2, 4, 5],
                "A and B both sit near log 4. By their mean scores, which one says the same of everything? That is A.",
            ),
            (
                [3, 5, 2, 4, 1],
                "B and E both sit in heaps. Look at the losses: data in order let D win again and again.",
            ),
            (
                [3, 1, 2, 6, 5],
                "Of D look at the scale of the scores: a good discriminator's losses fall to 0, not below.",
            ),
            (
                [3, 1, 6, 4, 5],
                "Of C look at the samples: all three seeds stop at the same line. That is no question of learning.",
            ),
        ],
    ),
    _treated(
        10,
        "A",
        "Case A",
        2,
        "the penalty was so heavy that the best discriminator says ½ of everything: no slope, nothing to learn from.",
        one_heap="Now the samples sit in one heap: the discriminator may be too slow. Leave the rates alone.",
        modes_missing="Some modes are still missing. Compare the size of the penalty with a loss of about 1.",
        off_the_modes="All modes, but far too blurred: the discriminator is still nearly flat. Less penalty.",
        run_away="The samples run away. Change the weight of the penalty alone.",
    ),
    _treated(
        11,
        "B",
        "Case B",
        2,
        "the generator ran from every answer before it was learned. A faster discriminator stops that.",
        one_heap="Still one heap. Compare the two rates with those of the other cases.",
        modes_missing="Better, but modes are missing. Give the discriminator a clearer lead.",
        off_the_modes="All modes, and blurred: both may be slow now. 600 rounds are few: try 0.002 to 0.005.",
        run_away="The samples run away: a rate is too large.",
    ),
    _treated(
        12,
        "C",
        "Case C",
        2,
        "a sigmoid ends in (0, 1), and most of the ring lies outside. No training can repair a range.",
        one_heap="One heap: did you change a rate? The range of the generator is the trouble here.",
        modes_missing="Modes are missing still. Think of the values that the end of this generator can't reach.",
        off_the_modes="All modes, and blurred. Leave rates and objective as they were.",
        run_away="The samples run away. Leave rates and objective as they were.",
    ),
    _treated(
        13,
        "D",
        "Case D",
        3,
        "a Wasserstein critic without a bound just grows. A penalty stops it; other objectives need none.",
        one_heap="Still in one heap. What bounds the slope of this critic? Its weight matters too: try 1.",
        modes_missing="Better, but modes are missing. Section 5: a heavier penalty, a flatter critic. Try less.",
        off_the_modes="All modes, and blurred: the critic could be steeper. Try a lighter penalty.",
        run_away="They still run away. Is there a penalty on the critic? If so, it is too heavy here: try 1.",
    ),
    _treated(
        14,
        "E",
        "Case E",
        3,
        "a batch now holds all modes, so what was learned of one is not forgotten at the next.",
        one_heap="Still one heap: the generator runs after whichever mode it was shown. Look at what a batch holds.",
        modes_missing="Some modes are missing still. Rates don't help against the order of the data.",
        off_the_modes="All modes, and blurred: leave the rates as they were.",
        run_away="The samples run away: leave the rates as they were.",
    ),
]

QUIZ = [
    Question(
        "A sampler has 100 % high quality on the ring. What do you know?",
        [
            (
                "It is better than a perfect sampler, so it is excellent",
                "A perfect one has 98.89 %. More is suspicious, not better.",
            ),
            (
                "Nothing about coverage; its modes may be missing or too narrow",
                "Right: one point at one mode reaches 100 %. Look at modes in use and at the spread.",
            ),
            ("All eight modes are there", "Quality does not ask which mode a sample is near."),
        ],
        1,
    ),
    Question(
        "Why does a generator collapse against a frozen discriminator?",
        [
            ("Its learning rate is too large", "It does so at any rate, only sooner or later."),
            ("The discriminator is not good enough", "A perfect one, frozen, has a highest place as well, or is flat."),
            (
                "Its loss is an average over single samples, lowest if all sit at the highest score",
                "Right: nothing in that average compares samples with each other. The discriminator has to move.",
            ),
        ],
        2,
    ),
    Question(
        "A critic trained with λ = 10 states a distance of 2.2. Real and generated samples differ by a shift. How far?",
        [
            (
                "About 2: the critic's slope is 1 + W/2λ, so it states W(1 + W/20)",
                "Right: 2 · 1.1 = 2.2. The penalty leaves the critic steeper than 1.",
            ),
            ("2.2: that is what the critic computes", "Only if its slope is 1. The penalty is a price, not a bound."),
            ("2.2/10", "λ weighs the penalty; it does not scale the critic by 10."),
        ],
        0,
    ),
    Question(
        "Your detector raises an alarm on 60 samples of a generator with 25 modes. What next?",
        [
            ("Train again with another remedy", "First ask whether the alarm means anything."),
            (
                "Draw 500 samples or more and look again",
                "Right: with two or three samples expected in each mode, chance alone empties some.",
            ),
            ("Lower the threshold until it is silent", "Then it will be silent about real collapse too."),
            ("Nothing: alarms on few samples are always false", "They may be right. You can't tell from 60 samples."),
        ],
        1,
    ),
    Question(
        "Losses of log 4 and log 2 in the last epochs. Which of these can't be the reason?",
        [
            ("A perfect generator", "Then they are exactly there: it can be."),
            ("A penalty so strong that D says ½ of everything", "That was case A."),
            ("A generator that runs ahead of a slow discriminator", "That was case B, and the game of section 2."),
            (
                "A discriminator that tells every sample apart",
                "Right: then its loss is near 0, and the generator's is large.",
            ),
        ],
        3,
    ),
]
