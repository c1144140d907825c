import itertools

import pytest
import torch
from scipy import stats
from torch.nn import functional as F

from course_lib.data import Batches, faces

# The least root-mean-square change of the pixels, averaged over faces, when a factor moves by a tenth of its range.
# Measured 0.050, 0.023, 0.013, 0.0045, 0.0088, 0.014, 0.015, 0.028.
VISIBLE = dict(zip(faces.FACTORS, (0.03, 0.015, 0.008, 0.003, 0.005, 0.008, 0.009, 0.018), strict=True))
JUMP = 0.12  # no single face changes more than this by a tenth; measured 0.098 (long hair)


def drawn_factors(n, seed=1):
    return torch.rand(n, len(faces.FACTORS), generator=torch.Generator().manual_seed(seed))


def difference(a, b):
    """Root-mean-square difference of the pixels of each pair of pictures."""
    return (a - b).square().mean((-3, -2, -1)).sqrt()


def sweep(i, n=60):
    """n faces of which factor i goes from 0 to 1 in ten steps: (11, n, 3, 28, 28)."""
    base = drawn_factors(n)
    return torch.stack([faces.draw(base.index_fill(1, torch.tensor(i), t / 10)) for t in range(11)])


@pytest.mark.parametrize("size", [16, 28, 32])
def test_faces_have_the_documented_form(size):
    x = faces.draw(drawn_factors(100), size)
    assert x.shape == (100, 3, size, size) and x.dtype == torch.float32
    assert 0 <= x.min() < 0.15 and 0.95 < x.max() <= 1
    drawn = faces.sample(5, size=size)
    assert drawn.x.shape == (5, 3, size, size) and drawn.x.dtype == torch.uint8
    assert drawn.factors.shape == (5, 8) and drawn.factors.dtype == torch.float32


def test_double_factors_and_the_ends_of_their_range_are_drawn():
    corners = torch.tensor(list(itertools.product([0.0, 1.0], repeat=8)), dtype=torch.float64)
    x = faces.draw(corners)
    assert x.dtype == torch.float32 and x.isfinite().all() and x.min() >= 0 and x.max() <= 1


def test_the_seed_decides_the_faces_and_leaves_global_randomness_alone():
    state = torch.get_rng_state()
    first, again, other = faces.sample(70, seed=4), faces.sample(70, seed=4), faces.sample(70, seed=5)
    assert torch.equal(first.x, again.x) and torch.equal(first.factors, again.factors)
    assert (first.x != other.x).flatten(1).any(1).all()
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("k", [1, 3, 64, 99, 150])
def test_a_larger_sample_begins_with_the_same_faces(k):
    few, many = faces.sample(k, seed=2), faces.sample(200, seed=2)
    assert torch.equal(few.factors, many.factors[:k]) and torch.equal(few.x, many.x[:k])


def test_a_sample_is_what_draw_makes_of_its_factors():
    drawn = faces.sample(70, size=20)
    assert torch.equal(drawn.x, (faces.draw(drawn.factors, 20) * 255).round().byte())


def test_faces_can_be_cut_into_batches():
    drawn = faces.sample(10)
    for batch in Batches(drawn, 4):
        assert batch.x.dtype == torch.float32 and batch.x.max() <= 1
        assert (difference(batch.x, faces.draw(batch.y)) < 0.002).all()  # the rounding to whole levels


@pytest.mark.parametrize("i", range(8), ids=faces.FACTORS)
def test_every_factor_changes_the_picture_visibly_and_smoothly_everywhere(i):
    steps = difference(*[sweep(i)[s] for s in (slice(1, None), slice(None, -1))])
    assert (steps.mean(1) > VISIBLE[faces.FACTORS[i]]).all()
    assert (steps > 0).all() and steps.max() < JUMP


@pytest.mark.parametrize("i", [1, 2, 3, 4, 5, 6], ids=faces.FACTORS[1:7])
def test_a_factor_that_grows_leads_away_from_its_start(i):
    pictures = sweep(i)
    assert (difference(pictures, pictures[:1]).mean(1).diff() > 0).all()


