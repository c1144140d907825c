"""Drawn vehicles by how much of a car, of a bicycle and of a carriage is in each: every point of that cube is drawn.

A car and a carriage share one body: on the way from one to the other lie a van, a bus and a motor carriage. A bicycle
with some car in it has a motor; with some carriage in it, it pulls one. Painted as the drawn faces are, see `canvas`.
"""

import copy
from collections.abc import Sequence
from math import pi

import torch
from torch import Tensor

from .canvas import Canvas, along, check, colour

AXES = ("car-ness", "bicycle-ness", "carriage-ness")
MOST = 5.0  # the largest of each
VEHICLES = {
    "car": (5, 0, 0),
    "bicycle": (0, 5, 0),
    "carriage": (0, 0, 5),
    "van": (5, 0, 2),
    "bus": (5, 0, 5),
    "motor carriage": (1, 0, 4),
    "motorcycle": (3, 4, 0),
    "moped": (1, 4, 0),
    "tricycle with a wagon": (0, 4, 3),
    "rickshaw": (0, 3, 5),
}
CHUNK = 64  # pictures that are painted at once
GROUND = 0.56  # where wheels touch the ground, downwards from the middle of the picture
SPOKES = 8

# Colours at even steps from car to carriage, and from bicycle to motorcycle.
BODY = ((0.90, 0.22, 0.20), (0.20, 0.50, 0.88), (0.99, 0.78, 0.16), (0.20, 0.56, 0.40), (0.56, 0.31, 0.16))
FRAME = ((0.10, 0.62, 0.46), (0.97, 0.72, 0.14), (0.90, 0.24, 0.16))
RIM = ((0.80, 0.82, 0.86), (0.80, 0.82, 0.86), (0.85, 0.86, 0.88), (0.90, 0.76, 0.42), (0.93, 0.74, 0.34))
# Where pillars stand between windows, in widths of the cabin from its middle, and how visible at steps to a carriage.
PILLARS = (
    *((0.02, (1, 0.2, 0, 0, 0)), (0.24, (0, 1, 0, 0, 0)), (-0.36, (0, 0.2, 1, 0, 0))),
    *((0.28, (0, 0, 1, 0, 0)), (-0.34, (0, 0, 0, 1, 1)), (0.34, (0, 0, 0, 1, 1))),
)
SKY, ROAD, SHADOW = (0.95, 0.97, 1.00), (0.88, 0.89, 0.88), (0.62, 0.64, 0.66)
INK, GLASS, LAMP, STEEL = (0.13, 0.12, 0.16), (0.80, 0.93, 1.00), (1.00, 0.90, 0.45), (0.62, 0.65, 0.70)


def table(names: Sequence[str] | None = None) -> Tensor:
    """How much of a car, a bicycle and a carriage the vehicles with these names have (all where not given): (N, 3)."""
    names = list(VEHICLES) if names is None else names
    if missing := [name for name in names if name not in VEHICLES]:
        raise ValueError(f"there is no {missing[0]!r}; there are {', '.join(VEHICLES)}")
    return torch.tensor([VEHICLES[name] for name in names], dtype=torch.float32).view(-1, 3)


def draw(ness: Tensor, size: int = 28) -> Tensor:
    """Vehicles with this much of a car, a bicycle and a carriage, (N, 3) in [0, 5]: float32 (N, 3, size, size).

    At (0, 0, 0) there is a board on two small wheels.

    Raises:
        ValueError: another shape, values outside [0, 5], or a size below 16.
    """
    check("coordinates", ness, len(AXES), size, MOST)
    return torch.cat([_paint(part.float() / MOST, size) for part in ness.split(CHUNK)])


