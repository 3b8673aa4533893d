"""The rows of a night's picture: mode, services, database, chain, oracle, operators, and the steps of the runbook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from drydock.harness.charts import Dot, Row, Span, Tone
from drydock.harness.event import Event
from drydock.models.database_events import DatabaseState
from drydock.models.events import (
    AlarmRaised,
    BlockSealed,
    FrontShown,
    IncidentDeclared,
    Liquidation,
    ModeChanged,
    PricesPublished,
    RollbackDone,
    ServiceState,
    SnapshotTaken,
    StepEnded,
    StepStarted,
    TickPaused,
    TickRejected,
    WindowClosed,
)
from drydock.models.model import VenueModel
from drydock.models.runbook_spec import SERVICES

_SERVICE_TONES: Mapping[str, Tone] = {"booting": "busy", "up": "busy", "ready": "good", "crashed": "bad"}
_DATABASE_TONES: Mapping[str, Tone] = {"copying": "busy", "crashed": "bad", "primary lost": "bad"}
_MODE_TONES: Mapping[str, Tone] = {"ok": "good", "maintenance": "off"}
_BLOCKS_OF_SILENCE = 6
"""After so many block times without a block the chain counts as silent."""
_OUTSIDE = ("mode", "database", "chain", "oracle", "operators")
_LANES = {
    "mode": ("runbook",), "database": ("database",), "chain": ("chain", "cloud", "people", "matching"),
    "oracle": ("oracle",), "operators": ("operators",),
}  # fmt: skip
"""Whose events belong to which row, by the beginning of their lane."""


class Rows:
    """Follows the states of all components; each state holds until the next, the last one until the run ends."""

    def __init__(self, model: VenueModel) -> None:
        self._stale_ms = model.venue.declared.fill_price_age_ms
        self._silence_ms = _BLOCKS_OF_SILENCE * model.venue.chain.block_ms
        self._steps: list[list[Any]] = []
        self._states: dict[str, list[tuple[int, str, Tone]]] = {name: [] for name in (*_OUTSIDE, *SERVICES)}
        self._dots: dict[str, list[Dot]] = {name: [] for name in self._states}
        self._block_ms = 0
        self._tellers: Mapping[type, Callable[[int, Any], None]] = {
            ServiceState: self._service, DatabaseState: self._database, ModeChanged: self._mode,
            BlockSealed: self._block, PricesPublished: self._prices, AlarmRaised: self._alarm,
            IncidentDeclared: self._incident, RollbackDone: self._rollback, SnapshotTaken: self._snapshot,
            TickPaused: self._paused, TickRejected: self._rejected, FrontShown: self._front,
            Liquidation: self._liquidation, WindowClosed: self._closed,
        }  # fmt: skip
        self.hears = (*self._tellers, StepStarted, StepEnded)
        for name, label in (("mode", "ok"), ("database", "serving"), ("chain", "sealing blocks"), ("oracle", "fresh")):
            self._enter(0, name, label, "good")
        for name in SERVICES:
            self._enter(0, name, "ready", "good")

    def observe(self, event: Event) -> None:
        """One event."""
        data = event.data
        if isinstance(data, StepStarted):
            self._steps.append([event, data, None])
        elif isinstance(data, StepEnded):
            for step in reversed(self._steps):
                if step[1].step == data.step and step[1].branch == data.branch:
                    step[2] = (event.at_ms, data.is_ok)
                    break
        elif (tell := self._tellers.get(type(data))) is not None:
            tell(event.at_ms, data)

    def steps(self, ended_ms: int) -> tuple[Span, ...]:
        """The steps as they came; one that never ended lasts until the next, or until the run ends."""
        found = []
        for number, (event, data, end) in enumerate(self._steps):
            following = self._steps[number + 1][0].at_ms if number + 1 < len(self._steps) else ended_ms
            until_ms, is_ok = end or (following, True)
            tone: Tone = "bad" if not is_ok else "busy" if data.branch == "main" else "plain"
            found.append(Span(event.at_ms, until_ms, data.step, tone, event.identity))
        return tuple(found)

    def rows(self, ended_ms: int) -> tuple[Row, ...]:
        """One row a component; what is outside of the services first."""
        self._seal_silence(ended_ms)
        return tuple(
            Row(name, self._spans(name, ended_ms), tuple(self._dots[name]), _LANES.get(name, (name,)))
            for name in self._states
        )

    # ---- states ----------------------------------------------------------------------------------------------
    def _enter(self, at_ms: int, name: str, label: str, tone: Tone) -> None:
        states = self._states[name]
        if not states or states[-1][1] != label:
            states.append((at_ms, label, tone))

    def _spans(self, name: str, ended_ms: int) -> tuple[Span, ...]:
        states = self._states[name]
        ends = [*(at_ms for at_ms, _, _ in states[1:]), ended_ms][: len(states)]
        return tuple(
            Span(at_ms, until_ms, label, tone)
            for (at_ms, label, tone), until_ms in zip(states, ends, strict=True)
            if until_ms > at_ms
        )

    def _dot(self, at_ms: int, name: str, label: str, tone: Tone = "plain") -> None:
        self._dots[name].append(Dot(at_ms, label, tone))

    def _service(self, at_ms: int, data: ServiceState) -> None:
        self._enter(at_ms, data.service, data.state, _SERVICE_TONES.get(data.state, "off"))

    def _database(self, at_ms: int, data: DatabaseState) -> None:
        label = "serving" if data.state in ("copied", "recovered", "promoted") else data.state.replace("_", " ")
        self._enter(at_ms, "database", label, _DATABASE_TONES.get(label, "good"))

    def _mode(self, at_ms: int, data: ModeChanged) -> None:
        self._enter(at_ms, "mode", data.mode, _MODE_TONES.get(data.mode, "busy"))

    def _prices(self, at_ms: int, data: PricesPublished) -> None:
        is_stale = int(data.age_ms.max()) > self._stale_ms
        self._enter(at_ms, "oracle", "stale" if is_stale else "fresh", "bad" if is_stale else "good")

    def _block(self, at_ms: int, data: BlockSealed) -> None:
        self._seal_silence(at_ms)
        self._enter(at_ms, "chain", "sealing blocks", "good")
        self._block_ms = at_ms

    def _seal_silence(self, at_ms: int) -> None:
        if at_ms - self._block_ms > self._silence_ms:
            self._enter(self._block_ms, "chain", "no block", "off")

    def _alarm(self, at_ms: int, data: AlarmRaised) -> None:
        self._dot(at_ms, "operators", f"the monitor '{data.monitor}' rings ({data.seen})", "bad")
        if not self._states["operators"]:
            self._enter(at_ms, "operators", "a bell rings, nobody believes it yet", "bad")

    def _incident(self, at_ms: int, data: IncidentDeclared) -> None:
        self._enter(at_ms, "operators", "incident declared", "busy")

    def _closed(self, at_ms: int, data: WindowClosed) -> None:
        if self._states["operators"]:
            self._enter(at_ms, "operators", "window closed", "off")

    # ---- instants --------------------------------------------------------------------------------------------
    def _snapshot(self, at_ms: int, data: SnapshotTaken) -> None:
        self._dot(at_ms, "chain", f"snapshot of block {data.height}", "good")

    def _rollback(self, at_ms: int, data: RollbackDone) -> None:
        self._dot(at_ms, "chain", f"rolled back to block {data.height}", "bad")

    def _paused(self, at_ms: int, data: TickPaused) -> None:
        self._dot(at_ms, "funding", f"funding pauses: the oracle is {data.price_age_ms} ms old", "busy")

    def _rejected(self, at_ms: int, data: TickRejected) -> None:
        self._dot(at_ms, "funding", f"tick refused: {data.over_bound} over the bound, {data.missing} missing", "busy")

    def _front(self, at_ms: int, data: FrontShown) -> None:
        if data.defaults:
            self._dot(at_ms, "front_page", f"shows 0 USD for {data.defaults} markets", "bad")

    def _liquidation(self, at_ms: int, data: Liquidation) -> None:
        self._dot(at_ms, "liquidator", f"account {data.account} is liquidated", "bad")
