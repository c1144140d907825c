"""Train the classifier that judges digits, on MNIST and the embedded digits together, and write its card."""

import hashlib
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from course_lib.data import Batches, Images, load
from course_lib.networks import DigitClassifier
from course_lib.runtime import atomic_path, seed_everything
from course_lib.training import Player, train, warmup_cosine

SEED, EPOCHS, COPIES = 0, 6, 5  # each embedded digit is seen COPIES times an epoch: there are 40 times fewer
WEIGHTS = Path("data/weights/digit_classifier.safetensors")


def loss(net, batch):
    """Cross-entropy on shifted digits; on noise, towards equal probabilities (Hendrycks et al. 2019)."""
    shift = torch.randint(-2, 3, (2,)).tolist()
    x = batch.x.roll(shift, (2, 3))
    unsure = -net(noise_like(x)).log_softmax(1).mean(1)
    return {"loss": F.cross_entropy(net(x), batch.y) + 0.5 * unsure.mean()}


def noise_like(x):
    """Each pixel from the same pixel of some other image: the marginals of digits, and none of their structure."""
    pick = torch.randint(len(x), (len(x), x[0].numel()))
    return x.flatten(1).gather(0, pick).view_as(x)


def accuracy(net, name):
    test = load(name, "test").batch()
    with torch.no_grad():
        return (net(test.x).argmax(1) == test.y).float().mean().item()


def main():
    seed_everything(SEED)
    mnist, digits = load("mnist"), load("digits")
    both = Images(torch.cat([mnist.x, *[digits.x] * COPIES]), torch.cat([mnist.y, *[digits.y] * COPIES]))
    net = DigitClassifier()
    train(Player("classifier", net, loss, lr=3e-3), Batches(both, 128), EPOCHS, schedule=warmup_cosine())
    with atomic_path(WEIGHTS) as temporary:
        save_file(net.state_dict(), temporary)
    digest = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    rows = "\n".join(f"| {name} | {accuracy(net.eval(), name):.4f} |" for name in ("mnist", "digits"))
    WEIGHTS.with_suffix(".md").write_text(
        f"""# digit_classifier.safetensors

Judges generated digits: `course_lib.metrics`. Two convolutions and two linear layers (`networks.DigitClassifier`,
{sum(p.numel() for p in net.parameters()):,} parameters). Trained on the training splits of MNIST and of the
embedded digits, images shifted by up to two pixels, and on noise with the same marginal distribution of each pixel,
for which all ten classes should be equally likely (outlier exposure, Hendrycks et al. 2019).

| test set | accuracy |
|---|---|
{rows}

Made by `tools/train_classifier.py`, seed {SEED}, {EPOCHS} epochs. sha256 `{digest}`.
"""
    )


if __name__ == "__main__":
    main()
