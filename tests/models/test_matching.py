"""Matching: modes, price band, margin of what trades and of what rests, limits, freshness, self-trade, mass quotes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from drydock.models.events import Fill
from drydock.models.matching import BY_BAND, BY_OWNER, BY_POSITION, BY_SELF_TRADE, BY_STEP
from drydock.models.order_events import (
    REJECTED_BAND,
    REJECTED_CLOSED,
    REJECTED_CROSSES,
    REJECTED_EMPTY,
    REJECTED_MARGIN,
    REJECTED_ORDERS,
    REJECTED_STALE,
    OrderCancelled,
    OrderPlaced,
    QuotesPlaced,
)
from drydock.models.venue import MODES
from drydock.models.world import VenueWorld
from tests.models.floor import (
    ANNA,
    BERT,
    BTC,
    BUY,
    CARL,
    ETH,
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


# ---- margin of positions ---------------------------------------------------------------------------------------------
def most_of(world: VenueWorld, account: int, per_mark_ppm: int) -> int:
    """The greatest size whose margin the account can pay."""
    return world.cloud.free_collateral(account) * PPM // (mark_of(world) * per_mark_ppm)


def test_market_order_needs_initial_margin_for_what_it_adds() -> None:
    """The greatest size that the free collateral carries is taken, one quantum more is refused."""
    for excess, expected in ((0, []), (1, [REJECTED_MARGIN])):
        stage = floor()
        world = stage.world
        size = most_of(world, ANNA, int(world.markets.imf_ppm[BTC]))
        assert 0 < rest(world, BERT, SELL, mark_of(world), size)
        trade(world, ANNA, size + excess)
        assert expected == [reason for reason in refusals(stage) if reason == REJECTED_MARGIN]
        assert size * (1 - excess) == held(world, ANNA)


def test_free_collateral_falls_by_margin_and_by_what_a_price_is_worse_than_mark() -> None:
    """Of both parties, until the next mark: nothing can be committed twice between two marks."""
    world = floor().world
    mark, size = mark_of(world), 1_000
    price, imf_ppm = mark + mark // 100, int(world.markets.imf_ppm[BTC])
    before = {who: world.cloud.free_collateral(who) for who in (ANNA, BERT)}
    rest(world, BERT, SELL, price, size)
    trade(world, ANNA, size)
    margin = size * mark * imf_ppm // PPM
    assert before[ANNA] - margin - size * (price - mark) == world.cloud.free_collateral(ANNA)
    assert before[BERT] - margin == world.cloud.free_collateral(BERT)


# ---- margin of what rests --------------------------------------------------------------------------------------------
def test_resting_orders_hold_margin_back_from_the_next_order() -> None:
    """Order after order is accepted until the free collateral is committed; taking one back frees as much again."""
    stage = floor()
    world = stage.world
    most = most_of(world, ANNA, int(world.markets.imf_ppm[BTC]))
    size = most * 45 // 100
    numbers = [rest(world, ANNA, BUY, mark_of(world) - 10, size) for _ in range(3)]
    assert [True, True, False] == [number > 0 for number in numbers]
    assert [REJECTED_MARGIN] == refusals(stage)
    world.matching.cancel(BTC, numbers[0])
    assert 0 < rest(world, ANNA, BUY, mark_of(world) - 10, size)


Step = tuple[str, int, int, int, int]
STEPS = st.tuples(
    st.sampled_from(("post", "limit", "trade", "cancel", "sweep", "keep", "restore")),
    st.sampled_from((ANNA, BERT, CARL)),
    st.sampled_from((BUY, SELL)),
    st.integers(-5, 5),
    st.integers(1, 40),
)


def play_step(world: VenueWorld, step: Step, numbers: list[int], kept: list[object]) -> None:
    what, who, side, distance, size = step
    price = mark_of(world) + distance
    if what in ("post", "limit"):
        numbers.append(rest(world, who, side, price, size, is_post_only=what == "post"))
    elif what == "trade":
        trade(world, who, side * size)
    elif what == "cancel" and numbers:
        world.matching.cancel(BTC, numbers[size % len(numbers)])
    elif what == "sweep":
        world.matching.cancel_resting(BY_STEP, who)
    elif what == "keep":
        kept.append(world.matching.keep())
    elif what == "restore" and kept:
        world.matching.restore(kept[-1])  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_margin_held_back_is_that_of_what_rests_never_negative_and_zero_in_the_end(steps: list[Step]) -> None:
    """Through fills, cancellations, snapshots and rollbacks; and so is the count of open orders."""
    world = floor("venue.markets.only=[SUI-USD-PERP]").world  # its margin of one size quantum is no whole 1e-6 USD
    numbers: list[int] = []
    kept: list[object] = []
    per_size = int(world.markets.reference_price_quantums[BTC]) * int(world.markets.imf_ppm[BTC])
    for step in steps:
        play_step(world, step, numbers, kept)
        resting = list(world.matching.books[BTC])
        expected = Counter[int]()
        for order in resting:
            expected[order.owner] += order.left * per_size // PPM
        assert min(world.matching._reserved.values(), default=0) >= 0
        assert expected == reserved(world)
        assert Counter((order.owner, BTC) for order in resting) == counted(world)
    world.matching.cancel_resting(BY_STEP)
    assert ({}, {}) == (reserved(world), counted(world))


# ---- limits ----------------------------------------------------------------------------------------------------------
def test_one_order_more_than_the_market_allows_an_account_is_refused() -> None:
    """The count is of an account in a market; taking one back makes room."""
    stage = floor()
    world = stage.world
    most = int(world.markets.orders_max[BTC])
    numbers = [rest(world, ANNA, BUY, mark_of(world) - 10, 1) for _ in range(most + 1)]
    assert (most, [REJECTED_ORDERS]) == (sum(number > 0 for number in numbers), refusals(stage))
    assert 0 < rest(world, BERT, BUY, mark_of(world) - 10, 1)
    assert 0 < rest(world, ANNA, BUY, mark_of(world, ETH) - 10, 1, ETH)
    world.matching.cancel(BTC, numbers[0])
    assert 0 < rest(world, ANNA, BUY, mark_of(world) - 10, 1)


@pytest.mark.parametrize(("age_ms", "expected"), [(30_000, []), (30_001, [REJECTED_STALE, REJECTED_STALE])])
def test_no_order_is_taken_on_a_price_older_than_the_venue_allows(age_ms: int, expected: list[int]) -> None:
    """G8 at its limit and a millisecond beyond, for orders that take and for orders that wait."""
    stage = floor().at(age_ms)
    world = stage.world
    rest(world, BERT, BUY, mark_of(world) - 10, 5)
    trade(world, ANNA, -5)
    assert expected == refusals(stage)


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
