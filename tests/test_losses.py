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
    elbo = losses.Elbo(torch.tensor([2.0, 3.0]), torch.tensor([0.5, 0.25]))
    assert elbo.bound.tolist() == [-2.5, -3.25]


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
