"""Exercises and quiz of 01_drawing_challenge."""

import itertools
import math

import numpy as np
import torch
from scipy import optimize, spatial, stats
from sklearn.metrics.pairwise import rbf_kernel

from .inputs import normal, together, uniform
from .records import Exercise, Question

TITLE = "Drawing challenge"


# --- what the exercises are tried on ----------------------------------------------------------------------------


def _room(g):
    """How many fields in a row, in how many directions, and how bad the memory is."""
    m, d = (torch.randint(low, high, (), generator=g).item() for low, high in ((2, 7), (2, 5)))
    return m, d, 0.15 + 0.25 * torch.rand((), generator=g).item()


def _wish(g):
    """A room, and the share that should be drawn right."""
    return *_room(g), 0.5 + 0.45 * torch.rand((), generator=g).item()


def _widths(g):
    return (*together(normal(6, 2), normal(5, 2), uniform(5, 3))(g), 0.4 + torch.rand((), generator=g).item())


def _kinds(g):
    return uniform(4, 6)(g), torch.randint(1, 9, (4,), generator=g).double()


def _memory(g):
    return (
        torch.tensor([0.4, -0.3], dtype=torch.float64).expand(20_000, 2),
        0.3 + 0.4 * torch.rand((), generator=g).item(),
        torch.randint(3, 8, (), generator=g).item(),
    )


def _triples(g):
    a, b = uniform(60)(g), uniform(60)(g)
    return (a + b) / 2 + normal(60, scale=0.3)(g), a, b


def _row(g):
    """20,000 cards with a field each, of four fields in a row, and a memory."""
    places = torch.tensor([[-0.75], [-0.25], [0.25], [0.75]], dtype=torch.float64)
    return torch.randint(4, (20_000,), generator=g), places, 0.2 + 0.3 * torch.rand((), generator=g).item()


def _pictures(g):
    """Pictures whose names do not fit, what was seen before, with names, and the plan."""
    names = torch.randint(8, (30,), generator=g)
    return normal(30, 12)(g), names, normal(8, 12)(g), torch.randperm(8, generator=g), uniform(8, 2, low=-1.0)(g)


def _two_plans(g):
    looks = uniform(9, 4)(g)
    middle = torch.tensor([-2 / 3, 0, 2 / 3], dtype=torch.float64)
    grid = torch.cartesian_prod(middle, middle)
    return grid[torch.randperm(9, generator=g)], torch.cdist(looks, looks), normal(40, 9, 2, scale=0.4)(g)


# --- oracles, and answers that go wrong -------------------------------------------------------------------------


def _nearest(z, places):
    return torch.from_numpy(spatial.cKDTree(places.numpy()).query(z.numpy())[1])


def _share(m, d, sigma):
    """Field by field: the probability to stay between its borders, the outer ones far away, in one row; to the d."""
    borders = np.array([-math.inf, *(np.arange(1, m) * 2 / m - 1), math.inf])
    middles = (np.arange(m) + 0.5) * 2 / m - 1
    inside = stats.norm.cdf(borders[1:], middles, sigma) - stats.norm.cdf(borders[:-1], middles, sigma)
    return inside.mean() ** d


def _share_of(tails):
    """The closed form with another number of tails."""

    def share(m, d, sigma):
        return (1 - tails(m) * stats.norm.sf(1 / m / sigma)) ** d

    return share


def _times(share_of, spread=lambda sigma, n: sigma / math.sqrt(n)):
    """How often the plan is shown until the share is reached, by a formula for the share."""

    def times(m, d, sigma, share):
        return next(n for n in itertools.count(1) if share_of(m, d, spread(sigma, n)) >= share)

    return times


def _kernel(z, places, values, width):
    kernel = rbf_kernel(z, places, gamma=1 / (2 * width**2))
    return torch.from_numpy(kernel / kernel.sum(1, keepdims=True)) @ values


