"""What notebook 15 defines, against the package, closed forms and enumeration."""

import math
from itertools import product

import books
import pytest
import torch
from torch import nn

from course_lib import metrics
from course_lib.data import Batch, toy


@pytest.fixture(scope="module")
def defined():
    return books.definitions(books.of("15"))


def test_modes_in_use_of_even_and_uneven_shares(defined):
    ring = toy.ring()
    three = ring.means[[0, 2, 5]].repeat(100, 1)
    uneven = torch.cat([ring.means[:1].repeat(75, 1), ring.means[1:2].repeat(25, 1)])
    found = [defined["in_use"](x[:, None], ring)[0] for x in (three, uneven)]
    assert found[0] == pytest.approx(3)
    assert found[1] == pytest.approx(math.exp(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25))))


def test_the_open_detector_is_that_of_the_package(defined):
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        mode, real_mode = (torch.randint(-1, k, (n,), generator=generator) for k, n in ((5, 60), (7, 300)))
        x, real = (torch.randn(len(m), 2, generator=generator).double() for m in (mode, real_mode))
        verdict = metrics.collapse(x, mode, real, real_mode)
        assert defined["lost_share"](mode, real_mode) == pytest.approx(verdict.lost)
        assert defined["spread_within"](x, mode, real, real_mode) == pytest.approx(verdict.spread)


@pytest.mark.parametrize("m", [1, 2, 3])
def test_distance_of_packs_is_that_of_all_packs(defined, m):
    p, q = torch.full((8,), 1 / 8).double(), torch.rand(8, generator=torch.Generator().manual_seed(m)).double()
    q /= q.sum()
    packs = product(range(8), repeat=m)
    expected = sum(abs((1 / 8) ** m - math.prod(q[i].item() for i in pack)) for pack in packs) / 2
    defined["pack_distance"].__globals__["p"] = p
    assert defined["pack_distance"](q, m) == pytest.approx(expected)


def test_power_iteration_finds_the_largest_singular_value(defined):
    w = torch.randn(3, 6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(defined["largest_singular_value"](w, 500), torch.linalg.svdvals(w)[:, 0])


def test_slope_of_a_line_is_its_slope(defined):
    class Line(nn.Module):
        def forward(self, x):
            return x @ torch.tensor([3.0, 4.0])

    torch.testing.assert_close(defined["slopes"](Line(), torch.randn(5, 2, 2)), torch.full((5, 2), 5.0))


def test_vae_of_the_grid_minimises_minus_its_elbo(defined):
    """Its loss is the sum over the seeds of the mean over the batch of reconstruction and KL."""
    defined["grid_loss"].__globals__["SEEDS"] = 3
    torch.manual_seed(0)
    net = defined["GridVAE"]()
    x = torch.randn(7, 3, 2)
    torch.manual_seed(1)
    loss = defined["grid_loss"](net, Batch(x))["loss"]
    torch.manual_seed(1)
    mu, logvar = net.encoder(x).chunk(2, -1)
    z = torch.distributions.Normal(mu, (0.5 * logvar).exp())
    code = mu + (0.5 * logvar).exp() * torch.randn_like(mu)
    likelihood = torch.distributions.Normal(net.decoder(code), (0.5 * net.logvar).exp())
    prior = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))
    elbo = likelihood.log_prob(x).sum(-1) - torch.distributions.kl_divergence(z, prior).sum(-1)
    torch.testing.assert_close(loss, -elbo.mean(0).sum())
