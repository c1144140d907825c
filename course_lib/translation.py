"""Translating pictures into pictures: a small U-Net, a discriminator of patches, and the games they play.

Both networks take any height and width that the strides divide, so that they fit other sets and other tasks.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .data import Batch
from .losses import ADVERSARIAL
from .training import Player, adam

GAME = ADVERSARIAL["non-saturating"]
GROUPS = 4  # of channels that are normalised together
MARGIN = 0.02  # how far from 0 and 1 a picture is kept before its logit is taken


class UNet(nn.Module):
    """x (B, in_channels, H, W) -> (B, out_channels, H, W), any real numbers (Ronneberger et al. 2015, made small).

    `depth` convolutions of stride 2 go down, as many transposed ones go up. At each size the way up gets what the way
    down had there, by concatenation: what need not pass through the narrow middle.

    Args:
        width: channels at full size; twice as many at each smaller one.
        depth: how often the sides are halved; H and W are multiples of 2^depth.
        skips: False leaves the concatenations away, so that all must pass through the middle.
    """

    def __init__(self, in_channels: int, out_channels: int, width: int = 16, depth: int = 2, skips: bool = True):
        super().__init__()
        if min(in_channels, out_channels, depth) < 1 or width < GROUPS or width % GROUPS:
            raise ValueError(
                f"channels {in_channels} and {out_channels}, width {width}, depth {depth}; give 1 or more of each, and "
                f"a width that {GROUPS} divides"
            )
        self.in_channels, self.depth, self.skips = in_channels, depth, skips
        widths = [width * 2**i for i in range(depth + 1)]
        self.start = _block(nn.Conv2d(in_channels, width, 3, padding=1))
        self.down = nn.ModuleList(_block(nn.Conv2d(w, 2 * w, 4, stride=2, padding=1)) for w in widths[:-1])
        self.up = nn.ModuleList(
            _block(nn.ConvTranspose2d(w * (1 + skips * (w < widths[-1])), w // 2, 4, stride=2, padding=1))
            for w in reversed(widths[1:])
        )
        self.end = nn.Conv2d(width * (1 + skips), out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 4 or x.shape[1] != self.in_channels or any(side % 2**self.depth for side in x.shape[2:]):
            raise ValueError(
                f"x is {tuple(x.shape)}; give (B, {self.in_channels}, H, W), H and W multiples of {2**self.depth}"
            )
        levels = [self.start(x)]  # from full size to the middle
        for layer in self.down:
            levels.append(layer(levels[-1]))
        h = levels.pop()
        for layer in self.up:
            h, level = layer(h), levels.pop()
            h = torch.cat([h, level], 1) if self.skips else h
        return self.end(h)


class PatchDiscriminator(nn.Module):
    """x (B, C, H, W) in [0, 1] -> scores (B, h, w), each of one patch of x (Isola et al. 2017, section 3.2.2).

    `layers` convolutions of 4×4 and stride 2, then one of 3×3. With two of them a score sees 18×18 pixels, and the
    scores lie 4 pixels apart. Of the rest of x it gets what normalisation subtracts and divides by, and no more. To
    judge pairs, hand both pictures over side by side in the channels.
    """

    def __init__(self, channels: int, width: int = 16, layers: int = 2):
        super().__init__()
        if min(channels, layers) < 1 or width < GROUPS or width % GROUPS:
            raise ValueError(
                f"channels {channels}, width {width}, layers {layers}; give 1 or more, a width that {GROUPS} divides"
            )
        self.channels = channels
        widths = [width * 2**i for i in range(layers)]
        first = [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        further = [_block(nn.Conv2d(w, 2 * w, 4, stride=2, padding=1), nn.LeakyReLU(0.2)) for w in widths[:-1]]
        self.net = nn.Sequential(*first, *further, nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise ValueError(f"x is {tuple(x.shape)}; this discriminator takes (B, {self.channels}, H, W)")
        return self.net(2 * x - 1)[:, 0]


class Painted(nn.Module):
    """The picture σ(net(x)), in (0, 1)."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x).sigmoid()


class Retouched(Painted):
    """The picture σ(logit x + net(x)), in (0, 1), for x in [0, 1]: where the net says 0, the picture stays as it is."""

    def forward(self, x: Tensor) -> Tensor:
        return (x.clamp(MARGIN, 1 - MARGIN).logit() + self.net(x)).sigmoid()


