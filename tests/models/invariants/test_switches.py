"""Safeguards against the first wave, one at a time, on the bench venue: what stops it, and what does not."""

from __future__ import annotations

import pytest

from drydock.faults.slow_load import SlowLoad
from drydock.harness.result import RunResult
from tests.nights import broken, play

SLOW_LOAD = (SlowLoad("start-services", mean_ms=20_000),)
AS_HAPPENED = ("venue.funding.readiness=process_up", "venue.safeguards.mode_matrix=false")
"""The defects of that night; everything else is the bench venue's."""

WAVE_ONE = {"F1", "F3", "L1", "L3", "M1"}
GUARDS = {
    "readiness gate, rows loaded": "venue.funding.readiness=all_loaded",
    "readiness gate, rows checked against the chain": "venue.funding.readiness=checksum_verified",
    "data validation": "venue.safeguards.data_validation={}",
}
each_seed = pytest.mark.parametrize("seed", [1, 2, 3])


def night(*sets: str, seed: int) -> RunResult:
    """A night of the bench venue with a cold database."""
    return play(*AS_HAPPENED, *sets, plan=SLOW_LOAD, seed=seed)


@each_seed
def test_wave_one_comes_where_no_guard_is_on(seed: int) -> None:
    """Without a guard, a cold database resets indices, and accounts are liquidated while prices are calm."""
    assert WAVE_ONE <= broken(night(seed=seed))


@each_seed
@pytest.mark.parametrize("guard", GUARDS)
def test_each_guard_stops_wave_one_alone(guard: str, seed: int) -> None:
    """One guard on, all others off: no law is broken, the window is kept, and people trade again."""
    result = night(GUARDS[guard], seed=seed)
    assert set() == broken(result)
    assert (1, 1) == (result.goals["G1"], result.goals["G2"])


@each_seed
def test_full_downtime_alone_does_not_stop_wave_one(seed: int) -> None:
    """It keeps services down until the copy is complete; rows that load slowly afterwards are not its business."""
    assert WAVE_ONE <= broken(night("venue.safeguards.full_downtime=true", seed=seed))


@each_seed
def test_mode_matrix_alone_stops_only_what_it_forbids(seed: int) -> None:
    """Nobody is liquidated in a forbidden mode, yet indices are reset all the same, and later accounts with them."""
    found = broken(night("venue.safeguards.mode_matrix=true", seed=seed))
    assert {"F1", "F3", "L1", "M1"} <= found
    assert not {"L3", "M2"} & found
