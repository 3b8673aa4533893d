"""Operators: monitors that ring, and the time it takes people to believe them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drydock.harness.event import Event
from drydock.harness.seam import Passage
from drydock.models.events import AlarmRaised, IncidentDeclared, IndexPublished, Liquidation, PricesPublished
from drydock.models.perp.units import INDEX_SHIFT
from drydock.models.runbook_spec import Incident
from drydock.models.seams import new_seam

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld

MINUTE_MS = 60_000


class Pace:
    """How long people take: to notice (``detect``), to decide (``decide``), to do a step (its label)."""

    def __init__(self, world: VenueWorld) -> None:
        self._seam = new_seam(world.seams, "operator.time")

    def takes_ms(self, what: str, usual_ms: int) -> int:
        """How long it takes tonight."""
        if not self._seam:
            return usual_ms
        return int(self._seam.through(Passage(1, what, delay_ms=np.array([usual_ms]))).delay_ms[0])


class Operators:
    """Watches what the venue publishes, as its own monitors can; declares an incident after a drawn delay.

    The monitors see what is published (indices, liquidations, marks), nothing of the truth.
    """

    def __init__(self, world: VenueWorld, incident: Incident) -> None:
        self._world = world
        self._sim = world.sim
        self._incident = incident
        self._lane = world.sim.lane_of("operators")
        self._stream = world.sim.rng("operators/detection")
        self._last_index: NDArray[np.int64] = world.chain.index.copy()
        self._recent: deque[int] = deque()
        self._marks: deque[tuple[int, NDArray[np.int64]]] = deque()
        self.has_alarm = False
        self.declared = world.sim.event()

    def start(self) -> None:
        """Begins to watch."""
        self._sim.hear(IndexPublished, self._see_index)
        self._sim.hear(Liquidation, self._see_liquidation)
        if self._incident.alarm.quiet_ppm is not None:
            self._sim.hear(PricesPublished, self._see_prices)

    def decision_ms(self) -> int:
        """How long the operators take to decide to roll back, drawn once an incident is declared."""
        drawn_ms = self._stream.between(self._incident.decide_ms_min, self._incident.decide_ms_max)
        return self._world.pace.takes_ms("decide", drawn_ms)

    def _see_index(self, happened: Event) -> None:
        data: IndexPublished = happened.data
        step = np.abs(data.indices - self._last_index[data.markets]) >> INDEX_SHIFT
        self._last_index[data.markets] = data.indices
        if self.has_alarm:
            return
        spot = self._world.cloud.mark[data.markets]
        jumped = int((step * 1_000_000 > spot * self._incident.alarm.index_step_ppm).sum())
        if jumped:
            self._raise("index_step", jumped)

    def _see_prices(self, happened: Event) -> None:
        self._marks.append((happened.at_ms, happened.data.mark_quantums))
        while self._marks[0][0] < happened.at_ms - MINUTE_MS:
            self._marks.popleft()

    def _is_explained(self) -> bool:
        """Whether prices move so much that liquidations surprise nobody: the median move of all marks in a minute."""
        quiet_ppm = self._incident.alarm.quiet_ppm
        if quiet_ppm is None or not self._marks:
            return False
        before, now = self._marks[0][1], self._marks[-1][1]
        moves_ppm = np.sort(np.abs(now - before) * 1_000_000 // before)
        return int(moves_ppm[len(moves_ppm) // 2]) > quiet_ppm

    def _see_liquidation(self, happened: Event) -> None:
        if self.has_alarm or self._is_explained():
            return
        self._recent.append(happened.at_ms)
        while self._recent[0] <= happened.at_ms - MINUTE_MS:
            self._recent.popleft()
        if len(self._recent) >= self._incident.alarm.liquidations_per_minute:
            self._raise("liquidations", len(self._recent))

    def _raise(self, monitor: str, count: int) -> None:
        self.has_alarm = True
        self._sim.emit(AlarmRaised(monitor, count), self._lane)
        drawn_ms = self._stream.between(self._incident.detect_ms_min, self._incident.detect_ms_max)
        delay_ms = self._world.pace.takes_ms("detect", drawn_ms)
        self._sim.call_in(delay_ms, self._declare, delay_ms, self._lane, "declare")

    def _declare(self, delay_ms: int) -> None:
        self._sim.emit(IncidentDeclared(delay_ms), self._lane)
        self.declared.succeed()

    def declare_now(self) -> None:
        """A gate of the runbook failed and says so: no detection delay."""
        if not self.has_alarm:
            self.has_alarm = True
            self._sim.emit(AlarmRaised("gate", 1), self._lane)
            self._declare(0)
