"""Wrong builds for S1, S2 and S4, and their controls."""

from __future__ import annotations

from drydock.harness.port import Canary
from drydock.models.accounts import VAULT
from drydock.models.chain import Chain, FillTx, Ints, LiquidationTx
from drydock.models.invariants.canaries.build import RAISED_MARGIN, on_bench, venue_with
from drydock.models.liquidation import Liquidated

LONG_FALL = (
    "venue.markets.only=[SOL-USD-PERP, DOGE-USD-PERP, HYPE-USD-PERP]",
    "population.vault_usd=1 USD",
    "runbook.night_ms=45m",
    "runbook.window_ms=40m",
    "runbook.steps.4.duration_ms=30m",
)
"""Prices fall for half an hour while the venue is closed, and the insurance fund is empty."""


class KeepsThePenalty(Chain):
    """A liquidation takes its penalty and credits nobody."""

    def _liquidate(self, transaction: LiquidationTx) -> Liquidated:
        done = super()._liquidate(transaction)
        self.holdings.quote[VAULT] -= int(done.penalty_quantums.sum())
        return done


class BooksOneSide(Chain):
    """A fill changes the taker's position only."""

    def _apply_fills(self, group: list[FillTx]) -> None:
        for fill in group:
            index = int(self.index[self.layout.market_of[fill.taker_slot]])
            self.holdings.trade_one(fill.taker_slot, fill.size, fill.price, index)


class ChargesHalf(Chain):
    """The winners are charged half of what the formula says."""

    def _socialise(self, equity: Ints) -> int:
        return super()._socialise(equity) // 2


CANARIES = (
    Canary(
        "S1",
        "the penalty of a liquidation is taken and credited to nobody",
        on_bench(RAISED_MARGIN),
        on_bench(RAISED_MARGIN),
        venue_with(chain=KeepsThePenalty),
    ),
    Canary(
        "S2", "the chain books a fill on the taker's side only", on_bench(), on_bench(), venue_with(chain=BooksOneSide)
    ),
    Canary(
        "S4",
        "half of a socialised loss is left where it is",
        on_bench(*LONG_FALL, regime="crash"),
        on_bench(*LONG_FALL, regime="crash"),
        venue_with(chain=ChargesHalf),
    ),
)
