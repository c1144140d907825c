"""Tables of what `make bench` stored, for the page of speed and the README."""

from itertools import pairwise
from statistics import median

import measured

LOADING = "MNIST, loading alone"
PIPELINES = {"plain": "plain pipeline", "course_lib": "`course_lib`"}
TO_QUALITY = {"plain": "plain pipeline, 10 epochs", "course_lib": "`course_lib`, 5 epochs with a schedule"}
WAYS = PIPELINES | {"accelerated": "`course_lib`, accelerated"}
FAULTS = {
    "while training": "a run that trains most of the time",
    "while writing": "a run that writes checkpoints most of the time",
}


def models() -> dict[str, list[dict[str, float]]]:
    """Model -> its rounds, each with the CPU seconds an epoch of every pipeline."""
    return measured.result("speed")["runs"] | {LOADING: measured.runs_of("speed", "loading")}


def three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"


def seconds(rounds: list[dict[str, float]], pipeline: str) -> str:
    """Median over the rounds, a dash where the pipeline was not timed."""
    return three_digits(median(r[pipeline] for r in rounds)) if pipeline in rounds[0] else "–"


def times(rounds: list[dict[str, float]], slower: str, faster: str) -> str:
    """How many times as long the slower takes: the median of each round's ratio."""
    ratios = [r[slower] / r[faster] for r in rounds if {slower, faster} <= set(r)]
    return f"{three_digits(median(ratios))} ×" if ratios else "–"


def made_by(script: str, text: str) -> str:
    return f"`benchmarks/{script}.py`, {measured.hardware(script)}: {text}."


def speed() -> str:
    head = ("model", "plain pipeline", "`course_lib`", "bare products", "plain ÷ `course_lib`", "`course_lib` ÷ bare")
    names = ("plain", "course_lib", "bare")
    rows = [
        [model, *(seconds(rounds, name) for name in names), *(times(rounds, *pair) for pair in pairwise(names))]
        for model, rounds in models().items()
    ]
    rounds = measured.many(len(measured.runs_of("speed", "loading")), "round")
    said = made_by("speed", f"CPU seconds an epoch, medians of {rounds}")
    return f"{measured.table(head, rows)}\n\n{said}"


def speed_in_short() -> str:
    rows = [
        [model, *(seconds(rounds, name) for name in PIPELINES), times(rounds, *PIPELINES)]
        for model, rounds in models().items()
    ]
    return measured.table(("CPU seconds an epoch", *PIPELINES.values(), "plain ÷ `course_lib`"), rows)


def to_quality() -> str:
    stored = measured.result("speed")["to_quality"]
    rows = []
    for name, shown in TO_QUALITY.items():
        taken, losses = ([run[key] for run in stored[name]] for key in ("cpu_s", "test_loss"))
        rows.append([shown, measured.spread(taken, ".1f"), measured.spread(losses, ".2f"), len(taken)])
    head = ("", "CPU seconds", f"test loss, published {stored['target']}", "seeds")
    return f"{measured.table(head, rows)}\n\n{made_by('speed', 'mean ± standard deviation')}"


def start() -> str:
    rows = []
    for what, runs in measured.result("start")["runs"].items():
        taken = [run["s"] for run in runs]
        ends = dict.fromkeys(map(three_digits, (min(taken), max(taken))))  # once where they are equal
        rows.append([what, three_digits(median(taken)), "–".join(ends), len(taken)])
    return f"{measured.table(('', 'seconds', 'range', 'runs'), rows)}\n\n{made_by('start', 'medians')}"


def start_in_short() -> str:
    """A sentence for the README."""
    taken = {what: median(run["s"] for run in runs) for what, runs in measured.result("start")["runs"].items()}
    return f"Seconds by the clock: {', '.join(f'{what} {three_digits(s)}' for what, s in taken.items())}."


def faults() -> str:
    ends, rows = measured.result("faults")["equal_to_straight"], []
    for variant, when in FAULTS.items():
        runs = measured.runs_of("faults", variant)
        resumed, halves = (sum(run[key] for run in runs) for key in ("resumed", "half_written"))
        lost, end = max(run["lost"] for run in runs), "yes" if ends[variant] else "no"
        rows.append([when, len(runs), halves, resumed, lost, end])
    head = (
        "killed",
        "times",
        "left half a file",
        "resumed",
        "finished epochs lost, at most",
        "end as if never killed, to the bit",
    )
    return f"{measured.table(head, rows)}\n\n{made_by('faults', 'kill −9, then the same command again')}"


def gpu() -> str:
    try:
        stored = measured.result("gpu")
    except FileNotFoundError:
        return "No accelerator has been measured yet: `python benchmarks/gpu.py` measures the one at hand."
    rows = [
        [model, WAYS[row["way"]], *in_cells(row), f"{three_digits(ways[0]['seconds'] / row['seconds'])} ×"]
        for model, ways in stored["runs"].items()
        for row in ways
    ]
    head = ("model", "", "seconds", "MiB", "of the matrix rate", "of the copy rate", "plain ÷ this")
    said = f"seconds by the clock for {stored['images']:,} images, medians; {card_rates(stored['rates'])}"
    return f"{measured.table(head, rows)}\n\n{made_by('gpu', stored['card'] + ', ' + said)}"


def in_cells(row: dict) -> list[str]:
    """Time, memory, and the shares of what the card reaches."""
    return [three_digits(row["seconds"]), row["peak_mib"], f"{row['matrix_share']:.2%}", f"{row['copy_share']:.2%}"]


def card_rates(rates: dict[str, float]) -> str:
    products = [f"{kind} {rate / 1e12:.0f} TFLOP/s" for kind, rate in rates.items() if kind != "copy"]
    return f"this card copies {rates['copy'] / 1e9:,.0f} GB/s and multiplies matrices at {', '.join(products)}"
