"""The drawing game, played by hand: you see a card, your friend sees where your cubes stand in a room, and draws."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from torch import Tensor

from ..data import cards
from ..display import with_fallback
from ..room import paint_room, project
from .drawing_rules import ROUNDS, UNKNOWN, Game, Score, layout, score, surfaces
from .frame import DPI, draw

SIZE = (9.2, 4.5)
ROOM = (2.35 / 9.2, 0.05 / 4.5, 4.5 / 9.2, 4.4 / 4.5)  # left, bottom, width, height, as shares of the picture
CARD, SMALL = 132, 60  # pixels of a card and of a picture on the floor
GOOD, POOR = "#3f8f4f", "#c0563a"
# What the two ends of each of the ten directions are called.
ENDS = (
    *(("west", "east"), ("south", "north"), ("small", "large"), ("bald", "long-haired"), ("angular", "round")),
    *(("plain", "striped"), ("harmless", "dangerous"), ("thing", "animal"), ("inedible", "edible")),
    ("unlike a tree", "treelike"),
)
FLOOR = (("left", "right"), ("near", "far"))
SURFACES = ("blue, floor", "red, back wall", "purple, right wall", "orange, front wall", "yellow, left wall")


def game_picture(
    number: int = 1,
    card: str = "cat",
    cubes: Sequence[Sequence[float]] = ((0.0, 0.0),),
    drawn: Tensor | None = None,
    scores: Sequence[Score] = (),
    organised: bool = True,
    handed_over: bool = False,
) -> bytes:
    """The card, the room with its cubes, and what the friend drew with the scores so far, as PNG bytes.

    Args:
        number: of the round, 1 to 6.
        card: its name. In round 6 the card of the shiitake holds only the word.
        cubes: (1, 2), in round 6 (5, 2), in [-1, 1].
        drawn: the settings (A,) of what was drawn, None for a question mark; shown once `handed_over`.
        scores: of the cards of this round so far.
        organised: the floor plan of round 4.

    Raises:
        ValueError: an unknown round or card, or cubes that are not those of the round or outside the room.
    """
    if number not in ROUNDS:
        raise ValueError(f"there is no round {number!r}; there are {', '.join(map(str, ROUNDS))}")
    if card not in cards.NAMES:
        raise ValueError(f"there is no card {card!r}; there are {', '.join(cards.NAMES)}")
    at = torch.tensor(cubes, dtype=torch.float32)
    if at.shape != (surfaces(number), 2):
        raise ValueError(f"cubes are {tuple(at.shape)}; give ({surfaces(number)}, 2) in round {number}")
    shown = None if (number, card) == (6, "shiitake") else _thumbnail(card)

    def paint(axis: Axes):
        axis.set_axis_off()
        page = axis.figure.add_axes((0, 0, 1, 1), xlim=(0, SIZE[0]), ylim=(0, SIZE[1]))
        page.set_axis_off()
        _paint_card(page, 0.15, "your card", card, shown)
        _paint_scores(page, scores)
        _paint_answer(page, card, drawn, handed_over)
        room = axis.figure.add_axes(ROOM)
        _paint_round(room, number, at, organised)
        if handed_over and number == 6:
            rings = project(cards.meaning([card]).view(5, 2))
            room.plot(*rings.T, "o", markerfacecolor="none", markeredgecolor=GOOD, markersize=15, markeredgewidth=2)

    return draw(paint, *SIZE)


def drawing_game(seed: int = 0):
    """Play the game: choose a round, move the cubes with sliders (arrow keys), hand over, see what is drawn.

    Where no kernel runs, a card of round 4 is shown, before it is handed over.
    """
    import ipywidgets as w

    game = Game(seed)
    image = w.Image(format="png", layout=w.Layout(width=f"{round(SIZE[0] * DPI)}px", max_width="100%"))
    rounds = w.Dropdown(options=[(item.title, number) for number, item in ROUNDS.items()], value=1, description="round")
    organised = w.Checkbox(value=True, description="similar cards on neighbouring fields", indent=False)
    sliders = [w.FloatSlider(min=-1, max=1, step=0.05, readout=False, layout=w.Layout(width="12em")) for _ in ENDS]
    give, another = w.Button(description="Hand over", button_style="primary"), w.Button(description="Next card")
    rule, controls = w.Label(), w.VBox()

    def show(change=None):
        at = _cubes(sliders, game.number)
        state = game.drawn, game.scores, organised.value, game.handed_over
        image.value = game_picture(game.number, game.card, at, *state)
        give.disabled = game.handed_over

    def lay_out():
        rule.value = ROUNDS[game.number].rule
        controls.children = _rows(sliders, game.number) + ((organised,) if game.number == 4 else ())
        show()

    def begin(change):
        game.start(change["new"])
        lay_out()

    give.on_click(lambda _: (game.hand_over(_cubes(sliders, game.number), organised.value), show()))
    another.on_click(lambda _: (game.next_card(), show()))
    rounds.observe(begin, "value")
    for control in (*sliders, organised):
        control.observe(show, "value")
    lay_out()
    box = w.VBox([rounds, rule, image, controls, w.HBox([give, another])])
    still = game_picture(4, "fox", [(0.45, -0.3)])
    return with_fallback(box, "Drawing game: run the notebook to play it.", still)


def _cubes(sliders: Sequence, number: int) -> list[tuple[float, float]]:
    """Where the cubes of a round stand, from pairs of sliders."""
    values = [slider.value for slider in sliders[: 2 * surfaces(number)]]
    return list(zip(values[::2], values[1::2], strict=True))


def _rows(sliders: Sequence, number: int) -> tuple:
    """The sliders of a round, a row for each cube, each slider between the names of its ends."""
    import ipywidgets as w

    ends = ENDS if number == 6 else FLOOR
    parts = [
        w.HBox(
            [
                w.Label(low, layout=w.Layout(width="7em", justify_content="flex-end")),
                slider,
                w.Label(high, layout=w.Layout(width="6em")),
            ]
        )
        for slider, (low, high) in zip(sliders, ends, strict=False)
    ]
    titles = [w.Label(text, layout=w.Layout(width="9em")) for text in SURFACES[: surfaces(number)]]
    return tuple(w.HBox([title, *parts[2 * i : 2 * i + 2]]) for i, title in enumerate(titles))


def _pixels(drawn: Tensor, size: int = CARD) -> np.ndarray:
    return cards.draw(drawn[None], size)[0].permute(1, 2, 0).numpy()


@cache
def _thumbnail(name: str) -> np.ndarray:
    return _question() if name == UNKNOWN else _pixels(cards.table([name])[0])


@cache
def _floor(number: int) -> Tensor:
    """The pictures of a round's fields, (K, 3, SMALL, SMALL)."""
    names = ROUNDS[number].names
    size = CARD if len(names) <= 9 else SMALL
    pictures = [
        torch.from_numpy(_question(size)).permute(2, 0, 1)[None]
        if name == UNKNOWN
        else cards.draw(cards.table([name]), size)
        for name in names
    ]
    return torch.cat(pictures)


