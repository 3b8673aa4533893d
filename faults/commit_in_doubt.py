"""CommitInDoubt: the commit happens, and its answer is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range
from drydock.harness.seam import Passage
from drydock.models.database_fault import CommitFault


@dataclass(frozen=True, slots=True)
class CommitInDoubt(CommitFault):
    """The target's next writes are in the database, and the target sees a broken connection."""

    kind: ClassVar[str] = "commit_in_doubt"
    sentence: ClassVar[str] = "a commit happens and its answer is lost: the client cannot know"
    keywords: ClassVar[tuple[str, ...]] = (
        "commit in doubt",
        "lost reply",
        "connection reset",
        "retry",
        "database",
        "X15",
    )

    step: str
    target: str = "funding"
    offset_ms: Annotated[int, Range(-300_000, 600_000)] = 0
    commits: Annotated[int, Range(1, 100, log=True)] = 3
    lasts_ms: Annotated[int, Range(1_000, 600_000, log=True)] = 60_000

    @classmethod
    def asks_of_database(cls, target: str) -> str:
        """Somebody between it and its client."""
        return "a proxy"

    def strike(self, passage: Passage) -> None:
        """Nobody is told."""
        passage.is_unanswered = True
