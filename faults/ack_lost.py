"""AckLost: a message arrives, and its sender is not told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from drydock.harness.port import Range, Scenario
from drydock.harness.seam import Passage
from drydock.models.links import between
from drydock.models.message_fault import SharedMessageFault
from drydock.models.model import model_of


@dataclass(frozen=True, slots=True)
class AckLost(SharedMessageFault):
    """A share of the acknowledgements is lost, and the sender sends again: needs a sender that waits for them."""

    kind: ClassVar[str] = "ack_lost"
    sentence: ClassVar[str] = "a message arrives, its acknowledgement does not, and the sender sends it again"
    keywords: ClassVar[tuple[str, ...]] = ("ack lost", "timeout", "retry", "idempotency", "double fill", "X15")

    step: str
    target: str = "fills"
    offset_ms: Annotated[int, Range(-120_000, 300_000)] = 0
    share_ppm: Annotated[int, Range(1_000, 1_000_000, log=True)] = 500_000
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 60_000

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Channels whose sender sends again: to the sequencer, from clients, as the venue says."""
        spec = model_of(scenario).venue.messages
        to_chain = between("cloud>chain") if spec.submit_resend_ms is not None else ()
        from_clients = between("intents") if spec.intent_resend_ms is not None else ()
        return tuple(channel.name for channel in (*to_chain, *from_clients))

    def hit(self, passage: Passage) -> bool:
        """It happens, and who asked is not told."""
        passage.is_unanswered = True
        return True
