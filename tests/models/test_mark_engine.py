"""The mark of a venue with a book: what it listens to at each tick, told by its events, is the documented formula."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.models.events import PricesPublished
from drydock.models.mark_engine import mark_method
from drydock.models.matching import BY_STEP
from drydock.models.order_events import MarkSampled
from drydock.models.perp.basis import PPB_PER_PPM, Averages, BookAverages, TopOfBook, mark_of_basis
from drydock.models.world import VenueWorld
from tests.models.floor import ANNA, BERT, BOOK, BTC, BUY, NO_QUOTES, NO_TRIGGERS, PPM, SELL, STILL, quiet, rest, trade
from tests.nights import Stage, told

MARKED = "venue.oracle.mark_phase_ms=0"


def book(**fields: object) -> str:
    """The setting of a venue's order book."""
    return "venue.order_book={" + ", ".join(f"{name}: {value}" for name, value in fields.items()) + "}"


def published(stage: Stage) -> list[tuple[int, list[int]]]:
    """(time, marks) as published."""
    return [(at_ms, e.mark_quantums.tolist()) for at_ms, e in told(stage.events, PricesPublished)]


def by_hand(stage: Stage) -> list[tuple[int, list[int]]]:
    """Every mark from what was sampled and heard, by the documented method alone, without the engine."""
    world = stage.world
    assert world.venue.order_book is not None
    method = mark_method(world.venue, world.venue.order_book, world.markets.ewma_ppm)
    averages = BookAverages(method, Averages.cold(len(world.markets)))
    marks = []
    spots = {at_ms: e.spot_quantums for at_ms, e in told(stage.events, PricesPublished)}
    for at_ms, e in told(stage.events, MarkSampled):
        price = np.stack((e.bid_quantums, e.ask_quantums, e.last_quantums))
        if e.is_sampled:
            averages.sample(TopOfBook(price, price > 0), spots[at_ms])
        heard_ms = 0 if at_ms == 0 else at_ms - 5_000  # what is sent with a tick comes after it
        external = world.outside.median_rate(heard_ms) * PPB_PER_PPM
        marks.append((at_ms, mark_of_basis(spots[at_ms], averages.fair_basis(external)[0]).tolist()))
    return marks


@pytest.mark.parametrize(("two_votes", "empty_side"), [("mean", "hold"), ("lower", "drop"), ("upper", "hold")])
@pytest.mark.parametrize("regime", ["calm", "crash"])
def test_every_mark_of_a_night_is_the_documented_one_of_what_was_sampled(
    two_votes: str, empty_side: str, regime: str
) -> None:
    """Spot times one plus the median of own votes, mid and outside, worked out again from the events."""
    sets = book(two_votes=two_votes, empty_side=empty_side)
    stage = Stage(sets, MARKED, "population.fills_per_minute=60", regime=regime).at(119_000)
    assert by_hand(stage) == published(stage)
    assert 24 == len(published(stage))


def test_what_is_sampled_is_the_top_of_the_book_at_that_moment() -> None:
    """Best, second-best and last prices as they stand; zero where there is none."""
    stage = quiet(MARKED).at(11_000)
    world = stage.world
    mark = world.cloud.mark_one(BTC)
    for distance in (300, 200):
        rest(world, ANNA, BUY, mark - distance, 10)
    rest(world, ANNA, SELL, mark + 100, 10)
    trade(world, BERT, 5)
    e = stage.at(15_001).of(MarkSampled)[-1]
    tops = (e.bid_quantums, e.next_bid_quantums, e.ask_quantums, e.next_ask_quantums, e.last_quantums)
    assert [mark - 200, mark - 300, mark + 100, 0, mark + 100] == [int(column[BTC]) for column in tops]
    other = int(world.outside.mark(0)[1])  # nobody quotes it; before the night it traded at mark
    assert [0, 0, 0, 0, other] == [int(column[1]) for column in tops]


