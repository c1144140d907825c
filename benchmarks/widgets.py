"""How long the picture of each widget takes, in milliseconds of CPU: the median of many, at settings that vary.

Writes benchmarks/results/widgets.json, which a test holds against 100 ms. Needs no data.
"""

import time
from statistics import median

import torch
from store import store

from course_lib import widgets
from course_lib.data import cards, shapes, vehicles
from course_lib.joint import JointSpace
from course_lib.vae import VAE

PROMPTS = ("a small red star", "large blue circle, left")
TIMES = 25
SHARES = [i / (TIMES - 1) for i in range(TIMES)]  # of the way along a control


def pictures() -> dict:
    """Each pure picture function, as a function of a share in [0, 1]."""
    digits, space = VAE(), JointSpace(len(shapes.WORDS))
    betas = list(widgets.stored_models())
    gallery = shapes.draw(shapes.combinations())
    points = vehicles.table()
    drawn = vehicles.draw(points, 80)
    lynx = cards.table(["lynx"])[0]
    return {
        "distribution_picture": lambda s: widgets.distribution_picture("Normal", {"mean": 4 * s, "sd": 1.0}),
        "divergence_picture": lambda s: widgets.divergence_picture(4 * s, 1.0, 4.0),
        "race_picture": lambda s: widgets.race_picture("ravine", -1.5 - s),
        "latent_picture": lambda s: widgets.latent_picture(digits, torch.full((20,), s)),
        "traversal_picture": lambda s: widgets.traversal_picture(digits, torch.full((20,), s), range(6)),
        "rate_distortion_picture": lambda s: widgets.rate_distortion_picture(betas[round(s * (len(betas) - 1))]),
        "theatre_picture": lambda s: widgets.theatre_picture("works", round(40 * s)),
        "game_picture": lambda s: widgets.game_picture(4, "fox", ((s, -s),), lynx, handed_over=True),
        "game_picture, five cubes": lambda s: widgets.game_picture(6, "fox", ((s, -s),) * 5, lynx, handed_over=True),
        "meaning_space_picture": lambda s: widgets.meaning_space_picture(points, drawn, 90 * s, 30),
        "prompt_picture": lambda s: widgets.prompt_picture(space, gallery, PROMPTS[round(s)]),
    }


def milliseconds(picture, share: float) -> float:
    started = time.process_time()
    picture(share)
    return 1000 * (time.process_time() - started)


if __name__ == "__main__":
    torch.set_num_threads(1)
    runs = {}
    for name, picture in pictures().items():
        picture(0.5)
        took = [milliseconds(picture, share) for share in SHARES]
        runs[name] = [{"median_ms": round(median(took), 1), "longest_ms": round(max(took), 1)}]
        print(name, runs[name][0])
    store("widgets", runs)
