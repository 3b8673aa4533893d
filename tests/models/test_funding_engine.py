"""The funding engine: when it ticks, what a missing row is to it, and what of an old epoch may still act."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from drydock.faults.early_start import EarlyStart
from drydock.faults.oracle_delay import OracleDelay
from drydock.faults.slow_load import SlowLoad
from drydock.faults.stale_read import StaleRead
from drydock.harness.event import Event
from drydock.harness.result import RunResult
from drydock.harness.seam import Passage
from drydock.models.database import Read
from drydock.models.events import (
    IndexPersisted,
    IndexPublished,
    LoadCompleted,
    ServiceState,
    TickPaused,
    TickRejected,
)
from drydock.models.funding_engine import FundingEngine
from drydock.models.index_rows import AT_MS, INDEX, TABLE
from drydock.models.perp.funding import max_step
from tests.nights import Stage, broken, of, play, started_at, told

Ints = NDArray[np.int64]
DOZEN = (
    "venue.markets.only=[BTC-USD-PERP, ETH-USD-PERP, SOL-USD-PERP, PAXG-USD-PERP, HYPE-USD-PERP, XRP-USD-PERP,"
    " ADA-USD-PERP, AVAX-USD-PERP, BNB-USD-PERP, DOGE-USD-PERP, LINK-USD-PERP, SUI-USD-PERP]"
)
SLOW = SlowLoad(step="start-services", mean_ms=5_000)
OPEN = ("venue.safeguards.price_freshness=null", "runbook.steps.6.gate=[processes_up]", "venue.oracle.tick_ms=1s")
"""No freshness rule, a gate that asks for liveness only, and prices that are back before the first tick is due."""


def night(*sets: str, plan: tuple[object, ...] = (SLOW,), seed: int = 1) -> RunResult:
    return play(DOZEN, *OPEN, *sets, plan=plan, seed=seed)  # type: ignore[arg-type]


def policy(readiness: str, on_missing: str = "default_zero") -> tuple[str, str]:
    return f"venue.funding.readiness={readiness}", f"venue.funding.on_missing={on_missing}"


def loads(events: list[Event]) -> dict[int, int]:
    """Market to place in the trace of its load, of the second epoch."""
    return {
        market: place
        for place, event in enumerate(events)
        if isinstance(event.data, LoadCompleted) and event.data.service == "funding" and event.data.epoch == 2
        for market in event.data.markets.tolist()
    }


def first_tick(events: list[Event]) -> tuple[int, Event]:
    """Place in the trace and event of the first publication of the second epoch."""
    return next(
        (place, event)
        for place, event in enumerate(events)
        if isinstance(event.data, IndexPublished) and event.data.epoch == 2
    )


# ---- when does it tick, and what ------------------------------------------------------------------------------------
ALL, LOADED, DIES = "all markets", "those whose rows had arrived", "none: the process dies of the missing row"
FIRST_TICK = [
    ("process_up", "default_zero", ALL, False),
    ("process_up", "skip", LOADED, False),
    ("process_up", "raise", DIES, False),
    ("per_market_loaded", "default_zero", LOADED, False),
    ("per_market_loaded", "skip", LOADED, False),
    ("per_market_loaded", "raise", LOADED, False),
    ("all_loaded", "default_zero", ALL, True),
    ("all_loaded", "skip", ALL, True),
    ("all_loaded", "raise", ALL, True),
    ("checksum_verified", "default_zero", ALL, True),
    ("checksum_verified", "skip", ALL, True),
    ("checksum_verified", "raise", ALL, True),
]


@pytest.mark.parametrize(("readiness", "on_missing", "covers", "waits"), FIRST_TICK)
def test_readiness_says_when_and_on_missing_what_the_first_tick_covers(
    readiness: str, on_missing: str, covers: str, waits: bool
) -> None:
    """Of twelve markets whose rows come slowly, the first tick after a restart covers what the two policies say."""
    events = list(night(*policy(readiness, on_missing)).events or ())
    if covers == DIES:
        states = [state.state for _, state in told(events, ServiceState) if state.service == "funding"]
        assert "crashed" in states
        assert all(len(e.markets) == 12 for e in of(events, IndexPublished))
        return
    place, tick = first_tick(events)
    arrived = sorted(market for market, at in loads(events).items() if at < place)
    assert waits == (len(arrived) == 12)
    assert (arrived if covers == LOADED else list(range(12))) == tick.data.markets.tolist()


@pytest.mark.parametrize("readiness", ["process_up", "per_market_loaded", "all_loaded", "checksum_verified"])
def test_first_tick_comes_a_full_period_after_the_engine_may_tick(readiness: str) -> None:
    """``ready`` starts the tick timer, and ticks follow one another by exactly one period."""
    events = night(*policy(readiness), plan=()).events
    ready_ms = next(
        at_ms for at_ms, e in told(events, ServiceState) if (e.service, e.epoch, e.state) == ("funding", 2, "ready")
    )
    ticks = [at_ms for at_ms, e in told(events, IndexPublished) if e.epoch == 2]
    assert list(range(ready_ms + 5_000, ticks[-1] + 1, 5_000)) == ticks


# ---- the night of 19 January ----------------------------------------------------------------------------------------
def near_zero(on_night: RunResult, tick: Event) -> set[int]:
    """The markets that a publication says are within a cent of a percent of zero, and were far from it before."""
    before = of(on_night.events, IndexPublished)[0].indices
    return {
        market
        for market, index in zip(tick.data.markets.tolist(), tick.data.indices.tolist(), strict=True)
        if abs(index) * 10_000 < abs(int(before[market]))
    }


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_exactly_the_markets_that_loaded_after_the_first_tick_are_reset(seed: int) -> None:
    """process_up and default_zero: market by market, reset if and only if its row came after the tick."""
    result = night(*policy("process_up"), seed=seed)
    place, tick = first_tick(list(result.events or ()))
    late = {market for market, at in loads(list(result.events or ())).items() if at > place}
    assert 0 < len(late) < 12
    assert late == near_zero(result, tick)
    assert "F3" in broken(result)


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_reset_is_sticky_once_the_write_behind_has_reached_the_row(seed: int) -> None:
    """A row that is read after the wrong index was persisted over it stays wrong; one read before comes back."""
    result = night(*policy("process_up"), seed=seed)
    events = list(result.events or ())
    persisted = next(
        place for place, e in enumerate(events) if isinstance(e.data, IndexPersisted) and e.data.epoch == 2
    )
    last = [event for event in events if isinstance(event.data, IndexPublished)][-1]
    stuck = {market for market, at in loads(events).items() if at > persisted}
    before = of(events, IndexPublished)[0].indices
    assert stuck == {m for m in range(12) if abs(int(last.data.indices[m])) * 100 < abs(int(before[m]))}


@pytest.mark.parametrize("readiness", ["all_loaded", "checksum_verified"])
def test_waiting_for_every_row_keeps_every_index(readiness: str) -> None:
    """The same slow loads behind a readiness gate reset nothing and break no law."""
    result = night(*policy(readiness))
    assert set() == near_zero(result, first_tick(list(result.events or ()))[1])
    assert set() == broken(result)


def test_default_zero_starts_no_earlier_than_the_process() -> None:
    """A reset market accrues over at most one tick: its dt does not reach back before the restart."""
    result = night(*policy("process_up"))
    _, tick = first_tick(list(result.events or ()))
    reset = near_zero(result, tick)
    assert {5_000} == {int(tick.data.dt_ms[market]) for market in reset}


# ---- checksum -------------------------------------------------------------------------------------------------------
EARLY = EarlyStart(step="start-services", target="funding", early_ms_max=60_000)


def test_checksum_reads_again_until_rows_equal_the_chain() -> None:
    """Started into a half-copied database, it finds rows missing, asks again, and ticks only when they are right."""
    result = night(*policy("checksum_verified"), plan=(EARLY,))
    events = result.events
    answers = [e for e in of(events, LoadCompleted) if e.epoch == 2]
    last_found = {market: found for e in answers for market, found in zip(e.markets, e.found, strict=True)}
    assert any(not e.found.all() for e in answers)
    assert all(last_found[market] for market in range(12))
    assert set() == near_zero(result, first_tick(list(events or ()))[1])
    assert {"F2", "F3"}.isdisjoint(broken(result))


def test_all_loaded_without_a_checksum_believes_that_a_missing_row_is_zero() -> None:
    """The same early start with ``all_loaded``: every row was asked for, so it ticks, from zero."""
    result = night(*policy("all_loaded"), plan=(EARLY,))
    assert near_zero(result, first_tick(list(result.events or ()))[1])
    assert "F3" in broken(result)


def test_skip_asks_for_a_missing_row_until_it_is_there() -> None:
    """Absent is not zero: with ``skip`` the same early start waits for the copy and resets nothing."""
    result = night(*policy("all_loaded", "skip"), plan=(EARLY,))
    assert set() == near_zero(result, first_tick(list(result.events or ()))[1])


def test_raise_dies_of_a_missing_row_until_it_is_there() -> None:
    """With ``raise`` the process crashes and is started again, and in the end ticks from the right rows."""
    result = night(*policy("all_loaded", "raise"), plan=(EARLY,))
    states = [e.state for e in of(result.events, ServiceState) if e.service == "funding"]
    assert "crashed" in states
    assert "ready" == states[-1]
    assert "F3" not in broken(result)


# ---- epochs ---------------------------------------------------------------------------------------------------------
def rows(engine_stage: Stage) -> Ints:
    table = engine_stage.world.database.transact([Read(TABLE, np.arange(3))])[0]
    return np.column_stack((table.values[:, INDEX], table.values[:, AT_MS], table.version))


def test_nothing_of_an_old_epoch_is_written_after_a_stop() -> None:
    """A write that is under way when the process ends is fenced off, even if it arrives in the next epoch."""
    stage = Stage()

    def late(passage: Passage) -> bool:
        passage.delay_ms = passage.delay_ms + 7_000
        return True

    with stage.world.seams["funding.persist"].bend(late):
        stage.at(6_100)
    stage.world.funding.stop()
    before = rows(stage)
    stage.at(7_000).world.funding.start()
    stage.at(14_000)
    assert "ready" == stage.world.funding.state
    assert before[:, 2].tolist() == [1, 1, 1]
    assert [2] == sorted({e.epoch for at_ms, e in told(stage.events, IndexPersisted) if at_ms > 6_100})


@pytest.mark.parametrize("plan", [(), (SLOW,), (EARLY,)])
def test_every_write_belongs_to_the_epoch_that_runs(plan: tuple[object, ...]) -> None:
    """In whole nights no index is published or persisted by an epoch that is over."""
    running = 1
    for event in night(*policy("process_up"), plan=plan).events or ():
        if isinstance(event.data, ServiceState) and event.data.service == "funding":
            running = event.data.epoch if event.data.state not in ("stopped", "crashed") else 0
        elif isinstance(event.data, IndexPublished | IndexPersisted):
            assert running == event.data.epoch


def test_compare_and_set_does_not_overwrite_a_row_that_was_not_read() -> None:
    """With compare-and-set on, a market that started from zero cannot persist it over the row."""
    result = night(*policy("process_up"), "venue.funding.compare_and_set=true")
    _, tick = first_tick(list(result.events or ()))
    persisted = next(e for e in of(result.events, IndexPersisted) if e.epoch == 2)
    refused = {int(m) for m, written in zip(persisted.markets, persisted.written, strict=True) if not written}
    assert refused == near_zero(result, tick)


# ---- safeguards -----------------------------------------------------------------------------------------------------
def test_data_validation_refuses_whole_ticks() -> None:
    """G1, G2: a tick with one index too far or one market missing publishes nothing at all; then all come at once."""
    result = night(*policy("process_up"), "venue.safeguards.data_validation={}")
    assert all(e.over_bound > 0 for e in of(result.events, TickRejected))
    assert of(result.events, TickRejected)
    assert all(len(e.markets) == 12 for e in of(result.events, IndexPublished))
    assert {"F1", "F2", "F3"}.isdisjoint(broken(result))


def test_data_validation_refuses_a_tick_with_markets_missing() -> None:
    """G2: with ``skip`` nothing is over its bound, and the tick is refused for what it lacks."""
    result = night(*policy("process_up", "skip"), "venue.safeguards.data_validation={}")
    assert {0} == {e.over_bound for e in of(result.events, TickRejected)}
    assert all(e.missing > 0 for e in of(result.events, TickRejected))
    assert all(len(e.markets) == 12 for e in of(result.events, IndexPublished))


@pytest.mark.parametrize(("cap", "moves"), [("30s", False), ("null", True)])
def test_gap_rule_decides_whether_the_downtime_accrues(cap: str, moves: bool) -> None:
    """G3: with the cap the first index after a restart is the one before it; without, the gap is integrated."""
    result = night(*policy("checksum_verified"), f"venue.funding.gap_cap_ms={cap}", plan=())
    published = of(result.events, IndexPublished)
    before = [e for e in published if e.epoch == 1][-1]
    after = next(e for e in published if e.epoch == 2)
    assert moves == (before.indices != after.indices).any()
    assert (after.dt_ms > 120_000).all()


@pytest.mark.parametrize("guard", ["venue.safeguards.funding_pause_ms=20s", "venue.safeguards.price_freshness={}"])
def test_funding_pauses_while_its_oracle_is_old(guard: str) -> None:
    """G6 and G8: late prices stop the ticks, each pause says how old the price was, and no tick uses an older one."""
    plan = (OracleDelay(step="cancel-only", target="spot", delay_ms=60_000, lasts_ms=60_000),)
    limit_ms = 20_000 if "pause" in guard else 30_000
    result = play(DOZEN, guard, *policy("process_up", "skip"), plan=plan, regime="flat")
    pauses = told(result.events, TickPaused)
    assert all(e.price_age_ms > limit_ms for _, e in pauses)
    assert all(e.price_age_ms <= limit_ms for e in of(result.events, IndexPublished))
    assert pauses
    assert pauses[0][0] >= started_at(result.events, "cancel-only")


def test_steps_of_a_right_night_stay_within_the_cap() -> None:
    """Every published step is at most what the market's rate cap allows in its dt."""
    stage = Stage(DOZEN, regime="calm")
    stage.at(60_000)
    facts, last = stage.world.markets, stage.world.truth.start_index
    for at_ms, e in told(stage.events, IndexPublished):
        bound = max_step(facts.rate_cap_ppm, stage.world.outside.spot(at_ms) * 2, e.dt_ms, facts.period_ms)
        assert (np.abs(e.indices - last) <= bound).all()
        last = e.indices


