import itertools
import math
import time

import pytest
import torch
from scipy import stats
from torch.nn import functional as F

from course_lib.data import cards, drawing, drawn_animals, drawn_things
from course_lib.data.sheet import Sheet, mix, ramp, union

A = len(cards.ATTRIBUTES)
PARTS = ("animal", "thing", "box")
JUMP = 0.10  # no picture changes more than this by a fiftieth of a setting; two cards differ by 0.31 on average


def index(*names):
    return [cards.NAMES.index(name) for name in names]


def anywhere(n, seed=1):
    return torch.rand(n, A, generator=torch.Generator().manual_seed(seed))


def difference(a, b):
    """Root-mean-square difference of the pixels of each pair of pictures."""
    return (a - b).square().mean((-3, -2, -1)).sqrt()


def painted(x):
    """The share of each picture that is not white."""
    return (x.amin(1) < 0.97).float().mean((1, 2))


@pytest.fixture
def sheet():
    return Sheet(torch.zeros(1, 3, 1, 1), 200)


def area(sheet, distance):
    sheet.fill(distance, torch.ones(1, 3, 1, 1))
    return sheet.colours[0, 0].sum().item() * (2 / 200) ** 2


# The table


def test_every_card_has_a_look_a_kind_a_scene_and_a_meaning():
    assert len(cards.NAMES) == len(set(cards.NAMES)) == 36
    assert set(cards.KIND) == set(cards.SCENE) == set(cards.NAMES)
    x, places = cards.table(), cards.meaning()
    assert x.shape == (36, A) and x.dtype == torch.float32 and x.min() >= 0 and x.max() <= 1
    assert places.shape == (36, 10) and places.abs().max() <= 1
    assert len(cards.MEANING) == 5 and len(set(itertools.chain(*cards.MEANING))) == 10
    assert len(x.unique(dim=0)) == len(places.unique(dim=0)) == 36


def test_names_choose_rows_in_their_order():
    chosen = index("sun", "cat", "sun")
    assert torch.equal(cards.table(["sun", "cat", "sun"]), cards.table()[chosen])
    assert torch.equal(cards.meaning(("sun", "cat", "sun")), cards.meaning()[chosen])
    assert torch.equal(cards.table("cat"), cards.table(["cat"]))


def test_a_table_that_is_changed_changes_no_card():
    cards.table().zero_(), cards.meaning().zero_()
    assert cards.table().sum() > 100 and cards.meaning().abs().sum() > 100


def test_an_unknown_card_and_an_empty_list_are_refused():
    with pytest.raises(ValueError, match="there is no card 'unicorn'; there are cat, lynx, tiger"):
        cards.table(["cat", "unicorn"])
    with pytest.raises(ValueError, match="names are empty"):
        cards.meaning([])


def test_every_card_is_one_whole_part():
    parts = cards.table()[:, [cards.ATTRIBUTES.index(part) for part in PARTS]]
    assert torch.equal(parts.sort(1).values, torch.tensor([0.0, 0.0, 1.0]).repeat(36, 1))


def test_the_blend_of_cat_and_tiger_is_nearest_to_the_lynx():
    x = cards.table()
    blend = cards.table(["cat", "tiger"]).mean(0, keepdim=True)
    nearest = torch.cdist(blend, x)[0].argsort()
    assert nearest[0] == index("lynx")[0] and set(nearest[1:3].tolist()) == set(index("cat", "tiger"))


@pytest.mark.parametrize(
    ("one", "other"), [("mushroom", "shiitake"), ("ball", "melon"), ("house", "kitchen"), ("zebra", "horse")]
)
def test_cards_that_look_alike_are_near(one, other):
    apart = torch.cdist(cards.table([one]), cards.table())[0]
    assert index(other)[0] in apart.argsort()[1:4].tolist()


def test_what_is_near_in_its_settings_looks_alike():
    """The order of the 630 pairs by settings and by pixels; by chance the correlation would be within 0.12."""
    x = cards.table()
    pixels = cards.draw(x, 56)
    pairs = torch.triu_indices(36, 36, 1)
    by_look = difference(pixels[pairs[0]], pixels[pairs[1]])
    by_settings = (x[pairs[0]] - x[pairs[1]]).norm(dim=1)
    assert stats.spearmanr(by_look, by_settings).statistic > 0.35


