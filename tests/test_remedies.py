import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib.data import Batch, Batches
from course_lib.gan import GAN
from course_lib.losses import ADVERSARIAL
from course_lib.networks import Replicas, mlp
from course_lib.remedies import BatchSpread, Gated, Noisy, Packed, Unrolled, clipped, smoothed
from course_lib.training import train

PLAIN = ADVERSARIAL["non-saturating"]


def scorer(n_in=2):
    return nn.Sequential(*mlp([n_in, 8, 1], nn.Tanh), nn.Flatten(0))


def pair(game=GAN, replicas=None, **settings):
    """A small game, in double precision; with replicas if a number is given."""
    torch.manual_seed(0)
    if replicas:
        networks = Replicas(lambda: mlp([2, 8, 2], nn.Tanh), replicas), Replicas(scorer, replicas)
    else:
        networks = mlp([2, 8, 2], nn.Tanh), scorer()
    return game(*networks, (replicas, 2) if replicas else 2, **settings).double()


def points(n=6, replicas=None):
    shape = (n, replicas, 2) if replicas else (n, 2)
    return Batch(torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64))


def fixed_noise(game, n=6):
    """The game, with the same noise in every move."""
    z = torch.randn(n, *game.latent_shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    game._draw = lambda x: z
    return game


# Packing


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_pack_lays_samples_of_the_batch_side_by_side(size):
    x = torch.arange(12.0).view(6, 2)
    packs = Packed(nn.Identity(), size)(x)
    assert packs.shape == (6 // size, 2 * size)
    assert sorted(packs.flatten().tolist()) == x.flatten().tolist()
    assert {tuple(row.tolist()) for row in packs.view(-1, 2)} == {tuple(row.tolist()) for row in x}


def test_packs_of_images_lie_along_the_channels_and_those_of_replicas_stay_apart():
    assert Packed(nn.Identity(), 2, dim=1)(torch.rand(6, 3, 4, 4)).shape == (3, 6, 4, 4)
    x = torch.rand(6, 5, 2)
    packs = Packed(nn.Identity(), 2)(x)
    assert packs.shape == (3, 5, 4)
    torch.testing.assert_close(Packed(nn.Identity(), 2)(x[:, 3]), packs[:, 3])


def test_a_pack_too_many_is_left_out_and_too_few_are_refused():
    assert Packed(nn.Identity(), 4)(torch.rand(7, 2)).shape == (1, 8)
    with pytest.raises(ValueError, match="3 samples for packs of 4"):
        Packed(nn.Identity(), 4)(torch.rand(3, 2))
    with pytest.raises(ValueError, match="size is 0"):
        Packed(nn.Identity(), 0)


def test_a_pack_shows_what_single_samples_do_not():
    """Equal pairs against independent ones: the distance within a pack tells, no single sample does."""
    torch.manual_seed(0)
    x = torch.randn(2000, 1)
    collapsed = x[:1000].repeat(2, 1)  # packs (i, i + 1000) hold the same point twice
    within = [Packed(nn.Identity(), 2)(s).diff(dim=1).abs().mean() for s in (x, collapsed)]
    assert within[0] > 1
    assert within[1] == 0


# Minibatch statistics, noise


def test_batch_spread_appends_the_mean_standard_deviation():
    x = torch.randn(7, 3, dtype=torch.float64)
    out = BatchSpread()(x)
    torch.testing.assert_close(out[:, :3], x)
    torch.testing.assert_close(out[:, 3], torch.full((7,), x.numpy().std(0).mean(), dtype=torch.float64))


def test_batch_spread_of_a_collapsed_batch_is_near_0_and_has_a_gradient():
    x = torch.ones(5, 3, requires_grad=True)
    out = BatchSpread()(x)
    assert out[:, 3].max() < 1e-3
    out.sum().backward()
    assert x.grad.isfinite().all()


def test_batch_spread_of_replicas_is_each_ones_own():
    x = torch.stack([torch.randn(50, 2), 10 * torch.randn(50, 2)], 1)
    out = Replicas(lambda: nn.Sequential(nn.Linear(2, 2), BatchSpread()), 2)
    with torch.no_grad():
        for name, w in zip(out.names, out.weights, strict=True):
            w.copy_(torch.eye(2).expand_as(w) if "weight" in name else torch.zeros_like(w))
    spread = out(x)[0, :, 2]
    torch.testing.assert_close(spread, x.std(0, correction=0).mean(1))


def test_noise_has_the_standard_deviation_asked_for():
    torch.manual_seed(0)
    x = torch.zeros(20_000, 2)
    seen = Noisy(nn.Identity(), 0.3)(x)
    assert seen.std().item() == pytest.approx(0.3, rel=0.02)
    assert seen.mean().abs() < 0.01


# Label smoothing, clipping


def test_smoothed_is_the_cross_entropy_with_the_other_label():
    real, fake = torch.randn(9), torch.randn(9)
    expected = F.binary_cross_entropy(real.sigmoid(), torch.full((9,), 0.8), reduction="none")
    expected = expected + F.binary_cross_entropy(fake.sigmoid(), torch.zeros(9), reduction="none")
    torch.testing.assert_close(smoothed(0.8).discriminator(real, fake), expected)
    torch.testing.assert_close(smoothed(1.0).discriminator(real, fake), PLAIN.discriminator(real, fake))
    torch.testing.assert_close(smoothed().generator(fake), PLAIN.generator(fake))


def test_smoothed_is_lowest_where_d_says_the_label():
    scores = torch.linspace(-5, 5, 2001)
    losses = smoothed(0.9).discriminator(scores, torch.full_like(scores, -30.0))
    assert scores[losses.argmin()].sigmoid().item() == pytest.approx(0.9, abs=1e-3)


def test_weights_of_a_clipped_player_stay_in_the_box_through_training():
    game = pair().float()
    d, g = game.players(lr=0.5)
    clipped(d, 0.02)
    train([d, g], Batches((points(64).x.float(), None), 8), 2, progress=False)
    assert max(p.abs().max() for p in game.discriminator.parameters()) <= 0.02
    assert max(p.abs().max() for p in game.generator.parameters()) > 0.02


# Unrolling


def test_unrolled_by_nothing_is_the_plain_loss():
    plain, unrolled = fixed_noise(pair()), fixed_noise(pair(Unrolled, ahead=0))
    batch = points()
    expected = plain.generator_loss(plain.generator, batch)["loss"]
    torch.testing.assert_close(unrolled.generator_loss(unrolled.generator, batch)["loss"], expected)


@pytest.mark.parametrize("replicas", [None, 3])
def test_unrolled_loss_is_that_against_the_discriminator_after_its_steps(replicas):
    batch = points(replicas=replicas)
    game = fixed_noise(pair(Unrolled, replicas, ahead=3, rate=0.5))
    later = fixed_noise(pair(replicas=replicas))
    descent = torch.optim.SGD(later.discriminator.parameters(), 0.5)
    for _ in range(3):
        descent.zero_grad()
        later.discriminator_loss(later.discriminator, batch)["loss"].backward()
        descent.step()
    before = [p.clone() for p in game.discriminator.parameters()]
    loss = game.generator_loss(game.generator, batch)["loss"]
    torch.testing.assert_close(loss, later.generator_loss(later.generator, batch)["loss"])
    assert all(map(torch.equal, before, game.discriminator.parameters()))


def test_unrolled_gradient_goes_through_the_steps_of_the_discriminator():
    batch, game = points(), fixed_noise(pair(Unrolled, ahead=2, rate=0.5))
    weight = next(game.generator.parameters())
    (slope,) = torch.autograd.grad(game.generator_loss(game.generator, batch)["loss"], weight)
    found = []
    for change in (1e-5, -1e-5):
        with torch.no_grad():
            weight[0, 0] += change
        found.append(game.generator_loss(game.generator, batch)["loss"].item())
        with torch.no_grad():
            weight[0, 0] -= change
    assert slope[0, 0].item() == pytest.approx((found[0] - found[1]) / 2e-5, rel=1e-5)
    plain = fixed_noise(pair())
    (other,) = torch.autograd.grad(
        plain.generator_loss(plain.generator, batch)["loss"], next(plain.generator.parameters())
    )
    assert (slope - other).abs().max() > 1e-3


# The gate


def test_gate_is_open_only_above_the_level_and_for_each_replica_alone():
    game, batch = fixed_noise(pair(Gated, replicas=3)), points(replicas=3)
    alone = fixed_noise(pair(replicas=3))
    real, fake = (alone.discriminator(x) for x in (batch.x, alone.generator(alone._draw(batch.x))))
    losses = PLAIN.discriminator(real, fake).mean(0)
    game.level = losses.sort().values[1].item() + 1e-9  # between the second and the third
    parts = game.discriminator_loss(game.discriminator, batch)
    assert parts["moves"] == pytest.approx(1 / 3)
    assert parts["loss"].item() == pytest.approx(losses.max().item())
    parts["loss"].backward()
    still = torch.stack([w.grad.flatten(1).abs().amax(1) for w in game.discriminator.weights]).amax(0)
    assert (still == 0).tolist() == (losses < losses.max()).tolist()


def test_open_gate_is_the_plain_loss():
    game, plain, batch = fixed_noise(pair(Gated, level=0.0)), fixed_noise(pair()), points()
    expected = plain.discriminator_loss(plain.discriminator, batch)["loss"]
    torch.testing.assert_close(game.discriminator_loss(game.discriminator, batch)["loss"], expected)
    shut = fixed_noise(pair(Gated, level=math.inf))
    assert shut.discriminator_loss(shut.discriminator, batch)["loss"] == 0
