import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import logsumexp
from sklearn.datasets import make_moons

from course_lib.data import toy

NAMED = {"ring": toy.ring(), "grid": toy.grid(), "moons": toy.moons(), "spiral": toy.spiral()}
each_density = pytest.mark.parametrize("density", NAMED.values(), ids=NAMED.keys())


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def random_mixture(k, dims, seed):
    g = generator(seed)
    means = 3 * torch.randn(k, dims, dtype=torch.float64, generator=g)
    sd = 0.2 + torch.rand(k, dtype=torch.float64, generator=g)
    return toy.Mixture(means, sd, torch.rand(k, dtype=torch.float64, generator=g).softmax(0))


def oracle(mixture, x):
    """The log density by scipy, a component at a time."""
    parts = [
        math.log(w) + stats.multivariate_normal(m.numpy(), s.item() ** 2).logpdf(x.numpy()).reshape(len(x))
        for m, s, w in zip(mixture.means, mixture.sd, mixture.weights.tolist(), strict=True)
    ]
    return torch.from_numpy(logsumexp(np.stack(parts), axis=0))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 1000))
def test_log_prob_is_scipys(k, dims, seed):
    mixture = random_mixture(k, dims, seed)
    x = 4 * torch.randn(30, dims, dtype=torch.float64, generator=generator(seed + 1))
    torch.testing.assert_close(mixture.log_prob(x), oracle(mixture, x), rtol=1e-10, atol=1e-10)


@each_density
def test_named_density_is_scipys_and_integrates_to_one(density):
    reach = density.means.abs().max().item() + 6 * density.sd[0].item()
    side = torch.arange(-reach, reach, 0.03)
    x = torch.cartesian_prod(side, side)
    log_p = density.log_prob(x)
    assert log_p.dtype == torch.float32
    mass = log_p.double().exp().sum() * (side[1] - side[0]) ** 2
    assert mass.item() == pytest.approx(1, abs=1e-3)
    some = x[::499]
    torch.testing.assert_close(log_p[::499].double(), oracle(density, some), rtol=1e-4, atol=1e-4)


def test_density_keeps_its_digits_far_from_the_origin():
    near, far = toy.ring(), toy.Mixture(toy.ring().means + 1000, 0.05)
    x = near.sample(200, generator())
    # Single precision leaves steps of 6e-5 at 1,000: a thousandth of the standard deviation.
    torch.testing.assert_close(far.log_prob(x + 1000), near.log_prob(x), rtol=0, atol=0.05)


@each_density
def test_samples_are_of_the_density(density):
    x = density.sample(4000, generator())
    log_p = density.log_prob(x)
    twin = density.sample(4000, generator(1))  # the mean of log p must not depend on which sample
    error = math.sqrt(log_p.var() / 4000 + density.log_prob(twin).var() / 4000)
    assert abs(log_p.mean() - density.log_prob(twin).mean()) < 4 * error
    # Weighted by 1/p, samples spread evenly over any region: that of one component around its mean must come out.
    inside = (x - density.means[0]).norm(dim=1) < density.sd[0]
    area = torch.where(inside, (-log_p).exp(), 0.0)
    assert abs(area.mean() - math.pi * density.sd[0] ** 2) < 4 * area.std() / math.sqrt(4000)


def test_samples_have_the_mixtures_moments_and_shares():
    mixture = toy.Mixture(
        torch.tensor([[0.0], [5.0], [10.0]]).double(), torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.2, 0.3, 0.5])
    )
    x = mixture.sample(20_000, generator())[:, 0]
    component = (x / 5).round().clamp(0, 2).long()
    counts = torch.bincount(component)
    assert stats.chisquare(counts, 20_000 * mixture.weights).pvalue > 0.001
    for k in range(3):
        assert stats.kstest(x[component == k], stats.norm(5.0 * k, 0.1 * (k + 1)).cdf).pvalue > 0.001


