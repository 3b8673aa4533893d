"""Anchored: one to four faults, their times tied to the steps of the runbook."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from drydock.harness.explore.space import Cell, Space
from drydock.harness.explore.strategy import Outcome, PlanSearcher, anchored
from drydock.harness.plan import Plan
from drydock.harness.port import Case
from drydock.harness.stream import Stream

_SIZES = (1, 2, 2, 3, 3, 4)


class Anchored(PlanSearcher):
    """Races of a maintenance lie around its steps, and mostly within seconds of them.

    Of two cells drawn, that is taken whose kind was more often exercised at its step: a service that is down there, a
    message that nobody sends, need not be tried as often.
    """

    name: ClassVar[str] = "anchored"
    sentence: ClassVar[str] = "one to four faults at a step, just before or after it, or any distance away"

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self._tried: Counter[tuple[str, str]] = Counter()
        self._exercised: Counter[tuple[str, str]] = Counter()

    def next_plan(self, rng: Stream) -> Plan:
        """A few faults: two tries of one kind each are one run with both; what is not needed is shrunk away."""
        size = _SIZES[rng.below(len(_SIZES))]
        return self.space.legal([anchored(self.space, self._promising(rng), rng) for _ in range(size)])

    def learn(self, case: Case, outcome: Outcome) -> None:
        """Counts which kinds had something to do at which step, whoever proposed them."""
        for seen in outcome.evidence:
            self._tried[seen.kind, seen.step] += 1
            self._exercised[seen.kind, seen.step] += seen.exercised

    def _promising(self, rng: Stream) -> Cell:
        one, other = self.cell(rng), self.cell(rng)
        return max(one, other, key=self._share_ppm)

    def _share_ppm(self, cell: Cell) -> int:
        """How often it was exercised, in ppm; a place that was never tried counts as exercised once."""
        at = (cell.kind, cell.step)
        return (self._exercised[at] + 1) * 1_000_000 // (self._tried[at] + 1)
