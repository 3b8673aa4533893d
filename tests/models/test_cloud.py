"""The cloud: what fills, what is refused, and how the chain learns of it."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.harness.seam import Passage
from drydock.models.chain import IndexTx
from drydock.models.events import BlockSealed, Fill, ModeChanged
from drydock.models.order_events import REJECTED_CLOSED, REJECTED_MARGIN, REJECTED_STALE, IntentRejected
from tests.nights import Stage, of, play, started_at, told


def quiet(*sets: str) -> Stage:
    """A world in which only the test trades."""
    stage = Stage("population.fills_per_minute=0", "population.transfers_per_hour=0", *sets).at(1)
    stage.world.cloud.refresh_free()
    return stage


def long_position(stage: Stage) -> tuple[int, int, int]:
    """(slot, account, market) of somebody's long position."""
    layout = stage.world.layout
    slot = int(np.flatnonzero((layout.account > 1) & (stage.world.cloud.holdings.size > 0))[0])
    return slot, int(layout.account[slot]), int(layout.market[slot])


def fill(stage: Stage, slot: int, market: int, size: int) -> None:
    stage.world.cloud.fill(market, slot, stage.world.layout.markets + market, size)


def test_fill_is_at_mark_against_the_maker_and_changes_no_value() -> None:
    """Taker and maker get opposite sizes at the cloud's mark; at that mark nobody's equity moves."""
    stage = quiet()
    slot, account, market = long_position(stage)
    cloud = stage.world.cloud
    held, equity = int(cloud.holdings.size[slot]), cloud.value().equity.tolist()
    fill(stage, slot, market, 3)
    assert [(market, account, 1, 3, int(cloud.mark[market]))] == [
        (e.market, e.taker, e.maker, e.size_quantums, e.price_quantums) for e in stage.of(Fill)
    ]
    assert held + 3 == cloud.holdings.size[slot]
    assert not stage.world.layout.per_market(cloud.holdings.size).any()
    assert equity == cloud.value().equity.tolist()


def test_growing_needs_free_collateral_and_takes_it() -> None:
    """What is committed is gone until the next mark: a second fill of the same size finds too little."""
    stage = quiet()
    slot, account, market = long_position(stage)
    cloud, imf_ppm = stage.world.cloud, int(stage.world.markets.imf_ppm[market])
    free = cloud.free_collateral(account)
    size = free * 1_000_000 // (int(cloud.mark[market]) * imf_ppm) * 2 // 3
    fill(stage, slot, market, size)
    assert free - size * int(cloud.mark[market]) * imf_ppm // 1_000_000 == cloud.free_collateral(account)
    fill(stage, slot, market, size)
    assert 1 == len(stage.of(Fill))
    assert [(market, account, REJECTED_MARGIN)] == [tuple(e)[:3] for e in stage.of(IntentRejected)]


