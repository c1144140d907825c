"""Training on a CUDA card: is it right, and how fast is it beside the card's own copy bandwidth and matrix rate?

1. Loss and gradients of one step, with fixed noise, against float64 on the CPU; then the loss after a short training.
2. Seconds an epoch in three ways, in turn in each round: `plain` (plain.py: images prepared one at a time on the CPU, a
   loss read every step), `course_lib`, and `course_lib` with `wrap=accelerated`. The plain epoch is timed on a part of
   the images and scaled. In an epoch of the DCGAN each player moves once for every batch.
3. No step of course_lib may wait for the card, and `accelerated` must run each player as one CUDA graph.

The images are the embedded digits, repeated: nothing is downloaded, and what they show does not change the time.
Writes benchmarks/results/gpu.json where there is a card. Without one it does the same on the CPU, where `accelerated`
changes nothing, and stores nothing. Takes up to eight minutes: `python benchmarks/gpu.py`.
"""

import copy
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from statistics import median

import plain
import torch
from store import store
from torch import Tensor
from torch._dynamo.utils import counters
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from course_lib.accelerate import accelerated
from course_lib.data import Batch, Batches, Images, load
from course_lib.gan import GAN
from course_lib.losses import Elbo, kl_in_each_dimension
from course_lib.networks import ConvDiscriminator, ConvGenerator
from course_lib.runtime import budget, device, pick, seed_everything
from course_lib.training import Player, train
from course_lib.vae import VAE, mean_loss, negative_elbo, reparameterize

DEVICE = device()
CUDA = DEVICE.type == "cuda"
HALF = CUDA and torch.cuda.is_bf16_supported(including_emulation=False)
BATCHES = pick(smoke=(16, 64), lesson=(128, 512), full=(128, 2048))
N, PART = (BATCHES[1] * n for n in pick(smoke=(2, 1), lesson=(8, 2), full=(29, 2)))  # images; those of the plain epoch
ROUNDS, EPOCHS = pick(smoke=(1, 2), lesson=(3, 20), full=(5, 20))
SECONDS = pick(smoke=2, lesson=20, full=30)  # after which a case begins no new round
COPIED, SIDE = pick(smoke=(2**20, 256), lesson=(2**27, 1024), full=(2**30, 8192))  # bytes; of square matrices

# Bounds on ‖gradient - oracle‖ / ‖oracle‖. float32 rounds by 6e-8, bfloat16 by 4e-3 at most. The DCGAN magnifies both:
# batch normalisation subtracts means, and near the kink of a ReLU a unit takes the other slope. If a share p of units
# does, the gradient moves by about √p; rounding by 4e-3 moves a few units of 1,000 across.
BOUNDS = {"VAE": {"course_lib": 1e-5, "accelerated": 0.02}, "DCGAN": {"course_lib": 1e-3, "accelerated": 0.1}}
TRAINED = 0.02  # bound on the relative difference of losses after training; other noise alone moves them by 0.005
WAYS = {"course_lib": lambda player: player, "accelerated": accelerated}


class FixedVAE(VAE):
    """Draws z with the noise it was given, so that a step depends on weights and batch alone."""

    def elbo(self, x: Tensor) -> Elbo:
        mu, logvar = self.encoder(x)
        return Elbo(self.nll(x, reparameterize(mu, logvar, self.noise)), kl_in_each_dimension(mu, logvar))


class FixedGAN(GAN):
    """The same for what the generator is given."""

    def _draw(self, x: Tensor) -> Tensor:
        return self.noise


class Watched(list):
    """Batches between which any wait for the card is an error."""

    def __iter__(self):
        torch.cuda.set_sync_debug_mode("error")
        try:
            yield from super().__iter__()
        finally:
            torch.cuda.set_sync_debug_mode("default")


def players_of(model: VAE | GAN) -> list[Player]:
    return [Player("vae", model, negative_elbo)] if isinstance(model, VAE) else model.players()


def check(passed: bool, text: str) -> None:
    if not passed:
        sys.exit(f"FAILED: {text}")
    tqdm.write(f"✓ {text}")


def gradient(model: VAE | GAN, i: int, x: Tensor, wrap: Callable) -> tuple[float, Tensor]:
    """Loss and gradient of player i, as float64 on the CPU, of the third pass: the first that replays a CUDA graph."""
    players = players_of(model)
    for player in players:
        player.requires_grad_(player is players[i])
    forward = wrap(players[i])
    for _ in range(3):
        players[i].optimizer.zero_grad()
        loss = forward(Batch(x))["loss"]
        loss.backward()
    return loss.item(), torch.cat([p.grad.flatten().double().cpu() for p in players[i].trainable])


