"""Probabilistic context-free grammars: sentences with exact probabilities, so that a model of text can be judged."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import product
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

T = TypeVar("T")
Alternative = tuple[float, tuple[str, ...]]  # a probability, and the symbols that come in its place


class Grammar:
    """A finite language: each symbol is replaced by one of its alternatives, at random, until only words are left.

    Args:
        rules: symbol -> {alternative: probability}; an alternative is symbols and words, parted by spaces. A word is
            what has no rule.
        start: the symbol that a sentence begins as.

    Raises:
        ValueError: probabilities that do not sum to 1, an empty alternative, no rule for `start`, or a symbol that
            comes back in its own place (the language would be infinite).
    """

    def __init__(self, rules: Mapping[str, Mapping[str, float]], start: str = "S"):
        if start not in rules:
            raise ValueError(f"there is no rule for the start {start!r}; there are rules for {', '.join(rules)}")
        self.start = start
        self.rules = {symbol: _alternatives(symbol, given) for symbol, given in rules.items()}
        self._refuse_recursion(start, (), set())

    @property
    def words(self) -> list[str]:
        """All words of the language, sorted."""
        used = {symbol for alternatives in self.rules.values() for _, symbols in alternatives for symbol in symbols}
        return sorted(used - set(self.rules))

    def sample(self, n: int, generator: torch.Generator) -> list[str]:
        """n sentences, drawn with their probabilities. `generator` is a CPU one."""
        if n < 1:
            raise ValueError(f"n is {n}; give 1 or more")
        return list(self._draw(self.start, n, generator))

    def log_prob(self, sentences: Sequence[str]) -> Tensor:
        """log p of each sentence in nats, -inf where it is not of the language: float64, (N,).

        By the inside algorithm (Baker 1979): probabilities of parts of the sentence, from which those of longer parts
        are summed over all ways to split them.
        """
        p = [self._inside(sentence.split()) for sentence in sentences]
        return torch.tensor(p, dtype=torch.float64).log()

    def accepts(self, sentences: Sequence[str]) -> Tensor:
        """Whether each sentence is of the language, (N,)."""
        return self.log_prob(sentences).isfinite()

    def entropy(self) -> float:
        """Entropy of a sentence in nats: of its derivation, which is the same unless a sentence has several.

        A choice adds its own entropy, and the mean of those of the symbols that it leads to (Grenander 1967).
        """
        return self._sum_up(0.0, lambda alternatives: sum(p * (sum(parts) - math.log(p)) for p, parts in alternatives))

    def size(self) -> int:
        """How many derivations there are: as many as sentences, unless a sentence has several."""
        return self._sum_up(1, lambda alternatives: sum(math.prod(parts) for _, parts in alternatives))

    def sentences(self) -> dict[str, float]:
        """Every sentence with its probability. Takes seconds for a million."""

        @cache
        def derive(symbol: str) -> list[tuple[str, float]]:
            if symbol not in self.rules:
                return [(symbol, 1.0)]
            return [
                (" ".join(words for words, _ in parts), p * math.prod(q for _, q in parts))
                for p, symbols in self.rules[symbol]
                for parts in product(*map(derive, symbols))
            ]

        found: dict[str, float] = defaultdict(float)
        for sentence, p in derive(self.start):
            found[sentence] += p
        return dict(found)

    def _sum_up(self, word: T, combine: Callable[[list[tuple[float, list[T]]]], T]) -> T:
        """A quantity of the start symbol, combined from those of the symbols below; `word` is that of a word."""

        @cache
        def of(symbol: str) -> T:
            if symbol not in self.rules:
                return word
            return combine([(p, [of(s) for s in symbols]) for p, symbols in self.rules[symbol]])

        return of(self.start)

    def _draw(self, symbol: str, n: int, generator: torch.Generator) -> Sequence[str]:
        """n phrases. All draws of one symbol in one place are made at once."""
        if symbol not in self.rules or not n:
            return [symbol] * n
        weights = torch.tensor([p for p, _ in self.rules[symbol]], dtype=torch.float64)
        chosen = torch.multinomial(weights, n, replacement=True, generator=generator).numpy()
        phrases = np.empty(n, object)
        for k, (_, symbols) in enumerate(self.rules[symbol]):
            at = np.flatnonzero(chosen == k)
            parts = [self._draw(s, len(at), generator) for s in symbols]
            phrases[at] = [" ".join(words) for words in zip(*parts, strict=True)]
        return phrases

    def _inside(self, words: Sequence[str]) -> float:
        """The probability of a list of words."""

        @cache
        def ends(symbol: str, begin: int) -> dict[int, float]:
            """Where a phrase of this symbol that begins there may end, and how probable each is."""
            if symbol not in self.rules:
                return {begin + 1: 1.0} if words[begin : begin + 1] == [symbol] else {}
            found: dict[int, float] = defaultdict(float)
            for p, symbols in self.rules[symbol]:
                for end, q in chain(symbols, begin).items():
                    found[end] += p * q
            return found

        def chain(symbols: Sequence[str], begin: int) -> dict[int, float]:
            """The same for symbols one after the other."""
            reached = {begin: 1.0}
            for symbol in symbols:
                further: dict[int, float] = defaultdict(float)
                for middle, p in reached.items():
                    for end, q in ends(symbol, middle).items():
                        further[end] += p * q
                reached = further
            return reached

        return ends(self.start, 0).get(len(words), 0.0)

    def _refuse_recursion(self, symbol: str, above: tuple[str, ...], cleared: set[str]) -> None:
        if symbol in above:
            raise ValueError(f"{' -> '.join([*above, symbol])}: {symbol!r} comes back; give rules that end")
        if symbol in cleared:
            return
        for _, symbols in self.rules.get(symbol, ()):
            for below in symbols:
                self._refuse_recursion(below, (*above, symbol), cleared)
        cleared.add(symbol)


def _alternatives(symbol: str, given: Mapping[str, float]) -> list[Alternative]:
    if not all(text.split() for text in given) or not all(p > 0 for p in given.values()):
        raise ValueError(f"{symbol!r} has {dict(given)}; give alternatives of one symbol or more, probabilities > 0")
    if abs(sum(given.values()) - 1) > 1e-9:
        raise ValueError(f"the probabilities of {symbol!r} sum to {sum(given.values()):g}; give numbers that sum to 1")
    return [(p, tuple(text.split())) for text, p in given.items()]


class Scene(NamedTuple):
    """Where sentences take place: what is there, what it does, where. Each most frequent first."""

    probability: float
    nouns: tuple[str, str, str]  # an s makes them plural
    verbs: tuple[str, str]  # an s makes them singular
    places: tuple[str, str]


SCENES = {
    "farm": Scene(0.40, ("dog", "horse", "goat"), ("sleep", "run"), ("in the barn", "near the gate")),
    "sea": Scene(0.35, ("whale", "seal", "crab"), ("swim", "dive"), ("under the waves", "near the shore")),
    "sky": Scene(0.25, ("lark", "hawk", "crow"), ("sing", "glide"), ("in the tree", "above the roof")),
}


def scenes() -> Grammar:
    """The language of the notebooks: "the small dogs that a horse sees sleep in the barn". 51 words, 550,368 sentences.

    A sentence stays in one scene. Verbs agree in number with their subject, across a relative clause too, so no model
    with a short memory can be right.
    """
    rules = {
        "S": {scene: about.probability for scene, about in SCENES.items()},
        "adjective": {"small": 0.5, "grey": 0.3, "loud": 0.2},
        "one": {"the": 0.7, "a": 0.3},
        "many": {"the": 0.6, "some": 0.4},
        "one-meets": {"sees": 0.6, "follows": 0.4},
        "many-meet": {"see": 0.6, "follow": 0.4},
    }
    for scene, about in SCENES.items():
        rules |= _of_scene(scene, about)
        rules |= _of_number(scene, about, "one", "one-meets", "", "s")
        rules |= _of_number(scene, about, "many", "many-meet", "s", "")
    return Grammar(rules)


def _of_scene(name: str, about: Scene) -> dict[str, dict[str, float]]:
    clauses = {f"{name}-clause-one": 0.55, f"{name}-clause-many": 0.45}
    placed = {f"{clause} {name}-place": 0.4 * p for clause, p in clauses.items()}
    return {
        name: {clause: 0.6 * p for clause, p in clauses.items()} | placed,
        f"{name}-thing": {f"{name}-one": 0.55, f"{name}-many": 0.45},
        f"{name}-place": dict(zip(about.places, (0.6, 0.4), strict=True)),
    }


def _of_number(
    name: str, about: Scene, number: str, meets: str, noun_end: str, verb_end: str
) -> dict[str, dict[str, float]]:
    """The rules of a scene that exist once for one and once for many."""
    plain, subject, noun, verb = (f"{name}-{part}{number}" for part in ("", "subject-", "noun-", "verb-"))
    return {
        f"{name}-clause-{number}": {f"{subject} {verb}": 0.5, f"{subject} {meets} {name}-thing": 0.5},
        subject: {
            f"{name}-described-{number}": 0.6,
            f"{name}-described-{number} that {meets} {name}-thing": 0.2,
            f"{name}-described-{number} that {name}-one one-meets": 0.11,
            f"{name}-described-{number} that {name}-many many-meet": 0.09,
        },
        f"{name}-described-{number}": {plain: 0.5, f"{number} adjective {noun}": 0.5},
        plain: {f"{number} {noun}": 1.0},
        noun: {word + noun_end: p for word, p in zip(about.nouns, (0.5, 0.3, 0.2), strict=True)},
        verb: {word + verb_end: p for word, p in zip(about.verbs, (0.6, 0.4), strict=True)},
    }
