"""Process CPU seconds of an epoch: the pipeline that tutorials write, course_lib, and the bare products in it.

Three ways, one after another in each of five rounds, so that what else the machine does meets all of them:

- plain: samples prepared one at a time (plain.py), a loss read every step;
- course_lib: what the notebooks call;
- bare: the matrix products and convolutions of course_lib's steps alone, forward and backward, on the tensors that they
  had there. No pipeline with these networks can be faster on this machine.

VAE: 784-400-20, batch 128, all of MNIST. DCGAN: the networks of notebook 14, batch 64, 12,800 images. Text VAE: the
sentences of notebook 12, batch 64; its LSTM kernels count as products. Mixture EM: one step of notebook 06's EM, ten
components, 5,000 digits in 16 dimensions; plain is a loop over samples and components.

Then what data loading alone takes, and the CPU seconds until a VAE has reached the published test loss: 10 epochs of
the plain pipeline, 5 of course_lib with warm-up, cosine and a higher rate. Writes benchmarks/results/speed.json:
`make bench`. Uses MNIST, downloaded once.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import plain
import torch
import vae_mnist
from oracles import BOOK
from scipy import stats
from sklearn.decomposition import PCA
from store import store
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import DataLoader
from tqdm import tqdm

from course_lib.data import Batches, grammar, load
from course_lib.gan import GAN
from course_lib.networks import ConvDiscriminator, ConvGenerator
from course_lib.runtime import pick, seed_everything
from course_lib.text import TextVAE, Vocabulary
from course_lib.training import Player, train
from course_lib.vae import VAE, mean_loss, negative_elbo

ROUNDS, SEEDS = pick(smoke=(1, (0,)), lesson=(5, (0, 1, 2)), full=(5, (0, 1, 2)))
IMAGES, SOME_IMAGES, SENTENCES, POINTS = pick(
    smoke=(512, 128, 256, 200), lesson=(60_000, 12_800, 20_000, 5000), full=(60_000, 12_800, 20_000, 5000)
)
TARGET = 105.6  # test loss of the VAE, published after 10 epochs (pytorch/examples)
aten = torch.ops.aten
PRODUCTS = {aten.mm, aten.addmm, aten.bmm, aten.convolution, aten.convolution_backward}
PRODUCTS |= {aten.mkldnn_rnn_layer, aten.mkldnn_rnn_layer_backward}


class Ways(NamedTuple):
    """One epoch of a model in each way, and how many of the steps that `step` makes are an epoch."""

    plain: Callable[[], None]
    course_lib: Callable[[], None]
    step: Callable[[], None]
    steps: int


class Recorder(TorchDispatchMode):
    """Keeps each matrix product and convolution that runs, with what it was given."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function.overloadpacket in PRODUCTS:
            self.calls.append((function, args, kwargs or {}))
        return function(*args, **(kwargs or {}))


def bare(ways: Ways) -> Callable[[], None]:
    """The products of one step, as often as an epoch has steps."""
    with Recorder() as recorder:
        ways.step()

    @torch.no_grad()
    def epoch():
        for _ in range(ways.steps):
            for function, args, kwargs in recorder.calls:
                function(*args, **kwargs)

    return epoch


def vae() -> Ways:
    images, model, other = load("mnist").take(IMAGES), VAE(), VAE()
    loader, optimizer = plain.loader(images, 128), torch.optim.Adam(other.parameters(), lr=1e-3)
    player, batches = Player("vae", model, negative_elbo), Batches(images, 128)
    return Ways(
        lambda: plain.vae_epoch(loader, other, optimizer, "cpu"),
        lambda: train(player, batches, 1, progress=False),
        lambda: train(player, Batches(images.take(128), 128), 1, progress=False),
        len(batches),
    )


def dcgan() -> Ways:
    images = load("mnist").take(SOME_IMAGES)
    game, loader = GAN(ConvGenerator(), ConvDiscriminator(), 64), plain.loader(images, 64)
    players, batches = game.players(), Batches(images, 64)
    others = ConvGenerator(), ConvDiscriminator()
    optimizers = [torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in others]
    return Ways(
        lambda: plain.dcgan_epoch(loader, *others, optimizers, "cpu"),
        lambda: train(players, batches, 2, progress=False),  # each move takes a batch of its own
        lambda: train(players, Batches(images.take(128), 64), 1, progress=False),
        len(batches),
    )