class PairGame(nn.Module):
    """From pairs (x, y): a translator x -> y and a discriminator of pairs (Isola et al. 2017, section 3.1).

    Batches hold x in `batch.x` and the picture that belongs to it in `batch.y`.

    Args:
        discriminator: (x, y) side by side in the channels -> scores (B, h, w). None: L1 alone, and one player.
        weight: of the L1 distance, summed over pixels and channels.
    """

    def __init__(self, translator: nn.Module, discriminator: nn.Module | None, weight: float = 0.01):
        super().__init__()
        self.translator, self.discriminator, self.weight = translator, discriminator, weight

    def discriminator_loss(self, discriminator: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """What the discriminator minimises on true pairs and as many painted ones."""
        with torch.no_grad():
            painted = self.translator(batch.x)
        real, fake = (discriminator(torch.cat([batch.x, y], 1)) for y in (batch.y, painted))
        return {"loss": _caught(real, fake).mean()}

    def generator_loss(self, translator: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """What the translator minimises; "l1" is logged, the mean over the batch (Isola et al. 2017, eq. 4)."""
        painted = translator(batch.x)
        distance = l1(painted, batch.y)
        loss = self.weight * distance
        if self.discriminator is not None:
            loss = loss + fooling(self.discriminator(torch.cat([batch.x, painted], 1)))
        return {"loss": loss.mean(), "l1": distance.mean()}

    def players(self, lr: tuple[float, float] = (1e-3, 2e-3), ema: float = 0.95) -> list[Player]:
        """The discriminator, where there is one, and the translator, with a moving average (`Player.average`)."""
        g = Player("g", self.translator, self.generator_loss, lr[1], _adam, ema=ema)
        if self.discriminator is None:
            return [g]
        return [Player("d", self.discriminator, self.discriminator_loss, lr[0], _adam), g]


class CycleGame(nn.Module):
    """From two sets without pairs: translators there and back, and a judge of each set (Zhu et al. 2017, section 3).

    Batches hold pictures of the first set in `batch.x` and unrelated ones of the second in `batch.y`. The parts of
    `translators` are (there, back); those of `judges` look at pictures of the (first, second) set.

    Args:
        weight: of the cycle loss, the L1 distance after a trip there and back, summed over pixels and channels.
    """

    def __init__(self, translators: nn.ModuleList, judges: nn.ModuleList, weight: float = 0.01):
        super().__init__()
        self.translators, self.judges, self.weight = translators, judges, weight

    def judges_loss(self, judges: nn.ModuleList, batch: Batch) -> dict[str, Tensor]:
        """What both judges minimise, each on pictures of its set and as many translated ones."""
        there, back = self.translators
        with torch.no_grad():
            x_hat, y_hat = back(batch.y), there(batch.x)
        loss = _caught(judges[0](batch.x), judges[0](x_hat)) + _caught(judges[1](batch.y), judges[1](y_hat))
        return {"loss": loss.mean()}

    def translators_loss(self, translators: nn.ModuleList, batch: Batch) -> dict[str, Tensor]:
        """What both translators minimise (Zhu et al. 2017, eq. 3, with the non-saturating loss)."""
        there, back = translators
        x_hat, y_hat = back(batch.y), there(batch.x)
        loss = fooling(self.judges[0](x_hat)) + fooling(self.judges[1](y_hat))
        if self.weight:
            loss = loss + self.weight * (l1(back(y_hat), batch.x) + l1(there(x_hat), batch.y))
        return {"loss": loss.mean()}

    def players(self, lr: tuple[float, float] = (1e-3, 2e-3), ema: float = 0.95) -> list[Player]:
        """The judges and the translators, these with a moving average (`Player.average`)."""
        return [
            Player("d", self.judges, self.judges_loss, lr[0], _adam),
            Player("g", self.translators, self.translators_loss, lr[1], _adam, ema=ema),
        ]


def l1(x_hat: Tensor, x: Tensor) -> Tensor:
    """Σ |x_hat − x| over the pixels and channels, (B,)."""
    if x_hat.shape != x.shape:
        raise ValueError(f"x_hat is {tuple(x_hat.shape)} and x {tuple(x.shape)}; give equal shapes (B, ...)")
    return (x_hat - x).abs().flatten(1).sum(1)


def fooling(scores: Tensor) -> Tensor:
    """The non-saturating loss of a generator whose patches get the scores (B, h, w): mean over the patches, (B,)."""
    return GAME.generator(scores).mean((1, 2))


def _caught(real: Tensor, fake: Tensor) -> Tensor:
    """The loss of a discriminator of patches, (B,), from its scores (B, h, w) of real and translated pictures."""
    return GAME.discriminator(real, fake).mean((1, 2))


_adam = partial(adam, betas=(0.5, 0.999))


def edges(x: Tensor, threshold: float = 0.12) -> Tensor:
    """1 where the grey picture of x (B, C, H, W) changes by more than the threshold to the right or downwards, else 0.

    (B, 1, H, W). The grey picture is the mean over the channels: a colour leaves no trace in it but its contrast with
    its neighbours.
    """
    if x.ndim != 4 or not x.is_floating_point() or not threshold > 0:
        raise ValueError(f"x is {tuple(x.shape)} {x.dtype}, threshold {threshold}; give floats (B, C, H, W), and > 0")
    grey = F.pad(x.mean(1, keepdim=True), (0, 1, 0, 1), mode="replicate")
    right, below = grey[..., :-1, 1:], grey[..., 1:, :-1]
    here = grey[..., :-1, :-1]
    return (torch.maximum((right - here).abs(), (below - here).abs()) > threshold).to(x)


def _block(convolution: nn.Module, activation: nn.Module | None = None) -> nn.Sequential:
    """The convolution, group normalisation (Wu & He 2018: no statistics over the batch), an activation."""
    return nn.Sequential(convolution, nn.GroupNorm(GROUPS, convolution.out_channels), activation or nn.ReLU())
