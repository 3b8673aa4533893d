"""Books with one mistake each, which a law of ``test_book.py`` must find."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from drydock.models.book import Book
from drydock.models.orders import SELL, Fields, Match, Order, Taken


class LastComesFirst(Book):
    """At one price, whoever came last is met first."""

    def _entry(self, order: Order, place: int | None = None) -> Any:
        key, sequence, _ = super()._entry(order, place)
        self._entries[order.id] = key, -sequence, order
        return self._entries[order.id]


class CoarsePrices(Book):
    """Prices of a pair of ticks queue as if they were one."""

    def _entry(self, order: Order, place: int | None = None) -> Any:
        key, sequence, _ = super()._entry(order, place)
        self._entries[order.id] = key // 2 * 2, sequence, order
        return self._entries[order.id]


class MayTouch(Book):
    """A post-only order at the very price of the other side is let in."""

    def would_cross(self, side: int, price: int) -> bool:
        return super().would_cross(side, price - side)


class PostOnlyTakes(Book):
    """Post-only is forgotten."""

    def post(self, order: Order) -> bool:
        self.limit(order)
        return True


class RemainderLost(Book):
    """What a limit order did not take does not rest."""

    def limit(self, order: Order) -> Taken:
        return self.take(order.owner, order.side, order.left, order.price)


class CancelsTwice(Book):
    """A second cancel of the same order succeeds again."""

    def cancel(self, order_id: int) -> Order | None:
        order = super().cancel(order_id)
        gone: dict[int, Order] = self.__dict__.setdefault("gone", {})
        return gone.setdefault(order_id, order) if order else gone.get(order_id)


class OldQuotesStay(Book):
    """A mass quote adds levels and replaces none."""

    def withdraw(self, owner: int) -> None:
        pass


class OldAsksStay(Book):
    """A mass quote replaces the owner's bids only."""

    def withdraw(self, owner: int) -> None:
        self.cancel_all(lambda order: order.side == SELL or order.owner != owner or not order.is_quote)


class TradesWithOneself(Book):
    """Nobody asks whose order is met."""

    def take(self, owner: int, side: int, size: int, limit_price: int | None = None) -> Taken:
        return super().take(-1, side, size, limit_price)


class RestingIoc(Book):
    """What is left of an IOC order with a limit stays in the book."""

    def take(self, owner: int, side: int, size: int, limit_price: int | None = None) -> Taken:
        taken = super().take(owner, side, size, limit_price)
        if taken.left and limit_price is not None:
            self._rest(Order(-1 - self._sequence, owner, 0, side, limit_price, taken.left))
        return taken


class MeetsTheLastFirst(Book):
    """A taker starts at the far end of the queue."""

    def take(self, owner: int, side: int, size: int, limit_price: int | None = None) -> Taken:
        queue = self._asks if side > 0 else self._bids
        queue.reverse()
        taken = super().take(owner, side, size, limit_price)
        queue.reverse()
        return taken


class StopsEarly(Book):
    """A taker meets one price only."""

    def take(self, owner: int, side: int, size: int, limit_price: int | None = None) -> Taken:
        first = self.best_ask if side > 0 else self.best_bid
        if first is None or (limit_price is not None and side * first > side * limit_price):
            return Taken([], size, [])
        most = self.depth(-side, first)
        taken = super().take(owner, side, min(size, most), limit_price)
        return taken._replace(left=taken.left + size - min(size, most))


class ReducesTooMuch(Book):
    """A reduce-only order fills whatever its owner holds."""

    def _most_of(self, order: Order, matches: list[Match]) -> int:
        return order.left


class ReducesTwice(Book):
    """Two reduce-only orders of one owner, met in one go, each reduce the whole position."""

    def _most_of(self, order: Order, matches: list[Match]) -> int:
        return super()._most_of(order, [])


class KeepsNothing(Book):
    """Cancelling all but some cancels all."""

    def cancel_all(self, keep: Callable[[Order], bool] | None = None) -> list[Order]:
        return super().cancel_all()


class RestoredBackwards(Book):
    """A restored book has lost who came first."""

    def restore(self, snapshot: Sequence[Fields]) -> None:
        super().restore(snapshot[::-1])


class AbsentIsZero(Book):
    """Where nobody bids, the best bid is 0."""

    @property
    def best_bid(self) -> int | None:
        return super().best_bid or 0
