"""What a widget shows where no kernel runs."""

import base64


def with_fallback(widget, text: str, png: bytes | None = None):
    """Give an ipywidgets widget a text, and perhaps a picture, for GitHub, print and static pages. Returns it.

    Works for ipywidgets 7 (which displays itself) and 8 (which returns a bundle).
    """
    still = {"text/plain": text}
    if png:
        still["image/png"] = base64.b64encode(png).decode()
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    bundle = {"application/vnd.jupyter.widget-view+json": view, **still}
    widget._repr_mimebundle_ = lambda **options: bundle
    widget._ipython_display_ = None
    return widget