def test_three_dogs_are_of_one_kind_and_look_different():
    dogs = [name for name, kind in cards.KIND.items() if kind == "dog"]
    assert dogs == ["dachshund", "poodle", "shepherd"]
    apart = torch.cdist(cards.table(dogs), cards.table(dogs))
    assert apart[~torch.eye(3, dtype=torch.bool)].min() > 1.2  # mushroom and shiitake: 0.7
    x = cards.draw(cards.table(dogs))
    assert min(difference(x[[i]], x[[j]]).item() for i, j in ((0, 1), (0, 2), (1, 2))) > 0.2


@pytest.mark.parametrize(
    ("coordinate", "more", "less"),
    [
        ("west–east", "shiitake", "burger"),
        ("south–north", "fir", "sheep"),
        ("size", "elephant", "mouse"),
        ("hair", "sheep", "pig"),
        ("round", "melon", "giraffe"),
        ("striped", "zebra", "lion"),
        ("danger", "tiger", "rabbit"),
        ("animalness", "cow", "house"),
        ("edible", "burger", "ball"),
        ("treelike", "fir", "cat"),
    ],
)
def test_meanings_order_cards_as_the_world_does(coordinate, more, less):
    place = list(itertools.chain(*cards.MEANING)).index(coordinate)
    high, low = cards.meaning([more, less])[:, place]
    assert high > 0 > low and high - low > 1


# The drawings


@pytest.mark.parametrize("size", [16, 28, 61, 160])
def test_drawings_have_the_documented_form(size):
    x = cards.draw(cards.table(), size)
    assert x.shape == (36, 3, size, size) and x.dtype == torch.float32
    assert 0 <= x.min() < 0.25 and x.max() == 1


@pytest.mark.parametrize("size", [28, 160])
def test_every_card_lies_within_its_picture_and_fills_a_good_part_of_it(size):
    x = cards.draw(cards.table(), size)
    edge = torch.cat([x[..., 0, :], x[..., -1, :], x[..., 0], x[..., -1]], -1)
    assert (edge.amin(1) < 0.7).float().mean(1).max() < 0.02
    assert painted(x).min() > 0.17 and painted(x).max() < 0.85


def test_no_two_cards_look_the_same():
    x = cards.draw(cards.table()).flatten(1)
    apart = torch.cdist(x, x) / math.sqrt(x.shape[1])
    assert (apart + torch.eye(36)).min() > 0.06


def test_ends_of_all_settings_and_doubles_are_drawn():
    corners = (anywhere(300) > 0.5).double()
    x = cards.draw(corners)
    assert x.dtype == torch.float32 and x.isfinite().all() and x.min() >= 0 and x.max() <= 1
    for value in (0.0, 1.0):
        assert cards.draw(torch.full((1, A), value)).isfinite().all()


def test_a_drawing_does_not_depend_on_those_beside_it():
    many = anywhere(100)
    x = cards.draw(many)
    for i in (0, 63, 64, 99):
        torch.testing.assert_close(cards.draw(many[i : i + 1]), x[i : i + 1], rtol=0, atol=1e-5)
    assert torch.equal(x, cards.draw(many))


def test_nothing_is_drawn_where_all_parts_are_absent():
    nothing = anywhere(40)
    nothing[:, [cards.ATTRIBUTES.index(part) for part in PARTS]] = 0
    assert (cards.draw(nothing) == 1).all()


@pytest.mark.parametrize("name", ["cat", "burger", "house", "giraffe", "flower"])
def test_half_a_part_is_drawn_at_half_size(name):
    whole = cards.table([name])
    half = whole.clone()
    half[:, [cards.ATTRIBUTES.index(part) for part in PARTS]] *= 0.5
    share = (painted(cards.draw(half, 160)) / painted(cards.draw(whole, 160))).item()
    assert share == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize(("one", "other"), [("cat", "tree"), ("burger", "cow"), ("house", "fox"), ("sun", "kitchen")])
def test_half_way_between_two_kinds_of_cards_both_are_seen(one, other):
    """Each half of the blend changes its picture, and most of its pixels belong to one of the two."""
    blend = cards.table([one, other]).mean(0, keepdim=True)
    whole = painted(cards.draw(blend, 112)).item()
    for part in PARTS:
        without = blend.clone()
        without[:, cards.ATTRIBUTES.index(part)] = 0
        lost = whole - painted(cards.draw(without, 112)).item()
        assert (lost > 0.02) == (blend[0, cards.ATTRIBUTES.index(part)] > 0)


