"""RESYNC: an account whose fill the chain refused is closed, and opened again as the chain's equal."""

from __future__ import annotations

import pytest

from drydock.models.chain import PriceTx
from drydock.models.events import Bust, Fill, HealthChecked, Liquidation
from drydock.models.matching import BY_RESYNC
from drydock.models.order_events import REJECTED_RESYNC, OrderCancelled, ResyncEnded, ResyncStarted
from drydock.models.world import VenueWorld
from tests.models.floor import ANNA, BERT, BTC, BUY, CARL, ETH, PPM, SELL, give, held, quiet, refusals, rest, trade
from tests.nights import Stage, told

PLACED_MS, SEALED_MS = 13_000, 15_000


def state_of(world: VenueWorld, account: int) -> list[tuple[int, ...]]:
    """Money, positions and cached indices of an account, in the cloud and on the chain."""
    rows = []
    for copy in (world.cloud.holdings, world.chain.holdings):
        slots = slice(*copy.layout.bounds_of(account))
        rows.append((int(copy.quote[account]), *copy.size[slots].tolist(), *copy.cached[slots].tolist()))
    return rows


def fall_on_chain(world: VenueWorld, percent: int) -> None:
    """The chain hears of a fall of BTC before it seals; the cloud matches on the mark of before."""
    mark = world.cloud.mark.copy()
    mark[BTC] = mark[BTC] * (100 - percent) // 100
    world.chain.submit(PriceTx(mark))


