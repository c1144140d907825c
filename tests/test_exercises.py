import builtins
import json
import multiprocessing
import os
import sys
from datetime import datetime
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import books
import ipywidgets
import numpy as np
import pytest
import torch

import course_lib
from course_lib import exercises
from course_lib.exercises import Exercise, evaluate
from course_lib.exercises.progress import load_progress, progress_file, record

CATALOGUE = exercises.catalogue()
ALL = [e for records in CATALOGUE.values() for e in records.EXERCISES]
MISTAKES = [(e, wrong, hint) for e in ALL for wrong, hint in e.mistakes]
QUESTIONS = [(number, question) for number, records in CATALOGUE.items() for question in records.QUIZ]

each_exercise = pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.id)


# --- the records ---------------------------------------------------------------------------------------------------


@each_exercise
def test_oracle_is_right(exercise):
    answer = exercise.oracle if exercise.inputs else exercise.oracle()
    assert evaluate(exercise, answer) == ("right", f"Right, because {exercise.why}")


@pytest.mark.parametrize(("exercise", "wrong", "hint"), MISTAKES, ids=[f"{e.id} {h[:25]}" for e, _, h in MISTAKES])
def test_mistake_gets_its_own_hint(exercise, wrong, hint):
    assert evaluate(exercise, wrong) == ("mistake", hint)


@each_exercise
def test_exercise_lists_three_mistakes_with_hints_of_their_own(exercise):
    hints = [hint for _, hint in exercise.mistakes]
    assert len(hints) >= 3
    assert len(set(hints)) == len(hints)
    assert all(hint.endswith(".") for hint in [*hints, exercise.why])


@pytest.fixture(scope="module", params=ALL, ids=lambda e: e.id)
def in_notebook(request):
    """An exercise, its answer as the notebook hands it over, and as the notebook solves it."""
    book = books.of(request.param.id.split(".")[0])
    return request.param, *books.answers(book, books.tasks(book)[request.param.id])


def test_stub_is_not_attempted(in_notebook):
    exercise, handed_over, _ = in_notebook
    assert evaluate(exercise, handed_over).status == "not attempted"


def test_solution_is_right(in_notebook):
    exercise, _, solution = in_notebook
    assert evaluate(exercise, solution).status == "right"


def test_ids_are_unique_and_belong_to_their_notebook():
    assert len({e.id for e in ALL}) == len(ALL)
    for number, records in CATALOGUE.items():
        assert [e.id for e in records.EXERCISES] == [f"{number}.{i}" for i in range(1, len(records.EXERCISES) + 1)]
        assert {e.level for e in records.EXERCISES} <= {1, 2, 3}


def test_records_and_notebooks_match():
    assert list(CATALOGUE) == [path.name[:2] for path in books.PATHS]


def test_each_notebook_asks_four_questions():
    assert all(len(records.QUIZ) >= 4 for records in CATALOGUE.values())


@pytest.mark.parametrize(("number", "question"), QUESTIONS, ids=[f"{n} {q.text[:25]}" for n, q in QUESTIONS])
def test_question_has_options_with_feedback_and_one_that_is_right(number, question):
    assert 2 <= len(question.options) <= len("abcdef")
    assert all(text and feedback for text, feedback in question.options)
    assert question.correct in range(len(question.options))
    right = [feedback.startswith("Right: ") for _, feedback in question.options]
    assert right.index(True) == question.correct
    assert sum(right) == 1


def test_right_answers_are_not_all_at_the_same_letter():
    for records in CATALOGUE.values():
        assert len({question.correct for question in records.QUIZ}) > 1


# --- the engine ----------------------------------------------------------------------------------------------------


def draw(generator):
    return (torch.randn(3, generator=generator, dtype=torch.float64),)


