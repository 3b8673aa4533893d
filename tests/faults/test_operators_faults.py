"""Slips, decisions and slowness of operators, and what a rollback forgets: what each does, and who sees it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from drydock.faults.incomplete_rollback import IncompleteRollback
from drydock.faults.operator_decides import OperatorDecides
from drydock.faults.operator_delays import OperatorDelays
from drydock.faults.operator_repeats import OperatorRepeats
from drydock.faults.operator_skips import OperatorSkips
from drydock.faults.operator_slow import OperatorSlow
from drydock.faults.operator_swaps import OperatorSwaps
from drydock.harness.explore.slips import Slips
from drydock.harness.explore.space import Space
from drydock.harness.mistakes import BadFile, Mistakes
from drydock.harness.plan import plan_from_plain, read_plan
from drydock.harness.port import Fault
from drydock.harness.result import RunResult
from drydock.harness.scenario import load_scenario
from drydock.harness.stream import Stream
from drydock.models.events import IncidentDeclared, RollbackDone, StepEnded, StepStarted
from drydock.models.kit import VenueKit
from drydock.models.operation_events import GateUnready
from tests.faults.examples_operators import LOADS_A_MINUTE, ROLLBACK, WITH_BOOK
from tests.nights import bench, broken, of, play, started_at, told

STEPS = [
    "maintenance", "drain", "snapshot", "stop-services", "scale-up", "start-services", "verify", "cancel-only",
    "post-only", "resume",
]  # fmt: skip
STARTS = "start-services"
ALL = "gateway, liquidator, funding, market_data, portfolio, vault, front_page"
GATES = "gate: [ready, prices_fresh, indices_present, copies_agree], timeout_ms: 5m, on_fail: wait"
INCIDENT = (
    *LOADS_A_MINUTE,
    "runbook.steps.6.timeout_ms=10s",
    "runbook.steps.6.on_fail=incident",
    "runbook.night_ms=20m",
    "runbook.on_incident={decide_ms_min: 10s, decide_ms_max: 15s, steps: ["
    f"{{step: stop_services, name: i-stop, services: [{ALL}]}}, {{step: rollback}},"
    f"{{step: start_services, name: i-start, services: [{ALL}], duration_ms: 20s}},"
    f"{{step: verify, name: i-verify, {GATES}}}, {{step: resume, name: i-resume}}]}}",
)
"""The gate fails after ten seconds, and the incident's branch rolls back."""
TWO_SNAPSHOTS = (
    "runbook.steps.0={step: snapshot, name: early-snapshot, duration_ms: 30s}",
    "runbook.steps.1={step: set_mode, name: maintenance, mode: maintenance}",
)
AFTER_A_STEP = 5_000


def begun(result: RunResult, branch: str = "main") -> list[str]:
    return [e.step for e in of(result.events, StepStarted) if e.branch == branch]


def times(result: RunResult) -> dict[str, int]:
    return {e.step: at_ms for at_ms, e in told(result.events, StepStarted)}


def roles(result: RunResult, law: str) -> set[str]:
    return {finding.role for finding in result.findings if finding.law == law}


def is_exercised(result: RunResult) -> bool:
    return result.evidence[0].exercised


# ---- slips ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("step", [step for step in STEPS if step != STARTS])
def test_skipped_step_is_left_out_and_no_other(step: str) -> None:
    """All steps happen in their order but that one."""
    result = play(plan=(OperatorSkips(step=step),))
    assert [name for name in STEPS if name != step] == begun(result)


@pytest.mark.parametrize("slip", [OperatorSkips, OperatorSwaps])
def test_gate_waits_for_services_that_nobody_started(slip: Any) -> None:
    """A gate that waits holds the window open (W1); nothing reopens on services that are not there."""
    result = play(plan=(slip(step=STARTS),))
    assert ("verify", {"W1"}) == (begun(result)[-1], broken(result))


@pytest.mark.parametrize("step", ["drain", "scale-up", "resume"])
def test_delayed_step_and_all_after_it_are_late_by_as_much(step: str) -> None:
    """Those before it are in time."""
    usual, late = times(play()), times(play(plan=(OperatorDelays(step=step, delay_ms=7_000),)))
    at = STEPS.index(step)
    assert [0] * at + [7_000] * (len(STEPS) - at) == [late[name] - usual[name] for name in STEPS]