def with_bust(*sets: str) -> tuple[Stage, int]:
    """Anna buys with all that she has, and the mark falls before it is sealed: the chain finds her under margin.

    Her bid in ETH rests.
    """
    stage = quiet(*sets).at(PLACED_MS)
    world = stage.world
    mark = world.cloud.mark_one(BTC)
    number = rest(world, ANNA, BUY, world.cloud.mark_one(ETH) // 2, 10, ETH)
    give(world, BERT, 10**6)  # he closes; his margin does not matter
    size = world.cloud.free_collateral(ANNA) * PPM * 9 // (10 * mark * int(world.markets.imf_ppm[BTC]))
    give(world, BERT, size)
    world.cloud.holdings.quote[BERT] += 10**14
    world.chain.holdings.quote[BERT] += 10**14
    world.cloud.refresh_free()
    rest(world, BERT, SELL, mark, size)
    assert 0 == trade(world, ANNA, size)
    fall_on_chain(world, 2)
    return stage, number


def test_bust_takes_the_fill_back_from_both_and_closes_the_taker() -> None:
    """Both have what they had; the taker's orders are cancelled, and the maker goes on."""
    stage, number = with_bust()
    world = stage.world
    size = held(world, ANNA)
    before = held(world, BERT) + size
    stage.at(SEALED_MS + 1)
    assert [(ANNA, BERT, size)] == [(e.taker, e.maker, e.size_quantums) for e in stage.of(Bust)]
    assert (0, before) == (held(world, ANNA), held(world, BERT))
    assert [ANNA] == [e.account for e in stage.of(ResyncStarted)]
    assert [OrderCancelled(ETH, ANNA, number, BY_RESYNC, 1)] == stage.of(OrderCancelled)
    assert {ANNA} == world.matching.resyncing


def test_closed_account_can_neither_trade_nor_post_and_others_can() -> None:
    """Every order of it is refused until it is opened again."""
    stage, _ = with_bust()
    world = stage.at(SEALED_MS + 1).world
    mark = world.cloud.mark_one(ETH)
    assert 0 < rest(world, CARL, SELL, mark, 10, ETH)
    trade(world, ANNA, 5, ETH)
    rest(world, ANNA, BUY, mark - 10, 5, ETH)
    assert ([REJECTED_RESYNC] * 2, 0) == (refusals(stage), held(world, ANNA, ETH))
    stage.at(SEALED_MS + 16_000)
    assert 0 == trade(world, ANNA, 5, ETH)


def test_account_is_opened_when_nothing_of_it_can_be_under_way_and_equals_the_chain() -> None:
    """Not before two blocks and the way to the chain, and whatever the cloud had wrong is put right and told."""
    stage, _ = with_bust()
    world = stage.at(SEALED_MS + 1).world
    slot = world.layout.dense_slot(ANNA, ETH)
    world.cloud.holdings.quote[ANNA] += 7
    world.cloud.holdings.size[slot] += 3
    stage.at(SEALED_MS + 30_000)
    chain = world.venue.chain
    ended = told(stage.events, ResyncEnded)
    assert [ResyncEnded(ANNA, 7, 1)] == [data for _, data in ended]
    assert ended[0][0] - SEALED_MS >= 2 * chain.block_ms + chain.submit_ms
    assert (set(), 1) == (world.matching.resyncing, len({tuple(row) for row in state_of(world, ANNA)}))


def test_account_that_was_right_is_opened_without_a_difference() -> None:
    """Taking a fill back leaves the cloud as the chain is."""
    stage, _ = with_bust()
    assert [ResyncEnded(ANNA, 0, 0)] == stage.at(SEALED_MS + 30_000).of(ResyncEnded)


def test_waiting_time_of_the_venue_counts_where_it_is_longer() -> None:
    """``resync_ms`` beyond two blocks decides."""
    stage, _ = with_bust("venue.order_book={resync_ms: 40s}")
    stage.at(SEALED_MS + 39_000)
    assert [] == stage.of(ResyncEnded)
    assert [ANNA] == [e.account for e in stage.at(SEALED_MS + 46_000).of(ResyncEnded)]


def test_fills_that_were_under_way_go_with_the_first_one() -> None:
    """A second fill of the taker in the same block is bust in cascade; she is closed once."""
    stage, _ = with_bust()
    world = stage.world
    rest(world, CARL, SELL, world.cloud.mark_one(BTC), 1)
    world.cloud.holdings.quote[ANNA] += 10**13  # what the cloud wrongly believes lets her go on
    world.cloud.refresh_free()
    assert 0 == trade(world, ANNA, 1)
    world.cloud.holdings.quote[ANNA] -= 10**13
    stage.at(SEALED_MS + 1)
    assert (2, 1) == (len(stage.of(Bust)), len(stage.of(ResyncStarted)))
    assert (0, 0) == (held(world, ANNA), held(world, CARL))


def test_fills_under_way_at_a_bust_are_counted_on_both_sides_and_those_of_others_are_not() -> None:
    """Two in which she took, one in which she was met, all in the block that is being sealed."""
    stage, _ = with_bust()
    world = stage.world
    mark = world.cloud.mark_one(ETH)
    for owner, side, price in ((BERT, SELL, mark), (CARL, BUY, mark - 10)):
        rest(world, owner, side, price, 2, ETH)
    world.cloud.holdings.quote[ANNA] += 10**13  # what the cloud wrongly believes lets her go on
    world.cloud.refresh_free()
    rest(world, ANNA, BUY, mark - 1, 1, ETH)
    assert 0 == trade(world, ANNA, 1, ETH)  # of Bert
    assert 0 == trade(world, CARL, -1, ETH)  # to Anna
    assert 0 == trade(world, BERT, -1, ETH)  # to Carl
    stage.at(SEALED_MS + 1)
    assert [(ANNA, 3)] == [(e.account, e.in_flight) for e in stage.of(ResyncStarted)]
    assert (4, 0) == (len(stage.of(Fill)), world.chain.in_flight(ANNA))


@pytest.mark.parametrize("is_resyncing", [True, False])
def test_account_in_resync_is_not_liquidated_on_what_the_cloud_believes_of_it(is_resyncing: bool) -> None:
    """It is seen and left alone until the chain's state is there, and then it is healthy; any other is liquidated."""
    stage, _ = with_bust()
    world = stage.at(SEALED_MS + 1).world
    give(world, ANNA, 10, ETH)
    world.cloud.holdings.quote[ANNA] -= 10**13  # what the cloud wrongly believes
    world.cloud.reserves.forget()
    if not is_resyncing:
        world.matching.resyncing.discard(ANNA)
    stage.at(SEALED_MS + 4_900)
    seen = [(e.under, e.refused) for e in stage.of(HealthChecked)][-1]
    assert (1, int(is_resyncing)) == seen
    stage.at(SEALED_MS + 40_000)
    assert (set() if is_resyncing else {ANNA}) == {e.account for e in stage.of(Liquidation)}
    assert ([ANNA], 10) == ([e.account for e in stage.of(ResyncEnded)], held(world, ANNA, ETH))
