import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial import geometric_slerp
from torch import nn

from course_lib import losses, vae
from course_lib.data import Batch, load
from course_lib.networks import AutoregressiveDecoder, BernoulliDecoder, GaussianEncoder

fast = settings(max_examples=50, deadline=None, derandomize=True)
SHAPE = (1, 3, 4)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(n=5, shape=SHAPE, seed=0):
    return torch.rand(n, *shape, generator=generator(seed)).round().double()


def small_vae(latent_dim=2, seed=0):
    """An untrained VAE of 3×4 images, in float64, with weights large enough for the posterior to matter."""
    torch.manual_seed(seed)
    encoder, decoder = GaussianEncoder(latent_dim, (8,), SHAPE), BernoulliDecoder(latent_dim, (8,), SHAPE)
    net = vae.VAE(latent_dim, encoder=encoder, decoder=decoder).double()
    for p in net.parameters():
        p.data *= 2
    return net


class Fixed(nn.Module):
    """An encoder that gives every image the same q(z|x)."""

    def __init__(self, mu, logvar):
        super().__init__()
        self.mu, self.logvar = nn.Parameter(torch.tensor(mu)), nn.Parameter(torch.tensor(logvar))

    def forward(self, x):
        return self.mu.expand(len(x), -1), self.logvar.expand(len(x), -1)


def test_reparameterize_is_mu_plus_sd_times_eps_with_its_gradient():
    mu, logvar, eps = (torch.randn(3, 2, dtype=torch.float64, generator=generator(i)) for i in range(3))
    torch.testing.assert_close(vae.reparameterize(mu, logvar, eps), mu + logvar.exp().sqrt() * eps)
    given_ = mu.requires_grad_(), logvar.requires_grad_(), eps
    assert torch.autograd.gradcheck(vae.reparameterize, given_)


def test_reparameterize_draws_from_q():
    n = 20_000
    torch.manual_seed(0)
    z = vae.reparameterize(torch.full((n, 1), 3.0), torch.full((n, 1), math.log(4.0)))
    assert abs(z.mean().item() - 3) < 4 * 2 / math.sqrt(n)
    assert abs(z.var().item() - 4) < 4 * 4 * math.sqrt(2 / n)


def test_default_is_the_published_architecture():
    assert sum(p.numel() for p in vae.VAE().parameters()) == 652_824
    x = torch.rand(2, 1, 28, 28)
    assert vae.VAE().decode(vae.VAE().encoder(x)[0]).shape == x.shape


def test_elbo_parts_are_the_losses_at_the_drawn_z():
    net, x = small_vae(), images()
    mu, logvar = net.encoder(x)
    torch.manual_seed(1)
    parts = net.elbo(x)
    torch.manual_seed(1)
    z = vae.reparameterize(mu, logvar)
    torch.testing.assert_close(parts.kl, losses.kl_diagonal_normals(mu, logvar))
    torch.testing.assert_close(parts.reconstruction, losses.bernoulli_nll(net.decoder(z), x))


def test_negative_elbo_is_the_mean_of_parts_that_add_up():
    net, x = small_vae(), images()
    torch.manual_seed(1)
    parts = net.elbo(x)
    torch.manual_seed(1)
    logged = vae.negative_elbo(net, Batch(x))
    assert set(logged) == {"loss", "reconstruction", "kl"}
    assert all(value.ndim == 0 for value in logged.values())
    torch.testing.assert_close(logged["loss"], logged["reconstruction"] + logged["kl"])
    torch.testing.assert_close(logged["loss"], -parts.bound.mean())
    torch.testing.assert_close(logged["kl"], parts.kl.mean())


def test_negative_elbo_reaches_every_parameter():
    net = small_vae()
    vae.negative_elbo(net, Batch(images()))["loss"].backward()
    assert all(p.grad.abs().sum() > 0 for p in net.parameters())


def test_overfits_sixteen_digits():
    """A decoder that ignores z can do no better than the mean image; below that, z carries the digit."""
    x = load("digits").take(16).batch().x
    mean_image = x.mean(0, keepdim=True).expand_as(x).clamp(1e-6, 1 - 1e-6)
    without_z = losses.bernoulli_nll(mean_image.logit(), x).mean().item()
    torch.manual_seed(0)
    net = vae.VAE(8, hidden=(64,))
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    assert vae.mean_loss(net, x) > 500  # 784 · log 2 = 543 nats: it begins at chance
    for _ in range(200):
        optimizer.zero_grad()
        vae.negative_elbo(net, Batch(x))["loss"].backward()
        optimizer.step()
    assert vae.mean_loss(net, x) < 0.9 * without_z


