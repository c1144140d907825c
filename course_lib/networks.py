"""Networks as plain modules. They take data in [0, 1]; where a probability is meant they return logits."""

import copy
from collections.abc import Callable, Sequence
from itertools import pairwise, product

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional as F

IMAGE = (1, 28, 28)


def mlp(sizes: Sequence[int], activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Linear layers of the given sizes with the activation between them (none after the last)."""
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes are {tuple(sizes)}; give at least an input and an output size, each >= 1")
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), activation()]
    return nn.Sequential(*layers[:-1])


class GaussianEncoder(nn.Module):
    """x (B, C, H, W) -> mu, logvar, each (B, D): the parameters of q(z|x) (Kingma & Welling 2014, appendix C)."""

    def __init__(self, latent_dim: int, hidden: Sequence[int] = (400,), shape: Sequence[int] = IMAGE):
        super().__init__()
        self.shape = tuple(shape)
        self.net = mlp([_numel(shape), *hidden, 2 * latent_dim])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if x.shape[1:] != self.shape:
            raise ValueError(f"x is {tuple(x.shape)}; this encoder takes (B, {', '.join(map(str, self.shape))})")
        mu, logvar = self.net(x.flatten(1)).chunk(2, dim=1)
        return mu, logvar


class BernoulliDecoder(nn.Module):
    """z (B, D) -> logits (B, C, H, W) of p(x|z)."""

    def __init__(self, latent_dim: int, hidden: Sequence[int] = (400,), shape: Sequence[int] = IMAGE):
        super().__init__()
        self.shape, self.latent_dim = tuple(shape), latent_dim
        self.net = mlp([latent_dim, *hidden, _numel(shape)])

    def forward(self, z: Tensor) -> Tensor:
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(f"z is {tuple(z.shape)}; this decoder takes (B, {self.latent_dim})")
        return self.net(z).unflatten(1, self.shape)


class AutoregressiveDecoder(nn.Module):
    """z (B, D) and x (B, 1, H, W) itself -> logits (B, 1, H, W) of p(x|z) = Π p(x_i | pixels before i, z).

    Pixels are drawn row by row. For each pixel one small network reads the window of those drawn before it, and one
    number that a network of z plans for it; that number is added to the logit as well. This is a PixelCNN with a single
    masked layer (van den Oord et al. 2016, section 3). What its window misses is left to z (Chen et al. 2017).

    Args:
        hidden: widths of the network that plans.
        shape: of an image, (1, H, W).
        reach: a window has `reach` rows above the pixel, and as many columns on either side; 0: no pixel sees another.
        width: of the two hidden layers of the network that reads a window.
    """

    def __init__(
        self,
        latent_dim: int,
        hidden: Sequence[int] = (100, 100, 100),
        shape: Sequence[int] = IMAGE,
        reach: int = 3,
        width: int = 32,
    ):
        super().__init__()
        if len(shape) != 3 or shape[0] != 1 or reach < 0:
            raise ValueError(f"shape is {tuple(shape)} and reach {reach}; give (1, H, W) and 0 or more")
        self.shape, self.latent_dim, self.reach = tuple(shape), latent_dim, reach
        self.before = reach * (2 * reach + 2)  # pixels of a window that are drawn before the last of its middle
        self.plan = mlp([latent_dim, *hidden, _numel(shape)])
        self.read = mlp([self.before + 1, width, width, 1])

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        planned = self._planned(z)
        if x.shape != (len(z), *self.shape):
            raise ValueError(f"x is {tuple(x.shape)}; with this z the decoder takes {(len(z), *self.shape)}")
        r = self.reach
        windows = F.unfold(F.pad(x, (r, r, r, 0)), (r + 1, 2 * r + 1))[:, : self.before].mT  # (B, HW, before)
        return self._logits(windows, planned).view_as(x)

    @torch.no_grad()
    def sample(self, z: Tensor) -> Tensor:
        """One image for each z (B, D), pixel after pixel: (B, 1, H, W) of zeros and ones."""
        planned, (_, height, width), r = self._planned(z), self.shape, self.reach
        framed = planned.new_zeros(len(z), height + r, width + 2 * r)
        for i, (row, column) in enumerate(product(range(height), range(width))):
            window = framed[:, row : row + r + 1, column : column + 2 * r + 1].flatten(1)[:, : self.before]
            framed[:, row + r, column + r] = self._logits(window, planned[:, i]).sigmoid().bernoulli()[:, 0]
        return framed[:, None, r:, r : r + width]

    def _planned(self, z: Tensor) -> Tensor:
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(f"z is {tuple(z.shape)}; this decoder takes (B, {self.latent_dim})")
        return self.plan(z)[..., None]  # (B, HW, 1)

    def _logits(self, windows: Tensor, planned: Tensor) -> Tensor:
        return self.read(torch.cat([windows, planned], -1)) + planned


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


def swap(net: nn.Module, kind: type[nn.Module], make: Callable[[nn.Module], nn.Module]) -> nn.Module:
    """A copy of `net` in which each layer of a kind is replaced by `make(layer)`: to see what a design rule is for.

    Raises:
        ValueError: there is no such layer.
    """
    net = copy.deepcopy(net)
    found = [(parent, name, child) for parent in net.modules() for name, child in parent.named_children()]
    found = [place for place in found if isinstance(place[2], kind)]
    if not found:
        raise ValueError(f"{type(net).__name__} has no {kind.__name__}")
    for parent, name, layer in found:
        setattr(parent, name, make(layer))
    return net


class Replicas(nn.Module):
    """n networks of one form, each with its own start, run as one: x (B, n, ...) -> (B, n, ...).

    Trains n seeds in little more than the time of one. No replica sees another: with a loss that sums over the
    replicas, each gets the gradient that it would get alone.

    Args:
        make: returns a new network; called n times. Batch normalisation in it must not track statistics.
    """

    def __init__(self, make: Callable[[], nn.Module], n: int):
        super().__init__()
        if n < 1:
            raise ValueError(f"n is {n}; give 1 or more")
        networks = [make() for _ in range(n)]
        state, _ = stack_module_state(networks)
        self.names, self.n = list(state), n
        self.weights = nn.ParameterList(nn.Parameter(value.detach()) for value in state.values())
        self._form = [networks[0].to("meta")]  # in a list, so that its parameters are not registered here

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim < 2 or x.shape[1] != self.n:
            raise ValueError(f"x is {tuple(x.shape)}; give (B, {self.n}, ...), one column a replica")
        weights = dict(zip(self.names, self.weights, strict=True))
        return vmap(lambda w, x: functional_call(self._form[0], w, (x,)), (0, 1), 1, randomness="different")(weights, x)

    def one(self, i: int) -> nn.Module:
        """Replica i as a network of its own (a copy)."""
        network = copy.deepcopy(self._form[0]).to_empty(device=self.weights[0].device)
        network.load_state_dict({name: w[i].detach() for name, w in zip(self.names, self.weights, strict=True)})
        return network


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


def _numel(shape: Sequence[int]) -> int:
    return int(torch.Size(shape).numel())
