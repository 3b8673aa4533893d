"""The Paradex night, reduced to twelve markets and two hundred accounts: which laws see it, and which cannot."""

from __future__ import annotations

from functools import cache

import pytest

from drydock.harness.port import Case
from drydock.harness.result import RunResult
from drydock.harness.run import run_case
from drydock.models.events import BlockSealed, RollbackDone
from drydock.models.kit import VenueKit
from drydock.models.model import model_of
from tests.nights import broken, of, scenario

NIGHT = "paradex-2026-01-19"
each_seed = pytest.mark.parametrize("seed", [1, 2])


@cache
def night(seed: int, *, is_cold: bool) -> RunResult:
    """Prices are flat; the database is as cold as reported, or as warm as on any other day."""
    names = model_of(scenario(NIGHT)).markets.names[:12]
    few = scenario(
        NIGHT,
        f"venue.markets.only=[{', '.join(names)}]",
        "population.accounts=200",
        "population.open_interest_usd=64000000 USD",
        "population.fills_per_minute=30",
    )
    plan = few.reported if is_cold else ()
    result = run_case(Case(few, few.reported_regime, plan, seed), VenueKit(), keep_trace=True)
    assert "" == result.error
    return result


@each_seed
def test_laws_on_indices_and_liquidations_see_wave_one(seed: int) -> None:
    """Indices jump and are reset, rows are published unloaded, healthy accounts are liquidated, in a forbidden mode."""
    assert {"F1", "F3", "L1", "L3", "M1"} <= broken(night(seed, is_cold=True))


@each_seed
@pytest.mark.parametrize("law", ["S1", "S2", "F6"])
def test_conservation_is_silent_through_wave_one(law: str, seed: int) -> None:
    """Money, positions and funding sum up as ever: the checks that most teams have judge all night and see nothing."""
    result = night(seed, is_cold=True)
    assert law not in broken(result)
    assert result.checks[law] >= len(of(result.events, BlockSealed)) // 2


@each_seed
def test_rollback_of_wave_one_forgets_nothing_but_the_pages(seed: int) -> None:
    """It restores the snapshot's state root exactly, orders included; pages go on showing heights that are no more."""
    result = night(seed, is_cold=True)
    (done,) = of(result.events, RollbackDone)
    assert (done.snapshot_high, done.snapshot_low) == (done.root_high, done.root_low)
    assert not {"M3", "M7"} & broken(result)
    found = [finding.detail for finding in result.findings if finding.law == "M6"]
    assert [f"after the rollback to {done.height} pages refers to {done.pages_height}"] == found
    assert "V1" in broken(result)


@each_seed
def test_same_venue_is_lucky_where_the_database_is_warm(seed: int) -> None:
    """Half a second a row instead of four: all are there before the first tick; the front page shows zero anyway."""
    assert {"V2"} == broken(night(seed, is_cold=False))
