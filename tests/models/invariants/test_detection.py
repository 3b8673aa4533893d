"""D1: which faults are noticed by which monitors, and when that is judged at all."""

from __future__ import annotations

import pytest

from drydock.faults.crash import Crash
from drydock.faults.operator_skips import OperatorSkips
from drydock.faults.safeguard_misfire import SafeguardMisfire
from drydock.faults.slow_load import SlowLoad
from drydock.harness.port import Fault
from drydock.models.events import StepEnded
from drydock.models.invariants.detection import Detection
from tests.faults.examples_operators import CROWDED
from tests.nights import bench, broken, case_of, play, told

IN_A_MINUTE = "venue.declared.detect_ms_max=1m"
SLOW = SlowLoad(step="start-services", target="funding", mean_ms=30_000)
DEAD = Crash(step="resume", target="funding", restart_ms=1_000)
STALE = SafeguardMisfire(step="resume")


def watched_by(monitor: str) -> str:
    return f"venue.declared.monitors=[{monitor}]"


@pytest.mark.parametrize(
    ("fault", "monitor"), [(SLOW, "gate"), (DEAD, "process"), (STALE, "refusal")], ids=["slow", "dead", "stale"]
)
def test_fault_is_noticed_by_the_monitor_that_can_see_it(fault: Fault, monitor: str) -> None:
    """And by no other: a service that loads slowly dies not, one that dies refuses nothing."""
    missed = [
        name
        for name in ("alarm", "gate", "process", "refusal")
        if "D1" in broken(play(*CROWDED, IN_A_MINUTE, watched_by(name), plan=(fault,)))
    ]
    assert [name for name in ("alarm", "gate", "process", "refusal") if name != monitor] == missed


def test_finding_names_the_fault_and_the_monitors() -> None:
    """The role is the kind of fault, so that two that nobody notices are two failures."""
    result = play(IN_A_MINUTE, watched_by("alarm"), plan=(SLOW,))
    told = "slow_load at funding.load: of alarm no monitor says so in time"
    assert [("D1", "slow_load", told)] == [(f.law, f.role, f.detail) for f in result.findings]


def test_monitor_that_rings_too_late_is_none() -> None:
    """The gate is asked twenty seconds after the services start, and a second was declared."""
    assert "D1" in broken(play("venue.declared.detect_ms_max=1s", watched_by("gate"), plan=(SLOW,)))


def test_what_the_end_of_the_run_cuts_short_is_not_judged() -> None:
    """Five minutes are more than the night has left."""
    assert set() == broken(play(watched_by("alarm"), plan=(SLOW,)))


def test_fault_that_never_interferes_need_not_be_noticed() -> None:
    """A step that is never reached cannot slip."""
    assert set() == broken(play(IN_A_MINUTE, watched_by("alarm"), plan=(Crash(step="scale-up", target="funding"),)))


def test_slip_of_an_operator_interferes_when_the_hand_slips() -> None:
    """Who leaves out a step rings no bell by that; the time to notice runs from the step that was left out."""
    result = play(IN_A_MINUTE, watched_by("process"), plan=(OperatorSkips(step="scale-up"),))
    ended_ms = next(at_ms for at_ms, e in told(result.events, StepEnded) if e.step == "stop-services")
    assert [("D1", ended_ms)] == [(finding.law, finding.at_ms) for finding in result.findings]


def test_detection_is_in_question_only_where_monitors_are_declared() -> None:
    """A service law: a share of runs, with the policy's limit; no shipped venue declares monitors."""
    law = Detection()
    assert ("service", False, True) == (
        law.law_class,
        law.applicable(case_of(bench())),
        law.applicable(case_of(bench(watched_by("gate")))),
    )
