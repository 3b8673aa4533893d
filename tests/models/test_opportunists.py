"""Opportunists and squeezers: only while a book is thin, within the band, each drawn from his own words."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.harness.stream import Stream
from drydock.models.markets import paradex_markets
from drydock.models.opportunists import SEND_MS
from drydock.models.order_events import OrderPlaced
from drydock.models.people_spec import Population, Traders
from drydock.models.traders import FarOrders, draw_harvests, draw_squeezes, promise
from drydock.models.world import VenueWorld
from tests.models.floor import BOOK, BTC, BUY, NO_QUOTES, NO_TRIGGERS, PPM, SELL, STILL
from tests.nights import Stage, zipped

NIGHT_MS = 600_000
HARVEST = ("population.opportunists=2", "population.traders.harvests_per_hour=2000")
SQUEEZE = ("population.squeezers=2", "population.traders.squeezes_per_hour=6000")
MARKETS = paradex_markets()
NAMES = list(MARKETS.names)


def night(*sets: str, seed: int = 1, regime: str = "flat") -> Stage:
    """Opportunists and makers alone."""
    return Stage(BOOK, *STILL, *NO_TRIGGERS, *sets, seed=seed, regime=regime)


def close_enough(world: VenueWorld, price: int, market: int) -> bool:
    """Within the price band of the mark, on a flat night, with half of a squeeze's width on top."""
    mark = world.cloud.mark_one(market)
    width_ppm = world.population.traders.squeeze_width_ppm
    return abs(price - mark) * PPM <= mark * (int(world.markets.band_ppm[market]) + width_ppm)


# ---- when -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("who", [HARVEST, SQUEEZE], ids=["opportunists", "squeezers"])
def test_nobody_comes_while_all_books_are_well_filled(who: tuple[str, ...]) -> None:
    """With makers there, no order is placed far away; without them many are."""
    assert [] == night(*who).at(119_000).of(OrderPlaced)
    assert 5 < len(night(*who, NO_QUOTES).at(119_000).of(OrderPlaced))


@pytest.mark.parametrize("who", [HARVEST, SQUEEZE], ids=["opportunists", "squeezers"])
@pytest.mark.parametrize(("mode", "comes"), [("post_only", True), ("cancel_only", False), ("maintenance", False)])
def test_they_come_wherever_orders_are_taken_and_nowhere_else(who: tuple[str, ...], mode: str, comes: bool) -> None:
    """An empty book in POST_ONLY is theirs; a closed one is nobody's."""
    stage = night(*who, NO_QUOTES).at(1)
    stage.world.set_mode(mode)
    stage.world.on_mode_changed()
    assert comes == bool(stage.at(119_000).of(OrderPlaced))


