"""Generative adversarial networks (Goodfellow et al. 2014): the game, in one place."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from .data import Batch
from .losses import ADVERSARIAL, Adversarial
from .training import Player, adam


class GAN(nn.Module):
    """A generator z -> x and a discriminator x -> scores, and the objective that sets them against each other.

    Scores are (B,), or (B, S) where both networks are `networks.Replicas` of S seeds; then x is (B, S, ...).

    Args:
        generator: z (B, *latent_shape) -> samples x.
        discriminator: x -> one score a sample; a logit or, for "least squares", "hinge" and "wasserstein", any number.
        latent_shape: of one z, such as 64; (S, 64) for replicas. z is drawn from N(0, I).
        objective: a key of `losses.ADVERSARIAL`, or one of your own.
        penalty: added to the discriminator's loss; `losses.gradient_penalty` or `losses.r1`.
        penalty_weight: its factor.
        conditional: the networks are called with the labels as well, as generator(z, y) and discriminator(x, y).
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        latent_shape: int | Sequence[int],
        objective: str | Adversarial = "non-saturating",
        penalty: Callable[..., Tensor] | None = None,
        penalty_weight: float = 1.0,
        conditional: bool = False,
    ):
        super().__init__()
        if isinstance(objective, str) and objective not in ADVERSARIAL:
            raise ValueError(f"there is no objective {objective!r}; there are {', '.join(ADVERSARIAL)}")
        self.generator, self.discriminator = generator, discriminator
        self.latent_shape = (latent_shape,) if isinstance(latent_shape, int) else tuple(latent_shape)
        self.objective = ADVERSARIAL[objective] if isinstance(objective, str) else objective
        self.penalty, self.penalty_weight, self.conditional = penalty, penalty_weight, conditional
        self._sampler = [generator]  # in a list, so that a moving average is not registered as a part

    def discriminator_loss(self, discriminator: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """What the discriminator minimises on real samples `batch.x` and as many new ones."""
        given, x_hat = self._given(batch.y), self._fakes(batch)
        real, fake = discriminator(batch.x, *given), discriminator(x_hat, *given)
        parts = {"loss": self.objective.discriminator(real, fake), "real": real, "fake": fake}
        if self.penalty:
            parts["penalty"] = self.penalty(lambda x: discriminator(x, *given), batch.x, x_hat)
            parts["loss"] = parts["loss"] + self.penalty_weight * parts["penalty"]
        return {key: value.mean() for key, value in parts.items()} | {"loss": _total(parts["loss"])}

    def generator_loss(self, generator: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """What the generator minimises; of the batch it uses the size and the labels."""
        given = self._given(batch.y)
        fake = self.discriminator(generator(self._draw(batch.x), *given), *given)
        return {"loss": _total(self.objective.generator(fake))}

    def players(
        self,
        lr: float | tuple[float, float] = 2e-4,
        betas: tuple[float, float] = (0.5, 0.999),
        steps: int = 1,
        ema: float | None = None,
    ) -> list[Player]:
        """The two players for `train`: "d" moves `steps` times, then "g" once.

        Args:
            lr: of both, or of the discriminator and the generator.
            betas: of Adam; the momentum of 0.5 is that of Radford et al. 2016.
            ema: keep a moving average of the generator with this decay (`Player.average`), which `sample` then uses.
        """
        d_lr, g_lr = lr if isinstance(lr, tuple) else (lr, lr)
        optimizer = partial(adam, betas=betas)
        d = Player("d", self.discriminator, self.discriminator_loss, d_lr, optimizer, steps)
        g = Player("g", self.generator, self.generator_loss, g_lr, optimizer, ema=ema)
        self._sampler = [g.average.module if g.average else self.generator]
        return [d, g]

    @property
    def sampler(self) -> nn.Module:
        """The network that `sample` uses: the moving average of the generator where one is kept."""
        return self._sampler[0]

    @torch.no_grad()
    def sample(self, n: int, y: Tensor | None = None, generator: torch.Generator | None = None) -> Tensor:
        """n samples from z ~ N(0, I), for labels y (n,) if the networks are conditional. `generator` is a CPU one."""
        if n < 1:
            raise ValueError(f"n is {n}; give 1 or more")
        device = next(self.sampler.parameters()).device
        z = torch.randn(n, *self.latent_shape, generator=generator).to(device)
        training = self.sampler.training
        x_hat = self.sampler.eval()(z, *self._given(y))  # batch normalisation by the tracked statistics
        self.sampler.train(training)
        return x_hat

    @torch.no_grad()
    def _fakes(self, batch: Batch) -> Tensor:
        """As many new samples as the batch has, for the discriminator's move: the generator does not learn from it."""
        return self.generator(self._draw(batch.x), *self._given(batch.y))

    def _draw(self, x: Tensor) -> Tensor:
        return torch.randn(len(x), *self.latent_shape, device=x.device)

    def _given(self, y: Tensor | None) -> tuple[Tensor, ...]:
        if self.conditional and y is None:
            raise ValueError("the networks are conditional and no labels came; give y")
        return (y,) if self.conditional else ()


def _total(values: Tensor) -> Tensor:
    return values.mean(0).sum()  # over the batch; the sum is over replicas, if there are any
