"""The runbook player: order and time of steps, gates, what follows a failed one, and the incident's branch."""

from __future__ import annotations

from itertools import pairwise

import pytest

from drydock.faults.crash import Crash
from drydock.faults.early_start import EarlyStart
from drydock.faults.message_delay import MessageDelay
from drydock.faults.oracle_delay import OracleDelay
from drydock.faults.slow_load import SlowLoad
from drydock.harness.event import Event
from drydock.harness.stream import Stream
from drydock.models.database_events import DatabaseState
from drydock.models.events import (
    IncidentDeclared,
    IndexOnchain,
    IndexPublished,
    L1Reconciled,
    ModeAcked,
    ModeChanged,
    ResumeChecked,
    RollbackDone,
    ServiceState,
    StepEnded,
    StepStarted,
    WindowClosed,
)
from drydock.models.model import model_of
from drydock.models.runbook import ACK_MS
from drydock.models.world import planned_steps
from tests.nights import Stage, bench, broken, of, play, started_at, told

ALL = "gateway, liquidator, funding, market_data, portfolio, vault"
INCIDENT = (
    "runbook.on_incident={detect_ms_min: 20s, detect_ms_max: 40s, decide_ms_min: 10s, decide_ms_max: 15s, steps: ["
    "{step: set_mode, name: i-stop-trading, mode: maintenance},"
    f"{{step: stop_services, name: i-stop, services: [{ALL}]}}, {{step: rollback}},"
    f"{{step: start_services, name: i-start, services: [{ALL}], duration_ms: 20s}},"
    "{step: set_mode, name: i-back, mode: cancel_only}, {step: resume, name: i-resume}]}"
)
INCIDENT_STEPS = ["i-stop-trading", "i-stop", "rollback", "i-start", "i-back", "i-resume"]
VERIFY = "runbook.steps.6"
LATE_PRICES = OracleDelay(step="start-services", target="spot", delay_ms=100_000, lasts_ms=120_000)


def steps(events: list[Event] | None, branch: str) -> list[str]:
    return [e.step for e in of(events, StepStarted) if e.branch == branch]


@pytest.mark.parametrize("name", ["bench", "paradex-2026-01-19"])
def test_every_scenario_names_its_steps_once(name: str) -> None:
    """The plan has each step at the sum of the durations before it."""
    from tests.nights import scenario

    runbook = model_of(scenario(name)).runbook
    planned = planned_steps(runbook)
    assert len(runbook.steps) == len(dict(planned))
    assert runbook.before_ms == planned[0][1]
    durations = [after - before for (_, before), (_, after) in pairwise(planned)]
    assert [spec.duration_ms for spec in runbook.steps[:-1]] == durations


def test_steps_of_a_night_come_in_order_and_none_before_its_plan() -> None:
    """Each starts when the one before it has ended, at its planned time or, where a gate waits, after it."""
    events = play().events
    planned = planned_steps(model_of(bench()).runbook)
    assert [label for label, _ in planned] == steps(events, "main")
    begun = {e.step: at_ms for at_ms, e in told(events, StepStarted)}
    ended = {e.step: at_ms for at_ms, e in told(events, StepEnded)}
    assert all(begun[label] >= at_ms for label, at_ms in planned)
    labels = [label for label, _ in planned]
    assert all(ended[a] == begun[b] for a, b in pairwise(labels))
    assert {1} == {e.is_ok for e in of(events, StepEnded)}


def test_mode_is_announced_once_every_running_service_has_acknowledged_it() -> None:
    """Nobody is waited for in vain, and the acknowledgements come before the announcement."""
    events = play().events
    for at_ms, e in told(events, ModeChanged):
        acks = [a.service for ack_ms, a in told(events, ModeAcked) if at_ms - ACK_MS <= ack_ms <= at_ms]
        assert (7, 0) == (len(set(acks)), e.waiting)


def test_modes_of_a_night_are_those_of_the_script() -> None:
    """MAINTENANCE, CANCEL_ONLY, POST_ONLY, OK, one after another."""
    changes = [(e.before, e.mode) for e in of(play().events, ModeChanged)]
    assert ["ok", "maintenance", "cancel_only", "post_only"] == [before for before, _ in changes]
    assert [before for before, _ in changes[1:]] + ["ok"] == [mode for _, mode in changes]


