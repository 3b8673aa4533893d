"""F7 to F9: what a pause does to a funding index, how often a clock fires after it, and what positions remember."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from drydock.harness.event import Event
from drydock.harness.port import Case
from drydock.harness.report.words import count
from drydock.models.events import (
    BlockSealed,
    BlockView,
    HealthChecked,
    IndexOnchain,
    IndexPublished,
    PricesPublished,
    RollbackDone,
    ServiceState,
    SnapshotTaken,
)
from drydock.models.invariants.base import VenueLaw
from drydock.models.model import model_of

ROWS_KEPT = 120
"""F7 remembers ten minutes of ticks: rows that a replica serves late are no accrual."""
LOOK_EVERY_MS = 60_000


class NoAccrualInPause(VenueLaw):
    """F7: ``dI = 0`` over a gap longer than the declared cap.

    The write-behind may have lost the last ticks before the gap, and a replica may serve an older row: an index that
    the market had in the ten minutes before counts as unmoved. A pause of the oracle is such a gap like any other.
    What is published in one instant ends one gap: a scheduler that makes up for missed slots closes none in between.
    """

    id, law_class, role = "F7", "safety", "market"
    sentence = "no funding accrues over a gap longer than the venue declares"
    source = "paradex-docs funding-mechanism.mdx, 23 April 2026: beyond 30 s the index does not jump"
    hears = (IndexPublished, SnapshotTaken, RollbackDone)

    def applicable(self, case: Case) -> bool:
        """Where the venue declares a cap."""
        return model_of(case.scenario).venue.declared.index_gap_cap_ms is not None

    def begin(self, truth: Any) -> None:
        """The index of the night's start is the first that each market had."""
        super().begin(truth)
        self._cap_ms: int = truth.venue.declared.index_gap_cap_ms
        self._rows = deque([truth.start_index.copy()], ROWS_KEPT)
        self._kept = self._rows.copy()
        self._last_ms = np.zeros(len(truth.markets), np.int64)
        self._before_ms = self._last_ms.copy()
        self._index: Any = None
        self._instant_ms = 0

    def observe(self, event: Event) -> None:
        """Judges the markets whose last publication, before this instant, is longer ago than the cap."""
        if isinstance(event.data, SnapshotTaken):
            self._close_instant(event.at_ms)
            self._kept = self._rows.copy()
        elif isinstance(event.data, RollbackDone):
            self._rows, self._index = self._kept.copy(), None
            self._last_ms[:] = self._before_ms[:] = self._instant_ms = event.at_ms
        else:
            markets = event.data.markets
            self.count(len(markets))
            if event.at_ms != self._instant_ms:
                self._close_instant(event.at_ms)
            late = event.at_ms - self._before_ms[markets] > self._cap_ms
            if late.any():
                self._judge(event, late)
            self._last_ms[markets] = event.at_ms
            self._index = self.truth.watch.index.copy()

    def _close_instant(self, at_ms: int) -> None:
        """What the former instant came to belongs to the past from now on."""
        if self._index is not None:
            self._rows.append(self._index)
            self._index = None
        self._before_ms = self._last_ms.copy()
        self._instant_ms = at_ms

    def _judge(self, event: Event, late: Any) -> None:
        markets, indices = event.data.markets, event.data.indices
        before = np.array(self._rows)[:, markets]
        moved = np.flatnonzero(late & ((indices < before.min(axis=0)) | (indices > before.max(axis=0))))
        if moved.size:
            first = int(moved[0])
            gap_ms = event.at_ms - int(self._before_ms[markets[first]])
            self.find(
                event.at_ms,
                f"{count(moved.size, 'funding index', 'funding indices')} accrued over a gap longer than "
                f"{self._cap_ms} ms; {self.name(int(markets[first]))} over {gap_ms} ms",
                event.identity,
            )


