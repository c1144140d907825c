"""Four-legged animals in side view, the big head turned to the viewer."""

import math

import torch
from torch import Tensor

from .canvas import colour
from .sheet import INK, WHITE, Look, Sheet, mix, ramp, union

GROUND = 0.88
CREAM, BLUSH = (1.0, 0.95, 0.88), (0.96, 0.66, 0.64)


class _Animal:
    """The numbers of N animals that several shapes share, each (N, 1, 1), and their colours (N, 3, 1, 1)."""

    def __init__(self, look: Look):
        self.look = look
        self.long, self.high = 0.30 + 0.24 * look.length, 0.17 + 0.10 * look.size + 0.05 * look.hair
        self.leg = 0.10 + 0.42 * look.legs
        self.x, self.y = (
            0.18 + 0.16 * look.broad * look.ears - 0.04 * look.rays,
            GROUND - 0.02 - self.leg - 0.75 * self.high,
        )
        self.head = 0.42 - 0.14 * look.neck
        self.head_x = self.x - 0.92 * self.long
        self.head_y = self.y - self.high - 0.5 * self.head - 0.42 * look.neck**1.5
        self.wide = self.head * (1.08 - 0.1 * look.snout - 0.45 * look.snout * look.neck)
        self.muzzle_y = self.head_y + self.head * (0.34 + 0.2 * look.snout + 0.6 * look.snout**2)
        self.curls = ramp(look.hair, 0.7, 1.0)
        self.dark = (1 - 2 * look.mark).clamp(min=0)
        self.coat = look.coat
        self.light = mix(look.coat, CREAM, look.pale)
        self.face = mix(look.coat, INK, 0.8 * self.dark * self.curls)
        muzzle = mix(self.face, CREAM, look.pale)
        self.muzzle = mix(muzzle, INK, 0.7 * self.dark * (1 - look.pale) ** 2)
        self.sock = mix(mix(look.coat, INK, 0.8 * self.dark), CREAM, ramp(look.mark, 0.5, 1.0))


def paint_animal(sheet: Sheet, look: Look) -> None:
    """Back to front: tail, legs, body with its pattern, head with ears and face."""
    sheet.shrink(look.animal, -0.6, 0.85)
    sheet.shrink(0.95 + 0.1 * look.size - 0.12 * look.neck * look.legs, 0.0, GROUND)
    animal = _Animal(look)
    _paint_tail(sheet, animal)
    _paint_legs(sheet, animal, far=True)
    _paint_body(sheet, animal)
    _paint_legs(sheet, animal, far=False)
    _paint_mane(sheet, animal)
    for side in (-1, 1):
        _paint_ear(sheet, animal, side)
    _paint_head(sheet, animal)
    _paint_face(sheet, animal)


def _fluffy(sheet: Sheet, distance: Tensor, x, y, wide, high, hair: Tensor) -> Tensor:
    """A round outline with locks, the larger the longer the hair."""
    angle = torch.atan2((sheet.y - y) / high, (sheet.x - x) / wide)
    return distance - 0.12 * ramp(hair, 0.4, 1.0) * ((4.5 * angle).sin().abs() - 0.3)


def _paint_tail(sheet: Sheet, animal: _Animal) -> None:
    look = animal.look
    x, y = animal.x + 0.88 * animal.long, animal.y - 0.35 * animal.high
    up = 1 - ramp(look.snout, 0.4, 0.62)
    thick = 0.045 + 0.09 * look.hair * look.tail
    bend_x, bend_y = x + 0.23 * look.tail, y + 0.02
    tip_x, tip_y = x + 0.25 * look.tail, y + look.tail * (0.5 - 1.08 * up)
    end = thick * (1.15 - 0.5 * ramp(look.hair, 0.3, 0.0)) + 0.08 * animal.curls
    parts = sheet.cone(x, y, thick, bend_x, bend_y, thick), sheet.cone(bend_x, bend_y, thick, tip_x, tip_y, end)
    tuft = sheet.ellipse(tip_x, tip_y, 0.02 + 0.09 * (look.mane + look.rays).clamp(max=1), 0.12)
    sheet.ink(*parts)
    sheet.fill(union(*parts), animal.coat)
    tip = torch.maximum(parts[1], sheet.ellipse(tip_x, tip_y, 0.17, 0.17))
    sheet.fill(tip, animal.light, ramp(look.pale, 0.6, 0.9))
    bars = torch.maximum(union(*parts), sheet.bars(sheet.y, 0.16, 0.09))
    sheet.fill(bars, look.pattern, ramp(look.stripes, 0.0, 0.4))
    sheet.fill(tuft, look.shade * 0.6, ramp(look.mane + look.rays, 0.0, 0.2))


