"""Account value and margin: sums by account, roundings, and the rule of the first wave."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from drydock.harness.stream import Stream
from drydock.models.draws import uniform_between
from drydock.models.perp import funding, liquidation, margin
from drydock.models.perp.units import INDEX_SHIFT, PPM, Int64s, check_bounds, index_of_price, ppm_ceil, ppm_floor


def array(*values: int) -> Int64s:
    return np.array(values, dtype=np.int64)


@given(st.integers(-(2**61), 2**61), st.integers(-(2**20), 2**20))
def test_ratio_of_money_is_exact_but_for_its_rounding(money: int, ratio_ppm: int) -> None:
    """Down and up enclose the exact product, over the whole range of money."""
    assert money * ratio_ppm // PPM == ppm_floor(array(money), ratio_ppm)[0]
    assert -(-money * ratio_ppm // PPM) == ppm_ceil(array(money), ratio_ppm)[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [("size_quantums", 2**27 + 1), ("price_quantums", 0), ("index", -(2**57) - 1), ("quote_quantums", 2**61)],
)
def test_value_outside_the_bounds_is_refused(name: str, value: int) -> None:
    """The proof against overflow starts from bounds, and they are checked: an error names the bound."""
    check_bounds(size_quantums=array(2**27), price_quantums=array(1), index=array(-(2**57)), quote_quantums=array())
    with pytest.raises(OverflowError, match="the bounds are"):
        check_bounds(**{name: array(value)})


def test_account_with_every_value_at_its_bound_does_not_overflow() -> None:
    """128 slots of the largest size, price and funding on top of the largest quote balance: the exact sum."""
    size, price = np.full(128, -(2**27), dtype=np.int64), np.full(128, 2**27, dtype=np.int64)
    index, cached = np.full(128, 2**57, dtype=np.int64), np.full(128, -(2**57), dtype=np.int64)
    profit = funding.funding_pnl(size, index, cached)
    value = margin.account_value(array(2**60), -size * price, profit, array(0))
    assert 2**60 + 128 * (2**54 + 2**55) == int(value[0])


def test_account_value_sums_the_slots_of_each_account() -> None:
    """Quote balance plus marked positions plus funding, account by account."""
    value = margin.account_value(array(100, -5), array(10, -20, 7), array(0, 1, -2), array(0, 2))
    assert [91, 0] == value.tolist()


@pytest.mark.parametrize("starts", [(), (1, 2), (0, 2, 2), (0, 3), (0, 2, 1)])
def test_account_without_a_slot_is_refused(starts: tuple[int, ...]) -> None:
    """An account without slots would silently get the value of the next one, so ``check_starts`` refuses it."""
    with pytest.raises(ValueError, match="slots"):
        margin.check_starts(array(*starts), 3)
    margin.check_starts(array(0, 2), 3)


def test_margin_is_rounded_up_for_both_directions() -> None:
    """One micro-USD of notional needs one micro-USD of margin, long or short; initial margin uses its own ratio."""
    assert [1, 1, 0] == margin.maintenance_margin(array(1, -1, 0), array(1, 1, 9), 10_000, 500).tolist()
    assert [20_500_000] == margin.initial_margin(array(-1_000), array(1_000_000), 20_000, 500).tolist()


def draw(seed: int, name: str, count: int, low: int, high: int) -> Int64s:
    return uniform_between(Stream(seed, name).words(count), low, high)


def random_accounts(seed: int, accounts: int, markets: int) -> tuple[Int64s, ...]:
    """(slot sizes, prices, index quantums, mmf, quote, starts) of accounts with one to four positions."""
    counts = draw(seed, "counts", accounts, 1, 4)
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    slots = int(counts.sum())
    market = draw(seed, "market", slots, 0, markets - 1)
    price = draw(seed, "price", markets, 10**6, 10**7 - 1)
    index = price * draw(seed, "index", markets, -300_000, 300_000) // PPM
    mmf = array(10_000, 25_000, 50_000, 100_000)[draw(seed, "mmf", markets, 0, 3)]
    size = draw(seed, "size", slots, -50_000, 50_000)
    equity = np.add.reduceat(np.abs(size) * price[market], starts) // draw(seed, "leverage", accounts, 2, 50)
    quote = equity - np.add.reduceat(size * price[market], starts)
    return size, price[market], index[market], mmf[market], quote, starts


@pytest.mark.parametrize("zeroed_ppm", [0, 200_000, 1_000_000])
def test_first_wave_liquidates_by_its_rule_account_by_account(zeroed_ppm: int) -> None:
    """Some indices become 0: liquidatable iff -sum q I > AV - sum |q| P (MMF + fee), against full recomputation."""
    size, price, index, mmf, quote, starts = random_accounts(zeroed_ppm, 3_000, 30)
    fee_ppm = 500
    zeroed = (index % PPM) < zeroed_ppm
    cached = index_of_price(index)  # settled just before, so that AV holds no accrued funding
    requirement = margin.maintenance_margin(size, price, mmf, fee_ppm)
    mmr = margin.sum_by_account(requirement, starts)
    before = margin.account_value(quote, size * price, np.zeros_like(size), starts)
    after_index = np.where(zeroed, 0, cached)
    after = margin.account_value(quote, size * price, funding.funding_pnl(size, after_index, cached), starts)
    rule = -margin.sum_by_account(np.where(zeroed, size * index, 0), starts) > before - mmr
    assert rule.tolist() == liquidation.liquidatable(after, mmr).tolist()
    assert (zeroed_ppm == 0) or 100 < rule.sum() < 3_000


def test_conservation_is_blind_to_the_reset() -> None:
    """Longs gain q * I and shorts lose it: with sizes that sum to zero the total value does not move at all."""
    size = array(300, -100, -200)
    shift = funding.funding_pnl(size, array(0), array(5 << INDEX_SHIFT))
    assert [1_500, -500, -1_000] == shift.tolist()
