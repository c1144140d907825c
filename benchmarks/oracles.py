"""Notebook 06: how far its mixtures and hidden Markov models are from other people's code, at most.

Mixtures: weights, means, covariances and mean log-likelihood after 1, 2 and 5 steps of EM against scikit-learn, from
the same random start, with nothing added to the covariances (`reg_covar=0`). Hidden Markov models: log p(x), the
posterior of the states and the tables after 1, 2 and 5 steps of Baum-Welch against hmmlearn's CategoricalHMM; log p(x)
and the best path's log-probability against the sum and the maximum over all paths, for sequences of 1 to 8 symbols.
All in float64. Every seed is a problem of its own. Writes benchmarks/results/oracles.json, in seconds.
"""

import math
import sys
import time
import warnings
from functools import partial
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from hmmlearn.hmm import CategoricalHMM
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from store import sweep
from torch import Tensor

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
import books

BOOK = SimpleNamespace(**books.definitions(books.of("06")))
SEEDS, STEPS, BOUND = range(10), (1, 2, 5), 1e-8
POINTS, SEQUENCES, LENGTH, LONGEST = 300, 6, 30, 8


def furthest(ours, theirs) -> float:
    """The largest absolute difference between tensors, arrays or numbers, pair by pair."""
    return max(np.abs(np.asarray(a) - np.asarray(b)).max().item() for a, b in zip(ours, theirs, strict=True))


def mixture_problem(seed: int):
    """Points in clumps that overlap, 1 to 5 dimensions, 2 to 5 components, and a random start."""
    generator = torch.Generator().manual_seed(seed)
    dims, k = 1 + seed % 5, 2 + seed % 4
    random = {"generator": generator, "dtype": torch.float64}
    x = torch.randn(POINTS, dims, **random) + 2 * torch.randn(k, dims, **random)[torch.arange(POINTS) % k]
    root = torch.randn(k, dims, dims, **random)
    covs = root @ root.mT + torch.eye(dims)
    return x, BOOK.Mixture(torch.randn(k, **random).softmax(0), torch.randn(k, dims, **random), covs)


def mixture(seed: int, steps: int) -> float:
    x, start = mixture_problem(seed)
    given = {"weights": start.weights, "means": start.means, "precisions": torch.linalg.inv(start.covs)}
    given = {f"{name}_init": value.numpy() for name, value in given.items()}
    theirs = GaussianMixture(len(start.weights), max_iter=steps, tol=0, reg_covar=0, **given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is stopped on purpose
        theirs.fit(x.numpy())
    ours, _ = BOOK.em(x, start, steps)
    score = BOOK.e_step(x, ours)[1].item() / len(x)
    return furthest((*ours, score), (theirs.weights_, theirs.means_, theirs.covariances_, theirs.score(x.numpy())))


def hmm_problem(seed: int, length: int):
    """A random model of 2 to 4 states and 2 to 6 symbols, and sequences (B, length)."""
    generator = torch.Generator().manual_seed(seed)
    states, symbols = 2 + seed % 3, 2 + seed % 5
    sizes = (states,), (states, states), (states, symbols)
    tables = [torch.rand(*size, generator=generator, dtype=torch.float64) + 0.05 for size in sizes]
    return BOOK.HMM(*map(BOOK.normalised, tables)), torch.randint(symbols, (SEQUENCES, length), generator=generator)


def hmmlearn(model, x: Tensor, steps: int) -> CategoricalHMM:
    theirs = CategoricalHMM(len(model.start), n_iter=steps, tol=-np.inf, init_params="")
    theirs.n_features = model.emission.shape[1]
    theirs.startprob_, theirs.transmat_, theirs.emissionprob_ = (table.exp().numpy() for table in model)
    return theirs.fit(x.reshape(-1, 1).numpy(), [x.shape[1]] * len(x)) if steps else theirs


def hmm(seed: int) -> float:
    model, x = hmm_problem(seed, LENGTH)
    start, columns = hmmlearn(model, x, 0), [row[:, None].numpy() for row in x]
    differences = [
        furthest(BOOK.log_likelihood(x, model), [start.score(column) for column in columns]),
        furthest(BOOK.posterior_of_states(x, model), [start.predict_proba(column) for column in columns]),
    ]
    for step in range(1, max(STEPS) + 1):
        model, _ = BOOK.baum_welch_step(x, model)
        if step in STEPS:
            theirs = hmmlearn(hmm_problem(seed, LENGTH)[0], x, step)
            tables = theirs.startprob_, theirs.transmat_, theirs.emissionprob_
            differences.append(furthest([table.exp() for table in model], tables))
    return max(differences)


def every_path(x: list[int], start: list, transition: list, emission: list) -> list[float]:
    """p(x, path) for each path of states, multiplied out."""
    moves = range(1, len(x))
    return [
        start[path[0]]
        * math.prod(transition[path[t - 1]][path[t]] for t in moves)
        * math.prod(emission[z][symbol] for z, symbol in zip(path, x, strict=True))
        for path in product(range(len(start)), repeat=len(x))
    ]


def enumeration(seed: int) -> float:
    differences = []
    for length in range(1, LONGEST + 1):
        model, x = hmm_problem(seed, length)
        tables = [table.exp().tolist() for table in model]
        paths = [every_path(row, *tables) for row in x.tolist()]
        sums, best = ([math.log(total(p)) for p in paths] for total in (math.fsum, max))
        differences.append(furthest((*BOOK.log_likelihood(x, model), *BOOK.viterbi(x, model)[1]), (*sums, *best)))
    return max(differences)


JOBS = {f"mixture, {n} step{'s' * (n > 1)}": partial(mixture, steps=n) for n in STEPS}
JOBS |= {"hidden Markov model, hmmlearn": hmm, "hidden Markov model, all paths": enumeration}


def one_run(variant: str, seed: int) -> dict[str, float]:
    started = time.process_time()
    return {"difference": JOBS[variant](seed), "cpu_s": round(time.process_time() - started, 2)}


if __name__ == "__main__":
    sweep("oracles", one_run, JOBS, SEEDS, bound=BOUND)
