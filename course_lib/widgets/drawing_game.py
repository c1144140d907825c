"""The drawing game, played by hand: you see a card, your friend sees where your cubes stand in a room, and draws."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from torch import Tensor

from ..data import cards
from ..display import with_fallback
from ..room import fields, floor_plan, interpolate, paint_room
from .frame import DPI, draw

SIZE = (9.2, 4.5)
UNKNOWN = "?"  # a field for cards that no field stands for
CARD, SMALL = 132, 60  # pixels of a card and of a picture on the floor
MEMORY = 0.25  # standard deviation of the place that a friend with a failing memory remembers; a field is 0.33 wide
WIDTHS = {5: 0.25, 6: 0.35}  # of the kernel, on the floor and in ten dimensions
GOOD, POOR = "#3f8f4f", "#c0563a"


class Round(NamedTuple):
    """A round of the game: its title, its rule in a line, and the cards that the fields of its floor stand for."""

    title: str
    rule: str
    names: tuple[str, ...] = ()


ROUNDS = {
    1: Round(
        "1 · No agreement",
        "You have agreed on nothing. Wherever the cube stands, your friend draws any of the 36 cards.",
    ),
    2: Round(
        "2 · Four fields",
        "Each field stands for a card. Half of the cards that come up are not among the four.",
        ("cat", "kitchen", "burger", "tree"),
    ),
    3: Round(
        "3 · One field for the unknown",
        "Eight fields stand for a card. On the ninth your friend draws a question mark.",
        ("cat", "cow", "poodle", "house", UNKNOWN, "kitchen", "tree", "sun", "burger"),
    ),
    4: Round(
        "4 · A memory that fails",
        "All 36 cards have a field, but your friend remembers the cube's place only roughly. Try both floor plans.",
        cards.NAMES,
    ),
    5: Round(
        "5 · Between the fields",
        "None of your cards has a field. Between fields your friend draws something in between.",
        ("cat", "tiger", "cow", "giraffe", "poodle", "tree", "mushroom", "burger", "ball"),
    ),
    6: Round(
        "6 · Floor and four walls",
        "Five cubes, ten directions, each with a meaning. A dot is where a card stands; which one, you have to think.",
    ),
}
# What the two ends of each of the ten directions are called.
ENDS = (
    *(("west", "east"), ("south", "north"), ("small", "large"), ("bald", "long-haired"), ("angular", "round")),
    *(("plain", "striped"), ("harmless", "dangerous"), ("thing", "animal"), ("inedible", "edible")),
    ("unlike a tree", "treelike"),
)
SURFACES = ("floor, blue cube", "back, red cube", "right, purple cube", "front, orange cube", "left, yellow cube")


class Score(NamedTuple):
    """How alike the drawn is to the card, in percent, and whether no other card is nearer to what was drawn."""

    alike: float
    right: bool


@cache
def layout(number: int, organised: bool = True) -> Tensor:
    """Where the names of a round stand on its floor: (K, 2). Only round 4 knows another layout, a random one."""
    names = ROUNDS[number].names
    if number == 4 and not organised:
        return fields(len(names))[torch.randperm(len(names), generator=torch.Generator().manual_seed(0))]
    return floor_plan(cards.table(names)) if number in (4, 5) else fields(len(names))


def friend(number: int, cubes: Tensor, generator: torch.Generator, organised: bool = True) -> Tensor | None:
    """What the friend draws, who sees the cubes (S, 2) only: the pen's settings (A,), or None for a question mark."""
    names, every = ROUNDS[number].names, cards.table()
    if number == 1:
        return every[torch.randint(len(every), (), generator=generator)]
    if number == 6:
        return interpolate(cubes.reshape(1, 10), cards.meaning(), every, WIDTHS[6])[0]
    if number == 5:
        return interpolate(cubes, layout(5), cards.table(names), WIDTHS[5])[0]
    if number == 4:
        cubes = cubes + MEMORY * torch.randn(cubes.shape, generator=generator)
    name = names[torch.cdist(cubes, layout(number, organised)).argmin()]
    return None if name == UNKNOWN else cards.table([name])[0]