def make(**changes):
    """The exercise "double x", with some of its fields changed."""
    fields = {
        "id": "99.1",
        "title": "Double",
        "level": 1,
        "inputs": draw,
        "oracle": lambda x: 2 * x,
        "why": "x + x is 2x.",
        "mistakes": [(lambda x: x / 2, "This is half."), (lambda x: x**2, "This is the square.")],
    }
    return Exercise(**fields | changes)


def value(oracle, mistakes=(), **changes):
    """An exercise whose answer is a value."""
    return make(inputs=None, oracle=lambda: oracle, mistakes=mistakes, **changes)


@pytest.mark.parametrize("exercise", [make(), value(784)], ids=["function", "value"])
@pytest.mark.parametrize("answer", [None, ...])
def test_nothing_given_is_not_attempted(exercise, answer):
    assert evaluate(exercise, answer) == ("not attempted", "Not attempted yet.")


@pytest.mark.parametrize(("answer", "came"), [(torch.ones(3), "[1.0, 1.0, 1.0] of shape (3,)"), (4, "4"), ("x", "'x'")])
def test_value_in_place_of_a_function_is_an_error(answer, came):
    result = evaluate(make(), answer)
    assert result == ("error", f"A function is wanted, {came} came. Pass the function, without calling it.")


def test_exception_is_named_with_the_learners_line():
    def answer(x):
        y = x + 1
        return y.undefined_name

    result = evaluate(make(), answer)
    assert result.status == "error"
    assert result.message.startswith("Your code raises AttributeError at `return y.undefined_name`: 'Tensor' object")


def test_exception_inside_a_library_is_named_with_the_learners_line():
    def answer(x):
        return torch.nn.functional.binary_cross_entropy_with_logits(x, x[:1])

    message = evaluate(make(), answer).message
    assert "raises ValueError at `return torch.nn.functional.binary_cross_entropy_with_logits(x, x[:1])`" in message


def test_exception_without_a_line_is_named_all_the_same():
    result = evaluate(make(), lambda: 0)
    assert result.status == "error"
    assert result.message.startswith("Your code raises TypeError: ")


def test_long_exception_is_cut():
    def answer(x):
        raise ValueError("y" * 1000)

    assert len(evaluate(make(), answer).message) < 300


def empty_stub(x): ...


def stub_with_docstring(x):
    """Twice x."""


def pass_stub(x):
    pass


@pytest.mark.parametrize("stub", [empty_stub, stub_with_docstring, pass_stub, lambda x: None])
def test_function_without_a_body_is_not_attempted(stub):
    assert evaluate(make(), stub).status == "not attempted"


def test_function_that_forgets_to_return_is_told_so():
    def answer(x):
        y = 2 * x  # noqa: F841

    assert evaluate(make(), answer) == ("error", "Your function returns None. End it with `return` and the result.")


def test_callable_object_that_returns_none_is_not_taken_for_an_error():
    class Answer:
        def __call__(self, x):
            return None

    assert evaluate(make(), Answer()).status == "not attempted"


def test_wrong_shape_says_what_came_and_what_was_wanted():
    result = evaluate(make(), lambda x: (2 * x).sum())
    assert result.status == "wrong"
    assert "of shape () came, [" in result.message
    assert result.message.endswith("of shape (3,) was wanted.")


@pytest.mark.parametrize(
    ("answer", "came"), [(lambda x: "2x", "'2x'"), (lambda x: {"x": x}, "{'x': "), (lambda x: abs, "The function abs")]
)
def test_answer_that_is_no_number_says_what_came(answer, came):
    result = evaluate(make(), answer)
    assert result.status == "wrong"
    assert result.message.startswith(came)
    assert "was wanted" in result.message


def test_general_difference_names_the_first_input_on_which_it_shows():
    exercise = make(
        inputs=lambda g: (torch.randint(1000, (), generator=g).item(),), oracle=lambda x: 2 * x, mistakes=[]
    )
    seen = []
    evaluate(exercise, lambda x: seen.append(x) or 0)
    third = seen[2]
    assert third not in seen[:2]
    result = evaluate(exercise, lambda x: 2 * x if x in seen[:2] else -1)
    assert result == ("wrong", f"Not equal yet. For the input {third}: -1 came, {2 * third} was wanted.")


