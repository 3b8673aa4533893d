"""Mistakes that no single fault shows: two or three have to come together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from drydock.harness.sim import Steps
from drydock.models.accounts import Ints
from drydock.models.cloud import Cloud
from drydock.models.database import Rows, Unavailable, Write
from drydock.models.events import IndexPersisted
from drydock.models.funding_engine import FundingEngine
from drydock.models.index_rows import INDEX, TABLE
from drydock.models.invariants.canaries.build import venue_with
from drydock.models.liquidator import Liquidator
from drydock.models.runbook import Player
from drydock.models.runbook_spec import StepSpec
from drydock.models.simulated_database import SimulatedDatabase
from drydock.models.world import VenueWorld, planned_steps
from tests.lab.planted import Bug

_PLANNED_STARTS = 2
"""The engine's start before the night, and the runbook's."""
_LATE_MS = 30_000


class TrustsWarmRestarts(FundingEngine):
    """Only the runbook's start is verified: a supervisor's has just been there."""

    def _differs_from_chain(self) -> Ints:
        suspects = super()._differs_from_chain()
        return suspects[:0] if self._is_trusted() else suspects

    def _is_trusted(self) -> bool:
        return self.epoch > _PLANNED_STARTS


class TrustsAfterFailover(TrustsWarmRestarts):
    """And of those only starts after a failover: then the standby is the truth."""

    _was_refused = False

    def _write_rows(self, arg: tuple[int, Ints, Ints, Ints]) -> None:
        if not self.world.database.accepts_connections:
            self._was_refused = True
        super()._write_rows(arg)

    def _is_trusted(self) -> bool:
        return self._was_refused and super()._is_trusted()


class ExemptsDefaults(FundingEngine):
    """What began from a default differs from the chain by design, and is not compared with it."""

    def __init__(self, world: VenueWorld) -> None:
        super().__init__(world)
        self._exempt = self._is_loaded.copy()

    def _start_from_default(self, markets: Ints, at_ms: int) -> None:
        super()._start_from_default(markets, at_ms)
        self._exempt[markets] = True

    def _differs_from_chain(self) -> Ints:
        suspects = super()._differs_from_chain()
        return suspects[~self._exempt[suspects]]


class UncappedAfterRetry(FundingEngine):
    """Rows that came at the second try are of a database that was away: the gap was none."""

    _was_away = False

    def _ask_again(self, arg: tuple[int, Ints, int]) -> None:
        self._was_away = True
        super()._ask_again(arg)

    def _gap_cap_ms(self, dt_ms: Ints) -> int | None:
        return None if self._was_away else super()._gap_cap_ms(dt_ms)

    def forget(self) -> None:
        """The next start begins anew."""
        super().forget()
        self._was_away = False


class ForgetsConditions(SimulatedDatabase):
    """After a failover a write's condition is not looked at."""

    _is_promoted = False

    def _come_up(self, state: str) -> None:
        super()._come_up(state)
        self._is_promoted = self._is_promoted or state == "promoted"

    def _write(self, write: Write) -> Rows:
        return super()._write(replace(write, expected=None) if self._is_promoted else write)


def forgetful_database(world: VenueWorld) -> ForgetsConditions:
    """The venue's database, with its rows in another build."""
    database = VenueWorld.make_database(world)
    assert isinstance(database, SimulatedDatabase)
    database.__class__ = ForgetsConditions
    return database  # type: ignore[return-value]


class ForcesAfterHeldRows(FundingEngine):
    """A row that somebody held is written without condition at the next tick: whoever held it is gone."""

    _was_held = False

    def _write_rows(self, arg: tuple[int, Ints, Ints, Ints]) -> None:
        if not self._was_held:
            super()._write_rows(arg)
            return
        epoch, markets, values, _ = arg
        try:
            rows = self.world.database.transact([Write(TABLE, markets, values)], self.name)[0]
        except Unavailable:
            return
        self.sim.emit(IndexPersisted(epoch, markets, values[:, INDEX], rows.found.astype(np.int64)), self._writer)
        self._version[markets] = rows.version

    def _overtaken(self, epoch: int, markets: Ints, rows: Rows) -> None:
        self._was_held = self._was_held or bool(rows.held.any())
        super()._overtaken(epoch, markets, rows)


class NumbersAnew(Liquidator):
    """The cloud's message numbers begin again when the risk engine does."""

    def forget(self) -> None:
        """And the sequencer has had them."""
        super().forget()
        cloud: Cloud = self.world.cloud
        cloud._sent = 0


