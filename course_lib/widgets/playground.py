"""Distributions with sliders for their parameters, and samples beside the formula."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from matplotlib.axes import Axes
from torch import Tensor
from torch import distributions as D

from ..display import with_fallback
from ..plots import COLOURS
from .frame import draw, explorer

SIZE = (7.0, 3.4)
SAMPLE_SIZES = (0, 10, 100, 1_000, 10_000)
POINTS = 501


class Slider(NamedTuple):
    low: float
    high: float
    step: float
    start: float


class Family(NamedTuple):
    """A distribution, the sliders of its parameters, and the part of the line that is shown."""

    make: Callable[..., D.Distribution]
    sliders: Mapping[str, Slider]
    low: float
    high: float
    discrete: bool = False


FAMILIES = {
    "Bernoulli": Family(lambda p: D.Bernoulli(p), {"p": Slider(0.01, 0.99, 0.01, 0.5)}, 0, 1, True),
    "Binomial": Family(
        lambda trials, p: D.Binomial(int(trials), p),
        {"trials": Slider(1, 30, 1, 10), "p": Slider(0.01, 0.99, 0.01, 0.3)},
        0,
        30,
        True,
    ),
    "Poisson": Family(lambda rate: D.Poisson(rate), {"rate": Slider(0.1, 15, 0.1, 4)}, 0, 30, True),
    "Uniform": Family(
        lambda low, width: D.Uniform(low, low + width),
        {"low": Slider(-4, 2, 0.1, -1), "width": Slider(0.1, 4, 0.1, 2)},
        *(-6, 6),
    ),
    "Normal": Family(
        lambda mean, sd: D.Normal(mean, sd), {"mean": Slider(-4, 4, 0.1, 0), "sd": Slider(0.1, 4, 0.05, 1)}, -6, 6
    ),
    "Laplace": Family(
        lambda mean, scale: D.Laplace(mean, scale),
        {"mean": Slider(-4, 4, 0.1, 0), "scale": Slider(0.1, 3, 0.05, 1)},
        *(-6, 6),
    ),
    "Exponential": Family(lambda rate: D.Exponential(rate), {"rate": Slider(0.1, 3, 0.05, 1)}, 0, 8),
    "Beta": Family(
        lambda a, b: D.Beta(a, b), {"a": Slider(0.5, 10, 0.1, 2), "b": Slider(0.5, 10, 0.1, 5)}, 0.001, 0.999
    ),
}


def distribution_picture(family: str, parameters: Mapping[str, float], n: int = 1000, seed: int = 0) -> bytes:
    """The mass or density of a distribution, with the histogram of n samples, as PNG bytes.

    Raises:
        ValueError: an unknown family, or parameters that are not its own.
    """
    if family not in FAMILIES:
        raise ValueError(f"there is no family {family!r}; there are {', '.join(FAMILIES)}")
    kind = FAMILIES[family]
    if set(parameters) != set(kind.sliders):
        raise ValueError(f"parameters are {', '.join(parameters)}; {family} has {', '.join(kind.sliders)}")
    distribution = kind.make(**parameters)
    samples = _samples(distribution, n, seed)
    paint = _paint_masses if kind.discrete else _paint_density
    return draw(lambda axis: paint(axis, kind, distribution, samples), *SIZE)


def distribution_playground():
    """Choose a distribution, move its parameters, draw samples. Sliders take the arrow keys."""
    import ipywidgets as w

    family = w.Dropdown(options=list(FAMILIES), value="Normal", description="family")
    first = _sliders_of(family.value)
    box = w.VBox([family, first])
    family.observe(lambda change: setattr(box, "children", (family, _sliders_of(change["new"]))), "value")
    text = "Distribution playground: run the notebook to move the parameters."
    return with_fallback(box, text, first.children[0].value)


def _sliders_of(family: str):
    import ipywidgets as w

    sliders = {
        name: w.FloatSlider(min=low, max=high, step=step, value=start, description=name)
        for name, (low, high, step, start) in FAMILIES[family].sliders.items()
    }
    sizes = [(f"{size:,}", size) for size in SAMPLE_SIZES]
    n = w.SelectionSlider(options=sizes, value=1000, description="samples")
    seed = w.BoundedIntText(value=0, min=0, max=10_000, description="seed")

    def picture(n, seed, **parameters):
        return distribution_picture(family, parameters, n, seed)

    text = f"{family}: run the notebook to move its parameters."
    return explorer(picture, {**sliders, "n": n, "seed": seed}, SIZE[0], text)


def _samples(distribution: D.Distribution, n: int, seed: int) -> Tensor:
    with torch.random.fork_rng(devices=[]):  # torch's distributions draw from the global generator only
        torch.manual_seed(seed)
        return distribution.sample((n,))


def _probability(distribution: D.Distribution, x: Tensor) -> Tensor:
    """Mass or density at each x, 0 outside the support."""
    inside = distribution.support.check(x)
    values = torch.zeros_like(x)
    values[inside] = distribution.log_prob(x[inside]).exp()
    return values


def _paint_masses(axis: Axes, kind: Family, distribution: D.Distribution, samples: Tensor) -> None:
    k = torch.arange(kind.low, kind.high + 1.0)
    mass = _probability(distribution, k)
    if len(samples):
        share = torch.bincount(samples.long(), minlength=len(k))[: len(k)] / len(samples)
        axis.bar(k.numpy(), share.numpy(), 0.8, color=COLOURS[3], alpha=0.6, label=f"{len(samples):,} samples")
    axis.plot(k, mass, "o", color=COLOURS[2], label="probability mass")
    entropy = -torch.xlogy(mass, mass).sum()
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set(ylabel="probability", xlim=(kind.low - 0.6, kind.high + 0.6))
    _finish(axis, distribution, samples, entropy)


def _paint_density(axis: Axes, kind: Family, distribution: D.Distribution, samples: Tensor) -> None:
    x = torch.linspace(kind.low, kind.high, POINTS)
    density = _probability(distribution, x)
    if len(samples):
        bins = torch.linspace(kind.low, kind.high, 61)
        heights = torch.histc(samples, 60, kind.low, kind.high) / (len(samples) * (bins[1] - bins[0]))
        axis.stairs(heights, bins, fill=True, color=COLOURS[3], alpha=0.6, label=f"{len(samples):,} samples")
    axis.plot(x, density, color=COLOURS[2], label="density")
    axis.set(ylabel="density", xlim=(kind.low, kind.high))
    _finish(axis, distribution, samples, distribution.entropy())


def _finish(axis: Axes, distribution: D.Distribution, samples: Tensor, entropy: Tensor) -> None:
    axis.set(xlabel="x", ylim=(0, 1.3 * axis.get_ylim()[1]))  # room for the legend
    title = f"mean {distribution.mean:.3g} · sd {distribution.stddev:.3g} · entropy {entropy:.3g} nats"
    if len(samples) > 1:
        title += f"   (samples: mean {samples.mean():.3g}, sd {samples.std():.3g})"
    axis.set_title(title, fontsize=10)
    axis.legend(loc="upper right")
