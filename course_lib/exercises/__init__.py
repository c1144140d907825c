"""Exercises that are judged at once, offline: `check` and `quiz`.

`progress` shows where you stand, and `export` writes it to a file that you can hand in.
"""

import importlib
import pkgutil
from datetime import datetime
from pathlib import Path
from typing import Any

import course_lib

from .engine import Result, evaluate
from .progress import load_progress, record, standing, user_name, write_card
from .quizzes import quiz
from .records import Exercise, Question

__all__ = ["Exercise", "Question", "Result", "catalogue", "check", "evaluate", "export", "find", "progress", "quiz"]

_MARKS = {"right": "✓", "not attempted": "○", "mistake": "✗", "error": "✗", "wrong": "✗"}


def catalogue() -> dict[str, Any]:
    """Notebook number -> its module of records (TITLE, EXERCISES, QUIZ), in order."""
    found = sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name.startswith("nb"))
    return {name[2:]: importlib.import_module(f"{__name__}.{name}") for name in found}


def find(exercise_id: str) -> Exercise:
    """The record of an exercise, such as "08.3".

    Raises:
        ValueError: there is none of that id; names those there are.
    """
    known = {e.id: e for module in catalogue().values() for e in module.EXERCISES}
    if exercise_id not in known:
        raise ValueError(f"there is no exercise {exercise_id!r}; there are {', '.join(known)}")
    return known[exercise_id]


def check(exercise_id: str, answer: Any) -> None:
    """Judge an answer, print what was found, and note the attempt in your progress."""
    exercise = find(exercise_id)
    result = evaluate(exercise, answer)
    print(f"{_MARKS[result.status]} {exercise.id} · {exercise.title} · {result.message}")
    if result.status != "not attempted":
        record(exercise.id, result.status)


def progress() -> None:
    """Print a table of all exercises and where you stand."""
    stored = load_progress()
    done = total = 0
    for number, module in catalogue().items():
        print(f"{number} · {module.TITLE}")
        for e in module.EXERCISES:
            entry = standing(stored, e.id)
            done, total = done + (entry["status"] == "right"), total + 1
            state = "right" if entry["status"] == "right" else "open" if entry["attempts"] else "not attempted"
            tries = f"  ({entry['attempts']} attempts)" if entry["attempts"] else ""
            print(f"  {'●' * e.level + '○' * (3 - e.level)}  {e.id:6} {e.title:44} {state}{tries}")
    print(f"{done} of {total} right")


def export(path: Path | str | None = None, name: str | None = None) -> Path:
    """Write where you stand with every exercise to one JSON file, to hand in.

    Args:
        path: the file, or a folder that exists. Without it, course-progress-<name>.json in the current folder.
        name: whose progress it is; the name of your account where it is not given.

    Returns:
        The path of the file.

    Raises:
        FileNotFoundError: the folder is not there.
        OSError: the file can't be written.
    """
    stored = load_progress()
    every = {
        e.id: {"title": e.title, "level": e.level, **standing(stored, e.id)}
        for records in catalogue().values()
        for e in records.EXERCISES
    }
    card = {
        "course_lib": course_lib.__version__,
        "name": name or user_name(),
        "exported": datetime.now().astimezone().isoformat(timespec="seconds"),
        "exercises": every,
        "right": sum(entry["status"] == "right" for entry in every.values()),
        "of": len(every),
    }
    written = write_card(card, Path() if path is None else path)
    print(f"Your progress is in {written}: {card['right']} of {card['of']} exercises right.")
    return written
