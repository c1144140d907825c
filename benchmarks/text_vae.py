"""Notebook 12: posterior collapse of a VAE of sentences, and its cures, five seeds on a grammar of known entropy.

Writes benchmarks/results/text_vae.json: `make results`.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from store import sweep
from torch import Tensor

from course_lib.data import Batches, grammar
from course_lib.losses import importance_weighted_bound
from course_lib.metrics import active_units
from course_lib.runtime import seed_everything
from course_lib.text import LanguageModel, TextVAE, Vocabulary, distinct, novelty
from course_lib.training import Player, train, warmup_cosine
from course_lib.vae import cyclical, linear_warmup, negative_elbo

SEEDS = (0, 1, 2, 3, 4)
TRAINING, TEST, SAMPLES, EPOCHS, BATCH, LR, LATENT_DIM = 20_000, 1000, 2000, 5, 64, 1e-2, 8
WEIGHED, ROUNDS = 300, 10  # test sentences for the likelihood, and rounds of fifty importance samples for each


class Cure(NamedTuple):
    """What is done about the collapse."""

    beta: Callable[[float], float] = lambda progress: 1.0
    floor: float = 0.0  # nats a coordinate that are free
    word_dropout: float = 0.0


VARIANTS = {
    "language model": None,
    "plain": Cure(),
    "β warm-up": Cure(beta=linear_warmup(0.5)),
    "cyclical β": Cure(beta=cyclical(4)),
    "word dropout 0.4": Cure(word_dropout=0.4),
    "free bits 0.5": Cure(floor=0.5),
    "free bits 1": Cure(floor=1.0),
    "warm-up, free bits 0.5": Cure(beta=linear_warmup(0.5), floor=0.5),
    "warm-up, free bits 1": Cure(beta=linear_warmup(0.5), floor=1.0),
}
LANGUAGE = grammar.scenes()
WORDS = Vocabulary(LANGUAGE.words)


def one_run(variant: str, seed: int) -> dict[str, float]:
    generator = torch.Generator().manual_seed(seed)
    training, test = LANGUAGE.sample(TRAINING, generator), LANGUAGE.sample(TEST, generator)
    seed_everything(seed)
    started = time.process_time()
    cure = VARIANTS[variant]
    if cure is None:
        model = fitted(LanguageModel(len(WORDS)), lambda m, b, _: {"loss": m.nll(b.x).mean()}, training, seed)
    else:
        model = TextVAE(WORDS, LATENT_DIM, word_dropout=cure.word_dropout)
        fitted(model, lambda m, b, at: negative_elbo(m, b, cure.beta(at), cure.floor), training, seed)
    seconds = round(time.process_time() - started, 1)
    measured = judged_alone(model, test, generator) if cure is None else judged(model, test, generator)
    return measured | {"novelty": novelty(measured.pop("written"), training), "cpu_s": seconds}


def fitted(model, loss, training: list[str], seed: int):
    """Train with `loss(model, batch, progress)`."""
    player = Player("model", model, lambda m, b: loss(m, b, player.progress), lr=LR)
    batches = Batches((WORDS.encode(training), None), BATCH, seed=seed)
    train(player, batches, EPOCHS, schedule=warmup_cosine(0.05), progress=False)
    return model.eval()


@torch.no_grad()
def judged_alone(model: LanguageModel, test: list[str], generator: torch.Generator) -> dict:
    nll = model.nll(WORDS.encode(test))
    written = WORDS.decode(model.generate(SAMPLES, generator=generator))
    return {"gap": gap(nll, test), **of_samples(written)}


@torch.no_grad()
def judged(model: TextVAE, test: list[str], generator: torch.Generator) -> dict:
    tokens = WORDS.encode(test)
    parts, mu = model.elbo(tokens), model.encoder(tokens)[0]
    weighed = tokens[:WEIGHED]
    log_weights = torch.cat([model.log_weights(weighed, 50) for _ in range(ROUNDS)])
    copies = model.reconstruct(tokens)
    return {
        "gap": gap(-importance_weighted_bound(log_weights), test[:WEIGHED]),
        "reconstruction": parts.reconstruction.mean().item(),
        "kl": parts.kl.mean().item(),
        "active": active_units(mu),
        "copied": sum(a == b for a, b in zip(copies, test, strict=True)) / TEST,
        **of_samples(model.sample(SAMPLES, generator=generator)),
    }


def gap(nll: Tensor, test: list[str]) -> float:
    """KL(language || model), estimated over test sentences, whose true log-probability is known."""
    return (nll + LANGUAGE.log_prob(test)).mean().item()


def of_samples(written: list[str]) -> dict:
    grammatical = LANGUAGE.accepts(written).double().mean().item()
    return {"grammatical": grammatical, "distinct_2": distinct(written, 2), "written": written}


def exact_sampler(seed: int) -> dict[str, float]:
    """What no model can beat: fresh sentences of the language."""
    generator = torch.Generator().manual_seed(seed)
    training, fresh = LANGUAGE.sample(TRAINING, generator), LANGUAGE.sample(SAMPLES, generator)
    return {"novelty": novelty(fresh, training), "distinct_2": distinct(fresh, 2)}


if __name__ == "__main__":
    facts = {"entropy": LANGUAGE.entropy(), "training": TRAINING, "importance_samples": 50 * ROUNDS}
    exact = [exact_sampler(seed) for seed in SEEDS]
    sweep("text_vae", one_run, VARIANTS, SEEDS, epochs=EPOCHS, batch=BATCH, exact=exact, **facts)
