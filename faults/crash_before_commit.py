"""CrashBeforeCommit: the server dies between a transaction's statements and its commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range
from drydock.harness.seam import Passage
from drydock.harness.sim import Steps
from drydock.models.database_fault import WriterFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class CrashBeforeCommit(WriterFault):
    """The target's next write ran and is not kept; then the server is down, and recovers what was committed before."""

    kind: ClassVar[str] = "crash_before_commit"
    sentence: ClassVar[str] = "the database dies between a transaction's statements and its commit: nothing is kept"
    keywords: ClassVar[tuple[str, ...]] = (
        "crash before commit",
        "open transaction",
        "atomicity",
        "database",
        "X1",
        "X2",
    )

    step: str
    target: str = "funding"
    offset_ms: Annotated[int, Range(-300_000, 600_000)] = 0
    lasts_ms: Annotated[int, Range(1_000, 600_000, log=True)] = 60_000

    @classmethod
    def asks_of_database(cls, target: str) -> str:
        """To die."""
        return "a crash"

    def inject(self, world: VenueWorld) -> Steps:
        """Waits for such a transaction as long as it lasts."""
        yield world.until(self.step, self.offset_ms)
        met = world.sim.event()

        def cut(passage: Passage) -> bool:
            if met.triggered or not self.is_mine(passage):
                return False
            passage.is_lost[:] = True
            met.succeed()
            return True

        with world.seams["database.commit"].bend(cut):
            yield met | world.sim.sleep(self.lasts_ms, "heal")
        if met.triggered:
            world.database.crash()
