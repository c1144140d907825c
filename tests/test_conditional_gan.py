import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib.conditional_gan import (
    Auxiliary,
    AuxiliaryGAN,
    Concatenating,
    ConditionalGenerator,
    ConvFeatures,
    MatchingGAN,
    Projecting,
    Untold,
    beside,
    class_nll,
)
from course_lib.data import Batch, Batches
from course_lib.gan import GAN
from course_lib.networks import ConvDiscriminator, ConvGenerator, Replicas, mlp
from course_lib.training import train


def one_hot(y, classes=3):
    return F.one_hot(y, classes).float()


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def batch():
    return Batch(torch.randn(6, 2), one_hot(torch.tensor([0, 1, 2, 2, 1, 0])))


class Linear(nn.Module):
    """A generator that is one linear map of z and c."""

    def __init__(self):
        super().__init__()
        self.net = nn.Linear(2 + 3, 2)

    def forward(self, z, c):
        return self.net(torch.cat([z, c], 1))


def test_conditional_generator_is_the_plain_one_of_both_inputs():
    net, plain = ConditionalGenerator(5, 3, width=4).eval(), ConvGenerator(8, width=4).eval()
    plain.load_state_dict(net.net.state_dict())
    z, c = torch.randn(4, 5), one_hot(torch.arange(4) % 3)
    torch.testing.assert_close(net(z, c), plain(torch.cat([z, c], 1)))


def test_conditional_generator_obeys_the_condition_and_the_code():
    net = ConditionalGenerator(5, 3, shape=(3, 16, 16), width=4).eval()
    z, c = torch.randn(2, 5), torch.eye(3)
    x = net(z[:1].expand(3, -1), c)
    assert x.shape == (3, 3, 16, 16)
    assert (x[0] - x[1]).abs().max() > 0
    assert (net(z, c[:2] * 0)[0] - net(z, c[:2] * 0)[1]).abs().max() > 0


@pytest.mark.parametrize(("latent", "condition"), [(0, 3), (4, 0)])
def test_conditional_generator_rejects_empty_inputs(latent, condition):
    with pytest.raises(ValueError, match="give 1 or more of each"):
        ConditionalGenerator(latent, condition)


def test_beside_makes_constant_planes_or_further_columns():
    x, c = torch.rand(2, 1, 4, 4), torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    planes = beside(x, c)
    assert planes.shape == (2, 3, 4, 4)
    torch.testing.assert_close(planes[:, :1], x)
    assert planes[:, 1:].flatten(2).std(2).max() == 0
    torch.testing.assert_close(2 * planes[:, 1:, 0, 0] - 1, c)
    torch.testing.assert_close(beside(x[:, 0, 0], c), torch.cat([x[:, 0, 0], c], 1))
    assert beside(torch.zeros(7, 5, 2), torch.zeros(7, 5, 3)).shape == (7, 5, 5)


@pytest.mark.parametrize(("x", "c"), [((3, 2), (2, 2)), ((2, 1, 4, 4), (3, 2)), ((4, 5, 2), (4, 2))])
def test_beside_rejects_another_number_of_conditions(x, c):
    with pytest.raises(ValueError, match="one condition for each sample"):
        beside(torch.zeros(x), torch.zeros(c))


def test_untold_ignores_the_condition_and_concatenating_does_not(batch):
    blind, told = Untold(mlp([2, 1])), Concatenating(mlp([2 + 3, 1]))
    other = batch.y.roll(1, 1)
    torch.testing.assert_close(blind(batch.x, batch.y), blind(batch.x, other))
    torch.testing.assert_close(told(*batch), told.net(torch.cat(batch, 1)))
    assert (told(batch.x, batch.y) - told(batch.x, other)).abs().min() > 0


def test_projecting_is_psi_plus_the_product_of_class_vector_and_features(batch):
    net = Projecting(mlp([2, 5]), 5, 3)
    classes = batch.y.argmax(1)
    for i, x in enumerate(batch.x):
        phi = net.features(x)
        expected = net.psi.weight[0] @ phi + net.psi.bias[0] + net.v.weight[:, classes[i]] @ phi
        torch.testing.assert_close(net(batch.x, batch.y)[i], expected)


