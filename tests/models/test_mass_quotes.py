"""Matching: mass quotes, the band of POST_ONLY, and the auction that collects and uncrosses."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.models.events import Fill
from drydock.models.matching import BY_BAND, BY_POSITION, BY_STEP
from drydock.models.order_events import (
    REJECTED_BAND,
    OrderCancelled,
    QuotesPlaced,
)
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
    quiet,
    refusals,
    reserved,
    rest,
    trade,
)


def mark_of(world: VenueWorld, market: int = BTC) -> int:
    return world.cloud.mark_one(market)


# ---- mass quotes and the band of POST_ONLY ---------------------------------------------------------------------------
def quote(world: VenueWorld, fair: int, can_bid: bool = True, can_ask: bool = True) -> list[int]:
    one = np.ones(1, np.bool_)
    return world.matching.quote(1, np.array([BTC]), np.array([fair]), one & can_bid, one & can_ask)


def ladder(world: VenueWorld) -> list[tuple[int, int]]:
    return sorted((order.side, order.price) for order in world.matching.books[BTC] if order.is_quote)


def test_mass_quote_is_a_ladder_around_the_outside_price_and_replaces_the_one_before() -> None:
    """Each level at its distance on each side, once."""
    world = floor().world
    fair = mark_of(world)
    for price in (fair + 1_000, fair):
        assert [] == quote(world, price)
    levels = world.population.traders.maker_levels_ppm
    prices = [(SELL, fair + fair * ppm // PPM) for ppm in levels] + [(BUY, fair - fair * ppm // PPM) for ppm in levels]
    assert sorted(prices) == ladder(world)


@pytest.mark.parametrize(("can_bid", "can_ask"), [(True, False), (False, True), (False, False)])
def test_maker_quotes_only_the_sides_that_he_may(can_bid: bool, can_ask: bool) -> None:
    """One side, the other, or none."""
    world = floor().world
    quote(world, mark_of(world), can_bid, can_ask)
    levels = len(world.population.traders.maker_levels_ppm)
    expected = {BUY: levels * can_bid, SELL: levels * can_ask}
    assert expected == {side: sum(1 for s, _ in ladder(world) if s == side) for side in (BUY, SELL)}


def test_levels_that_would_cross_are_counted_and_the_market_named() -> None:
    """The maker learns where something stood in his way, and the levels on the other side stand."""
    stage = floor()
    world = stage.world
    fair = mark_of(world)
    rest(world, ANNA, BUY, fair + fair // 100, 10)
    assert [BTC] == quote(world, fair)
    levels = len(world.population.traders.maker_levels_ppm)
    assert (levels, levels) == (stage.of(QuotesPlaced)[-1].refused, len(ladder(world)))


BAND_PPM = 500
G15 = f"venue.safeguards.post_only_band_ppm={BAND_PPM}"


def test_post_only_band_refuses_what_lies_farther_from_the_outside_price() -> None:
    """G15 at its edge and a quantum beyond, on both sides, in POST_ONLY and in no other mode."""
    for mode, expected in (("ok", []), ("post_only", [REJECTED_BAND, REJECTED_BAND])):
        stage = quiet(G15).at(10_001)
        world = stage.world
        world.set_mode(mode)
        fair = world.market_data.fair_one(BTC)
        for side in (BUY, SELL):
            far = fair * BAND_PPM // PPM
            assert 0 < rest(world, ANNA, side, fair - side * far, 10)
            rest(world, ANNA, side, fair - side * (far + 1), 10)
        assert expected == refusals(stage)


def test_post_only_band_cancels_what_rests_outside_with_the_next_mark() -> None:
    """What was placed in OK, far away, is gone in POST_ONLY; what lies within stays."""
    stage = quiet(G15).at(10_001)
    world = stage.world
    fair = world.market_data.fair_one(BTC)
    near = rest(world, ANNA, BUY, fair - fair * BAND_PPM // PPM, 10)
    far = rest(world, ANNA, BUY, fair - fair * BAND_PPM // PPM - 1, 10)
    world.set_mode("post_only")
    stage.at(16_000)
    assert [OrderCancelled(BTC, ANNA, far, BY_BAND, 1)] == stage.of(OrderCancelled)
    assert [near] == [order.id for order in world.matching.books[BTC]]


def test_maker_under_a_post_only_band_quotes_well_inside() -> None:
    """No level of his is farther than half the band, so none is refused while prices move a little."""
    stage = quiet(G15, "population.traders.maker_levels_ppm=[300, 1200, 3000]").at(10_001)
    world = stage.world
    world.set_mode("post_only")
    fair = world.market_data.fair_one(BTC)
    assert [] == quote(world, fair)
    assert [] == [price for _, price in ladder(world) if abs(price - fair) * PPM > fair * BAND_PPM // 2]
    assert 6 == len(ladder(world))


# ---- uncrossing ------------------------------------------------------------------------------------------------------
def test_auction_collects_what_crosses_and_meets_it_at_one_price_near_the_mark() -> None:
    """Nothing trades before; then everybody trades at the same price, and margin is that of what is left."""
    stage = floor()
    world = stage.world
    mark = mark_of(world)
    world.set_mode("auction")
    rest(world, ANNA, BUY, mark + 50, 30)
    rest(world, BERT, SELL, mark - 50, 20)
    rest(world, CARL, SELL, mark + 40, 20)
    assert [] == stage.of(Fill)
    world.matching.uncross()
    assert 1 == len({fill.price_quantums for fill in stage.of(Fill)})
    assert (30, 30) == (held(world, ANNA), -held(world, BERT) - held(world, CARL))
    assert {(CARL, BTC): 1} == counted(world)
    world.matching.cancel_resting(BY_STEP)
    assert ({}, {}) == (reserved(world), counted(world))


def test_order_in_an_auction_can_be_taken_back() -> None:
    """Its margin is free again and it meets nobody."""
    stage = floor()
    world = stage.world
    world.set_mode("auction")
    number = rest(world, ANNA, BUY, mark_of(world) + 50, 30)
    rest(world, BERT, SELL, mark_of(world), 30)
    world.matching.cancel(BTC, number)
    world.matching.uncross()
    assert ([], {(BERT, BTC): 1}) == (stage.of(Fill), counted(world))


def test_rollback_during_an_auction_leaves_nothing_of_what_it_collected() -> None:
    """The order store is the snapshot's: no order entered later is met afterwards, and no margin is held for it."""
    stage = floor()
    world = stage.world
    kept = world.matching.keep()
    world.set_mode("auction")
    rest(world, ANNA, BUY, mark_of(world) + 50, 30)
    rest(world, BERT, SELL, mark_of(world), 30)
    world.matching.restore(kept)
    world.matching.uncross()
    assert ([], {}, {}) == (stage.of(Fill), reserved(world), counted(world))


def test_reduce_only_order_that_has_nothing_to_reduce_is_cancelled_when_met() -> None:
    """It gives as far as its owner still can; the taker goes on, and margin and count follow."""
    stage = floor()
    world = stage.world
    give(world, BERT, 5)
    number = rest(world, BERT, SELL, mark_of(world), 20)
    order = world.matching.books[BTC].get(number)
    assert order is not None
    order.is_reduce_only = True
    assert 15 == trade(world, ANNA, 20)
    assert [OrderCancelled(BTC, BERT, number, BY_POSITION, 1)] == stage.of(OrderCancelled)
    assert ({}, {}, 0) == (reserved(world), counted(world), held(world, BERT))