@pytest.mark.parametrize("i", range(A), ids=cards.ATTRIBUTES)
def test_every_setting_changes_the_picture_and_a_small_step_a_little(i):
    base = anywhere(24, seed=3)
    none, half, more, all_ = (cards.draw(base.index_fill(1, torch.tensor(i), t)) for t in (0.0, 0.5, 0.52, 1.0))
    assert difference(none, all_).mean() > 0.004
    steps = difference(half, more)
    assert steps.mean() > 0 and steps.max() < JUMP


@pytest.mark.parametrize(
    ("module", "part", "those_with", "those_without"),
    [
        (drawn_animals, "_paint_tail", ("cat", "fox", "mouse"), ("sun", "house")),
        (drawn_animals, "_paint_legs", ("giraffe", "zebra", "cow"), ("tree", "burger")),
        (drawn_animals, "_paint_body", ("dachshund", "leopard", "sheep"), ("ball", "kitchen")),
        (drawn_animals, "_paint_mane", ("lion", "horse", "zebra"), ("cat", "cow", "mouse")),
        (drawn_animals, "_paint_ear", ("rabbit", "elephant", "mouse"), ("moon", "cake")),
        (drawn_animals, "_paint_head", ("bear", "pig", "cow"), ("melon", "fir")),
        (drawn_animals, "_paint_face_stripes", ("tiger", "zebra", "lynx"), ("lion", "pig", "mouse")),
        (drawn_animals, "_paint_face", ("cat", "pig", "horse"), ("apple", "palm")),
        (drawn_things, "_paint_stem", ("tree", "mushroom", "umbrella"), ("sun", "apple", "cat")),
        (drawn_things, "_paint_rays", ("sun", "flower", "palm"), ("moon", "tree", "lion")),
        (drawn_things, "_paint_layers", ("burger", "cake"), ("apple", "mushroom", "cat")),
        (drawn_things, "_paint_leaf", ("apple", "cake"), ("ball", "burger", "tree")),
        (drawn_things, "_paint_crown", ("ball", "mushroom", "fir"), ("cat", "house")),
        (drawn_things, "_paint_front", ("house",), ("kitchen", "dachshund")),
        (drawn_things, "_paint_kitchen", ("kitchen",), ("house", "sun")),
    ],
)
def test_each_part_is_drawn_on_the_cards_that_have_it(monkeypatch, module, part, those_with, those_without):
    names = those_with + those_without
    whole = cards.draw(cards.table(names), 56)
    monkeypatch.setattr(module, part, lambda *arguments, **options: None)
    lost = difference(whole, cards.draw(cards.table(names), 56))
    assert (lost[: len(those_with)] > 0.02).all() and (lost[len(those_with) :] == 0).all()


@pytest.mark.parametrize("far", [False, True])
def test_both_pairs_of_legs_are_drawn(monkeypatch, far):
    whole = cards.draw(cards.table(["giraffe", "horse"]), 56)
    legs = drawn_animals._paint_legs
    monkeypatch.setattr(drawn_animals, "_paint_legs", lambda *a, **kw: None if kw["far"] == far else legs(*a, **kw))
    assert (difference(whole, cards.draw(cards.table(["giraffe", "horse"]), 56)) > 0.02).all()


def test_long_hair_makes_locks_and_short_hair_none(monkeypatch):
    names = ["sheep", "poodle", "mouse", "elephant"]
    whole = cards.draw(cards.table(names), 56)
    monkeypatch.setattr(drawn_animals, "_fluffy", lambda sheet, distance, *rest: distance)
    lost = difference(whole, cards.draw(cards.table(names), 56))
    assert (lost[:2] > 0.02).all() and (lost[2:] < 1e-3).all()


def test_a_crescent_is_a_disc_with_a_bite():
    moon = cards.table(["moon"]).repeat(2, 1)
    moon[1, cards.ATTRIBUTES.index("crescent")] = 0
    crescent, disc = painted(cards.draw(moon, 112))
    assert 0.3 * disc < crescent < 0.6 * disc


def test_everything_is_made_on_the_device_of_the_settings():
    """On the device without numbers, where anything left on the CPU is refused."""
    assert drawing._paint(cards.table().to("meta"), 28).device.type == "meta"


def test_gradients_reach_every_setting():
    settings = (0.1 + 0.8 * anywhere(50)).requires_grad_()
    cards.draw(settings).square().sum().backward()
    assert settings.grad.isfinite().all() and (settings.grad.abs().sum(0) > 0).all()


