"""O1, O2, O3, M7: what each mode means for orders, what a bust gives back, which orders survive."""

from __future__ import annotations

from typing import Any

import numpy as np

from drydock.harness.event import Event
from drydock.harness.report.words import count
from drydock.harness.units import format_usd
from drydock.models.events import BlockSealed, Bust, Fill, Ints, ModeChanged, RollbackDone
from drydock.models.invariants.base import BookLaw
from drydock.models.matching import BY_OWNER, OF_ARBITRAGE, OF_AUCTION, OF_PERSON, OF_TRIGGER, OF_VAULT
from drydock.models.order_events import (
    MarkSampled,
    OrderCancelled,
    OrderPlaced,
    OrdersKept,
    QuotesPlaced,
    ResyncEnded,
    ResyncStarted,
    TriggerDone,
    TriggerFired,
)
from drydock.models.perp.units import PPM
from drydock.models.triggers import KINDS

TAKERS = {
    OF_PERSON: "a person's order",
    OF_TRIGGER: "a trigger",
    OF_VAULT: "the vault's unwinding",
    OF_ARBITRAGE: "a maker",
    OF_AUCTION: "an auction",
}
"""Who takes, by the origin of a fill."""


class PostOnly(BookLaw):
    """O1: in POST_ONLY nobody takes and all prices lie within the declared band; no book crosses at rest.

    The band is around the outside price that the venue knows, before and after an order has come to rest. Whether that
    price is as fresh as it should be is P2's business. What rests is seen at the next mark: the two best of each side.
    """

    id, law_class = "O1", "safety"
    sentence = "in POST_ONLY nobody takes and every order lies within the declared band; no book ever crosses at rest"
    source = "Paradex release notes v1.131.1, February 2026: post-only orders within 5 bps, resting ones too"
    hears = (Fill, ModeChanged, OrderPlaced, MarkSampled)

    def begin(self, truth: Any) -> None:
        """The night begins in OK, and no outside price is known."""
        super().begin(truth)
        self._mode = "ok"
        self._is_post_only = False
        self._band_ppm = truth.venue.declared.post_only_band_ppm
        self._mark_ms = truth.venue.oracle.mark_ms
        self._sampled_ms = -self._mark_ms - 1
        self._fair: Ints = np.zeros(len(truth.markets), np.int64)

    def observe(self, event: Event) -> None:
        """Fills are many: in any other mode they cost a look at a flag."""
        data = event.data
        if data.__class__ is Fill:
            if self._is_post_only:
                taker = TAKERS[data.origin]
                self.check(
                    event, False, f"{taker} takes from account {data.maker} in {self.name(data.market)}", role=taker
                )
        elif isinstance(data, MarkSampled):
            self._judge_rest(event, data)
            self._fair, self._sampled_ms = data.fair_quantums, event.at_ms
        elif isinstance(data, OrderPlaced):
            if self._is_post_only and self._band_ppm is not None:
                self._judge_order(event, data, self._band_ppm)
        else:
            self._mode, self._is_post_only = data.mode, data.mode == "post_only"

    def _judge_order(self, event: Event, data: OrderPlaced, band_ppm: int) -> None:
        fair = data.fair_quantums
        apart_ppm = abs(data.price_quantums - fair) * PPM // fair if fair else 0
        self.check(
            event, apart_ppm <= band_ppm,
            lambda: f"an order of account {data.account} in {self.name(data.market)} lies {apart_ppm} ppm from the "
            f"outside price; {band_ppm} ppm are declared", role=lambda: self.who(data.account),
        )  # fmt: skip

    def _judge_rest(self, event: Event, data: MarkSampled) -> None:
        self._checks += 1
        bid, ask = data.bid_quantums, data.ask_quantums
        crossed = np.flatnonzero((bid >= ask) & (ask > 0))
        if crossed.size and self._mode != "auction":
            first = int(crossed[0])
            told = (
                f"{count(crossed.size, 'book')} crossed; {self.name(first)} is bid {bid[first]} and asked {ask[first]}"
            )
            self.find(event.at_ms, told, event.identity, role="book")
        is_next = event.at_ms - self._sampled_ms <= self._mark_ms
        if self._is_post_only and self._band_ppm is not None and is_next:
            self._judge_rest_by_band(event, data, self._band_ppm)

    def _judge_rest_by_band(self, event: Event, data: MarkSampled, band_ppm: int) -> None:
        """What rests was accepted, or left alone, at an outside price between that of the last mark and this one's."""
        truth = self.truth
        between = range(self._sampled_ms, event.at_ms, truth.venue.oracle.tick_ms)
        fair = np.stack((self._fair, data.fair_quantums, *(truth.mark(at_ms) for at_ms in between)))
        low, high = fair.min(axis=0) * (PPM - band_ppm), fair.max(axis=0) * (PPM + band_ppm)
        rest = np.stack((data.bid_quantums, data.ask_quantums, data.next_bid_quantums, data.next_ask_quantums)) * PPM
        outside = (rest > 0) & ((rest < low) | (rest > high)) & (self._fair > 0)
        if outside.any():
            side, market = np.argwhere(outside)[0].tolist()
            markets = count(int(outside.any(axis=0).sum()), "market")
            told = (
                f"orders rest beyond {band_ppm} ppm of the outside price in {markets}; "
                f"{self.name(market)} at {rest[side, market] // PPM}, the outside price is {self._fair[market]}"
            )
            self.find(event.at_ms, told, event.identity, role="book")


