"""Models of x given something known: the conditional VAE (Sohn et al. 2015), and M2, which learns from few labels."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .data import Batch
from .losses import categorical_nll
from .networks import IMAGE, BernoulliDecoder, GaussianEncoder, mlp
from .vae import VAE


class ConditionalVAE(nn.Module):
    """p(x|z, c) with z ~ N(0, I), and q(z|x, c): a VAE for each condition c, all in one pair of networks.

    `given(c)` is that VAE. Whatever takes a VAE takes it: `vae.negative_elbo(model.given(c), batch)` is the loss,
    `model.given(c).sample(n)` draws.

    Args:
        latent_dim: D, the size of z.
        condition: C, the size of c: 10 for a one-hot digit, the number of factors, or of known pixels.
        hidden: widths of the encoder's hidden layers; the decoder has the same in reverse.
        shape: of an image, (C, H, W).
    """

    def __init__(self, latent_dim: int, condition: int, hidden: Sequence[int] = (400,), shape: Sequence[int] = IMAGE):
        super().__init__()
        if latent_dim < 1 or condition < 1:
            raise ValueError(f"latent_dim is {latent_dim} and condition {condition}; give 1 or more of each")
        self.latent_dim, self.condition = latent_dim, condition
        self.encoder = GaussianEncoder(latent_dim, hidden, [math.prod(shape) + condition])
        self.decoder = BernoulliDecoder(latent_dim + condition, hidden[::-1], shape)

    def given(self, c: Tensor) -> VAE:
        """The VAE of p(x|c), sharing these weights, for c (B, C): row i belongs to image i.

        One row serves any number of images; B rows serve k·B, as in `log_weights`, where the batch is repeated k times.
        """
        if c.ndim != 2 or c.shape[1] != self.condition or not len(c) or not c.is_floating_point():
            raise ValueError(f"c is {tuple(c.shape)} {c.dtype}; give floats (B, {self.condition}), B >= 1")
        return VAE(self.latent_dim, encoder=_Given(self.encoder, c), decoder=_Given(self.decoder, c))


class _Given(nn.Module):
    """A network of (x, c), with c filled in: x (k·B, ...) -> what it returns for x and c side by side."""

    def __init__(self, net: nn.Module, c: Tensor):
        super().__init__()
        self.net = net
        self.register_buffer("c", c)

    def forward(self, x: Tensor):
        copies, rest = divmod(len(x), len(self.c))
        if rest:
            raise ValueError(f"{len(x)} samples for {len(self.c)} conditions; give one a sample, or one for all")
        return self.net(torch.cat([x.flatten(1), self.c.repeat(copies, 1)], 1))


class M2(nn.Module):
    """A classifier q(y|x) and a conditional VAE p(x|z, y), trained together on few labels (Kingma et al. 2014, M2).

    The classes are equally likely beforehand: p(y) = 1/K.

    Args:
        latent_dim: D, the size of z.
        classes: K.
        hidden: widths of the hidden layers of classifier and encoder; the decoder has the same in reverse.
        shape: of an image, (C, H, W).
    """

    def __init__(
        self, latent_dim: int, classes: int = 10, hidden: Sequence[int] = (400,), shape: Sequence[int] = IMAGE
    ):
        super().__init__()
        if classes < 2:
            raise ValueError(f"classes is {classes}; give 2 or more")
        self.classes = classes
        self.classifier = nn.Sequential(nn.Flatten(), mlp([math.prod(shape), *hidden, classes]))
        self.conditional = ConditionalVAE(latent_dim, classes, hidden, shape)

    def labelled_bound(self, x: Tensor, y: Tensor) -> Tensor:
        """A one-sample lower bound on log p(x, y), (B,), for x (B, C, H, W) and classes y (B,) (eq. 6)."""
        log_prior = -categorical_nll(x.new_zeros(len(x), self.classes), y)
        return log_prior + self.conditional.given(F.one_hot(y, self.classes).to(x)).elbo(x).bound

    def unlabelled_bound(self, x: Tensor) -> Tensor:
        """A lower bound on log p(x), (B,): Σ_y q(y|x) · labelled bound of y, plus the entropy of q(y|x) (eq. 7)."""
        log_q = self.classifier(x).log_softmax(1)
        every = torch.arange(self.classes, device=x.device).repeat_interleave(len(x))  # 0 … 0, 1 … 1, …
        copies = x.repeat(self.classes, *[1] * (x.ndim - 1))
        bounds = self.labelled_bound(copies, every).view(self.classes, -1).T  # (B, K)
        return (log_q.exp() * (bounds - log_q)).sum(1)


def negative_m2(model: M2, labelled: Batch, unlabelled: Tensor, share: float, alpha: float) -> dict[str, Tensor]:
    """The loss of M2 per image, and its parts (Kingma et al. 2014, eq. 8 and 9, over the number N of all images).

    Args:
        labelled: images x with their classes y.
        unlabelled: images alone.
        share: of the labelled among all N images.
        alpha: the weight of the classifier's cross-entropy; the paper's α is N times as much (there 0.1 N).
    """
    if not 0 <= share <= 1 or not alpha >= 0:
        raise ValueError(f"share is {share} and alpha {alpha}; give a share in [0, 1] and alpha >= 0")
    parts = {
        "labelled": -model.labelled_bound(*labelled).mean(),
        "unlabelled": -model.unlabelled_bound(unlabelled).mean(),
        "classifier": categorical_nll(model.classifier(labelled.x), labelled.y).mean(),
    }
    total = share * parts["labelled"] + (1 - share) * parts["unlabelled"] + alpha * parts["classifier"]
    return {"loss": total} | parts
