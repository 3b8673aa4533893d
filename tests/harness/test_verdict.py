"""The verdict on the toy: every decision, and every ground of it."""

from __future__ import annotations

import itertools
import json
import os
import signal
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from drydock.harness import registry
from drydock.harness.port import Accepted, Canary, Case, Limit, Policy, Threat
from drydock.harness.result import Verdict
from drydock.harness.sim import Sim
from drydock.harness.verdict import LEVELS, Options, percent_text, rehearse, verdict_digest, verdict_json

TODAY = "2026-11-22"
ON_TIME_OR_NOT = Limit("T2", 1_000_000)
ANY_LOSS = Limit("T3", 1_000_000)
LENIENT = Policy(limits=(ON_TIME_OR_NOT, ANY_LOSS))
KNOWN = Accepted("T1", "the next release brings the gate", "ops", TODAY)
FEW = 12


@pytest.fixture
def decide(toy: ModuleType) -> Any:
    """Rehearses a toy: ``kit`` and ``options`` apart, all else changes the scenario."""

    def run(kit: Any = None, options: dict[str, Any] | None = None, **changes: Any) -> Verdict:
        given = {"today": TODAY, "runs": FEW, "event_budget": 5_000} | (options or {})
        kit = kit or registry.kit("toy")
        return rehearse(toy.scenario(kit, **({"policy": LENIENT} | changes)), kit, Options(**given))

    return run


def outcome(verdict: Verdict) -> tuple[str, int]:
    """Decision and exit code."""
    return (verdict.decision, verdict.exit_code)


# ---- GO -------------------------------------------------------------------------------------------------------------
def test_a_gated_restart_is_go(decide: Any) -> None:
    """Nothing broken, every goal reached, every threat exercised: GO, with a claim that says how much that is."""
    verdict = decide(options={"runs": None})
    assert ("GO", 0) == outcome(verdict)
    assert "GO at level smoke: 0 of 40; p <= 7.3 % for each of 1 safety law" == verdict.claim
    assert () == verdict.reasons


def test_the_level_fixes_the_number_of_runs_of_each_bundle(decide: Any) -> None:
    """Reported and sweep each have the level's runs; a bound is for the sweep's."""
    verdict = decide(options={"runs": None, "level": "ci"})
    assert (400, 400) == (verdict.reported.runs, verdict.sweep.runs)
    assert [("T1", 400, 7_462)] == [(b.law, b.runs_clean, b.p_upper_ppm) for b in verdict.bounds]
    assert "GO at level ci (asked for 400, the policy says 40): 0 of 400;" in verdict.claim
    assert {"smoke": 40, "ci": 400, "evening": 10_000} == LEVELS


def test_consequence_is_reported(decide: Any) -> None:
    """A fault without which the digest is another one was consequential; one that changes nothing was not."""
    telling = decide()
    idle = decide(reported=({"kind": "SlowCount", "delay_ms": 0},), threats=())
    assert [("SlowCount", True)] == [(line.kind, line.consequential) for line in telling.faults]
    assert [("SlowCount", FEW, False)] == [(line.kind, line.exercised, line.consequential) for line in idle.faults]


def test_what_was_not_tested_is_listed(decide: Any) -> None:
    """Steps that the threat leaves out, kinds that are no threat at all, and places that no run struck."""

    def why(**changes: Any) -> list[tuple[str, str]]:
        return [(line["step"], line["why"]) for line in decide(**changes).untested if line["fault"] == "SlowCount"]

    assert [("rest", "the threat does not name this step")] == why()
    assert [("any", "not among the scenario's threats")] == why(reported=(), threats=())
    assert ("rest", "no run exercised it here") in why(threats=(Threat("SlowCount", ("rest",), ("both",)),))


# ---- NO-GO ----------------------------------------------------------------------------------------------------------
def test_a_broken_safety_law_is_no_go(decide: Any) -> None:
    """Without the gate the counters go back: NO-GO, with the law, its runs and its first case."""
    verdict = decide(waits=False, load_ms=0)
    assert ("NO-GO", 1) == outcome(verdict)
    assert f"T1 broken in {FEW} of {FEW} reported runs" == verdict.reasons[0]
    first = verdict.reported.violations[0]
    assert ("T1", FEW, "counter 0 went from 100 to 1") == (first.law, first.runs, first.first_finding.detail)
    assert ("TR: nothing waits for the loads",) == verdict.lint