@cache
def _question(size: int = CARD) -> np.ndarray:
    """A large question mark, float32 (size, size, 3)."""
    from PIL import Image, ImageDraw, ImageFont

    sheet = Image.new("RGB", (size, size), "white")
    path = Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans-Bold.ttf")
    font = ImageFont.truetype(path, round(0.75 * size))
    ImageDraw.Draw(sheet).text((size / 2, size / 2), UNKNOWN, "#8d8274", font, anchor="mm")
    return np.asarray(sheet, np.float32) / 255


def _paint_round(axis: Axes, number: int, cubes: Tensor, organised: bool) -> None:
    if number == 6:
        marks = cards.meaning().view(-1, 5, 2).transpose(0, 1)
        paint_room(axis, cubes, meaning=cards.MEANING, marks=marks)
    elif number == 1:
        paint_room(axis, cubes)
    else:
        paint_room(axis, cubes, layout(number, organised), _floor(number))


def _paint_card(page: Axes, left: float, title: str, name: str, pixels: np.ndarray | None) -> None:
    """A playing card with a picture, or with the word alone, under a title."""
    edge = FancyBboxPatch(
        (left + 0.1, 1.55), 1.85, 2.3, "round,pad=0.08", facecolor="white", edgecolor="#8d8274", linewidth=1.5
    )
    page.add_patch(edge)
    page.text(left + 1.02, 4.13, title, ha="center", va="center", fontsize=11, color="#6a5f50")
    if pixels is not None:
        page.imshow(pixels, extent=(left + 0.17, left + 1.87, 1.98, 3.68), zorder=3, aspect="auto")
        page.text(left + 1.02, 1.74, name, ha="center", va="center", fontsize=12)
    else:
        page.text(left + 1.02, 2.7, name, ha="center", va="center", fontsize=17)


def _paint_answer(page: Axes, card: str, drawn: Tensor | None, handed_over: bool) -> None:
    """What the friend drew, and this card's score in words."""
    if not handed_over:
        _paint_card(page, 7.0, "your friend waits", "", None)
        return
    reached, unknown = score(card, drawn), drawn is None
    _paint_card(page, 7.0, "your friend draws", "", _question() if unknown else _pixels(drawn))
    found = "unknown to your friend" if unknown else "the right card" if reached.right else "nearer to another card"
    tint = GOOD if reached.right else POOR
    page.text(8.02, 1.2, f"{reached.alike:.0f} % alike", ha="center", fontsize=12, color=tint)
    page.text(8.02, 0.95, found, ha="center", fontsize=10.5, color=tint)


def _paint_scores(page: Axes, scores: Sequence[Score]) -> None:
    """The scores of the round so far in words, and a bar for each of the last ten cards."""
    if not scores:
        page.text(1.17, 1.2, "no score yet", ha="center", fontsize=10.5, color="#6a5f50")
        return
    mean, right = sum(s.alike for s in scores) / len(scores), sum(s.right for s in scores)
    page.text(1.17, 1.2, f"so far {right} of {len(scores)} right", ha="center", fontsize=10.5, color="#6a5f50")
    page.text(1.17, 0.95, f"and {mean:.0f} % alike", ha="center", fontsize=10.5, color="#6a5f50")
    recent = scores[-10:]
    x = 0.3 + 0.19 * np.arange(len(recent))
    heights = [0.03 + 0.6 * s.alike / 100 for s in recent]
    page.bar(x, heights, 0.14, 0.2, color=[GOOD if s.right else POOR for s in recent])