def _paint_legs(sheet: Sheet, animal: _Animal, far: bool) -> None:
    look = animal.look
    wide = (0.065 + 0.07 * look.size) * (1 - 0.42 * look.legs)
    legs = []
    for side in (-1, 1):
        x = animal.x + side * animal.long * (0.42 if far else 0.74) + (0.06 if far else 0)
        legs.append(sheet.box(x, animal.y, GROUND - 0.02, wide, 0.03))
    both = union(*legs)
    sheet.ink(both)
    sheet.fill(both, animal.coat * (0.8 if far else 1.0))
    low = GROUND - 0.02 - 0.5 * animal.leg
    sheet.fill(torch.maximum(both, low - sheet.y), animal.sock * (0.8 if far else 1.0))
    rings = torch.maximum(both, sheet.bars(sheet.y, 0.17, 0.17 * 0.45))
    sheet.fill(rings, look.pattern, ramp(look.stripes, 0.5, 0.9))


def _paint_body(sheet: Sheet, animal: _Animal) -> None:
    look, x, y = animal.look, animal.x, animal.y
    trunk = sheet.box(x, y - animal.high, y + animal.high, animal.long, 0.96 * animal.high)
    trunk = _fluffy(sheet, trunk, x, y, animal.long, animal.high, look.hair)
    neck = sheet.cone(
        *(x - 0.66 * animal.long, y - 0.1 * animal.high, 0.72 * animal.high),
        *(animal.head_x, animal.head_y, 0.50 * animal.head),
    )
    sheet.ink(trunk, neck)
    body = union(trunk, neck)
    sheet.fill(body, animal.coat)
    belly = torch.maximum(trunk, y + 0.35 * animal.high - sheet.y)
    sheet.fill(belly, animal.light, 0.9)
    saddle = torch.maximum(trunk, sheet.ellipse(x + 0.1, y - animal.high, 0.8 * animal.long, 1.1 * animal.high))
    sheet.fill(saddle, look.coat * 0.3, look.saddle)
    taper = 0.06 * (sheet.y - y) / animal.high
    stripes = sheet.bars(sheet.x - x + 0.02 * torch.sin(9 * sheet.y), 0.21, 0.105 * look.stripes) + taper
    sheet.fill(torch.maximum(body, stripes), look.pattern, ramp(look.stripes, 0.0, 0.35))
    spots = sheet.dots(x, y - 0.1, 0.25, 0.125 * look.spots)
    sheet.fill(torch.maximum(body, spots), look.pattern, ramp(look.spots, 0.0, 0.3))


def _paint_mane(sheet: Sheet, animal: _Animal) -> None:
    look = animal.look
    x, y, r = animal.head_x, animal.head_y, animal.head
    crest = sheet.cone(
        *(animal.x - 0.35 * animal.long, animal.y - 0.95 * animal.high, 0.03 + 0.05 * look.mane),
        *(x + 0.62 * r, y - 0.5 * r, 0.04 + 0.05 * look.mane),
    )
    dark = look.shade * 0.5
    sheet.ink(crest, alpha=ramp(look.mane, 0.0, 0.2))
    sheet.fill(crest, dark, ramp(look.mane, 0.0, 0.2))
    radius = r * (0.9 + 0.65 * look.rays)
    ruff = sheet.ellipse(x, y + 0.1 * r, radius, radius)
    angle = torch.atan2(sheet.y - y, sheet.x - x)
    ruff = ruff - 0.07 * look.rays * ((6.5 * angle).sin().abs() - 0.4)
    sheet.ink(ruff, alpha=ramp(look.rays, 0.0, 0.2))
    sheet.fill(ruff, look.shade, ramp(look.rays, 0.0, 0.2))


def _paint_ear(sheet: Sheet, animal: _Animal, side: int) -> None:
    look, r = animal.look, animal.head
    angle = math.radians(10) + math.radians(155) * (1 - look.prick) ** 1.6
    at = math.radians(24) + 0.3 * angle
    x, y = animal.head_x + side * 0.88 * animal.wide * at.sin(), animal.head_y - 0.82 * r * at.cos()
    point = ramp(look.prick, 0.74, 0.95)
    reach = 1.3 * look.ears * r
    tip_x, tip_y = x + side * reach * angle.sin(), y - reach * angle.cos()
    wide = r * (0.12 + 0.36 * look.broad) * (1 + 0.25 * point)
    end = wide * (1 - 0.93 * point) + 0.1 * animal.curls
    ear = sheet.cone(x, y, wide, tip_x, tip_y, end)
    sheet.ink(ear)
    sheet.fill(ear, mix(animal.face, INK, 0.5 * animal.dark * (1 - point)))
    inner = sheet.cone(x, y, 0.5 * wide, x + 0.85 * (tip_x - x), y + 0.85 * (tip_y - y), 0.5 * end)
    sheet.fill(inner, torch.lerp(animal.face, colour(BLUSH, animal.face), 0.8), ramp(look.prick, 0.15, 0.3))
    tip = torch.maximum(ear, sheet.ellipse(tip_x, tip_y, 0.11, 0.13))
    sheet.fill(tip, look.coat * 0.25, point * ramp(look.hair, 0.25, 0.4))


