"""ModeUnheard: a service hears late of a mode that is about to be announced, or never."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.runbook_spec import SERVICES
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class ModeUnheard(LastingFault):
    """The target's acknowledgement takes ``late_ms`` longer. The operators wait five seconds, and announce anyway."""

    kind: ClassVar[str] = "mode_unheard"
    sentence: ClassVar[str] = "a mode is announced before one of the services knows of it"
    keywords: ClassVar[tuple[str, ...]] = ("maintenance mode", "announced too early", "acknowledgement", "gate", "X17")

    step: str
    target: str = "gateway"
    offset_ms: Annotated[int, Range(-60_000, 60_000)] = -1_000
    late_ms: Annotated[int, Range(100, 60_000, log=True)] = 10_000
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 60_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Every service."""
        return SERVICES

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Delays what the target answers."""

        def late(passage: Passage) -> bool:
            if passage.label != self.target:
                return False
            passage.delay_ms += self.late_ms
            return True

        yield "mode.ack", late
