"""What notebook 01 defines, against the package, closed forms, scikit-learn and enumeration."""

import math
from itertools import permutations, product

import books
import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.linear_model import Ridge
from sklearn.neighbors import NearestNeighbors

from course_lib import room
from course_lib.data import cards


@pytest.fixture
def defined():
    """The functions of the notebook, with the floor of 3 × 3 fields that they tidy up."""
    names = books.definitions(books.of("01"))
    grid = room.fields(9).double()
    beside = (torch.cdist(grid, grid) < 0.7).double() - torch.eye(9)
    names.update(K=9, grid=grid, beside=beside, looks=cards.table(), STRIPS=6)
    return names


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_plans_are_private_and_hand_over_follows_them(defined):
    torch.manual_seed(0)
    mine, yours = (defined["random_plans"](50, 7) for _ in range(2))
    assert (mine.sort(1).values == torch.arange(7)).all()
    card = torch.randint(7, (50,))
    drawn = defined["hand_over"](mine, yours, card)
    assert (yours[range(50), drawn] == mine[range(50), card]).all()
    assert (defined["hand_over"](mine, mine, card) == card).all()


def test_right_in_a_pack_are_fixed_points_of_a_permutation(defined):
    torch.manual_seed(0)
    counts = torch.bincount(defined["right_in_pack"](20_000, 4), minlength=5) / 20_000
    every = [sum(i == p for i, p in enumerate(order)) for order in permutations(range(4))]
    exact = torch.tensor([every.count(k) / 24 for k in range(5)])
    torch.testing.assert_close(counts, exact, atol=0.015, rtol=0)


def test_a_place_anywhere_on_a_field_is_nearest_to_its_middle(defined):
    torch.manual_seed(0)
    fields = room.fields(9)[torch.arange(9).repeat(200)]
    at = defined["anywhere"](fields, 9)
    assert (defined["nearest"](at, room.fields(9)) == torch.arange(9).repeat(200)).all()
    assert (at - fields).abs().max() > 0.25  # up to 0.3 of 1/3


@pytest.mark.parametrize(("m", "d", "sigma"), [(2, 1, 0.3), (3, 2, 0.25), (6, 2, 0.25), (4, 3, 0.4)])
def test_the_share_that_is_right_against_field_by_field(defined, m, d, sigma):
    borders = np.array([-math.inf, *(np.arange(1, m) * 2 / m - 1), math.inf])
    middles = (np.arange(m) + 0.5) * 2 / m - 1
    stays = stats.norm.cdf(borders[1:], middles, sigma) - stats.norm.cdf(borders[:-1], middles, sigma)
    exact = np.mean([np.prod(fields) for fields in product(stays, repeat=d)])
    assert defined["share_right"](m, d, sigma) == pytest.approx(exact, abs=1e-12)
    torch.manual_seed(0)
    assert defined["measured"](m, d, sigma, 20_000) == pytest.approx(exact, abs=4 * 0.5 / math.sqrt(20_000))


@pytest.mark.parametrize("seed", range(4))
def test_tidying_up_is_that_of_the_package_and_no_exchange_helps(defined, seed):
    features = random(9, 5, seed=seed)
    apart = torch.cdist(features, features)
    first = defined["by_two_axes"](features)
    order = defined["tidy_up"](first, apart)
    assert sorted(order.tolist()) == list(range(9))
    cost = defined["untidy"](order[None], apart).item()
    assert cost <= defined["untidy"](first[None], apart).item()
    torch.testing.assert_close(defined["grid"][order.argsort()].float(), room.floor_plan(features, starts=1))
    for a, b in product(range(9), repeat=2):
        other = order.clone()
        other[[a, b]] = order[[b, a]]
        by_hand = sum(
            apart[other[i], other[j]].item() for i, j in product(range(9), repeat=2) if defined["beside"][i, j]
        )
        assert by_hand >= cost - 1e-9


