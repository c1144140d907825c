"""What consists of a round top on a stem, from trees and mushrooms to burgers, balls and the sun; and buildings."""

import math

import torch
from torch import Tensor

from .canvas import along, colour
from .sheet import INK, WHITE, Look, Sheet, mix, ramp

BARK = ((0.97, 0.92, 0.80), (0.52, 0.34, 0.20), (0.30, 0.62, 0.26))  # of stems: cream, brown, green
LEAF, FLAME, GOLD = (0.27, 0.62, 0.22), (1.0, 0.62, 0.12), (1.0, 0.80, 0.25)
# Layers below the top: from .. to as shares of the stack, how wide, the colour in a burger, in a cake.
LAYERS = (
    (0.72, 1.00, 0.97, None, (0.80, 0.55, 0.32)),
    (0.44, 0.72, 1.03, (0.36, 0.19, 0.12), (0.98, 0.90, 0.74)),
    (0.24, 0.44, 0.98, (0.87, 0.20, 0.14), (0.80, 0.55, 0.32)),
    (0.00, 0.24, 1.08, (0.47, 0.76, 0.24), (1.0, 0.97, 0.90)),
)


class _Thing:
    """The numbers of N things that several shapes share, each (N, 1, 1)."""

    def __init__(self, look: Look):
        self.look = look
        self.wide = 0.2 + 0.62 * look.crown
        self.high = self.wide * (1 - 0.3 * look.flat) + 0.75 * look.peak
        self.ray = look.rays * (0.42 + 0.16 * look.flat)
        self.stack, self.stem = 0.62 * look.layers, 0.95 * look.stem
        self.hang = self.high * (1 - 0.92 * look.flat)  # how far the top reaches below its middle
        above = self.high + self.ray + 0.22 * look.leaf + 0.08 * look.hair
        below = torch.maximum(self.hang + self.stack + self.stem, self.ray * (1 - look.flat) + self.hang)
        self.y = (above - below) / 2
        self.foot = self.y + self.hang + self.stack + self.stem


def paint_thing(sheet: Sheet, look: Look) -> None:
    """Back to front: stem, rays, layers, the round top with its pattern, what is stuck into it."""
    sheet.shrink(look.thing, 0.55, 0.75)
    thing = _Thing(look)
    _paint_stem(sheet, thing)
    _paint_rays(sheet, thing)
    _paint_layers(sheet, thing)
    _paint_leaf(sheet, thing)
    _paint_crown(sheet, thing)


def _paint_stem(sheet: Sheet, thing: _Thing) -> None:
    look = thing.look
    shown, wide = ramp(look.stem, 0.0, 0.1), 0.035 + 0.17 * look.girth
    stem = sheet.cone(0.0, thing.y, 0.8 * wide, 0.0, thing.foot - wide, wide)
    sheet.ink(stem, alpha=shown)
    wood = along(BARK, look.bark)
    sheet.fill(stem, wood, shown)
    sheet.fill(torch.maximum(stem, 0.3 * wide - sheet.x), wood * 0.82, shown)


def _paint_rays(sheet: Sheet, thing: _Thing) -> None:
    look = thing.look
    bent = look.flat * look.rays
    y = sheet.y - thing.y - 0.9 * bent * sheet.x.square()
    away, turn = torch.hypot(sheet.x, y).clamp(min=0.1), torch.atan2(sheet.x, -y) * (11 / math.tau)
    part = 2 * (turn - turn.round()).abs()
    petals = ramp(look.stem, 0.1, 0.5)
    round_end = (1 - part.square()).clamp(min=0).sqrt()
    lobe = torch.lerp(1 - part, round_end, petals)
    long = thing.ray + 0.3 * petals * thing.wide
    slope = 2 * 11 / math.tau * long * torch.lerp(torch.ones_like(part), part / (round_end + 0.1), petals) / away
    slope = slope.clamp(max=3)
    edge = (away - thing.wide * (1 - 0.3 * petals) - long * lobe) / (1 + slope.square()).sqrt()
    edge = torch.maximum(edge, y - 0.1 - 2 * (1 - bent))  # bent leaves spread to the sides, not down
    shown = ramp(look.rays, 0.0, 0.15)
    sheet.ink(edge, alpha=shown)
    warm = look.coat * colour((1.0, 0.80, 0.55), look.coat)
    sheet.fill(edge, mix(warm, look.coat, petals), shown)


