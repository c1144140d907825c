import math
from collections import Counter

import pytest
import torch
from torch import nn

from course_lib import losses
from course_lib.networks import (
    IMAGE,
    AttributeReader,
    AutoregressiveDecoder,
    BernoulliDecoder,
    ConvDiscriminator,
    ConvGenerator,
    DigitClassifier,
    GaussianEncoder,
    PooledEncoder,
    Replicas,
    mlp,
    swap,
)


def parameters(net):
    return sum(p.numel() for p in net.parameters())


def images(n=3, shape=IMAGE, seed=0):
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(seed))


NETWORKS = {
    "encoder": (lambda: GaussianEncoder(4), images),
    "decoder": (lambda: BernoulliDecoder(4), lambda n=3: images(n, (4,)) * 4 - 2),
    "classifier": (lambda: DigitClassifier(), images),
    "pooled": (lambda: PooledEncoder(5, width=4), lambda n=3: images(n, (3, 28, 28))),
    "reader": (lambda: AttributeReader((6, 2), width=4), lambda n=3: images(n, (3, 28, 28))),
}


def test_mlp_has_the_activation_between_the_layers_and_not_after_the_last():
    net = mlp([5, 4, 3, 2], nn.Tanh)
    assert [type(layer) for layer in net] == [nn.Linear, nn.Tanh, nn.Linear, nn.Tanh, nn.Linear]
    assert [(net[i].in_features, net[i].out_features) for i in (0, 2, 4)] == [(5, 4), (4, 3), (3, 2)]


def test_mlp_computes_the_affine_maps_by_hand():
    net, x = mlp([5, 4, 2]), torch.randn(3, 5)
    expected = (x @ net[0].weight.T + net[0].bias).clamp_min(0) @ net[2].weight.T + net[2].bias
    torch.testing.assert_close(net(x), expected)


@pytest.mark.parametrize(
    ("net", "count"),
    [
        (GaussianEncoder(20), 784 * 400 + 400 + 400 * 40 + 40),
        (BernoulliDecoder(20), 20 * 400 + 400 + 400 * 784 + 784),
        (DigitClassifier(), 114_314),  # the number on its card
        (GaussianEncoder(2, hidden=(), shape=(3, 4, 5)), 60 * 4 + 4),
        (BernoulliDecoder(2, hidden=(7, 6), shape=(3, 4, 5)), 2 * 7 + 7 + 7 * 6 + 6 + 6 * 60 + 60),
    ],
)
def test_number_of_parameters(net, count):
    assert parameters(net) == count


@pytest.mark.parametrize("shape", [IMAGE, (3, 4, 5)])
def test_encoder_and_decoder_shapes(shape):
    x = images(6, shape)
    mu, logvar = GaussianEncoder(2, (8,), shape)(x)
    assert mu.shape == logvar.shape == (6, 2)
    assert BernoulliDecoder(2, (8,), shape)(mu).shape == x.shape


def test_encoder_returns_mu_first_then_logvar():
    net = GaussianEncoder(3, hidden=())
    nn.init.zeros_(net.net[0].weight)
    net.net[0].bias.data = torch.arange(6.0)
    mu, logvar = net(images(1))
    assert (mu.tolist(), logvar.tolist()) == ([[0.0, 1.0, 2.0]], [[3.0, 4.0, 5.0]])


def test_decoder_lays_pixels_out_as_the_encoder_reads_them():
    encoder, decoder = GaussianEncoder(6, (), (2, 2, 3)), BernoulliDecoder(12, (), (2, 2, 3))
    encoder.net[0].weight.data, encoder.net[0].bias.data = torch.eye(12), torch.zeros(12)
    decoder.net[0].weight.data, decoder.net[0].bias.data = torch.eye(12), torch.zeros(12)
    x = images(4, (2, 2, 3))
    assert torch.equal(decoder(torch.cat(encoder(x), 1)), x)


@pytest.mark.parametrize(
    ("make", "inputs"), [NETWORKS["decoder"], NETWORKS["classifier"]], ids=["decoder", "classifier"]
)
def test_logits_are_not_squashed(make, inputs):
    net = make()
    last = [module for module in net.modules() if isinstance(module, nn.Linear)][-1]
    nn.init.constant_(last.bias, -5.0)
    assert (net(inputs()) < -3).all()


def test_classifier_gives_ten_logits():
    assert DigitClassifier(channels=2)(images(5)).shape == (5, 10)


