import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from scipy.spatial.distance import jensenshannon
from torch import distributions as D

from course_lib import losses

fast = settings(max_examples=50, deadline=None, derandomize=True)
NAN, INF = math.nan, math.inf


def floats(shape, low=-4.0, high=4.0):
    """A strategy for float64 tensors."""
    return arrays(np.float64, shape, elements=st.floats(low, high)).map(torch.from_numpy)


def rand(*shape, scale=3.0, seed=0):
    return scale * torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def summed(values):
    return values.flatten(1).sum(1) if values.ndim > 1 else values


def gaussian_oracle(mu, logvar, x):
    return -D.Normal(mu, (logvar / 2).exp()).log_prob(x)


def kl_oracle(mu, logvar, mu_p, logvar_p):
    return D.kl_divergence(D.Normal(mu, (logvar / 2).exp()), D.Normal(mu_p, (logvar_p / 2).exp()))


def arguments(shape, seed=0):
    """For each loss, by name: arguments of the given shape."""
    a, b, c, d = (rand(*shape, scale=1.5, seed=4 * seed + i) for i in range(4))
    y = torch.randint(5, shape, generator=torch.Generator().manual_seed(seed))
    return {
        "bernoulli_nll": (a, b.sigmoid()),
        "continuous_bernoulli_nll": (a, b.sigmoid()),
        "gaussian_nll": (a, b, c),
        "categorical_nll": (rand(*shape, 5, seed=seed), y),
        "kl_diagonal_normals": (a, b, c, d),
    }


ORACLES = {
    "bernoulli_nll": lambda logits, x: -(x * logits.sigmoid().log() + (1 - x) * (-logits).sigmoid().log()),
    "continuous_bernoulli_nll": lambda logits, x: -D.ContinuousBernoulli(logits=logits).log_prob(x),
    "gaussian_nll": gaussian_oracle,
    "categorical_nll": lambda logits, y: -D.Categorical(logits=logits).log_prob(y),
    "kl_diagonal_normals": kl_oracle,
}


@pytest.mark.parametrize("shape", [(6,), (6, 3), (6, 1, 4, 5)])
@pytest.mark.parametrize("name", ORACLES)
def test_loss_is_the_oracle_summed_over_all_but_the_batch(name, shape):
    given_ = arguments(shape)[name]
    got = getattr(losses, name)(*given_)
    assert got.shape == (6,)
    torch.testing.assert_close(got, summed(ORACLES[name](*given_)), rtol=1e-8, atol=1e-8)


def test_bernoulli_nll_of_binary_pixels_is_a_likelihood():
    logits, x = rand(5, 7), (rand(5, 7, seed=1) > 0).double()
    torch.testing.assert_close(losses.bernoulli_nll(logits, x), -D.Bernoulli(logits=logits).log_prob(x).sum(1))


@pytest.mark.parametrize("function", [losses.bernoulli_nll, losses.continuous_bernoulli_nll])
def test_large_logits_stay_finite_in_float32(function):
    logits = torch.tensor([[1e4], [-1e4], [1e4], [-1e4]])
    nll = function(logits, torch.tensor([[0.0], [1.0], [1.0], [0.0]]))
    normaliser = math.log(1e4) if function is losses.continuous_bernoulli_nll else 0.0
    torch.testing.assert_close(nll, torch.tensor([1e4, 1e4, 0.0, 0.0]) - normaliser)


@pytest.mark.parametrize("logit", [-30.0, -2.0, -0.011, -0.009, 0.0, 1e-6, 0.0099, 0.0101, 1.0, 25.0])
def test_continuous_bernoulli_density_integrates_to_one(logit):
    points, weights = np.polynomial.legendre.leggauss(64)  # exact to double precision for exp(logit · x) here
    x = torch.from_numpy((points + 1) / 2)
    density = (-losses.continuous_bernoulli_nll(torch.full_like(x, logit), x)).exp()
    assert (density @ torch.from_numpy(weights / 2)).item() == pytest.approx(1, abs=1e-9)


def test_bernoulli_nll_of_grey_pixels_is_no_likelihood():
    x = torch.linspace(0, 1, 1001, dtype=torch.float64)
    density = (-losses.bernoulli_nll(torch.full_like(x, 2.0), x)).exp()
    assert torch.trapezoid(density, x).item() < 0.5


