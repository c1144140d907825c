"""Companion package of a hands-on course in generative models.

Each idea is built in the open in one notebook; from then on it is imported from here.
Modules load when first used, so `import course_lib` costs little.
"""

import importlib

__version__ = "0.1.0"

_MODULES = (
    "accelerate",
    "cache",
    "claims",
    "clinic",
    "conditional",
    "conditional_gan",
    "data",
    "exercises",
    "fingerprint",
    "gan",
    "joint",
    "likelihood",
    "linear_gaussian",
    "losses",
    "metrics",
    "networks",
    "plots",
    "processes",
    "remedies",
    "room",
    "runtime",
    "text",
    "training",
    "translation",
    "vae",
    "widgets",
)
# The names that every notebook needs, importable from the top.
_HOME = {
    "cached": "cache",
    "claim": "claims",
    "check": "exercises",
    "quiz": "exercises",
    "train": "training",
    "Player": "training",
}

__all__ = [*_MODULES, *_HOME]


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"course_lib.{name}")
    if name in _HOME:
        return getattr(importlib.import_module(f"course_lib.{_HOME[name]}"), name)
    raise AttributeError(f"course_lib has no {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return sorted([*globals(), *__all__])