def test_a_violation_without_any_fault_is_no_go(decide: Any) -> None:
    """The baseline decides too: a venue that breaks by itself is no matter of faults."""
    verdict = decide(waits=False, load_ms=300, reported=(), threats=())
    assert ("NO-GO", 1) == outcome(verdict)
    assert "T1 broken in 2 of 2 baseline runs" == verdict.reasons[0]
    assert ["T1"] == [finding.law for finding in verdict.baseline]


def test_a_safety_violation_outweighs_what_is_missing(decide: Any) -> None:
    """NO-GO, and what was missing is told behind it."""
    verdict = decide(waits=False, load_ms=300, reported=(), threats=(Threat("SlowCount", ("rest",), ("both",)),))
    assert ("NO-GO", 1) == outcome(verdict)
    assert "fault SlowCount was never exercised: no operation met it" in verdict.reasons


def test_a_service_limit_that_is_passed_is_no_go(decide: Any) -> None:
    """The observed share decides; the bound is told beside it. Without a limit nothing is allowed."""
    verdict = decide(slow_restart_ms=1, policy=Policy(limits=(ANY_LOSS,)))
    assert ("NO-GO", 1) == outcome(verdict)
    assert "T2: 100% of reported runs broke it, the limit is 0% (95 % bound 100 %)" == verdict.reasons[0]
    assert ("GO", 0) == outcome(decide(slow_restart_ms=1, policy=LENIENT))


def test_a_loss_limit_counts_the_runs_that_lose_more(decide: Any) -> None:
    """Two counters of 99 USD each: a run's sum is compared, and only runs beyond it count."""
    lossy = {"waits": False, "load_ms": 0, "threats": (), "accepted": (KNOWN,)}
    limits = [Limit("T3", 0, quantums_max=quantums) for quantums in (198_000_000, 197_999_999)]
    enough, too_little = (decide(**lossy, policy=Policy(limits=(ON_TIME_OR_NOT, limit))) for limit in limits)
    assert [("GO", 0), ("NO-GO", 1)] == [outcome(enough), outcome(too_little)]
    assert "T3: 100% of reported runs lost more than 197.999999 USD" in too_little.reasons[0]


# ---- INCONCLUSIVE ---------------------------------------------------------------------------------------------------
def test_a_vacuous_law_is_inconclusive(decide: Any) -> None:
    """A law that had nothing to check in any run is not green."""
    verdict = decide(ticks=0)
    assert ("INCONCLUSIVE", 3) == outcome(verdict)
    assert "law T1 is vacuous: it had nothing to check in any run" in verdict.reasons


def test_a_goal_that_is_missed_is_inconclusive(decide: Any) -> None:
    """The rehearsal has shown too little."""
    verdict = decide(ticks=5, regimes=("flat",))
    assert ("INCONCLUSIVE", 3) == outcome(verdict)
    assert ("goal TG was never reached: the counters count on after the restart",) == verdict.reasons


def test_a_goal_that_does_not_apply_is_not_missed(decide: Any) -> None:
    """No case can reach it: it was no question."""
    verdict = decide(ticks=5, regimes=("idle",))
    assert ("GO", 0) == outcome(verdict)
    assert [("TG", False, 0)] == [(goal.id, goal.applicable, goal.hits) for goal in verdict.goals]


def test_a_threat_that_is_never_exercised_is_inconclusive(decide: Any) -> None:
    """A bend that no operation met has tested nothing."""
    verdict = decide(reported=(), threats=(Threat("SlowCount", ("rest",), ("both",)),))
    assert ("INCONCLUSIVE", 3) == outcome(verdict)
    assert ("fault SlowCount was never exercised: no operation met it",) == verdict.reasons


def test_a_threat_is_not_exercised_by_another_of_its_kind(decide: Any) -> None:
    """Every threat has to be met by some run, not only every kind of fault."""
    threats = (Threat("SlowCount", ("restart",), ("both",)), Threat("SlowCount", ("rest",), ("first",)))
    verdict = decide(threats=threats)
    assert ("INCONCLUSIVE", 3) == outcome(verdict)
    assert ("threat 2 was never exercised: SlowCount at rest on first",) == verdict.reasons


def test_a_law_whose_canary_lives_is_inconclusive(decide: Any) -> None:
    """A gate that cannot fail is no gate; a law without a canary neither."""
    verdict = decide(kit=registry.kit("blind"))
    assert ("INCONCLUSIVE", 3) == outcome(verdict)
    assert (
        "law T2 has no canary: nobody has seen it fail",
        "canary of T1: the law did not catch its canary (nothing is wrong with it)",
    ) == verdict.reasons


