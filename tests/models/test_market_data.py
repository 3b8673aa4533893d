"""Market data: newest value per source, medians, freshness, and a first price before it is ready."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from drydock.faults.oracle_delay import OracleDelay
from drydock.harness.seam import Bend, Passage
from drydock.models.events import PricesPublished, ServiceState
from drydock.models.market_data import NEVER, Feed
from drydock.models.perp.mark import mark_price
from tests.nights import Stage, play, started_at, told

SECOND = ("venue.oracle.tick_ms=1s",)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9), st.lists(st.booleans(), min_size=3, max_size=3))))
def test_overtaken_message_changes_nothing(messages: list[tuple[int, int, list[bool]]]) -> None:
    """Whatever the order of arrival: per source and market the newest message stands, the first of equally new ones."""
    feed = Feed(2, 3)
    newest = {(source, market): (NEVER, 0) for source in range(2) for market in range(3)}
    for number, (source, made_ms, mask) in enumerate(messages, 1):
        feed.take(source, made_ms, np.full(3, number), np.array(mask))
        for market in np.flatnonzero(mask).tolist():
            if newest[(source, market)][0] < made_ms:
                newest[(source, market)] = (made_ms, number)
    assert newest == {
        (source, market): (int(feed.made_ms[source, market]), int(feed.value[source, market]))
        for source, market in newest
    }


def test_mark_is_spot_times_one_plus_the_median_of_external_rates() -> None:
    """In an undisturbed night every publication is the truth of the tick before it."""
    stage = Stage(*SECOND, regime="calm").at(60_000)
    outside = stage.world.outside
    for at_ms, prices in told(stage.events, PricesPublished)[1:]:
        sent_ms = (at_ms - 1) // 1_000 * 1_000
        rates_ms = (at_ms - 1) // 5_000 * 5_000
        assert outside.spot(sent_ms).tolist() == prices.spot_quantums.tolist()
        expected = mark_price(prices.spot_quantums, outside.median_rate(rates_ms))
        assert expected.tolist() == prices.mark_quantums.tolist()


def test_prices_come_at_an_even_pace_and_say_how_old_they_are() -> None:
    """One publication each five seconds; the age is that of the oldest message in it."""
    stage = Stage(*SECOND).at(20_001)
    published = told(stage.events, PricesPublished)
    assert [0, 5_000, 10_000, 15_000, 20_000] == [at_ms for at_ms, _ in published]
    assert {5_000} == {int(age) for _, prices in published[1:] for age in prices.age_ms}


def late(stage: Stage, seam: str, label: str, delay_ms: int, market: int | None = None) -> None:
    """Bends a seam for ever: one source, for one market or all."""

    def delay(passage: Passage) -> bool:
        if passage.label == label:
            passage.delay_ms[slice(None) if market is None else market] += delay_ms
        return passage.label == label

    stage.world.seams[seam].bends.append(Bend(delay))


def test_one_late_source_ages_the_median_unless_freshness_shuts_it_out() -> None:
    """Without a freshness rule the late source votes; with it, only the sources that are fresh do."""
    ages = {}
    for rule in ("null", "{}"):
        stage = Stage(*SECOND, f"venue.safeguards.price_freshness={rule}").at(1)
        late(stage, "oracle.spot", "spot-1", 20_000)
        stage.at(60_000)
        ages[rule] = max(int(prices.age_ms.max()) for _, prices in told(stage.events, PricesPublished)[8:])
    assert {"null": 21_000, "{}": 5_000} == ages


def test_late_market_ages_alone() -> None:
    """A message bent for one market leaves the age of the other markets as it was."""
    stage = Stage(*SECOND).at(1)
    for source in ("spot-1", "spot-2"):
        late(stage, "oracle.spot", source, 10_000, market=1)
    stage.at(60_000)
    assert [5_000, 11_000, 5_000] == told(stage.events, PricesPublished)[-1][1].age_ms.tolist()


def test_market_without_an_external_rate_is_not_priced() -> None:
    """Absent is not zero: a restarted service that hears no external venue publishes nothing."""
    stage = Stage(*SECOND, regime="calm").at(10_001)
    for venue in range(3):
        late(stage, "oracle.external", f"external-{venue + 1}", 60_000)
    stage.world.market_data.stop()
    stage.world.start_service("market_data")
    stage.at(60_000)
    assert not stage.world.market_data.is_ready
    assert 10_000 == told(stage.events, PricesPublished)[-1][0]


@pytest.mark.parametrize("seed", [1, 2])
def test_restarted_service_is_ready_with_its_first_prices_and_not_before(seed: int) -> None:
    """Late feeds delay its readiness by as much; nothing is published before."""
    plan = (OracleDelay(step="start-services", target="spot", delay_ms=40_000, lasts_ms=10_000),)
    for faults, least_ms, most_ms in (((), 0, 10_000), (plan, 10_000, 50_000)):
        events = play(plan=faults, seed=seed).events
        begun_ms = started_at(events, "start-services")
        ready_ms = next(
            at_ms
            for at_ms, e in told(events, ServiceState)
            if (e.service, e.state) == ("market_data", "ready") and at_ms >= begun_ms
        )
        assert least_ms < ready_ms - begun_ms <= most_ms
        assert [] == [at for at, _ in told(events, PricesPublished) if begun_ms <= at < ready_ms]


def test_stopped_service_forgets_its_prices() -> None:
    """Feeds and last prices are memory; messages on their way to the old process are not taken by the new one."""
    stage = Stage(*SECOND).at(10_010)
    service = stage.world.market_data
    service.stop()
    assert service.last is None
    stage.world.start_service("market_data")
    stage.at(10_100)
    assert (service.spot.made_ms == NEVER).all()


def test_prices_reach_cloud_and_chain_after_their_way() -> None:
    """The cloud hears after the bus, the chain with its next block, and the two then have the same marks."""
    stage = Stage(*SECOND, regime="calm").at(5_005)
    before = stage.world.cloud.mark.copy()
    stage.at(5_006)
    after = stage.world.cloud.mark
    assert (before != after).any()
    stage.at(10_001)
    assert after.tolist() == stage.world.chain.mark.tolist()
