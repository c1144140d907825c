"""Tables of what the benchmark scripts stored, for the page of results."""

import math
from collections.abc import Callable, Iterable
from statistics import mean, stdev
from typing import NamedTuple

from course_lib.data import result


class Column(NamedTuple):
    """What a table of results shows of each run. `{}` in `variant` and in a key stands for the row's name."""

    head: str
    value: str | Callable[[dict], float]
    digits: int
    variant: str = "{}"


class Stored(NamedTuple):
    """A table of what a benchmark script stored: a row for each variant, called as in `rows` where that says more."""

    columns: list[Column]
    rows: dict[str, str] | None = None
    prefix: str = ""  # that of the variants which are rows


def percent(key: str) -> Callable[[dict], float]:
    return lambda run: 100 * run[key]


def in_use(modes: int) -> Callable[[dict], float]:
    """How many modes are in use, by the reverse KL."""
    return lambda run: modes * math.exp(-run["reverse_kl"])


def on_both(head: str, value: str, digits: int) -> list[Column]:
    return [Column(f"{head}, {name}", value, digits, f"{data}: {{}}") for data, name in DATA.items()]


DATA = {"mnist": "MNIST", "digits": "embedded digits"}
SEARCHES = {
    "text_to_picture@1": "text → picture, first",
    "text_to_picture@5": "text → picture, among five",
    "picture_to_text@1": "picture → text, first",
    "picture_to_text@5": "picture → text, among five",
}
STORED = {
    "start_here": Stored(
        [
            Column("digit-like", "confident", 2),
            Column("classes", "classes", 1),
            Column("distance ratio", "nn_ratio", 2),
            Column("classified by code", "classified", 2),
        ],
        DATA,
    ),
    "joint_space": Stored(
        [
            Column("joint space", "joint.{}", 2, "meetings"),
            Column("counts of colours", "ridge.{}", 2, "meetings"),
            Column("pixels", "pixels.{}", 2, "meetings"),
        ],
        SEARCHES,
    ),
    "thousand_digits": Stored(
        [Column(name, "{}", 2, data) for data, name in DATA.items()],
        {
            "best_plain": "test loss, plain, at its best",
            "final_plain": "test loss, plain, at the end",
            "varied": "test loss, varied images",
            "small": "test loss, smaller code",
            "digit_like_plain": "digit-like, plain",
            "digit_like_varied": "digit-like, varied images",
            "digit_like_small": "digit-like, smaller code",
        },
    ),
    "collapse": Stored(
        [*on_both("KL", "kl", 2), *on_both("NLL", "nll", 1), *on_both("classified", "classified", 2)],
        prefix="mnist: ",
    ),
    "disentanglement": Stored(
        [
            Column("MIG", "mig", 2),
            Column("MIG, codes turned", "mig_turned", 2),
            Column("rate", "rate", 1),
            Column("distortion", "distortion", 1),
        ],
        {beta: f"β = {beta}" for beta in ("1", "3", "10", "30")},
    ),
    "semi_supervised": Stored(
        [
            Column("network on the labels alone", percent("labels alone"), 1),
            Column("SVM on the labels alone", percent("labels alone, SVM"), 1),
            Column("SVM on codes", percent("codes"), 1),
            Column("M2", percent("M2"), 1),
        ],
        {labels: f"{labels} labels" for labels in ("10", "50", "100", "500")},
    ),
    "text_vae": Stored(
        [
            Column("KL", "kl", 2),
            Column("gap", "gap", 3),
            Column("grammatical", "grammatical", 3),
            Column("novelty", "novelty", 2),
        ],
    ),
    "dcgan_rules": Stored(
        [
            Column("Fréchet distance", "frechet", 0),
            Column("digit-like", "digit_like", 2),
            Column("classes", "classes", 1),
        ],
    ),
    "remedies": Stored(
        [
            Column("modes in use, ring of 8", in_use(8), 1, "ring, {}"),
            Column("quality, ring", "high_quality", 2, "ring, {}"),
            Column("modes in use, grid of 25", in_use(25), 1, "grid, {}"),
            Column("quality, grid", "high_quality", 2, "grid, {}"),
        ],
        prefix="ring, ",
    ),
    "conditional_gan": Stored(
        [
            Column("control", "control", 2),
            Column("diversity", "diversity", 2),
            Column("Fréchet distance", "frechet", 0),
        ],
    ),
}


def table(head: Iterable[str], rows: Iterable[Iterable]) -> str:
    head = list(head)
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in [head, ["---"] * len(head), *rows])


def cell(column: Column, runs: dict[str, list[dict]], row: str) -> str:
    """Mean ± standard deviation over the seeds, or a dash where nothing was measured."""
    found = [
        column.value(run) if callable(column.value) else run.get(column.value.format(row))
        for run in runs[column.variant.format(row)]
    ]
    values = [value for value in found if value is not None]
    return f"{mean(values):.{column.digits}f} ± {stdev(values):.{column.digits}f}" if values else "–"


def stored(script: str) -> str:
    """The table of one benchmark script, and how many seeds stand behind it."""
    columns, rows, prefix = STORED[script]
    runs = result(script)["runs"]
    rows = rows or {name.removeprefix(prefix): name.removeprefix(prefix) for name in runs if name.startswith(prefix)}
    head = ["", *(column.head for column in columns)]
    seeds = max(map(len, runs.values()))
    body = table(head, [[label, *(cell(column, runs, row) for column in columns)] for row, label in rows.items()])
    return f"{body}\n\n`benchmarks/{script}.py`, {seeds} seeds: mean ± standard deviation."
