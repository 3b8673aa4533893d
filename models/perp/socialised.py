"""Socialised loss: what withdrawals are cut by once bankruptcies exceed the insurance fund.

Source: Paradex documentation, "Socialized losses". The sum of bankruptcies stays below 2^62 micro-USD (four
trillion USD).
"""

from __future__ import annotations

import numpy as np

from drydock.models.perp.units import PPM, Int64s


def ex_bankruptcy_quantums(equity_quantums: Int64s, fund_quantums: int) -> int:
    """ExBankruptcy = max(0, sum of user bankruptcies - insurance fund balance), in micro-USD; exact.

    A user bankruptcy is max(0, -AccountValue). A fund that is itself negative adds to the hole.
    """
    bankruptcy = -int(np.minimum(equity_quantums, 0).sum())
    return max(0, bankruptcy - fund_quantums)


def loss_factor_ppm(ex_bankruptcy_quantums: int, total_quote_quantums: int) -> int:
    """factor = ExBankruptcy / (TotalUSDC + ExBankruptcy), in ppm, rounded up: towards the venue's solvency.

    0 without a hole. ``ValueError`` if either amount is negative.
    """
    if ex_bankruptcy_quantums < 0 or total_quote_quantums < 0:
        raise ValueError(f"negative amount: hole {ex_bankruptcy_quantums}, total {total_quote_quantums}")
    if ex_bankruptcy_quantums == 0:
        return 0
    return -(-PPM * ex_bankruptcy_quantums // (total_quote_quantums + ex_bankruptcy_quantums))


def factor_of_all_ppm(people_quantums: Int64s, fund_quantums: int) -> int:
    """The loss factor of everybody's equity (1e-6 USD, the fund's apart), in ppm; 0 where nobody is below zero."""
    if np.minimum.reduce(people_quantums) >= 0:
        return 0
    total = max(0, int(np.maximum(people_quantums, 0).sum()))
    return loss_factor_ppm(ex_bankruptcy_quantums(people_quantums, fund_quantums), total)
