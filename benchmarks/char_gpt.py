"""A GPT that writes tiny Shakespeare character by character: nats a character on text that it has not seen.

Published (karpathy/nanoGPT, README): 1.88 with 4 layers, context 64 and 2000 iterations on a CPU; 1.4697 at its best
with 6 layers, context 256 and 5000 iterations on a GPU. The model is GPT-2's (Radford et al. 2019) without biases,
trained as published on the first 90 % of the text; the large one here in TF32 and not compiled.

nanoGPT estimates losses on random windows, 20 or 200 batches of them: `train_random`, `val_random`. `val` is the mean
over the whole validation text in windows side by side; what is left at the end, less than a window, is dropped.
nanoGPT's seed is 1337. Weights and windows are drawn here in its order, so with that seed the small model on a CPU
gives the figures that its log ends with: 1.7648 in training and 1.8857 in validation.

`cpu_s` includes a look at all three every 250 iterations. `lesson` trains the small model (`make results`) and writes
benchmarks/results/char_gpt.json. `COURSE_BUDGET=full` trains the large one, for which you want a GPU, and writes
char_gpt_large.json there. The text is downloaded once.
"""

import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import torch
from store import sweep
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.data import Batch, text
from course_lib.runtime import device, pick, seed_everything
from course_lib.training import Player, train, warmup_cosine


class Setting(NamedTuple):
    """Sizes of model and training, those of the small model where nothing is said."""

    layers: int = 4
    heads: int = 4
    width: int = 128  # 32 a head
    context: int = 64  # characters that the model sees
    batch: int = 12  # windows: 768 characters an iteration
    iterations: int = 2000  # 1.5 times the text
    dropout: float = 0.0  # for a text that is seen so rarely, none
    estimate: int = 20  # batches that a loss is estimated on


SMOKE = Setting(layers=1, heads=2, width=16, context=16, iterations=200)
SMALL, LARGE = Setting(), Setting(6, 6, 384, 256, 64, 5000, 0.2, 200)  # LARGE sees the text 82 times, so drops out
PUBLISHED = {"4 layers": 1.88, "6 layers": 1.4697}
SETTINGS = pick(smoke={"smoke": SMOKE}, lesson={"4 layers": SMALL}, full={"6 layers": LARGE})
SEEDS = pick(smoke=(0,), lesson=(1337, 0, 1), full=(1337,))
EVERY = pick(smoke=100, lesson=250, full=250)  # iterations between two looks at the validation text
LR, LOWEST = 1e-3, 0.1  # small models bear a high rate; it falls to a tenth
WARMUP = 100  # iterations, while Adam's averages fill
BETAS = (0.9, 0.99)  # the second below the usual 0.999: few characters an iteration, so it forgets faster
WEIGHT_DECAY = 0.1  # of matrices; the gains of LayerNorm belong near 1, not near 0
CLIP = 1.0  # the longest gradient: one odd batch moves the weights no further


