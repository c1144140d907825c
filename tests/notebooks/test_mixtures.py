"""Notebook 06's mixture functions against scikit-learn, on random problems."""

import warnings
from types import SimpleNamespace

import books
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

BOOK = SimpleNamespace(**books.definitions(books.of("06")))
CLOSE = {"rtol": 0, "atol": 1e-8}

each_size = pytest.mark.parametrize(("dims", "k"), [(1, 1), (1, 3), (2, 4), (5, 2), (8, 3)])


def problem(dims, k, n=200):
    """Points in k overlapping clumps, and a start that is not one of the notebook's: random means and covariances."""
    generator = torch.Generator().manual_seed(10 * dims + k)
    random = {"generator": generator, "dtype": torch.float64}
    x = torch.randn(n, dims, **random) + 3 * torch.randn(k, dims, **random)[torch.arange(n) % k]
    root = torch.randn(k, dims, dims, **random)
    covs = root @ root.mT + torch.eye(dims)
    return x, BOOK.Mixture(torch.randn(k, **random).softmax(0), torch.randn(k, dims, **random), covs)


def sklearn(x, start, steps):
    given = {"weights": start.weights, "means": start.means, "precisions": torch.linalg.inv(start.covs)}
    given = {f"{name}_init": value.numpy() for name, value in given.items()}
    model = GaussianMixture(len(start.weights), max_iter=steps, tol=0, reg_covar=0, **given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(x.numpy())


@each_size
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_em_steps(dims, k, steps):
    x, start = problem(dims, k)
    theirs = sklearn(x, start, steps)
    ours, curve = BOOK.em(x, start, steps)
    for part, wanted in zip(ours, (theirs.weights_, theirs.means_, theirs.covariances_), strict=True):
        torch.testing.assert_close(part, torch.from_numpy(wanted), **CLOSE)
    assert curve[-1].item() / len(x) == pytest.approx(theirs.lower_bound_, abs=1e-8)


@each_size
def test_responsibilities_and_log_likelihood(dims, k):
    x, start = problem(dims, k)
    theirs = sklearn(x, start, 3)
    r, log_likelihood = BOOK.e_step(x, BOOK.em(x, start, 3)[0])
    torch.testing.assert_close(r, torch.from_numpy(theirs.predict_proba(x.numpy())), **CLOSE)
    assert log_likelihood.item() / len(x) == pytest.approx(theirs.score(x.numpy()), abs=1e-8)


@each_size
def test_bic(dims, k):
    x, start = problem(dims, k)
    ours = BOOK.bic(BOOK.e_step(x, BOOK.em(x, start, 3)[0])[1].item(), len(x), k, dims)
    assert ours == pytest.approx(sklearn(x, start, 3).bic(x.numpy()), abs=1e-8)


@each_size
def test_no_step_lowers_the_likelihood_with_or_without_a_floor(dims, k):
    x, start = problem(dims, k)
    for smallest in (0.0, 2.0):
        start = BOOK.floored(start, smallest)
        mixture, curve = BOOK.em(x, start, 30, smallest)
        assert (curve.diff() >= -1e-9).all()
        assert torch.linalg.eigvalsh(mixture.covs).min() >= smallest - 1e-9


def test_floor_lifts_small_variances_and_leaves_the_others():
    _, mixture = problem(3, 2)
    values = torch.linalg.eigvalsh(mixture.covs)
    floor = values.median()
    found = torch.linalg.eigvalsh(BOOK.floored(mixture, floor).covs)
    torch.testing.assert_close(found, values.clamp_min(floor))
    assert BOOK.floored(mixture, 0.0) is mixture


def test_several_data_sets_and_starts_at_once_are_as_each_alone():
    generator = torch.Generator().manual_seed(0)
    x = torch.stack([problem(2, 3)[0], problem(2, 4)[0]])
    starts = BOOK.random_starts(x, 3, 4, generator)
    together, curve = BOOK.em(x[:, None], starts, 10)
    for i in range(2):
        for j in range(4):
            alone, alone_curve = BOOK.em(x[i], BOOK.one(BOOK.one(starts, i), j), 10)
            torch.testing.assert_close([part[i, j] for part in together], list(alone))
            torch.testing.assert_close(curve[i, j], alone_curve)


def test_random_starts_lie_on_points():
    x, _ = problem(2, 3)
    starts = BOOK.random_starts(x, 5, 7, torch.Generator().manual_seed(0))
    found = (starts.means[:, :, None] == x).all(-1)  # (starts, K, points)
    assert (found.sum(-1) == 1).all()
    assert (found.any(1).sum(-1) == 5).all()


def test_samples_have_the_mixtures_mean_and_covariance():
    _, mixture = problem(2, 3)
    x = BOOK.sample(mixture, 200_000, torch.Generator().manual_seed(0))
    mean = mixture.weights @ mixture.means
    apart = mixture.means - mean
    cov = (mixture.weights[:, None, None] * (mixture.covs + apart[:, :, None] * apart[:, None])).sum(0)
    torch.testing.assert_close(x.mean(0), mean, rtol=0, atol=0.05)
    torch.testing.assert_close(x.T.cov(), cov, rtol=0.05, atol=0.05)
