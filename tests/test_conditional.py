import math
from itertools import product

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib import losses, vae
from course_lib.conditional import M2, ConditionalVAE, negative_m2
from course_lib.data import Batch
from course_lib.training import Player, train

SHAPE, CLASSES = (1, 1, 3), 3  # eight black-and-white images in all
EVERY = torch.tensor(list(product((0.0, 1.0), repeat=3)), dtype=torch.float64).view(8, *SHAPE)
GRID = torch.linspace(-8, 8, 801, dtype=torch.float64)[:, None]
LOG_PRIOR = -0.5 * (GRID[:, 0].square() + losses.LOG_2PI) + math.log(16 / 800)  # with the width of a cell


def strong(net, seed=0):
    """In float64, with weights large enough for z, c and x to matter."""
    for p in net.parameters():
        p.data = 2 * torch.randn(p.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        seed += 1
    return net.double()


@pytest.fixture
def model():
    return strong(ConditionalVAE(1, CLASSES, (4,), SHAPE))


@pytest.fixture
def m2():
    return strong(M2(1, CLASSES, (4,), SHAPE))


def one_hot(y):
    return F.one_hot(torch.as_tensor(y), CLASSES).double()


def log_likelihood(model, x, y):
    """log p(x|y), (N,), by a sum over a grid of z."""
    c = one_hot(y)
    rows = [
        -losses.bernoulli_nll(
            model.decoder(torch.cat([GRID, row.expand(801, -1)], 1)).view(801, *SHAPE), image.expand(801, *SHAPE)
        )
        for image, row in zip(x, c, strict=True)
    ]
    return (torch.stack(rows) + LOG_PRIOR).logsumexp(1)


def all_pairs():
    """Each of the eight images with each class: x (24, ...), y (24,)."""
    return EVERY.repeat(CLASSES, 1, 1, 1), torch.arange(CLASSES).repeat_interleave(8)


def many_draws(bound, *rows, n=4000):
    """Mean over n draws of a one-sample bound of each row, and its standard error."""
    values = bound(*(r.repeat(n, *[1] * (r.ndim - 1)) for r in rows)).detach().view(n, -1)
    return values.mean(0), values.std(0) / math.sqrt(n)


def exact_posterior_is_the_prior(model):
    """Cut z out of the decoder: then p(z|x, c) = N(0, I), which the encoder gives as well."""
    with torch.no_grad():
        model.decoder.net[0].weight[:, : model.latent_dim] = 0
        for layer in (model.encoder.net[-1].weight, model.encoder.net[-1].bias):
            layer.zero_()


# --- the conditional VAE -------------------------------------------------------------------------------------------


def test_elbo_is_that_of_networks_over_x_and_c_side_by_side(model):
    x, y = all_pairs()
    torch.manual_seed(0)
    parts = model.given(one_hot(y)).elbo(x)
    torch.manual_seed(0)
    mu, logvar = model.encoder.net(torch.cat([x.flatten(1), one_hot(y)], 1)).chunk(2, 1)
    z = mu + (logvar / 2).exp() * torch.randn_like(mu)
    logits = model.decoder.net(torch.cat([z, one_hot(y)], 1)).view_as(x)
    torch.testing.assert_close(parts.reconstruction, losses.bernoulli_nll(logits, x))
    torch.testing.assert_close(parts.kl, losses.kl_diagonal_normals(mu, logvar))


def test_elbo_lies_below_the_likelihood_given_c(model):
    x, y = all_pairs()
    exact = log_likelihood(model, x, y)
    torch.testing.assert_close(exact.view(CLASSES, 8).exp().sum(1), torch.ones(CLASSES).double())
    mean, error = many_draws(lambda x, c: model.given(c).elbo(x).bound, x, one_hot(y))
    assert (mean < exact + 4 * error).all()
    assert (mean < exact - 4 * error).any()


def test_elbo_is_the_likelihood_where_the_encoder_gives_the_posterior(model):
    exact_posterior_is_the_prior(model)
    x, y = all_pairs()
    torch.testing.assert_close(model.given(one_hot(y)).elbo(x).bound, log_likelihood(model, x, y))


def test_log_weights_average_to_the_likelihood_given_c(model):
    x, y = all_pairs()
    n = 400
    torch.manual_seed(0)
    weights = model.given(one_hot(y).repeat(n, 1)).log_weights(x.repeat(n, 1, 1, 1), 20).detach()
    weights = weights.view(20, n, 24).flatten(0, 1).exp()
    error = weights.std(0) / math.sqrt(len(weights))
    assert ((weights.mean(0) - log_likelihood(model, x, y).exp()).abs() < 4 * error).all()


def test_condition_changes_samples_and_codes(model):
    generators = [torch.Generator().manual_seed(0) for _ in range(CLASSES)]
    made = [
        model.given(c[None]).double().decode(torch.randn(5, 1, generator=g).double())
        for c, g in zip(one_hot(range(CLASSES)), generators, strict=True)
    ]
    codes = [model.given(c[None]).encoder(EVERY)[0] for c in one_hot(range(CLASSES))]
    for a, b in (made[:2], made[1:], codes[:2], codes[1:]):
        assert (a - b).abs().max() > 1e-3


def test_one_row_serves_all_and_rows_go_with_their_images(model):
    x, y = all_pairs()
    together = model.given(one_hot(y)).reconstruct(x)
    apart = torch.cat([model.given(row[None]).reconstruct(EVERY) for row in one_hot(range(CLASSES))])
    torch.testing.assert_close(together, apart)
    assert model.given(one_hot([1])).decode(torch.zeros(7, 1).double()).shape == (7, *SHAPE)


def test_given_shares_the_weights_and_moves_with_its_condition(model):
    given = model.given(one_hot([0]))
    assert {id(p) for p in given.parameters()} == {id(p) for p in model.parameters()}
    vae.negative_elbo(given, Batch(EVERY))["loss"].backward()
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())
    assert given.to("meta").encoder.c.device.type == "meta"