# ---- gates ----------------------------------------------------------------------------------------------------------
def verified(events: list[Event] | None) -> tuple[int, bool]:
    """(how long the verify step took, whether its gate held)."""
    ended_ms, ended = next((at_ms, e) for at_ms, e in told(events, StepEnded) if e.step == "verify")
    return ended_ms - started_at(events, "verify"), bool(ended.is_ok)


def test_gate_of_liveness_holds_while_that_of_readiness_waits() -> None:
    """With slow loads ``processes_up`` passes at once; ``ready`` waits until the last row is there."""
    slow = (SlowLoad(step="start-services", mean_ms=50_000, sigma_ppm=0),)
    assert (0, True) == verified(play(f"{VERIFY}.gate=[processes_up]", plan=slow).events)
    waited_ms, is_ok = verified(play(f"{VERIFY}.gate=[ready]", plan=slow).events)
    assert is_ok
    assert 30_000 <= waited_ms <= 31_000


@pytest.mark.parametrize(
    ("gate", "waits"), [("processes_up", False), ("prices_fresh", True), ("indices_present", True), ("ready", True)]
)
def test_gate_asks_for_what_it_names(gate: str, waits: bool) -> None:
    """Late prices hold up the gates that are about prices and what is made of them, not that of liveness."""
    waited_ms, _ = verified(play(f"{VERIFY}.gate=[{gate}]", plan=(LATE_PRICES,)).events)
    assert waits == (waited_ms > 0)


def test_indices_are_present_only_where_cloud_and_chain_have_them() -> None:
    """A late block that seals an index of before the closure is no evidence: the gate waits for the cloud's, and so M5.

    The last index of before is under way until 10 ms before the restart; those of the restarted engine take 40 s.
    """
    old = MessageDelay(step="drain", target="indices", delay_ms=124_010, lasts_ms=12_000)
    new = MessageDelay(step="start-services", target="indices", delay_ms=40_000, lasts_ms=60_000)
    result = play(f"{VERIFY}.gate=[indices_present]", plan=(old, new))
    restarted_ms = started_at(result.events, "start-services")
    sealed_ms = min(at_ms for at_ms, _ in told(result.events, IndexOnchain) if at_ms > restarted_ms)
    told_ms = min(at_ms for at_ms, e in told(result.events, IndexPublished) if at_ms > restarted_ms) + new.delay_ms
    assert sealed_ms < started_at(result.events, "verify") < told_ms < started_at(result.events, "cancel-only")
    assert set() == broken(result)


def test_failed_gate_that_continues_goes_on_as_if_nothing_were() -> None:
    """After its time is over the step ends with is_ok 0, and the next begins; resume then says what was wrong."""
    events = play(f"{VERIFY}.on_fail=continue", f"{VERIFY}.timeout_ms=10s", plan=(LATE_PRICES,)).events
    assert (10_000, False) == verified(events)
    assert "resume" == steps(events, "main")[-1]
    assert of(events, ResumeChecked)[0].services_down > 0


def test_failed_gate_that_waits_holds_the_night_until_it_holds() -> None:
    """``wait`` ignores the timeout; the window is overrun and nothing is resumed on bad prices."""
    events = play(f"{VERIFY}.on_fail=wait", f"{VERIFY}.timeout_ms=10s", plan=(LATE_PRICES,)).events
    waited_ms, is_ok = verified(events)
    assert waited_ms > 60_000
    assert is_ok
    assert 0 == of(events, ResumeChecked)[0].services_down


def test_failed_gate_that_is_an_incident_plays_the_incident_branch() -> None:
    """The rest of the script is left; the branch is declared at once and closes the window."""
    events = play(f"{VERIFY}.on_fail=incident", f"{VERIFY}.timeout_ms=10s", INCIDENT, plan=(LATE_PRICES,)).events
    assert "verify" == steps(events, "main")[-1]
    assert INCIDENT_STEPS == steps(events, "incident")
    assert [0] == [e.detected_after_ms for e in of(events, IncidentDeclared)]
    assert 1 == len(of(events, WindowClosed))


def test_rollback_takes_every_store_to_the_height_of_the_snapshot() -> None:
    """Chain, cloud, index rows and pages refer to no later height; the root is the snapshot's, the sequence is not."""
    events = play(f"{VERIFY}.on_fail=incident", f"{VERIFY}.timeout_ms=10s", INCIDENT, plan=(LATE_PRICES,)).events
    done = of(events, RollbackDone)[0]
    assert (done.snapshot_high, done.snapshot_low) == (done.root_high, done.root_low)
    assert {done.height} == {done.chain_height, done.cloud_height, done.pages_height}
    assert done.database_height <= done.height
    assert done.sequence >= done.height


