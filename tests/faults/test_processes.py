"""Faults of processes: what each does and leaves alone, what emerges where no guard is, and what stops it."""

from __future__ import annotations

from typing import TypeVar

import pytest

from drydock.faults.catch_up_burst import CatchUpBurst
from drydock.faults.clock_jump import ClockJump
from drydock.faults.clock_skew import ClockSkew
from drydock.faults.crash_loop import CrashLoop
from drydock.faults.early_ready import EarlyReady
from drydock.faults.error_policy import ErrorPolicy
from drydock.faults.gap_integration import GapIntegration
from drydock.faults.oracle_delay import OracleDelay
from drydock.faults.pause import Pause
from drydock.faults.slow_boot import SlowBoot
from drydock.harness.port import Fault
from drydock.harness.result import RunResult
from drydock.models.boot_steps import BOOT_STEPS
from drydock.models.events import (
    BootStep,
    Fill,
    FrontShown,
    HealthChecked,
    IndexPublished,
    LoadCompleted,
    PricesPublished,
    ServiceState,
    TickPaused,
    TickRejected,
)
from tests.faults.example import AS_HAPPENED
from tests.faults.examples_processes import CAPPED, SKIPS, SLOW_ROWS
from tests.nights import bench, broken, of, play, started_at, told

VALIDATED = "venue.safeguards.data_validation={}"
CHECKED = "venue.funding.readiness=checksum_verified"
STARTED = "start-services"
ZERO_INDEX = {"F1", "F3", "F5", "L1", "M1"}
P = TypeVar("P")


def times(result: RunResult, payload: type[P]) -> list[int]:
    return [at_ms for at_ms, _ in told(result.events, payload)]


def after(result: RunResult, payload: type[P], step: str) -> list[int]:
    """When things happened from a step on."""
    return [at_ms for at_ms in times(result, payload) if at_ms >= started_at(result.events, step)]


def states(result: RunResult, service: str, state: str) -> list[int]:
    return [at_ms for at_ms, e in told(result.events, ServiceState) if (e.service, e.state) == (service, state)]


# ---- crash loop -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("times", [1, 3])
def test_crash_loop_dies_once_and_so_many_times_more_each_shortly_after_a_start(times: int) -> None:
    """Down for ``restart_ms``, up for ``up_ms``; after the last death it stays up, and it is one process all along."""
    fault = CrashLoop("resume", "liquidator", offset_ms=5_000, times=times, restart_ms=2_000, up_ms=3_000)
    result = play(plan=(fault,))
    first_ms = started_at(result.events, "resume") + 5_000
    assert [first_ms + n * 5_000 for n in range(1 + times)] == states(result, "liquidator", "crashed")
    assert [first_ms + n * 5_000 + 2_000 for n in range(1 + times)] == states(result, "liquidator", "booting")[1:]
    assert {"liquidator"} == {e.service for e in of(result.events, ServiceState) if e.state == "crashed"}


def test_crash_loop_ends_with_the_process() -> None:
    """The runbook stops the service in the middle of the loop: nobody starts or kills what is to be down."""
    result = play(plan=(CrashLoop("drain", "funding", times=20, restart_ms=3_000, up_ms=4_000),))
    assert 2 == len(states(result, "funding", "crashed"))
    assert max(states(result, "funding", "crashed")) < started_at(result.events, STARTED)


# ---- pause ----------------------------------------------------------------------------------------------------------
def test_paused_engine_misses_its_ticks_and_goes_on_in_the_same_epoch() -> None:
    """Nothing is published while it hangs; one tick comes when it goes on, the next a period later."""
    usual, paused = play(), play(plan=(Pause("resume", "funding", 10_000, 14_000),))
    begins_ms = started_at(paused.events, "resume") + 10_000
    ends_ms = begins_ms + 14_000
    assert [] == [at_ms for at_ms in times(paused, IndexPublished) if begins_ms <= at_ms < ends_ms]
    assert [ends_ms, ends_ms + 5_000] == [at_ms for at_ms in times(paused, IndexPublished) if at_ms >= ends_ms][:2]
    assert len(of(usual.events, ServiceState)) == len(of(paused.events, ServiceState))
    assert times(usual, PricesPublished) == times(paused, PricesPublished)
    assert set() == broken(paused)


