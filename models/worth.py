"""What everybody is worth when a run is over: the venue's answer to the twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drydock.models.accounts import VAULT

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld

CLIENT_SEAM = "gateway.send"
"""Clients' messages pass here, one at a time."""


def worth(world: VenueWorld) -> dict[int, int]:
    """account -> equity (1e-6 USD) of what the chain holds for it, at the true mark and the right index of now.

    What came from L1 and went there is undone: a withdrawal makes nobody poorer. The vault is left out: it pays
    refunds and is owed none.
    """
    now_ms, chain, truth = world.sim.now_ms, world.chain, world.truth
    fee_ppm = world.venue.liquidation.taker_fee_ppm
    value = chain.holdings.value(truth.mark(now_ms), truth.shadow.index(now_ms), world.markets.mmf_ppm, fee_ppm)
    equity = value.equity.tolist()
    for _, account, amount in chain.l1.transfers[: chain.l1_cursor]:
        equity[account] -= amount
    return {account: amount for account, amount in enumerate(equity) if account != VAULT}
