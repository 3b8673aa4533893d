"""Ties: the order of same-instant events, searched by order itself: shuffled, then in order but for one or a few."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from heapq import heapify, heappop, heappush
from typing import ClassVar, NamedTuple

from drydock.harness.event import Identity
from drydock.harness.explore.space import Space, pick
from drydock.harness.explore.strategy import Outcome, Searcher, anchored
from drydock.harness.plan import Plan
from drydock.harness.port import Case
from drydock.harness.signature import component_of
from drydock.harness.sim import Ties
from drydock.harness.stream import Stream
from drydock.harness.tie_log import Instant, Served

Meeting = tuple[str, str, str, str]
"""Who waits for whom, near which step, beside which fault: what makes two races the same to try."""

_SHUFFLED = 4  # one case of so many is shuffled by its seed
_RENEWED = 12  # and one of so many is the night of another fault
_NIGHTS_MAX = 6
_INSTANTS_MAX = 400
_LATE_MAX = 16
_NEAR_MS = 30_000
_FEW = 3


class Race(NamedTuple):
    """One occurrence made to wait: how far it is from a step, and whom it lets pass."""

    away_ms: int
    laggard: Identity
    meetings: frozenset[Meeting]


class _Night:
    """A night as FIFO has it, and the races in it that are still to be tried: most new meetings first, then nearest.

    Meetings that were seen elsewhere make a race less, never more, worth trying: so an estimate that is too high is
    corrected when it comes up, and the rest may stay as they are.
    """

    def __init__(self, case: Case, races: list[Race]) -> None:
        self.case = case
        self.races = races
        self._heap = [(-len(race.meetings), race.away_ms, place) for place, race in enumerate(races)]
        heapify(self._heap)

    def best(self, seen: set[Meeting]) -> Race | None:
        """The race that shows most meetings that were not seen yet; None where no race shows any."""
        while self._heap:
            estimate, away_ms, place = heappop(self._heap)
            worth = len(self.races[place].meetings - seen)
            if worth == -estimate:
                return self.races[place]
            if worth:
                heappush(self._heap, (-worth, away_ms, place))
        return None


class TieSearch(Searcher):
    """FIFO hides restart races, and a shuffled night shows many at once: so both, and then one race after another.

    A night in FIFO order is noted; each instant in which lanes meet gives occurrences that may wait for the others.
    First those that let pass whom nobody let pass before, near a step before far from it; then few at once.
    """

    name: ClassVar[str] = "ties"
    sentence: ClassVar[str] = "the order of same-instant events: shuffled, then one or a few laggards in FIFO order"

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self._turn = 0
        self._seen: set[Meeting] = set()
        self._nights: list[_Night] = []

    @property
    def scope(self) -> str:
        """How many meetings of two were turned round."""
        return f"{len(self._seen):,} meetings of two turned round"

    def propose(self, rng: Stream, count: int) -> list[Case]:
        """Needs no fault, and so no kind of fault."""
        return [self._next(rng) for _ in range(count)]

    def learn(self, case: Case, outcome: Outcome) -> None:
        """Keeps the races of a FIFO night."""
        if outcome.instants and outcome.strategy == self.name:
            self._nights = [*self._nights[1 - _NIGHTS_MAX :], _Night(case, list(self._races(case, outcome.instants)))]

    def _next(self, rng: Stream) -> Case:
        """Begins with every regime's plain night, shuffled and in FIFO order."""
        turn, self._turn = self._turn, self._turn + 1
        regimes = len(self.space.regimes)
        if turn < 2 * regimes:
            return self.case((), rng, Ties("fifo" if turn < regimes else "seeded"))
        if turn % _SHUFFLED == 0:
            return self.case(self._plan(rng), rng)
        race = None if turn % _RENEWED == 1 else self._race()
        if race is not None:
            return race
        return self._few_at_once(rng) if self._nights and turn % 2 else self.case(self._plan(rng), rng, Ties("fifo"))

    def _plan(self, rng: Stream) -> Plan:
        """No fault, or one: races that nothing but their order can show, and races that a fault brings together."""
        if not self.space.cells or rng.below(3) == 0:
            return ()
        return self.space.legal([anchored(self.space, self.cell(rng), rng)])

    def _race(self) -> Case | None:
        for night in reversed(self._nights):
            race = night.best(self._seen)
            if race is not None:
                self._seen |= race.meetings
                return replace(night.case, ties=Ties("fifo", (race.laggard,)))
        return None

    def _few_at_once(self, rng: Stream) -> Case:
        night = pick(self._nights, rng)
        if not night.races:
            return self.case(night.case.plan, rng)
        late = dict.fromkeys(pick(night.races, rng).laggard for _ in range(rng.between(1, _FEW)))
        return replace(night.case, ties=Ties("fifo", tuple(late)))

    # ---- what meets in a night -------------------------------------------------------------------------------
    def _races(self, case: Case, instants: tuple[Instant, ...]) -> Iterator[Race]:
        marks = self._marks(case.plan)
        beside = "+".join(fault.kind for fault in case.plan)
        near = sorted(instants, key=lambda instant: (_nearest(instant.at_ms, marks)[0], instant.at_ms))
        for instant in near[:_INSTANTS_MAX]:
            away_ms, step = _nearest(instant.at_ms, marks)
            place = step if away_ms <= _NEAR_MS else ""
            for number, one in enumerate(instant.served[:_LATE_MAX]):
                passed = (other for other in instant.served[number + 1 :] if other.lane != one.lane)
                meetings = frozenset((_who(one), _who(other), place, beside) for other in passed)
                if meetings:
                    yield Race(away_ms, one.identity, meetings)

    def _marks(self, plan: Plan) -> list[tuple[int, str]]:
        """When steps are planned and faults strike, as far as it is known beforehand."""
        planned = self.space.planned_ms
        marks = [(at_ms, step) for step, at_ms in planned.items()]
        return marks + [(planned[f.step] + f.offset_ms, f.step) for f in plan if f.step in planned]


def _nearest(at_ms: int, marks: list[tuple[int, str]]) -> tuple[int, str]:
    """(distance in ms, step) of the mark nearest to a time."""
    return min(((abs(at_ms - mark_ms), step) for mark_ms, step in marks), default=(0, ""))


def _who(one: Served) -> str:
    return f"{component_of(one.lane)}:{one.kind}"
