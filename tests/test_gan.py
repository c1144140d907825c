"""The adversarial game: against hand-written steps, closed forms, and on targets where it must win."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib import losses
from course_lib.data import Batch, Batches, toy
from course_lib.gan import GAN
from course_lib.metrics import modes
from course_lib.networks import Replicas, mlp
from course_lib.runtime import seed_everything
from course_lib.training import train


def pair(hidden=8):
    """A generator of points in the plane and a discriminator of them."""
    return mlp([2, hidden, 2]), nn.Sequential(*mlp([2, hidden, 1], nn.LeakyReLU), nn.Flatten(0))


def replicas(n, hidden=8):
    """The pair, n seeds in one model."""
    return Replicas(lambda: pair(hidden)[0], n), Replicas(lambda: pair(hidden)[1], n)


def game(seed=0, **options):
    seed_everything(seed)
    return GAN(*pair(), 2, **options)


def batch(n=16, seed=1):
    return Batch(torch.randn(n, 2, generator=torch.Generator().manual_seed(seed)))


def weights(net):
    return [p.detach().clone() for p in net.parameters()]


def close(a, b):
    for u, v in zip(a, b, strict=True):
        torch.testing.assert_close(u, v)


# Moves


def test_a_round_is_the_hand_written_one():
    model, ours = game(), game()
    x = Batches((batch(32).x, None), 16, seed=3)
    seed_everything(5)
    train(model.players(lr=(0.01, 0.02)), x, 1, progress=False)

    generator, discriminator = ours.generator, ours.discriminator
    d_step = torch.optim.Adam(discriminator.parameters(), lr=0.01, betas=(0.5, 0.999))
    g_step = torch.optim.Adam(generator.parameters(), lr=0.02, betas=(0.5, 0.999))
    seed_everything(5)
    first, _ = Batches((batch(32).x, None), 16, seed=3)
    fake = generator(torch.randn(16, 2)).detach()
    real_score, fake_score = discriminator(first.x), discriminator(fake)
    ones, zeros = torch.ones(16), torch.zeros(16)
    bce = F.binary_cross_entropy_with_logits
    (bce(real_score, ones) + bce(fake_score, zeros)).backward()
    d_step.step()
    g_step.zero_grad()
    bce(discriminator(generator(torch.randn(16, 2))), ones).backward()
    g_step.step()
    close(weights(model.discriminator), weights(discriminator))
    close(weights(model.generator), weights(generator))


@pytest.mark.parametrize("steps", [1, 3])
def test_the_discriminator_moves_so_often_before_the_generator(steps):
    model, calls = game(), []
    players = model.players(steps=steps)
    for player in players:
        player.optimizer.register_step_post_hook(lambda *_, name=player.name: calls.append(name))
    train(players, Batches((batch(40).x, None), 5), 1, progress=False)
    assert calls == (["d"] * steps + ["g"]) * (8 // (steps + 1))


def test_a_move_leaves_no_gradient_in_the_other_player():
    model = game()
    d, g = model.players()
    d(batch())["loss"].backward()
    assert all(p.grad is None for p in model.generator.parameters())
    assert all(p.grad is not None for p in model.discriminator.parameters())
    model.discriminator.zero_grad(set_to_none=True)
    model.discriminator.requires_grad_(False)  # as `train` does when it is the generator's turn
    g(batch())["loss"].backward()
    assert all(p.grad is not None for p in model.generator.parameters())


@pytest.mark.parametrize("objective", losses.ADVERSARIAL)
def test_the_losses_are_those_of_the_objective(objective):
    model, x = game(objective=objective), batch()
    d, g = model.players()
    expected = losses.ADVERSARIAL[objective]
    torch.manual_seed(1)
    parts = d(x)
    torch.manual_seed(1)
    fake = model.discriminator(model.generator(torch.randn(16, 2)))
    real = model.discriminator(x.x)
    torch.testing.assert_close(parts["loss"], expected.discriminator(real, fake).mean())
    torch.testing.assert_close((parts["real"], parts["fake"]), (real.mean(), fake.mean()))
    torch.manual_seed(1)
    torch.testing.assert_close(g(x)["loss"], expected.generator(fake).mean())


@pytest.mark.parametrize("penalty", [losses.r1, losses.gradient_penalty])
def test_the_penalty_is_added_with_its_weight_to_the_discriminator_alone(penalty):
    plain, model = game(), game(penalty=penalty, penalty_weight=3.0)
    (d, g), (d_plain, g_plain) = model.players(), plain.players()
    results = []
    for player in (d, d_plain, g, g_plain):
        torch.manual_seed(1)
        results.append(player(batch()))
    assert results[0]["penalty"] > 0 and "penalty" not in results[1]
    torch.testing.assert_close(results[0]["loss"], results[1]["loss"] + 3 * results[0]["penalty"])
    torch.testing.assert_close(results[2]["loss"], results[3]["loss"])


# It learns


def test_at_equilibrium_the_discriminator_is_the_ratio_of_the_densities_and_its_loss_log_4():
    """The generator is frozen at N(0, 1), so the best logit for real N(1, 1) is x - 1/2."""
    seed_everything(0)
    frozen = nn.Linear(1, 1).requires_grad_(False)
    nn.init.ones_(frozen.weight), nn.init.zeros_(frozen.bias)
    critic = nn.Sequential(nn.Linear(1, 1), nn.Flatten(0))
    model = GAN(frozen, critic, 1)
    d = model.discriminator_loss
    optimizer = torch.optim.Adam(critic.parameters(), lr=0.02)
    for _ in range(400):
        optimizer.zero_grad()
        d(critic, Batch(1 + torch.randn(4096, 1)))["loss"].backward()
        optimizer.step()
    assert abs(critic[0].weight.item() - 1) < 0.06 and abs(critic[0].bias.item() + 0.5) < 0.06
    nn.init.zeros_(critic[0].weight), nn.init.zeros_(critic[0].bias)
    torch.testing.assert_close(d(critic, Batch(torch.randn(64, 1)))["loss"].item(), math.log(4))


SETTINGS = {
    "minimax": {"objective": "minimax"},
    "non-saturating": {"objective": "non-saturating"},
    "least squares": {"objective": "least squares"},
    "hinge": {"objective": "hinge"},
    "wasserstein with gradient penalty": {
        "objective": "wasserstein",
        "penalty": losses.gradient_penalty,
        "penalty_weight": 1.0,
    },
    "non-saturating with R1": {"objective": "non-saturating", "penalty": losses.r1, "penalty_weight": 0.5},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_every_objective_moves_a_normal_to_where_the_data_are(name):
    """Three seeds in one model, to within the data's standard deviation; players circle the target for long."""
    seed_everything(0)
    target = torch.tensor([2.0, -1.0])
    options = SETTINGS[name]
    steps = 5 if options["objective"] == "wasserstein" else 1
    model = GAN(*replicas(3, 16), (3, 2), **options)
    x = target + 0.5 * torch.randn(2000, 3, 2)
    before = (model.sample(2000).mean(0) - target).norm(dim=1).min()
    batches = Batches((x, None), 100)
    train(model.players(lr=(5e-3, 2e-3), steps=steps, ema=0.98), batches, 20 * (1 + steps), progress=False)
    samples = model.sample(2000, generator=torch.Generator().manual_seed(0))
    assert before > 1.5
    assert ((samples.mean(0) - target).norm(dim=1) < 0.5).all(), samples.mean(0)
    assert ((samples.std(0) > 0.2) & (samples.std(0) < 1.0)).all(), samples.std(0)


