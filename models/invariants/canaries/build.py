"""How a canary is put together: a case on the bench venue, and a venue with a part exchanged."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from drydock.harness.port import Case, Scenario, WorldMaker
from drydock.harness.scenario import load_scenario
from drydock.models.world import VenueWorld


@cache
def bench(*sets: str) -> Scenario:
    """The packaged scenario ``bench`` with these settings, read once in each process."""
    return load_scenario("bench", sets)


def on_bench(*sets: str, regime: str = "calm") -> Callable[[int], Case]:
    """A case on the bench venue with these settings and no fault: what is wrong is the build, or the venue itself."""

    def case(seed: int) -> Case:
        return Case(bench(*sets), regime, (), seed)

    return case


def venue_with(**parts: Callable[..., Any]) -> WorldMaker:
    """The venue with other parts than its own, by the name that follows ``make_`` in :class:`VenueWorld`."""

    def instead(part: Callable[..., Any]) -> Callable[..., Any]:
        return lambda world, *given: part(world, *given)

    unknown = [name for name in parts if not hasattr(VenueWorld, f"make_{name}")]
    if unknown:
        raise LookupError(f"a venue makes no part named {', '.join(unknown)}")
    return type("WrongBuild", (VenueWorld,), {f"make_{name}": instead(part) for name, part in parts.items()})


# ---- settings that several canaries share ---------------------------------------------------------------------------
COLD_DATABASE = ("venue.funding.load_mean_ms=20s", "venue.funding.load_sigma_ppm=0")
"""Every row takes 20 s to load: four funding ticks."""

NO_READINESS_GATE = "venue.funding.readiness=process_up"
GATE_ON_LOADS = "venue.funding.readiness=all_loaded"

WITH_BOOK = "venue.order_book={}"
"""The bench venue has none by itself."""

RAISED_MARGIN = "venue.liquidation.taker_fee_ppm=20%"
"""The closing fee is part of the maintenance margin: at 20 % everybody above fivefold leverage is under margin at once,
at the venue's prices and at the true ones, whatever the seed."""