class WithOne(nn.Module):
    def forward(self, x):
        return torch.cat([x, torch.ones_like(x)], -1)


def test_projecting_finds_the_exact_log_ratio_of_normals():
    """For Normals of equal width the best logit is linear in features (x, 1); logistic regression finds it."""
    m, m_fake = torch.tensor([-1.0, 1.0]), torch.tensor([0.5, 0.0])
    y = torch.arange(40_000) % 2
    c = one_hot(y, 2)
    real, fake = (centre[y][:, None] + torch.randn(len(y), 1) for centre in (m, m_fake))
    net = Projecting(WithOne(), 2, 2)
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=50)

    def loss():
        optimizer.zero_grad()
        value = (F.softplus(-net(real, c)) + F.softplus(net(fake, c))).mean()
        value.backward()
        return value

    optimizer.step(loss)
    x = torch.tensor([[-1.0], [0.0], [1.5]])
    for k in range(2):
        exact = (m[k] - m_fake[k]) * x[:, 0] - (m[k] ** 2 - m_fake[k] ** 2) / 2
        torch.testing.assert_close(net(x, torch.eye(2)[[k] * 3]).detach(), exact, atol=0.12, rtol=0)


def test_auxiliary_judges_x_alone_and_names_classes(batch):
    net = Auxiliary(mlp([2, 5]), 5, 3)
    scores, logits = net(*batch)
    assert scores.shape == (6,)
    assert logits.shape == (6, 3)
    again, _ = net(batch.x, batch.y.roll(1, 0))
    torch.testing.assert_close(scores, again)
    torch.testing.assert_close(logits, net.classes(net.features(batch.x)))


def test_class_nll_is_cross_entropy(batch):
    logits = torch.randn(6, 3)
    expected = F.cross_entropy(logits, batch.y.argmax(1), reduction="none")
    torch.testing.assert_close(class_nll(logits, batch.y), expected)


@pytest.mark.parametrize("weight", [0.0, 0.3, 2.0])
def test_auxiliary_gan_adds_the_weighted_class_losses(batch, weight):
    game = AuxiliaryGAN(Linear(), Auxiliary(mlp([2, 5]), 5, 3), 2, weight)
    classes = batch.y.argmax(1)
    torch.manual_seed(1)
    d_loss = game.discriminator_loss(game.discriminator, batch)
    torch.manual_seed(1)
    z = torch.randn(6, 2)
    (real, real_logits), (fake, fake_logits) = (
        game.discriminator(x, batch.y) for x in (batch.x, game.generator(z, batch.y))
    )
    wrong = F.cross_entropy(real_logits, classes) + F.cross_entropy(fake_logits, classes)
    plain = F.binary_cross_entropy_with_logits(real, torch.ones(6)) + F.binary_cross_entropy_with_logits(
        fake, torch.zeros(6)
    )
    torch.testing.assert_close(d_loss["loss"], plain + weight * wrong)
    torch.testing.assert_close(d_loss["classes"], wrong)
    torch.manual_seed(1)
    g_loss = game.generator_loss(game.generator, batch)
    expected = F.softplus(-fake).mean() + weight * F.cross_entropy(fake_logits, classes)
    torch.testing.assert_close(g_loss["loss"], expected)


def test_auxiliary_gan_leaves_the_generator_alone_in_the_discriminators_move(batch):
    game = AuxiliaryGAN(Linear(), Auxiliary(mlp([2, 5]), 5, 3), 2)
    game.discriminator_loss(game.discriminator, batch)["loss"].backward()
    assert all(p.grad is None for p in game.generator.parameters())
    assert all(p.grad is not None for p in game.discriminator.parameters())


def test_auxiliary_gan_without_weight_is_the_plain_game(batch):
    game = AuxiliaryGAN(Linear(), Auxiliary(mlp([2, 5]), 5, 3), 2, 0.0)

    class Scores(nn.Module):
        def forward(self, x, c):
            return game.discriminator(x, c)[0]

    plain = GAN(game.generator, Scores(), 2, conditional=True)
    for move in ("discriminator_loss", "generator_loss"):
        values = []
        for each, net in ((game, game.discriminator), (plain, plain.discriminator)):
            torch.manual_seed(2)
            values.append(getattr(each, move)(net if move[0] == "d" else game.generator, batch)["loss"])
        torch.testing.assert_close(*values)


