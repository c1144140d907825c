"""Vector drawing in tensors: smooth shapes painted back to front onto N pictures at once.

A shape is a signed distance (negative inside) in a plane where the picture is the square from -1 to 1, y downwards; a
ramp of one pixel turns it into coverage. Numbers of a picture are (N, 1, 1) or plain, colours (N, 3, 1, 1).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

SMALLEST = 16  # pixels a side, below which eyes and wheels run together


def check(what: str, values: Tensor, n: int, size: int, most: float = 1) -> None:
    """Refuse settings of drawings that are not (N, n) in [0, most], N >= 1, and pictures that are too small.

    Raises:
        ValueError: says what was given and what is wanted.
    """
    if values.ndim != 2 or values.shape[1] != n or not len(values):
        raise ValueError(f"{what} are {tuple(values.shape)}; give (N, {n}), N >= 1")
    if not (values.min() >= 0 and values.max() <= most):  # false for NaN as well
        raise ValueError(f"{what} run from {values.min():g} to {values.max():g}; give values in [0, {most:g}]")
    if size < SMALLEST:
        raise ValueError(f"size is {size}; give {SMALLEST} or more pixels a side")


class Canvas:
    """N pictures that shapes are painted onto: `colours` (N, 3, size, size) from one `colour` (N, 3, 1, 1) each."""

    def __init__(self, colour: Tensor, size: int):
        self.pixel = 2 / size
        middle = (torch.arange(size, device=colour.device) - (size - 1) / 2) * self.pixel
        self.x, self.y = middle[None, None, :], middle[None, :, None]
        self.colours = colour.expand(-1, -1, size, size)

    def fill(self, distance: Tensor, colour: Tensor, alpha: Tensor | float = 1.0) -> None:
        """Paint the inside of a shape."""
        self.blend((0.5 - distance / self.pixel).clamp(0, 1) * alpha, colour)

    def blend(self, alpha: Tensor, colour: Tensor) -> None:
        """Mix in a colour, by a share alpha (N, H, W) for each pixel."""
        self.colours = torch.lerp(self.colours, colour, alpha[:, None])

    def ellipse(self, x, y, width, height) -> Tensor:
        """Distance to an ellipse, to first order at its edge; half axes."""
        u, v = (self.x - x) / width, (self.y - y) / height
        k = (u.square() + v.square()).sqrt()
        return (k.square() - k) / ((u / width).square() + (v / height).square() + 1e-9).sqrt()

    def arc(self, x, y, width, bend, thick, tilt=0.0) -> Tensor:
        """Distance to a stroke along a parabola, thinner towards its ends, which lie `bend` below its middle."""
        u = (self.x - x) / width
        curve = y + bend * u.square() + tilt * u
        slope = (2 * bend * u + tilt) / width
        stroke = (self.y - curve).abs() / (1 + slope.square()).sqrt() - thick * (1 - 0.5 * u.square())
        return torch.maximum(stroke, (u.abs() - 1) * width)

    def box(self, x, top, bottom, width, corner) -> Tensor:
        """Distance to a box with round corners, `width` to either side of x."""
        u = (self.x - x).abs() - width + corner
        v = (self.y - (top + bottom) / 2).abs() - (bottom - top) / 2 + corner
        return torch.hypot(u.clamp(min=0), v.clamp(min=0)) + torch.maximum(u, v).clamp(max=0) - corner

    def stroke(self, x0, y0, x1, y1, thick) -> Tensor:
        """Distance to a straight stroke with round ends, `thick` to either side of the line between two points."""
        return self.cone(x0, y0, thick, x1, y1, thick)

    def cone(self, x0, y0, r0, x1, y1, r1) -> Tensor:
        """Distance to a stroke with round ends whose half thickness goes from r0 to r1."""
        dx, dy = x1 - x0, y1 - y0
        share = (((self.x - x0) * dx + (self.y - y0) * dy) / (dx * dx + dy * dy + 1e-9)).clamp(0, 1)
        return torch.hypot(self.x - x0 - share * dx, self.y - y0 - share * dy) - r0 - share * (r1 - r0)

    def polygon(self, corners: Sequence[tuple]) -> Tensor:
        """Distance to a convex polygon whose corners (x, y) go clockwise as seen; beyond a corner a lower bound."""
        edges = []
        for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
            dx, dy = torch.as_tensor(x1 - x0), torch.as_tensor(y1 - y0)
            edges.append(((self.x - x0) * dy - (self.y - y0) * dx) / (torch.hypot(dx, dy) + 1e-9))
        return torch.stack(torch.broadcast_tensors(*edges)).amax(0)


def along(path: Sequence[tuple], t: Tensor) -> Tensor:
    """The colour at t (N, 1, 1) in [0, 1] of a path of colours at even steps: (N, 3, 1, 1)."""
    stops = torch.tensor(path, device=t.device)
    place = t[:, 0, 0] * (len(path) - 1)
    first = place.floor().clamp(max=len(path) - 2)
    return torch.lerp(stops[first.long()], stops[first.long() + 1], (place - first)[:, None])[:, :, None, None]


def colour(rgb: tuple, like: Tensor) -> Tensor:
    """One colour for all pictures, (1, 3, 1, 1), on the device of a tensor."""
    return torch.tensor(rgb, device=like.device)[None, :, None, None]