def _weighted(exponent, axis=1):
    """Interpolation with other weights, or with weights that sum to 1 over another axis."""

    def interpolate(z, places, values, width):
        weights = torch.exp(exponent(torch.cdist(z, places), width))
        return weights / weights.sum(axis, keepdim=True) @ values

    return interpolate


def _unnormalised(z, places, values, width):
    return torch.exp(-torch.cdist(z, places).square() / (2 * width**2)) @ values


def _moments(answer, z, sigma, copies):
    """How far the answer is off on average, and how much it scatters, in units of sigma."""
    given = answer(z, sigma, copies)
    return None if given is None else torch.cat([(given - z).mean(0), (given - z).std(0) / sigma])


def _averaged(z, sigma, copies):
    return z + sigma / math.sqrt(copies) * torch.randn_like(z)


def _cheapest(looks, counts):
    """By minimising the price numerically."""
    weights, points = (counts / counts.sum()).numpy(), looks.numpy()
    found = optimize.minimize(lambda a: weights @ np.square(points - a).sum(1), points.mean(0), tol=1e-12)
    return torch.from_numpy(found.x)


def _between(middle, a, b):
    ends = torch.stack([a, b]).sort(0).values
    return (middle.clamp(ends[0], ends[1]) == middle).double().mean()


def _agreement(places, looks):
    return stats.pearsonr(spatial.distance.pdist(places), spatial.distance.pdist(looks)).statistic


def _whole_matrices(places, looks):
    return torch.corrcoef(torch.stack([torch.cdist(places, places).flatten(), torch.cdist(looks, looks).flatten()]))[
        0, 1
    ]


def _right(answer, card, places, sigma):
    """The share that is right, and how often each field is drawn."""
    drawn = answer(card, places, sigma)
    return [(drawn == card).double().mean(), torch.bincount(drawn, minlength=4) / len(card)]


def _drawn_by_tails(card, places, sigma):
    """Fields drawn from their exact probabilities, without a memory."""
    borders = (places[1:, 0] + places[:-1, 0]) / 2
    below = torch.special.ndtr((borders - places) / sigma)  # (card, border)
    inside = torch.nn.functional.pad(below, (0, 1), value=1.0) - torch.nn.functional.pad(below, (1, 0))
    return inside[card].multinomial(1)[:, 0]


def _recalled(remember):
    """The game with another memory."""

    def drawn(card, places, sigma):
        return torch.cdist(remember(places[card], sigma), places).argmin(1)

    return drawn


def _sent(pictures, names, seen, seen_names, plan):
    nearest = spatial.cKDTree(seen.numpy()).query(pictures.numpy())[1]
    return plan[seen_names[torch.from_numpy(nearest)]]


def _drawn(places, eps):
    """What is drawn for each card from its place and some noise, (40, 9)."""
    return torch.cdist(places + eps, places).argmin(2)


def _expected_difference(places, apart, eps):
    """By counting how often each card is drawn for each other."""
    counts = torch.nn.functional.one_hot(_drawn(places, eps), 9).double().mean(0)
    return (counts * apart).sum() / 9


