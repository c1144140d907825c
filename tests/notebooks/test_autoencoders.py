"""Notebook 07's functions against scikit-learn, scipy, quadrature and `course_lib.linear_gaussian`."""

from types import SimpleNamespace

import books
import pytest
import torch
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression

from course_lib.data import toy
from course_lib.linear_gaussian import ProbabilisticPCA

BOOK = SimpleNamespace(**books.definitions(books.of("07")))

each_size = pytest.mark.parametrize(("n", "dims", "k"), [(20, 3, 1), (50, 5, 2), (200, 8, 7), (12, 20, 3)])


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def data(n, dims):
    """Points in a slanted cloud away from the origin."""
    return random(n, dims) @ random(dims, dims, seed=1) + 4 * random(dims, seed=2)


# --- linear codes --------------------------------------------------------------------------------------------------


@each_size
def test_pca_restores_what_sklearn_does_with_its_variances(n, dims, k):
    x = data(n, dims)
    middle, directions, variances = BOOK.pca(x, k)
    theirs = PCA(k, svd_solver="full").fit(x.numpy())
    restored = torch.from_numpy(theirs.inverse_transform(theirs.transform(x.numpy())))
    torch.testing.assert_close(BOOK.through(x, middle, directions), restored)
    torch.testing.assert_close(variances[:k] * n / (n - 1), torch.from_numpy(theirs.explained_variance_))
    error = (x - restored).square().sum(1).mean()
    torch.testing.assert_close(variances[k:].sum(), error, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize(("dims", "k"), [(3, 1), (6, 2), (9, 4)])
def test_largest_angle_is_scipys(dims, k):
    P, Q = random(dims, k), random(dims, k, seed=1)
    wanted = torch.from_numpy(subspace_angles(P.numpy(), Q.numpy()))[0].rad2deg()
    torch.testing.assert_close(BOOK.largest_angle(P, Q), wanted)
    both = BOOK.largest_angle(torch.stack([P, Q]), Q)
    torch.testing.assert_close(both[0], wanted)


def test_largest_angle_is_exact_near_zero_and_at_ninety_degrees():
    P = torch.eye(4, dtype=torch.float64)[:, :2]
    tilted = P.clone()
    tilted[2, 0] = 1e-9
    assert BOOK.largest_angle(P, tilted).deg2rad().item() == pytest.approx(1e-9, rel=1e-6)
    assert BOOK.largest_angle(P, P @ random(2, 2)) < 1e-12
    assert BOOK.largest_angle(P, torch.eye(4, dtype=torch.float64)[:, 1:3]).item() == pytest.approx(90)


def test_unexplained_is_one_minus_r_squared():
    a, b = data(60, 2), random(60, 2, seed=5)
    fitted = LinearRegression().fit(a.numpy(), b.numpy()).predict(a.numpy())
    left = (b - torch.from_numpy(fitted)).square().sum() / (b - b.mean(0)).square().sum()
    assert BOOK.unexplained(a, b) == pytest.approx(left.item())
    assert BOOK.unexplained(a, a @ random(2, 2) + 3) < 1e-12


def test_alone_forgives_order_sign_and_scale_and_nothing_else():
    a = data(60, 2)
    assert BOOK.alone(a, a.flip(1) * torch.tensor([-2.0, 0.1]) + 1) < 1e-12
    assert BOOK.alone(a, a @ random(2, 2, seed=3)) > 0.01


# --- denoising -----------------------------------------------------------------------------------------------------


@pytest.fixture
def uneven():
    """A mixture whose weights and widths differ."""
    return toy.Mixture(random(3, 2), torch.tensor([0.2, 0.5, 0.9]), torch.tensor([0.5, 0.2, 0.3]))


def test_posterior_mean_is_bayes_rule_on_a_grid(uneven):
    ticks = torch.linspace(-8, 8, 801, dtype=torch.float64)
    at = torch.cartesian_prod(ticks, ticks)
    noisy = random(4, 2, seed=7)
    for point, found in zip(noisy, BOOK.posterior_mean(uneven, noisy, 0.6), strict=True):
        weights = (uneven.log_prob(at) - 0.5 * ((point - at) / 0.6).square().sum(1)).softmax(0)
        torch.testing.assert_close(weights @ at, found, atol=1e-5, rtol=1e-5)


def test_score_is_the_slope_of_the_log_density(uneven):
    x, step = random(5, 2, seed=8), 1e-6
    for i, found in enumerate(BOOK.score(uneven, x).T):
        move = step * torch.eye(2, dtype=torch.float64)[i]
        slope = (uneven.log_prob(x + move) - uneven.log_prob(x - move)) / (2 * step)
        torch.testing.assert_close(found, slope, atol=1e-6, rtol=1e-6)


def test_patches_are_whole_and_a_quarter_of_them_stays():
    torch.manual_seed(0)
    seen = BOOK.with_holes(torch.ones(500, 1, 28, 28))
    patches = seen.unflatten(3, (4, 7)).unflatten(2, (4, 7)).transpose(3, 4).flatten(4)  # (B, 1, 4, 4, 49)
    assert (patches == patches[..., :1]).all()
    assert set(seen.unique().tolist()) == {0.0, 1.0}
    assert seen.mean().item() == pytest.approx(0.25, abs=0.02)  # five standard errors


# --- drawing codes -------------------------------------------------------------------------------------------------


def test_ways_to_draw_follow_the_codes():
    torch.manual_seed(0)
    codes = data(2000, 2)
    drawn = BOOK.ways(codes, 20_000)
    assert all(z.shape == (20_000, 2) and z.dtype == codes.dtype for z in drawn.values())
    assert (drawn["box"] >= codes.amin(0)).all()
    assert (drawn["box"] <= codes.amax(0)).all()
    torch.testing.assert_close(drawn["box"].mean(0), (codes.amin(0) + codes.amax(0)) / 2, atol=0.1, rtol=0)
    for way in ("Normal", "mixture"):
        torch.testing.assert_close(drawn[way].mean(0), codes.mean(0), atol=0.1, rtol=0)
        torch.testing.assert_close(drawn[way].T.cov(), codes.T.cov(), atol=0.1, rtol=0.05)
    assert not torch.isin(drawn["mixture"][:, 0], codes[:, 0]).any()


def test_one_unseen_code_in_twenty_lies_in_a_hole():
    codes, unseen = random(3000, 2), random(2000, 2, seed=1)
    far = BOOK.far_of(codes, unseen)
    assert BOOK.in_hole(unseen, codes, far).double().mean().item() == pytest.approx(0.05, abs=0.001)
    assert not BOOK.in_hole(codes, codes, far).any()
    assert BOOK.in_hole(unseen + 50, codes, far).all()


# --- probabilistic PCA ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "dims", "k"), [(20, 3, 1), (50, 5, 2), (200, 8, 7)])
def test_probabilistic_pca_is_the_packages(n, dims, k):
    x = data(n, dims)
    theirs = ProbabilisticPCA.fit(x, k)
    W, middle, sigma = BOOK.fit_ppca(x, k)
    torch.testing.assert_close(W @ W.T, theirs.W @ theirs.W.T)
    assert sigma.item() == pytest.approx(theirs.sigma)
    torch.testing.assert_close(BOOK.marginal(W, middle, sigma).log_prob(x), theirs.log_prob(x))
    means, cov = BOOK.posterior(x, W, middle, sigma)
    wanted = ProbabilisticPCA(W, middle, theirs.sigma).posterior(x)
    torch.testing.assert_close(means, wanted.mean)
    torch.testing.assert_close(cov, wanted.covariance_matrix[0])