class Attention(nn.Module):
    """Each position looks at itself and at those before it."""

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.project = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # (B, T, width) -> (B, T, width)
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # each (B, heads, T, ·)
        dropout = self.dropout if self.training else 0.0
        seen = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
        return self.project(seen.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention, then a small network at each position; both add to what they read."""

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, bias=False), nn.LayerNorm(width, bias=False)
        self.attention = Attention(width, heads, dropout)
        self.expand, self.project = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.norm1(x)))
        return x + self.dropout(self.project(F.gelu(self.expand(self.norm2(x)))))


class GPT(nn.Module):
    """Characters (B, T), int64 -> logits of the next one (B, T, size)."""

    def __init__(self, size: int, chosen: Setting):
        super().__init__()
        self.characters = nn.Embedding(size, chosen.width)
        self.positions = nn.Embedding(chosen.context, chosen.width)
        self.dropout = nn.Dropout(chosen.dropout)
        blocks = (Block(chosen.width, chosen.heads, chosen.dropout) for _ in range(chosen.layers))
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(chosen.width, bias=False)
        self.head = nn.Linear(chosen.width, size, bias=False)
        self.characters.weight = self.head.weight  # the same vectors read and write characters
        for layer in self.modules():
            if isinstance(layer, (nn.Linear, nn.Embedding)):
                nn.init.normal_(layer.weight, std=0.02)
        for name, p in self.named_parameters():
            if name.endswith("project.weight"):  # of these, 2 · layers add up: their sum is to begin no larger
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * chosen.layers))

    def forward(self, x: Tensor) -> Tensor:
        places = self.positions.weight[: x.shape[1]]
        return self.head(self.norm(self.blocks(self.dropout(self.characters(x) + places))))


def random_windows(codes: Tensor, n: int, context: int) -> Batch:
    """n windows (n, context) of the codes, and the character after each of theirs."""
    starts = torch.randint(len(codes) - context, (n, 1))
    index = (starts + torch.arange(context)).to(codes.device)
    return Batch(codes[index], codes[index + 1])


def all_windows(codes: Tensor, context: int) -> Batch:
    """The same for windows side by side."""
    n = (len(codes) - 1) // context
    return Batch(codes[: n * context].view(n, context), codes[1 : n * context + 1].view(n, context))


class Draws:
    """EVERY random batches: what `train` calls an epoch. As published, each is drawn before the last one is over."""

    def __init__(self, codes: Tensor, chosen: Setting):
        self.draw = partial(random_windows, codes, chosen.batch, chosen.context)
        self.coming = self.draw()

    def __len__(self) -> int:
        return EVERY

    def __iter__(self) -> Iterator[Batch]:
        for _ in range(EVERY):
            yield self.coming
            self.coming = self.draw()


def next_character(net: nn.Module, batch: Batch) -> dict[str, Tensor]:
    return {"loss": F.cross_entropy(net(batch.x).flatten(0, 1), batch.y.flatten())}


@torch.no_grad()
def nats(net: nn.Module, windows: Batch) -> float:
    """Mean over all characters of the windows, without dropout."""
    net.eval()
    parts = zip(windows.x.split(128), windows.y.split(128), strict=True)
    return sum(next_character(net, Batch(x, y))["loss"].item() * y.numel() for x, y in parts) / windows.y.numel()


def decayed_adam(parameters: list[Tensor], lr: float) -> torch.optim.Optimizer:
    """AdamW that decays matrices only and clips the gradient before each step."""
    matrices, gains = [p for p in parameters if p.ndim > 1], [p for p in parameters if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": gains, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=lr, betas=BETAS, fused=True)

    def clip(*_) -> None:
        nn.utils.clip_grad_norm_(parameters, CLIP)

    optimizer.register_step_pre_hook(clip)
    return optimizer


def schedule(iterations: int) -> Callable[[float], float]:
    """Linear up to 1, then half a cosine down to LOWEST."""
    cosine = warmup_cosine(WARMUP / iterations)

    def factor(progress: float) -> float:
        if progress < WARMUP / iterations:
            return (progress * iterations + 1) / (WARMUP + 1)
        return LOWEST + (1 - LOWEST) * cosine(progress)

    return factor


def split(content: str) -> tuple[Tensor, Tensor, int]:
    """The codes of the first 90 % of a text and of the rest, and how many different characters there are."""
    codes = {character: code for code, character in enumerate(sorted(set(content)))}
    whole = torch.tensor([codes[character] for character in content], device=device())
    return *whole.tensor_split([int(0.9 * len(whole))]), len(codes)


def counted(train_codes: Tensor, val_codes: Tensor, size: int) -> dict[str, float]:
    """What models of counts reach, each count one more than seen: of single characters, and of pairs."""
    first, second = train_codes[:-1], train_codes[1:]
    single = 1 + torch.bincount(train_codes, minlength=size)
    pairs = 1 + torch.bincount(size * first + second, minlength=size * size).view(size, size)
    unigram, bigram = (single / single.sum()).log(), (pairs / pairs.sum(1, keepdim=True)).log()
    return {
        "unigram": -unigram[val_codes].mean().item(),
        "bigram": -bigram[val_codes[:-1], val_codes[1:]].mean().item(),
    }


def one_run(variant: str, seed: int) -> dict[str, float]:
    chosen = SETTINGS[variant]
    train_codes, val_codes, size = split(text())
    val = all_windows(val_codes, chosen.context)
    seed_everything(seed)
    net, batches = GPT(size, chosen).to(device()), Draws(train_codes, chosen)

    def estimate(codes: Tensor) -> float:
        return nats(net, random_windows(codes, chosen.estimate * chosen.batch, chosen.context))

    def look() -> dict[str, float]:
        return {"train_random": estimate(train_codes), "val_random": estimate(val_codes), "val": nats(net, val)}

    started, untrained = time.process_time(), look()
    player = Player("gpt", net, next_character, lr=LR, optimizer=decayed_adam)
    history = train(player, batches, chosen.iterations // EVERY, schedule=schedule(chosen.iterations), evaluate=look)
    return {
        "iterations": chosen.iterations,
        "parameters": sum(p.numel() for p in net.parameters()),
        "cpu_s": round(time.process_time() - started),
        "untrained": untrained["val"],
        **{name: history[name][-1] for name in untrained},
        **{f"{name}_best": min(history[name]) for name in ("val_random", "val")},
    }


if __name__ == "__main__":
    if device().type == "cuda":
        torch.set_float32_matmul_precision("high")  # TF32: factors rounded to ten bits, several times as fast
    name = pick(smoke="char_gpt", lesson="char_gpt", full="char_gpt_large")
    sweep(name, one_run, SETTINGS, SEEDS, published=PUBLISHED, counted=counted(*split(text())))
