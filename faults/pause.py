"""Pause: a process hangs for a while, and then goes on with what it had in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.runbook_spec import SERVICES
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class Pause(LastingFault):
    """The target does nothing for ``lasts_ms``: what came due or arrived meanwhile, it does when it goes on.

    It does not know that time has passed: no restart, no new epoch, nothing loaded anew. Of the firings that it missed
    it makes up for one, and who waits for its word waits, or goes on without.
    """

    kind: ClassVar[str] = "pause"
    sentence: ClassVar[str] = "a process hangs and goes on late, with what it had in memory"
    keywords: ClassVar[tuple[str, ...]] = ("pause", "garbage collection", "virtual machine", "stall", "hang", "X1")

    step: str
    target: str = "funding"
    offset_ms: Annotated[int, Range(-300_000, 600_000)] = 0
    lasts_ms: Annotated[int, Range(100, 300_000, log=True)] = 20_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Every service: each boots, and does something periodically or on a message."""
        return SERVICES

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Puts off all that the process would do until the pause is over."""
        ends_ms = world.sim.now_ms + self.lasts_ms

        def hang(passage: Passage) -> bool:
            rest_ms = ends_ms - world.sim.now_ms
            passage.delay_ms = np.maximum(passage.delay_ms, rest_ms)
            return rest_ms > 0

        def hang_own(passage: Passage) -> bool:
            return passage.label.partition("/")[0] == self.target and hang(passage)

        yield "service.act", hang_own
        yield "service.boot", hang_own
        yield "mode.ack", hang_own
        if self.target == "gateway":
            yield "gateway.send", hang
