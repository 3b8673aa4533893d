"""The ledger of harm: what it charges, what it never charges, and when it is empty."""

from __future__ import annotations

from functools import cache

import pytest

from drydock.faults.slow_load import SlowLoad
from drydock.faults.stale_read import StaleRead
from drydock.harness.port import Entry, Fault
from drydock.harness.result import RunResult
from drydock.models.accounts import VAULT
from drydock.models.events import Fill, Liquidation
from drydock.models.ledger import HARM_KINDS
from tests.nights import broken, play

COLD = SlowLoad("start-services", mean_ms=20_000)
IDLE: dict[str, tuple[Fault, bool]] = {
    "no slower than usual": (SlowLoad("start-services", mean_ms=100, sigma_ppm=0), False),
    "stale by a time in which nobody wrote": (StaleRead("start-services", stale_ms=100), True),
}
"""Faults that change nothing, and whether an operation passed what they bend."""
EVEN_LOADS = "venue.funding.load_sigma_ppm=0"
WRONGED = ("venue.funding.readiness=process_up", "venue.safeguards.mode_matrix=false")
ROLLED_BACK = (
    *WRONGED,
    "runbook.night_ms=20m",
    "runbook.on_incident={detect_ms_min: 60s, detect_ms_max: 90s, decide_ms_min: 60s, decide_ms_max: 90s, steps: ["
    "{step: set_mode, name: incident, mode: maintenance}, {step: rollback}, {step: resume, name: again}]}",
)
NIGHTS = {"healthy": (), "wronged": WRONGED, "rolled back": ROLLED_BACK}
each_night = pytest.mark.parametrize("name", NIGHTS)
each_seed = pytest.mark.parametrize("seed", [1, 2, 3])


@cache
def night(name: str, seed: int) -> RunResult:
    return play(*NIGHTS[name], plan=(COLD,), seed=seed)


def lines(result: RunResult, kind: str) -> list[Entry]:
    return [entry for entry in result.entries if entry.kind == kind]


@each_seed
@each_night
def test_harm_is_of_known_kinds_one_line_for_an_account_and_a_kind(name: str, seed: int) -> None:
    """Every line has a known kind and a positive amount, belongs to a person, and stands once."""
    entries = night(name, seed).entries
    assert {entry.kind for entry in entries} <= set(HARM_KINDS)
    assert all(entry.amount_quantums > 0 and entry.account != VAULT for entry in entries)
    assert len(entries) == len({(entry.account, entry.kind) for entry in entries})


@each_seed
def test_night_without_a_violation_has_no_harm(seed: int) -> None:
    """Guards on, prices calm: nothing is charged."""
    result = night("healthy", seed)
    assert (set(), ()) == (broken(result), result.entries)


@each_seed
@each_night
def test_each_line_names_the_events_that_carry_it(name: str, seed: int) -> None:
    """A line points at events of the run: liquidations and fills for what was taken, nothing for debt at the end."""
    result = night(name, seed)
    known = {event.identity: type(event.data) for event in result.events or ()}
    for entry in result.entries:
        assert all(identity in known for identity in entry.events)
        assert bool(entry.events) == (entry.kind != "bad_debt")
    assert {Liquidation} >= {known[e] for entry in lines(result, "liquidation") for e in entry.events}
    assert {Liquidation, Fill} >= {known[e] for entry in lines(result, "funding") for e in entry.events}


@each_seed
def test_ledger_charges_the_liquidations_that_l1_finds(seed: int) -> None:
    """No other liquidation has a price, and nobody whom L1 finds wronged goes without a line.

    Whom the wrong index had made bankrupt pays no penalty; the funding that was realised is then all of his harm.
    """
    result = night("wronged", seed)
    found = {finding.events[0] for finding in result.findings if finding.law == "L1"}
    wronged = {event.data.account for event in result.events or () if event.identity in found}
    assert wronged
    assert wronged <= {entry.account for entry in result.entries}
    assert found >= {identity for entry in lines(result, "liquidation") for identity in entry.events}


@each_seed
def test_rollback_restores_what_was_taken_and_no_more(seed: int) -> None:
    """What was done after the snapshot comes back; what was done before it, or by the rollback itself, does not."""
    result = night("rolled back", seed)
    taken = [entry for entry in result.entries if entry.kind in ("liquidation", "funding")]
    assert sum(entry.restored_quantums for entry in taken) > 0
    assert all(0 <= entry.restored_quantums <= entry.amount_quantums for entry in result.entries)
    assert 0 == sum(entry.restored_quantums for entry in lines(result, "rollback"))


def test_nothing_is_restored_without_a_rollback() -> None:
    """Harm that no rollback took back stays."""
    assert {0} == {entry.restored_quantums for entry in night("wronged", 1).entries}


@each_seed
@pytest.mark.parametrize("fault", IDLE)
def test_fault_that_does_nothing_changes_nothing(fault: str, seed: int) -> None:
    """Exercised or not: digest, findings and ledger are those of the empty plan."""
    bent, is_exercised = IDLE[fault]
    idle = play(EVEN_LOADS, *WRONGED, plan=(bent,), seed=seed)
    empty = play(EVEN_LOADS, *WRONGED, seed=seed)
    assert (empty.digest, empty.findings, empty.entries) == (idle.digest, idle.findings, idle.entries)
    assert [is_exercised] == [evidence.exercised for evidence in idle.evidence]


def test_same_case_has_the_same_ledger() -> None:
    """Two runs of one case agree to the last line."""
    again = play(*NIGHTS["wronged"], plan=(COLD,), seed=1)
    assert night("wronged", 1).entries == again.entries
    assert night("wronged", 1).digest == again.digest
