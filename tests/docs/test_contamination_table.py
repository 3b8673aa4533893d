"""The table of contamination: what it says is what was measured, and its check complains where that does not fit."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SMALL = (
    "population.accounts=300",
    "population.open_interest_usd=100000000 USD",
    "population.fills_per_minute=60",
    "runbook.before_ms=30s",
    "runbook.on_incident.detect_ms_min=8m",
    "runbook.on_incident.detect_ms_max=9m",
    "runbook.on_incident.decide_ms_min=2m",
    "runbook.on_incident.decide_ms_max=3m",
)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """scripts/contamination_table.py as a module."""
    spec = importlib.util.spec_from_file_location("contamination_table", ROOT / "scripts" / "contamination_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["contamination_table"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_night_of_a_small_venue_spreads_until_it_is_halted(script: ModuleType) -> None:
    """Accounts join minute by minute, for as long as the operators need to understand."""
    spread = script.measure(script.scenario_of(SMALL), "flat", 1)
    accounts = [row.accounts for row in spread.minutes]
    assert sorted(accounts) == accounts
    assert accounts[0] < accounts[-1]
    assert 8 <= len(accounts) <= 9


def test_table_and_its_check_agree(script: ModuleType) -> None:
    """A table fits the sample that it was made of, and no other's; a missing row is told."""
    minutes = tuple(script.Minute(n, 10 * n, 2 * n, 0, 5_000_000, 0, 0) for n in range(1, 11))
    runs = {"flat": [script.Spread(0, minutes, 0)], "calm": [script.Spread(0, minutes, 10**12)]}
    text = script.table(runs)
    assert (50, 50, 50, 10, 10, 10) == script.rows_of(text)[("calm", 5)]
    assert [] == script.complaints(text, runs)
    fewer = tuple(script.Minute(n, 9 * n, 2 * n, 0, 5_000_000, 0, 0) for n in range(1, 11))
    assert 4 == len(script.complaints(text, {"flat": [script.Spread(0, fewer, 0)]}))
    assert 4 == len(script.complaints("", {"flat": [script.Spread(0, minutes, 0)]}))
    assert "| $200 | 0 [0-0] | 0 [0-0] |" in text
    assert "| $200 | 10 [10-10] | 10 [10-10] |" in text


def test_the_committed_table_has_every_regime_and_grows(script: ModuleType) -> None:
    """The page carries the generated table: both regimes, touched accounts rising from minute to minute."""
    rows = script.rows_of(script.committed())
    for regime in script.REGIMES:
        accounts = [rows[(regime, minute)][0] for minute in script.MINUTES if (regime, minute) in rows]
        assert len(accounts) >= 5
        assert sorted(accounts) == accounts
