"""The order book over random operations, by its laws and beside a naive book; and wrong books, which each law finds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from drydock.harness.stream import Stream
from drydock.models.book import Book
from drydock.models.orders import BUY, SELL, Fields, Order
from tests.models import wrong_books as wrong
from tests.models.book_laws import LAWS, Op, Step, broken, draw_op, plain, play, reducible
from tests.models.naive_book import NaiveBook


@st.composite
def ops(draw: st.DrawFn) -> Op:
    return draw_op(lambda limit: draw(st.integers(0, limit - 1)))


def fixed_nights() -> list[list[Op]]:
    streams = [Stream(seed, "book") for seed in range(24)]
    return [[draw_op(stream.below) for _ in range(40)] for stream in streams]


NIGHTS = st.lists(ops(), max_size=40)
FIXED = fixed_nights()

WRONG = [
    (wrong.LastComesFirst, "everyone_keeps_their_place"),
    (wrong.CoarsePrices, "everyone_keeps_their_place"),
    (wrong.MeetsTheLastFirst, "the_first_is_met_first"),
    (wrong.StopsEarly, "a_taker_takes_all_it_may"),
    (wrong.MayTouch, "nothing_crosses_at_rest"),
    (wrong.MayTouch, "post_only_never_takes"),
    (wrong.PostOnlyTakes, "post_only_never_takes"),
    (wrong.RemainderLost, "quantity_is_conserved"),
    (wrong.RestingIoc, "an_ioc_leaves_nothing"),
    (wrong.CancelsTwice, "a_cancel_happens_once"),
    (wrong.OldQuotesStay, "a_mass_quote_is_cancels_and_posts"),
    (wrong.OldAsksStay, "a_mass_quote_is_cancels_and_posts"),
    (wrong.TradesWithOneself, "nobody_trades_with_oneself"),
    (wrong.ReducesTooMuch, "reduce_only_reduces_only"),
    (wrong.ReducesTwice, "reduce_only_reduces_only"),
    (wrong.KeepsNothing, "cancelling_all_spares_what_is_kept"),
    (wrong.RestoredBackwards, "a_snapshot_holds_everything"),
]


# ---- over random operations -----------------------------------------------------------------------------------------
@settings(max_examples=200)
@given(NIGHTS)
def test_every_law_of_a_book_holds(night: list[Op]) -> None:
    """Whatever is done to a book in whatever order, no step breaks a law."""
    assert set() == broken(play(Book(reducible), night))


@settings(max_examples=200)
@given(NIGHTS)
def test_the_book_does_and_says_what_the_naive_book_does(night: list[Op]) -> None:
    """Every step has the same outcome in both books, leaves the same orders in the same order, and the same views."""
    assert plain(play(NaiveBook(reducible), night)) == plain(play(Book(reducible), night))


# ---- and that these checks can fail ---------------------------------------------------------------------------------
@pytest.mark.parametrize(("book", "law"), WRONG)
def test_a_wrong_book_breaks_its_law(book: type[Book], law: str) -> None:
    """Each planted mistake is found by the law that forbids it, on nights that are the same for ever."""
    assert any(law in broken(play(book(reducible), night)) for night in FIXED)


@pytest.mark.parametrize("book", [*dict(WRONG), wrong.AbsentIsZero])
def test_a_wrong_book_differs_from_the_naive_book(book: type[Book]) -> None:
    """Each planted mistake shows beside the naive book, on nights that are the same for ever."""
    assert any(plain(play(NaiveBook(reducible), night)) != plain(play(book(reducible), night)) for night in FIXED)


def test_every_law_has_a_wrong_book_and_the_right_book_breaks_none() -> None:
    """No law is without a book that breaks it; on the very nights on which they do, the right book is clean."""
    assert {law.__name__ for law in LAWS} == {law for _, law in WRONG}
    assert set() == {law for night in FIXED for law in broken(play(Book(reducible), night))}


def happenings(step: Step) -> dict[str, bool]:
    """What a night must have shown for its laws to have said something."""
    rests = {order.id for order in step.after}
    gone = dict(step.gone)
    cancelled = [order for order in step.before if order.id in gone]
    return {
        "partial fill": any(order_id in rests for order_id, *_ in step.matches),
        "sweep of prices": len({price for *_, price in step.matches}) > 1,
        "own order met": any(order.owner == step.op.owner for order in cancelled) and bool(step.matches),
        "reduce-only cut": any(order.left > gone[order.id] for order in cancelled),
        "post refused": step.answer is False,
        "level refused": step.op.kind == "quote" and bool(step.gone),
        "limit took and rested": bool(step.matches) and step.id in rests,
        "order cancelled": step.op.kind == "cancel" and bool(step.gone),
    }


def test_the_fixed_nights_show_everything() -> None:
    """Partial fills, sweeps, self-trades, cut reduce-only orders and refusals all happen in them."""
    steps = [happenings(step) for night in FIXED for step in play(Book(reducible), night)]
    assert [] == [name for name in steps[0] if not any(step[name] for step in steps)]


# ---- examples to read -----------------------------------------------------------------------------------------------
def asks(*levels: tuple[int, int, int]) -> Book:
    """A book of plain asks: owner, price, size; ids count from 1."""
    book = Book()
    for number, (owner, price, left) in enumerate(levels, 1):
        assert book.post(Order(number, owner, 0, SELL, price, left))
    return book


def rests(book: Book) -> list[tuple[int, int]]:
    return [(order.id, order.left) for order in book]


def test_a_market_order_takes_the_best_price_and_there_whoever_came_first() -> None:
    """101 goes before 102, the earlier 101 before the later one, and a partly filled order keeps its place."""
    book = asks((1, 102, 5), (2, 101, 3), (3, 101, 4))
    matches, left, cancelled = book.take(9, BUY, 5)
    assert [(2, 3, 101), (3, 2, 101)] == [(match.order.id, match.size, match.price) for match in matches]
    assert (0, []) == (left, cancelled)
    assert book.post(Order(4, 4, 0, SELL, 101, 1))
    assert [(3, 2), (4, 1), (1, 5)] == rests(book)


def test_a_taker_cancels_its_own_resting_orders_that_it_meets() -> None:
    """The own order in the way goes, the next one is met, and an own order that is not reached stays."""
    book = asks((9, 101, 5), (2, 102, 3), (9, 103, 4))
    taken = book.take(9, BUY, 3)
    assert [2] == [match.order.id for match in taken.matches]
    assert [(1, 5)] == [(order.id, order.left) for order in taken.cancelled]
    assert [(3, 4)] == rests(book)


def test_a_reduce_only_order_fills_what_its_owner_can_still_reduce() -> None:
    """A holder of 6 sells 4 plainly: the reduce-only order behind it fills 2, and what is left of it is cancelled."""
    book = Book(lambda order: 6)
    assert book.post(Order(1, 1, 0, SELL, 101, 4))
    assert book.post(Order(2, 1, 0, SELL, 101, 5, is_reduce_only=True))
    taken = book.take(9, BUY, 20)
    assert [4, 2] == [match.size for match in taken.matches]
    assert ([(2, 3)], 14) == ([(order.id, order.left) for order in taken.cancelled], taken.left)
    assert [] == rests(book)


def test_a_mass_quote_replaces_the_quotes_of_its_owner_alone() -> None:
    """Old levels go, also where new ones would cross them; plain orders and other quotes stay; a level that crosses
    somebody is given back, and uses up its id."""
    book = asks((1, 110, 1))
    assert [] == book.quote(1, 0, [(100, 1)], [(103, 1)], 10)
    assert [] == book.quote(2, 0, [(99, 1)], [(107, 1)], 20)
    refused = book.quote(1, 0, [(105, 2), (107, 2)], [(106, 2)], 30)
    assert [(31, 107)] == [(order.id, order.price) for order in refused]
    assert [(30, 2), (20, 1), (32, 2), (21, 1), (1, 1)] == rests(book)


def test_what_is_absent_is_none_and_thin() -> None:
    """An empty side has no best price, a lone order no second; a spread is thin above its limit."""
    book = asks((1, 101, 2))
    assert (None, 101, None) == (book.best_bid, book.best_ask, book.second(SELL))
    assert book.is_thin(1_000_000)
    assert book.post(Order(2, 1, 0, BUY, 99, 1))
    assert (True, False) == (book.is_thin(19_999), book.is_thin(20_000))


@pytest.mark.parametrize("order", [Order(1, 1, 0, BUY, 90, 1), Order(2, 1, 0, BUY, 90, 0), Order(2, 1, 0, BUY, 90, -1)])
def test_an_id_that_rests_already_or_an_empty_order_is_refused_loudly(order: Order) -> None:
    """A mistake of the caller's raises, and says which order it is."""
    book = asks((1, 101, 2))
    with pytest.raises(ValueError, match=f"Order\\(id={order.id}.*above zero"):
        book.post(order)
    assert [(1, 2)] == rests(book)


def test_a_part_of_a_snapshot_can_be_restored() -> None:
    """What a rollback keeps comes back in its own order; nothing else does, and the snapshot stays what it was."""
    book = asks((1, 101, 2), (2, 101, 3), (1, 102, 4))
    taken: tuple[Fields, ...] = book.snapshot()
    book.take(9, BUY, 4)
    book.restore([fields for fields in taken if fields[0] != 1])
    assert [(2, 3), (3, 4)] == rests(book)
    book.restore(taken)
    assert taken == book.snapshot()
