"""The latent space of a VAE: sliders for its coordinates, and the image or sentence that they decode to."""

import textwrap
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from ..display import with_fallback
from ..plots import grid, png
from ..vae import VAE
from .paper import font

REACH = 3.0  # standard deviations of the prior, to each side
# Pictures of text, in pixels: their width, the height of a line and of the letters; and characters in a line.
TEXT_WIDTH, LINE, LETTERS, LINE_LENGTH = 480, 20, 14, 56


@torch.no_grad()
def latent_picture(model: VAE, z: Tensor, scale: int = 8) -> bytes:
    """The image or sentence decoded from one z (D,), as PNG bytes; `scale` is that of images."""
    if z.shape != (model.latent_dim,):
        raise ValueError(f"z is {tuple(z.shape)}; this model has z of shape ({model.latent_dim},)")
    decoded = model.decode(z[None].to(_device(model)))
    return png(grid(decoded), scale) if isinstance(decoded, Tensor) else png(_written(decoded))


@torch.no_grad()
def traversal_picture(model: VAE, z: Tensor, dims: Sequence[int], steps: int = 7, scale: int = 2) -> bytes:
    """What is decoded while each of `dims` of z (D,) in turn goes from -3 to 3. PNG bytes.

    A row of images for each coordinate, or a paragraph of sentences, one a line.
    """
    path = torch.linspace(-REACH, REACH, steps)
    points = z.repeat(len(dims), steps, 1)
    for row, dim in enumerate(dims):
        points[row, :, dim] = path
    decoded = model.decode(points.flatten(0, 1).to(_device(model)))
    if isinstance(decoded, Tensor):
        return png(grid(decoded, steps), scale)
    lines = []
    for row, dim in enumerate(dims):
        lines += [f"z[{dim}] from {-REACH:g} to {REACH:g}", *decoded[row * steps : (row + 1) * steps], ""]
    return png(_written(lines[:-1]))


@torch.no_grad()
def active_dims(model: VAE, x: Tensor, n: int = 6) -> list[int]:
    """The n coordinates of z whose posterior mean varies most over data x: where the information is."""
    spread = model.encoder(x.to(_device(model)))[0].var(0)
    return spread.argsort(descending=True)[:n].tolist()


def latent_explorer(model: VAE, dims: Sequence[int] | None = None, seed: int = 0):
    """A slider for each coordinate in `dims` (the first six where not given), what they decode to beside them.

    `model.decode(z)` returns images (B, C, H, W), or a list of sentences.

    Sliders take the arrow keys. Where no kernel runs, the traversal of each coordinate is shown instead.
    """
    import ipywidgets as w

    dims = list(range(min(6, model.latent_dim))) if dims is None else list(dims)
    if not dims or not all(0 <= d < model.latent_dim for d in dims):
        raise ValueError(f"dims are {dims}; give coordinates from 0 to {model.latent_dim - 1}")
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(model.latent_dim, generator=generator)
    state = {"z": start, "listening": True}
    image = w.Image(format="png")
    sliders = [w.FloatSlider(min=-REACH, max=REACH, step=0.1, description=f"z[{d}]") for d in dims]

    def draw(change=None):
        if state["listening"]:
            for slider, d in zip(sliders, dims, strict=True):
                state["z"][d] = slider.value
            image.value = latent_picture(model, state["z"])

    def jump(z: Tensor):
        state.update(z=z, listening=False)  # sliders that are set together draw once
        for slider, d in zip(sliders, dims, strict=True):
            slider.value = round(min(max(z[d].item(), -REACH), REACH), 1)
        state["listening"] = True
        draw()

    another, origin = w.Button(description="Another z ~ N(0, I)"), w.Button(description="z = 0")
    another.on_click(lambda _: jump(torch.randn(model.latent_dim, generator=generator)))
    origin.on_click(lambda _: jump(torch.zeros(model.latent_dim)))
    for slider in sliders:
        slider.observe(draw, "value")
    jump(start.clone())
    # A widget stretches an image to its own width unless told otherwise.
    image.layout = w.Layout(width=f"{_width(image.value)}px", max_width="100%", align_self="flex-start")
    controls = w.VBox([*sliders, w.HBox([another, origin])])
    text = "Latent explorer: run the notebook to move through the latent space."
    return with_fallback(w.HBox([image, controls]), text, traversal_picture(model, start, dims))


def _device(model: VAE) -> torch.device:
    return next(model.parameters()).device


def _written(lines: Sequence[str]) -> np.ndarray:
    """Lines of text in black on white, long ones wrapped: uint8 (h, w)."""
    rows = [row for line in lines for row in textwrap.wrap(line, LINE_LENGTH) or [""]]
    sheet = Image.new("L", (TEXT_WIDTH, LINE * len(rows) + LINE // 2), 255)
    pen = ImageDraw.Draw(sheet)
    for i, row in enumerate(rows):
        pen.text((LINE // 2, LINE // 4 + i * LINE), row, 0, font(LETTERS))
    return np.asarray(sheet)


def _width(picture: bytes) -> int:
    return int.from_bytes(picture[16:20])  # of a PNG: after the signature, the header's length and its name
