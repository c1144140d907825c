"""Tables of what the benchmark scripts stored, for the page of results and the README."""

import math
from collections.abc import Callable, Iterable
from functools import partial
from statistics import mean, median, stdev
from string import ascii_uppercase
from typing import NamedTuple

from course_lib.data import result


def spread(values: list[float], form: str) -> str:
    """Mean ± standard deviation, or the value where there is only one."""
    shown = f"{mean(values):{form}}"
    return shown if len(values) == 1 else f"{shown} ± {stdev(values):{form}}"


def middle(values: list[float], form: str) -> str:
    return f"{median(values):{form}}"


def largest(values: list[float], form: str) -> str:
    return f"at most {max(values):{form}}"


class Column(NamedTuple):
    """What a table of results shows of each run. `{}` in `variant` and in a key stands for the row's name."""

    head: str
    value: str | Callable[[dict], float]
    digits: int
    variant: str = "{}"


class Published(NamedTuple):
    """A published figure, and where ours is stored. `{}` fields of `figure` are filled from the first run."""

    figure: str
    published: str
    variant: str  # or the name of a fact beside the runs
    script: str
    value: str | Callable[[dict], float]
    form: str  # how a value is written
    deviation: str  # from the published protocol, in at most 12 words; "none"
    shown: Callable[[list[float], str], str] = spread
    in_readme: bool = True


class Stored(NamedTuple):
    """A table of what a benchmark script stored: a row for each variant, called as in `rows` where that says more."""

    columns: list[Column]
    rows: dict[str, str] | None = None
    prefix: str = ""  # that of the variants which are rows


def percent(key: str) -> Callable[[dict], float]:
    return lambda run: 100 * run[key]


# --- what all tables are made of -----------------------------------------------------------------------------------


def table(head: Iterable[str], rows: Iterable[Iterable]) -> str:
    head = list(head)
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in [head, ["---"] * len(head), *rows])


