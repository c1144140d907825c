"""How good is a generator: a classifier's confidence, coverage, distance to the training set."""

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from .data import faces, shipped, toy
from .losses import kl_categorical
from .networks import DigitClassifier, FaceReader

ENOUGH = 10  # samples of a mode from which its spread is estimated
ACTIVE = 0.01  # variance of a posterior mean over the data, above which a coordinate of z is in use


class Quality(NamedTuple):
    """How digit-like, how varied and how new a set of generated digits is."""

    confident: float  # share of the samples with a class above the confidence threshold
    classes: int  # digits, of ten, that hold at least 1 % of the samples, confident ones counted
    nn_ratio: float  # median distance to the nearest training image, over that of held-out real digits


@cache
def digit_classifier(device: torch.device | str = "cpu") -> DigitClassifier:
    """The shipped classifier of 28×28 digits (card: data/weights/digit_classifier.md), frozen."""
    from safetensors.torch import load_file

    net = DigitClassifier()
    net.load_state_dict(load_file(shipped("weights/digit_classifier.safetensors")))
    return net.eval().requires_grad_(False).to(device)


def classify(x: Tensor) -> tuple[Tensor, Tensor]:
    """Class (N,) and confidence (N,) in (0, 1] of digits x (N, 1, 28, 28) in [0, 1], by the shipped classifier."""
    _check_images(x)
    net = digit_classifier(x.device)
    probabilities = torch.cat([net(part).softmax(1) for part in x.split(2000)])
    confidence, label = probabilities.max(1)
    return label, confidence


def confident_share(x: Tensor, threshold: float = 0.9) -> float:
    """The share of x that the classifier gives some class with more than `threshold` confidence."""
    return (classify(x)[1] > threshold).float().mean().item()


def classes_found(x: Tensor, threshold: float = 0.9, share: float = 0.01) -> int:
    """How many of the ten digits hold at least `share` of x, confident samples counted."""
    label, confidence = classify(x)
    counts = label[confidence > threshold].bincount(minlength=10)
    return int((counts >= share * len(x)).sum())


