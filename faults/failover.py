"""Failover: the primary is lost, and a standby that has everything is promoted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range
from drydock.harness.sim import Steps
from drydock.models.database_fault import PrimaryFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class Failover(PrimaryFault):
    """Nothing that was committed is lost; open transactions are, and for ``refuse_ms`` nobody is answered."""

    kind: ClassVar[str] = "failover"
    sentence: ClassVar[str] = "the primary is lost and a standby with every commit is promoted, after some refusal"
    keywords: ClassVar[tuple[str, ...]] = ("failover", "promotion", "standby", "replica", "database", "X2")

    step: str
    target: str = "database"
    offset_ms: Annotated[int, Range(-300_000, 600_000)] = 0
    refuse_ms: Annotated[int, Range(100, 120_000, log=True)] = 8_000

    def inject(self, world: VenueWorld) -> Steps:
        """Where there is nothing to promote, nothing happens. It is over when the promoted one answers."""
        yield world.until(self.step, self.offset_ms)
        if world.database.has_standby:
            world.seams.mark_exercised("promote a standby")
            world.database.fail_over(0, self.refuse_ms)
            yield world.sim.sleep(self.refuse_ms, "heal")
