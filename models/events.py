"""What a venue does, as events. Fields are integers in the unit of their name; accounts and markets are numbers.

An array stands for a batched message: entry n belongs to the n-th entity named in ``markets`` or ``accounts``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drydock.harness.event import event

if TYPE_CHECKING:
    from drydock.models.accounts import Layout
    from drydock.models.chain import FillTx
    from drydock.models.liquidation import Liquidated

Ints = NDArray[np.int64]


# ---- the runbook and those who play it ------------------------------------------------------------------------
@event("step.started")
class StepStarted(NamedTuple):
    """A step of the runbook begins; ``branch`` is ``main`` or ``incident``."""

    step: str
    action: str
    branch: str


@event("step.ended")
class StepEnded(NamedTuple):
    """A step is through; ``is_ok`` 0 where its gate failed."""

    step: str
    branch: str
    is_ok: int


@event("mode.acked")
class ModeAcked(NamedTuple):
    """A running service knows the mode that is about to be announced."""

    service: str
    mode: str


@event("mode.changed")
class ModeChanged(NamedTuple):
    """The venue announces its mode; ``waiting`` counts running services that had not acknowledged it."""

    before: str
    mode: str
    waiting: int


@event("resume.checked")
class ResumeChecked(NamedTuple):
    """What was true when the venue went to OK: age of the oldest price, missing indices, largest gap between copies,
    and markets whose book lacks a side (of those that had both before the window)."""

    oldest_price_age_ms: int
    markets_without_index: int
    markets_apart: int
    services_down: int
    markets_thin: int = 0


@event("alarm.raised")
class AlarmRaised(NamedTuple):
    """A monitor of the operators fires: ``index_step`` or ``liquidations``; ``seen`` is how many it saw."""

    monitor: str
    seen: int


@event("incident.declared")
class IncidentDeclared(NamedTuple):
    """The operators have understood that something is wrong, after their detection delay."""

    detected_after_ms: int


@event("window.closed")
class WindowClosed(NamedTuple):
    """The runbook is through. ``overrun_ms`` is how long after the announced end the venue was back, 0 if in time."""

    overrun_ms: int


# ---- services ------------------------------------------------------------------------------------------------------
@event("service.state")
class ServiceState(NamedTuple):
    """A service process changes state: ``booting``, ``up``, ``ready``, ``stopped``, ``crashed``."""

    service: str
    epoch: int
    state: str


@event("boot.step")
class BootStep(NamedTuple):
    """A service passes one of its named boot steps."""

    service: str
    epoch: int
    step: str


@event("load.completed")
class LoadCompleted(NamedTuple):
    """Rows arrived at a restarted service; ``found`` is 0 where the database had no such row."""

    service: str
    epoch: int
    markets: Ints
    found: Ints


# ---- prices and funding ----------------------------------------------------------------------------------------------
@event("prices.published")
class PricesPublished(NamedTuple):
    """Market data publishes spot and mark of every market, in price quantums, with the age of its inputs.

    ``live_sources`` are spot sources whose newest value is no older than the venue declares for a fill.
    """

    spot_quantums: Ints
    mark_quantums: Ints
    age_ms: Ints
    live_sources: Ints


@event("index.published")
class IndexPublished(NamedTuple):
    """The funding engine publishes indices (index units) of these markets to the cloud and the chain."""

    epoch: int
    markets: Ints
    indices: Ints
    dt_ms: Ints
    price_age_ms: int


@event("index.persisted")
class IndexPersisted(NamedTuple):
    """The write-behind reaches the database; ``written`` is 0 where compare-and-set refused or another held the row."""

    epoch: int
    markets: Ints
    indices: Ints
    written: Ints


@event("index.onchain")
class IndexOnchain(NamedTuple):
    """The chain takes the indices into its state at this height."""

    height: int
    markets: Ints
    indices: Ints


@event("tick.rejected")
class TickRejected(NamedTuple):
    """Data validation refuses a funding tick whole: markets over the step bound, markets missing."""

    over_bound: int
    missing: int


@event("tick.paused")
class TickPaused(NamedTuple):
    """The funding engine skips a tick because its oracle is not good."""

    price_age_ms: int


# ---- trading, risk, chain -------------------------------------------------------------------------------------
@event("fill")
class Fill(NamedTuple):
    """A fill in the cloud: the taker gains ``size_quantums``, the maker the opposite. Without a book it is at mark.

    ``origin`` says what the taker's order was: 0 a person's, 1 a trigger's, 2 the vault's unwinding, 3 a maker's who
    takes a quote far from the outside price, 4 of an auction.
    """

    market: int
    taker: int
    maker: int
    size_quantums: int
    price_quantums: int
    price_age_ms: int
    origin: int = 0


@event("breaker.tripped")
class BreakerTripped(NamedTuple):
    """The circuit breaker halts liquidations: liquidated in the window and what the price move explains (1e-6 USD)."""

    liquidated_quantums: int
    explained_quantums: int


@event("front.shown")
class FrontShown(NamedTuple):
    """The front page shows prices; ``defaults`` counts markets for which it shows a default because none is there."""

    defaults: int


@event("intents.blocked")
class IntentsBlocked(NamedTuple):
    """The intents that found the venue closed, or its front door gone: whose, where, how much, and when."""

    intents: int
    accounts: Ints
    markets: Ints
    sizes: Ints
    wanted_ms: Ints


@event("health.checked")
class HealthChecked(NamedTuple):
    """The liquidator looked at every account; ``under`` were under maintenance margin at its own prices and indices.

    ``refused`` of them were left alone: a price too old, or the account in RESYNC.
    """

    under: int
    price_age_ms: int
    refused: int


@event("liquidation")
class Liquidation(NamedTuple):
    """The cloud liquidates a share of an account's positions to the Liquidator Vault at mark; money in 1e-6 USD."""

    account: int
    share_ppm: int
    equity_quantums: int
    margin_quantums: int
    penalty_quantums: int
    price_age_ms: int
    mode: str
    notional_quantums: int = 0


