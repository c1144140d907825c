"""Record the adversarial runs that the theatre of notebook 13 replays, and write their card."""

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.data import Batches, toy
from course_lib.gan import GAN
from course_lib.metrics import Modes, modes
from course_lib.networks import Replicas, mlp
from course_lib.runtime import atomic_path, seed_everything
from course_lib.training import train
from course_lib.widgets.theatre import REACH, ROUNDS

SEED, SEEDS, BATCH = 0, 5, 128
FRAMES, POINTS, SIDE = 60, 300, 41
RUNS = {"works": (2e-3, 1e-3), "collapses": (1e-3, 2e-3)}  # learning rates of discriminator and generator
FILE = Path("data/gan_theatre.npz")


def record(lr: tuple[float, float]) -> tuple[list[dict[str, Tensor]], list[Modes]]:
    """The frames of one of five seeds, and what all five end with: of those that cover fewest modes, the first."""
    seed_everything(SEED)
    generator = Replicas(lambda: mlp([2, 128, 128, 2]), SEEDS)
    discriminator = Replicas(lambda: nn.Sequential(*mlp([2, 128, 128, 1], nn.LeakyReLU), nn.Flatten(0)), SEEDS)
    game, ring = GAN(generator, discriminator, (SEEDS, 2)), toy.ring()
    x = ring.sample(2 * ROUNDS * BATCH * SEEDS, torch.Generator().manual_seed(SEED)).view(-1, SEEDS, 2)
    ticks = torch.linspace(-REACH, REACH, SIDE)
    at = torch.cartesian_prod(ticks, ticks)[:, None].expand(-1, SEEDS, 2)
    frames = []

    def keep() -> dict[str, float]:
        samples = game.sample(2500, generator=torch.Generator().manual_seed(1))
        found = [modes(samples[:, s], ring) for s in range(SEEDS)]
        frames.append((samples[:POINTS], discriminator(at).sigmoid(), found))
        return {}

    with torch.no_grad():
        keep()
    train(game.players(lr), Batches((x, None), BATCH), FRAMES - 1, evaluate=keep)
    last = frames[-1][2]
    seed = min(range(SEEDS), key=lambda s: last[s].covered)
    return [
        {"samples": x_hat[:, seed], "belief": belief[:, seed], "modes": torch.tensor(found[seed][:2])}
        for x_hat, belief, found in frames
    ], last


def packed(name: str, frames: list[dict[str, Tensor]]) -> dict[str, np.ndarray]:
    """The arrays of one run, small: samples as half floats, the discriminator's belief in 256 steps."""
    stack = {key: torch.stack([frame[key] for frame in frames]) for key in frames[0]}
    return {
        f"{name}_samples": stack["samples"].half().numpy(),
        f"{name}_belief": (stack["belief"] * 255).round().byte().numpy(),
        f"{name}_modes": stack["modes"].float().numpy(),
    }


def main():
    arrays, rows = {}, []
    for name, lr in RUNS.items():
        frames, last = record(lr)
        arrays |= packed(name, frames)
        ends = ", ".join(f"{found.covered} ({found.high_quality:.0%})" for found in last)
        rows.append(f"| {name} | {lr[0]:g}, {lr[1]:g} | {ends} |")
    with atomic_path(FILE) as temporary:
        np.savez_compressed(temporary, **arrays)
    digest = hashlib.sha256(FILE.read_bytes()).hexdigest()
    FILE.with_suffix(".md").write_text(
        f"""# gan_theatre.npz

Two adversarial runs on the ring of eight (`data.toy.ring()`), replayed by `widgets.gan_theatre`: {FRAMES} frames each,
{ROUNDS} rounds apart; {POINTS} samples, the discriminator's belief sigmoid(score) on a {SIDE} × {SIDE} grid over
[-{REACH}, {REACH}]², and modes covered and share of high quality, from 2,500 samples.

Both runs have five seeds; the one that ends with the fewest modes is kept, of equal ones the first.

| run | learning rates: discriminator, generator | modes (high quality) of the five seeds at the end |
|---|---|---|
{chr(10).join(rows)}

Made by `tools/record_theatre.py`, seed {SEED}; no data but drawn numbers. sha256 `{digest}`.
"""
    )


if __name__ == "__main__":
    main()
