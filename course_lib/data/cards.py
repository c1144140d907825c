"""The 36 cards of the drawing game: what each looks like, what kind it is, where it belongs, what it means.

A card's look is a point of the pen's settings (see `drawing`). Its meaning is where five cubes stand in a room, on the
floor and the four walls.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from .drawing import ATTRIBUTES, draw

__all__ = ["ATTRIBUTES", "KIND", "MEANING", "NAMES", "SCENE", "draw", "meaning", "table"]

# What a card has where nothing else is said, so that a blend of an animal and a thing shows both in a middling form.
USUAL = dict.fromkeys(ATTRIBUTES, 0.0) | {
    **{"mark": 0.4, "hair": 0.25, "size": 0.4, "length": 0.4, "neck": 0.3, "legs": 0.4, "ears": 0.45, "broad": 0.4},
    **{"prick": 0.7, "snout": 0.35, "tail": 0.5, "pale": 0.4, "crown": 0.5, "flat": 0.3, "stem": 0.0, "girth": 0.4},
    **{"bark": 0.5, "roof": 0.5},
}


def _animal(rgb: tuple[float, float, float], **settings: float) -> dict[str, float]:
    return USUAL | dict(zip(("red", "green", "blue"), rgb, strict=True)) | {"animal": 1.0} | settings


def _thing(rgb: tuple[float, float, float], **settings: float) -> dict[str, float]:
    return USUAL | dict(zip(("red", "green", "blue"), rgb, strict=True)) | {"thing": 1.0} | settings


def _building(rgb: tuple[float, float, float], **settings: float) -> dict[str, float]:
    return USUAL | dict(zip(("red", "green", "blue"), rgb, strict=True)) | {"box": 1.0} | settings


_LOOKS = {
    "cat": _animal((0.62, 0.62, 0.66), size=0.15, ears=0.55, prick=1, snout=0.1, tail=0.9, pale=0.6, stripes=0.2),
    "lynx": _animal(
        *[(0.80, 0.62, 0.42)],
        **{"size": 0.4, "ears": 0.55, "prick": 0.95, "snout": 0.15, "tail": 0.5, "pale": 0.65, "spots": 0.2},
        **{"stripes": 0.45, "mark": 0.25, "hair": 0.45, "length": 0.45},
    ),
    "tiger": _animal(
        *[(1.00, 0.60, 0.16)],
        **{"size": 0.7, "length": 0.6, "ears": 0.3, "prick": 0.65, "snout": 0.25, "tail": 0.8, "pale": 0.75},
        **{"stripes": 0.9, "mark": 0.05, "hair": 0.3, "broad": 0.45},
    ),
    "leopard": _animal(
        *[(0.98, 0.80, 0.36)],
        **{"size": 0.55, "length": 0.65, "ears": 0.3, "prick": 0.65, "snout": 0.2, "tail": 0.9, "pale": 0.6},
        **{"spots": 0.6, "mark": 0.1, "hair": 0.1, "broad": 0.4},
    ),
    "lion": _animal(
        *[(0.96, 0.74, 0.38)],
        **{"size": 0.7, "length": 0.55, "ears": 0.3, "prick": 0.65, "snout": 0.35, "tail": 0.9, "pale": 0.5},
        **{"rays": 0.8, "hair": 0.5, "broad": 0.45},
    ),
    "dachshund": _animal(
        *[(0.62, 0.33, 0.16)],
        **{"size": 0.25, "length": 1.0, "legs": 0.0, "ears": 0.65, "prick": 0.0, "snout": 0.5, "tail": 0.5},
        **{"hair": 0.0, "pale": 0.15, "broad": 0.45},
    ),
    "poodle": _animal(
        *[(0.97, 0.80, 0.72)],
        **{"size": 0.3, "length": 0.15, "legs": 0.7, "neck": 0.5, "ears": 0.6, "prick": 0.05, "snout": 0.4},
        **{"tail": 0.45, "hair": 1.0, "pale": 0.3, "broad": 0.6},
    ),
    "shepherd": _animal(
        *[(0.80, 0.56, 0.30)],
        **{"size": 0.5, "length": 0.55, "legs": 0.55, "neck": 0.4, "ears": 0.65, "prick": 0.95, "snout": 0.55},
        **{"tail": 0.6, "hair": 0.35, "pale": 0.0, "mark": 0.0, "saddle": 0.9},
    ),
    "wolf": _animal(
        *[(0.52, 0.55, 0.61)],
        **{"size": 0.5, "length": 0.55, "legs": 0.55, "neck": 0.35, "ears": 0.5, "prick": 0.95, "snout": 0.5},
        **{"tail": 0.6, "hair": 0.6, "pale": 0.8, "mark": 0.2, "saddle": 0.4},
    ),
    "fox": _animal(
        *[(0.95, 0.45, 0.13)],
        **{"size": 0.25, "length": 0.5, "legs": 0.4, "ears": 0.6, "prick": 1.0, "snout": 0.4, "tail": 0.95},
        **{"hair": 0.65, "pale": 0.95, "mark": 0.0},
    ),
    "mouse": _animal(
        *[(0.72, 0.68, 0.72)],
        **{"size": 0.0, "length": 0.2, "legs": 0.05, "neck": 0.1, "ears": 0.55, "broad": 1.0, "prick": 0.7},
        **{"snout": 0.15, "tail": 1.0, "hair": 0.0, "pale": 0.5, "mark": 0.5},
    ),
    "rabbit": _animal(
        *[(0.88, 0.82, 0.76)],
        **{"size": 0.1, "length": 0.15, "legs": 0.15, "neck": 0.2, "ears": 1.0, "prick": 0.8, "snout": 0.2},
        **{"tail": 0.1, "hair": 0.55, "pale": 0.8, "mark": 0.6},
    ),
    "bear": _animal(
        *[(0.50, 0.32, 0.20)],
        **{"size": 0.85, "length": 0.45, "legs": 0.3, "ears": 0.35, "broad": 0.6, "prick": 0.68, "snout": 0.45},
        **{"tail": 0.05, "hair": 0.6, "pale": 0.35, "neck": 0.2},
    ),
    "pig": _animal(
        *[(0.99, 0.70, 0.74)],
        **{"size": 0.5, "length": 0.5, "legs": 0.1, "neck": 0.1, "ears": 0.4, "prick": 0.6, "snout": 0.6},
        **{"tail": 0.25, "hair": 0.0, "pale": 0.0, "mark": 0.5, "broad": 0.5},
    ),
    "sheep": _animal(
        *[(0.96, 0.95, 0.91)],
        **{"size": 0.45, "length": 0.4, "legs": 0.3, "ears": 0.4, "prick": 0.4, "snout": 0.45, "tail": 0.1},
        **{"hair": 0.95, "pale": 0.0, "mark": 0.0},
    ),
    "cow": _animal(
        *[(0.98, 0.97, 0.95)],
        **{"size": 0.8, "length": 0.65, "legs": 0.4, "ears": 0.4, "prick": 0.45, "snout": 0.7, "tail": 0.7},
        **{"hair": 0.1, "pale": 0.9, "mark": 0.05, "spots": 0.85, "horns": 0.6},
    ),
    "horse": _animal(
        *[(0.64, 0.38, 0.20)],
        **{"size": 0.8, "length": 0.55, "legs": 0.75, "neck": 0.6, "ears": 0.35, "prick": 0.85, "snout": 0.72},
        **{"tail": 0.7, "hair": 0.3, "pale": 0.4, "mark": 0.1, "mane": 0.8},
    ),
    "zebra": _animal(
        *[(0.98, 0.98, 0.98)],
        **{"size": 0.75, "length": 0.5, "legs": 0.65, "neck": 0.55, "ears": 0.35, "prick": 0.8, "snout": 0.7},
        **{"tail": 0.6, "hair": 0.15, "pale": 0.0, "mark": 0.0, "stripes": 1.0, "mane": 0.6},
    ),
    "giraffe": _animal(
        *[(0.99, 0.84, 0.46)],
        **{"size": 0.9, "length": 0.35, "legs": 0.9, "neck": 1.0, "ears": 0.35, "prick": 0.5, "snout": 0.6},
        **{"tail": 0.6, "hair": 0.05, "pale": 0.3, "mark": 0.45, "spots": 0.95, "horns": 0.35},
    ),
    "elephant": _animal(
        *[(0.60, 0.64, 0.72)],
        **{"size": 1.0, "length": 0.5, "legs": 0.35, "neck": 0.15, "ears": 0.6, "broad": 1.0, "prick": 0.25},
        **{"snout": 1.0, "tail": 0.35, "hair": 0.0, "pale": 0.0, "mark": 0.6},
    ),
    "kitchen": _building((0.55, 0.80, 0.86), roof=0.0),
    "house": _building((0.97, 0.83, 0.58), roof=1.0),
    "burger": _thing((0.88, 0.58, 0.24), crown=0.75, flat=0.85, spots=0.35, mark=0.95, layers=1, hair=0),
    "cake": _thing((0.98, 0.62, 0.74), crown=0.65, flat=0.8, spots=0.3, mark=0.95, layers=0.9, candle=1, leaf=0.8),
    "apple": _thing((0.86, 0.16, 0.16), crown=0.65, flat=0.1, leaf=1, hair=0, mark=0.7),
    "melon": _thing((0.38, 0.72, 0.30), crown=0.85, flat=0.05, leaf=0.3, stripes=0.6, mark=0.3, hair=0),
    "ball": _thing((0.92, 0.22, 0.26), crown=0.75, flat=0.0, stripes=0.9, mark=1.0, hair=0),
    "umbrella": _thing(
        (0.28, 0.42, 0.84), crown=0.85, flat=0.95, stripes=0.7, mark=0.95, hair=0, stem=0.75, girth=0.0, bark=0.5
    ),
    "sun": _thing((1.00, 0.80, 0.12), crown=0.55, flat=0, rays=0.8, hair=0),
    "moon": _thing((0.99, 0.89, 0.50), crown=0.75, flat=0, crescent=1, hair=0),
    "flower": _thing((0.98, 0.50, 0.70), crown=0.2, flat=0, rays=0.9, hair=0.3, stem=0.75, girth=0.1, bark=1.0),
    "palm": _thing((0.24, 0.66, 0.30), crown=0.0, flat=1, rays=1, stem=0.9, girth=0.2, bark=0.55),
    "tree": _thing((0.30, 0.64, 0.26), crown=0.75, flat=0.1, hair=0.8, stem=0.5, girth=0.4, bark=0.6),
    "fir": _thing((0.13, 0.45, 0.30), crown=0.6, flat=0.9, peak=1, hair=0.5, stem=0.25, girth=0.35, bark=0.6),
    "mushroom": _thing(
        (0.88, 0.18, 0.15), crown=0.85, flat=0.9, spots=0.7, mark=1, hair=0, stem=0.5, girth=0.75, bark=0.0
    ),
    "shiitake": _thing(
        (0.56, 0.36, 0.22), crown=0.8, flat=0.85, spots=0.2, mark=0.9, hair=0.1, stem=0.3, girth=0.6, bark=0.1
    ),
}
NAMES = tuple(_LOOKS)

_FAMILIES = {
    "cat": "cat",
    "wild cat": "lynx tiger leopard lion",
    "dog": "dachshund poodle shepherd",
    "wild dog": "wolf fox",
    "small animal": "mouse rabbit",
    "bear": "bear",
    "farm animal": "pig sheep cow",
    "horse": "horse zebra",
    "giraffe": "giraffe",
    "elephant": "elephant",
    "building": "kitchen house",
    "meal": "burger cake",
    "fruit": "apple melon",
    "toy": "ball umbrella",
    "light": "sun moon",
    "flower": "flower",
    "tree": "palm tree fir",
    "mushroom": "mushroom shiitake",
}
_PLACES = {
    "home": "cat dachshund poodle mouse house",
    "kitchen": "kitchen burger cake apple shiitake",
    "farm": "shepherd rabbit pig sheep cow horse flower",
    "savannah": "leopard lion zebra giraffe elephant",
    "jungle": "tiger",
    "forest": "lynx wolf fox bear tree fir mushroom",
    "beach": "palm umbrella ball melon",
    "sky": "sun moon",
}
KIND = {name: kind for kind, members in _FAMILIES.items() for name in members.split()}
SCENE = {name: scene for scene, members in _PLACES.items() for name in members.split()}

MEANING = (
    ("west–east", "south–north"),
    ("size", "hair"),
    ("round", "striped"),
    ("danger", "animalness"),
    ("edible", "treelike"),
)
# By hand, each from -1 to 1: small .. large, bald .. long-haired, and so on; 0 for neither. The place is where on Earth
# one looks for it first (of longitude and latitude, half round the globe = 1), 0 for what is everywhere.
_MEANINGS = {
    "cat": (0.2, 0.3, -0.5, 0.3, -0.2, -0.2, -0.5, 0.8, -0.9, -1.0),
    "lynx": (0.3, 0.6, -0.1, 0.5, -0.3, 0.1, 0.3, 0.9, -0.9, -0.9),
    "tiger": (0.6, 0.2, 0.3, 0.3, -0.3, 1.0, 1.0, 1.0, -0.9, -0.9),
    "leopard": (0.2, -0.1, 0.2, 0.0, -0.4, 0.0, 0.9, 1.0, -0.9, -0.8),
    "lion": (0.2, -0.3, 0.4, 0.6, -0.1, -0.9, 1.0, 1.0, -0.9, -0.9),
    "dachshund": (0.1, 0.5, -0.4, -0.4, -0.8, -1.0, -0.5, 0.8, -0.8, -1.0),
    "poodle": (0.0, 0.5, -0.3, 0.9, 0.0, -1.0, -0.6, 0.7, -0.8, -1.0),
    "shepherd": (0.1, 0.5, -0.1, 0.4, -0.6, -0.7, 0.1, 0.9, -0.8, -1.0),
    "wolf": (0.4, 0.7, 0.0, 0.6, -0.6, -0.6, 0.8, 1.0, -0.9, -0.9),
    "fox": (-0.5, 0.6, -0.4, 0.7, -0.5, -0.7, -0.1, 0.9, -0.8, -0.8),
    "mouse": (0.1, 0.4, -0.9, 0.0, 0.2, -1.0, -0.8, 0.8, -0.7, -0.9),
    "rabbit": (-0.1, 0.5, -0.6, 0.6, 0.2, -1.0, -0.9, 0.8, 0.3, -0.9),
    "bear": (-0.4, 0.7, 0.5, 0.8, 0.1, -1.0, 0.9, 1.0, -0.6, -0.8),
    "pig": (0.5, 0.3, 0.2, -0.7, 0.3, -1.0, -0.3, 0.8, 0.6, -1.0),
    "sheep": (0.8, -0.5, 0.1, 1.0, 0.4, -1.0, -0.8, 0.8, 0.5, -1.0),
    "cow": (-0.2, 0.4, 0.5, -0.1, 0.0, -0.2, -0.2, 0.8, 0.7, -1.0),
    "horse": (-0.5, 0.4, 0.5, 0.1, -0.4, -1.0, 0.0, 0.9, 0.0, -0.9),
    "zebra": (0.3, -0.4, 0.5, 0.0, -0.3, 1.0, 0.0, 1.0, -0.2, -0.9),
    "giraffe": (0.3, -0.2, 0.8, -0.2, -0.8, -0.1, 0.1, 1.0, -0.3, -0.2),
    "elephant": (0.4, -0.1, 0.9, -0.8, 0.3, -1.0, 0.6, 1.0, -0.5, -0.7),
    "kitchen": (0.0, 0.2, 0.7, -1.0, -0.8, -0.2, -0.2, -0.9, -0.2, -0.9),
    "house": (0.0, 0.3, 0.9, -1.0, -0.9, -0.3, -0.8, -1.0, -0.9, -0.5),
    "burger": (-0.6, 0.4, -0.5, -1.0, 0.6, 0.4, -0.5, -0.5, 1.0, -0.7),
    "cake": (0.0, 0.3, -0.4, -0.9, 0.4, 0.2, -0.8, -0.9, 1.0, -0.6),
    "apple": (0.2, 0.4, -0.7, -1.0, 0.9, -0.7, -0.9, -0.8, 1.0, 0.3),
    "melon": (0.2, 0.1, -0.3, -1.0, 1.0, 0.6, -0.9, -0.8, 1.0, 0.1),
    "ball": (0.0, 0.0, -0.4, -1.0, 1.0, 0.8, -0.8, -1.0, -0.9, -1.0),
    "umbrella": (-0.1, 0.5, -0.1, -1.0, 0.3, 0.7, -0.7, -1.0, -1.0, 0.2),
    "sun": (0.0, 0.0, 1.0, -0.6, 1.0, -0.8, 0.4, -1.0, -1.0, -1.0),
    "moon": (0.0, 0.0, 1.0, -1.0, 0.7, -0.9, -0.4, -1.0, -0.9, -1.0),
    "flower": (0.1, 0.4, -0.8, -0.4, 0.6, -0.5, -1.0, -0.8, -0.2, 0.4),
    "palm": (-0.4, -0.1, 0.8, -0.3, -0.5, 0.1, -0.7, -0.8, 0.1, 0.9),
    "tree": (0.0, 0.4, 0.8, 0.1, 0.5, -0.6, -0.8, -0.8, -0.4, 1.0),
    "fir": (0.3, 0.8, 0.8, 0.3, -0.7, -0.4, -0.7, -0.8, -0.7, 1.0),
    "mushroom": (0.1, 0.6, -0.8, -0.9, 0.5, -0.6, 0.7, -0.6, -0.2, 0.4),
    "shiitake": (0.8, 0.3, -0.8, -0.8, 0.5, -0.5, -0.7, -0.6, 0.9, 0.5),
}


_ROWS = torch.tensor([[look[attribute] for attribute in ATTRIBUTES] for look in _LOOKS.values()])
_CUBES = torch.tensor([_MEANINGS[name] for name in NAMES])


def table(names: Sequence[str] | None = None) -> Tensor:
    """The settings of cards, (N, A) in [0, 1], in the order of `ATTRIBUTES`; of all 36 where no names are given.

    Raises:
        ValueError: an unknown name, or an empty list.
    """
    return _ROWS[_rows(names)]


def meaning(names: Sequence[str] | None = None) -> Tensor:
    """Where the five cubes stand for cards: (N, 10) in [-1, 1], in the order of the ten names in `MEANING`.

    Raises:
        ValueError: an unknown name, or an empty list.
    """
    return _CUBES[_rows(names)]


def _rows(names: Sequence[str] | None) -> list[int]:
    names = NAMES if names is None else [names] if isinstance(names, str) else names
    unknown = [name for name in names if name not in _LOOKS]
    if unknown:
        raise ValueError(f"there is no card {unknown[0]!r}; there are {', '.join(NAMES)}")
    if not len(names):
        raise ValueError("names are empty; give at least one, or none for all cards")
    return [NAMES.index(name) for name in names]
