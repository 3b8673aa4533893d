"""P6, P7: a mark that listens to the venue's own book, and how far it may be led by it."""

from __future__ import annotations

from typing import Any

import numpy as np

from drydock.harness.event import Event
from drydock.harness.report.words import count
from drydock.models.events import Ints, ModeChanged, PricesPublished, ServiceState
from drydock.models.invariants.base import BookLaw
from drydock.models.mark_engine import mark_method
from drydock.models.order_events import MarkSampled
from drydock.models.perp.basis import ASK, BID, Averages, TopOfBook, basis_ppb
from drydock.models.perp.units import PPM, Bools
from drydock.models.venue import Action

ACTS: tuple[Action, ...] = ("fill", "liquidate", "trigger")
"""What a mark does to people: it bounds fills, and it decides on liquidations and triggers."""


class NearFair(BookLaw):
    """P6: ``abs(M / E - 1) <= b`` with E the true outside price; in POST_ONLY b is the declared band and the spread.

    Judged in the modes in which the declared matrix lets a mark act on somebody, and of marks that are not too old for
    it by the venue's own declaration: whoever uses an older one breaks P2. The narrow bound of POST_ONLY holds where
    the venue declares a band and a book has both sides; what the averages bring along from before is granted.
    """

    id, law_class, role = "P6", "safety", "market"
    sentence = "a mark that may act on somebody stays near the outside price"
    source = "Paradex, 19 January 2026 [P]: PAXG marked far from gold while its book was thin"
    hears = (MarkSampled, PricesPublished, ModeChanged)

    def begin(self, truth: Any) -> None:
        """The night begins in OK."""
        super().begin(truth)
        declared = truth.venue.declared
        self._limit_ppm, self._band_ppm = declared.mark_off_ppm_max, declared.post_only_band_ppm
        self._brought_ppm: Ints = np.zeros(len(truth.markets), np.int64)
        self._apart_ppm = self._brought_ppm
        self._sample: Event | None = None
        self._follow("ok")

    def _follow(self, mode: str) -> None:
        """How old a mark may be, at most, that acts on somebody in this mode; below zero where none may."""
        declared = self.truth.venue.declared
        ages_ms = {"liquidate": declared.liquidation_price_age_ms}
        acts = [action for action in ACTS if declared.allows(mode, action)]
        self._mode = mode
        self._age_ms_max = max((ages_ms.get(action, declared.fill_price_age_ms) for action in acts), default=-1)
        if mode == "post_only":
            self._brought_ppm = self._apart_ppm

    def observe(self, event: Event) -> None:
        """Judges every mark that was made of the book, once the prices of its tick tell how old its inputs are."""
        data = event.data
        if isinstance(data, ModeChanged):
            self._follow(data.mode)
        elif isinstance(data, MarkSampled):
            self._sample = event
        elif self._sample is not None:
            sample, self._sample = self._sample, None
            self._judge(sample, data.age_ms)

    def _judge(self, sample: Event, age_ms: Ints) -> None:
        data: MarkSampled = sample.data
        fair = self.truth.mark(sample.at_ms)
        apart_ppm = self._apart_ppm = np.abs(data.mark_quantums - fair) * PPM // fair
        acts = age_ms <= self._age_ms_max
        if not acts.any():
            return
        self._checks += 1
        limit = self._limit_ppm if self._mode != "post_only" or self._band_ppm is None else self._narrow_ppm(data, fair)
        over = np.flatnonzero((apart_ppm > limit) & acts)
        if over.size:
            worst = int(over[np.argmax(apart_ppm[over])])
            self.find(
                sample.at_ms,
                f"{count(over.size, 'mark')} too far from the outside price in {self._mode}; {self.name(worst)} is "
                f"marked {data.mark_quantums[worst]}, {apart_ppm[worst]} ppm from {fair[worst]}",
                sample.identity,
            )

    def _narrow_ppm(self, data: MarkSampled, fair: Ints) -> Ints:
        bid, ask = data.bid_quantums, data.ask_quantums
        assert self._band_ppm is not None
        spread_ppm = np.abs(ask - bid) * PPM // fair
        allowed: Ints = np.minimum(self._band_ppm + spread_ppm + self._brought_ppm, self._limit_ppm)
        allowed[(bid == 0) | (ask == 0)] = self._limit_ppm
        return allowed


