"""Five distances between a two-mode p and a Normal q that you move."""

import math

import torch
from matplotlib.axes import Axes
from torch import Tensor
from torch import distributions as D

from ..losses import js_divergence, total_variation
from ..plots import COLOURS
from .frame import draw, explorer

SIZE = (8.6, 3.4)
REACH, POINTS = 26.0, 417  # the line on which integrals are sums
STEP = 2 * REACH / (POINTS - 1)
SHOWN = 8.0
MODE_SD = 0.7
LONGEST_BAR = 5.0
MEANS, SDS = (-6.0, 6.0, 0.1), (0.3, 4.0, 0.1)  # low, high, step

# Each from log densities (B, POINTS) to (B,). The KLs stay in logarithms: a density that underflows to 0 would make the
# other direction infinite.
MEASURES = {
    "KL(p‖q)": lambda log_p, log_q: (log_p.exp() * (log_p - log_q)).sum(1) * STEP,
    "KL(q‖p)": lambda log_p, log_q: (log_q.exp() * (log_q - log_p)).sum(1) * STEP,
    "JS": lambda log_p, log_q: js_divergence(log_p.exp() * STEP, log_q.exp() * STEP),
    "TV": lambda log_p, log_q: total_variation(log_p.exp() * STEP, log_q.exp() * STEP),
    # the area between the two distribution functions
    "W₁": lambda log_p, log_q: (log_p.exp() - log_q.exp()).cumsum(1).abs().sum(1) * STEP**2,
}


def divergence(measure: str, mean: Tensor, sd: Tensor, separation: float) -> Tensor:
    """A measure between p and q = N(mean, sd²), for B choices of q: mean and sd (B,), result (B,).

    p has two modes of equal weight and standard deviation 0.7, `separation` apart. KL and JS are in nats.

    Raises:
        ValueError: an unknown measure.
    """
    if measure not in MEASURES:
        raise ValueError(f"there is no measure {measure!r}; there are {', '.join(MEASURES)}")
    x = torch.linspace(-REACH, REACH, POINTS, dtype=torch.float64)
    log_q = D.Normal(mean[:, None], sd[:, None]).log_prob(x)
    return MEASURES[measure](_log_p(x, separation).expand_as(log_q), log_q)


def best_fit(measure: str, separation: float) -> tuple[float, float]:
    """Mean and standard deviation, among the sliders' values, of the q that makes a measure smallest.

    The first one where two are equally good, as with the two modes of p.
    """
    every = torch.cartesian_prod(_ticks(*MEANS), _ticks(*SDS))
    found = every[divergence(measure, *every.T, separation).argmin()]
    mean, sd = (round(value, 1) for value in found.tolist())
    return mean, sd


def divergence_picture(mean: float, sd: float, separation: float) -> bytes:
    """p and q on the left, the five measures as bars on the right, as PNG bytes."""
    q = torch.tensor([[mean], [sd]], dtype=torch.float64)
    values = {measure: divergence(measure, *q, separation).item() for measure in MEASURES}

    def paint(left: Axes, right: Axes):
        _paint_densities(left, mean, sd, separation)
        _paint_measures(right, values)

    return draw(paint, *SIZE, columns=2)


def divergence_explorer():
    """Move q by hand, or let a button move it to where one of the measures is smallest."""
    import ipywidgets as w

    def slider(low, high, step, start, label):
        return w.FloatSlider(min=low, max=high, step=step, value=start, description=label)

    controls = {
        "mean": slider(*MEANS, 0.0, "mean of q"),
        "sd": slider(*SDS, 1.0, "sd of q"),
        "separation": slider(0.0, 10.0, 0.2, 4.0, "p's modes"),
    }
    buttons = [w.Button(description=f"Smallest {measure}") for measure in MEASURES]

    def jump(measure):
        controls["mean"].value, controls["sd"].value = best_fit(measure, controls["separation"].value)

    for button, measure in zip(buttons, MEASURES, strict=True):
        button.on_click(lambda _, measure=measure: jump(measure))
    text = "Divergence explorer: run the notebook to move q."
    return explorer(divergence_picture, controls, SIZE[0], text, buttons)


def _ticks(low: float, high: float, step: float) -> Tensor:
    return torch.arange(round(low / step), round(high / step) + 1, dtype=torch.float64) * step


def _log_p(x: Tensor, separation: float) -> Tensor:
    modes = torch.tensor([-separation / 2, separation / 2], dtype=x.dtype)
    return D.Normal(modes, MODE_SD).log_prob(x[:, None]).logsumexp(1) - math.log(2)


def _paint_densities(axis: Axes, mean: float, sd: float, separation: float) -> None:
    x = torch.linspace(-SHOWN, SHOWN, 401)
    axis.plot(x, _log_p(x, separation).exp(), color=COLOURS[0], label="p")
    axis.plot(x, D.Normal(mean, sd).log_prob(x).exp(), "--", color=COLOURS[2], label="q")
    axis.set(xlabel="x", ylabel="density", xlim=(-SHOWN, SHOWN), ylim=(0, 1))
    axis.legend(loc="upper right")


def _paint_measures(axis: Axes, values: dict[str, float]) -> None:
    rows = range(len(values))
    axis.barh(rows, [min(value, LONGEST_BAR) for value in values.values()], color=COLOURS[0])
    for row, value in zip(rows, values.values(), strict=True):
        axis.text(min(value, LONGEST_BAR) + 0.08, row, f"{value:.3f}", va="center")
    axis.axvline(math.log(2), color=COLOURS[8], linestyle=":")
    axis.set(yticks=rows, yticklabels=values, xlim=(0, LONGEST_BAR + 1), xlabel="nats; TV without a unit; W₁ as x")
    axis.set_title("dotted: log 2, the bound of JS", fontsize=10)
    axis.invert_yaxis()
    axis.grid(visible=False, axis="y")