class _Plan:
    """What several parts share, each (N, 1, 1): how much there is of what, where, and how large."""

    def __init__(self, ness: Tensor):
        self.car, self.cycle, self.carriage = ness.T[:, :, None, None]
        own = self.car * (1 - 1.3 * self.cycle).clamp(min=0)  # the rest of a car is in the motor of a cycle
        self.share = self.carriage / (own + self.carriage + 1e-6)
        self.body = torch.maximum(own, self.carriage)
        self.motor = self.car * self.cycle
        self.pull = (2.2 * self.cycle * self.carriage).clamp(max=1)
        self.seen = {"body": (6 * self.body).clamp(max=1), "cycle": (6 * self.cycle).clamp(max=1)}
        self.paint = along(BODY, self.share)

    def mix(self, *stops: float) -> Tensor:
        """A number at this share of the way from car to carriage, through stops at even steps."""
        path = torch.tensor(stops, dtype=self.share.dtype, device=self.share.device)
        place = self.share * (len(stops) - 1)
        first = place.floor().clamp(max=len(stops) - 2).long()
        return torch.lerp(path[first], path[first + 1], place - first)


def _paint(ness: Tensor, size: int) -> Tensor:
    plan = _Plan(ness)
    canvas = Canvas(colour(SKY, ness).expand(len(ness), -1, -1, -1), size)
    canvas.fill(GROUND - 0.03 - canvas.y, colour(ROAD, ness))
    _paint_board(canvas, plan)
    scale = (0.55 + 0.45 * plan.body) * (1 - 0.38 * plan.pull)
    back, behind = -0.45 * plan.pull, (0.6 + 0.4 * plan.cycle) * (1 - 0.40 * plan.pull)
    front = 0.44 * plan.pull
    bar = canvas.stroke(back, GROUND - 0.24, front - 0.3 * plan.pull, GROUND - 0.24, 0.03)
    canvas.fill(bar, colour(INK, ness), plan.pull)
    _paint_at(canvas, plan, back, scale, _paint_body)
    _paint_at(canvas, plan, front, behind, _paint_cycle)
    return canvas.colours.clamp(0, 1)


def _paint_at(canvas: Canvas, plan: _Plan, x: Tensor, scale: Tensor, part) -> None:
    """Paint a part in a plane of its own: x from its middle, y from the ground, both in units of `scale`."""
    local = copy.copy(canvas)
    local.x, local.y, local.pixel = (canvas.x - x) / scale, (canvas.y - GROUND) / scale, canvas.pixel / scale
    part(local, plan)
    canvas.colours = local.colours


def _paint_board(canvas: Canvas, plan: _Plan) -> None:
    alpha = (1 - plan.seen["body"]) * (1 - plan.seen["cycle"])
    for x in (-0.24, 0.24):
        canvas.fill(canvas.ellipse(x, GROUND - 0.09, 0.09, 0.09), colour(INK, alpha), alpha)
    canvas.fill(canvas.arc(0.0, GROUND - 0.2, 0.46, -0.05, 0.05), colour(BODY[2], alpha), alpha)


def _paint_body(canvas: Canvas, plan: _Plan) -> None:
    """The body that cars and carriages share, from the ground up."""
    alpha, ink = plan.seen["body"], colour(INK, plan.share)
    half, wheel = plan.mix(0.86, 0.84, 0.90, 0.62, 0.54), plan.mix(0.20, 0.20, 0.19, 0.28, 0.31)
    floor, hull = -plan.mix(0.13, 0.13, 0.13, 0.30, 0.36), plan.mix(0.30, 0.36, 0.44, 0.24, 0.26)
    waist = floor - hull
    covered = 1 - ((1 - plan.carriage) * 2.2).clamp(max=1) * (plan.share > 0) * plan.mix(0, 0, 0.2, 0.6, 1)
    roof = waist - plan.mix(0.30, 0.46, 0.54, 0.46, 0.50) * covered
    canvas.fill(canvas.ellipse(0.0, 0.0, half, 0.05), colour(SHADOW, ink), alpha * 0.8)
    _paint_cabin(canvas, plan, half, waist, roof, covered)
    edge = 0.035
    hulk = canvas.box(0.0, waist, floor, half, plan.mix(0.13, 0.08, 0.06, 0.06, 0.05))
    canvas.fill(hulk - edge, plan.paint * 0.55, alpha)
    canvas.fill(hulk, plan.paint, alpha)
    stripe = torch.maximum(canvas.box(0.0, waist + 0.62 * hull, floor, half, 0.02), hulk)
    canvas.fill(stripe, plan.paint * 0.78, alpha)
    lamp = canvas.ellipse(half - 0.06, waist + 0.12, 0.06, 0.06)
    canvas.fill(lamp, colour(LAMP, ink), alpha * plan.mix(1, 1, 1, 1, 0.0))
    shaft = canvas.stroke(half, floor - 0.04, half + 0.30, floor + 0.06, 0.03)
    canvas.fill(shaft, plan.paint * 0.7, alpha * plan.mix(0, 0, 0, 0, 1) * (1 - plan.pull))
    for side in (-1, 1):
        at = side * half * plan.mix(0.60, 0.60, 0.62, 0.66, 0.68)
        arch = torch.maximum(canvas.ellipse(at, -wheel, wheel + 0.05, wheel + 0.05), hulk)
        canvas.fill(arch, plan.paint * 0.45, alpha * plan.mix(1, 1, 1, 0.3, 0))
        _paint_wheel(canvas, at, wheel, plan.mix(0.40, 0.40, 0.40, 0.22, 0.2), along(RIM, plan.share), alpha, plan)


