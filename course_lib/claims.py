"""Claims: a statement with a number, a bound, and a baseline that must miss the bound."""

import math
import operator
from collections.abc import Mapping

from torch import Tensor

from .runtime import budget


class ClaimError(AssertionError):
    """A claim does not hold, or it holds for its baseline too."""


def _number(value) -> float:
    return float(value.detach() if isinstance(value, Tensor) else value)


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]


_OPERATORS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": _within,
}


def claim(text: str, value: float, op: str, bound, baseline: float | Mapping[str, float] | None = None) -> None:
    """Print ✓ with the numbers, or raise.

    Args:
        text: the statement.
        value: the measured number (a one-element tensor is fine).
        op: "<", "<=", ">", ">=", or "in" with `bound=(low, high)`.
        bound: what the value is held against. None, allowed at the budget `smoke` alone: just show the value, since a
            model that has hardly been trained supports no claim.
        baseline: the same measure for something that must fail (the untrained model, noise, class means, chance), or
            several by name. A claim that the baseline meets as well shows nothing, and raises.

    Raises:
        ClaimError: the claim is false or NaN, or a baseline meets the bound.
        ValueError: an unknown operator, or a bound that does not fit it (None at another budget than `smoke`, say).
    """
    if op not in _OPERATORS:
        raise ValueError(f"op is {op!r}; give one of {', '.join(_OPERATORS)}")
    if bound is None and budget() == "smoke":
        print(f"· {text}: {_number(value):.4g}  [smoke run: nothing claimed]")
        return
    if bound is None or (op == "in") != isinstance(bound, tuple) or (op == "in" and len(bound) != 2):
        raise ValueError(f"bound is {bound!r}; give (low, high) with 'in', and one number with other operators")
    value, holds = _number(value), _OPERATORS[op]
    wanted = f"in [{bound[0]:g}, {bound[1]:g}]" if op == "in" else f"{op} {float(bound):g}"
    if not math.isfinite(value) or not holds(value, bound):
        raise ClaimError(f"✗ {text}: {value:.4g}, claimed {wanted}")
    baselines = baseline if isinstance(baseline, Mapping) else {} if baseline is None else {"baseline": baseline}
    baselines = {name: _number(other) for name, other in baselines.items()}
    for name, other in baselines.items():
        if math.isnan(other):
            raise ClaimError(f"✗ {text}: {name} is NaN; this shows nothing")
        if holds(other, bound):
            raise ClaimError(f"✗ {text}: {name} reaches {other:.4g}, which is {wanted} too; this shows nothing")
    against = "".join(f"; {name} {other:.4g}" for name, other in baselines.items())
    note = "  [smoke run: not a result]" if budget() == "smoke" else ""
    print(f"✓ {text}: {value:.4g} ({wanted}{against}){note}")
