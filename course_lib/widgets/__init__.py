"""Interactive explorers. Each is a widget around a pure function: parameters in, the bytes of a PNG out."""

from .divergence import best_fit, divergence_explorer, divergence_picture
from .drawing_game import drawing_game, game_picture
from .latent import active_dims, latent_explorer, latent_picture, traversal_picture
from .meaning_space import meaning_space, meaning_space_picture
from .optimisers import optimiser_race, race, race_picture
from .playground import distribution_picture, distribution_playground
from .prompt_box import prompt_box, prompt_picture
from .rate_distortion import rate_distortion_explorer, rate_distortion_picture, stored_models
from .theatre import gan_theatre, theatre_picture

__all__ = [
    "active_dims",
    "best_fit",
    "distribution_picture",
    "distribution_playground",
    "divergence_explorer",
    "divergence_picture",
    "drawing_game",
    "game_picture",
    "gan_theatre",
    "latent_explorer",
    "latent_picture",
    "meaning_space",
    "meaning_space_picture",
    "optimiser_race",
    "prompt_box",
    "prompt_picture",
    "race",
    "race_picture",
    "rate_distortion_explorer",
    "rate_distortion_picture",
    "stored_models",
    "theatre_picture",
    "traversal_picture",
]
