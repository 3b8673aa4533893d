"""The doctor: a proof that holds, and one that shows where it breaks."""

from __future__ import annotations

import itertools
from types import ModuleType
from typing import Any

import pytest

from drydock.harness import registry
from drydock.harness.doctor import diagnose, machine_facts
from drydock.harness.port import Case
from drydock.harness.run import HarnessError, run_case

RACE_LOST = "2c9622931cb0feb79a7c5e8fa989131b"
RACE_WON = "eefc02a67566233ccc9b8682ce64c274"


@pytest.mark.digest
def test_the_same_case_has_the_same_digest_everywhere(toy: ModuleType) -> None:
    """Twice here, and in another process under another PYTHONHASHSEED."""
    scenario = toy.scenario(waits=False)
    diagnosis = diagnose(lambda: Case(scenario, "flat", scenario.reported, 1))
    assert [True, True] == [proof.holds for proof in diagnosis.proofs]
    assert diagnosis.is_healthy


@pytest.mark.digest
def test_the_toys_digest_is_pinned(toy: ModuleType) -> None:
    """The same on every interpreter and processor, whichever lane the seed lets win: saved cases must stay true."""
    scenario = toy.scenario(waits=False, load_ms=toy.TICK_MS, reported=())
    digests = [run_case(Case(scenario, "busy", (), seed), toy.ToyKit()).digest for seed in range(4)]
    assert [RACE_LOST, RACE_WON, RACE_WON, RACE_LOST] == digests


def test_a_proof_that_fails_names_the_first_differing_event(toy: ModuleType) -> None:
    """A case that is another one the second time: the doctor shows where the runs part."""
    load_ms = itertools.count(200, 100)

    def make() -> Case:
        return Case(toy.scenario(load_ms=next(load_ms)), "flat", (), 1)

    diagnosis = diagnose(make)
    assert not diagnosis.is_healthy
    assert "1000 ms runbook:service.restarted#1 Restarted(loads_ms=200)" in diagnosis.proofs[0].divergence
    assert "Restarted(loads_ms=300)" in diagnosis.proofs[0].divergence


def test_a_proof_that_cannot_be_run_is_a_harness_error(toy: ModuleType) -> None:
    """A failing run proves neither."""
    scenario = toy.scenario(trouble="law raises")
    with pytest.raises(HarnessError, match="the law lost its way"):
        diagnose(lambda: Case(scenario, "flat", (), 1))


def test_a_failure_of_the_other_process_is_told(toy: ModuleType, monkeypatch: Any) -> None:
    """Its last line, and no traceback."""
    monkeypatch.setattr(registry, "loaded", lambda: ("/nowhere/at_all.py",))
    with pytest.raises(HarnessError, match=r"other process failed: .*at_all\.py: is no Python file"):
        diagnose(lambda: Case(toy.scenario(), "flat", (), 1))


def test_facts_name_what_a_report_needs() -> None:
    """Interpreter, libraries, machine, cores."""
    assert {"python", "numpy", "simpy", "machine", "cores", "hash_seed"} == set(machine_facts())
