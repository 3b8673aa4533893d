"""M1 to M5, W1: the maintenance itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drydock.harness.event import Event
from drydock.harness.port import Finding
from drydock.harness.report.words import count
from drydock.models.events import (
    Fill,
    IndexPublished,
    L1Transferred,
    Liquidation,
    LoadCompleted,
    ModeChanged,
    ResumeChecked,
    SnapshotTaken,
    WindowClosed,
)
from drydock.models.invariants.base import VenueLaw
from drydock.models.order_events import AuctionUncrossed, MarkSampled
from drydock.models.perp.funding import max_step
from drydock.models.perp.units import PPM, all_true
from drydock.models.venue import LEGAL_MODE_CHANGES, Mode


class LoadBeforePublish(VenueLaw):
    """M1: for each published (key, service epoch) there is an earlier ``load_complete(key, epoch)``."""

    id, law_class, role = "M1", "safety", "market"
    sentence = "a restarted service publishes nothing that it has not loaded"
    source = "Paradex post-mortem, 23 January 2026 [P]: a race while critical data was being loaded"
    hears = (LoadCompleted, IndexPublished)

    def begin(self, truth: Any) -> None:
        """No epoch has loaded anything."""
        super().begin(truth)
        self._loaded_epoch = np.full(len(truth.markets), -1, np.int64)

    def observe(self, event: Event) -> None:
        """Happens-before, by epoch and market."""
        data = event.data
        if isinstance(data, LoadCompleted):
            if data.service == "funding":
                self._loaded_epoch[data.markets[data.found == 1]] = data.epoch
            return
        self._checks += 1
        is_loaded = self._loaded_epoch[data.markets] == data.epoch
        if not all_true(is_loaded):
            unloaded = data.markets[~is_loaded]
            self.find(
                event.at_ms,
                f"{unloaded.size} of {len(data.markets)} indices are published before their rows were loaded, "
                f"first {self.name(int(unloaded[0]))}",
                event.identity,
            )


class ModeMatrix(VenueLaw):
    """M2: action allowed(mode); legal transitions; every service acknowledges the mode before it is announced."""

    id, law_class = "M2", "safety"
    sentence = "the venue does in each mode only what it declares, and announces a mode when all services know it"
    source = "paradex-docs openapi, SystemState; the declared mode matrix"
    hears = (ModeChanged, Fill, Liquidation, L1Transferred)

    def begin(self, truth: Any) -> None:
        """The night begins in OK."""
        super().begin(truth)
        self._mode: Mode = "ok"
        self._may_fill = truth.venue.declared.allows("ok", "fill")

    def observe(self, event: Event) -> None:
        """Judges transitions, fills, liquidations and payouts."""
        data, declared = event.data, self.truth.venue.declared
        if isinstance(data, Fill):
            self._checks += 1
            if not self._may_fill:
                self.find(event.at_ms, f"a fill in mode {self._mode}", event.identity, role="fill")
        elif isinstance(data, Liquidation):
            holds = declared.allows(data.mode, "liquidate")
            told = f"account {data.account} is liquidated in mode {data.mode}"
            self.check(event, holds, told, role=self.who(data.account))
        elif isinstance(data, L1Transferred):
            may = data.amount_quantums > 0 or declared.allows(self._mode, "withdraw")
            told = f"account {data.account} is paid out in mode {self._mode}"
            self.check(event, may, told, role=self.who(data.account))
        else:
            legal = (data.before, data.mode) in LEGAL_MODE_CHANGES
            self.check(event, legal, f"the mode goes from {data.before} to {data.mode}", role="mode")
            told = f"{data.mode} is announced before {count(data.waiting, 'service')} knew of it"
            self.check(event, data.waiting == 0, told, role="service")
            self._mode, self._may_fill = data.mode, declared.allows(data.mode, "fill")


class SnapshotRoundTrip(VenueLaw):
    """M3: ``restore(snapshot(s)) == s`` by canonical hash, all fields."""

    id, law_class = "M3", "safety"
    sentence = "a snapshot restores exactly the state that it was taken of"
    source = "Vega specification 0077-SNAP-004"
    hears = (SnapshotTaken,)

    def observe(self, event: Event) -> None:
        """Compares the root of the state with the root of what its bytes restore."""
        data = event.data
        same = (data.root_high, data.root_low) == (data.restored_high, data.restored_low)
        self.check(event, same, f"the snapshot of height {data.height} restores another state root")


class ResumeGate(VenueLaw):
    """M5: before OK feeds are fresh, copies agree, services are ready, indices are near the truth, books have depth.

    Depth: no market whose book had both sides when the venue last traded lacks one, or an auction was held. It is
    judged when the venue may act on people again: at OK, or at the first mark after the grace that is declared for it.
    A side is missing that was missing at two marks in a row: a single one may fall between a maker's old quotes and his
    new ones, as it does in nights without any maintenance.
    """

    id, law_class = "M5", "safety"
    sentence = (
        "the venue goes back to OK only with fresh prices, agreeing copies, ready services, plausible indices, and "
        "acts on people only with books that have their two sides again"
    )
    source = (
        "house rule: reopening is a decision with evidence; Vega 0094-PRAC keeps a network in auction after an upgrade"
    )
    hears = (ResumeChecked, ModeChanged, MarkSampled, AuctionUncrossed)

    def begin(self, truth: Any) -> None:
        """Nothing is checked yet; the night begins in OK."""
        super().begin(truth)
        self._is_checked = self._is_auctioned = False
        self._is_trading = True
        self._grace_ms = truth.venue.declared.grace_ms
        self._due_ms: int | None = None
        self._sample: MarkSampled | None = None
        self._before: MarkSampled | None = None
        self._traded: MarkSampled | None = None

    def observe(self, event: Event) -> None:
        """Judges what was checked before a resume, and that something was."""
        data = event.data
        if isinstance(data, MarkSampled):
            self._before, self._sample = self._sample, data
            if self._due_ms is not None and event.at_ms >= self._due_ms:
                self._due_ms = None
                self._judge_depth(event, self._lost(), "when the grace is over")
        elif isinstance(data, AuctionUncrossed):
            self._is_auctioned = True
        elif isinstance(data, ResumeChecked):
            self._is_checked = True
            self._judge(event, data)
            if not self._grace_ms:  # the venue's count is of this moment, the last mark may be of before
                self._judge_depth(event, min(data.markets_thin, self._lost()), "at OK")
        else:
            if data.mode == "ok":
                self.check(event, self._is_checked, "OK without any check before it", role="mode")
            self._is_checked = False
            self._follow(event, data.mode)

    def _follow(self, event: Event, mode: str) -> None:
        """Keeps what the books looked like when the venue last traded, and when the grace ends."""
        if self._is_trading and mode != "ok":
            self._traded, self._is_auctioned = self._sample, False
        self._is_trading = mode == "ok"
        self._due_ms = event.at_ms + self._grace_ms if self._is_trading and self._grace_ms else None

    def _lost(self) -> int:
        """How many books had both sides when the venue last traded, and at neither of the last two marks."""
        if self._traded is None or self._sample is None or self._before is None:
            return 0
        is_there = _is_two_sided(self._sample) | _is_two_sided(self._before)
        return int((_is_two_sided(self._traded) & ~is_there).sum())

    def _judge_depth(self, event: Event, lost: int, when: str) -> None:
        if self._traded is None:
            return
        share_ppm, most_ppm = lost * PPM // len(self.truth.markets), self.truth.venue.declared.thin_markets_ppm_max
        told = f"{count(lost, 'book')} without a side {when} that was there before"
        self.check(event, share_ppm <= most_ppm or self._is_auctioned, told, role="book")

    def _judge(self, event: Event, data: ResumeChecked) -> None:
        limit_ms = self.truth.venue.declared.fill_price_age_ms
        age_ms = data.oldest_price_age_ms
        missing, apart, down = data.markets_without_index, data.markets_apart, data.services_down
        wrong = self._implausible(event.at_ms)
        for role, holds, told in (
            ("price", age_ms <= limit_ms, f"with a price {age_ms} ms old; {limit_ms} ms are allowed"),
            ("market", missing == 0, f"with {count(missing, 'market')} lacking an index"),
            ("copy", apart == 0, f"with {count(apart, 'index', 'indices')} apart between cloud and chain"),
            ("service", down == 0, f"with {count(down, 'service')} not ready"),
            ("index", wrong == 0, f"with {wrong} of {len(self.truth.markets)} funding indices implausible"),
        ):
            self.check(event, holds, f"OK {told}", role=role)

    def _implausible(self, at_ms: int) -> int:
        """How many indices are further from the truth index than the rate cap allows for the announced window."""
        truth = self.truth
        spot = truth.outside.spot(at_ms)
        facts = truth.markets
        bound = max_step(facts.rate_cap_ppm, spot, truth.runbook.window_ms, facts.period_ms)
        return int((np.abs(truth.watch.index - truth.index(at_ms)) > bound).sum())


def _is_two_sided(sample: MarkSampled) -> NDArray[np.bool_]:
    both: NDArray[np.bool_] = (sample.bid_quantums > 0) & (sample.ask_quantums > 0)
    return both


class WindowKept(VenueLaw):
    """W1: the venue is back before the announced end of the window; a window that never closes is overrun too."""

    id, law_class, mode = "W1", "service", "eventually"
    sentence = "the window is not overrun"
    source = "the runbook's announced window"
    hears = (WindowClosed,)

    def observe(self, event: Event) -> None:
        """Judges the end of the window."""
        overrun_ms = event.data.overrun_ms
        self.check(event, overrun_ms == 0, f"the venue is back {overrun_ms // 1000} s after the announced end")

    def end(self) -> Sequence[Finding]:
        """The findings; where the runbook is not through by the end of the night, nobody else says so."""
        if not self.checks:
            self.count()
            night_ms = self.truth.runbook.night_ms
            self.find(night_ms, f"the window is still open after {night_ms // 1000} s, when the night is over")
        return self._findings
