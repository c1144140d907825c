import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib.data import Batch, Batches, faces
from course_lib.training import train
from course_lib.translation import (
    CycleGame,
    Painted,
    PairGame,
    PatchDiscriminator,
    Retouched,
    UNet,
    edges,
    fooling,
    l1,
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


class Scores(nn.Module):
    """A discriminator of patches without normalisation: one convolution, so that its losses are done by hand."""

    def __init__(self, channels):
        super().__init__()
        self.net = nn.Conv2d(channels, 1, 2, stride=2)

    def forward(self, x):
        return self.net(x)[:, 0]


class Scaled(nn.Module):
    """A translator that is one number."""

    def __init__(self, value):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, x):
        return self.value * x


# --- the networks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channels", "size", "depth", "skips"),
    [((1, 3), (28, 28), 2, True), ((3, 3), (16, 24), 3, True), ((2, 1), (28, 28), 2, False), ((1, 1), (6, 2), 1, True)],
)
def test_unet_keeps_the_size(channels, size, depth, skips):
    net = UNet(*channels, width=4, depth=depth, skips=skips)
    assert net(torch.rand(2, channels[0], *size)).shape == (2, channels[1], *size)


def test_unet_takes_each_sample_on_its_own():
    net, x = UNet(1, 3, 4), torch.rand(4, 1, 8, 8)
    torch.testing.assert_close(net(x)[2:3], net(x[2:3]))


def silenced_middle(skips):
    """A U-Net whose middle says nothing: what changes its answer came another way."""
    net = UNet(1, 1, 8, skips=skips)
    nn.init.zeros_(net.down[-1][1].weight)
    nn.init.zeros_(net.down[-1][1].bias)
    return net


@pytest.mark.parametrize("skips", [True, False])
def test_skips_carry_what_does_not_pass_through_the_middle(skips):
    net, x = silenced_middle(skips), torch.rand(2, 1, 28, 28)
    assert ((net(x)[0] - net(x)[1]).abs().max() > 1e-3) == skips


def test_each_skip_is_used():
    net, reached = UNet(1, 1, 8), []
    for block in [net.start, *net.down]:
        block.register_forward_hook(lambda _, __, out: reached.append(out) or out.retain_grad())
    net(torch.rand(1, 1, 28, 28)).sum().backward()
    assert [tuple(level.shape[1:]) for level in reached] == [(8, 28, 28), (16, 14, 14), (32, 7, 7)]
    assert all(level.grad.abs().sum() > 0 for level in reached)
    assert [block[0].in_channels for block in net.up] == [32, 32]  # the second gets 16 from below and 16 from the side
    assert net.end.in_channels == 16


def test_unet_without_skips_is_narrower_by_the_skips():
    assert [block[0].in_channels for block in UNet(1, 1, 8, skips=False).up] == [32, 16]


