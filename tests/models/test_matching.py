"""Matching: modes, price band, remainders, partial fills, self-trade, reduce-only."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from drydock.models.events import Fill
from drydock.models.matching import BY_OWNER, BY_SELF_TRADE
from drydock.models.order_events import (
    REJECTED_BAND,
    REJECTED_CLOSED,
    REJECTED_CROSSES,
    REJECTED_EMPTY,
    OrderCancelled,
    OrderPlaced,
)
from drydock.models.venue import MODES
from drydock.models.world import VenueWorld
from tests.models.floor import (
    ANNA,
    BERT,
    BTC,
    BUY,
    CARL,
    PPM,
    SELL,
    counted,
    floor,
    give,
    held,
    refusals,
    reserved,
    rest,
    trade,
)


def mark_of(world: VenueWorld, market: int = BTC) -> int:
    return world.cloud.mark_one(market)


def edge(world: VenueWorld, side: int) -> int:
    """The worst price of an aggressive order by hand: the documented band around the mark."""
    mark = mark_of(world)
    return mark + side * (mark * int(world.markets.band_ppm[BTC]) // PPM)


# ---- modes -----------------------------------------------------------------------------------------------------------
ACCEPTED = {  # post-only orders, other limit orders, orders that match at once
    "ok": (True, True, True),
    "post_only": (True, False, True),  # what matches then is the venue's own: people are stopped before
    "auction": (True, True, False),
    "cancel_only": (False, False, False),
    "maintenance": (False, False, False),
}


@pytest.mark.parametrize("matrix", ["true", "false"], ids=["matrix honoured", "matrix ignored"])
@pytest.mark.parametrize("mode", MODES)
def test_mode_decides_which_orders_are_taken(mode: str, matrix: str) -> None:
    """POST_ONLY takes post-only orders alone, CANCEL_ONLY and MAINTENANCE none, matrix honoured or not."""
    stage = floor(f"venue.safeguards.mode_matrix={matrix}")
    world = stage.world
    mark = mark_of(world)
    rest(world, BERT, SELL, mark + 10, 100)
    world.set_mode(mode)
    post_only = rest(world, ANNA, BUY, mark - 10, 10) > 0
    plain = rest(world, ANNA, BUY, mark - 10, 10, is_post_only=False) > 0
    matches = trade(world, ANNA, 10) == 0
    assert ACCEPTED[mode] == (post_only, plain, matches)
    assert [REJECTED_CLOSED] * (3 - sum(ACCEPTED[mode])) == refusals(stage)


@pytest.mark.parametrize(("mode", "is_accepted"), [("ok", 1), ("post_only", 1), ("cancel_only", 1), ("maintenance", 0)])
def test_owner_takes_an_order_back_where_the_declared_matrix_lets_him(mode: str, is_accepted: int) -> None:
    """A cancellation that is refused is told, and the order and its margin stay."""
    stage = floor()
    world = stage.world
    number = rest(world, ANNA, BUY, mark_of(world) - 10, 10)
    world.set_mode(mode)
    world.matching.cancel(BTC, number)
    assert [OrderCancelled(BTC, ANNA, number, BY_OWNER, is_accepted)] == stage.of(OrderCancelled)
    assert 1 - is_accepted == world.matching.resting() == len(reserved(world))


# ---- price band ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("side", [BUY, SELL])
def test_aggressive_order_trades_up_to_the_band_and_not_beyond(side: int) -> None:
    """At the band's edge it is filled; a quantum farther nothing is, and the order is rejected."""
    stage = floor()
    world = stage.world
    rest(world, BERT, -side, edge(world, side), 10)
    rest(world, CARL, -side, edge(world, side) + side, 10)
    assert side * 5 == trade(world, ANNA, side * 15)
    assert [(BERT, side * 10, edge(world, side))] == [
        (f.maker, f.size_quantums, f.price_quantums) for f in stage.of(Fill)
    ]
    assert [REJECTED_EMPTY] == refusals(stage)


