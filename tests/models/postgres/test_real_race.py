"""The night of 19 January on real servers: a table that the copy has not reached yet, read by a service too early."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.faults.early_start import EarlyStart
from drydock.harness.result import RunResult
from drydock.harness.run import run_case
from drydock.models.events import IndexPublished, LoadCompleted
from drydock.models.kit import VenueKit
from tests.nights import broken, case_of, of, scenario

MARKETS = 12
DOZEN = (
    "venue.markets.only=[BTC-USD-PERP, ETH-USD-PERP, SOL-USD-PERP, PAXG-USD-PERP, HYPE-USD-PERP, XRP-USD-PERP,"
    " ADA-USD-PERP, AVAX-USD-PERP, BNB-USD-PERP, DOGE-USD-PERP, LINK-USD-PERP, SUI-USD-PERP]"
)
FEW = (DOZEN, "population.accounts=50", "runbook.on_incident=null")
"""Its copy of twenty minutes; a tenth of its markets, few people, and no rollback, which comes when all is over."""
EARLY = EarlyStart(step="start-services", early_ms_max=600_000)
NO_ROW_YET, SOME_ROWS = 2, 1
"""Seeds: the engine is started while the copy is at the table before, and in the middle of its own."""


def night(name: str, seed: int, kit: VenueKit) -> RunResult:
    """One night of these few, on this kit's database."""
    case = case_of(scenario(name, *FEW), (EARLY,), seed, "flat" if name.endswith("19") else "calm")
    result = run_case(case, kit, keep_trace=True)
    assert result.error == ""
    return result


def absent(result: RunResult) -> set[int]:
    """The markets whose row the restarted engine asked for, and the database had none."""
    loads = [load for load in of(result.events, LoadCompleted) if (load.service, load.epoch) == ("funding", 2)]
    return {market for load in loads for market in load.markets[load.found == 0].tolist()}


def near_zero(result: RunResult) -> set[int]:
    """The markets whose first index after the restart is a hundredth of what it was before, or less."""
    ticks = of(result.events, IndexPublished)
    before, after = ticks[0].indices, next(tick for tick in ticks if tick.epoch == 2)
    reset = np.abs(after.indices) < np.abs(before[after.markets]) // 100
    return set(after.markets[reset].tolist())


@pytest.mark.parametrize("seed", [NO_ROW_YET, SOME_ROWS])
def test_zero_index_appears_on_the_real_database_from_the_real_race(seed: int, kit: VenueKit) -> None:
    """SELECT finds no row, ``state.get(market, 0)`` makes it zero, and that is published: market by market."""
    result = night("paradex-2026-01-19", seed, kit)
    missing = absent(result)
    assert (seed == NO_ROW_YET) == (len(missing) == MARKETS)
    assert set() < missing <= near_zero(result)
    assert "F3" in broken(result)
    assert night("paradex-2026-01-19", seed, VenueKit()).digest == result.digest


def test_same_race_does_nothing_to_the_hardened_venue(kit: VenueKit) -> None:
    """Nothing runs until the copy is complete, and no tick comes before all rows are there: the control."""
    result = night("paradex-2026-01-19-hardened", NO_ROW_YET, kit)
    assert set() == absent(result) == near_zero(result)
    assert set() == broken(result)
