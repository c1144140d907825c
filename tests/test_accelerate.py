"""Accelerated training against plain training, on the CPU: same steps, few graphs, and a way out where none fits."""

import warnings
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend

from course_lib import accelerate
from course_lib.accelerate import _accelerated, accelerated
from course_lib.data import Batches, grammar, load
from course_lib.gan import GAN
from course_lib.losses import gradient_penalty
from course_lib.networks import ConvDiscriminator, ConvGenerator
from course_lib.runtime import seed_everything
from course_lib.text import TextVAE, Vocabulary
from course_lib.training import Player, train
from course_lib.vae import VAE, linear_warmup, negative_elbo

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script_method.*:DeprecationWarning")
SCENES = grammar.scenes()
WORDS = Vocabulary(SCENES.words)


@pytest.fixture
def doubles():
    """float64 throughout, so that other orders of summation leave no trace."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def compiled(half=False, counter=None):
    """A `wrap` that compiles without a C++ compiler: forward and backward graphs, run operation by operation."""
    settings = {key: value for key, value in accelerate._compile.keywords.items() if key != "mode"}
    compiler = partial(torch.compile, backend=counter or CompileCounterWithBackend("aot_eager"), **settings)
    return lambda player: _accelerated(player, half, compiler)


def images(n=44, batch=16):
    """Batches of 16, 16 and 12."""
    return Batches((load("digits").x[:n].to(torch.get_default_dtype()) / 255, None), batch)


def vae(**options):
    return [Player("vae", VAE(latent_dim=4, hidden=(32,)), partial(negative_elbo, **options))]


def annealed():
    """A VAE whose loss depends on the progress of training."""
    loss = lambda model, batch: negative_elbo(model, batch, beta=linear_warmup(0.7)(player.progress))  # noqa: E731
    player = Player("vae", VAE(latent_dim=4, hidden=(32,)), loss)
    return [player]


def gan(**options):
    return GAN(ConvGenerator(8, width=4), ConvDiscriminator(width=4), 8, **options).players(ema=0.9)


def penalised():
    return gan(objective="wasserstein", penalty=gradient_penalty, penalty_weight=10)


def trained(make, epochs=4, batches=None, halves=1, **options):
    """All weights and buffers after training, in one run or two, from the same start on the same noise."""
    seed_everything(0)
    players, batches = make(), batches or images()
    for _ in range(halves):
        train(players, batches, epochs // halves, progress=False, **options)
    return [value for player in players for value in player.state_dict().values()]


def close(ours, others):
    torch.testing.assert_close(ours, others, rtol=0, atol=1e-9)


# The same steps


@pytest.mark.parametrize("make", [vae, annealed, gan])
def test_compiled_training_is_plain_training(make, doubles):
    plain = trained(make)
    close(trained(make, wrap=compiled()), plain)
    assert not all(map(torch.equal, plain, trained(make, epochs=3)))  # so training does move them


def test_a_player_may_be_accelerated_half_way(doubles):
    """Adam's moments follow the weights into the other layout."""
    seed_everything(0)
    players, batches = gan(), images()
    for wrap in (None, compiled()):
        train(players, batches, 2, wrap=wrap, progress=False)
    close([value for player in players for value in player.state_dict().values()], trained(gan, halves=2))


def test_a_checkpoint_may_be_resumed_without_acceleration(doubles, tmp_path):
    trained(gan, 2, wrap=compiled(), checkpoint=tmp_path / "run.pt")
    close(trained(gan, checkpoint=tmp_path / "run.pt", resume=True), trained(gan))


def test_the_layout_changes_and_nothing_else():
    players = gan()
    before = [(weight, weight.detach().clone()) for player in players for weight in player.trainable]
    for player in players:
        compiled()(player)
    now = [weight for player in players for weight in player.trainable]
    assert all(a is b and torch.equal(a, value) for a, (b, value) in zip(now, before, strict=True))
    convolutions = [weight for weight in now if weight.ndim == 4]
    assert len(convolutions) == 4
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in convolutions)


# Graphs


@pytest.mark.parametrize(("make", "graphs"), [(vae, 2), (annealed, 2), (gan, 4)])
def test_each_player_has_one_graph_for_each_size_of_batch(make, graphs):
    counter, seen = CompileCounterWithBackend("aot_eager"), []
    trained(make, 6, wrap=compiled(counter=counter), evaluate=lambda: seen.append(counter.frame_count) or {})
    assert seen[1:] == [graphs] * 5