class CancelOnly(BookLaw):
    """O2: no new order in a mode that takes none; a cancel that its owner asks for is accepted where it is declared."""

    id, law_class = "O2", "safety"
    sentence = "in CANCEL_ONLY no new order is accepted, and everybody can cancel"
    source = "paradex-docs openapi, SystemState; the declared mode matrix"
    hears = (ModeChanged, OrderPlaced, QuotesPlaced, OrderCancelled)

    def begin(self, truth: Any) -> None:
        """The night begins in OK."""
        super().begin(truth)
        self._mode = "ok"
        self._may_post = self._may_cancel = True

    def observe(self, event: Event) -> None:
        """Judges each order, each mass quote and each cancel by the mode that was announced last."""
        data, declared = event.data, self.truth.venue.declared
        if isinstance(data, ModeChanged):
            self.count()
            self._mode = data.mode
            self._may_post = data.mode != "cancel_only" and declared.allows(data.mode, "post")
            self._may_cancel = declared.allows(data.mode, "cancel")
        elif not isinstance(data, OrderCancelled):
            self.check(
                event, self._may_post, lambda: f"an order of account {data.account} is taken in {self._mode}",
                role=lambda: self.who(data.account),
            )  # fmt: skip
        elif data.reason == BY_OWNER and self._may_cancel:
            told = f"account {data.account} cannot cancel its order {data.order} in {self._mode}"
            self.check(event, data.accepted == 1, told, role=self.who(data.account))


class BustAccounting(BookLaw):
    """O3: a bust gives both parties back what they had; nothing more is filled until the RESYNC ends, at no gap.

    On the chain both parties' positions must be those of the last block with what this block applied, busts left out.
    What the cloud made of it is compared when an account's RESYNC ends. An account is closed for as long as two blocks
    and their transport take, or for what the venue says if that is longer; the block after that opens it.
    """

    id, law_class = "O3", "safety"
    sentence = "a bust restores both parties, and a RESYNC ends, with the cloud equal to the chain"
    source = "paradex-docs risk-system/trade-busts.mdx"
    hears = (Fill, BlockSealed, Bust, ResyncStarted, ResyncEnded, RollbackDone)

    def begin(self, truth: Any) -> None:
        """Nobody is in RESYNC, nothing was bust."""
        super().begin(truth)
        chain, book = truth.venue.chain, truth.venue.order_book
        self._least_ms = max(book.resync_ms, 2 * chain.block_ms + chain.submit_ms)
        self._closed: dict[int, int] = {}
        self._sealed_ms = 0
        self._busts: list[Bust] = []
        self._size: Ints = truth.start_holdings.size.copy()

    def observe(self, event: Event) -> None:
        """Fills are many, accounts in RESYNC are rare."""
        data = event.data
        if data.__class__ is Fill:
            if self._closed:
                told = f"a fill of accounts {data.taker} and {data.maker}, one of them in RESYNC"
                is_open = data.taker not in self._closed and data.maker not in self._closed
                self.check(event, is_open, told, role=lambda: self.who(data.taker))
        elif isinstance(data, BlockSealed):
            self._judge_block(event, data)
        elif isinstance(data, Bust):
            self._busts.append(data)
        elif isinstance(data, ResyncStarted):
            self._closed[data.account] = event.at_ms
        elif isinstance(data, ResyncEnded):
            self._judge_end(event, data)
        else:
            self._closed.clear()
            self._busts.clear()
            self._size = self.truth.shadow.holdings.size.copy()

    def _judge_end(self, event: Event, data: ResyncEnded) -> None:
        self._closed.pop(data.account, None)
        gap, apart = data.quote_gap_quantums, data.positions_apart
        told = (
            f"the RESYNC of account {data.account} finds {count(apart, 'other position')} and {format_usd(gap)} USD in "
            f"the cloud"
        )
        self.check(event, gap == 0 and apart == 0, told, role=self.who(data.account))

    def _judge_block(self, event: Event, data: BlockSealed) -> None:
        view = data.view
        self._checks += 1
        overdue = [account for account, since_ms in self._closed.items() if self._sealed_ms - since_ms > self._least_ms]
        if overdue:
            told = f"the RESYNC of account {overdue[0]} does not end; the chain has long caught up"
            self.find(event.at_ms, told, event.identity, role=self.who(overdue[0]))
        if self._busts:
            self._judge_busts(event, view)
            self._busts = []
        self._sealed_ms = event.at_ms
        np.copyto(self._size, view.size)

    def _judge_busts(self, event: Event, view: Any) -> None:
        """What the block applied is known; what is more than that, or less, was not restored."""
        slot_of, expected = view.layout.slot_of, self._size
        for fill in view.fills:
            expected[fill.taker_slot] += fill.size
            expected[fill.maker_slot] -= fill.size
        for part in view.liquidated:
            np.subtract.at(expected, part.slots, part.sizes)
            np.add.at(expected, view.layout.market[part.slots], part.sizes)
        for bust in self._busts:
            for account in (bust.taker, bust.maker):
                slot = slot_of[(account, bust.market)]
                told = f"a bust in {self.name(bust.market)} does not give account {account} back what it had"
                self.check(event, int(view.size[slot]) == int(expected[slot]), told, role=self.who(account))


