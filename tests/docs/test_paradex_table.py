"""The Paradex table: the rule it states holds account by account, and the committed numbers are those of the code."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("population.accounts=300", "population.fills_per_minute=6", "runbook.before_ms=30s")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """scripts/paradex_table.py as a module."""
    spec = importlib.util.spec_from_file_location("paradex_table", ROOT / "scripts" / "paradex_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["paradex_table"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("mean_ms", [2_000, 5_000])
def test_corrupted_are_the_late_markets_and_liquidated_whom_the_rule_names(
    script: ModuleType, mean_ms: int, seed: int
) -> None:
    """Corrupted are exactly the markets whose row came after the first tick, liquidated exactly whom the rule names."""
    run = script.measure(script.scenario_of(SMALL), mean_ms, seed)
    assert run.late == run.corrupted
    assert run.due == run.liquidated
    assert 0 == run.mismatches
    assert 0 < len(run.corrupted) < run.markets == 117


def test_a_usual_restart_corrupts_nothing(script: ModuleType) -> None:
    """At half a second a row no market is late, none corrupted, nobody liquidated: lucky so far."""
    run = script.measure(script.scenario_of(SMALL), 500, 1)
    assert frozenset() == run.late == run.corrupted
    assert frozenset() == run.due == run.liquidated


def test_a_mismatch_would_be_counted(script: ModuleType) -> None:
    """The table's count of mismatches is not zero by construction: whoever is on one side only is counted."""
    none: frozenset[int] = frozenset()
    run = script.Measured(3, 10, none, none, frozenset({1, 2}), frozenset({2, 3}))
    assert 2 == run.mismatches


def test_the_check_complains_about_another_table(script: ModuleType) -> None:
    """A committed row that a fresh sample does not fit is told; one that is missing too."""
    few, none = frozenset({1, 2}), frozenset[int]()
    fresh = {2_000: [script.Measured(117, 2004, few, few, none, none)]}
    assert [] == script.complaints("| 2 s | 3 [1-9] | 3 % | 16 [0-40] |", fresh)
    assert 1 == len(script.complaints("| 2 s | 30 [20-40] | 26 % | 16 [0-40] |", fresh))
    assert ["the table has no row for 2000 ms"] == script.complaints("", fresh)


def test_the_committed_table_has_a_row_for_every_latency(script: ModuleType) -> None:
    """The page carries the generated table: every latency, zero mismatches, zero runs with other markets corrupted."""
    stands = script.committed()
    rows = [round(1000 * float(row[0])) for row in script.ROW.findall(stands)]
    assert list(script.MEANS_MS) == rows
    assert ", 0 mismatches" in stands
    assert "first tick: 0 of" in stands
