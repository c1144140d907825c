"""Character models of 32,033 names, after nn-zero-to-hero (makemore, parts 2, 3 and 5): seven steps, one idea each.

Each predicts the next character from the last 3 or 8: embeddings, hidden layers of tanh, 27 logits. Protocol: 200,000
steps of plain SGD, batch 32, lr 0.1 and then 0.01; names shuffled by Python's generator with seed 42, 80/10/10. All
seeds of a variant train as one model with a leading dimension S, each on its own batches, so that they share the calls.
`cpu_s` is a seed's share. Writes benchmarks/results/names_mlp.json. Run with the names at hand; half an hour on a core.
"""

import math
import random
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from store import store
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from course_lib.data import words
from course_lib.runtime import device, pick

STEPS = pick(smoke=200, lesson=200_000, full=200_000)
BATCH, SYMBOLS, DRAWN = 32, 27, 1000  # DRAWN: steps whose batches are drawn at once


class Variant(NamedTuple):
    """One row of the table. `joined`: how many neighbours a hidden layer puts side by side."""

    published: float
    context: int = 3
    embedding: int = 10
    hidden: int = 200
    joined: int = 3
    decay: float = 0.75  # the share of the steps at lr 0.1
    scales: tuple[float, ...] = ()  # of hidden weights, biases, output weights, biases; none: batch normalisation
    apart: bool = False  # normalise each place in the context with statistics of its own
    seeds: int = 5


VARIANTS = {
    "first MLP": Variant(2.168, scales=(1, 1, 1, 1), decay=0.5),
    "better start": Variant(2.103, scales=(0.2, 0.01, 0.01, 0), decay=0.5),
    "batch normalisation": Variant(2.105),
    "context of 8": Variant(2.027, context=8, joined=8),
    "pairs joined": Variant(2.029, context=8, joined=2, hidden=68, apart=True, seeds=3),
    "statistics over batch and time": Variant(2.022, context=8, joined=2, hidden=68, seeds=3),
    "76K parameters": Variant(1.993, context=8, joined=2, hidden=128, embedding=24, seeds=3),
}


class Linear(nn.Module):
    """S layers at once: (S, in, T, B) -> (S, out, T, B)."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None):
        super().__init__()
        self.weight = nn.Parameter(weight)  # (S, out, in)
        self.bias = None if bias is None else nn.Parameter(bias)  # (S, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(2)
        out = self.weight @ flat if self.bias is None else torch.baddbmm(self.bias, self.weight, flat)
        return out.unflatten(2, x.shape[2:])


class BatchNorm(nn.Module):
    """S layers at once, (S, C, T, B): over batch and time, or, `apart`, over the batch for each of the T places."""

    def __init__(self, seeds: int, channels: int, places: int, apart: bool):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(seeds, channels, 1))
        self.shift = nn.Parameter(torch.zeros(seeds, channels, 1))
        self.places = places if apart else 1
        self.register_buffer("mean", torch.zeros(seeds * channels * self.places))
        self.register_buffer("var", torch.ones(seeds * channels * self.places))

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(1, len(self.mean), -1)  # each seed's channel is a channel of its own
        # In training, F.batch_norm divides by the biased variance and the source by the unbiased one.
        ratio = 1 - 1 / rows.shape[2] if self.training else 1
        scaled = self.gain * math.sqrt(ratio), self.shift
        gain, shift = (part.expand(-1, -1, self.places).flatten() for part in scaled)
        return F.batch_norm(rows, self.mean, self.var, gain, shift, self.training, 0.1, 1e-5 * ratio).view(x.shape)


class Characters(nn.Module):
    """S models of a variant as one: the last characters (S, T, B), as numbers -> logits (S, 27, B)."""

    def __init__(self, variant: Variant, seeds: Sequence[int]):
        super().__init__()
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]

        def normal(*shape: int) -> Tensor:
            return torch.stack([torch.randn(shape, generator=generator) for generator in generators])

        self.joined = variant.joined
        self.embedding = nn.Parameter(normal(SYMBOLS, variant.embedding))
        self.register_buffer("offset", SYMBOLS * torch.arange(len(seeds))[:, None, None])
        self.hidden, channels, places = nn.ModuleList(), variant.embedding, variant.context
        while places > 1:
            channels, places = channels * self.joined, places // self.joined
            weight = normal(variant.hidden, channels)
            if variant.scales:
                w, b, *_ = variant.scales
                layer = Linear(weight * w, normal(variant.hidden, 1) * b)
            else:
                norm = BatchNorm(len(seeds), variant.hidden, places, variant.apart)
                layer = nn.Sequential(Linear(weight / math.sqrt(channels)), norm)
            self.hidden.append(layer)
            channels = variant.hidden
        *_, w, b = variant.scales or (0.1 / math.sqrt(channels), 0)
        self.out = Linear(normal(SYMBOLS, channels) * w, normal(SYMBOLS, 1) * b)

    def forward(self, tokens: Tensor) -> Tensor:
        x = F.embedding(tokens + self.offset, self.embedding.flatten(0, 1)).permute(0, 3, 1, 2)  # (S, C, T, B)
        for layer in self.hidden:
            x = x.unflatten(2, (-1, self.joined)).permute(0, 3, 1, 2, 4).flatten(1, 2)  # (S, joined · C, T / joined, B)
            x = layer(x).tanh()
        return self.out(x)[:, :, 0]


def contexts(names: list[str], length: int) -> tuple[Tensor, Tensor]:
    """Each character of the names, '.' at the end included, and the `length` before it: (length, N) and (N,)."""
    codes = [[0] * length + [ord(c) - ord("a") + 1 for c in name] + [0] for name in names]
    rows = [row[i : i + length + 1] for row in codes for i in range(len(row) - length)]
    table = torch.tensor(rows, device=device()).T.contiguous()
    return table[:-1], table[-1]


def split(names: list[str], length: int) -> tuple[tuple[Tensor, Tensor], ...]:
    """Training and validation characters of the published split."""
    names = list(names)
    random.Random(42).shuffle(names)
    first, second = int(0.8 * len(names)), int(0.9 * len(names))
    return contexts(names[:first], length), contexts(names[first:second], length)


def batches(x: Tensor, y: Tensor, seeds: Sequence[int], steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    """`steps` batches (S, T, B) and (S, B); each seed draws its own."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    for start in range(0, steps, DRAWN):
        shape = min(DRAWN, steps - start), BATCH
        places = torch.stack([torch.randint(len(y), shape, generator=g) for g in generators], 1).to(y.device)
        yield from zip(x[:, places].permute(1, 2, 0, 3).contiguous(), y[places], strict=True)


