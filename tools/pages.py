"""Fill in what README and pages count or measure: minutes, lectures, results. It stands between <!-- name --> marks.

python tools/pages.py
"""

from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import measured
import minutes
import nbformat
import timings

import notebooks
from course_lib.exercises import catalogue, find

DOCS = notebooks.ROOT / "docs"
MINUTES_A_LEVEL = 5  # an exercise ●○○ takes five minutes, ●●● fifteen: an estimate
ALL = "all"

# --- what is read and taught ---------------------------------------------------------------------------------------


class Lecture(NamedTuple):
    """A lecture: notebook -> the numbers of its sections, what the audience predicts, the exercises to hand out."""

    title: str
    parts: dict[str, str]
    predict: tuple[str, str]
    exercises: str


LECTURES = (
    Lecture(
        "Places that mean something",
        {"00": "1 2 3 4 5 6 7", "01": "1 2 3 4 5 6 7 8"},
        (
            "Each pixel is drawn on its own, from the values that it has in real digits: does that look like a digit?",
            "64 things in a row of 64, on a floor of 8 × 8, or in a cube of 4 × 4 × 4: which is told apart best?",
        ),
        "00.1 01.1 01.5 01.9",
    ),
    Lecture(
        "Searching, and the first distributions",
        {"02": "1 2 3 4 5 6 7 8", "03": "1 2 3 4"},
        (
            "You draw ten thousand pictures by lot: will one look like a digit?",
            "How much of Normal(10, 4) lies between 8 and 12?",
        ),
        "02.1 02.7 02.10 03.12",
    ),
    Lecture(
        "Likelihood, and what a loss assumes",
        {"03": "5 6 7 8 9 11 12", "04": "1 2 3 4 5"},
        (
            "A detector finds 90 % of the generated pictures and flags 5 % of the real ones; 1 % are generated. "
            "It flags one. How probable is it that this one is generated?",
            "Where do the codes of a Normal in 784 dimensions lie: near the origin, where the density is highest?",
        ),
        "03.2 03.5 03.10 04.9",
    ),
    Lecture(
        "How far apart, and steps downhill",
        {"04": "6 7 8", "05": "1 2 3 4 5 6"},
        (
            "One Normal is fitted to two modes, forwards and backwards in KL: where does it end up?",
            "Without bias correction, is the first step of Adam shorter or longer?",
        ),
        "04.5 04.7 05.1 05.3",
    ),
    Lecture(
        "Two players, and variables that nobody sees",
        {"05": "7 8", "06": "1 2 3 4 5 6 8"},
        (
            "In the game xy, both players follow their gradients: do they reach (0, 0)?",
            "The mean of one component sits on a single point, and its width shrinks: what does the likelihood do?",
        ),
        "05.8 06.1 06.2 06.9",
    ),
    Lecture(
        "From codes to a model",
        {"07": "1 2 3 4 6 7", "08": "1 2 3 4 5 6 7"},
        (
            "Eight numbers are drawn in a box around an autoencoder's codes: what does the decoder make of them?",
            "Two gradients through a random draw are right on average: which scatters more, and by how much in 32 "
            "dimensions?",
        ),
        "07.9 08.1 08.2 08.8",
    ),
    Lecture(
        "Inside the VAE",
        {"08": "8 9", "09": "1 2 3 4 5 6"},
        (
            "A VAE trains on a thousand digits for a thousand epochs: does more training keep helping?",
            "The loss is right, and yet the code dies: how would you notice?",
        ),
        "08.11 09.1 09.2 09.11",
    ),
    Lecture(
        "Tighter bounds, and conditions",
        {"10": "1 2 3 4 5 6 7 8", "11": "1 2 3 4 5"},
        (
            "The bound approaches log p(x) whatever the encoder says: what becomes of the encoder's gradient?",
            "How many nats can a label save, if only the classes are far enough apart?",
        ),
        "10.1 10.2 10.10 11.3",
    ),
    Lecture(
        "Few labels, and sentences",
        {"11": "6 7 8 9", "12": "1 2 3 4 5 6 7"},
        (
            "Half a digit could go on as a 4 or a 9: what does a network without z draw?",
            "A VAE of sentences trains as it is: how many of the 10.3 nats of a sentence will its code carry?",
        ),
        "11.8 11.11 12.2 12.5",
    ),
    Lecture(
        "The adversarial game",
        {"13": "1 2 3 4 5 6 7 8 9", "14": "1 2 3 4"},
        (
            "The forger is caught with D = 0.01: how much stronger is the push of the non-saturating loss?",
            "Two pairs of loss curves: which run has collapsed?",
        ),
        "13.1 13.5 13.9 14.1",
    ),
    Lecture(
        "Faces, and collapse",
        {"14": "5 6 7 8", "15": "1 2 3 4 5 6 7 8"},
        (
            "Which four rules of DCGAN cost most to break?",
            "A healthy generator goes on alone against a frozen discriminator: what happens to modes and quality?",
        ),
        "14.7 15.2 15.9 15.10",
    ),
    Lecture(
        "Conditional games",
        {"16": "1 2 3 4 5 6 7"},
        (
            "The discriminator is not told the label: do samples still fill the heaps, and what becomes of the label?",
            "A network paints with the smallest mean error: which background does it choose, if the drawing is silent?",
        ),
        "16.1 16.3 16.10 16.13",
    ),
)