def test_paused_market_data_goes_on_with_the_prices_that_it_had() -> None:
    """Its first prices after the pause are older than the pause: feeds that arrived meanwhile are read after them."""
    result = play(*AS_HAPPENED, plan=(Pause("resume", "market_data", 10_000, 40_000),))
    ends_ms = started_at(result.events, "resume") + 50_000
    ages = [int(e.age_ms.max()) for at_ms, e in told(result.events, PricesPublished) if at_ms >= ends_ms]
    assert ages[0] >= 40_000
    assert max(ages[1:]) < 6_000
    assert {"P2"} == broken(result)


def test_price_freshness_stops_what_a_paused_market_data_does() -> None:
    """Who asks how old a price is does not act on it, however long market data hung."""
    assert set() == broken(play("venue.oracle.tick_ms=1s", plan=(Pause("resume", "market_data", 10_000, 40_000),)))


def test_pause_of_a_booting_service_delays_its_next_boot_step() -> None:
    """It hangs in the middle of its start, and the runbook's gate waits for it."""
    result = play(plan=(Pause(STARTED, "liquidator", 100, 15_000),))
    begins_ms = started_at(result.events, STARTED) + 100
    loaded_ms = [at_ms for at_ms, e in told(result.events, BootStep) if (e.service, e.step) == ("liquidator", "load")]
    assert loaded_ms[0] >= begins_ms + 15_000
    assert set() == broken(result)


def test_mode_is_announced_without_a_process_that_hangs() -> None:
    """The runbook waits five seconds for everybody's word; M2 knows of the one that did not give it."""
    short, long = (play(plan=(Pause("post-only", "vault", 9_000, lasts_ms),)) for lasts_ms in (4_000, 20_000))
    assert (set(), {"M2"}) == (broken(short), broken(long))


def test_rows_that_arrive_while_the_engine_hangs_are_read_when_it_goes_on() -> None:
    """Its loader and its ticker then act in one instant: which comes first is a race, and both orders are seen."""
    sets = (*AS_HAPPENED, "venue.funding.load_mean_ms=3s", "venue.funding.load_sigma_ppm=0")
    is_late = set()
    for seed in range(1, 9):
        result = play(*sets, seed=seed, plan=(Pause(STARTED, "funding", 2_000, 20_000),))
        ends_ms = started_at(result.events, STARTED) + 22_000
        assert {ends_ms} == set(after(result, LoadCompleted, STARTED))
        assert ends_ms == after(result, IndexPublished, STARTED)[0]
        is_late.add("M1" in broken(result))
    assert {True, False} == is_late


def test_paused_gateway_hands_on_what_was_sent_when_it_goes_on() -> None:
    """Fills stop for the pause; none is lost that the books would have taken."""
    usual, paused = play(), play(plan=(Pause("resume", "gateway", 10_000, 30_000),))
    begins_ms = started_at(paused.events, "resume") + 10_000
    assert [] == [at_ms for at_ms in times(paused, Fill) if begins_ms + 5 < at_ms < begins_ms + 30_000]
    assert len(times(usual, Fill)) == len(times(paused, Fill))


# ---- boot -----------------------------------------------------------------------------------------------------------
def boots(result: RunResult) -> dict[str, int]:
    return {f"{e.service}/{e.step}": at_ms for at_ms, e in told(result.events, BootStep) if e.epoch == 2}


@pytest.mark.parametrize("target", ["funding/process_up", "liquidator/load", "market_data/connect"])
def test_slow_boot_delays_its_step_and_what_follows_in_that_service(target: str) -> None:
    """Earlier steps of the service and all other services boot as they would."""
    usual, slow = boots(play()), boots(play(plan=(SlowBoot(STARTED, target, -1_000, delay_ms=7_000),)))
    service, _, step = target.partition("/")
    steps = BOOT_STEPS[service]
    later = {f"{service}/{name}" for name in steps[steps.index(step) :]}
    assert slow[target] - usual[target] == 7_000
    assert later == {place for place in usual if slow[place] != usual[place]}


