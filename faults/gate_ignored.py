"""GateIgnored: one service does what the mode forbids, although the venue has its mode matrix switched on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.guards import IGNORE
from drydock.models.model import model_of
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld

OF_BOOKS = ("trigger", "fill")


@dataclass(frozen=True, slots=True)
class GateIgnored(LastingFault):
    """The target is the action, and so the service that does it: no two share one.

    ``liquidate`` is the liquidator's, ``withdraw`` the front door's, ``trigger`` the triggers', ``fill`` the vault's
    that sells what it took over. What the mode allows anyway is no exercise of this fault.
    """

    kind: ClassVar[str] = "gate_ignored"
    sentence: ClassVar[str] = (
        "one service does not honour the mode: it liquidates, pays out or trades though it may not"
    )
    keywords: ClassVar[tuple[str, ...]] = (
        "mode matrix",
        "maintenance mode",
        "gate",
        "liquidation in maintenance",
        "X17",
    )

    step: str
    target: str = "liquidate"
    offset_ms: Annotated[int, Range(-120_000, 120_000)] = 0
    lasts_ms: Annotated[int, Range(1_000, 7_200_000, log=True)] = 3_600_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Actions that the venue does by itself or for people, where it honours its matrix at all."""
        venue = model_of(scenario).venue
        if not venue.safeguards.mode_matrix:
            return ()
        return ("liquidate", "withdraw", *(OF_BOOKS if venue.order_book is not None else ()))

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """The service does not look at the mode."""

        def ignore(passage: Passage) -> bool:
            if passage.label != self.target:
                return False
            passage.policy = IGNORE
            return True

        yield "mode.gate", ignore