def test_sample_has_the_shape_of_an_image():
    net = ConditionalVAE(2, 3, (8,), (3, 6, 4))
    assert net.given(torch.rand(4, 3)).sample(4).shape == (4, 3, 6, 4)
    assert net.given(torch.rand(1, 3)).sample(4).shape == (4, 3, 6, 4)


def test_hidden_sets_the_widths_of_both_networks_the_decoder_in_reverse():
    net = ConditionalVAE(3, 10, hidden=(50, 20))
    sizes = [[layer.in_features for layer in part.net if hasattr(layer, "in_features")] for part in net.children()]
    assert sizes == [[794, 50, 20], [13, 20, 50]]


def test_condition_alone_is_enough_to_tell_two_images_apart():
    """Two images, one a class: the decoder learns to read them off c, and z is left with nothing to say."""
    x = torch.rand(2, 1, 3, 4, generator=torch.Generator().manual_seed(0)).round()
    assert (x[0] - x[1]).abs().sum() >= 3
    torch.manual_seed(0)
    net, c = ConditionalVAE(2, 2, (16,), (1, 3, 4)), torch.eye(2)
    player = Player("cvae", net, lambda m, b: vae.negative_elbo(m.given(b.y), b), lr=3e-2)
    train(player, [Batch(x, c)], 200, progress=False)
    drawn = net.given(c.repeat(50, 1)).decode(torch.randn(100, 2)).detach().view(50, *x.shape)
    assert torch.equal(drawn.round(), x.expand(50, *x.shape))
    assert net.given(c).elbo(x).kl.max() < 0.1


# --- M2 ------------------------------------------------------------------------------------------------------------


def joint(m2, x):
    """log p(x, y) for all classes, (N, K)."""
    each = [log_likelihood(m2.conditional, x, torch.full((len(x),), k)) for k in range(CLASSES)]
    return torch.stack(each, 1) - math.log(CLASSES)


def exact_classifier(m2):
    """Let q(y|x) be p(y|x), by enumeration."""

    class Exact(nn.Module):
        def forward(self, x):
            return joint(m2, x)

    m2.classifier = Exact()


def test_joint_is_a_distribution_over_images_and_classes(m2):
    torch.testing.assert_close(joint(m2, EVERY).exp().sum(), torch.tensor(1.0).double())


def test_labelled_bound_lies_below_the_joint(m2):
    x, y = all_pairs()
    exact = joint(m2, EVERY).T.flatten()
    mean, error = many_draws(m2.labelled_bound, x, y)
    assert (mean < exact + 4 * error).all()
    assert (mean < exact - 4 * error).any()


def test_labelled_bound_is_the_joint_where_the_encoder_gives_the_posterior(m2):
    exact_posterior_is_the_prior(m2.conditional)
    x, y = all_pairs()
    torch.testing.assert_close(m2.labelled_bound(x, y), joint(m2, EVERY).T.flatten())


def test_unlabelled_bound_lies_below_the_evidence(m2):
    exact = joint(m2, EVERY).logsumexp(1)
    for seed in range(3):
        strong(m2.classifier, seed)
        mean, error = many_draws(m2.unlabelled_bound, EVERY, n=1000)
        assert (mean < exact + 4 * error).all()


def test_gap_of_the_unlabelled_bound_is_the_divergence_of_the_classifier(m2):
    """With exact q(z|x, y): log p(x) minus the bound is KL(q(y|x) || p(y|x))."""
    exact_posterior_is_the_prior(m2.conditional)
    log_q, log_p = m2.classifier(EVERY).log_softmax(1), joint(m2, EVERY)
    divergence = losses.kl_categorical(log_q.exp(), log_p.softmax(1))
    assert divergence.max() > 0.1
    torch.testing.assert_close(log_p.logsumexp(1) - m2.unlabelled_bound(EVERY), divergence)


