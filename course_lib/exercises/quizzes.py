"""Quizzes: multiple choice with feedback for every option, with widgets or without."""

import importlib
from collections.abc import Sequence

from ..display import with_fallback
from .records import Question

LETTERS = "abcdef"


def quiz(notebook: str, answers: str | None = None) -> None:
    """Ask the questions of a notebook.

    Without `answers` the questions are shown, with buttons where ipywidgets run. `quiz("08", "bacd")` answers them
    in order and prints the feedback.

    Raises:
        ValueError: no quiz of that notebook, or answers that do not fit its questions.
    """
    questions = _questions(notebook)
    if answers is not None:
        _mark(questions, answers)
        return
    for number, question in enumerate(questions, 1):
        print(f"{number}. {question.text}")
        print("\n".join(f"   {LETTERS[i]}) {text}" for i, (text, _) in enumerate(question.options)))
    how = f'Answer in a cell: quiz("{notebook}", "{"a" * len(questions)}"), one letter a question.'
    if _in_notebook():
        _show_buttons(questions, how)
    else:
        print(how)


def _questions(notebook: str) -> Sequence[Question]:
    try:
        return importlib.import_module(f"{__package__}.nb{notebook}").QUIZ
    except ModuleNotFoundError:
        raise ValueError(f"there is no quiz {notebook!r}; give a notebook's number as text, such as '08'") from None


def _mark(questions: Sequence[Question], answers: str) -> None:
    letters = [c for c in answers.lower() if c.isalpha()]
    if len(letters) != len(questions):
        raise ValueError(f"{len(letters)} answers for {len(questions)} questions; give one letter a question")
    for number, (question, letter) in enumerate(zip(questions, letters, strict=True), 1):
        if letter not in LETTERS[: len(question.options)]:
            raise ValueError(f"question {number} has no option {letter!r}")
        print(f"{number}. {_feedback(question, LETTERS.index(letter))}")
    right = sum(q.correct == LETTERS.index(c) for q, c in zip(questions, letters, strict=True))
    print(f"{right} of {len(questions)} right")


def _feedback(question: Question, index: int) -> str:
    mark = "✓" if index == question.correct else "✗"
    return f"{mark} {LETTERS[index]}) {question.options[index][1]}"


def _in_notebook() -> bool:
    try:
        import ipywidgets  # noqa: F401
        from IPython import get_ipython
    except ImportError:
        return False
    return hasattr(get_ipython(), "kernel")


def _show_buttons(questions: Sequence[Question], how: str) -> None:
    from html import escape

    import ipywidgets as w
    from IPython.display import display

    def row(number, question):
        letters = LETTERS[: len(question.options)]
        buttons = w.ToggleButtons(options=list(letters), value=None, description=f"{number}.")
        buttons.style.button_width = "3em"
        said = w.HTML()

        def answer(change):
            said.value = escape(_feedback(question, letters.index(change["new"])))

        buttons.observe(answer, "value")
        return w.VBox([buttons, said])

    rows = [row(number, question) for number, question in enumerate(questions, 1)]
    display(with_fallback(w.VBox(rows), how))
