"""F7 to F9 beyond their canaries: what they let pass, and what a rollback does to what they remember."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.faults.crash import Crash
from drydock.faults.stale_read import StaleRead
from drydock.harness.run import run_case
from drydock.models.chain import Chain, Snapshot
from drydock.models.funding_engine import FundingEngine
from drydock.models.invariants.canaries.build import GATE_ON_LOADS, venue_with
from drydock.models.invariants.canaries.gaps import CAP_BUILT_IN, CAP_DECLARED
from drydock.models.invariants.canaries.maintenance import ROLLBACK
from drydock.models.invariants.gaps import NoAccrualInPause
from drydock.models.kit import VenueKit
from drydock.models.market_data import MarketData
from tests.nights import bench, broken, case_of, play

each_seed = pytest.mark.parametrize("seed", [1, 2, 3])


def test_pause_is_judged_only_where_the_venue_declares_a_cap() -> None:
    """No venue documented one before April 2026: without a declaration F7 has nothing to hold it against."""
    assert not NoAccrualInPause().applicable(case_of(bench()))
    assert NoAccrualInPause().applicable(case_of(bench(CAP_DECLARED)))


@each_seed
def test_index_that_a_replica_served_late_did_not_accrue(seed: int) -> None:
    """A row of a minute ago is older than the last tick, and the market had it: F4's business, not F7's."""
    plan = (StaleRead("start-services", stale_ms=60_000),)
    assert "F7" not in broken(play(CAP_DECLARED, CAP_BUILT_IN, GATE_ON_LOADS, plan=plan, seed=seed))


@each_seed
def test_pause_after_a_rollback_is_measured_from_the_rollback(seed: int) -> None:
    """The indices go back with the chain: what was erased is no accrual, and what follows is none either."""
    assert {"F7", "F9"} & broken(play(CAP_DECLARED, CAP_BUILT_IN, *ROLLBACK, seed=seed)) == set()


class FiresTwice(FundingEngine):
    """Two timers from the first restart on."""

    def on_ready(self) -> None:
        super().on_ready()
        super().on_ready()


class PublishesTwice(MarketData):
    """Each price is published by two timers."""

    def on_ready(self) -> None:
        super().on_ready()
        super().on_ready()


@pytest.mark.parametrize("part", [{"funding": FiresTwice}, {"market_data": PublishesTwice}])
def test_second_timer_of_any_service_is_found(part: dict[str, type]) -> None:
    """F8 looks at each service by itself."""
    result = run_case(case_of(bench()), VenueKit(), world_maker=venue_with(**part))
    assert "" == result.error
    assert "F8" in broken(result)


@each_seed
@pytest.mark.parametrize("target", ["funding", "liquidator", "market_data"])
def test_restart_begins_a_new_schedule(target: str, seed: int) -> None:
    """A process that dies and is back within a period fires sooner than that after its predecessor, and rightly."""
    plan = (Crash("resume", target, offset_ms=10_000, restart_ms=100),)
    assert "F8" not in broken(play(plan=plan, seed=seed))


class RestoresForeignIndices(Chain):
    """A rollback leaves every position with the index of a market that is another."""

    def restore(self, snapshot: Snapshot) -> None:
        super().restore(snapshot)
        self.holdings.cached[:] = np.roll(self.holdings.cached, 1)


def test_positions_that_a_rollback_restores_wrongly_are_found() -> None:
    """F9 goes back with the chain, and compares what is restored with what it kept at the snapshot."""
    result = run_case(case_of(bench(*ROLLBACK)), VenueKit(), world_maker=venue_with(chain=RestoresForeignIndices))
    assert "" == result.error
    assert "F9" in broken(result)
