"""Captioned shapes: one coloured shape a picture, what is known about it as four numbers, and sentences that tell it.

Some pairs of shape and colour are kept out of training, each shape and each colour is not: a pair that was never seen
can be told in words that were. Painted as the drawn faces are, see `canvas`.
"""

import re
from collections.abc import Sequence
from itertools import product
from math import pi
from typing import NamedTuple

import torch
from torch import Tensor

from .canvas import SMALLEST, Canvas, colour

SHAPES = ("circle", "square", "triangle", "star", "heart", "cross")
COLOURS = ("red", "yellow", "green", "blue", "purple", "pink")
SIZES = ("small", "large")
PLACES = ("left", "middle", "right")
FACTORS = {"shape": SHAPES, "colour": COLOURS, "size": SIZES, "place": PLACES}  # in the order of the four numbers
# The 7 of 36 pairs (shape, colour) that are not trained on.
HELD_OUT = (
    *(("star", "red"), ("heart", "yellow"), ("circle", "green"), ("triangle", "blue")),
    *(("square", "purple"), ("cross", "pink"), ("star", "green")),
)
# Other words for each name; every word means one thing only.
SYNONYMS = {
    **{"circle": ("disc", "ball"), "square": ("box", "block"), "triangle": ("pyramid", "wedge")},
    **{"star": ("pentagram", "sparkle"), "heart": ("valentine", "sweetheart"), "cross": ("plus", "crossing")},
    **{"red": ("crimson", "scarlet"), "yellow": ("golden", "lemon"), "green": ("emerald", "jade")},
    **{"blue": ("azure", "cobalt"), "purple": ("violet", "lilac"), "pink": ("rosy", "salmon")},
    **{"small": ("tiny", "little"), "large": ("big", "huge")},
    **{"left": ("west",), "middle": ("centre",), "right": ("east",)},
}
TEMPLATES = (
    "a {size} {colour} {shape} at the {place}",
    "{colour} {shape}, {size}, {place}",
    "there is a {size} {shape} in {colour} at the {place}",
    "at the {place} a {colour} {shape} that is {size}",
    "a picture of a {size} {colour} {shape}, {place}",
)
_NAMES = tuple(name for names in FACTORS.values() for name in names)
_FILLERS = sorted({word for template in TEMPLATES for word in re.findall(r"[a-z]+", re.sub("{.*?}", "", template))})
WORDS = (*_NAMES, *(word for name in _NAMES for word in SYNONYMS[name]), *_FILLERS)  # all words of all captions

JITTER = 6  # numbers in [-1, 1] in which pictures of the same four factors differ
CHUNK = 64  # pictures that are painted at once
RGB = torch.tensor(
    [
        [0.90, 0.20, 0.18],
        [0.99, 0.80, 0.16],
        [0.20, 0.68, 0.36],
        [0.18, 0.45, 0.90],
        [0.53, 0.28, 0.74],
        [0.98, 0.58, 0.72],
    ]
)
RADIUS = torch.tensor([0.28, 0.46])
COLUMN = torch.tensor([-0.38, 0.0, 0.38])


class Shapes(NamedTuple):
    """Pictures as stored. x: uint8 (N, 3, size, size). factors: int64 (N, 4), places in the lists of `FACTORS`."""

    x: Tensor
    factors: Tensor


def combinations(held_out: bool | None = None) -> Tensor:
    """All different factors, int64 (N, 4): 216, or only the 42 held out (True), or only the 174 to train on (False)."""
    every = torch.tensor(list(product(*(range(len(names)) for names in FACTORS.values()))))
    return every if held_out is None else every[is_held_out(every) == held_out]


def is_held_out(factors: Tensor) -> Tensor:
    """Whether the pair of shape and colour of factors (N, 4) is kept out of training: bool (N,)."""
    _check(factors)
    kept = torch.zeros(len(SHAPES), len(COLOURS), dtype=torch.bool, device=factors.device)
    for shape, hue in HELD_OUT:
        kept[SHAPES.index(shape), COLOURS.index(hue)] = True
    return kept[factors[:, 0], factors[:, 1]]


