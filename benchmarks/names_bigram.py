"""Bigram models of 32,033 names: by counting, with +1 smoothing, and by gradient descent from three random starts.

Published (nn-zero-to-hero, makemore): 2.4540 nats a character by counting, 2.4546 with +1 smoothing; 228,146 pairs, '.'
at both ends. Writes benchmarks/results/names_bigram.json, for the README. Run with the names at hand: `make results`.
"""

import time

import torch
from store import sweep

from course_lib.data import words
from course_lib.losses import categorical_nll
from course_lib.runtime import seed_everything

SEEDS = (0, 1, 2)


def pair_counts(names: list[str]) -> torch.Tensor:
    """How often each character follows each other, (27, 27); 0 is '.'."""
    codes = torch.tensor([ord(c) - ord("a") + 1 if c != "." else 0 for c in "." + ".".join(names) + "."])
    return torch.bincount(27 * codes[:-1] + codes[1:], minlength=27 * 27).view(27, 27).double()


def nll(log_p: torch.Tensor, counts: torch.Tensor) -> float:
    """Nats a character under a table of log-probabilities (27, 27)."""
    seen = counts > 0
    return -(counts[seen] * log_p[seen]).sum().item() / counts.sum().item()


def by_gradient(counts: torch.Tensor, steps: int = 2000) -> torch.Tensor:
    logits = torch.randn(27, 27, dtype=torch.float64, requires_grad=True)
    first, second = counts.nonzero().T
    weights = counts[first, second] / counts.sum()
    optimizer = torch.optim.Adam([logits], lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        (weights * categorical_nll(logits[first], second)).sum().backward()
        optimizer.step()
    return logits.detach().log_softmax(1)


def one_run(way: str, seed: int) -> dict[str, float]:
    seed_everything(seed)
    counts = pair_counts(words("names"))
    started = time.process_time()
    if way == "gradient":
        log_p = by_gradient(counts)
    else:
        smoothed = counts + (way == "smoothed")
        log_p = (smoothed / smoothed.sum(1, keepdim=True)).log()
    return {"nll": nll(log_p, counts), "pairs": int(counts.sum()), "cpu_s": round(time.process_time() - started, 1)}


if __name__ == "__main__":
    sweep(
        "names_bigram",
        one_run,
        ("counted", "smoothed", "gradient"),
        SEEDS,
        published={"counted": 2.4540, "smoothed": 2.4546},
    )
