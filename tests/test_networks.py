import pytest
import torch
from torch import nn

from course_lib.networks import IMAGE, BernoulliDecoder, DigitClassifier, GaussianEncoder, mlp


def parameters(net):
    return sum(p.numel() for p in net.parameters())


def images(n=3, shape=IMAGE, seed=0):
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(seed))


NETWORKS = {
    "encoder": (lambda: GaussianEncoder(4), images),
    "decoder": (lambda: BernoulliDecoder(4), lambda n=3: images(n, (4,)) * 4 - 2),
    "classifier": (lambda: DigitClassifier(), images),
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


@pytest.mark.parametrize("name", NETWORKS)
def test_samples_do_not_see_each_other_and_every_parameter_learns(name):
    make, inputs = NETWORKS[name]
    torch.manual_seed(0)
    net, x = make(), inputs(4)
    whole, one = net(x), net(x[2:3])
    if name == "encoder":
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
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
