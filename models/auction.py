"""The call auction of one market: orders are collected and may cross; at the end they meet once, at one price.

Collected orders wait beside the :class:`Book`, not in it: what rests there never crosses, and whoever looks at its best
prices meanwhile sees no nonsense. Market orders, immediate-or-cancel and post-only make no sense here: the caller
rejects them ([S] Vega 0026-AUCT).

Price      maximises the size that trades ([S] 0026-AUCT); of several such prices the one that leaves the smallest
           imbalance, then the nearest to a reference price, then the lower ([A]; Vega takes the middle of the range).
Priority   price, then time, on both sides. What rested when the auction ends came before all that was collected.
Self-trade [A]: where two orders of one owner would meet, the newer gives no more than it gave before.
Reduce-only gives no more than its owner can still reduce, as in the book.

An order that may not give all it has is limited, and the uncrossing begins anew with what is offered then: so the price
is right for what really trades. When all is done a limited order is cancelled with what is left of it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from drydock.models.book import Book
from drydock.models.orders import BUY, SELL, Level, Order, Reducible


class Crossing(NamedTuple):
    """A bid and an ask met: ``size`` (size quantums, unsigned) changed hands at ``price`` (price quantums)."""

    bid: Order
    ask: Order
    size: int
    price: int


class Uncrossing(NamedTuple):
    """What became of all orders: every one of them is in ``left``, in ``cancelled``, or has nothing left.

    ``crossings`` are in the order in which they happened, all at one price. An order may be in several of them, and in
    ``cancelled`` (with what it had ``left``) or in ``left`` besides.
    """

    crossings: list[Crossing]
    cancelled: list[Order]
    left: list[Order]

    @property
    def fills(self) -> list[tuple[Order, int]]:
        """Every order that traded, once, and how much of it did (size quantums, unsigned)."""
        orders: dict[int, Order] = {}
        sizes: Counter[int] = Counter()
        for crossing in self.crossings:
            for order in (crossing.bid, crossing.ask):
                orders[order.id] = order
                sizes[order.id] += crossing.size
        return [(order, sizes[order.id]) for order in orders.values()]


def clearing_price(bids: Iterable[Level], asks: Iterable[Level], reference_price: int) -> int | None:
    """The price at which these bids and asks meet by the rule above, ``None`` where none of them cross.

    Prices are price quantums and need not be sorted. Size and imbalance change only where an ask begins to sell and
    right above where a bid ceases to buy: between two such steps all prices are equally good but for their distance.
    """
    begins: Counter[int] = Counter()
    ceases: Counter[int] = Counter()
    for price, size in asks:
        begins[price] += size
    for price, size in bids:
        ceases[price + 1] += size
    demand, supply = ceases.total(), 0
    ranks: list[tuple[int, int, int, int]] = []
    for low, end in pairwise(sorted({*begins, *ceases})):
        demand -= ceases[low]
        supply += begins[low]
        if demand and supply:
            price = min(max(reference_price, low), end - 1)
            ranks.append((-min(demand, supply), abs(demand - supply), abs(price - reference_price), price))
    return min(ranks)[-1] if ranks else None


def uncross(
    resting: Sequence[Order], collected: Sequence[Order], reference_price: int, reducible: Reducible | None = None
) -> Uncrossing:
    """Lets all that crosses meet at one price, and takes what traded off the orders' ``left``.

    Both sequences hold both sides, older orders first as far as a side and a price are concerned: a book's iteration
    and an order of arrival do. Without ``reducible`` a reduce-only order is one like any other. Raises ``ValueError``,
    and changes nothing, where an id occurs twice.
    """
    orders = [*resting, *collected]
    age = {order.id: number for number, order in enumerate(orders)}
    if len(age) < len(orders):
        raise ValueError("two orders of an auction have the same id")
    bids, asks = _queue(orders, BUY), _queue(orders, SELL)
    offered = {order.id: order.left for order in orders}
    limited: set[int] = set()
    while True:
        crossings = _meet(bids, asks, offered, reference_price)
        limit = _first_limit(crossings, age, reducible)
        if limit is None:
            break
        order, most = limit
        offered[order.id] = most  # less than before: this comes to an end
        limited.add(order.id)
    for bid, ask, size, _ in crossings:
        bid.left -= size
        ask.left -= size
    open_orders = [order for order in orders if order.left]
    cancelled = [order for order in open_orders if order.id in limited]
    return Uncrossing(crossings, cancelled, [order for order in open_orders if order.id not in limited])


def _queue(orders: Iterable[Order], side: int) -> list[Order]:
    """The orders of a side by price and time: sorting keeps the order of what is equal."""
    return sorted((order for order in orders if order.side == side), key=lambda order: -side * order.price)


def _meet(bids: list[Order], asks: list[Order], offered: dict[int, int], reference_price: int) -> list[Crossing]:
    """Who would meet whom if every order gave as much as it offers."""
    price = clearing_price(_levels(bids, offered), _levels(asks, offered), reference_price)
    if price is None:
        return []
    buying = deque(order for order in bids if order.price >= price)
    selling = deque(order for order in asks if order.price <= price)
    left = dict(offered)
    crossings: list[Crossing] = []
    while buying and selling:
        bid, ask = buying[0], selling[0]
        size = min(left[bid.id], left[ask.id])
        if size:
            crossings.append(Crossing(bid, ask, size, price))
        for queue in (buying, selling):
            left[queue[0].id] -= size
            if not left[queue[0].id]:
                queue.popleft()
    return crossings


def _levels(orders: Iterable[Order], offered: dict[int, int]) -> Iterator[Level]:
    return ((order.price, offered[order.id]) for order in orders)


def _first_limit(
    crossings: Sequence[Crossing], age: dict[int, int], reducible: Reducible | None
) -> tuple[Order, int] | None:
    """The first order that would give more than it may, and how much it may give."""
    given: Counter[int] = Counter()  # by order
    used: Counter[tuple[int, int]] = Counter()  # by owner and side
    for bid, ask, size, _ in crossings:
        if bid.owner == ask.owner:
            newer = max(bid, ask, key=lambda order: age[order.id])
            return newer, given[newer.id]
        for order in (bid, ask):
            if order.is_reduce_only and reducible is not None:
                most = max(reducible(order) - used[order.owner, order.side], 0)
                if size > most:
                    return order, given[order.id] + most
            given[order.id] += size
            used[order.owner, order.side] += size
    return None


class CallAuction:
    """What one market's auction has collected, until it is uncrossed; then it is empty, ready for the next one."""

    __slots__ = ("_collected", "_reducible")

    def __init__(self, reducible: Reducible | None = None) -> None:
        """``reducible`` as for the :class:`Book` that this auction belongs to."""
        self._collected: dict[int, Order] = {}  # by id, in order of arrival
        self._reducible = reducible

    def __len__(self) -> int:
        return len(self._collected)

    def __iter__(self) -> Iterator[Order]:
        """What was collected, in order of arrival. The auction must not change meanwhile."""
        return iter(self._collected.values())

    def get(self, order_id: int) -> Order | None:
        """The collected order of this id."""
        return self._collected.get(order_id)

    def collect(self, order: Order) -> None:
        """Takes an order in, whatever it crosses; raises ``ValueError`` where its size is not above zero or its id is
        not new."""
        if order.left <= 0 or order.id in self._collected:
            raise ValueError(f"{order}: what is collected has a size above zero and an id of its own")
        self._collected[order.id] = order

    def cancel(self, order_id: int) -> Order | None:
        """Takes a collected order back and returns it; ``None`` where none of this id was collected."""
        return self._collected.pop(order_id, None)

    def cancel_all(self, keep: Callable[[Order], bool] | None = None) -> list[Order]:
        """Takes back every order that is not to be kept, and returns them in order of arrival."""
        leaving = [order for order in self if keep is None or not keep(order)]
        for order in leaving:
            del self._collected[order.id]
        return leaving

    def uncross(self, book: Book, reference_price: int) -> Uncrossing:
        """Ends the auction: lets the book and what was collected meet; what is left rests in the book.

        There, a partly filled order keeps its place and a collected one queues behind those that rested. Nothing
        crosses any more. Raises ``ValueError``, and changes nothing, where a collected order has the id of a resting
        one.
        """
        resting, collected = list(book), list(self)
        done = uncross(resting, collected, reference_price, self._reducible)
        staying = {order.id for order in done.left}
        for order in resting:
            if order.id not in staying:
                book.cancel(order.id)
        for order in collected:
            if order.id in staying:
                book.post(order)
        self._collected.clear()
        return done
