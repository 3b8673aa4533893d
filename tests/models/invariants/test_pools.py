"""S3 and S5 beyond their canaries: who pays, who gains, and what neither of them blames on anybody."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from drydock.harness.event import Event
from drydock.harness.run import run_case
from drydock.models.chain import Chain, LiquidationTx
from drydock.models.events import BlockSealed
from drydock.models.invariants.canaries.build import RAISED_MARGIN, venue_with
from drydock.models.invariants.canaries.feeds import MANY_PAYOUTS
from drydock.models.invariants.pools import Pools
from drydock.models.kit import VenueKit
from drydock.models.liquidation import Liquidated
from tests.nights import Stage, bench, broken, case_of, play

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


def fined(*parts: tuple[int, int], worth: int) -> list[str]:
    """What S3 finds of an account that a block liquidates with these (share in ppm, fine) until it holds nothing."""
    stage = Stage()
    view = stage.at(5_001).of(BlockSealed)[-1].view
    account, nothing = view.layout.accounts - 1, np.zeros(0, np.int64)
    equity, size = view.equity.copy(), view.size.copy()
    equity[account] = worth
    size[view.layout.slots_of(np.array([account]))] = 0
    done = [Liquidated(np.array([account]), np.array([s]), np.array([f]), nothing, nothing, nothing) for s, f in parts]
    law = Pools()
    law.begin(stage.world.truth)
    bent = replace(view, equity=equity, size=size, liquidated=done)
    law.observe(Event(5_000, "chain", "block.sealed", 1, None, BlockSealed(1, 1, 0, 0, 1, bent)))
    return [finding.detail for finding in law.end()]


def test_of_an_account_that_a_block_liquidates_twice_the_last_fine_is_judged() -> None:
    """Between the two prices moved what was left; the fine that closed the account is never excused."""
    assert [] == fined((600_000, 9_000), (1_000_000, 0), worth=-1_000)
    assert 1 == len(fined((600_000, 0), (1_000_000, 9_000), worth=-1_000))
    assert 1 == len(fined((1_000_000, 9_000), worth=-1_000))


@each_seed
@pytest.mark.parametrize("regime", ["calm", "crash"])
def test_gain_that_prices_made_is_paid_out(regime: str, seed: int) -> None:
    """However far prices move, and however often people withdraw: their gain is theirs."""
    assert "S5" not in broken(play(MANY_PAYOUTS, seed=seed, regime=regime))
