"""Plain sentences for a timeline: what a reader needs, one line an event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from drydock.harness.event import Event
from drydock.models.events import (
    AlarmRaised,
    Bust,
    DatabaseState,
    IncidentDeclared,
    IndexPersisted,
    IndexPublished,
    IntentsBlocked,
    L1Reconciled,
    Liquidation,
    LoadCompleted,
    ModeChanged,
    ResumeChecked,
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
from drydock.models.names import account_name
from drydock.models.perp.units import INDEX_SHIFT

USD = 1_000_000


def describe(event: Event, model: VenueModel) -> str | None:
    """A sentence, or None for events that a reader does not need."""
    tell = _TELLERS.get(type(event.data))
    return None if tell is None else tell(event.data, model)


def _index_published(data: IndexPublished, model: VenueModel) -> str | None:
    if data.epoch < 2:
        return None
    near_zero = int((abs(data.indices) >> INDEX_SHIFT == 0).sum())
    told = f"; {near_zero} of them at zero" if near_zero else ""
    return f"the funding engine (epoch {data.epoch}) publishes {len(data.markets)} indices{told}"


def _index_persisted(data: IndexPersisted, model: VenueModel) -> str | None:
    if data.epoch < 2:
        return None
    return f"the write-behind puts {int(data.written.sum())} indices into the database"


def _load_completed(data: LoadCompleted, model: VenueModel) -> str | None:
    if data.epoch < 2:
        return None
    missing = int((data.found == 0).sum())
    told = f"; {missing} rows are not there" if missing else ""
    if len(data.markets) == 1:
        return f"the row of {model.markets.names[int(data.markets[0])]} arrives at the {data.service} engine{told}"
    return f"{len(data.markets)} rows arrive at the {data.service} engine{told}"


def _rollback(data: RollbackDone, model: VenueModel) -> str:
    same = (data.root_high, data.root_low) == (data.snapshot_high, data.snapshot_low)
    return f"rolled back to block {data.height}: the state root is {'the' if same else 'NOT the'} snapshot's"


_TELLERS: Mapping[type, Callable[[Any, VenueModel], str | None]] = {
    StepStarted: lambda d, m: f"step {d.step} begins" + (" (incident)" if d.branch == "incident" else ""),
    StepEnded: lambda d, m: None if d.is_ok else f"step {d.step} ends, its gate not fulfilled",
    ModeChanged: lambda d, m: f"the venue announces {d.mode.upper()}",
    ResumeChecked: lambda d, m: (
        f"resuming: oldest price {d.oldest_price_age_ms} ms, {d.markets_apart} indices apart, "
        f"{d.services_down} services not ready"
    ),
    AlarmRaised: lambda d, m: f"the monitor '{d.monitor}' rings ({d.seen})",
    IncidentDeclared: lambda d, m: (
        f"the operators declare an incident, {d.detected_after_ms // 60_000} min after the bell"
    ),
    WindowClosed: lambda d, m: (
        "the window is closed" + (f", {d.overrun_ms // 60_000} min late" if d.overrun_ms else ", in time")
    ),
    ServiceState: lambda d, m: (
        f"{d.service} is {d.state}" if d.epoch > 1 or d.state in ("stopped", "crashed") else None
    ),
    LoadCompleted: _load_completed,
    DatabaseState: lambda d, m: f"the database: {d.state}",
    IndexPublished: _index_published,
    IndexPersisted: _index_persisted,
    TickRejected: lambda d, m: (
        f"data validation refuses the tick: {d.over_bound} indices over the bound, {d.missing} missing"
    ),
    TickPaused: lambda d, m: f"funding pauses: the oracle is {d.price_age_ms} ms old",
    Liquidation: lambda d, m: (
        f"{account_name(m, d.account)} is liquidated ({d.share_ppm // 10_000} %), worth {d.equity_quantums // USD} USD "
        f"against {d.margin_quantums // USD} USD"
    ),
    Bust: lambda d, m: f"the chain busts a fill of {account_name(m, d.taker)}",
    IntentsBlocked: lambda d, m: f"{d.intents} intents found the venue closed",
    SnapshotTaken: lambda d, m: f"snapshot of block {d.height}",
    RollbackDone: _rollback,
    L1Reconciled: lambda d, m: (
        f"L1 reconciled: {d.ledger_quantums // USD} USD, {d.waiting_quantums // USD} USD waiting"
    ),
}