def spot(row, column):
    """A red spot on a picture of paper, (1, 3, 28, 28)."""
    x = torch.full((1, 3, 28, 28), 0.97)
    x[:, 1:, row : row + 4, column : column + 4] = 0
    return x


def test_a_pooled_encoder_tells_what_there_is_and_not_where():
    torch.manual_seed(0)
    net = PooledEncoder(4, width=4)
    torch.testing.assert_close(net(spot(8, 8)), net(spot(12, 16)))  # moved by whole strides, away from the rim
    assert (net(spot(8, 8)) - net(spot(8, 8).flip(1))).abs().max() > 1e-3


def test_empty_paper_looks_the_same_whatever_its_grey():
    torch.manual_seed(0)
    net, other = PooledEncoder(4, width=4), PooledEncoder(4, width=4, paper=0.5)
    other.load_state_dict(net.state_dict())
    torch.testing.assert_close(net(torch.full((1, 3, 8, 8), 0.97)), other(torch.full((1, 3, 8, 8), 0.5)))


def test_a_reader_has_logits_for_each_attribute_and_sees_the_place():
    torch.manual_seed(0)
    net = AttributeReader((6, 2, 3), width=4)
    assert [part.shape for part in net(spot(8, 8))] == [(1, 6), (1, 2), (1, 3)]
    assert (net(spot(8, 8))[0] - net(spot(12, 16))[0]).abs().max() > 1e-3


@pytest.mark.parametrize("name", NETWORKS)
def test_samples_do_not_see_each_other_and_every_parameter_learns(name):
    make, inputs = NETWORKS[name]
    torch.manual_seed(0)
    net, x = make(), inputs(4)
    whole, one = net(x), net(x[2:3])
    if name in ("encoder", "reader"):
        whole, one = torch.cat(whole, 1), torch.cat(one, 1)
    torch.testing.assert_close(one, whole[2:3])
    whole.square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in net.parameters())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mlp([5]), "at least an input and an output size"),
        (lambda: mlp([]), "at least an input and an output size"),
        (lambda: mlp([5, 0, 2]), r"sizes are \(5, 0, 2\).*each >= 1"),
        (lambda: GaussianEncoder(0), "each >= 1"),
        (lambda: BernoulliDecoder(0), "each >= 1"),
        (lambda: GaussianEncoder(2)(images(2, (784,))), r"x is \(2, 784\); this encoder takes \(B, 1, 28, 28\)"),
        (lambda: GaussianEncoder(2)(images(2, (1, 8, 8))), r"takes \(B, 1, 28, 28\)"),
        (lambda: GaussianEncoder(2)(images(1)[0]), r"takes \(B, 1, 28, 28\)"),
        (lambda: GaussianEncoder(2, shape=(3, 4, 5))(images(2)), r"takes \(B, 3, 4, 5\)"),
        (lambda: BernoulliDecoder(2)(torch.zeros(2)), r"z is \(2,\); this decoder takes \(B, 2\)"),
        (lambda: BernoulliDecoder(2)(torch.zeros(5, 3)), r"takes \(B, 2\)"),
        (lambda: DigitClassifier()(images(2, (3, 28, 28))), r"the classifier takes \(B, 1, 28, 28\)"),
        (lambda: DigitClassifier()(images(1)[0]), r"the classifier takes \(B, 1, 28, 28\)"),
        (lambda: PooledEncoder()(images(2)), r"x is \(2, 1, 28, 28\).*give float pictures \(B, 3, H, W\)"),
        (lambda: AttributeReader((2,))(images(2, (3, 32, 32))), r"\(B, 3, 28, 28\)"),
        (lambda: AttributeReader((2,))(images(2, (3, 28, 28)).byte()), "uint8; give float pictures"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# The DCGAN pair


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 28, 28), (1, 32, 32), (3, 32, 32), (2, 8, 12)])
def test_the_convolutional_pair_fits_together(shape):
    x = ConvGenerator(5, shape, width=4)(torch.randn(6, 5))
    assert x.shape == (6, *shape) and x.min() >= 0 and x.max() <= 1
    assert ConvDiscriminator(shape, width=4)(x).shape == (6,)


