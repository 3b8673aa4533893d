"""LateWrite: a transaction is long under way, and arrives after those that were sent later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range
from drydock.harness.seam import Passage
from drydock.models.database_fault import CommitFault


@dataclass(frozen=True, slots=True)
class LateWrite(CommitFault):
    """The target's next writes arrive ``delay_ms`` later, whoever sent them may be gone; it is told of no success.

    Without compare-and-set an old value then goes over a newer one: the lost update.
    """

    kind: ClassVar[str] = "late_write"
    sentence: ClassVar[str] = "a write to the database is long under way and arrives after newer ones"
    keywords: ClassVar[tuple[str, ...]] = (
        "late write",
        "lost update",
        "compare and set",
        "write-behind",
        "reorder",
        "X3",
    )

    step: str
    target: str = "funding"
    offset_ms: Annotated[int, Range(-300_000, 600_000)] = 0
    delay_ms: Annotated[int, Range(1_000, 600_000, log=True)] = 60_000
    commits: Annotated[int, Range(1, 100, log=True)] = 1
    lasts_ms: Annotated[int, Range(1_000, 600_000, log=True)] = 60_000

    def strike(self, passage: Passage) -> None:
        """On its way for so much longer."""
        passage.delay_ms += self.delay_ms
