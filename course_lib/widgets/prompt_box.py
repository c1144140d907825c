"""A prompt for the joint space of shapes and sentences: what it finds, and what is painted for it."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..data import shapes
from ..display import with_fallback
from ..joint import JointSpace, search
from .paper import GREY, INK, PALE, Paper, text_width

WIDTH, HEIGHT = 860, 250  # pixels
FOUND, SIDE = 5, 88  # how many neighbours are shown; pixels of a picture
LEFT, MIDDLE, RIGHT = 14, 202, 744  # where the query, its neighbours and the painted picture begin
TOP = 46
WARNING, BAR = "#bd1f01", "#92b8e0"
# What is asked with, and what is searched. A picture that asks is the one in the gallery that the prompt finds first.
DIRECTIONS = {
    "text → pictures": ("text", "pictures"),
    "text → texts": ("text", "texts"),
    "picture → pictures": ("picture", "pictures"),
    "picture → texts": ("picture", "texts"),
}


class Answer(NamedTuple):
    """What a prompt leads to. `e` is None, and all else empty, where no word of the prompt is known."""

    unknown: list[str]  # words of the prompt that captions don't know; they are left out
    e: Tensor | None  # where the query lies, (1, D)
    shown: Tensor | None  # the picture that asks, (3, 28, 28), where one does
    found: list[int]  # places of the nearest, best first, in the gallery or in `all_texts()`
    scores: list[float]  # their cosines with the query


def all_texts() -> list[str]:
    """A short text for each combination of factors, in plain words and in the order of `shapes.combinations()`."""
    return [
        f"{shapes.SIZES[size]} {shapes.COLOURS[hue]} {shapes.SHAPES[shape]}, {shapes.PLACES[place]}"
        for shape, hue, size, place in shapes.combinations().tolist()
    ]


@torch.no_grad()
def answer(
    model: JointSpace,
    gallery: Tensor,
    prompt: str,
    direction: str = "text → pictures",
    places: Tensor | None = None,
) -> Answer:
    """Search the gallery (N, 3, 28, 28) in [0, 1], or all texts, with a prompt.

    `places` are `model.picture(gallery)`, found here where they are not given.

    Raises:
        ValueError: an unknown direction, or a gallery of fewer than five pictures.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"direction is {direction!r}; give one of {', '.join(DIRECTIONS)}")
    if len(gallery) < FOUND:
        raise ValueError(f"the gallery has {len(gallery)} pictures; give {FOUND} or more")
    asks, searched = DIRECTIONS[direction]
    known, unknown = shapes.read_words(prompt)
    if not known:
        return Answer(unknown, None, None, [], [])
    device = model.log_scale.device
    if places is None:
        places = model.picture(gallery.to(device))
    e, shown = model.text(shapes.counts([" ".join(known)]).to(device)), None
    if asks == "picture":
        first = search(e, places, 1)[1].item()
        e, shown = places[first][None], gallery[first]
    keys = places if searched == "pictures" else model.text(shapes.counts(all_texts()).to(device))
    scores, index = search(e, keys, FOUND)
    return Answer(unknown, e, shown, index[0].tolist(), scores[0].tolist())


@torch.no_grad()
def prompt_picture(
    model: JointSpace,
    gallery: Tensor,
    prompt: str,
    direction: str = "text → pictures",
    places: Tensor | None = None,
) -> bytes:
    """The query, its five nearest neighbours with their cosines, and what the decoder paints for it. PNG bytes.

    Words that no caption uses are named and left out. For the arguments and errors see `answer`.
    """
    result = answer(model, gallery, prompt, direction, places)
    paper = Paper(WIDTH, HEIGHT)
    _paint_query(paper, prompt, result)
    if result.e is None:
        _paint_help(paper)
        return paper.png()
    paper.text(MIDDLE, 14, f"nearest {DIRECTIONS[direction][1]}", 14, GREY)
    if DIRECTIONS[direction][1] == "pictures":
        _paint_pictures(paper, gallery, result)
    else:
        _paint_texts(paper, result)
    paper.text(RIGHT, 14, "painted", 14, GREY)
    paper.picture(model.decode(result.e)[0].sigmoid(), RIGHT, TOP, 1.15 * SIDE, GREY)
    return paper.png()