def test_late_market_is_delivered_late_and_the_others_in_time() -> None:
    """A publication bent for one market reaches the cloud for all others at once."""
    stage = Stage().at(900)

    def late(passage: Passage) -> bool:
        passage.delay_ms[1] += 3_000
        return True

    with stage.world.seams["funding.publish"].bend(late):
        stage.at(1_100)
    assert [True, False, True] == (stage.world.cloud.index_ms == 1_005).tolist()
    stage.at(4_010)
    assert [1_005, 4_005, 1_005] == stage.world.cloud.index_ms.tolist()


def test_stale_rows_are_caught_up_by_one_longer_tick() -> None:
    """A row of half a minute ago is an old truth: its own time tells the engine how much to accrue."""
    plan = (StaleRead(step="start-services", target="funding", stale_ms=600_000, lasts_ms=30_000),)
    result = night(*policy("all_loaded"), plan=plan)
    _, tick = first_tick(list(result.events or ()))
    usual = first_tick(list(night(*policy("all_loaded"), plan=()).events or ()))[1]
    assert (tick.data.dt_ms > usual.data.dt_ms).all()
    assert {"F3"}.isdisjoint(broken(result))


def test_engine_names_its_boot_steps() -> None:
    """A restart passes every named step, in order."""
    from drydock.models.events import BootStep

    steps = [e.step for e in of(night(*policy("all_loaded"), plan=()).events, BootStep) if e.service == "funding"]
    assert list(FundingEngine.boot_steps) == steps