def test_decode_and_reconstruct_are_probabilities_through_the_posterior_mean():
    net, x = small_vae(), images()
    mu, _ = net.encoder(x)
    x_hat = net.reconstruct(x)
    torch.testing.assert_close(x_hat, net.decoder(mu).sigmoid())
    torch.testing.assert_close(net.decode(mu), x_hat)
    assert x_hat.shape == x.shape
    assert not x_hat.requires_grad


def test_sample_follows_its_generator_and_leaves_the_global_one_alone():
    net = vae.VAE(3)
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    first, again, other = (net.sample(4, generator=generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == (4, 1, 28, 28)
    assert first.min() >= 0 and first.max() <= 1
    assert not first.requires_grad


def test_temperature_scales_z():
    net = vae.VAE(3)
    z = torch.randn(4, 3, generator=generator())
    for temperature in (0.0, 0.5, 1.0):
        images_ = net.sample(4, temperature, generator())
        torch.testing.assert_close(images_, net.decode(z * temperature))
    cold = net.sample(4, temperature=0)
    assert torch.equal(cold, cold[:1].expand_as(cold))


def test_one_log_weight_has_the_elbo_as_its_mean():
    net, x, n = small_vae(), images(3), 8000
    many = x.repeat(n, 1, 1, 1)
    torch.manual_seed(0)
    weights = net.log_weights(many, 1).detach().view(n, 3)
    bounds = net.elbo(many).bound.detach().view(n, 3)
    standard_error = ((weights.var(0) + bounds.var(0)) / n).sqrt()
    assert ((weights.mean(0) - bounds.mean(0)).abs() < 4 * standard_error).all()


def test_log_weights_average_to_the_likelihood():
    """The oracle integrates p(x|z) p(z) over a one-dimensional z on a grid."""
    net, x, repeats = small_vae(latent_dim=1), images(3), 1000
    z = torch.linspace(-8, 8, 801, dtype=torch.float64)[:, None]
    log_px_z = torch.stack([-losses.bernoulli_nll(net.decoder(z), x[i].expand(801, *SHAPE)) for i in range(3)], 1)
    log_px = (log_px_z - 0.5 * (z.square() + losses.LOG_2PI) + math.log(16 / 800)).logsumexp(0).detach()
    torch.manual_seed(0)
    log_weights = net.log_weights(x.repeat(repeats, 1, 1, 1), 5)
    assert log_weights.shape == (5, 3 * repeats)
    weights = log_weights.detach().view(-1, 3).exp()
    standard_error = weights.std(0) / weights.mean(0) / math.sqrt(len(weights))  # of log mean w, by the delta method
    assert ((weights.mean(0).log() - log_px).abs() < 4 * standard_error).all()


def test_log_weights_are_what_torch_distributions_say_and_differentiable():
    net, x, k = small_vae(), images(4), 3
    torch.manual_seed(0)
    log_w = net.log_weights(x, k)
    torch.manual_seed(0)
    mu, logvar = net.encoder(x)
    z = mu + logvar.exp().sqrt() * torch.randn(k, *mu.shape, dtype=mu.dtype)
    standard, q = torch.distributions.Normal(0.0, 1.0), torch.distributions.Normal(mu, logvar.exp().sqrt())
    likelihood = torch.stack([-losses.bernoulli_nll(net.decoder(row), x) for row in z])
    expected = likelihood + (standard.log_prob(z) - q.log_prob(z)).sum(-1)
    torch.testing.assert_close(log_w, expected)
    parameters = list(net.parameters())
    for ours, theirs in zip(
        torch.autograd.grad(log_w.logsumexp(0).sum(), parameters, retain_graph=True),
        torch.autograd.grad(expected.logsumexp(0).sum(), parameters),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


def test_negative_iwae_of_one_draw_is_an_elbo_and_of_more_is_lower():
    net, x = small_vae(), images(3).repeat(4000, 1, 1, 1)
    torch.manual_seed(0)
    one, ten = (vae.negative_iwae(net, Batch(x), k)["loss"].item() for k in (1, 10))
    bounds = net.elbo(x).bound.detach()
    error = (bounds.std() / math.sqrt(len(x))).item()
    assert abs(one + bounds.mean().item()) < 4 * math.sqrt(2) * error
    assert ten < one - 4 * error


def test_beta_weighs_the_kl_and_a_floor_makes_nats_free():
    net, x = small_vae(), images()
    torch.manual_seed(1)
    plain = vae.negative_elbo(net, Batch(x))
    torch.manual_seed(1)
    weighed = vae.negative_elbo(net, Batch(x), beta=4.0)
    torch.manual_seed(1)
    floored = vae.negative_elbo(net, Batch(x), beta=4.0, floor=100.0)
    torch.testing.assert_close(weighed["loss"], plain["reconstruction"] + 4 * plain["kl"])
    torch.testing.assert_close(floored["loss"], plain["reconstruction"] + 4 * 2 * 100.0)
    torch.testing.assert_close(floored["kl"], plain["kl"])


def test_schedules_of_beta_by_hand():
    assert [vae.linear_warmup(0.2)(p) for p in (0.0, 0.1, 0.2, 0.9)] == pytest.approx([0, 0.5, 1, 1])
    assert [vae.cyclical(4, 0.5)(p) for p in (0.0, 0.0625, 0.125, 0.2, 0.25, 0.3125, 0.99)] == pytest.approx(
        [0, 0.5, 1, 1, 0, 0.5, 1]
    )


@pytest.mark.parametrize("make", [lambda: vae.linear_warmup(0), lambda: vae.cyclical(0), lambda: vae.cyclical(2, 1.5)])
def test_impossible_schedules_of_beta_are_refused(make):
    with pytest.raises(ValueError, match="give 1 cycle or more, and a share"):
        make()


def test_vae_of_colour_images():
    net, x = vae.VAE(3, (8,), shape=(3, 6, 4)), torch.rand(2, 3, 6, 4)
    assert net.reconstruct(x).shape == net.sample(2).shape == x.shape


def test_rate_is_exact_and_distortion_a_mean_over_draws():
    net, x = small_vae(), images(40)
    torch.manual_seed(0)
    rate, distortion = vae.rate_and_distortion(net, x, draws=400)
    torch.manual_seed(1)
    draws = torch.stack([net.elbo(x).reconstruction.mean() for _ in range(400)]).detach()
    assert rate == pytest.approx(losses.kl_diagonal_normals(*net.encoder(x)).mean().item())
    assert abs(distortion - draws.mean().item()) < 4 * draws.std().item() * math.sqrt(2 / 400)
    torch.manual_seed(0)
    assert vae.rate_and_distortion(net, x, draws=1)[1] != distortion


# The decoder that also sees the pixels before


def autoregressive(seed=0, latent_dim=1):
    torch.manual_seed(seed)
    decoder = AutoregressiveDecoder(latent_dim, (6,), (1, 2, 3), reach=1, width=6)
    net = vae.AutoregressiveVAE(latent_dim, (8,), (1, 2, 3), decoder).double()
    for p in net.parameters():
        p.data *= 2
    return net


def test_autoregressive_nll_is_that_of_one_pixel_after_the_other():
    net, x, z = autoregressive(), images(4, (1, 2, 3)), torch.randn(4, 1, dtype=torch.float64)
    nll = torch.zeros(4, dtype=torch.float64)
    seen = torch.zeros_like(x)
    for i in range(6):  # a pixel that is not drawn yet must not matter
        logit = net.decoder(z, seen).flatten(1)[:, i]
        nll -= torch.distributions.Bernoulli(logits=logit).log_prob(x.flatten(1)[:, i])
        seen.flatten(1)[:, i] = x.flatten(1)[:, i]
    torch.testing.assert_close(net.nll(x, z), nll)


def test_autoregressive_log_weights_average_to_the_likelihood_which_sums_to_one():
    """The oracle integrates over a one-dimensional z on a grid."""
    net, repeats = autoregressive(), 2000
    x = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.float64)] * 6).view(-1, 1, 2, 3)
    z = torch.linspace(-8, 8, 201, dtype=torch.float64)[:, None]
    log_px_z = torch.stack([-net.nll(one.expand(201, 1, 2, 3), z) for one in x], 1)
    log_px = (log_px_z - 0.5 * (z.square() + losses.LOG_2PI) + math.log(16 / 200)).logsumexp(0).detach()
    assert log_px.exp().sum().item() == pytest.approx(1, abs=1e-6)
    torch.manual_seed(0)
    weights = net.log_weights(x[::21].repeat(repeats, 1, 1, 1), 5).detach().view(-1, 4).exp()
    standard_error = weights.std(0) / weights.mean(0) / math.sqrt(len(weights))
    assert ((weights.mean(0).log() - log_px[::21]).abs() < 4 * standard_error).all()


