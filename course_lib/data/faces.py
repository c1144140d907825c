"""Drawn faces with known continuous factors: as many as are wanted, decided by a seed, nobody's likeness.

A face is painted back to front with a few dozen smooth shapes (see `canvas`).
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .canvas import Canvas, along, check, colour

FACTORS = ("pose", "hair", "hair_colour", "smile", "glasses", "skin", "age", "background")
CHUNK = 64  # faces that are painted at once, so that the planes stay in the processor's cache
TURN = 0.45  # radians, the largest turn of the head to either side

# Colours at even steps along a factor, in between them a straight line.
HAIR = ((0.10, 0.08, 0.09), (0.37, 0.21, 0.12), (0.70, 0.28, 0.11), (0.95, 0.78, 0.40))
SKIN = ((1.00, 0.88, 0.79), (0.95, 0.75, 0.59), (0.76, 0.53, 0.37), (0.48, 0.31, 0.22))
BACKGROUND = ((0.98, 0.76, 0.70), (0.99, 0.90, 0.64), (0.72, 0.90, 0.74), (0.66, 0.84, 0.97), (0.82, 0.74, 0.96))
CLOTHES = ((0.20, 0.45, 0.55), (0.35, 0.33, 0.62), (0.74, 0.33, 0.36), (0.93, 0.60, 0.26), (0.24, 0.52, 0.46))
GREY, WHITE, INK = (0.80, 0.80, 0.82), (1.0, 1.0, 1.0), (0.13, 0.10, 0.13)
FRAME, LIP = (0.10, 0.14, 0.38), (0.75, 0.16, 0.22)


class Faces(NamedTuple):
    """A set of faces as stored. x: uint8 (N, 3, size, size). factors: float32 (N, 8), in the order of `FACTORS`."""

    x: Tensor
    factors: Tensor


def sample(n: int, seed: int = 0, size: int = 28) -> Faces:
    """n faces whose factors are independent and uniform in [0, 1]. A larger n goes on after the same first faces."""
    if n < 1:
        raise ValueError(f"n is {n}; give 1 or more")
    factors = torch.rand(n, len(FACTORS), generator=torch.Generator().manual_seed(seed))
    x = [draw(part, size).mul_(255).round_().byte() for part in factors.split(16 * CHUNK)]
    return Faces(torch.cat(x), factors)


def draw(factors: Tensor, size: int = 28) -> Tensor:
    """The faces with these factors (N, 8) in [0, 1], in the order of `FACTORS`: float32 (N, 3, size, size) in [0, 1].

    pose: head turned to the left .. right of the picture. hair: cropped .. long. hair_colour: black, brown, red,
    blond. smile: sad .. laughing. glasses: none .. thick frames. skin: light .. dark. age: child .. grey and wrinkled.
    background: its colour, coral .. lavender, and that of the clothes with it.

    Raises:
        ValueError: another shape, factors outside [0, 1], or a size below 16.
    """
    check("factors", factors, len(FACTORS), size)
    return torch.cat([_paint(part.float(), size) for part in factors.split(CHUNK)])


class _Face:
    """The numbers of N faces that several shapes share, each (N, 1, 1), and their colours (N, 3, 1, 1)."""

    def __init__(self, factors: Tensor):
        pose, self.hair, hue, smile, self.glasses, skin, self.age, ground = factors.T[:, :, None, None]
        self.angle, self.smile = TURN * (2 * pose - 1), 2 * smile - 1
        self.width, self.height = 0.56 - 0.04 * self.age, 0.58 + 0.08 * self.age
        self.low = 0.08 * (1 - self.age)  # a child's features lie lower
        self.eye = 0.162 - 0.052 * self.age
        self.end = -0.16 + 1.16 * self.hair  # how far down the hair reaches
        self.volume = 0.035 + 0.09 * self.hair
        self.skin, self.ground, self.clothes = along(SKIN, skin), along(BACKGROUND, ground), along(CLOTHES, ground)
        self.locks = torch.lerp(along(HAIR, hue), colour(GREY, skin), 0.76 * self.age[:, None] ** 2)
        self.shade = self.skin * colour((0.74, 0.62, 0.60), skin)

    def place(self, u: float, out: float = 1.0) -> tuple[Tensor, Tensor]:
        """Where a point of the face at u, -1..1 of its width, is after the turn, and how much it is narrowed."""
        angle = self.angle + math.asin(u)
        return out * self.width * angle.sin(), angle.cos()


def _paint(factors: Tensor, size: int) -> Tensor:
    face = _Face(factors)
    canvas = Canvas(face.ground, size)
    canvas.blend((0.5 * canvas.y + 0.2).clamp(0, 1), face.ground * 0.86)
    _paint_behind(canvas, face)
    _paint_head(canvas, face)
    for side in (-1, 1):
        _paint_eye(canvas, face, side)
    _paint_mouth(canvas, face)
    _paint_wrinkles(canvas, face)
    _paint_hair(canvas, face)
    _paint_glasses(canvas, face)
    return canvas.colours.clamp(0, 1)


def _paint_behind(canvas: Canvas, face: _Face) -> None:
    """The hair behind the head, shoulders, neck, ears."""
    canvas.fill(_whole_hair(canvas, face), face.locks * 0.72)
    canvas.fill(canvas.ellipse(0.0, 1.12, 0.82, 0.42), face.clothes)
    canvas.fill(canvas.ellipse(0.0, 0.74, 0.27, 0.17), face.clothes * 1.22)
    canvas.fill(canvas.box(0.0, 0.3, 0.84, 0.19, 0.15), face.shade)
    for side in (-1, 1):
        turned = side * face.angle.sin()  # above 0 for the side that is turned away
        x = side * (face.width + 0.02) - 0.24 * face.angle.sin() * (turned > 0) + 0.08 * face.angle.sin()
        canvas.fill(canvas.ellipse(x, 0.06 + face.low, 0.10, 0.14), face.skin)
        canvas.fill(canvas.ellipse(x, 0.07 + face.low, 0.05, 0.08), face.shade, 0.7)


def _paint_head(canvas: Canvas, face: _Face) -> None:
    """The head with soft shadows, cheeks and nose."""
    head = _head(canvas, face)
    canvas.fill(head, face.skin)
    canvas.blend(((head + 0.22) / 0.22).clamp(0, 1).square() * (head < 0) * 0.5, face.shade)
    warm = torch.lerp(face.skin, colour(LIP, face.age), 0.45)
    for side in (-1, 1):
        x, narrow = face.place(side * 0.64)
        cheek = canvas.ellipse(x, 0.24 + face.low, 0.16 * narrow, 0.12)
        canvas.blend((-cheek / 0.1).clamp(0, 1) * (0.75 + 0.15 * face.smile - 0.5 * face.age), warm)
    x, _ = face.place(0.0, 1.28)
    canvas.fill(canvas.ellipse(x, 0.20 + face.low, 0.085, 0.055), face.shade, 0.85)
    canvas.fill(canvas.ellipse(x, 0.14 + face.low, 0.05, 0.07), face.skin * 1.06)


def _paint_eye(canvas: Canvas, face: _Face, side: int) -> None:
    """An eye with its lash line and brow."""
    x, narrow = face.place(side * 0.46)
    y, wide, high = face.low - 0.01, face.eye * (0.25 + 0.75 * narrow), 0.82 * face.eye
    ink = colour(INK, x)
    canvas.fill(canvas.ellipse(x, y - 0.02, wide * 1.12, high * 1.08), torch.lerp(face.shade, ink, 0.55))
    canvas.fill(canvas.ellipse(x, y, wide, high), colour(WHITE, x))
    gaze = x + 0.05 * face.angle.sin()
    canvas.fill(canvas.ellipse(gaze, y, (0.04 + 0.3 * face.eye) * (0.3 + 0.7 * narrow), 0.055 + 0.3 * face.eye), ink)
    canvas.fill(canvas.ellipse(gaze, y - 0.045, 0.02, 0.02), colour(WHITE, x), 0.4)
    lifted = y - 0.20 - 0.015 * face.smile
    brow = canvas.arc(x, lifted, wide * 1.15, 0.03, 0.042, -side * 0.05 * face.smile.clamp(max=0))
    canvas.fill(brow, face.locks * 0.7, 0.9)


def _paint_mouth(canvas: Canvas, face: _Face) -> None:
    x, narrow = face.place(0.0, 0.9)
    wide = (0.25 + 0.04 * face.smile) * narrow
    y, bend = 0.40 + 0.6 * face.low + 0.06 * face.smile, -0.14 * face.smile
    lip = torch.lerp(face.skin * 0.68, colour(LIP, x), 0.5)
    gap = 0.055 * (face.smile + 0.15).clamp(min=0)
    canvas.fill(canvas.arc(x, y, wide, bend, 0.04 + gap), lip)
    canvas.fill(canvas.arc(x, y, 0.88 * wide, bend, gap), colour(WHITE, x), (gap / 0.04).clamp(max=1))


def _paint_wrinkles(canvas: Canvas, face: _Face) -> None:
    """Lines on the forehead, beside the mouth and below the eyes, deeper with age."""
    deep = face.shade * 0.8
    x, narrow = face.place(0.0)
    for y in (-0.42, -0.31):
        canvas.fill(canvas.arc(x, y, 0.30 * narrow, 0.02, 0.025), deep, face.age * 0.8)
    for side in (-1, 1):
        x, narrow = face.place(side * 0.46)
        canvas.fill(canvas.arc(0.85 * x, 0.33 + face.low, 0.07 * narrow, 0.0, 0.025, side * 0.09), deep, face.age * 0.8)
        canvas.fill(canvas.arc(x, face.low + 0.15, 0.12 * narrow, -0.03, 0.022), deep, face.age * 0.7)


def _paint_hair(canvas: Canvas, face: _Face) -> None:
    """The hair in front: all of it except where the face looks out."""
    shift = 0.55 * face.width * face.angle.sin()
    sides = [canvas.ellipse(shift + side * 0.13, 0.02, 0.33, 0.48 - 0.04 * face.hair) for side in (-1, 1)]
    opening = torch.minimum(torch.minimum(*sides), canvas.box(shift, -0.1, 2.0, 0.45, 0.1))
    front = torch.maximum(_whole_hair(canvas, face), -opening)
    canvas.fill(front, face.locks)
    shine = canvas.arc(0.3 * shift, -0.56 - face.volume, 0.3, 0.05, 0.035)
    canvas.fill(torch.maximum(shine, front), torch.lerp(face.locks, colour(WHITE, shift), 0.3), 0.8)


def _paint_glasses(canvas: Canvas, face: _Face) -> None:
    thick = 0.048 * face.glasses
    # Below one pixel a line keeps its width and becomes fainter instead.
    shown, alpha = thick.clamp(min=canvas.pixel / 2), (2 * thick / canvas.pixel).clamp(max=1)
    y, frame = face.low, colour(FRAME, thick)
    for side in (-1, 1):
        x, narrow = face.place(side * 0.46, 1.04)
        rim = canvas.ellipse(x, y, 0.20 * narrow, 0.185)
        canvas.fill(rim, colour(WHITE, thick), 0.2 * face.glasses)
        canvas.fill(rim.abs() - shown, frame, alpha)
    x, narrow = face.place(0.0, 1.1)
    canvas.fill(canvas.arc(x, y - 0.04, 0.07 * narrow, 0.02, shown), frame, alpha)


def _head(canvas: Canvas, face: _Face) -> Tensor:
    """The outline of the head: an ellipse that is narrower at the jaw."""
    v = (canvas.y / face.height).clamp(0, 1)
    return canvas.ellipse(0.12 * face.angle.sin() * v, 0.02, face.width * (1 - 0.2 * v.square()), face.height)


def _whole_hair(canvas: Canvas, face: _Face) -> Tensor:
    """The outline of all hair: the skull, and what falls down from it."""
    width = face.width + face.volume
    skull = canvas.ellipse(0.0, -0.06, width, face.height - 0.06 + face.volume)
    skull = torch.maximum(skull, canvas.y - face.end.clamp(max=0.1))
    fall = canvas.box(0.0, -0.3, face.end.clamp(min=-0.1), width, 0.14)
    return torch.minimum(skull, fall)
