"""What explorers share: a figure drawn in the house style, and a picture that follows its controls."""

import io
from collections.abc import Callable, Mapping

import matplotlib
from matplotlib.figure import Figure

from ..display import with_fallback
from ..plots import STYLE

DPI = 80
# Room for titles and labels, in inches. Fixed, because finding it anew takes longer than drawing the figure.
LEFT, RIGHT, TOP, BOTTOM, GAP = 0.8, 0.15, 0.35, 0.55, 0.85
LETTER_EM, CONTROL_PX = 0.62, 260  # room for a letter of a control's label, and for the control itself


def draw(paint: Callable, width: float, height: float, columns: int = 1) -> bytes:
    """The PNG of a figure (inches) after `paint(axis, …)` drew on its axes, in the house style."""
    with matplotlib.rc_context(STYLE | {"figure.constrained_layout.use": False}):
        figure = Figure((width, height), DPI)
        axes = figure.subplots(1, columns, squeeze=False)[0]
        paint(*axes)
        for axis in axes:
            axis.locator_params(nbins=5)
        each = (width - LEFT - RIGHT - GAP * (columns - 1)) / columns
        figure.subplots_adjust(LEFT / width, BOTTOM / height, 1 - RIGHT / width, 1 - TOP / height, GAP / each)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
    return buffer.getvalue()


def explorer(picture: Callable[..., bytes], controls: Mapping, width: float, text: str, extra=()):
    """A widget: `picture(**values of the controls)` above the controls, drawn anew when one moves.

    Args:
        picture: from the controls' values, by name, to the bytes of a PNG.
        controls: ipywidgets by the name of the argument that they set.
        width: of the picture, in inches.
        text: what is said where no kernel runs; the first picture is shown there.
        extra: further widgets for the last row.
    """
    import ipywidgets as w

    # A widget stretches an image to its own width unless told otherwise.
    image = w.Image(format="png", layout=w.Layout(width=f"{round(width * DPI)}px", max_width="100%"))

    def update(change=None):
        image.value = picture(**{name: control.value for name, control in controls.items()})

    labels = f"{max(len(control.description) for control in controls.values()) * LETTER_EM:.1f}em"
    for control in controls.values():
        control.style.description_width, control.layout.width = labels, f"calc({labels} + {CONTROL_PX}px)"
        control.observe(update, "value")
    update()
    rows = [*controls.values(), *([w.HBox(list(extra))] if extra else [])]
    return with_fallback(w.VBox([image, *rows]), text, image.value)
