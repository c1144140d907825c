"""Notebook 09's functions against torch's distributions, scikit-learn and what has to hold whatever the numbers."""

import math
from types import SimpleNamespace

import books
import pytest
import torch
from sklearn.metrics import mutual_info_score
from torch.distributions import MultivariateNormal, Normal, kl_divergence

BOOK = SimpleNamespace(**books.definitions(books.of("09")))
VARIANCES = torch.tensor([8.0, 4.0, 2.0, 1.0, 0.5, 0.25], dtype=torch.float64)


@pytest.fixture(autouse=True)
def world(monkeypatch):
    """The variances that the notebook sets before it defines functions of them."""
    monkeypatch.setitem(BOOK.best.__globals__, "variances", VARIANCES)


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# --- the linear world ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("beta", "sigma2"), [(0.3, 1.0), (1.0, 1.0), (1.0, 3.0), (20.0, 1.0)])
def test_no_other_errors_cost_less_than_the_best(beta, sigma2):
    def cost(errors):
        return (errors / (2 * sigma2) + beta * 0.5 * (VARIANCES / errors).log()).sum(-1)

    rates, errors = BOOK.best(beta, sigma2)
    torch.testing.assert_close(rates, 0.5 * (VARIANCES / errors).log())
    share = torch.rand(2000, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert cost(errors) <= cost(share * VARIANCES).min()


def test_rate_and_distortion_are_the_means_over_the_data():
    A, W, logvar = 0.3 * random(1, 6, 6), 0.3 * random(1, 6, 6, seed=1), 0.5 * random(1, 6, seed=2)
    rates, distortion = BOOK.rate_and_distortion(A, W, logvar)
    x = random(400_000, 6, seed=3) * VARIANCES.sqrt()
    q = Normal(x @ A[0].T, (0.5 * logvar[0]).exp())
    z = q.mean + q.stddev * random(400_000, 6, seed=4)
    torch.testing.assert_close(rates[0], kl_divergence(q, Normal(0.0, 1.0)).mean(0), rtol=0.01, atol=0.005)
    torch.testing.assert_close(distortion[0], 0.5 * (x - z @ W[0].T).square().sum(1).mean(), rtol=0.01, atol=0)


def test_rate_splits_into_the_divergences_that_torch_knows():
    A, logvar = random(6, 6), random(6, seed=1)
    rate, information, mismatch = BOOK.closed_forms(A, logvar)
    mixed = MultivariateNormal(torch.zeros(6).double(), A @ VARIANCES.diag() @ A.T + logvar.exp().diag())
    prior = MultivariateNormal(torch.zeros(6).double(), torch.eye(6).double())
    assert mismatch == pytest.approx(kl_divergence(mixed, prior).item())
    given = MultivariateNormal(torch.zeros(6).double(), logvar.exp().diag())
    assert information == pytest.approx((mixed.entropy() - given.entropy()).item())
    assert rate == pytest.approx(information + mismatch)


# --- codes and the prior ---------------------------------------------------------------------------------------------


def split(mu, logvar):
    z = mu + (0.5 * logvar).exp() * random(*mu.shape, seed=5)
    return z, *BOOK.split_rate(z, mu, logvar)


def test_both_parts_add_up_to_the_log_ratio_of_the_same_draws():
    mu, logvar = 2 * random(300, 3), random(300, 3, seed=1)
    z, information, mismatch = split(mu, logvar)
    ratio = Normal(mu, (0.5 * logvar).exp()).log_prob(z) - Normal(0.0, 1.0).log_prob(z)
    assert information + mismatch == pytest.approx(ratio.sum(1).mean().item())


def test_information_is_zero_for_one_posterior_and_log_n_for_posteriors_far_apart():
    assert split(torch.zeros(50, 2).double(), torch.zeros(50, 2).double())[1] == pytest.approx(0, abs=1e-12)
    apart = 1000 * torch.arange(50.0).double()[:, None].expand(50, 2)
    assert split(apart, torch.zeros(50, 2).double())[1] == pytest.approx(math.log(50))


# --- the decoder that looks back -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "reach"), [(3, 1), (5, 2), (6, 3), (4, 0)])
def test_each_pixel_sees_its_window_and_nothing_drawn_later(side, reach):
    torch.manual_seed(0)
    decoder = BOOK.WindowDecoder(2, side, reach).double()
    z = random(1, 2)
    jacobian = torch.autograd.functional.jacobian(
        lambda x: decoder(z, x).flatten(), random(1, 1, side, side, seed=1)
    ).view(side * side, side * side)
    for i, sees in enumerate(jacobian != 0):
        row, column = divmod(i, side)
        earlier = [divmod(j, side) for j in range(i)]
        window = [r * side + c for r, c in earlier if row - r <= reach and abs(c - column) <= reach]
        assert set(sees.nonzero()[:, 0].tolist()) <= set(window)
        assert len(window) == 0 or sees.any()


# --- disentanglement -------------------------------------------------------------------------------------------------


def test_information_is_scikit_learns():
    codes, factors = random(400, 3), random(400, 2, seed=1)
    factors[:, 0] += codes[:, 1]
    found = BOOK.information(codes, factors)

    def bins(x):
        return (((x - x.min()) / (x.max() - x.min()) * 20).long().clamp(max=19)).numpy()

    wanted = [[mutual_info_score(bins(c), bins(f)) for f in factors.T] for c in codes.T]
    torch.testing.assert_close(found, torch.tensor(wanted, dtype=torch.float64))


def test_gap_is_one_for_codes_that_are_the_factors_and_zero_for_codes_said_twice():
    factors = torch.stack([torch.arange(400) % 20, torch.arange(400) // 20], 1).double()  # independent and even
    torch.testing.assert_close(BOOK.gap(factors, factors), torch.ones(2).double())
    torch.testing.assert_close(BOOK.gap(torch.cat([factors, factors], 1), factors), torch.zeros(2).double())


def test_turning_keeps_all_distances():
    codes = random(30, 4).float()
    torch.testing.assert_close(torch.pdist(BOOK.turned(codes)), torch.pdist(codes))
    assert (BOOK.turned(codes) - codes).abs().max() > 0.1
