"""The call auction over random nights, by its laws and beside a search of all prices; and what each law finds wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from drydock.harness.stream import Stream
from drydock.models import auction as module
from drydock.models.auction import CallAuction, Crossing, clearing_price
from drydock.models.book import Book
from drydock.models.orders import BUY, SELL, Level, Order
from tests.models.auction_laws import (
    LAWS,
    MIDDLE,
    REFERENCES,
    Night,
    Played,
    best_price,
    broken,
    draw_night,
    play,
    reducible,
    traded,
)


@st.composite
def nights(draw: st.DrawFn) -> Night:
    return draw_night(lambda limit: draw(st.integers(0, limit - 1)))


FIXED = [draw_night(Stream(seed, "auction").below) for seed in range(300)]


# ---- over random nights ---------------------------------------------------------------------------------------------
@settings(max_examples=300)
@given(nights())
def test_every_law_of_an_auction_holds(night: Night) -> None:
    """Whatever rested and whatever was collected, the uncrossing breaks no law."""
    assert [] == broken(play(night))


LEVELS = st.lists(st.tuples(st.integers(MIDDLE - 12, MIDDLE + 12), st.integers(1, 9)), max_size=8)


@settings(max_examples=300)
@given(LEVELS, LEVELS, st.sampled_from(REFERENCES))
def test_the_clearing_price_is_what_a_search_of_all_prices_finds(
    bids: list[Level], asks: list[Level], reference: int
) -> None:
    """Most size, then least imbalance, then nearest to the reference, then the lower: also between the limits."""
    assert best_price(bids, asks, reference)[1] == clearing_price(bids, asks, reference)


# ---- and that these checks can fail ---------------------------------------------------------------------------------
def middle_of_the_limits(bids: Iterable[Level], asks: Iterable[Level], reference: int) -> int | None:
    highest, lowest = max((p for p, _ in bids), default=0), min((p for p, _ in asks), default=1 << 27)
    return (highest + lowest) // 2 if highest >= lowest else None


def far_from_the_reference(bids: Iterable[Level], asks: Iterable[Level], reference: int) -> int | None:
    return clearing_price(bids, asks, 1)


def last_comes_first(orders: Iterable[Order], side: int) -> list[Order]:
    return sorted((o for o in orders if o.side == side), key=lambda o: (-side * o.price, -o.id))


def worst_comes_first(orders: Iterable[Order], side: int) -> list[Order]:
    return sorted((o for o in orders if o.side == side), key=lambda o: side * o.price)


def nobody_is_limited(*_: Any) -> None:
    return None


def the_older_is_limited(crossings: Sequence[Crossing], age: dict[int, int], _: Any) -> tuple[Order, int] | None:
    return FIRST_LIMIT(crossings, {order_id: -place for order_id, place in age.items()}, reducible)


def everyone_pays_what_he_bid(*args: Any) -> list[Crossing]:
    return [crossing._replace(price=crossing.bid.price) for crossing in MEET(*args)]


def collected_is_lost(self: Book, order: Order) -> bool:
    return True


FIRST_LIMIT, MEET = module._first_limit, module._meet
WRONG: list[tuple[str, object, str]] = [
    ("clearing_price", middle_of_the_limits, "the_volume_is_maximal"),
    ("clearing_price", middle_of_the_limits, "nothing_crosses_afterwards"),
    ("clearing_price", far_from_the_reference, "the_price_is_the_best"),
    ("_queue", last_comes_first, "whoever_comes_first_trades_first"),
    ("_queue", worst_comes_first, "whoever_comes_first_trades_first"),
    ("_first_limit", nobody_is_limited, "nobody_meets_himself"),
    ("_first_limit", nobody_is_limited, "reduce_only_reduces_only"),
    ("_first_limit", the_older_is_limited, "a_cancel_has_a_cause"),
    ("_meet", everyone_pays_what_he_bid, "one_price_within_every_limit"),
    ("Book.post", collected_is_lost, "quantity_is_conserved"),
    ("Book.post", collected_is_lost, "everyone_rests_in_his_place"),
]


@pytest.mark.parametrize(("name", "mistake", "law"), WRONG)
def test_a_wrong_auction_breaks_its_law(name: str, mistake: object, law: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each planted mistake is found by the law that forbids it, on nights that are the same for ever."""
    monkeypatch.setattr(f"drydock.models.auction.{name}", mistake)
    assert any(law in broken(play(night)) for night in FIXED)


def test_every_law_has_a_wrong_auction_and_the_right_one_breaks_none() -> None:
    """No law is without a mistake that breaks it; on the very nights on which they do, the right auction is clean."""
    assert {law.__name__ for law in LAWS} == {law for *_, law in WRONG}
    assert [] == [name for night in FIXED for name in broken(play(night))]


