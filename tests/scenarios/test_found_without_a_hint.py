"""A search that knows nothing of 19 January comes to the zero index of that night, and to the fault that it takes."""

from __future__ import annotations

from drydock.harness import registry
from drydock.harness.explore.found import Failure
from drydock.harness.explore.search import ExploreOptions, explore
from drydock.harness.scenario import load_scenario
from drydock.harness.shrink.parts import parts_of
from drydock.harness.shrink.shrink import shrink

REDUCED = (
    "venue.markets.only=[BTC-USD-PERP,ETH-USD-PERP,PAXG-USD-PERP]",
    "population.accounts=40",
    "population.open_interest_usd=2560000USD",
    "population.fills_per_minute=12",
)
"""As docs/incidents/paradex.md has it: a search needs neither all markets nor all people."""


def test_a_few_runs_without_a_hint_show_the_zero_index_and_one_fault_is_enough() -> None:
    """No law is asked for, no kind, no threat; what is not needed is left out, and without the rest it passes."""
    scenario, kit = load_scenario("paradex-2026-01-19", REDUCED), registry.kit("venue")
    failures: list[Failure] = []
    explored = explore(scenario, kit, ExploreOptions(budget=10, seed=2, found=failures.append))
    assert not explored.errors
    zero = next(failure for failure in failures if failure.signature.law == "F3")
    smallest = shrink(zero.case, zero.signature, kit, max_time_s=None, is_rough=True)
    assert smallest.is_minimal
    assert 1 == len(parts_of(smallest.case))
    assert zero.signature in smallest.whole
