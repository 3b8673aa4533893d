"""Triggers: fire at mark from the right side, reduce only, are used up, and go back with the order store."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.models.order_events import TriggerDone, TriggerFired
from drydock.models.traders import STOP_LOSS, TAKE_PROFIT, TriggerOrders
from drydock.models.triggers import Triggers
from tests.models.floor import ANNA, BERT, BTC, BUY, CARL, PPM, SELL, give, held, quiet, rest
from tests.nights import Stage

NOW_MS = 11_000


def armed(before: int, kind: int, distance_ppm: int, *sets: str) -> tuple[Stage, Triggers]:
    """Anna holds a position, and one trigger of hers waits at this distance above the mark (below if negative)."""
    stage = quiet(*sets).at(NOW_MS)
    world = stage.world
    assert world.desk is not None
    if before:
        give(world, ANNA, before)
    mark, is_long = world.cloud.mark_one(BTC), before > 0
    one = np.ones(1, np.int64)
    world.desk.triggers = Triggers(
        world,
        TriggerOrders(
            one * ANNA, one * BTC, one * world.layout.dense_slot(ANNA, BTC), one * kind,
            one * (mark + mark * distance_ppm // PPM), np.array([is_long == (kind == TAKE_PROFIT)]),
            np.array([is_long]),
        ),
    )  # fmt: skip
    return stage, world.desk.triggers


def move_mark(stage: Stage, by_ppm: int) -> None:
    """The cloud hears marks that lie so far from those of before."""
    world = stage.world
    world.cloud.on_prices(world.cloud.mark + world.cloud.mark * by_ppm // PPM, world.cloud.price_ms)
    world.after_prices()
    stage.at(stage.sim.now_ms + 100)


SIDES = [
    pytest.param(10, TAKE_PROFIT, 1, id="take profit of a long, above"),
    pytest.param(-10, TAKE_PROFIT, -1, id="take profit of a short, below"),
    pytest.param(10, STOP_LOSS, -1, id="stop loss of a long, below"),
    pytest.param(-10, STOP_LOSS, 1, id="stop loss of a short, above"),
]


@pytest.mark.parametrize(("before", "kind", "direction"), SIDES)
@pytest.mark.parametrize(("moved_ppm", "fires"), [(9_900, 0), (10_100, 1), (-10_100, 0)])
def test_trigger_fires_when_the_mark_reaches_it_from_its_side(
    before: int, kind: int, direction: int, moved_ppm: int, fires: int
) -> None:
    """One per cent away: not just before and not on the other side; and there it fires once."""
    stage, _ = armed(before, kind, direction * 10_000)
    move_mark(stage, direction * moved_ppm)
    move_mark(stage, 0)
    assert fires == len(stage.of(TriggerFired))


def test_nothing_fires_at_the_mark_before_it_is_reached() -> None:
    """A mark one quantum short does nothing, the trigger's own price fires."""
    stage, triggers = armed(10, TAKE_PROFIT, 10_000)
    world = stage.world
    price = int(triggers.orders.price[0])
    for mark, expected in ((price - 1, 0), (price, 1)):
        marks = world.cloud.mark.copy()
        marks[BTC] = mark
        world.cloud.on_prices(marks, world.cloud.price_ms)
        world.after_prices()
        assert expected == len(stage.of(TriggerFired))