def nearest(x: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
    """Euclidean distance to the nearest reference image, and its index, each (N,)."""
    _check_images(x)
    _check_images(reference)
    if x.shape[1:] != reference.shape[1:]:
        raise ValueError(f"x is {tuple(x.shape)} and reference {tuple(reference.shape)}; give images of one size")
    flat = reference.flatten(1)
    index = torch.cat([torch.cdist(part.flatten(1), flat).argmin(1) for part in x.split(500)])
    return (x - reference[index]).flatten(1).norm(dim=1), index  # cdist itself is inexact close to 0


def nn_ratio(x: Tensor, train: Tensor, held_out: Tensor) -> float:
    """Median nearest-neighbour distance of x to `train`, over that of real held-out images.

    Near 0: copies of the training set. Near 1: as far from it as real digits are. Far above 1: something else.
    """
    return (nearest(x, train)[0].median() / nearest(held_out, train)[0].median()).item()


def digit_quality(x: Tensor, train: Tensor, held_out: Tensor) -> Quality:
    """The three measures at once, for x (N, 1, 28, 28) in [0, 1]."""
    return Quality(confident_share(x), classes_found(x), nn_ratio(x, train, held_out))


def class_spread(x: Tensor, held_out: Tensor) -> float:
    """Spread of x within the classes that the classifier reads, over that of real held-out digits; both (N, 1, 28, 28).

    The spread is the root-mean-square distance of the pixels from the mean of all images of the class. 0 for images of
    which each class has but one.
    """
    return (_spread_within(x) / _spread_within(held_out)).item()


def _spread_within(x: Tensor) -> Tensor:
    member = F.one_hot(classify(x)[0], 10).to(x)  # (N, 10)
    means = member.T @ x.flatten(1) / member.sum(0).clamp(min=1)[:, None]
    return (x.flatten(1) - member @ means).square().mean().sqrt()


def impostors(x: Tensor, y: Tensor, n: int, seed: int = 0) -> dict[str, Tensor]:
    """Three sets of n images that no measure of a generator should take for good samples of x (N, C, H, W).

    "noise": each pixel from the same pixel of some image of x. "class means": the mean image of each class y (N,) in
    turn. "copies": the first n images of x.

    Raises:
        ValueError: n is not from 1 to N.
    """
    if not 1 <= n <= len(x):
        raise ValueError(f"n is {n}; give 1 to {len(x)}, as many as there are images to copy")
    pick = torch.randint(len(x), (n, x[0].numel()), generator=torch.Generator().manual_seed(seed)).to(x.device)
    means = torch.stack([x[y == label].mean(0) for label in y.unique()])
    return {
        "noise": x.flatten(1).gather(0, pick).view(n, *x.shape[1:]),
        "class means": means[torch.arange(n, device=x.device) % len(means)],
        "copies": x[:n],
    }


@cache
def face_reader(device: torch.device | str = "cpu") -> FaceReader:
    """The shipped reader of the factors of drawn faces (card: data/weights/face_reader.md), frozen."""
    from safetensors.torch import load_file

    net = FaceReader()
    net.load_state_dict(load_file(shipped("weights/face_reader.safetensors")))
    return net.eval().requires_grad_(False).to(device)


def read_faces(x: Tensor) -> Tensor:
    """The factors (N, 8) in [0, 1], in the order of `data.faces.FACTORS`, that the shipped reader sees in x.

    x is (N, 3, 28, 28) in [0, 1]. Of a picture that is no face it reads factors as well; see `redraw_distance`.
    """
    _check_images(x)
    net = face_reader(x.device)
    return torch.cat([net(part) for part in x.split(2000)])


def redraw_distance(x: Tensor) -> Tensor:
    """Root-mean-square difference of the pixels of x (N, 3, 28, 28) and of the faces redrawn from what is read: (N,).

    Small for a face, large for anything else.
    """
    return (x - faces.draw(read_faces(x))).square().mean((1, 2, 3)).sqrt()


def active_units(mu: Tensor) -> int:
    """How many coordinates of z are in use: the variance of their posterior mean mu (N, D) over the data exceeds 0.01.

    Source: Burda et al. 2016, section 5.2. 0 means posterior collapse.
    """
    if mu.ndim != 2 or len(mu) < 2 or not mu.isfinite().all():
        raise ValueError(f"mu is {tuple(mu.shape)}; give finite posterior means (N, D) of N >= 2 data points")
    return int((mu.var(0) > ACTIVE).sum())


def mutual_information(codes: Tensor, factors: Tensor, bins: int = 20) -> Tensor:
    """Mutual information in nats of each code (N, D) with each factor (N, K), by histograms: (D, K).

    Every column is cut into `bins` of equal width between its extremes. Biased upward for small samples: independent
    columns share about (bins - 1)² / 2N nats.
    """
    if len(codes) != len(factors):
        raise ValueError(f"codes are {tuple(codes.shape)} and factors {tuple(factors.shape)}; give (N, D) and (N, K)")
    codes, factors = _in_bins(codes, bins), _in_bins(factors, bins)
    joint = torch.einsum("nda,nkb->dkab", codes, factors) / len(codes)
    independent = joint.sum(3, keepdim=True) * joint.sum(2, keepdim=True)
    return (torch.xlogy(joint, joint) - torch.xlogy(joint, independent)).sum((2, 3))


def mutual_information_gap(codes: Tensor, factors: Tensor, bins: int = 20) -> Tensor:
    """How much more of each factor (N, K) the best code (N, D) holds than the second best, over its entropy: (K,).

    The mean over the factors is the MIG of Chen et al. 2018, eq. 6: 1 where each factor has a code of its own. In the
    form of Locatello et al. 2019: posterior means in 20 bins. Factors that are not discrete are binned as well.

    Raises:
        ValueError: fewer than two codes, other shapes, or a factor that does not vary.
    """
    if codes.ndim != 2 or codes.shape[1] < 2 or not (factors.amax(0) > factors.amin(0)).all():
        raise ValueError(f"codes are {tuple(codes.shape)}; give (N, D) with D >= 2, and factors that all vary")
    best = mutual_information(codes, factors, bins).topk(2, 0).values
    shares = _in_bins(factors, bins).mean(0)
    return (best[0] - best[1]) / -torch.xlogy(shares, shares).sum(1)


def classifier_features(x: Tensor) -> Tensor:
    """The 64 features of digits x (N, 1, 28, 28) in [0, 1] before the shipped classifier's last layer, (N, 64)."""
    _check_images(x)
    features = digit_classifier(x.device).features
    return torch.cat([features(part) for part in x.split(2000)])


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Fréchet distance between Normals fitted to features a (N, D) and b (M, D) (Heusel et al. 2017, eq. 6).

    ‖μₐ - μ_b‖² + tr(Σₐ + Σ_b - 2 (Σₐ Σ_b)^½), in squared units of the features. Biased upward for small samples:
    compare at equal N. With Inception's features it is called FID; with others the figures are not comparable.
    """
    a, b = _check_features(a, b)
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    # The eigenvalues of Σₐ Σ_b are those of the symmetric Σₐ^½ Σ_b Σₐ^½.
    overlap = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    return ((a.mean(0) - b.mean(0)).square().sum() + cov_a.trace() + cov_b.trace() - 2 * overlap).item()


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """Squared maximum mean discrepancy of features a (N, D) and b (M, D), unbiased, with the kernel (x·y/D + 1)³.

    The expectation does not depend on N; around 0, negative ones included, where both come from one distribution.
    Source: Bińkowski et al. 2018, section 4 (called KID with Inception's features).
    """
    a, b = _check_features(a, b)

    def kernel(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(x):
        k = kernel(x, x)
        return (k.sum() - k.trace()) / (len(x) * (len(x) - 1))

    return (within(a) + within(b) - 2 * kernel(a, b).mean()).item()


class Modes(NamedTuple):
    """How a sample covers the modes of a mixture (Lin et al. 2018, PacGAN, section 4)."""

    covered: int  # modes with at least one high-quality sample
    high_quality: float  # share of the samples within three standard deviations of the nearest mode
    spread: float  # standard deviation of these about the centre of their mode's, over the mixture's; else 0
    reverse_kl: float  # KL(shares of the samples || weights of the modes), in nats; each sample counts for its nearest
    floor: float  # the reverse KL that samples of the mixture itself have on average, (K - 1) / 2N


def modes(x: Tensor, mixture: toy.Mixture) -> Modes:
    """Coverage of the modes of `mixture` by samples x (N, D).

    In two dimensions 1 - exp(-9/2) = 98.89 % of a perfect sample is of high quality, and its spread is 0.974, since
    samples beyond three standard deviations are left out.
    """
    if x.ndim != 2 or x.shape[1] != mixture.means.shape[1] or not len(x):
        raise ValueError(f"x is {tuple(x.shape)}; give points of shape (N, {mixture.means.shape[1]}), N >= 1")
    if not x.isfinite().all():
        raise ValueError("x has NaN or infinite values")
    distance, mode = torch.cdist(x, mixture.means.to(x)).min(1)
    good = distance < 3 * mixture.sd.to(x)[mode]
    k = len(mixture.means)
    shares = mode.bincount(minlength=k).double() / len(x)
    reverse_kl = kl_categorical(shares[None], mixture.weights.to(shares)[None])
    return Modes(
        len(mode[good].unique()),
        good.double().mean().item(),
        _spread(x[good], mode[good], mixture),
        reverse_kl.item(),
        (k - 1) / (2 * len(x)),
    )


def _spread(x: Tensor, mode: Tensor, mixture: toy.Mixture) -> float:
    """Root mean square over the modes with ten samples or more, of their standard deviation over the mixture's."""
    member = F.one_hot(mode, len(mixture.means)).to(x)  # (N, K)
    n = member.sum(0)
    centre = member.T @ x / n.clamp(min=1)[:, None]
    variance = (member.T @ (x - centre[mode]).square()).mean(1) / (n - 1).clamp(min=1)
    ratios = (variance / mixture.sd.to(x).square())[n >= ENOUGH]
    return ratios.mean().sqrt().item() if len(ratios) else 0.0


def _in_bins(x: Tensor, bins: int) -> Tensor:
    """Which of `bins` equal parts of its column's range each number of x (N, D) lies in: (N, D, bins) of 0 and 1."""
    if x.ndim != 2 or not len(x) or not x.isfinite().all() or bins < 2:
        raise ValueError(f"{tuple(x.shape)} numbers in {bins} bins; give finite ones (N, D), N >= 1, and bins >= 2")
    low, high = x.double().aminmax(dim=0)
    place = (x.double() - low) / torch.where(high > low, high - low, 1.0)
    return F.one_hot((place * bins).long().clamp(max=bins - 1), bins).double()


def _check_features(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Both in double precision on the CPU: the square root of a covariance loses half of the digits."""
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(f"features are {tuple(a.shape)} and {tuple(b.shape)}; give (N, D) and (M, D), N and M >= 2")
    return a.detach().cpu().double(), b.detach().cpu().double()


def _check_images(x: Tensor) -> None:
    if x.ndim != 4 or not len(x) or not x.is_floating_point():
        raise ValueError(f"images are {tuple(x.shape)} {x.dtype}; give floats (N, C, H, W), N >= 1")
    if not (x.min() >= 0 and x.max() <= 1):  # false for NaN as well
        raise ValueError(f"images run from {x.min():g} to {x.max():g}; give values in [0, 1]")