def pair(world: VenueWorld, by_ppm: int) -> None:
    """Both sides of a price so far above the mark of the night's start, in BTC and with nobody else."""
    price = int(world.outside.mark(0)[BTC]) * (PPM + by_ppm) // PPM
    for side in (BUY, SELL):
        rest(world, ANNA, side, price - side * 100, 10)


def displaced(*sets: str, ticks: int = 60) -> Stage:
    """In POST_ONLY, where nobody may take them, somebody quotes both sides of a price ten per cent high."""
    stage = quiet(MARKED, *sets).at(1)
    world = stage.world
    pair(world, 0)  # the averages know the book as it was
    stage.at(11_000)
    world.set_mode("post_only")
    world.matching.cancel_resting(BY_STEP)
    pair(world, 100_000)
    return stage.at(11_000 + 5_000 * ticks)


G13 = "venue.safeguards.external_mark={}"
LONG = ("runbook.before_ms=9m", "runbook.night_ms=20m")


def last_mark_ppm(stage: Stage) -> int:
    """How far the mark of BTC is above the outside price."""
    fair = int(stage.world.outside.mark(0)[BTC])
    return (published(stage)[-1][1][BTC] - fair) * PPM // fair


def test_two_own_votes_outvote_the_outside_price_in_a_thin_book() -> None:
    """Bid, ask and mid come from the same displaced pair of orders: the mark goes all the way."""
    marks = [row[BTC] for _, row in published(displaced(*LONG, ticks=80))]
    assert marks == sorted(marks)
    assert 99_000 < (marks[-1] - marks[0]) * PPM // marks[0] < 101_000


def test_external_weighting_keeps_a_mark_where_the_outside_price_is() -> None:
    """G13: a restarted venue listens to its own book little by little, over half an hour of liquid ticks."""
    weighted, plain = (displaced(*LONG, *sets, ticks=1) for sets in ((G13,), ()))
    for stage in (weighted, plain):
        stage.world.market_data.crash(1)
        stage.at(111_000)
    assert 90_000 < last_mark_ppm(plain)
    assert 0 < last_mark_ppm(weighted) < 10_000


def test_pair_with_a_narrow_spread_is_a_liquid_book_to_the_external_weighting() -> None:
    """G13's weak spot as documented: who was liquid before is listened to, whoever quotes now."""
    assert last_mark_ppm(displaced(*LONG, ticks=20)) == last_mark_ppm(displaced(*LONG, G13, ticks=20))


def test_basis_is_held_while_all_votes_are_silent() -> None:
    """Without book and without external rates the last basis goes on, on the newest spot."""
    stage = displaced(*LONG, book(empty_side="drop"), ticks=30)
    world = stage.world
    world.matching.cancel_resting(BY_STEP)
    world.matching.last[:] = 0
    nothing, silent = np.zeros(3, np.int64), np.zeros(3, np.bool_)
    engine = world.market_data._engine
    assert engine is not None
    engine._averages.forget("forget")
    found = engine.tick(world.outside.spot(0), nothing, silent, nothing)
    assert found is not None
    assert published(stage)[-1][1] == found[0].tolist()


def test_no_mark_is_published_before_every_market_had_a_vote() -> None:
    """A restarted venue that forgot its averages, with an empty book and no external rate, has no mark."""
    stage = quiet(MARKED, book(cold_start="forget")).at(11_000)
    engine = stage.world.market_data._engine
    assert engine is not None
    engine.forget()
    nothing, silent = np.zeros(3, np.int64), np.zeros(3, np.bool_)
    spot = stage.world.outside.spot(0)
    assert engine.tick(spot, nothing, silent, nothing) is None
    assert engine.tick(spot, nothing, silent | np.array([True, True, False]), nothing) is None
    assert engine.tick(spot, nothing, ~silent, nothing) is not None


@pytest.mark.parametrize(("cold_start", "expected"), [("keep", True), ("last_trade", False), ("forget", False)])
def test_restart_keeps_what_its_parameter_says(cold_start: str, expected: bool) -> None:
    """With all averages kept, a restart leaves a displaced mark where it was; else it begins from the book again."""
    stage = displaced(*LONG, book(cold_start=cold_start), ticks=20)
    before = last_mark_ppm(stage)
    world = stage.world
    world.matching.cancel_resting(BY_STEP)
    world.market_data.crash(1_000)
    stage.at(stage.sim.now_ms + 15_000)
    assert 50_000 < before
    assert expected == (last_mark_ppm(stage) == before)