def _paint_cabin(canvas: Canvas, plan: _Plan, half, waist, roof, covered) -> None:
    """Roof, pillars and windows; a carriage's top is wider than its foot and has a round roof."""
    alpha = plan.seen["body"] * (4 * covered).clamp(max=1)
    rear, front = -half * plan.mix(0.66, 0.94, 0.97, 0.92, 0.86), half * plan.mix(0.46, 0.62, 0.95, 0.72, 0.86)
    back, lean = plan.mix(0.16, 0.03, 0.02, 0.0, -0.06), plan.mix(0.26, 0.20, 0.06, 0.0, -0.06)
    low = waist + 0.04
    cabin = canvas.polygon([(rear + back, roof), (front - lean, roof), (front, low), (rear, low)])
    canvas.fill(cabin - 0.045, plan.paint * 0.55, alpha)
    canvas.fill(cabin - 0.01, plan.paint, alpha)
    top = canvas.arc((rear + front - lean + back) / 2, roof, (front - rear - lean - back) / 2 + 0.08, 0.06, 0.075)
    canvas.fill(top, plan.paint * plan.mix(0.9, 0.9, 0.75, 0.5, 0.45)[:, None], alpha * plan.mix(0, 0.3, 0.8, 1, 1))
    pane = torch.maximum(cabin + 0.05, canvas.y - waist + plan.mix(0.02, 0.12, 0.10, 0.10, 0.12))
    canvas.fill(pane, colour(GLASS, alpha), alpha)
    shine = canvas.stroke(front - lean - 0.22, roof + 0.08, front - lean - 0.34, waist - 0.12, 0.025)
    canvas.fill(torch.maximum(shine, pane), colour((1.0, 1.0, 1.0), alpha), alpha * plan.mix(0.9, 0.9, 0.9, 0, 0))
    middle, width = (rear + front) / 2, (front - rear) / 2
    for place, seen in PILLARS:
        pillar = torch.maximum(canvas.box(middle + place * width, roof, low, 0.035, 0.0), cabin)
        canvas.fill(pillar, plan.paint * 0.9, alpha * plan.mix(*seen))


def _paint_wheel(canvas: Canvas, x, radius, tyre, rim: Tensor, alpha, plan: _Plan, open_share=None) -> None:
    """A wheel on the ground; `tyre` is its share of the radius, `open_share` how far one looks through it."""
    thick = torch.maximum(tyre * radius, 0.75 * torch.as_tensor(canvas.pixel))
    disc = canvas.ellipse(x, -radius, radius, radius)
    spokes = plan.mix(0, 0, 0, 1, 1) if open_share is None else open_share
    ink = colour(INK, radius)
    canvas.fill(disc + thick, rim, alpha * (1 - 0.75 * spokes))
    u, v = canvas.x - x, canvas.y + radius
    step = 2 * pi / SPOKES
    turned = torch.remainder(torch.atan2(v, u), step) - step / 2
    spoke = torch.maximum(torch.hypot(u, v) * turned.sin().abs() - 0.028 * (radius / 0.3), disc)
    canvas.fill(spoke, rim * 0.72, alpha * spokes)
    canvas.fill(torch.maximum(disc, -disc - thick), ink, alpha)
    hub = canvas.ellipse(x, -radius, 0.22 * radius, 0.22 * radius)
    canvas.fill(hub, rim * 0.6, alpha)


