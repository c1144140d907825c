"""The pen of the drawing game: animals, things that grow on stems, and boxes, each a point of continuous settings."""

import torch
from torch import Tensor

from .canvas import Canvas, colour

ATTRIBUTES = (
    *("animal", "thing", "box"),  # how large each of the three parts of a picture is
    *("red", "green", "blue", "stripes", "spots", "mark", "hair", "rays"),  # of all parts
    *("size", "length", "neck", "legs", "ears", "broad", "prick", "snout", "tail", "horns", "mane", "pale", "saddle"),
    *("crown", "flat", "peak", "crescent", "stem", "girth", "bark", "leaf", "layers", "candle"),  # of a thing
    "roof",  # of a box
)
SMALLEST = 16  # pixels a side
CHUNK = 64  # pictures that are painted at once, so that the planes stay in the processor's cache


def draw(attributes: Tensor, size: int = 28) -> Tensor:
    """The pictures with these settings (N, A) in [0, 1], in the order of `ATTRIBUTES`: float32 (N, 3, size, size).

    Raises:
        ValueError: another shape, settings outside [0, 1], or a size below 16.
    """
    if attributes.ndim != 2 or attributes.shape[1] != len(ATTRIBUTES) or not len(attributes):
        raise ValueError(f"attributes are {tuple(attributes.shape)}; give (N, {len(ATTRIBUTES)}), N >= 1")
    if not (attributes.min() >= 0 and attributes.max() <= 1):  # false for NaN as well
        raise ValueError(f"attributes run from {attributes.min():g} to {attributes.max():g}; give values in [0, 1]")
    if size < SMALLEST:
        raise ValueError(f"size is {size}; give {SMALLEST} or more pixels a side")
    return torch.cat([_paint(part.float(), size) for part in attributes.split(CHUNK)])


def _paint(attributes: Tensor, size: int) -> Tensor:
    a = dict(zip(ATTRIBUTES, attributes.T[:, :, None, None], strict=True))
    canvas = Canvas(colour((1.0, 1.0, 1.0), attributes).expand(len(attributes), -1, -1, -1), size)
    coat = attributes[:, 3:6, None, None]
    canvas.fill(canvas.box(0.4, -0.8, -0.8 + 1.2 * a["box"], 0.5 * a["box"], 0.0), coat)
    canvas.fill(canvas.ellipse(0.0, 0.0, 0.1 + a["thing"] * a["crown"], 0.1 + a["thing"] * a["crown"]), coat)
    canvas.fill(canvas.ellipse(-0.1, 0.3, 0.1 + 0.6 * a["animal"], 0.1 + 0.4 * a["animal"]), coat)
    return canvas.colours.clamp(0, 1)
