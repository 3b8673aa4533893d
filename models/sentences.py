"""Plain sentences for a timeline: what a reader needs, one line an event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Context
from typing import Any

import numpy as np

from drydock.harness.event import Event
from drydock.harness.report.words import count
from drydock.harness.units import format_ppm
from drydock.models.accounts import VAULT
from drydock.models.database_events import DatabaseState, IndexRowsChanged
from drydock.models.events import (
    AlarmRaised,
    BlockSealed,
    BreakerTripped,
    Bust,
    Fill,
    FrontShown,
    HealthChecked,
    IncidentDeclared,
    IndexOnchain,
    IndexPersisted,
    IndexPublished,
    IntentsBlocked,
    L1Credited,
    L1Reconciled,
    L1Transferred,
    Liquidation,
    LiquidationRefused,
    LoadCompleted,
    ModeChanged,
    PageRefreshed,
    PricesPublished,
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
from drydock.models.matching import BY_BAND, OF_VAULT
from drydock.models.model import VenueModel
from drydock.models.names import account_name
from drydock.models.operation_events import ArtefactRefused, GateUnready
from drydock.models.order_events import (
    REJECTIONS,
    AuctionUncrossed,
    IntentRejected,
    MarkSampled,
    OrderCancelled,
    OrderPlaced,
    OrdersKept,
    QuotesPlaced,
    QuotesPulled,
    ResyncEnded,
    ResyncStarted,
    TriggerDone,
    TriggerFired,
)
from drydock.models.perp.units import INDEX_SHIFT, PPM
from drydock.models.traders import STOP_LOSS

USD = 1_000_000
_SIX_DIGITS = Context(prec=6)


def describe(event: Event, model: VenueModel, *, in_full: bool = False) -> str | None:
    """A sentence, or None for events that a reader does not need; ``in_full`` also those of a story alone."""
    tellers = (_TELLERS, _ON_A_CHAIN) if in_full else (_TELLERS,)
    told = (of[type(event.data)](event.data, model) for of in tellers if type(event.data) in of)
    return next((sentence for sentence in told if sentence is not None), None)


def _index_published(data: IndexPublished, model: VenueModel) -> str | None:
    if data.epoch < 2:
        return None
    near_zero = int((abs(data.indices) >> INDEX_SHIFT == 0).sum())
    told = f"; {near_zero} of them at zero" if near_zero else ""
    return f"the funding engine (epoch {data.epoch}) publishes {count(len(data.markets), 'index', 'indices')}{told}"


def _index_persisted(data: IndexPersisted, model: VenueModel) -> str | None:
    if data.epoch < 2:
        return None
    return f"the write-behind puts {count(int(data.written.sum()), 'index', 'indices')} into the database"


def _load_completed(data: LoadCompleted, model: VenueModel) -> str | None:
    if data.epoch < 2:
        return None
    missing = int((data.found == 0).sum())
    told = f"; {count(missing, 'row')} missing" if missing else ""
    if len(data.markets) == 1:
        return f"the row of {model.markets.names[int(data.markets[0])]} arrives at the {data.service} engine{told}"
    return f"rows of {count(len(data.markets), 'market')} arrive at the {data.service} engine{told}"


def _moved(amount_quantums: int) -> str:
    """``12 USD from``, ``12 USD to``: as L1 sees it."""
    return f"{abs(amount_quantums) // USD} USD {'from' if amount_quantums > 0 else 'to'}"


def _rollback(data: RollbackDone, model: VenueModel) -> str:
    same = (data.root_high, data.root_low) == (data.snapshot_high, data.snapshot_low)
    return f"rolled back to block {data.height}: the state root is {'the' if same else 'NOT the'} snapshot's"


# ---- with an order book --------------------------------------------------------------------------------------------
def _price(model: VenueModel, market: int, quantums: int) -> str:
    """``4,660.19 USD``: six digits, as far as prices have them."""
    return f"{_SIX_DIGITS.create_decimal(model.markets[market].price_usd(quantums)).normalize():,f} USD"


def _away(apart_ppm: int, from_what: str) -> str:
    """``2.84% below the outside price``."""
    return f"{format_ppm(abs(apart_ppm) // 100 * 100)} {'above' if apart_ppm > 0 else 'below'} {from_what}"


def _order_placed(data: OrderPlaced, model: VenueModel) -> str | None:
    """Only orders of those who wait for thin books; there are thousands of others, and none of them is odd."""
    spec = model.population
    if not spec.makers < data.account < spec.first_person:
        return None
    does, price = "bids" if data.side > 0 else "asks", _price(model, data.market, data.price_quantums)
    told = f"{account_name(model, data.account)} {does} {price} in {model.markets.names[data.market]}"
    if not data.fair_quantums:
        return told
    apart_ppm = (data.price_quantums - data.fair_quantums) * PPM // data.fair_quantums
    return f"{told}, {_away(apart_ppm, 'the outside price')}"


def _order_cancelled(data: OrderCancelled, model: VenueModel) -> str | None:
    """Only what is not the owner's doing nor a step's: a step says in one line what it leaves."""
    name, market = account_name(model, data.account), model.markets.names[data.market]
    if not data.accepted:
        return f"{name} asks to cancel an order in {market}, and is refused"
    return f"the post-only band cancels an order of {name} in {market}" if data.reason == BY_BAND else None


def _quotes_placed(data: QuotesPlaced, model: VenueModel) -> str | None:
    """A maker who quotes everywhere at once has come back; later he quotes what has moved."""
    if len(data.markets) < len(model.markets):
        return None
    where = "the only market" if len(data.markets) == 1 else f"all {len(data.markets)} markets"
    return f"{account_name(model, data.account)} quotes in {where}"


def _fill(data: Fill, model: VenueModel) -> str | None:
    """Only the vault's unwinding."""
    if data.origin != OF_VAULT or data.taker != VAULT:
        return None
    price, size = _price(model, data.market, data.price_quantums), data.size_quantums
    base, whom = model.markets[data.market].size_base(abs(size)).normalize(), account_name(model, data.maker)
    deal = f"buys {base:,f} from {whom}" if size > 0 else f"sells {base:,f} to {whom}"
    return f"the vault unwinds: it {deal} at {price} in {model.markets.names[data.market]}"


