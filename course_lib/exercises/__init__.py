"""Exercises that are judged at once, offline: `check`, `quiz` and `progress`."""

import importlib
import pkgutil
from typing import Any

from .engine import Result, evaluate
from .progress import load_progress, record
from .quizzes import quiz
from .records import Exercise, Question

__all__ = ["Exercise", "Question", "Result", "catalogue", "check", "evaluate", "find", "progress", "quiz"]

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
            entry = stored.get(e.id, {"status": "not attempted", "attempts": 0})
            done, total = done + (entry["status"] == "right"), total + 1
            state = "right" if entry["status"] == "right" else "open" if entry["attempts"] else "not attempted"
            tries = f"  ({entry['attempts']} attempts)" if entry["attempts"] else ""
            print(f"  {'●' * e.level + '○' * (3 - e.level)}  {e.id:6} {e.title:44} {state}{tries}")
    print(f"{done} of {total} right")