@pytest.mark.parametrize("times_more", [1, 3])
def test_repeated_step_happens_again_at_its_distance(times_more: int) -> None:
    """It and no other; each repetition begins so long after the first began, or when the one before it is through."""
    fault = OperatorRepeats(step="snapshot", times=times_more, after_ms=AFTER_A_STEP)
    result = play(plan=(fault,))
    at = STEPS.index("snapshot")
    assert STEPS[:at] + ["snapshot"] * times_more + STEPS[at:] == begun(result)
    first_ms, *again_ms = (at_ms for at_ms, e in told(result.events, StepStarted) if e.step == "snapshot")
    assert [first_ms + AFTER_A_STEP * n for n in range(1, times_more + 1)] == again_ms


@pytest.mark.parametrize("step", [step for step in STEPS[:-1] if step != STARTS])
def test_swapped_steps_change_places_and_no_other(step: str) -> None:
    """A step and the one that follows it."""
    result = play(plan=(OperatorSwaps(step=step),))
    at = STEPS.index(step)
    assert [*STEPS[:at], STEPS[at + 1], step, *STEPS[at + 2 :]] == begun(result)


def test_last_step_of_a_branch_has_nothing_to_change_places_with() -> None:
    """So the fault does not apply to it, nor to a step that is not there."""
    scenario = bench(*INCIDENT)
    last = {name for name in (*STEPS, "rollback", "i-resume") if not OperatorSwaps(step=name).applicable(scenario)}
    assert {"resume", "i-resume"} == last


def test_slip_strikes_a_step_of_the_incidents_branch() -> None:
    """The main branch is played as it is written."""
    usual, slipped = play(*INCIDENT), play(*INCIDENT, plan=(OperatorSkips(step="i-verify"),))
    assert begun(usual) == begun(slipped)
    assert [step for step in begun(usual, "incident") if step != "i-verify"] == begun(slipped, "incident")


@pytest.mark.parametrize("slip", [OperatorSkips, OperatorRepeats, OperatorSwaps, OperatorDelays])
def test_slip_at_a_step_that_is_never_reached_is_not_exercised(slip: Any) -> None:
    """The incident's branch of a night without an incident: nothing slips, and the night is the usual one."""
    calm = tuple(setting for setting in INCIDENT if setting not in LOADS_A_MINUTE)
    usual, result = play(*calm), play(*calm, plan=(slip(step="rollback"),))
    assert (False, usual.digest) == (is_exercised(result), result.digest)


# ---- what a slip costs ----------------------------------------------------------------------------------------------
def test_skipped_gate_reopens_without_indices() -> None:
    """M5: the venue goes back to OK while rows are still loading; with its gate it waits for them."""
    assert "M5" not in broken(play(*LOADS_A_MINUTE))
    assert "M5" in broken(play(*LOADS_A_MINUTE, plan=(OperatorSkips(step="verify"),)))


@pytest.mark.parametrize("step", ["snapshot", "rollback"])
def test_rollback_that_cannot_or_does_not_happen_is_a_finding(step: str) -> None:
    """M6 judges the runbook as it is declared: no snapshot to go back to, or nobody who does, is no harness error."""
    result = play(*INCIDENT, plan=(OperatorSkips(step=step),))
    assert [] == of(result.events, RollbackDone)
    assert {"rollback"} == roles(result, "M6")
    assert "M6" not in broken(play(*INCIDENT))


def test_reopening_that_is_skipped_overruns_the_window() -> None:
    """W1, and nothing else: a closed venue harms nobody by what it does."""
    assert {"W1"} == broken(play(plan=(OperatorSkips(step="resume"),)))


# ---- decisions ------------------------------------------------------------------------------------------------------
def test_going_on_past_a_shut_gate_is_seen() -> None:
    """The step ends at once and not well, and M5 is broken as if it had been left out."""
    result = play(*LOADS_A_MINUTE, plan=(OperatorDecides(step="verify", decision="go_on"),))
    assert [0] == [e.is_ok for e in of(result.events, StepEnded) if e.step == "verify"]
    assert ["ready indices_present"] == [e.gates for e in of(result.events, GateUnready)]
    assert "M5" in broken(result)


