"""Uniform: one to three faults, everything about them equally likely, time included. The baseline of the others."""

from __future__ import annotations

from typing import ClassVar

from drydock.harness.explore.space import pick
from drydock.harness.explore.strategy import PlanSearcher
from drydock.harness.plan import Plan
from drydock.harness.port import Fault
from drydock.harness.stream import Stream

SIZE_MAX = 3


class Uniform(PlanSearcher):
    """What somebody writes who knows nothing of runbooks: any fault, at any time of the night."""

    name: ClassVar[str] = "uniform"
    sentence: ClassVar[str] = "one to three faults of any kind at any time of the night: the baseline"

    def next_plan(self, rng: Stream) -> Plan:
        """Faults that know nothing of steps."""
        return self.space.legal([self._fault(rng) for _ in range(rng.between(1, SIZE_MAX))])

    def _fault(self, rng: Stream) -> Fault:
        """A fault at a time drawn from the whole night; it is noted by a step from which that time can be reached."""
        space, drawn = self.space, self.cell(rng)
        at_ms = rng.between(space.night.from_ms, space.night.to_ms)
        bounds = space.offsets(space.plain(drawn))
        near = [
            cell
            for cell in space.by_kind[drawn.kind]
            if cell.target == drawn.target and bounds.low <= at_ms - self._planned_ms(cell.step, at_ms) <= bounds.high
        ]
        cell = pick(near, rng) if near else drawn
        return space.placed(space.sampled(cell, rng), at_ms - self._planned_ms(cell.step, at_ms))

    def _planned_ms(self, step: str, otherwise_ms: int) -> int:
        """When a step is planned; an incident's has no plan, and is met as it comes."""
        return self.space.planned_ms.get(step, otherwise_ms)
