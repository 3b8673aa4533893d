"""F1 to F6: what a funding index may do."""

from __future__ import annotations

from typing import Any

import numpy as np

from drydock.harness.event import Event
from drydock.harness.report.words import count
from drydock.harness.units import format_usd
from drydock.models.database_events import IndexRowsChanged
from drydock.models.events import (
    BlockSealed,
    IndexOnchain,
    IndexPersisted,
    IndexPublished,
    RollbackDone,
)
from drydock.models.invariants.base import VenueLaw
from drydock.models.perp.funding import funding_pnl, max_step
from drydock.models.perp.units import INDEX_SHIFT, all_true


class Continuity(VenueLaw):
    """F1: ``abs(I(t) - I(t-)) <= r_m * S_max * min(dt, cap) / T``."""

    id, law_class, role = "F1", "safety", "market"
    sentence = "a funding index moves no further than the rate cap allows in the time that passed"
    source = "StarkWare perpetuals, funding_tick.cairo"
    hears = (IndexPublished,)

    def observe(self, event: Event) -> None:
        """Judges each published index against the one before it."""
        watch = self.truth.watch
        self.count(len(watch.markets))
        if watch.is_small:
            return
        bound = np.maximum(watch.bound(self.truth.venue.declared.index_gap_cap_ms), 1)
        over = np.flatnonzero(watch.step > bound)
        if over.size:
            worst = int(over[np.argmax((watch.step // bound)[over])])
            tenths = int(watch.step[worst]) * 10 // int(bound[worst])
            times = f"{tenths // 10}" if tenths >= 100 else f"{tenths // 10}.{tenths % 10}"
            before, after = int(watch.before[worst]) >> INDEX_SHIFT, int(event.data.indices[worst]) >> INDEX_SHIFT
            self.find(
                event.at_ms,
                f"{over.size} of {len(watch.markets)} funding indices jumped; {self.name(int(watch.markets[worst]))} "
                f"from {before} to {after} price quantums, {times} times what the cap "
                f"allows",
                event.identity,
            )


class Completeness(VenueLaw):
    """F2: ``keys(tick)`` is a superset of the previous keys and of the markets with open interest."""

    id, law_class, role = "F2", "safety", "market"
    sentence = "a funding tick covers every active market"
    source = "StarkWare perpetuals, validate_funding_tick"
    hears = (IndexPublished,)

    def begin(self, truth: Any) -> None:
        """Every market of a scenario is active."""
        super().begin(truth)
        self._wanted = list(range(len(truth.markets)))

    def observe(self, event: Event) -> None:
        """Judges the keys of each tick."""
        wanted = len(self._wanted)
        keys = event.data.markets.tolist()
        missing = 0 if keys == self._wanted else wanted - len(set(keys))
        self.check(event, missing == 0, f"the tick lacks {missing} of {wanted} markets")


class NoUnexplainedReset(VenueLaw):
    """F3: ``abs(I) <= r_m * S * tick / T`` only if the previous index was as small."""

    id, law_class, role = "F3", "safety", "market"
    sentence = "no funding index is reset to zero (or to zero plus one tick) without having been there"
    source = "Paradex post-mortem, 23 January 2026 [P]: some market funding indices reset to zero"
    hears = (IndexPublished,)

    def observe(self, event: Event) -> None:
        """Judges each published index that lies within one tick of zero and moved further than a tick to get there."""
        watch, truth = self.truth.watch, self.truth
        markets = watch.markets
        self.count(len(markets))
        if watch.is_small:
            return
        facts, spot = truth.markets, truth.outside.spot(event.at_ms)[markets]
        tick = max_step(facts.rate_cap_ppm[markets], spot, truth.venue.funding.tick_ms, facts.period_ms[markets])
        reset = np.flatnonzero((np.abs(event.data.indices) <= tick) & (np.abs(watch.before) > tick + watch.bound(None)))
        if reset.size:
            names = ", ".join(self.name(int(markets[n])) for n in reset[:5])
            more = f" and {reset.size - 5} more" if reset.size > 5 else ""
            self.find(
                event.at_ms,
                f"funding indices of {reset.size} of {len(truth.markets)} markets are reset to zero: {names}{more}",
                event.identity,
            )


class CopiesAgree(VenueLaw):
    """F4: ``abs(I_a - I_b) <= r_m * S * lag / T`` between cloud, database and chain; and no copy falls back in time.

    A row that says its own time may be right and yet old: by more than the declared lag older than it was before is a
    lost update, or the lost tail of a failover, whatever the index did meanwhile.
    """

    id, law_class = "F4", "safety"
    sentence = "the copies of a funding index in cloud, database and chain agree within their lag"
    source = "house rule: copies of one value differ by no more than their lag explains"
    hears = (IndexPersisted, IndexRowsChanged, IndexOnchain, BlockSealed, RollbackDone)

    def begin(self, truth: Any) -> None:
        """All copies start equal."""
        super().begin(truth)
        self._copies = {"database": _Copy(truth), "chain": _Copy(truth)}
        self._is_dirty = False

    def observe(self, event: Event) -> None:
        """Follows each copy; compares them whenever a block was sealed after a change."""
        data = event.data
        if isinstance(data, BlockSealed):
            if self._is_dirty:
                self._compare(event)
                self._is_dirty = False
        elif isinstance(data, IndexPersisted):
            self._is_dirty = True
            self._on_persisted(event)
        elif isinstance(data, IndexRowsChanged):
            self._is_dirty = True
            self._on_changed(event)
        elif isinstance(data, IndexOnchain):
            self._is_dirty = True
            self._copies["chain"].take(data.markets, data.indices, event.at_ms)
        else:
            for copy in self._copies.values():
                copy.take(slice(None), self.truth.watch.index, event.at_ms)

    def _on_persisted(self, event: Event) -> None:
        data: IndexPersisted = event.data
        markets, indices, is_written = data.markets, data.indices, data.written == 1
        if not all_true(is_written):
            markets, indices = markets[is_written], indices[is_written]
        self._copies["database"].take(markets, indices, event.at_ms)

    def _on_changed(self, event: Event) -> None:
        data, copy, truth = event.data, self._copies["database"], self.truth
        back_ms = copy.at_ms[data.markets] - data.made_ms
        fell = np.flatnonzero(back_ms > truth.venue.declared.copies_lag_ms + truth.venue.funding.tick_ms)
        copy.take(data.markets, data.indices, data.made_ms)
        self.count()
        if fell.size:
            first, most_s = self.name(int(data.markets[fell[0]])), int(back_ms.max()) // 1000
            fallen = count(fell.size, "funding index", "funding indices")
            told = f"{fallen} in the database fell back in time, by up to {most_s} s, first {first}"
            self.find(event.at_ms, told, event.identity)

    def _compare(self, event: Event) -> None:
        watch, truth = self.truth.watch, self.truth
        for label, copy in self._copies.items():
            self.count()
            gap = np.abs(watch.index - copy.index)
            if all_true(gap <= watch.small):
                continue
            lag_ms = np.minimum(np.abs(watch.at_ms - copy.at_ms), truth.venue.declared.copies_lag_ms)
            facts, spot = truth.markets, truth.outside.spot(event.at_ms)
            lag_ms = lag_ms + truth.venue.funding.tick_ms
            bound = max_step(facts.rate_cap_ppm, spot + spot // 10, lag_ms, facts.period_ms)
            apart = np.flatnonzero(gap > bound)
            if apart.size:
                first = self.name(int(apart[0]))
                differing = count(apart.size, "funding index", "funding indices")
                told = f"cloud and {label} differ in {differing}, first {first}"
                self.find(event.at_ms, told, event.identity, role=label)


class _Copy:
    """One copy of all indices, with the time of each."""

    __slots__ = ("at_ms", "index")

    def __init__(self, truth: Any) -> None:
        self.index = truth.start_index.copy()
        self.at_ms = np.zeros_like(self.index)

    def take(self, markets: Any, index: Any, at_ms: Any) -> None:
        """These markets' indices arrive in this copy."""
        self.index[markets] = index
        self.at_ms[markets] = at_ms


class AccountFundingStep(VenueLaw):
    """F5: ``abs(dFunding_i) <= sum_m abs(q) * r_m * S * dt / T`` between valuations without a trade."""

    id, law_class = "F5", "safety"
    sentence = "no account's funding moves further than its positions and the rate caps allow"
    source = "follows from F1, account by account"
    hears = (IndexPublished, BlockSealed)

    def begin(self, truth: Any) -> None:
        """Starts from the positions of the night's start."""
        super().begin(truth)
        self._size = truth.start_holdings.size
        self._layout = truth.start_holdings.layout

    def observe(self, event: Event) -> None:
        """Judges all accounts at each tick; no market over its bound means no account over its own."""
        data, watch = event.data, self.truth.watch
        if isinstance(data, BlockSealed):
            self._size = data.view.size
            return
        self.count(self._layout.accounts)
        if not watch.is_small:
            bound = watch.bound(self.truth.venue.declared.index_gap_cap_ms)
            if (watch.step > bound).any():
                self._judge_accounts(event, data.indices - watch.before, bound)

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
                role=self.who(worst),
            )


class FundingZeroSum(VenueLaw):
    """F6: ``sum_i dF_i = 0`` per market, the vault included: necessary, not sufficient."""

    id, law_class, role = "F6", "safety", "market"
    sentence = "what funding gives to one side of a market it takes from the other"
    source = "derivexyz/v2-core PR #294"
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
            self.find(
                event.at_ms,
                f"funding of {self.name(market)} does not sum to zero: {format_usd(gap)} USD",
                event.identity,
            )

    def _total(self, size: Any, index: Any, cached: Any, realised: Any) -> Any:
        layout = self._layout
        return realised + layout.per_market(funding_pnl(size, index[layout.market], cached))