def test_night_without_an_incident_never_plays_the_branch() -> None:
    """A branch that is there and not needed changes nothing: the same digest as without it."""
    assert play().digest == play(INCIDENT).digest
    assert [] == steps(play(INCIDENT).events, "incident")


# ---- scale-up, starts, resume --------------------------------------------------------------------------------------
EARLY = EarlyStart(step="start-services", target="funding", early_ms_max=60_000)


def test_full_downtime_defers_a_start_until_the_copy_is_complete() -> None:
    """A supervisor's early start waits for the copy; without the safeguard the process runs at once."""
    planned_ms = dict(planned_steps(model_of(bench()).runbook))["start-services"]
    for guard, is_deferred in (("true", True), ("false", False)):
        events = play(f"venue.safeguards.full_downtime={guard}", plan=(EARLY,)).events
        copied_ms = next(at_ms for at_ms, e in told(events, DatabaseState) if e.state == "copied")
        booting_ms = next(
            at_ms for at_ms, e in told(events, ServiceState) if (e.service, e.state) == ("funding", "booting")
        )
        early_ms = Stream(1, "fault/early_start/start-services/funding").between(1, EARLY.early_ms_max)
        assert booting_ms == (copied_ms if is_deferred else planned_ms - early_ms)


def test_service_that_runs_already_is_not_started_twice() -> None:
    """Its step finds it running; there is one second epoch and no third."""
    events = play("venue.funding.readiness=checksum_verified", plan=(EARLY,)).events
    assert {2} == {e.epoch for e in of(events, ServiceState) if e.service == "funding" and e.state == "booting"}


def test_resume_reconciles_with_l1() -> None:
    """What accounts hold of L1 plus what waits for confirmation is what the L1 ledger says."""
    told_of = of(play().events, L1Reconciled)[0]
    assert told_of.ledger_quantums == told_of.credited_quantums + told_of.waiting_quantums
    assert told_of.ledger_quantums


def test_resume_of_a_right_night_finds_nothing_wrong() -> None:
    """Prices are fresh, every index is there, the copies agree, every service is ready."""
    checked = of(play().events, ResumeChecked)
    assert [(0, 0, 0)] == [(e.markets_without_index, e.markets_apart, e.services_down) for e in checked]
    assert checked[0].oldest_price_age_ms <= 15_000


def test_window_closes_after_the_watch_and_says_how_late_the_venue_was() -> None:
    """In time: zero. Held up by a gate: the time from the announced end to the resume."""
    assert [0] == [e.overrun_ms for e in of(play().events, WindowClosed)]
    events = play(plan=(OracleDelay(step="start-services", target="spot", delay_ms=200_000, lasts_ms=300_000),)).events
    back_ms = next(at_ms for at_ms, e in told(events, ModeChanged) if e.mode == "ok")
    assert [max(0, back_ms - 420_000)] == [e.overrun_ms for e in of(events, WindowClosed)]
    assert back_ms > 420_000


def test_late_operator_shifts_everything_that_follows() -> None:
    """A step whose operator is bent by a minute begins a minute late, and so do all later ones."""
    usual = {e.step: at_ms for at_ms, e in told(play().events, StepStarted)}
    stage = Stage(regime="calm").at(1)

    def late(passage):  # type: ignore[no-untyped-def]
        passage.delay_ms += 60_000 * (passage.label == "main/scale-up")
        return passage.label == "main/scale-up"

    with stage.world.seams["operator.act"].bend(late):
        stage.at(400_000)
    begun = {e.step: at_ms for at_ms, e in told(stage.events, StepStarted)}
    assert usual["stop-services"] == begun["stop-services"]
    assert usual["scale-up"] + 60_000 == begun["scale-up"]
    assert usual["start-services"] + 60_000 == begun["start-services"]


def test_crash_before_the_gate_is_waited_for() -> None:
    """A service that dies between its start and the gate is restarted by its supervisor, and the gate sees it."""
    crash = Crash(step="start-services", target="liquidator", offset_ms=19_000, restart_ms=30_000)
    waited_ms, is_ok = verified(play(plan=(crash,)).events)
    assert is_ok
    assert waited_ms >= 29_000
