"""Folded ladders: a book that keeps them folded does and says what one of plain orders does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from drydock.harness.stream import Stream
from drydock.models import matching
from drydock.models.book import Book
from drydock.models.orders import BUY, SELL, Level
from tests.models.book_laws import PRICE_RANGE, Op, draw_op, perform, reducible
from tests.models.naive_book import NaiveBook
from tests.nights import MANY_MARKETS, Stage, play

WITH_BOOK = ("venue.order_book={}", "venue.declared.post_only=[cancel, post]", "population.accounts=60")
KINDS = ("post", "limit", "take", "take", "market", "quote", "quote", "quote", "cancel", "cancel_all")


class PlainBook(Book):
    """A book without folding: a ladder is a mass quote level by level."""

    def quote_ladder(
        self, owner: int, slot: int, bids: list[int], asks: list[int], size: int, first_id: int
    ) -> list[Any]:
        return self.quote(owner, slot, levels(bids, size), levels(asks, size), first_id)


def levels(prices: list[int], size: int) -> list[Level]:
    return [(price, size) for price in prices]


def as_ladder(op: Op) -> tuple[list[int], list[int]]:
    """Prices of an operation's levels, best first."""
    return sorted((price for price, _ in op.bids), reverse=True), sorted(price for price, _ in op.asks)


def do(book: Book | NaiveBook, op: Op, order_id: int) -> Any:
    """What an operation does; a mass quote is a ladder, and who cancels knows the number without a look."""
    if op.kind == "quote":
        bids, asks = as_ladder(op)
        if isinstance(book, Book):
            refused = book.quote_ladder(op.owner, 0, bids, asks, op.size, order_id)
        else:
            refused = book.quote(op.owner, 0, levels(bids, op.size), levels(asks, op.size), order_id)
        return [(order.id, order.left) for order in refused]
    if op.kind == "cancel":
        gone = book.cancel(op.price * op.size % (order_id + 5))
        return gone and gone.fields
    return perform(book, op, order_id)


def says(book: Book | NaiveBook) -> Any:
    """What a book says when it is asked for no order."""
    crossing = [book.would_cross(side, price) for side in (BUY, SELL) for price in PRICE_RANGE]
    return book.best_bid, book.best_ask, book.second(BUY), book.second(SELL), crossing, book.is_thin(10_050), len(book)


def worth(book: Book | NaiveBook, op: Op) -> tuple[int, int]:
    """What an order like this one would trade."""
    if isinstance(book, Book):
        return book.worth(op.side, op.size, op.price)
    left, money = op.size, 0
    for order in book.crossed_by(op.side, op.price):
        met = min(left, order.left)
        left, money = left - met, money + met * order.price
    return op.size - left, money


@st.composite
def ops(draw: st.DrawFn) -> Op:
    op = draw_op(lambda limit: draw(st.integers(0, limit - 1)))
    return op._replace(kind=draw(st.sampled_from(KINDS)))


def told(book: Book | NaiveBook, night: list[Op]) -> list[Any]:
    """Everything that is said of a night, and what rests when it is over."""
    said = []
    for number, op in enumerate(night):
        asked = worth(book, op) if op.is_reduce_only else None  # now and then
        said.append((asked, do(book, op, 1 + 10 * number), says(book)))
    return [*said, book.snapshot()]


@settings(max_examples=300)
@given(st.lists(ops(), max_size=30))
def test_folded_book_does_and_says_what_the_naive_book_does(night: list[Op]) -> None:
    """Whatever is done to ladders that nobody looks at, everything comes out as among plain orders."""
    assert told(NaiveBook(reducible), night) == told(Book(reducible), night)


def test_ladders_stay_folded_over_most_of_such_nights_and_are_met_there() -> None:
    """The comparison has something to compare: heads are met while folded."""
    stream, folded, met = Stream(1, "ladders"), 0, 0
    for _ in range(40):
        book = Book(reducible)
        for number in range(30):
            op = draw_op(stream.below)._replace(kind=KINDS[stream.below(len(KINDS))])
            before = len(book._ladders)
            done = do(book, op, 1 + 10 * number)
            folded += len(book._ladders) > 0
            met += isinstance(done, dict) and bool(done.get("matches")) and 0 < before == len(book._ladders)
    assert folded > 300
    assert met > 20


@pytest.mark.parametrize("sets", [(MANY_MARKETS,), ("venue.safeguards.post_only_band_ppm=1000",)])
def test_night_with_folded_ladders_has_the_trace_of_one_without(
    sets: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many markets, a band, a crash: not one event differs."""
    folded = play(*WITH_BOOK, *sets, regime="crash")
    monkeypatch.setattr(matching, "Book", PlainBook)
    plain = play(*WITH_BOOK, *sets, regime="crash")
    assert (plain.digest, plain.findings, plain.entries) == (folded.digest, folded.findings, folded.entries)


def test_most_ladders_of_a_night_stay_folded() -> None:
    """What they are there for."""
    books = Stage(*WITH_BOOK).at(100_000).world.matching.books
    assert all(book._ladders for book in books)
