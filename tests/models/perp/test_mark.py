"""Medians with missing votes, and the mark built on them."""

from __future__ import annotations

from statistics import median

import numpy as np
from hypothesis import given, strategies as st

from drydock.models.perp import mark
from drydock.models.perp.units import Int64s

votes = st.lists(st.one_of(st.none(), st.integers(-(10**9), 10**9)), min_size=1, max_size=7)


def column(*values: int) -> Int64s:
    return np.array(values, dtype=np.int64)[:, None]


@given(votes)
def test_median_counts_only_votes_that_are_there(votes: list[int | None]) -> None:
    """The median of those present, of an even number the mean of the middle two rounded down; unknown without any."""
    present = np.array([vote is not None for vote in votes])[:, None]
    value, known = mark.median_of_votes(column(*(vote or 0 for vote in votes)), present)
    there = [vote for vote in votes if vote is not None]
    assert bool(there) == known[0]
    if there:
        assert sum(sorted(there)[(len(there) - 1) // 2 : len(there) // 2 + 1]) // (2 - len(there) % 2) == value[0]
        assert int(value[0]) <= median(there)


def test_all_votes_present_needs_no_mask() -> None:
    """Without a mask all count, each market by itself."""
    value, known = mark.median_of_votes(np.array([[1, -5], [9, -6], [3, 100]], dtype=np.int64))
    assert ([3, -5], [True, True]) == (value.tolist(), known.tolist())


def test_absent_is_not_zero() -> None:
    """A market whose venues are all silent keeps its basis; one silent venue leaves the mean of two."""
    rates = np.array([[0, 0], [0, 400], [0, 601]], dtype=np.int64)
    present = np.array([[False, False], [False, True], [False, True]])
    price, basis = mark.mark_from_votes(np.array([10**6, 10**6]), rates, present, np.array([250, 0]))
    assert [250, 500] == basis.tolist()
    assert [1_000_250, 1_000_500] == price.tolist()


def test_mark_is_rounded_down_on_both_sides() -> None:
    """Spot 3 with a basis of +-1 ppm: 3 and 2."""
    assert [3, 2] == mark.mark_price(np.array([3, 3]), np.array([1, -1])).tolist()