def test_a_law_that_fails_its_control_is_inconclusive(decide: Any, toy: ModuleType) -> None:
    """A law that cries at the right build too has caught nothing."""

    class Nervous(toy.ToyKit):  # type: ignore[name-defined, misc]
        def canaries(self) -> list[Canary]:
            canary = super().canaries()[0]
            return [replace(canary, control=canary.case), *super().canaries()[1:]]

    verdict = decide(kit=Nervous())
    assert ("canary of T1: the law fails its control (the ticker does not wait for slow loads)",) == verdict.reasons


def test_an_exhausted_budget_is_inconclusive(decide: Any) -> None:
    """Runs that never came to rest prove nothing."""
    verdict = decide(trouble="spins", options={"runs": 3})
    assert ("INCONCLUSIVE", 3) == outcome(verdict)
    assert "3 of 3 sweep runs used up their event budget" in verdict.reasons


def test_fewer_runs_than_the_policys_least_are_inconclusive(decide: Any) -> None:
    """``--runs`` may ask for less than the level, and then the claim says so, but not below the least."""
    verdict = decide(policy=replace(LENIENT, least_runs=13))
    assert ("INCONCLUSIVE", 3) == outcome(verdict)
    assert ("12 runs are fewer than the 13 that the policy wants at least",) == verdict.reasons
    enough = decide(policy=replace(LENIENT, least_runs=12))
    assert enough.claim.startswith("GO at level smoke (asked for 12, the policy says 40): 0 of 12;")


@pytest.mark.parametrize(("error", "name"), [(KeyboardInterrupt, "SIGINT"), (BaseException, "SIGTERM")])
def test_a_signal_leaves_a_partial_verdict(decide: Any, error: type[BaseException], name: str) -> None:
    """What exists is judged, and the decision is INCONCLUSIVE even where a law was broken: the runs are no sample."""

    def interrupt(done: int, total: int, violations: int) -> None:
        if violations == 3:
            raise error

    verdict = decide(waits=False, load_ms=0, options={"progress": interrupt})
    assert ("INCONCLUSIVE", 3, name) == (*outcome(verdict), verdict.run["stopped"])
    assert "T1 broken in 3 of 3 reported runs" in verdict.reasons
    assert () == verdict.bounds


def test_ctrl_c_reaches_a_pool_and_leaves_what_there_is(decide: Any) -> None:
    """A real SIGINT while two workers work: their runs so far are kept, and no run begins any more."""

    def interrupt(done: int, total: int, violations: int) -> None:
        if done == 20:
            os.kill(os.getpid(), signal.SIGINT)

    verdict = decide(options={"workers": 2, "runs": 500, "progress": interrupt})
    assert ("INCONCLUSIVE", "SIGINT") == (verdict.decision, verdict.run["stopped"])
    assert 20 <= verdict.run["runs"] < 1000


def test_time_that_is_up_is_inconclusive(decide: Any) -> None:
    """Never GO on less than was asked for."""
    verdict = decide(options={"max_time_s": 0})
    assert ("INCONCLUSIVE", 3, "max-time") == (*outcome(verdict), verdict.run["stopped"])
    assert (0, FEW) == (verdict.sweep.runs, verdict.sweep.asked)


# ---- harness errors -------------------------------------------------------------------------------------------------
def test_a_law_that_raises_is_a_harness_error(decide: Any) -> None:
    """4, before anything else: a crashed checker clears nothing."""
    verdict = decide(trouble="law raises")
    assert ("INCONCLUSIVE", 4) == outcome(verdict)
    assert verdict.reasons[0].startswith("harness error: baseline run 0: LookupError: the law lost its way")


def test_a_canary_that_crashes_is_a_harness_error(decide: Any, toy: ModuleType) -> None:
    """A wrong build is to be caught, not to fall over."""

    class Falling(toy.ToyKit):  # type: ignore[name-defined, misc]
        def canaries(self) -> list[Canary]:
            def fall(case: Case, sim: Sim) -> Any:
                raise LookupError("fell over")

            return [replace(super().canaries()[0], world=fall), *super().canaries()[1:]]

    verdict = decide(kit=Falling())
    assert 4 == verdict.exit_code
    assert verdict.reasons[0].startswith("harness error: canary of T1: LookupError: fell over")


def test_a_run_that_differs_from_itself_is_a_harness_error(decide: Any, toy: ModuleType) -> None:
    """One case is run twice in every rehearsal."""
    numbers = itertools.count()

    class Drifting(toy.ToyKit):  # type: ignore[name-defined, misc]
        def world(self, case: Case, sim: Sim) -> Any:
            world = super().world(case, sim)
            world.store[0] += next(numbers)
            return world

    verdict = decide(kit=Drifting())
    assert 4 == verdict.exit_code
    assert "runs are not deterministic" in verdict.reasons[0]


