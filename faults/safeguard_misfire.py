"""SafeguardMisfire: a safeguard fires although nothing is wrong, and takes away what people need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.guards import FIRE
from drydock.models.model import model_of
from drydock.models.perp.units import PPM
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld

MISFIRING = ("circuit_breaker", "data_validation", "price_freshness", "withdrawal_gate")


@dataclass(frozen=True, slots=True)
class SafeguardMisfire(LastingFault):
    """Of the times that the safeguard is asked, ``share_ppm`` find it firing for nothing, by seed.

    It then does what it does when it is right: liquidations halt, a tick is refused, an order is turned down, nothing
    is paid out. No value changes.
    """

    kind: ClassVar[str] = "safeguard_misfire"
    sentence: ClassVar[str] = "a safeguard fires falsely: circuit breaker, validation, price freshness, withdrawal gate"
    keywords: ClassVar[tuple[str, ...]] = (
        "false positive",
        "circuit breaker",
        "sentinel",
        "availability",
        "Aave",
        "X23",
    )

    step: str
    target: str = "price_freshness"
    offset_ms: Annotated[int, Range(-120_000, 600_000)] = 0
    share_ppm: Annotated[int, Range(1_000, 1_000_000, log=True)] = 1_000_000
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 300_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Safeguards that the venue has switched on."""
        guards = model_of(scenario).venue.safeguards
        return tuple(name for name in MISFIRING if getattr(guards, name) is not None)

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Lets its target fire."""
        stream = world.sim.rng(self.stream_name())

        def fire(passage: Passage) -> bool:
            if passage.label != self.target or stream.below(PPM) >= self.share_ppm:
                return False
            passage.policy = FIRE
            return True

        yield "safeguard.fire", fire
