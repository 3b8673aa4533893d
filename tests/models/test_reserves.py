"""Reserves against valuations: they may be wrong about nobody whom they clear."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from drydock.harness.stream import Stream
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


def column(dice: Stream, low: int, high: int, count: int = MARKETS) -> Ints:
    return array(*(dice.between(low, high) for _ in range(count)))


def state_of(dice: Stream) -> State:
    """Everybody healthy, by up to half a percent of what he holds: as far as near prices can move him."""
    layout = Layout([list(range(MARKETS))] * (1 + PEOPLE), MARKETS)
    mark, index = column(dice, 10**6, 10**7), column(dice, -(2**45), 2**45)
    ratio_ppm = column(dice, 5_000, 60_000)
    size = column(dice, -(10**5), 10**5, layout.slots)
    holdings = Holdings(layout, np.zeros(layout.accounts, np.int64), size, index[layout.market])
    value = holdings.value(mark, index, ratio_ppm, 0)
    gross = layout.per_account(np.abs(size) * mark[layout.market])
    holdings.quote[:] = value.margin - value.equity + gross // 1_000_000 * column(dice, 0, 5_000, layout.accounts)
    return State(holdings, mark, index, ratio_ppm)


def moved(state: State, dice: Stream) -> tuple[Ints, Ints]:
    """Marks and indices near those of the state, sometimes beyond."""
    most = (55, 55, 400)[dice.between(0, 2)]
    near, near_index = state.mark >> NEAR_SHIFT, (state.mark >> NEAR_INDEX_SHIFT) << INDEX_SHIFT
    marks = state.mark + near * column(dice, -most, most) // 100
    return marks, state.index + near_index // 100 * column(dice, -most, most)


def fills_of(mark: Ints, dice: Stream) -> list[Fill]:
    """Fills between accounts, most of them at the mark."""
    fills: list[Fill] = []
    for _ in range(dice.between(0, 2)):
        market, taker = dice.between(0, MARKETS - 1), dice.between(0, PEOPLE)
        maker = (taker + dice.between(1, PEOPLE)) % (1 + PEOPLE)
        price = int(mark[market]) * (900, 1_000, 1_000, 1_100)[dice.between(0, 3)] // 1_000
        size = dice.between(-20_000, 20_000)
        fills.append((taker * MARKETS + market, maker * MARKETS + market, size, price))
    return fills


@settings(max_examples=600)
@given(st.integers(0, 2**32))
def test_whoever_is_cleared_is_not_under_margin(seed: int) -> None:
    """Question after question, with prices that wander and fills at any price: what is certain is so."""
    dice = Stream(seed, "dice")
    state = state_of(dice)
    reserves = Reserves(state.holdings, state.ratio_ppm)
    reserves.suspects([], state.mark, state.mark.tolist(), state.index)
    for _ in range(3):
        mark, index = moved(state, dice)
        fills = fills_of(mark, dice)
        state.book(fills, index)
        under = state.under(mark, index)
        takers = {state.holdings.layout.account_of[fill[0]] for fill in fills}
        if dice.between(0, 1):
            found = reserves.suspects(fills, mark, mark.tolist(), index)
            assert takers & under <= found <= takers - {VAULT}
        elif reserves.cover_all(fills, mark, mark.tolist(), index):
            assert set() == under


@pytest.mark.parametrize("seed", range(5))
def test_wide_reserves_clear_everybody(seed: int) -> None:
    """With plenty of money nobody is suspected: the short cut is one."""
    state = state_of(Stream(seed, "dice"))
    state.holdings.quote[:] += 10**14
    reserves = Reserves(state.holdings, state.ratio_ppm)
    assert reserves.cover_all([], state.mark, state.mark.tolist(), state.index)
    assert reserves.cover_all([], state.mark + (state.mark >> NEAR_SHIFT), state.mark.tolist(), state.index)


def test_liquidations_and_whole_copies_are_noticed() -> None:
    """What is booked by :meth:`Holdings.trade` or taken from another copy is looked at anew, without being told."""
    layout = Layout([[0], [0]], 1)
    mark, index = array(1_000_000), array(0)
    holdings = Holdings(layout, array(0, 0), array(-100, 100), array(0, 0))
    poor = Holdings(layout, array(0, -99_000_000), array(-100, 100), array(0, 0))
    reserves = Reserves(holdings, array(50_000))
    assert reserves.cover_all([], mark, mark.tolist(), index)
    holdings.take_from(poor)
    assert not reserves.cover_all([], mark, mark.tolist(), index)
    holdings.trade(array(1), array(-90), array(3_000_000), index)
    assert reserves.cover_all([], mark, mark.tolist(), index)


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