@pytest.mark.parametrize("name", ORACLES)
def test_gradient_is_that_of_finite_differences(name):
    given_ = arguments((3, 4))[name]
    given_ = [t.requires_grad_() if t.is_floating_point() else t for t in given_]
    assert torch.autograd.gradcheck(getattr(losses, name), given_)


def test_continuous_bernoulli_gradient_holds_at_and_around_a_logit_of_zero():
    logits = torch.tensor([[0.0, 1e-4, -5e-3, 2e-2, -2e-2]], dtype=torch.float64, requires_grad=True)
    x = torch.full((1, 5), 0.3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda t: losses.continuous_bernoulli_nll(t, x), logits)


def test_kl_is_to_the_standard_normal_unless_told():
    mu, logvar = rand(4, 3), rand(4, 3, scale=1.0, seed=1)
    zero = torch.zeros_like(mu)
    torch.testing.assert_close(losses.kl_diagonal_normals(mu, logvar), kl_oracle(mu, logvar, zero, zero).sum(1))
    torch.testing.assert_close(
        losses.kl_diagonal_normals(mu, logvar, mu_p=mu + 1), kl_oracle(mu, logvar, mu + 1, zero).sum(1)
    )
    torch.testing.assert_close(
        losses.kl_diagonal_normals(mu, logvar, logvar_p=logvar), kl_oracle(mu, logvar, zero, logvar).sum(1)
    )


@fast
@given(*[floats((3, 2))] * 4)
def test_kl_is_never_negative(mu, logvar, mu_p, logvar_p):
    kl = losses.kl_diagonal_normals(mu, logvar, mu_p, logvar_p)
    assert (kl >= -1e-12).all()  # exp(r) - r - 1 rounds at 1e-16 a dimension


@fast
@given(floats((3, 2)), floats((3, 2)), st.floats(0.01, 2), st.sampled_from([1, -1]))
def test_kl_is_zero_exactly_where_the_two_are_equal(mu, logvar, step, sign):
    assert (losses.kl_diagonal_normals(mu, logvar, mu, logvar) == 0).all()
    assert (losses.kl_diagonal_normals(mu, logvar, mu + sign * step, logvar) > 0).all()
    assert (losses.kl_diagonal_normals(mu, logvar, mu, logvar + sign * step) > 0).all()


@fast
@given(st.sampled_from(sorted(ORACLES)), st.integers(0, 1000), st.permutations(range(5)))
def test_each_sample_has_its_own_loss(name, seed, order):
    function, given_ = getattr(losses, name), arguments((5, 2, 3), seed)[name]
    whole = function(*given_)
    torch.testing.assert_close(function(*[t[order] for t in given_]), whole[order])
    torch.testing.assert_close(torch.cat([function(*[t[i : i + 1] for t in given_]) for i in range(5)]), whole)


@pytest.mark.parametrize("name", ORACLES)
def test_float32_stays_float32(name):
    given_ = [t.float() if t.is_floating_point() else t for t in arguments((3, 4))[name]]
    assert getattr(losses, name)(*given_).dtype == torch.float32


@pytest.mark.parametrize("name", ORACLES)
def test_diverged_parameters_show_in_their_own_sample_alone(name):
    given_ = arguments((3, 4))[name]
    given_[0][1] = NAN
    assert getattr(losses, name)(*given_).isnan().tolist() == [False, True, False]


def test_elbo_bound_is_minus_the_sum_of_its_parts():
    elbo = losses.Elbo(torch.tensor([2.0, 3.0]), torch.tensor([[0.5, 0.0], [0.125, 0.125]]))
    assert elbo.kl.tolist() == [0.5, 0.25]
    assert elbo.bound.tolist() == [-2.5, -3.25]


def test_kl_in_each_dimension_is_that_of_torch():
    mu, logvar, mu_p, logvar_p = (rand(4, 3, scale=1.0, seed=i) for i in range(4))
    torch.testing.assert_close(
        losses.kl_in_each_dimension(mu, logvar, mu_p, logvar_p), kl_oracle(mu, logvar, mu_p, logvar_p)
    )


def test_free_bits_by_hand():
    kl = torch.tensor([[0.0, 1.0, 4.0], [0.2, 0.0, 2.0]])  # means over the batch 0.1, 0.5, 3
    assert losses.free_bits(kl, 0.0).item() == pytest.approx(3.6)
    assert losses.free_bits(kl, 0.3).item() == pytest.approx(0.3 + 0.5 + 3)
    assert losses.free_bits(kl, 5.0).item() == pytest.approx(15)