def test_auxiliary_gan_needs_labels(batch):
    game = AuxiliaryGAN(Linear(), Auxiliary(mlp([2, 5]), 5, 3), 2)
    with pytest.raises(ValueError, match="no labels came"):
        game.generator_loss(game.generator, Batch(batch.x))


@pytest.mark.parametrize("objective", ["non-saturating", "hinge"])
def test_matching_gan_rejects_generated_and_mismatched_pairs_half_and_half(batch, objective):
    game = MatchingGAN(Linear(), Projecting(mlp([2, 5]), 5, 3), 2, objective, conditional=True)
    torch.manual_seed(1)
    found = game.discriminator_loss(game.discriminator, batch)
    torch.manual_seed(1)
    fakes = game.generator(torch.randn(6, 2), batch.y)
    pairs = {"real": (batch.x, batch.y), "fake": (fakes, batch.y)}
    pairs["mismatched"] = batch.x, batch.y[[5, 0, 1, 2, 3, 4]]
    scores = {key: game.discriminator(*pair) for key, pair in pairs.items()}
    for key in scores:
        torch.testing.assert_close(found[key], scores[key].mean())
    shift, bend = (1, F.relu) if objective == "hinge" else (0, F.softplus)
    rejected = (bend(shift + scores["fake"]) + bend(shift + scores["mismatched"])) / 2
    torch.testing.assert_close(found["loss"], (bend(shift - scores["real"]) + rejected).mean())


def test_matching_gan_leaves_the_generator_alone_in_the_discriminators_move(batch):
    game = MatchingGAN(Linear(), Projecting(mlp([2, 5]), 5, 3), 2, conditional=True)
    game.discriminator_loss(game.discriminator, batch)["loss"].backward()
    assert all(p.grad is None for p in game.generator.parameters())


def test_replicas_of_projecting_are_independent_networks():
    class Apart(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = Projecting(mlp([2, 4]), 4, 3)

        def forward(self, xc):
            return self.net(xc[..., :2], xc[..., 2:])

    many = Replicas(Apart, 3)
    x, c = torch.randn(5, 3, 2), one_hot(torch.randint(3, (5, 3)))
    scores = Concatenating(many)(x, c)
    for i in range(3):
        torch.testing.assert_close(scores[:, i], many.one(i).net(x[:, i], c[:, i]))


def test_conv_features_come_before_the_last_layer_of_the_discriminator():
    net, whole = ConvFeatures((1, 28, 28), 4).eval(), ConvDiscriminator((1, 28, 28), 4).eval()
    net.net.load_state_dict({k: v for k, v in whole.net.state_dict().items() if not k.startswith("6")})
    x = torch.rand(3, 1, 28, 28)
    assert net(x).shape == (3, net.size)
    torch.testing.assert_close(whole.net[6](net(x))[:, 0], whole(x))


@pytest.mark.parametrize("way", ["concatenation", "projection", "auxiliary"])
def test_each_way_learns_which_label_goes_where(way):
    """Two far heaps; with any of the three ways the generator puts each label where it belongs."""
    y = torch.randint(2, (4000,))
    x = 4.0 * y[:, None] - 2 + 0.3 * torch.randn(4000, 1)
    generator = Concatenating(mlp([1 + 2, 16, 16, 1]))

    def features(n_in):
        return nn.Sequential(mlp([n_in, 16, 16], nn.LeakyReLU), nn.LeakyReLU())

    if way == "auxiliary":
        game = AuxiliaryGAN(generator, Auxiliary(features(1), 16, 2), 1)
    else:
        told = Concatenating(nn.Sequential(features(3), nn.Linear(16, 1), nn.Flatten(0)))
        told = Projecting(features(1), 16, 2) if way == "projection" else told
        game = GAN(generator, told, 1, conditional=True)
    train(game.players((5e-3, 2e-3)), Batches((x, one_hot(y, 2)), 100), 10, progress=False)
    asked = torch.arange(200) % 2
    made = game.sample(200, one_hot(asked, 2))[:, 0]
    assert ((made > 0) == (asked == 1)).float().mean() > 0.95
