"""Every short cut of a hot path gives what the long way gives: the same numbers, and so the same trace."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from drydock.faults.slow_load import SlowLoad
from drydock.harness import recorder
from drydock.harness.port import Fault
from drydock.models import market_data, regimes, shadow, truth, world
from drydock.models.accounts import VAULT, Holdings
from drydock.models.chain import Chain, FillTx, Ints
from drydock.models.cloud import Cloud
from drydock.models.events import BlockSealed
from drydock.models.market_data import MarketData
from drydock.models.perp import mark, units
from drydock.models.perp.units import Int64s
from tests.nights import Stage, of, play

MANY_BLOCKS = ("venue.chain.block_ms=500", "venue.chain.l1_confirm_ms=700", "population.transfers_per_hour=1200")
"""Most blocks bring no price and no index, and some of these a deposit."""
SLOW = SlowLoad("start-services", "funding", 0, 4_000, 600_000)


def ranked_median(votes: Int64s) -> Int64s:
    """The median by sorting."""
    ranked = np.sort(votes, axis=0)
    middle: Int64s = (ranked[(len(votes) - 1) // 2] + ranked[len(votes) // 2]) >> 1
    return middle


def free_of_all(cloud: Cloud) -> dict[int, int]:
    """Free collateral of every account at once."""
    venue = cloud._world
    fee_ppm = venue.venue.liquidation.taker_fee_ppm
    margin = cloud.holdings.initial_margin(cloud.mark, venue.markets.imf_ppm, fee_ppm)
    return dict(enumerate((cloud.value().equity - margin).tolist()))


@pytest.mark.parametrize("regime", ["flat", "crash"])
def test_truth_index_of_many_ticks_at_once_is_that_of_one_by_one(regime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Across the ends of chunks and of the night, to the unit."""
    times = range(0, 1_500_000, 5_000)
    many = Stage(regime=regime, is_started=False).world.truth
    expected = [many.index(at_ms).tolist() for at_ms in times]
    monkeypatch.setattr(truth, "TICKS_AT_ONCE", 1)
    single = Stage(regime=regime, is_started=False).world.truth
    assert expected == [single.index(at_ms).tolist() for at_ms in times]


@pytest.mark.parametrize("regime", list(regimes.REGIMES))
def test_outside_drawn_in_two_parts_is_the_one_drawn_at_once(regime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first part of a long night is the beginning of the whole: same spot, same rates, before and after its end."""
    parts = Stage("runbook.night_ms=2h", regime=regime, is_started=False).world.outside
    monkeypatch.setattr(world, "FIRST_DRAW_MS", 7_200_000)
    whole = Stage("runbook.night_ms=2h", regime=regime, is_started=False).world.outside
    for at_ms in (0, 1_800_000, 3_599_999, 3_605_000, 7_199_000):
        assert whole.spot(at_ms).tolist() == parts.spot(at_ms).tolist()
        assert whole.median_rate(at_ms).tolist() == parts.median_rate(at_ms).tolist()


@pytest.mark.parametrize("regime", ["calm", "crash"])
def test_true_mark_of_one_market_is_that_among_all(regime: str) -> None:
    """Marks of sixty-four instants at once are those of one instant at a time, across the ends of chunks and after."""
    outside = Stage("runbook.night_ms=2h", regime=regime, is_started=False).world.outside
    for at_ms in (0, 4_999, 5_000, 319_999, 320_000, 1_234_567, 3_599_999, 3_605_000, 7_300_000):
        assert outside.mark(at_ms).tolist() == [outside.mark_one(at_ms, market) for market in range(3)]


def test_right_ticks_are_known_to_be_right_without_the_band(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shadow book that holds every published index against the band comes to the same offsets and wrong markets."""
    sets = ("venue.funding.readiness=process_up", "venue.safeguards.price_freshness=null")
    short = play(*sets, plan=(SLOW,), regime="crash")
    monkeypatch.setattr(shadow, "all_true", lambda mask: False)
    long = play(*sets, plan=(SLOW,), regime="crash")
    assert (long.digest, long.findings, long.entries) == (short.digest, short.findings, short.entries)


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=200))
def test_looks_at_few_values_are_those_of_numpy(values: list[int]) -> None:
    """Least, greatest, all and none: of few values in plain integers, of many by reductions."""
    array = np.array(values, np.int64)
    assert (int(array.min()), int(array.max())) == (units.least(array), units.greatest(array))
    assert bool((array > 0).all()) == units.all_true(array > 0)
    assert bool((array > 0).any()) != units.none_true(array > 0)


def take_the_long_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switches every short cut off."""
    refresh = Cloud.refresh_free

    def refresh_all(cloud: Cloud) -> None:
        refresh(cloud)
        if cloud._world.is_trading:
            cloud._free = free_of_all(cloud)

    monkeypatch.setattr(Cloud, "refresh_free", refresh_all)
    monkeypatch.setattr(MarketData, "_aggregate_evenly", lambda service: None)
    for module in (mark, market_data, truth):
        monkeypatch.setattr(module, "median_of_all", ranked_median)
    monkeypatch.setattr(recorder, "_SMALL_ARRAY", -1)


@pytest.mark.parametrize("plan", [(), (SLOW,)], ids=["clean", "slow load"])
@pytest.mark.parametrize("regime", ["calm", "crash"])
def test_night_is_the_same_without_short_cuts(
    regime: str, plan: tuple[Fault, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Digest, findings and ledger are equal, calm or crashing, clean or faulty."""
    sets = ("population.fills_per_minute=60", "population.accounts=60")
    short = play(*sets, plan=plan, regime=regime)
    take_the_long_ways(monkeypatch)
    long = play(*sets, plan=plan, regime=regime)
    assert (long.digest, long.findings, long.entries) == (short.digest, short.findings, short.entries)


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.integers(1, 120_000))
def test_value_of_one_account_is_that_among_all(seed: int, at_ms: int) -> None:
    """Plain integers, account by account, give the equity and the margin that arrays give."""
    venue = Stage(seed=seed, regime="calm").at(at_ms).world
    chain, fee_ppm = venue.chain, venue.venue.liquidation.taker_fee_ppm
    value = chain.value()
    marks, index = chain.mark.tolist(), chain.index.tolist()
    ratio_ppm = (venue.markets.mmf_ppm + fee_ppm).tolist()
    one_by_one = [chain.holdings.value_one(n, marks, index, ratio_ppm) for n in range(venue.layout.accounts)]
    assert list(zip(value.equity.tolist(), value.margin.tolist(), strict=True)) == one_by_one


