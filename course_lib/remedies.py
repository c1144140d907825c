"""Remedies against mode collapse, each as one small part that a `gan.GAN` is built with.

Two time scales are `GAN.players(lr=(…, …))`, penalties are `losses.gradient_penalty` and `losses.r1`, spectral norms
are `networks.Replicas(…, spectral=True)` or PyTorch's own `nn.utils.parametrizations.spectral_norm`.
"""

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from .data import Batch
from .gan import GAN
from .losses import ADVERSARIAL, Adversarial
from .training import Player


class Packed(nn.Module):
    """A discriminator that judges `size` samples at a time, real or generated together (Lin et al. 2018, PacGAN).

    A pack is laid side by side along the last dimension of points, (B, ..., D) -> (B/size, ..., size·D), or along the
    channels of images. What is left over of a batch is not judged.

    Args:
        net: takes the packs, and returns one score a pack.
        size: samples in a pack.
        dim: along which they are laid: -1 for points, 1 for images (B, C, H, W).
    """

    def __init__(self, net: nn.Module, size: int = 2, dim: int = -1):
        super().__init__()
        if size < 1:
            raise ValueError(f"size is {size}; give 1 or more samples a pack")
        self.net, self.size, self.dim = net, size, dim

    def forward(self, x: Tensor) -> Tensor:
        if len(x) < self.size:
            raise ValueError(f"{len(x)} samples for packs of {self.size}; give at least one pack")
        whole = len(x) - len(x) % self.size
        return self.net(torch.cat(list(x[:whole].unflatten(0, (self.size, -1))), self.dim))


class BatchSpread(nn.Module):
    """Appends to each row of features (B, D) one number: their standard deviation over the batch, mean over D.

    A collapsed batch gives itself away by it. Source: Karras et al. 2018, section 3 (minibatch standard deviation).
    """

    def forward(self, x: Tensor) -> Tensor:
        spread = (x.var(0, correction=0) + 1e-8).sqrt().mean()
        return torch.cat([x, spread.expand(len(x), 1)], 1)


class Noisy(nn.Module):
    """A discriminator that sees real and generated samples through Normal noise (Arjovsky & Bottou 2017, section 3)."""

    def __init__(self, net: nn.Module, sd: float):
        super().__init__()
        self.net, self.sd = net, sd

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x + self.sd * torch.randn_like(x))


def smoothed(label: float = 0.9) -> Adversarial:
    """The non-saturating objective with the label of real samples below 1, that of generated ones still 0.

    Source: Salimans et al. 2016, section 3.4 (one-sided label smoothing).
    """

    def discriminator(real: Tensor, fake: Tensor) -> Tensor:
        target = torch.full_like(real, label)
        return F.binary_cross_entropy_with_logits(real, target, reduction="none") + F.softplus(fake)

    return Adversarial(discriminator, ADVERSARIAL["non-saturating"].generator)


def clipped(player: Player, bound: float) -> Player:
    """The player, with its weights cut to [-bound, bound] after each move (Arjovsky et al. 2017, algorithm 1)."""

    @torch.no_grad()
    def clip(*_) -> None:
        for p in player.trainable:
            p.clamp_(-bound, bound)

    player.optimizer.register_step_post_hook(clip)
    return player


class Unrolled(GAN):
    """The generator answers the discriminator as it will be some steps later (Metz et al. 2017, eq. 7 to 10).

    Args:
        ahead: steps of plain gradient descent that the generator looks ahead, and differentiates through.
        rate: their learning rate. Too large a one makes them diverge; in wide networks 0.1 is.
    """

    def __init__(self, generator, discriminator, latent_shape, objective="non-saturating", ahead=5, rate=0.02):
        super().__init__(generator, discriminator, latent_shape, objective)
        self.ahead, self.rate = ahead, rate

    def generator_loss(self, generator: nn.Module, batch: Batch) -> dict[str, Tensor]:
        names, weights = zip(*self.discriminator.named_parameters(), strict=True)
        weights = [w.detach().requires_grad_() for w in weights]
        x_hat = generator(self._draw(batch.x))

        def scores(x):
            return functional_call(self.discriminator, dict(zip(names, weights, strict=True)), (x,))

        for _ in range(self.ahead):
            loss = self.objective.discriminator(scores(batch.x), scores(x_hat)).mean(0).sum()
            slopes = torch.autograd.grad(loss, weights, create_graph=True)
            weights = [w - self.rate * slope for w, slope in zip(weights, slopes, strict=True)]
        return {"loss": self.objective.generator(scores(x_hat)).mean(0).sum()}


class Gated(GAN):
    """A discriminator that learns only while it is losing: a move counts where its loss exceeds `level`.

    With several `steps` of `players`, the number of moves that count follows the game: none while the discriminator is
    ahead, all while it is behind. Each replica has a gate of its own.
    """

    def __init__(self, generator, discriminator, latent_shape, objective="non-saturating", level=1.2):
        super().__init__(generator, discriminator, latent_shape, objective)
        self.level = level

    def discriminator_loss(self, discriminator: nn.Module, batch: Batch) -> dict[str, Tensor]:
        losses = self.objective.discriminator(discriminator(batch.x), discriminator(self._fakes(batch))).mean(0)
        gate = (losses > self.level).detach()
        return {"loss": (losses * gate).sum(), "ungated": losses.mean(), "moves": gate.float().mean()}