def text_vae() -> Ways:
    language = grammar.scenes()
    words, sentences = Vocabulary(language.words), language.sample(SENTENCES, torch.Generator().manual_seed(0))
    model, other = TextVAE(words, 8), TextVAE(words, 8)
    optimizer = torch.optim.Adam(other.parameters(), lr=1e-2)
    loader = DataLoader(sentences, 64, shuffle=True, collate_fn=lambda some: (words.encode(some), None))
    tokens = words.encode(sentences)
    player, batches = Player("vae", model, negative_elbo, lr=1e-2), Batches((tokens, None), 64)

    def plain_epoch():
        for x, _ in loader:
            optimizer.zero_grad()
            loss = -other.elbo(x).bound.mean()
            loss.backward()
            optimizer.step()
            loss.item()

    return Ways(
        plain_epoch,
        lambda: train(player, batches, 1, progress=False),
        lambda: train(player, Batches((tokens[:64], None), 64), 1, progress=False),
        len(batches),
    )


def mixture() -> Ways:
    pixels = load("mnist").take(POINTS).batch().x.flatten(1).double()
    x = torch.from_numpy(PCA(16, random_state=0).fit_transform(pixels.numpy()))
    start = BOOK.one(BOOK.random_starts(x, 10, 1, torch.Generator().manual_seed(0)), 0)
    return Ways(
        lambda: plain_em_step(x.numpy(), *(part.numpy() for part in start)),
        lambda: BOOK.em(x, start, 1),
        lambda: BOOK.em(x, start, 1),
        1,
    )


def plain_em_step(x: np.ndarray, weights: np.ndarray, means: np.ndarray, covs: np.ndarray) -> None:
    """Responsibilities sample by sample, then the component's new parameters one after another."""
    r = np.zeros((len(x), len(weights)))
    normals = [stats.multivariate_normal(mean, cov) for mean, cov in zip(means, covs, strict=True)]
    for i, point in enumerate(x):
        for k, normal in enumerate(normals):
            r[i, k] = weights[k] * normal.pdf(point)
        r[i] /= r[i].sum()
    for k in range(len(weights)):
        mean = sum(r[i, k] * x[i] for i in range(len(x))) / r[:, k].sum()
        sum(r[i, k] * np.outer(x[i] - mean, x[i] - mean) for i in range(len(x))) / r[:, k].sum()


def seconds(work: Callable[[], None]) -> float:
    started = time.process_time()
    work()
    return round(time.process_time() - started, 4)


def timed(name: str, ways: dict[str, Callable[[], None]]) -> list[dict[str, float]]:
    """CPU seconds of each way in each round, after one that is not counted."""
    for work in ways.values():
        work()
    return [{way: seconds(work) for way, work in ways.items()} for _ in tqdm(range(ROUNDS), name, unit="round")]


def epochs(name: str, make: Callable[[], Ways]) -> list[dict[str, float]]:
    seed_everything(0)
    ways = make()
    return timed(name, {"plain": ways.plain, "course_lib": ways.course_lib, "bare": bare(ways)})


def loading() -> list[dict[str, float]]:
    """All images once, no model."""
    images = load("mnist").take(IMAGES)
    loader, batches = plain.loader(images, 128), Batches(images, 128)
    return timed("loading", {"plain": lambda: list(map(len, loader)), "course_lib": lambda: list(map(len, batches))})


def plain_to_quality(seed: int) -> dict[str, float]:
    """The published 10 epochs by the plain pipeline."""
    seed_everything(seed)
    model, loader = VAE(), plain.loader(load("mnist").take(IMAGES), 128)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    cpu_s = sum(seconds(lambda: plain.vae_epoch(loader, model, optimizer, "cpu")) for _ in range(10))
    return {"test_loss": mean_loss(model, load("mnist", "test").batch().x), "cpu_s": round(cpu_s, 1)}


def to_quality() -> dict:
    ways = {"plain": plain_to_quality, "course_lib": lambda seed: vae_mnist.one_run("scheduled", seed)}
    jobs = tqdm([(seed, way) for seed in SEEDS for way in ways], "to quality", unit="run")
    runs = [(way, {"seed": seed} | ways[way](seed)) for seed, way in jobs]
    return {"target": TARGET} | {name: [run for way, run in runs if way == name] for name in ways}


if __name__ == "__main__":
    models = {"VAE": vae, "DCGAN": dcgan, "text VAE": text_vae, "mixture EM": mixture}
    runs = {name: epochs(name, make) for name, make in models.items()}
    store("speed", runs, loading=loading(), to_quality=to_quality())