def test_free_bits_pull_on_what_lies_above_the_floor_alone():
    kl = torch.tensor([[0.0, 1.0], [0.2, 3.0]], requires_grad=True)
    (gradient,) = torch.autograd.grad(losses.free_bits(kl, 0.5), kl)
    assert gradient.tolist() == [[0.0, 0.5], [0.0, 0.5]]


@pytest.mark.parametrize(
    ("kl", "floor"), [(rand(3), 0.1), (rand(0, 2), 0.1), (torch.ones(2, 2).long(), 0.1), (rand(2, 2), -0.1)]
)
def test_free_bits_refuse_bad_input(kl, floor):
    with pytest.raises(ValueError, match=r"give floats \(B, D\) and a floor >= 0"):
        losses.free_bits(kl, floor)


@fast
@given(floats((4, 3), -30, 30), st.floats(-1000, 1000))
def test_importance_weighted_bound_is_the_log_mean_and_moves_with_a_shift(log_w, c):
    bound = losses.importance_weighted_bound(log_w)
    torch.testing.assert_close(bound, log_w.exp().mean(0).log())
    torch.testing.assert_close(losses.importance_weighted_bound(log_w + c), bound + c)


@fast
@given(floats((4, 3), -30, 30))
def test_importance_weighted_bound_lies_between_the_mean_and_the_largest(log_w):
    bound = losses.importance_weighted_bound(log_w)
    assert (bound >= log_w.mean(0) - 1e-9).all()
    assert (bound <= log_w.max(0).values + 1e-9).all()
    torch.testing.assert_close(losses.importance_weighted_bound(log_w[:1]), log_w[0])


@fast
@given(floats((5, 3), -30, 30))
def test_importance_weighted_bound_rises_with_k_on_average(log_w):
    """Burda et al. 2016, theorem 1: the average over subsets of size K - 1 is no larger than the bound with K."""
    subsets = [losses.importance_weighted_bound(torch.cat([log_w[:i], log_w[i + 1 :]])) for i in range(5)]
    assert (torch.stack(subsets).mean(0) <= losses.importance_weighted_bound(log_w) + 1e-9).all()


A, U = torch.full((2, 3), 0.5), torch.ones(2, 3, dtype=torch.uint8)
Y = torch.zeros(2, dtype=torch.int64)
BAD = [
    ("bernoulli_nll", (A, A[:, :2]), "shapes differ.*equal shapes"),
    ("bernoulli_nll", (A, A[:1]), "shapes differ"),
    ("bernoulli_nll", (A, U), "uint8; divide uint8 images by 255"),
    ("bernoulli_nll", (A[:0], A[:0]), "at least one sample"),
    ("bernoulli_nll", (A[0, 0], A[0, 0]), "at least one sample"),
    ("bernoulli_nll", (A, A + 1), r"x runs from 1.5 to 1.5; give values in \[0, 1\]"),
    ("bernoulli_nll", (A, A - 1), r"values in \[0, 1\]"),
    ("bernoulli_nll", (A, A * NAN), r"x runs from nan to nan; give values in \[0, 1\]"),
    ("continuous_bernoulli_nll", (A, A[:1]), "shapes differ"),
    ("continuous_bernoulli_nll", (A, A * 4), r"values in \[0, 1\]"),
    ("gaussian_nll", (A, A[:1], A), "shapes differ: mu .*logvar .*x"),
    ("gaussian_nll", (A, A, U), "divide uint8 images by 255"),
    ("gaussian_nll", (A, A, A * INF), "give finite values"),
    ("gaussian_nll", (A, A, A * NAN), "give finite values"),
    ("gaussian_nll", (A[:0], A[:0], A[:0]), "at least one sample"),
    ("categorical_nll", (A, Y.float()), "y has dtype torch.float32; classes are int64"),
    ("categorical_nll", (A, Y[:1]), r"do not fit y \(1,\) int64; give \(B, ..., K\) and \(B, ...\)"),
    ("categorical_nll", (A[0], Y[0]), r"logits \(3,\) float32 do not fit y \(\)"),
    ("categorical_nll", (U, Y), "do not fit"),
    ("categorical_nll", (A[:0], Y[:0]), "do not fit"),
    ("categorical_nll", (A, Y + 3), r"y runs from 3 to 3; give values in \[0, 2\]"),
    ("categorical_nll", (A, Y - 1), r"values in \[0, 2\]"),
    ("kl_diagonal_normals", (A, A[:1]), "shapes differ"),
    ("kl_diagonal_normals", (A, A, A[:1]), "shapes differ.*mu_p"),
    ("kl_diagonal_normals", (A, A, A, A[:1]), "shapes differ.*logvar_p"),
    ("kl_diagonal_normals", (U, U), "floats are needed"),
    ("kl_diagonal_normals", (A[:0], A[:0]), "at least one sample"),
    ("importance_weighted_bound", (A[0],), r"log_w is \(3,\) float32; give floats of shape \(K, B\)"),
    ("importance_weighted_bound", (A[:0],), r"shape \(K, B\)"),
    ("importance_weighted_bound", (U,), "give floats"),
]


