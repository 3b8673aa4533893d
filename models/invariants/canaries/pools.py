"""Wrong builds for S3 and S5, and their controls."""

from __future__ import annotations

from drydock.harness.port import Canary
from drydock.models.accounts import Holdings, Ints
from drydock.models.chain import Chain
from drydock.models.invariants.canaries.build import GATE_ON_LOADS, on_bench, venue_with
from drydock.models.invariants.canaries.feeds import MANY_PAYOUTS
from drydock.models.invariants.canaries.funding import LosesTheSign
from drydock.models.l1_ledger import L1Ledger
from drydock.models.world import VenueWorld


class OtherUnits(L1Ledger):
    """Payouts are kept in thousandths of what everybody else takes for a unit."""

    def add(self, confirmed_ms: int, account: int, amount: int) -> None:
        """Deposits as they are."""
        super().add(confirmed_ms, account, amount if amount > 0 else amount * 1_000)


class PaysInOtherUnits(Chain):
    """The chain debits what that ledger says."""

    def __init__(self, world: VenueWorld, holdings: Holdings, index: Ints, mark: Ints) -> None:
        super().__init__(world, holdings, index, mark)
        self.l1 = OtherUnits()


CANARIES = (
    Canary(
        "S3",
        "a payout is debited a thousand times over, whatever the account has",
        on_bench(MANY_PAYOUTS),
        on_bench(MANY_PAYOUTS),
        venue_with(chain=PaysInOtherUnits),
    ),
    Canary(
        "S5",
        "the funding engine reads its rows with the wrong sign, and who gains by it withdraws",
        on_bench(GATE_ON_LOADS, MANY_PAYOUTS),
        on_bench(GATE_ON_LOADS, MANY_PAYOUTS),
        venue_with(funding=LosesTheSign),
    ),
)