def test_the_convolutional_pair_has_the_layers_that_its_paper_asks_for():
    g, d = ConvGenerator(), ConvDiscriminator()
    assert parameters(g) == 64 * 64 * 49 + 2 * 64 + 64 * 32 * 16 + 2 * 32 + 32 * 16 + 1
    assert parameters(d) == 32 * 16 + 32 + 32 * 64 * 16 + 2 * 64 + 64 * 49 + 1
    kinds = lambda net: Counter(type(layer).__name__ for layer in net.net)  # noqa: E731
    assert kinds(g)["BatchNorm2d"] == 2 and kinds(d)["BatchNorm2d"] == 1
    assert kinds(g)["ReLU"] == 2 and kinds(d)["LeakyReLU"] == 2 and not kinds(d)["ReLU"]
    assert not [layer for layer in (*g.modules(), *d.modules()) if isinstance(layer, (nn.MaxPool2d, nn.AvgPool2d))]


@pytest.mark.parametrize("make", [lambda: ConvGenerator(width=64), lambda: ConvDiscriminator(width=64)])
def test_the_convolutional_pair_starts_narrow(make):
    torch.manual_seed(0)
    for layer in make().modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)) and layer.weight.numel() > 1000:
            assert layer.weight.mean().abs() < 2e-3 and abs(layer.weight.std() - 0.02) < 2e-3
        if isinstance(layer, nn.BatchNorm2d):
            assert abs(layer.weight.mean() - 1) < 0.02 and 0.01 < layer.weight.std() < 0.03


def test_the_discriminator_sees_images_from_minus_one_to_one():
    seen = []
    net = ConvDiscriminator(width=4)
    net.net.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    net(torch.tensor([0.0, 0.5, 1.0])[:, None, None, None].expand(3, 1, 28, 28))
    torch.testing.assert_close(seen[0][:, 0, 0, 0], torch.tensor([-1.0, 0.0, 1.0]))


# Exchanging layers


def test_swap_replaces_every_layer_of_a_kind_in_a_copy():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.LeakyReLU(0.5), nn.Linear(4, 2)), nn.LeakyReLU(0.5))
    x = torch.randn(5, 3)
    before = net(x)
    other = swap(net, nn.LeakyReLU, lambda layer: nn.ReLU())
    expected = net[1][1](net[0](x).relu()).relu()
    torch.testing.assert_close(other(x), expected)
    torch.testing.assert_close(net(x), before)
    nn.init.zeros_(other[0].weight)
    torch.testing.assert_close(net(x), before)


def test_swap_hands_over_the_layer_that_it_replaces():
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    other = swap(net, nn.Linear, lambda layer: nn.Sequential(layer, nn.Linear(layer.out_features, 7)))
    assert [type(layer) for layer in other] == [nn.Sequential] * 2  # what came in place is not searched again
    assert other[1][1].in_features == 2
    with pytest.raises(ValueError, match="Sequential has no Conv2d"):
        swap(net, nn.Conv2d, nn.Identity)


# Replicas


def small():
    return mlp([3, 5, 2], nn.Tanh)


def test_each_replica_computes_and_learns_what_it_would_alone():
    torch.manual_seed(0)
    replicas, x = Replicas(small, 4), torch.randn(6, 4, 3)
    alone = [replicas.one(i) for i in range(4)]
    out = replicas(x)
    assert out.shape == (6, 4, 2)
    for i, net in enumerate(alone):
        torch.testing.assert_close(out[:, i], net(x[:, i]))
        net(x[:, i]).square().mean(0).sum().backward()
    out.square().mean(0).sum().backward()
    for name, weight in zip(replicas.names, replicas.weights, strict=True):
        expected = torch.stack([dict(net.named_parameters())[name].grad for net in alone])
        torch.testing.assert_close(weight.grad, expected)


def test_replicas_start_apart_as_networks_made_one_after_another():
    torch.manual_seed(0)
    replicas = Replicas(small, 3)
    torch.manual_seed(0)
    for i, net in enumerate([small() for _ in range(3)]):
        assert all(map(torch.equal, replicas.one(i).parameters(), net.parameters()))
    assert parameters(replicas) == 3 * parameters(small())


def test_replicas_of_convolutions_and_of_one_score():
    torch.manual_seed(0)
    make = lambda: nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Linear(3 * 4, 1), nn.Flatten(0))  # noqa: E731
    replicas, x = Replicas(make, 2), torch.randn(5, 2, 1, 4, 4)
    assert replicas(x).shape == (5, 2)
    torch.testing.assert_close(replicas(x)[:, 1], replicas.one(1)(x[:, 1]))


