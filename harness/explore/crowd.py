"""Crowd: many faults of any kinds at once; what is not needed is shrunk away."""

from __future__ import annotations

from typing import ClassVar

from drydock.harness.explore.strategy import PlanSearcher, anchored
from drydock.harness.plan import Plan
from drydock.harness.stream import Stream

_FAULTS_MIN = 16
_FAULTS_MAX = 32


class Crowd(PlanSearcher):
    """A venue that survives most faults is asked about two dozen of them with every run.

    Where one fault of many is enough this finds it several times sooner than one at a time, for little more than the
    price of one run. What hides other faults (nobody trades any more) is the swarm's part, which leaves kinds out.
    """

    name: ClassVar[str] = "crowd"
    sentence: ClassVar[str] = "two dozen faults of any kinds at once, at steps, beside them or anywhere"

    def next_plan(self, rng: Stream) -> Plan:
        """Faults of any cells, as far as they are legal together."""
        size = rng.between(_FAULTS_MIN, _FAULTS_MAX)
        return self.space.legal([anchored(self.space, self.cell(rng), rng) for _ in range(size)])
