"""A run that is told: played with notes that no other run takes, and that change nothing.

The notes are what a story and a page need beyond the trace: the line of source that emitted each event, the operations
that a fault's bend really met, and what the model has to draw.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Any

from drydock.harness.charts import ChartFold, Charts
from drydock.harness.event import Event, Identity
from drydock.harness.port import Case, Kit, World
from drydock.harness.result import RunResult
from drydock.harness.run import run_case
from drydock.harness.sim import DEFAULT_EVENT_BUDGET, Lane, Sim, Ties

_PACKAGE = "drydock."


@dataclass(frozen=True, slots=True)
class Touch:
    """Operations that met a fault's bend: on whose lane, commissioned by which event, how many, first and last."""

    fault: str
    lane: str
    cause: Identity | None
    count: int
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class Told:
    """A run with all that was noted of it. ``sources`` has ``models/service.py:112`` for each event."""

    case: Case
    result: RunResult
    sources: Mapping[Identity, str]
    touches: tuple[Touch, ...] = ()
    charts: Charts = field(default_factory=Charts)

    @property
    def events(self) -> Sequence[Event]:
        """All events in order."""
        return self.result.events or ()


def tell(case: Case, kit: Kit, *, keep_worth: bool = False, event_budget: int = DEFAULT_EVENT_BUDGET) -> Told:
    """Plays a case with notes. Digest and findings are those of :func:`~drydock.harness.run.run_case`."""
    notes = _Notes(case, kit)
    result = run_case(
        case,
        kit,
        keep_trace=True,
        keep_worth=keep_worth,
        world_maker=notes.make_world,
        event_budget=event_budget,
        sim_maker=notes.make_sim,
    )
    return notes.told(result)


class _Notes:
    """What is noted of one run, and the makers that get the notes taken."""

    def __init__(self, case: Case, kit: Kit) -> None:
        self._case = case
        self._kit = kit
        self._sim: _NotedSim
        self._touched: _Touched | None = None
        self._fold: ChartFold | None = None

    def make_sim(
        self, seed: int, ties: Ties | None = None, *, keep_trace: bool = False, event_budget: int = DEFAULT_EVENT_BUDGET
    ) -> Sim:
        """A Sim that notes lines of source."""
        self._sim = _NotedSim(seed, ties, keep_trace=keep_trace, event_budget=event_budget)
        return self._sim

    def make_world(self, case: Case, sim: Sim) -> World:
        """The kit's world, with its witness and its events listened to."""
        world = self._kit.world(case, sim)
        self._touched = _Touched(sim)
        world.seams.witness.exercised = self._touched
        self._fold = self._kit.charts(case.scenario)
        self._fold.begin(world.truth)
        for payload in self._fold.hears:
            sim.hear(payload, self._fold.observe)
        return world

    def told(self, result: RunResult) -> Told:
        """Everything together; a run that failed has no charts."""
        has_charts = self._fold is not None and not result.error
        return Told(
            case=self._case,
            result=result,
            sources=self._sim.sources,
            touches=() if self._touched is None else self._touched.touches(),
            charts=self._fold.end(result.findings, result.ended_ms) if self._fold and has_charts else Charts(),
        )


class _NotedSim(Sim):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sources: dict[Identity, str] = {}

    def emit(self, data: Any, lane: Lane | None = None) -> Event:
        """As :meth:`Sim.emit`, with the line that called it."""
        source = source_line(sys._getframe(1))
        happened = super().emit(data, lane)
        self.sources[happened.identity] = source
        return happened


class _Touched(set[str]):
    """The lanes of faults whose bends were met: a set like the witness's own that also counts by whom."""

    def __init__(self, sim: Sim) -> None:
        super().__init__()
        self._sim = sim
        self._noted: dict[tuple[str, str, Identity | None], list[int]] = {}

    def add(self, fault: str) -> None:
        super().add(fault)
        sim = self._sim
        noted = self._noted.setdefault((fault, sim.lane.name, sim.cause), [0, sim.now_ms, sim.now_ms])
        noted[0] += 1
        noted[2] = sim.now_ms

    def touches(self) -> tuple[Touch, ...]:
        """In the order in which they were first met."""
        return tuple(Touch(*key, *numbers) for key, numbers in self._noted.items())


def source_line(frame: FrameType) -> str:
    """``models/service.py:112`` of a frame of this distribution; of other code the file's name alone."""
    return f"{_file_of(str(frame.f_globals.get('__name__', '')), frame.f_code.co_filename)}:{frame.f_lineno}"


@lru_cache(maxsize=1024)
def _file_of(module: str, path: str) -> str:
    name = Path(path).name
    if not module.startswith(_PACKAGE):
        return name
    return "/".join((*module.removeprefix(_PACKAGE).split(".")[:-1], name))