@pytest.mark.parametrize(("name", "given_", "message"), BAD)
def test_bad_input_is_refused(name, given_, message):
    with pytest.raises(ValueError, match=message):
        getattr(losses, name)(*given_)


# --- squared error and divergences ---------------------------------------------------------------------------------


def distributions(seed, classes=6, batch=4):
    """Two batches of probabilities."""
    return rand(batch, classes, seed=seed).softmax(1), rand(batch, classes, seed=seed + 1000).softmax(1)


def per_sample(function, *batches):
    return torch.tensor(
        [float(function(*row)) for row in zip(*(b.numpy() for b in batches), strict=True)], dtype=torch.float64
    )


PAIRS = {
    "kl_categorical": lambda p, q: stats.entropy(p, q),
    "js_divergence": lambda p, q: jensenshannon(p, q) ** 2,
    "total_variation": lambda p, q: abs(p - q).sum() / 2,
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", PAIRS)
def test_divergence_is_scipys(name, seed):
    p, q = distributions(seed)
    p[0, :2], q[0, 2:4] = torch.tensor([0.0, 0.0]), p[0, 2:4]  # zeros in p
    p, q = p / p.sum(1, keepdim=True), q / q.sum(1, keepdim=True)
    got = getattr(losses, name)(p, q)
    assert got.shape == (4,)
    torch.testing.assert_close(got, per_sample(PAIRS[name], p, q), rtol=1e-9, atol=1e-9)


def test_kl_categorical_is_torchs_and_its_gradient_too():
    logits_p, logits_q = rand(3, 5).requires_grad_(), rand(3, 5, seed=1).requires_grad_()
    ours = losses.kl_categorical(logits_p.softmax(1), logits_q.softmax(1))
    torchs = D.kl_divergence(D.Categorical(logits=logits_p), D.Categorical(logits=logits_q))
    torch.testing.assert_close(ours, torchs)
    for a, b in zip(
        torch.autograd.grad(ours.sum(), (logits_p, logits_q)),
        torch.autograd.grad(torchs.sum(), (logits_p, logits_q)),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


def test_kl_categorical_is_infinite_where_q_misses_p_and_zero_where_both_are_zero():
    p, q = torch.tensor([[0.5, 0.5, 0.0]]), torch.tensor([[1.0, 0.0, 0.0]])
    assert losses.kl_categorical(p, q).item() == INF
    assert losses.kl_categorical(q, p).item() == pytest.approx(math.log(2))
    assert losses.kl_categorical(q, q).item() == 0


def test_divergences_of_distributions_that_share_no_class_are_at_their_bounds():
    p, q = torch.tensor([[0.3, 0.7, 0.0, 0.0]]), torch.tensor([[0.0, 0.0, 0.6, 0.4]])
    assert losses.js_divergence(p, q).item() == pytest.approx(math.log(2))
    assert losses.total_variation(p, q).item() == pytest.approx(1)


@fast
@given(st.integers(0, 10_000))
def test_divergences_keep_their_order(seed):
    """Pinsker: TV² <= KL/2; and 0 <= JS <= log 2 · TV; JS and TV are symmetric."""
    p, q = distributions(seed)
    kl, js, tv = (getattr(losses, name)(p, q) for name in PAIRS)
    assert (2 * tv.square() <= kl + 1e-12).all()
    assert ((js >= 0) & (js <= math.log(2) * tv + 1e-12)).all()
    torch.testing.assert_close(js, losses.js_divergence(q, p))
    torch.testing.assert_close(tv, losses.total_variation(q, p))


@pytest.mark.parametrize("seed", range(5))
def test_wasserstein_1d_is_scipys(seed):
    x, y = rand(3, 40, seed=seed), 2 * rand(3, 40, seed=seed + 100) + 1
    torch.testing.assert_close(losses.wasserstein_1d(x, y), per_sample(stats.wasserstein_distance, x, y))


@fast
@given(floats((1, 6)), floats((1, 6)), floats((1, 6)), st.floats(-3, 3))
def test_wasserstein_1d_is_a_metric_that_follows_shifts(x, y, z, shift):
    w = losses.wasserstein_1d
    assert w(x, y) <= w(x, z) + w(z, y) + 1e-9
    torch.testing.assert_close(w(x, y), w(y, x))
    torch.testing.assert_close(
        w(x, x.flip(1) + shift), torch.tensor([abs(shift)], dtype=torch.float64), rtol=1e-9, atol=1e-9
    )


def test_gradient_of_wasserstein_1d_pulls_every_point_however_far():
    x = rand(1, 5).requires_grad_()
    (gradient,) = torch.autograd.grad(losses.wasserstein_1d(x, x.detach() + 1000).sum(), x)
    torch.testing.assert_close(gradient, torch.full((1, 5), -0.2).double())


@pytest.mark.parametrize("shape", [(6,), (6, 3), (6, 1, 4, 5)])
def test_squared_error_is_torchs_summed_over_all_but_the_batch(shape):
    a, b = rand(*shape), rand(*shape, seed=1)
    expected = torch.nn.functional.mse_loss(a, b, reduction="none")
    torch.testing.assert_close(losses.squared_error(a, b), summed(expected))
    # Twice the Normal's -log density with variance 1, without its constant.
    zero = losses.gaussian_nll(b, torch.zeros_like(b), b)
    torch.testing.assert_close(2 * (losses.gaussian_nll(a, torch.zeros_like(a), b) - zero), summed(expected))


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(
    ("p", "q", "message"),
    [
        (torch.tensor([[0.5, 0.6]]), torch.tensor([[0.5, 0.5]]), "the sum of p over its classes runs from 1.1"),
        (torch.tensor([[0.5, 0.5]]), torch.tensor([[2.0, 1.0]]), "the sum of q over its classes"),
        (torch.tensor([[1.5, -0.5]]), torch.tensor([[0.5, 0.5]]), "p runs from -0.5 to 1.5"),
        (torch.tensor([[0.5, 0.5]]), torch.tensor([[NAN, 0.5]]), "q runs from nan"),
        (torch.tensor([0.5, 0.5]), torch.tensor([0.5, 0.5]), r"give probabilities of shape \(B, K\)"),
        (torch.tensor([[0.5, 0.5]]), torch.tensor([[1.0]]), "shapes differ"),
    ],
)
def test_what_is_no_distribution_is_refused(name, p, q, message):
    with pytest.raises(ValueError, match=message):
        getattr(losses, name)(p, q)


def test_wasserstein_1d_refuses_single_samples():
    with pytest.raises(ValueError, match=r"give B samples of N numbers, shape \(B, N\)"):
        losses.wasserstein_1d(torch.zeros(3), torch.zeros(3))


# Adversarial objectives, on scores


def cross_entropy(scores, target):
    return torch.nn.functional.binary_cross_entropy(scores.sigmoid(), torch.full_like(scores, target), reduction="none")


# By name: the discriminator's loss of (real, fake) and the generator's of fake, written as the papers print them.
ADVERSARIAL_ORACLES = {
    "minimax": (
        lambda real, fake: cross_entropy(real, 1.0) + cross_entropy(fake, 0.0),
        lambda fake: (1 - fake.sigmoid()).log(),
    ),
    "non-saturating": (
        lambda real, fake: cross_entropy(real, 1.0) + cross_entropy(fake, 0.0),
        lambda fake: cross_entropy(fake, 1.0),
    ),
    "least squares": (
        lambda real, fake: ((real - 1) ** 2 + fake**2) / 2,
        lambda fake: (fake - 1) ** 2 / 2,
    ),
    "hinge": (
        lambda real, fake: -torch.minimum(real - 1, 0 * real) - torch.minimum(-1 - fake, 0 * fake),
        lambda fake: -fake,
    ),
    "wasserstein": (lambda real, fake: -(real - fake), lambda fake: -fake),
}


def test_there_is_an_oracle_for_every_adversarial_objective():
    assert set(ADVERSARIAL_ORACLES) == set(losses.ADVERSARIAL)


@pytest.mark.parametrize("name", ADVERSARIAL_ORACLES)
@pytest.mark.parametrize("shape", [(50,), (20, 3)])
def test_adversarial_losses_are_those_of_the_papers_one_per_score(name, shape):
    real, fake = rand(*shape), rand(*shape, seed=1)
    pair, (discriminator, generator) = losses.ADVERSARIAL[name], ADVERSARIAL_ORACLES[name]
    torch.testing.assert_close(pair.discriminator(real, fake), discriminator(real, fake))
    torch.testing.assert_close(pair.generator(fake), generator(fake))


@pytest.mark.parametrize("name", ["minimax", "non-saturating"])
def test_adversarial_losses_of_extreme_logits_are_finite(name):
    scores = torch.tensor([-300.0, 300.0], requires_grad=True)
    pair = losses.ADVERSARIAL[name]
    values = torch.cat([pair.discriminator(scores, scores), pair.generator(scores)])
    (slope,) = torch.autograd.grad(values.sum(), scores)
    assert values.isfinite().all() and slope.isfinite().all()
    assert values.abs().max() == 300


@pytest.mark.parametrize("name", ADVERSARIAL_ORACLES)
def test_the_two_players_pull_the_score_of_a_fake_in_opposite_directions(name):
    fake = torch.linspace(-0.9, 0.9, 19, dtype=torch.float64, requires_grad=True)
    pair = losses.ADVERSARIAL[name]
    (d,) = torch.autograd.grad(pair.discriminator(torch.zeros_like(fake), fake).sum(), fake)
    (g,) = torch.autograd.grad(pair.generator(fake).sum(), fake)
    assert (g < 0).all()
    if name != "least squares":  # there the discriminator pulls towards 0, from either side
        assert (d > 0).all()


@pytest.mark.parametrize("name", ["minimax", "non-saturating"])
def test_the_best_score_is_the_log_ratio_of_the_densities(name):
    p, q = rand(7, seed=2).softmax(0), rand(7, seed=3).softmax(0)
    scores = (p / q).log().requires_grad_()
    sure = torch.full_like(scores, 1e4)  # a score that costs nothing, so that the other term stands alone
    loss = losses.ADVERSARIAL[name].discriminator
    value = (p * loss(scores, -sure) + q * loss(sure, scores)).sum()
    torch.testing.assert_close(torch.autograd.grad(value, scores)[0], torch.zeros(7).double(), atol=1e-12, rtol=0)
    expected = math.log(4) - 2 * losses.js_divergence(p[None], q[None])[0]
    torch.testing.assert_close(value.detach(), expected)


# Penalties on the slope of a critic


def test_penalties_of_a_linear_critic_are_those_of_its_weights():
    w, real, fake = rand(3, 4), rand(5, 3, 4, seed=1), rand(5, 3, 4, seed=2)
    critic = lambda x: (x * w).flatten(1).sum(1)  # noqa: E731
    norm = w.norm()
    torch.testing.assert_close(losses.gradient_penalty(critic, real, fake), ((norm - 1) ** 2).expand(5))
    torch.testing.assert_close(losses.r1(critic, real), (norm**2 / 2).expand(5))


def test_r1_of_a_quadratic_critic_is_its_closed_form_at_the_real_points():
    A = rand(4, 4)
    real = rand(6, 4, seed=1)
    critic = lambda x: 0.5 * ((x @ (A + A.T) / 2) * x).sum(1)  # noqa: E731
    torch.testing.assert_close(losses.r1(critic, real, 100 * real), 0.5 * (real @ (A + A.T) / 2).square().sum(1))


def test_the_gradient_penalty_looks_between_each_real_point_and_its_fake():
    seen = []
    real, fake = rand(200, 3), rand(200, 3, seed=1)
    torch.manual_seed(0)
    losses.gradient_penalty(lambda x: seen.append(x.detach()) or x.sum(1), real, fake)
    t = (seen[0] - real) / (fake - real)
    torch.testing.assert_close(t, t[:, :1].expand(200, 3))  # one share a pair
    assert stats.kstest(t[:, 0].numpy(), "uniform").pvalue > 0.01


def test_penalties_match_finite_differences_in_the_point_and_in_the_weights():
    real, fake = rand(3, 2, scale=1.0), rand(3, 2, scale=1.0, seed=1)
    w = rand(2, 4, scale=1.0, seed=2).requires_grad_()
    v = rand(4, scale=1.0, seed=3).requires_grad_()

    def of_weights(penalty):
        def value(w, v):
            torch.manual_seed(0)  # the same points on the lines each time
            return penalty(lambda x: (x @ w).tanh() @ v, real, fake)

        return value

    for penalty in (losses.r1, losses.gradient_penalty):
        assert torch.autograd.gradcheck(of_weights(penalty), (w, v))
    step = 1e-6
    at = lambda x: (x @ w).tanh() @ v  # noqa: E731
    slope = torch.stack([(at(real + step * e) - at(real - step * e)) / (2 * step) for e in torch.eye(2).double()], 1)
    torch.testing.assert_close(losses.r1(at, real), 0.5 * slope.square().sum(1), rtol=1e-6, atol=1e-8)


def test_penalties_of_replicas_come_apart_by_column():
    w = rand(2, 3, seed=1)  # three linear critics on the plane
    critic = lambda x: torch.einsum("bsi,is->bs", x, w)  # noqa: E731
    real, fake = rand(5, 3, 2), rand(5, 3, 2, seed=2)
    torch.testing.assert_close(losses.r1(critic, real), (w.square().sum(0) / 2).expand(5, 3))
    expected = (w.norm(dim=0) - 1).square().expand(5, 3)
    torch.testing.assert_close(losses.gradient_penalty(critic, real, fake), expected)


def test_the_gradient_penalty_of_a_flat_critic_has_a_gradient():
    w = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    value = losses.gradient_penalty(lambda x: x @ w, rand(4, 2), rand(4, 2, seed=1))
    torch.testing.assert_close(value.detach(), torch.ones(4).double(), atol=1e-5, rtol=0)
    assert torch.autograd.grad(value.sum(), w)[0].isfinite().all()


def test_penalties_leave_no_gradient_in_the_data_and_work_without_grad_mode():
    real, fake = rand(4, 2), rand(4, 2, seed=1)
    with torch.no_grad():
        losses.r1(lambda x: x.square().sum(1), real)
    assert not real.requires_grad and not fake.requires_grad and real.grad is None


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (torch.zeros(3, 2), torch.zeros(4, 2), "shapes differ: real"),
        (torch.zeros(3, 2, dtype=torch.uint8), torch.zeros(3, 2, dtype=torch.uint8), "floats are needed"),
    ],
)
def test_the_gradient_penalty_refuses_what_does_not_fit(real, fake, message):
    with pytest.raises(ValueError, match=message):
        losses.gradient_penalty(lambda x: x.sum(1), real, fake)


