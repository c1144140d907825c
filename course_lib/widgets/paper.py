"""A sheet for pictures, lines and words, drawn at twice its size and reduced, so that edges are smooth."""

import io
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

FINE = 2  # pixels of the drawing to one of the sheet
INK, GREY, PALE = "#222222", "#717581", "#d6dae3"


class Paper:
    """A white sheet of `width` by `height` pixels; all places and lengths are in its pixels, y downwards."""

    def __init__(self, width: int, height: int):
        self.sheet = Image.new("RGB", (FINE * width, FINE * height), "white")
        self.pen = ImageDraw.Draw(self.sheet)

    def text(self, x: float, y: float, text: str, size: int = 14, ink: str = INK, anchor: str = "la") -> None:
        """One line of text with a white rim; `anchor` as Pillow names it, "la" is the left end of the line's top."""
        place = FINE * x, FINE * y
        self.pen.text(place, text, ink, font(FINE * size), anchor, stroke_width=2 * FINE, stroke_fill="white")

    def line(self, x0: float, y0: float, x1: float, y1: float, ink: str = GREY, width: float = 1) -> None:
        self.pen.line((FINE * x0, FINE * y0, FINE * x1, FINE * y1), ink, round(FINE * width))

    def box(self, x0: float, y0: float, x1: float, y1: float, ink: str | None = PALE, fill: str | None = None) -> None:
        self.pen.rounded_rectangle((FINE * x0, FINE * y0, FINE * x1, FINE * y1), 4 * FINE, fill, ink, FINE)

    def dot(self, x: float, y: float, radius: float, ink: str = GREY) -> None:
        self.pen.ellipse([FINE * v for v in (x - radius, y - radius, x + radius, y + radius)], ink)

    def picture(self, picture: Tensor, x: float, y: float, side: float, ink: str = PALE) -> None:
        """A picture (3, H, W) in [0, 1] with its upper left corner at (x, y), `side` pixels wide, in a thin frame."""
        pixels = np.rint(255 * picture.detach().cpu().clamp(0, 1).permute(1, 2, 0).numpy()).astype(np.uint8)
        wide, high = round(FINE * side), round(FINE * side * len(pixels) / pixels.shape[1])
        corner = round(FINE * x), round(FINE * y)
        self.sheet.paste(Image.fromarray(pixels).resize((wide, high), Image.Resampling.BICUBIC), corner)
        frame = (corner[0] - FINE, corner[1] - FINE, corner[0] + wide, corner[1] + high)
        self.pen.rectangle(frame, outline=ink, width=FINE)

    def png(self) -> bytes:
        """The sheet as the bytes of a PNG."""
        buffer = io.BytesIO()
        self.sheet.reduce(FINE).save(buffer, "PNG", compress_level=4)
        return buffer.getvalue()


def text_width(text: str, size: int = 14) -> float:
    """Pixels that a line of text takes."""
    return font(FINE * size).getlength(text) / FINE


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The sans-serif letters that matplotlib brings along, `size` pixels high."""
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf"), size)
