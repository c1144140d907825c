import math

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal

from course_lib.likelihood import log_likelihood
from course_lib.linear_gaussian import ProbabilisticPCA

X = torch.zeros(2, 1, 28, 28)


def pca_and_data(n=40):
    W = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    pca = ProbabilisticPCA(W, torch.zeros(5, dtype=torch.float64), 0.8)
    return pca, pca.sample(n, torch.Generator().manual_seed(1))[0]


def widened(pca, seed=0, width=1.2, record=None):
    """log_weights for q a diagonal normal `width` times as wide as the exact posterior."""
    generator = torch.Generator().manual_seed(seed)

    def log_weights(x, k):
        mean, sd = pca.posterior(x).mean, width * pca.posterior_cov.diagonal().sqrt()
        z = mean + sd * torch.randn(k, *mean.shape, dtype=mean.dtype, generator=generator)
        log_w = pca.log_joint(x, z) - Independent(Normal(mean, sd), 1).log_prob(z)
        if record is not None:
            record.append(log_w)
        return log_w

    return log_weights


def exact(pca):
    """log_weights for q the exact posterior: each weight is p(x)."""

    def log_weights(x, k):
        q = pca.posterior(x)
        z = q.sample((k,))
        return pca.log_joint(x, z) - q.log_prob(z)

    return log_weights


def test_log_likelihood_agrees_with_the_exact_one():
    pca, x = pca_and_data()
    record = []
    estimate = log_likelihood(widened(pca, record=record), x, k=2000, chunk=16)
    per_chunk = len(record) // 3  # 40 points in chunks of 16, the draws of each in several calls
    weights = torch.cat([torch.cat(record[i * per_chunk : (i + 1) * per_chunk]) for i in range(3)], 1).exp()
    assert weights.shape == (2000, 40)
    relative_variance = weights.var(0) / weights.mean(0).square() / len(weights)
    standard_error = relative_variance.sum().sqrt().item() / len(x)  # of the k draws, the data held fixed
    assert standard_error < 0.01
    assert abs(estimate.mean - pca.log_prob(x).mean().item()) < 4 * standard_error


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_log_likelihood_with_the_exact_posterior_is_exact_with_one_draw(chunk):
    pca, x = pca_and_data()
    log_px = pca.log_prob(x)
    estimate = log_likelihood(exact(pca), x, k=1, chunk=chunk)
    assert estimate.mean == pytest.approx(log_px.mean().item(), rel=1e-9)
    assert estimate.standard_error == pytest.approx(log_px.numpy().std(ddof=1) / math.sqrt(40), rel=1e-9)


def test_log_likelihood_rises_with_k_towards_the_exact_one():
    pca, x = pca_and_data()
    runs = [[log_likelihood(widened(pca, s, width=2.0), x, k).mean for s in range(50)] for k in (1, 5, 50)]
    one, five, fifty = np.mean(runs, 1)
    errors = np.std(runs, 1, ddof=1) / math.sqrt(50)
    assert five - one > 4 * np.hypot(*errors[:2])
    assert fifty - five > 4 * np.hypot(*errors[1:])
    assert fifty < pca.log_prob(x).mean().item() + 4 * errors[2]


def test_log_likelihood_of_one_point_has_no_standard_error():
    pca, x = pca_and_data(1)
    estimate = log_likelihood(exact(pca), x, k=2)
    assert math.isfinite(estimate.mean)
    assert math.isnan(estimate.standard_error)


def test_log_likelihood_needs_no_gradient_and_all_its_draws():
    drawn = []

    def log_weights(x, k):
        assert not torch.is_grad_enabled()
        drawn.append(k)
        return torch.arange(sum(drawn) - k, sum(drawn)).double()[:, None].expand(k, len(x))

    estimate = log_likelihood(log_weights, torch.zeros(3, 1), k=120)
    assert sum(drawn) == 120
    assert estimate.mean == pytest.approx(np.log(np.mean(np.exp(np.arange(120.0)))))


@pytest.mark.parametrize(
    ("log_weights", "x", "k", "message"),
    [
        (None, X, 0, r"k is 0 .*give k >= 1"),
        (None, X[:0], 5, "at least one point"),
        (lambda x, k: torch.zeros(len(x)), X, 5, r"shape \(K, B\)"),
    ],
)
def test_log_likelihood_refuses_bad_input(log_weights, x, k, message):
    with pytest.raises(ValueError, match=message):
        log_likelihood(log_weights, x, k)
