"""Convolutional networks: the two that are shipped with weights, two that read drawings, and the pair of DCGAN."""

from collections.abc import Sequence

from torch import Tensor, nn

from .dense import IMAGE


class DigitClassifier(nn.Module):
    """x (B, 1, 28, 28) in [0, 1] -> logits (B, 10): two convolutions, small enough to ship."""

    def __init__(self, channels: int = 16):
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(1, channels, 5, stride=2, padding=2), nn.ReLU()),  # (B, c, 14, 14)
            *(nn.Conv2d(channels, 2 * channels, 5, stride=2, padding=2), nn.ReLU()),  # (B, 2c, 7, 7)
            *(nn.Flatten(), nn.Linear(2 * channels * 49, 64), nn.ReLU()),
        )
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1:] != IMAGE:
            raise ValueError(f"x is {tuple(x.shape)}; the classifier takes (B, 1, 28, 28)")
        return self.head(self.features(x))


class FaceReader(nn.Module):
    """x (B, 3, 28, 28) in [0, 1] -> the factors of the drawn faces, (B, factors) in [0, 1]; small enough to ship."""

    def __init__(self, factors: int = 8, width: int = 16):
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(3, width, 5, stride=2, padding=2), nn.ReLU()),  # (B, w, 14, 14)
            *(nn.Conv2d(width, 2 * width, 5, stride=2, padding=2), nn.ReLU()),  # (B, 2w, 7, 7)
            *(nn.Conv2d(2 * width, 3 * width, 3, stride=2, padding=1), nn.ReLU()),  # (B, 3w, 4, 4)
            *(nn.Flatten(), nn.Linear(3 * width * 16, 64), nn.ReLU()),
        )
        self.head = nn.Linear(64, factors)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1:] != (3, 28, 28):
            raise ValueError(f"x is {tuple(x.shape)}; the reader takes (B, 3, 28, 28)")
        return self.head(self.features(x)).sigmoid()


class PooledEncoder(nn.Module):
    """x (B, 3, H, W) in [0, 1] -> features (B, D): of each learned feature the largest value anywhere in the picture.

    Three convolutions, a maximum over all places, one linear map. So it tells what is there and hardly where.

    Args:
        paper: the grey value of empty pictures, which the network sees as 0.
        width: channels of the first convolution; two and four times as many in the next two.
    """

    def __init__(self, features: int = 128, width: int = 16, paper: float = 0.97):
        super().__init__()
        self.paper = paper
        self.net = nn.Sequential(
            *_three_convolutions(width), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4 * width, features)
        )

    def forward(self, x: Tensor) -> Tensor:
        _check_coloured(x)
        return self.net(2 * (self.paper - x))


class AttributeReader(nn.Module):
    """x (B, 3, 28, 28) in [0, 1] -> logits of several attributes, a tuple of (B, K): a judge of drawn pictures.

    Args:
        classes: K of each attribute.
        paper, width: as for `PooledEncoder`, whose convolutions it has; all places are read here.
    """

    def __init__(self, classes: Sequence[int], width: int = 16, paper: float = 0.97):
        super().__init__()
        self.classes, self.paper = tuple(classes), paper
        self.net = nn.Sequential(
            *_three_convolutions(width),  # (B, 4w, 7, 7)
            *(nn.Flatten(), nn.Linear(4 * width * 49, 64), nn.ReLU(), nn.Linear(64, sum(self.classes))),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        _check_coloured(x, (28, 28))
        return self.net(2 * (self.paper - x)).split(self.classes, 1)


class ConvGenerator(nn.Module):
    """z (B, D) -> images (B, C, H, W) in [0, 1]: the generator of DCGAN (Radford et al. 2016, section 3), made small.

    One linear map to (H/4, W/4), then two transposed convolutions of stride 2; batch normalisation, ReLU, and tanh at
    the end, shifted to [0, 1].

    Args:
        shape: of an image; H and W are multiples of 4, such as 28 or 32.
        width: channels before the last layer; twice as many before that.
    """

    def __init__(self, latent_dim: int = 64, shape: Sequence[int] = IMAGE, width: int = 32):
        super().__init__()
        channels, height, side = _quarter(shape)
        self.latent_dim = latent_dim
        self.net = nn.Sequential(
            *(nn.Linear(latent_dim, 2 * width * height * side, bias=False), nn.Unflatten(1, (2 * width, height, side))),
            *(nn.BatchNorm2d(2 * width), nn.ReLU()),  # (B, 2w, H/4, W/4)
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False),
            *(nn.BatchNorm2d(width), nn.ReLU()),  # (B, w, H/2, W/2)
            *(nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1), nn.Tanh()),
        )
        self.apply(narrow_start)

    def forward(self, z: Tensor) -> Tensor:
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(f"z is {tuple(z.shape)}; this generator takes (B, {self.latent_dim})")
        return (self.net(z) + 1) / 2


class ConvDiscriminator(nn.Module):
    """x (B, C, H, W) in [0, 1] -> scores (B,): the discriminator of DCGAN, the mirror image of `ConvGenerator`.

    Two convolutions of stride 2, leaky ReLU of slope 0.2, batch normalisation in the second, one linear map.
    """

    def __init__(self, shape: Sequence[int] = IMAGE, width: int = 32):
        super().__init__()
        channels, height, side = _quarter(shape)
        self.shape = tuple(shape)
        self.net = nn.Sequential(
            *(nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)),  # (B, w, H/2, W/2)
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False),
            *(nn.BatchNorm2d(2 * width), nn.LeakyReLU(0.2)),  # (B, 2w, H/4, W/4)
            *(nn.Flatten(), nn.Linear(2 * width * height * side, 1), nn.Flatten(0)),
        )
        self.apply(narrow_start)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1:] != self.shape:
            raise ValueError(f"x is {tuple(x.shape)}; this discriminator takes (B, {', '.join(map(str, self.shape))})")
        return self.net(2 * x - 1)


def _three_convolutions(width: int) -> list[nn.Module]:
    """(B, 3, H, W) -> (B, 4 width, H/4, W/4)."""
    return [
        *(nn.Conv2d(3, width, 5, stride=2, padding=2), nn.ReLU()),
        *(nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1), nn.ReLU()),
    ]


def _check_coloured(x: Tensor, size: Sequence[int] | None = None) -> None:
    if x.ndim != 4 or x.shape[1] != 3 or (size and x.shape[2:] != tuple(size)) or not x.is_floating_point():
        wanted = ", ".join(map(str, size or ("H", "W")))
        raise ValueError(f"x is {tuple(x.shape)} {x.dtype}; give float pictures (B, 3, {wanted})")


def _quarter(shape: Sequence[int]) -> tuple[int, int, int]:
    channels, height, width = shape
    if height % 4 or width % 4:
        raise ValueError(f"shape is {tuple(shape)}; two strides of 2 need a height and width divisible by 4")
    return channels, height // 4, width // 4


def narrow_start(layer: nn.Module) -> None:
    """For `net.apply`: weights from N(0, 0.02²), scales of batch normalisation from N(1, 0.02²).

    Source: Radford et al. 2016, section 4, for the weights; the scales as in their code.
    """
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)