def test_autoregressive_draws_are_black_and_white_and_differ():
    net, x = autoregressive().float(), images(50, (1, 2, 3)).float()
    torch.manual_seed(0)
    for drawn in (net.sample(50), net.decode(torch.zeros(50, 1)), net.reconstruct(x)):
        assert drawn.shape == (50, 1, 2, 3)
        assert set(drawn.unique().tolist()) == {0.0, 1.0}
        assert len(drawn.unique(dim=0)) > 3


def test_autoregressive_default_fits_together_and_learns():
    torch.manual_seed(0)
    net, x = vae.AutoregressiveVAE(3, shape=(1, 8, 8)), images(20, (1, 8, 8)).float().cumsum(3).clamp(max=1)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    before = vae.mean_loss(net, x)
    for _ in range(60):
        optimizer.zero_grad()
        vae.negative_elbo(net, Batch(x))["loss"].backward()
        optimizer.step()
    assert vae.mean_loss(net, x) < 0.3 * before
    assert all(p.grad is not None for p in net.parameters())


def test_mean_loss_does_not_depend_on_the_chunk():
    net, x = small_vae(), images(10)
    net.encoder = Fixed([0.5, -1.0], [-40.0, -40.0]).double()  # so narrow that every draw is the mean
    expected = -net.elbo(x).bound.mean().item()
    assert [vae.mean_loss(net, x, chunk) for chunk in (3, 10, 2000)] == pytest.approx([expected] * 3, rel=1e-6)


