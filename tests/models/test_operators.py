"""Operators: what their monitors ring at, and how long people take."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.faults.slow_load import SlowLoad
from drydock.models.events import (
    AlarmRaised,
    IncidentDeclared,
    IndexPublished,
    Liquidation,
    RollbackDone,
    StepStarted,
)
from drydock.models.perp.units import INDEX_SHIFT
from tests.nights import Stage, of, play, told

DELAYS = "detect_ms_min: 20s, detect_ms_max: 40s, decide_ms_min: 30s, decide_ms_max: 45s"


def incident(alarm: str) -> str:
    return f"runbook.on_incident={{alarm: {alarm}, {DELAYS}, steps: [{{step: rollback}}]}}"


STEP_ALARM = incident("{index_step_ppm: 1%, liquidations_per_minute: 1000}")
CROWD_ALARM = incident("{index_step_ppm: 100%, liquidations_per_minute: 4}")


def publish(stage: Stage, market: int, moved_ppm: int) -> None:
    """Indices of all markets as they were, but one moved by a share of its price."""
    index = stage.world.chain.index.copy()
    index[market] += (int(stage.world.cloud.mark[market]) * moved_ppm // 1_000_000) << INDEX_SHIFT
    stage.sim.emit(IndexPublished(1, np.arange(3), index, np.full(3, 5_000), 0))


@pytest.mark.parametrize(("moved_ppm", "rings"), [(9_900, False), (10_100, True), (-10_100, True)])
def test_index_step_rings_above_its_share_of_the_price(moved_ppm: int, rings: bool) -> None:
    """1 % of the price at once, up or down, rings; a little less does not."""
    stage = Stage(STEP_ALARM).at(900)
    publish(stage, 1, moved_ppm)
    assert [("index_step", 1)] * rings == [(e.monitor, e.seen) for e in stage.of(AlarmRaised)]
    assert rings == stage.world.operators.has_alarm  # type: ignore[union-attr]


def test_index_that_moves_slowly_never_rings() -> None:
    """Steps are between publications: forty small ones add up to no alarm."""
    stage = Stage(STEP_ALARM).at(900)
    for step in range(40):
        publish(stage, 1, 1_000 * step)
    assert [] == stage.of(AlarmRaised)


def liquidation(stage: Stage, at_ms: int) -> None:
    stage.at(at_ms)
    stage.sim.emit(Liquidation(5, 200_000, 1, 2, 0, 0, "ok"))


def test_liquidations_ring_by_the_minute() -> None:
    """Four within a minute ring; four over a longer time do not: a minute is 60,000 ms, its first not counted."""
    slow, fast = Stage(CROWD_ALARM), Stage(CROWD_ALARM)
    for at_ms in (1_000, 21_000, 41_000, 61_000):
        liquidation(slow, at_ms)
    for at_ms in (1_000, 21_000, 41_000, 60_999):
        liquidation(fast, at_ms)
    assert [] == slow.of(AlarmRaised)
    assert [(60_999, "liquidations")] == [(at_ms, e.monitor) for at_ms, e in told(fast.events, AlarmRaised)]


def test_alarm_is_raised_once_and_declared_once() -> None:
    """More of the same changes nothing, also not a gate that fails later."""
    stage = Stage(STEP_ALARM).at(900)
    publish(stage, 1, 20_000)
    publish(stage, 2, 20_000)
    stage.world.operators.declare_now()  # type: ignore[union-attr]
    stage.at(60_000)
    assert 1 == len(stage.of(AlarmRaised))
    assert 1 == len(stage.of(IncidentDeclared))


def test_failed_gate_is_declared_at_once() -> None:
    """Nobody has to be convinced: no detection delay."""
    stage = Stage(STEP_ALARM).at(900)
    stage.world.operators.declare_now()  # type: ignore[union-attr]
    assert [("gate", 900)] == [(e.monitor, at_ms) for at_ms, e in told(stage.events, AlarmRaised)]
    assert [0] == [e.detected_after_ms for e in stage.of(IncidentDeclared)]


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_detection_and_decision_take_what_was_drawn_within_their_bounds(seed: int) -> None:
    """From alarm to declaration 20 to 40 s, from the rollback step to the rollback 30 to 45 s."""
    result = play(
        STEP_ALARM, "venue.funding.readiness=process_up", "venue.safeguards.price_freshness=null",
        "venue.markets.only=[]", "runbook.night_ms=15m",
        plan=(SlowLoad(step="start-services", mean_ms=9_000),), seed=seed,
    )  # fmt: skip
    alarm_ms = told(result.events, AlarmRaised)[0][0]
    declared_ms, declared = told(result.events, IncidentDeclared)[0]
    rollback_ms = next(at_ms for at_ms, e in told(result.events, StepStarted) if e.step == "rollback")
    done_ms = told(result.events, RollbackDone)[0][0]
    assert declared.detected_after_ms == declared_ms - alarm_ms
    assert 20_000 <= declared_ms - alarm_ms <= 40_000
    assert declared_ms == rollback_ms
    assert 30_000 <= done_ms - rollback_ms <= 45_000


def test_delays_differ_from_seed_to_seed() -> None:
    """They are drawn, not fixed."""
    drawn = set()
    for seed in range(6):
        stage = Stage(STEP_ALARM, seed=seed).at(900)
        publish(stage, 1, 20_000)
        stage.at(60_000)
        drawn.add(stage.of(IncidentDeclared)[0].detected_after_ms)
    assert len(drawn) > 3


def test_venue_without_an_incident_branch_has_no_operators_who_ring() -> None:
    """A runbook that says nothing of incidents rings nobody."""
    stage = Stage().at(900)
    assert stage.world.operators is None
    publish(stage, 1, 500_000)
    assert [] == of(stage.events, AlarmRaised)