def check_gradients(x: Tensor) -> dict[str, float]:
    """The relative error of each player's gradient in each way."""
    errors = {}
    for name, model in {"VAE": FixedVAE(), "DCGAN": FixedGAN(ConvGenerator(), ConvDiscriminator(), 64)}.items():
        model.register_buffer("noise", torch.randn(len(x), 20 if name == "VAE" else 64))
        for i, player in enumerate(players_of(model)):
            loss, exact = gradient(copy.deepcopy(model).double(), i, x.double(), WAYS["course_lib"])
            for way, wrap in WAYS.items():
                found, ours = gradient(copy.deepcopy(model).to(DEVICE), i, x.to(DEVICE), wrap)
                off, error = abs(found / loss - 1), ((ours - exact).norm() / exact.norm()).item()
                text = f"{name}, player {player.name!r}, {way}: loss off by {off:.1e}, gradient by {error:.1e}"
                check(max(off, error) <= BOUNDS[name][way], f"{text}, bound {BOUNDS[name][way]:g}")
                errors[f"{name}, {player.name}, {way}"] = error
    return errors


def check_training() -> dict[str, float]:
    """The loss of a VAE trained on the digits in each way, from the same start."""
    digits, losses = load("digits"), {}
    for way, wrap in WAYS.items():
        seed_everything(0)
        model = VAE().to(DEVICE)
        train(players_of(model), Batches(digits, 128, DEVICE), EPOCHS, wrap=wrap, progress=False)
        losses[way] = mean_loss(model, digits.batch(DEVICE).x)
    off = abs(losses["accelerated"] / losses["course_lib"] - 1)
    check(off <= TRAINED, f"VAE after {EPOCHS} epochs: losses off by {off:.1e}, bound {TRAINED:g}")
    return losses


def wall(work: Callable[[], None], times: int = 1) -> float:
    """Seconds of one call, the card's work included."""
    wait = torch.cuda.synchronize if CUDA else lambda: None
    wait()
    started = time.perf_counter()
    for _ in range(times):
        work()
    wait()
    return (time.perf_counter() - started) / times


def rates() -> dict[str, float]:
    """What the card reaches: bytes a second that a copy reads and writes, operations a second of matrix products."""

    def best(work: Callable[[], None], amount: float) -> float:
        work()
        return amount / median(wall(work, 10) for _ in range(3))

    source, target = torch.randint(256, (2, COPIED), dtype=torch.uint8, device=DEVICE)
    found = {"copy": best(lambda: target.copy_(source), 2 * COPIED)}
    for kind in ("float32", "bfloat16") if HALF else ("float32",):
        a, b = torch.randn(2, SIDE, SIDE, device=DEVICE, dtype=getattr(torch, kind))
        found[kind] = best(lambda a=a, b=b: torch.mm(a, b), 2 * SIDE**3)
    return found


def models(kind: str) -> VAE | GAN:
    return (VAE() if kind == "VAE" else GAN(ConvGenerator(), ConvDiscriminator(), 64)).to(DEVICE)


def plain_epoch(kind: str, images: Images, batch: int) -> Callable[[], None]:
    """An epoch that has been run once."""
    model, loader = models(kind), plain.loader(images, batch)
    if kind == "VAE":
        epoch = partial(plain.vae_epoch, loader, model, torch.optim.Adam(model.parameters(), lr=1e-3), DEVICE)
    else:
        networks = model.generator, model.discriminator
        optimizers = [torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in networks]
        epoch = partial(plain.dcgan_epoch, loader, *networks, optimizers, DEVICE)
    epoch()
    return epoch


def our_epoch(name: str, way: str, players: list[Player], batches: Batches) -> Callable[[], None]:
    """An epoch that has been run once, compiled where it is, and seen not to wait for the card."""
    forwards = {player: WAYS[way](player) for player in players}  # kept, so that no round compiles again

    def epoch(batches=batches) -> None:
        train(players, batches, len(players), wrap=forwards.__getitem__, progress=False)

    counters.clear()
    epoch()
    if CUDA:
        epoch(Watched(list(batches)[:8]))
        check(True, f"{name}, {way}: no step waits for the card")
    if CUDA and way == "accelerated":
        graphs, skipped = counters["stats"]["unique_graphs"], counters["inductor"]["cudagraph_skips"]
        check((graphs, skipped) == (len(players), 0), f"{name}: {graphs} graphs compiled, {skipped} not a CUDA graph")
    return epoch