def sample(n: int, seed: int = 0, held_out: bool = False, size: int = 28) -> Shapes:
    """n pictures, every combination of factors equally likely, of the pairs to train on or of those held out.

    A larger n goes on after the same first pictures.
    """
    if n < 1:
        raise ValueError(f"n is {n}; give 1 or more")
    table = combinations(held_out)
    chance = torch.rand(n, 1 + JITTER, generator=torch.Generator().manual_seed(seed))
    factors = table[(chance[:, 0] * len(table)).long()]
    parts = zip(factors.split(16 * CHUNK), (2 * chance[:, 1:] - 1).split(16 * CHUNK), strict=True)
    return Shapes(torch.cat([draw(f, j, size).mul_(255).round_().byte() for f, j in parts]), factors)


def draw(factors: Tensor, jitter: Tensor | None = None, size: int = 28) -> Tensor:
    """The shapes with these factors (N, 4): float32 (N, 3, size, size) in [0, 1].

    `jitter` (N, 6) in [-1, 1], 0 where it is not given: shift to the right and down, size, tilt, lightness, background.

    Raises:
        ValueError: factors that are not int64 (N, 4) in range, a jitter of another shape or range, a size below 16.
    """
    _check(factors)
    jitter = torch.zeros(len(factors), JITTER, device=factors.device) if jitter is None else jitter
    if jitter.shape != (len(factors), JITTER) or not jitter.abs().max() <= 1:  # false for NaN as well
        raise ValueError(f"jitter is {tuple(jitter.shape)}; give ({len(factors)}, {JITTER}) in [-1, 1]")
    if size < SMALLEST:
        raise ValueError(f"size is {size}; give {SMALLEST} or more pixels a side")
    parts = zip(factors.split(CHUNK), jitter.float().split(CHUNK), strict=True)
    return torch.cat([_paint(f, j, size) for f, j in parts])


def captions(factors: Tensor, seed: int = 0, synonyms: bool = True) -> list[str]:
    """A sentence for each of the factors (N, 4), by a template drawn at random.

    With `synonyms` each name is said by itself or by one of its other words, all equally likely.
    """
    _check(factors)
    chance = torch.rand(len(factors), 5, generator=torch.Generator().manual_seed(seed)).tolist()
    return [_tell(row, luck, synonyms) for row, luck in zip(factors.tolist(), chance, strict=True)]


