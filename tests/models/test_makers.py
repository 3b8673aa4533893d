"""Makers: quote around the outside price, leave with the venue, come back early or late, hedge, take what is far."""

from __future__ import annotations

import pytest

from drydock.models.events import Fill, ModeChanged
from drydock.models.makers import REQUOTE_MS, SEND_MS
from drydock.models.matching import OF_ARBITRAGE
from drydock.models.order_events import QuotesPlaced, QuotesPulled
from drydock.models.traders import return_ms
from drydock.models.world import VenueWorld
from tests.models.floor import ANNA, BOOK, BTC, BUY, NO_TRIGGERS, PPM, SELL, STILL, TRADERS, give, held, rest, trade
from tests.nights import Stage, told

USD = 1_000_000
LOOK_MS = 13_500
"""One of the makers' looks: 3.5 s of every five."""


def night(*sets: str, regime: str = "flat", seed: int = 1) -> Stage:
    """Makers alone: nobody else does anything."""
    return Stage(BOOK, *TRADERS, *STILL, *NO_TRIGGERS, *sets, regime=regime, seed=seed)


def quotes(world: VenueWorld, side: int, owner: int = 1, market: int = BTC) -> list[int]:
    """Prices of a maker's levels on a side, best first."""
    return [o.price for o in world.matching.books[market] if o.is_quote and o.owner == owner and o.side == side]


