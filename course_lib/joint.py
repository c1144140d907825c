"""One space for pictures and texts: two encoders that meet in it, a decoder out of it, and search by similarity."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SHAPE = (3, 28, 28)
WARMEST = 50.0  # the largest scale: with an unbounded one the loss of pairs that are told apart has no minimum


class JointSpace(nn.Module):
    """Pictures (B, 3, 28, 28) in [0, 1] and bags of words (B, V) as unit vectors (B, D) of one space.

    A picture goes through two convolutions and a linear map; a text is the sum of the vectors of its words. Both are
    scaled to length 1, so that a dot product is the cosine of an angle. Two encoders trained to agree are CLIP
    (Radford et al. 2021), made small. The decoder, one hidden layer, paints a point of the space.

    Args:
        words: V, the size of the vocabulary.
        dim: D, coordinates of the space.
        width: channels of the first convolution.
    """

    def __init__(self, words: int, dim: int = 24, width: int = 16):
        super().__init__()
        self.n_words, self.dim = words, dim
        self.eye = nn.Sequential(
            *(nn.Conv2d(3, width, 5, stride=2, padding=2), nn.ReLU()),  # (B, w, 14, 14)
            *(nn.Conv2d(width, 2 * width, 5, stride=2, padding=2), nn.ReLU()),  # (B, 2w, 7, 7)
            *(nn.Flatten(), nn.Linear(2 * width * 49, dim)),
        )
        self.words = nn.Linear(words, dim, bias=False)
        self.brush = nn.Sequential(
            *(nn.Linear(dim, 16 * width), nn.ReLU()),
            *(nn.Linear(16 * width, math.prod(SHAPE)), nn.Unflatten(1, SHAPE)),
        )
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    @property
    def scale(self) -> Tensor:
        """What cosines are multiplied by before a softmax: the inverse of a temperature, learned, at most 50."""
        return self.log_scale.exp().clamp(max=WARMEST)

    def picture(self, x: Tensor) -> Tensor:
        """Where pictures (B, 3, 28, 28) in [0, 1] lie: unit vectors (B, D)."""
        if x.shape[1:] != SHAPE or not x.is_floating_point():
            raise ValueError(f"x is {tuple(x.shape)} {x.dtype}; give float pictures (B, 3, 28, 28)")
        return F.normalize(self.eye(x), dim=1)

    def text(self, counts: Tensor) -> Tensor:
        """Where texts lie, given how often each word is in them, (B, V): unit vectors (B, D)."""
        if counts.ndim != 2 or counts.shape[1] != self.n_words:
            raise ValueError(f"counts are {tuple(counts.shape)}; this space knows {self.n_words} words, give (B, V)")
        return F.normalize(self.words(counts), dim=1)

    def forward(self, x: Tensor, counts: Tensor) -> Tensor:
        """Scaled cosines of all texts (rows) with all pictures (columns) of a batch of pairs: (B, B)."""
        return self.scale * self.text(counts) @ self.picture(x).T

    def decode(self, e: Tensor) -> Tensor:
        """Points (B, D) as pictures: logits (B, 3, 28, 28)."""
        if e.ndim != 2 or e.shape[1] != self.dim:
            raise ValueError(f"e is {tuple(e.shape)}; this decoder takes (B, {self.dim})")
        return self.brush(e)


def search(queries: Tensor, keys: Tensor, k: int = 5) -> tuple[Tensor, Tensor]:
    """The k of the keys (N, D) that are most like each query (Q, D): scores and places among the keys, both (Q, k).

    Likeness is the dot product, for unit vectors the cosine. Best first.
    """
    if queries.ndim != 2 or keys.ndim != 2 or queries.shape[1] != keys.shape[1]:
        raise ValueError(f"queries are {tuple(queries.shape)}, keys {tuple(keys.shape)}; give (Q, D) and (N, D)")
    if not 1 <= k <= len(keys):
        raise ValueError(f"k is {k}; give 1 to {len(keys)}, the number of keys")
    scores, index = (queries @ keys.T).topk(k, dim=1)
    return scores, index