def test_unet_copies_fine_detail_with_skips_only():
    """64 random dots, new ones in each step, do not pass through a middle of 32 numbers."""
    errors = {}
    for skips in (True, False):
        torch.manual_seed(1)
        net = UNet(1, 1, 4, depth=3, skips=skips)
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
        for _ in range(60):
            x = (torch.rand(64, 1, 8, 8) > 0.5).float()
            loss = F.binary_cross_entropy_with_logits(net(x), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        errors[skips] = loss.item()
    assert errors[True] < 0.1 < 0.5 < errors[False]


@pytest.mark.parametrize(
    "arguments", [(0, 3), (1, 0), (1, 3, 6), (1, 3, 0), (1, 3, 8, 0)], ids=["in", "out", "width", "no width", "depth"]
)
def test_unet_rejects_sizes(arguments):
    with pytest.raises(ValueError, match="give 1 or more"):
        UNet(*arguments)


@pytest.mark.parametrize("shape", [(2, 3, 28, 28), (1, 28, 28), (2, 1, 28, 30)])
def test_unet_rejects_pictures_that_do_not_fit(shape):
    with pytest.raises(ValueError, match=r"give \(B, 1, H, W\), H and W multiples of 4"):
        UNet(1, 3, 4)(torch.rand(shape))


def field_of(net, side):
    """Height and width of the pixels that the score in the middle depends on, by gradients."""
    x = torch.rand(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    scores = net.double()(x)
    middle = scores.shape[-1] // 2
    (gradient,) = torch.autograd.grad(scores[0, middle, middle], x)
    rows, columns = (gradient[0, 0].abs() > 0).nonzero().T
    return (rows.max() - rows.min() + 1).item(), (columns.max() - columns.min() + 1).item()


@pytest.mark.parametrize(("layers", "field"), [(1, 8), (2, 18), (3, 38)])
def test_patch_discriminator_sees_its_patch(layers, field):
    """4 for one layer of 4×4; further ones add 3 times the stride so far, the 3×3 at the end twice the whole stride."""
    net = PatchDiscriminator(1, 4, layers)
    net.net = nn.Sequential(  # normalisation looks at the whole picture, for its mean and variance
        *(nn.Sequential(block[0], block[2]) if isinstance(block, nn.Sequential) else block for block in net.net)
    )
    assert field_of(net, 80) == (field, field)
    by_hand, stride = 1, 1
    for kernel, step in [(4, 2)] * layers + [(3, 1)]:
        by_hand, stride = by_hand + (kernel - 1) * stride, stride * step
    assert by_hand == field


@pytest.mark.parametrize(("layers", "size"), [(1, 14), (2, 7)])
def test_patch_discriminator_gives_one_score_a_patch(layers, size):
    net = PatchDiscriminator(4, 8, layers)
    assert net(torch.rand(3, 4, 28, 28)).shape == (3, size, size)


def test_patch_discriminator_rejects_what_does_not_fit():
    with pytest.raises(ValueError, match=r"takes \(B, 4, H, W\)"):
        PatchDiscriminator(4, 8)(torch.rand(2, 3, 28, 28))
    for arguments in ((0,), (3, 6), (3, 8, 0)):
        with pytest.raises(ValueError, match="give 1 or more"):
            PatchDiscriminator(*arguments)


def test_painted_and_retouched_are_logits_of_a_picture():
    x, net = torch.rand(2, 3, 8, 8), UNet(3, 3, 4)
    torch.testing.assert_close(Painted(net)(x), net(x).sigmoid())
    same = Retouched(Scaled(0.0))(x)
    torch.testing.assert_close(same, x.clamp(0.02, 0.98))
    torch.testing.assert_close(Retouched(net)(same).logit(), same.logit() + net(same), atol=1e-4, rtol=1e-4)


# --- the edges ------------------------------------------------------------------------------------------------------


def test_edges_of_a_square_are_where_it_begins_and_ends():
    x = torch.zeros(1, 3, 6, 6)
    x[:, :, 2:4, 2:4] = 1
    found = edges(x)[0, 0]
    beside = torch.zeros(6, 6)
    beside[2:4, [1, 3]] = 1  # the next pixel to the right differs
    beside[[1, 3], 2:4] = 1  # or the next one below
    torch.testing.assert_close(found, beside)


def test_edges_see_no_colour_only_its_contrast():
    x = faces.sample(5).x.float() / 255
    torch.testing.assert_close(edges(x), edges(x[:, [2, 0, 1]]))
    torch.testing.assert_close(edges(x), edges(x.mean(1, keepdim=True)))
    assert edges(torch.full((1, 3, 8, 8), 0.3)).sum() == 0
    step = torch.zeros(1, 1, 4, 4)
    step[..., 2:] = 0.2
    assert (edges(step, 0.19).sum(), edges(step, 0.21).sum()) == (4, 0)


def test_edges_reject_what_is_no_picture():
    for x, threshold in ((torch.rand(3, 8, 8), 0.1), (torch.zeros(1, 1, 8, 8, dtype=torch.uint8), 0.1)):
        with pytest.raises(ValueError, match="give floats"):
            edges(x, threshold)
    with pytest.raises(ValueError, match="threshold 0"):
        edges(torch.rand(1, 1, 8, 8), 0)


# --- the games ------------------------------------------------------------------------------------------------------


def test_losses_are_one_number_a_sample():
    a, b, scores = torch.rand(4, 3, 5, 5), torch.rand(4, 3, 5, 5), torch.randn(4, 7, 7)
    torch.testing.assert_close(
        l1(a, b), torch.stack([F.l1_loss(u, v, reduction="sum") for u, v in zip(a, b, strict=True)])
    )
    expected = F.binary_cross_entropy_with_logits(scores, torch.ones_like(scores), reduction="none").mean((1, 2))
    torch.testing.assert_close(fooling(scores), expected)
    with pytest.raises(ValueError, match="give equal shapes"):
        l1(a, b[:1])


def test_pair_game_weighs_l1_against_the_patches():
    x, y = torch.rand(3, 1, 4, 4), torch.rand(3, 1, 4, 4)
    game = PairGame(Scaled(0.7), Scores(2), 0.3)
    real, fake = (game.discriminator.net(torch.cat([x, other], 1)) for other in (y, 0.7 * x))
    ones = torch.ones_like(real)
    d = F.binary_cross_entropy_with_logits(real, ones) + F.binary_cross_entropy_with_logits(fake, 0 * ones)
    g = F.binary_cross_entropy_with_logits(fake, ones) + 0.3 * (0.7 * x - y).abs().sum() / 3
    torch.testing.assert_close(game.discriminator_loss(game.discriminator, Batch(x, y))["loss"], d)
    torch.testing.assert_close(game.generator_loss(game.translator, Batch(x, y))["loss"], g)
    alone = PairGame(game.translator, None, 0.3)
    expected = 0.3 * (0.7 * x - y).abs().sum() / 3
    torch.testing.assert_close(alone.generator_loss(alone.translator, Batch(x, y))["loss"], expected)
    assert [len(g.players()) for g in (game, alone)] == [2, 1]


def test_a_discriminators_move_leaves_the_translators_alone():
    batch = Batch(torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4))
    pair = PairGame(Scaled(0.7), Scores(2))
    pair.discriminator_loss(pair.discriminator, batch)["loss"].backward()
    assert pair.translator.value.grad is None
    cycle = CycleGame(nn.ModuleList([Scaled(0.5), Scaled(2.0)]), nn.ModuleList([Scores(1), Scores(1)]))
    cycle.judges_loss(cycle.judges, batch)["loss"].backward()
    assert all(p.grad is None for p in cycle.translators.parameters())
    assert all(p.grad is not None for p in cycle.judges.parameters())


@pytest.mark.parametrize("weight", [0.0, 0.3])
def test_cycle_game_closes_both_circles(weight):
    x, y = torch.rand(3, 1, 4, 4), torch.rand(3, 1, 4, 4)
    judges = nn.ModuleList([Scores(1), Scores(1)])
    game = CycleGame(nn.ModuleList([Scaled(0.5), Scaled(3.0)]), judges, weight)
    fooled = F.softplus(-judges[1](0.5 * x)).mean() + F.softplus(-judges[0](3 * y)).mean()
    circles = 0.5 * (x.sum() + y.sum()) / 3  # 1.5 x − x and 1.5 y − y
    torch.testing.assert_close(game.translators_loss(game.translators, Batch(x, y))["loss"], fooled + weight * circles)
    caught = sum(
        F.softplus(-judge(real)).mean() + F.softplus(judge(fake)).mean()
        for judge, real, fake in ((judges[0], x, 3 * y), (judges[1], y, 0.5 * x))
    )
    torch.testing.assert_close(game.judges_loss(game.judges, Batch(x, y))["loss"], caught)


def test_cycle_loss_is_zero_for_maps_that_undo_each_other():
    batch = Batch(torch.rand(3, 1, 4, 4), torch.rand(3, 1, 4, 4))
    judges = nn.ModuleList([Scores(1), Scores(1)])
    with_cycle, without = (CycleGame(nn.ModuleList([Scaled(0.5), Scaled(2.0)]), judges, w) for w in (5.0, 0.0))
    losses = [game.translators_loss(game.translators, batch)["loss"] for game in (with_cycle, without)]
    torch.testing.assert_close(*losses)


def test_pairs_are_learned():
    """Faces from their negatives: an easy task, learned in a few moves."""
    x = faces.sample(200).x.float() / 255
    game = PairGame(Painted(UNet(3, 3, 4)), PatchDiscriminator(6, 4), 0.05)
    players = game.players(ema=0.5)
    history = train(players, Batches((1 - x, x), 20), 6, progress=False)
    errors = history["g.l1"]
    assert errors[-1] < 0.6 * errors[0]
