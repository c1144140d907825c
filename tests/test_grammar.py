import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from course_lib.data import grammar
from course_lib.data.grammar import Grammar

fast = settings(max_examples=50, deadline=None, derandomize=True)

# By hand: "it rains" 0.5, "it snows" 0.25 · 0.4, "it snows hard" 0.25 · 0.6, "she sings" and "she sings hard" the rest.
SMALL = {
    "S": {"it W": 0.75, "she sings E": 0.15, "she sings": 0.10},
    "W": {"rains": 2 / 3, "V": 1 / 3},
    "V": {"snows": 0.4, "snows E": 0.6},
    "E": {"hard": 1.0},
}
BY_HAND = {"it rains": 0.5, "it snows": 0.1, "it snows hard": 0.15, "she sings hard": 0.15, "she sings": 0.1}
# Three derivations of "a b c": (a b) c by the first alternative, (a b) (c) and (a) (b c) by the second.
AMBIGUOUS = {"S": {"X c": 0.3, "X Y": 0.7}, "X": {"a b": 0.5, "a": 0.5}, "Y": {"b c": 0.2, "c": 0.8}}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def entropy(probabilities):
    return -sum(p * math.log(p) for p in probabilities)


@pytest.fixture(scope="module")
def scenes():
    return grammar.scenes()


@pytest.fixture(scope="module")
def language(scenes):
    """All sentences of the course's language, with their probabilities."""
    return scenes.sentences()


@st.composite
def grammars(draw):
    """Random grammars in which the words tell the derivation: every alternative begins with a word of its own."""
    rules = {}
    for level in range(draw(st.integers(1, 4))):
        weights = draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))
        below = st.lists(st.sampled_from([f"w{level}", *rules]), max_size=2)
        alternatives = [" ".join([f"{level}.{k}", *draw(below)]) for k in range(len(weights))]
        rules[f"N{level}"] = {text: w / sum(weights) for text, w in zip(alternatives, weights, strict=True)}
    return Grammar(rules, start=list(rules)[-1])


def test_small_language_is_what_was_worked_out_by_hand():
    small = Grammar(SMALL)
    assert small.sentences() == pytest.approx(BY_HAND)
    assert small.words == ["hard", "it", "rains", "she", "sings", "snows"]
    assert small.size() == 5
    assert small.entropy() == pytest.approx(entropy(BY_HAND.values()))
    assert small.log_prob(list(BY_HAND)).exp().tolist() == pytest.approx(list(BY_HAND.values()))


@pytest.mark.parametrize("wrong", ["", "it", "it rains hard", "rains it", "it rains it rains", "he sings", "S", "it W"])
def test_what_is_not_of_the_language_has_no_probability(wrong):
    small = Grammar(SMALL)
    assert small.log_prob([wrong, "it rains"]).tolist() == pytest.approx([-math.inf, math.log(0.5)])
    assert small.accepts([wrong, "it rains"]).tolist() == [False, True]


@fast
@given(grammars())
def test_enumeration_confirms_size_entropy_and_probabilities(g):
    sentences = g.sentences()
    assert sum(sentences.values()) == pytest.approx(1)
    assert g.size() == len(sentences)
    assert g.entropy() == pytest.approx(entropy(sentences.values()))
    assert g.log_prob(list(sentences)).exp().tolist() == pytest.approx(list(sentences.values()))
    assert set(g.words) >= {word for sentence in sentences for word in sentence.split()}


def test_probability_of_an_ambiguous_sentence_is_the_sum_over_its_derivations():
    g = Grammar(AMBIGUOUS)
    assert g.log_prob(["a b c"]).exp().item() == pytest.approx(0.15 + 0.28 + 0.07)
    assert g.sentences() == pytest.approx({"a b c": 0.5, "a c": 0.15 + 0.28, "a b b c": 0.07})
    assert g.size() == 6  # derivations
    assert g.entropy() > entropy(g.sentences().values())  # that of the derivations


def test_samples_follow_the_probabilities_and_the_generator():
    small, n = Grammar(SMALL), 4000
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    drawn = small.sample(n, generator(1))
    assert torch.equal(torch.rand(3), expected)
    counts = Counter(drawn)
    assert set(counts) == set(BY_HAND)
    assert stats.chisquare([counts[s] for s in BY_HAND], [n * p for p in BY_HAND.values()]).pvalue > 1e-4
    assert small.sample(n, generator(1)) == drawn != small.sample(n, generator(2))


