"""Pictures in a space whose three coordinates mean something, turned by hand."""

import math
from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor

from ..data import vehicles
from .frame import DPI, explorer
from .paper import GREY, INK, PALE, Paper, text_width

WIDTH, HEIGHT = 720, 560  # pixels
MIDDLE, UNIT = (WIDTH / 2, HEIGHT / 2 + 4), 142  # where the middle of the cube is; pixels of half an edge
THUMBNAIL = 72  # pixels, half way into the space
DISTANCE = 5.0  # of the eye from the middle of the cube, in half edges
AXIS_INKS = ("#bd1f01", "#16796f", "#8a5a1c")
_FAR_END = (4, 2, 1)  # of each axis among the corners of the cube


def meaning_space_picture(
    points: Tensor,
    pictures: Tensor,
    turn: float = 30,
    tilt: float = 22,
    names: Sequence[str] | None = None,
    axes: Sequence[str] = vehicles.AXES,
) -> bytes:
    """Pictures (N, 3, H, W) in [0, 1] at their points (N, 3) >= 0, seen from a side and from above. PNG bytes.

    Near pictures hide far ones. A stem leads from each down to the floor, the plane of the first two coordinates.

    Args:
        turn: degrees about the upright third axis.
        tilt: degrees that the eye is above the floor, 0 .. 90.
        names: a word under each picture.
        axes: what the coordinates mean.
    """
    _check(points, pictures, names, axes)
    top = max(points.max().item(), 1e-6)
    places, depth = _project(2 * points.double() / top - 1, turn, tilt)
    feet, _ = _project(torch.cat([2 * points[:, :2].double() / top - 1, -torch.ones(len(points), 1)], 1), turn, tilt)
    paper = Paper(WIDTH, HEIGHT)
    _draw_cube(paper, turn, tilt)
    for foot, place in zip(feet.tolist(), places.tolist(), strict=True):
        paper.line(*foot, *place, "#a9b0bd", 1.2)
        paper.dot(*foot, 3)
    for i in depth.argsort(descending=True).tolist():
        (x, y), side = places[i].tolist(), THUMBNAIL * DISTANCE / (DISTANCE + depth[i].item())
        paper.picture(pictures[i], x - side / 2, y - side / 2, side, GREY)
        if names:
            paper.text(x, y + side / 2 + 2, names[i], 11, INK, "ma")
    _name_axes(paper, top, axes)
    return paper.png()


def meaning_space(
    points: Tensor, pictures: Tensor, names: Sequence[str] | None = None, axes: Sequence[str] = vehicles.AXES
):
    """Turn and tilt a space of pictures; the arguments are those of `meaning_space_picture`."""
    import ipywidgets as w

    def picture(turn: float, tilt: float) -> bytes:
        return meaning_space_picture(points, pictures, turn, tilt, names, axes)

    controls = {
        "turn": w.IntSlider(min=-180, max=180, step=5, value=30, description="turn, in degrees"),
        "tilt": w.IntSlider(min=0, max=90, step=5, value=20, description="tilt, in degrees"),
    }
    text = "A space with a meaning: run the notebook to turn it."
    return explorer(picture, controls, WIDTH / DPI, text)


def _project(points: Tensor, turn: float, tilt: float) -> tuple[Tensor, Tensor]:
    """Points (N, 3) of the cube from -1 to 1 on the sheet, (N, 2) in pixels, and how far behind the middle, (N,)."""
    turn, tilt = math.radians(turn), math.radians(tilt)
    across = points[:, 0] * math.cos(turn) - points[:, 1] * math.sin(turn)
    away = points[:, 0] * math.sin(turn) + points[:, 1] * math.cos(turn)
    depth = away * math.cos(tilt) - points[:, 2] * math.sin(tilt)
    up = points[:, 2] * math.cos(tilt) + away * math.sin(tilt)
    scale = UNIT * DISTANCE / (DISTANCE + depth)
    return torch.stack([MIDDLE[0] + across * scale, MIDDLE[1] - up * scale], 1), depth


def _draw_cube(paper: Paper, turn: float, tilt: float) -> None:
    """The edges of the cube in pale lines, and from its origin the three axes."""
    corners = torch.tensor(list(product((-1.0, 1.0), repeat=3)), dtype=torch.float64)
    at, _ = _project(corners, turn, tilt)
    for i, j in product(range(8), repeat=2):
        if i < j and (corners[i] != corners[j]).sum() == 1:
            paper.line(*at[i].tolist(), *at[j].tolist(), PALE)
    for k, ink in enumerate(AXIS_INKS):
        paper.line(*at[0].tolist(), *at[_FAR_END[k]].tolist(), ink, 2.5)


def _name_axes(paper: Paper, top: float, axes: Sequence[str]) -> None:
    """The names of the axes in a row above the space, each beside a piece of its line."""
    x = 24.0
    for name, ink in zip(axes, AXIS_INKS, strict=True):
        paper.line(x, 20, x + 26, 20, ink, 2.5)
        paper.text(x + 34, 20, f"{name}, 0 to {top:g}", 14, ink, "lm")
        x += 64 + text_width(f"{name}, 0 to {top:g}")


def _check(points: Tensor, pictures: Tensor, names, axes) -> None:
    if points.ndim != 2 or points.shape[1] != 3 or not len(points) or not points.min() >= 0:
        raise ValueError(f"points are {tuple(points.shape)}; give (N, 3), N >= 1, none below 0")
    if pictures.ndim != 4 or pictures.shape[:2] != (len(points), 3):
        raise ValueError(f"pictures are {tuple(pictures.shape)}; give ({len(points)}, 3, H, W), one for each point")
    if names is not None and len(names) != len(points):
        raise ValueError(f"there are {len(names)} names and {len(points)} points; give one for each")
    if len(axes) != 3:
        raise ValueError(f"axes are {list(axes)}; give three names")
