"""The pen of the drawing game: animals, things that grow on stems, and boxes, each a point of continuous settings."""

import torch
from torch import Tensor

from .canvas import check, colour
from .drawn_animals import paint_animal
from .drawn_things import paint_box, paint_thing
from .sheet import Look, Sheet

ATTRIBUTES = (
    *("animal", "thing", "box"),  # how large each of the three parts of a picture is
    *("red", "green", "blue", "stripes", "spots", "mark", "hair", "rays"),  # of all parts; mark: black .. white
    *("size", "length", "neck", "legs", "ears", "broad", "prick", "snout", "tail", "horns", "mane", "pale", "saddle"),
    *("crown", "flat", "peak", "crescent", "stem", "girth", "bark", "leaf", "layers", "candle"),  # of a thing
    "roof",  # of a box: none, and one looks into a kitchen, .. that of a house
)
CHUNK = 64  # pictures that are painted at once, so that the planes stay in the processor's cache


def draw(attributes: Tensor, size: int = 28) -> Tensor:
    """The pictures with these settings (N, A) in [0, 1], in the order of `ATTRIBUTES`: float32 (N, 3, size, size).

    Any point is drawn. `animal`, `thing` and `box` say how large an animal, a thing and a building are in the picture,
    from nothing to all of it; half way between a cat and a tree stand half a cat and half a tree.

    All parts share red, green and blue; stripes and spots, none .. bold, with mark their colour, black, a dark shade,
    white; hair, smooth .. locks; rays, none .. a mane, petals, sunbeams. Of an animal: size; length of body, neck,
    legs, ears, snout (1 is a trunk), tail, horns; broad: ears; prick: ears, hanging .. upright and pointed; mane;
    pale: muzzle and belly; saddle: a dark back. Of a thing: crown, the width of its top; flat: ball .. cap; peak:
    pointed; crescent; stem, its length, girth, its width, bark, its colour, cream, brown, green; leaf: on top; layers:
    below the top; candle: a burger's layers and leaf .. a cake's layers and candle. Of a box: roof, a kitchen one looks
    into .. a house.

    Raises:
        ValueError: another shape, settings outside [0, 1], or a size below 16.
    """
    check("attributes", attributes, len(ATTRIBUTES), size)
    return torch.cat([_paint(part.float(), size) for part in attributes.split(CHUNK)])


def _paint(attributes: Tensor, size: int) -> Tensor:
    look = Look(dict(zip(ATTRIBUTES, attributes.T[:, :, None, None], strict=True)))
    sheet = Sheet(colour((1.0, 1.0, 1.0), attributes).expand(len(attributes), -1, -1, -1), size)
    for paint in (paint_box, paint_thing, paint_animal):
        sheet.unfold()
        paint(sheet, look)
    return sheet.colours.clamp(0, 1)
