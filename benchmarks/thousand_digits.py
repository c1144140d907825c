"""Notebook 08, section 8: a thousand digits, plain and improved, three seeds on each data set.

Writes benchmarks/results/thousand_digits.json, which notebook 08 shows. Run with MNIST at hand: `make results`.
"""

from store import sweep

from course_lib.data import Batches, load, vary
from course_lib.metrics import confident_share
from course_lib.runtime import seed_everything
from course_lib.training import Player, train, warmup_cosine
from course_lib.vae import VAE, mean_loss, negative_elbo

SEEDS = (0, 1, 2)


def negative_elbo_varied(model, batch):
    return negative_elbo(model, batch._replace(x=vary(batch.x)))


def improve(model, loss, lr: float, thousand, seed: int) -> None:
    batches = Batches(thousand, 128, seed=seed)
    train(Player("vae", model, loss, lr=lr), batches, 300, schedule=warmup_cosine(), progress=False)


def one_run(name: str, seed: int) -> dict[str, float]:
    seed_everything(seed)
    thousand, unseen = load(name).take(1000), load(name, "test").batch().x[:500]
    plain, varied, small = VAE(), VAE(), VAE(6, hidden=(512, 256))
    player, batches = Player("vae", plain, negative_elbo), Batches(thousand, 250, seed=seed)
    history = train(player, batches, 1000, evaluate=lambda: {"test": mean_loss(plain, unseen)}, progress=False)
    improve(varied, negative_elbo_varied, 5e-3, thousand, seed)
    varied_loss = mean_loss(varied, unseen)
    kept = negative_elbo_varied if varied_loss < min(history["test"]) else negative_elbo
    improve(small, kept, 4e-3, thousand, seed)
    return {
        "best_plain": min(history["test"]),
        "final_plain": history["test"][-1],
        "final_plain_train": history["vae.loss"][-1],
        "varied": varied_loss,
        "small": mean_loss(small, unseen),
        "digit_like_plain": confident_share(plain.sample(1000)),
        "digit_like_varied": confident_share(varied.sample(1000)),
        "digit_like_small": confident_share(small.sample(1000)),
    }


if __name__ == "__main__":
    sweep("thousand_digits", one_run, ("mnist", "digits"), SEEDS)
