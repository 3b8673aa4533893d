"""Shrinking without any simulation: cases of the toy, and a player who knows by hand which of them fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import Any

from drydock.harness.port import Case
from drydock.harness.shrink.shrink import Shrunk, shrink
from drydock.harness.signature import Signature
from drydock.harness.sim import Ties

BROKEN = Signature("T1", "counter/ticker")
OTHER = Signature("T2", "runbook")
Judge = Callable[[Case], Iterable[Signature]]


class ByHand:
    """Plays nothing: the judge says how a case fails. ``asked`` are the cases in the order in which they came."""

    def __init__(self, judge: Judge, width: int = 1) -> None:
        self.judge = judge
        self.width = width
        self.asked: list[Case] = []

    def seen(self, cases: Sequence[Case], asked: Signature | None = None) -> list[frozenset[Signature]]:
        """How each case fails, by hand."""
        self.asked += cases
        return [frozenset(s for s in self.judge(case) if asked in (None, s)) for case in cases]


def case_with(toy: ModuleType, *offsets_ms: int, ties: Ties | None = None, **changes: Any) -> Case:
    """A case whose faults are told apart by their offset."""
    plan = tuple(toy.SlowCount(offset_ms=-offset_ms, **changes) for offset_ms in offsets_ms)
    return Case(toy.scenario(), "busy", plan, 1, ties or Ties("fifo"))


def offsets_of(case: Case) -> set[int]:
    """Which faults are left."""
    return {-fault.offset_ms for fault in case.plan}


def shrunk_by_hand(toy: ModuleType, case: Case, judge: Judge, **options: Any) -> Shrunk:
    """Shrinks with a judge in the player's place."""
    return shrink(case, BROKEN, toy.ToyKit(), player=ByHand(judge), **options)


def broken_if(holds: bool, *more: Signature) -> list[Signature]:
    """What a judge says: the failure, if so, and others."""
    return [BROKEN, *more] if holds else list(more)