TASTER = {"00": ALL, "01": "1 2 3 4", "08": "1 2 3 5 7", "13": "1 2 3 8", "14": "6 7", "15": "2"}
TASTER_EXERCISES = "00.1 08.1 13.1"
EVENINGS = ("00 01", "02", "03", "04", "05", "06", "07", "08", "09", "11", "13", "14", "15", "16")
QUESTIONS = {
    "What is a latent space?": {"01": ALL, "07": "1 2 3 6"},
    "How can a prompt find a picture that was never made?": {"02": ALL},
    "I want to brush up on probability.": {"03": ALL, "04": "1 3 6", "06": "1 2 4"},
    "How do networks learn, and which optimiser shall I take?": {"05": ALL},
    "I want to understand variational autoencoders.": {"03": "7 8", "04": "6 8", "07": "6 7", "08": ALL, "09": ALL},
    "I want to understand adversarial networks.": {"04": "7", "05": "7", "13": ALL, "14": ALL, "15": ALL},
    "How do I evaluate a generator?": {
        "00": "4",
        "07": "6",
        "10": "5 6",
        "11": "4",
        "13": "5 7",
        "14": "4",
        "15": "1 3",
    },
    "Why does my model collapse?": {"08": "9", "09": "3 4", "12": "7", "13": "6 7", "15": ALL},
    "How do I ask for what I want?": {"02": "5 6 7", "11": ALL, "16": ALL},
    "What can be had from data without labels?": {"02": "9", "07": "5", "11": "9"},
    "How do these models write text?": {"06": "6", "12": ALL},
    "How is a likelihood measured that nobody can compute?": {"08": "2", "10": ALL},
}


def path(number: str) -> Path:
    return notebooks.books([number])[0]


@cache
def sections(number: str) -> list[minutes.Section]:
    return minutes.sections(nbformat.read(path(number), as_version=4))


def chosen(number: str, numbers: str) -> list[minutes.Section]:
    """Sections by their numbers, such as "1 2 6"; all of them, the closing one included, for "all"."""
    if numbers == ALL:
        return sections(number)
    by_number = {section.title.split()[0]: section for section in sections(number)}
    return [by_number[n] for n in numbers.split()]


def spoken(parts: dict[str, str]) -> float:
    """Minutes that parts of notebooks take."""
    return sum(section.minutes for number, numbers in parts.items() for section in chosen(number, numbers))


def tried(exercise_ids: Iterable[str]) -> int:
    """Minutes that exercises take."""
    return sum(MINUTES_A_LEVEL * find(name).level for name in exercise_ids)


def all_exercises(number: str) -> list[str]:
    return [exercise.id for exercise in catalogue()[number].EXERCISES]


