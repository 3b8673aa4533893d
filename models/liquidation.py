"""Liquidating accounts in one copy of the state: shares of positions go to the Liquidator Vault at mark.

The user's loss is fixed at mark; what the vault later makes of the position is not his. No account's value changes by
the transfer itself, only by the penalty; both copies of the state run this same code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drydock.models.accounts import VAULT, Holdings
from drydock.models.markets import Markets
from drydock.models.perp.liquidation import cut, penalty
from drydock.models.venue import LiquidationSpec

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Liquidated:
    """What a liquidation did: accounts with their shares and penalties, slots with the signed size that left them."""

    accounts: Ints
    share_ppm: Ints
    penalty_quantums: Ints
    slots: Ints
    sizes: Ints
    prices: Ints

    def only(self, chosen: NDArray[np.bool_], account_of_slot: Ints) -> Liquidated:
        """The part of it that concerns the chosen accounts; ``account_of_slot`` is the layout's."""
        accounts = self.accounts[chosen]
        of_them = np.isin(account_of_slot[self.slots], accounts)
        return Liquidated(
            accounts, self.share_ppm[chosen], self.penalty_quantums[chosen], self.slots[of_them],
            self.sizes[of_them], self.prices[of_them],
        )  # fmt: skip


def liquidate(
    holdings: Holdings, accounts: Ints, share_ppm: Ints, mark: Ints, index: Ints, markets: Markets,
    spec: LiquidationSpec,
) -> Liquidated:  # fmt: skip
    """Cuts all positions of each account by its share. Accounts are unique; funding is realised and re-cached whole."""
    layout = holdings.layout
    value = holdings.value(mark, index, markets.mmf_ppm, spec.taker_fee_ppm)
    due = penalty(value.equity[accounts], value.margin[accounts], share_ppm, spec.fee_ppm)
    slots = layout.slots_of(accounts)
    share_of = np.zeros(layout.accounts, np.int64)
    share_of[accounts] = share_ppm
    sizes = cut(holdings.size[slots], share_of[layout.account[slots]])
    prices = mark[layout.market[slots]]
    vault_slots = layout.market[slots]  # the vault is account 0 and dense: its slot of a market is the market's number
    holdings.trade(slots, -sizes, prices, index)
    holdings.trade(vault_slots, sizes, prices, index)
    holdings.quote[accounts] -= due
    holdings.quote[VAULT] += int(due.sum())
    return Liquidated(accounts, share_ppm, due, slots, sizes, prices)


def give_back(holdings: Holdings, done: Liquidated, index: Ints) -> None:
    """Undoes a liquidation in this copy: positions and penalties go back to their owners, at the same prices."""
    vault_slots = holdings.layout.market[done.slots]
    holdings.trade(done.slots, done.sizes, done.prices, index)
    holdings.trade(vault_slots, -done.sizes, done.prices, index)
    holdings.quote[done.accounts] += done.penalty_quantums
    holdings.quote[VAULT] -= int(done.penalty_quantums.sum())