def moved_mark(world: VenueWorld, by_ppm: int) -> None:
    """The venue's mark goes its own way; outside nothing moves."""
    world.cloud.on_prices(world.cloud.mark + world.cloud.mark * by_ppm // PPM, world.cloud.price_ms)


# ---- quoting --------------------------------------------------------------------------------------------------------
def test_maker_quotes_each_level_at_its_distance_from_the_outside_price() -> None:
    """Three levels on each side in every market, from the first second of the night."""
    stage = night().at(1_000)
    for market in range(3):
        fair = int(stage.world.outside.mark(0)[market])
        for side in (BUY, SELL):
            expected = [fair - side * (fair * ppm // PPM) for ppm in (300, 1_200, 3_000)]
            assert expected == quotes(stage.world, side, market=market)


def test_maker_follows_the_outside_price_and_not_the_mark() -> None:
    """Whatever the venue's mark says, his quotes stay where the outside market is."""
    stage = night().at(11_000)
    before = [quotes(stage.world, side) for side in (BUY, SELL)]
    moved_mark(stage.world, 50_000)
    give(stage.world, ANNA, 5)
    trade(stage.world, ANNA, 1)  # a level is met, so he quotes anew
    stage.at(14_000)
    assert before == [quotes(stage.world, side) for side in (BUY, SELL)]


def test_maker_quotes_anew_only_where_something_moved_or_was_met() -> None:
    """On a flat night he quotes once; after a level was met, that market alone."""
    stage = night().at(12_000)
    assert 1 == len(stage.of(QuotesPlaced))
    trade(stage.world, ANNA, 1)
    stage.at(60_000)
    assert [[0, 1, 2], [BTC]] == [e.markets.tolist() for e in stage.of(QuotesPlaced)]


def test_old_quotes_leave_before_new_ones_come_and_the_size_that_was_met_is_back() -> None:
    """Between the two the book is empty of him, for as long as quoting anew takes, and then it is whole."""
    stage = night().at(12_900)
    world = stage.world
    trade(world, ANNA, 1)
    stage.at(LOOK_MS + SEND_MS + 1)
    assert ([], []) == (quotes(world, BUY), quotes(world, SELL))
    stage.at(LOOK_MS + SEND_MS + REQUOTE_MS + 1)
    fair = int(world.outside.mark(0)[BTC])
    sizes = {o.left for o in world.matching.books[BTC] if o.is_quote}
    assert {60_000 * USD // fair} == sizes


def test_several_makers_never_meet_each_other() -> None:
    """On a moving night no maker's quotes trade with another's: each withdraws before he quotes."""
    stage = night("population.makers=4", regime="calm", seed=3).at(115_000)
    assert ([], True) == (stage.of(Fill), len(stage.of(QuotesPlaced)) > 20)


# ---- inventory ------------------------------------------------------------------------------------------------------
LIMIT = ("population.traders.maker_inventory_usd=100000 USD", "population.traders.maker_hedge_ppm=0")


@pytest.mark.parametrize("side", [BUY, SELL])
def test_maker_beyond_his_limit_quotes_only_the_side_that_brings_him_back(side: int) -> None:
    """Who has bought more than he wants asks, and who has sold more bids."""
    stage = night(*LIMIT).at(12_900)
    world = stage.world
    trade(world, ANNA, -side * (110_000 * USD // world.cloud.mark_one(BTC)))
    stage.at(14_000)
    assert (0, 3) == (len(quotes(world, side)), len(quotes(world, -side)))


def test_maker_hedges_his_inventory_little_by_little() -> None:
    """A tenth at each look: beyond his limit at first he bids alone, three looks later he quotes both sides again."""
    stage = night(LIMIT[0], "population.traders.maker_hedge_ppm=100000").at(12_900)
    world = stage.world
    trade(world, ANNA, 130_000 * USD // world.cloud.mark_one(BTC))
    asks = []
    for look_ms in (LOOK_MS, LOOK_MS + 5_000, LOOK_MS + 10_000):
        asks.append(len(quotes(stage.at(look_ms + 500).world, SELL)))
        trade(world, ANNA, -1)  # somebody meets a bid, so that he quotes anew
    assert [0, 0, 3] == asks


@pytest.mark.parametrize("side", [BUY, SELL])
def test_one_sided_maker_quotes_both_sides_again_once_he_has_hedged(side: int) -> None:
    """On a flat night on which nobody meets a level, and not a look before he is within his limit; then he rests."""
    stage = night(LIMIT[0], "population.traders.maker_hedge_ppm=100000").at(12_900)
    world = stage.world
    trade(world, ANNA, -side * (130_000 * USD // world.cloud.mark_one(BTC)))
    levels = []
    for look in range(5):
        stage.at(LOOK_MS + 5_000 * look + 500)
        levels.append((len(quotes(world, side)), len(quotes(world, -side))))
    assert [(0, 3), (0, 3), (3, 3), (3, 3), (3, 3)] == levels
    assert [[BTC]] * 3 == [e.markets.tolist() for at_ms, e in told(stage.events, QuotesPlaced) if at_ms > LOOK_MS]


def test_quotes_stand_while_the_gateway_is_away_and_are_replaced_when_it_is_back() -> None:
    """A maker who cannot get through takes nothing back either, and what he wanted to do he does at a later look."""
    stage = night().at(12_900)
    world = stage.world
    before = quotes(world, BUY)
    trade(world, ANNA, 1)
    world.gateway.stop()
    stage.at(LOOK_MS + 1_000)
    assert (before, 1) == (quotes(world, BUY), len(stage.of(QuotesPlaced)))
    world.start_service("gateway")
    stage.at(LOOK_MS + 30_000)
    assert (before, [BTC]) == (quotes(world, BUY), stage.of(QuotesPlaced)[-1].markets.tolist())
    assert 1 == len({o.left for o in world.matching.books[BTC] if o.is_quote})


def test_hedging_leaves_his_position_at_the_venue() -> None:
    """He hedges elsewhere: here he keeps what he traded."""
    stage = night().at(12_900)
    before = held(stage.world, 1)
    trade(stage.world, ANNA, 5)
    assert before - 5 == held(stage.at(100_000).world, 1)


# ---- comings and goings ---------------------------------------------------------------------------------------------
def test_quotes_are_pulled_the_moment_the_venue_closes() -> None:
    """With the change of mode all levels are gone, and none comes until it is open."""
    stage = night().at(260_000)
    closed_ms = next(at_ms for at_ms, e in told(stage.events, ModeChanged) if e.before == "ok")
    assert [(closed_ms, QuotesPulled(1, 18))] == told(stage.events, QuotesPulled)
    assert [] == [at_ms for at_ms, _ in told(stage.events, QuotesPlaced) if at_ms > closed_ms]
    assert [] == list(stage.world.matching.books[BTC])


def back_after_ms(*sets: str, seed: int) -> int:
    """How long after the books opened the maker quoted again."""
    stage = night(*sets, seed=seed).at(599_000)
    open_ms = next(at_ms for at_ms, e in told(stage.events, ModeChanged) if e.mode == "post_only")
    return next(at_ms for at_ms, _ in told(stage.events, QuotesPlaced) if at_ms > open_ms) - open_ms


@pytest.mark.parametrize("seed", range(1, 6))
def test_maker_is_back_within_seconds_of_a_planned_closure(seed: int) -> None:
    """A reopening within the announced window finds him waiting."""
    spec = night(seed=seed).world.population
    drawn_ms = return_ms(spec, 1, 1, is_planned=True, seed=seed)
    assert drawn_ms + SEND_MS + REQUOTE_MS == back_after_ms(seed=seed)
    assert drawn_ms <= 2 * spec.traders.maker_return_planned_ms


@pytest.mark.parametrize("seed", range(1, 6))
def test_maker_comes_late_after_a_closure_that_overran(seed: int) -> None:
    """One minute was announced and three were closed: he returns after minutes, as drawn."""
    sets = ("runbook.window_ms=1m", "population.traders.maker_return_ms=100s")
    spec = night(*sets, seed=seed).world.population
    drawn_ms = return_ms(spec, 1, 1, is_planned=False, seed=seed)
    assert drawn_ms + SEND_MS + REQUOTE_MS == back_after_ms(*sets, seed=seed)
    assert drawn_ms > 2 * spec.traders.maker_return_planned_ms


def test_unplanned_returns_have_their_median() -> None:
    """Of many draws half come before it, and each closure and each maker has its own."""
    spec = night().world.population
    drawn = [return_ms(spec, maker, closure, False, 1) for maker in range(1, 41) for closure in range(1, 11)]
    assert 0.42 < sum(ms < spec.traders.maker_return_ms for ms in drawn) / len(drawn) < 0.58
    assert len(set(drawn)) > 390


def test_closure_before_his_return_keeps_him_away() -> None:
    """Who was on his way when the venue closed again comes back after the next opening, not in between."""
    stage = night("runbook.window_ms=1m", "population.traders.maker_return_ms=400s").at(10_000)
    world = stage.world
    for mode in ("maintenance", "post_only", "maintenance"):
        world.set_mode(mode)
        world.on_mode_changed()
    stage.at(119_000)
    assert ([1], [False]) == ([e.account for e in stage.of(QuotesPulled)], world.makers.is_back)


# ---- arbitrage ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize(("far_ppm", "is_taken"), [(2_000, 1), (800, 0)])
def test_maker_takes_a_quote_far_from_the_outside_price_in_ok(side: int, far_ppm: int, is_taken: int) -> None:
    """Twenty basis points are worth his while, eight are not; he trades at the other's price."""
    stage = night("population.traders.maker_levels_ppm=[]").at(9_000)
    world = stage.world
    price = int(world.outside.mark(0)[BTC]) * (PPM + side * far_ppm) // PPM
    rest(world, ANNA, side, price, 10)
    found = [(e.taker, e.size_quantums, e.price_quantums, e.origin) for e in stage.at(20_000).of(Fill)]
    assert [(1, -side * 10, price, OF_ARBITRAGE)] * is_taken == found


@pytest.mark.parametrize("mode", ["post_only", "auction"])
def test_nobody_takes_such_a_quote_while_only_post_only_orders_are_taken(mode: str) -> None:
    """What POST_ONLY forbids is just this: the absurd quote stands, and the makers behind it."""
    stage = night("population.traders.maker_levels_ppm=[]").at(9_000)
    world = stage.world
    world.set_mode(mode)
    world.on_mode_changed()
    rest(world, ANNA, BUY, int(world.outside.mark(0)[BTC]) * 102 // 100, 10)
    assert [] == stage.at(60_000).of(Fill)


def test_maker_whose_levels_stood_in_the_way_of_an_absurd_bid_quotes_once_it_is_gone() -> None:
    """In OK it is taken off, and a second later his asks are where they belong."""
    stage = night().at(10_000)
    world = stage.world
    fair = int(world.outside.mark(0)[BTC])
    world.matching.books[BTC].withdraw(1)
    world.makers.was_taken(1, BTC)
    rest(world, ANNA, BUY, fair * 102 // 100, 10)
    stage.at(20_000)
    assert ([(1, -10)], 3) == (
        [(e.taker, e.size_quantums) for e in stage.of(Fill)], len(quotes(world, SELL))
    )  # fmt: skip


def test_maker_refused_in_resync_quotes_again_when_it_is_over() -> None:
    """On a flat night too: he does not wait for a price to move."""
    stage = night().at(12_900)
    world = stage.world
    world.matching.resyncing.add(1)
    world.makers.was_taken(1, BTC)
    stage.at(14_000)
    assert [] == quotes(world, BUY)
    world.matching.resyncing.discard(1)
    assert 3 == len(quotes(stage.at(19_000).world, BUY))
