"""Four optimisers on three surfaces, from the same start."""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from matplotlib.axes import Axes
from torch import Tensor

from ..plots import level_lines
from .frame import draw, explorer

SIZE = (8.6, 3.6)
MOST_STEPS = 120
LOWEST, FAR = 1e-8, 1e6  # shown as this at least; beyond that a run counts as diverged


class Surface(NamedTuple):
    """A function of points (N, 2) and its gradient, where runs start, and the part of the plane that is shown."""

    value: Callable[[Tensor], Tensor]
    gradient: Callable[[Tensor], Tensor]
    start: tuple[float, float]
    low: tuple[float, float]
    high: tuple[float, float]


def _columns(*columns: Tensor) -> Tensor:
    return torch.stack(columns, dim=1)


SURFACES = {
    "ravine": Surface(
        lambda at: (at[:, 0].square() + 25 * at[:, 1].square()) / 2,
        lambda at: at * torch.tensor([1.0, 25.0]),
        *((-2.5, 0.8), (-3, -1.2), (1, 1.2)),
    ),
    "saddle": Surface(
        lambda at: (at[:, 0].square() - at[:, 1].square()) / 2 + at[:, 1] ** 4 / 4 + 0.25,
        lambda at: _columns(at[:, 0], at[:, 1] ** 3 - at[:, 1]),
        *((-1.5, 0.001), (-2, -1.5), (1, 1.5)),
    ),
    "Rosenbrock": Surface(
        lambda at: (1 - at[:, 0]).square() + 100 * (at[:, 1] - at[:, 0].square()).square(),
        lambda at: _columns(
            2 * (at[:, 0] - 1) - 400 * at[:, 0] * (at[:, 1] - at[:, 0].square()),
            200 * (at[:, 1] - at[:, 0].square()),
        ),
        *((-1.2, 1.0), (-2, -0.7), (2, 2.2)),
    ),
}
OPTIMISERS = {
    "gradient descent": lambda p, lr, _: torch.optim.SGD(p, lr),
    "momentum 0.9": lambda p, lr, _: torch.optim.SGD(p, lr, momentum=0.9),
    "RMSProp": lambda p, _, lr: torch.optim.RMSprop(p, lr),
    "Adam": lambda p, _, lr: torch.optim.Adam(p, lr),
}


@functools.lru_cache(maxsize=64)
def race(surface: str, lr: float, adaptive_lr: float) -> dict[str, Tensor]:
    """The path of each optimiser, (121, 2). `adaptive_lr` is for RMSProp and Adam, which rescale the gradient.

    Raises:
        ValueError: an unknown surface.
    """
    if surface not in SURFACES:
        raise ValueError(f"there is no surface {surface!r}; there are {', '.join(SURFACES)}")
    return {label: _path(SURFACES[surface], make, lr, adaptive_lr) for label, make in OPTIMISERS.items()}


def race_picture(
    surface: str = "ravine", log_lr: float = -1.5, log_adaptive_lr: float = -1.0, steps: int = 50
) -> bytes:
    """The paths after some steps on the left, the value at each step on the right, as PNG bytes."""
    paths = {label: path[: steps + 1] for label, path in race(surface, 10**log_lr, 10**log_adaptive_lr).items()}
    here = SURFACES[surface]

    def paint(left: Axes, right: Axes):
        _paint_paths(left, here, paths)
        _paint_values(right, here, paths)

    return draw(paint, *SIZE, columns=2)


def optimiser_race():
    """Choose a surface and learning rates, then play the race or move through it with the slider."""
    import ipywidgets as w

    def rate(start, label):
        return w.FloatSlider(
            min=-4, max=0.5, step=0.1, value=start, description=label, style={"description_width": "11em"}
        )

    steps = w.IntSlider(min=0, max=MOST_STEPS, value=50, description="steps")
    play = w.Play(min=0, max=MOST_STEPS, step=4, interval=250, value=50)
    w.jslink((play, "value"), (steps, "value"))
    controls = {
        "surface": w.Dropdown(options=list(SURFACES), description="surface"),
        "log_lr": rate(-1.5, "log₁₀ lr, GD, momentum"),
        "log_adaptive_lr": rate(-1.0, "log₁₀ lr, RMSProp, Adam"),
        "steps": steps,
    }
    text = "Optimiser race: run the notebook to choose a surface and learning rates."
    return explorer(race_picture, controls, SIZE[0], text, [play])


def _path(surface: Surface, make: Callable, lr: float, adaptive_lr: float) -> Tensor:
    point = torch.tensor([surface.start], requires_grad=True)
    optimiser = make([point], lr, adaptive_lr)
    path = [point.detach().clone()]
    for _ in range(MOST_STEPS):
        point.grad = surface.gradient(path[-1])
        optimiser.step()
        path.append(point.detach().clone())
    return torch.cat(path)


def _paint_paths(axis: Axes, surface: Surface, paths: dict[str, Tensor]) -> None:
    level_lines(axis, lambda at: surface.value(at).log1p(), surface.low, surface.high, 10)
    for label, path in paths.items():
        inside = path[path.abs().amax(1) < FAR]  # drawing farther away overflows
        (line,) = axis.plot(*inside.T, linewidth=1.5, label=label)
        axis.plot(*inside[-1:].T, "o", color=line.get_color())
    axis.set(xlim=(surface.low[0], surface.high[0]), ylim=(surface.low[1], surface.high[1]), xlabel="x₁", ylabel="x₂")
    axis.grid(visible=False)


def _paint_values(axis: Axes, surface: Surface, paths: dict[str, Tensor]) -> None:
    for label, path in paths.items():
        values = surface.value(path)
        last = values[-1].item()
        end = f"{last:.2g}" if math.isfinite(last) and last < FAR else "diverged"
        axis.plot(values.clamp(LOWEST, FAR).log10(), linewidth=1.5, label=f"{label}: {end}")
    # Not a logarithmic axis: setting its labels takes as long as all the rest.
    axis.set(xlabel="step", ylabel="log₁₀ f", xlim=(0, max(1, len(values) - 1)), ylim=(-8, 6))
    axis.legend(loc="upper right", fontsize=9)