def test_samples_come_in_no_order():
    """Drawing all occurrences of a symbol at once must not sort the sentences by their derivation."""
    drawn = Grammar(SMALL).sample(4000, generator())
    pairs = Counter(zip(drawn[::2], drawn[1::2], strict=True))
    expected = [2000 * p * q for p in BY_HAND.values() for q in BY_HAND.values()]
    found = [pairs[a, b] for a in BY_HAND for b in BY_HAND]
    assert stats.chisquare(found, expected).pvalue > 1e-4


def test_scenes_are_unambiguous_and_their_entropy_is_that_of_the_enumeration(scenes, language):
    assert scenes.size() == len(language) == 550_368
    assert sum(language.values()) == pytest.approx(1)
    assert scenes.entropy() == pytest.approx(entropy(language.values()), abs=1e-9)
    assert len(scenes.words) == 51


def test_probabilities_and_membership_of_scenes_are_those_of_the_enumeration(scenes, language):
    """Sentences with one word exchanged at random: some are of the language, most are not."""
    drawn = scenes.sample(500, generator(3))
    positions = torch.randint(100, (500, 2), generator=generator(4)).tolist()
    changed = []
    for sentence, (i, j) in zip(drawn, positions, strict=True):
        words = sentence.split()
        words[i % len(words)] = scenes.words[j % len(scenes.words)]
        changed.append(" ".join(words))
    members = [sentence in language for sentence in changed]
    assert 20 < sum(members) < 480
    assert scenes.accepts(changed).tolist() == members
    expected = [language.get(sentence, 0.0) for sentence in drawn + changed]
    assert scenes.log_prob(drawn + changed).exp().tolist() == pytest.approx(expected, rel=1e-9)


def test_mean_surprise_of_scenes_is_their_entropy(scenes):
    surprise = -scenes.log_prob(scenes.sample(3000, generator(5)))
    assert abs(surprise.mean() - scenes.entropy()) < 4 * surprise.std() / math.sqrt(3000)


@pytest.mark.parametrize(
    ("sentence", "right"),
    [
        ("the dog sleeps", True),
        ("the dog sleep", False),
        ("the dogs that the goat sees sleep", True),
        ("the dogs that the goat sees sleeps", False),  # the verb nearest to a singular noun
        ("the dogs that the goat see sleep", False),
        ("the dog that the goats see sleeps", True),
        ("the dog that the goats sees sleeps", False),
        ("a dog that sees some goats runs in the barn", True),
        ("a dog that see some goats runs in the barn", False),
        ("the dog follows the whale", False),  # two scenes in one sentence
        ("the seal glides", False),
        ("a dogs sleep", False),
        ("the dog in the barn sleeps", False),
    ],
)
def test_scenes_want_agreement_and_one_scene(scenes, sentence, right):
    assert scenes.accepts([sentence]).tolist() == [right]


def test_shared_symbols_do_not_make_the_check_slow():
    rules = {f"N{i}": {f"N{i + 1} N{i + 1}": 1.0} for i in range(40)} | {"N40": {"a": 0.5, "b": 0.5}}
    assert Grammar(rules, "N0").entropy() == pytest.approx(2**40 * math.log(2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Grammar({"A": {"a": 1.0}}), "no rule for the start 'S'; there are rules for A"),
        (lambda: Grammar({"S": {"a": 0.5, "b": 0.4}}), "of 'S' sum to 0.9; give numbers that sum to 1"),
        (lambda: Grammar({"S": {"a": 1.5, "b": -0.5}}), "probabilities > 0"),
        (lambda: Grammar({"S": {"a": 0.5, " ": 0.5}}), "give alternatives of one symbol or more"),
        (lambda: Grammar({"S": {}}), "sum to 0"),
        (lambda: Grammar({"S": {"a": 0.5, "a S": 0.5}}), "S -> S: 'S' comes back"),
        (lambda: Grammar({"S": {"A": 1.0}, "A": {"x B": 1.0}, "B": {"A": 1.0}}), "S -> A -> B -> A: 'A' comes back"),
        (lambda: Grammar(SMALL).sample(0, generator()), "n is 0; give 1 or more"),
    ],
)
def test_bad_input_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