def read_words(text: str) -> tuple[list[str], list[str]]:
    """The words of a text in lower case: those that captions know, and the others."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    return [word for word in words if word in _COLUMN_OF], [word for word in words if word not in _COLUMN_OF]


def counts(texts: Sequence[str]) -> Tensor:
    """How often each of `WORDS` is in each text: float32 (N, V), the bag of words. Order is lost.

    Raises:
        ValueError: no text, one string, a text without words, or an unknown word, which is named.
    """
    if isinstance(texts, str) or not len(texts):
        raise ValueError(f"texts are {texts!r}; give a list of at least one text")
    table = torch.zeros(len(texts), len(WORDS))
    for row, text in zip(table, texts, strict=True):
        known, unknown = read_words(text)
        if unknown or not known:
            missing = f"unknown words: {', '.join(unknown)}" if unknown else "no words"
            raise ValueError(f"{text!r} has {missing}; read_words tells known words from others")
        for word in known:
            row[_COLUMN_OF[word]] += 1
    return table


_COLUMN_OF = {word: i for i, word in enumerate(WORDS)}


def _tell(row: list[int], luck: list[float], synonyms: bool) -> str:
    said = {}
    for (factor, names), i, u in zip(FACTORS.items(), row, luck[1:], strict=True):
        choices = (names[i], *SYNONYMS[names[i]]) if synonyms else names[i : i + 1]
        said[factor] = choices[int(u * len(choices))]
    return TEMPLATES[int(luck[0] * len(TEMPLATES))].format(**said)


def _paint(factors: Tensor, jitter: Tensor, size: int) -> Tensor:
    right, down, larger, tilt, light, ground = jitter.T[:, :, None, None]
    shape, hue, wide, place = factors.T
    paper = colour((0.97, 0.97, 0.96), jitter) + 0.02 * ground[:, None] * colour((1.0, 0.2, -1.0), jitter)
    canvas = Canvas(paper, size)
    radius = RADIUS.to(jitter)[wide][:, None, None] * (1 + 0.08 * larger)
    across, up = canvas.x - COLUMN.to(jitter)[place][:, None, None] - 0.04 * right, canvas.y - 0.07 * down
    angle = 0.12 * tilt
    u = (across * angle.cos() + up * angle.sin()) / radius
    v = (up * angle.cos() - across * angle.sin()) / radius
    distances = torch.stack([outline(u, v) for outline in _OUTLINES])
    distance = distances[shape, torch.arange(len(shape), device=shape.device)] * radius
    rgb = RGB.to(jitter)[hue][:, :, None, None] * (1 + 0.08 * light[:, None])
    canvas.fill(distance, rgb * 0.62)
    canvas.fill(distance + 0.05 + 0.03 * radius, rgb)
    return canvas.colours.clamp(0, 1)


def _circle(u: Tensor, v: Tensor) -> Tensor:
    return torch.hypot(u, v) - 0.94


def _square(u: Tensor, v: Tensor) -> Tensor:
    return torch.maximum(u.abs(), v.abs()) - 0.84


def _triangle(u: Tensor, v: Tensor) -> Tensor:
    slope = 1.75  # height over half the width
    return torch.maximum(v - 0.75, (slope * u.abs() - v - 0.95) / (1 + slope**2) ** 0.5)


def _star(u: Tensor, v: Tensor) -> Tensor:
    """A sector of 36 degrees, mirrored and repeated: the line from the tip to the notch beside it."""
    angle = (torch.remainder(torch.atan2(u, -v) + pi / 5, 2 * pi / 5) - pi / 5).abs()
    length, tip, notch = torch.hypot(u, v), 1.06, 0.5
    x, y = length * angle.sin(), length * angle.cos()
    side, drop = notch * torch.tensor(pi / 5).sin(), tip - notch * torch.tensor(pi / 5).cos()
    return (x * drop + (y - tip) * side) / torch.hypot(side, drop)


def _heart(u: Tensor, v: Tensor) -> Tensor:
    """A square on its corner, and half a disc on each of its upper sides."""
    d = 0.84
    lobe = torch.hypot(u.abs() - d / 2, v + d / 2 - 0.1) - d / 2**0.5
    return torch.minimum((u.abs() + (v - 0.1).abs() - d) / 2**0.5, lobe)


def _cross(u: Tensor, v: Tensor) -> Tensor:
    long, short = torch.maximum(u.abs(), v.abs()), torch.minimum(u.abs(), v.abs())
    return torch.maximum(long - 0.96, short - 0.33)


_OUTLINES = (_circle, _square, _triangle, _star, _heart, _cross)  # of unit size, in the order of `SHAPES`


def _check(factors: Tensor) -> None:
    if factors.dtype != torch.int64 or factors.ndim != 2 or factors.shape[1] != len(FACTORS) or not len(factors):
        raise ValueError(f"factors are {tuple(factors.shape)} {factors.dtype}; give int64 (N, 4), N >= 1")
    top = torch.tensor([len(names) for names in FACTORS.values()], device=factors.device)
    if not ((factors >= 0) & (factors < top)).all():
        raise ValueError(f"factors run up to {factors.amax(0).tolist()}; give numbers from 0 to {(top - 1).tolist()}")
