"""One house style for figures, and the pictures that notebooks share."""

import io
import math
from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

# Ten colours that colour-blind readers tell apart (Petroff 2021).
COLOURS = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)
# White paper, so that figures stay readable in dark mode.
STYLE = {
    "figure.figsize": (7, 3.2),
    "figure.dpi": 80,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "axes.prop_cycle": plt.cycler(color=COLOURS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "lines.linewidth": 2,
    "legend.frameon": False,
    "font.size": 11,
}
LINE_STEPS = 81  # points along each side of the box in which level lines are drawn


def use_style() -> None:
    """Set the house style for all figures that follow."""
    plt.rcParams.update(STYLE)


def caption(figure: Figure, text: str) -> None:
    """A caption line under the figure."""
    figure.supxlabel(text, fontsize=10, color="#444444")


def grid(x: Tensor, columns: int | None = None, pad: int = 2) -> np.ndarray:
    """Images x (N, C, H, W) in [0, 1], C 1 or 3, side by side: uint8 (h, w) or (h, w, 3), background white."""
    if x.ndim != 4 or not len(x) or x.shape[1] not in (1, 3) or not x.is_floating_point():
        raise ValueError(f"x is {tuple(x.shape)} {x.dtype}; give float images (N, 1, H, W) or (N, 3, H, W), N >= 1")
    n, channels, height, width = x.shape
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    pixels = (x.detach().cpu().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()
    sheet = np.full((rows, height + pad, columns, width + pad, channels), 255, np.uint8)
    for i, picture in enumerate(pixels):
        sheet[i // columns, :height, i % columns, :width] = picture
    flat = sheet.reshape(rows * (height + pad), columns * (width + pad), channels)[: -pad or None, : -pad or None]
    return flat[..., 0] if channels == 1 else flat


def png(array: np.ndarray, scale: int = 1) -> bytes:
    """A uint8 array as the bytes of a PNG, each pixel `scale` times as wide and high."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.kron(array, np.ones((scale, scale) + (1,) * (array.ndim - 2), np.uint8))).save(buffer, "PNG")
    return buffer.getvalue()


def show_images(rows: Tensor | Mapping[str, Tensor], text: str, columns: int = 10) -> None:
    """Show a grid of images, or several under each other, each with its label on the left, and a caption."""
    rows = rows if isinstance(rows, Mapping) else {"": rows}
    sheets = {label: grid(x, min(columns, len(x))) for label, x in rows.items()}
    heights = [sheet.shape[0] for sheet in sheets.values()]
    inches = min(5.8, 0.7 * columns)  # fewer columns are shown larger, up to a point
    figure, axes = plt.subplots(
        nrows=len(rows),
        figsize=(inches + 1.5, inches * sum(heights) / max(s.shape[1] for s in sheets.values()) + 0.5),
        height_ratios=heights,
        squeeze=False,
    )
    for axis, (label, sheet) in zip(axes[:, 0], sheets.items(), strict=True):
        axis.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="equal")
        axis.set(xticks=[], yticks=[], frame_on=False)
        axis.set_ylabel(label, rotation=0, ha="right", va="center")
    caption(figure, text)
    plt.show()


def curves(
    lines: Mapping[str, Sequence[float]], x_label: str, y_label: str, text: str, x: Sequence[float] | None = None
) -> None:
    """Labelled lines over x (1, 2, … where it is not given), with a caption."""
    figure, axis = plt.subplots()
    for i, (label, values) in enumerate(lines.items()):
        positions = range(1, len(values) + 1) if x is None else x
        axis.plot(positions, values, label=label, linestyle=("-", "--", ":", "-.")[i % 4])
    axis.set(xlabel=x_label, ylabel=y_label)
    axis.legend()
    caption(figure, text)
    plt.show()


def bars(groups: Mapping[str, Sequence[float]], ticks: Sequence, x_label: str, y_label: str, text: str) -> None:
    """Labelled groups of bars side by side, one bar of each group at every tick, with a caption."""
    figure, axis = plt.subplots()
    width = 0.8 / len(groups)
    for i, (label, values) in enumerate(groups.items()):
        left = [tick + (i - (len(groups) - 1) / 2) * width for tick in range(len(ticks))]
        axis.bar(left, [float(value) for value in values], width, label=label)
    axis.set(xlabel=x_label, ylabel=y_label, xticks=range(len(ticks)), xticklabels=ticks)
    axis.grid(visible=False, axis="x")
    if len(groups) > 1:
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(groups))  # above, never over a bar
    caption(figure, text)
    plt.show()


def scatter(panels: Mapping[str, Tensor], text: str, density: Callable[[Tensor], Tensor] | None = None) -> None:
    """Points (N, 2) in panels side by side, all on the same axes, with a caption.

    `density` gives the log density of points, (N, 2) -> (N,); its level lines are drawn behind the points.
    """
    points = {label: x.detach().cpu() for label, x in panels.items()}
    every = torch.cat(list(points.values()))
    low, high = every.amin(0), every.amax(0)
    margin = 0.05 * (high - low)
    low, high = (low - margin).tolist(), (high + margin).tolist()
    figure, axes = plt.subplots(1, len(points), figsize=(3.2 * len(points) + 0.5, 3.6), squeeze=False)
    for axis, (label, x) in zip(axes[0], points.items(), strict=True):
        if density is not None:
            level_lines(axis, lambda at: density(at).exp(), low, high)
        axis.plot(*x.T, ".", markersize=3, alpha=0.5)
        axis.set(title=label, xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal", xlabel="x₁")
    axes[0, 0].set_ylabel("x₂")
    caption(figure, text)
    plt.show()


def level_lines(
    axis: Axes, function: Callable[[Tensor], Tensor], low: Sequence[float], high: Sequence[float], levels: int = 8
) -> None:
    """Level lines of a function of points, (N, 2) -> (N,), over the box from `low` to `high`, onto an axis."""
    x, y = (torch.linspace(a, b, LINE_STEPS) for a, b in zip(low, high, strict=True))
    at = torch.cartesian_prod(x, y)
    values = function(at).detach().cpu().reshape(LINE_STEPS, LINE_STEPS)
    axis.contour(x, y, values.T, levels, colors=COLOURS[8], linewidths=0.8)
