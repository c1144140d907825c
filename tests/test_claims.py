import math

import pytest
import torch

from course_lib.claims import ClaimError, claim


@pytest.fixture(autouse=True)
def lesson(monkeypatch):
    monkeypatch.setenv("COURSE_BUDGET", "lesson")


@pytest.mark.parametrize(
    ("value", "op", "bound", "holds"),
    [
        (1, "<", 2, True),
        (2, "<", 2, False),
        (2, "<=", 2, True),
        (2.1, "<=", 2, False),
        (3, ">", 2, True),
        (2, ">", 2, False),
        (2, ">=", 2, True),
        (1.9, ">=", 2, False),
        (1, "in", (1, 2), True),
        (2, "in", (1, 2), True),
        (0.9, "in", (1, 2), False),
        (2.1, "in", (1, 2), False),
        (1, "in", (2, 1), False),
        (math.nan, "<", 2, False),
        (math.nan, "in", (0, 2), False),
        (-math.inf, "<", 2, False),
        (math.inf, ">", 2, False),
        (1, "<", math.nan, False),
    ],
)
@pytest.mark.parametrize("kind", [float, torch.tensor], ids=["float", "tensor"])
def test_a_claim_holds_or_raises(capsys, kind, value, op, bound, holds):
    if holds:
        claim("the loss", kind(value), op, bound)
        assert capsys.readouterr().out.startswith("✓ the loss: ")
    else:
        with pytest.raises(ClaimError, match=r"✗ the loss: .*, claimed "):
            claim("the loss", kind(value), op, bound)
        assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("op", "bound", "good", "bad"),
    [("<", 2, 1, 3), ("<=", 2, 2, 3), (">", 2, 3, 1), (">=", 2, 2, 1), ("in", (1, 2), 1.5, 3)],
)
def test_a_baseline_must_miss_the_bound(op, bound, good, bad):
    claim("the loss", good, op, bound, baseline=bad)
    with pytest.raises(ClaimError, match=r"baseline reaches .*; this shows nothing"):
        claim("the loss", good, op, bound, baseline=good)


def test_every_one_of_several_baselines_must_miss_the_bound():
    claim("accuracy", 0.9, ">", 0.5, baseline={"chance": 0.1, "class means": 0.4})
    with pytest.raises(ClaimError, match=r"class means reaches 0.6, which is > 0.5 too"):
        claim("accuracy", 0.9, ">", 0.5, baseline={"chance": 0.1, "class means": torch.tensor(0.6)})


def test_a_baseline_of_zero_is_a_baseline():
    with pytest.raises(ClaimError, match="baseline reaches 0"):
        claim("the loss", 1, "<", 2, baseline=0)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((0.123456, "<", 2), "✓ the loss: 0.1235 (< 2)\n"),
        ((1.5, "in", (1, 2)), "✓ the loss: 1.5 (in [1, 2])\n"),
        ((1, "<=", 2, 3), "✓ the loss: 1 (<= 2; baseline 3)\n"),
        ((1, "<", 2, {"noise": 3, "untrained": 543.21}), "✓ the loss: 1 (< 2; noise 3; untrained 543.2)\n"),
    ],
)
def test_a_claim_prints_its_numbers(capsys, arguments, line):
    claim("the loss", *arguments)
    assert capsys.readouterr().out == line


def test_a_smoke_run_is_marked_as_no_result(capsys, monkeypatch):
    monkeypatch.setenv("COURSE_BUDGET", "smoke")
    claim("the loss", 1, "<", 2)
    assert capsys.readouterr().out == "✓ the loss: 1 (< 2)  [smoke run: not a result]\n"


def test_a_claim_error_is_an_assertion_error():
    assert issubclass(ClaimError, AssertionError)


@pytest.mark.parametrize(
    ("op", "bound", "message"),
    [
        ("==", 1, "op is '=='; give one of <, <=, >, >=, in"),
        ("<", (1, 2), r"bound is \(1, 2\); give \(low, high\) with 'in', and one number with other operators"),
        ("in", 1, r"give \(low, high\) with 'in'"),
        ("in", (1,), r"give \(low, high\) with 'in'"),
        ("in", (0, 1, 2), r"give \(low, high\) with 'in'"),
    ],
)
def test_bad_input_is_refused(op, bound, message):
    with pytest.raises(ValueError, match=message):
        claim("the loss", 1, op, bound)


def test_nan_baseline_shows_nothing():
    with pytest.raises(ClaimError, match="noise is NaN"):
        claim("text", 1.0, ">", 0.0, {"noise": float("nan")})


def test_no_bound_claims_nothing_at_smoke(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_BUDGET", "smoke")
    claim("text", 1.0, ">", None, {"noise": 2.0})
    assert "nothing claimed" in capsys.readouterr().out


def test_no_bound_is_refused_at_other_budgets(monkeypatch):
    monkeypatch.setenv("COURSE_BUDGET", "lesson")
    with pytest.raises(ValueError, match="bound is None"):
        claim("text", 1.0, ">", None)


def test_numbers_that_require_a_gradient_are_taken_without_a_warning(recwarn, capsys):
    claim("loss", torch.tensor(1.0, requires_grad=True), "<", 2, {"noise": torch.tensor(3.0, requires_grad=True)})
    assert capsys.readouterr().out.startswith("✓ loss: 1 (< 2; noise 3)")
    assert not recwarn.list