class Schedule(VenueLaw):
    """F8: firings of a running service are at least one period apart: what was missed is not made up for.

    A start begins a new schedule. Its second firing may come early, if not at once: that is where a schedule aligns
    with the clock.
    """

    id, law_class = "F8", "safety"
    sentence = "funding ticks, marks and health checks fire at most once in each of their periods"
    source = "Vega issue 9329: a funding trigger fired once per block for every slot of the downtime"
    hears = (IndexPublished, PricesPublished, HealthChecked, ServiceState)

    def begin(self, truth: Any) -> None:
        """Nothing has fired."""
        super().begin(truth)
        venue = truth.venue
        self._periods_ms = {
            IndexPublished: venue.funding.tick_ms,
            PricesPublished: venue.oracle.mark_ms,
            HealthChecked: venue.liquidation.check_ms,
        }
        self._kinds = {"funding": IndexPublished, "market_data": PricesPublished, "liquidator": HealthChecked}
        self._last_ms = dict.fromkeys(self._periods_ms, 0)
        self._firings = dict.fromkeys(self._periods_ms, 0)

    def observe(self, event: Event) -> None:
        """Judges each firing by the one before it."""
        data: Any = event.data
        kind = data.__class__
        if kind is ServiceState:
            if data.service in self._kinds:
                self._firings[self._kinds[data.service]] = 0
            return
        self._checks += 1
        since_ms, period_ms = event.at_ms - self._last_ms[kind], self._periods_ms[kind]
        if since_ms < period_ms and self._firings[kind] >= (2 if since_ms else 1):
            self.find(
                event.at_ms, f"{data.kind} again after {since_ms} ms; its period is {period_ms} ms", event.identity
            )
        self._last_ms[kind] = event.at_ms
        self._firings[kind] += 1


class CachedIndexSane(VenueLaw):
    """F9: a position that changed carries an index that the chain took since the last look, or had at it.

    Looks at a sealed block once a minute, and there only at the positions that changed.
    """

    id, law_class = "F9", "safety"
    sentence = "a position remembers a funding index that was in force when the position last changed"
    source = "nado-contracts issue 31: accounts kept a stale funding checkpoint across an upgrade"
    hears = (BlockSealed, IndexOnchain, SnapshotTaken, RollbackDone)

    def begin(self, truth: Any) -> None:
        """Positions and indices as the night begins."""
        super().begin(truth)
        holdings = truth.start_holdings
        self._layout = holdings.layout
        self._size, self._cached = holdings.size.copy(), holdings.cached.copy()
        self._index = truth.start_index
        self._rows = [self._index]
        self._view: BlockView | None = None
        self._next_ms = 0
        self._keep()

    def observe(self, event: Event) -> None:
        """Follows the chain's indices, and looks at the positions every now and then."""
        data = event.data
        if isinstance(data, IndexOnchain):
            if len(data.markets) == len(self._index):  # every ordinary tick: nothing to copy
                self._index = data.indices
            else:
                self._index = self._index.copy()
                self._index[data.markets] = data.indices
            self._rows.append(self._index)
        elif isinstance(data, BlockSealed):
            self._view = data.view
            if event.at_ms >= self._next_ms:
                self._next_ms = event.at_ms + LOOK_EVERY_MS
                self._look(event, data.view)
        elif isinstance(data, SnapshotTaken):
            if self._view is not None:
                self._look(event, self._view)
            self._keep()
        else:
            size, cached, self._index = self._kept
            self._size, self._cached, self._rows = size.copy(), cached.copy(), [self._index]

    def _keep(self) -> None:
        self._kept = (self._size.copy(), self._cached.copy(), self._index)

    def _look(self, event: Event, view: BlockView) -> None:
        self.count()
        changed = np.flatnonzero((view.cached != self._cached) | (view.size != self._size))
        if changed.size:
            market, cached = self._layout.market[changed], view.cached[changed]
            sane = np.zeros(len(changed), np.bool_)
            for row in self._rows:
                sane |= cached == row[market]
            self._tell(event, changed[~sane])
            self._cached[changed], self._size[changed] = cached, view.size[changed]
        self._rows = [self._index]

    def _tell(self, event: Event, wrong: Any) -> None:
        if wrong.size:
            slot = int(wrong[0])
            account, market = self._layout.account_of[slot], self.name(self._layout.market_of[slot])
            self.find(
                event.at_ms,
                f"{count(wrong.size, 'position')} changed with a funding index that was not in force then; first that "
                f"of account {account} in {market}",
                event.identity,
                role=self.who(account),
            )