def _paint_head(sheet: Sheet, animal: _Animal) -> None:
    look, x, y, r = animal.look, animal.head_x, animal.head_y, animal.head
    for side in (-1, 1):
        h = look.horns
        horn = sheet.cone(
            x + side * 0.36 * r,
            y - 0.75 * r,
            0.13 * r,
            x + side * r * (0.36 + 0.35 * h),
            y - r * (0.75 + 0.9 * h),
            0.06 * r,
        )
        sheet.ink(horn, alpha=ramp(h, 0.0, 0.2))
        sheet.fill(horn, colour((0.93, 0.86, 0.70), h), ramp(h, 0.0, 0.2))
    head = sheet.ellipse(x, y, animal.wide, 0.95 * r)
    muzzle = sheet.ellipse(x, animal.muzzle_y, r * (0.44 + 0.26 * look.snout), r * (0.27 + 0.24 * look.snout))
    long = ramp(look.snout, 0.8, 1.0)
    trunk = sheet.cone(x, animal.muzzle_y, 0.32 * r, x - 0.16, animal.muzzle_y + 0.02 + 0.45 * long, 0.2 * r)
    trunk = torch.where(long > 0, trunk, muzzle)
    sheet.ink(head, muzzle, trunk)
    sheet.fill(head, animal.face)
    top = torch.maximum(head, sheet.y - y + 0.36 * r)
    spots = sheet.dots(x + 0.3 * r, y - 0.7 * r, 0.25, 0.11 * look.spots)
    sheet.fill(torch.maximum(top, spots), look.pattern, ramp(look.spots, 0.0, 0.3))
    _paint_face_stripes(sheet, animal, head)
    sheet.fill(muzzle - 0.03, animal.face * 0.7, ramp(look.snout, 0.4, 0.6))
    sheet.fill(union(muzzle, trunk), animal.muzzle)
    wool = sheet.ellipse(x, y - 0.85 * r, 0.1 + 0.62 * r * animal.curls, 0.05 + 0.38 * r * animal.curls)
    wool = _fluffy(sheet, wool, x, y - 0.85 * r, 1.0, 0.8, look.hair)
    sheet.ink(wool, alpha=ramp(animal.curls, 0.1, 0.4))
    sheet.fill(wool, animal.coat, ramp(animal.curls, 0.1, 0.4))
    lock = sheet.cone(x + 0.12 * r, y - 0.9 * r, 0.02 + 0.12 * r * look.mane, x - 0.08 * r, y - 0.5 * r, 0.02)
    sheet.fill(lock, look.shade * 0.5, ramp(look.mane, 0.0, 0.2))


def _paint_face_stripes(sheet: Sheet, animal: _Animal, head: Tensor) -> None:
    look, x, y, r = animal.look, animal.head_x, animal.head_y, animal.head
    width = 0.13 * r * look.stripes
    bars = sheet.bars(sheet.x - x, 0.34 * r, 2 * width)
    brow = torch.maximum(bars, torch.maximum((sheet.x - x).abs() - 0.6 * r, sheet.y - y + 0.42 * r))
    sides = torch.maximum(
        sheet.bars(sheet.y - y - 0.1 * r, 0.36 * r, 2 * width), 0.68 * animal.wide - (sheet.x - x).abs()
    )
    cheeks = torch.maximum(sides, (sheet.y - y - 0.25 * r).abs() - 0.5 * r)
    sheet.fill(torch.maximum(head, union(brow, cheeks)), look.pattern, ramp(look.stripes, 0.0, 0.35))


def _paint_face(sheet: Sheet, animal: _Animal) -> None:
    look, x, y, r = animal.look, animal.head_x, animal.head_y, animal.head
    ink, white = colour(INK, x), colour(WHITE, x)
    for side in (-1, 1):
        eye = x + side * 0.42 * animal.wide
        sheet.fill(sheet.ellipse(eye, y - 0.06 * r, 0.235 * r, 0.285 * r), white)
        sheet.fill(sheet.ellipse(eye - side * 0.03 * r, y - 0.04 * r, 0.165 * r, 0.215 * r), ink)
        sheet.fill(sheet.ellipse(eye - side * 0.03 * r - 0.05 * r, y - 0.12 * r, 0.06 * r, 0.065 * r), white)
        nostril = sheet.ellipse(x + side * 0.24 * r, animal.muzzle_y - 0.06 * r, 0.075 * r, 0.085 * r)
        sheet.fill(nostril, animal.muzzle * 0.4, ramp(look.snout, 0.52, 0.6) * (1 - ramp(look.snout, 0.78, 0.9)))
    small = 1 - ramp(look.snout, 0.5, 0.6)
    nose = sheet.ellipse(x, animal.muzzle_y - 0.14 * r, r * (0.13 + 0.14 * look.snout), r * (0.10 + 0.08 * look.snout))
    sheet.fill(nose, ink, small)
    mouth = sheet.arc(x, animal.muzzle_y + r * (0.12 + 0.1 * look.snout), 0.22 * r, -0.08 * r, 0.06 * r)
    sheet.fill(mouth, animal.muzzle * 0.35, 0.9 * (1 - ramp(look.snout, 0.8, 0.9)))
