"""Reserves against valuations: they may be wrong about nobody whom they clear."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from drydock.models import cloud, shadow
from drydock.models.accounts import VAULT, Holdings, Layout
from drydock.models.perp.units import INDEX_SHIFT
from drydock.models.reserves import NEAR_INDEX_SHIFT, NEAR_SHIFT, Fill, Reserves
from tests.nights import play

Ints = NDArray[np.int64]
MARKETS, PEOPLE = 3, 4


def array(*values: int) -> Ints:
    return np.array(values, np.int64)


class State(NamedTuple):
    """People with a slot in each market, most of them close to their margin; marks, indices, margin ratios."""

    holdings: Holdings
    mark: Ints
    index: Ints
    ratio_ppm: Ints

    def under(self, mark: Ints, index: Ints) -> set[int]:
        """Everybody under margin, by a valuation."""
        return set(self.holdings.value(mark, index, self.ratio_ppm, 0).under_margin().tolist())

    def book(self, fills: list[Fill], index: Ints) -> None:
        """Books them."""
        self.holdings.fill_all([(a, b, c, d) for a, b, c, d in fills], index.tolist())


@st.composite
def states(draw: st.DrawFn) -> State:
    layout = Layout([list(range(MARKETS))] * (1 + PEOPLE), MARKETS)

    def column(count: int, low: int, high: int) -> Ints:
        return array(*draw(st.lists(st.integers(low, high), min_size=count, max_size=count)))

    mark, index = column(MARKETS, 10**6, 10**7), column(MARKETS, -(2**45), 2**45)
    ratio_ppm = column(MARKETS, 5_000, 200_000)
    size = column(layout.slots, -(10**5), 10**5)
    state = State(
        Holdings(layout, np.zeros(layout.accounts, np.int64), size, index[layout.market]), mark, index, ratio_ppm
    )
    value = state.holdings.value(mark, index, ratio_ppm, 0)
    slack = column(layout.accounts, -(10**8), 10**10)
    state.holdings.quote[:] = value.margin - value.equity + slack
    return state


@st.composite
def moves(draw: st.DrawFn, state: State) -> tuple[Ints, Ints]:
    """Marks and indices near those of the state, or somewhat beyond."""
    near, near_index = state.mark >> NEAR_SHIFT, (state.mark >> NEAR_INDEX_SHIFT) << INDEX_SHIFT
    share = st.lists(st.integers(-105, 105), min_size=MARKETS, max_size=MARKETS)
    return state.mark + near * array(*draw(share)) // 100, state.index + near_index // 100 * array(*draw(share))


@st.composite
def fills_of(draw: st.DrawFn, mark: Ints) -> list[Fill]:
    """Fills between accounts, at or off the mark."""
    one = st.tuples(st.integers(0, MARKETS - 1), st.permutations(range(1 + PEOPLE)), st.integers(-3_000, 3_000))
    return [
        (parties[0] * MARKETS + market, parties[1] * MARKETS + market, size,
         int(mark[market]) * draw(st.sampled_from((98, 100, 100, 101))) // 100)
        for market, parties, size in draw(st.lists(one, max_size=6))
    ]  # fmt: skip


@settings(max_examples=200)
@given(states(), st.data())
def test_whoever_is_cleared_is_not_under_margin(state: State, data: st.DataObject) -> None:
    """Question after question, with prices that wander and fills at any price: what is certain is so."""
    reserves = Reserves(state.holdings, state.ratio_ppm)
    for _ in range(4):
        mark, index = data.draw(moves(state))
        fills = data.draw(fills_of(mark))
        state.book(fills, index)
        under = state.under(mark, index)
        if data.draw(st.booleans()):
            if reserves.cover_all(fills, mark, mark.tolist(), index):
                assert set() == under
        else:
            takers = {state.holdings.layout.account_of[fill[0]] for fill in fills}
            found = reserves.suspects(fills, mark, mark.tolist(), index)
            assert takers & under <= found <= takers - {VAULT}


@given(states())
def test_wide_reserves_clear_everybody(state: State) -> None:
    """With plenty of money nobody is suspected: the short cut is one."""
    state.holdings.quote[:] += 10**14
    reserves = Reserves(state.holdings, state.ratio_ppm)
    assert reserves.cover_all([], state.mark, state.mark.tolist(), state.index)
    assert reserves.cover_all([], state.mark + (state.mark >> NEAR_SHIFT), state.mark.tolist(), state.index)


def test_money_that_leaves_is_seen_once_it_is_said() -> None:
    """A withdrawal makes reserves void: :meth:`forget` makes the next question look at everybody."""
    layout = Layout([[0], [0]], 1)
    mark, index = array(1_000_000), array(0)
    holdings = Holdings(layout, array(0, 100_000_000), array(-100, 100), array(0, 0))
    reserves = Reserves(holdings, array(50_000))
    assert reserves.cover_all([], mark, mark.tolist(), index)
    holdings.quote[1] -= 196_000_000
    reserves.forget()
    assert not reserves.cover_all([], mark, mark.tolist(), index)


@pytest.mark.parametrize("name", ["calm", "crash"])
def test_night_is_the_same_when_everybody_is_looked_at(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without reserves in cloud and shadow book the same digest, findings and ledger, calm or crashing."""
    sets = ("population.fills_per_minute=60", "population.transfers_per_hour=600")
    short = play(*sets, regime=name)
    monkeypatch.setattr(cloud.Cloud, "nobody_is_under", lambda self: False)
    monkeypatch.setattr(shadow.Shadow, "nobody_is_under", lambda self, at_ms: False)
    long = play(*sets, regime=name)
    assert (long.digest, long.findings, long.entries) == (short.digest, short.findings, short.entries)
    assert long.checks == short.checks
