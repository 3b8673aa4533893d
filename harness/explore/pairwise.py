"""Pairwise: a covering array of fault, step and target, and of faults together; the most uncovered first."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import ClassVar

from drydock.harness.explore.space import Cell, Space
from drydock.harness.explore.strategy import PlanSearcher, anchored
from drydock.harness.plan import Plan
from drydock.harness.report.words import count
from drydock.harness.stream import Stream

Pair = tuple[str, str, str]

_CANDIDATES = 24
_FAULTS = 3


class Pairwise(PlanSearcher):
    """Plans of three faults, so that every kind is seen at every step and target, and with every other kind.

    Pairs are (kind, step), (kind, target), (step, target) of each fault and (kind, kind) of two. Each fault is the best
    of a few that are drawn: the one with the most pairs that no plan had yet. Once all are covered it begins again.
    """

    name: ClassVar[str] = "pairwise"
    sentence: ClassVar[str] = "every pair of kind, step and target, and of kinds together, the most uncovered first"

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        within = {pair for cell in space.cells for pair in _within(cell)}
        self._all = within | {pair for one, other in combinations(space.kinds, 2) for pair in _between(one, other)}
        self._left = set(self._all)
        self._times = 0

    @property
    def scope(self) -> str:
        """How many pairs are covered."""
        again = f"; all of them {count(self._times, 'time')} before" if self._times else ""
        return f"{len(self._all) - len(self._left):,} of {len(self._all):,} pairs{again}"

    def next_plan(self, rng: Stream) -> Plan:
        """Faults that cover much together. A pair counts as covered once it is proposed and legal."""
        chosen: list[Cell] = []
        for _ in range(_FAULTS):
            chosen.append(max((self.cell(rng) for _ in range(_CANDIDATES)), key=lambda c: self._gain(c, chosen)))
        plan = self.space.legal([anchored(self.space, cell, rng) for cell in chosen])
        self._cover([Cell(fault.kind, fault.step, fault.target) for fault in plan])
        return plan

    def _gain(self, cell: Cell, others: list[Cell]) -> int:
        return len(self._left & set(_pairs(cell, others)))

    def _cover(self, cells: list[Cell]) -> None:
        for place, cell in enumerate(cells):
            self._left -= set(_pairs(cell, cells[:place]))
        if not self._left:
            self._left = set(self._all)
            self._times += 1


def _pairs(cell: Cell, others: list[Cell]) -> Iterator[Pair]:
    yield from _within(cell)
    for other in others:
        yield from _between(cell.kind, other.kind)


def _within(cell: Cell) -> Iterator[Pair]:
    yield "kind at step", cell.kind, cell.step
    yield "kind on target", cell.kind, cell.target
    yield "target at step", cell.target, cell.step


def _between(one: str, other: str) -> Iterator[Pair]:
    if one != other:
        yield "kinds together", min(one, other), max(one, other)