def test_fired_trigger_closes_the_whole_position_a_moment_later_and_no_more() -> None:
    """Its market order is reduce-only: a position that shrank meanwhile ends at zero, never beyond."""
    stage, triggers = armed(10, STOP_LOSS, -10_000)
    world = stage.world
    rest(world, BERT, BUY, world.cloud.mark_one(BTC) * 98 // 100, 100)
    move_mark(stage, -10_001)
    fired, done = stage.of(TriggerFired), stage.of(TriggerDone)
    assert (1, [(10, 0)]) == (len(fired), [(e.filled_quantums, e.unfilled_quantums) for e in done])
    assert (0, False, False) == (held(world, ANNA), triggers.is_waiting[0], triggers.is_told[0])


@pytest.mark.parametrize(("depth", "left"), [(0, 10), (4, 6)], ids=["empty book", "too little"])
def test_trigger_is_used_up_whatever_it_could_fill(depth: int, left: int) -> None:
    """What the book cannot give is rejected; the position stands naked, and nothing fires again."""
    stage, triggers = armed(10, STOP_LOSS, -10_000)
    world = stage.world
    if depth:
        rest(world, BERT, BUY, world.cloud.mark_one(BTC) * 98 // 100, depth)
    move_mark(stage, -10_001)
    move_mark(stage, -10_001)
    assert [(depth, left)] == [(e.filled_quantums, e.unfilled_quantums) for e in stage.of(TriggerDone)]
    assert (left, False) == (held(world, ANNA), bool(triggers.is_waiting[0]))


def test_trigger_without_its_position_waits() -> None:
    """Closed or turned, nothing is there to protect; it fires once the position is back."""
    stage, triggers = armed(10, STOP_LOSS, -10_000)
    give(stage.world, ANNA, -15)
    move_mark(stage, -20_000)
    assert ([], True) == (stage.of(TriggerFired), bool(triggers.is_waiting[0]))
    give(stage.world, ANNA, 15)
    move_mark(stage, 0)
    assert 1 == len(stage.of(TriggerFired))


MATRIX = [
    ("ok", "true", 1), ("post_only", "true", 1), ("cancel_only", "true", 0), ("maintenance", "true", 0),
    ("post_only", "false", 1), ("cancel_only", "false", 0), ("auction", "false", 0), ("maintenance", "false", 0),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "matrix", "fires"), MATRIX)
def test_triggers_fire_only_where_orders_meet(mode: str, matrix: str, fires: int) -> None:
    """With the books closed nothing fires, matrix or not; the trigger waits."""
    stage, triggers = armed(10, STOP_LOSS, -10_000, f"venue.safeguards.mode_matrix={matrix}")
    stage.world.set_mode(mode)
    move_mark(stage, -10_001)
    assert (fires, not fires) == (len(stage.of(TriggerFired)), bool(triggers.is_waiting[0]))


def test_triggers_do_not_fire_in_post_only_where_the_declared_matrix_forbids_it() -> None:
    """G16: honoured, the matrix decides; and they fire with the next mark in OK."""
    stage, _ = armed(10, STOP_LOSS, -10_000, "venue.declared.post_only=[cancel, post]")
    stage.world.set_mode("post_only")
    move_mark(stage, -10_001)
    assert [] == stage.of(TriggerFired)
    stage.world.set_mode("ok")
    move_mark(stage, 0)
    assert ["ok"] == [e.mode for e in stage.of(TriggerFired)]


def test_triggers_do_not_fire_during_the_grace_after_ok() -> None:
    """G17 covers what the venue does to people by itself."""
    stage, _ = armed(10, STOP_LOSS, -10_000, "venue.safeguards.grace_ms=60s")
    stage.world.set_mode("ok")
    move_mark(stage, -10_001)
    assert [] == stage.of(TriggerFired)
    stage.at(NOW_MS + 61_000)
    move_mark(stage, -10_001)
    assert 1 == len(stage.of(TriggerFired))


def test_nothing_fires_on_a_price_that_is_too_old() -> None:
    """G8: the trigger waits for a fresh one."""
    stage, triggers = armed(10, STOP_LOSS, -10_000)
    world = stage.world
    world.cloud.price_ms = np.full(len(world.markets), NOW_MS - 30_001)
    move_mark(stage, -10_001)
    assert ([], True) == (stage.of(TriggerFired), bool(triggers.is_waiting[0]))


def test_rollback_brings_triggers_back_that_fired_since_and_none_that_were_gone() -> None:
    """Those that waited at the snapshot wait, and their owners know."""
    stage, triggers = armed(10, STOP_LOSS, -10_000)
    world = stage.world
    assert world.desk is not None
    kept = world.desk.keep()
    move_mark(stage, -10_001)
    without = world.desk.keep()
    world.desk.restore(kept)
    assert ([True], [True]) == (triggers.is_waiting.tolist(), triggers.is_told.tolist())
    world.desk.restore(without)
    assert ([False], [False]) == (triggers.is_waiting.tolist(), triggers.is_told.tolist())


def test_what_fires_after_a_snapshot_leaves_the_snapshot() -> None:
    """The kept state is a copy."""
    stage, triggers = armed(10, STOP_LOSS, -10_000)
    kept = triggers.keep()
    move_mark(stage, -10_001)
    assert ([True], [False]) == (kept.is_waiting.tolist(), triggers.is_waiting.tolist())


@pytest.mark.parametrize(
    ("keep", "waits"),
    [
        ((), False),
        (("take_profit",), False),
        (("stop_loss",), True),
        (("limit", "stop_loss"), True),
        (("limit",), False),
    ],
)
def test_cancel_orders_keeps_the_kinds_that_are_named(keep: tuple[str, ...], waits: bool) -> None:
    """A stop-loss order outlives the step only where it is named; its owner is told either way."""
    stage, triggers = armed(10, STOP_LOSS, -10_000)
    world = stage.world
    assert world.desk is not None
    rest(world, CARL, SELL, world.cloud.mark_one(BTC) * 2, 10)
    world.desk.cancel(keep)  # type: ignore[arg-type]
    assert ([waits], [waits]) == (triggers.is_waiting.tolist(), triggers.is_told.tolist())
    assert int("limit" in keep) == world.matching.resting()
