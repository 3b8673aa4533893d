"""HeldRows: somebody's open transaction has rows that a service needs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from drydock.harness.port import Range, Scenario
from drydock.harness.sim import Steps
from drydock.models.database import Unavailable
from drydock.models.database_fault import share_of_rows
from drydock.models.index_rows import TABLE
from drydock.models.venue_fault import VenueFault
from drydock.models.world import VenueWorld

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class HeldRows(VenueFault):
    """A session has a share of the rows, so that nobody else may write them; or the whole table, not even to be read.

    It ends when its time is over, and when the server's life does.
    """

    kind: ClassVar[str] = "held_rows"
    sentence: ClassVar[str] = "a forgotten session or a migration holds rows of a table that others need"
    keywords: ClassVar[tuple[str, ...]] = ("held rows", "lock", "open transaction", "migration", "NOWAIT", "X2")

    step: str
    target: str = TABLE
    offset_ms: Annotated[int, Range(-300_000, 600_000)] = 0
    lock: Literal["rows", "table"] = "rows"
    share_ppm: Annotated[int, Range(1_000, 1_000_000, log=True)] = 500_000
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 60_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """The table that somebody writes."""
        return (TABLE,)

    def inject(self, world: VenueWorld) -> Steps:
        """Opens its transaction as soon as the database takes one, and nobody else has the table."""
        yield world.until(self.step, self.offset_ms)
        ends_ms = world.sim.now_ms + self.lasts_ms
        rows = share_of_rows(world, self.stream_name(), self.share_ppm)(len(world.markets))
        keys = np.flatnonzero(rows)
        with ExitStack() as session:
            while not self._begins(session, world, keys):
                if world.sim.now_ms >= ends_ms:
                    return
                yield world.sim.sleep(world.venue.database.retry_ms, "connect")
            yield world.sim.sleep(max(0, ends_ms - world.sim.now_ms), "heal")

    def _begins(self, session: ExitStack, world: VenueWorld, keys: Ints) -> bool:
        try:
            session.enter_context(world.database.hold(self.target, keys, is_exclusive=self.lock == "table"))
        except Unavailable:
            return False
        return True
