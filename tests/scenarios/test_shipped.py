"""The shipped scenarios: a template that is GO as it stands, a night that is not, and what one line changes."""

from __future__ import annotations

from functools import cache

import pytest

from drydock.harness.bundle import Ticket, case_of
from drydock.harness.result import RunResult
from drydock.harness.run import run_case
from drydock.models.events import AlarmRaised, IndexPublished, Liquidation, LoadCompleted, RollbackDone
from drydock.models.kit import VenueKit
from tests.nights import of, scenario

PARADEX, TEMPLATE = "paradex-2026-01-19", "db-scale-up"


@cache
def run(name: str, bundle: str, number: int, *sets: str) -> RunResult:
    """One run of a rehearsal, as ``gonogo`` numbers it, with its events."""
    case = case_of(Ticket(bundle, number), scenario(name, *sets), 0)
    result = run_case(case, VenueKit(), keep_trace=True)
    assert "" == result.error
    return result


def safety_broken(result: RunResult) -> set[str]:
    """The ids of the safety laws that were broken."""
    safety = {law.id for law in VenueKit().laws(scenario(TEMPLATE)) if law.law_class == "safety"}
    return {finding.law for finding in result.findings} & safety


# ---- the template ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("bundle", ["baseline", "reported", "sweep"])
def test_template_keeps_every_safety_law_in_each_bundle(bundle: str, number: int) -> None:
    """db-scale-up as it stands: the empty plan, the reported one, and draws of the sweep, under calm and crash."""
    assert set() == safety_broken(run(TEMPLATE, bundle, number))


@pytest.mark.parametrize("number", range(2))
def test_one_changed_line_turns_the_template_round(number: int) -> None:
    """readiness: process_up resets indices and takes accounts with them, and the finding says so."""
    result = run(TEMPLATE, "reported", number, "venue.funding.readiness=process_up")
    assert "F3" in safety_broken(result)
    assert all(finding.detail for finding in result.findings)


@pytest.mark.parametrize("guard", ["venue.safeguards.data_validation={}", "venue.safeguards.full_downtime=true"])
def test_lines_that_are_commented_out_can_be_switched_on(guard: str) -> None:
    """The second lines of defence leave a right night right."""
    assert set() == safety_broken(run(TEMPLATE, "reported", 0, guard))


def test_template_is_not_carried_by_luck() -> None:
    """Its slow loads are really slow: without the readiness gate some rows would come after the first tick."""
    result = run(TEMPLATE, "reported", 0)
    assert [True] == [evidence.exercised for evidence in result.evidence]


# ---- the Paradex night ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", range(2))
def test_paradex_night_is_found_out_and_rolled_back(number: int) -> None:
    """Indices of some markets are reset, accounts are liquidated, an alarm rings, the rollback restores the root."""
    result = run(PARADEX, "reported", number)
    assert {"F3", "L3", "M1"} <= safety_broken(result)
    assert of(result.events, Liquidation)
    assert of(result.events, AlarmRaised)
    back = of(result.events, RollbackDone)[0]
    assert (back.snapshot_high, back.snapshot_low) == (back.root_high, back.root_low)


@pytest.mark.parametrize("number", range(2))
def test_corrupted_markets_of_paradex_are_those_that_loaded_after_the_first_tick(number: int) -> None:
    """Market by market, some and not all of 117."""
    events = list(run(PARADEX, "reported", number).events or ())
    place, tick = next(
        (at, e) for at, e in enumerate(events) if isinstance(e.data, IndexPublished) and e.data.epoch == 2
    )
    late = {
        market
        for e in events[place:]
        if isinstance(e.data, LoadCompleted) and e.data.epoch == 2 and e.data.service == "funding"
        for market in e.data.markets.tolist()
    }
    before = of(events, IndexPublished)[0].indices
    reset = {m for m, i in zip(range(117), tick.data.indices.tolist(), strict=True) if abs(i) * 100 < abs(before[m])}
    assert 0 < len(late) < 117
    assert late == reset


@pytest.mark.parametrize("law", ["S1", "S2", "F6"])
def test_checks_that_most_teams_have_are_silent_in_the_paradex_night(law: str) -> None:
    """Money, positions and funding sum up as ever."""
    assert law not in safety_broken(run(PARADEX, "reported", 0))
    assert run(PARADEX, "reported", 0).checks[law] > 0


def test_paradex_night_without_faults_was_lucky() -> None:
    """The same venue with a warm database: no safety law is broken."""
    assert set() == safety_broken(run(PARADEX, "baseline", 0))
