"""The funding formulas: golden vectors, exactness against fractions, and what a split of time may not change."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, strategies as st

from drydock.models.perp import funding
from drydock.models.perp.units import INDEX_SHIFT, PPM, Int64s

HOUR_MS = 3_600_000
rates = st.integers(-(2**20) + 1, 2**20 - 1)
spots = st.integers(1, 2**27 - 1)
periods = st.sampled_from([HOUR_MS, 2 * HOUR_MS, 4 * HOUR_MS, 8 * HOUR_MS, 24 * HOUR_MS])
spans = st.integers(0, 2 * HOUR_MS)


def array(*values: int) -> Int64s:
    return np.array(values, dtype=np.int64)


def exact_units(rate_ppm: int, spot: int, dt_ms: int, period_ms: int) -> Fraction:
    return Fraction(rate_ppm * spot * dt_ms << INDEX_SHIFT, PPM * period_ms)


def test_documented_example_gives_minus_1875_hundred_thousandths_of_a_dollar() -> None:
    """Spot 60,000, basis 8 bps: rate 3 bps, premium 18 USD / 8 h, 60 s move the index 0.0375, +0.5 BTC pays 0.01875."""
    rate = funding.funding_rate_ppm(array(800), 100, 500, 20_000)
    spot = array(6_000_000)  # k = 4: a price quantum is 0.01 USD, a size quantum 0.0001 BTC
    assert [300] == rate.tolist()
    assert [1_800] == funding.premium_quantums(rate, spot).tolist()
    index, carry = funding.accrue(array(0), array(0), rate, spot, 60_000, array(8 * HOUR_MS))
    assert ([(375 << INDEX_SHIFT) // 100], [0]) == (index.tolist(), carry.tolist())
    assert [-18_750] == funding.funding_pnl(array(5_000), index, array(0)).tolist()


@pytest.mark.parametrize(
    ("basis_ppm", "expected_ppm"),
    [(0, 100), (600, 100), (601, 101), (-400, 100), (-401, 99), (800, 300), (30_000, 20_000), (-30_000, -20_000)],
)
def test_rate_is_interest_within_the_clamp_and_never_beyond_the_cap(basis_ppm: int, expected_ppm: int) -> None:
    """Within 0.05 % of the interest the rate is the interest; beyond, the basis less the clamp; never above the cap."""
    assert [expected_ppm] == funding.funding_rate_ppm(array(basis_ppm), 100, 500, 20_000).tolist()


def test_interest_is_scaled_to_the_period_and_rounded_down() -> None:
    """0.01 % of 8 h is 50 ppm of 4 h, 25 of 2 h, and 12 (not 12.5) of 1 h."""
    hours = array(8, 4, 2, 1)
    assert [100, 50, 25, 12] == funding.interest_ppm(hours * HOUR_MS).tolist()


@given(rates, spots, spans, periods)
def test_one_step_is_the_exact_fraction_rounded_down(rate: int, spot: int, dt_ms: int, period_ms: int) -> None:
    """Index and carry together are the exact quotient, for both signs: nothing is lost."""
    index, carry = funding.accrue(array(7), array(0), array(rate), array(spot), dt_ms, array(period_ms))
    exact = exact_units(rate, spot, dt_ms, period_ms)
    assert exact == int(index[0]) - 7 + Fraction(int(carry[0]), PPM * period_ms)
    assert 0 <= carry[0] < PPM * period_ms


@given(rates, spots, st.lists(st.integers(0, 20_000), min_size=1, max_size=30), periods)
def test_splitting_an_interval_changes_nothing(rate: int, spot: int, parts_ms: list[int], period_ms: int) -> None:
    """An interval cut into many ticks accrues the same index and leaves the same carry as the interval uncut."""
    terms = (array(rate), array(spot))
    whole = funding.accrue(array(0), array(0), *terms, sum(parts_ms), array(period_ms))
    split = (array(0), array(0))
    for part_ms in parts_ms:
        split = funding.accrue(*split, *terms, part_ms, array(period_ms))
    assert (whole[0][0], whole[1][0]) == (split[0][0], split[1][0])


def test_smallest_market_does_not_truncate_to_zero() -> None:
    """5 s of 0.01 %/8 h at the smallest reference price accrue 18,641,351 index units."""
    index, _ = funding.accrue(array(0), array(0), array(100), array(1_000_000), 5_000, array(8 * HOUR_MS))
    assert [18_641_351] == index.tolist()


def test_gap_beyond_the_cap_does_not_move_the_index() -> None:
    """With the gap rule a gap of 30 s accrues and one of 30.001 s is zero time; without it all of it is integrated."""
    start, rest = (array(5, 5), array(3, 3)), (array(100, 100), array(10**6, 10**6))
    gaps, period = array(30_000, 30_001), array(HOUR_MS, HOUR_MS)
    capped = funding.accrue(*start, *rest, gaps, period, funding.GAP_CAP_MS)
    free = funding.accrue(*start, *rest, gaps, period)
    assert (5, 3) == (capped[0][1], capped[1][1])
    assert capped[0][0] == free[0][0] > 5
    assert free[0][1] > free[0][0]


@pytest.mark.parametrize("dt_ms", [-1, 1 << 30])
def test_time_that_runs_backwards_or_for_weeks_is_refused(dt_ms: int) -> None:
    """A negative or an absurd interval raises instead of overflowing."""
    with pytest.raises(ValueError, match="dt_ms"):
        funding.accrue(array(0), array(0), array(1), array(1), dt_ms, array(HOUR_MS))


def test_step_beyond_the_bound_is_refused() -> None:
    """100 % an hour for eleven days at the largest price would not fit an index: it raises."""
    with pytest.raises(OverflowError, match="2\\^27"):
        funding.accrue(array(0), array(0), array(10**6), array(2**27 - 1), 10**9, array(HOUR_MS))


@given(st.integers(-(2**27), 2**27), st.integers(-(2**57), 2**57), st.integers(-(2**57), 2**57))
def test_funding_pnl_is_the_exact_product_rounded_down(size: int, index: int, cached: int) -> None:
    """floor(-q * (I - c) / 2^30) over the whole range of the bounds, for arrays and for Python's integers."""
    exact = -size * (index - cached) >> INDEX_SHIFT
    assert exact == funding.funding_pnl(array(size), array(index), array(cached))[0]
    assert exact == funding.funding_pnl(size, index, cached)  # type: ignore[arg-type]


