"""S3 and S5 beyond their canaries: who pays, who gains, and what neither of them blames on anybody."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.harness.run import run_case
from drydock.models.chain import Chain, LiquidationTx
from drydock.models.invariants.canaries.build import RAISED_MARGIN, venue_with
from drydock.models.invariants.canaries.feeds import MANY_PAYOUTS
from drydock.models.kit import VenueKit
from drydock.models.liquidation import Liquidated
from tests.nights import bench, broken, case_of, play

each_seed = pytest.mark.parametrize("seed", [1, 2, 3])


class FinesWhoHasNothing(Chain):
    """The cap of the penalty was lost: what is due is taken, whether it is there or not."""

    def _liquidate(self, transaction: LiquidationTx) -> Liquidated:
        before = self.value()
        equity, margin = before.equity.copy(), before.margin.copy()
        done = super()._liquidate(transaction)
        due = margin[done.accounts] * done.share_ppm // 1_000_000 * 7 // 10
        self.holdings.quote[done.accounts] -= np.maximum(due - np.maximum(equity[done.accounts], 0), 0)
        return done


@each_seed
def test_fine_beyond_what_is_there_is_found(seed: int) -> None:
    """Closed accounts end below zero, and no price took them there."""
    maker = venue_with(chain=FinesWhoHasNothing)
    result = run_case(case_of(bench(RAISED_MARGIN), seed=seed), VenueKit(), world_maker=maker)
    assert "" == result.error
    found = [finding.detail for finding in result.findings if finding.law == "S3"]
    assert found
    assert all("fined more than they have" in detail for detail in found)


@each_seed
def test_crash_takes_nobody_below_zero_by_a_transfer(seed: int) -> None:
    """Bankruptcies of a crash are market losses: S4 and L4 judge them, S3 does not."""
    sets = ("population.vault_usd=1 USD", "population.accounts=200", MANY_PAYOUTS)
    assert "S3" not in broken(play(*sets, seed=seed, regime="crash"))


class CreditsTwice(Chain):
    """The chain takes every confirmed deposit into the balance twice; what it says of it is right."""

    def _credit_l1(self) -> None:
        first = self.l1_cursor
        super()._credit_l1()
        for _, account, amount in self.l1.transfers[first : self.l1_cursor]:
            self.holdings.quote[account] += max(0, amount)


@each_seed
def test_withdrawal_of_what_nobody_paid_in_is_found(seed: int) -> None:
    """A balance too high is as unbacked as a funding index too low."""
    result = run_case(case_of(bench(MANY_PAYOUTS), seed=seed), VenueKit(), world_maker=venue_with(chain=CreditsTwice))
    assert "" == result.error
    assert {"S1", "S5"} <= broken(result)


@each_seed
@pytest.mark.parametrize("regime", ["calm", "crash"])
def test_gain_that_prices_made_is_paid_out(regime: str, seed: int) -> None:
    """However far prices move, and however often people withdraw: their gain is theirs."""
    assert "S5" not in broken(play(MANY_PAYOUTS, seed=seed, regime=regime))
