"""What the parts of a drawing share: a canvas that can be shrunk, tapered strokes, patterns, and the coat's colours."""

from collections.abc import Mapping
from types import SimpleNamespace

import torch
from torch import Tensor

from .canvas import Canvas, colour

INK, WHITE = (0.17, 0.12, 0.14), (1.0, 1.0, 1.0)
OUTLINE = 0.045


class Look(SimpleNamespace):
    """The settings of N drawings by name, each (N, 1, 1), and the colours (N, 3, 1, 1) that parts share."""

    def __init__(self, settings: Mapping[str, Tensor]):
        super().__init__(**settings)
        self.coat = torch.stack([self.red, self.green, self.blue], 1)
        self.shade = self.coat * colour((0.68, 0.47, 0.40), self.coat)
        dark = mix(colour(INK, self.coat), self.shade, (2 * self.mark).clamp(max=1))
        self.pattern = mix(dark, WHITE, (2 * self.mark - 1).clamp(min=0))  # of stripes and spots


class Sheet(Canvas):
    """A canvas of which parts are painted smaller, around a point: `shrink` before, `unfold` after."""

    def __init__(self, ground: Tensor, size: int):
        super().__init__(ground, size)
        self.whole = self.x, self.y, self.pixel
        self.shown: Tensor | float = 1.0

    def unfold(self) -> None:
        """Back to the whole sheet."""
        (self.x, self.y, self.pixel), self.shown = self.whole, 1.0

    def shrink(self, share: Tensor, x: float, y: float) -> None:
        """Paint what follows smaller by a share (N, 1, 1), around a point that stays; of a share of 0 nothing shows."""
        scale = share.clamp(min=0.05)
        self.shown = self.shown * ramp(share, 0.0, 0.1)
        self.x, self.y, self.pixel = x + (self.x - x) / scale, y + (self.y - y) / scale, self.pixel / scale

    def blend(self, alpha: Tensor, colour: Tensor) -> None:
        super().blend(alpha * self.shown, colour)

    def ink(self, *distances: Tensor, thick: float = OUTLINE, alpha: Tensor | float = 1.0) -> None:
        """The dark outline around the union of shapes."""
        self.fill(union(*distances) - thick, colour(INK, self.colours), alpha)

    def dots(self, x, y, spacing: float, radius) -> Tensor:
        """Distance to dots at even distances, every second row shifted, one of them at (x, y); slightly uneven."""
        u = (self.x - x) / spacing + 0.10 * torch.sin(7 * self.y)
        v = (self.y - y) / (0.86 * spacing) + 0.10 * torch.sin(6 * self.x)
        row = v.round()
        u = u + 0.5 * (row % 2)
        return spacing * torch.hypot(u - u.round(), 0.86 * (v - row)) - radius

    def bars(self, u: Tensor, spacing, width) -> Tensor:
        """Distance to bars of this width in a coordinate u, one around 0."""
        return spacing * (u / spacing - (u / spacing).round()).abs() - width / 2


def union(*distances: Tensor) -> Tensor:
    """Distance to what lies in any of the shapes."""
    first, *others = torch.broadcast_tensors(*distances)
    for other in others:
        first = torch.minimum(first, other)
    return first


def ramp(value: Tensor, low: float, high: float) -> Tensor:
    """0 up to `low`, 1 from `high` on, in between a straight line."""
    return ((value - low) / (high - low)).clamp(0, 1)


def mix(a: Tensor, b: Tensor | tuple, share: Tensor) -> Tensor:
    """A colour (N, 3, 1, 1) between two; share (N, 1, 1), 0 for a .. 1 for b."""
    return torch.lerp(a, colour(b, a) if isinstance(b, tuple) else b, share[:, None])