EXERCISES = [
    Exercise(
        id="01.1",
        title="A pack of a hundred",
        level=1,
        oracle=lambda: 1,
        why="each card is right with probability 1/100, and there are 100 of them. The size of the pack drops out.",
        mistakes=[
            (100, "That is with one plan for both. Here nothing was agreed."),
            (0, "Most single cards fail, but a hundred of them are tried."),
            (0.01, "This is the share. Multiply by the hundred cards."),
            (
                10,
                "Try a pack of two: the plans agree or they are swapped, two right or none. Take the average of that.",
            ),
        ],
    ),
    Exercise(
        id="01.2",
        title="The nearest field",
        level=1,
        inputs=together(normal(12, 2), normal(5, 2)),
        oracle=_nearest,
        why="drawing on a floor of fields means looking up the nearest middle.",
        mistakes=[
            (lambda z, places: torch.cdist(z, places).argmax(1), "This is the place that is farthest away."),
            (
                lambda z, places: torch.cdist(z, places).amin(1),
                "These are distances. Wanted is the number of the place: `argmin`.",
            ),
            (
                lambda z, places: torch.cdist(z, places).argmin(0),
                "For each place the nearest z. Wanted is for each z the nearest place.",
            ),
            (
                lambda z, places: (z[:, :1] - places[:, 0]).abs().argmin(1),
                "Only the first direction is compared. Both count.",
            ),
        ],
    ),
    Exercise(
        id="01.3",
        title="How often must you show the plan?",
        level=2,
        inputs=_wish,
        oracle=_times(_share),
        why="each further showing makes the mean of the memories a little better; stop as soon as it is enough.",
        mistakes=[
            (
                _times(_share, spread=lambda sigma, n: sigma / n),
                "The mean of n memories is off by σ/√n, not by σ/n.",
            ),
            (
                _times(lambda m, d, sigma: _share(m, 1, sigma)),
                "This is one direction. All d must stay in their field.",
            ),
            (
                _times(_share_of(lambda m: 2)),
                "Behind a wall there is no other field. The two outer fields can be left on one side only.",
            ),
            (
                lambda *room: _times(_share)(*room) - 1,
                "With this number the share is not reached. One more is needed.",
            ),
        ],
    ),
    Exercise(
        id="01.4",
        title="Show it more than once",
        level=2,
        inputs=_memory,
        measure=_moments,
        oracle=_averaged,
        why="errors that are independent cancel in part: the mean of n of them scatters by σ/√n.",
        mistakes=[
            (lambda z, sigma, copies: z + sigma * torch.randn_like(z), "This is one memory. Average several."),
            (
                lambda z, sigma, copies: z + sigma / copies * torch.randn_like(z),
                "The scatter of a mean falls with the square root of the number of copies.",
            ),
            (
                lambda z, sigma, copies: z + sigma * torch.randn(copies, *z.shape).sum(0),
                "You add the errors up. Divide by how many there are.",
            ),
            (
                lambda z, sigma, copies: sigma * torch.randn(copies, *z.shape).mean(0),
                "The errors are averaged, but the place itself is lost: add z.",
            ),
        ],
        tolerance=0.03,
    ),
    Exercise(
        id="01.5",
        title="Draw in between",
        level=1,
        inputs=_widths,
        oracle=_kernel,
        why="a mean whose weights fall off like a bell: near cards decide, far cards hardly count.",
        mistakes=[
            (_unnormalised, "The weights of one z must sum to 1. Divide by their sum."),
            (
                _weighted(lambda apart, width: -apart.square() / (2 * width**2), axis=0),
                "You divide by the sum over all z. For each z the weights of the *cards* must sum to 1.",
            ),
            (_weighted(lambda apart, width: -apart / (2 * width**2)), "The distance in the exponent is squared."),
            (
                _weighted(lambda apart, width: -apart.square() / (2 * width)),
                "The width in the exponent is squared, like the distance.",
            ),
            (
                _weighted(lambda apart, width: apart.square() / (2 * width**2)),
                "Far cards get the largest weights. A sign is missing.",
            ),
        ],
    ),
    Exercise(
        id="01.6",
        title="Is it in between?",
        level=2,
        inputs=_triples,
        oracle=_between,
        why="it counts the middles that neither end exceeds, whichever of the two ends is larger.",
        mistakes=[
            (
                lambda middle, a, b: ((middle >= a) & (middle <= b)).double().mean(),
                "Sometimes a is the larger end. Sort the two, or use `torch.minimum` and `torch.maximum`.",
            ),
            (
                lambda middle, a, b: ((middle >= torch.minimum(a, b)) & (middle <= torch.maximum(a, b))).sum(),
                "This is their number. Wanted is the share.",
            ),
            (
                lambda middle, a, b: (
                    ((middle >= torch.min(a.min(), b.min())) & (middle <= torch.max(a.max(), b.max()))).double().mean()
                ),
                "These are the smallest and the largest of all ends. Each middle has two ends of its own.",
            ),
            (
                lambda middle, a, b: 1 - _between(middle, a, b),
                "These are the middles that lie outside.",
            ),
        ],
    ),
    Exercise(
        id="01.7",
        title="One drawing for a whole kind",
        level=3,
        inputs=_kinds,
        oracle=_cheapest,
        why="the mean, weighted by how often each was met, has the smallest expected squared distance.",
        mistakes=[
            (
                lambda looks, counts: looks[counts.argmax()],
                "The commonest one wins most exact hits. Here the squared distance is paid for.",
            ),
            (lambda looks, counts: looks.mean(0), "Those that are met more often count more."),
            (lambda looks, counts: counts @ looks, "The weights must sum to 1: divide by how many were met."),
            (
                lambda looks, counts: looks.median(0).values,
                "A median minimises the sum of plain distances in each setting, not of squares.",
            ),
        ],
        tolerance=1e-4,
    ),
    Exercise(
        id="01.8",
        title="How well a plan follows the looks",
        level=2,
        inputs=together(normal(9, 2), uniform(9, 5)),
        oracle=_agreement,
        why="it compares all pairs of things, each once, and does not care how large or how turned the floor is.",
        mistakes=[
            (
                _whole_matrices,
                "Whole matrices hold every pair twice and the zero distance of each thing to itself, and those zeros "
                "agree for any plan. Use `torch.pdist`.",
            ),
            (
                lambda places, looks: torch.corrcoef(
                    torch.stack([torch.pdist(places).square(), torch.pdist(looks).square()])
                )[0, 1],
                "These are squared distances. The plain ones are compared.",
            ),
            (
                lambda places, looks: torch.cov(torch.stack([torch.pdist(places), torch.pdist(looks)]))[0, 1],
                "A covariance grows with the size of the floor. Divide by both standard deviations: `torch.corrcoef`.",
            ),
            (
                lambda places, looks: (
                    stats.spearmanr(spatial.distance.pdist(places), spatial.distance.pdist(looks)).statistic
                ),
                "This is the correlation of their ranks. Compare the distances themselves.",
            ),
        ],
    ),
    Exercise(
        id="01.9",
        title="Spot the bug: a perfect memory",
        level=2,
        inputs=_row,
        measure=_right,
        oracle=_drawn_by_tails,
        handed_over=lambda card, places, sigma: torch.cdist(places[card], places).argmin(1),
        why="the friend never sees the exact place. Noise must come before the field is looked up.",
        mistakes=[
            (
                _recalled(lambda z, sigma: z + sigma * torch.randn(1, 1, dtype=z.dtype)),
                "All friends make the same error. Each card needs its own: `torch.randn_like`.",
            ),
            (
                _recalled(lambda z, sigma: z + sigma * torch.rand_like(z)),
                "`rand` is never negative: all memories move to the right. Memory errs both ways: `randn`.",
            ),
            (
                _recalled(lambda z, sigma: z + sigma**2 * torch.randn_like(z)),
                "σ is the standard deviation already. Do not square it.",
            ),
            (
                _recalled(lambda z, sigma: sigma * torch.randn_like(z)),
                "The place of the cube is lost. The noise is added to it.",
            ),
        ],
        tolerance=0.025,
    ),
    Exercise(
        id="01.10",
        title="Spot the bug: too good to be true",
        level=2,
        inputs=_pictures,
        oracle=_sent,
        handed_over=lambda pictures, names, seen, seen_names, plan: plan[names],
        why="the sender may use what is seen, and nothing else. The name of a card is the answer, not a clue.",
        mistakes=[
            (
                lambda pictures, names, seen, seen_names, plan: plan[seen_names[torch.cdist(pictures, seen).argmax(1)]],
                "This is the picture that is least alike.",
            ),
            (
                lambda pictures, names, seen, seen_names, plan: seen_names[torch.cdist(pictures, seen).argmin(1)],
                "These are names. Look up their places in the plan.",
            ),
            (
                lambda pictures, names, seen, seen_names, plan: plan[torch.cdist(pictures, seen).argmin(1)],
                "This is the number of the seen picture. The plan is ordered by names: look up its name first.",
            ),
        ],
    ),
    Exercise(
        id="01.11",
        title="Spot the bug: blind to near misses",
        level=3,
        inputs=_two_plans,
        oracle=_expected_difference,
        handed_over=lambda places, apart, eps: (_drawn(places, eps) != torch.arange(9)).double().mean(),
        why="how far off a drawing is tells plans apart that are wrong equally often.",
        mistakes=[
            (
                lambda places, apart, eps: torch.cdist(places, places)[torch.arange(9), _drawn(places, eps)].mean(),
                "This is the distance on the floor, the same for any plan. Measure the distance in looks: `apart`.",
            ),
            (
                lambda places, apart, eps: (
                    apart[torch.arange(9), _drawn(places, eps)].sum() / (_drawn(places, eps) != torch.arange(9)).sum()
                ),
                "You average over the wrong drawings only. Right ones count, too, with distance 0.",
            ),
            (
                lambda places, apart, eps: apart[torch.arange(9), _drawn(places, eps)].amax(),
                "This is the worst drawing of all. Take the mean.",
            ),
            (
                lambda places, apart, eps: apart.mean(),
                "This is the mean over all pairs of cards. Only those count that are drawn for each other.",
            ),
        ],
    ),
]