def test_interpolation_is_that_of_the_package(defined):
    z, places, values = random(20, 3), random(6, 3, seed=1), random(6, 4, seed=2)
    mine = defined["interpolate"](z, places, values, 0.7)
    torch.testing.assert_close(mine, room.interpolate(z, places, values, 0.7))


def test_folding_gives_back_neck_and_coat_exactly_and_the_size_to_half_a_strip(defined):
    v = torch.rand(2000, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    at = defined["fold"](v)
    assert at.shape == (2000, 2)
    assert at.min() >= 0 and at.max() < 1
    back = defined["unfold"](at)
    torch.testing.assert_close(back[:, 1:], v[:, 1:])
    assert (back[:, 0] - v[:, 0]).abs().max() <= 1 / 12


def test_share_between_counts_both_orders_of_the_ends(defined):
    middle, a, b = (
        torch.tensor([1.0, 2.0, 3.0, 0.0]),
        torch.tensor([0.0, 3.0, 0.0, 1.0]),
        torch.tensor([2.0, 1.0, 1, 2]),
    )
    assert defined["share_between"](middle, a, b) == 0.5


def test_ridge_is_that_of_scikit_learn(defined):
    x, y, new = random(40, 12), random(40, 3, seed=1), random(7, 12, seed=2)
    predicted = defined["ridge"](x, y, price=2.5)(new)
    np.testing.assert_allclose(predicted, Ridge(alpha=2.5).fit(x, y).predict(new), rtol=1e-5)


def test_rank_counts_those_that_are_nearer(defined):
    places = torch.tensor([[0.0, 3.0], [1.0, 0.0], [0.0, 2.0]])
    assert [defined["rank"](places, i, torch.zeros(1, 2)) for i in range(3)] == [3, 1, 2]


def test_a_first_sight_never_sees_the_card_that_is_left_out(defined):
    torch.manual_seed(0)
    card = torch.arange(36).repeat_interleave(2)
    x = defined["pixels"](cards.table()[card])
    defined["all_cards"] = defined["pixels"](cards.table())
    placed = defined["first_sight"](5, x, card, cards.meaning())
    broken = torch.where((card == 5)[:, None], 7.0, x)
    torch.testing.assert_close(defined["first_sight"](5, broken, card, cards.meaning()), placed)
    assert not torch.allclose(defined["first_sight"](6, broken, card, cards.meaning()), placed)


def test_a_place_is_that_of_a_card_but_for_the_cubes_that_are_moved(defined):
    defined["AXES"] = [name for pair in cards.MEANING for name in pair]
    before = cards.meaning(["horse"])
    z = defined["place_of"]("horse", (0.2, -0.1), striped=0.75)
    assert z[0, :2].tolist() == pytest.approx([0.2, -0.1]) and z[0, 5] == 0.75
    kept = [2, 3, 4, 6, 7, 8, 9]
    assert torch.equal(z[0, kept], before[0, kept])
    assert torch.equal(cards.meaning(["horse"]), before)


def test_shared_neighbours_against_scikit_learn(defined):
    first, second = random(12, 2), random(12, 2, seed=1)
    found = [NearestNeighbors(n_neighbors=4).fit(p).kneighbors(return_distance=False) for p in (first, second)]
    exact = np.mean([len(set(a) & set(b)) / 4 for a, b in zip(*found, strict=True)])
    assert defined["shared"](first, second) == pytest.approx(exact)
    turned = second @ torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
    assert defined["shared"](second, turned) == 1


def test_agreement_is_one_for_a_plan_in_the_looks_own_distances(defined):
    looks = defined["looks"] = random(10, 2)
    assert defined["agreement"](3 * looks + 1) == pytest.approx(1)
    exact = stats.pearsonr(torch.pdist(random(10, 2, seed=1)), torch.pdist(looks)).statistic
    assert defined["agreement"](random(10, 2, seed=1)) == pytest.approx(exact)