def _paint_cycle(canvas: Canvas, plan: _Plan) -> None:
    """Two wheels, a frame of thin tubes, saddle and handlebar; the more of a car, the more of a motor."""
    alpha, motor, ink = plan.seen["cycle"], plan.motor, colour(INK, plan.motor)
    radius, x = 0.37 - 0.07 * motor, 0.50 + 0.02 * motor
    canvas.fill(canvas.ellipse(0.0, 0.0, 0.8, 0.05), colour(SHADOW, ink), alpha * 0.8)
    third = plan.pull * (1 - motor)
    steel = colour(STEEL, ink).expand_as(plan.paint)
    if third.max() > 0:  # the far wheel of a tricycle
        _paint_wheel(canvas, -x + 0.24, 0.9 * radius, 0.14 + 0.5 * motor, steel * 0.9, alpha * third, plan, 1 - motor)
    for side in (-1, 1):
        _paint_wheel(canvas, side * x, radius, 0.15 + 0.5 * motor, steel, alpha, plan, 1 - 0.9 * motor)
    _paint_motor(canvas, plan, x, radius, alpha)
    frame = along(FRAME, (2.1 * motor).clamp(max=1))
    tube = torch.maximum(0.032 + 0.03 * motor, 0.55 * torch.as_tensor(canvas.pixel))
    crank, seat, head = (-0.06, -0.32), (-0.20, -0.80 + 0.16 * motor), (0.32 + 0.02 * motor, -0.82 + 0.06 * motor)
    tubes = [((-x, -radius), crank), ((-x, -radius), seat), (crank, seat), (seat, head), (crank, head)]
    for (x0, y0), (x1, y1) in [*tubes, (head, (x, -radius))]:
        canvas.fill(canvas.stroke(x0, y0, x1, y1, tube), frame, alpha)
    canvas.fill(canvas.ellipse(*crank, 0.10, 0.10), colour(STEEL, ink) * 0.8, alpha)
    canvas.fill(canvas.stroke(*seat, seat[0] - 0.02, seat[1] - 0.08, tube), frame, alpha)
    canvas.fill(
        canvas.box(seat[0] - 0.06 * motor, seat[1] - 0.15, seat[1] - 0.06, 0.15 + 0.16 * motor, 0.04), ink, alpha
    )
    grip = (head[0] - 0.04, head[1] - 0.17)
    canvas.fill(canvas.stroke(*head, *grip, tube), frame, alpha)
    canvas.fill(canvas.stroke(grip[0] - 0.12, grip[1] + 0.01, grip[0] + 0.06, grip[1], 1.2 * tube), ink, alpha)


def _paint_motor(canvas: Canvas, plan: _Plan, x, radius, alpha) -> None:
    """Engine, exhaust, tank, mudguards and lamp of a motorcycle."""
    motor = (2.1 * plan.motor).clamp(max=1)
    seen, frame = alpha * (3 * motor).clamp(max=1), along(FRAME, motor)
    engine = canvas.box(-0.02, -0.28 - 0.26 * motor, -0.16, 0.07 + 0.19 * motor, 0.06)
    canvas.fill(engine - 0.03, colour(INK, motor), seen)
    canvas.fill(engine, colour(STEEL, motor), seen)
    canvas.fill(canvas.stroke(0.0, -0.16, -x - 0.12, -0.16, 0.055 * motor), colour(STEEL, motor) * 0.8, seen)
    tank = canvas.ellipse(0.10, -0.68, 0.12 + 0.18 * motor, 0.05 + 0.10 * motor)
    canvas.fill(tank - 0.025, frame * 0.6, seen)
    canvas.fill(tank, frame, seen)
    for side in (-1, 1):
        guard = canvas.arc(side * x, -2 * radius - 0.04, 0.26, 0.10, 0.06 * motor)
        canvas.fill(guard, frame * 0.9, seen)
    canvas.fill(canvas.ellipse(0.46, -0.80, 0.02 + 0.07 * motor, 0.02 + 0.07 * motor), colour(LAMP, motor), seen)
