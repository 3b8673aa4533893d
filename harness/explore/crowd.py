"""Crowd: many faults of any kinds at once, upon all or a few parts of the venue; what is not needed is shrunk away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

from drydock.harness.explore.space import Cell, Space, pick
from drydock.harness.explore.strategy import Outcome, PlanSearcher, anchored
from drydock.harness.plan import Plan
from drydock.harness.port import Case, Fault
from drydock.harness.stream import Stream

_FAULTS_MIN = 24
_FAULTS_MAX = 48
_SHARES = (1, 3)  # one part of so many is struck
_HASTE = 2  # one crowd of so many is in haste
_HASTE_SHARE = 4  # of the planned night: there no wait is longer
_HASTE_MIN_MS = 1_000
_AGAIN = 2  # one fault of so many strikes where one of its kind met an operation
_MEETINGS_MAX = 16


class Meeting(NamedTuple):
    """Where and when a fault met an operation; ``offset_ms`` is from the step."""

    cell: Cell
    offset_ms: int


class Crowd(PlanSearcher):
    """A venue that survives most faults is asked about three dozen of them with every run.

    Where one fault of many is enough this finds it several times sooner than one at a time, for little more than the
    price of one run. Every other crowd strikes a third of the parts: there faults hide less of each other, because
    the other parts go on as ever. What hides other faults still (nobody trades any more) is the swarm's part, which
    leaves kinds out.

    Where so much waits for so long the operators never come to their last steps. So in every other crowd nothing takes
    longer than a quarter of the planned night.

    Most places and times have nothing to bend: no copy runs, nobody reads. Half of the faults strike where and when
    one of their kind met an operation lately, with fields of their own, so that two or three that are rarely met meet
    in one night.
    """

    name: ClassVar[str] = "crowd"
    sentence: ClassVar[str] = (
        "three dozen faults of any kinds at once, upon all parts of the venue or a third of them, in haste or not"
    )

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self._cells = frozenset(space.cells)
        self._haste_ms = max(_HASTE_MIN_MS, space.night.to_ms // _HASTE_SHARE)
        self._met: dict[str, list[Meeting]] = {}

    def next_plan(self, rng: Stream) -> Plan:
        """Faults upon some parts, as far as they are legal together."""
        by_kind = self._upon_some_parts(rng)
        kinds, size = tuple(by_kind), rng.between(_FAULTS_MIN, _FAULTS_MAX)
        faults = [self._fault(by_kind[pick(kinds, rng)], rng) for _ in range(size)]
        if rng.below(_HASTE) == 0:
            faults = [self.space.hurried(fault, self._haste_ms, rng) for fault in faults]
        return self.space.legal(faults)

    def learn(self, case: Case, outcome: Outcome) -> None:
        """Keeps the latest meetings of each kind, whoever proposed them."""
        for seen in outcome.evidence:
            cell = Cell(seen.kind, seen.step, seen.target)
            if seen.exercised and cell in self._cells:
                self._keep(Meeting(cell, case.plan[seen.index].offset_ms))

    def _keep(self, meeting: Meeting) -> None:
        known = self._met.setdefault(meeting.cell.kind, [])
        if meeting not in known:
            known.append(meeting)
            del known[:-_MEETINGS_MAX]

    def _fault(self, cells: Sequence[Cell], rng: Stream) -> Fault:
        """A fault of one of these cells, which are of one kind."""
        if rng.below(_AGAIN) == 0:
            parts = {_part(cell) for cell in cells}
            known = [meeting for meeting in self._met.get(cells[0].kind, ()) if _part(meeting.cell) in parts]
            if known:
                meeting = pick(known, rng)
                return self.space.placed(self.space.drawn(meeting.cell, rng), meeting.offset_ms)
        return anchored(self.space, pick(cells, rng), rng)

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
