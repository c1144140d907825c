"""Two stored adversarial runs on the ring of eight, replayed with what the discriminator believes."""

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from ..data import shipped, toy
from ..plots import COLOURS
from .frame import draw, explorer

SIZE = (8.6, 4.0)
REACH, ROUNDS = 1.8, 30  # half the side of the stored landscape; rounds (a move of each player) between two frames
RUNS = {"learning rates 0.002 and 0.001": "works", "learning rates 0.001 and 0.002": "collapses"}


class Recording(NamedTuple):
    """One run in F frames (card: data/gan_theatre.md)."""

    samples: Tensor  # (F, 300, 2)
    belief: Tensor  # (F, 41, 41) of x₁ and x₂: the probability of being real that the discriminator states
    covered: Tensor  # (F,): modes with a sample of high quality
    high_quality: Tensor  # (F,): share of the samples within three standard deviations of a mode


@cache
def recording(run: str) -> Recording:
    """The stored run "works" or "collapses"."""
    if run not in RUNS.values():
        raise ValueError(f"there is no run {run!r}; there are {', '.join(RUNS.values())}")
    with np.load(shipped("gan_theatre.npz"), allow_pickle=False) as stored:
        samples, belief, modes = (torch.from_numpy(stored[f"{run}_{part}"]) for part in ("samples", "belief", "modes"))
    side = round(belief.shape[1] ** 0.5)
    return Recording(samples.float(), belief.view(-1, side, side) / 255, modes[:, 0], modes[:, 1])


def theatre_picture(run: str = "works", frame: int = 0) -> bytes:
    """One frame as PNG bytes: samples on the discriminator's landscape; on the right, modes and quality so far."""
    shown = recording(run)

    def paint(left: Axes, right: Axes):
        _paint_stage(left, shown, frame)
        _paint_score(right, shown, frame)

    return draw(paint, *SIZE, columns=2)


def gan_theatre():
    """Choose a run, then play it or move through it with the slider."""
    import ipywidgets as w

    last = len(recording("works").samples) - 1
    frame = w.IntSlider(min=0, max=last, value=last, description="frame")
    play = w.Play(min=0, max=last, step=1, interval=250, value=last)
    w.jslink((play, "value"), (frame, "value"))
    controls = {"run": w.Dropdown(options=RUNS, value="works", description="run"), "frame": frame}
    text = "Theatre: run the notebook to replay the training of two adversarial pairs."
    return explorer(theatre_picture, controls, SIZE[0], text, [play])


def _paint_stage(axis: Axes, shown: Recording, frame: int) -> None:
    box = (-REACH, REACH, -REACH, REACH)
    axis.imshow(shown.belief[frame].T.numpy(), extent=box, origin="lower", cmap="coolwarm", vmin=0, vmax=1, alpha=0.6)
    axis.plot(*toy.ring().means.T, "+", color="black", markersize=9, label="modes of the data")
    axis.plot(*shown.samples[frame].T, ".", color="black", markersize=3, alpha=0.6, label="samples")
    axis.set(xlim=box[:2], ylim=box[2:], xlabel="x₁", ylabel="x₂", title="red: taken for real · blue: for generated")
    axis.title.set_fontsize(11)
    axis.legend(loc="upper right", fontsize=9, frameon=True)
    axis.grid(visible=False)


def _paint_score(axis: Axes, shown: Recording, frame: int) -> None:
    rounds = torch.arange(frame + 1) * ROUNDS
    covered, quality = shown.covered[: frame + 1], shown.high_quality[: frame + 1]
    axis.plot(rounds, covered / 8, color=COLOURS[0], label=f"modes covered: {covered[-1]:.0f} of 8")
    axis.plot(rounds, quality, "--", color=COLOURS[6], label=f"high quality: {quality[-1]:.0%}")
    axis.set(xlabel="rounds", ylabel="share", xlim=(0, (len(shown.samples) - 1) * ROUNDS), ylim=(-0.03, 1.25))
    axis.set_title(f"after {frame * ROUNDS:,} rounds", fontsize=11)
    axis.legend(loc="upper left", fontsize=9)
