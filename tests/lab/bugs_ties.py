"""Races of one instant: right in the order of insertion, wrong in one other order of two lanes. No fault is needed."""

from __future__ import annotations

from typing import Any

import numpy as np

from drydock.harness.sim import Steps
from drydock.models.accounts import Ints
from drydock.models.database import Rows
from drydock.models.events import LoadCompleted
from drydock.models.funding_engine import FundingEngine
from drydock.models.invariants.canaries.build import venue_with
from drydock.models.runbook import ACK_MS, Player
from drydock.models.runbook_spec import StepSpec
from tests.lab.planted import Bug


class LastRowWithTheFirstTick(FundingEngine):
    """The last row is put into the cache in the instant of the first tick, before it: by luck."""

    def on_ready(self) -> None:
        """Both a period from now; the row is asked for first."""
        self._is_cached[-1] = False
        self.sim.call_in(self._spec.tick_ms, self._cache_last, self.epoch, self._loader, "last row")
        super().on_ready()

    def _cache_last(self, epoch: int) -> None:
        if self.is_current(epoch):
            self._is_cached[-1] = True


class TellsOfLoadsLate(FundingEngine):
    """That the rows are there is told in the instant of the first tick."""

    _told: list[Any]

    def _take_answer(self, epoch: int, markets: Ints, rows: Rows, absent: Any) -> None:
        self._take_rows(markets[rows.found], rows.values[rows.found], rows.version[rows.found])
        if not rows.found.all():
            self._row_is_missing(epoch, markets[~rows.found])

    def on_ready(self) -> None:
        """The news first."""
        self.sim.call_in(self._spec.tick_ms, self._tell, self.epoch, self._loader, "news")
        super().on_ready()

    def _tell(self, epoch: int) -> None:
        if self.is_current(epoch):
            self.sim.emit(LoadCompleted(self.name, epoch, self._all, np.ones(self._markets, np.int64)), self._loader)


class AnnouncesOnTheDot(Player):
    """Acknowledgements take as long as the operators wait for them."""

    def _wait_for_acks(self, mode: str) -> Steps:
        for service in self._waiting():
            self._sim.call_in(ACK_MS, self._ack, (service.name, mode), service.lane, "ack")
        yield self._sim.sleep(ACK_MS, "ack")


class ChecksBesides(Player):
    """The last check and the announcement of OK come in one instant."""

    def _do_resume(self, spec: StepSpec) -> Steps:
        lane = self._sim.lane_of("runbook/checker")
        self._sim.call_in(ACK_MS, lambda _: self._sim.emit(self._check_resume()), None, lane, "check")
        yield from self._change_mode("ok")
        self._world.chain.reconcile_l1()
        self._resumed_ms = self._sim.now_ms
        return True


class Watchdog(FundingEngine):
    """Somebody looks in the instant of each tick whether there was one, and ticks if there was none."""

    _ticked_ms = -1

    def on_ready(self) -> None:
        """After the timer."""
        super().on_ready()
        self.sim.call_in(self._spec.tick_ms, self._watch, self.epoch, self._writer, "watch")

    def _tick(self, at_ms: int) -> None:
        self._ticked_ms = self.sim.now_ms
        super()._tick(at_ms)

    def _watch(self, epoch: int) -> None:
        if self.is_current(epoch):
            if self._ticked_ms < self.sim.now_ms:
                self._tick(self.clock_ms())
            self.sim.call_in(self._spec.tick_ms, self._watch, epoch, self._writer, "watch")


class ParametersOfANeighbour(FundingEngine):
    """The engine knows the last market only if market data, which boots in the same instant, has seen it."""

    def _read_parameters(self) -> None:
        super()._read_parameters()
        if self.world.market_data.state == "booting":
            self.known = np.ones(self._markets, np.bool_)
            self.known[-1] = False


BUGS = (
    Bug(
        "last-row-with-first-tick",
        "the last row comes in the instant of the first tick",
        "F2",
        0,
        world=venue_with(funding=LastRowWithTheFirstTick),
    ),
    Bug(
        "loads-told-with-first-tick",
        "that rows are loaded is told in the instant of the first tick",
        "M1",
        0,
        world=venue_with(funding=TellsOfLoadsLate),
    ),
    Bug(
        "announced-on-the-dot",
        "a mode is announced in the instant in which services acknowledge it",
        "M2",
        0,
        world=venue_with(player=AnnouncesOnTheDot),
    ),
    Bug(
        "checked-besides",
        "the last check is made in the instant in which OK is announced",
        "M5",
        0,
        world=venue_with(player=ChecksBesides),
    ),
    Bug(
        "watchdog-in-the-instant",
        "a watchdog looks in the instant of the tick whether there was one",
        "F8",
        0,
        world=venue_with(funding=Watchdog),
    ),
    Bug(
        "parameters-of-a-neighbour",
        "the engine reads what market data makes known in the same instant of their boots",
        "F2",
        0,
        world=venue_with(funding=ParametersOfANeighbour),
    ),
)