def test_forgotten_averages_forget_the_last_trade_with_them() -> None:
    """The tape begins anew only where everything is forgotten."""
    for cold_start, expected in (("keep", True), ("last_trade", True), ("forget", False)):
        stage = displaced(book(cold_start=cold_start), ticks=1)
        stage.world.matching.last[BTC] = 7_000_000
        stage.world.market_data.crash(1_000)
        assert expected == bool(stage.world.matching.last[BTC])


@pytest.mark.parametrize(("sample_closed", "is_listened_to"), [("false", False), ("true", True)])
@pytest.mark.parametrize("mode", ["maintenance", "cancel_only", "auction"])
def test_closed_book_is_not_sampled_unless_it_is_said(sample_closed: str, is_listened_to: bool, mode: str) -> None:
    """Orders that rest where nothing can trade are told as they are, and say nothing of a price: no mark follows."""
    stage = quiet(MARKED, *LONG, book(sample_closed=sample_closed)).at(11_000)
    world = stage.world
    fair = int(world.outside.mark(0)[BTC])
    bid = fair * 90 // 100
    rest(world, ANNA, BUY, bid, 10)
    world.set_mode(mode)
    stage.at(40_001)
    closed = [e for at_ms, e in told(stage.events, MarkSampled) if at_ms > 11_000]
    assert {(bid, int(is_listened_to))} == {(int(e.bid_quantums[BTC]), e.is_sampled) for e in closed}
    assert {is_listened_to} == {int(e.mark_quantums[BTC]) < fair for e in closed}


def test_averages_stand_still_while_a_book_is_closed() -> None:
    """What it showed meanwhile, both sides of a displaced price and a trade, is as if it had never been."""
    marks = []
    for is_displaced in (False, True):
        stage = quiet(MARKED, *LONG).at(1)
        world = stage.world
        pair(world, 0)
        stage.at(11_000)
        world.set_mode("maintenance")
        kept = world.matching.keep()
        if is_displaced:
            world.set_mode("auction")
            world.matching.cancel_resting(BY_STEP)
            world.set_mode("post_only")
            pair(world, 100_000)
            world.set_mode("maintenance")
        stage.at(41_000)
        world.matching.restore(kept)
        world.set_mode("ok")
        marks.append(published(stage.at(60_001)))
    assert marks[0] == marks[1]
    assert [0] * 6 == [e.is_sampled for at_ms, e in told(stage.events, MarkSampled) if 11_000 < at_ms < 41_000]


def test_open_book_is_sampled_in_post_only() -> None:
    """That it was is the second wave."""
    stage = quiet(MARKED, *LONG).at(11_000)
    world = stage.world
    world.set_mode("post_only")
    price = world.cloud.mark_one(BTC) * 90 // 100
    rest(world, ANNA, BUY, price, 10)
    assert price == int(stage.at(15_001).of(MarkSampled)[-1].bid_quantums[BTC])


def test_venue_without_a_book_marks_as_before() -> None:
    """Spot times one plus the median external rate, and nothing is sampled."""
    stage = Stage(*STILL, NO_QUOTES, *NO_TRIGGERS, "venue.order_book=null", regime="calm").at(60_000)
    assert ([], True) == (stage.of(MarkSampled), len(published(stage)) > 10)


def test_book_on_the_same_flat_night_leaves_the_mark_at_the_outside_price() -> None:
    """Makers who quote around it pull nothing: to the quantum of rounding."""
    stage = Stage(BOOK, MARKED, *STILL, *NO_TRIGGERS).at(119_000)
    fair = stage.world.outside.mark(0)
    assert 1 >= max(int(np.abs(np.array(row) - fair).max()) for _, row in published(stage))
