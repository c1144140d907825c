"""Train the reader that judges drawn faces, on faces drawn anew each epoch, and write its card."""

import hashlib
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from course_lib.data import Batches, faces
from course_lib.networks import FaceReader
from course_lib.runtime import atomic_path, seed_everything
from course_lib.training import Player, train, warmup_cosine

SEED, EPOCHS, AN_EPOCH, UNSEEN = 0, 24, 30_000, 10_000  # the epochs' faces have the seeds SEED + 1, SEED + 2, …
WEIGHTS = Path("data/weights/face_reader.safetensors")


class FreshFaces:
    """Batches of other faces in each epoch."""

    seed = SEED

    def __len__(self):
        return -(-AN_EPOCH // 128)

    def __iter__(self):
        self.seed += 1
        return iter(Batches(faces.sample(AN_EPOCH, self.seed), 128))


def loss(net, batch):
    """Mean absolute error, on pictures made somewhat worse."""
    return {"loss": F.l1_loss(net(worsen(batch.x)), batch.y)}


def worsen(x):
    """Blur, other brightness and noise, each as strong as chance decides for a picture: generated ones have them."""
    blurred = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    blur, noise, light = torch.rand(3, len(x), 1, 1, 1) ** 2
    x = torch.lerp(x, blurred, blur) + 0.08 * noise * torch.randn_like(x)
    return (x * (1 + 0.1 * light * torch.randn(len(x), 1, 1, 1))).clamp(0, 1)


def errors(net):
    unseen = faces.sample(2000, UNSEEN)
    with torch.no_grad():
        return (net.eval()(unseen.x / 255) - unseen.factors).abs().mean(0)


def main():
    seed_everything(SEED)
    net = FaceReader()
    train(Player("reader", net, loss, lr=3e-3), FreshFaces(), EPOCHS, schedule=warmup_cosine())
    with atomic_path(WEIGHTS) as temporary:
        save_file(net.state_dict(), temporary)
    digest = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    rows = "\n".join(f"| {name} | {error:.4f} |" for name, error in zip(faces.FACTORS, errors(net), strict=True))
    WEIGHTS.with_suffix(".md").write_text(
        f"""# face_reader.safetensors

Reads the factors of drawn faces (`course_lib.data.faces`, 28×28) off a picture, and so judges generated ones:
`course_lib.metrics`. Three convolutions and two linear layers (`networks.FaceReader`,
{sum(p.numel() for p in net.parameters()):,} parameters). Trained on {AN_EPOCH:,} newly drawn faces an epoch, blurred,
darkened or lightened, and with noise, each a little and at random, so that it reads generated pictures too.

Mean absolute error of each factor, which runs from 0 to 1, on the 2,000 faces of seed {UNSEEN}, which it never saw
(a reader that always answers 0.5 has 0.25):

| factor | error |
|---|---|
{rows}

Made by `tools/train_face_reader.py`, seed {SEED}, {EPOCHS} epochs. sha256 `{digest}`.
"""
    )


if __name__ == "__main__":
    main()
