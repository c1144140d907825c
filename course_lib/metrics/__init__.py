"""How good is a generator: a classifier's confidence, coverage, collapse, distance to the training set, codes."""

from .codes import active_units, mutual_information, mutual_information_gap
from .coverage import Collapse, Modes, collapse, modes, modes_of
from .distances import frechet_distance, kernel_distance
from .images import (
    Quality,
    class_distance,
    class_spread,
    classes_found,
    classifier_features,
    classify,
    confident_share,
    digit_classifier,
    digit_quality,
    face_reader,
    impostors,
    nearest,
    nn_ratio,
    read_faces,
    redraw_distance,
)

__all__ = [
    "Collapse",
    "Modes",
    "Quality",
    "active_units",
    "class_distance",
    "class_spread",
    "classes_found",
    "classifier_features",
    "classify",
    "collapse",
    "confident_share",
    "digit_classifier",
    "digit_quality",
    "face_reader",
    "frechet_distance",
    "impostors",
    "kernel_distance",
    "modes",
    "modes_of",
    "mutual_information",
    "mutual_information_gap",
    "nearest",
    "nn_ratio",
    "read_faces",
    "redraw_distance",
]