def test_passive_order_outside_the_band_is_accepted() -> None:
    """The band binds who takes, not who waits."""
    world = floor().world
    assert 0 < rest(world, ANNA, BUY, mark_of(world) // 2, 10)
    assert 0 < rest(world, ANNA, SELL, mark_of(world) * 2, 10)


def test_limit_order_takes_what_it_crosses_within_the_band_and_the_rest_is_rejected_where_it_would_cross() -> None:
    """What it may not take because of the band it does not lie across either: a book never crosses at rest."""
    stage = floor()
    world = stage.world
    rest(world, BERT, SELL, edge(world, BUY), 10)
    rest(world, CARL, SELL, edge(world, BUY) + 1, 10)
    assert 0 == rest(world, ANNA, BUY, edge(world, BUY) + 5, 30, is_post_only=False)
    assert (10, [REJECTED_BAND]) == (held(world, ANNA), refusals(stage))


def test_limit_order_rests_with_what_it_could_not_take() -> None:
    """It trades first, and only the remainder is placed."""
    stage = floor()
    world = stage.world
    mark = mark_of(world)
    rest(world, BERT, SELL, mark, 10)
    number = rest(world, ANNA, BUY, mark + 1, 30, is_post_only=False)
    assert (10, 20) == (held(world, ANNA), stage.of(OrderPlaced)[-1].size_quantums)
    assert number == stage.of(OrderPlaced)[-1].order


def test_post_only_order_that_would_cross_is_refused_whole() -> None:
    """Nothing is traded and nothing rests, also where the other order is the owner's own."""
    for owner in (ANNA, BERT):
        stage = floor()
        rest(stage.world, owner, SELL, mark_of(stage.world), 10)
        assert 0 == rest(stage.world, ANNA, BUY, mark_of(stage.world), 5)
        assert ([REJECTED_CROSSES], []) == (refusals(stage), stage.of(Fill))


# ---- remainder, partial fills, self-trade ----------------------------------------------------------------------------
def test_remainder_of_a_market_order_is_rejected_and_rests_nowhere() -> None:
    """What the book cannot give is told once, returned with its sign, and leaves no order behind."""
    stage = floor()
    world = stage.world
    rest(world, BERT, SELL, mark_of(world), 7)
    assert 13 == trade(world, ANNA, 20)
    assert (7, [REJECTED_EMPTY], 0) == (held(world, ANNA), refusals(stage), world.matching.resting())


def test_partly_filled_order_keeps_its_place_and_the_rest_of_its_size() -> None:
    """The first in time is met first, again after a partial fill, and both sides book the same sizes."""
    stage = floor()
    world = stage.world
    first = rest(world, BERT, SELL, mark_of(world), 10)
    rest(world, CARL, SELL, mark_of(world), 10)
    for size in (4, 4, 4):
        assert 0 == trade(world, ANNA, size)
    expected = [(BERT, 4), (BERT, 4), (BERT, 2), (CARL, 2)]
    assert expected == [(fill.maker, fill.size_quantums) for fill in stage.of(Fill)]
    assert (None, 12, -10, -2) == (world.matching.books[BTC].get(first), *(held(world, n) for n in (ANNA, BERT, CARL)))


def test_own_resting_orders_are_cancelled_where_a_taker_would_meet_them() -> None:
    """Nobody trades with himself: his order goes, with its margin, and he goes on to the next."""
    stage = floor()
    world = stage.world
    mine = rest(world, ANNA, SELL, mark_of(world), 10)
    rest(world, BERT, SELL, mark_of(world) + 1, 10)
    assert 0 == trade(world, ANNA, 10)
    assert [(ANNA, BERT)] == [(fill.taker, fill.maker) for fill in stage.of(Fill)]
    assert [OrderCancelled(BTC, ANNA, mine, BY_SELF_TRADE, 1)] == stage.of(OrderCancelled)
    assert ({}, {}) == (reserved(world), counted(world))


# ---- reduce-only -----------------------------------------------------------------------------------------------------
@settings(max_examples=60, deadline=None)
@given(st.integers(-30, 30), st.integers(-60, 60).filter(bool), st.integers(0, 40))
def test_reduce_only_order_never_increases_nor_turns_a_position(before: int, size: int, depth: int) -> None:
    """It ends between zero and what was held; what it may reduce, it reduces as far as the book goes."""
    world = floor().world
    if before:
        give(world, ANNA, before)
    if depth:
        rest(world, BERT, SELL if size > 0 else BUY, mark_of(world), depth)
    trade(world, ANNA, size, is_reduce_only=True)
    traded = min(abs(size), abs(before), depth) if before * size < 0 else 0
    assert before + (traded if size > 0 else -traded) == held(world, ANNA)


def test_reduce_only_order_needs_no_margin() -> None:
    """Who has nothing left may still close."""
    stage = floor()
    world = stage.world
    give(world, ANNA, 50)
    world.cloud.holdings.quote[ANNA] -= 10**13
    world.cloud.refresh_free()
    rest(world, BERT, BUY, mark_of(world), 50)
    assert (50, -50) == (held(world, ANNA), -50 - trade(world, ANNA, -50, is_reduce_only=True))
    assert (0, []) == (held(world, ANNA), refusals(stage))


def test_without_the_liquidator_nothing_takes() -> None:
    """Nobody assesses the risk of a fill while it is down; what rests stays, and it goes on when it is back."""
    stage = floor()
    world = stage.world
    rest(world, ANNA, SELL, world.cloud.mark_one(BTC), 10)
    world.liquidator.stop()
    assert 10 == trade(world, BERT, 10)
    world.liquidator.begin_ready()
    assert 0 == trade(world, BERT, 10)
