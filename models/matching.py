"""Matching: the one door to the order books, and the rules that stand in it.

Mode       POST_ONLY takes post-only orders alone, CANCEL_ONLY and MAINTENANCE none; the venue's own orders (triggers,
           unwinding) match wherever the books are open, unless the declared matrix is honoured and forbids it.
Band       an aggressive order trades within mark * (1 +- band); passive orders outside are accepted ([S] paradex-docs
           price-bands.mdx). With the post-only band on (G15) orders in POST_ONLY, resting ones too, must lie within
           +-band of the external fair price ([S] release notes v1.131.1).
Margin     what an order would add to a position needs initial margin out of the free collateral; so does what rests.
Remainder  of a market order: rejected ([S] price-bands.mdx).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drydock.models.auction import CallAuction, Uncrossing
from drydock.models.book import Book, is_thin
from drydock.models.mass_quotes import MassQuotes
from drydock.models.open_orders import OpenOrders
from drydock.models.order_events import (
    REJECTED_BAND,
    REJECTED_CLOSED,
    REJECTED_CROSSES,
    REJECTED_EMPTY,
    REJECTED_MARGIN,
    REJECTED_ORDERS,
    REJECTED_RESYNC,
    REJECTED_STALE,
    AuctionUncrossed,
    IntentRejected,
    OrderCancelled,
    OrderPlaced,
    QuotesPlaced,
    QuotesPulled,
)
from drydock.models.orders import BUY, SELL, Fields, Match, Order
from drydock.models.perp.units import PPM

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
KeptBooks = tuple[tuple[Fields, ...], ...]
"""What rests, as plain data, book by book."""
OPEN_MODES = frozenset(("ok", "post_only"))
"""Modes in which orders meet; in an auction they are entered and wait."""
ENTRY_MODES = OPEN_MODES | {"auction"}
BY_OWNER, BY_BAND, BY_STEP, BY_SELF_TRADE, BY_RESYNC, BY_POSITION = 1, 2, 3, 4, 5, 6
OF_PERSON, OF_TRIGGER, OF_VAULT, OF_ARBITRAGE, OF_AUCTION = 0, 1, 2, 3, 4


class Tops(NamedTuple):
    """The tops of all books (price quantums, 0: none): best and second-best bid and ask, and the last trade."""

    bid: Ints
    ask: Ints
    next_bid: Ints
    next_ask: Ints
    last: Ints


class Matching:
    """Books of all markets in the cloud. Sizes are unsigned where a side is given, signed otherwise."""

    def __init__(self, world: VenueWorld) -> None:
        self._world = world
        self._sim = world.sim
        self._cloud = world.cloud
        self._lane = world.sim.lane_of("matching")
        self.books = [Book(self._reducible) for _ in world.markets.names]
        self.auctions = [CallAuction(self._reducible) for _ in self.books]
        self.has_collected = False
        """Whether an auction may have collected something."""
        self.last = self._cloud.mark.copy()
        """The last trade of every market: before the night all of them traded at mark."""
        self._looked_at = [-1] * len(self.books)
        self._rows = [[0] * 4 for _ in self.books]
        self._thin: set[int] = set()
        self.seen: Tops | None = None
        """What everybody can see: the tops as of the last mark."""
        self.resyncing: set[int] = set()
        self._band_ppm: list[int] = world.markets.band_ppm.tolist()
        self._imf_ppm: list[int] = world.markets.imf_ppm.tolist()
        self._orders_max: list[int] = world.markets.orders_max.tolist()
        self._next_id = 1
        self._quotes = MassQuotes(world, self)
        self.open = OpenOrders(world.markets.reference_price_quantums.tolist(), self._imf_ppm)

    # ---- what is allowed -----------------------------------------------------------------------------------------
    @property
    def is_open(self) -> bool:
        """Whether orders can meet at all."""
        return self._world.mode in OPEN_MODES

    @property
    def is_assessed(self) -> bool:
        """Whether somebody may take: without the liquidator nobody assesses the risk of a fill."""
        return self.is_open and self._world.liquidator.is_ready

    def _refusal(self, account: int, market: int) -> int:
        """Why nothing is accepted of this account now; 0 if it is."""
        if account in self.resyncing:
            return REJECTED_RESYNC
        if self._cloud.is_stale(market):
            return REJECTED_STALE
        return 0

    def _reject(self, market: int, account: int, reason: int, size: int = 0) -> None:
        self._sim.emit(IntentRejected(market, account, reason, size), self._lane)

    # ---- aggressive orders ---------------------------------------------------------------------------------------
    def market_order(
        self, market: int, slot: int, size: int, origin: int, *, is_reduce_only: bool = False,
        limit_price: int | None = None,
    ) -> int:  # fmt: skip
        """Trades signed ``size`` within the price band at once; returns what could not be traded (signed)."""
        cloud, side = self._cloud, 1 if size > 0 else -1
        account = cloud.account_of(slot)
        reason = self._refusal(account, market) if self.is_assessed else REJECTED_CLOSED
        held, bound = cloud.holdings.size_one(slot), self._bound(market, side, limit_price)
        if is_reduce_only:
            size = side * min(abs(size), max(0, -side * held))
        elif not reason and not self._has_margin(account, market, held, size, bound):
            reason = REJECTED_MARGIN
        if reason or not size:
            if reason:
                self._reject(market, account, reason, size)
            return size
        left = side * self._trade(market, slot, side, abs(size), bound, origin)
        if left:
            self._reject(market, account, REJECTED_EMPTY, left)
        return left

    def _bound(self, market: int, side: int, limit_price: int | None) -> int:
        """The worst price that an aggressive order may trade at."""
        mark = self._cloud.mark_one(market)
        edge = mark + side * (mark * self._band_ppm[market] // PPM)
        if limit_price is None:
            return edge
        return min(edge, limit_price) if side > 0 else max(edge, limit_price)

    def _trade(self, market: int, slot: int, side: int, size: int, bound: int, origin: int) -> int:
        account = self._cloud.account_of(slot)
        taken = self.books[market].take(account, side, size, bound)
        for match in taken.matches:
            self._book_match(market, slot, side, match, origin)
        for order in taken.cancelled:
            self._gone(market, order, BY_SELF_TRADE if order.owner == account else BY_POSITION)
        return taken.left

    def _book_match(self, market: int, slot: int, side: int, match: Match, origin: int) -> None:
        order = match.order
        self.last[market] = match.price
        if order.is_quote:
            self._world.makers.was_taken(order.owner, market)
        else:
            self.open.filled(market, order, match.size)
        self._cloud.trade(market, slot, order.slot, side * match.size, match.price, origin)

    # ---- passive orders ------------------------------------------------------------------------------------------
    def post(self, market: int, slot: int, side: int, price: int, size: int, *, is_post_only: bool = True) -> int:
        """An order that rests; not post-only it trades first what it can. Returns its number, 0 where none rests."""
        cloud, world = self._cloud, self._world
        account = cloud.account_of(slot)
        reason = self._post_refusal(market, account, price, size, is_post_only)
        book, in_auction = self.books[market], self._world.mode == "auction"
        if not reason and not in_auction and book.would_cross(side, price):
            if is_post_only:
                reason = REJECTED_CROSSES
            else:
                reason, size = self._cross(market, slot, side, price, size)
        if reason:
            self._reject(market, account, reason, side * size)
        if reason or not size:
            return 0
        number = self._next_id
        self._next_id += 1
        order = Order(number, account, slot, side, price, size)
        if in_auction:
            self.has_collected = True
            self.auctions[market].collect(order)
        else:
            book.post(order)
        self.open.enter(market, order, world.cloud.height)
        fair = world.market_data.fair_one(market)
        self._sim.emit(OrderPlaced(market, account, number, side, price, size, fair), self._lane)
        return number

    def _cross(self, market: int, slot: int, side: int, price: int, size: int) -> tuple[int, int]:
        """A limit order that crosses trades first: why the rest may not rest (0: it may), and its size."""
        bound, held = self._bound(market, side, price), self._cloud.holdings.size_one(slot)
        if not self._has_margin(self._cloud.account_of(slot), market, held, side * size, bound):
            return REJECTED_MARGIN, size
        left = self._trade(market, slot, side, size, bound, OF_PERSON)
        is_beyond = left and self.books[market].would_cross(side, price)  # it would have to trade beyond the band
        return (REJECTED_BAND if is_beyond else 0), left

    def _post_refusal(self, market: int, account: int, price: int, size: int, is_post_only: bool) -> int:
        world = self._world
        if world.mode not in ENTRY_MODES or (world.mode == "post_only" and not is_post_only):
            return REJECTED_CLOSED
        reason = self._refusal(account, market)
        if reason:
            return reason
        if not self.within_band(market, price):
            return REJECTED_BAND
        if self.open.count.get((account, market), 0) >= self._orders_max[market]:
            return REJECTED_ORDERS
        needed = self._margin_of(market, size)
        return 0 if self._free(account) >= needed else REJECTED_MARGIN

    @property
    def is_banded(self) -> bool:
        """G15: whether orders must lie within a band of the outside price."""
        return self._world.mode == "post_only" and self._world.venue.safeguards.post_only_band_ppm is not None

    def within_band(self, market: int, price: int) -> bool:
        """G15, in POST_ONLY; where no external price is known nothing can be told to lie outside."""
        band_ppm = self._world.venue.safeguards.post_only_band_ppm
        if band_ppm is None or not self.is_banded:
            return True
        fair = self._world.market_data.fair_one(market)
        return abs(price - fair) * PPM <= fair * band_ppm or not fair

    def quote(self, maker: int, markets: Ints, fair: Ints, can_bid: Mask, can_ask: Mask) -> list[int]:
        """A maker's mass quote: his ladder around ``fair`` in each market, each level post-only.

        Returns the markets in which a level would have crossed or lay outside the band, or nothing was accepted.
        """
        if self._world.mode not in ENTRY_MODES or maker in self.resyncing:
            self._reject(int(markets[0]), maker, REJECTED_CLOSED)
            return [int(market) for market in markets]
        count, short, self._next_id = self._quotes.place(maker, markets, fair, can_bid, can_ask, self._next_id)
        self._sim.emit(QuotesPlaced(maker, markets, fair, count), self._lane)
        return short

    def withdraw(self, markets: Sequence[int], maker: int) -> None:
        """A maker's quotes in these markets are taken back; nothing is said."""
        self._quotes.withdraw(maker, markets)

    def uncross(self) -> None:
        """An auction ends: in every market what was collected meets at one price; what is left rests."""
        markets = worth = 0
        for market, auction in enumerate(self.auctions):
            done = auction.uncross(self.books[market], self._cloud.mark_one(market))
            markets += bool(done.crossings)
            worth += sum(trade.size * trade.price for trade in done.crossings)
            for trade in done.crossings:
                self.last[market] = trade.price
                self._cloud.trade(market, trade.bid.slot, trade.ask.slot, trade.size, trade.price, OF_AUCTION)
            self._settle(market, done)
        self.has_collected = False
        self._sim.emit(AuctionUncrossed(markets, worth), self._lane)

    def _settle(self, market: int, done: Uncrossing) -> None:
        """What an uncrossing means to the orders in it, once for each."""
        for order, size in done.fills:
            if order.is_quote:
                self._world.makers.was_taken(order.owner, market)
            else:
                self.open.filled(market, order, size)
        for order in done.cancelled:
            self._gone(market, order, BY_POSITION if order.is_reduce_only else BY_SELF_TRADE)

    # ---- cancelling ----------------------------------------------------------------------------------------------
    def cancel(self, market: int, number: int) -> None:
        """The owner takes an order back; one that is gone already stays gone, and nothing is said."""
        order = self.books[market].get(number) or self.auctions[market].get(number)
        if order is None:
            return
        may = self._world.may("cancel")
        if may:
            self.books[market].cancel(number)
            self.auctions[market].cancel(number)
            self.open.gone(market, order)
        self._sim.emit(OrderCancelled(market, order.owner, number, BY_OWNER, int(may)), self._lane)

    def pull_quotes(self, maker: int) -> None:
        """A maker's session ends: all his quotes leave the books."""
        self._sim.emit(QuotesPulled(maker, self._quotes.pull(maker)), self._lane)

    def cancel_resting(self, reason: int, account: int | None = None) -> int:
        """Cancels what rests in all books, of one account or of all; quotes are orders too. Returns how many."""
        count = 0
        keep = None if account is None else lambda order: order.owner != account
        for market, (book, auction) in enumerate(zip(self.books, self.auctions, strict=True)):
            for order in book.cancel_all(keep) + auction.cancel_all(keep):
                count += 1
                self._gone(market, order, reason)
        return count

    def enforce_band(self) -> None:
        """G15: in POST_ONLY a resting order that the fair price has left behind is cancelled."""
        if not self.is_banded:
            return
        for market, book in enumerate(self.books):
            for order in book.cancel_all(lambda order, market=market: self.within_band(market, order.price)):  # type: ignore[misc]
                self._gone(market, order, BY_BAND)

    def _gone(self, market: int, order: Order, reason: int) -> None:
        if order.is_quote:
            self._world.makers.was_taken(order.owner, market)
            return
        self.open.gone(market, order)
        self._sim.emit(OrderCancelled(market, order.owner, order.id, reason, 1), self._lane)

    # ---- margin of what rests ------------------------------------------------------------------------------------
    def _margin_of(self, market: int, size: int) -> int:
        return size * self._cloud.mark_one(market) * self._imf_ppm[market] // PPM

    def _has_margin(self, account: int, market: int, held: int, size: int, bound: int) -> bool:
        """Initial margin for what the position grows, and the open loss of trading worse than mark, along the book."""
        grows = abs(held + size) - abs(held)
        if grows <= 0:
            return True
        side = 1 if size > 0 else -1
        met, money = self.books[market].worth(side, abs(size), bound)
        open_loss = max(0, side * (money - met * self._cloud.mark_one(market)))
        return self._free(account) >= self._margin_of(market, grows) + open_loss

    def _free(self, account: int) -> int:
        """Free collateral less what open orders hold back (1e-6 USD)."""
        return self._cloud.free_collateral(account) - self.open.reserved.get(account, 0)

    def _reducible(self, order: Order) -> int:
        return max(0, -order.side * self._cloud.holdings.size_one(order.slot))

    # ---- what others ask -----------------------------------------------------------------------------------------
    def tops(self) -> Tops:
        """The tops of all books, for the mark."""
        self._look()
        columns = np.array(self._rows, np.int64).T
        self.seen = Tops(columns[0], columns[1], columns[2], columns[3], self.last.copy())
        return self.seen

    def _look(self) -> None:
        """Looks at books that changed since the last look: in a quiet market few of them did."""
        spread_ppm = self._world.population.traders.thin_spread_ppm
        for market, book in enumerate(self.books):
            if book.changes != self._looked_at[market]:
                self._looked_at[market] = book.changes
                bids, asks = book.best_two(BUY), book.best_two(SELL)
                bid, next_bid = bids if len(bids) == 2 else (*bids, 0, 0)[:2]
                ask, next_ask = asks if len(asks) == 2 else (*asks, 0, 0)[:2]
                self._rows[market] = [bid, ask, next_bid, next_ask]
                (self._thin.add if is_thin(bid, ask, spread_ppm) else self._thin.discard)(market)

    def thin(self) -> list[int]:
        """Markets whose book lacks a side, or has a wide spread."""
        self._look()
        return sorted(self._thin)

    def resting(self) -> int:
        """How many orders rest that are no quotes."""
        return sum(1 for book in self.books for order in book if not order.is_quote)

    def height(self) -> int:
        """The greatest height at which an order that rests was entered; quotes are of a session and count for none."""
        entered = [self.open.height_of(order) for book in self.books for order in book if not order.is_quote]
        return max(entered, default=0)

    # ---- snapshots -----------------------------------------------------------------------------------------------
    def keep(self) -> KeptBooks:
        """The order store as it is, quotes apart: these belong to a maker's session."""
        books = tuple(tuple(f for f in book.snapshot() if not f[-1]) for book in self.books)
        return books

    def restore(self, kept: KeptBooks) -> None:
        """Becomes a store that was kept; what an auction has collected since is gone."""
        self.open.clear()
        for auction in self.auctions:
            auction.cancel_all()
        self.has_collected = False
        for market, (book, fields) in enumerate(zip(self.books, kept, strict=True)):
            book.restore(fields)
            for order in book:
                self.open.enter(market, order)