def test_early_start_at_a_boot_step_brings_the_zero_index() -> None:
    """The bench venue waits for checked rows; a probe that looks at the process alone undoes that."""
    result = play(SLOW_ROWS, plan=(EarlyReady(STARTED, "funding/process_up"),))
    assert broken(result) >= ZERO_INDEX
    ready_ms, loaded_ms = states(result, "funding", "ready")[0], boots(result)["funding/load"]
    assert ready_ms < loaded_ms


@pytest.mark.parametrize("target", ["funding/process_up", "funding/connect", "funding/load", "liquidator/process_up"])
def test_data_validation_stops_what_an_early_ready_engine_does(target: str) -> None:
    """Ticks of default rows are refused whole, until the rows are there; the boot goes on beside them."""
    result = play(SLOW_ROWS, VALIDATED, plan=(EarlyReady(STARTED, target),))
    assert set() == broken(result)
    assert (target in ("funding/process_up", "funding/connect")) == bool(of(result.events, TickRejected))


def test_early_ready_service_becomes_ready_once() -> None:
    """Where the engine's own rule comes before its boot is through, an earlier probe adds no second timer."""
    sets = (*AS_HAPPENED, SLOW_ROWS)
    result = play(*sets, plan=(EarlyReady(STARTED, "funding/process_up"),))
    assert 1 == len(states(result, "funding", "ready"))
    assert "F8" not in broken(result)