def happenings(played: Played) -> dict[str, bool]:
    """What a night must have shown for the laws to have said something."""
    done, resting = played.done, {fields[0] for fields in played.night.resting}
    sizes, limits = traded(played), {order.price for order in played.before.values()}
    return {
        "a trade": bool(done.crossings),
        "several trades": len(done.crossings) > 2,
        "no trade": not done.crossings and bool(played.before),
        "a price between the limits": bool({c.price for c in done.crossings} - limits),
        "collected meets collected": any(not resting & {c.bid.id, c.ask.id} for c in done.crossings),
        "a resting order partly filled": any(o.id in resting and sizes[o.id] for o in done.left),
        "a collected order partly filled": any(o.id not in resting and sizes[o.id] for o in done.left),
        "self-trade": any(not order.is_reduce_only for order in done.cancelled),
        "self-trade after a fill": any(not order.is_reduce_only and sizes[order.id] for order in done.cancelled),
        "reduce-only cut": any(order.is_reduce_only and sizes[order.id] for order in done.cancelled),
    }


def test_the_fixed_nights_show_everything() -> None:
    """Fills, prices between limits, self-trades and cut reduce-only orders all happen in them."""
    shown = [happenings(play(night)) for night in FIXED]
    assert [] == [name for name in shown[0] if not any(night[name] for night in shown)]


# ---- examples to read -----------------------------------------------------------------------------------------------
def crossed(auction: CallAuction, book: Book, reference: int) -> list[tuple[int, int, int, int]]:
    return [(bid.id, ask.id, size, price) for bid, ask, size, price in auction.uncross(book, reference).crossings]


def test_what_rested_trades_before_what_was_collected_at_the_same_price() -> None:
    """Ask 1 rested; 2 and 3 come at its price: the bid meets 1, then 2, of which the rest stays before 3."""
    book, auction = Book(), CallAuction()
    assert book.post(Order(1, 1, 0, SELL, 100, 3))
    for order in (Order(2, 2, 0, SELL, 100, 4), Order(3, 3, 0, SELL, 100, 5), Order(4, 4, 0, BUY, 103, 5)):
        auction.collect(order)
    assert [(4, 1, 3, 100), (4, 2, 2, 100)] == crossed(auction, book, 90)
    assert [(2, 2), (3, 5)] == [(order.id, order.left) for order in book]


@pytest.mark.parametrize(("reference", "price"), [(90, 98), (99, 99), (120, 102)])
def test_between_equally_good_prices_the_nearest_to_the_reference_is_taken(reference: int, price: int) -> None:
    """A bid of 102 and an ask of 98 meet at the reference, or at the end of their range that is nearer to it."""
    auction = CallAuction()
    auction.collect(Order(1, 1, 0, BUY, 102, 5))
    auction.collect(Order(2, 2, 0, SELL, 98, 5))
    assert [(1, 2, 5, price)] == crossed(auction, Book(), reference)


def test_the_newer_of_two_orders_of_one_owner_is_cancelled_where_they_would_meet() -> None:
    """Ask 3 gives 2 to another's bid; its owner's own bid is next: 3 is cancelled with the rest, the bid stays."""
    book, auction = Book(), CallAuction()
    assert book.post(Order(1, 1, 0, BUY, 101, 2))
    assert book.post(Order(2, 7, 0, BUY, 100, 5))
    auction.collect(Order(3, 7, 0, SELL, 99, 6))
    done = auction.uncross(book, 100)
    assert [(1, 3, 2)] == [(bid.id, ask.id, size) for bid, ask, size, _ in done.crossings]
    assert [(3, 4)] == [(order.id, order.left) for order in done.cancelled]
    assert [(2, 5)] == [(order.id, order.left) for order in book]


def test_fills_tell_each_order_once() -> None:
    """An ask of 6 that meets two bids has one fill of 6."""
    auction = CallAuction()
    for order in (Order(1, 1, 0, BUY, 100, 2), Order(2, 2, 0, BUY, 100, 4), Order(3, 3, 0, SELL, 100, 6)):
        auction.collect(order)
    assert {1: 2, 2: 4, 3: 6} == {order.id: size for order, size in auction.uncross(Book(), 100).fills}


def test_a_collected_order_can_be_taken_back_once() -> None:
    """What was cancelled takes no part, and cancelling spares what is kept."""
    auction = CallAuction()
    for number in (1, 2, 3):
        auction.collect(Order(number, number, 0, SELL, 100, 1))
    first = auction.get(1)
    assert first is not None
    assert first is auction.cancel(1)
    assert [None, None] == [auction.cancel(1), auction.get(1)]
    assert [3] == [order.id for order in auction.cancel_all(keep=lambda order: order.owner == 2)]
    assert ([2], 1) == ([order.id for order in auction], len(auction))


def test_an_order_without_size_or_with_a_known_id_is_refused() -> None:
    """Neither is collected; and a collision with a resting order is found before anything trades."""
    book, auction = Book(), CallAuction()
    auction.collect(Order(1, 1, 0, SELL, 100, 1))
    for order in (Order(2, 1, 0, SELL, 100, 0), Order(1, 2, 0, SELL, 100, 1)):
        with pytest.raises(ValueError, match="an id of its own"):
            auction.collect(order)
    assert book.post(Order(1, 3, 0, BUY, 100, 1))
    with pytest.raises(ValueError, match="same id"):
        auction.uncross(book, 100)
    assert [1, 1] == [len(auction), len(book)]