def test_order_is_placed_only_in_a_market_whose_own_book_is_thin() -> None:
    """When its time comes it looks at its market: no order where both sides stand close together."""
    stage = night(*HARVEST, NO_QUOTES).at(1)
    world = stage.world
    mark = world.cloud.mark_one(BTC)
    for side in (BUY, SELL):
        slot = world.layout.dense_slot(1, BTC)
        world.matching.post(BTC, slot, side, mark - side * mark // 1_000, 10)
    mine = len(stage.of(OrderPlaced))
    found = {e.market for e in stage.at(119_000).of(OrderPlaced)[mine:]}
    assert {1, 2} == found


def test_when_they_come_and_what_they_want_is_the_same_however_long_the_books_were_thin() -> None:
    """Orders placed in the second minute are the same whether or not the books were well filled in the first."""
    always = night(*HARVEST, NO_QUOTES).at(119_000)
    late = night(*HARVEST).at(60_000)
    world = late.world
    world.makers._leave()
    late.at(119_000)
    first = min(e.at_ms for e in late.events if isinstance(e.data, OrderPlaced))
    expected, found = (
        [(e.at_ms, e.data.account, e.data.market) for e in stage.events if isinstance(e.data, OrderPlaced)]
        for stage in (always, late)
    )
    assert set(found) >= {row for row in expected if row[0] >= first}
    assert 5 < len(found)


# ---- what -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("who", [HARVEST, SQUEEZE], ids=["opportunists", "squeezers"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_their_orders_lie_within_the_price_band(who: tuple[str, ...], seed: int) -> None:
    """However absurd, within the band of the mark: only so can they hope to be hit."""
    stage = night(*who, NO_QUOTES, seed=seed).at(4_999)  # before the mark listens to them
    placed = stage.of(OrderPlaced)
    assert [] == [e for e in placed if not close_enough(stage.world, e.price_quantums, e.market)]
    assert placed


def test_opportunists_ask_above_and_bid_below_their_anchor() -> None:
    """They hope to buy low and to sell high."""
    stage = night(*HARVEST, NO_QUOTES).at(4_999)
    for e in stage.of(OrderPlaced):
        assert e.side * (stage.world.cloud.mark_one(e.market) - e.price_quantums) > 0


@pytest.mark.parametrize("seed", range(1, 9))
def test_squeezers_of_a_night_push_in_one_direction(seed: int) -> None:
    """All offsets have one sign; and bid and ask of an order are a pair around the same displaced price."""
    drawn = draw_squeezes(Population(squeezers=8), MARKETS, NIGHT_MS, seed)
    assert 1 == len(set(np.sign(drawn.bid_offset_ppm).tolist()))
    assert drawn.bid_offset_ppm.tolist() == drawn.ask_offset_ppm.tolist()
    assert drawn.is_bid.all()
    assert drawn.is_ask.all()
    assert drawn.width_ppm > 0


def test_direction_of_squeezers_is_a_fair_coin() -> None:
    """Over nights both directions come about equally often."""
    spec = Population(squeezers=1)
    up = sum(int(draw_squeezes(spec, MARKETS, NIGHT_MS, seed).bid_offset_ppm[0]) > 0 for seed in range(200))
    assert 75 < up < 125


def test_squeezers_choose_markets_by_band_over_margin_and_open_interest() -> None:
    """PAXG, with its wide band on a major's margin, promises more than any other, and is chosen most often."""
    spec = Population(squeezers=8, traders=Traders(squeezes_per_hour=60_000))
    chosen = np.bincount(draw_squeezes(spec, MARKETS, NIGHT_MS, 1).market, minlength=len(MARKETS))
    assert "PAXG-USD-PERP" == NAMES[int(promise(MARKETS, 2).argmax())] == NAMES[int(chosen.argmax())]


def test_every_market_gets_its_harvests() -> None:
    """The same number an hour each, about."""
    spec = Population(opportunists=24)
    drawn = draw_harvests(spec, MARKETS, 3_600_000, 1)
    chosen = np.bincount(drawn.market, minlength=len(MARKETS))
    assert spec.traders.harvests_per_hour * len(MARKETS) <= chosen.sum()
    assert 40 < chosen.min() <= chosen.max() < 160


@pytest.mark.parametrize("draw", [draw_harvests, draw_squeezes])
def test_draws_are_within_what_was_asked_for(draw) -> None:  # type: ignore[no-untyped-def]
    """By time, within the night, by the right accounts, at offsets between their bounds, worth something."""
    spec = Population(makers=2, opportunists=3, squeezers=4)
    drawn: FarOrders = draw(spec, MARKETS, NIGHT_MS, 5)
    who = range(3, 6) if draw is draw_harvests else range(6, 10)
    assert set(who) == set(drawn.account.tolist())
    assert (np.diff(drawn.at_ms) >= 0).all()
    assert 0 <= drawn.at_ms.min() <= drawn.at_ms.max() < NIGHT_MS
    for offset in (drawn.bid_offset_ppm, drawn.ask_offset_ppm):
        assert spec.traders.offset_ppm_min <= np.abs(offset).min()
        assert np.abs(offset).max() <= spec.traders.offset_ppm_max
    assert drawn.usd.min() > 0


# ---- from own streams -----------------------------------------------------------------------------------------------
def rows_of(drawn: FarOrders, account: int) -> list[tuple[int, ...]]:
    """One account's orders, by time."""
    mine = drawn.account == account
    names = ("at_ms", "market", "is_bid", "is_ask", "bid_offset_ppm", "ask_offset_ppm", "at_mark", "usd")
    return list(zip(*(getattr(drawn, name)[mine].tolist() for name in names), strict=True))


def test_one_opportunist_more_shifts_nobody_elses_draws() -> None:
    """Each one's n-th order is a function of him alone; more of them share the same number of orders."""
    few, many = (draw_harvests(Population(opportunists=n), MARKETS, NIGHT_MS, 1) for n in (4, 5))
    for account in range(5, 9):
        fewer, more = set(rows_of(many, account)), set(rows_of(few, account))
        assert fewer <= more
        assert fewer


def test_more_opportunists_change_nothing_of_the_people_the_prices_or_the_intents() -> None:
    """Whoever else comes, each person starts with the same positions and money and tries the same."""
    few, many = (Stage(BOOK, f"population.opportunists={n}", is_started=False, regime="calm") for n in (0, 3))
    first = (few.world.population.first_person, many.world.population.first_person)
    held = [
        [w.chain.holdings.size[slice(*w.layout.bounds_of(start + n))].tolist() for n in range(20)]
        for w, start in zip((few.world, many.world), first, strict=True)
    ]
    assert held[0] == held[1]
    quote = [w.chain.holdings.quote[start:].tolist() for w, start in zip((few.world, many.world), first, strict=True)]
    assert quote[0] == quote[1]
    people = [stage.world.people for stage in (few, many)]
    assert people[0]._at_ms == people[1]._at_ms
    assert people[0]._size == people[1]._size
    assert few.world.outside.spot(300_000).tolist() == many.world.outside.spot(300_000).tolist()


def test_triggers_of_people_do_not_depend_on_who_else_is_there() -> None:
    """Each position has the trigger that it has, at the same price."""
    few, many = (Stage(BOOK, f"population.opportunists={n}", is_started=False) for n in (0, 3))
    drawn = [stage.world.desk.triggers.orders for stage in (few, many) if stage.world.desk]
    assert drawn[0].price.tolist() == drawn[1].price.tolist()
    assert (drawn[0].account + 3).tolist() == drawn[1].account.tolist()


def test_draws_are_the_same_whether_the_venue_breaks_or_not() -> None:
    """Nothing is drawn in the course of a night: a world that crashed and one that did not have the same orders."""
    whole, broken = (night(*HARVEST, *SQUEEZE, NO_QUOTES).at(30_000) for _ in range(2))
    for name in ("market_data", "gateway", "liquidator"):
        broken.world.services[name].crash(5_000)
    for stage in (whole, broken):
        stage.at(110_000)
    for n in range(2):
        desks = [stage.world.desk for stage in (whole, broken)]
        drawn = [desk._opportunists[n]._drawn for desk in desks if desk is not None]
        assert [rows_of(d, account) for d in drawn[:1] if d for account in range(2, 6)] == [
            rows_of(d, account) for d in drawn[1:] if d for account in range(2, 6)
        ]


def test_orders_that_find_no_gateway_are_lost_and_those_after_it_are_drawn_ones() -> None:
    """In the twin they are placed; in neither night is there an order that was not drawn before both."""
    whole, broken = (night(*HARVEST, NO_QUOTES).at(30_000) for _ in range(2))
    broken.world.gateway.crash(20_000)
    rows = []
    for stage in (whole, broken):
        placed = [e for e in stage.at(110_000).events if isinstance(e.data, OrderPlaced)]
        rows.append({(e.at_ms - SEND_MS, e.data.account, e.data.market) for e in placed})
    away = [{at_ms for at_ms, _, _ in row if 30_000 <= at_ms < 50_000} for row in rows]
    assert (True, False) == (bool(away[0]), bool(away[1]))
    world = whole.world
    drawn = draw_harvests(world.population, world.markets, world.night_ms, 1)
    assert rows[0] | rows[1] <= set(zipped(drawn.at_ms, drawn.account, drawn.market))
    assert max(rows[1])[0] > 100_000


def test_herd_is_a_stream_of_its_own() -> None:
    """The direction of a night is the first word of a stream that nobody else reads."""
    for seed in range(20):
        expected = 1 if Stream(seed, "people/squeeze/herd").between(0, 1) else -1
        assert expected == np.sign(draw_squeezes(Population(squeezers=2), MARKETS, NIGHT_MS, seed).bid_offset_ppm[0])