def held(make: Callable[[], Callable]) -> tuple[Callable[[], None], float]:
    """The epoch that `make` returns, and how many MiB PyTorch held for it at the most, CUDA graphs included."""
    if not CUDA:
        return make(), 0.0
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_reserved()
    return make(), (torch.cuda.max_memory_reserved() - before) / 2**20


def measured(kind: str, batch: int, images: Images, speeds: dict[str, float]) -> list[dict]:
    """One row for each way: median seconds, memory, and the shares of the card's rates that it reaches."""
    name, batches = f"{kind}, batch {batch}", Batches(images, batch, DEVICE)
    epochs = {"plain": held(lambda: plain_epoch(kind, images.take(PART), batch))}
    for way in WAYS:
        players = players_of(models(kind))
        epochs[way] = held(lambda way=way, players=players: our_epoch(name, way, players, batches))
    took, until = {way: [] for way in epochs}, time.monotonic() + SECONDS
    for i in tqdm(range(ROUNDS), name, unit="round", file=sys.stdout, leave=False):
        for way, (epoch, _) in epochs.items() if i == 0 or time.monotonic() < until else ():
            took[way].append(wall(epoch) * (N / PART if way == "plain" else 1))
    operations, moved = work(players, batches)
    return [
        {
            "way": way,
            "seconds": round(median(seconds), 5),
            "rounds": [round(s, 5) for s in seconds],
            "peak_mib": round(epochs[way][1]),
            "matrix_share": operations
            / median(seconds)
            / speeds["bfloat16" if way == "accelerated" and HALF else "float32"],
            "copy_share": moved / median(seconds) / speeds["copy"],
        }
        for way, seconds in took.items()
    ]


def work(players: list[Player], batches: Batches) -> tuple[int, int]:
    """Of an epoch: operations of products and convolutions, counted; and the fewest bytes that must move.

    A move reads and writes weights, gradients and Adam's two moments, 32 bytes a weight, and reads and writes its batch
    as floats, 8 bytes a pixel. What layers hand on to each other is not counted.
    """
    first = next(iter(batches))
    with FlopCounterMode(display=False) as counter:
        train(players, [first] * len(players), 1, progress=False)
    moved = sum(32 * sum(map(Tensor.numel, p.trainable)) + 8 * first.x.numel() for p in players)
    return counter.get_total_flops() * len(batches), moved * len(batches)


def table(runs: dict[str, list[dict]], speeds: dict[str, float]) -> None:
    rates = [f"{kind} products {speed / 1e12:.2f} TFLOP/s" for kind, speed in speeds.items() if kind != "copy"]
    print(f"copy {speeds['copy'] / 1e9:.0f} GB/s, {', '.join(rates)}; an epoch is {N:,} images")
    print(f"{'':<18}{'way':<12}{'s/epoch':>9}{'faster':>8}{'MiB':>7}{'matrix':>9}{'copy':>9}")
    for name, rows in runs.items():
        for r in rows:
            times, shares = rows[0]["seconds"] / r["seconds"], f"{r['matrix_share']:>9.2%}{r['copy_share']:>9.2%}"
            print(f"{name:<18}{r['way']:<12}{r['seconds']:>9.3f}{times:>7.1f}×{r['peak_mib']:>7}{shares}")


def main() -> None:
    warnings.filterwarnings("error", ".*is not compiled")
    warnings.filterwarnings("ignore", "Synchronization debug mode")
    digits = load("digits")
    images = Images(*(part[torch.arange(N) % len(part)] for part in digits))
    seed_everything(0)
    torch.backends.cudnn.allow_tf32 = False  # float32 proper, for the comparison with float64
    errors = check_gradients(digits.take(128).batch().x)
    torch.backends.cudnn.allow_tf32 = True
    losses, speeds = check_training(), rates()
    cases = [(kind, batch) for kind in ("VAE", "DCGAN") for batch in BATCHES]
    runs = {f"{kind}, batch {batch}": measured(kind, batch, images, speeds) for kind, batch in cases}
    table(runs, speeds)
    if not CUDA:
        return print("No CUDA card: nothing is stored, and `accelerated` was the player as it is.")
    if budget() != "full":
        return print("Nothing is stored: this was not the budget `full`.")
    card = torch.cuda.get_device_name()
    store("gpu", runs, card=card, images=N, plain_timed_on=PART, rates=speeds, gradient_errors=errors, losses=losses)


if __name__ == "__main__":
    try:
        main()
    except UserWarning as refused:
        sys.exit(f"FAILED: {refused}")
