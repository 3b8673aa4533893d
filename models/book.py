"""The order book of one market: price-time priority, in plain integers; it knows no clock, account or venue.

Whatever rests is one :class:`Order`, queued on its side as ``(key, sequence, order)``. The key is the price with the
sign that puts the best one first, the sequence counts what came to rest: a sorted list *is* price-time priority.

Rules where venues differ:

* Post-only is refused against any crossing order, the owner's own included: nothing ever crosses at rest.
* Self-trade [A]: a taker's own resting orders are cancelled where it would meet them, and it goes on to the next.
* Reduce-only is asked when an order is met, not before: it fills as far as its owner can still reduce, and what is then
  left of it is cancelled. Until it is met it stands in the book with all its size.
* A mass quote gives up the place of the quotes that it replaces; a partly filled order keeps its own.

Ladders of makers stay folded (``ladders.py``) while only their heads matter: for tops, crossing, and takers whom the
first in the queue satisfies. Everything else unfolds them; from then on they are orders like any other.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter

from drydock.models.ladders import Ladder, first, would_meet
from drydock.models.orders import BUY, SELL, Fields, Level, Match, Order, Reducible, Taken
from drydock.models.perp.units import PPM, PRICE_QUANTUMS_MAX

_Entry = tuple[int, int, Order]


def is_thin(bid: int | None, ask: int | None, spread_ppm: int) -> bool:
    """:meth:`Book.is_thin` of these best prices (None or 0: none)."""
    return not bid or not ask or 2 * PPM * (ask - bid) > spread_ppm * (ask + bid)


class Book:
    """The resting orders of one market, and how they are met.

    Sizes are above zero and ids are new: a resting order that breaks this raises ``ValueError``. Prices are within
    the bounds of ``perp/units.py``; whether they lie within a band is for the caller to say.
    """

    __slots__ = (
        "_asks", "_bids", "_entries", "_firsts", "_ladders", "_quoting", "_reducible", "_sequence", "changes"
    )  # fmt: skip

    def __init__(self, reducible: Reducible | None = None) -> None:
        """Without ``reducible``, a reduce-only order that rests is an order like any other."""
        self._bids: list[_Entry] = []  # best first, as are asks
        self._asks: list[_Entry] = []
        self._entries: dict[int, _Entry] = {}  # by order id
        self._sequence = 0
        self._reducible = reducible
        self._quoting: set[int] = set()  # owners who may have unfolded quotes here
        self._ladders: dict[int, Ladder] = {}  # folded quotes by owner, in the order in which they were quoted
        self._firsts: dict[int, tuple[int, Ladder | None]] = {}  # by side: after how many changes, and which ladder
        self.changes = 0
        """How often an order came or went: while it stays, so do prices, whatever is left of the orders."""

    # ---- what rests ------------------------------------------------------------------------------------------
    def __len__(self) -> int:
        return len(self._entries) + sum(map(len, self._ladders.values()))

    def __iter__(self) -> Iterator[Order]:
        """Bids, then asks, each in the order in which they would be met. The book must not change meanwhile."""
        self._unfold()
        for entry in self._bids:
            yield entry[2]
        for entry in self._asks:
            yield entry[2]

    def get(self, order_id: int) -> Order | None:
        """The resting order of this id."""
        entry = self._known(order_id)
        return entry[2] if entry is not None else None

    @property
    def best_bid(self) -> int | None:
        """The highest price bid (price quantums), ``None`` where nobody bids."""
        prices = self.best_two(BUY)
        return prices[0] if prices else None

    @property
    def best_ask(self) -> int | None:
        """The lowest price asked (price quantums), ``None`` where nobody asks."""
        prices = self.best_two(SELL)
        return prices[0] if prices else None

    def second(self, side: int) -> int | None:
        """The best price of a side had its first order not been placed, ``None`` where that order is alone (law P7)."""
        prices = self.best_two(side)
        return prices[1] if len(prices) > 1 else None

    def best_two(self, side: int) -> list[int]:
        """The prices of the first two orders of a side, of fewer where there are no more."""
        if side > 0:
            prices = [-entry[0] for entry in self._bids[:2]] if self._bids else []
            for ladder in self._ladders.values():
                prices += ladder.bids
            prices.sort(reverse=True)
        else:
            prices = [entry[0] for entry in self._asks[:2]] if self._asks else []
            for ladder in self._ladders.values():
                prices += ladder.asks
            prices.sort()
        del prices[2:]
        return prices

    def depth(self, side: int, within_price: int) -> int:
        """The size (size quantums) that rests on a side at this price or a better one."""
        self._unfold()
        queue = self._bids if side > 0 else self._asks
        end = bisect_right(queue, -side * within_price, key=itemgetter(0))
        return sum(entry[2].left for entry in queue[:end])

    def worth(self, side: int, size: int, limit_price: int) -> tuple[int, int]:
        """(size, money) that an order would trade within its limit if it met everybody: what it costs, to be asked
        before it is sent. Size in size quantums, money in 1e-6 USD, both unsigned."""
        bound, left, money = side * limit_price, size, 0
        head = self._head(-side, bound, size)
        if head is not None:
            price, _ = head.head(-side)
            return (size, size * price) if side * price <= bound else (0, 0)
        queue = self._asks if side > 0 else self._bids
        for key, _, order in queue:
            if left <= 0 or key > bound:
                break
            met = order.left if order.left < left else left
            left -= met
            money += met * order.price
        return size - left, money

    def is_thin(self, spread_ppm: int) -> bool:
        """Whether a side is empty, or the spread is more than ``spread_ppm`` of the price in its middle."""
        return is_thin(self.best_bid, self.best_ask, spread_ppm)

    def would_cross(self, side: int, price: int) -> bool:
        """Whether an order at this price would meet one of the other side, whoever owns it."""
        best = self.best_ask if side > 0 else self.best_bid
        return best is not None and side * best <= side * price

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
        bound = PRICE_QUANTUMS_MAX if limit_price is None else side * limit_price
        head = self._head(-side, bound, size, owner)
        if head is not None:
            return self._take_of(head, side, size, bound)
        queue = self._asks if side > 0 else self._bids
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
        entry = self._known(order_id)
        if entry is None:
            return None
        del self._entries[order_id]
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
        self._unfold()
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

    def quote_ladder(
        self, owner: int, slot: int, bids: list[int], asks: list[int], size: int, first_id: int
    ) -> list[Order]:
        """:meth:`quote` of levels that have all one size and stand best first; the lists are the book's from now on."""
        if owner in self._ladders or owner in self._quoting:
            self.withdraw(owner)
        if self._would_meet(bids, asks) or size <= 0:
            return self.quote(owner, slot, [(p, size) for p in bids], [(p, size) for p in asks], first_id)
        self.changes += 1
        self._ladders[owner] = Ladder(owner, slot, bids, asks, size, first_id, self._sequence + 1)
        self._sequence += len(bids) + len(asks)
        return []

    def withdraw(self, owner: int) -> None:
        """Takes all quotes of an owner back; his other orders stay."""
        if owner in self._ladders:
            del self._ladders[owner]
            self.changes += 1
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
        self._ladders.clear()
        self.changes += 1
        self._quoting = {fields[1] for fields in snapshot if fields[-1]}
        for fields in snapshot:
            self._rest(Order(*fields))

    # ---- folded ladders --------------------------------------------------------------------------------------
    def _unfold(self) -> None:
        """Makes orders of all folded levels, each at the place that it has had since it was quoted."""
        if not self._ladders:
            return
        for ladder in self._ladders.values():
            self._quoting.add(ladder.owner)
            for place, order in ladder.orders():
                (self._bids if order.side > 0 else self._asks).append(self._entry(order, place))
        self._ladders.clear()
        self._firsts.clear()
        self._bids.sort()
        self._asks.sort()

    def _head(self, side: int, bound: int, size: int, taker: int = -1) -> Ladder | None:
        """The ladder whose first level decides alone what a taker gets; where there is none, what decides is unfolded.

        It does where it is the first in the queue and lies beyond the taker's bound, or has enough for him and is
        another's.
        """
        changes, ladder = self._firsts.get(side, (-1, None))
        if changes != self.changes:
            ladder = first(self._ladders.values(), side)
            self._firsts[side] = self.changes, ladder
        if ladder is None:
            return None
        queue = self._bids if side > 0 else self._asks
        price, left = ladder.head(side)
        if queue and queue[0][:2] < (-side * price, ladder.place):
            key, _, order = queue[0]
            if key <= bound and (order.left < size or order.is_reduce_only or order.owner == taker):
                self._unfold()
            return None
        if -side * price > bound or (left >= size > 0 and ladder.owner != taker):
            return ladder
        self._unfold()
        return None

    def _take_of(self, ladder: Ladder, side: int, size: int, bound: int) -> Taken:
        """What a taker gets of the first level of a ladder: all that he wants, or nothing."""
        price, _ = ladder.head(-side)
        if side * price > bound:
            return Taken([], size, [])
        order, is_used_up = ladder.meet(-side, size)
        self.changes += is_used_up
        return Taken([Match(order, size, price)], 0, [])

    def _would_meet(self, bids: list[int], asks: list[int]) -> bool:
        """Whether any of these levels would be refused."""
        if bids and self._asks and self._asks[0][0] <= bids[0]:
            return True
        if asks and self._bids and -self._bids[0][0] >= asks[0]:
            return True
        return would_meet(self._ladders.values(), bids, asks)

    # ---- inside ----------------------------------------------------------------------------------------------
    def _known(self, order_id: int) -> _Entry | None:
        """What queues for an order of this id."""
        entry = self._entries.get(order_id)
        if entry is None and any(order_id in ladder for ladder in self._ladders.values()):
            self._unfold()
            entry = self._entries[order_id]
        return entry

    def _entry(self, order: Order, place: int | None = None) -> _Entry:
        """What queues for an order, from now on known by its id; it comes now, or has had its place since earlier."""
        if order.left <= 0 or order.id in self._entries:
            raise ValueError(f"{order}: what rests has a size above zero and an id of its own")
        if place is None:
            self._sequence = place = self._sequence + 1
            self.changes += 1
        entry = self._entries[order.id] = (-order.side * order.price, place, order)
        return entry

    def _rest(self, order: Order) -> None:
        insort(self._bids if order.side > 0 else self._asks, self._entry(order))

    def _most_of(self, order: Order, matches: list[Match]) -> int:
        """What a reduce-only order may give. Its owner's earlier matches of this take have used up some of it."""
        if self._reducible is None:
            return order.left
        used = sum(match.size for match in matches if match.order.owner == order.owner)
        return min(order.left, max(self._reducible(order) - used, 0))
