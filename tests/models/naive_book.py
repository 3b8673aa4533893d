"""A book that is easy to believe: one list in order of arrival, scanned and sorted again for every single match."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from drydock.models.orders import BUY, SELL, Fields, Level, Match, Order, Reducible, Taken
from drydock.models.perp.units import PPM


class NaiveBook:
    """The interface of ``models/book.py``, without a thought for speed."""

    def __init__(self, reducible: Reducible) -> None:
        self.orders: list[Order] = []
        self.reducible = reducible

    def queue(self, side: int) -> list[Order]:
        return sorted((o for o in self.orders if o.side == side), key=lambda o: -side * o.price)

    def crossed_by(self, side: int, price: int | None) -> list[Order]:
        return [o for o in self.queue(-side) if price is None or side * o.price <= side * price]

    def would_cross(self, side: int, price: int) -> bool:
        return bool(self.crossed_by(side, price))

    def post(self, order: Order) -> bool:
        if self.would_cross(order.side, order.price):
            return False
        self.orders.append(order)
        return True

    def limit(self, order: Order) -> Taken:
        taken = self.take(order.owner, order.side, order.left, order.price)
        order.left = taken.left
        if taken.left > 0:
            self.orders.append(order)
        return taken

    def take(self, owner: int, side: int, size: int, limit_price: int | None = None) -> Taken:
        taken = Taken([], size, [])
        while taken.left > 0 and self.crossed_by(side, limit_price):
            first = self.crossed_by(side, limit_price)[0]
            most = self.most_of(first, owner, taken.matches)
            fill = min(taken.left, most)
            if fill:
                first.left -= fill
                taken = Taken([*taken.matches, Match(first, fill, first.price)], taken.left - fill, taken.cancelled)
            if fill == most:
                self.orders.remove(first)
                if first.left:
                    taken.cancelled.append(first)
        return taken

    def most_of(self, order: Order, taker: int, matches: list[Match]) -> int:
        if order.owner == taker:
            return 0
        if not order.is_reduce_only:
            return order.left
        given = sum(match.size for match in matches if match.order.owner == order.owner)
        return max(0, min(order.left, self.reducible(order) - given))

    def cancel(self, order_id: int) -> Order | None:
        for order in self.orders:
            if order.id == order_id:
                self.orders.remove(order)
                return order
        return None

    def cancel_all(self, keep: Callable[[Order], bool]) -> list[Order]:
        gone = [order for order in self if not keep(order)]
        self.orders = [order for order in self.orders if order not in gone]
        return gone

    def quote(self, owner: int, slot: int, bids: Sequence[Level], asks: Sequence[Level], first_id: int) -> list[Order]:
        self.cancel_all(lambda order: order.owner != owner or not order.is_quote)
        levels = [*((BUY, *level) for level in bids), *((SELL, *level) for level in asks)]
        orders = [
            Order(first_id + n, owner, slot, side, price, size, is_quote=True)
            for n, (side, price, size) in enumerate(levels)
        ]
        return [order for order in orders if not self.post(order)]

    # ---- what rests ------------------------------------------------------------------------------------------
    def __iter__(self) -> Iterator[Order]:
        return iter(self.queue(BUY) + self.queue(SELL))

    def __len__(self) -> int:
        return len(self.orders)

    def get(self, order_id: int) -> Order | None:
        return {order.id: order for order in self.orders}.get(order_id)

    @property
    def best_bid(self) -> int | None:
        return max((o.price for o in self.orders if o.side == BUY), default=None)

    @property
    def best_ask(self) -> int | None:
        return min((o.price for o in self.orders if o.side == SELL), default=None)

    def second(self, side: int) -> int | None:
        prices = [order.price for order in self.queue(side)]
        return prices[1] if len(prices) > 1 else None

    def depth(self, side: int, within_price: int) -> int:
        return sum(o.left for o in self.orders if o.side == side and side * o.price >= side * within_price)

    def is_thin(self, spread_ppm: int) -> bool:
        bid, ask = self.best_bid, self.best_ask
        return bid is None or ask is None or (ask - bid) * 2 * PPM > (ask + bid) * spread_ppm

    def snapshot(self) -> tuple[Fields, ...]:
        return tuple(order.fields for order in self)

    def restore(self, snapshot: Sequence[Fields]) -> None:
        self.orders = [Order(*fields) for fields in snapshot]
