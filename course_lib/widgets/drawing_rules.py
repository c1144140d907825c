"""The rules of the drawing game: what a friend draws who sees only where cubes stand in a room, and how it scores."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from ..data import cards
from ..room import fields, floor_plan, interpolate

UNKNOWN = "?"  # a field for cards that no field stands for
MEMORY = 0.25  # standard deviation of the place that a friend with a failing memory remembers; a field is 0.33 wide
WIDTHS = {5: 0.25, 6: 0.35}  # of the kernel, on the floor and in ten dimensions


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
        "Five cubes, ten directions, each with a meaning. Dots are where cards stand; yours is ringed afterwards.",
    ),
}


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

    def _draw(self, n: int) -> int:
        return torch.randint(n, (), generator=self.generator).item()


def surfaces(number: int) -> int:
    """How many cubes a round has, one on each surface."""
    return 5 if number == 6 else 1


@cache
def _average_distance() -> float:
    """The mean distance of two different cards, in the pen's settings."""
    return torch.pdist(cards.table()).mean().item()
