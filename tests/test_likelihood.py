import math

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal

from course_lib import vae
from course_lib.likelihood import annealed_importance_sampling, log_likelihood, sigmoid_path, standard_normal
from course_lib.linear_gaussian import ProbabilisticPCA
from course_lib.losses import importance_weighted_bound

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


# --- annealed importance sampling -----------------------------------------------------------------------------------


def conditional(pca, x):
    return lambda z: pca.log_joint(x, z) - standard_normal(z)


def prior_draws(chains, points, dim, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(chains, points, dim, dtype=torch.float64, generator=generator)


def annealed(pca, x, chains=200, steps=60, **options):
    torch.manual_seed(7)
    z = prior_draws(chains, len(x), pca.W.shape[1])
    return annealed_importance_sampling(conditional(pca, x), z, sigmoid_path(steps), **options)


def test_standard_normal_is_that_of_torch():
    z = prior_draws(3, 4, 5)
    torch.testing.assert_close(standard_normal(z), Independent(Normal(0.0, 1.0).expand((5,)), 1).log_prob(z))


def test_sigmoid_path_rises_from_0_to_1_symmetrically_and_is_denser_at_the_ends():
    path = sigmoid_path(10)
    assert len(path) == 11
    assert path[0] == 0 and path[-1] == 1
    torch.testing.assert_close(path + path.flip(0), torch.ones_like(path))
    gaps = path.diff()
    assert (gaps[:5].diff() > 0).all()
    expected = 1 / (1 + math.exp(4 * 0.6))  # the third of eleven even points of [-4, 4] is -2.4
    ends = 1 / (1 + math.exp(4.0)), 1 / (1 + math.exp(-4.0))
    assert path[2].item() == pytest.approx((expected - ends[0]) / (ends[1] - ends[0]))
    torch.testing.assert_close(sigmoid_path(10, 1e-3), torch.linspace(0, 1, 11).double(), rtol=0, atol=1e-6)


def test_path_of_one_step_is_importance_sampling_from_the_prior():
    pca, x = pca_and_data(4)
    z = prior_draws(7, 4, 2)
    run = annealed_importance_sampling(conditional(pca, x), z, sigmoid_path(1))
    torch.testing.assert_close(run.log_weights, conditional(pca, x)(z))


@pytest.mark.parametrize("step_size", [0.15, 0.6], ids=["nearly all accepted", "many rejected"])
def test_annealed_weights_average_to_the_likelihood(step_size):
    pca, x = pca_and_data(30)
    run = annealed(pca, x, step_size=step_size, leapfrog=3)
    ratio = (run.log_weights - pca.log_prob(x)).exp().mean(0)  # unbiased: 1 in expectation
    assert abs(ratio.mean().item() - 1) < 4 * ratio.std().item() / math.sqrt(30)
    weights = run.log_weights.softmax(0)
    assert (1 / weights.square().sum(0)).mean() > 60  # of 200; draws from the prior have 12
    gap = importance_weighted_bound(run.log_weights) - pca.log_prob(x)
    assert abs(gap.mean().item()) < 0.05


def test_weighted_ends_of_the_chains_have_the_moments_of_the_posterior():
    pca, x = pca_and_data(5)
    run, posterior = annealed(pca, x, 2000, 40, leapfrog=5), pca.posterior(x)
    weights, spread = run.log_weights.softmax(0)[..., None], pca.posterior_cov.diagonal().sqrt()
    mean = (weights * run.z).sum(0)
    cov = torch.einsum("cbi,cbj->bij", weights * (run.z - mean), run.z - mean)
    torch.testing.assert_close(mean / spread, posterior.mean / spread, rtol=0, atol=0.15)
    assert ((cov - pca.posterior_cov).abs() < 0.15 * spread.outer(spread)).all()


def test_moves_leave_the_prior_alone_where_x_says_nothing():
    """With long steps that are often rejected: without the Metropolis correction the variance would not stay 1."""
    torch.manual_seed(7)
    flat = lambda z: 0 * z.sum(-1)  # noqa: E731
    run = annealed_importance_sampling(flat, prior_draws(20_000, 1, 1), sigmoid_path(5), 1.6, leapfrog=2)
    assert (run.log_weights == 0).all()
    assert 0.3 < run.acceptance.mean() < 0.9
    assert abs(run.z.var().item() - 1) < 4 * math.sqrt(2 / 20_000)
    assert abs(run.z.mean().item()) < 4 / math.sqrt(20_000)


def test_another_prior():
    """x = 1 | z ~ N(z, 0.5²) with z ~ N(3, 2²): p(x) is N(1; 3, 0.5² + 2²)."""
    prior, torch_prior = (lambda z: Normal(3.0, 2.0).log_prob(z).sum(-1)), Normal(3.0, 2.0)
    torch.manual_seed(7)
    z = torch_prior.sample((4000, 1, 1)).double()
    likelihood = lambda z: Normal(z, 0.5).log_prob(torch.tensor(1.0).double()).sum(-1)  # noqa: E731
    run = annealed_importance_sampling(likelihood, z, sigmoid_path(40), 0.3, log_prior=prior)
    weights, exact = run.log_weights.exp(), Normal(3.0, math.sqrt(4.25)).log_prob(torch.tensor(1.0)).exp()
    assert abs(weights.mean() - exact) < 4 * weights.std() / math.sqrt(4000)


def test_adapted_steps_fit_each_point_and_serve_a_second_run():
    """Two copies of a problem, one with a posterior four times narrower, begin with steps too long for both."""
    sd, x = torch.tensor([0.2, 0.05], dtype=torch.float64), torch.tensor([0.3, 0.3], dtype=torch.float64)
    narrow = lambda z: Normal(z[..., 0], sd).log_prob(x)  # noqa: E731
    torch.manual_seed(7)
    pilot = annealed_importance_sampling(narrow, prior_draws(50, 2, 1), sigmoid_path(60), 1.0, leapfrog=5, adapt=True)
    assert pilot.step_sizes.shape == pilot.acceptance.shape == (60, 2)
    assert (pilot.step_sizes[0] == 1.0).all()
    assert 2.5 < (pilot.step_sizes[-10:, 0] / pilot.step_sizes[-10:, 1]).mean() < 6
    assert ((pilot.acceptance[20:].mean(0) - 0.65).abs() < 0.1).all()
    other = prior_draws(500, 2, 1, seed=1)
    run = annealed_importance_sampling(narrow, other, sigmoid_path(60), pilot.step_sizes, leapfrog=5)
    torch.testing.assert_close(run.step_sizes, pilot.step_sizes)
    weights, exact = run.log_weights.exp(), Normal(0.0, (1 + sd.square()).sqrt()).log_prob(x).exp()
    assert ((weights.mean(0) - exact).abs() < 4 * weights.std(0) / math.sqrt(500)).all()


def test_a_walk_that_leaves_the_finite_numbers_is_rejected():
    """Steps many thousand times too long."""
    pca, x = pca_and_data(3)
    run = annealed(pca, x, 10, 20, step_size=1e4, leapfrog=60)
    assert run.log_weights.isfinite().all() and run.z.isfinite().all()
    assert run.acceptance[1:].max() < 1e-6


def test_a_vae_is_annealed_in_its_own_precision_and_gets_no_gradients():
    """The oracle integrates p(x|z) p(z) over a one-dimensional z on a grid."""
    torch.manual_seed(7)
    net = vae.VAE(1, hidden=(8,), shape=(1, 3, 4))
    for p in net.parameters():
        p.data *= 3
    x = torch.rand(3, 1, 3, 4).round()

    def log_conditional(z):
        return -net.nll(x.expand(len(z), *x.shape).flatten(0, 1), z.flatten(0, 1)).view(z.shape[:-1])

    run = annealed_importance_sampling(log_conditional, torch.randn(500, 3, 1), sigmoid_path(20), 0.5, leapfrog=3)
    assert run.log_weights.dtype == run.z.dtype == torch.float32
    assert not run.log_weights.requires_grad and not run.z.requires_grad
    assert all(p.grad is None for p in net.parameters())
    grid = torch.linspace(-8, 8, 801)[:, None, None].expand(-1, 3, 1)
    log_px = (log_conditional(grid) + standard_normal(grid) + math.log(16 / 800)).logsumexp(0).detach()
    weights = (run.log_weights - log_px).exp()
    assert ((weights.mean(0) - 1).abs() < 4 * weights.std(0) / math.sqrt(500)).all()


Z = torch.zeros(2, 3, 4)


@pytest.mark.parametrize(
    ("z", "options", "message"),
    [
        (Z[0], {}, r"z is \(3, 4\) .*give floats \(C, B, D\)"),
        (Z.long(), {}, "torch.int64; give floats"),
        (Z[:0], {}, r"z is \(0, 3, 4\)"),
        (Z, {"path": torch.tensor([0.0, 0.5])}, "rise from 0 to 1"),
        (Z, {"path": torch.tensor([0.0, 0.7, 0.5, 1.0])}, "rise from 0 to 1"),
        (Z, {"path": torch.tensor([1.0])}, "rise from 0 to 1"),
        (Z, {"step_size": 0.0}, "give one size > 0"),
        (Z, {"step_size": torch.ones(3)}, r"step_size is \(3,\) .* or \(2, 3\)"),
        (Z, {"leapfrog": 0}, "leapfrog >= 1"),
        (Z, {"log_prior": lambda z: z.sum()}, r"return \[\(\), \(2, 3\)\] for z \(2, 3, 4\); return \(C, B\)"),
    ],
)
def test_annealing_refuses_bad_input(z, options, message):
    options = {"path": sigmoid_path(2)} | options
    with pytest.raises(ValueError, match=message):
        annealed_importance_sampling(lambda z: z.sum(-1), z, **options)


@pytest.mark.parametrize("options", [{"steps": 0}, {"steps": 5, "sharpness": 0.0}])
def test_impossible_paths_are_refused(options):
    with pytest.raises(ValueError, match="give 1 step or more, and sharpness > 0"):
        sigmoid_path(**options)