def prompt_box(model: JointSpace, gallery: Tensor, prompt: str = "large red star, middle"):
    """Write a prompt, press Enter, look, refine. Prompts so far can be chosen again.

    Works with the keyboard alone. The gallery is (N, 3, 28, 28) in [0, 1].
    """
    import ipywidgets as w

    with torch.no_grad():
        places = model.picture(gallery.to(model.log_scale.device))
    wide = w.Layout(width="520px", max_width="100%")
    box = w.Text(value=prompt, description="prompt", continuous_update=False, layout=wide)
    which = w.Dropdown(options=list(DIRECTIONS), description="search", layout=wide)
    history = w.Dropdown(options=[prompt], value=prompt, description="so far", layout=wide)
    image = w.Image(format="png", layout=w.Layout(width=f"{WIDTH}px", max_width="100%"))

    def show(change=None):
        image.value = prompt_picture(model, gallery, box.value, which.value, places)
        if box.value.strip() and box.value not in history.options:
            history.options = [box.value, *history.options]  # chooses the first
        if box.value in history.options:
            history.value = box.value

    def recall(change):
        box.value = change["new"]

    show()
    box.observe(show, "value")
    which.observe(show, "value")
    history.observe(recall, "value")
    text = "Prompt box: run the notebook to write a prompt."
    return with_fallback(w.VBox([box, which, history, image]), text, image.value)


def _paint_query(paper: Paper, prompt: str, result: Answer) -> None:
    """The prompt, unknown words named below it, or the picture that asks."""
    paper.text(LEFT, 14, "query", 14, GREY)
    lines = _wrap(prompt.strip() or "(nothing)", MIDDLE - LEFT - 18)[:3]
    for i, line in enumerate(lines):
        paper.text(LEFT, TOP + 20 * i, line, 15)
    below = TOP + 20 * len(lines) + 6
    if result.unknown:
        for line in _wrap(f"not known: {', '.join(result.unknown)}", MIDDLE - LEFT - 18, 12)[:3]:
            paper.text(LEFT, below, line, 12, WARNING)
            below += 16
    if result.shown is not None:
        paper.picture(result.shown, LEFT, below + 4, 0.8 * SIDE, GREY)


def _paint_help(paper: Paper) -> None:
    paper.text(MIDDLE, 14, "no word of this prompt is known here. Try some of these:", 14, WARNING)
    for i, names in enumerate(shapes.FACTORS.values()):
        words = [word for name in names for word in (name, *shapes.SYNONYMS[name])]
        for j, line in enumerate(_wrap(" ".join(words), WIDTH - MIDDLE - 20, 12)[:2]):
            paper.text(MIDDLE, TOP + 44 * i + 18 * j, line, 12, INK)


def _paint_pictures(paper: Paper, gallery: Tensor, result: Answer) -> None:
    for i, (place, score) in enumerate(zip(result.found, result.scores, strict=True)):
        x = MIDDLE + i * (SIDE + 14)
        paper.picture(gallery[place], x, TOP, SIDE)
        _paint_score(paper, x, TOP + SIDE + 10, SIDE, score)


def _paint_texts(paper: Paper, result: Answer) -> None:
    texts = all_texts()
    for i, (place, score) in enumerate(zip(result.found, result.scores, strict=True)):
        y = TOP + 36 * i
        paper.text(MIDDLE, y, texts[place], 15)
        _paint_score(paper, MIDDLE + 300, y + 4, 120, score)


def _paint_score(paper: Paper, x: float, y: float, width: float, score: float) -> None:
    """A bar as long as the cosine, from nothing to 1, and its number."""
    paper.box(x, y, x + width, y + 8, PALE)
    if score > 0.05:
        paper.box(x, y, x + width * min(score, 1.0), y + 8, BAR, BAR)
    paper.text(x + width / 2, y + 12, f"cosine {score:.2f}", 11, GREY, "ma")


def _wrap(text: str, width: float, size: int = 15) -> Sequence[str]:
    """Text in lines of at most `width` pixels, broken between words."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        lines = [*lines[:-1], longer] if text_width(longer, size) <= width or not lines[-1] else [*lines, word]
    return lines