def test_unlabelled_bound_is_the_evidence_where_both_are_exact(m2):
    exact_posterior_is_the_prior(m2.conditional)
    exact_classifier(m2)
    torch.testing.assert_close(m2.unlabelled_bound(EVERY), joint(m2, EVERY).logsumexp(1))


def test_loss_weighs_its_parts(m2):
    labelled = Batch(EVERY[:3], torch.arange(3))
    torch.manual_seed(0)
    parts = negative_m2(m2, labelled, EVERY, share=0.2, alpha=3.0)
    torch.manual_seed(0)
    first, second = -m2.labelled_bound(*labelled).mean(), -m2.unlabelled_bound(EVERY).mean()
    cross = F.cross_entropy(m2.classifier(labelled.x), labelled.y)
    torch.testing.assert_close(parts["loss"], 0.2 * first + 0.8 * second + 3 * cross)
    torch.testing.assert_close([parts[k] for k in ("labelled", "unlabelled", "classifier")], [first, second, cross])


@pytest.mark.parametrize(("share", "alpha"), [(0.0, 0.0), (1.0, 1.0)], ids=["unlabelled", "labelled"])
def test_loss_reaches_every_parameter(m2, share, alpha):
    """Through the unlabelled bound alone, too, the classifier learns."""
    negative_m2(m2, Batch(EVERY[:3], torch.arange(3)), EVERY, share, alpha)["loss"].backward()
    assert all(p.grad.abs().sum() > 0 for p in m2.parameters())


def test_unlabelled_images_teach_the_classifier_what_the_labels_leave_open():
    """Two images a class, only one of them labelled; each pair differs in one pixel of six, the classes in five."""
    first, second = torch.tensor([1.0, 1, 1, 0, 0, 0]), torch.tensor([0.0, 0, 0, 1, 1, 0])
    x = torch.stack([first, first, second, second])
    x[1, 5] = x[3, 5] = 1
    x, y = x.view(4, 1, 2, 3), torch.tensor([0, 0, 1, 1])
    torch.manual_seed(0)
    net = M2(1, 2, (16,), (1, 2, 3))
    known = Batch(x[[0, 3]], y[[0, 3]])  # the labelled differ in the sixth pixel as well
    player = Player("m2", net, lambda m, b: negative_m2(m, known, b.x, 0.5, 1.0), lr=1e-2)
    history = train(player, [Batch(x)], 200, progress=False)
    assert (net.classifier(x).argmax(1) == y).all()
    assert history["m2.unlabelled"][-1] < 0.6 * history["m2.unlabelled"][0]


# --- refusals ------------------------------------------------------------------------------------------------------

NET, TWO = ConditionalVAE(2, 3, (4,), SHAPE), M2(1, 2, (4,), SHAPE)
X = EVERY.float()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ConditionalVAE(0, 3), "latent_dim is 0 and condition 3; give 1 or more"),
        (lambda: ConditionalVAE(2, 0), "latent_dim is 2 and condition 0; give 1 or more"),
        (lambda: NET.given(torch.arange(3)), r"c is \(3,\) torch.int64; give floats \(B, 3\)"),
        (lambda: NET.given(torch.eye(3).long()), r"c is \(3, 3\) torch.int64; give floats \(B, 3\)"),
        (lambda: NET.given(torch.rand(4, 2)), r"c is \(4, 2\) torch.float32; give floats \(B, 3\)"),
        (lambda: NET.given(torch.rand(0, 3)), r"c is \(0, 3\) torch.float32; give floats \(B, 3\), B >= 1"),
        (lambda: NET.given(torch.rand(3, 3)).elbo(X), "8 samples for 3 conditions; give one a sample, or one for all"),
        (lambda: NET.given(torch.rand(16, 3)).elbo(X), "8 samples for 16 conditions"),
        (lambda: NET.given(torch.rand(2, 3)).sample(5), "5 samples for 2 conditions"),
        (lambda: M2(1, 1), "classes is 1; give 2 or more"),
        (lambda: TWO.labelled_bound(X, torch.full((8,), 2)), "y runs from 2 to 2; give values in"),
        (lambda: TWO.labelled_bound(X, torch.full((8,), -1)), "y runs from -1 to -1; give values in"),
        (lambda: negative_m2(TWO, Batch(X, torch.zeros(8).long()), X, 1.5, 1.0), "share is 1.5"),
        (lambda: negative_m2(TWO, Batch(X, torch.zeros(8).long()), X, 0.5, -1.0), "alpha -1.0"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
