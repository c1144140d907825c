"""Networks as plain modules. They take data in [0, 1]; where a probability is meant they return logits."""

from .convolutional import ConvDiscriminator, ConvGenerator, DigitClassifier, FaceReader, narrow_start
from .dense import IMAGE, AutoregressiveDecoder, BernoulliDecoder, GaussianEncoder, mlp
from .replicas import Replicas, swap

__all__ = [
    "IMAGE",
    "AutoregressiveDecoder",
    "BernoulliDecoder",
    "ConvDiscriminator",
    "ConvGenerator",
    "DigitClassifier",
    "FaceReader",
    "GaussianEncoder",
    "Replicas",
    "mlp",
    "narrow_start",
    "swap",
]