def test_no_two_places_on_the_path_of_backgrounds_look_alike():
    ground = sweep(7)[:, 0, :, 0, 0]  # the corner of one face, (11, 3)
    apart = torch.cdist(ground, ground) + torch.eye(11)
    assert apart.min() > 0.05


@pytest.mark.parametrize("size", [28, 32])
def test_a_head_turned_the_other_way_is_the_mirror_image(size):
    factors = drawn_factors(100)
    mirrored = factors.clone()
    mirrored[:, 0] = 1 - factors[:, 0]
    torch.testing.assert_close(faces.draw(mirrored, size), faces.draw(factors, size).flip(3), rtol=0, atol=1e-5)


def test_pose_0_looks_to_the_left_and_pose_1_to_the_right():
    laughing = torch.tensor([0.0, 0.3, 0, 1, 0, 0, 0, 0]).repeat(2, 1)
    laughing[1, 0] = 1
    white = faces.draw(laughing).amin(1) > 0.85  # (2, 28, 28): eyes and teeth
    left, right = (picture.nonzero()[:, 1].float().mean().item() for picture in white)
    assert left < 12 and right > 15  # the middle is 13.5; measured 11.1 and 15.9


def test_glasses_grow_from_nothing():
    without, thin = faces.draw(
        torch.full((2, 8), 0.5).index_put((torch.arange(2), torch.tensor(4)), torch.tensor([0, 1e-4]))
    )
    assert (without - thin).abs().max() < 1e-3


@pytest.mark.parametrize(("size", "bound"), [(28, 0.045), (56, 0.03)])
def test_small_pictures_are_large_ones_averaged(size, bound):
    """Edges are smooth as if each pixel were an average; measured at most 0.038 and 0.023, another face 0.085."""
    factors = drawn_factors(200)
    averaged = F.interpolate(faces.draw(factors, 112), size=(size, size), mode="area")
    assert difference(averaged, faces.draw(factors, size)).max() < bound


def test_sampled_factors_are_uniform_and_independent():
    factors = torch.cat([faces.sample(500, seed=seed, size=16).factors for seed in range(4)]).numpy()
    assert all(stats.kstest(column, "uniform").pvalue > 0.001 for column in factors.T)
    pairs = itertools.combinations(factors.T, 2)
    assert all(stats.spearmanr(a, b).pvalue > 0.001 for a, b in pairs)


def test_gradients_reach_every_factor():
    factors = drawn_factors(50).requires_grad_()
    faces.draw(factors).square().sum().backward()
    assert factors.grad.isfinite().all() and (factors.grad.abs().sum(0) > 0).all()


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        (torch.zeros(8), r"factors are \(8,\); give \(N, 8\), N >= 1"),
        (torch.zeros(2, 7), r"factors are \(2, 7\)"),
        (torch.zeros(0, 8), r"N >= 1"),
        (torch.full((2, 8), 1.01), r"factors run from 1.01 to 1.01; give values in \[0, 1\]"),
        (torch.full((2, 8), -0.01), r"give values in \[0, 1\]"),
        (torch.full((2, 8), float("nan")), r"give values in \[0, 1\]"),
    ],
)
def test_what_are_no_factors_is_refused(factors, message):
    with pytest.raises(ValueError, match=message):
        faces.draw(factors)


def test_too_small_a_size_and_too_few_faces_are_refused():
    with pytest.raises(ValueError, match="size is 15; give 16 or more pixels a side"):
        faces.sample(3, size=15)
    for n in (0, -1):
        with pytest.raises(ValueError, match=f"n is {n}; give 1 or more"):
            faces.sample(n)


def test_a_child_has_no_wrinkles_and_an_old_face_has(monkeypatch):
    young, old = torch.rand(2, 20, 8, generator=torch.Generator().manual_seed(3))
    young[:, faces.FACTORS.index("age")], old[:, faces.FACTORS.index("age")] = 0.0, 1.0
    with_wrinkles = faces.draw(young), faces.draw(old)
    monkeypatch.setattr(faces, "_paint_wrinkles", lambda canvas, face: None)
    torch.testing.assert_close(faces.draw(young), with_wrinkles[0])
    assert ((faces.draw(old) - with_wrinkles[1]).abs().amax((1, 2, 3)) > 0.05).all()
