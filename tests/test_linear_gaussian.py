import math

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from course_lib.linear_gaussian import ProbabilisticPCA

fast = settings(max_examples=50, deadline=None, derandomize=True)


def randn(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def model(dim=4, latent_dim=2, sigma=0.7, seed=0):
    return ProbabilisticPCA(randn(dim, latent_dim, seed=seed), randn(dim, seed=seed + 1), sigma)


def orthogonal_model(dim=4, latent_dim=2, sigma=0.7, seed=0):
    """A model whose posterior is diagonal, because the columns of W are orthogonal."""
    directions = torch.linalg.qr(randn(dim, latent_dim, seed=seed)).Q
    return ProbabilisticPCA(directions * torch.arange(1.0, latent_dim + 1), randn(dim, seed=seed + 1), sigma)


def covariance(pca):
    return pca.W @ pca.W.T + pca.sigma**2 * torch.eye(len(pca.mean), dtype=torch.float64)


def diagonal(mu, logvar):
    return Independent(Normal(mu, (0.5 * logvar).exp()), 1)


def test_log_prob_is_that_of_the_marginal_normal():
    pca, x = model(), 2 * randn(50, 4, seed=2)
    expected = scipy.stats.multivariate_normal(pca.mean.numpy(), covariance(pca).numpy()).logpdf(x.numpy())
    np.testing.assert_allclose(pca.log_prob(x).numpy(), expected, rtol=1e-10)


def test_marginal_integrates_to_one():
    pca = model(dim=2, latent_dim=1)
    grid = torch.linspace(-12, 12, 401, dtype=torch.float64)  # the trapezoid rule is exact to rounding for a normal
    density = pca.log_prob(torch.cartesian_prod(grid, grid)).exp().sum() * (grid[1] - grid[0]) ** 2
    assert density.item() == pytest.approx(1, abs=1e-9)


def test_joint_integrates_over_z_to_the_marginal():
    pca = model(dim=3, latent_dim=1)
    x, z = randn(5, 3, seed=2), torch.linspace(-12, 12, 801, dtype=torch.float64)
    log_joint = pca.log_joint(x, z[:, None, None].expand(-1, 5, 1))
    assert log_joint.shape == (801, 5)
    torch.testing.assert_close(log_joint.logsumexp(0) + (z[1] - z[0]).log(), pca.log_prob(x))


def test_joint_is_prior_times_likelihood():
    pca, x, z = model(), randn(5, 4, seed=2), randn(5, 2, seed=3)
    prior = Normal(torch.zeros_like(z), 1.0).log_prob(z).sum(1)
    likelihood = Normal(z @ pca.W.T + pca.mean, pca.sigma).log_prob(x).sum(1)
    torch.testing.assert_close(pca.log_joint(x, z), prior + likelihood)


def test_posterior_is_the_joint_normal_conditioned_on_x():
    pca, x = model(), randn(5, 4, seed=2)
    gain = pca.W.T @ torch.linalg.inv(covariance(pca))  # cov(z, x) cov(x)^-1
    q = pca.posterior(x)
    torch.testing.assert_close(q.mean, (x - pca.mean) @ gain.T)
    torch.testing.assert_close(q.covariance_matrix, (torch.eye(2).double() - gain @ pca.W).expand(5, 2, 2))


def test_posterior_obeys_bayes_rule_at_any_z():
    pca, x, z = model(dim=5, latent_dim=3), randn(6, 5, seed=2), randn(6, 3, seed=3)
    torch.testing.assert_close(pca.log_joint(x, z) - pca.posterior(x).log_prob(z), pca.log_prob(x))


@fast
@given(st.integers(0, 10_000), st.floats(0.1, 3))
def test_elbo_falls_short_of_log_prob_by_the_kl_to_the_posterior(seed, sigma):
    pca, x = model(sigma=sigma, seed=seed), randn(5, 4, seed=seed + 2)
    mu, logvar = randn(5, 2, seed=seed + 3), randn(5, 2, seed=seed + 4)
    gap = pca.log_prob(x) - pca.elbo(x, mu, logvar)
    assert (gap >= 0).all()
    q = MultivariateNormal(mu, logvar.exp().diag_embed())
    torch.testing.assert_close(gap, kl_divergence(q, pca.posterior(x)), rtol=1e-6, atol=1e-8)


@fast
@given(st.integers(0, 10_000), st.floats(0.1, 3))
def test_elbo_is_log_prob_at_the_posterior_of_orthogonal_loadings(seed, sigma):
    pca, x = orthogonal_model(sigma=sigma, seed=seed), randn(5, 4, seed=seed + 2)
    q = pca.posterior(x)
    elbo = pca.elbo(x, q.mean, pca.posterior_cov.diagonal().log().expand(5, 2))
    torch.testing.assert_close(elbo, pca.log_prob(x), rtol=1e-8, atol=1e-8)


def test_elbo_is_the_average_over_q_that_it_stands_for():
    pca, x, n = model(), randn(3, 4, seed=2), 20_000
    mu, logvar = randn(3, 2, seed=3), randn(3, 2, seed=4)
    z = mu + (0.5 * logvar).exp() * randn(n, 3, 2, seed=5)
    draws = pca.log_joint(x, z) - diagonal(mu, logvar).log_prob(z)
    standard_error = draws.std(0) / math.sqrt(n)
    assert ((draws.mean(0) - pca.elbo(x, mu, logvar)).abs() < 4 * standard_error).all()


def test_elbo_is_largest_at_the_posterior_mean_and_the_inverse_precisions():
    pca, x = model(), randn(3, 4, seed=2)
    q = pca.posterior(x)
    mu = q.mean.requires_grad_()
    logvar = -q.precision_matrix.diagonal(dim1=1, dim2=2).log()  # the best diagonal q (Bishop 2006, eq. 10.12)
    logvar = logvar.detach().requires_grad_()
    gradients = torch.autograd.grad(pca.elbo(x, mu, logvar).sum(), (mu, logvar))
    for gradient in gradients:
        torch.testing.assert_close(gradient, torch.zeros_like(gradient))


def test_sample_has_the_moments_of_the_model():
    pca, n = model(), 20_000
    x, z = pca.sample(n, torch.Generator().manual_seed(0))
    centred, cov = x - pca.mean, covariance(pca)
    assert (centred.mean(0).abs() < 4 * (cov.diagonal() / n).sqrt()).all()
    variance = cov.square() + torch.outer(cov.diagonal(), cov.diagonal())  # of the product of two normals
    assert ((centred.T @ centred / n - cov).abs() < 4 * (variance / n).sqrt()).all()
    noise = (centred - z @ pca.W.T) / pca.sigma
    assert abs(noise.square().mean().item() - 1) < 4 * math.sqrt(2 / noise.numel())
    assert (noise.T @ z / n).abs().max() < 4 / math.sqrt(n)


def test_sample_follows_its_generator():
    pca = model()
    first, again, other = (pca.sample(3, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert [t.shape for t in first] == [(3, 4), (3, 2)]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


def test_fit_agrees_with_scikit_learn():
    """scikit-learn divides covariances by N - 1; maximum likelihood, as here, by N."""
    x = model(dim=6, latent_dim=2).sample(200, torch.Generator().manual_seed(0))[0]
    ours, theirs = ProbabilisticPCA.fit(x, 2), PCA(2).fit(x.numpy())
    factor = 200 / 199
    assert ours.sigma**2 * factor == pytest.approx(theirs.noise_variance_, rel=1e-10)
    np.testing.assert_allclose(covariance(ours).numpy() * factor, theirs.get_covariance(), rtol=1e-8, atol=1e-10)
    rescaled = ProbabilisticPCA(ours.W * math.sqrt(factor), ours.mean, ours.sigma * math.sqrt(factor))
    np.testing.assert_allclose(rescaled.log_prob(x).numpy(), theirs.score_samples(x.numpy()), rtol=1e-8)


def test_fit_orders_the_columns_by_variance_and_makes_them_orthogonal():
    gram = (W := ProbabilisticPCA.fit(randn(100, 5) * torch.arange(1, 6), 3).W).T @ W
    torch.testing.assert_close(gram, gram.diagonal().diag())
    assert (gram.diagonal().diff() < 0).all()


def test_fit_is_where_the_likelihood_is_largest():
    x = model(dim=5, latent_dim=2).sample(300, torch.Generator().manual_seed(0))[0]
    best = ProbabilisticPCA.fit(x, 2)
    W, mean = best.W.clone().requires_grad_(), best.mean.clone().requires_grad_()
    top = ProbabilisticPCA(W, mean, best.sigma).log_prob(x).mean()
    for gradient in torch.autograd.grad(top, (W, mean)):
        torch.testing.assert_close(gradient, torch.zeros_like(gradient))
    for factor in (0.99, 1.01):
        assert ProbabilisticPCA(best.W, best.mean, best.sigma * factor).log_prob(x).mean() < top


def test_fit_finds_the_noise_of_the_model_it_was_drawn_from():
    n, dim, latent_dim = 20_000, 6, 2
    true = model(dim, latent_dim)
    fitted = ProbabilisticPCA.fit(true.sample(n, torch.Generator().manual_seed(0))[0], latent_dim)
    relative_se = math.sqrt(2 / (n * (dim - latent_dim)))  # of a variance from n · (D - K) normal residuals
    assert abs(fitted.sigma**2 / true.sigma**2 - 1) < 4 * relative_se


@pytest.mark.parametrize("x", [randn(50, 1) @ randn(1, 4, seed=1), torch.ones(50, 4).double()], ids=["line", "point"])
def test_fit_survives_data_without_noise(x):
    fitted = ProbabilisticPCA.fit(x, 2)
    assert 0 < fitted.sigma < 1e-5
    assert fitted.W.isfinite().all()


PCA42 = model()
X, W = torch.zeros(3, 4, dtype=torch.float64), torch.ones(4, 2, dtype=torch.float64)
BAD_X = [
    (X[0], r"x is \(4,\).*give floats of shape \(N, 4\)"),
    (X[:, :3], r"x is \(3, 3\).*\(N, 4\)"),
    (X[:0], "N >= 1"),
    (X.long(), "torch.int64; give floats"),
    (X * math.nan, "x holds NaN or infinite values"),
    (X + math.inf, "x holds NaN or infinite values"),
]


@pytest.mark.parametrize("function", [PCA42.log_prob, PCA42.posterior, lambda x: PCA42.elbo(x, X[:, :2], X[:, :2])])
@pytest.mark.parametrize(("x", "message"), BAD_X)
def test_bad_data_is_refused(function, x, message):
    with pytest.raises(ValueError, match=message):
        function(x)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((W[0], W[0], 1.0), r"give \(D, K\) and \(D,\)"),
        ((W, W[:3, 0], 1.0), r"W is \(4, 2\) and mean \(3,\)"),
        ((W[:0], W[:0, 0], 1.0), r"give \(D, K\) and \(D,\)"),
        ((W, W[:, 0], 0.0), "sigma is 0.0; .* a finite sigma > 0"),
        ((W, W[:, 0], -1.0), "a finite sigma > 0"),
        ((W, W[:, 0], math.nan), "a finite sigma > 0"),
        ((W, W[:, 0], math.inf), "a finite sigma > 0"),
        ((W * math.nan, W[:, 0], 1.0), "finite W and mean"),
        ((W, W[:, 0] * math.inf, 1.0), "finite W and mean"),
    ],
)
def test_bad_parameters_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ProbabilisticPCA(*arguments)


@pytest.mark.parametrize(
    ("x", "latent_dim", "message"),
    [
        (X, 0, "latent_dim is 0.*1 <= latent_dim < D"),
        (X, 4, "latent_dim is 4.*1 <= latent_dim < D"),
        (X[:1], 2, "N >= 2"),
        (X[0], 2, "give floats"),
        (X.long(), 2, "torch.int64; give floats"),
        (X * math.nan, 2, "NaN or infinite"),
    ],
)
def test_fit_refuses_bad_input(x, latent_dim, message):
    with pytest.raises(ValueError, match=message):
        ProbabilisticPCA.fit(x, latent_dim)


@pytest.mark.parametrize(("mu", "logvar"), [((3, 2), (2, 2)), ((3, 2), (3, 1)), ((1, 2), (1, 2)), ((3, 4), (3, 4))])
def test_elbo_refuses_a_q_of_another_shape(mu, logvar):
    with pytest.raises(ValueError, match=r"give \(N, K\) for x \(N, D\)"):
        PCA42.elbo(X, torch.zeros(mu).double(), torch.zeros(logvar).double())
