"""Funding: the rate, the index that accrues it, and what an index means to a position.

Source of all formulas: Paradex documentation, "Funding mechanism", as of 16 January 2026 (commit 132b388d); the cap on
the gap is that page of 23 April 2026 (commit 025a3872).
"""

from __future__ import annotations

import numpy as np

from drydock.models.perp.units import INDEX_SHIFT, PPM, Int64s, greatest, least

EIGHT_HOURS_MS = 8 * 3_600_000
INTEREST_PPM_PER_EIGHT_HOURS = 100
CLAMP_PPM = 500
GAP_CAP_MS = 30_000
DT_MS_MAX = 1 << 30
PERIOD_MS_MAX = 24 * 3_600_000
STEP_PRICE_QUANTUMS_MAX = 1 << 27

_DIGIT = 15
_FRACTION = (1 << INDEX_SHIFT) - 1


def interest_ppm(period_ms: Int64s) -> Int64s:
    """The interest of one funding period: 0.01 % per 8 h, scaled to the period, rounded down to whole ppm.

    (12.5 ppm of a period of one hour become 12: the largest loss of this rounding, 4.4 ppm a day.)
    """
    return INTEREST_PPM_PER_EIGHT_HOURS * period_ms // EIGHT_HOURS_MS


def funding_rate_ppm(
    fair_basis_ppm: Int64s,
    interest_ppm: Int64s | int,
    clamp_ppm: Int64s | int,
    cap_ppm: Int64s | int,
) -> Int64s:
    """FundingRate = cap_{+-M}( FairBasis + clamp(Interest - FairBasis, +-ClampRate) ), per funding period.

    Whole ppm in, whole ppm out: nothing is rounded.
    """
    towards_interest = np.minimum(np.maximum(interest_ppm - fair_basis_ppm, -clamp_ppm), clamp_ppm)
    rate: Int64s = np.minimum(np.maximum(fair_basis_ppm + towards_interest, -cap_ppm), cap_ppm)
    return rate


def premium_quantums(rate_ppm: Int64s, spot_quantums: Int64s) -> Int64s:
    """FundingPremium = FundingRate * SpotOracle, in price quantums per funding period, rounded down.

    For readers only; ``accrue`` does not go through this rounded value.
    """
    return rate_ppm * spot_quantums // PPM


def accrue(
    index: Int64s,
    carry: Int64s,
    rate_ppm: Int64s,
    spot_quantums: Int64s,
    dt_ms: Int64s | int,
    period_ms: Int64s,
    gap_cap_ms: int | None = None,
) -> tuple[Int64s, Int64s]:
    """Index_now = Index_cached + FundingRate * SpotOracle * dt / period, and the remainder to hand to the next tick.

    Rounded down to an index unit; the remainder, in [0, 1e6 * period) parts of 1 / (1e6 * period) index unit, is
    carried, so an interval cut into many ticks accrues exactly what it accrues uncut. The carry belongs to one period
    length: a market whose period changes starts again with a carry of 0.

    With ``gap_cap_ms`` a longer gap is treated as zero time ("so the index does not jump"); None integrates it all.
    |rate| < 2^20 ppm, spot < 2^27, 0 <= dt < 2^30 ms (12 days), period <= 24 h; ``ValueError`` for dt outside of this,
    ``OverflowError`` for a step of 2^27 price quantums and more.
    """
    dt = np.asarray(dt_ms, dtype=np.int64)
    if gap_cap_ms is not None and dt.size and greatest(dt) > gap_cap_ms:
        dt = np.where(dt > gap_cap_ms, 0, dt)
    step, remainder = _step(rate_ppm * spot_quantums, dt, PPM * period_ms, carry)
    return index + step, remainder


def _step(product: Int64s, dt: Int64s, divisor: Int64s, carry: Int64s | int) -> tuple[Int64s, Int64s]:
    """Quotient and remainder of (product * dt * 2^30 + carry) / divisor: Horner's rule over digits of 15 bits.

    |product| < 2^47 and remainder < divisor < 2^47, so remainder * 2^15 + product * digit < 2^62 + 2^62.
    """
    longest = greatest(dt) if dt.size else 0
    if longest >= DT_MS_MAX or (dt.size and least(dt) < 0):
        raise ValueError(f"dt_ms in [{dt.min()}, {dt.max()}]; allowed is [0, {DT_MS_MAX})")
    if longest < 1 << _DIGIT:  # every ordinary tick: the first digit of dt is 0
        whole, remainder = np.divmod(product * dt, divisor)
    else:
        high, low = dt >> _DIGIT, dt & ((1 << _DIGIT) - 1)
        whole, remainder = np.divmod(product * high, divisor)
        part, remainder = np.divmod((remainder << _DIGIT) + product * low, divisor)
        whole = (whole << _DIGIT) + part
    if whole.size and not -STEP_PRICE_QUANTUMS_MAX <= least(whole) <= greatest(whole) < STEP_PRICE_QUANTUMS_MAX:
        raise OverflowError(f"an index step in [{whole.min()}, {whole.max()}] price quantums; the bound is 2^27")
    part, remainder = np.divmod(remainder << _DIGIT, divisor)
    whole = (whole << _DIGIT) + part
    part, remainder = np.divmod((remainder << _DIGIT) + carry, divisor)
    return (whole << _DIGIT) + part, remainder


def max_step(cap_ppm: Int64s | int, spot_quantums: Int64s, dt_ms: Int64s | int, period_ms: Int64s) -> Int64s:
    """The largest |index step| that a rate within +-cap can make in dt, in index units, rounded up (law F1).

    Source: StarkWare perpetuals, ``funding_tick.cairo``: |dIndex| <= max_funding_rate * price * dt. Rounded up because
    a carried remainder may let the last unit of an earlier tick fall into this one. Bounds as in ``accrue``.
    """
    steps, remainder = _step(cap_ppm * spot_quantums, np.asarray(dt_ms, dtype=np.int64), PPM * period_ms, 0)
    bound: Int64s = steps + (remainder > 0)
    return bound


def funding_pnl(size_quantums: Int64s, index: Int64s, cached_index: Int64s) -> Int64s:
    """AccruedFundingPnL = -q * (Index_now - Index_cached), in micro-USD, rounded down: against the account, always.

    Exact before that one rounding: the difference is split into whole price quantums and a fraction of 2^-30, because
    the plain product needs 85 bits. What the rounding takes (below one micro-USD a position) is the venue's; the sum
    over all accounts of a market is in (-positions, 0] and never positive (law F6 allows for it).
    """
    difference = index - cached_index
    whole, fraction = difference >> INDEX_SHIFT, difference & _FRACTION
    short = -size_quantums
    pnl: Int64s = short * whole + (short * fraction >> INDEX_SHIFT)
    return pnl