@given(floats((4, 4)))
@fast
def test_contrastive_is_the_cross_entropy_of_finding_the_partner_in_rows_and_columns(similarity):
    rows = D.Categorical(logits=similarity).log_prob(torch.arange(4))
    columns = D.Categorical(logits=similarity.T).log_prob(torch.arange(4))
    torch.testing.assert_close(losses.contrastive(similarity), -(rows + columns) / 2)


def test_contrastive_is_log_b_at_chance_and_nothing_where_all_partners_are_found():
    torch.testing.assert_close(losses.contrastive(torch.full((6, 6), 3.0)), torch.full((6,), math.log(6)))
    assert losses.contrastive(100 * torch.eye(6)).max() < 1e-6
    lopsided = rand(6, 6)
    torch.testing.assert_close(losses.contrastive(lopsided), losses.contrastive(lopsided.T))


@pytest.mark.parametrize("shape", [(3, 4), (3,), (2, 3, 3), (0, 0)])
def test_contrastive_refuses_what_is_not_square(shape):
    with pytest.raises(ValueError, match=r"give floats of shape \(B, B\)"):
        losses.contrastive(torch.zeros(shape))
    with pytest.raises(ValueError, match="int64"):
        losses.contrastive(torch.eye(3, dtype=torch.int64))
