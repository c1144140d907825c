"""Conditional GANs: the ways of telling the discriminator what was asked for, as networks of (x, c).

A condition c is (B, C): a one-hot class, or numbers such as a smile and the strength of glasses. All work with the
game of `gan.GAN(..., conditional=True)`; the auxiliary classifier needs `AuxiliaryGAN`. `MatchingGAN` changes the game.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .data import Batch
from .gan import GAN
from .networks import IMAGE, ConvDiscriminator, ConvGenerator


class ConditionalGenerator(nn.Module):
    """z (B, D) and c (B, C) -> images: `ConvGenerator` of the two side by side (Mirza & Osindero 2014, section 3.2)."""

    def __init__(self, latent_dim: int, condition: int, shape: Sequence[int] = IMAGE, width: int = 32):
        super().__init__()
        if latent_dim < 1 or condition < 1:
            raise ValueError(f"latent_dim is {latent_dim} and condition {condition}; give 1 or more of each")
        self.net = ConvGenerator(latent_dim + condition, shape, width)

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        return self.net(beside(z, c))


class Untold(nn.Module):
    """A discriminator of x alone in the place of one that is told c: what it cannot see, it cannot ask for."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        return self.net(x)


class Concatenating(nn.Module):
    """Scores (B,) of pairs, by a network that gets c beside x: with images (B, K + C, H, W), else (B, K + C).

    Source: Mirza & Osindero 2014, section 3.2. As planes of an image, c enters the first convolution.
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        return self.net(beside(x, c))


class Projecting(nn.Module):
    """Scores ψ(φ(x)) + (V c)·φ(x), (B,), with ψ a linear map (Miyato & Koyama 2018, section 3).

    Args:
        features: φ, x -> (B, F).
        width: F.
        condition: C, the size of c.
    """

    def __init__(self, features: nn.Module, width: int, condition: int):
        super().__init__()
        self.features, self.psi = features, nn.Linear(width, 1)
        self.v = nn.Linear(condition, width, bias=False)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        phi = self.features(x)
        return self.psi(phi)[..., 0] + (self.v(c) * phi).sum(-1)


class Auxiliary(nn.Module):
    """Scores (B,) of x alone, and the logits (B, C) of a classifier on the same features; c is not looked at.

    Source: Odena et al. 2017, section 3. Arguments as for `Projecting`.
    """

    def __init__(self, features: nn.Module, width: int, condition: int):
        super().__init__()
        self.features, self.psi = features, nn.Linear(width, 1)
        self.classes = nn.Linear(width, condition)

    def forward(self, x: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        phi = self.features(x)
        return self.psi(phi)[..., 0], self.classes(phi)


class AuxiliaryGAN(GAN):
    """The game with an auxiliary classifier (Odena et al. 2017, eq. 2 and 3); c is one-hot, `Auxiliary` discriminates.

    Both players also minimise `weight` times the cross-entropy of the class: the discriminator on real and generated
    samples, the generator on its own.
    """

    def __init__(
        self, generator: nn.Module, discriminator: nn.Module, latent_shape: int | Sequence[int], weight: float = 1.0
    ):
        super().__init__(generator, discriminator, latent_shape, conditional=True)
        self.weight = weight

    def discriminator_loss(self, discriminator: nn.Module, batch: Batch) -> dict[str, Tensor]:
        (c,), x_hat = self._given(batch.y), self._fakes(batch)
        (real, real_classes), (fake, fake_classes) = discriminator(batch.x, c), discriminator(x_hat, c)
        wrong = class_nll(real_classes, c) + class_nll(fake_classes, c)
        loss = self.objective.discriminator(real, fake) + self.weight * wrong
        return {"loss": loss.mean(0).sum(), "real": real.mean(), "fake": fake.mean(), "classes": wrong.mean()}

    def generator_loss(self, generator: nn.Module, batch: Batch) -> dict[str, Tensor]:
        (c,) = self._given(batch.y)
        fake, classes = self.discriminator(generator(self._draw(batch.x), c), c)
        wrong = class_nll(classes, c)
        return {"loss": (self.objective.generator(fake) + self.weight * wrong).mean(0).sum(), "classes": wrong.mean()}


class MatchingGAN(GAN):
    """The game with mismatched pairs (Reed et al. 2016, algorithm 1): real samples with the condition of another one.

    Half of what the discriminator has to reject are these, half are generated pairs. The generator's loss is unchanged.
    Sees more quickly what the condition says; but the truth is no longer where its scores are level.
    """

    def discriminator_loss(self, discriminator: nn.Module, batch: Batch) -> dict[str, Tensor]:
        (c,), x_hat = self._given(batch.y), self._fakes(batch)
        real, fake = discriminator(batch.x, c), discriminator(x_hat, c)
        mismatched = discriminator(batch.x, c.roll(1, 0))
        loss = (self.objective.discriminator(real, fake) + self.objective.discriminator(real, mismatched)) / 2
        parts = {"real": real, "fake": fake, "mismatched": mismatched}
        return {"loss": loss.mean(0).sum()} | {key: scores.mean() for key, scores in parts.items()}


class ConvFeatures(nn.Module):
    """x (B, C, H, W) in [0, 1] -> the features (B, size) before the last layer of a `ConvDiscriminator`."""

    def __init__(self, shape: Sequence[int] = IMAGE, width: int = 32):
        super().__init__()
        *layers, last, _ = ConvDiscriminator(shape, width).net
        self.net, self.size = nn.Sequential(*layers), last.in_features

    def forward(self, x: Tensor) -> Tensor:
        return self.net(2 * x - 1)


def beside(x: Tensor, c: Tensor) -> Tensor:
    """x and c as one input: c (B, C) as further columns, or beside images x (B, K, H, W) as C constant planes.

    The planes hold (1 + c)/2: discriminators of this course stretch [0, 1] to [-1, 1], which turns them into c.
    """
    if c.shape[:-1] != (x.shape[:1] if x.ndim == 4 else x.shape[:-1]):
        raise ValueError(f"x is {tuple(x.shape)} and c {tuple(c.shape)}; give one condition for each sample")
    if x.ndim == 4:
        return torch.cat([x, (1 + c)[:, :, None, None].expand(-1, -1, *x.shape[2:]) / 2], 1)
    return torch.cat([x, c], -1)


def class_nll(logits: Tensor, c: Tensor) -> Tensor:
    """-log p(class) for one-hot c, both (..., C): (...)."""
    return -(logits.log_softmax(-1) * c).sum(-1)
