"""GatewayOverload: more comes to the front door than it serves; it queues, and refuses what its queue cannot hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class GatewayOverload(LastingFault):
    """One message takes ``serve_ms``; at most ``queue_max`` wait, and one that finds the queue full is refused.

    Whoever comes first is served first: an overload makes late and refuses, it does not reorder.
    """

    kind: ClassVar[str] = "gateway_overload"
    sentence: ClassVar[str] = "the front door is overloaded: messages queue, and are refused once the queue is full"
    keywords: ClassVar[tuple[str, ...]] = ("overload", "API", "queue", "rate limit", "latency", "gateway", "X15", "X16")

    step: str
    target: str = "gateway"
    offset_ms: Annotated[int, Range(-120_000, 600_000)] = 0
    serve_ms: Annotated[int, Range(1, 60_000, log=True)] = 5_000
    queue_max: Annotated[int, Range(0, 100_000, log=True)] = 10
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 300_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """The front door."""
        return ("gateway",)

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Puts every message behind those before it."""
        free_ms = 0

        def queue(passage: Passage) -> bool:
            nonlocal free_ms
            now_ms = world.sim.now_ms
            wait_ms = max(0, free_ms - now_ms)
            if wait_ms > self.queue_max * self.serve_ms:
                passage.is_lost[:] = True
                return True
            free_ms = now_ms + wait_ms + self.serve_ms
            passage.delay_ms += wait_ms + self.serve_ms
            return True

        yield "gateway.send", queue
