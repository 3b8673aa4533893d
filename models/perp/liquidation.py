"""Partial liquidation: which share of every position goes, what it costs, how much of a size that is.

Source: Paradex documentation, "Liquidations" (commit 132b388d). Its text gives a fee of 70 %, its worked table 50 %:
the fee is a parameter, and 70 % its default.
"""

from __future__ import annotations

import numpy as np

from drydock.models.perp.units import PPM, Bools, Int64s, ppm_ceil

FEE_PPM = 700_000
FEE_OF_WORKED_TABLE_PPM = 500_000
STEP_PPM = 200_000
TARGET_PPM = 900_000


def liquidatable(equity_quantums: Int64s, mmr_quantums: Int64s) -> Bools:
    """MarginRatio = MMR / AccountValue > 100 %, or AccountValue <= 0, of an account that has a position; exact."""
    result: Bools = (mmr_quantums > 0) & (mmr_quantums > equity_quantums)
    return result


def penalty(equity_quantums: Int64s, mmr_quantums: Int64s, share_ppm: Int64s | int, fee_ppm: int = FEE_PPM) -> Int64s:
    """Penalty = min( s * fee * MMR, max(AccountValue, 0) ), in micro-USD, rounded up.

    Capped at what the account has: a penalty out of nothing would create money for the vault. A bankrupt account keeps
    its negative value, which is bad debt. s * fee is exact for shares in steps of 20 % and any whole-ppm fee.
    """
    due = ppm_ceil(mmr_quantums, -(-share_ppm * fee_ppm // PPM))
    capped: Int64s = np.minimum(due, np.maximum(equity_quantums, 0))
    return capped


def liquidation_share(
    equity_quantums: Int64s,
    mmr_quantums: Int64s,
    fee_ppm: int = FEE_PPM,
    step_ppm: int = STEP_PPM,
    target_ppm: int = TARGET_PPM,
) -> Int64s:
    """The smallest s in {20 %, 40 % .. 100 %} with MMR * (1 - s) / (AccountValue - Penalty(s)) < 90 %, else 100 %.

    0 for an account that is not liquidatable, 100 % for one whose value is not positive. The remaining requirement is
    rounded up and the remaining value down; the comparison itself is exact. The requirement summed over cut positions
    may exceed MMR * (1 - s) by less than one micro-USD a position.
    """
    share = np.where(liquidatable(equity_quantums, mmr_quantums), PPM, 0).astype(np.int64)
    if not share.any():
        return share
    for step in range(PPM - step_ppm, 0, -step_ppm):
        value_after = equity_quantums - penalty(equity_quantums, mmr_quantums, step, fee_ppm)
        enough = ppm_ceil(mmr_quantums, PPM - step) < ppm_ceil(value_after, target_ppm)
        share = np.where(enough & (share > 0), step, share)
    return share


def cut(size_quantums: Int64s, share_ppm: Int64s | int) -> Int64s:
    """The part of a position that is taken, with the position's sign: ceil(|q| * s), towards more reduction.

    Rounded away from zero, so that what remains never needs more margin than MMR * (1 - s), and the smallest position
    goes at once instead of being cut by nothing for ever.
    """
    part = -(-np.abs(size_quantums) * share_ppm // PPM)
    signed: Int64s = np.where(size_quantums < 0, -part, part)
    return signed
