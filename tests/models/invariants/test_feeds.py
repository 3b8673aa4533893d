"""P3 to P5 on messages made by hand: bounds are exact, and a market is judged by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from drydock.harness.event import Event
from drydock.harness.law import FoldLaw
from drydock.models.events import BlockSealed, L1Transferred, Liquidation, PricesPublished
from drydock.models.invariants.feeds import Jump, Quorum, Skew
from tests.nights import Stage

MARK_MS = 5_000
BOUND_PPM = 200_000


@pytest.fixture(scope="module")
def stage() -> Stage:
    """The bench venue's first blocks."""
    return Stage().at(20_000)


def details(law: FoldLaw, truth: Any, *told: tuple[int, object]) -> list[str]:
    """What a law finds in these events."""
    law.begin(truth)
    for nth, (at_ms, data) in enumerate(told):
        law.observe(Event(at_ms, "by/hand", data.kind, nth + 1, None, data))  # type: ignore[attr-defined]
    return [finding.detail for finding in law.end()]


def prices(spot: Any, age_ms: Any = 0, live: Any = 2) -> PricesPublished:
    """A message of these prices, ages and live sources of every market."""
    full = np.ones_like(spot)
    return PricesPublished(spot, spot, full * age_ms, full * live)


@pytest.mark.parametrize(("step_ppm", "is_found"), [(BOUND_PPM, False), (BOUND_PPM + 2, True)])
def test_step_up_to_the_bound_is_believed(stage: Stage, step_ppm: int, is_found: bool) -> None:
    """Twenty per cent of the smaller price, no more, from one mark to the next."""
    spot = stage.world.truth.outside.spot(0)
    moved = spot + spot * step_ppm // 1_000_000
    assert is_found == bool(details(Jump(), stage.world.truth, (MARK_MS, prices(moved))))


@pytest.mark.parametrize("factor", [10, 1_000])
def test_wrong_unit_is_as_wrong_upwards_as_downwards(stage: Stage, factor: int) -> None:
    """A factor is measured from the smaller price: its inverse is no smaller a jump."""
    truth, spot = stage.world.truth, stage.world.truth.outside.spot(0)
    for wrong in (spot * factor, spot // factor):
        (found,) = details(Jump(), truth, (MARK_MS, prices(wrong)), (2 * MARK_MS, prices(wrong)))
        assert found.startswith(f"jump of {len(spot)} spot prices")


def test_price_may_have_moved_as_far_as_time_passed(stage: Stage) -> None:
    """After four marks without a price, four times the bound is believed."""
    truth, spot = stage.world.truth, stage.world.truth.outside.spot(0)
    moved = spot * 17 // 10
    assert details(Jump(), truth, (MARK_MS, prices(moved)))
    assert not details(Jump(), truth, (4 * MARK_MS, prices(moved)))


def liquidation(account: int) -> Liquidation:
    """Of this account; what it costs is another law's business."""
    return Liquidation(account, 1_000_000, 0, 1, 0, 0, "ok")


@pytest.mark.parametrize("use", [liquidation, lambda account: L1Transferred(account, -1)])
def test_skew_counts_among_the_markets_that_the_account_holds(stage: Stage, use: Any) -> None:
    """Who holds the late market and another is judged; who holds one market alone, or only timely ones, is not."""
    truth, view = stage.world.truth, stage.of(BlockSealed)[-1].view
    late = np.zeros(view.layout.markets, np.int64)
    late[0] = 60_001
    told = prices(truth.outside.spot(0), late)
    for account in range(view.layout.accounts):
        slots = view.layout.slots_of_one(account)
        held = {view.layout.market_of[slot] for slot in slots if view.size[slot]}
        is_mixed = 0 in held and len(held) > 1
        assert is_mixed == bool(details(Skew(), truth, (1, told), (2, stage.of(BlockSealed)[-1]), (3, use(account))))


def test_deposit_needs_no_margin_calculation(stage: Stage) -> None:
    """Money comes in whatever the prices."""
    truth = stage.world.truth
    late = np.zeros(len(truth.markets), np.int64)
    late[0] = 1 << 40
    law = Skew()
    assert not details(law, truth, (1, prices(truth.outside.spot(0), late)), (2, L1Transferred(1, 1)))
    assert 0 == law.checks


@pytest.mark.parametrize(
    ("age_ms", "live", "is_found"), [(0, 0, True), (30_000, 0, True), (30_001, 0, False), (0, 1, False)]
)
def test_quorum_is_asked_of_prices_that_call_themselves_fresh(
    stage: Stage, age_ms: int, live: int, is_found: bool
) -> None:
    """A price that admits to be old is P2's business when somebody uses it."""
    truth = stage.world.truth
    assert is_found == bool(details(Quorum(), truth, (1, prices(truth.outside.spot(0), age_ms, live))))


def test_quorum_is_asked_of_each_market(stage: Stage) -> None:
    """One market without a live source is named, though the others have theirs."""
    truth = stage.world.truth
    live = np.full(len(truth.markets), 2)
    live[1] = 0
    (found,) = details(Quorum(), truth, (1, prices(truth.outside.spot(0), 0, live)))
    assert found == f"1 price taken as fresh from too few live sources; {truth.markets.names[1]} has 0 of at least 1"


def test_market_data_counts_the_sources_that_it_heard() -> None:
    """Two sources, then one of them silent for longer than the venue declares for a fill."""
    stage = Stage().at(10_000)
    assert {2} == set(stage.of(PricesPublished)[-1].live_sources.tolist())
    stage.world.market_data.spot.made_ms[1, 0] -= 40_000
    stage.world.market_data.spot._is_even[1] = False
    assert [1, 2, 2] == stage.world.market_data._live_sources().tolist()
