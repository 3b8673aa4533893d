"""The ledger of harm: every harmful event priced against the shadow truth, in exactly one kind.

``liquidation``  of an account that was healthy at the truth: the penalty, and what the transfer at mark lost against
                 the true mark: ``penalty + sum |dq| * |P_exec - P_true| * [adverse]``.
``funding``      realised at a liquidation or a fill with an index that is not the truth's: what was taken too much,
                 once per position (it is then re-cached at the wrong index; what a later repair would take on top is
                 not priced here).
``rollback``     legitimate fills that a rollback erased: what they were worth to the account at the true mark then.
``bad_debt``     accounts below zero at the truth when the night is over.

What a rollback gives back (harm done after its snapshot) is kept beside the amount, not subtracted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drydock.harness.event import Event, Identity
from drydock.harness.port import Entry
from drydock.models.accounts import VAULT
from drydock.models.events import (
    BlockSealed,
    Fill,
    IndexPublished,
    Liquidation,
    PricesPublished,
    RollbackDone,
    SnapshotTaken,
)
from drydock.models.perp.funding import funding_pnl
from drydock.models.perp.liquidation import cut

if TYPE_CHECKING:
    from drydock.models.truth import Truth

Ints = NDArray[np.int64]
HARM_KINDS = ("liquidation", "funding", "rollback", "bad_debt")


class _Line:
    __slots__ = ("amount", "events", "restored")

    def __init__(self) -> None:
        self.amount = 0
        self.restored = 0
        self.events: list[Identity] = []


class VenueLedger:
    """Folds events into lines per (account, kind)."""

    hears: tuple[type, ...] = (
        Liquidation,
        Fill,
        RollbackDone,
        SnapshotTaken,
        PricesPublished,
        IndexPublished,
        BlockSealed,
    )

    def __init__(self) -> None:
        self._lines: dict[tuple[int, str], _Line] = {}
        self._since: dict[tuple[int, str], int] = {}

    def begin(self, truth: Truth) -> None:
        """Starts from the night's first prices and indices."""
        self._truth = truth
        self._mark = truth.mark(0)
        self._fills: list[Fill] = []
        self._end_ms = 0
        self._is_index_wrong = False
        self._charged: set[int] = set()

    def observe(self, event: Event) -> None:
        """Prices what is harmful, follows what is not."""
        data = event.data
        self._end_ms = event.at_ms
        if isinstance(data, Fill):
            self._fills.append(data)
            if self._is_index_wrong:
                self._charge_funding(event, (data.taker, data.maker), data.market)
        elif isinstance(data, Liquidation):
            self._on_liquidation(event, data)
        elif isinstance(data, PricesPublished):
            self._mark = data.mark_quantums
        elif isinstance(data, IndexPublished):
            self._is_index_wrong = bool(self._truth.shadow.is_wrong.any())
        elif isinstance(data, SnapshotTaken):
            self._since, self._fills = {}, []
        elif isinstance(data, RollbackDone):
            self._on_rollback(event)

    # ---- indices ---------------------------------------------------------------------------------------------
    def _charge_funding(self, event: Event, accounts: Sequence[int], market: int) -> None:
        """``H_fund``: realising with the published index instead of the true one cost the account this much."""
        if not self._truth.shadow.is_wrong[market]:
            return
        layout = self._truth.shadow.holdings.layout
        for account in accounts:
            self._charge_slot(event, account, layout.slot_of[(account, market)], market)

    def _charge_slot(self, event: Event, account: int, slot: int, market: int) -> None:
        if slot in self._charged:
            return
        self._charged.add(slot)
        size = self._truth.shadow.holdings.size[slot]
        taken = -int(funding_pnl(size, self._truth.watch.index[market], self._truth.shadow.index(event.at_ms)[market]))
        if account != VAULT:
            self._add(account, "funding", taken, event)

    # ---- liquidations ----------------------------------------------------------------------------------------
    def _on_liquidation(self, event: Event, data: Liquidation) -> None:
        shadow, truth = self._truth.shadow, self._truth
        if shadow.justified(event.at_ms)[data.account]:
            return
        holdings = shadow.holdings
        layout = holdings.layout
        first = int(layout.start[data.account])
        last = int(layout.start[data.account + 1]) if data.account + 1 < layout.accounts else layout.slots
        slots = np.arange(first, last)
        market = layout.market[slots]
        gone = cut(holdings.size[slots], data.share_ppm)
        lost = gone * (truth.mark(event.at_ms)[market] - self._mark[market])
        adverse = int(np.maximum(lost, 0).sum())
        self._add(data.account, "liquidation", data.penalty_quantums + adverse, event)
        self._charge_net(event, data.account, slots, market)

    def _charge_net(self, event: Event, account: int, slots: Ints, market: Ints) -> None:
        """All positions of the account are realised at once: gains and losses of wrong indices net out."""
        wrong = self._truth.shadow.is_wrong[market] & np.array([slot not in self._charged for slot in slots.tolist()])
        self._charged.update(slots.tolist())
        size, true_index = self._truth.shadow.holdings.size[slots], self._truth.shadow.index(event.at_ms)[market]
        taken = -funding_pnl(size, self._truth.watch.index[market], true_index)
        self._add(account, "funding", int(taken[wrong].sum()), event)

    # ---- rollback and end ----------------------------------------------------------------------------------------
    def _on_rollback(self, event: Event) -> None:
        for key, amount in self._since.items():
            self._lines[key].restored += amount
        truth_mark = self._truth.mark(event.at_ms)
        worth: dict[int, int] = {}
        for fill in self._fills:
            gain = fill.size_quantums * (int(truth_mark[fill.market]) - fill.price_quantums)
            worth[fill.taker] = worth.get(fill.taker, 0) + gain
            worth[fill.maker] = worth.get(fill.maker, 0) - gain
        for account, gain in sorted(worth.items()):
            if gain > 0:
                self._add(account, "rollback", gain, event)
        self._since, self._fills = {}, []
        self._is_index_wrong = False
        self._charged.clear()

    def _add(self, account: int, kind: str, amount: int, event: Event) -> None:
        if amount <= 0:
            return
        line = self._lines.setdefault((account, kind), _Line())
        line.amount += amount
        line.events.append(event.identity)
        if kind != "rollback":
            self._since[(account, kind)] = self._since.get((account, kind), 0) + amount

    def end(self) -> Sequence[Entry]:
        """All lines, by account and kind; bad debt is what is below zero at the truth in the end."""
        value = self._truth.shadow.value(self._end_ms)
        below = np.flatnonzero(value.equity < 0)
        entries = [
            Entry(account, kind, line.amount, tuple(line.events), line.restored)
            for (account, kind), line in self._lines.items()
        ]
        entries += [Entry(int(a), "bad_debt", -int(value.equity[a])) for a in below if a != VAULT]
        return sorted(entries, key=lambda entry: (entry.account, entry.kind))