def test_a_ring_of_three_is_covered():
    seed_everything(0)
    ring = toy.ring(3, sd=0.1)
    model = GAN(*replicas(2, 64), (2, 2))
    x = ring.sample(8000, torch.Generator().manual_seed(0)).view(4000, 2, 2)
    train(model.players(lr=(4e-3, 2e-3), ema=0.99), Batches((x, None), 100), 40, progress=False)
    samples = model.sample(2000)
    for i in range(2):
        found = modes(samples[:, i], ring)
        assert found.covered == 3 and found.high_quality > 0.6 and found.reverse_kl < 0.1


def test_the_seeds_of_replicas_do_not_disturb_each_other():
    """Replica 0 of two learns what a single replica learns from its column."""
    x = torch.randn(64, 2, 2)
    seed_everything(0)
    both = GAN(*replicas(2), (2, 2))
    one = GAN(both.generator.one(0), both.discriminator.one(0), 2)
    z = torch.randn(64, 2, 2)
    both._draw, one._draw = (lambda _: z), (lambda _: z[:, 0])
    train(both.players(lr=0.01), [Batch(x)] * 10, 1, progress=False)
    train(one.players(lr=0.01), [Batch(x[:, 0])] * 10, 1, progress=False)
    close(weights(both.generator.one(0)), weights(one.generator))
    close(weights(both.discriminator.one(0)), weights(one.discriminator))


