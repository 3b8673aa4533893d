"""The index watch: what was published before, and how far the next publication may be from it."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.models.events import IndexPublished, RollbackDone, SnapshotTaken
from drydock.models.perp.funding import max_step
from drydock.models.watch import IndexWatch
from tests.nights import Stage


def publish(stage: Stage, markets: list[int], by: int) -> IndexWatch:
    """Moves the published indices of these markets, and gives the watch that saw it."""
    watch = stage.world.truth.watch
    at = np.array(markets)
    stage.sim.emit(IndexPublished(1, at, watch.index[at] + by, np.full(len(at), 5_000), 0))
    return watch


def quiet() -> Stage:
    """A world in which only the test publishes."""
    return Stage(is_started=False)


def test_watch_keeps_what_was_published_just_before() -> None:
    """Before, step and index are of the markets of the publication; the others keep theirs."""
    stage = quiet().at(5_000)
    start = stage.world.truth.start_index
    watch = publish(stage, [0, 2], -700)
    assert [700, 700] == watch.step.tolist()
    assert start[[0, 2]].tolist() == watch.before.tolist()
    assert (start + np.array([-700, 0, -700])).tolist() == watch.index.tolist()
    assert [5_000, 0, 5_000] == watch.at_ms.tolist()


def test_right_tick_is_small_and_a_reset_is_not() -> None:
    """The cheap way out is taken by every tick of a right venue, and never by an index that goes to zero."""
    stage = Stage(regime="calm")
    small: list[bool] = []
    stage.sim.hear(IndexPublished, lambda _: small.append(stage.world.truth.watch.is_small))
    stage.at(118_000)
    assert len(small) > 20
    assert all(small)
    publish(stage, [1], -int(stage.world.truth.watch.index[1]))
    assert not small[-1]


def test_small_step_is_within_every_bound() -> None:
    """Whatever is called small is below the bound with and without the cap on the gap: the screen lets nothing pass."""
    stage = quiet()
    for at_ms in (5_000, 10_000, 400_000):
        stage.at(at_ms)
        watch = publish(stage, [0, 1, 2], 0)
        for cap_ms in (None, 30_000, 0):
            assert (watch.small <= watch.bound(cap_ms)).all()


@pytest.mark.parametrize(("cap_ms", "dt_ms"), [(None, 100_000), (30_000, 30_000), (1_000, 5_000)])
def test_bound_grows_with_the_time_since_the_last_publication_up_to_the_cap(cap_ms: int | None, dt_ms: int) -> None:
    """r * S * min(dt, cap) / T, at least one tick, with a tenth of the price to spare."""
    stage = quiet().at(10_000)
    publish(stage, [0, 1, 2], 0)
    stage.at(110_000)
    watch = publish(stage, [0, 1, 2], 0)
    facts, spot = stage.world.markets, stage.world.outside.spot(0)
    expected = max_step(facts.rate_cap_ppm, spot + spot // 10, dt_ms, facts.period_ms)
    assert expected.tolist() == watch.bound(cap_ms).tolist()


def test_bound_of_an_earlier_publication_is_not_kept() -> None:
    """Each publication is judged by its own time and markets."""
    stage = quiet().at(100_000)
    first = publish(stage, [0, 1, 2], 0).bound(None).tolist()
    stage.at(105_000)
    assert first[0] > publish(stage, [0], 0).bound(None)[0]
    assert 1 == len(stage.world.truth.watch.bound(None))


def test_rollback_takes_the_watch_back_to_the_snapshot() -> None:
    """After it the next publication is judged against what stood at the snapshot, as of now."""
    stage = quiet().at(5_000)
    publish(stage, [0, 1, 2], 50)
    stage.sim.emit(SnapshotTaken(1, 0, 0, 0, 0))
    kept = stage.world.truth.watch.index.copy()
    stage.at(50_000)
    publish(stage, [0, 1, 2], 1 << 40)
    stage.sim.emit(RollbackDone(*([0] * len(RollbackDone._fields))))
    assert kept.tolist() == stage.world.truth.watch.index.tolist()
    assert {50_000} == set(stage.world.truth.watch.at_ms.tolist())
