"""Notebook 07, section 6: codes drawn in several ways, decoded and judged; autoencoder against VAE.

Four sizes of the code and three seeds on each data set. Writes benchmarks/results/autoencoders.json. Run with MNIST at
hand: `make results`.
"""

from collections.abc import Callable, Iterator
from functools import cache

import torch
from sklearn.mixture import GaussianMixture
from store import sweep
from torch import Tensor, nn

from course_lib.data import Batches, Images, load
from course_lib.losses import bernoulli_nll, total_variation
from course_lib.metrics import classify, digit_classifier, digit_quality
from course_lib.networks import BernoulliDecoder, mlp
from course_lib.runtime import seed_everything
from course_lib.training import Player, train, warmup_cosine
from course_lib.vae import VAE, negative_elbo, reparameterize

SEEDS, SIZES = (0, 1, 2), (2, 4, 8, 16)
HIDDEN, STEPS, BATCH, LR = (512, 256), 2500, 128, 4e-3  # those of notebook 00
SAMPLES, COMPONENTS, CODES = 1000, 20, 10_000


class Autoencoder(nn.Module):
    def __init__(self, size: int):
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), mlp([784, *HIDDEN, size]))
        self.decoder = BernoulliDecoder(size, HIDDEN[::-1])


def reconstruction(net: Autoencoder, batch) -> dict[str, Tensor]:
    return {"loss": bernoulli_nll(net.decoder(net.encoder(batch.x)), batch.x).mean()}


def trained(net: nn.Module, loss: Callable, digits: Images, seed: int) -> nn.Module:
    batches = Batches(digits, BATCH, seed=seed)
    player = Player("net", net, loss, lr=LR)
    train(player, batches, round(STEPS / len(batches)), schedule=warmup_cosine(), progress=False)
    return net


@cache
def sets(name: str) -> tuple[Images, Tensor, Tensor, Tensor]:
    """All training images, the first of them as floats, and test images with their classes, shuffled."""
    digits, (x, y) = load(name), load(name, "test").shuffled().batch()
    return digits, digits.take(min(CODES, len(digits.x))).batch().x, x[:2000], y[:2000]


def draws(codes: Tensor, seed: int) -> Iterator[tuple[str, Tensor]]:
    """Ways to draw codes (SAMPLES, D): without looking at the given codes (N, D), and fitted to them."""
    low, high = codes.aminmax(dim=0)
    yield "N(0, I)", torch.randn(SAMPLES, codes.shape[1])
    yield "box", torch.lerp(low, high, torch.rand(SAMPLES, codes.shape[1]))
    yield "Normal", torch.distributions.MultivariateNormal(codes.mean(0), codes.T.cov()).sample((SAMPLES,))
    floor = 1e-3 * codes.var(0).mean().item()
    fitted = GaussianMixture(COMPONENTS, reg_covar=floor, random_state=seed).fit(codes.double().numpy())
    yield "mixture", torch.from_numpy(fitted.sample(SAMPLES)[0]).float()


@torch.no_grad()
def judged(net: nn.Module, z: Tensor, codes: Tensor, far: Tensor, name: str) -> dict[str, float]:
    """The three measures, the distance of the classes' shares from the data's, and what lies in holes."""
    _, train_x, test, y = sets(name)
    x = net.decoder(z).sigmoid()
    label, confidence = classify(x)
    shares = [labels.bincount(minlength=10).float()[None] / len(labels) for labels in (label, y)]
    hole = torch.cdist(z, codes).amin(1) > far
    parts = {"in_holes": hole, "elsewhere": ~hole}
    inside = {key: (confidence[at] > 0.9).float().mean().item() for key, at in parts.items() if at.any()}
    values = digit_quality(x, train_x, test[:500])._asdict() | inside
    values |= {"mix": total_variation(*shares).item(), "holes": hole.float().mean().item()}
    return {key: round(value, 4) for key, value in values.items()}


@torch.no_grad()
def all_draws(net: nn.Module, encode: Callable[[Tensor], Tensor], name: str, seed: int) -> dict[str, dict]:
    """A hole: further from each training code than 95 % of the codes of unseen images are."""
    codes, unseen = encode(sets(name)[1]), encode(sets(name)[2])
    far = torch.cdist(unseen, codes).amin(1).quantile(0.95)
    return {way: judged(net, z, codes, far, name) for way, z in draws(codes, seed)}


def one_run(variant: str, seed: int) -> dict[str, dict]:
    digit_classifier()  # built once, and before the seed is set: its first weights are random numbers too
    seed_everything(seed)
    name, size = variant.split()
    digits = sets(name)[0]
    plain = trained(Autoencoder(int(size)), reconstruction, digits, seed)
    model = trained(VAE(int(size), HIDDEN), negative_elbo, digits, seed)
    return {
        "autoencoder": all_draws(plain, plain.encoder, name, seed),
        "VAE": all_draws(model, lambda x: reparameterize(*model.encoder(x)), name, seed),
    }


if __name__ == "__main__":
    variants = [f"{name} {size}" for name in ("mnist", "digits") for size in SIZES]
    sweep("autoencoders", one_run, variants, SEEDS, steps=STEPS, samples=SAMPLES)
