"""The laws of a call auction, as functions of one auction from its first order to its end, and how one is drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from drydock.models.auction import CallAuction, Uncrossing
from drydock.models.book import Book
from drydock.models.orders import BUY, SELL, Fields, Level, Order

MIDDLE = 100
REFERENCES = range(MIDDLE - 15, MIDDLE + 16)
Below = Callable[[int], int]


def reducible(order: Order) -> int:
    """A position of its own for every owner: none, 2, 4, 6."""
    return 2 * order.owner


# ---- nights ---------------------------------------------------------------------------------------------------------
class Night(NamedTuple):
    """What rested, what was collected, and the price to be near to."""

    resting: list[Fields]
    collected: list[Fields]
    reference: int


class Played(NamedTuple):
    """A night, and its end: all orders as they were, what was said, and the book."""

    night: Night
    before: dict[int, Order]  # in order of arrival
    done: Uncrossing
    book: Book
    auction: CallAuction


def draw_night(below: Below) -> Night:
    """A night, from dice that give a number below a limit; in half of them everyone is somebody else."""
    owners = (4, 1_000_000)[below(2)]
    book = Book()
    for number in range(1, 1 + below(8)):
        book.post(draw_order(below, number, owners, 4))
    collected = [draw_order(below, number, owners, -5).fields for number in range(101, 101 + below(12))]
    return Night(list(book.snapshot()), collected, REFERENCES[below(len(REFERENCES))])


def draw_order(below: Below, number: int, owners: int, distance: int) -> Order:
    owner = number if owners > 4 else below(owners)
    side, reduces = (BUY, SELL)[below(2)], owners == 4 and below(3) == 0
    return Order(number, owner, 0, side, MIDDLE - side * (below(6) + distance // 2), 1 + below(9), reduces)


def play(night: Night) -> Played:
    book, auction = Book(reducible), CallAuction(reducible)
    book.restore(night.resting)
    for fields in night.collected:
        auction.collect(Order(*fields))
    before = {fields[0]: Order(*fields) for fields in (*night.resting, *night.collected)}
    return Played(night, before, auction.uncross(book, night.reference), book, auction)


# ---- what must hold, said in the plainest way -----------------------------------------------------------------------
def best_price(bids: Iterable[Level], asks: Iterable[Level], reference: int) -> tuple[int, int | None]:
    """How much can trade at most, and where: every price is tried."""
    bids, asks = list(bids), list(asks)
    ranks = []
    for price in range(MIDDLE - 50, MIDDLE + 51):
        demand = sum(size for limit, size in bids if limit >= price)
        supply = sum(size for limit, size in asks if limit <= price)
        ranks.append((-min(demand, supply), abs(demand - supply), abs(price - reference), price))
    volume, _, _, price = min(ranks)
    return -volume, price if volume else None


def traded(played: Played) -> Counter[int]:
    sizes: Counter[int] = Counter()
    for bid, ask, size, _ in played.done.crossings:
        sizes[bid.id] += size
        sizes[ask.id] += size
    return sizes


def levels(played: Played, side: int) -> list[Level]:
    """What a side brought; of an order that was cancelled, what it traded: more it could not give."""
    sizes, cancelled = traded(played), {order.id for order in played.done.cancelled}
    orders = [order for order in played.before.values() if order.side == side]
    return [(order.price, sizes[order.id] if order.id in cancelled else order.left) for order in orders]


def queue(orders: Iterable[Order], side: int) -> list[int]:
    return [o.id for o in sorted((o for o in orders if o.side == side), key=lambda o: -side * o.price)]


def the_volume_is_maximal(played: Played) -> bool:
    volume, _ = best_price(levels(played, BUY), levels(played, SELL), played.night.reference)
    return volume == sum(crossing.size for crossing in played.done.crossings)


def the_price_is_the_best(played: Played) -> bool:
    """Said where nobody was limited: then what is offered is known."""
    _, price = best_price(levels(played, BUY), levels(played, SELL), played.night.reference)
    return bool(played.done.cancelled) or {c.price for c in played.done.crossings} == ({price} - {None})


def one_price_within_every_limit(played: Played) -> bool:
    crossings = played.done.crossings
    return len({c.price for c in crossings}) <= 1 and all(c.bid.price >= c.price >= c.ask.price for c in crossings)


def nothing_crosses_afterwards(played: Played) -> bool:
    bids = [order.price for order in played.done.left if order.side == BUY]
    asks = [order.price for order in played.done.left if order.side == SELL]
    return max(bids, default=0) < min(asks, default=1 << 27) and not len(played.auction)


def quantity_is_conserved(played: Played) -> bool:
    sizes = traded(played)
    for order in [*played.book, *played.done.cancelled]:
        sizes[order.id] += order.left
    whole = {order.id: order.left for order in played.before.values()}
    return sizes == whole and all(c.size > 0 for c in played.done.crossings)


def whoever_comes_first_trades_first(played: Played) -> bool:
    """Trades follow the queue, and who is passed over with something left was cancelled."""
    cancelled, left = {o.id for o in played.done.cancelled}, {o.id for o in played.book}
    for side in (BUY, SELL):
        places = {order_id: place for place, order_id in enumerate(queue(played.before.values(), side))}
        met = [places[(c.bid if side == BUY else c.ask).id] for c in played.done.crossings]
        passed = [order_id for order_id, place in places.items() if met and place < met[-1]]
        if met != sorted(met) or left.intersection(passed) - cancelled:
            return False
    return True


def everyone_rests_in_his_place(played: Played) -> bool:
    cancelled = {order.id for order in played.done.cancelled}
    sizes = traded(played)
    open_orders = [o for o in played.before.values() if o.id not in cancelled and sizes[o.id] < o.left]
    expected = queue(open_orders, BUY) + queue(open_orders, SELL)
    return expected == [o.id for o in played.book] and set(expected) == {o.id for o in played.done.left}


def nobody_meets_himself(played: Played) -> bool:
    return all(crossing.bid.owner != crossing.ask.owner for crossing in played.done.crossings)


def reduce_only_reduces_only(played: Played) -> bool:
    used: Counter[tuple[int, int]] = Counter()
    for crossing in played.done.crossings:
        for order in (crossing.bid, crossing.ask):
            used[order.owner, order.side] += crossing.size
            if order.is_reduce_only and used[order.owner, order.side] > reducible(order):
                return False
    return True


def a_cancel_has_a_cause(played: Played) -> bool:
    """Reduce-only, or the newer of two orders of one owner that cross."""
    arrived = list(played.before.values())
    return all(
        order.is_reduce_only
        or any(
            other.owner == order.owner and other.side != order.side
            and order.side * order.price >= order.side * other.price
            for other in arrived[: arrived.index(played.before[order.id])]
        )
        for order in played.done.cancelled
    )  # fmt: skip


LAWS = (
    the_volume_is_maximal, the_price_is_the_best, one_price_within_every_limit, nothing_crosses_afterwards,
    quantity_is_conserved, whoever_comes_first_trades_first, everyone_rests_in_his_place, nobody_meets_himself,
    reduce_only_reduces_only, a_cancel_has_a_cause,
)  # fmt: skip


def broken(played: Played) -> list[str]:
    return [law.__name__ for law in LAWS if not law(played)]