# ---- what a gap does ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("slots", [1, 5, 1_000])
def test_burst_of_missed_ticks_accrues_through_the_pause_in_spite_of_the_cap(slots: int) -> None:
    """Each slot is one period long, and no gap to anybody who looks at it alone. F7 and F8 look at all."""
    result = play(*CAPPED, plan=(CatchUpBurst(STARTED, slots_max=slots),))
    first_ms = after(result, IndexPublished, STARTED)[0]
    gap_ms = first_ms - max(at_ms for at_ms in times(result, IndexPublished) if at_ms < first_ms)
    assert {"F7", "F8"} == broken(result)
    assert 1 + min(slots, gap_ms // 5_000 - 1) == times(result, IndexPublished).count(first_ms)


def test_without_the_burst_the_cap_holds() -> None:
    """The control: one tick after the gap, and no accrual over it."""
    assert set() == broken(play(*CAPPED))


def test_data_validation_stops_a_burst_of_ticks() -> None:
    """A tick for a time that is over is refused; of the burst the last is left, over a gap that G2 does not count."""
    result = play(*CAPPED, VALIDATED, plan=(CatchUpBurst(STARTED),))
    assert set() == broken(result)
    assert 25 <= len(of(result.events, TickRejected))


@pytest.mark.parametrize(("target", "payload"), [("market_data", PricesPublished), ("liquidator", HealthChecked)])
def test_burst_of_marks_and_checks_after_a_pause_is_found(target: str, payload: type) -> None:
    """A hung process is a gap like a dead one; F8 looks at each service."""
    pause = Pause("resume", target, 10_000, 30_000)
    alone, both = play(plan=(pause,)), play(plan=(pause, CatchUpBurst("resume", target)))
    ends_ms = started_at(both.events, "resume") + 40_000
    assert (1, set()) == (times(alone, payload).count(ends_ms), broken(alone))
    assert times(both, payload).count(ends_ms) > 5
    assert "F8" in broken(both)


def test_gap_that_is_integrated_is_found_and_stopped_by_the_second_cap() -> None:
    """The engine's own cap is off: F7. G2 caps what the engine does not."""
    fault = GapIntegration(STARTED)
    assert {"F7"} == broken(play(*CAPPED, plan=(fault,)))
    assert play(*CAPPED, VALIDATED).digest == play(*CAPPED, VALIDATED, plan=(fault,)).digest


def test_gap_integration_needs_a_cap() -> None:
    """Of an engine that never had one it could take nothing."""
    assert () == GapIntegration.targets(bench())
    assert ("funding",) == GapIntegration.targets(bench(*CAPPED))


# ---- error policies -------------------------------------------------------------------------------------------------
def test_default_where_the_venue_documents_skip_brings_the_zero_index() -> None:
    """Skipping leaves ticks incomplete, defaulting resets indices: one policy off, and all that follows."""
    fault = ErrorPolicy(STARTED, does="default_zero")
    assert ({"F2"}, True) == (broken(play(*SKIPS)), broken(play(*SKIPS, plan=(fault,))) >= ZERO_INDEX)


@pytest.mark.parametrize("guard", [VALIDATED, CHECKED])
def test_readiness_and_data_validation_stop_a_wrong_policy(guard: str) -> None:
    """An engine that waits for checked rows never asks what a missing one is; one that validates refuses the answer."""
    result = play(*SKIPS, guard, plan=(ErrorPolicy(STARTED, does="default_zero"),))
    assert set() == broken(result)
    assert (guard == VALIDATED) == result.evidence[0].exercised


def test_engine_that_dies_of_a_missing_row_never_comes_back() -> None:
    """``raise`` under a readiness that does not wait: it dies at its first tick, again and again.

    A gate that asks for indices waits for ever; one that asks for processes lets the venue open without them.
    """
    plan = (ErrorPolicy(STARTED, does="raise"),)
    gated = [setting for setting in SKIPS if "gate" not in setting]
    hasty, waiting = play(*SKIPS, VALIDATED, plan=plan), play(*gated, VALIDATED, plan=plan)
    assert ({"M5"}, {"W1"}) == (broken(hasty), broken(waiting))
    assert len(states(hasty, "funding", "crashed")) > 3


STALE = OracleDelay("resume", "spot", 0, 120_000, 40_000)


@pytest.mark.parametrize(("does", "laws"), [("skip", set()), ("default_zero", {"P2"}), ("raise", set())])
def test_stale_price_meets_the_policy_of_the_engine(does: str, laws: set[str]) -> None:
    """``skip`` is the documented pause, ``default_zero`` ticks on with an age of 0, ``raise`` dies; P2 sees the age."""
    result = play(plan=(STALE, ErrorPolicy("resume", "funding/on_stale", does)))  # type: ignore[arg-type]
    assert laws == broken(result)
    assert (does == "skip") == bool(of(result.events, TickPaused))
    assert (does == "raise") == bool(states(result, "funding", "crashed"))


def test_zero_for_a_price_that_no_source_carries_is_published_as_fresh() -> None:
    """A restarted market data waits for its sources; one that defaults does not, and its zeros bear the time of now."""
    fault = ErrorPolicy(STARTED, "market_data/on_missing", "default_zero")
    assert {"P1", "P2", "P3", "P5"} == broken(play(plan=(fault,)))
    assert set() == broken(play(plan=(SlowBoot(STARTED, "market_data/first_prices"),)))


def test_market_data_that_dies_of_a_price_that_no_source_carries_never_comes_back() -> None:
    """It has none whenever it boots: each of its epochs ends there, and the gate waits."""
    result = play(plan=(ErrorPolicy(STARTED, "market_data/on_missing", "raise"),))
    epochs = [e.epoch for e in of(result.events, ServiceState) if (e.service, e.state) == ("market_data", "crashed")]
    assert list(range(2, 2 + len(epochs))) == epochs
    assert {"W1"} == broken(result)


def test_front_page_shows_what_its_policy_says() -> None:
    """Before it has heard prices: nothing as documented, zeros where it defaults; the prices behind it are right."""
    plan: tuple[Fault, ...] = (SlowBoot(STARTED, "market_data/first_prices", delay_ms=10_000),)
    zeros = (*plan, ErrorPolicy(STARTED, "front_page/on_missing", "default_zero"))
    assert (0, 3) == tuple(max(e.defaults for e in of(play(plan=each).events, FrontShown)) for each in (plan, zeros))


def test_policy_that_the_venue_has_anyway_is_no_fault() -> None:
    """Doing what is documented bends nothing."""
    same = ErrorPolicy(STARTED, does="skip")
    result = play(*SKIPS, plan=(same,))
    assert [False] == [e.exercised for e in result.evidence]
    assert play(*SKIPS).digest == result.digest


def test_nobody_is_stale_to_a_venue_that_does_not_ask() -> None:
    """Where no safeguard looks at an age, no policy decides about one."""
    cases = ("funding/on_stale", "liquidator/on_stale")
    assert set(cases) <= set(ErrorPolicy.targets(bench()))
    assert not set(cases) & set(ErrorPolicy.targets(bench(*AS_HAPPENED)))


# ---- clocks ---------------------------------------------------------------------------------------------------------
def test_engine_whose_clock_is_behind_takes_old_prices_for_fresh() -> None:
    """It would have paused; P2 goes by the world's time and not by the engine's."""
    slow_clock = ClockJump("resume", "funding", 0, -100_000, 60_000)
    alone, both = play(plan=(STALE,)), play(plan=(STALE, slow_clock))
    assert (set(), True) == (broken(alone), bool(of(alone.events, TickPaused)))
    assert ({"P2", "P8"}, False) == (broken(both), bool(of(both.events, TickPaused)))


def test_engine_whose_clock_is_ahead_takes_fresh_prices_for_old() -> None:
    """It pauses for nothing, and goes on when its clock is put right."""
    result = play(plan=(ClockJump("resume", "funding", 10_000, 60_000, 20_000),))
    begins_ms = started_at(result.events, "resume") + 10_000
    assert [4, True] == [len(times(result, TickPaused)), begins_ms <= min(times(result, TickPaused))]
    assert max(times(result, IndexPublished)) > begins_ms + 20_000


@pytest.mark.parametrize(
    ("fault", "more_ms"),
    [
        (ClockJump("resume", "funding", 10_000, 60_000, 20_000), 60_000),
        (ClockJump("resume", "funding", 10_000, -61_000, 20_000), 61_000),
        (ClockSkew("resume", "funding", 10_000, 20_000, 40_000), 20_000),
        (ClockSkew("resume", "funding", 10_000, -20_000, 40_000), 0),
    ],
    ids=repr,
)
def test_funding_accrues_over_the_time_that_the_clock_shows(fault: Fault, more_ms: int) -> None:
    """Time that is seen twice accrues twice, and no tick takes any back: forth and back is forth alone.

    Only a clock that was slow all the time catches up with what it left out. P8 sees them all: an index that bears a
    time at which it was not there.
    """
    result = play(*AS_HAPPENED, plan=(fault,))
    begins_ms = started_at(result.events, "resume") + 10_000
    spent_ms = [int(e.dt_ms[0]) for at_ms, e in told(result.events, IndexPublished) if at_ms >= begins_ms]
    assert min(spent_ms) >= 0
    lasted_ms = times(result, IndexPublished)[-1] - begins_ms
    assert abs(sum(spent_ms) - lasted_ms - more_ms) <= 10_000
    assert {"P8"} == broken(result)


def test_market_data_whose_clock_is_behind_lets_old_sources_vote() -> None:
    """One of two sources is late, and would be left out; by a clock that is behind it is as good as the other."""
    late = OracleDelay("resume", "spot-1", 0, 120_000, 40_000)
    behind = ClockJump("resume", "market_data", 0, -60_000, 60_000)
    oldest_ms = []
    for plan in ((late,), (late, behind)):
        result = play(plan=plan)
        resumed_ms = started_at(result.events, "resume")
        prices = [e for at_ms, e in told(result.events, PricesPublished) if resumed_ms <= at_ms < resumed_ms + 60_000]
        oldest_ms.append(max(int(e.age_ms.max()) for e in prices))
    assert oldest_ms[0] <= 15_000 < 30_000 < oldest_ms[1]


def test_drifting_clock_steps_only_when_it_is_put_right() -> None:
    """Each tick is a little longer than a period until then: nothing that looks for a step sees one."""
    result = play(*AS_HAPPENED, plan=(ClockSkew("resume", "funding", 10_000, 10_000, 40_000),))
    begins_ms = started_at(result.events, "resume") + 10_000
    ticks = [int(e.dt_ms[0]) for at_ms, e in told(result.events, IndexPublished) if at_ms >= begins_ms]
    assert {6_250} == set(ticks[1:7])
    assert 0 in ticks[7:]


def test_clock_of_one_service_leaves_the_others() -> None:
    """The engine's clock is off; marks come when they came, and as old as they were."""
    usual, off = play(), play(plan=(ClockJump("maintenance", "funding", 0, 10_000, 3_600_000),))
    for payload in (PricesPublished, HealthChecked):
        assert times(usual, payload) == times(off, payload)
    assert [e.age_ms.tolist() for e in of(usual.events, PricesPublished)] == [
        e.age_ms.tolist() for e in of(off.events, PricesPublished)
    ]
