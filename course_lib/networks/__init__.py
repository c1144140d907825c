"""Networks as plain modules. They take data in [0, 1]; where a probability is meant they return logits."""

from .convolutional import (
    AttributeReader,
    ConvDiscriminator,
    ConvGenerator,
    DigitClassifier,
    FaceReader,
    PooledEncoder,
    narrow_start,
)
from .dense import IMAGE, AutoregressiveDecoder, BernoulliDecoder, GaussianEncoder, mlp
from .replicas import Replicas, swap

__all__ = [
    "IMAGE",
    "AttributeReader",
    "AutoregressiveDecoder",
    "BernoulliDecoder",
    "ConvDiscriminator",
    "ConvGenerator",
    "DigitClassifier",
    "FaceReader",
    "GaussianEncoder",
    "PooledEncoder",
    "Replicas",
    "mlp",
    "narrow_start",
    "swap",
]
