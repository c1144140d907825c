"""The latent space of a VAE: sliders for its coordinates, and the image that they decode to."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..display import with_fallback
from ..plots import grid, png
from ..vae import VAE

REACH = 3.0  # standard deviations of the prior, to each side


@torch.no_grad()
def latent_picture(model: VAE, z: Tensor, scale: int = 8) -> bytes:
    """The image decoded from one z (D,), as PNG bytes."""
    if z.shape != (model.latent_dim,):
        raise ValueError(f"z is {tuple(z.shape)}; this model has z of shape ({model.latent_dim},)")
    return png(grid(model.decode(z[None].to(_device(model)))), scale)


@torch.no_grad()
def traversal_picture(model: VAE, z: Tensor, dims: Sequence[int], steps: int = 7, scale: int = 2) -> bytes:
    """A row for each of `dims`: what is decoded while that coordinate of z (D,) goes from -3 to 3. PNG bytes."""
    path = torch.linspace(-REACH, REACH, steps)
    points = z.repeat(len(dims), steps, 1)
    for row, dim in enumerate(dims):
        points[row, :, dim] = path
    return png(grid(model.decode(points.flatten(0, 1).to(_device(model))), steps), scale)


@torch.no_grad()
def active_dims(model: VAE, x: Tensor, n: int = 6) -> list[int]:
    """The n coordinates of z whose posterior mean varies most over images x: where the information is."""
    spread = model.encoder(x.to(_device(model)))[0].var(0)
    return spread.argsort(descending=True)[:n].tolist()


def latent_explorer(model: VAE, dims: Sequence[int] | None = None, seed: int = 0):
    """A slider for each coordinate in `dims` (the first six where not given), the decoded image beside them.

    Sliders take the arrow keys. Where no kernel runs, the traversal of each coordinate is shown instead.
    """
    import ipywidgets as w

    dims = list(range(min(6, model.latent_dim))) if dims is None else list(dims)
    if not dims or not all(0 <= d < model.latent_dim for d in dims):
        raise ValueError(f"dims are {dims}; give coordinates from 0 to {model.latent_dim - 1}")
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(model.latent_dim, generator=generator)
    state = {"z": start, "listening": True}
    image = w.Image(format="png", layout=w.Layout(width="224px", height="224px"))
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
    controls = w.VBox([*sliders, w.HBox([another, origin])])
    text = "Latent explorer: run the notebook to move through the latent space."
    return with_fallback(w.HBox([image, controls]), text, traversal_picture(model, start, dims))


def _device(model: VAE) -> torch.device:
    return next(model.parameters()).device