def test_small_pictures_are_large_ones_averaged():
    """Edges are smooth as if each pixel were an average; measured at most 0.045, two cards differ by 0.31."""
    averaged = F.interpolate(cards.draw(cards.table(), 112), size=(28, 28), mode="area")
    assert difference(averaged, cards.draw(cards.table(), 28)).max() < 0.055


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (torch.zeros(A), rf"attributes are \({A},\); give \(N, {A}\), N >= 1"),
        (torch.zeros(2, A - 1), rf"attributes are \(2, {A - 1}\)"),
        (torch.zeros(0, A), r"N >= 1"),
        (torch.full((2, A), 1.01), r"attributes run from 1.01 to 1.01; give values in \[0, 1\]"),
        (torch.full((2, A), -0.01), r"give values in \[0, 1\]"),
        (torch.full((2, A), float("nan")), r"give values in \[0, 1\]"),
    ],
)
def test_what_are_no_settings_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        drawing.draw(settings)


def test_too_small_a_size_is_refused():
    with pytest.raises(ValueError, match="size is 15; give 16 or more pixels a side"):
        cards.draw(cards.table(), 15)


def test_all_cards_take_a_tenth_of_a_second_at_most():
    def seconds():
        start = time.process_time()
        cards.draw(cards.table())
        return time.process_time() - start

    assert min(seconds() for _ in range(5)) < 0.1  # measured 0.02


# What the drawings are made of


def test_a_cone_of_even_thickness_is_a_stroke_and_a_tapered_one_lies_between(sheet):
    torch.testing.assert_close(sheet.cone(-0.3, 0.1, 0.1, 0.4, 0.2, 0.1), sheet.stroke(-0.3, 0.1, 0.4, 0.2, 0.1))
    wanted = 0.8 * (0.2 + 0.1) + math.pi / 2 * (0.2**2 + 0.1**2)
    assert area(sheet, sheet.cone(-0.4, 0.0, 0.2, 0.4, 0.0, 0.1)) == pytest.approx(wanted, rel=0.02)


def test_dots_and_bars_cover_their_share(sheet):
    radius, spacing = 0.08, 0.3
    share = math.pi * radius**2 / (0.86 * spacing**2)
    assert area(sheet, sheet.dots(0.0, 0.0, spacing, radius)) / 4 == pytest.approx(share, rel=0.12)
    assert sheet.dots(0.01, 0.02, spacing, radius)[0, 101, 100] < -0.05  # one at the given point
    bars = sheet.bars(sheet.x.expand(1, 200, 200), 0.25, 0.1)
    assert (bars[0, 0] < 0).float().mean().item() == pytest.approx(0.4, abs=0.03)
    assert bars[0, 0, 100] < 0


@pytest.mark.parametrize("share", [1.0, 0.5, 0.2])
def test_a_shrunk_shape_has_the_square_of_the_share_and_its_point_stays(sheet, share):
    sheet.shrink(torch.full((1, 1, 1), share), 0.5, 0.5)
    small = sheet.ellipse(0.5, 0.5, 0.4, 0.4)
    assert area(sheet, small) == pytest.approx(math.pi * 0.16 * share**2, rel=0.01)
    assert small[0, 149, 149] < 0 and sheet.colours[0, 0, 149, 149] == 1
    sheet.unfold()
    assert sheet.x[0, 0, 0] == pytest.approx(-0.995) and sheet.shown == 1


def test_of_a_share_of_nothing_nothing_shows(sheet):
    sheet.shrink(torch.zeros(1, 1, 1), 0.5, 0.5)
    assert area(sheet, sheet.ellipse(0.5, 0.5, 0.9, 0.9)) == 0


def test_outline_goes_around_the_union(sheet):
    left, right = sheet.ellipse(-0.3, 0.0, 0.2, 0.2), sheet.ellipse(0.3, 0.0, 0.2, 0.2)
    assert torch.equal(union(left, right), torch.minimum(left, right))
    sheet.colours = torch.ones(1, 3, 200, 200)
    sheet.ink(left, right, thick=0.1)
    dark = (sheet.colours[0, 0] < 0.5).float().sum().item() * 1e-4
    assert dark == pytest.approx(2 * math.pi * 0.09, rel=0.01)


def test_ramps_and_mixtures():
    torch.testing.assert_close(ramp(torch.tensor([0.0, 0.3, 0.4, 0.9]), 0.2, 0.6), torch.tensor([0, 0.25, 0.5, 1]))
    share = torch.tensor([0.0, 0.5, 1.0])[:, None, None]
    mixed = mix(torch.zeros(1, 3, 1, 1), (0.2, 0.4, 1.0), share)
    torch.testing.assert_close(mixed[:, :, 0, 0], share[:, :, 0] * torch.tensor([[0.2, 0.4, 1.0]]))
