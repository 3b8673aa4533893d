"""Slips: what the operators themselves get wrong, alone, in twos, and with one fault beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from drydock.harness.explore.space import Cell, Space, pick
from drydock.harness.explore.strategy import PlanSearcher, anchored
from drydock.harness.plan import Plan
from drydock.harness.port import Case, Fault
from drydock.harness.stream import Stream


class Slips(PlanSearcher):
    """Every slip that the model offers is tried once by itself; then two, or one together with a fault.

    A slip in a branch that only an incident begins is tried beside what was reported, which may bring one about.
    A kind of slip that has fields (a delay) is drawn with other values once each was tried as it is offered.
    """

    name: ClassVar[str] = "slips"
    sentence: ClassVar[str] = "operators skip, repeat, swap or delay a step: one or two slips, at times with a fault"

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self._tried = 0
        reported = space.scenario.reported
        self._first: list[Plan] = [(slip,) for slip in space.slips]
        self._first += [space.legal([*reported, slip]) for slip in space.incident_slips]
        self._all = (*space.slips, *space.incident_slips)

    @property
    def scope(self) -> str:
        """How many slips were tried by themselves."""
        slips, later = len(self.space.slips), len(self.space.incident_slips)
        beside = f", {max(0, self._tried - slips):,} of {later:,} in an incident" if later else ""
        return f"{min(self._tried, slips):,} of {slips:,} slips alone{beside}"

    def propose(self, rng: Stream, count: int) -> Sequence[Case]:
        """Nothing where the model offers no slips."""
        return super().propose(rng, count) if self._all else []

    def next_plan(self, rng: Stream) -> Plan:
        """Single slips first, in the order of the runbook."""
        if self._tried < len(self._first):
            self._tried += 1
            return self._first[self._tried - 1]
        other = self._slip(rng) if rng.below(2) else anchored(self.space, self.cell(rng), rng)
        return self.space.legal([self._slip(rng), other])

    def _slip(self, rng: Stream) -> Fault:
        slip = pick(self._all, rng)
        cell = Cell(slip.kind, slip.step, slip.target)
        is_other = cell in self.space.by_kind.get(slip.kind, ()) and rng.below(2)
        return self.space.drawn(cell, rng) if is_other else slip
