"""GatewayLoss: the front door is gone for a share of the clients, while the venue behind it lives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.harness.stream import derive_seed
from drydock.models.model import model_of
from drydock.models.perp.units import PPM
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class GatewayLoss(LastingFault):
    """Nothing of the struck clients comes in: no order, quote, cancel or withdrawal. Who is struck, the seed decides.

    A greater share strikes the clients of a smaller one too. Liquidations and triggers need no front door.
    """

    kind: ClassVar[str] = "gateway_loss"
    sentence: ClassVar[str] = "the front door is gone for a share of the clients while the chain lives"
    keywords: ClassVar[tuple[str, ...]] = ("front door", "gateway", "outage", "CDN", "Cloudflare", "access", "X16")

    step: str
    target: str = "clients"
    offset_ms: Annotated[int, Range(-120_000, 600_000)] = 0
    share_ppm: Annotated[int, Range(1_000, 1_000_000, log=True)] = 1_000_000
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 300_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """All who come through the front door; with an order book also the makers alone."""
        return ("clients",) if model_of(scenario).venue.order_book is None else ("clients", "makers")

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Loses all that the struck clients send."""

        def lose(passage: Passage) -> bool:
            what, _, client = passage.label.partition("/")
            if self.target == "makers" and what != "quote":
                return False
            if derive_seed(world.sim.seed, f"{self.kind}/{client}") % PPM >= self.share_ppm:
                return False
            passage.is_lost[:] = True
            return True

        yield "gateway.send", lose
