"""Partial liquidation: the documented table at both fees, caps, and what a cut leaves."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, strategies as st

from drydock.models.perp import liquidation, margin
from drydock.models.perp.units import PPM, Int64s

USD = 1_000_000
money = st.integers(-(10**15), 10**15)
requirements = st.integers(1, 10**15)
positions = st.tuples(st.integers(-(2**20), 2**20), st.integers(1, 10**7))
fees = st.sampled_from([0, 500_000, 700_000, 1_000_000])


def array(*values: int) -> Int64s:
    return np.array(values, dtype=np.int64)


@pytest.mark.parametrize(
    ("fee_ppm", "tenths_of_percent", "share_ppm"),
    [
        (500_000, {200_000: 999, 400_000: 856}, 400_000),
        (700_000, {200_000: 1_051, 400_000: 966, 600_000: 832}, 600_000),
    ],
)
def test_worked_table_of_the_documentation(fee_ppm: int, tenths_of_percent: dict[int, int], share_ppm: int) -> None:
    """MMR 88.8, AV 80: at a fee of 50 % 99.9 % then 85.6 %, so 40 %; at 70 % 105.1 %, 96.6 %, 83.2 %, so 60 %."""
    equity, mmr = array(80 * USD), array(88_800_000)
    for share, expected in tenths_of_percent.items():
        value_after = equity - liquidation.penalty(equity, mmr, share, fee_ppm)
        ratio_ppm = mmr * (PPM - share) // value_after
        assert [expected] == ((ratio_ppm + 500) // 1_000).tolist()
    assert [share_ppm] == liquidation.liquidation_share(equity, mmr, fee_ppm).tolist()


def test_healthy_flat_and_bankrupt_accounts() -> None:
    """At the requirement nothing happens, nor without positions; without value everything goes, free of charge."""
    equity, mmr = array(100, 99, -1, 0, -7), array(100, 0, 5, 5, 0)
    assert [False, False, True, True, False] == liquidation.liquidatable(equity, mmr).tolist()
    shares = liquidation.liquidation_share(equity, mmr)
    assert [0, 0, PPM, PPM, 0] == shares.tolist()
    assert [0, 0, 0, 0, 0] == liquidation.penalty(equity, mmr, shares).tolist()


@given(money, requirements, fees)
def test_share_is_the_smallest_that_reaches_the_target(equity: int, mmr: int, fee_ppm: int) -> None:
    """Against exact fractions of the rounded amounts: the chosen share passes, every smaller one fails."""
    share = int(liquidation.liquidation_share(array(equity), array(mmr), fee_ppm)[0])
    if mmr <= equity:
        assert share == 0
        return
    passes = []
    for candidate in range(200_000, PPM, 200_000):
        value = equity - int(liquidation.penalty(array(equity), array(mmr), candidate, fee_ppm)[0])
        left = -(-mmr * (PPM - candidate) // PPM)
        passes.append(value > 0 and Fraction(left, value) < Fraction(9, 10))
    expected = next(((at + 1) * 200_000 for at, passed in enumerate(passes) if passed), PPM)
    assert expected == share


@given(money, requirements, st.sampled_from([200_000, 400_000, 600_000, 800_000, PPM]), fees)
def test_penalty_never_takes_more_than_there_is(equity: int, mmr: int, share_ppm: int, fee_ppm: int) -> None:
    """0 <= penalty <= max(AV, 0), and it is s * fee * MMR rounded up where the account can pay that."""
    paid = int(liquidation.penalty(array(equity), array(mmr), share_ppm, fee_ppm)[0])
    due = -(-mmr * share_ppm * fee_ppm // PPM**2)
    assert min(due, max(equity, 0)) == paid


@given(st.integers(-(2**27), 2**27), st.sampled_from([0, 200_000, 400_000, 600_000, 800_000, PPM]))
def test_cut_goes_away_from_zero_and_never_beyond_the_position(size: int, share_ppm: int) -> None:
    """A cut has the position's sign, at least its share, less than a quantum more, and never turns the position."""
    part = int(liquidation.cut(array(size), share_ppm)[0])
    assert part * size >= 0
    assert abs(size) * share_ppm <= abs(part) * PPM < abs(size) * share_ppm + PPM
    assert abs(part) <= abs(size)


def test_smallest_position_goes_at_once() -> None:
    """A position of one quantum is not cut by nothing for ever: 20 % of it is all of it."""
    assert [1, -1, 0] == liquidation.cut(array(1, -1, 0), 200_000).tolist()


@given(st.lists(positions, min_size=1, max_size=8), st.integers(1, 95))
def test_liquidated_account_ends_below_the_target_or_flat(held: list[tuple[int, int]], percent: int) -> None:
    """After cut and penalty the ratio is below 90 %, within the stated micro-USD a position, or nothing is left."""
    size, mark = (np.array(column, dtype=np.int64) for column in zip(*held, strict=True))
    requirement = margin.maintenance_margin(size, mark, 10_000, 500)
    mmr = array(int(requirement.sum()))
    equity = mmr * percent // 100
    share = liquidation.liquidation_share(equity, mmr)
    value_after = int((equity - liquidation.penalty(equity, mmr, share))[0])
    left = size - liquidation.cut(size, share)
    after = int(margin.maintenance_margin(left, mark, 10_000, 500).sum())
    assert not left.any() or (after - len(held)) * 10 < value_after * 9