def test_replicas_are_saved_and_loaded_and_one_is_a_copy():
    replicas, other = Replicas(small, 2), Replicas(small, 2)
    other.load_state_dict(replicas.state_dict())
    x = torch.randn(4, 2, 3)
    torch.testing.assert_close(other(x), replicas(x))
    before = replicas(x)
    nn.init.zeros_(next(replicas.one(0).parameters()))
    torch.testing.assert_close(replicas(x), before)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ConvGenerator(shape=(1, 30, 28)), r"shape is \(1, 30, 28\); .*divisible by 4"),
        (lambda: ConvDiscriminator(shape=(1, 28, 27)), "divisible by 4"),
        (lambda: ConvGenerator(5)(torch.zeros(3, 4)), r"z is \(3, 4\); this generator takes \(B, 5\)"),
        (lambda: ConvDiscriminator()(images(2, (3, 28, 28))), r"this discriminator takes \(B, 1, 28, 28\)"),
        (lambda: Replicas(small, 0), "n is 0; give 1 or more"),
        (lambda: Replicas(small, 2)(torch.zeros(5, 3, 3)), r"x is \(5, 3, 3\); give \(B, 2, ...\)"),
        (lambda: Replicas(small, 2)(torch.zeros(5)), r"x is \(5,\)"),
    ],
)
def test_the_adversarial_networks_refuse_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# The autoregressive decoder

TINY = (1, 3, 3)


def autoregressive(reach=1, shape=TINY, latent_dim=2, seed=0):
    """An untrained one in float64, with weights large enough for the pixels to depend on each other."""
    torch.manual_seed(seed)
    net = AutoregressiveDecoder(latent_dim, (5,), shape, reach, width=8).double()
    for p in net.parameters():
        p.data *= 3
    return net


def every_image(shape):
    """All 2^P black-and-white images of a shape."""
    pixels = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.float64)] * math.prod(shape))
    return pixels.view(-1, *shape)


@pytest.mark.parametrize("reach", [0, 1, 2])
def test_autoregressive_probabilities_of_all_images_sum_to_one_for_every_z(reach):
    net, x = autoregressive(reach), every_image(TINY)
    for z in torch.randn(3, 1, 2, dtype=torch.float64):
        nll = losses.bernoulli_nll(net(z.expand(len(x), -1), x), x)
        assert (-nll).exp().sum().item() == pytest.approx(1, abs=1e-10)
        assert nll.std() > 0.1


@pytest.mark.parametrize("reach", [0, 1, 2, 3])
def test_each_pixel_sees_the_window_drawn_before_it_and_nothing_else(reach):
    shape = (1, 5, 6)
    net, x = autoregressive(reach, shape), images(1, shape).double()
    z = torch.randn(1, 2, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda x: net(z, x).flatten(), x).view(5, 6, 5, 6)
    row, column = torch.arange(5), torch.arange(6)
    up = row[:, None, None, None] - row[None, None, :, None]
    left = column[None, :, None, None] - column[None, None, None, :]
    near = (up <= reach) & (left.abs() <= reach)
    assert torch.equal(jacobian != 0, near & ((up > 0) | ((up == 0) & (left > 0))))


def test_autoregressive_logits_depend_on_z_at_every_pixel():
    net, x = autoregressive(), images(1, TINY).double()
    jacobian = torch.autograd.functional.jacobian(lambda z: net(z, x).flatten(), torch.ones(1, 2).double())
    assert (jacobian != 0).all()


@pytest.mark.parametrize("reach", [0, 1, 2])
def test_autoregressive_samples_have_the_probabilities_that_the_logits_state(reach):
    shape, n = (1, 2, 2), 40_000
    net, x = autoregressive(reach, shape), every_image(shape)
    z = torch.tensor([[0.5, -1.0]], dtype=torch.float64)
    p = (-losses.bernoulli_nll(net(z.expand(len(x), -1), x), x)).exp()
    torch.manual_seed(0)
    drawn = net.sample(z.expand(n, -1))
    assert drawn.shape == (n, *shape) and set(drawn.unique().tolist()) == {0.0, 1.0}
    counts = (drawn.flatten(1) @ torch.tensor([8.0, 4, 2, 1]).double()).long().bincount(minlength=16)
    assert ((counts / n - p).abs() < 5 * (p * (1 - p) / n).sqrt() + 1e-9).all()


