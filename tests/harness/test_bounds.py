"""Bounds and distributions: exact, rounded the safe way."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given, strategies as st

from drydock.harness.bounds import p_upper_ppm
from drydock.harness.money import distribution, harm_by_kind, percentile, refunds
from drydock.harness.port import Entry
from drydock.harness.result import Refund

MILLION = 1_000_000


@pytest.mark.parametrize(
    ("failures", "runs", "family", "expected_ppm"),
    [
        (0, 400, 1, 7_462),  # 1 - 0.05 ** (1 / 400) = 0.7461 %
        (0, 400, 12, 13_609),  # 1 - (0.05 / 12) ** (1 / 400) = 1.3608 %
        (0, 40, 12, 128_044),
        (0, 10_000, 12, 548),
        (1, 10, 1, 394_164),  # tables of Clopper and Pearson, one-sided 95 %
        (5, 10, 1, 777_559),
        (40, 40, 1, 1_000_000),
        (0, 0, 1, 1_000_000),
    ],
)
def test_known_values(failures: int, runs: int, family: int, expected_ppm: int) -> None:
    """Published and closed-form values, rounded up."""
    assert expected_ppm == p_upper_ppm(failures, runs, family)


def tail(failures: int, runs: int, p_ppm: int) -> Fraction:
    """``P(X <= failures)``, by exact fractions."""
    p = Fraction(p_ppm, MILLION)
    return sum((comb(runs, j) * p**j * (1 - p) ** (runs - j) for j in range(failures + 1)), Fraction(0))


@given(data=st.data(), runs=st.integers(1, 40), family=st.integers(1, 30))
def test_the_bound_is_the_smallest_that_holds(data: st.DataObject, runs: int, family: int) -> None:
    """At the bound so few failures are as unlikely as alpha or more; one ppm below they are not."""
    failures = data.draw(st.integers(0, runs - 1))
    bound_ppm = p_upper_ppm(failures, runs, family)
    alpha = Fraction(1, 20 * family)
    assert tail(failures, runs, bound_ppm) <= alpha < tail(failures, runs, bound_ppm - 1)


@given(runs=st.integers(1, 2000), family=st.integers(1, 20))
def test_more_runs_say_more_and_more_laws_say_less(runs: int, family: int) -> None:
    """The bound falls with clean runs, rises with the family and with failures."""
    bound_ppm = p_upper_ppm(0, runs, family)
    assert p_upper_ppm(0, runs + 1, family) <= bound_ppm <= p_upper_ppm(0, runs, family + 1)
    assert bound_ppm <= p_upper_ppm(1, runs, family)


@pytest.mark.parametrize(("failures", "runs", "family"), [(-1, 4, 1), (5, 4, 1), (0, 4, 0)])
def test_impossible_counts_are_refused(failures: int, runs: int, family: int) -> None:
    """More failures than runs is a mistake of the caller."""
    with pytest.raises(ValueError, match="counts must be possible"):
        p_upper_ppm(failures, runs, family)


@pytest.mark.parametrize(
    ("percent", "runs", "is_given"),
    [(50, 19, False), (50, 20, True), (95, 199, False), (95, 200, True), (99, 999, False), (99, 1000, True)],
)
def test_a_percentile_needs_ten_runs_beyond_it(percent: int, runs: int, is_given: bool) -> None:
    """Where ``n (1 - q)`` is below ten, there is no percentile."""
    assert is_given == (percentile(list(range(runs)), percent) is not None)


def test_a_percentile_is_a_value_that_occurred() -> None:
    """The smallest that so many percent of the runs do not exceed."""
    values = list(range(1, 1001))
    assert [500, 950, 990] == [percentile(values, percent) for percent in (50, 95, 99)]


def test_a_distribution_sums_up_runs() -> None:
    """Mean rounded down, maximum, and the mean by kind over all runs."""
    money = distribution([0, 5, 6], [{}, {"funding": 5}, {"funding": 2, "bad_debt": 4}])
    assert (3, None, 6, {"bad_debt": 1, "funding": 2}) == (money.mean, money.p50, money.maximum, money.by_kind)


def test_no_run_has_no_distribution() -> None:
    """Zeros and no percentile."""
    money = distribution([])
    assert (0, None, 0, {}) == (money.mean, money.p50, money.maximum, money.by_kind)


def test_refunds_are_net_by_account_and_kind() -> None:
    """A rollback's restoration is taken off; one account's gain pays no other's loss."""
    entries = [
        Entry(1, "funding", 100, restored_quantums=30),
        Entry(1, "funding", 10),
        Entry(2, "funding", 50, restored_quantums=60),
        Entry(2, "liquidation", 7),
        Entry(3, "bad_debt", 9),
    ]
    assert (Refund(1, "funding", 80), Refund(2, "liquidation", 7)) == refunds(entries, ("funding", "liquidation"))
    assert {"funding": 160, "liquidation": 7, "bad_debt": 9} == harm_by_kind(entries)
