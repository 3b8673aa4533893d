"""Accounts as arrays: every sum against a plain computation, account by account."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from hypothesis import given, strategies as st
from numpy.typing import NDArray

from drydock.models.accounts import VAULT, Holdings, Layout, RootKeys
from drydock.models.perp.units import INDEX_SHIFT, PPM

Ints = NDArray[np.int64]
FEE_PPM = 300


def array(*values: int) -> Ints:
    return np.array(values, np.int64)


class Book(NamedTuple):
    holdings: Holdings
    mark: Ints
    index: Ints
    margin_ppm: Ints


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    markets = draw(st.integers(1, 4))
    held = st.lists(st.integers(0, markets - 1), min_size=1, max_size=markets, unique=True).map(sorted)
    people = draw(st.lists(held, min_size=1, max_size=6))
    return Layout([list(range(markets)), *people], markets)


@st.composite
def books(draw: st.DrawFn) -> Book:
    layout = draw(layouts())

    def column(count: int, low: int, high: int) -> Ints:
        return array(*draw(st.lists(st.integers(low, high), min_size=count, max_size=count)))

    holdings = Holdings(
        layout,
        column(layout.accounts, -(10**15), 10**15),
        column(layout.slots, -(2**27), 2**27),
        column(layout.slots, -(2**57), 2**57),
    )
    markets = layout.markets
    return Book(
        holdings, column(markets, 1, 2**27), column(markets, -(2**57), 2**57), column(markets, 1_000, 1_000_000)
    )


def slots_of(layout: Layout, account: int) -> Iterator[int]:
    return (slot for slot, owner in enumerate(layout.account.tolist()) if owner == account)


def naive_value(book: Book, account: int) -> tuple[int, int]:
    """Equity and maintenance margin of one account, in Python's own integers."""
    holdings = book.holdings
    equity, margin = int(holdings.quote[account]), 0
    for slot in slots_of(holdings.layout, account):
        market = int(holdings.layout.market[slot])
        size, mark = int(holdings.size[slot]), int(book.mark[market])
        owed = size * (int(book.index[market]) - int(holdings.cached[slot]))
        equity += size * mark + (-owed >> INDEX_SHIFT)
        margin += -(-abs(size) * mark * (int(book.margin_ppm[market]) + FEE_PPM) // PPM)
    return equity, margin


@given(books())
def test_value_is_the_sum_over_each_account(book: Book) -> None:
    """Equity and margin of every account equal a plain computation, exactly."""
    value = book.holdings.value(book.mark, book.index, book.margin_ppm, FEE_PPM)
    expected = [naive_value(book, account) for account in range(book.holdings.layout.accounts)]
    assert expected == list(zip(value.equity.tolist(), value.margin.tolist(), strict=True))


@given(books())
def test_initial_margin_is_the_same_sum_with_another_ratio(book: Book) -> None:
    """With the same ratio, initial and maintenance margin are equal."""
    value = book.holdings.value(book.mark, book.index, book.margin_ppm, FEE_PPM)
    assert value.margin.tolist() == book.holdings.initial_margin(book.mark, book.margin_ppm, FEE_PPM).tolist()


@given(books())
def test_under_margin_are_people_whose_margin_exceeds_their_equity(book: Book) -> None:
    """Never the vault, never an account without a position; equality is enough to be left alone."""
    value = book.holdings.value(book.mark, book.index, book.margin_ppm, FEE_PPM)
    expected = [
        account
        for account, (equity, margin) in enumerate(zip(value.equity.tolist(), value.margin.tolist(), strict=True))
        if account != VAULT and margin > max(0, equity)
    ]
    assert expected == value.under_margin().tolist()


@given(books(), st.integers(-(2**26), 2**26))
def test_shifting_an_index_by_i_moves_an_account_by_minus_q_i(book: Book, prices: int) -> None:
    """dAV = -q * dI: an index that falls from I to zero gives every long q * I and takes it from every short."""
    layout = book.holdings.layout
    before = book.holdings.value(book.mark, book.index, book.margin_ppm, FEE_PPM).equity
    shifted = book.index.copy()
    shifted[0] -= prices << INDEX_SHIFT
    after = book.holdings.value(book.mark, shifted, book.margin_ppm, FEE_PPM).equity
    held = np.where(layout.market == 0, book.holdings.size, 0)
    assert (layout.per_account(held) * prices).tolist() == (after - before).tolist()


@given(layouts(), st.data())
def test_layout_sums_every_slot_once_by_account_and_by_market(layout: Layout, data: st.DataObject) -> None:
    """Sums by account and by market are those of a plain loop; each pair has one slot."""
    per_slot = array(*data.draw(st.lists(st.integers(-(2**40), 2**40), min_size=layout.slots, max_size=layout.slots)))
    by_account, by_market = [0] * layout.accounts, [0] * layout.markets
    for slot, (account, market) in enumerate(zip(layout.account.tolist(), layout.market.tolist(), strict=True)):
        by_account[account] += int(per_slot[slot])
        by_market[market] += int(per_slot[slot])
        assert slot == layout.slot_of[(account, market)]
    assert by_account == layout.per_account(per_slot).tolist()
    assert by_market == layout.per_market(per_slot).tolist()


@given(layouts(), st.data())
def test_slots_of_accounts_are_all_of_theirs_and_no_others(layout: Layout, data: st.DataObject) -> None:
    """In order of the slots, whatever the order in which accounts are asked for."""
    asked = data.draw(st.lists(st.integers(0, layout.accounts - 1), unique=True))
    expected = sorted(slot for account in asked for slot in slots_of(layout, account))
    assert expected == layout.slots_of(array(*asked)).tolist()


def trades(layout: Layout) -> st.SearchStrategy[list[tuple[int, int, int]]]:
    one = st.tuples(st.integers(0, layout.slots - 1), st.integers(-(2**20), 2**20), st.integers(1, 2**27))
    return st.lists(one, min_size=1, max_size=8)


@given(books(), st.data())
def test_trading_at_once_is_trading_one_by_one(book: Book, data: st.DataObject) -> None:
    """A batch, slots repeated or not, leaves what the same trades leave one after another; so does its byte form."""
    fills = data.draw(trades(book.holdings.layout))
    at_once, one_by_one = book.holdings.copy(), book.holdings.copy()
    at_once.trade(*(array(*column) for column in zip(*fills, strict=True)), book.index)
    for slot, size, price in fills:
        one_by_one.trade_one(slot, size, price, int(book.index[book.holdings.layout.market[slot]]))
    assert one_by_one.to_bytes() == at_once.to_bytes()


@given(books(), st.data())
def test_realising_funding_moves_it_and_changes_no_value(book: Book, data: st.DataObject) -> None:
    """What goes into the quote balance leaves the position; what was realised is kept by market."""
    holdings = book.holdings
    slots = sorted(data.draw(st.sets(st.integers(0, holdings.layout.slots - 1))))
    before = holdings.value(book.mark, book.index, book.margin_ppm, FEE_PPM)
    quote = int(holdings.quote.sum())
    holdings.realise_funding(array(*slots), book.index)
    after = holdings.value(book.mark, book.index, book.margin_ppm, FEE_PPM)
    assert before.equity.tolist() == after.equity.tolist()
    assert int(holdings.quote.sum()) - quote == int(holdings.realised.sum())
    assert book.index[holdings.layout.market[slots]].tolist() == holdings.cached[slots].tolist()


@given(books())
def test_bytes_restore_the_holdings_and_a_copy_is_independent(book: Book) -> None:
    """The canonical bytes are the whole state; changing a copy changes nothing else."""
    raw = book.holdings.to_bytes()
    copied = book.holdings.copy()
    copied.quote += 1
    copied.realised += 1
    assert raw == Holdings.from_bytes(book.holdings.layout, raw).to_bytes()
    assert raw == book.holdings.to_bytes()
    copied.take_from(book.holdings)
    assert raw == copied.to_bytes()


@given(
    st.lists(st.integers(-(2**62), 2**62), min_size=3, max_size=30),
    st.data(),
)
def test_root_differs_when_any_single_value_differs(values: list[int], data: st.DataObject) -> None:
    """Both halves fit a signed integer, and one changed value changes the root."""
    keys = RootKeys(len(values))
    place = data.draw(st.integers(0, len(values) - 1))
    other = list(values)
    other[place] = data.draw(st.integers(-(2**62), 2**62).filter(lambda value: value != values[place]))
    cuts = [0, 1, 2, len(values)]
    parts = [array(*values[a:b]) for a, b in pairwise(cuts)]
    root = keys.root(parts)
    assert root == keys.root([array(*values)])
    assert root != keys.root([array(*other)])
    assert all(0 <= half < 2**63 for half in root)
