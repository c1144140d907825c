"""What an exercise and a quiz question consist of. Exercises are data: one file of records per notebook."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch


def _call(answer: Callable, *inputs: Any) -> Any:
    return answer(*inputs)


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Args:
        id: "notebook.number".
        title: a few words.
        level: 1 recall, 2 apply, 3 create.
        oracle: what is right; called on the inputs as the answer is. A library function or a closed form.
        why: one or two sentences shown when the answer is right.
        mistakes: (wrong answer, hint) pairs; a hint belongs to one mistake alone.
        inputs: draws the arguments of one trial from a generator. None: the answer is a value, and so are the wrong
            answers, and the oracle is called without arguments.
        measure: what is compared, `measure(answer, *inputs)`; the answer's return value where it is not given.
        handed_over: the code that a "spot the bug" exercise begins with; behaving like it counts as not attempted.
        tolerance: relative and absolute.
    """

    id: str
    title: str
    level: int
    oracle: Callable
    why: str
    mistakes: Sequence[tuple[Any, str]]
    inputs: Callable[[torch.Generator], tuple] | None = None
    measure: Callable[..., Any] = _call
    handed_over: Callable | None = None
    tolerance: float = 1e-5


@dataclass(frozen=True)
class Question:
    """A multiple-choice question. Each option is (text, feedback); `correct` is the index of the right one."""

    text: str
    options: Sequence[tuple[str, str]]
    correct: int
