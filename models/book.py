"""The order book of one market: price-time priority, in plain integers; it knows no clock, account or venue.

Whatever rests is one :class:`Order`, queued on its side as ``(key, sequence, order)``. The key is the price with the
sign that puts the best one first, the sequence counts what came to rest: a sorted list *is* price-time priority.

Rules where venues differ:

* Post-only is refused against any crossing order, the owner's own included: nothing ever crosses at rest.
* Self-trade [A]: a taker's own resting orders are cancelled where it would meet them, and it goes on to the next.
* Reduce-only is asked when an order is met, not before: it fills as far as its owner can still reduce, and what is then
  left of it is cancelled. Until it is met it stands in the book with all its size.
* A mass quote gives up the place of the quotes that it replaces; a partly filled order keeps its own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from drydock.models.perp.units import PPM, PRICE_QUANTUMS_MAX

BUY, SELL = 1, -1

Level = tuple[int, int]
"""Price (price quantums) and size (size quantums) of one step of a ladder."""

Fields = tuple[int, int, int, int, int, int, bool, bool]
"""An :class:`Order` as plain data, in the order of its fields."""


@dataclass(slots=True, eq=False)
class Order:
    """One order. The book owns ``left`` from the moment it is handed over; the other fields never change."""

    id: int  # the venue's number, once only
    owner: int  # account
    slot: int  # of the owner in this market
    side: int  # BUY or SELL
    price: int  # price quantums
    left: int  # size quantums still open, unsigned
    is_reduce_only: bool = False
    is_quote: bool = False  # one level of a mass quote, which the next mass quote of its owner replaces

    @property
    def fields(self) -> Fields:
        """The order as plain data: ``Order(*fields)`` is its equal."""
        return (
            self.id, self.owner, self.slot, self.side, self.price, self.left, self.is_reduce_only, self.is_quote
        )  # fmt: skip


class Match(NamedTuple):
    """A resting order was met: ``size`` (size quantums, unsigned) of it traded at its own ``price``."""

    order: Order
    size: int
    price: int


class Taken(NamedTuple):
    """What became of an incoming order: its matches in the order in which they happened, and the size that is left.

    ``cancelled`` are resting orders that it met and that were cancelled with what they had ``left``: those of the taker
    by the self-trade rule, those of others because they were reduce-only with nothing more to reduce.
    """

    matches: list[Match]
    left: int
    cancelled: list[Order]


Reducible = Callable[[Order], int]
"""By how much (size quantums, unsigned, 0 if not at all) an order's owner can reduce in the order's direction, as
accounts stand before the matches in progress. It must not touch the book."""

_Entry = tuple[int, int, Order]


class Book:
    """The resting orders of one market, and how they are met.

    Sizes are above zero and ids are new: a resting order that breaks this raises ``ValueError``. Prices are within
    the bounds of ``perp/units.py``; whether they lie within a band is for the caller to say.
    """

    __slots__ = ("_asks", "_bids", "_entries", "_quoting", "_reducible", "_sequence", "changes")

    def __init__(self, reducible: Reducible | None = None) -> None:
        """Without ``reducible``, a reduce-only order that rests is an order like any other."""
        self._bids: list[_Entry] = []  # best first, as are asks
        self._asks: list[_Entry] = []
        self._entries: dict[int, _Entry] = {}  # by order id
        self._sequence = 0
        self._reducible = reducible
        self._quoting: set[int] = set()  # owners who may have quotes here
        self.changes = 0
        """How often an order came or went: while it stays, so do prices, whatever is left of the orders."""

    # ---- what rests ------------------------------------------------------------------------------------------
    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Order]:
        """Bids, then asks, each in the order in which they would be met. The book must not change meanwhile."""
        for entry in self._bids:
            yield entry[2]
        for entry in self._asks:
            yield entry[2]

    def get(self, order_id: int) -> Order | None:
        """The resting order of this id."""
        entry = self._entries.get(order_id)
        return entry[2] if entry is not None else None

    @property
    def best_bid(self) -> int | None:
        """The highest price bid (price quantums), ``None`` where nobody bids."""
        return -self._bids[0][0] if self._bids else None

    @property
    def best_ask(self) -> int | None:
        """The lowest price asked (price quantums), ``None`` where nobody asks."""
        return self._asks[0][0] if self._asks else None

    def second(self, side: int) -> int | None:
        """The best price of a side had its first order not been placed, ``None`` where that order is alone (law P7)."""
        queue = self._bids if side > 0 else self._asks
        return -side * queue[1][0] if len(queue) > 1 else None

    def depth(self, side: int, within_price: int) -> int:
        """The size (size quantums) that rests on a side at this price or a better one."""
        queue = self._bids if side > 0 else self._asks
        end = bisect_right(queue, -side * within_price, key=itemgetter(0))
        return sum(entry[2].left for entry in queue[:end])

    def worth(self, side: int, size: int, limit_price: int) -> tuple[int, int]:
        """(size, money) that an order would trade within its limit if it met everybody: what it costs, to be asked
        before it is sent. Size in size quantums, money in 1e-6 USD, both unsigned."""
        queue, bound, left, money = self._asks if side > 0 else self._bids, side * limit_price, size, 0
        for key, _, order in queue:
            if left <= 0 or key > bound:
                break
            met = order.left if order.left < left else left
            left -= met
            money += met * order.price
        return size - left, money

    def is_thin(self, spread_ppm: int) -> bool:
        """Whether a side is empty, or the spread is more than ``spread_ppm`` of the price in its middle."""
        if not self._bids or not self._asks:
            return True
        bid, ask = -self._bids[0][0], self._asks[0][0]
        return 2 * PPM * (ask - bid) > spread_ppm * (ask + bid)

    def would_cross(self, side: int, price: int) -> bool:
        """Whether an order at this price would meet one of the other side, whoever owns it."""
        queue = self._asks if side > 0 else self._bids
        return bool(queue) and queue[0][0] <= side * price

    # ---- orders ----------------------------------------------------------------------------------------------
    def post(self, order: Order) -> bool:
        """Post-only: the order rests whole, or it would have crossed, and then nothing happens (``False``)."""
        if self.would_cross(order.side, order.price):
            return False
        self._rest(order)
        return True

    def limit(self, order: Order) -> Taken:
        """A plain limit order, good till cancelled: takes what it crosses; what is ``left`` rests."""
        taken = self.take(order.owner, order.side, order.left, order.price)
        order.left = taken.left
        if order.left:
            self._rest(order)
        return taken

    def take(self, owner: int, side: int, size: int, limit_price: int | None = None) -> Taken:
        """Immediate or cancel: takes up to ``size`` within the limit (none: a market order); nothing of it rests."""
        queue = self._asks if side > 0 else self._bids
        bound = PRICE_QUANTUMS_MAX if limit_price is None else side * limit_price
        matches: list[Match] = []
        cancelled: list[Order] = []
        met = 0
        for key, _, order in queue:
            if size <= 0 or key > bound:
                break
            most = 0 if order.owner == owner else order.left
            if most and order.is_reduce_only:
                most = self._most_of(order, matches)
            fill = most if most < size else size
            if fill:
                order.left -= fill
                size -= fill
                matches.append(Match(order, fill, order.price))
                if fill < most:
                    break  # it has more to give: the only one that was met and stays
            if order.left:
                cancelled.append(order)
            met += 1
        if met:
            self.changes += 1
            for entry in queue[:met]:
                del self._entries[entry[2].id]
            del queue[:met]
        return Taken(matches, size, cancelled)

    def cancel(self, order_id: int) -> Order | None:
        """Cancels a resting order and returns it; ``None`` where none of this id rests (any more)."""
        entry = self._entries.pop(order_id, None)
        if entry is None:
            return None
        queue = self._bids if entry[2].side > 0 else self._asks
        del queue[bisect_left(queue, entry)]
        self.changes += 1
        return entry[2]

    def cancel_all(self, keep: Callable[[Order], bool] | None = None) -> list[Order]:
        """Cancels every order that is not to be kept, and returns them in the order of iteration."""
        leaving = [order for order in self if keep is None or not keep(order)]
        for order in leaving:
            self.cancel(order.id)
        return leaving

    def quote(self, owner: int, slot: int, bids: Sequence[Level], asks: Sequence[Level], first_id: int) -> list[Order]:
        """Mass quote: replaces all quotes of an owner by these levels, each post-only; returns those that would cross.

        Bids are posted before asks, as given. Every level uses up an id, from ``first_id`` on, posted or not.
        """
        self.withdraw(owner)
        self._quoting.add(owner)
        refused: list[Order] = []
        order_id = first_id
        for side, levels in ((BUY, bids), (SELL, asks)):
            queue, other = (self._bids, self._asks) if side > 0 else (self._asks, self._bids)
            for price, size in levels:
                order = Order(order_id, owner, slot, side, price, size, False, True)
                order_id += 1
                if other and other[0][0] <= side * price:  # would_cross
                    refused.append(order)
                else:
                    queue.append(self._entry(order))
            queue.sort()  # a few behind many that are in order: cheaper than insort one by one
        return refused

    def withdraw(self, owner: int) -> None:
        """Takes all quotes of an owner back; his other orders stay."""
        if owner not in self._quoting:
            return
        self._quoting.discard(owner)
        self.changes += 1
        for queue in (self._bids, self._asks):
            staying = []
            for entry in queue:
                order = entry[2]
                if order.is_quote and order.owner == owner:
                    del self._entries[order.id]
                else:
                    staying.append(entry)
            queue[:] = staying

    # ---- snapshots -------------------------------------------------------------------------------------------
    def snapshot(self) -> tuple[Fields, ...]:
        """All that rests as plain data, in the order of iteration: equal snapshots behave equally ever after."""
        return tuple(order.fields for order in self)

    def restore(self, snapshot: Sequence[Fields]) -> None:
        """Becomes the book of a snapshot, or of a part of one: fresh orders, in the same priority."""
        self._bids.clear()
        self._asks.clear()
        self._entries.clear()
        self.changes += 1
        self._quoting = {fields[1] for fields in snapshot if fields[-1]}
        for fields in snapshot:
            self._rest(Order(*fields))

    # ---- inside ----------------------------------------------------------------------------------------------
    def _entry(self, order: Order) -> _Entry:
        """What queues for an order, from now on known by its id."""
        if order.left <= 0 or order.id in self._entries:
            raise ValueError(f"{order}: what rests has a size above zero and an id of its own")
        self._sequence += 1
        self.changes += 1
        entry = self._entries[order.id] = (-order.side * order.price, self._sequence, order)
        return entry

    def _rest(self, order: Order) -> None:
        insort(self._bids if order.side > 0 else self._asks, self._entry(order))

    def _most_of(self, order: Order, matches: list[Match]) -> int:
        """What a reduce-only order may give. Its owner's earlier matches of this take have used up some of it."""
        if self._reducible is None:
            return order.left
        used = sum(match.size for match in matches if match.order.owner == order.owner)
        return min(order.left, max(self._reducible(order) - used, 0))