def test_where_gates_hold_there_is_nothing_to_decide() -> None:
    """The fault waits for a gate that fails, and none does."""
    result = play(plan=(OperatorDecides(step="verify", decision="go_on"),))
    assert (False, play().digest) == (is_exercised(result), result.digest)


def test_deciding_against_the_rollback_is_a_finding() -> None:
    """M6: the branch is through, and its rollback never happened."""
    result = play(*INCIDENT, plan=(OperatorDecides(step="rollback", decision="no_rollback"),))
    assert ([], {"rollback"}) == (of(result.events, RollbackDone), roles(result, "M6"))


def test_rollback_to_an_older_snapshot_is_a_finding() -> None:
    """M6: it goes to the first of two; by itself it goes to the newest."""
    fault = OperatorDecides(step="rollback", decision="older")
    usual, result = play(*INCIDENT, *TWO_SNAPSHOTS), play(*INCIDENT, *TWO_SNAPSHOTS, plan=(fault,))
    newest, older = (of(run.events, RollbackDone)[0].height for run in (usual, result))
    assert older < newest
    assert ("snapshot" in roles(result, "M6"), "M6" in broken(usual)) == (True, False)
    assert not is_exercised(play(*INCIDENT, plan=(fault,)))


def test_decision_applies_where_its_step_asks_for_it() -> None:
    """Going on belongs to a verify step, rolling back to a rollback."""
    scenario = bench(*INCIDENT)
    asked = {
        (step, decision)
        for step in (*STEPS, "rollback", "i-verify")
        for decision in ("go_on", "no_rollback", "older")
        if OperatorDecides(step=step, decision=decision).applicable(scenario)  # type: ignore[arg-type]
    }
    verified = {("verify", "go_on"), ("i-verify", "go_on")}
    assert verified | {("rollback", "no_rollback"), ("rollback", "older")} == asked


# ---- slowness -------------------------------------------------------------------------------------------------------
def test_slow_hands_stretch_the_steps_from_their_moment_on() -> None:
    """Three times what they plan; the steps before it take what they take."""
    usual = times(play())
    slow = times(play(plan=(OperatorSlow(step="scale-up", stretch_ppm=3_000_000),)))
    took = [[night[after] - night[before] for before, after in pairwise(STEPS)] for night in (usual, slow)]
    longer = [stretched - planned for planned, stretched in zip(*took, strict=True)]
    assert [0, 0, 0, 0, 240_000, 40_000, 0, 20_000, 20_000] == longer


def test_slow_decision_makes_the_rollback_late() -> None:
    """Ten to fifteen seconds become a hundred to a hundred and fifty; the incident is declared when it was."""
    fault = OperatorSlow(step="maintenance", target="decide", stretch_ppm=10_000_000)
    usual, slow = play(*INCIDENT), play(*INCIDENT, plan=(fault,))
    waits = [told(run.events, RollbackDone)[0][0] - started_at(run.events, "rollback") for run in (usual, slow)]
    assert waits[0] * 10 == waits[1]
    assert told(usual.events, IncidentDeclared) == told(slow.events, IncidentDeclared)


# ---- a rollback that forgets a store --------------------------------------------------------------------------------
FORGOTTEN = {
    "chain": "state root", "cloud": "cloud", "index_rows": "database", "portfolio": "pages", "vault": "pages",
    "orders": "orders",
}  # fmt: skip


@pytest.mark.parametrize("store", FORGOTTEN)
def test_forgotten_store_is_found_by_the_law_of_rollbacks(store: str) -> None:
    """M6 names it; a rollback that reaches every store breaks nothing."""
    sets = (*ROLLBACK, *WITH_BOOK)
    result = play(*sets, plan=(IncompleteRollback(step="maintenance", target=store),))
    assert FORGOTTEN[store] in roles(result, "M6")
    assert set() == broken(play(*sets))


