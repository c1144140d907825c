"""A room in which a place says what to draw: between known places one draws something in between.

Places are points of the square from -1 to 1, of the floor or of one of four walls: five cubes are a point in ten
dimensions.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from torch import Tensor

from .plots import COLOURS

WALL = 0.55  # how high a wall is drawn, floor = -1 .. 1
SURFACES = ("#f6ecd9", "#dce9f5", "#fbe9d9", "#e3efdc", "#f1e1ec")  # floor; walls: back, right, front, left
CUBES = (0, 2, 4, 6, 1)  # which of the house's colours the cubes have
FIELDS = ((253, 247, 235), (245, 233, 211))  # tiles of the floor, as a chessboard
# Coarse outlines of the continents, in degrees of longitude and latitude, for the floor that stands for the Earth.
CONTINENTS = (
    ((-168, 66), (-95, 72), (-62, 58), (-66, 44), (-81, 30), (-97, 26), (-88, 16), (-83, 9), (-117, 32), (-130, 55)),
    ((-80, 9), (-60, 9), (-35, -7), (-40, -22), (-58, -38), (-68, -54), (-74, -45), (-71, -20), (-81, -5)),
    ((-16, 15), (-6, 35), (10, 37), (32, 31), (43, 12), (51, 11), (40, -10), (35, -24), (20, -35), (9, 4), (-8, 5)),
    (
        *((-9, 37), (-9, 43), (8, 54), (5, 60), (20, 70), (60, 70), (100, 77), (140, 73), (180, 68), (162, 60)),
        *((142, 55), (135, 44), (122, 38), (122, 30), (108, 20), (104, 9), (90, 22), (80, 9), (72, 20), (57, 25)),
        *((45, 13), (35, 31), (28, 37), (15, 39)),
    ),
    ((114, -22), (130, -12), (142, -11), (153, -28), (147, -38), (135, -33), (116, -35)),
    ((-60, 80), (-25, 82), (-25, 70), (-44, 60), (-54, 67)),
)
NEAR, FAR = 1.32, 1.2 + WALL  # how far the view reaches: the floor only, or all walls
RESOLUTION = 372  # pixels of the floor, about


def interpolate(z: Tensor, places: Tensor, values: Tensor, width: float) -> Tensor:
    """What is drawn at z (N, d), from the values (K, A) of things at places (K, d): (N, A).

    The mean of the values, weighted by exp(-distance² / (2 width²)) (Nadaraya 1964, Watson 1964). Towards width 0 that
    is the value of the nearest place; with width `math.inf` the plain mean. Never outside the range of the values, not
    even by rounding.

    Raises:
        ValueError: shapes that do not fit, or a width that is not above 0.
    """
    if z.ndim != 2 or places.ndim != 2 or values.ndim != 2 or z.shape[1] != places.shape[1] or not len(places):
        shapes = ", ".join(str(tuple(x.shape)) for x in (z, places, values))
        raise ValueError(f"z, places and values are {shapes}; give (N, d), (K, d) and (K, A), K >= 1")
    if len(places) != len(values):
        raise ValueError(f"there are {len(places)} places and {len(values)} values; give as many")
    if not width > 0:  # true for NaN as well
        raise ValueError(f"width is {width}; give more than 0")
    apart = (z[:, None] - places).square().sum(2)
    drawn = (-apart / (2 * width * width)).softmax(1) @ values
    return drawn.clamp(values.amin(0), values.amax(0))


def fields(k: int) -> Tensor:
    """The middles of k fields that tile the square, row by row from the back left: (k, 2); k is 1, 4, 9, 16, …"""
    side = math.isqrt(max(k, 0))
    if side < 1 or side**2 != k:
        raise ValueError(f"there are {k} fields; give 1, 4, 9, 16, … so that they tile a square")
    middle = (torch.arange(side) + 0.5) * 2 / side - 1
    back, left = torch.meshgrid(-middle, middle, indexing="ij")
    return torch.stack([left, back], 2).view(k, 2)


def floor_plan(features: Tensor, seed: int = 0, starts: int = 8) -> Tensor:
    """One field for each of K things with features (K, F), similar ones on neighbouring fields: places (K, 2).

    Things are put on the grid `fields(K)`, first by their two principal axes, as near as possible (an assignment
    problem); then the best exchange of two is made as long as it lowers the sum of the distances of neighbours. The
    same from `starts - 1` random layouts, which the seed decides; the best layout is returned.

    Raises:
        ValueError: K is not a square number, or features are not (K, F).
    """
    if features.ndim != 2:
        raise ValueError(f"features are {tuple(features.shape)}; give (K, F)")
    grid = fields(len(features)).double()
    features = features.detach().cpu().double()
    apart = torch.cdist(features, features)
    step = 2 / math.isqrt(len(grid))
    near = (torch.cdist(grid, grid) < 1.1 * step).double() - torch.eye(len(grid)).double()
    generator = torch.Generator().manual_seed(seed)
    layouts = [_by_principal_axes(features, grid)]
    layouts += [torch.randperm(len(grid), generator=generator) for _ in range(starts - 1)]
    layouts = [_exchange(layout, near, apart) for layout in layouts]
    return grid[min(layouts, key=lambda at: (near[at][:, at] * apart).sum())].float()


def _by_principal_axes(features: Tensor, grid: Tensor) -> Tensor:
    """The field of each thing, nearest to where its two principal axes place it."""
    from scipy.optimize import linear_sum_assignment

    scores, spread, _ = torch.linalg.svd(features - features.mean(0), full_matrices=False)
    scores = (scores * spread)[:, :2]
    scores = torch.nn.functional.pad(scores, (0, 2 - scores.shape[1]))
    scores = scores * torch.where((scores**3).sum(0) < 0, -1.0, 1.0)  # an axis has no sign of its own
    ranks = 2 * scores.argsort(0).argsort(0) / max(len(grid) - 1, 1) - 1
    return torch.from_numpy(linear_sum_assignment(torch.cdist(ranks.double(), grid).square().numpy())[1])


def _exchange(layout: Tensor, near: Tensor, apart: Tensor) -> Tensor:
    """Exchange the two things whose exchange gains most, until none gains."""
    layout = layout.clone()
    while True:
        mine = near[layout][:, layout]
        reach = mine @ apart
        change = reach + reach.T - reach.diag()[:, None] - reach.diag() + 2 * mine * apart
        first, second = divmod(change.argmin().item(), len(layout))
        if change[first, second] > -1e-9:
            return layout
        layout[[first, second]] = layout[[second, first]]


def project(cubes: Tensor) -> Tensor:
    """Where cubes (S, …, 2) on floor, back, right, front and left wall, S up to 5, are seen from above: (S, …, 2).

    The first number runs along a wall, the second up; a margin keeps them off its edges.
    """
    u, v = cubes.unbind(-1)
    out = 1 + WALL * (0.5 + 0.36 * v)
    seen = [(u, v), (u * out, out), (out, -u * out), (u * out, -out), (-out, u * out)]
    return torch.stack([torch.stack([x[i], y[i]], -1) for i, (x, y) in enumerate(seen[: len(cubes)])])


def paint_room(
    axis: Axes,
    cubes: Tensor,
    places: Tensor | None = None,
    pictures: Tensor | None = None,
    meaning: Sequence[tuple[str, str]] = (),
    marks: Tensor | None = None,
) -> None:
    """The room, looked into from above: the floor, four walls around it, a cube on each surface in use.

    Args:
        axis: where; its ticks and frame are taken away.
        cubes: (1, 2) on the floor, or (5, 2) on floor, back, right, front and left wall, each in [-1, 1].
        places, pictures: (K, 2) and (K, 3, H, W) in [0, 1]: what the fields of the floor stand for, K a square number.
        meaning: the two names of each surface, along it and up; the floor then is a map of the Earth.
        marks: (S, M, 2), small dots on each surface.

    Raises:
        ValueError: cubes of another shape or outside the room, or pictures that do not fit the places.
    """
    if cubes.shape not in ((1, 2), (5, 2)) or not cubes.abs().max() <= 1:
        raise ValueError(f"cubes are {tuple(cubes.shape)}; give (1, 2) or (5, 2) with values in [-1, 1]")
    inner = np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)])
    outer = (1 + WALL) * inner
    walls = [(inner[[i, (i + 1) % 4]], outer[[(i + 1) % 4, i]]) for i in (1, 2, 3, 0)]  # back, right, front, left
    shapes = [inner, *[np.concatenate(wall) for wall in walls]]
    axis.add_collection(PolyCollection(shapes, facecolors=SURFACES, edgecolors="#b9aa90", linewidths=1.0, zorder=1))
    if places is not None:
        axis.imshow(_tiles(places, pictures), extent=(-1, 1, -1, 1), interpolation="bilinear", zorder=1.5)
    if meaning:
        earth = [np.array(land) / (180, 90) for land in CONTINENTS]
        axis.add_collection(PolyCollection(earth, facecolors="#e3d3ad", edgecolors="#d3bf90", zorder=1.2))
    if marks is not None:
        tint, size = ("#8d8274", 3) if places is None else (COLOURS[2], 6)  # on pictures, dots have to stand out
        axis.plot(*project(marks).flatten(0, 1).T.numpy(), ".", color=tint, markersize=size, alpha=0.8)
    _paint_names(axis, meaning)
    _paint_cubes(axis, project(cubes.detach().cpu().float()))
    reach = NEAR if len(cubes) == 1 else FAR
    axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axis.set_axis_off()


def _tiles(places: Tensor, pictures: Tensor | None) -> np.ndarray:
    """The floor with a picture on each field, uint8 (h, h, 3)."""
    if pictures is None or len(pictures) != len(places) or math.isqrt(len(places)) ** 2 != len(places):
        given = "no" if pictures is None else len(pictures)
        raise ValueError(f"there are {len(places)} places and {given} pictures; give 1, 4, 9, 16, … of both")
    side = math.isqrt(len(places))
    wide = RESOLUTION // side
    inside = round(0.86 * wide)
    small = torch.nn.functional.interpolate(pictures.detach().cpu(), (inside, inside), mode="bilinear", antialias=True)
    small = small.permute(0, 2, 3, 1).numpy()
    floor = np.empty((side * wide, side * wide, 3), np.uint8)
    at = ((places.cpu() + 1) / 2 * side).floor().long().clamp(0, side - 1).tolist()
    for (column, row), picture in zip(at, small, strict=True):
        top, left = (side - 1 - row) * wide, column * wide
        tint = np.array(FIELDS[(row + column) % 2], np.uint8)
        floor[top : top + wide, left : left + wide] = tint
        start = (wide - inside) // 2
        floor[top + start : top + start + inside, left + start : left + start + inside] = picture * tint
    return floor


def _paint_names(axis: Axes, meaning: Sequence[tuple[str, str]]) -> None:
    """What a cube's place means along and up each surface: beside the wall, where no cube hides it."""
    beyond = 1 + WALL + 0.1
    spots = [(0, -0.9, 0, "↑"), (0, beyond, 0, "↑"), (beyond, 0, -90, "↑"), (0, -beyond, 0, "↓"), (-beyond, 0, 90, "↑")]
    for (along, up), (x, y, turn, arrow) in zip(meaning, spots, strict=False):
        text = f"→ {along}    {arrow} {up}"
        axis.text(x, y, text, rotation=turn, ha="center", va="center", fontsize=9, color="#6a5f50", zorder=1.8)


def _paint_cubes(axis: Axes, seen: Tensor) -> None:
    """A small cube at each point, in a colour of its own, with its shadow."""
    s, h = 0.1, 0.06
    middle, top, low = (0, 0), (0, 1.2 * s), (0, -1.2 * s)
    faces = [(-s, h), top, (s, h), middle], [(-s, h), middle, low, (-s, -h)], [(s, h), middle, low, (s, -h)]
    axis.plot(*seen.T.numpy() - [[0], [0.09]], "o", color="black", alpha=0.18, markersize=15, zorder=2.5)
    corners = [np.array(face) + point + (0, 0.35 * s) for point in seen.numpy() for face in faces]
    tints = [_shaded(COLOURS[i], light) for i in CUBES[: len(seen)] for light in (1.25, 0.95, 0.7)]
    axis.add_collection(
        PolyCollection(corners, facecolors=tints, edgecolors="#2b2024", linewidths=1.0, zorder=3, joinstyle="round")
    )


def _shaded(tint: str, light: float) -> np.ndarray:
    rgb = np.array([int(tint[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return (rgb * light).clip(0, 1)