def fit(model: Characters, variant: Variant, x: Tensor, y: Tensor, seeds: Sequence[int], steps: int) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=True)
    decay = int(variant.decay * steps)
    for step, (past, following) in enumerate(
        tqdm(batches(x, y, seeds, steps), total=steps, unit="step", mininterval=5)
    ):
        if step == decay:
            optimizer.param_groups[0]["lr"] = 0.01
        optimizer.zero_grad()
        loss = F.cross_entropy(model(past), following, reduction="sum") / BATCH  # each seed's mean, summed over seeds
        loss.backward()
        optimizer.step()


@torch.no_grad()
def nll(model: Characters, x: Tensor, y: Tensor) -> list[float]:
    """Nats a character of each seed, with the running statistics."""
    model.eval()
    seeds, total = len(model.embedding), 0
    for past, following in zip(x.split(5000, 1), y.split(5000), strict=True):
        logits = model(past.expand(seeds, -1, -1))
        total += F.cross_entropy(logits, following.expand(seeds, -1), reduction="none").double().sum(1)
    return (total / len(y)).tolist()


def runs_of(variant: Variant, seeds: Sequence[int], steps: int) -> list[dict]:
    started = time.process_time()
    training, validation = split(words("names"), variant.context)
    model = Characters(variant, seeds).to(device())
    fit(model, variant, *training, seeds, steps)
    losses = zip(seeds, nll(model, *validation), nll(model, *training), strict=True)
    size = sum(p.numel() for p in model.parameters()) // len(seeds)
    facts = {"steps": steps, "parameters": size, "cpu_s": round((time.process_time() - started) / len(seeds), 1)}
    return [{"seed": seed, "val": val, "train": train} | facts for seed, val, train in losses]


def main() -> None:
    runs = {}
    for name, variant in VARIANTS.items():
        runs[name] = runs_of(variant, range(pick(smoke=2, lesson=variant.seeds, full=variant.seeds)), STEPS)
        tqdm.write(f"{name} {runs[name]}")
    store("names_mlp", runs, published={name: variant.published for name, variant in VARIANTS.items()})


if __name__ == "__main__":
    main()
