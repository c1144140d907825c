"""Notebook 09: the rate–distortion curve of a small VAE on the embedded digits, three seeds for each of seven β.

784-64-10, black-and-white images (black above one half), so that distortion + rate is a bound on -log p(x). Writes
benchmarks/results/rate_distortion.json, and the networks of seed 0 in half precision with their card:
data/weights/rate_distortion.safetensors and .md. `make results`.
"""

import hashlib
import time
from pathlib import Path

from safetensors.torch import save_file
from store import sweep
from torch import Tensor

from course_lib.data import Batches, load, result
from course_lib.likelihood import log_likelihood
from course_lib.metrics import active_units, confident_share
from course_lib.runtime import atomic_path, seed_everything
from course_lib.training import Player, train, warmup_cosine
from course_lib.vae import VAE, negative_elbo, rate_and_distortion

BETAS, SEEDS, EPOCHS, BATCH, LR = ("0.1", "0.3", "1", "2", "4", "10", "30"), (0, 1, 2), 300, 128, 4e-3
LATENT, HIDDEN, EVAL_K, EVAL_DRAWS = 10, (64,), 200, 20
WEIGHTS = Path("data/weights/rate_distortion.safetensors")
kept: dict[str, Tensor] = {}


def images(split: str) -> Tensor:
    return (load("digits", split).batch().x > 0.5).float()


def one_run(beta: str, seed: int) -> dict[str, float]:
    seed_everything(seed)
    x, unseen, model = images("train"), images("test"), VAE(LATENT, HIDDEN)
    player = Player("vae", model, lambda m, b: negative_elbo(m, b, beta=float(beta)), lr=LR)
    started = time.process_time()
    train(player, Batches((x, None), BATCH, seed=seed), EPOCHS, schedule=warmup_cosine(), progress=False)
    cpu_s = round(time.process_time() - started, 1)
    if seed == SEEDS[0]:
        state = {name: value.half() for name, value in model.state_dict().items()}
        kept.update({f"{beta}/{name}": value for name, value in state.items()})
        model.load_state_dict(state)  # what is stored is what is measured
    (rate, distortion), (test_rate, test_distortion) = (
        rate_and_distortion(model, part, EVAL_DRAWS) for part in (x, unseen)
    )
    return {
        "cpu_s": cpu_s,
        "rate": rate,
        "distortion": distortion,
        "test_rate": test_rate,
        "test_distortion": test_distortion,
        "test_nll": -log_likelihood(model.log_weights, unseen, EVAL_K).mean,
        "active": active_units(model.encoder(unseen)[0].detach()),
        "digit_like": confident_share(model.sample(1000)),
    }


def card(runs: dict[str, list[dict]]) -> str:
    digest = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    rows = "\n".join(f"| {b} | {r[0]['test_rate']:.2f} | {r[0]['test_distortion']:.2f} |" for b, r in runs.items())
    parameters = sum(value.numel() for value in kept.values()) // len(BETAS)
    return f"""# rate_distortion.safetensors

Seven small VAEs (784-64-10, {parameters:,} parameters each, half precision), one for each weight β of the KL, on the
training split of the embedded digits, black above one half. `course_lib.widgets.rate_distortion_explorer` and notebook
09 load them. On the test split, in nats an image:

| β | rate | distortion |
|---|---|---|
{rows}

Made by `benchmarks/rate_distortion.py`, seed {SEEDS[0]}, {EPOCHS} epochs. sha256 `{digest}`.
"""


if __name__ == "__main__":
    sweep("rate_distortion", one_run, BETAS, SEEDS, epochs=EPOCHS, batch=BATCH, eval_k=EVAL_K)
    with atomic_path(WEIGHTS) as temporary:
        save_file(kept, temporary)
    with atomic_path(WEIGHTS.with_suffix(".md")) as temporary:
        temporary.write_text(card(result("rate_distortion")["runs"]), encoding="utf-8")
