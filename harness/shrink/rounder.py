"""Rounder numbers: a story is told with 3 s, not with 2,872 ms, where both fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

from drydock.harness.port import Fault
from drydock.harness.typed import shapes_of


def rounder(fault: Fault) -> Iterator[Fault]:
    """Variants with one ranged field at fewer digits that count: one before two, towards zero before away from it.

    No variant is outside of its range. Each has fewer such digits than the fault, so rounding comes to an end.
    """
    given = cast(Any, fault)
    for shape in shapes_of(type(fault)):
        if shape.bounds is not None:
            for value in _rounded(getattr(fault, shape.name)):
                if shape.bounds.low <= value <= shape.bounds.high:
                    yield replace(given, **{shape.name: value})


def _rounded(number: int) -> Iterator[int]:
    sign, digits = (-1 if number < 0 else 1), str(abs(number))
    for kept in (1, 2):
        if len(digits.rstrip("0")) > kept:
            unit = int(10 ** (len(digits) - kept))
            down = abs(number) // unit * unit
            yield from (sign * down, sign * (down + unit))
