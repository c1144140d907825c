"""The benchmark of the GPU path, on the CPU: it passes, stores nothing there, and fails where it should."""

import os
import subprocess
import sys
from pathlib import Path

import gpu
import plain
import pytest
import torch

from course_lib.data import Batch, load
from course_lib.gan import GAN
from course_lib.networks import ConvDiscriminator, ConvGenerator
from course_lib.runtime import seed_everything
from course_lib.training import Player, train
from course_lib.vae import VAE, negative_elbo

ROOT = Path(__file__).parent.parent
RESULT = ROOT / "benchmarks" / "results" / "gpu.json"


def test_it_passes_on_a_cpu_and_stores_nothing():
    before = RESULT.read_bytes() if RESULT.exists() else None
    settings = {"COURSE_BUDGET": "smoke", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "gpu.py"], env=os.environ | settings, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("✓") == 7 and "nothing is stored" in done.stdout
    rows = [
        line for line in done.stdout.splitlines() if line.startswith(("VAE, batch", "DCGAN, batch")) and "%" in line
    ]
    assert len([row for row in rows if "×" in row]) == 12
    assert before == (RESULT.read_bytes() if RESULT.exists() else None)


@pytest.mark.parametrize("factor", [1.1, -1.0])
def test_a_wrong_gradient_ends_it_with_one_line(factor, monkeypatch):
    def wrong(player):
        return lambda batch: {"loss": factor * player(batch)["loss"]}

    monkeypatch.setitem(gpu.WAYS, "accelerated", wrong)
    with pytest.raises(SystemExit, match=r"^FAILED: VAE, player 'vae', accelerated: .* bound 0\.02$"):
        gpu.check_gradients(load("digits").take(8).batch().x)


def fixed_noise(monkeypatch):
    """Every normal draw of one shape is the same, so that the order of draws does not matter."""
    draw = lambda *shape, **_: torch.ones(shape).cumsum(-1) / 10  # noqa: E731
    monkeypatch.setattr(torch, "randn", draw)
    monkeypatch.setattr(torch, "randn_like", lambda x: draw(*x.shape))


def test_the_plain_vae_takes_the_steps_of_course_lib(monkeypatch):
    images = load("digits").take(12)
    seed_everything(0)
    ours, other = VAE(latent_dim=4, hidden=(16,)), VAE(latent_dim=4, hidden=(16,))
    other.load_state_dict(ours.state_dict())
    loader = plain.loader(images, 12)
    fixed_noise(monkeypatch)
    player = Player("vae", ours, negative_elbo, lr=1e-3, optimizer=torch.optim.SGD)
    train(player, [images.batch()], 1, progress=False)
    start = [value.clone() for value in other.state_dict().values()]
    plain.vae_epoch(loader, other, torch.optim.SGD(other.parameters(), lr=1e-3 / 12), "cpu")  # it sums over the batch
    torch.testing.assert_close(other.state_dict(), ours.state_dict(), rtol=0, atol=1e-6)
    assert not all(map(torch.equal, start, other.state_dict().values()))


def test_the_plain_dcgan_takes_the_steps_of_course_lib(monkeypatch):
    images = load("digits").take(12)
    seed_everything(0)
    game = GAN(ConvGenerator(8, width=4), ConvDiscriminator(width=4), 8)
    generator, discriminator = ConvGenerator(8, width=4), ConvDiscriminator(width=4)
    generator.load_state_dict(game.generator.state_dict())
    discriminator.load_state_dict(game.discriminator.state_dict())
    loader = plain.loader(images, 12)
    fixed_noise(monkeypatch)
    players = [
        Player(name, net, loss, lr=0.1, optimizer=torch.optim.SGD)
        for name, net, loss in (
            ("d", game.discriminator, game.discriminator_loss),
            ("g", game.generator, game.generator_loss),
        )
    ]
    train(players, [Batch(images.batch().x)] * 2, 1, progress=False)
    optimizers = [torch.optim.SGD(net.parameters(), lr=0.1) for net in (generator, discriminator)]
    start = [p.detach().clone() for p in generator.parameters()]
    plain.dcgan_epoch(loader, generator, discriminator, optimizers, "cpu")
    for net, ours in ((generator, game.generator), (discriminator, game.discriminator)):
        torch.testing.assert_close(dict(net.named_parameters()), dict(ours.named_parameters()), rtol=0, atol=1e-5)
    assert not all(map(torch.equal, start, generator.parameters()))
