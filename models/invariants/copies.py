"""S7: what cloud and chain hold of everybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from drydock.harness.event import Event
from drydock.harness.port import Finding, LawMode
from drydock.harness.report.words import count
from drydock.models.accounts import VAULT
from drydock.models.chain import FillTx
from drydock.models.events import BlockSealed, BlockView, Bust, Fill, Liquidation, RollbackDone
from drydock.models.invariants.base import VenueLaw
from drydock.models.perp.funding import funding_pnl

UNCOUNTED_MAX = 10_000


class SameAccounts(VenueLaw):
    """S7: in the end cloud and chain agree on the positions and the money of everybody with nothing under way.

    Money is what an account has with the funding of its positions, both at the chain's indices. Under way is a fill
    that no block has sealed, and what was liquidated since the last block but one. In between the copies may differ:
    RESYNC, a restart and a rollback take the chain's word.
    """

    id, law_class, role = "S7", "safety", "person"
    mode: LawMode = "eventually"
    sentence = "when all is said and done the cloud holds of everybody what the chain holds"
    source = "two ledgers of one truth: what one of them never hears, or hears twice, stays between them"
    hears = (Fill, Bust, BlockSealed, Liquidation, RollbackDone)

    def begin(self, truth: Any) -> None:
        """Nothing is under way."""
        super().begin(truth)
        self._under_way: Counter[int] = Counter()
        self._made: list[tuple[int, int]] = []  # taker and maker of fills that are not yet counted
        self._sealed: list[FillTx] = []
        self._liquidated: tuple[set[int], set[int]] = (set(), set())
        self._last: Event | None = None
        self._most: int = truth.venue.declared.copies_apart_quantums

    def observe(self, event: Event) -> None:
        """Follows what is under way, account by account."""
        data = event.data
        if isinstance(data, Fill):
            self._made.append((data.taker, data.maker))
        elif isinstance(data, BlockSealed):
            self._last = event
            self._sealed += data.view.fills
            if len(self._sealed) > UNCOUNTED_MAX:
                self._count(data.view)
            self._liquidated = (set(), self._liquidated[0])
        elif isinstance(data, Liquidation):
            self._liquidated[0].update((VAULT, data.account))
        elif isinstance(data, Bust):
            self._under_way.subtract((data.taker, data.maker))
        else:
            self._under_way.clear()
            self._made.clear()
            self._sealed.clear()
            self._liquidated = (set(), set())

    def _count(self, view: BlockView) -> None:
        """Fills since the last time: one by one they would cost four percent of a night."""
        account_of = view.layout.account_of
        self._under_way.update(account for parties in self._made for account in parties)
        self._under_way.subtract(account_of[slot] for fill in self._sealed for slot in fill[:2])
        self._made.clear()
        self._sealed.clear()

    def end(self) -> Sequence[Finding]:
        """Compares what both hold now."""
        if self._last is not None and self._last.data.view.cloud:
            self._compare(self._last, self._last.data.view)
        return super().end()

    def _compare(self, event: Event, view: BlockView) -> None:
        self._checks += 1
        self._count(view)
        layout, cloud = view.layout, view.cloud
        positions = layout.per_account((cloud["size"] != view.size).astype(np.int64))
        index = view.index[layout.market]
        funding = funding_pnl(cloud["size"], index, cloud["cached"]) - funding_pnl(view.size, index, view.cached)
        money = cloud["quote"] - view.quote + layout.per_account(funding)
        apart = np.flatnonzero((positions > 0) | (np.abs(money) > self._most)).tolist()
        moving = {account for account, fills in self._under_way.items() if fills > 0}.union(*self._liquidated)
        for account in (account for account in apart if account not in moving):
            apart_usd = abs(int(money[account])) // 1_000_000
            self.find(
                event.at_ms,
                f"cloud and chain differ about account {account}: {count(int(positions[account]), 'position')}, and "
                f"the cloud holds it for {apart_usd} USD {'richer' if money[account] >= 0 else 'poorer'}",
                event.identity,
                role=self.who(account),
            )
