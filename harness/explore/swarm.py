"""Swarm: many faults of a few kinds, other kinds in each round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from drydock.harness.explore.strategy import Searcher, anchored
from drydock.harness.plan import Plan
from drydock.harness.port import Case
from drydock.harness.stream import Stream

_SHARE = 3  # one kind of so many takes part in a round
_KINDS_MIN = 3
_FAULTS_MIN = 3
_FAULTS_MAX = 9


class Swarm(Searcher):
    """Kinds hide each other: a service that is down receives no late message.

    A subset leaves most kinds out, and so lets the rest act; a plan of many faults tries many pairs of them at once,
    and what it breaks is shrunk afterwards.
    """

    name: ClassVar[str] = "swarm"
    sentence: ClassVar[str] = "many faults at once, of a subset of kinds that is drawn anew for each round"

    def propose(self, rng: Stream, count: int) -> Sequence[Case]:
        """All cases of a round draw from one subset."""
        if not self.space.kinds:
            return []
        kinds = self._subset(rng)
        return [self.case(self._plan(kinds, rng), rng) for _ in range(count)]

    def _subset(self, rng: Stream) -> tuple[str, ...]:
        known = self.space.kinds
        size = min(len(known), max(_KINDS_MIN, len(known) // _SHARE))
        order = rng.shuffled(list(range(len(known))))
        return tuple(known[place] for place in sorted(order[:size]))

    def _plan(self, kinds: Sequence[str], rng: Stream) -> Plan:
        size = rng.between(_FAULTS_MIN, _FAULTS_MAX)
        return self.space.legal([anchored(self.space, self.cell(rng, kinds), rng) for _ in range(size)])
