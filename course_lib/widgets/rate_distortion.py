"""Seven stored VAEs along a rate–distortion curve (card: data/weights/rate_distortion.md)."""

from functools import cache

import torch
from matplotlib.axes import Axes
from torch import Tensor

from ..data import load, result, shipped
from ..plots import COLOURS, grid
from ..vae import VAE
from .frame import draw, explorer

SIZE = (8.6, 3.8)
LATENT, HIDDEN = 10, (64,)
SHOWN, SAMPLE_ROWS = 6, 3  # images in a row, and rows of samples


@cache
def stored_models() -> dict[float, VAE]:
    """The stored VAEs by their β, in rising order, frozen. They take black-and-white digits (B, 1, 28, 28)."""
    from safetensors.torch import load_file

    states: dict[float, dict[str, Tensor]] = {}
    for key, value in load_file(shipped("weights/rate_distortion.safetensors")).items():
        beta, _, name = key.partition("/")
        states.setdefault(float(beta), {})[name] = value.float()
    models = {beta: VAE(LATENT, HIDDEN) for beta in sorted(states)}
    for beta, model in models.items():
        model.load_state_dict(states[beta])
        model.eval().requires_grad_(False)
    return models


@cache
def curve() -> dict[float, tuple[float, float]]:
    """Rate and distortion of each stored model on the test digits, in nats an image, by β."""
    runs = result("rate_distortion")["runs"]
    return {float(beta): (seeds[0]["test_rate"], seeds[0]["test_distortion"]) for beta, seeds in runs.items()}


@cache
def _digits() -> Tensor:
    return (load("digits", "test").take(SHOWN).batch().x > 0.5).float()


def rate_distortion_picture(beta: float = 1.0) -> bytes:
    """The curve with one β marked on the left; images, their reconstructions and samples of that model on the right.

    Raises:
        ValueError: no model of that β is stored.
    """
    models = stored_models()
    if beta not in models:
        raise ValueError(f"there is no stored model with β = {beta}; there are {', '.join(map(str, models))}")

    def paint(left: Axes, right: Axes):
        _paint_curve(left, beta)
        _paint_images(right, models[beta])

    return draw(paint, *SIZE, columns=2)


def rate_distortion_explorer():
    """Move β, and see where its model lies on the curve, what it reconstructs and what it invents."""
    import ipywidgets as w

    options = [(f"{beta:g}", beta) for beta in stored_models()]
    controls = {"beta": w.SelectionSlider(options=options, value=1.0, description="β")}
    text = "Rate–distortion explorer: run the notebook to move β."
    return explorer(rate_distortion_picture, controls, SIZE[0], text)


def _paint_curve(axis: Axes, beta: float) -> None:
    rate, distortion = curve()[beta]
    axis.plot(*zip(*curve().values(), strict=True), "o-", color=COLOURS[0])
    axis.plot(rate, distortion, "o", color=COLOURS[2], markersize=11)
    reach = torch.tensor([-0.15, 0.15]) * max(r for r, _ in curve().values()) / (1 + beta / 10)
    axis.plot(rate + reach, distortion - beta * reach, "--", color=COLOURS[2], linewidth=1)
    axis.set(xlabel="rate: KL in nats", ylabel="distortion: −log p(x|z) in nats", xlim=(-2, None), ylim=(0, None))
    axis.set_title(
        f"β = {beta:g}: {rate:.1f} + {distortion:.1f} = {rate + distortion:.1f}; dashed: slope −β", fontsize=11
    )


def _paint_images(axis: Axes, model: VAE) -> None:
    x = _digits()
    samples = model.sample(SAMPLE_ROWS * SHOWN, generator=torch.Generator().manual_seed(0))
    sheet = grid(torch.cat([x, model.reconstruct(x), samples]), SHOWN)
    axis.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axis.set_axis_off()
    for row, label in {14: "image", 44: "copy", 104: "samples"}.items():
        axis.text(-4, row, label, ha="right", va="center")