def many(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


# --- published figures ---------------------------------------------------------------------------------------------

NONE = "none"
EPOCHS = "{epochs} of 400 epochs"
BIGRAM = partial(Published, script="names_bigram", value="nll", form=".4f", deviation=NONE)
MLP = partial(Published, script="names_mlp", value="val", form=".3f", deviation=NONE)
GPT = partial(Published, script="char_gpt", form=".3f", deviation=NONE)
VAE = partial(Published, script="vae_mnist", value="test_loss", form=".2f")
BINARY = partial(Published, script="vae_binary", value="nll", form=".2f")
IWAE = partial(Published, script="iwae", value="nll", form=".2f", deviation="stopped early; every fourth test image")
ORACLE = partial(
    Published,
    published="equal to 1e-8",
    script="oracles",
    value="difference",
    form=".0e",
    shown=largest,
    deviation=NONE,
)
STACKED = partial(
    Published,
    script="stacked_mnist",
    deviation="fewer rounds and images, ten times the rate, smaller networks, Gaussian z",
)


def pacgan(figure: str, variant: str, modes: str, quality: str, kl: str) -> list[Published]:
    """The three columns of table 1 of Lin et al. 2018 (PacGAN), for one of its rows."""
    row = partial(
        Published,
        script="pacgan_protocol",
        variant=variant,
        deviation="stopped early; 5 seeds, not 10, trained as one model",
    )
    return [
        row(f"{figure}, modes, {EPOCHS}", modes, value="covered", form=".1f"),
        row(
            f"{figure}, high quality in %, {EPOCHS}",
            quality,
            value=percent("high_quality"),
            form=".1f",
            in_readme=False,
        ),
        row(f"{figure}, reverse KL, {EPOCHS}", kl, value="reverse_kl", form=".2f", in_readme=False),
    ]


PUBLISHED = (
    BIGRAM("names, bigram, nats a character, by counting", "2.4540", "counted"),
    BIGRAM("names, bigram, +1 smoothing", "2.4546", "smoothed"),
    BIGRAM("names, bigram, by gradient descent", "2.4540", "gradient", deviation="Adam on all pairs at once"),
    MLP("names, MLP of 3 characters, validation", "2.168", "first MLP"),
    MLP("names, the same with a better start", "2.103", "better start"),
    MLP("names, the same with batch normalisation", "2.105", "batch normalisation"),
    MLP("names, MLP of 8 characters", "2.027", "context of 8"),
    MLP("names, 8 characters joined in pairs", "2.029", "pairs joined"),
    MLP("names, the same, normalised over batch and time", "2.022", "statistics over batch and time"),
    MLP("names, the same with 76K parameters", "1.993", "76K parameters"),
    GPT("Shakespeare, unigram, nats a character", "3.347", "counted", value="unigram"),
    GPT("Shakespeare, bigram", "2.482", "counted", value="bigram"),
    GPT(
        "Shakespeare, GPT of 4 layers, {iterations} iterations",
        "1.88",
        "4 layers",
        value="val_random",
        deviation=NONE,
    ),
    GPT(
        "Shakespeare, GPT of 4 layers, on all of the validation text",
        "–",
        "4 layers",
        value="val",
        deviation="all of the text, not 20 random batches",
        in_readme=False,
    ),
    GPT(
        "Shakespeare, GPT of 6 layers, at its best in {iterations} iterations",
        "1.4697",
        "6 layers",
        script="char_gpt_large",
        value="val_random_best",
        form=".4f",
        deviation="TF32 in place of bfloat16, not compiled",
    ),
    VAE("VAE 784-400-20, MNIST, test loss after 10 epochs", "105.6", "published", deviation=NONE),
    VAE(
        "VAE 784-400-20 with a schedule, 5 epochs",
        "–",
        "scheduled",
        deviation="half the epochs, lr 5e-3 with warm-up and cosine",
    ),
    BINARY(
        "VAE 784-400-40, binarised MNIST, NLL, {epochs} epochs",
        "89.8–89.9",
        "784-400-40, as published",
        deviation="pixels binarised with a seed of our own",
    ),
    BINARY(
        "VAE 784-400-40, binarised MNIST, NLL, {epochs} of 500 epochs",
        "89.8–89.9",
        "784-400-40",
        deviation="a fifth of the epochs, lr 2e-3, cosine, own binarisation",
    ),
    IWAE("VAE 784-200-200-50, MNIST, NLL, 1 draw, {epochs} of 3,280 epochs", "86.76", "VAE k=1"),
    IWAE("VAE, 5 draws, {epochs} of 3,280 epochs", "86.47", "VAE k=5"),
    IWAE("VAE, 50 draws, {epochs} of 3,280 epochs", "86.35", "VAE k=50"),
    IWAE("IWAE, 5 draws, {epochs} of 3,280 epochs", "85.54", "IWAE k=5"),
    IWAE("IWAE, 50 draws, {epochs} of 3,280 epochs", "84.78", "IWAE k=50"),
    *pacgan("ring of 8, GAN", "ring, packs of 1", "6.3", "98.2", "0.45"),
    *pacgan("ring of 8, PacGAN2", "ring, packs of 2", "7.9", "95.6", "0.07"),
    *pacgan("grid of 25, GAN", "grid, packs of 1", "17.3", "94.8", "0.70"),
    *pacgan("grid of 25, PacGAN2", "grid, packs of 2", "23.8", "91.3", "0.13"),
    *pacgan("grid of 25, PacGAN4", "grid, packs of 4", "24.8", "93.6", "0.04"),
    STACKED(
        "stacked MNIST, DCGAN, modes, {rounds} of 100,000 rounds",
        "78.9",
        "packs of 1",
        value="modes",
        form=".0f",
        in_readme=False,
    ),
    STACKED("stacked MNIST, DCGAN, KL, {rounds} of 100,000 rounds", "4.50", "packs of 1", value="kl", form=".2f"),
    STACKED(
        "stacked MNIST, PacDCGAN2, modes, {rounds} of 100,000 rounds",
        "1000",
        "packs of 2",
        value="modes",
        form=".0f",
        in_readme=False,
    ),
    STACKED("stacked MNIST, PacDCGAN2, KL, {rounds} of 100,000 rounds", "0.06", "packs of 2", value="kl", form=".2f"),
    ORACLE("mixture by EM, difference from scikit-learn after 1 step", variant="mixture, 1 step"),
    ORACLE("mixture by EM, after 2 steps", variant="mixture, 2 steps"),
    ORACLE("mixture by EM, after 5 steps", variant="mixture, 5 steps"),
    ORACLE("hidden Markov model, difference from hmmlearn", variant="hidden Markov model, hmmlearn"),
    ORACLE("hidden Markov model, difference from the sum over all paths", variant="hidden Markov model, all paths"),
    Published(
        "loading MNIST, image by image : as one tensor, time",
        "4.1 (30.3 s : 7.31 s)",
        "loading",
        script="speed",
        value=lambda run: run["plain"] / run["course_lib"],
        form=".1f",
        shown=middle,
        deviation="loading alone, on a CPU; theirs a training run on a GPU",
    ),
)
NO_BREAK = "\N{NO-BREAK SPACE}"
HEAD = ("figure", "published", "here", "runs", "hardware", "CPU time", "deviation from the protocol")


def runs_of(script: str, variant: str) -> list[dict]:
    """What a script stored of a variant, or as a fact beside its runs."""
    everything = result(script)
    found = (everything | everything["runs"])[variant]
    return found if isinstance(found, list) else [found]


def duration(seconds: float) -> str:
    """In the largest of seconds, minutes and hours that is reached."""
    for size, unit in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds >= size:
            return f"{seconds / size:.{1 if seconds < 10 * size else 0}f}{NO_BREAK}{unit}"
    return f"<{NO_BREAK}1{NO_BREAK}s"


def cpu_time(runs: list[dict]) -> str:
    """CPU time of a run: `cpu_s`, or its share of `seconds`, which runs that train as one model have in common."""
    if "seconds" in runs[0]:
        return duration(runs[0]["seconds"] / len(runs))
    return duration(mean(run["cpu_s"] for run in runs)) if "cpu_s" in runs[0] else "–"


def hardware(script: str) -> str:
    stored = result(script)
    device = stored["device"].replace("cpu", "CPU").replace(" 1 threads", " 1 thread")
    return f"{device}, torch {stored['torch'].split('+')[0]}"


def deterministic(runs: list[dict]) -> bool:
    """Whether every seed gave the same, its time aside; a fact has no seed."""
    outcomes = [{key: value for key, value in run.items() if key not in ("seed", "cpu_s")} for run in runs]
    return (len(runs) > 1 or "seed" not in runs[0]) and all(outcome == outcomes[0] for outcome in outcomes)


def reproduced(entry: Published) -> list[str]:
    """The first four cells of a row: what it is, what was published, what was found here, and how often it was run."""
    runs = runs_of(entry.script, entry.variant)
    values = [entry.value(run) if callable(entry.value) else run[entry.value] for run in runs]
    same = deterministic(runs)
    return [
        entry.figure.format(**runs[0]),
        entry.published,
        entry.shown(values[:1] if same else values, entry.form),
        "deterministic" if same else many(len(runs), "seed" if "seed" in runs[0] else "round"),
    ]


def published() -> str:
    """Every published figure that was run, with all that is known of the run; machines are named below by a letter."""
    machines = dict(zip(dict.fromkeys(hardware(entry.script) for entry in PUBLISHED), ascii_uppercase, strict=False))
    rows = [
        [
            *reproduced(entry),
            machines[hardware(entry.script)],
            cpu_time(runs_of(entry.script, entry.variant)),
            entry.deviation,
        ]
        for entry in PUBLISHED
    ]
    legend = "; ".join(f"{letter}: {machine}" for machine, letter in machines.items())
    return f"{table(HEAD, rows)}\n\nHardware {legend}."


def published_in_short() -> str:
    """The README's table of published figures."""
    return table(HEAD[:4], [reproduced(entry) for entry in PUBLISHED if entry.in_readme])


# --- tables of one script ------------------------------------------------------------------------------------------


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


def cell(column: Column, runs: dict[str, list[dict]], row: str) -> str:
    """Mean ± standard deviation over the seeds, or a dash where nothing was measured."""
    found = [
        column.value(run) if callable(column.value) else run.get(column.value.format(row))
        for run in runs[column.variant.format(row)]
    ]
    values = [value for value in found if value is not None]
    return spread(values, f".{column.digits}f") if values else "–"


def stored(script: str) -> str:
    """The table of one benchmark script, and how many seeds stand behind it."""
    columns, rows, prefix = STORED[script]
    runs = result(script)["runs"]
    rows = rows or {name.removeprefix(prefix): name.removeprefix(prefix) for name in runs if name.startswith(prefix)}
    head = ["", *(column.head for column in columns)]
    seeds = max(map(len, runs.values()))
    body = table(head, [[label, *(cell(column, runs, row) for column in columns)] for row, label in rows.items()])
    return f"{body}\n\n`benchmarks/{script}.py`, {seeds} seeds: mean ± standard deviation."