# Conditioning


class Labelled(nn.Module):
    """Adds an embedding of the label to the input of a network."""

    def __init__(self, net):
        super().__init__()
        self.net, self.embedding = net, nn.Embedding(3, 2)

    def forward(self, x, y):
        return self.net(x + self.embedding(y))


def conditional():
    seed_everything(0)
    generator, discriminator = pair()
    return GAN(Labelled(generator), Labelled(discriminator), 2, conditional=True, penalty=losses.r1)


def test_labels_reach_both_networks_in_both_moves():
    model = conditional()
    x = batch()._replace(y=torch.zeros(16, dtype=torch.int64))
    train(model.players(lr=0.01), [x, x], 1, progress=False)
    fresh = conditional()
    for net, old in ((model.generator, fresh.generator), (model.discriminator, fresh.discriminator)):
        moved = (net.embedding.weight != old.embedding.weight).any(1)
        assert moved.tolist() == [True, False, False]


def test_samples_follow_their_labels():
    model = conditional()
    draw = lambda label: model.sample(5, torch.full((5,), label), torch.Generator().manual_seed(0))  # noqa: E731
    assert torch.equal(draw(1), draw(1)) and not torch.equal(draw(1), draw(2))


def test_labels_that_are_missing_are_asked_for():
    model = conditional()
    with pytest.raises(ValueError, match="conditional and no labels came; give y"):
        model.sample(3)
    with pytest.raises(ValueError, match="give y"):
        model.players()[0](batch())


# Samples


def test_samples_are_decided_by_the_generator_and_have_the_shape_of_the_data():
    model = game()
    a, b = (model.sample(7, generator=torch.Generator().manual_seed(4)) for _ in range(2))
    assert a.shape == (7, 2) and torch.equal(a, b) and not a.requires_grad
    expected = model.generator(torch.randn(7, 2, generator=torch.Generator().manual_seed(4)))
    torch.testing.assert_close(a, expected.detach())


def test_samples_come_from_the_moving_average_where_there_is_one():
    model = game()
    assert model.sampler is model.generator
    d, g = model.players(lr=0.1, ema=0.9)
    train([d, g], [batch()] * 8, 1, progress=False)
    assert model.sampler is g.average.module
    z = torch.Generator().manual_seed(0)
    torch.testing.assert_close(
        model.sample(3, generator=z), model.sampler(torch.randn(3, 2, generator=z.manual_seed(0)))
    )
    assert not torch.equal(weights(model.sampler)[0], weights(model.generator)[0])
    assert not [name for name in model.state_dict() if "average" in name or "sampler" in name]


def test_sampling_uses_the_tracked_statistics_and_leaves_the_mode_and_the_statistics_alone():
    seed_everything(0)
    generator = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    model = GAN(generator, pair()[1], 2)
    before = generator[1].running_mean.clone()
    one = model.sample(1, generator=torch.Generator().manual_seed(0))
    many = model.sample(4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(one, many[:1])
    assert generator.training and torch.equal(generator[1].running_mean, before)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: game(objective="vanilla"), "no objective 'vanilla'; there are minimax, non-saturating, least squares"),
        (lambda: game().sample(0), "n is 0; give 1 or more"),
        (lambda: game().players(ema=1.0), r"ema is 1.0; give a decay in \[0, 1\)"),
        (lambda: game().players(steps=0), "give lr > 0 and steps >= 1"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_an_objective_of_ones_own_is_played():
    own = losses.Adversarial(lambda real, fake: 3 * real + fake, lambda fake: 5 * fake)
    torch.manual_seed(0)
    game = GAN(mlp([2, 2]), nn.Sequential(*mlp([2, 1]), nn.Flatten(0)), 2, objective=own)
    game._draw = lambda x: x
    x = torch.randn(4, 2)
    real, fake = game.discriminator(x).mean(), game.discriminator(game.generator(x)).mean()
    torch.testing.assert_close(game.discriminator_loss(game.discriminator, Batch(x))["loss"], 3 * real + fake)
    torch.testing.assert_close(game.generator_loss(game.generator, Batch(x))["loss"], 5 * fake)
