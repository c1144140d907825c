"""Judging images with the two shipped networks: a classifier of digits, a reader of drawn faces. Nearest neighbours."""

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data import faces, shipped
from ..networks import DigitClassifier, FaceReader


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


def class_distance(x: Tensor, y: Tensor) -> Tensor:
    """Mean distance between two images of a class, mean over the classes, for x (N, C, H, W) and y (N,): one number.

    Over that of real images it is the variety that a conditional generator keeps: 0 for one image a class.

    Raises:
        ValueError: shapes do not fit, or a class has but one image.
    """
    if y.shape != x.shape[:1] or not len(x) or y.unique(return_counts=True)[1].min() < 2:
        raise ValueError(
            f"x is {tuple(x.shape)} and y {tuple(y.shape)}; give (N, ...), (N,), two images a class or more"
        )
    return torch.stack([torch.pdist(x[y == label].flatten(1)).mean() for label in y.unique()]).mean()


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


def classifier_features(x: Tensor) -> Tensor:
    """The 64 features of digits x (N, 1, 28, 28) in [0, 1] before the shipped classifier's last layer, (N, 64)."""
    _check_images(x)
    features = digit_classifier(x.device).features
    return torch.cat([features(part) for part in x.split(2000)])


def _check_images(x: Tensor) -> None:
    if x.ndim != 4 or not len(x) or not x.is_floating_point():
        raise ValueError(f"images are {tuple(x.shape)} {x.dtype}; give floats (N, C, H, W), N >= 1")
    if not (x.min() >= 0 and x.max() <= 1):  # false for NaN as well
        raise ValueError(f"images run from {x.min():g} to {x.max():g}; give values in [0, 1]")
