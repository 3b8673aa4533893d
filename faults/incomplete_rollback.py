"""IncompleteRollback: a rollback forgets one of the stores that it has to take back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.model import model_of, step_specs
from drydock.models.rollback import STORES
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class IncompleteRollback(LastingFault):
    """The target stays as it is while all other stores go back to the snapshot."""

    kind: ClassVar[str] = "incomplete_rollback"
    sentence: ClassVar[str] = "a rollback leaves one store as it is: pages, orders, index rows, the cloud's copy"
    keywords: ClassVar[tuple[str, ...]] = ("rollback", "stale page", "order store", "snapshot", "Starknet", "X19")

    step: str
    target: str = "index_rows"
    offset_ms: Annotated[int, Range(-60_000, 0)] = 0
    lasts_ms: Annotated[int, Range(60_000, 28_800_000, log=True)] = 14_400_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Every store, where a branch of the runbook has a rollback; orders where there is a book."""
        if not any(spec.step == "rollback" for _, spec in step_specs(scenario).values()):
            return ()
        return STORES if model_of(scenario).venue.order_book is not None else STORES[:-1]

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """The rollback does not reach its target."""

        def forget(passage: Passage) -> bool:
            if passage.label != self.target:
                return False
            passage.is_lost[:] = True
            return True

        yield "rollback.store", forget
