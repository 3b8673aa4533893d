"""MyFault: transactions of the cloud reach the sequencer late.

It works as it stands. To make it yours, change, from top to bottom: the sentence and the keywords (the catalogue shows
and searches them), the fields (each number with its range: search and sweep draw from it), what it can strike
(`targets`), and what it bends (`benders`). `drydock catalogue seams` lists what there is to bend.

A fault bends time, order, availability or freshness. It never writes what the venue owns: what goes wrong emerges.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class MyFault(LastingFault):
    """Every transaction that is sent while it lasts takes ``delay_ms`` longer."""

    kind: ClassVar[str] = "my_fault"
    sentence: ClassVar[str] = "transactions of the cloud reach the sequencer late"
    keywords: ClassVar[tuple[str, ...]] = ("sequencer", "inbox", "latency")

    # Where and when: a step of the runbook, a target, and how long before (negative) or after the step's start.
    step: str
    target: str = "cloud"
    offset_ms: Annotated[int, Range(-60_000, 600_000)] = 0
    # What and how much. `log` draws orders of magnitude evenly.
    delay_ms: Annotated[int, Range(100, 600_000, log=True)] = 60_000
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 120_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """What it can strike in this scenario; nothing where the venue lacks the part that it needs."""
        return ("cloud",)

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """(seam, what happens to an operation that passes it). It is healed by itself, whatever ends it."""

        def late(passage: Passage) -> bool:
            passage.delay_ms += self.delay_ms  # or: passage.is_lost[:] = True
            return True  # it touched this operation

        yield "cloud.submit", late