def test_earlier_trainings_do_not_use_up_the_number_of_graphs():
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*is not compiled")
        for beta in range(1, 7):  # twelve graphs; PyTorch keeps eight of one function
            trained(partial(vae, beta=float(beta)), 1, wrap=compiled())


def test_progress_is_a_number_again_after_each_move():
    (player,) = annealed()
    player.progress = 0.25
    compiled()(player)(next(iter(images())))
    assert player.progress == 0.25 and isinstance(player.progress, float)


# Where no graph fits


def branching():
    """A loss whose form depends on a value."""

    def loss(model, batch):
        parts = negative_elbo(model, batch)
        return parts if parts["loss"] > 300 else parts | {"loss": 2 * parts["loss"]}

    return [Player("vae", VAE(latent_dim=4, hidden=(32,)), loss)]


def sentences():
    return [Player("text", TextVAE(WORDS, 4), negative_elbo)]


def says_once(make, batches, name, half):
    with pytest.warns(UserWarning, match=rf"player '{name}' is not compiled: \S") as record:
        ours = trained(make, batches=batches(), wrap=compiled(half))
    assert sum("is not compiled" in str(warning.message) for warning in record) == 1
    close(ours, trained(make, batches=batches()))


@pytest.mark.parametrize(("make", "name"), [(branching, "vae"), (sentences, "text")])
def test_what_cannot_be_compiled_runs_as_it_is_in_float32_and_says_so(make, name):
    tokens = WORDS.encode(SCENES.sample(44, torch.Generator().manual_seed(0)))
    says_once(make, (lambda: Batches((tokens, None), 16)) if make is sentences else images, name, half=True)


def test_a_critic_with_a_gradient_penalty_runs_as_it_is_and_says_so(doubles):
    says_once(penalised, images, "d", half=False)


def test_a_wrong_loss_is_answered_as_in_plain_training():
    player = Player("vae", VAE(latent_dim=4, hidden=(32,)), lambda model, batch: {"total": model.elbo(batch.x).kl})
    with pytest.warns(UserWarning, match="not compiled"), pytest.raises(ValueError, match="the loss of player 'vae'"):
        train(player, images(), 1, wrap=compiled(), progress=False)


# bfloat16


def one_step(make, half):
    """Loss and gradient of one step of the first player, both as float64."""
    seed_everything(0)
    player = make()[0]
    parts = compiled(half)(player)(next(iter(images())))
    assert {value.dtype for value in parts.values()} == {torch.float32}
    parts["loss"].backward()
    assert {weight.dtype for weight in player.trainable} == {torch.float32}
    return parts["loss"].item(), torch.cat([weight.grad.double().flatten() for weight in player.trainable])


@pytest.mark.parametrize(("make", "bound"), [(vae, 0.02), (gan, 0.1)])
def test_bfloat16_moves_the_gradient_by_little(make, bound):
    (exact, gradient), (loss, rounded) = one_step(make, False), one_step(make, True)
    assert loss == pytest.approx(exact, rel=0.02)
    error = ((rounded - gradient).norm() / gradient.norm()).item()
    assert 2**-12 < error < bound  # above what float32 leaves, so it was bfloat16


def test_a_gradient_penalty_may_be_computed_under_autocast():
    real, critic = torch.rand(4, 1, 28, 28), ConvDiscriminator(width=4)
    with torch.autocast("cpu", torch.bfloat16):
        fake = ConvGenerator(8, width=4)(torch.randn(4, 8))
        assert fake.dtype == torch.bfloat16
        assert gradient_penalty(critic, real, fake).isfinite().all()


# Which device


def test_on_a_cpu_the_player_is_as_it_is():
    (player,) = vae()
    assert accelerated(player) is player


@pytest.mark.parametrize("hardware", [True, False])
def test_a_card_without_bfloat16_computes_in_float32(hardware, monkeypatch):
    player = SimpleNamespace(trainable=[SimpleNamespace(device=torch.device("cuda"))])
    supported = lambda including_emulation=True: including_emulation or hardware  # noqa: E731
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    monkeypatch.setattr(accelerate, "_accelerated", lambda player, half, compiler: half)
    assert accelerated(player) is hardware