def test_autoregressive_decoder_lays_pixels_out_as_the_image_is():
    net = autoregressive(0, (1, 2, 3))
    z = torch.zeros(1, 2, dtype=torch.float64)
    planned = net.plan(z)[0]
    expected = torch.stack([net.read(p[None]) + p for p in planned]).view(1, 1, 2, 3)
    torch.testing.assert_close(net(z, torch.zeros(1, 1, 2, 3, dtype=torch.float64)), expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: AutoregressiveDecoder(2, shape=(3, 4, 4)), r"shape is \(3, 4, 4\) and reach 3; give \(1, H, W\)"),
        (lambda: AutoregressiveDecoder(2, reach=-1), "reach -1; give"),
        (lambda: autoregressive()(torch.zeros(3, 4).double(), images(3, TINY)), r"z is \(3, 4\).*takes \(B, 2\)"),
        (lambda: autoregressive().sample(torch.zeros(2).double()), r"z is \(2,\).*takes \(B, 2\)"),
        (lambda: autoregressive()(torch.zeros(3, 2).double(), images(2, TINY)), r"x is \(2, 1, 3, 3\).*\(3, 1, 3, 3\)"),
    ],
)
def test_the_autoregressive_decoder_refuses_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Spectral norms of replicas


def largest(weights):
    """The largest singular value of each matrix of (n, out, ...)."""
    return torch.linalg.svdvals(weights.flatten(2))[:, 0]


def matrices(replicas):
    return [w for w in replicas._effective().values() if w.ndim > 2]


def test_spectral_replicas_have_matrices_of_norm_one_and_biases_as_they_are():
    torch.manual_seed(0)
    replicas = Replicas(small, 4, spectral=True)
    for _ in range(60):
        replicas(torch.randn(2, 4, 3))  # a step of the power iteration each
    for weights in matrices(replicas):
        torch.testing.assert_close(largest(weights), torch.ones(4), rtol=1e-4, atol=1e-4)
    bias = replicas.names.index("0.bias")
    torch.testing.assert_close(replicas._effective()["0.bias"], replicas.weights[bias])


def test_spectral_norm_of_a_convolution_is_that_of_its_matrix_of_weights():
    torch.manual_seed(0)
    replicas = Replicas(lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten()), 2, spectral=True)
    for _ in range(200):
        replicas(torch.randn(1, 2, 2, 4, 4))
    torch.testing.assert_close(largest(matrices(replicas)[0]), torch.ones(2), rtol=1e-4, atol=1e-4)


def test_spectral_replica_is_what_pytorch_makes_of_its_weights():
    torch.manual_seed(0)
    replicas = Replicas(small, 2, spectral=True)
    replicas.eval()
    own = Replicas(small, 2)
    with torch.no_grad():
        for ours, theirs in zip(own.weights, replicas.weights, strict=True):
            ours.copy_(theirs)
    net, x = own.one(1), torch.randn(5, 2, 3)
    for layer in (net[0], net[2]):
        nn.utils.parametrizations.spectral_norm(layer, n_power_iterations=300)
    net(x[:, 1])
    torch.testing.assert_close(replicas(x)[:, 1], net(x[:, 1]), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(replicas.one(1)(x[:, 1]), replicas(x)[:, 1])


def test_spectral_norms_follow_the_weights_and_are_stored():
    torch.manual_seed(0)
    replicas, other = Replicas(small, 3, spectral=True), Replicas(small, 3, spectral=True)
    optimizer = torch.optim.SGD(replicas.parameters(), 0.1)
    for _ in range(50):
        optimizer.zero_grad()
        replicas(torch.randn(8, 3, 3)).square().mean().neg().backward()  # wants to grow without bound
        optimizer.step()
    assert all((largest(w) < 1.1).all() for w in matrices(replicas))
    other.load_state_dict(replicas.state_dict())
    x = torch.randn(4, 3, 3)
    torch.testing.assert_close(other.eval()(x), replicas.eval()(x))


def test_spectral_norm_moves_only_in_training_with_gradients():
    torch.manual_seed(0)
    replicas = Replicas(small, 2, spectral=True)
    before = [norm.u.clone() for norm in replicas.norms if hasattr(norm, "u")]
    replicas.eval()(torch.randn(2, 2, 3))
    with torch.no_grad():
        replicas.train()(torch.randn(2, 2, 3))
    replicas.one(0)
    assert all(
        torch.equal(a, norm.u) for a, norm in zip(before, (n for n in replicas.norms if hasattr(n, "u")), strict=True)
    )
