"""The one engine that judges every answer: on inputs the learner does not see, against the oracle."""

import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .records import Exercise

TRIALS = 5


class Result(NamedTuple):
    """status: "right", "not attempted", "mistake" (a listed one), "error" or "wrong"."""

    status: str
    message: str


def evaluate(exercise: Exercise, answer: Any) -> Result:
    """Judge an answer. Never raises for what the learner wrote."""
    if answer is None or answer is Ellipsis:
        return Result("not attempted", "Not attempted yet.")
    if exercise.inputs and not callable(answer):
        return Result(
            "error", f"A function is wanted, {_describe(answer)} came. Pass the function, without calling it."
        )
    try:
        given = _outcomes(exercise, answer)
    except Exception as error:
        return Result("error", _explain(error))
    if exercise.inputs and all(value is None for value in given):
        return _returned_nothing(answer)
    wanted = _outcomes(exercise, exercise.oracle if exercise.inputs else exercise.oracle())
    if _same(given, wanted, exercise.tolerance):
        return Result("right", f"Right, because {exercise.why}")
    if exercise.handed_over and _same(given, _outcomes(exercise, exercise.handed_over), exercise.tolerance):
        return Result("not attempted", "Not attempted yet: the code still does what it did when it was handed over.")
    for wrong, hint in exercise.mistakes:
        if _same(given, _outcomes(exercise, wrong), exercise.tolerance):
            return Result("mistake", hint)
    return Result("wrong", _first_difference(exercise, given, wanted))


def _outcomes(exercise: Exercise, answer: Any) -> list:
    """What the answer gives in each trial; same inputs and same random numbers for everyone."""
    if not exercise.inputs:
        return [answer]
    outcomes = []
    with torch.random.fork_rng(devices=[]):
        for trial in range(TRIALS):
            inputs = _inputs(exercise, trial)
            torch.manual_seed(trial)
            outcomes.append(exercise.measure(answer, *inputs))
    return outcomes


def _inputs(exercise: Exercise, trial: int) -> tuple:
    return exercise.inputs(torch.Generator().manual_seed(1000 + trial))


def _same(a: Any, b: Any, tolerance: float) -> bool:
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(_same(u, v, tolerance) for u, v in zip(a, b, strict=True))
    if isinstance(a, str) or isinstance(b, str):
        return type(a) is type(b) and a.strip().lower() == b.strip().lower()
    u, v = _number(a), _number(b)
    return (
        u is not None
        and v is not None
        and u.shape == v.shape
        and torch.allclose(u, v, rtol=tolerance, atol=tolerance, equal_nan=True)
    )


def _number(value: Any) -> Tensor | None:
    try:
        return torch.as_tensor(value).detach().cpu().to(torch.float64)
    except (TypeError, ValueError, RuntimeError):
        return None


def _returned_nothing(answer: Callable) -> Result:
    def stub(): ...

    code = getattr(answer, "__code__", stub.__code__)
    if len(code.co_code) <= len(stub.__code__.co_code):
        return Result("not attempted", "Not attempted yet.")
    return Result("error", "Your function returns None. End it with `return` and the result.")


def _explain(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    frames = [f for f in frames if "course_lib" not in f.filename and "-packages" not in f.filename]
    at = f" at `{frames[-1].line}`" if frames and frames[-1].line else ""
    return f"Your code raises {type(error).__name__}{at}: {str(error)[:200]}"


def _first_difference(exercise: Exercise, given: list, wanted: list) -> str:
    pairs = enumerate(zip(given, wanted, strict=True))
    trial, (a, b) = next((i, pair) for i, pair in pairs if not _same(*pair, exercise.tolerance))
    if not exercise.inputs:
        return f"{_capital(_describe(a))} is not it. Read the question once more, then work it out on paper."
    u, v = _number(a), _number(b)
    if (u is None) != (v is None) or (u is not None and u.shape != v.shape):
        return f"{_capital(_describe(a))} came, {_describe(b)} was wanted."
    inputs = ", ".join(_describe(value) for value in _inputs(exercise, trial))
    # More digits where four would print the same twice.
    digits = next((d for d in (4, 8) if _describe(a, d) != _describe(b, d)), 16)
    return f"Not equal yet. For the input {inputs}: {_describe(a, digits)} came, {_describe(b, digits)} was wanted."


def _describe(value: Any, digits: int = 4) -> str:
    if isinstance(value, Tensor):
        if value.numel() <= 4:
            return f"{[float(f'{v:.{digits}g}') for v in value.flatten().tolist()]} of shape {tuple(value.shape)}"
        return f"a tensor of shape {tuple(value.shape)} with mean {value.double().mean():.{digits}g}"
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    if isinstance(value, (list, tuple)) and any(isinstance(v, Tensor) for v in value):
        return "(" + ", ".join(_describe(v, digits) for v in value) + ")"
    if callable(value):
        return f"the function {getattr(value, '__name__', type(value).__name__)}"
    return repr(value)[:80]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
