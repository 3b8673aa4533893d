"""A wrong build for S7, and its control."""

from __future__ import annotations

from drydock.harness.port import Canary
from drydock.models.cloud import Cloud
from drydock.models.invariants.canaries.build import on_bench, venue_with

MANY_TRANSFERS = "population.transfers_per_hour=3600"
MANY_PEOPLE = "population.accounts=100"


class CreditsTwice(Cloud):
    """A deposit is booked when it is seen, and again when it is confirmed."""

    def on_transfer(self, account: int, amount: int) -> None:
        """And again."""
        super().on_transfer(account, amount)
        super().on_transfer(account, amount)


CANARIES = (
    Canary(
        "S7",
        "the cloud books every transfer twice",
        on_bench(MANY_TRANSFERS, MANY_PEOPLE),
        on_bench(MANY_TRANSFERS, MANY_PEOPLE),
        venue_with(cloud=CreditsTwice),
    ),
)
