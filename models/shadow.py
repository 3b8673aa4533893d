"""The shadow book: what every account would be worth had prices and indices been true.

It follows what really happened to positions (fills, liquidations, busts, transfers, rollbacks), at the prices at which
it happened, but realises funding with the right index: the published one where it lies within the stated band around
the truth index (what a gap or a late price does to it is no wrong), else the truth index. Laws ask it whether an
account was healthy at the truth; the ledger asks it what a wrong did to an account. It lives outside the world: only
laws and the ledger reach it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drydock.harness.event import Event
from drydock.harness.sim import Sim
from drydock.models.accounts import VAULT, Holdings, Valuation
from drydock.models.events import (
    Bust,
    Fill,
    IndexPublished,
    L1Credited,
    Liquidation,
    LiquidationRefused,
    PricesPublished,
    RollbackDone,
    SnapshotTaken,
)
from drydock.models.liquidation import Liquidated, give_back
from drydock.models.perp.liquidation import cut
from drydock.models.perp.units import INDEX_SHIFT, PPM, all_true
from drydock.models.regimes import FLOOR_SHARE
from drydock.models.reserves import Reserves

if TYPE_CHECKING:
    from drydock.models.truth import Truth

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Shadow:
    """True holdings, brought up to date lazily."""

    def __init__(self, truth: Truth, sim: Sim) -> None:
        self._truth = truth
        self.holdings: Holdings = truth.start_holdings.copy()
        self._reserves = self._reserves_of(self.holdings)
        self._booked_since: list[tuple[int, int, int, int]] = []
        self._mark = truth.mark(0)
        self._fills: list[tuple[int, Fill]] = []
        self._cuts: list[Liquidation] = []
        self._cut_ms = -1
        self._snapshot = self.holdings
        self._justified: Mask | None = None
        self._offset = np.zeros_like(truth.start_index)
        self._small = (truth.outside.spot(0) // FLOOR_SHARE << INDEX_SHIFT) // PPM * truth.index_band_ppm
        self.is_wrong = np.zeros(len(truth.start_index), np.bool_)
        """Markets whose published index lies outside the stated band around the truth index."""
        for payload, observer in (
            (Fill, self._on_fill), (Liquidation, self._on_liquidation), (PricesPublished, self._on_prices),
            (Bust, self._on_bust), (L1Credited, self._on_credit), (SnapshotTaken, self._on_snapshot),
            (LiquidationRefused, self._on_refused),
            (RollbackDone, self._on_rollback), (IndexPublished, self._on_index),
        ):  # fmt: skip
            sim.hear(payload, observer)

    # ---- questions -------------------------------------------------------------------------------------------
    def value(self, at_ms: int) -> Valuation:
        """Every account at the true mark and the truth index of that time, with the positions of now."""
        self._flush()
        return self._value(at_ms)

    def nobody_is_under(self, at_ms: int) -> bool:
        """Whether it is certain, without valuing everybody, that no person is under margin at the truth."""
        self._flush()
        mark, fills = self._truth.mark(at_ms), self._booked_since
        self._booked_since = []
        return self._reserves.cover_all(fills, mark, mark.tolist(), self.index(at_ms))

    def _reserves_of(self, holdings: Holdings) -> Reserves:
        fee_ppm = self._truth.venue.liquidation.taker_fee_ppm
        return Reserves(holdings, self._truth.markets.mmf_ppm + fee_ppm)

    def index(self, at_ms: int) -> Ints:
        """The right index of every market (index units) at a time."""
        return self._truth.index(at_ms) + self._offset

    def band(self) -> Ints:
        """What the stated band of the truth index and the declared one of the mark mean for each account (1e-6 USD)."""
        size, market = self.holdings.size, self.holdings.layout.market
        notional = np.abs(size) * self._mark[market]
        venue = self._truth.venue
        book_ppm = 0 if venue.order_book is None else venue.declared.mark_band_ppm  # without one the mark is outside's
        band_ppm = self._truth.index_band_ppm + book_ppm
        return self.holdings.layout.per_account(notional // 1_000_000 * band_ppm) + 1_000_000

    def justified(self, at_ms: int) -> Mask:
        """Which accounts were under margin at the truth at some instant of ``[at - staleness, at]``.

        Asked about the liquidations of one instant, before any of them is applied. The band counts for the liquidator:
        an account within it is not called wrongly liquidated.
        """
        if self._justified is None or self._cut_ms != at_ms:
            self._flush_fills()
            self._justified = self._was_under(at_ms)
        return self._justified

    def _was_under(self, at_ms: int) -> Mask:
        declared, step_ms = self._truth.venue.declared, self._truth.venue.oracle.tick_ms
        under = np.zeros(self.holdings.layout.accounts, np.bool_)
        since_ms = max(0, at_ms - declared.staleness_ms_max)
        band = self.band() + self._vintage_allowance(since_ms, at_ms)
        for instant_ms in range(since_ms, at_ms + step_ms, step_ms):
            value = self._value(min(instant_ms, at_ms))
            under |= value.margin >= value.equity - band
        return under

    def _vintage_allowance(self, since_ms: int, at_ms: int) -> Ints:
        """What the spread of the external rates in the window means per account (1e-6 USD).

        A mark may combine a spot of one instant with rates of another, each fresh enough.
        """
        outside, layout = self._truth.outside, self.holdings.layout
        step_ms = self._truth.venue.oracle.external_tick_ms
        rates = np.array([outside.median_rate(t) for t in (*range(since_ms, at_ms, step_ms), at_ms)])
        spread_ppm = rates.max(axis=0) - rates.min(axis=0)
        notional = np.abs(self.holdings.size) * self._mark[layout.market]
        return layout.per_account(notional // 1_000_000 * spread_ppm[layout.market])

    def _value(self, at_ms: int) -> Valuation:
        truth = self._truth
        fee_ppm = truth.venue.liquidation.taker_fee_ppm
        return self.holdings.value(truth.mark(at_ms), self.index(at_ms), truth.markets.mmf_ppm, fee_ppm)

    # ---- what happens ----------------------------------------------------------------------------------------
    def _on_index(self, happened: Event) -> None:
        data: IndexPublished = happened.data
        markets = data.markets
        self._flush()
        gap = data.indices - self._truth.index(happened.at_ms)[markets]
        if all_true(np.abs(gap) <= self._small[markets]):  # within the band at any price: what a right tick is
            self.is_wrong[markets] = False
            self._offset[markets] = gap
            return
        spot = self._truth.outside.spot(happened.at_ms)[markets]
        wrong = np.abs(gap) > (spot << INDEX_SHIFT) // 1_000_000 * self._truth.index_band_ppm
        self.is_wrong[markets] = wrong
        self._offset[markets] = np.where(wrong, 0, gap)

    def _on_fill(self, happened: Event) -> None:
        self._fills.append((happened.at_ms, happened.data))

    def _on_liquidation(self, happened: Event) -> None:
        if happened.at_ms != self._cut_ms:
            self._flush()
            self._cut_ms = happened.at_ms
            self._justified = None
        self._cuts.append(happened.data)

    def _on_prices(self, happened: Event) -> None:
        if self._cuts:
            self._flush()  # they happened at the marks of before; fills bring their own price
        self._mark = happened.data.mark_quantums

    def _on_bust(self, happened: Event) -> None:
        data: Bust = happened.data
        self._flush()
        undone = Fill(data.market, data.taker, data.maker, -data.size_quantums, data.price_quantums, 0)
        self._fills.append((happened.at_ms, undone))

    def _on_refused(self, happened: Event) -> None:
        data: LiquidationRefused = happened.data
        self._flush()
        shares = np.zeros_like(data.accounts)  # nobody asks for them here
        done = Liquidated(data.accounts, shares, data.penalty_quantums, data.slots, data.sizes, data.prices)
        give_back(self.holdings, done, self.index(happened.at_ms))

    def _on_credit(self, happened: Event) -> None:
        data: L1Credited = happened.data
        self.holdings.quote[data.account] += data.amount_quantums
        self._reserves.forget()

    def _on_snapshot(self, happened: Event) -> None:
        self._flush()
        self._snapshot = self.holdings.copy()

    def _on_rollback(self, happened: Event) -> None:
        self._flush()
        self.holdings = self._snapshot.copy()
        self._reserves = self._reserves_of(self.holdings)

    # ---- bringing up to date ------------------------------------------------------------------------------------
    def _flush(self) -> None:
        self._flush_fills()
        self._flush_cuts()

    def _flush_fills(self) -> None:
        if not self._fills:
            return
        slot_of = self.holdings.layout.slot_of
        index = self.index(self._fills[0][0]).tolist()
        booked = [
            (slot_of[(taker, market)], slot_of[(maker, market)], size, price)
            for _, (market, taker, maker, size, price, _, _) in self._fills
        ]
        self.holdings.fill_all(booked, index)
        self._booked_since += booked
        self._fills = []

    def _flush_cuts(self) -> None:
        if not self._cuts:
            return
        cuts, self._cuts = self._cuts, []
        layout = self.holdings.layout
        accounts = np.array([c.account for c in cuts], np.int64)
        share_of = np.zeros(layout.accounts, np.int64)
        share_of[accounts] = [c.share_ppm for c in cuts]
        fines = np.array([c.penalty_quantums for c in cuts], np.int64)
        slots = layout.slots_of(accounts)
        sizes = cut(self.holdings.size[slots], share_of[layout.account[slots]])
        prices, index = self._mark[layout.market[slots]], self.index(self._cut_ms)
        self.holdings.trade(slots, -sizes, prices, index)
        self.holdings.trade(layout.market[slots], sizes, prices, index)
        self.holdings.quote[accounts] -= fines
        self.holdings.quote[VAULT] += int(fines.sum())