def _fill_on_a_chain(data: Fill, model: VenueModel) -> str:
    taker, maker = account_name(model, data.taker), account_name(model, data.maker)
    name, facts = model.markets.names[data.market], model.markets[data.market]
    base, price = facts.size_base(abs(data.size_quantums)).normalize(), _price(model, data.market, data.price_quantums)
    deal = f"buys {base:,f} {name} from" if data.size_quantums > 0 else f"sells {base:,f} {name} to"
    return f"{taker} {deal} {maker} at {price}; the price is {data.price_age_ms} ms old"


def _trigger_fired(data: TriggerFired, model: VenueModel) -> str:
    kind, price = (
        "stop-loss" if data.kind_ == STOP_LOSS else "take-profit",
        _price(model, data.market, data.mark_quantums),
    )
    whose = account_name(model, data.account)
    return f"the {kind} of {whose} in {model.markets.names[data.market]} fires at a mark of {price}"


def _trigger_done(data: TriggerDone, model: VenueModel) -> str | None:
    """Only where the position stays."""
    if not data.unfilled_quantums:
        return None
    share = data.filled_quantums * 100 // (data.filled_quantums + data.unfilled_quantums)
    closed = f"only {share} %" if data.filled_quantums else "nothing"
    whose, market = account_name(model, data.account), model.markets.names[data.market]
    return f"{closed} of what {whose} has in {market} is closed: nobody trades within the band, the trigger is used up"