def test_large_tensors_are_described_by_shape_and_mean():
    exercise = make(inputs=lambda g: (torch.full((5,), 3.0),), mistakes=[])
    described = "a tensor of shape (5,) with mean"
    message = f"Not equal yet. For the input {described} 3: {described} 4 came, {described} 6 was wanted."
    assert evaluate(exercise, lambda x: x + 1) == ("wrong", message)


def test_answers_that_differ_in_late_digits_are_told_with_more_digits():
    exercise = make(oracle=lambda x: torch.tensor(1.0).double(), mistakes=[], tolerance=1e-9)
    message = evaluate(exercise, lambda x: torch.tensor(1.000001).double()).message
    assert "[1.000001] of shape () came, [1.0] of shape () was wanted" in message


def test_tuples_are_compared_entry_by_entry():
    exercise = make(oracle=lambda x: (x, 2 * x), mistakes=[])
    assert evaluate(exercise, lambda x: [x, 2 * x]).status == "right"
    for answer in (lambda x: (x, x), lambda x: (x,), lambda x: (x, 2 * x, x)):
        result = evaluate(exercise, answer)
        assert result.status == "wrong"
        assert result.message.startswith("Not equal yet. For the input ")
        assert ": ([" in result.message


def test_code_as_handed_over_is_not_attempted():
    exercise = make(handed_over=lambda x: x)
    result = evaluate(exercise, lambda x: x + 0)
    assert result.status == "not attempted"
    assert "handed over" in result.message
    assert evaluate(exercise, lambda x: x / 2).status == "mistake"
    assert evaluate(make(), lambda x: x + 0).status == "wrong"


@pytest.mark.parametrize(
    ("answer", "status"),
    [(lambda x: x.mul_(2), "right"), (lambda x: x.div_(2), "mistake"), (lambda x: x.zero_(), "wrong")],
)
def test_answers_that_change_their_inputs_are_judged_as_others(answer, status):
    assert evaluate(make(), answer).status == status
    assert evaluate(make(), lambda x: 2 * x).status == "right"


def test_randomness_inside_answers_is_seeded_and_the_global_generator_stays():
    exercise = make(oracle=lambda x: x + torch.randn(3), mistakes=[(lambda x: x - torch.randn(3), "Add the noise.")])
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    assert evaluate(exercise, lambda x: x + torch.randn(3)).status == "right"
    assert evaluate(exercise, lambda x: x - torch.randn(3)).status == "mistake"
    assert evaluate(exercise, lambda x: 2 * x).status == "wrong"
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


def test_randomness_inside_answers_is_the_same_whatever_was_drawn_before():
    draws = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        evaluate(make(), lambda x: draws.append(torch.rand(()).item()))
    assert draws[:5] == draws[5:]
    assert len(set(draws)) == 5


def test_inputs_differ_between_trials_and_not_between_answers():
    first, second = [], []
    evaluate(make(), lambda x: first.append(x))
    evaluate(make(), lambda x: second.append(x))
    assert len({tuple(x.tolist()) for x in first}) == len(first) == 5
    assert all(map(torch.equal, first, second))


@pytest.mark.parametrize("answer", [784, 784.0, torch.tensor(784), torch.tensor(784.0), np.int64(784), np.float32(784)])
def test_number_may_be_given_in_any_type(answer):
    assert evaluate(value(784), answer).status == "right"


@pytest.mark.parametrize("answer", [783, 785.0, "784", [784, 784], float("nan"), float("inf"), {}, len, 10**30])
def test_wrong_value_is_wrong_and_does_not_give_the_answer_away(answer):
    result = evaluate(value(784), answer)
    assert result.status == "wrong"
    assert "is not it" in result.message
    assert "784 was wanted" not in result.message


