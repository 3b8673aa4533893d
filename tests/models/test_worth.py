"""What everybody is worth in the end, refunds line by line, and the twin: on the venue."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drydock.faults.crash import Crash
from drydock.faults.slow_load import SlowLoad
from drydock.harness.money import owed_by_kind, refunds
from drydock.harness.port import Case
from drydock.harness.refunds import RefundFile
from drydock.harness.result import RunResult
from drydock.harness.run import run_case
from drydock.harness.sim import Sim
from drydock.harness.twin import second_opinion
from drydock.harness.verdict import Options, rehearse
from drydock.models.accounts import VAULT
from drydock.models.events import L1Credited
from drydock.models.kit import VenueKit
from drydock.models.ledger import HARM_KINDS
from drydock.models.world import VenueWorld
from tests.nights import bench, case_of, of

AS_HAPPENED = (
    "venue.funding.readiness=process_up",
    "venue.safeguards.price_freshness=null",
    "runbook.steps.6.gate=[processes_up]",
    "venue.markets.only=[]",
    f"policy.refunds=[{','.join(HARM_KINDS)}]",
)
LATE = SlowLoad(step="start-services", mean_ms=9_000)
NOBODY_TRADES = ("population.fills_per_minute=0",)
KIT = VenueKit()


def worth_of(case: Case) -> dict[int, int]:
    """What the accounts are worth when this case's night is over."""
    result = run_case(case, KIT, keep_worth=True)
    assert ("", False) == (result.error, result.worth is None)
    return dict(result.worth or {})


def test_worth_is_equity_at_the_truth_and_leaves_the_vault_out() -> None:
    """On a quiet night without transfers it is what the shadow book says, which knows nothing of the chain."""
    kept: list[VenueWorld] = []

    def make(case: Case, sim: Sim) -> VenueWorld:
        kept.append(VenueWorld(case, sim))
        return kept[0]

    case = case_of(bench("population.transfers_per_hour=0", *NOBODY_TRADES))
    result = run_case(case, KIT, keep_worth=True, world_maker=make)
    equity = kept[0].truth.shadow.value(result.ended_ms).equity.tolist()
    assert result.worth == {account: equity[account] for account in range(len(equity)) if account != VAULT}


def test_a_transfer_makes_nobody_richer_or_poorer() -> None:
    """Deposits and withdrawals are undone: whoever moved money has what he had without moving it."""
    moving, still = ("population.transfers_per_hour=600", "population.transfers_per_hour=0")
    events = run_case(case_of(bench(moving, *NOBODY_TRADES), regime="flat"), KIT, keep_trace=True).events
    assert of(events, L1Credited)
    moved, stayed = (worth_of(case_of(bench(sets, *NOBODY_TRADES), regime="flat")) for sets in (moving, still))
    assert moved == stayed


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_fault_that_does_nothing_changes_no_line_and_no_worth(seed: int, tmp_path: Path) -> None:
    """Before or after a harmful one: the same refunds to the byte, the same worth of everybody."""
    scenario = bench(*AS_HAPPENED)
    idle = Crash(step="scale-up", target="funding")
    texts, worths = [], []
    for number, plan in enumerate(((LATE,), (LATE, idle), (idle, LATE))):
        result = run_case(Case(scenario, "calm", plan, seed), KIT, keep_worth=True)
        with RefundFile(str(tmp_path / str(number))) as file:
            file.write(refunds(result.entries, HARM_KINDS), scenario, KIT)
        texts.append((tmp_path / str(number)).read_bytes())
        worths.append(result.worth)
    assert texts[0] == texts[1] == texts[2]
    assert worths[0] == worths[1] == worths[2]
    assert texts[0].count(b"\n") > 1


def test_refunds_of_a_venue_add_up_to_its_verdict() -> None:
    """Every run's lines are its refund: total, kinds and accounts of the reported plan, to the last 1e-6 USD."""
    kept = []
    scenario = replace(bench(*AS_HAPPENED), reported=(LATE,), reported_regime="calm", threats=(), regimes=("calm",))
    verdict = rehearse(scenario, KIT, Options(today="2026-11-22", runs=3, owed_to=kept.append))
    assert verdict.reported is not None
    assert verdict.reported.refund is not None
    owed = [run.owed for run in kept if run.ticket.bundle == "reported"]
    totals = [sum(owed_by_kind(lines).values()) for lines in owed]
    refund = verdict.reported.refund
    assert (refund.mean, refund.maximum) == (sum(totals) // 3, max(totals))
    assert verdict.reported.accounts_max == max(len({line.account for line in lines}) for lines in owed)
    assert set(refund.by_kind) == {line.kind for lines in owed for line in lines}


def test_the_twin_misses_most_from_the_wrongly_liquidated() -> None:
    """Who was liquidated at a wrong index has less than in the night without faults, far above the noise."""
    case = case_of(bench(*AS_HAPPENED), (LATE,), 1)
    result: RunResult = run_case(case, KIT, keep_worth=True)
    twin = second_opinion(case, KIT, result)
    wronged = {entry.account for entry in result.entries if entry.kind == "liquidation"}
    assert twin.floor is not None
    assert twin.gap.need > 100 * max(1, twin.floor.need)
    assert wronged
    assert wronged <= {account for account, amount in twin.gap.differences.items() if amount > 1_000_000_000}


def test_a_night_without_faults_is_its_own_twin() -> None:
    """Nothing is missing."""
    case = case_of(bench())
    assert {} == second_opinion(case, KIT, run_case(case, KIT, keep_worth=True)).gap.differences