@event("liquidation.refused")
class LiquidationRefused(NamedTuple):
    """The chain finds accounts healthy that the cloud liquidated; the cloud gives positions and penalties back.

    ``accounts`` and ``penalty_quantums`` go together, and so do ``slots``, the signed ``sizes`` and their ``prices``.
    """

    accounts: Ints
    penalty_quantums: Ints
    slots: Ints
    sizes: Ints
    prices: Ints


@event("bust")
class Bust(NamedTuple):
    """The chain refuses a fill that the cloud had made; the cloud takes it back from both parties."""

    market: int
    taker: int
    maker: int
    size_quantums: int
    price_quantums: int


@dataclass(slots=True, eq=False)
class BlockView:
    """Read-only views of the chain's state at a sealed block, for laws; no digest covers it (the root stands for it).

    Money in 1e-6 USD: ``quote equity`` by account, ``realised`` by market. ``size`` and ``cached`` by slot of the
    ``layout``, ``index`` and ``mark`` by market. ``fills`` and ``liquidated`` are what this block applied,
    ``people_quantums`` and ``vault_quantums`` the sums of quote balances that pages show; ``operations`` is the order
    in which it did them, empty where that was the order of arrival. ``cloud`` holds the cloud's ``quote size cached``.
    """

    layout: Layout
    quote: Ints
    size: Ints
    cached: Ints
    realised: Ints
    index: Ints
    mark: Ints
    equity: Ints
    fills: Sequence[FillTx]
    liquidated: Sequence[Liquidated]
    deposits: int
    socialised_ppm: int
    insurance_account: int
    people_quantums: int
    vault_quantums: int
    index_after: Sequence[int] = ()
    operations: Sequence[str] = ()
    cloud: Mapping[str, Ints] = field(default_factory=dict)

    is_view: ClassVar[bool] = True


@event("block.sealed")
class BlockSealed(NamedTuple):
    """A block: its height, its place in the sequence of all blocks ever sealed, its state root as two 63-bit halves."""

    height: int
    sequence: int
    root_high: int
    root_low: int
    transactions: int
    view: BlockView


@event("l1.transferred")
class L1Transferred(NamedTuple):
    """Money moves on L1: a deposit (positive) or a payout (negative), in 1e-6 USD. No rollback undoes it."""

    account: int
    amount_quantums: int


@event("l1.credited")
class L1Credited(NamedTuple):
    """The chain takes an L1 transfer into an account's balance, once it is confirmed; 1e-6 USD."""

    account: int
    amount_quantums: int


# ---- snapshots and rollback -----------------------------------------------------------------------------------
@event("snapshot.taken")
class SnapshotTaken(NamedTuple):
    """A snapshot of the chain, and the root that restoring it into an empty copy gives."""

    height: int
    root_high: int
    root_low: int
    restored_high: int
    restored_low: int


@event("rollback.done")
class RollbackDone(NamedTuple):
    """Back at a snapshot: the root now and then, and the greatest height that each store still refers to."""

    height: int
    root_high: int
    root_low: int
    snapshot_high: int
    snapshot_low: int
    chain_height: int
    cloud_height: int
    database_height: int
    pages_height: int
    sequence: int
    orders_height: int = 0


@event("l1.reconciled")
class L1Reconciled(NamedTuple):
    """What accounts really hold of L1 transfers, what is unconfirmed, and what the L1 ledger says (1e-6 USD)."""

    credited_quantums: int
    waiting_quantums: int
    ledger_quantums: int


@event("page.refreshed")
class PageRefreshed(NamedTuple):
    """A read model (portfolio or vault page) shows the state of this height."""

    service: str
    height: int
    sequence: int
    total_quantums: int