@pytest.mark.parametrize(("answer", "status"), [("Normal", "right"), (" normal\n", "right"), ("Cauchy", "wrong")])
def test_words_are_compared_without_case_and_blanks(answer, status):
    assert evaluate(value("normal"), answer).status == status


def test_nan_equals_nan_alone():
    exercise = make(oracle=lambda x: x * float("nan"), mistakes=[])
    assert evaluate(exercise, lambda x: x * float("nan")).status == "right"
    assert evaluate(exercise, lambda x: x).status == "wrong"
    assert evaluate(make(), lambda x: x * float("nan")).status == "wrong"


@pytest.mark.parametrize(("factor", "status"), [(1.009, "right"), (1.03, "wrong")])
def test_tolerance_decides(factor, status):
    exercise = make(inputs=lambda g: (torch.ones(3),), mistakes=[], tolerance=0.01)
    assert evaluate(exercise, lambda x: factor * 2 * x).status == status


def test_answer_that_needs_gradients_is_judged_as_others():
    assert evaluate(make(), lambda x: x.clone().requires_grad_() * 2).status == "right"


def test_loss_of_the_right_value_that_no_gradient_passes_is_wrong():
    exercise = exercises.find("08.14")
    result = evaluate(exercise, lambda out, x: exercise.oracle(out.detach(), x))
    assert result.status == "wrong"
    assert "no gradient reaches the decoder" in result.message


# --- check and progress --------------------------------------------------------------------------------------------


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A progress file of one's own, in a folder that does not exist yet."""
    path = tmp_path / "new" / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    return path


def test_check_prints_the_verdict_and_records_it(stored, capsys):
    exercises.check("00.1", 28)
    assert capsys.readouterr().out.startswith("✗ 00.1 · How many numbers make one image? · 28 is one row")
    assert load_progress()["00.1"]["status"] == "mistake"
    exercises.check("00.1", 784)
    assert capsys.readouterr().out.startswith("✓ 00.1 · How many numbers make one image? · Right, because ")
    assert (load_progress()["00.1"]["status"], load_progress()["00.1"]["attempts"]) == ("right", 2)


def test_check_of_a_stub_is_no_attempt(stored, capsys):
    exercises.check("00.1", ...)
    assert capsys.readouterr().out == "○ 00.1 · How many numbers make one image? · Not attempted yet.\n"
    assert not stored.exists()


def test_unknown_exercise_is_refused_with_those_there_are(stored):
    with pytest.raises(ValueError, match=r"there is no exercise '08\.99'; there are 00\.1, .*08\.1, .*08\.14"):
        exercises.check("08.99", 1)


def test_attempts_are_counted_and_right_stays_right(stored):
    for status in ("wrong", "right", "error"):
        record("08.1", status)
    record("08.2", "wrong")
    entries = json.loads(stored.read_text())
    assert {key: (entry["status"], entry["attempts"]) for key, entry in entries.items()} == {
        "08.1": ("right", 3),
        "08.2": ("wrong", 1),
    }
    assert load_progress() == entries
    assert [path.name for path in stored.parent.iterdir()] == ["progress.json"]


def test_failing_write_leaves_the_file_as_it_was(stored, monkeypatch, capsys):
    record("08.1", "right")
    before = stored.read_text()

    def full(path, text, **options):
        with open(path, "w") as file:
            file.write(text[:5])
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        record("08.2", "right")
    assert "Progress is not kept: No space left on device. Set COURSE_PROGRESS" in capsys.readouterr().out
    assert stored.read_text() == before
    assert [path.name for path in stored.parent.iterdir()] == ["progress.json"]