def test_the_generator_alone_decides_the_samples():
    ring = toy.ring()
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    first = ring.sample(10, generator(3))
    torch.manual_seed(1)
    assert torch.equal(ring.sample(10, generator(3)), first)
    assert not torch.equal(ring.sample(10, generator(4)), first)
    torch.manual_seed(0)
    ring.sample(10, generator(3))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_dtype_is_that_of_the_means_and_gradients_pass():
    mixture = toy.Mixture(toy.ring().means.double(), 0.1)
    assert mixture.sample(3, generator()).dtype == torch.float64
    x = torch.tensor([[1.02, 0.01]], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(mixture.log_prob(x).sum(), x)
    torch.testing.assert_close(gradient, torch.tensor([[-2.0, -1.0]], dtype=torch.float64), rtol=1e-6, atol=1e-6)


def test_ring_has_its_modes_evenly_on_the_circle():
    ring = toy.ring(modes=5, radius=3.0, sd=0.2)
    torch.testing.assert_close(ring.means.norm(dim=1), torch.full((5,), 3.0))
    sides = (ring.means - ring.means.roll(1, 0)).norm(dim=1)
    torch.testing.assert_close(sides, torch.full((5,), 6 * math.sin(math.pi / 5)))
    assert torch.equal(ring.sd, torch.full((5,), 0.2))
    assert len(toy.ring().means) == 8


def test_grid_has_its_modes_at_even_steps_around_the_origin():
    assert sorted(map(tuple, toy.grid(side=3, spacing=2.0).means.tolist())) == [
        (a, b) for a in (-2.0, 0.0, 2.0) for b in (-2.0, 0.0, 2.0)
    ]
    assert toy.grid().means.abs().max() == 4
    assert len(toy.grid().means) == 25


def test_moons_lie_where_scikit_learns_do():
    curve, label = make_moons(400, noise=None)
    for part, means in enumerate(toy.moons().means.view(2, 200, 2)):
        distance = torch.cdist(torch.from_numpy(curve[label == part]).float(), means).min(1).values
        assert distance.max() < 0.01


def test_spiral_winds_outward_once_and_its_arms_face_each_other():
    one, other = toy.spiral().means.view(2, 200, 2)
    torch.testing.assert_close(one, -other)
    radius = one.norm(dim=1)
    assert (radius.diff() > 0).all()
    assert (radius[0].item(), radius[-1].item()) == pytest.approx((0.2, 2.0))
    torch.testing.assert_close(one[-1], torch.tensor([2.0, 0.0]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["moons", "spiral"])
def test_neighbours_on_a_curve_stand_closer_than_they_are_wide(name):
    curve = NAMED[name]
    steps = curve.means.view(2, 200, 2).diff(dim=1).norm(dim=2)
    assert steps.median() < curve.sd[0]
    assert steps.max() < 2 * curve.sd[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.zeros(3), 0.1), r"means are \(3,\) torch.float32; give floats of shape \(K, D\)"),
        ((torch.zeros(0, 2), 0.1), "give floats"),
        ((torch.zeros(3, 2, dtype=torch.int64), 0.1), "torch.int64; give floats"),
        ((torch.zeros(3, 2), 0.0), "sd is 0.0; give standard deviations above 0"),
        ((torch.zeros(3, 2), torch.tensor([1.0, -1.0, 1.0])), "above 0"),
        ((torch.zeros(3, 2), math.nan), "above 0"),
        ((torch.zeros(2, 2), 1.0, torch.tensor([0.5, 0.6])), "give 2 numbers from 0 to 1 that sum to 1"),
        ((torch.zeros(2, 2), 1.0, torch.tensor([1.5, -0.5])), "from 0 to 1"),
        ((torch.zeros(2, 2), 1.0, torch.tensor([1.0])), "give 2 numbers"),
    ],
)
def test_what_is_no_mixture_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        toy.Mixture(*arguments)


@pytest.mark.parametrize("shape", [(2,), (4, 3), (4, 2, 1)])
def test_points_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"give points of shape \(N, 2\)"):
        toy.ring().log_prob(torch.zeros(shape))
