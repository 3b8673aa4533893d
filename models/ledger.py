"""The ledger of harm: every harmful event priced against the shadow truth, every dollar in exactly one kind.

``liquidation``  of a person who was healthy at the truth                                 ``harm/liquidations.py``
``trigger``      of a person, at a price that the true mark had not reached               ``harm/fills.py``
``funding``      realised by a person with an index that is not the truth's               ``harm/realised_funding.py``
``execution``    a person's market order far beyond the true price                        ``harm/fills.py``
``access``       a person who could not trade outside the announced window                ``blocked.py, refused.py``
``rollback``     legitimate fills and deposits that going back took from people           ``harm/erased.py``
``bad_debt``     of anybody: below zero at the truth when the night is over, missed liquidations included
``leak``         payouts of gains that nobody had                                         ``harm/leaks.py``

Makers, opportunists and squeezers take risks for a living and have lines of bad debt alone; the vault has none: it is
the one that pays. What a rollback gives back (harm done after its snapshot) is kept beside the amount, not subtracted.
Liquidations, triggers and funding together take no more from a person than the equity he had (``harm/lines.py``): what
lies below zero is bad debt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drydock.harness.event import Event
from drydock.harness.port import Entry
from drydock.models.accounts import VAULT
from drydock.models.events import (
    BlockSealed,
    Bust,
    Fill,
    IndexPublished,
    IntentsBlocked,
    L1Credited,
    L1Transferred,
    Liquidation,
    ModeChanged,
    PricesPublished,
    RollbackDone,
    ServiceState,
    SnapshotTaken,
)
from drydock.models.harm.blocked import Access, BlockedIntents
from drydock.models.harm.erased import ErasedFills, Legs
from drydock.models.harm.fills import BadExecutions, FalseTriggers
from drydock.models.harm.leaks import Leaks
from drydock.models.harm.lines import HARM_KINDS, Lines
from drydock.models.harm.liquidations import WrongLiquidations
from drydock.models.harm.realised_funding import RealisedFunding
from drydock.models.harm.refused import RefusedOrders
from drydock.models.harm.true_prices import TruePrices
from drydock.models.order_events import IntentRejected, OrderPlaced, ResyncEnded, TriggerDone, TriggerFired

if TYPE_CHECKING:
    from drydock.models.truth import Truth

__all__ = ["HARM_KINDS", "VenueLedger"]


class VenueLedger:
    """Folds events into lines per (account, kind). ``first_person`` is the number of the first account of a person;
    ``horizon_ms`` how long after a liquidation lost exposure counts."""

    hears: tuple[type, ...] = (
        Fill, Liquidation, TriggerFired, TriggerDone, Bust, IndexPublished, PricesPublished, SnapshotTaken,
        RollbackDone, IntentsBlocked, L1Transferred, L1Credited, BlockSealed,
        IntentRejected, OrderPlaced, ModeChanged, ServiceState, ResyncEnded,
    )  # fmt: skip

    def __init__(self, first_person: int = 1, horizon_ms: int = 0) -> None:
        self._first_person = first_person
        self._horizon_ms = horizon_ms

    def begin(self, truth: Truth) -> None:
        """Starts from the night's first prices and indices."""
        first = self._first_person
        self._truth = truth
        self._end_ms = 0
        self.lines = lines = Lines()
        self._prices = prices = TruePrices(truth)
        self._funding = RealisedFunding(truth, lines, first)
        self._liquidations = WrongLiquidations(truth, lines, first, self._horizon_ms)
        self._triggers = FalseTriggers(truth, prices, lines)
        self._executions = BadExecutions(lines, first)
        self.erased = ErasedFills(prices, lines, first)
        self._legs = Legs()
        access = Access(truth, lines, first)
        self._blocked = BlockedIntents(access)
        self._refused = RefusedOrders(access, self._triggers)
        self._leaks = Leaks(truth, prices, lines, first)
        self._hearers = self._wire()

    def _wire(self) -> dict[type, Callable[[Event], None]]:
        return {
            Fill: self._on_fill,
            Liquidation: self._on_liquidation,
            TriggerFired: self._triggers.on_fired,
            TriggerDone: self._triggers.on_done,
            Bust: self._on_bust,
            IndexPublished: self._funding.on_index,
            PricesPublished: self._liquidations.on_prices,
            SnapshotTaken: self._on_snapshot,
            RollbackDone: self._on_rollback,
            IntentsBlocked: self._blocked.on_blocked,
            IntentRejected: self._refused.on_rejected,
            OrderPlaced: self._refused.on_taken,
            ModeChanged: self._refused.on_mode,
            ServiceState: self._refused.on_service,
            ResyncEnded: self._refused.on_resynced,
            L1Transferred: self._leaks.on_transfer,
            L1Credited: self._on_credit,
        }

    def observe(self, event: Event) -> None:
        """Prices what is harmful, follows what is not."""
        self._end_ms = event.at_ms
        hearer = self._hearers.get(event.data.__class__)
        if hearer is not None:
            hearer(event)

    # ---- what several kinds hear -------------------------------------------------------------------------------
    def _on_fill(self, event: Event) -> None:
        data: Fill = event.data
        self._refused.on_taken(event)
        self._funding.on_fill(event, data)
        if self._triggers.takes(event, data):
            return
        outside_by = self._prices.outside_by(event.at_ms, data.market, data.price_quantums)
        if outside_by:
            self._executions.on_fill(event, data, outside_by)
        else:
            self.erased.on_fill(data)

    def _on_liquidation(self, event: Event) -> None:
        data: Liquidation = event.data
        self._liquidations.on_liquidation(event, data)
        self._funding.on_liquidation(event, data)

    def _on_bust(self, event: Event) -> None:
        self._executions.on_bust(event)
        self.erased.on_bust(event)

    def _on_credit(self, event: Event) -> None:
        self._leaks.on_credit(event)
        self._legs.on_credit(event)

    def _on_snapshot(self, event: Event) -> None:
        self.lines.on_snapshot()
        self.erased.on_snapshot()
        self._legs.on_snapshot()

    def _on_rollback(self, event: Event) -> None:
        self.erased.on_rollback(event)  # who was wronged is asked before it is restored
        self.lines.on_rollback()
        self._funding.on_rollback()
        self._executions.on_rollback()
        self._legs.on_rollback()

    # ---- the end -----------------------------------------------------------------------------------------------
    def end(self) -> Sequence[Entry]:
        """All lines, by account and kind, capped by the true equity of the end."""
        equity = self._truth.shadow.value(self._end_ms).equity
        for account, amount in self._legs.lost():
            self.lines.add(account, "rollback" if amount > 0 else "leak", abs(amount))
        entries = [*self.lines.entries(equity), *self._debts(equity)]
        return sorted(entries, key=lambda entry: (entry.account, HARM_KINDS.index(entry.kind)))

    def _debts(self, equity: NDArray[np.int64]) -> Iterator[Entry]:
        """What accounts owe at the truth, less what of it has left for L1 as a leak."""
        for account in np.flatnonzero(equity < 0).tolist():
            debt = -int(equity[account]) - self.lines.net(account, "leak")
            if account != VAULT and debt > 0:
                yield Entry(account, "bad_debt", debt)