QUIZ = [
    Question(
        "Two friends have careful plans of the same 36 cards, but never compared them. How many cards come out right?",
        [
            ("Nearly all: both plans are tidy", "A plan helps only if both use the same one."),
            ("About one of the whole pack", "Right: chance, whatever the size of the pack."),
            ("Exactly none", "Some fields agree by luck: one, on average."),
        ],
        1,
    ),
    Question(
        "A plan with similar things side by side and a random plan meet the same poor memory. What differs?",
        [
            ("How often the drawing is wrong", "Memory leaves a field as often, whatever lies beside it."),
            ("Nothing", "Count how far off the wrong drawings are, not only how many there are."),
            ("How far off the wrong drawings are", "Right: accuracy alone does not see the difference."),
        ],
        2,
    ),
    Question(
        "64 things, six numbers to pass, each blurred by the same noise. Which is best?",
        [
            ("Six directions with two fields each", "Right: each number only has to say one of two."),
            (
                "A floor of 8 × 8, shown three times",
                "Averaging helps, but fields stay narrow: less than half come out right.",
            ),
            ("A row of 64 fields, shown six times", "64 fields in one direction are far narrower than the noise."),
        ],
        0,
    ),
    Question(
        "A third quality is hidden in the fine position within a field. What is lost?",
        [
            ("Nothing: it can be read back exactly", "Only if memory is perfect and nobody looks between two things."),
            (
                "What lies between two places is no longer between the things",
                "Right: half of the midpoints fall outside.",
            ),
            ("The other two qualities", "They come back nearly as before."),
        ],
        1,
    ),
    Question(
        "Pairs with three directions hardly ever draw a striped creature with a long neck. Why?",
        [
            (
                "Networks cannot draw what they were never shown",
                "Most pairs with four directions do.",
            ),
            ("They were trained too briefly", "With four directions the same training was enough."),
            ("Four free settings were folded into three numbers", "Right: what practice never asked for was given up."),
        ],
        2,
    ),
    Question(
        "A word and a picture are placed at the same spot of a room, or near it. What does that take?",
        [
            (
                "A table of all pairs of words and pictures",
                "The encoder had never met a shiitake, and its picture still landed near the word.",
            ),
            ("That the word looks like the picture", "Letters and pixels share nothing."),
            ("That places stand for meaning, for both alike", "Right: that is what a joint space is (02 and 23)."),
        ],
        2,
    ),
]
