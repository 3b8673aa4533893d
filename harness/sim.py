"""Physics: a SimPy environment with an integer clock, lanes, ties, identities, causes and an event budget.

SimPy serves events of one instant first-in first-out and so hides restart races. Here the order of
an instant is a function of (seed, lane, millisecond); inside a lane the order of insertion decides, so a client's
cancel never overtakes his own place. URGENT events, with which SimPy itself starts and interrupts processes, are
never shuffled.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

import simpy
from simpy.core import StopSimulation
from simpy.events import NORMAL, URGENT, Event as SimpyEvent, Process, Timeout

from drydock.harness.event import Event, Identity
from drydock.harness.recorder import Recorder
from drydock.harness.stream import Stream, derive_seed

Steps = Generator[SimpyEvent, Any, Any]
_MASK = 0xFFFFFFFF
_LAST = 1 << 33  # beyond every tie key: a laggard is served last in its instant
DEFAULT_EVENT_BUDGET = 20_000_000
_new_event = tuple.__new__  # half the price of calling the NamedTuple's own constructor, which does just this


class BudgetExhausted(Exception):
    """The run used up its event budget: a loop without delay, or a night too large for it."""


class Ended(Exception):
    """Whoever plays the run knows enough: see :meth:`Sim.end`."""


@dataclass(frozen=True, slots=True)
class Ties:
    """How same-instant events are ordered: ``seeded``, or ``fifo`` with laggards that are served last.

    What a laggard's lane schedules after it for the same instant waits with it: inside a lane order is kept.
    """

    mode: str = "seeded"
    laggards: tuple[Identity, ...] = ()

    def __post_init__(self) -> None:
        if self.mode not in ("seeded", "fifo"):
            raise ValueError(f"ties: '{self.mode}' is not allowed; seeded or fifo")
        if self.laggards and self.mode != "fifo":
            raise ValueError("ties: laggards need fifo; with seeded ties the seed alone decides")


class Lane:
    """One named process, client session or channel: the unit inside which order is kept."""

    __slots__ = ("name", "salt", "emitted", "scheduled", "late")

    def __init__(self, name: str, salt: int) -> None:
        self.name = name
        self.salt = salt
        self.emitted: dict[str, int] = {}
        self.scheduled: dict[str, int] = {}
        self.late: set[int] = set()


class LaneProcess(Process):
    """A SimPy process that belongs to a lane: whatever it schedules or emits is of that lane."""

    def __init__(self, env: Sim, generator: Steps, lane: Lane) -> None:
        self.lane = lane
        super().__init__(env, generator)

    def _resume(self, event: SimpyEvent) -> None:
        sim: Any = self.env
        before = sim.lane
        sim.lane = self.lane
        super()._resume(event)
        sim.lane = before


class Sim(simpy.Environment):
    """The world's clock, dice and notebook. Time is whole milliseconds from the start of the run."""

    def __init__(
        self,
        seed: int,
        ties: Ties | None = None,
        *,
        keep_trace: bool = False,
        event_budget: int = DEFAULT_EVENT_BUDGET,
    ) -> None:
        super().__init__(0)
        self._queue: list[Any] = []
        self.seed = seed
        self.ties = ties or Ties()
        self.recorder = Recorder(keep_trace)
        self._record = self.recorder.record
        self.served = 0
        self._budget_left = event_budget
        self._is_ended = False
        self._lanes: dict[str, Lane] = {}
        self._tie_salt = derive_seed(seed, "ties") & _MASK
        self._shuffles = self.ties.mode == "seeded"
        self._laggards = frozenset(self.ties.laggards)
        self._hears: dict[type, list[Callable[[Event], None]]] = {}
        self._count = 0
        self.lane = self.lane_of("main")
        self.cause: Identity | None = None

    # ---- names -----------------------------------------------------------------------------------------------
    def lane_of(self, name: str) -> Lane:
        """The lane of this name, made when first asked for."""
        lane = self._lanes.get(name)
        if lane is None:
            salt = (derive_seed(0, name) & _MASK) ^ self._tie_salt if self._shuffles else 0
            lane = self._lanes[name] = Lane(name, salt)
        return lane

    def rng(self, name: str) -> Stream:
        """A fresh stream named ``name``: the same for the same seed and name, whoever else draws."""
        return Stream(self.seed, name)

    # ---- time ------------------------------------------------------------------------------------------------
    @property
    def now_ms(self) -> int:
        """Virtual time, in milliseconds from the start of the run."""
        return self._now  # type: ignore[return-value]

    def schedule(self, event: SimpyEvent, priority: Any = NORMAL, delay: Any = 0) -> None:
        """SimPy's own hook: everything that SimPy schedules comes through here."""
        if delay.__class__ is not int:
            raise TypeError(f"time is whole milliseconds: a delay of {delay!r} is not an integer")
        at_ms = self._now + delay
        lane = self.lane
        tie = 0
        if priority == NORMAL:
            tie = self._tie(lane, at_ms)  # type: ignore[arg-type]
            if self._laggards:
                tie = self._lag(lane, getattr(event, "kind_name", "wake"), tie, at_ms)  # type: ignore[arg-type]
        self._count += 1
        heappush(self._queue, (at_ms, priority, tie, self._count, self._fire, event, lane, self.cause))

    def call_at(self, at_ms: int, handler: Callable[[Any], None], arg: Any, lane: Lane, kind: str = "call") -> None:
        """Calls ``handler(arg)`` at a time, on a lane: the cheap form of a message or a timer."""
        self.call_in(at_ms - self._now, handler, arg, lane, kind)  # type: ignore[arg-type]

    def call_in(self, delay_ms: int, handler: Callable[[Any], None], arg: Any, lane: Lane, kind: str = "call") -> None:
        """:meth:`call_at`, counted from now: where most of a night's events enter the queue."""
        at_ms: int = self._now + delay_ms  # type: ignore[assignment]
        if delay_ms < 0:
            raise ValueError(f"{lane.name}:{kind} at {at_ms} ms lies in the past; it is {self._now} ms")
        tie = 0
        if self._shuffles:  # _tie, written out: a call would cost as much as the mixing
            mixed = (lane.salt + at_ms * 0x9E3779B1) & _MASK
            mixed = ((mixed ^ (mixed >> 15)) * 0x85EBCA6B) & _MASK
            tie = mixed ^ (mixed >> 13)
        elif self._laggards:
            tie = self._lag(lane, kind, 0, at_ms)
        self._count += 1
        heappush(self._queue, (at_ms, NORMAL, tie, self._count, handler, arg, lane, self.cause))

    def sleep(self, delay_ms: int, kind: str = "wake") -> Timeout:
        """A timeout for a process of this lane; ``kind`` names the occurrence (``funding/ticker:tick#3``)."""
        if not self._laggards:
            return Timeout(self, delay_ms)
        return NamedTimeout(self, delay_ms, kind)

    def spawn(self, lane_name: str, steps: Steps) -> LaneProcess:
        """Starts a process on its lane."""
        before = self.lane
        self.lane = self.lane_of(lane_name)
        process = LaneProcess(self, steps, self.lane)
        self.lane = before
        return process

    def missed_laggards(self) -> tuple[Identity, ...]:
        """The laggards that were not scheduled so far; a laggard that never is changes nothing."""
        return tuple(
            (lane, kind, nth)
            for lane, kind, nth in self.ties.laggards
            if lane not in self._lanes or self._lanes[lane].scheduled.get(kind, 0) < nth
        )

    # ---- what happens ----------------------------------------------------------------------------------------
    def emit(self, data: Any, lane: Lane | None = None) -> Event:
        """Records an event of this lane and tells those who hear its kind. It becomes the cause of what follows."""
        if lane is None:
            lane = self.lane
        kind = data.kind
        emitted = lane.emitted
        nth = emitted[kind] = emitted.get(kind, 0) + 1
        name = lane.name
        happened = _new_event(Event, (self._now, name, kind, nth, self.cause, data))
        self._record(happened)
        if not data.is_harness_channel:
            self.cause = (name, kind, nth)
        for hear in self._hears.get(data.__class__, ()):
            hear(happened)
        return happened

    def hear(self, payload: type, observer: Callable[[Event], None]) -> None:
        """``observer`` is called with every event whose data is a ``payload``, in order of registration."""
        self._hears.setdefault(payload, []).append(observer)

    # ---- running ---------------------------------------------------------------------------------------------
    def run_until(self, at_ms: int, or_event: SimpyEvent | None = None) -> None:
        """Serves everything before ``at_ms`` (what is at ``at_ms`` stays), or until ``or_event`` was served.

        Raises :exc:`BudgetExhausted`, :exc:`Ended`, and whatever a handler raises.
        """
        bell = _Bell()
        self._push_stop(at_ms, bell)
        if or_event is not None:
            if or_event.callbacks is None:
                return
            or_event.callbacks.append(lambda _: self._push_stop(self.now_ms, bell))
        queue = self._queue
        served = 0
        try:
            for served in range(self._budget_left):  # noqa: B007  (read below, once the loop was left)
                self._now, _, _, _, handler, arg, self.lane, self.cause = heappop(queue)
                handler(arg)
            served = self._budget_left
            raise BudgetExhausted(f"the event budget is used up at {self.now_ms} ms of virtual time")
        except StopSimulation:
            if self._is_ended:
                raise Ended from None
        finally:
            bell.rung = True
            self.served += served
            self._budget_left -= served

    def end(self) -> None:
        """Ends the run with the occurrence that is being served: :meth:`run_until` raises :exc:`Ended` after it."""
        self._is_ended = True
        self._push_stop(self.now_ms, _Bell())

    def _push_stop(self, at_ms: int, bell: _Bell) -> None:
        self._count += 1  # two stops of one instant are told apart by their number: bells do not compare
        heappush(self._queue, (at_ms, -1, 0, self._count, _stop, bell, self.lane, None))

    def _fire(self, event: SimpyEvent) -> None:
        callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]
        for callback in callbacks:
            callback(event)
        if not event._ok and not hasattr(event, "_defused"):
            raise event._value

    def _tie(self, lane: Lane, at_ms: int) -> int:
        if not self._shuffles:
            return 0
        mixed = (lane.salt + at_ms * 0x9E3779B1) & _MASK
        mixed = ((mixed ^ (mixed >> 15)) * 0x85EBCA6B) & _MASK
        return mixed ^ (mixed >> 13)

    def _lag(self, lane: Lane, kind: str, tie: int, at_ms: int) -> int:
        """The tie where there are laggards; what a laggard's lane schedules later for that instant waits too."""
        nth = lane.scheduled.get(kind, 0) + 1
        lane.scheduled[kind] = nth
        if (lane.name, kind, nth) in self._laggards:
            lane.late.add(at_ms)
        return _LAST if at_ms in lane.late else tie


class NamedTimeout(Timeout):
    """A timeout whose occurrence has a name of its own, as a laggard may name it."""

    def __init__(self, env: Sim, delay_ms: int, kind: str) -> None:
        self.kind_name = kind
        super().__init__(env, delay_ms)


class _Bell:
    """Ends one :meth:`Sim.run_until`, and no later one."""

    __slots__ = ("rung",)

    def __init__(self) -> None:
        self.rung = False


def _stop(bell: _Bell) -> None:
    if not bell.rung:
        bell.rung = True
        raise StopSimulation


__all__ = ["BudgetExhausted", "Ended", "Lane", "LaneProcess", "NORMAL", "Sim", "Steps", "Ties", "URGENT"]