@given(st.lists(st.integers(-(2**20), 2**20), min_size=1, max_size=20), st.integers(-(2**57), 2**57))
def test_funding_of_a_market_sums_to_zero_but_for_its_rounding(sizes: list[int], index: int) -> None:
    """Where the sizes sum to zero, so does the funding, up to one micro-USD a position which the venue keeps."""
    sizes = [*sizes, -sum(sizes)]
    total = int(funding.funding_pnl(array(*sizes), array(index), array(0)).sum())
    assert -len(sizes) < total <= 0


@given(st.integers(-(2**27), 2**27), st.integers(-(2**27), 2**27), st.integers(-(2**27), 2**27))
def test_reset_index_is_a_level_shift(size: int, index_quantums: int, cached_quantums: int) -> None:
    """An index I that becomes 0 changes the value of every position by q * I, whatever its cached index is."""
    index, cached = array(index_quantums) << INDEX_SHIFT, array(cached_quantums) << INDEX_SHIFT
    before = funding.funding_pnl(array(size), index, cached)
    after = funding.funding_pnl(array(size), array(0), cached)
    assert size * index_quantums == int(after[0] - before[0])


@given(st.integers(0, 2**20 - 1), rates, spots, spans, periods, st.integers(0, 10**9))
def test_no_legal_step_exceeds_the_bound(
    cap: int, rate: int, spot: int, dt_ms: int, period_ms: int, carry: int
) -> None:
    """A step of a rate within its cap never exceeds ``max_step``, with any carry and in either direction."""
    legal = max(-cap, min(cap, rate))
    index, _ = funding.accrue(array(0), array(carry), array(legal), array(spot), dt_ms, array(period_ms))
    bound = funding.max_step(cap, array(spot), dt_ms, array(period_ms))
    assert abs(int(index[0])) <= bound[0] + (dt_ms == 0)


def test_observed_indices_exceed_the_bound_of_any_maintenance_gap() -> None:
    """Resets of 1.7 %, 36 % and 450 % of spot are caught even if a gap of 30 min at 5 %/8 h is allowed in full."""
    spot = array(5_000_000)
    bound = funding.max_step(50_000, spot, 30 * 60_000, array(8 * HOUR_MS))[0]
    assert all(bound < (int(spot[0]) * share // 1_000 << INDEX_SHIFT) for share in (17, 360, 4_500))