def test_shrinking_needs_no_collateral() -> None:
    """Closing is always possible, also for an account whose free collateral is negative."""
    stage = quiet()
    cloud, layout = stage.world.cloud, stage.world.layout
    cloud.on_prices(cloud.mark * 90 // 100, cloud.price_ms)
    slots = np.flatnonzero((layout.account > 1) & (cloud.holdings.size > 0)).tolist()
    slot = next(slot for slot in slots if cloud.free_collateral(int(layout.account[slot])) < 0)
    market = int(layout.market[slot])
    fill(stage, slot, market, -int(cloud.holdings.size[slot]))
    assert 1 == len(stage.of(Fill))
    assert 0 == cloud.holdings.size[slot]


@pytest.mark.parametrize(
    ("rule", "age_ms", "is_filled"), [("{}", 30_000, True), ("{}", 30_001, False), ("null", 90_000, True)]
)
def test_price_freshness_refuses_a_fill_at_an_older_price(rule: str, age_ms: int, is_filled: bool) -> None:
    """G8: exactly at the limit it fills, a millisecond older it does not; without the rule any age fills."""
    stage = quiet(f"venue.safeguards.price_freshness={rule}")
    slot, account, market = long_position(stage)
    cloud = stage.world.cloud
    cloud.on_prices(cloud.mark, np.full_like(cloud.mark, stage.sim.now_ms - age_ms))
    fill(stage, slot, market, 1)
    assert [age_ms] * is_filled == [e.price_age_ms for e in stage.of(Fill)]
    assert [(market, account, REJECTED_STALE)] * (not is_filled) == [tuple(e)[:3] for e in stage.of(IntentRejected)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fills_happen_in_mode_ok_only(seed: int) -> None:
    """From the announcement of the first mode other than OK to that of OK there is no fill."""
    events = play(seed=seed).events
    modes = [(0, "ok"), *((at_ms, e.mode) for at_ms, e in told(events, ModeChanged))]
    fills = told(events, Fill)
    assert len(fills) > 20
    for at_ms, _ in fills:
        assert "ok" in {mode for since, mode in modes if since == at_ms} | {[m for t, m in modes if t <= at_ms][-1]}


def test_intents_that_meet_a_closed_venue_are_rejected_as_closed() -> None:
    """An intent that was on its way when the gateway went down finds no fill and says why."""
    stage = quiet()
    world = stage.world
    world.gateway.stop()
    world.people._market, world.people._client, world.people._size = [0], [5], [7]
    world.people._match(0)
    assert [(0, 5, REJECTED_CLOSED, 7)] == [tuple(e) for e in stage.of(IntentRejected)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_cloud_and_chain_hold_the_same_after_the_drain(seed: int) -> None:
    """What was under way has reached a block when the services are stopped: the copies are equal, byte for byte."""
    stage = Stage("runbook.before_ms=60s", seed=seed, regime="calm")
    stage.at(72_000)
    assert started_at(stage.events, "stop-services") < 72_000
    assert len(stage.of(Fill)) > 5
    assert stage.world.chain.holdings.to_bytes() == stage.world.cloud.holdings.to_bytes()


def test_transaction_reaches_the_chain_after_its_way() -> None:
    """Sent in time for a block it is in that block; sent later it is in the next."""
    stage = quiet().at(4_939)
    slot, _, market = long_position(stage)
    fill(stage, slot, market, 1)
    stage.at(4_941)
    fill(stage, slot, market, 1)
    stage.at(10_001)
    assert [1, 1] == [len(block.view.fills) for block in stage.of(BlockSealed)]


def test_late_market_of_a_batch_is_late_alone() -> None:
    """A submission bent for one market puts the others into the block that they would have reached."""
    stage = quiet()
    stage.world.funding.stop()
    stage.at(4_900)
    before = stage.world.chain.index.copy()

    def late(passage: Passage) -> bool:
        passage.delay_ms[1] += 5_000
        return True

    with stage.world.seams["cloud.submit"].bend(late):
        stage.world.cloud.send(IndexTx(np.arange(3), before + 7))
    stage.at(5_001)
    assert [7, 0, 7] == (stage.world.chain.index - before).tolist()
    stage.at(10_001)
    assert [7, 7, 7] == (stage.world.chain.index - before).tolist()
    assert [5_000, 10_000, 5_000] == stage.world.chain.index_ms.tolist()


def test_lost_transaction_never_arrives() -> None:
    """A bent submission that is lost changes the chain in no block; the cloud keeps its own belief."""
    stage = quiet()
    slot, _, market = long_position(stage)

    def lose(passage: Passage) -> bool:
        passage.is_lost[:] = True
        return True

    with stage.world.seams["cloud.submit"].bend(lose):
        fill(stage, slot, market, 1)
    stage.at(10_001)
    assert [0, 0] == [len(block.view.fills) for block in stage.of(BlockSealed)]
    assert 1 == stage.world.cloud.holdings.size[slot] - stage.world.chain.holdings.size[slot]


def test_fill_says_how_old_its_price_was() -> None:
    """The age grows from the time at which the oldest input was made, not from its arrival."""
    ages_ms = [e.price_age_ms for e in of(play("venue.oracle.tick_ms=1s").events, Fill)]
    assert all(0 <= age_ms <= 5_000 + 5_005 for age_ms in ages_ms)
    assert len(set(ages_ms)) > 10
