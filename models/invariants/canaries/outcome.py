"""Wrong builds for L2, L5 and L6, and their controls."""

from __future__ import annotations

from drydock.harness.port import Canary
from drydock.models.accounts import VAULT, Ints
from drydock.models.chain import Chain, LiquidationTx
from drydock.models.invariants.canaries.build import RAISED_MARGIN, on_bench, venue_with
from drydock.models.liquidation import Liquidated
from drydock.models.liquidator import Liquidator

MANY = "population.accounts=200"
"""So that some accounts are liquidated in part: their value is just below the raised requirement."""


class TakesHalf(Liquidator):
    """Half of the share that the rule gives: there is a 2 too many in a formula."""

    def _liquidate(self, accounts: Ints, share_ppm: Ints, equity: Ints, margin: Ints) -> None:
        super()._liquidate(accounts, share_ppm // 2, equity, margin)


class FinesTwice(Chain):
    """The chain takes the penalty, and then once more."""

    def _liquidate(self, transaction: LiquidationTx) -> Liquidated:
        done = super()._liquidate(transaction)
        self.holdings.quote[done.accounts] -= done.penalty_quantums
        self.holdings.quote[VAULT] += int(done.penalty_quantums.sum())
        return done


CANARIES = (
    Canary(
        "L2",
        "the requirement is raised at a stroke, and half of the venue is liquidated in a market that hardly moves",
        on_bench(RAISED_MARGIN),
        on_bench(),
    ),
    Canary(
        "L5",
        "the liquidator takes half of the share that the rule gives",
        on_bench(RAISED_MARGIN),
        on_bench(RAISED_MARGIN),
        venue_with(liquidator=TakesHalf),
    ),
    Canary(
        "L6",
        "the chain takes the penalty twice",
        on_bench(RAISED_MARGIN, MANY),
        on_bench(RAISED_MARGIN, MANY),
        venue_with(chain=FinesTwice),
    ),
)