def _paint_layers(sheet: Sheet, thing: _Thing) -> None:
    look = thing.look
    shown, top = ramp(look.layers, 0.0, 0.15), thing.y + thing.hang
    bands = []
    for start, stop, wide, plain, sweet in LAYERS:
        first = colour(plain, look.coat) if plain else look.coat
        low, high = top + start * thing.stack - 0.02, top + stop * thing.stack
        band = sheet.box(0.0, low, high, wide * thing.wide, 0.07)
        bands.append((band, mix(first, sweet, look.candle)))
    sheet.ink(*[band for band, _ in bands], alpha=shown)
    for band, tint in bands:
        sheet.fill(band, tint, shown)


def _paint_leaf(sheet: Sheet, thing: _Thing) -> None:
    look = thing.look
    shown, top = ramp(look.leaf, 0.0, 0.2), thing.y - thing.high
    end = top - 0.22 * look.leaf
    stalk = sheet.cone(0.0, top + 0.1, 0.05, 0.0, end + 0.04, 0.04 + 0.01 * look.candle)
    leaf = sheet.cone(0.06, top - 0.06 * look.leaf, 0.03, 0.06 + 0.3 * look.leaf, end, 0.09)
    flame = sheet.ellipse(0.0, end - 0.06, 0.08, 0.12)
    other = torch.lerp(leaf, flame, look.candle)
    sheet.ink(stalk, other, alpha=shown)
    sheet.fill(stalk, mix(colour(BARK[1], shown), WHITE, look.candle), shown)
    sheet.fill(other, mix(colour(LEAF, shown), FLAME, look.candle), shown)


def _crown(sheet: Sheet, thing: _Thing) -> Tensor:
    """Distance to the round top: a ball, cut flat below, pointed in tiers, or with a bite that makes a crescent."""
    look, up = thing.look, (thing.y - sheet.y) / thing.high
    ball = sheet.ellipse(0.0, thing.y, thing.wide, thing.high)
    angle = torch.atan2(sheet.y - thing.y, sheet.x)
    ball = ball - 0.16 * ramp(look.hair, 0.35, 1.0) * ((4.5 * angle).sin().abs() - 0.4)
    tier = 3 * up - (3 * up).floor().clamp(max=2)
    cone = sheet.x.abs() - thing.wide * (1.02 - up + 0.30 * (0.5 - tier) * (1 - 0.4 * up))
    crown = torch.lerp(ball, torch.maximum(0.7 * cone, -(1.05 - up)), look.peak)
    below = sheet.y - thing.y - thing.hang
    crown = torch.maximum(crown, below + 0.1 * (sheet.x / thing.wide).square() * look.flat * (1 - look.peak))
    bite = thing.wide * (0.9 * look.crescent - 0.05)
    away = torch.hypot(sheet.x - 0.45 * thing.wide, sheet.y - thing.y + 0.14 * thing.wide)
    return torch.maximum(crown, bite - away)


def _paint_crown(sheet: Sheet, thing: _Thing) -> None:
    look, crown = thing.look, _crown(sheet, thing)
    sheet.ink(crown)
    blossom = ramp(look.rays * look.stem, 0.2, 0.6)  # with a golden heart, or nuts below bent leaves
    centre = mix(mix(look.coat, GOLD, blossom), BARK[1], blossom * look.flat)
    sheet.fill(crown, centre)
    chord = (1 - ((sheet.y - thing.y) / thing.high).square()).clamp(min=0.02).sqrt()
    angle = (sheet.x / (thing.wide * chord)).clamp(-1, 1).asin()
    bars = sheet.bars(angle, 0.9, 0.45 * look.stripes) * thing.wide * chord
    sheet.fill(torch.maximum(crown, bars), look.pattern, ramp(look.stripes, 0.0, 0.3))
    dots = sheet.dots(0.0, thing.y - 0.55 * thing.high, 0.40, 0.16 * look.spots)
    sheet.fill(torch.maximum(crown + 0.03, dots), look.pattern, ramp(look.spots, 0.0, 0.2))
    shine = sheet.ellipse(-0.4 * thing.wide, thing.y - 0.5 * thing.high, 0.28 * thing.wide, 0.2 * thing.high)
    sheet.fill(torch.maximum(shine, crown + 0.03), colour(WHITE, crown), 0.3 * (1 - look.crescent) * (1 - look.peak))


