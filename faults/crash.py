"""Crash: a process dies and its supervisor starts it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.sim import Steps
from drydock.models.runbook_spec import SERVICES
from drydock.models.venue_fault import VenueFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class Crash(VenueFault):
    """The target loses its memory and is back after ``restart_ms``; the database recovers what was committed."""

    kind: ClassVar[str] = "crash"
    sentence: ClassVar[str] = "a service or the database dies and is started again"
    keywords: ClassVar[tuple[str, ...]] = ("crash", "restart race", "recovery", "supervisor", "out of memory", "X1")

    step: str
    target: str = "funding"
    offset_ms: Annotated[int, Range(-300_000, 600_000)] = 0
    restart_ms: Annotated[int, Range(100, 60_000, log=True)] = 5_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Every service, and the database."""
        return (*SERVICES, "database")

    @classmethod
    def asks_of_database(cls, target: str) -> str:
        """To die, if it is the one."""
        return "a crash" if target == "database" else ""

    def inject(self, world: VenueWorld) -> Steps:
        """Kills it; one that is not running is left alone, and the fault is then not exercised."""
        yield world.until(self.step, self.offset_ms)
        if self.target == "database":
            did = world.database.crash()
        else:
            did = world.services[self.target].crash(self.restart_ms)
        if did:
            world.seams.mark_exercised(f"kill {self.target}")
