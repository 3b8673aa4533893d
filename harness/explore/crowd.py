"""Crowd: many faults of any kinds at once, upon all or a few parts of the venue; what is not needed is shrunk away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from drydock.harness.explore.space import Cell, pick
from drydock.harness.explore.strategy import PlanSearcher, anchored
from drydock.harness.plan import Plan
from drydock.harness.stream import Stream

_FAULTS_MIN = 24
_FAULTS_MAX = 48
_SHARES = (1, 3)  # one part of so many is struck


class Crowd(PlanSearcher):
    """A venue that survives most faults is asked about three dozen of them with every run.

    Where one fault of many is enough this finds it several times sooner than one at a time, for little more than the
    price of one run. Every other crowd strikes a third of the parts: there faults hide less of each other, because
    the other parts go on as ever. What hides other faults still (nobody trades any more) is the swarm's part, which
    leaves kinds out.
    """

    name: ClassVar[str] = "crowd"
    sentence: ClassVar[str] = "three dozen faults of any kinds at once, upon all parts of the venue or a third of them"

    def next_plan(self, rng: Stream) -> Plan:
        """Faults upon some parts, as far as they are legal together."""
        by_kind = self._upon_some_parts(rng)
        kinds, size = tuple(by_kind), rng.between(_FAULTS_MIN, _FAULTS_MAX)
        cells = (pick(by_kind[pick(kinds, rng)], rng) for _ in range(size))
        return self.space.legal([anchored(self.space, cell, rng) for cell in cells])

    def _upon_some_parts(self, rng: Stream) -> Mapping[str, Sequence[Cell]]:
        """The cells of all or a third of the parts, by kind; of all where no part was drawn."""
        share = pick(_SHARES, rng)
        struck = {part for part in sorted({_part(cell) for cell in self.space.cells}) if rng.below(share) == 0}
        by_kind: dict[str, list[Cell]] = {}
        for cell in self.space.cells:
            if _part(cell) in struck:
                by_kind.setdefault(cell.kind, []).append(cell)
        return by_kind or self.space.by_kind


def _part(cell: Cell) -> str:
    """``funding`` of ``funding/load``."""
    return cell.target.partition("/")[0]