DAMAGED = {
    "truncated": b'{"08.1": {"status": "rig',
    "empty": b"",
    "a list": b"[1, 2]",
    "no entries": b'{"08.1": 3}',
    "wrong types": b'{"08.1": {"status": 1, "attempts": "many"}}',
    "missing keys": b'{"08.1": {}}',
    "binary": bytes(range(256)),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_damaged_file_is_kept_aside_and_a_new_one_begun(stored, capsys, content):
    stored.parent.mkdir()
    stored.write_bytes(content)
    record("08.1", "right")
    aside = [path for path in stored.parent.iterdir() if path != stored]
    assert [path.read_bytes() for path in aside] == [content]
    assert f"The progress file was damaged. It is kept as {aside[0]}" in capsys.readouterr().out
    assert load_progress()["08.1"]["attempts"] == 1
    assert capsys.readouterr().out == ""


def test_course_goes_on_where_nothing_can_be_written(tmp_path, monkeypatch, capsys):
    blocked = tmp_path / "a file"
    blocked.write_text("")
    monkeypatch.setenv("COURSE_PROGRESS", str(blocked / "progress.json"))
    exercises.check("00.1", 784)
    out = capsys.readouterr().out
    assert out.startswith("✓ 00.1")
    assert "Progress is not kept: " in out
    assert "Set COURSE_PROGRESS to a file that can be written." in out
    exercises.progress()
    assert f"0 of {len(ALL)} right" in capsys.readouterr().out


def record_often(exercise_id, barrier):
    barrier.wait()
    for _ in range(50):
        record(exercise_id, "wrong")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked here")
def test_two_processes_writing_at_once_leave_a_whole_file(stored):
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    writers = [context.Process(target=record_often, args=(f"08.{i}", barrier)) for i in (1, 2)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        load_progress()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert set(json.loads(stored.read_text())) <= {"08.1", "08.2"}
    assert [path.name for path in stored.parent.iterdir()] == ["progress.json"]


def test_progress_lies_in_the_home_folder_unless_told_otherwise(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("COURSE_PROGRESS", "")
    assert progress_file() == tmp_path / ".course_lib" / "progress.json"
    monkeypatch.delenv("COURSE_PROGRESS")
    assert progress_file() == tmp_path / ".course_lib" / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", "~/mine.json")
    assert progress_file() == tmp_path / "mine.json"


def test_progress_prints_where_one_stands(stored, capsys):
    record("00.1", "right")
    record("08.3", "wrong")
    record("08.3", "mistake")
    exercises.progress()
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[1]: line for line in lines if line.startswith("  ")}
    assert [line for line in lines if not line.startswith("  ")] == [
        *(f"{number} · {records.TITLE}" for number, records in CATALOGUE.items()),
        f"1 of {len(ALL)} right",
    ]
    assert list(rows) == [e.id for e in ALL]
    assert rows["00.1"].startswith("  ●○○  00.1   How many numbers make one image?")
    assert rows["00.1"].endswith("right  (1 attempts)")
    assert rows["08.3"].endswith("open  (2 attempts)")
    assert rows["08.1"].endswith("not attempted")


# --- the quiz ------------------------------------------------------------------------------------------------------

QUIZ = CATALOGUE["08"].QUIZ
RIGHT = "".join("abcdef"[question.correct] for question in QUIZ)


def assert_all_questions_in(text):
    for question in QUIZ:
        assert question.text in text
        for letter, (option, feedback) in zip("abcdef", question.options, strict=False):
            assert f"   {letter}) {option}\n" in text
            assert feedback not in text


def test_quiz_as_text_shows_questions_options_and_how_to_answer(capsys):
    exercises.quiz("08")
    text = capsys.readouterr().out
    assert_all_questions_in(text)
    assert text.endswith(f'Answer in a cell: quiz("08", "{"a" * len(QUIZ)}"), one letter a question.\n')


@pytest.mark.parametrize("option", range(3))
def test_quiz_marks_with_the_feedback_of_each_option(capsys, option):
    exercises.quiz("08", "abc"[option] * len(QUIZ))
    *lines, last = capsys.readouterr().out.splitlines()
    for number, (line, question) in enumerate(zip(lines, QUIZ, strict=True), 1):
        mark = "✓" if option == question.correct else "✗"
        assert line == f"{number}. {mark} {'abc'[option]}) {question.options[option][1]}"
    assert last == f"{sum(q.correct == option for q in QUIZ)} of {len(QUIZ)} right"


@pytest.mark.parametrize("answers", [RIGHT, RIGHT.upper(), " ".join(RIGHT), ", ".join(RIGHT)])
def test_quiz_takes_answers_in_any_writing(capsys, answers):
    exercises.quiz("08", answers)
    assert f"{len(QUIZ)} of {len(QUIZ)} right" in capsys.readouterr().out


@pytest.mark.parametrize(("answers", "told"), [("", "0 answers for 5"), ("abcd", "4 answers for 5"), (RIGHT * 2, "10")])
def test_quiz_refuses_another_number_of_answers(answers, told):
    with pytest.raises(ValueError, match=rf"{told}.*give one letter a question"):
        exercises.quiz("08", answers)


@pytest.mark.parametrize("letter", ["d", "z", "é"])
def test_quiz_refuses_an_option_that_is_not_there(letter):
    with pytest.raises(ValueError, match=f"question 1 has no option '{letter}'"):
        exercises.quiz("08", letter + RIGHT[1:])


@pytest.mark.parametrize("notebook", ["99", "8", 8, "", "../08"])
def test_quiz_of_an_unknown_notebook_is_refused(notebook):
    with pytest.raises(ValueError, match="there is no quiz"):
        exercises.quiz(notebook)


@pytest.fixture
def kernel(monkeypatch):
    """As in a notebook: a kernel runs. Yields what is displayed."""
    shown = []
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setattr("IPython.display.display", shown.append)
    return shown


def test_quiz_in_a_notebook_has_buttons_that_give_feedback(kernel, capsys):
    exercises.quiz("08")
    assert_all_questions_in(capsys.readouterr().out)
    (widget,) = kernel
    assert len(widget.children) == len(QUIZ)
    for row, question in zip(widget.children, QUIZ, strict=True):
        buttons, said = row.children
        assert isinstance(buttons, ipywidgets.ToggleButtons)
        assert (buttons.value, said.value) == (None, "")
        assert len(buttons.options) == len(question.options)
        for i, (_, feedback) in enumerate(question.options):
            buttons.value = buttons.options[i]
            mark = "✓" if i == question.correct else "✗"
            assert unescape(said.value) == f"{mark} {'abc'[i]}) {feedback}"


def test_quiz_in_a_notebook_says_how_to_answer_where_no_kernel_runs(kernel):
    exercises.quiz("08")
    bundle = kernel[0]._repr_mimebundle_()
    assert bundle["text/plain"].startswith('Answer in a cell: quiz("08", "aaaaa")')


def test_quiz_without_ipywidgets_is_text(kernel, monkeypatch, capsys):
    imports = builtins.__import__

    def blocked(name, *args, **kwargs):
        if name.startswith("ipywidgets"):
            raise ImportError(name)
        return imports(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "ipywidgets")
    monkeypatch.setattr(builtins, "__import__", blocked)
    exercises.quiz("08")
    assert_all_questions_in(text := capsys.readouterr().out)
    assert "Answer in a cell" in text
    assert kernel == []


def test_a_general_hint_names_the_input_for_compared_tuples_too():
    result = exercises.evaluate(exercises.find("08.14"), lambda out, x: 2 * (out - x).square().sum(1))
    assert result.status == "wrong"
    assert result.message.startswith("Not equal yet. For the input a tensor of shape (5, 784)")


# --- export --------------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A current folder of one's own, beside the progress file."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_export_lists_every_exercise_with_where_one_stands(stored, home, capsys):
    record("00.1", "right")
    record("08.3", "wrong")
    record("08.3", "mistake")
    path = exercises.export(name="Ada")
    assert capsys.readouterr().out == f"Your progress is in {path}: 1 of {len(ALL)} exercises right.\n"
    card = json.loads(path.read_text(encoding="utf-8"))
    assert list(card) == ["course_lib", "name", "exported", "exercises", "right", "of"]
    assert (card["course_lib"], card["name"]) == (course_lib.__version__, "Ada")
    assert (card["right"], card["of"]) == (1, len(ALL))
    assert list(card["exercises"]) == [e.id for e in ALL]
    attempted = {"00.1": ("right", 1), "08.3": ("mistake", 2)}
    for e in ALL:
        entry = card["exercises"][e.id]
        status, attempts = attempted.get(e.id, ("not attempted", 0))
        assert list(entry) == ["title", "level", "status", "attempts", "when"]
        assert (entry["title"], entry["level"], entry["status"]) == (e.title, e.level, status)
        assert entry["attempts"] == attempts
        assert (entry["when"] is None) == (attempts == 0)


def test_export_says_when_with_the_zone_of_the_clock(stored, home):
    exported = datetime.fromisoformat(json.loads(exercises.export().read_text())["exported"])
    assert abs((datetime.now().astimezone() - exported).total_seconds()) < 5


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Ada", "course-progress-Ada.json"),
        ("王 伟", "course-progress-王-伟.json"),
        ("../../etc/passwd", "course-progress-etc-passwd.json"),
        ("a/b\\c:d\n", "course-progress-a-b-c-d.json"),
        ("...", "course-progress-learner.json"),
        ("x" * 300, f"course-progress-{'x' * 60}.json"),
    ],
)
def test_export_makes_a_safe_file_name_in_the_current_folder(stored, home, name, file):
    assert exercises.export(name=name) == home / file
    assert [path.name for path in home.iterdir()] == [file]
    assert json.loads((home / file).read_text(encoding="utf-8"))["name"] == name