class OrderSurvival(BookLaw):
    """M7: orders after a rollback are those of the snapshot that the declared retention keeps; owners know which.

    In all other cases a trigger waits until it fires or is cancelled by a step of the runbook.
    """

    id, law_class, role = "M7", "safety", "trigger"
    sentence = "after a rollback the orders are those that the declared retention keeps, and their owners know which"
    source = "CME Globex order retention; Paradex, 19 January 2026 [P]: all but take-profit and stop-loss cancelled"
    hears = (OrdersKept, TriggerFired, TriggerDone, RollbackDone, ModeChanged)

    def begin(self, truth: Any) -> None:
        """Nothing was kept yet."""
        super().begin(truth)
        retained = truth.venue.declared.retained_orders
        self._keeps_limits = "limit" in retained
        self._retained_kinds = {KINDS[kind] for kind in retained if kind in KINDS}
        self._retained: set[int] = set()
        self._expected: set[int] | None = None
        self._snapshot: set[int] | None = None
        self._under_way: set[int] = set()
        self._resting = 0
        self._is_due = False

    def observe(self, event: Event) -> None:
        """Follows the order store from moment to moment."""
        data = event.data
        if isinstance(data, OrdersKept):
            self._judge(event, data)
        elif isinstance(data, TriggerFired):
            self._under_way.add(data.trigger)
            if self._expected is not None:
                self._expected.discard(data.trigger)
        elif isinstance(data, TriggerDone):
            self._under_way.discard(data.trigger)
        elif isinstance(data, RollbackDone):
            self._is_due = True
        elif data.mode != "maintenance" and self._is_due:
            self._is_due = False
            self._judge_retention(event, self._resting)

    def _judge(self, event: Event, data: OrdersKept) -> None:
        waiting = set(data.triggers.tolist())
        told = set(data.told.tolist()) - (self._under_way - waiting)  # of what just fired its owner is about to hear
        self.check(
            event, waiting == told,
            lambda: f"at the {data.moment} {count(len(waiting ^ told), 'trigger')} waiting without the owner's "
            f"knowledge, or the other way round",
        )  # fmt: skip
        if data.moment == "rollback" and self._snapshot is not None:
            self._expected = self._snapshot
        if data.moment == "cancel":
            self._judge_cancel(event, data, waiting)
        elif data.moment != "snapshot" and self._expected is not None:
            lost, more = len(self._expected - waiting), len(waiting - self._expected)
            holds = not lost and not more
            told_lost = f"at the {data.moment} {count(lost, 'trigger')} lost, and {more} waiting that should not"
            self.check(event, holds, told_lost)
        if data.moment == "snapshot":
            self._snapshot = set(waiting)
        kept = zip(data.triggers.tolist(), data.kinds.tolist(), strict=True)
        self._retained |= {trigger for trigger, kind in kept if kind in self._retained_kinds}
        self._expected, self._resting = waiting, data.resting

    def _judge_cancel(self, event: Event, data: OrdersKept, waiting: set[int]) -> None:
        before = waiting if self._expected is None else self._expected
        lost, more = len((before & self._retained) - waiting), len(waiting - (before & self._retained))
        told = (
            f"of {count(len(before), 'trigger')} {lost} cancelled although retained, and {more} waiting that should not"
        )
        self.check(event, not lost and not more, told)
        self._judge_retention(event, data.resting)

    def _judge_retention(self, event: Event, resting: int) -> None:
        told = f"{count(resting, 'order')} resting in the book after the rollback, and limit orders are not retained"
        self.check(event, self._keeps_limits or resting == 0, told, role="limit order")
