import re
from itertools import product

import pytest
import torch
from scipy import stats
from sklearn.feature_extraction.text import CountVectorizer
from torch.nn import functional as F

from course_lib.data import shapes


def one(**names):
    """The factors (1, 4) of one picture told by its names."""
    told = {"shape": "circle", "colour": "red", "size": "large", "place": "middle"} | names
    return torch.tensor([[shapes.FACTORS[factor].index(told[factor]) for factor in shapes.FACTORS]])


def inked(picture):
    """Where a picture (3, H, W) is not paper."""
    return (picture.amax(0) - picture.amin(0)) > 0.2


def test_there_are_216_combinations_a_fifth_of_the_pairs_held_out():
    every = shapes.combinations()
    assert len({tuple(row) for row in every.tolist()}) == len(every) == 6 * 6 * 2 * 3
    assert len(shapes.HELD_OUT) / 36 == pytest.approx(0.2, abs=0.02)
    assert len(shapes.combinations(True)) == len(shapes.HELD_OUT) * 6
    told = {(shapes.SHAPES[s], shapes.COLOURS[c]) for s, c, *_ in shapes.combinations(True).tolist()}
    assert told == set(shapes.HELD_OUT)
    assert len(shapes.combinations(False)) + len(shapes.combinations(True)) == len(every)


def test_every_shape_and_colour_is_trained_on_with_several_partners():
    table = shapes.combinations(False)
    for column in (0, 1):
        for value in range(6):
            partners = table[table[:, column] == value, 1 - column].unique()
            assert 4 <= len(partners) <= 5


@pytest.mark.parametrize("held_out", [False, True])
def test_samples_keep_to_their_pairs_and_are_even(held_out):
    drawn = shapes.sample(3000, seed=1, held_out=held_out)
    assert drawn.x.shape == (3000, 3, 28, 28) and drawn.x.dtype == torch.uint8
    assert (shapes.is_held_out(drawn.factors) == held_out).all()
    table = shapes.combinations(held_out).tolist()
    found = [table.index(row) for row in drawn.factors.tolist()]
    assert stats.chisquare(torch.bincount(torch.tensor(found), minlength=len(table)).numpy()).pvalue > 0.001


def test_a_larger_sample_goes_on_after_the_same_pictures_and_no_two_are_equal():
    few, many = shapes.sample(20), shapes.sample(1100)
    assert torch.equal(few.x, many.x[:20]) and torch.equal(few.factors, many.factors[:20])
    assert len(many.x.flatten(1).unique(dim=0)) == 1100
    assert not torch.equal(shapes.sample(20, seed=1).x, few.x)
    assert shapes.sample(2, size=40).x.shape == (2, 3, 40, 40)


@pytest.mark.parametrize(("size", "bound"), [(28, 0.03), (56, 0.02)])
def test_small_pictures_are_large_ones_averaged(size, bound):
    table = shapes.combinations()
    averaged = F.interpolate(shapes.draw(table, size=112), size=(size, size), mode="area")
    assert (averaged - shapes.draw(table, size=size)).square().mean((1, 2, 3)).sqrt().max() < bound


@pytest.mark.parametrize(
    ("shape", "share"),
    [
        ("circle", torch.pi * 0.94**2 / 4),
        ("square", 0.84**2),
        ("triangle", 1.7 * 1.7 / 1.75 / 4),
        ("star", 10 * 0.5 * 1.06 * 0.5 * torch.tensor(torch.pi / 5).sin().item() / 4),
        ("heart", (2 * 0.84**2 + torch.pi * 0.84**2 / 2) / 4),
        ("cross", (4 * 0.33 * 0.96 * 2 - 4 * 0.33**2) / 4),
    ],
)
def test_outlines_cover_the_area_of_their_shapes(shape, share):
    """Of the square from -1 to 1; the tips of a star reach beyond it, so it is drawn smaller here."""
    at = (torch.arange(600) + 0.5) / 300 - 1
    v, u = torch.meshgrid(at, at, indexing="ij")
    inside = shapes._OUTLINES[shapes.SHAPES.index(shape)](1.2 * u, 1.2 * v) < 0
    assert inside.float().mean().item() * 1.2**2 == pytest.approx(share, rel=0.01)


def test_places_sizes_and_jitter_move_the_shape():
    left, middle, right = (inked(shapes.draw(one(place=p))[0]).nonzero()[:, 1].float().mean() for p in shapes.PLACES)
    assert left < middle - 5 and right > middle + 5 and middle == pytest.approx(13.5, abs=0.1)
    small, large = (inked(shapes.draw(one(size=s))[0]).sum() for s in shapes.SIZES)
    assert large > 2.5 * small
    still = shapes.draw(one(shape="heart"))
    for i in range(shapes.JITTER):
        moved = shapes.draw(one(shape="heart"), F.one_hot(torch.tensor([i]), shapes.JITTER).float())
        assert (moved - still).abs().amax() > 0.015
    with_shift = shapes.draw(one(), torch.tensor([[1.0, 1, 0, 0, 0, 0]]))[0]
    y, x = inked(with_shift).nonzero().float().mean(0)
    assert x == pytest.approx(13.5 + 0.04 * 14, abs=0.15) and y == pytest.approx(13.5 + 0.07 * 14, abs=0.15)


@pytest.mark.parametrize("colour", shapes.COLOURS)
def test_the_inside_has_the_named_colour(colour):
    middle = shapes.draw(one(colour=colour), size=40)[0, :, 20, 20]
    nearest = (shapes.RGB - middle).square().sum(1).argmin()
    assert shapes.COLOURS[nearest] == colour


