"""Wrong builds for O4 and S6, and their controls."""

from __future__ import annotations

from drydock.harness.port import Canary
from drydock.models.chain import Transaction
from drydock.models.cloud import Cloud
from drydock.models.invariants.canaries.build import on_bench, venue_with


class SendsTwice(Cloud):
    """A client library that sends again whatever it has not heard of within no time at all."""

    def send(self, transaction: Transaction) -> None:
        """Twice, under one number."""
        self._sent += 1
        for _ in range(2):
            self._send_numbered((self._sent, transaction))


class FillsTwice(Cloud):
    """An intent is taken from the queue, filled, and put back for the acknowledgement that failed."""

    def fill(self, market: int, taker_slot: int, maker_slot: int, size: int) -> None:
        """And again."""
        for _ in range(2):
            super().fill(market, taker_slot, maker_slot, size)


_TWICE = venue_with(cloud=SendsTwice)

CANARIES = (
    Canary(
        "O4",
        "an intent is filled twice",
        on_bench(),
        on_bench(),
        venue_with(cloud=FillsTwice),
    ),
    Canary(
        "S6",
        "transactions are sent twice, and the sequencer knows no idempotency key",
        on_bench("venue.messages.drops_duplicates=false"),
        on_bench("venue.messages.drops_duplicates=true"),
        _TWICE,
        _TWICE,
    ),
)
