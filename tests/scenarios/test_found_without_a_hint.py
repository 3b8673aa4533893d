"""A search that knows nothing of 19 January comes to the zero index of that night, and to the fault that it takes."""

from __future__ import annotations

import math

from drydock.harness import registry
from drydock.harness.explore.found import Failure
from drydock.harness.explore.minima import Boxes, Minima
from drydock.harness.explore.minimum import Minimum
from drydock.harness.explore.search import ExploreOptions, explore
from drydock.harness.scenario import load_scenario

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

    def tell(minimum: Minimum) -> None:
        if minimum.is_single:  # its other runs, and rounder numbers, are asked about elsewhere
            minima.stop()

    minima = Minima(kit, scenario, Boxes(box_s=math.inf), tell)

    def take(failure: Failure) -> None:
        if failure.signature.law == "F3":  # some twenty other laws are broken as well, and take their turns
            minima.take(failure)

    with minima:
        explored = explore(scenario, kit, ExploreOptions(budget=5, seed=4, found=take, again=take))
        minima.stop()
    assert not explored.errors
    (zero,) = minima.found
    assert zero.shrunk.is_minimal
    assert 1 == zero.size
    assert zero.failure.signature in zero.shows
