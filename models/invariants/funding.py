"""F1 to F6: what a funding index may do."""

from __future__ import annotations

from typing import Any

import numpy as np

from drydock.harness.event import Event
from drydock.models.events import (
    BlockSealed,
    IndexOnchain,
    IndexPersisted,
    IndexPublished,
    RollbackDone,
    SnapshotTaken,
)
from drydock.models.invariants.base import IndexWatch, VenueLaw
from drydock.models.perp.funding import funding_pnl, max_step
from drydock.models.perp.units import INDEX_SHIFT


class Continuity(VenueLaw):
    """F1: ``abs(I(t) - I(t-)) <= r_m * S_max * min(dt, cap) / T``."""

    id, law_class = "F1", "safety"
    sentence = "a funding index moves no further than the rate cap allows in the time that passed"
    source = "StarkWare funding_tick.cairo; domain 9, F1"
    hears = IndexWatch.hears

    def begin(self, truth: Any) -> None:
        """Starts from the indices of the night's start."""
        super().begin(truth)
        self._watch = IndexWatch(truth)

    def observe(self, event: Event) -> None:
        """Judges each published index against the one before it."""
        data = event.data
        if isinstance(data, IndexPublished):
            self.count(len(data.markets))
            step = np.abs(data.index - self._watch.index[data.markets])
            bound = self._watch.bound(data.markets, event.at_ms, self.truth.venue.declared.index_gap_cap_ms)
            over = np.flatnonzero(step > bound)
            if over.size:
                worst = int(over[np.argmax((step // np.maximum(bound, 1))[over])])
                market = int(data.markets[worst])
                before = int(self._watch.index[market]) >> INDEX_SHIFT
                after = int(data.index[worst]) >> INDEX_SHIFT
                self.find(
                    event.at_ms,
                    f"{over.size} of {len(data.markets)} funding indices jumped; {self.name(market)} from {before} to "
                    f"{after} price quantums, {int(step[worst]) // max(1, int(bound[worst]))} times what the cap allows",
                    event.identity,
                )
        self._watch.follow(event)


class Completeness(VenueLaw):
    """F2: ``keys(tick)`` is a superset of the previous keys and of the markets with open interest."""

    id, law_class = "F2", "safety"
    sentence = "a funding tick covers every active market"
    source = "StarkWare validate_funding_tick; domain 9, F2"
    hears = (IndexPublished,)

    def observe(self, event: Event) -> None:
        """Judges the keys of each tick; every market of a scenario is active."""
        missing = len(self.truth.markets) - len(np.unique(event.data.markets))
        self.check(event, missing == 0, f"the tick lacks {missing} of {len(self.truth.markets)} markets")


class NoUnexplainedReset(VenueLaw):
    """F3: ``abs(I) <= r_m * S * tick / T`` only if the previous index was as small."""

    id, law_class = "F3", "safety"
    sentence = "no funding index is reset to zero (or to zero plus one tick) without having been there"
    source = "Paradex post-mortem, 23 January 2026 [P]; domain 9, F3"
    hears = IndexWatch.hears

    def begin(self, truth: Any) -> None:
        """Starts from the indices of the night's start."""
        super().begin(truth)
        self._watch = IndexWatch(truth)

    def observe(self, event: Event) -> None:
        """Judges each published index that lies within one tick of zero."""
        data = event.data
        if isinstance(data, IndexPublished):
            self.count(len(data.markets))
            facts, spec = self.truth.markets, self.truth.venue.funding
            spot = self.truth.outside.spot(event.at_ms)[data.markets]
            cap, period = facts.rate_cap_ppm[data.markets], facts.period_ms[data.markets]
            tick = max_step(cap, spot, spec.tick_ms, period)
            moved = self._watch.bound(data.markets, event.at_ms, None)
            before = np.abs(self._watch.index[data.markets])
            reset = np.flatnonzero((np.abs(data.index) <= tick) & (before > tick + moved))
            if reset.size:
                names = ", ".join(self.name(int(data.markets[n])) for n in reset[:5])
                more = f" and {reset.size - 5} more" if reset.size > 5 else ""
                self.find(
                    event.at_ms,
                    f"funding indices of {reset.size} of {len(self.truth.markets)} markets are reset to zero: "
                    f"{names}{more}",
                    event.identity,
                )
        self._watch.follow(event)


class CopiesAgree(VenueLaw):
    """F4: ``abs(I_a - I_b) <= r_m * S * lag / T`` between cloud, database and chain."""

    id, law_class = "F4", "safety"
    sentence = "the copies of a funding index in cloud, database and chain agree within their lag"
    source = "domain 9, F4"
    hears = (IndexPublished, IndexPersisted, IndexOnchain, BlockSealed, SnapshotTaken, RollbackDone)

    def begin(self, truth: Any) -> None:
        """All copies start equal."""
        super().begin(truth)
        self._copies = {kind: IndexWatch(truth) for kind in (IndexPublished, IndexPersisted, IndexOnchain)}
        self._is_dirty = False

    def observe(self, event: Event) -> None:
        """Follows each copy; compares them whenever a block was sealed after a change."""
        data = event.data
        if isinstance(data, BlockSealed):
            if self._is_dirty:
                self._compare(event)
                self._is_dirty = False
        elif isinstance(data, SnapshotTaken | RollbackDone):
            for copy in self._copies.values():
                copy.follow(event)
        else:
            self._take(event)
            self._is_dirty = True

    def _take(self, event: Event) -> None:
        data = event.data
        copy = self._copies[type(data)]
        kept = data.written == 1 if isinstance(data, IndexPersisted) else np.ones(len(data.markets), np.bool_)
        copy.index[data.markets[kept]] = data.index[kept]
        copy.at_ms[data.markets[kept]] = event.at_ms

    def _compare(self, event: Event) -> None:
        cloud = self._copies[IndexPublished]
        for other, label in ((IndexPersisted, "database"), (IndexOnchain, "chain")):
            copy = self._copies[other]
            lag_ms = np.minimum(np.abs(cloud.at_ms - copy.at_ms), self.truth.venue.declared.copies_lag_ms)
            facts = self.truth.markets
            spot = self.truth.outside.spot(event.at_ms)
            lag_ms = lag_ms + self.truth.venue.funding.tick_ms
            bound = max_step(facts.rate_cap_ppm, spot + spot // 10, lag_ms, facts.period_ms)
            apart = np.flatnonzero(np.abs(cloud.index - copy.index) > bound)
            self.check(
                event, apart.size == 0,
                lambda apart=apart, label=label: (
                    f"{apart.size} funding indices differ between cloud and {label}, first {self.name(int(apart[0]))}"
                ),
            )  # fmt: skip


class AccountFundingStep(VenueLaw):
    """F5: ``abs(dFunding_i) <= sum_m abs(q) * r_m * S * dt / T`` between valuations without a trade."""

    id, law_class = "F5", "safety"
    sentence = "no account's funding moves further than its positions and the rate caps allow"
    source = "domain 9, F5"
    hears = (*IndexWatch.hears, BlockSealed)

    def begin(self, truth: Any) -> None:
        """Starts from the positions and indices of the night's start."""
        super().begin(truth)
        self._watch = IndexWatch(truth)
        self._size = truth.start_holdings.size
        self._layout = truth.start_holdings.layout

    def observe(self, event: Event) -> None:
        """Judges all accounts at each tick; no market over its bound means no account over its own."""
        data = event.data
        if isinstance(data, BlockSealed):
            self._size = data.view.size
            return
        if isinstance(data, IndexPublished):
            self.count(self._layout.accounts)
            bound = self._watch.bound(data.markets, event.at_ms, self.truth.venue.declared.index_gap_cap_ms)
            step = data.index - self._watch.index[data.markets]
            if (np.abs(step) > bound).any():
                self._judge_accounts(event, step, bound)
        self._watch.follow(event)

    def _judge_accounts(self, event: Event, step: object, bound: object) -> None:
        markets, layout, size = event.data.markets, self._layout, self._size
        moved = np.zeros(layout.markets, np.int64)
        allowed = np.zeros(layout.markets, np.int64)
        moved[markets], allowed[markets] = step, bound
        paid = layout.per_account(funding_pnl(size, moved[layout.market], np.zeros_like(size)))
        most = layout.per_account(-funding_pnl(np.abs(size), allowed[layout.market], np.zeros_like(size)))
        over = np.flatnonzero(np.abs(paid) > most + layout.slots)
        if over.size:
            worst = int(over[np.argmax(np.abs(paid[over]))])
            self.find(
                event.at_ms,
                f"funding of {over.size} of {layout.accounts} accounts jumped in one tick; account {worst} by "
                f"{int(paid[worst]) // 1_000_000} USD",
                event.identity,
            )


class FundingZeroSum(VenueLaw):
    """F6: ``sum_i dF_i = 0`` per market, the vault included: necessary, not sufficient."""

    id, law_class = "F6", "safety"
    sentence = "what funding gives to one side of a market it takes from the other"
    source = "derivexyz/v2-core PR #294; domain 9, F6"
    hears = (BlockSealed, IndexOnchain)

    def begin(self, truth: Any) -> None:
        """Notes the funding that was open when the night began."""
        super().begin(truth)
        holdings = truth.start_holdings
        self._layout = holdings.layout
        self._start = self._total(holdings.size, truth.start_index, holdings.cached, holdings.realised)
        self._rounded = self._layout.slots
        self._is_dirty = True

    def observe(self, event: Event) -> None:
        """Sums realised and open funding per market; each realisation may lose less than 1e-6 USD."""
        if isinstance(event.data, IndexOnchain):
            self._is_dirty = True
            return
        view = event.data.view
        self._rounded += 2 * len(view.fills) + sum(2 * len(part.slots) for part in view.liquidated)
        if not (self._is_dirty or view.liquidated):
            return
        self._is_dirty = False
        total = self._total(view.size, view.index, view.cached, view.realised)
        apart = np.flatnonzero(np.abs(total - self._start) > self._rounded)
        self.count(len(total))
        if apart.size:
            market = int(apart[0])
            gap = int(total[market] - self._start[market])
            self.find(event.at_ms, f"funding of {self.name(market)} does not sum to zero: {gap}e-6 USD", event.identity)

    def _total(self, size: Any, index: Any, cached: Any, realised: Any) -> Any:
        layout = self._layout
        return realised + layout.per_market(funding_pnl(size, index[layout.market], cached))