# ---- accepted risks -------------------------------------------------------------------------------------------------
def test_an_accepted_risk_does_not_decide_but_is_told(decide: Any) -> None:
    """On its last day too; its violations stay in the evidence, and the claim names it."""
    verdict = decide(waits=False, load_ms=0, accepted=(KNOWN,))
    assert ("GO", 0) == outcome(verdict)
    assert verdict.claim.endswith("no safety law was in question; accepted: T1")
    assert {"baseline": 0, "reported": FEW, "sweep": verdict.sweep.law_runs["T1"]} == verdict.accepted[0]["runs"]
    assert "T1" in [violation.law for violation in verdict.reported.violations]


def test_an_expired_risk_accepts_nothing(decide: Any) -> None:
    """The day after, the same scenario is NO-GO; the date is in the digest."""
    changes = {"waits": False, "load_ms": 0, "accepted": (KNOWN,)}
    verdict = decide(**changes, options={"today": "2026-11-23"})
    assert ("NO-GO", 1, True) == (*outcome(verdict), verdict.accepted[0]["expired"])


# ---- options, JSON, digest ------------------------------------------------------------------------------------------
def test_one_regime_replaces_all(decide: Any) -> None:
    """Reported plan, sweep and baseline are played in it; one that the scenario lacks is refused."""
    verdict = decide(options={"regime": "busy"})
    assert ({"busy": FEW}, {"busy": FEW}) == (verdict.reported.strata_runs, verdict.sweep.strata_runs)
    with pytest.raises(ValueError, match="'storm' is not in scenario toy; flat, busy"):
        decide(options={"regime": "storm"})


@pytest.mark.parametrize("wrong", [{"level": "noon"}, {"runs": 0}])
def test_impossible_options_are_refused(wrong: dict[str, Any]) -> None:
    """Before anything runs."""
    with pytest.raises(ValueError, match=r"noon|at least 1"):
        Options(today=TODAY, **wrong)


def test_progress_counts_every_run(decide: Any) -> None:
    """It ends at its total, which only the runs with a fault left out enlarge."""
    seen: list[tuple[int, int, int]] = []
    verdict = decide(options={"progress": lambda *counts: seen.append(counts)})
    assert list(range(1, verdict.run["runs"] + 1)) == [done for done, _, _ in seen]
    assert seen[-1][0] == seen[-1][1]


def test_the_digest_leaves_out_the_machine_and_nothing_else(decide: Any) -> None:
    """Two workers come to the same digest as one; another seed, date or scenario does not."""
    digest = verdict_digest(decide())
    assert digest == verdict_digest(decide(options={"workers": 2}))
    others = [decide(options={"seed": 2}), decide(options={"today": "2026-11-23"}), decide(load_ms=60)]
    assert digest not in [verdict_digest(other) for other in others]


def test_the_json_holds_the_contract(decide: Any) -> None:
    """The keys of the contract, money as decimal texts, and nothing that JSON cannot hold."""
    policy = replace(LENIENT, refunds=("lost",))
    plain = json.loads(json.dumps(verdict_json(decide(waits=False, load_ms=0, policy=policy))))
    contract = (
        "schema decision claim reasons accepted scenario level seed reported sweep bounds goals faults untested "
        "verdict_digest run"
    )
    assert set(contract.split()) <= set(plain)
    reported = plain["reported"]
    assert {
        "mean": "198.00",
        "p50": None,
        "p95": None,
        "p99": None,
        "max": "198.00",
        "by_kind": {"lost": "198.00"},
        "restored_mean": "0.00",
    } == (reported["harm_usd"])
    assert (reported["harm_usd"], {"p50": None, "max": 2}) == (reported["refund_usd"], reported["accounts"])
    assert {"law", "sentence", "class", "runs", "first_case"} <= set(reported["violations"][0])
    assert {"law", "runs_clean", "p_upper_95_family"} <= set(plain["bounds"][0])


def test_without_refunds_there_is_no_refund(decide: Any) -> None:
    """Null, and not zero."""
    assert verdict_json(decide())["reported"]["refund_usd"] is None


@pytest.mark.parametrize(
    ("ppm", "text"), [(13_609, "1.4 %"), (7_462, "0.75 %"), (548, "0.055 %"), (1_000_000, "100 %"), (7, "0.0007 %")]
)
def test_a_bound_is_rounded_up_to_two_digits(ppm: int, text: str) -> None:
    """A claim never says less than the bound."""
    assert text == percent_text(ppm)