class ThinBookIndependence(BookLaw):
    """P7: without its best bid, or without its best ask, a book makes a mark at most x away from the published one.

    The law keeps averages of its own, by the documented method, and asks at every tick what the mark would have been
    had that order not been there. That says something of the venue only if the venue's mark is made by that method, so
    a published mark that is not what the method gives is a finding too.
    """

    id, law_class, role = "P7", "safety", "market"
    sentence = "no single order on the venue moves a mark by more than declared"
    source = "Paradex, 19 January 2026, and Binance, 10 October 2025 [P]: marks led by a thin book of their own"
    hears = (MarkSampled, PricesPublished, ServiceState)

    def begin(self, truth: Any) -> None:
        """The venue has been running, its book liquid, since long."""
        super().begin(truth)
        self._spec = truth.venue.order_book
        self._method = mark_method(truth.venue, self._spec, truth.markets.ewma_ppm)
        markets = len(truth.markets)
        self._averages = Averages.cold(markets)._replace(liquid_ms=np.full(markets, self._method.ramp_ms or 0))
        self._limit_ppm = truth.venue.declared.mark_per_order_ppm_max
        self._is_warm = np.zeros(markets, np.bool_)
        self._sample: MarkSampled | None = None

    def observe(self, event: Event) -> None:
        """A sample is judged when its spot is known: the prices of the same tick follow it."""
        data = event.data
        if isinstance(data, MarkSampled):
            self._sample = data
        elif isinstance(data, PricesPublished):
            if self._sample is not None and self._sample.is_sampled:
                self._judge(event, self._sample, data.spot_quantums)
                self._sample = None
        elif data.service == "market_data" and data.state in ("stopped", "crashed"):
            self._averages = self._averages.after_restart(self._spec.cold_start)

    def _judge(self, event: Event, sample: MarkSampled, spot: Ints) -> None:
        self._checks += 1
        before, method = self._averages, self._method
        if not self._is_warm.all():
            self._is_warm |= before.known.all(axis=0)
        price = np.stack((sample.bid_quantums, sample.ask_quantums, sample.last_quantums))
        top = TopOfBook(price, price > 0)
        outside = _Outside.of(sample, spot)
        self._averages = method.sampled(before, top, spot)
        self._judge_method(event, sample, spot, outside)
        for side, following in ((BID, sample.next_bid_quantums), (ASK, sample.next_ask_quantums)):
            if self._may_move(top, side, following, spot):
                bent = top.with_side(side, following, following > 0)
                mark, known = method.mark(before, bent, spot, outside.basis_ppb, outside.known)
                self._judge_side(event, sample.mark_quantums, mark, known & self._is_warm, side)

    def _may_move(self, top: TopOfBook, side: int, following: Ints, spot: Ints) -> bool:
        """The cheap way out: no average moves by more than its weight of the gap, and no median by more than a vote."""
        gap = np.abs(top.price[side] - following) * self._method.weights_ppm
        return bool(((gap > spot * self._limit_ppm) & top.present[side]).any())

    def _judge_side(self, event: Event, published: Ints, mark: Ints, judged: Bools, side: int) -> None:
        moved_ppm = np.where(judged, np.abs(published - mark) * PPM // np.maximum(published, 1), 0)
        worst = int(moved_ppm.argmax())
        if moved_ppm[worst] > self._limit_ppm:
            markets = int((moved_ppm > self._limit_ppm).sum())
            self.find(
                event.at_ms,
                f"the best {'bid' if side == BID else 'ask'} alone moves the mark of {count(markets, 'market')}; that "
                f"of {self.name(worst)} by {moved_ppm[worst]} ppm, from {mark[worst]} to {published[worst]}",
                event.identity,
            )

    def _judge_method(self, event: Event, sample: MarkSampled, spot: Ints, outside: _Outside) -> None:
        basis, known = self._method.fair_basis(self._averages, outside.basis_ppb, outside.known)
        apart = np.abs(basis_ppb(sample.mark_quantums, spot) - basis)
        wrong = np.flatnonzero(known & (apart * spot > ROUNDING_QUANTUMS * 1_000_000_000))
        if wrong.size:
            told = (
                f"{count(wrong.size, 'mark')} other than the documented method gives, first {self.name(int(wrong[0]))}"
            )
            self.find(event.at_ms, told, event.identity)


ROUNDING_QUANTUMS = 2
"""The outside rate is known to the law by the price that it makes: rounded once more than the venue's own."""


class _Outside:
    """The outside vote of a sample: its basis in ppb, and where there is one (None: everywhere)."""

    __slots__ = ("basis_ppb", "known")

    def __init__(self, basis: Ints, known: Bools | None) -> None:
        self.basis_ppb, self.known = basis, known

    @classmethod
    def of(cls, sample: MarkSampled, spot: Ints) -> _Outside:
        """Worked out of the outside price that the sample tells, 0 where it knows none."""
        known = sample.fair_quantums > 0
        if known.all():
            return cls(basis_ppb(sample.fair_quantums, spot), None)
        return cls(np.where(known, basis_ppb(sample.fair_quantums, spot), 0), known)
