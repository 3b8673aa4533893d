"""The order desk: the order store in snapshot, rollback and the runbook's steps; the auction before the reopening."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.models.events import Fill, ModeChanged, ResumeChecked
from drydock.models.matching import BY_STEP, OF_AUCTION
from drydock.models.order_events import (
    REJECTED_CLOSED,
    AuctionUncrossed,
    OrderCancelled,
    OrderPlaced,
    OrdersKept,
    TriggerFired,
)
from drydock.models.traders import TAKE_PROFIT
from tests.models.floor import (
    ANNA,
    BERT,
    BOOK,
    BTC,
    BUY,
    SELL,
    TRADERS,
    counted,
    quiet,
    refusals,
    reserved,
    rest,
    trade,
)
from tests.nights import Stage, of, told

ALL = "gateway, liquidator, funding, market_data, portfolio, vault"


def rollback_night(*steps: str) -> str:
    """An incident minutes after the reopening: everything back to the snapshot, with these steps after it."""
    return (
        "runbook.on_incident={detect_ms_min: 20s, detect_ms_max: 40s, decide_ms_min: 10s, decide_ms_max: 15s, steps: ["
        "{step: set_mode, name: i-stop-trading, mode: maintenance},"
        f"{{step: stop_services, name: i-stop, services: [{ALL}]}}, {{step: rollback}}, {''.join(steps)}"
        f"{{step: start_services, name: i-start, services: [{ALL}], duration_ms: 20s}},"
        "{step: set_mode, name: i-back, mode: post_only, duration_ms: 10s}, {step: resume, name: i-resume}]}"
    )


def kept_at(events: list, moment: str) -> list[OrdersKept]:  # type: ignore[type-arg]
    return [e for e in of(events, OrdersKept) if e.moment == moment]


# ---- snapshot and rollback ------------------------------------------------------------------------------------------
def test_order_store_goes_back_to_what_was_kept() -> None:
    """Filled orders rest again with all their size and margin, later ones are gone; numbers go on."""
    stage = quiet().at(11_000)
    world = stage.world
    assert world.desk is not None
    mark = world.cloud.mark_one(BTC)
    first = rest(world, ANNA, BUY, mark - 100, 10)
    before = reserved(world)
    store = world.desk.keep()
    trade(world, BERT, -10)
    later = rest(world, BERT, SELL, mark + 100, 5)
    world.desk.restore(store)
    assert [(first, 10)] == [(order.id, order.left) for order in world.matching.books[BTC]]
    assert (before, {(ANNA, BTC): 1}) == (reserved(world), counted(world))
    assert later < rest(world, BERT, SELL, mark + 100, 5)


def test_quotes_are_no_part_of_the_order_store() -> None:
    """They belong to a maker's session: a rollback brings none back."""
    world = Stage(BOOK).at(5_000).world
    assert world.desk is not None
    assert (True, ()) == (len(world.matching.books[BTC]) > 0, world.matching.keep()[BTC])
    world.desk.restore(world.desk.keep())
    assert [] == [o for o in world.matching.books[BTC] if o.is_quote]


def test_what_is_kept_is_a_copy_and_serves_twice() -> None:
    """What happens to an order after the snapshot happens to another object."""
    stage = quiet().at(11_000)
    world = stage.world
    rest(world, ANNA, BUY, world.cloud.mark_one(BTC) - 100, 10)
    kept = world.matching.keep()
    for _ in range(2):
        trade(world, BERT, -4)
        assert 6 == next(iter(world.matching.books[BTC])).left
        world.matching.restore(kept)
    assert kept == world.matching.keep()


def test_height_of_the_order_store_is_that_of_its_newest_order() -> None:
    """Quotes count for none, and a rollback takes it back."""
    stage = quiet().at(11_000)
    world = stage.world
    assert world.desk is not None
    rest(world, ANNA, BUY, world.cloud.mark_one(BTC) - 100, 10)
    store, height = world.desk.keep(), world.cloud.height
    stage.at(40_000)
    rest(world, ANNA, BUY, world.cloud.mark_one(BTC) - 100, 10)
    assert (world.cloud.height, True) == (world.matching.height(), world.cloud.height > height)
    world.desk.restore(store)
    assert height == world.matching.height()


def incident(*steps: str, seed: int = 1) -> Stage:
    """People trade; a minute after the reopening the operators declare an incident, and everything goes back."""
    traders = ("population.traders.limit_ppm=300000", "population.traders.stop_loss_distance_ppm=3000")
    busy = ("population.fills_per_minute=120", *traders)
    stage = Stage(BOOK, *busy, rollback_night(*steps), regime="trend", seed=seed).at(350_000)
    assert stage.world.operators is not None
    stage.world.operators.declare_now()
    return stage.at(599_000)


@pytest.mark.parametrize("seed", [1, 2, 5])
def test_rollback_of_a_night_has_the_orders_and_triggers_of_its_snapshot(seed: int) -> None:
    """What is told at the rollback is what was told at the snapshot, to the trigger, and the owners believe it."""
    events = incident(seed=seed).events
    snapshot, rollback = kept_at(events, "snapshot")[-1], kept_at(events, "rollback")[-1]
    assert (snapshot.resting, snapshot.height) == (rollback.resting, rollback.height)
    assert snapshot.triggers.tolist() == rollback.triggers.tolist() == rollback.told.tolist()


