"""Account value and margin requirement, position by position and summed by account.

A *slot* is a place for one position: (account, market), its size zero when it is empty. Slots lie sorted by account;
``starts[i]`` is the first slot of account i and every account has at least one, so that a sum by account is one
``np.add.reduceat``. Source: Paradex documentation, "Cross margin requirement" and "Margin term reference".
"""

from __future__ import annotations

import numpy as np

from drydock.models.perp.units import SLOTS_PER_ACCOUNT_MAX, Int64s, ppm_ceil


def check_starts(starts: Int64s, slots: int) -> None:
    """``ValueError`` unless ``starts`` begins at 0, gives each account 1 to 128 slots, and ends within ``slots``.

    ``np.add.reduceat`` answers with the *next* account's first value for an account without slots, silently.
    """
    counts = np.diff(starts, append=slots)
    if len(starts) == 0 or starts[0] != 0 or int(counts.min()) < 1 or int(counts.max()) > SLOTS_PER_ACCOUNT_MAX:
        raise ValueError(f"starts of {slots} slots: begin at 0, and 1 to {SLOTS_PER_ACCOUNT_MAX} slots an account")


def sum_by_account(slot_values: Int64s, starts: Int64s) -> Int64s:
    """The sum of a value per slot over the slots of each account; exact. See ``check_starts``."""
    total: Int64s = np.add.reduceat(slot_values, starts)
    return total


def account_value(quote_quantums: Int64s, slot_value: Int64s, slot_funding: Int64s, starts: Int64s) -> Int64s:
    """AccountValue = Collateral + sum_j( q_j * Mark_j - Cost_j + AccruedFunding_j ), in micro-USD; exact.

    The quote balance is collateral minus cost: each fill subtracts dq * price from it. ``slot_value`` is q * Mark,
    ``slot_funding`` is ``funding.funding_pnl``.
    """
    return quote_quantums + sum_by_account(slot_value + slot_funding, starts)


def maintenance_margin(
    size_quantums: Int64s, mark_quantums: Int64s, mmf_ppm: Int64s | int, fee_ppm: Int64s | int
) -> Int64s:
    """MMR = (MMF + takerFee) * |q| * Mark, in micro-USD, rounded up: against the account.

    MMF is 50 % of IMF at Paradex. The taker fee of closing belongs to the requirement: without it the rule of the first
    wave is wrong for a few accounts in a hundred thousand (measured).
    """
    return margin_of_notional(size_quantums * mark_quantums, mmf_ppm + fee_ppm)


def margin_of_notional(notional_quantums: Int64s, ratio_ppm: Int64s | int) -> Int64s:
    """``ratio * |q * Mark|`` in micro-USD, rounded up, of signed notionals; the fee is part of the ratio."""
    return ppm_ceil(np.abs(notional_quantums), ratio_ppm)


def initial_margin(
    size_quantums: Int64s, mark_quantums: Int64s, imf_ppm: Int64s | int, fee_ppm: Int64s | int
) -> Int64s:
    """IMR = (IMF + takerFee) * |q| * Mark, in micro-USD, rounded up: positions only, without open orders."""
    return ppm_ceil(np.abs(size_quantums) * mark_quantums, imf_ppm + fee_ppm)