def test_shapes_have_an_edge_of_the_same_hue_but_darker():
    row = shapes.draw(one(colour="green", shape="square"), size=160)[0, :, 80]
    expected = shapes.RGB[shapes.COLOURS.index("green")]
    edge = row[:, (row - 0.62 * expected[:, None]).abs().amax(0) < 0.01]
    assert 4 <= edge.shape[1] <= 14  # pixels on both sides together


def test_a_shape_that_is_not_turned_is_its_mirror_image():
    for shape in shapes.SHAPES:
        picture = shapes.draw(one(shape=shape))
        torch.testing.assert_close(picture, picture.flip(3), rtol=0, atol=1e-5)


def test_no_shape_is_cut_off():
    worst = torch.tensor(list(product((-1.0, 1.0), repeat=4)))
    for row in shapes.combinations():
        drawn = shapes.draw(row.repeat(len(worst), 1), F.pad(worst, (0, 2)))
        ink = drawn.amax(1) - drawn.amin(1) > 0.2
        border = torch.cat([ink[:, 0], ink[:, -1], ink[:, :, 0], ink[:, :, -1]], 1)
        assert not border.any(), row


def test_captions_tell_all_four_factors_and_nothing_else():
    factors = shapes.combinations().repeat(5, 1)
    means = {word: name for name, words in shapes.SYNONYMS.items() for word in (name, *words)}
    for text, row in zip(shapes.captions(factors), factors.tolist(), strict=True):
        told = {means[word] for word in re.findall("[a-z]+", text) if word in means}
        assert told == {names[i] for names, i in zip(shapes.FACTORS.values(), row, strict=True)}


def test_captions_are_decided_by_their_seed_and_say_each_synonym_equally_often():
    factors = one().repeat(3000, 1)
    texts = shapes.captions(factors, seed=2)
    assert texts == shapes.captions(factors, seed=2) != shapes.captions(factors, seed=3)
    said = torch.stack([shapes.counts(texts)[:, shapes.WORDS.index(word)].sum() for word in ("circle", "disc", "ball")])
    assert stats.chisquare(said.numpy()).pvalue > 0.001
    plain = " ".join(shapes.captions(factors, synonyms=False)).split()
    assert not set(plain) & {word for words in shapes.SYNONYMS.values() for word in words}
    assert len(set(texts)) > 200


def test_every_synonym_of_a_pair_held_out_is_said_in_training_with_other_partners():
    factors = shapes.sample(3000, size=16).factors
    table = shapes.counts(shapes.captions(factors)) > 0
    for shape, colour in shapes.HELD_OUT:
        for word in (shape, *shapes.SYNONYMS[shape], colour, *shapes.SYNONYMS[colour]):
            assert table[:, shapes.WORDS.index(word)].sum() >= 30, word


def test_words_are_different_and_each_means_one_thing():
    assert len(set(shapes.WORDS)) == len(shapes.WORDS)
    assert set(shapes.SYNONYMS) == {name for names in shapes.FACTORS.values() for name in names}


def test_counts_are_those_of_scikit_learn():
    texts = [*shapes.captions(shapes.combinations()), "Red, RED circle!"]
    oracle = CountVectorizer(vocabulary=shapes.WORDS, token_pattern="[A-Za-z]+").fit_transform(texts).toarray()
    table = shapes.counts(texts)
    assert table.dtype == torch.float32
    torch.testing.assert_close(table, torch.tensor(oracle).float())


def test_unknown_words_are_named_and_no_words_are_refused():
    assert shapes.read_words("A Red unicorn, élan 7") == (["a", "red"], ["unicorn", "élan"])
    with pytest.raises(ValueError, match=r"'a red unicorn' has unknown words: unicorn; read_words"):
        shapes.counts(["red", "a red unicorn"])
    for empty in ("", " ,. 12"):
        with pytest.raises(ValueError, match="has no words"):
            shapes.counts([empty])
    for none in ([], "red"):
        with pytest.raises(ValueError, match="give a list of at least one text"):
            shapes.counts(none)


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        (torch.zeros(4, dtype=torch.int64), r"factors are \(4,\) torch.int64; give int64 \(N, 4\)"),
        (torch.zeros(2, 3, dtype=torch.int64), r"factors are \(2, 3\)"),
        (torch.zeros(0, 4, dtype=torch.int64), r"N >= 1"),
        (torch.zeros(1, 4), r"torch.float32; give int64"),
        (torch.tensor([[0, 0, 2, 0]]), r"factors run up to \[0, 0, 2, 0\]; give numbers from 0 to \[5, 5, 1, 2\]"),
        (torch.tensor([[-1, 0, 0, 0]]), r"give numbers from 0"),
    ],
)
def test_what_are_no_factors_is_refused(factors, message):
    for function in (shapes.draw, shapes.captions, shapes.is_held_out):
        with pytest.raises(ValueError, match=message):
            function(factors)


def test_a_wrong_jitter_size_or_number_is_refused():
    for jitter in (torch.zeros(1, 5), torch.full((1, 6), 1.1), torch.full((1, 6), float("nan"))):
        with pytest.raises(ValueError, match=r"give \(1, 6\) in \[-1, 1\]"):
            shapes.draw(one(), jitter)
    with pytest.raises(ValueError, match="size is 15; give 16 or more"):
        shapes.draw(one(), size=15)
    with pytest.raises(ValueError, match="n is 0; give 1 or more"):
        shapes.sample(0)