def test_rollback_brings_a_trigger_back_that_fired_after_the_snapshot() -> None:
    """It waits again, and so it may fire a second time."""
    events = incident(seed=1).events
    fired_ms = {e.trigger: at_ms for at_ms, e in told(events, TriggerFired)}
    snapshot_ms = next(at_ms for at_ms, e in told(events, OrdersKept) if e.moment == "snapshot")
    back = set(kept_at(events, "rollback")[-1].triggers.tolist())
    assert {n for n, at_ms in fired_ms.items() if at_ms > snapshot_ms} & back


def test_cancel_orders_in_a_runbook_cancels_all_but_what_it_keeps() -> None:
    """After a rollback with ``keep: [take_profit]`` no limit order rests, and only take-profit orders wait."""
    stage = incident("{step: cancel_orders, keep: [take_profit]}, ")
    assert stage.world.desk is not None
    events, kind = stage.events, stage.world.desk.triggers.orders.kind
    rollback, cancelled = kept_at(events, "rollback")[-1], kept_at(events, "cancel")[-1]
    expected = [n for n in rollback.triggers.tolist() if kind[n] == TAKE_PROFIT]
    assert expected == cancelled.triggers.tolist() == cancelled.told.tolist()
    gone = [e for _, e in told(events, OrderCancelled) if e.reason == BY_STEP]
    assert (rollback.resting, 0) == (len(gone), cancelled.resting)
    assert gone


# ---- auction --------------------------------------------------------------------------------------------------------
AUCTION = "venue.safeguards.auction={scale_ppm: 100000}"
"""The closure of the bench night lasts more than a minute: five minutes by the table, here half a minute."""


def auction_night() -> Stage:
    """Anna and Bert enter orders that cross while the venue collects."""
    stage = quiet(AUCTION, "population.transfers_per_hour=0").at(290_000)
    while stage.world.mode != "auction":
        stage.at(stage.sim.now_ms + 100)
    mark = stage.world.cloud.mark_one(BTC)
    rest(stage.world, ANNA, BUY, mark + 100, 30)
    rest(stage.world, BERT, SELL, mark - 100, 20)
    return stage.at(599_000)


def test_auction_collects_then_uncrosses_then_the_venue_is_ok() -> None:
    """For as long as the table says nothing trades; at its end all trades happen at once, at one price; then OK."""
    stage = auction_night()
    modes = {e.mode: at_ms for at_ms, e in told(stage.events, ModeChanged)}
    fills = told(stage.events, Fill)
    ended_ms, done = told(stage.events, AuctionUncrossed)[0]
    assert 30_000 == ended_ms - modes["auction"]
    assert {(ended_ms, OF_AUCTION)} == {(at_ms, e.origin) for at_ms, e in fills}
    assert (20, 1) == (sum(e.size_quantums for _, e in fills), len({e.price_quantums for _, e in fills}))
    assert (1, 20 * fills[0][1].price_quantums) == (done.markets, done.notional_quantums)
    assert ended_ms <= modes["ok"] < ended_ms + 1_000


def test_what_an_auction_leaves_rests_in_the_book() -> None:
    """Ten of Anna's thirty wait in an open book with their margin, or were met later in OK."""
    stage = auction_night()
    world = stage.world
    later = [e for at_ms, e in told(stage.events, Fill) if e.origin != OF_AUCTION]
    resting = {order.owner: order.left for order in world.matching.books[BTC]}
    assert 10 == resting.get(ANNA, 0) + sum(abs(e.size_quantums) for e in later)


def test_short_closure_has_no_auction() -> None:
    """Under ten seconds the table says none: the venue goes straight to OK."""
    stage = quiet("venue.safeguards.auction={}").at(11_000)
    world = stage.world
    world.set_mode("maintenance")
    stage.at(20_000)
    assert list(world.player._hold_auction()) == []
    assert [] == stage.of(AuctionUncrossed)


def test_thin_books_are_told_at_the_resume() -> None:
    """Without makers all three markets are thin; with makers who are back none is."""
    assert [3] == [e.markets_thin for e in quiet().at(599_000).of(ResumeChecked)]
    night = Stage(BOOK, *TRADERS, "population.traders.maker_return_planned_ms=2s")
    assert [0] == [e.markets_thin for e in night.at(599_000).of(ResumeChecked)]


@pytest.mark.parametrize("mode", ["post_only", "auction", "cancel_only", "maintenance"])
def test_intents_of_people_are_refused_in_every_mode_but_ok(mode: str) -> None:
    """Market orders and limit orders that may take are not post-only: one that is under way when the mode changes is
    refused."""
    stage = quiet().at(11_000)
    world = stage.world
    people = world.people
    people._client, people._market, people._size = [ANNA] * 2, [BTC] * 2, [5] * 2
    people._taker_slot, people._limit_ppm = [world.layout.dense_slot(ANNA, BTC)] * 2, [0, 1_000]
    world.set_mode(mode)
    for n in (0, 1):
        people._match(n)
    assert ([REJECTED_CLOSED] * 2, 0) == (refusals(stage), world.matching.resting())


def test_orders_of_people_rest_where_they_asked() -> None:
    """Limit orders of a night lie on the passive side of the mark of their moment, at the distance that was drawn."""
    stage = Stage(BOOK, "population.fills_per_minute=120", "population.traders.limit_ppm=1000000").at(100_000)
    people = stage.world.population.first_person
    placed = [e for e in stage.of(OrderPlaced) if e.account >= people]
    mark = stage.world.outside.mark(0)
    assert 50 < len(placed)
    for e in placed:
        away = np.sign(int(mark[e.market]) - e.price_quantums)
        assert e.side == away or abs(int(mark[e.market]) - e.price_quantums) < 2_000
