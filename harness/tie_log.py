"""Which occurrences shared an instant, and in which order they were served: what a search over races needs.

An occurrence is named exactly as a laggard names it: lane, kind, and the how-manieth of that lane and kind was
*scheduled*. So whatever is found here can be put into :class:`~drydock.harness.sim.Ties` as it is. A night is played
with a Sim that takes notes; order, digest and findings are those of any other run of the case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heappush
from typing import Any, NamedTuple

from simpy.events import NORMAL, Event as SimpyEvent, Timeout

from drydock.harness.event import Identity
from drydock.harness.port import Case, Kit, Law, WorldMaker
from drydock.harness.result import RunResult
from drydock.harness.run import FAULT_LANES, run_case
from drydock.harness.sim import DEFAULT_EVENT_BUDGET, Lane, NamedTimeout, Sim, Ties

_PLACES_MAX = 12
_NOTED_MAX = 10_000
"""Occurrences of one instant that are noted: one with more is a loop without delay, and would fill the memory."""


class Served(NamedTuple):
    """One occurrence that was served. ``inserted`` numbers all of a run in the order in which FIFO would serve them."""

    lane: str
    kind: str
    nth: int
    inserted: int

    @property
    def identity(self) -> Identity:
        """As a laggard names it."""
        return self.lane, self.kind, self.nth


class Instant(NamedTuple):
    """A millisecond in which two or more lanes were served, and what was served in it, in that order."""

    at_ms: int
    served: tuple[Served, ...]

    @property
    def lanes(self) -> frozenset[str]:
        """Who met there."""
        return frozenset(one.lane for one in self.served)


class TieLogSim(Sim):
    """A Sim that notes every instant in which two or more lanes are served.

    Starts and interrupts of processes (URGENT) and the harness's own stops are no part of a race, and are left out.
    """

    def __init__(
        self,
        seed: int,
        ties: Ties | None = None,
        *,
        keep_trace: bool = False,
        event_budget: int = DEFAULT_EVENT_BUDGET,
    ) -> None:
        super().__init__(seed, ties, keep_trace=keep_trace, event_budget=event_budget)
        self._log: list[Instant] = []
        self._open_ms = -1
        self._open: list[Served] = []

    def instants(self) -> tuple[Instant, ...]:
        """What was noted so far, in order of time."""
        self._close(-1)
        return tuple(self._log)

    def schedule(self, event: SimpyEvent, priority: Any = NORMAL, delay: Any = 0) -> None:
        """As :meth:`Sim.schedule`, with a note."""
        if priority != NORMAL or delay.__class__ is not int:
            super().schedule(event, priority, delay)
            return
        self._push(self.now_ms + delay, self._fire, event, self.lane, getattr(event, "kind_name", "wake"))

    def call_in(self, delay_ms: int, handler: Callable[[Any], None], arg: Any, lane: Lane, kind: str = "call") -> None:
        """As :meth:`Sim.call_in`, with a note."""
        if delay_ms < 0:
            super().call_in(delay_ms, handler, arg, lane, kind)
        self._push(self.now_ms + delay_ms, handler, arg, lane, kind)

    def sleep(self, delay_ms: int, kind: str = "wake") -> Timeout:
        """As :meth:`Sim.sleep`; always by name."""
        return NamedTimeout(self, delay_ms, kind)

    def _push(self, at_ms: int, handler: Callable[[Any], None], arg: Any, lane: Lane, kind: str) -> None:
        tie = self._lag(lane, kind, self._tie(lane, at_ms), at_ms)
        self._count += 1
        noted = (handler, arg, Served(lane.name, kind, lane.scheduled[kind], self._count))
        heappush(self._queue, (at_ms, NORMAL, tie, self._count, self._serve, noted, lane, self.cause))

    def _serve(self, noted: tuple[Callable[[Any], None], Any, Served]) -> None:
        handler, arg, served = noted
        if self.now_ms != self._open_ms:
            self._close(self.now_ms)
        if len(self._open) < _NOTED_MAX:
            self._open.append(served)
        handler(arg)

    def _close(self, next_ms: int) -> None:
        """Keeps the instant that is over, if lanes met in it."""
        if any(one.lane != self._open[0].lane for one in self._open):
            self._log.append(Instant(self._open_ms, tuple(self._open)))
        self._open_ms, self._open = next_ms, []


def play_logged(
    case: Case,
    kit: Kit,
    *,
    keep_trace: bool = False,
    laws: Sequence[Law] | None = None,
    world_maker: WorldMaker | None = None,
    event_budget: int = DEFAULT_EVENT_BUDGET,
) -> tuple[RunResult, tuple[Instant, ...]]:
    """:func:`~drydock.harness.run.run_case`, and the instants in which lanes met. The result is the same."""
    made: list[TieLogSim] = []

    def maker(seed: int, ties: Ties | None = None, *, keep_trace: bool = False, event_budget: int = 0) -> Sim:
        made.append(TieLogSim(seed, ties, keep_trace=keep_trace, event_budget=event_budget))
        return made[0]

    result = run_case(
        case,
        kit,
        keep_trace=keep_trace,
        laws=laws,
        world_maker=world_maker,
        event_budget=event_budget,
        sim_maker=maker,
    )
    return result, made[0].instants()


def tied_instants(log: Iterable[Instant]) -> tuple[Instant, ...]:
    """The instants in which two or more lanes *of the venue* meet, without the lanes of the faults.

    A fault that is served earlier or later in its instant is a fault at another time, and no race of the venue's own.
    """
    bare = (Instant(at_ms, tuple(one for one in served if not _is_faults(one.lane))) for at_ms, served in log)
    return tuple(instant for instant in bare if len(instant.lanes) > 1)


def laggards_like(log: Iterable[Instant]) -> tuple[Identity, ...]:
    """What was served behind an occurrence of its instant that had been inserted later, in order of time.

    As laggards under FIFO they come closest to the order of the run that was noted. It is not always reached: laggards
    of one instant follow each other in their order of insertion.
    """
    late: list[Identity] = []
    for instant in log:
        newest = 0
        for one in instant.served:
            if one.inserted < newest:
                late.append(one.identity)
            newest = max(newest, one.inserted)
    return tuple(late)


def laggards_behind(log: Sequence[Instant]) -> Iterator[tuple[Identity, ...]]:
    """One set of laggards after another: what waits, in every instant, for the lanes up to the n-th that was served.

    Where a third lane overtook two that had changed places, both are late in :func:`laggards_like`, and so stand again
    as they were inserted. With any two lanes there is a place between them, and of these sets the one of that place
    turns them round; for instants of very many lanes some places are left out.
    """
    lanes = [tuple(dict.fromkeys(one.lane for one in instant.served)) for instant in log]
    places = min(_PLACES_MAX, max(map(len, lanes), default=1) - 1)
    for place in range(places):
        late: list[Identity] = []
        for instant, known in zip(log, lanes, strict=True):
            first = known[: 1 + place * (len(known) - 1) // places]
            newest = max(one.inserted for one in instant.served if one.lane in first)
            late += (one.identity for one in instant.served if one.lane not in first and one.inserted < newest)
        yield tuple(late)


def _is_faults(lane: str) -> bool:
    return lane.startswith(FAULT_LANES)