def score(card: str, drawn: Tensor | None) -> Score:
    """How well drawn settings (A,) fit a card: 100 % for the card itself, 0 % for what is as far as an average card."""
    if drawn is None:
        return Score(0.0, False)
    apart = (cards.table() - drawn).norm(dim=1)
    mine = cards.NAMES.index(card)
    return Score(100 * max(0.0, 1 - apart[mine].item() / _average_distance()), apart.argmin().item() == mine)


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
        scores: of the cards so far, the last one first explained in words.
        organised: the floor plan of round 4.

    Raises:
        ValueError: an unknown round or card, or cubes that are not those of the round.
    """
    if number not in ROUNDS:
        raise ValueError(f"there is no round {number!r}; there are {', '.join(map(str, ROUNDS))}")
    if card not in cards.NAMES:
        raise ValueError(f"there is no card {card!r}; there are {', '.join(cards.NAMES)}")
    at = torch.tensor(cubes, dtype=torch.float32)
    if at.shape != (_surfaces(number), 2):
        raise ValueError(f"cubes are {tuple(at.shape)}; give ({_surfaces(number)}, 2) in round {number}")

    def paint(axis: Axes):
        axis.set_axis_off()
        page = axis.figure.add_axes((0, 0, 1, 1), xlim=(0, SIZE[0]), ylim=(0, SIZE[1]))
        page.set_axis_off()
        _paint_card(page, 0.15, "your card", card, None if (number, card) == (6, "shiitake") else _thumbnail(card))
        if handed_over:
            _paint_card(page, 7.0, "your friend draws", "", _question() if drawn is None else _pixels(drawn))
        else:
            _paint_card(page, 7.0, "your friend waits", "", None)
        if handed_over:
            _paint_verdict(page, score(card, drawn), drawn is None)
        _paint_scores(page, scores)
        height = SIZE[1] - 0.1
        _paint_round(
            axis.figure.add_axes((2.35 / SIZE[0], 0.05 / SIZE[1], 4.5 / SIZE[0], height / SIZE[1])),
            number,
            at,
            organised,
        )

    return draw(paint, *SIZE)


class Game:
    """The state of a game: the round, the card, what was drawn, the scores of this round."""

    def __init__(self, seed: int = 0):
        self.generator = torch.Generator().manual_seed(seed)
        self.start(1)

    def start(self, number: int) -> None:
        """Begin a round with a fresh card and no scores."""
        self.number, self.scores, self.card = number, [], ""
        self.next_card()

    def next_card(self) -> None:
        """Another card than the one before; in rounds 2 and 3 every second one is known, in round 5 none."""
        known = [name for name in ROUNDS[self.number].names if name != UNKNOWN]
        others = [name for name in cards.NAMES if name not in known] or known
        if self.number in (2, 3) and self._draw(2):
            others = known
        choice = [name for name in others if name != self.card]
        self.card, self.drawn, self.handed_over = choice[self._draw(len(choice))], None, False

    def hand_over(self, cubes: Sequence[Sequence[float]], organised: bool = True) -> None:
        """The friend draws, once a card, and the score is noted."""
        if not self.handed_over:
            self.drawn = friend(self.number, torch.tensor(cubes), self.generator, organised)
            self.handed_over = True
            self.scores.append(score(self.card, self.drawn))

    def picture(self, cubes: Sequence[Sequence[float]], organised: bool = True) -> bytes:
        """The picture of this state with the cubes where they stand now."""
        return game_picture(self.number, self.card, cubes, self.drawn, self.scores, organised, self.handed_over)

    def _draw(self, n: int) -> int:
        return torch.randint(n, (), generator=self.generator).item()


def drawing_game(seed: int = 0):
    """Play the game: choose a round, move the cubes with sliders (arrow keys), hand over, see what is drawn.

    Where no kernel runs, one drawn card of round 5 is shown.
    """
    import ipywidgets as w

    game = Game(seed)
    image = w.Image(format="png", layout=w.Layout(width=f"{round(SIZE[0] * DPI)}px", max_width="100%"))
    rounds = w.Dropdown(options=[(item.title, number) for number, item in ROUNDS.items()], value=1, description="round")
    rule = w.Label(ROUNDS[1].rule)
    organised = w.Checkbox(value=True, description="similar cards together", indent=False)
    sliders = [_slider(name) for names in cards.MEANING for name in names]
    give, another = w.Button(description="Hand over", button_style="primary"), w.Button(description="Next card")
    controls = w.VBox()

    def cubes():
        values = [slider.value for slider in sliders[: 2 * _surfaces(game.number)]]
        return list(zip(values[::2], values[1::2], strict=True))

    def show(change=None):
        image.value = game.picture(cubes(), organised.value)
        give.disabled = game.handed_over

    def act(move):
        move()
        show()

    def begin(change):
        game.start(change["new"])
        rule.value = ROUNDS[game.number].rule
        controls.children = _controls(sliders, game.number) + ((organised,) if game.number == 4 else ())
        show()

    give.on_click(lambda _: act(lambda: game.hand_over(cubes(), organised.value)))
    another.on_click(lambda _: act(game.next_card))
    rounds.observe(begin, "value")
    for control in (*sliders, organised):
        control.observe(show, "value")
    begin({"new": 1})
    box = w.VBox([w.HBox([rounds, rule]), image, controls, w.HBox([give, another])])
    return with_fallback(box, "Drawing game: run the notebook to play it.", _example())


def _surfaces(number: int) -> int:
    return 5 if number == 6 else 1


def _slider(name: str):
    import ipywidgets as w

    style, size = {"description_width": "6.5em"}, w.Layout(width="21em")
    return w.FloatSlider(min=-1, max=1, step=0.05, value=0, description=name, readout=False, style=style, layout=size)


def _controls(sliders: Sequence, number: int) -> tuple:
    """The sliders of a round, in rows of two, each between the names of its ends, after the name of the surface."""
    import ipywidgets as w

    ends = ENDS if number == 6 else (("left", "right"), ("near", "far"))
    names = [name for pair in cards.MEANING for name in pair] if number == 6 else ["left–right", "near–far"]
    parts = []
    for slider, name, (low, high) in zip(sliders, names, ends, strict=False):
        slider.description, slider.description_tooltip = name, f"{low} .. {high}"
        parts.append(w.HBox([slider, w.Label(f"{low} .. {high}", layout=w.Layout(width="10em"))]))
    titles = [w.Label(text, layout=w.Layout(width="10em")) for text in SURFACES[: _surfaces(number)]]
    return tuple(w.HBox([title, *parts[2 * i : 2 * i + 2]]) for i, title in enumerate(titles))


@cache
def _average_distance() -> float:
    """The mean distance of two different cards, in the pen's settings."""
    return torch.pdist(cards.table()).mean().item()


@cache
def _example() -> bytes:
    """A lynx, placed half way between cat and tiger in round 5."""
    known = ROUNDS[5].names
    between = layout(5)[[known.index("cat"), known.index("tiger")]].mean(0, keepdim=True)
    drawn = friend(5, between, torch.Generator())
    return game_picture(5, "lynx", between.tolist(), drawn, [score("lynx", drawn)], handed_over=True)


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


def _paint_verdict(page: Axes, reached: Score, unknown: bool) -> None:
    """This card's score in words."""
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