def _mark_sampled(data: MarkSampled, model: VenueModel) -> str | None:
    """Only where marks are farther from the outside price than the venue stands by."""
    fair = np.maximum(data.fair_quantums, 1)
    apart_ppm = np.where(data.fair_quantums > 0, (data.mark_quantums - fair) * PPM // fair, 0)
    worst = int(np.abs(apart_ppm).argmax())
    far = int((np.abs(apart_ppm) > model.venue.declared.mark_band_ppm).sum())
    if not far:
        return None
    price, others = (
        _price(model, worst, int(data.mark_quantums[worst])),
        f", and {far - 1} more are off" if far > 1 else "",
    )
    return (
        f"{model.markets.names[worst]} is marked {price}, {_away(int(apart_ppm[worst]), 'the outside price')}{others}"
    )


def _orders_kept(data: OrdersKept, model: VenueModel) -> str:
    moments = {"snapshot": "are kept", "rollback": "are back", "resume": "meet the reopening"}
    unknown = len(np.setxor1d(data.triggers, data.told))
    odd = f"; owners of {count(unknown, 'trigger')} believe otherwise" if unknown else ""
    what = f"{count(len(data.triggers), 'trigger')} and {count(data.resting, 'resting order')}"
    return f"{what} {moments.get(data.moment, 'are left after cancelling')}{odd}"


def _resync_ended(data: ResyncEnded, model: VenueModel) -> str:
    same = not data.quote_gap_quantums and not data.positions_apart
    found = (
        "cloud and chain agree"
        if same
        else (
            f"the cloud was off by {abs(data.quote_gap_quantums) // USD} USD "
            f"and {count(data.positions_apart, 'position')}"
        )
    )
    return f"{account_name(model, data.account)} leaves RESYNC: {found}"


_TELLERS: Mapping[type, Callable[[Any, VenueModel], str | None]] = {
    StepStarted: lambda d, m: f"step {d.step} begins" + (" (incident)" if d.branch == "incident" else ""),
    StepEnded: lambda d, m: None if d.is_ok else f"step {d.step} ends, its gate not fulfilled",
    ArtefactRefused: lambda d, m: (
        f"{d.service} finds {d.entries} entries in the market parameters and takes {d.entries_max}: {d.did}"
    ),
    GateUnready: lambda d, m: f"{d.step} finds what does not hold: {d.gates.replace(' ', ', ')}",
    ModeChanged: lambda d, m: f"the venue announces {d.mode.upper()}",
    ResumeChecked: lambda d, m: (
        f"resuming: oldest price {d.oldest_price_age_ms} ms, {count(d.markets_apart, 'index', 'indices')} apart, "
        f"{count(d.services_down, 'service')} not ready"
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
    IndexRowsChanged: lambda d, m: (
        f"the database has other rows for {count(len(d.markets), 'index', 'indices')} than its clients were told"
    ),
    DatabaseState: lambda d, m: f"the database: {d.state.replace('_', ' ')}",
    IndexPublished: _index_published,
    IndexPersisted: _index_persisted,
    TickRejected: lambda d, m: (
        f"data validation refuses the tick: {count(d.over_bound, 'index', 'indices')} over the bound, "
        f"{d.missing} missing"
    ),
    TickPaused: lambda d, m: f"funding pauses: the oracle is {d.price_age_ms} ms old",
    Liquidation: lambda d, m: (
        f"{account_name(m, d.account)} is liquidated ({d.share_ppm // 10_000} %), worth {d.equity_quantums // USD} USD "
        f"against {d.margin_quantums // USD} USD"
    ),
    BreakerTripped: lambda d, m: (
        f"the circuit breaker halts liquidations: {d.liquidated_quantums // USD} USD in its window, of which prices "
        f"explain {d.explained_quantums // USD} USD"
    ),
    TriggerFired: _trigger_fired,
    TriggerDone: _trigger_done,
    OrderPlaced: _order_placed,
    OrderCancelled: _order_cancelled,
    OrdersKept: _orders_kept,
    QuotesPlaced: _quotes_placed,
    MarkSampled: _mark_sampled,
    Fill: _fill,
    AuctionUncrossed: lambda d, m: (
        f"the auction ends: orders meet in {count(d.markets, 'market')}, worth {d.notional_quantums // USD} USD"
    ),
    FrontShown: lambda d, m: f"the front page shows 0 USD for {count(d.defaults, 'market')}" if d.defaults else None,
    LiquidationRefused: lambda d, m: (
        f"the chain finds {count(len(d.accounts), 'liquidated account')} healthy; the cloud gives their positions back"
    ),
    Bust: lambda d, m: f"the chain busts a fill of {account_name(m, d.taker)}",
    ResyncStarted: lambda d, m: (
        f"{account_name(m, d.account)} is in RESYNC: closed, orders cancelled, {count(d.in_flight, 'fill')} under way"
    ),
    ResyncEnded: _resync_ended,
    IntentsBlocked: lambda d, m: f"{count(d.intents, 'intent')} had found the venue, or its front door, closed",
    SnapshotTaken: lambda d, m: f"snapshot of block {d.height}",
    RollbackDone: _rollback,
    L1Reconciled: lambda d, m: (
        f"L1 reconciled: {d.ledger_quantums // USD} USD, {d.waiting_quantums // USD} USD waiting"
    ),
}

_ON_A_CHAIN: Mapping[type, Callable[[Any, VenueModel], str | None]] = {
    Fill: _fill_on_a_chain,
    HealthChecked: lambda d, m: (
        f"the liquidator finds {count(d.under, 'account')} under margin, at prices {d.price_age_ms} ms old"
        if d.under
        else None
    ),
    IndexOnchain: lambda d, m: f"the chain takes {count(len(d.markets), 'index', 'indices')} into block {d.height}",
    BlockSealed: lambda d, m: f"block {d.height} is sealed with {count(d.transactions, 'transaction')}",
    PricesPublished: lambda d, m: (
        f"market data publishes prices of {count(len(d.mark_quantums), 'market')}, "
        f"the oldest {int(d.age_ms.max())} ms old"
    ),
    PageRefreshed: lambda d, m: f"the {d.service} page shows the state of height {d.height}",
    IntentRejected: lambda d, m: (
        f"an order of {account_name(m, d.taker)} in {m.markets.names[d.market]} is refused: {REJECTIONS[d.reason]}"
    ),
    L1Transferred: lambda d, m: f"{_moved(d.amount_quantums)} L1 for {account_name(m, d.account)}",
    L1Credited: lambda d, m: f"the chain credits {_moved(d.amount_quantums)} L1 to {account_name(m, d.account)}",
    QuotesPulled: lambda d, m: f"{account_name(m, d.account)} takes {count(d.levels, 'quote')} out of the books",
}
"""What a timeline leaves out: there is too much of it, and most of it is as it should be."""