def paint_box(sheet: Sheet, look: Look) -> None:
    """A building: with a roof a house with door and windows, without one a kitchen that one looks into."""
    sheet.shrink(look.box, 0.0, -0.3)
    top = -0.8 + 0.72 * look.roof
    walls = sheet.box(0.0, top, 0.85, 0.84 - 0.14 * look.roof, 0.04)
    peak = top - 0.8 * look.roof
    roof = sheet.polygon([(-0.86, top + 0.02), (0.0, peak), (0.86, top + 0.02)])
    shown = ramp(look.roof, 0.0, 0.2)
    chimney = sheet.box(0.45, top - 0.72 * look.roof, top, 0.1, 0.02)
    sheet.ink(chimney, alpha=shown)
    sheet.fill(chimney, colour((0.62, 0.40, 0.34), top), shown)
    sheet.ink(walls)
    sheet.fill(walls, look.coat)
    sheet.ink(roof, alpha=shown)
    sheet.fill(roof, colour((0.78, 0.28, 0.22), top), shown)
    _paint_front(sheet, look, top)
    _paint_kitchen(sheet, look)


def _paint_front(sheet: Sheet, look: Look, top: Tensor) -> None:
    """Door and windows, larger with the roof."""
    share, shown = look.roof, ramp(look.roof, 0.0, 0.2)
    door = sheet.box(0.0, 0.85 - 0.55 * share, 0.85, 0.16 * share, 0.03)
    sheet.ink(door, thick=0.03, alpha=shown)
    sheet.fill(door, colour((0.50, 0.30, 0.18), top), shown)
    for side in (-1, 1):
        pane = sheet.box(side * 0.42, 0.3 - 0.15 * share, 0.3 + 0.15 * share, 0.14 * share, 0.02)
        sheet.ink(pane, thick=0.03, alpha=shown)
        sheet.fill(pane, colour((0.62, 0.86, 0.98), top), shown)


def _paint_kitchen(sheet: Sheet, look: Look) -> None:
    """Floor, cupboards, stove with a pot, a window; smaller the more roof there is."""
    share = 1 - look.roof
    shown = ramp(share, 0.0, 0.2)

    def item(x, top, bottom, wide, tint, thick=0.03, corner=0.03):
        middle = (top + bottom) / 2
        shape = sheet.box(
            x * 1.0, middle - share * (middle - top), middle + share * (bottom - middle), wide * share, corner
        )
        sheet.ink(shape, thick=thick, alpha=shown)
        sheet.fill(shape, colour(tint, share), shown)

    item(0.0, 0.62, 0.82, 0.80, (0.80, 0.66, 0.50), 0.0)
    item(-0.40, -0.66, -0.14, 0.26, (0.98, 0.98, 0.86))
    item(-0.40, -0.66, -0.14, 0.02, INK, 0.0, 0.0)
    item(0.42, -0.70, -0.32, 0.30, (0.93, 0.80, 0.55))
    item(0.42, -0.70, -0.32, 0.015, INK, 0.0, 0.0)
    item(-0.38, 0.18, 0.74, 0.38, (0.97, 0.90, 0.78))
    item(-0.38, 0.10, 0.20, 0.42, (0.62, 0.42, 0.28))
    item(0.42, 0.12, 0.74, 0.32, (0.93, 0.94, 0.96))
    item(0.42, 0.36, 0.64, 0.22, (0.25, 0.24, 0.30))
    item(0.42, -0.12, 0.10, 0.20, (0.86, 0.24, 0.20))
    item(0.42, -0.16, -0.10, 0.24, (0.86, 0.24, 0.20), 0.02)
