"""What a strategy is: it proposes cases, and hears what became of those that were played.

Strategies are siblings behind :class:`Strategy`. All that one does follows from the space, the streams that it is
given and the outcomes in order of proposal: no clock, no number of workers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from drydock.harness.bundle import SEED_BITS
from drydock.harness.explore.space import Cell, Space, pick
from drydock.harness.plan import Plan, sample_range
from drydock.harness.port import Case, Fault, Finding, Range
from drydock.harness.result import Evidence
from drydock.harness.signature import Signature
from drydock.harness.sim import Ties
from drydock.harness.stream import Stream
from drydock.harness.tie_log import Instant


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one run. ``failures`` are the signatures that count, each once, the earliest first.

    ``findings`` has the first of each signature; ``harm_quantums`` is in 1e-6 USD; ``instants`` are those in which
    lanes of the venue met, noted for runs with plain FIFO ties and empty for others.
    """

    number: int
    strategy: str
    digest: str
    failures: tuple[Signature, ...] = ()
    findings: tuple[Finding, ...] = ()
    harm_quantums: int = 0
    evidence: tuple[Evidence, ...] = ()
    instants: tuple[Instant, ...] = ()
    is_exhausted: bool = False
    error: str = ""


class Strategy(Protocol):
    """One way to search."""

    name: ClassVar[str]
    sentence: ClassVar[str]

    def propose(self, rng: Stream, count: int) -> Sequence[Case]:
        """At most ``count`` cases, the most promising first; fewer where it knows no more."""
        ...

    def learn(self, case: Case, outcome: Outcome) -> None:
        """Hears of a case that was played, whoever proposed it, in order of proposal."""
        ...

    @property
    def scope(self) -> str:
        """What it has covered of what there is, where that can be counted; else empty."""
        ...


class Searcher(ABC):
    """The base of the strategies: deals regimes in turn and seeds at random."""

    name: ClassVar[str]
    sentence: ClassVar[str]

    def __init__(self, space: Space) -> None:
        self.space = space
        self._dealt = 0

    @abstractmethod
    def propose(self, rng: Stream, count: int) -> Sequence[Case]:
        """At most ``count`` cases, the most promising first; fewer where it knows no more."""

    def learn(self, case: Case, outcome: Outcome) -> None:  # noqa: B027 - a strategy may leave it as it is
        """Most strategies need not hear."""

    @property
    def scope(self) -> str:
        """Nothing that could be counted."""
        return ""

    def case(self, plan: Plan, rng: Stream, ties: Ties | None = None) -> Case:
        """A case with this plan, in the next regime, under a seed of its own."""
        regime = self.space.regimes[self._dealt % len(self.space.regimes)]
        self._dealt += 1
        return Case(self.space.scenario, regime, plan, rng.bits(SEED_BITS), ties or Ties())

    def cell(self, rng: Stream, kinds: Sequence[str] = ()) -> Cell:
        """A cell: every kind equally likely, however many targets it has."""
        return pick(self.space.by_kind[pick(kinds or self.space.kinds, rng)], rng)


class PlanSearcher(Searcher):
    """The base of strategies that propose one plan after another, each in a case of its own."""

    def propose(self, rng: Stream, count: int) -> Sequence[Case]:
        """So many cases, each by :meth:`next_plan`."""
        return [self.case(self.next_plan(rng), rng) for _ in range(count)] if self.space.cells else []

    @abstractmethod
    def next_plan(self, rng: Stream) -> Plan:
        """The faults of the next case."""


NEAR_MS = 2_000
"""What is just before or just after a step: within so many ms."""


def anchored(space: Space, cell: Cell, rng: Stream) -> Fault:
    """A fault of this cell at its step, just beside it, at any order of magnitude from it, or anywhere in its range."""
    fault = space.drawn(cell, rng)
    bounds = space.offsets(fault)
    how = rng.below(8)
    if how < 2:
        return space.placed(fault, 0)
    if how >= 6:
        return space.placed(fault, sample_range(bounds, rng))
    reach_ms = NEAR_MS if how < 4 else max(-bounds.low, bounds.high, 1)
    away_ms = sample_range(Range(1, reach_ms, log=True), rng)
    is_before = bounds.low < 0 and (bounds.high <= 0 or rng.below(2) == 0)
    return space.placed(fault, -away_ms if is_before else away_ms)