class AsksOnce(Player):
    """Who was started while the others were asked is not asked."""

    def _wait_for_acks(self, mode: str) -> Steps:
        asked = {service.name for service in self._waiting()}
        give_up_ms = self._sim.now_ms + 5_000
        for service in self._waiting():
            for late_ms in self._ack_late_ms(service.name):
                self._sim.call_in(10 + late_ms, self._ack, (service.name, mode), service.lane, "ack")
        while self._sim.now_ms < give_up_ms and any(service.name in asked for service in self._waiting()):
            yield self._sim.sleep(20, "ack")


class AsksTwice(Player):
    """Two checks are planned, and more than two are not made."""

    def __init__(self, world: VenueWorld) -> None:
        super().__init__(world)
        self._rounds = 0

    def _do_verify(self, spec: StepSpec) -> Steps:
        self._rounds += 1
        if self._rounds > 2 and self._is_pressed():
            spec = replace(spec, gate=())
        is_ok = yield from super()._do_verify(spec)
        return is_ok

    def _is_pressed(self) -> bool:
        return True


class AsksTwiceIfLate(AsksTwice):
    """And that only where they were late when they came to the first."""

    _begun_ms = 0

    def _do_verify(self, spec: StepSpec) -> Steps:
        self._begun_ms = self._begun_ms or self._sim.now_ms
        is_ok = yield from super()._do_verify(spec)
        return is_ok

    def _is_pressed(self) -> bool:
        planned_ms = dict(planned_steps(self._runbook))["verify"]
        return self._begun_ms > planned_ms + _LATE_MS


class HurriesAfterAWait(Player):
    """Where the first check had to wait for half a minute, the last one is left out."""

    _waited_ms = 0

    def _do_verify(self, spec: StepSpec) -> Steps:
        begun_ms = self._sim.now_ms
        if self._waited_ms >= _LATE_MS:
            spec = replace(spec, gate=())
        is_ok = yield from super()._do_verify(spec)
        self._waited_ms = self._sim.now_ms - begun_ms
        return is_ok


BUGS = (
    Bug(
        "warm-restart-trusted",
        "a start by the supervisor is not verified: a crash, and rows that are not the newest",
        "F3",
        2,
        world=venue_with(funding=TrustsWarmRestarts),
    ),
    Bug(
        "defaults-exempt",
        "a market that began from a default is not compared with the chain: a row is missing, and a policy is wrong",
        "F3",
        2,
        world=venue_with(funding=ExemptsDefaults),
    ),
    Bug(
        "uncapped-after-retry",
        "the cap on gaps is off when rows came at the second try: a slow boot, and a database that was away",
        "F7",
        2,
        world=venue_with(funding=UncappedAfterRetry),
    ),
    Bug(
        "conditions-forgotten",
        "after a failover compare-and-set is off: and then a late write",
        "F4",
        2,
        world=venue_with(database=forgetful_database),
    ),
    Bug(
        "forced-after-held",
        "rows that somebody held are written without condition: and such a write is late",
        "F4",
        2,
        world=venue_with(funding=ForcesAfterHeldRows),
    ),
    Bug(
        "numbers-begin-anew",
        "message numbers begin again with the risk engine: a crash, and messages that are numbered",
        "S6",
        2,
        world=venue_with(liquidator=NumbersAnew),
    ),
    Bug(
        "asked-once",
        "who starts while others acknowledge a mode is not asked: a crash, and somebody who answers late",
        "M2",
        2,
        world=venue_with(player=AsksOnce),
    ),
    Bug(
        "third-check-empty",
        "a gate that was asked twice is not asked again: an operator repeats a check, and a service dies",
        "M5",
        2,
        world=venue_with(player=AsksTwice),
    ),
    Bug(
        "last-check-hurried",
        "the last check is left out where the first one took long: a slow boot, and then a service dies",
        "M5",
        2,
        world=venue_with(player=HurriesAfterAWait),
    ),
    Bug(
        "trusted-after-failover",
        "a start by the supervisor is not verified once the database was away: crash, failover, old rows",
        "F3",
        3,
        world=venue_with(funding=TrustsAfterFailover),
    ),
    Bug(
        "third-check-empty-if-late",
        "a gate that was asked twice is not asked again where time presses: a delay, a repeated check, a crash",
        "M5",
        3,
        world=venue_with(player=AsksTwiceIfLate),
    ),
)
