"""ErrorPolicy: one component answers a missing value or a stale price otherwise than the venue documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.model import model_of
from drydock.models.venue_fault import LastingFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class ErrorPolicy(LastingFault):
    """In the target's case (``funding/on_missing``) the component ``does`` this, whatever the others rely on.

    ``skip`` leaves out what it concerns, ``default_zero`` takes zero for the missing row or price, and for the age of a
    stale one, ``raise`` ends the process, which its supervisor starts again.
    """

    kind: ClassVar[str] = "error_policy"
    sentence: ClassVar[str] = "one component skips, defaults or dies where the venue documents another policy"
    keywords: ClassVar[tuple[str, ...]] = (
        "error policy",
        "default value",
        "panic",
        "missing row",
        "stale price",
        "X12",
    )

    step: str
    target: str = "funding/on_missing"
    does: Literal["skip", "default_zero", "raise"] = "default_zero"
    offset_ms: Annotated[int, Range(-300_000, 300_000)] = 0
    lasts_ms: Annotated[int, Range(1_000, 7_200_000, log=True)] = 3_600_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """The cases that a policy decides; a price is stale only to a component that asks for its age."""
        safeguards = model_of(scenario).venue.safeguards
        cases = ["funding/on_missing", "market_data/on_missing", "front_page/on_missing"]
        if safeguards.price_freshness is not None:
            cases.append("liquidator/on_stale")
        if safeguards.price_freshness is not None or safeguards.funding_pause_ms is not None:
            cases.append("funding/on_stale")
        return cases

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Answers in the component's place."""

        def answer(passage: Passage) -> bool:
            if passage.label != self.target or passage.policy == self.does:
                return False
            passage.policy = self.does
            return True

        yield "policy.read", answer