def link(number: str) -> str:
    return f"[{number} · {catalogue()[number].TITLE}](../notebooks/{path(number).name})"


def part(number: str, numbers: str) -> str:
    """A notebook with the sections that are meant, in words: "08 · Variational autoencoder, sections 1, 2"."""
    if numbers == ALL:
        return link(number)
    which = numbers.split()
    return f"{link(number)}, section{'s' if len(which) > 1 else ''} {', '.join(which)}"


# --- paths and lectures --------------------------------------------------------------------------------------------


def taster() -> str:
    rows = [(part(number, numbers), round(spoken({number: numbers}))) for number, numbers in TASTER.items()]
    ids = TASTER_EXERCISES.split()
    rows.append((f"Exercises {', '.join(ids)}", tried(ids)))
    return measured.table(("part", "minutes"), [*rows, ("**together**", f"**{round(spoken(TASTER)) + tried(ids)}**")])


def evenings() -> str:
    rows = []
    for evening, pair in enumerate(EVENINGS, 1):
        numbers = pair.split()
        reading = spoken(dict.fromkeys(numbers, ALL))
        trying = tried(name for number in numbers for name in all_exercises(number))
        rows.append((evening, ", ".join(map(link, numbers)), round(reading), trying, f"{(reading + trying) / 60:.1f}"))
    total = sum(float(row[-1]) for row in rows)
    rows.append(("", "**together**", *(f"**{sum(row[i] for row in rows)}**" for i in (2, 3)), f"**{total:.0f}**"))
    return measured.table(("evening", "notebooks", "reading, minutes", "exercises, minutes", "hours"), rows)


def questions() -> str:
    rows = [("; ".join(part(*item) for item in parts.items()), round(spoken(parts))) for parts in QUESTIONS.values()]
    return measured.table(("question", "read", "minutes"), ((q, *row) for q, row in zip(QUESTIONS, rows, strict=True)))


def lecture(place: int, what: Lecture) -> str:
    rows = [(link(n), s.title, round(s.minutes)) for n, numbers in what.parts.items() for s in chosen(n, numbers)]
    ids = what.exercises.split()
    tasks = ", ".join(f"{name} {find(name).title}" for name in ids)
    return "\n\n".join(
        [
            f"### {place} {what.title} ({round(spoken(what.parts))} minutes)",
            measured.table(("notebook", "section", "minutes"), rows),
            "*Predict.* " + " ".join(what.predict),
            f"*Hand out* (about {tried(ids)} minutes). {tasks}.",
        ]
    )


def plan() -> str:
    return "\n\n".join(lecture(place, what) for place, what in enumerate(LECTURES, 1))


def left_out() -> list[tuple[str, minutes.Section]]:
    """The sections that no lecture shows, but for those that sum up."""
    shown = {(n, s.title) for what in LECTURES for n, numbers in what.parts.items() for s in chosen(n, numbers)}
    every = [(n, section) for n in catalogue() for section in sections(n) if section.title != "What you saw"]
    return [(n, section) for n, section in every if (n, section.title) not in shown]


def at_home() -> str:
    rows = [(link(number), section.title, round(section.minutes)) for number, section in left_out()]
    return measured.table(("notebook", "section", "minutes"), rows)


# --- the pages -----------------------------------------------------------------------------------------------------

PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "paths": {"taster": taster, "evenings": evenings, "questions": questions},
    "teachers": {"plan": plan, "at home": at_home},
    "results": {
        "published": measured.published,
        **{script: partial(measured.stored, script) for script in measured.STORED},
    },
    "speed": {
        "speed": timings.speed,
        "to quality": timings.to_quality,
        "start": timings.start,
        "faults": timings.faults,
        "gpu": timings.gpu,
    },
}


def main() -> None:
    for name, contents in PAGES.items():
        page = DOCS / f"{name}.md"
        notebooks.replace(page, notebooks.fill(page.read_text(encoding="utf-8"), contents).encode())
        print(f"filled docs/{page.name}")
    notebooks.update_readme()
    print("filled README.md")


if __name__ == "__main__":
    main()