VECTORS = arrays(np.float64, 5, elements=st.floats(-3, 3)).map(torch.from_numpy)


@fast
@given(VECTORS, VECTORS, st.integers(2, 6), st.booleans())
def test_interpolation_begins_and_ends_at_its_ends(z0, z1, steps, spherical):
    path = vae.interpolate(z0, z1, steps, spherical)
    assert path.shape == (steps, 5)
    torch.testing.assert_close(path[0], z0)
    torch.testing.assert_close(path[-1], z1)


def test_line_has_equal_steps():
    path = vae.interpolate(torch.tensor([0.0, 2.0]), torch.tensor([4.0, 0.0]), 5)
    torch.testing.assert_close(path, torch.tensor([[0.0, 2.0], [1.0, 1.5], [2.0, 1.0], [3.0, 0.5], [4.0, 0.0]]))


@fast
@given(st.integers(0, 10_000), st.integers(2, 6), st.floats(0.1, 10))
def test_arc_is_that_of_scipy_and_keeps_the_norm(seed, steps, radius):
    ends = torch.randn(2, 5, dtype=torch.float64, generator=generator(seed))
    ends = ends / ends.norm(dim=1, keepdim=True)
    path = vae.interpolate(radius * ends[0], radius * ends[1], steps, spherical=True)
    expected = radius * geometric_slerp(*ends.numpy(), np.linspace(0, 1, steps))
    np.testing.assert_allclose(path.numpy(), expected, atol=1e-9)
    torch.testing.assert_close(path.norm(dim=1), torch.full((steps,), radius, dtype=torch.float64))


@pytest.mark.parametrize("z1", [[2.0, 4.0], [-1.0, -2.0], [0.0, 0.0]], ids=["parallel", "opposite", "zero"])
def test_arc_is_the_line_where_no_arc_is_defined(z1):
    z0, z1 = torch.tensor([1.0, 2.0]), torch.tensor(z1)
    torch.testing.assert_close(vae.interpolate(z0, z1, 5, spherical=True), vae.interpolate(z0, z1, 5))


Z, X = torch.zeros(4), torch.zeros(2, 1, 28, 28)
NET = vae.VAE(2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: vae.VAE(0), "latent_dim is 0; give 1 or more"),
        (lambda: vae.reparameterize(Z, Z[:2]), r"mu \(4,\), logvar \(2,\)"),
        (lambda: vae.reparameterize(Z, Z, Z[:1]), r"eps \(1,\) differ"),
        (lambda: NET.elbo(X[:, :, :8]), r"takes \(B, 1, 28, 28\)"),
        (lambda: NET.elbo(X + 2), r"give values in \[0, 1\]"),
        (lambda: NET.elbo(X * math.nan), r"give values in \[0, 1\]"),
        (lambda: NET.elbo(X[:0]), "at least one sample"),
        (lambda: vae.negative_elbo(NET, Batch(X - 1)), r"give values in \[0, 1\]"),
        (lambda: vae.mean_loss(NET, X[:0]), "at least one sample"),
        (lambda: NET.decode(Z), r"this decoder takes \(B, 2\)"),
        (lambda: NET.reconstruct(X[0]), r"takes \(B, 1, 28, 28\)"),
        (lambda: NET.sample(0), "n is 0 and temperature 1.0; give n >= 1"),
        (lambda: NET.sample(1, temperature=-1.0), "temperature >= 0"),
        (lambda: NET.sample(1, temperature=math.nan), "temperature >= 0"),
        (lambda: NET.log_weights(X, 0), "k is 0; give 1 or more"),
        (lambda: vae.interpolate(Z, Z[:2], 3), r"z0 \(4,\), z1 \(2,\)"),
        (lambda: vae.interpolate(Z[None], Z[None], 3), r"give two \(D,\)"),
        (lambda: vae.interpolate(Z, Z, 1), "steps >= 2"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_hidden_sets_the_widths_of_both_networks_the_decoder_in_reverse():
    net = vae.VAE(3, hidden=(50, 20))
    sizes = [[layer.out_features for layer in part.net if hasattr(layer, "out_features")] for part in net.children()]
    assert sizes == [[50, 20, 6], [20, 50, 784]]
