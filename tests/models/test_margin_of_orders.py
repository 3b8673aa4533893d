"""Matching: margin of what trades and of what rests, never negative and zero in the end; limits and freshness."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings, strategies as st

from drydock.models.matching import BY_STEP
from drydock.models.order_events import (
    REJECTED_MARGIN,
    REJECTED_ORDERS,
    REJECTED_STALE,
)
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
    refusals,
    reserved,
    rest,
    trade,
)


def mark_of(world: VenueWorld, market: int = BTC) -> int:
    return world.cloud.mark_one(market)


# ---- margin of positions ---------------------------------------------------------------------------------------------
def most_of(world: VenueWorld, account: int, per_mark_ppm: int, loss: int = 0) -> int:
    """The greatest size whose margin the account can pay, and as much loss for each size quantum."""
    return world.cloud.free_collateral(account) * PPM // (mark_of(world) * per_mark_ppm + loss * PPM)


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


@pytest.mark.parametrize("side", [BUY, SELL])
def test_trading_worse_than_the_mark_needs_the_open_loss_as_well(side: int) -> None:
    """The greatest size that pays its margin and its loss at once is taken and leaves nothing owed; one more is not."""
    for excess, expected in ((0, []), (1, [REJECTED_MARGIN])):
        stage = floor()
        world = stage.world
        loss = mark_of(world) // 100
        size = most_of(world, ANNA, int(world.markets.imf_ppm[BTC]), loss)
        assert 0 < rest(world, BERT, -side, mark_of(world) + side * loss, size + 1)
        trade(world, ANNA, side * (size + excess))
        assert expected == [reason for reason in refusals(stage) if reason == REJECTED_MARGIN]
        assert side * size * (1 - excess) == held(world, ANNA)
        assert 0 <= world.cloud.free_collateral(ANNA)


@pytest.mark.parametrize("side", [BUY, SELL])
def test_trading_better_than_the_mark_lends_no_margin(side: int) -> None:
    """A gain that is open counts for nothing beforehand: the same size as at mark, and no more."""
    for excess in (0, 1):
        world = floor().world
        size = most_of(world, ANNA, int(world.markets.imf_ppm[BTC]))
        world.cloud.holdings.quote[BERT] += 10**14  # his margin does not matter
        world.cloud.refresh_free()
        rest(world, BERT, -side, mark_of(world) - side * mark_of(world) // 100, size + 1)
        trade(world, ANNA, side * (size + excess))
        assert side * size * (1 - excess) == held(world, ANNA)


def test_closing_asks_for_no_margin_however_bad_the_price() -> None:
    """Whoever only reduces may leave at any price within the band, with nothing free."""
    world = floor().world
    give(world, ANNA, 100)
    world.cloud.holdings.quote[ANNA] -= 10**14
    world.cloud.refresh_free()
    rest(world, BERT, BUY, mark_of(world) * 98 // 100, 100)
    assert 0 > world.cloud.free_collateral(ANNA)
    assert (0, 0) == (trade(world, ANNA, -100), held(world, ANNA))


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
        assert min(world.matching.open.reserved.values(), default=0) >= 0
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