def test_one_forgotten_store_leaves_the_others_taken_back() -> None:
    """Only the index rows refer to later heights."""
    done = of(play(*ROLLBACK, plan=(IncompleteRollback(step="maintenance"),)).events, RollbackDone)[0]
    stores = ("chain", "cloud", "database", "pages")
    assert ["database"] == [store for store in stores if getattr(done, f"{store}_height") > done.height]


def test_orders_are_forgotten_only_where_there_are_some() -> None:
    """And nothing is forgotten where no branch rolls back."""
    stores = tuple(FORGOTTEN)
    assert stores == tuple(IncompleteRollback.targets(bench(*ROLLBACK, *WITH_BOOK)))
    assert stores[:-1] == tuple(IncompleteRollback.targets(bench(*ROLLBACK)))
    assert () == tuple(IncompleteRollback.targets(bench()))


# ---- slips as fault data --------------------------------------------------------------------------------------------
def test_edits_of_a_step_are_faults_as_a_plan_file_has_them() -> None:
    """Every slip of every step can be read, and applies but for the swap of the last step."""
    scenario, mistakes = bench(*ROLLBACK), Mistakes()
    edits = [edit for step in VenueKit().steps(scenario) for edit in VenueKit().edits(step)]
    plan: tuple[Fault, ...] = plan_from_plain(edits, ("plan",), lambda path: "here", mistakes)
    assert [] == list(mistakes)
    assert [OperatorSwaps(step="resume")] == [fault for fault in plan if not fault.applicable(scenario)]
    asked = [edit["decision"] for edit in edits if edit["kind"] == "operator_decides"]
    assert (4 * 10 + 3, ["no_rollback", "older", "go_on"]) == (len(plan), asked)


def test_slips_of_the_incident_are_searched_beside_what_was_reported() -> None:
    """Its steps are no part of the plan; their slips come after those of the main branch, with what may bring it on."""
    scenario = load_scenario("paradex-2026-01-19")
    space = Space(scenario, VenueKit())
    steps = VenueKit().unplanned(scenario)
    proposed = Slips(space).propose(Stream(1, "slips"), len(space.slips) + len(space.incident_slips))
    late = [case.plan for case in proposed[len(space.slips) :]]

    assert [] == VenueKit().unplanned(bench())
    assert {"rollback"} < {step.name for step in steps} == {slip.step for slip in space.incident_slips}
    assert [(*scenario.reported, slip) for slip in space.incident_slips] == late
    kinds = {"operator_skips", "operator_delays", "operator_repeats", "operator_swaps", "operator_decides"}
    assert kinds == {slip.kind for slip in space.incident_slips}


def test_slip_that_its_step_does_not_know_is_a_mistake_of_the_plan_file(tmp_path: Path) -> None:
    """Its step and target are there; that they do not go together is told at its line."""
    file = tmp_path / "plan.yaml"
    file.write_text("- {kind: operator_decides, step: drain}\n- {kind: operator_swaps, step: resume}\n")
    with pytest.raises(BadFile) as told:
        read_plan(file, bench(), VenueKit())
    kinds = ("operator_decides, as it is given here, has nothing to strike at step 'drain'", "operator_swaps, as it is")
    assert all(words in line for words, line in zip(kinds, str(told.value).splitlines(), strict=True))


def test_faults_of_one_step_nest() -> None:
    """Late and twice and swapped: each does its own."""
    plan = (
        OperatorDelays(step="drain", delay_ms=3_000),
        OperatorRepeats(step="drain"),
        OperatorSwaps(step="maintenance"),
    )
    result = play(plan=plan)
    assert ["drain", "drain", "maintenance", *STEPS[2:]] == begun(result)
    assert all(evidence.exercised for evidence in result.evidence)
    assert times(play())["maintenance"] + 3_000 == min(
        at_ms for at_ms, e in told(result.events, StepStarted) if e.step == "drain"
    )


def test_slip_happens_once() -> None:
    """A second night's script of the same name, here a repetition, is played as it is written."""
    plan = (OperatorRepeats(step="drain"), replace(OperatorDelays(step="drain"), delay_ms=2_000))
    drains = [at_ms for at_ms, e in told(play(plan=plan).events, StepStarted) if e.step == "drain"]
    assert [10_000] == [second - first for first, second in pairwise(drains)]