def test_export_without_a_name_takes_that_of_the_account(stored, home, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "grace")
    assert exercises.export() == home / "course-progress-grace.json"

    def unknown():
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("getpass.getuser", unknown)
    assert exercises.export() == home / "course-progress-learner.json"


def test_export_takes_a_file_or_a_folder(stored, home, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert exercises.export(tmp_path / "mine.json", "Ada") == tmp_path / "mine.json"
    assert exercises.export(str(tmp_path), "Ada") == tmp_path / "course-progress-Ada.json"
    assert exercises.export("~/of-mine.json") == tmp_path / "of-mine.json"
    assert list(home.iterdir()) == []


def test_export_replaces_an_earlier_one_and_leaves_it_whole_where_that_fails(stored, home, monkeypatch):
    path = exercises.export(name="Ada")
    record("00.1", "right")
    assert json.loads(exercises.export(name="Ada").read_text())["right"] == 1
    before = path.read_text()

    def full(path, text, **options):
        with open(path, "w") as file:
            file.write(text[:5])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        told = "Ada.json was not written: No space left on device; give a path in a folder that can be written"
        with pytest.raises(OSError, match=told):
            exercises.export(name="Ada")
    assert path.read_text() == before
    assert [path.name for path in home.iterdir()] == ["course-progress-Ada.json"]


def test_export_into_a_missing_folder_is_refused(stored, home):
    with pytest.raises(FileNotFoundError, match="there is no folder away; make it, or give a path in another one"):
        exercises.export("away/ada.json")
    assert list(home.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_export_into_a_folder_that_cannot_be_written_is_refused(stored, home):
    home.chmod(0o500)
    with pytest.raises(OSError, match="was not written: Permission denied; give a path"):
        exercises.export(name="Ada")


def test_export_of_a_damaged_progress_file_begins_at_nothing(stored, home, capsys):
    stored.parent.mkdir()
    stored.write_bytes(b"{")
    assert json.loads(exercises.export(name="Ada").read_text())["right"] == 0
    assert "The progress file was damaged" in capsys.readouterr().out
