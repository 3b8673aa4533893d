"""LostTail: the primary is lost, and the standby that is promoted lacks its last commits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range
from drydock.harness.sim import Steps
from drydock.models.database_fault import PrimaryFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class LostTail(PrimaryFault):
    """The commits of the last ``lost_ms`` had not reached the standby: they are gone, and row versions with them.

    What a standby has shown to a reader is not lost, and what was copied by a scale-up is not either.
    """

    kind: ClassVar[str] = "lost_tail"
    sentence: ClassVar[str] = "the primary is lost and a standby without its last commits is promoted"
    keywords: ClassVar[tuple[str, ...]] = ("lost tail", "failover", "replication lag", "durability", "database", "X2")

    step: str
    target: str = "database"
    offset_ms: Annotated[int, Range(-300_000, 600_000)] = 0
    lost_ms: Annotated[int, Range(100, 600_000, log=True)] = 30_000
    refuse_ms: Annotated[int, Range(100, 120_000, log=True)] = 8_000

    def inject(self, world: VenueWorld) -> Steps:
        """Where there is nothing to promote, nothing happens. It is over when the promoted one answers."""
        yield world.until(self.step, self.offset_ms)
        if world.database.has_standby:
            world.seams.mark_exercised("promote a standby that is behind")
            world.database.fail_over(self.lost_ms, self.refuse_ms)
            yield world.sim.sleep(self.refuse_ms, "heal")