@given(st.integers(1, 7), st.data())
def test_median_without_sorting_is_the_median(sources: int, data: st.DataObject) -> None:
    """One, two, three and more votes a market."""
    row = st.lists(st.integers(-(2**40), 2**40), min_size=2, max_size=2)
    votes: NDArray[np.int64] = np.array(data.draw(st.lists(row, min_size=sources, max_size=sources)))
    assert ranked_median(votes).tolist() == mark.median_of_all(votes).tolist()


@pytest.mark.parametrize("regime", ["calm", "crash"])
def test_valuation_that_is_kept_is_that_of_every_block(regime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Valuing all accounts at each block, and looking at every taker, gives the same trace, findings and equities."""
    kept = play(*MANY_BLOCKS, regime=regime)

    def value_anew(self: Chain) -> Ints:
        self._equity = None
        return long_way(self)

    def all_takers(self: Chain, fills: list[FillTx]) -> set[int]:
        return {self.layout.account_of[fill.taker_slot] for fill in fills} - {VAULT}

    long_way = Chain._equity_now
    monkeypatch.setattr(Chain, "_equity_now", value_anew)
    monkeypatch.setattr(Chain, "_suspects", all_takers)
    anew = play(*MANY_BLOCKS, regime=regime)
    assert anew.digest == kept.digest
    assert anew.findings == kept.findings
    equities = [[e.view.equity.tolist() for e in of(run.events, BlockSealed)] for run in (anew, kept)]
    assert equities[0] == equities[1]


def test_both_legs_booked_at_once_are_the_legs_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A night in which every fill is booked leg by leg leaves the same trace."""
    at_once = play()

    def leg_by_leg(self: Holdings, taker_slot: int, maker_slot: int, size: int, price: int, index: int) -> None:
        self.trade_one(taker_slot, size, price, index)
        self.trade_one(maker_slot, -size, price, index)

    def one_by_one(self: Holdings, fills: list[FillTx], index: list[int]) -> None:
        for fill in fills:
            leg_by_leg(self, *fill, index[self.layout.market_of[fill[0]]])

    monkeypatch.setattr(Holdings, "fill_one", leg_by_leg)
    monkeypatch.setattr(Holdings, "fill_all", one_by_one)
    assert play().digest == at_once.digest


def test_fill_off_the_mark_is_valued_anew() -> None:
    """A fill at another price than the chain's mark moves equity, and the next block says so."""
    stage = Stage("venue.chain.block_ms=500", "population.transfers_per_hour=0")
    chain = stage.world.chain
    stage.at(13_100)
    maker_slot, taker_slot = chain.layout.slot_of[(1, 0)], int(np.flatnonzero(chain.layout.market == 0)[-1])
    chain.submit(FillTx(taker_slot, maker_slot, 1, int(chain.mark[0]) - 1_000))
    stage.at(13_501)
    assert chain.value().equity.tolist() == stage.of(BlockSealed)[-1].view.equity.tolist()


WITH_BOOK = ("venue.order_book={}", "population.accounts=60")


def asked_at_once(cloud: Cloud, account: int, slot: int, amount: int) -> None:
    """What a fill takes of free collateral, asked for when it is made."""
    cloud._free[account] = cloud.free_collateral(account) - amount


def test_maker_asked_later_has_the_free_collateral_that_he_had_when_he_traded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two marks, whatever he filled meanwhile; and asking changes nothing that he holds."""

    unasked: list[int] = []

    def free_of_makers() -> list[int]:
        found = []
        cloud = Stage(*WITH_BOOK, regime="crash").at(60_004).world.cloud
        for at_ms in range(60_004, 160_000, 10_000):
            cloud._world.sim.run_until(at_ms)
            before = cloud.holdings.flat.copy()
            unasked.append(len(cloud._unasked))
            found += [cloud.free_collateral(maker) for maker in cloud._makers]
            assert before.tolist() == cloud.holdings.flat.tolist()
        return found

    later = free_of_makers()
    assert any(unasked)
    monkeypatch.setattr(Cloud, "_commit", asked_at_once)
    assert free_of_makers() == later


@pytest.mark.parametrize("regime", ["calm", "crash"])
def test_night_is_the_same_where_makers_are_asked_at_once(regime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their own orders, busts, resyncs and liquidations included."""
    sets = (*WITH_BOOK, "population.fills_per_minute=600")
    short = play(*sets, plan=(SLOW,), regime=regime)
    monkeypatch.setattr(Cloud, "_commit", asked_at_once)
    long = play(*sets, plan=(SLOW,), regime=regime)
    assert (long.digest, long.findings, long.entries) == (short.digest, short.findings, short.entries)
