"""A liquidation that the chain refuses is taken back: cloud, chain and shadow agree again, and nobody is fined."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.models.accounts import Ints
from drydock.models.chain import LiquidationTx
from drydock.models.events import LiquidationRefused
from drydock.models.liquidation import Liquidated, liquidate
from tests.nights import Stage

WHOM = np.array([3, 5])
SHARE_PPM = np.array([400_000, 1_000_000])


def taken(stage: Stage, accounts: Ints, share_ppm: Ints) -> Liquidated:
    """The cloud liquidates these accounts, healthy or not."""
    cloud, world = stage.world.cloud, stage.world
    return liquidate(
        cloud.holdings, accounts, share_ppm, cloud.mark, cloud.index, world.markets, world.venue.liquidation
    )


def test_refused_liquidation_leaves_no_difference_between_cloud_and_chain() -> None:
    """Positions are as on the chain, and so is what everybody is worth; nobody pays for what did not happen."""
    stage = Stage("population.fills_per_minute=0", "population.transfers_per_hour=0").at(6_000)
    chain, cloud = stage.world.chain, stage.world.cloud
    done = taken(stage, WHOM, SHARE_PPM)
    assert chain.holdings.size.tolist() != cloud.holdings.size.tolist()
    chain.submit(LiquidationTx(WHOM, SHARE_PPM, done))
    stage.at(10_500)
    (refused,) = stage.of(LiquidationRefused)
    assert WHOM.tolist() == refused.accounts.tolist()
    assert chain.holdings.size.tolist() == cloud.holdings.size.tolist()
    accounts = np.array([0, *WHOM.tolist()])
    ours, theirs = (
        copy.holdings.value(chain.mark, chain.index, stage.world.markets.mmf_ppm, 0) for copy in (cloud, chain)
    )
    apart = np.abs(ours.equity - theirs.equity)[accounts].max()
    assert apart < 100_000  # a funding tick of the five seconds between: a few cents


@pytest.mark.parametrize("chosen", [[True, False], [False, True]])
def test_part_of_a_liquidation_concerns_its_own_accounts_only(chosen: list[bool]) -> None:
    """Slots, sizes and prices follow the accounts."""
    stage = Stage(is_started=False)
    done = taken(stage, WHOM, SHARE_PPM)
    account_of = stage.world.layout.account
    part = done.only(np.array(chosen), account_of)
    assert WHOM[chosen].tolist() == part.accounts.tolist() == sorted(set(account_of[part.slots].tolist()))
    where = np.isin(done.slots, part.slots)
    assert (done.sizes[where].tolist(), done.prices[where].tolist()) == (part.sizes.tolist(), part.prices.tolist())
